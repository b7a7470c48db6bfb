"""Tokenising many rows: `python -m benchmarks.rows --model CHECKPOINT` writes a file of conversations, a quarter million or as
many as are asked for, and in turns has kit make training rows of them, and a bare loop (each by the chat template, a thousand at
a time by the tokenizer's backend) that keeps nothing. Each runs in a process of its own; processor time and the peak of memory
are printed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from generators.tasks.math.stories import stories
from kit.core.config import resolve
from kit.models.checkpoint import read
from kit.models.load import load_tokenizer
from kit.models.tokens import Tokens
from kit.train.data import load_sources
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.rows import batches


def write(path: Path, count: int, words: int) -> None:
    """Conversations of about so many words each, no two the same."""
    rng = np.random.default_rng(0)
    texts = [
        word for story, _ in zip(stories(0, "train", (2, 3, 4)), range(3000), strict=False) for word in story.question.split()
    ]
    with path.open("w") as file:
        for i in range(count):
            at = int(rng.integers(len(texts) - words))
            told = texts[at : at + words]
            row = {"prompt": f"{i}. {' '.join(told[: words // 3])}", "completion": " ".join(told[words // 3 :])}
            file.write(json.dumps(row) + "\n")


def kit(source: Path, model: str, count: int, out: Path) -> int:
    checkpoint = read(model)
    tokens = Tokens(load_tokenizer(checkpoint), declared=checkpoint.stops)
    settings = {"recipe": "posttrain", "task": "if", "examples": count, "epochs": 1, "max_length": 100_000}
    config = resolve(TrainConfig, with_defaults(settings))
    return int(load_sources(config, str(source), tokens, place=out).sources["examples"].lengths.sum())


def bare(source: Path, model: str) -> int:
    tokenizer: Any = load_tokenizer(read(model))
    total = 0
    with source.open() as file:
        for lines in batches(file):
            rows = [json.loads(line) for line in lines]
            talks = [[{"role": "user", "content": r["prompt"]}, {"role": "assistant", "content": r["completion"]}] for r in rows]
            texts = [tokenizer.apply_chat_template(talk, tokenize=False) for talk in talks]
            total += sum(len(e.ids) for e in tokenizer.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=False))
    return total


def measured(run: Callable[[], int]) -> tuple[int, float, float, float]:
    """Of a call in this process: what it found, CPU-seconds, and MB at the peak and before."""
    load_libraries()
    own = resource.getrusage(resource.RUSAGE_SELF)
    found = run()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return found, after.ru_utime + after.ru_stime - own.ru_utime - own.ru_stime, after.ru_maxrss / 1000, own.ru_maxrss / 1000


def load_libraries() -> None:
    for name in ("datasets", "torch", "transformers"):
        importlib.import_module(name)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", required=True)
    for name, default in (("rows", 250_000), ("words", 185), ("pairs", 1)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.jsonl"
        write(source, asked.rows, asked.words)
        print(f"{asked.rows:,} conversations, {source.stat().st_size / 1e6:,.0f} MB")
        for number in range(asked.pairs):
            runs: dict[str, Callable[[], int]] = {
                "kit": partial(kit, source, asked.model, asked.rows, Path(folder) / str(number)),
                "bare loop": partial(bare, source, asked.model),
            }
            costs = []
            for name, run in runs.items():
                with ProcessPoolExecutor(1, get_context("spawn")) as alone:
                    tokens, seconds, peak, before = alone.submit(measured, run).result()
                costs.append(seconds)
                found = f"{tokens:,} tokens ({tokens / asked.rows:.0f} a row)"
                print(f"{name:<10} {found} {seconds:7.1f} CPU-s, {peak:,.0f} MB ({before:,.0f} before)", flush=True)
            print(f"{costs[0] / costs[1]:.2f} times the bare loop's")


if __name__ == "__main__":
    main()
