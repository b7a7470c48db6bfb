"""What a directory shows: its kind, what is told of it as a whole, and its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kit.view.table import Table


@dataclass(frozen=True)
class Section:
    """One directory, or evaluations side by side. kind: by which file of `app/` it is shown. told: what is known of it as a
    whole, as JSON. tables: what is looked at, the first being what it is about. again: what is told of it by now, where it may
    still run."""

    kind: str
    title: str
    told: dict[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    again: Callable[[], dict[str, Any]] | None = None

    @property
    def items(self) -> int:
        """How many rows what it is about has."""
        return len(next(iter(self.tables.values()), ()))
