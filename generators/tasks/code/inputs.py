"""Inputs to try functions on."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from random import Random

from generators.tasks.code.kinds import KINDS, Kind, Value
from kit.core.seeds import key_of

_BANK = tuple(
    "apple level river noon cloud radar stone window kayak bread music civic garden otter letter tiger refer ocean silver planet "
    "deed banana coffee market stats puddle sonnet madam tunnel bottle".split()
)


@functools.cache
def probes(kind: Kind) -> tuple[Value, ...]:
    """The inputs by which functions are told apart, the same for all."""
    rng = Random(key_of(0, "code probes", kind))
    return (*KINDS[kind].edges, *(_input(rng, kind, (3, 7), "abcdefghilmnoprstuw") for _ in range(28)))


def inputs_for(rng: Random, kind: Kind, body: str) -> list[Value]:
    """Different inputs for a function with this code, the edges first."""
    constants = [int(n) for n in re.findall(r"(?<![\w.])-?\d+", body)]
    letters = "".join(re.findall(r"'(\w)'", body))
    made = [*KINDS[kind].edges, *(_input(rng, kind, constants, letters) for _ in range(30))]
    return list({repr(value): value for value in made}.values())


def _input(rng: Random, kind: Kind, constants: Sequence[int], letters: str) -> Value:
    """A random input; where the code has constants and letters, close to them."""
    if kind == "number":
        return rng.choice([rng.randint(0, 12), rng.randint(0, 70), max(0, rng.choice(constants or [0]) + rng.randint(-1, 1))])
    if kind == "numbers":
        near = [c + d for c in constants for d in (-1, 0, 1)] or [0]
        low, high = rng.choice([(-9, 20), (0, 6), (-20, 60)])
        return [rng.choice(near) if rng.random() < 0.4 else rng.randint(low, high) for _ in range(rng.randint(1, 9))]
    made = [_word(rng, letters) for _ in range(rng.randint(1, 6))]
    if kind == "words":
        return made
    return " ".join(w.capitalize() if rng.random() < 0.2 else w for w in made[:4])


def _word(rng: Random, letters: str) -> str:
    if rng.random() < 0.6:
        return rng.choice(_BANK)
    pool = (letters or "aeiou") + rng.choice(["aeiou", "rst", "0123456789", "lmn"])
    return "".join(rng.choice(pool) for _ in range(rng.randint(1, 9)))
