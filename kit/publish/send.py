"""Sending a release to the hub, and reading it back: one commit, one tag, nothing sent twice and nothing lost when it is cut
off."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from kit.core.errors import KitError, first_line
from kit.core.hub import RepoKind, clearly, reference, snapshot
from kit.core.store import file_digest
from kit.publish.config import Kind, PublishConfig
from kit.publish.release import Made, check_name, repo_kind
from kit.sources.published import RELEASE, SUMS, check_sums, ours, read_release

CHANGED = 412
PASSING = (0, 408, CHANGED, 429)
"""Answers to a commit after which the repository is looked at again: none at all (0), and that it is no longer what it was. A
commit that went through although its answer was lost is seen then, and so is somebody else's."""

TRIES = 4
"""How often a commit is tried while the hub fails or is too busy; waiting 1, 2 and 4 seconds between."""

Say = Callable[[str], None]


class Sent(NamedTuple):
    """What was sent. commit: what the tag is on. files, bytes: those that the hub did not have in this place."""

    commit: str
    files: int
    bytes: int


def send(made: Made, config: PublishConfig, say: Say = lambda _: None) -> Sent:
    """Send a release, tag it, read it back. Run again after anything that cut it off, it goes on: what the hub has is not sent
    again.

    Raises KitError where the repository is not kit's or of another kind, the tag is on something else, somebody else changed the
    repository meanwhile, or the hub cannot be reached.
    """
    from huggingface_hub import HfApi

    name, kind = made.release["to"], made.repo_kind
    hub = _Repository(HfApi(), name, kind)
    with clearly(f"publish {name}"):
        hub.open(made.kind, config)
        tag = made.release["release"]
        if commit := hub.released(made):
            sent = Sent(commit, 0, 0)
        else:
            sent = hub.commit(made, f"Release {tag}", say)
            hub.tag(tag, sent.commit)
    say("reading it back")
    compare(made, name, tag, kind)
    return sent


def released(made: Made) -> bool:
    """Whether the hub has a release of this name, with these very files. Raises KitError where it has one with others."""
    from huggingface_hub import HfApi

    hub = _Repository(HfApi(), made.release["to"], made.repo_kind)
    with clearly(f"publish {hub.name}"):
        return hub.check(made.kind) and bool(hub.released(made))


def check_target(name: str, of: Kind) -> None:
    """Whether there is a token that the hub knows, and the repository, where there is one, is kit's and of this kind: asked
    before anything takes long. Raises KitError where not."""
    from huggingface_hub import HfApi

    check_name(name)
    hub = _Repository(HfApi(), name, repo_kind(of))
    with clearly(f"publish {name}"):
        hub.api.whoami()
        hub.check(of)


