"""Evaluations of one task, side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from kit.core.records import RECORDS
from kit.view.answers import answers
from kit.view.section import Section
from kit.view.table import Part


def evaluations(directories: Sequence[Path], titles: Sequence[str]) -> Section:
    """Their answers; those to the same question in the same slice belong together."""
    parts = [Part(directory / RECORDS, {"run": title}) for directory, title in zip(directories, titles, strict=True)]
    told = {
        "runs": [
            {"run": title, "config": json.loads((directory / "config.json").read_text("utf-8"))}
            for directory, title in zip(directories, titles, strict=True)
        ]
    }
    return Section("answers", " · ".join(titles), told, {"answers": answers(parts, {"run": "run"})})
