"""What lies in directories: each by its kind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from kit.core.errors import KitError
from kit.core.experiment import EXPERIMENT
from kit.core.store import read_manifest, unfinished
from kit.view.evaluations import evaluations
from kit.view.experiment import experiment
from kit.view.section import Section
from kit.view.training import training
from kit.view.world import world


def sections(directories: Sequence[Path], titles: Sequence[str]) -> list[Section]:
    """What there is to look at. Evaluations of one task are put side by side, and training runs in one figure.

    titles: how the user calls the directories. Raises KitError for a directory of no kind that is known, or a damaged one.
    """
    found: list[Section] = []
    asked: dict[str, list[int]] = {}
    trained = []
    for number, directory in enumerate(directories):
        kind = kind_of(directory)
        if kind == "sweep":
            found += experiment(directory, titles[number])
        elif kind == "generate":
            found.append(world(directory, titles[number]))
        elif kind == "train":
            trained.append(number)
        else:
            task = json.loads((directory / "config.json").read_text("utf-8"))["task"]
            asked.setdefault(task, []).append(number)
    found += [evaluations([directories[i] for i in here], [titles[i] for i in here]) for here in asked.values()]
    if trained:
        found.append(training([directories[i] for i in trained], [titles[i] for i in trained]))
    return found


def titles(directories: Sequence[str]) -> list[str]:
    """What directories are called: by their last part, where that tells them apart."""
    last = [Path(directory).resolve().name for directory in directories]
    return last if len(set(last)) == len(last) else list(directories)


def kind_of(directory: Path) -> str:
    """generate, train, eval or sweep. Raises KitError where a directory is none of these."""
    if not directory.is_dir():
        raise KitError(f"{directory} does not exist")
    if (directory / EXPERIMENT).exists():
        return "sweep"
    if (told := unfinished(directory)) and told["stage"] == "train":
        return "train"
    stage = read_manifest(directory).stage
    if stage not in ("generate", "train", "eval"):
        raise KitError(f"{directory} was made by kit {stage}: what can be looked at are worlds, evaluations, runs and sweeps")
    return stage
