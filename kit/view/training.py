"""Training runs: what they logged, while they run and afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.core.store import PROGRESS, UNFINISHED, read_journal
from kit.view.section import Section


def training(directories: Sequence[Path], titles: Sequence[str]) -> Section:
    """Their curves."""

    def told() -> dict[str, Any]:
        return {"runs": [run(directory, title) for directory, title in zip(directories, titles, strict=True)]}

    return Section("training", " · ".join(titles), told(), again=told)


def run(directory: Path, title: str) -> dict[str, Any]:
    """One run: its settings, what it logged, and whether it is finished."""
    history, manifest = directory / "history.json", directory / "manifest.json"
    config = directory / "config.json"
    working = directory / UNFINISHED / PROGRESS
    return {
        "run": title,
        "config": json.loads(config.read_text("utf-8")) if config.exists() else {},
        "history": json.loads(history.read_text("utf-8")) if history.exists() else read_journal(working),
        "results": json.loads(manifest.read_text("utf-8"))["results"] if manifest.exists() else {},
        "finished": manifest.exists(),
    }
