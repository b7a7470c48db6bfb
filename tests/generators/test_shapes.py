"""Every shape of question against an oracle of its own: plain Python over networkx edges, made from the rows of the entity and
fact tables; no code of the solver's."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import chain, islice
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest

from generators.config import GenerateConfig
from generators.generate import generate
from generators.questions import SHAPES
from generators.questions.chain import ask, search
from generators.questions.comparison import _bands
from generators.questions.groups import scales
from generators.questions.table import Asking
from generators.questions.unanswerable import ANSWERS
from generators.world.draw import Timeline, build_world, draw_history, without_some
from generators.world.schema import Schema
from generators.world.world import World
from kit.core.config import resolve
from kit.core.records import Entity, Fact, Question, Step, from_row
from tests.conftest import Records
from tests.generators.test_world import NAMES

KNOWN = {"person": 110, "company": 40, "city": 40, "university": 12, "team": 16, "book": 60, "river": 12}
NOVEL = {"person": 40, "company": 14, "city": 14, "university": 5, "team": 6, "book": 20, "river": 5}
TIMES = Timeline(1960, 1990, 1998, 2, 0.1)
SEEDS = (0, 1, 2)
EACH = 200
"""Questions of a shape and seed that are answered again."""

SINGLE = ("during", "before", "after")


@cache
def rich_world(seed: int) -> World:
    """All relations over time, some facts missing, some entities with a second name, popular and unpopular objects."""
    counts = {"known": KNOWN, "novel": NOVEL}
    world = build_world(seed, Schema.of(NAMES, timed=True), counts, skew=0.4, aliases=0.2, present=TIMES.start)
    return draw_history(without_some(world, 0.05, seed), TIMES, seed).begun(TIMES.cutoff).at(TIMES.cutoff)


def graph_of(world: World) -> nx.MultiDiGraph:
    """The facts of a world."""
    return graph_of_facts([from_row(Fact, row) for row in pa.concat_tables(world.fact_tables()).to_pylist()])


def graph_of_facts(facts: list[Fact]) -> nx.MultiDiGraph:
    """Edges between ids, keyed by the fact, with relation and years."""
    graph = nx.MultiDiGraph()
    for fact in facts:
        years = (-9999 if fact.valid_from is None else fact.valid_from, 9999 if fact.valid_to is None else fact.valid_to)
        graph.add_edge(fact.subject, fact.object, key=fact.id, relation=fact.relation, years=years)
    return graph


def interpret(graph: nx.MultiDiGraph, names: dict[str, str], heads: tuple[str, ...], steps: tuple[Step, ...]) -> Any:
    """What a program finds: a set of nodes, a number or a truth value; None where the graph does not say."""

    def out(node: str, relation: str) -> list[tuple[str, tuple[int, int]]]:
        if node not in graph:
            return []
        return [(v, data["years"]) for _, v, data in graph.out_edges(node, data=True) if data["relation"] == relation]

    registers: list[Any] = [{h} for h in heads]
    for step in steps:
        inputs = [registers[i] for i in step.inputs]
        here = inputs[0]
        if step.op == "follow":
            found: Any = {v for u in here for v, _ in out(u, step.relation)}
        elif step.op == "inverse":
            found = {
                u for v in here & set(graph) for u, _, data in graph.in_edges(v, data=True) if data["relation"] == step.relation
            }
        elif step.op == "having":
            found = {u for u in here if {v for v, _ in out(u, step.relation)} & inputs[1]}
        elif step.op == "union":
            found = set.union(*inputs)
        elif step.op in ("least", "most"):
            worth = {u: int(names[v].replace(",", "")) for u in here for v, _ in out(u, step.relation)}
            if set(worth) != here or not here:
                return None
            best = (min if step.op == "least" else max)(worth.values())
            found = {u for u, amount in worth.items() if amount == best}
        elif step.op == "count":
            found = len(here)
        elif step.op == "same":
            if not all(inputs):
                return None
            found = inputs[0] == inputs[1]
        elif step.op == "during":
            (year,) = (int(names[n]) for n in inputs[1])
            found = {v for u in here for v, (since, until) in out(u, step.relation) if since <= year < until}
        else:
            spans = [(v, years) for u in here for v, years in out(u, step.relation)]
            given = [years for v, years in spans if v in inputs[1]]
            if step.op == "before":
                found = {v for v, (_, until) in spans for since, _ in given if until == since}
            else:
                found = {v for v, (since, _) in spans for _, until in given if since == until}
        registers.append(found)
    return registers[-1]


def told(found: Any, entities: dict[str, Entity]) -> set[str]:
    """The answer in words: every name of the one that was found, or of the several."""
    if found is None:
        return set()
    if isinstance(found, bool):
        return {"yes" if found else "no"}
    if isinstance(found, int):
        return {str(found)}
    return {name for u in found for name in (entities[u].name, *entities[u].aliases)}


def made(shape: str, world: World, seed: int) -> list[Question]:
    """Some of the questions that a world has of a shape."""
    if not shape.startswith("chain"):
        tables = SHAPES[shape](Asking(world, "train", seed, 2))
    else:
        heads = np.unique(world.subject).astype(np.int64)
        found = search(world, heads, int(shape[-1]), seed, inverse=True, chunk=5000)
        tables = (ask(Asking(world, "train", seed, 2), chains) for chains in found)
    # Spread over what is found: a few of every table, until there are enough.
    rows = chain.from_iterable(_some(table) for table in tables)
    return [from_row(Question, row) for row in islice(rows, EACH)]


def _some(table: pa.Table) -> list[dict[str, Any]]:
    """Rows from all over a table."""
    step = max(1, len(table) // EACH)
    return table.take(pa.array(np.arange(0, len(table), step))).to_pylist()


@pytest.mark.parametrize("shape", [*(f"chain-{hops}" for hops in range(1, 5)), *SHAPES])
def test_an_independent_oracle_agrees(shape: str) -> None:
    asked = 0
    for seed in SEEDS:
        whole = rich_world(seed)
        part = whole.part("novel" if seed == 1 else "known")
        # What is told of a part has to be true in the whole world as well.
        graph = graph_of(whole.ever or whole) if shape == "temporal" else graph_of(whole)
        near = nx.Graph(graph_of(part))
        entities = {row["id"]: from_row(Entity, row) for row in whole.entities.table(9).to_pylist()}
        names = {id_: e.name for id_, e in entities.items()}
        facts = {row["id"]: from_row(Fact, row) for table in whole.fact_tables() for row in table.to_pylist()}
        for q in made(shape, part, seed):
            asked += 1
            found = interpret(graph, names, q.heads, q.steps)
            answers = told(found, entities)
            if q.answers[0] == ANSWERS[0]:
                assert shape == "unanswerable"
                assert not found
                assert q.answers == ANSWERS
                assert interpret(graph, names, q.heads, q.steps[:-1]) or len(q.steps) == 1
            elif shape == "set":
                assert {names[u] for u in found} == set(q.members)
                assert len(q.members) > 1
                assert all(m in q.answers[0] for m in q.members)
            else:
                assert answers == set(q.answers), q
                assert isinstance(found, bool | int) or len(found) == 1
            assert not set(q.candidates) & set(q.answers)
            assert q.certificate
            assert q.certificate.unreadable or shape == "comparison"
            for fact in q.support:
                (edge,) = [
                    (u, v, data) for u, v, key, data in graph.edges(q_nodes(graph, fact), keys=True, data=True) if key == fact
                ]
                graph.remove_edge(edge[0], edge[1], key=fact)
                changed = told(interpret(graph, names, q.heads, q.steps), entities) != answers
                graph.add_edge(edge[0], edge[1], key=fact, **edge[2])
                assert changed is (fact in q.certificate.necessary), (q, edge)
            if shape.startswith("chain"):
                assert nx.shortest_path_length(near, q.heads[0], next(iter(found))) == q.hops
                assert not set(q.candidates) & {names[q.heads[0]], *(part.answer for part in q.sub_questions)}
                told_of = [facts[f] for f in q.context_facts if facts[f].relation == q.steps[-1].relation]
                ends = [f.object if q.steps[-1].op == "follow" else f.subject for f in told_of]
                assert ends.count(next(iter(found))) == 1, "its sentence is the only one"
            if shape in ("intersection", "tree"):
                # Neither half of the description would do alone.
                for head, step in zip(q.heads, (q.steps[0], q.steps[1]), strict=True):
                    alike = {u for u, _, data in graph.in_edges(head, data=True) if data["relation"] == step.relation}
                    assert len(alike) > 1
    assert asked >= 60, (shape, asked)


def q_nodes(graph: nx.MultiDiGraph, fact: str) -> list[str]:
    """The subject of a fact."""
    index: dict[str, str] = graph.graph.setdefault("subjects", {key: u for u, _, key in graph.edges(keys=True)})
    return [index[fact]]


@pytest.mark.parametrize("persons", [25, 110, 700])
def test_any_two_neighbouring_bands_of_values_are_as_likely_to_be_compared(persons: int) -> None:
    """So that one value alone tells which is more in the outermost bands only: right in 1/2 + 1/(2(L - 1)) of L bands."""
    world = build_world(3, Schema.of(["birth_year", "born_in"]), {"known": {"person": persons, "city": 20}})
    (code,) = scales(world)
    born = np.flatnonzero(world.relation == code)
    names, years = world.names.take(world.subject[born]).to_pylist(), world.entities.amounts[world.object[born]]
    year = dict(zip(names, years.tolist(), strict=True))
    starts, least = _bands(np.sort(years))
    edges = np.sort(years)[starts]
    asked = [q for table in SHAPES["comparison"](Asking(world, "train", 0, 2)) for q in table.to_pylist()]
    if persons == 25:
        assert not asked, "of few bands none is asked"
        return
    pairs = {tuple(sorted((q["answers"][0], q["candidates"][0]), key=year.__getitem__)) for q in asked}
    assert len(pairs) == len(asked) > persons
    flows = Counter(tuple((np.searchsorted(edges, [year[n] for n in pair], side="right") - 1).tolist()) for pair in pairs)
    assert set(flows) == {(i, i + 1) for i in range(len(starts) - 1)}
    assert len(starts) >= 36
    mean = len(pairs) / len(flows)
    spread = sum((n - mean) ** 2 for n in flows.values()) / mean
    assert spread < 1.5 * len(flows), "no more than chance has it"
    if least == 1:
        assert set(flows.values()) == {1}


def test_wordings_are_many_and_whole() -> None:
    world = rich_world(0).part("known")
    coined = sorted(world.names.to_pylist(), key=len, reverse=True)
    for shape in SHAPES:
        questions = made(shape, world, 0)
        openings = Counter(q.text.split(" ")[0] + q.text[-1] for q in questions)
        assert len(openings) >= 3, (shape, openings)
        for q in questions:
            assert q.text[0].isupper() or q.text[0].isdigit()
            assert q.text[-1] in "?."
            assert "  " not in q.text
            assert "{" not in q.text
            assert any(name in q.text for name in coined)
            assert q.sub_questions[-1].text
            assert all(s.answer and s.sentence.endswith(".") for s in q.sub_questions)


def test_every_shape_has_six_wordings() -> None:
    """The same question asked with other seeds: once its names are taken out, at least six different texts are left."""
    world = rich_world(0).part("known")
    coined = sorted((n for n in world.names.to_pylist() if " " in n), key=len, reverse=True)
    for shape in SHAPES:
        wordings: dict[tuple[str, ...], set[str]] = {}
        for seed in range(8):
            for q in made(shape, world, seed):
                text = q.text
                for name in coined:
                    text = text.replace(name, "_")
                wordings.setdefault(tuple(s.op + s.relation for s in q.steps), set()).add(text)
        assert max(map(len, wordings.values())) >= 6, shape


@pytest.mark.parametrize("shape", ["same", "verify"])
def test_yes_and_no_are_about_even(shape: str) -> None:
    answers: Counter[str] = Counter()
    for seed in SEEDS:
        answers.update(q.answers[0] for q in made(shape, rich_world(seed).part("known"), seed))
    assert 0.4 < answers["yes"] / answers.total() < 0.6, answers


def test_every_shape_can_be_asked_and_trained_on() -> None:
    shapes = list(SHAPES)
    config = resolve(
        GenerateConfig,
        {
            "world": {
                "relations": NAMES,
                "known": KNOWN,
                "novel": NOVEL,
                "blocks": 2,
                "timeline": {},
                "missing": 0.05,
                "twin": True,
            },
            "documents": {"exposures": 2, "reading_worlds": 4},
            "questions": {"hops": 2, "shapes": shapes, "limit": 40, "held_out_pairs": 0.1},
            "examples": {"count": 120, "weights": dict.fromkeys(["chain-1", *(s for s in shapes if s != "temporal")], 1.0)},
        },
    )
    made = Records.of(generate(config))
    ends = {f.id: {f.subject, f.object} for f in made.facts}
    held = {q.heads[0] for q in made.questions if q.split == "test_entity" and q.shape == "chain-1"}
    for shape in shapes:
        splits = Counter(q.split for q in made.questions if q.shape == shape)
        assert splits["train"] > 0
        for split in ("novel", "twin", "test_entity"):
            assert 0 < splits[split] <= 40, (shape, splits)
        for q in made.questions:
            if q.shape == shape and q.split == "train":
                assert not held & set().union(*(ends[f] for f in q.support))
    kinds = Counter(e.kind.split("/")[0] for e in made.examples)
    assert set(kinds) == {"chain-1", *(s for s in shapes if s != "temporal")}
    for e in made.examples:
        assert "/cot/" not in e.kind or "So the answer is" in e.completion
