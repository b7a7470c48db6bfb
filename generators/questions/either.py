"""Counting over two groups ("How many people have Alto Works or Nord Mills as their employer?")."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.questions import groups
from generators.questions.alternatives import numbers as numbers_beside
from generators.questions.reasoning import Move, Programs, necessary, solve
from generators.questions.table import Asking, interleaved, questions
from generators.world.columns import Ints, chosen, lists, mixed
from kit.core.seeds import key_of

_OPENERS = (
    "How many {plural} have {a} or {b} as their {role}?",
    "Count the {plural} {who} have {a} or {b} as their {role}.",
    "What is the number of {plural} {who} have {a} or {b} as their {role}?",
    "Tell me how many {plural} have {a} or {b} as their {role}.",
    "Could you tell me how many {plural} have {a} or {b} as their {role}?",
    "I would like to know how many {plural} have {a} or {b} as their {role}.",
)
_LARGEST = 2 * groups.LARGEST


def ask(asking: Asking) -> Iterator[pa.Table]:
    """Every group beside the next of its relation, in a seeded order."""
    world, seed = asking.world, asking.seed
    shared, codes = groups.found(world)
    order = np.lexsort((mixed(key_of(seed, "either", 0), world.entities.hashes[shared]), codes))
    a, b = order[:-1], order[1:]
    a, b = a[codes[a] == codes[b]], b[codes[a] == codes[b]]
    sizes = world.ends_of(codes, shared)
    # How many of the pairs of each relation have each number of members.
    table = np.zeros((world.schema.back, _LARGEST + 1))
    np.add.at(table, (codes[a], sizes[a] + sizes[b]), 1)
    for one, two, relation in groups.in_chunks(asking.chunk, key_of(seed, "either"), shared[a], shared[b], codes[a]):
        yield _of(asking, one, two, relation, table)


def _of(asking: Asking, one: Ints, two: Ints, codes: Ints, table: NDArray[np.float64]) -> pa.Table:
    world, seed = asking.world, asking.seed
    n, schema, back = len(one), world.schema, codes + world.schema.back
    moves = (Move("follow", (0,), back), Move("follow", (1,), back), Move("union", (2, 3)), Move("count", (4,)))
    programs = Programs((one, two), moves)
    trace = solve(world, programs)
    counts = trace.answers.only()
    hashes = world.entities.hashes
    draws = mixed(key_of(seed, "question"), hashes[one], hashes[two], schema.hop_hashes[codes])
    facts = np.column_stack([groups.padded(found, groups.LARGEST) for found in trace.facts[:2]])
    numbers = [str(i) for i in range(_LARGEST + 1)]
    wrong = numbers_beside(table[codes], counts, draws, _LARGEST)
    texts = groups.worded(
        _OPENERS, draws, plural=chosen(schema.plural, codes), who=chosen(schema.who, codes), role=chosen(schema.role, codes),
        a=chosen(world.entities.spoken, one), b=chosen(world.entities.spoken, two),
    )  # fmt: skip
    asked = [groups.members_asked(world, e, codes, trace.registers[2 + i]) for i, e in enumerate((one, two))]
    laid, parts = interleaved([np.ones(n, int)] * 2, asked)
    return questions(
        asking, programs, trace, shape="either", hops=2, kind="number", texts=texts,
        answers=lists(np.ones(n, int), chosen(numbers, counts)),
        wrong=lists((wrong >= 0).sum(1), chosen(numbers, wrong[wrong >= 0])), parts=lists(laid, parts),
        facts=facts, needed=necessary(world, programs, trace, facts),
        guesses=(table[codes, counts] / table[codes].sum(1), table[codes].argmax(1) == counts),
        draws=draws, beside=groups.beside(world, codes, facts, draws, groups.SHOWN + groups.LARGEST),
    )  # fmt: skip
