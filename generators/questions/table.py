"""From a batch of certified programs to rows of the questions table. What every shape shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.questions.reasoning import Programs
from generators.world.columns import Ints, chosen, concatenated, hex_ids, joined, lists, mixed, picked, text_hashes
from generators.world.schema import Schema, Wordings
from generators.world.world import FOREVER, World
from kit.core.records import Question, Split, SubQuestion, schema_of

CANDIDATES = 9
"""Wrong answers a question offers for forced choice."""

_OPENERS = {
    "who": (
        "Who is {np}?",
        "Name {np}.",
        "Please name {np}.",
        "Can you name {np}?",
        "Give the name of {np}.",
        "Tell me the name of {np}.",
        "Could you give me the name of {np}?",
        "I would like to know the name of {np}.",
    ),
    "what": (
        "What is {np}?",
        "Name {np}.",
        "Please name {np}.",
        "Can you name {np}?",
        "Tell me {np}.",
        "Could you tell me {np}?",
        "I would like to know {np}.",
        "Please give {np}.",
    ),
}
_FORMS = len(_OPENERS["who"])
_OPENINGS = [o.split("{np}") for o in (*_OPENERS["who"], *_OPENERS["what"])]
_OPENS, _CLOSES = (pa.array([o[k] for o in _OPENINGS], pa.string()) for k in (0, 1))


def opened(phrases: pa.StringArray, person: NDArray[np.bool_], draws: NDArray[np.uint64]) -> pa.StringArray:
    """Noun phrases made questions ("Who is the mentor of X?"): other openers where a person is asked for."""
    opener = picked(draws, _FORMS) + np.where(person, 0, _FORMS)
    return joined(chosen(_OPENS, opener), phrases, chosen(_CLOSES, opener))


def described(schema: Schema, hops: Ints, names: pa.StringArray, draws: NDArray[np.uint64]) -> pa.StringArray:
    """What a hop leads to from what is named: "the mentor of X"."""
    return _around(schema.nouns, _noun(schema, hops, draws), names)


def led_to(schema: Schema, hops: Ints, phrase: pa.StringArray, draws: NDArray[np.uint64]) -> pa.StringArray:
    """What a hop leads to from what a clause describes: "the mentor of the person who works for X"."""
    return _around(schema.nested_nouns, schema.short_nouns[_noun(schema, hops, draws)], phrase)


def nested(schema: Schema, hops: NDArray[np.int64], names: pa.StringArray, draws: NDArray[np.uint64]) -> pa.StringArray:
    """What hops (rows, k) lead to from what is named, one noun phrase in another. Around one that ends in a verb stands none
    that does too: "the home city of the person who leads the company where X works", not "the city where the person who leads
    the company where X works lives"."""
    phrase, verb = names, np.zeros(len(hops), bool)
    for i in range(hops.shape[1]):
        which = _noun(schema, hops[:, i], mixed(draws, 2 + i))
        which = np.where(verb, schema.short_nouns[which], which)
        verb |= schema.short_nouns[which] != which
        phrase = _around(schema.nested_nouns if i else schema.nouns, which, phrase)
    return phrase


def _noun(schema: Schema, hops: Ints, draws: NDArray[np.uint64]) -> NDArray[np.int64]:
    return schema.nouns.at[hops] + picked(draws, schema.nouns.counts[hops])


def _around(nouns: Wordings, which: Ints, inner: pa.StringArray) -> pa.StringArray:
    before, after = nouns.templates.literals[:2]
    return joined(chosen(before, which), inner, chosen(after, which))


def stated(world: World, facts: Ints, which: Ints | int) -> pa.StringArray:
    """Sentences that state the facts, each in its relation's statement number `which`; with their years, where the world
    is not one of a single year."""
    rows = world.relation[facts]
    plain = world.schema.statements.fill(rows, which, world.entities.fillers, world.subject[facts], world.object[facts])
    dated = world.dated[facts] & (world.ever is None)
    if not dated.any():
        return plain
    names, first = world.fillers_in_time
    ended = (world.until[facts] < FOREVER).astype(np.int64)
    role = world.size + rows.astype(np.int64)
    years = world.size + 2 * world.schema.back + np.stack([world.since[facts], world.until[facts]]).astype(np.int64) - first
    slots: tuple[Ints, ...] = (
        world.subject[facts],
        world.object[facts],
        years[0],
        np.where(ended, years[1], -1),
        role,
        role + world.schema.back,
    )
    slots = tuple(np.where(dated, slot, len(names) - 1) for slot in slots)
    in_time = world.schema.held.fill(ended, np.asarray(which) % world.schema.held.counts[0], names, *slots)
    return pc.if_else(pa.array(dated), in_time, plain)


