"""What a release costs as its world grows: the folder, and each check of it. Nothing is sent.

    python -m benchmarks.publishing [--sizes 1000 10000 100000] [--full]

Each size runs in a process of its own, on a world of `benchmarks.generation`, made before. Processor seconds and peak memory are
that process's, imports included. Worlds of more than 100,000 entities are not generated again, unless with --full.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from kit.cli.publish import _remake
from kit.publish.check import check_release
from kit.publish.config import PublishConfig
from kit.publish.release import make_release
from kit.publish.world import fill, render_world


def seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory() -> float:
    """Megabytes of this process at its peak so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def release(world: Path, full: bool) -> None:
    """One release, in this process; prints its steps and its row."""
    steps = [("imports", seconds(), memory())]

    def say(step: str) -> None:
        steps.append((step, seconds(), memory()))

    say("the folder")
    out = world.parent / "release"
    made = make_release(world, "lab/world", PublishConfig(), out, fill, render_world)
    report = check_release(out, render_world, _remake, full, world, say)
    say("")
    if report.faults:
        raise SystemExit(report.faults[0])
    for (name, start, _), (_, end, peak) in pairwise(steps[1:]):
        print(f"    {end - start:7.1f} CPU-s {peak:7,.0f} MB so far  {name}")
    size = sum(path.stat().st_size for path in made.files())
    print(
        f"{seconds():.1f} CPU-s, {memory():,.0f} MB at the peak, {size / 2**20:,.0f} MB in {len(made.files())} files", flush=True
    )
    for note in report.notes:
        print(f"note: {note}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--questions", type=int, default=100_000)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--world", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.world:
        release(given.world, given.full)
        return
    # Here, for `kit publish` does without them.
    from benchmarks.generation import config
    from generators.generate import generate_stage

    for size in given.sizes:
        with tempfile.TemporaryDirectory() as folder:
            world = generate_stage(config(size, given.questions, timeless=False), Path(folder) / "world")
            print(f"{size:,} entities", flush=True)
            command = [sys.executable, "-m", "benchmarks.publishing", "--world", str(world)]
            subprocess.run([*command, *(["--full"] if given.full else [])], check=True)


if __name__ == "__main__":
    main()
