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
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from kit.core.errors import KitError
from kit.models.chat import FRAME_GOES_ON, ChatSettings, ChatTemplate, Rendered, Shots, Span, control_pattern, framed, start_token

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Backend
    from transformers import PreTrainedTokenizerBase

T = TypeVar("T")


class _Cut(NamedTuple):
    """A text to be encoded in two parts. said: where in it others speak."""

    text: str
    boundary: int
    said: Sequence[Span]


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
    answer with (`Checkpoint.stops`). embedded: how many ids the model knows, where the tokenizer makes more. trimmed: how many
    answers the chat template took blanks off so far."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, settings: ChatSettings | None = None, declared: Sequence[int] = ()
    ) -> None:
        self.tokenizer, self.declared = tokenizer, tuple(declared)
        self.settings = settings or ChatSettings()
        self.embedded: int | None = None
        self.trimmed = 0
        bos = start_token(tokenizer)
        self._start: list[int] = [cast(int, tokenizer.bos_token_id)] if bos else []
        self._control = control_pattern(tokenizer)
        self._control_ids = {t.content: i for i, t in tokenizer.added_tokens_decoder.items()}
        self._tails: dict[str, list[int]] = {}

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
        return self._split(_Cut(whole.text[:start], whole.prompt, whole.said))[1]

    @property
    def pad(self) -> int:
        """What fills a batch up; it is never attended to, nor learned."""
        ids = (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id, 0)
        return next(int(i) for i in ids if i is not None)

    def notes(self, conversations: bool, trimmed: int) -> list[str]:
        """What a reader of a training run should know of how its answers are learned. conversations: some are of several
        turns; trimmed: so many lost blanks."""
        told = []
        if self.tokenizer.eos_token is None and not self.template.turn_end:
            told.append("the tokenizer has no end token: neither documents nor answers are taught where to end")
        elif self.template.own and not self.template.turn_end:
            told.append(f"the chat template closes no turn: answers are ended with {self.tokenizer.eos_token}")
        if trimmed:
            told.append(f"the chat template trims what is said: {trimmed:,} answers lost blanks or line breaks at an end")
        if conversations and not self.template.keeps_turns:
            told.append("the chat template rewrites earlier turns: of a conversation only the last answer is learned")
        return told

    def example_row(self, turns: Shots) -> Row:
        """A finetuning example; loss on what the assistant says. The tokens before its last answer are those that `asked` gives.

        Of an earlier answer that is learned which stands in the whole as it did when it was the last.
        """
        return _whole(self.example_rows([turns])[0])

    def example_rows(self, examples: Sequence[Shots]) -> list[Row | KitError]:
        """The same of many at once, which takes less time; of one that cannot be, what is wrong with it."""
        rendered = self.template.all_answered([turns[:i] for turns in examples for i in range(1, len(turns) + 1)])
        split = iter(self._splits([_Cut(r.text, r.prompt, r.said) for r in rendered if not isinstance(r, KitError)]))
        parts = iter([r if isinstance(r, KitError) else (r, next(split)) for r in rendered])
        rows: list[Row | KitError] = []
        for turns in examples:
            own = [next(parts) for _ in turns]
            try:
                rows.append(self._row(turns, [_whole(part) for part in own]))
            except KitError as error:
                rows.append(error)
        return rows

    def _row(self, turns: Shots, parts: Sequence[tuple[Rendered, tuple[list[int], list[int]] | KitError]]) -> Row:
        """The row of a conversation from its beginnings, each of one answer more: as text, and as tokens before that answer and
        from it on."""
        rendered, _ = parts[-1]
        start, end = rendered.said[-1]
        self.trimmed += rendered.text[start:end] != turns[-1][1]
        *earlier, (given, last) = [_whole(split) for _, split in parts]
        learned: list[tuple[int, int]] = []
        for head, tail in earlier:
            if given[: len(head)] == head:
                same = next((k for k, (a, b) in enumerate(zip(tail, given[len(head) :], strict=False)) if a != b), len(tail))
                if same:
                    learned.append((len(head), len(head) + same))
        return Row(given + last, (*learned, (len(given), len(given) + len(last))))

    def document_row(self, text: str, context_chars: int = 0) -> Row:
        """A document as it stands (behind the tokenizer's start token, if it puts one) and an end token; loss on all of it but
        the tokens of its first `context_chars` characters."""
        return _whole(self.document_rows([(text, context_chars)])[0])

    def document_rows(self, documents: Sequence[tuple[str, int]]) -> list[Row | KitError]:
        """The same of many at once: texts, each with the characters that are but its context."""
        end = self.tokenizer.eos_token or ""
        rows: list[Row | KitError] = []
        split = self._splits([_Cut(f"{text}{end}", context, ((0, len(text)),)) for text, context in documents])
        for part, (_, context) in zip(split, documents, strict=True):
            if isinstance(part, KitError):
                rows.append(part)
                continue
            given, rest = part
            ids = [*self._start, *given, *rest]
            rows.append(Row(ids, ((len(ids) - len(rest) if context else 0, len(ids)),)))
        return rows

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
            given, scored = self._split(_Cut(text, len(text) - len(continuation), ((0, len(text)),)))
            return self._start + given, scored
        whole = self.template.answered([*shots, (message, f"{start}{continuation}")])
        end = whole.said[-1][1]
        told = whole.text[:end]
        kept = continuation if told.endswith(continuation) else continuation.rstrip()  # of a template that trims
        return self._split(_Cut(told, max(whole.prompt, end - len(kept)), whole.said))

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
        return _whole(self._encoded([(text, said)])[0])

    def _encoded(self, texts: Sequence[tuple[str, Sequence[Span]]]) -> list[list[int] | KitError]:
        """The same of many at once; of one that the model does not know, what is wrong."""
        spoken = [any(self._control.search(text, start, end) for start, end in said) for text, said in texts]
        plain = iter(self._plainly([text for (text, _), one in zip(texts, spoken, strict=True) if not one]))
        found: list[list[int] | KitError] = []
        for (text, said), one in zip(texts, spoken, strict=True):
            ids = [id_ for id_, _ in self._placed(text, said)] if one else next(plain)
            if self.embedded and ids and not one and max(ids) >= self.embedded:
                unknown = self.tokenizer.convert_ids_to_tokens(max(ids))
                found.append(KitError(f"{unknown} is a token that the model does not embed: {text[:60]!r}"))
            else:
                found.append(ids)
        return found

    def _plainly(self, texts: list[str]) -> list[list[int]]:
        """What the tokenizer makes of texts. Its backend does it without the places of tokens, which cost a third more."""
        if len(texts) > 1 and self._backend is not None:
            self._backend.encode_special_tokens = self.tokenizer.split_special_tokens
            return [made.ids for made in self._backend.encode_batch_fast(texts, add_special_tokens=False)]
        return [self.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]

    @cached_property
    def _backend(self) -> Backend | None:
        """The tokenizer in Rust, where the checkpoint's does nothing beside it."""
        from transformers import PreTrainedTokenizerFast

        kind = type(self.tokenizer)
        same = all(getattr(kind, name, 0) is getattr(PreTrainedTokenizerFast, name) for name in ("__call__", "_encode_plus"))
        return self.tokenizer.backend_tokenizer if same else None

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

    def _split(self, cut: _Cut) -> tuple[list[int], list[int]]:
        """The tokens of a text before a boundary, which are those of that part alone, and those behind it."""
        return _whole(self._splits([cut])[0])

    def _splits(self, cuts: Sequence[_Cut]) -> list[tuple[list[int], list[int]] | KitError]:
        """The same of many at once."""
        wholes = self._encoded([(cut.text, cut.said) for cut in cuts])
        heads: list[list[int] | KitError | None] = [
            None if isinstance(whole, KitError) else self._head(cut, whole) for cut, whole in zip(cuts, wholes, strict=True)
        ]
        left = [
            (cut.text[: cut.boundary], _before(cut.said, cut.boundary))
            for cut, head in zip(cuts, heads, strict=True)
            if head is None
        ]
        others = iter(self._encoded(left))
        found: list[tuple[list[int], list[int]] | KitError] = []
        for cut, whole, head in zip(cuts, wholes, heads, strict=True):
            given = next(others) if head is None else head
            if isinstance(whole, KitError):
                found.append(whole)
            elif isinstance(given, KitError):
                found.append(given)
            elif whole[: len(given)] == given:
                found.append((given, whole[len(given) :]))
            else:
                found.append(self._across(cut, given))
        return found

    def _head(self, cut: _Cut, whole: list[int]) -> list[int] | None:
        """The tokens of what is before the boundary, where they can be told without encoding it once more: a control token ends
        what is before it, so that only what lies between the last one and the boundary is left, which is always the same where it
        is the template's. whole: the tokens of all of the text."""
        if not cut.boundary:
            return []
        controls = list(self._control.finditer(cut.text))
        before = sum(found.end() <= cut.boundary for found in controls)
        if not before or any(start < found.end() and found.start() < end for found in controls for start, end in cut.said):
            return None
        last = controls[before - 1]
        if any(start < cut.boundary and end > last.end() for start, end in cut.said):
            return None
        ids = [self._control_ids.get(found.group(), -1) for found in controls]  # one that is not added splits no text
        if any(whole.count(id_) != ids.count(id_) for id_ in set(ids)):
            return None
        place = -1
        for id_ in ids[:before]:
            place = whole.index(id_, place + 1)
        between = cut.text[last.start() : cut.boundary]
        if between not in self._tails:
            self._tails[between] = self.tokenizer(between, add_special_tokens=False)["input_ids"]
        tail = self._tails[between]
        return [*whole[:place], *tail] if tail and tail[0] == whole[place] else None

    def _across(self, cut: _Cut, given: list[int]) -> tuple[list[int], list[int]]:
        """The parts where a token lies across the boundary: what it holds of the rest is encoded by itself."""
        later = [(id_, span) for id_, span in self._placed(cut.text, cut.said) if span[0] >= cut.boundary]
        reaches = later[0][1][0] if later else len(cut.text)
        between = self.encode(cut.text[cut.boundary : reaches]) if reaches > cut.boundary else []
        return given, between + [id_ for id_, _ in later]


def _whole(found: T | KitError) -> T:
    """What was found. Raises what is wrong where that was."""
    if isinstance(found, KitError):
        raise found
    return found


def _before(said: Sequence[Span], boundary: int) -> list[Span]:
    return [(start, min(end, boundary)) for start, end in said if start < boundary]
