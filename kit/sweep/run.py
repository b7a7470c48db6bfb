"""A sweep: what is claimed put down, bases brought up to their gate, and every stage of the plan run."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evals.run import read_records
from kit.core.config import dump
from kit.core.errors import KitError
from kit.core.experiment import EXPERIMENT
from kit.core.store import lock, read_manifest, write_json
from kit.sweep.engine import Engine, visible_devices
from kit.sweep.experiment import ExperimentConfig, Replicate
from kit.sweep.plan import Plan, base_name


@dataclass(frozen=True, slots=True)
class GateResult:
    """What the gate found for one base after so many extensions."""

    base: str
    extensions: int
    recall: float
    pilot: float | None
    passed: bool


def accuracy(directory: Path) -> float:
    """Mean exact match of an evaluation of one slice."""
    records = read_records(directory)
    return sum(r.scores["exact_match"] for r in records) / len(records)


def sweep(experiment: ExperimentConfig, out: Path, workers: int | None = None, disk: int | None = None) -> Path:
    """Run (or resume) an experiment into `out`; returns the path of its experiment.json. workers: processes at once; disk: bytes
    that weights, and what unfinished runs go on from, may take.

    Stages already finished are not run again. Raises KitError when a stage does, naming it.
    """
    started, began = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
    devices = visible_devices()
    cores = workers or len(devices) or len(os.sched_getaffinity(0))
    with lock(out):
        declared = _declare(experiment, out, began)
        plan = Plan(experiment, out)
        engine = Engine(cores, devices)
        try:
            with tqdm(desc="stages", unit="stage", disable=None, delay=2) as bar:
                bases = {(r.world, r.model) for r in experiment.replicates}
                gates = _pass_gates(plan, engine, max(1, cores // len(bases)), bar)
                engine.run(plan.nodes.values(), bar, plan.kept(), disk)
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
