"""Runs are saved by steps, by time, and when they are terminated, and go on from there to the result of the undisturbed run."""

from __future__ import annotations

import json
import multiprocessing
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.store import PROGRESS, UNFINISHED, intact_manifest, read_journal
from kit.models.checkpoint import read
from kit.models.load import load
from kit.train import saving
from kit.train.ranks import Ranks
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from kit.train.saving import Saving, last_saved

SETTINGS: dict[str, Any] = {
    "recipe": "inject",
    "tiny": {"hidden": 16, "layers": 1, "heads": 2, "intermediate": 32},
    "steps": 400,
    "rows": {"novel": 4},
}


class State:
    max_steps = 10

    def __init__(self, step: int) -> None:
        self.global_step = step


class Control:
    should_save = should_training_stop = False


def asked(saves: Saving, step: int) -> bool:
    """Whether it is saved behind a step."""
    state: Any = State(step)
    control: Any = Control()
    saves.on_step_end(None, state, control)  # type: ignore[arg-type]
    if control.should_save:
        saves.on_save(None, state, control)  # type: ignore[arg-type]
    assert not control.should_training_stop
    return bool(control.should_save)


def test_by_steps() -> None:
    saves = Saving(4, Ranks())
    assert [step for step in range(1, 11) if asked(saves, step)] == [4, 8]
    assert not asked(Saving(5, Ranks()), 10), "behind the last step there is nothing to go on to"


def test_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 100))
    now = [0.0]
    monkeypatch.setattr(saving.time, "monotonic", lambda: now[0])
    saves = Saving(None, Ranks())
    found = []
    for step in range(1, 20):
        now[0] = float(next(clock))
        if asked(saves, step):
            found.append(step)
    assert found == [7], "the tenth step, the last, is asked for nothing"
    assert saves.saved == 600.0


def test_signals_are_caught_within_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    caught: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: caught.append(number))
    try:
        with Saving(None, Ranks()) as saves:
            signal.raise_signal(signal.SIGTERM)
            assert saves.terminated
            assert not caught, "not before the step is done"
            signal.raise_signal(signal.SIGTERM)
            assert len(caught) == 1, "a second one is not waited for"
        assert len(caught) == 2
        with Saving(None, Ranks()):
            pass
        assert len(caught) == 2
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_torn_state_is_dropped(tmp_path: Path) -> None:
    for step, state in ((20, '{"global_step": 20}'), (40, '{"global_st')):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    assert last_saved(tmp_path) == str(tmp_path / "checkpoint-20")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-20"]
    assert last_saved(tmp_path / "nowhere") is None


def run(data: Path, out: Path) -> None:
    train(resolve(TrainConfig, with_defaults(SETTINGS)), str(data), "tiny", out)


@pytest.mark.parametrize("times", [1, pytest.param(4, marks=pytest.mark.full)])
def test_a_terminated_run_goes_on_behind_its_step(small_dir: Path, tmp_path: Path, times: int) -> None:
    calm, out = tmp_path / "calm", tmp_path / "out"
    run(small_dir, calm)
    context = multiprocessing.get_context("forkserver")
    journal = out / UNFINISHED / PROGRESS
    reached = 0
    for _ in range(times):
        process = context.Process(target=run, args=(small_dir, out))
        process.start()
        while process.is_alive() and max((e["step"] for e in read_journal(journal)), default=0) < reached + 30:
            time.sleep(0.01)
        process.terminate()
        process.join()
        assert process.exitcode == -signal.SIGTERM
        state = last_saved(out / UNFINISHED / "trainer")
        assert state
        step = json.loads((Path(state) / "trainer_state.json").read_text())["global_step"]
        assert step > reached
        reached = step
    run(small_dir, out)
    assert intact_manifest(out).outputs["model/model.safetensors"] == intact_manifest(calm).outputs["model/model.safetensors"]
    told = [[e["loss"] for e in json.loads((each / "history.json").read_text()) if "loss" in e] for each in (calm, out)]
    # The entry that the run was ended in is the mean of what came behind that.
    assert len(told[0]) == len(told[1])
    assert sum(a != b for a, b in zip(*told, strict=True)) <= times


def test_one_terminated_behind_its_last_step_is_saved_whole(
    small_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was trained is not trained again."""
    ends = []

    class Late(Saving):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            ends.append(state.global_step)
            if state.global_step == 400:
                signal.raise_signal(signal.SIGTERM)
            super().on_step_end(args, state, control, **kwargs)

    class EndedError(Exception):
        """As the command's own exception on SIGTERM."""

    def end(*_: object) -> None:
        raise EndedError

    before = signal.signal(signal.SIGTERM, end)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(saving, "Saving", Late)
            with pytest.raises(EndedError):
                run(small_dir, tmp_path / "run")
            run(small_dir, tmp_path / "run")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ends == list(range(1, 401))
    run(small_dir, tmp_path / "calm")
    outputs = [intact_manifest(tmp_path / name).outputs["model/model.safetensors"] for name in ("run", "calm")]
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("keep", [(), (2,)])
def test_weights_leave_in_the_precision_that_is_asked_for(small_dir: Path, tmp_path: Path, keep: tuple[int, ...]) -> None:
    """Rounded where they leave and nowhere before: what is kept on the way, and what is tied, too."""
    given = {**SETTINGS, "steps": 4, "precision": "fp32", "keep": keep}
    whole, half = (
        train(resolve(TrainConfig, with_defaults({**given, "save_precision": how})), str(small_dir), "tiny", tmp_path / how)
        for how in ("fp32", "bf16")
    )
    assert (whole / "history.json").read_text().count("loss") == (half / "history.json").read_text().count("loss")
    for place in ("model", *(f"steps/{step}" for step in keep)):
        one, other = (load_file(run / place / "model.safetensors") for run in (whole, half))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name].to(torch.bfloat16), other[name]) for name in one)
        assert json.loads((half / place / "config.json").read_text())["dtype"] == "bfloat16"
    again = load(read(str(half)))
    assert next(again.parameters()).dtype == torch.float32, "training goes on in fp32"
    with pytest.raises(KitError, match="save_precision is of whole models"):
        resolve(TrainConfig, with_defaults({**given, "save_precision": "bf16", "lora": {"rank": 2}, "tiny": {}}))
    adapter = train(
        resolve(TrainConfig, with_defaults({**given, "lora": {"rank": 2}, "tiny": {}, "keep": ()})),
        *(str(small_dir), str(half), tmp_path / "adapter"),
    )
    more = resolve(TrainConfig, with_defaults({**given, "save_precision": "bf16", "tiny": {}, "keep": ()}))
    with pytest.raises(KitError, match="save_precision is of whole models"):
        train(more, str(small_dir), str(adapter), tmp_path / "more")
