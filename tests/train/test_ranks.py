"""Several processes train as one: the same data, exposures, key and, but for rounding, result; and one line where one fails."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.store import PROGRESS, UNFINISHED, intact_manifest, read_journal
from kit.train.dealing import Split
from kit.train.ranks import Ranks, launch
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from kit.train.saving import last_saved

SETTINGS: dict[str, Any] = {
    "recipe": "inject",
    "tiny": {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 64},
    "steps": 100,
    "rows": {"novel": 4, "known": 3},
    "learning_rate": 2e-3,
    "precision": "fp32",
}


def run(data: Path, out: Path, settings: dict[str, Any]) -> None:
    train(resolve(TrainConfig, with_defaults({**SETTINGS, **settings})), str(data), "tiny", out)


def shard_on_a_cpu(data: Path, out: Path, settings: dict[str, Any]) -> None:
    """A rank's run for which accelerate shards, which it does on other devices alone: on a CPU it would go on as DDP."""
    from accelerate import PartialState
    from accelerate.utils import DistributedType

    begin = PartialState.__init__

    def init(self: PartialState, *args: Any, **kwargs: Any) -> None:
        new = not self._shared_state
        begin(self, *args, **kwargs)
        if new:
            self._shared_state["distributed_type"] = DistributedType.MULTI_XPU

    PartialState.__init__ = init  # type: ignore[method-assign]
    run(data, out, settings)


def losses(out: Path) -> list[float]:
    return [entry["loss"] for entry in json.loads((out / "history.json").read_text()) if "loss" in entry]


