"""Word problems: kit's own, and GSM8K's rows. Strict and flexible extraction are told apart; why one failed is computed."""

from __future__ import annotations

from collections.abc import Sequence

from evals.config import EvalConfig
from evals.final import Final, before_next_question
from evals.scoring.math import equivalent, flexible_answer, math_error, prepare, same_number, strict_answer
from evals.tasks.task import Ask, Task, asks_of, tags
from kit.core.records import EvalRecord, MathProblem
from kit.core.rows import Converted
from kit.models.prompts import math_turns
from kit.sources.reading import load
from kit.sources.word_problems import math_problem


def load_problems(source: str, config: EvalConfig) -> Converted:
    """Problems of a data directory, or of rows with `question` and `answer`, which ends in `#### N`."""
    return load(source, "math", MathProblem, math_problem, config.skip_bad_rows)


def asks(config: EvalConfig, problems: Sequence[MathProblem], examples: Sequence[MathProblem]) -> list[Ask[MathProblem]]:
    """Every prompt of every slice."""
    return asks_of(config, problems, examples, math_turns)


def records(config: EvalConfig, asked: Sequence[Ask[MathProblem]], outputs: Sequence[Final]) -> list[EvalRecord]:
    """One for each answer. equivalent: by math-verify, which also takes fractions and expressions for what they are."""
    return [_record(ask, output) for ask, output in zip(asked, outputs, strict=True)]


def _record(ask: Ask[MathProblem], final: Final) -> EvalRecord:
    problem, output = ask.item, final.answer
    own = before_next_question(output, problem.question, "[0-9]")
    strict, flexible = strict_answer(own), flexible_answer(own)
    right = flexible is not None and same_number(flexible, problem.answer)
    scores = {
        "flexible": float(right),
        "strict": float(strict is not None and same_number(strict, problem.answer)),
        "equivalent": float(right or equivalent(problem.answer, own)),
    }
    return EvalRecord(
        question_id=problem.id,
        task="math",
        prompt=ask.message,
        output=output,
        extracted=flexible,
        answers=(problem.answer,),
        scores=scores,
        error=math_error(own, right, final.cut and own == output),
        tags=tags(ask, difficulty=str(problem.difficulty)),
    )


TASK = Task(
    load_problems, asks, records, ("flexible", "strict", "equivalent"), "cot", {"cot": 1024, "direct": 64}, prepare=prepare,
)  # fmt: skip
