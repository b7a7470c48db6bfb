"""The sandbox to those who mean well: ordinary programs pass, wrong ones fail for their own reason."""

from __future__ import annotations

import shutil
import threading

import pytest

from evals.sandbox import Job, Limits, Verdict, judge, judge_all, require, trial
from kit.core.errors import KitError
from tests.evals.hostile.ordinary import ORDINARY, WRONG

LIMITS = Limits(seconds=10)


UNJUDGED = Verdict("unjudged", "cannot be judged: the solution returned a value that cannot leave the sandbox")
OUTPUT = Verdict("output", "the solution returned a value too large or too deep to pass on")
OWN = "class Own:\n    def __init__(self, x): self.x = x\n    def __eq__(self, other): return self.x == other\n"
OPAQUE = {
    "opaque used": ("def f(): return object()", "assert c()"),
    "own class": (f"{OWN}def f(): return Own(1)", "assert c() == 1"),
    "own class inside": (f"{OWN}def f(): return {{'a': (Own(1), 2)}}", "assert c()['a'][1] == 3"),
    "own class drawn": (f"{OWN}def f(): return (Own(i) for i in range(3))", "assert list(c()) == [0, 1, 2]"),
    "function": ("def f(): return lambda: 1", "assert c()() == 1"),
    "type": ("def f(): return int", "assert c() is int"),
    "seen before": ("def f(x): return object() if x else 1", "c(1); assert c(0) == 2"),
    "own Decimal": ("import decimal\nclass D(decimal.Decimal): pass\ndef f(): return D(1)", "assert c() == 1"),
    "array of objects": ("import numpy\ndef f(): return numpy.array([None, 1])", "assert c()[1] == 1"),
    "handed back": ("def f(x): return x", "assert c(object())"),
}
SEEN = {
    "passed beside it": ("def f(): return [object(), 1]", "assert c()[1] == 1", Verdict("passed")),
    "handed over": ("def f(x): return 1", "assert c(object()) == 2", Verdict("failed", "AssertionError")),
    "raised": ("def f(): raise ValueError([object])", "c()", Verdict("failed", "ValueError: [<class 'object'>]")),
    "memory all the same": (
        "def f(x): return object() if x else bytearray(1 << 40)",
        "c(1); c(0)",
        Verdict("memory", "MemoryError"),
    ),
    "a test's own end": (
        "def f(): return object()",
        "c(); __import__('os')._exit(3)",
        Verdict("error", "the test ended with status 3"),
    ),
    "raised while drawn": ("def f():\n    yield 1\n    raise KeyError(3)", "c()", Verdict("failed", "KeyError: 3")),
    "ValueError while drawn": ("def f():\n    yield 1\n    raise ValueError('no')", "c()", Verdict("failed", "ValueError: no")),
    "endless": ("def f():\n    while True: yield 1", "c()", OUTPUT),
    "endless within": ("import itertools\ndef f(): return {1: [itertools.count()]}", "c()", OUTPUT),
    "endless argument": (
        "def f(x): return next(x)",
        "import itertools; c(itertools.count())",
        Verdict("output", "TooLarge: the value has more than 2000000 items"),
    ),
    "huge array": ("import numpy\ndef f(): return numpy.zeros(3_000_000)", "c()", OUTPUT),
    "huger array": (
        "import numpy\ndef f(): return numpy.broadcast_to(0, (1 << 20, 1 << 20))",
        "c()",
        Verdict("memory", "MemoryError"),
    ),
    "iterator as argument": (
        "def f(x): return [next(x), list(x)]",
        "assert c(iter('abc')) == ['a', ['b', 'c']]",
        Verdict("passed"),
    ),
    "array as argument": (
        "def f(x): return x + x",
        "import numpy as n; assert (c(n.arange(3)) == [0, 2, 4]).all()",
        Verdict("passed"),
    ),
    "dates": (
        "from datetime import *\ndef f(d, days): return [d + timedelta(i) for i in range(days)]",
        "from datetime import date; assert c(date(2024, 2, 28), 2) == [date(2024, 2, 28), date(2024, 2, 29)]",
        Verdict("passed"),
    ),
}


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


@pytest.mark.parametrize("name", OPAQUE)
def test_what_cannot_be_seen_is_not_judged(name: str) -> None:
    solution, body = OPAQUE[name]
    assert judge(solution, _test(body), "f", LIMITS) == UNJUDGED


@pytest.mark.parametrize("name", SEEN)
def test_what_is_seen_is_judged_for_what_it_is(name: str) -> None:
    solution, body, verdict = SEEN[name]
    assert judge(solution, _test(body), "f", LIMITS) == verdict


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
    monkeypatch.setattr(trial, "available", lambda: ("none", "kernel: too old; bubblewrap: not installed"))
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
