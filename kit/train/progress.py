"""What a run logs, put down while it runs: a line an entry, and TensorBoard's events where that is installed."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.integrations import TensorBoardCallback

from kit.core.store import append_journal, read_journal


class Progress(TrainerCallback):
    """Writes the log of a run as it grows.

    ends: by step, from 0, how many tokens were trained on when it was done; share: of what the devices can do, at one token a
    second, where that is known. Where a run goes on from a checkpoint, what was logged behind that is taken back.
    """

    def __init__(self, journal: Path, ends: Sequence[int], share: float | None = None) -> None:
        self.journal, self.ends, self.share = journal, ends, share
        self.step, self.clock = 0, time.perf_counter()

    def figures(self, step: int) -> dict[str, float]:
        """For the entry of a step: all tokens until then, how many a second since the entry before, and MFU (model FLOPs
        utilisation: PaLM, arXiv 2204.02311, appendix B, attention left out)."""
        now = time.perf_counter()
        done, taken = self.ends[step] - self.ends[self.step], max(now - self.clock, 1e-9)
        self.step, self.clock = step, now
        rate = {"tokens": self.ends[step], "tokens_per_second": round(done / taken, 1)}
        return rate if self.share is None else {**rate, "mfu": round(self.share * done / taken, 4)}

    def pause(self, seconds: float) -> None:
        """So long nothing was trained."""
        self.clock += seconds

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self.step, self.clock = state.global_step, time.perf_counter()
        kept = [entry for entry in read_journal(self.journal) if entry["step"] <= self.step and "train_runtime" not in entry]
        self.journal.unlink(missing_ok=True)
        append_journal(self.journal, kept)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        append_journal(self.journal, state.log_history[-1:])


def tensorboard(events: Path) -> list[TrainerCallback]:
    """TensorBoard's own callback, where that is installed; events: the folder that it writes to."""
    if not importlib.util.find_spec("tensorboard"):
        return []
    from torch.utils.tensorboard import SummaryWriter

    return [TensorBoardCallback(SummaryWriter(str(events)))]
