"""Training rows as they are kept: as tokens, in one file a source, which is read where a row is asked for. Memory holds the
length of every row, and little else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa

from kit.core.seeds import digest
from kit.models.tokens import Row

T = TypeVar("T")

BATCH = 1000
"""Rows that lie beside one another in a file, and are tokenised at once."""

LARGEST = 4_000_000
"""Characters that are tokenised at once; the tokenizer's own form of them takes some twenty times their size."""

SCHEMA = pa.schema(
    [
        ("input_ids", pa.list_(pa.int32())),
        ("learned", pa.list_(pa.int32())),
        ("facts", pa.list_(pa.string())),
        ("id", pa.string()),
        ("place", pa.int64()),
    ]
)


class Told(NamedTuple):
    """A row with the facts it carries (ids, for counting exposures) and a digest of what it says; place: where it stands among
    those of its source."""

    row: Row
    facts: Sequence[str]
    id: str
    place: int


class Source:
    """The rows of one source in their order, each with the facts it carries and a digest of what it says.

    lengths: (rows,), of each in tokens.
    """

    def __init__(self, stored: pa.NativeFile) -> None:
        """stored: what `of` wrote."""
        with pa.ipc.open_file(stored) as reader:
            self._batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
        self._parts = [[_parts(batch.column(name)) for name in ("input_ids", "learned")] for batch in self._batches]
        places = [batch.column("place").to_numpy() for batch in self._batches]
        lengths = [np.diff(ids[0]) for ids, _ in self._parts]
        self._order = np.argsort(np.concatenate([*places, np.zeros(0, np.int64)]), kind="stable")
        self.lengths = np.concatenate([*lengths, np.zeros(0, np.int32)])[self._order]
        self.carries = any(len(batch.column("facts").values) for batch in self._batches)

    @classmethod
    def of(cls, rows: Iterable[Told], path: Path | None = None) -> Source:
        """The rows as a source, kept in a file, or else in memory."""
        sink = pa.BufferOutputStream() if path is None else pa.OSFile(str(path), "wb")
        with pa.ipc.new_file(sink, SCHEMA) as writer:
            for batch in batches(rows):
                writer.write_batch(_batch(batch))
        if path is None:
            return cls(pa.BufferReader(sink.getvalue()))
        sink.close()
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> Source:
        """The source that is kept in a file."""
        return cls(pa.memory_map(str(path)))

    def __len__(self) -> int:
        return len(self._order)

    def _at(self, index: int) -> tuple[int, int]:
        """The batch that a row is in, and its place there."""
        return divmod(int(self._order[index]), BATCH)

    def row(self, index: int) -> Row:
        """One row, read."""
        batch, place = self._at(index)
        ids, learned = (values[bounds[place] : bounds[place + 1]].tolist() for bounds, values in self._parts[batch])
        return Row(ids, tuple(zip(learned[::2], learned[1::2], strict=True)))

    def facts(self, index: int) -> tuple[str, ...]:
        """The facts that a row carries."""
        batch, place = self._at(index)
        return tuple(self._batches[batch].column("facts")[place].as_py())

    def id(self, index: int) -> str:
        """The digest of what a row says."""
        batch, place = self._at(index)
        return str(self._batches[batch].column("id")[place])

    @cached_property
    def digest(self) -> str:
        """Names the rows and their order."""
        return digest(
            pa.chunked_array([batch.column("id") for batch in self._batches], pa.string()).take(self._order).to_pylist()
        )


def batches(items: Iterable[T], characters: Callable[[T], int] = lambda _: 0) -> Iterator[list[T]]:
    """The items, `BATCH` at a time, or fewer where they hold more than `LARGEST` characters."""
    batch: list[T] = []
    held = 0
    for item in items:
        batch.append(item)
        held += characters(item)
        if len(batch) == BATCH or held > LARGEST:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _parts(column: pa.ListArray) -> tuple[np.ndarray, np.ndarray]:
    """Where each list begins, and the values of all."""
    return column.offsets.to_numpy(), column.values.to_numpy()


def _batch(told: Sequence[Told]) -> pa.RecordBatch:
    columns = [
        _lists([t.row.input_ids for t in told]),
        _lists([[bound for span in t.row.learned for bound in span] for t in told]),
        pa.array([list(t.facts) for t in told], SCHEMA.field("facts").type),
        pa.array([t.id for t in told], pa.string()),
        pa.array([t.place for t in told], pa.int64()),
    ]
    return pa.record_batch(columns, schema=SCHEMA)


def _lists(numbers: Sequence[Sequence[int]]) -> pa.ListArray:
    """Lists of numbers; arrow's own way from lists takes several times as long."""
    bounds = np.cumsum([0, *map(len, numbers)], dtype=np.int32)
    return pa.ListArray.from_arrays(bounds, np.fromiter(chain.from_iterable(numbers), np.int32, int(bounds[-1])))
