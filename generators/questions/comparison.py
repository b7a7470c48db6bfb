"""Comparisons of two entities: which comes first, or is larger; and whether they share an object (yes or no)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.questions import groups
from generators.questions.reasoning import Move, Programs, necessary, solve
from generators.questions.table import entity_answers, questions, sub_questions
from generators.world.columns import Ints, chosen, lists, mixed, picked
from generators.world.world import World
from kit.core.records import Operation, Split
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


def ask_which(world: World, split: Split, seed: int, distractors: int) -> Iterator[pa.Table]:
    """For every entity with a number or a year, which of it and a partner has more, or less."""
    rows: list[tuple[Ints, Ints, Ints]] = []
    key = key_of(seed, "comparison")
    for scale in groups.scales(world.schema):
        heads = np.unique(world.subject[world.relation == scale]).astype(np.int64)
        if len(heads) > 1:
            away = 1 + picked(mixed(key, world.entities.hashes[heads], scale), len(heads) - 1)
            rows.append((heads, heads[(np.arange(len(heads)) + away) % len(heads)], np.full(len(heads), scale)))
    for heads, partners, scales in groups.in_chunks(key, *map(np.concatenate, zip(*rows, strict=True))) if rows else ():
        draws = mixed(key, world.entities.hashes[heads], world.schema.hop_hashes[scales])
        end = picked(mixed(draws, 1), 2)
        made = []
        for scale in np.unique(scales).tolist():
            for k, op in enumerate(groups.ENDS):
                own = (scales == scale) & (end == k)
                made.append(_which(world, heads[own], partners[own], scale, k, op, draws[own], split, distractors))
        yield pa.concat_tables(made)


def _which(
    world: World, heads: Ints, partners: Ints, scale: int, end: int, op: Operation, draws: NDArray[np.uint64], split: Split,
    distractors: int,
) -> pa.Table:  # fmt: skip
    def batch(rows: Ints) -> Programs:
        moves = (Move("union", (0, 1)), Move(op, (2,), np.full(len(rows), scale)))
        return Programs((heads[rows], partners[rows]), moves)

    fair = np.flatnonzero(solve(world, batch(np.arange(len(heads)))).answers.only() >= 0)
    programs, draws, n = batch(fair), draws[fair], len(fair)
    trace = solve(world, programs)
    winners = trace.answers.only()
    pair = np.stack(programs.heads, axis=1)
    said = chosen([world.schema.relations[scale].compared[end]], np.zeros(n, int))
    names = [chosen(world.names, pair[:, k]) for k in (0, 1)]
    facts, needed, parts = _both_hops(world, programs, pair, np.full(n, scale))
    loser = np.where(winners == pair[:, 0], pair[:, 1], pair[:, 0])
    return questions(
        world, programs, shape="comparison", split=split, hops=2, kind="named",
        texts=groups.worded(_WHICH, mixed(draws, 2), more=said, a=names[0], b=names[1]),
        answers=entity_answers(world, winners), wrong=entity_answers(world, loser),
        parts=parts, facts=facts, needed=needed,
        guesses=(np.full(n, 0.5), world.degrees[winners] > world.degrees[loser]), draws=draws, distractors=distractors,
    )  # fmt: skip


def ask_same(world: World, split: Split, seed: int, distractors: int) -> Iterator[pa.Table]:
    """For every entity that shares an object with others, whether it and another do: yes about as often as no."""
    rows: list[tuple[Ints, Ints, Ints]] = []
    key = key_of(seed, "same")
    for code in groups.usable(world.schema).tolist():
        own = np.flatnonzero(world.relation == code)
        own = own[world.ends(code)[world.object[own]] > 1]
        heads, objects = world.subject[own].astype(np.int64), world.object[own].astype(np.int64)
        if not len(heads):
            continue
        draws = mixed(key, world.entities.hashes[heads], code)
        hops, place = np.full(len(heads), code + world.schema.back), picked(mixed(draws, 1), world.ends(code)[objects] - 1)
        # The fellows stand in order: those from the head itself on are one place further.
        fellow = world.end(hops, objects, place)
        fellow = world.end(hops, objects, place + (fellow >= heads))
        anybody = heads[(np.arange(len(heads)) + 1 + picked(mixed(draws, 2), len(heads) - 1)) % len(heads)]
        rows.append((heads, np.where(picked(draws, 2) == 1, fellow, anybody), np.full(len(heads), code)))
    for heads, partners, codes in groups.in_chunks(key, *map(np.concatenate, zip(*rows, strict=True))) if rows else ():
        made = []
        for code in np.unique(codes).tolist():
            own = (codes == code) & (partners != heads)
            draws = mixed(key, world.entities.hashes[heads[own]], code)
            made.append(_same(world, heads[own], partners[own], code, draws, split, distractors))
        yield pa.concat_tables(made)


def _same(
    world: World, heads: Ints, partners: Ints, code: int, draws: NDArray[np.uint64], split: Split, distractors: int
) -> pa.Table:
    n = len(heads)
    hops = np.full(n, code)
    programs = Programs((heads, partners), (Move("follow", (0,), hops), Move("follow", (1,), hops), Move("same", (2, 3))))
    truth = solve(world, programs).answers.only()
    pair = np.stack(programs.heads, axis=1)
    facts, needed, parts = _both_hops(world, programs, pair, hops)
    role = chosen(world.schema.role, hops)
    fillings = {"a": chosen(world.names, heads), "b": chosen(world.names, partners), "role": role}
    ones = np.ones(n, int)
    return questions(
        world, programs, shape="same", split=split, hops=2, kind="number",
        texts=groups.worded(_SAME, mixed(draws, 3), **fillings),
        answers=lists(ones, chosen(["no", "yes"], truth)), wrong=lists(ones, chosen(["yes", "no"], truth)),
        parts=parts, facts=facts, needed=needed,
        guesses=(np.full(n, 0.5), np.zeros(n, bool)), draws=draws, distractors=distractors,
    )  # fmt: skip


def _both_hops(
    world: World, programs: Programs, pair: NDArray[np.int64], hops: Ints
) -> tuple[NDArray[np.int64], NDArray[np.bool_], pa.ListArray]:
    """The fact that each of two heads is asked about, whether it is needed, and the two sub-questions."""
    n = len(pair)
    _, facts, ends = world.hop(np.repeat(hops, 2), pair.ravel())
    met = facts.reshape(n, 2)
    parts = sub_questions(world, np.repeat(hops, 2), pair.ravel(), ends, facts)
    return met, necessary(world, programs, solve(world, programs), met), lists(np.full(n, 2), parts)
