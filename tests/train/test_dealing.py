"""Rows dealt in an order known in advance, from stage to stage; and what is counted of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.records import Document, Shown
from kit.core.store import read_manifest, read_table
from kit.models.tokens import Row
from kit.train.dealing import Schedule, deal, read_dealt
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.rows import Source, Told
from kit.train.run import train

TINY = {"hidden": 16, "layers": 1, "heads": 2, "intermediate": 32}


def source(name: str, count: int, length: int = 1) -> Source:
    """Rows that each carry a fact of their own and one that all have."""
    rows = [Row([i] * (1 + i % length), ((0, 1),)) for i in range(count)]
    return Source.of(Told(row, (f"{name} {i}", f"all of {name}"), f"{name} row {i}", i) for i, row in enumerate(rows))


def taken(schedule: Schedule) -> list[int]:
    return [schedule.row(place).input_ids[0] for place in range(len(schedule))]


def test_steps_have_the_asked_composition_and_every_exposure_is_counted() -> None:
    sources = {"known": source("known", 5, 5), "novel": source("novel", 2, 2)}
    schedule = deal(sources, {"known": 2, "novel": 1}, 10, seed=0)
    for step in range(10):
        lengths = [len(schedule.row(place).input_ids) for place in range(3 * step, 3 * step + 3)]
        assert lengths == sorted(lengths) == schedule.lengths[3 * step : 3 * step + 3].tolist()
    shown = {(s.source, s.fact): s for s in schedule.shown}
    assert {f: shown["known", f].exposures for _, f in shown if f.startswith("known ")} == {f"known {i}": 4 for i in range(5)}
    assert [shown["novel", f"novel {i}"].exposures for i in range(2)] == [5, 5]
    everyone = shown["known", "all of known"]
    assert (everyone.exposures, everyone.new_documents, everyone.last_step) == (20, 5, 10)
    assert everyone.dose == pytest.approx(20 / 3)


def test_the_dose_is_the_rate_times_the_rows_share_of_the_step() -> None:
    schedule = deal({"novel": source("novel", 4)}, {"novel": 2}, 2, 0, rate=lambda step: 10.0**-step)
    doses = Counter({s.fact: s.dose for s in schedule.shown if s.fact != "all of novel"})
    assert sorted(doses.values()) == pytest.approx([0.005, 0.005, 0.05, 0.05])
    last = {s.fact: s.last_step for s in schedule.shown}
    assert all(doses[fact] == pytest.approx(10.0 ** -last[fact] / 2) for fact in doses)


def test_a_stage_deals_on_where_the_last_one_ended() -> None:
    sources = {"novel": source("novel", 10)}
    whole = deal(sources, {"novel": 3}, 6, seed=4)
    first = deal(sources, {"novel": 3}, 2, seed=4)
    second = deal(sources, {"novel": 3}, 4, seed=4, earlier=first.dealt)
    assert sorted(taken(whole)) == sorted(taken(first) + taken(second))
    assert not set(taken(first)) & set(taken(second)[:3])
    assert second.dealt == whole.dealt
    new = [next(s.new_documents for s in x.shown if s.fact == "all of novel") for x in (first, second, whole)]
    assert new == [6, 4, 10], "documents that a stage before had shown are no new ones"


def test_other_rows_and_other_orders_begin_anew_but_what_was_seen_is_seen() -> None:
    sources = {"novel": source("novel", 10)}
    first = deal(sources, {"novel": 5}, 1, seed=0)
    other = deal(sources, {"novel": 5}, 2, seed=1, earlier=first.dealt)
    assert taken(other) == taken(deal(sources, {"novel": 5}, 2, seed=1))
    assert next(s.new_documents for s in other.shown if s.fact == "all of novel") == 5
    elsewhere = deal({"novel": source("others", 10)}, {"novel": 5}, 2, seed=0, earlier=first.dealt)
    assert next(s.new_documents for s in elsewhere.shown if s.fact == "all of others") == 10
    assert {(d.seed, d.count) for d in other.dealt} == {(0, 5), (1, 10)}
    again = deal(sources, {"novel": 5}, 1, seed=0, earlier=other.dealt)
    assert {(d.seed, d.count) for d in again.dealt} == {(0, 10), (1, 10)}


def test_rows_without_facts_are_counted_as_a_set() -> None:
    rows, other = (Source.of(Told(Row([i], ((0, 1),)), (), f"{name} {i}", i) for i in range(4)) for name in ("row", "other"))
    (shown,) = deal({"examples": rows}, {"examples": 2}, 3, 0).shown
    assert (shown.source, shown.exposures, shown.new_documents, shown.last_step) == ("examples", 6, 4, 3)
    assert deal({"examples": other}, {"examples": 2}, 3, 0).shown[0].fact != shown.fact


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
@pytest.mark.parametrize("warmup", [0.0, 0.3])
def test_the_rate_is_the_trainers(schedule: str, warmup: float) -> None:
    import torch
    from transformers import get_scheduler

    config = settings(schedule=schedule, warmup=warmup, steps=20, learning_rate=2e-3)
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=2e-3)
    scheduler = get_scheduler(schedule, optimizer, round(warmup * 20), 20)
    for step in range(1, 21):
        assert config.rate(step) == pytest.approx(scheduler.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        scheduler.step()


def settings(**given: Any) -> TrainConfig:
    return resolve(TrainConfig, with_defaults({"recipe": "inject", "tiny": TINY, "steps": 5, "rows": {"novel": 4}, **given}))


@pytest.mark.slow
def test_stages_of_training_show_what_they_say_and_deal_on(small_dir: Path, tmp_path: Path) -> None:
    first = train(settings(), str(small_dir), "tiny", tmp_path / "first")
    second = train(settings(steps=8, tiny={}), str(small_dir), str(first), tmp_path / "second")
    documents = [d for d in read_table(small_dir / "documents.parquet", Document) if d.corpus == "novel"]
    shown = [read_table(run / "shown.parquet", Shown) for run in (first, second)]
    assert read_dealt(str(second)) == [d for d in read_dealt(str(second)) if d.count == 52]
    assert {s.source for run in shown for s in run} == {"novel"}
    for run, rows in zip(shown, (20, 32), strict=True):
        assert sum(s.exposures for s in run) == pytest.approx(
            rows * sum(len(d.facts) for d in documents) / len(documents), rel=0.25
        )
    stated = Counter(fact for d in documents for fact in set(d.facts))
    together = Counter({s.fact: s.new_documents for s in shown[0]}) + Counter({s.fact: s.new_documents for s in shown[1]})
    assert all(together[fact] <= stated[fact] for fact in together)
    results = [read_manifest(run).results for run in (first, second)]
    assert [(r["steps"], r["rows"]) for r in results] == [(5, 20), (8, 32)]
    (second / "dealt.json").write_text(json.dumps([{"source": 3}]))
    with pytest.raises(KitError, match=r"dealt.json is damaged"):
        read_dealt(str(second))
