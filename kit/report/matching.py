"""In what arms differ that are compared: counted from what their training showed, never read off their settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from kit.report.claims import Cell
from kit.report.results import Results, Training

Near = Callable[[float, float], bool]


def _equal(a: float, b: float) -> bool:
    return a == b


def _within(share: float) -> Near:
    return lambda a, b: abs(a - b) <= share * max(abs(a), abs(b))


def _steps(a: float, b: float) -> bool:
    return abs(a - b) <= LAST_STEPS


LAST_STEPS = 10
"""How many steps apart two arms may have been shown a source's facts last."""

OVERALL: dict[str, tuple[Callable[[Training], float], Near]] = {
    "rows": (lambda t: t.rows, _equal),
    "steps": (lambda t: t.steps, _equal),
    "tokens": (lambda t: t.tokens, _within(0.02)),
}
"""What is counted of a whole arm, and when two are alike in it."""


@dataclass(frozen=True, slots=True)
class Source:
    """What an arm was shown of one source, in the mean over its facts (least: of the least shown). last: steps before the end."""

    exposures: float
    documents: float
    least: float
    dose: float
    last: float

    @staticmethod
    def of(training: Training, source: str, facts: Sequence[str]) -> Source:
        """Of some facts, whether shown or not."""
        shown = training.shown.get(source, {})
        rows = np.array([shown.get(fact, (0, 0, 0.0, training.steps)) for fact in facts], dtype=float)
        exposures, documents, dose, last = rows.mean(axis=0)
        return Source(exposures, documents, float(rows[:, 0].min()), dose, last)


BY_SOURCE: dict[str, tuple[Callable[[Source], float], Near]] = {
    "exposures": (lambda s: s.exposures, _within(0.02)),
    "documents": (lambda s: s.documents, _within(0.05)),
    "least exposures": (lambda s: s.least, _within(0.05)),
    "dose": (lambda s: s.dose, _within(0.05)),
    "last step": (lambda s: s.last, _steps),
}
"""The same of every source of facts."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something that two cells differ in, and by how much."""

    what: str
    a: float
    b: float

    def __str__(self) -> str:
        return f"{self.what} ({self.a:,.3g} against {self.b:,.3g})"


def mismatches(a: Training, b: Training) -> list[Mismatch]:
    """Everything that two cells differ in by more than is allowed. Of a source that one was not shown at all, its exposures."""
    found = [Mismatch(name, of(a), of(b)) for name, (of, near) in OVERALL.items() if not near(of(a), of(b))]
    for source in sorted({*a.shown, *b.shown}):
        facts = sorted({*a.shown.get(source, {}), *b.shown.get(source, {})})
        mine, other = (Source.of(t, source, facts) for t in (a, b))
        counted = BY_SOURCE if mine.exposures and other.exposures else {"exposures": BY_SOURCE["exposures"]}
        found += [
            Mismatch(f"{source} {name}", of(mine), of(other))
            for name, (of, near) in counted.items()
            if not near(of(mine), of(other))
        ]
    # A source without facts is told by its rows.
    for source in sorted({*a.sources, *b.sources} - {*a.shown, *b.shown}):
        rows = a.sources.get(source, 0), b.sources.get(source, 0)
        if rows[0] != rows[1]:
            found.append(Mismatch(f"{source} rows", *rows))
    return found


def unmatched(results: Results, cells: Sequence[Cell], allowed: Sequence[str]) -> list[Mismatch]:
    """What cells differ in, in any replicate, that they may not: neither named in `allowed` nor of a source named there."""
    found: dict[str, Mismatch] = {}
    keys = list(dict.fromkeys((cell.arm, cell.count) for cell in cells))
    for replicate in range(len(results.config["replicates"])):
        there = {(c.arm, c.count): c.training for c in results.cells if c.replicate == replicate}
        for a, b in combinations([there[key] for key in keys if key in there], 2):
            for each in mismatches(a, b):
                if not any(each.what == name or each.what.startswith(f"{name} ") for name in allowed):
                    found.setdefault(each.what, each)
    return list(found.values())
