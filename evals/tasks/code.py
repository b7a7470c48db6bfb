"""Functions to be written: kit's own, and HumanEval's rows, judged in a sandbox by their tests, and by HumanEval+'s beside."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace

from tqdm import tqdm

from evals.config import EvalConfig
from evals.final import Final
from evals.sandbox import Job, Limits, Verdict, judge_all, require
from evals.scoring.code import Program, preamble, program
from evals.tasks.task import Ask, Task, asks_of, tags
from kit.core.errors import KitError
from kit.core.records import CodeProblem, ErrorKind, EvalRecord
from kit.core.rows import Converted
from kit.models.prompts import code_turns
from kit.sources.functions import code_problem
from kit.sources.reading import load

_WHY: dict[str, ErrorKind] = {"passed": "none", "failed": "wrong_result", "error": "exception", "unjudged": "unjudged"}
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


def records(config: EvalConfig, asked: Sequence[Ask[CodeProblem]], outputs: Sequence[Final]) -> list[EvalRecord]:
    """One for each answer. base: whether it passes the problem's tests; plus: and the stricter ones, where there are any. The
    same with _mended: as given, or as mended (`Program`)."""
    programs = [program(ask.item, output.answer) for ask, output in zip(asked, outputs, strict=True)]
    given = _judged([(ask.item, p.given if p else None) for ask, p in zip(asked, programs, strict=True)], config)
    again = [
        p.mended if p and p.mended != p.given and not _passes(told) else None for p, told in zip(programs, given, strict=True)
    ]
    mended = _judged([(ask.item, text) for ask, text in zip(asked, again, strict=True)], config)
    return [_record(*row) for row in zip(asked, outputs, programs, given, mended, strict=True)]


def _passes(found: Sequence[Verdict]) -> bool:
    return bool(found) and all(v.status == "passed" for v in found)


def _judged(written: Sequence[tuple[CodeProblem, str | None]], config: EvalConfig) -> list[list[Verdict]]:
    """The verdicts of each program by its problem's tests; none where there is no program."""
    tests = [[p.test, *filter(None, [p.plus])] if text is not None else [] for p, text in written]
    # Helpers that a test uses are the problem's own, not what the answer makes of them.
    jobs = [
        Job(text, preamble(problem) + test, problem.entry_point)
        for (problem, text), those in zip(written, tests, strict=True)
        if text is not None
        for test in those
    ]
    verdicts = iter(_run(jobs, config))
    return [[next(verdicts) for _ in those] for those in tests]


def _run(jobs: Sequence[Job], config: EvalConfig) -> list[Verdict]:
    with tqdm(total=len(jobs), desc="programs run", delay=2, disable=None) as bar:
        limits = Limits(config.program_seconds, math.ceil(config.program_seconds))
        return judge_all(
            jobs, len(os.sched_getaffinity(0)), limits, lambda index, verdict: _count(bar), require(config.unsafe_code)
        )


def _count(bar: tqdm[None]) -> None:
    bar.update()


def _record(
    ask: Ask[CodeProblem], final: Final, written: Program | None, given: Sequence[Verdict], mended: Sequence[Verdict]
) -> EvalRecord:
    scores = {"base": float(_passes(given[:1])), "base_mended": float(_passes(given[:1]) or _passes(mended[:1]))}
    if ask.item.plus:
        scores |= {"plus": float(_passes(given)), "plus_mended": float(_passes(given) or _passes(mended))}
    failed = next((v for v in given if v.status != "passed"), None)
    kind: ErrorKind = "format" if written is None else _WHY.get(failed.status, "limits") if failed else "none"
    if kind != "none" and final.cut and (written is None or written.to_the_end):
        kind = "truncated"
    return EvalRecord(
        question_id=ask.item.id,
        task="code",
        prompt=ask.message,
        output=final.answer,
        extracted=written.given if written else None,
        answers=(),
        scores=scores,
        error=kind,
        tags=tags(ask, verdict=f"{failed.status}: {failed.detail}" if failed else "", difficulty=str(ask.item.difficulty)),
    )


TASK = Task(load_problems, asks, records, ("base", "base_mended", "plus", "plus_mended"), "direct", {"direct": 1024})
