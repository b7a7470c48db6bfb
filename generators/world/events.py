"""Dated events of one's own, each in its own words, with the questions asked about it.

Events are rows with `text` and `date`, if wanted `title`, and their questions: a list `questions` of objects with question,
answer and kind (direct or multihop), or the columns `direct_question`, `direct_answer`, `multihop_question` and
`multihop_answer`, as for the hand-made events of arXiv 2410.03717. The formats are those of `generators.world.own`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from generators.world.own import read_rows
from kit.core.errors import KitError
from kit.core.records import Document, Entity, Fact, Question, schema_of, to_rows
from kit.core.seeds import digest


@dataclass(frozen=True, slots=True)
class Event:
    """A dated event in its own words, and what is asked about it: kind, question, answers."""

    id: str
    title: str
    date: str
    text: str
    questions: tuple[tuple[str, str, tuple[str, ...]], ...]

    @property
    def entities(self) -> tuple[Entity, Entity]:
        date = Entity(digest("date", self.date), "date", self.date, "shared")
        return Entity(self.id, "event", self.title, "novel"), date

    @property
    def fact(self) -> Fact:
        """What stands for the event in counts of exposure: that it happened."""
        year = int(found[0]) if (found := re.search(r"\b\d{4}\b", self.date)) else None
        date = digest("date", self.date)
        return Fact(digest(self.id, "happened_on", date), self.id, "happened_on", date, "novel", year)


@dataclass(frozen=True)
class Events:
    """All events: rows for the tables of a data set."""

    events: list[Event] = field(default_factory=list)

    def entities(self) -> pa.Table:
        rows = dict.fromkeys(entity for event in self.events for entity in event.entities)
        return _table(Entity, list(rows))

    def facts(self) -> pa.Table:
        return _table(Fact, [event.fact for event in self.events])

    def documents(self, exposures: int) -> pa.Table:
        """Every event in its own words, `exposures` times."""
        made = [
            Document(digest("event", e.id, i), e.text, (e.fact.id,), "p", "event", i, "novel")
            for i in range(exposures)
            for e in self.events
        ]
        return _table(Document, made)

    def questions(self) -> pa.Table:
        """As the user asks them, with the event as what a reader would need; nothing is certified."""
        made = []
        for e in self.events:
            for kind, text, answers in e.questions:
                id_ = digest("event", e.id, text)
                made.append(
                    Question(
                        id_, f"event-{kind}", text, (e.id,), (), (), answers, (e.fact.id,), 1 if kind == "direct" else 2,
                        "novel", (e.text,), (),
                    )
                )  # fmt: skip
        return _table(Question, made)


def _table(record: type, rows: list[Any]) -> pa.Table:
    return pa.Table.from_pylist(to_rows(rows), schema=schema_of(record))


def read_events(path: str | None) -> Events:
    """The events of a file. Raises KitError, with the row, for one without text, date or questions."""
    if not path:
        return Events()
    made = []
    for number, row in enumerate(read_rows(Path(path)), 1):
        for key in ("text", "date"):
            if not str(row.get(key) or "").strip():
                raise KitError(f"{path}, row {number}: an event needs {key}")
        text, date = str(row["text"]).strip(), str(row["date"]).strip()
        asked = _asked(row, f"{path}, row {number}")
        title = str(row.get("title") or "").strip() or f"Event {number}: {' '.join(text.split()[:8])}"
        made.append(Event(digest("event", title, date, text), title, date, text, asked))
    if len({e.id for e in made}) < len(made):
        raise KitError(f"{path} holds the same event twice")
    return Events(made)


def _asked(row: dict[str, Any], where: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    given = row.get("questions")
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise KitError(f"{where}: questions must be a list of objects") from None
    listed = list(given or [])
    for kind in ("direct", "multihop"):
        if row.get(f"{kind}_question"):
            listed.append({"question": row[f"{kind}_question"], "answer": row.get(f"{kind}_answer"), "kind": kind})
    found = []
    for one in listed:
        if not isinstance(one, dict) or not str(one.get("question") or "").strip():
            raise KitError(f"{where}: a question needs the keys question, answer and kind")
        given_answers = one.get("answer", one.get("answers"))
        listed_answers = given_answers if isinstance(given_answers, list) else [given_answers]
        answers = tuple(str(a).strip() for a in listed_answers if a is not None and str(a).strip())
        kind = one.get("kind", "direct")
        if not answers:
            raise KitError(f"{where}: the question {one['question']!r} has no answer")
        if kind not in ("direct", "multihop"):
            raise KitError(f"{where}: kind is {kind}; write direct or multihop")
        found.append((kind, str(one["question"]).strip(), answers))
    if not found:
        raise KitError(f"{where}: no question is asked about the event")
    return tuple(found)
