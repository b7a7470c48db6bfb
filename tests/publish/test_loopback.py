"""The loopback hub is to huggingface_hub and datasets, in processes of their own, as the real one, and fails as it is told to."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from tests.publish.loopback import LoopbackHub

REPO, MODEL = "lab/facts", "lab/model"
START = """
import json, sys
from pathlib import Path
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem, hf_hub_download, snapshot_download
api, kind, repo, given = HfApi(), {"repo_type": "dataset"}, "lab/facts", json.loads(sys.argv[1])
def commit(files=given, title="Facts", **more):
    add = [CommitOperationAdd(path, Path(at)) for path, at in files.items()]
    return api.create_commit(repo, add, commit_message=title, **kind, **more).oid
def attempt(call, *args, **more):
    try:
        call(*args, **more)
    except Exception as error:
        return [type(error).__name__, getattr(getattr(error, "response", None), "status_code", None)]
"""


def run(hub: LoopbackHub, home: Path, script: str, given: object = None, **environ: str) -> Any:
    """What a script prints at its end, as JSON."""
    command = [sys.executable, "-c", START + script, json.dumps(given)]
    environment = {**os.environ, **hub.environment(home), **environ}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def table(rows: int) -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"n": range(rows), "text": [f"The fact {i}. " * 9 for i in range(rows)]}), buffer)
    return buffer.getvalue()


FILES = {
    "README.md": b"---\nconfigs:\n- config_name: qa\n  data_files: qa/*.parquet\n---\n# Facts\n",
    "qa/a.parquet": table(3000),
    "qa/b.parquet": table(3),
    "notes/long.txt": b"".join(b"line %d\n" % i for i in range(30_000)),
    "notes/empty.txt": b"",
}


@pytest.fixture
def disk(tmp_path: Path) -> dict[str, str]:
    """Where FILES lie."""
    paths = {path: tmp_path / "disk" / path for path in FILES}
    for path, data in FILES.items():
        paths[path].parent.mkdir(parents=True, exist_ok=True)
        paths[path].write_bytes(data)
    return {path: str(at) for path, at in paths.items()}


@pytest.fixture(params=["lfs", "xet"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LoopbackHub]:
    with LoopbackHub(xet=tmp_path / "xet" if request.param == "xet" else None) as hub:
        yield hub


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    with LoopbackHub() as hub:
        yield hub


def test_what_is_committed_is_read_by_its_tag(either: LoopbackHub, tmp_path: Path, disk: dict[str, str]) -> None:
    script = """
api.create_repo(repo, visibility="private", **kind)
oid = commit()
api.create_tag(repo, tag="v1", revision=oid, **kind)
api.create_tag(repo, tag="v2", **kind)
api.delete_tag(repo, tag="v2", **kind)
again = commit()
changes = [CommitOperationDelete("notes/"), CommitOperationAdd("new.txt", b"new")]
api.create_commit(repo, changes, commit_message="Fewer", parent_commit=oid, **kind)
api.update_repo_settings(repo, visibility="public", gated="auto", **kind)
root = Path(snapshot_download(repo, revision="v1", **kind))
with HfFileSystem().open(f"datasets/{repo}@v1/notes/long.txt") as file:
    file.seek(1000)
    middle = file.read(20).decode()
info = api.dataset_info(repo, files_metadata=True)
tree = list(api.list_repo_tree(repo, revision="v1", recursive=True, expand=True, **kind))
print(json.dumps({
    "user": api.whoami()["name"],
    "same": again == oid,
    "snapshot": {str(path.relative_to(root)): path.read_bytes().hex() for path in root.rglob("*") if path.is_file()},
    "middle": middle,
    "sizes": {each.rfilename: each.size for each in info.siblings},
    "seen": [info.sha, info.private, info.gated],
    "tags": {each.name: each.target_commit for each in api.list_repo_refs(repo, **kind).tags},
    "titles": [each.title for each in api.list_repo_commits(repo, **kind)],
    "tree": {each.path: each.last_commit and each.last_commit.title for each in tree},
    "paths": [each.path for each in api.get_paths_info(repo, ["qa", "README.md", "none"], **kind)],
}))
"""
    said = run(either, tmp_path, script, disk)
    tagged, head = either.files(REPO, revision="v1"), either.files(REPO)
    assert tagged == FILES | {".gitattributes": tagged[".gitattributes"]}
    assert {path: bytes.fromhex(data) for path, data in said["snapshot"].items()} == tagged
    assert said["middle"].encode() == FILES["notes/long.txt"][1000:1020]
    assert said["same"]
    assert said["titles"] == ["Fewer", "Facts", "initial commit"]
    assert said["tags"] == either.tags(REPO) == {"v1": either.commits(REPO)[1]}
    assert said["tree"] == dict.fromkeys(FILES, "Facts") | {"qa": None, "notes": None, ".gitattributes": "initial commit"}
    assert said["paths"] == ["qa", "README.md"]
    assert said["sizes"] == {path: len(data) for path, data in head.items()}
    assert head.keys() == {"README.md", "qa/a.parquet", "qa/b.parquet", "new.txt", ".gitattributes"}
    assert said["seen"] == [either.commits(REPO)[0], False, "auto"]
    assert (either.repo(REPO).visibility, either.repo(REPO).gated, said["user"]) == ("public", "auto", either.user)
    sent = {request.received for request in either.requests if request.path.startswith("/lfs/")}
    large = {len(FILES[path]) for path in ("qa/a.parquet", "qa/b.parquet", "notes/long.txt")}
    assert sent == (set() if either.xet else large)
    assert any("/xet-read-token/" in request.path for request in either.requests) == bool(either.xet)


def test_load_dataset_by_tag_at_once_and_streaming(either: LoopbackHub, tmp_path: Path, disk: dict[str, str]) -> None:
    script = """
