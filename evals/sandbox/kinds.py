"""What crosses besides plain builtins, a row a kind: `[tag, *parts]`, where the parts are values that cross themselves.

A tag is the name of a type. Only that very type is written under it, and only that type is built, which is when its module is
imported: the sender has loaded it, and a child that meets no such value starts no slower for them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple


def _always(*parts: object) -> bool:
    return True


def _never(*parts: object) -> bool:
    return False


class Kind(NamedTuple):
    """How the values of one type cross."""

    takes: tuple[str, ...]
    """What its parts may be, each a type of scalars or a tag. An "l" is given as an iterator, and arrives as a list."""
    parts: Callable[..., tuple[object, ...] | None]
    """Takes a value apart; None where it cannot cross."""
    build: Callable[..., object] | None = None
    """Makes a value of its parts; where None, its type does."""
    fits: Callable[..., bool] = _always
    """Whether a value has such parts; those that are no scalars, bytes or strings are trees as JSON gave them."""
    hashable: Callable[..., bool] = _always
    """Whether a value of these parts may be a key."""


def tag_of(kind: type) -> str:
    """The tag of values of exactly this type; "o" when they cannot cross.

    >>> tag_of(range), tag_of(zip), tag_of(type)
    ('builtins.range', 'iterator', 'o')
    """
    name = f"{kind.__module__}.{kind.__qualname__}".replace("builtins.odict_", "builtins.dict_")
    if name in KINDS:
        return name
    return "iterator" if kind.__module__ in _OF_ITERATORS and issubclass(kind, Iterator) else "o"


def check(tag: str, parts: list[object], as_key: bool) -> None:
    """Raises ValueError where no value of this kind has these parts, or none that is a key."""
    kind = KINDS[tag]
    if " ".join([part[0] if type(part) is list else type(part).__name__ for part in parts]) not in kind.takes:
        raise ValueError(f"not the parts of {tag}")
    if not kind.fits(*parts):
        raise ValueError(f"out of bounds for {tag}")
    if as_key and not kind.hashable(*parts):
        raise ValueError("a key that cannot be one")


def build(tag: str, parts: list[object]) -> object:
    """The value of this kind that has these parts."""
    return (KINDS[tag].build or _type(tag))(*parts)


def _type(tag: str) -> Callable[..., object]:
    module, _, name = tag.rpartition(".")
    return getattr(__import__(module), name)


_OF_ITERATORS: Final = ("builtins", "itertools", "_collections", "array", "numpy")
"""Modules whose iterators cross, as iterators over what is left in them: there is no more to these than what they yield."""

_DECIMAL: Final = r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|[0-9](?:\.([0-9]+))?[Ee]([+-][0-9]{1,19})|Infinity|s?NaN[0-9]*)"


def _is_decimal(text: str) -> bool:
    found = re.fullmatch(_DECIMAL, text)
    if not found:
        return False
    exponent = int(found[2] or 0)
    return exponent < 10**18 and exponent - len(found[1] or "") > -2 * 10**18 + 2  # MAX_EMAX, MIN_ETINY


def _is_time(hour: int, minute: int, second: int, micro: int, fold: int, zone: object) -> bool:
    return 0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60 and 0 <= micro < 1_000_000 and 0 <= fold < 2


def _timezone(offset: int, name: str | None) -> object:
    words = () if name is None else (name,)
    return _type("datetime.timezone")(_type("datetime.timedelta")(0, 0, offset), *words)


def _of_timezone(value: object) -> tuple[object, ...]:
    offset, *name = value.__getinitargs__()  # type: ignore[attr-defined]
    return (offset.days * 86400 + offset.seconds) * 1_000_000 + offset.microseconds, *(name or (None,))


_SIZES: Final = {code: struct.calcsize(code) for code in "bBhHiIlLqQfd"} | {"u": 4}
"""Bytes of an array's item by its type code."""
_DTYPE: Final = r"\|(?:b1|[iu]1|S[1-9][0-9]{0,8})|[<>](?:[iu][248]|f(?:2|4|8|16)|c(?:8|16|32)|U[1-9][0-9]{0,8})"


