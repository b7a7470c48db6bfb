"""Rows that kit did not make: read from a file or a list, and every value checked where it is taken out. A bad row is told with
its number; nothing is coerced, cut or dropped in silence."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from kit.core.errors import KitError

T = TypeVar("T")

TAKEN = 1000
"""Rows of a Parquet file that are in memory at once."""

LONGEST = 500_000
"""Characters of a value that is still taken for text; above it is a file that went astray."""


class Row(NamedTuple):
    """One row, and where it stands ("rows.jsonl, line 7")."""

    values: dict[str, Any]
    where: str
    broken: str = ""
    """Why there are no values: a line that is no row."""

    def checked(self) -> dict[str, Any]:
        """The values. Raises KitError where the line is no row."""
        if self.broken:
            raise KitError(f"{self.where}: {self.broken}")
        return self.values

    def _get(self, key: str, kind: type[T], what: str) -> T:
        if key not in self.checked():
            raise KitError(f"{self.where}: the column {key} is missing; there are {', '.join(sorted(self.values)) or 'none'}")
        value = self.values[key]
        if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
            raise KitError(f"{self.where}: {key} must be {what}, not {type(value).__name__}")
        return value

    def has(self, key: str) -> bool:
        """Whether there is a value other than null."""
        return self.checked().get(key) is not None

    def text(self, key: str, empty: bool = False, longest: int = LONGEST) -> str:
        """A text; not an empty one unless that is allowed, nor one of more characters than `longest`."""
        value = self._get(key, str, "text")
        if not empty and not value.strip():
            raise KitError(f"{self.where}: {key} is empty")
        if not value.isascii() and re.search("[\ud800-\udfff]", value):
            raise KitError(f"{self.where}: {key} holds half a character (a lone surrogate), which no file in UTF-8 can")
        if len(value) > longest:
            raise KitError(f"{self.where}: {key} has {len(value):,} characters; at most {longest:,} are taken")
        return value

    def flag(self, key: str) -> bool:
        """True or false."""
        return self._get(key, bool, "true or false")

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where the column is missing or null."""
        if not self.has(key):
            return ()
        values = self._get(key, list, "a list of texts")
        return tuple(Row({key: value}, f"{self.where}, item {i}").text(key) for i, value in enumerate(values, 1))

    def rows(self, key: str) -> list[Row]:
        """A list of objects; also one in columns (an object of lists), as the hub's converted sets have it."""
        value = self.checked().get(key)
        if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
            if len({len(column) for column in value.values()}) > 1:
                raise KitError(f"{self.where}: the columns of {key} differ in length")
            value = [dict(zip(value, cells, strict=True)) for cells in zip(*value.values(), strict=True)]
        values = Row({key: value} if key in self.values else {}, self.where)._get(key, list, "a list of objects")
        for i, each in enumerate(values, 1):
            if not isinstance(each, dict):
                raise KitError(f"{self.where}: item {i} of {key} must be an object, not {type(each).__name__}")
        return [Row(each, f"{self.where}, item {i} of {key}") for i, each in enumerate(values, 1)]


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a .jsonl, .parquet or .json file (the last a list of objects), of the text ones also with .gz behind. Lines end
    at "\\n" only: real rows hold other line separators inside strings. A mark of byte order is no part of the first. A line that
    is no JSON object in UTF-8 is a row that says so when it is used.

    Raises KitError where the file cannot be read.
    """
    if path.suffix == ".parquet":
        with _readable(path):
            file = pq.ParquetFile(path)
            yield from numbered((row for batch in file.iter_batches(TAKEN) for row in batch.to_pylist()), path.name)
    elif _is_list(path):
        yield from numbered(_list(b"".join(_lines(path)), path), path.name)
    else:
        for number, line in enumerate(_lines(path), 1):
            if line.strip():
                yield _row(line, f"{path.name}, line {number}")


def count_rows(path: Path) -> int:
    """How many `read_rows` gives, without a look at what is in them. Raises KitError where the file cannot be read."""
    if path.suffix == ".parquet":
        with _readable(path):
            return int(pq.ParquetFile(path).metadata.num_rows)
    if _is_list(path):
        return len(_list(b"".join(_lines(path)), path))
    return sum(bool(line.strip()) for line in _lines(path))


def _is_list(path: Path) -> bool:
    return path.suffix == ".json" or path.name.endswith(".json.gz")


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a text file, with the ends that they have."""
    with _readable(path), gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        first = file.readline()
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from file


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Raises KitError where a file cannot be read in the block."""
    try:
        yield
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise KitError(f"cannot read {path}: {str(getattr(error, 'strerror', None) or error).splitlines()[0]}") from None


def _row(line: bytes, where: str) -> Row:
    """A line's. Without its end: what is wrong with it is told with the place in it."""
    try:
        value = json.loads(line.removesuffix(b"\n").decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return Row({}, where, f"not a JSON row in UTF-8 ({error})")
    told = "" if isinstance(value, dict) else f"a row must be an object, not {type(value).__name__}"
    return Row({} if told else value, where, told)


def _list(data: bytes, path: Path) -> list[dict[str, Any]]:
    try:
        values = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise KitError(f"{path} is not JSON in UTF-8 ({error})") from None
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise KitError(f"{path} must hold a list of objects")
    return values


def numbered(rows: Iterable[dict[str, Any]], name: str) -> Iterator[Row]:
    """Rows of a table, counted from 1."""
    for number, row in enumerate(rows, 1):
        yield Row(row, f"{name}, row {number}")


class Converted(NamedTuple):
    """What rows became, and what was said of those that were left out."""

    items: list[Any]
    skipped: list[str]


def convert(rows: Iterable[Row], make: Callable[[Row], T], skip: bool) -> Converted:
    """Every row made into something. A bad row raises its KitError or, with `skip`, is left out and told of."""
    items: list[T] = []
    skipped: list[str] = []
    for row in rows:
        try:
            items.append(make(row))
        except KitError as error:
            if not skip:
                raise
            skipped.append(str(error))
    return Converted(items, skipped)
