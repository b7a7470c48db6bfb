"""What a model knows: each fact asked for in several prompts, by its likeliest answer and by drawn ones, and sorted by how often
it is right: highly known, maybe known, weakly known or unknown (SliCK; Gekhman et al. 2024, arXiv 2405.05904, table 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from evals.config import EvalConfig
from evals.errors import error_kind
from evals.final import Final, before_next_question
from evals.scoring.qa import exact_match, f1
from evals.tasks.multihop import load_questions
from evals.tasks.task import Ask, Examples, Task, tags
from kit.core.errors import KitError
from kit.core.records import EvalRecord, Level, Question, Style
from kit.models.prompts import extract_answer, question_turns, user_message

LEVELS: tuple[Level, ...] = get_args(Level)


def level(likeliest: Sequence[bool], drawn: Sequence[bool]) -> Level:
    """How well a fact is known whose answers were right or not."""
    if any(likeliest):
        return LEVELS[0] if all(likeliest) else LEVELS[1]
    return LEVELS[2] if any(drawn) else LEVELS[3]


def asks(config: EvalConfig, questions: Sequence[Question], examples: Sequence[Question]) -> list[Ask[Question]]:
    """In every prompt the question once for its likeliest answer and `samples` times for drawn ones, behind worked examples of
    the same relation where there are enough. Raises KitError when a slice finds no question of one fact."""
    found: list[Ask[Question]] = []
    for part in config.slices:
        chosen = [q for q in questions if q.split == part.split and q.shape == (part.shape or "direct") and len(q.support) == 1]
        if not chosen:
            raise KitError(f"no probes of split {part.split} and shape {part.shape or 'direct'} that ask for one fact")
        others = [q for q in examples if len(q.support) == 1] if config.shots_from else chosen
        of: dict[str, list[Question]] = {}
        for q in others:
            of.setdefault(q.steps[0].relation, []).append(q)
        every = Examples(config, part, others, _turns, _text)
        shown = {name: Examples(config, part, own, _turns, _text) for name, own in of.items() if len(own) > part.shots}
        for question in chosen[: part.limit]:
            source = shown.get(question.steps[0].relation, every)
            message = user_message(question.text, part.style, (), config.ask)
            for prompt in range(part.prompts):
                shots = source.drawn(question, prompt)
                first = prompt * (1 + part.samples)
                for k in range(1 + part.samples):
                    found.append(Ask(part, question, message, question.answers, shots=shots, sample=first + k, likeliest=k == 0))
    return found


def _text(question: Question) -> str:
    return question.text


def _turns(question: Question, style: Style) -> tuple[str, str]:
    return question_turns(question, style)


def records(config: EvalConfig, asked: Sequence[Ask[Question]], outputs: Sequence[Final]) -> list[EvalRecord]:
    """One for each answer, with the level of its fact."""
    said = [extract_answer(before_next_question(final.answer, ask.item.text)) for ask, final in zip(asked, outputs, strict=True)]
    right = [exact_match(answer, ask.golds) for answer, ask in zip(said, asked, strict=True)]
    answers: dict[tuple[str, str], tuple[list[bool], list[bool]]] = {}
    for ask, correct in zip(asked, right, strict=True):
        answers.setdefault((ask.slice.name, ask.item.id), ([], []))[not ask.likeliest].append(correct)
    made = []
    for ask, final, answer, correct in zip(asked, outputs, said, right, strict=True):
        known = level(*answers[ask.slice.name, ask.item.id])
        scores: dict[str, float] = {name: float(name == known) for name in LEVELS}
        scores |= {"exact_match": float(correct), "f1": f1(answer, ask.golds)}
        kind = error_kind(ask.slice.style, final.answer, answer, correct, ask.item.sub_questions)
        more = {"level": known, "fact": ask.item.support[0], "relation": ask.item.steps[0].relation}
        more["answer"] = "likeliest" if ask.likeliest else "drawn"
        made.append(
            EvalRecord(ask.item.id, "knowledge", ask.message, final.answer, answer, ask.golds, scores, kind, tags(ask, **more))
        )
    return made


TASK = Task(
    load_questions, asks, records, LEVELS, "direct", {"direct": 32},
    slice={"split": "recall_known", "shape": "direct", "shots": 4, "prompts": 5, "samples": 4}, temperature=0.5, of_items=True,
)  # fmt: skip
