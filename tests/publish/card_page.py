"""docs/publishing.md ends in the card of the preset `rich`, as it is published: `python -m tests.publish.card_page` writes it
there. Its test makes it again, and counts every figure of it from the Parquet files."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from generators.config import GenerateConfig
from generators.generate import generate_stage
from kit.core.config import read_preset, resolve
from kit.publish.config import PublishConfig
from kit.publish.release import make_release
from kit.publish.world import fill, render_world

PAGE = Path(__file__).parents[2] / "docs" / "publishing.md"
MARK = "\n<!-- What follows is made by `python -m tests.publish.card_page`. -->\n"


def rich(place: Path) -> Path:
    """The release folder of the preset."""
    world = generate_stage(resolve(GenerateConfig, read_preset("rich")["generate"]), place / "world")
    config = PublishConfig(authors=("Ann Lee",), contact="ann@example.org", title="A rich fictional world")
    return make_release(world, "lab/rich", config, place / "release", fill, render_world).folder


def section(card: str) -> str:
    """The card as a part of the page: without its front matter, its headings two levels deeper."""
    body = card.split("\n---\n", 1)[1]
    return MARK + "\n" + re.sub(r"^(#+ )", r"##\1", body, flags=re.MULTILINE)


def timeless(text: str) -> str:
    """The same whatever year it was made in."""
    return re.sub(r"\b20\d\d\b", "YEAR", text)


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = rich(Path(place))
        before = PAGE.read_text("utf-8").split(MARK)[0]
        PAGE.write_text(before + section((folder / "README.md").read_text("utf-8")), "utf-8")
        for drawing in (folder / "figures").iterdir():
            (PAGE.parent / "figures").mkdir(exist_ok=True)
            shutil.copyfile(drawing, PAGE.parent / "figures" / drawing.name)


if __name__ == "__main__":
    main()
