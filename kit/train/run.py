"""The train stage: data and a model in, a checkpoint out, whatever the recipe, the size or the architecture."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kit.core.config import dump
from kit.core.devices import device_named, operations
from kit.core.errors import KitError
from kit.core.records import ASKED, Shown
from kit.core.seeds import derive_seed
from kit.core.store import PROGRESS, UNFINISHED, Stage, finished, intact_manifest, run_stage, stage_key, write_json, write_table
from kit.models.checkpoint import TINY, Checkpoint, read, with_model, write_base
from kit.models.tokens import Row, Tokens
from kit.sources.published import as_named, local
from kit.sources.reading import source_keys
from kit.train.data import kept_sources, load_sources
from kit.train.dealing import DEALT, Schedule, Split, read_dealt, schedule_of, write_dealt
from kit.train.memory import too_much
from kit.train.ranks import Ranks, joined, launch, launched
from kit.train.recipes import TrainConfig
from kit.train.start import begin, check_start

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from kit.train.probing import Probe

HISTORY = "history.json"
"""In a run's directory, what its trainer logged."""

EVENTS = "tensorboard"
"""In a run's directory, the folder of TensorBoard's events."""

STEPS = "steps"
"""In a run's directory, the folder of the checkpoints that it was to keep on the way."""

KEPT = "kept.json"
"""Of a run that was to keep some, by step: the digest of all rows that were learned until then."""

MAKES = ("model", STEPS, KEPT, "base", HISTORY, "shown.parquet", DEALT, EVENTS)
"""What the stage makes in its directory. base: the weights that a new adapter is on, where an older one was merged into them;
tensorboard: events of its log, where that is installed."""


def train(config: TrainConfig, data: str, model: str, out: Path) -> Path:
    """Run one training stage into `out` unless it is there already; returns `out`.

    data: a directory made by the generate stage, a published world (ORG/NAME@TAG) or, where only examples are learned, a file
    of rows or a hub data set id. model: a checkpoint directory, a train stage's directory, a hub id, or "tiny". Raises KitError
    for anything the user can mend; nothing is overwritten.
    """
    run = prepared(config, data, model)
    if finished(out, run.key):
        return out
    checkpoint = None if model == TINY else read(model)
    check_start(run.config, checkpoint)
    if config.devices > 1 and not launched():
        launch(config.devices, partial(train, config, data, model, out))
        return out
    with joined(config.devices, config.threads, config.parallel == "fsdp") as ranks:
        with _stage(ranks, out, run) as stage:
            stage.results.update(_train(run.config, run.data, model, checkpoint, run.inputs, stage, ranks))
        ranks.all(None)  # it is finished for all of them
    return out


@dataclass(frozen=True)
class Prepared:
    """A run as it is named and as it is done. settings, inputs: what its key is made of; config, data: the same with what is
    published as local directories."""

    settings: dict[str, Any]
    inputs: dict[str, str]
    config: TrainConfig
    data: str

    @property
    def key(self) -> str:
        """Of the stage."""
        return stage_key("train", self.settings, self.inputs)


def prepared(config: TrainConfig, data: str, model: str) -> Prepared:
    """What `train` is told, looked at before anything is done. Raises KitError as that does."""
    settings, inputs = {**dump(config), **as_named(data)}, source_keys({"data": data, **config.sources()})
    data, config = local(data), config.model_copy(update={name: local(source) for name, source in config.sources().items()})
    if Path(data).is_dir() and intact_manifest(Path(data)).stage != "generate":
        raise KitError(f"{data} is not a data directory made by kit generate")
    return Prepared(*with_start(settings, inputs, model), config, data)


@contextlib.contextmanager
def _stage(ranks: Ranks, out: Path, run: Prepared) -> Iterator[Stage]:
    """The stage, which the first rank holds; what the others tell of it is dropped."""
    if ranks.first:
        with run_stage(out, "train", run.settings, run.inputs, MAKES, alone=False) as stage:
            ranks.all(None)
            yield stage
    else:
        ranks.all(None)  # the first has begun it
        yield Stage(out, out / UNFINISHED)


