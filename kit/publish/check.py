"""What is looked at before a release leaves, and by whoever gets it: everything in it that can be computed again is, and
compared.

A fault is a line. What could not be looked at is a line too, and no fault.
"""

from __future__ import annotations

import functools
import gc
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import kit
from kit.core.config import resolve
from kit.core.errors import KitError, first_line
from kit.core.store import file_digest, read_manifest, table_files
from kit.publish.checkpoint import check_checkpoint
from kit.publish.config import PublishConfig, license_of
from kit.publish.croissant import check_croissant
from kit.publish.layout import Configuration, configurations
from kit.publish.leaks import leaks
from kit.publish.release import Renderer, derived, needs
from kit.publish.tables import write_world
from kit.publish.world import LARGE
from kit.sources.published import RELEASE, SUMS, as_directory, check_sums, ours, read_release, stored_tables

QUICK = 4
"""Steps that are taken in any case; the others only where nothing was found."""

RECORDS_LOADED = 5_000
"""Rows of a record set that is loaded as Croissant."""

Remake = Callable[[Path, Path], Path]
"""Generates the world of a release's folder in another one, and returns that."""


Render = Callable[[], dict[str, str]]
"""The files of a release that follow from its others, made again."""


class Report(NamedTuple):
    """What was found. notes: what could not be checked, or is worth knowing."""

    faults: list[str]
    notes: list[str]


def check_release(
    folder: Path, render: Renderer, remake: Remake, full: bool = False, own: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Report:  # fmt: skip
    """Look at a whole release.

    render, remake: how its derived files, and its world, are made. full: also generate large worlds again. own: the directory
    it was made from. say: is told of each step.
    """
    report = Report([], [])
    try:
        say("checksums")
        release = read_release(folder)
        check_sums(folder)
        _check_head(release)
    except KitError as error:
        report.faults.append(str(error))
        return report
    made = functools.cache(lambda: derived(folder, release, render))
    steps: dict[str, Callable[[], Iterator[str]]] = {
        "the card and what else follows from the files": lambda: _derived(folder, release, made, report),
        "files that are no part of it": lambda: _parts(folder, release, made),
        "secrets and local paths": lambda: leaks(
            folder, [str(Path.home()), *([str(own.resolve())] if own else [])], tables=release["kind"] == "world"
        ),
    }
    if release["kind"] == "checkpoint":
        steps["the checkpoint"] = lambda: check_checkpoint(folder)
    else:
        steps["identifiers"] = lambda: _identifiers(configurations(folder))
        if release["kind"] == "world":
            steps["the world, put together and generated again"] = lambda: _world(folder, release, remake, full, own, report)
        steps["loading by datasets"] = lambda: _loads(folder, configurations(folder))
        steps["loading by mlcroissant"] = lambda: _as_croissant(folder, configurations(folder))
    for number, (name, step) in enumerate(steps.items()):
        if report.faults and number >= QUICK:
            report.notes.append("what takes longer was not looked at, for it is faulty already")
            break
        say(name)
        try:
            report.faults.extend(step())
        except KitError as error:
            report.faults.append(str(error))
        except Exception as error:  # noqa: BLE001  # a stranger's release may be anything
            report.faults.append(f"{name}: {type(error).__name__}: {first_line(error)}")
        pa.default_memory_pool().release_unused()
    return report


def _check_head(release: dict[str, Any]) -> None:
    try:
        settings = resolve(PublishConfig, release["settings"])
    except KitError as error:
        raise KitError(f"{RELEASE}: settings: {error}") from None
    if settings.license is None and release["kind"] != "checkpoint":
        raise KitError(f"{RELEASE}: settings: no licence is named")


def _derived(folder: Path, release: dict[str, Any], render: Render, report: Report) -> Iterator[str]:
    """The files that follow from the others, made again."""
    from huggingface_hub import DatasetCard, ModelCard

    kind = ModelCard if release["kind"] == "checkpoint" else DatasetCard
    try:
        card = kind.load(folder / "README.md", ignore_metadata_errors=False)
    except Exception as error:  # noqa: BLE001  # yaml and huggingface_hub raise what they like over a bad card
        yield f"README.md: its front matter cannot be read ({first_line(error)})"
        return
    if card.data.license != license_of(release["settings"]).id:
        yield f"README.md: the licence {card.data.license} is not that of the release"
    if release["kind"] != "checkpoint" and release["canary"] not in card.text:
        yield "README.md lacks the canary"
    made = render()
    if release["kit"] != kit.__version__:
        report.notes.append(
            f"made with kit {release['kit']}: what its card says was not compared with what {kit.__version__} would say"
        )
        made = {name: made[name] for name in ("LICENSE", "CITATION.cff")}
    for name, text in made.items():
        path = folder / name
        if not path.exists():
            yield f"{name} is missing"
        elif (there := path.read_text("utf-8")) != text:
            yield f"{name} does not follow from the files beside it: {_difference(there, text)}"


PARTS: dict[str, str] = {
    "world": r"(manifest|config|audit|own)\.json|data/.+\.parquet|sources/[\w.]+/[^/]+",
    "evaluation": r"(manifest|config)\.json|data/answers/test/\d{5}\.parquet",
    "checkpoint": r"[\w.-]+\.(safetensors|json|jinja|model|txt)|training/((manifest|config|scores)\.json|shown\.parquet)",
}
"""The files that a release of each kind has beside what follows from them."""


def _parts(folder: Path, release: dict[str, Any], render: Render) -> Iterator[str]:
    """Files that are of no release of its kind."""
    known = {SUMS, RELEASE, *render()}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        if ours(name) and name not in known and not re.fullmatch(PARTS[release["kind"]], name):
            yield f"{name} is no part of a published {release['kind']}"


def _difference(there: str, made: str) -> str:
    """The first line in which two texts differ."""
    lines, other = there.splitlines(), made.splitlines()
    for number, (a, b) in enumerate(zip(lines, other, strict=False), 1):
        if a != b:
            start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), 0)
            low = max(0, start - 30)
            return f"line {number} says {a[low : low + 60]!r}, and should say {b[low : low + 60]!r}"
    return f"it has {len(lines)} lines, and should have {len(other)}"


