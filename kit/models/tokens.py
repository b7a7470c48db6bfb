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
    """Token ids of one training row; the loss falls on positions `loss_from` and later."""

    input_ids: list[int]
    loss_from: int


def prompt_text(tokenizer: PreTrainedTokenizerBase, message: str, shots: Sequence[tuple[str, str]] = ()) -> str:
    """`message` as a user turn, ready for the assistant to answer; a plain question-answer frame without a template. shots:
    earlier turns, each of the user and the assistant."""
    if not tokenizer.chat_template:
        earlier = "".join(f"Question: {asked}\nAnswer: {answer}\n\n" for asked, answer in shots)
        return f"{tokenizer.bos_token or ''}{earlier}Question: {message}\nAnswer:"
    turns = [{"role": role, "content": text} for shot in shots for role, text in zip(("user", "assistant"), shot, strict=True)]
    turns.append({"role": "user", "content": message})
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def completion_text(tokenizer: PreTrainedTokenizerBase, message: str, answer: str) -> str:
    """What the assistant's turn adds after `prompt_text`, its end-of-turn mark included.

    Raises KitError when the chat template does not keep the prompt unchanged in front of the answer.
    """
    if not tokenizer.chat_template:
        return f" {answer}{tokenizer.eos_token}"
    turns = [{"role": "user", "content": message}, {"role": "assistant", "content": answer}]
    whole = str(tokenizer.apply_chat_template(turns, tokenize=False))
    start = prompt_text(tokenizer, message)
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
    return Row(encode(tokenizer, f"{start}{text}{tokenizer.eos_token}"), context)


def example_row(tokenizer: PreTrainedTokenizerBase, prompt: str, completion: str) -> Row:
    """A finetuning example; loss on the completion only. The prompt's tokens are exactly those evaluation sends."""
    head = encode(tokenizer, prompt_text(tokenizer, prompt))
    return Row(head + encode(tokenizer, completion_text(tokenizer, prompt, completion)), len(head))


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
