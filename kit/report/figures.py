"""The report's figures, each an Altair chart of a few rows; rendered to SVG for the page and to PNG by vl-convert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from kit.report.curves import ERRORS, Curve
from kit.report.results import Results
from kit.stats.intervals import Estimate

_WIDTH, _HEIGHT = 430, 260
_SHARE = alt.Scale(domain=[0, 1])


def _row(estimate: Estimate, **keys: object) -> dict[str, Any]:
    return {**keys, "accuracy": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n}


def _lines(rows: list[dict[str, Any]], colour: str, title: str, order: list[str], counts: list[int]) -> alt.LayerChart:
    x = alt.X("D:Q", scale=alt.Scale(type="symlog", constant=10), axis=alt.Axis(values=counts), title="D, finetuning examples")
    base = alt.Chart(alt.Data(values=rows), width=_WIDTH, height=_HEIGHT, title=title).encode(
        x=x,
        color=alt.Color(
            f"{colour}:N", sort=order, title=None, legend=alt.Legend(orient="bottom", symbolOpacity=1, columns=2, labelLimit=260)
        ),
    )
    band = base.mark_errorbar(opacity=0.5).encode(y=alt.Y("low:Q", title="score", scale=_SHARE), y2="high:Q")
    return band + base.mark_line(point=True).encode(y=alt.Y("accuracy:Q", scale=_SHARE, title="score"))


def curve(results: Results, arm: str, measures: list[str], title: str) -> alt.LayerChart | None:
    """Accuracy by D of one arm, a line a measure."""
    rows = [
        _row(found, D=count, measure=measure)
        for measure in measures
        for count in results.counts(arm)
        if (found := results.estimate(arm, count, measure))
    ]
    return _lines(rows, "measure", title, measures, results.counts(arm)) if rows else None


def arms(results: Results, measure: str, title: str) -> alt.LayerChart | None:
    """Accuracy by D on one measure, a line an arm."""
    rows = [
        _row(found, D=count, arm=label)
        for arm, label in results.arms.items()
        for count in results.counts(arm)
        if (found := results.estimate(arm, count, measure))
    ]
    counts = sorted({r["D"] for r in rows})
    return _lines(rows, "arm", title, list(results.arms.values()), counts) if rows else None


def tasks(curves: Sequence[Curve]) -> alt.LayerChart | None:
    """The score of every task by D."""
    rows = [_row(found, D=count, task=curve.name) for curve in curves for count, found in curve.points]
    counts = sorted({r["D"] for r in rows})
    return _lines(rows, "task", "Tasks by D", [curve.name for curve in curves], counts) if rows else None


def laws(curve: Curve) -> alt.LayerChart | None:
    """The fitted forms over the points they were fitted to."""
    points = [_row(found, D=count) for count, found in curve.points if count]
    counts = [row["D"] for row in points]
    if not points or not curve.fits:
        return None
    grid = [10 ** (x / 40) * counts[0] for x in range(int(40 * _decades(counts)) + 1)]
    rows = [
        {"D": d, "accuracy": p, "form": f"{f.form} ({f.aicc_weight:.2f})"}
        for f in curve.fits
        for d, p in zip(grid, f.predict(grid), strict=True)
    ]
    x = alt.X("D:Q", scale=alt.Scale(type="log"), axis=alt.Axis(values=counts), title="D, finetuning examples")
    lines = (
        alt.Chart(alt.Data(values=rows), width=_WIDTH, height=_HEIGHT, title=f"Laws fitted to {curve.name} (AICc weight)")
        .mark_line()
        .encode(
            x=x,
            y=alt.Y("accuracy:Q", scale=_SHARE, title="score"),
            color=alt.Color("form:N", title=None, legend=alt.Legend(orient="bottom", symbolOpacity=1, columns=2, labelLimit=260)),
        )
    )
    seen = alt.Chart(alt.Data(values=points)).encode(x=x)
    bars = seen.mark_errorbar(color="black").encode(y=alt.Y("low:Q", title="score"), y2="high:Q")
    return lines + bars + seen.mark_point(filled=True, color="black").encode(y="accuracy:Q")


def _decades(counts: list[int]) -> float:
    import math

    return math.log10(counts[-1] / counts[0]) if len(counts) > 1 else 0.0


def errors(curve: Curve) -> alt.Chart | None:
    """Shares of error kinds by D, of all questions."""
    rows = [
        {"D": str(count), "kind": kind.replace("_", " "), "share": share.value, "rank": ERRORS.index(kind)}
        for count, kinds in curve.errors.items()
        for kind, share in kinds.items()
        if share.value
    ]
    if not rows:
        return None
    return (
        alt.Chart(alt.Data(values=rows), width=_WIDTH, height=_HEIGHT, title=f"Why answers fail: {curve.name}")
        .mark_bar()
        .encode(
            x=alt.X(
                "D:N",
                sort=[str(c) for c in curve.errors],
                title="D, finetuning examples",
                axis=alt.Axis(labelAngle=0),
            ),
            y=alt.Y("share:Q", title="share of questions", scale=_SHARE),
            color=alt.Color(
                "kind:N",
                sort=[e.replace("_", " ") for e in ERRORS],
                title=None,
                legend=alt.Legend(orient="bottom", symbolOpacity=1, columns=3),
            ),
            order=alt.Order("rank:Q"),
        )
    )


def measures(results: Results, count: int, names: list[str], title: str) -> alt.LayerChart | None:
    """Every arm's score on each of the given measures at one count, with intervals."""
    rows = [
        _row(found, arm=label, measure=measure)
        for arm, label in results.arms.items()
        for measure in names
        if (found := results.estimate(arm, count, measure))
    ]
    if not rows:
        return None
    base = alt.Chart(alt.Data(values=rows), width=_WIDTH, title=title, height=alt.Step(13)).encode(
        y=alt.Y("measure:N", sort=names, title=None, axis=alt.Axis(labelLimit=240)),
        yOffset=alt.YOffset("arm:N", sort=list(results.arms.values())),
        color=alt.Color(
            "arm:N",
            sort=list(results.arms.values()),
            title=None,
            legend=alt.Legend(orient="bottom", symbolOpacity=1, columns=2, labelLimit=260),
        ),
    )
    ticks = base.mark_rule(opacity=0.5).encode(x=alt.X("low:Q", scale=_SHARE, title="score"), x2="high:Q")
    return ticks + base.mark_point(filled=True, size=40).encode(x=alt.X("accuracy:Q", scale=_SHARE))
