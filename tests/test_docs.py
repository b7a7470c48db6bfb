"""What the pages say is so: commands parse, help pages are current, promises name tests that exist, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from generators.config import GenerateConfig
from generators.questions import SHAPES
from generators.questions.probes import PROBES
from generators.text.styles import STYLES
from kit.cli.main import cli
from kit.core.config import read_preset, resolve
from kit.core.errors import KitError
from kit.sweep.experiment import ExperimentConfig
from tests import findings_page
from tests.help_pages import PAGE, page

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("data_cards/*.md")])
BLOCKS = [
    (path.name, line.split(" #")[0].strip())
    for path in PAGES
    for block in re.findall(r"^```\w*\n(.*?)^```", path.read_text("utf-8"), re.S | re.M)
    for line in block.splitlines()
    if re.match(r"(kit|make) [a-z]", line)
]


@pytest.mark.parametrize(("name", "line"), BLOCKS, ids=[f"{n}: {b}" for n, b in BLOCKS])
def test_every_command_in_the_pages_is_one(name: str, line: str) -> None:
    program, *words = shlex.split(line)
    if program == "make":
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text("utf-8"), re.M)
        return
    with click.Context(cli, info_name="kit", **cli.context_settings) as context:
        command = cli.get_command(context, words[0])
        assert command, line
        command.make_context(words[0], words[1:], parent=context)


def test_findings_are_what_the_reports_say() -> None:
    texts = {place.name: place.read_text("utf-8") for place in findings_page.PAGES if place.exists()}
    for name, text in texts.items():
        assert findings_page.rendered(text) == text, f"run python -m tests.findings_page ({name})"
    told = {block[1] for text in texts.values() for block in findings_page.BLOCK.findall(text)}
    assert told == {path.stem for path in findings_page.KEPT.glob("*.json")}, "what is kept is told, and nothing else is"


def test_the_help_pages_are_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "run python -m tests.help_pages"


def test_promises_name_tests_that_exist() -> None:
    promises = (ROOT / "docs" / "promises.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", promises)
    assert len(named) >= 10
    for file, test in named:
        assert f"def {test}" in (ROOT / file).read_text("utf-8"), (file, test)
    for promise in re.findall(r"^- (.*?)(?=^- |^#|\Z)", promises, re.S | re.M):
        assert "tests/" in promise, promise


def test_links_lead_somewhere() -> None:
    for path in PAGES:
        for target in re.findall(r"\]\(([^)#]+)", path.read_text("utf-8")):
            assert target.startswith("http") or (path.parent / target).exists(), (path.name, target)


def test_the_page_on_worlds_names_everything_there_is() -> None:
    page_ = (ROOT / "docs" / "worlds.md").read_text("utf-8")
    for name in (*SHAPES, *PROBES, *STYLES):
        assert f"`{name}`" in page_, name


@pytest.mark.parametrize("preset", sorted(p.stem for p in (ROOT / "kit" / "presets").glob("*.toml")))
def test_every_preset_resolves(preset: str) -> None:
    settings = read_preset(preset).get("generate")
    if settings is None:  # what it learns and asks comes from elsewhere
        resolve(ExperimentConfig, read_preset(preset))
        return
    if preset in ("own", "events", "facts100"):
        with pytest.raises(KitError, match="give facts or events of your own"):
            resolve(GenerateConfig, settings)
        settings["world"]["own"] = {"facts": "museum.csv"} if preset == "own" else {"events": "events.jsonl"}
    resolve(GenerateConfig, settings)
