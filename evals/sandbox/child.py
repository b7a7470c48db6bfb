"""What runs in a child: lock down, load the strange code handed over, answer (solution) or judge (test).

Started by `BOOT` in an isolated interpreter without site. Nothing here protects the child from the code it runs: what the
solution does to its own interpreter only changes the values it returns, and what a test does, its own verdict.
"""

from __future__ import annotations

import builtins
import json
import os
import sys
from _thread import allocate_lock
from collections.abc import Callable, Iterable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from evals.sandbox import lockdown, protocol
from evals.sandbox.codec import TooLarge, decode, encode

BOOT: Final = """
import sys
folder, reading, writing = sys.argv[1:]
for name, path in (("evals", folder + "/.."), ("evals.sandbox", folder)):
    sys.modules[name] = type(sys)(name)
    sys.modules[name].__path__ = [path]
from evals.sandbox.child import main
main(int(reading), int(writing))
"""
"""Imports this file without running the packages around it, which hold the broker."""

_OFFERED, _NAME = 500, 100
"""Functions that a solution offers at most, its entry point first, and characters of a name."""
_SAID: Final = 500
"""Characters of an exception's text."""


class Channel:
    """A pair of pipes to the broker."""

    def __init__(self, reading: int, writing: int) -> None:
        self.reading, self.writing = reading, writing
        self.turn = allocate_lock()

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        rest = memoryview(protocol.frame(kind, payload))
        while rest:
            rest = rest[os.write(self.writing, rest) :]

    def receive(self) -> tuple[bytes, bytes]:
        kind, size = protocol.HEADER.unpack(self._exactly(protocol.HEADER.size))
        return kind, self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            part = os.read(self.reading, min(size, 1 << 20))
            if not part:
                os._exit(1)  # the broker is gone
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def main(reading: int, writing: int) -> None:
    """The life of a child. Ends when the broker ends it."""
    channel = Channel(reading, writing)
    setup = protocol.Setup(**json.loads(channel.receive()[1]))
    lock(setup)
    channel.send(protocol.LOCKED)
    if setup.role == "solution":
        serve(channel, setup)
    elif setup.role == "test":
        judge(channel, setup)
    channel.receive()


