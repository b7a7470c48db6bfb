"""Outputs from a file: found by id or by prompt, refused where two differ or one is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.core.errors import KitError
from kit.infer.backend import Decoding, Output, Prompt
from kit.infer.recorded import RecordedBackend


def recorded(path: Path, *rows: dict[str, str]) -> RecordedBackend:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return RecordedBackend(path)


def test_by_id_and_sample_or_else_by_prompt(tmp_path: Path) -> None:
    backend = recorded(
        tmp_path / "o.jsonl",
        {"id": "a", "output": "first"},
        {"id": "a#1", "output": "second", "finish_reason": "max_tokens", "reasoning": "a thought"},
        {"prompt": "Why?", "output": ""},
        {"id": "a", "output": "first"},
    )
    told: list[Output] = []
    backend.generate(
        [Prompt("x", about="a"), Prompt("x", about="a#1"), Prompt("Why?", about="b")], Decoding(1), lambda i, r: told.extend(r)
    )
    assert told == [Output("first", "unknown"), Output("second", "length", "a thought"), Output("", "unknown")]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"id": "a", "output": "1"}, {"id": "a", "output": "2"}], "line 2: a second output for id a"),
        ([{"id": "a"}], "column output is missing"),
        ([{"id": "a", "output": "1", "finish_reason": "lenght"}], "line 1: finish_reason 'lenght'; did you mean length"),
        ([{"output": "1"}], "column prompt is missing"),
        ([{"id": "z", "output": "1"}], "has no output for a"),
    ],
)
def test_what_is_wrong_is_told(rows: list[dict[str, str]], message: str, tmp_path: Path) -> None:
    with pytest.raises(KitError, match=message):
        recorded(tmp_path / "o.jsonl", *rows).generate([Prompt("x", about="a")], Decoding(1), lambda i, r: None)
