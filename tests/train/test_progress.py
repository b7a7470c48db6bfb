"""What a run logs is there while it runs, goes on where the run does, and says what the rows were."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kit.core.config import resolve
from kit.core.devices import DEVICES, device_named, operations
from kit.core.store import PROGRESS, UNFINISHED, read_journal
from kit.train import progress
from kit.train.progress import Progress
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train

TINY = {"hidden": 16, "layers": 1, "heads": 2, "intermediate": 32}


def test_every_entry_tells_the_tokens_until_then_and_their_speed(small_dir: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {"recipe": "inject", "tiny": TINY, "steps": 6, "rows": {"novel": 4}}
    train(resolve(TrainConfig, with_defaults(given)), str(small_dir), "tiny", tmp_path / "run")
    history = [entry for entry in json.loads((tmp_path / "run" / "history.json").read_text()) if "loss" in entry]
    assert [entry["step"] for entry in history] == [1, 2, 3, 4, 5, 6]
    tokens = [entry["tokens"] for entry in history]
    assert tokens == sorted(set(tokens))
    assert tokens[-1] == json.loads((tmp_path / "run" / "manifest.json").read_text())["results"]["tokens"]
    assert all(entry["tokens_per_second"] > 0 for entry in history)


def test_what_lies_behind_the_checkpoint_is_taken_back(tmp_path: Path) -> None:
    class State:
        global_step = 2
        log_history = [{"loss": 1.0, "step": 3}]

    journal = tmp_path / PROGRESS
    journal.write_text("".join(json.dumps({"loss": 9.0, "step": step}) + "\n" for step in (1, 2, 3, 4)) + '{"torn')
    own = Progress(journal, [0, 10, 20, 30, 40])
    state: Any = State()
    own.on_train_begin(None, state, None)  # type: ignore[arg-type]
    assert [entry["step"] for entry in read_journal(journal)] == [1, 2]
    assert own.figures(3)["tokens"] == 30
    own.on_log(None, state, None)  # type: ignore[arg-type]
    assert [entry["loss"] for entry in read_journal(journal)] == [9.0, 9.0, 1.0]


def test_the_share_of_the_devices_is_told_where_they_are_known(
    small_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "time", SimpleNamespace(perf_counter=itertools.count(0.0, 0.5).__next__))
    share = operations(1_000_000_000, 1_000_000_000) / DEVICES["h100"].flops
    told = Progress(tmp_path / PROGRESS, [0, 40_000], share).figures(1)
    assert told == {"tokens": 40_000, "tokens_per_second": 80_000.0, "mfu": round(6e9 * 80_000 / 989e12, 4)}
    assert operations(100, 3) == 400, "of frozen weights nobody asks for gradients"


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA H200", "h200"),
        ("NVIDIA A100-SXM4-80GB", "a100"),
        ("NVIDIA GeForce RTX 4090", "rtx4090"),
        ("NVIDIA L40S", "l40s"),
        ("AMD Instinct MI300X", None),
        ("NVIDIA RTX A1000 Laptop GPU", None),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", None),
        ("NVIDIA H100 PCIe", None),
    ],
)
def test_devices_are_known_by_what_drivers_call_them(told: str, name: str | None) -> None:
    assert device_named(told) is (DEVICES[name] if name else None)


@pytest.mark.full
def test_a_killed_run_has_told_how_far_it_was_and_goes_on(small_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    settings = ["rows.novel=4", "steps=300", "checkpoint_every=20", f"tiny={json.dumps(TINY)}".replace('"', "").replace(":", "=")]
    overrides = [part for each in settings for part in ("-o", each)]
    command = [
        sys.executable,
        "-m",
        "kit",
        "train",
        "--data",
        str(small_dir),
        "--model",
        "tiny",
        "--recipe",
        "inject",
        *overrides,
    ]
    journal = out / UNFINISHED / PROGRESS
    with subprocess.Popen([*command, "--out", str(out)], stderr=subprocess.DEVNULL, start_new_session=True) as running:
        while len(read_journal(journal)) < 10:
            assert running.poll() is None
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGKILL)
    told = read_journal(journal)
    assert [entry["step"] for entry in told] == [6 * (i + 1) for i in range(len(told))]
    subprocess.run([*command, "--out", str(out)], check=True, stderr=subprocess.DEVNULL)
    history = [entry["step"] for entry in json.loads((out / "history.json").read_text()) if "loss" in entry]
    assert history == list(range(6, 301, 6))
    assert not journal.exists()
