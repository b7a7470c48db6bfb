"""Loading a checkpoint: a directory, a hub id, or a directory with a LoRA adapter, all through the same door."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from kit.core.errors import KitError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Precision = Literal["auto", "fp32", "bf16"]


def choose_dtype(precision: Precision) -> torch.dtype:
    """bf16 where the hardware multiplies it fast (a GPU, or a CPU with AMX or AVX512-BF16), else fp32.

    Without those instructions a CPU emulates bf16: measured 30 times slower than fp32 on an AVX2 machine.
    """
    import torch

    if precision != "auto":
        return {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if fast else torch.float32


def load_tokenizer(source: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint; padding is its end token where it has none. Raises KitError when there is none."""
    from transformers import AutoTokenizer

    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError, KeyError) as error:
        raise KitError(f"no tokenizer can be loaded from {source}: {_first_line(error)}") from None
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(source: str, dtype: torch.dtype | None = None) -> PreTrainedModel:
    """A causal language model; where `source` holds a LoRA adapter, its base with the adapter attached.

    dtype: None keeps fp32 master weights (for training). Raises KitError when nothing loads.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    wanted = dtype or torch.float32
    adapter = Path(source) / "adapter_config.json"
    try:
        if adapter.exists():
            from peft import PeftModel

            base = json.loads(adapter.read_text("utf-8"))["base_model_name_or_path"]
            # A PeftModel answers every call of the model it wraps.
            adapted = PeftModel.from_pretrained(load_model(base, dtype), source, is_trainable=dtype is None)
            return cast("PreTrainedModel", adapted)
        return AutoModelForCausalLM.from_pretrained(source, dtype=wanted, attn_implementation=attention(training=dtype is None))
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise KitError(f"no model can be loaded from {source}: {_first_line(error)}") from None


def attention(training: bool) -> str:
    """torch's own attention, but eager for training on a CPU, where flash's backward took 45 % of a step."""
    import torch

    return "eager" if training and not torch.cuda.is_available() else "sdpa"


def check_vocabulary(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, source: str) -> None:
    """Raises KitError when the tokenizer makes ids that the model has no embedding for."""
    rows = int(cast("torch.nn.Embedding", model.get_input_embeddings()).num_embeddings)
    if len(tokenizer) > rows:
        raise KitError(
            f"{source}: the tokenizer has {len(tokenizer)} tokens but the model embeds {rows}: they do not belong together"
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def checkpoint_path(model: str) -> str:
    """Where the weights of `model` are: a train stage keeps them in its `model` folder; anything else is itself."""
    inside = Path(model) / "model"
    return str(inside) if inside.is_dir() else model
