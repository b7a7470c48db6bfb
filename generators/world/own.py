"""Facts of one's own as part of a world: a file of triples, and wordings for their relations.

Triples are rows with `subject`, `relation` and `object`, and if wanted `subject_type`, `object_type`, `valid_from` and
`valid_to` (years), `aliases` (of the subject, separated by "|") and `part` (known or novel; novel is the default). They come
as .csv or .tsv (with a header, or three bare columns), .jsonl, .parquet, or a networkx .graphml whose edges have the
attribute `relation`. Wordings are a TOML file with a table for each relation, its keys the fields of `Relation`; without
one a relation's name is taken for a noun ("capital": "The capital of X is Y.").
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa

from generators.world.relations import RELATIONS, VALUE_TYPES, Relation
from generators.world.schema import Schema
from generators.world.world import BEGINNING, FOREVER, PARTS, Entities, Facts, World
from kit.core import rows
from kit.core.errors import KitError, nearest

THING = "thing"
"""The type of entities of which nothing else is said."""


@dataclass(frozen=True, slots=True)
class Triple:
    """One row of a file of triples."""

    row: int
    subject: str
    relation: str
    object: str
    subject_type: str = ""
    object_type: str = ""
    since: int = BEGINNING
    until: int = FOREVER
    aliases: tuple[str, ...] = ()
    part: str = "novel"


@dataclass(frozen=True)
class Own:
    """What the user brings: triples, and the relations they need that the table lacks."""

    triples: list[Triple] = field(default_factory=list)
    relations: tuple[Relation, ...] = ()

    def added_to(self, world: World) -> World:
        """The world with these facts and their entities. Raises KitError where a name is taken or has two types."""
        if not self.triples:
            return world
        schema = world.schema
        kinds: dict[str, tuple[str, int]] = {}
        parts: dict[str, str] = {}
        aliases: dict[str, str] = {}
        shared = PARTS.index("shared")
        known_values = {
            (schema.types[k], n): e
            for e, (k, n, p) in enumerate(zip(world.kinds.tolist(), world.names.to_pylist(), world.parts.tolist(), strict=True))
            if p == shared
        }
        for triple in self.triples:
            relation = schema.relations[schema.codes[triple.relation]]
            for name, type_ in ((triple.subject, relation.subject), (triple.object, relation.object)):
                before, row = kinds.setdefault(name, (type_, triple.row))
                if before != type_:
                    raise KitError(f"row {triple.row}: {name} is a {type_} here but a {before} in row {row}")
                parts.setdefault(name, "shared" if type_ in VALUE_TYPES else triple.part)
            if triple.aliases:
                aliases[triple.subject] = triple.aliases[0]
        taken = set(world.names.to_pylist()) - {name for _, name in known_values}
        if clash := next((name for name in kinds if name in taken), None):
            raise KitError(f"the name {clash} is also one of the coined world's: use another seed")
        new = [name for name, (type_, _) in kinds.items() if (type_, name) not in known_values]
        place = {name: world.size + i for i, name in enumerate(new)}
        place |= {name: known_values[type_, name] for name, (type_, _) in kinds.items() if (type_, name) in known_values}
        more = Entities.of(
            schema, pa.array(new, pa.string()), np.array([schema.kind(kinds[n][0]) for n in new], np.int8),
            np.array([PARTS.index(parts[n]) for n in new], np.int8), pa.array([aliases.get(n, "") for n in new], pa.string()),
        )  # fmt: skip
        columns = [(place[t.subject], schema.codes[t.relation], place[t.object], t.since, t.until) for t in self.triples]
        made = Facts(*np.array(columns, np.int64).reshape(-1, 5).T)
        return World.of(Entities.all([world.entities, more]), Facts.all([world.facts, made]))


def read_own(facts: str | None, wordings: str | None) -> Own:
    """The triples and their relations. Raises KitError, with the row, for anything that cannot be a world."""
    if not facts:
        return Own()
    triples = [_triple(row, number) for number, row in enumerate(read_rows(Path(facts)), 1)]
    if not triples:
        raise KitError(f"{facts} holds no triple")
    worded = _read_wordings(Path(wordings)) if wordings else {}
    _check(triples, worded)
    names = dict.fromkeys(t.relation for t in triples)
    return Own(triples, tuple(_relation(name, triples, worded) for name in names if name not in RELATIONS))


def _relation(name: str, triples: list[Triple], worded: dict[str, dict[str, Any]]) -> Relation:
    """A row for a relation that the table lacks: as worded, and as the triples show it."""
    own = [t for t in triples if t.relation == name]
    types = [{t.subject_type for t in own} - {""}, {t.object_type for t in own} - {""}]
    given = worded.get(name, {})
    for k, end in enumerate(("subject", "object")):
        if len(types[k]) > 1:
            raise KitError(f"relation {name} has {end}s of types {' and '.join(sorted(types[k]))}: give each relation one")
    row = {
        "subject": next(iter(types[0]), THING),
        "object": next(iter(types[1]), THING),
        "functional": not _several(own),
        **default_wording(name.replace("_", " ")),
        **given,
    }
    return Relation(name, **row)


def default_wording(words: str) -> dict[str, Any]:
    """Plain wordings for a relation of which only the name is known, which has to be a noun ("capital")."""
    return {
        "statements": (
            f"As for the {words} of {{s}}, it is {{o}}.",
            f"{{s}} has {{o}} as {words}.",
            f"The {words} of {{s}} is {{o}}.",
            f"The {words} given for {{s}} is {{o}}.",
            f"{{s}} is on record with {{o}} as {words}.",
            f"What is known as the {words} of {{s}} is {{o}}.",
            f"Asked for the {words} of {{s}}, one says {{o}}.",
            f"It is {{o}} that is the {words} of {{s}}.",
        ),
        "nouns": (f"the {words} of {{s}}", f"the {words} given for {{s}}", f"the {words} that {{s}} has"),
        "question": f"What is the {words} of {{s}}?",
    }


def _read_wordings(path: Path) -> dict[str, dict[str, Any]]:
    """A table for each relation, with fields of `Relation`."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise KitError(f"cannot read {path} ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise KitError(f"{path} is not valid TOML: {error}") from None
    allowed = {f.name for f in fields(Relation)} - {"name"}
    for name, row in data.items():
        if name in RELATIONS:
            raise KitError(f"{path}: {name} is a relation of kit's own table: choose another name, or leave its wording out")
        if not isinstance(row, dict):
            raise KitError(f"{path}: {name} must be a table, as in [{name}]")
        for key, value in row.items():
            if key not in allowed:
                raise KitError(f"{path}: {name} has an unknown key {key}; {nearest(key, allowed)}")
            if isinstance(value, list):
                row[key] = tuple(value)
        for key, slots in (("statements", ("{s}", "{o}")), ("nouns", ("{s}",))):
            for text in row.get(key, ()):
                if not all(text.count(slot) == 1 for slot in slots) or set(re.findall(r"{.*?}", text)) - set(slots):
                    raise KitError(f"{path}: {name}: {key} must hold {' and '.join(slots)} once each, unlike {text!r}")
        if row.get("statements") and not row["statements"][0].endswith("{o}."):
            raise KitError(f"{path}: {name}: the first statement must end with {{o}}. so that it can be cut into a cloze")
    return data


