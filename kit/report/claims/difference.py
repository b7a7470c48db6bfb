"""One cell less another: of two arms, two measures or two counts; or one arm less each of several others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from kit.report.claims.claim import GIVEN, Cell, Counts, Found, Reading, Status, quoted
from kit.report.claims.contrast import Crossed
from kit.stats.contrasts import Cells, signed_sum


class Difference(Crossed):
    """The first cell less the second. Exactly one of arms, measure and count names two; or arms names more: then it holds where
    the first arm less each of the others does (an intersection-union test: none is corrected for, Berger 1982), and does not hold
    where one of them, each at its part of the error, does not."""

    kind: Literal["difference"]
    arms: Annotated[tuple[str, ...], Field(min_length=1, max_length=5)]

    @model_validator(mode="after")
    def _two_cells(self) -> Difference:
        if self.factors() != (0 if len(self.arms) > 2 else 1):
            raise ValueError("a difference is of two arms (or one less each of several), or two measures, or two counts")
        return self

    def weights_at_bound(self, counts: Counts) -> list[float]:
        return super().weights_at_bound(counts) if len(self.arms) <= 2 else self._less(1)

    def _less(self, other: int) -> list[float]:
        """The weights of the first arm less another."""
        return [1.0, *(-float(i == other) for i in range(1, len(self.arms)))]

    def judged(self, read: Reading, cells: Sequence[Cell], found: Sequence[Cells], weights: Sequence[float]) -> Found:
        if len(self.arms) <= 2:
            return super().judged(read, cells, found, weights)
        pairs = []
        for other in range(1, len(self.arms)):
            total = signed_sum(found, self._less(other))
            pairs.append(self.found(f"less {quoted(read.arm(self.arms[other]))}", total, total.value, total.n, len(found)))
        own = f"{quoted(read.measure(cells[0].measure))} of {quoted(read.arm(self.arms[0]))}, D = {cells[0].count}"
        return _each(f"{own}{GIVEN[self.given]}", pairs)


def _each(what: str, pairs: Sequence[Found]) -> Found:
    """Several comparisons as one claim that is made of all of them."""

    def decide(alpha: float) -> Status:
        if all(pair.decide(alpha) == "holds" for pair in pairs):
            return "holds"
        denied = any(pair.decide(alpha / len(pairs)) == "does not hold" for pair in pairs)
        return "does not hold" if denied else "cannot say"

    def told(alpha: float) -> str:
        # What speaks against the claim does so at its part of the error.
        levels = [alpha if pair in favour else alpha / len(pairs) for pair in pairs]
        return "; ".join(f"{pair.what}: {pair.told(level)}" for pair, level in zip(pairs, levels, strict=True))

    favour = [pair for pair in pairs if pair.decide(1 - 1e-9) == "holds"]
    against = [pair.p for pair in pairs if pair not in favour]
    p = min(1.0, len(pairs) * min(against)) if against else max(pair.p for pair in pairs)
    return Found(what, p, decide, told, pairs[0].n, pairs[0].replicates)
