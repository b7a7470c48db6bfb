"""Real solutions and real tests: the sandbox says what the official executors said. Set KIT_REAL_DATA to the rows' folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple, TypedDict, cast

import pytest

from evals.sandbox import Job, Limits, judge_all

REAL = Path(os.environ.get("KIT_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
LIMITS = Limits(seconds=60, cpu_seconds=60)

pytestmark = pytest.mark.skipif(
    not (REAL / "humaneval_solutions.jsonl").exists(), reason="real rows are not shipped: set KIT_REAL_DATA to their folder"
)


class Row(TypedDict, total=False):
    """What is used of a line of any of the files."""

    task_id: str
    kind: str
    mutation: str | None
    prompt: str
    test: str
    entry_point: str
    completion: str
    solution: str
    base_pass: bool
    base_reliable: bool
    plus_pass: bool
    plus_reliable: bool


def _rows(name: str) -> list[Row]:
    return [cast(Row, json.loads(line)) for line in (REAL / name).read_bytes().split(b"\n") if line]


def _is_canonical(row: Row) -> bool:
    return row["kind"] == "canonical"


def _is_any(row: Row) -> bool:
    return True


class Case(NamedTuple):
    """Solutions of one file judged by one set of tests; `every`: one of so many."""

    file: str
    prompts: str
    tests: Literal["base", "plus"]
    among: Callable[[Row], bool]
    every: int
    least: int


QUICK = {
    "canonical": Case("humaneval_solutions.jsonl", "humaneval_rows.jsonl", "base", _is_canonical, 1, 164),
    "mutants": Case("humaneval_solutions.jsonl", "humaneval_rows.jsonl", "base", _is_any, 13, 72),
    "mutants, plus": Case("humaneval_solutions.jsonl", "humaneval_rows.jsonl", "plus", _is_any, 61, 15),
    "generated": Case("humaneval_starcoder2_evalplus.jsonl", "humaneval_rows.jsonl", "base", _is_any, 5, 33),
    "generated, plus": Case("humaneval_starcoder2_evalplus.jsonl", "humaneval_rows.jsonl", "plus", _is_any, 17, 9),
    "hub": Case("humaneval_hub_canonical_verdicts.jsonl", "humanevalplus_rows_hub.jsonl", "base", _is_any, 5, 33),
    "hub, plus": Case("humaneval_hub_canonical_verdicts.jsonl", "humanevalplus_rows_hub.jsonl", "plus", _is_any, 17, 9),
}
WHOLE = {
    "mutants": QUICK["mutants"]._replace(every=1, least=938),
    "mutants, plus": QUICK["mutants, plus"]._replace(every=1, least=921),
    "generated": QUICK["generated"]._replace(every=1, least=164),
    "generated, plus": QUICK["generated, plus"]._replace(every=1, least=159),
    "hub": QUICK["hub"]._replace(every=1, least=164),
    "hub, plus": QUICK["hub, plus"]._replace(every=1, least=161),
}


def _agrees(case: Case) -> None:
    """Every reliable official verdict of the case is the sandbox's too."""
    prompts = {row["task_id"]: row["prompt"] for row in _rows(case.prompts)}
    tests = {r["task_id"]: r for r in _rows("humaneval_rows.jsonl" if case.tests == "base" else "humanevalplus_rows_hub.jsonl")}
    reliable = [r for r in _rows(case.file)[:: case.every] if case.among(r)]
    reliable = [r for r in reliable if (r["base_reliable"] if case.tests == "base" else r["plus_reliable"])]
    assert len(reliable) >= case.least
    jobs = [
        Job(
            solution=row["solution"] if "solution" in row else prompts[row["task_id"]] + row["completion"],
            test=tests[row["task_id"]]["test"],
            entry_point=tests[row["task_id"]]["entry_point"],
        )
        for row in reliable
    ]
    verdicts = judge_all(jobs, 2, LIMITS)
    official = [row["base_pass"] if case.tests == "base" else row["plus_pass"] for row in reliable]
    judged = zip(reliable, verdicts, official, strict=True)
    assert [(row["task_id"], said) for row, said, passed in judged if (said.status == "passed") != passed] == []


@pytest.mark.parametrize("name", QUICK)
def test_official_verdicts(name: str) -> None:
    _agrees(QUICK[name])


@pytest.mark.skipif("KIT_EVERY_ROW" not in os.environ, reason="takes some eight minutes: set KIT_EVERY_ROW=1")
@pytest.mark.parametrize("name", WHOLE)
def test_every_official_verdict(name: str) -> None:
    _agrees(WHOLE[name])
