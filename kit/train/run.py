"""The train stage: data and a model in, a checkpoint out, whatever the recipe, the size or the architecture."""

from __future__ import annotations

import contextlib
import copy
import json
import shutil
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kit.core.config import dump
from kit.core.errors import KitError, first_line
from kit.core.records import Document, Example, Question, Shown
from kit.core.seeds import derive_seed
from kit.core.store import Stage, finished, intact_manifest, read_table, run_stage, stage_key, write_json, write_table
from kit.models.checkpoint import TINY, Adapter, Checkpoint, read, with_model, write_base
from kit.models.prompts import TASK_TURNS, question_turns, user_message
from kit.models.tiny import TinyConfig
from kit.models.tokens import Tokens
from kit.sources.reading import source_keys
from kit.train.data import examples_of, load_sources
from kit.train.dealing import DEALT, Schedule, deal, read_dealt, write_dealt
from kit.train.recipes import LoraSettings, TrainConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MAKES = ("model", "base", "history.json", "shown.parquet", DEALT)
"""What the stage makes in its directory. base: the weights that a new adapter is on, where an older one was merged into them."""


def train(config: TrainConfig, data: str, model: str, out: Path) -> Path:
    """Run one training stage into `out` unless it is there already; returns `out`.

    data: a directory made by the generate stage or, where only examples are learned, a file of rows or a hub data set id.
    model: a checkpoint directory, a train stage's directory, a hub id, or "tiny". Raises KitError for anything the user can
    mend; nothing is overwritten.
    """
    if Path(data).is_dir() and intact_manifest(Path(data)).stage != "generate":
        raise KitError(f"{data} is not a data directory made by kit generate")
    settings, inputs = dump(config), source_keys({"data": data, **config.sources()})
    resolved, inputs = with_start(settings, inputs, model)
    if finished(out, stage_key("train", resolved, inputs)):
        return out
    checkpoint = None if model == TINY else read(model)
    _check_start(config, checkpoint)
    with run_stage(out, "train", resolved, inputs, MAKES) as stage:
        stage.results.update(_train(config, data, model, checkpoint, stage))
    return out


