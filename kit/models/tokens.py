"""From text to tokens: the chat template and the two kinds of training row. Training and evaluation both go through here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kit.core.errors import KitError

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


def prompt_text(tokenizer: PreTrainedTokenizerBase, message: str, shots: Sequence[tuple[str, str]] = ()) -> str:
    """`message` as a user turn, ready for the assistant to answer; a plain question-answer frame without a template. shots:
    earlier turns, each of the user and the assistant."""
    if not tokenizer.chat_template:
        earlier = "".join(f"Question: {asked}\nAnswer: {answer}\n\n" for asked, answer in shots)
        return f"{tokenizer.bos_token or ''}{earlier}Question: {message}\nAnswer:"
    turns = [*_chat(shots), {"role": "user", "content": message}]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def _chat(turns: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for turn in turns for role, text in zip(("user", "assistant"), turn, strict=True)]


def completion_text(
    tokenizer: PreTrainedTokenizerBase, message: str, answer: str, earlier: Sequence[tuple[str, str]] = ()
) -> str:
    """What the assistant's turn adds after `prompt_text`, its end-of-turn mark included. earlier: turns before.

    Raises KitError when the chat template does not keep the prompt unchanged in front of the answer.
    """
    if not tokenizer.chat_template:
        return f" {answer}{tokenizer.eos_token}"
    whole = str(tokenizer.apply_chat_template(_chat((*earlier, (message, answer))), tokenize=False))
    start = prompt_text(tokenizer, message, earlier)
    if not whole.startswith(start):
        raise KitError("the checkpoint's chat template changes the prompt once it is answered: it cannot be trained on")
    return whole[len(start) :]


def encode(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Token ids of a text that already carries its special tokens."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def document_row(tokenizer: PreTrainedTokenizerBase, text: str, context_chars: int = 0) -> Row:
    """A document as it stands (with the tokenizer's start token, if it has one) and an end token; loss on all of it but
    the tokens of its first `context_chars` characters."""
    start = tokenizer.bos_token or ""
    context = len(encode(tokenizer, f"{start}{text[:context_chars]}")) if context_chars else 0
    ids = encode(tokenizer, f"{start}{text}{tokenizer.eos_token}")
    return Row(ids, ((context, len(ids)),))


def example_row(tokenizer: PreTrainedTokenizerBase, turns: Sequence[tuple[str, str]]) -> Row:
    """A finetuning example; loss on what the assistant says. The tokens before its last answer are exactly those that
    evaluation sends.

    Raises KitError for several turns where the template changes the earlier ones, or there is none.
    """
    texts = [
        (prompt_text(tokenizer, message, turns[:i]), completion_text(tokenizer, message, answer, turns[:i]))
        for i, (message, answer) in enumerate(turns)
    ]
    before, last = texts[-1]
    if not all(before.startswith(head + tail) for head, tail in texts[:-1]):
        raise KitError("the checkpoint has no chat template that keeps earlier turns as they were: train on single turns")
    given = encode(tokenizer, before)
    learned = [(len(encode(tokenizer, head)), len(encode(tokenizer, head + tail))) for head, tail in texts[:-1]]
    ids = given + encode(tokenizer, last)
    return Row(ids, (*learned, (len(given), len(ids))))


def cloze_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """The beginning of a document, to be continued."""
    return encode(tokenizer, f"{tokenizer.bos_token or ''}{text}")


def stop_ids(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The ids that end an answer: the end token, and the chat template's end-of-turn mark where that is another."""
    ids = {tokenizer.eos_token_id}
    if tokenizer.chat_template:
        tail = encode(tokenizer, completion_text(tokenizer, "?", "x"))
        ids |= {i for i in tail if i in tokenizer.all_special_ids}
    return sorted(i for i in ids if i is not None)
