"""Yes/no questions about a chain: is this where it leads ("Is Ada Byrne the mentor of the founder of X?")."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from generators.questions import groups
from generators.questions.chain import Chains, named_by, search
from generators.questions.reasoning import Move, Programs, necessary, solve
from generators.questions.table import questions, sub_questions
from generators.world.columns import chosen, distinct, lists, mixed, picked
from generators.world.relations import COMMON_NOUNS
from generators.world.world import World
from kit.core.records import Split
from kit.core.seeds import key_of

_FORMS = (
    "Is {end} {np}?",
    "Is it true that {np} is {end}?",
    "Is it {end} that is {np}?",
    "Would it be right to say that {np} is {end}?",
    "Tell me whether {np} is {end}.",
    "Can you tell me whether {end} is {np}?",
)


def ask(world: World, split: Split, seed: int, distractors: int) -> Iterator[pa.Table]:
    """Every chain of one or two hops of which this can be asked, in a seeded order."""
    heads = distinct(world.subject).astype(np.int64)
    for hops in (2, 1):
        for chains in search(world, heads, hops, key_of(seed, "verify", hops), inverse=True, chunk=groups.CHUNK):
            yield _of(world, chains, split, seed, distractors)


def _of(world: World, chains: Chains, split: Split, seed: int, distractors: int) -> pa.Table:
    schema = world.schema
    named = ~np.isin(schema.ends, [schema.kind(kind) for kind in COMMON_NOUNS])
    chains = chains.take(np.flatnonzero(named[chains.hops[:, -1]]))
    n, k = chains.hops.shape
    hops = (schema.hop_hashes[chains.hops[:, i]] for i in range(k))
    draws = mixed(key_of(seed, "verify"), world.entities.hashes[chains.stops[:, 0]], *hops)
    # One that such a hop leads to from somewhere else: the end of a fact of the same relation.
    last, low = chains.hops[:, -1], np.searchsorted(world.relation, np.arange(schema.back + 1))
    codes = last % schema.back
    other = low[codes] + picked(mixed(draws, 1), low[codes + 1] - low[codes])
    false = np.where(last < schema.back, world.object[other], world.subject[other]).astype(np.int64)
    said = np.where(picked(mixed(draws, 2), 2) == 1, chains.stops[:, -1], false)
    kept = np.flatnonzero(~(said[:, None] == chains.stops[:, :-1]).any(1))
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
        world, programs, shape="verify", split=split, hops=k, kind="number",
        texts=groups.worded(_FORMS, mixed(draws, 3), end=chosen(world.names, said), np=named_by(world, chains, draws)),
        answers=lists(ones, chosen(["no", "yes"], truth)), wrong=lists(ones, chosen(["yes", "no"], truth)),
        parts=lists(np.full(n, k), parts), facts=chains.facts, needed=necessary(world, programs, trace, chains.facts),
        guesses=(np.full(n, 0.5), np.zeros(n, bool)), draws=draws, distractors=distractors, passed=chains.stops[:, :-1],
    )  # fmt: skip
