"""Sweeps whose truth is known, written as the engine writes them: records, what training showed, manifests, experiment.json."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kit.core.records import ErrorKind, EvalRecord, Manifest, Shown
from kit.core.seeds import stream
from kit.core.store import write_json, write_table

FACTS = tuple(f"fact {i}" for i in range(20))


@dataclass
class Stage:
    """One training stage of an arm. shown: by source, exposures of a fact, new documents, last step, dose."""

    steps: int = 100
    rows: int = 1000
    tokens: int = 50_000
    shown: dict[str, tuple[int, int, int, float]] = field(default_factory=lambda: {"novel": (8, 8, 100, 0.01)})

    def table(self) -> list[Shown]:
        return [Shown(fact, source, e, d, s, dose) for source, (e, d, s, dose) in self.shown.items() for fact in FACTS]


@dataclass(frozen=True)
class Answer:
    """How one question fared."""

    right: float
    error: ErrorKind = "none"
    scores: dict[str, float] = field(default_factory=dict)


Answers = Callable[[np.random.Generator, str, int, str, int], Sequence[Answer]]
"""A stream, an arm, a count, a measure and a replicate to the answers of its questions, always of the same."""


@dataclass
class Planted:
    """An experiment and its truth. arms: name -> stages; counts: name -> where it is run. gone: claims that were put down and are
    no longer made. first: how many replicates there were at first. one_run: whether all replicates are the same run."""

    arms: dict[str, list[Stage]]
    measures: list[str]
    claims: list[dict[str, Any]]
    answers: Answers
    counts: dict[str, list[int]] = field(default_factory=dict)
    replicates: int = 3
    declared: bool = True
    gone: list[dict[str, Any]] = field(default_factory=list)
    first: int | None = None
    one_run: bool = False

    def write(self, out: Path) -> Path:
        counts = {arm: self.counts.get(arm, [0, 1000]) for arm in self.arms}
        cells, stages = [], []
        for number in range(self.replicates):
            replicate = 0 if self.one_run else number
            for arm, path in self.arms.items():
                for count in counts[arm]:
                    names = []
                    for i, stage in enumerate(path):
                        names.append(name := f"train-{replicate} {arm} {count} {i}")
                        write_table(out / "stages" / name / "shown.parquet", Shown, stage.table())
                        results = {"steps": stage.steps, "rows": stage.rows, "tokens": stage.tokens, "parameters": 1e6}
                        self._manifest(out, name, "train", results)
                    self._manifest(out, asked := f"eval-{replicate} {arm} {count}", "eval", {})
                    write_table(out / "stages" / asked / "records.parquet", EvalRecord, self._records(replicate, arm, count))
                    stages += [*names, asked]
                    evaluation = {"stage": asked, "measures": {m: f"slice of {m}" for m in self.measures}}
                    cells.append({"replicate": number, "arm": arm, "count": count, "evaluations": [evaluation], "stages": names})
        worlds = [0 if self.one_run else i for i in range(self.replicates)]
        config = {
            "name": "planted",
            "replicates": [{"world": world, "model": world, "draw": i} for i, world in enumerate(worlds)],
            "counts": sorted({c for own in counts.values() for c in own}),
            "measures": {m: {} for m in self.measures},
            "arms": {arm: {"label": arm, "measures": self.measures, "path": []} for arm in self.arms},
            "claims": self.claims,
        }
        digests = [f"claim {i}" for i in range(len(self.claims))]
        date = "2026-01-01T00:00:00+00:00"
        made = [*zip(digests, self.claims, strict=True), *((f"gone {i}", claim) for i, claim in enumerate(self.gone))]
        declared = {
            digest: {"says": claim["says"], "primary": claim.get("primary", False), "date": date} for digest, claim in made
        }
        first = config["replicates"][: self.first]
        data = {
            "config": config, "digests": digests, "declared": declared if self.declared else {}, "first": first, "finished": True,
            "gates": [], "cells": cells, "stages": stages, "workers": 1, "seconds": 1.0, "reused": 0,
        }  # fmt: skip
        write_json(out / "experiment.json", data)
        return out

    def _manifest(self, out: Path, name: str, kind: str, results: dict[str, float]) -> None:
        manifest = Manifest(1, kind, name, {}, {}, {}, "", False, {}, {}, "2026-01-01", 1.0, 1.0, 1, results)
        write_json(out / "stages" / name / "manifest.json", asdict(manifest))

    def _records(self, replicate: int, arm: str, count: int) -> list[EvalRecord]:
        records = []
        for place, measure in enumerate(self.measures):
            # By their place, not their names: an experiment of other names has the same answers.
            rng = stream(replicate, "planted", list(self.arms).index(arm), count, place)
            for i, answer in enumerate(self.answers(rng, arm, count, measure, replicate)):
                tags = {"slice": f"slice of {measure}", "part": "question", "bridge": f"bridge {i // 3}"}
                scores = {"exact_match": answer.right, **answer.scores}
                records.append(EvalRecord(f"{place} {i}", "multihop", "?", "!", None, (), scores, answer.error, tags))
        return records


def at_rates(rates: dict[str, float], n: int = 200) -> Answers:
    """Answers that are right by the arm's rate, or the measure's where that is named."""

    def answers(rng: np.random.Generator, arm: str, count: int, measure: str, replicate: int) -> list[Answer]:
        right = rng.random(n) < rates.get(measure, rates.get(arm, 0.0))
        return [Answer(float(r), "none" if r else "recall") for r in right]

    return answers
