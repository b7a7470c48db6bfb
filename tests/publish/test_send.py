"""Published on a loopback hub by the command itself: the first time, again, cut off, refused, raced; and used from there."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from generators.config import GenerateConfig
from generators.generate import generate_stage
from kit.core.config import read_preset, resolve
from kit.publish.config import PublishConfig
from kit.publish.release import make_release
from kit.publish.world import fill, render_world
from tests.publish.loopback import LoopbackHub

REPO = "lab/small-world"
WHO = ["--author", "Ann Lee", "--contact", "ann@example.org"]
BASE = ("--model", "tiny", "--recipe", "pretrain", "-o", "steps=2")
UPLOAD, COMMIT = r"/lfs/objects/batch$", r"/commit/main$"


SEND = """
import json, sys
from pathlib import Path
from kit.core.errors import KitError
from kit.publish.config import PublishConfig
from kit.publish.release import Made
from kit.publish.send import send
folder = Path(sys.argv[1])
try:
    print(send(Made(folder, json.loads((folder / "release.json").read_text("utf-8")), []), PublishConfig()))
except KitError as error:
    sys.exit(f"kit: {' '.join(str(error).split())}")
"""


class Hub:
    """A hub, and commands that are run against it."""

    def __init__(self, hub: LoopbackHub, home: Path) -> None:
        self.hub, self.home = hub, home

    def environment(self, **more: str) -> dict[str, str]:
        own = {"XDG_CACHE_HOME": str(self.home / "cache"), "KIT_HUB_TIMEOUT": "3", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        return {**os.environ, **self.hub.environment(self.home), **own, **more}

    def kit(self, *words: str | Path, code: int = 0, **more: str) -> str:
        """What a command says: its output, or its one line where it fails."""
        command = [sys.executable, "-m", "kit", *map(str, words)]
        done = subprocess.run(command, env=self.environment(**more), capture_output=True, text=True, timeout=280, check=False)
        assert done.returncode == code, done.stderr
        said = [line for line in done.stderr.splitlines() if not line.startswith("…")]
        if code:
            assert len(said) == 1, done.stderr
            assert said[0].startswith("kit: ")
            return said[0]
        assert "Traceback" not in done.stderr
        return done.stdout

    def python(self, script: str, *given: str) -> Any:
        """What a script prints, as JSON."""
        command = [sys.executable, "-c", script, *given]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def publish(self, directory: Path, *words: str | Path, code: int = 0, repo: str = REPO, **more: str) -> str:
        out = self.home / "release" / repo.replace("/", "-")
        return self.kit("publish", directory, "--to", repo, "--out", out, *WHO, *words, code=code, **more)

    def send(self, folder: Path, code: int = 0) -> str:
        """As `publish`, of a release folder that was checked before: what is sent, and how, alone."""
        command = [sys.executable, "-c", SEND, str(folder)]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == code, done.stderr
        said = done.stderr.strip() if code else done.stdout
        assert not code or len(said.splitlines()) == 1, said
        return said

    def sent(self, since: int) -> int:
        """Bytes of files and commits that were received since so many requests."""
        return sum(r.received for r in self.hub.requests[since:] if r.method == "PUT" or re.search(COMMIT, r.path))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with LoopbackHub() as own:
        yield Hub(own, tmp_path)


@pytest.fixture(params=["lfs", "xet"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    with LoopbackHub(xet=tmp_path / "xet" if request.param == "xet" else None) as own:
        yield Hub(own, tmp_path)


@pytest.fixture(scope="module")
def tiny_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world of a few entities, for what is done many times."""
    few = {"person": 10, "company": 4, "city": 4}
    config = {
        "world": {"relations": ["born_in", "works_for", "based_in"], "known": few, "blocks": 3, "novel": few},
        "questions": {"hops": 2, "limit": 20},
        "examples": {"count": 12, "weights": {"chain-1": 1, "chain-2": 1}},
        "documents": {"exposures": 4, "reading_worlds": 1},
        "probes": {"kinds": ["cloze"]},
    }
    return generate_stage(resolve(GenerateConfig, config), tmp_path_factory.mktemp("tiny") / "world")


