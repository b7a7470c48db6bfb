"""What a world's card says, counted: from the Parquet files of its release, and from what the audit read back from the tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kit.core.records import Question, from_row
from kit.publish.layout import Configuration

SAMPLED = ("novel", "novel_to_novel", "test", "recall_novel")
"""The splits that a sample is taken from, first of all."""


class Sample(NamedTuple):
    """A question of a shape, as the card shows it. names: of its heads, by id."""

    shape: str
    config: str
    split: str
    question: Question
    names: dict[str, str]
    evidence: tuple[str, ...]
    reasoning: tuple[str, ...]


def figures(folder: Path, configs: Sequence[Configuration]) -> dict[str, Any]:
    """Everything that a world's card says in numbers."""
    by_name = {config.name: config for config in configs}
    asked = [by_name[name] for name in ("single_hop", "multihop") if name in by_name]
    audit = json.loads((folder / "audit.json").read_text("utf-8"))
    return {
        "configs": [
            {"name": c.name, "rows": c.rows, "splits": [{"name": p.name, "rows": p.rows} for p in c.splits]} for c in configs
        ],
        "relations": _counts(by_name, "facts", "relation", [p.name for p in by_name["facts"].splits if p.name != "shuffled"])
        if "facts" in by_name else {},
        "types": _counts(by_name, "entities", "type"),
        "questions": sum(config.rows for config in asked),
        "certificates": _certificates(asked),
        "audit": audit,
        "guessers": guessers(audit["guessers"]),
        "tried": len(audit["guessers"]),
    }  # fmt: skip


def _column(files: Sequence[Path], column: str) -> Iterator[pa.Array]:
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(50_000, columns=[column]):
            yield batch.column(0)


def _counts(configs: dict[str, Configuration], name: str, column: str, splits: Sequence[str] | None = None) -> dict[str, int]:
    """How many rows have each value, the commonest first."""
    found: dict[str, int] = {}
    if name not in configs:
        return found
    for part in configs[name].splits:
        if splits is None or part.name in splits:
            for values in _column(part.files, column):
                for row in pc.value_counts(values).to_pylist():
                    found[row["values"]] = found.get(row["values"], 0) + row["counts"]
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _certificates(configs: Sequence[Configuration]) -> dict[str, dict[str, int]]:
    """Of the computed properties of questions: of how many they were computed, and of how many they hold."""
    told = {name: {"of": 0, "hold": 0} for name in ("unique", "unreadable", "no_shortcut")}
    for config in configs:
        for part in config.splits:
            for certificates in _column(part.files, "certificate"):
                for name, counts in told.items():
                    values = certificates.field(name)
                    values = pc.if_else(pc.is_valid(certificates), values, None)
                    counts["of"] += len(values) - values.null_count
                    counts["hold"] += pc.sum(pc.cast(values, pa.int64())).as_py() or 0
    return told


def guessers(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each kind of question the guesser that was farthest above chance, in standard errors; those of names are left out."""
    best: dict[str, dict[str, Any]] = {}
    for row in rows:
        if " against " not in row["split"] and (row["shape"] not in best or row["z"] > best[row["shape"]]["z"]):
            best[row["shape"]] = row
    return [best[shape] for shape in sorted(best)]


def samples(configs: Sequence[Configuration]) -> list[Sample]:
    """A question of each shape, of one hop and of several: the first of the split that a reader will ask about."""
    found: dict[str, Sample] = {}
    for config in configs:
        for shape, split, row in _first_of_shapes(config):
            if shape not in found:
                found[shape] = _sample(config.name, shape, split, row)
    return [found[shape] for shape in sorted(found)]


def _first_of_shapes(config: Configuration) -> Iterator[tuple[str, str, dict[str, Any]]]:
    if config.name != "single_hop" and not config.shape:
        return
    parts = {part.name: part for part in config.splits}
    seen: set[str] = set()
    for name in [*(name for name in SAMPLED if name in parts), *sorted(parts.keys() - {*SAMPLED})]:
        for file in parts[name].files:
            for batch in pq.ParquetFile(file).iter_batches(5_000):
                for shape in sorted({*pc.unique(batch["shape"]).to_pylist()} - seen):
                    seen.add(shape)
                    yield shape, name, batch.slice(pc.index(batch["shape"], shape).as_py(), 1).to_pylist()[0]
                if config.shape:
                    return


def _sample(config: str, shape: str, split: str, row: dict[str, Any]) -> Sample:
    names = dict(zip(row["heads"], row["about"], strict=True))
    evidence = tuple(told or "a fact of a throwaway world" for told in row["evidence"])
    reasoning = tuple(row["reasoning"])
    fields = {"text": row["question"], **row}
    question = from_row(Question, {name: fields[name] for name in Question.__dataclass_fields__})
    return Sample(shape, config, split, question, names, evidence, reasoning)
