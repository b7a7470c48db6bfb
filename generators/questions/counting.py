"""Counting questions: how many share an object ("How many people have Alto Works as their employer?")."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.questions import groups
from generators.questions.reasoning import Move, Programs, necessary, solve
from generators.questions.table import questions
from generators.world.columns import Ints, chosen, lists, mixed
from generators.world.world import World
from kit.core.records import Split
from kit.core.seeds import key_of

_OPENERS = (
    "How many {np} are there?",
    "What is the number of {np}?",
    "Count the {np}.",
    "Tell me how many {np} there are.",
    "Could you tell me the number of {np}?",
    "I would like to know how many {np} there are.",
)


def ask(world: World, split: Split, seed: int, distractors: int) -> Iterator[pa.Table]:
    """Every question of this shape about `world`, in a seeded order."""
    shared, codes = groups.found(world)
    sizes = world.ends_of(codes, shared)
    # How many of the groups of each relation have each size.
    table = np.zeros((world.schema.back, groups.LARGEST + 1))
    np.add.at(table, (codes, sizes), 1)
    for counted, relation in groups.in_chunks(key_of(seed, "counting"), shared, codes):
        yield _of(world, counted, relation, table, split, seed, distractors)


def _of(
    world: World, shared: Ints, codes: Ints, table: NDArray[np.float64], split: Split, seed: int, distractors: int
) -> pa.Table:
    n = len(shared)
    programs = Programs((shared,), (Move("follow", (0,), codes + world.schema.back), Move("count", (1,))))
    trace = solve(world, programs)
    members, counts = trace.registers[1], trace.answers.only()
    draws = mixed(
        key_of(seed, "question"), world.entities.hashes[shared], world.schema.hop_hashes[codes], world.schema.hop_hashes[codes]
    )
    facts = groups.padded(trace.facts[0], groups.LARGEST)
    prior = table[codes, counts] / table[codes].sum(1)
    numbers = [str(i) for i in range(groups.LARGEST + 1)]
    others = np.arange(groups.SMALLEST, groups.LARGEST + 1)
    wrong = others[None, :] != counts[:, None]
    texts = groups.worded(_OPENERS, mixed(draws, 1), np=groups.described(world, shared, codes))
    return questions(
        world, programs, shape="counting", split=split, hops=1, kind="number", texts=texts,
        answers=lists(np.ones(n, int), chosen(numbers, counts)),
        wrong=lists(wrong.sum(1), chosen(numbers, np.broadcast_to(others, wrong.shape)[wrong])),
        parts=lists(np.ones(n, int), groups.members_asked(world, shared, codes, members)),
        facts=facts, needed=necessary(world, programs, trace, facts),
        guesses=(prior, table[codes].argmax(1) == counts), draws=draws, distractors=distractors,
    )  # fmt: skip
