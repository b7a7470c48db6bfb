"""Facts of one's own as part of a world: read from a file, put into words, joined to what is drawn, and told of in a report."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generators.own import bank
from generators.own.files import Form, Notes, read_rows
from generators.own.triples import THING, Triple, overlapping, read_triples, told_apart
from generators.own.wording import default_wording
from generators.world.columns import KeySet, hashes_of, lists, mixed, picked
from generators.world.relations import RELATIONS, TYPES, VALUE_TYPES, Relation
from generators.world.schema import Schema
from generators.world.world import PARTS, Entities, Facts, World
from kit.core.errors import KitError, nearest
from kit.core.records import RECORDS, EvalRecord
from kit.core.seeds import key_of
from kit.core.store import read_table

AS_IT_SAYS = Form()
"""Of a file that says itself how it is to be read."""

BANKS = {"real": bank}
"""Facts that come with kit."""

EXCEPT = 0.1
"""A relation has one object although some subjects have several: at most such a share of them. They are excepted."""


@dataclass(frozen=True)
class Own:
    """What the user brings: triples, the types and other names of their entities, the relations they need that the table lacks,
    and what is to be told of how they were read. links: those that join each coined entity to one of these. several: by relation,
    of subjects with two objects at one time the rows that say so. kits: relations that are rows of kit's table. levels: by id of
    a fact, how well a model knows it; facts are left out by it, so that more is so than is told."""

    triples: list[Triple] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    relations: tuple[Relation, ...] = ()
    links: tuple[Relation, ...] = ()
    several: dict[str, list[tuple[Triple, Triple]]] = field(default_factory=dict)
    notes: Notes = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    levels: dict[str, str] = field(default_factory=dict)
    kits: frozenset[str] = frozenset()

    def added_to(self, world: World, seed: int) -> World:
        """The world with these facts and their entities, and its own ones joined to them. Raises KitError where a name is taken
        or has two types."""
        if not self.triples:
            return world
        schema, shared = world.schema, PARTS.index("shared")
        parts = {name: "shared" if kind in VALUE_TYPES else "" for name, kind in self.kinds.items()}
        for name, part in [(t.subject, t.part) for t in self.triples] + [(t.object, t.part) for t in self.triples]:
            # A subject is of its own part, and what is an object only of that of the first whose it is.
            parts[name] = parts[name] or part
        kinds = self.kinds
        columns = zip(world.kinds.tolist(), world.names.to_pylist(), world.parts.tolist(), strict=True)
        values = {(schema.types[k], n): e for e, (k, n, p) in enumerate(columns) if p == shared}
        taken = set(world.names.to_pylist()) - {name for _, name in values}
        if clash := next((name for name in kinds if name in taken), None):
            raise KitError(f"the name {clash} is also one of the coined world's: use another seed")
        new = [name for name, type_ in kinds.items() if (type_, name) not in values]
        place = {name: world.size + i for i, name in enumerate(new)}
        place |= {name: values[type_, name] for name, type_ in kinds.items() if (type_, name) in values}
        also = [self.aliases.get(name, ()) for name in new]
        aliases = lists(np.array([len(a) for a in also], int), pa.array([a for several in also for a in several], pa.string()))
        more = Entities.of(
            schema, pa.array(new, pa.string()), np.array([schema.kind(kinds[n]) for n in new], np.int16),
            np.array([PARTS.index(parts[n]) for n in new], np.int8), aliases,
        )  # fmt: skip
        rows = [(place[t.subject], schema.codes[t.relation], place[t.object], t.since, t.until) for t in self.triples]
        made = Facts(*np.array(rows, np.int64).reshape(-1, 5).T)
        entities = Entities.all([world.entities, more])
        linked = [_linked(entities, world.size, link, seed) for link in self.links]
        return World.of(entities, Facts.all([world.facts, made, *linked]))

    def known_at(self, world: World, levels: Collection[str]) -> World:
        """The world without the facts of one's own, of the known part, that the model knows less well. Raises KitError where
        nothing of them is left."""
        schema = world.schema
        sorted_ = np.isin(world.relation, [schema.codes[name] for name in {t.relation for t in self.triples}])
        sorted_ &= pc.is_in(world.names, pa.array(list(self.kinds))).to_numpy(zero_copy_only=False)[world.subject]
        sorted_ &= world.parts[world.subject] == PARTS.index("known")
        kept = self.of_levels(levels).has(world.fact_hashes)
        if not (kept & sorted_).any():
            raise KitError(f"world.own.known_by: of the facts of your own none is {' or '.join(levels)}")
        return world.having(kept | ~sorted_)

    def of_levels(self, levels: Collection[str]) -> KeySet:
        """The facts that the model knows so well."""
        return KeySet(hashes_of(pa.array([fact for fact, level in self.levels.items() if level in levels], pa.string())))


def _linked(entities: Entities, coined: int, link: Relation, seed: int) -> Facts:
    """A fact for each of the first `coined` entities that the relation may leave from: to one of the others, any as likely."""
    schema = entities.schema
    ends = coined + np.flatnonzero(entities.kinds[coined:] == schema.kind(link.object))
    starts = np.flatnonzero(entities.kinds[:coined] == schema.kind(link.subject))
    draws = mixed(key_of(seed, "links", link.name), entities.hashes[starts])
    return Facts.of(starts, np.full(len(starts), schema.codes[link.name]), ends[picked(draws, len(ends))])


def read_levels(evaluation: Path) -> dict[str, str]:
    """How well its model knows each fact that an evaluation asked for. Raises KitError for one of another task."""
    rows = read_table(evaluation / RECORDS, EvalRecord)
    if not rows or any(row.task != "knowledge" for row in rows):
        raise KitError(f"{evaluation} is no evaluation of the task knowledge")
    levels: dict[str, str] = {}
    for row in rows:
        if levels.setdefault(row.tags["fact"], row.tags["level"]) != row.tags["level"]:
            raise KitError(f"{evaluation} sorts a fact into two levels, in two of its slices: use an evaluation of one slice")
    return levels


def _types(triples: list[Triple], notes: Notes) -> tuple[dict[str, str], dict[tuple[str, int], str]]:
    """The type of every entity, and of both ends of every relation: what meets at an end of a relation is of one type. Raises
    KitError where a name has two types, or kit's own types would have to become one."""
    given: dict[str, tuple[str, str]] = {}
    above: dict[Any, Any] = {}

    def top(node: Any) -> Any:
        while (up := above.get(node, node)) != node:
            above[node] = above.get(up, up)
            node = above[node]
        return node

    for t in triples:
        for k, (name, kind) in enumerate(((t.subject, t.subject_type), (t.object, t.object_type))):
            if kind:
                before, where = given.setdefault(name, (kind, t.where))
                if before != kind:
                    raise KitError(f"{t.where}: {name} is of type {kind} here but of type {before} in {where}")
                above[top(("type", kind))] = top((t.relation, k))
            above[top(("name", name))] = top((t.relation, k))
    among: dict[Any, list[str]] = {}
    for kind in sorted({kind for kind, _ in given.values()}):
        among.setdefault(top(("type", kind)), []).append(kind)
    for kinds in among.values():
        if len(kinds) > 1:
            if own_types := [kind for kind in kinds if kind in TYPES]:
                others = " and ".join(kind for kind in kinds if kind != own_types[0])
                where = next(where for kind, where in given.values() if kind == own_types[0])
                raise KitError(
                    f"{where}: {own_types[0]} is a type of kit's own, but relations lead from or to it and {others} alike: call "
                    "it otherwise, or all of them the same"
                )
            notes[f"the types {', '.join(kinds)} stand at the same end of a relation and are read as one"] += 1
    merged = {node: kinds[0] if len(kinds) == 1 else THING for node, kinds in among.items()}
    names = dict.fromkeys(name for t in triples for name in (t.subject, t.object))
    ends = {(t.relation, k) for t in triples for k in (0, 1)}
    return {name: merged.get(top(("name", name)), THING) for name in names}, {end: merged.get(top(end), THING) for end in ends}


