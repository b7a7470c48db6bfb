"""Whether a score is more than one can have without knowing."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from kit.report.claims.claim import Bounded, Cell, Counts, Found, Reading, Withheld, greatest, quoted
from kit.stats.contrasts import signed_sum

CHANCES = {"popularity_guess": "always the commonest", "type_prior": "by frequency", "choice_guess": "any of those offered"}
"""Scores that say what one would have without knowing."""


class Chance(Bounded):
    """A score less what chance would have. against: a number, or a score of the same records (popularity_guess: always the
    commonest object; type_prior: a guess by the last relation's frequencies; choice_guess: any of what a forced choice
    offers)."""

    kind: Literal["chance"]
    arm: str
    measure: str
    against: Annotated[float, Field(ge=0, le=1)] | Literal["popularity_guess", "type_prior", "choice_guess"]
    count: int | None = None

    def named_arms(self) -> list[str]:
        return [self.arm]

    def named_measures(self) -> list[str]:
        return [self.measure]

    def cells(self, counts: Counts) -> list[Cell]:
        count = greatest([self.arm], counts) if self.count is None else self.count
        own = Cell(self.arm, count or 0, self.measure)
        return [own, replace(own, score=self.against)] if isinstance(self.against, str) else [own]

    def weights_at_bound(self, counts: Counts) -> list[float]:
        return [1.0, -1.0] if isinstance(self.against, str) else [1.0]

    def find(self, read: Reading, counts: Counts) -> Found | Withheld:
        cells = self.cells(counts)
        found = read.scores(cells)
        if not found:
            return Withheld(f"its records have no score {self.against}" if len(cells) == 2 else "not asked")
        shift = 0.0 if isinstance(self.against, str) else self.against
        total = signed_sum(found, self.weights_at_bound(counts))
        against = CHANCES[self.against] if isinstance(self.against, str) else f"{self.against:g}"
        what = (
            f"{quoted(read.measure(self.measure))} of {quoted(read.arm(self.arm))}, D = {cells[0].count}, less chance ({against})"
        )
        return self.found(what, total, total.value - shift, total.n, len(found), shift)
