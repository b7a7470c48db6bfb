"""The engine: runs a plan's stages in parallel one-thread processes, each as soon as what it needs is there."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from tqdm import tqdm

from evals.run import read_records
from kit.core.config import dump
from kit.core.errors import KitError
from kit.core.experiment import EXPERIMENT
from kit.core.processes import end_with_parent
from kit.core.store import drop, dropped, lock, read_manifest, write_json
from kit.sweep.experiment import ExperimentConfig, Replicate
from kit.sweep.plan import Node, Plan, base_name, loaded


@dataclass(frozen=True, slots=True)
class GateResult:
    """What the gate found for one base after so many extensions."""

    base: str
    extensions: int
    recall: float
    pilot: float | None
    passed: bool


def run_node(node: Node) -> None:
    """Run one stage in this process (a worker), unless its directory is finished."""
    if node.kind == "generate":
        from generators.config import GenerateConfig
        from generators.generate import generate_stage

        assert isinstance(node.config, GenerateConfig)
        generate_stage(node.config, node.directory)
    elif node.kind == "train":
        from kit.train.recipes import TrainConfig
        from kit.train.run import train

        assert isinstance(node.config, TrainConfig)
        assert node.data is not None
        assert node.model is not None
        train(node.config, node.data, node.model, node.directory)
    else:
        from evals.config import EvalConfig
        from evals.run import evaluate

        assert isinstance(node.config, EvalConfig)
        assert node.model is not None
        assert node.data is not None
        evaluate(node.config, node.data, node.model, node.directory)


def _become_worker() -> None:
    """Workers draw no bars (the engine's own counts stages), leave Ctrl-C to the engine, and die when it does."""
    os.environ["TQDM_DISABLE"] = "1"
    # tqdm's own lock is a semaphore of the system, which a worker that is terminated would leave behind.
    tqdm.set_lock(threading.RLock())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent()


@contextmanager
def _signals_held() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until the block ends: a worker half started would outlive its engine, and complain."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []

    def hold(number: int, _: FrameType | None) -> None:
        held.append(number)

    handlers = {each: signal.signal(each, hold) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
    for number in held:
        signal.raise_signal(number)


class Engine:
    """A pool of worker processes kept for the whole sweep; heavy imports happen once, in the fork server."""

    def __init__(self, workers: int) -> None:
        # One OpenMP thread a worker, unless a stage asks for more. Those spin briefly at each barrier: with no spinning two
        # threads were slower than one (measured: 16.7 s against 9.7 s; 6.4 to 7.3 s with it).
        os.environ.update(OMP_NUM_THREADS="1", GOMP_SPINCOUNT="20000", TOKENIZERS_PARALLELISM="false")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["trl", "trl.trainer.sft_trainer", "kit.train.run", "evals.run", "kit.sweep.plan"])
        self.pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_become_worker)
        self.done: set[str] = set()

    def run(self, nodes: Iterable[Node], bar: tqdm[None], kept: Collection[str] | None = None) -> None:
        """Run `nodes`, each once what it needs is done, in the order of the plan. The first failure stops the sweep.

        kept: the training stages whose weights are there in the end. Those of others are dropped once nothing that is still to be
        run loads them; None leaves everything as it is.
        """
        planned = {n.key: n for n in nodes}
        going = set() if kept is None else {key for key, n in planned.items() if n.kind == "train" and key not in kept}
        self.done -= restored(planned, kept or ())
        waiting = {key: n for key, n in planned.items() if key not in self.done}
        bar.total = len(self.done) + len(waiting)
        running: dict[Future[None], Node] = {}
        try:
            while waiting or running:
                for node in [n for n in waiting.values() if set(n.needs) <= self.done]:
                    del waiting[node.key]
                    with _signals_held():
                        running[self.pool.submit(run_node, node)] = node
                if not running:
                    raise KitError(f"stage {next(iter(waiting.values())).label} needs a stage that is not planned")
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    node = running.pop(future)
                    try:
                        future.result()
                    except KitError as error:
                        raise KitError(f"{node.label}: {error}") from None
                    except BrokenProcessPool:
                        raise KitError(
                            f"{node.label}: a worker was killed, perhaps for want of memory: run the same command again "
                            "with fewer --workers; what is finished is kept"
                        ) from None
                    self.done.add(node.key)
                    bar.set_postfix_str(node.label)
                    bar.update()
                if going:
                    left = {used.key for n in (*waiting.values(), *running.values()) for used in loaded(n, planned)}
                    for key in (self.done & going) - left:
                        drop_weights(planned[key].directory)
                        going.remove(key)
        finally:
            if running:
                self.stop()

    def stop(self) -> None:
        """End the workers at once: what they were at is resumed or redone by the next run."""
        for worker in multiprocessing.active_children():
            worker.terminate()
        self.pool.shutdown(cancel_futures=True)


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


