"""The store keeps what it promises, and configuration mistakes are told in one line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.config import GenerateConfig
from generators.generate import generate_stage
from kit.core import store
from kit.core.config import apply_overrides, dump, preset_names, read_config_file, read_preset, resolve
from kit.core.errors import KitError
from kit.core.records import EvalRecord, Question
from kit.core.seeds import digest, stream
from kit.train.recipes import TrainConfig, with_defaults


def test_tables_round_trip(small: object, tmp_path: Path) -> None:
    questions = small.questions[:50]  # type: ignore[attr-defined]
    store.write_table(tmp_path / "q.parquet", Question, questions)
    assert store.read_table(tmp_path / "q.parquet", Question) == questions


@given(st.text(), st.one_of(st.none(), st.text()), st.dictionaries(st.text(), st.floats(allow_nan=False), max_size=3))
def test_records_round_trip_whatever_they_hold(text: str, extracted: str | None, scores: dict[str, float]) -> None:
    import tempfile

    try:
        text.encode()
        (extracted or "").encode()
    except UnicodeEncodeError:
        return
    record = EvalRecord("q", "multihop", text, text, extracted, (text,), scores, "none", {"bridge": ""})
    with tempfile.TemporaryDirectory() as directory:
        store.write_table(Path(directory) / "r.parquet", EvalRecord, [record])
        assert store.read_table(Path(directory) / "r.parquet", EvalRecord) == [record]


def test_a_torn_journal_line_is_dropped_and_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    store.append_journal(path, [{"a": 1}, {"a": 2}])
    with path.open("ab") as handle:
        handle.write(b'{"a": 3')
    assert store.read_journal(path) == [{"a": 1}, {"a": 2}]
    store.append_journal(path, [{"a": 4}])
    assert store.read_journal(path) == [{"a": 1}, {"a": 2}, {"a": 4}]


def test_an_atomic_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    store.write_json(path, {"old": True})
    with pytest.raises(TypeError):
        store.write_json(path, {"new": object()})
    assert json.loads(path.read_text()) == {"old": True}
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_a_stage_without_manifest_is_unfinished_and_runs_again(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="power"), store.run_stage(tmp_path / "s", "train", {"a": 1}, {}, ()):
        raise RuntimeError("power cut")
    key = store.stage_key("train", {"a": 1}, {})
    assert not store.finished(tmp_path / "s", key)
    with store.run_stage(tmp_path / "s", "train", {"a": 1}, {}, ()) as stage:
        stage.results["x"] = 1.0
    assert store.finished(tmp_path / "s", key)
    assert store.read_manifest(tmp_path / "s").results == {"x": 1.0}
    with pytest.raises(KitError, match="another configuration"):
        store.finished(tmp_path / "s", store.stage_key("train", {"a": 2}, {}))


def test_what_a_killed_run_made_goes_with_it_and_nothing_else_does(tmp_path: Path) -> None:
    """Whatever kind of stage comes next."""

    def killed(stage: str, key: int, *makes: str) -> None:
        def cut() -> None:
            with store.run_stage(tmp_path, stage, {"a": key}, {}, makes) as current:
                (current.directory / makes[0]).write_text("made")
                raise RuntimeError("power cut")

        with pytest.raises(RuntimeError, match="power cut"):
            cut()

    killed("eval", 1, "records.parquet")
    (tmp_path / "weights").write_text("the user's")
    with pytest.raises(KitError, match="already holds weights, and no unfinished run made it"):
        killed("train", 2, "weights")
    assert (tmp_path / "weights").read_text() == "the user's"
    assert not (tmp_path / "records.parquet").exists()
    (tmp_path / "weights").unlink()
    killed("train", 2, "weights")
    with store.run_stage(tmp_path, "eval", {"a": 3}, {}, ("records.parquet",)) as stage:
        (stage.directory / "records.parquet").write_text("made")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "config.json", "manifest.json", "records.parquet"]
    assert set(store.read_manifest(tmp_path).outputs) == {"config.json", "records.parquet"}


@pytest.mark.parametrize("name", store.EXECUTION)
def test_how_a_stage_is_run_does_not_change_its_key(name: str) -> None:
    key = store.stage_key("train", {"seed": 0, name: 1}, {})
    assert key == store.stage_key("train", {"seed": 0, name: 8}, {})
    assert key != store.stage_key("train", {"seed": 1, name: 1}, {})


def test_a_setting_that_names_an_input_counts_by_what_that_holds() -> None:
    key = store.stage_key("eval", {"plus": "here.jsonl"}, {"plus": "abc"})
    assert key == store.stage_key("eval", {"plus": "there.jsonl"}, {"plus": "abc"})
    assert key != store.stage_key("eval", {"plus": "here.jsonl"}, {"plus": "abd"})
    assert key != store.stage_key("eval", {"plus": None}, {})


def test_a_result_that_was_changed_is_never_used(tmp_path: Path) -> None:
    key = store.stage_key("train", {}, {})
    with store.run_stage(tmp_path, "train", {}, {}, ("weights",)) as stage:
        (stage.directory / "weights").write_text("right")
    assert store.finished(tmp_path, key)
    (tmp_path / "weights").write_text("wrong")
    # Asked in a process that has not looked yet.
    store._first_change.cache_clear()
    for use in (lambda: store.finished(tmp_path, key), lambda: store.input_key(tmp_path)):
        with pytest.raises(KitError, match="weights is missing or changed"):
            use()


@given(rows=st.lists(st.dictionaries(st.text(), st.integers() | st.text()), min_size=1), torn=st.binary(max_size=20))
def test_a_journal_keeps_every_whole_line_whatever_follows(rows: list[dict[str, object]], torn: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j.jsonl"
        store.append_journal(path, rows)
        with path.open("ab") as handle:
            handle.write(torn.replace(b"\n", b""))
        assert store.read_journal(path) == rows
        store.append_journal(path, rows[:1])
        assert store.read_journal(path) == [*rows, rows[0]]


@given(st.dictionaries(st.sampled_from(["seed", "a.b", "a.c", "x"]), st.integers() | st.floats(allow_nan=False) | st.booleans()))
def test_overrides_say_what_they_set(settings: dict[str, object]) -> None:
    made = apply_overrides({}, [f"{k}={json.dumps(v)}" for k, v in settings.items()])
    for key, value in settings.items():
        node: Any = made
        for part in key.split("."):
            node = node[part]
        assert node == value


def test_a_second_process_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    code = f"from pathlib import Path\nfrom kit.core.store import lock\nwith lock(Path({str(tmp_path)!r})): pass"
    with store.lock(tmp_path):
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "in use by process" in second.stderr
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_is_overwritten(small_dir: Path, small_config: GenerateConfig) -> None:
    assert generate_stage(small_config, small_dir) == small_dir
    with pytest.raises(KitError, match="choose another --out"):
        generate_stage(small_config.model_copy(update={"seed": 4}), small_dir)


def test_a_damaged_table_or_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(KitError, match="not a readable Parquet"):
        store.read_table(tmp_path / "t.parquet", Question)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(KitError, match="damaged"):
        store.read_manifest(tmp_path)

    @dataclass(frozen=True)
    class Other:
        id: int

    store.write_table(tmp_path / "o.parquet", Other, [Other(1)])
    with pytest.raises(KitError, match="lacks column shape"):
        store.read_table(tmp_path / "o.parquet", Question)


WORLD = {"relations": ["born_in"], "known": {"person": 3, "city": 3}, "novel": {"person": 3, "city": 3}}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "missing key world"),
        ({"wrold": {}, "world": WORLD}, "unknown key wrold; did you mean world?"),
        ({"world": {**WORLD, "knwon": {}}}, "unknown key world.knwon; did you mean known?"),
        ({"world": {**WORLD, "relations": ["born_on"]}}, "did you mean born_in?"),
        ({"world": {**WORLD, "relations": ["born_in", "born_in"]}}, "named twice"),
        ({"world": {**WORLD, "known": {"persn": 3}}}, "did you mean person?"),
        ({"world": {**WORLD, "known": {"person": -3}}}, "greater than or equal to 1"),
        ({"world": {**WORLD, "known": {"person": "3"}}}, "valid integer"),
        ({"world": WORLD, "seed": -1}, "greater than or equal to 0"),
        ({"world": WORLD, "examples": {"weights": {"chain-4": 1}}}, "did you mean chain-"),
        ({"world": WORLD, "examples": {"direct_share": 2.0}}, "less than or equal to 1"),
        ({"world": WORLD, "documents": {"paraphrases": 9}}, "less than or equal to 6"),
    ],
)
def test_generate_settings_are_strict(data: dict[str, object], message: str) -> None:
    with pytest.raises(KitError, match=message.replace("?", r"\?")):
        resolve(GenerateConfig, data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"recipe": "postrain"}, "did you mean posttrain?"),
        ({"recipe": "posttrain"}, "epochs count passes over the examples"),
        ({"recipe": "posttrain", "examples": 5, "steps": 2, "epochs": 1.0}, "either steps or epochs"),
        ({"recipe": "inject", "rows": {"novle": 3}}, "did you mean novel?"),
        ({"recipe": "inject", "rows": {"novel": 0}}, "at least one row"),
        ({"recipe": "inject", "micro_batch": 0}, "greater than or equal to 1"),
        ({"recipe": "inject", "learning_rate": 0.0}, "greater than 0"),
        ({"recipe": "inject", "lora": {"rnk": 3}}, "did you mean rank?"),
    ],
)
def test_train_settings_are_strict(data: dict[str, object], message: str) -> None:
    with pytest.raises(KitError, match=message.replace("?", r"\?")):
        resolve(TrainConfig, with_defaults(data))


def test_a_resolved_configuration_reads_back(small_config: GenerateConfig) -> None:
    """As from the config.json of a directory, which names every setting, those with their defaults among them."""
    files = {"own": {"facts": "museum.csv"}, "events": {"events": "events.jsonl"}}
    drawn = {name: preset["generate"] for name in preset_names() if "generate" in (preset := read_preset(name))}
    files["facts100"] = files["events"]
    for name, own in files.items():
        drawn[name]["world"]["own"] = own
    for config in (small_config, *(resolve(GenerateConfig, data) for data in drawn.values())):
        assert resolve(GenerateConfig, json.loads(json.dumps(dump(config)))) == config


@pytest.mark.parametrize(
    ("override", "message"), [("steps", "key=value"), ("=3", "key=value"), ("seed.x=1", "seed is a value, not a table")]
)
def test_bad_overrides(override: str, message: str) -> None:
    with pytest.raises(KitError, match=message):
        apply_overrides({"seed": 0}, [override])


def test_config_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"x = [")
    (tmp_path / "b.toml").write_bytes(b"x = '\xff'")
    (tmp_path / "c.json").write_text("[1]")
    for name, message in (("a.toml", "not valid TOML"), ("b.toml", "UTF-8"), ("c.json", "table"), ("d.toml", "No such file")):
        with pytest.raises(KitError, match=message):
            read_config_file(tmp_path / name)


def test_a_file_says_what_differs_from_a_preset(tmp_path: Path) -> None:
    demo = read_preset("demo")
    path = tmp_path / "mine.toml"
    path.write_text(
        """extends = "demo"