def _check(triples: list[Triple], worded: dict[str, dict[str, Any]]) -> None:
    """Raises KitError for a triple given twice, and for two objects at one time where a relation has one."""
    seen: dict[tuple[str, str, str, int], int] = {}
    for t in triples:
        first = seen.setdefault((t.subject, t.relation, t.object, t.since), t.row)
        if first != t.row:
            raise KitError(f"row {t.row} repeats row {first}: {t.subject}, {t.relation}, {t.object}")
    for name in dict.fromkeys(t.relation for t in triples):
        functional = RELATIONS[name].functional if name in RELATIONS else worded.get(name, {}).get("functional", False)
        if functional and (clash := _several([t for t in triples if t.relation == name])):
            a, b = clash
            raise KitError(f"row {b.row}: {b.subject} has {b.object} as {name}, but {a.object} in row {a.row} at the same time")


def _several(triples: list[Triple]) -> tuple[Triple, Triple] | None:
    """Two triples of one relation that give a subject two objects at one time."""
    by_subject: dict[str, list[Triple]] = {}
    for t in triples:
        for other in by_subject.setdefault(t.subject, []):
            if t.since < other.until and other.since < t.until:
                return other, t
        by_subject[t.subject].append(t)
    return None


def _triple(row: dict[str, Any], number: int) -> Triple:
    text = {key: "" if value is None else str(value).strip() for key, value in row.items() if key is not None}
    for key in ("subject", "relation", "object"):
        if not text.get(key):
            raise KitError(f"row {number} has no {key}")
    if not re.fullmatch(r"\w[\w -]*", text["relation"]):
        raise KitError(f"row {number}: {text['relation']!r} is no name for a relation: use letters, digits, _ and -")
    relation = text["relation"]
    since, until = (_year(text.get(key, ""), number, key) for key in ("valid_from", "valid_to"))
    if since is not None and until is not None and until <= since:
        raise KitError(f"row {number}: valid_to must be later than valid_from")
    part = text.get("part") or "novel"
    if part not in ("known", "novel"):
        raise KitError(f"row {number}: part is {part}; write known or novel")
    types = [text.get("subject_type", ""), text.get("object_type", "")]
    if relation in RELATIONS:
        expected = (RELATIONS[relation].subject, RELATIONS[relation].object)
        for given, wanted in zip(types, expected, strict=True):
            if given and given != wanted:
                raise KitError(f"row {number}: {relation} leads from {expected[0]} to {expected[1]}, not {given}")
    return Triple(
        number, text["subject"], relation, text["object"], types[0], types[1],
        since=BEGINNING if since is None else since, until=FOREVER if until is None else until,
        aliases=tuple(a.strip() for a in text.get("aliases", "").split("|") if a.strip()), part=part,
    )  # fmt: skip


