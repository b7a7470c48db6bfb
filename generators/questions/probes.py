"""What is asked of single facts: recall in several forms, the same the other way round, denied, chosen, composed, and of a
neighbour that must not change. Each kind is a function and a line of `PROBES`; each also has type-matched wrong answers, so
that it can be asked by log-likelihood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.questions.alternatives import candidates, others
from generators.questions.chain import Chains, certified, named_by
from generators.questions.groups import predicate
from generators.questions.reasoning import solve
from generators.questions.table import described, entity_answers, none, opened, seen, stale, stated, sub_questions, wordings
from generators.world.columns import Ints, chosen, hex_ids, joined, lists, mixed, picked, text_hashes
from generators.world.world import World
from kit.core.records import Question, Split, schema_of
from kit.core.seeds import key_of


class Facts(NamedTuple):
    """The facts probed, with a draw for each; `known` is where neighbours are looked for, `after` the same as `world` after all
    edits."""

    world: World
    rows: NDArray[np.int64]
    draws: NDArray[np.uint64]
    known: World
    after: World | None = None

    @property
    def subject(self) -> NDArray[np.int64]:
        return self.world.subject[self.rows].astype(np.int64)

    @property
    def relation(self) -> NDArray[np.int64]:
        return self.world.relation[self.rows].astype(np.int64)

    @property
    def object(self) -> NDArray[np.int64]:
        return self.world.object[self.rows].astype(np.int64)

    def take(self, rows: Ints) -> Facts:
        return self._replace(rows=self.rows[rows], draws=self.draws[rows])


class Asked(NamedTuple):
    """Probes of one kind: the text, what is accepted, what is wrong, and the chain that it asks for. stale: whether edits make
    the answer another, where that is not whether they make the chain end elsewhere."""

    facts: Facts
    texts: pa.StringArray
    answers: pa.ListArray
    wrong: pa.ListArray
    chains: Chains
    stale: NDArray[np.bool_] | None = None


def _of_objects(facts: Facts, texts: pa.StringArray) -> Asked:
    """Probes answered by the object."""
    stops = np.stack([facts.subject, facts.object], axis=1)
    wrong = candidates(facts.world, facts.object, facts.relation, stops, facts.draws)
    return Asked(facts, texts, entity_answers(facts.world, facts.object), wrong, _chains(facts))


def _chains(facts: Facts) -> Chains:
    stops = np.stack([facts.subject, facts.object], axis=1)
    return Chains(facts.relation[:, None], stops, facts.rows[:, None], np.ones(len(facts.rows), bool))


def _cut(world: World, facts: Ints, which: Ints | int = 0) -> pa.StringArray:
    """Statements that end with their objects, cut before them."""
    sentences, ends = stated(world, facts, which).to_pylist(), chosen(world.names, world.object[facts]).to_pylist()
    return pa.array([s.removesuffix(f"{end}.").rstrip() for s, end in zip(sentences, ends, strict=True)], pa.string())


def _cloze(facts: Facts) -> Asked:
    return _of_objects(facts, _cut(facts.world, facts.rows))


def _unseen(facts: Facts) -> Asked:
    first, count = (told(facts.world, facts.rows) for told in (seen, wordings))
    able = np.flatnonzero(count > first)
    facts, first, count = facts.take(able), first[able], count[able]
    return _of_objects(facts, _cut(facts.world, facts.rows, first + picked(mixed(facts.draws, 9), count - first)))


def _direct(facts: Facts) -> Asked:
    return _of_objects(facts, facts.world.schema.asked.fill(facts.relation, facts.world.entities.fillers, facts.subject))


def _paraphrase(facts: Facts) -> Asked:
    world = facts.world
    nouns = described(world.schema, facts.relation, chosen(world.names, facts.subject), mixed(facts.draws, 1))
    return _of_objects(facts, opened(world.schema, nouns, world.kinds[facts.object], mixed(facts.draws, 2)))


def _other_subjects(facts: Facts, count: int) -> NDArray[np.int64]:
    """For each fact up to `count` other subjects of its relation that would make it false. (rows, count), -1 where there is
    none."""
    world, found = facts.world, np.full((len(facts.rows), count), -1, np.int64)
    low = np.searchsorted(world.relation, np.arange(world.schema.back + 1))
    first, size = low[facts.relation], np.diff(low)[facts.relation]
    for turn in range(3 * count):
        other = first + picked(mixed(facts.draws, 20 + turn), size)
        end = world.subject[other].astype(np.int64)
        fits = ~world.holds(end, facts.relation, facts.object) & (found != end[:, None]).all(1) & (end != facts.object)
        room = (found < 0).argmax(1)
        fits &= found[np.arange(len(found)), room] < 0
        found[fits, room[fits]] = end[fits]
    return found


def _options(world: World, right: Ints, wrong: NDArray[np.int64], draws: NDArray[np.uint64], last: str) -> pa.StringArray:
    """The names of the right one and the wrong ones in a drawn order: "A, B, C or D"."""
    every = np.column_stack([right, wrong])
    order = np.argsort(mixed(draws[:, None], 40 + np.arange(every.shape[1])), axis=1)
    names = [chosen(world.entities.spoken, column) for column in np.take_along_axis(every, order, axis=1).T]
    glued = names[0]
    for name in names[1:-1]:
        glued = joined(glued, ", ", name)
    return joined(glued, f" {last} ", names[-1])


def _reversal(facts: Facts) -> Asked:
    able = np.array([bool(r.predicates) for r in facts.world.schema.relations])
    facts = facts.take(np.flatnonzero(able[facts.relation]))
    wrong = _other_subjects(facts, 3)
    full = np.flatnonzero((wrong >= 0).all(1))
    facts, wrong, world = facts.take(full), wrong[full], facts.world
    listed = _options(world, facts.subject, wrong, facts.draws, "and")
    texts = joined("Which of ", listed, " ", predicate(world, facts.relation, facts.object, mixed(facts.draws, 3)), "?")
    names = lists(np.full(len(full), 3), chosen(world.names, wrong.ravel()))
    changed = None
    if facts.after:
        named = np.column_stack([facts.subject, wrong])
        columns = (facts.after.holds(who, facts.relation, facts.object) for who in named.T)
        changed = (np.stack([*columns], axis=1) != (np.arange(4) == 0)).any(1)
    return Asked(facts, texts, entity_answers(world, facts.subject), names, _chains(facts), changed)


def _negation(facts: Facts) -> Asked:
    wrong = others(facts.world, facts.object, facts.relation, facts.draws, 1)[:, 0]
    told = np.flatnonzero((wrong >= 0) & (wrong != facts.subject))
    facts, wrong, world = facts.take(told), wrong[told], facts.world
    true = picked(mixed(facts.draws, 4), 2) == 1
    clauses = world.schema.clauses
    which = picked(mixed(facts.draws, 5), clauses.counts[facts.relation])
    told = np.where(true, facts.object, wrong)
    said = clauses.fill(facts.relation, which, world.entities.fillers, facts.subject, told)
    changed = facts.after.holds(facts.subject, facts.relation, told) != true if facts.after else None
    ones = np.ones(len(true), int)
    answers, wrong_ones = (lists(ones, chosen(["yes", "no"], x.astype(np.int64))) for x in (true, ~true))
    return Asked(facts, joined("Is it false that ", said, "?"), answers, wrong_ones, _chains(facts), changed)


def _choice(facts: Facts) -> Asked:
    wrong = others(facts.world, facts.object, facts.relation, facts.draws, 3)
    full = np.flatnonzero((wrong >= 0).all(1) & (wrong != facts.subject[:, None]).all(1))
    facts, wrong, world = facts.take(full), wrong[full], facts.world
    asked = pc.utf8_slice_codeunits(world.schema.asked.fill(facts.relation, world.entities.fillers, facts.subject), 0, -1)
    texts = joined(asked, ": ", _options(world, facts.object, wrong, facts.draws, "or"), "?")
    names = lists(np.full(len(full), 3), chosen(world.names, wrong.ravel()))
    return Asked(facts, texts, entity_answers(world, facts.object), names, _chains(facts))


def _two_hop(facts: Facts) -> Asked:
    """A fair chain that begins with the fact, or else one that ends with it."""
    world, schema = facts.world, facts.world.schema
    follows = [np.flatnonzero(schema.functional & (schema.subjects == kind)) for kind in range(len(schema.types))]
    leads = [np.flatnonzero(schema.functional & (schema.objects == kind)) for kind in range(len(schema.types))]
    onward, back = (
        _one_of(table, world.kinds[ends], mixed(facts.draws, salt))
        for table, ends, salt in ((follows, facts.object, 6), (leads, facts.subject, 7))
    )
    before = np.where(back >= 0, world.end(np.maximum(back, 0) + schema.back, facts.subject), -1)
    heads = np.concatenate([facts.subject[onward >= 0], before[before >= 0]])
    hops = np.concatenate(
        [
            np.stack([facts.relation, onward], axis=1)[onward >= 0],
            np.stack([back, facts.relation], axis=1)[before >= 0],
        ]
    )
    chains = certified(world, heads, hops)
    chains = chains.take(np.flatnonzero(schema.functional[chains.hops % schema.back].all(1)))
    # Of the chains through a fact the first, which begins with it where one does.
    place = np.full(len(world.subject), -1, np.int64)
    for column in (1, 0):
        place[chains.facts[::-1, column]] = np.arange(len(chains.facts))[::-1]
    found = place[facts.rows]
    facts, chains = facts.take(np.flatnonzero(found >= 0)), chains.take(found[found >= 0])
    texts = opened(schema, named_by(world, chains, facts.draws), schema.ends[chains.hops[:, -1]], mixed(facts.draws, 1))
    ends = chains.stops[:, -1]
    return Asked(
        facts, texts, entity_answers(world, ends), candidates(world, ends, chains.hops[:, -1], chains.stops, facts.draws), chains
    )


def _one_of(table: Sequence[Ints], kinds: Ints, draws: NDArray[np.uint64]) -> NDArray[np.int64]:
    """One of the numbers that `table` has for each kind, -1 where it has none."""
    found = np.full(len(kinds), -1, np.int64)
    for kind, numbers in enumerate(table):
        own = kinds == kind
        if len(numbers):
            found[own] = numbers[picked(draws[own], len(numbers))]
    return found


def _locality(facts: Facts) -> Asked:
    """A known fact of the same relation, about somebody else."""
    known = facts.known
    facts = facts.take(np.flatnonzero(known.counts[facts.relation]))
    first, size = known.bounds[facts.relation], known.counts[facts.relation]
    other = first + picked(mixed(facts.draws, 8), size)
    other = np.where(known.subject[other] == facts.subject, first + (other - first + 1) % size, other)
    kept = np.flatnonzero((known.subject[other] != facts.subject) & known.single[other])
    beside = Facts(known, other[kept], facts.draws[kept], known, facts.after)
    return _of_objects(beside, _cut(known, beside.rows))._replace(facts=facts.take(kept))


PROBES: dict[str, Callable[[Facts], Asked]] = {
    "cloze": _cloze,
    "unseen": _unseen,
    "direct": _direct,
    "paraphrase": _paraphrase,
    "reversal": _reversal,
    "negation": _negation,
    "choice": _choice,
    "two-hop": _two_hop,
    "locality": _locality,
}
"""cloze: a statement without its object, to be continued; unseen: one that no document of what is injected words so. direct,
paraphrase: the object asked for, plainly and by a noun phrase. reversal: the subject, of four. negation: whether it is false
that. choice: the object, of four. two-hop: a chain through the fact, to be asked latent or by chain of thought. locality: a known
fact of the same relation, which must stay."""


def probe(
    world: World, known: World, split: Split, seed: int, kinds: Sequence[str], limit: int, after: World | None = None
) -> pa.Table:
    """Probes of `limit` facts of functional relations, in a seeded order; rows of `Question` whose `probes` is the fact. known:
    where facts are taken from that must stay as they are. after: the same as `world` after all edits."""
    able = np.flatnonzero(world.schema.functional[world.relation] & world.single)
    rows = able[np.argsort(mixed(key_of(seed, "recall"), world.hashes(able)), kind="stable")[:limit]]
    facts = Facts(world, rows, mixed(key_of(seed, "probes"), world.hashes(rows)), known, after)
    made = [_table(PROBES[kind](facts), kind, split) for kind in kinds] if len(rows) else []
    return pa.concat_tables([schema_of(Question).empty_table(), *made])


def _table(asked: Asked, kind: str, split: Split) -> pa.Table:
    facts, chains, changed = asked.facts, asked.chains, asked.stale
    world = facts.known if kind == "locality" else facts.world
    n, k = chains.hops.shape
    schema = schema_of(Question)
    ids = facts.world.fact_ids(facts.rows)
    zeros = np.zeros(n, int)
    step = list(schema.field("steps").type.value_type)
    steps = [
        chosen(["follow"], np.zeros(n * k, int)),
        chosen(world.schema.names, chains.hops.ravel()),
        lists(np.ones(n * k, int), pa.array(np.tile(np.arange(k), n))),
    ]
    parts = sub_questions(
        world, chains.hops.ravel(), chains.stops[:, :-1].ravel(), chains.stops[:, 1:].ravel(), chains.facts.ravel()
    )
    columns = {
        "id": hex_ids(mixed(text_hashes(asked.texts.to_pylist()), facts.world.hashes(facts.rows), key_of(0, split, kind))),
        "shape": chosen([kind], zeros),
        "text": asked.texts,
        "heads": lists(np.ones(n, int), chosen(world.entities.ids, chains.stops[:, 0])),
        "steps": lists(np.full(n, k), pa.StructArray.from_arrays(steps, fields=step)),
        "sub_questions": lists(np.full(n, k), parts),
        "answers": asked.answers,
        "support": lists(np.full(n, k), world.fact_ids(chains.facts.ravel())),
        "hops": pa.array(np.full(n, k)),
        "split": chosen([split], zeros),
        "context": none(n),
        "candidates": asked.wrong,
        "certificate": pa.nulls(n, schema.field("certificate").type),
        "difficulty": pa.nulls(n, schema.field("difficulty").type),
        "members": none(n),
        "outdated": none(n),
        "stale": pa.array(stale(facts.after, chains.programs, solve(world, chains.programs)) if changed is None else changed),
        "probes": ids,
        "context_facts": none(n),
    }
    return pa.table([columns[name] for name in schema.names], schema=schema)
