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
from generators.own.events import read_events
from generators.own.own import read_own
from generators.questions import SHAPES
from generators.world.english import plural
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
    assert {r.name for r in found.relations} == {"born_in", "kept_at", "material", "maker", "curator", "seat"}
    assert all(r.functional for r in found.relations)


HEAD = "subject,relation,object,valid_from,valid_to\n"
TYPED = "subject,relation,object,subject_type,object_type,valid_from,valid_to\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (HEAD, "holds no fact"),
        (HEAD + "a,b,\n", "line 2 has no object"),
        (HEAD + "a,b,c\n,b,c\n", "line 3 has no subject"),
        (HEAD + "a,b,c,1990,1991\na,b,c,1990,\n", "line 3 repeats facts.csv, line 2 with another end"),
        (TYPED + "a,born_in,c,person,city\na,born_in,d,person,city\n", "line 3: a has d as born_in, but c in facts.csv, line 2"),
        (HEAD + "a,born_in,c,1990,1980\n", "valid_to must not be earlier"),
        (HEAD + "a,born_in,c,soon,\n", "valid_from is 'soon', not a year"),
        (HEAD + "a,b?,c\n", "no name for a relation"),
        ("subject,relation,object,part\na,b,c,old\n", "part is old"),
        ("subject,relation,object,subject_type\na,b,c,x\nd,b,e,city\n", "city is a type of kit's own, but relations"),
        ("a,b\n", "names none of subject"),
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
    path.write_text(TYPED + "Ann,lives_in,Port,person,city,1980,1991\nAnn,lives_in,Lake,person,city,1990,\n")
    with pytest.raises(KitError, match="at the same time"):
        read_own(str(path), None)


def test_within_a_year_the_days_decide(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    path.write_text(HEAD + "Ann,lives_in,Port,1980-02-01,1990-05-01\nAnn,lives_in,Lake,1990-05-01,\n")
    assert len(read_own(str(path), None).triples) == 2
    path.write_text(TYPED + "Ann,lives_in,Port,person,city,1980-02-01,1990-05-02\nAnn,lives_in,Lake,person,city,1990-05-01,\n")
    with pytest.raises(KitError, match="at the same time"):
        read_own(str(path), None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[x]\nstatments = []", "did you mean statements?"),
        ('[x]\nstatements = ["{s} is."]', "once each"),
        ('[x]\nstatements = ["{o} is of {s}."]', "must end with {o}."),
        ("[born_in]\nfunctional = true", "born_in is a relation of kit's own table"),
        ("x = 1", "must be a table"),
        ("[x", "not valid TOML"),
    ],
)
def test_bad_wordings_are_told(text: str, message: str, tmp_path: Path) -> None:
    facts, wordings = tmp_path / "facts.csv", tmp_path / "wordings.toml"
    facts.write_text(TYPED + "a,x,c\nd,born_in,e,person,city\n")
    wordings.write_text(text)
    with pytest.raises(KitError) as told:
        read_own(str(facts), str(wordings))
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"date": "2030"}, "line 1 has no text"),
        ({"text": ["x"], "date": "2030"}, "text must be text, not a list"),
        ({"text": "x", "date": "2030", "direct_question": "Who?", "direct_answer": True}, "answer must be text, not true"),
        ({"text": "x", "date": "2030", "direct_question": "nan", "direct_answer": "nan"}, "direct_question is nan"),
        ({"text": "x"}, "line 1 has no date"),
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
    path.write_text(TYPED + "Ann,born_in,Port,person,city\nAnn,located_in,Averland,city,country\n")
    own = {"facts": str(path), "relations": None, "events": None}
    with pytest.raises(KitError, match=r"Ann is of type city here but of type person in facts\.csv, line 2"):
        generate_stage(config(own=own), tmp_path / "out")


