"""Prompts in tokens and answers from tokens, for backends that hold a tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kit.core.errors import KitError
from kit.infer.backend import Prompt, answer
from kit.models.tokens import Tokens


def begun(tokens: Tokens, prompt: Prompt) -> list[int]:
    """A prompt with the start of its answer."""
    return tokens.asked(prompt.message, prompt.shots, prompt.start, prompt.chat)


def continued(tokens: Tokens, prompt: Prompt, continuation: str) -> tuple[list[int], list[int]]:
    """What is given and what is scored."""
    return tokens.continued(prompt.message, continuation, prompt.shots, prompt.start, prompt.chat)


def answers(tokens: Tokens, produced: Iterable[Sequence[int]]) -> list[str]:
    """The texts of tokens that follow a prompt, as every backend tells them."""
    return [answer(text) for text in tokens.answers(produced)]


def fit_window(prompts: Sequence[Prompt], lengths: Sequence[int], window: int | None) -> None:
    """Raises KitError for a prompt that, with what is to follow it (lengths: of both, in tokens), a model cannot read whole."""
    for prompt, length in zip(prompts, lengths, strict=True):
        if window and length > window:
            name = prompt.about or repr(prompt.message[:60])
            raise KitError(
                f"{name} takes {length} tokens with its answer, and the model reads {window}: "
                "ask for shorter answers with max_new_tokens, or for less in the prompt"
            )
