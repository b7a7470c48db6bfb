"""The curves of the preset of the other tasks, at toy size, from a file that extends it to the page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kit.core.config import read_preset
from kit.core.errors import KitError
from kit.core.records import EvalRecord
from kit.core.store import read_table
from kit.report.results import load_results

pytestmark = pytest.mark.slow

MEASURES = {"math": "maths", "code": "functions", "instructions": "instructions"}
OVERRIDES = (
    "generate.tasks={math={train=40,test=12,difficulty=[1]},code={train=40,test=12,difficulty=[1]},if={train=40,test=12,difficulty=[1]}}",
    "counts=[0,20,40]",
    "arms.math.counts=[0,20,40]",
    "base.steps=4",
    "base.tiny={hidden=16,layers=1,heads=2,intermediate=32}",
    *(f"train.{name}={{recipe=\"posttrain\",task=\"{task}\",steps=3,rows={{examples=4}}}}" for name, task in
      (("math", "math"), ("code", "code"), ("instructions", "if"))),
    *(f"measures.{name}.max_new_tokens={{{style}=12}}" for name, style in
      (("maths", "cot"), ("functions", "direct"), ("instructions", "direct"))),
    "claims=[]",
)  # fmt: skip


def kit(*arguments: str) -> Any:
    found = subprocess.run([sys.executable, "-m", "kit", *arguments, "--json"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
    return json.loads(found.stdout)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    directory, curves = folder / "out", folder / "curves.toml"
    others = [f"arms.{name}" for name in read_preset("demo-tasks")["arms"] if name not in MEASURES]
    curves.write_text(f'extends = "demo-tasks"\nwithout = {json.dumps(others)}\n')
    kit("sweep", str(curves), "--out", str(directory), *(part for override in OVERRIDES for part in ("-o", override)))
    return directory


def test_every_task_is_a_curve_whose_figures_are_those_of_the_records(out: Path) -> None:
    report = kit("report", str(out))
    cells = json.loads((out / "experiment.json").read_text())["cells"]
    assert {(c["arm"], c["measure"]) for c in report["curves"]} == set(MEASURES.items())
    for cell in cells:
        (asked,) = cell["evaluations"]
        records = read_table(out / "stages" / asked["stage"] / "records.parquet", EvalRecord)
        where = (cell["arm"], cell["count"], MEASURES[cell["arm"]])
        (point,) = (p for p in report["points"] if (p["arm"], p["D"], p["measure"]) == where)
        first = next(iter(records[0].scores))
        assert first in ("flexible", "base", "prompt_strict")
        assert point["value"] == pytest.approx(sum(r.scores[first] for r in records) / len(records))
        assert point["n"] == len(records) == 12
    for curve in report["curves"]:
        for count, value in curve["points"]:
            shares = curve["errors"][str(count)]
            assert sum(e[0] for e in shares.values()) == pytest.approx(1 - value[0])
            assert all(low <= share <= high and n == 12 for share, low, high, n in shares.values())
    assert [line["text"] for line in report["verdict"] if line["text"].startswith("The experiment makes no claims")]
    page = (out / "report.html").read_text("utf-8")
    for title in ("By D: trained on word problems", "Why answers fail, by D", "What the arms were shown"):
        assert title in page


def test_an_older_kits_sweep_is_told(out: Path, tmp_path: Path) -> None:
    experiment = json.loads((out / "experiment.json").read_text())
    (tmp_path / "experiment.json").write_text(json.dumps({**experiment, "cells": [{"evaluation": "x"}]}))
    with pytest.raises(KitError, match="or of another kit"):
        load_results(tmp_path)
