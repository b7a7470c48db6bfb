"""A difference of differences: whether two arms differ more on one measure, or at one count, than on another."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import model_validator

from kit.report.claims.contrast import Crossed


class Interaction(Crossed):
    """Of two arms and two measures: (first arm less second, on the first measure) less (the same, on the second). Two or three of
    arms, measure and count name two."""

    kind: Literal["interaction"]
    most: ClassVar[float] = 2.0

    @model_validator(mode="after")
    def _crossed(self) -> Interaction:
        if self.factors() < 2:
            raise ValueError("an interaction crosses two of arms, measure and count: name two of each")
        return self
