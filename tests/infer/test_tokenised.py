"""Answers come from tokens as they were written: the blank that marks a first word is no part of them, an indent is."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from kit.infer.backend import Output
from kit.infer.tokenised import outputs
from kit.models.tiny import build_tokenizer
from kit.models.tokens import Tokens

TEXTS = (
    "In a word.",
    "return x",
    "    return x",
    "  a\n    return x",
    "\n    return x",
    "",
    "a\n\n  x .",
)
FRAMES = ("", " ")
"""What stands before an answer where it is encoded: nothing, or the blank of a frame that is no template."""


def byte_level() -> PreTrainedTokenizerFast:
    """As GPT-2's."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(TEXTS * 5, trainers.BpeTrainer(special_tokens=["</s>"], initial_alphabet=alphabet))  # type: ignore[no-untyped-call]
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>")  # type: ignore[no-untyped-call]


TOKENIZERS = {"words, marked as SentencePiece marks them": lambda: build_tokenizer(TEXTS), "bytes": byte_level}


@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize("frame", FRAMES)
def test_what_is_encoded_comes_back(kind: str, frame: str) -> None:
    tokenizer: PreTrainedTokenizerBase = TOKENIZERS[kind]()
    wanted = [text for text in TEXTS if not (frame and text.startswith((" ", "\n")))]
    tokens = Tokens(tokenizer)
    made = [[*tokens.encode(frame + text), tokenizer.eos_token_id] for text in wanted]
    assert outputs(tokens, [(row, True) for row in made]) == [Output(text) for text in wanted]
