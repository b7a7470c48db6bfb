"""Questions that may have no answer ("Who is the spouse of the mentor of X?", where the mentor has none), in pairs: beside each
whose last hop leads nowhere the same is asked about somebody for whom it leads on. So neither the hops nor their words tell which
of the two has an answer; of one that has none, what is right to say is that nothing is known of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.questions.alternatives import chains_beside, elsewhere, fact_beside, told_once, walked
from generators.questions.chain import chain_programs
from generators.questions.reasoning import necessary, solve
from generators.questions.table import (
    Asking,
    described,
    entity_answers,
    interleaved,
    nested,
    none,
    opened,
    questions,
    sub_questions,
)
from generators.questions.walks import Walks, returning, straight
from generators.world.columns import Ints, chosen, dealt, distinct, joined, lists, mixed
from generators.world.world import World
from kit.core.seeds import key_of

ANSWERS = ("unknown", "none", "nobody", "nothing", "no one")
"""The first is what examples say; all are accepted."""

TRIES = 12
"""Heads tried for one from which the same hops lead on."""


def ask(asking: Asking) -> Iterator[pa.Table]:
    """Every chain of one to three hops that only its last hop leads astray, and one that leads on, in a seeded order."""
    world, schema = asking.world, asking.world.schema
    heads, seen = distinct(world.subject).astype(np.int64), set[str]()
    told = np.array([not r.open for r in schema.relations], bool)
    asked = np.flatnonzero(np.concatenate([schema.functional & told, returning(schema) & told]))
    by_kind = asked[np.argsort(schema.starts[asked], kind="stable")]
    counts = np.bincount(schema.starts[asked], minlength=len(schema.types))
    first = np.cumsum(counts) - counts
    for hops in (2, 3, 1):
        walks = Walks.of(world, hops - 1, True, counts[world.kinds])
        for owner, place in dealt(walks.counts(heads), key_of(asking.seed, "unanswerable", hops), asking.chunk):
            before, ends, last = walks.taken(heads[owner], place)
            taken = np.column_stack([before, by_kind[first[world.kinds[ends]] + last]])
            kept = straight(schema, taken)
            yield _once(_pairs(asking, heads[owner[kept]], taken[kept]), seen)


def _once(pairs: pa.Table, seen: set[str]) -> pa.Table:
    """The pairs whose second question, which several may have, is new."""
    new = []
    for id_ in pairs["id"].to_pylist()[1::2]:
        new.append(id_ not in seen)
        seen.add(id_)
    return pairs.filter(pa.array(np.repeat(np.array(new, bool), 2)))


def _pairs(asking: Asking, heads: Ints, hops: NDArray[np.int64]) -> pa.Table:
    """A row without an answer, and one with, in turn; where one of the two is no fair question there is neither."""
    world = asking.world
    stops, facts = walked(world, heads, hops)
    ordered = np.sort(stops[:, :-1], axis=1)
    fair = (ordered[:, 0] >= 0) & (ordered[:, 1:] != ordered[:, :-1]).all(1)
    fair &= _single(world, stops[:, :-1], hops[:, :-1])
    # A hop back may lead to several: then it leads somewhere.
    rows = np.flatnonzero(fair & (stops[:, -1] < 0))
    stops, facts, hops = stops[rows], facts[rows], hops[rows]
    draws = _draws(asking, stops[:, 0], hops)
    twins, left = np.full(stops.shape, -1, np.int64), np.arange(len(rows))
    for turn in range(TRIES):
        if not len(left):
            break
        there, _ = elsewhere(world, hops[left], mixed(draws[left], 900 + turn), backwards=turn % 2 == 1)
        ordered = np.sort(there, axis=1)
        found = (ordered[:, 0] >= 0) & (ordered[:, 1:] != ordered[:, :-1]).all(1)
        found &= _single(world, there, hops[left])
        found[found] = ~world.near(there[found, 0], there[found, -1], hops.shape[1] - 1)
        twins[left[found]] = there[found]
        left = left[~found]
    paired = np.flatnonzero(twins[:, 0] >= 0)
    stops, hops, twins = stops[paired], hops[paired], twins[paired]
    lacking, having = (_asked(asking, s, hops) for s in (stops, twins))
    # Each row of the one has its like in the other; `questions` may have left some out.
    kept = np.flatnonzero(pc.and_(*(table["certificate"].combine_chunks().field("unreadable") for table in (lacking, having))))
    order = np.stack([kept, len(lacking) + kept], axis=1).ravel()
    return pa.concat_tables([lacking, having]).take(pa.array(order))


def _single(world: World, stops: NDArray[np.int64], hops: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows of hops lead to one entity only from every stop, or to none."""
    back = world.schema.turned(hops)
    return np.asarray((world.ends_of(back, np.maximum(stops[:, : hops.shape[1]], 0)) <= 1).all(axis=1))


