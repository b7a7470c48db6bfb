"""The kinds of claims, a file each; `Claim` is their one table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated

from pydantic import Field, TypeAdapter

from kit.core.errors import check_known, nearest
from kit.report.claims.chance import Chance
from kit.report.claims.claim import Cell, Counts, Found, Given, Reading, Status, Withheld, check_differs, greatest
from kit.report.claims.decay import Decay
from kit.report.claims.difference import Difference
from kit.report.claims.interaction import Interaction
from kit.report.claims.law import Law
from kit.report.claims.share import Share
from kit.report.claims.trend import Trend

Claim = Annotated[
    Difference | Interaction | Trend | Chance | Share | Decay | Law,
    Field(discriminator="kind"),
]

CLAIMS: TypeAdapter[tuple[Claim, ...]] = TypeAdapter(tuple[Claim, ...])

PRIMARY = 5
"""Most claims that an experiment may be for: with more, Holm's correction leaves few replicates nothing to establish."""

__all__ = [
    "CLAIMS",
    "PRIMARY",
    "Cell",
    "Claim",
    "Counts",
    "Found",
    "Given",
    "Law",
    "Reading",
    "Status",
    "Withheld",
    "check_claims",
]


def check_claims(
    claims: Sequence[Claim], counts: Mapping[str, Sequence[int]], asked: Mapping[str, Sequence[str]], hops: Collection[str]
) -> None:
    """That claims speak of what the experiment runs. counts, asked: by arm, its counts and its measures. hops: the measures that
    ask sub-questions.

    Raises ValueError, with the claim's number, for an arm, a measure or a count that there is not, and for too many primary ones.
    """
    for number, claim in enumerate(claims):
        try:
            for arm in claim.named_arms():
                check_known(arm, counts, "arm")
            check_differs(claim.differs)
            cells = [] if greatest(claim.named_arms(), counts) is None else claim.cells(counts)
            if not cells:
                raise ValueError("its arms have no count in common, or none above 0")
            for cell in cells:
                if cell.measure not in asked[cell.arm]:
                    raise ValueError(f"the arm {cell.arm} is not asked {cell.measure}; {nearest(cell.measure, asked[cell.arm])}")
                if cell.count not in counts[cell.arm]:
                    raise ValueError(f"the arm {cell.arm} is not run at D = {cell.count}")
            if getattr(claim, "given", None) == "recall" and (lacking := set(claim.named_measures()) - set(hops)):
                raise ValueError(f"given = recall needs sub_questions = true of the measure {min(lacking)}")
        except ValueError as error:
            raise ValueError(f"claims.{number} ({claim.says}): {error}") from None
    if (many := sum(claim.primary for claim in claims)) > PRIMARY:
        more = "a claim of several models is one of each, and the rest are secondary"
        raise ValueError(f"claims: {many} are primary; at most {PRIMARY} may be ({more})")
    says = [claim.says for claim in claims]
    if twice := next((each for i, each in enumerate(says) if each in says[:i]), None):
        raise ValueError(f"claims: two say {twice!r}")
