"""Intersections ("Which person works for X and plays the Y?"), and trees: a hop from an entity so described ("What is the
birthplace of the person who works for X and plays the Y?")."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.questions import groups
from generators.questions.alternatives import candidates, fact_beside, told_once
from generators.questions.reasoning import Move, Programs, necessary, prior, solve
from generators.questions.table import Asking, entity_answers, interleaved, led_to, opened, questions, stated, sub_questions
from generators.world.columns import Ints, Sets, chosen, dealt, joined, lists, mixed, picked
from generators.world.world import World
from kit.core.seeds import key_of

_ASK = (
    "Which {type} {one} and {two}?",
    "Name the {type} {who} {one} and {two}.",
    "Please name the {type} {who} {one} and {two}.",
    "Tell me the name of the {type} {who} {one} and {two}.",
    "What is the name of the {type} {who} {one} and {two}?",
    "Can you name the {type} {who} {one} and {two}?",
)


def ask(asking: Asking) -> Iterator[pa.Table]:
    """Every intersection, in a seeded order."""
    for heads, first, second in _pairs(asking.world, key_of(asking.seed, "intersection"), asking.chunk):
        yield _of(asking, heads, first, second, None)


def ask_tree(asking: Asking) -> Iterator[pa.Table]:
    """Every intersection with one more hop from what it finds, in a seeded order."""
    world, seed, onward = asking.world, asking.seed, dict[int, list[int]]()
    for code in np.flatnonzero(world.schema.functional).tolist():
        onward.setdefault(int(world.schema.subjects[code]), []).append(code)
    for heads, first, second in _pairs(world, key_of(seed, "tree"), asking.chunk):
        draws = mixed(key_of(seed, "tree, onward"), world.entities.hashes[heads], first, second)
        third = np.full(len(heads), -1)
        for kind, codes in onward.items():
            own = world.kinds[heads] == kind
            third[own] = np.array(codes)[picked(draws[own], len(codes))]
        third[(third == first) | (third == second)] = -1
        kept = third >= 0
        yield _of(asking, heads[kept], first[kept], second[kept], third[kept])


def _pairs(world: World, key: int, chunk: int) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """Every entity with two relations that might describe it, in a keyed order, some at a time: the first's group is small,
    the second's holds others too."""
    subjects = world.schema.subjects
    whole, every = (groups.usable(world, predicates=True, whole=w).tolist() for w in (True, False))
    # Of whom the second is not told it may be so as well.
    every = [code for code in every if not world.schema.relations[code].open]
    seconds = {code: [b for b in every if subjects[b] == subjects[code] and b != code] for code in whole}
    heads, firsts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for code in seconds:
        low, high = world.bounds[code : code + 2]
        sizes = world.ends_of(np.full(high - low, code), world.object[low:high])
        # A value such as a profession is shared with other parts of the world: it narrows a group down, but makes none.
        own = (
            (sizes >= groups.SMALLEST)
            & (sizes <= groups.LARGEST)
            & (world.parts[world.object[low:high]] == world.parts[world.subject[low:high]])
        )
        heads.append(world.subject[low:high][own].astype(np.int64))
        firsts.append(np.full(own.sum(), code))
    head, first = np.concatenate(heads), np.concatenate(firsts)
    table = np.full((world.schema.back, max(map(len, seconds.values()), default=0)), -1)
    for code, others in seconds.items():
        table[code, : len(others)] = others
    for owner, place in dealt((table >= 0).sum(1)[first], key, chunk):
        one, two, who = first[owner], table[first[owner], place], head[owner]
        kept = world.ends_of(two, np.maximum(world.end(two, who), 0)) >= 2
        kept &= world.met(two, who) >= 0
        yield who[kept], one[kept], two[kept]


