"""The report's figures, each an Altair chart of a few rows; rendered to SVG for the page and to PNG by vl-convert.

An arm has one colour in all of them, and a line joins two counts only where the arm was run at every count between them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from kit.report.claims.decay import Decay
from kit.report.curves import ERRORS, Curve
from kit.report.results import Results
from kit.stats.goodness import Laws
from kit.stats.intervals import Estimate

_WIDTH, _HEIGHT = 430, 260
_SHARE = alt.Scale(domain=[0, 1])
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c510a", "#7570b3", "#666666")
"""Okabe and Ito's, which colour-blind eyes tell apart, and three more."""


def _row(estimate: Estimate, **keys: object) -> dict[str, Any]:
    return {**keys, "score": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n}


def _legend() -> alt.Legend:
    return alt.Legend(orient="bottom", symbolOpacity=1, columns=2, labelLimit=260)


def _colour(place: int) -> str:
    """Beyond the palette, ever other hues."""
    return COLOURS[place] if place < len(COLOURS) else f"hsl({place * 137 % 360}, 60%, 45%)"


def arm_colour(results: Results, shown: Sequence[str]) -> alt.Color:
    """Every arm's own colour, with a legend of those that are shown."""
    labels = list(results.arms.values())
    kept = [label for label in labels if label in shown]
    scale = alt.Scale(domain=kept, range=[_colour(labels.index(label)) for label in kept])
    return alt.Color("arm:N", scale=scale, title=None, legend=_legend())


def _by_count(counts: Sequence[int]) -> alt.X:
    return alt.X(
        "D:Q", scale=alt.Scale(type="symlog", constant=10), axis=alt.Axis(values=list(counts), labelOverlap=True),
        title="D, finetuning examples",
    )  # fmt: skip


def _segments(rows: list[dict[str, Any]], key: str, counts: Sequence[int]) -> list[dict[str, Any]]:
    """Rows with the stretch of neighbouring counts each belongs to: what a line may join."""
    place = {count: i for i, count in enumerate(counts)}
    found = []
    last: dict[str, tuple[int, int]] = {}
    for row in sorted(rows, key=lambda r: r["D"]):
        at, stretch = last.get(row[key], (-2, 0))
        stretch += place[row["D"]] != at + 1
        last[row[key]] = place[row["D"]], stretch
        found.append({**row, "stretch": f"{row[key]} {stretch}"})
    return found


def _lines(
    rows: list[dict[str, Any]], key: str, counts: Sequence[int], title: str, colour: alt.Color, what: str
) -> alt.LayerChart:
    """Scores by D with their intervals, a line for each value of `key`, through neighbouring counts alone."""
    base = alt.Chart(alt.Data(values=_segments(rows, key, counts)), width=_WIDTH, height=_HEIGHT, title=title)
    base = base.encode(x=_by_count(counts), color=colour)
    return _joined(base, what, detail="stretch:N")


def _joined(base: alt.Chart, what: str, **line: str) -> alt.LayerChart:
    """Scores as points with their intervals, and lines between them."""
    score = alt.Y("score:Q", scale=_SHARE, title=what)
    bars = base.mark_errorbar(opacity=0.6).encode(y=alt.Y("low:Q", title=what, scale=_SHARE), y2="high:Q")
    points = base.mark_point(filled=True, size=45, opacity=1).encode(y=score)
    return bars + base.mark_line().encode(y=score, **line) + points


def measure(results: Results, name: str) -> alt.LayerChart | None:
    """A measure by D, a colour an arm; None where no arm was asked it at several counts. Of more arms than colours those are
    drawn that were run at several counts; the others stand in `top`."""
    few = len(results.arms) <= len(COLOURS)
    rows = [
        _row(found, D=count, arm=label)
        for arm, label in results.arms.items()
        for count in results.counts[arm]
        if (few or len(results.counts[arm]) > 1) and (found := results.estimate(arm, count, name))
    ]
    counts = sorted({r["D"] for r in rows})
    if len(counts) < 2:
        return None
    colour = arm_colour(results, [r["arm"] for r in rows])
    return _lines(rows, "arm", counts, results.measure(name), colour, results.score_name(name).replace("_", " "))