def assert_equal(one: Path, other: Path, ended: int = 0) -> None:
    """The same run, but for rounding: losses within 1e-6 over the first 50 steps and 1e-4 throughout. ended: how often
    one of them was; the entry of that moment is the mean of what came behind it."""
    a, b = losses(one), losses(other)
    assert len(a) == len(b) > 10
    gaps = [abs(x - y) / x for x, y in zip(a, b, strict=True)]
    assert sum(gap >= 1e-6 for gap in gaps[: len(gaps) // 2]) <= ended
    assert sum(gap >= 1e-4 for gap in gaps) <= ended
    mine, theirs = intact_manifest(one), intact_manifest(other)
    assert mine.key == theirs.key
    assert mine.notes == theirs.notes
    assert {k: v for k, v in mine.results.items() if k != "final_loss"} == {
        k: v for k, v in theirs.results.items() if k != "final_loss"
    }
    rounded = {"history.json", "config.json", *(name for name in mine.outputs if name.endswith(".safetensors"))}
    assert {k: v for k, v in mine.outputs.items() if k not in rounded} == {
        k: v for k, v in theirs.outputs.items() if k not in rounded
    }
    for name in rounded - {"history.json", "config.json"}:
        x, y = load_file(one / name), load_file(other / name)
        assert x.keys() == y.keys()
        for key in x:
            torch.testing.assert_close(x[key], y[key], rtol=0, atol=1e-3)


@given(batch=st.integers(1, 70), devices=st.integers(1, 9), most=st.none() | st.integers(1, 80))
def test_every_row_of_a_step_is_on_one_device(batch: int, devices: int, most: int | None) -> None:
    split = Split.of(batch, devices, most)
    assert split.rows <= (most or batch)
    assert split.devices * split.rows * split.times == batch + split.empty
    assert split.empty < devices * split.times, "no more is filled than evenness asks for"
    filled = split.filled(3 * batch).tolist()
    size = batch + split.empty
    for step in range(3):
        part = filled[step * size : (step + 1) * size]
        assert part[:batch] == list(range(step * batch, (step + 1) * batch))
        assert part[batch:] == [-1] * split.empty
    assert len(filled) == 3 * size


def test_one_process_is_a_run_of_one() -> None:
    ranks = Ranks()
    assert ranks.first
    assert ranks.all("x") == ["x"]
    assert ranks.of_first("x") == "x"
    assert ranks.any(True, False) == (True, False)
    with pytest.raises(KitError, match="no such thing"), ranks.together():
        raise KitError("no such thing")


UNEVEN = [{"devices": 2}, {"devices": 3, "micro_batch": 2}, {"micro_batch": 3}]


@pytest.mark.parametrize("how", [UNEVEN[0], *(pytest.param(how, marks=pytest.mark.full) for how in UNEVEN[1:])], ids=str)
def test_two_train_as_one(small_dir: Path, tmp_path: Path, how: dict[str, Any]) -> None:
    run(small_dir, tmp_path / "one", {})
    run(small_dir, tmp_path / "several", how)
    assert_equal(tmp_path / "one", tmp_path / "several")


@pytest.fixture(scope="module")
def whole(small_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one process."""
    out = tmp_path_factory.mktemp("ranks") / "one"
    run(small_dir, out, {})
    return out


@pytest.mark.full
def test_shards_train_as_one(small_dir: Path, tmp_path: Path, whole: Path) -> None:
    settings = {"devices": 2, "parallel": "fsdp"}
    launch(2, partial(shard_on_a_cpu, small_dir, tmp_path / "shards", settings))
    assert_equal(whole, tmp_path / "shards")


@pytest.mark.full
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_an_adapter_and_what_it_is_on(small_dir: Path, tmp_path: Path, whole: Path, parallel: str) -> None:
    settings = {"lora": {"rank": 4, "alpha": 8}, "tiny": {}}
    for out, how in ((tmp_path / "one", {}), (tmp_path / "several", {"devices": 2, "parallel": parallel})):
        config = resolve(TrainConfig, with_defaults({**SETTINGS, **settings, **how}))
        if how:
            launch(2, partial(adapt, parallel, config, small_dir, whole, out))
        else:
            train(config, str(small_dir), str(whole), out)
    assert_equal(tmp_path / "one", tmp_path / "several")


def adapt(parallel: str, config: TrainConfig, data: Path, model: Path, out: Path) -> None:
    if parallel == "fsdp":
        with pytest.MonkeyPatch.context() as patched:
            patched.setitem(globals(), "run", lambda *_: train(config, str(data), str(model), out))
            shard_on_a_cpu(data, out, {})
    else:
        train(config, str(data), str(model), out)


def noted(folder: Path, then: Callable[[], None]) -> None:
    """A rank's run, its process put down."""
    folder.mkdir(exist_ok=True)
    (folder / os.environ["RANK"]).write_text(str(os.getpid()))
    then()


def begin(data: Path, out: Path, how: dict[str, Any]) -> None:
    """Start ranks that can be found, in a process that says what is wrong."""
    target = shard_on_a_cpu if how.get("parallel") == "fsdp" else run
    try:
        launch(how["devices"], partial(noted, out.with_suffix(".pids"), partial(target, data, out, how)))
    except KitError as error:
        out.with_suffix(".error").write_text(str(error))
        sys.exit(2)


def started(data: Path, out: Path, how: dict[str, Any]) -> Any:
    process = multiprocessing.get_context("forkserver").Process(target=begin, args=(data, out, how))
    process.start()
    return process


def reached(out: Path, step: int, process: Any) -> None:
    """Wait until a run has logged a step, or ended."""
    while process.is_alive() and max((e["step"] for e in read_journal(out / UNFINISHED / PROGRESS)), default=0) < step:
        time.sleep(0.01)


def rank(out: Path, number: int) -> int:
    return int((out.with_suffix(".pids") / str(number)).read_text())


def ended(pid: int) -> bool:
    """Within a while."""
    for _ in range(500):
        try:
            if (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


HOW = {"devices": 2, "checkpoint_every": 10}


@pytest.mark.full
def test_killed_at_ten_moments_it_goes_on(small_dir: Path, tmp_path: Path) -> None:
    run(small_dir, tmp_path / "calm", HOW)
    out = tmp_path / "out"
    for moment in range(1, 11):
        process = started(small_dir, out, HOW)
        reached(out, 8 * moment, process)
        ranks = [rank(out, number) for number in range(2)]
        if moment % 2:
            process.kill()
            process.join()
        else:
            os.kill(ranks[moment // 2 % 2], signal.SIGKILL)
            process.join()
            assert process.exitcode == 2
            told = out.with_suffix(".error").read_text()
            assert told.startswith(f"rank {moment // 2 % 2} was ended by SIGKILL")
        assert all(ended(pid) for pid in ranks), "no rank outlives the others, or the one that started them"
        assert not (out / "manifest.json").exists()
    run(small_dir, out, HOW)
    for name in ("model/model.safetensors", "shown.parquet", "dealt.json"):
        assert intact_manifest(out).outputs[name] == intact_manifest(tmp_path / "calm").outputs[name]


@pytest.mark.full
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_goes_on_on_another_number_of_devices(small_dir: Path, tmp_path: Path, whole: Path, parallel: str) -> None:
    """As the same run, within rounding; where it is sharded, or no longer, anew."""
    out = tmp_path / "out"
    for devices, step in ((2, 20), (3, 50), (2, 80)):
        process = started(small_dir, out, {**HOW, "devices": devices, "parallel": parallel})
        reached(out, step, process)
        process.kill()
        process.join()
        assert all(ended(rank(out, number)) for number in range(devices))
        states = out / UNFINISHED / ("trainer" if parallel == "ddp" else "shards")
        saved = last_saved(states)
        assert saved
        assert int(Path(saved).name.rpartition("-")[2]) >= step - 10
    run(small_dir, out, {"devices": 2})
    assert_equal(whole, out)


def test_terminated_it_is_saved_behind_its_step(small_dir: Path, tmp_path: Path, whole: Path) -> None:
    out = tmp_path / "out"
    process = started(small_dir, out, {"devices": 2})
    reached(out, 30, process)
    process.terminate()
    process.join()
    assert process.exitcode == -signal.SIGTERM
    assert last_saved(out / UNFINISHED / "trainer")
    run(small_dir, out, {})
    assert_equal(whole, out, ended=1)


def differing(data: Path, out: Path, settings: dict[str, list[Any]]) -> None:
    """A rank's run with settings of its own."""
    run(data, out, {name: values[int(os.environ["RANK"])] for name, values in settings.items()})


@pytest.mark.full
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"seed": [0, 1]}, "rank 1 is of another configuration than rank 0"),
        ({"tiny": [SETTINGS["tiny"], {**SETTINGS["tiny"], "hidden": 64}]}, "rank 1 is of another configuration than rank 0"),
        ({"rows": [{"novel": 4}, {"questions": 4}]}, "rank 1 is of another configuration than rank 0"),
        ({"rows": [{"questions": 4}, {"questions": 4}]}, ".*has no novel examples"),
        ({"devices": [3, 3]}, "devices = 3, and 2 processes were started"),
    ],
)
def test_ranks_that_disagree_end_in_a_line(
    small_dir: Path, tmp_path: Path, settings: dict[str, list[Any]], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    with pytest.raises(KitError, match=f"^{told}"):
        launch(2, partial(differing, small_dir, tmp_path / "out", settings))
    assert time.monotonic() - began < 60
    assert "Traceback" not in "".join(capfd.readouterr())
    assert not (tmp_path / "out" / "manifest.json").exists()


def dealt_otherwise(data: Path, out: Path) -> None:
    """A rank's run; the second's rows are not the first's."""
    from kit.train import run as module

    def deal(*args: Any) -> Any:
        schedule = dealing(*args)
        return dataclasses.replace(schedule, places=schedule.places[::-1].copy())

    dealing = module.schedule_of
    with pytest.MonkeyPatch.context() as patched:
        if os.environ["RANK"] == "1":
            patched.setattr(module, "schedule_of", deal)
        run(data, out, {})


def test_other_data_in_one_of_the_ranks(small_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(KitError, match=r"^rank 1 is of another data than rank 0"):
        launch(2, partial(dealt_otherwise, small_dir, tmp_path / "out"))


def test_a_port_in_use(small_dir: Path, tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        environment = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
        command = [sys.executable, "-m", "kit", "train", "--data", str(small_dir), "--model", "tiny", "--recipe", "inject"]
        found = subprocess.run(
            [*command, "--out", str(tmp_path / "out")],
            env={**os.environ, **environment, "MASTER_PORT": str(held.getsockname()[1])},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1, found.stderr
    assert "kit: the ranks cannot reach one another: " in found.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.full
def test_torchrun_starts_them_too(small_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "kit"),
        *("train", "--data", str(small_dir), "--model", "tiny", "--recipe", "inject", "--out", str(out)),
        *("-o", "steps=20", "-o", "tiny={hidden=32,layers=2,heads=2,intermediate=64}", "-o", "precision=fp32"),
    ]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stdout.count(f"written to {out}") == 1
    again = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 0
    assert again.stdout == found.stdout, "what is finished is not run again"


def test_one_process_does_not_shard(small_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(KitError, match=r"fsdp.* set -o devices=N"):
        run(small_dir, tmp_path / "out", {"parallel": "fsdp"})
    assert not (tmp_path / "out").exists()


def test_ranks_are_given_what_was_asked_for(small_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A published world by its name, not by where it lies here: the key is made of it."""
    from kit.train import run as module

    name, given = "ada/world@v1", []
    monkeypatch.setattr(module, "as_named", lambda data: {"data": data})
    monkeypatch.setattr(module, "source_keys", lambda sources: {"data": "x"})
    monkeypatch.setattr(module, "local", lambda data: str(small_dir))
    monkeypatch.setattr(module, "launch", lambda devices, start: given.append(start.args))
    config = resolve(TrainConfig, with_defaults({**SETTINGS, "devices": 2}))
    train(config, name, "tiny", tmp_path / "out")
    assert given == [(config, name, "tiny", tmp_path / "out")]
