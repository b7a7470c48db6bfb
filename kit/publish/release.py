"""The release folder: everything that is sent, built from a finished stage's directory and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

import kit
from kit.core.config import dump
from kit.core.errors import KitError
from kit.core.hub import RepoKind, is_name
from kit.core.records import RECORDS, Manifest
from kit.core.seeds import digest
from kit.core.store import atomic_path, clear_errors, file_digest, intact_manifest, lock, replaced
from kit.models.checkpoint import training_manifest
from kit.publish.card import as_json, citation_file
from kit.publish.config import ACCESS, OF_DATA, Kind, PublishConfig, license_of, missing
from kit.sources.published import FORM, RELEASE, SUMS, Stored, read_release, read_sums

OF_STAGES: dict[str, Kind] = {"generate": "world", "eval": "evaluation", "train": "checkpoint", "export": "checkpoint"}
"""What a stage's directory is published as."""

SOURCES = "sources"
"""The folder of a release that holds the files a world was made from."""


class Made(NamedTuple):
    """A release folder. missing: what only a person knows and has not told."""

    folder: Path
    release: dict[str, Any]
    missing: list[str]

    @property
    def kind(self) -> Kind:
        return self.release["kind"]

    @property
    def repo_kind(self) -> RepoKind:
        return repo_kind(self.kind)

    def files(self) -> list[Path]:
        """All that is sent, in order."""
        return sorted(p for p in self.folder.rglob("*") if p.is_file() and not p.name.startswith(".lock"))


def repo_kind(kind: Kind) -> RepoKind:
    """In which kind of repository a release lies."""
    return "model" if kind == "checkpoint" else "dataset"


class Data(NamedTuple):
    """What the maker of a kind of release adds to it. tables: of a world, where each of kit's is. needs: what making it again
    takes beside the release. told: what more `release.json` says."""

    tables: dict[str, Stored]
    needs: list[str] = []
    told: dict[str, Any] = {}


Filler = Callable[[Path, Path, Manifest, str], Data]
"""Fills a release: from a directory, into a folder, given its manifest and the canary."""

Renderer = Callable[[Path, dict[str, Any]], dict[str, str]]
"""The files that follow from the others of a release, by name."""


def make_release(directory: Path, to: str, config: PublishConfig, out: Path, fill: Filler, render: Renderer) -> Made:
    """Build the release of a directory in `out`, whole or not at all, in place of one for the same repository.

    Raises KitError where the directory is unfinished or damaged, is of no kind that can be published, or `out` holds anything
    else.
    """
    check_name(to)
    pa.set_memory_pool(pa.system_memory_pool())
    pa.set_cpu_count(1)  # several threads keep a third more memory, and are hardly faster at this
    manifest = intact_manifest(directory)
    kind = kind_of(directory, manifest)
    settings = {name: value for name, value in dump(config).items() if name not in ACCESS}
    if kind != "checkpoint":
        settings["license"] = settings["license"] or OF_DATA
    settings["title"] = settings["title"] or to.split("/")[1]
    canary = f"kit canary {digest('canary', to, manifest.key, length=32)}"
    told = {
        "form": FORM, "kit": kit.__version__, "kind": kind, "to": to, "release": config.release, "key": manifest.key,
        "started": manifest.started, "canary": canary, "settings": settings,
    }  # fmt: skip
    _check_place(out, to)
    with clear_errors(out), _building(out) as folder:
        data = fill(directory, folder, manifest, canary)
        told |= {"needs": data.needs, "tables": {n: t._asdict() for n, t in data.tables.items()}, **data.told}
        (folder / RELEASE).write_text(as_json(told), "utf-8")
        for name, text in derived(folder, told, render).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        write_sums(folder)
    return Made(out, told, missing(config, kind, training_manifest(directory).config))


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold the place of a release for this process, while it is made, checked and sent. Raises KitError where another has it."""
    with lock(out.with_name(f".{out.name}.lock")):
        yield


def _check_place(out: Path, to: str) -> None:
    """Raises KitError where a release may not take the place of what is there."""
    if not out.exists() or not any(out.iterdir()):
        return
    if not (out / RELEASE).exists():
        raise KitError(f"{out} holds something that is no release: choose another --out")
    if (other := read_release(out)["to"]) != to:
        raise KitError(f"{out} holds a release for {other}: choose another --out")
    listed = {SUMS, *read_sums(out)}
    strange = sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file() and str(p.relative_to(out)) not in listed)
    if strange:
        raise KitError(f"{out} holds {strange[0]}, which is of no release: choose another --out")


def check_name(to: str) -> None:
    """Raises KitError where it cannot be a repository's."""
    if not is_name(to):
        raise KitError(f"--to {to}: give the repository as ORG/NAME")


