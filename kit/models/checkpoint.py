"""What a checkpoint is, read from its files alone: nothing is loaded, and neither torch nor transformers is imported.

A checkpoint is named by a directory, by a train run's directory, or by its name on the hub, `ORG/NAME` or `ORG/NAME@REVISION`.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from kit.core.errors import KitError, first_line
from kit.core.hub import is_name, snapshot
from kit.core.records import Manifest, from_row
from kit.core.seeds import digest as digest_of
from kit.core.store import dropped, file_digest, intact_manifest, read_manifest, unfinished, write_json

MAKE_MODELS = ("train", "export")
"""The stages whose directories hold a checkpoint, in `model`."""

RUN = "run.json"
"""Beside an exported checkpoint, the manifest of the run that made it."""

TINY = "tiny"
"""The name of the model that a training run builds instead of loading a checkpoint."""

ADAPTER = "adapter_config.json"
BASE = "base.json"
"""Beside an adapter that kit made: where its base lies, seen from there, the digest of what it was, and the adapter's
settings."""

_SMALL_FILES = ("*.json", "*.jinja", "*.model", "*.txt", "*.py")
_WINDOWS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "max_sequence_length")


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter on a base. settings: peft's (`r`, `lora_alpha`, `target_modules`, …). made: kit's own, of an adapter of
    its."""

    base: Checkpoint
    settings: Mapping[str, Any]
    made: Mapping[str, Any] | None

    @property
    def rank(self) -> int:
        return int(self.settings.get("r", 8))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint as its files tell it.

    source, revision: what loads it, a directory or a name on the hub at a commit. files: where its small files lie. adapter:
    where it holds an adapter and no whole model. stops: the ids that its generation config, or else its config, ends an answer
    with. window: the tokens it reads at once, None where it knows no bound.
    """

    source: str
    revision: str | None
    files: Path
    adapter: Adapter | None
    stops: tuple[int, ...]
    window: int | None

    @property
    def whole(self) -> Checkpoint:
        """The model itself: an adapter's base."""
        return self.adapter.base if self.adapter else self

    @property
    def tokenizer(self) -> Checkpoint:
        """Where the tokenizer is: with the adapter, or with its base."""
        return self if not self.adapter or _has_tokenizer(self.files) else self.adapter.base


def _has_tokenizer(files: Path) -> bool:
    return any((files / name).exists() for name in ("tokenizer.json", "tokenizer_config.json", "tokenizer.model"))


def read(model: str) -> Checkpoint:
    """The checkpoint that `model` names. Of a train run it is what the run made.

    Raises KitError where nothing is there, where a run is unfinished, a file damaged, the base of an adapter gone or no longer
    what it was, or the hub has no such checkpoint.
    """
    if Path(model).exists():
        weights = _placed(Path(model)).weights
        return _read(str(weights), None, weights)
    name, _, revision = model.partition("@")
    if not is_name(name):
        raise KitError(f"{model} does not exist, and is no name on the hub (ORG/NAME)")
    files = _snapshot(name, revision or None)
    return _read(name, files.name, files)


def check_kept(checkpoint: Checkpoint) -> None:
    """Raises KitError where its weights, or those of its base, were dropped by the sweep that made them."""
    for each in {checkpoint.source, checkpoint.whole.source}:
        if (run := run_of(each)) and dropped(run):
            raise KitError(f'the weights of {run} were not kept: run its sweep with keep_weights = "all"')


def digest(model: str) -> str:
    """What `model` holds, as a stage's key names it: a run by its own key, other files by their content, a checkpoint on the hub
    by its commit; an adapter together with its base.

    Raises KitError as `read` does, and where a run's files are no longer what they were.
    """
    found = read(model)
    base = digest(_named(found.adapter.base)) if found.adapter else None
    if found.revision:
        return digest_of(_named(found), base) if base else _named(found)
    place = _placed(Path(model))
    if place.run:
        return intact_manifest(place.run).key
    files = sorted(p for p in place.weights.iterdir() if p.is_file() and p.name[0] != ".")
    return digest_of([[p.name, p.stat().st_size, file_digest(p)] for p in files], base)


def run_of(model: str) -> Path | None:
    """The finished train run that made `model`, where one did."""
    return _placed(Path(model)).run if Path(model).exists() else None


def training_manifest(run: Path) -> Manifest:
    """The manifest of the training behind a directory that holds a checkpoint: the run's own, or of what was exported, its
    run's."""
    manifest = read_manifest(run)
    return from_row(Manifest, _json(run / RUN)) if manifest.stage == "export" else manifest


class _Placed(NamedTuple):
    """Where the weights of a directory are, and the finished train run that made them, where one did."""

    weights: Path
    run: Path | None


