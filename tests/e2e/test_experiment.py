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
        ('evaluations.known.task="maths"', "evaluations.*known|task"),
        ('evaluation={backend="recorded",recorded="x"}', "evaluates the checkpoints it makes"),
    ],
)
def test_mistakes_anywhere_are_told_before_anything_runs(override: str, message: str) -> None:
    with pytest.raises(KitError, match=message):
        resolve(ExperimentConfig, apply_overrides(read_preset("demo"), [override]))
