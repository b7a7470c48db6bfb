"""An evaluation as a release: its answers in flat columns, and a card with its scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kit.core.records import RECORDS, EvalRecord, Manifest, schema_of
from kit.core.store import read_manifest, read_table
from kit.publish.card import address, as_json, render
from kit.publish.config import license_of, named
from kit.publish.croissant import About, croissant
from kit.publish.layout import configurations, metadata
from kit.publish.release import Data, write_manifest
from kit.publish.shelf import Shelf
from kit.publish.tables import CANARY

PLACE = "answers/test"
SCORE, TAG = "score_", "tag_"
FLAT = ("question_id", "prompt", "output", "extracted", "answers", "error", "finish", "thought")

Summarise = Callable[[Sequence[EvalRecord]], Sequence[dict[str, Any]]]
"""Records as rows: slice, scores by metric (each with mean, low, high and n), errors by kind."""

Export = Callable[[dict[str, Any], str, Sequence[EvalRecord]], dict[str, Any]]
"""Settings, the model's name and records as lm-evaluation-harness has results."""


def fill(directory: Path, folder: Path, manifest: Manifest, canary: str) -> Data:
    """The answers of an evaluation."""
    records = read_table(directory / RECORDS, EvalRecord)
    scores = sorted({name for record in records for name in record.scores})
    tags = sorted({name for record in records for name in record.tags})
    schema = schema_of(EvalRecord)
    columns = {name: pa.array([getattr(r, name) for r in records], schema.field(name).type) for name in FLAT}
    columns["task"] = pa.array([r.task for r in records], pa.string())
    columns |= {f"{SCORE}{name}": pa.array([r.scores.get(name) for r in records], pa.float64()) for name in scores}
    columns |= {f"{TAG}{name}": pa.array([r.tags.get(name) for r in records], pa.string()) for name in tags}
    columns[CANARY] = pa.array([canary] * len(records), pa.string())
    shelf = Shelf(folder)
    shelf.put(PLACE, pa.table(columns))
    shelf.close()
    write_manifest(folder, manifest)
    return Data({})


def records_of(folder: Path) -> list[EvalRecord]:
    """The records, from the Parquet files of a release."""
    found = []
    for file in sorted((folder / "data" / PLACE).glob("*.parquet")):
        for row in pq.read_table(file).to_pylist():
            scores = {n.removeprefix(SCORE): v for n, v in row.items() if n.startswith(SCORE) and v is not None}
            tags = {n.removeprefix(TAG): v for n, v in row.items() if n.startswith(TAG) and v is not None}
            flat = {name: row[name] for name in (*FLAT, "task")}
            found.append(EvalRecord(**{**flat, "answers": tuple(row["answers"])}, scores=scores, tags=tags))
    return found


def renderer(summarise: Summarise, export: Export) -> Callable[[Path, dict[str, Any]], dict[str, str]]:
    """How the card of an evaluation is made, given how records are summed up and exported."""

    def render_evaluation(folder: Path, release: dict[str, Any]) -> dict[str, str]:
        manifest, settings = read_manifest(folder), release["settings"]
        records, configs = records_of(folder), configurations(folder)
        front = {
            **license_of(settings).metadata(),
            "pretty_name": settings["title"],
            "language": ["en"],
            "tags": ["evaluation", "knowledge-injection-kit"],
            **metadata(configs),
        }
        asked = [r for r in records if r.tags.get("part", "question") == "question"]
        first = {right: next((r for r in asked if (r.error == "none") == right), None) for right in (True, False)}
        model, data = named(settings, manifest.config)
        summed = summarise(records)
        card = render(
            "evaluation.md.jinja",
            release,
            manifest.started,
            front,
            model=model,
            data=data,
            data_key=manifest.inputs.get("data", ""),
            task=manifest.config["task"],
            backend=manifest.config["backend"],
            answers=len(records),
            rows=[
                {"slice": row["slice"], "metric": metric, **score} for row in summed for metric, score in row["scores"].items()
            ],
            errors=[(row["slice"], ", ".join(f"{kind} {n}" for kind, n in row["errors"].items()) or "–") for row in summed],
            told=manifest.notes,
            shown=[(("right" if right else "wrong"), r) for right, r in first.items() if r],
        )
        about = About(
            f"Answers of {model} to questions about {data}.", address(release), license_of(settings).url,
            ["What one model said, asked in one way: another wording may fare otherwise."],
            ["Those of the questions, and of the model."],
            "Whatever the model made up; nothing was asked about people.", ["Checking scores, reading answers"],
            "None is expected.", [],
        )  # fmt: skip
        described = as_json(croissant(folder, release, configs, about))
        results = as_json(export(manifest.config, model, records))
        return {"README.md": card, "croissant.json": described, "results.json": results}

    return render_evaluation