def _placed(path: Path) -> _Placed:
    """A train run keeps its weights in its `model` folder, and may be named by either; any other directory is itself."""
    path = path.resolve()
    if not path.is_dir():
        raise KitError(f"{path} is a file: a model is a directory, or a name on the hub")
    within = any((path / "model" / name).exists() for name in ("config.json", ADAPTER))
    weights = path / "model" if within else path
    for run in (path, path.parent):
        told = unfinished(run)
        if told and told["stage"] in MAKE_MODELS and weights in (run, run / "model"):
            raise KitError(f"{run} is unfinished: run its command again, and then use what it makes")
        if (run / "manifest.json").exists() and weights in (run, run / "model"):
            stage = read_manifest(run).stage
            if stage in MAKE_MODELS:
                return _Placed(run / "model", run)
            if weights == run:
                raise KitError(f"{run} holds a {stage} run, not a model")
    return _Placed(weights, None)


def with_model(
    settings: dict[str, Any], inputs: dict[str, str], model: str, key: str | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """A stage's settings and inputs with its model: it counts by what it holds, not by its place; one on the hub is told by name
    and commit.

    key: that of a model that a plan will make but has not yet. The one place where training, evaluation and the plan learn how a
    model enters a stage's key.
    """
    told = "<input>" if key or Path(model).exists() else _named(read(model))
    return {**settings, "model": told}, {**inputs, "model": key or digest(model)}


def write_base(adapter: Path, base: Checkpoint, settings: Mapping[str, Any]) -> None:
    """Leave beside an adapter what it belongs to, and by which settings it was made."""
    place = os.path.relpath(base.source, adapter.resolve()) if base.revision is None else ""
    write_json(adapter / BASE, {"base": place, "digest": digest(_named(base)), "lora": settings})


def _named(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.source}@{checkpoint.revision}" if checkpoint.revision else checkpoint.source


def _read(source: str, revision: str | None, files: Path) -> Checkpoint:
    config = _json(files / "config.json") if (files / "config.json").exists() else {}
    adapter = _adapter(files) if (files / ADAPTER).exists() else None
    if not config and not adapter and not _has_tokenizer(files):
        raise KitError(f"{source} holds neither config.json nor {ADAPTER}: it is no checkpoint")
    text: dict[str, Any] = config.get("text_config") if isinstance(config.get("text_config"), dict) else {}  # type: ignore[assignment]
    generation = _json(files / "generation_config.json") if (files / "generation_config.json").exists() else {}
    ends = (part["eos_token_id"] for part in (generation, text, config) if part.get("eos_token_id") is not None)
    stops = _ids(next(ends, None))
    if adapter:
        return Checkpoint(source, revision, files, adapter, stops or adapter.base.stops, adapter.base.window)
    windows = (part[name] for part in (text, config) for name in _WINDOWS if isinstance(part.get(name), int))
    window = next((w for w in windows if w > 0), None)
    return Checkpoint(source, revision, files, None, stops, window)


def _adapter(files: Path) -> Adapter:
    settings = _json(files / ADAPTER)
    named = settings.get("base_model_name_or_path")
    if not isinstance(named, str) or not named:
        raise KitError(f"{files / ADAPTER} does not say which model it is for: set its base_model_name_or_path")
    own = _json(files / BASE) if (files / BASE).exists() else {}
    places = [files / str(place) for place in (own.get("base"), named) if place] + [Path(named)]
    found = [str(place) for place in places if place.is_dir() and place.resolve() != files.resolve()]
    if not found and is_name(named):
        revision = settings.get("revision")
        found = [f"{named}@{revision}" if revision else named]
    if not found:
        raise KitError(f"{files} is an adapter for {named}, which does not exist: put it there, or name it in a copy's {ADAPTER}")
    same = [place for place in found if "digest" not in own or _holds(place, own["digest"])]
    if not same:
        raise KitError(f"{found[-1]}, which the adapter in {files} belongs to, has changed since it was trained")
    base = read(same[0])
    if base.adapter:
        raise KitError(f"{files} is an adapter for {named}, which is an adapter itself: merge that into its base first")
    return Adapter(base, settings, own.get("lora"))


def _holds(model: str, expected: object) -> bool:
    try:
        return digest(model) == expected
    except KitError:
        return False


def _ids(found: object) -> tuple[int, ...]:
    """An id, a list of ids, or none."""
    ids = found if isinstance(found, list) else [found]
    return tuple(sorted({i for i in ids if type(i) is int and i >= 0}))


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise KitError(f"{path} cannot be read: {first_line(error)}") from None
    if not isinstance(data, dict):
        raise KitError(f"{path} must hold a table of settings, not a {type(data).__name__}")
    return data


@functools.lru_cache(maxsize=64)
def _snapshot(name: str, revision: str | None) -> Path:
    """The small files of a checkpoint on the hub, in its cache; the folder is called as the commit. Asked once a process, so that
    a run does not change with the hub under it."""
    return _downloaded(name, revision, list(_SMALL_FILES))


def fetched(checkpoint: Checkpoint) -> Path:
    """A directory with all of a checkpoint's files: its own, or the hub's cache."""
    if checkpoint.revision is None:
        return Path(checkpoint.source)
    return _downloaded(checkpoint.source, checkpoint.revision, None)


def _downloaded(name: str, revision: str | None, patterns: list[str] | None) -> Path:
    try:
        return snapshot(name, revision, "model", patterns)
    except KitError as error:
        raise KitError(f"{name} is no directory, and the hub does not give it: {error}") from None