def read_own(
    facts: str | None, wordings: str | None, form: Form = AS_IT_SAYS, skip_bad_rows: bool = False, banks: Sequence[str] = ()
) -> Own:
    """The triples and their relations. banks: of `BANKS`, which are added. Raises KitError, with the row, for anything that
    cannot be a world."""
    if not facts and not banks:
        return Own()
    notes: Notes = Counter()
    rows = read_rows(Path(facts), form, notes) if facts else ()
    told = [fact for name in banks for fact in BANKS[name].facts()]
    triples, aliases, skipped = read_triples(rows, skip_bad_rows, notes, told)
    if told:
        names = {name for t in triples for name in (t.subject, t.object)}
        aliases = told_apart({**BANKS[banks[0]].aliases(told), **aliases}, names, Counter())
    if not triples:
        raise KitError(f"{facts} holds no fact that can be read" + (f"; the first: {skipped[0]}" if skipped else ""))
    worded = _read_wordings(Path(wordings)) if wordings else {}
    of: dict[str, list[Triple]] = {}
    for t in triples:
        of.setdefault(t.relation, []).append(t)
    if unused := sorted(set(worded) - set(of)):
        raise KitError(f"{wordings}: {unused[0]} is a relation of no fact; {nearest(unused[0], of)}")
    kits = frozenset(name for name, own in of.items() if name in RELATIONS and all(_as_kits(t) for t in own))
    for name in sorted(of.keys() & RELATIONS.keys() - kits):
        row = RELATIONS[name]
        types = f"{row.subject} and {row.object}"
        notes[f"{name} is worded by its name; with the types {types} in all its rows it is kit's own relation"] += len(of[name])
    if worded_too := sorted(kits & worded.keys()):
        raise KitError(
            f"{wordings}: {worded_too[0]} is a relation of kit's own table: choose another name, or leave its wording out"
        )
    kinds, ends = _types(triples, notes)
    several = {name: list(overlapping(own)) for name, own in of.items()}
    ready = {name: RELATIONS[name] for name in kits} | {r.name: r for name in banks for r in BANKS[name].RELATIONS}
    relations = []
    for name, own in of.items():
        if name in ready:
            if ready[name].functional and several[name]:
                raise _clash(name, *several[name][0])
            relations += [ready[name]] if name not in kits else []
        else:
            given = {"subject": ends[name, 0], "object": ends[name, 1], **worded.get(name, {})}
            relations.append(_relation(name, own, several[name], given))
    links = tuple(link for name in banks for link in BANKS[name].LINKS)
    conflicts = {name: pairs for name, pairs in several.items() if pairs and not (name in ready and not ready[name].functional)}
    return Own(triples, kinds, aliases, (*relations, *links), links, conflicts, notes, skipped, kits=kits)


