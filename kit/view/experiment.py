"""An experiment: its report, the answers behind every point, what every arm was shown, its worlds and its training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.core.experiment import damaged, labels, read_experiment, replicate_name
from kit.core.records import RECORDS
from kit.view.answers import answers
from kit.view.section import Section
from kit.view.table import Part, Table
from kit.view.training import run
from kit.view.world import world


def experiment(directory: Path, title: str) -> list[Section]:
    """The experiment, its training runs, and a world for each of its seeds. Raises KitError where the sweep is unfinished or
    damaged."""
    data = read_experiment(directory)
    try:
        config, cells, stages = data["config"], data["cells"], data["stages"]
        arms, measures = labels(config["arms"]), labels(config["measures"])
        replicates = [replicate_name(replicate) for replicate in config["replicates"]]
    except (KeyError, TypeError, AttributeError):
        raise damaged(directory) from None
    parts: list[Part] = []
    shown: list[Part] = []
    asked_for: dict[int, dict[str, str]] = {}
    for cell in cells:
        place = {"arm": arms[cell["arm"]], "D": str(cell["count"]), "replicate": replicates[cell["replicate"]]}
        for asked in cell["evaluations"]:
            asked_for[len(parts)] = {slice_: measures[measure] for measure, slice_ in asked["measures"].items()}
            parts.append(Part(directory / "stages" / asked["stage"] / RECORDS, place))
        for stage in cell["stages"]:
            shown.append(Part(directory / "stages" / stage / "shown.parquet", place | {"stage": stage}))
    facets = {"arm": "arm", "D": "D", "replicate": "replicate"}
    report = directory / "report.json"
    told = {
        "report": json.loads(report.read_text("utf-8")) if report.exists() else None,
        "arms": arms,
        "measures": measures,
        "replicates": replicates,
    }
    tables = {
        "answers": answers(parts, facets, asked_for),
        "shown": Table("shown", shown, {**facets, "source": "source"}, ("fact",)),
    }
    called = _called(cells, config["arms"], replicates)
    called = {stage: f"base, {stage}" for stage in stages if stage.startswith("train-") and stage not in called} | called
    runs = [run(directory / "stages" / stage, name) for stage, name in called.items()]
    return [
        Section("experiment", config.get("name") or title, told, tables),
        *_worlds(directory, [stage for stage in stages if stage.startswith("generate-")], replicates),
        Section("training", "training", {"runs": runs}),
    ]


def _called(cells: Sequence[dict[str, Any]], arms: dict[str, Any], replicates: Sequence[str]) -> dict[str, str]:
    """Training stages by what they are: the stages of an arm up to it, D and the replicate."""
    called = {}
    for cell in cells:
        path, place = arms[cell["arm"]]["path"], f"D = {cell['count']}, replicate {replicates[cell['replicate']]}"
        for number, stage in enumerate(cell["stages"]):
            called[stage] = f"{' → '.join(path[: number + 1])}, {place}"
    return called


def _worlds(directory: Path, stages: Sequence[str], replicates: Sequence[str]) -> list[Section]:
    names = [f"world {name}" for name in replicates] if len(stages) == len(replicates) else stages
    return [world(directory / "stages" / stage, name) for stage, name in zip(stages, names, strict=True)]
