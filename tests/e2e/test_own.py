"""Facts and events of one's own, alone, from the files to the page, by the commands of the page that tells of them."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from kit.core.records import Document, EvalRecord, Fact, Question
from kit.core.store import read_table

pytestmark = pytest.mark.full

PAGE = Path(__file__).parents[2] / "docs" / "own-facts.md"
DATA = Path(__file__).parents[1] / "data"
SHORT = {
    "generate": ("-o", "documents.exposures=4"),
    "train": ("-o", "steps=3"),
    "eval": ("-o", "max_new_tokens.direct=6"),
    "sweep": ("-o", "train.inject.steps=3", "-o", "generate.documents.exposures=4", "-o", "counts=[0]",
              *(p for m in ("recall", "unseen", "one", "two") for p in ("-o", f"measures.{m}.limit=20"))),
    "report": (),
}  # fmt: skip


def commands(place: int) -> list[list[str]]:
    """Those of the first (facts) and second (events) part of the page's first section."""
    section = PAGE.read_text("utf-8").split("\n## ")[1]
    blocks = [shlex.split(line)[1:] for block in re.findall(r"```\n(.*?)```", section, re.S) for line in block.splitlines()]
    events = next(i for i, command in enumerate(blocks) if "events" in command)
    return blocks[events:] if place else blocks[:events]


def turtle(path: Path, works: int = 465) -> int:
    """2,000 statements with ids: of works, who made each, where it hangs, of what it is, and when; of makers, where they were
    born and who taught them; and the labels of all."""
    names = ["Adela", "Bertil", "Corin", "Dagny", "Edda", "Falk", "Gerda", "Hauke", "Isa", "Jorun"]
    towns = ["Lindow", "Marfleet", "Osmotherley", "Pargate", "Quenby", "Ruswick", "Stanmer"]
    ends = [f"{name} {town}" for town in towns for name in names]
    labels = {f"m{i}": f"{a} the Elder" for i, a in enumerate(ends)} | {f"t{i}": t for i, t in enumerate(towns)}
    labels |= {f"s{i}": s for i, s in enumerate(["oak", "bronze", "canvas", "glass", "slate"])}
    told = []
    for i in range(works):
        labels[f"w{i}"] = f"Study {i + 1} of {towns[i % 7]}"
        told += [
            f"e:w{i} p:maker e:m{i * 7 % 70} .",
            f"e:w{i} p:townWhereItHangs e:t{(i * 3 + i // 7) % 7} .",
            f"e:w{i} p:material e:s{i * 11 % 5} .",
            f'e:w{i} p:finished "{1700 + i * 13 % 300}" .',
        ]
    for i in range(70):
        told += [f"e:m{i} p:birthPlace e:t{i % 7} .", f"e:m{i} p:teacher e:m{(i + 23) % 70} ."]
    prefixes = "@prefix e: <http://museum.example/id/> . @prefix p: <http://museum.example/says/> .\n"
    prefixes += "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
    named = [f'e:{key} rdfs:label "{label}"@en .' for key, label in labels.items()]
    path.write_text(prefixes + "\n".join([*named, *told]) + "\n", "utf-8")
    return len(told)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as one comes: of another world, with a tokenizer of its own."""
    place = tmp_path_factory.mktemp("base")
    world = ("-o", "world.known={person=8,company=4,city=4}", "-o", "examples.count=20", "-o", "documents.exposures=2")
    run(place, "generate", "--out", "world", *world)
    tiny = "tiny={hidden=32,layers=1,heads=2,intermediate=64}"
    run(
        place, "train", "--data", "world", "--model", "tiny", "--recipe", "pretrain", "-o", "steps=3", "-o", tiny, "--out", "base"
    )
    return place / "base"


def run(place: Path, *arguments: str) -> str:
    found = subprocess.run([sys.executable, "-m", "kit", *arguments], cwd=place, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
    assert "Traceback" not in found.stderr
    return found.stdout


def follow(place: Path, checkpoint: Path, which: int, file: Path, named: str) -> list[str]:
    """What the page's commands print, in order, with this file and this checkpoint."""
    (place / file.name).write_bytes(file.read_bytes())
    said = []
    for command in commands(which):
        own = [part.replace("CHECKPOINT", str(checkpoint)).replace(named, file.name) for part in command]
        short = SHORT[own[0]] if which == 0 or own[0] != "sweep" else SHORT["sweep"][:6]
        said.append(run(place, *own, *short))
    return said


@pytest.mark.parametrize("file", ["museum_triples.csv", "turtle"])
def test_facts_alone(tmp_path: Path, checkpoint: Path, file: str) -> None:
    path, count = DATA / file, 200
    if file == "turtle":
        path = tmp_path / "made.ttl"
        count = turtle(path)
    place = tmp_path / "here"
    place.mkdir()
    said = follow(place, checkpoint, 0, path, "museum.csv")
    assert f"{count:,} facts of " in said[0]
    facts = read_table(place / "world" / "facts.parquet", Fact)
    assert len(facts) == count
    assert {f.part for f in facts} == {"novel"}
    told = {f for d in read_table(place / "world" / "documents.parquet", Document) for f in d.facts}
    assert told >= {f.id for f in facts}
    asked = {q.id: q for q in read_table(place / "world" / "questions.parquet", Question)}
    records = read_table(place / "scores" / "records.parquet", EvalRecord)
    assert records
    assert all(len(asked[r.question_id].support) == 2 for r in records)
    assert "as it came" in said[-1]
    assert "told the facts" in said[-1]
    (cells,) = ({c["arm"] for c in json.loads((place / "runs" / "experiment.json").read_text())["cells"]},)
    assert cells == {"untouched", "inject"}


def test_events_alone(tmp_path: Path, checkpoint: Path) -> None:
    said = follow(tmp_path, checkpoint, 1, DATA / "museum_events.jsonl", "events.jsonl")
    assert "20 events with 20 direct and 20 multihop questions" in said[0]
    asked = read_table(tmp_path / "world" / "questions.parquet", Question)
    assert {(q.split, q.shape) for q in asked} == {("novel", "event-direct"), ("novel", "event-multihop")}
    assert len(read_table(tmp_path / "scores" / "records.parquet", EvalRecord)) == 20
    assert "told the events" in said[-1]
    assert (tmp_path / "runs" / "report.html").stat().st_size > 10_000
