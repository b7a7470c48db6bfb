"""Preferences summed up by slice: who was preferred, how far the judge can be trusted, and what the answers were worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evals.tasks import TASKS
from kit.core.records import Choice, Contender, Preference
from kit.stats.agreement import kappa
from kit.stats.intervals import Estimate, clustered

WORTH: dict[Choice, float] = {"a": 1.0, "tie": 0.5, "b": 0.0}
"""What a verdict adds to the win rate of A."""


@dataclass(frozen=True, slots=True)
class SideSummary:
    """accuracy: by the task's first metric. style: the style score and its components, which are no preference."""

    accuracy: Estimate
    style: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class PreferenceSummary:
    """One slice. Each estimate is None where there is nothing to estimate it from.

    win_rate: of A, wins and half of the ties, over the pairs with a verdict. identical: ties that were not asked about, the
    answers being the same. asked, unreadable: verdicts, two a pair. position: the share of verdicts for the answer shown first
    among those for either; without bias 0.5. agreement: the share of the pairs asked, both verdicts readable, on which both
    orders say the same (a, b or tie); kappa: Cohen's, of the same.
    """

    slice: str
    questions: int
    win_rate: Estimate | None
    wins: int
    ties: int
    losses: int
    identical: int
    asked: int
    unreadable: int
    position: Estimate | None
    agreement: Estimate | None
    kappa: Estimate | None
    metric: str
    a: SideSummary
    b: SideSummary

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate):
        return value._asdict()
    return {name: _plain(each) for name, each in value.items()} if isinstance(value, dict) else value


def summarise_preferences(records: Sequence[Preference]) -> list[PreferenceSummary]:
    """One summary a slice, in the records' order."""
    groups: dict[str, list[Preference]] = {}
    for record in records:
        groups.setdefault(record.slice, []).append(record)
    return [_summary(name, group) for name, group in groups.items()]


def _summary(name: str, group: Sequence[Preference]) -> PreferenceSummary:
    judged = [r for r in group if r.verdict != "unreadable"]
    counts = Counter(r.verdict for r in group)
    asked = [r for r in group if r.said]
    readable = [r for r in asked if r.verdict != "unreadable"]
    firsts = list(_for_the_first(asked))
    labels = [r.first_order for r in readable], [r.second_order for r in readable]
    clusters = [r.cluster for r in readable]
    return PreferenceSummary(
        slice=name,
        questions=len(group),
        win_rate=clustered([WORTH[r.verdict] for r in judged], [r.cluster for r in judged]) if judged else None,
        wins=counts["a"],
        ties=counts["tie"],
        losses=counts["b"],
        identical=len(group) - len(asked),
        asked=2 * len(asked),
        unreadable=sum([r.first_order, r.second_order].count("unreadable") for r in asked),
        position=clustered([value for value, _ in firsts], [cluster for _, cluster in firsts]) if firsts else None,
        agreement=clustered([x == y for x, y in zip(*labels, strict=True)], clusters) if readable else None,
        kappa=kappa(*labels, clusters) if readable else None,
        metric=TASKS[group[0].task].metrics[0],  # type: ignore[index]  # a record's task is one
        a=_side([r.a for r in group], [r.cluster for r in group]),
        b=_side([r.b for r in group], [r.cluster for r in group]),
    )


def _for_the_first(records: Sequence[Preference]) -> Iterator[tuple[bool, str]]:
    """Of every verdict that prefers an answer, whether it was the one shown first, and its cluster."""
    for record in records:
        for choice, shown_first in ((record.first_order, "a"), (record.second_order, "b")):
            if choice in ("a", "b"):
                yield choice == shown_first, record.cluster


def _side(answers: Sequence[Contender], clusters: Sequence[str]) -> SideSummary:
    style = {}
    for name in dict.fromkeys(name for answer in answers for name in answer.style):
        having = [(c.style[name], cluster) for c, cluster in zip(answers, clusters, strict=True) if name in c.style]
        style[name] = clustered([value for value, _ in having], [cluster for _, cluster in having])
    return SideSummary(clustered([c.score for c in answers], clusters), style)
