"""A data directory and its items as text for the terminal. Tables are filtered before they become records."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from generators.own.report import lines as own
from kit.core.errors import KitError
from kit.core.records import Document, Entity, Example, Exposure, Fact, Question, from_row
from kit.core.store import table_files

R = TypeVar("R")
SHOWN = 3
"""Documents of a corpus that are shown in full."""


def overview(directory: Path, called: str) -> str:
    """Counts by kind, what the audit found, and one item of each kind to go on with. called: how its user names it."""
    lines = [called]
    for name, columns in (
        ("entities", ("part", "type")),
        ("facts", ("part", "relation")),
        ("documents", ("corpus", "template")),
        ("questions", ("split", "shape")),
        ("probes", ("split", "shape")),
        ("examples", ("kind",)),
    ):
        table = _table(directory, name, *columns)
        counts = table.group_by(list(columns), use_threads=False).aggregate([([], "count_all")]).to_pylist()
        lines.append(f"\n{name} ({len(table):,})")
        lines += [f"  {' '.join(row[c] for c in columns):<36} {row['count_all']:>10,}" for row in counts]
    found = json.loads((directory / "audit.json").read_text("utf-8"))
    lines.append("\naudit (audit.json)")
    for corpus, told in found["exposures"].items():
        times = f"{told['fewest']} to {told['most']} times, asked for {told['asked']}"
        lines.append(f"  {corpus} documents state {told['facts']:,} facts {times}")
    lines += [f"  {key.replace('_', ' '):<56} {value:,}" for key, value in (found["splits"] | found["phrasings"]).items()]
    for row in sorted(found["guessers"], key=lambda row: -row["z"])[:3]:
        chance = f"right in {row['right']:.3f}, chance {row['chance']:.3f}, z {row['z']:+.1f}, n {row['n']:,}"
        lines.append(f"  {row['guesser']} at {row['shape']} ({row['split']}): {chance}")
    if told := own(directory):
        lines += ["\nyour own facts and events (own.json)", *(f"  {line}" for line in told)]
    questions = _table(directory, "questions", "id", "hops")
    if len(questions):
        hardest = pc.index(questions["hops"], pc.max(questions["hops"])).as_py()
        lines.append(f"\nfor example: kit show {called} {questions['id'][hardest].as_py()}")
    # A fact that is probed has most to show.
    facts = pa.concat_arrays([_table(directory, n, c)[c].combine_chunks() for n, c in (("probes", "probes"), ("facts", "id"))])
    if len(facts):
        lines.append(f"             kit show {called} {facts[0].as_py()}")
    return "\n".join(lines)


def show_item(directory: Path, id_: str) -> str:
    """One item by its id. Raises KitError when no table has it."""
    for name, record, told in _TOLD:
        if found := _records(directory, name, record, "id", id_):
            return told(directory, found[0])
    raise KitError(f"{directory} has no item {id_}: kit show {directory} lists what there is")


def _table(directory: Path, name: str, *columns: str) -> pa.Table:
    try:
        files = table_files(directory / f"{name}.parquet")
        return pa.concat_tables([pq.read_table(file, columns=list(columns) or None) for file in files])
    except (OSError, pa.ArrowInvalid) as error:
        raise KitError(f"cannot read {name} of {directory}: {str(error).splitlines()[0]}") from None


def _records(directory: Path, name: str, record: type[R], column: str, value: str) -> list[R]:
    """The records with a value in a column, or with it among those of a list column."""
    table = _table(directory, name)
    if not pa.types.is_list(table.schema.field(column).type):
        return [from_row(record, row) for row in table.filter(pc.equal(table[column], value)).to_pylist()]
    lists = table[column].combine_chunks()
    rows = pc.unique(pc.list_parent_indices(lists).filter(pc.equal(lists.flatten(), value)))
    return [from_row(record, row) for row in table.take(rows).to_pylist()]


def _names(directory: Path) -> dict[str, str]:
    table = _table(directory, "entities", "id", "name")
    return dict(zip(table["id"].to_pylist(), table["name"].to_pylist(), strict=True))


def _arrow(fact: Fact, names: dict[str, str]) -> str:
    years = f"   [{fact.valid_from or '…'} to {fact.valid_to or '…'}]" if fact.valid_from or fact.valid_to else ""
    return f"{names[fact.subject]} --{fact.relation}--> {names[fact.object]}{years}"


def _stated(directory: Path, ids: tuple[str, ...], names: dict[str, str]) -> list[str]:
    """Facts as arrows, those of throwaway worlds as such."""
    found: dict[str, str] = {}
    for name in ("facts", "shuffled_facts"):
        table = _table(directory, name)
        for row in table.filter(pc.is_in(table["id"], pa.array(ids, pa.string()))).to_pylist():
            found.setdefault(row["id"], _arrow(from_row(Fact, row), names))
    return [found.get(id_, "a throwaway fact") for id_ in ids]


def _question(directory: Path, question: Question) -> str:
    names = _names(directory)
    accepted = ", ".join(question.answers)
    lines = [question.text, f"  answer: {accepted}   [{question.shape}, {question.split}]"]
    if question.outdated:
        lines.append(f"  before the edit: {', '.join(question.outdated)}")
    lines.append("facts:")
    necessary = question.certificate.necessary if question.certificate else ()
    stated = _stated(directory, question.support, names)
    lines += [f"  {'*' if f in necessary else ' '} {told}" for f, told in zip(question.support, stated, strict=True)]
    lines.append("graph:")
    lines += [f"  ({i}) {names.get(head, head)}" for i, head in enumerate(question.heads)]
    for register, step in enumerate(question.steps, len(question.heads)):
        inputs = " and ".join(f"({i})" for i in step.inputs)
        lines.append(f"  ({register}) {' '.join(filter(None, (step.op, step.relation)))} of {inputs}")
    lines.append("sub-questions:")
    lines += [f"  {s.text} {s.answer}" for s in question.sub_questions]
    if question.context:
        lines += ["facts in the prompt:", *(f"  {c}" for c in question.context)]
    if question.candidates:
        lines.append(f"wrong answers to choose from: {', '.join(question.candidates)}")
    if certificate := question.certificate:
        lines.append(
            f"certificate: {_yes(certificate.unique)} one answer, {_yes(certificate.unreadable)} not readable off the text, "
            f"{_yes(certificate.no_shortcut)} no shortcut; {len(necessary)} of {len(question.support)} facts necessary (*); "
            f"a guess by popularity is {'right' if certificate.popularity_guess else 'wrong'}, one by prior right in "
            f"{certificate.type_prior:.1%}"
        )
    if hard := question.difficulty:
        lines.append(
            f"difficulty: {question.hops} hops, {hard.branching:.1f} neighbours on the way, {hard.popularity} of the answer, "
            f"facts stated {hard.exposure} times, {hard.asked} of {len(question.support)} asked for in training"
        )
    return "\n".join(lines)


def _yes(told: bool | None) -> str:
    return "-" if told is None else "✓" if told else "✗"


def _fact(directory: Path, fact: Fact) -> str:
    names = _names(directory)
    lines = [_arrow(fact, names), f"  {fact.part}"]
    exposures = _records(directory, "exposures", Exposure, "fact", fact.id)
    for e in exposures:
        lines.append(f"  stated {e.statements} times in {e.corpus} documents, {e.reversed} reversed, {e.masked} masked")
    carrying = _records(directory, "documents", Document, "facts", fact.id)
    for corpus in dict.fromkeys(d.corpus for d in carrying):
        own = [d for d in carrying if d.corpus == corpus]
        lines.append(f"documents of {corpus} ({len(own)}):")
        lines += [f"  {d.template}: {d.text}" for d in own[:SHOWN]]
        if len(own) > SHOWN:
            lines.append(f"  … and {len(own) - SHOWN} more")
    if probes := _records(directory, "probes", Question, "probes", fact.id):
        lines.append(f"probes ({len(probes)}):")
        lines += [f"  {p.shape:<11} {p.text} => {p.answers[0]}   (not {', '.join(p.candidates[:3])})" for p in probes]
    if asked := _records(directory, "questions", Question, "support", fact.id):
        lines.append(f"questions that need it ({len(asked)}):")
        lines += [f"  {q.id} {q.split} {q.shape}: {q.text}" for q in asked[:SHOWN]]
    return "\n".join(lines)


def _entity(directory: Path, entity: Entity) -> str:
    names = _names(directory)
    also = f", also known as {', '.join(entity.aliases)}" if entity.aliases else ""
    facts = [f for end in ("subject", "object") for f in _records(directory, "facts", Fact, end, entity.id)]
    return "\n".join([f"{entity.type} {entity.name} ({entity.part}){also}", *(f"  {f.id} {_arrow(f, names)}" for f in facts)])


def _document(directory: Path, document: Document) -> str:
    stated = _stated(directory, document.facts, _names(directory))
    return "\n".join([document.text, f"  [{document.template}, {document.corpus}]", *(f"  states {told}" for told in stated)])


def _example(directory: Path, example: Example) -> str:
    return f"{example.kind}\nprompt:     {example.prompt}\ncompletion: {example.completion}"


_TOLD: tuple[tuple[str, type[Any], Callable[[Path, Any], str]], ...] = (
    ("questions", Question, _question),
    ("probes", Question, _question),
    ("facts", Fact, _fact),
    ("shuffled_facts", Fact, _fact),
    ("entities", Entity, _entity),
    ("documents", Document, _document),
    ("examples", Example, _example),
)
"""What is looked through for an id, in order, and how an item of each is told."""
