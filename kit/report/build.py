"""Builds report.html (self-contained, pictures as SVG), report.png (the same pictures) and report.json (every number)."""

from __future__ import annotations

from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

from kit.core.errors import KitError
from kit.core.store import atomic_path, write_json
from kit.report import figures
from kit.report.integration import Integration, difference, integration
from kit.report.results import MEASURES, Results, load_results
from kit.report.verdict import verdict
from kit.stats.intervals import Estimate
from kit.stats.laws import Fit, fit_laws

_CURVE = ["known 1-hop", "known 2-hop", "known 2-hop, direct", "known 3-hop"]
_FOUR = [
    "novel 1-hop",
    "novel 2-hop",
    "novel 2-hop, direct",
    "novel 2-hop, direct, format supplied",
    "novel 2-hop, forced choice",
    "novel 2-hop, facts in prompt",
]
_RETENTION = ["known recall", "known 1-hop", "known 2-hop"]


def build_report(directory: Path) -> dict[str, Any]:
    """Write the three files into a finished sweep's directory; returns what report.json holds.

    Raises KitError when the sweep is unfinished or the `report` extra is not installed.
    """
    try:
        import vl_convert
    except ImportError:
        raise KitError("figures need the report extra: pip install 'knowledge-injection-kit[report]'") from None
    import jinja2

    results = load_results(directory)
    arm = "posttrain" if "posttrain" in results.arms else next(iter(results.arms))
    fits, reasons = _fits(results, arm, "known 2-hop")
    top = max(results.config["counts"])
    tables = [
        _curve_table(results, arm),
        _arms_table(results, top),
        _integration_table(results, top),
        _difference_table(results),
        _laws_table(fits, reasons),
        _retention_table(results, top),
        _matching_table(results, top),
        _cost_table(results),
    ]
    lines = verdict(results, fits, reasons)
    charts = {
        "curve": figures.curve(results, arm, _CURVE, "The known world by D (post-trained, held-out persons)"),
        "arms": figures.arms(results, "novel 2-hop", "Novel 2-hop questions by D and arm (chain of thought)"),
        "errors_known": figures.errors(results, arm, "known 2-hop", "Why known 2-hop answers fail"),
        "errors_novel": figures.errors(results, "inject", "novel 2-hop", "Why novel 2-hop answers fail after injection"),
        "measures": figures.measures(results, top, _FOUR, f"Integration, measured four ways (D = {top})"),
        "laws": figures.laws(results, arm, "known 2-hop", fits),
        "retention": figures.arms(results, "known 2-hop", "Retention: known 2-hop by D and arm"),
    }
    drawn = {name: chart for name, chart in charts.items() if chart is not None}
    page = jinja2.Environment(autoescape=True).from_string(resources.files("kit.report").joinpath("page.html").read_text("utf-8"))
    svgs = {name: vl_convert.vegalite_to_svg(chart.to_json()) for name, chart in drawn.items()}
    text = page.render(results=results, lines=lines, tables=[t for t in tables if t["rows"]], svgs=svgs, top=top)
    with atomic_path(directory / "report.html") as temporary:
        temporary.write_text(text, "utf-8")
    with atomic_path(directory / "report.png") as temporary:
        temporary.write_bytes(vl_convert.vegalite_to_png(_grid(list(drawn.values())).to_json(), scale=1.5))
    report = {
        "verdict": [asdict(line) for line in lines],
        "tables": tables,
        "fits": [asdict(f) for f in fits],
        "fits_left_out": reasons,
        "gates": results.gates,
        "points": _points(results),
        "seconds": results.seconds,
    }
    write_json(directory / "report.json", report)
    return report


def _grid(charts: list[Any]) -> Any:
    """Two figures a row on white."""
    import altair as alt

    rows = [alt.hconcat(*charts[i : i + 2]).resolve_scale(color="independent") for i in range(0, len(charts), 2)]
    return alt.vconcat(*rows).resolve_scale(color="independent").configure(background="white")


