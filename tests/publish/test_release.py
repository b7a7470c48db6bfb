"""A release folder says what its files say: what is in it, what the card tells, and what is found where it does not."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import datasets
import networkx as nx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from generators.audit import audit
from generators.config import GenerateConfig
from generators.generate import _tokens, generate_stage
from kit.cli.publish import _remake, _renderers
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.store import read_manifest, table_files
from kit.publish.check import Report, check_release
from kit.publish.config import LICENSES, PublishConfig
from kit.publish.layout import configurations
from kit.publish.release import Made, derived, make_release, write_sums
from kit.publish.world import fill, render_world
from kit.sources.published import as_directory, read_sums, rows_in_order, stored_tables
from tests.conftest import SMALL
from tests.publish import card_page
from tests.publish.faulty import FAULTS, Fault

DATA = Path(__file__).parents[1] / "data"
WHOLE = PublishConfig(authors=("Ann Lee", "Bob Ray"), contact="ann@example.org")


def made_of(data: Path, out: Path, config: PublishConfig = WHOLE) -> Made:
    return make_release(data, "lab/small-world", config, out, fill, render_world)


def checked(folder: Path, **more: object) -> Report:
    return check_release(folder, _renderers()["world"], _remake, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made(small_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_of(small_dir, tmp_path_factory.mktemp("release") / "small")


def test_a_release_has_no_fault_and_is_the_same_bytes_again(made: Made, small_dir: Path, tmp_path: Path) -> None:
    assert made.missing == []
    assert checked(made.folder, own=small_dir) == Report([], [])
    again = made_of(small_dir, tmp_path / "again")
    assert read_sums(again.folder) == read_sums(made.folder)


def test_its_tables_are_those_of_the_directory(made: Made, small_dir: Path, tmp_path: Path) -> None:
    for name, stored in stored_tables(made.release).items():
        expected = pq.read_table(small_dir / f"{name}.parquet")
        assert pa.concat_tables(rows_in_order(made.folder, stored)).equals(expected), name
    back = as_directory(made.folder, tmp_path / "back", "test")
    tables = {name for name in read_manifest(small_dir).outputs if name.endswith(".parquet")}
    assert tables <= read_manifest(back).outputs.keys()
    assert {n: read_manifest(back).outputs[n] for n in tables} == {n: read_manifest(small_dir).outputs[n] for n in tables}


def test_readers_find_what_they_expect(made: Made, tmp_path: Path) -> None:
    def load(name: str, split: str) -> datasets.Dataset:
        return datasets.load_dataset(str(made.folder), name, split=split, cache_dir=str(tmp_path))

    questions = load("multihop-chain-2", "novel")
    row = questions[0]
    assert row["answer"] == row["answers"][0]
    assert row["reasoning"][-1].endswith(row["answer"])
    assert row["evidence"][0].split(" | ")[0] in row["about"]
    assert {*load("multihop", "novel")["shape"]} == {"chain-2", "chain-3"}
    few, more = load("examples", "d10"), load("examples", "d30")
    assert more[:10] == few[:]
    assert len(load("examples", "train")) == 60
    edges = load("graph", "known").to_pandas()
    graph = nx.from_pandas_edgelist(edges, edge_key="relation", create_using=nx.MultiDiGraph)
    assert graph.number_of_edges() == len(load("facts", "known"))
    canary = made.release["canary"]
    assert {*load("probes", "recall_novel")["canary"]} == {canary}
    for name, split in (("documents", "novel"), ("documents", "known"), ("examples", "train")):
        assert canary not in json.dumps(load(name, split).to_dict())


def figures_of(card: str) -> dict[str, str]:
    """The card without its front matter, by section."""
    parts = re.split(r"^## ", card.split("\n---\n", 1)[1], flags=re.MULTILINE)
    return {part.split("\n", 1)[0]: part for part in parts}


def test_every_figure_of_the_card_is_in_the_tables(made: Made, tmp_path: Path) -> None:
    """Counted anew, from the Parquet files of the release alone: rows, types, relations, certificates and, from the tables put
    together, all that the audit tells."""
    card = figures_of((made.folder / "README.md").read_text("utf-8"))
    assert_card_counts(card, made.folder, tmp_path)


def assert_card_counts(card: dict[str, str], folder: Path, place: Path) -> None:
    """Used for the card in the docs too."""

    def rows(pattern: str, *columns: str) -> pa.Table:
        files = sorted(folder.glob(f"data/{pattern}/*.parquet"))
        return pa.concat_tables([pq.read_table(f, columns=list(columns) or None) for f in files])

    def said(number: float) -> str:
        return f"{number:,.0f}"

    inside = card["What is in it"]
    for config in configurations(folder):
        line = next(line for line in inside.splitlines() if line.startswith(f"| `{config.name}` |"))
        for part in config.splits:
            files = sum(pq.read_table(file, columns=[]).num_rows for file in part.files)
            assert f"`{part.name}` {said(files)}" in line
    facts = rows("facts/*", "relation", "part", "id")
    true_facts = facts.filter(pa.compute.is_in(facts["id"], rows("facts/[!s]*", "id")["id"]))
    for table, column in ((rows("facts/[!s]*", "relation"), "relation"), (rows("entities/*", "type"), "type")):
        counts = sorted(
            ((n["counts"], n["values"]) for n in table[column].value_counts().to_pylist()), key=lambda p: (-p[0], p[1])
        )
        for count, value in counts[:24]:
            assert f"{value.replace('_', ' ')} {said(count)}" in inside
    assert len(true_facts) >= 1
    asked = pa.concat_tables([rows("single_hop/*", "certificate"), rows("multihop/*/*", "certificate")])
    checks = card["How it was checked"]
    certificates = [c.as_py() for c in asked["certificate"]]
    for name, words in (
        ("unique", "Of {of} questions {hold} have exactly one"),
        ("unreadable", "in {hold} of {of} the answer does"),
        ("no_shortcut", "of {of} chains and trees {hold} have no shorter way"),
    ):
        told = [c[name] for c in certificates if c and c[name] is not None]
        assert words.format(of=said(len(told)), hold=said(sum(told))) in checks
    data = as_directory(folder, place / "tables", "test")
    config = resolve(GenerateConfig, json.loads((folder / "config.json").read_text("utf-8")))
    (data / "audit.json").unlink()
    audit(data, config.documents.exposures, _tokens(None), config.audit.ngram, config.audit.sample)
    found = json.loads((data / "audit.json").read_text("utf-8"))
    share = lambda x: f"{x:.3f}".removeprefix("0")  # noqa: E731
    best: dict[str, dict[str, float]] = {}
    for row in found["guessers"]:
        if " against " not in row["split"] and row["z"] > best.get(row["shape"], {"z": -1e9})["z"]:
            best[row["shape"]] = row
    for shape, row in best.items():
        figures = f"{said(row['n'])} | {share(row['right'])} | {share(row['chance'])} | {row['z']:+.1f} |"
        assert f"| {shape} | {row['guesser']} | {row['split']} | {figures}" in checks
    assert f"{said(len(found['guessers']))} pairs of a guesser" in checks
    for split, shares in found["leakage"]["share_of_questions_with_a_shared_ngram"].items():
        assert f"| `{split}` | {' | '.join(share(s) for s in shares.values())} |" in checks
    for name in ("test_questions", "test_texts_in_training", "held_out_pairs", "documents_with_both_facts_of_a_pair"):
        assert said(found["splits"][name]) in checks
    for corpus, told in found["exposures"].items():
        assert f"`{corpus}` state {said(told['facts'])} facts {told['fewest']}" in checks
    assert f"distance {share(found['matching']['relations_total_variation'])}" in checks
    assert f"the smallest p is {share(min(t['p'] for t in found['matching']['tests']))}" in checks


@pytest.mark.full
def test_the_card_in_the_docs(tmp_path: Path) -> None:
    """It is what `rich` is published with, and every figure of it is in that release's Parquet files."""
    folder = card_page.rich(tmp_path)
    page = card_page.PAGE.read_text("utf-8")
    told = card_page.MARK + page.split(card_page.MARK)[1]
    made = card_page.section((folder / "README.md").read_text("utf-8"))
    assert card_page.timeless(told) == card_page.timeless(made), "run python -m tests.publish.card_page"
    for drawing in (folder / "figures").iterdir():
        assert (card_page.PAGE.parent / "figures" / drawing.name).read_bytes() == drawing.read_bytes()
    assert_card_counts(figures_of((folder / "README.md").read_text("utf-8")), folder, tmp_path)


