"""Questions with a false premise: a chain whose last hop leads nowhere ("Who is the spouse of the mentor of X?", where the
mentor has none). What is right to answer is that nothing is known of it. Of a hop that mostly leads nowhere only as many are
asked as would lead somewhere, so that the hop alone does not tell."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.questions import groups
from generators.questions.chain import chain_programs, programs
from generators.questions.reasoning import necessary, solve
from generators.questions.table import described, interleaved, nested, none, opened, questions, sub_questions
from generators.world.columns import Ints, chosen, dealt, distinct, joined, lists, mixed, picked
from generators.world.world import PARTS, World
from kit.core.records import Split
from kit.core.seeds import key_of

ANSWERS = ("unknown", "none", "nobody", "nothing", "no one")
"""The first is what examples say; all are accepted."""


def ask(world: World, split: Split, seed: int, distractors: int) -> Iterator[pa.Table]:
    """Every chain of one to three hops that only its last hop leads astray, in a seeded order."""
    heads = distinct(world.subject).astype(np.int64)
    for hops in (2, 3, 1):
        tables = {kind: programs(world.schema, kind, hops, True) for kind in np.unique(world.kinds[heads]).tolist()}
        widths = np.array([len(tables[kind]) for kind in world.kinds[heads].tolist()], np.int64)
        for owner, place in dealt(widths, key_of(seed, "unanswerable", hops), groups.CHUNK):
            taken = np.zeros((len(owner), hops), np.int64)
            for kind, table in tables.items():
                own = world.kinds[heads[owner]] == kind
                taken[own] = table[place[own]]
            yield _of(world, heads[owner], taken, split, seed, distractors)


def _of(world: World, heads: Ints, hops: NDArray[np.int64], split: Split, seed: int, distractors: int) -> pa.Table:
    trace = solve(world, chain_programs(heads, hops))
    stops = np.stack([r.only() for r in trace.registers[:-1]], axis=1)
    ordered = np.sort(stops, axis=1)
    fair = (ordered[:, 0] >= 0) & (ordered[:, 1:] != ordered[:, :-1]).all(1) & (trace.answers.counts == 0)
    rows = np.flatnonzero(fair)
    draws, prior = _draws(world, heads[rows], hops[rows], seed), _prior(world, heads[rows], hops[rows, -1])
    rows = rows[picked(mixed(draws, 12), 1_000_000) * prior < 1_000_000 * (1 - prior)]
    stops, hops, heads, schema = stops[rows], hops[rows], heads[rows], world.schema
    n, k = hops.shape
    batch = chain_programs(heads, hops)
    trace = solve(world, batch)
    facts = np.stack([f.only() for f in trace.facts], axis=1)[:, : max(1, k - 1)]
    draws, prior = _draws(world, heads, hops, seed), _prior(world, heads, hops[:, -1])
    nouns = nested(schema, hops, chosen(world.names, stops[:, 0]), draws)
    met = [sub_questions(world, hops[:, i], stops[:, i], stops[:, i + 1], facts[:, i]) for i in range(k - 1)]
    lacking = pa.StructArray.from_arrays(
        [
            schema.asked.fill(hops[:, -1], world.entities.fillers, stops[:, -1]),
            chosen(ANSWERS, np.zeros(n, int)),
            joined(
                "Nothing is known of ", described(schema, hops[:, -1], chosen(world.names, stops[:, -1]), mixed(draws, 9)), "."
            ),
            chosen(schema.names, hops[:, -1] % schema.back),
            chosen([""], np.zeros(n, int)),
        ],
        names=["text", "answer", "sentence", "relation", "fact"],
    )
    counts, parts = interleaved([np.ones(n, int)] * k, [*met, lacking])
    person = schema.ends[hops[:, -1]] == schema.kind("person")
    return questions(
        world, batch, shape="unanswerable", split=split, hops=k, kind="number", texts=opened(nouns, person, mixed(draws, 1)),
        answers=lists(np.full(n, len(ANSWERS)), chosen(ANSWERS, np.tile(np.arange(len(ANSWERS)), n))), wrong=none(n),
        parts=lists(counts, parts), facts=facts, needed=necessary(world, batch, trace, facts),
        guesses=(prior, prior > 0.5), draws=draws, distractors=distractors, passed=stops,
    )  # fmt: skip


def _draws(world: World, heads: Ints, hops: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    told = (world.schema.hop_hashes[hops[:, i]] for i in range(hops.shape[1]))
    return mixed(key_of(seed, "question"), world.entities.hashes[heads], *told, 11)


def _prior(world: World, heads: Ints, hops: Ints) -> NDArray[np.float64]:
    """What a guess from the last hop alone would score: the share of those it could leave from that it leads nowhere from."""
    schema, shares = world.schema, np.zeros(len(hops))
    for hop in np.unique(hops).tolist():
        own = hops == hop
        like = world.members(schema.types[schema.starts[hop]], PARTS[world.parts[heads[own][0]]])
        shares[own] = 1 - world.reached[schema.turned(np.array(hop))] / len(like)
    return shares
