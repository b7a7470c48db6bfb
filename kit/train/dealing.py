"""Rows dealt into steps of a fixed composition, in an order known in advance; a stage deals on where the last one ended."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np

from kit.core.errors import KitError
from kit.core.records import Shown
from kit.core.seeds import digest, stream
from kit.core.store import write_json
from kit.models.tokens import Row
from kit.train.recipes import TrainConfig
from kit.train.rows import Source

DEALT = "dealt.json"

DRAWN = -1
"""In the place of a seed: the order in which the rows of a source stand, which is that in which examples were drawn."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """How far a source was gone through in one order: so many rows, in this stage and in those before it. rows: the digest of
    what there was to deal, `Source.digest`; seed: of the order, or `DRAWN`."""

    source: str
    rows: str
    seed: int
    count: int


@dataclass(frozen=True)
class Schedule:
    """Every row of a run in training order, what it shows of each fact, and how far each source is gone through.

    places: (rows, 2), for each the number of its source among `sources`, and its index there.
    """

    steps: int
    sources: tuple[Source, ...]
    places: np.ndarray
    shown: list[Shown]
    dealt: list[Dealt]

    def __len__(self) -> int:
        return len(self.places)

    def row(self, place: int) -> Row:
        """One row, read."""
        source, index = self.places[place].tolist()
        return self.sources[source].row(index)

    @cached_property
    def lengths(self) -> np.ndarray:
        """(rows,): tokens of each."""
        found = np.zeros(len(self), np.int64)
        for number, source in enumerate(self.sources):
            of = self.places[:, 0] == number
            found[of] = source.lengths[self.places[of, 1]]
        return found

    @cached_property
    def digest(self) -> str:
        """Names the rows and their order."""
        return digest([source.digest for source in self.sources], hashlib.sha256(self.places.tobytes()).hexdigest())

    def digests(self, behind: Collection[int]) -> dict[int, str]:
        """By step, what all rows until then say, whatever else there was to deal."""
        found, said = {}, hashlib.sha256()
        batch = len(self) // self.steps
        for step in range(1, max(behind, default=0) + 1):
            for source, index in self.places[(step - 1) * batch : step * batch].tolist():
                said.update(self.sources[source].id(index).encode())
            if step in behind:
                found[step] = said.hexdigest()
        return found


@dataclass(frozen=True, slots=True)
class Split:
    """How the rows of a step are spread over devices: `times` times `rows` on each of `devices`, one after the other. What a step
    has too few for is filled with rows of one token, which nothing is learned from."""

    devices: int
    rows: int
    times: int
    empty: int

    @classmethod
    def of(cls, batch: int, devices: int, most: int | None) -> Split:
        """`batch` rows a step, on a device at most so many at once."""
        times = math.ceil(batch / (devices * (most or batch)))
        rows = math.ceil(batch / (devices * times))
        return cls(devices, rows, times, devices * times * rows - batch)

    def filled(self, count: int) -> np.ndarray:
        """The places in a schedule of `count` rows that are taken, step by step, each step filled up with -1."""
        batch = self.devices * self.times * self.rows - self.empty
        return np.pad(np.arange(count).reshape(-1, batch), ((0, 0), (0, self.empty)), constant_values=-1).reshape(-1)


def order(seed: int, source: str, count: int) -> Iterator[int]:
    """Indices of a source of `count` rows, epoch after epoch, each in a fresh order (or all as they stand, for `DRAWN`)."""
    while seed == DRAWN:
        yield from range(count)
    rng = stream(seed, "order", source)
    while True:
        yield from reversed(rng.permutation(count).tolist())


def deal(
    sources: dict[str, Source],
    rows: dict[str, int],
    steps: int,
    seed: int,
    earlier: Sequence[Dealt] = (),
    rate: Callable[[int], float] = lambda step: 1.0,
    drawn: Collection[str] = (),
) -> Schedule:
    """`steps` steps of `rows[name]` rows from each source. A source is gone through in a fresh order every epoch.

    earlier: what the stages before dealt; of the same rows, in the same order, this one takes the next, so that two stages of an
    arm show no document twice before all were shown once. rate: the learning rate of each step, from 1. drawn: sources that are
    gone through as they stand. Within a step rows stand shortest first, so that micro-batches pad little.
    """
    counts = {name: _Count(name, sources[name], DRAWN if name in drawn else seed, earlier) for name in rows}
    lengths = [sources[name].lengths for name in rows]
    batch = sum(rows.values())
    places = np.zeros((steps * batch, 2), np.int64)
    for step in range(1, steps + 1):
        weight = rate(step) / batch
        taken = [(number, index) for number, name in enumerate(rows) for index in counts[name].take(rows[name], step, weight)]
        taken.sort(key=lambda place: lengths[place[0]][place[1]])
        places[(step - 1) * batch : step * batch] = taken
    mine = [count.dealt for count in counts.values()]
    replaced = {(d.source, d.rows, d.seed) for d in mine}
    kept = [d for d in earlier if (d.source, d.rows, d.seed) not in replaced]
    return Schedule(
        steps,
        tuple(sources[name] for name in rows),
        places,
        [shown for count in counts.values() for shown in count.shown()],
        [*kept, *mine],
    )


def schedule_of(config: TrainConfig, sources: dict[str, Source], earlier: Sequence[Dealt] = ()) -> Schedule:
    """The rows of a run, as its settings have them dealt."""
    return deal(sources, config.mixture(), config.step_count(), config.seed, earlier, config.rate, config.drawn)


class _Count:
    """One source being dealt: where its order stands, which rows were ever shown, and what is shown of each fact."""

    def __init__(self, name: str, source: Source, seed: int, earlier: Sequence[Dealt]) -> None:
        self.name, self.source, self.seed = name, source, seed
        size = len(source)
        self.digest, self.carries = source.digest, source.carries
        same = [d for d in earlier if d.source == name and d.rows == self.digest]
        self.seen = np.zeros(size, bool)
        for d in same:
            self.seen[list(islice(order(d.seed, name, size), min(d.count, size)))] = True
        self.count = next((d.count for d in same if d.seed == seed), 0)
        self.queue = order(seed, name, size)
        for _ in range(self.count):
            next(self.queue)
        self.facts: dict[str, list[float]] = {}

    def take(self, count: int, step: int, weight: float) -> list[int]:
        """The next `count` rows, shown at a step; weight: what an exposure adds to the dose."""
        taken = list(islice(self.queue, count))
        for index in taken:
            new = not self.seen[index]
            self.seen[index] = True
            facts = self.source.facts(index) if self.carries else (f"rows {self.digest}",)
            for fact in facts:
                told = self.facts.setdefault(fact, [0, 0, 0, 0.0])
                told[0] += 1
                told[2], told[3] = step, told[3] + weight
            for fact in set(facts) if new else ():
                self.facts[fact][1] += 1
        self.count += count
        return taken

    @property
    def dealt(self) -> Dealt:
        return Dealt(self.name, self.digest, self.seed, self.count)

    def shown(self) -> list[Shown]:
        return [Shown(f, self.name, int(e), int(d), int(s), dose) for f, (e, d, s, dose) in sorted(self.facts.items())]


def write_dealt(directory: Path, dealt: Sequence[Dealt]) -> None:
    """Leave in a stage's directory how far its sources are gone through."""
    write_json(directory / DEALT, [asdict(d) for d in dealt])


def read_dealt(model: str) -> list[Dealt]:
    """How far the sources were gone through by the stage that made a model, and those before it; nothing of other checkpoints.

    Raises KitError where the stage's file is damaged.
    """
    path = Path(model) / DEALT
    if not path.exists():
        return []
    try:
        return [Dealt(**row) for row in json.loads(path.read_text("utf-8"))]
    except (ValueError, TypeError):
        raise KitError(f"{path} is damaged: delete {model} and run the stage again") from None
