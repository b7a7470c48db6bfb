"""The demo's own path at toy size: sweep, interruption, report. One true run, from nothing to the page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kit.core.config import apply_overrides, read_preset, resolve
from kit.core.errors import KitError
from kit.report.build import build_report
from kit.sweep.experiment import ExperimentConfig
from kit.sweep.plan import Plan

OVERRIDES = [
    'generate.world.known={"person":40,"company":8,"city":8}',
    'generate.world.novel={"person":12,"company":4,"city":4}',
    "generate.examples.count=120",
    "counts=[0,30,100]",
    *(f"arms.{name}.counts=[30,100]" for name in ("epochs", "none", "shuffled", "inject_first")),
    "base.steps=20",
    "base.tiny.hidden=64",
    "gate.most_chunks=1",
    "gate.chunk=5",
    *(f"train.{name}.steps=4" for name in ("posttrain", "inject", "inject_nothing", "inject_shuffled", "inject_before")),
    "train.posttrain_after.steps=4",
]


def experiment(*more: str) -> ExperimentConfig:
    return resolve(ExperimentConfig, apply_overrides(read_preset("demo"), [*OVERRIDES, *more]))


def test_arms_share_their_prefixes_and_match_row_for_row(tmp_path: Path) -> None:
    full = resolve(ExperimentConfig, read_preset("demo"))
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
        ('arms.inject.slices=["nvel"]', "did you mean novel"),
        ("train.inject.rows.novle=3", "did you mean novel"),
        ("seeds=[0,0]", "different"),
        ("counts=[]", "at least 1"),
        ('slices.known=[{"split":"novel","style":"cloze"}]', "recall splits"),
    ],
)
def test_mistakes_anywhere_are_told_before_anything_runs(override: str, message: str) -> None:
    with pytest.raises(KitError, match=message):
        experiment(override)


@pytest.mark.slow
def test_a_killed_sweep_resumes_and_reports(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    command = [sys.executable, "-m", "kit", "demo", "--out", str(out)]
    for override in OVERRIDES:
        command += ["-o", override]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        deadline = 240
        while deadline and not len(list(out.glob("stages/train-*/manifest.json"))) >= 3:
            try:
                process.wait(timeout=1)
                break
            except subprocess.TimeoutExpired:
                deadline -= 1
    finally:
        process.kill()
        process.wait()
    before = {p.parent.name: p.read_bytes() for p in out.glob("stages/*/manifest.json")}
    assert before
    found = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
    report = json.loads(found.stdout)
    for name, manifest in before.items():
        assert (out / "stages" / name / "manifest.json").read_bytes() == manifest, "finished stages are not run again"
    assert json.loads((out / "experiment.json").read_text())["reused"] >= len(before)

    # Every number of the report can be computed again from the records on disk.
    from kit.core.records import EvalRecord
    from kit.core.store import read_table

    cells = json.loads((out / "experiment.json").read_text())["cells"]
    cell = next(c for c in cells if c["arm"] == "none" and c["count"] == 100)
    records = read_table(out / "stages" / cell["evaluation"] / "records.parquet", EvalRecord)
    chosen = [r for r in records if r.tags["slice"] == "novel/2-hop/direct/closed/choice"]
    expected = sum(r.scores["exact_match"] for r in chosen) / len(chosen)
    point = next(p for p in report["points"] if (p["arm"], p["D"], p["measure"]) == ("none", 100, "novel 2-hop, forced choice"))
    assert point["value"] == pytest.approx(expected)
    assert point["n"] == len(chosen)
    assert point["low"] <= point["value"] <= point["high"]
    assert any("too few" in line["text"] for line in report["verdict"]), "three counts allow no law, and it says so"
    page = (out / "report.html").read_text("utf-8")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<svg" in page
    assert "src=" not in page
    assert (out / "report.png").stat().st_size > 10_000
    assert build_report(out)["points"] == report["points"]
