"""Question shapes. Chains come by their number of hops (`chain`); every other shape is a file and a line of `SHAPES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from generators.questions import comparison, counting, either, intersection, sets, superlative, temporal, unanswerable, verify
from generators.world.world import World
from kit.core.records import Split

SHAPES: dict[str, Callable[[World, Split, int, int], Iterator[pa.Table]]] = {
    "comparison": comparison.ask_which,
    "same": comparison.ask_same,
    "intersection": intersection.ask,
    "tree": intersection.ask_tree,
    "counting": counting.ask,
    "either": either.ask,
    "superlative": superlative.ask,
    "set": sets.ask,
    "verify": verify.ask,
    "temporal": temporal.ask,
    "unanswerable": unanswerable.ask,
}
"""From a world, the split, the seed and the number of distractors to tables of questions, in a seeded order."""
