"""What the tasks have in common: no item comes twice, and what an item is decides which split it is in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from random import Random
from typing import TypeVar

from kit.core.errors import KitError
from kit.core.records import TaskSplit
from kit.core.seeds import key_of

T = TypeVar("T")

_TEST_SHARE = 4  # one key in four is a test item's
_PATIENCE = 20_000


def split_of(label: str, key: Iterable[str]) -> TaskSplit:
    """The split of whatever has this key, for every seed."""
    return "test" if key_of(0, label, *key) % _TEST_SHARE == 0 else "train"


def distinct(seed: int, label: str, draw: Callable[[Random, Set[str]], tuple[str, T] | None], what: str) -> Iterator[T]:
    """Items without end, no two of which have the same key. Row i is drawn from the seed, the label and i alone.

    draw: from a row's generator, and the keys that are taken, to a key and its item; None where the row makes none. what: the
    items in words.

    Raises KitError where nothing new is to be found any more.
    """
    taken: set[str] = set()
    row = missed = 0
    while missed < _PATIENCE:
        # Not a numpy stream: a scalar draw from one takes ten times as long.
        drawn = draw(Random(key_of(seed, label, row)), taken)
        row += 1
        missed += 1
        if drawn is not None and drawn[0] not in taken:
            taken.add(drawn[0])
            missed = 0
            yield drawn[1]
    raise KitError(f"there are hardly more than {len(taken)} {what}: ask for fewer")
