"""Chain questions: a head entity and relations followed one after another ("the mayor of the city where X was born")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.questions.alternatives import candidates, chains_beside
from generators.questions.reasoning import Move, Programs, necessary, prior, solve
from generators.questions.table import Asking, entity_answers, nested, opened, questions, sub_questions
from generators.questions.walks import Walks, straight
from generators.world.columns import Ints, chosen, dealt, lists, mixed, picked
from generators.world.world import World
from kit.core.records import Question, schema_of
from kit.core.seeds import key_of

PLAIN_SHARE = 0.25
"""Share of single-hop questions worded as sub-questions are, so that a hop asked by itself is nothing unheard-of."""

CHUNK = 20_000
"""Most candidates tried at once: bounds the memory, and how many tell how frequent answers are."""


class Chains(NamedTuple):
    """Certified chains: the head, the hops (rows, k), the entities passed (rows, k + 1), the facts (rows, k), and whether no path
    of fewer facts was found from head to answer."""

    hops: NDArray[np.int64]
    stops: NDArray[np.int64]
    facts: NDArray[np.int64]
    no_shortcut: NDArray[np.bool_]

    def take(self, rows: Ints) -> Chains:
        return Chains(self.hops[rows], self.stops[rows], self.facts[rows], self.no_shortcut[rows])

    @property
    def programs(self) -> Programs:
        return chain_programs(self.stops[:, 0], self.hops)


def chain_programs(heads: Ints, hops: NDArray[np.int64]) -> Programs:
    """Hops (rows, k) followed from heads."""
    return Programs((heads,), tuple(Move("follow", (i,), hops[:, i]) for i in range(hops.shape[1])))


def certified(world: World, heads: Ints, hops: NDArray[np.int64], through: NDArray[np.bool_] | None = None) -> Chains:
    """Of these candidates the chains that are fair: one entity at every stop, all different, and no path of
    fewer facts from head to answer in all that is told, past facts, inverses and hubs counted. through: facts of which a chain
    has to have one, if not any."""
    trace = solve(world, chain_programs(heads, hops))
    stops = np.stack([r.only() for r in trace.registers], axis=1)
    ordered = np.sort(stops, axis=1)
    facts = np.stack([f.only() for f in trace.facts], axis=1)
    fair = (ordered[:, 0] >= 0) & (ordered[:, 1:] != ordered[:, :-1]).all(1)
    rows = np.flatnonzero(fair if through is None else fair & through[facts].any(1))
    no_shortcut = ~world.near(stops[rows, 0], stops[rows, -1], hops.shape[1] - 1)
    return Chains(hops[rows], stops[rows], facts[rows], no_shortcut).take(np.flatnonzero(no_shortcut))


def search(
    world: World, heads: Ints, hops: int, key: int, *, inverse: bool, chunk: int = CHUNK, through: NDArray[np.bool_] | None = None
) -> Iterator[Chains]:
    """Every fair chain of `hops` hops from `heads`, in a keyed order, some at a time; stop when you have enough. through: as of
    `certified`."""
    walks = Walks.of(world, hops, inverse)
    for owner, place in dealt(walks.counts(heads), key, chunk):
        taken, _, _ = walks.taken(heads[owner], place)
        kept = straight(world.schema, taken)
        yield certified(world, heads[owner[kept]], taken[kept], through)


def ask(asking: Asking, chains: Chains, *, before: Ints | None = None, pool: Chains | None = None) -> pa.Table:
    """The chains as questions. The wording depends on seed, head and hops alone, so that another world's facts can be
    asked for in the same words. before: what the answers were before an edit (-1: there was none). pool: more chains, found in
    the same way, whose answers tell how frequent each is."""
    n, k = chains.hops.shape
    pool = pool or chains
    world, seed = asking.world, asking.seed
    if not n:
        return schema_of(Question).empty_table()
    heads = chains.stops[:, 0]
    draws = mixed(
        key_of(seed, "question"), world.entities.hashes[heads], *(world.schema.hop_hashes[chains.hops[:, i]] for i in range(k))
    )
    batch = chains.programs
    trace = solve(world, batch)
    return questions(
        asking,
        batch,
        trace,
        shape=f"chain-{k}",
        hops=k,
        texts=_texts(world, chains, draws),
        answers=entity_answers(world, chains.stops[:, -1]),
        wrong=candidates(
            world, chains.stops[:, -1], chains.hops[:, -1], chains.stops, draws, (pool.hops[:, -1], pool.stops[:, -1])
        ),
        beside=chains_beside(asking, chains.hops, chains.stops, chains.facts, draws),
        no_shortcut=chains.no_shortcut,
        parts=lists(
            np.full(n, k),
            sub_questions(
                world, chains.hops.ravel(), chains.stops[:, :-1].ravel(), chains.stops[:, 1:].ravel(), chains.facts.ravel()
            ),
        ),
        facts=chains.facts,
        needed=necessary(world, batch, trace, chains.facts),
        guesses=prior(world, chains.stops[:, -1], chains.hops[:, -1]),
        draws=draws,
        passed=chains.stops[:, :-1],
        popular=chains.stops[:, -1],
        outdated=None if before is None else lists(before >= 0, chosen(world.names, before[before >= 0])),
    )


def named_by(world: World, chains: Chains, draws: NDArray[np.uint64]) -> pa.StringArray:
    """The ends of chains, not by name."""
    return nested(world.schema, chains.hops, chosen(world.names, chains.stops[:, 0]), draws)


def _texts(world: World, chains: Chains, draws: NDArray[np.uint64]) -> pa.StringArray:
    """An opener and a noun phrase for every hop, one in another."""
    k, schema = chains.hops.shape[1], world.schema
    texts = opened(schema, named_by(world, chains, draws), schema.ends[chains.hops[:, -1]], mixed(draws, 1))
    if k > 1:
        return texts
    plain = schema.asked.fill(chains.hops[:, 0], world.entities.fillers, chains.stops[:, 0])
    return pa.compute.if_else(pa.array(picked(mixed(draws, 50), 1000) < 1000 * PLAIN_SHARE), plain, texts)
