"""Every task from rows to scores, through the command line and recorded outputs: what is right, what is wrong and why, what
gold scores, and what bad rows do."""

from __future__ import annotations

import codecs
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from evals.config import EvalConfig
from evals.final import Final
from evals.run import evaluate, read_records, teaches
from evals.summary import summarise
from evals.tasks import TASKS
from generators.tasks import TASK_DATA
from kit.cli.main import main
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.records import EvalRecord, TaskName
from kit.core.store import read_manifest
from kit.models.prompts import ANSWER_CUE

GSM = {
    "question": "Ann has 3 bags of 4 pears and eats 2. How many are left?",
    "answer": "Ann has 3*4=<<3*4=12>>12 pears.\n12-2=<<12-2=10>>10 are left.\n#### 10",
}
HUMAN_EVAL = {
    "task_id": "Own/0",
    "prompt": 'import math\n\n\ndef half(x: int) -> int:\n    """Half of x, rounded down.\n    >>> half(5)\n    2\n    """\n',
    "entry_point": "half",
    "canonical_solution": "    return math.floor(x / 2)\n",
    "test": "def check(candidate):\n    assert candidate(5) == 2\n    assert candidate(4) == 2\n",
}
STRICTER = {**HUMAN_EVAL, "test": "def check(candidate):\n    assert candidate(5) == 2\n    assert candidate(-3) == -2\n"}
IFEVAL = {
    "key": 7,
    "prompt": "Describe a lighthouse in at most 20 words, without commas.",
    "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
    "kwargs": [{"num_words": None}, {"relation": "less than", "num_words": 21}],
}
HOTPOT = {
    "_id": "5a",
    "question": "Who governs the birthplace of Al Oz?",
    "answer": "Bo Li",
    "type": "bridge",
    "supporting_facts": [["Al Oz", 0]],
    "context": [["Al Oz", ["Al Oz was born in Port Ann.", " He sings."]], ["Port Ann", ["Its mayor is Bo Li."]]],
}
SUB_QA = {
    **HOTPOT,
    "sub_questions": [
        {"question": "Where was Al Oz born?", "answer": "Port Ann"},
        {"question": "Who governs Port Ann?", "answer": "Bo Li"},
    ],
}
ROWS: dict[TaskName, dict[str, Any]] = {"multihop": HOTPOT, "math": GSM, "code": HUMAN_EVAL, "if": IFEVAL}