class _Repository:
    """A repository, asked and changed."""

    def __init__(self, api: Any, name: str, kind: RepoKind) -> None:
        self.api, self.name, self.kind = api, name, kind

    def check(self, of: Kind) -> bool:
        """Whether it is there. Raises KitError where it is not one of kit's, of this kind."""
        if not self.api.repo_exists(self.name, repo_type=self.kind):
            return False
        there = {name for name in self.api.list_repo_files(self.name, repo_type=self.kind) if ours(name)}
        if there and RELEASE not in there:
            raise KitError(f"{self.name} holds files and no {RELEASE}: it was not made by kit; choose another --to")
        if there:
            with tempfile.TemporaryDirectory(prefix="kit-") as place:
                read_release(snapshot(self.name, "main", self.kind, [RELEASE], Path(place)), of)
        return True

    def open(self, of: Kind, config: PublishConfig) -> None:
        """Make it where it is not there, as private as was asked. Raises KitError as `check` does."""
        if not self.check(of):
            self.api.create_repo(self.name, repo_type=self.kind, private=not config.public, exist_ok=True)
        if config.public or config.gated:
            wanted: dict[str, Any] = {"private": False} if config.public else {}
            if config.gated:
                wanted["gated"] = config.gated
            self.api.update_repo_settings(self.name, repo_type=self.kind, **wanted)

    def head(self) -> str:
        return str(self.api.repo_info(self.name, repo_type=self.kind, revision="main").sha)

    def tags(self) -> dict[str, str]:
        return {tag.name: tag.target_commit for tag in self.api.list_repo_refs(self.name, repo_type=self.kind).tags}

    def tree(self, revision: str) -> dict[str, str]:
        """By file, the digest that the hub has of it: SHA-256 of large ones, git's of others."""
        found = self.api.list_repo_tree(self.name, repo_type=self.kind, revision=revision, recursive=True)
        return {each.path: each.lfs.sha256 if each.lfs else each.blob_id for each in found if hasattr(each, "blob_id")}

    def difference(self, made: Made, revision: str) -> list[str]:
        """The files that are not the same there: missing, changed, or too many."""
        there = {path: told for path, told in self.tree(revision).items() if ours(path)}
        own = {str(path.relative_to(made.folder)): path for path in made.files()}
        changed = [name for name, path in own.items() if there.get(name) not in _digests(path)]
        return sorted({*changed, *(there.keys() - own.keys())})

    def released(self, made: Made) -> str | None:
        """The commit that the release's tag is on. Raises KitError where that has other files."""
        tag = made.release["release"]
        commit = self.tags().get(tag)
        if commit and (other := self.difference(made, commit)):
            raise KitError(f"{self.name} has a release {tag} with another {other[0]}: give this one another --release")
        return commit

    def commit(self, made: Made, message: str, say: Say) -> Sent:
        """Everything that differs, in one commit on top of what was found at first."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete
        from huggingface_hub.errors import HfHubHTTPError, HTTPError

        start, files, size = self.head(), 0, 0
        for attempt in range(TRIES):
            head = self.head()
            different = self.difference(made, head)
            if not different:
                return Sent(head, files, size)  # of a commit whose answer was lost, what was sent
            if head != start:
                raise KitError(f"somebody else changed {self.name} meanwhile: look at it, then run again")
            own = {str(path.relative_to(made.folder)) for path in made.files()}
            adds = [name for name in different if name in own]
            files, size = len(adds), sum((made.folder / name).stat().st_size for name in adds)
            say(f"sending {files} files, {size / 1e6:,.1f} MB")
            operations = [
                *(CommitOperationAdd(name, str(made.folder / name)) for name in adds),
                *(CommitOperationDelete(name) for name in different if name not in own),
            ]
            try:
                told = self.api.create_commit(
                    self.name, operations, commit_message=message, repo_type=self.kind, parent_commit=start
                )
            except (HfHubHTTPError, HTTPError, ConnectionError, TimeoutError) as error:
                code = getattr(getattr(error, "response", None), "status_code", 0)
                if attempt + 1 == TRIES or not (code in PASSING or code >= 500):
                    raise
                time.sleep(0 if code == CHANGED else 2**attempt)
                continue
            except (RuntimeError, ValueError) as error:  # of a blob that was refused, or a card
                raise KitError(f"cannot publish {self.name}: {first_line(error)}") from error
            return Sent(str(told.oid), files, size)
        raise AssertionError("unreachable")

    def tag(self, name: str, commit: str) -> None:
        """Raises KitError where another process was faster, with another commit."""
        self.api.create_tag(self.name, tag=name, revision=commit, repo_type=self.kind, exist_ok=True)
        if (found := self.tags().get(name)) != commit:
            raise KitError(f"{self.name}: the tag {name} is on {found}, not on {commit}: somebody else made it meanwhile")


def _digests(path: Path) -> tuple[str, str]:
    """The digests by which the hub may know a file."""
    size = path.stat().st_size
    git = hashlib.sha1(b"blob %d\0" % size)
    with path.open("rb") as handle:
        while piece := handle.read(1 << 20):
            git.update(piece)
    return file_digest(path), git.hexdigest()


def compare(made: Made, name: str, revision: str, kind: RepoKind) -> None:
    """Fetch a release by name and tag, and compare every file with those that were sent. Raises KitError for the first that is
    another."""
    with tempfile.TemporaryDirectory(prefix="kit-") as place:
        folder = snapshot(name, revision, kind, to=Path(place))
        check_sums(folder)
        if (folder / SUMS).read_bytes() != (made.folder / SUMS).read_bytes():
            raise KitError(f"{name}@{revision} was read back and is another release than the one that was sent")


def fetch(named: str, place: Path) -> Path:
    """All files of a release of any kind, in a folder. named: ORG/NAME@TAG; with `models/` before it where a data set has the
    same name. Raises KitError where the hub has none of that name."""
    from huggingface_hub import HfApi

    told = reference(named.removeprefix("models/"))
    if told is None:
        raise KitError(f"--verify {named}: give a release as ORG/NAME@TAG, or a release folder")
    with clearly(f"fetch {named}"):
        model = named.startswith("models/") or not HfApi().repo_exists(told.name, repo_type="dataset")
    return snapshot(told.name, told.revision, "model" if model else "dataset", to=place)
