"""Does a response follow the verifiable instructions of its prompt? IFEval's 25 types (Zhou et al. 2023, arXiv 2311.07911).

`check` gives the paper's two verdicts on each instruction of a prompt. Strict: the response as it is. Loose: the response, or
what is left of it without its first line, its last, or both, with or without asterisks. A blank response follows nothing.

The verdicts are those of the paper's code (google-research/instruction_following_eval) but for what that code leaves to chance
or gets wrong:

- An argument that is missing, negative or out of range is drawn at random there; here it is an error.
- `keywords:letter_frequency` draws a random letter where the one asked for is not one of a to z ("#", "!"); here it counts.
- The language of a text is guessed with an unseeded sampler; here always with the same seed. As there, a text that has no
  language ("123") is in any language.
- Keywords, section names and postscripts are regular expressions there ("C++" is an error, "a.b" is found in "axb"), and
  forbidden words must begin and end in a letter or digit to be found at all; here each stands for itself.
- JSON nested too deep for the parser breaks that code; here it is no JSON.
- Sentences and capital words need NLTK and a download there; `sentences` and `capital_words` do without.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import NamedTuple

from evals.scoring import instruction_checks as checks
from evals.scoring.instruction_checks import Arguments
from kit.core.errors import KitError, nearest
from kit.core.records import Instruction, InstructionPrompt

CHECKS: dict[str, Callable[[str, Arguments], bool]] = {
    "keywords:existence": checks.keywords,
    "keywords:frequency": checks.keyword_frequency,
    "keywords:forbidden_words": checks.forbidden_words,
    "keywords:letter_frequency": checks.letter_frequency,
    "language:response_language": checks.response_language,
    "length_constraints:number_sentences": checks.number_sentences,
    "length_constraints:number_paragraphs": checks.number_paragraphs,
    "length_constraints:number_words": checks.number_words,
    "length_constraints:nth_paragraph_first_word": checks.nth_paragraph_first_word,
    "detectable_content:number_placeholders": checks.number_placeholders,
    "detectable_content:postscript": checks.postscript,
    "detectable_format:number_bullet_lists": checks.number_bullet_lists,
    "detectable_format:constrained_response": checks.constrained_response,
    "detectable_format:number_highlighted_sections": checks.number_highlighted_sections,
    "detectable_format:multiple_sections": checks.multiple_sections,
    "detectable_format:json_format": checks.json_format,
    "detectable_format:title": checks.title,
    "combination:two_responses": checks.two_responses,
    "combination:repeat_prompt": checks.repeat_prompt,
    "startend:end_checker": checks.end_checker,
    "startend:quotation": checks.quotation,
    "change_case:capital_word_frequency": checks.capital_word_frequency,
    "change_case:english_capital": checks.english_capital,
    "change_case:english_lowercase": checks.english_lowercase,
    "punctuation:no_comma": checks.no_comma,
}
"""Every type of instruction, by the id that data sets give it."""


class Checked(NamedTuple):
    """The verdicts on a prompt's instructions, in their order. IFEval's prompt-level accuracy is the share of prompts all of
    whose instructions are followed, its instruction-level accuracy the share of instructions."""

    strict: tuple[bool, ...]
    loose: tuple[bool, ...]

    @property
    def prompt_strict(self) -> bool:
        return all(self.strict)

    @property
    def prompt_loose(self) -> bool:
        return all(self.loose)


def check(prompt: InstructionPrompt, response: str) -> Checked:
    """Both verdicts on each instruction of a prompt; errors as in `follows`, and a prompt without instructions is one."""
    if not prompt.instructions:
        raise KitError(f"prompt {prompt.id} has no instruction to check: leave it out")
    return Checked(
        strict=tuple(follows(instruction, response) for instruction in prompt.instructions),
        loose=tuple(follows_loosely(instruction, response) for instruction in prompt.instructions),
    )


def follows(instruction: Instruction, response: str) -> bool:
    """Whether the response, as it is, follows the instruction.

    Raises KitError for an unknown instruction and for arguments that are missing or of the wrong kind.

    >>> follows(Instruction("punctuation:no_comma", "{}"), "No, never.")
    False
    """
    return _any_follows(instruction, [response])


def follows_loosely(instruction: Instruction, response: str) -> bool:
    """Whether the response follows the instruction once an opening or closing line, or Markdown's asterisks, are forgiven.

    >>> follows_loosely(Instruction("punctuation:no_comma", "{}"), "Sure, here it is:\\nNever.")
    True
    """
    lines = response.split("\n")
    parts = [response, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return _any_follows(instruction, dict.fromkeys([*parts, *(part.replace("*", "") for part in parts)]))


_BROKEN_FOR_GOOD = (
    "punctuation:no_comma", "keywords:forbidden_words", "combination:repeat_prompt", "change_case:english_capital",
    "change_case:english_lowercase",
)  # fmt: skip


def lost(instruction: Instruction) -> bool:
    """Whether a response that does not follow the instruction cannot come to follow it by going on.

    >>> lost(Instruction("punctuation:no_comma", "{}")), lost(Instruction("startend:end_checker", "{}"))
    (True, False)
    """
    return instruction.id in _BROKEN_FOR_GOOD or "less than" in _arguments(instruction).values.values()


def _any_follows(instruction: Instruction, responses: Iterable[str]) -> bool:
    """The check comes before the test for blanks, so that a mistake in the data shows whatever the response."""
    if instruction.id not in CHECKS:
        raise KitError(f"unknown instruction {instruction.id}; {nearest(instruction.id, CHECKS)}")
    checker, arguments = CHECKS[instruction.id], _arguments(instruction)
    return any(checker(response, arguments) and bool(response.strip()) for response in responses)


def _arguments(instruction: Instruction) -> Arguments:
    """Sparse or dense: a hub copy of the data gives every argument there is to every instruction, most of them null."""
    try:
        values = json.loads(instruction.kwargs)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise KitError(f"instruction {instruction.id}: its arguments must be a JSON object, not {instruction.kwargs[:80]!r}")
    return Arguments(instruction.id, {name: value for name, value in values.items() if value is not None})
