"""What an experiment takes of a machine: hours of its devices, and memory of each, reckoned from checkpoints' configurations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evals.config import EvalConfig
from evals.tasks import TASKS
from kit.core.config import dump
from kit.core.devices import DEVICES, Device, operations
from kit.core.errors import KitError, nearest
from kit.core.seeds import digest
from kit.models.checkpoint import TINY, read
from kit.models.load import Frozen, Precision, load_tokenizer
from kit.models.tokens import Tokens
from kit.sweep.plan import Node, adapting, start_of
from kit.train.dealing import Split
from kit.train.memory import Counted, taken
from kit.train.recipes import LoraSettings, TrainConfig

TRAINING_MFU = 0.4
"""Of a device's arithmetic, what training is reckoned to use (model FLOPs utilisation: PaLM, arXiv 2204.02311, appendix B)."""

READING = 0.6
"""Of a device's bandwidth, what decoding is reckoned to use."""

TOGETHER = 256
"""Answers that are written side by side, at most."""


@dataclass(frozen=True, slots=True)
class Machine:
    """So many devices of a kind."""

    name: str
    count: int
    device: Device

    @classmethod
    def named(cls, text: str) -> Machine:
        """`8xh100`, or `h100` for one. Raises KitError for a kind that is not known."""
        found = re.fullmatch(r"(?:([1-9]\d*)x)?(.+)", text)
        if not found or found[2] not in DEVICES:
            raise KitError(
                f"no such machine: {text}; {nearest(found[2] if found else text, DEVICES)}; write 8x{next(iter(DEVICES))}"
            )
        return cls(text, int(found[1] or 1), DEVICES[found[2]])


@dataclass(frozen=True, slots=True)
class Taken:
    """What an experiment takes of a machine. training, evaluation: device-hours; memory: the most bytes of a device that a stage
    of training takes, its rows as long as they may be, and largest, that stage; beyond: the stages that do not fit (of an
    evaluation its weights in bf16), or ask for more devices than there are; unknown: models that cannot be read here, which are
    left out. Of a mixture of experts all are reckoned with, as if every token went through each."""

    training: float
    evaluation: float
    memory: int
    largest: str
    beyond: tuple[str, ...]
    unknown: tuple[str, ...]


def taken_of(machine: Machine, nodes: Mapping[str, Node], tokens: Mapping[str, float], asked: Mapping[str, int]) -> Taken:
    """tokens: by training stage, those it is shown; asked: by evaluation, its questions.

    An answer is reckoned as its full length, each token of which reads the weights once for all that are written side by side.
    """
    models = _Models()
    training = evaluation = 0.0
    memory, largest = 0, ""
    beyond: dict[str, None] = {}
    for key, node in nodes.items():
        if node.kind == "generate" or node.longer or (start := start_of(node, nodes)) == TINY:
            continue
        config = node.config
        if not (model := models.of(start, config, adapting(node, nodes))):
            continue
        if isinstance(config, TrainConfig):
            done = operations(model.parameters, model.trained) * tokens[key]
            training += done / (machine.device.flops * TRAINING_MFU) / 3600
            needs = models.memory(start, config, model)
            if needs > memory:
                memory, largest = needs, node.label
        else:
            assert isinstance(config, EvalConfig)
            lengths = {**TASKS[config.task].max_new_tokens, **config.max_new_tokens}
            longest = max((lengths[part.style] for part in config.slices if part.style in lengths), default=0)
            steps = asked[key] * longest / min(TOGETHER, max(1, asked[key]))
            needs = 2 * model.parameters // config.devices
            evaluation += 2 * model.parameters * steps / (machine.device.bandwidth * READING) / 3600
        if needs > machine.device.memory or node.devices > machine.count:
            beyond[node.label] = None
    return Taken(training, evaluation, memory, largest, tuple(beyond), tuple(models.unknown))


class _Models:
    """Models without content, by checkpoint and by what is trained of them. unknown: those that cannot be read here."""

    def __init__(self) -> None:
        self.counted: dict[str, Counted] = {}
        self.needs: dict[str, int] = {}
        self.unknown: dict[str, None] = {}

    def of(self, start: str, config: Any, lora: LoraSettings | None) -> Counted | None:
        """One, as a training stage has it, or, whole, as it is asked."""
        trusted = bool(config.trust_remote_code)
        precision: Precision = "auto"
        frozen: Frozen = "fp32"
        if isinstance(config, TrainConfig):
            precision, frozen = config.precision, config.base_precision
        key = digest(start, dump(lora) if lora else None, trusted, precision, frozen)
        if key not in self.counted and start not in self.unknown:
            try:
                checkpoint = read(start)
            except KitError:
                self.unknown[start] = None
                return None
            plain = TrainConfig(
                recipe="posttrain",
                rows={"known": 1},
                steps=1,
                lora=lora,
                trust_remote_code=trusted,
                precision="bf16" if precision == "auto" else precision,
                base_precision=frozen,
            )
            self.counted[key] = Counted(plain, Tokens(load_tokenizer(checkpoint, trusted)), checkpoint, gpu=True)
        return self.counted.get(key)

    def memory(self, start: str, config: TrainConfig, model: Counted) -> int:
        """Bytes of a device, with rows as long as they may be."""
        window = read(start).window
        width = min(config.max_length, window) if window else config.max_length
        split = Split.of(sum(config.mixture().values()), config.devices, config.micro_batch)
        how = (config.optimizer, config.precision, config.gradient_checkpointing, config.devices, config.parallel, config.packing)
        width *= split.rows if config.packing else 1
        key = digest(start, model.trained, model.weights, split.rows, split.times > 1, width, how)
        if key not in self.needs:
            self.needs[key] = taken(config, model, split, width).total
        return self.needs[key]
