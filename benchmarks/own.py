"""What two large files of facts cost, from the file to the data: many relations among things of one kind, and one subject of
which everything is said. With another checkout of kit, each beside what it takes that one, in turn.

    python -m benchmarks.own [--before CHECKOUT]
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

Fact = tuple[str, str, str]

HERE = Path(__file__).parents[1]

LONGEST = 150
"""CPU-seconds after which a run is stopped."""

SETTINGS = """
[world]
relations = ["born_in", "works_for"]
known = { person = 40, company = 10, city = 10 }
novel = {}
own = { facts = "facts.csv" }
[documents]
exposures = 32
styles = ["biography", "statement", "encyclopedia", "dialogue"]
reading_worlds = 0
[questions]
hops = 3
[examples]
count = 10
facts_share = 0.0
weights = { chain-1 = 1.0 }
"""
"""The facts beside a small coined world, as every version of kit can have them."""


def many_relations(facts: int = 50_000, relations: int = 600, things: int = 8_000) -> Iterator[Fact]:
    """Facts of random things; no thing has two of one relation."""
    rng, seen = np.random.default_rng(0), set[tuple[int, int]]()
    while len(seen) < facts:
        subject, object_, relation = (int(rng.integers(n)) for n in (things, things, relations))
        if subject != object_ and (subject, relation) not in seen:
            seen.add((subject, relation))
            yield f"Item {subject}", f"property {relation}", f"Item {object_}"


def one_subject(facts: int = 20_000) -> Iterator[Fact]:
    return (("The Archive", "holds", f"Paper {i}") for i in range(facts))


def cost(checkout: Path, folder: Path, out: str) -> str:
    """CPU-seconds and peak memory of a checkout's kit on the settings in a folder."""
    command = [sys.executable, "-m", "kit", "generate", "--config", "settings.toml", "--out", out]
    environment = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST)),
    )  # fmt: skip
    assert process.stderr
    said = process.stderr.read().decode().strip().splitlines()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    figures = f"{used.ru_utime + used.ru_stime:7.1f} CPU-seconds, {used.ru_maxrss / 1024:7.0f} MB"
    return figures + (f" ({said[-1] if said else 'stopped'})" if process.returncode else "")


def compare(before: Path | None) -> None:
    """Prints a line for each file and checkout."""
    for name, facts in (("50,000 facts of 600 relations", many_relations()), ("20,000 facts of one subject", one_subject())):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "settings.toml").write_text(SETTINGS, "utf-8")
            with (Path(folder) / "facts.csv").open("w", newline="") as file:
                csv.writer(file).writerows([("subject", "relation", "object"), *facts])
            print(f"{name}:", cost(HERE, Path(folder), "now"), flush=True)
            if before:
                print(f"{'before':>{len(name)}}:", cost(before, Path(folder), "before"), flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--before", type=Path, metavar="CHECKOUT")
    compare(arguments.parse_args().before)


if __name__ == "__main__":
    main()
