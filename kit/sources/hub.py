"""Data sets on the hub that are known by name, and how one is named: NAME, or NAME:CONFIG:SPLIT."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from kit.core.errors import KitError


class Place(NamedTuple):
    """A set's configuration, and its splits for finetuning and for a test (None: it has none that is meant for that)."""

    config: str | None
    train: str | None
    test: str | None


HUB: dict[str, Place] = {
    "openai/gsm8k": Place("main", "train", "test"),
    "openai/openai_humaneval": Place(None, None, "test"),
    "evalplus/humanevalplus": Place(None, None, "test"),
    "google/IFEval": Place(None, None, "train"),
    "hotpotqa/hotpot_qa": Place("distractor", "train", "validation"),
    "dgslibisey/MuSiQue": Place(None, "train", "validation"),
    "bigcode/self-oss-instruct-sc2-exec-filter-50k": Place(None, "train", None),
    "ConiferLM/Conifer": Place(None, "train_sft", None),
    "databricks/databricks-dolly-15k": Place(None, "train", None),
}
"""Any other is asked for by its splits `train` and `test`."""

_FILES = (".jsonl", ".json", ".parquet")


def is_local(source: str) -> bool:
    """Whether a source is a file (or would be one, were it there) or a directory, not a name on the hub."""
    return Path(source).exists() or Path(source.removesuffix(".gz")).suffix in _FILES


def check_there(source: str) -> None:
    """Raises KitError for a file that is not there; whether a name on the hub means anything shows when it is read."""
    if is_local(source) and not Path(source).exists():
        raise KitError(f"{source} does not exist")


def place(source: str, training: bool) -> tuple[str, str | None, str]:
    """The name, configuration and split that a source on the hub means. Raises KitError where it has no split of the kind."""
    name, *rest = source.split(":")
    config, train, test = HUB.get(name, Place(None, "train", "test"))
    split, other = (train, test) if training else (test, train)
    if rest:
        config = rest[0] or None
        split = ":".join(rest[1:]) or split
    if not split:
        what = "training" if training else "a test"
        raise KitError(f"{name} has no split that is meant for {what}: name one, as {name}:{config or ''}:{other}")
    return name, config, split


def for_training(source: str) -> str:
    """The same source, a set on the hub with its training split named."""
    if is_local(source):
        return source
    name, config, split = place(source, training=True)
    return f"{name}:{config or ''}:{split}"
