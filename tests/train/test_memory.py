"""What a run will take of memory is told before it is loaded, and is what it then takes."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.processes import Child, ended, preload
from kit.train import memory, run
from kit.train.memory import outlook
from kit.train.ranks import PRELOADED
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train

TINY = {"hidden": 256, "layers": 4, "heads": 4, "intermediate": 1024}
SETTINGS: dict[str, Any] = {"recipe": "inject", "steps": 3, "rows": {"novel": 8}, "tiny": TINY, "precision": "fp32"}


def config(**more: Any) -> TrainConfig:
    return resolve(TrainConfig, with_defaults({**SETTINGS, **more}))


def status(name: str) -> int:
    return int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024  # type: ignore[index]


def measured(settings: TrainConfig, data: Path, model: str, out: Path) -> None:
    """A run, and the most that it took beyond what the libraries had."""
    before = status("VmRSS")
    train(settings, str(data), model, out)
    out.with_suffix(".json").write_text(json.dumps(status("VmHWM") - before))


def told(data: Path, model: str = "tiny", **more: Any) -> memory.Outlook:
    return outlook(config(**more), str(data), model)


@pytest.fixture(scope="module")
def base(small_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(config(steps=1), str(small_dir), "tiny", tmp_path_factory.mktemp("memory") / "base")


@pytest.mark.parametrize(
    "more",
    [
        {},
        *(
            pytest.param(m, marks=pytest.mark.full)
            for m in ({"micro_batch": 2}, {"lora": {"rank": 8}}, {"gradient_checkpointing": True})
        ),
    ],
    ids=str,
)
def test_what_is_told_is_what_is_taken(small_dir: Path, base: Path, tmp_path: Path, more: dict[str, Any]) -> None:
    """Within 150 MB, of some hundreds, on a model of millions of parameters."""
    settings = config(**more, tiny={})
    found = outlook(settings, str(small_dir), str(base))
    preload(PRELOADED)
    out = tmp_path / "out"
    child = Child(partial(measured, settings, small_dir, str(base), out), "run")
    ended([child])
    assert not child.failed
    assert abs(found.memory.total - json.loads(out.with_suffix(".json").read_text())) < 150e6


def test_parts_are_counted(small_dir: Path, base: Path) -> None:
    plain = told(small_dir)
    assert plain.trained == plain.parameters
    assert plain.memory.weights == 4 * plain.parameters
    assert plain.memory.optimizer == 8 * plain.parameters
    assert plain.memory.total == sum(getattr(plain.memory, name) for name in plain.memory.__slots__)
    half = told(small_dir, micro_batch=4)
    assert (half.rows, plain.rows) == (4, 8)
    assert half.memory.activations < 0.7 * plain.memory.activations
    assert told(small_dir, gradient_checkpointing=True).memory.activations < 0.6 * plain.memory.activations
    assert told(small_dir, optimizer="muon").memory.optimizer < plain.memory.optimizer
    adapter = told(small_dir, str(base), tiny={}, lora={"rank": 4})
    assert adapter.trained < 0.05 * adapter.parameters
    assert adapter.memory.optimizer == 8 * adapter.trained


def test_devices_share(small_dir: Path) -> None:
    one, ddp, fsdp = told(small_dir), told(small_dir, devices=2), told(small_dir, devices=4, parallel="fsdp")
    assert (one.rows, ddp.rows, fsdp.rows) == (8, 4, 2)
    assert ddp.memory.weights == one.memory.weights
    assert ddp.memory.other == one.memory.other + 4 * one.trained
    assert fsdp.memory.weights * 4 == pytest.approx(one.memory.weights, rel=0.01)
    assert fsdp.memory.optimizer * 4 == pytest.approx(one.memory.optimizer, rel=0.01)


def test_what_fits_is_the_most_that_fits(small_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {rows: told(small_dir, micro_batch=rows).memory.total for rows in (1, 2, 4, 8)}
    assert list(sizes.values()) == sorted(sizes.values())
    for rows, size in sizes.items():
        monkeypatch.setattr(memory, "_available", lambda torch, size=size: size)
        assert told(small_dir).fits == rows
    monkeypatch.setattr(memory, "_available", lambda torch: sizes[1] - 1)
    assert told(small_dir).fits == 0


@pytest.mark.parametrize(
    ("rows", "advice"), [(4, "set -o micro_batch=4, or see kit train --plan"), (0, "a single row is too much")]
)
def test_a_run_without_memory_says_what_would_do(
    small_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, advice: str
) -> None:
    def fit(*_: Any) -> None:
        raise torch.OutOfMemoryError

    available = told(small_dir, micro_batch=rows).memory.total if rows else 1
    monkeypatch.setattr(memory, "_available", lambda torch: available)
    monkeypatch.setattr(run, "fit", fit)
    with pytest.raises(KitError, match=f"^the device ran out of memory with 8 rows at once: {advice}"):
        train(config(), str(small_dir), "tiny", tmp_path / "out")
