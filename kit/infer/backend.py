"""The contract every way of running a model meets. Prompts are token ids: text becomes tokens in `kit.models.tokens`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

T = TypeVar("T", contravariant=True)


class Sink(Protocol[T]):
    """Told each finished batch, so that progress shows and answers can be journalled before the run ends."""

    def __call__(self, indices: Sequence[int], results: Sequence[T]) -> None: ...


Tokens = Sequence[int]


class Backend(Protocol):
    """Greedy generation and log-likelihood, batch by batch, in whatever order suits the backend."""

    def generate(self, prompts: Sequence[Tokens], max_new_tokens: int, sink: Sink[str]) -> None:
        """Tells `sink` the text that follows each prompt, up to a stop token or `max_new_tokens`, without special tokens."""
        ...

    def log_likelihood(self, pairs: Sequence[tuple[Tokens, Tokens]], sink: Sink[float]) -> None:
        """Tells `sink` the natural-log probability of each continuation after its context, summed over its tokens."""
        ...