def _of_ndarray(value: object) -> tuple[object, ...] | None:
    name = value.dtype.str  # type: ignore[attr-defined]
    plain = re.fullmatch(_DTYPE, name)
    return (name, value.tobytes(), value.shape) if plain else None  # type: ignore[attr-defined]


def _is_ndarray(dtype: str, raw: bytes, shape: list[object]) -> bool:
    if not re.fullmatch(_DTYPE, dtype) or len(shape) > 65:  # the tag, and as many dimensions as numpy has
        return False
    size = total = int(dtype[2:]) * (4 if dtype[1] == "U" else 1)
    for length in shape[1:]:
        if type(length) is not int or length < 0:
            return False
        total *= length or 1  # numpy refuses an array that would be too large but for a length of 0
    return size < 2**31 and total < 2**63 and len(raw) == (0 if 0 in shape else total)


KINDS: Final[dict[str, Kind]] = {
    "iterator": Kind(("l",), lambda v: (v,), iter),
    "builtins.range": Kind(("int int int",), lambda v: (v.start, v.stop, v.step), fits=lambda start, stop, step: step != 0),
    "builtins.bytearray": Kind(("bytes",), lambda v: (bytes(v),), hashable=_never),
    "builtins.dict_keys": Kind(("d",), lambda v: (dict.fromkeys(v),), dict.keys, hashable=_never),
    "builtins.dict_values": Kind(("l",), lambda v: (iter(v),), lambda items: dict(enumerate(items)).values()),
    "builtins.dict_items": Kind(("d",), lambda v: (dict(v),), dict.items, hashable=_never),
    "collections.deque": Kind(
        ("l int", "l NoneType"),
        lambda v: (iter(v), v.maxlen),
        fits=lambda items, most: most is None or len(items) - 1 <= most < 2**63,
        hashable=_never,
    ),
    "fractions.Fraction": Kind(("int int",), lambda v: (v.numerator, v.denominator), fits=lambda over, under: under > 0),
    "decimal.Decimal": Kind(("str",), lambda v: (str(v),), fits=_is_decimal, hashable=lambda text: "s" not in text),
    "datetime.date": Kind(
        ("int",),
        lambda v: (v.toordinal(),),
        lambda day: _type("datetime.date").fromordinal(day),  # type: ignore[attr-defined]
        fits=lambda day: 1 <= day <= 3_652_059,
    ),
    "datetime.time": Kind(
        ("int int int int int datetime.timezone", "int int int int int NoneType"),
        lambda v: (v.hour, v.minute, v.second, v.microsecond, v.fold, v.tzinfo),
        lambda *parts: _type("datetime.time")(*parts[:4], parts[5], fold=parts[4]),
        fits=_is_time,
    ),
    "datetime.datetime": Kind(
        ("datetime.date datetime.time",),
        lambda v: (v.date(), v.timetz()),
        lambda day, time: _type("datetime.datetime").combine(day, time),  # type: ignore[attr-defined]
    ),
    "datetime.timedelta": Kind(
        ("int int int",),
        lambda v: (v.days, v.seconds, v.microseconds),
        fits=lambda days, seconds, micros: abs(days) < 10**9 and 0 <= seconds < 86_400 and 0 <= micros < 1_000_000,
    ),
    "datetime.timezone": Kind(
        ("int str", "int NoneType"), _of_timezone, _timezone, fits=lambda offset, name: abs(offset) < 86_400_000_000
    ),
    "array.array": Kind(
        ("str bytes",),
        lambda v: (v.typecode, v.tobytes()) if v.typecode in _SIZES else None,
        fits=lambda code, raw: code in _SIZES and len(raw) % _SIZES[code] == 0,
        hashable=_never,
    ),
    "numpy.ndarray": Kind(
        ("str bytes t",),
        _of_ndarray,
        lambda dtype, raw, shape: _type("numpy.ndarray")(shape, dtype, raw).copy(),  # type: ignore[attr-defined]
        fits=_is_ndarray,
        hashable=_never,
    ),
}
