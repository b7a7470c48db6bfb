"""What is published of a training run and of an evaluation, and what is found where it was changed."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import load_file, save_file

from evals.config import EvalConfig
from evals.run import evaluate
from kit.cli.publish import _remake, _renderers, _summarise
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.store import read_manifest
from kit.publish.check import check_release
from kit.publish.checkpoint import filler
from kit.publish.config import PublishConfig, check_meant, missing
from kit.publish.evaluation import fill as fill_evaluation
from kit.publish.export import ExportConfig, export
from kit.publish.release import derived, make_release, write_sums
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from tests.publish.faulty import data as change
from tests.publish.faulty import write

pytestmark = pytest.mark.slow
WHO: dict[str, Any] = {"authors": ("Ann Lee",), "contact": "ann@example.org", "license": "MIT", "data": "lab/world@v1"}


class Runs(NamedTuple):
    """A base, an adapter on it, what was exported of that, and an evaluation of the latter."""

    base: Path
    adapter: Path
    whole: Path
    answers: Path


@pytest.fixture(scope="module")
def runs(small_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    place = tmp_path_factory.mktemp("runs")
    tiny = {"hidden": 32, "layers": 1, "heads": 2, "intermediate": 64}
    base = resolve(TrainConfig, with_defaults({"recipe": "pretrain", "steps": 2, "tiny": tiny}))
    inject = resolve(TrainConfig, with_defaults({"recipe": "inject", "steps": 2, "lora": {"rank": 2}}))
    asked = resolve(
        EvalConfig, {"slices": [{"split": "novel", "hops": 2, "style": "cot", "limit": 4}], "max_new_tokens": {"cot": 8}}
    )
    made = train(base, str(small_dir), "tiny", place / "base")
    adapter = train(inject, str(small_dir), str(made), place / "adapter")
    whole = export(ExportConfig(), str(adapter), place / "whole")
    return Runs(made, adapter, whole, evaluate(asked, str(small_dir), str(whole), place / "answers"))


def released(directory: Path, out: Path, scores: tuple[Path, ...] = ()) -> Path:
    config = PublishConfig(**WHO, model="lab/base")
    kind = "evaluation" if directory.name == "answers" else "checkpoint"
    fill = fill_evaluation if kind == "evaluation" else filler("lab/base", scores, _summarise)
    made = make_release(directory, "lab/made", config, out, fill, _renderers()[kind])
    assert made.missing == []
    return made.folder


def faults(folder: Path) -> list[str]:
    kind = json.loads((folder / "release.json").read_text("utf-8"))["kind"]
    return check_release(folder, _renderers()[kind], _remake).faults


@pytest.mark.parametrize("name", Runs._fields)
def test_each_is_published_without_a_fault(name: str, runs: Runs, tmp_path: Path) -> None:
    scores = (runs.answers,) if name == "whole" else ()
    folder = released(getattr(runs, name), tmp_path / "release", scores)
    assert faults(folder) == []
    card = (folder / "README.md").read_text("utf-8")
    if name == "whole":
        numbers = sum(tensor.numel() for tensor in load_file(folder / "model.safetensors").values())
        assert f"{numbers:,} parameters in bf16" in card
        assert "trained as an adapter and merged" in card
        assert "| lab/world@v1 | multihop | novel/2-hop/cot/closed/generate | exact_match | as published |" in card
        assert "task_id: multihop_novel" in (folder / ".eval_results" / "kit.yaml").read_text("utf-8")
        assert {t.dtype for t in load_file(folder / "model.safetensors").values()} == {torch.bfloat16}
    if name == "adapter":
        assert json.loads((folder / "adapter_config.json").read_text("utf-8"))["base_model_name_or_path"] == "lab/base"
        assert not (folder / "base.json").exists()


def test_the_exported_model_is_the_merged_one(runs: Runs) -> None:
    from kit.models.checkpoint import read
    from kit.models.load import load

    ids = torch.arange(5)[None]
    with torch.no_grad():
        merged = load(read(str(runs.adapter)), torch.float32)(ids).logits
        whole = load(read(str(runs.whole)), torch.float32)(ids).logits
    assert (merged - whole).abs().max() < 0.05 * merged.abs().max()
    with pytest.raises(KitError, match="was exported already"):
        export(ExportConfig(), str(runs.whole), runs.whole.parent / "twice")


def test_a_score_is_of_the_model_and_of_its_data(runs: Runs, tmp_path: Path) -> None:
    with pytest.raises(KitError, match="evaluates another model"):
        released(runs.base, tmp_path / "base", (runs.answers,))
    folder = released(runs.whole, tmp_path / "whole", (runs.answers,))
    change("training/scores.json", lambda rows: [row.update(data_key="other") for row in rows])(folder)
    told = json.loads((folder / "release.json").read_text("utf-8"))
    made = _renderers()["checkpoint"](folder, told)
    assert ".eval_results/kit.yaml" not in made, "a score on other data is none on the data of training"
    assert "| key other |" in made["README.md"]


def _weights(folder: Path, alter: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    alter(tensors)
    (folder / "model.safetensors").unlink()  # it may be another name of the run's own
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


FAULTS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "weights of nothing": ("whole", lambda f: _weights(f, lambda t: (t.clear(), t.update(nothing=torch.zeros(3)))), "is no weight of its"),
    "a weight that is gone": ("whole", lambda f: _weights(f, lambda t: t.pop("model.norm.weight")), "model.norm.weight is missing"),
    "a weight of another shape": (
        "whole", lambda f: _weights(f, lambda t: t.update({"model.norm.weight": torch.zeros(7)})), "of another shape"),
    "a number that is none": (
        "whole", lambda f: _weights(f, lambda t: t["model.norm.weight"].fill_(float("nan"))), "holds numbers that are none"),
    "a file that is no weights": ("whole", write("more.safetensors", b"0" * 64), "more.safetensors is no readable"),
    "a tokenizer that is none": ("whole", write("tokenizer.json", b"{}"), "it does not load"),
    "a program": ("whole", write("modeling_evil.py", b"print()"), "modeling_evil.py is no part of a published checkpoint"),
    "a better score": ("whole", lambda f: change("training/scores.json", lambda rows: rows[0].update(value=1.0))(f), "README.md does not"),
    "results of another model": (
        "answers", lambda f: change("results.json", lambda d: d["config"].update(model_args="openai/gpt-9"))(f), "results.json does not"),
    "an answer that was right": ("answers", lambda f: (f / "data/answers/test/00000.parquet").write_bytes(b"PAR1"), "00000.parquet"),
}  # fmt: skip
HIDDEN = (
    "weights of nothing",
    "a weight that is gone",
    "a weight of another shape",
    "a number that is none",
    "a tokenizer that is none",
)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str, runs: Runs, tmp_path: Path) -> None:
    of, alter, told = FAULTS[name]
    folder = released(getattr(runs, of), tmp_path / "release", (runs.answers,) if of == "whole" else ())
    kept = {p: p.read_bytes() for p in (getattr(runs, of) / "model").glob("*")} if of == "whole" else {}
    alter(folder)
    if name in HIDDEN:
        release = json.loads((folder / "release.json").read_text("utf-8"))
        with contextlib.suppress(KitError, OSError, ValueError):
            for file, text in derived(folder, release, _renderers()["checkpoint"]).items():
                (folder / file).write_text(text, "utf-8")
    write_sums(folder)
    found = faults(folder)
    assert any(told in line for line in found), found
    assert all(path.read_bytes() == content for path, content in kept.items())


def test_what_a_run_does_not_tell_is_asked_for(runs: Runs, tmp_path: Path) -> None:
    config = read_manifest(runs.whole.parent / "adapter").config
    assert [each.split(":")[0] for each in missing(PublishConfig(), "checkpoint", config)] == [
        "authors", "contact", "license", "model", "data",
    ]  # fmt: skip
    with pytest.raises(KitError, match="model is for evaluations and checkpoints"):
        check_meant(PublishConfig(model="lab/base"), "world")
    with pytest.raises(KitError, match="sources is for worlds"):
        check_meant(PublishConfig(sources="mine"), "evaluation")
    shutil.rmtree(tmp_path)
