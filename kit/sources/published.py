"""A world that was published on the hub, as a data directory: fetched once a revision, its tables put together again.

A release keeps the rows of each of kit's tables in files by configuration and split, with columns for readers beside kit's own.
`release.json` says which files hold a table and what its columns are called there; the column `row` is where a row stood.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kit.core.errors import KitError, first_line, nearest
from kit.core.hub import Reference, reference, snapshot
from kit.core.records import record_of, schema_of
from kit.core.seeds import digest
from kit.core.store import cache_directory, file_digest, intact_manifest, lock, read_manifest, write_arrow, write_json
from kit.sources.hub import is_local

RELEASE = "release.json"
"""What makes a folder a release: what it is of, and where its tables are."""

KINDS = ("world", "evaluation", "checkpoint")

FORM = 1
"""The form of a release that this version writes and reads."""

ROW = "row"
BATCH = 5_000


class Stored(NamedTuple):
    """Where a release keeps a table. files: folders of Parquet files, each in the order of the table's rows. columns: those of
    the table, in order, and what each is called in the release."""

    folders: tuple[str, ...]
    columns: dict[str, str]


class StoredTable(BaseModel):
    """Where a release keeps a table: names that lead nowhere else."""

    model_config = ConfigDict(strict=True)
    folders: list[Annotated[str, Field(pattern=r"^data(/[\w-]+){1,3}$")]]
    columns: dict[str, str]


class ReleaseFile(BaseModel):
    """What `release.json` has to say; it may say more."""

    model_config = ConfigDict(strict=True, extra="allow")
    form: int
    kit: str
    kind: str
    to: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    release: str
    key: str
    started: str
    canary: str
    settings: dict[str, Any]
    tables: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], StoredTable]
    needs: list[str]


def read_release(folder: Path, kind: str | None = None) -> dict[str, Any]:
    """What `release.json` says. Raises KitError where there is none, or it is of another kind or form."""
    path = folder / RELEASE
    try:
        told = json.loads(path.read_text("utf-8"))
        found, form, name = told["kind"], told["form"], f"{told['to']}@{told['release']}"
    except FileNotFoundError:
        raise KitError(f"{folder} has no {RELEASE}: it was not published by kit") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KitError(f"{RELEASE} is damaged ({type(error).__name__}: {first_line(error)})") from None
    if found not in KINDS:
        raise KitError(f"{RELEASE}: {found!r} is no kind of release; {nearest(str(found), KINDS)}")
    if form != FORM:
        raise KitError(f"{name} is a release of form {form}; this version of kit reads form {FORM}")
    try:
        ReleaseFile.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        raise KitError(f"{RELEASE}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if kind and found != kind:
        raise KitError(f"{name} is a published {found}, not {'an' if kind[0] in 'aeiou' else 'a'} {kind}")
    return dict(told)


def stored_tables(release: dict[str, Any]) -> dict[str, Stored]:
    """Where a release keeps each of kit's tables, by name."""
    return {name: Stored(tuple(t["folders"]), dict(t["columns"])) for name, t in release["tables"].items()}


def rows_in_order(folder: Path, stored: Stored) -> Iterator[pa.Table]:
    """The rows of one of kit's tables, in its order and with its columns; a bounded number at a time.

    Raises KitError where a row is missing, or there twice.
    """
    names = [*stored.columns.values()]
    for place in stored.folders:
        if not (folder / place).is_dir():
            raise KitError(f"{place}, where {RELEASE} says that a table is, is not there")
    runs = [_Run(path, names) for place in stored.folders for path in sorted((folder / place).glob("*.parquet"))]
    for run in runs[1:]:
        if run.schema != runs[0].schema:
            raise KitError(f"{run.place} has columns of another type than {runs[0].place}")
    done = 0
    while runs := [run for run in runs if run.filled()]:
        until = min(run.last for run in runs)
        pieces = [run.taken(until) for run in runs]
        table = pa.concat_tables([piece for piece in pieces if len(piece)])
        rows = table[ROW].to_numpy()
        order = np.argsort(rows, kind="stable")
        if not np.array_equal(rows[order], np.arange(done, done + len(rows))):
            raise KitError(f"{stored.folders[0]} and on: a row after row {done:,} is missing, or there twice")
        done += len(rows)
        own = table.take(pa.array(order)).select([*stored.columns.values()]).rename_columns([*stored.columns])
        yield own


