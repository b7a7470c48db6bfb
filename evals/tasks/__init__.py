"""The tasks of `kit eval --task`: one literal table, one file a task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from evals.config import EvalConfig
from evals.tasks import code, instructions, knowledge, math, multihop
from evals.tasks.task import Task
from kit.core.errors import KitError
from kit.core.records import TaskName

TASKS: dict[TaskName, Task[Any]] = {
    "multihop": multihop.TASK,
    "knowledge": knowledge.TASK,
    "math": math.TASK,
    "code": code.TASK,
    "if": instructions.TASK,
}


def check_lengths(config: EvalConfig, lengths: Iterable[str]) -> None:
    """Raises KitError for a length (`max_new_tokens`) that no answer has: of a style that is not asked, or only chosen in."""
    asked = {part.style for part in config.slices if part.mode != "choice" or part.sub_questions}
    if idle := next((style for style in lengths if style not in asked), None):
        raise KitError(f"max_new_tokens.{idle}: nothing is asked in style {idle}")


def check_styles(config: EvalConfig) -> None:
    """Raises KitError for a slice in a style that its task is not asked in."""
    styles = TASKS[config.task].max_new_tokens
    for part in config.slices:
        if part.style not in styles:
            raise KitError(f"the task {config.task} is asked in style {' or '.join(styles)}, not {part.style}")
