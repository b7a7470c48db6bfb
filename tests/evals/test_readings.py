"""Every form of output is read as a careful reader would."""

from __future__ import annotations

from typing import Any

import pytest

from evals.config import EvalConfig
from evals.final import before_next_question, final_answer
from evals.sandbox import require
from evals.scoring.judge import verdict_of
from evals.tasks import TASKS
from evals.tasks.task import Ask
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.records import CodeProblem, EvalRecord, Instruction, InstructionPrompt, MathProblem, Question, TaskName
from kit.infer.backend import Output
from kit.models.prompts import loose_answer
from tests.evals.readings import CODE, INSTRUCTIONS, JUDGE, MATH, MULTIHOP, PROMPT, TEST

NO_COMMA = Instruction("punctuation:no_comma", "{}")


def named(rows: list[Any]) -> list[Any]:
    return [pytest.param(*row[1:], id=row[0]) for row in rows]


def records(task: TaskName, item: Any, outputs: list[Output], golds: tuple[str, ...] = ()) -> list[EvalRecord]:
    """The records of several outputs to one item, by the path that an evaluation goes."""
    style = "cot" if task in ("math", "multihop") else "direct"
    config = resolve(EvalConfig, {"task": task, "slices": [{"split": item.split, "style": style}], "unsafe_code": False})
    asks: list[Ask[Any]] = [Ask(config.slices[0], item, "asked", golds) for _ in outputs]
    return TASKS[task].records(config, asks, [final_answer(output) for output in outputs])


def test_there_are_enough() -> None:
    assert sum(map(len, (MATH, MULTIHOP, CODE, INSTRUCTIONS, JUDGE))) >= 150
    for rows in (MATH, MULTIHOP, CODE, INSTRUCTIONS, JUDGE):
        assert len({row[0] for row in rows}) == len(rows), "a form twice"


@pytest.mark.parametrize(("output", "strict", "flexible"), named(MATH))
def test_math(output: str, strict: str | None, flexible: str | None) -> None:
    right = MathProblem("p", "How many?", "", flexible or "0")
    (record,) = records("math", right, [Output(output)])
    assert record.extracted == flexible
    assert record.scores["flexible"] == float(flexible is not None)
    (other,) = records("math", MathProblem("p", "How many?", "", strict or "0"), [Output(output)])
    assert other.scores["strict"] == float(strict is not None)


@pytest.mark.parametrize(("output", "cued", "loose"), named(MULTIHOP))
def test_multihop(output: str, cued: str | None, loose: str | None) -> None:
    question = Question("q", "foreign", "Who?", (), (), (), (), (), 2, "external", (), ())
    (record,) = records("multihop", question, [Output(output)], (cued or "Nobody",))
    assert record.extracted == cued
    assert record.scores["exact_match"] == float(cued is not None)
    assert loose_answer(before_next_question(final_answer(Output(output)).answer, question.text)) == loose
    (other,) = records("multihop", question, [Output(output)], (loose or "Nobody",))
    assert other.scores["flexible_match"] == float(loose is not None)


def test_code() -> None:
    try:
        require()
    except KitError as error:
        pytest.skip(str(error))
    problem = CodeProblem("c", PROMPT, "total", "", TEST)
    found = records("code", problem, [Output(output) for _, output, _, _ in CODE])
    read = {
        form: (record.scores["base"] == 1, record.scores["base_mended"] == 1)
        for (form, *_), record in zip(CODE, found, strict=True)
    }
    assert read == {form: (given, mended) for form, _, given, mended in CODE}


@pytest.mark.parametrize(("output", "checked"), named(INSTRUCTIONS))
def test_instructions(output: str, checked: str) -> None:
    (record,) = records("if", InstructionPrompt("i", "Write.", (NO_COMMA,)), [Output(output)])
    assert record.output == checked
    assert record.scores["prompt_strict"] == float("," not in checked and bool(checked.strip()))


@pytest.mark.parametrize(("output", "verdict"), named(JUDGE))
def test_judge(output: str, verdict: str | None) -> None:
    assert verdict_of(final_answer(Output(output)).answer) == verdict
