"""Loading a checkpoint and saving one: whole models and LoRA adapters, of any architecture, all through the same door."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from kit.core.errors import KitError, first_line
from kit.core.store import write_json
from kit.models.checkpoint import Checkpoint, check_kept

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from kit.models.tokens import Tokens

Precision = Literal["auto", "fp32", "bf16"]

Frozen = Literal["fp32", "bf16", "nf4"]
"""How weights that are not trained may be held: nf4, in four bits (QLoRA, arXiv 2305.14314, section 3), embeddings and norms in
bf16."""

_SET_BY_TRAINERS = ("bos_token_id", "eos_token_id", "pad_token_id", "output_router_logits", "router_aux_loss_coef")


def choose_dtype(precision: Precision) -> torch.dtype:
    """bf16 where the hardware multiplies it fast (a GPU of Ampere or later, or a CPU with AMX or AVX512-BF16), else fp32.

    Without those instructions it is emulated: measured 30 times slower than fp32 on an AVX2 machine.
    """
    import torch

    if precision != "auto":
        return {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if fast else torch.float32


def load_tokenizer(checkpoint: Checkpoint, trusted: bool = False) -> PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint, as it came; an adapter without one has its base's. trusted: its own code may be run. Raises
    KitError when there is none."""
    from transformers import AutoTokenizer

    place = checkpoint.tokenizer
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(place.files, trust_remote_code=trusted)
    except (OSError, ValueError, KeyError, AttributeError, ImportError) as error:
        raise KitError(f"no tokenizer can be loaded from {place.source}: {_told(error)}") from None
    if not tokenizer.is_fast:
        raise KitError(f"the tokenizer of {place.source} does not tell where its tokens stand: kit needs a fast one")
    return tokenizer


def load(
    checkpoint: Checkpoint,
    dtype: torch.dtype | None = None,
    trusted: bool = False,
    spread: bool = False,
    frozen: Frozen = "fp32",
) -> PreTrainedModel:
    """A causal language model; where the checkpoint is an adapter, its base with the adapter attached.

    dtype: None keeps fp32 master weights, for training. trusted: the checkpoint's own code may be run. spread: over all visible
    GPUs, layer by layer. frozen: of a model to train an adapter on, how its weights are held. Raises KitError when nothing loads,
    when weights are missing (they would be drawn at random), or when the model looks ahead.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()
    check_kept(checkpoint)
    if not checkpoint.adapter:
        return _whole(checkpoint, dtype, trusted, spread, frozen)
    from peft import PeftModel

    base = load(checkpoint.adapter.base, dtype, trusted, spread, frozen)
    with _clearly(checkpoint), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of experts that peft looks for by names that are not there
        # A PeftModel answers every call of the model it wraps.
        adapted = PeftModel.from_pretrained(base, checkpoint.source, revision=checkpoint.revision, is_trainable=dtype is None)
    return cast("PreTrainedModel", adapted)


def held_in(frozen: Frozen) -> torch.dtype:
    """The type of weights that are not trained; in four bits, of those that are left whole."""
    import torch

    return torch.float32 if frozen == "fp32" else torch.bfloat16


def _four_bits() -> Any:
    """How weights are held in four bits: normal floats, their scales quantized too, computed with in bf16."""
    import torch
    from transformers import BitsAndBytesConfig

    try:
        import_module("bitsandbytes")
    except ImportError:
        raise KitError(
            "weights in four bits need bitsandbytes: pip install 'knowledge-injection-kit[4bit]', or base_precision = bf16"
        ) from None
    how: Any = BitsAndBytesConfig
    return how(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16
    )


def elements(parameter: torch.nn.Parameter) -> int:
    """How many numbers a weight is of, where four bits hold two of them in one as well."""
    quantized = getattr(parameter, "quant_state", None)
    return int(quantized.shape.numel()) if quantized is not None else parameter.numel()


def _whole(checkpoint: Checkpoint, dtype: torch.dtype | None, trusted: bool, spread: bool, frozen: Frozen) -> PreTrainedModel:
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.dynamic_module_utils import get_class_from_dynamic_module
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    with _clearly(checkpoint):
        config = AutoConfig.from_pretrained(checkpoint.source, revision=checkpoint.revision, trust_remote_code=trusted)
        kind: Any = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
        if trusted and kind is None and "AutoModelForCausalLM" in (getattr(config, "auto_map", None) or {}):
            kind = get_class_from_dynamic_module(
                config.auto_map["AutoModelForCausalLM"], checkpoint.source, revision=checkpoint.revision
            )
        if kind is None or getattr(config, "is_decoder", True) is False:
            raise KitError(f"{checkpoint.source} is no causal language model, but of the kind {config.model_type}")
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            checkpoint.source,
            revision=checkpoint.revision,
            dtype=dtype or held_in(frozen),
            quantization_config=_four_bits() if frozen == "nf4" else None,
            attn_implementation=attention(kind, training=dtype is None),
            output_loading_info=True,
            trust_remote_code=trusted,
            device_map="auto" if spread else None,
        )
    model, told = loaded
    if missing := sorted(told["missing_keys"]):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise KitError(f"{checkpoint.source} lacks weights: {missing[0]}{more}: they would be drawn at random")
    # A padding index stops an embedding from learning, and where padding is the end token that of the end.
    embedding = model.get_input_embeddings()
    if getattr(embedding, "padding_idx", None) is not None:
        embedding.padding_idx = None
    return cast("PreTrainedModel", model)


@contextlib.contextmanager
def _clearly(checkpoint: Checkpoint) -> Iterator[None]:
    """What libraries raise over a checkpoint's files, in one line."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError, SafetensorError) as error:
        if "out of memory" in str(error):
            raise
        raise KitError(f"no model can be loaded from {checkpoint.source}: {_told(error)}") from None


