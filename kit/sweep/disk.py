"""How much disk the weights of a sweep take, and which stage may be started so that they stay within what is allowed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from kit.core.errors import KitError
from kit.sweep.plan import Node, loaded, model_of
from kit.train.recipes import TrainConfig

STATES = 6
"""An unfinished run keeps its weights and two moments of each, and for a moment both the last and the one before."""

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def as_bytes(text: str) -> int:
    """`200GB` as a number of bytes. Raises KitError for what is no size."""
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)B?\s*", text.upper())
    size = round(float(found[1]) * UNITS[found[2]]) if found else 0
    if not size:
        raise KitError(f"{text!r} is no size: give one like 200GB")
    return size


class Disk:
    """What the weights of a plan's stages take, and may take. nodes: all of them; kept: those whose weights stay."""

    def __init__(self, allowed: int, nodes: Mapping[str, Node], kept: Collection[str]) -> None:
        self.allowed, self.nodes, self.kept = allowed, nodes, set(kept)
        self.users: dict[str, list[str]] = {key: [] for key in nodes}
        for node in nodes.values():
            for used in loaded(node, nodes):
                self.users[used.key].append(node.key)
        self.order = [*self._depth_first()]
        self.known: dict[str, int] = {}

    def _depth_first(self) -> Iterator[str]:
        """Every stage behind what it needs, and a model's evaluations and all that is trained from it before the next model."""
        below: dict[str | None, list[str]] = {}
        for key, node in self.nodes.items():
            above = model_of(node, self.nodes)
            below.setdefault(node.longer or (above.key if above else None), []).append(key)
        waiting = sorted(below.get(None, []), key=lambda key: self.nodes[key].kind == "generate")
        while waiting:
            key = waiting.pop()
            yield key
            # Evaluations first: they let go of what they load.
            after = below.get(key, [])[::-1]
            waiting += sorted(after, key=lambda k: self.nodes[k].kind == "eval")

    def check(self, done: Collection[str]) -> None:
        """Raises KitError where it cannot be done at all."""
        if (least := self.peak(done)) > self.allowed:
            raise KitError(
                f"--disk {self.allowed / 1e9:,.1f}GB is too little: stage after stage takes {least / 1e9:,.1f}GB of weights "
                'and what unfinished runs go on from; keep_weights = "none" takes the least'
            )

    def size(self, key: str) -> int:
        """Bytes of a stage's weights: as they are, or as they will be, from what it starts from."""
        node = self.nodes[key]
        if node.kind != "train":
            return 0
        if key in self.known:
            return self.known[key]
        if (node.directory / "manifest.json").exists():
            self.known[key] = sum(path.stat().st_size for path in node.directory.rglob("*.safetensors"))
            return self.known[key]
        assert isinstance(node.config, TrainConfig)
        return self._checkpoint(node, node.config) * (1 + len(node.config.keep))

    def _checkpoint(self, node: Node, config: TrainConfig) -> int:
        """Bytes of one checkpoint of a stage."""
        above = model_of(node, self.nodes)
        shapes = [*_shapes(above.directory / "model" if above else Path(str(node.model)))]
        if above and not shapes:  # not there yet, and of the same size as what that starts from
            assert isinstance(above.config, TrainConfig)
            return self._checkpoint(above, above.config)
        if not config.lora:
            return sum(4 * math.prod(shape) for _, shape in shapes)
        adapted = (shape for name, shape in shapes if len(shape) == 2 and "embed" not in name and "lm_head" not in name)
        return sum(4 * config.lora.rank * sum(shape) for shape in adapted)

    def fits(self, key: str, done: Collection[str], running: Collection[str]) -> bool:
        """Whether a stage may be started now, so that what is left can still be done, one stage at a time if need be."""
        at_work = {*running, key}
        now = self._taken(self._held(done)) + sum(self._at_work(k) for k in at_work)
        return now <= self.allowed and self.peak({*done, *at_work}) <= self.allowed

    def _at_work(self, key: str) -> int:
        """Bytes of a stage that is being run; one that is finished is not run again."""
        node = self.nodes[key]
        if not node.trains or (node.directory / "manifest.json").exists():
            return self.size(key)
        assert isinstance(node.config, TrainConfig)
        return self.size(key) + STATES * self._checkpoint(node, node.config)

    def _held(self, done: Collection[str]) -> set[str]:
        """Of what is done, the stages whose weights are there: they are kept, or something that is not done loads them."""
        trained = (key for key in done if self.nodes[key].kind == "train")
        return {key for key in trained if key in self.kept or any(user not in done for user in self.users[key])}

    def _taken(self, held: Collection[str]) -> int:
        """Bytes of the weights of some stages; those that a longer run holds too are there once."""
        return sum(self.size(key) for key in held if self.nodes[key].longer not in held)

    def peak(self, done: Collection[str] = ()) -> int:
        """The most that is taken on the way, where the rest is done one stage at a time."""
        past = set(done)
        most = 0
        for key in self.order:
            if key in past:
                continue
            most = max(most, self._taken(self._held(past)) + self._at_work(key))
            past.add(key)
        return most


def _shapes(place: Path) -> Iterator[tuple[str, list[int]]]:
    """Names and shapes of the tensors of a checkpoint's weights, from the heads of its files."""
    for path in sorted(place.rglob("*.safetensors")):
        with path.open("rb") as file:
            head = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        yield from ((name, told["shape"]) for name, told in head.items() if name != "__metadata__")
