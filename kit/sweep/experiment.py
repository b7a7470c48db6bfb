"""What an experiment is: one world per seed, a base, and arms, each a path of training stages taken at every count D."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from evals.config import EvalConfig, Slice
from generators.config import GenerateConfig
from kit.core.config import Config, dump, resolve
from kit.core.errors import KitError, nearest
from kit.core.seeds import digest
from kit.train.recipes import TrainConfig, with_defaults

Count = Annotated[int, Field(ge=0)]


class Gate(Config):
    """When the base is good enough to experiment on; if it is not, pretraining goes on by `chunk` steps.

    recall: least cloze recall of known facts. pilot: least accuracy of the largest count's post-trained model on
    `pilot_slice`, a split that no result is reported on.
    """

    recall: Annotated[float, Field(ge=0, le=1)] = 0.95
    recall_slice: Slice
    pilot: Annotated[float, Field(ge=0, le=1)] = 0.8
    pilot_slice: Slice
    chunk: Annotated[int, Field(ge=1)] = 200
    most_chunks: Annotated[int, Field(ge=0)] = 3


class Arm(Config):
    """`path`: the names of the training stages applied to the base, in order. `counts`: where it differs from the
    experiment's. `evaluations`: by which of them its final checkpoint is evaluated."""

    path: tuple[str, ...]
    evaluations: Annotated[tuple[str, ...], Field(min_length=1)]
    counts: tuple[Count, ...] | None = None
    label: str


class Evaluation(NamedTuple):
    """What is asked, and of which data: the seed's world where none are named."""

    config: EvalConfig
    data: str | None


class ExperimentConfig(Config):
    """A whole experiment. `train` holds named stages as tables of TrainConfig settings over their recipe's defaults;
    `evaluations`, named sets of slices as tables of EvalConfig settings over those of `evaluation`, with `data` where it is not
    the seed's world."""

    name: str
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)] = (0,)
    counts: Annotated[tuple[Count, ...], Field(min_length=1)]
    model: str = "tiny"
    generate: dict[str, Any]
    base: dict[str, Any] | None = None
    gate: Gate | None = None
    train: dict[str, dict[str, Any]]
    arms: Annotated[dict[str, Arm], Field(min_length=1)]
    evaluations: dict[str, dict[str, Any]]
    evaluation: dict[str, Any] = {}

    @model_validator(mode="after")
    def _agree(self) -> ExperimentConfig:
        if len(set(self.counts)) < len(self.counts) or len(set(self.seeds)) < len(self.seeds):
            raise ValueError("counts and seeds must each be different")
        if self.model == "tiny" and not self.base:
            raise ValueError("the tiny model knows nothing: give [base], the settings of its pretraining")
        if self.gate and not self.base:
            raise ValueError("a gate needs [base], the pretraining that it extends")
        for name, arm in self.arms.items():
            for stage in arm.path:
                if stage not in self.train:
                    raise ValueError(f"arms.{name}.path: unknown stage {stage}; {nearest(stage, self.train)}")
            for part in arm.evaluations:
                if part not in self.evaluations:
                    raise ValueError(f"arms.{name}.evaluations: unknown {part}; {nearest(part, self.evaluations)}")
        # Resolve everything once, so that a mistake anywhere is told before anything runs.
        self.generate_config(0)
        for stage in self.train:
            self.train_config(stage, max(self.counts), 0)
        if self.base:
            self.base_config(0)
        for arm in self.arms.values():
            self.evaluations_of(arm.evaluations)
        return self

    def generate_config(self, seed: int) -> GenerateConfig:
        """The world of one seed."""
        return resolve(GenerateConfig, {**self.generate, "seed": seed})

    def train_config(self, stage: str, count: int, seed: int) -> TrainConfig:
        """A named stage at D = `count`; the count goes to stages that train on examples."""
        data = {**with_defaults(self.train[stage]), "seed": seed}
        if data["rows"].get("examples"):
            data["examples"] = count
            if not count and data.get("epochs") is not None:
                data |= {"epochs": None, "steps": 1}
        return resolve(TrainConfig, data)

    def base_config(self, seed: int, **changes: object) -> TrainConfig:
        """The pretraining of the tiny base."""
        return resolve(TrainConfig, with_defaults({"recipe": "pretrain", **(self.base or {}), "seed": seed, **changes}))

    def evaluations_of(self, names: tuple[str, ...]) -> list[Evaluation]:
        """The named evaluations; those that differ in their slices alone are one, so that a model is loaded once for them."""
        together: dict[str, dict[str, Any]] = {}
        for name in names:
            given = {**self.evaluation, **self.evaluations[name]}
            slices = given.pop("slices", ())
            together.setdefault(digest(given), {**given, "slices": []})["slices"] += slices
        return [self._evaluation(given) for given in together.values()]

    def evaluation_of(self, part: Slice) -> Evaluation:
        """The evaluation of one slice of the world's questions."""
        return self._evaluation({**self.evaluation, "slices": [dump(part)]})

    def _evaluation(self, given: dict[str, Any]) -> Evaluation:
        data = given.pop("data", None)
        config = resolve(EvalConfig, given)
        if config.backend not in ("transformers", "vllm"):
            raise KitError(f"a sweep evaluates the checkpoints it makes: backend transformers or vllm, not {config.backend}")
        return Evaluation(config, data)
