"""What of an output is its final answer, in the forms that models write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evals.config import EvalConfig
from evals.final import Final, final_answer
from evals.run import evaluate, read_records
from evals.scoring.judge import verdict_of
from evals.tasks import TASKS
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.store import read_manifest
from kit.infer.backend import Decoding, Output, Prompt
from kit.infer.tokenised import outputs
from kit.models.tokens import Tokens
from tests.models.families import FAMILIES, tokenizer_of

FORMS: list[tuple[str, str, str, str]] = [
    # where the form comes from, output, answer, thought
    ("no thought", "So the answer is 4.", "So the answer is 4.", ""),
    ("an indent is kept", "    return 4", "    return 4", ""),
    ("Qwen3, empty", "<think>\n\n</think>\n\n4", "4", ""),
    ("Qwen3", "<think>\nIs it 5? #### 5\n</think>\n\n#### 4", "#### 4", "Is it 5? #### 5"),
    ("R1, opened in its prompt", "Is it 5?\n</think>\n\n4", "4", "Is it 5?"),
    ("R1, closed at once", "\n</think>\n\n4", "4", ""),
    ("cut off while thinking", "<think>\nIs it 5? So the answer is 5.", "", "Is it 5? So the answer is 5."),
    ("an indent behind a thought", "<think>a</think>\n    return 4", "    return 4", "a"),
    ("two thoughts", "<think>a</think><think>b</think>4", "4", "a\nb"),
    ("a relative", "<thinking>a</thinking> 4", " 4", "a"),
    ("another", "<reasoning>a</reasoning>\n4", "4", "a"),
    ("in capitals", "<THINK>a</THINK>4", "4", "a"),
    ("Magistral", "[THINK]a[/THINK]4", "4", "a"),
    ("Kimi", "◁think▷a◁/think▷4", "4", "a"),
    ("Seed-OSS", "<seed:think>a</seed:think>4", "4", "a"),
    ("gpt-oss", "analysisIs it 5?assistantfinal4", "4", "Is it 5?"),
    ("a word of the same name", "analysis of the case", "analysis of the case", ""),
    ("tags within an answer", "Write <think>a</think> here.", "Write <think>a</think> here.", ""),
    ("tags in code", '```python\nprint("<think>")\n```', '```python\nprint("<think>")\n```', ""),
    ("nothing", "", "", ""),
]


@pytest.mark.parametrize(("output", "answer", "thought"), [f[1:] for f in FORMS], ids=[f[0] for f in FORMS])
def test_final_answers(output: str, answer: str, thought: str) -> None:
    assert final_answer(Output(output)) == Final(answer, thought, "stop")


@pytest.mark.parametrize(
    ("task", "row", "output", "metric"),
    [
        ("math", {"question": "2 and 2?", "answer": "#### 4"}, "<think>#### 5</think>#### 4", "strict"),
        ("if", {"key": 1, "prompt": "x", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]},
         "<think>a, b</think>None here", "prompt_strict"),
        ("multihop", {"id": "q", "question": "Who?", "answer": "Bo Li"},
         "<think>So the answer is Al Oz.</think>So the answer is Bo Li.", "exact_match"),
    ],
)  # fmt: skip
def test_no_thought_is_scored(task: str, row: dict[str, object], output: str, metric: str, tmp_path: Path) -> None:
    rows, outputs = tmp_path / "rows.jsonl", tmp_path / "outputs.jsonl"
    rows.write_text(json.dumps(row), "utf-8")
    part = {"split": "external" if task == "multihop" else "test", "style": "cot" if task == "math" else "direct"}
    config = {"task": task, "slices": [part], "backend": "recorded", "recorded": str(outputs)}
    found = {}
    for name, said in (("whole", output), ("thought alone", output.partition("</think>")[0])):
        resolved = resolve(EvalConfig, config)
        (ask,) = TASKS[task].asks(resolved, TASKS[task].load(str(rows), resolved).items, [])  # type: ignore[index]
        outputs.write_text(json.dumps({"id": ask.item.id, "output": said}), "utf-8")
        (found[name],) = read_records(evaluate(resolved, str(rows), "somebody", tmp_path / name))
    assert found["whole"].scores[metric] == 1.0
    assert found["whole"].thought
    assert found["whole"].output == output.partition("</think>")[2]
    assert (found["thought alone"].output, found["thought alone"].error) != ("", "none")


def test_a_judge_that_thinks_is_read_by_what_it_says_at_last() -> None:
    said = "<think>[[A]] is longer, but [[B]] is right.</think>B answers. [[B]]"
    assert verdict_of(said.partition("</think>")[0]) is None
    assert verdict_of(final_answer(Output(said)).answer) == "b"


@pytest.mark.parametrize("name", ["none, bytes", "none, sentencepiece"])
def test_a_base_model_that_asks_itself_on_is_cut_there(name: str) -> None:
    tokens = Tokens(tokenizer_of(FAMILIES[name]))
    said = " So the answer is Bo Li.\n\nQuestion: Who? Answer directly.\nAnswer: So the answer is Al Oz."
    (found,) = outputs(tokens, [(tokens.encode(said), False)])
    assert (found.text.lstrip(), found.finish) == ("So the answer is Bo Li.", "stop")
    chat = Tokens(tokenizer_of(FAMILIES["chatml base"]))
    assert "Question:" in outputs(chat, [(chat.encode(said), False)])[0].text, "what a model with a template writes is its own"


MATH = {"question": "How many?", "answer": "#### 40"}
HOPS = {"id": "q", "question": "Who?", "answer": "Bo Li"}
CODE = {
    "task_id": "c", "prompt": "def one():\n", "entry_point": "one", "canonical_solution": "    return 1\n",
    "test": "def check(candidate):\n    assert candidate() == 1\n",
}  # fmt: skip
IF = {
    "key": 1,
    "prompt": "x",
    "instruction_id_list": ["length_constraints:number_words"],
    "kwargs": [{"relation": "at least", "num_words": 9}],
}
ENDINGS: list[tuple[str, dict[str, object], str, str, float, str]] = [
    # task, row, output, why it ends, score, why it is wrong
    ("math", MATH, "20 + 20 = 40\n#### 40", "length", 1.0, "none"),
    ("math", MATH, "First, 20 + 20 = 4", "length", 0.0, "truncated"),
    ("math", MATH, "First, 20 + 20 = 4", "stop", 0.0, "arithmetic"),
    ("math", MATH, "20 + 20 = 41\n#### 41\nTo say it ag", "length", 0.0, "arithmetic"),
    ("math", MATH, "20 + 21 = 41\n#### 41\nTo say it again, 3 * 4 = 1", "length", 0.0, "step"),
    ("math", MATH, "20 + 20 = 40\n#### 4", "length", 0.0, "truncated"),
    ("math", MATH, "<think>20 + 20 = 40, so #### 40", "length", 0.0, "truncated"),
    ("math", MATH, "", "refused", 0.0, "refused"),
    ("math", MATH, "", "too_long", 0.0, "too_long"),
    ("math", MATH, "#### 41", "unknown", 0.0, "step"),
    ("multihop", HOPS, "So the answer is Bo Li. He", "length", 1.0, "none"),
    ("multihop", HOPS, "So the answer is Bo Li", "length", 1.0, "none"),
    ("multihop", HOPS, "So the answer is Bo", "length", 0.0, "truncated"),
    ("multihop", HOPS, "So the answer is Al Oz. He", "length", 0.0, "answer"),
    ("multihop", HOPS, "Let me see, who", "length", 0.0, "truncated"),
    ("multihop", HOPS, "Let me see, who", "stop", 0.0, "format"),
    ("code", CODE, "```python\ndef one():\n    return 1\n```\nIt ret", "length", 1.0, "none"),
    ("code", CODE, "```python\ndef one():\n    return 2\n```\nIt ret", "length", 0.0, "wrong_result"),
    ("code", CODE, "```python\ndef one():\n    return 2", "length", 0.0, "truncated"),
    ("if", IF, "One two three four", "length", 0.0, "truncated"),
    ("if", IF, "One two three four", "stop", 0.0, "instruction"),
    ("if", {**IF, "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}, "One, two", "length", 0.0, "instruction"),
    ("if", IF, "One two three four five six seven eight nine te", "length", 1.0, "none"),
]


@pytest.mark.parametrize(("task", "row", "output", "finish", "score", "error"), ENDINGS)
def test_why_it_ended_is_a_reason_and_no_score(
    task: Any, row: dict[str, object], output: str, finish: str, score: float, error: str, tmp_path: Path
) -> None:
    rows, outputs = tmp_path / "rows.jsonl", tmp_path / "outputs.jsonl"
    rows.write_text(json.dumps(row), "utf-8")
    part = {"split": "external" if task == "multihop" else "test", "style": "cot" if task in ("math", "multihop") else "direct"}
    config = resolve(EvalConfig, {"task": task, "slices": [part], "backend": "recorded", "recorded": str(outputs)})
    (item,) = TASKS[task].load(str(rows), config).items
    outputs.write_text(json.dumps({"id": item.id, "output": output, "finish_reason": finish}), "utf-8")
    out = evaluate(config, str(rows), "somebody", tmp_path / "out")
    (record,) = read_records(out)
    assert (record.scores[TASKS[task].metrics[0]], record.error, record.finish) == (score, error, finish)
    told = {"length": "1 of 1 answers were cut off", "refused": "1 of 1 answers were refused", "too_long": "never asked for"}
    assert any(told[finish] in note for note in read_manifest(out).notes) if finish in told else True


class Noted:
    """A backend that has something to say of its answers, and fails after so many."""

    def __init__(self, note: str, left: int) -> None:
        self.notes, self.left = [note] if note else [], left

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding, sink: Any) -> None:
        for i in range(len(prompts)):
            if i == self.left:
                raise KitError("gone")
            sink([i], [Output("#### 40")])

    def log_likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str], sink: Any) -> None:
        raise AssertionError


def test_what_is_to_be_known_of_answers_outlives_the_run_that_got_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({**MATH, "question": f"{i} of them?"}) + "\n" for i in range(3)), "utf-8")
    (tmp_path / "config.json").write_text('{"model_type": "llama"}', "utf-8")
    config = resolve(EvalConfig, {"task": "math", "slices": [{"split": "test", "style": "cot"}]})
    monkeypatch.setattr("evals.run.open_backend", lambda *_: Noted("the server takes no seed", 2))
    with pytest.raises(KitError, match="gone"):
        evaluate(config, str(rows), str(tmp_path), tmp_path / "out")
    monkeypatch.setattr("evals.run.open_backend", lambda *_: Noted("", 9))
    out = evaluate(config, str(rows), str(tmp_path), tmp_path / "out")
    assert read_manifest(out).notes == ["the server takes no seed"]
    assert len(read_records(out)) == 3
