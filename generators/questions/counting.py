"""Counting questions: how many share an object ("How many people are there whose employer is Alto Works?")."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.questions import groups
from generators.questions.alternatives import numbers as numbers_beside
from generators.questions.reasoning import Move, Programs, necessary, solve
from generators.questions.table import Asking, questions
from generators.world.columns import Ints, chosen, lists, mixed
from kit.core.seeds import key_of

_OPENERS = (
    "How many {plural} are there whose {rest}?",
    "What is the number of {np}?",
    "Count the {np}.",
    "Tell me how many {plural} there are whose {rest}.",
    "Could you tell me the number of {np}?",
    "I would like to know how many {plural} there are whose {rest}.",
)


def ask(asking: Asking) -> Iterator[pa.Table]:
    """Every question of this shape, in a seeded order."""
    world = asking.world
    shared, codes = groups.found(world)
    sizes = world.ends_of(codes, shared)
    # How many of the groups of each relation have each size.
    table = np.zeros((world.schema.back, groups.LARGEST + 1))
    np.add.at(table, (codes, sizes), 1)
    for counted, relation in groups.in_chunks(asking.chunk, key_of(asking.seed, "counting"), shared, codes):
        yield _of(asking, counted, relation, table)


def _of(asking: Asking, shared: Ints, codes: Ints, table: NDArray[np.float64]) -> pa.Table:
    world, seed, n = asking.world, asking.seed, len(shared)
    programs = Programs((shared,), (Move("follow", (0,), codes + world.schema.back), Move("count", (1,))))
    trace = solve(world, programs)
    members, counts = trace.registers[1], trace.answers.only()
    draws = mixed(
        key_of(seed, "question"), world.entities.hashes[shared], world.schema.hop_hashes[codes], world.schema.hop_hashes[codes]
    )
    facts = groups.padded(trace.facts[0], groups.LARGEST)
    prior = table[codes, counts] / table[codes].sum(1)
    numbers = [str(i) for i in range(groups.LARGEST + 1)]
    wrong = numbers_beside(table[codes], counts, draws, groups.LARGEST)
    described = groups.described(world, shared, codes)
    split = pc.split_pattern(described, " whose ", max_splits=1)
    plural, rest = (pc.list_element(split, k) for k in (0, 1))
    texts = groups.worded(_OPENERS, mixed(draws, 1), np=described, plural=plural, rest=rest)
    return questions(
        asking, programs, trace, shape="counting", hops=1, kind="number", texts=texts,
        answers=lists(np.ones(n, int), chosen(numbers, counts)),
        wrong=lists((wrong >= 0).sum(1), chosen(numbers, wrong[wrong >= 0])),
        parts=lists(np.ones(n, int), groups.members_asked(world, shared, codes, members)),
        facts=facts, needed=necessary(world, programs, trace, facts),
        guesses=(prior, table[codes].argmax(1) == counts), draws=draws,
        beside=groups.beside(world, codes, facts, draws, groups.SHOWN),
    )  # fmt: skip
