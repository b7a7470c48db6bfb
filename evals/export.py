"""The scores of an evaluation in the shape of lm-evaluation-harness's results file, for tools that read those."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evals.config import EvalConfig
from evals.tasks import TASKS
from kit.core.records import EvalRecord
from kit.stats.intervals import clustered_error


def as_lm_eval(config: EvalConfig, model: str, records: Sequence[EvalRecord]) -> dict[str, Any]:
    """One task a slice, "kit_math test/cot" say; each metric with its standard error (clustered), under the filter "none"."""
    results: dict[str, dict[str, Any]] = {}
    samples: dict[str, int] = {}
    for name in dict.fromkeys(r.tags["slice"] for r in records):
        group = [r for r in records if r.tags["slice"] == name and r.tags["part"] == "question"]
        task = f"kit_{config.task} {name}"
        results[task] = {"alias": task}
        samples[task] = len(group)
        for metric in (m for m in TASKS[config.task].metrics if m in group[0].scores):
            values = TASKS[config.task].values(metric, group)
            error = clustered_error(values, [r.cluster for r in group])
            results[task][f"{metric},none"] = sum(values) / len(values)
            results[task][f"{metric}_stderr,none"] = error if error == error else "N/A"
    names = list(results)
    return {
        "results": results,
        "n-shot": {f"kit_{config.task} {s.name if config.task == 'multihop' else s.short_name}": s.shots for s in config.slices},
        "n-samples": {name: {"original": samples[name], "effective": samples[name]} for name in names},
        "higher_is_better": {name: dict.fromkeys(TASKS[config.task].metrics, True) for name in names},
        "config": {"model": config.backend, "model_args": model},
    }
