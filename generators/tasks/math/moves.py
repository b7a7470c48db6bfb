"""What a story is made of: moves, each with its phrasings and the steps that an engine takes for it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from generators.tasks.math.numbers import Draw

Operation = Literal["+", "-", "*", "/", "%"]
"""%: the first quantity times the second by 100."""


class Step(NamedTuple):
    """How an engine takes a step. inputs: `x` is the quantity that the story follows, `s` that at the start, `f` the friend's,
    `a` to `c` the numbers of the move, `1` and on what its earlier steps found. says: the sentence, with {calc} for the
    calculation ({cash}: in dollars)."""

    op: Operation
    inputs: str
    says: str


class Move(NamedTuple):
    """A part of a story. tells: its phrasings. friend: an opening that brings in a friend's quantity, or an ending that needs
    one (True), or can not have one yet (False). at_first: an ending that speaks of what there was at first, which has to be a
    number of the text."""

    name: str
    draw: Draw
    tells: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    friend: bool | None = None
    at_first: bool = False


class Scene(NamedTuple):
    """What stories of one kind are made of: an opening (what there is at first), events (what becomes of it) and an ending (what
    is asked). words: what its slots can stand for, each a row under `slots`. asides: sentences with a number that matters to
    nothing, and the least and most that it can be."""

    name: str
    slots: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    openings: tuple[Move, ...]
    events: tuple[Move, ...]
    endings: tuple[Move, ...]
    asides: tuple[tuple[str, int, int], ...]
