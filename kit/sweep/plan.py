"""From an experiment to its stages. Every stage's directory is named by its content key, so shared prefixes meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from evals.config import BackendConfig, EvalConfig
from generators.config import GenerateConfig
from kit.core.config import dump
from kit.core.seeds import digest
from kit.core.store import stage_key
from kit.models.checkpoint import with_model
from kit.sources.reading import source_keys
from kit.sweep.experiment import Evaluation, ExperimentConfig, Replicate
from kit.train.recipes import LoraSettings, TrainConfig
from kit.train.run import with_start

Kind = Literal["generate", "train", "eval"]


@dataclass(frozen=True, slots=True)
class Node:
    """One stage to run: its configuration, its directory and the directories it needs first. longer: of a training stage whose
    weights another leaves on its way, that other."""

    kind: Kind
    key: str
    directory: Path
    config: GenerateConfig | TrainConfig | EvalConfig
    data: str | None
    model: str | None
    needs: tuple[str, ...]
    label: str
    longer: str | None = None

    @property
    def trains(self) -> bool:
        """Whether it goes through rows."""
        return self.kind == "train" and not self.longer

    def engine(self, nodes: Mapping[str, Node]) -> str | None:
        """What an evaluation by vLLM loads and how, where others may ask the same: adapters of one base are requests to one
        engine."""
        if not isinstance(self.config, EvalConfig) or self.config.backend != "vllm":
            return None
        model, place = model_of(self, nodes), self.model
        while model and adapting(model, nodes):
            place = model.model
            model = model_of(model, nodes)
        settings = {name: value for name, value in dump(self.config).items() if name in BackendConfig.model_fields}
        return digest(place, settings)

    @property
    def devices(self) -> int:
        """How many devices it runs on."""
        if isinstance(self.config, TrainConfig):
            return 0 if self.longer else self.config.devices
        return self.config.devices if isinstance(self.config, EvalConfig) else 0


@dataclass(frozen=True, slots=True)
class Asked:
    """An evaluation's stage, and the measures it holds, with the slices that their records have."""

    stage: str
    measures: dict[str, str]


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of the experiment: an arm at a count in a replicate (its number), its evaluations and the stages behind it."""

    replicate: int
    arm: str
    count: int
    evaluations: tuple[Asked, ...]
    stages: tuple[str, ...]


@dataclass
class Plan:
    """The nodes so far, by key, and the cells that the report will read."""

    experiment: ExperimentConfig
    root: Path
    nodes: dict[str, Node] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)

    def _add(
        self,
        kind: Kind,
        config: GenerateConfig | TrainConfig | EvalConfig,
        data: Node | str | None,
        model: Node | str | None,
        label: str,
        longer: Node | None = None,
    ) -> Node:
        settings = dump(config)
        if isinstance(config, GenerateConfig):
            inputs = config.inputs()
        else:
            inputs = source_keys(config.sources() | ({"data": data} if isinstance(data, str) else {}))
        if isinstance(data, Node):
            inputs["data"] = data.key
        if model:
            known = model.key if isinstance(model, Node) else None
            settings, inputs = (with_start if kind == "train" else with_model)(settings, inputs, str(_place(model)), known)
        key = stage_key(kind, settings, inputs)
        needs = tuple(n.key for n in (data, model, longer) if isinstance(n, Node))
        directory = self.root / "stages" / f"{kind}-{key}"
        place, start, of = _place(data), _place(model), longer.key if longer else None
        return self.nodes.setdefault(key, Node(kind, key, directory, config, place, start, needs, label, of))

    def world(self, replicate: Replicate) -> Node | str | None:
        """The generate stage of a replicate, or the one world that is given; None where there is none."""
        if not self.experiment.worlds:
            return None
        if self.experiment.data:
            return self.experiment.data
        return self._add("generate", self.experiment.generate_config(replicate), None, None, f"world {replicate.world}")

    def base(self, replicate: Replicate, extensions: int, threads: int) -> Node | str:
        """The model that arms start from which name none of their own: the pretrained tiny one, extended so many times, or the
        given checkpoint."""
        if not self.experiment.base:
            return self.experiment.model
        data, label = self.world(replicate), f"{base_name(replicate)}: base"
        config = self.experiment.base_config(replicate, threads=threads)
        node = self._add("train", config, data, self.experiment.model, label)
        for i in range(extensions):
            assert self.experiment.gate
            more = self.experiment.base_config(replicate, threads=threads, steps=self.experiment.gate.chunk, tiny={})
            node = self._add("train", more, data, node, f"{label}, extension {i + 1}")
        return node

    def path(
        self, replicate: Replicate, base: Node | str, stages: tuple[str, ...], count: int, name: str | None = None
    ) -> list[Node]:
        """The train stages of a path at one count, from the base on; name: of the experiment's model that this is, if it has
        several."""
        nodes: list[Node] = []
        model: Node | str = base
        for stage in self.experiment.taken(stages, count):
            config = self.experiment.train_config(stage, count, replicate, name)
            label = f"replicate {replicate.name}: {stage}, {f'{name}, ' if name else ''}D = "
            longer = self.experiment.longer_run(stage, count, replicate, name)
            run = self._train(longer, replicate, model, label) if longer else None
            model = self._train(config, replicate, model, label, run)
            nodes.append(model)
        return nodes

    def _train(
        self, config: TrainConfig, replicate: Replicate, model: Node | str, label: str, longer: Node | None = None
    ) -> Node:
        data: Node | str | None = self.world(replicate)
        if data is None:
            data, config = config.examples_from, config.model_copy(update={"examples_from": None})
        return self._add("train", config, data, model, f"{label}{config.examples}", longer)

    def evaluate(self, replicate: Replicate, model: Node | str, evaluation: Evaluation, label: str) -> Node:
        """An evaluation of a model, on the replicate's world where it names no other data."""
        data = evaluation.data or self.world(replicate)
        return self._add("eval", evaluation.config, data, model, f"replicate {replicate.name}: {label}")

    def add_cells(self, number: int, base: Node | str) -> None:
        """Every arm at every count of one replicate."""
        replicate = self.experiment.replicates[number]
        for name, arm in self.experiment.arms.items():
            start = self.experiment.checkpoint_of(name) if arm.model else base
            for count in self.experiment.counts_of(name):
                stages = self.path(replicate, start, arm.path, count, arm.model)
                final = stages[-1] if stages else start
                asked = []
                for each in self.experiment.evaluations(arm):
                    node = self.evaluate(replicate, final, each, f"eval {name}, {each.config.task}, D = {count}")
                    asked.append(Asked(node.directory.name, each.measures))
                self.cells.append(Cell(number, name, count, tuple(asked), tuple(n.directory.name for n in stages)))

    def kept(self) -> set[str]:
        """The training stages whose weights the experiment keeps; asked once all cells are there."""
        if self.experiment.keep_weights == "all":
            return {key for key, node in self.nodes.items() if node.kind == "train"}
        if self.experiment.keep_weights == "none":
            return set()
        ends = {each.stage for cell in self.cells for each in cell.evaluations}
        asked = [node for node in self.nodes.values() if node.directory.name in ends]
        return {used.key for node in asked for used in loaded(node, self.nodes)}


