"""A sweep read back: cells with their records and what they were trained on, and estimates over questions and replicates."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kit.core.errors import KitError
from kit.core.experiment import damaged, labels, read_experiment, replicate_name
from kit.core.records import RECORDS, EvalRecord, Manifest, Shown
from kit.core.store import read_manifest, read_table
from kit.report.claims import CLAIMS, Cell, Claim, Given, check_claims
from kit.report.shown import Training
from kit.stats.contrasts import Cells
from kit.stats.intervals import Estimate, over_replicates

RECALL = "sub_questions_right"
"""The score that says that every hop of a question is right when asked by itself."""


@dataclass(frozen=True, slots=True)
class CellResult:
    """One arm at one count in one replicate. records: measure -> records of whole questions. of: measure -> whose questions those
    are, a world's or a data set's, which replicates may share."""

    replicate: int
    arm: str
    count: int
    stages: tuple[str, ...]
    training: Training
    records: dict[str, list[EvalRecord]]
    of: dict[str, str]

    def clusters(self, measure: str) -> list[str]:
        """Cluster labels of a measure's records."""
        return [f"{self.of[measure]} {r.cluster}" for r in self.records[measure]]

    def questions(self, measure: str) -> list[str]:
        """What is asked in a measure's records: the same name, the same question, in whichever replicate."""
        return [f"{self.of[measure]} {r.question_id}" for r in self.records[measure]]


@dataclass(frozen=True)
class Results:
    """A whole sweep. declared: by their digests, the claims that were made before anything was evaluated; first: the replicates
    that it had then; digests: of the claims, in their order."""

    config: dict[str, Any]
    claims: tuple[Claim, ...]
    digests: tuple[str, ...]
    declared: dict[str, dict[str, Any]]
    first: list[dict[str, int]]
    gates: list[dict[str, Any]]
    cells: list[CellResult]
    manifests: dict[str, Manifest]
    seconds: float
    reused: int
    workers: int

    @property
    def replicates(self) -> list[str]:
        """The replicates' names."""
        return [replicate_name(each) for each in self.config["replicates"]]

    @functools.cached_property
    def arms(self) -> dict[str, str]:
        """Arm -> its label, in the experiment's order."""
        return labels(self.config["arms"])

    @functools.cached_property
    def measures(self) -> dict[str, str]:
        """Measure -> its label, in the experiment's order, of those that were asked."""
        asked = {measure for cell in self.cells for measure in cell.records}
        return {name: label for name, label in labels(self.config["measures"]).items() if name in asked}

    def arm(self, name: str) -> str:
        """An arm's label."""
        return self.arms.get(name, name)

    def measure(self, name: str) -> str:
        """A measure's label."""
        return self.measures.get(name, name)

    @functools.cached_property
    def counts(self) -> dict[str, list[int]]:
        """The counts every arm was run at, ascending."""
        return {arm: sorted({c.count for c in self.cells if c.arm == arm}) for arm in self.arms}

    def at(self, arm: str, count: int, measure: str) -> list[CellResult]:
        """The cells of an arm at a count, one a replicate, that hold a measure."""
        return [c for c in self.cells if c.arm == arm and c.count == count and measure in c.records]

    def score_name(self, measure: str) -> str:
        """What a measure is compared by: the score that it names, or the first that all its records have."""
        if named := self.config["measures"][measure].get("score"):
            return str(named)
        records = next(c.records[measure] for c in self.cells if measure in c.records)
        common = set.intersection(*(set(r.scores) for r in records))
        return next(name for name in records[0].scores if name in common)

    def has(self, measure: str, score: str) -> bool:
        """Whether all records of a measure have a score."""
        return all(score in r.scores for c in self.cells for r in c.records.get(measure, ()))

    def values(self, cell: CellResult, measure: str, score: str | None = None) -> NDArray[np.float64]:
        """One score of every record of a measure, shape (n,)."""
        name = score or self.score_name(measure)
        return np.array([r.scores[name] for r in cell.records[measure]])

    def estimate(self, arm: str, count: int, measure: str, score: str | None = None) -> Estimate | None:
        """The score of an arm at a count, over replicates. None: not asked."""
        cells = self.at(arm, count, measure)
        if not cells:
            return None
        values = [self.values(c, measure, score) for c in cells]
        return over_replicates(values, [c.clusters(measure) for c in cells], [c.questions(measure) for c in cells])

    def scores(self, cells: Sequence[Cell], given: Given | None = None) -> list[Cells]:
        """See `kit.report.claims.claim.Reading`."""
        found: dict[object, Cells] = {}
        for replicate in range(len(self.config["replicates"])):
            there = [next((c for c in self.at(*self._of(cell)) if c.replicate == replicate), None) for cell in cells]
            kept = [c for c in there if c is not None]
            if len(kept) < len(cells):
                continue
            # Replicates that share all stages of a claim's cells are one run, and not several.
            run = tuple((c.stages, c.of[cell.measure]) for c, cell in zip(kept, cells, strict=True))
            matrix = self._matrix(cells, kept, given)
            if matrix is None:
                return []
            found.setdefault(run, matrix)
        return list(found.values())

    @staticmethod
    def _of(cell: Cell) -> tuple[str, int, str]:
        return cell.arm, cell.count, cell.measure

    def _matrix(self, cells: Sequence[Cell], there: Sequence[CellResult], given: Given | None) -> Cells | None:
        """Scores by question, and each question's cluster; None where a cell has none left."""
        by_cell: list[dict[str, float]] = []
        clusters: dict[str, str] = {}
        unfit: set[str] = set()
        for cell, result in zip(cells, there, strict=True):
            name = cell.score or self.score_name(cell.measure)
            records = result.records[cell.measure]
            if not all(name in r.scores for r in records):
                return None
            several: dict[str, list[float]] = {}
            for r, question, cluster in zip(records, result.questions(cell.measure), result.clusters(cell.measure), strict=True):
                several.setdefault(question, []).append(r.scores[name])
                clusters[question] = cluster
                if (given == "recall" and r.scores.get(RECALL) != 1.0) or (given == "format" and r.error == "format"):
                    unfit.add(question)
            # Of several samples of a question the mean counts.
            by_cell.append({question: sum(v) / len(v) for question, v in several.items()})
        for measure in {cell.measure for cell in cells}:
            same = [i for i, cell in enumerate(cells) if cell.measure == measure]
            shared = set.intersection(*(set(by_cell[i]) for i in same)) - unfit
            for i in same:
                by_cell[i] = {question: value for question, value in by_cell[i].items() if question in shared}
        if not all(by_cell):
            return None
        questions = list(dict.fromkeys(question for scores in by_cell for question in scores))
        matrix = np.array([[scores.get(question, np.nan) for question in questions] for scores in by_cell])
        return Cells(matrix, tuple(clusters[question] for question in questions), tuple(questions))

    def steps(self, cell: Cell) -> int:
        """See `kit.report.claims.claim.Reading`."""
        return next((c.training.steps for c in self.at(*self._of(cell))), 0)

    def steps_since(self, cell: Cell, source: str) -> float:
        """See `kit.report.claims.claim.Reading`."""
        since = [told.last for c in self.at(*self._of(cell)) for told in c.training.shown.get(source, {}).values()]
        return float(np.mean(since)) if since else float("nan")


