"""The report's tables: a title, a note, a header and rows of text, made of measures, arms and claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kit.report.claims import Claim
from kit.report.claims.chance import CHANCES
from kit.report.curves import Curve
from kit.report.results import Results
from kit.report.shown import BY_SOURCE, OVERALL, Source
from kit.stats.goodness import POWER, Laws
from kit.stats.intervals import Estimate
from kit.stats.laws import FORMS

Table = dict[str, Any]


def _table(title: str, note: str, header: list[str], rows: list[list[str]]) -> Table:
    return {"title": title, "note": note, "header": header, "rows": rows}


def _upright(table: Table) -> Table:
    """The table, or where it is wider than high the same with its columns as rows."""
    if len(table["header"]) <= len(table["rows"]) + 1:
        return table
    header, *rows = (list(each) for each in zip(table["header"], *table["rows"], strict=True))
    return {**table, "header": header, "rows": rows}


def _text(estimate: Estimate | None) -> str:
    return str(estimate) if estimate else "–"


def top_table(results: Results) -> Table:
    """Every measure of every arm at the arm's greatest count, and what chance would have."""
    greatest = {arm: max(counts) for arm, counts in results.counts.items() if counts}
    priors = [prior for prior in CHANCES if any(results.has(m, prior) for m in results.measures)]
    rows = []
    for measure, label in results.measures.items():
        row = [_text(results.estimate(arm, count, measure)) for arm, count in greatest.items()]
        by_chance = []
        for prior in priors:
            cell = next((c for c in results.cells if measure in c.records), None) if results.has(measure, prior) else None
            by_chance.append(f"{results.values(cell, measure, prior).mean():.2f}" if cell else "–")
        rows.append([label, *row, *by_chance])
    header = [
        "",
        *(f"{results.arm(arm)}, D = {count}" for arm, count in greatest.items()),
        *(f"chance: {CHANCES[p]}" for p in priors),
    ]
    note = (
        "Each arm at its greatest D. Scores are those that a measure is compared by. Chance: of the first replicate's questions."
    )
    return _upright(_table("Every measure by arm", note, header, rows))


def arm_tables(results: Results) -> list[Table]:
    """For every arm that is run at several counts, its measures by D."""
    tables = []
    for arm, label in results.arms.items():
        counts = results.counts[arm]
        rows = [[name, *(_text(results.estimate(arm, c, m)) for c in counts)] for m, name in results.measures.items()]
        rows = [row for row in rows if set(row[1:]) != {"–"}]
        if len(counts) > 1:
            tables.append(_table(f"By D: {label}", "", ["", *(f"D = {c}" for c in counts)], rows))
    return tables


def replicates_table(results: Results) -> Table:
    """Where there are several replicates, each one's own scores at the arms' greatest counts."""
    rows = []
    for measure, label in results.measures.items() if len(results.replicates) > 1 else ():
        for arm, counts in results.counts.items():
            cells = results.at(arm, max(counts), measure) if counts else []
            by_number = {c.replicate: f"{results.values(c, measure).mean():.3f}" for c in cells}
            if by_number:
                rows.append(
                    [
                        label,
                        f"{results.arm(arm)}, D = {max(counts)}",
                        *(by_number.get(i, "–") for i in range(len(results.replicates))),
                    ]
                )
    return _table("Each replicate's own scores", "", ["measure", "arm", *(f"replicate {n}" for n in results.replicates)], rows)


def laws_table(results: Results, laws: Mapping[str, Laws]) -> Table:
    """Every form fitted to every curve that a law is claimed of."""
    rows = []
    for name, found in laws.items():
        for f in found.fits:
            coefficients = ", ".join(f"{key} = {value:.3g}" for key, value in f.coefficients.items())
            standing = "–" if f.p is None else "rejected" if f.rejected else "not rejected"
            rows.append(
                [name, f.form, f.formula, coefficients, _shape(f.form, f.interval), f"{f.deviance:.1f}", str(f.spare),
                 "–" if f.p is None else f"{f.p:.2g}", standing]
            )  # fmt: skip
        rows += [[name, form, why, "–", "–", "–", "–", "–", "not tested"] for form, why in found.untested.items()]
    note = (
        "Fitted to D > 0 by binomial likelihood, all replicates together. p: the chance, were the form true, of as much left "
        "over, against how much replicates differ and what questions bring; one replicate does not tell."
    )
    header = ["", "form", "formula", "coefficients", "95 % interval of the shape", "deviance", "to spare", "p", ""]
    return _table("Laws, side by side", note, header, rows)


