"""Comparisons of two entities: which comes first, or is larger; and whether they share an object (yes or no)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.questions import groups
from generators.questions.alternatives import fact_beside
from generators.questions.reasoning import Move, Programs, Trace, necessary, solve
from generators.questions.table import Asking, entity_answers, questions, sub_questions
from generators.world.columns import Ints, chosen, lists, mixed, picked
from generators.world.world import World
from kit.core.records import Operation
from kit.core.seeds import key_of

_WHICH = (
    "Which one {more}, {a} or {b}?",
    "Of {a} and {b}, which one {more}?",
    "Between {a} and {b}, which one {more}?",
    "Tell me which one {more}, {a} or {b}.",
    "Can you tell me which of {a} and {b} {more}?",
    "I would like to know which of {a} and {b} {more}.",
)
_SAME = (
    "Do {a} and {b} have the same {role}?",
    "Is it true that {a} and {b} have the same {role}?",
    "Is the {role} of {a} also the {role} of {b}?",
    "Tell me whether {a} and {b} have the same {role}.",
    "Would it be right to say that {a} and {b} have the same {role}?",
    "I would like to know whether {a} and {b} have the same {role}.",
)


LEAST = 36
"""Bands of values that a relation has to have where it is compared by."""

PARTNERS, KEPT = 8, 2
"""With how many of the next band somebody could be compared, and with how many on average."""


def ask_which(asking: Asking) -> Iterator[pa.Table]:
    """Which of two has more, or less, of a number or a year. The two are of neighbouring bands of values, and any two such are as
    likely: so one value alone tells nothing of the other, but in the first and the last band."""
    world, rows = asking.world, list[tuple[Ints, Ints, Ints]]()
    key = key_of(asking.seed, "comparison")
    for scale in groups.scales(world):
        low, high = world.bounds[scale : scale + 2]
        heads, amounts = world.subject[low:high].astype(np.int64), world.entities.amounts[world.object[low:high]]
        order = np.argsort(amounts, kind="stable")
        starts, count = _bands(amounts[order])
        if len(starts) < LEAST:
            continue
        # The first few of each band by one draw, each beside some of the first few of the next one by another: not as many of
        # each, or whoever knows half of the answers would know what is left.
        band = np.searchsorted(starts, np.arange(len(order)), side="right") - 1
        draws = mixed(key, world.entities.hashes[heads[order]], scale)
        one, other = (heads[order][np.lexsort((mixed(draws, turn), band))] for turn in range(2))
        place = starts[:, None] + np.arange(count)
        lower, upper = one[place[:-1]], other[place[1:]]
        for away in range(turns := min(PARTNERS, count)):
            a, b = lower.ravel(), np.roll(upper, away, axis=1).ravel()
            kept = picked(mixed(key, world.entities.hashes[a], world.entities.hashes[b], scale), max(1, turns // KEPT)) == 0
            rows.append((a[kept], b[kept], np.full(kept.sum(), scale)))
    for heads, partners, scales in (
        groups.in_chunks(asking.chunk, key, *map(np.concatenate, zip(*rows, strict=True))) if rows else ()
    ):
        draws = mixed(key, *(world.entities.hashes[c] for c in (heads, partners)), world.schema.hop_hashes[scales])
        end = picked(mixed(draws, 1), 2)
        made = []
        for k, op in enumerate(groups.ENDS):
            own = end == k
            made.append(_which(asking, heads[own], partners[own], scales[own], k, op, draws[own]))
        yield groups.in_any_order(key, made)


def _bands(amounts: Ints) -> tuple[NDArray[np.int64], int]:
    """Where bands of whole values begin among sorted ones, and how many each has at least: narrow ones, but so wide that half of
    all can be asked about, if `LEAST` bands allow."""
    values = np.flatnonzero(np.concatenate([[True], amounts[1:] != amounts[:-1]])) if len(amounts) else np.zeros(0, np.int64)
    starts, least = values, 1
    while 2 * least * len(starts) < len(amounts):
        wider, size = [0], 2 * least
        while (place := np.searchsorted(values, wider[-1] + size)) < len(values) and len(amounts) - values[place] >= size:
            wider.append(int(values[place]))
        if len(wider) < LEAST:
            break
        starts, least = np.array(wider), size
    return starts, least


def _which(
    asking: Asking, heads: Ints, partners: Ints, scales: Ints, end: int, op: Operation, draws: NDArray[np.uint64]
) -> pa.Table:
    world, n = asking.world, len(heads)
    # Which of the two is named first says nothing.
    turned = picked(mixed(draws, 3), 2) == 1
    heads, partners = np.where(turned, partners, heads), np.where(turned, heads, partners)
    programs = Programs((heads, partners), (Move("union", (0, 1)), Move(op, (2,), scales)))
    trace = solve(world, programs)
    winners = trace.answers.only()
    pair = np.stack(programs.heads, axis=1)
    said = chosen([r.compared[end] if r.compared else "" for r in world.schema.relations], scales)
    names = [chosen(world.entities.spoken, pair[:, k]) for k in (0, 1)]
    facts, needed, parts = _both_hops(world, programs, trace, pair, scales)
    loser = np.where(winners == pair[:, 0], pair[:, 1], pair[:, 0])
    return questions(
        asking, programs, trace, shape="comparison", hops=2, kind="named",
        texts=groups.worded(_WHICH, mixed(draws, 2), more=said, a=names[0], b=names[1]),
        answers=entity_answers(world, winners), wrong=lists(np.ones(n, int), chosen(world.names, loser)),
        parts=parts, facts=facts, needed=needed, beside=_two_beside(asking, scales, facts, draws),
        guesses=(np.full(n, 0.5), world.degrees[winners] > world.degrees[loser]), draws=draws,
    )  # fmt: skip


def ask_same(asking: Asking) -> Iterator[pa.Table]:
    """For every entity that shares an object with others, whether it and another do: yes about as often as no."""
    world, rows = asking.world, list[tuple[Ints, Ints, Ints]]()
    key = key_of(asking.seed, "same")
    for code in groups.usable(world).tolist():
        own = np.flatnonzero(world.relation == code)
        codes = np.full(len(own), code)
        own = own[world.ends_of(codes, world.object[own]) > 1]
        heads, objects = world.subject[own].astype(np.int64), world.object[own].astype(np.int64)
        if not len(heads):
            continue
        draws = mixed(key, world.entities.hashes[heads], code)
        hops, place = (
            np.full(len(heads), code + world.schema.back),
            picked(mixed(draws, 1), world.ends_of(codes[: len(own)], objects) - 1),
        )
        # The fellows stand in order: those from the head itself on are one place further.
        fellow = world.end(hops, objects, place)
        fellow = world.end(hops, objects, place + (fellow >= heads))
        other = np.arange(len(heads))
        for turn in range(8):
            again = objects[other] == objects
            moved = (np.arange(len(heads)) + 1 + picked(mixed(draws, 2 + turn), max(1, len(heads) - 1))) % len(heads)
            other = np.where(again, moved, other)
        yes = picked(draws, 2) == 1
        kept = yes | (objects[other] != objects)
        rows.append((heads[kept], np.where(yes, fellow, heads[other])[kept], np.full(kept.sum(), code)))
    for heads, partners, codes in (
        groups.in_chunks(asking.chunk, key, *map(np.concatenate, zip(*rows, strict=True))) if rows else ()
    ):
        own = partners != heads
        draws = mixed(key, world.entities.hashes[heads[own]], codes[own])
        yield groups.in_any_order(key, [_same(asking, heads[own], partners[own], codes[own], draws)])


def _same(asking: Asking, heads: Ints, partners: Ints, hops: Ints, draws: NDArray[np.uint64]) -> pa.Table:
    world, n = asking.world, len(heads)
    programs = Programs((heads, partners), (Move("follow", (0,), hops), Move("follow", (1,), hops), Move("same", (2, 3))))
    trace = solve(world, programs)
    truth = trace.answers.only()
    pair = np.stack(programs.heads, axis=1)
    facts, needed, parts = _both_hops(world, programs, trace, pair, hops)
    role = chosen(world.schema.role, hops)
    fillings = {"a": chosen(world.entities.spoken, heads), "b": chosen(world.entities.spoken, partners), "role": role}
    ones = np.ones(n, int)
    return questions(
        asking, programs, trace, shape="same", hops=2, kind="number",
        texts=groups.worded(_SAME, mixed(draws, 3), **fillings),
        answers=lists(ones, chosen(["no", "yes"], truth)), wrong=lists(ones, chosen(["yes", "no"], truth)),
        parts=parts, facts=facts, needed=needed, beside=_alike_beside(asking, hops, facts, truth == 1, draws),
        guesses=(np.full(n, 0.5), np.zeros(n, bool)), draws=draws,
    )  # fmt: skip


def _two_beside(asking: Asking, codes: Ints, facts: NDArray[np.int64], draws: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Other facts of the same relation: two for each pair to stand beside the one asked about."""
    shown = facts
    for place in range(2 * asking.distractors):
        shown = np.column_stack([shown, fact_beside(asking.world, codes, shown, mixed(draws, 600 + place))])
    return shown[:, facts.shape[1] :]


