"""Rows dealt into the Parquet files of a release, by configuration and split, as they come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROW_GROUP = 15_000
GROUP_BYTES = 16 * 2**20
HELD_BYTES = 128 * 2**20
"""A row group is written once it has so many rows or bytes, and the largest one as soon as all that wait have so many bytes."""

ROWS_PER_FILE = 1_000_000


class Shelf:
    """`data/<configuration>/<split>/00000.parquet` and on, of rows in the order that they are put. The bytes depend on the rows
    and on the pieces they come in, which are those of the tables that are read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, int] = {}
        self._waiting: dict[str, list[pa.Table]] = {}
        self._bytes: dict[str, int] = {}
        self._files: dict[str, pq.ParquetWriter] = {}

    def put(self, place: str, rows: pa.Table, bounds: tuple[int, ...] = ()) -> None:
        """Rows for a place, `multihop/chain-2/novel` say. bounds: numbers of rows at which a new file begins."""
        while len(rows):
            done = self.rows.get(place, 0)
            until = min(b for b in (*bounds, (done // ROWS_PER_FILE + 1) * ROWS_PER_FILE) if b > done)
            now = rows[: until - done]
            rows = rows[len(now) :]
            self._waiting.setdefault(place, []).append(now)
            self._bytes[place] = self._bytes.get(place, 0) + now.nbytes
            self.rows[place] = done + len(now)
            if self.rows[place] == until:
                self.finish(place)
            elif self._bytes[place] >= GROUP_BYTES or sum(map(len, self._waiting[place])) >= ROW_GROUP:
                self._write(place)
        while sum(self._bytes.values()) > HELD_BYTES:
            self._write(max(self._bytes, key=lambda place: self._bytes[place]))

    def close(self) -> None:
        """Write what is left for all."""
        for place in list(self.rows):
            self.finish(place)

    def _write(self, place: str) -> None:
        if not self._waiting.get(place):
            return
        table = pa.concat_tables(self._waiting[place]).combine_chunks()
        self._waiting[place], self._bytes[place] = [], 0
        if place not in self._files:
            folder = self.folder / "data" / place
            folder.mkdir(parents=True, exist_ok=True)
            name = f"{len(list(folder.iterdir())):05}.parquet"
            # Chunks cut by content, so that a store that deduplicates sends what changed alone.
            self._files[place] = pq.ParquetWriter(
                folder / name, table.schema, compression="zstd", use_content_defined_chunking=True, write_page_index=True
            )
        self._files[place].write_table(table, row_group_size=ROW_GROUP)

    def finish(self, place: str) -> None:
        """Write what is left for a place; more of it begins another file."""
        self._write(place)
        if place in self._files:
            self._files.pop(place).close()


def dealt(table: pa.Table, *columns: str) -> Iterator[tuple[tuple[str, ...], pa.Table]]:
    """The rows by the values of some columns, in the order in which these first appear."""
    if not len(table):
        return
    keys = pc.binary_join_element_wise(*(pc.cast(table[c], pa.string()) for c in columns), "\0").combine_chunks()
    for key in pc.unique(keys).to_pylist():
        yield tuple(key.split("\0")), table.filter(pc.equal(keys, key))
