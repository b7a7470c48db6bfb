"""Running the functions of this grammar, and nothing else: what they return is computed, never stated."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from generators.tasks.code.chains import Chain, without
from generators.tasks.code.inputs import probes
from generators.tasks.code.kinds import Value

_ROUNDS = 2_000  # of the while loops of one call


class _Endless(Exception):  # noqa: N818
    """A while loop went round too often."""


def _function(source: str, name: str) -> Callable[[Value], Value]:
    """The function of a source text from this grammar. Its while loops raise `_Endless` when they go on and on."""
    left = _ROUNDS

    def tick() -> bool:
        nonlocal left
        left -= 1
        if left < 0:
            raise _Endless
        return True

    space: dict[str, Callable[[Value], Value]] = {"_tick": tick}  # type: ignore[dict-item]
    exec(source.replace("while ", "while _tick() and "), space)
    function = space[name]

    def call(value: Value) -> Value:
        nonlocal left
        left = _ROUNDS
        return function(value)

    return call


def outputs(source: str, name: str, inputs: Sequence[Value]) -> list[str | None] | None:
    """What a function makes of each input, written out (None: it raises); None where it can not be told or does not end."""
    try:
        function = _function(source, name)
        found: list[str | None] = []
        for value in inputs:
            try:
                found.append(repr(function(value)))
            except (ArithmeticError, LookupError, TypeError, ValueError, UnboundLocalError, AttributeError):
                found.append(None)
    except (_Endless, MemoryError, SyntaxError):
        return None
    return found


@functools.lru_cache(maxsize=50_000)
def _alone(code: str) -> Callable[[Value], Value]:
    """A part as a function of its own."""
    lines = code.format(v="v", o="o").replace("\n", "\n    ")
    return _function(f"def part(v):\n    {lines}\n    return o\n", "part")


def behaviour(chain: Chain) -> tuple[str, ...] | None:
    """What a chain makes of every probe, written out; None where that gets out of hand."""
    found = []
    for value in probes(chain[0].primitive.takes):
        for part in chain:
            value = _alone(part.code)(value)
            if not _handy(value):
                return None
        found.append(repr(value))
    return tuple(found)


def _handy(value: Value) -> bool:
    if isinstance(value, int):
        return abs(value) < 1_000_000
    return len(value) <= 130 and (isinstance(value, str) or all(isinstance(v, str) or abs(v) < 1_000_000 for v in value))


def telling(chain: Chain, does: tuple[str, ...]) -> bool:
    """Whether a chain of this behaviour does something, and every part of it matters."""
    return len(set(does)) >= 8 and all(behaviour(rest) != does for rest in without(chain))