def load_results(directory: Path) -> Results:
    """Read a sweep. Raises KitError when the directory holds none, or an unfinished one."""
    data = read_experiment(directory)
    try:
        claims = CLAIMS.validate_json(json.dumps(data["config"]["claims"]))
        stages, cells = data["stages"], [(cell, cell["evaluations"], cell["stages"]) for cell in data["cells"]]
        declared, digests, first = dict(data["declared"]), tuple(data["digests"]), list(data["first"])
        config, gates, seconds, reused, workers = (data[key] for key in ("config", "gates", "seconds", "reused", "workers"))
        counts = {arm: sorted({c["count"] for c, *_ in cells if c["arm"] == arm}) for arm in config["arms"]}
        asked = {name: arm["measures"] for name, arm in config["arms"].items()}
        check_claims(claims, counts, asked, config["measures"])
    except (ValueError, KeyError, TypeError):
        raise damaged(directory) from None
    manifests = {name: read_manifest(directory / "stages" / name) for name in stages}

    @functools.cache
    def shown(stage: str) -> list[Shown]:
        return read_table(directory / "stages" / stage / "shown.parquet", Shown)

    @functools.cache
    def training(path: tuple[str, ...]) -> Training:
        return Training.of([(manifests[stage].results, shown(stage)) for stage in path])

    loaded = []
    for cell, evaluations, path_ in cells:
        records: dict[str, list[EvalRecord]] = {}
        for asked in evaluations:
            measure_of: dict[str, list[str]] = {}
            for measure, slice_ in asked["measures"].items():
                measure_of.setdefault(slice_, []).append(measure)
            for record in read_table(directory / "stages" / asked["stage"] / RECORDS, EvalRecord):
                if record.tags["part"] == "question":
                    for measure in measure_of.get(record.tags["slice"], ()):
                        records.setdefault(measure, []).append(record)
        path_ = tuple(path_)
        world = f"world {config['replicates'][cell['replicate']]['world']}"
        of = {measure: str(config["measures"][measure].get("data") or world) for measure in records}
        loaded.append(CellResult(cell["replicate"], cell["arm"], cell["count"], path_, training(path_), records, of))
    for measure, settings in config["measures"].items():
        score = settings.get("score")
        if score and any(score not in r.scores for cell in loaded for r in cell.records.get(measure, ())):
            raise KitError(f"measures.{measure}: its records have no score {score}")
    return Results(config, claims, digests, declared, first, gates, loaded, manifests, seconds, reused, workers)
