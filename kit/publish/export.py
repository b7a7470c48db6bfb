"""`kit export`: what a training run made as one whole checkpoint, its adapter merged, in the precision that others load."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

from kit.core.config import Config, dump
from kit.core.errors import KitError
from kit.core.store import finished, read_manifest, run_stage, stage_key
from kit.models.checkpoint import RUN, read, run_of, with_model

SHOWN = "shown.parquet"


class ExportConfig(Config):
    """precision: of the weights that are written. bf16 rounds fp32 masters to eight bits of mantissa, as they are published."""

    precision: Literal["bf16", "fp32"] = "bf16"


def export(config: ExportConfig, run: str, out: Path) -> Path:
    """Write the checkpoint of a training run into `out`, whole, unless it is there already; returns `out`. The run's manifest
    goes with it, as `run.json`, and what it was shown.

    Raises KitError where `run` is no finished training run, or its weights do not load.
    """
    made_by = run_of(run)
    if made_by is not None and read_manifest(made_by).stage != "train":
        raise KitError(f"{run} was exported already")
    if made_by is None:
        raise KitError(f"{run} is no training run of kit's: other checkpoints are as they are")
    settings, inputs = with_model(dump(config), {}, run)
    if finished(out, stage_key("export", settings, inputs)):
        return out
    with run_stage(out, "export", settings, inputs, ("model", RUN, SHOWN)) as stage:
        trusted = bool(read_manifest(made_by).config.get("trust_remote_code"))
        stage.results.update(_whole(config, run, out / "model", trusted))
        for name, copy in (("manifest.json", RUN), (SHOWN, SHOWN)):
            if (made_by / name).exists():
                shutil.copyfile(made_by / name, out / copy)
    return out


def _whole(config: ExportConfig, run: str, out: Path, trusted: bool) -> dict[str, float]:
    from kit.models.load import choose_dtype, load, load_tokenizer, save

    checkpoint = read(run)
    network: Any = load(checkpoint, trusted=trusted)
    if checkpoint.adapter:
        network = network.merge_and_unload()
    network.to(choose_dtype(config.precision))
    tokenizer = load_tokenizer(checkpoint, trusted)
    save(network, tokenizer, checkpoint.stops, out)
    return {"parameters": sum(p.numel() for p in network.parameters()), "merged": float(checkpoint.adapter is not None)}
