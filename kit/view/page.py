"""The page: style, code and, where it is to stand by itself, everything that it shows, packed."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kit.core.errors import KitError
from kit.core.store import atomic_path
from kit.pages import STYLE
from kit.view.section import Section
from kit.view.table import Table

MOST = 20_000
"""Rows of a table that a page holds."""

SCRIPTS = (
    "text.js", "packed.js", "data.js", "state.js", "graph.js", "chart.js", "list.js", "world.js", "answers.js", "experiment.js",
    "training.js", "main.js",
)  # fmt: skip
"""The code of the page, in the order that it is read."""


def write_page(sections: Sequence[Section], title: str, path: Path) -> list[str]:
    """One page that needs nothing else; returns what it leaves out, a line a table.

    Raises KitError where what a section is about has more than `MOST` rows.
    """
    if section := too_much(sections):
        first = next(iter(section.tables))
        raise KitError(f"{section.title} has {section.items:,} {first}, and a page holds {MOST:,}: use --serve")
    left = [
        f"{section.title}: {name} ({len(table):,} rows) are left out of a page: kit view --serve shows them"
        for section in sections
        for name, table in section.tables.items()
        if len(table) > MOST
    ]
    told = told_of(sections)
    for section, about in zip(sections, told, strict=True):
        about["tables"] = {name: pack_table(table) for name, table in section.tables.items() if len(table) <= MOST}
    with atomic_path(path) as temporary:
        temporary.write_text(page({"sections": told, "left": left}, title), "utf-8")
    return left


def too_much(sections: Sequence[Section]) -> Section | None:
    """A section that no page holds."""
    return next((section for section in sections if section.items > MOST), None)


def told_of(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """What a page knows of sections before it looks into their tables."""
    return [
        {
            "kind": section.kind,
            "title": section.title,
            "told": section.told,
            "tables": {name: {"rows": len(t), "facets": dict(t.facets)} for name, t in section.tables.items()},
        }
        for section in sections
    ]


def page(data: dict[str, Any], title: str) -> str:
    """The page as HTML. Nothing of it is run but its own code, whatever its data hold, and nothing is fetched but from where it
    came from."""
    folder = files("kit.view") / "app"
    code = "\n".join((folder / name).read_text("utf-8") for name in SCRIPTS)
    text = json.dumps(finite(data), separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    packed = base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    policy = f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'"
    style = STYLE + (folder / "app.css").read_text("utf-8")
    return (
        (folder / "index.html")
        .read_text("utf-8")
        .replace("{{policy}}", policy)
        .replace("{{title}}", escape(title))
        .replace("{{style}}", style)
        .replace("{{data}}", packed)
        .replace("{{code}}", code)
    )


def finite(value: Any) -> Any:
    """Plain data without what JSON has no numbers for: NaN and the infinite are None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return value


def pack_table(table: Table) -> dict[str, Any]:
    """A table by its columns, as `packed.js` reads it."""
    whole = table.whole()
    columns = {name: pack(whole[name].combine_chunks()) for name in whole.column_names}
    return {"rows": len(table), "facets": dict(table.facets), "searched": list(table.searched), "columns": columns}


def pack(values: pa.Array) -> dict[str, Any]:
    """Values by their type: of lists their lengths, of structs their fields, of texts that come again their numbers among all.

    The kinds: `of` (values as they are), `among` (numbers of values), `lists`, `maps`, `structs`; `none` are rows without one.
    """
    none = {"none": pc.indices_nonzero(values.is_null()).to_pylist()} if values.null_count else {}
    if pa.types.is_map(values.type):
        pairs = {"structs": {"key": pack(values.keys), "value": pack(values.items)}}
        return {"maps": _lengths(values), "items": pairs, **none}
    if pa.types.is_list(values.type):
        return {"lists": _lengths(values), "items": pack(values.flatten()), **none}
    if pa.types.is_struct(values.type):
        fields = {values.type.field(i).name: pack(values.field(i)) for i in range(values.type.num_fields)}
        return {"structs": fields, **none}
    if pa.types.is_string(values.type):
        coded = pc.dictionary_encode(values)
        if len(coded.dictionary) < 0.7 * len(values):
            return {"among": coded.dictionary.to_pylist(), "numbers": coded.indices.to_pylist()}
    return {"of": values.to_pylist()}


def _lengths(values: pa.Array) -> list[int]:
    offsets = values.offsets.to_numpy()
    return (offsets[1 : len(values) + 1] - offsets[: len(values)]).tolist()
