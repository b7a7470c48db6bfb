"""What the broker and its two children say to each other: frames of a kind, a length and that many bytes."""

from __future__ import annotations

import builtins
import struct
from typing import Final, Literal, NamedTuple

HEADER: Final = struct.Struct(">cI")

# From either child
LOCKED: Final = b"L"
"""Nothing is open to it any more that should not be; sent before any strange code runs."""
BROKEN: Final = b"E"
"""The code could not be loaded; the payload is an encoded (exception name, text)."""
# From the solution
NAMES: Final = b"N"
"""Loaded; the payload is the encoded tuple of names that can be called."""
RETURNED: Final = b"R"
RAISED: Final = b"X"
"""The payload is an encoded (exception name, arguments)."""
TOO_LARGE: Final = b"O"
# From the test, and (CALL) on to the solution
CALL: Final = b"C"
"""The payload is the name, a NUL and an encoded (arguments, keyword arguments)."""
PASSED: Final = b"P"
FAILED: Final = b"F"
"""The payload is an encoded (exception name, text)."""
# To the test
BEGIN: Final = b"B"
"""The solution is loaded; the payload is what NAMES brought."""
SETUP: Final = b"S"
"""To either child, first of all: a Setup as JSON."""

SMALL: Final = 64 * 1024
"""Bytes of any frame but those that carry values."""


Role = Literal["solution", "test", "probe"]


class Setup(NamedTuple):
    """What a child is to run, and how it is to be locked down before."""

    role: Role
    source: str
    entry_point: str
    landlock: bool
    seccomp: bool
    parent: int
    """The process to end with; 0 in a process namespace, which ends with it."""
    scratch: str
    packages: tuple[str, ...]
    readable: tuple[str, ...]
    devices: tuple[str, ...]
    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    open_files: int
    threads: int
    output_bytes: int


_UNFIT: Final = (
    # raised by the solution, they would end a loop of the test, as in `all(map(passes, cases))`
    StopIteration,
    StopAsyncIteration,
    # not made of one argument
    BaseExceptionGroup,
    UnicodeEncodeError,
    UnicodeDecodeError,
    UnicodeTranslateError,
)


def _plain_exceptions() -> dict[str, type[BaseException]]:
    """The built-in exceptions but `_UNFIT`, by name; of several names of one (IOError, OSError), its own."""
    found = {}
    for name, kind in vars(builtins).items():
        if not isinstance(kind, type) or not issubclass(kind, BaseException) or kind.__name__ != name:
            continue
        if not issubclass(kind, _UNFIT):
            found[name] = kind
    return found


EXCEPTIONS: Final = _plain_exceptions()
"""Exceptions of the solution that the test may see; any other is told as the nearest of these that it derives from."""


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """One message, ready to be written."""
    return HEADER.pack(kind, len(payload)) + payload
