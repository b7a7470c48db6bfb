"""A user's own triples and events: read from every format, refused with the row's number, and all the way to an evaluation."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import networkx as nx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evals.config import EvalConfig
from evals.run import evaluate, read_records
from generators.config import GenerateConfig
from generators.generate import generate_stage
from generators.world.events import read_events
from generators.world.own import read_own
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.records import Document, Example, Exposure, Fact, Question
from kit.core.store import read_table
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from tests.conftest import SMALL

DATA = Path(__file__).parents[1] / "data"
TRIPLES, WORDINGS, EVENTS = (DATA / f"museum_{name}" for name in ("triples.csv", "wordings.toml", "events.jsonl"))


def config(**world: Any) -> GenerateConfig:
    own = {"facts": str(TRIPLES), "relations": str(WORDINGS), "events": str(EVENTS)}
    coined = {**SMALL["world"], "novel": {}, "own": own, **world}
    documents = {"exposures": 4, "reading_worlds": 0, "styles": ["biography", "news", "statement", "dialogue"]}
    return resolve(
        GenerateConfig, {"world": coined, "documents": documents, "examples": {"count": 40, "facts_share": 0.0}}
    )  # fmt: skip


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate_stage(config(), tmp_path_factory.mktemp("museum") / "world")


def test_every_triple_is_a_fact_and_every_event_a_document(museum: Path) -> None:
    facts = [f for f in read_table(museum / "facts.parquet", Fact) if f.part == "novel"]
    assert len(facts) == 200 + 20
    assert Counter(f.relation for f in facts)["curator"] == 20
    assert {f.valid_from for f in facts if f.relation == "curator"} == {1996, 2001}
    documents = read_table(museum / "documents.parquet", Document)
    events = [json.loads(line) for line in EVENTS.read_text().splitlines()]
    told = Counter(d.text for d in documents if d.template == "event")
    assert told == {e["text"]: 4 for e in events}
    stated = {e.fact: e.statements for e in read_table(museum / "exposures.parquet", Exposure)}
    assert all(stated[f.id] == 4 for f in facts)
    texts = " ".join(d.text for d in documents if d.corpus == "novel")
    assert "Visitors can see Amber Urn at Harbour Museum." in texts or "Amber Urn is on show at Harbour Museum." in texts
    assert "the curator of Harbour Museum" in texts.replace("The", "the")


def test_questions_compose_the_users_facts(museum: Path) -> None:
    asked = [q for q in read_table(museum / "questions.parquet", Question) if q.split == "novel"]
    assert {q.shape for q in asked} == {"chain-1", "chain-2", "chain-3", "event-direct", "event-multihop"}
    rows = list(csv.DictReader(TRIPLES.open()))
    led = {(r["subject"], r["relation"]): r["object"] for r in rows}
    names = {r["subject"] for r in rows}
    chains = [q for q in asked if q.shape == "chain-2"]
    assert len(chains) > 50
    for q in chains:
        (head,) = [n for n in names if n in q.text] or [""]
        first, second = (step.relation for step in q.steps)
        assert q.answers == (led[led[head, first], second],), q.text
    events = [q for q in asked if q.shape.startswith("event-")]
    assert len(events) == 40
    assert all(q.context and q.certificate is None for q in events)


def test_generate_train_and_evaluate(museum: Path, tmp_path: Path) -> None:
    settings = with_defaults(
        {
            "recipe": "inject",
            "rows": {"novel": 4, "known": 2},
            "steps": 3,
            "learning_rate": 1e-3,
            "tiny": {"hidden": 32, "layers": 1, "heads": 2, "intermediate": 64},
        }
    )
    trained = train(resolve(TrainConfig, settings), str(museum), "tiny", tmp_path / "trained")
    slices = [
        {"split": "novel", "shape": shape, "style": "direct", "limit": 5}
        for shape in ("chain-1", "chain-2", "event-direct", "event-multihop")
    ]
    slices += [{"split": "novel", "shape": "event-direct", "style": "direct", "context": "facts", "limit": 5}]
    slices += [{"split": "recall_novel", "style": "cloze", "limit": 5}]
    out = evaluate(resolve(EvalConfig, {"slices": slices}), str(museum), str(trained / "model"), tmp_path / "records")
    assert len(read_records(out)) == 30
    assert read_table(museum / "examples.parquet", Example)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".graphml"])
def test_every_format_holds_the_same_facts(suffix: str, tmp_path: Path) -> None:
    rows = [{k: r[k] for k in ("subject", "relation", "object")} for r in csv.DictReader(TRIPLES.open())]
    path = tmp_path / f"facts{suffix}"
    if suffix in (".csv", ".tsv"):
        with path.open("w", newline="") as file:
            csv.writer(file, delimiter="," if suffix == ".csv" else "\t").writerows([list(r.values()) for r in rows])
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    elif suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        graph = nx.MultiDiGraph()
        for r in rows:
            graph.add_edge(r["subject"], r["object"], relation=r["relation"])
        nx.write_graphml(graph, path)
    found = read_own(str(path), None)
    assert {(t.subject, t.relation, t.object) for t in found.triples} == {tuple(r.values()) for r in rows}
    assert {r.name for r in found.relations} == {"kept_at", "material", "maker", "curator", "seat"}
    assert all(r.functional for r in found.relations)


HEAD = "subject,relation,object,valid_from,valid_to\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs a header"),
        (HEAD, "holds no triple"),
        (HEAD + "a,b,\n", "row 1 has no object"),
        (HEAD + "a,b,c\n,b,c\n", "row 2 has no subject"),
        (HEAD + "a,b,c\na,b,c\n", "row 2 repeats row 1"),
        (HEAD + "a,born_in,c\na,born_in,d\n", "row 2: a has d as born_in, but c in row 1"),
        (HEAD + "a,born_in,c,1990,1980\n", "valid_to must be later"),
        (HEAD + "a,born_in,c,soon,\n", "valid_from is 'soon', not a year"),
        (HEAD + "a,b?,c\n", "no name for a relation"),
        ("subject,relation,object,part\na,b,c,old\n", "part is old"),
        ("subject,relation,object,subject_type\na,born_in,c,city\n", "leads from person to city, not city"),
        ("subject,relation,object,subject_type\na,b,c,x\nd,b,e,y\n", "subjects of types x and y"),
        ("a,b\n", "needs a header"),
    ],
)
def test_bad_triples_are_told_with_their_row(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    path.write_text(text)
    with pytest.raises(KitError) as told:
        read_own(str(path), None)
    assert message in str(told.value)
    assert "\n" not in str(told.value)


def test_a_change_over_time_is_no_conflict(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    path.write_text(HEAD + "Ann,lives_in,Port,1980,1990\nAnn,lives_in,Lake,1990,\n")
    assert len(read_own(str(path), None).triples) == 2
    path.write_text(HEAD + "Ann,lives_in,Port,1980,1991\nAnn,lives_in,Lake,1990,\n")
    with pytest.raises(KitError, match="at the same time"):
        read_own(str(path), None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[x]\nstatments = []", "did you mean statements?"),
        ('[x]\nstatements = ["{s} is."]', "once each"),
        ('[x]\nstatements = ["{o} is of {s}."]', "must end with {o}."),
        ("[born_in]\nfunctional = true", "kit's own table"),
        ("x = 1", "must be a table"),
        ("[x", "not valid TOML"),
    ],
)
def test_bad_wordings_are_told(text: str, message: str, tmp_path: Path) -> None:
    facts, wordings = tmp_path / "facts.csv", tmp_path / "wordings.toml"
    facts.write_text(HEAD + "a,x,c\n")
    wordings.write_text(text)
    with pytest.raises(KitError) as told:
        read_own(str(facts), str(wordings))
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"date": "2030"}, "row 1: an event needs text"),
        ({"text": "x"}, "row 1: an event needs date"),
        ({"text": "x", "date": "2030"}, "no question is asked"),
        ({"text": "x", "date": "2030", "direct_question": "Who?"}, "has no answer"),
        ({"text": "x", "date": "2030", "questions": [{"question": "Who?", "answer": "a", "kind": "odd"}]}, "kind is odd"),
        ({"text": "x", "date": "2030", "questions": "none"}, "must be a list"),
    ],
)
def test_bad_events_are_told_with_their_row(row: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(KitError) as told:
        read_events(str(path))
    assert message in str(told.value)


def test_a_name_of_two_types_or_of_the_coined_world_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    path.write_text(HEAD + "Ann,born_in,Port\nAnn,located_in,Averland\n")
    own = {"facts": str(path), "relations": None, "events": None}
    with pytest.raises(KitError, match="Ann is a city here but a person in row 1"):
        generate_stage(config(own=own), tmp_path / "out")