def _told(error: Exception) -> str:
    """What a library raised, in one line."""
    if "trust_remote_code" in str(error):
        return "it comes with code of its own: read that, and set -o trust_remote_code=true if it may be run"
    return first_line(error)


def attention(kind: type[Any], training: bool, gpu: bool | None = None) -> str | None:
    """torch's own attention where the architecture has it, but eager for training on a CPU, where flash's backward took 45 % of a
    step; None leaves it to an architecture that has no choice. gpu: on one, or (None) as it is here."""
    import torch

    if not getattr(kind, "_supports_sdpa", False):
        return None
    gpu = torch.cuda.is_available() if gpu is None else gpu
    return "sdpa" if gpu or not training else "eager"


def check_vocabulary(model: PreTrainedModel, tokens: Tokens, source: str) -> None:
    """Raises KitError when the tokenizer makes ids that the model has no embedding for. An added token that no text is made of
    (Gemma-3-1B has one for images) is none of them; should a text hold it, that is refused then."""
    rows = int(cast("torch.nn.Embedding", model.get_input_embeddings()).weight.shape[0])
    size = len(tokens.tokenizer)
    if size <= rows:
        return
    if not all(i in tokens.tokenizer.added_tokens_decoder for i in range(rows, size)) or max(tokens.stops, default=0) >= rows:
        raise KitError(f"{source}: the tokenizer has {size} tokens but the model embeds {rows}: they do not belong together")
    tokens.embedded = rows


def mend_generation(network: PreTrainedModel) -> list[str]:
    """Make a generation config that transformers would refuse to save one that it saves; what was mended, for readers.

    Raises KitError where it cannot be.
    """
    config: Any = network.generation_config
    if config is None:
        return []
    try:
        config.validate(strict=True)
        return []
    except ValueError as error:
        told = first_line(error)
    # What published checkpoints get wrong: settings of sampling beside do_sample = false.
    config.do_sample = True
    try:
        config.validate(strict=True)
    except ValueError:
        raise KitError(f"the checkpoint's generation_config.json could not be saved again: {told}: mend it") from None
    return ["the checkpoint's generation config says how to sample but not to: do_sample was set, or it could not be saved"]


class Original:
    """What a model's configs came with of that which trainers set to their own needs, and which would stay in what is saved."""

    def __init__(self, network: PreTrainedModel) -> None:
        config = network.config
        configs = {id(c): c for c in (config, config.get_text_config(), network.generation_config) if c is not None}
        self._configs = list(configs.values())
        self._kept = self._read()

    def _read(self) -> list[dict[str, Any]]:
        return [{n: getattr(c, n) for n in _SET_BY_TRAINERS if hasattr(c, n)} for c in self._configs]

    def _write(self, kept: list[dict[str, Any]]) -> None:
        for config, values in zip(self._configs, kept, strict=True):
            for name in _SET_BY_TRAINERS:
                if name in values:
                    setattr(config, name, values[name])
                elif hasattr(config, name):
                    delattr(config, name)

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        """A block in which it is as it came."""
        theirs = self._read()
        self._write(self._kept)
        try:
            yield
        finally:
            self._write(theirs)


def tied_weights(network: PreTrainedModel) -> set[str]:
    """The names under which weights stand that stand under another one already."""
    own = {name for named in (network.named_parameters, network.named_buffers) for name, _ in named()}
    return set(network.state_dict().keys() - own)


def save(
    network: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    stops: Sequence[int],
    out: Path,
    weights: dict[str, torch.Tensor] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """A checkpoint as transformers, peft and servers read it. stops: the ids that end an answer, for its generation config, so
    that another server stops too. weights: all of them, where the network holds a part. dtype: of the weights in the file, where
    it is another; an adapter's stay as they are."""
    generation = network.generation_config
    if generation is not None:
        generation.eos_token_id = list(stops) if len(stops) > 1 else stops[0] if stops else None
    for adapter in getattr(network, "peft_config", {}).values():
        for name, value in vars(adapter).items():
            if isinstance(value, set):
                setattr(adapter, name, sorted(value))  # or its order in the file is that of hashes
    rounded = dtype not in (None, network.dtype) and not hasattr(network, "peft_config")
    if rounded:
        tied = tied_weights(network)
        held = weights or {name: tensor for name, tensor in network.state_dict().items() if name not in tied}
        weights = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in held.items()}
    network.save_pretrained(out, state_dict=weights)
    if rounded:
        told = json.loads((out / "config.json").read_text("utf-8"))
        write_json(out / "config.json", {**told, "dtype": str(dtype).removeprefix("torch.")})
    if generation is not None:
        generation.save_pretrained(out)  # an adapter leaves it to its base
    for told in ("is_local", "local_files_only"):
        # Where it was read from is no part of what it is.
        tokenizer.init_kwargs.pop(told, None)
    tokenizer.save_pretrained(out)
