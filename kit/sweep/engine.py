"""The engine: runs stages in processes of their own, each as soon as what it needs is there, on devices that no other has."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tqdm import tqdm

from kit.core.errors import KitError, SilentError
from kit.core.processes import Child, ended, preload
from kit.core.store import drop, dropped, read_manifest
from kit.sweep.disk import Disk
from kit.sweep.plan import Node, adapting, loaded, model_of
from kit.train.ranks import PRELOADED
from kit.train.run import STEPS


def run_node(node: Node) -> None:
    """Run one stage in this process, unless its directory is finished."""
    if node.kind == "generate":
        from generators.config import GenerateConfig
        from generators.generate import generate_stage

        assert isinstance(node.config, GenerateConfig)
        generate_stage(node.config, node.directory)
    elif node.kind == "train":
        from kit.train.nested import point
        from kit.train.recipes import TrainConfig
        from kit.train.run import train

        assert isinstance(node.config, TrainConfig)
        assert node.data is not None
        assert node.model is not None
        if node.longer:
            point(node.config, node.data, node.model, node.directory, node.directory.parent / f"train-{node.longer}")
        else:
            train(node.config, node.data, node.model, node.directory)
    else:
        from evals.config import EvalConfig
        from evals.run import evaluate

        assert isinstance(node.config, EvalConfig)
        assert node.model is not None
        assert node.data is not None
        evaluate(node.config, node.data, node.model, node.directory)


def visible_devices() -> list[str]:
    """The GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them. None of them is started."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in (part.strip() for part in named.split(",")) if name and name != "-1"]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


