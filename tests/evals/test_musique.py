"""MuSiQue's public schema: rows of our own anywhere, real ones where they are at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from evals.config import EvalConfig
from evals.tasks.multihop import load_questions
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.rows import Row
from kit.sources.questions import musique_question

ROW = {
    "id": "2hop__1_2",
    "paragraphs": [
        {"idx": 0, "title": "Al Oz", "paragraph_text": "Al Oz was born in Port Ann.", "is_supporting": True},
        {"idx": 1, "title": "Ode Labs", "paragraph_text": "Ode Labs makes kites.", "is_supporting": False},
        {"idx": 2, "title": "Port Ann", "paragraph_text": "Its mayor is Bo Li.\u2028She won.", "is_supporting": True},
    ],
    "question": "Who is the mayor of the birthplace of Al Oz?",
    "question_decomposition": [
        {"id": 1, "question": "Al Oz >> place of birth", "answer": "Port Ann", "paragraph_support_idx": 0},
        {"id": 2, "question": "Who is the mayor of #1 ?", "answer": "Bo Li", "paragraph_support_idx": 2},
    ],
    "answer": "Bo Li",
    "answer_aliases": ["B. Li"],
    "answerable": True,
}
CONFIG = resolve(EvalConfig, {"slices": [{"split": "external"}]})
REAL = Path(os.environ.get("KIT_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))


def test_a_row_becomes_a_question(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROW, ensure_ascii=False) + "\n", "utf-8")
    (question,) = load_questions(str(path), CONFIG).items
    assert question.answers == ("Bo Li", "B. Li")
    assert [s.text for s in question.sub_questions] == ["Al Oz >> place of birth", "Who is the mayor of Port Ann ?"]
    assert question.support == ("0", "2")
    assert question.hops == 2
    assert question.split == "external"
    assert len(question.context) == 3
    assert "She won." in question.context[2]


@pytest.mark.parametrize("missing", ["id", "question", "answer", "paragraphs", "question_decomposition"])
def test_a_row_without_a_column_is_named(missing: str) -> None:
    with pytest.raises(KitError, match="row 7"):
        musique_question(Row({k: v for k, v in ROW.items() if k != missing}, "row 7"))


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(json.dumps(ROW).encode() + b"\n{\xff}\n")
    with pytest.raises(KitError, match="line 2"):
        load_questions(str(path), CONFIG)


@pytest.mark.skipif(not (REAL / "rows_musique_sample200.jsonl").exists(), reason="real rows are not shipped: set KIT_REAL_DATA")
def test_real_rows_load() -> None:
    questions = load_questions(str(REAL / "rows_musique_sample200.jsonl"), CONFIG).items
    assert len(questions) == 200
    assert {q.hops for q in questions} == {2, 3, 4}
    assert not any("#" in s.text and "#1" in s.text for q in questions for s in q.sub_questions)
    assert all(len(q.context) >= 2 and q.answers[0] for q in questions)


@pytest.mark.parametrize("name", ["rows_hotpotqa_official", "rows_hotpotqa_hub_converted"])
def test_real_rows_of_hotpotqa_load_alike(name: str) -> None:
    path = REAL / f"{name}.jsonl"
    if not path.exists():
        pytest.skip("real rows are not shipped: set KIT_REAL_DATA")
    questions = load_questions(str(path), CONFIG).items
    official = load_questions(str(REAL / "rows_hotpotqa_official.jsonl"), CONFIG).items
    assert len(questions) == 300
    assert questions == official
    assert all(q.context and q.hops == 2 for q in questions)
