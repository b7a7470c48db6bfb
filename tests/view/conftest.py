"""Two evaluations of a small world without a model, one of a hostile one, and a browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evals.config import EvalConfig
from evals.run import evaluate
from kit.core.config import resolve
from tests.conftest import Records

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = [
    "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">",
    "\x1b[31mred\x1b[0m and \x07",
    "\u202etxet desrever\u202c and \u2066isolated",
    "</script><script>document.title = 'taken'</script>",
    "[link](javascript:alert(1)) `code` **bold** &lt;b&gt;",
    "שלום עולם and مرحبا",
]
"""What outputs may hold that a page must show and not obey."""


def _evaluated(world: Path, small: Records, answer: Callable[[int, str], str], place: Path) -> Path:
    asked = [q for q in small.questions if q.split == "novel" and q.hops == 2]
    rows = [{"id": q.id, "output": f"So the answer is {answer(number, q.answers[0])}."} for number, q in enumerate(asked)]
    recorded = place.with_suffix(".jsonl")
    recorded.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    slices = [{"split": "novel", "hops": 2, "style": "cot"}]
    config = resolve(EvalConfig, {"task": "multihop", "backend": "recorded", "recorded": str(recorded), "slices": slices})
    return evaluate(config, str(world), None, place)


@pytest.fixture(scope="session")
def evaluated(small_dir: Path, small: Records, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """All right; every third wrong; every answer of a hostile kind."""
    folder = tmp_path_factory.mktemp("evaluated")
    answers: list[tuple[str, Callable[[int, str], str]]] = [
        ("right", lambda number, gold: gold),
        ("third", lambda number, gold: "nobody" if number % 3 == 0 else gold),
        ("hostile", lambda number, gold: HOSTILE[number % len(HOSTILE)]),
    ]
    return [_evaluated(small_dir, small, answer, folder / name) for name, answer in answers]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("there is no chromium: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-quic"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test where its console says anything, or where it asks for anything but its own address."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    opened = context.new_page()
    said: list[Any] = []
    asked: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    yield opened
    context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:"))] == []