def _alike_beside(
    asking: Asking, codes: Ints, facts: NDArray[np.int64], same: NDArray[np.bool_], draws: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """As many facts of the same relation, so that two of all that are told have the same object whether it is those that are
    asked about or not: beside two that differ there are two of one other object, and none of an object twice else."""
    world, shown = asking.world, facts
    for place in range(2 * asking.distractors):
        fact = np.full(len(facts), -1, np.int64)
        if place == 1:
            # Another one of the first one's object.
            object_ = np.where(shown[:, 2] >= 0, world.object[shown[:, 2]], -1).astype(np.int64)
            count = np.where(object_ >= 0, world.ends_of(codes, np.maximum(object_, 0)), 0)
            turn = picked(mixed(draws, 640), np.maximum(count - 1, 1))
            first = world.met(codes + world.schema.back, object_, turn)
            second = world.met(codes + world.schema.back, object_, turn + 1)
            fellow = np.where(first == shown[:, 2], second, first)
            fact = np.where(same, fact, fellow)
        told = np.where(shown >= 0, world.object[shown], -1)
        for again in range(16):
            open_ = np.flatnonzero((fact < 0) & (same | (place != 1)))
            if not len(open_):
                break
            one = fact_beside(world, codes[open_], shown[open_], mixed(draws[open_], 600 + place, again))
            new = (one >= 0) & ~(told[open_] == world.object[one][:, None]).any(1)
            if place == 0:
                new &= same[open_] | (world.ends_of(codes[open_], world.object[one]) > 1)
            fact[open_[new]] = one[new]
        shown = np.column_stack([shown, fact])
    return shown[:, facts.shape[1] :]


def _both_hops(
    world: World, programs: Programs, trace: Trace, pair: NDArray[np.int64], hops: Ints
) -> tuple[NDArray[np.int64], NDArray[np.bool_], pa.ListArray]:
    """The fact that each of two heads is asked about, whether it is needed, and the two sub-questions."""
    n = len(pair)
    _, facts, ends = world.hop(np.repeat(hops, 2), pair.ravel())
    met = facts.reshape(n, 2)
    parts = sub_questions(world, np.repeat(hops, 2), pair.ravel(), ends, facts)
    return met, necessary(world, programs, trace, met), lists(np.full(n, 2), parts)
