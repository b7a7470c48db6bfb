"""Everything that touches the disk: tables (Parquet), journals (JSONL), manifests, stage directories and their locks.

A stage directory is finished when it holds `manifest.json`, which is written last and atomically. A stage's key is the
digest of its configuration, its inputs' keys and its schema version: changed inputs or code never reuse old results.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import resource
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kit.core.errors import KitError
from kit.core.records import Manifest, from_row, schema_of, to_rows
from kit.core.seeds import digest

SCHEMA_VERSION = 11
"""Raised whenever the meaning of a stage's output changes, so that older results are not reused."""

EXECUTION = (
    "threads", "devices", "parallel", "checkpoint_every", "micro_batch", "packing", "gradient_checkpointing", "batch_tokens",
    "max_batch", "rows_per_file", "memory_share",
)  # fmt: skip
"""Settings that say how a stage is run, not what it computes: they stay out of its key, so that a result made on another
machine, or under another load, is the same result (floating-point sums may differ in their last bits)."""

UNFINISHED = ".unfinished"
"""The folder of a stage's directory that holds what an unfinished run goes on from: gone once there is a manifest."""

PROGRESS = "progress.jsonl"
"""In that folder, what a training run has logged so far, a line an entry."""

DROPPED = "dropped.json"
"""In a finished stage's directory, which of its outputs were deleted on purpose."""

R = TypeVar("R")


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary sibling that becomes `path` when the block ends without an error, and vanishes otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def placed(source: Path, target: Path) -> None:
    """A second name for a file of weights, where the disk has those, or a copy: weights are large, and nothing changes them.
    Other files are copied."""
    try:
        os.link(source.resolve(), target) if source.suffix == ".safetensors" else shutil.copyfile(source, target)
    except OSError:
        shutil.copyfile(source, target)


