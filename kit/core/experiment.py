"""An experiment as `kit sweep` leaves it, for whoever reads it back: its file, and what its parts are called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kit.core.errors import KitError

EXPERIMENT = "experiment.json"
"""In a sweep's directory, what was claimed, run and found finished."""


def read_experiment(directory: Path) -> dict[str, Any]:
    """What a finished sweep put down. Raises KitError where there is none, or it cannot be read."""
    path = directory / EXPERIMENT
    missing = KitError(f"{directory} holds no finished sweep: run kit sweep with --out {directory}")
    if not path.exists():
        raise missing
    try:
        told: dict[str, Any] = json.loads(path.read_text("utf-8"))
        finished = told["finished"]
    except (ValueError, KeyError, TypeError):
        raise damaged(directory) from None
    if not finished:
        raise missing
    return told


def damaged(directory: Path) -> KitError:
    """For an experiment's file that does not hold what it should."""
    return KitError(f"{directory / EXPERIMENT} is damaged or of another kit: run the sweep again, finished stages will be reused")


def labels(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What arms, or measures, are called: by their label, or by their name.

    >>> labels({"none": {"label": "no injection"}, "documents_only": {}})
    {'none': 'no injection', 'documents_only': 'documents only'}
    """
    return {name: table.get("label") or name.replace("_", " ") for name, table in tables.items()}


def replicate_name(seeds: Mapping[str, int]) -> str:
    """What a replicate is called.

    >>> replicate_name({"world": 0, "model": 0, "draw": 0}), replicate_name({"world": 0, "model": 1, "draw": 2})
    ('0', 'world 0, model 1, draw 2')
    """
    same = len(set(seeds.values())) == 1
    return str(seeds["world"]) if same else ", ".join(f"{key} {value}" for key, value in seeds.items())
