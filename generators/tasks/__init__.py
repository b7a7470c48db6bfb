"""Data of one's own for models small enough to train anywhere, in the forms of the benchmarks that it stands in for.

Items are made from `(seed, split, count, difficulty)`: item i depends on the seed and on i alone, and whether something is for
training or a test depends on what it is, so that no two seeds share any across the splits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from generators.tasks import code, instructions, math
from kit.core.records import CodeProblem, InstructionPrompt, MathProblem, Style, TaskName
from kit.models.prompts import code_turns, instruction_turns, math_turns


class TaskData(NamedTuple):
    """items: from seed, split, count and difficulty to items, each a `record`. turns: what the user says of one, and what is
    right to answer. style: how it is asked."""

    items: Callable[..., Iterator[Any]]
    record: type
    turns: Callable[[Any, Style], tuple[str, str]]
    style: Style


TASK_DATA: dict[TaskName, TaskData] = {
    "math": TaskData(math.problems, MathProblem, math_turns, "cot"),
    "code": TaskData(code.problems, CodeProblem, code_turns, "direct"),
    "if": TaskData(instructions.prompts, InstructionPrompt, instruction_turns, "direct"),
}
