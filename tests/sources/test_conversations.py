"""Rows of others as finetuning examples: what is said and answered, in every form, and what is no example."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kit.core.errors import KitError
from kit.core.records import CodeProblem, TaskName
from kit.core.rows import Row, read_rows
from kit.models.prompts import ANSWER_CUE, code_turns
from kit.sources.conversations import conversation
from kit.sources.hub import HUB, for_training, place

CHAT = {
    "type": "Easy-to-Hard",
    "prompt": "not what is asked",
    "messages": [
        {"role": "user", "content": "Name a bird."},
        {"role": "assistant", "content": "A wren."},
        {"role": "user", "content": "A larger one."},
        {"role": "assistant", "content": "A crane."},
    ],
}
STARCODER = {
    "seed": "x",
    "prompt": "how the response was made",
    "instruction": "Write a function that adds.",
    "response": "```python\ndef add(a, b):\n    return a + b\n```",
}
DOLLY = {"instruction": "Who wrote it?", "context": "Ann wrote it.", "response": "Ann.", "category": "closed_qa"}
GSM = {"question": "2 and 3?", "answer": "2+3=<<2+3=5>>5\n#### 5"}
HUMAN_EVAL = {
    "task_id": "Own/0",
    "prompt": 'import math\n\n\ndef half(x: int) -> int:\n    """Half of x, rounded down.\n    >>> half(5)\n    2\n    """\n',
    "entry_point": "half",
    "canonical_solution": "    return math.floor(x / 2)\n",
    "test": "def check(candidate):\n    assert candidate(5) == 2\n",
}
SUB_QA = {
    "_id": "5a",
    "question": "Who governs the birthplace of Al Oz?",
    "answer": "Bo Li",
    "context": [],
    "sub_questions": [
        {"question": "Where was Al Oz born?", "answer": "Port Ann"},
        {"question": "Who governs Port Ann?", "answer": "Bo Li"},
    ],
}


@pytest.mark.parametrize(
    ("task", "row", "turns"),
    [
        ("if", CHAT, (("Name a bird.", "A wren."), ("A larger one.", "A crane."))),
        ("math", CHAT, (("Name a bird.", "A wren."), ("A larger one.", "A crane."))),
        ("code", STARCODER, ((STARCODER["instruction"], STARCODER["response"]),)),
        ("if", DOLLY, (("Who wrote it?\n\nAnn wrote it.", "Ann."),)),
        ("if", {**DOLLY, "context": ""}, (("Who wrote it?", "Ann."),)),
        ("multihop", {"prompt": "p", "completion": " c"}, (("p", " c"),)),
        ("math", GSM, (("2 and 3? Think step by step.", GSM["answer"]),)),
        (
            "code",
            HUMAN_EVAL,
            (
                (
                    f"Complete this function.\n\n```python\n{HUMAN_EVAL['prompt'].rstrip()}\n```",
                    "```python\nimport math\n\n\ndef half(x: int) -> int:\n    return math.floor(x / 2)\n```",
                ),
            ),
        ),
        (
            "multihop",
            SUB_QA,
            (
                (
                    f"{SUB_QA['question']} Think step by step.",
                    f"Where was Al Oz born? Port Ann. Who governs Port Ann? Bo Li. {ANSWER_CUE} Bo Li.",
                ),
            ),
        ),
        (
            "multihop",
            {k: v for k, v in SUB_QA.items() if k != "sub_questions"},
            ((f"{SUB_QA['question']} Answer directly.", f"{ANSWER_CUE} Bo Li."),),
        ),
    ],
)
def test_what_a_row_teaches(task: TaskName, row: dict[str, Any], turns: tuple[tuple[str, str], ...]) -> None:
    assert conversation(Row(row, "row 1"), task).turns == turns


@pytest.mark.parametrize(
    ("task", "row", "message"),
    [
        ("if", {"key": 1, "prompt": "Write.", "instruction_id_list": [], "kwargs": []}, "no answer to learn from"),
        ("if", {"messages": CHAT["messages"][:3]}, "they go user, assistant, user"),
        ("if", {"messages": [{"role": "system", "content": "Be brief."}, *CHAT["messages"]]}, "they go system, user"),
        ("if", {"messages": []}, "they go nobody"),
        ("if", {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": ""}]}, "content is empty"),
        ("code", {"instruction": "x", "response": ""}, "response is empty"),
        ("code", {"response": "x"}, "the column instruction is missing"),
        ("code", {"instruction": 3, "response": "x"}, "instruction must be text"),
        ("math", {"question": "2 and 3?", "answer": "5"}, "does not end in a line ####"),
    ],
)
def test_a_row_that_teaches_nothing_is_told_with_its_number(task: TaskName, row: dict[str, Any], message: str) -> None:
    with pytest.raises(KitError, match=f"^row 7.*{message}"):
        conversation(Row(row, "row 7"), task)


def test_the_splits_of_sets_known_by_name() -> None:
    assert place("openai/gsm8k", training=False) == ("openai/gsm8k", "main", "test")
    assert place("openai/gsm8k", training=True) == ("openai/gsm8k", "main", "train")
    assert place("openai/gsm8k:socratic", training=True) == ("openai/gsm8k", "socratic", "train")
    assert place("somebody/rows", training=True) == ("somebody/rows", None, "train")
    assert place("somebody/rows::dev", training=True) == ("somebody/rows", None, "dev")
    assert place("openai/gsm8k:main:", training=True)[2] == "train"
    assert for_training("openai/gsm8k") == "openai/gsm8k:main:train"
    assert for_training("rows.jsonl") == "rows.jsonl"
    for name, known in HUB.items():
        for training, split in ((True, known.train), (False, known.test)):
            if split is None:
                with pytest.raises(KitError, match=f"^{name} has no split that is meant for"):
                    place(name, training)
                with pytest.raises(KitError, match=f"as {name}:.*:{known.test or known.train}$"):
                    place(name, training)
                assert place(f"{name}::{known.test or known.train}", training)[2] == (known.test or known.train)


@pytest.mark.parametrize(
    ("prompt", "body", "told"),
    [
        ('def f(x):\n    """Doc.\n    More.\n    """', "    return x", "def f(x):\n    return x"),
        ("def f(x):\n    'Doc.'\n    # why", "    return x", "def f(x):\n    # why\n    return x"),
        ('async def f(x):\n    """Doc."""', "    return x", "async def f(x):\n    return x"),
        ('def g(x):\n    """Kept."""\n    return x\n\n\ndef f(x):\n    """Gone."""', "    return g(x)",
         'def g(x):\n    """Kept."""\n    return x\n\n\ndef f(x):\n    return g(x)'),
        ('class A:\n    def f(self):\n        """Kept."""\n        return 1\n\ndef f(x):\n    """Gone."""', "    return x",
         'class A:\n    def f(self):\n        """Kept."""\n        return 1\n\ndef f(x):\n    return x'),
        ('def f(x):\n    """Doc."""; y = 1', "    return y", 'def f(x):\n    """Doc."""; y = 1\n    return y'),
        ('def f(x): """Doc."""; return x', "", 'def f(x): """Doc."""; return x\n'),
        ('def f(x):\n    """A \\d."""', "    return x", "def f(x):\n    return x"),
        ("def f(x):", "    return x", "def f(x):\n    return x"),
        ('def f(x):\n    """Doc."""', "    return (", 'def f(x):\n    """Doc."""\n    return ('),
    ],
)  # fmt: skip
def test_gold_functions_do_not_say_the_docstring_again(prompt: str, body: str, told: str) -> None:
    problem = CodeProblem("a", prompt, "f", body, "")
    assert code_turns(problem, "direct")[1] == f"```python\n{told}\n```"


REAL = Path(os.environ.get("KIT_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.mark.skipif(
    not (REAL / "rows_conifer_sample.jsonl").exists(), reason="real rows are not shipped: set KIT_REAL_DATA to their folder"
)
def test_real_rows_of_conifer() -> None:
    path = REAL / "rows_conifer_sample.jsonl"
    raw = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]
    assert raw
    for row, values in zip(read_rows(path), raw, strict=True):
        turns = conversation(row, "if").turns
        assert [text for turn in turns for text in turn] == [m["content"] for m in values["messages"]]
