"""Yes/no questions about a chain: is this where it leads ("Is Ada Byrne the mentor of the founder of X?")."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.questions import groups
from generators.questions.alternatives import chains_beside
from generators.questions.chain import Chains, named_by, search
from generators.questions.reasoning import Move, Programs, necessary, solve
from generators.questions.table import Asking, questions, sub_questions
from generators.world.columns import chosen, distinct, lists, mixed, picked
from generators.world.relations import COMMON_NOUNS
from kit.core.seeds import key_of

_FORMS = (
    "Is {end} {np}?",
    "Is it true that {np} is {end}?",
    "Is it correct that {np} is {end}?",
    "Would it be right to say that {np} is {end}?",
    "Tell me whether {np} is {end}.",
    "Can you tell me whether {end} is {np}?",
)


def ask(asking: Asking) -> Iterator[pa.Table]:
    """Every chain of one or two hops of which this can be asked, in a seeded order."""
    world = asking.world
    heads = distinct(world.subject).astype(np.int64)
    for hops in (2, 1):
        for chains in search(world, heads, hops, key_of(asking.seed, "verify", hops), inverse=True, chunk=asking.chunk):
            yield _of(asking, chains)


def _in_twos(chains: Chains, draws: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Chains of the same hops two by two, the one asked about and the other one, of those that share no entity."""
    order = np.lexsort((draws, mixed(*chains.hops.T)))
    a, b = order[:-1:2], order[1::2]
    apart = (chains.hops[a] == chains.hops[b]).all(1)
    apart &= ~(chains.stops[a][:, :, None] == chains.stops[b][:, None, :]).any((1, 2))
    place = np.argsort(a[apart])
    return a[apart][place], b[apart][place]


def _of(asking: Asking, chains: Chains) -> pa.Table:
    world, schema = asking.world, asking.world.schema
    named = ~np.isin(schema.ends, [schema.kind(kind) for kind in COMMON_NOUNS])
    chains = chains.take(np.flatnonzero(named[chains.hops[:, -1]]))
    n, k = chains.hops.shape
    hops = (schema.hop_hashes[chains.hops[:, i]] for i in range(k))
    draws = mixed(key_of(asking.seed, "verify"), world.entities.hashes[chains.stops[:, 0]], *hops)
    rows, others = _in_twos(chains, draws)
    chains, other, draws, n = chains.take(rows), chains.take(others), draws[rows], len(rows)
    # Yes as often as no, and the other's end might have been the one's: so no end is claimed more often than it is true.
    said = np.where(picked(mixed(draws, 20), 2) == 1, chains.stops[:, -1], other.stops[:, -1])
    follow = chains.programs.moves
    moves = tuple(Move(m.op, (i + 1 if i else 0,), m.hops) for i, m in enumerate(follow))
    programs = Programs((chains.stops[:, 0], said), (*moves, Move("same", (k + 1, 1))))
    trace = solve(world, programs)
    truth = trace.answers.only()
    ones = np.ones(n, int)
    parts = sub_questions(
        world, chains.hops.ravel(), chains.stops[:, :-1].ravel(), chains.stops[:, 1:].ravel(), chains.facts.ravel()
    )
    # The other chain is told of as well: so the claim stands in the prompt whether it is true or not.
    count = max(0, asking.distractors - 1)
    shown = np.column_stack([chains.facts, other.facts])
    more = chains_beside(asking, chains.hops, chains.stops, shown, draws, count, other=other.stops[:, -1])
    return questions(
        asking, programs, trace, shape="verify", hops=k, kind="number",
        texts=groups.worded(_FORMS, mixed(draws, 3), end=chosen(world.entities.spoken, said), np=named_by(world, chains, draws)),
        answers=lists(ones, chosen(["no", "yes"], truth)), wrong=lists(ones, chosen(["yes", "no"], truth)),
        parts=lists(np.full(n, k), parts), facts=chains.facts, needed=necessary(world, programs, trace, chains.facts),
        beside=np.column_stack([other.facts, more]),
        guesses=(np.full(n, 0.5), np.zeros(n, bool)), draws=draws, passed=chains.stops[:, :-1],
    )  # fmt: skip