def loaded(node: Node, nodes: Mapping[str, Node]) -> Iterator[Node]:
    """The training stages whose weights a stage loads: its model's and, where that is an adapter, what the adapter is on."""
    if node.longer:
        yield nodes[node.longer]
    model = model_of(node, nodes)
    while model and not node.longer:
        yield model
        model = model_of(model, nodes) if adapting(model, nodes) else None


def adapting(node: Node, nodes: Mapping[str, Node]) -> LoraSettings | None:
    """The adapter that a training stage trains: its own, or that of the stage before, where it goes on with it."""
    if not isinstance(node.config, TrainConfig):
        return None
    if node.config.lora or node.config.adapter == "merge" or not (before := model_of(node, nodes)):
        return node.config.lora
    return adapting(before, nodes)


def model_of(node: Node, nodes: Mapping[str, Node]) -> Node | None:
    """The training stage that makes what a stage starts from, where one of the plan does."""
    needs = (key for key in node.needs if key in nodes and key != node.longer)
    return next((nodes[key] for key in needs if nodes[key].kind == "train"), None)


def start_of(node: Node, nodes: Mapping[str, Node]) -> str:
    """The checkpoint that the first of the training stages behind a stage starts from."""
    while before := model_of(node, nodes):
        node = before
    assert node.model
    return node.model


def base_name(replicate: Replicate) -> str:
    """What a base is called; replicates that differ in their draw alone share it."""
    return (
        f"seed {replicate.world}" if replicate.world == replicate.model else f"world {replicate.world}, model {replicate.model}"
    )


def _place(node: Node | str | None) -> str | None:
    return str(node.directory) if isinstance(node, Node) else node
