"""What a training run starts from: a new model, a checkpoint, and what becomes of an adapter."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from kit.core.config import dump
from kit.core.errors import KitError, first_line
from kit.core.records import Content, Document, Example, Question
from kit.core.seeds import derive_seed
from kit.core.store import read_table, table_files
from kit.models.checkpoint import Adapter, Checkpoint, read
from kit.models.prompts import TASK_TURNS, question_turns, user_message
from kit.models.tiny import TinyConfig
from kit.models.tokens import Tokens
from kit.train.data import examples_of
from kit.train.recipes import LoraSettings, TrainConfig

if TYPE_CHECKING:
    from torch.nn import Linear
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def check_start(config: TrainConfig, checkpoint: Checkpoint | None) -> None:
    """Raises KitError for settings that mean nothing to what the run starts from."""
    if checkpoint is None:
        if config.lora or config.adapter:
            raise KitError("an adapter on a model that knows nothing learns little: pretrain first, and adapt what that makes")
        if config.trust_remote_code:
            raise KitError("the tiny model has no code of its own: leave trust_remote_code out")
        return
    if config.tiny != TinyConfig():
        raise KitError("tiny gives the sizes of a new model: leave it out, or start from --model tiny")
    if checkpoint.adapter and config.adapter in (None, "continue") and config.save_precision != "auto":
        raise KitError("save_precision is of whole models, and an adapter is left as it was trained: leave it out")
    if config.base_precision != "fp32" and not config.lora and not checkpoint.adapter:
        raise KitError("base_precision is of weights that an adapter is trained on: give lora, or leave it out")
    if not checkpoint.adapter:
        if config.adapter:
            raise KitError(f'adapter = "{config.adapter}" says what becomes of an adapter, and {checkpoint.source} has none')
        return
    if config.lora and config.adapter != "new" and (other := _difference(config.lora, checkpoint)):
        raise KitError(f"the model has an adapter already, {other}: leave lora out, or say -o adapter=new, or merge")


def _difference(lora: LoraSettings, checkpoint: Checkpoint) -> str | None:
    """In what the adapter of a checkpoint is not what `lora` asks for."""
    assert checkpoint.adapter
    made = _made(checkpoint.adapter)
    for name, wanted in dump(lora).items():
        if _sorted(wanted) != _sorted(made.get(name)):
            return f"its {name} is {made.get(name)}, not {wanted}"
    return None


def _made(adapter: Adapter) -> dict[str, Any]:
    """By which of our settings an adapter was made, by kit or by others."""
    peft = adapter.settings
    theirs = {name: peft.get(of) for name, of in (("rank", "r"), ("alpha", "lora_alpha"), ("dropout", "lora_dropout"))}
    return dict(adapter.made or {**theirs, "modules": _sorted(peft.get("target_modules"))})


def _sorted(modules: Any) -> Any:
    return sorted(modules) if isinstance(modules, list | tuple) else modules


class Start(NamedTuple):
    """What a run trains. adapter: the settings of the adapter that is trained, by kit or by whoever made it; base: what that is
    on."""

    network: PreTrainedModel
    tokens: Tokens
    window: int | None
    base: Checkpoint | None = None
    adapter: dict[str, Any] | None = None


def begin(config: TrainConfig, data: str, model: str, checkpoint: Checkpoint | None, out: Path | None) -> Start:
    """Load, or build, what a run trains. checkpoint: what `model` names, None for a new one. Weights that an adapter was merged
    into, and a new one is on, are left in `out`, unless that is None.

    Raises KitError for a checkpoint that does not load, or modules that it does not have.
    """
    from kit.models.load import check_vocabulary, choose_dtype, held_in, load
    from kit.models.tiny import build_model

    tokens = tokens_of(config, data, checkpoint)
    if checkpoint is None:
        new = build_model(config.tiny, tokens.tokenizer, derive_seed(config.seed, "model"))
        return Start(new, tokens, config.tiny.positions)
    if config.base_precision != "fp32" and choose_dtype(config.precision) != held_in(config.base_precision):
        raise KitError(
            f"base_precision = {config.base_precision} is computed with in bf16, which is slow on this device: "
            "say -o precision=bf16 if you mean it, or leave it out"
        )
    network: Any = load(checkpoint, trusted=config.trust_remote_code, frozen=config.base_precision)
    check_vocabulary(network, tokens, model)
    start = Start(network, tokens, checkpoint.window)
    if not checkpoint.adapter:
        return start._replace(**adapted(config, network, checkpoint)) if config.lora else start
    if config.adapter in (None, "continue"):
        _name_base(network, checkpoint.whole)
        return start._replace(base=checkpoint.whole, adapter=_made(checkpoint.adapter))
    merged = network.merge_and_unload().requires_grad_(True)
    if config.adapter == "merge":
        return start._replace(network=merged)
    base = checkpoint.whole
    if out:
        merged.save_pretrained(out / "base")
        tokens.tokenizer.save_pretrained(out / "base")
        base = read(str(out / "base"))
    return start._replace(**adapted(config, merged, base))


def adapted(config: TrainConfig, network: PreTrainedModel, base: Checkpoint) -> dict[str, Any]:
    """A new adapter on a base, its first weights drawn by the run's seed. Raises KitError for modules that the model does not
    have."""
    import torch
    from peft import LoraConfig, get_peft_model

    assert config.lora
    modules = config.lora.modules
    settings = LoraConfig(
        r=config.lora.rank,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout,
        target_modules=modules if isinstance(modules, str) else list(modules),
        exclude_modules=_not_adapted(network) if modules == "all-linear" else None,
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        torch.manual_seed(derive_seed(config.seed, "adapter"))
        warnings.simplefilter("ignore", RuntimeWarning)  # of experts that peft looks for by names that are not there
        try:
            adapted = get_peft_model(network, settings)
        except ValueError as error:
            linear = sorted({n.rpartition(".")[2] for n, m in network.named_modules() if isinstance(m, torch.nn.Linear)})
            raise KitError(f"lora.modules: {first_line(error)}; choose from {', '.join(linear)}") from None
    _name_base(adapted, base)
    return {"network": adapted, "base": base, "adapter": dump(config.lora)}


def _not_adapted(network: PreTrainedModel) -> list[str] | None:
    """The linear modules that peft cannot adapt: those that an architecture makes something else of than a product (a router that
    tells more, a product by groups), and those that Mamba's kernels read past."""
    import torch

    linear = {name: module for name, module in network.named_modules() if isinstance(module, torch.nn.Linear)}
    mamba = "mamba" in network.config.model_type
    return [name for name, module in linear.items() if not _product(module) or (mamba and name.endswith("out_proj"))] or None


