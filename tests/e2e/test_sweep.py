"""The demo's own path at toy size, from nothing to the page: undisturbed once, then killed ten times and compared."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kit.core.config import apply_overrides, read_preset, resolve
from kit.core.records import EvalRecord
from kit.core.store import file_digest, read_manifest, read_table
from kit.report.build import build_report
from kit.report.results import load_results
from kit.sweep.experiment import ExperimentConfig
from kit.sweep.forecast import forecast
from kit.sweep.matching import Dealer, tokenizer_of
from tests.e2e.test_interruption import disturbed, outputs

pytestmark = pytest.mark.slow

OVERRIDES = (
    'generate.world.known={"person":40,"company":8,"city":8}',
    'generate.world.novel={"person":12,"company":4,"city":4}',
    "generate.examples.count=120",
    "counts=[0,30,100]",
    *(f"arms.{name}.counts=[100]" for name, arm in read_preset("demo")["arms"].items() if "counts" in arm),
    "base.steps=20",
    "base.tiny.hidden=64",
    "gate.most_chunks=1",
    "gate.chunk=5",
    *(f"train.{name}.steps=4" for name in read_preset("demo")["train"]),
    *(f"measures.{name}.limit=60" for name in read_preset("demo")["measures"]),
    "evaluation.max_new_tokens={cot=16,direct=6,cloze=4}",
)
COMMAND = [sys.executable, "-m", "kit", "demo", "--json", *(part for override in OVERRIDES for part in ("-o", override))]


class Calm(NamedTuple):
    """The undisturbed run: its directory, the report it printed, and how long it took."""

    directory: Path
    report: dict[str, Any]
    seconds: float


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    out = tmp_path_factory.mktemp("calm") / "demo"
    start = time.perf_counter()
    found = subprocess.run([*COMMAND, "--out", str(out)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
    return Calm(out, json.loads(found.stdout), time.perf_counter() - start)


def test_the_report_says_what_the_records_say(calm: Calm) -> None:
    out, report, _ = calm
    cells = json.loads((out / "experiment.json").read_text())["cells"]
    cell = next(c for c in cells if c["arm"] == "none" and c["count"] == 100)
    (asked,) = cell["evaluations"]
    records = read_table(out / "stages" / asked["stage"] / "records.parquet", EvalRecord)
    chosen = [r for r in records if r.tags["slice"] == "novel/2-hop/direct/closed/choice"]
    expected = sum(r.scores["exact_match"] for r in chosen) / len(chosen)
    assert asked["measures"]["novel2_choice"] == "novel/2-hop/direct/closed/choice"
    point = next(p for p in report["points"] if (p["arm"], p["D"], p["measure"]) == ("none", 100, "novel2_choice"))
    assert point["value"] == pytest.approx(expected)
    assert point["n"] == len(chosen)
    assert point["low"] <= point["value"] <= point["high"]
    laws = [line["text"] for line in report["verdict"] if line["text"].startswith("A power law")]
    assert len(laws) == 2
    assert all("cannot be tested: 2 counts for 2 coefficients leave none to spare" in text for text in laws)
    order = next(line for line in report["verdict"] if line["text"].startswith("Post-training before injection"))
    assert order["family"] == "primary"
    assert order["status"].endswith(" here")
    named = order["text"].removesuffix(".").rpartition("; the arms differ, as named, in ")[2].split(", ")
    assert set(named) <= {"examples dose", "known dose", "novel dose"}, "in nothing else; which of these hangs on the best rates"
    guess = next(line for line in report["verdict"] if line["text"].startswith("Among the candidates"))
    assert guess["status"].endswith(" here"), "a claim of one arm: nothing to match"
    assert guess["family"] == "secondary"
    page = (out / "report.html").read_text("utf-8")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<svg" in page
    assert "src=" not in page
    told = (out / "report.md").read_text("utf-8")
    assert all(f"*{line['status']}*: {line['text']}" in told for line in report["verdict"] if line["family"] != "note")
    assert all(f"## {table['title']}" in told for table in report["tables"] if table["rows"])
    assert (out / "report.png").stat().st_size > 10_000


def test_what_training_showed_is_read_from_its_rows(calm: Calm) -> None:
    """The two orders were shown the same rows and documents, as often."""
    table = next(t for t in calm.report["tables"] if t["title"] == "What the arms were shown")
    columns = {name.removesuffix(", D = 100"): i for i, name in enumerate(table["header"])}
    first, last = columns["inject → post-train → both"], columns["post-train → inject → both"]
    rows = {row[0]: row for row in table["rows"]}
    # Stages of 4 steps each, in the preset's rows a step.
    assert [rows["rows"][columns[arm]] for arm in ("inject → post-train → both", "post-train → inject")] == ["160", "100"]
    assert rows["novel exposures"][columns["no injection"]] == "–"
    differ = ("last step", "dose")  # each order goes at the rates that are best for it
    same = {name: (row[first], row[last]) for name, row in rows.items() if row[first] != "–" and not name.endswith(differ)}
    assert len(same) == 12
    assert not {name: pair for name, pair in same.items() if len(set(pair)) > 1}


def test_what_a_plan_deals_beforehand_is_what_training_shows(calm: Calm) -> None:
    results = load_results(calm.directory)
    extended = 5 * sum(gate["extensions"] for gate in calm.report["gates"][-1:])
    overrides = (*OVERRIDES, f"base.steps={20 + extended}")
    experiment = resolve(ExperimentConfig, apply_overrides(read_preset("demo"), overrides))
    (world,) = calm.directory.glob("stages/generate-*")
    writing = tokenizer_of(experiment, experiment.model, world)
    assert writing is not None
    dealer = Dealer(experiment, world, *writing)
    for cell in results.cells:
        assert dealer.training(cell.arm, cell.count) == cell.training, (cell.arm, cell.count)


@pytest.mark.full
def test_a_claim_that_is_added_later_is_post_hoc_and_the_others_stay(calm: Calm, tmp_path: Path) -> None:
    out = tmp_path / "again"
    shutil.copytree(calm.directory, out)
    declared = json.loads((out / "experiment.json").read_text())["declared"]
    assert len(declared) == len(read_preset("demo")["claims"])
    preset = read_preset("demo")
    later = {
        "says": "An afterthought",
        "kind": "chance",
        "measure": "novel1",
        "arm": "inject",
        "against": 0.5,
        "below": 0.5,
        "primary": True,
    }
    claims = json.dumps([*preset["claims"][:4], later])
    found = subprocess.run([*COMMAND, "-o", f"claims={claims}", "--out", str(out)], capture_output=True, text=True, check=True)
    families = {line["text"].split(":")[0]: line["family"] for line in json.loads(found.stdout)["verdict"]}
    assert families["An afterthought"] == "post hoc"
    assert families[preset["claims"][0]["says"]] == "primary"
    assert json.loads((out / "experiment.json").read_text())["declared"] == declared
    told = [line["text"] for line in json.loads(found.stdout)["verdict"]]
    assert [text for text in told if "no longer made: Injection costs less" in text]


def test_the_plan_told_what_it_took(calm: Calm) -> None:
    found = forecast(resolve(ExperimentConfig, apply_overrides(read_preset("demo"), OVERRIDES)), draws=20)
    manifests = [read_manifest(p.parent) for p in calm.directory.glob("stages/*/manifest.json")]
    kinds = Counter(m.stage for m in manifests)
    extended = sum(gate["extensions"] for gate in calm.report["gates"][-1:])
    # The gate's own evaluations, and what it repeats, are not foreseen.
    assert found.stages["generate"] == kinds["generate"] == 1
    assert extended or found.stages["train"] == kinds["train"]
    tokens = sum(m.results["tokens"] for m in manifests if m.stage == "train")
    assert extended or found.tokens == pytest.approx(tokens, rel=0.1)
    size = sum(p.stat().st_size for p in (calm.directory / "stages").rglob("*") if p.is_file())
    assert found.bytes is not None
    assert 0.5 < found.bytes / size < 2
    assert found.counted
    assert found.asked["novel1"].questions == next(p["n"] for p in calm.report["points"] if p["measure"] == "novel1")
    differences = [o for o in found.outlooks if o.smallest]
    assert all(o.smallest[3] > o.smallest[5] > o.smallest[10] > 0 for o in differences)


def _report(sweep: Path, out: Path) -> None:
    build_report(sweep)


@pytest.mark.full
def test_killed_ten_times(calm: Calm, tmp_path: Path) -> None:
    """The engine with its workers, killed in one directory at ten moments; then the report, while it is written."""
    out, moments = tmp_path / "killed", random.Random(0)
    finished: dict[Path, bytes] = {}
    for i in range(10):
        # By turns: the hardest way, which takes only the engine, and the two polite ones.
        way = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)[i % 3]
        process = subprocess.Popen([*COMMAND, "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            # So long that ten of them take about as long as all of it: each goes on where the last was killed.
            process.wait(moments.uniform(1.0, calm.seconds / 4))
        except subprocess.TimeoutExpired:
            process.send_signal(way)
        _, said = process.communicate(timeout=90)
        assert b"in use" not in said
        assert way == signal.SIGKILL or b"Traceback" not in said, said.decode()
        finished |= {p: p.read_bytes() for p in out.glob("stages/*/manifest.json") if p not in finished}
    assert finished
    again = subprocess.run([*COMMAND, "--out", str(out)], capture_output=True, text=True, check=True).stdout
    assert all(p.read_bytes() == manifest for p, manifest in finished.items()), "finished stages are not run again"
    assert json.loads((out / "experiment.json").read_text())["reused"] >= len(finished)
    assert {k: calm.report[k] for k in ("points", "verdict")} == {k: json.loads(again)[k] for k in ("points", "verdict")}
    stages = sorted(p.name for p in (calm.directory / "stages").iterdir())
    assert stages == sorted(p.name for p in (out / "stages").iterdir())
    for stage in stages:
        assert outputs(calm.directory / "stages" / stage) == outputs(out / "stages" / stage), stage
    pages = ("report.html", "report.md", "report.json")
    expected = {name: file_digest(out / name) for name in pages}
    for _ in range(10):
        for name in pages:
            (out / name).unlink(missing_ok=True)
        disturbed(_report, (out,), out, moments.uniform(0.05, 2.0))
        # Whatever stands there is whole.
        assert all(file_digest(out / n) == expected[n] for n in pages if (out / n).exists())
    build_report(out)
    assert {name: file_digest(out / name) for name in pages} == expected
