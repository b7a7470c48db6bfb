"""Tables that are looked at: rows of Parquet files, read a row group at a time, filtered by facets and searched as text."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kit.core.errors import KitError
from kit.core.store import table_files

Where = Mapping[str, str]
"""Facet -> the value that rows are to have."""


@dataclass(frozen=True, slots=True)
class Part:
    """A table's file, or files, and what all of its rows have in common (columns that the files lack)."""

    path: Path
    constants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a table that were asked for. total: how many there are, None while a search has not come to the end. then: the row
    to search on from, None at the end."""

    rows: list[dict[str, Any]]
    total: int | None
    then: int | None


@dataclass
class Table:
    """Rows to be looked at.

    facets: by what rows are filtered, name -> where its value stands: a column, or `column.key` of a map or a struct. searched:
    columns that hold the text of a row (strings, or lists of them). brief: columns that a list of rows shows (all, where there
    are none). given: facets worked out beforehand, a value a row.
    """

    name: str
    parts: Sequence[Part]
    facets: Mapping[str, str]
    searched: Sequence[str]
    brief: Sequence[str] = ()
    given: Mapping[str, Sequence[str]] = field(default_factory=dict)
    _codes: dict[str, tuple[list[str], NDArray[np.integer[Any]]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _reading: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def _read(self, file: pq.ParquetFile, group: int, columns: Sequence[str] | None = None) -> pa.Table:
        """A row group. One reader at a time: two threads in one open Parquet file wait for one another for ever; and no helpers,
        each of which would keep memory of its own."""
        with self._reading:
            return file.read_row_group(group, columns=columns and list(columns), use_threads=False)

    @functools.cached_property
    def _groups(self) -> list[tuple[pq.ParquetFile, int, Part, int]]:
        """Every row group: its file, its number there, its part, and the table's row that it begins at."""
        groups, start = [], 0
        for part in self.parts:
            for path in table_files(part.path):
                try:
                    file = pq.ParquetFile(path)
                except FileNotFoundError:
                    raise KitError(f"{path} is missing: the directory is unfinished or of another kind") from None
                except (pa.ArrowInvalid, OSError) as error:
                    raise KitError(f"{path} is not a readable Parquet file: {str(error).splitlines()[0]}") from None
                for number in range(file.num_row_groups):
                    groups.append((file, number, part, start))
                    start += file.metadata.row_group(number).num_rows
        return groups

    def __len__(self) -> int:
        return sum(file.metadata.row_group(number).num_rows for file, number, *_ in self._groups)

    def codes(self, facet: str) -> tuple[list[str], NDArray[np.integer[Any]]]:
        """A facet's values, sorted, and each row's number among them."""
        if facet not in self._codes:
            self._codes[facet] = self._coded(facet)
        return self._codes[facet]

    def _coded(self, facet: str) -> tuple[list[str], NDArray[np.integer[Any]]]:
        columns = [_text(values).dictionary_encode() for values, _ in self.column(self.facets.get(facet, facet))]
        if not columns:
            return [], np.zeros(0, np.int32)
        joined = pa.chunked_array(columns).unify_dictionaries()
        values = joined.chunk(0).dictionary.to_pylist()
        order = sorted(range(len(values)), key=lambda i: _natural(values[i]))
        rank = np.argsort(order).astype(np.min_scalar_type(len(values)))
        return [values[i] for i in order], np.concatenate([rank[chunk.indices.to_numpy()] for chunk in joined.chunks])

    def counts(self, facet: str) -> dict[str, int]:
        """A facet's values, and how many rows have each."""
        values, codes = self.codes(facet)
        return dict(zip(values, np.bincount(codes, minlength=len(values)).tolist(), strict=True))

    def column(self, path: str) -> Iterator[tuple[pa.Array, int]]:
        """What stands at `column` or `column.key`, a row group at a time, and the row that it begins at."""
        name, _, key = path.partition(".")
        for file, number, part, start in self._groups:
            size = file.metadata.row_group(number).num_rows
            if name in self.given:
                yield pa.array(self.given[name][start : start + size], pa.string()), start
                continue
            if name in part.constants:
                yield pa.array([part.constants[name]] * size, pa.string()), start
                continue
            column = self._read(file, number, [name])[name].combine_chunks()
            yield (_within(column, key) if key else column), start

    def select(self, where: Where | None = None, search: str = "", start: int = 0, limit: int = 100, first: str = "") -> Found:
        """Rows, in brief and in their order, that have all the values of `where`, and whose text holds `search` in any case.

        start: how many to pass over (of a search: the row to begin at). first: a facet whose first values come first, where
        nothing is searched for. Raises KitError for a facet that there is not.
        """
        mask = np.ones(len(self), bool)
        for facet, value in (where or {}).items():
            if facet not in self.facets and facet not in self.given:
                raise KitError(f"{self.name} has no facet {facet}")
            values, codes = self.codes(facet)
            mask &= codes == values.index(value) if value in values else False
        if not search:
            hits = np.flatnonzero(mask)
            if first:
                hits = hits[np.argsort(self.codes(first)[1][hits], kind="stable")]
            return Found(self.rows(hits[start : start + limit], self.brief), len(hits), None)
        mask[:start] = False
        numbers: list[int] = []
        then = None
        for texts, begin in self._matches(search.lower(), mask):
            numbers += (begin + np.flatnonzero(texts)).tolist()
            if len(numbers) > limit:
                then, numbers = numbers[limit], numbers[:limit]
                break
        whole = len(numbers) if then is None and not start else None
        return Found(self.rows(np.array(numbers, np.int64), self.brief), whole, then)

    def _matches(self, search: str, mask: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.bool_], int]]:
        """Which rows of a row group hold a text, of those that are asked for, and where the group begins."""
        for file, number, _, start in self._groups:
            size = file.metadata.row_group(number).num_rows
            asked = mask[start : start + size]
            if not asked.any():
                continue
            table = self._read(file, number, self.searched)
            held = np.zeros(size, bool)
            for name in self.searched:
                column = table[name].combine_chunks()
                if pa.types.is_list(column.type):
                    inside = _holds(column.flatten(), search)
                    held[pc.list_parent_indices(column).to_numpy()[inside]] = True
                else:
                    held |= _holds(column, search)
            yield held & asked, start

    def find(self, column: str, values: Sequence[str], limit: int = 1000) -> list[dict[str, Any]]:
        """The first rows, whole, that have one of some values in a column, or among those of a list column; `_row` is their
        number."""
        if column == "_row":
            numbers = [number for value in values if (number := int(value)) in range(len(self))]
            return self.rows(np.array(numbers[:limit], np.int64))
        wanted = pa.array(values, pa.string())
        numbers = []
        for held, start in self.column(column):
            if pa.types.is_list(held.type):
                rows = np.unique(pc.list_parent_indices(held).to_numpy()[_bools(pc.is_in(held.flatten(), wanted))])
            else:
                rows = np.flatnonzero(_bools(pc.is_in(held, wanted)))
            numbers += (start + rows).tolist()
            if len(numbers) >= limit:
                break
        return self.rows(np.array(numbers[:limit], np.int64))

    def rows(self, numbers: NDArray[np.int64], columns: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Rows by their numbers, in that order, whole or in some columns; `_row` is the number."""
        found: dict[int, dict[str, Any]] = {}
        for file, number, part, start in self._groups:
            size = file.metadata.row_group(number).num_rows
            here = numbers[(numbers >= start) & (numbers < start + size)]
            if not len(here):
                continue
            table = self._read(file, number, columns or None).take(pa.array(here - start))
            given = {facet: [self.given[facet][row] for row in here] for facet in self.given}
            for place, (row, values) in enumerate(zip(here.tolist(), plain(table), strict=True)):
                found[row] = values | dict(part.constants) | {f: held[place] for f, held in given.items()} | {"_row": row}
        return [found[row] for row in numbers.tolist()]

    def whole(self) -> pa.Table:
        """All rows, with the columns that the files lack."""
        pieces = []
        for file, number, part, _ in self._groups:
            table = self._read(file, number)
            for name, value in part.constants.items():
                table = table.append_column(name, pa.array([value] * len(table), pa.string()))
            pieces.append(table)
        joined = pa.concat_tables(pieces, promote_options="default")
        for facet, values in self.given.items():
            joined = joined.append_column(facet, pa.array(values, pa.string()))
        return joined


def plain(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as they go into JSON: maps as objects."""
    maps = [field.name for field in table.schema if pa.types.is_map(field.type)]
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        for name in maps:
            row[name] = dict(row[name])
    return rows


def _text(values: pa.Array) -> pa.Array:
    """Values as texts, those that are missing as empty ones."""
    return pc.fill_null(values.cast(pa.string()), "")


def _within(column: pa.Array, key: str) -> pa.Array:
    """A field of structs, or the values of a key of maps: null where a row has none."""
    if pa.types.is_struct(column.type):
        return pc.struct_field(column, key)
    held = pc.equal(column.keys, key)
    rows = pc.list_parent_indices(column.cast(pa.list_(column.type.field(0).type))).filter(held)
    places = np.full(len(column), -1)
    places[rows.to_numpy()] = np.arange(len(rows))
    return column.items.filter(held).take(pa.array(places, mask=places < 0))


def _bools(values: pa.Array) -> NDArray[np.bool_]:
    return pc.fill_null(values, False).to_numpy(zero_copy_only=False)


def _holds(texts: pa.Array, search: str) -> NDArray[np.bool_]:
    return _bools(pc.match_substring(pc.utf8_lower(texts), search))


def _natural(value: str) -> tuple[float, str]:
    """Numbers by their size, before texts."""
    try:
        return float(value), ""
    except ValueError:
        return float("inf"), value
