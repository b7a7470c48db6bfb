"""The built-in tiny architecture: a Llama of a few million parameters and a word-level tokenizer made from a world's text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from kit.core.config import Config

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

PAD, EOS, UNKNOWN, USER, ASSISTANT = "<pad>", "<eos>", "<unk>", "<user>", "<assistant>"
CHAT_TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'user' %}<user>{{ m.content }}<assistant>"
    "{% else %}{{ m.content }}<eos>{% endif %}{% endfor %}"
)


class TinyConfig(Config):
    """Sizes of the tiny Llama (tied embeddings, SwiGLU). 256 x 2 is about 1.6 million parameters."""

    hidden: Annotated[int, Field(ge=8)] = 256
    layers: Annotated[int, Field(ge=1)] = 2
    heads: Annotated[int, Field(ge=1)] = 4
    intermediate: Annotated[int, Field(ge=8)] = 704
    positions: Annotated[int, Field(ge=16)] = 512

    @model_validator(mode="after")
    def _even_heads(self) -> TinyConfig:
        if self.hidden % (2 * self.heads):
            raise ValueError(f"a head's size must be whole and even: {self.hidden} hidden in {self.heads} heads is not")
        return self


def build_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """A word-level tokenizer whose vocabulary is every word, digit and mark of `texts` (sorted), with a chat template.

    A word keeps the blank before it, so that decoding gives the text back: decode(encode(t)) == t for single-spaced t.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    splitter = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always"),
            pre_tokenizers.Split(Regex(r"▁?\d|▁?[^\W\d]+|▁?[^\w\s▁]"), behavior="isolated"),
        ]
    )
    words: set[str] = set()
    seen: set[str] = set()
    for text in texts:
        # Sentences share most of their words: look only at what has not been seen, word by word with its blank.
        for piece in text.split(" "):
            if piece not in seen:
                seen.add(piece)
                words.update(token for token, _ in splitter.pre_tokenize_str(f"x {piece}")[1:])
    special = [PAD, EOS, UNKNOWN, USER, ASSISTANT]
    vocabulary = {token: i for i, token in enumerate([*special, *sorted(words)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = splitter
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNKNOWN,
        additional_special_tokens=[USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def build_model(config: TinyConfig, tokenizer: PreTrainedTokenizerBase, seed: int) -> PreTrainedModel:
    """A freshly initialised tiny Llama for `tokenizer`, the same for the same seed."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    from kit.models.load import attention

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoModelForCausalLM.from_config(
            LlamaConfig(
                vocab_size=len(tokenizer),
                hidden_size=config.hidden,
                intermediate_size=config.intermediate,
                num_hidden_layers=config.layers,
                num_attention_heads=config.heads,
                num_key_value_heads=config.heads,
                max_position_embeddings=config.positions,
                tie_word_embeddings=True,
                pad_token_id=tokenizer.pad_token_id,
                bos_token_id=None,
                eos_token_id=tokenizer.eos_token_id,
            ),
            attn_implementation=attention(LlamaForCausalLM, training=True),
        )
