"""Everything that kit writes, read as English and answered from the facts by a reader that shares no code with it.

    python -m benchmarks.oracle [--questions 20000] [--seeds 0 1 2] [--worlds demo rich timeless] [--show 3]

`rich` and `demo` are the presets, with as many questions as asked for; `timeless` is the former without time. Prints a Markdown
table, a row a shape and split (of documents: style and corpus, counted in sentences), all seeds together; and what was wrong.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from generators.config import GenerateConfig
from generators.generate import generate_stage
from generators.questions import SHAPES
from kit.core.config import read_preset, resolve
from tests.generators.oracle import Data, Problem, Row, documented, impossible, questioned, reasoned

WORLDS = ("demo", "rich", "timeless")
READ: dict[str, Callable[[Data], tuple[dict[tuple[str, str], Row], list[Problem]]]] = {
    "questions": lambda data: questioned(data, "questions"),
    "probes": lambda data: questioned(data, "probes"),
    "prompts": lambda data: reasoned(data, "questions"),
    "documents": documented,
    "world": lambda data: ({}, impossible(data)),
}


def config(world: str, questions: int, seed: int) -> GenerateConfig:
    """About so many questions in all, most of them for training."""
    data = read_preset("demo" if world == "demo" else "rich")["generate"]
    asked = {**data.get("questions", {})}
    shapes = asked.get("hops", 3) + (len(SHAPES) if asked.get("shapes") else 0)
    asked |= {"train_limit": max(10, questions // (2 * shapes)), "limit": max(10, questions // (8 * shapes))}
    made = {**data, "questions": asked, "seed": seed}
    if world == "timeless":
        made["world"] = {**data["world"], "timeline": None}
        asked["shapes"] = [shape for shape in SHAPES if shape != "temporal"]
        made["examples"] = {**data["examples"], "weights": {"chain-1": 1.0}}
    made["examples"] = {**made["examples"], "count": 100}
    return resolve(GenerateConfig, made)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--questions", type=int, default=20_000)
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments.add_argument("--worlds", nargs="+", choices=WORLDS, default=WORLDS)
    arguments.add_argument("--show", type=int, default=3, metavar="N", help="of each kind of problem so many are printed")
    asked = arguments.parse_args()
    print("| world | what | shape | split | asked | understood | wrong | stale wrongly flagged |")
    print("|---|---|---|---|---|---|---|---|")
    for world in asked.worlds:
        rows, problems, seconds = dict[tuple[str, str, str], Row](), list[Problem](), 0.0
        for seed in asked.seeds:
            with tempfile.TemporaryDirectory() as folder:
                data = Data(generate_stage(config(world, asked.questions, seed), Path(folder) / "world"))
                begun = time.process_time()
                for what, read in READ.items():
                    found, wrong = read(data)
                    problems += wrong
                    for key, row in found.items():
                        rows[what, *key] = row.plus(rows.get((what, *key), Row()))
                seconds += time.process_time() - begun
        for (what, shape, split), row in sorted(rows.items(), key=lambda item: ([*READ].index(item[0][0]), *item[0][1:])):
            print(f"| {world} | {what} | {shape} | {split} | " + " | ".join(f"{n:,}" for n in row) + " |")
        for part in dict.fromkeys(key[0] for key in rows):
            whole = Row()
            for name, row in rows.items():
                whole = whole.plus(row) if name[0] == part else whole
            print(f"| {world} | {part} | all | all | " + " | ".join(f"{n:,}" for n in whole) + " |", flush=True)
        print(f"\n{world}: {len(problems):,} problems; read in {seconds:.0f} s.\n")
        shown = Counter[tuple[str, str]]()
        for problem in problems:
            shown[problem.kind, problem.where] += 1
            if shown[problem.kind, problem.where] <= asked.show:
                print(f"- {problem.kind} ({problem.where}): {problem.text!r}: {problem.why}")


if __name__ == "__main__":
    main()
