"""What a plan says of the matching of claims, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from generators.generate import generate_stage
from kit.core.config import apply_overrides, read_preset, resolve
from kit.sweep.experiment import ExperimentConfig
from kit.sweep.matching import unmatched


def told(preset: str, folder: Path, *overrides: str) -> dict[str, list[str]]:
    """By claim, what its arms differ in unnamed."""
    experiment = resolve(ExperimentConfig, apply_overrides(read_preset(preset), overrides))
    world = generate_stage(experiment.generate_config(experiment.replicates[0]), folder / "world")
    found = unmatched(experiment, world)
    assert found is not None
    return {claim.says: own for claim, own in zip(experiment.claims, found, strict=True) if own}


@pytest.mark.full
@pytest.mark.parametrize("preset", ["demo", "demo-full", "demo-tasks"])
def test_every_claim_of_the_presets_is_matched_at_its_real_size(preset: str, tmp_path: Path) -> None:
    assert not told(preset, tmp_path)


def test_a_claim_that_nothing_can_be_said_of_is_told_beforehand(tmp_path: Path) -> None:
    found = told("demo", tmp_path, "train.order_last.rows={novel=3,known=3,examples=2}", "train.order_last.micro_batch=8")
    assert len(found) == 2
    for says, differ in found.items():
        assert says.startswith("Post-training before injection")
        assert [each.split(" (")[0] for each in differ] == ["examples last step"]


def test_an_experiment_that_compares_nothing_is_planned_without_a_tokenizer(tmp_path: Path) -> None:
    demo = read_preset("demo")
    untouched = {"untouched": {"path": [], "counts": [0], "measures": ["novel2"]}}
    alone = {
        **demo,
        "train": {},
        "gate": None,
        "arms": untouched,
        "claims": [],
        "measures": {"novel2": demo["measures"]["novel2"]},
    }
    alone["evaluation"] = {}
    experiment = resolve(ExperimentConfig, alone)
    assert unmatched(experiment, tmp_path) == []


def test_a_stage_is_dealt_as_it_is_spoken_to(tmp_path: Path) -> None:
    """Another system prompt makes other rows: so many more tokens, and a claim that has to name them."""
    found = told("demo", tmp_path, 'train.inject_nothing.system="Answer in as few words as you can, and no more than that."')
    assert [each for differ in found.values() for each in differ if each.startswith("tokens")]


def test_without_a_world_or_a_tokenizer_at_hand_it_is_not_looked_at(tmp_path: Path) -> None:
    demo = read_preset("demo")
    assert unmatched(resolve(ExperimentConfig, demo), None) is None
    foreign = resolve(ExperimentConfig, {**demo, "model": "nobody/nothing", "base": None, "gate": None})
    world = generate_stage(foreign.generate_config(foreign.replicates[0]), tmp_path / "world")
    assert unmatched(foreign, world) is None
