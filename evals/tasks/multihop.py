"""Multihop question answering, on kit's own questions and on MuSiQue's public rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kit.core.errors import KitError
from kit.core.records import Question, SubQuestion
from kit.core.seeds import digest
from kit.core.store import read_table


def load_questions(source: str) -> list[Question]:
    """Questions and probes of a data directory, a MuSiQue file (.jsonl, .parquet) or a hub data set id.

    Raises KitError when the source is neither, or a row lacks a column (with the row's number).
    """
    path = Path(source)
    if path.is_dir():
        return [q for name in ("questions", "probes") for q in read_table(path / f"{name}.parquet", Question)]
    rows = _jsonl(path) if path.suffix == ".jsonl" else _dataset(source)
    return [musique_question(row, i) for i, row in enumerate(rows)]


def _jsonl(path: Path) -> list[dict[str, Any]]:
    """Rows split at "\\n" only (real rows hold other line separators inside strings)."""
    rows = []
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise KitError(f"cannot read {path}: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line.decode("utf-8")))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise KitError(f"{path}, line {number}: not a JSON row in UTF-8 ({error})") from None
    return rows


def _dataset(source: str) -> list[dict[str, Any]]:
    from datasets import load_dataset

    try:
        if Path(source).exists():
            return list(load_dataset("parquet", data_files=source, split="train"))
        return list(load_dataset(source, split="validation"))
    except Exception as error:  # datasets raises dozens of kinds; all mean "this source cannot be read"
        raise KitError(f"cannot load questions from {source}: {str(error).strip().splitlines()[0]}") from error


def musique_question(row: dict[str, Any], number: int) -> Question:
    """One row in MuSiQue's public schema; `#1` in a sub-question becomes the first sub-answer.

    Paragraphs become the context of the facts-in-prompt form, all of them, in their order.
    """
    try:
        steps = row["question_decomposition"]
        answers = [str(s["answer"]) for s in steps]
        texts = [str(s["question"]) for s in steps]
        paragraphs = row["paragraphs"]
        context = tuple(f"{p['title']}: {p['paragraph_text']}" for p in paragraphs)
        golds = tuple(dict.fromkeys([str(row["answer"]), *map(str, row.get("answer_aliases") or [])]))
        text, identity = str(row["question"]), str(row["id"])
    except (KeyError, TypeError) as error:
        raise KitError(f"row {number}: not in MuSiQue's schema ({error!r})") from None
    for i, answer in reversed(list(enumerate(answers, 1))):
        texts = [t.replace(f"#{i}", answer) for t in texts]
    return Question(
        id=identity or digest(text),
        shape=identity.split("__")[0] or "musique",
        text=text,
        heads=(),
        steps=(),
        sub_questions=tuple(SubQuestion(t, a) for t, a in zip(texts, answers, strict=True)),
        answers=golds,
        support=tuple(str(p["idx"]) for p in paragraphs if p.get("is_supporting")),
        hops=len(steps),
        split="external",
        context=context,
        candidates=(),
        certificate=None,
    )
