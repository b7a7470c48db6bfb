"""What a judgement may use, and what it can say."""

from __future__ import annotations

from typing import Literal, NamedTuple

MIB = 1 << 20

Status = Literal["passed", "failed", "unjudged", "error", "timeout", "memory", "output", "disk", "forbidden"]
"""passed: `check` ran to its end. failed: it raised. unjudged: it raised, after the solution had returned something that
cannot leave the sandbox, and might not have raised beside it. error: the solution or the test could not be loaded, or its
process ended. timeout, memory, output (a value too large to pass on), disk and forbidden (a call that no honest program makes,
too many threads, a message out of turn): a limit was hit."""


class Limits(NamedTuple):
    """Bounds of one judgement. Both of its processes are held to each bound by themselves, but for the time."""

    seconds: float = 10.0
    """Wall time of the whole judgement."""
    cpu_seconds: int = 10
    memory_bytes: int = 1024 * MIB
    """Address space, and with it resident memory."""
    file_bytes: int = 16 * MIB
    """All scratch files together; no file alone may be larger either."""
    files: int = 256
    """Files and folders in the scratch folder."""
    open_files: int = 64
    threads: int = 32
    output_bytes: int = 16 * MIB
    """The encoding of one call's arguments, or of one value returned. What is printed goes nowhere."""


class Verdict(NamedTuple):
    """How a solution fared; `detail` is one line, empty when it passed."""

    status: Status
    detail: str = ""


class Job(NamedTuple):
    """One solution and the test that judges it. `test` defines `check(candidate)`, as HumanEval's do."""

    solution: str
    test: str
    entry_point: str


def one_line(text: str, limit: int = 300) -> str:
    """`text` on one printable line of at most `limit` characters.

    >>> one_line("no\\nway\\x1b[2J")
    'no way?[2J'
    """
    words = " ".join(text[: 4 * limit].split())
    return "".join(c if c.isprintable() else "?" for c in words)[:limit]
