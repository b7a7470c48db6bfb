"""Which instructions can be given together, to be followed by one response."""

from __future__ import annotations

import functools
import itertools

from generators.tasks.instructions.wordings import WORDINGS

# At most one of each of these.
_EITHER = (
    {
        "length_constraints:number_paragraphs", "length_constraints:nth_paragraph_first_word",
        "detectable_format:number_bullet_lists", "detectable_format:multiple_sections", "detectable_format:json_format",
        "combination:two_responses",
    },
    {"change_case:english_lowercase", "change_case:english_capital", "change_case:capital_word_frequency"},
    {"startend:quotation", "startend:end_checker", "combination:repeat_prompt"},
    {"detectable_content:postscript", "startend:end_checker"},
)  # fmt: skip
# These leave little room: all that each can be given with.
_ONLY_WITH = {
    "detectable_format:json_format": {
        "keywords:existence", "keywords:forbidden_words", "keywords:frequency", "keywords:letter_frequency",
        "length_constraints:number_words", "change_case:english_lowercase",
    },
    "combination:two_responses": {
        "punctuation:no_comma", "keywords:existence", "keywords:forbidden_words", "keywords:frequency",
        "keywords:letter_frequency", "length_constraints:number_words", "change_case:english_lowercase",
        "change_case:english_capital",
    },
    "combination:repeat_prompt": {
        "detectable_format:title", "detectable_content:postscript", "detectable_content:number_placeholders",
    },
}  # fmt: skip
# What each can not be given with, besides.
_NOT_WITH = {
    "length_constraints:number_sentences": {
        "length_constraints:number_paragraphs", "detectable_format:number_bullet_lists", "detectable_format:multiple_sections",
        "detectable_format:title", "detectable_content:postscript", "change_case:english_lowercase",
    },
    "length_constraints:nth_paragraph_first_word": {
        "detectable_format:title", "detectable_content:postscript", "change_case:english_capital",
    },
    "detectable_format:number_highlighted_sections": {
        "length_constraints:number_paragraphs", "detectable_format:number_bullet_lists",
    },
    "change_case:english_lowercase": {
        "startend:end_checker", "detectable_content:postscript", "detectable_format:multiple_sections",
    },
    "change_case:english_capital": {
        "startend:end_checker", "detectable_format:multiple_sections", "keywords:existence", "keywords:frequency",
        "keywords:letter_frequency",
    },
}  # fmt: skip


def together(a: str, b: str) -> bool:
    """Whether two instructions can be given together, to be followed by one response."""
    if any({a, b} <= group for group in _EITHER):
        return False
    pairs = ((a, b), (b, a))
    return all(y in _ONLY_WITH.get(x, {y}) and y not in _NOT_WITH.get(x, ()) for x, y in pairs)


@functools.cache
def combinations(size: int) -> tuple[tuple[str, ...], ...]:
    """The sets of so many instructions that can be given together, each in order of their ids."""
    sets = itertools.combinations(sorted(WORDINGS), size)
    return tuple(ids for ids in sets if all(together(a, b) for a, b in itertools.combinations(ids, 2)))