class Engine:
    """Runs stages side by side. workers: processes at once; a stage over several devices counts for as many. devices: what GPUs
    there are; each is lent to one stage at a time, and a stage sees no others. run: what runs a stage.

    Heavy imports happen once, in the fork server.
    """

    def __init__(self, workers: int, devices: Sequence[str] = (), run: Callable[[Node], None] = run_node) -> None:
        # One OpenMP thread a worker, unless a stage asks for more. Those spin briefly at each barrier: with no spinning two
        # threads were slower than one (measured: 16.7 s against 9.7 s; 6.4 to 7.3 s with it).
        os.environ.update(OMP_NUM_THREADS="1", GOMP_SPINCOUNT="20000", TOKENIZERS_PARALLELISM="false")
        preload((*PRELOADED, "evals.run", "kit.infer.hf", "generators.generate", "kit.sweep.plan"))
        self.workers, self.devices, self.work = workers, list(devices), run
        self.done: set[str] = set()
        self.running: dict[Child, tuple[list[Node], list[str]]] = {}

    def run(
        self, nodes: Iterable[Node], bar: tqdm[None], kept: Collection[str] | None = None, allowed: int | None = None
    ) -> None:
        """Run `nodes`, each once what it needs is done, in the order of the plan. The first failure stops the sweep.

        kept: the training stages whose weights are there in the end. Those of others are dropped once nothing that is still to be
        run loads them; None leaves everything as it is. allowed: bytes that weights, and what unfinished runs go on from, may
        take; stages are then started in an order that takes the least.
        """
        planned = {n.key: n for n in nodes}
        engines = {key: node.engine(planned) for key, node in planned.items()}
        going = set() if kept is None else {key for key, n in planned.items() if n.kind == "train" and key not in kept}
        self.done -= restored(planned, kept or ())
        waiting = {key: n for key, n in planned.items() if key not in self.done}
        bar.total = len(self.done) + len(waiting)
        for node in waiting.values():
            self._check(node)
        disk = Disk(allowed, planned, planned if kept is None else kept) if allowed else None
        if disk:
            disk.check(self.done)
            waiting = {key: waiting[key] for key in disk.order if key in waiting}
        try:
            while waiting or self.running:
                for patient in (True, False):
                    for nodes in self._together(waiting, planned, engines, patient):
                        beside = [n.key for others, _ in self.running.values() for n in others]
                        if (not disk or disk.fits(nodes[0].key, self.done, beside)) and self._start(nodes):
                            for node in nodes:
                                del waiting[node.key]
                    if self.running:
                        break
                if not self.running:
                    raise KitError(f"stage {next(iter(waiting.values())).label} needs a stage that is not planned")
                for child in ended([*self.running]):
                    nodes, lent = self.running.pop(child)
                    self.devices += lent
                    if child.fell:
                        again = "run the same command again, with fewer --workers if memory was short; what is finished is kept"
                        which = f", or one of the {len(nodes) - 1} behind it" if nodes[1:] else ""
                        raise KitError(f"{nodes[0].label}{which}: its process {child.fell}: {again}")
                    if child.failed:
                        raise KitError(child.said or f"{nodes[0].label}: failed, as is told above")
                    self.done |= {node.key for node in nodes}
                    bar.set_postfix_str(nodes[-1].label)
                    bar.update(len(nodes))
                if going:
                    at_work = [node for nodes, _ in self.running.values() for node in nodes]
                    left = {used.key for n in (*waiting.values(), *at_work) for used in loaded(n, planned)}
                    for key in (self.done & going) - left:
                        drop_weights(planned[key].directory, any(node.longer == key for node in planned.values()))
                        going.remove(key)
        finally:
            self.stop()

    def _together(
        self, waiting: Mapping[str, Node], planned: Mapping[str, Node], engines: Mapping[str, str | None], patient: bool
    ) -> list[list[Node]]:
        """The stages whose time has come, by what one process runs one after the other: evaluations by one engine; any other by
        itself. engines: of every stage, `Node.engine`; patient: evaluations once none by their engine has to wait any more."""
        ready: dict[str, list[Node]] = {}
        awaited: set[str | None] = set()
        for node in waiting.values():
            by = engines[node.key]
            if set(node.needs) <= self.done:
                ready.setdefault(by or node.key, []).append(node)
            else:
                awaited.add(by)
        found = []
        for by, nodes in ready.items():
            if patient and by in awaited:
                continue
            # Where there is room for several engines, each takes a part; the largest adapters first, which have room for others.
            nodes.sort(key=lambda node: -_rank(node, planned))
            parts = max(1, min(len(nodes), self._free() // max(1, nodes[0].devices)))
            found += [nodes[i::parts] for i in range(parts)]
        return found

    def _taken(self) -> int:
        return sum(max(1, others[0].devices) for others, _ in self.running.values())

    def _free(self) -> int:
        """How many processes, or devices where there are any, are not taken."""
        room = self.workers - self._taken()
        return min(room, len(self.devices)) if self.devices or any(lent for _, lent in self.running.values()) else room

    def _check(self, node: Node) -> None:
        """Raises KitError for a stage that would wait for ever."""
        if self.devices and node.devices > len(self.devices):
            raise KitError(f"{node.label} asks for {node.devices} devices, and there are {len(self.devices)}")
        if node.devices > self.workers:
            raise KitError(f"{node.label} asks for {node.devices} processes, more than --workers {self.workers}")

    def _start(self, nodes: list[Node]) -> bool:
        """Start a process for a stage, or for several one after the other, if there is room for it."""
        node = nodes[0]
        if max(1, node.devices) > self.workers - self._taken():
            return False
        environment = {"TQDM_DISABLE": "1"}  # the engine's own bar counts stages
        lent: list[str] = []
        if self.devices or any(of for _, of in self.running.values()):
            if node.devices > len(self.devices):
                return False
            lent, self.devices = self.devices[: node.devices], self.devices[node.devices :]
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(lent)
        self.running[Child(partial(_one_by_one, self.work, nodes), node.label, environment)] = nodes, lent
        return True

    def stop(self) -> None:
        """End what is running at once: it is resumed or redone by the next run."""
        for child in self.running:
            child.process.terminate()
        for child, (_, lent) in self.running.items():
            child.process.join()
            self.devices += lent
        self.running.clear()


def _rank(node: Node, planned: Mapping[str, Node]) -> int:
    """Of the adapter that a stage loads, 0 where it loads none."""
    model = model_of(node, planned)
    adapter = adapting(model, planned) if model else None
    return adapter.rank if adapter else 0


def _one_by_one(work: Callable[[Node], None], nodes: Sequence[Node]) -> None:
    for node in nodes:
        try:
            work(node)
        except SilentError:
            raise
        except KitError as error:
            raise KitError(f"{node.label}: {error}") from None


def restored(nodes: Mapping[str, Node], kept: Collection[str]) -> set[str]:
    """Of finished stages whose weights were dropped those begin anew that are to be kept, or that something unfinished loads;
    returns their keys."""
    again: set[str] = set()

    def begin_anew(node: Node) -> None:
        if dropped(node.directory):
            shutil.rmtree(node.directory)
            again.add(node.key)
            wanted.append(node)

    wanted = [node for node in nodes.values() if not (node.directory / "manifest.json").exists()]
    for key in kept:
        begin_anew(nodes[key])
    for node in wanted:  # grows while it is gone through
        for used in loaded(node, nodes):
            begin_anew(used)
    return again


def drop_weights(directory: Path, whole: bool = False) -> None:
    """Delete the weights of a finished training stage, unless that is done; what was kept on the way by name stays, if it was not
    kept for other stages alone (`whole`)."""
    if not dropped(directory):
        weights = [name for name in read_manifest(directory).outputs if name.endswith(".safetensors")]
        drop(directory, [name for name in weights if whole or not name.startswith(f"{STEPS}/")])
