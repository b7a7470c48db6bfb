"""The tasks of `kit eval --task`: one literal table, one file a task."""

from __future__ import annotations

from typing import Any

from evals.config import EvalConfig
from evals.tasks import code, instructions, math, multihop
from evals.tasks.task import Task
from kit.core.errors import KitError
from kit.core.records import TaskName

TASKS: dict[TaskName, Task[Any]] = {
    "multihop": multihop.TASK,
    "math": math.TASK,
    "code": code.TASK,
    "if": instructions.TASK,
}


def check_styles(config: EvalConfig) -> None:
    """Raises KitError for a slice in a style that its task is not asked in."""
    styles = TASKS[config.task].max_new_tokens
    for part in config.slices:
        if part.style not in styles:
            raise KitError(f"the task {config.task} is asked in style {' or '.join(styles)}, not {part.style}")
