"""Questions in time: what held in a year, and what was there before, or after, something else ("What was the employer of X
before it was Y?"), by itself or with one more hop from it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.questions import groups
from generators.questions.alternatives import candidates, fact_beside, told_once
from generators.questions.reasoning import Move, Programs, necessary, prior, solve
from generators.questions.table import Asking, entity_answers, interleaved, led_to, opened, questions, stated, sub_questions
from generators.world.columns import Ints, chosen, joined, lists, mixed, permuted, picked, place_in
from generators.world.world import FOREVER, World
from kit.core.records import Operation
from kit.core.seeds import key_of

_WHEN: dict[Operation, str] = {"during": " in ", "before": " right before ", "after": " right after "}


def ask(asking: Asking) -> Iterator[pa.Table]:
    """Every fact with years asked for in one of the three ways, in a seeded order; half of them with a hop from there."""
    ever = asking.world.ever
    if ever is None or not ever.dated.any():
        return
    # What was stays as it was: edits come after it.
    asking = asking._replace(after=None)
    facts, key = np.flatnonzero(ever.dated).astype(np.int32), key_of(asking.seed, "temporal")
    for start in range(0, len(facts), asking.chunk):
        rows = facts[permuted(len(facts), key, start, start + asking.chunk)].astype(np.int64)
        draws = mixed(key, ever.hashes(rows))
        made = []
        for k, op in enumerate(_WHEN):
            own = picked(mixed(draws, 1), len(_WHEN)) == k
            for more in (False, True):
                kept = own & ((picked(mixed(draws, 2), 2) == 1) == more)
                made.append(_of(asking, ever, rows[kept], op, more, draws[kept]))
        yield groups.in_any_order(key, made)


def _of(asking: Asking, world: World, facts: Ints, op: Operation, more: bool, draws: NDArray[np.uint64]) -> pa.Table:
    """world: of all years. facts: those to be found."""
    schema = world.schema
    subject, code = world.subject[facts].astype(np.int64), world.relation[facts].astype(np.int64)
    if op == "during":
        # A year well inside: in one of change, both objects could be meant.
        low, high = world.since[facts].astype(np.int64) + 1, world.until[facts].astype(np.int64)
        high = np.where(high == FOREVER, np.maximum(low, int(world.since[world.dated].max())), high)
        year = low + picked(mixed(draws, 3), np.maximum(high - low, 1))
        years = np.flatnonzero(world.kinds == schema.kind("year"))
        years = years[np.argsort(world.entities.amounts[years], kind="stable")]
        place = place_in(world.entities.amounts[years], year)
        inside = (year < high) & (place >= 0)
        given = np.append(years, 0)[place]
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
    draws, subject, code, given, onward, facts = (c[rows] for c in (draws, subject, code, given, onward, facts))
    # "the company that employed X right before Y".
    name = chosen(world.names, given)
    if op != "during":
        name = schema.beside.fill(code, world.entities.fillers, given)
    phrase = joined(schema.past_nouns.fill(code, world.entities.fillers, subject), _WHEN[op], name)
    support = groups.padded(trace.facts[0], 1 if op == "during" else 2)
    asked = pa.StructArray.from_arrays(
        [
            joined("What was ", phrase, "?"),
            chosen(world.names, middle),
            pa.compute.binary_join(lists(trace.facts[0].counts, stated(world, trace.facts[0].values, 0)), " "),
            chosen(schema.names, code),
            world.fact_ids(facts),
        ],
        names=["text", "answer", "sentence", "relation", "fact"],
    )
    parts = [asked]
    if more:
        led = world.met(onward, middle)
        support = np.column_stack([support, led])
        phrase = led_to(schema, onward, phrase, mixed(draws, 7))
        parts.append(sub_questions(world, onward, middle, ends, led))
    counts, laid = interleaved([np.ones(n, int)] * len(parts), parts)
    stops = np.stack([subject, given, middle, ends], axis=1)
    last = onward if more else code
    return questions(
        asking, programs, trace, shape="temporal", hops=1 + more, answers=entity_answers(world, ends),
        texts=opened(schema, phrase, world.kinds[ends], mixed(draws, 8)),
        wrong=candidates(world, ends, last, stops, draws), parts=lists(counts, laid), facts=support,
        needed=necessary(world, programs, trace, support), guesses=prior(world, ends, last), draws=draws, popular=ends,
        beside=told_once(world, last, support, _beside(asking, world, facts, support, onward if more else None, ends, draws)),
        world=world,
    )  # fmt: skip


def _beside(
    asking: Asking, world: World, facts: Ints, support: NDArray[np.int64], onward: Ints | None, ends: Ints,
    draws: NDArray[np.uint64],
) -> NDArray[np.int64]:  # fmt: skip
    """What the same subject had at other times, what others had, and where each leads on."""
    order, place = _over_time(world)
    shown = support
    for step in (1, -1):
        near = order[np.clip(place[facts] + step, 0, len(order) - 1)]
        same = (world.subject[near] == world.subject[facts]) & (world.relation[near] == world.relation[facts])
        shown = np.column_stack([shown, np.where(same, near, -1)])
    for turn in range(asking.distractors):
        another = fact_beside(world, world.relation[facts].astype(np.int64), shown, mixed(draws, 600 + turn))
        shown = np.column_stack([shown, another])
        # Of others too it is told what was before or after.
        for step in (1, -1):
            near = order[np.clip(place[another] + step, 0, len(order) - 1)]
            same = (
                (another >= 0)
                & (world.subject[near] == world.subject[another])
                & (world.relation[near] == world.relation[another])
            )
            shown = np.column_stack([shown, np.where(same, near, -1)])
    if onward is None:
        # The answer is stated once.
        again = (shown >= 0) & (world.object[shown] == ends[:, None])
        again[:, : support.shape[1]] = False
        shown[again] = -1
    else:
        middle = np.where(shown >= 0, world.object[shown], -1).astype(np.int64)[:, support.shape[1] :]
        led = world.met(onward[:, None] + np.zeros_like(middle), middle)
        shown = np.column_stack([shown, np.where((led >= 0) & (world.object[led] == ends[:, None]), -1, led)])
    return shown[:, support.shape[1] :]


def _over_time(world: World) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The facts by relation, subject and year, and the place of each in that order."""
    if "over time" not in world.kept:
        order = np.lexsort((world.since, world.subject, world.relation)).astype(np.int32)
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order))
        world.kept["over time"] = order, place
    found: tuple[NDArray[np.int32], NDArray[np.int32]] = world.kept["over time"]
    return found


def _neighbour(world: World, facts: Ints, step: int) -> tuple[Ints, Ints]:
    """The object of the same subject and relation right after (step 1) or before each fact, and whether there is one."""
    order, place = _over_time(world)
    beside = order[np.clip(place[facts] + step, 0, len(order) - 1)]
    joined_on = (world.until[facts] == world.since[beside]) if step > 0 else (world.since[facts] == world.until[beside])
    there = (world.subject[beside] == world.subject[facts]) & (world.relation[beside] == world.relation[facts])
    return world.object[beside].astype(np.int64), there & joined_on & (beside != facts)
