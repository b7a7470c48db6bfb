"""What an experiment is: one world per seed, a base, and arms, each a path of training stages taken at every count D."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from evals.config import EvalConfig, Slice
from evals.tasks import check_styles
from generators.config import GenerateConfig
from kit.core.config import Config, dump, resolve
from kit.core.errors import KitError, nearest
from kit.core.seeds import digest
from kit.sources.hub import check_there
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
            for source in self.train_config(stage, max(self.counts), 0).sources().values():
                check_there(source)
        if self.base:
            self.base_config(0)
        if self.gate:
            self.evaluation_of(self.gate.recall_slice)
            self.evaluation_of(self.gate.pilot_slice)
        for name in self.evaluations:
            self._named(name)
        for name, arm in self.arms.items():
            asked = [(e.config.task, e.data, s.name) for e in self.evaluations_of(arm.evaluations) for s in e.config.slices]
            if twice := next((part for i, part in enumerate(asked) if part in asked[:i]), None):
                raise ValueError(f"arms.{name}.evaluations: two ask {twice[2]}, and the report could not tell them apart")
        return self

    def generate_config(self, seed: int) -> GenerateConfig:
        """The world of one seed."""
        return resolve(GenerateConfig, {**self.generate, "seed": seed})

    def train_config(self, stage: str, count: int, seed: int) -> TrainConfig:
        """A named stage at D = `count`; the count goes to stages that train on examples."""
        data = {**with_defaults(self.train[stage]), "seed": seed}
        if not isinstance(data["rows"], dict):
            raise KitError(f"train.{stage}.rows must be a table of sources and rows, as {{ examples = 8 }}")
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
        together: dict[str, Evaluation] = {}
        for name in names:
            found = self._named(name)
            key = digest({**dump(found.config), "slices": None}, found.data)
            earlier = together[key].config.slices if key in together else ()
            merged = found.config.model_copy(update={"slices": (*earlier, *found.config.slices)})
            together[key] = found._replace(config=merged)
        return list(together.values())

    def _named(self, name: str) -> Evaluation:
        """One of `evaluations`. Raises KitError, with its name, for what could not be asked."""
        given = {**self.evaluation, **self.evaluations[name]}
        data = given.pop("data", None)
        try:
            if data is not None and not (isinstance(data, str) and data):
                raise KitError("data must be a directory, a file of rows or a data set's name")
            config = resolve(EvalConfig, given)
            check_styles(config)
            for source in filter(None, (data, *config.sources().values())):
                check_there(source)
            if config.backend not in ("transformers", "vllm"):
                raise KitError(f"a sweep evaluates the checkpoints it makes: backend transformers or vllm, not {config.backend}")
        except KitError as error:
            raise KitError(f"evaluations.{name}: {error}") from None
        return Evaluation(config, data)

    def evaluation_of(self, part: Slice) -> Evaluation:
        """The evaluation of one slice of the world's questions."""
        given = {k: v for k, v in self.evaluation.items() if k not in ("data", "task")}
        return Evaluation(resolve(EvalConfig, {**given, "slices": [dump(part)]}), None)
