"""Data of one's own for models small enough to train anywhere, in the forms of the benchmarks that it stands in for.

Items are made from `(seed, split, count, difficulty)`: item i depends on the seed and on i alone, and whether something is for
training or a test depends on what it is, so that no two seeds share any across the splits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from generators.tasks import code, instructions, math
from kit.core.records import Style, TaskName
from kit.models.prompts import TASK_TURNS


class TaskData(NamedTuple):
    """items: from seed, split, count and difficulty to items, each a `record`. turns: what the user says of one, and what is
    right to answer. style: how it is asked. difficulties: what there is."""

    items: Callable[..., Iterator[Any]]
    record: type
    turns: Callable[[Any, Style], tuple[str, str]]
    style: Style
    difficulties: range


TASK_DATA: dict[TaskName, TaskData] = {
    "math": TaskData(math.problems, *TASK_TURNS["math"], "cot", math.DIFFICULTIES),
    "code": TaskData(code.problems, *TASK_TURNS["code"], "direct", code.DIFFICULTIES),
    "if": TaskData(instructions.prompts, *TASK_TURNS["if"], "direct", instructions.DIFFICULTIES),
}