@pytest.fixture(scope="module")
def folder(tiny_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its release."""
    out = tmp_path_factory.mktemp("release") / "tiny"
    config = PublishConfig(authors=("Ann Lee",), contact="ann@example.org")
    return make_release(tiny_dir, REPO, config, out, fill, render_world).folder


LOAD = """
import json, sys
from datasets import load_dataset
name, config, split = sys.argv[1:]
whole = load_dataset(name, config, split=split, revision="v1")
stream = load_dataset(name, config, split=split, revision="v1", streaming=True)
print(json.dumps([len(whole), sum(1 for _ in stream), next(iter(stream))["question"], whole[0]["question"]]))
"""


def round_trip(hub: Hub, data: Path, repo: str = REPO, kind: str = "dataset", *words: str | Path) -> None:
    """Published, published again, checked by a stranger: everything arrives, and nothing twice."""
    said = hub.publish(data, *words, repo=repo)
    assert "read back and the same" in said
    folder = hub.home / "release" / repo.replace("/", "-")
    ours = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    there = hub.hub.files(repo, kind, revision="v1")  # type: ignore[arg-type]
    assert {name: content for name, content in there.items() if name != ".gitattributes"} == ours
    assert hub.hub.repo(repo, kind).visibility == "private"  # type: ignore[arg-type]
    since, commits = len(hub.hub.requests), hub.hub.commits(repo, kind)  # type: ignore[arg-type]
    assert "sent nothing: the hub has it all" in hub.publish(data, *words, repo=repo)
    assert hub.sent(since) == 0
    assert hub.hub.commits(repo, kind) == commits  # type: ignore[arg-type]
    assert len(commits) == 2, "that of the repository, and one of the release"
    assert "every file as it should be" in hub.kit("publish", "--verify", f"{repo}@v1")


@pytest.mark.slow
def test_a_world_goes_there_and_is_used_from_there(hub: Hub, tiny_dir: Path, tmp_path: Path) -> None:
    round_trip(hub, tiny_dir)
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


FAILING = {
    "a busy hub": (lambda hub: hub.fail("POST", COMMIT, 429), 0, ""),
    "a hub that fails once": (lambda hub: hub.fail("POST", COMMIT, 500), 0, ""),
    "a hub that fails for good": (lambda hub: hub.fail("POST", COMMIT, 500, times=9), 1, r"the hub failed \(status 500\)"),
    "a hub that stays busy": (lambda hub: hub.fail("POST", COMMIT, 429, times=9), 1, "less haste"),
    "a commit whose answer is lost": (lambda hub: hub.fail("POST", COMMIT, None, after=True), 0, ""),
    "a connection that is cut": (lambda hub: hub.fail("POST", COMMIT, None, times=9), 1, "cannot be reached"),
    "a hub that is slow": (lambda hub: hub.hang("POST", COMMIT, 4), 0, ""),
    "a hub that hangs": (lambda hub: hub.hang("POST", COMMIT, 60, times=9), 1, "does not answer in time"),
    "blobs that fail": (lambda hub: hub.fail("PUT", ".*", 500, times=2), 0, ""),
    "blobs that are refused": (lambda hub: hub.fail("PUT", ".*", 403, times=99), 1, "cannot publish"),
    "a tag that fails": (lambda hub: hub.fail("POST", "/tag/", 500), 1, r"status 500"),
    "a tag whose answer is lost": (lambda hub: hub.fail("POST", "/tag/", None, after=True), 1, "cannot be reached"),
    "no right to make it": (lambda hub: hub.fail("POST", "/api/repos/create", 403), 1, "may not do that"),
    "a file that cannot be read back": (lambda hub: hub.fail("GET", r"/resolve/.*README", 500, times=99), 1, "cannot"),
}  # type: dict[str, tuple[Callable[[LoopbackHub], None], int, str]]


@pytest.mark.full
@pytest.mark.parametrize("name", FAILING)
def test_a_hub_that_fails(name: str, hub: Hub, folder: Path) -> None:
    """One line or none, and what comes after it goes on: each file is there once, and the release is whole."""
    fail, code, told = FAILING[name]
    fail(hub.hub)
    said = hub.send(folder, code=code)
    assert re.search(told, said), said
    hub.hub.recover()
    hub.send(folder)
    theirs = hub.hub.files(REPO, revision="v1")
    assert {p for p in theirs if p != ".gitattributes"} == {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert len(hub.hub.commits(REPO)) == 2
    assert hub.hub.tags(REPO).keys() == {"v1"}


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
def test_a_race_is_told(hub: Hub, tiny_dir: Path, folder: Path, tmp_path: Path) -> None:
    hub.send(folder)
    hub.hub.before("POST", COMMIT, lambda: hub.hub.put(REPO, {"notes.md": b"from somebody else"}))
    config = PublishConfig(authors=("Ann Lee",), contact="ann@example.org", release="v2")
    second = make_release(tiny_dir, REPO, config, tmp_path / "second", fill, render_world).folder
    assert "somebody else changed" in hub.send(second, code=1)
    assert hub.hub.files(REPO)["notes.md"] == b"from somebody else"
    assert hub.hub.tags(REPO).keys() == {"v1"}
    hub.send(second)  # looked at again, it is the user's word
    assert "notes.md" not in hub.hub.files(REPO, revision="v2")


@pytest.mark.full
def test_killed_at_any_request_it_goes_on(either: Hub, folder: Path) -> None:
    """Killed as the hub is asked for a repository, for the place of a blob, for the commit, for the tag, for a file to be read
    back (what the hub was asked it does all the same); then run again, each time to the next."""
    blobs = "xet-write-token" if either.hub.xet else UPLOAD
    for method, pattern in (
        ("POST", "/api/repos/create"), ("GET" if either.hub.xet else "POST", blobs), ("POST", COMMIT), ("POST", "/tag/"),
        ("GET", "/resolve/.*CITATION"),
    ):  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-c", SEND, str(folder)],
            env=either.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        either.hub.before(method, pattern, process.kill)
        assert process.wait(timeout=120) == -signal.SIGKILL, pattern
    either.send(folder)
    assert len(either.hub.commits(REPO)) == 2
    assert "every file as it should be" in either.kit("publish", "--verify", f"{REPO}@v1")


@pytest.mark.full
def test_a_full_disk(hub: Hub, tiny_dir: Path, tmp_path: Path) -> None:
    """On a tmpfs of its own: no half of a release is left, and with room it is made."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", mounted], capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs root and the right to mount")
    try:
        free = os.statvfs(mounted).f_bavail * os.statvfs(mounted).f_frsize
        (mounted / "ballast").write_bytes(bytes(free - 65_536))
        words = ["publish", tiny_dir, "--to", REPO, *WHO, "--out", mounted / "release"]
        assert "full" in hub.kit(*words, code=2) or "No space left" in hub.kit(*words, code=2)
        assert not (mounted / "release").exists()
        assert [p.name for p in mounted.iterdir() if p.name.endswith(".part")] == []
        (mounted / "ballast").unlink()
        assert "read back" in hub.kit(*words)
    finally:
        subprocess.run(["umount", mounted], check=False)


@pytest.mark.full
def test_a_changed_release_on_the_hub_is_seen(hub: Hub, folder: Path) -> None:
    hub.send(folder)
    card = hub.hub.files(REPO)["README.md"]
    hub.hub.put(REPO, {"README.md": card.replace(b"facts of", b"truths of", 1)})
    said = hub.kit("publish", "--verify", f"{REPO}@main", code=2)
    assert "README.md is not what SHA256SUMS says" in said
    assert "every file as it should be" in hub.kit("publish", "--verify", f"{REPO}@v1")


def test_a_release_is_made_without_a_hub(tiny_dir: Path, tmp_path: Path, hub: Hub) -> None:
    out = hub.kit("publish", tiny_dir, "--to", REPO, "--dry-run", "--out", tmp_path / "r")
    assert "missing: authors: who made it" in out
    assert hub.hub.requests == []
    made = make_release(tiny_dir, REPO, PublishConfig(), tmp_path / "same", fill, render_world)
    assert (made.folder / "SHA256SUMS").read_bytes() == (tmp_path / "r" / "SHA256SUMS").read_bytes()
