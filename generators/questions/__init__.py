"""Question shapes. Chains come by their number of hops (`chain`); every other shape is a file and a line of `SHAPES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from generators.questions import comparison, counting, either, intersection, sets, superlative, temporal, unanswerable, verify
from generators.questions.table import Asking

SHAPES: dict[str, Callable[[Asking], Iterator[pa.Table]]] = {
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
"""From what they are asked of to tables of questions, in a seeded order."""

PAIRED = ("unanswerable",)
"""Shapes whose rows come two by two, and are kept or left out together."""
