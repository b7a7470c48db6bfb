"""Checkpoints that come with code of their own: refused until that is allowed, and then trained, asked, exported like others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from evals.config import EvalConfig
from evals.run import evaluate, read_records
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.store import intact_manifest
from kit.models.checkpoint import read
from kit.models.load import load, load_tokenizer
from kit.publish.export import ExportConfig, export
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from tests.models.families import FAMILIES, checkpoint_of

CODE = """
from transformers import LlamaConfig, LlamaForCausalLM


class OwnConfig(LlamaConfig):
    model_type = "own"


class OwnModel(LlamaForCausalLM):
    config_class = OwnConfig
    said = []

    def forward(self, *args, **kwargs):
        OwnModel.said.append(1)
        return super().forward(*args, **kwargs)
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama by another name, whose code lies beside its weights."""
    place = checkpoint_of(FAMILIES["llama-3"], tmp_path_factory.mktemp("own") / "model")
    (place / "modeling_own.py").write_text(CODE)
    config = json.loads((place / "config.json").read_text())
    config |= {"model_type": "own", "architectures": ["OwnModel"]}
    names = {"AutoConfig": "modeling_own.OwnConfig", "AutoModelForCausalLM": "modeling_own.OwnModel"}
    (place / "config.json").write_text(json.dumps({**config, "auto_map": names}))
    return place


def settings(**more: object) -> TrainConfig:
    given = {"recipe": "inject", "steps": 2, "rows": {"novel": 2}, "learning_rate": 1e-3, **more}
    return resolve(TrainConfig, with_defaults(given))


def asked(**more: object) -> EvalConfig:
    return resolve(EvalConfig, {"slices": [{"split": "novel", "hops": 1, "limit": 4}], "max_new_tokens": {"cot": 4}, **more})


def test_code_is_not_run_unasked(own: Path, small_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(KitError, match="comes with code of its own: read that, and set -o trust_remote_code=true"):
        train(settings(), str(small_dir), str(own), tmp_path / "run")
    with pytest.raises(KitError, match="comes with code of its own: read that, and set -o trust_remote_code=true"):
        evaluate(asked(), str(small_dir), str(own), tmp_path / "asked")
    assert not (tmp_path / "run" / "manifest.json").exists()


def test_it_is_trained_asked_and_exported(own: Path, small_dir: Path, tmp_path: Path) -> None:
    run = train(settings(trust_remote_code=True), str(small_dir), str(own), tmp_path / "run")
    assert intact_manifest(run).results["steps"] == 2
    evaluate(asked(trust_remote_code=True), str(small_dir), str(run), tmp_path / "asked")
    assert len(read_records(tmp_path / "asked")) == 4
    with pytest.raises(KitError, match="comes with code of its own"):
        evaluate(asked(), str(small_dir), str(run), tmp_path / "again")
    made = export(ExportConfig(precision="fp32"), str(run), tmp_path / "exported")
    trained, exported = (load(read(str(place)), torch.float32, trusted=True) for place in (run, made))
    assert type(exported).__name__ == "OwnModel"
    for one, other in zip(trained.parameters(), exported.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert load_tokenizer(read(str(made)), trusted=True)


def test_an_adapter_on_it(own: Path, small_dir: Path, tmp_path: Path) -> None:
    run = train(settings(trust_remote_code=True, lora={"rank": 2}), str(small_dir), str(own), tmp_path / "run")
    evaluate(asked(trust_remote_code=True), str(small_dir), str(run), tmp_path / "asked")
    assert len(read_records(tmp_path / "asked")) == 4


def test_what_has_no_code_of_its_own(small_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(KitError, match="the tiny model has no code of its own"):
        train(settings(trust_remote_code=True), str(small_dir), "tiny", tmp_path / "run")
    with pytest.raises(KitError, match="trust_remote_code is of models that run here: the backend server runs none"):
        asked(trust_remote_code=True, backend="server", server={"url": "http://127.0.0.1:1/v1"})
    with pytest.raises(KitError, match="memory_share is a setting of the backend vllm"):
        asked(memory_share=0.5)
