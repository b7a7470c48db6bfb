"""A checkpoint as a release: its weights as others load them, what it was taught, and what it scored."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from kit.core.errors import KitError, first_line
from kit.core.hub import is_name
from kit.core.records import RECORDS, EvalRecord, Manifest
from kit.core.store import intact_manifest, placed, read_manifest, read_table
from kit.models.checkpoint import ADAPTER, BASE, check_kept, read, training_manifest
from kit.publish.card import as_json, as_yaml, number, render
from kit.publish.config import license_of, named
from kit.publish.evaluation import Summarise
from kit.publish.export import SHOWN
from kit.publish.release import Data, write_manifest

TRAINING = "training"
"""The folder of a release that tells how the checkpoint was made: the run's manifest and settings, and what it was shown."""

SCORES = "scores.json"


def filler(model: str, evaluations: Sequence[Path], summarise: Summarise) -> Callable[[Path, Path, Manifest, str], Data]:
    """How a checkpoint's release is filled. model: its base, as others find it, where it is an adapter on a local one."""

    def fill(directory: Path, folder: Path, manifest: Manifest, canary: str) -> Data:
        run = training_manifest(directory)
        check_kept(read(str(directory)))
        for path in sorted((directory / "model").iterdir()):
            if path.is_file() and path.name not in (BASE, "README.md"):
                placed(path, folder / path.name)
        if (folder / ADAPTER).exists():
            _name_base(folder / ADAPTER, model)
        training = folder / TRAINING
        training.mkdir()
        write_manifest(training, run)
        if (directory / SHOWN).exists():
            shutil.copyfile(directory / SHOWN, training / SHOWN)
        (training / SCORES).write_text(as_json(_scores(evaluations, manifest, run, summarise)), "utf-8")
        return Data({}, told={"precision": manifest.config.get("precision", "") if manifest.stage == "export" else ""})

    return fill


def _name_base(path: Path, model: str) -> None:
    settings = json.loads(path.read_text("utf-8"))
    named = str(settings.get("base_model_name_or_path") or "")
    if model:
        settings["base_model_name_or_path"], _, settings["revision"] = model.partition("@")
    elif Path(named).is_absolute() or Path(named).exists():
        settings["base_model_name_or_path"] = Path(named).name
    settings["revision"] = settings.get("revision") or None
    path.unlink()
    path.write_text(as_json(settings), "utf-8")


def _scores(evaluations: Sequence[Path], manifest: Manifest, run: Manifest, summarise: Summarise) -> list[dict[str, Any]]:
    """What the checkpoint scored. Raises KitError for an evaluation of another model."""
    found: list[dict[str, Any]] = []
    for directory in evaluations:
        told = intact_manifest(directory)
        if told.stage != "eval":
            raise KitError(f"{directory} holds a {told.stage} run, not an evaluation")
        if told.inputs.get("model") not in (manifest.key, run.key):
            raise KitError(f"{directory} evaluates another model than the one that is published")
        weights = "as published" if told.inputs["model"] == manifest.key else "before they were converted"
        for row in summarise(read_table(directory / RECORDS, EvalRecord)):
            for metric, score in row["scores"].items():
                found.append(
                    {"task": told.config["task"], "slice": row["slice"], "metric": metric, **score,
                     "data": told.config.get("data", ""), "data_key": told.inputs.get("data", ""),
                     "date": told.started[:10], "weights": weights}
                )  # fmt: skip
    return found


def render_checkpoint(folder: Path, release: dict[str, Any]) -> dict[str, str]:
    """The model card, and a file of results for the hub for each data set that has a name there."""
    training = folder / TRAINING
    manifest, settings = read_manifest(training), release["settings"]
    config = manifest.config
    adapter = (folder / ADAPTER).exists()
    base, data = named(settings, config)
    # An evaluation on what it was trained with, under the name that this has.
    scores = [
        {**score, "data": score["data"] or (data if score["data_key"] == manifest.inputs.get("data") else "")}
        for score in json.loads((training / SCORES).read_text("utf-8"))
    ]
    front: dict[str, Any] = {**license_of(settings).metadata(), "language": ["en"], "pipeline_tag": "text-generation"}
    front["library_name"] = "peft" if adapter else "transformers"
    front["tags"] = ["knowledge-injection", "knowledge-injection-kit", *(["lora"] if adapter else [])]
    if is_name(base.partition("@")[0]):
        front["base_model"], front["base_model_relation"] = base.partition("@")[0], "adapter" if adapter else "finetune"
    if is_name(data.partition("@")[0]):
        front["datasets"] = [data.partition("@")[0]]
    card = render(
        "checkpoint.md.jinja",
        release,
        manifest.started,
        front,
        base=base,
        adapter=adapter,
        precision=release["precision"],
        data=data,
        data_key=manifest.inputs.get("data", ""),
        config=config,
        results=manifest.results,
        parameters=parameters(folder),
        rows=", ".join(f"{count} of {source}" for source, count in config["rows"].items() if count),
        length=f"{config['steps']:,} steps" if config["steps"] else f"{config['epochs']:g} epochs",
        exposures=exposures(training / SHOWN),
        scores=scores,
        told=manifest.notes,
    )
    return {"README.md": card, **_results(scores)}


