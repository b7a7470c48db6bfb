"""What those who guess at a written data set may read of it: the first questions of every shape and split, and all facts and
names, as numbers. An entity is its place in the entities file.

Memory is bounded by the sample, some twenty bytes a fact, and the names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from generators.world.columns import Ints, KeySet, distinct, hashes_of, mixed, place_in, worth
from kit.core.records import Question, schema_of
from kit.core.store import table_files

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

GROUPS = dict.fromkeys(("validation", "test_entity", "test_composition", "test_relation_pair"), "test")
"""Splits that are told together, all of them about the known part; the others by their own names."""

PARTS = ("known", "novel", "twin", "shuffled", "crossing")
"""Where questions' facts come from, and (but for `shuffled`) what names are told apart by; all others' from the known part."""

CROSSING = ("novel_to_novel", "novel_to_known", "known_to_novel", "known_to_known", "one_document")
"""Splits about that part."""

READ = (
    "id", "shape", "split", "text", "heads", "steps", "answers", "support", "hops", "candidates", "members", "context_facts"
)  # fmt: skip
BACK = ("inverse", "having", "least", "most")
"""Operations that lead to subjects of their relation; the others lead to objects."""

UNKNOWN = "unknown"
"""The first answer to what cannot be answered."""


class Entities(NamedTuple):
    """All of the file, in its order. order: of the hashes of their ids. like: the place of the first of the same name, which an
    entity goes by. blocks: of the known part; -1 for values, which all parts share."""

    hashes: NDArray[np.uint64]
    order: NDArray[np.int64]
    names: pa.StringArray
    types: pa.StringArray
    parts: pa.StringArray
    like: NDArray[np.int64]
    blocks: NDArray[np.int64]

    def named(self, names: pa.Array) -> NDArray[np.int64]:
        """The entities of these names, -1 for what is none."""
        return pc.index_in(names, self.names).fill_null(-1).to_numpy(False).astype(np.int64)

    def of(self, ids: pa.Array) -> NDArray[np.int64]:
        """Those of these ids."""
        found = place_in(self.hashes[self.order], hashes_of(ids))
        return np.where(found >= 0, self.like[self.order[found]], -1)


class Facts(NamedTuple):
    """Every fact: its id, the numbers of its relation and part, and its ends."""

    ids: NDArray[np.uint64]
    relation: NDArray[np.int16]
    part: NDArray[np.int8]
    subject: NDArray[np.int32]
    object: NDArray[np.int32]

    def take(self, rows: Ints) -> Facts:
        return Facts._make(column[rows] for column in self)


class Options(NamedTuple):
    """What can be chosen, an option a row, the right one first: whose, its name, the entity (-1: none), and its worth or (a
    name's) place in the entities file."""

    owner: NDArray[np.int64]
    names: pa.StringArray
    right: Bools
    entity: NDArray[np.int64]
    where: Floats


class Told(NamedTuple):
    """The sentences of the prompts, a row each: whose, which in turn, its relation and ends; whether it has the relation of the
    last step, and then the end asked for, the other one, and whether the former is accepted."""

    owner: NDArray[np.int64]
    place: NDArray[np.int64]
    ends: NDArray[np.int64]
    last: Bools
    far: NDArray[np.int64]
    near: NDArray[np.int64]
    right: Bools


class Closed(NamedTuple):
    """Questions with two possible answers, a row each: which, the cell they count in, and the answer, 0 or 1."""

    rows: NDArray[np.int64]
    cell: NDArray[np.int64]
    answer: NDArray[np.int64]


class Sheet:
    """Questions to be guessed, and what guessers may know of them."""

    def __init__(self, table: pa.Table, entities: Entities, facts: Facts, relations: dict[str, int]) -> None:
        self.table, self.entities, self.facts, self.relations = table, entities, facts, relations
        self.size = len(table)
        shapes, splits = (self.strings(name).to_pylist() for name in ("shape", "split"))
        self.splits = [GROUPS.get(split, split) for split in splits]
        names: dict[str, int] = {}
        self.cell = numbers([f"{shape}\t{split}" for shape, split in zip(shapes, self.splits, strict=True)], names)
        self.cells = list(names)
        parts = {split: part for part in PARTS for split in (part, f"recall_{part}")}
        parts |= dict.fromkeys(CROSSING, "crossing")
        self.part = np.array([PARTS.index(parts.get(split, "known")) for split in self.splits], np.int64)
        self.draws = mixed(hashes_of(self.strings("id")), 1)
        # What stands side by side, as pairs do, is in one half.
        place = ranks(self.cell)
        order = np.lexsort((place, self.cell))
        leading = order[np.maximum.accumulate(np.where(place[order] % 2 == 0, np.arange(self.size), 0))]
        self.half = np.zeros(self.size, bool)
        self.half[order] = (self.draws[leading] & np.uint64(1)).astype(bool)
        self.first = pc.list_element(self.strings("answers"), 0)

    @staticmethod
    def read(directory: Path, sample: int) -> Sheet:
        """What is asked in a data directory: questions and probes."""
        listed = pa.concat_tables(_pieces(directory, "entities", "id", "name", "type", "part", "block")).combine_chunks()
        ids, names, types, parts, block = (listed[c].combine_chunks() for c in ("id", "name", "type", "part", "block"))
        blocks = np.where(is_in(parts, ("shared",)), -1, block.to_numpy())
        hashes, like = hashes_of(ids), pc.index_in(names, names).to_numpy(False).astype(np.int64)
        entities = Entities(hashes, np.argsort(hashes), names, types, parts, like, blocks)
        relations: dict[str, int] = {}
        facts = [f for name in ("facts", "shuffled_facts") for f in _facts(directory, name, entities, relations)]
        table = pa.concat_tables([t for name in ("questions", "probes") for t in _sampled(directory, name, sample)])
        return Sheet(table, entities, Facts(*map(np.concatenate, zip(*facts, strict=True))), relations)

    def strings(self, name: str) -> Any:
        """A column."""
        return self.table[name].combine_chunks()

    @cached_property
    def steps(self) -> tuple[Any, NDArray[np.int64], NDArray[np.int64]]:
        """All steps in words, whose they are, and the place among them of each question's last one that follows a relation (-1:
        there is none)."""
        steps = self.strings("steps")
        owner, flat = parents(steps), steps.flatten()
        last = np.full(self.size, -1)
        follows = np.flatnonzero(pc.not_equal(flat.field("relation"), "").to_numpy(False))
        last[owner[follows]] = follows
        return pc.binary_join_element_wise(flat.field("op"), flat.field("relation"), " "), owner, last

    @cached_property
    def last(self) -> tuple[NDArray[np.int64], Bools]:
        """The relation of each question's last step that follows one (-1: of none), and whether it leads to its subject."""
        flat, place = self.strings("steps").flatten(), pa.array(self.steps[2], mask=self.steps[2] < 0)
        relation = numbers(flat.field("relation").take(place).fill_null("").to_pylist(), self.relations)
        return np.where(self.steps[2] < 0, -1, relation), is_in(flat.field("op").take(place).fill_null(""), BACK)

    @cached_property
    def last_head(self) -> NDArray[np.int64]:
        """The last entity that each question is put to (-1: there is none)."""
        heads, found = self.strings("heads"), np.full(self.size, -1)
        found[parents(heads)] = self.entities.of(heads.flatten())
        return found

    @cached_property
    def answered(self) -> Bools:
        """Whether the answer is one entity or several."""
        return ~is_in(self.first, ("yes", "no", UNKNOWN)) & ~self.counted

    @cached_property
    def several(self) -> Bools:
        """Whether all of several are asked for."""
        return pc.list_value_length(self.strings("members")).to_numpy(False) > 0

    @cached_property
    def counted(self) -> Bools:
        """Whether the answer is how many there are."""
        ops, owner = self.strings("steps").flatten().field("op"), self.steps[1]
        return np.bincount(owner, is_in(ops, ("count",)), self.size) > 0

    @cached_property
    def closed(self) -> Closed:
        """Those answered by yes or no; those that may be unanswerable; and those that name two options, of which
        the answer is the first or not. Where nothing of what may be unanswerable is not, chains of the same
        split and number of hops stand in for it, as many."""
        shapes, says_no = self.strings("shape"), is_in(self.first, ("no", UNKNOWN))
        lacking, chain = is_in(shapes, ("unanswerable",)), pc.starts_with(shapes, "chain-").to_numpy(False)
        alone = lacking & (np.bincount(self.cell, lacking & ~says_no, len(self.cells)) == 0)[self.cell]
        kinds = numbers(zip(self.strings("split").to_pylist(), self.strings("hops").to_pylist(), strict=True), {})
        rooms = np.minimum(*(np.bincount(kinds[rows], minlength=kinds.max(initial=0) + 1) for rows in (alone, chain)))
        own, stand_in = (rows[ranks(kinds[rows]) < rooms[kinds[rows]]] for rows in map(np.flatnonzero, (alone, chain)))
        named, first = self.named_first
        rows = np.concatenate([np.flatnonzero(is_in(self.first, ("yes", "no")) | (lacking & ~alone) | named), own, stand_in])
        home = dict(zip(np.array(self.splits)[own], self.cell[own], strict=True))
        cell = np.append(self.cell[rows[: len(rows) - len(stand_in)]], [home[self.splits[i]] for i in stand_in]).astype(np.int64)
        return Closed(rows, cell, np.where(named, first, ~says_no)[rows].astype(np.int64))

    @cached_property
    def named_first(self) -> tuple[Bools, Bools]:
        """Which questions name the answer and one other of their options, and whether the answer first."""
        options, at = self.options, self.named_at
        named = at >= 0
        counts, whole = (np.bincount(options.owner[named], w, self.size) for w in (None, options.right[named]))
        first = np.full(self.size, np.iinfo(np.int64).max)
        np.minimum.at(first, options.owner[named], at[named])
        return (counts == 2) & (whole == 1), at[options.right] == first

    @cached_property
    def named_at(self) -> NDArray[np.int64]:
        """Where the question names each option (-1: nowhere)."""
        texts, names = self.strings("text").to_pylist(), self.options.names.to_pylist()
        return np.array([texts[i].find(name) for i, name in zip(self.options.owner, names, strict=True)], np.int64)

    @cached_property
    def options(self) -> Options:
        wrong = self.strings("candidates")
        owner = np.concatenate([np.arange(self.size), parents(wrong)])
        order = np.argsort(owner, kind="stable")
        names = pa.concat_arrays([self.first, wrong.flatten()]).take(pa.array(order))
        entity, where = self.entities.named(names), self.worth(names)
        where = np.where(np.isnan(where) & (entity >= 0), entity, where)
        return Options(owner[order], names, (np.arange(len(owner)) < self.size)[order], entity, where)

    @cached_property
    def told(self) -> Told:
        listed = self.strings("context_facts")
        fact, owner = self.found(listed.flatten()), parents(listed)
        place = np.arange(len(owner))
        owner, place, facts = owner[fact >= 0], place[fact >= 0], self.facts.take(fact[fact >= 0])
        ends = np.stack([facts.subject, facts.object], axis=1).astype(np.int64)
        relation, back = self.last
        far, near = (np.where(back[owner], ends[:, k], ends[:, 1 - k]) for k in (0, 1))
        accepted = [self.strings(name) for name in ("answers", "members")]
        named = self.entities.named(pa.concat_arrays([a.flatten() for a in accepted]))
        keys = (np.concatenate([parents(a) for a in accepted]) * len(self.entities.names) + named)[named >= 0]
        right = place_in(distinct(keys), owner * len(self.entities.names) + far) >= 0
        return Told(owner, place, ends, facts.relation == relation[owner], far, near, right)

    @cached_property
    def words(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Whose the words of the texts are, and which; and the same of the options' names, whose being an option's. Upper case is
        lower case."""
        names = self.options.names.dictionary_encode()
        told = (pc.utf8_lower(texts) for texts in (self.strings("text"), names.dictionary))
        texts, spelled = (pc.split_pattern_regex(t, r"[^\pL\pN]+") for t in told)
        spelled = spelled.take(names.indices)
        words = pa.concat_arrays([texts.flatten(), spelled.flatten()]).dictionary_encode().indices.to_numpy()
        mine, theirs = parents(texts), parents(spelled)
        return mine, words[: len(mine)].astype(np.int64), theirs, words[len(mine) :].astype(np.int64)

    def worth(self, names: pa.Array) -> Floats:
        """The numbers and years among names; nan for the others."""
        told = names.dictionary_encode()
        values = (worth(text) for text in told.dictionary.to_pylist())
        return np.array([np.nan if value is None else value for value in values], np.float64)[told.indices.to_numpy()]

    def found(self, ids: pa.Array) -> NDArray[np.int64]:
        """The rows of facts, -1 where there is none."""
        hashes = hashes_of(ids)
        wanted = distinct(hashes)
        rows = np.flatnonzero(KeySet(wanted).has(self.facts.ids))
        places = np.full(len(wanted) + 1, -1)
        places[place_in(wanted, self.facts.ids[rows])] = rows
        return places[np.searchsorted(wanted, hashes)]

    def ends_in(self, part: Ints, relation: Ints, back: Bools, entity: Ints) -> NDArray[np.int64]:
        """How many facts of a part and relation end in an entity: as their object or, `back`, as their subject."""
        facts, size = self.facts, len(self.entities.names)

        def keys(part: Ints, relation: Ints, back: Bools | int, entity: Ints) -> NDArray[np.int64]:
            return ((part.astype(np.int64) * (len(self.relations) + 1) + relation) * 2 + back) * size + entity

        asked = keys(part, relation, back, entity)
        wanted = distinct(asked)
        few, counts = KeySet(wanted), np.zeros(len(wanted), np.int64)
        for side, end in enumerate((facts.object, facts.subject)):
            own = keys(facts.part, facts.relation, side, end)
            counts += np.bincount(place_in(wanted, own[few.has(own)]), minlength=len(wanted))
        return counts[np.searchsorted(wanted, asked)]


def _pieces(directory: Path, name: str, *columns: str) -> Iterator[pa.Table]:
    """A table, a row group at a time."""
    for file in table_files(directory / f"{name}.parquet"):
        opened = pq.ParquetFile(file)
        for groups in [[group] for group in range(opened.num_row_groups)] or [[]]:
            yield opened.read_row_groups(groups, columns=list(columns))


def _sampled(directory: Path, name: str, sample: int) -> Iterator[pa.Table]:
    """The first `sample` rows of every shape and split; row groups without any are not read."""
    names: dict[tuple[str, str], int] = {}
    seen = np.zeros(0, np.int64)
    yield schema_of(Question).empty_table().select(READ)
    for file in table_files(directory / f"{name}.parquet"):
        opened = pq.ParquetFile(file)
        for group in range(opened.num_row_groups):
            told = opened.read_row_group(group, columns=["shape", "split"])
            kinds = numbers(zip(*(told[c].to_pylist() for c in told.column_names), strict=True), names)
            seen = np.pad(seen, (0, len(names) - len(seen)))
            kept = seen[kinds] + ranks(kinds) < sample
            seen += np.bincount(kinds, minlength=len(seen))
            if kept.any():
                yield opened.read_row_group(group, columns=list(READ)).filter(pa.array(kept)).select(READ)


def _facts(directory: Path, name: str, entities: Entities, relations: dict[str, int]) -> Iterator[Facts]:
    """The facts of a table, in pieces. Those of a part without questions count as known."""
    for piece in _pieces(directory, name, "id", "subject", "relation", "object", "part"):
        columns = {c: piece[c].combine_chunks() for c in piece.column_names}
        part = pc.index_in(columns["part"], pa.array(PARTS)).fill_null(0).to_numpy(False)
        if name == "shuffled_facts":
            part = np.full(len(piece), PARTS.index("shuffled"))
        ends = [entities.of(columns[c]).astype(np.int32) for c in ("subject", "object")]
        told = columns["relation"].dictionary_encode()
        relation = numbers(told.dictionary.to_pylist(), relations).astype(np.int16)[told.indices.to_numpy()]
        facts = Facts(hashes_of(columns["id"]), relation, part.astype(np.int8), *ends)
        yield facts.take(np.flatnonzero((ends[0] >= 0) & (ends[1] >= 0)))


def numbers(values: Any, names: dict[Any, int]) -> NDArray[np.int64]:
    """What is the same gets the same number, new ones the next."""
    return np.array([names.setdefault(value, len(names)) for value in values], np.int64)


def parents(lists: Any) -> NDArray[np.int64]:
    """Which list each value is in."""
    return pc.list_parent_indices(lists).to_numpy(False).astype(np.int64)


def is_in(texts: Any, words: Sequence[str]) -> Bools:
    """Whether each is one of the words."""
    return pc.is_in(texts, pa.array(words, pa.string())).to_numpy(False)


def ranks(kinds: Ints) -> NDArray[np.int64]:
    """How many of its kind stand before each."""
    order, counts = np.argsort(kinds, kind="stable"), np.bincount(kinds)
    ranks = np.empty(len(kinds), np.int64)
    ranks[order] = np.arange(len(kinds)) - np.repeat(np.cumsum(counts) - counts, counts)
    return ranks
