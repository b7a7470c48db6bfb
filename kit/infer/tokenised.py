"""Prompts in tokens and answers from tokens, for backends that hold a tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kit.core.errors import KitError
from kit.infer.backend import Prompt, answer
from kit.models.tokens import cloze_ids, encode, prompt_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def asked(tokenizer: PreTrainedTokenizerBase, prompt: Prompt) -> list[int]:
    """A prompt without the start of its answer."""
    if not prompt.chat:
        return cloze_ids(tokenizer, prompt.message)
    return encode(tokenizer, prompt_text(tokenizer, prompt.message, prompt.shots))


def begun(tokenizer: PreTrainedTokenizerBase, prompt: Prompt) -> list[int]:
    """A prompt with the start of its answer."""
    return asked(tokenizer, prompt) + (encode(tokenizer, prompt.start) if prompt.start else [])


def continued(tokenizer: PreTrainedTokenizerBase, prompt: Prompt, continuation: str) -> tuple[list[int], list[int]]:
    """What is given and what is scored: start and continuation are made tokens together, and what the start alone would share
    with that is given."""
    whole, bare = encode(tokenizer, prompt.start + continuation), encode(tokenizer, prompt.start)
    shared = next((i for i, (a, b) in enumerate(zip(whole, bare, strict=False)) if a != b), min(len(bare), len(whole)))
    return asked(tokenizer, prompt) + whole[:shared], whole[shared:]


def fit_window(prompts: Sequence[Prompt], lengths: Sequence[int], window: int | None) -> None:
    """Raises KitError for a prompt that, with what is to follow it (lengths: of both, in tokens), a model cannot read whole."""
    for prompt, length in zip(prompts, lengths, strict=True):
        if window and length > window:
            name = prompt.about or repr(prompt.message[:60])
            raise KitError(
                f"{name} takes {length} tokens with its answer, and the model reads {window}: "
                "ask for shorter answers with max_new_tokens, or for less in the prompt"
            )


def answers(tokenizer: PreTrainedTokenizerBase, produced: Sequence[Sequence[int]]) -> list[str]:
    """The texts of tokens that follow a prompt. They are decoded behind a word, since a tokenizer takes the first blank of a
    whole text for its own (SentencePiece's mark of a word), and an answer that begins with an indent would lose a part of it."""
    word = encode(tokenizer, "x")
    ids = [word, *([*word, *row] for row in produced)]
    before, *texts = tokenizer.batch_decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return [answer(text[len(before) :]) for text in texts]
