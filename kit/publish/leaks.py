"""What must not leave the machine: secrets and places of this computer, looked for in every file of a release."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SECRETS = {
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}",
    "a key of OpenAI's or Anthropic's form": r"\bsk-[A-Za-z0-9_-]{20,}",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{40,}",
    "an AWS key": r"\bA[KS]IA[0-9A-Z]{16}\b",
    "a Google key": r"\bAIza[0-9A-Za-z_-]{35}",
    "a Slack token": r"\bxox[abprs]-[0-9A-Za-z-]{10,}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a password in an address": r"\b[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@]+@",
}
"""In the syntax of RE2, which Arrow's expressions have."""

ROOTS = "home|Users|root|tmp|mnt|media|scratch|private|workspace|work|data|gpfs|nfs|opt|srv|var|Volumes"
PLACES = rf"""(?:^|[\s"'=(\[:,;<>{{`|])(?:file://)?(?:/(?:{ROOTS})/|[A-Za-z]:\\{{1,2}}Users\\)"""
"""A place on somebody's computer."""

OF_MODELS = ("tokenizer.json", "vocab.", "merges.")
"""How files begin that came with a model and are full of pieces of the web."""

ELSEWHERE = "a place on somebody's computer"
LONGEST = 64 * 2**20
"""Bytes of a text file that is looked through: larger ones are vocabularies."""


def leaks(folder: Path, own_places: Sequence[str] = (), tables: bool = True) -> Iterator[str]:
    """A line for each kind of thing found in a file, and where. own_places: paths of this machine. tables: whether tables are
    looked through for places on anybody's, too: a model's answers may hold made-up ones."""
    own = "|".join(re.escape(place) for place in own_places if len(place) > 5)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        patterns = {**SECRETS, **({"a place on this machine": own} if own else {})}
        if path.suffix == ".parquet":
            yield from _in_table(path, name, patterns | ({ELSEWHERE: PLACES} if tables else {}))
        elif path.suffix != ".safetensors" and path.stat().st_size < LONGEST:
            if not path.name.startswith(OF_MODELS):
                patterns[ELSEWHERE] = PLACES
            yield from _in_text(path, name, patterns)


def _in_text(path: Path, name: str, patterns: dict[str, str]) -> Iterator[str]:
    text = path.read_bytes().decode("utf-8", "replace")
    for what, pattern in patterns.items():
        if found := re.search(pattern, text, re.MULTILINE):
            line = text.count("\n", 0, found.start()) + 1
            shown = (
                re.split(r"[\s\"']", text[found.start() :].strip("\"' \n"))[0][:60]
                if "place" in what
                else f"{found.group()[:6]}…"
            )
            yield f"{name}, line {line}: {what} ({shown})"


def _in_table(path: Path, name: str, patterns: dict[str, str]) -> Iterator[str]:
    every = "|".join(f"(?:{pattern})" for pattern in patterns.values())
    seen: set[str] = set()
    for batch in pq.ParquetFile(path).iter_batches(20_000):
        for column, values in zip(batch.schema.names, batch.columns, strict=True):
            for texts in strings_of(values):
                if not pc.any(pc.match_substring_regex(texts, every)).as_py():
                    continue
                hit = texts.filter(pc.fill_null(pc.match_substring_regex(texts, every), False))[0].as_py()
                what = next((told for told, pattern in patterns.items() if re.search(pattern, hit)), "a secret")
                if what not in seen:
                    seen.add(what)
                    yield f"{name}: column {column} holds {what}"


def strings_of(column: Any) -> Iterator[pa.StringArray]:
    """All strings of a column, however nested."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        yield from strings_of(column.flatten())
    elif pa.types.is_struct(column.type):
        for field in column.flatten():
            yield from strings_of(field)
    elif pa.types.is_dictionary(column.type):
        yield from strings_of(column.dictionary)
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        yield column.cast(pa.string())
