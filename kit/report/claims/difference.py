"""One cell less another: of two arms, two measures or two counts."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from kit.report.claims.contrast import Crossed


class Difference(Crossed):
    """The first cell less the second. Exactly one of arms, measure and count names two."""

    kind: Literal["difference"]

    @model_validator(mode="after")
    def _two_cells(self) -> Difference:
        if self.factors() != 1:
            raise ValueError("a difference is of two arms, or two measures, or two counts")
        return self
