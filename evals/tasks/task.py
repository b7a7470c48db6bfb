"""What a task is: how its items are read, asked and scored. One small contract; a task is a file that fills it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from evals.config import EvalConfig, Slice
from evals.final import Final
from kit.core.errors import KitError
from kit.core.records import EvalRecord, Style
from kit.core.rows import Converted
from kit.core.seeds import stream
from kit.stats.intervals import weighted

Shots = tuple[tuple[str, str], ...]

UNNORMALISED = "Likeliest without regard to length:"
"""Before the candidate that a forced choice by the whole log-likelihood falls on, in the second line of the output."""


class Item(Protocol):
    """Anything that can be asked: it has an id and belongs to a split."""

    @property
    def id(self) -> str: ...

    @property
    def split(self) -> str: ...


I = TypeVar("I", bound=Item)  # noqa: E741  # an item


@dataclass(frozen=True, slots=True)
class Ask(Generic[I]):
    """One prompt to be answered. part: -1 for the item itself, else the index of the sub-question asked. sample: which of
    several answers. wrong: what there is to choose from beside the gold answer. likeliest: whether the likeliest answer is
    wanted, whatever the temperature."""

    slice: Slice
    item: I
    message: str
    golds: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    shots: Shots = ()
    part: int = -1
    sample: int = 0
    likeliest: bool = False


@dataclass(frozen=True, slots=True)
class Task(Generic[I]):
    """load: items from a data directory, a file or a hub id. asks: every prompt of every slice. records: one for each answer.
    metrics: the scores that sum a slice up, the first being what arms are compared by. style, max_new_tokens: what holds where
    nothing else is said; it is asked in the styles that the latter names. weights: of a metric that is a share, the tag that
    tells of how many; each of those weighs the same, so that a record of more counts for more. graded: metrics that are more
    than right or wrong, of which there is no pass@k. of_items: whether the metrics tell of an item what all of its answers
    together do. slice, temperature: more of what holds where nothing else is said. prepare: begins, beside the model, to load
    what `records` takes long for."""

    load: Callable[[str, EvalConfig], Converted]
    asks: Callable[[EvalConfig, Sequence[I], Sequence[I]], list[Ask[I]]]
    records: Callable[[EvalConfig, Sequence[Ask[I]], Sequence[Final]], list[EvalRecord]]
    metrics: tuple[str, ...]
    style: Style
    max_new_tokens: dict[Style, int]
    weights: dict[str, str] = field(default_factory=dict)
    graded: tuple[str, ...] = ()
    of_items: bool = False
    slice: dict[str, Any] = field(default_factory=dict)
    temperature: float = 0.0
    prepare: Callable[[], None] = lambda: None

    def values(self, metric: str, records: Sequence[EvalRecord]) -> list[float]:
        """A metric of every record, so that their mean is the metric of all."""
        found = [r.scores[metric] for r in records]
        return weighted(found, self.counts(metric, records)).tolist() if metric in self.weights else found

    def counts(self, metric: str, records: Sequence[EvalRecord]) -> list[int]:
        """How many observations each record is."""
        return [int(r.tags[self.weights[metric]]) if metric in self.weights else 1 for r in records]


Turns = Callable[[I, Style], tuple[str, str]]
"""What the user says of an item, and what is right to answer."""


def asks_of(config: EvalConfig, items: Sequence[I], examples: Sequence[I], turns: Turns[I]) -> list[Ask[I]]:
    """Every prompt of a task without parts.

    Raises KitError when a slice finds no item.
    """
    asks = []
    for part in config.slices:
        chosen = [item for item in items if item.split == part.split]
        if not chosen:
            raise KitError(f"no items of split {part.split}; the data hold {', '.join(sorted({i.split for i in items}))}")
        shown = Examples(config, part, examples, turns)
        for item in chosen[: part.limit]:
            message, gold = turns(item, part.style)
            shots = shown.drawn(item)
            asks += [Ask(part, item, message, (gold,), shots=shots, sample=sample) for sample in range(part.samples)]
    return asks


class Examples(Generic[I]):
    """What worked examples of a slice are drawn from. text: what an item asks, where that is not all that the user says."""

    def __init__(
        self, config: EvalConfig, part: Slice, examples: Sequence[I], turns: Turns[I], text: Callable[[I], str] | None = None
    ) -> None:
        self.seed, self.part, self.turns = config.seed, part, turns
        self.text = text or (lambda item: turns(item, part.style)[0])
        self.examples = [(_plain(self.text(e)), e) for e in examples] if part.shots else []

    def drawn(self, item: I, turn: int = 0) -> Shots:
        """Worked examples for an item, drawn for it: the same in every run, others in every turn, and none that asks what it
        asks, in other spacing or under another id. Raises KitError where there are too few."""
        count = self.part.shots
        if not count:
            return ()
        asked = _plain(self.text(item))
        others = [e for text, e in self.examples if e.id != item.id and text != asked]
        if len(others) < count:
            raise KitError(f"{count} shots need as many examples, and there are {len(others)}: name a source with shots_from")
        picks = stream(self.seed, "shots", item.id, *([turn] if turn else [])).choice(len(others), size=count, replace=False)
        shots = tuple(self.turns(others[int(i)], self.part.style) for i in picks)
        if not all(answer.strip() for _, answer in shots):
            raise KitError("the examples have no answers to show: name a source that has, with shots_from")
        return shots


def _plain(text: str) -> str:
    """A text whatever its spacing, case and forms of characters."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def tags(ask: Ask[Any], **more: str) -> dict[str, str]:
    """What every record is told apart by."""
    return {"slice": ask.slice.short_name, "part": "question", "bridge": "", "sample": str(ask.sample), **more}
