"""Names, facts, worlds: what must hold for every seed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.generate import Dataset
from generators.relations import ENTITY_TYPES, RELATIONS, VALUE_TYPES, VALUES
from generators.world import build_world, scratch_world, shuffle_facts
from kit.core.errors import KitError
from kit.core.seeds import stream

NAMES = list(RELATIONS)
SIZES = {"person": 30, "company": 8, "city": 8, "university": 6}
NOVEL = {"person": 12, "company": 5, "city": 5, "university": 4}


def test_the_table_is_broad_and_whole() -> None:
    assert len(RELATIONS) >= 12
    assert len({t for r in RELATIONS.values() for t in (r.subject, r.object)}) >= 4
    assert {r.functional for r in RELATIONS.values()} == {True, False}
    assert any(r.inverse_nouns for r in RELATIONS.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_relation_is_complete(name: str) -> None:
    relation = RELATIONS[name]
    assert relation.subject in ENTITY_TYPES
    assert relation.object in (*ENTITY_TYPES, *VALUE_TYPES)
    assert len(set(relation.statements)) == len(relation.statements) >= 8
    for statement in relation.statements:
        assert statement.count("{o}") == 1
        assert 1 <= statement.count("{s}") <= 2
        assert statement.endswith(".")
    assert relation.statements[0].endswith("{o}.")
    assert all("{s}" in noun for noun in relation.nouns)
    assert len(relation.nouns) >= 3
    assert relation.question.endswith("?")
    assert bool(relation.inverse_nouns) == relation.one_to_one


def test_values_are_distinct() -> None:
    for kind, members in VALUES.items():
        assert len(set(members)) == len(members) >= 20, kind


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_names_are_unique_unnested_and_writable(seed: int) -> None:
    world = build_world(seed, NAMES, SIZES, NOVEL)
    coined = [e for e in world.entities.values() if e.part != "shared"]
    names = [e.name for e in coined]
    assert len(set(names)) == len(names)
    assert not any(a != b and a in b for a in names for b in names)
    shown = {word for e in coined if e.part == "known" for word in e.name.split()}
    assert {word for e in coined if e.part != "known" for word in e.name.split()} <= shown


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_facts_respect_their_relations(seed: int) -> None:
    world = build_world(seed, NAMES, SIZES, NOVEL)
    assert len({f.id for f in world.facts}) == len(world.facts)
    for fact in world.facts:
        relation = RELATIONS[fact.relation]
        subject, object_ = world.entities[fact.subject], world.entities[fact.object]
        assert (subject.type, object_.type) == (relation.subject, relation.object)
        assert subject.part == fact.part
        assert object_.part in (fact.part, "shared")
        assert fact.subject != fact.object
        if relation.functional:
            assert len(world.out[fact.subject, fact.relation]) == 1
        if relation.one_to_one:
            assert len(world.into[fact.object, fact.relation]) == 1
        if relation.symmetric:
            assert any(f.object == fact.subject for f in world.out[fact.object, fact.relation])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_shuffled_facts_are_false_and_keep_schema_and_frequencies(seed: int) -> None:
    world = build_world(seed, NAMES, SIZES, NOVEL)
    false = shuffle_facts(world, "novel", stream(seed, "test"))
    truth = {(f.subject, f.relation, f.object) for f in world.facts}
    novel, made = ([f for f in w.facts if f.part == "novel"] for w in (world, false))
    assert [f for f in world.facts if f.part == "known"] == [f for f in false.facts if f.part == "known"]
    for name, relation in RELATIONS.items():
        if relation.functional:
            assert not [f for f in made if f.relation == name and (f.subject, name, f.object) in truth]
            if not relation.symmetric:
                # The objects of a one-valued relation keep their frequencies exactly.
                before, after = (sorted(Counter(f.object for f in w if f.relation == name).items()) for w in (novel, made))
                assert before == after
    assert not [f for f in made if f.subject == f.object]


def test_scratch_worlds_have_names_of_their_own_made_of_known_words() -> None:
    world = build_world(0, NAMES, SIZES, NOVEL)
    a, b = (scratch_world(world, NAMES, 0, i) for i in (0, 1))
    names = [{e.name for e in w.entities.values() if e.part == "scratch"} for w in (a, b)]
    assert len(names[0] & names[1]) < 0.2 * len(names[0])
    assert not (names[0] | names[1]) & {e.name for e in world.entities.values()}
    known = {word for e in world.entities.values() if e.part == "known" for word in e.name.split(" ")}
    assert {word for name in names[0] | names[1] for word in name.split(" ")} <= known
    for kind in ("person", "company", "city"):
        assert len(a.of_type(kind)) == sum(e.part == "novel" for e in world.of_type(kind))


def test_a_world_too_small_says_so() -> None:
    with pytest.raises(KitError, match="ask for more"):
        build_world(0, ["governed_by"], {"city": 9, "person": 3}, {"city": 2, "person": 3})


def test_graph_view_has_every_fact(small: Dataset) -> None:
    from generators.world import World

    world = World.of(small.entities, small.facts)
    assert world.graph().number_of_edges() == len(small.facts)