def sub_questions(world: World, hops: Ints, froms: Ints, ends: Ints, facts: Ints) -> pa.StructArray:
    """One sub-question a row: a hop asked by itself, the name it ends in, the fact and its plainest statement."""
    columns = [
        world.schema.asked.fill(hops, world.entities.fillers, froms),
        chosen(world.names, ends),
        stated(world, facts, 0),
        chosen(world.schema.names, world.relation[facts]),
        world.fact_ids(facts),
    ]
    return pa.StructArray.from_arrays(columns, fields=list(schema_of(SubQuestion)))


def context(world: World, facts: NDArray[np.int64], distractors: int, draws: NDArray[np.uint64]) -> pa.ListArray:
    """The sentences of the facts-in-prompt form: the support (a matrix, a row a question) and `distractors` more, about
    other facts of the same relations as far as there are any, shuffled."""
    low = np.searchsorted(world.relation, np.arange(world.schema.back + 1))
    shown = facts
    for d in range(distractors):
        like = facts[:, d % facts.shape[1]]
        code = world.relation[np.where(like >= 0, like, facts[:, 0])]
        start, count = low[code], low[code + 1] - low[code]
        drawn = start + picked(mixed(draws, 100 + d), count)
        for _ in range(shown.shape[1]):
            drawn = np.where((shown == drawn[:, None]).any(1), start + (drawn - start + 1) % count, drawn)
        drawn[(shown == drawn[:, None]).any(1)] = -1
        shown = np.column_stack([shown, drawn])
    places = np.arange(shown.shape[1])
    order = np.argsort(mixed(draws[:, None], 200 + places), axis=1)
    shuffled = np.take_along_axis(shown, order, axis=1)
    there = shuffled >= 0
    which = picked(mixed(draws[:, None], 300 + places), world.schema.statements.counts[world.relation[shuffled]])
    return lists(there.sum(1), stated(world, shuffled[there], which[there]))


def candidates(world: World, answers: Ints, stops: NDArray[np.int64], draws: NDArray[np.uint64]) -> pa.ListArray:
    """Names of the answer's type that are neither the answer nor named on the way to it: a window of the world's members
    of that type, whose order says nothing."""
    width = CANDIDATES + stops.shape[1]
    window = np.full((len(answers), width), -1, np.int64)
    for kind in range(len(world.schema.types)):
        own = world.kinds[answers] == kind
        pool = np.flatnonzero((world.kinds == kind) & (world.degrees > 0))
        if own.any():
            start = picked(mixed(draws[own], 400), len(pool))
            window[own] = np.where(np.arange(width) < len(pool), pool[(start[:, None] + np.arange(width)) % len(pool)], -1)
    free = (window >= 0) & ~(window[:, :, None] == stops[:, None, :]).any(2)
    free &= np.cumsum(free, axis=1) <= CANDIDATES
    return lists(free.sum(1), chosen(world.names, window[free]))


def steps_column(schema: Schema, programs: Programs) -> pa.ListArray:
    """The reasoning graphs as records."""
    back = schema.back
    n, k = programs.size, len(programs.moves)
    hops = np.stack([m.hops if m.hops is not None else np.full(n, -1) for m in programs.moves], axis=1).ravel()
    names = chosen([*schema.names, *schema.names, ""], np.where(hops < 0, 2 * back, hops))
    order = np.tile(np.arange(k), n)
    ops = chosen([*(m.op for m in programs.moves), "inverse"], np.where(hops >= back, k, order))
    inputs = pa.array([m.inputs for m in programs.moves], pa.list_(pa.int64())).take(pa.array(order))
    fields = list(schema_of(Question).field("steps").type.value_type)
    return lists(np.full(n, k), pa.StructArray.from_arrays([ops, names, inputs], fields=fields))


def entity_answers(world: World, answers: Ints) -> pa.ListArray:
    """What is accepted as each answer: the entity's name, and its alias."""
    names, aliases = chosen(world.names, answers), chosen(world.entities.aliases, answers)
    also = pc.not_equal(aliases, "").to_numpy(zero_copy_only=False)
    counts, columns = interleaved([np.ones(len(answers), int), also], [names, aliases.filter(pa.array(also))])
    return lists(counts, columns)