def top(results: Results) -> alt.LayerChart | alt.FacetChart | None:
    """Every measure of every arm at the arm's greatest count: a colour an arm; of more arms than colours, a panel a measure."""
    rows = [
        _row(found, arm=results.arm(arm), measure=label)
        for arm, counts in results.counts.items()
        for name, label in results.measures.items()
        if counts and (found := results.estimate(arm, max(counts), name))
    ]
    if not rows:
        return None
    arms = list(results.arms.values())
    title = "Every measure, each arm at its greatest D"
    if len(arms) > len(COLOURS):
        panel = alt.Chart(width=_WIDTH / 2, height=alt.Step(11)).encode(
            y=alt.Y("arm:N", sort=arms, title=None, axis=alt.Axis(labelLimit=300))
        )
        return (
            (_intervals(panel) + panel.mark_point(filled=True, size=30, opacity=1, color="black").encode(x=_SCORE))
            .facet(
                facet=alt.Facet("measure:N", sort=list(results.measures.values()), title=None),
                data=alt.Data(values=rows),
                columns=2,
            )
            .resolve_scale(y="independent")
            .properties(title=title)
        )
    base = alt.Chart(alt.Data(values=rows), width=_WIDTH, title=title, height=alt.Step(8)).encode(
        y=alt.Y("measure:N", sort=list(results.measures.values()), title=None, axis=alt.Axis(labelLimit=240)),
        yOffset=alt.YOffset("arm:N", sort=arms),
        color=arm_colour(results, [r["arm"] for r in rows]),
    )
    return _intervals(base) + base.mark_point(filled=True, size=40, opacity=1).encode(x=_SCORE)


_SCORE = alt.X("score:Q", scale=_SHARE)


def _intervals(base: alt.Chart) -> alt.Chart:
    return base.mark_rule(opacity=0.6).encode(x=alt.X("low:Q", scale=_SHARE, title="score"), x2="high:Q")


def lasting(results: Results, name: str) -> alt.LayerChart | None:
    """What is left of a measure by steps on other data, a line for every claim of its decay; None where there is none."""
    rows = []
    for claim in results.claims:
        if not isinstance(claim, Decay) or claim.measure != name:
            continue
        cells = claim.cells(results.counts)
        since = [results.steps_since(cell, claim.source) for cell in cells]
        for cell, steps in zip(cells, since, strict=True):
            if found := results.estimate(cell.arm, cell.count, name):
                rows.append(_row(found, steps=round(steps - since[0]), arm=results.arm(cells[0].arm)))
    if not rows:
        return None
    title = f"What lasts: {results.measure(name)}"
    x = alt.X(
        "steps:Q", title="steps on other data", scale=alt.Scale(type="symlog", constant=30),
        axis=alt.Axis(values=sorted({row["steps"] for row in rows})),
    )  # fmt: skip
    base = alt.Chart(alt.Data(values=rows), width=_WIDTH, height=_HEIGHT, title=title)
    base = base.encode(x=x, color=arm_colour(results, [row["arm"] for row in rows]))
    return _joined(base, "score")


def laws(curve: Curve, found: Laws) -> alt.LayerChart | None:
    """The fitted forms over the points they were fitted to."""
    points = [_row(estimate, D=count) for count, estimate in curve.points if count]
    counts = [row["D"] for row in points]
    if len(points) < 2 or not found.fits:
        return None
    decades = math.log10(counts[-1] / counts[0])
    grid = [counts[0] * 10 ** (decades * i / 60) for i in range(61)]
    rows = [
        {"D": d, "score": p, "form": f.form + ("" if f.p is None else ", rejected" if f.rejected else f", p = {f.p:.2g}")}
        for f in found.fits
        for d, p in zip(grid, f.predict(grid), strict=True)
    ]
    x = alt.X("D:Q", scale=alt.Scale(type="log"), axis=alt.Axis(values=counts), title="D, finetuning examples")
    lines = (
        alt.Chart(alt.Data(values=rows), width=_WIDTH, height=_HEIGHT, title=f"Laws: {curve.name}")
        .mark_line()
        .encode(
            x=x,
            y=alt.Y("score:Q", scale=_SHARE, title="score"),
            color=alt.Color("form:N", title=None, scale=alt.Scale(scheme="tableau10"), legend=_legend()),
        )
    )
    seen = alt.Chart(alt.Data(values=points)).encode(x=x)
    bars = seen.mark_errorbar(color="black").encode(y=alt.Y("low:Q", title="score"), y2="high:Q")
    return lines + bars + seen.mark_point(filled=True, color="black", opacity=1).encode(y="score:Q")


def in_format(curve: Curve) -> alt.LayerChart | None:
    """Style and substance apart: the share of answers in format, and of those the share that is right."""
    if not any(e.value < 1 for e in curve.in_format.values()):
        return None
    kinds = {"in format": curve.in_format, "right, of those in format": curve.right_in_format}
    rows = [_row(found, D=count, of=name) for name, by_count in kinds.items() for count, found in by_count.items()]
    counts = sorted(curve.in_format)
    colour = alt.Color("of:N", sort=list(kinds), title=None, scale=alt.Scale(range=["#999999", "#111111"]), legend=_legend())
    return _lines(rows, "of", counts, f"Format and task: {curve.name}", colour, "share")


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
            x=alt.X("D:N", sort=[str(c) for c in curve.errors], title="D, finetuning examples", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("share:Q", title="share of questions", scale=_SHARE),
            color=alt.Color("kind:N", sort=[e.replace("_", " ") for e in ERRORS], title=None, legend=_legend()),
            order=alt.Order("rank:Q"),
        )
    )
