"""One run through all counts: what a shorter run would have made is taken from where a longer one came by it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from kit.core.errors import KitError
from kit.core.records import Manifest
from kit.core.store import EXECUTION, finished, intact_manifest, placed, replaced, run_stage
from kit.models.checkpoint import TINY, read, write_base
from kit.train.data import load_sources
from kit.train.dealing import read_dealt, schedule_of
from kit.train.recipes import TrainConfig
from kit.train.run import HISTORY, KEPT, MAKES, STEPS, Prepared, prepared, told
from kit.train.start import check_start, tokens_of


def point(config: TrainConfig, data: str, model: str, out: Path, longer: Path) -> Path:
    """What `train` makes of these settings, under the same key, unless it is in `out` already; returns `out`.

    longer: a finished run of more examples in the order drawn that kept its weights behind this one's last step. They are linked
    here, where the file system can; what they were shown is told as of a run of their own.
    Raises KitError as `train` does, and where the longer run is no run of the same settings, or saw other rows until then.
    """
    run = prepared(config, data, model)
    if finished(out, run.key):
        return out
    checkpoint = None if model == TINY else read(model)
    check_start(run.config, checkpoint)
    steps = config.step_count()
    with run_stage(out, "train", run.settings, run.inputs, MAKES) as stage:
        manifest = intact_manifest(longer)
        tokens = tokens_of(run.config, run.data, checkpoint)
        window = checkpoint.window if checkpoint else config.tiny.positions
        loaded = load_sources(run.config, run.data, tokens, window, stage.working / "rows")
        schedule = schedule_of(run.config, loaded.sources, [] if checkpoint is None else read_dealt(model))
        if not _goes_through(longer, manifest, run, schedule.digests([steps])):
            raise KitError(f"the run in {longer} did not begin with that of {out}: delete both, and run them again")
        _taken(longer / STEPS / str(steps), out / "model")
        history = [entry for entry in json.loads((longer / HISTORY).read_text("utf-8")) if entry["step"] <= steps]
        stage.results.update(
            {name: manifest.results[name] for name in ("parameters", "trained_parameters")}
            | told(out, schedule, history, len(loaded.skipped))
        )
        stage.notes += tokens.notes(loaded.conversations, loaded.trimmed)
        stage.notes.append(f"its weights are those of a longer run behind step {steps}, {manifest.key}")
    return out


def _goes_through(longer: Path, manifest: Manifest, run: Prepared, digests: dict[int, str]) -> bool:
    """Whether a run has the settings of another but for its length, at a rate that does not hang on it, and had learned rows of
    these digests behind these steps."""
    length = ("examples", "steps", "epochs", "keep", *EXECUTION)
    of = dict.fromkeys(run.inputs)  # whose places count for nothing
    settings, mine = (
        replaced({k: v for k, v in all_.items() if k not in length}, of) for all_ in (manifest.config, run.settings)
    )
    found = json.loads((longer / KEPT).read_text("utf-8")) if (longer / KEPT).exists() else {}
    return (
        settings == mine
        and manifest.inputs == run.inputs
        and run.config.schedule == "constant"
        and all(found.get(str(step)) == said for step, said in digests.items())
    )


def _taken(kept: Path, place: Path) -> None:
    """A checkpoint's files, without another copy of them where that can be."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for file in kept.iterdir():
        placed(file, place / file.name)
    if adapter := read(str(kept)).adapter:  # which is named by the way to it
        write_base(place, adapter.base, adapter.made or {})
