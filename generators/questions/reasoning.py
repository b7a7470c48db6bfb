"""Step programs, the solver that runs them, and what can be proved of a question. An engine answers; templates never do.

A program has one register a head and one a step; a step reads registers and fills its own with a set. Programs of one
form are run together, a batch at a time: the heads and the hops are columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.world.columns import Ints, Sets
from generators.world.world import World
from kit.core.records import Operation


class Move(NamedTuple):
    """One step of a batch: the operation, the registers it reads, and for each row the hop it takes (if it takes one)."""

    op: Operation
    inputs: tuple[int, ...]
    hops: Ints | None = None


class Programs(NamedTuple):
    """A batch of reasoning graphs of one form."""

    heads: tuple[Ints, ...]
    moves: tuple[Move, ...]

    @property
    def size(self) -> int:
        return len(self.heads[0])

    def take(self, rows: Ints) -> Programs:
        """Some of the rows, in any order, as often as wanted."""
        moves = (m._replace(hops=None if m.hops is None else m.hops[rows]) for m in self.moves)
        return Programs(tuple(h[rows] for h in self.heads), tuple(moves))


class Trace(NamedTuple):
    """What running a batch found: every register, and the facts that each step used."""

    registers: tuple[Sets, ...]
    facts: tuple[Sets, ...]

    @property
    def answers(self) -> Sets:
        return self.registers[-1]

    @property
    def support(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The facts of every row, in the order of the steps: rows and facts."""
        rows, facts = (np.concatenate([s[k] for s in self.facts]) for k in (1, 2))
        order = np.argsort(rows, kind="stable")
        return rows[order], facts[order]


def _follow(world: World, move: Move, inputs: list[Sets], without: Ints | None) -> tuple[Sets, Sets]:
    here, size = inputs[0], inputs[0].size
    assert move.hops is not None
    met, facts, ends = world.hop(move.hops[here.rows], here.values)
    rows = here.rows[met]
    if without is not None:
        kept = facts != without[rows]
        rows, facts, ends = rows[kept], facts[kept], ends[kept]
    return Sets.of(size, rows, ends, world.size), Sets.of(size, rows, facts, max(1, len(world.subject)))


def _having(world: World, move: Move, inputs: list[Sets], without: Ints | None) -> tuple[Sets, Sets]:
    here, wanted = inputs[0], inputs[1].only()
    assert move.hops is not None
    met, facts, ends = world.hop(move.hops[here.rows], here.values)
    kept = ends == wanted[here.rows[met]]
    if without is not None:
        kept &= facts != without[here.rows[met]]
    rows, values, facts = here.rows[met[kept]], here.values[met[kept]], facts[kept]
    return Sets.of(here.size, rows, values, world.size), Sets.of(here.size, rows, facts, max(1, len(world.subject)))


def _union(world: World, move: Move, inputs: list[Sets], without: Ints | None) -> tuple[Sets, Sets]:
    rows, values = (np.concatenate([s[k] for s in inputs]) for k in (1, 2))
    return Sets.of(inputs[0].size, rows, values, world.size), nothing(inputs[0].size)


def _extreme(world: World, move: Move, inputs: list[Sets], without: Ints | None) -> tuple[Sets, Sets]:
    """Empty where one of the set has no known object: then the world does not say."""
    here = inputs[0]
    assert move.hops is not None
    met, facts, ends = world.hop(move.hops[here.rows], here.values)
    if without is not None:
        kept = facts != without[here.rows[met]]
        met, facts, ends = met[kept], facts[kept], ends[kept]
    rows, amounts = here.rows[met], world.entities.amounts[ends] * (1 if move.op == "least" else -1)
    best = np.full(here.size, np.iinfo(np.int64).max)
    np.minimum.at(best, rows, amounts)
    known = np.bincount(rows, minlength=here.size) == here.counts
    winner = (amounts == best[rows]) & known[rows]
    return (
        Sets.of(here.size, rows[winner], here.values[met[winner]], world.size),
        Sets.of(here.size, rows, facts, max(1, len(world.subject))),
    )


def _count(world: World, move: Move, inputs: list[Sets], without: Ints | None) -> tuple[Sets, Sets]:
    return Sets.single(inputs[0].counts), nothing(inputs[0].size)


