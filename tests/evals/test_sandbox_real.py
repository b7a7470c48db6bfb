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


LISTS = {
    "generator": "return (x for x in done)",
    "yielded": "yield from done",
    "iterator": "return iter(done)",
    "reversed": "return reversed(done[::-1])",
    "map": "return map(int, done)",
    "filter": "return filter(lambda x: True, done)",
    "chain": "import itertools; return itertools.chain(done[:2], done[2:])",
    "enumerate": "return enumerate(done)",
    "zip": "return zip(done)",
    "deque": "import collections; return collections.deque(done)",
    "short deque": "import collections; return collections.deque(done, 4)",
    "tuple": "return tuple(done)",
    "array": "import array; return array.array('q', done)",
    "bytearray": "return bytearray(done)",
    "ndarray": "import numpy; return numpy.array(done)",
    "ndarray of floats": "import numpy; return numpy.array(done) / 1",
    "matrix": "import numpy; return numpy.array([done])",
    "range": "return range(min(done), max(done) + 1)",
    "fractions": "import fractions; return [fractions.Fraction(x) for x in done]",
    "decimals": "import decimal; return map(decimal.Decimal, done)",
    "keys": "return dict.fromkeys(done).keys()",
    "values": "return dict(enumerate(done)).values()",
    "items": "return dict(enumerate(done)).items()",
    "a wrong generator": "return (x for x in sorted(done))",
    "a wrong ndarray": "import numpy; return numpy.sort(done)",
    "raised when drawn": "yield from done; raise ValueError",
}
SORTS = {
    "HumanEval/33": "def sort_third(l):\n    done = list(l); done[::3] = sorted(l[::3])\n    ",
    "HumanEval/37": "def sort_even(l):\n    done = list(l); done[::2] = sorted(l[::2])\n    ",
}
MEAN = "m = sum(l) / len(l); return sum(abs(x - m) for x in l) / len(l)"
DEVIATIONS = {
    "Fraction": f"import fractions; l = [*map(fractions.Fraction, l)]; {MEAN}",
    "Decimal": f"import decimal; l = [*map(decimal.Decimal, l)]; {MEAN}",
    "ndarray of none": "import numpy as n; a = n.array(l); return n.array(abs(a - a.mean()).mean())",
    "ndarray of one": "import numpy as n; a = n.array(l); return n.array([abs(a - a.mean()).mean()])",
    "ndarray of all": "import numpy as n; a = n.array(l); return abs(a - a.mean())",
    "number of numpy": "import numpy as n; a = n.array(l); return abs(a - a.mean()).mean()",
    "generator": "m = sum(l) / len(l); return (sum(abs(x - m) for x in l) / len(l) for _ in '1')",
    "a wrong Fraction": "from fractions import Fraction; return Fraction(len(l), 3)",
    "range": "return range(1)",
}
ROUNDED = {
    "Decimal": "import decimal as d; return d.Decimal(value).quantize(d.Decimal(1), d.ROUND_HALF_UP)",
    "a wrong Decimal": "import decimal as d; return d.Decimal(value).quantize(d.Decimal(1), d.ROUND_HALF_EVEN)",
    "Decimal not rounded": "import decimal; return decimal.Decimal(value)",
    "Fraction": "from fractions import Fraction as F; v = F(value); return F(int(v + (F(1, 2) if v > 0 else -F(1, 2))))",
    "a wrong Fraction": "from fractions import Fraction; return Fraction(round(Fraction(value)))",
    "ndarray": "import numpy; v = float(value); return numpy.array(int(v + (0.5 if v > 0 else -0.5)))",
    "ndarray of one": "import numpy; v = float(value); return numpy.array([int(v + (0.5 if v > 0 else -0.5))])",
    "ndarray of two": "import numpy; return numpy.array([int(float(value))] * 2)",
    "range": "return range(int(float(value)))",
    "generator": "return (int(float(v)) for v in [value])",
    "deque": "import collections; return collections.deque([int(float(value))])",
}
FORMS = {
    **{(task, form): head + last for task, head in SORTS.items() for form, last in LISTS.items()},
    **{("HumanEval/4", form): f"def mean_absolute_deviation(l):\n    {body}" for form, body in DEVIATIONS.items()},
    **{("HumanEval/99", form): f"def closest_integer(value):\n    {body}" for form, body in ROUNDED.items()},
}


def _in_process(job: Job) -> str:
    """What the official executor says: it runs both in one process."""
    space: dict[str, Callable[..., object]] = {}
    try:
        exec(f"{job.solution}\n{job.test}\ncheck({job.entry_point})", space)
    except Exception:  # noqa: BLE001
        return "failed"
    return "passed"


def test_answers_of_other_forms_are_judged_as_in_one_process() -> None:
    rows = {row["task_id"]: row for row in _rows("humaneval_rows.jsonl")}
    jobs = {key: Job(solution, rows[key[0]]["test"], rows[key[0]]["entry_point"]) for key, solution in FORMS.items()}
    official = {key: _in_process(job) for key, job in jobs.items()}
    assert set(official.values()) == {"passed", "failed"}
    verdicts = judge_all([*jobs.values()], 2, LIMITS)
    assert {key: verdict.status for key, verdict in zip(jobs, verdicts, strict=True)} == official
