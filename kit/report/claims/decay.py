"""How long what was taken in lasts: a measure by steps after injection ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from kit.core.errors import check_known
from kit.core.records import SOURCES
from kit.report.claims.claim import LEVEL, Bounded, Cell, Counts, Found, Reading, Withheld, greatest, quoted
from kit.report.claims.share import FLOOR
from kit.stats.contrasts import Inverted, signed_sum


class Decay(Bounded):
    """The half-life, in steps, of an arm's score: of arms that go on training on other data after the first, by ever more steps,
    counted from where the source's facts were last shown. The interval is that of a signed sum of the cells, each less what the
    first would have become."""

    kind: Literal["decay"]
    most: ClassVar[float] = 1e9
    arms: Annotated[tuple[str, ...], Field(min_length=2)]
    measure: str
    count: int | None = None
    source: str = "novel"

    @field_validator("source")
    @classmethod
    def _a_source(cls, name: str) -> str:
        check_known(name, SOURCES, "source")
        return name

    def named_arms(self) -> list[str]:
        return list(self.arms)

    def named_measures(self) -> list[str]:
        return [self.measure]

    def inherent(self) -> tuple[str, ...]:
        return ("rows", "steps", "tokens", "known", "reading", "examples", f"{self.source} last step")

    def cells(self, counts: Counts) -> list[Cell]:
        count = greatest(self.named_arms(), counts) if self.count is None else self.count
        return [Cell(arm, count or 0, self.measure) for arm in self.named_arms()]

    def find(self, read: Reading, counts: Counts) -> Found | Withheld:
        cells = self.cells(counts)
        found = read.scores(cells)
        if not found:
            return Withheld("not asked of all of its arms")
        steps = [read.steps_since(cell, self.source) for cell in cells]
        later = np.array(steps[1:]) - steps[0]
        if not (np.diff([0.0, *later]) > 0).all():
            return Withheld(f"its arms do not follow one another by steps since {self.source} facts were shown: {steps}")
        first = signed_sum(found, [1.0, *(0.0 for _ in later)])
        if first.interval(LEVEL)[0] < FLOOR:
            return Withheld(f"what may decay, {quoted(read.arm(self.arms[0]))}, is itself only {first.estimate(LEVEL)}")
        half_life = Inverted(found, _falling(later.tolist()), 0.0, float(later[-1]) * 1e3)
        what = f"{quoted(read.measure(self.measure))} of {quoted(read.arm(self.arms[0]))}, half-life over {later[-1]:.0f} steps"
        return self.found(what, half_life, half_life.value(), first.n, len(found))


def _falling(later: Sequence[float]) -> Callable[[float], list[float]]:
    """The weights of the first cell and those after it, for a half-life: a sum above 0 where more is left."""

    def weigh(half_life: float) -> list[float]:
        left = sum(2.0 ** (-t / half_life) if half_life > 0 else 0.0 for t in later)
        return [-left, *(1.0 for _ in later)]

    return weigh
