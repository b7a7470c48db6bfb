"""Published on a loopback hub by the command itself: the first time, again, where it may not go; and used from there."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from generators.config import GenerateConfig
from generators.generate import generate_stage
from kit.core.config import read_preset, resolve
from kit.publish.config import PublishConfig
from kit.publish.release import make_release
from kit.publish.world import fill, render_world
from tests.publish.hub import REPO, WHO, Hub
from tests.publish.loopback import LoopbackHub

BASE = ("--model", "tiny", "--recipe", "pretrain", "-o", "steps=2")


LOAD = """
import json, sys
from datasets import load_dataset
name, config, split = sys.argv[1:]
whole = load_dataset(name, config, split=split, revision="v1")
stream = load_dataset(name, config, split=split, revision="v1", streaming=True)
print(json.dumps([len(whole), sum(1 for _ in stream), next(iter(stream))["question"], whole[0]["question"]]))
"""


def round_trip(hub: Hub, data: Path, repo: str = REPO, kind: str = "dataset", *words: str | Path) -> None:
    """Published, sent again, checked by a stranger: everything arrives, and nothing twice."""
    said = hub.publish(data, *words, repo=repo)
    assert "read back and the same" in said
    folder = hub.home / "release" / repo.replace("/", "-")
    ours = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    there = hub.hub.files(repo, kind, revision="v1")  # type: ignore[arg-type]
    assert {name: content for name, content in there.items() if name != ".gitattributes"} == ours
    assert hub.hub.repo(repo, kind).visibility == "private"  # type: ignore[arg-type]
    since, commits = len(hub.hub.requests), hub.hub.commits(repo, kind)  # type: ignore[arg-type]
    hub.send(folder)
    assert hub.sent(since) == 0
    assert hub.hub.commits(repo, kind) == commits  # type: ignore[arg-type]
    assert len(commits) == 2, "that of the repository, and one of the release"
    assert "every file as it should be" in hub.kit("publish", "--verify", f"{repo}@v1")


@pytest.mark.slow
def test_a_world_goes_there_and_is_used_from_there(hub: Hub, tiny_dir: Path, tmp_path: Path) -> None:
    round_trip(hub, tiny_dir)
    assert "sent nothing: the hub has it all" in hub.publish(tiny_dir)
    rows, streamed, first, same = hub.python(LOAD, REPO, "multihop", "novel")
    novel = pq.read_table(tiny_dir / "questions.parquet", filters=[("split", "=", "novel"), ("hops", "=", 2)])
    assert rows == streamed == len(novel)
    assert first == same == novel["text"][0].as_py()
    shown = hub.kit("show", f"{REPO}@v1")
    assert f"kit show {REPO}@v1 " in shown
    assert shown.splitlines()[1:-3] == hub.kit("show", tiny_dir).splitlines()[1:-3]
    hub.kit("train", "--data", f"{REPO}@v1", *BASE, "--out", tmp_path / "base")
    hub.kit("eval", "--data", f"{REPO}@v1", "--model", tmp_path / "base", "-n", "4", "--out", tmp_path / "answers")
    told = json.loads((tmp_path / "answers" / "manifest.json").read_text("utf-8"))
    assert told["config"]["data"] == f"{REPO}@v1"
    assert "no such revision" in hub.kit("show", f"{REPO}@v2", code=2)
    # Cached by revision: asked of the hub no more than which commit that is.
    since = len(hub.hub.requests)
    hub.kit("show", f"{REPO}@v1")
    assert not [r for r in hub.hub.requests[since:] if r.path.endswith(".parquet")]


SMALLER = {"person": 60, "company": 20, "city": 16, "university": 5, "team": 6, "book": 12, "river": 5}


@pytest.mark.full
@pytest.mark.parametrize(("preset", "store"), [("demo", "lfs"), ("rich", "xet"), ("real-known", "xet"), ("own", "lfs")])
def test_presets(preset: str, store: str, tmp_path: Path) -> None:
    settings = read_preset(preset)["generate"]
    words: list[str] = []
    if preset == "rich":  # with everything in it, but fewer of each
        settings["world"] |= {"known": SMALLER, "novel": SMALLER, "blocks": 4}
        settings["examples"] = {"count": 300}
        settings["questions"] |= {"limit": 60, "train_limit": 600}
    if preset == "own":
        settings["world"]["own"] = {"facts": str(Path(__file__).parents[1] / "data" / "museum_triples.csv")}
        words = ["-o", "sources=Made up for tests; CC0."]
    data = generate_stage(resolve(GenerateConfig, settings), tmp_path / "world")
    with LoopbackHub(xet=tmp_path / "xet" if store == "xet" else None) as own:
        hub = Hub(own, tmp_path)
        round_trip(hub, data, f"lab/{preset}", "dataset", *words)
        shown = hub.kit("show", f"lab/{preset}@v1")
        assert shown.splitlines()[1:-3] == hub.kit("show", data).splitlines()[1:-3]


@pytest.mark.full
def test_an_evaluation_and_a_checkpoint(hub: Hub, tiny_dir: Path, tmp_path: Path) -> None:
    base, adapter, whole = (tmp_path / name for name in ("base", "adapter", "whole"))
    hub.kit("train", "--data", tiny_dir, "--model", "tiny", "--recipe", "pretrain", "-o", "steps=3", "--out", base)
    hub.kit("train", "--data", tiny_dir, "--model", base, "--recipe", "inject", "-o", "steps=3", "--lora", "--out", adapter)
    hub.kit("export", adapter, "--out", whole)
    hub.kit("eval", "--data", tiny_dir, "--model", whole, "--hops", "2", "-n", "5", "--out", tmp_path / "answers")
    more = ["-o", "data=lab/small-world@v1", "-o", "model=lab/base"]
    round_trip(hub, tmp_path / "answers", "lab/answers", "dataset", *more)
    round_trip(hub, whole, "lab/whole", "model", *more, "--license", "MIT", "--scores", tmp_path / "answers")
    round_trip(hub, base, "lab/base", "model", "-o", "data=lab/small-world@v1", "--license", "MIT")
    round_trip(hub, adapter, "lab/adapter", "model", *more, "--license", "MIT")
    said = hub.kit("eval", "--data", tiny_dir, "--model", "lab/whole@v1", "--hops", "2", "-n", "5", "--out", tmp_path / "again")
    here, there = (pq.read_table(tmp_path / name / "records.parquet")["output"] for name in ("answers", "again"))
    assert here.equals(there), said
    hub.kit("eval", "--data", tiny_dir, "--model", "lab/adapter@v1", "--hops", "2", "-n", "5", "--out", tmp_path / "adapted")
    card = hub.hub.files("lab/whole", "model")["README.md"].decode()
    assert "| exact_match | as published |" in card
    told = hub.kit("publish", base, "--to", "lab/answers", "--out", tmp_path / "x", *WHO, "-o", "data=x/y", "--license", "MIT")
    assert "read back" in told, "a model and a data set may have one name"


@pytest.mark.full
def test_another_kind_and_a_foreign_repository_are_refused(hub: Hub, tiny_dir: Path, tmp_path: Path) -> None:
    hub.hub.put("lab/thesis", {"README.md": b"# mine", "data.csv": b"a,b\n"})
    before = hub.hub.files("lab/thesis")
    assert "was not made by kit" in hub.publish(tiny_dir, repo="lab/thesis", code=2)
    assert hub.hub.files("lab/thesis") == before
    hub.publish(tiny_dir)
    hub.kit("train", "--data", tiny_dir, "--model", "tiny", "--recipe", "pretrain", "-o", "steps=2", "--out", tmp_path / "base")
    hub.kit("eval", "--data", tiny_dir, "--model", tmp_path / "base", "-n", "4", "--out", tmp_path / "answers")
    more = ["-o", "data=lab/small-world@v1", "-o", "model=lab/base"]
    assert "is a published world, not an evaluation" in hub.publish(tmp_path / "answers", *more, code=2)
    assert "does not know this token" in hub.publish(tiny_dir, code=2, HF_TOKEN="hf_wrong")
    assert "only you know authors" in hub.kit("publish", tiny_dir, "--to", REPO, "--out", tmp_path / "r", code=2)
    assert "give this one another --release" in hub.publish(tiny_dir, "--contact", "bob@example.org", code=2)
    assert "read back" in hub.publish(tiny_dir, "--contact", "bob@example.org", "--release", "v2")
    assert hub.hub.tags(REPO).keys() == {"v1", "v2"}


EXPERIMENT = """
name = "on a published world"
replicates = [{ world = 0, model = 0, draw = 0 }, { world = 0, model = 1, draw = 1 }]
counts = [0, 10]
base = { steps = 3, rows = { known = 4 }, tiny = { hidden = 32, layers = 1, heads = 2, intermediate = 64 } }
[generate.world]
relations = ["born_in"]
[train.posttrain]
recipe = "posttrain"
steps = 2
rows = { examples = 2, known = 2 }
[measures.novel]
split = "novel"
hops = 2
limit = 5
[arms.post]
path = ["posttrain"]
measures = ["novel"]
"""


@pytest.mark.full
def test_training_and_a_sweep_on_a_published_world(hub: Hub, tiny_dir: Path, tmp_path: Path) -> None:
    hub.publish(tiny_dir)
    (tmp_path / "experiment.toml").write_text(EXPERIMENT)
    for data, run in ((f"{REPO}@v1", "theirs"), (tiny_dir, "ours")):
        hub.kit("train", "--data", data, *BASE, "--out", tmp_path / run)
    weights = [(tmp_path / run / "model" / "model.safetensors").read_bytes() for run in ("theirs", "ours")]
    assert weights[0] == weights[1], "the same rows make the same model"
    words = ["sweep", tmp_path / "experiment.toml", "--data", f"{REPO}@v1", "--out", tmp_path / "sweep"]
    hub.kit(*words)
    stages = sorted(path.name.split("-")[0] for path in (tmp_path / "sweep" / "stages").iterdir())
    assert stages == ["eval"] * 4 + ["train"] * 6, "no world was generated"
    told = json.loads((tmp_path / "sweep" / "experiment.json").read_text("utf-8"))
    assert told["config"]["data"] == f"{REPO}@v1"
    assert "post" in hub.kit("report", tmp_path / "sweep", "--json")
    since = len(hub.hub.requests)
    hub.kit(*words)
    assert not [r for r in hub.hub.requests[since:] if r.path.endswith(".parquet")]
    said = hub.kit("sweep", "demo", "-o", "replicates=[0,1]", "--data", f"{REPO}@v1", "--out", tmp_path / "x", code=2)
    assert "data is one world" in said
    planned = json.loads(hub.kit("plan", tmp_path / "experiment.toml", "--data", f"{REPO}@v1", "--json"))
    assert (planned["stages"], planned["asked"]["novel"]["questions"]) == ({"train": 6, "eval": 4}, 5)


@pytest.mark.full
def test_a_release_is_made_without_a_hub(tiny_dir: Path, tmp_path: Path, hub: Hub) -> None:
    out = hub.kit("publish", tiny_dir, "--to", REPO, "--dry-run", "--out", tmp_path / "r")
    assert "missing: authors: who made it" in out
    assert hub.hub.requests == []
    made = make_release(tiny_dir, REPO, PublishConfig(), tmp_path / "same", fill, render_world)
    assert (made.folder / "SHA256SUMS").read_bytes() == (tmp_path / "r" / "SHA256SUMS").read_bytes()
