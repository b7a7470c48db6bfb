"""Rows of facts as triples: every cell read one way or refused with its line, entities told apart by their ids, dates by the day.

A row has `subject`, `relation` and `object`, and if wanted their ids and types, `valid_from` and `valid_to`, `aliases` and
`object_aliases` (several separated by "|"), and `part` (known or novel; novel is the default). An object that is a list stands
for as many rows.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from generators.own.dates import Date, no_date, read_date, spelled
from generators.own.files import Notes, words_of
from generators.world.world import BEGINNING, FOREVER
from kit.core.errors import KitError
from kit.core.rows import Row

_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u2060\ufeff]")
_NO_VALUE = frozenset("nan NaN NaT null NULL none None N/A n/a n.a. #N/A <NA> #REF! #VALUE! #NAME? ? - -- –".split())

THING, DATE = "thing", "date"
"""The types of entities of which nothing else is said."""


@dataclass(frozen=True, slots=True)
class Triple:
    """One fact. subject, object: names; while they are read, of entities with an id, that. since, until: the first year it holds
    in, and the first it no longer does; begins, ends: the same by the day, where that is told."""

    where: str
    subject: str
    relation: str
    object: str
    subject_type: str = ""
    object_type: str = ""
    since: int = BEGINNING
    until: int = FOREVER
    begins: Date | None = None
    ends: Date | None = None
    part: str = "novel"


class Called(NamedTuple):
    """What a row calls an entity: its id (or name), its name, other names."""

    key: str
    name: str
    aliases: tuple[str, ...]
    where: str


class Triples(NamedTuple):
    """All of a file, by name. aliases: of each entity that has any. skipped: what was said of rows that were left out."""

    facts: list[Triple]
    aliases: dict[str, tuple[str, ...]]
    skipped: list[str]


def read_triples(rows: Iterable[Row], skip: bool, notes: Notes, more: Sequence[Triple] = ()) -> Triples:
    """All facts, and `more` that are read already. Raises KitError for the first row that cannot be read or, with `skip`, leaves
    such out; in any case for what only the whole tells: an id of two names for two things, a name of two entities or types, a
    part that contradicts itself."""
    called: list[Called] = []
    skipped: list[str] = []
    read: list[Triple] = []
    for row in rows:
        try:
            ends, made = _read(row, notes)
        except KitError as error:
            if not skip:
                raise
            skipped.append(str(error))
            continue
        called += ends
        read += made
    names, aliases = _names(called, notes)
    facts = _once([*more, *(replace(t, subject=names[t.subject], object=names[t.object]) for t in read)], notes)
    return Triples(facts, aliases, skipped)


def _read(row: Row, notes: Notes) -> tuple[list[Called], list[Triple]]:
    """What a row calls its entities, and its triples."""
    values = row.checked()
    subject, relation = text(row, "subject", notes), _relation(row, notes)
    part = text(row, "part", notes, needed=False) or "novel"
    if part not in ("known", "novel"):
        raise KitError(f"{row.where}: part is {part}; write known or novel")
    types = [_snake(text(row, key, notes, needed=False)) for key in ("subject_type", "object_type")]
    begins, ends = (_date(row, key) for key in ("valid_from", "valid_to"))
    if begins and ends and ends < begins:
        raise KitError(f"{row.where}: valid_to must not be earlier than valid_from")
    since, until = BEGINNING if begins is None else begins.year, FOREVER if ends is None else ends.year
    head = _called(row, "subject", subject, _several(row, "aliases", notes), notes)
    found, triples = [head], []
    told = _listed(values["object"])
    objects = told if isinstance(told, list) else [told]
    if isinstance(told, list):
        notes["a list of objects is read as a fact each"] += 1
    if not objects:
        raise KitError(f"{row.where} has no object")
    for value in objects:
        name = text(Row({"object": value}, row.where), "object", notes)
        date = None
        if types[1] in ("", DATE) and not _plain_number(name):
            date = read_date(name)
            if no_date(name):
                raise KitError(f"{row.where}: {name!r} is no date, or may be read as two: write it as in 1996-05-01")
        if date and (date.month or name[-1] == "Z"):
            also: tuple[str, ...] = (name,) if spelled(date) != name else ()
            tail = Called(spelled(date), spelled(date), also, row.where)
            notes["a date is written out, as in 1 May 1996"] += bool(also)
        else:
            tail = _called(row, "object", name, _several(row, "object_aliases", notes), notes)
        found.append(tail)
        triples.append(
            Triple(
                row.where, head.key, relation, tail.key, types[0], types[1] or (DATE if date and date.day else ""), since,
                max(until, since + 1), begins, ends, part,
            )
        )  # fmt: skip
    return found, triples


def text(row: Row, key: str, notes: Notes, needed: bool = True) -> str:
    """A cell as one line of text: numbers as they are written, nothing else that is no text."""
    value = row.values.get(key)
    if isinstance(value, bool | dict | list | tuple):
        what = "true or false" if isinstance(value, bool) else "a list" if isinstance(value, list | tuple) else "an object"
        raise KitError(f"{row.where}: {key} must be text, not {what}")
    if isinstance(value, bytes):
        raise KitError(f"{row.where}: {key} holds bytes: store it as text")
    if isinstance(value, float):
        if math.isinf(value):
            raise KitError(f"{row.where}: {key} is not finite")
        value = int(value) if value.is_integer() else None if value != value else value
    said = "" if value is None else str(value)
    if re.search("[\ud800-\udfff]", said):
        raise KitError(f"{row.where}: {key} holds half a character (a lone surrogate)")
    line = " ".join(unicodedata.normalize("NFC", said).split())
    if _INVISIBLE.search(line):
        line = _INVISIBLE.sub("", line).strip()
        notes["characters that cannot be seen are left out"] += 1
    if re.match(r"\[\s*'", line):
        raise KitError(f"{row.where}: {key} is a list as Python writes it: write it as JSON does, with double quotes")
    if line in _NO_VALUE:
        raise KitError(f"{row.where}: {key} is {line}, which stands for no value: leave the cell empty, or such rows out")
    if len(said.strip().splitlines()) > 1:
        notes["a line break in a cell is read as a space"] += 1
    if control := re.search(r"[\x00-\x1f\x7f]", line):
        raise KitError(f"{row.where}: {key} holds a control character ({control[0]!r})")
    if needed and not line:
        raise KitError(f"{row.where} has no {key}")
    return line


def _several(row: Row, key: str, notes: Notes) -> tuple[str, ...]:
    """Names in a list, or in a text between bars."""
    value = row.values.get(key)
    if isinstance(value, list | tuple):
        return tuple(text(Row({key: each}, row.where), key, notes) for each in value)
    if isinstance(told := _listed(value), list):
        return _several(Row({key: told}, row.where), key, notes)
    return tuple(name.strip() for name in text(row, key, notes, needed=False).split("|") if name.strip())


def _listed(value: Any) -> Any:
    """A list that a cell holds as JSON writes it; anything else as it is."""
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(value)
    return value


def _snake(name: str) -> str:
    """In lower case, words joined by "_": "MusicalArtist" is musical_artist."""
    return re.sub(r"[\s_]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).lower().strip("_")


def _relation(row: Row, notes: Notes) -> str:
    """The name of a relation in lower case, its words joined by "_"."""
    told = text(row, "relation", notes)
    name = words_of(told) if _is_address(told) else told
    if not re.fullmatch(r"\w[\w '’-]*", name) or not re.search(r"[^\W\d_]", name):
        raise KitError(f"{row.where}: {told!r} is no name for a relation: use letters, digits, _ and -")
    if re.fullmatch(r"P\d+", name):
        raise KitError(f"{row.where}: the relation {name} is a number of Wikidata's: put its label")
    name = _snake(name)
    if name != told:
        notes["a relation's name is read in lower case, its words joined by _"] += 1
    return name


def _is_address(name: str) -> bool:
    return bool(re.fullmatch(r"<?https?://\S+>?", name))


def _called(row: Row, end: str, name: str, aliases: tuple[str, ...], notes: Notes) -> Called:
    """An end by its id, if it has one; an address as a name is an id as well."""
    key = text(row, f"{end}_id", notes, needed=False)
    if re.search(r"\[(\d+|[a-z])\]$", name):
        notes["a name ends with the mark of a footnote, such as [1]"] += 1
    if re.search(r"&(#\d+|#x[\da-fA-F]+|[a-z]{2,6});", name):
        notes["a name holds a character as HTML writes it, such as &amp;"] += 1
    if name.startswith("_:") or "/.well-known/genid/" in name:
        raise KitError(f"{row.where}: {end} is {name}, which stands for what is not known")
    if _is_address(name):
        key, name = key or name, words_of(name.strip("<>"))
        notes["an address is read as a name by its last part"] += 1
    if re.fullmatch(r"[QL]\d+", name) and (key.endswith(name) or not key):
        raise KitError(f"{row.where}: {name} is an id, not a name: put the label in {end}, and the id in {end}_id")
    return Called(f"\0{key}" if key else name, name, aliases, row.where)


def _plain_number(text: str) -> bool:
    return bool(re.fullmatch(r"\d+", text))


def _date(row: Row, key: str) -> Date | None:
    """A date. Raises KitError for what is none."""
    value = row.values.get(key)
    said = value.isoformat() if isinstance(value, datetime.date) else text(row, key, Notes(), needed=False)
    if not said:
        return None
    found = read_date(said)
    if not found:
        raise KitError(f"{row.where}: {key} is {said!r}, not a year or a date as in 1996 or 1996-05-01")
    if not BEGINNING < found.year < FOREVER:
        raise KitError(f"{row.where}: {key} is {said!r}: years from {BEGINNING + 1} to {FOREVER - 1} are taken")
    return found


def _names(called: list[Called], notes: Notes) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """The name of every id and name, and the other names of those that have any. Raises KitError where two ids have one name."""
    names: dict[str, Called] = {}
    also: dict[str, dict[str, None]] = {}
    for one in called:
        first = names.setdefault(one.key, one)
        more = (*one.aliases, *((one.name,) if one.name != first.name else ()))
        if one.name != first.name:
            notes["another name of the same id is an alias"] += 1
        also.setdefault(one.key, {}).update(dict.fromkeys(more))
    by_name: dict[str, Called] = {}
    for key, one in sorted(names.items(), key=lambda pair: not pair[0].startswith("\0")):
        other = by_name.setdefault(one.name, one)
        if other.key == key:
            continue
        if not key.startswith("\0"):
            # A name without an id is that of the one who has it.
            also[other.key].update(also[key])
            continue
        ids = " and ".join(k.strip("\0") for k in (other.key, key))
        places = " and ".join(dict.fromkeys((other.where, one.where)))
        raise KitError(f"{places}: {ids} are both called {one.name}: give each a name of its own")
    by_key = {key: one.name for key, one in names.items()}
    aliases = {one.name: tuple(a for a in also[one.key] if a != one.name) for one in by_name.values()}
    taken = {one.name for one in by_name.values()}
    if alike := [name for name, count in Counter(name.casefold() for name in taken).items() if count > 1]:
        notes["names that differ only in capital letters are those of different things"] += len(alike)
    return by_key, told_apart(aliases, taken, notes)


def told_apart(aliases: Mapping[str, tuple[str, ...]], names: Collection[str], notes: Notes) -> dict[str, tuple[str, ...]]:
    """The other names that are nobody else's, neither as a name nor as another one."""
    count = Counter(a for others in aliases.values() for a in set(others))
    kept = {name: tuple(dict.fromkeys(a for a in others if a not in names and count[a] == 1)) for name, others in aliases.items()}
    if clashing := sum(len(set(others)) - len(kept[name]) for name, others in aliases.items()):
        notes["an alias that is the name of something else is left out"] += clashing
    return {name: others for name, others in kept.items() if others}


