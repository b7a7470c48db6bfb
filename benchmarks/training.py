"""kit's trainer beside a bare PyTorch loop: the same model, rows, loss, optimizer and schedule.

    python -m benchmarks.training [--model DIR] [--steps 150] [--pairs 5] [--threads 1] [--precision fp32]

Without a model: the demo's tiny one, on its examples; with one: that checkpoint, on the demo's documents and examples.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import get_scheduler

from benchmarks.side_by_side import compare
from generators.config import GenerateConfig
from generators.generate import generate_stage
from kit.core.config import read_preset, resolve
from kit.core.store import Stage
from kit.models.checkpoint import TINY, read
from kit.models.load import choose_dtype, load, load_tokenizer
from kit.models.tiny import build_model, build_tokenizer
from kit.models.tokens import Row, Tokens
from kit.sweep.experiment import ExperimentConfig
from kit.train.data import load_sources
from kit.train.dealing import deal
from kit.train.ranks import Ranks
from kit.train.recipes import TrainConfig
from kit.train.run import fit
from kit.train.start import vocabulary_texts


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", default=TINY)
    arguments.add_argument("--precision", default="auto")
    for name, default in (("pairs", 5), ("steps", 150), ("threads", 1)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    asked = arguments.parse_args()
    torch.set_num_threads(asked.threads)
    experiment = resolve(ExperimentConfig, read_preset("demo"))
    replicate = experiment.replicates[0]
    base = experiment.base_config(replicate)
    changes = {"steps": asked.steps, "precision": asked.precision, "max_length": 2048}
    config = experiment.train_config("posttrain", 1000, replicate).model_copy(update=changes)
    with tempfile.TemporaryDirectory() as folder:
        data = generate_stage(resolve(GenerateConfig, {**experiment.generate, "seed": 0}), Path(folder) / "world")
        if asked.model == TINY:
            tokens = Tokens(build_tokenizer(vocabulary_texts(data)))
        else:
            checkpoint = read(asked.model)
            tokens = Tokens(load_tokenizer(checkpoint), declared=checkpoint.stops)
        schedule = deal(load_sources(config, str(data), tokens).sources, config.mixture(), asked.steps, 0)
        rows = [schedule.row(place) for place in range(len(schedule))]
        batch = sum(config.mixture().values())
        ends: dict[str, torch.Tensor] = {}

        def fresh() -> Any:
            return build_model(base.tiny, tokens.tokenizer, 0) if asked.model == TINY else load(checkpoint)

        def bare(model: Any) -> None:
            bare_loop(model, rows, config, tokens.pad)
            ends["bare loop"] = model.get_input_embeddings().weight.detach()

        def ours(model: Any) -> None:
            fit(model, tokens, schedule, config, Stage(Path(folder), Path(folder) / "run"), Ranks(), lambda *_: None)
            ends["kit"] = model.get_input_embeddings().weight.detach()

        compare(("bare loop", "kit"), (lambda: bare(fresh()), lambda: ours(fresh())), asked.pairs)
        count = sum(len(r.input_ids) for r in rows)
        print(f"{count:,} tokens in {asked.steps} steps of {batch} rows, {config.micro_batch} at a time")
        print(f"largest difference of an embedding weight at the end: {(ends['kit'] - ends['bare loop']).abs().max():.1e}")


def bare_loop(model: Any, rows: Sequence[Row], config: TrainConfig, pad: int) -> None:
    """The same arithmetic with nothing around it, on whatever device the model is."""
    batch, micro = sum(config.mixture().values()), config.micro_batch or 1
    device = model.device
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, betas=(0.9, 0.95), weight_decay=0.0)
    steps = len(rows) // batch
    scheduler = get_scheduler(config.schedule, optimizer, round(config.warmup * steps), steps)
    half = choose_dtype(config.precision) == torch.bfloat16
    for start in range(0, len(rows), batch):
        step = rows[start : start + batch]
        learned = sum(end - max(begin, 1) for r in step for begin, end in r.learned)
        for i in range(0, batch, micro):
            part = step[i : i + micro]
            width = max(len(r.input_ids) for r in part)
            ids = torch.full((len(part), width), pad)
            mask = torch.zeros((len(part), width), dtype=torch.long)
            labels = torch.full((len(part), width), -100)
            for k, row in enumerate(part):
                row_ids = torch.tensor(row.input_ids)
                ids[k, : len(row_ids)] = row_ids
                mask[k, : len(row_ids)] = 1
                labels[k, : len(row_ids)] = torch.tensor(row.labels())
            given = {"input_ids": ids, "attention_mask": mask, "labels": labels}
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                found = model(**{name: each.to(device) for name, each in given.items()}, num_items_in_batch=learned)
            found.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_gradient_norm)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()


if __name__ == "__main__":
    main()
