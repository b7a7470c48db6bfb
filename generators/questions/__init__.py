"""Question shapes. Chains come by their number of hops (`chain`); every other shape is a file and a line of `SHAPES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from generators.questions import comparison, counting, intersection, superlative
from generators.world import World
from kit.core.records import Split

SHAPES: dict[str, Callable[[World, Sequence[str], Split, int, int], Iterator[pa.Table]]] = {
    "comparison": comparison.ask_which,
    "same": comparison.ask_same,
    "intersection": intersection.ask,
    "tree": intersection.ask_tree,
    "counting": counting.ask,
    "superlative": superlative.ask,
}
"""From a world, its relations, the split, the seed and the number of distractors to tables of questions, in a seeded order."""
