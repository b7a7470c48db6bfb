"""Rows that are tokenised at once are those of texts encoded one after the other, the part before a boundary by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kit.core.errors import KitError
from kit.core.seeds import stream
from kit.models.chat import ChatSettings
from kit.models.tokens import Row, Tokens
from tests.models.families import FAMILIES, tokenizer_of

PIECES = (
    *("Who leads", " Ode Labs", "?", " Answer directly.", "So the answer is", " 1,024", "!", "\n\n", "  ", "\t", "    return 1"),
    *("é", "e\u0301", "\u4e2d\u6587", "\U0001f426", "\u00a0", "\u2028", "\ufb01", "<", "|", ">", "user", "assistant"),
    *("\nassistant\n", "<think>", "[INST]"),
)


def said(rng: np.random.Generator, controls: list[str]) -> str:
    """Something that somebody may say, also with blanks around it, or the name of a control token in it."""
    pieces = [PIECES[i] for i in rng.integers(len(PIECES), size=rng.integers(1, 12))]
    if controls and rng.random() < 0.1:
        pieces.insert(int(rng.integers(len(pieces) + 1)), controls[rng.integers(len(controls))])
    return "".join(pieces).strip() or "x" if rng.random() < 0.5 else "".join(pieces) + "x"


def tokens_of(name: str) -> Tokens:
    family = FAMILIES[name]
    tokenizer = tokenizer_of(family)
    return Tokens(tokenizer, ChatSettings(**family.settings), tokenizer.convert_tokens_to_ids(list(family.ends)))


def told(found: Row | KitError) -> Any:
    return str(found) if isinstance(found, KitError) else found


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_many_at_once_are_those_of_one_after_the_other(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = tokens_of(name)
    rng = stream(0, "said", name)
    controls = [c for c in tokens.tokenizer.all_special_tokens if c]
    sizes = rng.choice((1, 1, 1, 2, 3), size=300).tolist()
    talks = [[(said(rng, controls), said(rng, controls)) for _ in range(turns)] for turns in sizes]
    documents = [(text := said(rng, controls), int(rng.integers(len(text)))) for _ in range(300)]
    try:
        _ = tokens.template
    except KitError:  # a family that no conversation is had with
        talks = []
    rows, texts = tokens.example_rows(talks), tokens.document_rows(documents)
    assert len(tokens._tails) < 5, "what is kept is the template's, of which there is little"

    shortcuts = 0
    whole_head = Tokens._head

    def head(self: Tokens, cut: Any, whole: list[int]) -> list[int] | None:
        nonlocal shortcuts
        found = whole_head(self, cut, whole)
        shortcuts += bool(found)
        return None if cut.boundary else found

    monkeypatch.setattr(Tokens, "_head", head)
    monkeypatch.setattr(Tokens, "_backend", None)
    for talk, row in zip(talks, rows, strict=True):
        assert told(tokens.example_rows([talk])[0]) == told(row), talk
    for document, row in zip(documents, texts, strict=True):
        assert told(tokens.document_rows([document])[0]) == told(row), document
    asked = tokens.template.asked("Who?") if talks else None
    if asked and tokens._control.search(asked.text, asked.said[-1][1]):
        assert shortcuts > 100, "the part before an answer was encoded once more"
