"""Adapters of one base, asked through one engine of vLLM and by transformers, in an environment that holds both: how many greedy
outputs are the same, and how long each takes?

    python -m benchmarks.lora_arms --data DATA RUN [RUN ...] [--limit 60]

On a CPU with vLLM's own build: VLLM_CPU_KVCACHE_SPACE=1 VLLM_ENABLE_V1_MULTIPROCESSING=0.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import kit.infer.vllm
from evals.config import EvalConfig
from evals.run import evaluate, read_records
from kit.core.config import resolve

SLICES = [
    {"split": "novel", "hops": 2, "style": "cot"},
    {"split": "novel", "hops": 1, "style": "direct"},
    {"split": "recall_novel", "hops": 1, "shape": "unseen", "style": "cloze"},
]


def outputs(backend: str, data: str, run: str, limit: int, out: Path, **settings: Any) -> list[str]:
    """What a run's checkpoint answers, as it was written."""
    slices = [{**part, "limit": limit} for part in SLICES]
    given = {"slices": slices, "backend": backend, "precision": "fp32", "max_new_tokens": {"cot": 64, "direct": 16, "cloze": 6}}
    return [r.output for r in read_records(evaluate(resolve(EvalConfig, {**given, **settings}), data, run, out))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("runs", nargs="+")
    given = parser.parse_args()
    found: dict[str, list[list[str]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for backend, settings in (("vllm", {"memory_share": 0.2}), ("transformers", {})):
            started, cpu = time.perf_counter(), time.process_time()
            found[backend] = [
                outputs(backend, given.data, run, given.limit, Path(folder) / backend / str(number), **settings)
                for number, run in enumerate(given.runs)
            ]
            took = f"{time.perf_counter() - started:.1f} s, {time.process_time() - cpu:.1f} CPU-s"
            print(f"{backend}: {len(given.runs)} adapters, {sum(map(len, found[backend]))} answers, {took}", flush=True)
    print(f"engines that are running: {len(kit.infer.vllm._started)}")
    for run, ours, theirs in zip(given.runs, *found.values(), strict=True):
        same = sum(a == b for a, b in zip(ours, theirs, strict=True))
        print(f"{Path(run).name}: {same} of {len(ours)} outputs are the same")
    pairs = [pair for ours, theirs in zip(*found.values(), strict=True) for pair in zip(ours, theirs, strict=True)]
    same = sum(a == b for a, b in pairs)
    print(f"all: {same} of {len(pairs)}, {100 * same / len(pairs):.2f} %")


if __name__ == "__main__":
    main()
