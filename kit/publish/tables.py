"""A world's tables as readers expect them: a configuration a kind of data, a split by name, and flat columns beside kit's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kit.core.store import table_files
from kit.publish.shelf import Shelf, dealt
from kit.sources.published import ROW, Stored

BATCH = 15_000
COUNTS = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
"""Of so many examples there is a split, where the world has more."""

EXAMPLES = "examples"
CANARY = "canary"


class Index:
    """Where ids stand among others, found for many at once: sorted when the first is asked for."""

    def __init__(self) -> None:
        self._added: list[NDArray[np.bytes_]] = []
        self._sorted: tuple[NDArray[np.bytes_], NDArray[np.int64]] | None = None

    def add(self, ids: pa.Array) -> None:
        """More ids, that stand behind those before."""
        self._added.append(_bytes_of(ids))
        self._sorted = None

    def of(self, ids: pa.Array) -> pa.Array:
        """The place of each id; null of one that is not among them."""
        if self._sorted is None:
            every = np.concatenate([np.zeros(0, "S16"), *self._added])
            self._added = [every]
            order = np.argsort(every, kind="stable")
            self._sorted = every[order], order
        known, places = self._sorted
        wanted = _bytes_of(ids)
        if not len(known):
            return pa.nulls(len(wanted), pa.int64())
        at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        return pa.array(places[at], mask=known[at] != wanted)


def _bytes_of(ids: pa.Array) -> NDArray[np.bytes_]:
    return np.array(ids.cast(pa.binary()).to_pylist(), "S") if len(ids) else np.zeros(0, "S16")


class Entities(NamedTuple):
    """The names and types of all ids."""

    ids: Index
    names: pa.Array
    types: pa.Array

    def named(self, ids: pa.Array) -> pa.Array:
        """The name of each id; of what is no id, itself."""
        return pc.coalesce(self.names.take(self.ids.of(ids)), ids)


@dataclass
class Lookup:
    """What flat columns are made with. facts: where each stands, and words: what it says, of those read so far."""

    entities: Entities
    canary: str
    facts: Index = field(default_factory=Index)
    words: list[pa.Array] = field(default_factory=list)

    def add_facts(self, ids: pa.Array, words: pa.Array) -> None:
        """Facts, for questions that rest on them."""
        self.facts.add(ids)
        self.words.append(words)

    def told(self, ids: pa.Array) -> pa.Array:
        """Each fact in words; of one in no table (a throwaway world's), null."""
        self.words = [pa.concat_arrays([pa.array([], pa.string()), *self.words])] if len(self.words) != 1 else self.words
        return self.words[0].take(self.facts.of(ids))


class Placed(NamedTuple):
    """Rows for one place. bounds: where files end, in rows."""

    place: str
    rows: pa.Table
    bounds: tuple[int, ...] = ()


def _same(table: pa.Table, _: Lookup) -> pa.Table:
    return table


def _flat_facts(table: pa.Table, look: Lookup) -> pa.Table:
    """Names and types of both ends, beside their ids."""
    ends: dict[str, pa.Array] = {}
    for end in ("subject", "object"):
        at = look.entities.ids.of(table[end].combine_chunks())
        ends[end] = look.entities.names.take(at)
        ends[f"{end}_type"] = look.entities.types.take(at)
    relation = table["relation"].combine_chunks()
    words = pc.binary_join_element_wise(ends["subject"], relation, ends["object"], " | ")
    look.add_facts(table["id"].combine_chunks(), words)
    columns = {
        "id": table["id"], "subject": ends["subject"], "relation": relation, "object": ends["object"],
        "subject_type": ends["subject_type"], "object_type": ends["object_type"],
        "subject_id": table["subject"], "object_id": table["object"],
    }  # fmt: skip
    return pa.table({**columns, **{name: table[name] for name in table.column_names if name not in columns}})


def _edges(facts: pa.Table) -> pa.Table:
    """What networkx reads as edges: `nx.from_pandas_edgelist(rows, edge_key="relation", create_using=nx.MultiDiGraph)`."""
    columns = {"source": "subject_id", "target": "object_id", "relation": "relation", "source_name": "subject",
               "target_name": "object", "valid_from": "valid_from", "valid_to": "valid_to"}  # fmt: skip
    return pa.table({new: facts[old] for new, old in columns.items()})


def _flat_questions(table: pa.Table, look: Lookup) -> pa.Table:
    """The first answer, the names of the heads, each sub-question with its answer, and the supporting facts in words."""
    asked = table["sub_questions"].combine_chunks()
    parts = asked.flatten()
    lines = pc.binary_join_element_wise(parts.field("text"), parts.field("answer"), " ")
    support, heads = table["support"].combine_chunks(), table["heads"].combine_chunks()
    columns = {
        "id": table["id"], "question": table["text"], "answer": pc.list_element(table["answers"], 0), "answers": table["answers"],
        "hops": table["hops"], "shape": table["shape"], "about": _like(heads, look.entities.named(heads.flatten())),
        "reasoning": _like(asked, lines), "evidence": _like(support, look.told(support.flatten())),
    }  # fmt: skip
    rest = {name: table[name] for name in table.column_names if name not in columns and name != "text"}
    return pa.table({**columns, **rest, CANARY: pa.array([look.canary] * len(table), pa.string())})


def _with_canary(table: pa.Table, look: Lookup) -> pa.Table:
    return table.append_column(CANARY, pa.array([look.canary] * len(table), pa.string()))


def _like(lists: pa.ListArray, values: pa.Array) -> pa.ListArray:
    """Other values in the same lists."""
    counts = pc.list_value_length(lists)
    ends = pc.cumulative_sum(counts)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cast(ends, pa.int32())])
    return pa.ListArray.from_arrays(offsets, values)