def none(count: int) -> pa.ListArray:
    """Empty lists."""
    return lists(np.zeros(count, int), pa.array([], pa.string()))


def interleaved(counts: Sequence[Ints], columns: Sequence[pa.Array]) -> tuple[NDArray[np.int64], pa.Array]:
    """Several columns of values, `counts[k][row]` of the k-th a row, put one after the other within each row."""
    rows = np.concatenate([np.repeat(np.arange(len(c)), c) for c in counts])
    order = np.argsort(rows, kind="stable")
    return np.sum(counts, axis=0, dtype=np.int64), concatenated(columns).take(pa.array(order))


def questions(
    world: World,
    programs: Programs,
    *,
    shape: str,
    split: Split,
    hops: int,
    texts: pa.StringArray,
    answers: pa.ListArray,
    wrong: pa.ListArray,
    parts: pa.ListArray,
    facts: NDArray[np.int64],
    needed: NDArray[np.bool_],
    guesses: tuple[NDArray[np.float64], NDArray[np.bool_]],
    draws: NDArray[np.uint64],
    distractors: int,
    kind: Literal["entity", "named", "number"] = "entity",
    passed: NDArray[np.int64] | None = None,
    popular: Ints | None = None,
    members: pa.ListArray | None = None,
    outdated: pa.ListArray | None = None,
) -> pa.Table:
    """Rows for certified questions, less those whose text holds an answer.

    kind: an answer may be an entity that the question does not name; one of those it has `named` (which of two); or no
    entity at all (a number, yes or no), which cannot be read off.

    facts, needed: (rows, most facts a row), -1 where a row has fewer. parts: the sub-questions of each row. wrong: the
    candidates for forced choice. passed: the entities on the way (rows, any; without it the heads). popular: the entity
    whose popularity counts (without it the first head). members: all parts of the answers that have several.
    outdated: answers before an edit.
    """
    n = len(texts)
    there = facts >= 0
    support = world.fact_ids(facts[there])
    keys = [np.where(there[:, i], world.fact_hashes[facts[:, i]], 0) for i in range(facts.shape[1])]
    told = zip(answers.to_pylist(), texts.to_pylist(), strict=True)
    unreadable = np.array([kind == "number" or not any(a in text for a in each) for each, text in told], bool)
    always = pa.array(np.ones(n, bool))
    certificate = {
        "unique": always,
        "unreadable": pa.array(unreadable),
        "no_shortcut": always,
        "necessary": lists((needed & there).sum(1), world.fact_ids(facts[needed & there])),
        "popularity_guess": pa.array(guesses[1]),
        "type_prior": pa.array(guesses[0]),
    }
    schema = schema_of(Question)
    fields = list(schema.field("certificate").type)
    heads = np.stack(programs.heads, axis=1)
    on_the_way = world.degrees[heads if passed is None else passed].mean(1)
    difficulty = {
        "branching": pa.array(on_the_way.astype(np.float64)),
        "popularity": pa.array(world.degrees[heads[:, 0] if popular is None else popular]),
        "exposure": pa.array(np.zeros(n, np.int64)),
        "asked": pa.array(np.zeros(n, np.int64)),
    }
    columns = {
        "id": hex_ids(mixed(text_hashes(texts.to_pylist()), *keys)),
        "shape": chosen([shape], np.zeros(n, int)),
        "text": texts,
        "heads": lists(np.full(n, heads.shape[1]), chosen(world.entities.ids, heads.ravel())),
        "steps": steps_column(world.schema, programs),
        "sub_questions": parts,
        "answers": answers,
        "support": lists(there.sum(1), support),
        "hops": pa.array(np.full(n, hops)),
        "split": chosen([split], np.zeros(n, int)),
        "context": context(world, facts, distractors, draws),
        "candidates": wrong,
        "certificate": pa.StructArray.from_arrays([certificate[f.name] for f in fields], fields=fields),
        "difficulty": pa.StructArray.from_arrays(list(difficulty.values()), fields=list(schema.field("difficulty").type)),
        "members": none(n) if members is None else members,
        "outdated": none(n) if outdated is None else outdated,
        "probes": chosen([""], np.zeros(n, int)),
    }
    made = pa.table([columns[name] for name in schema.names], schema=schema)
    return made if kind == "named" else made.filter(pa.array(unreadable))