def kind_of(directory: Path, manifest: Manifest) -> Kind:
    """What a directory is published as. Raises KitError where it is nothing that can be."""
    if manifest.stage not in OF_STAGES:
        raise KitError(f"{directory} holds a {manifest.stage} run: worlds, evaluations and checkpoints are published")
    return OF_STAGES[manifest.stage]


@contextmanager
def _building(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place when it is whole."""
    folder = out.with_name(f".{out.name}.part")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
        if out.exists():
            shutil.rmtree(out)
        folder.rename(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def derived(folder: Path, release: dict[str, Any], render: Renderer) -> dict[str, str]:
    """The text files that follow from the rest: card, licence, citation and what the kind has more of."""
    license_ = license_of(release["settings"])
    head = f"{release['settings']['title']}, release {release['release']}\n{license_.name}: {license_.url}\n\n"
    return {
        **render(folder, release),
        "LICENSE": head + license_.text,
        "CITATION.cff": citation_file(release, release["started"]),
    }


def write_sums(folder: Path) -> None:
    """`SHA256SUMS` of all else, as `sha256sum -c` reads it."""
    files = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p != folder / SUMS)
    lines = [f"{file_digest(folder / name)}  {name}\n" for name in files]
    (folder / SUMS).write_text("".join(lines), "utf-8")


def with_sources(folder: Path, manifest: Manifest) -> Manifest:
    """A manifest whose settings name files of the release, which are copied there; a checkpoint is not, but named.

    Raises KitError where a file is no longer what the stage was made from.
    """
    values: dict[str, str] = {}
    for name, expected in manifest.inputs.items():
        given = setting(manifest.config, name)
        if not isinstance(given, str) or not Path(given).exists():
            if isinstance(given, str) and Path(given).is_absolute():
                raise KitError(f"{name}: {given}, which the world was made from, is gone")
            continue
        path = Path(given)
        source = path / RECORDS if path.is_dir() and (path / RECORDS).exists() else path
        if source.is_dir():
            values[name] = path.name
            continue
        if file_digest(source) != expected:
            raise KitError(f"{name}: {given} has changed since the world was made from it")
        place = f"{SOURCES}/{name}/{source.name}"
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / place)
        values[name] = str(Path(place).parent) if source != path else place
    return replace(manifest, config=replaced(manifest.config, values))


def needs(manifest: Manifest) -> list[str]:
    """What making a published world again takes beside its release: checkpoints that are neither in it nor on the hub."""
    named = {name: setting(manifest.config, name) for name in manifest.inputs}
    return [
        f"{name} (a checkpoint, {told})"
        for name, told in named.items()
        if isinstance(told, str) and not told.startswith(f"{SOURCES}/") and not is_name(told.partition("@")[0])
    ]


def setting(config: dict[str, Any], path: str) -> Any:
    """What a configuration has at a path (`a.b`); None where it has nothing there."""
    value: Any = config
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """The manifest and the configuration as they are published: without places of this machine."""
    told = _placeless(asdict(manifest))
    for name, data in (("manifest.json", told), ("config.json", told["config"])):
        with atomic_path(folder / name) as temporary:
            temporary.write_text(as_json(data), "utf-8")


def _placeless(value: Any) -> Any:
    """Absolute paths of what is on this machine cut down to their last part. (Others are found when a release is checked.)"""
    if isinstance(value, dict):
        return {key: _placeless(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_placeless(each) for each in value]
    if isinstance(value, str) and value.startswith("/") and value.count("/") > 1 and "\n" not in value and Path(value).exists():
        return Path(value).name
    return value
