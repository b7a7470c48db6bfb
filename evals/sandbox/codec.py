"""Plain values as bytes and back: all that ever passes between a solution and its test.

The encoding is JSON of scalars and tagged lists: `[1, (2, None)]` is `["l", 1, ["t", 2, null]]`. Reading it builds nothing
but exact builtins, so neither side can hand the other an object with behaviour. Subclass instances are reduced by the
methods of the builtin itself, whatever they claim to be; what has no plain value arrives as an `Opaque`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Final, NoReturn

DEPTH = 100
"""Containers within containers."""
ITEMS = 2_000_000
"""Items of one value, at all depths together."""
CONTAINERS = 250_000
"""Tagged lists of one value: what bounds the time that scanning takes to about a third of a second."""

_SCALARS: Final = frozenset({type(None), bool, int, float, str})
_DIGITS: Final = 10_000
"""Bits from which an int is written in hexadecimal: Python refuses to read longer decimals, and is slow at them."""


class Opaque:
    """Stands for a value that cannot be passed on: equal to nothing, of no use for anything."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = object.__hash__

    def __bool__(self) -> NoReturn:
        raise TypeError("this value cannot leave the sandbox")

    def __repr__(self) -> str:
        return "<opaque>"


class TooLarge(ValueError):  # noqa: N818  # a statement about the value, not a mishap
    """The value is nested too deeply, or has too many items or bytes, to be passed on."""


def encode(value: object, limit: int) -> bytes:
    """The encoding of `value`, of at most `limit` bytes. Raises TooLarge."""
    try:
        text = _dumps(_Writer(fast=True).tree(value, 0))
        exact = "\\ud" not in text  # an escaped surrogate may stand alone, and JSON would join two that do
    except ValueError as error:
        if isinstance(error, TooLarge):
            raise
        exact = False  # an int of more digits than Python writes
    if not exact:
        text = _dumps(_Writer(fast=False).tree(value, 0))
    if len(text) > limit:
        raise TooLarge(f"the value takes {len(text)} bytes, over the limit of {limit}")
    return text.encode("ascii")


_dumps: Callable[[object], str] = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode


class _Writer:
    """Turns one value into scalars and tagged lists. fast: lists of scalars are taken as they are."""

    def __init__(self, fast: bool) -> None:
        self.fast = fast
        self.items = self.containers = 0

    def tree(self, value: object, depth: int) -> object:
        kind = type(value)
        if kind in _SCALARS and (self.fast or _is_exact(value)):
            return value
        self.containers += 1
        if self.containers > CONTAINERS:
            raise TooLarge(f"the value has more than {CONTAINERS} parts that are no plain scalars")
        if depth > DEPTH:
            raise TooLarge(f"the value is nested deeper than {DEPTH} levels")
        if kind is int:
            return ["i", hex(value)]  # type: ignore[arg-type]
        if kind is str:
            return ["u", str.encode(value, "utf-8", "surrogatepass").hex()]  # type: ignore[arg-type]
        # issubclass asks the builtin, which looks at the true bases: neither `value` nor its metaclass has a say
        if issubclass(kind, int):
            return self.tree(int.__int__(value), depth)  # type: ignore[arg-type]
        if issubclass(kind, float):
            return self.tree(float.__float__(value), depth)  # type: ignore[arg-type]
        if issubclass(kind, str):
            return self.tree(str.__str__(value), depth)
        if issubclass(kind, list):
            return self._items("l", list.__getitem__(value, slice(None)), depth)  # type: ignore[call-overload]
        if issubclass(kind, tuple):
            return self._items("t", tuple.__getitem__(value, slice(None)), depth)  # type: ignore[call-overload]
        if issubclass(kind, dict):
            return self._items("d", list(chain.from_iterable(dict.items(value))), depth)  # type: ignore[arg-type]
        if issubclass(kind, set):
            return self._items("s", list(set.__iter__(value)), depth)  # type: ignore[arg-type]
        if issubclass(kind, frozenset):
            return self._items("f", list(frozenset.__iter__(value)), depth)  # type: ignore[arg-type]
        if issubclass(kind, bytes):
            return ["b", bytes.__getitem__(value, slice(None)).hex()]  # type: ignore[call-overload]
        if issubclass(kind, complex):
            return ["c", *complex.__getnewargs__(value)]  # type: ignore[attr-defined]
        number = _numpy_number(value)
        return ["o"] if number is None else self.tree(number, depth)

    def _items(self, tag: str, items: Iterable[object], depth: int) -> list[object]:
        tree = [tag, *items]
        self.items += len(tree)
        if self.items > ITEMS:
            raise TooLarge(f"the value has more than {ITEMS} items")
        if self.fast and set(map(type, tree)) <= _SCALARS:
            return tree
        return [tag, *(self.tree(item, depth + 1) for item in tree[1:])]


