"""How each instruction is asked for, by IFEval's ids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

Kwargs = dict[str, str | int | list[str]]
"""The arguments of an instruction, by IFEval's names."""

# Ways to ask. {amount}: "at least 3" or "fewer than 3"; {word}: "word", or "words" where there are several, which are listed in
# {all} with "and" and in {any} with "or"; the other slots are the arguments.
WORDINGS: dict[str, tuple[str, ...]] = {
    "punctuation:no_comma": ("Do not use any commas.", "Your response must not contain commas.", "Write it without any comma."),
    "keywords:existence": (
        "Include the {word} {all}.", "Make sure that {all} can be found in your response.",
        "Your response must include {all}.",
    ),
    "keywords:forbidden_words": (
        "Do not use the {word} {any}.", "Avoid the {word} {all} in your response.",
        "The {word} {any} must not appear.",
    ),
    "keywords:frequency": (
        'Use the word "{keyword}" {amount} times.', 'The word "{keyword}" should appear {amount} times.',
    ),
    "keywords:letter_frequency": (
        'The letter "{letter}" should appear {amount} times.', 'Use the letter "{letter}" {amount} times in your response.',
    ),
    "length_constraints:number_sentences": ("Write {amount} sentences.", "Your response should have {amount} sentences."),
    "length_constraints:number_words": ("Use {amount} words.", "Your response should contain {amount} words."),
    "length_constraints:number_paragraphs": (
        "Write exactly {num_paragraphs} paragraphs, separated by the markdown divider ***.",
        "There should be {num_paragraphs} paragraphs. Put *** between one paragraph and the next.",
    ),
    "length_constraints:nth_paragraph_first_word": (
        'Write exactly {num_paragraphs} paragraphs with a blank line between them. Paragraph {nth_paragraph} must start with the '
        'word "{first_word}".',
        'There should be {num_paragraphs} paragraphs, and only paragraphs are separated by two line breaks. The first word of '
        'paragraph {nth_paragraph} has to be "{first_word}".',
    ),
    "detectable_format:number_bullet_lists": (
        "Use exactly {num_bullets} markdown bullet points, such as:\n* This is a bullet point.\n",
        "Your response must contain exactly {num_bullets} bullet points that start with an asterisk, like this:\n* A point.\n",
    ),
    "detectable_format:number_highlighted_sections": (
        "Highlight at least {num_highlights} parts of your text with markdown, i.e. *highlighted part*.",
        "Put at least {num_highlights} words of your response in italics in markdown, like *this*.",
    ),
    "detectable_format:title": (
        "Give it a title in double angular brackets, i.e. <<title>>.",
        "Add a title, wrapped in double angular brackets: <<title>>.",
    ),
    "detectable_format:multiple_sections": (
        "Divide it into {num_sections} sections and mark the beginning of each with {section_spliter} X, where X is its number.",
        "Write {num_sections} sections. Each begins with {section_spliter} and its number, i.e. {section_spliter} 1.",
    ),
    "detectable_format:json_format": (
        "Format your entire response as JSON.", "The whole output has to be a JSON object.",
        "Answer with nothing but valid JSON.",
    ),
    "detectable_content:postscript": (
        "A postscript that starts with {postscript_marker} has to come at the end.",
        "Add a postscript, with {postscript_marker} at its start.",
    ),
    "detectable_content:number_placeholders": (
        "Include at least {num_placeholders} placeholders in square brackets, such as [name].",
        "Use {num_placeholders} or more placeholders in square brackets, for example [address].",
    ),
    "startend:quotation": (
        "Wrap your entire response in double quotation marks.", "Put double quotation marks around the whole response.",
    ),
    "startend:end_checker": (
        'Finish with exactly this phrase: "{end_phrase}" No other words should follow it.',
        'The very last words of your response must be "{end_phrase}"',
    ),
    "change_case:english_lowercase": (
        "Write in English and only in lowercase letters.", "No capital letters are allowed, and the language is English.",
    ),
    "change_case:english_capital": (
        "Write in English and only in capital letters.", "Your whole response should be in English, in capital letters.",
    ),
    "change_case:capital_word_frequency": (
        "Words in all capital letters should appear {amount} times.", "Use {amount} words in all capital letters.",
    ),
    "combination:two_responses": (
        "Give two different responses, separated by six asterisks: ******.",
        "Write two versions that differ, and only those. Put ****** between them.",
    ),
    "combination:repeat_prompt": (
        "First repeat the request above word for word, then give your answer. Do not say anything before you repeat it.",
        "Before you answer, repeat the request above exactly as it is, without this last sentence.",
    ),
}  # fmt: skip


def asked(rng: Random, id_: str, kwargs: Kwargs) -> str:
    """An instruction in words."""
    slots = {key: str(value) for key, value in kwargs.items()}
    for words in kwargs.values():
        if isinstance(words, list):
            slots |= {"word": "word" if len(words) == 1 else "words", "all": _listed(words, "and"), "any": _listed(words, "or")}
    relation = next((slots[key] for key in slots if key.endswith("relation")), "")
    number = next((value for value in kwargs.values() if isinstance(value, int)), 0)
    slots["amount"] = f"{relation.replace('less', 'fewer')} {number}"
    text = rng.choice(WORDINGS[id_]).format_map(slots)
    return re.sub(r"\b1 (time|word|part|placeholder)s\b", r"1 \1", text)


def _listed(words: Sequence[str], last: str) -> str:
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"
