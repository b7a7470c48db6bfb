"""What a claim is: its settings, the cells it rests on, and what is found of it. A kind is a file that meets this contract."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Protocol

from pydantic import Field, model_validator

from kit.core.config import Config
from kit.core.errors import nearest
from kit.core.records import SOURCES
from kit.report.shown import BY_SOURCE, FACTS, OVERALL
from kit.stats.contrasts import Cells, Inverted, SignedSum
from kit.stats.intervals import LEVEL

Status = Literal["holds", "does not hold", "cannot say"]

Given = Literal["recall", "format"]
"""What a claim may be decided on: the questions of which, in every cell that asks them, each hop is right by itself (the measures
ask sub-questions), or the answer is in format."""

GIVEN: dict[Given | None, str] = {
    None: "",
    "recall": ", where every hop is right by itself",
    "format": ", where every answer is in format",
}

Counts = Mapping[str, Sequence[int]]
"""Arm -> the counts it is run at."""


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
        """The scores in some cells, for every run of them that is another: of each measure, on the questions that its cells
        share, and on fewer where something is `given`; none at all where that leaves a cell of a replicate nothing."""

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

    @model_validator(mode="after")
    def _each_once(self) -> ClaimSettings:
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, tuple) and len(set(value)) < len(value):
                raise ValueError(f"{name} names one of them twice")
        return self

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


Finite = Annotated[float, Field(allow_inf_nan=False)]


class Bounded(ClaimSettings):
    """A claim that a number lies above, or below, a bound: by its interval. most: beyond which there is no bound."""

    above: Finite | None = None
    below: Finite | None = None
    most: ClassVar[float] = 1.0

    @model_validator(mode="after")
    def _one_bound(self) -> Bounded:
        if (self.above is None) == (self.below is None):
            raise ValueError("give either above or below, the bound of what is claimed")
        if abs(self.bound) > self.most:
            raise ValueError(f"a bound of {self.bound:g} is beyond what there can be, {self.most:g}")
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
            found = f"{value:.2f} [{low:.2f}, {high:.2f}]".replace("-0.00", "0.00").replace("inf", "∞")
            return f"{found}, {100 * (1 - alpha):.3g} % interval"

        return Found(what, number.p_value(self.bound + shift), decide, told, n, replicates)

    def bound_text(self) -> str:
        """`above 0`."""
        return f"above {self.above:g}" if self.above is not None else f"below {self.below:g}"


def greatest(arms: Iterable[str], counts: Counts) -> int | None:
    """The greatest count that all of some arms are run at."""
    shared = set.intersection(*(set(counts[arm]) for arm in arms))
    return max(shared) if shared else None


def nothing_left(given: Given | None) -> str:
    """Why there are no scores."""
    return f"in some replicate no question is left{GIVEN[given]}" if given else "not asked in all of its cells"


def quoted(label: str) -> str:
    """A label in a sentence: it may hold commas."""
    return f"“{label}”"


def several(value: object) -> tuple[object, ...]:
    """One or two, as a tuple."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def check_differs(differs: Sequence[str]) -> None:
    """Raises ValueError for what arms are not matched in."""
    known = [*OVERALL, *SOURCES, *(f"{source} {each}" for source in SOURCES for each in (FACTS, *BY_SOURCE))]
    for each in differs:
        if each not in known:
            raise ValueError(f"differs: arms are not matched in {each}; {nearest(each, known)}")


__all__ = ["GIVEN", "LEVEL", "Bounded", "Cell", "ClaimSettings", "Counts", "Found", "Given", "Reading", "Status", "Withheld"]
