"""Checkpoints kept on the way are what a shorter run would have made, can be asked and trained on, and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import kit.models.load
from evals.config import EvalConfig
from evals.run import evaluate, read_records
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.store import intact_manifest
from kit.models.checkpoint import read
from kit.models.load import load
from kit.sweep.engine import drop_weights
from kit.train.ranks import launch
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from tests.models.families import FAMILIES, checkpoint_of
from tests.train.test_ranks import shard_on_a_cpu

SETTINGS: dict[str, Any] = {
    "recipe": "inject",
    "tiny": {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 64},
    "steps": 40,
    "rows": {"novel": 4},
    "learning_rate": 2e-3,
    "schedule": "constant",
    "warmup": 0.0,
}


def run(data: Path, out: Path, model: str = "tiny", **settings: Any) -> Path:
    return train(resolve(TrainConfig, with_defaults({**SETTINGS, **settings})), str(data), model, out)


def weights(place: Path) -> dict[str, torch.Tensor]:
    (file,) = place.glob("*.safetensors")
    return load_file(file)


def assert_same(one: Path, other: Path) -> None:
    a, b = weights(one), weights(other)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)
    files = sorted(p.name for p in one.iterdir() if not p.name.endswith(".safetensors"))
    assert files == sorted(p.name for p in other.iterdir() if not p.name.endswith(".safetensors"))
    for name in set(files) - {"base.json"}:  # which names an adapter's base by the way to it
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_a_kept_point_is_a_shorter_run(small_dir: Path, tmp_path: Path) -> None:
    kept = run(small_dir, tmp_path / "kept", keep=[10, 25])
    plain = run(small_dir, tmp_path / "plain")
    assert_same(kept / "model", plain / "model")
    for steps in (10, 25):
        short = run(small_dir, tmp_path / str(steps), steps=steps)
        assert_same(kept / "steps" / str(steps), short / "model")
    assert intact_manifest(kept).key != intact_manifest(plain).key
    assert {"steps/10/model.safetensors", "steps/25/config.json"} <= intact_manifest(kept).outputs.keys()


def test_it_is_asked_and_trained_on(small_dir: Path, tmp_path: Path) -> None:
    kept = run(small_dir, tmp_path / "kept", keep=[10])
    config = resolve(EvalConfig, {"slices": [{"split": "novel", "hops": 1, "limit": 4}]})
    evaluate(config, str(small_dir), str(kept / "steps" / "10"), tmp_path / "asked")
    assert len(read_records(tmp_path / "asked")) == 4
    more = run(small_dir, tmp_path / "more", str(kept / "steps" / "10"), tiny={}, steps=2)
    assert intact_manifest(more).results["steps"] == 2
    drop_weights(kept)
    assert not (kept / "model" / "model.safetensors").exists()
    assert (kept / "steps" / "10" / "model.safetensors").exists(), "what was asked for by name stays"


def test_an_adapter_that_is_kept(small_dir: Path, tmp_path: Path) -> None:
    base = run(small_dir, tmp_path / "base", steps=5)
    kept = run(small_dir, tmp_path / "kept", str(base), tiny={}, lora={"rank": 2}, keep=[10])
    short = run(small_dir, tmp_path / "short", str(base), tiny={}, lora={"rank": 2}, steps=10)
    assert_same(kept / "steps" / "10", short / "model")
    assert read(str(kept / "steps" / "10")).whole.source == read(str(base)).source
    assert load(read(str(kept / "steps" / "10")))


def test_experts_stay_balanced(small_dir: Path, tmp_path: Path) -> None:
    """What trainers set in a config is put back for what is saved, and set again for what is trained on."""
    mixtral = checkpoint_of(FAMILIES["mixtral"], tmp_path / "mixtral")
    runs = [
        run(small_dir, tmp_path / str(len(keep)), str(mixtral), tiny={}, steps=6, max_length=400, keep=keep)
        for keep in ((), (2, 4))
    ]
    assert_same(runs[0] / "model", runs[1] / "model")


def test_killed_in_the_middle_of_it_it_is_written_again(small_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calm = run(small_dir, tmp_path / "calm", keep=[10, 25])
    save = kit.models.load.save

    def torn(*args: Any) -> None:
        save(*args)
        if args[3].name == "25":
            (args[3] / "model.safetensors").write_bytes(b"torn")
            raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(kit.models.load, "save", torn)
        with pytest.raises(MemoryError):
            run(small_dir, tmp_path / "out", keep=[10, 25], checkpoint_every=12)
    out = run(small_dir, tmp_path / "out", keep=[10, 25], checkpoint_every=12)
    for place in ("model", "steps/10", "steps/25"):
        assert_same(calm / place, out / place)


@pytest.mark.full
def test_a_shard_is_kept_whole(small_dir: Path, tmp_path: Path) -> None:
    from functools import partial

    settings = {"steps": 20, "keep": (10,), "devices": 2, "parallel": "fsdp"}
    launch(2, partial(shard_on_a_cpu, small_dir, tmp_path / "shards", settings))
    found, whole = weights(tmp_path / "shards" / "steps" / "10"), weights(tmp_path / "shards" / "model")
    assert found.keys() == whole.keys()
    assert {name: t.shape for name, t in found.items()} == {name: t.shape for name, t in whole.items()}


@pytest.mark.parametrize(
    ("keep", "message"),
    [([40], "step 40 is not before the last, 40"), ([3, 3], "names a step twice"), ([0], "greater than or equal to 1")],
)
def test_what_cannot_be_kept(keep: list[int], message: str) -> None:
    with pytest.raises(KitError, match=message):
        resolve(TrainConfig, with_defaults({**SETTINGS, "keep": keep}))
