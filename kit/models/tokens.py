"""From text to tokens and back: training rows, prompts and answers. Training and every backend that holds a tokenizer go through
here, so that what is asked is what was learned, token by token.

A text is encoded whole and split at a boundary: a tokenizer that marks the first word of a text would mark it again in every
piece.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

from kit.core.errors import KitError
from kit.models.chat import FRAME_GOES_ON, ChatSettings, ChatTemplate, Shots, Span, control_pattern, framed, start_token

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Row:
    """Token ids of one training row. learned: the spans (first position, end) that the loss falls on, in order."""

    input_ids: list[int]
    learned: tuple[tuple[int, int], ...]

    def labels(self) -> list[int]:
        """The ids where they are learned, -100 elsewhere (what torch's cross entropy leaves out)."""
        labels = [-100] * len(self.input_ids)
        for start, end in self.learned:
            labels[start:end] = self.input_ids[start:end]
        return labels


class Tokens:
    """A checkpoint's tokenizer, with the settings it is spoken to by. declared: the ids that the checkpoint's configs end an
    answer with (`Checkpoint.stops`). embedded: how many ids the model knows, where the tokenizer makes more."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, settings: ChatSettings | None = None, declared: Sequence[int] = ()
    ) -> None:
        self.tokenizer, self.declared = tokenizer, tuple(declared)
        self.settings = settings or ChatSettings()
        self.embedded: int | None = None
        self._trimmed = 0
        bos = start_token(tokenizer)
        self._start: list[int] = [cast(int, tokenizer.bos_token_id)] if bos else []
        self._control = control_pattern(tokenizer)

    @cached_property
    def template(self) -> ChatTemplate:
        """The chat template; texts that are no conversation need none."""
        return ChatTemplate(self.tokenizer, self.settings)

    @cached_property
    def stops(self) -> list[int]:
        """The ids that end an answer: the tokenizer's end, those the checkpoint declares, and the template's end of a turn."""
        ids = {self.tokenizer.eos_token_id, *self.declared}
        with contextlib.suppress(KitError):  # a template that refuses every conversation is told where one is asked for
            if self.template.own and self.template.turn_end:
                ids.add(self.tokenizer.convert_tokens_to_ids(self.template.turn_end))
        return sorted(i for i in ids if i is not None)

    @cached_property
    def _lead(self) -> list[int]:
        """What the template puts between a prompt and its answer."""
        try:
            whole = self.template.answered([("Who?", "Ada.")])
        except KitError:  # where no conversation can be, none is asked
            return []
        start = whole.said[-1][0]
        if not whole.text[whole.prompt : start].strip():
            return []
        return self._split(whole.text[:start], whole.prompt, whole.said)[1]

    @property
    def pad(self) -> int:
        """What fills a batch up; it is never attended to, nor learned."""
        ids = (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id, 0)
        return next(int(i) for i in ids if i is not None)

    def notes(self, conversations: bool) -> list[str]:
        """What a reader of a training run should know of how its answers are learned. conversations: some are of several
        turns."""
        told = []
        if self.tokenizer.eos_token is None and not self.template.turn_end:
            told.append("the tokenizer has no end token: neither documents nor answers are taught where to end")
        elif self.template.own and not self.template.turn_end:
            told.append(f"the chat template closes no turn: answers are ended with {self.tokenizer.eos_token}")
        if self._trimmed:
            told.append(f"the chat template trims what is said: {self._trimmed:,} answers lost blanks or line breaks at an end")
        if conversations and not self.template.keeps_turns:
            told.append("the chat template rewrites earlier turns: of a conversation only the last answer is learned")
        return told

    def example_row(self, turns: Shots) -> Row:
        """A finetuning example; loss on what the assistant says. The tokens before its last answer are those that `asked` gives.

        Of an earlier answer that is learned which stands in the whole as it did when it was the last.
        """
        whole = self.template.answered(turns)
        given, last = self._split(whole.text, whole.prompt, whole.said)
        start, end = whole.said[-1]
        self._trimmed += whole.text[start:end] != turns[-1][1]
        learned: list[tuple[int, int]] = []
        for i in range(1, len(turns)):
            earlier = self.template.answered(turns[:i])
            head, tail = self._split(earlier.text, earlier.prompt, earlier.said)
            if given[: len(head)] == head:
                same = next((k for k, (a, b) in enumerate(zip(tail, given[len(head) :], strict=False)) if a != b), len(tail))
                if same:
                    learned.append((len(head), len(head) + same))
        return Row(given + last, (*learned, (len(given), len(given) + len(last))))

    def document_row(self, text: str, context_chars: int = 0) -> Row:
        """A document as it stands (behind the tokenizer's start token, if it puts one) and an end token; loss on all of it but
        the tokens of its first `context_chars` characters."""
        given, rest = self._split(f"{text}{self.tokenizer.eos_token or ''}", context_chars, ((0, len(text)),))
        ids = [*self._start, *given, *rest]
        return Row(ids, ((len(ids) - len(rest) if context_chars else 0, len(ids)),))

    def asked(self, message: str, shots: Shots = (), start: str = "", chat: bool = True) -> list[int]:
        """A prompt, with the start of its answer; without `chat` a text to be continued as it stands."""
        if chat and not start:
            whole = self.template.asked(message, shots)
            return self.encode(whole.text, whole.said)
        return self.continued(message, "", shots, start, chat)[0]

    def continued(
        self, message: str, continuation: str, shots: Shots = (), start: str = "", chat: bool = True
    ) -> tuple[list[int], list[int]]:
        """What is given and what is scored of an answer that is known."""
        if not chat:
            text = f"{message}{start}{continuation}"
            given, scored = self._split(text, len(text) - len(continuation), ((0, len(text)),))
            return self._start + given, scored
        whole = self.template.answered([*shots, (message, f"{start}{continuation}")])
        end = whole.said[-1][1]
        told = whole.text[:end]
        kept = continuation if told.endswith(continuation) else continuation.rstrip()  # of a template that trims
        return self._split(told, max(whole.prompt, end - len(kept)), whole.said)

    @cached_property
    def goes_on(self) -> str:
        """Where a model asks itself on: how the next turn of the frame begins, for one that has no template, which ends nothing
        by itself; else nothing."""
        return FRAME_GOES_ON if framed(self.tokenizer) else ""

    def answers(self, produced: Iterable[Sequence[int]]) -> list[str]:
        """The texts of tokens that follow a prompt, without what the template itself puts before an answer (an empty thought, the
        name of a channel), which a model is taught to write first.

        They are decoded behind a word, since a tokenizer takes the first blank of a whole text for its own (SentencePiece's mark
        of a word), and an answer that begins with an indent would lose a part of it.
        """
        word = self.encode("x")
        lead = self._lead
        ids = [word, *([*word, *(row[len(lead) :] if list(row[: len(lead)]) == lead else row)] for row in produced)]
        before, *texts = self.tokenizer.batch_decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return [text[len(before) :] for text in texts]

    def encode(self, text: str, said: Sequence[Span] = ()) -> list[int]:
        """Token ids of a text that carries its control tokens. said: where in it others speak: a control token there is but
        text."""
        if any(self._control.search(text, start, end) for start, end in said):
            return [id_ for id_, _ in self._placed(text, said)]
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        if self.embedded and ids and max(ids) >= self.embedded:
            unknown = self.tokenizer.convert_ids_to_tokens(max(ids))
            raise KitError(f"{unknown} is a token that the model does not embed: {text[:60]!r}")
        return ids

    def _placed(self, text: str, said: Sequence[Span]) -> list[tuple[int, Span]]:
        """The same, with the place of each token in the text."""
        made = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        found: list[tuple[int, Span]] = []
        for id_, (start, end) in zip(made["input_ids"], made["offset_mapping"], strict=True):
            control = self._control.search(text, start, end)
            if control and any(a <= control.start() and control.end() <= b for a, b in said):
                found += [(plain, (start, end)) for plain in self._plain(text[start:end])]
            else:
                found.append((id_, (start, end)))
        return found

    def _plain(self, text: str) -> list[int]:
        """A control token's name as text, as it is encoded behind other text."""
        made = self.tokenizer(f".{text}", add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
        if all(start >= 1 or end <= 1 for start, end in made["offset_mapping"]):
            return [id_ for id_, (start, _) in zip(made["input_ids"], made["offset_mapping"], strict=True) if start >= 1]
        alone: list[int] = self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return alone

    def _split(self, text: str, boundary: int, said: Sequence[Span]) -> tuple[list[int], list[int]]:
        """The tokens of a text before a boundary, which are those of that part alone, and those behind it."""
        whole = self.encode(text, said)
        given = self.encode(text[:boundary], _before(said, boundary)) if boundary else []
        if whole[: len(given)] == given:
            return given, whole[len(given) :]
        # A token lies across: what it holds of the rest is encoded by itself.
        later = [(id_, span) for id_, span in self._placed(text, said) if span[0] >= boundary]
        reaches = later[0][1][0] if later else len(text)
        between = self.encode(text[boundary:reaches]) if reaches > boundary else []
        return given, between + [id_ for id_, _ in later]


def _before(said: Sequence[Span], boundary: int) -> list[Span]:
    return [(start, min(end, boundary)) for start, end in said if start < boundary]
