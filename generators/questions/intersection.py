"""Intersections ("Which person works for X and plays the Y?"), and trees: a hop from an entity so described ("What is the
birthplace of the person who works for X and plays the Y?")."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.questions import groups
from generators.questions.reasoning import Move, Programs, necessary, prior, solve
from generators.questions.table import (
    candidates,
    entity_answers,
    interleaved,
    led_to,
    opened,
    questions,
    stated,
    sub_questions,
)
from generators.world.columns import Ints, chosen, dealt, joined, lists, mixed, picked
from generators.world.world import PARTS, World
from kit.core.records import Split
from kit.core.seeds import key_of

CHUNK = 20_000
_ASK = (
    "Which {type} {one} and {two}?",
    "Name the {type} {who} {one} and {two}.",
    "Please name the {type} {who} {one} and {two}.",
    "Tell me the name of the {type} {who} {one} and {two}.",
    "What is the name of the {type} {who} {one} and {two}?",
    "Can you name the {type} {who} {one} and {two}?",
)


def ask(world: World, split: Split, seed: int, distractors: int) -> Iterator[pa.Table]:
    """Every intersection about `world`, in a seeded order."""
    for heads, first, second in _pairs(world, key_of(seed, "intersection")):
        yield _of(world, heads, first, second, None, split, seed, distractors)


def ask_tree(world: World, split: Split, seed: int, distractors: int) -> Iterator[pa.Table]:
    """Every intersection about `world` with one more hop from what it finds, in a seeded order."""
    onward: dict[int, list[int]] = {}
    for code in np.flatnonzero(world.schema.functional).tolist():
        onward.setdefault(int(world.schema.subjects[code]), []).append(code)
    for heads, first, second in _pairs(world, key_of(seed, "tree")):
        draws = mixed(key_of(seed, "tree, onward"), world.entities.hashes[heads], first, second)
        third = np.full(len(heads), -1)
        for kind, codes in onward.items():
            own = world.kinds[heads] == kind
            third[own] = np.array(codes)[picked(draws[own], len(codes))]
        third[(third == first) | (third == second)] = -1
        kept = third >= 0
        yield _of(world, heads[kept], first[kept], second[kept], third[kept], split, seed, distractors)


def _pairs(world: World, key: int) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """Every entity with two relations that might describe it, in a keyed order, some at a time: the first's group is small,
    the second's holds others too."""
    subjects, codes = world.schema.subjects, groups.usable(world.schema, predicates=True).tolist()
    couples = np.array([(a, b) for a, b in permutations(codes, 2) if subjects[a] == subjects[b]], np.int64).reshape(-1, 2)
    heads = np.flatnonzero((world.degrees > 0) & np.isin(world.kinds, subjects[couples[:, 0]]))
    by_kind = [np.flatnonzero(subjects[couples[:, 0]] == kind) for kind in range(len(world.schema.types))]
    widths = np.array([len(rows) for rows in by_kind])[world.kinds[heads]]
    for owner, place in dealt(widths, key, CHUNK):
        head = heads[owner]
        couple = np.zeros(len(head), np.int64)
        for kind, rows in enumerate(by_kind):
            own = world.kinds[head] == kind
            couple[own] = rows[place[own]] if len(rows) else 0
        first, second = couples[couple].T
        x, y = world.end(first, head), world.end(second, head)
        small, large = world.ends_of(first, x), world.ends_of(second, y)
        kept = (x >= 0) & (y >= 0) & (small >= groups.SMALLEST) & (small <= groups.LARGEST) & (large >= 2)
        # A value such as a profession is shared with other parts of the world: it narrows a group down, but makes none.
        kept &= world.parts[x] != PARTS.index("shared")
        yield head[kept], first[kept], second[kept]


def _of(
    world: World, people: Ints, first: Ints, second: Ints, third: Ints | None, split: Split, seed: int, distractors: int
) -> pa.Table:
    """people: those described. Kept are the descriptions that fit one only and, with `third`, lead on to one answer."""

    def batch(rows: Ints) -> Programs:
        x, y = (world.end(hop[rows], people[rows]) for hop in (first, second))
        moves = [Move("follow", (0,), first[rows] + world.schema.back), Move("having", (2, 1), second[rows])]
        if third is not None:
            moves.append(Move("follow", (3,), third[rows]))
        return Programs((x, y), tuple(moves))

    trace = solve(world, batch(np.arange(len(people))))
    ends = trace.answers.only()
    fair = np.flatnonzero((trace.registers[3].only() == people) & (ends >= 0))
    if third is not None:
        # The answer is reached through the description alone.
        x, y = batch(fair).heads
        fair = fair[~world.near(x, ends[fair], 1) & ~world.near(y, ends[fair], 1) & (x != ends[fair]) & (y != ends[fair])]
    programs, n = batch(fair), len(fair)
    trace = solve(world, programs)
    people, first, second, ends = people[fair], first[fair], second[fair], ends[fair]
    third = third if third is None else third[fair]
    hops = [first, second] + ([] if third is None else [third])
    draws = mixed(key_of(seed, "question"), world.entities.hashes[people], *(world.schema.hop_hashes[h] for h in hops))
    met = [world.hop(h, people)[1] for h in hops]
    # The whole group belongs to the support: without it nobody could say that the description fits one only.
    facts = np.column_stack([groups.padded(trace.facts[0], groups.LARGEST), *met[1:]])
    x, y = programs.heads
    one, two = groups.predicate(world, first, x, mixed(draws, 1)), groups.predicate(world, second, y, mixed(draws, 2))
    kind, who = chosen(world.schema.types, world.kinds[people]), chosen(world.schema.who, first)
    members = trace.registers[len(programs.heads)]
    parts = [groups.members_asked(world, x, first, members), _of_them(world, two, people, met[1], second)]
    if third is None:
        texts = groups.worded(_ASK, mixed(draws, 3), type=kind, who=who, one=one, two=two)
        guesses = (1 / members.counts, np.zeros(n, bool))
    else:
        inner = joined("the ", kind, " ", who, " ", one, " and ", two)
        phrase = led_to(world.schema, third, inner, mixed(draws, 4))
        texts = opened(phrase, world.kinds[ends] == world.schema.kind("person"), mixed(draws, 3))
        parts.append(sub_questions(world, third, people, ends, met[2]))
        guesses = prior(world, ends, third)
    counts, laid = interleaved([np.ones(n, int)] * len(parts), parts)
    stops = np.stack([x, y, people, ends], axis=1)
    return questions(
        world, programs, shape="intersection" if third is None else "tree", split=split, hops=len(hops), texts=texts,
        answers=entity_answers(world, ends), wrong=candidates(world, ends, stops, draws),
        parts=lists(counts, laid), facts=facts, needed=necessary(world, programs, trace, facts),
        guesses=guesses, draws=draws, passed=stops[:, :3] if third is not None else None, popular=ends,
        distractors=distractors,
    )  # fmt: skip


def _of_them(world: World, two: pa.StringArray, people: Ints, facts: Ints, codes: Ints) -> pa.StructArray:
    columns = [
        joined("Which of them ", two, "?"),
        chosen(world.names, people),
        stated(world, facts, 0),
        chosen(world.schema.names, codes),
        world.fact_ids(facts),
    ]
    return pa.StructArray.from_arrays(columns, names=["text", "answer", "sentence", "relation", "fact"])
