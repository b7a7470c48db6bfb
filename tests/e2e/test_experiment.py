"""The demo's preset: its arms are matched row for row, and a mistake in it is told before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.core.config import apply_overrides, read_preset, resolve
from kit.core.errors import KitError
from kit.sweep.experiment import ExperimentConfig
from kit.sweep.plan import Plan


def test_arms_share_their_prefixes_and_match_row_for_row(tmp_path: Path) -> None:
    full = resolve(ExperimentConfig, read_preset("demo"))
    assert len(full.evaluations_of(("known", "novel"))) == 1, "a model is loaded once for slices that are asked alike"
    plan = Plan(full, tmp_path)
    plan.add_cells(0, plan.base(0, 0, 1))
    trained = [n for n in plan.nodes.values() if n.kind == "train"]
    assert len({n.key for n in trained}) == len(trained)
    top = max(full.counts)
    totals = {}
    for name in ("none", "inject", "inject_first", "shuffled"):
        rows: dict[str, int] = {}
        for stage in full.arms[name].path:
            config = full.train_config(stage, top, 0)
            for source, each in config.rows.items():
                kind = "injected" if source in ("novel", "shuffled") else source
                rows[kind] = rows.get(kind, 0) + each * config.step_count()
            rows["steps"] = rows.get("steps", 0) + config.step_count()
        totals[name] = rows
    assert totals["inject"] == totals["inject_first"] == totals["shuffled"]
    assert totals["none"]["steps"] == totals["inject"]["steps"]
    assert totals["none"]["examples"] == totals["inject"]["examples"]
    assert totals["none"]["known"] == totals["inject"]["known"] + totals["inject"]["injected"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ('arms.inject.path=["injct"]', "did you mean inject"),
        ('arms.inject.evaluations=["nvel"]', "did you mean novel"),
        ("train.inject.rows.novle=3", "did you mean novel"),
        ("seeds=[0,0]", "different"),
        ("counts=[]", "at least 1"),
        ('evaluations.known.slices=[{"split":"novel","style":"cloze"}]', "recall splits"),
        ('evaluations.known.task="maths"', r"evaluations\.known: task"),
        ('evaluations.known={task="code",slices=[{split="test"}]}', "known: the task code is asked in style direct"),
        ("evaluations.known.data=nope.jsonl", r"evaluations\.known: nope.jsonl does not exist"),
        ("evaluations.known.data=5", r"evaluations\.known: data must be"),
        ("evaluations.known.slices=5", r"evaluations\.known: slices"),
        ("evaluations.known={temperature=0.5}", r"evaluations\.known: missing key slices"),
        ('evaluations.extra={slices=[{split="validation"}],shots_from="nope.jsonl"}', "nope.jsonl does not exist"),
        ('train.posttrain.examples_from="nope.jsonl"', "nope.jsonl does not exist"),
        ("train.posttrain.rows=5", r"train\.posttrain\.rows must be a table"),
        ('evaluations.novel={temperature=0.5,slices=[{split="test_entity",hops=2}]}', "two ask test_entity/2-hop/cot"),
        ('evaluation={backend="recorded",recorded="x"}', "evaluates the checkpoints it makes"),
    ],
)
def test_mistakes_anywhere_are_told_before_anything_runs(override: str, message: str) -> None:
    with pytest.raises(KitError, match=message):
        resolve(ExperimentConfig, apply_overrides(read_preset("demo"), [override]))


def test_the_gate_asks_about_the_world_whatever_else_is_evaluated() -> None:
    full = resolve(ExperimentConfig, apply_overrides(read_preset("demo"), ["evaluation.max_new_tokens={cot=9}"]))
    assert full.gate
    asked = full.model_copy(update={"evaluation": {**full.evaluation, "data": "x.jsonl", "task": "math"}})
    found = asked.evaluation_of(full.gate.recall_slice)
    assert (found.data, found.config.task, found.config.max_new_tokens) == (None, "multihop", {"cot": 9})
