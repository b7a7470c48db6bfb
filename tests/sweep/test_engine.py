"""Stages run side by side as their devices allow: none is lent twice, none is left idle, and what cannot run is told."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import time
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from tqdm import tqdm

from evals.config import EvalConfig
from generators.config import GenerateConfig
from kit.core.config import read_preset, resolve
from kit.core.errors import KitError
from kit.sweep.engine import Engine, visible_devices
from kit.sweep.plan import Kind, Node
from kit.train.recipes import TrainConfig, with_defaults

GENERATE = resolve(GenerateConfig, {**read_preset("demo")["generate"], "seed": 0})
TRAIN = resolve(TrainConfig, with_defaults({"recipe": "inject"}))
EVAL = resolve(EvalConfig, {"slices": [{"split": "novel"}]})


def stage(place: Path, name: str, kind: Kind, devices: int = 1, needs: tuple[str, ...] = ()) -> Node:
    configs: dict[str, Any] = {"generate": GENERATE, "train": TRAIN.model_copy(update={"devices": devices}), "eval": EVAL}
    return Node(kind, name, place / name, configs[kind], None, None, needs, f"stage {name}")


def note(node: Node) -> None:
    """A stage that puts down when it ran, and what devices it saw."""
    start = time.monotonic()
    time.sleep(0.1)
    node.directory.mkdir()
    told = {"start": start, "end": time.monotonic(), "devices": os.environ.get("CUDA_VISIBLE_DEVICES")}
    (node.directory / "told.json").write_text(json.dumps(told))


def go_wrong(node: Node) -> None:
    if node.key == "says":
        raise KitError("there is no such thing")
    if node.key == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if node.key == "bug":
        raise ZeroDivisionError
    time.sleep(60)


def told(node: Node) -> dict[str, Any]:
    return json.loads((node.directory / "told.json").read_text())  # type: ignore[no-any-return]


def run(engine: Engine, nodes: list[Node]) -> None:
    with tqdm(disable=True) as bar:
        engine.run(nodes, bar)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "GOMP_SPINCOUNT", "TOKENIZERS_PARALLELISM"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))


def test_no_device_is_lent_twice(tmp_path: Path) -> None:
    nodes = [stage(tmp_path, "world", "generate")]
    nodes += [stage(tmp_path, f"train {i}", "train", devices, ("world",)) for i, devices in enumerate((1, 2, 1, 3, 1, 1, 4, 1))]
    nodes += [stage(tmp_path, f"eval {i}", "eval", needs=(f"train {i}",)) for i in range(8)]
    engine = Engine(4, ["0", "1", "5", "GPU-7f"], note)
    run(engine, nodes)
    assert sorted(engine.devices) == ["0", "1", "5", "GPU-7f"], "all are given back"
    found = {node.key: told(node) for node in nodes}
    assert found["world"]["devices"] == "", "what needs none sees none"
    seen = {name: {d for d in each["devices"].split(",") if d} for name, each in found.items()}
    for node in nodes[1:]:
        assert len(seen[node.key]) == node.devices
    for one, other in combinations(found, 2):
        if seen[one] & seen[other]:
            assert found[one]["end"] <= found[other]["start"] or found[other]["end"] <= found[one]["start"]
    for node in nodes:
        assert all(found[need]["end"] <= found[node.key]["start"] for need in node.needs)
    at_once = max(
        sum(len(seen[name]) for name, each in found.items() if each["start"] <= moment < each["end"])
        for moment in (each["start"] for each in found.values())
    )
    assert at_once == 4, "and none is idle while a stage waits for one"


def test_without_devices_processes_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    nodes = [stage(tmp_path, f"train {i}", "train", devices) for i, devices in enumerate((1, 2, 1, 1))]
    run(Engine(2, (), note), nodes)
    found = [told(node) for node in nodes]
    assert {each["devices"] for each in found} == {None}
    alone = found[1]
    assert all(alone["end"] <= other["start"] or other["end"] <= alone["start"] for i, other in enumerate(found) if i != 1)


@pytest.mark.parametrize(
    ("workers", "devices", "message"),
    [
        (4, ["0", "1"], "stage big asks for 3 devices, and there are 2"),
        (2, [], "stage big asks for 3 processes, more than --workers 2"),
        (2, ["0", "1", "2"], "stage big asks for 3 processes, more than --workers 2"),
    ],
)
def test_what_would_wait_for_ever_is_told_before_anything_runs(
    tmp_path: Path, workers: int, devices: list[str], message: str
) -> None:
    nodes = [stage(tmp_path, "first", "train"), stage(tmp_path, "big", "train", 3, ("first",))]
    with pytest.raises(KitError, match=message):
        run(Engine(workers, devices, note), nodes)
    assert not nodes[0].directory.exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("says", "^stage says: there is no such thing$"),
        ("killed", "^stage killed: its process was ended by SIGKILL: run the same command again, with fewer --workers"),
        ("bug", "^stage bug: its process failed, as is told above"),
    ],
)
def test_the_first_failure_ends_the_others(tmp_path: Path, name: str, message: str) -> None:
    engine = Engine(2, (), go_wrong)
    start = time.monotonic()
    with pytest.raises(KitError, match=message):
        run(engine, [stage(tmp_path, "waits", "train"), stage(tmp_path, name, "train")])
    assert time.monotonic() - start < 30
    assert not engine.running


def test_a_stage_that_nothing_makes(tmp_path: Path) -> None:
    node = dataclasses.replace(stage(tmp_path, "x", "train"), needs=("nothing",))
    with pytest.raises(KitError, match="stage x needs a stage that is not planned"):
        run(Engine(1, (), note), [node])


@pytest.mark.parametrize(("named", "found"), [("", []), ("0,2", ["0", "2"]), (" 1 , GPU-3f ", ["1", "GPU-3f"]), ("-1", [])])
def test_devices_are_those_that_are_visible(monkeypatch: pytest.MonkeyPatch, named: str, found: list[str]) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_devices() == found
