"""Finetuning on rows that kit did not make: which of them are the D examples, what of them is learned, what is left out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.cli.main import main
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.records import Example
from kit.core.store import read_manifest, read_table, write_table
from kit.models.tiny import build_tokenizer
from kit.models.tokens import Tokens
from kit.train.data import examples_of, load_sources
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train

TURNS = [("Name a bird.", "A wren."), ("A larger one.", "A crane."), ("The largest.", "An ostrich.")]


def rows(path: Path, count: int = 12) -> Path:
    """Word problems, one after the other, the last of them long."""
    made = [
        {"question": f"What is {i} and {i}?", "answer": f"{i}+{i}=<<{i}+{i}={2 * i}>>{2 * i}\n#### {2 * i}"} for i in range(count)
    ]
    made[-1]["question"] = "What, " + "and what " * 40 + "is it?"
    path.write_text("".join(json.dumps(row) + "\n" for row in made), "utf-8")
    return path


def config(**settings: Any) -> TrainConfig:
    tiny = {"hidden": 16, "layers": 1, "heads": 2, "intermediate": 32}
    defaults = {"recipe": "posttrain", "task": "math", "rows": {"examples": 2}, "steps": 2, "tiny": tiny, "max_length": 60}
    return resolve(TrainConfig, with_defaults({**defaults, **settings}))


def taught(settings: TrainConfig, source: Path) -> list[str]:
    tokenizer = build_tokenizer(source.read_text("utf-8").replace("\\n", "\n").split('"'))
    loaded = load_sources(settings, str(source), Tokens(tokenizer)).sources["examples"]
    return [tokenizer.decode(loaded.row(i).input_ids) for i in range(len(loaded))]


def drawn(source: Path, draw: int, count: int | None = None, share: float = 0.0) -> list[str]:
    """Where the first examples of a draw stand, in its order."""
    found = sorted(examples_of(str(source), "multihop", draw, "task", share, end=count))
    assert [example.place for example in found] == list(range(len(found)))
    return [example.where for example in found]


def test_smaller_sets_are_prefixes_of_larger_ones_by_their_draw(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl")
    few, many, other, same = (
        taught(config(examples=d, draw=draw, seed=seed, skip_bad_rows=True), source)
        for d, draw, seed in ((4, 0, 0), (11, 0, 0), (11, 1, 0), (11, 0, 1))
    )
    assert same == many, "the seed orders rows in training; which they are is the draw's"
    assert many[:4] == few
    assert sorted(many) == sorted(other)
    assert many != other
    assert many != sorted(many)


def test_a_worlds_own_examples_are_drawn_too(small_dir: Path) -> None:
    assert drawn(small_dir, 0, 60)[:10] == drawn(small_dir, 0, 10)
    assert set(drawn(small_dir, 0, 60)) == set(drawn(small_dir, 1, 60))
    assert set(drawn(small_dir, 0, 20)) != set(drawn(small_dir, 1, 20))
    with pytest.raises(KitError, match="draw says which examples are learned"):
        config(examples=0, draw=1)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 1.0])
def test_a_share_of_what_is_not_known_is_in_every_first_ones(small_dir: Path, tmp_path: Path, share: float) -> None:
    for name in ("examples", "examples_unknown"):
        own = [replace(e, id=f"{name} {i}") for i, e in enumerate(read_table(small_dir / "examples.parquet", Example))]
        write_table(tmp_path / f"{name}.parquet", Example, own)
    plain, mixed = (drawn(tmp_path, 1, share=s) for s in (0.0, share))
    for count in range(1, len(mixed) + 1):
        unknown = sum(where.startswith("examples_unknown ") for where in mixed[:count])
        assert unknown == int(count * share + 1e-9)
    assert all(m == p for m, p in zip(mixed, plain, strict=True) if not m.startswith("examples_unknown "))
    assert len(set(mixed)) == len(mixed)
    with pytest.raises(KitError, match=r"has no unknown examples .* -o examples.unknown=100"):
        list(examples_of(str(small_dir), "multihop", 0, "task", share))
    with pytest.raises(KitError, match="unknown_share is of multihop examples"):
        config(examples=4, unknown_share=share)


def test_rows_that_cannot_be_used_are_told_or_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = rows(tmp_path / "rows.jsonl")
    with pytest.raises(KitError, match=r"line 12: an example of .* tokens, over max_length 60"):
        taught(config(examples=12), source)
    with pytest.raises(KitError, match=r"12 examples were asked for but .* holds 11 .*, 1 left out \(rows.jsonl, line 12"):
        taught(config(examples=12, skip_bad_rows=True), source)
    out = tmp_path / "out"
    settings = ["steps=2", "tiny={hidden=16,layers=1,heads=2,intermediate=32}", "max_length=60", "skip_bad_rows=true"]
    command = ["kit", "train", "--task", "math", "-D", "11", "--recipe", "posttrain", "--model", "tiny", "--data", str(source)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", [*command, "--out", str(out), *(part for each in settings for part in ("-o", each))])
        main()
    assert read_manifest(out).results["skipped_rows"] == 1
    assert "1 examples could not be used" in capsys.readouterr().out


def test_documents_need_a_data_directory(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl")
    for settings in (config(examples=0), config(examples=4, rows={"examples": 2, "known": 1})):
        with pytest.raises(KitError, match="is no directory made by kit generate: rows of known are documents"):
            train(settings, str(source), "tiny", tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} <= {".lock", "config.json", ".unfinished"}


@pytest.mark.slow
def test_examples_from_elsewhere_beside_documents_and_its_place_does_not_matter(small_dir: Path, tmp_path: Path) -> None:
    first, moved = rows(tmp_path / "rows.jsonl"), rows(tmp_path / "moved.jsonl")
    mixed = {"examples": 4, "rows": {"examples": 2, "known": 1}, "max_length": 200}
    settings = config(**mixed, examples_from=str(first))
    manifest = read_manifest(train(settings, str(small_dir), "tiny", tmp_path / "out"))
    assert set(manifest.inputs) == {"data", "examples_from"}
    again = train(config(**mixed, examples_from=str(moved)), str(small_dir), "tiny", tmp_path / "out")
    assert read_manifest(again) == manifest
    with moved.open("a") as file:
        file.write(json.dumps({"question": "More?", "answer": "#### 1"}) + "\n")
    with pytest.raises(KitError, match=r"other settings|another"):
        train(config(**mixed, examples_from=str(moved)), str(small_dir), "tiny", tmp_path / "out")


def test_every_answer_of_a_conversation_is_learned_and_nothing_else() -> None:
    tokenizer = build_tokenizer([" ".join(text for turn in TURNS for text in turn)])
    row = Tokens(tokenizer).example_row(TURNS)
    said = [tokenizer.decode(row.input_ids[start:end], skip_special_tokens=True) for start, end in row.learned]
    assert said == [answer for _, answer in TURNS]
    labels = row.labels()
    learned = [i for start, end in row.learned for i in range(start, end)]
    assert [i for i, label in enumerate(labels) if label != -100] == learned
    assert [labels[i] for i in learned] == [row.input_ids[i] for i in learned]
    # What stands before the last answer is what evaluation would send.
    assert row.input_ids[: row.learned[-1][0]] == Tokens(tokenizer).asked(TURNS[-1][0], TURNS[:-1])


def test_without_a_template_earlier_answers_are_learned_but_not_where_they_end() -> None:
    tokenizer = build_tokenizer([" ".join(text for turn in TURNS for text in turn), "Question: Answer:"])
    tokenizer.chat_template = None
    row = Tokens(tokenizer).example_row(TURNS)
    said = [tokenizer.decode(row.input_ids[start:end]) for start, end in row.learned]
    assert said == ["A wren.", "A crane.", "An ostrich.<eos>"]


def test_a_template_that_rewrites_earlier_turns_leaves_the_last_to_be_learned() -> None:
    """As Qwen3's, which drops what was thought before an earlier answer."""
    tokenizer = build_tokenizer([" ".join(text for turn in TURNS for text in turn)])
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m.role == 'user' %}<user>{{ m.content }}<assistant>"
        "{% else %}{% if loop.last %}ostrich. {% endif %}{{ m.content }}<eos>{% endif %}{% endfor %}"
    )
    tokens = Tokens(tokenizer)
    row = tokens.example_row(TURNS)
    assert [tokenizer.decode(row.input_ids[start:end]) for start, end in row.learned] == ["ostrich. An ostrich.<eos>"]
    assert tokens.notes(True, tokens.trimmed) == [
        "the chat template rewrites earlier turns: of a conversation only the last answer is learned"
    ]
    assert tokens.notes(False, tokens.trimmed) == []


def test_a_conversation_that_cannot_be_rendered_is_told_with_its_row(tmp_path: Path) -> None:
    chat = [{"role": role, "content": text} for turn in TURNS for role, text in zip(("user", "assistant"), turn, strict=True)]
    source = tmp_path / "chats.jsonl"
    source.write_text(json.dumps({"messages": chat}) + "\n", "utf-8")
    tokenizer = build_tokenizer([" ".join(text for turn in TURNS for text in turn), "Question: Answer:"])
    tokenizer.chat_template = "{% for m in messages %}{{ m.content.split('crane')[0] }}<eos>{% endfor %}"
    with pytest.raises(KitError, match=r"^chats.jsonl, line 1: the checkpoint's chat template does not keep .*'A crane.'"):
        load_sources(config(examples=1), str(source), Tokens(tokenizer))