def _identifiers(configs: Sequence[Configuration]) -> Iterator[str]:
    """No id twice in a configuration, whatever the split; sets that lie within one another apart."""
    for config in configs:
        if "id" not in config.schema.names or config.shape:
            continue
        files = sorted({file for part in config.splits for file in part.files})
        for group in _groups(config, files):
            ids = pa.concat_arrays([pq.read_table(file, columns=["id"])["id"].combine_chunks() for file in group])
            if pc.count_distinct(ids).as_py() < len(ids):
                counts = pc.value_counts(ids)
                twice = counts.filter(pc.greater(counts.field("counts"), 1))[0]["values"].as_py()
                yield f"{config.name}: the id {twice} is there twice"


def _groups(config: Configuration, files: Sequence[Path]) -> list[list[Path]]:
    """Files whose ids are one name space: shuffled facts have some in common with true ones."""
    own = {True: [], False: []}  # type: dict[bool, list[Path]]
    for file in files:
        own[config.name == "facts" and file.parent.name == "shuffled"].append(file)
    return [group for group in own.values() if group]


def _world(
    folder: Path, release: dict[str, Any], remake: Remake, full: bool, own: Path | None, report: Report
) -> Iterator[str]:  # fmt: skip
    """The tables put together, compared with those they came from, and with those of the world generated again."""
    tables = stored_tables(release)
    with tempfile.TemporaryDirectory(prefix="kit-") as place:
        joined = as_directory(folder, Path(place) / "joined", "")
        if own:
            for name in tables:
                yield from _unlike(own, joined, name, "the directory it was made from")
        yield from _dealt_again(folder, joined, Path(place) / "dealt", release)
        entities = sum(len(pq.read_table(f, columns=["id"])) for f in table_files(joined / "entities.parquet"))
        if lacking := needs(read_manifest(folder)):
            report.notes.append(f"not generated again: that needs {', '.join(lacking)}")
            return
        if entities > LARGE and not full:
            report.notes.append(f"not generated again: it has {entities:,} entities (ask for it with --full)")
            return
        again = remake(folder, Path(place) / "again")
        made, told = read_manifest(again), read_manifest(folder)
        if made.schema == told.schema and made.key != told.key:
            yield f"manifest.json: the key {told.key} is not that of its settings, which is {made.key}"
        for name in ("notes", "results", "inputs"):
            if getattr(made, name) != getattr(told, name):
                yield f"manifest.json: its {name} are not those of the world generated again"
        if made.packages.get("pyarrow") != told.packages.get("pyarrow") or made.schema != told.schema:
            report.notes.append("generated again with other versions of the packages than the release was made with")
        for name in tables:
            yield from _unlike(again, joined, name, "the world generated again")
        for name in ("audit.json", "own.json"):
            there, here = (json.loads(p.read_text("utf-8")) if p.exists() else None for p in (folder / name, again / name))
            if there != here:
                yield f"{name} is not what the world generated again gives"


def _dealt_again(folder: Path, joined: Path, place: Path, release: dict[str, Any]) -> Iterator[str]:
    """Whether the tables, dealt into configurations and splits again, give the files that are there: with them every column
    that is only for readers."""
    write_world(joined, place, release["canary"])
    ours, there = ({str(p.relative_to(root)): p for p in root.glob("data/**/*.parquet")} for root in (place, folder))
    for name in sorted(ours.keys() ^ there.keys()):
        yield f"{name} {'is missing' if name in ours else 'follows from no table'}"
        return
    for name in sorted(ours):
        if file_digest(ours[name]) == file_digest(there[name]):
            continue
        made, found = pq.read_table(ours[name]), pq.read_table(there[name])
        if made.schema != found.schema:
            yield f"{name} has other columns, or of other types, than its table gives"
        elif not made.equals(found):
            column = next(c for c in made.column_names if not made[c].equals(found[c]))
            yield f"{name}: the column {column} is not what its table gives"