from datasets import load_dataset
api.create_repo(repo, **kind)
api.create_tag(repo, tag="v1", revision=commit(), **kind)
api.create_commit(repo, [CommitOperationDelete("qa/")], commit_message="None", **kind)
rows, stream = [load_dataset(repo, "qa", split="train", revision="v1", streaming=streaming) for streaming in (False, True)]
print(json.dumps([[row["n"] for row in rows], [row["n"] for row in stream]]))
"""
    assert run(either, tmp_path, script, disk) == [[*range(3000), *range(3)]] * 2


def test_what_others_commit_in_between_refuses_a_commit(hub: LoopbackHub, tmp_path: Path, disk: dict[str, str]) -> None:
    first = hub.put(REPO, {"data.txt": b"1"})
    hub.before("POST", "/commit/", lambda: hub.put(REPO, {"data.txt": b"2"}))
    said = run(hub, tmp_path, 'print(json.dumps(attempt(commit, parent_commit=given.pop("parent"))))', {**disk, "parent": first})
    assert said == ["HfHubHTTPError", 412]
    assert hub.commits(REPO)[1:2] == [first]
    assert hub.files(REPO).keys() == {".gitattributes", "data.txt"}
    assert hub.files(REPO)["data.txt"] == b"2"


def test_failures_are_those_asked_for_and_noted(hub: LoopbackHub, tmp_path: Path, disk: dict[str, str]) -> None:
    """A commit whose answer alone is lost is done; one that is refused is not."""
    hub.put(REPO, {})
    hub.fail("POST", "/commit/", None, after=True)
    hub.fail("POST", "/commit/", 429, headers={"Retry-After": "1"})
    hub.fail("POST", "/commit/", 500, times=2)
    script = """
files = {"README.md": given["README.md"]}
titles = ["lost", "limited", "broken", "broken still"]
print(json.dumps([attempt(commit, {f"{title}.md": given["README.md"]}, title) for title in [*titles, "done"]]))
"""
    said = run(hub, tmp_path, script, disk)
    assert said == [["RemoteProtocolError", None], ["HfHubHTTPError", 429], *[["HfHubHTTPError", 500]] * 2, None]
    assert [commit.title for commit in hub.repo(REPO).history[2:]] == ["lost", "done"]
    asked = [request for request in hub.requests if "/commit/" in request.path]
    assert [request.status for request in asked] == [None, 429, 500, 500, 200]
    assert {(request.method, request.path) for request in asked} == {("POST", f"/api/datasets/{REPO}/commit/main")}
    assert all(request.received > len(FILES["README.md"]) for request in asked)


def test_who_may_read_and_write(hub: LoopbackHub, tmp_path: Path) -> None:
    for name in ("public", "private", "gated"):
        hub.put(f"lab/{name}", {"config.json": b"{}"}, kind="model")
    hub.repo("lab/private", "model").visibility = "private"
    hub.repo("lab/gated", "model").gated = "manual"
    script = """
names = ["public", "private", "gated", "none"]
print(json.dumps({
    "read": {name: attempt(hf_hub_download, f"lab/{name}", "config.json") for name in names},
    "seen": {name: attempt(api.model_info, f"lab/{name}") for name in names},
    "tag": attempt(api.create_tag, "lab/public", tag="v1"),
    "lacks": [attempt(hf_hub_download, "lab/public", "x"), attempt(api.model_info, "lab/public", revision="v9")],
}))
"""
    missing, wrong = ["RepositoryNotFoundError", 401], ["HfHubHTTPError", 401]
    lacks = [["RemoteEntryNotFoundError", 404], ["RevisionNotFoundError", 404]]
    names = ("public", "private", "gated", "none")
    assert run(hub, tmp_path / "anyone", script, HF_TOKEN="") == {
        "read": {"public": None, "private": missing, "gated": ["GatedRepoError", 401], "none": missing},
        "seen": {"public": None, "private": missing, "gated": None, "none": missing},
        "tag": wrong,
        "lacks": lacks,
    }
    assert run(hub, tmp_path / "wrong", script, HF_TOKEN="hf_wrong") == {
        "read": dict.fromkeys(names, wrong),
        "seen": dict.fromkeys(names, wrong),
        "tag": wrong,
        "lacks": [wrong, wrong],
    }
    assert hub.tags("lab/public", "model") == {}
    seen = {"public": None, "private": None, "gated": None, "none": ["RepositoryNotFoundError", 404]}
    assert run(hub, tmp_path / "user", script) == {"read": seen, "seen": seen, "tag": None, "lacks": lacks}
    assert hub.tags("lab/public", "model") == {"v1": hub.commits("lab/public", "model")[0]}


def test_hanging(hub: LoopbackHub) -> None:
    hub.put(REPO, {"data.txt": b"0123456789"})
    url = f"{hub.url}/datasets/{REPO}/resolve/main/data.txt"
    hub.hang("GET", "/data.txt", 60)
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(url, timeout=0.2)
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Range": "bytes=7-99"}), timeout=5) as answer:
        assert (answer.status, answer.read(), answer.headers["Content-Range"]) == (206, b"789", "bytes 7-9/10")
    assert [request.status for request in hub.requests] == [206]
