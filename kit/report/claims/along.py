"""One measure of one arm, along its counts: what claims of a curve have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kit.report.claims.claim import Cell, ClaimSettings, Counts


class Along(ClaimSettings):
    """counts: those above 0 that the arm is run at, unless given."""

    arm: str
    measure: str
    counts: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=2)] | None = None

    def named_arms(self) -> list[str]:
        return [self.arm]

    def named_measures(self) -> list[str]:
        return [self.measure]

    def cells(self, counts: Counts) -> list[Cell]:
        return [Cell(self.arm, count, self.measure) for count in sorted(self.counts or (c for c in counts[self.arm] if c))]
