"""Records summed up by slice: accuracy with its interval, F1, and the shares of error kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kit.core.records import EvalRecord
from kit.stats.intervals import Estimate, clustered


@dataclass(frozen=True, slots=True)
class SliceSummary:
    """One line of the table of an evaluation."""

    slice: str
    exact_match: Estimate
    f1: float
    errors: dict[str, int]

    def errors_text(self) -> str:
        """`recall 12, format 3`, the commonest first; `-` where nothing failed."""
        return ", ".join(f"{kind} {n}" for kind, n in self.errors.items()) or "-"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"slice": self.slice, **self.exact_match._asdict(), "f1": self.f1, "errors": self.errors}


def summarise(records: Sequence[EvalRecord]) -> list[SliceSummary]:
    """One summary a slice, in the records' order; sub-questions asked by themselves are left out."""
    groups: dict[str, list[EvalRecord]] = {}
    for record in records:
        if record.tags["part"] == "question":
            groups.setdefault(record.tags["slice"], []).append(record)
    return [
        SliceSummary(
            name,
            clustered([r.scores["exact_match"] for r in group], [r.cluster for r in group]),
            sum(r.scores["f1"] for r in group) / len(group),
            dict(Counter(r.error for r in group if r.error != "none").most_common()),
        )
        for name, group in groups.items()
    ]
