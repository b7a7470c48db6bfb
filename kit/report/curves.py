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
    """A measure of an arm. name: the two in words. points: D and the score there, ascending. errors: by D, the share of all
    answers that fail in each way that occurs on the curve. fits, left_out: the laws, best first, and why others are not
    fitted."""

    arm: str
    measure: str
    name: str
    points: list[tuple[int, Estimate]]
    errors: dict[int, dict[ErrorKind, Estimate]]
    fits: list[Fit]
    left_out: dict[str, str]

    def reasoning_r2(self) -> float | None:
        """The squared correlation, over the counts above 0, of all errors with those that are not of format; None where fewer
        than three counts, or errors that do not vary, leave it without a meaning."""
        shares = [
            (sum(e.value for e in kinds.values()), sum(e.value for kind, e in kinds.items() if kind != "format"))
            for count, kinds in self.errors.items()
            if count
        ]
        if len(shares) < 3:
            return None
        total, reasoning = np.array(shares).T
        return float(np.corrcoef(total, reasoning)[0, 1] ** 2) if total.std() > 1e-9 and reasoning.std() > 1e-9 else None


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
    name = measure if measure in MEASURES else f"{measure}, {results.arms[arm]}"
    return Curve(arm, measure, name, points, {c: {k: kinds[k] for k in seen} for c, kinds in shares.items()}, fits, left_out)


def _shares(results: Results, arm: str, count: int, measure: str) -> dict[ErrorKind, Estimate]:
    """Of all answers, with the intervals that the scores have."""
    cells = results.at(arm, count, measure)
    clusters = [c.clusters(measure) for c in cells]
    return {
        kind: pooled([np.array([float(r.error == kind) for r in c.records[measure]]) for c in cells], clusters) for kind in ERRORS
    }
