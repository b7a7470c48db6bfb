"""Kill a stage at ten random moments, run it again, and compare with the run that nobody disturbed."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.config import EvalConfig
from evals.run import evaluate
from generators.config import GenerateConfig
from generators.generate import generate_stage
from generators.tasks import TASK_DATA
from kit.core.config import resolve
from kit.core.records import CodeProblem
from kit.core.store import UNFINISHED, intact_manifest, write_table
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from tests.e2e.test_changed_setting import power_cut
from tests.infer.test_server import Faulty

pytestmark = pytest.mark.slow
KILLS = pytest.mark.parametrize("kills", [3, pytest.param(6, marks=pytest.mark.full)])
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["trl.trainer.sft_trainer", "kit.train.run", "evals.run", "kit.report.build"])

Run = Callable[[Path], object]


def outputs(directory: Path) -> dict[str, str]:
    """Digests of what a finished stage made: tables, weights, scores. Checked against the manifest on the way."""
    return {n: d for n, d in intact_manifest(directory).outputs.items() if n != "history.json"}


def disturbed(run: Run, arguments: tuple[object, ...], out: Path, after: float) -> bool:
    """Start `run` in a process of its own and kill it after so many seconds; whether it was still at it."""
    process = CONTEXT.Process(target=run, args=(*arguments, out))
    process.start()
    process.join(after)
    alive = process.is_alive()
    process.kill()
    process.join()
    return alive


def kill_and_compare(run: Run, arguments: tuple[object, ...], tmp_path: Path, kills: int) -> None:
    calm = tmp_path / "calm"
    # The first run warms the server; the second is timed.
    disturbed(run, arguments, tmp_path / "warm", 120)
    start = time.perf_counter()
    assert not disturbed(run, arguments, calm, 120), "it never ended"
    whole = time.perf_counter() - start
    expected = outputs(calm)
    moments = random.Random(0)
    interrupted = 0
    for first in range(0, kills, 2):
        out = tmp_path / str(first)
        # Twice, the second time while it resumes.
        for _ in range(min(2, kills - first)):
            start = time.perf_counter()
            if disturbed(run, arguments, out, moments.uniform(0.02, whole)):
                interrupted += 1
            elif not interrupted:
                # The machine was slower when it was timed.
                whole = min(whole, time.perf_counter() - start)
        assert not disturbed(run, arguments, out, 120)
        assert outputs(out) == expected
        assert not list(out.glob(".*.part")), "no litter"
    assert interrupted >= kills // 2


def _generate(config: GenerateConfig, out: Path) -> None:
    generate_stage(config, out)


@KILLS
def test_generate(small_config: GenerateConfig, tmp_path: Path, kills: int) -> None:
    kill_and_compare(_generate, (small_config,), tmp_path, kills)


TRAINING = {
    "recipe": "pretrain",
    "steps": 40,
    "checkpoint_every": 7,
    "tiny": {"hidden": 32, "layers": 1, "heads": 2, "intermediate": 64},
}


def _train(data: Path, out: Path) -> None:
    train(resolve(TrainConfig, with_defaults(TRAINING)), str(data), "tiny", out)


@KILLS
def test_train(small_dir: Path, tmp_path: Path, kills: int) -> None:
    kill_and_compare(_train, (small_dir,), tmp_path, kills)


SLICES = [
    {"split": "novel", "hops": 2, "style": "cot", "limit": 40},
    {"split": "novel", "hops": 2, "style": "direct", "mode": "choice", "limit": 20},
]


def _evaluate(data: Path, model: Path, out: Path) -> None:
    config = resolve(EvalConfig, {"slices": SLICES, "max_new_tokens": {"cot": 40, "direct": 8}, "max_batch": 8})
    evaluate(config, str(data), str(model), out)


@KILLS
def test_evaluate(small_dir: Path, tmp_path: Path, kills: int) -> None:
    _train(small_dir, tmp_path / "model")
    kill_and_compare(_evaluate, (small_dir, tmp_path / "model"), tmp_path, kills)


def _evaluate_by_server(url: str, data: Path, out: Path) -> None:
    from kit.infer import server

    server.PATIENCE = 0.02
    settings = {"slices": [{"split": "test"}], "task": "math", "backend": "server", "server": {"url": url, "concurrency": 4}}
    evaluate(resolve(EvalConfig, settings), str(data), "somebody", out)


@pytest.mark.full
def test_evaluate_by_a_server_that_fails(tmp_path: Path) -> None:
    """Every tenth question is failed twice; the evaluation is killed as well."""
    rows = [{"question": f"What is {i} and 1?", "answer": f"#### {i + 1}"} for i in range(60)]
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    server = Faulty()
    server.delay = 0.01
    server.faults = {f"{row['question']} Think step by step.": ["500", "truncated"] for row in rows[::10]}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        kill_and_compare(_evaluate_by_server, (server.url, data), tmp_path, 4)
    finally:
        server.shutdown()
        server.server_close()


def _evaluate_code(data: Path, outputs: Path, out: Path) -> None:
    settings = {"slices": [{"split": "test", "style": "direct"}], "task": "code", "backend": "recorded", "recorded": str(outputs)}
    evaluate(resolve(EvalConfig, settings), str(data), "somebody", out)


@pytest.mark.full
def test_evaluate_code_and_leave_no_program_running(tmp_path: Path) -> None:
    """Killed while strange programs run, one of which takes its time: none outlives the process that started it."""
    problems = list(TASK_DATA["code"].items(0, "test", 12, (1, 2)))
    data, outputs_ = tmp_path / "world", tmp_path / "outputs.jsonl"
    data.mkdir()
    write_table(data / "code.parquet", CodeProblem, problems)
    slow = "```python\nimport time\ndef {name}(*a):\n    time.sleep(1)\n```"
    with outputs_.open("w") as file:
        for i, problem in enumerate(problems):
            answer = slow.format(name=problem.entry_point) if i == 6 else TASK_DATA["code"].turns(problem, "direct")[1]
            file.write(json.dumps({"id": problem.id, "output": answer}) + "\n")
    kill_and_compare(_evaluate_code, (data, outputs_), tmp_path, kills=3)
    time.sleep(1)
    orphans = subprocess.run(["ps", "--ppid", "1", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert "evals/sandbox" not in orphans


def test_a_torn_checkpoint_is_dropped(small_dir: Path, tmp_path: Path) -> None:
    """What a kill in the middle of saving leaves: a folder without the state that is written last."""
    calm, torn = tmp_path / "calm", tmp_path / "torn"
    _train(small_dir, calm)
    with power_cut(20):
        _train(small_dir, torn)
    (saved,) = (torn / UNFINISHED / "trainer").glob("checkpoint-*")
    (saved / "trainer_state.json").unlink()
    (saved / "model.safetensors").write_bytes(b"half")
    _train(small_dir, torn)
    assert outputs(torn) == outputs(calm)


def test_a_full_disk_and_a_read_only_directory_lose_nothing(small_config: GenerateConfig, tmp_path: Path) -> None:
    """On a tmpfs of its own: filled before a stage writes, then emptied; then mounted read-only."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", mounted], capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs root and the right to mount")
    try:
        config = tmp_path / "config.json"
        config.write_text(small_config.model_dump_json(), "utf-8")
        command = [sys.executable, "-m", "kit", "generate", "--config", str(config), "--out", str(mounted / "world")]
        for free in (0, 65_536):
            free_space = os.statvfs(mounted).f_bavail * os.statvfs(mounted).f_frsize
            (mounted / "ballast").write_bytes(bytes(free_space - free))
            found = subprocess.run(command, capture_output=True, text=True, check=False)
            assert found.returncode == 2
            assert "full" in found.stderr
            assert len(found.stderr.strip().splitlines()) == 1
            assert not (mounted / "world" / "manifest.json").exists()
            (mounted / "ballast").unlink()
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
        made = outputs(mounted / "world")
        subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0, "a finished stage needs no writing"
        assert outputs(mounted / "world") == made
        command[-1] = str(mounted / "other")
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        assert found.returncode == 2
        assert "Read-only" in found.stderr
        assert len(found.stderr.strip().splitlines()) == 1
    finally:
        subprocess.run(["umount", mounted], check=False)
