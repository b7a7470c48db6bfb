"""What an experiment is: replicates, a base, measures, arms (paths of training stages taken at every count D), and claims."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, field_validator, model_validator

from evals.config import EvalConfig, Slice
from evals.tasks import TASKS, check_lengths, check_styles
from generators.config import GenerateConfig, TaskCounts
from kit.core.config import Config, dump, resolve
from kit.core.errors import KitError, check_known, nearest
from kit.core.experiment import replicate_name
from kit.core.records import Content
from kit.core.seeds import digest
from kit.core.store import EXECUTION
from kit.models.checkpoint import TINY
from kit.report.claims import Claim, check_claims
from kit.sources.hub import check_there
from kit.sources.reading import source_key
from kit.train.data import MADE_BY
from kit.train.recipes import TrainConfig, laid_over, with_defaults

Count = Annotated[int, Field(ge=0)]


class Replicate(Config):
    """One repetition: the seeds of its world, of its model (first weights, order of rows) and of which D examples are drawn."""

    world: Count
    model: Count
    draw: Count

    @property
    def name(self) -> str:
        """`0`, or `world 0, model 1, draw 2`."""
        return replicate_name(dump(self))


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
    experiment's. `measures`: what is asked of its final checkpoint. `model`: which of the experiment's models it starts from.
    `label`: its name for readers."""

    path: tuple[str, ...]
    measures: Annotated[tuple[str, ...], Field(min_length=1)]
    model: str | None = None
    counts: Annotated[tuple[Count, ...], Field(min_length=1)] | None = None
    label: str | None = None


class Measure(NamedTuple):
    """What is asked: one slice, by which settings, of which data (the replicate's world where none are named)."""

    name: str
    config: EvalConfig
    data: str | None

    @property
    def slice(self) -> str:
        """The name that its records have."""
        part = self.config.slices[0]
        return part.name if self.config.task == "multihop" else part.short_name


class Evaluation(NamedTuple):
    """Measures that differ in their slices alone, so that a model is loaded once for them. measures: by name, their slices."""

    config: EvalConfig
    data: str | None
    measures: dict[str, str]


BY_COUNT, BY_MODEL = "by_count", "by_model"
"""In a training stage, settings that are others at some counts, or of some models (and there, others at some counts)."""

NESTED = "nested"
"""In a training stage, that one run through the examples as they were drawn makes its checkpoints at all counts."""

ONE_PASS = {"order": "drawn", "epochs": 1.0, "schedule": "constant"}
"""What such a stage is set to: then the run at a count is the beginning of that at a larger one."""

ASIDE = ("seed", "draw", "probes", "probe_every")
"""Settings that make no claim another one: replicates, and what is asked on the way, which changes nothing of what is learned."""

MEASURE_KEYS = ("data", "score", "label")
"""What a measure says beside the settings of an evaluation and its one slice."""


