"""Training rows as they are kept: what comes back is what was put in, and is made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.core.errors import KitError
from kit.core.seeds import digest, stream
from kit.models.tokens import Row, Tokens
from kit.train.data import load_sources
from kit.train.rows import BATCH, Source, Told
from tests.train.test_examples import config, rows
from tests.train.test_training import build_tokenizer


def told(count: int) -> list[Told]:
    """Rows of all lengths, some of several spans, in an order that is not that of their places."""
    rng = stream(0, "rows")
    made = []
    for i, place in enumerate(rng.permutation(count).tolist()):
        ids = rng.integers(1000, size=rng.integers(1, 9)).tolist()
        learned = ((0, 1), (1, len(ids))) if i % 3 else ((0, len(ids)),)
        made.append(Told(Row(ids, learned), tuple(f"fact {k}" for k in range(i % 4)), f"row {i}", place))
    return made


@pytest.mark.parametrize("count", [1, BATCH, 2 * BATCH + 500])
def test_rows_come_back_at_their_places(count: int, tmp_path: Path) -> None:
    made = told(count)
    for source in (Source.of(made), Source.of(made, tmp_path / "rows.arrow"), Source.read(tmp_path / "rows.arrow")):
        assert len(source) == count
        for i, one in enumerate(sorted(made, key=lambda one: one.place)):
            assert source.row(i) == one.row
            assert source.facts(i) == one.facts
            assert source.lengths[i] == len(one.row.input_ids)
        assert source.digest == digest([one.id for one in sorted(made, key=lambda one: one.place)])
        assert source.carries == any(one.facts for one in made)


def test_nothing_is_a_source_too() -> None:
    source = Source.of([])
    assert (len(source), source.carries, source.lengths.tolist()) == (0, False, [])


def test_what_is_kept_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = rows(tmp_path / "rows.jsonl")
    settings = config(examples=11, skip_bad_rows=True, draw=3)
    place = tmp_path / "kept"

    def loaded(kept: Path | None) -> tuple[list[Row], list[str], int]:
        tokens = Tokens(build_tokenizer(file.read_text("utf-8").replace("\\n", "\n").split('"')))
        found = load_sources(settings, str(file), tokens, place=kept)
        examples = found.sources["examples"]
        return [examples.row(i) for i in range(len(examples))], found.skipped, found.trimmed

    once = loaded(place)
    assert loaded(None) == once
    assert len(once[1]) == 1
    with monkeypatch.context() as patched:
        patched.setattr(Tokens, "example_rows", lambda *_: pytest.fail("made again"))
        assert loaded(place) == once
    # Of a run that ended on the way nothing is taken for whole.
    (place / "rows.json").unlink()
    (place / "examples.arrow").write_bytes((place / "examples.arrow").read_bytes()[:100])
    assert loaded(place) == once


def test_more_bad_rows_than_are_asked_for(tmp_path: Path) -> None:
    """Of every two rows one is bad: the places behind D are looked at until there are D."""
    good = rows(tmp_path / "good.jsonl", 41).read_text("utf-8").splitlines()[:40]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(f"{line}\n[]\n{{\n" for line in good), "utf-8")
    tokens = Tokens(build_tokenizer("\n".join(good).replace("\\n", "\n").split('"')))
    found = load_sources(config(examples=30, skip_bad_rows=True), str(file), tokens)
    assert len(found.sources["examples"]) == 30
    assert len(found.skipped) >= 50
    few = load_sources(config(examples=5, skip_bad_rows=True), str(file), tokens)
    assert [few.sources["examples"].row(i) for i in range(5)] == [found.sources["examples"].row(i) for i in range(5)]
    with pytest.raises(KitError, match=r"41 examples were asked for but .* holds 40 .*, 80 left out"):
        load_sources(config(examples=41, skip_bad_rows=True), str(file), tokens)
