"""What is sent to a hub that fails, hangs, is raced or refuses, or by a process that is killed or has no room: nothing lost or
doubled, and one line each."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.publish.config import PublishConfig
from kit.publish.release import make_release
from kit.publish.world import fill, render_world
from tests.publish.hub import COMMIT, REPO, SEND, WHO, Hub
from tests.publish.loopback import LoopbackHub

UPLOAD = r"/lfs/objects/batch$"

FAILING: dict[str, tuple[Callable[[LoopbackHub], None], int, str]] = {
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
}


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
