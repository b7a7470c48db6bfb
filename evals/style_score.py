"""A style score, without a judge: is an answer in the form, of the length and in the wording of the gold response? It tells
neither who would prefer the answer nor whether it is right."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from evals.config import EvalConfig
from evals.tasks import TASKS
from kit.core.errors import KitError
from kit.core.records import EvalRecord, Question, Style, TaskName
from kit.models.prompts import assistant_message, code_turns, instruction_turns, math_turns, user_message

COMPONENTS = ("format", "length", "wording")
"""What the score is the mean of; each lies between 0 and 1."""

GRAM = 3
"""Characters of the pieces that wordings are compared by."""

_WORD = re.compile(r"\d+(?:[.,:/]\d+)*|[^\W\d_][\w'’-]*")


def style_score(record: EvalRecord, gold: str = "") -> dict[str, float]:
    """The components, and as `style` their plain mean; without a gold response `format` alone, and no mean.

    format: 1 where the task's rule found an answer to score. length: the shorter of output and gold as a share of the longer,
    in characters, so that too long counts as too short does. wording: `same_wording`.

    >>> asked = EvalRecord("q", "math", "?", "3+4=7\\n#### 7", "7", ("9",), {}, "step", {})
    >>> style_score(asked, "5+4=9\\n#### 9")
    {'format': 1.0, 'length': 1.0, 'wording': 1.0, 'style': 1.0}
    """
    found = {"format": float(bool(record.extracted) and record.error != "format")}
    output, gold = record.output.strip(), gold.strip()
    if not gold:
        return found
    found["length"] = min(len(output), len(gold)) / max(len(output), len(gold))
    found["wording"] = same_wording(output, gold)
    return {**found, "style": sum(found.values()) / len(COMPONENTS)}


def masked(text: str) -> str:
    """A text without what it is about: numbers are 0, capitalised words (names, and what begins a sentence) X, several in a row
    one, and all else is in lower case.

    >>> masked("So the answer is Bo Li, born in 1,902.")
    'X the answer is X, born in 0.'
    """
    apart = _WORD.sub(lambda m: "0" if m[0][0].isdigit() else "X" if m[0][0].isupper() else m[0].lower(), text)
    return re.sub(r"X(?: X)+", "X", apart)


def same_wording(a: str, b: str) -> float:
    """The cosine of how often each piece of GRAM characters stands in two masked texts: 1 for the same wording, 0 for nothing
    in common. Time and memory grow with the length of the texts.

    >>> same_wording("Ann has 3 pears.", "Bob has 12 pears.")
    1.0
    """
    one, two = _pieces(a), _pieces(b)
    norms = math.prod(sum(count * count for count in pieces.values()) for pieces in (one, two))
    together = sum(count * two[piece] for piece, count in one.items())
    return min(1.0, together / math.sqrt(norms)) if norms else 0.0


def _pieces(text: str) -> Counter[str]:
    padded = f" {masked(text.strip())} "
    return Counter(padded[i : i + GRAM] for i in range(len(padded) - GRAM + 1))


def _question_turns(question: Question, style: Style) -> tuple[str, str]:
    answer = question.answers[0]
    gold = answer if style == "cloze" else assistant_message(answer, style, question.sub_questions)
    return user_message(question.text, style), gold


_TURNS: dict[TaskName, Callable[[Any, Style], tuple[str, str]]] = {
    "multihop": _question_turns,
    "math": math_turns,
    "code": code_turns,
    "if": instruction_turns,
}
"""What the user says of a task's item, and the gold response."""


def gold_responses(data: str, config: EvalConfig, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The gold response of each (slice, question id) of an evaluation of `data`; empty where an item has none.

    Raises KitError where the data lack a question.
    """
    items = {item.id: item for item in TASKS[config.task].load(data, config).items}
    styles = {name: part.style for part in config.slices for name in (part.name, part.short_name)}
    found = {}
    for name, id_ in wanted:
        if id_ not in items:
            raise KitError(f"{data} has no item {id_}, which was evaluated: name the data of the evaluations")
        found[name, id_] = _TURNS[config.task](items[id_], styles[name])[1]
    return found
