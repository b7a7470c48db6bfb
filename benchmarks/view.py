"""What looking costs: pages by size, and a server over a million questions by time and memory.

`python -m benchmarks.view [--rows 1000000]`. The million are a generated world's questions over and over, each with its own id.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evals.config import EvalConfig
from evals.run import evaluate
from generators.config import GenerateConfig
from generators.generate import generate_stage
from kit.core.config import apply_overrides, read_preset, resolve
from kit.core.store import read_manifest, write_arrow, write_json
from kit.view.open import sections
from kit.view.page import MOST, write_page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = made(Path(folder) / "world")
        pages(world, Path(folder))
        server(many(world, Path(folder) / "many", asked.rows))


def made(place: Path) -> Path:
    """A world of as many questions as a page holds."""
    settings = apply_overrides(
        read_preset("demo")["generate"], ["world.known={person=119,company=23,city=24}", f"questions.train_limit={MOST}"]
    )
    generate_stage(resolve(GenerateConfig, {**settings, "seed": 0}), place)
    return place


def pages(world: Path, folder: Path) -> None:
    """A page of a world, and one of as many answers."""
    (section,) = sections([world], ["world"])
    start = time.process_time()
    write_page([section], "world", folder / "world.html")
    size = (folder / "world.html").stat().st_size
    told = ", ".join(f"{len(table):,} {name}" for name, table in section.tables.items())
    print(f"a page of {told}: {size / 1e6:.2f} MB, {time.process_time() - start:.1f} CPU-s")
    table = pq.read_table(world / "questions.parquet", columns=["id", "split", "sub_questions", "answers"])
    rows = [
        {
            "id": row["id"],
            "output": " ".join(f"{s['text']} {s['sentence']}" for s in row["sub_questions"])
            + f" So the answer is {row['answers'][0]}.",
        }
        for row in table.to_pylist()
    ]
    (folder / "outputs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    slices = [{"split": split, "style": "cot", "limit": None} for split in pc.unique(table["split"]).to_pylist()]
    config = {"task": "multihop", "backend": "recorded", "recorded": str(folder / "outputs.jsonl"), "slices": slices}
    evaluate(resolve(EvalConfig, config), str(world), None, folder / "answers")
    found = sections([folder / "answers"], ["answers"])
    write_page(found, "answers", folder / "answers.html")
    print(f"a page of {found[0].items:,} answers: {(folder / 'answers.html').stat().st_size / 1e6:.2f} MB")


def many(world: Path, place: Path, rows: int) -> Path:
    """The same world with so many questions."""
    place.mkdir()
    held = pq.read_table(world / "questions.parquet")

    def again() -> Iterator[pa.Table]:
        for number in range(-(-rows // len(held))):
            ids = pc.binary_join_element_wise(held["id"], str(number), "-")
            yield held.set_column(0, "id", ids)[: rows - number * len(held)]

    write_arrow(place / "questions.parquet", held.schema, again())
    for name in ("entities", "facts"):
        (place / f"{name}.parquet").write_bytes((world / f"{name}.parquet").read_bytes())
    manifest = read_manifest(world)
    write_json(place / "manifest.json", {**{name: getattr(manifest, name) for name in manifest.__slots__}, "outputs": {}})
    return place


def server(world: Path) -> None:
    """Start, and what a reader waits for; five times each, the median."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "kit", "view", str(world), "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        address = process.stdout.readline().strip()
        ask(address, "told")
        print(f"start to first answer: {time.perf_counter() - start:.2f} s")
        questions = {"section": "0", "table": "questions"}
        splits = ask(address, "counts", **questions)["split"]
        rarest = min(splits, key=lambda split: splits[split])
        first = ask(address, "rows", **questions, limit="1")["rows"][0]
        for told, parameters in {
            "a page": {},
            "a page from the middle": {"start": "500000"},
            f"a page of the split {rarest}": {"where": json.dumps({"split": rarest})},
            "a page of two facets": {"where": json.dumps({"split": rarest, "hops": "2"})},
            "a search that many rows hold": {"search": "works for"},
            "a search that no row holds": {"search": "there is no such text"},
        }.items():
            report(told, lambda p=parameters: ask(address, "rows", **questions, **p))
        report("a question by its id", lambda: ask(address, "find", **questions, column="id", values=json.dumps([first["id"]])))
        report(
            "the questions of a fact", lambda: ask(address, "find", **questions, column="support", values=json.dumps(["nothing"]))
        )
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+)", status)[1])  # type: ignore[index]
        print(f"memory at the peak: {peak / 1024:.0f} MiB")
        process.send_signal(signal.SIGINT)


def report(told: str, act: Any) -> None:
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - start)
    print(f"{told}: {statistics.median(seconds):.3f} s (first {seconds[0]:.3f} s)")


def ask(address: str, what: str, **parameters: str) -> Any:
    with urllib.request.urlopen(f"{address}{what}?{urllib.parse.urlencode(parameters)}") as response:
        return json.load(response)


if __name__ == "__main__":
    main()
