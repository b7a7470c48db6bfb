"""Functions to be written: kit's own, and HumanEval's rows, judged in a sandbox by their tests, and by HumanEval+'s beside."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace

from tqdm import tqdm

from evals.config import EvalConfig
from evals.sandbox import Job, Limits, Verdict, judge_all, require
from evals.scoring.code import preamble, program
from evals.tasks.task import Ask, Task, asks_of, tags
from kit.core.errors import KitError
from kit.core.records import CodeProblem, ErrorKind, EvalRecord
from kit.core.rows import Converted
from kit.models.prompts import code_turns
from kit.sources.functions import code_problem
from kit.sources.reading import load

_WHY: dict[str, ErrorKind] = {"passed": "none", "failed": "wrong_result", "error": "exception"}
"""What is said of a verdict; any other is a limit that was met."""


def load_problems(source: str, config: EvalConfig) -> Converted:
    """Problems of a data directory, or of rows in HumanEval's schema; with `plus`, each with the stricter test of its id.

    Raises KitError when `plus` lacks one of them.
    """
    require(config.unsafe_code)
    found = load(source, "code", CodeProblem, code_problem, config.skip_bad_rows)
    if config.plus:
        stricter = {p.id: p.test for p in load(config.plus, "code", CodeProblem, code_problem, False).items}
        if missing := next((p.id for p in found.items if p.id not in stricter), None):
            raise KitError(f"{config.plus} has no tests for {missing}")
        found = found._replace(items=[replace(p, plus=stricter[p.id]) for p in found.items])
    return found


def asks(config: EvalConfig, problems: Sequence[CodeProblem], examples: Sequence[CodeProblem]) -> list[Ask[CodeProblem]]:
    """Every prompt of every slice."""
    return asks_of(config, problems, examples, code_turns)


def records(config: EvalConfig, asked: Sequence[Ask[CodeProblem]], outputs: Sequence[str]) -> list[EvalRecord]:
    """One for each answer. base: whether it passes the problem's tests; plus: and the stricter ones, where there are any."""
    programs = [program(ask.item, output) for ask, output in zip(asked, outputs, strict=True)]
    jobs = [
        # Helpers that a test uses are the problem's own, not what the answer makes of them.
        Job(written, preamble(ask.item) + test, ask.item.entry_point)
        for ask, written in zip(asked, programs, strict=True)
        if written is not None
        for test in filter(None, (ask.item.test, ask.item.plus))
    ]
    verdicts = iter(_judged(jobs, config))
    made = []
    for ask, output, written in zip(asked, outputs, programs, strict=True):
        wanted = 2 if ask.item.plus else 1
        found = [next(verdicts) for _ in range(wanted)] if written is not None else []
        made.append(_record(ask, output, written, found))
    return made


def _judged(jobs: Sequence[Job], config: EvalConfig) -> list[Verdict]:
    with tqdm(total=len(jobs), desc="programs run", delay=2, disable=None) as bar:
        limits = Limits(config.program_seconds, math.ceil(config.program_seconds))
        return judge_all(
            jobs, len(os.sched_getaffinity(0)), limits, lambda index, verdict: _count(bar), require(config.unsafe_code)
        )


def _count(bar: tqdm[None]) -> None:
    bar.update()


def _record(ask: Ask[CodeProblem], output: str, written: str | None, found: Sequence[Verdict]) -> EvalRecord:
    passed = [v.status == "passed" for v in found]
    scores = {"base": float(bool(passed) and passed[0])}
    if ask.item.plus:
        scores["plus"] = float(bool(passed) and all(passed))
    failed = next((v for v in found if v.status != "passed"), None)
    return EvalRecord(
        question_id=ask.item.id,
        task="code",
        prompt=ask.message,
        output=output,
        extracted=written,
        answers=(),
        scores=scores,
        error="format" if written is None else _WHY.get(failed.status, "limits") if failed else "none",
        tags=tags(ask, verdict=f"{failed.status}: {failed.detail}" if failed else "", difficulty=str(ask.item.difficulty)),
    )


TASK = Task(load_problems, asks, records, ("base", "plus"), "direct", {"direct": 512})