def test_a_relation_is_kits_own_by_its_types_alone(tmp_path: Path) -> None:
    """Whoever writes "plays" may mean football."""
    path = tmp_path / "facts.csv"
    path.write_text(HEAD + "Messi,plays,football\nWilliams,plays,tennis\nLouvre,located_in,Paris\n")
    found = read_own(str(path), None)
    assert {r.name for r in found.relations} == {"plays", "located_in"}
    assert not found.kits
    assert {name: kind for name, kind in found.kinds.items() if kind != "thing"} == {}
    assert any("plays is worded by its name" in note for note in found.notes)
    text = " ".join(d.text for d in read_table(generate_stage(alone(path), tmp_path / "alone") / "documents.parquet", Document))
    assert "Messi plays football." in text
    assert "the football" not in text
    with pytest.raises(KitError, match="the coined world has a relation plays of its own"):
        generate_stage(config(own={"facts": str(path)}, relations=["plays", "born_in"]), tmp_path / "beside")
    path.write_text(TYPED + "Messi,plays,oboe,person,instrument\n")
    assert read_own(str(path), None).kits == {"plays"}


def test_what_has_ended_is_told_as_past(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    path.write_text(HEAD + "France,emperor,Napoleon,1804,1814\nPrussia,king,Frederick William III,1797,1840\n")
    out = generate_stage(alone(path), tmp_path / "out")
    text = " ".join(d.text for d in read_table(out / "documents.parquet", Document))
    assert "1814" in text
    assert "1840" in text
    assert " since 1804" not in text
    assert "to this day" not in text
    assert not [q.text for q in read_table(out / "questions.parquet", Question) if q.shape.startswith("chain")]


def alone(facts: Path | None = None, events: Path | None = None, **more: Any) -> GenerateConfig:
    own = {name: str(path) for name, path in (("facts", facts), ("events", events)) if path}
    world = {"known": {}, "novel": {}, "relations": [], "own": {**own, **more.pop("own", {})}}
    documents = {"exposures": 3, "reading_worlds": 0, "styles": ["biography", "statement"]}
    return resolve(GenerateConfig, {"world": world, "documents": documents, "examples": {"count": 0}, **more})


def test_ones_own_facts_alone_are_a_world(tmp_path: Path) -> None:
    out = generate_stage(alone(TRIPLES, EVENTS), tmp_path / "world")
    assert {f.part for f in read_table(out / "facts.parquet", Fact)} == {"novel"}
    assert not read_table(out / "examples.parquet", Example)
    told = json.loads((out / "own.json").read_text())
    assert told["facts"] == 200
    assert sum(told["types"].values()) == 118
    assert told["events"] == {"events": 20, "questions": {"direct": 20, "multihop": 20}}
    asked = Counter((s.relation, q.shape) for q in read_table(out / "questions.parquet", Question) for s in q.steps)
    for name, row in told["relations"].items():
        assert row["questions"] == {shape: n for (relation, shape), n in sorted(asked.items()) if relation == name}
        assert row["one_object_each"]
        assert row["questions"]["chain-1"]


def test_twenty_events_alone_are_a_world(tmp_path: Path) -> None:
    out = generate_stage(alone(events=EVENTS), tmp_path / "world")
    asked = read_table(out / "questions.parquet", Question)
    assert Counter(q.shape for q in asked) == {"event-direct": 20, "event-multihop": 20}
    assert all(q.split == "novel" and q.context for q in asked)
    assert len(read_table(out / "documents.parquet", Document)) == 60


SPEAKERS = [f"P{i},dialect,{'Norn' if i % 2 else 'Orrin'}\n" for i in range(30)]


def test_one_subject_of_two_values_silences_nobody(tmp_path: Path) -> None:
    """The others are asked about as before; it is asked about where the answer is a set, and nowhere else."""
    facts = tmp_path / "facts.csv"
    homes = [f"P{i},lives_in,Town {i % 5}\n" for i in range(30)]
    facts.write_text(HEAD + "".join(SPEAKERS) + "P3,dialect,Orrin\n" + "".join(homes))
    asked = {"shapes": [shape for shape in SHAPES if shape != "temporal"], "hops": 2}
    out = generate_stage(alone(facts, questions=asked), tmp_path / "world")
    told = json.loads((out / "own.json").read_text())["relations"]["dialect"]
    assert told["one_object_each"]
    assert told["subjects_with_several_at_once"]["subjects"] == 1
    assert told["subjects_with_several_at_once"]["first"] == ["facts.csv, line 5 and facts.csv, line 32: P3 has Norn and Orrin"]
    questions = read_table(out / "questions.parquet", Question)
    questions = [q for q in questions if q.split == "novel"]
    ones = [q for q in questions if q.shape == "chain-1" and q.steps[0].relation == "dialect"]
    assert len(ones) == 29
    assert not [q for q in ones if " P3" in q.text]
    (both,) = [q for q in questions if q.shape == "set" and "P3" in q.text and q.steps[0].relation == "dialect"]
    assert set(both.members) == {"Norn", "Orrin"}
    others = [q for q in questions if q.shape not in ("set", "chain-1") and any(s.relation == "dialect" for s in q.steps)]
    assert not [q for q in others if "P3" in q.text.replace("?", " ").replace(",", " ").split()]
    probes = [p for p in read_table(out / "probes.parquet", Question) if p.split == "recall_novel"]
    probed = [p for p in probes if p.steps[0].relation == "dialect"]
    assert not [p for p in probed if "P3" in p.text.replace("?", " ").split()]
    assert len({p.probes for p in probed}) == 29


def test_of_many_with_two_values_none_is_asked_for_one(tmp_path: Path) -> None:
    facts = tmp_path / "facts.csv"
    facts.write_text(HEAD + "".join(SPEAKERS) + "".join(f"P{i},dialect,Tharn\n" for i in range(0, 30, 3)))
    out = generate_stage(alone(facts), tmp_path / "world")
    told = json.loads((out / "own.json").read_text())["relations"]["dialect"]
    assert not told["one_object_each"]
    assert told["probes"] == 0
    assert not told["questions"]
    assert told["not_asked"]["chain-1"] == "its subjects have several objects"
    assert told["subjects_with_several_at_once"]["subjects"] == 10


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"text": "Rain fell.", "date": "2031", "direct_question": "When?", "direct_answer": "2031"}, "line 2 tells what"),
        ({"text": "Snow fell.", "date": "2031", "direct_question": "Who?", "direct_answer": "Bea"}, "with another answer"),
        ({"text": "Snow fell.", "date": "2031", "direct_question": "Who?", "direct_answer": "Ann"}, "asks as well"),
        ({"text": "Snow fell.", "date": "soon", "direct_question": "Why?", "direct_answer": "Ann"}, "not a date"),
    ],
)
def test_what_events_say_twice_is_refused(second: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    first = {"text": "Rain fell.", "date": "2030", "direct_question": "Who?", "direct_answer": "Ann"}
    path.write_text("".join(json.dumps(row) + "\n" for row in (first, second)))
    with pytest.raises(KitError) as told:
        read_events(str(path))
    assert message in str(told.value)


def test_an_answer_that_its_text_does_not_hold_is_told(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    asked = {"direct_question": "Did it rain?", "direct_answer": "yes"}
    asked |= {"multihop_question": "Where?", "multihop_answer": "Lindow"}
    path.write_text(json.dumps({"text": "Rain fell.", "date": "2030-05-01", **asked}) + "\n")
    found = read_events(str(path))
    assert found.unheld == ["events.jsonl, line 1: Lindow, to the multihop question Where?"]
    assert [f["valid_from"] for f in found.facts().to_pylist()] == [2030]


def test_many_facts_of_one_subject_are_several_documents(tmp_path: Path) -> None:
    facts = tmp_path / "facts.csv"
    facts.write_text(HEAD + "".join(f"The Archive,holds,Paper {i}\n" for i in range(500)))
    out = generate_stage(alone(facts), tmp_path / "world")
    documents = [d for d in read_table(out / "documents.parquet", Document) if d.template == "biography"]
    assert {len(d.facts) for d in documents} <= set(range(40, 61))
    assert Counter(f for d in documents for f in d.facts).most_common()[-1][1] == 2


@pytest.mark.parametrize(
    ("one", "several"),
    [
        ("gallery", "galleries"), ("person", "people"), ("species", "species"), ("bus", "buses"), ("lens", "lenses"),
        ("work of art", "works of art"), ("works of art", "works of art"), ("artists", "artists"), ("child", "children"),
        ("human settlement", "human settlements"), ("university", "universities"), ("class", "classes"),
    ],
)  # fmt: skip
def test_types_are_spoken_of_in_the_plural(one: str, several: str) -> None:
    assert plural(one) == several
