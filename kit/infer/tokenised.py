"""Prompts in tokens and answers from tokens, for backends that hold a tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kit.core.errors import KitError
from kit.infer.backend import Output, Prompt, Sink, answer
from kit.models.tokens import Tokens


def begun(tokens: Tokens, prompt: Prompt) -> list[int]:
    """A prompt with the start of its answer."""
    return tokens.asked(prompt.message, prompt.shots, prompt.start, prompt.chat)


def continued(tokens: Tokens, prompt: Prompt, continuation: str) -> tuple[list[int], list[int]]:
    """What is given and what is scored."""
    return tokens.continued(prompt.message, continuation, prompt.shots, prompt.start, prompt.chat)


def outputs(tokens: Tokens, produced: Iterable[tuple[Sequence[int], bool]]) -> list[Output]:
    """What follows a prompt, as every backend tells it: of tokens without the stop token, and whether there was one. A model that
    is asked by the frame ends where it asks itself on."""
    rows = list(produced)
    made = []
    for text, (_, ended) in zip(tokens.answers(row for row, _ in rows), rows, strict=True):
        before, went_on, _ = text.partition(tokens.goes_on) if tokens.goes_on else (text, "", "")
        made.append(Output(answer(before.rstrip("\n") if went_on else before), "stop" if ended or went_on else "length"))
    return made


def rooms(lengths: Sequence[int], most: int, window: int | None, sink: Sink[Output]) -> dict[int, int]:
    """How many tokens may follow each prompt (lengths: in tokens) that is to be asked, by its index: `most`, or what the model's
    window has left. Of those that it cannot read whole, `sink` is told so."""
    room = {i: most if window is None else min(most, window - length) for i, length in enumerate(lengths)}
    if unread := [i for i, left in room.items() if left <= 0]:
        sink(unread, [Output("", "too_long")] * len(unread))
    return {i: left for i, left in room.items() if left > 0}


def fit_window(prompts: Sequence[Prompt], lengths: Sequence[int], window: int | None) -> None:
    """Raises KitError for a prompt that, with the continuation that is scored (lengths: of both, in tokens), a model cannot read
    whole."""
    for prompt, length in zip(prompts, lengths, strict=True):
        if window and length > window:
            name = prompt.about or repr(prompt.message[:60])
            raise KitError(
                f"{name} takes {length} tokens with its answer, and the model reads {window}: ask for less in the prompt"
            )
