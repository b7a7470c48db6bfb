"""One run through all counts makes what runs of so many examples make: weights, what was shown, and where sources go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.records import Shown
from kit.core.store import intact_manifest, read_table
from kit.sweep.disk import STATES, Disk
from kit.sweep.experiment import ExperimentConfig
from kit.sweep.plan import Node, Plan, loaded, start_of
from kit.train.dealing import read_dealt
from kit.train.nested import point
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from tests.models.families import FAMILIES, checkpoint_of
from tests.train.test_keep import SETTINGS, assert_same

EXAMPLES: dict[str, Any] = {
    **{key: value for key, value in SETTINGS.items() if key != "steps"},
    "recipe": "posttrain",
    "rows": {"examples": 4, "known": 2},
    "epochs": 1.0,
    "order": "drawn",
    "draw": 3,
}


def config_of(examples: int, **settings: Any) -> TrainConfig:
    return resolve(TrainConfig, with_defaults({**EXAMPLES, "examples": examples, **settings}))


@pytest.fixture(scope="module")
def base(small_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Had the known documents before, so that stages go on in them."""
    settings = {**SETTINGS, "steps": 3, "rows": {"known": 5}}
    config = resolve(TrainConfig, with_defaults(settings))
    return train(config, str(small_dir), "tiny", tmp_path_factory.mktemp("base") / "base")


