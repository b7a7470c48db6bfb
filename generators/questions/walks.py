"""All ways to follow so many single-valued hops through a world, numbered: any of them is found by its number, and none has to be
gone through for that. So what is drawn is drawn from all, however many relations there are and however long the chains."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.world.columns import Ints
from generators.world.schema import Schema
from generators.world.world import World


class Steps(NamedTuple):
    """Every single-valued hop from every entity, by the entity it leaves from: those of entity e from `bounds[e]` to
    `bounds[e + 1]`; which hop, and where it leads."""

    bounds: NDArray[np.int32]
    hops: NDArray[np.int16]
    ends: NDArray[np.int32]

    @staticmethod
    def of(world: World, inverse: bool) -> Steps:
        """Of a world; kept with it. inverse: hops back too, of one-to-one relations."""
        if ("steps", inverse) not in world.kept:
            schema = world.schema
            onward = np.flatnonzero(schema.functional[world.relation] & world.single)
            back = np.flatnonzero(returning(schema)[world.relation]) if inverse else np.zeros(0, np.int64)
            starts = np.concatenate([world.subject[onward], world.object[back]])
            order = np.argsort(starts, kind="stable")
            hops = np.concatenate([world.relation[onward].astype(np.int16), world.relation[back].astype(np.int16) + schema.back])
            ends = np.concatenate([world.object[onward], world.subject[back]])
            bounds = np.searchsorted(starts[order], np.arange(world.size + 1)).astype(np.int32)
            world.kept["steps", inverse] = Steps(bounds, hops[order].astype(np.int16), ends[order])
        found: Steps = world.kept["steps", inverse]
        return found


class Walks(NamedTuple):
    """Ways of several hops. sums: for each hop, the first first, how many ways the steps before each one begin; onward: how many
    begin where they end."""

    steps: Steps
    sums: tuple[Ints, ...]
    onward: NDArray[np.int64]

    @staticmethod
    def of(world: World, hops: int, inverse: bool, onward: NDArray[np.int64] | None = None) -> Walks:
        """Of `hops` hops. onward: in how many ways each entity may be gone on from (without it: in one)."""
        steps = Steps.of(world, inverse)
        ways = onward = np.ones(world.size, np.int64) if onward is None else onward
        sums: list[Ints] = []
        for _ in range(hops):
            running = np.concatenate([[0], np.cumsum(ways[steps.ends])])
            ways = running[steps.bounds[1:]] - running[steps.bounds[:-1]]
            sums.append(running.astype(np.min_scalar_type(int(running[-1]))))
        return Walks(steps, tuple(reversed(sums)), onward)

    def counts(self, heads: Ints) -> NDArray[np.int64]:
        """How many begin at each head."""
        if not self.sums:
            return self.onward[heads]
        first, last = (self.sums[0][self.steps.bounds[heads + k]].astype(np.int64) for k in (0, 1))
        return last - first

    def taken(self, heads: Ints, numbers: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Of the ways from each head that of a number below their count: its hops (rows, k), where they end, and the number of
        the way onward."""
        here, left, hops = heads, numbers.astype(np.int64), np.zeros((len(heads), len(self.sums)), np.int64)
        for k, sums in enumerate(self.sums):
            place = sums[self.steps.bounds[here]].astype(np.int64) + left
            step = np.searchsorted(sums, place.astype(sums.dtype), side="right") - 1
            left = place - sums[step].astype(np.int64)
            hops[:, k], here = self.steps.hops[step], self.steps.ends[step]
        return hops, here.astype(np.int64), left


def returning(schema: Schema) -> NDArray[np.bool_]:
    """The relations that can be followed back to one subject."""
    return np.array([r.one_to_one and not r.symmetric for r in schema.relations], bool)


def straight(schema: Schema, hops: NDArray[np.int64]) -> NDArray[np.bool_]:
    """In which rows of hops (rows, k) none undoes the one before it, nor repeats a symmetric one."""
    symmetric = np.array([r.symmetric for r in schema.relations], bool)
    before, after = hops[:, :-1], hops[:, 1:]
    again = before % schema.back == after % schema.back
    return np.asarray(~(again & ((before != after) | symmetric[after % schema.back])).any(axis=1))
