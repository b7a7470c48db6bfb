"""Judges a solution: starts its process and its test's, passes values between them, and ends both.

Only the test's pipe can bring the word that the test was passed, and the solution's process never holds that pipe. Values are
scanned, not built, on their way.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from threading import Lock
from typing import Final

from evals.sandbox import protocol
from evals.sandbox.codec import OPAQUE, PLAIN, decode, scan
from evals.sandbox.process import Child, Stop, Talk
from evals.sandbox.protection import Protection, setup
from evals.sandbox.scratch import scratch
from evals.sandbox.trial import require
from evals.sandbox.verdict import Job, Limits, Status, Verdict

_ROLES: Final[tuple[protocol.Role, ...]] = ("solution", "test")
_NAMED: Final[dict[str, Status]] = {"MemoryError": "memory", "TooLarge": "output"}
"""Exceptions that tell of a limit."""
_SCANNING: Final = Lock()
"""One value is scanned at a time, so that however many are judged, only one of the largest size takes up memory."""


def judge(
    solution: str,
    test: str,
    entry_point: str,
    limits: Limits = Limits(),  # noqa: B008
    protection: Protection | None = None,
) -> Verdict:
    """Whether `solution` passes `test`, which defines `check(candidate)`; both are strangers' code.

    protection: what `require` returned; without it, it is asked here. Raises KitError when nothing here holds strange code.
    """
    held = protection or require()
    job = Job(solution, test, entry_point)
    deadline = time.monotonic() + limits.seconds
    with ExitStack() as stack:
        children = []
        for role in _ROLES:
            folder = stack.enter_context(scratch())
            child = Child(setup(held, role, job, folder, limits), held, limits)
            stack.callback(child.end)
            children.append(child)
        talk = Talk(children, deadline)
        try:
            _broker(talk, children[0], children[1], entry_point)
        except Stop as stop:
            return stop.verdict
    raise AssertionError("a judgement ends with a verdict")


def _broker(talk: Talk, solution: Child, test: Child, entry_point: str) -> None:
    """Let the two talk until one of them, a limit or the clock decides. Raises Stop with the verdict."""
    for child in (solution, test):
        if talk.receive(child)[0] != protocol.LOCKED:
            raise Stop("error", f"the {child.role} did not start")
    kind, names = talk.receive(solution)
    if kind == protocol.BROKEN:
        raise _raised("error", names, "the solution cannot be loaded: ")
    if kind != protocol.NAMES:
        raise Stop("forbidden", "the solution spoke out of turn")
    if not _is_names(names, entry_point):
        raise Stop("error", f"the solution defines no {entry_point}")
    test.send(protocol.BEGIN, names)
    opaque = False  # whether anything that the solution returned cannot be seen by the test
    while True:
        kind, payload = talk.receive(test)
        if kind == protocol.PASSED:
            raise Stop("passed")
        if kind == protocol.FAILED:
            stop = _raised("failed", payload, "")
            if opaque and stop.verdict.status == "failed":
                raise Stop("unjudged", "cannot be judged: the solution returned a value that cannot leave the sandbox")
            raise stop
        if kind == protocol.BROKEN:
            raise _raised("error", payload, "the test cannot be loaded: ")
        if kind != protocol.CALL:
            raise Stop("forbidden", "the test spoke out of turn")
        _pass_on(test, solution, kind, payload, payload.partition(b"\0")[2])
        kind, payload = talk.receive(solution)
        if kind == protocol.TOO_LARGE:
            raise Stop("output", "the solution returned a value too large or too deep to pass on")
        if kind not in (protocol.RETURNED, protocol.RAISED):
            raise Stop("forbidden", "the solution spoke out of turn")
        if kind == protocol.RAISED and not _is_exception(payload):
            raise Stop("forbidden", "the solution sent no exception")
        opaque |= OPAQUE in _pass_on(solution, test, kind, payload, payload)


def _pass_on(sender: Child, receiver: Child, kind: bytes, payload: bytes, value: bytes) -> set[str]:
    """The tags of `value`, the part of `payload` that is one."""
    try:
        with _SCANNING:
            tags = scan(value)
    except ValueError as error:
        raise Stop("forbidden", f"the {sender.role} sent what is no value: {error}") from error
    receiver.send(kind, payload)
    return tags


def _raised(status: Status, payload: bytes, prefix: str) -> Stop:
    """A verdict in the words of an exception, (name, text)."""
    told = _plain(payload)
    if not isinstance(told, tuple) or len(told) != 2 or {type(part) for part in told} != {str}:
        return Stop("forbidden", "a child sent no exception")
    name, text = told
    return Stop(_NAMED.get(name, status), f"{prefix}{name}: {text}" if text else f"{prefix}{name}")


def _is_names(payload: bytes, entry_point: str) -> bool:
    names = _plain(payload)
    return type(names) is tuple and all(type(n) is str for n in names) and entry_point in names


def _is_exception(payload: bytes) -> bool:
    value = _plain(payload)
    return type(value) is tuple and len(value) == 2 and type(value[0]) is str and type(value[1]) is tuple and len(value[1]) < 2


def _plain(payload: bytes) -> object:
    """The value of a short message, if it is made of builtins; else None."""
    try:
        return decode(payload) if scan(payload) <= PLAIN else None
    except (ValueError, TypeError):
        return None