@pytest.mark.parametrize("lora", [None, {"rank": 2, "dropout": 0.1}])
def test_nested_is_separate(small_dir: Path, base: Path, tmp_path: Path, lora: dict[str, Any] | None) -> None:
    own: dict[str, Any] = {"tiny": {}, "lora": lora}
    longer = train(config_of(40, keep=[3, 7], **own), str(small_dir), str(base), tmp_path / "longer")
    for examples in (12, 28):
        alone = train(config_of(examples, **own), str(small_dir), str(base), tmp_path / f"alone-{examples}")
        found = point(config_of(examples, **own), str(small_dir), str(base), tmp_path / f"point-{examples}", longer)
        assert_same(found / "model", alone / "model")
        one, other = intact_manifest(found), intact_manifest(alone)
        assert one.key == other.key
        told = {
            name: value for name, value in other.results.items() if name != "final_loss"
        }  # of the last steps that were logged
        assert told == {name: value for name, value in one.results.items() if name != "final_loss"}
        assert read_table(found / "shown.parquet", Shown) == read_table(alone / "shown.parquet", Shown)
        assert read_dealt(str(found)) == read_dealt(str(alone))
        last = json.loads((found / "history.json").read_text())[-1]
        assert (last["step"], last["loss"]) == (examples // 4, one.results["final_loss"]), "it is logged where it ends"
        assert any("longer run behind step" in note for note in one.notes)
        again = point(config_of(examples, **own), str(small_dir), str(base), found, tmp_path / "gone")
        assert again == found, "it is there already"


@pytest.mark.parametrize(
    ("longer", "shorter"),
    [
        ({"keep": [3], "draw": 4}, {}),
        ({"keep": [3], "learning_rate": 1e-3}, {}),
        ({"keep": [3]}, {"learning_rate": 1e-3}),
        ({"keep": [4]}, {}),
        ({}, {}),
        ({"keep": [3], "order": "shuffled"}, {"order": "shuffled"}),
        ({"keep": [3], "schedule": "linear"}, {"schedule": "linear"}),
        ({"keep": [3], "seed": 1}, {}),
        ({"keep": [3], "rows": {"examples": 4, "known": 3}}, {}),
    ],
)
def test_another_run_is_no_longer_one(small_dir: Path, tmp_path: Path, longer: dict[str, Any], shorter: dict[str, Any]) -> None:
    run = train(config_of(24, **longer), str(small_dir), "tiny", tmp_path / "longer")
    with pytest.raises(KitError, match="did not begin with"):
        point(config_of(12, **shorter), str(small_dir), "tiny", tmp_path / "point", run)
    assert not (tmp_path / "point" / "manifest.json").exists()


EXPERIMENT: dict[str, Any] = {
    "name": "nested",
    "counts": [0, 8, 16, 40],
    "generate": {
        "world": {
            "relations": ["born_in", "works_for", "based_in", "founded_by", "governed_by"],
            "known": {"person": 12, "company": 3, "city": 3},
            "novel": {"person": 6, "company": 2, "city": 2},
        },
        "examples": {"count": 40},
    },
    "base": {"steps": 4},
    "train": {
        "post": {"recipe": "posttrain", "nested": True, "rows": {"examples": 4}},
        "inject": {"recipe": "inject", "steps": 3},
    },
    "measures": {"recall": {"split": "recall_novel", "hops": 1, "style": "cloze"}},
    "arms": {
        "injected": {"path": ["post", "inject"], "measures": ["recall"]},
        "few": {"path": ["post"], "measures": ["recall"], "counts": [16, 24]},
    },
}


def planned(experiment: dict[str, Any]) -> Plan:
    plan = Plan(resolve(ExperimentConfig, experiment), Path("out"))
    plan.add_cells(0, plan.base(plan.experiment.replicates[0], 0, 1))
    return plan


def test_a_plan_has_one_run_through_all_counts() -> None:
    plan = planned(EXPERIMENT)
    nodes: dict[int, Node] = {}
    for node in plan.nodes.values():
        if isinstance(node.config, TrainConfig) and node.config.recipe == "posttrain":
            assert node.config.examples not in nodes, "a count has one run, whatever arm it is of"
            nodes[node.config.examples] = node
    assert sorted(nodes) == [0, 8, 16, 24, 40]
    assert nodes[40].trains
    assert nodes[40].config.keep == (2, 4, 6)  # type: ignore[union-attr]
    for count in (8, 16, 24):
        assert nodes[count].longer == nodes[40].key
        assert not nodes[count].trains
        assert list(loaded(nodes[count], plan.nodes)) == [nodes[40]]
        assert start_of(nodes[count], plan.nodes) == "tiny"
    assert nodes[0].trains
    separate = {**EXPERIMENT, "train": {**EXPERIMENT["train"], "post": {
        "recipe": "posttrain", "order": "drawn", "epochs": 1.0, "schedule": "constant", "rows": {"examples": 4},
    }}}  # fmt: skip
    keys = set(planned(separate).nodes)
    assert {nodes[count].key for count in (0, 8, 16, 24)} <= keys
    assert nodes[40].key not in keys, "it keeps what the others are"


def changed(**stages: dict[str, Any]) -> dict[str, Any]:
    return {**EXPERIMENT, "train": {**EXPERIMENT["train"], **stages}}


def test_counts_of_a_gate_are_gone_through_too() -> None:
    """Though no arm is asked at them."""
    gate = {"recall_slice": {"split": "recall_known", "style": "cloze"}, "pilot_slice": {"split": "validation"}}
    arms = {"first": {"path": ["post"], "measures": ["recall"], "counts": [8, 16]}}
    experiment = resolve(
        ExperimentConfig, {**EXPERIMENT, "gate": gate, "arms": arms, "train": {"post": EXPERIMENT["train"]["post"]}}
    )
    plan = Plan(experiment, Path("out"))
    replicate = experiment.replicates[0]
    nodes = [plan.path(replicate, plan.base(replicate, 0, 1), ("post",), count)[-1] for count in experiment.counts]
    assert [bool(node.longer) for node in nodes] == [False, True, True, False]
    assert nodes[-1].config.keep == (2, 4)  # type: ignore[union-attr]


def test_a_curve_takes_its_largest_checkpoint_of_disk_and_what_it_keeps(tmp_path: Path) -> None:
    model = checkpoint_of(FAMILIES["llama-3.2"], tmp_path / "llama")
    size = sum(path.stat().st_size for path in model.glob("*.safetensors"))
    given = {name: table for name, table in EXPERIMENT.items() if name != "base"}
    counts = [4, 8, 16, 32, 40]
    arms = {"post": {"path": ["post"], "measures": ["recall"]}}
    own = {**given, "model": str(model), "counts": counts, "arms": arms, "train": {"post": EXPERIMENT["train"]["post"]}}
    experiment = resolve(ExperimentConfig, own)
    plan = Plan(experiment, tmp_path / "out")
    plan.add_cells(0, str(model))
    disk = Disk(10**12, plan.nodes, ())
    places = {key: place for place, key in enumerate(disk.order)}
    assert len(places) == len(plan.nodes)
    for node in plan.nodes.values():
        assert all(places[need] < places[node.key] for need in node.needs), "behind what it needs"
    # Five checkpoints and the states of one, and at most one point more that is being linked.
    assert (5 + STATES) * size <= disk.peak() * 1.01
    assert disk.peak() <= 1.01 * (6 + STATES) * size


@pytest.mark.parametrize(
    ("stages", "arms", "message"),
    [
        (
            {"tune": {"recipe": "posttrain", "nested": True, "rows": {"examples": 4}}},
            {"both": {"path": ["post", "tune"], "measures": ["recall"]}},
            "train.tune.nested: it stands behind post, which is another at every count",
        ),
        (
            {},
            {"late": {"path": ["inject", "post"], "measures": ["recall"]}},
            "train.post.nested: .* behind the same stages in every arm",
        ),
    ],
)
def test_one_run_stands_behind_the_same_at_every_count(stages: dict[str, Any], arms: dict[str, Any], message: str) -> None:
    with pytest.raises(KitError, match=message):
        resolve(ExperimentConfig, {**changed(**stages), "arms": {**EXPERIMENT["arms"], **arms}})


def test_models_have_their_own_largest_count(tmp_path: Path) -> None:
    given = {name: table for name, table in changed().items() if name != "base"}
    arms = {
        "a": {"path": ["post"], "measures": ["recall"], "model": "a", "counts": [8, 16]},
        "b": {"path": ["post"], "measures": ["recall"], "model": "b", "counts": [8, 40]},
    }
    model = checkpoint_of(FAMILIES["llama-3.2"], tmp_path / "llama")
    settings = {
        **given,
        "models": {"a": str(model), "b": str(model)},
        "arms": arms,
        "train": {"post": EXPERIMENT["train"]["post"]},
    }
    plan = Plan(resolve(ExperimentConfig, settings), tmp_path)
    plan.add_cells(0, str(model))
    trained = sorted(node.config.examples for node in plan.nodes.values() if node.trains)  # type: ignore[union-attr]
    assert trained == [16, 40]
    own = {**settings["train"]["post"], "by_model": {"a": {"keep": [1]}}}
    with pytest.raises(KitError, match="leave keep out"):
        resolve(ExperimentConfig, {**settings, "train": {"post": own}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 3.0}, "epochs is 3.0, and must be 1.0"),
        ({"schedule": "cosine"}, "schedule is cosine"),
        ({"order": "shuffled"}, "order is shuffled"),
        ({"rows": {"examples": 5}}, "D = 8 is no whole number of steps of 5 examples"),
        ({"steps": 5}, "leave steps out"),
        ({"keep": [1]}, "leave keep out"),
        ({"examples": 8}, "leave examples out"),
        ({"by_count": {"8": {"micro_batch": 2}}}, "leave by_count out"),
        ({"nested": "yes"}, "true or false"),
        ({"rows": {"known": 4}, "recipe": "inject"}, "trains on no examples"),
    ],
)
def test_what_cannot_be_nested(changes: dict[str, Any], message: str) -> None:
    post = {**EXPERIMENT["train"]["post"], **changes}
    with pytest.raises(KitError, match=message):
        resolve(ExperimentConfig, {**EXPERIMENT, "train": {**EXPERIMENT["train"], "post": post}})
