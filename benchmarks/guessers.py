"""What guessers who know no fact score on kit's own worlds, pooled over seeds and splits.

    python -m benchmarks.guessers [--seeds 0 1 2 3 4] [--worlds demo rich large] [--least 4] [--sample 2000]

`demo` and `rich` are the presets, `large` has 10,000 entities and all relations over time. Prints a Markdown table, a row a
guesser and shape; with --least, only those that lie so many standard errors from chance, on either side.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.generation import config
from generators.config import GenerateConfig
from generators.generate import RECORDS, generate
from generators.guessers import GUESSERS, NAMES, Tally, tallies
from kit.core.config import dump, read_preset, resolve
from kit.core.records import schema_of
from kit.core.store import write_arrow

WORLDS = ("demo", "rich", "large")
READ = ("entities", "facts", "shuffled_facts", "questions", "probes")
"""The tables that guessers read; the others are not made."""


def settings(world: str, seed: int) -> GenerateConfig:
    data = dump(config(10_000, 100_000, False)) if world == "large" else read_preset(world)["generate"]
    return resolve(GenerateConfig, {**data, "seed": seed})


def scored(world: str, seed: int, sample: int) -> dict[tuple[str, str], Tally]:
    """By guesser and shape, all splits (and, of names, all pairs of parts) together."""
    pooled: dict[tuple[str, str], Tally] = {}
    with tempfile.TemporaryDirectory() as folder:
        tables = generate(settings(world, seed))._asdict()
        for name in READ:
            write_arrow(Path(folder) / f"{name}.parquet", schema_of(RECORDS[name]), tables[name])
        for (guesser, shape, _), tally in tallies(Path(folder), sample).items():
            pooled[guesser, shape] = tally.plus(pooled.get((guesser, shape), Tally(0, 0, 0, 0)))
    return pooled


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    arguments.add_argument("--worlds", nargs="+", choices=WORLDS, default=WORLDS)
    arguments.add_argument("--least", type=float, default=0.0, metavar="Z")
    arguments.add_argument("--sample", type=int, default=2000)
    asked = arguments.parse_args()
    print("| world | guesser | shape | n | right | chance | effect | z |")
    print("|---|---|---|---|---|---|---|---|")
    for world in asked.worlds:
        pooled: dict[tuple[str, str], Tally] = {}
        for seed in asked.seeds:
            for key, tally in scored(world, seed, asked.sample).items():
                pooled[key] = tally.plus(pooled.get(key, Tally(0, 0, 0, 0)))
        order = [*GUESSERS, *NAMES]
        for (guesser, shape), tally in sorted(pooled.items(), key=lambda row: (order.index(row[0][0]), row[0][1])):
            told = tally.figures()
            if abs(told["z"]) >= asked.least:
                figures = f"{told['right']:.3f} | {told['chance']:.3f} | {told['effect']:+.3f} | {told['z']:+.1f}"
                print(f"| {world} | {guesser} | {shape} | {told['n']:,} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
