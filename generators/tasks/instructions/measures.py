"""Arguments that are read off a finished response, so that they can not be missed: bounds on its length, letters and words."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from generators.tasks.instructions.sentences import Topic
from generators.tasks.instructions.wordings import Kwargs

Measure = Callable[[Random, Topic, str], Kwargs]
"""From a response to the arguments of an instruction that it follows."""


def _bound(rng: Random, count: int, slack: int) -> tuple[str, int]:
    """A bound that a count keeps to."""
    if count > 1 and rng.random() < 0.6:
        return "at least", max(1 + (count > 2), count - rng.randint(0, slack))
    return "less than", count + rng.randint(1, slack)


def _forbidden(rng: Random, topic: Topic, text: str) -> Kwargs:
    unused = [word for word in sorted(topic.facts) if word not in text.lower()]
    return {"forbidden_words": rng.sample(unused, rng.randint(1, min(3, len(unused))))}


def _keyword(rng: Random, topic: Topic, text: str) -> Kwargs:
    relation, frequency = _bound(rng, text.lower().count(topic.noun), 2)
    return {"relation": relation, "keyword": topic.noun, "frequency": frequency}


def _letter(rng: Random, topic: Topic, text: str) -> Kwargs:
    low = text.lower()
    letter = rng.choice([c for c in "abcdefghiklmnoprstuvwy" if low.count(c) > 1])
    relation, frequency = _bound(rng, low.count(letter), 3)
    return {"let_relation": relation, "letter": letter, "let_frequency": frequency}


def _words(rng: Random, topic: Topic, text: str) -> Kwargs:
    relation, number = _bound(rng, len(re.findall(r"\w+", text)), 20)
    # A round number, on the side that is kept to.
    return {"relation": relation, "num_words": number // 5 * 5 if relation == "at least" else -(-number // 5) * 5}


def _sentences(rng: Random, topic: Topic, text: str) -> Kwargs:
    # Each sentence of the bank ends in its only full stop or question mark.
    relation, number = _bound(rng, len(re.findall(r"[.?]", text)), 3)
    return {"relation": relation, "num_sentences": number}


def _capital_words(rng: Random, topic: Topic, text: str) -> Kwargs:
    # "I" and "A" are counted too, and so are "P" and "S".
    most = len(re.findall(r"\b[A-Z]+\b", text)) + rng.randint(2, 5)
    return {"capital_relation": "less than", "capital_frequency": most}


MEASURES: dict[str, Measure] = {
    "keywords:forbidden_words": _forbidden,
    "keywords:frequency": _keyword,
    "keywords:letter_frequency": _letter,
    "length_constraints:number_words": _words,
    "length_constraints:number_sentences": _sentences,
    "change_case:capital_word_frequency": _capital_words,
}
