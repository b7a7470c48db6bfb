"""Task knowledge: facts sorted by what is answered, from recorded answers and by a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import evals.run
from evals.config import EvalConfig
from evals.run import evaluate, read_records
from evals.summary import summarise
from evals.tasks.knowledge import LEVELS, asks, level
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.records import Question
from kit.core.store import read_table
from kit.infer.backend import Decoding, Likelihood, Output, Prompt, Sink
from kit.models.prompts import ANSWER_CUE, user_message
from tests.evals.test_choice import stranger

PART = {"split": "recall_known", "shape": "direct", "style": "direct", "shots": 2, "prompts": 3, "samples": 2}


@pytest.mark.parametrize(
    ("likeliest", "drawn", "expected"),
    [
        ([True, True], [False], "highly_known"),
        ([True, False], [False], "maybe_known"),
        ([True, False], [True], "maybe_known"),
        ([False, False], [False, True], "weakly_known"),
        ([False, False], [False, False], "unknown"),
        ([False], [], "unknown"),
    ],
)
def test_levels(likeliest: list[bool], drawn: list[bool], expected: str) -> None:
    """Table 2 of arXiv 2405.05904."""
    assert level(likeliest, drawn) == expected


def _probes(directory: Path) -> list[Question]:
    return [q for q in read_table(directory / "probes.parquet", Question) if q.split == "recall_known" and q.shape == "direct"]


def test_facts_are_asked_in_several_prompts(small_dir: Path) -> None:
    config = resolve(EvalConfig, {"task": "knowledge", "temperature": 0.5, "slices": [{**PART, "limit": 20}]})
    probes = _probes(small_dir)
    relation = {user_message(q.text, "direct", (), "plain"): q.steps[0].relation for q in probes}
    asked = asks(config, probes, [])
    assert len(asked) == 20 * 3 * (1 + 2)
    by_item: dict[str, list[tuple[int, bool, tuple[str, ...]]]] = {}
    for a in asked:
        by_item.setdefault(a.item.id, []).append((a.sample, a.likeliest, tuple(q for q, _ in a.shots)))
        assert a.message not in [q for q, _ in a.shots]
        assert {relation[q] for q, _ in a.shots} == {a.item.steps[0].relation}
    for told in by_item.values():
        assert [sample for sample, _, _ in told] == list(range(9))
        assert [likeliest for _, likeliest, _ in told] == [True, False, False] * 3
        # In a prompt all have the same worked examples; another prompt has others.
        shown = [shots for _, _, shots in told]
        assert shown[0] == shown[1] == shown[2]
        assert len({shown[0], shown[3], shown[6]}) > 1


def test_recorded_answers_are_sorted(small_dir: Path, tmp_path: Path) -> None:
    probes = _probes(small_dir)[:8]
    # Which of the nine answers are right: of every prompt the first is the likeliest.
    right = [range(9), (0, 3, 6), (0,), (3, 4), (1,), (8,), (), ()]
    outputs = tmp_path / "outputs.jsonl"
    with outputs.open("w") as file:
        for q, good in zip(probes, right, strict=True):
            for sample in range(9):
                about = q.id + (f"#{sample}" if sample else "")
                file.write(
                    json.dumps({"id": about, "output": f"{ANSWER_CUE} {q.answers[0] if sample in good else 'Nobody'}."}) + "\n"
                )
    given = {"task": "knowledge", "backend": "recorded", "recorded": str(outputs), "slices": [{**PART, "limit": 8}]}
    out = evaluate(resolve(EvalConfig, given), str(small_dir), "", tmp_path / "out")
    records = read_records(out)
    assert len(records) == 72
    found = {r.question_id: r.tags["level"] for r in records}
    assert [found[q.id] for q in probes] == [
        "highly_known", "highly_known", "maybe_known", "maybe_known", "weakly_known", "weakly_known", "unknown", "unknown"
    ]  # fmt: skip
    assert {r.tags["fact"] for r in records} == {q.support[0] for q in probes}
    (summary,) = summarise(records)
    assert list(summary.scores) == list(LEVELS)
    for estimate in summary.scores.values():
        assert estimate.n == 8
        assert estimate.value == 0.25


class Half:
    """Knows half of the answers when they are drawn, and none else; keeps how it was asked."""

    def __init__(self, questions: list[Question]) -> None:
        self.answers = {user_message(q.text, "direct", (), "plain"): q.answers[0] for q in questions}
        self.asked: list[tuple[float, int, int]] = []
        self.notes: list[str] = []

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding, sink: Sink[Output]) -> None:
        self.asked.append((decoding.temperature, len(prompts), len(decoding.seeds)))
        right = decoding.temperature > 0
        sink(
            range(len(prompts)),
            [Output(f"{ANSWER_CUE} {self.answers[p.message] if right and i % 2 else 'Nobody'}.") for i, p in enumerate(prompts)],
        )

    def log_likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str], sink: Sink[Likelihood]) -> None:
        raise NotImplementedError


def test_the_likeliest_answers_are_asked_for_by_themselves(
    small_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Half(_probes(small_dir))
    monkeypatch.setattr(evals.run, "open_backend", lambda *_: backend)
    config = resolve(EvalConfig, {"task": "knowledge", "temperature": 0.5, "slices": [{**PART, "limit": 6}]})
    records = read_records(evaluate(config, str(small_dir), stranger(tmp_path), tmp_path / "out"))
    assert backend.asked == [(0.5, 36, 36), (0.0, 18, 0)]
    assert {r.tags["level"] for r in records} == {"weakly_known"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task": "knowledge", "slices": [PART]}, "give a temperature"),
        ({"task": "knowledge", "temperature": 0.5, "slices": [{**PART, "shots": 0}]}, "give shots"),
        ({"temperature": 0.5, "slices": [PART]}, "prompts is for slices of the task knowledge"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object], message: str) -> None:
    with pytest.raises(KitError, match=message):
        resolve(EvalConfig, settings)
