"""The train stage: data and a model in, a checkpoint out, whatever the recipe, the size or the architecture."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.core.config import dump
from kit.core.errors import KitError
from kit.core.records import Document, Example, Question, Shown
from kit.core.seeds import derive_seed
from kit.core.store import (
    finished,
    intact_manifest,
    read_table,
    run_stage,
    stage_key,
    with_model,
    write_json,
    write_table,
)
from kit.models.prompts import TASK_TURNS, question_turns, user_message
from kit.sources.reading import source_keys
from kit.train.data import examples_of, load_sources
from kit.train.dealing import Schedule, deal, read_dealt, write_dealt
from kit.train.recipes import TrainConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TINY = "tiny"
"""The model name that builds the embedded default instead of loading a checkpoint."""


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
    with run_stage(out, "train", resolved, inputs) as stage:
        stage.results.update(_train(config, data, model, out))
    return out


def with_start(
    settings: dict[str, Any], inputs: dict[str, str], model: str, key: str | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """As `with_model`, for what a stage may start from: "tiny" is the built-in model, even beside a folder of that name."""
    return ({**settings, "model": TINY}, inputs) if model == TINY else with_model(settings, inputs, model, key)


def _train(config: TrainConfig, data: str, model: str, out: Path) -> dict[str, float]:
    import torch

    from kit.models.load import check_vocabulary, checkpoint_path, load_model, load_tokenizer
    from kit.models.tiny import build_model, build_tokenizer

    torch.set_num_threads(config.threads)
    if model == TINY:
        tokenizer: PreTrainedTokenizerBase = build_tokenizer(_texts(config, data))
        network: PreTrainedModel = build_model(config.tiny, tokenizer, derive_seed(config.seed, "model"))
    else:
        source = checkpoint_path(model)
        tokenizer, network = load_tokenizer(source), load_model(source)
        check_vocabulary(network, tokenizer, model)
    if config.lora and not hasattr(network, "peft_config"):
        network = _with_adapter(network, config)
    sources, skipped = load_sources(config, data, tokenizer)
    earlier = [] if model == TINY else read_dealt(model)
    schedule = deal(sources, config.mixture(), config.step_count(), config.seed, earlier, config.rate)
    history = fit(network, tokenizer, schedule, config, out)
    target = out / "model"
    network.save_pretrained(target)
    for told in ("is_local", "local_files_only"):
        # Where it was read from is no part of what it is.
        tokenizer.init_kwargs.pop(told, None)
    tokenizer.save_pretrained(target)
    write_json(out / "history.json", history)
    write_table(out / "shown.parquet", Shown, schedule.shown)
    write_dealt(out, schedule.dealt)
    shutil.rmtree(out / ".trainer", ignore_errors=True)
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
        for _, read in examples_of(source, config.task, config.draw):
            with contextlib.suppress(KitError):  # a bad row is told, or counted, where it is trained on
                yield from (text for turn in read().turns for text in turn)


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


def _with_adapter(network: PreTrainedModel, config: TrainConfig) -> PreTrainedModel:
    from peft import LoraConfig, get_peft_model

    assert config.lora
    modules = config.lora.modules
    settings = LoraConfig(
        r=config.lora.rank,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout,
        target_modules=modules if isinstance(modules, str) else list(modules),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(network, settings)  # type: ignore[return-value]  # behaves as the model it wraps


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


def fit(
    network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, schedule: Schedule, config: TrainConfig, out: Path
) -> list[dict[str, Any]]:
    """Train in place with trl's SFTTrainer, rows in the order of the schedule; returns the log history."""
    import torch
    from datasets import Dataset
    from torch.utils.data import SequentialSampler
    from transformers import PrinterCallback, Trainer, set_seed
    from transformers.utils import logging
    from trl import SFTConfig, SFTTrainer

    from kit.models.load import choose_dtype
    from kit.train.muon import muon_for

    logging.set_verbosity_error()
    logging.disable_progress_bar()

    class DelegatedLossTrainer(SFTTrainer):
        """trl's trainer with transformers' loss (equal within 1e-4; trl's chunked head costs a third of a small model's
        speed) and rows in the order they are dealt."""

        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            return Trainer.compute_loss(self, *args, **kwargs)

        def _get_train_sampler(self, *args: Any, **kwargs: Any) -> SequentialSampler:
            return SequentialSampler(dataset)

    def collate(rows: Iterable[dict[str, Any]]) -> dict[str, torch.Tensor]:
        batch = list(rows)
        width = max(len(r["input_ids"]) for r in batch)
        pad = tokenizer.pad_token_id

        def padded(values: list[list[int]], filler: int) -> torch.Tensor:
            return torch.tensor([v + [filler] * (width - len(v)) for v in values])

        ids = [r["input_ids"] for r in batch]
        return {
            "input_ids": padded(ids, pad),
            "attention_mask": padded([[1] * len(i) for i in ids], 0),
            "labels": padded([r["labels"] for r in batch], -100),
        }

    batch = sum(config.mixture().values())
    micro = config.micro_batch or batch
    steps = config.step_count()
    working = out / ".trainer"
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
    trainer = DelegatedLossTrainer(
        model=network,
        args=arguments,
        train_dataset=dataset,
        processing_class=tokenizer,
        data_collator=collate,
        optimizers=(optimizer, None),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=_last_checkpoint(working))
    return [dict(entry) for entry in trainer.state.log_history]