def _same(world: World, move: Move, inputs: list[Sets], without: Ints | None) -> tuple[Sets, Sets]:
    """Empty where the world does not say of one."""
    a, b = inputs
    rows = np.flatnonzero((a.counts > 0) & (b.counts > 0))
    return Sets(a.size, rows, (a.signatures == b.signatures)[rows].astype(np.int64)), nothing(a.size)


def _during(world: World, move: Move, inputs: list[Sets], without: Ints | None) -> tuple[Sets, Sets]:
    """inputs: a subject and a year. The object that a fact of the world had in it."""
    year = world.entities.amounts[np.maximum(inputs[1].only(), 0)]
    return _facts_where(
        world, move, inputs, without, lambda rows, f: (world.since[f] <= year[rows]) & (year[rows] < world.until[f])
    )


def _beside(world: World, move: Move, inputs: list[Sets], without: Ints | None) -> tuple[Sets, Sets]:
    """inputs: a subject and an object. The object of the fact that ended when theirs began, or began when theirs ended."""
    given = inputs[1].only()
    one, met = _facts_where(world, move, inputs, without, lambda rows, f: world.object[f] == given[rows])
    fact = np.where(one.only() >= 0, met.only(), 0)
    edge = (world.since if move.op == "before" else world.until)[fact]
    other = world.until if move.op == "before" else world.since
    there = (one.only() >= 0) & (met.only() >= 0)
    found, beside = _facts_where(world, move, inputs, without, lambda rows, f: there[rows] & (other[f] == edge[rows]))
    return found, Sets.of(found.size, *_both(met, beside), max(1, len(world.subject)))


def _both(a: Sets, b: Sets) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The facts of two steps, for rows whose second found any."""
    kept = np.isin(a.rows, b.rows)
    return np.concatenate([a.rows[kept], b.rows]), np.concatenate([a.values[kept], b.values])


def _facts_where(
    world: World, move: Move, inputs: list[Sets], without: Ints | None, told: Callable[[Ints, Ints], NDArray[np.bool_]]
) -> tuple[Sets, Sets]:
    """A hop over those facts only that `told` is true of, by row and fact."""
    here, size = inputs[0], inputs[0].size
    assert move.hops is not None
    met, facts, ends = world.hop(move.hops[here.rows], here.values)
    rows = here.rows[met]
    kept = told(rows, facts)
    if without is not None:
        kept = kept & (facts != without[rows])
    return Sets.of(size, rows[kept], ends[kept], world.size), Sets.of(size, rows[kept], facts[kept], max(1, len(world.subject)))


def nothing(size: int) -> Sets:
    """An empty set for each row."""
    return Sets(size, np.zeros(0, np.int64), np.zeros(0, np.int64))


OPERATIONS: dict[Operation, Callable[[World, Move, list[Sets], Ints | None], tuple[Sets, Sets]]] = {
    "follow": _follow,
    "having": _having,
    "union": _union,
    "least": _extreme,
    "most": _extreme,
    "count": _count,
    "same": _same,
    "during": _during,
    "before": _beside,
    "after": _beside,
}
"""Every operation: from a step and its input sets to its result and the facts it used (`inverse` is `follow` of a hop back)."""


def solve(world: World, programs: Programs, without: Ints | None = None) -> Trace:
    """Run a batch, in the world less one fact a row where `without` is given. An empty set means the world does not say."""
    registers = [Sets.single(h) for h in programs.heads]
    used: list[Sets] = []
    for move in programs.moves:
        found, facts = OPERATIONS[move.op](world, move, [registers[i] for i in move.inputs], without)
        registers.append(found)
        used.append(facts)
    return Trace(tuple(registers), tuple(used))


def necessary(world: World, programs: Programs, trace: Trace, facts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """For each fact of a matrix (a row a question, -1 where it has fewer) whether the answers change without it."""
    rows, places = np.nonzero(facts >= 0)
    again = solve(world, programs.take(rows), without=facts[rows, places])
    needed = np.zeros(facts.shape, bool)
    needed[rows, places] = again.answers.signatures != trace.answers.signatures[rows]
    return needed


def prior(world: World, answers: Ints, hops: Ints) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What guesses from the last hop alone would score: the share of the hop's facts that end in the answer, and whether
    the answer is the commonest end (of equals the first)."""
    facts = world.counts[hops % world.schema.back]
    return world.ends_of(hops, answers) / np.maximum(facts, 1), answers == world.commonest[hops]
