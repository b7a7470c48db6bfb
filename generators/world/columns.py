"""Whole columns at a time: hashes that stand in for random draws, keyed permutations, ragged rows, and strings joined by Arrow.

A draw is a hash of a key and of what it is drawn for. So it does not depend on the order of the rows, on how many are
made at once, or on who makes them; and a million draws cost a few milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[Any]
_GOLDEN, _FIRST, _SECOND, _WORD = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 2**64 - 1


def mixed(*columns: Ints | int) -> NDArray[np.uint64]:
    """A 64-bit hash of each row: splitmix64's finaliser (Steele, Lea and Flood 2014), over the columns in turn."""
    number, state = 0, None
    for column in columns:
        if not isinstance(column, int):
            value = np.atleast_1d(column)
            value = value if value.dtype == np.uint64 else value.astype(np.int64).view(np.uint64)
            state = value + np.uint64(number + _GOLDEN & _WORD) if state is None else state + value + np.uint64(_GOLDEN)
        elif state is not None:
            state = state + np.uint64(column + _GOLDEN & _WORD)
        else:
            # Of numbers alone: Python's own are quicker than arrays of one.
            number = (number + column + _GOLDEN) * _FIRST & _WORD
            number = (number ^ number >> 30) * _FIRST & _WORD
            number = (number ^ number >> 27) * _SECOND & _WORD
            number ^= number >> 31
            continue
        state *= np.uint64(_FIRST)
        state ^= state >> np.uint64(30)
        state *= np.uint64(_FIRST)
        state ^= state >> np.uint64(27)
        state *= np.uint64(_SECOND)
        state ^= state >> np.uint64(31)
    return np.full(1, number, np.uint64) if state is None else state


def picked(hashes: NDArray[np.uint64], sizes: Ints | int) -> NDArray[np.int64]:
    """For each hash a number from 0 to its size less one, evenly; sizes stay below 2**32."""
    return ((hashes >> np.uint64(32)) * np.asarray(sizes).astype(np.uint64) >> np.uint64(32)).astype(np.int64)


def worth(text: str) -> int | None:
    """ "1,200" → 1200, "12 degrees south" → -12; None for what is no number."""
    number, _, unit = text.partition(" ")
    number = number.replace(",", "")
    if not (number.isascii() and number.isdigit()) or not re.fullmatch("(degrees? (north|south))?", unit):
        return None
    return -int(number) if unit.endswith("south") else int(number)


def text_hashes(texts: Sequence[str]) -> NDArray[np.uint64]:
    """The first eight bytes of each text's BLAKE2b."""
    return np.frombuffer(b"".join(blake2b(t.encode(), digest_size=8).digest() for t in texts), dtype=">u8").astype(np.uint64)


def hex_ids(hashes: NDArray[np.uint64]) -> pa.StringArray:
    """Sixteen hexadecimal digits a row."""
    data = hashes.astype(">u8").tobytes().hex().encode()
    offsets = np.arange(0, len(data) + 1, 16, dtype=np.int32)
    return pa.StringArray.from_buffers(len(hashes), pa.py_buffer(offsets), pa.py_buffer(data))


def hashes_of(ids: pa.Array) -> NDArray[np.uint64]:
    """What `hex_ids` made ids of."""
    data = b"".join(id_.encode() for id_ in ids.to_pylist()) if ids.offset or ids.null_count else _bytes(ids)
    return np.frombuffer(bytes.fromhex(data.decode()), dtype=">u8").astype(np.uint64)


def _bytes(texts: pa.Array) -> bytes:
    """All texts end to end."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)
    return memoryview(texts.buffers()[2])[offsets[0] : offsets[len(texts)]].tobytes() if len(texts) else b""


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """Sorted, each once. (`np.unique` hashes, which took three times as long on what is nearly sorted.)"""
    ordered = np.sort(values)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered


def place_in(ordered: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.int64]:
    """Where each of the wanted stands among what is ordered, -1 where it does not."""
    if not len(ordered):
        return np.full(wanted.shape, -1)
    places = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return np.where(ordered[places] == wanted, places, -1)


class KeySet:
    """A set of 64-bit numbers, asked for many at a time. A table of bits tells most of those that are not in it at once; the
    rest are looked up in order."""

    def __init__(self, keys: Ints) -> None:
        self.sorted = keys if (keys[1:] >= keys[:-1]).all() else np.sort(keys)
        size = max(10, min(26, (4 * len(keys)).bit_length()))
        self._shift = np.uint64(64 - size)
        bits = np.zeros(1 << size, bool)
        bits[self._place(self.sorted)] = True
        self._bits = np.packbits(bits, bitorder="little")

    def _place(self, keys: Ints) -> NDArray[np.uint64]:
        place: NDArray[np.uint64] = (keys.view(np.uint64) * np.uint64(_GOLDEN)) >> self._shift
        return place

    def has(self, keys: Ints) -> NDArray[np.bool_]:
        """Whether each is in the set; of the type that it was made of."""
        place = self._place(keys)
        found = (self._bits[place >> np.uint64(3)] >> (place & np.uint64(7)).astype(np.uint8) & 1).astype(bool)
        maybe = np.flatnonzero(found)
        if len(maybe):
            found[maybe] = place_in(self.sorted, keys[maybe]) >= 0
        return found


def permuted(size: int, key: int, start: int, stop: int) -> NDArray[np.int64]:
    """Rows `start` to `stop` of a keyed permutation of `range(size)`, without the rest: a four-round Feistel network whose
    domain is the next power of four, walked until it falls below `size`."""
    half = max(1, ((max(size, 2) - 1).bit_length() + 1) // 2)
    low = np.uint64((1 << half) - 1)
    shift = np.uint64(half)

    def once(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
        left, right = values >> shift, values & low
        for turn in range(4):
            left, right = right, left ^ (mixed(key, turn, right) & low)
        return (left << shift) | right

    found = once(np.arange(start, min(stop, size), dtype=np.uint64))
    while (outside := found >= size).any():
        found[outside] = once(found[outside])
    return found.astype(np.int64)


def dealt(widths: Ints, key: int, chunk: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Every pair of a row and a place below its width, in a keyed order, `chunk` at a time: the rows and the places."""
    ends = np.cumsum(widths)
    size = int(ends[-1]) if len(ends) else 0
    for start in range(0, size, chunk):
        drawn = permuted(size, key, start, start + chunk)
        rows = np.searchsorted(ends, drawn, side="right")
        yield rows, drawn - (ends[rows] - widths[rows])