def drop_weights(directory: Path) -> None:
    """Delete the weights of a finished training stage, unless that is done."""
    if not dropped(directory):
        drop(directory, [name for name in read_manifest(directory).outputs if name.endswith(".safetensors")])


def accuracy(directory: Path) -> float:
    """Mean exact match of an evaluation of one slice."""
    records = read_records(directory)
    return sum(r.scores["exact_match"] for r in records) / len(records)


def sweep(experiment: ExperimentConfig, out: Path, workers: int | None = None) -> Path:
    """Run (or resume) an experiment into `out`; returns the path of its experiment.json.

    Stages already finished are not run again. Raises KitError when a stage does, naming it.
    """
    started, began = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
    cores = workers or len(os.sched_getaffinity(0))
    with lock(out):
        declared = _declare(experiment, out, began)
        plan = Plan(experiment, out)
        engine = Engine(cores)
        try:
            with tqdm(desc="stages", unit="stage", disable=None, delay=2) as bar:
                bases = {(r.world, r.model) for r in experiment.replicates}
                gates = _pass_gates(plan, engine, max(1, cores // len(bases)), bar)
                engine.run(plan.nodes.values(), bar, plan.kept())
        finally:
            engine.stop()
        result = out / EXPERIMENT
        write_json(
            result,
            {
                **declared,
                "finished": True,
                "gates": [asdict(g) for g in gates],
                "cells": [asdict(c) for c in plan.cells],
                "stages": sorted(n.directory.name for n in plan.nodes.values()),
                "workers": cores,
                "seconds": round(time.perf_counter() - started, 1),
                "reused": sum(read_manifest(n.directory).started < began for n in plan.nodes.values()),
            },
        )
    return result


def _declare(experiment: ExperimentConfig, out: Path, now: str) -> dict[str, Any]:
    """Put down what is claimed, of which replicates, with the date, before anything runs; returns what was. Once an evaluation is
    finished in `out`, claims that were not put down before are no longer declared: they may have been made after looking.

    Raises KitError where what was put down cannot be read.
    """
    path = out / EXPERIMENT
    digests = experiment.claim_digests()
    settings = {"config": dump(experiment), "digests": digests}
    if next(out.glob("stages/eval-*/manifest.json"), None):
        try:
            earlier = json.loads(path.read_text("utf-8"))
            return {**settings, "declared": dict(earlier["declared"]), "first": list(earlier["first"])}
        except (OSError, ValueError, KeyError, TypeError):
            raise KitError(f"{path} is lost or damaged, and with it what was claimed: choose another --out") from None
    declared = {
        digest: {"says": claim.says, "primary": claim.primary, "date": now}
        for digest, claim in zip(digests, experiment.claims, strict=True)
    }
    found = {**settings, "declared": declared, "first": [dump(r) for r in experiment.replicates]}
    write_json(path, {**found, "finished": False})
    return found


def _pass_gates(plan: Plan, engine: Engine, threads: int, bar: tqdm[None]) -> list[GateResult]:
    """Bring every base up to the gate, extending by fixed chunks; then plan the cells.

    The pilot is the first arm's path at the largest count. Other counts run beside it, so that no core is idle; should
    the gate fail they are run again on the better base.
    """
    experiment, gate = plan.experiment, plan.experiment.gate
    results: list[GateResult] = []
    # The first replicate of a base speaks for those that differ in their draw alone.
    bases: dict[str, Replicate] = {}
    for replicate in experiment.replicates:
        bases.setdefault(base_name(replicate), replicate)
    extensions = dict.fromkeys(bases, 0)
    pending = list(bases)
    first = next(iter(experiment.arms.values()))
    while pending and gate:
        trials = {}
        for name in pending:
            replicate = bases[name]
            base = plan.base(replicate, extensions[name], threads)
            recall = plan.evaluate(replicate, base, experiment.evaluation_of(gate.recall_slice), "recall of the base")
            for count in sorted(experiment.counts, reverse=True):
                tuned = plan.path(replicate, base, first.path[:1], count)[-1]
                if count == max(experiment.counts):
                    pilot = plan.evaluate(replicate, tuned, experiment.evaluation_of(gate.pilot_slice), "pilot")
                    trials[name] = (recall, pilot)
        engine.run(plan.nodes.values(), bar)
        for name, (recall, pilot) in trials.items():
            found = accuracy(recall.directory), accuracy(pilot.directory)
            passed = found[0] >= gate.recall and found[1] >= gate.pilot
            results.append(GateResult(name, extensions[name], *found, passed))
            if passed or extensions[name] == gate.most_chunks:
                pending.remove(name)
            else:
                extensions[name] += 1
    for number, replicate in enumerate(experiment.replicates):
        plan.add_cells(number, plan.base(replicate, extensions[base_name(replicate)], threads))
    return results