def _once(facts: list[Triple], notes: Notes) -> list[Triple]:
    """Each fact once. Raises KitError for one that is told with two ends, and for a subject in two parts."""
    seen: dict[tuple[str, str, str, Any], Triple] = {}
    parts: dict[str, Triple] = {}
    kept = []
    for t in facts:
        first = seen.setdefault((t.subject, t.relation, t.object, t.begins or t.since), t)
        if first.until != t.until:
            raise KitError(f"{t.where} repeats {first.where} with another end: {t.subject}, {t.relation}, {t.object}")
        if first is t:
            kept.append(t)
        else:
            notes["a fact that is told again is read once"] += 1
        before = parts.setdefault(t.subject, t)
        if before.part != t.part:
            raise KitError(f"{t.where}: {t.subject} is {t.part} here but {before.part} in {before.where}")
    return kept


def overlapping(triples: Iterable[Triple]) -> Iterator[tuple[Triple, Triple]]:
    """Of one relation's triples those that give a subject two objects at one time, with the one that they begin beside."""
    last: dict[str, Triple] = {}
    for t in sorted(triples, key=lambda t: t.begins or Date(t.since)):
        before = last.get(t.subject)
        if before and before.object != t.object and _before_end(t, before):
            yield before, t
        if not before or _later_end(t, before):
            last[t.subject] = t


def _before_end(t: Triple, before: Triple) -> bool:
    """Whether one begins before the other has ended: by the day where both are told so, else by the month or year."""
    if before.ends is None:
        return True
    begins = t.begins or Date(t.since)
    told = min(_told(begins), _told(before.ends))
    return begins[:told] < before.ends[:told]


def _told(date: Date) -> int:
    """How much of a date is told: the year, the month, the day."""
    return 1 + bool(date.month) + bool(date.day)


def _later_end(t: Triple, before: Triple) -> bool:
    return t.ends is None or (before.ends is not None and t.ends > before.ends)