def write_json(path: Path, data: object) -> None:
    """JSON, indented, keys as given, written atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")


def write_table(path: Path, record: type, rows: Sequence[Any]) -> None:
    """Records as one zstd Parquet file with the schema of their class; the bytes depend on the rows alone."""
    write_arrow(path, schema_of(record), [pa.Table.from_pylist(to_rows(rows), schema=schema_of(record))])


def write_arrow(path: Path, schema: pa.Schema, tables: Iterable[pa.Table], rows_per_file: int | None = None) -> int:
    """Tables, one after the other, as one zstd Parquet file, or as `<stem>-00000.parquet` and on of so many rows each;
    returns the number of rows.

    The bytes depend on the rows alone, not on how they are spread over the tables: row groups (or files) are written as
    they fill up, so that a table may be larger than the memory.
    """
    rows = 0
    if rows_per_file:
        for number, piece in enumerate(_pieces(tables, schema, rows_per_file)):
            with atomic_path(path.with_name(f"{path.stem}-{number:05}.parquet")) as temporary:
                pq.write_table(piece, temporary, compression="zstd", row_group_size=ROW_GROUP)
            rows += len(piece)
        return rows
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for piece in _pieces(tables, schema, ROW_GROUP):
            writer.write_table(piece, row_group_size=ROW_GROUP)
            rows += len(piece)
            pa.default_memory_pool().release_unused()
    return rows


def _pieces(tables: Iterable[pa.Table], schema: pa.Schema, size: int) -> Iterator[pa.Table]:
    """The rows of all tables, `size` at a time; one empty piece where there are none."""
    waiting, held, none = [], 0, True
    for table in tables:
        held += len(table)
        waiting.append(table)
        if held >= size:
            joined = pa.concat_tables(waiting)
            whole = held - held % size
            for start in range(0, whole, size):
                yield joined[start : start + size].combine_chunks()
            waiting, held, none = [joined[whole:]], held - whole, False
    if held or none:
        yield pa.concat_tables(waiting or [schema.empty_table()]).combine_chunks()


ROW_GROUP = 15_000
"""Rows of a Parquet row group."""


def table_files(path: Path) -> list[Path]:
    """The file of a table, or the files it is spread over."""
    return [path] if path.exists() else sorted(path.parent.glob(f"{path.stem}-[0-9]*.parquet")) or [path]


def read_table(path: Path, record: type[R]) -> list[R]:
    """The records of a table. Raises KitError when the file is missing, no Parquet, has other columns, or an id twice."""
    return list(read_records(path, record))


def read_records(path: Path, record: type[R], **equal: str) -> Iterator[R]:
    """The same, one after the other, with some of them in memory; only those whose columns have the values of `equal`."""
    expected = schema_of(record)
    files = _opened(path)
    for file in files:
        if missing := [name for name in expected.names if name not in file.schema_arrow.names]:
            raise KitError(f"{path} lacks column {missing[0]}: it was not written by this version's {record.__name__} table")
    if "id" in expected.names:
        with _parquet(path):
            ids = pa.chunked_array([chunk for file in files for chunk in file.read(["id"])["id"].chunks], pa.string())
        if pc.count_distinct(ids).as_py() < len(ids):
            raise KitError(f"{path} has two rows of the same id")
    with _parquet(path):
        for file in files:
            for batch in file.iter_batches(ROW_GROUP, columns=expected.names):
                try:
                    table = pa.table(batch).select(expected.names).cast(expected)
                except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                    raise KitError(f"{path} has a column of the wrong type: {str(error).splitlines()[0]}") from None
                for name, value in equal.items():
                    table = table.filter(pc.equal(table[name], value))
                yield from (from_row(record, row) for row in table.to_pylist())


def count_records(path: Path) -> int:
    """How many records a table holds. Raises KitError where the file is missing, or no Parquet."""
    return sum(file.metadata.num_rows for file in _opened(path))


def _opened(path: Path) -> list[pq.ParquetFile]:
    """The files of a table."""
    with _parquet(path):
        return [pq.ParquetFile(file) for file in table_files(path)]


@contextlib.contextmanager
def _parquet(path: Path) -> Iterator[None]:
    """Raises KitError where the files of a table cannot be read in the block."""
    try:
        yield
    except FileNotFoundError:
        raise KitError(f"{path} is missing: the directory is unfinished or of another kind") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise KitError(f"{path} is not a readable Parquet file: {str(error).splitlines()[0]}") from None


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a JSONL journal; a torn last line is dropped (its work will be done again).

    Raises KitError when a line before the last is damaged.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    try:
        return [json.loads(line) for line in lines]
    except ValueError:
        raise KitError(f"{path} is damaged: delete it, and its answers will be asked for again") from None


def append_journal(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Append rows to a journal and flush them to the disk; a torn last line left by a killed run is cut off first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as handle:
        size = handle.seek(0, os.SEEK_END)
        handle.seek(max(0, size - 1))
        if size and handle.read(1) != b"\n":
            handle.seek(0)
            handle.truncate(handle.read().rfind(b"\n") + 1)
        handle.write("".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows).encode())
        handle.flush()
        os.fsync(handle.fileno())


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes. Of a large file it is remembered in the user's cache directory, by its place, size, inode and
    times of change: weights are asked for by every stage that uses them."""
    found = path.stat()
    if found.st_size < LARGE:
        return _hashed(path)
    # Within the clock's grain a file may change twice and look the same.
    settled = time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) > 2_000_000_000
    known = [str(path.resolve()), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
    cache = cache_directory()
    if not settled or cache is None:
        return _hashed(path)
    kept = cache / "digests" / digest(known, length=40)
    with contextlib.suppress(OSError, UnicodeDecodeError):
        told = kept.read_text("ascii")
        if len(told) == 64:
            return told
    made = _hashed(path)
    with contextlib.suppress(OSError), atomic_path(kept) as temporary:
        temporary.write_text(made, "ascii")
    return made


LARGE = 16 * 2**20
"""Bytes from which on the digest of a file is remembered."""


def cache_directory() -> Path | None:
    """Where kit keeps what it can make again: `$XDG_CACHE_HOME/kit`, or `~/.cache/kit`; None for a user without a home."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "kit"
    except RuntimeError:
        return None


def _hashed(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a finished stage. Raises KitError when there is none or it cannot be read."""
    path = directory / "manifest.json"
    if not directory.is_dir():
        raise KitError(f"{directory} does not exist")
    if not path.exists():
        raise KitError(f"{directory} has no manifest.json: it is unfinished or was not made by kit")
    try:
        return from_row(Manifest, json.loads(path.read_text("utf-8")))
    except (json.JSONDecodeError, TypeError, KeyError, UnicodeDecodeError):
        raise KitError(f"{path} is damaged: delete {directory} and run the stage again") from None


def intact_manifest(directory: Path) -> Manifest:
    """The manifest of a finished stage, once every file it lists was found as the stage left it, or was dropped on purpose.

    Raises KitError, as `read_manifest` does and when a file is missing or changed: a damaged result is never used.
    """
    manifest = read_manifest(directory)
    gone = dropped(directory)
    held = tuple((name, told) for name, told in manifest.outputs.items() if name not in gone)
    changed = _first_change(directory, (directory / "manifest.json").stat().st_mtime_ns, held)
    if changed:
        raise KitError(f"{directory / changed} is missing or changed since it was made: delete {directory} and run it again")
    return manifest


@functools.lru_cache(maxsize=4096)
def _first_change(directory: Path, written: int, outputs: tuple[tuple[str, str], ...]) -> str | None:
    """Checked once a process for each writing of the manifest."""
    for name, expected in outputs:
        path = directory / name
        if not path.is_file() or file_digest(path) != expected:
            return name
    return None


def drop(directory: Path, names: Iterable[str]) -> None:
    """Delete some outputs of a finished stage, for their room; that it was done on purpose is put down first."""
    names = sorted(names)
    write_json(directory / DROPPED, {"outputs": names})
    for name in names:
        (directory / name).unlink(missing_ok=True)


def dropped(directory: Path) -> frozenset[str]:
    """The outputs of a finished stage that were deleted on purpose."""
    path = directory / DROPPED
    if not path.exists():
        return frozenset()
    try:
        return frozenset(json.loads(path.read_text("utf-8"))["outputs"])
    except (OSError, ValueError, KeyError, TypeError):
        raise KitError(f"{path} is damaged: delete {directory} and run the stage again") from None


def stage_key(stage: str, config: dict[str, Any], inputs: dict[str, str]) -> str:
    """The content address of a stage's result. A setting that names an input, in a table of settings by its path (`a.b`),
    counts by what that holds, not by its place."""
    settings = {name: value for name, value in config.items() if name not in EXECUTION}
    return digest(SCHEMA_VERSION, stage, replaced(settings, dict.fromkeys(inputs)), inputs)


def replaced(settings: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with other values at some paths (`a.b`), where they have one; None leaves the setting out.

    >>> replaced({"seed": 0, "world": {"facts": "/home/me/facts.csv"}}, {"world.facts": "facts.csv", "seed": None})
    {'world': {'facts': 'facts.csv'}}
    """
    here = {name: value for path, value in values.items() for name, dot, _ in [path.partition(".")] if not dot}
    within: dict[str, dict[str, Any]] = {name: {} for name in settings if isinstance(settings[name], dict)}
    for path, value in values.items():
        name, dot, rest = path.partition(".")
        if dot and name in within:
            within[name][rest] = value
    changed = {name: replaced(value, within[name]) if within.get(name) else value for name, value in settings.items()}
    changed |= {name: value for name, value in here.items() if name in settings}
    return {name: value for name, value in changed.items() if name not in here or here[name] is not None}


def input_key(directory: Path) -> str:
    """How a stage names an input directory: the key of its manifest, or of its file list when it has none."""
    if (directory / "manifest.json").exists():
        return intact_manifest(directory).key
    if not directory.is_dir():
        raise KitError(f"{directory} does not exist")
    return digest([[p.name, p.stat().st_size, file_digest(p)] for p in sorted(directory.iterdir()) if p.is_file()])


@contextlib.contextmanager
def lock(directory: Path, wait: bool = False) -> Iterator[None]:
    """Hold `directory` for this process. Raises KitError naming the holder when another process has it, unless that is waited
    for."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            handle.seek(0)
            holder = handle.read().strip() or "another process"
            raise KitError(f"{directory} is in use by {holder}: wait for it, or choose another --out") from None
        handle.truncate(0)
        handle.write(f"process {os.getpid()} on {platform.node()}")
        handle.flush()
        yield


@dataclass
class Stage:
    """A stage being run: write outputs under `directory`, put figures into `results` and what a reader should know into `notes`;
    the manifest follows by itself. working: where it keeps what it goes on from when it is killed."""

    directory: Path
    working: Path
    results: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def finished(directory: Path, key: str) -> bool:
    """Whether `directory` holds the finished result of exactly this key.

    Raises KitError when it holds the result of another configuration: nothing is overwritten.
    """
    if not (directory / "manifest.json").exists():
        return False
    found = intact_manifest(directory)
    if found.key != key:
        raise KitError(
            f"{directory} holds a finished {found.stage} run of another configuration: choose another --out or delete it"
        )
    shutil.rmtree(directory / UNFINISHED, ignore_errors=True)  # left by a kill right behind the manifest
    return True


@contextlib.contextmanager
def run_stage(
    directory: Path, stage: str, config: dict[str, Any], inputs: dict[str, str], makes: Sequence[str], alone: bool = True
) -> Iterator[Stage]:
    """Run one stage into `directory` under its lock; on success write config.json, then manifest.json, last.

    makes: patterns of what the stage makes in its directory, files and folders. alone: refuse to be one of several processes of
    a parallel launch. Callers ask `finished` first. What a killed run
    of the same key left behind stays for the stage to resume from; what one of another key made is removed.

    Raises KitError where the directory holds anything of those names that no run of kit's began.
    """
    if alone and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise KitError(f"kit {stage} runs in one process: start it once, without torchrun or accelerate launch")
    if any(name.startswith(f"{directory.name}/") for name in _outputs_of(directory.resolve().parent)):
        raise KitError(f"{directory} belongs to the finished run in {directory.parent}: choose another --out")
    key = stage_key(stage, config, inputs)
    with clear_errors(directory), lock(directory):
        working = _begun(directory, stage, key, makes)
        for litter in directory.glob(".*.part"):
            litter.unlink()
        started, clock, cpu = datetime.now(UTC), time.perf_counter(), _cpu_seconds()
        write_json(directory / "config.json", config)
        current = Stage(directory, working)
        yield current
        made = [p for place in _made(directory, makes) for p in ([place] if place.is_file() else place.rglob("*"))]
        outputs = {
            str(p.relative_to(directory)): file_digest(p) for p in sorted(made) if p.is_file() and not p.name.startswith(".")
        }
        commit, dirty = _commit()
        manifest = Manifest(
            schema=SCHEMA_VERSION,
            stage=stage,
            key=key,
            config=config,
            inputs=inputs,
            outputs=outputs,
            commit=commit,
            dirty=dirty,
            packages=_packages(),
            hardware={"machine": platform.machine(), "cores": str(os.cpu_count()), "system": platform.system()},
            started=started.isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - clock, 3),
            cpu_seconds=round(_cpu_seconds() - cpu, 3),
            peak_memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            results=current.results,
            notes=current.notes,
        )
        write_json(directory / "manifest.json", asdict(manifest))
        shutil.rmtree(working, ignore_errors=True)


def _begun(directory: Path, stage: str, key: str, makes: Sequence[str]) -> Path:
    """The working folder of a run of this key: that of a killed run of the same key, or a new one, once what a killed run of
    another key made is gone. Each says what it makes, and began where nothing of that was."""
    working = directory / UNFINISHED
    told = unfinished(directory)
    if told and told["key"] == key:
        return working
    for path in _made(directory, told["makes"]) if told else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(working, ignore_errors=True)
    if found := _made(directory, makes):
        raise KitError(f"{directory} already holds {found[0].name}, and no unfinished run made it: choose another --out")
    working.mkdir()
    write_json(working / "run.json", {"stage": stage, "key": key, "makes": list(makes)})
    return working


def unfinished(directory: Path) -> dict[str, Any] | None:
    """The stage, key and products of a run that was begun in a directory and is not finished; None where there is none."""
    if (directory / "manifest.json").exists():
        return None
    try:
        told: dict[str, Any] = json.loads((directory / UNFINISHED / "run.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return told


def _outputs_of(directory: Path) -> Iterable[str]:
    """What a finished run lists, where there is one in a directory."""
    return read_manifest(directory).outputs if (directory / "manifest.json").exists() else ()


def _made(directory: Path, makes: Sequence[str]) -> list[Path]:
    return sorted({path for pattern in ("config.json", *makes) for path in directory.glob(pattern)})


@contextlib.contextmanager
def clear_errors(directory: Path) -> Iterator[None]:
    """A full disk in plain words, whichever library ran into it."""
    try:
        yield
    except Exception as error:
        if getattr(error, "errno", None) == errno.ENOSPC or os.strerror(errno.ENOSPC) in str(error):
            raise KitError(f"the disk of {directory} is full: make room and run the same command again to go on") from error
        raise


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _packages() -> dict[str, str]:
    found = {}
    for name in ("torch", "transformers", "trl", "peft", "datasets", "numpy", "pyarrow", "knowledge-injection-kit"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _commit() -> tuple[str, bool]:
    """The commit of kit's own checkout and whether it has changes; empty where kit was installed from a wheel."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return "", False
    try:
        head = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        status = subprocess.run(["git", "-C", root, "status", "--porcelain"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "", False
    return head.stdout.strip(), bool(status.stdout.strip())