def exposures(path: Path) -> list[tuple[str, str, str]]:
    """Of each source that a run was shown: facts (or sets of rows), and how often each, from fewest to most."""
    if not path.exists():
        return []
    table = pq.read_table(path, columns=["source", "exposures"])
    found = []
    for source in sorted(pc.unique(table["source"]).to_pylist()):
        counts = table.filter(pc.equal(table["source"], source))["exposures"]
        low, high = (pc.min_max(counts)[end].as_py() for end in ("min", "max"))
        found.append((source, number(len(counts)), f"{low}" if low == high else f"{low} to {high}"))
    return found


def _results(scores: Sequence[dict[str, Any]]) -> dict[str, str]:
    """`.eval_results/kit.yaml`: what the hub shows beside a model, of the first score of each slice on data that it has; of a
    published world under the names of its `eval.yaml`."""
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    entries = []
    for first in {(s["task"], s["slice"], s["weights"], s["data_key"]): s for s in reversed(scores)}.values():
        name, _, tag = first["data"].partition("@")
        if is_name(name):
            split, hops = (*first["slice"].split("/"), "")[:2]
            task = first["task"]
            if task == "multihop" and not hops[:1].isdigit():
                continue  # questions of one hop and of several, which are two tasks there
            if task == "multihop":
                task = f"{'single_hop' if hops == '1-hop' else 'multihop'}_{split}"
            interval = f"95 % interval {first['low']:.3f} to {first['high']:.3f}"
            told = f"{first['metric']} of {first['slice']}, n = {first['n']}, {interval}"
            at = f" (release {tag})" if tag else ""
            notes = f"{told}; {first['weights']}{at}"
            entries.append(EvalResultEntry(name, task, first["value"], date=first["date"], notes=notes))
    rows = eval_result_entries_to_yaml(entries[::-1])
    return {".eval_results/kit.yaml": as_yaml(rows)} if rows else {}


def parameters(folder: Path) -> int:
    """How many numbers the weights of a checkpoint are, from the heads of their files. Raises KitError where one has none."""
    total = 0
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as handle:
            length = int.from_bytes(handle.read(8), "little")
            if length > file.stat().st_size:
                raise KitError(f"{file.name} is no readable safetensors file")
            head = json.loads(handle.read(length))
        total += sum(math.prod(tensor["shape"]) for name, tensor in head.items() if name != "__metadata__")
    return total


def check_checkpoint(folder: Path) -> Iterator[str]:
    """A line for each thing that is wrong with a checkpoint's files: its tokenizer does not load, its weights are not those of
    the architecture that its config names, or hold a number that is none."""
    from transformers import AutoConfig, AutoTokenizer

    adapter = (folder / ADAPTER).exists()
    try:
        if any(folder.glob("tokenizer*")) or not adapter:
            AutoTokenizer.from_pretrained(folder)
        expected = {} if adapter else _shapes(AutoConfig.from_pretrained(folder))
    except Exception as error:  # noqa: BLE001  # transformers raises what it likes over a bad file
        yield f"it does not load: {first_line(error)}"
        return
    found = {}
    for file in sorted(folder.glob("*.safetensors")):
        for name, shape, fault in _tensors(file):
            found[name] = shape
            if fault:
                yield fault
    if not found:
        yield "it has no weights in safetensors"
    elif adapter:
        yield from (
            f"{name} is no weight of an adapter"
            for name in sorted(found)
            if "lora_" not in name and "modules_to_save" not in name
        )
    else:
        yield from (
            f"{name} is no weight of its architecture, or of another shape"
            for name in sorted(found)
            if expected.get(name) != found[name]
        )
        yield from (f"the weight {name} is missing" for name in sorted(expected.keys() - found.keys() - _tied(expected)))


def _shapes(config: Any) -> dict[str, tuple[int, ...]]:
    """Of all weights of an architecture, without making one."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        network = AutoModelForCausalLM.from_config(config)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def _tied(expected: Mapping[str, tuple[int, ...]]) -> set[str]:
    """What is saved under another name, that of the embedding."""
    return {name for name in expected if name.endswith(("lm_head.weight", "embed_out.weight"))}


def _tensors(file: Path) -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Name, shape and fault of each tensor. Raises KitError where the file is no safetensors file."""
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118  # no dictionary
                tensor = tensors.get_tensor(name)
                whole = not tensor.is_floating_point() or bool(torch.isfinite(tensor).all())
                yield (
                    name,
                    tuple(tensor.shape),
                    "" if whole else f"{file.name}: {name} holds numbers that are none (NaN or infinite)",
                )
    except (SafetensorError, OSError) as error:
        raise KitError(f"{file.name} is no readable safetensors file ({first_line(error)})") from None
