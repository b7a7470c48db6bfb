"""The one exception that means "the user can mend this": shown as a single line, exit code 2."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable


class KitError(Exception):
    """A mistake in what was asked for or handed in. Its text is one line: what is wrong, and what to do."""


class SilentError(KitError):
    """Something is wrong that another of the processes that were started together has to tell of."""


def is_first() -> bool:
    """Whether this process was started alone, or is the first of those that were started together."""
    return os.environ.get("RANK", "0") == "0"


def nearest(wrong: str, right: Iterable[str]) -> str:
    """A hint naming the right spelling closest to `wrong`, or what there is to choose from.

    >>> nearest("wrold", ["world", "documents"])
    'did you mean world?'
    >>> nearest("zzz", ["world", "documents"])
    'choose from documents, world'
    """
    choices = sorted(right)
    close = difflib.get_close_matches(wrong, choices, n=1)
    return f"did you mean {close[0]}?" if close else f"choose from {', '.join(choices)}"


def check_known(name: str, table: Iterable[str], what: str) -> None:
    """Raises ValueError where a table of what there is does not have a name, with the nearest that it has."""
    names = [*table]
    if name not in names:
        raise ValueError(f"unknown {what} {name}; {nearest(name, names)}")


def first_line(error: Exception) -> str:
    """What an error says, in one line."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