class _Run:
    """The rows of one file, read as they are needed: their numbers only go up."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        file = pq.ParquetFile(path)
        self.place = "/".join(path.parts[-4:])
        self.names = [ROW, *columns]
        if lacking := next((name for name in self.names if name not in file.schema_arrow.names), None):
            raise KitError(f"{self.place} lacks the column {lacking}")
        self.schema = [file.schema_arrow.field(name).type for name in self.names]
        self.batches = file.iter_batches(BATCH, columns=self.names)
        self.held: pa.Table | None = None

    def filled(self) -> bool:
        """Whether there are rows left."""
        while self.held is None or not len(self.held):
            batch = next(self.batches, None)
            if batch is None:
                return False
            self.held = pa.Table.from_batches([batch]).select(self.names)
        return True

    @property
    def last(self) -> int:
        assert self.held is not None
        return int(self.held[ROW][-1].as_py())

    def taken(self, until: int) -> pa.Table:
        """The rows up to a number, which are then gone."""
        assert self.held is not None
        count = int(pc.sum(pc.less_equal(self.held[ROW], until)).as_py() or 0)
        taken, self.held = self.held[:count], self.held[count:]
        return taken


def as_directory(folder: Path, out: Path, came_from: str) -> Path:
    """A release of a world as a data directory in `out`, its manifest last. came_from: told in its notes.

    Its key is a digest of the release's rows as they are stored: the same release is the same input everywhere, and a changed one
    is another.
    """
    release = read_release(folder, "world")
    made = []
    for name, stored in stored_tables(release).items():
        tables = rows_in_order(folder, stored)
        try:
            schema = schema_of(record_of(name))
        except KeyError:
            raise KitError(f"{RELEASE}: this version of kit knows no table {name}") from None
        if [*stored.columns] != schema.names:
            raise KitError(f"{RELEASE}: the table {name} has other columns than this version's")
        write_arrow(out / f"{name}.parquet", schema, (table.cast(schema) for table in tables))
        made.append(f"{name}.parquet")
    for name in ("audit.json", "own.json", "config.json"):
        if (folder / name).exists():
            (out / name).write_bytes((folder / name).read_bytes())
            made.append(name)
    manifest = read_manifest(folder)
    write_json(
        out / "manifest.json",
        asdict(
            replace(
                manifest,
                key=content_key(folder),
                outputs={name: file_digest(out / name) for name in sorted(made) if name != "config.json"},
                notes=[*manifest.notes, came_from],
            )
        ),
    )
    return out


def content_key(folder: Path) -> str:
    """A digest of the Parquet files of a release, by name and content."""
    files = sorted(folder.glob("data/**/*.parquet"))
    return digest("published", [[str(path.relative_to(folder)), file_digest(path)] for path in files])


def local(source: str) -> str:
    """The same source; of a published world, ORG/NAME@REVISION, its data directory in the cache.

    Raises KitError where the hub does not give it, or it is not one of kit's worlds.
    """
    named = None if Path(source).exists() else reference(source)
    return str(_fetched(named)) if named else source


def as_named(source: str) -> dict[str, str]:
    """How a stage's settings name its data, so that readers find them: by name where it has one on the hub, not by a place
    here."""
    return {} if is_local(source) or Path(source).exists() else {"data": source}


@functools.lru_cache(maxsize=64)
def _fetched(named: Reference) -> Path:
    cache = cache_directory()
    if cache is None:
        raise KitError(f"{named}: there is no place to keep it: set XDG_CACHE_HOME")
    files = snapshot(named.name, named.revision, "dataset", [RELEASE])
    read_release(files, "world")
    out = cache / "worlds" / named.name.replace("/", "--") / files.name
    if (out / "manifest.json").exists():
        intact_manifest(out)
        return out
    with lock(out, wait=True):
        if not (out / "manifest.json").exists():
            wanted = ["data/**", "*.json", "SHA256SUMS"]
            whole = snapshot(named.name, files.name, "dataset", wanted)
            check_sums(whole, only="data/")
            as_directory(whole, out, f"published as {named}, commit {files.name}")
    return out


SUMS = "SHA256SUMS"


def ours(name: str) -> bool:
    """Whether a file is of the release, and not of the hub, of git or of a download."""
    return name != ".gitattributes" and not name.startswith((".git/", ".cache/huggingface/"))


def read_sums(folder: Path) -> dict[str, str]:
    """The digests that a release lists, by file. Raises KitError where the list is missing or damaged."""
    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise KitError(f"{folder} has no readable {SUMS}") from None
    pairs = [line.split("  ", 1) for line in lines]
    if bad := next((line for line, pair in zip(lines, pairs, strict=True) if len(pair) != 2 or len(pair[0]) != 64), None):
        raise KitError(f"{folder / SUMS}: not a line of a digest and a file: {bad[:80]!r}")
    return {name: told for told, name in pairs}


def check_sums(folder: Path, only: str = "") -> None:
    """Raises KitError for the first file that is not what the list says, not listed, or not there. only: how the names begin of
    the files that have to be there."""
    told = read_sums(folder)
    there = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    there = {name for name in there if name != SUMS and ours(name)}
    if unlisted := sorted(there - told.keys()):
        raise KitError(f"{unlisted[0]} is not listed in {SUMS}")
    if missing := sorted(name for name in told.keys() - there if name.startswith(only)):
        raise KitError(f"{missing[0]} is listed in {SUMS} and missing")
    for name in sorted(there & told.keys()):
        if file_digest(folder / name) != told[name]:
            raise KitError(f"{name} is not what {SUMS} says: it was changed or damaged")
