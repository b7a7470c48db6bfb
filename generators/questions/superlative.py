"""Superlatives: the first, last, largest or smallest of a group ("Of the people whose employer is X, who was born first?")."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from generators.questions import groups
from generators.questions.reasoning import Move, Programs, necessary, solve
from generators.questions.table import Asking, entity_answers, interleaved, questions, sub_questions
from generators.world.columns import Ints, Sets, chosen, lists, mixed
from kit.core.seeds import key_of

_OPENERS = (
    "Of the {np}, which one {sup}?",
    "Which of the {np} {sup}?",
    "Among the {np}, which one {sup}?",
    "Tell me which of the {np} {sup}.",
    "Can you tell me which of the {np} {sup}?",
    "I would like to know which of the {np} {sup}.",
)


def ask(asking: Asking) -> Iterator[pa.Table]:
    """Every question of this shape, in a seeded order."""
    world = asking.world
    shared, codes = groups.found(world)
    rows: list[tuple[Ints, ...]] = []
    for scale in groups.scales(world):
        own = np.flatnonzero(world.schema.subjects[codes] == world.schema.subjects[scale])
        rows += [(shared[own], codes[own], np.full(len(own), scale), np.full(len(own), end)) for end in range(len(groups.ENDS))]
    key = key_of(asking.seed, "superlative")
    for columns in groups.in_chunks(asking.chunk, key, *map(np.concatenate, zip(*rows, strict=True))) if rows else ():
        made = []
        for end in range(len(groups.ENDS)):
            own = columns[3] == end
            made.append(_of(asking, columns[0][own], columns[1][own], columns[2][own], end))
        yield groups.in_any_order(key, made)


def _of(asking: Asking, shared: Ints, codes: Ints, scales: Ints, end: int) -> pa.Table:
    world = asking.world
    moves = (Move("follow", (0,), codes + world.schema.back), Move(groups.ENDS[end], (1,), scales))
    programs = Programs((shared,), moves)
    trace = solve(world, programs)
    fair = np.flatnonzero(trace.answers.only() >= 0)
    shared, codes, scales, n = shared[fair], codes[fair], scales[fair], len(fair)
    programs = programs.take(fair)
    trace = solve(world, programs)
    members, winners = trace.registers[1], trace.answers.only()
    draws = mixed(
        key_of(asking.seed, "question"),
        world.entities.hashes[shared],
        world.schema.hop_hashes[codes],
        world.schema.hop_hashes[scales],
        end,
    )
    support = Sets(n, *trace.support)
    facts = groups.padded(support, 2 * groups.LARGEST)
    _, known, years = world.hop(scales[members.rows], members.values)
    each = sub_questions(world, scales[members.rows], members.values, years, known)
    counts, parts = interleaved([np.ones(n, int), members.counts], [groups.members_asked(world, shared, codes, members), each])
    losing = members.values != winners[members.rows]
    group = groups.padded(members, groups.LARGEST)
    popular = np.take_along_axis(group, np.where(group >= 0, world.degrees[group], -1).argmax(1)[:, None], axis=1)[:, 0]
    said = chosen([r.compared[2 + end] if r.compared else "" for r in world.schema.relations], scales)
    texts = groups.worded(_OPENERS, mixed(draws, 1), np=groups.described(world, shared, codes), sup=said)
    # Members of other groups, and what each of those is compared by.
    others = groups.beside(world, codes, groups.padded(trace.facts[0], groups.LARGEST), draws, groups.SHOWN)
    there = np.where(others >= 0, world.subject[others], -1).astype(np.int64)
    amounts = world.met(np.broadcast_to(scales[:, None], there.shape), there)
    return questions(
        asking, programs, trace, shape="superlative", hops=2, texts=texts, answers=entity_answers(world, winners),
        wrong=lists(np.bincount(members.rows[losing], minlength=n), chosen(world.names, members.values[losing])),
        parts=lists(counts, parts), facts=facts, needed=necessary(world, programs, trace, facts),
        guesses=(1 / members.counts, popular == winners),
        draws=draws, beside=np.column_stack([others, amounts]),
    )  # fmt: skip