without = ["claims", "arms.none", "generate.world.novel"]
counts = [0, 5]
[train.inject]
steps = 7
[generate.world.novel]
person = 9
"""
    )
    found = read_config_file(path)
    assert found["counts"] == [0, 5]
    assert found["train"]["inject"] == {**demo["train"]["inject"], "steps": 7}
    assert found["train"]["posttrain"] == demo["train"]["posttrain"]
    assert found["generate"]["world"]["novel"] == {"person": 9}, "left out first, then laid over"
    assert found["generate"]["world"]["known"] == demo["generate"]["world"]["known"]
    assert found["arms"].keys() == demo["arms"].keys() - {"none"}
    assert not found.keys() & {"claims", "extends", "without"}
    path.write_text('extends = "demo"\n[[claims]]\nsays = "more"\n')
    assert read_config_file(path)["claims"] == [*demo["claims"], {"says": "more"}]
    path.write_text('extends = "demo"\nclaims = []\n')
    assert read_config_file(path)["claims"] == [], "none at all is not some more"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('extends = "dmo"', "did you mean demo?"),
        ("extends = 3", "unknown preset 3"),
        ('without = ["claims"]', "give both"),
        ("without = []", "give both"),
        ('extends = "demo"\nwithout = "claims"', "must be a list"),
        ('extends = "demo"\nwithout = ["arms.nobody"]', "has no arms.nobody"),
        ('extends = "demo"\nwithout = ["name.x"]', "has no name.x"),
    ],
)
def test_what_extends_no_preset_is_told(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(KitError, match=re.escape(message)):
        read_config_file(tmp_path / "mine.toml")


def test_streams_are_named_and_independent() -> None:
    a, b, c = stream(0, "a").random(), stream(0, "a").random(), stream(1, "a").random()
    assert a == b != c
    assert stream(0, "a", 1).random() != stream(0, "a1").random()
    assert digest("a", "b") != digest("ab")
