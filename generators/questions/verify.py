"""Yes/no questions about a chain: is this where it leads ("Is Ada Byrne the mentor of the founder of X?")."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from generators.questions import groups
from generators.questions.alternatives import chains_beside, others
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
        for chains in search(world, heads, hops, key_of(asking.seed, "verify", hops), inverse=True, chunk=groups.CHUNK):
            yield _of(asking, chains)


def _of(asking: Asking, chains: Chains) -> pa.Table:
    world, schema = asking.world, asking.world.schema
    named = ~np.isin(schema.ends, [schema.kind(kind) for kind in COMMON_NOUNS])
    chains = chains.take(np.flatnonzero(named[chains.hops[:, -1]]))
    n, k = chains.hops.shape
    hops = (schema.hop_hashes[chains.hops[:, i]] for i in range(k))
    draws = mixed(key_of(asking.seed, "verify"), world.entities.hashes[chains.stops[:, 0]], *hops)
    # Yes as often as no: the other is one that such a hop leads to from somewhere else.
    false = others(world, chains.stops[:, -1], chains.hops[:, -1], draws, 1)[:, 0]
    said = np.where(picked(mixed(draws, 20), 2) == 1, chains.stops[:, -1], false)
    kept = np.flatnonzero((false >= 0) & ~(np.stack([said, false], axis=1)[:, :, None] == chains.stops[:, None, :-1]).any((1, 2)))
    chains, said, draws, n = chains.take(kept), said[kept], draws[kept], len(kept)
    follow = chains.programs.moves
    moves = tuple(Move(m.op, (i + 1 if i else 0,), m.hops) for i, m in enumerate(follow))
    programs = Programs((chains.stops[:, 0], said), (*moves, Move("same", (k + 1, 1))))
    trace = solve(world, programs)
    truth = trace.answers.only()
    ones = np.ones(n, int)
    parts = sub_questions(
        world, chains.hops.ravel(), chains.stops[:, :-1].ravel(), chains.stops[:, 1:].ravel(), chains.facts.ravel()
    )
    return questions(
        asking, programs, trace, shape="verify", hops=k, kind="number",
        texts=groups.worded(_FORMS, mixed(draws, 3), end=chosen(world.entities.spoken, said), np=named_by(world, chains, draws)),
        answers=lists(ones, chosen(["no", "yes"], truth)), wrong=lists(ones, chosen(["yes", "no"], truth)),
        parts=lists(np.full(n, k), parts), facts=chains.facts, needed=necessary(world, programs, trace, chains.facts),
        beside=chains_beside(world, chains.hops, chains.stops, chains.facts, draws, asking.distractors),
        guesses=(np.full(n, 0.5), np.zeros(n, bool)), draws=draws, passed=chains.stops[:, :-1],
    )  # fmt: skip
