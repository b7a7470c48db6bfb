"""Every shape of question against an oracle of its own: plain Python over networkx edges, no code of the solver's."""

from __future__ import annotations

from collections import Counter
from itertools import chain, islice
from typing import Any

import networkx as nx
import numpy as np
import pytest

from generators.generate import GenerateConfig, generate
from generators.questions import SHAPES
from generators.questions.chain import ask, search
from generators.world import World, build_world
from kit.core.config import resolve
from kit.core.records import Question, Step, from_row
from tests.conftest import Records
from tests.generators.test_world import NAMES

KNOWN = {"person": 110, "company": 40, "city": 40, "university": 12, "team": 16, "book": 60, "river": 12}
SEEDS = (0, 1, 2)
EACH = 250
"""Questions of a shape and seed that are answered again."""


def interpret(graph: nx.MultiDiGraph, names: dict[str, str], heads: tuple[str, ...], steps: tuple[Step, ...]) -> Any:
    """What a program finds: a set of nodes, a number or a truth value; None where the graph does not say."""
    registers: list[Any] = [{h} for h in heads]
    for step in steps:
        inputs = [registers[i] for i in step.inputs]
        here = inputs[0]
        if step.op == "follow":
            found: Any = {v for u in here for _, v, key in graph.out_edges(u, keys=True) if key == step.relation}
        elif step.op == "inverse":
            found = {u for v in here for u, _, key in graph.in_edges(v, keys=True) if key == step.relation}
        elif step.op == "having":
            found = {u for u in here if any(graph.has_edge(u, v, key=step.relation) for v in inputs[1])}
        elif step.op == "union":
            found = set.union(*inputs)
        elif step.op in ("least", "most"):
            worth = {
                u: int(names[v].replace(",", ""))
                for u in here
                for _, v, key in graph.out_edges(u, keys=True)
                if key == step.relation
            }
            if set(worth) != here or not here:
                return None
            best = (min if step.op == "least" else max)(worth.values())
            found = {u for u, amount in worth.items() if amount == best}
        elif step.op == "count":
            found = len(here)
        else:
            if not all(inputs):
                return None
            found = inputs[0] == inputs[1]
        registers.append(found)
    return registers[-1]


def told(found: Any, names: dict[str, str]) -> set[str]:
    """The answer in words."""
    if found is None:
        return set()
    if isinstance(found, bool):
        return {"yes" if found else "no"}
    return {str(found)} if isinstance(found, int) else {names[u] for u in found}


def made(shape: str, world: World, seed: int) -> list[Question]:
    if not shape.startswith("chain"):
        tables = SHAPES[shape](world, NAMES, "train", seed, 2)
    else:
        heads = np.unique(world.subject).astype(np.int64)
        found = search(world, heads, NAMES, int(shape[-1]), seed, inverse=True)
        tables = (ask(world, chains, "train", seed, distractors=2) for chains in found)
    rows = chain.from_iterable(table.to_pylist() for table in tables)
    every = [from_row(Question, row) for row in islice(rows, 4000)]
    return every[:: max(1, len(every) // EACH)][:EACH]


@pytest.mark.parametrize("shape", ["chain-1", "chain-2", "chain-3", *SHAPES])
def test_an_independent_oracle_agrees(shape: str) -> None:
    asked = 0
    for seed in SEEDS:
        world = build_world(seed, NAMES, KNOWN, {}).part("known")
        graph = world.graph()
        names = dict(zip(world.entity_ids.to_pylist(), world.names.to_pylist(), strict=True))
        ends = {
            i: (s, r, o)
            for i, s, r, o in zip(
                *(world.fact_table()[c].to_pylist() for c in ("id", "subject", "relation", "object")), strict=True
            )
        }
        for q in made(shape, world, seed):
            asked += 1
            found = interpret(graph, names, q.heads, q.steps)
            assert told(found, names) == set(q.answers), q
            assert len(q.answers) == 1
            assert not set(q.candidates) & set(q.answers)
            assert q.certificate
            assert q.certificate.unreadable or shape == "comparison"
            for fact in q.support:
                subject, relation, object_ = ends[fact]
                graph.remove_edge(subject, object_, key=relation)
                changed = told(interpret(graph, names, q.heads, q.steps), names) != set(q.answers)
                graph.add_edge(subject, object_, key=relation)
                assert changed is (fact in q.certificate.necessary), (q, ends[fact])
            if shape in ("intersection", "tree"):
                # Neither half of the description would do alone.
                for head, step in zip(q.heads, (q.steps[0], q.steps[1]), strict=True):
                    alike = {u for u, _, key in graph.in_edges(head, keys=True) if key == step.relation}
                    assert len(alike) > 1
    assert asked >= 600, shape


def test_wordings_are_many_and_whole() -> None:
    world = build_world(0, NAMES, KNOWN, {}).part("known")
    coined = sorted(world.names.to_pylist(), key=len, reverse=True)
    for shape in SHAPES:
        questions = made(shape, world, 0)
        openings = Counter(q.text.split(" ")[0] + q.text[-1] for q in questions)
        assert len(openings) >= 3, openings
        for q in questions:
            assert q.text[0].isupper()
            assert q.text[-1] in "?."
            assert "  " not in q.text
            assert "{" not in q.text
            assert any(name in q.text for name in coined)
            assert q.sub_questions[-1].text
            assert all(s.answer and s.sentence.endswith(".") for s in q.sub_questions)


def test_yes_and_no_are_about_even() -> None:
    answers: Counter[str] = Counter()
    for seed in SEEDS:
        answers.update(q.answers[0] for q in made("same", build_world(seed, NAMES, KNOWN, {}).part("known"), seed))
    assert 0.4 < answers["yes"] / answers.total() < 0.6


def test_every_shape_can_be_asked_and_trained_on() -> None:
    shapes = list(SHAPES)
    config = resolve(
        GenerateConfig,
        {
            "world": {"relations": NAMES, "known": KNOWN, "novel": {k: n // 2 for k, n in KNOWN.items()}},
            "documents": {"exposures": 2, "reading_worlds": 4},
            "questions": {"hops": 1, "shapes": shapes, "limit": 40},
            "examples": {"count": 120, "weights": dict.fromkeys(["chain-1", *shapes], 1.0)},
        },
    )
    made = Records.of(generate(config))
    ends = {f.id: {f.subject, f.object} for f in made.facts}
    held = {q.heads[0] for q in made.questions if q.split == "test_entity" and q.shape == "chain-1"}
    for shape in shapes:
        splits = Counter(q.split for q in made.questions if q.shape == shape)
        assert splits["train"] > 0
        assert 0 < splits["novel"] <= 40
        assert 0 < splits["test_entity"] <= 40
        for q in made.questions:
            if q.shape == shape and q.split == "train":
                assert not held & set().union(*(ends[f] for f in q.support))
    kinds = Counter(e.kind.split("/")[0] for e in made.examples)
    assert set(kinds) == {"chain-1", *shapes}
    for e in made.examples:
        assert "/cot/" not in e.kind or "So the answer is" in e.completion
