"""Same configuration and seed, same bytes: from two processes, and again from a run's saved config.json."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from generators.config import GenerateConfig
from generators.generate import generate
from kit.core.config import resolve
from tests.conftest import SMALL, Records


def _kit(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "kit", *arguments], check=True, capture_output=True)


def _bytes(directory: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(directory.glob("*.parquet"))}


def test_two_processes_and_the_saved_config_give_the_same_bytes(small_dir: Path, tmp_path: Path) -> None:
    _kit("generate", "--config", str(small_dir / "config.json"), "--out", str(tmp_path / "a"))
    _kit("generate", "--config", str(tmp_path / "a" / "config.json"), "--out", str(tmp_path / "b"))
    assert len(_bytes(small_dir)) == 8
    assert "| examples | 60 |" in (small_dir / "README.md").read_text("utf-8")
    assert _bytes(small_dir) == _bytes(tmp_path / "a") == _bytes(tmp_path / "b")


@pytest.mark.parametrize("seeds", [(0, 1), (1, 2), (42, 43)])
def test_another_seed_shares_no_question_and_hardly_a_name(seeds: tuple[int, int]) -> None:
    a, b = (Records.of(generate(resolve(GenerateConfig, {**SMALL, "seed": s}))) for s in seeds)

    def names(made: Records) -> set[str]:
        return {e.name for e in made.entities if e.part != "shared"}

    assert not {q.text for q in a.questions} & {q.text for q in b.questions}
    assert len(names(a) & names(b)) < 0.001 * len(names(a))
