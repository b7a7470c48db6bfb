"""Adapters of one base are requests to one engine of vLLM, told what was set; a sweep asks them in one process."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tqdm import tqdm

import kit.infer.vllm
from evals.config import EvalConfig
from evals.run import open_backend
from kit.core.config import resolve
from kit.infer.backend import Decoding, Output, Prompt
from kit.infer.vllm import VllmBackend
from kit.sweep.engine import Engine as Sweeping
from kit.sweep.experiment import ExperimentConfig
from kit.sweep.plan import Node, Plan
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from tests.models.families import FAMILIES, checkpoint_of, questions


class Engine:
    """In the place of vLLM's: writes down how it was made and what it was asked."""

    made: list[Engine] = []  # of the class

    def __init__(self, **settings: Any) -> None:
        Engine.made.append(self)
        self.settings, self.asked = settings, list[Any]()
        self.llm_engine = SimpleNamespace(model_config=SimpleNamespace(max_model_len=settings.get("max_model_len") or 512))

    def generate(self, prompts: Any, settings: Any, lora_request: Any, use_tqdm: bool) -> list[Any]:
        self.asked.append(lora_request)
        end = SimpleNamespace(token_ids=[5, 6], finish_reason="length")
        return [SimpleNamespace(outputs=[end]) for _ in prompts]


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[Engine]:
    vllm, lora, request = ModuleType("vllm"), ModuleType("vllm.lora"), ModuleType("vllm.lora.request")
    vllm.LLM, vllm.SamplingParams = Engine, SimpleNamespace  # type: ignore[attr-defined]
    request.LoRARequest = lambda name, number, place: (number, place)  # type: ignore[attr-defined]
    for module in (vllm, lora, request):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(kit.infer.vllm, "_started", [])
    monkeypatch.setattr(Engine, "made", [])
    return Engine.made


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A base with two adapters of rank 4 and one of rank 16, and another base."""
    root = tmp_path_factory.mktemp("vllm")
    rows = questions(root / "rows.jsonl")
    found = {
        "base": checkpoint_of(FAMILIES["llama-3.2"], root / "base"),
        "other": checkpoint_of(FAMILIES["qwen2.5"], root / "other"),
    }
    for seed, (name, rank) in enumerate({"one": 4, "two": 4, "larger": 16}.items()):
        settings = {
            "recipe": "posttrain",
            "examples": 2,
            "rows": {"examples": 2},
            "steps": 1,
            "lora": {"rank": rank},
            "seed": seed,
        }
        config = resolve(TrainConfig, with_defaults(settings))
        found[name] = train(config, str(rows), str(found["base"]), root / name)
    return found


def backend(model: Path, **settings: Any) -> VllmBackend:
    given = {"slices": [{"split": "external", "style": "direct"}], "backend": "vllm", "precision": "fp32", **settings}
    found = open_backend(resolve(EvalConfig, given), str(model))
    assert isinstance(found, VllmBackend)
    return found


def ask(asked: VllmBackend) -> None:
    told: list[Output] = []
    asked.generate([Prompt("Who?")], Decoding(2), lambda rows, outputs: told.extend(outputs))
    assert len(told) == 1


def test_one_engine_for_adapters_of_one_base(engines: list[Engine], models: dict[str, Path]) -> None:
    for name in ("one", "two", "base", "one"):
        ask(backend(models[name]))
    (engine,) = engines
    assert engine.asked == [
        (1, str(models["one"] / "model")), (2, str(models["two"] / "model")), None, (1, str(models["one"] / "model")),
    ]  # fmt: skip
    assert (engine.settings["model"], engine.settings["max_lora_rank"]) == (str(models["base"]), 8)
    ask(backend(models["larger"]))
    assert [e.settings["max_lora_rank"] for e in engines] == [8, 16], "one without room for it makes way"
    ask(backend(models["one"]))
    assert len(engines) == 2
    ask(backend(models["other"]))
    assert len(engines) == 3
    assert "enable_lora" not in engines[2].settings


def test_what_is_set_reaches_it(engines: list[Engine], models: dict[str, Path]) -> None:
    ask(backend(models["one"], devices=2, max_model_len=300, memory_share=0.4))
    told = engines[0].settings
    assert (told["tensor_parallel_size"], told["max_model_len"], told["gpu_memory_utilization"]) == (2, 300, 0.4)
    assert told["dtype"] == "float32"
    ask(backend(models["one"], devices=2, max_model_len=301, memory_share=0.4))
    assert len(engines) == 2, "another setting is another engine"


def noted(node: Node) -> None:
    """A stage that puts down which process ran it."""
    if (node.directory / "manifest.json").exists():
        return
    time.sleep(0.05)
    node.directory.mkdir(parents=True)
    manifest = {
        "schema": 0,
        "stage": node.kind,
        "key": node.key,
        "config": {},
        "inputs": {},
        "outputs": {},
        "commit": "",
        "dirty": False,
    }
    manifest |= {"packages": {}, "hardware": {}, "started": "", "seconds": 0, "cpu_seconds": 0, "peak_memory_bytes": 0}
    (node.directory / "manifest.json").write_text(json.dumps({**manifest, "results": {}, "notes": [str(os.getpid())]}))


def planned(models: dict[str, Path], folder: Path, **arms: list[str]) -> Plan:
    """Arms by the stages they take: a and b train an adapter each, more goes on with one, whole trains all weights."""
    rows = str(questions(folder / "rows.jsonl"))
    common = {"recipe": "posttrain", "steps": 1, "examples_from": rows}
    stages: dict[str, Any] = {
        "a": {**common, "lora": {"rank": 4}},
        "b": {**common, "lora": {"rank": 16}},
        "more": {**common, "learning_rate": 1e-4},
        "whole": common,
    }
    settings: dict[str, Any] = {
        "name": "adapters",
        "counts": [4],
        "model": str(models["base"]),
        "train": {name: stages[name] for name in dict.fromkeys(stage for path in arms.values() for stage in path)},
        "measures": {"asked": {"split": "external", "style": "direct", "data": rows}},
        "evaluation": {"backend": "vllm", "precision": "fp32"},
        "arms": {name: {"path": path, "measures": ["asked"]} for name, path in arms.items()},
    }
    plan = Plan(resolve(ExperimentConfig, settings), folder)
    plan.add_cells(0, str(models["base"]))
    return plan


def processes(plan: Plan) -> dict[str, str]:
    """By arm, the process that asked it."""
    notes = {cell.arm: plan.root / "stages" / cell.evaluations[0].stage / "manifest.json" for cell in plan.cells}
    return {arm: json.loads(place.read_text())["notes"][0] for arm, place in notes.items()}


def swept(plan: Plan, workers: int = 1) -> dict[str, str]:
    with tqdm(disable=True) as bar:
        Sweeping(workers, (), noted).run(plan.nodes.values(), bar)
    return processes(plan)


ARMS = {"untouched": [], "a": ["a"], "b": ["b"], "on": ["a", "more"], "whole": ["whole"]}


def test_a_sweep_asks_them_in_one_process(models: dict[str, Path], tmp_path: Path) -> None:
    """Though they are trained one after the other; what all weights were trained of is a model of its own."""
    asked = swept(planned(models, tmp_path, **ARMS))
    assert len({asked[arm] for arm in ("untouched", "a", "b", "on")}) == 1
    assert asked["whole"] != asked["a"]


def test_where_there_is_room_for_several_engines_each_takes_a_part(models: dict[str, Path], tmp_path: Path) -> None:
    plan = planned(models, tmp_path, **ARMS)
    swept(plan)
    for cell in plan.cells:
        shutil.rmtree(tmp_path / "stages" / cell.evaluations[0].stage)
    asked = swept(plan, workers=3)
    assert 1 < len({asked[arm] for arm in ("untouched", "a", "b", "on")}) <= 3


def test_the_largest_adapters_come_first(models: dict[str, Path], tmp_path: Path) -> None:
    plan = planned(models, tmp_path, **ARMS)
    engine = Sweeping(1, (), noted)
    engine.done = {key for key, node in plan.nodes.items() if node.kind == "train"}
    waiting = {key: node for key, node in plan.nodes.items() if node.kind == "eval"}
    engines = {key: node.engine(plan.nodes) for key, node in plan.nodes.items()}
    groups = [
        [node.label.rpartition("eval ")[2].split(",")[0] for node in group]
        for group in engine._together(waiting, plan.nodes, engines, True)
    ]
    assert groups == [["b", "a", "on", "untouched"], ["whole"]]
