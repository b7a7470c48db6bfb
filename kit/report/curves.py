"""Curves: one measure of one arm by D, with the laws fitted to it, and why its answers fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np

from kit.core.records import ErrorKind
from kit.report.results import MEASURES, Results, pooled
from kit.stats.intervals import Estimate
from kit.stats.laws import Fit, fit_laws

ERRORS: tuple[ErrorKind, ...] = tuple(kind for kind in get_args(ErrorKind) if kind != "none")


@dataclass(frozen=True, slots=True)
class Curve:
    """A measure of an arm. name: the measure in words, and the arm where several have it. points: D and the score there,
    ascending. errors: by D, the share of all answers that fail in each way that occurs on the curve. fits, left_out: the laws,
    best first, and why others are not fitted."""

    arm: str
    measure: str
    name: str
    points: list[tuple[int, Estimate]]
    errors: dict[int, dict[ErrorKind, Estimate]]
    fits: list[Fit]
    left_out: dict[str, str]

    def reasoning_correlation(self) -> float | None:
        """Pearson's r, over the counts above 0, of all errors with those that are not of format; None where fewer than three
        counts, or errors that do not vary, leave it without a meaning."""
        shares = [
            (sum(e.value for e in kinds.values()), sum(e.value for kind, e in kinds.items() if kind != "format"))
            for count, kinds in self.errors.items()
            if count
        ]
        if len(shares) < 3:
            return None
        total, reasoning = np.array(shares).T
        return float(np.corrcoef(total, reasoning)[0, 1]) if total.std() > 1e-9 and reasoning.std() > 1e-9 else None


def first_arm(results: Results) -> str:
    """The arm whose models are post-trained alone."""
    return "posttrain" if "posttrain" in results.arms else next(iter(results.arms))


def curves(results: Results) -> list[Curve]:
    """Two-hop questions about the known world after post-training and about the novel one after injection, and every measure
    of other tasks or data, by arm."""
    wanted = [(first_arm(results), "known 2-hop")]
    if "inject" in results.arms:
        wanted.append(("inject", "novel 2-hop"))
    wanted += [(arm, measure) for measure in results.measures if measure not in MEASURES for arm in results.arms]
    found = [_curve(results, arm, measure) for arm, measure in wanted]
    return [curve for curve in found if len(curve.points) > 1]


def _curve(results: Results, arm: str, measure: str) -> Curve:
    counts = results.counts(arm)
    points = [(count, found) for count in counts if (found := results.estimate(arm, count, measure))]
    shares = {count: _shares(results, arm, count, measure) for count, _ in points}
    seen = [kind for kind in ERRORS if any(kinds[kind].value for kinds in shares.values())]
    rows = []
    for count, _ in points:
        scores = [c.score(measure) for c in results.at(arm, count, measure)]
        rows.append((count, float(sum(s.sum() for s in scores)), sum(s.size for s in scores)))
    fits, left_out = fit_laws(*zip(*rows, strict=True)) if rows else ([], {})
    shared = measure not in MEASURES and sum(any(results.at(a, c, measure) for c in results.counts(a)) for a in results.arms) > 1
    name = f"{measure}, {results.arms[arm]}" if shared else measure
    return Curve(arm, measure, name, points, {c: {k: kinds[k] for k in seen} for c, kinds in shares.items()}, fits, left_out)


def _shares(results: Results, arm: str, count: int, measure: str) -> dict[ErrorKind, Estimate]:
    """Of all answers, with the intervals that the scores have. An answer that the measure's own score finds right (and a
    stricter one beside it does not) is no error."""
    cells = results.at(arm, count, measure)
    clusters = [c.clusters(measure) for c in cells]
    wrong = [c.score(measure) < 1 for c in cells]
    return {
        kind: pooled(
            [w & np.array([r.error == kind for r in c.records[measure]]) for c, w in zip(cells, wrong, strict=True)], clusters
        )
        for kind in ERRORS
    }
