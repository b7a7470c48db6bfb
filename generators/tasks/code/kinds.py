"""The kinds of value that functions take and give, and how each is written and spoken of."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["numbers", "text", "words", "number"]
Value = list[int] | list[str] | str | int


class KindForm(NamedTuple):
    """noun: what a task calls it. annotation: its type. argument and results: the names of variables that hold it, as what goes
    in and as what comes out of one part after another. edges: the inputs that are always tried."""

    noun: str
    annotation: str
    argument: str
    results: tuple[str, ...]
    edges: tuple[Value, ...]


# As an input, a number is never negative.
KINDS: dict[Kind, KindForm] = {
    "numbers": KindForm(
        "list of whole numbers", "list[int]", "numbers", ("values", "results", "found", "items"), ([], [0], [4, 4])
    ),
    "text": KindForm("text", "str", "text", ("result", "changed", "output", "line"), ("", "a", "Noon")),
    "words": KindForm("list of words", "list[str]", "words", ("parts", "chosen", "terms", "pieces"), ([], ["level"])),
    "number": KindForm("number n", "int", "n", ("total", "answer", "amount", "score"), (0, 1)),
}
