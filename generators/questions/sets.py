"""Questions whose answer is a whole set: who shares an object ("Name all people whose employer is X."), and which objects
a subject has of a relation that has several ("Which languages does X speak?")."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.questions import groups
from generators.questions.reasoning import Move, Programs, necessary, solve
from generators.questions.table import Asking, questions, stated
from generators.world.columns import Ints, Sets, joined, lists, mixed
from generators.world.world import World
from kit.core.seeds import key_of

_GROUP = (
    "Name all {np}.",
    "List the {np}.",
    "{which}",
    "Can you list all {np}?",
    "Tell me the names of all {np}.",
    "I would like to know all the {np}.",
)
_SEVERAL = (
    "{asked}",
    "{asked} Name them all.",
    "{asked} List every one.",
    "{asked} Give all of them.",
    "{asked} I would like to know them all.",
    "{asked} Please name each.",
)


def ask(asking: Asking) -> Iterator[pa.Table]:
    """Every question of this shape, in a seeded order."""
    world = asking.world
    heads, hops = groups.found(world)
    # A subject's facts of a relation stand together.
    runs = world.runs
    several = (np.cumsum(runs) - runs)[(runs >= groups.SMALLEST) & (runs <= groups.LARGEST)]
    asked = np.concatenate([heads, world.subject[several].astype(np.int64)])
    taken = np.concatenate([hops + world.schema.back, world.relation[several].astype(np.int64)])
    for rows in groups.in_chunks(asking.chunk, key_of(asking.seed, "set"), asked, taken):
        yield _of(asking, *rows)


def _of(asking: Asking, heads: Ints, hops: Ints) -> pa.Table:
    world, seed = asking.world, asking.seed
    n, back = len(heads), world.schema.back
    programs = Programs((heads,), (Move("follow", (0,), hops),))
    trace = solve(world, programs)
    members = trace.answers
    draws = mixed(key_of(seed, "question"), world.entities.hashes[heads], world.schema.hop_hashes[hops], 7)
    facts = groups.padded(trace.facts[0], groups.LARGEST)
    names = lists(members.counts, world.names.take(pa.array(members.values)))
    grouped = hops >= back
    described, which = groups.described(world, heads, hops % back), groups.which(world, heads, hops % back)
    asked = world.schema.asked.fill(np.where(grouped, 0, hops), world.entities.fillers, heads)
    texts = pa.compute.if_else(
        pa.array(grouped),
        groups.worded(_GROUP, mixed(draws, 1), np=described, which=which),
        groups.worded(_SEVERAL, mixed(draws, 1), asked=asked),
    )
    listed = groups.listed(world, members)
    sentences = pa.compute.if_else(
        pa.array(grouped), joined("The ", described, " are ", listed, "."), _all_stated(world, trace.facts[0])
    )
    parts = pa.StructArray.from_arrays(
        [
            pa.compute.if_else(pa.array(grouped), which, asked),
            listed,
            sentences,
            pa.array(world.schema.names).take(pa.array(hops % back)),
            pa.array([""] * n),
        ],
        names=["text", "answer", "sentence", "relation", "fact"],
    )
    return questions(
        asking, programs, trace, shape="set", hops=1, answered=members.counts, texts=texts,
        answers=lists(np.ones(n, int), listed), members=names,
        wrong=_others(world, members, draws), parts=lists(np.ones(n, int), parts), facts=facts,
        needed=necessary(world, programs, trace, facts), guesses=(np.zeros(n), np.zeros(n, bool)), draws=draws,
        beside=groups.beside(world, hops % back, facts, draws, groups.SHOWN, grouped),
    )  # fmt: skip


def _all_stated(world: World, facts: Sets) -> pa.StringArray:
    return pa.compute.binary_join(lists(facts.counts, stated(world, facts.values, 0)), " ")


def _others(world: World, members: Sets, draws: NDArray[np.uint64]) -> pa.ListArray:
    """As wrong sets for forced choice those of other questions of the batch, each a row's next few."""
    listed = groups.listed(world, members).to_pylist()
    n = len(listed)
    kinds = np.zeros(n, np.int64)
    kinds[members.rows] = world.kinds[members.values]
    rows: list[list[str]] = []
    for row, listing in enumerate(listed):
        near = [listed[(row + k) % n] for k in range(1, 16) if kinds[(row + k) % n] == kinds[row]]
        rows.append(list(dict.fromkeys(x for x in near if x != listing))[:4])
    return pa.array(rows, pa.list_(pa.string()))
