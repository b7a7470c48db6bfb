"""An adapter is trained in fp32 on weights that are held in fewer bits, which stay as they are."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from evals.config import EvalConfig
from evals.run import evaluate, read_records
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.store import intact_manifest
from kit.models.load import Frozen
from kit.train.memory import outlook
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from tests.models.families import FAMILIES, checkpoint_of

SETTINGS: dict[str, Any] = {
    "recipe": "inject",
    "steps": 30,
    "rows": {"novel": 4},
    "learning_rate": 1e-2,
    "schedule": "constant",
    "precision": "bf16",
    "max_length": 400,
}

four_bits = pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed (the extra 4bit)")


def config(**more: Any) -> TrainConfig:
    return resolve(TrainConfig, with_defaults({**SETTINGS, "lora": {"rank": 8, "alpha": 16}, **more}))


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoint_of(FAMILIES["llama-3.2"], tmp_path_factory.mktemp("frozen") / "llama")


def losses(run: Path) -> list[float]:
    return [entry["loss"] for entry in json.loads((run / "history.json").read_text()) if "loss" in entry]


@pytest.mark.parametrize("frozen", ["bf16", pytest.param("nf4", marks=four_bits)])
def test_it_learns_as_on_whole_weights(small_dir: Path, llama: Path, tmp_path: Path, frozen: Frozen) -> None:
    before = {path.name: path.read_bytes() for path in llama.iterdir() if path.is_file()}
    whole = train(config(), str(small_dir), str(llama), tmp_path / "whole")
    run = train(config(base_precision=frozen), str(small_dir), str(llama), tmp_path / "run")
    a, b = losses(whole), losses(run)
    learned = a[0] - a[-1]
    assert learned > 0.2
    assert b[0] - b[-1] == pytest.approx(learned, rel=0.2)
    assert a == pytest.approx(b, rel=0.05)
    assert a != b, "the setting has an effect"
    assert {path.name: path.read_bytes() for path in llama.iterdir() if path.is_file()} == before
    weights = load_file(run / "model" / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert any(not torch.equal(tensor, tensor.to(torch.bfloat16).float()) for tensor in weights.values()), "and is not rounded"
    for name in ("parameters", "trained_parameters"):
        assert intact_manifest(run).results[name] == intact_manifest(whole).results[name]
    asked = resolve(EvalConfig, {"slices": [{"split": "novel", "hops": 1, "limit": 4}]})
    evaluate(asked, str(small_dir), str(run), tmp_path / "asked")
    assert len(read_records(tmp_path / "asked")) == 4
    more = train(config(base_precision=frozen, lora=None, steps=5), str(small_dir), str(run), tmp_path / "more")
    assert losses(more)[-1] < b[0] - 0.5 * learned, "an adapter is gone on with"


def test_what_it_takes_is_less(small_dir: Path, llama: Path) -> None:
    taken = {name: outlook(config(base_precision=name), str(small_dir), str(llama)) for name in ("fp32", "bf16", "nf4")}
    assert taken["fp32"].parameters == taken["bf16"].parameters == taken["nf4"].parameters
    frozen = taken["fp32"].parameters - taken["fp32"].trained
    weights = {name: found.memory.weights for name, found in taken.items()}
    assert weights["fp32"] - weights["bf16"] == 2 * frozen
    assert weights["nf4"] < weights["bf16"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"precision": "fp32"}, "computed with in bf16"),
        ({"lora": None}, "an adapter is trained on"),
        ({"adapter": "merge", "lora": None}, "must be whole"),
        ({"adapter": "new"}, "must be whole"),
        ({"parallel": "fsdp"}, "one type only"),
    ],
)
def test_what_it_does_not_go_with(small_dir: Path, llama: Path, tmp_path: Path, more: dict[str, Any], message: str) -> None:
    with pytest.raises(KitError, match=message):
        train(config(base_precision="bf16", **more), str(small_dir), str(llama), tmp_path / "run")


def test_a_device_that_is_slow_at_it_is_told_of(
    small_dir: Path, llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.models.load.choose_dtype", lambda precision: torch.float32)
    with pytest.raises(KitError, match="say -o precision=bf16 if you mean it"):
        train(config(base_precision="bf16", precision="auto"), str(small_dir), str(llama), tmp_path / "run")


def test_four_bits_need_a_library(small_dir: Path, llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "bitsandbytes", None)
    with pytest.raises(KitError, match=r"pip install 'knowledge-injection-kit\[4bit\]'"):
        train(config(base_precision="nf4"), str(small_dir), str(llama), tmp_path / "run")
