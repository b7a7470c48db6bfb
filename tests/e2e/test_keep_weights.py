"""A sweep that does not keep weights: the same answers, what is needed again is made again, an adapter's base stays with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kit.core.errors import KitError
from kit.core.store import read_manifest
from kit.models.checkpoint import read
from kit.models.load import load
from kit.publish.checkpoint import filler
from tests.e2e.test_interruption import outputs

pytestmark = [pytest.mark.slow, pytest.mark.full]

EXPERIMENT = """
name = "what is kept"
counts = [4]
[generate.world]
relations = ["born_in", "works_for", "based_in", "founded_by", "governed_by"]
known = { person = 12, company = 3, city = 3 }
novel = { person = 6, company = 2, city = 2 }
[generate.examples]
count = 20
[generate.documents]
reading_worlds = 2
[base]
steps = 4
rows = { known = 4 }
tiny = { hidden = 32, layers = 1, heads = 2, intermediate = 64 }
[train.post]
recipe = "posttrain"
steps = 3
[train.full]
recipe = "inject"
steps = 3
[train.adapter]
recipe = "inject"
steps = 3
lora = { rank = 2 }
[measures]
recall = { split = "recall_novel", hops = 1, style = "cloze", limit = 8 }
[evaluation]
max_new_tokens = { cloze = 3 }
[arms]
full = { path = ["post", "full"], measures = ["recall"] }
adapter = { path = ["post", "adapter"], measures = ["recall"] }
"""


def swept(folder: Path, keep: str, experiment: str = EXPERIMENT) -> dict[str, Path]:
    """The sweep's stages by what they are."""
    (folder / "experiment.toml").write_text(experiment)
    command = [sys.executable, "-m", "kit", "sweep", str(folder / "experiment.toml"), "-o", f"keep_weights={keep}"]
    found = subprocess.run([*command, "--out", str(folder / "out")], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    told = json.loads((folder / "out" / "experiment.json").read_text())
    stages = folder / "out" / "stages"
    named = {}
    for cell in told["cells"]:
        named |= {"post": stages / cell["stages"][0], cell["arm"]: stages / cell["stages"][1]}
        named[f"eval {cell['arm']}"] = stages / cell["evaluations"][0]["stage"]
    (named["base"],) = {p for p in stages.glob("train-*") if read_manifest(p).config["recipe"] == "pretrain"}
    return named


def holding(stages: dict[str, Path]) -> set[str]:
    return {name for name, place in stages.items() if list(place.rglob("*.safetensors"))}


def test_weights_go_when_nothing_needs_them(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "none").mkdir()
    kept, gone = swept(tmp_path / "all", "all"), swept(tmp_path / "none", "none")
    assert holding(kept) == {"base", "post", "full", "adapter"}
    assert holding(gone) == set()
    for name in ("eval full", "eval adapter"):
        assert outputs(kept[name]) == outputs(gone[name]), name
    with pytest.raises(KitError, match='not kept: run its sweep with keep_weights = "all"'):
        load(read(str(gone["full"])))
    with pytest.raises(KitError, match="were not kept"):
        filler("", (), lambda records: [])(gone["full"], tmp_path, read_manifest(gone["full"]), "")
    # An evaluation that is lost needs the adapter, which needs what it is on: the others stay as they are.
    before = {name: read_manifest(place).started for name, place in gone.items()}
    shutil.rmtree(gone["eval adapter"])
    again = swept(tmp_path / "none", "none")
    assert holding(again) == set()
    assert outputs(again["eval adapter"]) == outputs(kept["eval adapter"])
    renewed = {name for name, place in again.items() if read_manifest(place).started != before[name]}
    assert renewed == {"base", "post", "adapter", "eval adapter"}
    assert holding(swept(tmp_path / "none", "all")) == {"base", "post", "full", "adapter"}, "what is to be kept is made again"
    last = swept(tmp_path / "all", "last")
    assert holding(last) == {"post", "full", "adapter"}, "the base of an adapter is kept with it"


def test_one_run_for_all_counts(tmp_path: Path) -> None:
    """Made again where weights are gone; not one of those that counts were taken from stays."""
    nested = EXPERIMENT.replace("counts = [4]", "counts = [4, 8]").replace(
        'recipe = "posttrain"\nsteps = 3', 'recipe = "posttrain"\nnested = true\nrows = { examples = 4 }'
    )
    (tmp_path / "all").mkdir()
    (tmp_path / "none").mkdir()
    kept, gone = swept(tmp_path / "all", "all", nested), swept(tmp_path / "none", "none", nested)
    told = [json.loads((tmp_path / name / "out" / "experiment.json").read_text()) for name in ("all", "none")]
    assert told[0]["cells"] == told[1]["cells"]
    assert len({cell["stages"][0] for cell in told[0]["cells"]}) == 2
    assert not list((tmp_path / "none").rglob("*.safetensors"))
    for asked in (each["stage"] for cell in told[0]["cells"] for each in cell["evaluations"]):
        assert outputs(tmp_path / "all" / "out" / "stages" / asked) == outputs(tmp_path / "none" / "out" / "stages" / asked)
    (first,) = {cell["stages"][0] for cell in told[0]["cells"] if cell["count"] == 4}
    shutil.rmtree(tmp_path / "none" / "out" / "stages" / first)
    again = swept(tmp_path / "none", "none", nested)
    assert outputs(again["post"]) == outputs(gone["post"])
    assert not list((tmp_path / "none").rglob("*.safetensors"))
    assert holding(kept) == {"base", "post", "full", "adapter"}
