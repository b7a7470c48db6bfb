"""The four measures of integration, each arm against its controls on the same questions (raw, oracle, composition, choice)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kit.report.results import CellResult, Results, pooled
from kit.stats.intervals import Estimate, over_seeds
from kit.stats.paired import Ratio, mcnemar, oracle_ratio, paired_difference


@dataclass(frozen=True, slots=True)
class Integration:
    """One arm at one count. `differences`: measure -> arm less no injection, paired. `ratio`: share of the oracle's gain.
    `composition`: accuracy on the questions whose every hop is right when asked by itself."""

    arm: str
    count: int
    scores: dict[str, Estimate]
    differences: dict[str, Estimate]
    ratio: Ratio
    composition: Estimate | None


def _aligned(a: CellResult, b: CellResult, measure: str) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    """Scores of two cells on the questions both were asked, with clusters."""
    other = {r.question_id: r.scores["exact_match"] for r in b.records[measure]}
    kept = [(r.scores["exact_match"], other[r.question_id], f"{a.seed}:{r.cluster}") for r in a.records[measure]
            if r.question_id in other]  # fmt: skip
    return np.array([k[0] for k in kept]), np.array([k[1] for k in kept]), [k[2] for k in kept]


def difference(results: Results, a: str, b: str, count: int, measure: str) -> tuple[Estimate, float] | None:
    """Arm a less arm b at a count, with McNemar's p over all seeds' questions. None where not both were asked.

    One seed: paired cluster bootstrap over questions. More: t on the seeds' paired differences.
    """
    pairs = []
    for cell in results.at(a, count, measure):
        twin = next((c for c in results.at(b, count, measure) if c.seed == cell.seed), None)
        if twin:
            pairs.append(_aligned(cell, twin, measure))
    if not pairs:
        return None
    x, y = (np.concatenate([p[i] for p in pairs]) for i in (0, 1))
    means = [float((p[0] - p[1]).mean()) for p in pairs]
    if max(means) == min(means):
        return paired_difference(x, y, [label for p in pairs for label in p[2]]), mcnemar(x, y)
    return over_seeds(means, x.size), mcnemar(x, y)


def composition_given_recall(cells: Sequence[CellResult], measure: str) -> Estimate | None:
    """P(question right | each of its hops right when asked by itself); None where no question qualifies."""
    values, clusters = [], []
    for cell in cells:
        kept = [r for r in cell.records.get(measure, []) if r.scores.get("sub_questions_right") == 1.0]
        if kept:
            values.append(np.array([r.scores["exact_match"] for r in kept]))
            clusters.append([f"{cell.seed}:{r.cluster}" for r in kept])
    return pooled(values, clusters) if values else None


def integration(results: Results, arm: str, count: int, control: str = "none") -> Integration:
    """All four measures of one arm at one count, the oracle being the same checkpoint with the facts in its prompt."""
    scores = {}
    for measure in sorted({m for c in results.cells if c.arm == arm for m in c.records}):
        found = results.estimate(arm, count, measure)
        if found:
            scores[measure] = found
    differences = {}
    for measure in scores:
        found_difference = difference(results, arm, control, count, measure) if measure.startswith("novel") else None
        if found_difference:
            differences[measure] = found_difference[0]
    return Integration(
        arm, count, scores, differences, _ratio(results, arm, control, count),
        composition_given_recall(results.at(arm, count, "novel 2-hop"), "novel 2-hop"),
    )  # fmt: skip


def _ratio(results: Results, arm: str, control: str, count: int) -> Ratio:
    rows: list[tuple[float, float, float, str]] = []
    for cell in results.at(arm, count, "novel 2-hop, facts in prompt"):
        twin = next((c for c in results.at(control, count, "novel 2-hop") if c.seed == cell.seed), None)
        if twin and "novel 2-hop" in cell.records:
            none = {r.question_id: r.scores["exact_match"] for r in twin.records["novel 2-hop"]}
            told = {r.question_id: r.scores["exact_match"] for r in cell.records["novel 2-hop, facts in prompt"]}
            rows += [
                (r.scores["exact_match"], none[r.question_id], told[r.question_id], f"{cell.seed}:{r.cluster}")
                for r in cell.records["novel 2-hop"]
                if r.question_id in none and r.question_id in told
            ]
    if not rows:
        return Ratio(None, "not asked with the facts in the prompt")
    injected, without, oracle, clusters = zip(*rows, strict=True)
    return oracle_ratio(injected, without, oracle, clusters)
