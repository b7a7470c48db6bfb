"""Is an answer right? Exact match and F1 after SQuAD normalisation; fuzzy similarity only tells near misses."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from rapidfuzz import fuzz

NEAR_MISS = 85.0
"""rapidfuzz ratio (0 to 100) from which a wrong answer is reported as a near miss. It never earns a point."""


def normalise(text: str) -> str:
    """Lower case, no punctuation, no articles, single blanks (SQuAD v1.1 evaluate.py, normalize_answer).

    >>> normalise("The  Lake-House, Inc.")
    'lakehouse inc'
    """
    bare = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


def exact_match(answer: str | None, golds: Sequence[str]) -> bool:
    """Whether the answer equals a gold answer or alias after normalisation; an answer of None is wrong."""
    return answer is not None and normalise(answer) in {normalise(g) for g in golds}


def f1(answer: str | None, golds: Sequence[str]) -> float:
    """Best token F1 against any gold answer (SQuAD v2 evaluate.py, compute_f1: empty only equals empty)."""
    if answer is None:
        return 0.0
    said = normalise(answer).split()
    best = 0.0
    for gold in golds:
        wanted = normalise(gold).split()
        if not said or not wanted:
            best = max(best, float(said == wanted))
            continue
        common = (Counter(said) & Counter(wanted)).total()
        if common:
            precision, recall = common / len(said), common / len(wanted)
            best = max(best, 2 * precision * recall / (precision + recall))
    return best


def _members(answer: str | None) -> set[str]:
    """The parts of a list: "A, B and C"."""
    parts = re.split(r",(?!\d{3}\b)|;|\n|\band\b", answer or "")
    return {said for part in parts if (said := normalise(part))}


def set_match(answer: str | None, members: Sequence[str]) -> bool:
    """Whether an answer lists all members, in any order, and nothing else."""
    return answer is not None and _members(answer) == {normalise(m) for m in members}


def set_f1(answer: str | None, members: Sequence[str]) -> float:
    """F1 over members: 2 · |said and right| / (|said| + |right|)."""
    said, right = _members(answer), {normalise(m) for m in members}
    return 2 * len(said & right) / (len(said) + len(right)) if said or right else 0.0


def near_miss(answer: str | None, golds: Sequence[str]) -> bool:
    """Whether a wrong answer is spelt almost like a gold one."""
    if answer is None or exact_match(answer, golds):
        return False
    return any(fuzz.ratio(normalise(answer), normalise(g)) >= NEAR_MISS for g in golds)
