"""Curves: one measure of one arm by D, and why its answers fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from kit.core.records import ErrorKind
from kit.report.results import CellResult, Results
from kit.stats.intervals import Estimate, over_replicates

ERRORS: tuple[ErrorKind, ...] = tuple(kind for kind in get_args(ErrorKind) if kind != "none")

LEAST = 3
"""Counts from which on an arm's measure is a curve, where no claim names it."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A measure of an arm. points: D and the score there, ascending. errors: by D, the share of all answers that fail in each way
    that occurs on the curve. in_format, right_in_format: by D, the share of outputs that an answer was found in, and the score of
    those (missing where there are none): style and substance apart."""

    arm: str
    measure: str
    name: str
    points: list[tuple[int, Estimate]]
    errors: dict[int, dict[ErrorKind, Estimate]]
    in_format: dict[int, Estimate]
    right_in_format: dict[int, Estimate]


def curves(results: Results) -> list[Curve]:
    """Every measure that a claim follows by D; where none does, every measure of every arm that has enough counts."""
    followed = [c for c in results.claims if len({cell.count for cell in c.cells(results.counts)}) >= LEAST]
    named = [(arm, measure) for c in followed for arm in c.named_arms() for measure in c.named_measures()]
    if not named:
        named = [(arm, measure) for arm in results.arms for measure in results.measures if len(results.counts[arm]) >= LEAST]
    found = [curve(results, arm, measure) for arm, measure in dict.fromkeys(named)]
    return [each for each in found if len(each.points) > 1]


def curve_name(results: Results, arm: str, measure: str) -> str:
    """What a curve is called, by its labels."""
    return f"{results.measure(measure)}, {results.arm(arm)}"


def curve(results: Results, arm: str, measure: str) -> Curve:
    """One of them."""
    points = [(count, found) for count in results.counts.get(arm, []) if (found := results.estimate(arm, count, measure))]
    shares = {
        count: {kind: _over(results, arm, count, measure, _fails(results, measure, kind)) for kind in ERRORS}
        for count, _ in points
    }
    seen = [kind for kind in ERRORS if any((kinds[kind] or NOTHING).value for kinds in shares.values())]
    errors = {count: {kind: kinds[kind] or NOTHING for kind in seen} for count, kinds in shares.items()}
    formed, right = {}, {}
    for count, _ in points:
        formed[count] = _over(
            results, arm, count, measure, lambda cell: (_formed(results, cell, measure).astype(float), _all(cell, measure))
        )
        right[count] = _over(
            results, arm, count, measure, lambda cell: (results.values(cell, measure), _formed(results, cell, measure))
        )
    return Curve(
        arm, measure, curve_name(results, arm, measure), points, errors,
        {count: found for count, found in formed.items() if found}, {count: found for count, found in right.items() if found},
    )  # fmt: skip


NOTHING = Estimate(0.0, 0.0, 0.0, 0)

Chosen = tuple[NDArray[np.float64], NDArray[np.bool_]]


def _over(results: Results, arm: str, count: int, measure: str, choose: Callable[[CellResult], Chosen]) -> Estimate | None:
    """A value of some records of each replicate. None where there are no records."""
    values, clusters, questions = [], [], []
    for cell in results.at(arm, count, measure):
        found, kept = choose(cell)
        if kept.any():
            values.append(found[kept])
            clusters.append([label for label, keep in zip(cell.clusters(measure), kept, strict=True) if keep])
            questions.append([name for name, keep in zip(cell.questions(measure), kept, strict=True) if keep])
    return over_replicates(values, clusters, questions) if values else None


def _all(cell: CellResult, measure: str) -> NDArray[np.bool_]:
    return np.ones(len(cell.records[measure]), dtype=bool)


def _formed(results: Results, cell: CellResult, measure: str) -> NDArray[np.bool_]:
    """What the measure's own score finds right is in format for it, whatever a stricter score says."""
    return np.array([r.error != "format" for r in cell.records[measure]]) | (results.values(cell, measure) >= 1)


def _fails(results: Results, measure: str, kind: ErrorKind) -> Callable[[CellResult], Chosen]:
    """Whether answers fail in a way. One that the measure's own score finds right (and a stricter one beside it does not) does
    not."""

    def choose(cell: CellResult) -> Chosen:
        failed = np.array([r.error == kind for r in cell.records[measure]]) & (results.values(cell, measure) < 1)
        return failed.astype(float), _all(cell, measure)

    return choose
