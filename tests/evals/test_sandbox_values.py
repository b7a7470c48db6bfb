"""What passes between a solution and its test: plain values, exactly, and nothing that only claims to be one."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, defaultdict, namedtuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.sandbox.codec import Opaque, TooLarge, decode, encode, scan

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.complex_numbers(allow_nan=False) | st.binary()
    | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.tuples(st.integers()), inner)
    | st.sets(st.integers() | st.text()) | st.frozensets(st.tuples(st.text(), st.none())),
    max_leaves=20,
)  # fmt: skip


@given(PLAIN)
def test_plain_values_keep_their_worth(value: object) -> None:
    data = encode(value, 1 << 20)
    scan(data)
    back = decode(data)
    assert back == value
    assert type(back) is type(value)


class _Liar(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(list, {1: [2]}), {1: [2]}),
        (namedtuple("P", "x y")(1, 2), (1, 2)),
        ([_Liar(3), _Liar(4)], [3, 4]),
        (True, True),
        ("\ud83d\ude00", "\ud83d\ude00"),
        (1 << 4000, 1 << 4000),
        (math.inf, math.inf),
    ],
)
def test_subclasses_become_what_they_are(value: object, plain: object) -> None:
    back = decode(encode(value, 1 << 20))
    assert repr(back) == repr(plain)
    assert type(back) is type(plain)


def test_ints_that_python_refuses_to_print_pass() -> None:
    assert decode(encode([-(10**9000), {10**5000}], 1 << 20)) == [-(10**9000), {10**5000}]


def test_an_opaque_value_equals_nothing_and_is_of_no_use() -> None:
    opaque = decode(encode(object(), 99))
    assert isinstance(opaque, Opaque)
    assert opaque != opaque
    for use in (bool, len, iter, int, lambda v: v + 1, lambda v: v < 1, lambda v: v()):
        with pytest.raises(TypeError):
            use(opaque)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b'{"l":1}', b"[]", b"[1]", b'["z"]', b'["d",1]', b'["d",["l"],1]', b'["s",["t",["l"]]]', b'["f",["d"]]',
        b'["i",9]', b'["i","x"]', b'["u","zz"]', b'["b","f"]', b'["c",1,2]', b'["o",1]', b"[" * 10_000,
        b'["l",' * 200 + b"1" + b"]" * 200,
        b"\xff", b"9" * 5000, b'["l"' + b",[" * 9 + b"]", b"1 2", b'["l",' + b'["l"],' * 300_000 + b"1]",
    ],
)  # fmt: skip
def test_what_is_no_value_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        scan(data)
    with pytest.raises(ValueError):
        decode(data)


def test_a_scan_tells_what_is_inside() -> None:
    assert scan(encode([1, {"a": (b"b", object())}], 99)) == {"l", "d", "t", "b", "o"}
    assert scan(encode([1, {"a": (b"b", 1 << 20_000)}], 9999)) == {"l", "d", "t", "b", "i"}


def test_values_without_bounds_are_refused() -> None:
    cyclic: list[object] = []
    cyclic.append(cyclic)
    for value in (cyclic, [0] * 2_000_001, [[]] * 250_001, "x" * 100):
        with pytest.raises(TooLarge):
            encode(value, 99)