def with_start(
    settings: dict[str, Any], inputs: dict[str, str], model: str, key: str | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """As `with_model`, for what a stage may start from: "tiny" is the built-in model, even beside a folder of that name."""
    return ({**settings, "model": TINY}, inputs) if model == TINY else with_model(settings, inputs, model, key)


def _check_start(config: TrainConfig, checkpoint: Checkpoint | None) -> None:
    """Raises KitError for settings that mean nothing to what the run starts from."""
    if checkpoint is None:
        if config.lora or config.adapter:
            raise KitError("an adapter on a model that knows nothing learns little: pretrain first, and adapt what that makes")
        return
    if config.tiny != TinyConfig():
        raise KitError("tiny gives the sizes of a new model: leave it out, or start from --model tiny")
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


def _start(config: TrainConfig, data: str, model: str, checkpoint: Checkpoint | None, out: Path) -> Start:
    from kit.models.load import check_vocabulary, load, load_tokenizer
    from kit.models.tiny import build_model, build_tokenizer

    if checkpoint is None:
        made = build_tokenizer(_texts(config, data))
        new = build_model(config.tiny, made, derive_seed(config.seed, "model"))
        return Start(new, Tokens(made, config.chat), config.tiny.positions)
    tokens = Tokens(load_tokenizer(checkpoint), config.chat, checkpoint.stops)
    network: Any = load(checkpoint)
    check_vocabulary(network, tokens, model)
    start = Start(network, tokens, checkpoint.window)
    if not checkpoint.adapter:
        return start._replace(**_adapted(config, network, checkpoint)) if config.lora else start
    if config.adapter in (None, "continue"):
        _name_base(network, checkpoint.whole)
        return start._replace(base=checkpoint.whole, adapter=_made(checkpoint.adapter))
    merged = network.merge_and_unload().requires_grad_(True)
    if config.adapter == "merge":
        return start._replace(network=merged)
    merged.save_pretrained(out / "base")
    tokens.tokenizer.save_pretrained(out / "base")
    return start._replace(**_adapted(config, merged, read(str(out / "base"))))


def _adapted(config: TrainConfig, network: PreTrainedModel, base: Checkpoint) -> dict[str, Any]:
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
    """The linear modules that peft cannot adapt: routers that tell more than a product, and those that Mamba's kernels read
    past."""
    names = [name for name, _ in network.named_modules()]
    mamba = ("out_proj", "conv1d") if "mamba" in network.config.model_type else ()
    return [name for name in names if name.rpartition(".")[2] in ("router", *mamba)] or None


def _name_base(adapted: Any, base: Checkpoint) -> None:
    """Say in an adapter's own config what it is on."""
    told = adapted.peft_config["default"]
    told.base_model_name_or_path, told.revision = base.source, base.revision


def _train(config: TrainConfig, data: str, model: str, checkpoint: Checkpoint | None, stage: Stage) -> dict[str, float]:
    import torch

    from kit.models.load import Original, mend_generation, save

    if torch.cuda.device_count() > 1:
        raise KitError(f"{torch.cuda.device_count()} GPUs are visible, and a run trains on one: set CUDA_VISIBLE_DEVICES=0")
    torch.set_num_threads(config.threads)
    out = stage.directory
    start = _start(config, data, model, checkpoint, out)
    network, tokens = start.network, start.tokens
    stage.notes += mend_generation(network)
    sources, skipped, conversations = load_sources(config, data, tokens, start.window)
    taught = "examples" in sources
    if taught:
        stage.notes += tokens.notes(conversations)
    experts = [(name, p) for name, p in network.named_parameters() if ".experts." in name]
    if start.adapter and any(p.ndim == 3 for _, p in experts) and not any(p.requires_grad for _, p in experts):
        stage.notes.append("the experts of a layer are stored as one tensor: the adapter is on none of them")
    earlier = [] if checkpoint is None else read_dealt(model)
    schedule = deal(sources, config.mixture(), config.step_count(), config.seed, earlier, config.rate)
    original = Original(network)
    history = fit(network, tokens, schedule, config, stage.working / "trainer")
    original.restore()
    if taught and not tokens.template.own:
        tokens.tokenizer.chat_template = tokens.template.source  # so that another server asks as was taught
    save(network, tokens.tokenizer, tokens.stops if taught else tokens.declared, out / "model")
    if start.base and start.adapter:
        write_base(out / "model", start.base, start.adapter)
    write_json(out / "history.json", history)
    write_table(out / "shown.parquet", Shown, schedule.shown)
    write_dealt(out, schedule.dealt)
    return {
        "steps": config.step_count(),
        "rows": len(schedule.rows),
        "tokens": sum(len(r.input_ids) for r in schedule.rows),
        "parameters": sum(p.numel() for p in network.parameters()),
        "trained_parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
        "final_loss": next((h["loss"] for h in reversed(history) if "loss" in h), float("nan")),
        "skipped_rows": len(skipped),
    }


def _texts(config: TrainConfig, data: str) -> Iterator[str]:
    """What a tokenizer made for a run must be able to write: every text of its data, and of examples from elsewhere."""
    for source in (data, *config.sources().values()):
        if Path(source).is_dir():
            yield from vocabulary_texts(Path(source))
            continue
        for _, example in examples_of(source, config.task, config.draw):
            with contextlib.suppress(KitError):  # a bad row is told, or counted, where it is trained on
                yield from (text for turn in example().turns for text in turn)


def vocabulary_texts(data: Path) -> Iterator[str]:
    """Every text of a data directory; a task's examples are among its items."""
    yield from (d.text for d in read_table(data / "documents.parquet", Document))
    yield from (f"{e.prompt} {e.completion}" for e in read_table(data / "examples.parquet", Example))
    for name, (record, turns) in TASK_TURNS.items():
        if (path := data / f"{name}.parquet").exists():
            items: list[Any] = read_table(path, record)
            yield from (" ".join(turns(item, "cot")) for item in items)
    for q in (q for name in ("questions", "probes") for q in read_table(data / f"{name}.parquet", Question)):
        for style in ("cot", "direct"):
            yield user_message(q.text, style, q.context)
            yield question_turns(q, style)[1]


def _last_checkpoint(working: Path) -> str | None:
    """The newest whole checkpoint of an interrupted run. Its state is the last file the trainer writes: a folder without
    a readable one was torn by the interruption and is dropped."""
    whole: dict[int, Path] = {}
    for folder in working.glob("checkpoint-*"):
        try:
            whole[int(json.loads((folder / "trainer_state.json").read_text("utf-8"))["global_step"])] = folder
        except (OSError, ValueError, KeyError):
            shutil.rmtree(folder)
    return str(whole[max(whole)]) if whole else None


def fit(network: PreTrainedModel, tokens: Tokens, schedule: Schedule, config: TrainConfig, working: Path) -> list[dict[str, Any]]:
    """Train in place with trl's SFTTrainer, rows in the order of the schedule; returns the log history. working: where it keeps
    checkpoints, and goes on from the last."""
    import torch
    from datasets import Dataset
    from torch.utils.data import SequentialSampler
    from transformers import PrinterCallback, set_seed
    from transformers.utils import logging
    from trl import SFTConfig, SFTTrainer

    from kit.models.load import choose_dtype
    from kit.train.loss import StepLoss
    from kit.train.muon import muon_for

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    batch = sum(config.mixture().values())
    micro = config.micro_batch or batch
    step_loss = StepLoss(network, batch)

    class DealtTrainer(SFTTrainer):
        """trl's trainer with rows in the order they are dealt, and a plain loss: trl's chunked head costs a third of a small
        model's speed."""

        def compute_loss(
            self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            labels = inputs.pop("labels")
            outputs = model(**inputs)
            loss = step_loss(outputs, labels, inputs["attention_mask"], num_items_in_batch)
            return (loss, outputs) if return_outputs else loss

        def _get_train_sampler(self, *args: Any, **kwargs: Any) -> SequentialSampler:
            return SequentialSampler(dataset)

    def collate(rows: Iterable[dict[str, Any]]) -> dict[str, torch.Tensor]:
        held = list(rows)
        width = max(len(r["input_ids"]) for r in held)

        def padded(values: list[list[int]], filler: int) -> torch.Tensor:
            return torch.tensor([v + [filler] * (width - len(v)) for v in values])

        ids = [r["input_ids"] for r in held]
        return {
            "input_ids": padded(ids, tokens.pad),
            "attention_mask": padded([[1] * len(i) for i in ids], 0),
            "labels": padded([r["labels"] for r in held], -100),
        }

    steps = config.step_count()
    every = config.checkpoint_every
    arguments = SFTConfig(
        output_dir=str(working),
        max_steps=steps,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=batch // micro,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=round(config.warmup * steps),
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_gradient_norm,
        optim="adamw_torch",
        adam_beta2=0.95,
        bf16=choose_dtype(config.precision) == torch.bfloat16,
        activation_checkpointing=config.gradient_checkpointing,
        use_cpu=not torch.cuda.is_available(),
        save_strategy="steps" if every else "no",
        save_steps=every or 500,
        save_total_limit=1,
        logging_steps=max(1, steps // 50),
        report_to="none",
        disable_tqdm=not sys.stderr.isatty(),
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        max_length=None,
        seed=derive_seed(config.seed, "trainer"),
    )
    set_seed(arguments.seed)
    dataset = Dataset.from_dict(
        {"input_ids": [r.input_ids for r in schedule.rows], "labels": [r.labels() for r in schedule.rows]}
    )
    optimizer = muon_for(network, config.learning_rate, config.weight_decay) if config.optimizer == "muon" else None
    # trl gives a tokenizer without padding one: not to the one that is saved.
    lent = copy.deepcopy(tokens.tokenizer)
    lent.pad_token = lent.convert_ids_to_tokens(tokens.pad)
    trainer = DealtTrainer(
        model=network,
        args=arguments,
        train_dataset=dataset,
        processing_class=lent,
        data_collator=collate,
        optimizers=(optimizer, None),
    )
    if hasattr(text := network.config.get_text_config(), "output_router_logits"):
        text.output_router_logits = step_loss.weight > 0  # one without experts fails where it is asked for its router's logits
    # The loss is of the whole step, whatever the model's own forward takes: transformers counts its tokens, and divides by
    # nothing.
    trainer.model_accepts_loss_kwargs = True
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=_last_checkpoint(working))
    return [dict(entry) for entry in trainer.state.log_history]
