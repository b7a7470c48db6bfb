"""The configurations and splits of a release of data, read from its folders: what `load_dataset` is told in the card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from kit.publish.tables import EXAMPLES

FIRST = ("multihop", "single_hop", "probes", EXAMPLES, "documents", "facts", "graph", "entities", "exposures")
"""The order of configurations; others follow. The first is what `load_dataset` takes without a name."""


class Part(NamedTuple):
    """A split. paths: patterns of its files, seen from the folder of the release; files: what they match, in order."""

    name: str
    paths: tuple[str, ...]
    files: tuple[Path, ...]

    @property
    def rows(self) -> int:
        return sum(pq.read_metadata(file).num_rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Without compression."""
        found = map(pq.read_metadata, self.files)
        return sum(meta.row_group(i).total_byte_size for meta in found for i in range(meta.num_row_groups))


class Configuration(NamedTuple):
    """A configuration, all of whose splits have the same columns. shape: of its questions, where they are of one."""

    name: str
    splits: tuple[Part, ...]
    shape: str = ""

    @property
    def schema(self) -> pa.Schema:
        return pq.read_schema(self.splits[0].files[0])

    @property
    def rows(self) -> int:
        """Of the largest split where one holds the others, else of all."""
        counts = [part.rows for part in self.splits]
        return max(counts) if self.name == EXAMPLES else sum(counts)

    def features(self) -> Any:
        """Its columns as `datasets` has them."""
        from datasets import Features

        return Features.from_arrow_schema(self.schema)


def configurations(folder: Path) -> list[Configuration]:
    """All configurations of a release."""
    places = {path.name: path for path in (folder / "data").iterdir() if path.is_dir()}
    names = [*(name for name in FIRST if name in places), *sorted(places.keys() - {*FIRST})]
    return [made for name in names for made in _of(folder, places[name])]


def _of(folder: Path, place: Path) -> list[Configuration]:
    if place.name == EXAMPLES:
        return [Configuration(EXAMPLES, tuple(_prefixes(folder, place)))]
    if any(place.glob("*/*.parquet")):
        return [Configuration(place.name, tuple(_part(folder, [split]) for split in sorted(place.iterdir())))]
    shapes = sorted(place.iterdir())
    splits = sorted({split.name for shape in shapes for split in shape.iterdir()})
    whole = tuple(
        _part(folder, [s / split for s in shapes if (s / split).is_dir()], f"data/{place.name}/*/{split}") for split in splits
    )
    own = [
        Configuration(
            f"{place.name}-{shape.name}", tuple(_part(folder, [split]) for split in sorted(shape.iterdir())), shape.name
        )
        for shape in shapes
    ]
    return [Configuration(place.name, whole), *own]


def _part(folder: Path, places: Sequence[Path], pattern: str = "") -> Part:
    files = tuple(file for place in places for file in sorted(place.glob("*.parquet")))
    return Part(places[0].name, (f"{pattern or places[0].relative_to(folder)}/*.parquet",), files)


def _prefixes(folder: Path, place: Path) -> list[Part]:
    """The nested sets of finetuning examples: `d10`, the first ten, and so on; `train`, all of them."""
    files = tuple(sorted(place.glob("*.parquet")))
    parts = [Part("train", (f"data/{place.name}/*.parquet",), files)]  # the last
    rows = 0
    for number, file in enumerate(files[:-1], 1):
        rows += pq.read_metadata(file).num_rows
        parts.insert(-1, Part(f"d{rows}", tuple(str(f.relative_to(folder)) for f in files[:number]), files[:number]))
    return parts


def metadata(configs: Sequence[Configuration]) -> dict[str, Any]:
    """`configs` and `dataset_info` of a card's front matter."""
    return {
        "configs": [
            {
                "config_name": config.name,
                **({"default": True} if config is configs[0] else {}),
                "data_files": [
                    {"split": part.name, "path": list(part.paths) if len(part.paths) > 1 else part.paths[0]}
                    for part in config.splits
                ],
            }
            for config in configs
        ],
        "dataset_info": [
            {
                "config_name": config.name,
                # Those of one shape have the columns of all shapes.
                **({} if config.shape else {"features": config.features()._to_yaml_list()}),
                "splits": [{"name": p.name, "num_bytes": p.bytes, "num_examples": p.rows} for p in config.splits],
            }
            for config in configs
        ],
    }
