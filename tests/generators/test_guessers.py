"""Guessers on tables made by hand: a way to be right that was planted is found, at the figure it ought to be, and where none
was, none is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generators.guessers import GUESSERS, NAMES, Tally, guessed
from kit.core.records import Entity, Fact, Part, Question, Split, Step
from kit.core.seeds import digest
from kit.core.store import read_table, write_table

Rows = dict[tuple[str, str, str], dict[str, Any]]
PEOPLE = [f"Person {chr(65 + i // 26)}{chr(97 + i % 26)}" for i in range(260)]
CITIES = ["Ada", "Bo", "Cu", "Di", "Ek", "Fu", "Go", "Hy"]
YEARS = [str(year) for year in range(1900, 2000)]


def entity(name: str, part: Part = "known", type_: str = "thing") -> Entity:
    return Entity(digest(name), type_, name, part)


def fact(subject: str, relation: str, object_: str, part: Part = "known") -> Fact:
    return Fact(digest(subject, relation, object_), digest(subject), relation, digest(object_), part)


def coin(*parts: object) -> bool:
    return int(digest("coin", *parts), 16) % 2 == 1


def question(number: int, relation: str, answer: str, *, shape: str = "chain-1", split: Split = "train", op: Any = "follow",
             text: str = "?", heads: tuple[str, ...] = (), told: tuple[Fact, ...] = (), wrong: tuple[str, ...] = (),
             support: tuple[Fact, ...] = (), members: tuple[str, ...] = (), more: tuple[Step, ...] = ()) -> Question:  # fmt: skip
    steps = (Step(op, relation, (0,)), *more)
    return Question(
        digest("question", number), shape, text, tuple(map(digest, heads)), steps, (), (answer,), tuple(f.id for f in support), 1,
        split, tuple("" for _ in told), wrong, members=members, context_facts=tuple(f.id for f in told),
    )  # fmt: skip


def scored(directory: Path, questions: list[Question], facts: list[Fact], entities: list[Entity] | None = None) -> Rows:
    directory.mkdir(exist_ok=True)
    write_table(directory / "entities.parquet", Entity, entities or [entity(name) for name in (*PEOPLE, *CITIES, *YEARS)])
    write_table(directory / "facts.parquet", Fact, facts)
    write_table(directory / "shuffled_facts.parquet", Fact, [])
    write_table(directory / "questions.parquet", Question, questions)
    write_table(directory / "probes.parquet", Question, [])
    rows = guessed(directory, 2000)
    assert rows == guessed(directory, 2000)
    return {(row["guesser"], row["shape"], row["split"]): row for row in rows}


def figures(rows: Rows, guesser: str, shape: str = "chain-1", split: str = "train") -> tuple[float, ...]:
    return tuple(rows[guesser, shape, split][name] for name in ("n", "right", "chance"))


def test_z_is_of_the_mean_difference() -> None:
    assert Tally(4, 3.0, 2.0, 1.0).figures() == {"n": 4, "right": 0.75, "chance": 0.5, "effect": 0.25, "z": 1.0}
    assert Tally(9, 9.0, 0.0, 9.0).figures()["z"] == 3
    assert Tally(9, 3.0, 3.0, 0.0).figures()["z"] == 0


def test_readers_of_the_sentences(tmp_path: Path) -> None:
    a, b, c = PEOPLE[:3]
    lives = [fact(a, "lives", "Ada"), fact(b, "lives", "Bo"), fact(c, "lives", "Ada")]
    knows, leads = fact("Cu", "knows", a), fact("Di", "leads", a)
    asked = [
        # Of two sentences of the relation one is right, the other is not; that one's near end is named by the third.
        question(0, "lives", "Ada", told=(lives[0], lives[1], knows)),
        # Both are right.
        question(1, "lives", "Ada", told=(lives[0], lives[2])),
        # Only one there is.
        question(2, "lives", "Ada", told=(leads, lives[0])),
        # None: not judged.
        question(3, "lives", "Ada", told=(knows,)),
        # The other way: by the city, to the person.
        question(4, "lives", b, op="inverse", told=(lives[0], lives[1], lives[2])),
        # All of several.
        question(5, "lives", "Ada and Bo", shape="set", told=(lives[0], lives[1]), members=("Ada", "Bo")),
    ]
    rows = scored(tmp_path, asked, [*lives, knows, leads])
    assert figures(rows, "disconnected reader") == pytest.approx(
        (4, (0.5 + 1 + 1 + 1 / 3) / 4, (0.5 + 0.5 + 1 + 1 / 3) / 4), abs=1e-4
    )
    assert figures(rows, "read off") == (4, 0.5, 0)
    assert figures(rows, "read off", "set") == (1, 1, 0)
    share = (0.5 + 1 + 1 + 1 / 3) / 4
    # Of the fourth the two of the same city lie in one another's sentences, and both are wrong.
    assert figures(rows, "bridging reader") == pytest.approx((4, 3 / 4, share), abs=1e-4)
    assert figures(rows, "first sentence") == pytest.approx((4, 3 / 4, share), abs=1e-4)
    assert figures(rows, "last sentence") == pytest.approx((4, 2 / 4, share), abs=1e-4)
    # The end that most sentences name: both of the second, and of the first, which has three that name only one city each, all.
    assert figures(rows, "most told end") == pytest.approx((4, (0.5 + 1 + 1 + 1 / 3) / 4, share), abs=1e-4)
    assert ("disconnected reader", "set", "train") not in rows


@pytest.mark.parametrize(("less", "right"), [(1, 1.0), (None, 0.25)])
def test_the_number_of_sentences_tells_the_count(less: int | None, right: float, tmp_path: Path) -> None:
    lives = [fact(name, "lives", "Ada") for name in PEOPLE[:9]]
    count = (Step("count", "", (1,)),)
    asked = []
    for i in range(800):
        told = 2 + int(digest("told", i), 16) % 4
        answer = told - less if less else 2 + int(digest("answer", i), 16) % 4
        asked.append(question(i, "lives", str(answer), shape="counting", op="inverse", told=tuple(lives[:told]), more=count))
    found = scored(tmp_path, asked, lives)["counts the sentences", "counting", "train"]
    assert found["right"] == pytest.approx(right, abs=0.06)
    assert found["chance"] == pytest.approx(0.25, abs=0.06)
    assert (abs(found["z"]) > 4) == bool(less)


def test_options_by_where_they_stand(tmp_path: Path) -> None:
    asked = [
        question(0, "lives", PEOPLE[9], shape="far", wrong=tuple(PEOPLE[:4])),
        question(1, "lives", "1980", shape="year", wrong=("1901", "1902", "1904")),
        question(2, "lives", "3", shape="middle", wrong=("1", "2", "4", "5")),
        question(3, "lives", PEOPLE[3], shape="two", wrong=(PEOPLE[7],)),
        question(4, "lives", PEOPLE[2], shape="pairs", wrong=(PEOPLE[1], PEOPLE[8], PEOPLE[9])),
        question(5, "lives", "nowhere", shape="foreign", wrong=("Ada", "Bo")),
        question(6, "lives", "Ada", shape="alone"),
    ]
    rows = scored(tmp_path, asked, [fact(PEOPLE[0], "lives", "Ada")])
    shapes = ("far", "year", "middle", "two", "pairs")
    assert [figures(rows, "odd one out", shape)[1:] for shape in shapes] == [(1, 0.2), (1, 0.25), (0, 0.2), (0.5, 0.5), (0, 0.25)]
    assert [figures(rows, "middle one", shape)[1] for shape in shapes] == [0, 0, 1, 0.5, 0.5]
    assert [figures(rows, "file order", shape)[1] for shape in shapes] == [1, 1, 0.2, 0.5, 0.25]
    assert not {(g, shape, "train") for g in ("odd one out", "commonest in range") for shape in ("foreign", "alone")} & set(rows)


def test_options_by_what_ends_in_them_and_by_their_names(tmp_path: Path) -> None:
    facts = [fact(PEOPLE[0], "lives", "Ada"), fact(PEOPLE[1], "lives", "Ada"), fact(PEOPLE[2], "lives", "Bo")]
    facts += [fact(name, "lives", "Cu", "novel") for name in PEOPLE[3:6]]
    facts += [fact(name, "likes", "Bo") for name in PEOPLE[6:9]]
    options = ("Bo", "Cu")
    asked = [
        question(0, "lives", "Ada", wrong=options, text="Cu or Ada, where is Person Aa?"),
        question(1, "lives", "Ada", split="novel", wrong=options, text="Is it Bo, Cu or Ada?"),
        question(2, "lives", "Ada", split="test_entity", wrong=options, text="Ada, Cu or Bo?"),
        question(3, "lives", PEOPLE[0], shape="two", op="inverse", wrong=(PEOPLE[1], PEOPLE[9])),
        question(4, "lives", "Long name", shape="names", wrong=("Name one", "Name two", "Other"), text="What is long?"),
    ]
    rows = scored(tmp_path, asked, facts, [entity(n) for n in (*PEOPLE, *CITIES, "Long name", "Name one", "Name two", "Other")])
    third = pytest.approx(1 / 3, abs=1e-4)
    assert [figures(rows, "commonest in range", split=s) for s in ("train", "novel", "test")] == [
        (1, 1, third),
        (1, 0, third),
        (1, 1, third),
    ]
    assert figures(rows, "commonest in range", "two") == (1, 0.5, third)
    assert figures(rows, "commonest of all") == (1, 0, third)
    # In training the answer was Ada.
    assert [figures(rows, "answered before", split=s)[1] for s in ("novel", "test")] == [1, 1]
    assert ("answered before", "chain-1", "train") not in rows
    assert figures(rows, "named first") == (1, 0, 0.5)
    assert [figures(rows, "named first", split=s) for s in ("novel", "test")] == [(1, 0, third), (1, 1, third)]
    assert figures(rows, "longest option") == (1, 1, third)
    assert figures(rows, "shortest option") == (1, 0, third)
    assert figures(rows, "shares a word", "names") == (1, 1, 0.25)
    assert figures(rows, "unlike the others", "names") == (1, 0, 0.25)


@pytest.mark.parametrize("clue", ["last hop alone", "steps alone", "last head alone", "words of the question", None])
def test_how_a_question_is_put_tells_yes_from_no(clue: str | None, tmp_path: Path) -> None:
    asked = []
    for i in range(600):
        yes = coin("answer", i)

        def said(guesser: str, i: int = i, yes: bool = yes) -> bool:
            return yes if guesser == clue else coin(guesser, i)

        steps = (Step("follow", "lives" if said("last hop alone") else "likes", (1,)), Step("same", "", (2,)))
        made = question(
            i, "owns" if said("steps alone") else "heads", "yes" if yes else "no", shape="verify", more=steps,
            heads=("Cu", "Ada" if said("last head alone") else "Bo"), text="Is it" if said("words of the question") else "Be it",
        )  # fmt: skip
        asked.append(made)
    facts = [fact(PEOPLE[0], relation, city) for relation in ("lives", "likes") for city in ("Ada", "Bo")]
    rows = scored(tmp_path, asked, facts)
    found = {name for name, _, _ in rows if abs(rows[name, "verify", "train"]["z"]) > 4}
    # Who knows all steps knows the last one.
    assert found == ({clue} if clue else set()) | ({"steps alone"} if clue == "last hop alone" else set())
    if clue:
        assert rows[clue, "verify", "train"]["right"] == 1
    assert figures(rows, "commonest answer", "verify")[1:] == pytest.approx((0.5, 0.5), abs=0.06)


def test_a_common_yes_is_found(tmp_path: Path) -> None:
    asked = [question(i, "lives", "no" if i % 4 else "yes", shape="same") for i in range(200)]
    rows = scored(tmp_path, asked, [fact(PEOPLE[0], "lives", "Ada")])
    assert figures(rows, "commonest answer", "same") == (200, 0.75, 0.5)
    assert figures(rows, "last hop alone", "same") == (200, 0.75, 0.75)


def test_what_cannot_be_answered_beside_chains_and_beside_its_own(tmp_path: Path) -> None:
    facts = [fact(PEOPLE[0], "lives", "Ada")]
    chains = [question(i, "likes", "Ada", told=tuple(facts)) for i in range(100)]
    chains += [question(i, "likes", "Ada", split="novel") for i in range(100, 200)]
    asked = [question(i, "lives", "unknown", shape="unanswerable") for i in range(200, 260)]
    rows = scored(tmp_path / "alone", [*chains, *asked], facts)
    assert figures(rows, "last hop alone", "unanswerable")[:2] == (120, 1)
    assert figures(rows, "commonest answer", "unanswerable")[1] < 0.6
    assert ("last hop alone", "unanswerable", "novel") not in rows
    pairs = [
        question(i, "lives", "unknown" if i % 2 else "Ada", shape="unanswerable", told=tuple(facts)) for i in range(300, 360)
    ]
    rows = scored(tmp_path / "paired", [*chains, *pairs], facts)
    assert figures(rows, "last hop alone", "unanswerable")[0] == 60
    assert rows["last hop alone", "unanswerable", "train"]["z"] < 4
    assert figures(rows, "disconnected reader", "unanswerable") == (30, 1, 1)


@pytest.mark.parametrize("fair", [False, True])
def test_one_value_of_two(fair: bool, tmp_path: Path) -> None:
    born = [fact(name, "born", YEARS[i % 100]) for i, name in enumerate(PEOPLE[:200])]
    asked = []
    for i in range(400):
        a, b = i % 200, int(digest("partner", i), 16) % 200
        if a % 100 == b % 100:
            continue
        first = coin("order", i) if fair else a % 100 < b % 100
        names = (PEOPLE[a], PEOPLE[b]) if first else (PEOPLE[b], PEOPLE[a])
        asked.append(
            question(
                i, "born", names[0], shape="comparison", op="least", wrong=names[1:], support=(born[a], born[b]),
                text=f"{PEOPLE[a]} or {PEOPLE[b]}?",
            )
        )  # fmt: skip
    rows = scored(tmp_path, asked, born)
    for guesser in ("one value known", "one value known, by sixteenths"):
        found = rows[guesser, "comparison", "train"]
        assert (found["z"] > 4) != fair, found
        assert found["right"] == pytest.approx(0.5 if fair else 0.75, abs=0.1)
    assert (rows["one value known, at best", "comparison", "train"]["z"] > 2) != fair


def test_popular_objects_are_mostly_right(tmp_path: Path) -> None:
    facts = [fact(name, "lives", "Ada") for name in PEOPLE[:8]] + [fact(PEOPLE[8], "lives", city) for city in CITIES[1:]]
    asked = []
    for i in range(200):
        yes = coin(i)
        said = "Ada" if yes else CITIES[1 + i % 7]
        asked.append(question(i, "lives", "yes" if yes else "no", shape="verify", heads=(PEOPLE[i], said)))
    assert figures(scored(tmp_path, asked, facts), "popularity alone", "verify")[:2] == (200, 1)


@pytest.mark.parametrize("told", [True, False])
def test_names_tell_their_part(told: bool, tmp_path: Path) -> None:
    letters = ("abcdefgh", "stuvwxyz") if told else ("abcdefgh", "abcdefgh")
    made = []
    for part, used in zip(("known", "novel"), letters, strict=True):
        for i in range(200):
            spelled = digest("name", part, i)
            name = "".join(used[int(c, 16) % 8] for c in spelled[:8])
            made.append(entity(name, part, "person" if i % 2 else "city"))
    rows = scored(tmp_path, [question(0, "lives", "x")], [fact("x", "lives", "y")], [*made, entity("x"), entity("y")])
    for kind, n in (("person", 200), ("city", 200), ("all types", 400)):
        found = rows["bag of characters", kind, "known against novel"]
        assert found["n"] == n
        assert found["right"] == 1 if told else abs(found["z"]) < 4
    assert figures(rows, "bag of words", "all types", "known against novel")[1] == 0.5


def test_at_most_a_sample_of_every_shape_and_split_is_guessed_at(small_dir: Path) -> None:
    counts = [row["n"] for row in guessed(small_dir, 10) if row["split"] in ("train", "novel")]
    assert max(counts) == 10


def test_every_sentence_states_its_fact_and_the_audit_tells_what_guessers_score(small_dir: Path) -> None:
    names = {e.id: e.name for e in read_table(small_dir / "entities.parquet", Entity)}
    facts = {f.id: f for table in ("facts", "shuffled_facts") for f in read_table(small_dir / f"{table}.parquet", Fact)}
    questions = read_table(small_dir / "questions.parquet", Question)
    for q in questions:
        assert set(q.support) <= set(q.context_facts)
        for sentence, id_ in zip(q.context, q.context_facts, strict=True):
            assert names[facts[id_].subject] in sentence
            assert names[facts[id_].object] in sentence
    rows = json.loads((small_dir / "audit.json").read_text())["guessers"]
    assert rows == guessed(small_dir, 2000)
    assert {row["guesser"] for row in rows} <= {*GUESSERS, *NAMES}
    train = sum(q.split == "train" and q.shape == "chain-2" for q in questions)
    assert next(r["n"] for r in rows if (r["guesser"], r["shape"], r["split"]) == ("odd one out", "chain-2", "train")) <= train
