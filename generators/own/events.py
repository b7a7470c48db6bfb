"""Dated events of one's own, each in its own words, with the questions asked about it.

Events are rows with `text` and `date`, if wanted `title`, and their questions: a list `questions` of objects with question,
answer and kind (direct or multihop), or the columns `direct_question`, `direct_answer`, `multihop_question` and
`multihop_answer`, as for the hand-made events of arXiv 2410.03717. The formats are those of `generators.own.files`.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from generators.own.dates import read_date
from generators.own.files import Form, Notes, read_rows
from generators.own.triples import text as cell
from kit.core.errors import KitError
from kit.core.records import Document, Entity, Fact, Question, schema_of, to_rows
from kit.core.rows import Row
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
        told = read_date(self.date)
        year = told.year if told else None
        date = digest("date", self.date)
        return Fact(digest(self.id, "happened_on", date), self.id, "happened_on", date, "novel", year)


@dataclass(frozen=True)
class Events:
    """All events: rows for the tables of a data set. unheld: what is told of answers that do not stand in the text of their
    event; notes: of how the file was read."""

    events: list[Event] = field(default_factory=list)
    unheld: list[str] = field(default_factory=list)
    notes: Notes = field(default_factory=Counter)

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
    """The events of a file. Raises KitError, with the row, for one without text, date or questions, for a date that cannot be
    read, and for what is told, or asked, twice."""
    if not path:
        return Events()
    made: list[Event] = []
    unheld: list[str] = []
    before: dict[str, str] = {}
    answered: dict[str, tuple[str, tuple[str, ...]]] = {}
    notes: Notes = Counter()
    for number, told in enumerate(read_rows(Path(path), Form(), notes, events=True), 1):
        row, where = told.checked(), told.where
        if isinstance(row.get("date"), datetime.date):
            row["date"] = row["date"].isoformat()
        text, date, title = (cell(told, key, notes, needed=key != "title") for key in ("text", "date", "title"))
        text = str(row["text"]).strip()  # in its own lines
        if not read_date(date):
            raise KitError(f"{where}: date is {date!r}, not a date as in 2026-03-01 or 1 March 2026")
        if (first := before.setdefault(text, where)) != where:
            raise KitError(f"{where} tells what {first} tells")
        asked = _asked(row, where, notes)
        for kind, question, answers in asked:
            first, other = answered.setdefault(question, (where, answers))
            if first != where or other is not answers:
                told_ = "with another answer" if set(other).isdisjoint(answers) else "as well"
                raise KitError(f"{where} asks {question!r}, which {first} asks {told_}")
            if not _held(answers, f"{title} {date} {text}"):
                unheld.append(f"{where}: {' or '.join(answers)}, to the {kind} question {question}")
        title = title or f"Event {number}: {' '.join(text.split()[:8])}"
        made.append(Event(digest("event", title, date, text), title, date, text, asked))
    if not made:
        raise KitError(f"{path} holds no event")
    return Events(made, unheld, notes)


def _held(answers: tuple[str, ...], text: str) -> bool:
    """Whether one of the answers stands in a text, or could not."""
    plain = text.casefold()
    return any(a.casefold() in plain or a.casefold().strip(".") in ("yes", "no") for a in answers)


def _asked(row: dict[str, Any], where: str, notes: Notes) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    given = row.get("questions")
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise KitError(f"{where}: questions must be a list of objects") from None
    listed = list(given or [])
    for kind in ("direct", "multihop"):
        if row.get(f"{kind}_question") is not None and cell(Row(row, where), f"{kind}_question", notes, needed=False):
            listed.append({"question": row[f"{kind}_question"], "answer": row.get(f"{kind}_answer"), "kind": kind})
    found = []
    for one in listed:
        if not isinstance(one, dict) or not one.get("question"):
            raise KitError(f"{where}: a question needs the keys question, answer and kind")
        given_answers = one.get("answer", one.get("answers"))
        listed_answers = given_answers if isinstance(given_answers, list) else [given_answers]
        told = [cell(Row({"answer": a}, where), "answer", notes, needed=False) for a in listed_answers]
        answers = tuple(answer for answer in told if answer)
        kind = one.get("kind", "direct")
        if not answers:
            raise KitError(f"{where}: the question {one['question']!r} has no answer")
        if kind not in ("direct", "multihop"):
            raise KitError(f"{where}: kind is {kind}; write direct or multihop")
        found.append((kind, cell(Row(one, where), "question", notes), answers))
    if not found:
        raise KitError(f"{where}: no question is asked about the event")
    return tuple(found)