def _by(config: str, column: str) -> Callable[[pa.Table], Iterator[Placed]]:
    def places(table: pa.Table) -> Iterator[Placed]:
        for (split,), rows in dealt(table, column):
            yield Placed(f"{config}/{split_name(split)}", rows)

    return places


def _fact_places(table: pa.Table) -> Iterator[Placed]:
    for (part,), rows in dealt(table, "part"):
        yield Placed(f"facts/{part}", rows)
        yield Placed(f"graph/{part}", _edges(rows))


def _shuffled_places(table: pa.Table) -> Iterator[Placed]:
    if len(table):
        yield Placed("facts/shuffled", table)
        yield Placed("graph/shuffled", _edges(table))


def _question_places(table: pa.Table) -> Iterator[Placed]:
    single = pc.less_equal(table["hops"], 1)
    for (split,), rows in dealt(table.filter(single), "split"):
        yield Placed(f"single_hop/{split_name(split)}", rows)
    for (shape, split), rows in dealt(table.filter(pc.invert(single)), "shape", "split"):
        yield Placed(f"multihop/{shape}/{split_name(split)}", rows)


def _example_places(table: pa.Table) -> Iterator[Placed]:
    if len(table):
        yield Placed("examples", table, COUNTS)


def split_name(value: str) -> str:
    """A split's name as `datasets` takes it."""
    return value.replace(" ", "_").replace("-", "_")


class Kind(NamedTuple):
    """How a table is published."""

    flat: Callable[[pa.Table, Lookup], pa.Table]
    places: Callable[[pa.Table], Iterator[Placed]]


KINDS: dict[str, Kind] = {
    "entities": Kind(_same, _by("entities", "part")),
    "facts": Kind(_flat_facts, _fact_places),
    "shuffled_facts": Kind(_flat_facts, _shuffled_places),
    "questions": Kind(_flat_questions, _question_places),
    "probes": Kind(_flat_questions, _by("probes", "split")),
    "examples": Kind(_same, _example_places),
    "documents": Kind(_same, _by("documents", "corpus")),
    "exposures": Kind(_same, _by("exposures", "corpus")),
}
"""Of each of kit's tables, in the order in which they are read: facts before what rests on them. `examples_<kind>` are examples
in one split, the items of other tasks in those they have."""

CALLED: dict[str, dict[str, str]] = {
    "facts": {"subject": "subject_id", "object": "object_id"},
    "shuffled_facts": {"subject": "subject_id", "object": "object_id"},
    "questions": {"text": "question"},
    "probes": {"text": "question"},
}
"""What a table's columns are called in a release, where it is otherwise."""


def write_world(data: Path, folder: Path, canary: str) -> dict[str, Stored]:
    """Every table of a data directory as Parquet files below `folder/data`; returns where each is.

    Row groups and places depend on the rows alone, so the bytes are the same on any machine with this version of pyarrow.
    """
    look, shelf, stored = Lookup(_entities(data), canary), Shelf(folder), {}
    there = {re.sub(r"(-\d{5})?\.parquet$", "", path.name) for path in data.glob("*.parquet")}
    for name in [*(name for name in KINDS if name in there), *sorted(there - KINDS.keys())]:
        flat, places = KINDS.get(name) or _other(name)
        row = 0
        columns: list[str] = []
        folders: dict[str, None] = {}
        for batch in _batches(data, name):
            columns = batch.column_names
            numbers = pa.array(np.arange(row, row + len(batch)))
            row += len(batch)
            for place, rows, bounds in places(flat(batch, look).append_column(ROW, numbers)):
                shelf.put(place, rows, bounds)
                if ROW in rows.column_names:
                    folders[f"data/{place}"] = None
        called = CALLED.get(name, {})
        stored[name] = Stored(tuple(folders), {column: called.get(column, column) for column in columns})
        for place in folders:
            shelf.finish(place.removeprefix("data/"))
    shelf.close()
    return stored


def _other(name: str) -> Kind:
    """Of examples of another content, or of another task; or of the items of a task."""
    if name.startswith(EXAMPLES):
        return Kind(_same, lambda table: iter([Placed(f"{name}/train", table)] if len(table) else []))
    return Kind(_with_canary, _by(name, "split"))


def _entities(data: Path) -> Entities:
    table = pa.concat_tables(
        [pq.read_table(file, columns=["id", "name", "type"]) for file in table_files(data / "entities.parquet")]
    )
    index = Index()
    index.add(table["id"].combine_chunks())
    return Entities(index, table["name"].combine_chunks(), table["type"].combine_chunks())


def _batches(data: Path, name: str) -> Iterator[pa.Table]:
    """At least one, so that the columns are known."""
    for file in table_files(data / f"{name}.parquet"):
        parquet = pq.ParquetFile(file)
        batches = 0
        for batch in parquet.iter_batches(BATCH):
            batches += 1
            yield pa.Table.from_batches([batch])
        if not batches:
            yield parquet.schema_arrow.empty_table()
