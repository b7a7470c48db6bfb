"""The kinds of value that functions take and give, and how each is written and spoken of."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["numbers", "text", "words", "number"]
Value = list[int] | list[str] | str | int


class KindForm(NamedTuple):
    """annotation: its type. argument and results: the names of variables of this kind, as what goes in and as what comes out of
    one part after another. noun: what a task calls it. edges: the inputs that are always tried, and tested."""

    annotation: str
    argument: str
    results: tuple[str, ...]
    noun: str
    edges: tuple[Value, ...]


# As an input, a number is never negative.
KINDS: dict[Kind, KindForm] = {
    "numbers": KindForm("list[int]", "numbers", ("values", "results", "found", "items"), "list of whole numbers", ([], [0], [4, 4])),
    "text": KindForm("str", "text", ("result", "changed", "output", "line"), "text", ("", "a", "Noon")),
    "words": KindForm("list[str]", "words", ("parts", "chosen", "terms", "pieces"), "list of words", ([], ["level"])),
    "number": KindForm("int", "n", ("total", "answer", "amount", "score"), "number n", (0, 1)),
}