class ExperimentConfig(Config):
    """A whole experiment. `train` holds named stages as tables of TrainConfig settings over their recipe's defaults;
    `examples` in one is a D of its own, `by_count` holds tables of settings that are others at some D, `by_model` of some model;
    `nested` has it go once through its examples at a constant rate, and takes the checkpoints of smaller D from the run of the
    largest.

    model: the checkpoint that all arms start from; or models, several by name: every arm that names none is one of each of them
    (`ARM_MODEL`), and so is every claim of such arms.
    replicates: seeds, or tables of world, model and draw; a number stands for all three. generate: the settings of each
    replicate's world; or data, a directory or a published world (ORG/NAME@TAG) that is the one world of all; neither where all
    that is learned and asked comes from elsewhere: D = 0 is then the model as it is. measures: a name,
    and the settings of one slice and of its evaluation, over those of `evaluation`; `data` where it is not the replicate's
    world, `score` where it is not the task's first, `label` for readers. keep_weights: of every training stage, of those that an
    arm ends with, or of none: others are deleted once all that needs them is done, and made again should something need them
    later. claims: what the report is to decide (see `kit.report.claims`).
    """

    name: str
    replicates: Annotated[tuple[Replicate, ...], Field(min_length=1)] = (Replicate(world=0, model=0, draw=0),)
    counts: Annotated[tuple[Count, ...], Field(min_length=1)]
    model: str = TINY
    models: dict[str, Annotated[str, Field(min_length=1)]] = {}
    generate: dict[str, Any] | None = None
    data: str | None = None
    base: dict[str, Any] | None = None
    gate: Gate | None = None
    train: dict[str, dict[str, Any]]
    measures: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    evaluation: dict[str, Any] = {}
    keep_weights: Literal["all", "last", "none"] = "all"
    arms: Annotated[dict[str, Arm], Field(min_length=1)]
    claims: tuple[Claim, ...] = ()

    @classmethod
    def expanded(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Arms, and claims of them, that are of every model, once for each."""
        models, arms, claims = data.get("models"), data.get("arms"), data.get("claims", [])
        if not isinstance(models, dict) or not models or not isinstance(arms, dict) or not isinstance(claims, list):
            return data
        every = [name for name, arm in arms.items() if isinstance(arm, dict) and not arm.get("model")]
        each: dict[str, Any] = {}
        for name, arm in arms.items():
            if name not in every:
                each[name] = arm
                continue
            for model in models:
                if (own := f"{name}_{model}") in arms or own in each:
                    raise KitError(f"arms.{own} is there twice: {name} is of each of the models too")
                each[own] = {**arm, "model": model, "label": f"{arm.get('label') or name}, {model}"}
        said = [one for claim in claims for one in _of_models(claim, every, list(models))]
        return {**data, "arms": each, "claims": said}

    @field_validator("replicates", mode="before")
    @classmethod
    def _numbers(cls, given: object) -> object:
        if not isinstance(given, (list, tuple)):
            return given
        return tuple(dict.fromkeys(Replicate.model_fields, each) if type(each) is int else each for each in given)

    @model_validator(mode="after")
    def _agree(self) -> ExperimentConfig:
        if len(set(self.counts)) < len(self.counts) or len(set(self.replicates)) < len(self.replicates):
            raise ValueError("counts and replicates must each be different")
        if self.models and (self.model != TINY or self.base):
            raise ValueError("give either [models], or the one model that all arms start from (and, if it is tiny, [base])")
        if not self.models and self.model == TINY and not self.base:
            raise ValueError("the tiny model knows nothing: give [base], the settings of its pretraining")
        if self.gate and not self.base:
            raise ValueError("a gate needs [base], the pretraining that it extends")
        if self.gate and not next(iter(self.arms.values())).path:
            raise ValueError("a gate's pilot is the first stage of the first arm: give that a path")
        for name, arm in self.arms.items():
            if arm.model is not None:
                check_known(arm.model, self.models, f"arms.{name}: model")
            for stage in arm.path:
                if stage not in self.train:
                    raise ValueError(f"arms.{name}.path: unknown stage {stage}; {nearest(stage, self.train)}")
            for part in arm.measures:
                if part not in self.measures:
                    raise ValueError(f"arms.{name}.measures: unknown {part}; {nearest(part, self.measures)}")
            if len(set(arm.counts or ())) < len(arm.counts or ()) or len(set(arm.measures)) < len(arm.measures):
                raise ValueError(f"arms.{name}: counts and measures must each be different")
        self._counts_are_taken()
        self._nested_are_beginnings()
        self._one_world()
        self._nothing_in_vain()
        # Resolve everything once, so that a mistake anywhere is told before anything runs.
        first = self.replicates[0]
        if self.generate is not None:
            self.generate_config(first)
        for _, config in self._each_stage(first):
            for source in config.sources().values():
                check_there(source)
        if self.base:
            self.base_config(first)
        self._examples_are_made(first)
        if self.gate:
            self.evaluation_of(self.gate.recall_slice)
            self.evaluation_of(self.gate.pilot_slice)
        for name in self.measures:
            self.measure(name)
        asked = self._asked_styles()
        if idle := next((style for style in self.evaluation.get("max_new_tokens") or () if style not in asked), None):
            raise ValueError(f"evaluation.max_new_tokens.{idle}: no measure is asked in style {idle}")
        for arm in self.arms.values():
            self.evaluations(arm)
        hops = [name for name in self.measures if self.measures[name].get("sub_questions")]
        counts = {name: self.counts_of(name) for name in self.arms}
        check_claims(self.claims, counts, {name: arm.measures for name, arm in self.arms.items()}, hops)
        return self

    def _examples_are_made(self, first: Replicate) -> None:
        """Raises ValueError where a stage trains on examples that the generated worlds will not have, or not so many."""
        if self.generate is None:
            return
        world = self.generate_config(first)
        made = world.examples
        for stage, config in self._each_stage(first):
            needed: dict[str, Content] = {}
            if config.rows.get("questions"):
                needed["rows of questions need"] = "novel"
            if config.rows.get("examples") and not config.examples_from and config.content != "task":
                needed[f"content {config.content} needs"] = config.content
            for what, content in needed.items():
                name, value = MADE_BY[content]
                if not getattr(made, name):
                    raise ValueError(f"train.{stage}: {what} generate.examples.{name} = {value}")
        taken = {
            (stage, count, arm.model): None
            for name, arm in self.arms.items()
            for count in self.counts_of(name)
            for stage in arm.path
        }
        for stage, count, model in taken:
            config = self.train_config(stage, count, first, model)
            if not config.rows.get("examples") or config.examples_from or config.content == "novel":
                continue
            if config.task == "multihop":
                setting = "unknown" if config.content == "unknown" else "count"
                there, setting = getattr(made, setting), f"examples.{setting}"
            else:
                there, setting = world.tasks.get(config.task, TaskCounts()).train, f"tasks.{config.task}.train"
            if config.examples > there:
                raise ValueError(
                    f"train.{stage}: {config.examples} examples are asked for and {there} made: set generate.{setting}"
                )

    def _one_world(self) -> None:
        """Raises ValueError unless it is told where the worlds come from, and replicates say what is so."""
        if self.generate is not None and self.data is not None:
            raise ValueError("give either [generate], the settings of each replicate's world, or data, the one world of all")
        if not self.worlds:
            self._none_is_asked()
        if self.data is not None and len({replicate.world for replicate in self.replicates}) > 1:
            raise ValueError(
                "data is one world: write replicates as tables of the same world, such as { world = 0, model = 1, draw = 1 }"
            )

    @property
    def worlds(self) -> bool:
        """Whether there are worlds, of which something is learned or asked."""
        return self.generate is not None or self.data is not None

    def _none_is_asked(self) -> None:
        """Raises ValueError where something would be of a world, and there is none."""
        need = "give [generate], the settings of each replicate's world, or data, the one world of all"
        if self.base or self.gate:
            raise ValueError(f"a base is pretrained on a world: {need}")
        for stage, config in self._each_stage(self.replicates[0]):
            if not config.examples_from or set(config.mixture()) != {"examples"}:
                raise ValueError(
                    f"train.{stage}: what it trains on is of a world: {need}; or rows of examples alone, and examples_from"
                )
        for name, table in self.measures.items():
            if not table.get("data"):
                raise ValueError(f"measures.{name}: what it asks is of a world: {need}; or the data that it asks")

    def _asked_styles(self) -> set[str]:
        """The styles of all that is asked."""
        slices = [part for name in self.measures for part in self.measure(name).config.slices]
        if self.gate:
            slices += [self.gate.recall_slice, self.gate.pilot_slice]
        return {part.style for part in slices}

    def _nothing_in_vain(self) -> None:
        """Raises ValueError for what the experiment sets by itself, and for labels that readers could not tell apart."""
        tables = {"generate": self.generate or {}, "base": self.base or {}, "evaluation": self.evaluation}
        tables |= self.stage_tables()
        for name, table in tables.items():
            for key in ("seed", "draw", "slices") if name != "evaluation" else ("slices",):
                if key in table:
                    raise ValueError(
                        f"{name}.{key} is not for an experiment to set: replicates are its seeds, measures its slices"
                    )
        arms = [arm.label or name for name, arm in self.arms.items()]
        measures = [table.get("label", name) for name, table in self.measures.items()]
        for kind, labels in (("arms", arms), ("measures", measures)):
            if wrong := next((each for each in labels if not isinstance(each, str) or not each.strip()), None):
                raise ValueError(f"{kind}: a label is a text, not {wrong!r}")
            if len(set(labels)) < len(labels):
                raise ValueError(f"{kind}: two have the same label")

    def counts_of(self, arm: str) -> tuple[int, ...]:
        """The counts an arm is run at."""
        own = self.arms[arm].counts
        return self.counts if own is None else own

    def generate_config(self, replicate: Replicate) -> GenerateConfig:
        """The world of a replicate, where it is generated."""
        return resolve(GenerateConfig, {**(self.generate or {}), "seed": replicate.world})

    def train_config(self, stage: str, count: int, replicate: Replicate, model: str | None = None) -> TrainConfig:
        """A named stage at D = `count`, of one of the models; the count, and the draw, go to stages that train on examples, but
        the count not where a stage has a D of its own."""
        data = {**with_defaults(self._settings(stage, count, model)), "seed": replicate.model}
        if not isinstance(data["rows"], dict):
            raise KitError(f"train.{stage}.rows must be a table of sources and rows, as {{ examples = 8 }}")
        if "examples" in data and not data["rows"].get("examples"):
            raise KitError(f"train.{stage}.examples: the stage trains on none, give rows.examples too")
        if data["rows"].get("examples"):
            count = data.get("examples", count)
            data |= {"examples": count, "draw": replicate.draw if count else 0}
            if not count and data.get("epochs") is not None:
                data |= {"epochs": None, "steps": 1}
            *smaller, largest = self._stage_counts(stage, model) or [count]
            if self.train[stage].get(NESTED) and count == largest:
                data["keep"] = [each // data["rows"]["examples"] for each in smaller if each]
        return resolve(TrainConfig, data)

    def _settings(self, stage: str, count: int, model: str | None) -> dict[str, Any]:
        """What is given for a stage at a count, of a model."""
        given = self.train[stage]
        own = given.get(BY_MODEL, {}).get(model, {})
        found: dict[str, Any] = dict(ONE_PASS) if given.get(NESTED) else {}
        for table in (given, given.get(BY_COUNT, {}).get(str(count), {}), own, own.get(BY_COUNT, {}).get(str(count), {})):
            found = laid_over(found, {name: value for name, value in table.items() if name not in (BY_COUNT, BY_MODEL, NESTED)})
        return found

    def _stage_counts(self, stage: str, model: str | None) -> list[int]:
        """The counts at which arms of a model take a stage, smallest first; all, where it is a gate's pilot."""
        taking = [name for name, arm in self.arms.items() if stage in arm.path and arm.model == model]
        found = {count for name in taking for count in self.counts_of(name)}
        pilot = next(iter(self.arms.values())).path[:1] if self.gate else ()
        return sorted(found | set(self.counts if stage in pilot else ()))

    def _nested_are_beginnings(self) -> None:
        """Raises ValueError for a nested stage whose run at a count is not the beginning of that at a larger one."""
        for stage, table in self.train.items():
            if NESTED not in table:
                continue
            where = f"train.{stage}.{NESTED}"
            if type(table[NESTED]) is not bool:
                raise ValueError(f"{where} is true or false")
            if not table[NESTED]:
                continue
            for own in (table, *table.get(BY_MODEL, {}).values()):
                if other := next((key for key in ("examples", "keep", "steps", BY_COUNT) if key in own), None):
                    raise ValueError(f"{where}: one run goes through all counts: leave {other} out")
            before = {arm.path[: arm.path.index(stage)] for arm in self.arms.values() if stage in arm.path}
            if len(before) > 1:
                raise ValueError(f"{where}: one run goes through all counts: have it stand behind the same stages in every arm")
            for model in self._models_of(stage):
                for earlier in {earlier for path in before for earlier in path}:
                    counts = filter(None, self._stage_counts(stage, model))
                    if len({digest(dump(self.train_config(earlier, n, self.replicates[0], model))) for n in counts}) > 1:
                        raise ValueError(f"{where}: it stands behind {earlier}, which is another at every count")
                for count in filter(None, self._stage_counts(stage, model)):
                    rows = with_defaults(self._settings(stage, count, model)).get("rows")
                    if isinstance(rows, dict) and not rows.get("examples"):
                        raise ValueError(f"{where}: the stage trains on no examples, give rows.examples too")
                    config = self.train_config(stage, count, self.replicates[0], model)
                    if changed := next((key for key, value in ONE_PASS.items() if getattr(config, key) != value), None):
                        raise ValueError(f"{where}: {changed} is {dump(config)[changed]}, and must be {ONE_PASS[changed]}")
                    if count % config.rows["examples"]:
                        raise ValueError(
                            f"{where}: D = {count} is no whole number of steps of {config.rows['examples']} examples"
                        )

    def _models_of(self, stage: str) -> list[str | None]:
        """The models whose arms take a stage; None where there is but one."""
        return list(dict.fromkeys(arm.model for arm in self.arms.values() if stage in arm.path)) or [None]

    def longer_run(self, stage: str, count: int, replicate: Replicate, model: str | None = None) -> TrainConfig | None:
        """The run that a nested stage's checkpoint at D = `count` is taken from, where it has not one of its own."""
        if not self.train[stage].get(NESTED) or not count:
            return None
        largest = self._stage_counts(stage, model)[-1]
        return self.train_config(stage, largest, replicate, model) if count < largest else None

    def _counts_are_taken(self) -> None:
        """Raises ValueError unless what stages have by count and by model are tables, at counts and of models that their arms
        have."""
        for stage, table in self.train.items():
            arms = {name: arm for name, arm in self.arms.items() if stage in arm.path}
            models = {arm.model for arm in arms.values()} - {None}
            of_models = self._tables(f"train.{stage}", table, BY_MODEL, models, "llama = { micro_batch = 16 }")
            for name, own in (("", table), *of_models.items()):
                if name and BY_MODEL in own:
                    raise ValueError(f"train.{stage}.{BY_MODEL}.{name}: {BY_MODEL} is for the stage's own table")
                known = {str(count) for arm in arms if not name or arms[arm].model == name for count in self.counts_of(arm)}
                where = f"train.{stage}.{BY_MODEL}.{name}" if name else f"train.{stage}"
                self._tables(where, own, BY_COUNT, known, "1000 = { micro_batch = 16 }")

    @staticmethod
    def _tables(where: str, table: dict[str, Any], by: str, known: Collection[Any], as_: str) -> dict[str, dict[str, Any]]:
        """Settings by count or model. Raises ValueError unless they are tables, at those that are known."""
        tables = table.get(by, {})
        what = by.removeprefix("by_")
        if not isinstance(tables, dict) or not all(isinstance(own, dict) for own in tables.values()):
            raise ValueError(f"{where}.{by} must be a table of settings by {what}, as {{ {as_} }}")
        inner = (BY_COUNT, BY_MODEL) if by == BY_COUNT else ()
        for name, own in tables.items():
            if nested := next((each for each in inner if each in own), None):
                raise ValueError(f"{where}.{by}.{name}.{nested}: what is by both is written {BY_MODEL}.MODEL.{BY_COUNT}.COUNT")
        if strange := next((each for each in tables if each not in known), None):
            told = "at that count" if by == BY_COUNT else "of that model"
            raise ValueError(f"{where}.{by}.{strange}: no arm takes the stage {told}")
        return tables

    def _each_stage(self, replicate: Replicate) -> Iterator[tuple[str, TrainConfig]]:
        """Every training stage with its settings: at the largest count, and where they are others."""
        for stage, table in self.train.items():
            for model in self._models_of(stage):
                by_count = {*table.get(BY_COUNT, {}), *table.get(BY_MODEL, {}).get(model, {}).get(BY_COUNT, {})}
                for count in dict.fromkeys((max(self.counts), *sorted(map(int, by_count)))):
                    yield stage, self.train_config(stage, count, replicate, model)

    def stage_tables(self) -> dict[str, dict[str, Any]]:
        """What is given for training stages, as `train.NAME`, `train.NAME.by_count.COUNT` and `train.NAME.by_model.MODEL`, and of
        the last by count too."""
        found: dict[str, dict[str, Any]] = {}
        for name, table in self.train.items():
            own = {f"{BY_MODEL}.{model}": settings for model, settings in table.get(BY_MODEL, {}).items()}
            for where, settings in {"": table, **own}.items():
                place = f"train.{name}.{where}".rstrip(".")
                found[place] = settings
                found |= {f"{place}.{BY_COUNT}.{count}": each for count, each in settings.get(BY_COUNT, {}).items()}
        return found

    def taken(self, path: tuple[str, ...], count: int) -> tuple[str, ...]:
        """The stages of a path that are run at a count: where there is no world, nothing is learned at D = 0."""
        return tuple(stage for stage in path if self.worlds or self.train[stage].get("examples", count))

    def checkpoint_of(self, arm: str) -> str:
        """The model that an arm starts from, a base left aside."""
        name = self.arms[arm].model
        return self.model if name is None else self.models[name]

    def base_config(self, replicate: Replicate, **changes: object) -> TrainConfig:
        """The pretraining of the tiny base."""
        given = {"recipe": "pretrain", **(self.base or {}), "seed": replicate.model, **changes}
        return resolve(TrainConfig, with_defaults(given))

    def evaluations(self, arm: Arm) -> list[Evaluation]:
        """What is asked of an arm's checkpoints, as few evaluations as may be. Raises ValueError where two measures ask the same
        slice differently in one evaluation."""
        together: dict[str, Evaluation] = {}
        for measure in map(self.measure, arm.measures):
            key = digest({**dump(measure.config), "slices": None}, measure.data)
            config, data, measures = together.get(key, Evaluation(measure.config, measure.data, {}))
            slices = dict.fromkeys((*config.slices, *measure.config.slices))
            if len({s.name for s in slices}) < len(slices):
                twin = next(name for name, asked in measures.items() if asked == measure.slice)
                raise ValueError(
                    f"measures.{measure.name}: asks {measure.slice} as {twin} does, otherwise: they cannot be told apart"
                )
            together[key] = Evaluation(
                config.model_copy(update={"slices": tuple(slices)}), data, {**measures, measure.name: measure.slice}
            )
        return list(together.values())

    def measure(self, name: str) -> Measure:
        """One of `measures`, resolved. Raises KitError, with its name, for what could not be asked."""
        given = {k: v for k, v in self.measures[name].items() if k not in MEASURE_KEYS}
        data, score = (self.measures[name].get(key) for key in ("data", "score"))
        part = {key: value for key, value in given.items() if key in Slice.model_fields}
        settings = {key: value for key, value in given.items() if key not in Slice.model_fields}
        try:
            if data is not None and not (isinstance(data, str) and data):
                raise KitError("data must be a directory, a file of rows or a data set's name")
            if unknown := next((k for k in settings if k not in EvalConfig.model_fields or k == "slices"), None):
                known = (*Slice.model_fields, *(k for k in EvalConfig.model_fields if k != "slices"), *MEASURE_KEYS)
                raise KitError(f"unknown key {unknown}; {nearest(unknown, known)}")
            config = resolve(EvalConfig, {**self.evaluation, **settings, "slices": [part]})
            check_styles(config)
            check_lengths(config, settings.get("max_new_tokens") or ())
            if score is not None and score not in TASKS[config.task].metrics:
                raise KitError(f"the task {config.task} has no score {score}; {nearest(str(score), TASKS[config.task].metrics)}")
            if score in TASKS[config.task].weights:
                raise KitError(f"{score} weighs rows by their parts: arms are compared by {TASKS[config.task].metrics[0]}")
            if (score == "plus" and not config.plus) or (score == "unnormalised" and part.get("mode") != "choice"):
                raise KitError(f"what it asks has no score {score}")
            for source in filter(None, (data, *config.sources().values())):
                check_there(source)
            if config.backend not in ("transformers", "vllm"):
                raise KitError(f"a sweep evaluates the checkpoints it makes: backend transformers or vllm, not {config.backend}")
        except KitError as error:
            raise KitError(f"measures.{name}: {error}") from None
        return Measure(name, config, data)

    def evaluation_of(self, part: Slice) -> Evaluation:
        """The evaluation of one slice of the world's questions."""
        given = {k: v for k, v in self.evaluation.items() if k != "task"}
        return Evaluation(resolve(EvalConfig, {**given, "slices": [dump(part)]}), None, {})

    def _tables_of(self, arm: Arm) -> list[dict[str, Any]]:
        """What is given for the stages of an arm, what is of other models left out."""
        found = []
        for table in (self.train[stage] for stage in arm.path):
            own = {model: settings for model, settings in table.get(BY_MODEL, {}).items() if model == arm.model}
            found.append({**{k: v for k, v in table.items() if k != BY_MODEL}, **({BY_MODEL: own} if own else {})})
        return found

    def claim_digests(self) -> list[str]:
        """What each claim says and rests on: its settings, the cells it is decided by, and everything that decides their scores.
        Neither more replicates nor how a stage is run makes it another claim."""
        counts = {name: self.counts_of(name) for name in self.arms}
        first = self.replicates[0]
        base = _decisive(dump(self.base_config(first))) if self.base else self.model
        world = source_key(self.data) if self.data else _decisive(dump(self.generate_config(first))) if self.worlds else None
        found = []
        for claim in self.claims:
            measures = {name: self.measure(name) for name in sorted(claim.named_measures())}
            stages = {name: self._tables_of(self.arms[name]) for name in sorted(claim.named_arms())}
            found.append(
                digest(
                    dump(claim),
                    [dataclasses.astuple(cell) for cell in claim.cells(counts)],
                    {name: [_decisive(dump(m.config)), m.data, self.measures[name].get("score")] for name, m in measures.items()},
                    {name: [_decisive_stage(table) for table in tables] for name, tables in stages.items()},
                    [base, world, dump(self.gate) if self.gate else None],
                    *([{name: self.checkpoint_of(name) for name in stages}] if self.models else []),
                )
            )
        return found


def _decisive_stage(table: dict[str, Any]) -> dict[str, Any]:
    """The same of a training stage, with what it has by count."""
    found = _decisive(with_defaults(table))
    if BY_COUNT in found:
        found[BY_COUNT] = {count: _decisive(own) for count, own in found[BY_COUNT].items()}
    if BY_MODEL in found:
        found[BY_MODEL] = {model: _decisive_stage({"recipe": found["recipe"], **own}) for model, own in found[BY_MODEL].items()}
    return found


def _of_models(claim: Any, every: Collection[str], models: Sequence[str]) -> list[Any]:
    """A claim of arms that are of each model, once for each; any other as it is."""
    named = [claim.get("arm"), *(claim.get("arms") or ())] if isinstance(claim, dict) else []
    if not any(arm in every for arm in named):
        return [claim]
    found = []
    for model in models:
        own = {**claim, "says": f"{claim.get('says')} ({model})"}
        if "arm" in claim:
            own["arm"] = f"{claim['arm']}_{model}" if claim["arm"] in every else claim["arm"]
        if "arms" in claim:
            own["arms"] = [f"{arm}_{model}" if arm in every else arm for arm in claim["arms"]]
        found.append(own)
    return found


def _decisive(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that decide what a claim rests on."""
    return {key: value for key, value in settings.items() if key not in (*EXECUTION, *ASIDE)}
