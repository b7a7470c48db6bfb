"""The contract every way of running a model meets: prompts as turns of a conversation in, texts out, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar, get_args

from kit.core.records import Finish

T = TypeVar("T", contravariant=True)


class Prompt(NamedTuple):
    """What a model is asked. message: the user's turn; without `chat` a text to be continued as it stands. shots: earlier turns,
    each of the user and the assistant. start: the first words of the answer, given. about: the item it asks about, and the
    sample it is, for answers that were recorded."""

    message: str
    chat: bool = True
    shots: tuple[tuple[str, str], ...] = ()
    start: str = ""
    about: str = ""


class Decoding(NamedTuple):
    """How answers are produced. temperature 0 takes the most likely token each time; above it tokens are drawn, by a seed for
    each prompt, so that an answer does not depend on what else is in its batch."""

    max_new_tokens: int
    temperature: float = 0.0
    seeds: Sequence[int] = ()


FINISHES: dict[str, Finish] = {
    **{name: name for name in get_args(Finish)},
    **dict.fromkeys(("eos", "eos_token", "stop_sequence", "end_turn", "tool_calls", "function_call"), "stop"),
    **dict.fromkeys(("max_tokens", "max_output_tokens", "model_length"), "length"),
    **dict.fromkeys(("content_filter", "refusal", "safety"), "refused"),
}
"""What servers and libraries call the ends of an output, beside our own names."""


class Output(NamedTuple):
    """What a model wrote, and why it wrote no more. thought: what it thought before, where a server keeps that apart."""

    text: str
    finish: Finish = "stop"
    thought: str = ""


class Sink(Protocol[T]):
    """Told each finished batch, so that progress shows and answers can be journalled before the run ends."""

    def __call__(self, indices: Sequence[int], results: Sequence[T]) -> None: ...


class Likelihood(NamedTuple):
    """The natural-log probability of a continuation, summed over its tokens, and how many those are."""

    log_probability: float
    tokens: int


def answer(text: str) -> str:
    """What a model wrote, without a single blank before its first word: that is how a tokenizer tells that a word begins, or
    how the frame of the prompt goes on. More blanks are an indent, and stay."""
    return text[1:] if text.startswith(" ") and text[1:2] not in (" ", "\t") else text


class Backend(Protocol):
    """Generation and log-likelihood, in whatever order suits the backend. notes: what a reader of the answers should know of how
    they came about."""

    notes: list[str]

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding, sink: Sink[Output]) -> None:
        """Tells `sink` the text that follows each prompt, up to a stop token or `max_new_tokens`, without special tokens, and
        without the blank before a first word (`answer`). A prompt that the model cannot read whole is not asked, and told as
        `too_long`.

        Raises KitError for what it cannot do, or cannot reach.
        """
        ...

    def log_likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str], sink: Sink[Likelihood]) -> None:
        """Tells `sink` how likely each continuation is after its prompt and start."""
        ...