def written(path: Path, *rows: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


def scored(task: TaskName, row: dict[str, Any], output: str, tmp_path: Path, **settings: Any) -> EvalRecord:
    """The record of one output for one row."""
    data = written(tmp_path / "rows.jsonl", row)
    item = TASKS[task].load(data, resolve(EvalConfig, {"task": task, "slices": [{"split": "test"}]})).items[0]
    outputs = written(tmp_path / "outputs.jsonl", {"id": item.id, "output": output})
    slice_ = {"split": item.split, "style": TASKS[task].style}
    asked = {"task": task, "slices": [slice_], "backend": "recorded", "recorded": outputs, **settings}
    (record,) = read_records(evaluate(resolve(EvalConfig, asked), data, "somebody", tmp_path / "out"))
    return record


@pytest.mark.parametrize(
    ("output", "flexible", "strict", "error"),
    [
        ("3*4=<<3*4=12>>12, less 2 is 10.\n#### 10", 1, 1, "none"),
        ("So she has 10.", 1, 0, "none"),
        ("3*4=<<3*4=13>>13 and 13-2=<<13-2=11>>11.\n#### 11", 0, 0, "arithmetic"),
        ("3*4=<<3*4=12>>12.\n#### 12", 0, 0, "step"),
        ("I cannot say.", 0, 0, "format"),
    ],
)
def test_maths(output: str, flexible: float, strict: float, error: str, tmp_path: Path) -> None:
    record = scored("math", GSM, output, tmp_path)
    assert (record.scores["flexible"], record.scores["strict"], record.error) == (flexible, strict, error)


@pytest.mark.parametrize(
    ("output", "base", "plus", "error"),
    [
        ("```python\ndef half(x: int) -> int:\n    return x // 2\n```", 1, 1, "none"),
        ("Here it is:\n```\ndef half(x):\n    return math.floor(x / 2)\n```\nIt rounds down.", 1, 1, "none"),
        ("    return x // 2", 1, 1, "none"),
        ("    y = x // 2\n    return y\n", 1, 1, "none"),
        ("\n\n    y = x // 2\n    return y", 1, 1, "none"),
        ("1. So:\n   ```python\n   def half(x):\n       return x // 2\n   ```", 1, 1, "none"),
        ("return int(x / 2)", 1, 0, "wrong_result"),
        ("```python\ndef half(x):\n    return x\n```", 0, 0, "wrong_result"),
        ("```python\ndef half(x):\n    return (\n```", 0, 0, "exception"),
        ("```python\ndef half(x):\n    while True: pass\n```", 0, 0, "limits"),
        ("", 0, 0, "format"),
    ],
)
def test_code(output: str, base: float, plus: float, error: str, tmp_path: Path) -> None:
    stricter = written(tmp_path / "plus.jsonl", STRICTER)
    record = scored("code", HUMAN_EVAL, output, tmp_path, plus=stricter, program_seconds=2.0)
    assert (record.scores["base"], record.scores["plus"], record.error) == (base, plus, error), record.tags


@pytest.mark.parametrize(
    ("output", "scores", "error"),
    [
        ("A tall white tower by the sea warns ships at night.", (1, 1, 1, 1), "none"),
        ("Sure:\nA tower by the sea.", (1, 1, 1, 1), "none"),
        ("Sure, here you are:\nA tower by the sea.", (0, 1, 0.5, 1), "instruction"),
        ("A tower, tall, " + "very " * 20, (0, 0, 0, 0), "instruction"),
        ("", (0, 0, 0, 0), "format"),
    ],
)
def test_instructions(output: str, scores: tuple[float, ...], error: str, tmp_path: Path) -> None:
    record = scored("if", IFEVAL, output, tmp_path)
    names = ("prompt_strict", "prompt_loose", "instruction_strict", "instruction_loose")
    assert tuple(record.scores[n] for n in names) == scores
    assert record.error == error


@pytest.mark.parametrize(
    ("row", "output", "right", "error"),
    [
        (HOTPOT, f"{ANSWER_CUE} Bo Li.", 1, "none"),
        (HOTPOT, f"{ANSWER_CUE} Cy Mo.", 0, "answer"),
        (SUB_QA, f"Al Oz was born in Port Ann. {ANSWER_CUE} Cy Mo.", 0, "later_hop"),
        (SUB_QA, f"In Rome. {ANSWER_CUE} Cy Mo.", 0, "first_hop"),
        (SUB_QA, f"Port Ann is governed by Bo Li. {ANSWER_CUE} Cy Mo.", 0, "composition"),
        (SUB_QA, f"He left Port Annex. {ANSWER_CUE} Cy Mo.", 0, "first_hop"),
        (SUB_QA, "Bo Li", 0, "format"),
    ],
)
def test_foreign_questions(row: dict[str, Any], output: str, right: float, error: str, tmp_path: Path) -> None:
    record = scored("multihop", row, output, tmp_path)
    assert (record.scores["exact_match"], record.error) == (right, error)


def test_facts_in_the_prompt_are_there_or_missed(tmp_path: Path) -> None:
    asked = {"slices": [{"split": "external", "context": "facts", "shots": 1}]}
    config = resolve(EvalConfig, asked)
    rows = [HOTPOT, {**HOTPOT, "_id": "other", "question": "Who else?"}]
    items = TASKS["multihop"].load(written(tmp_path / "r.jsonl", *rows), config).items
    ask = TASKS["multihop"].asks(config, items, items)[0]
    assert "Its mayor is Bo Li." in ask.message
    assert "Its mayor is Bo Li." in ask.shots[0][0]
    bare = TASKS["multihop"].load(written(tmp_path / "b.jsonl", {**HOTPOT, "context": None}), config).items
    with pytest.raises(KitError, match="no facts to be told"):
        TASKS["multihop"].asks(config, bare, items)
    with pytest.raises(KitError, match="context must be a list"):
        TASKS["multihop"].load(written(tmp_path / "w.jsonl", {**HOTPOT, "context": 0}), config)


@pytest.mark.parametrize(("first", "cluster"), [("Port Ann", "Port Ann"), ("Yes", "5a"), ("1,936", "5a")])
def test_only_an_entity_binds_questions_together(first: str, cluster: str, tmp_path: Path) -> None:
    subs = [{"question": "Which?", "answer": first}, {"question": "Who?", "answer": "Bo Li"}]
    assert scored("multihop", {**HOTPOT, "sub_questions": subs}, "x", tmp_path).cluster == cluster


def test_hub_columns_are_the_official_lists(tmp_path: Path) -> None:
    hub = {
        **{k: v for k, v in HOTPOT.items() if k != "_id"},
        "id": "5a",
        "context": {"title": ["Al Oz", "Port Ann"], "sentences": [p[1] for p in HOTPOT["context"]]},  # type: ignore[index]
    }
    config = resolve(EvalConfig, {"slices": [{"split": "external"}]})
    one, two = (TASKS["multihop"].load(written(tmp_path / "r.jsonl", row), config).items[0] for row in (HOTPOT, hub))
    assert one == two
    assert one.context == ("Al Oz: Al Oz was born in Port Ann. He sings.", "Port Ann: Its mayor is Bo Li.")


@pytest.mark.parametrize("task", sorted(TASK_DATA))
def test_gold_passes_its_own_scorer(task: TaskName, tmp_path: Path) -> None:
    """On data of kit's own: every gold answer is right by every metric."""
    made = TASK_DATA[task]
    items = list(made.items(0, "test", 40, (1, 2, 3)))
    config = resolve(EvalConfig, {"task": task, "slices": [{"split": "test", "style": made.style}]})
    asks = TASKS[task].asks(config, items, [])
    records = TASKS[task].records(config, asks, [Final(ask.golds[0]) for ask in asks])
    assert len(records) == 40
    for record in records:
        assert record.error == "none", record
        assert all(record.scores[m] == 1 for m in TASKS[task].metrics if m in record.scores), record


def test_every_sample_counts_towards_pass_at_k(tmp_path: Path) -> None:
    data = written(tmp_path / "rows.jsonl", GSM, {**GSM, "question": "Another?"})
    config = resolve(EvalConfig, {"task": "math", "slices": [{"split": "test"}]})
    first, second = (i.id for i in TASKS["math"].load(data, config).items)
    right = {(first, 0), (first, 3), (second, 1)}
    rows = [
        {"id": id_ + (f"#{k}" if k else ""), "output": "#### 10" if (id_, k) in right else "#### 11"}
        for id_ in (first, second)
        for k in range(10)
    ]
    asked = {"slices": [{"split": "test", "samples": 10}], "temperature": 1.0, "task": "math", "backend": "recorded"}
    asked["recorded"] = written(tmp_path / "o.jsonl", *rows)
    (summary,) = summarise(read_records(evaluate(resolve(EvalConfig, asked), data, "m", tmp_path / "out")))
    assert summary.scores["flexible pass@1"].value == pytest.approx((0.2 + 0.1) / 2)
    assert summary.scores["flexible pass@10"].value == 1
    assert summary.scores["flexible pass@1"].n == 2


def test_a_graded_score_has_no_pass_at_k_whatever_its_values(tmp_path: Path) -> None:
    config = resolve(EvalConfig, {"task": "if", "slices": [{"split": "test", "style": "direct"}]})
    data = written(tmp_path / "rows.jsonl", IFEVAL)
    (item,) = TASKS["if"].load(data, config).items
    rows = [{"id": item.id, "output": "A tower by the sea."}, {"id": f"{item.id}#1", "output": ""}]
    asked = {"slices": [{"split": "test", "style": "direct", "samples": 2}], "task": "if", "backend": "recorded"}
    asked["recorded"] = written(tmp_path / "o.jsonl", *rows)
    (summary,) = summarise(read_records(evaluate(resolve(EvalConfig, asked), data, "m", tmp_path / "out")))
    assert {*summary.scores} == {"prompt_strict pass@1", "prompt_loose pass@1", "instruction_strict", "instruction_loose"}


def test_results_in_the_shape_of_lm_evaluation_harness(tmp_path: Path) -> None:
    scored("math", GSM, "#### 10", tmp_path)
    told = json.loads((tmp_path / "out" / "results.json").read_text())
    assert set(told) == {"results", "n-shot", "n-samples", "higher_is_better", "config"}
    scores = told["results"]["kit_math test/cot"]
    assert scores["strict,none"] == 1
    assert scores["strict_stderr,none"] == "N/A"
    assert told["n-shot"] == {"kit_math test/cot": 0}
    assert told["n-samples"]["kit_math test/cot"] == {"original": 1, "effective": 1}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--limit", "1", "-o", 'slices=[{split="test"}]'], "--limit and slices say two things"),
        (["--task", "code", "-o", "difficulty=1"], "difficulty"),
    ],
)
def test_options_that_would_be_ignored_are_refused(
    more: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = written(tmp_path / "rows.jsonl", GSM)
    command = ["kit", "eval", "--task", "math", "--model", "m", "--data", data, "--out", str(tmp_path / "out"), *more]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_a_saved_configuration_is_run_again_with_its_task_and_by_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scored("math", GSM, "#### 10", tmp_path)
    again = ["--config", str(tmp_path / "out" / "config.json"), "--model", "somebody", "--data", str(tmp_path / "rows.jsonl")]
    monkeypatch.setattr("sys.argv", ["kit", "eval", *again, "--out", str(tmp_path / "again")])
    main()
    assert "flexible            1.00" in capsys.readouterr().out
    url = ["--url", "http://127.0.0.1:9/v1", "-o", "server.tries=1", "--out", str(tmp_path / "other")]
    monkeypatch.setattr("sys.argv", ["kit", "eval", *again, *url])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "failed 1 times" in capsys.readouterr().err


def test_a_data_directory_teaches_by_its_training_items_alone(small_dir: Path) -> None:
    config = resolve(EvalConfig, {"slices": [{"split": "novel", "shots": 4, "limit": 5}], "shots_from": str(small_dir)})
    questions = TASKS["multihop"].load(str(small_dir), config).items
    train = {q.text for q in questions if q.split == "train"}
    examples = [q for q in questions if teaches(q, config)]
    assert len(examples) == len([q for q in questions if q.split == "train"])
    for ask in TASKS["multihop"].asks(config, questions, examples):
        assert len(ask.shots) == 4
        assert all(any(text in asked for text in train) for asked, _ in ask.shots)


def test_shots_come_from_training_rows_and_are_the_same_in_every_run(tmp_path: Path) -> None:
    rows = [{**GSM, "question": f"Question {i}?"} for i in range(9)]
    data, more = written(tmp_path / "rows.jsonl", *rows[:3]), written(tmp_path / "more.jsonl", *rows)
    settings = {"task": "math", "slices": [{"split": "test", "shots": 3}], "shots_from": more}
    config = resolve(EvalConfig, settings)
    items, examples = (TASKS["math"].load(source, config).items for source in (data, more))
    asks = TASKS["math"].asks(config, items, examples)
    assert [a.shots for a in asks] == [a.shots for a in TASKS["math"].asks(config, items, examples)]
    assert len({a.shots for a in asks}) > 1
    for ask in asks:
        assert len({asked for asked, _ in ask.shots}) == 3
        assert ask.message not in [asked for asked, _ in ask.shots]
        assert all(answer == GSM["answer"] for _, answer in ask.shots)
    with pytest.raises(KitError, match="shots_from"):
        TASKS["math"].asks(config, items, [])


def test_shots_without_answers_and_styles_that_a_task_has_not_are_refused(tmp_path: Path) -> None:
    data = written(tmp_path / "rows.jsonl", *({**IFEVAL, "key": i, "prompt": f"Write {i} lines."} for i in range(4)))
    shots = {"slices": [{"split": "test", "style": "direct", "shots": 2}], "shots_from": data}
    for task, settings, message in (
        ("if", shots, "no answers to show"),
        ("if", {"slices": [{"split": "test", "style": "cot"}]}, "the task if is asked in style direct, not cot"),
        ("code", {"slices": [{"split": "test", "style": "cot"}]}, "the task code is asked in style direct, not cot"),
        ("math", {"slices": [{"split": "recall_known", "style": "cloze"}]}, "style cot or direct, not cloze"),
    ):
        config = resolve(EvalConfig, {"task": task, "backend": "recorded", "recorded": data, **settings})
        with pytest.raises(KitError, match=message):
            evaluate(config, data, "somebody", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_files_count_by_what_they_hold_not_by_where_they_lie(tmp_path: Path) -> None:
    def asked(folder: str, output: str = "#### 10") -> Path:
        home = tmp_path / folder
        home.mkdir()
        data, shots = written(home / "rows.jsonl", GSM), written(home / "shots.jsonl", {**GSM, "question": "Another?"})
        outputs = written(home / "outputs.jsonl", {"prompt": f"{GSM['question']} Think step by step.", "output": output})
        settings = {"task": "math", "slices": [{"split": "test", "shots": 1}], "shots_from": shots}
        config = resolve(EvalConfig, {**settings, "backend": "recorded", "recorded": outputs})
        return evaluate(config, data, "somebody", tmp_path / "out")

    first = read_manifest(asked("a"))
    assert read_manifest(asked("b")) == first
    assert set(first.inputs) == {"data", "shots_from", "recorded"}
    with pytest.raises(KitError, match="another configuration"):
        asked("c", "#### 11")


def without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k != key}


BAD: list[tuple[TaskName, dict[str, Any] | bytes, str]] = [
    ("multihop", without(HOTPOT, "question"), "the column question is missing"),
    ("math", without(GSM, "question"), "the column question is missing"),
    ("code", without(HUMAN_EVAL, "prompt"), "the column prompt is missing"),
    ("if", without(IFEVAL, "prompt"), "the column prompt is missing"),
    ("math", {**GSM, "answer": ""}, "answer is empty"),
    ("math", {**GSM, "answer": "ten"}, "does not end in a line ####"),
    ("math", {**GSM, "answer": 10}, "answer must be text, not int"),
    ("math", {**GSM, "question": "x" * 1_000_000}, "1,000,000 characters"),
    ("math", b'{"question": "caf\xe9", "answer": "#### 1"}', "not a JSON row in UTF-8"),
    ("math", b"[1, 2]", "a row must be an object, not list"),
    ("math", b'{"question": ', "not a JSON row"),
    ("code", without(HUMAN_EVAL, "test"), "the column test is missing"),
    ("code", {**HUMAN_EVAL, "entry_point": None}, "entry_point must be text, not NoneType"),
    ("if", {**IFEVAL, "kwargs": [{}]}, "2 instructions but 1 sets of arguments"),
    ("if", {**IFEVAL, "instruction_id_list": ["punctuation:no_coma", "length_constraints:number_words"]}, "punctuation:no_comma"),
    ("if", {**IFEVAL, "key": None}, "key must be a number or a text"),
    ("multihop", {**HOTPOT, "answer": "  "}, "answer is empty"),
    ("if", {**IFEVAL, "kwargs": [{}, {}]}, "length_constraints:number_words"),
    ("math", {**GSM, "answer": "#### 3/4"}, "does not end in a line ####"),
    ("math", GSM, "is also that of rows.jsonl, line 1"),
    ("math", {**GSM, "question": "What is \ud83d?"}, "half a character"),
    ("multihop", {**HOTPOT, "context": [1]}, "context must be a list of titles"),
    ("multihop", {**HOTPOT, "context": [{"title": "T", "sentences": ["x."]}]}, "context must be a list of titles"),
    ("multihop", {**HOTPOT, "context": {"title": ["T", "U"], "sentences": [["x."]]}}, "differ in length"),
    ("multihop", {**SUB_QA, "sub_questions": ["a"]}, "item 1 of sub_questions must be an object"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "bad", "message"), BAD, ids=[f"{t}: {m}" for t, _, m in BAD])
def test_a_bad_row_is_one_line_with_its_number_or_a_counted_skip(
    task: TaskName, bad: dict[str, Any] | bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    line = bad if isinstance(bad, bytes) else json.dumps(bad).encode()
    (tmp_path / "rows.jsonl").write_bytes(json.dumps(ROWS[task]).encode() + b"\n" + line + b"\n")
    config = resolve(EvalConfig, {"task": task, "slices": [{"split": "test"}]})
    item = TASKS[task].load(written(tmp_path / "good.jsonl", ROWS[task]), config).items[0]
    outputs = written(tmp_path / "outputs.jsonl", {"id": item.id, "output": "whatever"})

    def told(out: str, *more: str) -> tuple[int, str, str]:
        arguments = ["--task", task, "--model", "m", "--data", str(tmp_path / "rows.jsonl"), "--outputs", outputs]
        monkeypatch.setattr("sys.argv", ["kit", "eval", *arguments, "--out", str(tmp_path / out), *more])
        code = 0
        try:
            main()
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        return code, *capsys.readouterr()

    code, out, err = told("one")
    assert (code, out) == (2, "")
    assert message in err
    assert "line 2" in err
    assert len(err.strip().split("\n")) == 1
    assert not (tmp_path / "one" / "manifest.json").exists()
    code, out, err = told("two", "-o", "skip_bad_rows=true")
    assert code == 0, err
    assert "1 rows could not be read and were left out" in out


def test_no_shot_asks_what_is_asked_in_other_spacing(tmp_path: Path) -> None:
    data = written(tmp_path / "rows.jsonl", GSM)
    same = GSM["question"].replace(" ", "  ").upper()
    for others, told in ((["Another?"], None), ([], "1 shots need as many examples, and there are 0")):
        shots = written(tmp_path / f"{len(others)}.jsonl", *({**GSM, "question": q} for q in (same, *others)))
        config = resolve(EvalConfig, {"task": "math", "slices": [{"split": "test", "shots": 1}], "shots_from": shots})
        items, examples = (TASKS["math"].load(source, config).items for source in (data, shots))
        if told:
            with pytest.raises(KitError, match=told):
                TASKS["math"].asks(config, items, examples)
        else:
            (ask,) = TASKS["math"].asks(config, items, examples)
            assert ask.shots[0][0].startswith("Another?")


def test_rows_behind_a_mark_of_byte_order_and_in_gzip(tmp_path: Path) -> None:
    row = json.dumps(GSM).encode()
    for name, data in (
        ("bom.jsonl", codecs.BOM_UTF8 + row),
        ("rows.jsonl.gz", gzip.compress(row)),
        ("list.json.gz", gzip.compress(codecs.BOM_UTF8 + b"[" + row + b"]")),
    ):
        (tmp_path / name).write_bytes(data)
        config = resolve(EvalConfig, {"task": "math", "slices": [{"split": "test"}]})
        (item,) = TASKS["math"].load(str(tmp_path / name), config).items
        assert item.question == GSM["question"]