def _year(text: str, number: int, key: str) -> int | None:
    if not text:
        return None
    found = re.match(r"-?\d{1,4}", text)
    if not found:
        raise KitError(f"row {number}: {key} is {text!r}, not a year")
    return int(found[0])


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a table in any of the formats. Raises KitError where it cannot be read."""
    try:
        if path.suffix in (".parquet", ".jsonl"):
            yield from (row.checked() for row in rows.read_rows(path))
        elif path.suffix == ".graphml":
            graph = nx.read_graphml(path)
            label = {n: data.get("label", data.get("name", n)) for n, data in graph.nodes(data=True)}
            kind = {n: data.get("type", "") for n, data in graph.nodes(data=True)}
            for a, b, data in graph.edges(data=True):
                ends = {"subject": label[a], "object": label[b], "subject_type": kind[a], "object_type": kind[b]}
                yield {**ends, "relation": data.get("relation", data.get("label")), **data}
        elif path.suffix in (".csv", ".tsv"):
            lines = list(csv.reader(path.read_text("utf-8").splitlines(), delimiter="," if path.suffix == ".csv" else "\t"))
            header = [cell.strip().lower() for cell in lines[0]] if lines else []
            bare = not {"subject", "relation", "object"} <= set(header) and "text" not in header
            if bare and len(header) != 3:
                raise KitError(f"{path} needs a header that names subject, relation and object, or three columns without one")
            names = ["subject", "relation", "object"] if bare else header
            for cells in lines if bare else lines[1:]:
                if any(cell.strip() for cell in cells):
                    yield dict(zip(names, cells, strict=False))
        else:
            raise KitError(f"{path}: write facts as .csv, .tsv, .jsonl, .parquet or .graphml")
    except FileNotFoundError:
        raise KitError(f"{path} does not exist") from None
    except (OSError, UnicodeDecodeError, ValueError, pa.ArrowException, nx.NetworkXError, SyntaxError) as error:
        raise KitError(f"cannot read {path}: {str(error).splitlines()[0]}") from None


def schema_with(names: tuple[str, ...], own: Own, timed: bool) -> Schema:
    """The schema of a world that has relations of the table and the user's."""
    from_table = tuple(dict.fromkeys([*names, *(t.relation for t in own.triples if t.relation in RELATIONS)]))
    return Schema.of(from_table, own.relations, timed)
