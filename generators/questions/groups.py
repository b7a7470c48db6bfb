"""Groups: the entities that share an object ("the people whose employer is X"). Counting, superlatives and intersections
begin with one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.world.columns import Ints, Sets, chosen, joined, mixed, picked
from generators.world.schema import Schema
from generators.world.world import PARTS, World
from kit.core.records import Operation

SMALLEST, LARGEST = 2, 6
"""Members of a group that is asked about: few enough to be listed in an answer."""

ENDS: tuple[Operation, ...] = ("least", "most")
"""The two ends of a scale; `Relation.compared` has the words for each."""


def usable(schema: Schema, *, predicates: bool = False) -> NDArray[np.int64]:
    """The relations whose objects make groups: functional, with a role, and with predicates where asked for."""
    rows = enumerate(schema.relations)
    return np.array([c for c, r in rows if r.functional and r.role and (r.predicates or not predicates)], np.int64)


def scales(schema: Schema) -> list[int]:
    """The relations whose objects can be compared."""
    return [code for code, r in enumerate(schema.relations) if r.compared]


CHUNK = 8_000
"""Questions made at once: bounds the memory, and what is made beyond what is wanted."""


def in_chunks(key: int, *columns: Ints) -> Iterator[tuple[Ints, ...]]:
    """The rows of some columns in a keyed order, `CHUNK` at a time."""
    order = np.argsort(mixed(key, *columns), kind="stable")
    for start in range(0, len(order), CHUNK):
        yield tuple(column[order[start : start + CHUNK]] for column in columns)


def found(world: World) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every group of a size to be asked about: the shared object, and the relation. Not by a value such as a profession:
    others have it too, in parts of the world that are not known, or not yet."""
    own = world.parts != PARTS.index("shared")
    objects, codes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for code in usable(world.schema).tolist():
        sizes = world.ends(code)
        objects.append(np.flatnonzero((sizes >= SMALLEST) & (sizes <= LARGEST) & own))
        codes.append(np.full(len(objects[-1]), code))
    return np.concatenate(objects), np.concatenate(codes)


def padded(sets: Sets, width: int) -> NDArray[np.int64]:
    """The sets as a matrix, -1 where a row has fewer than `width`."""
    counts = sets.counts
    matrix = np.full((sets.size, width), -1, np.int64)
    matrix[sets.rows, np.arange(len(sets.rows)) - np.repeat(np.cumsum(counts) - counts, counts)] = sets.values
    return matrix


def described(world: World, shared: Ints, codes: Ints) -> pa.StringArray:
    """ "people whose employer is Alto Works"."""
    plural, role, link = (chosen(words, codes) for words in (world.schema.plural, world.schema.role, world.schema.link))
    return joined(plural, " whose ", role, " is ", link, chosen(world.names, shared))


def predicate(world: World, codes: Ints, objects: Ints, draws: NDArray[np.uint64]) -> pa.StringArray:
    """ "works for Alto Works", in one of the relation's wordings."""
    predicates = world.schema.predicates
    return predicates.fill(codes, picked(draws, predicates.counts[codes]), world.entities.fillers, objects)


def listed(world: World, members: Sets) -> pa.StringArray:
    """The names of each set: "A, B and C"."""
    names = chosen(world.names, members.values).to_pylist()
    ends = np.cumsum(members.counts)
    rows = (names[end - count : end] for end, count in zip(ends.tolist(), members.counts.tolist(), strict=True))
    return pa.array([" and ".join([", ".join(row[:-1]), row[-1]] if len(row) > 1 else row) for row in rows], pa.string())


def members_asked(world: World, shared: Ints, codes: Ints, members: Sets) -> pa.StructArray:
    """The sub-question that lists a group, one a row."""
    names, group = listed(world, members), described(world, shared, codes)
    columns = [
        joined("Which are the ", group, "?"),
        names,
        joined("The ", group, " are ", names, "."),
        chosen(world.schema.names, codes),
        chosen([""], np.zeros(len(codes), int)),
    ]
    return pa.StructArray.from_arrays(columns, names=["text", "answer", "sentence", "relation", "fact"])


def worded(openers: Sequence[str], draws: NDArray[np.uint64], **fillings: pa.Array) -> pa.StringArray:
    """One of the openers a row, its slots filled from the columns of their names: a form at a time."""
    which = picked(draws, len(openers))
    texts = np.empty(len(which), object)
    for form, opener in enumerate(openers):
        own = np.flatnonzero(which == form)
        columns = [column.take(pa.array(own)).to_pylist() for column in fillings.values()]
        texts[own] = [opener.format(**dict(zip(fillings, row, strict=True))) for row in zip(*columns, strict=True)]
    return pa.array(texts, pa.string())
