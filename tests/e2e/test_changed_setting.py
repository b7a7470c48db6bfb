"""A run that was interrupted and is repeated with one setting changed: for every setting in its key it begins anew, or is
refused; for those that only say how, it goes on, to the same result. Nothing is mixed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback
from trl import SFTTrainer

import evals.run
from evals.config import EvalConfig
from evals.run import evaluate, read_records
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.store import EXECUTION, UNFINISHED, intact_manifest
from kit.infer.backend import Decoding, Output, Prompt
from kit.models.checkpoint import read
from kit.models.load import load
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from tests.models.families import CHATML, IM, Family, checkpoint_of, questions

pytestmark = pytest.mark.slow

FAMILY = Family("{{ strftime_now('%Y-%m-%d') }}{% if loud is defined %} !{% endif %}\n" + CHATML, special=IM)
SETTINGS: dict[str, Any] = {
    "recipe": "posttrain", "task": "multihop", "rows": {"examples": 4, "known": 2}, "examples": 6, "steps": 6,
    "checkpoint_every": 2,
    "learning_rate": 1e-3, "precision": "fp32", "examples_from": "{rows}",
}  # fmt: skip

CHANGED: dict[str, dict[str, Any]] = {
    "system": {"system": "Be brief."},
    "template": {"template": {"loud": True}},
    "date": {"date": "2025-01-31"},
    "recipe": {"recipe": "inject"},
    "task": {"task": "code"},
    "rows": {"rows": {"examples": 3, "known": 3}},
    "examples": {"examples": 5},
    "examples_from": {"examples_from": "{others}"},
    "content": {"content": "format"},
    "unknown_share": {"unknown_share": 0.5},
    "draw": {"draw": 1},
    "ask": {"ask": "cue"},
    "skip_bad_rows": {"skip_bad_rows": True},
    "steps": {"steps": 5},
    "epochs": {"steps": None, "epochs": 4.0},
    "learning_rate": {"learning_rate": 2e-3},
    "schedule": {"schedule": "constant"},
    "warmup": {"warmup": 0.5},
    "optimizer": {"optimizer": "muon"},
    "weight_decay": {"weight_decay": 0.1},
    "max_gradient_norm": {"max_gradient_norm": 0.1},
    "precision": {"precision": "bf16"},
    "save_precision": {"save_precision": "bf16"},
    "base_precision": {"base_precision": "bf16", "precision": "bf16", "lora": {"rank": 4}},
    "order": {"order": "drawn"},
    "trust_remote_code": {"trust_remote_code": True},
    "lora": {"lora": {"rank": 4}},
    "adapter": {"adapter": "merge"},
    "tiny": {"tiny": {"hidden": 64}},
    "max_length": {"max_length": 500},
    "micro_batch": {"micro_batch": 2},
    "probes": {"probes": 4},
    "probe_every": {"probe_every": 3, "probes": 4},
    "packing": {"packing": True},
    "keep": {"keep": [3]},
    "parallel": {"parallel": "fsdp"},
    "checkpoint_every": {"checkpoint_every": 1},
    "gradient_checkpointing": {"gradient_checkpointing": True},
    "threads": {"threads": 2},
    "seed": {"seed": 1},
    "the data": {"data": "{data}"},
    "the model": {"model": "{other}"},
}
IN_SHORT = {"recipe", "rows", "template", "lora", "tiny", "micro_batch", "checkpoint_every", "seed", "the data", "the model"}
REFUSED = {
    "parallel": "set -o devices=N",
    "adapter": "has none",
    "content": "is no directory",
    "unknown_share": "is no directory",
    "tiny": "sizes of a new model",
}


def test_every_setting_is_tried() -> None:
    """But `devices`, whose processes are cut off in tests/train/test_ranks.py."""
    assert {*CHANGED, "devices"} == {*TrainConfig.model_fields, "the data", "the model"}


class PowerCutError(Exception):
    """In the middle of a run."""


@contextmanager
def power_cut(step: int) -> Iterator[None]:
    class Cut(TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == step:
                raise PowerCutError

    original = SFTTrainer.train

    def cut(self: SFTTrainer, *args: Any, **kwargs: Any) -> Any:
        self.add_callback(Cut)
        return original(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SFTTrainer, "train", cut)
        with pytest.raises(PowerCutError):
            yield


@pytest.fixture(scope="module")
def places(small_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    from generators.config import GenerateConfig
    from generators.generate import generate_stage

    root = tmp_path_factory.mktemp("changed")
    settings = json.loads((small_dir / "config.json").read_text())
    data = generate_stage(resolve(GenerateConfig, {**settings, "seed": 11}), root / "data")
    return {
        "rows": str(_lines(root / "rows.jsonl", 0)),
        "others": str(_lines(root / "others.jsonl", 3)),
        "model": str(checkpoint_of(FAMILY, root / "model")),
        "other": str(checkpoint_of(FAMILY, root / "other", intermediate_size=96)),
        "data": str(data),
    }


def _lines(path: Path, turned: int) -> Path:
    rows = [json.loads(line) for line in questions(path, turned).read_text("utf-8").splitlines()]
    path.write_text(
        "".join(json.dumps({"prompt": f"{r['question']} Answer directly.", "completion": r["answer"]}) + "\n" for r in rows),
        "utf-8",
    )
    return path


def run(places: dict[str, str], world: Path, out: Path, **changes: Any) -> Path:
    given = {**SETTINGS, "data": str(world), "model": "{model}", **changes}
    filled = {k: v.format_map(places) if isinstance(v, str) and v.startswith("{") else v for k, v in given.items()}
    data, model = filled.pop("data"), filled.pop("model")
    return train(resolve(TrainConfig, with_defaults(filled)), data, model, out)


def weights(directory: Path) -> dict[str, torch.Tensor]:
    return dict(load(read(str(directory))).state_dict())


@pytest.fixture(scope="module")
def calm(places: dict[str, str], small_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nobody disturbed or changed."""
    return run(places, small_dir, tmp_path_factory.mktemp("calm") / "run")


