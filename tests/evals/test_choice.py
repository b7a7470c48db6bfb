"""Forced choice: by the log-likelihood per token and as a whole, after a cue or as a text to be continued."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import evals.run
from evals.config import EvalConfig
from evals.run import evaluate, read_records
from evals.summary import summarise
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.records import Question
from kit.core.store import read_table
from kit.infer.backend import Decoding, Likelihood, Output, Prompt, Sink
from kit.models.prompts import ANSWER_CUE


class Partial:
    """Finds the gold answers likeliest per token, and one wrong answer of each question as a whole."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self.golds = {q.id: q.answers[0] for q in questions}
        self.short = {q.id: q.candidates[0] for q in questions if q.candidates}
        self.asked: list[Prompt] = []
        self.notes: list[str] = []

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding, sink: Sink[Output]) -> None:
        assert not prompts

    def log_likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str], sink: Sink[Likelihood]) -> None:
        self.asked += prompts
        for i, (prompt, said) in enumerate(zip(prompts, continuations, strict=True)):
            name = said.strip(" .")
            gold, short = name == self.golds[prompt.about], name == self.short.get(prompt.about)
            sink([i], [Likelihood(-4.0, 8) if gold else Likelihood(-1.0, 1) if short else Likelihood(-20.0, 2)])


def stranger(root: Path) -> str:
    """A checkpoint that has a name and nothing else."""
    (root / "stranger").mkdir()
    (root / "stranger" / "config.json").write_text('{"model_type": "llama"}', "utf-8")
    return str(root / "stranger")


@pytest.mark.parametrize(
    ("part", "start", "chat"),
    [
        ({"split": "novel", "hops": 2, "style": "direct"}, ANSWER_CUE, True),
        ({"split": "recall_novel", "hops": 1, "style": "cloze"}, "", False),
    ],
)
def test_either_way_is_scored(
    part: dict[str, object], start: str, chat: bool, small_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = [q for name in ("questions", "probes") for q in read_table(small_dir / f"{name}.parquet", Question)]
    backend = Partial(questions)
    monkeypatch.setattr(evals.run, "open_backend", lambda *_: backend)
    config = resolve(EvalConfig, {"slices": [{**part, "mode": "choice", "limit": 6}]})
    records = read_records(evaluate(config, str(small_dir), stranger(tmp_path), tmp_path / "out"))
    assert [(r.scores["exact_match"], r.scores["unnormalised"], r.error) for r in records] == [(1, 0, "none")] * 6
    assert all(r.extracted == r.answers[0] for r in records)
    assert {(p.start, p.chat) for p in backend.asked} == {(start, chat)}
    (summary,) = summarise(records)
    assert list(summary.scores) == ["exact_match", "unnormalised", "f1"]


def test_with_nothing_to_choose_from_nobody_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"_id": "5a", "question": "Who?", "answer": "Bo Li", "context": []}\n', "utf-8")
    monkeypatch.setattr(evals.run, "open_backend", lambda *_: Partial([]))
    config = resolve(EvalConfig, {"slices": [{"split": "external", "style": "direct", "mode": "choice"}]})
    with pytest.raises(KitError, match="5a has no candidates to choose from"):
        evaluate(config, str(rows), stranger(tmp_path), tmp_path / "out")