def _fits(results: Results, arm: str, measure: str) -> tuple[list[Fit], dict[str, str]]:
    """Laws on the counts of one arm, right answers summed over seeds."""
    rows = []
    for count in results.counts(arm):
        cells = results.at(arm, count, measure)
        if cells:
            scores = [c.score(measure) for c in cells]
            rows.append((count, float(sum(s.sum() for s in scores)), sum(s.size for s in scores)))
    if not rows:
        return [], {"every form": f"{measure} was not asked"}
    counts, right, n = zip(*rows, strict=True)
    return fit_laws(counts, right, n)


def _table(title: str, note: str, header: list[str], rows: list[list[str]]) -> dict[str, Any]:
    return {"title": title, "note": note, "header": header, "rows": rows}


def _text(estimate: Estimate | None) -> str:
    return str(estimate) if estimate else "–"


def _curve_table(results: Results, arm: str) -> dict[str, Any]:
    counts = results.counts(arm)
    names = [*_CURVE, "known 2-hop, held-out composition", "known recall"]
    rows = [[name, *(_text(results.estimate(arm, c, name)) for c in counts)] for name in names]
    rows = [row for row in rows if set(row[1:]) != {"–"}]
    note = "Held-out persons appear in no training question. D = 0: the same steps on known documents only."
    return _table("Accuracy by D, post-trained model, known world", note, ["", *(f"D = {c}" for c in counts)], rows)


def _arms_table(results: Results, top: int) -> dict[str, Any]:
    counts = sorted({c.count for c in results.cells})
    rows = []
    for arm, label in results.arms.items():
        row = [_text(results.estimate(arm, c, "novel 2-hop")) for c in counts]
        if set(row) != {"–"}:
            rows.append([label, *row])
    told = [_text(results.estimate("inject", c, "novel 2-hop, facts in prompt")) for c in counts]
    if "inject" in results.arms and set(told) != {"–"}:
        rows.append([f"{results.arms['inject']}, facts in the prompt", *told])
    prior = results.estimate("inject", top, "novel 2-hop", "popularity_guess") if "inject" in results.arms else None
    note = "Chain of thought. " + (
        f"Chance, the commonest object of the last relation guessed every time: {prior.value:.3f}." if prior else ""
    )
    return _table("Novel 2-hop by D and arm", note, ["", *(f"D = {c}" for c in counts)], rows)


def _integration_table(results: Results, top: int) -> dict[str, Any]:
    found: list[Integration] = [integration(results, arm, top) for arm in results.arms if results.at(arm, top, "novel 2-hop")]
    rows = [
        [
            results.arms[i.arm],
            *(_text(i.scores.get(name)) for name in _FOUR),
            str(i.ratio.estimate) if i.ratio.estimate else f"withheld: {i.ratio.withheld}",
            _text(i.composition),
        ]
        for i in found
    ]
    note = (
        "Raw scores, one and two hops, by chain of thought, directly, with the answer's first words supplied, by forced "
        "choice among five, and with the facts in the prompt; the share of the oracle's gain over no injection; and "
        "accuracy given that every hop is right by itself."
    )
    return _table(
        f"Integration, four ways (D = {top})",
        note,
        ["", *_FOUR, "share of the oracle's gain", "right given recall"],
        rows,
    )


def _difference_table(results: Results) -> dict[str, Any]:
    rows = []
    for other in ("none", "shuffled", "inject_first"):
        if other not in results.arms or "inject" not in results.arms:
            continue
        for count in results.counts("inject"):
            row = [results.arms[other], str(count)]
            for measure in ("novel 1-hop", "novel 2-hop", "novel 2-hop, direct"):
                found = difference(results, "inject", other, count, measure)
                row.append(f"{found[0]}, p = {found[1]:.2g}" if found else "–")
            if set(row[2:]) != {"–"}:
                rows.append(row)
    return _table(
        "Injected less control, paired on the same questions",
        "Bootstrap over bridge entities (one seed) or t on seeds; p: McNemar's exact test.",
        ["control", "D", "novel 1-hop", "novel 2-hop", "novel 2-hop, direct"],
        rows,
    )


