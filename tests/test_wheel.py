"""The wheel: what a user installs has the four packages and their data files, nothing else, and its `kit` runs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOPS = ("kit", "generators", "evals", "data_cards")
ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_contents(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    assert {n.split("/")[0] for n in names if ".dist-info" not in n} == set(TOPS)
    sources = {p.relative_to(ROOT).as_posix() for top in TOPS for p in (ROOT / top).rglob("*.py")}
    assert sources <= names
    kept = subprocess.run(["git", "ls-files", *TOPS], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    data = {name for name in kept if not name.endswith(".py")}
    assert len(data) > 30
    assert data <= names, "cards, licences, presets, pages"
    said = subprocess.run(
        [sys.executable, "-c", "import kit.cli.main as m; print(m.__file__); m.main()", "--version"],
        capture_output=True, text=True, cwd=tmp_path / "installed", check=True,
    ).stdout  # fmt: skip
    assert said.splitlines()[0].startswith(str(tmp_path)), "run from the wheel, not from the sources"
    assert "kit, version" in said
