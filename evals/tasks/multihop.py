"""Multihop question answering: kit's own questions, and the rows of MuSiQue, HotpotQA, 2WikiMultihopQA and SubQA."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from evals.config import EvalConfig
from evals.errors import error_kind
from evals.final import Final, before_next_question
from evals.scoring.qa import exact_match, f1, hotpot_f1, near_miss, normalise, set_f1, set_match
from evals.tasks.task import UNNORMALISED, Ask, Examples, Task
from kit.core.errors import KitError
from kit.core.records import EvalRecord, Question, Style, Wording
from kit.core.rows import Converted
from kit.core.store import read_table
from kit.models.prompts import extract_answer, loose_answer, question_turns, user_message
from kit.sources.questions import HOTPOT, foreign_question
from kit.sources.reading import load


def load_questions(source: str, config: EvalConfig) -> Converted:
    """Questions and probes of a data directory, or rows of a public set. Raises KitError for what is neither."""
    found = load(source, "questions", Question, foreign_question, config.skip_bad_rows)
    if (path := Path(source)).is_dir():
        found.items.extend(read_table(path / "probes.parquet", Question))
    return found


def asks(config: EvalConfig, questions: Sequence[Question], examples: Sequence[Question]) -> list[Ask[Question]]:
    """Every prompt of every slice. Raises KitError when a slice finds no question."""
    found: list[Ask[Question]] = []
    for part in config.slices:
        chosen = [q for q in questions if part.holds(q)]
        if not chosen:
            splits = sorted({q.split for q in questions})
            raise KitError(f"no questions of slice {part.name}; the data hold {', '.join(splits)}")
        if part.mode == "choice":
            # Of some, as of a count that no other group has, nothing wrong could be offered that is as likely.
            told = [q for q in chosen if q.candidates]
            if not told:
                raise KitError(
                    f"{chosen[0].id} has no candidates to choose from: mode choice is for kit's own questions and probes"
                )
            chosen = told
        shown = Examples(config, part, examples, partial(_turns, config.ask, part.context == "facts"), _text)
        for question in chosen[: part.limit]:
            context = question.context if part.context == "facts" else ()
            if part.context == "facts" and not context:
                raise KitError(f"{question.id} has no facts to be told: ask it closed book")
            shots = shown.drawn(question)
            message = user_message(question.text, part.style, context, config.ask)
            for sample in range(part.samples):
                found.append(Ask(part, question, message, question.answers, question.candidates, shots=shots, sample=sample))
            for i, sub in enumerate(question.sub_questions if part.sub_questions else ()):
                asked = user_message(sub.text, part.style, context, config.ask)
                found.append(Ask(part, question, asked, (sub.answer,), part=i, shots=shots))
    return found


def _text(question: Question) -> str:
    return question.text


def _turns(wording: Wording, told: bool, question: Question, style: Style) -> tuple[str, str]:
    """A question as it is worded, with the facts where it is told them, and its answer."""
    asked = user_message(question.text, style, question.context if told else (), wording)
    return asked, question_turns(question, style)[1]


def bridge(question: Question) -> str:
    """The entity that questions may share, through which they go; what says yes or no, or a number, is none."""
    first = question.sub_questions[0].answer if question.hops > 1 and question.sub_questions else ""
    return "" if normalise(first) in ("yes", "no") or re.fullmatch(r"[\d.,\s]*", first) else first


def extract(style: Style, output: str, golds: Sequence[str], asked: str = "") -> str | None:
    """The answer in an output. A cloze continues with the object: as many words of it as the gold has."""
    if style != "cloze":
        return extract_answer(before_next_question(output, asked))
    words = output.strip().split("\n")[0].split()[: max(len(g.split()) for g in golds)]
    return " ".join(words).rstrip(".,;") or None


def records(config: EvalConfig, asked: Sequence[Ask[Question]], outputs: Sequence[Final]) -> list[EvalRecord]:
    """One for each answer; the question's tell whether its sub-questions were right where those were asked. flexible_match: by
    `loose_answer`."""
    right: dict[tuple[str, str], list[bool]] = {}
    for ask, output in zip(asked, outputs, strict=True):
        if ask.part >= 0:
            said = extract(ask.slice.style, output.answer, ask.golds, ask.item.sub_questions[ask.part].text)
            answered = exact_match(said, ask.golds)
            right.setdefault((ask.slice.name, ask.item.id), []).append(answered)
    return [
        _record(ask, output, right.get((ask.slice.name, ask.item.id)), config.candidates)
        for ask, output in zip(asked, outputs, strict=True)
    ]


def _record(ask: Ask[Question], final: Final, sub_answers_right: list[bool] | None, candidates: int) -> EvalRecord:
    style, question, whole, output = ask.slice.style, ask.item, ask.part < 0, final.answer
    asked = question.text if whole else question.sub_questions[ask.part].text
    extracted = extract(style, output, ask.golds, asked)
    members = question.members if whole else ()
    correct = set_match(extracted, members) if members else exact_match(extracted, ask.golds)
    subs = question.sub_questions if whole else (question.sub_questions[ask.part],)
    hops_right = sub_answers_right if whole else None
    overlap = hotpot_f1 if question.shape.startswith(HOTPOT) else f1
    scores = {
        "exact_match": float(correct),
        "f1": set_f1(extracted, members) if members else overlap(extracted, ask.golds),
        "near_miss": float(near_miss(extracted, ask.golds)),
    }
    if ask.slice.mode == "generate" and style != "cloze":
        loose = loose_answer(before_next_question(output, asked))
        scores["flexible_match"] = float(set_match(loose, members) if members else exact_match(loose, ask.golds))
    if ask.slice.mode == "choice":
        scores["choice_guess"] = 1 / (1 + len(ask.wrong[:candidates]))
        scores["unnormalised"] = float(exact_match(output.rpartition(UNNORMALISED)[2].strip(" ."), ask.golds))
    if question.outdated and whole:
        scores["outdated"] = float(exact_match(extracted, question.outdated))
    if hops_right is not None:
        scores["sub_questions_right"] = float(all(hops_right))
    if question.certificate and whole:
        scores["popularity_guess"] = float(question.certificate.popularity_guess)
        scores["type_prior"] = question.certificate.type_prior
    kind = error_kind(style, output, extracted, correct, subs, hops_right)
    if style == "cloze" and not correct:
        kind = "answer"
    elif not correct and final.cut and (extracted is None or output.rstrip(" .").endswith(extracted)):
        kind = "truncated"  # before an answer, or within it
    return EvalRecord(
        question_id=question.id,
        task="multihop",
        prompt=ask.message,
        output=output,
        extracted=extracted,
        answers=ask.golds,
        scores=scores,
        error=kind,
        tags={
            "slice": ask.slice.name,
            "part": "question" if whole else f"sub-{ask.part + 1}",
            "hops": str(question.hops),
            "shape": question.shape,
            "asked": f"{question.difficulty.asked} of {len(question.support)}" if question.difficulty else "",
            "bridge": bridge(question),
        },
    )


TASK = Task(
    load_questions, asks, records, ("exact_match", "flexible_match", "unnormalised", "f1"), "cot",
    {"cot": 512, "direct": 64, "cloze": 16},
    graded=("f1",),
)  # fmt: skip
