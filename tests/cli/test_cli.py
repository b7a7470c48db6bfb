"""The command line: quick help without torch, one-line errors with exit code 2, results on stdout."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit.cli.main import COMMANDS
from kit.core.records import Question
from kit.core.store import read_table


def kit(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "kit", *arguments], capture_output=True, text=True, check=False)


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom kit.cli.main import cli\n"
        "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'numpy', 'pyarrow', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.3


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself(name: str) -> None:
    found = kit(name, "--help")
    assert found.returncode == 0
    assert "Usage:" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["genrate"], "no command genrate; did you mean generate?"),
        (["generate", "--out", "{tmp}/x", "-o", "wrold.known=3"], "unknown key wrold; did you mean world?"),
        (["report", "{tmp}"], "no finished sweep"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(arguments: list[str], message: str, tmp_path: Path) -> None:
    """In processes of their own; `test_bad_input.py` has every mistake."""
    found = kit(*(a.replace("{tmp}", str(tmp_path)) for a in arguments))
    assert found.returncode == 2, found.stderr
    assert message in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1
    assert "Traceback" not in found.stderr
    assert not found.stdout
    assert not list((tmp_path / "x").glob("*.parquet")), "nothing half-written"


@pytest.mark.parametrize("name", ["evals", "generators"])
@pytest.mark.parametrize("form", ["{}.py", "{}/__init__.py", "{}/mine.py"])
def test_a_package_that_hides_ours_is_told(name: str, form: str, tmp_path: Path) -> None:
    other = tmp_path / form.format(name)
    other.parent.mkdir(exist_ok=True)
    other.write_text("")
    found = subprocess.run([sys.executable, "-m", "kit", "show", "x"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert found.returncode == 2
    told = f"the package {name} at {tmp_path / name}" in found.stderr
    # A folder without __init__.py hides kit's only where kit is installed to be edited.
    assert told or (form == "{}/mine.py" and "x does not exist" in found.stderr), found.stderr
    assert len(found.stderr.strip().splitlines()) == 1


def test_generate_prints_json(tmp_path: Path, small_dir: Path) -> None:
    found = kit("generate", "--config", str(small_dir / "config.json"), "--out", str(tmp_path / "w"), "--json")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["results"]["examples_rows"] == 60


def test_show_tells_what_there_is_and_any_item(small_dir: Path) -> None:
    overview = kit("show", str(small_dir))
    assert overview.returncode == 0, overview.stderr
    *_, first, second = overview.stdout.strip().splitlines()
    # Of the small world's facts not all have enough others like them to be asked for among four.
    kinds: dict[str, set[str]] = {}
    for probe in read_table(small_dir / "probes.parquet", Question):
        kinds.setdefault(probe.probes, set()).add(probe.shape)
    able = max(kinds, key=lambda fact: len(kinds[fact]))
    shown = (first.split()[-1], second.split()[-1], able)
    question, first_fact, fact = (kit("show", str(small_dir), id_).stdout for id_ in shown)
    assert "stated 16 times" in first_fact
    for part in ("facts:", "graph:", "sub-questions:", "facts in the prompt:", "certificate:", "difficulty:"):
        assert part in question, question
    assert "stated 16 times" in fact
    for probe in ("cloze", "unseen", "direct", "paraphrase", "reversal", "negation", "choice", "locality"):
        assert f"\n  {probe} " in fact, fact
    assert kit("show", str(small_dir), "nosuchid").returncode == 2
