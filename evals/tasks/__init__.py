"""The tasks of `kit eval --task`: one literal table, one file a task."""

from __future__ import annotations

from typing import Any

from evals.tasks import code, instructions, math, multihop
from evals.tasks.task import Task
from kit.core.records import TaskName

TASKS: dict[TaskName, Task[Any]] = {
    "multihop": multihop.TASK,
    "math": math.TASK,
    "code": code.TASK,
    "if": instructions.TASK,
}
