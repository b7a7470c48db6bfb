"""Chain questions: a head entity and relations followed one after another ("the mayor of the city where X was born")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.columns import Ints, chosen, dealt, joined, lists, mixed, picked
from generators.questions.table import (
    ASKED,
    HOP_HASHES,
    NOUN_AFTER,
    NOUN_AT,
    NOUN_BEFORE,
    candidates,
    entity_answers,
    opened,
    questions,
    stated,
    sub_questions,
)
from generators.reasoning import BACK, Move, Programs, necessary, prior, solve
from generators.relations import RELATIONS, TYPES
from generators.world import CODES, ROWS, World
from kit.core.records import Question, Split, schema_of
from kit.core.seeds import key_of

PLAIN_SHARE = 0.25
"""Share of single-hop questions worded as sub-questions are, so that a hop asked by itself is nothing unheard-of."""

CHUNK = 50_000
"""Most candidates tried at once: bounds the memory, changes nothing else."""

_ENDS = np.array([TYPES.index(r.object) for r in ROWS] + [TYPES.index(r.subject) for r in ROWS])
_STARTS = np.array([TYPES.index(r.subject) for r in ROWS] + [TYPES.index(r.object) for r in ROWS])


def programs(relations: Sequence[str], head_type: str, hops: int, inverse: bool) -> NDArray[np.int64]:
    """Every type-correct chain of `hops` single-valued hops from `head_type`: a row of hops each.

    A hop never undoes the one before it, nor repeats a symmetric one. Hops back only where one-to-one.
    """
    usable = [CODES[r] for r in relations if RELATIONS[r].functional]
    if inverse:
        usable += [CODES[r] + BACK for r in relations if RELATIONS[r].one_to_one and not RELATIONS[r].symmetric]
    found: list[tuple[int, ...]] = [()]
    for _ in range(hops):
        found = [
            (*chain, hop)
            for chain in found
            for hop in usable
            if _STARTS[hop] == (_ENDS[chain[-1]] if chain else TYPES.index(head_type))
            and not (chain and hop % BACK == chain[-1] % BACK and (hop != chain[-1] or ROWS[hop % BACK].symmetric))
        ]
    return np.array(found, np.int64).reshape(-1, hops)


class Chains(NamedTuple):
    """Certified chains: the head, the hops (rows, k), the entities passed (rows, k + 1) and the facts (rows, k)."""

    hops: NDArray[np.int64]
    stops: NDArray[np.int64]
    facts: NDArray[np.int64]

    def take(self, rows: Ints) -> Chains:
        return Chains(*(column[rows] for column in self))

    @property
    def programs(self) -> Programs:
        return _programs(self.stops[:, 0], self.hops)


def _programs(heads: Ints, hops: NDArray[np.int64]) -> Programs:
    return Programs((heads,), tuple(Move("follow", (i,), hops[:, i]) for i in range(hops.shape[1])))


def certified(world: World, heads: Ints, hops: NDArray[np.int64]) -> tuple[NDArray[np.int64], Chains]:
    """Of these candidates the rows that are fair, and their chains: one entity at every stop, all different, and no path of
    fewer facts, inverses and hubs counted, from head to answer."""
    trace = solve(world, _programs(heads, hops))
    stops = np.stack([r.only() for r in trace.registers], axis=1)
    ordered = np.sort(stops, axis=1)
    rows = np.flatnonzero((ordered[:, 0] >= 0) & (ordered[:, 1:] != ordered[:, :-1]).all(1))
    rows = rows[~world.near(stops[rows, 0], stops[rows, -1], hops.shape[1] - 1)]
    return rows, Chains(hops[rows], stops[rows], np.stack([f.only()[rows] for f in trace.facts], axis=1))


def search(
    world: World, heads: Ints, relations: Sequence[str], hops: int, key: int, *, inverse: bool, chunk: int = CHUNK
) -> Iterator[Chains]:
    """Every fair chain of `hops` hops from `heads`, in a keyed order, some at a time; stop when you have enough."""
    tables = {k: programs(relations, TYPES[k], hops, inverse) for k in np.unique(world.kinds[heads]).tolist()}
    widths = np.array([len(tables[k]) for k in world.kinds[heads].tolist()], np.int64)
    for owner, place in dealt(widths, key, chunk):
        asked = np.zeros((len(owner), hops), np.int64)
        for kind, table in tables.items():
            own = world.kinds[heads[owner]] == kind
            asked[own] = table[place[own]]
        yield certified(world, heads[owner], asked)[1]


def ask(world: World, chains: Chains, split: Split, seed: int, *, distractors: int) -> pa.Table:
    """The chains as questions. The wording depends on seed, head and hops alone, so that another world's facts can be
    asked for in the same words."""
    n, k = chains.hops.shape
    if not n:
        return schema_of(Question).empty_table()
    heads = chains.stops[:, 0]
    draws = mixed(key_of(seed, "question"), world.entity_hashes[heads], *(HOP_HASHES[chains.hops[:, i]] for i in range(k)))
    batch = chains.programs
    trace = solve(world, batch)
    return questions(
        world,
        batch,
        shape=f"chain-{k}",
        split=split,
        hops=k,
        texts=_texts(world, chains, draws),
        answers=entity_answers(world, chains.stops[:, -1]),
        wrong=candidates(world, chains.stops[:, -1], chains.stops, draws),
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
        distractors=distractors,
    )


def _texts(world: World, chains: Chains, draws: NDArray[np.uint64]) -> pa.StringArray:
    """An opener and a noun phrase for every hop, one in another."""
    k = chains.hops.shape[1]
    person = _ENDS[chains.hops[:, -1]] == TYPES.index("person")
    nouns = [NOUN_AT[chains.hops[:, i]] + picked(mixed(draws, 2 + i), np.diff(NOUN_AT)[chains.hops[:, i]]) for i in range(k)]
    phrase = joined(
        *(chosen(NOUN_BEFORE, noun) for noun in reversed(nouns)),
        chosen(world.names, chains.stops[:, 0]),
        *(chosen(NOUN_AFTER, noun) for noun in nouns),
    )
    texts = opened(phrase, person, mixed(draws, 1))
    if k > 1:
        return texts
    plain = ASKED.fill(chains.hops[:, 0], world.fillers, chains.stops[:, 0])
    return pa.compute.if_else(pa.array(picked(mixed(draws, 50), 1000) < 1000 * PLAIN_SHARE), plain, texts)


def cloze(world: World, split: Split, seed: int, limit: int) -> pa.Table:
    """A cloze for each of `limit` facts of functional relations, in a seeded order: the plainest statement, cut before its
    object. Tests bare recall."""
    facts = np.flatnonzero(np.array([r.functional for r in ROWS])[world.relation])
    facts = facts[np.argsort(mixed(key_of(seed, "recall"), world.fact_hashes[facts]), kind="stable")[:limit]]
    hops = world.relation[facts].astype(np.int64)[:, None]
    stops = np.stack([world.subject[facts], world.object[facts]], axis=1).astype(np.int64)
    chains = Chains(hops, stops, facts[:, None])
    trace = solve(world, chains.programs)
    sentences = stated(world, facts, 0).to_pylist()
    ends = chosen(world.names, stops[:, 1]).to_pylist()
    texts = [s.removesuffix(f"{end}.").rstrip() for s, end in zip(sentences, ends, strict=True)]
    return questions(
        world,
        chains.programs,
        shape="cloze",
        split=split,
        hops=1,
        texts=pa.array(texts, pa.string()),
        answers=entity_answers(world, stops[:, 1]),
        wrong=lists(np.zeros(len(facts), int), pa.array([], pa.string())),
        parts=lists(np.ones(len(facts), int), sub_questions(world, hops.ravel(), stops[:, 0], stops[:, 1], facts)),
        facts=chains.facts,
        needed=necessary(world, chains.programs, trace, chains.facts),
        guesses=prior(world, stops[:, 1], hops.ravel()),
        draws=world.fact_hashes[facts],
        distractors=0,
    )
