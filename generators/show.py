"""A data directory and its items as text for the terminal."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from kit.core.errors import KitError
from kit.core.records import Document, Entity, Example, Fact, Question
from kit.core.store import read_table


def overview(directory: Path) -> str:
    """Counts by kind, and one item of each to go on with."""
    questions = read_table(directory / "questions.parquet", Question)
    documents = read_table(directory / "documents.parquet", Document)
    entities = read_table(directory / "entities.parquet", Entity)
    examples = read_table(directory / "examples.parquet", Example)
    lines = [f"{directory}"]
    for title, counts in (
        ("entities", Counter(f"{e.part} {e.type}" for e in entities)),
        ("documents", Counter(d.corpus for d in documents)),
        ("questions", Counter(f"{q.split} {q.shape}" for q in questions)),
        ("examples", Counter(e.kind for e in examples)),
    ):
        lines.append(f"\n{title} ({counts.total():,})")
        lines += [f"  {name:<28} {n:>8,}" for name, n in counts.items()]
    question = next(q for q in questions if q.hops == max(q.hops for q in questions))
    lines.append(f"\nfor example: kit show {directory} {question.id}")
    return "\n".join(lines)


def show_item(directory: Path, id_: str) -> str:
    """One item by its id. Raises KitError when no table has it."""
    entities = {e.id: e for e in read_table(directory / "entities.parquet", Entity)}
    facts = {f.id: f for name in ("facts", "shuffled_facts") for f in read_table(directory / f"{name}.parquet", Fact)}

    def stated(fact_id: str) -> str:
        f = facts.get(fact_id)
        return f"{entities[f.subject].name} --{f.relation}--> {entities[f.object].name}" if f else "a throwaway fact"

    for question in read_table(directory / "questions.parquet", Question):
        if question.id == id_:
            return _question(question, stated)
    if id_ in facts:
        carrying = [d for d in read_table(directory / "documents.parquet", Document) if id_ in d.facts]
        counts = Counter(d.corpus for d in carrying)
        return "\n".join([f"fact {id_}: {stated(id_)}", f"documents: {dict(counts)}", *(f"  {d.text}" for d in carrying[:3])])
    if id_ in entities:
        own = [f"  {stated(f.id)}" for f in facts.values() if id_ in (f.subject, f.object)]
        e = entities[id_]
        return "\n".join([f"{e.type} {e.name} ({e.part})", *own])
    for document in read_table(directory / "documents.parquet", Document):
        if document.id == id_:
            return "\n".join([document.text, *(f"  states {stated(f)}" for f in document.facts)])
    for example in read_table(directory / "examples.parquet", Example):
        if example.id == id_:
            return f"{example.kind}\nprompt:     {example.prompt}\ncompletion: {example.completion}"
    raise KitError(f"{directory} has no item {id_}: kit show {directory} lists what there is")


def _question(question: Question, stated: object) -> str:
    assert callable(stated)
    certificate = question.certificate
    lines = [question.text, f"  answer: {', '.join(question.answers)}   [{question.shape}, {question.split}]", "graph:"]
    lines += [f"  {stated(f)}" for f in question.support]
    heads = len(question.heads)
    for register, step in enumerate(question.steps, heads):
        inputs = " and ".join(f"head {i + 1}" if i < heads else f"({i})" for i in step.inputs)
        lines.append(f"  ({register}) {' '.join(filter(None, (step.op, step.relation)))} of {inputs}")
    lines.append("sub-questions:")
    lines += [f"  {s.text} {s.answer}" for s in question.sub_questions]
    if question.context:
        lines += ["facts in the prompt:", *(f"  {c}" for c in question.context)]
    if certificate:
        lines.append(
            f"certificate: one answer {certificate.unique}, not readable off {certificate.unreadable}, no shortcut "
            f"{certificate.no_shortcut}, necessary facts {len(certificate.necessary)} of {len(question.support)}, "
            f"prior of the answer {certificate.type_prior:.3f}"
        )
    return "\n".join(lines)
