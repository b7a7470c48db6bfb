"""Whatever the configuration: what must hold for the files it makes, read back row by row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import networkx as nx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from generators.config import GenerateConfig
from generators.generate import generate_stage
from generators.questions import SHAPES
from generators.text.styles import STYLES
from generators.world.relations import COMMON_NOUNS, ENTITY_TYPES, RELATIONS, VALUE_TYPES
from kit.core.config import resolve
from kit.core.records import Document, Entity, Example, Exposure, Fact, Question
from kit.core.store import read_table
from tests.generators.test_shapes import graph_of_facts, interpret

CUTOFF, END = 1990, 1998


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    """Small worlds of any make-up."""
    scale = draw(st.integers(1, 3))
    known = {"person": 24, "company": 9, "city": 8, "university": 5, "team": 5, "book": 9, "river": 5}
    relations = draw(st.lists(st.sampled_from(sorted(RELATIONS)), min_size=6, max_size=len(RELATIONS), unique=True))
    relations = sorted({*relations, "born_in", "works_for", "lives_in", "mentored_by"})
    timed = draw(st.booleans())
    shapes = [s for s in SHAPES if s != "temporal" or timed]
    return {
        "seed": draw(st.integers(0, 10_000)),
        "world": {
            "relations": relations,
            "known": {kind: n * scale for kind, n in known.items()},
            "novel": {kind: max(4, n // 2) for kind, n in known.items()},
            "twin": draw(st.booleans()),
            "zipf": draw(st.sampled_from([0.0, 1.0])),
            "missing": draw(st.sampled_from([0.0, 0.1])),
            "aliases": draw(st.sampled_from([0.0, 0.3])),
            "timeline": {"start": 1960, "cutoff": CUTOFF, "end": END, "edited": 0.3} if timed else None,
        },
        "documents": {
            "exposures": draw(st.integers(1, 9)),
            "styles": draw(st.lists(st.sampled_from(sorted(STYLES)), min_size=1, max_size=4, unique=True)),
            "paraphrases": draw(st.integers(1, 6)),
            "facts": draw(st.integers(1, 8)),
            "shuffled": draw(st.booleans()),
            "junk": draw(st.sampled_from([0.0, 0.5, 2.0])),
            "reversed": draw(st.sampled_from([0.0, 0.2])),
            "masked": draw(st.sampled_from([0.0, 0.2])),
            "reading_worlds": 1,
        },
        "questions": {
            "hops": draw(st.integers(1, 3)),
            "shapes": draw(st.lists(st.sampled_from(shapes), max_size=3, unique=True)),
            "inverse": draw(st.booleans()),
            "held_out_pairs": draw(st.sampled_from([0.0, 0.2])),
            "limit": 40,
            "train_limit": 300,
        },
        "probes": {"facts": 40},
        "examples": {"count": 8, "weights": {"chain-1": 1.0}, "facts_share": 0.0},
        "audit": {"sample": 100},
    }


class World:
    """A data directory, read back."""

    def __init__(self, directory: Path) -> None:
        self.entities = read_table(directory / "entities.parquet", Entity)
        self.facts = read_table(directory / "facts.parquet", Fact)
        self.false = read_table(directory / "shuffled_facts.parquet", Fact)
        self.questions = read_table(directory / "questions.parquet", Question)
        self.probes = read_table(directory / "probes.parquet", Question)
        self.documents = read_table(directory / "documents.parquet", Document)
        self.examples = read_table(directory / "examples.parquet", Example)
        self.exposures = read_table(directory / "exposures.parquet", Exposure)
        self.audit = json.loads((directory / "audit.json").read_text())
        self.names = {e.id: e.name for e in self.entities}

    def at(self, year: int, facts: list[Fact] | None = None) -> nx.MultiDiGraph:
        """What holds in a year, as a graph."""
        every = self.facts if facts is None else facts
        return graph_of_facts([f for f in every if (f.valid_from or -9999) <= year < (f.valid_to or 9999)])

    def until(self, year: int) -> nx.MultiDiGraph:
        """All that can be told in a year."""
        return graph_of_facts([f for f in self.facts if (f.valid_from or -9999) <= year])


def drawn(count: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A test of so many configurations."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    phases = [Phase.explicit, Phase.generate]
    drawing = settings(max_examples=count, deadline=None, phases=phases, suppress_health_check=checks)
    return lambda test: given(config=configs())(drawing(test))


@drawn(3)
def test_what_holds_for_every_configuration(config: dict[str, Any]) -> None:
    what_holds(config)


@pytest.mark.full
@drawn(5)
def test_what_holds_for_more_configurations(config: dict[str, Any]) -> None:
    what_holds(config)


def what_holds(config: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        one = generate_stage(resolve(GenerateConfig, config), Path(folder) / "one")
        world = World(one)
        _names(world)
        _exposures(world, config)
        _questions(world, config)
        _probes(world, config)
        _splits(world)
        _edits(world, config)
        per_file = max(1, -(-len(world.documents) // 16))
        sixteen = generate_stage(resolve(GenerateConfig, {**config, "rows_per_file": per_file}), Path(folder) / "sixteen")
        assert len(list(sixteen.glob("documents-*.parquet"))) in (15, 16)
        again = World(sixteen)
        for name in ("entities", "facts", "false", "questions", "probes", "examples", "documents", "exposures", "audit"):
            assert getattr(world, name) == getattr(again, name), name


def _names(world: World) -> None:
    coined = [name for e in world.entities if e.type in ENTITY_TYPES for name in (e.name, *e.aliases)]
    assert len(set(coined)) == len(coined)
    assert not any(a != b and a in b for a in coined for b in coined)


def _exposures(world: World, config: dict[str, Any]) -> None:
    counted = Counter((f, d.corpus) for d in world.documents for f in d.facts if d.corpus != "reading")
    assert counted == {(e.fact, e.corpus): e.statements for e in world.exposures}
    assert set(counted.values()) == {config["documents"]["exposures"]}
    by_part = {f.id: f for f in world.facts}
    told = {f for f, corpus in counted if corpus in ("known", "novel")}
    begun = {f.id for f in world.facts if f.part in ("known", "novel") and (f.valid_from or 0) <= CUTOFF}
    assert told == begun
    for d in world.documents:
        assert len(d.forms) == len(d.facts)
        for fact_id, form in zip(d.facts, d.forms, strict=True):
            if d.corpus in ("known", "novel") and (fact := by_part.get(fact_id)):
                assert world.names[fact.subject] in d.text
                assert world.names[fact.object] in d.text
                assert form != "m" or "____" in d.text


def _questions(world: World, config: dict[str, Any]) -> None:
    timed = config["world"]["timeline"] is not None
    now, ever = world.at(CUTOFF), world.until(CUTOFF)
    after, false, whole = world.at(END), world.at(CUTOFF, world.false), world.until(END)
    for q in world.questions:
        graph = {"shuffled": false, "edited": after}.get(q.split, ever if q.shape == "temporal" else now)
        found = interpret(graph, world.names, q.heads, q.steps)
        _answered(world, q, found)
        assert q.certificate
        smaller = graph.edge_subgraph([e for e in graph.edges(keys=True) if e[2] in q.support])
        if q.answers[0] != "unknown":
            # Those facts are enough: what they say of the question alone is the answer.
            assert interpret(smaller, world.names, q.heads, q.steps) == found, q
        for fact in q.support[:2]:
            without = graph.edge_subgraph([e for e in graph.edges(keys=True) if e[2] != fact])
            changed = interpret(without, world.names, q.heads, q.steps) != found
            assert changed is (fact in q.certificate.necessary), q
        if q.split in ("train", "validation", "test_entity", "test_composition", "test_relation_pair"):
            later = interpret(whole if q.shape == "temporal" else after, world.names, q.heads, q.steps)
            assert q.stale is (timed and later != found), q
        if q.split == "edited":
            assert timed
            before = interpret(now, world.names, q.heads, q.steps)
            assert {world.names[e] for e in before} >= set(q.outdated)


def _answered(world: World, q: Question, found: Any) -> None:
    names = {e.id: {e.name, *e.aliases} for e in world.entities}
    if q.answers[0] == "unknown":
        assert not found
        assert q.shape == "unanswerable"
    elif q.members:
        assert {world.names[e] for e in found} == set(q.members)
    elif isinstance(found, bool):
        assert q.answers == ("yes" if found else "no",)
    elif isinstance(found, int):
        assert q.answers == (str(found),)
    else:
        assert len(found) == 1, q
        assert set(q.answers) == names[next(iter(found))]


def _probes(world: World, config: dict[str, Any]) -> None:
    now, false = world.at(CUTOFF), world.at(CUTOFF, world.false)
    for p in world.probes:
        graph = false if p.split == "recall_shuffled" and p.shape != "locality" else now
        found = interpret(graph, world.names, p.heads, p.steps)
        if p.shape == "negation":
            assert p.answers[0] in ("yes", "no")
            (end,) = found
            assert (world.names[end] in p.text) is (p.answers[0] == "no"), p
            continue
        if p.shape == "reversal":
            assert p.answers[0] == world.names[p.heads[0]]
            assert all(name in p.text for name in (p.answers[0], *p.candidates))
            (end,) = found
            for e in graph.nodes:
                if world.names[e] in p.candidates:
                    assert end not in interpret(graph, world.names, (e,), p.steps), p
        else:
            _answered(world, p, found)
            assert not set(p.answers) & set(p.candidates)
        assert p.probes not in p.support if p.shape == "locality" else p.probes in p.support


def _splits(world: World) -> None:
    found = world.audit["splits"]
    for name in (
        "test_texts_in_training",
        "first_facts_of_entity_tests_asked_in_training",
        "novel_facts_asked_in_training",
        "withheld_compositions_in_training",
        "withheld_relation_pairs_in_training",
        "documents_with_both_facts_of_a_pair",
    ):
        assert found[name] == 0, (name, found)
    ends = {f.id: {f.subject, f.object} for f in (*world.facts, *world.false)}
    held = {q.heads[0] for q in world.questions if q.split == "test_entity" and q.shape == "chain-1"}
    trained = {f for q in world.questions if q.split == "train" for f in q.support}
    assert not held & {e for f in trained for e in ends[f]}
    assert trained <= {f.id for f in world.facts if f.part == "known"}
    assert world.audit["matching"]["names_in_both"] == 0
    parts = {e.id: e.part for e in world.entities}
    assert all({parts[f.subject], parts[f.object]} <= {f.part, "shared"} for f in world.facts)
    kinds = {e.id: e.type for e in world.entities}
    assert all((kinds[e.id] in VALUE_TYPES) is (e.part == "shared") for e in world.entities)
    assert set(COMMON_NOUNS) <= set(VALUE_TYPES)
    pairs = {
        frozenset(q.support[i : i + 2])
        for q in world.questions
        if q.shape.startswith("chain") and q.split != "train"
        for i in range(q.hops - 1)
    }
    for d in world.documents:
        assert not any(frozenset((a, b)) in pairs for a in d.facts for b in d.facts if a != b), d


def _edits(world: World, config: dict[str, Any]) -> None:
    """Every year has at most one object of what has one, and every year of a timeline is told of, up to an end."""
    spans: dict[tuple[str, str], list[tuple[int, int]]] = {}
    years = {e.id: int(e.name) for e in world.entities if e.type == "year"}
    for f in world.facts:
        if f.valid_from is not None:
            spans.setdefault((f.subject, f.relation), []).append((f.valid_from, f.valid_to or 9999))
    assert bool(spans) is (config["world"]["timeline"] is not None)
    born = {f.subject: years[f.object] for f in world.facts if f.relation == "birth_year"}
    for (subject, relation), times in spans.items():
        times.sort()
        assert all(a < b for a, b in times)
        assert all(times[i][1] == times[i + 1][0] for i in range(len(times) - 1))
        first, latest = times[0][0], RELATIONS[relation].latest
        # Who was too old for it at the start began before.
        old = bool(latest) and subject in born and first <= born[subject] + latest < 1960
        assert first == 1960 or old or (len(times) == 1 and first > CUTOFF)
        assert times[-1][1] == 9999 or CUTOFF < times[-1][1] <= END
    if spans:
        # Nobody has an employer before being born, and no company a product before it was founded.
        assert all(years[f.object] <= 1960 for f in world.facts if f.object in years)
        kinds = Counter(
            "begun" if t[0][0] > CUTOFF else "changed" if t[-1][0] > CUTOFF else "ended" if t[-1][1] < 9999 else "kept"
            for t in spans.values()
        )
        assert kinds["kept"] > kinds["changed"]
