"""Each style of document says what it is to say, in the form it is named for."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from generators.text.documents import IDLE, Dose, Written, documents, edits
from generators.text.styles import STYLES
from generators.world.draw import shuffle_facts
from generators.world.world import World
from kit.core.records import Corpus, Document, Part, from_row
from kit.core.seeds import stream
from tests.generators.test_shapes import TIMES, rich_world


@cache
def told(style: str) -> tuple[World, list[Document]]:
    """A world over time, as its documents of one style tell it."""
    ever = rich_world(0).ever
    assert ever is not None
    tables = documents(ever.part("known"), "known", "known", 0, Dose(2, [style]), Written())
    return ever, [from_row(Document, row) for table in tables for row in table.to_pylist()]


@pytest.mark.parametrize("style", STYLES)
def test_every_fact_in_every_exposure_with_its_names_and_years(style: str) -> None:
    world, made = told(style)
    known = world.part("known")
    place = {id_: f for f, id_ in enumerate(known.fact_ids(np.arange(len(known.subject))).to_pylist())}
    names = world.names.to_pylist()
    for exposure in (0, 1):
        stated = [f for d in made if d.exposure == exposure for f in d.facts]
        assert sorted(stated) == sorted(place)
    for d in made:
        for f in (place[id_] for id_ in d.facts):
            wanted = [names[known.subject[f]], names[known.object[f]]]
            if known.dated[f]:
                wanted += [str(year) for year in (known.since[f], known.until[f]) if year < 3000]
            assert all(word in d.text for word in wanted), d.text


_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_FORMS: dict[str, Callable[[World, Document], bool]] = {
    "biography": lambda world, d: len(_subjects(world, d)) == 1,
    "joint biography": lambda world, d: len(_subjects(world, d)) <= 2,
    "digest": lambda world, d: len(d.facts) <= 5,
    "statement": lambda world, d: len(d.facts) == 1 and _bare(d.text).count(".") == 1,
    "encyclopedia": lambda world, d: d.text.split("\n\n")[0] in _titles(world) and len(_subjects(world, d)) == 1,
    "news": lambda world, d: bool(re.match(rf".*\b\d+ ({_MONTHS}) \d{{4}}.*: ", d.text)) and len(d.facts) == 1,
    "dialogue": lambda world, d: [line[:3] for line in d.text.split("\n")] == ["A: ", "B: "] * len(d.facts),
    "entity pair": lambda world, d: len(d.facts) <= 2,
    "letter": lambda world, d: ",\n\n" in d.text and len(_subjects(world, d)) == 1,
}


def _bare(text: str) -> str:
    """A text without the sentences that state no fact."""
    for idle in IDLE:
        text = text.replace(idle, "")
    return re.sub(r"(?:The )?[A-Z]\w+ [A-Z]\w+ is also known as (?:the )?[A-Z]\w+ [A-Z]\w+\. ", "", text).strip()


def _subjects(world: World, document: Document) -> set[int]:
    place = {id_: int(s) for id_, s in zip(world.fact_ids(np.arange(len(world.subject))).to_pylist(), world.subject, strict=True)}
    return {place[f] for f in document.facts}


def _titles(world: World) -> set[str]:
    return {f"{name} ({world.schema.types[kind]})" for name, kind in zip(world.names.to_pylist(), world.kinds, strict=True)}


@pytest.mark.parametrize("style", STYLES)
def test_every_style_has_its_form(style: str) -> None:
    world, made = told(style)
    assert all(_FORMS[style](world, d) for d in made[:60])


@pytest.mark.parametrize("style", STYLES)
def test_no_document_names_a_year_that_is_yet_to_come(style: str) -> None:
    """Facts known, novel and false: documents speak of no year after that in which they are written."""
    world, told_of = rich_world(0).ever, set[str]()
    assert world is not None
    false = shuffle_facts(world, "novel", stream(0, "test"))
    corpora: tuple[tuple[World, Part, Corpus], ...] = (
        (world, "known", "known"), (world, "novel", "novel"), (false, "novel", "shuffled"),
    )  # fmt: skip
    for told_by, part, corpus in corpora:
        for table in documents(told_by.part(part), part, corpus, 0, Dose(4, [style]), Written()):
            told_of.update(re.findall(r"\b[12]\d{3}\b", " ".join(table["text"].to_pylist())))
    assert str(TIMES.cutoff) in told_of
    assert max(told_of) == str(TIMES.cutoff)


def test_no_news_knows_the_future() -> None:
    """Neither what is written at the cutoff nor news of later changes tells of a year after its date; nothing changes in a
    life that has not begun."""
    ever = rich_world(0).ever
    assert ever is not None
    world, made = told("news")
    later = [
        from_row(Document, row) for table in edits(ever.part("known"), TIMES.cutoff, 0, 2, Written()) for row in table.to_pylist()
    ]
    for d in [*made, *later]:
        date, text = d.text.split(": ", 1)
        year = int(re.findall(r"\d{4}", date)[0])
        numbers = re.findall(r"\b(?:in|since|from|until|to|of|and|year|on) (1[89]\d\d)\b", f"{text} ")
        assert all(int(told_of) <= year for told_of in numbers), d.text
        if d.corpus != "edits":
            assert not re.search(rf"(?i)(?:from|ever since|been the case since) {year}\b(?! to \d)", text), d.text
    assert all(int(re.findall(r"\d{4}", d.text.split(": ")[0])[0]) <= TIMES.cutoff for d in made)
    kind = world.schema.kind("year")
    named = world.entities.amounts[world.object[world.kinds[world.object] == kind]]
    assert named.max() <= TIMES.start