def test_samples_are_questions_of_the_release(made: Made) -> None:
    card = figures_of((made.folder / "README.md").read_text("utf-8"))["A question of each kind"]
    shapes = re.findall(
        r"^### (.+)\n(.+)\n\n<img src=\"(.+?)\".*\n\n\*\*(.+?)\*\*.*\(`(.+?)`, split `(.+?)`, id `(.+?)`\)", card, re.M
    )
    assert {shape for shape, *_ in shapes} == {"chain-1", "chain-2", "chain-3"}
    for _shape, text, figure, answer, config, split, id_ in shapes:
        part = next(p for c in configurations(made.folder) if c.name == config for p in c.splits if p.name == split)
        rows = [row for file in part.files for row in pq.read_table(file).to_pylist() if row["id"] == id_]
        assert [(row["question"], row["answer"]) for row in rows] == [(text, answer)]
        drawn = (made.folder / figure).read_text("utf-8")
        for hop in rows[0]["sub_questions"]:
            assert hop["relation"] in drawn
            assert hop["answer"].split()[0] in drawn


def test_what_only_a_person_knows_is_asked_for_by_name(small_dir: Path, tmp_path: Path) -> None:
    unsaid = made_of(small_dir, tmp_path / "unsaid", PublishConfig())
    assert [each.split(":")[0] for each in unsaid.missing] == ["authors", "contact"]
    assert checked(unsaid.folder).faults == []


