"""Questions: re-answered by brute force over networkx, certificates checked one by one, splits shown to be disjoint."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest

from generators.config import GenerateConfig
from generators.generate import generate
from generators.questions.chain import ask, certified, search
from generators.questions.table import Asking
from generators.questions.walks import Walks, straight
from generators.world.draw import build_world
from generators.world.relations import RELATIONS, TYPES
from generators.world.schema import Schema
from generators.world.world import PARTS, Entities, Facts, World
from kit.core.config import resolve
from kit.core.records import Fact, Question, Step
from tests.conftest import SMALL, Records
from tests.generators.test_world import SIZES, a_world


def graph_of(facts: list[Fact]) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    for f in facts:
        graph.add_edge(f.subject, f.object, key=f.relation)
    return graph


def brute_force(graph: nx.MultiDiGraph, head: str, steps: tuple[Step, ...]) -> set[str]:
    """Answers by walking networkx edges; shares no code with the solver."""
    here = {head}
    for step in steps:
        if step.op == "follow":
            here = {v for u, v, key in graph.edges(keys=True) if key == step.relation and u in here}
        else:
            here = {u for u, v, key in graph.edges(keys=True) if key == step.relation and v in here}
    return here


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("inverse", [False, True])
def test_an_independent_oracle_agrees(seed: int, inverse: bool) -> None:
    settings = {**SMALL, "seed": seed, "questions": {**SMALL["questions"], "inverse": inverse}}
    made = Records.of(generate(resolve(GenerateConfig, settings)))
    names = {e.id: e.name for e in made.entities}
    graphs = {
        "known": graph_of([f for f in made.facts if f.part == "known"]),
        "novel": graph_of([f for f in made.facts if f.part == "novel"]),
        "shuffled": graph_of(made.shuffled_facts),
    }
    asked = made.questions
    assert len(asked) > 300
    assert not inverse or any(s.op == "inverse" for q in asked for s in q.steps)
    for q in asked:
        graph = graphs.get(q.split, graphs["known"])
        answers = brute_force(graph, q.heads[0], q.steps)
        assert {names[a] for a in answers} == set(q.answers), q
        assert len(answers) == 1
        assert not any(a in q.text for a in q.answers)
        distance = nx.shortest_path_length(graph.to_undirected(as_view=True), q.heads[0], answers.pop())
        assert distance == q.hops, q
        for fact in q.support:
            smaller = graph.copy()
            facts = made.shuffled_facts if q.split == "shuffled" else made.facts
            edge = next(f for f in facts if f.id == fact)
            smaller.remove_edge(edge.subject, edge.object, key=edge.relation)
            assert brute_force(smaller, q.heads[0], q.steps) == set()


NAMES = ("Ann Ash", "Bob Bay", "Cy Cole", "Port Dee")
ANN, BOB, CY, PORT = range(4)
SCHEMA = Schema.of(list(RELATIONS))


def toy() -> World:
    kinds = np.array([TYPES.index("person")] * 3 + [TYPES.index("city")])
    facts = [
        (ANN, "mentored_by", BOB),
        (BOB, "mentored_by", CY),
        (ANN, "born_in", PORT),
        (PORT, "governed_by", BOB),
        (CY, "born_in", PORT),
    ]
    columns = (np.array(c) for c in zip(*((s, SCHEMA.codes[r], o) for s, r, o in facts), strict=True))
    entities = Entities.of(SCHEMA, pa.array(NAMES), kinds, np.full(4, PARTS.index("known")))
    return World.of(entities, Facts.of(*columns))


def fair(head: int, *relations: str) -> int | None:
    """The answer of a chain in the toy world, if it is a fair question."""
    hops = [SCHEMA.codes[r.removesuffix(" back")] + (SCHEMA.back if r.endswith(" back") else 0) for r in relations]
    chains = certified(toy(), np.array([head]), np.array([hops]))
    return int(chains.stops[0, -1]) if len(chains.stops) else None


def test_a_shortcut_makes_a_chain_unfair() -> None:
    assert fair(ANN, "mentored_by", "mentored_by") == CY
    assert fair(ANN, "born_in", "governed_by") is None, "Bob Bay is also Ann Ash's mentor, one fact away"


def test_a_hub_met_backwards_is_a_shortcut() -> None:
    """Ann and Cy share a birthplace: a three-fact chain between them has a two-fact path through that hub."""
    assert fair(ANN, "born_in", "governed_by", "mentored_by") is None


def test_an_ambiguous_hop_makes_a_chain_unfair() -> None:
    assert fair(PORT, "born_in back") is None
    assert fair(BOB, "mentored_by back") == ANN
    assert fair(ANN, "works_for") is None, "nobody says where she works"


@pytest.mark.parametrize("within", [0, 1, 2, 3, 4])
def test_distances_agree_with_networkx(within: int) -> None:
    world = a_world(5).part("known")
    graph = nx.Graph(zip(world.subject.tolist(), world.object.tolist(), strict=True))
    rng = np.random.default_rng(0)
    a, b = rng.integers(world.size, size=(2, 400))
    expected = [
        x == y or (x in graph and y in graph and nx.has_path(graph, x, y) and nx.shortest_path_length(graph, x, y) <= within)
        for x, y in zip(a.tolist(), b.tolist(), strict=True)
    ]
    assert world.near(a, b, within).tolist() == expected


def test_the_order_of_the_search_does_not_depend_on_how_much_is_tried_at_once() -> None:
    world = a_world(1).part("known")
    heads = world.members("person", "known")
    whole, parts = (list(search(world, heads, 2, 9, inverse=True, chunk=chunk)) for chunk in (10_000_000, 37))
    assert len(parts) > len(whole) == 1
    for a, b in zip(whole[0], zip(*parts, strict=True), strict=True):
        assert np.array_equal(a, np.concatenate(b))


def test_there_are_many_wordings() -> None:
    world = build_world(2, Schema.of(["born_in", "governed_by"]), {"known": SIZES}).part("known")
    names = world.names.to_pylist()
    for hops in (1, 2):
        chains = next(search(world, world.members("person", "known"), hops, 0, inverse=False))
        wordings = set()
        for seed in range(60):
            made = ask(Asking(world, "train", seed, 0), chains)["text"].to_pylist()
            for question, head in zip(made, chains.stops[:, 0], strict=True):
                assert question.count(names[head]) == 1
                assert question[-1] in "?."
                wordings.add(question.replace(names[head], "{s}"))
        assert len(wordings) >= 20


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("hops", [1, 2, 3])
def test_every_walk_has_a_number(hops: int, inverse: bool) -> None:
    world = build_world(4, Schema.of(["mentored_by", "married_to", "born_in", "governed_by"]), {"known": SIZES}).part("known")
    schema, heads = world.schema, world.members("person", "known")
    steps: dict[int, list[tuple[int, int]]] = {}
    for s, r, o in zip(world.subject.tolist(), world.relation.tolist(), world.object.tolist(), strict=True):
        steps.setdefault(s, []).append((r, o))
        if inverse and schema.relations[r].one_to_one and not schema.relations[r].symmetric:
            steps.setdefault(o, []).append((r + schema.back, s))
    expected: list[tuple[int, tuple[int, ...], int]] = [(head, (), head) for head in heads.tolist()]
    for _ in range(hops):
        expected = [(head, (*taken, hop), end) for head, taken, here in expected for hop, end in steps.get(here, [])]
    walks = Walks.of(world, hops, inverse)
    counts = walks.counts(heads)
    owner = np.repeat(np.arange(len(heads)), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    taken, ends, left = walks.taken(heads[owner], place)
    found = list(zip(heads[owner].tolist(), map(tuple, taken.tolist()), ends.tolist(), strict=True))
    assert sorted(found) == sorted(expected)
    assert not left.any()
    assert len(set(found)) == len(found) > len(heads)
    for row, kept in zip(taken.tolist(), straight(schema, taken).tolist(), strict=True):
        turned = [
            a % schema.back == b % schema.back and (a != b or schema.relations[a % schema.back].symmetric)
            for a, b in pairwise(row)
        ]
        assert kept == (not any(turned))


def test_a_walk_may_be_gone_on_from() -> None:
    world = build_world(4, Schema.of(["mentored_by", "born_in"]), {"known": SIZES}).part("known")
    heads, onward = world.members("person", "known"), np.arange(world.size) % 3
    none = Walks.of(world, 0, False, onward)
    assert np.array_equal(none.counts(heads), onward[heads])
    one = Walks.of(world, 1, False, onward)
    counts = one.counts(heads)
    owner = np.repeat(np.arange(len(heads)), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    _, ends, left = one.taken(heads[owner], place)
    assert (left < onward[ends]).all()
    assert len(left) == sum(int(onward[o]) for o in world.object.tolist())


def _split(made: Records, split: str) -> list[Question]:
    return [q for q in made.questions if q.split == split]


def test_held_out_persons_appear_in_no_training_question(small: Records) -> None:
    held = {q.heads[0] for split in ("test_entity", "validation") for q in _split(small, split)}
    assert held
    ends = {f.id: {f.subject, f.object} for f in small.facts}
    for q in _split(small, "train"):
        assert not held & set().union(*(ends[f] for f in q.support))
    known_facts = set(ends)
    closed = [e for e in small.examples if e.kind.endswith("closed")]
    assert closed
    for e in closed:
        assert set(e.facts) <= known_facts
        assert not held & set().union(*(ends[f] for f in e.facts))


def test_validation_and_test_share_no_head(small: Records) -> None:
    assert not {q.heads[0] for q in _split(small, "validation")} & {q.heads[0] for q in _split(small, "test_entity")}


def test_withheld_compositions_are_in_no_example(small: Records) -> None:
    withheld = {q.support for q in _split(small, "test_composition")}
    assert withheld
    assert not withheld & {e.facts for e in small.examples}
    trained = {fact for q in _split(small, "train") for fact in q.support}
    assert all(set(support) <= trained for support in withheld), "each fact alone may be asked in training"
    pairs = {frozenset(support[i : i + 2]) for support in withheld for i in range(len(support) - 1)}
    told = [q.context_facts for q in _split(small, "train")]
    together = [pair for pair in pairs for facts in told if pair <= set(facts)]
    alone = {support for support in withheld if len(support) == 2}
    assert not [pair for pair in together if any(pair == frozenset(support) for support in alone)]


def test_no_test_question_is_a_training_text(small: Records) -> None:
    tests = {q.text for q in small.questions if q.split not in ("train", "scratch")}
    assert not [e for e in small.examples if any(t in e.prompt for t in tests)]


def test_shuffled_questions_ask_the_same_and_answer_otherwise(small: Records) -> None:
    novel = {(q.heads[0], q.steps): q for q in _split(small, "novel")}
    again = _split(small, "shuffled")
    assert again
    assert all(novel[q.heads[0], q.steps].text == q.text for q in again)
    single = [q for q in again if q.hops == 1]
    assert all(novel[q.heads[0], q.steps].answers != q.answers for q in single)


def test_context_holds_the_support(small: Records) -> None:
    for q in _split(small, "novel"):
        assert q.hops < len(q.context) == len(q.context_facts) <= 3 * q.hops
        assert set(q.support) <= set(q.context_facts)
        assert len(set(q.context)) == len(q.context)
        assert any(q.answers[0] in sentence for sentence in q.context)
        assert not set(q.candidates) & set(q.answers)
