"""Values as bytes and back: all that ever passes between a solution and its test.

The encoding is JSON of scalars and tagged lists: `[1, (2, None)]` is `["l", 1, ["t", 2, null]]`. Reading it builds nothing
but exact builtins and the kinds of kinds.py, so neither side can hand the other an object with behaviour. Subclass instances of
builtins are reduced by the methods of the builtin itself, whatever they claim to be; what cannot cross arrives as an `Opaque`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final, NoReturn

from evals.sandbox import kinds

DEPTH = 100
"""Containers within containers."""
ITEMS = 2_000_000
"""Items of one value, at all depths together."""
CONTAINERS = 250_000
"""Tagged lists of one value: what bounds the time that scanning takes to less than a second."""

OPAQUE: Final = "o"
PLAIN: Final = frozenset({"l", "t", "d", "s", "f", "i", "u", "b", "c"})
"""Tags of builtins."""

_SCALARS: Final = frozenset({type(None), bool, int, float, str})
_SCALAR_OF: Final[dict[type, Callable[..., object]]] = {int: int.__int__, float: float.__float__, str: str.__str__}
_ITEMS_OF: Final[dict[type, tuple[str, Callable[..., Iterable[object]]]]] = {
    list: ("l", list.__iter__),
    tuple: ("t", tuple.__iter__),
    dict: ("d", lambda value: chain.from_iterable(dict.items(value))),
    set: ("s", set.__iter__),
    frozenset: ("f", frozenset.__iter__),
}
_BUILTINS: Final = (*_SCALAR_OF, *_ITEMS_OF, bytes, complex)
"""What a value is reduced to, whatever its own class makes of it."""
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
    writer = _Writer()
    tree = writer.tree(value, 0)
    try:
        text = _dumps(tree)
        exact = "\\ud" not in text  # an escaped surrogate may stand alone, and JSON would join two that do
    except ValueError:
        exact = False  # an int of more digits than Python writes
    if not exact:
        text = _dumps(writer.exact(tree))
    if len(text) > limit:
        raise TooLarge(f"the value takes {len(text)} bytes, over the limit of {limit}")
    return text.encode("ascii")


_dumps: Callable[[object], str] = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode


class _Writer:
    """Turns one value into scalars and tagged lists."""

    def __init__(self) -> None:
        self.items = self.containers = 0

    def tree(self, value: object, depth: int) -> object:
        kind = type(value)
        if kind in _SCALARS:
            return value
        self._enter(depth)
        # issubclass asks the builtin, which looks at the true bases: neither `value` nor its metaclass has a say
        base = kind if kind in _ITEMS_OF else next((each for each in _BUILTINS if issubclass(kind, each)), object)
        if base in _ITEMS_OF:
            tag, items = _ITEMS_OF[base]
            return self._items(tag, items(value), depth)
        if base in _SCALAR_OF:
            return self.tree(_SCALAR_OF[base](value), depth)
        if base is bytes:
            return ["b", bytes.__getitem__(value, slice(None)).hex()]  # type: ignore[call-overload]
        if base is complex:
            return ["c", *complex.__getnewargs__(value)]  # type: ignore[attr-defined]
        number = _numpy_number(value)
        return self._kind(value, depth) if number is None else self.tree(number, depth)

    def _items(self, tag: str, items: Iterable[object], depth: int) -> list[object]:
        tree = [tag, *items]
        self._count(len(tree))
        if _SCALARS.issuperset(map(type, tree)):
            return tree
        return [tag, *[item if type(item) in _SCALARS else self.tree(item, depth + 1) for item in tree[1:]]]

    def _kind(self, value: object, depth: int) -> list[object]:
        tag = kinds.tag_of(type(value))
        if tag == OPAQUE:
            return [OPAQUE]
        kind = kinds.KINDS[tag]
        parts = kind.parts(value)
        if parts is None:
            return [OPAQUE]
        self._count(len(parts))
        tree: list[object] = [tag]
        for take, part in zip(kind.takes[0].split(), parts, strict=True):
            tree.append(self._drawn(part, depth + 1) if take == "l" else self.tree(part, depth + 1))  # type: ignore[arg-type]
        return [OPAQUE] if [OPAQUE] in tree else tree

    def _drawn(self, items: Iterator[object], depth: int) -> list[object]:
        """What an iterator yields; each is written before the next is drawn, which is the end of a group of groupby's."""
        self._enter(depth)
        tree: list[object] = ["l"]
        for item in items:
            self._count(1)
            tree.append(item if type(item) in _SCALARS else self.tree(item, depth + 1))
        return tree

    def _enter(self, depth: int) -> None:
        self.containers += 1
        if self.containers > CONTAINERS:
            raise TooLarge(f"the value has more than {CONTAINERS} parts that are no plain scalars")
        if depth > DEPTH:
            raise TooLarge(f"the value is nested deeper than {DEPTH} levels")

    def _count(self, more: int) -> None:
        self.items += more
        if self.items > ITEMS:
            raise TooLarge(f"the value has more than {ITEMS} items")

    def exact(self, tree: object) -> object:
        """`tree`, but with the scalars that JSON does not keep in tagged lists of their own."""
        if type(tree) is list:
            return [self.exact(part) for part in tree]
        if _is_exact(tree):
            return tree
        self._enter(0)
        if type(tree) is int:
            return ["i", hex(tree)]
        return ["u", str.encode(tree, "utf-8", "surrogatepass").hex()]  # type: ignore[arg-type]


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