def _of(asking: Asking, people: Ints, first: Ints, second: Ints, third: Ints | None) -> pa.Table:
    """people: those described. Kept are the descriptions that fit one only and, with `third`, lead on to one answer."""
    world = asking.world

    def batch(rows: Ints) -> Programs:
        x, y = (world.end(hop[rows], people[rows]) for hop in (first, second))
        moves = [Move("follow", (0,), first[rows] + world.schema.back), Move("having", (2, 1), second[rows])]
        if third is not None:
            moves.append(Move("follow", (3,), third[rows]))
        return Programs((x, y), tuple(moves))

    trace = solve(world, batch(np.arange(len(people))))
    ends = trace.answers.only()
    fair = np.flatnonzero((trace.registers[3].only() == people) & (ends >= 0))
    no_shortcut = None
    if third is not None:
        # The answer is reached through the description alone.
        x, y = batch(fair).heads
        no_shortcut = ~world.near(x, ends[fair], 1) & ~world.near(y, ends[fair], 1)
        fair, no_shortcut = fair[no_shortcut], no_shortcut[no_shortcut]
    programs, n = batch(fair), len(fair)
    trace = solve(world, programs)
    people, first, second, ends = people[fair], first[fair], second[fair], ends[fair]
    third = third if third is None else third[fair]
    hops = [first, second] + ([] if third is None else [third])
    draws = mixed(key_of(asking.seed, "question"), world.entities.hashes[people], *(world.schema.hop_hashes[h] for h in hops))
    met = [world.hop(h, people)[1] for h in hops]
    # The whole group belongs to the support: without it nobody could say that the description fits one only.
    facts = np.column_stack([groups.padded(trace.facts[0], groups.LARGEST), *met[1:]])
    x, y = programs.heads
    beside = _beside(asking, trace.registers[2], first, second, third, facts, ends, draws)
    one = groups.predicate(world, first, x, mixed(draws, 1))
    two = groups.predicate(world, second, y, mixed(draws, 2), (first, mixed(draws, 1)))
    kind, who = chosen([*world.schema.called.values()], world.kinds[people]), chosen(world.schema.who, first)
    members = trace.registers[len(programs.heads)]
    parts = [groups.members_asked(world, x, first, members), _of_them(world, two, people, met[1], second)]
    if third is None:
        texts = groups.worded(_ASK, mixed(draws, 3), type=kind, who=who, one=one, two=two)
        guesses = (1 / members.counts, np.zeros(n, bool))
    else:
        inner = joined("the ", kind, " ", who, " ", one, " and ", two)
        phrase = led_to(world.schema, third, inner, mixed(draws, 4))
        texts = opened(world.schema, phrase, world.kinds[ends], mixed(draws, 3))
        parts.append(sub_questions(world, third, people, ends, met[2]))
        guesses = prior(world, ends, third)
    counts, laid = interleaved([np.ones(n, int)] * len(parts), parts)
    stops = np.stack([x, y, people, ends], axis=1)
    return questions(
        asking, programs, trace, shape="intersection" if third is None else "tree", hops=len(hops), texts=texts,
        answers=entity_answers(world, ends),
        wrong=candidates(world, ends, second + world.schema.back if third is None else third, stops, draws),
        parts=lists(counts, laid), facts=facts, needed=necessary(world, programs, trace, facts),
        guesses=guesses, draws=draws, passed=stops[:, :3] if third is not None else None, popular=ends,
        beside=beside, no_shortcut=no_shortcut,
    )  # fmt: skip


def _beside(
    asking: Asking, members: Sets, first: Ints, second: Ints, third: Ints | None, facts: NDArray[np.int64], ends: Ints,
    draws: NDArray[np.uint64],
) -> NDArray[np.int64]:  # fmt: skip
    """What is told of the whole group in the second relation, and of others who share its object with each of them; and where
    all of these are led by the third. So neither description tells alone who is meant, nor is the answer one of its kind."""
    world = asking.world
    group = groups.padded(members, groups.LARGEST)
    theirs = world.met(second[:, None] + np.zeros_like(group), group)
    shown = np.column_stack([facts, theirs])
    fellows: list[NDArray[np.int64]] = []
    for place in range(groups.LARGEST):
        # Somebody else with the same object.
        object_ = np.where(theirs[:, place] >= 0, world.object[theirs[:, place]], -1).astype(np.int64)
        count = np.where(object_ >= 0, world.ends_of(second, np.maximum(object_, 0)), 0)
        fellow = world.met(second + world.schema.back, object_, picked(mixed(draws, 800 + place), np.maximum(count, 1)))
        fellows.append(np.where((shown == fellow[:, None]).any(1), -1, fellow))
        shown = np.column_stack([shown, fellows[-1]])
    # Somebody in any case.
    alone = (np.column_stack([theirs, *fellows]) >= 0).sum(1) == 1
    fellows.append(np.where(alone, fact_beside(world, second, shown, mixed(draws, 810)), -1))
    told = np.column_stack([theirs, *fellows])
    whom = np.where(told >= 0, world.subject[told], -1).astype(np.int64)
    found = [told, *(world.met(first, person)[:, None] for person in whom.T)]
    if third is not None:
        led = world.met(third[:, None] + np.zeros_like(whom), whom)
        led = np.where((led >= 0) & (world.object[led] == ends[:, None]), -1, led)
        anywhere = fact_beside(world, third, np.column_stack([facts, *found, led]), mixed(draws, 811))
        found += [led, np.where((led >= 0).any(1) | (world.object[anywhere] == ends), -1, anywhere)[:, None]]
        return told_once(world, third, facts, np.column_stack(found))
    return np.column_stack(found)


def _of_them(world: World, two: pa.StringArray, people: Ints, facts: Ints, codes: Ints) -> pa.StructArray:
    columns = [
        joined("Which of them ", two, "?"),
        chosen(world.names, people),
        stated(world, facts, 0),
        chosen(world.schema.names, codes),
        world.fact_ids(facts),
    ]
    return pa.StructArray.from_arrays(columns, names=["text", "answer", "sentence", "relation", "fact"])