def _asked(asking: Asking, stops: NDArray[np.int64], hops: NDArray[np.int64]) -> pa.Table:
    """The chains as questions, whether they can be read off or not. stops: -1 at the end of those that lead nowhere."""
    world, schema, (n, k) = asking.world, asking.world.schema, hops.shape
    heads, draws, ends = stops[:, 0], _draws(asking, stops[:, 0], hops), stops[:, -1]
    batch = chain_programs(heads, hops)
    trace = solve(world, batch)
    _, facts = walked(world, heads, hops)
    answered = bool(n) and bool(ends[0] >= 0)
    met = [sub_questions(world, hops[:, i], stops[:, i], stops[:, i + 1], facts[:, i]) for i in range(k if answered else k - 1)]
    if not answered:
        met.append(_nothing(world, hops[:, -1], stops[:, -2], mixed(draws, 9)))
    counts, parts = interleaved([np.ones(n, int)] * k, met)
    none_known = lists(np.full(n, len(ANSWERS)), chosen(ANSWERS, np.tile(np.arange(len(ANSWERS)), n)))
    facts = facts if answered else facts[:, : max(1, k - 1)]
    beside = chains_beside(asking, hops, stops, facts, draws)
    # What has no answer is told of as often as what has one, and nothing of it twice.
    shown = np.column_stack([facts, beside])
    more, left = np.full(n, -1, np.int64), np.arange(n)
    for turn in range(TRIES):
        if answered or not len(left):
            break
        one = fact_beside(world, hops[left, -1] % schema.back, shown[left], mixed(draws[left], 30, turn))
        more[left] = told_once(world, hops[left, -1], shown[left], one[:, None])[:, 0]
        left = left[more[left] < 0]
    return questions(
        asking, batch, trace, shape="unanswerable", hops=k, kind="entity" if answered else "number", whole=True,
        texts=opened(schema, nested(schema, hops, chosen(world.names, heads), draws), schema.ends[hops[:, -1]], mixed(draws, 1)),
        answers=entity_answers(world, ends) if answered else none_known, wrong=none(n),
        parts=lists(counts, parts), facts=facts, needed=necessary(world, batch, trace, facts), answered=int(answered),
        guesses=(np.full(n, 0.5), np.zeros(n, bool)), draws=draws, passed=stops[:, :-1],
        beside=beside if answered else np.column_stack([beside, more]),
    )  # fmt: skip


def _nothing(world: World, hops: Ints, heads: Ints, draws: NDArray[np.uint64]) -> pa.StructArray:
    """The last sub-question of a chain that leads nowhere."""
    schema, n = world.schema, len(hops)
    columns = [
        schema.asked.fill(hops, world.entities.fillers, heads),
        chosen(ANSWERS, np.zeros(n, int)),
        joined("Nothing is known of ", described(schema, hops, chosen(world.names, heads), draws), "."),
        chosen(schema.names, hops % schema.back),
        chosen([""], np.zeros(n, int)),
    ]
    return pa.StructArray.from_arrays(columns, names=["text", "answer", "sentence", "relation", "fact"])


def _draws(asking: Asking, heads: Ints, hops: NDArray[np.int64]) -> NDArray[np.uint64]:
    told = (asking.world.schema.hop_hashes[hops[:, i]] for i in range(hops.shape[1]))
    return mixed(key_of(asking.seed, "question"), asking.world.entities.hashes[heads], *told, 11)
