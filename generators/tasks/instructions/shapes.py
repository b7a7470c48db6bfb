"""The shapes that a response can be asked to have: paragraphs, bullet points, sections, JSON, two responses in one."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from random import Random

from generators.tasks.instructions.sentences import AFTER_FIRST, FIRST_WORDS, Topic
from generators.tasks.instructions.wordings import Kwargs

Shape = Callable[[Random, Topic, Sequence[str]], tuple[str, Kwargs]]
"""From the sentences of a response to its text, and the arguments of the instruction that it follows by its shape."""


def _parts(rng: Random, lines: Sequence[str]) -> list[str]:
    """The sentences in two to four groups of neighbors."""
    number = rng.randint(2, 4)
    cuts = [0, *sorted(rng.sample(range(1, len(lines)), number - 1)), len(lines)]
    return [" ".join(lines[a:b]) for a, b in itertools.pairwise(cuts)]


def _divided(rng: Random, topic: Topic, lines: Sequence[str]) -> tuple[str, Kwargs]:
    parts = _parts(rng, lines)
    return "\n***\n".join(parts), {"num_paragraphs": len(parts)}


def _first_word(rng: Random, topic: Topic, lines: Sequence[str]) -> tuple[str, Kwargs]:
    parts = _parts(rng, lines)
    which, word = rng.randrange(len(parts)), rng.choice(FIRST_WORDS)
    parts[which] = f"{word.capitalize()} {rng.choice(AFTER_FIRST)} {parts[which]}"
    return "\n\n".join(parts), {"num_paragraphs": len(parts), "nth_paragraph": which + 1, "first_word": word}


def _bulleted(rng: Random, topic: Topic, lines: Sequence[str]) -> tuple[str, Kwargs]:
    number = rng.randint(2, min(5, len(lines) - 1))
    return " ".join(lines[:-number]) + "\n" + "\n".join(f"* {line}" for line in lines[-number:]), {"num_bullets": number}


def _sectioned(rng: Random, topic: Topic, lines: Sequence[str]) -> tuple[str, Kwargs]:
    parts, word = _parts(rng, lines), rng.choice(("SECTION", "Section", "PARAGRAPH", "PART"))
    text = "\n\n".join(f"{word} {i}\n{part}" for i, part in enumerate(parts, 1))
    return text, {"section_spliter": word, "num_sections": len(parts)}


def _as_json(rng: Random, topic: Topic, lines: Sequence[str]) -> tuple[str, Kwargs]:
    return json.dumps({"topic": topic.noun, "text": " ".join(lines)}), {}


def _twice(rng: Random, topic: Topic, lines: Sequence[str]) -> tuple[str, Kwargs]:
    return "\n******\n".join((" ".join(lines[::2]), " ".join(lines[1::2]))), {}


SHAPES: dict[str, Shape] = {
    "length_constraints:number_paragraphs": _divided,
    "length_constraints:nth_paragraph_first_word": _first_word,
    "detectable_format:number_bullet_lists": _bulleted,
    "detectable_format:multiple_sections": _sectioned,
    "detectable_format:json_format": _as_json,
    "combination:two_responses": _twice,
}
