"""What else a question's line names: wrong answers to choose from, and sentences beside those it rests on. Both are drawn so
that they tell nothing by themselves: of what is offered each is the answer equally often, whatever its frequency or its place
in the files; and every relation of the question is stated as often about others as about what is asked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.questions.table import Asking
from generators.world.columns import Ints, chosen, lists, mixed, picked
from generators.world.world import World

CANDIDATES = 9
"""Wrong answers a question offers for forced choice, where there are so many."""

ORDERS, FEW = 8, 4_000
"""Orders in which the ends of a hop are gone through, where they are few; of many, one order makes enough choices."""

TRIES = 12
"""Heads tried for each chain that is to stand beside a question."""

ENOUGH = 20
"""Questions whose answers tell how often each is one."""


class Circle(NamedTuple):
    """Ends, as often as they are one, in one or several orders, equal ones together: (orders, size). keys: what they are sorted
    by, order after order. largest: how often the commonest is one."""

    ends: NDArray[np.int32]
    keys: Ints
    largest: int

    @staticmethod
    def of(world: World, ends: Ints) -> Circle:
        """Of ends in any order."""
        if len(ends) > FEW:
            ends = np.sort(ends).astype(np.int32)
            return Circle(ends[None], ends, _longest(ends))
        keys = _keyed(world, np.tile(ends, ORDERS), np.repeat(np.arange(ORDERS), len(ends)), hashed=True)
        order = np.argsort(keys, kind="stable")
        found = ends[order % len(ends)].astype(np.int32)
        return Circle(found.reshape(ORDERS, -1), keys[order], _longest(found))

    def drawn(self, world: World, answers: Ints, draws: NDArray[np.uint64], count: int) -> NDArray[np.int64]:
        """Up to `count` others for each answer: (rows, fewer or as many)."""
        orders, size = self.ends.shape
        steps = min(count + 1, size // self.largest)
        order = picked(mixed(draws, 400), orders)
        wanted = _keyed(world, answers, order, orders > 1)
        first, last = (np.searchsorted(self.keys, wanted, side=side) for side in ("left", "right"))
        inside = picked(mixed(draws, 401), 1 << 20) / (1 << 20) * (last - first)
        place = (first - order * size + inside)[:, None] + np.arange(1, max(1, steps)) * (size / max(1, steps))
        return self.ends[order[:, None], np.floor(place % max(1, size)).astype(np.int64)]


def _longest(ends: Ints) -> int:
    """The length of the longest run of equal ones."""
    edges = np.flatnonzero(np.concatenate([[True], ends[1:] != ends[:-1], [True]]))
    return int(np.diff(edges).max(initial=1))


def _keyed(world: World, entities: Ints, order: Ints, hashed: bool) -> Ints:
    """What entities are sorted by in each order; by their number where there is but one."""
    if not hashed:
        return entities
    salted = mixed(world.entities.hashes[entities], order)
    return (order.astype(np.uint64) << np.uint64(60)) | (salted >> np.uint64(4))


def _of_facts(world: World, hop: int) -> Circle:
    """Where all facts of a hop lead; kept where they are few."""
    if world.counts[hop % world.schema.back] > FEW:
        return Circle.of(world, world.far_ends(hop))
    if ("circle", hop) not in world.kept:
        world.kept["circle", hop] = Circle.of(world, world.far_ends(hop))
    kept: Circle = world.kept["circle", hop]
    return kept


def others(
    world: World, answers: Ints, hops: Ints, draws: NDArray[np.uint64], count: int, pool: tuple[Ints, Ints] | None = None
) -> NDArray[np.int64]:
    """Up to `count` other ends of each answer's last hop, -1 where there are fewer: (rows, count).

    Systematic sampling with unequal probabilities (Madow 1949): all that the hop leads to stands in a circle, what is the same
    side by side; the answer and the others are met in equal steps from a place within the answer's own. So that every set
    comes about from each of its members as often as that one is an answer, and whoever sees the set alone learns nothing.
    What takes up more than a step would be met twice: the steps are as many as leave nothing so long.

    pool: the hops and answers of many questions like these, of which the frequencies are taken, where they are enough to tell
    (fair chains lead to what is in everybody's reach less often than facts do); without it, those of the facts.
    """
    found = np.full((len(answers), count), -1, np.int64)
    for hop in np.unique(hops).tolist():
        own = np.flatnonzero(hops == hop)
        alike = np.zeros(0, np.int64) if pool is None else pool[1][pool[0] == hop]
        circle = Circle.of(world, alike) if len(alike) >= ENOUGH else _of_facts(world, hop)
        drawn = circle.drawn(world, answers[own], draws[own], count)
        found[own, : drawn.shape[1]] = drawn
    found[found == answers[:, None]] = -1
    return found


def numbers(weights: NDArray[np.float64], answers: Ints, draws: NDArray[np.uint64], count: int) -> NDArray[np.int64]:
    """The same for numbers, each of which is the answer as often as its row of `weights` has it at that place."""
    found = np.full((len(answers), count), -1, np.int64)
    steps = np.minimum(count + 1, weights.sum(1) // weights.max(1)).astype(np.int64)
    ends = np.cumsum(weights, axis=1)
    own = np.take_along_axis(weights, answers[:, None], axis=1)[:, 0]
    first = np.take_along_axis(ends, answers[:, None], axis=1)[:, 0] - own
    inside = first + picked(mixed(draws, 401), 1 << 20) / (1 << 20) * own
    for turn in range(1, count + 1):
        rows = np.flatnonzero(turn < steps)
        place = (inside[rows] + turn * ends[rows, -1] / steps[rows]) % ends[rows, -1]
        found[rows, turn - 1] = (ends[rows] <= place[:, None]).sum(1)
    found[found == answers[:, None]] = -1
    return np.take_along_axis(found, np.argsort(mixed(draws[:, None], 420, found), axis=1), axis=1)


def candidates(
    world: World, answers: Ints, hops: Ints, stops: NDArray[np.int64], draws: NDArray[np.uint64],
    pool: tuple[Ints, Ints] | None = None,
) -> pa.ListArray:  # fmt: skip
    """The names of other ends of each answer's last hop that are not named on the way to it; in any order, so that the first few
    are as fair as all."""
    found = others(world, answers, hops, draws, CANDIDATES, pool)
    for turn in range(CANDIDATES):
        # Where an answer is so common that nothing balances it, any other is better than none.
        lone = np.flatnonzero(((found < 0) | (found[:, :, None] == stops[:, None, :]).any(2)).all(1))
        if not len(lone):
            break
        far = world.near_end(world.schema.turned(hops[lone]), mixed(draws[lone], 410 + turn))
        found[lone, 0] = np.where(far == answers[lone], -1, far)
    order = np.argsort(mixed(draws[:, None], 420, world.entities.hashes[found]), axis=1)
    found = np.take_along_axis(found, order, axis=1)
    free = (found >= 0) & ~(found[:, :, None] == stops[:, None, :]).any(2)
    return lists(free.sum(1), chosen(world.names, found[free]))


def fact_beside(world: World, codes: Ints, shown: NDArray[np.int64], draws: NDArray[np.uint64]) -> NDArray[np.int64]:
    """For each row another fact of a relation than the row's (-1 where there is none)."""
    low, count = world.bounds[codes], world.counts[codes]
    found, taken = low + picked(draws, np.maximum(count, 1)), np.flatnonzero(count)
    for _ in range(shown.shape[1]):
        taken = taken[(shown[taken] == found[taken, None]).any(1)]
        if not len(taken):
            break
        found[taken] = low[taken] + (found[taken] - low[taken] + 1) % count[taken]
    found[taken[(shown[taken] == found[taken, None]).any(1)]] = -1
    found[count == 0] = -1
    return found


def walked(world: World, heads: Ints, hops: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The entities (rows, k + 1) and facts (rows, k) that hops of one end lead through, -1 from where they lead nowhere."""
    stops, facts = [heads], []
    for hop in hops.T:
        met = world.met(hop, stops[-1])
        facts.append(met)
        stops.append(world.led_to(hop, met))
    return np.stack(stops, axis=1).astype(np.int64), np.stack(facts, axis=1)


def elsewhere(
    world: World, hops: NDArray[np.int64], draws: NDArray[np.uint64], backwards: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same hops from another head: one that has the first of them or, backwards, one from which the last fact of some is
    come to. Entities and facts as `walked` gives them."""
    hop = hops[:, -1 if backwards else 0]
    near = world.near_end(hop, draws)
    for place in range(hops.shape[1] - 2, -1, -1) if backwards else ():
        count = np.where(near >= 0, world.ends_of(hops[:, place], np.maximum(near, 0)), 0)
        near = world.end(world.schema.turned(hops[:, place]), near, picked(mixed(draws, place), np.maximum(count, 1)))
    return walked(world, near, hops)


def chains_beside(
    asking: Asking,
    hops: NDArray[np.int64],
    stops: NDArray[np.int64],
    facts: NDArray[np.int64],
    draws: NDArray[np.uint64],
    count: int | None = None,
    *,
    other: Ints | None = None,
) -> NDArray[np.int64]:
    """The facts of as many chains of the same hops from other heads as are to stand beside a question, or of `count`, which share
    no fact with the row's own and lead elsewhere, each to another end; where such are not found, a fact of each of the
    relations. other: an end that none of them leads to either. (rows, count * k), -1 where there is none."""
    (n, k), world, count = hops.shape, asking.world, asking.distractors if count is None else count
    room = np.zeros(n, np.int64)
    ends = np.full((n, count + 2), -1, np.int64)
    ends[:, 0] = stops[:, -1]
    ends[:, 1] = -1 if other is None else other
    shown = np.column_stack([facts, np.full((n, count * k), -1, np.int64)])
    for turn in range(TRIES * count):
        rows = np.flatnonzero(room < count)
        if not len(rows):
            break
        there, met = elsewhere(world, hops[rows], mixed(draws[rows], 500 + turn), backwards=turn % 2 == 1)
        ordered = np.sort(there, axis=1)
        fits = (ordered[:, 0] >= 0) & (ordered[:, 1:] != ordered[:, :-1]).all(1)
        fits &= ~(ends[rows] == there[:, -1:]).any(1)
        # The answer is stated once.
        fits &= ~((hops[rows] == hops[rows, -1:]) & (there[:, 1:] == stops[rows, -1:])).any(1)
        fits &= ~(shown[rows][:, :, None] == met[:, None, :]).any((1, 2))
        if asking.apart:
            fits &= ~asking.apart.told(world, met)
        rows, there, met = rows[fits], there[fits], met[fits]
        places = facts.shape[1] + room[rows, None] * k + np.arange(k)
        shown[rows[:, None], places] = met
        room[rows] += 1
        ends[rows, 1 + room[rows]] = there[:, -1]
    for place in range(count * k):
        column = facts.shape[1] + place
        rows, hop = np.flatnonzero(shown[:, column] < 0), hops[:, place % k]
        if not len(rows):
            continue
        one = fact_beside(world, hop[rows] % world.schema.back, shown[rows], mixed(draws[rows], 600 + place))
        last, end = hop[rows] == hops[rows, -1], world.led_to(hop[rows], one)
        shown[rows, column] = np.where(last & (ends[rows] == end[:, None]).any(1), -1, one)
        ends[rows, 1 + place // k] = np.where(last, end, ends[rows, 1 + place // k])
    return shown[:, facts.shape[1] :]


def told_once(world: World, hops: Ints, facts: NDArray[np.int64], beside: NDArray[np.int64]) -> NDArray[np.int64]:
    """What stands beside some facts, without those that lead by a hop where a fact before them does already: or else what is told
    twice would be known not to be the answer."""
    shown = np.column_stack([facts, beside])
    along = (shown >= 0) & (world.relation[shown] == (hops % world.schema.back)[:, None])
    ends = np.where(along, np.where((hops < world.schema.back)[:, None], world.object[shown], world.subject[shown]), -1)
    for place in range(facts.shape[1], shown.shape[1]):
        again = (ends[:, place] >= 0) & (ends[:, :place] == ends[:, place : place + 1]).any(1)
        again &= ~(shown[:, :place] == shown[:, place : place + 1]).any(1)
        ends[again, place] = shown[again, place] = -1
    return shown[:, facts.shape[1] :]
