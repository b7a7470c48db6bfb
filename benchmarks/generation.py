"""What a world costs as it grows, chain questions beside a networkx implementation of the same, and large files of one's own.

    python -m benchmarks.generation [--sizes 1000 10000 100000] [--questions 100000] [--timeless] [--before CHECKOUT]

Each size runs in a process of its own, from configuration to files: entities, facts, one statement of every fact,
questions of every shape, probes. Processor seconds and peak memory are that process's, imports included. Where PhantomWiki is
installed (or its program named with --phantom-wiki), it makes a world of 5,000 people beside them.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import networkx as nx
import numpy as np

from benchmarks import own
from generators.config import GenerateConfig
from generators.generate import generate_stage
from generators.questions import SHAPES
from generators.questions.chain import search
from generators.world.draw import build_world
from generators.world.relations import RELATIONS
from generators.world.schema import Schema
from generators.world.world import World
from kit.core.config import resolve
from kit.core.store import read_manifest

SHARES = {"person": 0.72, "company": 0.15, "city": 0.06, "university": 0.015, "team": 0.015, "book": 0.03, "river": 0.01}
"""Mostly people, who have most relations: about ten facts an entity."""

HOPS = 4
"""The longest chains. Where values are shared by many, hardly any of five hops lacks a shortcut (see docs/worlds.md)."""


def config(entities: int, questions: int, timeless: bool) -> GenerateConfig:
    """All relations over time, all shapes, chains of up to four hops; a novel part and eight known blocks like it; probes of
    10,000 facts. timeless: without a timeline, so without questions in time, and with chains of up to three hops."""
    asked = [shape for shape in SHAPES if not (timeless and shape == "temporal")]
    hops = 3 if timeless else HOPS
    shapes = hops + len(asked)
    counts = {kind: max(4, int(entities * share / 9)) for kind, share in SHARES.items()}
    return resolve(
        GenerateConfig,
        {
            "world": {
                "relations": list(RELATIONS),
                "known": counts,
                "novel": counts,
                "blocks": 8,
                "timeline": None if timeless else {"changes": 1},
                "missing": 0.0 if timeless else 0.1,
            },
            "documents": {"exposures": 1, "styles": ["biography"], "reading_worlds": 0},
            "questions": {
                "hops": hops,
                "shapes": asked,
                "limit": max(10, questions * 11 // shapes // 100),
                "train_limit": max(10, questions * 70 // shapes // 100),
            },
            "probes": {"facts": 10_000 // 3},
            "examples": {"count": min(1000, entities // 10), "facts_share": 0.0},
        },
    )  # fmt: skip


def whole(entities: int, questions: int, timeless: bool) -> None:
    """One size, in this process; prints one row."""
    with tempfile.TemporaryDirectory() as folder:
        out = generate_stage(config(entities, questions, timeless), Path(folder) / "world")
        rows = read_manifest(out).results
        size = sum(p.stat().st_size for p in out.glob("*.parquet")) / 2**20
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    counts = "".join(f"{rows[f'{name}_rows']:>12,.0f}" for name in ("entities", "facts", "documents", "questions", "probes"))
    print(f"{counts}{seconds:>10.1f} s{memory:>10.0f} MB{size:>10.0f} MB", flush=True)


def chains_in_networkx(world: World, hops: int, wanted: int) -> float:
    """The same questions (one answer, no shorter path) the plain way: dictionaries, edges, breadth first. Questions a
    processor second, the graphs built beforehand."""
    graph = nx.MultiDiGraph()
    for s, r, o in zip(world.subject.tolist(), world.relation.tolist(), world.object.tolist(), strict=True):
        graph.add_edge(s, o, key=r)
    around = nx.Graph(graph)
    rng = np.random.default_rng(0)
    heads, found, start = world.members("person", "known").tolist(), 0, time.process_time()
    while found < wanted:
        here, stops = heads[int(rng.integers(len(heads)))], []
        for _ in range(hops):
            stops.append(here)
            leaving: dict[int, list[int]] = {}
            for _, o, r in graph.out_edges(here, keys=True):
                leaving.setdefault(r, []).append(o)
            single = [ends[0] for r, ends in sorted(leaving.items()) if len(ends) == 1 and world.schema.relations[r].functional]
            if not single:
                break
            here = single[int(rng.integers(len(single)))]
        else:
            reached = {stops[0]}
            for _ in range(hops - 1):
                reached |= {n for e in reached for n in around.adj[e]}
            found += here not in reached and len({*stops, here}) == hops + 1
    return found / (time.process_time() - start)


def chains(entities: int) -> None:
    """Certified chains a processor second, before text, ours and networkx's, indexes and graphs built beforehand."""
    counts = {kind: max(8, int(entities * share)) for kind, share in SHARES.items()}
    print(f"\ncertified chain questions a processor second, {entities:,} entities, before text")
    for hops in (1, 2, 3):
        world = build_world(0, Schema.of(list(RELATIONS)), {"known": counts}).part("known")
        world.near(np.zeros(1, np.int64), np.ones(1, np.int64), 2)  # builds the indexes
        start, found = time.process_time(), 0
        for batch in search(world, world.members("person", "known"), hops, 0, inverse=True):
            found += len(batch.hops)
            if found >= 200_000:
                break
        ours = found / (time.process_time() - start)
        theirs = chains_in_networkx(world, hops, 1000)
        print(f"  {hops} hops: kit {ours:>10,.0f}   networkx {theirs:>8,.0f}   ({ours / theirs:,.0f} times)", flush=True)


def phantom_wiki(program: str, people: int) -> None:
    """PhantomWiki's own command on a world of so many people, its defaults but for chains of six."""
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        size = ["--num-family-trees", str(people // 25), "--question-depth", "6"]
        subprocess.run([program, *size, "--output-dir", folder, "--seed", "0", "--quiet"], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        facts = sum(len(re.findall(r"^\w+\(.*\)\.$", p.read_text(), re.M)) for p in Path(folder).rglob("*.pl"))
        asked = sum(p.read_text().count('"question":') for p in Path(folder).rglob("*.json"))
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"\nPhantomWiki, {people:,} people: {facts:,} facts, {asked:,} questions, {seconds:.1f} s, {after.ru_maxrss // 1024} MB"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    arguments.add_argument("--questions", type=int, default=100_000)
    arguments.add_argument("--one", type=int)
    arguments.add_argument("--timeless", action="store_true")
    arguments.add_argument("--before", type=Path, metavar="CHECKOUT")
    arguments.add_argument("--phantom-wiki", metavar="PROGRAM", default=shutil.which("phantom-wiki-generate"))
    asked = arguments.parse_args()
    if asked.one:
        whole(asked.one, asked.questions, asked.timeless)
        return
    print(f"{'entities':>12}{'facts':>12}{'documents':>12}{'questions':>12}{'probes':>12}{'CPU':>12}{'peak':>13}{'files':>13}")
    for size in asked.sizes:
        again = [sys.executable, "-m", "benchmarks.generation", "--one", str(size), "--questions", str(asked.questions)]
        again += ["--timeless"] if asked.timeless else []
        subprocess.run(again, check=True)
    chains(max(asked.sizes))
    print("\nfiles of one's own")
    own.compare(asked.before)
    if asked.phantom_wiki:
        phantom_wiki(asked.phantom_wiki, 5000)


if __name__ == "__main__":
    main()
