"""What the audit is for: leaks that were planted in a data set's files are counted, and a clean one has none."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from generators.audit import audit
from generators.config import GenerateConfig
from generators.generate import generate_stage
from kit.core.config import resolve
from kit.core.records import Document, Entity, Example, Question
from kit.core.store import read_table, write_table
from tests.conftest import SMALL

EXPOSURES = 16


def found(directory: Path) -> dict[str, Any]:
    audit(directory, EXPOSURES, lambda texts: pc.utf8_split_whitespace(pa.array(texts, pa.string())), 8, 2000)
    told: dict[str, Any] = json.loads((directory / "audit.json").read_text())
    return told


@pytest.fixture
def copied(small_dir: Path, tmp_path: Path) -> Path:
    """A data set of one's own to spoil."""
    return Path(shutil.copytree(small_dir, tmp_path / "world"))


def test_a_clean_data_set_has_no_leak(small_dir: Path) -> None:
    told = json.loads((small_dir / "audit.json").read_text())
    assert all(corpus["as_asked"] for corpus in told["exposures"].values())
    # An edited question may have been asked before, when something else was true; this world has no edits.
    counts = {k: v for k, v in told["splits"].items() if k not in ("test_questions", "held_out_pairs")}
    assert set(counts.values()) == {0}, counts
    assert told["splits"]["test_questions"] > 100
    assert told["splits"]["held_out_pairs"] > 20
    assert told["matching"]["names_in_both"] == 0
    assert told["leakage"]["share_of_novel_name_words_in_known_names"] == 1


def test_a_document_with_both_facts_of_a_pair_and_one_statement_too_many(copied: Path) -> None:
    documents = read_table(copied / "documents.parquet", Document)
    test = next(q for q in read_table(copied / "questions.parquet", Question) if q.split == "test_composition" and q.hops == 2)
    planted = replace(documents[0], id="0" * 16, facts=test.support, forms="pp", corpus="known")
    write_table(copied / "documents.parquet", Document, [*documents, planted])
    told = found(copied)
    assert told["splits"]["documents_with_both_facts_of_a_pair"] == 1
    assert told["exposures"]["known"] | {"most": EXPOSURES + 1, "as_asked": False} == told["exposures"]["known"]
    assert told["exposures"]["novel"]["as_asked"]


@pytest.mark.parametrize(
    ("split", "counted"),
    [
        ("test_entity", {"test_texts_in_training", "first_facts_of_entity_tests_asked_in_training"}),
        ("test_composition", {"test_texts_in_training", "withheld_compositions_in_training"}),
        ("novel", {"test_texts_in_training", "novel_facts_asked_in_training"}),
    ],
)
def test_a_test_question_among_those_for_training(split: str, counted: set[str], copied: Path) -> None:
    questions = read_table(copied / "questions.parquet", Question)
    leaked = next(q for q in questions if q.split == split and q.hops == 2)
    write_table(copied / "questions.parquet", Question, [*questions, replace(leaked, split="train")])
    told = found(copied)["splits"]
    assert {k for k in told if k not in ("test_questions", "held_out_pairs") and told[k]} >= counted


@pytest.mark.parametrize("column", ["text", "context", "candidates", "answers", "sub_questions", "prompt"])
def test_whoever_is_held_out_is_found_wherever_a_training_line_names_them(column: str, copied: Path) -> None:
    """Between signs, at the end, in one line that names two, and only there: half of a name is none."""
    held = [e.name for e in read_table(copied / "entities.parquet", Entity) if e.held_out and " " in e.name]
    said = f"Nobody but “{held[0]}”, and {held[1]}"
    if column == "prompt":
        examples = read_table(copied / "examples.parquet", Example)
        write_table(copied / "examples.parquet", Example, [*examples[1:], replace(examples[0], prompt=said)])
    else:
        questions = read_table(copied / "questions.parquet", Question)
        first, second = [i for i, q in enumerate(questions) if q.split == "train" and q.sub_questions][:2]
        planted: Any = said if column == "text" else (said,)
        if column == "sub_questions":
            planted = (replace(questions[first].sub_questions[0], sentence=said),)
        questions[first] = replace(questions[first], **{column: planted})
        questions[second] = replace(questions[second], context=(f"{held[0].split()[0]} of {held[1].split()[1]}",))
        write_table(copied / "questions.parquet", Question, questions)
    assert found(copied)["splits"]["training_lines_that_name_what_is_held_out"] == 1


def test_both_facts_of_a_composition_in_one_training_prompt_are_found(copied: Path) -> None:
    questions = read_table(copied / "questions.parquet", Question)
    test = next(q for q in questions if q.split == "test_composition" and q.hops == 2)
    place = next(i for i, q in enumerate(questions) if q.split == "train" and len(q.context_facts) > 3)
    apart = (test.support[0], *questions[place].context_facts[:2], test.support[1])
    questions[place] = replace(questions[place], context_facts=apart)
    write_table(copied / "questions.parquet", Question, questions)
    assert found(copied)["splits"]["training_prompts_with_both_facts_of_a_composition"] == 1


def test_a_question_that_stands_in_a_document_shares_ngrams_with_it(copied: Path) -> None:
    before = found(copied)["leakage"]["share_of_questions_with_a_shared_ngram"]["novel"]["known documents"]
    documents = read_table(copied / "documents.parquet", Document)
    asked = [q.text for q in read_table(copied / "questions.parquet", Question) if q.split == "novel" and len(q.text.split()) > 8]
    spoiled = [replace(d, text=f"{d.text} {' '.join(asked)}") if i == 0 else d for i, d in enumerate(documents)]
    write_table(copied / "documents.parquet", Document, spoiled)
    after = found(copied)["leakage"]["share_of_questions_with_a_shared_ngram"]["novel"]["known documents"]
    assert before == 0
    assert after > 0.5


def test_a_world_without_a_novel_part_is_audited_too(tmp_path: Path) -> None:
    world = {**SMALL["world"], "novel": {}}
    out = generate_stage(resolve(GenerateConfig, {**SMALL, "world": world, "examples": {"count": 20}}), tmp_path / "world")
    told = json.loads((out / "audit.json").read_text())
    assert told["leakage"]["share_of_novel_name_words_in_known_names"] == 0
    assert all(corpus["as_asked"] for corpus in told["exposures"].values())