def _is_exact(value: object) -> bool:
    """Whether JSON keeps this scalar exactly."""
    if type(value) is int:
        return value.bit_length() <= _DIGITS
    if type(value) is str and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return True


def _numpy_number(value: object) -> bool | int | float | None:
    """The number a numpy scalar holds: official scorers take it for equal to the plain number."""
    numpy = sys.modules.get("numpy")
    generic = getattr(numpy, "generic", None)
    if generic is None or not issubclass(type(value), generic):
        return None
    number = generic.item(value)
    return number if type(number) in (bool, int, float) else None


def scan(data: bytes) -> None:
    """Check that `data` encodes one value within bounds, without building it. Raises ValueError."""
    _Scanner().scan(_loads(data), 0, False)


def decode(data: bytes) -> object:
    """The value that `data` encodes. Raises ValueError for anything `encode` does not write."""
    tree = _loads(data)
    _Scanner().scan(tree, 0, False)
    return _build(tree)


def _loads(data: bytes) -> object:
    if data.count(b",") + data.count(b"[") > 2 * ITEMS:
        raise ValueError("too many items")
    try:
        return json.loads(data.decode("ascii"))
    except (RecursionError, UnicodeDecodeError) as error:
        raise ValueError("not an encoded value") from error


class _Scanner:
    """Looks through one value's scalars and tagged lists, as JSON gave them."""

    def __init__(self) -> None:
        self.containers = 0

    def scan(self, tree: object, depth: int, as_key: bool) -> None:
        """Raises ValueError. as_key: the value has to be hashable, being a key or a member of a set."""
        if type(tree) in _SCALARS:
            return
        self.containers += 1
        if self.containers > CONTAINERS:
            raise ValueError("too many parts")
        if type(tree) is not list or not tree or type(tree[0]) is not str or depth > DEPTH + 1:
            raise ValueError("not an encoded value")
        tag, items = tree[0], tree[1:]
        kinds = set(map(type, items))
        if tag in ("l", "d", "s") and as_key:
            raise ValueError("a key that cannot be one")
        if tag in ("l", "t", "d", "s", "f"):
            if tag == "d" and len(items) % 2:
                raise ValueError("a key without a value")
            if kinds <= _SCALARS:
                return
            for i, item in enumerate(items):
                self.scan(item, depth + 1, as_key or tag in ("s", "f") or (tag == "d" and i % 2 == 0))
        elif tag in ("i", "u", "b"):
            if len(items) != 1 or kinds != {str}:
                raise ValueError("not an encoded value")
            _leaf(tag, items[0])
        elif tag == "c":
            if len(items) != 2 or kinds != {float}:
                raise ValueError("not a complex number")
        elif tag != "o" or items:
            raise ValueError(f"no such tag: {tag[:9]}")


def _leaf(tag: str, text: str) -> object:
    if tag == "i":
        return int(text, 16)
    raw = bytes.fromhex(text)
    return raw if tag == "b" else raw.decode("utf-8", "surrogatepass")


def _build(tree: object) -> object:
    if type(tree) is not list:
        return tree
    tag, items = tree[0], tree[1:]
    if tag in ("i", "u", "b"):
        return _leaf(tag, items[0])
    if tag == "c":
        return complex(items[0], items[1])
    if tag == "o":
        return Opaque()
    if list in set(map(type, items)):
        items = [_build(item) for item in items]
    if tag == "l":
        return items
    if tag == "t":
        return tuple(items)
    if tag == "d":
        return dict(zip(items[::2], items[1::2], strict=True))
    return set(items) if tag == "s" else frozenset(items)
