"""Shared fixtures: a small world on disk, a user directory of its own, and no network but the loopback."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import NamedTuple

import pytest

from generators.config import GenerateConfig
from generators.generate import Dataset, generate, generate_stage
from kit.core.config import resolve
from kit.core.records import Document, Entity, Example, Fact, Question, from_row, record_of

SMALL = {
    "world": {
        "relations": ["born_in", "works_for", "mentored_by", "speaks", "based_in", "founded_by", "governed_by", "located_in"],
        "known": {"person": 10, "company": 4, "city": 4},
        "blocks": 3,
        "novel": {"person": 10, "company": 4, "city": 4},
    },
    "documents": {"exposures": 16, "reading_worlds": 3},
    "examples": {"count": 60},
    "questions": {"limit": 60},
}


def pytest_collection_finish() -> None:
    """What was imported by now is here to stay, as in processes that kit starts: it need not be gone through again and again."""
    importlib.import_module("kit.core.preloaded")


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path_factory.getbasetemp() / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def small_config() -> GenerateConfig:
    return resolve(GenerateConfig, {**SMALL, "seed": 3})


class Records(NamedTuple):
    """A data set's tables, row by row."""

    entities: list[Entity]
    facts: list[Fact]
    shuffled_facts: list[Fact]
    questions: list[Question]
    probes: list[Question]
    examples: list[Example]
    documents: list[Document]

    @staticmethod
    def of(dataset: Dataset) -> Records:
        tables = dataset._asdict()
        return Records(
            *([from_row(record_of(name), row) for table in tables[name] for row in table.to_pylist()] for name in Records._fields)
        )


@pytest.fixture(scope="session")
def small(small_config: GenerateConfig) -> Records:
    return Records.of(generate(small_config))


@pytest.fixture(scope="session")
def small_dir(small_config: GenerateConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate_stage(small_config, tmp_path_factory.mktemp("small") / "world")
