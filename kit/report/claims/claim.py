"""What a claim is: its settings, the cells it rests on, and what is found of it. A kind is a file that meets this contract."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import Field, model_validator

from kit.core.config import Config
from kit.core.errors import nearest
from kit.stats.contrasts import Cells, Inverted, SignedSum
from kit.stats.intervals import LEVEL

Status = Literal["holds", "does not hold", "cannot say"]

Given = Literal["recall", "format"]
"""What a score may be taken on: the questions of which, in every cell, each hop is right by itself (the measure asks
sub-questions); or, cell by cell, the answers that are in format."""

GIVEN: dict[Given | None, str] = {
    None: "",
    "recall": ", where every hop is right by itself",
    "format": ", of answers in format",
}

Counts = Mapping[str, Sequence[int]]
"""Arm -> the counts it is run at."""

PROPERTIES = ("rows", "exposures", "documents", "least exposures", "dose", "last step")
"""What arms are matched in, source by source; beside `rows`, `steps` and `tokens` of all together."""

OVERALL = ("rows", "steps", "tokens")


@dataclass(frozen=True, slots=True)
class Cell:
    """An arm at a count, asked a measure. score: which of its scores, if not the one that the measure is compared by."""

    arm: str
    count: int
    measure: str
    score: str | None = None


class Reading(Protocol):
    """What a kind may ask of the results."""

    def scores(self, cells: Sequence[Cell], given: Given | None = None) -> list[Cells]:
        """The scores in some cells, for every replicate that has them all: of each measure, on the questions that its cells
        share, and on fewer where something is `given`."""

    def steps(self, cell: Cell) -> int:
        """Optimizer steps of the cell's training."""

    def steps_since(self, cell: Cell, source: str) -> float:
        """Steps from where a source's facts were last shown to the end of the cell's training, in the mean."""

    def arm(self, name: str) -> str:
        """An arm's label."""

    def measure(self, name: str) -> str:
        """A measure's label."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the data say of a claim. what: the quantity in words. p: two-sided, of the bound. decide: the status at a level of
    error. told: the figures, with an interval at that level. n: questions; replicates: how many."""

    what: str
    p: float
    decide: Callable[[float], Status]
    told: Callable[[float], str]
    n: int
    replicates: int


@dataclass(frozen=True, slots=True)
class Withheld:
    """Nothing can be said, and why."""

    why: str


class ClaimSettings(Config):
    """What every claim says: its sentence; whether it is one of the few that the experiment is for; and in what its arms may
    differ, as they are matched: `steps`, `tokens`, `rows`, `novel exposures`, or `novel` for all of a source."""

    says: Annotated[str, Field(min_length=1)]
    primary: bool = False
    differs: tuple[str, ...] = ()

    @abstractmethod
    def cells(self, counts: Counts) -> list[Cell]:
        """The cells that it rests on, in the order of their weights."""

    def compared(self, counts: Counts) -> list[Cell]:
        """The cells whose training has to be alike: all, unless they are points of one curve."""
        return self.cells(counts)

    @abstractmethod
    def find(self, read: Reading, counts: Counts) -> Found | Withheld:
        """What the data say of it."""

    @abstractmethod
    def named_arms(self) -> list[str]:
        """The arms that it names."""

    @abstractmethod
    def named_measures(self) -> list[str]:
        """The measures that it names."""

    def weights_at_bound(self, counts: Counts) -> list[float] | None:
        """The weights of its cells by which it is told from its bound; None where they depend on the scores."""
        return None

    def bound_text(self) -> str:
        """Where a bound is claimed, it in words."""
        return ""

    def inherent(self) -> tuple[str, ...]:
        """In what its cells differ by what the kind is, without being told to; as in `differs`."""
        return ()


class Bounded(ClaimSettings):
    """A claim that a number lies above, or below, a bound: by its interval."""

    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Bounded:
        if (self.above is None) == (self.below is None):
            raise ValueError("give either above or below, the bound of what is claimed")
        return self

    @property
    def bound(self) -> float:
        """Where the line is drawn."""
        return self.above if self.above is not None else float(self.below)  # type: ignore[arg-type]

    def found(self, what: str, number: SignedSum | Inverted, value: float, n: int, replicates: int, shift: float = 0.0) -> Found:
        """By what the number's interval says of the bound. shift: what is to be taken off the number."""

        def decide(alpha: float) -> Status:
            side = number.side(self.bound + shift, 1 - alpha) * (1 if self.above is not None else -1)
            statuses: dict[int, Status] = {1: "holds", -1: "does not hold", 0: "cannot say"}
            return statuses[side]

        def told(alpha: float) -> str:
            low, high = (end - shift for end in number.interval(1 - alpha))
            found = f"{value:.2f} [{low:.2f}, {high:.2f}]".replace("-0.00", "0.00")
            return f"{found}, {100 * (1 - alpha):.3g} % interval"

        return Found(what, number.p_value(self.bound + shift), decide, told, n, replicates)

    def bound_text(self) -> str:
        """`above 0`."""
        return f"above {self.above:g}" if self.above is not None else f"below {self.below:g}"


def greatest(arms: Iterable[str], counts: Counts) -> int | None:
    """The greatest count that all of some arms are run at."""
    shared = set.intersection(*(set(counts[arm]) for arm in arms))
    return max(shared) if shared else None


def several(value: object) -> tuple[object, ...]:
    """One or two, as a tuple."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def check_differs(differs: Sequence[str], sources: Sequence[str]) -> None:
    """Raises ValueError for what arms are not matched in."""
    known = [*OVERALL, *sources, *(f"{source} {each}" for source in sources for each in PROPERTIES)]
    for each in differs:
        if each not in known:
            raise ValueError(f"differs: arms are not matched in {each}; {nearest(each, known)}")


__all__ = ["GIVEN", "LEVEL", "Bounded", "Cell", "ClaimSettings", "Counts", "Found", "Given", "Reading", "Status", "Withheld"]
