"""Word problems: the same in any process, apart across the splits, and right by an oracle that only reads their text."""

from __future__ import annotations

import re
import subprocess
import sys
from fractions import Fraction
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.tasks.math import DIFFICULTIES, problems
from generators.tasks.math.scenes import SCENES
from generators.tasks.math.stories import stories
from generators.tasks.sampling import split_of
from kit.core.errors import KitError
from kit.core.records import MathProblem

_CALCULATION = re.compile(r"([\d*/+\-. ]+) = \$?<<([\d*/+\-]+)=(\d+)>>(\d+)")
_MEANT = {"half": 2, "other half": 2, "twice": 2, "doubled": 2, "double": 2, "as many": 2, "third": 3, "quarter": 4, "fifth": 5}


def _evaluated(expression: str) -> Fraction:
    """Products first, then sums, from left to right; no eval."""
    total, sign = Fraction(0), 1
    for piece in re.split(r"([+-])", expression):
        if piece in "+-":
            sign = 1 if piece == "+" else -1
            continue
        value = Fraction(1)
        for op, number in re.findall(r"([*/]?)(\d+)", piece):
            value = value / int(number) if op == "/" else value * int(number)
        total += sign * value
    return total


def _numbers_of(question: str) -> set[int]:
    return {int(n) for n in re.findall(r"\d+", question)} | {n for word, n in _MEANT.items() if word in question.lower()}


def _checked(problem: MathProblem) -> None:
    *lines, last = problem.solution.split("\n")
    known = _numbers_of(problem.question) | {100}
    assert len(lines) == problem.difficulty
    for line in lines:
        (written, inside, result, after), *more = _CALCULATION.findall(line)
        assert not more
        assert written.replace(" ", "") == inside
        assert result == after
        assert _evaluated(inside) == int(result)
        # Nothing is calculated with that was not given or found before.
        assert {int(n) for n in re.findall(r"\d+", inside)} <= known
        known.add(int(result))
    assert last == f"#### {result}"
    assert problem.answer == result
    assert 2 <= int(result) <= 20_000


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_calculations_are_right_and_lead_from_the_question_to_the_answer(split: str) -> None:
    for problem in problems(0, split, 1500):
        _checked(problem)
        assert problem.split == split


def test_the_graph_agrees_with_the_text() -> None:
    for story in islice(stories(1, "train"), 800):
        values: list[Fraction] = []
        for op, inputs, value in story.graph:
            a, b = (values[i] for i in inputs) if inputs else (Fraction(value), Fraction(0))
            found = {"given": a, "+": a + b, "-": a - b, "*": a * b, "/": a / b if b else a, "%": a * b / 100}[op]
            assert found == value
            values.append(found)
        assert story.solution.endswith(f"\n#### {values[-1]}")
        asked = {value for op, _, value in story.graph if op == "given"}
        assert asked <= _numbers_of(story.question)


def test_the_texts_are_whole_sentences() -> None:
    for problem in problems(2, "train", 1500):
        for text in (problem.question, *problem.solution.split("\n")[:-1]):
            assert text[0].isupper()
            assert not re.search(r"[{}]|\s\s| ,|\.\.|\b1 [a-z]+s\b", text)
            assert text[-1] in ".?"
        assert problem.question.endswith("?")
        assert re.fullmatch(r"[A-Za-z0-9 ,.:;?'%$-]+", problem.question)


def test_every_move_of_every_scene_is_told() -> None:
    told = {(story.plan[0], move.rstrip(" 0123456789")) for story in islice(stories(3, "train"), 6000) for move in story.plan[1:]}
    there = {(s.name, m.name) for s in SCENES for m in (*s.openings, *s.events, *s.endings)}
    assert told == there
    assert len(there) > 80


def test_a_smaller_set_is_the_beginning_of_a_larger_one_in_another_process() -> None:
    made = list(problems(7, "test", 60, (2, 3)))
    code = "from generators.tasks.math import problems as p; print(list(p(7, 'test', 40, (2, 3))))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.strip() == str(made[:40])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_no_test_problem_is_in_the_training_data_of_any_seed(one: int, other: int) -> None:
    train, test = (list(islice(stories(s, split), 150)) for s, split in ((one, "train"), (other, "test")))
    assert not {s.plan for s in train} & {s.plan for s in test}
    assert not {s.question for s in train} & {s.question for s in test}
    assert {split_of("math split", s.plan) for s in train} == {"train"}
    assert {split_of("math split", s.plan) for s in test} == {"test"}


def test_simple_problems_do_not_leak_though_there_are_few() -> None:
    train = {p.question for seed in (0, 1) for p in problems(seed, "train", 3000, (1,))}
    assert not train & {p.question for seed in (0, 1) for p in problems(seed, "test", 1000, (1,))}


def test_ids_and_texts_are_unique() -> None:
    made = list(problems(5, "train", 5000))
    assert len({p.id for p in made}) == len({p.question for p in made}) == 5000


@pytest.mark.parametrize("steps", DIFFICULTIES)
def test_difficulty_is_the_number_of_steps(steps: int) -> None:
    assert {p.solution.count("<<") for p in problems(0, "test", 60, (steps,))} == {steps}


def test_harder_problems_are_longer_and_all_difficulties_are_drawn() -> None:
    made = list(problems(0, "train", 900))
    lengths = {d: [len(p.question) for p in made if p.difficulty == d] for d in DIFFICULTIES}
    means = [sum(lengths[d]) / len(lengths[d]) for d in DIFFICULTIES]
    assert means == sorted(means)


def test_other_seeds_have_other_problems() -> None:
    a, b = ({p.question for p in problems(seed, "train", 500)} for seed in (42, 43))
    assert len(a & b) <= 5


def test_asking_for_more_than_there_are_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.tasks.sampling._PATIENCE", 0)
    with pytest.raises(KitError, match="hardly more than 0 train problems"):
        list(problems(0, "train", 5))