def _numpy_number(value: object) -> bool | int | float | complex | None:
    """The number a numpy scalar holds: official scorers take it for equal to the plain number."""
    numpy = sys.modules.get("numpy")
    generic = getattr(numpy, "generic", None)
    if generic is None or not issubclass(type(value), generic):
        return None
    number = generic.item(value)
    return number if type(number) in (bool, int, float, complex) else None


def scan(data: bytes) -> set[str]:
    """The tags of the value that `data` encodes, which is not built. Raises ValueError for anything `encode` does not write."""
    scanner = _Scanner()
    scanner.scan(_loads(data), 0, False)
    return scanner.tags


def decode(data: bytes) -> object:
    """The value that `data` encodes. Raises ValueError as `scan` does."""
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
        self.tags: set[str] = set()

    def scan(self, tree: object, depth: int, as_key: bool) -> object:
        """The scalar or bytes that `tree` stands for, or else `tree` itself. Raises ValueError.

        as_key: the value has to be hashable, being a key or a member of a set.
        """
        if type(tree) in _SCALARS:
            return tree
        self.containers += 1
        if self.containers > CONTAINERS:
            raise ValueError("too many parts")
        if type(tree) is not list or not tree or type(tree[0]) is not str or depth > DEPTH + 1:
            raise ValueError("not an encoded value")
        tag, items = tree[0], tree[1:]
        self.tags.add(tag)
        if tag in ("l", "t", "d", "s", "f"):
            if as_key and tag in ("l", "d", "s"):
                raise ValueError("a key that cannot be one")
            if tag == "d" and len(items) % 2:
                raise ValueError("a key without a value")
            if _SCALARS.issuperset(map(type, items)):
                return tree
            for i, item in enumerate(items):
                if type(item) not in _SCALARS:
                    self.scan(item, depth + 1, as_key or tag in ("s", "f") or (tag == "d" and i % 2 == 0))
        elif tag in ("i", "u", "b"):
            if [*map(type, items)] != [str]:
                raise ValueError("not an encoded value")
            return _leaf(tag, items[0])
        elif tag == "c":
            if [*map(type, items)] != [float, float]:
                raise ValueError("not a complex number")
        elif tag in kinds.KINDS:
            parts = [item if type(item) in _SCALARS else self.scan(item, depth + 1, False) for item in items]
            kinds.check(tag, parts, as_key)
        elif tag != OPAQUE or items:
            raise ValueError(f"no such tag: {tag[:9]}")
        return tree


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
    if tag == OPAQUE:
        return Opaque()
    if list in set(map(type, items)):
        items = [_build(item) for item in items]
    if tag == "l":
        return items
    if tag == "t":
        return tuple(items)
    if tag == "d":
        return dict(zip(items[::2], items[1::2], strict=True))
    if tag in ("s", "f"):
        return set(items) if tag == "s" else frozenset(items)
    return kinds.build(tag, items)
