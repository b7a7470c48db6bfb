"""Curves on records made by hand: scores, shares of errors, and how the two go together."""

from __future__ import annotations

import numpy as np
import pytest

from kit.core.records import ErrorKind, EvalRecord
from kit.report.curves import Curve, curves
from kit.report.results import CellResult, Results, pooled
from kit.report.verdict import verdict
from kit.stats.intervals import wilson

MEASURE = "code, test/direct"
SHARES: dict[int, dict[ErrorKind, int]] = {
    0: {"format": 20},
    10: {"format": 16, "wrong_result": 2},
    100: {"format": 10, "wrong_result": 6},
    1000: {"format": 2, "wrong_result": 10},
}
"""By D: how many of 20 answers fail in which way. All errors fall, those that are not of format rise."""


def record(name: str, error: ErrorKind, base: float, **more: float) -> EvalRecord:
    return EvalRecord(name, "code", "?", "!", None, (), {"base": base, **more}, error, {"bridge": ""})


def results(records: dict[int, list[EvalRecord]]) -> Results:
    cells = [CellResult(0, "code", count, (), {MEASURE: found}) for count, found in records.items()]
    config = {"seeds": [0], "counts": list(records), "arms": {"code": {"label": "functions"}}}
    return Results(config, [], cells, {}, 0.0, 0, 1)


def made(kinds: dict[ErrorKind, int]) -> list[EvalRecord]:
    failed: list[ErrorKind] = [kind for kind, n in kinds.items() for _ in range(n)]
    return [record(str(i), kind, 0.0) for i, kind in enumerate(failed)] + [
        record(str(i), "none", 1.0) for i in range(len(failed), 20)
    ]


def only(found: Results) -> Curve:
    (curve,) = curves(found)
    return curve


def test_scores_and_shares_by_d() -> None:
    curve = only(results({count: made(kinds) for count, kinds in SHARES.items()}))
    assert curve.name == MEASURE
    assert [(count, found.value) for count, found in curve.points] == [(0, 0.0), (10, 0.1), (100, 0.2), (1000, 0.4)]
    for count, kinds in SHARES.items():
        assert {kind: share.value for kind, share in curve.errors[count].items()} == {
            kind: pytest.approx(kinds.get(kind, 0) / 20) for kind in ("format", "wrong_result")
        }


def test_the_sign_of_what_goes_together_is_told() -> None:
    found = results({count: made(kinds) for count, kinds in SHARES.items()})
    r = only(found).reasoning_correlation()
    # All errors 0.9, 0.8, 0.6; those that are not of format 0.1, 0.3, 0.5.
    assert r == pytest.approx(-0.98198, abs=1e-5)
    told = [line.text for line in verdict(found, curves(found)) if line.text.startswith("Format errors")]
    assert told
    assert "r = -0.98 (r² = 0.96)" in told[0]


def test_without_errors_of_format_or_with_two_counts_nothing_is_said_of_them() -> None:
    flat = results({count: made({"wrong_result": 20 - i}) for i, count in enumerate((0, 10, 100, 1000))})
    assert not [line for line in verdict(flat, curves(flat)) if line.text.startswith("Format errors")]
    few = results({count: made(SHARES[count]) for count in (0, 10, 100)})
    assert only(few).reasoning_correlation() is None


def test_an_answer_that_fails_a_stricter_score_alone_is_no_error_of_the_curve() -> None:
    passed = [record(str(i), "wrong_result", 1.0, plus=0.0) for i in range(5)] + [record("6", "exception", 0.0, plus=0.0)]
    curve = only(results({0: passed, 10: passed}))
    assert {kind: share.value for kind, share in curve.errors[10].items()} == {"exception": pytest.approx(1 / 6)}


def test_scores_are_those_that_all_records_have() -> None:
    first, second = record("a", "none", 1.0, outdated=0.0, plus=1.0), record("b", "none", 1.0, plus=0.0)
    cell = CellResult(0, "code", 0, (), {MEASURE: [first, second]})
    assert cell.scores(MEASURE) == ["base", "plus"]


def test_seeds_that_agree_leave_an_interval() -> None:
    zeros = [np.zeros(20) for _ in range(3)]
    found = pooled(zeros, [[f"{seed}:{i}" for i in range(20)] for seed in range(3)])
    assert (found.value, found.low, found.n) == (0.0, 0.0, 60)
    assert found.high == pytest.approx(wilson(0, 60).high)