def _as_kits(t: Triple) -> bool:
    """Whether a fact's types are those of kit's own relation of that name."""
    row = RELATIONS[t.relation]
    return (t.subject_type, t.object_type) == (row.subject, row.object)


def _clash(name: str, a: Triple, b: Triple) -> KitError:
    return KitError(f"{b.where}: {b.subject} has {b.object} as {name}, but {a.object} in {a.where} at the same time")


def _relation(name: str, own: list[Triple], several: list[tuple[Triple, Triple]], given: dict[str, Any]) -> Relation:
    """A row for a relation that the table lacks: as worded, and as the triples show it."""
    if given.get("functional") and several:
        raise _clash(name, *several[0])
    subjects, single = {t.subject for t in own}, len({t.object for t in own}) == len(own)
    functional = len({b.subject for _, b in several}) <= EXCEPT * len(subjects)
    return Relation(name, **{"functional": functional, **default_wording(name, given["object"], single, not functional), **given})


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


def schema_with(names: Collection[str], own: Own, timed: bool) -> Schema:
    """The schema of a world that has relations of the table and the user's. Raises KitError where two of them have one name."""
    if same := sorted(set(names) & {r.name for r in own.relations}):
        row = RELATIONS[same[0]]
        raise KitError(
            f"the coined world has a relation {same[0]} of its own: where yours is the same, give all its rows the types "
            f"{row.subject} and {row.object}, and else another name"
        )
    brought = own.kits - set(names)
    schema = Schema.of((*names, *sorted(brought)), own.relations, timed, brought)
    if not own.levels:
        return schema
    told = {t.relation for t in own.triples}
    return replace(schema, relations=tuple(replace(r, open=True) if r.name in told else r for r in schema.relations))
