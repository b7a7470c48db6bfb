"""Cells crossed: arms, measures and counts, one or two of each, and the signed sum of what they score."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Annotated

from pydantic import Field

from kit.report.claims.claim import (
    GIVEN,
    Bounded,
    Cell,
    Counts,
    Found,
    Given,
    Reading,
    Withheld,
    nothing_left,
    quoted,
    several,
)
from kit.stats.contrasts import Cells, signed_sum


class Crossed(Bounded):
    """Cells of one or two arms, measures and counts each. count: the greatest that all of its arms are run at, unless given; a
    negative one counts from there (-2: the one before the greatest). given: see `Given`."""

    arms: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
    measure: str | tuple[str, str]
    count: int | tuple[int, int] | None = None
    given: Given | None = None

    def named_arms(self) -> list[str]:
        return list(self.arms)

    def named_measures(self) -> list[str]:
        return [str(m) for m in several(self.measure)]

    def factors(self) -> int:
        """How many of arms, measures and counts are two."""
        return sum(len(several(each)) == 2 for each in (self.arms, self.measure, self.count))

    def cells(self, counts: Counts) -> list[Cell]:
        shared = sorted(set.intersection(*(set(counts[arm]) for arm in self.arms)))
        wanted = (-1,) if self.count is None else self.count if isinstance(self.count, tuple) else (self.count,)
        if min(wanted) < -len(shared):
            raise ValueError(f"count {min(wanted)} is beyond the counts its arms have in common: {shared}")
        at = [shared[count] if count < 0 else count for count in wanted]
        return [Cell(arm, count, measure) for arm, measure, count in product(self.arms, self.named_measures(), at)]

    def weights_at_bound(self, counts: Counts) -> list[float]:
        """The first of two less the second, in every factor."""
        signs = [(1.0, -1.0)[: len(several(each))] for each in (self.arms, self.measure, self.count)]
        return [a * m * c for a, m, c in product(*signs)]

    def inherent(self) -> tuple[str, ...]:
        return ("examples",) if len(several(self.count)) == 2 else ()

    def find(self, read: Reading, counts: Counts) -> Found | Withheld:
        cells = self.cells(counts)
        found = read.scores(cells, self.given)
        if not found:
            return Withheld(nothing_left(self.given))
        return self.judged(read, cells, found, self.weights_at_bound(counts))

    def judged(self, read: Reading, cells: Sequence[Cell], found: Sequence[Cells], weights: Sequence[float]) -> Found:
        """What the scores in its cells say."""
        total = signed_sum(found, weights)
        return self.found(self.words(read, cells), total, total.value, total.n, len(found))

    def words(self, read: Reading, cells: Sequence[Cell]) -> str:
        """`“a measure” of “one arm” less “another”, D = 1000`."""
        arms, measures = [quoted(read.arm(a)) for a in self.arms], [quoted(read.measure(m)) for m in self.named_measures()]
        at = [f"D = {c}" for c in dict.fromkeys(cell.count for cell in cells)]
        if self.factors() == 1:
            parts = (" less ".join(measures), " less ".join(arms), " less ".join(at))
            return f"{parts[0]} of {parts[1]}, {parts[2]}{GIVEN[self.given]}"
        # The last of two, each time, is what the same is less of.
        fixed, less = f"{measures[0]} of {arms[0]}, {at[0]}", list[str]()
        for names, where in ((arms, "of"), (measures, "of"), (at, "at")):
            if len(names) == 2:
                less.append(f"less that {where} {names[1]}" if not less else f"less the same {where} {names[1]}")
        return ", ".join([fixed, *less]) + GIVEN[self.given]
