"""Whether a scaling law describes a measure by D, and no other does."""

from __future__ import annotations

import functools
from typing import Literal

import numpy as np
from pydantic import field_validator

from kit.core.errors import check_known
from kit.report.claims.along import Along
from kit.report.claims.claim import Cell, Counts, Found, Reading, Status, Withheld, quoted
from kit.stats.goodness import Laws, fit_laws
from kit.stats.laws import FORMS


class Law(Along):
    """That `form` is the law of an arm's measure by D > 0: it is not rejected, and every other form is. Where a form cannot be
    tested, nothing holds.
    counts: those above 0 that the arm is run at, unless given."""

    kind: Literal["law"]
    form: str = "power"

    @field_validator("form")
    @classmethod
    def _known(cls, name: str) -> str:
        check_known(name, FORMS, "form")
        return name

    def compared(self, counts: Counts) -> list[Cell]:
        return []

    def laws(self, read: Reading, counts: Counts) -> Laws | None:
        """Every form fitted; None where it was not asked."""
        cells = self.cells(counts)
        found = read.scores(cells)
        if not found or len(cells) < 2:
            return None
        right = np.array([np.nansum(replicate.scores, axis=1) for replicate in found])
        n = np.array([(~np.isnan(replicate.scores)).sum(axis=1) for replicate in found])
        return _fitted(tuple(cell.count for cell in cells), right.tobytes(), n.astype(float).tobytes())

    def find(self, read: Reading, counts: Counts) -> Found | Withheld:
        laws = self.laws(read, counts)
        if laws is None:
            return Withheld("not asked at all of its counts")
        same = len({read.steps(cell) for cell in self.cells(counts)}) == 1
        protocol = "the same steps at every D" if same else "steps that grow with D"
        what = f"{quoted(read.measure(self.measure))} of {quoted(read.arm(self.arm))} by D ({protocol})"
        if self.form in laws.untested:
            return Withheld(f"{what}: {self.form} cannot be tested: {laws.untested[self.form]}")
        cells = len(self.cells(counts))
        p = {fit.form: 1.0 if fit.p is None else fit.p for fit in laws.fits}
        own, others = p[self.form], max((each for name, each in p.items() if name != self.form), default=1.0)

        def decide(alpha: float) -> Status:
            if own < alpha:
                return "does not hold"
            # What is not tested may be the law as well.
            return "holds" if others < alpha and not laws.untested else "cannot say"

        def told(alpha: float) -> str:
            return _words(laws, p, alpha)

        n = sum(int((~np.isnan(r.scores)).sum()) for r in read.scores(self.cells(counts)))
        return Found(what, min(own, others), decide, told, n // cells, laws.replicates)


@functools.lru_cache(maxsize=64)
def _fitted(counts: tuple[int, ...], right: bytes, n: bytes) -> Laws:
    """Once for the verdict, the tables and the figures."""
    shape = (-1, len(counts))
    return fit_laws(counts, np.frombuffer(right).reshape(shape), np.frombuffer(n).reshape(shape))


def _words(laws: Laws, p: dict[str, float], alpha: float) -> str:
    untested = f"; not tested: {', '.join(laws.untested)}" if laws.untested else ""
    if laws.replicates == 1:
        ranked = ", ".join(f"{f.form} {f.deviance:.1f} ({f.spare})" for f in sorted(laws.fits, key=lambda f: f.deviance))
        return f"misfit (deviance; in brackets, what questions alone would bring): {ranked}{untested}"
    standing = [form for form, each in p.items() if each >= alpha]
    rejected = [f"{form} (p = {each:.2g})" for form, each in p.items() if each < alpha]
    told = (f"rejected: {', '.join(rejected)}" if rejected else "no form is rejected") + f", at {100 * alpha:.2g} %"
    if len(standing) > 1:
        told += f"; the data cannot tell apart: {', '.join(standing)}"
    elif standing:
        told += f"; not rejected: {standing[0]}"
    return told + untested