def percent_table(results: Results, laws: Mapping[str, Laws]) -> Table:
    """The power laws in the units of arXiv 2410.03717: P = a·D^(1/b), P in percent."""
    rows = []
    for name, found in laws.items():
        if fit := found.fit(POWER):
            a, s = (fit.coefficients[key] for key in ("a", "s"))
            rows.append(
                [name, _percent(100 * a, fit.scale and (100 * fit.scale[0], 100 * fit.scale[1])),
                 _percent(1 / s if s > 0 else float("inf"), fit.interval and _turned(*fit.interval)) + _bounded(fit.interval),
                 "–" if fit.p is None else f"{fit.p:.2g}"]
            )  # fmt: skip
    note = (
        "P = a·D^(1/b), P in percent, fitted to D > 0, as in arXiv 2410.03717; 95 % intervals by the profile of the likelihood, "
        "which one replicate does not give. A small p says that no such law describes the curve, whatever a and b are."
    )
    return _table("Power laws in percent", note, ["", "a", "b", "p"], rows)


def _bounded(interval: tuple[float, float] | None) -> str:
    bounds = FORMS[POWER].bounds
    return ", at its bound" if interval and bounds and interval[1] >= bounds[1] else ""


def _turned(low: float, high: float) -> tuple[float, float]:
    """The interval of b = 1/s for that of s."""
    return 1 / high if high > 0 else float("inf"), 1 / low if low > 0 else float("inf")


def _percent(value: float, interval: tuple[float, float] | None) -> str:
    told = f"{value:.3g}"
    if interval:
        told += f" [{interval[0]:.3g}, {interval[1]:.3g}]"
    return told.replace("inf", "∞")


def _shape(form: str, interval: tuple[float, float] | None) -> str:
    if interval is None:
        return "–"
    low, high = interval
    return f"{FORMS[form].names[-1]} [{low:.3g}, {high:.3g}]"


def format_table(curves: Sequence[Curve]) -> Table:
    """Style and substance apart: the share of answers in the form asked for, and how many of those are right."""
    counts = sorted({count for curve in curves for count, _ in curve.points})
    rows = []
    for curve in curves:
        if any(e.value < 1 for e in curve.in_format.values()):
            rows.append([curve.name, "in format", *(_text(curve.in_format.get(c)) for c in counts)])
            rows.append([curve.name, "right, of those", *(_text(curve.right_in_format.get(c)) for c in counts)])
    note = "In format: the task's rule finds an answer. Learning the format raises the first row, learning the task the second."
    return _table("Format, and what is right within it, by D", note, ["", "", *(f"D = {c}" for c in counts)], rows)


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


def matching_table(results: Results) -> Table:
    """What each arm was shown after the base, at its greatest count, in the first replicate."""
    trained = {
        arm: next(c.training for c in results.cells if c.arm == arm and c.count == max(n))
        for arm, n in results.counts.items()
        if n
    }
    facts: dict[str, list[str]] = {}
    for training in trained.values():
        for source, shown in training.shown.items():
            facts[source] = sorted({*facts.get(source, ()), *shown})
    rows = []
    for name, (of, _) in OVERALL.items():
        rows.append([name, *(f"{of(t):,.0f}" for t in trained.values())])
    for source in facts:
        for name, (each, _) in BY_SOURCE.items():
            row = [f"{each(Source.of(t, source, facts[source])):,.4g}" if t.shown.get(source) else "–" for t in trained.values()]
            rows.append([f"{source} {name}", *row])
    note = (
        "Counted from the rows that training showed after the base. Of a source, in the mean over its facts: exposures, "
        "documents that no stage before had shown, the exposures of the least shown fact, the dose (learning rate times the "
        "row's share of the step, summed over exposures), and the steps from where a fact was last shown to the end."
    )
    header = ["", *(f"{results.arm(arm)}, D = {max(results.counts[arm])}" for arm in trained)]
    return _upright(_table("What the arms were shown", note, header, rows))


def claims_table(results: Results, claims: Sequence[Claim]) -> Table:
    """When each claim was put down."""
    rows = [
        [
            c.says,
            c.kind,
            ", ".join(c.differs) or "–",
            results.declared[d]["date"] if d in results.declared else "after an evaluation: post hoc",
        ]
        for c, d in zip(claims, results.digests, strict=True)
    ]
    return _table("The claims", "", ["claim", "kind", "may differ in", "put down"], rows)


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
