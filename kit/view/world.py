"""A world: questions, facts, entities, documents, examples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from kit.core.store import table_files
from kit.view.section import Section
from kit.view.table import Part, Table

FACETS: Mapping[str, Mapping[str, str]] = {
    "questions": {"split": "split", "shape": "shape", "hops": "hops"},
    "facts": {"part": "part", "relation": "relation"},
    "entities": {"part": "part", "type": "type"},
    "documents": {"corpus": "corpus", "style": "template"},
    "probes": {"split": "split", "shape": "shape"},
    "examples": {"kind": "kind"},
    "shuffled_facts": {"relation": "relation"},
    "exposures": {"corpus": "corpus"},
    "math": {"split": "split", "difficulty": "difficulty"},
    "code": {"split": "split", "difficulty": "difficulty"},
    "if": {"split": "split", "difficulty": "difficulty"},
}
"""What the tables of a data directory are filtered by."""

SEARCHED: Mapping[str, tuple[str, ...]] = {
    "questions": ("text", "answers", "id"),
    "probes": ("text", "answers", "id"),
    "facts": ("relation", "id"),
    "shuffled_facts": ("relation", "id"),
    "entities": ("name", "aliases", "id"),
    "documents": ("text", "id"),
    "examples": ("prompt", "completion", "id"),
    "exposures": ("fact",),
    "math": ("question", "solution", "id"),
    "code": ("prompt", "canonical_solution", "id"),
    "if": ("prompt", "response", "id"),
}
"""The text that they are searched by."""


BRIEF: Mapping[str, tuple[str, ...]] = {
    "questions": ("id", "text", "answers", "split", "shape"),
    "probes": ("id", "text", "answers", "split", "shape"),
    "documents": ("id", "text", "template", "corpus"),
}
"""What a list shows of tables whose rows hold much more."""


def world(directory: Path, title: str) -> Section:
    """A data directory of kit's, whatever of the tables it has."""
    there = {name: directory / f"{name}.parquet" for name in FACETS}
    tables = {
        name: Table(name, [Part(path)], FACETS[name], SEARCHED[name], BRIEF.get(name, ()))
        for name, path in there.items()
        if table_files(path)[0].exists()
    }
    audit = directory / "audit.json"
    told = {"audit": json.loads(audit.read_text("utf-8"))} if audit.exists() else {}
    return Section("world", title, told, {name: table for name, table in tables.items() if len(table)})