@pytest.mark.parametrize("name", LICENSES)
def test_every_licence_has_its_text_and_the_hubs_name(name: str, made: Made, tmp_path: Path) -> None:
    from kit.publish.config import license_of

    told = license_of({"license": name, "license_url": ""})
    assert len(told.text) > 900
    assert told.metadata() == {"license": told.id}


def test_another_licence_needs_an_address() -> None:
    with pytest.raises(KitError, match=r"did you mean CC-BY-4\.0"):
        resolve(PublishConfig, {"license": "CC-BY-4"})
    with pytest.raises(KitError, match="license_url"):
        resolve(PublishConfig, {"license": "other"})


@pytest.mark.parametrize("release", ["", "a b", "a/b", "x..y", "-v1", "v1.lock", "v" * 80])
def test_a_release_is_a_tag(release: str) -> None:
    with pytest.raises(KitError, match="cannot be a tag"):
        resolve(PublishConfig, {"release": release})


def test_nothing_is_written_over(small_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("words")
    with pytest.raises(KitError, match="holds something that is no release"):
        made_of(small_dir, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "words"
    with pytest.raises(KitError, match="ORG/NAME"):
        make_release(small_dir, "no-organisation", WHOLE, tmp_path / "x", fill, render_world)


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made.folder, tmp_path / "copy"))


QUICK = ("a byte of a table", "a table's figure", "another answer for readers alone", "another text", "a token in a note")
"""Faults that every run of the tests looks at; the whole table is looked at in the long ones."""


def _faulty(folder: Path, fault: Fault) -> None:
    fault.change(folder)
    if fault.hidden == "all":
        with contextlib.suppress(KitError, OSError, ValueError, KeyError, pa.ArrowException):
            told = json.loads((folder / "release.json").read_text("utf-8"))
            for name, text in derived(folder, told, render_world).items():
                (folder / name).write_text(text, "utf-8")
    if fault.hidden != "nothing":
        write_sums(folder)
    found = checked(folder)
    assert found.faults, "nothing was found"
    assert any(fault.told in line for line in found.faults), found.faults
    assert all("\n" not in line for line in found.faults)


