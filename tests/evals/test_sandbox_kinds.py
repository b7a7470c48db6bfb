"""Numbers, dates, ranges, arrays, views and iterators between a solution and its test: as what they are, and only as that."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from array import array
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from evals.sandbox.codec import Opaque, TooLarge, decode, encode, scan
from evals.sandbox.kinds import KINDS

# Makes a value, the same each time: an iterator can be looked at but once.
Make = Callable[[], object]

DAY = timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999)
ZONES = st.none() | st.builds(timezone, st.timedeltas(-DAY, DAY)) | st.builds(timezone, st.timedeltas(-DAY, DAY), st.text())
HASHABLE = (
    st.decimals().filter(lambda number: not number.is_snan()) | st.fractions() | st.text() | st.integers() | ZONES
    | st.dates() | st.datetimes(timezones=ZONES) | st.times(timezones=ZONES) | st.timedeltas()
    | st.builds(range, st.integers(), st.integers(), st.integers().filter(bool))
)  # fmt: skip
DTYPES = (
    npst.boolean_dtypes() | npst.integer_dtypes(endianness="?") | npst.unsigned_integer_dtypes(endianness="?")
    | npst.floating_dtypes(endianness="?", sizes=(16, 32, 64, 128)) | npst.complex_number_dtypes(endianness="?")
    | npst.unicode_string_dtypes(endianness="?") | npst.byte_string_dtypes()
)  # fmt: skip
OTHERS = (
    st.decimals() | st.binary().map(bytearray) | npst.arrays(DTYPES, npst.array_shapes(min_dims=0, min_side=0))
    | st.builds(array, st.just("q"), st.lists(st.integers(-(2**63), 2**63 - 1))) | st.builds(array, st.just("u"), st.text())
)  # fmt: skip


def _of(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[Make]:
    return strategy.map(lambda value: lambda: value)


def _lists(inner: st.SearchStrategy[Make], make: Callable[[list[object]], object]) -> st.SearchStrategy[Make]:
    return st.lists(inner, max_size=4).map(lambda items: lambda: make([item() for item in items]))


def _dicts(inner: st.SearchStrategy[Make], make: Callable[[dict[object, object]], object]) -> st.SearchStrategy[Make]:
    return st.dictionaries(HASHABLE, inner, max_size=4).map(lambda items: lambda: make({k: v() for k, v in items.items()}))


def _containers(inner: st.SearchStrategy[Make]) -> st.SearchStrategy[Make]:
    of_any = (list, tuple, iter, deque, lambda items: deque(items, 5))
    of_keys = (set, frozenset, lambda items: dict.fromkeys(items).keys())
    return st.one_of(
        *(_lists(inner, make) for make in of_any),
        *(_lists(_of(HASHABLE | st.tuples(HASHABLE)), make) for make in of_keys),
        *(_dicts(inner, make) for make in (dict, dict.values, dict.items)),
    )


def _told(value: object) -> object:
    """All that a test can tell of a value, to be compared."""
    if isinstance(value, Iterator):
        return "iterator", [_told(item) for item in value]
    told: object = repr(value)
    if isinstance(value, dict):
        told = [_told(item) for pair in value.items() for item in pair]
    elif isinstance(value, set | frozenset):
        told = sorted(map(repr, value))
    elif isinstance(value, list | tuple | deque | type({}.keys()) | type({}.values()) | type({}.items())):
        told = [_told(item) for item in value], getattr(value, "maxlen", None)
    elif isinstance(value, np.ndarray):
        told = value.dtype.str, value.shape, value.tobytes(), value.flags.writeable
    return type(value), told


def _back(value: object) -> object:
    data = encode(value, 1 << 20)
    scan(data)
    return decode(data)


@given(st.recursive(_of(HASHABLE | OTHERS), _containers, max_leaves=10))
def test_values_keep_their_worth(make: Make) -> None:
    assert _told(_back(make())) == _told(make())


@pytest.mark.parametrize(
    "value",
    [
        date.min, date.max, datetime.min, datetime.max, datetime(2024, 1, 1, fold=1, tzinfo=UTC), time.min, time.max,
        timedelta.min, timedelta.max, UTC, timezone(DAY, "\ud800"), timezone(-DAY), Decimal("9" * 5000), Decimal("-0"),
        Decimal("0E-7"), Decimal("0.000001"), Decimal("-sNaN12"), Decimal("-Infinity"), Decimal("9.99E+999999999999999999"),
        Decimal("1E-1999999999999999997"), Decimal("1.5E-1999999999999999996"), Fraction(1 << 11_000, 7), range(1 << 11_000),
        deque([1], 1), deque(maxlen=0), OrderedDict(a=1).keys(), OrderedDict(a=1).values(), OrderedDict(a=1).items(),
        np.zeros((0, 1 << 40, 1 << 19)), np.array(3), np.zeros((1,) * 64), np.array(["a\ud800", ""]), np.arange(9)[::2],
        np.arange(6).reshape(2, 3).T, np.array([2], "u1").view(bool), np.longdouble([1, 3]) / 3, np.broadcast_to(1, (2, 2)),
        *(array(code) for code in "bBhHiIlLqQfdu"),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_values_at_the_edges_cross(value: object) -> None:
    back = _back(value)
    assert repr(back) == repr(value).replace("odict_", "dict_")
    assert type(back).__name__ == type(value).__name__.replace("odict_", "dict_")


def test_numbers_of_numpy_become_plain_ones() -> None:
    back = _back([np.float32(0.5), np.int8(3), np.bool(True), np.complex64(1j), np.str_("a")])
    assert repr(back) == "[0.5, 3, True, 1j, 'a']"


def _yields(*items: object) -> Iterator[object]:
    yield from items


@pytest.mark.parametrize(
    ("iterator", "items"),
    [
        (_yields(1, "a"), [1, "a"]),
        (_yields(), []),
        (_yields("\ud83d", 10**5000, Fraction(1, 3)), ["\ud83d", 10**5000, Fraction(1, 3)]),
        (map(abs, [-1]), [1]),
        (filter(None, [0, 1]), [1]),
        (zip("ab", [1, 2], strict=True), [("a", 1), ("b", 2)]),
        (enumerate("a"), [(0, "a")]),
        (reversed([1, 2]), [2, 1]),
        (reversed((1, 2)), [2, 1]),
        (reversed({1: 2}), [1]),
        (reversed(deque([1])), [1]),
        (iter([1]), [1]),
        (iter(()), []),
        (iter({1: 2}), [1]),
        (iter({1: 2}.values()), [2]),
        (iter({1: 2}.items()), [(1, 2)]),
        (iter(OrderedDict(a=1)), ["a"]),
        (iter({3}), [3]),
        (iter(range(2)), [0, 1]),
        (iter(range(1 << 70, 1 + (1 << 70))), [1 << 70]),
        (iter("é"), ["é"]),
        (iter(b"a"), [97]),
        (iter(bytearray(b"a")), [97]),
        (iter(deque([1])), [1]),
        (iter(array("b", [1])), [1]),
        (iter([1, 0].pop, 1), [0]),
        (iter(np.array([1, 2])), [1, 2]),
        (np.array([[1], [2]]).flat, [1, 2]),
        (re.finditer("x", ""), []),
        (itertools.chain([1], "a"), [1, "a"]),
        (itertools.islice(itertools.count(), 2), [0, 1]),
        (itertools.product("a", [1]), [("a", 1)]),
        (itertools.permutations([1, 2]), [(1, 2), (2, 1)]),
        (itertools.accumulate([1, 2]), [1, 3]),
        (itertools.repeat(1, 2), [1, 1]),
        (itertools.pairwise([1, 2]), [(1, 2)]),
        (itertools.tee([1])[0], [1]),
        (itertools.zip_longest([1], []), [(1, None)]),
    ],
    ids=lambda value: "" if type(value) is list else type(value).__name__,
)
def test_an_iterator_crosses_as_one(iterator: Iterator[object], items: list[object]) -> None:
    back = _back(iterator)
    assert isinstance(back, Iterator)
    assert back != items
    assert list(back) == items
    assert list(back) == []


def test_groups_cross_with_what_is_in_them() -> None:
    back = _back(itertools.groupby("aab"))
    assert isinstance(back, Iterator)
    assert [(key, list(group)) for key, group in back] == [("a", ["a", "a"]), ("b", ["b"])]


def test_what_an_iterator_raises_is_raised() -> None:
    def raises(error: Exception) -> Iterator[int]:
        yield 1
        raise error

    for error in (ValueError("no"), KeyError(1)):
        with pytest.raises(type(error)):
            encode([raises(error)], 99)


def test_iterators_without_an_end_are_refused() -> None:
    def deeper() -> Iterator[object]:
        while True:
            yield deeper()

    for endless in (
        itertools.repeat(1),
        itertools.repeat([]),
        zip(itertools.count(), strict=True),
        itertools.cycle("ab"),
        deeper(),
    ):
        with pytest.raises(TooLarge):
            encode([endless], 1 << 30)


WRAPS = (lambda v: [v], lambda v: (v,), lambda v: iter([v]), lambda v: deque([v]), lambda v: {1: v}.items())
LEAVES = (1, 10**5000, "\ud800", b"x", Fraction(10**5000, 3), Decimal(1), datetime(2024, 1, 1, tzinfo=UTC), {3}, np.zeros(1))


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: type(leaf).__name__)
def test_what_is_written_at_any_depth_is_read(wrap: Callable[[object], object], leaf: object) -> None:
    deepest = 0
    for depth in (*range(40, 60), *range(90, 110)):
        value = leaf
        for _ in range(depth):
            value = wrap(value)
        try:
            data = encode(value, 1 << 20)
        except TooLarge:
            continue
        decode(data)
        deepest = depth
    assert deepest >= 48


class _Own:
    def __iter__(self) -> _Own:
        return self

    def __next__(self) -> int:
        raise StopIteration


class _Zone(tzinfo):
    pass


@pytest.mark.parametrize(
    "value",
    [
        object(), len, int, ..., NotImplemented, _Own(), slice(1), memoryview(b""), re.compile(""), type("D", (Decimal,), {})(1),
        type("F", (Fraction,), {})(1), type("Q", (deque,), {})(), type("B", (bytearray,), {})(), np.ma.array([1]),
        np.zeros(1).view(type("A", (np.ndarray,), {})), np.array([None]), np.zeros(1, "i4,i4"), np.zeros(1, "M8[s]"),
        np.zeros(1, "V3"), np.datetime64(1, "s"), np.longdouble(1), datetime(2024, 1, 1, tzinfo=_Zone()), time(tzinfo=_Zone()),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_cannot_cross_is_opaque_as_a_whole(value: object) -> None:
    assert type(_back(value)) is Opaque
    assert scan(encode([iter([value])], 999)) == {"l", "iterator", "o"}


class _Liar(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


def _with_slots(over: object, under: object) -> Fraction:
    value = Fraction(1, 2)
    value._numerator, value._denominator = over, under  # type: ignore[attr-defined]
    return value


def test_a_fraction_of_liars_is_what_they_are_or_nothing() -> None:
    back = _back(_with_slots(_Liar(3), _Liar(6)))
    assert repr(back) == "Fraction(1, 2)"
    assert type(back.numerator) is int  # type: ignore[attr-defined]
    assert type(_back(_with_slots(object(), 1))) is Opaque
    for over, under in ((1, 0), (1, -2), (1.0, 2), ("1", 2)):
        with pytest.raises(ValueError):
            scan(encode(_with_slots(over, under), 999))


NOON, EMPTY = ["datetime.time", 12, 0, 0, 0, 0, None], ["b", ""]
# Parts that no value of a kind has.
NONE_SUCH: dict[str, list[tuple[object, ...]]] = {
    "iterator": [(), (1,), (["t"],), (["l"], 1), (["l", ["z"]],), (["iterator", ["l"]],)],
    "builtins.range": [(), (1, 2), (0, 1, 0), (0, 1, 1.0), (0, 1, True), (0, 1, ["l"]), (0, 1, 1, 1), (0, 1, None)],
    "builtins.bytearray": [(), ("00",), (["b", "0"],), (["l", 1],), (1 << 40,)],
    "builtins.dict_keys": [(), (1,), (["l"],), (["d", 1],), (["d", ["l"], 1],), (["d", ["builtins.bytearray", EMPTY], 1],)],
    "builtins.dict_values": [(), (["d"],), (1, 2)],
    "builtins.dict_items": [(), (["l"],), (["d", 1],), (["d", ["collections.deque", ["l"], None], 1],)],
    "collections.deque": [
        (), (["l"],), (["l", 1, 2], 1), (["l"], -1), (["l"], True), (["l"], 1.5), (["l"], 1 << 63), (["t"], 1), (1, 1),
    ],
    "fractions.Fraction": [
        (), (1,), (1, 0), (1, -1), (1.0, 2), (True, 2), (1, ["o"]), (1, ["i", "0x0"]), ("1", 2), (1, 2, 3),
    ],
    "decimal.Decimal": [
        *((text,) for text in ("", "x", " 1", "1_0", "01", "1.", ".5", "+1", "inf", "1\n", "12E+5", "1E5", "٣", "0x1", "1E+")),
        *((text,) for text in ("1E+1000000000000000000", "1.5E-1999999999999999997", "1E+" + "9" * 50)), (), (1,), (["b", "31"],),
    ],
    "datetime.date": [(), (0,), (3_652_060,), (1.0,), (True,), ("1",), (1, 1, 1), (["i", "-0x1"],)],
    "datetime.time": [
        (), (0, 0, 0, 0, 0), (24, 0, 0, 0, 0, None), (0, 60, 0, 0, 0, None), (0, 0, 60, 0, 0, None),
        (0, 0, 0, 10**6, 0, None), (0, 0, 0, 0, 2, None), (-1, 0, 0, 0, 0, None), (0.0, 0, 0, 0, 0, None),
        (0, 0, 0, 0, True, None), (0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, ["o"]), (0, 0, 0, 0, 0, ["datetime.timedelta", 0, 0, 0]),
    ],
    "datetime.datetime": [(), (1, 2), (["datetime.date", 1],), (["datetime.date", 0], NOON), (NOON, ["datetime.date", 1])],
    "datetime.timedelta": [
        (), (1,), (0, -1, 0), (0, 86_400, 0), (0, 0, 10**6), (10**9, 0, 0), (-(10**9), 0, 0), (0, 0, 1.0), (0, 0, None),
    ],
    "datetime.timezone": [
        (), (0,), (86_400_000_000, None), (-86_400_000_000, None), (0, 1), (0, EMPTY), (None, None), (0.0, None),
    ],
    "array.array": [
        (), ("b",), ("i", ["b", "000000"]), ("x", EMPTY), ("", EMPTY), ("b", "00"), ("bb", ["b", "00"]), (1, EMPTY),
        ("b", ["l", 1]),
    ],
    "numpy.ndarray": [
        *(
            ("<f8", ["b", "00" * size], ["t", *shape])
            for size, shape in [
                (7, [1]), (8, [2]), (16, [1]), (8, [-1]), (8, [-1, -1]), (8, [True]), (8, [1.0]), (8, [["i", "0x1"]]),
                (8, [None]), (0, [1 << 40]), (0, [1 << 64]), (0, [0, 1 << 60]), (0, [0, 1 << 40, 1 << 40]), (8, [1] * 65),
                (0, [1 << 9999] * 64),
            ]
        ),
        *(
            (dtype, ["b", "00" * size], ["t", 1])
            for dtype, size in [
                ("|O", 8), ("O", 8), ("<O8", 8), ("|V8", 8), ("<M8[s]", 8), ("<f3", 3), ("f8", 8), ("|f8", 8), ("<U0", 0),
                ("i4,i4", 8), ("<f8\n", 8), ("", 8), ("<i16", 16), (">b1", 1), ("<f٨", 8),
            ]
        ),
        *((dtype, EMPTY, ["t", 0]) for dtype in ("<U536870912", "|S2147483648", "<U" + "9" * 50)),
        (), ("<f8", EMPTY), ("<f8", EMPTY, ["l", 0]), ("<f8", "", ["t", 0]), (1, EMPTY, ["t", 0]), ("<f8", EMPTY, 0),
    ],
}  # fmt: skip


@pytest.mark.parametrize("tag", KINDS)
def test_parts_of_no_value_are_refused(tag: str) -> None:
    for parts in NONE_SUCH[tag]:
        for tree in ([tag, *parts], ["l", [tag, *parts]], ["d", [tag, *parts], 1]):
            with pytest.raises(ValueError):
                scan(json.dumps(tree).encode())
            with pytest.raises(ValueError):
                decode(json.dumps(tree).encode())


EDGES = [-1, 0, 1, 2, 23, 24, 59, 60, 999_999, 10**6, 86_399, 86_400, 3_652_059, 3_652_060, 10**9, 2**31, 2**63, 86_400_000_000]
WORDS = [
    "b",
    "i",
    "u",
    "d",
    "w",
    "<f8",
    "|b1",
    ">U3",
    "|S2",
    "<f16",
    "<c32",
    "|O",
    "<U536870911",
    "sNaN1",
    "9E+999999999999999999",
]
PARTS: dict[str, st.SearchStrategy[object]] = {
    "int": st.sampled_from(EDGES),
    "str": st.sampled_from(WORDS),
    "NoneType": st.none(),
    "bytes": st.sampled_from([0, 1, 2, 4, 8, 16, 32]).map(lambda size: ["b", "00" * size]),
    "t": st.lists(st.sampled_from([0, 1, 2, 2**31, 2**62]), max_size=3).map(lambda items: ["t", *items]),
    "l": st.lists(st.integers(), max_size=3).map(lambda items: ["l", *items]),
    "d": st.lists(st.integers(), max_size=4).map(lambda items: ["d", *items]),
}


def _trees(tag: str) -> st.SearchStrategy[list[object]]:
    """Trees with the parts of a kind, most of them out of its bounds."""
    made = (
        st.tuples(*(PARTS[name] if name in PARTS else _trees(name) for name in takes.split(" "))) for takes in KINDS[tag].takes
    )
    return st.one_of(*made).map(lambda parts: [tag, *parts])


def _is_let_through(data: bytes) -> bool:
    try:
        scan(data)
    except ValueError:
        return False
    decode(data)
    return True


@pytest.mark.parametrize("tag", KINDS)
def test_what_is_let_through_is_built(tag: str) -> None:
    """As the type that the tag names, alone and as a key, with no error."""

    @given(_trees(tag), st.sampled_from(["l", "s"]))
    def holds(tree: list[object], around: str) -> None:
        data = json.dumps([around, tree]).encode()
        if _is_let_through(data):
            (value,) = decode(data)  # type: ignore[misc]
            name = f"{type(value).__module__}.{type(value).__qualname__}"
            assert name == tag or (tag == "iterator" and isinstance(value, Iterator))

    holds()


KEYS = (b'["s",%s]', b'["f",["t",1,%s]]', b'["d",%s,1]', b'["builtins.dict_items",["d",["t",%s],1]]')


def _is_key(value: object) -> bool:
    """Whether it may be a member of a set, or of a member of it, or a key."""
    allowed = {_is_let_through(around % encode(value, 999)) for around in KEYS}
    assert len(allowed) == 1
    return allowed == {True}


def test_only_what_is_hashable_is_a_key() -> None:
    for value in (
        Fraction(1),
        Decimal("NaN"),
        range(3),
        date.min,
        time.min,
        datetime.min,
        timedelta(1),
        UTC,
        iter([[]]),
        {}.values(),
    ):
        assert _is_key(value)
    for value in (Decimal("sNaN"), bytearray(), deque(), {}.keys(), {}.items(), array("b"), np.zeros(1)):
        assert not _is_key(value)


def test_nothing_is_imported_for_kinds_that_are_not_met() -> None:
    program = (
        "import sys; from evals.sandbox.child import decode, encode; decode(encode([1, {2: (b'3',)}], 99)); print(*sys.modules)"
    )
    boot = "import sys; sys.modules['evals'] = e = type(sys)('evals'); e.__path__ = ['evals']\n"
    boot += "sys.modules['evals.sandbox'] = s = type(sys)('evals.sandbox'); s.__path__ = ['evals/sandbox']\n"
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", boot + program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"decimal", "fractions", "datetime", "array", "numpy"}.isdisjoint(loaded)