@pytest.mark.parametrize("name", [n if n in IN_SHORT else pytest.param(n, marks=pytest.mark.full) for n in CHANGED])
def test_nothing_is_mixed(name: str, places: dict[str, str], calm: Path, small_dir: Path, tmp_path: Path) -> None:
    with power_cut(4):
        run(places, small_dir, tmp_path / "cut")
    (kept,) = (tmp_path / "cut" / UNFINISHED / "trainer").glob("checkpoint-*")
    if name in REFUSED:
        with pytest.raises(KitError, match=REFUSED[name]):
            run(places, small_dir, tmp_path / "cut", **CHANGED[name])
        return
    if name in EXECUTION:
        # It goes on: what would train the steps before the cut is cut off again.
        with power_cut(4):
            run(places, small_dir, tmp_path / "cut", **CHANGED[name])
        assert kept.exists()
        again = run(places, small_dir, tmp_path / "cut", **CHANGED[name])
        assert intact_manifest(again).key == intact_manifest(calm).key
        one, two = weights(again), weights(calm)
        tolerance = 0.0 if name == "checkpoint_every" else 1e-3
        assert all(torch.allclose(one[k], two[k], atol=tolerance, rtol=0) for k in one)
        return
    changed = run(places, small_dir, tmp_path / "cut", **CHANGED[name])
    fresh = run(places, small_dir, tmp_path / "fresh", **CHANGED[name])
    assert intact_manifest(changed).key == intact_manifest(fresh).key != intact_manifest(calm).key
    one, two = weights(changed), weights(fresh)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert sorted(p.name for p in changed.iterdir() if p.name != ".lock") == sorted(
        p.name for p in fresh.iterdir() if p.name != ".lock"
    )


def test_an_adapter_that_is_merged_is_not_gone_on_with(places: dict[str, str], small_dir: Path, tmp_path: Path) -> None:
    first = run(places, small_dir, tmp_path / "first", lora={"rank": 4}, steps=2)
    with power_cut(4):
        run(places, small_dir, tmp_path / "cut", model=str(first))
    for adapter, lora in (("new", {"rank": 2}), ("merge", None)):
        out = tmp_path / f"{adapter} fresh"
        changes: dict[str, Any] = {"model": str(first), "adapter": adapter, "lora": lora}
        fresh = weights(run(places, small_dir, out, **changes))
        if adapter == "new":
            with power_cut(4):
                run(places, small_dir, tmp_path / "cut", **changes)
            assert (tmp_path / "cut" / "base").is_dir()
            continue
        changed = run(places, small_dir, tmp_path / "cut", **changes)
        assert not (tmp_path / "cut" / "base").exists(), "what a run of other settings made is gone"
        assert all(torch.equal(fresh[k], v) for k, v in weights(changed).items())


ASKED: dict[str, Any] = {
    "slices": [{"split": "external", "style": "direct"}], "max_new_tokens": {"direct": 8}, "temperature": 1.0, "max_batch": 3,
    "precision": "fp32",
}  # fmt: skip
ASKED_OTHERWISE: dict[str, dict[str, Any]] = {
    "ask": {"ask": "cue"},
    "system": {"system": "Be brief."},
    "template": {"template": {"loud": True}},
    "date": {"date": "2025-01-31"},
    "precision": {"precision": "bf16"},
    "slices": {"slices": [{"split": "external", "style": "direct", "samples": 2}]},
    "max_new_tokens": {"max_new_tokens": {"direct": 9}},
    "temperature": {"temperature": 2.0},
    "seed": {"seed": 1},
    "candidates": {"candidates": 3},
    "program_seconds": {"program_seconds": 9.0},
    "batch_tokens": {"batch_tokens": 900},
    "max_batch": {"max_batch": 2},
    "threads": {"threads": 2},
}


class Counted:
    """A backend that counts what it is asked, and fails after so many batches."""

    def __init__(self, inner: Any, batches: int) -> None:
        self.inner, self.left, self.asked = inner, batches, 0
        self.notes: list[str] = []

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding, sink: Any) -> None:
        self.asked += len(prompts)

        def counted(indices: Sequence[int], results: Sequence[Output]) -> None:
            sink(indices, results)
            self.left -= 1
            if not self.left:
                raise PowerCutError

        self.inner.generate(prompts, decoding, counted)


@pytest.mark.parametrize("name", ASKED_OTHERWISE)
def test_no_answer_of_other_settings_is_kept(
    name: str, places: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, opened = questions(tmp_path / "rows.jsonl"), []
    real = evals.run.open_backend

    def counting(config: Any, model: str) -> Counted:
        opened.append(Counted(real(config, model), 1 if not opened else 99))
        return opened[-1]

    monkeypatch.setattr(evals.run, "open_backend", counting)

    def asked(out: str, **changes: Any) -> list[str]:
        config = resolve(EvalConfig, {**ASKED, **changes})
        return [r.output for r in read_records(evaluate(config, str(rows), places["model"], tmp_path / out))]

    with pytest.raises(PowerCutError):
        asked("out")
    changed = asked("out", **ASKED_OTHERWISE[name])
    repeated = opened[-1].asked
    fresh = asked("fresh", **ASKED_OTHERWISE[name])
    assert changed == fresh
    assert repeated == (opened[-1].asked if name not in EXECUTION else opened[-1].asked - 3)