@pytest.mark.parametrize("fault", [f for f in FAULTS if f.name in QUICK], ids=lambda fault: fault.name)
def test_a_fault_is_found(fault: Fault, copy: Path) -> None:
    _faulty(copy, fault)


@pytest.mark.full
@pytest.mark.parametrize("fault", [f for f in FAULTS if f.name not in QUICK], ids=lambda fault: fault.name)
def test_every_fault_is_found(fault: Fault, copy: Path) -> None:
    _faulty(copy, fault)


def test_the_table_of_faults_is_long_and_names_each_once() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 30


def test_facts_of_your_own_go_with_it(tmp_path: Path) -> None:
    """Sources are copied, settings name the copies, and the world is made again from them alone."""
    facts = tmp_path / "kept elsewhere" / "museum.csv"
    facts.parent.mkdir()
    facts.write_bytes((DATA / "museum_triples.csv").read_bytes())
    config = resolve(GenerateConfig, {"world": {"own": {"facts": str(facts)}}, "documents": {"reading_worlds": 0},
                                      "questions": {"held_out": 0}, "examples": {"count": 0}})  # fmt: skip
    data = generate_stage(config, tmp_path / "world")
    made = made_of(data, tmp_path / "release")
    assert [each.split(":")[0] for each in made.missing] == ["sources"]
    told = json.loads((made.folder / "config.json").read_text("utf-8"))
    assert told["world"]["own"]["facts"] == "sources/world.own.facts/museum.csv"
    facts.unlink()
    assert checked(made.folder).faults == []
    with pytest.raises(KitError, match=r"museum\.csv, which the world was made from, is gone"):
        made_of(data, tmp_path / "again")


ODD: dict[str, dict[str, Any]] = {
    "events alone": {"world": {"own": {"events": str(DATA / "museum_events.jsonl")}}, "questions": {"held_out": 0},
                     "examples": {"count": 0}, "documents": {"reading_worlds": 0}},
    "tasks beside it, and tables over several files": {
        **SMALL, "examples": {"count": 30, "controls": True}, "rows_per_file": 300,
        "tasks": {"math": {"train": 5, "test": 5}, "code": {"train": 5, "test": 5}, "if": {"train": 5, "test": 5}},
    },
    "nothing novel": {**SMALL, "world": {**SMALL["world"], "novel": {}}},
    "one hop": {**SMALL, "questions": {"hops": 1, "limit": 20}, "examples": {"count": 20, "weights": {"chain-1": 1}}},
}  # fmt: skip


@pytest.mark.full
@pytest.mark.parametrize("name", ODD)
def test_worlds_that_lack_something_or_have_more(name: str, tmp_path: Path) -> None:
    data = generate_stage(resolve(GenerateConfig, ODD[name]), tmp_path / "world")
    made = made_of(data, tmp_path / "release")
    assert checked(made.folder, own=data).faults == []
    back = as_directory(made.folder, tmp_path / "back", "test")
    for table in {re.sub(r"-\d{5}$", "", path.stem) for path in data.glob("*.parquet")}:
        files = [pq.read_table(file) for file in table_files(data / f"{table}.parquet")]
        assert pq.read_table(back / f"{table}.parquet").equals(pa.concat_tables(files)), table


def test_the_front_matter_is_what_the_hub_reads(made: Made) -> None:
    front = yaml.safe_load((made.folder / "README.md").read_text("utf-8").split("---\n")[1])
    assert front["license"] == "cc-by-4.0"
    assert front["configs"][0]["config_name"] == "multihop"
    assert [c["config_name"] for c in front["configs"] if c.get("default")] == ["multihop"]
    cff = yaml.safe_load((made.folder / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= cff.keys()
    assert [each["name"] for each in cff["authors"]] == ["Ann Lee", "Bob Ray"]
