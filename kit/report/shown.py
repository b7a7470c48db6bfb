"""What arms were shown in training, counted from its rows; and what two of them differ in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kit.core.records import Shown

Near = Callable[[float, float], bool]


class Told(NamedTuple):
    """What an arm was told of one fact by one source. last: steps from where it was last shown to the end."""

    exposures: int
    documents: int
    dose: float
    last: int


@dataclass(frozen=True, slots=True)
class Training:
    """What an arm's stages after the base showed, together: steps, rows and tokens; by source and fact, what was told."""

    steps: int
    rows: int
    tokens: int
    shown: dict[str, dict[str, Told]]

    @staticmethod
    def of(stages: Sequence[tuple[Mapping[str, float], Sequence[Shown]]]) -> Training:
        """Of stages in their order: what each counted (steps, rows, tokens), and what it showed of each fact."""
        steps, rows, tokens = (sum(int(counted[key]) for counted, _ in stages) for key in ("steps", "rows", "tokens"))
        left, shown = steps, dict[str, dict[str, Told]]()
        for counted, facts in stages:
            for row in facts:
                known = shown.setdefault(row.source, {}).get(row.fact, Told(0, 0, 0.0, 0))
                shown[row.source][row.fact] = Told(
                    known.exposures + row.exposures, known.documents + row.new_documents, known.dose + row.dose,
                    left - row.last_step,
                )  # fmt: skip
            left -= int(counted["steps"])
        return Training(steps, rows, tokens, shown)


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
        rows = np.array([shown.get(fact, Told(0, 0, 0.0, training.steps)) for fact in facts], dtype=float)
        exposures, documents, dose, last = rows.mean(axis=0).tolist()
        return Source(exposures, documents, float(rows[:, 0].min()), dose, last)


def _equal(a: float, b: float) -> bool:
    return a == b


def _within(share: float) -> Near:
    return lambda a, b: abs(a - b) <= share * max(abs(a), abs(b)) + 1e-12


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

FACTS = "other facts"
"""Of a source, that two arms were not shown the same facts: how many each was shown that the other was not."""

SAME_FACTS = 0.05
"""The part of all facts that may be shown to one of two arms alone."""

BY_SOURCE: dict[str, tuple[Callable[[Source], float], Near]] = {
    "exposures": (lambda s: s.exposures, _within(0.02)),
    "documents": (lambda s: s.documents, _within(0.05)),
    "least exposures": (lambda s: s.least, _within(0.05)),
    "dose": (lambda s: s.dose, _within(0.05)),
    "last step": (lambda s: s.last, _steps),
}
"""The same of every source."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something that two arms differ in, and by how much."""

    what: str
    a: float
    b: float

    def __str__(self) -> str:
        return f"{self.what} ({self.a:,.3g} against {self.b:,.3g})"


def mismatches(a: Training, b: Training) -> list[Mismatch]:
    """Everything that two arms differ in by more than is allowed. Of a source that one was not shown at all, its exposures."""
    found = [Mismatch(name, of(a), of(b)) for name, (of, near) in OVERALL.items() if not near(of(a), of(b))]
    for source in sorted({*a.shown, *b.shown}):
        facts = sorted({*a.shown.get(source, {}), *b.shown.get(source, {})})
        mine, other = (Source.of(t, source, facts) for t in (a, b))
        mine_alone, other_alone = (len({*x.shown.get(source, {})} - {*y.shown.get(source, {})}) for x, y in ((a, b), (b, a)))
        if mine.exposures and other.exposures and mine_alone + other_alone > SAME_FACTS * len(facts):
            found.append(Mismatch(f"{source} {FACTS}", mine_alone, other_alone))
        counted = BY_SOURCE if mine.exposures and other.exposures else {"exposures": BY_SOURCE["exposures"]}
        found += [
            Mismatch(f"{source} {name}", of(mine), of(other))
            for name, (of, near) in counted.items()
            if not near(of(mine), of(other))
        ]
    return found