def _product(module: Linear) -> bool:
    """Whether a module is a product with its weight, as its class says; one of an architecture's own is tried."""
    import torch

    if type(module).forward is torch.nn.Linear.forward or not type(module).__module__.startswith("transformers."):
        return True
    fed = torch.ones(1, 1, module.in_features, dtype=module.weight.dtype)
    try:
        found = module(fed)
        return torch.allclose(found, torch.nn.functional.linear(fed, module.weight, module.bias))
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError):
        return False


def _name_base(adapted: Any, base: Checkpoint) -> None:
    """Say in an adapter's own config what it is on."""
    told = adapted.peft_config["default"]
    told.base_model_name_or_path, told.revision = base.source, base.revision


def tokens_of(config: TrainConfig, data: str, checkpoint: Checkpoint | None) -> Tokens:
    """The tokenizer of what a run starts from, made anew for a new model."""
    from kit.models.load import load_tokenizer

    if checkpoint is None:
        return Tokens(new_tokenizer(config, data), config.chat)
    return Tokens(load_tokenizer(checkpoint, config.trust_remote_code), config.chat, checkpoint.stops)


def new_tokenizer(config: TrainConfig, data: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a new model, made for a run."""
    from kit.models.tiny import build_tokenizer

    return build_tokenizer(_texts(config, data))


def _texts(config: TrainConfig, data: str) -> Iterator[str]:
    """What a tokenizer made for a run must be able to write: every text of its data, and of examples from elsewhere."""
    for source in (data, *config.sources().values()):
        if Path(source).is_dir():
            yield from vocabulary_texts(Path(source))
            continue
        for example in examples_of(source, config.task, config.draw):
            with contextlib.suppress(KitError):  # a bad row is told, or counted, where it is trained on
                yield from (text for turn in example.read().turns for text in turn)


def vocabulary_texts(data: Path) -> Iterator[str]:
    """Every text of a data directory; a task's examples are among its items."""
    yield from (d.text for d in read_table(data / "documents.parquet", Document))
    for path in (data / "examples.parquet", *(data / f"examples_{content}.parquet" for content in get_args(Content))):
        if table_files(path)[0].exists():
            yield from (f"{e.prompt} {e.completion}" for e in read_table(path, Example))
    for name, (record, turns) in TASK_TURNS.items():
        if (path := data / f"{name}.parquet").exists():
            items: list[Any] = read_table(path, record)
            yield from (" ".join(turns(item, "cot")) for item in items)
    for q in (q for name in ("questions", "probes") for q in read_table(data / f"{name}.parquet", Question)):
        for style in ("cot", "direct"):
            yield user_message(q.text, style, q.context)
            yield question_turns(q, style)[1]
