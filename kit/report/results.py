"""A sweep read back: cells with their records, and estimates over questions and seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kit.core.errors import KitError
from kit.core.records import EvalRecord, Manifest
from kit.core.store import read_manifest, read_table
from kit.stats.intervals import Estimate, clustered, hierarchical, over_seeds

MEASURES: dict[str, str] = {
    "known 1-hop": "test_entity/1-hop/cot/closed/generate",
    "known 2-hop": "test_entity/2-hop/cot/closed/generate",
    "known 2-hop, direct": "test_entity/2-hop/direct/closed/generate",
    "known 3-hop": "test_entity/3-hop/cot/closed/generate",
    "known 2-hop, held-out composition": "test_composition/2-hop/cot/closed/generate",
    "known recall": "recall_known/1-hop/cloze/closed/generate",
    "novel 1-hop": "novel/1-hop/cot/closed/generate",
    "novel 1-hop, direct": "novel/1-hop/direct/closed/generate",
    "novel 2-hop": "novel/2-hop/cot/closed/generate",
    "novel 2-hop, direct": "novel/2-hop/direct/closed/generate",
    "novel 2-hop, direct, format supplied": "novel/2-hop/direct/closed/prefilled",
    "novel 2-hop, forced choice": "novel/2-hop/direct/closed/choice",
    "novel 2-hop, facts in prompt": "novel/2-hop/cot/facts/generate",
    "novel recall": "recall_novel/1-hop/cloze/closed/generate",
    "shuffled 2-hop": "shuffled/2-hop/cot/closed/generate",
    "shuffled recall": "recall_shuffled/1-hop/cloze/closed/generate",
}
"""Measures of kit's own questions: a name for people, and the slice of an evaluation that holds its records. Any other slice
is a measure under its own name."""

_NAMES = {slice_: measure for measure, slice_ in MEASURES.items()}
_TASKS = {"multihop": "multihop", "math": "maths", "code": "code", "if": "instructions"}


def measure_of(record: EvalRecord, data: str | None) -> str:
    """What is measured: `novel 2-hop`; in other tasks `maths, test/cot`, of named data `maths, openai/gsm8k, test/cot`."""
    name = record.tags["slice"]
    if record.task == "multihop" and not data and name in _NAMES:
        return _NAMES[name]
    return ", ".join(filter(None, (_TASKS[record.task], data, name)))


@dataclass(frozen=True, slots=True)
class CellResult:
    """One arm at one count for one seed. `records`: measure -> records of whole questions."""

    seed: int
    arm: str
    count: int
    stages: tuple[str, ...]
    records: dict[str, list[EvalRecord]]

    def scores(self, measure: str) -> list[str]:
        """The names of what all of a measure's records are scored by, the one that arms are compared by first."""
        common = set.intersection(*(set(r.scores) for r in self.records[measure]))
        return [name for name in self.records[measure][0].scores if name in common]

    def score(self, measure: str, name: str | None = None) -> NDArray[np.float64]:
        """One score of every record of a measure (the first of its scores, unless named), shape (n,)."""
        chosen = name or self.scores(measure)[0]
        return np.array([r.scores[chosen] for r in self.records[measure]])

    def clusters(self, measure: str) -> list[str]:
        """Cluster labels of a measure's records, told apart by seed."""
        return [f"{self.seed}:{r.cluster}" for r in self.records[measure]]


@dataclass(frozen=True, slots=True)
class Results:
    """A whole sweep."""

    config: dict[str, Any]
    gates: list[dict[str, Any]]
    cells: list[CellResult]
    manifests: dict[str, Manifest]
    seconds: float
    reused: int
    workers: int

    @property
    def seeds(self) -> list[int]:
        return list(self.config["seeds"])

    @property
    def arms(self) -> dict[str, str]:
        """Arm -> its label, in the experiment's order."""
        return {name: arm["label"] for name, arm in self.config["arms"].items()}

    def counts(self, arm: str) -> list[int]:
        """The counts an arm was run at, ascending."""
        return sorted({c.count for c in self.cells if c.arm == arm})

    def at(self, arm: str, count: int, measure: str) -> list[CellResult]:
        """The cells of an arm at a count, a seed each, that hold a measure."""
        return [c for c in self.cells if c.arm == arm and c.count == count and measure in c.records]

    @property
    def measures(self) -> list[str]:
        """Every measure that was asked: kit's own questions' in the order of the table, then the others as they come."""
        asked = dict.fromkeys(measure for c in self.cells for measure in c.records)
        return [*(m for m in MEASURES if m in asked), *(m for m in asked if m not in MEASURES)]

    def estimate(self, arm: str, count: int, measure: str, score: str | None = None) -> Estimate | None:
        """Accuracy of an arm at a count: clustered over questions for one seed, t on seed means for more. None: not asked."""
        cells = self.at(arm, count, measure)
        if not cells:
            return None
        return pooled([c.score(measure, score) for c in cells], [c.clusters(measure) for c in cells])


MANY = 10
"""Seeds from which on their own spread is resampled; over fewer t on their means is wider, and right."""


def pooled(values: Sequence[NDArray[np.float64]], clusters: Sequence[Sequence[str]]) -> Estimate:
    """One estimate from a list of seeds' scores, its interval cut to what a score can be."""
    if len(values) == 1:
        return clustered(values[0], clusters[0])
    if len(values) >= MANY:
        return hierarchical(values)
    means = [float(v.mean()) for v in values]
    if max(means) == min(means):
        # Seeds that agree to the last question (none is right, say) are no proof that all others would.
        return clustered(np.concatenate(values), [label for labels in clusters for label in labels])
    found = over_seeds(means, sum(v.size for v in values))
    return found._replace(low=max(0.0, found.low), high=min(1.0, found.high))


def load_results(directory: Path) -> Results:
    """Read a sweep. Raises KitError when the directory holds none, or an unfinished one."""
    path = directory / "experiment.json"
    if not path.exists():
        raise KitError(f"{directory} holds no finished sweep (no experiment.json): run kit sweep with --out {directory}")
    try:
        data = json.loads(path.read_text("utf-8"))
        stages, cells = data["stages"], [(cell, cell["evaluations"]) for cell in data["cells"]]
    except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError):
        raise KitError(f"{path} is damaged or of another kit: run the sweep again, finished stages will be reused") from None
    loaded = []
    for cell, evaluations in cells:
        records: dict[str, list[EvalRecord]] = {}
        for asked in evaluations:
            for record in read_table(directory / "stages" / asked["stage"] / "records.parquet", EvalRecord):
                if record.tags["part"] == "question":
                    records.setdefault(measure_of(record, asked["data"]), []).append(record)
        loaded.append(CellResult(cell["seed"], cell["arm"], cell["count"], tuple(cell["stages"]), records))
    manifests = {name: read_manifest(directory / "stages" / name) for name in stages}
    return Results(data["config"], data["gates"], loaded, manifests, data["seconds"], data["reused"], data["workers"])
