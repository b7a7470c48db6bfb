"""Superlatives: the first, last, largest or smallest of a group ("Of the people whose employer is X, who was born first?")."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from generators.questions import groups
from generators.questions.reasoning import Move, Programs, necessary, solve
from generators.questions.table import entity_answers, interleaved, questions, sub_questions
from generators.world.columns import Sets, chosen, lists, mixed
from generators.world.world import World
from kit.core.records import Operation, Split
from kit.core.seeds import key_of

_OPENERS = (
    "Of the {np}, which one {sup}?",
    "Which of the {np} {sup}?",
    "Among the {np}, which one {sup}?",
    "Tell me which of the {np} {sup}.",
    "Can you tell me which of the {np} {sup}?",
    "I would like to know which of the {np} {sup}.",
)


def ask(world: World, split: Split, seed: int, distractors: int) -> Iterator[pa.Table]:
    """Every question of this shape about `world`, in a seeded order."""
    shared, codes = groups.found(world)
    rows: list[tuple[groups.Ints, ...]] = []
    for scale in groups.scales(world.schema):
        own = np.flatnonzero(world.schema.subjects[codes] == world.schema.subjects[scale])
        rows += [(shared[own], codes[own], np.full(len(own), scale), np.full(len(own), end)) for end in range(len(groups.ENDS))]
    for columns in groups.in_chunks(key_of(seed, "superlative"), *map(np.concatenate, zip(*rows, strict=True))) if rows else ():
        made = []
        for scale, end in sorted(set(zip(columns[2].tolist(), columns[3].tolist(), strict=True))):
            own = np.flatnonzero((columns[2] == scale) & (columns[3] == end))
            made.append(_of(world, columns[0][own], columns[1][own], scale, end, groups.ENDS[end], split, seed, distractors))
        yield pa.concat_tables(made)


def _of(
    world: World,
    shared: groups.Ints,
    codes: groups.Ints,
    scale: int,
    end: int,
    op: Operation,
    split: Split,
    seed: int,
    distractors: int,
) -> pa.Table:
    def batch(shared: groups.Ints, codes: groups.Ints) -> Programs:
        hops = np.full(len(shared), scale)
        moves = (Move("follow", (0,), codes + world.schema.back), Move(op, (1,), hops))
        return Programs((shared,), moves)

    fair = np.flatnonzero(solve(world, batch(shared, codes)).answers.only() >= 0)
    shared, codes = shared[fair], codes[fair]
    programs = batch(shared, codes)
    trace = solve(world, programs)
    members, winners = trace.registers[1], trace.answers.only()
    n = len(shared)
    draws = mixed(
        key_of(seed, "question"),
        world.entities.hashes[shared],
        world.schema.hop_hashes[codes],
        world.schema.hop_hashes[np.full(n, scale)],
        end,
    )
    support = Sets(n, *trace.support)
    facts = groups.padded(support, 2 * groups.LARGEST)
    _, known, years = world.hop(np.full(len(members.values), scale), members.values)
    each = sub_questions(world, np.full(len(members.values), scale), members.values, years, known)
    counts, parts = interleaved([np.ones(n, int), members.counts], [groups.members_asked(world, shared, codes, members), each])
    others = members.values != winners[members.rows]
    group = groups.padded(members, groups.LARGEST)
    popular = np.take_along_axis(group, np.where(group >= 0, world.degrees[group], -1).argmax(1)[:, None], axis=1)[:, 0]
    said = chosen([world.schema.relations[scale].compared[2 + end]], np.zeros(n, int))
    texts = groups.worded(_OPENERS, mixed(draws, 1), np=groups.described(world, shared, codes), sup=said)
    return questions(
        world, programs, shape="superlative", split=split, hops=2, texts=texts, answers=entity_answers(world, winners),
        wrong=lists(np.bincount(members.rows[others], minlength=n), chosen(world.names, members.values[others])),
        parts=lists(counts, parts), facts=facts, needed=necessary(world, programs, trace, facts),
        guesses=(1 / members.counts, popular == winners),
        draws=draws, distractors=distractors,
    )  # fmt: skip
