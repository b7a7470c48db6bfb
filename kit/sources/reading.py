"""Items from a data directory of kit's, a file of rows, or a data set on the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from kit.core.errors import KitError
from kit.core.rows import Converted, Row, convert, count_rows, numbered, read_rows
from kit.core.store import file_digest, input_key, read_table, table_files
from kit.sources.hub import is_local, place
from kit.sources.published import local

if TYPE_CHECKING:
    from datasets import Dataset

T = TypeVar("T")


def load(source: str, table: str, record: type[T], make: Callable[[Row], T], skip: bool) -> Converted:
    """Items from `<table>.parquet` of a data directory, or made from the rows of a file or a data set.

    Raises KitError when there is no such source, or it holds nothing.
    """
    path = Path(local(source))
    if path.is_dir():
        if not table_files(path / f"{table}.parquet")[0].exists():
            raise KitError(f"{path} has no {table}: generate some with -o tasks.{table}.test=200")
        return Converted(read_table(path / f"{table}.parquet", record), [])
    found = convert(rows_of(source), _once(make), skip)
    if not found.items:
        raise KitError(f"{source} holds no row that can be used" + (f" ({found.skipped[0]})" if found.skipped else ""))
    return found


def _once(make: Callable[[Row], T]) -> Callable[[Row], T]:
    """The same, but no id twice: two questions would be taken for samples of one."""
    seen: dict[str, str] = {}

    def made(row: Row) -> T:
        item = make(row)
        id_ = str(getattr(item, "id"))  # noqa: B009  # every item has one
        if seen.setdefault(id_, row.where) != row.where:
            raise KitError(f"{row.where}: the id {id_} is also that of {seen[id_]}")
        return item

    return made


def rows_of(source: str, training: bool = False) -> Iterator[Row]:
    """The rows of a .jsonl, .json or .parquet file, or of a data set on the hub: its split for a test, or that for training."""
    if is_local(source):
        yield from read_rows(Path(source))
        return
    rows, name = _on_the_hub(source, training)
    yield from numbered(rows, name)


def count_of(source: str, training: bool = False) -> int:
    """How many rows those are."""
    return count_rows(Path(source)) if is_local(source) else len(_on_the_hub(source, training)[0])


def _on_the_hub(source: str, training: bool) -> tuple[Dataset, str]:
    """A split of a data set, and the name of that."""
    from datasets import load_dataset

    name, config, split = place(source, training)
    try:
        return load_dataset(name, config, split=split), name
    except Exception as error:  # datasets raises dozens of kinds; all mean "this source cannot be read"
        raise KitError(f"cannot load {source}: {str(error).strip().splitlines()[0]}") from error


def source_key(source: str) -> str:
    """How a stage names a source: by content where it lies on the disk or is a published world, else by name."""
    path = Path(local(source))
    if path.is_dir():
        return input_key(path)
    return file_digest(path) if path.exists() else source


def source_keys(sources: dict[str, str]) -> dict[str, str]:
    """The same of several, by the settings that name them: a stage's inputs."""
    return {name: source_key(source) for name, source in sources.items()}
