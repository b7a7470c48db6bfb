"""Questions in time: what held in a year, and what was there before, or after, something else ("What was the employer of X
before it was Y?"), by itself or with one more hop from it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

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
from generators.world.columns import Ints, chosen, joined, lists, mixed, picked
from generators.world.world import FOREVER, World
from kit.core.records import Operation, Split
from kit.core.seeds import key_of

_ASKED: dict[Operation, tuple[str, ...]] = {
    "during": (
        "In {year}, what was the {role} of {s}?",
        "What was the {role} of {s} in {year}?",
        "Name the {role} of {s} in {year}.",
        "Tell me what the {role} of {s} was in {year}.",
        "Can you tell me the {role} that {s} had in {year}?",
        "I would like to know what the {role} of {s} was in {year}.",
    ),
    "before": (
        "What was the {role} of {s} before it was {o}?",
        "Before it was {o}, what was the {role} of {s}?",
        "Name the {role} that {s} had before it was {o}.",
        "Tell me what the {role} of {s} was before it was {o}.",
        "Which {role} did {s} have before it was {o}?",
        "I would like to know what the {role} of {s} was before it was {o}.",
    ),
    "after": (
        "What was the {role} of {s} right after it was {o}?",
        "Once it was no longer {o}, what was the {role} of {s}?",
        "Name the {role} that {s} had right after it was {o}.",
        "Tell me what the {role} of {s} was right after it was {o}.",
        "Which {role} did {s} have right after it was {o}?",
        "I would like to know what the {role} of {s} was right after it was {o}.",
    ),
}
_DESCRIBED: dict[Operation, str] = {
    "during": "the {type} that was the {role} of {s} in {year}",
    "before": "the {type} that was the {role} of {s} before {name}",
    "after": "the {type} that was the {role} of {s} right after {name}",
}


def ask(world: World, split: Split, seed: int, distractors: int) -> Iterator[pa.Table]:
    """Every fact with years asked for in one of the three ways, in a seeded order; half of them with a hop from there."""
    ever = world.ever
    if ever is None or not ever.dated.any():
        return
    facts = np.flatnonzero(ever.dated)
    for (rows,) in groups.in_chunks(key_of(seed, "temporal"), facts):
        draws = mixed(key_of(seed, "temporal"), ever.fact_hashes[rows])
        made = []
        for k, op in enumerate(_ASKED):
            own = picked(mixed(draws, 1), len(_ASKED)) == k
            for more in (False, True):
                kept = own & ((picked(mixed(draws, 2), 2) == 1) == more)
                made.append(_of(ever, rows[kept], op, more, draws[kept], split, distractors))
        yield pa.concat_tables(made)


def _of(world: World, facts: Ints, op: Operation, more: bool, draws: Ints, split: Split, distractors: int) -> pa.Table:
    """world: of all years. facts: those to be found."""
    schema = world.schema
    subject, code = world.subject[facts].astype(np.int64), world.relation[facts].astype(np.int64)
    if op == "during":
        # A year well inside: in one of change, both objects could be meant.
        low, high = world.since[facts].astype(np.int64) + 1, world.until[facts].astype(np.int64)
        high = np.where(high == FOREVER, np.maximum(low, int(world.since[world.dated].max())), high)
        year = low + picked(mixed(draws, 3), np.maximum(high - low, 1))
        first, last = (int(world.names[int(np.flatnonzero(world.kinds == schema.kind("year"))[i])].as_py()) for i in (0, -1))
        inside = (year < high) & (year <= last)
        given = np.flatnonzero(world.kinds == schema.kind("year"))[np.where(inside, year - first, 0)]
    else:
        given, inside = _neighbour(world, facts, 1 if op == "before" else -1)
    onward = np.full(len(facts), -1)
    if more:
        for kind in np.unique(schema.objects[code]).tolist():
            leads = [
                c
                for c in np.flatnonzero(schema.subjects == kind).tolist()
                if schema.functional[c] and not schema.relations[c].changes
            ]
            own = schema.objects[code] == kind
            if leads:
                onward[own] = np.array(leads)[picked(mixed(draws[own], 4), len(leads))]
        inside &= onward >= 0

    def batch(rows: Ints) -> Programs:
        moves = [Move(op, (0, 1), code[rows])]
        if more:
            moves.append(Move("follow", (2,), onward[rows]))
        return Programs((subject[rows], given[rows]), tuple(moves))

    rows = np.flatnonzero(inside)
    trace = solve(world, batch(rows))
    ends, middle = trace.answers.only(), trace.registers[2].only()
    fair = (ends >= 0) & (middle == world.object[facts[rows]]) & (ends != subject[rows])
    rows = rows[fair]
    programs, n = batch(rows), len(rows)
    trace = solve(world, programs)
    ends, middle = trace.answers.only(), trace.registers[2].only()
    draws, subject, code, given, onward = draws[rows], subject[rows], code[rows], given[rows], onward[rows]
    fillings = {"role": chosen(schema.role, code), "s": chosen(world.names, subject)}
    name = chosen(world.names, given)
    fillings |= {"year": name, "o": joined(chosen(schema.link, code), name), "name": name}
    whole = groups.worded(_ASKED[op], mixed(draws, 5), **fillings)
    width = 1 if op == "during" else 2
    support = groups.padded(trace.facts[0], width)
    asked = pa.StructArray.from_arrays(
        [
            groups.worded(_ASKED[op][:1], mixed(draws, 5), **fillings),
            chosen(world.names, middle),
            pa.compute.binary_join(lists(trace.facts[0].counts, stated(world, trace.facts[0].values, 0)), " "),
            chosen(schema.names, code),
            world.fact_ids(facts[rows]),
        ],
        names=["text", "answer", "sentence", "relation", "fact"],
    )
    parts = [asked]
    if more:
        _, led, _ = world.hop(onward, middle)
        support = np.column_stack([support, led])
        types = chosen(schema.types, world.kinds[middle])
        inner = groups.worded((_DESCRIBED[op],), mixed(draws, 6), type=types, **fillings)
        phrase = led_to(schema, onward, inner, mixed(draws, 7))
        whole = opened(phrase, world.kinds[ends] == schema.kind("person"), mixed(draws, 8))
        parts.append(sub_questions(world, onward, middle, ends, led))
    counts, laid = interleaved([np.ones(n, int)] * len(parts), parts)
    stops = np.stack([subject, given, middle, ends], axis=1)
    return questions(
        world, programs, shape="temporal", split=split, hops=1 + more, texts=whole, answers=entity_answers(world, ends),
        wrong=candidates(world, ends, stops, draws), parts=lists(counts, laid), facts=support,
        needed=necessary(world, programs, trace, support), guesses=prior(world, ends, onward if more else code), draws=draws,
        distractors=distractors, popular=ends,
    )  # fmt: skip


def _neighbour(world: World, facts: Ints, step: int) -> tuple[Ints, Ints]:
    """The object of the same subject and relation right after (step 1) or before each fact, and whether there is one."""
    order = np.lexsort((world.since, world.subject, world.relation))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    beside = order[np.clip(place[facts] + step, 0, len(order) - 1)]
    joined_on = (world.until[facts] == world.since[beside]) if step > 0 else (world.since[facts] == world.until[beside])
    there = (world.subject[beside] == world.subject[facts]) & (world.relation[beside] == world.relation[facts])
    return world.object[beside].astype(np.int64), there & joined_on & (beside != facts)