def expand(starts: Ints, counts: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ragged ranges laid end to end: for each element its row, and its position `starts[row] + 0, 1, …`."""
    rows = np.repeat(np.arange(len(counts)), counts)
    before = np.cumsum(counts) - counts
    return rows, np.arange(len(rows)) + np.repeat(starts - before, counts)


def lists(counts: Ints, values: pa.Array) -> pa.ListArray:
    """A list column: `counts[row]` of the values for each row, in order."""
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def chosen(words: Sequence[str] | pa.Array, indices: Ints) -> pa.Array:
    """`words[i]` for each index."""
    array = words if isinstance(words, pa.Array) else pa.array(words, pa.string())
    return array.take(pa.array(indices))


def concatenated(columns: Sequence[Any]) -> Any:
    """Columns end to end: Arrow's or numpy's."""
    return pa.concat_arrays(list(columns)) if isinstance(columns[0], pa.Array) else np.concatenate(columns)


def joined(*columns: pa.Array | str) -> pa.StringArray:
    """Columns glued together row by row."""
    return pc.binary_join_element_wise(*columns, "")


def years_told(years: Ints) -> pa.StringArray:
    """Years as they are said: "1987", "27 BC"."""
    told = pa.array(np.abs(years.astype(np.int64))).cast(pa.string())
    return pc.if_else(pa.array(years < 0), joined(told, " BC"), told)


class Templates(NamedTuple):
    """Sentences with slots, such as "{s} was born in {o}.", filled a column at a time.

    `literals[k]` is what stands before the k-th slot of each template (the last: what follows), `slots[k]` which slot it
    is (-1: none).
    """

    literals: tuple[pa.StringArray, ...]
    slots: NDArray[np.int8]

    @staticmethod
    def of(texts: Sequence[str], slots: Sequence[str]) -> Templates:
        """Read the texts. Raises KeyError for a slot that is not among `slots`."""
        parts = [re.split(r"\{(\w+)\}", text) for text in texts]
        most = max(len(p) // 2 for p in parts)
        literals = [pa.array([p[2 * k] if 2 * k < len(p) else "" for p in parts], pa.string()) for k in range(most + 1)]
        numbers = {name: i for i, name in enumerate(slots)}
        order = [[numbers[p[2 * k + 1]] if 2 * k + 1 < len(p) else -1 for p in parts] for k in range(most)]
        return Templates(tuple(literals), np.array(order, np.int8).reshape(most, len(texts)))

    def fill(self, which: Ints, names: pa.StringArray, *entities: Ints) -> pa.StringArray:
        """Template `which[row]` with the names of the entities in its slots. The last of `names` is empty."""
        nothing = np.full(len(which), len(names) - 1)
        columns: list[pa.Array] = []
        for k, slots in enumerate(self.slots):
            slot = slots[which]
            filled = np.select([slot == i for i in range(len(entities))], entities, nothing)
            columns += [chosen(self.literals[k], which), chosen(names, filled)]
        return joined(*columns, chosen(self.literals[-1], which))


class Sets(NamedTuple):
    """A set of numbers for each of `size` rows: pairs sorted by row and value, each once."""

    size: int
    rows: NDArray[np.int64]
    values: NDArray[np.int64]

    @staticmethod
    def of(size: int, rows: Ints, values: Ints, bound: int) -> Sets:
        """Sorted and without repetition; values lie below `bound`."""
        keys = rows * np.int64(bound) + values
        if len(keys) > 1 and not (keys[1:] > keys[:-1]).all():
            keys = distinct(keys)
            rows, values = keys // bound, keys % bound
        return Sets(size, rows, values)

    @staticmethod
    def single(values: Ints) -> Sets:
        return Sets(len(values), np.arange(len(values)), values.astype(np.int64))

    @property
    def counts(self) -> NDArray[np.int64]:
        return np.bincount(self.rows, minlength=self.size)

    @property
    def signatures(self) -> NDArray[np.uint64]:
        """Equal for equal sets (a sum of 64-bit hashes)."""
        sums = np.zeros(self.size, np.uint64)
        np.add.at(sums, self.rows, mixed(self.values))
        return sums

    def only(self) -> NDArray[np.int64]:
        """The one value of each row; -1 where there is none or more than one."""
        found = np.full(self.size, -1, np.int64)
        found[self.rows] = self.values
        found[self.counts != 1] = -1
        return found
