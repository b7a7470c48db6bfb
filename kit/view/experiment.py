"""An experiment: its report, the answers behind every point, what every arm was shown, its worlds and its training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.core.errors import KitError
from kit.core.records import RECORDS
from kit.view.answers import answers
from kit.view.section import Section
from kit.view.table import Part, Table
from kit.view.training import run
from kit.view.world import world


def experiment(directory: Path, title: str) -> list[Section]:
    """The experiment, its training runs, and a world for each of its seeds. Raises KitError where the sweep is unfinished or
    damaged."""
    path = directory / "experiment.json"
    try:
        data = json.loads(path.read_text("utf-8"))
        config, cells, stages, done = data["config"], data["cells"], data["stages"], data["finished"]
    except (ValueError, KeyError):
        raise KitError(f"{path} is damaged or of another kit: run the sweep again, finished stages will be reused") from None
    if not done:
        raise KitError(f"{directory} holds no finished sweep: run kit sweep with --out {directory}")
    arms = {name: arm.get("label") or name.replace("_", " ") for name, arm in config["arms"].items()}
    labels = {name: asked.get("label") or name.replace("_", " ") for name, asked in config["measures"].items()}
    replicates = [_name(replicate) for replicate in config["replicates"]]
    parts: list[Part] = []
    shown: list[Part] = []
    measures: dict[int, dict[str, str]] = {}
    for cell in cells:
        place = {"arm": arms[cell["arm"]], "D": str(cell["count"]), "replicate": replicates[cell["replicate"]]}
        for asked in cell["evaluations"]:
            measures[len(parts)] = {slice_: labels[measure] for measure, slice_ in asked["measures"].items()}
            parts.append(Part(directory / "stages" / asked["stage"] / RECORDS, place))
        for stage in cell["stages"]:
            shown.append(Part(directory / "stages" / stage / "shown.parquet", place | {"stage": stage}))
    facets = {"arm": "arm", "D": "D", "replicate": "replicate"}
    report = directory / "report.json"
    told = {
        "report": json.loads(report.read_text("utf-8")) if report.exists() else None,
        "arms": arms,
        "measures": labels,
        "replicates": replicates,
        "cells": [{**cell, "replicate": replicates[cell["replicate"]], "arm": arms[cell["arm"]]} for cell in cells],
    }
    tables = {
        "answers": answers(parts, facets, measures),
        "shown": Table("shown", shown, {**facets, "source": "source"}, ("fact",)),
    }
    name = config.get("name") or title
    called = _called(cells, config["arms"], replicates)
    called = {stage: f"base, {stage}" for stage in stages if stage.startswith("train-") and stage not in called} | called
    runs = [run(directory / "stages" / stage, name) for stage, name in called.items()]
    return [
        Section("experiment", name, told, tables),
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


def _name(replicate: dict[str, Any]) -> str:
    same = len(set(replicate.values())) == 1
    return str(replicate["world"]) if same else ", ".join(f"{key} {value}" for key, value in replicate.items())
