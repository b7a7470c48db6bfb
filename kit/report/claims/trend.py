"""Whether a measure of one arm rises with D."""

from __future__ import annotations

from typing import Literal

import numpy as np

from kit.report.claims.along import Along
from kit.report.claims.claim import GIVEN, Bounded, Counts, Found, Given, Reading, Withheld, nothing_left, quoted
from kit.stats.contrasts import signed_sum


class Trend(Along, Bounded):
    """The rise of the least-squares line of a score on log10 D, from the least count to the greatest. counts: those above 0 that
    the arm is run at, unless given. given: see `Given`."""

    kind: Literal["trend"]
    given: Given | None = None

    def weights_at_bound(self, counts: Counts) -> list[float] | None:
        x = np.log10([cell.count for cell in self.cells(counts)])
        if len(x) < 2:
            return None
        weights: list[float] = ((x - x.mean()) / np.sum((x - x.mean()) ** 2) * np.ptp(x)).tolist()
        return weights

    def inherent(self) -> tuple[str, ...]:
        return ("examples",)

    def find(self, read: Reading, counts: Counts) -> Found | Withheld:
        cells = self.cells(counts)
        found = read.scores(cells, self.given)
        weights = self.weights_at_bound(counts)
        if weights is None:
            return Withheld("it is run at fewer than two counts above 0")
        if not found:
            return Withheld(nothing_left(self.given))
        rise = signed_sum(found, weights)
        what = f"{quoted(read.measure(self.measure))} of {quoted(read.arm(self.arm))}, rise of its line"
        what += f" from D = {cells[0].count} to {cells[-1].count}{GIVEN[self.given]}"
        return self.found(what, rise, rise.value, rise.n, len(found))
