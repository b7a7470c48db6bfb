"""Is an answer right? Exact match and F1 after SQuAD normalisation; fuzzy similarity only tells near misses.

SQuAD, HotpotQA, MuSiQue and 2WikiMultihopQA share the normalisation and the exact match; the F1 of HotpotQA and 2Wiki differs
(`hotpot_overlap`). The official scripts' oddities are kept, so that figures compare: punctuation goes without a blank in its
place, so "1.5" equals "15" and "-5" equals "5"; only ASCII punctuation goes; an answer of nothing but articles equals any
other ("A" and "The"); characters composed and decomposed (NFC and NFD) differ, and so do digits and words.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

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


class Overlap(NamedTuple):
    """How far the tokens of two answers agree, each from 0 to 1."""

    f1: float
    precision: float
    recall: float


def _overlap(said: list[str], wanted: list[str]) -> Overlap:
    common = (Counter(said) & Counter(wanted)).total()
    if not common:
        return Overlap(0.0, 0.0, 0.0)
    precision, recall = common / len(said), common / len(wanted)
    return Overlap(2 * precision * recall / (precision + recall), precision, recall)


def f1(answer: str | None, golds: Sequence[str]) -> float:
    """Best token F1 against any gold answer (SQuAD v2 evaluate.py, compute_f1, and MuSiQue: empty only equals empty)."""
    if answer is None:
        return 0.0
    said = normalise(answer).split()
    wanted = [normalise(g).split() for g in golds]
    return max((_overlap(said, w).f1 if said and w else float(said == w) for w in wanted), default=0.0)


def hotpot_overlap(answer: str | None, golds: Sequence[str]) -> Overlap:
    """Token overlap as HotpotQA (hotpot_evaluate_v1.py, f1_score) and 2WikiMultihopQA count it: all 0 where either side is
    yes, no or noanswer and the other is not the same, and where nothing is left of either ("" equals "" by exact match
    alone). Each figure is the best over the golds, whichever gold that is (2Wiki; HotpotQA has one gold)."""
    best = Overlap(0.0, 0.0, 0.0)
    if answer is None:
        return best
    said = normalise(answer)
    for wanted in map(normalise, golds):
        if said == wanted or not {said, wanted} & {"yes", "no", "noanswer"}:
            best = Overlap(*map(max, best, _overlap(said.split(), wanted.split())))
    return best


def hotpot_f1(answer: str | None, golds: Sequence[str]) -> float:
    """The F1 of `hotpot_overlap`."""
    return hotpot_overlap(answer, golds).f1


def _members(answer: str | None, names: Sequence[str]) -> set[str]:
    """The parts of a list: "A, B and C". Those that are wanted are found first: a name may hold an "and" or a comma itself."""
    left, found = answer or "", set()
    for name in sorted(names, key=len, reverse=True):
        whole = rf"(?:^|[,;\n]|\band\b)\s*(?:the\s+)?{re.escape(name)}[\s.]*(?=$|[,;\n]|\band\b)"
        left, times = re.subn(whole, ",", left, flags=re.IGNORECASE)
        found |= {normalise(name)} if times else set()
    parts = re.split(r",(?!\d{3}\b)|;|\n|\band\b", left)
    return found | {said for part in parts if (said := normalise(part))}


def set_match(answer: str | None, members: Sequence[str]) -> bool:
    """Whether an answer lists all members, in any order, and nothing else."""
    return answer is not None and _members(answer, members) == {normalise(m) for m in members}


def set_f1(answer: str | None, members: Sequence[str]) -> float:
    """F1 over members: 2 · |said and right| / (|said| + |right|)."""
    said, right = _members(answer, members), {normalise(m) for m in members}
    return 2 * len(said & right) / (len(said) + len(right)) if said or right else 0.0


def near_miss(answer: str | None, golds: Sequence[str]) -> bool:
    """Whether a wrong answer is spelt almost like a gold one."""
    if answer is None or exact_match(answer, golds):
        return False
    return any(fuzz.ratio(normalise(answer), normalise(g)) >= NEAR_MISS for g in golds)
