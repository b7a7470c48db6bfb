"""Facts asked for while they are learned: how many a model would complete, and how likely it finds them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from kit.core.errors import KitError
from kit.core.records import Question
from kit.core.seeds import stream
from kit.core.store import read_records, table_files
from kit.models.tokens import Row, Tokens
from kit.train.batches import padded

PROBED = {"known": "recall_known", "novel": "recall_novel"}
"""Of the sources that tell facts, the split of the probes that ask for them."""

TOGETHER = 16
"""Probes that go through a model at once."""


class Probe(NamedTuple):
    """A sentence without its object: the tokens given, and those that complete it."""

    given: list[int]
    answer: list[int]


def probes_of(data: Path, sources: Sequence[str], count: int, tokens: Tokens) -> dict[str, list[Probe]]:
    """By split, up to so many clozes in words that no document has, drawn once and for all. Raises KitError where the data have
    none of a source."""
    found: dict[str, list[Probe]] = {}
    for source in [source for source in sources if source in PROBED]:
        split, path = PROBED[source], data / "probes.parquet"
        there = [*read_records(path, Question, split=split, shape="unseen")] if table_files(path)[0].exists() else []
        if not there:
            raise KitError(f"probes: {data} asks in unseen words for no facts of {source}: leave probes out")
        order = stream(0, "probes", split).permutation(len(there))[:count].tolist()
        found[split] = [Probe(*tokens.continued(there[i].text, f" {there[i].answers[0]}", chat=False)) for i in order]
    return found


class Probing(TrainerCallback):
    """Asks every `every` steps, and behind those of `also` and the last. log: is told `probe_recall_known` and
    `probe_recall_novel`, the share of which every token is the model's first choice, and `probe_logprob_…`, of the whole answer,
    in nats, the mean over probes; pause: how long it took."""

    def __init__(
        self,
        probes: dict[str, list[Probe]],
        pad: int,
        every: int,
        also: Collection[int],
        computing: Callable[[], AbstractContextManager[Any]],
        log: Callable[[dict[str, float]], None],
        pause: Callable[[float], None],
    ) -> None:
        self.probes, self.pad, self.every, self.also = probes, pad, every, also
        self.computing, self.log, self.pause = computing, log, pause

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if state.global_step % self.every == 0 or state.global_step in (*self.also, state.max_steps):
            started = time.perf_counter()
            model = kwargs["model"]
            model.eval()
            with torch.no_grad(), self.computing():
                figures = {
                    name: value for split, probes in self.probes.items() for name, value in self._asked(model, split, probes)
                }
            model.train()
            self.pause(time.perf_counter() - started)
            self.log(figures)

    def _asked(self, model: Any, split: str, probes: list[Probe]) -> list[tuple[str, float]]:
        found: list[tuple[bool, float]] = []
        device = next(model.parameters()).device
        for start in range(0, len(probes), TOGETHER):
            some = probes[start : start + TOGETHER]
            batch = padded([Row([*p.given, *p.answer], ()) for p in some], self.pad)
            inputs = {name: batch[name].to(device) for name in ("input_ids", "attention_mask")}
            logits = model(**inputs).logits
            for probe, row in zip(some, logits, strict=True):
                first = len(probe.given) - 1
                told = torch.log_softmax(row[first : first + len(probe.answer)].float(), dim=-1)
                gold = torch.tensor(probe.answer, device=device)
                likely = told.gather(1, gold[:, None]).sum()
                found.append((bool((told.argmax(-1) == gold).all()), float(likely)))
        right, likely = np.array(found, float).mean(axis=0).tolist()
        return [(f"probe_{split}", round(right, 4)), (f"probe_{split.replace('recall', 'logprob')}", round(likely, 4))]
