"""Facts asked for on the way: what is logged is what an evaluation finds, and asking changes nothing."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from evals.config import EvalConfig
from evals.run import evaluate, read_records
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.train.ranks import launch
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from tests.train.test_keep import SETTINGS, assert_same
from tests.train.test_ranks import shard_on_a_cpu

LEARNING: dict[str, Any] = {**SETTINGS, "steps": 60, "rows": {"novel": 12}, "learning_rate": 1e-2}


def run(data: Path, out: Path, **settings: Any) -> Path:
    return train(resolve(TrainConfig, with_defaults({**LEARNING, **settings})), str(data), "tiny", out)


def asked(run: Path) -> dict[int, dict[str, float]]:
    history = json.loads((run / "history.json").read_text())
    return {entry["step"]: entry for entry in history if "probe_recall_novel" in entry}


@pytest.mark.slow
def test_it_is_what_an_evaluation_finds(small_dir: Path, tmp_path: Path) -> None:
    plain = run(small_dir, tmp_path / "plain", keep=[20])
    found = run(small_dir, tmp_path / "probed", keep=[20], probes=1000, probe_every=20)
    assert_same(found / "model", plain / "model")
    told = asked(found)
    assert [*told] == [20, 40, 60]
    part = {"split": "recall_novel", "hops": 1, "shape": "unseen", "style": "cloze"}
    for step, place in ((20, found / "steps" / "20"), (60, found)):
        evaluate(resolve(EvalConfig, {"slices": [part]}), str(small_dir), str(place), tmp_path / f"asked-{step}")
        records = read_records(tmp_path / f"asked-{step}")
        recall = sum(r.scores["exact_match"] for r in records) / len(records)
        assert told[step]["probe_recall_novel"] == pytest.approx(recall, abs=0.02), len(records)
    assert told[60]["probe_recall_novel"] > 0.05, "something was learned to be asked for"
    assert told[60]["probe_logprob_novel"] > told[20]["probe_logprob_novel"]


def test_it_is_asked_of_what_is_learned(small_dir: Path, tmp_path: Path) -> None:
    found = run(small_dir, tmp_path / "out", rows={"novel": 2, "known": 2}, steps=10, probes=3)
    told = asked(found)
    assert [*told] == list(range(1, 11)), "a tenth of the run"
    assert {"probe_recall_known", "probe_logprob_known", "probe_recall_novel", "probe_logprob_novel"} <= told[1].keys()
    assert {round(entry["probe_recall_novel"] * 3, 2) for entry in told.values()} <= {0, 1, 2, 3}


def test_asked_once_however_often_it_is_killed(small_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calm = run(small_dir, tmp_path / "calm", probes=4, probe_every=10)
    monkeypatch.setattr("kit.train.saving.Saving.on_save", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(small_dir, tmp_path / "out", probes=4, probe_every=10, checkpoint_every=25)
    monkeypatch.undo()
    assert asked(run(small_dir, tmp_path / "out", probes=4, probe_every=10, checkpoint_every=25)) == asked(calm)


@pytest.mark.full
def test_shards_are_asked_as_a_whole(small_dir: Path, tmp_path: Path) -> None:
    settings = {"steps": 6, "probes": 4, "probe_every": 3}
    whole = asked(run(small_dir, tmp_path / "whole", precision="fp32", **settings))
    launch(2, partial(shard_on_a_cpu, small_dir, tmp_path / "shards", {**LEARNING, **settings, "devices": 2, "parallel": "fsdp"}))
    shards = asked(tmp_path / "shards")
    assert [*shards] == [3, 6]
    for step, entry in shards.items():
        assert entry["probe_logprob_novel"] == pytest.approx(whole[step]["probe_logprob_novel"], abs=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"probe_every": 5}, "give probes too"),
        ({"probes": 4, "rows": {"reading": 4}}, "that rows of known and novel tell"),
    ],
)
def test_what_cannot_be_asked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(KitError, match=message):
        resolve(TrainConfig, with_defaults({**LEARNING, **settings}))
