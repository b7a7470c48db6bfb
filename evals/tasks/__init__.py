"""The tasks of `kit eval --task`: one literal table, one file a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evals.tasks import multihop
from kit.core.records import Question


@dataclass(frozen=True, slots=True)
class Task:
    """load: questions from a data directory, a file or a hub id."""

    load: Callable[[str], list[Question]]


TASKS: dict[str, Task] = {"multihop": Task(multihop.load_questions)}