def _laws_table(fits: list[Fit], reasons: dict[str, str]) -> dict[str, Any]:
    rows = [
        [
            f.form,
            f.formula,
            ", ".join(f"{v:.3g}" for v in (*f.linear, *((f.shape,) if f.form != "log-linear" else ()))),
            f"{f.log_likelihood:.1f}",
            f"{f.aicc:.1f}",
            f"{f.aicc_weight:.2f}",
            f"{f.held_out_error:+.3f}" if f.held_out_error is not None else "–",
        ]
        for f in fits
    ]
    rows += [[form, reason, "–", "–", "–", "–", "–"] for form, reason in reasons.items()]
    note = (
        "Likelihoods and weights compare the forms on the counts they share (D > 0). With few counts AICc punishes a third "
        "parameter hard: read the likelihood beside it. Power: P = a·D^s with s = 1/b."
    )
    header = ["form", "formula", "coefficients, shape", "log-likelihood", "AICc", "weight", "held-out error at the top"]
    return _table("Laws of known 2-hop accuracy, side by side", note, header, rows)


def _retention_table(results: Results, top: int) -> dict[str, Any]:
    rows = []
    for arm, label in results.arms.items():
        row = [_text(results.estimate(arm, top, name)) for name in _RETENTION]
        if set(row) != {"–"}:
            rows.append([label, *row])
    return _table(f"Retention of the known world (D = {top})", "", ["", *_RETENTION], rows)


def _matching_table(results: Results, top: int) -> dict[str, Any]:
    """What each arm was given, counted from its stages' settings: steps and rows by source."""
    rows = []
    for arm, label in results.arms.items():
        cell = next((c for c in results.cells if c.arm == arm and c.count == top), None)
        if not cell:
            continue
        totals: dict[str, int] = {}
        steps = 0
        for stage in cell.stages:
            config = results.manifests[stage].config
            count = int(results.manifests[stage].results["steps"])
            steps += count
            for source, each in config["rows"].items():
                name = "known" if source == "examples" and not config["examples"] else source
                totals[name] = totals.get(name, 0) + each * count
        names = ("examples", "known", "novel", "shuffled", "reading")
        rows.append([label, f"{steps:,}", *(f"{totals.get(n, 0):,}" for n in names)])
    header = ["", "steps", "example rows", "known documents", "novel documents", "shuffled documents", "reading rows"]
    return _table(f"What the arms were given after the base (D = {top})", "Arms differ only where this table does.", header, rows)


def _cost_table(results: Results) -> dict[str, Any]:
    rows = []
    for kind in ("generate", "train", "eval"):
        found = [m for m in results.manifests.values() if m.stage == kind]
        if found:
            rows.append(
                [
                    kind,
                    str(len(found)),
                    f"{sum(m.seconds for m in found):,.0f}",
                    f"{sum(m.cpu_seconds for m in found):,.0f}",
                    f"{max(m.peak_memory_bytes for m in found) / 2**20:,.0f}",
                    f"{sum(m.results.get('tokens', 0) for m in found):,.0f}" if kind == "train" else "–",
                    f"{sum(6 * m.results['parameters'] * m.results['tokens'] for m in found):.2e}" if kind == "train" else "–",
                ]
            )
    note = f"The whole sweep took {results.seconds:,.0f} s of wall time on {results.workers} processes"
    note += f"; {results.reused} stages were there already." if results.reused else "."
    header = ["stage", "runs", "seconds", "CPU-seconds", "peak MiB", "tokens", "FLOPs (6·parameters·tokens)"]
    return _table("Cost", note, header, rows)


def _points(results: Results) -> list[dict[str, Any]]:
    """Every estimate and every seed's own value: arm x count x measure."""
    points = []
    for arm in results.arms:
        for count in results.counts(arm):
            for measure in MEASURES:
                found = results.estimate(arm, count, measure)
                if found:
                    by_seed = {str(c.seed): float(c.score(measure).mean()) for c in results.at(arm, count, measure)}
                    points.append({"arm": arm, "D": count, "measure": measure, **found._asdict(), "seeds": by_seed})
    return points