def _unlike(expected: Path, found: Path, name: str, of: str) -> Iterator[str]:
    """Whether a table differs from that of another directory, and in which row first."""
    if not table_files(expected / f"{name}.parquet")[0].exists():
        yield f"{name}: {of} has no such table"
        return
    one, other = table_files(expected / f"{name}.parquet"), table_files(found / f"{name}.parquet")
    if len(one) == len(other) == 1 and file_digest(one[0]) == file_digest(other[0]):
        return
    done = 0
    for a, b in _beside(_rows(expected, name), _rows(found, name)):
        if a is None or b is None:
            yield f"{name}: {of} has {'fewer' if a is None else 'more'} rows"
            return
        if a.column_names != b.column_names:
            yield f"{name}: {of} has other columns"
            return
        if not a.equals(b.cast(a.schema)):
            row = next(i for i in range(len(a)) if not a.slice(i, 1).equals(b.slice(i, 1).cast(a.schema)))
            column = next(c for c in a.column_names if a[c][row] != b[c][row].cast(a[c].type))
            yield f"{name}: row {done + row:,} differs from {of} in {column}"
            return
        done += len(a)


def _rows(directory: Path, name: str) -> Iterator[pa.Table]:
    for file in table_files(directory / f"{name}.parquet"):
        for batch in pq.ParquetFile(file).iter_batches(15_000):
            yield pa.Table.from_batches([batch])


def _beside(first: Iterator[pa.Table], second: Iterator[pa.Table]) -> Iterator[tuple[pa.Table | None, pa.Table | None]]:
    """Pieces of the same length of two tables; what only one has, beside nothing."""
    a, b = next(first, None), next(second, None)
    while a is not None and b is not None:
        if not len(a) or not len(b):
            a, b = (a if len(a) else next(first, None)), (b if len(b) else next(second, None))
            continue
        count = min(len(a), len(b))
        yield a[:count], b[:count]
        a, b = a[count:], b[count:]
    while a is not None and not len(a):
        a = next(first, None)
    while b is not None and not len(b):
        b = next(second, None)
    if a is not None or b is not None:
        yield a, b


def _loads(folder: Path, configs: Sequence[Configuration]) -> Iterator[str]:
    """Every configuration, as `datasets` loads it from the card: splits, features and rows; and the first row of a stream."""
    import datasets

    datasets.disable_progress_bars()
    for config in configs:
        with tempfile.TemporaryDirectory(prefix="kit-") as cache:
            try:
                # As load_dataset does, without and with streaming, but the card read once.
                builder = datasets.load_dataset_builder(str(folder), config.name, cache_dir=cache)
                builder.download_and_prepare()
                loaded, streamed = builder.as_dataset(), builder.as_streaming_dataset()
            except Exception as error:  # noqa: BLE001  # datasets raises dozens of kinds; all mean that the card leads nowhere
                cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
                yield f"load_dataset of {config.name} fails: {first_line(cause)}"
                continue
            if {*loaded} != {part.name for part in config.splits}:
                yield f"load_dataset of {config.name} has the splits {', '.join(sorted(loaded))}"
                continue
            for part in config.splits:
                found = loaded[part.name]
                if len(found) != part.rows:
                    yield f"load_dataset of {config.name}, {part.name}: {len(found):,} rows of {part.rows:,}"
                elif found.features != config.features():
                    yield f"load_dataset of {config.name}, {part.name}: its features are not those of the files"
                else:
                    expected = pq.ParquetFile(part.files[0])
                    first = next(expected.iter_batches(1)).to_pylist()[0]
                    if found[0] != first or next(iter(streamed[part.name])) != first:
                        yield f"load_dataset of {config.name}, {part.name}: its first row is another"
                    if not config.shape:  # whose files are among those of all shapes
                        yield from _same_rows(found, part.files, f"{config.name}, {part.name}")
            # What is mapped into memory goes before the next comes.
            del loaded, streamed, builder, found
            gc.collect()
            pa.default_memory_pool().release_unused()


def _same_rows(loaded: Any, files: Sequence[Path], where: str) -> Iterator[str]:
    """Whether the rows of a loaded split are those of its files, by the columns that are texts and numbers."""
    done = 0
    arrow = loaded.with_format("arrow")
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(15_000):
            table = pa.Table.from_batches([batch])
            there = arrow[done : done + len(table)]
            done += len(table)
            if not there.equals(table.cast(there.schema)):
                yield f"load_dataset of {where}: its rows are others"
                return


def _as_croissant(folder: Path, configs: Sequence[Configuration]) -> Iterator[str]:
    small = [config for config in configs if config.rows <= RECORDS_LOADED and config.name != "examples"]
    loaded = {config.name: config.rows for config in sorted(small, key=lambda config: -config.rows)[:1]}
    yield from (f"croissant.json: {line}" for line in check_croissant(folder / "croissant.json", loaded))
