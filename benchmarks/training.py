"""kit's trainer against a bare PyTorch loop: the same model, rows, micro-batches, clipping, optimizer and schedule.

    python -m benchmarks.training [--pairs 5] [--steps 150]

The loop is forward, loss, backward, clip, optimizer, scheduler, written out; both run in the demo's precision on one thread.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from transformers import get_scheduler

from benchmarks.side_by_side import compare
from generators.config import GenerateConfig
from generators.generate import generate_stage
from kit.core.config import read_preset, resolve
from kit.models.tiny import build_model, build_tokenizer
from kit.sweep.experiment import ExperimentConfig
from kit.train.data import load_sources
from kit.train.dealing import deal
from kit.train.run import fit, vocabulary_texts


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pairs", type=int, default=5)
    arguments.add_argument("--steps", type=int, default=150)
    asked = arguments.parse_args()
    torch.set_num_threads(1)
    experiment = resolve(ExperimentConfig, read_preset("demo"))
    base = experiment.base_config(0)
    config = experiment.train_config("posttrain", 1000, 0).model_copy(update={"steps": asked.steps})
    with tempfile.TemporaryDirectory() as folder:
        data = generate_stage(resolve(GenerateConfig, {**experiment.generate, "seed": 0}), Path(folder) / "world")
        tokenizer = build_tokenizer(vocabulary_texts(data))
        sources = load_sources(config, str(data), tokenizer).sources
        schedule = deal(sources, config.mixture(), asked.steps, 0)
        rows, batch, micro = schedule.rows, sum(config.mixture().values()), config.micro_batch or 1
        ends: dict[str, torch.Tensor] = {}

        def bare() -> None:
            model = build_model(base.tiny, tokenizer, 0).train()
            optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, betas=(0.9, 0.95), weight_decay=0.0)
            warmup = round(config.warmup * asked.steps)
            scheduler = get_scheduler(config.schedule, optimizer, warmup, asked.steps)
            for start in range(0, len(rows), batch):
                step = rows[start : start + batch]
                learned = sum(end - max(start, 1) for r in step for start, end in r.learned)
                for i in range(0, batch, micro):
                    part = step[i : i + micro]
                    width = max(len(r.input_ids) for r in part)
                    ids = torch.full((micro, width), int(tokenizer.pad_token_id))
                    mask = torch.zeros((micro, width), dtype=torch.long)
                    labels = torch.full((micro, width), -100)
                    for k, row in enumerate(part):
                        tokens = torch.tensor(row.input_ids)
                        ids[k, : len(tokens)] = tokens
                        mask[k, : len(tokens)] = 1
                        labels[k, : len(tokens)] = torch.tensor(row.labels())
                    model(input_ids=ids, attention_mask=mask, labels=labels, num_items_in_batch=learned).loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_gradient_norm)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
            ends["bare loop"] = model.get_input_embeddings().weight.detach()

        def ours() -> None:
            model = build_model(base.tiny, tokenizer, 0)
            fit(model, tokenizer, schedule, config, Path(folder) / "run")
            ends["kit"] = model.get_input_embeddings().weight.detach()

        compare(("bare loop", "kit"), (bare, ours), asked.pairs)
        tokens = sum(len(r.input_ids) for r in rows)
        print(f"{tokens:,} tokens in {asked.steps} steps of {batch} rows, {config.micro_batch} at a time")
        print(f"largest difference of an embedding weight at the end: {(ends['kit'] - ends['bare loop']).abs().max():.1e}")


if __name__ == "__main__":
    main()
