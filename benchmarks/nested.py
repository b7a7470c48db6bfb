"""A curve by D out of one run, beside the run of its largest D alone.

    python -m benchmarks.nested --model CHECKPOINT --data DATA [--counts 32 64 128 256 512 1024] [--pairs 2]

DATA is made by kit generate, and has as many examples. Both train once through the largest count; the curve keeps what it was
behind the smaller ones, and makes a run's directory of each.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import count
from pathlib import Path

from benchmarks.side_by_side import compare
from kit.core.config import resolve
from kit.train.nested import point
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--counts", type=int, nargs="+", default=[32, 64, 128, 256, 512, 1024])
    parser.add_argument("--pairs", type=int, default=2)
    given = parser.parse_args()
    *smaller, largest = sorted(given.counts)
    taken = count()

    def config(examples: int, *keep: int) -> TrainConfig:
        settings = {
            "recipe": "posttrain",
            "examples": examples,
            "order": "drawn",
            "epochs": 1.0,
            "schedule": "constant",
            "threads": 2,
        }
        return resolve(TrainConfig, with_defaults({**settings, "keep": keep}))

    with tempfile.TemporaryDirectory() as folder:

        def place(name: str) -> Path:
            return Path(folder) / f"{next(taken)}-{name}"

        def alone() -> None:
            train(config(largest), given.data, given.model, place("largest"))

        def curve() -> None:
            longer = train(config(largest, *(n // 8 for n in smaller)), given.data, given.model, place("curve"))
            for n in smaller:
                point(config(n), given.data, given.model, place(str(n)), longer)

        compare(("the largest alone", f"the curve of {len(smaller) + 1}"), (alone, curve), given.pairs)


if __name__ == "__main__":
    main()
