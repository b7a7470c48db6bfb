"""Questions: re-answered by brute force over networkx, certificates checked one by one, splits shown to be disjoint."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import pytest

from generators.generate import Dataset, GenerateConfig, generate
from generators.questions.chain import forms, programs
from generators.reasoning import certify, solve
from generators.world import World, make_fact
from kit.core.config import resolve
from kit.core.records import Entity, Question, Step
from tests.conftest import SMALL


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
    made = generate(resolve(GenerateConfig, settings))
    names = {e.id: e.name for e in made.entities}
    graphs = {
        "known": World.of(made.entities, [f for f in made.facts if f.part == "known"]).graph(),
        "novel": World.of(made.entities, [f for f in made.facts if f.part == "novel"]).graph(),
        "shuffled": World.of(made.entities, made.shuffled_facts).graph(),
    }
    asked = [q for q in made.questions if q.shape != "cloze"]
    assert len(asked) > 300
    assert not inverse or any(s.op == "inverse" for q in asked for s in q.steps)
    for q in asked:
        graph = graphs.get(q.split, graphs["known"])
        answers = brute_force(graph, q.head, q.steps)
        assert {names[a] for a in answers} == set(q.answers), q
        assert len(answers) == 1
        assert not any(a in q.text for a in q.answers)
        distance = nx.shortest_path_length(graph.to_undirected(as_view=True), q.head, answers.pop())
        assert distance == q.hops, q
        for fact in q.support:
            smaller = graph.copy()
            facts = made.shuffled_facts if q.split == "shuffled" else made.facts
            edge = next(f for f in facts if f.id == fact)
            smaller.remove_edge(edge.subject, edge.object, key=edge.relation)
            assert brute_force(smaller, q.head, q.steps) == set()


def toy() -> World:
    people = [Entity(n, "person", n, "known") for n in ("Ann Ash", "Bob Bay", "Cy Cole")]
    city = Entity("Port Dee", "city", "Port Dee", "known")
    facts = [
        make_fact("Ann Ash", "mentored_by", "Bob Bay", "known"),
        make_fact("Bob Bay", "mentored_by", "Cy Cole", "known"),
        make_fact("Ann Ash", "born_in", "Port Dee", "known"),
        make_fact("Port Dee", "governed_by", "Bob Bay", "known"),
        make_fact("Cy Cole", "born_in", "Port Dee", "known"),
    ]
    return World.of([*people, city], facts)


def test_certificate_sees_a_shortcut() -> None:
    steps = (Step("follow", "born_in"), Step("follow", "governed_by"))
    found = certify(toy(), "Ann Ash", steps, "Who is the mayor of the birthplace of Ann Ash?")
    assert found.unique
    assert not found.no_shortcut, "Bob Bay is also Ann Ash's mentor, one edge away"
    assert len(found.necessary) == 2


def test_certificate_sees_an_inverse_hub() -> None:
    """Ann and Cy share a birthplace: a three-edge chain between them has a two-edge path through that hub."""
    world = toy()
    steps = (Step("follow", "mentored_by"), Step("follow", "mentored_by"))
    assert certify(world, "Ann Ash", steps, "?").no_shortcut
    far = (Step("follow", "born_in"), Step("follow", "governed_by"), Step("follow", "mentored_by"))
    assert solve(world, "Ann Ash", far).answers == {"Cy Cole"}
    assert not certify(world, "Ann Ash", far, "?").no_shortcut


def test_certificate_sees_a_readable_answer_and_an_ambiguous_one() -> None:
    world = toy()
    assert not certify(world, "Ann Ash", (Step("follow", "mentored_by"),), "Is it Bob Bay?").unreadable
    assert not certify(world, "Port Dee", (Step("inverse", "born_in"),), "Who was born in Port Dee?").unique


def test_there_are_many_forms_and_they_read_apart() -> None:
    one = forms((Step("follow", "born_in"),))
    two = forms((Step("follow", "born_in"), Step("follow", "governed_by")))
    assert len(set(one)) == len(one) >= 20
    assert len(set(two)) == len(two) >= 20
    assert all(text.count("{s}") == 1 and text[-1] in "?." for text in (*one, *two))


def test_programs_never_turn_back() -> None:
    for program in programs(["mentored_by", "married_to", "born_in"], "person", 3, inverse=True):
        for a, b in pairwise(program):
            assert not (a.relation == b.relation and (a.op != b.op or a.relation == "married_to"))


def _split(made: Dataset, split: str) -> list[Question]:
    return [q for q in made.questions if q.split == split]


def test_held_out_persons_appear_in_no_training_question(small: Dataset) -> None:
    held = {q.head for split in ("test_entity", "validation") for q in _split(small, split)}
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


def test_validation_and_test_share_no_head(small: Dataset) -> None:
    assert not {q.head for q in _split(small, "validation")} & {q.head for q in _split(small, "test_entity")}


def test_withheld_compositions_are_in_no_example(small: Dataset) -> None:
    withheld = {q.support for q in _split(small, "test_composition")}
    assert withheld
    assert not withheld & {e.facts for e in small.examples}
    single = {q.support[0] for q in _split(small, "train") if q.hops == 1}
    assert all(set(support) <= single for support in withheld), "each fact alone may be asked in training"


def test_no_test_question_is_a_training_text(small: Dataset) -> None:
    tests = {q.text for q in small.questions if q.split not in ("train", "scratch") and q.shape != "cloze"}
    assert not [e for e in small.examples if any(t in e.prompt for t in tests)]


def test_shuffled_questions_ask_the_same_and_answer_otherwise(small: Dataset) -> None:
    novel = {(q.head, q.steps): q for q in _split(small, "novel")}
    again = _split(small, "shuffled")
    assert again
    assert all(novel[q.head, q.steps].text == q.text for q in again)
    single = [q for q in again if q.hops == 1]
    assert all(novel[q.head, q.steps].answers != q.answers for q in single)


def test_context_holds_the_support(small: Dataset) -> None:
    for q in _split(small, "novel"):
        assert len(q.context) == q.hops + 2
        assert len(set(q.context)) == len(q.context)
        assert any(q.answers[0] in sentence for sentence in q.context)
        assert not set(q.candidates) & set(q.answers)
