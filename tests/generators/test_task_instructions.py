"""Prompts with instructions: responses follow them, by checks that are written here; the splits share no combination."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.tasks.instructions import prompts
from generators.tasks.instructions.conflicts import combinations, together
from generators.tasks.instructions.sentences import TOPICS
from generators.tasks.instructions.wordings import WORDINGS
from kit.core.errors import KitError
from kit.core.records import InstructionPrompt

_Kwargs = dict[str, Any]


def _holds(relation: str, count: int, bound: int) -> bool:
    return count >= bound if relation == "at least" else count < bound


def _word_count(text: str, word: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE))


def _sentences(text: str) -> int:
    return len([s for s in re.split(r"(?<=[.?])[\"\s]+", text.strip('"').strip()) if s])


def _blocks(text: str, mark: str, number: int) -> bool:
    return len(parts := text.split(mark)) == number and all(p.strip() for p in parts)


CHECKS: dict[str, Callable[[str, _Kwargs], bool]] = {
    "punctuation:no_comma": lambda r, k: "," not in r,
    "keywords:existence": lambda r, k: all(_word_count(r, w) for w in k["keywords"]),
    "keywords:forbidden_words": lambda r, k: not any(w.lower() in r.lower() for w in k["forbidden_words"]),
    # Whole words and parts of words come to the same, so that nobody need ask which is meant.
    "keywords:frequency": lambda r, k: (
        _holds(k["relation"], _word_count(r, k["keyword"]), k["frequency"])
        and _word_count(r, k["keyword"]) == r.lower().count(k["keyword"])
    ),
    "keywords:letter_frequency": lambda r, k: _holds(k["let_relation"], r.lower().count(k["letter"]), k["let_frequency"]),
    "length_constraints:number_sentences": lambda r, k: _holds(k["relation"], _sentences(r), k["num_sentences"]),
    "length_constraints:number_words": lambda r, k: _holds(k["relation"], len(re.findall(r"\w+", r)), k["num_words"]),
    "length_constraints:number_paragraphs": lambda r, k: _blocks(r, "***", k["num_paragraphs"]),
    "length_constraints:nth_paragraph_first_word": lambda r, k: (
        _blocks(r, "\n\n", k["num_paragraphs"])
        and r.split("\n\n")[k["nth_paragraph"] - 1].strip('"').lower().startswith(k["first_word"] + " ")
    ),
    "detectable_format:number_bullet_lists": lambda r, k: sum(li.startswith("* ") for li in r.splitlines()) == k["num_bullets"],
    "detectable_format:number_highlighted_sections": lambda r, k: len(re.findall(r"\*[^*\n]+\*", r)) >= k["num_highlights"],
    "detectable_format:title": lambda r, k: bool(re.search(r"<<[^<>\n]+>>", r)),
    "detectable_format:multiple_sections": lambda r, k: (
        re.findall(rf"\b{k['section_spliter']} (\d+)\n", r) == [str(i + 1) for i in range(k["num_sections"])]
    ),
    "detectable_format:json_format": lambda r, k: isinstance(json.loads(r), dict),
    "detectable_content:postscript": lambda r, k: bool(
        re.search(rf"^{re.escape(k['postscript_marker'])} .+", r.split("\n\n")[-1])
    ),
    "detectable_content:number_placeholders": lambda r, k: len(set(re.findall(r"\[[^\]]+\]", r))) >= k["num_placeholders"],
    "startend:quotation": lambda r, k: r[0] == r[-1] == '"' and r.count('"') == 2,
    "startend:end_checker": lambda r, k: r.endswith(k["end_phrase"]),
    "change_case:english_lowercase": lambda r, k: r.islower(),
    "change_case:english_capital": lambda r, k: r.isupper(),
    "change_case:capital_word_frequency": lambda r, k: _holds(
        k["capital_relation"],
        len(re.findall(r"\b[A-Z]{2,}\b" if "at" in k["capital_relation"] else r"\b[A-Z]+\b", r)),
        k["capital_frequency"],
    ),
    "combination:two_responses": lambda r, k: _blocks(r, "******", 2) and len(set(r.split("******"))) == 2,
    "combination:repeat_prompt": lambda r, k: r.startswith(k["prompt_to_repeat"]) and len(r) > len(k["prompt_to_repeat"]) + 50,
}


def _followed(prompt: InstructionPrompt) -> None:
    for instruction in prompt.instructions:
        assert CHECKS[instruction.id](prompt.response, json.loads(instruction.kwargs)), (instruction, prompt)


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_response_follows_every_instruction(split: str) -> None:
    made = list(prompts(0, split, 4000))
    for prompt in made:
        _followed(prompt)
        assert prompt.split == split
    assert {i.id for p in made for i in p.instructions} == set(WORDINGS) == set(CHECKS)


def test_the_prompt_states_every_argument() -> None:
    for prompt in prompts(1, "train", 1500):
        for instruction in prompt.instructions:
            for key, value in json.loads(instruction.kwargs).items():
                if key.endswith("relation"):
                    assert {"at least": "at least", "less than": "fewer than"}[value] in prompt.prompt
                else:
                    assert all(str(v) in prompt.prompt for v in (value if isinstance(value, list) else [value]))


def test_the_prompts_are_english() -> None:
    for prompt in prompts(2, "train", 3000):
        assert not re.search(r"[{}]|  |\b1 (words|times|parts|placeholders)\b|\ba [aeiou]", prompt.prompt)
        assert prompt.prompt[0].isupper()
        assert not re.search(r"[{}]", prompt.response) or prompt.response.startswith("{")


def test_arguments_are_named_as_in_ifeval() -> None:
    names = {
        "keywords:existence": {"keywords"}, "keywords:forbidden_words": {"forbidden_words"},
        "keywords:frequency": {"relation", "keyword", "frequency"}, "combination:repeat_prompt": {"prompt_to_repeat"},
        "keywords:letter_frequency": {"let_relation", "letter", "let_frequency"}, "startend:end_checker": {"end_phrase"},
        "length_constraints:number_sentences": {"relation", "num_sentences"},
        "length_constraints:number_words": {"relation", "num_words"},
        "length_constraints:number_paragraphs": {"num_paragraphs"}, "detectable_format:number_bullet_lists": {"num_bullets"},
        "length_constraints:nth_paragraph_first_word": {"num_paragraphs", "nth_paragraph", "first_word"},
        "detectable_format:number_highlighted_sections": {"num_highlights"},
        "detectable_content:postscript": {"postscript_marker"},
        "detectable_format:multiple_sections": {"section_spliter", "num_sections"},
        "detectable_content:number_placeholders": {"num_placeholders"},
        "change_case:capital_word_frequency": {"capital_relation", "capital_frequency"},
    }  # fmt: skip
    for prompt in prompts(3, "train", 1500):
        for instruction in prompt.instructions:
            assert set(json.loads(instruction.kwargs)) == names.get(instruction.id, set())


def test_what_contradicts_is_never_asked_together() -> None:
    pairs = {
        ("change_case:english_lowercase", "change_case:english_capital"),
        ("combination:two_responses", "combination:repeat_prompt"),
        ("startend:quotation", "combination:repeat_prompt"), ("detectable_format:json_format", "punctuation:no_comma"),
        ("change_case:english_lowercase", "detectable_content:postscript"),
        ("startend:end_checker", "detectable_content:postscript"),
        ("detectable_format:json_format", "startend:quotation"), ("detectable_format:json_format", "detectable_format:title"),
    }  # fmt: skip
    assert not any(together(a, b) or together(b, a) for a, b in pairs)
    for size in (1, 2, 3):
        for ids in combinations(size):
            assert all(together(a, b) for a, b in itertools.combinations(ids, 2))


def test_the_sentence_bank_keeps_its_promises() -> None:
    for topic in TOPICS:
        for word, sentence in topic.facts.items():
            assert _word_count(sentence, word) == 1
            assert sum(word in other for other in topic.facts.values()) == 1
            assert "," not in sentence
            assert "'" not in sentence
            assert sentence.endswith(".")
    assert len({topic.noun for topic in TOPICS}) == len(TOPICS)


def test_a_smaller_set_is_the_beginning_of_a_larger_one_in_another_process() -> None:
    made = list(prompts(7, "test", 60, (2, 3)))
    code = "from generators.tasks.instructions import prompts as p; print(list(p(7, 'test', 40, (2, 3))))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.strip() == str(made[:40])


def _combination(prompt: InstructionPrompt) -> tuple[str, ...]:
    (noun,) = {t.noun for t in TOPICS if re.match(rf"[^.]*\b(about|Describe|mentions|of) an? {t.noun}\b", prompt.prompt)}
    return (noun, *sorted(i.id for i in prompt.instructions))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_no_topic_has_the_same_instructions_in_train_and_test(one: int, other: int) -> None:
    train, test = list(prompts(one, "train", 400)), list(prompts(other, "test", 200))
    assert not {_combination(p) for p in train} & {_combination(p) for p in test}
    assert not {p.prompt for p in train} & {p.prompt for p in test}
    for prompt in (*train, *test):
        _followed(prompt)


def test_ids_and_texts_are_unique() -> None:
    made = list(prompts(5, "train", 4000))
    assert len({p.id for p in made}) == len({p.prompt for p in made}) == 4000


@pytest.mark.parametrize("number", [1, 2, 3])
def test_difficulty_is_the_number_of_instructions(number: int) -> None:
    assert {(p.difficulty, len(p.instructions)) for p in prompts(0, "test", 60, (number,))} == {(number, number)}


def test_asking_for_more_than_there_are_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.tasks.sampling._PATIENCE", 0)
    with pytest.raises(KitError, match="hardly more than 0 train prompts"):
        list(prompts(0, "train", 5))
