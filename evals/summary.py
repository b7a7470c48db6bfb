"""Records summed up by slice: every metric of the task with its interval, pass@k over samples, and the shares of error kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evals.tasks import TASKS
from kit.core.records import EvalRecord
from kit.models.prompts import ANSWER_CUE
from kit.stats.intervals import Estimate, clustered
from kit.stats.pass_at import pass_at_k

KS = (1, 10, 100)
"""The k of pass@k, as far as there are as many samples."""


@dataclass(frozen=True, slots=True)
class SliceSummary:
    """One line of the table of an evaluation. scores: by metric, the task's first being what arms are compared by."""

    slice: str
    scores: dict[str, Estimate]
    errors: dict[str, int]

    def errors_text(self) -> str:
        """`recall 12, format 3`, the commonest first; `-` where nothing failed."""
        return ", ".join(f"{kind} {n}" for kind, n in self.errors.items()) or "-"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        scores = {name: estimate._asdict() for name, estimate in self.scores.items()}
        return {"slice": self.slice, "scores": scores, "errors": self.errors}


def summarise(records: Sequence[EvalRecord]) -> list[SliceSummary]:
    """One summary a slice, in the records' order; sub-questions asked by themselves are left out."""
    groups: dict[str, list[EvalRecord]] = {}
    for record in records:
        if record.tags["part"] == "question":
            groups.setdefault(record.tags["slice"], []).append(record)
    return [_summary(name, group) for name, group in groups.items()]


def _summary(name: str, group: Sequence[EvalRecord]) -> SliceSummary:
    scores: dict[str, Estimate] = {}
    task = TASKS[group[0].task]  # type: ignore[index]  # a record's task is one
    errors: dict[str, int] = dict(Counter[str](r.error for r in group if r.error != "none").most_common())
    if task.of_items:
        group = list({r.question_id: r for r in group}.values())
    clusters = [r.cluster for r in group]
    cluster_of = {r.question_id: r.cluster for r in group}
    for metric in (m for m in task.metrics if m in group[0].scores):
        values = [r.scores[metric] for r in group]
        by_item: dict[str, list[float]] = {}
        for record, value in zip(group, values, strict=True):
            by_item.setdefault(record.question_id, []).append(value)
        samples = min(map(len, by_item.values()))
        if samples > 1 and metric not in (*task.graded, *task.weights):
            for k in (k for k in KS if k <= samples):
                passed = [pass_at_k(len(v), round(sum(v)), k) for v in by_item.values()]
                scores[f"{metric} pass@{k}"] = clustered(passed, [cluster_of[item] for item in by_item])
        else:
            estimate = clustered(task.values(metric, group), clusters)
            scores[metric] = estimate._replace(n=sum(task.counts(metric, group)))
    return SliceSummary(name, scores, errors)


MANY = 0.5
"""The share of answers without the form they are read by from which a reader is told what may be behind it."""


def told_of(records: Sequence[EvalRecord], cued: bool = False) -> list[str]:
    """What a reader should know of how the answers ended, and whether they took the form that they are read by. cued: it was
    said in the prompt."""
    told = []
    for finish, what in (
        ("length", "were cut off, at max_new_tokens or where the model's window ends"),
        ("refused", "were refused, by the model or its server"),
        ("too_long", "were never asked for: the prompt is longer than the model reads"),
    ):
        if count := sum(r.finish == finish for r in records):
            told.append(f"{count:,} of {len(records):,} answers {what}")
    if count := sum(r.error == "unjudged" for r in records):
        told.append(f"{count:,} of {len(records):,} programs cannot be judged: they return what cannot leave the sandbox")
    asked = Counter(r.tags["slice"] for r in records if r.task == "multihop")
    formless = Counter(r.tags["slice"] for r in records if r.error == "format")
    for name, count in asked.items():
        if (lacking := formless[name]) > MANY * count:
            lack = f'{lacking:,} of {count:,} answers lack "{ANSWER_CUE}"'
            hint = "" if cued else "ask = cue tells a model that was never taught it; "
            told.append(f"{name}: {lack}: {hint}flexible_match reads without it")
    return told
