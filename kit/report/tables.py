"""The report's tables: a title, a note, a header and rows of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kit.report.curves import Curve
from kit.report.integration import Integration, difference, integration
from kit.report.results import MEASURES, Results
from kit.stats.intervals import Estimate

Table = dict[str, Any]
CURVE = ["known 1-hop", "known 2-hop", "known 2-hop, direct", "known 3-hop"]
FOUR = [
    "novel 1-hop",
    "novel 2-hop",
    "novel 2-hop, direct",
    "novel 2-hop, direct, format supplied",
    "novel 2-hop, forced choice",
    "novel 2-hop, facts in prompt",
]
_RETENTION = ["known recall", "known 1-hop", "known 2-hop"]


def _table(title: str, note: str, header: list[str], rows: list[list[str]]) -> Table:
    return {"title": title, "note": note, "header": header, "rows": rows}


def _text(estimate: Estimate | None) -> str:
    return str(estimate) if estimate else "–"


def curve_table(results: Results, arm: str) -> Table:
    """The known world after post-training, by D."""
    counts = results.counts(arm)
    names = [*CURVE, "known 2-hop, held-out composition", "known recall"]
    rows = [[name, *(_text(results.estimate(arm, c, name)) for c in counts)] for name in names]
    rows = [row for row in rows if set(row[1:]) != {"–"}]
    note = "Held-out persons appear in no training question. D = 0: the same steps on known documents only."
    return _table("Accuracy by D, post-trained model, known world", note, ["", *(f"D = {c}" for c in counts)], rows)


def arms_table(results: Results, top: int) -> Table:
    """Novel two-hop questions, by arm and D."""
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


def integration_table(results: Results, top: int) -> Table:
    """What was taken in, measured four ways, by arm."""
    found: list[Integration] = [integration(results, arm, top) for arm in results.arms if results.at(arm, top, "novel 2-hop")]
    rows = [
        [
            results.arms[i.arm],
            *(_text(i.scores.get(name)) for name in FOUR),
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
        ["", *FOUR, "share of the oracle's gain", "right given recall"],
        rows,
    )


def difference_table(results: Results) -> Table:
    """Injection less its controls, paired."""
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


def laws_table(curves: Sequence[Curve]) -> Table:
    """Every form fitted to every curve, and why others are not."""
    rows = []
    for curve in curves:
        for f in curve.fits:
            shape = () if f.form == "log-linear" else (f.shape,)
            held_out = f"{f.held_out_error:+.3f}" if f.held_out_error is not None else "–"
            coefficients = ", ".join(f"{v:.3g}" for v in (*f.linear, *shape))
            weights = [f"{f.log_likelihood:.1f}", f"{f.aicc:.1f}", f"{f.aicc_weight:.2f}"]
            rows.append([curve.name, f.form, f.formula, coefficients, *weights, held_out])
        rows += [[curve.name, form, reason, "–", "–", "–", "–", "–"] for form, reason in curve.left_out.items()]
    note = (
        "Likelihoods and weights compare the forms on the counts they share (D > 0). With few counts AICc punishes a third "
        "parameter hard: read the likelihood beside it. Power: P = a·D^s with s = 1/b."
    )
    header = ["", "form", "formula", "coefficients, shape", "log-likelihood", "AICc", "weight", "held-out error at the top"]
    return _table("Laws, side by side", note, header, rows)


def tasks_table(results: Results) -> Table:
    """Every score of the measures that are not of kit's own questions, by arm and D."""
    counts = sorted({c.count for c in results.cells})
    rows = []
    for measure in (m for m in results.measures if m not in MEASURES):
        for arm, label in results.arms.items():
            cells = [c for c in results.cells if c.arm == arm and measure in c.records]
            for score in cells[0].scores(measure) if cells else ():
                rows.append([label, measure, score, *(_text(results.estimate(arm, c, measure, score)) for c in counts)])
    return _table("Tasks by D", "", ["", "measure", "score", *(f"D = {c}" for c in counts)], rows)


def errors_table(curves: Sequence[Curve]) -> Table:
    """Why answers fail, by D."""
    counts = sorted({count for curve in curves for count in curve.errors})
    rows = []
    for curve in curves:
        for kind in next(iter(curve.errors.values())):
            shares = [_text(curve.errors[c][kind]) if c in curve.errors else "–" for c in counts]
            rows.append([curve.name, kind.replace("_", " "), *shares])
    note = "Shares of all answers, computed from gold sub-answers, the answer's own equations, or what its program did."
    return _table("Why answers fail, by D", note, ["", "error", *(f"D = {c}" for c in counts)], rows)


def retention_table(results: Results, top: int) -> Table:
    """What is left of the known world, by arm."""
    rows = []
    for arm, label in results.arms.items():
        row = [_text(results.estimate(arm, top, name)) for name in _RETENTION]
        if set(row) != {"–"}:
            rows.append([label, *row])
    return _table(f"Retention of the known world (D = {top})", "", ["", *_RETENTION], rows)


def matching_table(results: Results, top: int) -> Table:
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
    return _table(
        f"What the arms were given after the base (D = {top})",
        "Where arms agree here, they differ in what their rows say.",
        header,
        rows,
    )


def cost_table(results: Results) -> Table:
    """What the stages took, by kind."""
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
