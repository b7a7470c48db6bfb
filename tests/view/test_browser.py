"""The page in a real browser: what it shows, by which keys, and what it must not do."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from kit.pages.graph import reasoning_graph, svg
from kit.view.open import sections
from kit.view.page import write_page
from tests.conftest import Records
from tests.view.conftest import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.full


@contextlib.contextmanager
def opened(page: Page, served: bool, directories: list[Path], folder: Path) -> Iterator[str]:
    """Directories in a page, by either way; gives its address."""
    if not served:
        place = folder / "view.html"
        write_page(sections(directories, [d.name for d in directories]), "view", place)
        goto(page, place.as_uri())
        yield place.as_uri()
        return
    command = [sys.executable, "-m", "kit", "view", *map(str, directories), "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            address = server.stdout.readline().strip()
            goto(page, address)
            yield address
        finally:
            server.send_signal(signal.SIGINT)


def goto(page: Page, address: str) -> None:
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("#app[data-drawn]")


def settled(page: Page, act: str, value: str = "") -> None:
    """Press a key, or fill in the search, and wait until the page was drawn anew."""
    before = page.locator("#app").get_attribute("data-drawn")
    page.locator("#search").fill(value) if act == "search" else page.keyboard.press(act)
    page.wait_for_function("was => document.getElementById('app').dataset.drawn !== was", arg=before)


@pytest.fixture(params=["page", "server"])
def served(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "server")


def test_filters_and_search_return_what_pyarrow_returns(page: Page, served: bool, small_dir: Path, tmp_path: Path) -> None:
    table = pq.read_table(small_dir / "questions.parquet")
    with opened(page, served, [small_dir], tmp_path):
        page.locator("select[name=split]").select_option("novel")
        page.wait_for_function("() => document.querySelector('select[name=split]').value === 'novel'")
        page.locator("select[name=hops]").select_option("2")
        chosen = table.filter(pc.and_(pc.equal(table["split"], "novel"), pc.equal(table["hops"], 2)))
        page.wait_for_function("n => document.getElementById('found').textContent.startsWith(n + ' of ')", arg=str(len(chosen)))
        texts = page.locator(".list .main").all_text_contents()
        assert texts == chosen["text"].to_pylist()[:100]
        settled(page, "search", "EMPLOY")
        held = [text for text in chosen["text"].to_pylist() if "employ" in text.lower()]
        assert held
        page.wait_for_function("n => document.querySelectorAll('.list .main').length === n", arg=min(len(held), 100))
        assert page.locator(".list .main").all_text_contents() == held[:100]
        address = page.url
        goto(page, address)
        assert page.locator("select[name=split]").input_value() == "novel"
        assert page.locator("#search").input_value() == "EMPLOY"
        assert page.locator(".list .main").all_text_contents() == held[:100]


def test_a_graph_has_the_steps_of_its_question_as_cards_draw_it(
    page: Page, small: Records, small_dir: Path, tmp_path: Path
) -> None:
    names = {entity.id: entity.name for entity in small.entities}
    shapes = {question.shape: question for question in (*small.questions, *small.probes)}
    tables = {question.id: "questions" for question in small.questions} | {question.id: "probes" for question in small.probes}
    with opened(page, False, [small_dir], tmp_path) as address:
        for question in shapes.values():
            goto(page, f"{address}#0/{tables[question.id]}?item={question.id}")
            drawn = page.locator("svg.graph").first.evaluate("node => new XMLSerializer().serializeToString(node)")
            ours, theirs = ET.fromstring(drawn), ET.fromstring(svg(reasoning_graph(question, names), "title"))
            for tag, attributes in (("rect", ("x", "y", "width", "height")), ("text", ("x", "y"))):
                found, expected = ([node for node in tree.iter() if node.tag.endswith(f"}}{tag}")] for tree in (ours, theirs))
                assert [node.text for node in found] == [node.text for node in expected]
                for one, other in zip(found, expected, strict=True):
                    for name in attributes:
                        assert float(one.attrib[name]) == pytest.approx(float(other.attrib[name]), abs=0.06), question.shape
            steps = [node.text for node in ours.iter() if node.attrib.get("class") == "step"]
            assert len(steps) >= len({(i, s.op) for i, s in enumerate(question.steps)})


def test_the_keyboard_alone_suffices(page: Page, served: bool, small_dir: Path, evaluated: list[Path], tmp_path: Path) -> None:
    with opened(page, served, [small_dir, *evaluated[:2]], tmp_path):
        everything = page.locator("#found").text_content()
        page.keyboard.press("/")
        page.keyboard.type("works")
        page.wait_for_function("was => document.getElementById('found').textContent !== was", arg=everything)
        assert "search=works" in page.url
        page.keyboard.press("Escape")
        first = page.locator(".list .main").first.text_content()
        settled(page, "j")
        assert page.locator("#detail h2").text_content() == first
        settled(page, "j")
        assert page.locator("#detail h2").text_content() == page.locator(".list .main").nth(1).text_content()
        settled(page, "k")
        settled(page, "Escape")
        assert page.locator("#detail").count() == 0
        settled(page, "]")
        assert page.locator(".tabs [aria-current]").text_content() == "facts"
        settled(page, "[")
        settled(page, "}")
        assert "answers" in page.locator(".tabs [aria-current]").text_content()
        page.keyboard.press("?")
        assert page.locator("dialog[open]").count() == 1
        page.keyboard.press("Escape")
        page.wait_for_function("() => !document.querySelector('dialog')")
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.tagName") == "A"


def test_answers_stand_side_by_side_differences_first(
    page: Page, served: bool, small_dir: Path, evaluated: list[Path], tmp_path: Path
) -> None:
    with opened(page, served, [small_dir, *evaluated[:2]], tmp_path) as address:
        goto(page, f"{address}#1/answers")
        settled(page, "j")
        ones = page.locator(".one")
        assert ones.count() == 2
        assert {ones.nth(i).locator("h3").inner_text().split()[0] for i in range(2)} == {"✓", "✗"}
        assert "nobody" in page.locator("#detail").inner_text()
        assert page.locator("#detail svg.graph").count() == 1
        page.get_by_text("the question in its world").click()
        page.wait_for_function("() => location.hash.startsWith('#0/questions')")
        page.wait_for_selector("#detail h2")
        page.wait_for_load_state("networkidle")


def test_what_a_model_says_stays_text(page: Page, served: bool, evaluated: list[Path], tmp_path: Path) -> None:
    with opened(page, served, [evaluated[2]], tmp_path) as address:
        shown = ""
        for row in range(len(HOSTILE)):
            goto(page, f"{address}#0/answers?item={row}")
            shown += page.locator("#detail").inner_text()
        assert page.title() == "hostile · kit view" or "kit view" in page.title()
        assert page.locator("#detail img, #detail script").count() == 0
        for text in ("<script>document.title", "onerror=", "U+001B[31mred", "U+202Etxet", "U+2066isolated", "[link](javascript:"):
            assert text in shown
        assert "taken" not in page.title()


def test_lone_surrogates_are_shown_by_their_number(page: Page, small_dir: Path, tmp_path: Path) -> None:
    with opened(page, False, [small_dir], tmp_path):
        shown = page.evaluate(
            "() => { const made = document.createElement('div'); made.append(visible('a\\ud800b 😀')); return made.textContent; }"
        )
        assert shown == "aU+D800b 😀"


def test_a_training_run_is_drawn_while_it_runs(page: Page, tmp_path: Path) -> None:
    run = tmp_path / "run"
    working = run / ".unfinished"
    working.mkdir(parents=True)
    (working / "run.json").write_text(json.dumps({"stage": "train", "key": "k", "makes": []}))
    (run / "config.json").write_text(json.dumps({"recipe": "inject", "steps": 9}))
    line = {"loss": 3.0, "learning_rate": 1e-3, "tokens_per_second": 100.0}
    journal = working / "progress.jsonl"
    journal.write_text(json.dumps({**line, "step": 1}) + "\n" + json.dumps({**line, "loss": 2.0, "step": 2}) + "\n")
    with opened(page, True, [run], tmp_path):
        assert page.locator("svg.chart").count() == 3
        assert page.locator("svg.chart").first.locator(".mark").count() == 2
        with journal.open("a") as more:
            more.write(json.dumps({**line, "loss": 1.0, "step": 3}) + "\n")
        page.wait_for_function("() => document.querySelector('svg.chart').querySelectorAll('.mark').length === 3", timeout=15_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_is_wider_than_the_screen(
    page: Page, scheme: str, width: int, small_dir: Path, evaluated: list[Path], tmp_path: Path
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    with opened(page, False, [small_dir, *evaluated], tmp_path) as address:
        for tab in ("0/questions", "0/facts", "0/entities", "0/documents", "0/examples", "1/answers"):
            goto(page, f"{address}#{tab}")
            settled(page, "j")
            assert page.evaluate("() => document.documentElement.scrollWidth") <= width, tab
            assert page.locator("#detail h2").is_visible()
