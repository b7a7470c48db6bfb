"""What part one score is of another: of an oracle's gain over a control, or of the same skill elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kit.report.claims.claim import LEVEL, Bounded, Cell, Counts, Found, Reading, Withheld, greatest, quoted
from kit.stats.contrasts import Inverted, signed_sum

FLOOR = 0.2
"""A share of what itself (with a control, the gain) may be under this is withheld: its denominator is noise."""

GREATEST = 100.0


class Share(Bounded):
    """Of one arm: its first measure over its second (novel over known: normalised by skill). Of an arm and its control: the arm's
    gain over the control on the first measure, over what the control gains by the second (the same questions with the facts in
    the prompt, say: the oracle is the model that was not injected). The interval is Fieller's, by the signed sum of the cells."""

    kind: Literal["share"]
    most: ClassVar[float] = GREATEST
    arms: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
    measures: tuple[str, str]
    count: int | None = None

    def named_arms(self) -> list[str]:
        return list(self.arms)

    def named_measures(self) -> list[str]:
        return list(self.measures)

    def cells(self, counts: Counts) -> list[Cell]:
        count = greatest(self.arms, counts) if self.count is None else self.count
        part, whole = self.measures
        own, reference = Cell(self.arms[0], count or 0, part), Cell(self.arms[-1], count or 0, whole)
        return [own, reference, *(Cell(control, count or 0, part) for control in self.arms[1:])]

    def find(self, read: Reading, counts: Counts) -> Found | Withheld:
        cells = self.cells(counts)
        found = read.scores(cells)
        if not found:
            return Withheld("not asked of all of its arms")
        label = f"{quoted(read.measure(self.measures[1]))} of {quoted(read.arm(self.arms[-1]))}"
        denominator = (0.0, 1.0, -1.0)[: len(cells)]
        if (whole := signed_sum(found, denominator).estimate(LEVEL)).low < FLOOR:
            gain = f"what {label} has over that of {quoted(read.measure(self.measures[0]))}" if len(cells) == 3 else label
            return Withheld(f"{gain} is itself only {whole}")
        share = Inverted(found, self._weights, -GREATEST, GREATEST)
        own = quoted(read.measure(self.measures[0]))
        what = f"{own} of {quoted(read.arm(self.arms[0]))}, D = {cells[0].count}, as a share of {label}"
        if len(cells) == 3:
            what += f", both less {own} of {quoted(read.arm(self.arms[1]))}"
        value = share.value()
        if value > 1:
            what += " (above 1: that is no upper bound here)"
        return self.found(what, share, value, signed_sum(found, self._weights(1.0)).n, len(found))

    def _weights(self, x: float) -> Sequence[float]:
        return (1.0, -x, x - 1.0) if len(self.arms) == 2 else (1.0, -x)
