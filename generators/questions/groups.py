"""Groups: the entities that share an object ("the people whose employer is X"). Counting, superlatives and intersections
begin with one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.questions.alternatives import fact_beside
from generators.world.columns import Ints, Sets, chosen, hashes_of, joined, mixed, picked
from generators.world.world import World
from kit.core.records import Operation

SMALLEST, LARGEST = 2, 6
"""Members of a group that is asked about: few enough to be listed in an answer."""

SHOWN = LARGEST + 2
"""Sentences about members, of this and other groups, that stand in the prompt of a question about one."""

ENDS: tuple[Operation, ...] = ("least", "most")
"""The two ends of a scale; `Relation.compared` has the words for each."""


def usable(world: World, *, predicates: bool = False, whole: bool = False) -> NDArray[np.int64]:
    """The relations whose objects make groups: of one object a subject, without exception, with a role, and with predicates where
    asked for. whole: only those of which all members can be supposed to be named (not where more is so than is told, nor where a
    number of them is stated, such as a workforce)."""
    relations = world.schema.relations
    unnamed = {r.counts for r in relations} | {r.name for r in relations if r.open} if whole else set()
    rows = [(c, r) for c, r in enumerate(relations) if world.single_valued[c] and r.role and r.name not in unnamed]
    return np.array([c for c, r in rows if r.predicates or not predicates], np.int64)


def scales(world: World) -> list[int]:
    """The relations whose objects can be compared."""
    return [code for code, r in enumerate(world.schema.relations) if r.compared and world.single_valued[code]]


def in_chunks(chunk: int, key: int, *columns: Ints) -> Iterator[tuple[Ints, ...]]:
    """The rows of some columns in a keyed order, `chunk` at a time."""
    order = np.argsort(mixed(key, *columns), kind="stable")
    for start in range(0, len(order), chunk):
        yield tuple(column[order[start : start + chunk]] for column in columns)


def in_any_order(key: int, tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of several tables, mixed: whatever the first are, they are of every kind."""
    table = pa.concat_tables(tables)
    return table.take(pa.array(np.argsort(mixed(key, hashes_of(table["id"].combine_chunks())), kind="stable")))


def found(world: World) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every group of a size to be asked about: the shared object, and the relation. Not by a value such as a profession,
    nor by what belongs to another part: others have it too, in parts of the world that are not known, or not yet."""
    objects, codes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for code in usable(world, whole=True).tolist():
        shared, sizes = world.ends(code)
        own = world.parts[shared] == world.parts[world.subject[:1]]
        objects.append(shared[(sizes >= SMALLEST) & (sizes <= LARGEST) & own])
        codes.append(np.full(len(objects[-1]), code))
    return np.concatenate(objects), np.concatenate(codes)


def padded(sets: Sets, width: int) -> NDArray[np.int64]:
    """The sets as a matrix, -1 where a row has fewer than `width`."""
    counts = sets.counts
    matrix = np.full((sets.size, width), -1, np.int64)
    matrix[sets.rows, np.arange(len(sets.rows)) - np.repeat(np.cumsum(counts) - counts, counts)] = sets.values
    return matrix


def beside(
    world: World,
    codes: Ints,
    facts: NDArray[np.int64],
    draws: NDArray[np.uint64],
    total: int,
    back: NDArray[np.bool_] | bool = True,
) -> NDArray[np.int64]:
    """Facts of other groups of the same relations, as many as make `total` with those of the row: how many there are tells
    nothing. back: where groups are what shares an object, and not what a subject has. (rows, total), -1 from where they are
    complete."""
    n, hops = len(facts), np.where(back, codes + world.schema.back, codes)
    shown = np.column_stack([facts, np.full((n, total), -1)])
    room = facts.shape[1] + np.zeros(n, np.int64)
    left = total - (facts >= 0).sum(1)
    for turn in range(total):
        # Somebody of another group, and then the rest of it.
        like = fact_beside(world, codes, shown, mixed(draws, 700 + turn))
        end = np.where(like >= 0, np.where(back, world.object[like], world.subject[like]), -1).astype(np.int64)
        for place in range(LARGEST):
            fact = world.met(hops, end, place)
            new = np.flatnonzero((fact >= 0) & (left > 0) & ~(shown == fact[:, None]).any(1))
            shown[new, room[new]] = fact[new]
            room[new] += 1
            left[new] -= 1
        if not (left > 0).any():
            break
    return shown[:, facts.shape[1] :]


def described(world: World, shared: Ints, codes: Ints) -> pa.StringArray:
    """ "people whose employer is Alto Works"."""
    plural, role, link = (chosen(words, codes) for words in (world.schema.plural, world.schema.role, world.schema.link))
    return joined(plural, " whose ", role, " is ", link, chosen(world.names, shared))


def which(world: World, shared: Ints, codes: Ints) -> pa.StringArray:
    """ "Who are the people whose employer is Alto Works?"."""
    opener = chosen(
        ["Which are the ", "Who are the "], np.array([int(r.subject == "person") for r in world.schema.relations])[codes]
    )
    return joined(opener, described(world, shared, codes), "?")


def predicate(
    world: World,
    codes: Ints,
    objects: Ints,
    draws: NDArray[np.uint64],
    beside: tuple[Ints, NDArray[np.uint64]] | None = None,
) -> pa.StringArray:
    """ "works for Alto Works", in one of the relation's wordings. beside: relations and draws of what stands before it; then the
    verb is another, where the relation has another."""
    predicates, verbs = world.schema.predicates, world.schema.verbs
    counts = predicates.counts[codes]
    which = picked(draws, counts)
    if beside:
        other = verbs[predicates.at[beside[0]] + picked(beside[1], predicates.counts[beside[0]])]
        for _ in range(int(counts.max(initial=1)) - 1):
            which = np.where(verbs[predicates.at[codes] + which] == other, (which + 1) % counts, which)
    return predicates.fill(codes, which, world.entities.fillers, objects)


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
        which(world, shared, codes),
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