def lock(setup: protocol.Setup) -> None:
    """Give up everything that the strange code has no need of. Raises OSError when that cannot be done."""
    readable = [p for p in (*sys.path, *setup.packages, *setup.readable) if Path(p).exists()]
    drop = os.geteuid() == 0
    if drop and setup.landlock:
        try:
            lockdown.cover([p for p in (*readable, setup.scratch) if Path(p).is_dir()])
        except PermissionError:
            drop = False  # root of a container without the right to mount is held as an ordinary user is
    ruleset = lockdown.restrict_files(readable, setup.devices, setup.scratch) if setup.landlock else -1
    lockdown.limit(setup.memory_bytes, setup.cpu_seconds, setup.file_bytes, setup.open_files)
    if drop:
        lockdown.become_nobody(setup.scratch, setup.threads)
    elif not setup.parent:
        lockdown.limit_threads(setup.threads)
    lockdown.drop_capabilities()
    lockdown.tie_to_parent(setup.parent)
    if setup.landlock:
        lockdown.enforce_files(ruleset)
    os.chdir(setup.scratch)
    sys.path.extend(setup.packages)
    sys.argv = [setup.role]
    sys.dont_write_bytecode = True
    for name in [n for n in sys.modules if n.partition(".")[0] == "evals"]:
        del sys.modules[name]
    # numpy's linear algebra starts a thread for every core otherwise
    os.environ.update(HOME=setup.scratch, TMPDIR=setup.scratch, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    if setup.seccomp:
        lockdown.restrict_calls()


def serve(channel: Channel, setup: protocol.Setup) -> None:
    """Load the solution, then answer calls of its functions."""
    module = ModuleType("solution")
    sys.modules["solution"] = module
    try:
        exec(compile(setup.source, "<solution>", "exec", dont_inherit=True), module.__dict__)
    except BaseException as error:  # noqa: BLE001  # SystemExit among them
        channel.send(protocol.BROKEN, _told(error))
        return
    entry = setup.entry_point
    named = {n: v for n, v in module.__dict__.items() if type(n) is str and n.isidentifier() and len(n) <= _NAME}
    functions = {n: v for n, v in named.items() if n == entry or _is_function(v)}
    channel.send(protocol.NAMES, encode(tuple(sorted(functions, key=entry.__ne__)[:_OFFERED]), protocol.SMALL))
    while True:
        name, _, body = channel.receive()[1].partition(b"\0")
        call = decode(body)
        assert isinstance(call, tuple)
        arguments, keywords = call
        kind = protocol.RETURNED
        try:
            payload = encode(functions[name.decode()](*arguments, **keywords), setup.output_bytes)
        except TooLarge as error:
            kind, payload = protocol.TOO_LARGE, encode(str(error), protocol.SMALL)
        except BaseException as error:  # noqa: BLE001  # whatever it raises is told to the test
            kind, payload = protocol.RAISED, _raised(error)
        channel.send(kind, payload)


def _is_function(value: object) -> bool:
    return callable(value) and not isinstance(value, type)


def _known(error: BaseException) -> str:
    return next(c.__name__ for c in type(error).__mro__ if protocol.EXCEPTIONS.get(c.__name__) is c)


def _text(error: BaseException) -> str:
    try:
        return str(error)[:_SAID]
    except BaseException:  # noqa: BLE001  # strange code words its own exceptions
        return ""


def _told(error: BaseException) -> bytes:
    return encode((type(error).__name__[:100], _text(error)), protocol.SMALL)


def _raised(error: BaseException) -> bytes:
    arguments = error.args
    if len(arguments) > 1 or any(type(a) not in (str, int, float, bool, type(None)) for a in arguments):
        arguments = (_text(error),)
    try:
        return encode((_known(error), arguments), protocol.SMALL)
    except TooLarge:
        return encode((_known(error), (_text(error),)), protocol.SMALL)


def judge(channel: Channel, setup: protocol.Setup) -> None:
    """Load the test, let its `check` loose on a stand-in for the solution, and say how that ended."""
    module = ModuleType("test_of_solution")
    sys.modules[module.__name__] = module
    code: CodeType | None = None
    trouble = b""
    try:
        code = compile(setup.source, "<test>", "exec", dont_inherit=True)
    except BaseException as error:  # noqa: BLE001  # SyntaxError, but also RecursionError and MemoryError
        trouble = _told(error)
    names: Iterable[str] = decode(channel.receive()[1])  # type: ignore[assignment]
    offered = {n: _proxy(n, channel, setup.output_bytes) for n in names}
    candidate = offered[setup.entry_point]
    # a name that Python or the test's frame gives a meaning to is not the solution's to give
    reserved = {"check", *vars(builtins)}
    module.__dict__.update({n: f for n, f in offered.items() if n not in reserved and not n.startswith("__")})
    try:
        if code:
            exec(code, module.__dict__)
    except BaseException as error:  # noqa: BLE001
        trouble = _told(error)
    check = module.__dict__.get("check")
    if trouble or check is None:
        channel.send(protocol.BROKEN, trouble or encode(("NameError", "there is no check"), protocol.SMALL))
        return
    try:
        check(candidate)
    except BaseException as error:  # noqa: BLE001  # an assertion, most often
        channel.send(protocol.FAILED, _told(error))
    else:
        channel.send(protocol.PASSED)


def _proxy(name: str, channel: Channel, limit: int) -> Callable[..., object]:
    """A function that has the solution's function `name` run on copies of its arguments."""

    def candidate(*arguments: object, **keywords: object) -> object:
        call = name.encode() + b"\0" + encode((list(arguments), keywords), limit)
        with channel.turn:
            channel.send(protocol.CALL, call)
            kind, payload = channel.receive()
        value = decode(payload)
        if kind == protocol.RETURNED:
            return value
        assert isinstance(value, tuple)
        raised, said = value
        raise protocol.EXCEPTIONS.get(raised, Exception)(*said)

    candidate.__name__ = candidate.__qualname__ = name
    return candidate
