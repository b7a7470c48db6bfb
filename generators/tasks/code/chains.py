"""Chains of primitives: how one is drawn, what its code is, and what it says in words."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from generators.tasks.code.kinds import KINDS, Kind
from generators.tasks.code.primitives import PRIMITIVES, Primitive

_STARTS: tuple[Kind, ...] = ("numbers", "numbers", "numbers", "text", "text", "words", "number")
_OPENERS = ("", "", "For the given {noun}: ", "Do this with the given {noun}: ")


class Part(NamedTuple):
    """A primitive with its slots filled, but for {v} and {o} in the code."""

    primitive: Primitive
    code: str
    says: str


Chain = tuple[Part, ...]


def drawn(rng: Random, length: int) -> Chain:
    """A chain of so many parts. Lists are made of a number only at the start, where it is known to be small, and seldom does a
    chain come down to a number before its end."""
    kind = rng.choice(_STARTS)
    parts: list[Part] = []
    for i in range(length):
        fits = [p for p in PRIMITIVES[kind] if not parts or kind != "number" or p.gives == "number"]
        if i < length - 1 and rng.random() < 0.8:
            fits = [p for p in fits if p.gives != "number"] or fits
        fits = [p for p in fits if all(p.tag != other.primitive.tag for other in parts)]
        primitive = rng.choice(fits)
        slots = {**primitive.draw(rng), "v": "{v}", "o": "{o}"}
        parts.append(Part(primitive, rng.choice(primitive.codes).format_map(slots), rng.choice(primitive.says).format_map(slots)))
        kind = primitive.gives
    return tuple(parts)


def named(chain: Chain) -> str:
    """A name for the function, which is never that of a builtin."""
    first, *rest = (part.primitive.tag for part in chain)
    return "_".join([first, chain[0].primitive.takes, *rest])


def head(chain: Chain) -> str:
    """The first line of the function."""
    takes, gives = KINDS[chain[0].primitive.takes], KINDS[chain[-1].primitive.gives]
    return f"def {named(chain)}({takes.argument}: {takes.annotation}) -> {gives.annotation}:\n"


def body(chain: Chain) -> str:
    """The code of the parts, one after another, each with a variable of its own."""
    lines: list[str] = []
    names = {kind: iter(form.results) for kind, form in KINDS.items()}
    value = KINDS[chain[0].primitive.takes].argument
    for part in chain:
        name = next(names[part.primitive.gives])
        lines += part.code.format(v=value, o=name).split("\n")
        value = name
    if "\n" in chain[-1].code:
        lines.append(f"return {value}")
    else:
        lines[-1] = "return " + lines[-1].removeprefix(f"{value} = ")
    return "".join(f"    {line}\n" for line in lines)


def said(rng: Random, chain: Chain) -> str:
    """What the function does, as a task."""
    clauses = [part.says for part in chain]
    for i, part in enumerate(chain):
        if part.primitive.takes == "number":
            clauses[i] = clauses[i].replace("the number", "the result" if i else "n")
    clauses[:-1] = [c.replace("return ", "find ", 1) if c.startswith("return ") else c for c in clauses[:-1]]
    if "return " not in clauses[-1]:
        clauses[-1] += ". Return the result"
    opener = rng.choice(_OPENERS).format(noun=KINDS[chain[0].primitive.takes].noun)
    text = opener + (", then " if rng.random() < 0.5 else ". Then ").join(clauses)
    return text[0].upper() + text[1:] + "."


def without(chain: Chain) -> list[Chain]:
    """What is left of a chain without one of its parts, for every part without which the rest still fits together."""
    return [
        (*chain[:i], *chain[i + 1 :])
        for i, part in enumerate(chain)
        if part.primitive.takes == part.primitive.gives and len(chain) > 1
    ]
