"""Answers: extraction, exact match, F1, near misses, error kinds, each as a table of cases, hostile ones included."""

from __future__ import annotations

import pytest

from evals.errors import error_kind
from evals.scoring.qa import exact_match, f1, near_miss, set_f1, set_match
from kit.core.records import ErrorKind, SubQuestion
from kit.models.prompts import ANSWER_CUE, assistant_message, extract_answer, extract_hops

GOLD = ["Port Ann"]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("So the answer is Port Ann.", "Port Ann"),
        ("Where? Here. So the answer is Port Ann.", "Port Ann"),
        ("So the answer is Port Ann", "Port Ann"),
        ("So the answer is Port Ann.\nSo much for that.", "Port Ann"),
        ("So the answer is Bo. So the answer is Port Ann.", "Port Ann"),
        ("So the answer is St. Ives. A port.", "St. Ives"),
        ("So the answer is J.B. Hall Inc.", "J.B. Hall Inc"),
        ("Port Ann", None),
        ("", None),
        ("So the answer is", None),
        ("So the answer is .", None),
        ("so the answer is Port Ann.", None),
        ("x" * 10_000, None),
        ("So the answer is \ud800.", None),
    ],
)
def test_extraction(output: str, expected: str | None) -> None:
    assert extract_answer(output) == expected


@pytest.mark.parametrize(
    ("answer", "golds", "right"),
    [
        ("Port Ann", GOLD, True),
        ("port ann", GOLD, True),
        ("the Port Ann!", GOLD, True),
        ("Port-Ann", ["PortAnn"], True),
        ("not Port Ann", GOLD, False),
        ("Port Ann or Port Bee", GOLD, False),
        ("Port", GOLD, False),
        ("", GOLD, False),
        ("", [""], True),
        (None, [""], False),
        (None, GOLD, False),
        ("Ann", ["Port Ann", "Ann"], True),
        ("Pört Ann", GOLD, False),
        ("x" * 10_000, GOLD, False),
        ("\ud800", GOLD, False),
    ],
)
def test_exact_match(answer: str | None, golds: list[str], right: bool) -> None:
    assert exact_match(answer, golds) is right


@pytest.mark.parametrize(
    ("answer", "golds", "expected"),
    [("Port Ann", GOLD, 1.0), ("Port", GOLD, 2 / 3), ("Bee", GOLD, 0.0), (None, GOLD, 0.0), ("", [""], 1.0), ("", GOLD, 0.0)],
)
def test_f1(answer: str | None, golds: list[str], expected: float) -> None:
    assert f1(answer, golds) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answer", "right", "score"),
    [
        ("Ann Lee and Bo Ray", True, 1.0),
        ("Bo Ray, Ann Lee", True, 1.0),
        ("the Ann Lee; bo ray.", True, 1.0),
        ("Ann Lee\nBo Ray", True, 1.0),
        ("Ann Lee and Ann Lee and Bo Ray", True, 1.0),
        ("Ann Lee", False, 2 / 3),
        ("Ann Lee, Bo Ray and Cy Doe", False, 0.8),
        ("Ann Lee Bo Ray", False, 0.0),
        ("Cy Doe", False, 0.0),
        ("", False, 0.0),
        (None, False, 0.0),
    ],
)
def test_sets_are_right_in_any_order_and_whole(answer: str | None, right: bool, score: float) -> None:
    assert set_match(answer, ["Ann Lee", "Bo Ray"]) is right
    assert set_f1(answer, ["Ann Lee", "Bo Ray"]) == pytest.approx(score)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("Ode Labs, Paris, Texas and Johnson and Johnson", True),
        ("Johnson and Johnson, Ode Labs and Paris, Texas", True),
        ("Johnson and Johnson and Ode Labs", False),
        ("Johnson and Johnson Labs, Ode Labs and Paris, Texas", False),
        ("Johnson, Ode Labs and Paris, Texas", False),
    ],
)
def test_members_may_hold_what_separates_them(answer: str, right: bool) -> None:
    assert set_match(answer, ["Johnson and Johnson", "Paris, Texas", "Ode Labs"]) is right


def test_a_near_miss_is_told_but_earns_nothing() -> None:
    assert near_miss("Port Anne", GOLD)
    assert not exact_match("Port Anne", GOLD)
    assert not near_miss("Port Ann", GOLD)
    assert not near_miss("Bo Li", GOLD)
    assert not near_miss(None, GOLD)


CHAIN = (
    SubQuestion("Where was Al Oz born?", "Port Ann", "Al Oz was born in Port Ann.", "born_in", "f1"),
    SubQuestion("Who is the mayor of Port Ann?", "Bo Li", "Port Ann is governed by Bo Li.", "governed_by", "f2"),
)
FIRST, SECOND = (
    "Where was Al Oz born? Al Oz was born in Port Ann.",
    "Who is the mayor of Port Ann? Port Ann is governed by Bo Li.",
)


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        (f"{FIRST} {SECOND} So the answer is Bo Li.", "none"),
        (f"{FIRST} {SECOND}", "format"),
        ("", "format"),
        (f"{FIRST} {SECOND} So the answer is Cy Mo.", "composition"),
        (f"Where was Bo Oz born? Bo Oz was born in Port Ann. {SECOND} So the answer is Cy Mo.", "first_hop"),
        (f"Who employs Al Oz? Al Oz works for Ode Labs. {SECOND} So the answer is Cy Mo.", "first_hop"),
        (f"Where was Al Oz born? Al Oz was born in Port Bee. {SECOND} So the answer is Cy Mo.", "recall"),
        (f"{FIRST} Who is the mayor of Port Bee? Port Bee is governed by Cy Mo. So the answer is Cy Mo.", "later_hop"),
        (f"{FIRST} Who is the mayor of Port Ann? Port Ann is governed by Cy Mo. So the answer is Cy Mo.", "recall"),
        (f"{FIRST} So the answer is Cy Mo.", "later_hop"),
        ("So the answer is Cy Mo.", "first_hop"),
    ],
)
def test_error_kinds_of_a_chain(output: str, kind: ErrorKind) -> None:
    extracted = extract_answer(output)
    assert error_kind("cot", output, extracted, exact_match(extracted, ["Bo Li"]), CHAIN) == kind


def test_error_kinds_of_direct_answers_come_from_the_hops_asked_alone() -> None:
    output = f"{ANSWER_CUE} Cy Mo."
    assert error_kind("direct", output, "Cy Mo", False, CHAIN, [True, True]) == "composition"
    assert error_kind("direct", output, "Cy Mo", False, CHAIN, [True, False]) == "recall"
    assert error_kind("direct", output, "Cy Mo", False, CHAIN) == "answer"


def test_a_gold_chain_reads_back() -> None:
    output = assistant_message("Bo Li", "cot", CHAIN)
    assert extract_answer(output) == "Bo Li"
    assert [q for q, _ in extract_hops(output)] == [s.text for s in CHAIN]


def test_gold_passes_its_own_scorer(small: object) -> None:
    for question in small.questions:  # type: ignore[attr-defined]
        if question.shape == "cloze":
            continue
        for style in ("cot", "direct"):
            output = assistant_message(question.answers[0], style, question.sub_questions)
            extracted = extract_answer(output)
            assert exact_match(extracted, question.answers)
            assert error_kind(style, output, extracted, True, question.sub_questions) == "none"
        wrong = assistant_message("Nobody", "cot", question.sub_questions)
        assert error_kind("cot", wrong, "Nobody", False, question.sub_questions) == "composition"
