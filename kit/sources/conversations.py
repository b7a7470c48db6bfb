"""Finetuning examples from rows that others made: conversations (Conifer), instructions with responses (StarCoder2 self-align,
Dolly), prompts with completions, and the questions of GSM8K, HumanEval, HotpotQA, MuSiQue and SubQA with their gold answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kit.core.errors import KitError
from kit.core.records import TaskName
from kit.core.rows import Row
from kit.models.prompts import code_turns, math_turns, question_turns
from kit.sources.functions import code_problem
from kit.sources.questions import foreign_question
from kit.sources.word_problems import math_problem

Turns = tuple[tuple[str, str], ...]
"""What the user says and what the assistant answers, one pair after the other."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One finetuning example: every answer in it is learned. facts: the ids of those it carries."""

    turns: Turns
    facts: tuple[str, ...] = ()


def _messages(row: Row) -> Turns:
    """Chat rows (`ConiferLM/Conifer`): `messages`, each with role and content, user and assistant by turns."""
    said = [(m.text("role"), m.text("content")) for m in row.rows("messages")]
    if not said or [role for role, _ in said] != ["user", "assistant"] * (len(said) // 2):
        roles = ", ".join(role for role, _ in said) or "nobody"
        raise KitError(f"{row.where}: messages must go user, assistant, user, assistant, …; they go {roles}")
    texts = [text for _, text in said]
    return tuple(zip(texts[::2], texts[1::2], strict=True))


def _completion(row: Row) -> Turns:
    return ((row.text("prompt"), row.text("completion")),)


def _response(row: Row) -> Turns:
    """`bigcode/self-oss-instruct-sc2-exec-filter-50k`, and `databricks/databricks-dolly-15k`, which may have a context too."""
    context = row.text("context", empty=True).strip() if row.has("context") else ""
    asked = row.text("instruction")
    return ((f"{asked}\n\n{context}" if context else asked, row.text("response")),)


def _question(row: Row) -> Turns:
    question = foreign_question(row)
    return (question_turns(question, "cot" if question.sub_questions else "direct"),)


FORMS: dict[str, Callable[[Row], Turns]] = {"messages": _messages, "completion": _completion, "response": _response}
"""The column that tells a form of row, whatever the task."""

OF_TASKS: dict[TaskName, Callable[[Row], Turns]] = {
    "multihop": _question,
    "math": lambda row: (math_turns(math_problem(row), "cot"),),
    "code": lambda row: (code_turns(code_problem(row), "direct"),),
}
"""What a row is that has none of those columns: an item of the task, with its gold answer."""


def conversation(row: Row, task: TaskName) -> Conversation:
    """What a row teaches. Raises KitError, with its number, for one that teaches nothing."""
    form: Callable[[Row], Turns] | None = next((make for name, make in FORMS.items() if row.has(name)), OF_TASKS.get(task))
    if form is None:
        forms = "messages, prompt and completion, or instruction and response"
        raise KitError(f"{row.where}: no answer to learn from: rows need {forms}")
    return Conversation(form(row))
