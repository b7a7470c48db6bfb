"""Multihop questions of others: the rows of MuSiQue (arXiv 2108.00573), HotpotQA (1809.09600), 2WikiMultihopQA and SubQA."""

from __future__ import annotations

from kit.core.errors import KitError
from kit.core.records import Question, SubQuestion
from kit.core.rows import Row

HOTPOT = "hotpot-"
"""How the shapes of HotpotQA's rows begin, whose F1 is that data set's own."""


def foreign_question(row: Row) -> Question:
    """A row of MuSiQue (it has a decomposition), or of HotpotQA and those in its form."""
    return musique_question(row) if "question_decomposition" in row.checked() else hotpot_question(row)


def musique_question(row: Row) -> Question:
    """`#1` in a sub-question becomes the first sub-answer. Paragraphs are the context of the facts-in-prompt form, all of them,
    in their order."""
    if row.has("answerable") and not row.flag("answerable"):
        raise KitError(f"{row.where}: a question that MuSiQue marks as unanswerable: use its answerable rows")
    steps = row.rows("question_decomposition")
    answers = [s.text("answer") for s in steps]
    texts = [s.text("question") for s in steps]
    for i, answer in reversed(list(enumerate(answers, 1))):
        texts = [t.replace(f"#{i}", answer) for t in texts]
    paragraphs = row.rows("paragraphs")
    identity = row.text("id")
    return _foreign(
        identity,
        identity.split("__")[0],
        row,
        tuple(dict.fromkeys([row.text("answer"), *row.texts("answer_aliases")])),
        tuple(f"{p.text('title', empty=True)}: {p.text('paragraph_text', empty=True)}" for p in paragraphs),
        tuple(SubQuestion(t, a) for t, a in zip(texts, answers, strict=True)),
        tuple(str(i) for i, p in enumerate(paragraphs) if p.has("is_supporting") and p.flag("is_supporting")),
        len(steps),
    )


def hotpot_question(row: Row) -> Question:
    """HotpotQA's rows, official (lists) or from the hub (columns); 2WikiMultihopQA's have the same form; SubQA's have
    `sub_questions` too, a list of objects with question and answer."""
    context = row.checked().get("context")
    if context is None:
        context = []
    if isinstance(context, dict):
        context = [[p.text("title", empty=True), p.values.get("sentences")] for p in row.rows("context")]
    try:
        paragraphs = tuple(f"{title}: {''.join(sentences)}" for title, sentences in map(_pair, context))
    except (TypeError, ValueError):
        raise KitError(f"{row.where}: context must be a list of titles with their sentences") from None
    subs = row.rows("sub_questions") if row.has("sub_questions") else []
    return _foreign(
        row.text("_id" if row.has("_id") else "id"),
        f"{HOTPOT}{row.text('type') if row.has('type') else 'bridge'}",
        row,
        (row.text("answer"),),
        paragraphs,
        tuple(SubQuestion(s.text("question"), s.text("answer")) for s in subs),
        (),
        max(2, len(subs)),
    )


def _pair(paragraph: object) -> tuple[str, list[str]]:
    if not isinstance(paragraph, list | tuple):
        raise TypeError(paragraph)
    title, sentences = paragraph
    if not isinstance(title, str) or not isinstance(sentences, list | tuple):
        raise TypeError(paragraph)
    return title, list(sentences)


def _foreign(
    id_: str, shape: str, row: Row, answers: tuple[str, ...], context: tuple[str, ...], subs: tuple[SubQuestion, ...],
    support: tuple[str, ...], hops: int,
) -> Question:  # fmt: skip
    return Question(
        id=id_, shape=shape, text=row.text("question"), heads=(), steps=(), sub_questions=subs, answers=answers,
        support=support, hops=hops, split="external", context=context, candidates=(),
    )  # fmt: skip
