"""What a run goes on from once it was ended: when the trainer's state is saved, and which saved state is whole."""

from __future__ import annotations

import json
import shutil
import signal
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from kit.train.ranks import Ranks

SECONDS = 600.0
"""How long a run goes on without being saved, where no number of steps is set."""


class Saving(TrainerCallback):
    """Has the trainer save its state: every `every` steps, or about every ten minutes where that is None; and on SIGTERM, which
    ends the process as it would have, but behind the step that is under way. A second one ends it at once.

    A context: signals are caught within it, where it is entered by the main thread.
    """

    def __init__(self, every: int | None, ranks: Ranks) -> None:
        self.every, self.ranks, self.terminated = every, ranks, False
        self.saved = time.monotonic()
        self.before: Any = None

    def __enter__(self) -> Saving:
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGTERM, self._end)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.before is not None:
            signal.signal(signal.SIGTERM, self.before)
        if self.terminated:
            signal.raise_signal(signal.SIGTERM)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.terminated = True
        signal.signal(signal.SIGTERM, self.before)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        due = state.global_step % self.every == 0 if self.every else time.monotonic() - self.saved >= SECONDS
        self.terminated, due = self.ranks.any(self.terminated, due)
        if self.terminated or (due and state.global_step < state.max_steps):
            control.should_save = True
        if self.terminated:
            control.should_training_stop = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self.saved = time.monotonic()


class Keeping(TrainerCallback):
    """Leaves the weights as they are behind some steps, which are logged. leave: is told the step."""

    def __init__(self, steps: Collection[int], leave: Callable[[int], None]) -> None:
        self.steps, self.leave = set(steps), leave

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if state.global_step in self.steps:
            self.leave(state.global_step)
            control.should_log = True


def last_saved(folder: Path) -> str | None:
    """The newest whole state of an interrupted run. `trainer_state.json` is the last file that the trainer writes: a folder
    without a readable one was torn by the interruption and is dropped."""
    whole: dict[int, Path] = {}
    for state in folder.glob("checkpoint-*"):
        try:
            whole[int(json.loads((state / "trainer_state.json").read_text("utf-8"))["global_step"])] = state
        except (OSError, ValueError, KeyError):
            shutil.rmtree(state)
    return str(whole[max(whole)]) if whole else None
