"""The sandbox to those who mean well: ordinary programs pass, wrong ones fail for their own reason."""

from __future__ import annotations

import shutil
import threading

import pytest

from evals.sandbox import Job, Limits, Verdict, judge, judge_all, protection, require
from kit.core.errors import KitError
from tests.evals.hostile.ordinary import ORDINARY, WRONG

LIMITS = Limits(seconds=10)


def _test(body: str) -> str:
    return f"def check(c):\n    {body}"


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_programs_pass(name: str) -> None:
    solution, body = ORDINARY[name]
    assert judge(solution, _test(body), "f", LIMITS) == Verdict("passed", "")


@pytest.mark.parametrize("name", WRONG)
def test_wrong_programs_are_told_why(name: str) -> None:
    solution, body, status, detail = WRONG[name]
    assert judge(solution, _test(body), "f", LIMITS) == Verdict(status, detail)


def test_time_is_bounded() -> None:
    loop = "def f():\n    while True: pass"
    assert judge(loop, _test("c()"), "f", Limits(seconds=0.5)) == Verdict("timeout", "no verdict after 0.5 s")
    spent = judge(loop, _test("c()"), "f", Limits(seconds=10, cpu_seconds=1))
    assert spent == Verdict("timeout", "the solution took more than 1 s of processor time")


def test_a_test_may_define_the_helpers_itself() -> None:
    """As when a data set's prompt is put before its test: the solution's function of that name is then not used."""
    solution = "def helper(x): return True\ndef f(x): return 1"
    assert judge(solution, "def check(c): assert helper(c(1))", "f", LIMITS).status == "passed"
    assert judge(solution, "def helper(x): return x == 2\ndef check(c): assert helper(c(1))", "f", LIMITS).status == "failed"


def test_many_are_judged_and_told_as_they_finish() -> None:
    jobs = [Job(f"def f(): return {i}", _test("assert c() % 2 == 0"), "f") for i in range(6)]
    told: dict[int, Verdict] = {}
    threads: set[int] = set()

    def sink(index: int, verdict: Verdict) -> None:
        told[index] = verdict
        threads.add(threading.get_ident())

    verdicts = judge_all(jobs, 2, LIMITS, sink)
    assert [v.status for v in verdicts] == ["passed", "failed"] * 3
    assert told == dict(enumerate(verdicts))
    assert threads == {threading.get_ident()}


def test_what_the_sink_raises_stops_the_rest() -> None:
    jobs = [Job("def f(): return 1", _test("c()"), "f")] * 4

    def sink(index: int, verdict: Verdict) -> None:
        raise KitError("enough")

    with pytest.raises(KitError, match="enough"):
        judge_all(jobs, 1, LIMITS, sink)


def test_without_protection_nothing_runs_unless_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "available", lambda: ("none", "kernel: too old; bubblewrap: not installed"))
    with pytest.raises(KitError, match="nothing here holds strange code"):
        require()
    with pytest.raises(KitError):
        judge("def f(): return 1", _test("assert c() == 1"), "f", LIMITS)
    allowed = require(allow_unsafe=True)
    assert allowed == "none"
    assert judge("def f(): return 1", _test("assert c() == 1"), "f", LIMITS, allowed).status == "passed"


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_bubblewrap_holds_too() -> None:
    tell = _test("assert c() == 1, c()")
    assert judge("def f(): return 1", tell, "f", LIMITS, "bubblewrap").status == "passed"
    assert judge("import os\ndef f(): return os.listdir('/proc')", tell, "f", LIMITS, "bubblewrap").status == "failed"
    assert judge("def f(): return open('/etc/passwd').read()", tell, "f", LIMITS, "bubblewrap").status == "failed"
    loop = judge("while True: pass", tell, "f", Limits(seconds=1), "bubblewrap")
    assert loop.status == "timeout"
