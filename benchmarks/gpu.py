"""Training and answering on a GPU: `python -m benchmarks.gpu`, on a Llama of 1.2 billion random weights and rows of 1,024 tokens
in bf16: tokens a second and MFU of kit's trainer beside a bare loop, and tokens a second that vLLM answers with, where that is
installed. `--small` tries the script itself on whatever there is, with a model for which its figures say nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.training import bare_loop
from evals.config import EvalConfig
from evals.run import evaluate
from generators.config import GenerateConfig
from generators.generate import generate_stage
from kit.core.config import read_preset, resolve
from kit.core.devices import device_named
from kit.core.store import Stage, read_manifest
from kit.models.tiny import build_tokenizer
from kit.models.tokens import Row, Tokens
from kit.train.dealing import deal
from kit.train.ranks import Ranks
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.rows import Source, Told
from kit.train.run import fit
from kit.train.start import vocabulary_texts

SIZES = {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 18, "num_attention_heads": 16}
SMALL = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}


def model_of(sizes: dict[str, int], vocabulary: int) -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary, num_key_value_heads=sizes["num_attention_heads"], max_position_embeddings=2048, **sizes
    )
    return LlamaForCausalLM(config)


def rate(name: str, run: Callable[[], object], tokens: int, operations: float) -> float:
    """Print what a run makes of the device."""
    began = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    speed = tokens / (time.perf_counter() - began)
    device = device_named(torch.cuda.get_device_name()) if torch.cuda.is_available() else None
    share = f"  {operations * speed / device.flops:.1%} MFU" if device else ""
    print(f"{name:<10} {speed:12,.0f} tokens/s{share}", flush=True)
    return speed


def training(sizes: dict[str, int], steps: int, length: int, micro: int, folder: Path) -> None:
    tokens = Tokens(build_tokenizer(["a b c"]))
    vocabulary = 32_000 if sizes is SIZES else 1000
    rng = np.random.default_rng(0)
    given = {"recipe": "inject", "rows": {"novel": 4 * micro}, "micro_batch": micro, "steps": steps, "max_length": length}
    config = resolve(TrainConfig, with_defaults({**given, "precision": "bf16" if torch.cuda.is_available() else "fp32"}))
    rows = (Row(rng.integers(10, vocabulary, length).tolist(), ((0, length),)) for _ in range(4 * micro * steps))
    source = Source.of(Told(row, (), str(i), i) for i, row in enumerate(rows))
    schedule = deal({"novel": source}, config.mixture(), steps, 0)
    dealt = [schedule.row(place) for place in range(len(schedule))]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parameters = sum(p.numel() for p in model_of(sizes, vocabulary).parameters())
    operations = 6 * parameters + 12 * sizes["num_hidden_layers"] * sizes["hidden_size"] * length
    count = len(schedule) * length
    print(f"{parameters:,} parameters, rows of {length} tokens, {micro} at once, {count:,} tokens")

    def ours(number: int) -> Callable[[], object]:
        model = model_of(sizes, vocabulary).to(device)
        place = Stage(folder, folder / f"run {number}")
        return lambda: fit(model, tokens, schedule, config, place, Ranks(), lambda *_: None)

    def bare() -> Callable[[], object]:
        model = model_of(sizes, vocabulary).to(device)
        return lambda: bare_loop(model, dealt, config, tokens.pad)

    ratios = []
    for number in range(3):  # the first warms up
        speeds = [rate("kit", ours(number), count, operations), rate("bare loop", bare(), count, operations)]
        ratios.append(speeds[0] / speeds[1])
    print(f"kit at {min(ratios[1:]):.2f} to {max(ratios[1:]):.2f} of the bare loop")


def answering(sizes: dict[str, int], folder: Path) -> None:
    settings = {**read_preset("demo")["generate"], "seed": 0}
    data = generate_stage(resolve(GenerateConfig, settings), folder / "world")
    tokenizer = build_tokenizer(vocabulary_texts(data))
    checkpoint = folder / "checkpoint"
    model_of(sizes, len(tokenizer)).to(torch.bfloat16).save_pretrained(checkpoint)
    tokenizer.save_pretrained(checkpoint)
    backends = ["transformers", *(["vllm"] if importlib.util.find_spec("vllm") else [])]
    for backend in backends:
        given = {"backend": backend, "slices": [{"split": "novel", "hops": 2, "style": "cot", "limit": 200}]}
        config = resolve(EvalConfig, {**given, "max_new_tokens": {"cot": 64}})
        found = read_manifest(evaluate(config, str(data), str(checkpoint), folder / backend))
        print(f"{backend:<12} 200 answers of at most 64 tokens in {found.seconds:.1f} s, loading and all")
    if len(backends) < 2:
        print("vLLM is not installed: it was not measured")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--small", action="store_true")
    for name, default in (("steps", 10), ("length", 1024), ("micro", 8)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    asked = arguments.parse_args()
    if not torch.cuda.is_available() and not asked.small:
        print("there is no GPU here: nothing was measured")
        return
    sizes = SMALL if asked.small else SIZES
    with tempfile.TemporaryDirectory() as folder:
        training(sizes, asked.steps, asked.length, asked.micro, Path(folder))
        answering(sizes, Path(folder))


if __name__ == "__main__":
    main()
