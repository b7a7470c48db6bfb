"""Why a multihop answer failed, computed from the gold sub-answers, never guessed.

format: no answer could be extracted. Then, from the chain of thought: first_hop or later_hop (the hop asks about the
wrong entity or relation, or is missing), recall (right question, wrong object), composition (every hop right, the final
answer wrong). For direct answers the sub-questions are asked separately: recall when one of them fails, composition
when all are right. answer: wrong, with nothing to tell why (foreign data without sub-answers).
"""

from __future__ import annotations

from collections.abc import Sequence

from evals.scoring.qa import exact_match, normalise
from kit.core.records import ErrorKind, Style, SubQuestion
from kit.models.prompts import extract_hops


def error_kind(
    style: Style,
    output: str,
    extracted: str | None,
    right: bool,
    sub_questions: Sequence[SubQuestion],
    sub_answers_right: Sequence[bool] | None = None,
) -> ErrorKind:
    """The kind of one record's error; `sub_answers_right` tells, for direct answers, each hop asked by itself."""
    if right:
        return "none"
    if extracted is None:
        return "format"
    if not sub_questions:
        return "answer"
    if style == "cot":
        return _chain_error(output, sub_questions)
    if sub_answers_right is None:
        return "answer"
    return "composition" if all(sub_answers_right) else "recall"


def _chain_error(output: str, sub_questions: Sequence[SubQuestion]) -> ErrorKind:
    """The first hop that goes wrong. A foreign chain, worded its own way, is matched by its answers alone."""
    hops = extract_hops(output)
    own_words = bool(sub_questions[0].relation)
    for i, gold in enumerate(sub_questions):
        astray: ErrorKind = "first_hop" if i == 0 else "later_hop"
        if own_words:
            if i >= len(hops) or normalise(hops[i][0]) != normalise(gold.text):
                return astray
            if not exact_match(hops[i][1], [gold.answer, gold.sentence]):
                return "recall"
        elif f" {normalise(gold.answer)} " not in f" {normalise(output)} ":
            return astray
    return "composition"
