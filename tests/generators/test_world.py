"""Names, facts, worlds: what must hold for every seed."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.questions.groups import predicate
from generators.world.columns import mixed, permuted
from generators.world.draw import build_world, scratch_world, shuffle_facts
from generators.world.names import NameRules
from generators.world.relations import ENTITY_TYPES, RELATIONS, TYPES, VALUE_TYPES, VALUES
from generators.world.schema import Schema
from generators.world.world import PARTS, World
from kit.core.errors import KitError
from kit.core.records import Part
from kit.core.seeds import stream

NAMES = list(RELATIONS)
SIZES = {"person": 30, "company": 8, "city": 8, "university": 6, "team": 5, "book": 9, "river": 4}
NOVEL = {"person": 12, "company": 5, "city": 5, "university": 4, "team": 3, "book": 4, "river": 3}


def a_world(seed: int, known: dict[str, int] = SIZES, novel: dict[str, int] = NOVEL) -> World:
    """All relations of the table."""
    return build_world(seed, Schema.of(NAMES), {"known": known, "novel": novel})


ROWS = tuple(RELATIONS.values())


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


def test_words_that_are_kept_are_no_other_relations() -> None:
    """Documents of what is injected use all plain statements of all relations: none of them has the words of one that is kept."""
    around = {name: [re.sub(r"[Tt]he \{s\}", "{s}", text) for text in row.statements] for name, row in RELATIONS.items()}
    for name, row in RELATIONS.items():
        assert len(row.kept) == 2
        begun = {re.sub(r"[Tt]he \{s\}", "{s}", text).split("{o}")[0] for text in row.kept}
        others = {text.split("{o}")[0] for other, texts in around.items() if other != name for text in texts}
        assert not begun & others, name


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_of_a_subject_in_questions_has_no_kept_words(name: str) -> None:
    row = RELATIONS[name]
    assert not {f"{{s}} {text}." for text in row.predicates} & {*row.kept}
    if any(text.startswith("{s} ") for text in row.statements):
        assert len(row.predicates) >= 2


def test_two_things_said_of_one_have_two_verbs() -> None:
    """Not "came into the world in Port Dee and came into the world in the year 1909"."""
    world = a_world(0)
    codes = [c for c, row in enumerate(ROWS) if row.predicates]
    pairs = np.array([(a, b) for a in codes for b in codes if a != b and ROWS[a].subject == ROWS[b].subject])
    first, second = np.repeat(pairs, 20, axis=0).T
    objects, draws = np.zeros(len(first), np.int64), mixed(5, np.arange(len(first)))
    one, two = (
        [" ".join(text.split()[:2]) for text in texts.to_pylist()]
        for texts in (predicate(world, first, objects, draws), predicate(world, second, objects, mixed(draws, 1), (first, draws)))
    )
    assert not [pair for pair in zip(one, two, strict=True) if pair[0] == pair[1]]
    assert len(set(two)) > 60


def test_values_are_distinct() -> None:
    for kind, members in VALUES.items():
        assert len(set(members)) == len(members) >= 20, kind


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_names_are_unique_unnested_and_writable(seed: int) -> None:
    names = coined(a_world(seed))
    every = [*names["known"], *names["novel"]]
    assert len(set(every)) == len(every)
    assert not any(a != b and a in b for a in every for b in every)
    shown = {word for name in names["known"] for word in name.split()}
    assert {word for name in names["novel"] for word in name.split()} <= shown


def coined(world: World) -> dict[str, list[str]]:
    """The names of every part."""
    names: dict[str, list[str]] = {part: [] for part in PARTS}
    for name, part in zip(world.names.to_pylist(), world.parts, strict=True):
        names[PARTS[part]].append(name)
    return names


def test_no_name_lacks_a_second_capital() -> None:
    """Faker writes Mcpherson."""
    world = build_world(0, Schema.of(["works_for"]), {"known": {"person": 3000, "company": 900}})
    assert not [name for name in world.names.to_pylist() if re.search(r"\bMc", name)]


def test_names_are_short_and_new_by_the_users_rules() -> None:
    """Under a tokenizer of three letters a token, no name has more than five tokens; none is on the list of those that exist."""
    counted = NameRules(lambda texts: [sum(-(-len(word) // 3) for word in text.split()) for text in texts], 5)
    counts: dict[Part, dict[str, int]] = {"known": {"person": 40, "company": 10}}
    schema = Schema.of(["works_for"])
    free = build_world(0, schema, counts)
    short = build_world(0, schema, counts, names=counted)
    assert max(counted.tokens(free.names.to_pylist())) > 5  # type: ignore[misc]
    assert max(counted.tokens(short.names.to_pylist())) <= 5  # type: ignore[misc]
    taken = frozenset(free.names.to_pylist()[:20])
    others = build_world(0, schema, counts, names=NameRules(avoid=taken))
    assert not taken & set(others.names.to_pylist())
    assert len(set(others.names.to_pylist())) == 50
    with pytest.raises(KitError, match=r"short enough|too long or exist already"):
        build_world(0, schema, counts, names=NameRules(counted.tokens, 2))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_facts_respect_their_relations(seed: int) -> None:
    world = a_world(seed)
    assert len(set(world.fact_hashes.tolist())) == len(world.subject)
    facts = list(zip(world.subject.tolist(), world.relation.tolist(), world.object.tolist(), strict=True))
    assert facts == sorted(set(facts), key=lambda f: (f[1], f[0], f[2]))
    objects, subjects = Counter((r, s) for s, r, _ in facts), Counter((r, o) for _, r, o in facts)
    for s, r, o in facts:
        relation = ROWS[r]
        assert (TYPES[world.kinds[s]], TYPES[world.kinds[o]]) == (relation.subject, relation.object)
        assert PARTS[world.parts[o]] in (PARTS[world.parts[s]], "shared")
        assert s != o
        assert objects[r, s] == 1 or not relation.functional
        assert subjects[r, o] == 1 or not relation.one_to_one
        assert not relation.symmetric or (o, r, s) in facts
    # Everybody has every relation (in pairs, one may be left over; a hierarchy has a top).
    for r, relation in enumerate(ROWS):
        for part in ("known", "novel"):
            heads = world.members(relation.subject, part)
            missing = [h for h in heads.tolist() if not objects[r, h]]
            # The oldest have no mentor.
            few = 3 * -(-len(heads) // 16) + 2 if relation.ages == "older" else int(relation.hierarchical)
            assert (
                len(missing) <= few
                if relation.ages == "older"
                else len(missing) == (len(heads) % 2 if relation.symmetric else few)
            ), relation.name


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_shuffled_facts_are_false_and_keep_schema_and_frequencies(seed: int) -> None:
    world = a_world(seed)
    false = shuffle_facts(world, "novel", stream(seed, "test"))
    truth = set(world.fact_hashes.tolist())
    novel, made = world.part("novel"), false.part("novel")
    assert not (made.subject == made.object).any()
    told = made.fact_hashes.tolist()
    for code, relation in enumerate(ROWS):
        if relation.functional:
            assert not [i for i in np.flatnonzero(made.relation == code) if told[i] in truth]
            if not (relation.symmetric or relation.hierarchical):
                # The objects of a one-valued relation keep their frequencies exactly.
                before, after = (np.sort(w.object[w.relation == code]).tolist() for w in (novel, made))
                # An object that more than half of all have is some of theirs still: those facts are left out.
                assert before == after or 2 * max(Counter(before).values()) > len(before)


def test_scratch_worlds_have_names_of_their_own_made_of_known_words() -> None:
    world = a_world(0)
    a, b = (scratch_world(world, 0, i, NOVEL) for i in (0, 1))
    names = [set(coined(w)["scratch"]) for w in (a, b)]
    assert len(names[0] & names[1]) < 0.3 * len(names[0])
    assert not (names[0] | names[1]) & set(world.names.to_pylist())
    known = {word for name in coined(world)["known"] for word in name.split(" ")}
    assert {word for name in names[0] | names[1] for word in name.split(" ")} <= known
    for kind in ("person", "company", "city"):
        assert len(a.members(kind, "scratch")) == len(world.members(kind, "novel"))


def test_a_world_too_small_says_so() -> None:
    with pytest.raises(KitError, match="ask for more"):
        build_world(0, Schema.of(["governed_by"]), {"known": {"city": 9, "person": 3}, "novel": {"city": 2, "person": 3}})


def test_graph_view_has_every_fact() -> None:
    world = a_world(0)
    assert world.graph().number_of_edges() == len(world.subject)


@settings(deadline=None)
@given(st.integers(1, 3000), st.integers(0, 2**62), st.integers(1, 500))
def test_a_keyed_permutation_is_one_and_any_slice_of_it_is_the_same(size: int, key: int, step: int) -> None:
    whole = permuted(size, key, 0, size)
    assert sorted(whole.tolist()) == list(range(size))
    assert np.array_equal(whole, np.concatenate([permuted(size, key, i, i + step) for i in range(0, size, step)]))
