"""Recipes as data: what a training step is made of, and the settings that go with it. `TrainConfig` is one run's whole."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from kit.core.config import Config
from kit.core.errors import KitError, check_known, nearest
from kit.core.records import ASKED, SOURCES, Content, TaskName, Wording
from kit.models.chat import ChatSettings
from kit.models.load import Frozen, Precision
from kit.models.tiny import TinyConfig

Positive = Annotated[int, Field(ge=1)]


class LoraSettings(Config):
    """Low-rank adaptation (peft): rank, scale, dropout, and the modules adapted ("all-linear" or a list of names)."""

    rank: Positive = 16
    alpha: Positive = 32
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    modules: str | tuple[str, ...] = "all-linear"


class TrainConfig(ChatSettings):
    """One training run; with the settings of how a checkpoint is spoken to.

    rows: rows of each source in one optimizer step; their sum is the global batch. task: whose examples. examples: D, the
    finetuning examples used, asked as `ask` words them; with D = 0 their rows are filled with known documents, so that steps and
    batch stay the same. draw: which D of all examples those are (the first D of draw 0, 1, …). seed: the order of rows, and a new
    model's weights. examples_from: where they come from, if not from the data; content: which of the data's examples, those of
    the task, controls without their content, those of what the model does not know, or those that tell the novel facts;
    unknown_share: of how many of them what is not known is put in the place; skip_bad_rows: leave examples out that cannot be
    read or are longer than max_length, and count them. order: of the examples, a fresh one every epoch, or that in which they
    were `drawn`, so that a run through fewer is the beginning of one through more. steps or epochs: exactly one. epochs counts
    passes over the D examples.
    trust_remote_code: the checkpoint's own code may be run. save_precision: of the weights that a run leaves, an adapter's apart;
    without it that in which it computed. base_precision: of the frozen weights that an adapter is trained on, which is trained in
    fp32; nf4 needs bitsandbytes.
    micro_batch: the most rows that a device takes at once; packing: they go through it as one long row, in which none sees
    another, instead of side by side, filled up to the longest; devices: over how many the rows of each step are spread, which
    changes nothing of what is computed but the rounding; parallel: whether each of them holds the whole model (`ddp`) or a part
    of its weights, gradients and optimizer (`fsdp`, FSDP2).
    probes: facts of each source, at most, that are asked for on the way, and logged as recall beside the loss; probe_every: steps
    between two times, without it a tenth of the run.
    keep: steps behind which the weights are left as a checkpoint of its own, `steps/N` in the run's directory.
    checkpoint_every: steps between two states that a run goes on from; without it about ten minutes.
    lora: train an adapter of these settings. adapter: what becomes of one that the model has: `continue` (as it goes without a
    word), `merge` it into its base and train all weights, or merge it and train a `new` one, of the settings lora.
    """

    recipe: Literal["pretrain", "posttrain", "inject"]
    task: TaskName = "multihop"
    ask: Wording = "plain"
    rows: dict[str, Annotated[int, Field(ge=0)]]
    examples: Annotated[int, Field(ge=0)] = 0
    examples_from: str | None = None
    content: Content = "task"
    unknown_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    draw: Annotated[int, Field(ge=0)] = 0
    skip_bad_rows: bool = False
    order: Literal["shuffled", "drawn"] = "shuffled"
    steps: Positive | None = None
    epochs: Annotated[float, Field(gt=0)] | None = None
    learning_rate: Annotated[float, Field(gt=0)] = 1e-5
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.03
    optimizer: Literal["adamw", "muon"] = "adamw"
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_gradient_norm: Annotated[float, Field(gt=0)] = 1.0
    precision: Precision = "auto"
    save_precision: Precision = "auto"
    base_precision: Frozen = "fp32"
    trust_remote_code: bool = False
    lora: LoraSettings | None = None
    adapter: Literal["continue", "merge", "new"] | None = None
    tiny: TinyConfig = TinyConfig()
    max_length: Positive = 2048
    micro_batch: Positive | None = None
    packing: bool = False
    probes: Annotated[int, Field(ge=0)] = 0
    probe_every: Positive | None = None
    keep: tuple[Positive, ...] = ()
    checkpoint_every: Positive | None = None
    gradient_checkpointing: bool = False
    devices: Positive = 1
    parallel: Literal["ddp", "fsdp"] = "ddp"
    threads: Positive = 1
    seed: Annotated[int, Field(ge=0)] = 0

    @field_validator("rows")
    @classmethod
    def _sources(cls, rows: dict[str, int]) -> dict[str, int]:
        for name in rows:
            check_known(name, SOURCES, "source")
        if not sum(rows.values()):
            raise ValueError("a step must hold at least one row")
        return rows

    @model_validator(mode="after")
    def _length(self) -> TrainConfig:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs")
        if self.epochs is not None and not (self.examples and self.rows.get("examples")):
            raise ValueError("epochs count passes over the examples: give examples too, or steps instead")
        if self.order == "drawn" and not self.rows.get("examples"):
            raise ValueError("order is that of the examples: give rows of them")
        if self.probe_every and not self.probes:
            raise ValueError("probe_every says how often probes are asked: give probes too")
        if self.probes and not {"known", "novel"} & self.mixture().keys():
            raise ValueError("probes ask for the facts that rows of known and novel tell: give some")
        if self.draw and not (self.examples and self.rows.get("examples")):
            raise ValueError("draw says which examples are learned: give examples too, and rows of them")
        asks = any(self.rows.get(source) for source in ASKED)
        if (name := self.first_set()) and not asks:
            raise ValueError(f"{name} says how examples are put to a model: give rows of them")
        if self.ask != "plain" and (self.task != "multihop" or not asks):
            raise ValueError("ask says how multihop questions are worded: give rows of examples of that task")
        if self.save_precision != "auto" and self.lora:
            raise ValueError("save_precision is of whole models, and an adapter is left as it was trained: leave it out")
        if self.base_precision != "fp32":
            self._frozen_is_computed_with()
        if self.adapter == "merge" and self.lora:
            raise ValueError('adapter = "merge" trains all weights: leave lora out, or set adapter = "new"')
        if self.adapter == "new" and not self.lora:
            raise ValueError('adapter = "new" needs lora, the settings of the new adapter')
        if self.content != "task" and self.task != "multihop":
            raise ValueError(f'content = "{self.content}" is made of multihop examples, not of the task {self.task}')
        if self.task == "knowledge":
            raise ValueError("task knowledge is an evaluation: there is nothing to train on")
        learns = self.task == "multihop" and self.examples and self.rows.get("examples")
        if beyond := [step for step in self.keep if step >= self.step_count()]:
            raise ValueError(f"keep: step {beyond[0]} is not before the last, {self.step_count()}, which is kept anyway")
        if len(set(self.keep)) < len(self.keep):
            raise ValueError("keep names a step twice")
        if self.parallel == "fsdp" and self.optimizer == "muon":
            raise ValueError('muon turns whole matrices, of which a device has a part under fsdp: use adamw, or parallel = "ddp"')
        if self.unknown_share and (self.content != "task" or not learns):
            raise ValueError("unknown_share is of multihop examples: give examples and rows of those, and leave content as it is")
        return self

    def _frozen_is_computed_with(self) -> None:
        """Raises ValueError where weights are to be held in a way that the other settings cannot do with."""
        told = f"base_precision = {self.base_precision}"
        if self.precision == "fp32":
            raise ValueError(f"{told} is computed with in bf16: leave precision = fp32 out")
        if self.adapter in ("merge", "new"):
            raise ValueError(f"{told}: to be merged with an adapter weights must be whole: kit export it first, or leave it out")
        if self.parallel == "fsdp":
            raise ValueError(f'{told}: fsdp shards weights of one type only: use parallel = "ddp", or base_precision = fp32')

    def sources(self) -> dict[str, str]:
        """The settings that name an input."""
        return {"examples_from": self.examples_from} if self.examples_from else {}

    @property
    def drawn(self) -> tuple[str, ...]:
        """The sources that are gone through as they stand."""
        return ("examples",) if self.order == "drawn" else ()

    def mixture(self) -> dict[str, int]:
        """Rows a step, with the example rows of D = 0 given to the known documents; empty sources left out."""
        rows = dict(self.rows)
        if not self.examples and rows.get("examples"):
            rows["known"] = rows.get("known", 0) + rows.pop("examples")
        return {name: count for name, count in rows.items() if count}

    def step_count(self) -> int:
        """Optimizer steps of this run."""
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None
        return max(1, round(self.epochs * self.examples / self.rows["examples"]))

    def rate(self, step: int) -> float:
        """The learning rate of a step, from 1: transformers' schedules (`constant` has no warmup there)."""
        steps = self.step_count()
        warmup = round(self.warmup * steps)
        done = step - 1
        if self.schedule == "constant":
            return self.learning_rate
        if done < warmup:
            return self.learning_rate * done / warmup
        left = 1 - (done - warmup) / max(1, steps - warmup)
        return self.learning_rate * (left if self.schedule == "linear" else (1 - math.cos(math.pi * left)) / 2)


RECIPES: dict[str, dict[str, Any]] = {
    "pretrain": {"rows": {"known": 12, "reading": 4}, "steps": 600, "optimizer": "muon", "learning_rate": 3e-3},
    "posttrain": {"rows": {"examples": 8}, "epochs": 3.0},
    "inject": {"rows": {"novel": 8, "known": 8}, "steps": 120},
}
"""What a recipe sets where neither a file nor an option does. posttrain: the paper's 3 epochs at 1e-5, cosine to 0."""


def with_defaults(given: dict[str, Any]) -> dict[str, Any]:
    """`given` over the settings of its recipe; a length given in steps or epochs takes the place of the recipe's.

    Raises KitError where no recipe, or an unknown one, is named.
    """
    recipe = given.get("recipe")
    if recipe not in RECIPES:
        raise KitError(f"unknown recipe {recipe}; {nearest(str(recipe), RECIPES)}")
    return laid_over(RECIPES[recipe], given)


def laid_over(settings: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` over other settings of a run; a length given in steps or epochs takes the place of theirs."""
    lengths = ("steps", "epochs")
    kept = {k: v for k, v in settings.items() if k not in lengths} if given.keys() & set(lengths) else settings
    return {**kept, **given}
