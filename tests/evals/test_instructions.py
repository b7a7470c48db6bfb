"""IFEval's instructions: every type as a table of responses, hostile ones included, and the paper's own verdicts."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from evals.config import EvalConfig
from evals.run import evaluate, read_records
from evals.scoring.instruction_checks import capital_words, sentences
from evals.scoring.instructions import CHECKS, Checked, check, follows, follows_loosely
from evals.summary import summarise
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.records import Instruction, InstructionPrompt

LONG = "x" * 10_000
LONE = "\ud800"
GERMAN = "Der Hund läuft schnell durch den Wald und sucht seinen Freund."
ENGLISH = "the quick dog runs through the forest and looks for its friend."

CASES: list[tuple[str, dict[str, object], list[str], list[str]]] = [
    (
        "keywords:existence",
        {"keywords": ["cat", "Río"]},
        ["cat río", "CATS swim in the RÍO", f"{LONG}concatenate\r\nRío{LONE}"],
        ["", "cat", "río", "c a t rio", LONG, "?!"],
    ),
    ("keywords:existence", {"keywords": ["c++"]}, ["I like C++.", "c++c", "c+++"], ["c", "ccc", "c+"]),
    (
        "keywords:frequency",
        {"keyword": " war ", "frequency": 2, "relation": "at least"},
        ["war, war", "War and wardrobe", "warWARwar"],
        ["", "war", "wa r wa r", "peace\r\nwar", LONG],
    ),
    (
        "keywords:frequency",
        {"keyword": "war", "frequency": 2, "relation": "less than"},
        ["war", "peace", LONG, "...", LONE],
        ["", "war war", "warwar", "a war\r\na WAR", "war\u2028war"],
    ),
    (
        "keywords:forbidden_words",
        {"forbidden_words": ["rock", "naïve"]},
        ["rocket", "bedrock", "naive", "rock_", LONG, "!", LONE],
        ["", "rock", "ROCK!", "a\r\nrock\r\n", "hard-rock", "Naïve.", f"{LONG} rock"],
    ),
    ("keywords:forbidden_words", {"forbidden_words": ["c++"]}, ["c", "c+", "ac++"], ["c++", "C++.", "I like c++, too"]),
    (
        "keywords:letter_frequency",
        {"letter": "N", "let_frequency": 3, "let_relation": "at least"},
        ["nNn", "banana nut", "n\r\nn\r\nn"],
        ["", "nn", "ñññ", LONG, "..."],
    ),
    (
        "keywords:letter_frequency",
        {"letter": "x", "let_frequency": 3, "let_relation": "less than"},
        ["xX", "none", "…", LONE],
        ["", "xxx", LONG, "X\r\nX\r\nX"],
    ),
    ("keywords:letter_frequency", {"letter": "#", "let_frequency": 2, "let_relation": "at least"}, ["##", "#a#"], ["#", "a"]),
    (
        "language:response_language",
        {"language": "de"},
        [GERMAN, GERMAN.upper(), GERMAN.replace(" ", "\r\n"), "123", "?!", LONE],
        ["", ENGLISH, "Это предложение написано по-русски.", "El perro corre por el bosque buscando a su amigo."],
    ),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 3, "relation": "at least"},
        ["One. Two. Three.", "Ho! Ho? Ho", "1. Do\r\n2. Go.", "Él. Ü? Ñ!"],
        ["", "One. Two.", "Dr. A met Mr. B in the U.S. today.", LONG, "...", "one\ntwo\nthree", LONE],
    ),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 2, "relation": "less than"},
        ["One.", "no full stop\nat all", LONG, "?", LONE],
        ["", "One. Two.", "One.\r\nTwo.", "One?* Two", "e.g. this"],
    ),
    (
        "length_constraints:number_paragraphs",
        {"num_paragraphs": 2},
        ["a***b", "***\na\n***\nb\n***", "a\r\n\r\n***\r\n\r\nb", f"{LONG}***{LONE}"],
        ["", "a", "a\n\nb", "a***b***c", "a*** ***b", LONG, "***", "?!"],
    ),
    (
        "length_constraints:number_words",
        {"num_words": 3, "relation": "at least"},
        ["one two three", "it's on", "a\r\nb\r\nc", "один два три", "a-b_c d"],
        ["", "one two", LONG, "? ! ,", LONE],
    ),
    (
        "length_constraints:number_words",
        {"num_words": 3, "relation": "less than"},
        ["one two", LONG, "? ! ,", LONE],
        ["", "one two three", "a.b.c", "a\u2028b\u2028c"],
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Elm"},
        ["Oak.\n\nElm trees.", 'a\n\n"ELM" is', "a\n\n 'elm's", f"{LONG}\n\nelm"],
        ["", "elm", "a\n\nelms", "elm\n\noak", "a\n\nelm\n\nb", "a\n\n\n\nelm", "a\r\n\r\nelm", "!\n\n?", LONE],
    ),
    (
        "detectable_content:number_placeholders",
        {"num_placeholders": 2},
        ["[a] [b]", "[][]", "[[a] [b]]", f"[{LONE}]\r\n[{LONG}]"],
        ["", "[a]", "[a\nb] [c]", "(a) (b)", LONG, "[[]"],
    ),
    (
        "detectable_content:postscript",
        {"postscript_marker": "P.S."},
        ["Bye.\nP.S. Me too", "p. s. hi", "a\r\np.s.", "P.P.S.", f"{LONG} p.s.{LONE}"],
        ["", "PS me", "P.S", "P. P.", LONG, "..."],
    ),
    (
        "detectable_content:postscript",
        {"postscript_marker": "P.P.S"},
        ["P.P.S", "p. p. s.", "x\r\nP.P.S. é"],
        ["", "P.S.", "PPS", "p. p. x. s.", LONG],
    ),
    ("detectable_content:postscript", {"postscript_marker": "N.B."}, ["n.b. this", "N.B.", "\r\nN.B.\r\n"], ["", "nxbx", "NB"]),
    (
        "detectable_format:number_bullet_lists",
        {"num_bullets": 2},
        ["* a\n* b", "- a\r\n  - b", "*a\n-b", "é\n\n\n * a\n\n * ü", f"* {LONG}\n- {LONE}"],
        ["", "* a", "* a\n* b\n- c", "** a\n** b", "• a\n• b", LONG, "a * b * c", "?!"],
    ),
    (
        "detectable_format:constrained_response",
        {},
        ["My answer is yes.", " My answer is no. \r\n", "Well. My answer is maybe. Or not."],
        ["", "yes", "my answer is yes.", "My answer is yes", "My answer is yes!", LONG, LONE],
    ),
    (
        "detectable_format:number_highlighted_sections",
        {"num_highlights": 2},
        ["*a* *b*", "**a** and **b**", "*é* **ü**", "* a ** b *", f"*{LONG}*\r\n*{LONE}*"],
        ["", "*a*", "**a**", "*a\nb* *c", "****** **", "_a_ _b_", LONG],
    ),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "SECTION ", "num_sections": 2},
        ["SECTION 1\na\nSECTION 2\nb", "SECTION1 SECTION2", "SECTION\r1 SECTION\n2", "SECTION 1SECTION 2 SECTION 3"],
        ["", "SECTION 1", "Section 1 Section 2", "SECTION A SECTION B", "SECTION  1 SECTION  2", LONG, LONE],
    ),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "S.", "num_sections": 1},
        ["S.1", "S. 1", "a S. 12 b"],
        ["", "Sx1", "S 1"],
    ),
    (
        "detectable_format:json_format",
        {},
        ['{"a": [1]}', '```json\n{"a": "é"}\n```', "```\r\n[]\r\n```", "12", "null", f'"{LONG}{LONE}"'],
        ["", "{'a': 1}", '{"a": 1} done', "Here: {}", "```", LONG, "[" * 100_000, "9" * 10_000, "{,}"],
    ),
    (
        "detectable_format:title",
        {},
        ["<<a>>", "x\r\n<< Ode >> y", "<<é\r>>", "<<<a>>>", f"<<{LONG}>>"],
        ["", "<a>", "<<>>", "<< >>", "<<<>>>", "<<a\n>>", ">>a<<", "<" * 10_000, "<<" * 5_000 + ">", LONE],
    ),
    (
        "combination:two_responses",
        {},
        ["a******b", "a\r\n******\r\nb\r\n******", "****** a ****** a b", f"{LONG}******{LONE}"],
        ["", "a", "a***b", "a******a", "a****** a ", "a******b******c", "a************b", "******", LONG],
    ),
    (
        "combination:repeat_prompt",
        {"prompt_to_repeat": "Name a dog. "},
        ["Name a dog. Rex", "  NAME A DOG.\r\nRex", "name a dog.", f"Name a dog.{LONG}"],
        ["", "Rex", "Sure. Name a dog.", "Name a  dog.", "Name a dog", LONG, "?!", LONE],
    ),
    (
        "startend:end_checker",
        {"end_phrase": " Peace, é! "},
        ["Peace, é!", 'He said: "PEACE, É!"', "x peace, é! \r\n", f"{LONG}peace, é!"],
        ["", "Peace", "Peace, é! Bye", "peace, é!'", LONG, LONE],
    ),
    (
        "startend:quotation",
        {},
        ['"a"', ' "a\r\nb" ', '""', f'"{LONG}{LONE}"'],
        ["", '"', "'a'", '"a', 'a"', "“a”", '"a".', LONG],
    ),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 3, "capital_relation": "at least"},
        ["A B C", "NASA, ESA: É", "AND/OR A-B C3", "I DON'T", "X\r\nY\r\nZ."],
        ["", "A B c", "Nasa Esa Jaxa", "1 2 3", LONG, "A-B-C", "?!", LONE],
    ),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 2, "capital_relation": "less than"},
        ["Hello, World", "ONE", "AND/OR", LONG, LONE],
        ["", "ONE TWO", "CANNOT", "IT'S", "A\u2028B"],
    ),
    (
        "change_case:english_capital",
        {},
        [ENGLISH.upper(), ENGLISH.upper().replace(" ", "\r\n"), f"{ENGLISH.upper()} 1, 2!"],
        ["", ENGLISH, ENGLISH.capitalize(), f"{ENGLISH.upper()}é", GERMAN.upper(), "?!", "123", LONG, LONE],
    ),
    (
        "change_case:english_lowercase",
        {},
        [ENGLISH, ENGLISH.replace(" ", "\r\n"), f"{ENGLISH} 1, 2!"],
        ["", ENGLISH.upper(), ENGLISH.capitalize(), f"{ENGLISH}É", GERMAN.lower(), "?!", "123", LONE],
    ),
    (
        "punctuation:no_comma",
        {},
        ["no", "a; b", "a، b", "?!", LONG, LONE, "a\r\nb"],
        ["", ",", "a, b", f"{LONG},", "1,000"],
    ),
]


def instruction(name: str, arguments: dict[str, object]) -> Instruction:
    return Instruction(name, json.dumps(arguments))


@pytest.mark.parametrize(
    ("name", "arguments", "response", "right"),
    [(n, a, r, right) for n, a, *tables in CASES for right, table in zip((True, False), tables, strict=True) for r in table],
)
def test_each_type_has_responses_that_follow_it_and_others(
    name: str, arguments: dict[str, object], response: str, right: bool
) -> None:
    assert follows(instruction(name, arguments), response) is right


def test_every_type_is_in_the_table() -> None:
    assert len(CHECKS) == 25
    for name in CHECKS:
        assert sum(len(right) for n, _, right, _ in CASES if n == name) >= 3
        assert sum(len(wrong) for n, _, _, wrong in CASES if n == name) >= 3


@pytest.mark.parametrize(("name", "arguments"), [(name, arguments) for name, arguments, *_ in CASES])
def test_no_response_breaks_or_stalls_a_check(name: str, arguments: dict[str, object]) -> None:
    blank = ["", " ", "\n\n", "\r\n", "\u2028"]
    hostile = [f"{c}" * 10_000 for c in "x.*<[-{\"'#é\n\ud800"] + [" \n" * 5_000, "a. " * 3_000, "**" + " " * 10_000, "\x00"]
    asked = instruction(name, arguments)
    started = time.process_time()
    assert not any(follows(asked, response) or follows_loosely(asked, response) for response in blank)
    for response in hostile:
        assert follows_loosely(asked, response) or not follows(asked, response)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("name", "arguments", "response", "strict", "loose"),
    [
        ("punctuation:no_comma", {}, "Sure, here:\nNo", False, True),
        ("punctuation:no_comma", {}, "No\nWell, bye", False, True),
        ("punctuation:no_comma", {}, "Sure, here:\nNo\nWell, bye", False, True),
        ("punctuation:no_comma", {}, "Yes\nNo, never\nYes", False, False),
        ("punctuation:no_comma", {}, "a, b", False, False),
        ("startend:end_checker", {"end_phrase": "The end."}, "**The end.**", False, True),
        ("startend:end_checker", {"end_phrase": "The end."}, "Here:\n*The end.*\nBye", False, True),
        ("startend:quotation", {}, 'Sure:\n"a"', False, True),
        ("startend:quotation", {}, '*"a"*', False, True),
        ("detectable_format:json_format", {}, "Here it is:\r\n{}\r\nEnjoy!", False, True),
        ("combination:repeat_prompt", {"prompt_to_repeat": "Name it."}, "Certainly!\n\n**Name it.** Rex", False, True),
        ("length_constraints:number_words", {"num_words": 3, "relation": "less than"}, "one\ntwo\nthree", False, True),
        ("length_constraints:number_words", {"num_words": 3, "relation": "at least"}, "one\ntwo", False, False),
        ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "* a\n* b", False, True),
        ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "* a", True, True),
        ("punctuation:no_comma", {}, "***", True, True),
        ("punctuation:no_comma", {}, "", False, False),
        ("punctuation:no_comma", {}, " \n,\n ", False, False),
    ],
)
def test_loose_forgives_an_opening_line_a_closing_line_and_asterisks(
    name: str, arguments: dict[str, object], response: str, strict: bool, loose: bool
) -> None:
    asked = instruction(name, arguments)
    assert follows(asked, response) is strict
    assert follows_loosely(asked, response) is loose


def test_a_prompt_is_followed_where_all_its_instructions_are() -> None:
    asked = (instruction("punctuation:no_comma", {}), instruction("startend:quotation", {}))
    prompt = InstructionPrompt("p", "Say it.", asked)
    assert check(prompt, '"a"') == Checked((True, True), (True, True))
    assert check(prompt, 'Sure:\n"a"') == Checked((True, False), (True, True))
    assert (check(prompt, 'Sure:\n"a"').prompt_strict, check(prompt, 'Sure:\n"a"').prompt_loose) == (False, True)
    assert (check(prompt, '"a"').prompt_strict, check(prompt, "a, b").prompt_loose) == (True, False)
    with pytest.raises(KitError, match="prompt q has no instruction"):
        check(InstructionPrompt("q", "Say it.", ()), "a")


@pytest.mark.parametrize(("name", "arguments", "right", "wrong"), CASES)
def test_dense_arguments_are_read_as_sparse_ones(
    name: str, arguments: dict[str, object], right: list[str], wrong: list[str]
) -> None:
    dense = instruction(name, dict.fromkeys([key for _, other, *_ in CASES for key in other]) | arguments)
    assert all(follows(dense, response) for response in right)
    assert not any(follows(dense, response) for response in wrong)


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("keywords:existance", "{}", "unknown instruction keywords:existance; did you mean keywords:existence?"),
        ("", "{}", "unknown instruction ; choose from change_case:capital_word_frequency"),
        ("keywords:existence", "{}", "keywords:existence: keywords must be a list of texts, none empty, not None"),
        ("keywords:existence", '{"keywords": []}', "keywords:existence: keywords must be a list of texts"),
        ("keywords:existence", '{"keywords": ["a", ""]}', "keywords:existence: keywords must be a list of texts"),
        ("keywords:forbidden_words", '{"forbidden_words": "a"}', "keywords:forbidden_words: forbidden_words must be a list"),
        ("keywords:letter_frequency", '{"letter": " "}', "keywords:letter_frequency: letter must be a text that is not blank"),
        ("language:response_language", '{"language": null}', "language:response_language: language must be a text"),
        (
            "length_constraints:number_words",
            '{"relation": "at least"}',
            "number_words: num_words must be a whole number from 0 on",
        ),
        (
            "length_constraints:number_words",
            '{"num_words": -1}',
            "number_words: num_words must be a whole number from 0 on, not -1",
        ),
        ("length_constraints:number_words", '{"num_words": true}', "number_words: num_words must be a whole number"),
        ("length_constraints:number_words", '{"num_words": 2}', "relation must be 'less than' or 'at least', not None"),
        (
            "length_constraints:number_words",
            '{"num_words": 2, "relation": "at most"}',
            "'less than' or 'at least', not 'at most'",
        ),
        ("length_constraints:nth_paragraph_first_word", '{"nth_paragraph": 0}', "nth_paragraph must be a whole number from 1 on"),
        ("punctuation:no_comma", "[]", "instruction punctuation:no_comma: its arguments must be a JSON object"),
        ("punctuation:no_comma", "{", "instruction punctuation:no_comma: its arguments must be a JSON object"),
    ],
)
@pytest.mark.parametrize("response", ["", "Some text."])
def test_mistakes_in_the_data_are_told_in_one_line_whatever_the_response(
    name: str, kwargs: str, message: str, response: str
) -> None:
    with pytest.raises(KitError) as error:
        follows(Instruction(name, kwargs), response)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (" \r\n", 0),
        ("Hello", 1),
        ("Hello. World", 2),
        ("Hello.World", 1),
        ("Hello.\r\n\r\nWorld!", 2),
        ("A heading\n\nand a line", 1),
        ("Wow!!! Great?! Yes...", 3),
        ('"Go." He went. "Why?"', 3),
        ("(It rains.) So what.", 2),
        ("It is **bold.** Then more.", 2),
        ("The end.**", 2),
        ('{"a": "One."\n}', 2),
        ("Mr. Bo met Dr. Li.", 1),
        ("He left the U.S. The war began.", 2),
        ("He left the U.S. army.", 1),
        ("At 5 p.m. we ate.", 1),
        ("T. Smith and J. Bo", 1),
        ("Take group A. Then go.", 2),
        ("1. Cook\n2. Eat", 3),
        ("It costs 3.50 now. Or 4. more", 2),
        ("He waited... and left... However, she stayed.", 2),
        ("Use it e.g. here", 2),
        ("P.S. Me too.", 2),
        ("Где он? Он здесь. Да", 3),
        ("他在这里。他走了。", 1),
        (f"{LONE}. A{LONE}", 2),
        ("a" * 10_000 + ".", 1),
    ],
)
def test_sentences(text: str, count: int) -> None:
    assert sentences(text) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("I am", 1),
        ("NASA's I'LL", 3),
        ("DON'T CANNOT GONNA", 6),
        ("DON'T.", 2),
        ("A,B 1,A", 3),
        ("A--B A—B A...B", 6),
        ("**BOLD** `CODE` (X) “Y” 'Z'", 5),
        ("TOP-NOTCH AND/OR U.S.A.", 3),
        ("123 ?! É", 1),
        ("HTTP://X.ORG", 2),
    ],
)
def test_capital_words(text: str, count: int) -> None:
    assert capital_words(text) == count


def test_verdicts_on_language_do_not_vary() -> None:
    asked = instruction("language:response_language", {"language": "no"})
    assert len({follows(asked, "Han er en god mand og en ven") for _ in range(20)}) == 1


REAL = Path(os.environ.get("KIT_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
NEEDS_REAL = pytest.mark.skipif(
    not (REAL / "ifeval_gpt4_responses.jsonl").exists(), reason="real rows are not shipped: set KIT_REAL_DATA to their folder"
)


def real_rows(file: str) -> dict[int, dict[str, object]]:
    rows = [json.loads(line) for line in (REAL / file).read_bytes().split(b"\n") if line]
    return {row["key"]: row for row in rows}


@NEEDS_REAL
@pytest.mark.parametrize("form", ["rows_ifeval_sparse.jsonl", "rows_ifeval_hub_dense.jsonl"])
def test_verdicts_agree_with_the_official_code(form: str) -> None:
    prompts, seen = real_rows(form), 0
    for key, row in real_rows("ifeval_gpt4_responses.jsonl").items():
        if not row["deterministic"]:
            continue
        asked = zip(prompts[key]["instruction_id_list"], prompts[key]["kwargs"], strict=True)
        prompt = InstructionPrompt(str(key), row["prompt"], tuple(instruction(*one) for one in asked))
        checked = check(prompt, row["response"])
        assert checked == (tuple(row["expected_strict"]), tuple(row["expected_loose"])), key
        assert (checked.prompt_strict, checked.prompt_loose) == (row["prompt_strict"], row["prompt_loose"]), key
        seen += len(checked.strict)
    assert seen == 828


@NEEDS_REAL
def test_accuracies_are_summed_up_as_the_official_code_does(tmp_path: Path) -> None:
    """Instructions followed of all instructions, not the mean of each prompt's share."""
    rows = [row for row in real_rows("ifeval_gpt4_responses.jsonl").values() if row["deterministic"]]
    prompts = real_rows("rows_ifeval_sparse.jsonl")
    files = {
        "data": [prompts[row["key"]] for row in rows],
        "outputs": [{"id": row["key"], "output": row["response"]} for row in rows],
    }
    for name, lines in files.items():
        (tmp_path / name).with_suffix(".jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    asked = {"task": "if", "slices": [{"split": "test", "style": "direct"}], "backend": "recorded"}
    config = resolve(EvalConfig, {**asked, "recorded": str(tmp_path / "outputs.jsonl")})
    (summary,) = summarise(read_records(evaluate(config, str(tmp_path / "data.jsonl"), "gpt-4", tmp_path / "out")))
    told = json.loads((tmp_path / "out" / "results.json").read_text())["results"]["kit_if test/direct"]
    for form in ("strict", "loose"):
        followed = [one for row in rows for one in row[f"expected_{form}"]]
        estimate = summary.scores[f"instruction_{form}"]
        assert estimate.value == pytest.approx(sum(followed) / len(followed), abs=1e-12)
        assert estimate.n == len(followed) == 828
        assert told[f"instruction_{form},none"] == pytest.approx(estimate.value, abs=1e-12)
        assert summary.scores[f"prompt_{form}"].value == pytest.approx(np.mean([all(r[f"expected_{form}"]) for r in rows]))


@NEEDS_REAL
def test_a_letter_that_the_official_code_draws_at_random_is_the_one_asked_for() -> None:
    rows = [row for row in real_rows("ifeval_gpt4_responses.jsonl").values() if not row["deterministic"]]
    for row in rows:
        index = row["instruction_id_list"].index("keywords:letter_frequency")
        arguments = row["kwargs"][index]
        enough = row["response"].count(arguments["letter"]) >= arguments["let_frequency"]
        assert follows(instruction("keywords:letter_frequency", arguments), row["response"]) is enough
    assert len(rows) == 2