def with_start(
    settings: dict[str, Any], inputs: dict[str, str], model: str, key: str | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """As `with_model`, for what a stage may start from: "tiny" is the built-in model, even beside a folder of that name."""
    return ({**settings, "model": TINY}, inputs) if model == TINY else with_model(settings, inputs, model, key)


def _give_back_at_once() -> None:
    """On a CPU, have what tensors took be given back to the system when they go. glibc keeps it otherwise, in pieces that the
    next ones do not fit into: a tenth to a third more than is in use, for no time saved (both measured)."""
    with contextlib.suppress(OSError, AttributeError):  # another libc has no such setting, nor perhaps the need
        ctypes.CDLL(None).mallopt(-3, 1 << 20)  # M_MMAP_THRESHOLD


def _train(
    config: TrainConfig,
    data: str,
    model: str,
    checkpoint: Checkpoint | None,
    inputs: dict[str, str],
    stage: Stage,
    ranks: Ranks,
) -> dict[str, float]:
    import torch

    from kit.models.load import Original, choose_dtype, elements, mend_generation, save
    from kit.train.probing import probes_of

    if not torch.cuda.is_available():
        _give_back_at_once()
    out, rows = stage.directory, stage.working / "rows"
    with ranks.together() as same:
        same["configuration"], same["data"] = dump(config), inputs
        start = begin(config, data, model, checkpoint, out if ranks.first else None)
        network, tokens = start.network, start.tokens
        stage.notes += mend_generation(network)
        if ranks.first:  # for all of them
            load_sources(config, data, tokens, start.window, rows)
    with ranks.together() as same:
        sources, skipped, conversations, trimmed = kept_sources(config, rows)
        taught = bool(sources.keys() & set(ASKED))
        if taught:
            stage.notes += tokens.notes(conversations, trimmed)
        experts = [(name, p) for name, p in network.named_parameters() if ".experts." in name]
        if start.adapter and any(p.ndim == 3 for _, p in experts) and not any(p.requires_grad for _, p in experts):
            stage.notes.append("the experts of a layer are stored as one tensor: the adapter is on none of them")
        earlier = [] if checkpoint is None else read_dealt(model)
        schedule = schedule_of(config, sources, earlier)
        if ranks.count > 1:
            same["model"] = [(name, tuple(p.shape)) for name, p in network.named_parameters()]
            same["data"] = schedule.digest
    if taught and not tokens.template.own:
        tokens.tokenizer.chat_template = tokens.template.source  # so that another server asks as was taught
    probes = probes_of(Path(data), [*config.mixture()], config.probes, tokens) if config.probes else {}
    original = Original(network)

    def leave(place: Path, weights: dict[str, torch.Tensor] | None) -> None:
        if not ranks.first:
            return
        with original.restored():
            how = config.save_precision if config.save_precision != "auto" else config.precision
            save(network, tokens.tokenizer, tokens.stops if taught else tokens.declared, place, weights, choose_dtype(how))
        if start.base and start.adapter:
            write_base(place, start.base, start.adapter)

    try:
        history = fit(network, tokens, schedule, config, stage, ranks, leave, probes)
    except torch.OutOfMemoryError:
        raise KitError(too_much(config, data, model, rows)) from None
    if not ranks.first:
        return {}
    if config.keep:
        write_json(out / KEPT, {str(step): said for step, said in schedule.digests(config.keep).items()})
    counts = {
        "parameters": sum(map(elements, network.parameters())),
        "trained_parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
    }
    return told(out, schedule, history, len(skipped)) | counts


def told(out: Path, schedule: Schedule, history: list[dict[str, Any]], skipped: int) -> dict[str, float]:
    """Leave in a run's directory what was logged and what was shown; returns what is counted of that."""
    write_json(out / HISTORY, history)
    write_table(out / "shown.parquet", Shown, schedule.shown)
    write_dealt(out, schedule.dealt)
    return {
        "steps": schedule.steps,
        "rows": len(schedule),
        "tokens": int(schedule.lengths.sum()),
        "final_loss": next((h["loss"] for h in reversed(history) if "loss" in h), float("nan")),
        "skipped_rows": skipped,
    }


def _share(network: PreTrainedModel, devices: int) -> float | None:
    """Of what the devices can do, how much one token a second is; None where that is not known."""
    import torch

    from kit.models.load import elements

    device = device_named(torch.cuda.get_device_name()) if torch.cuda.is_available() else None
    counts = [(elements(p), p.requires_grad) for p in network.parameters()]
    done = operations(sum(count for count, _ in counts), sum(count for count, trained in counts if trained))
    routed = any(".experts." in name for name, _ in network.named_parameters())  # a token goes through some of them
    return done / (devices * device.flops) if device and not routed else None


def fit(
    network: PreTrainedModel,
    tokens: Tokens,
    schedule: Schedule,
    config: TrainConfig,
    stage: Stage,
    ranks: Ranks,
    leave: Callable[[Path, dict[str, torch.Tensor] | None], None],
    probes: dict[str, list[Probe]],
) -> list[dict[str, Any]]:
    """Train in place with trl's SFTTrainer, rows in the order of the schedule; returns the log history. leave: writes the weights
    as they are to a directory, and is told all of them where the network holds a part. probes: by split, what is asked on the
    way.

    Of several ranks each takes its rows of every step: the loss is that of the step, and so are its gradients.
    """
    import torch
    from datasets import Dataset
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
    from torch.utils.data import SequentialSampler
    from transformers import PrinterCallback, set_seed
    from transformers.utils import logging
    from trl import SFTConfig, SFTTrainer

    from kit.models.load import choose_dtype, tied_weights
    from kit.train.batches import check_apart, packed, padded
    from kit.train.loss import StepLoss
    from kit.train.muon import muon_for
    from kit.train.probing import Probing
    from kit.train.progress import Progress, tensorboard
    from kit.train.saving import Keeping, Saving, last_saved

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)  # it is trl that asks for it
    batch = sum(config.mixture().values())
    split = Split.of(batch, ranks.count, config.micro_batch)
    step_loss = StepLoss(network, batch)
    if config.packing:
        if step_loss.weight:
            raise KitError("packing: how a row's tokens are spread over experts is weighed row by row: leave it out")
        check_apart(network, max(np.add.reduceat(schedule.lengths, range(0, len(schedule), split.rows)).tolist()))
    tied = tied_weights(network)
    ends = [0, *np.cumsum(schedule.lengths)[batch - 1 :: batch].tolist()]
    progress = Progress(stage.working / PROGRESS, ends, _share(network, ranks.count))

    class DealtTrainer(SFTTrainer):
        """trl's trainer with rows in the order they are dealt, and a plain loss: trl's chunked head costs a third of a small
        model's speed."""

        def compute_loss(
            self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            labels = inputs.pop("labels")
            outputs = model(**inputs, **({"use_cache": False} if config.packing else {}))  # a cache would join packed rows
            # What the ranks find is averaged.
            loss = step_loss(outputs, labels, inputs.get("attention_mask"), num_items_in_batch) * ranks.count
            return (loss, outputs) if return_outputs else loss

        def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
            super().log(logs | progress.figures(self.state.global_step) if "loss" in logs else logs, start_time)

        def _get_train_sampler(self, *args: Any, **kwargs: Any) -> SequentialSampler:
            return SequentialSampler(dataset)

    nothing = Row([tokens.pad], ())

    def collate(places: Iterable[dict[str, int]]) -> dict[str, torch.Tensor]:
        rows = [schedule.row(taken["place"]) if taken["place"] >= 0 else nothing for taken in places]
        return packed(rows) if config.packing else padded(rows, tokens.pad)

    steps = config.step_count()
    states = stage.working / ("trainer" if config.parallel == "ddp" else "shards")
    arguments = SFTConfig(
        output_dir=str(states),
        max_steps=steps,
        per_device_train_batch_size=split.rows,
        gradient_accumulation_steps=split.times,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=round(config.warmup * steps),
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_gradient_norm,
        optim="adamw_torch",
        adam_beta2=0.95,
        fsdp=config.parallel == "fsdp",  # type: ignore[arg-type]  # annotated for a command line
        fsdp_config={"state_dict_type": "SHARDED_STATE_DICT"},
        bf16=choose_dtype(config.precision) == torch.bfloat16,
        activation_checkpointing=config.gradient_checkpointing,
        use_cpu=not torch.cuda.is_available(),
        save_strategy="no",  # see Saving
        save_total_limit=1,
        logging_steps=max(1, steps // 50),
        report_to="none",
        log_level="error",
        log_level_replica="error",
        ddp_find_unused_parameters=step_loss.routed,  # a step may leave an expert out
        disable_tqdm=not (ranks.first and sys.stderr.isatty()),
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        max_length=None,
        seed=derive_seed(config.seed, "trainer"),
    )
    set_seed(arguments.seed)
    dataset = Dataset.from_dict({"place": split.filled(len(schedule))})  # their rows are read where they are put together
    optimizer = muon_for(network, config.learning_rate, config.weight_decay) if config.optimizer == "muon" else None
    # trl gives a tokenizer without padding one: not to the one that is saved.
    lent = copy.deepcopy(tokens.tokenizer)
    lent.pad_token = lent.convert_ids_to_tokens(tokens.pad)
    quantized = config.base_precision == "nf4"
    adapter = [p.data for p in network.parameters() if p.requires_grad] if quantized else []
    trainer = DealtTrainer(
        model=network,
        args=arguments,
        train_dataset=dataset,
        processing_class=lent,
        data_collator=collate,
        optimizers=(optimizer, None),
    )
    if quantized:  # trl rounds an adapter's weights where its base is held in four bits
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter.data = adapter.pop(0)
    if hasattr(text := network.config.get_text_config(), "output_router_logits"):
        text.output_router_logits = step_loss.weight > 0  # one without experts fails where it is asked for its router's logits
    # The loss is of the whole step, whatever the model's own forward takes: transformers counts its tokens, and divides by
    # nothing.
    trainer.model_accepts_loss_kwargs = True
    trainer.remove_callback(PrinterCallback)

    def left(place: str) -> None:
        """The weights as they are now."""
        weights: dict[str, Any] | None = None
        if config.parallel == "fsdp":
            model: Any = trainer.model
            gathered = get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
            weights = {name: tensor for name, tensor in gathered.items() if name not in tied}
        leave(stage.directory / place, weights)

    every = config.probe_every or max(1, steps // 10)
    asking = Probing(probes, tokens.pad, every, config.keep, trainer.compute_loss_context_manager, trainer.log, progress.pause)
    keeping = Keeping(config.keep, lambda step: left(f"{STEPS}/{step}"))
    with Saving(config.checkpoint_every, ranks) as saving:
        for callback in (
            *([asking] if probes else ()),
            keeping,
            saving,
            *((progress, *tensorboard(stage.directory / EVENTS)) if ranks.first else ()),
        ):
            trainer.add_callback(callback)
        saved = last_saved(states) if ranks.first else None
        trainer.train(resume_from_checkpoint=ranks.of_first(saved))
    left("model")
    return [dict(entry) for entry in trainer.state.log_history]
