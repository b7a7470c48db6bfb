"""Experiments: what the demo's preset plans, and that a mistake in any of it is told before anything runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kit.core.config import apply_overrides, dump, preset_names, read_preset, resolve
from kit.core.errors import KitError
from kit.sweep.experiment import ExperimentConfig
from kit.sweep.plan import Plan


def demo(*overrides: str) -> ExperimentConfig:
    return resolve(ExperimentConfig, apply_overrides(read_preset("demo"), overrides))


def claimed(**claim: Any) -> ExperimentConfig:
    """The demo with one claim."""
    data = read_preset("demo")
    return resolve(ExperimentConfig, {**data, "claims": [{"says": "it is so", **claim}]})


@pytest.mark.parametrize("preset", [name for name in preset_names() if "base" in read_preset(name)])
def test_a_saved_experiment_is_read_back_the_same(preset: str) -> None:
    found = resolve(ExperimentConfig, read_preset(preset))
    again = resolve(ExperimentConfig, dump(found))
    assert again == found
    assert again.claim_digests() == found.claim_digests()


def test_arms_share_their_prefixes_and_measures_a_load(tmp_path: Path) -> None:
    full = demo()
    assert [len(full.evaluations(arm)) for arm in full.arms.values()] == [1] * 12, "a model is loaded once for all it is asked"
    plan = Plan(full, tmp_path)
    plan.add_cells(0, plan.base(full.replicates[0], 0, 1))
    trained = [n for n in plan.nodes.values() if n.kind == "train"]
    assert len({n.key for n in trained}) == len(trained) == 27
    for cell in plan.cells:
        (asked,) = cell.evaluations
        assert set(asked.measures) == set(full.arms[cell.arm].measures)


def test_measures_of_other_settings_are_evaluations_of_their_own() -> None:
    full = demo("measures.known1.max_new_tokens={cot=99}")
    found = full.evaluations(full.arms["posttrain"])
    assert sorted(len(e.measures) for e in found) == [1, 5]
    assert {s.name for e in found for s in e.config.slices} == {s for e in found for s in e.measures.values()}


def test_a_replicate_is_a_world_a_model_and_a_draw(tmp_path: Path) -> None:
    full = demo('replicates=[0,{"world":0,"model":0,"draw":1},{"world":0,"model":1,"draw":0}]')
    assert [r.name for r in full.replicates] == ["0", "world 0, model 0, draw 1", "world 0, model 1, draw 0"]
    plan = Plan(full, tmp_path)
    for i, replicate in enumerate(full.replicates):
        plan.add_cells(i, plan.base(replicate, 0, 1))
    kinds = [n.kind for n in plan.nodes.values()]
    assert kinds.count("generate") == 1
    bases = [n for n in plan.nodes.values() if n.model == "tiny"]
    assert len(bases) == 2, "what differs in its draw alone shares its base"
    by_cell = {(c.replicate, c.arm, c.count): c.stages for c in plan.cells}
    assert by_cell[0, "posttrain", 0] == by_cell[1, "posttrain", 0], "and where no examples are drawn, all"
    assert by_cell[0, "posttrain", 100] != by_cell[1, "posttrain", 100] != by_cell[2, "posttrain", 100]


def test_a_claim_is_another_one_once_it_asks_otherwise() -> None:
    first = demo().claim_digests()
    assert demo("replicates=[0,1,2]").claim_digests() == first, "with more replicates it says the same"
    asked = demo("measures.novel2.limit=100").claim_digests()
    assert [a == b for a, b in zip(first, asked, strict=True)].count(False) == sum(
        "novel2" in claim.named_measures() for claim in demo().claims
    )
    for change in (
        "train.inject.steps=100",
        "arms.inject.counts=[0,100,1000]",
        "base.steps=10",
        "generate.world.novel.person=16",
        "gate.recall=0.5",
    ):
        assert demo(change).claim_digests() != first, change
    for how in (
        "evaluation.max_batch=64",
        "train.inject.threads=2",
        "measures.novel2.label=another",
        "arms.inject.label=another",
    ):
        assert demo(how).claim_digests() == first, how
    idle = dump(demo())["arms"]["none"] | {"label": "in no claim", "path": ["posttrain", "order_last"]}
    assert demo(f"arms.more={json.dumps(idle)}").claim_digests() == first, "an arm that no claim names"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ('arms.inject.path=["injct"]', "did you mean inject"),
        ('arms.inject.measures=["nvel2"]', "did you mean novel2"),
        ("train.inject.rows.novle=3", "did you mean novel"),
        ("replicates=[0,0]", "different"),
        ('replicates=[{"world":0}]', "missing key replicates.0.model"),
        ("replicates=[]", "at least 1"),
        ("replicates=3", "replicates"),
        ("seeds=[0]", "unknown key seeds"),
        ("arms.inject.counts=[10,10]", "counts and measures must each be different"),
        ("arms.posttrain.path=[]", "give that a path"),
        ("counts=[]", "at least 1"),
        ('measures.known1={split="novel",style="cloze"}', r"measures\.known1: slices\.0: style cloze is for the probes"),
        ("measures.known1.task=maths", r"measures\.known1: task"),
        ('measures.known1={task="code",split="test"}', "known1: the task code is asked in style direct"),
        ("measures.known1.data=nope.jsonl", r"measures\.known1: nope.jsonl does not exist"),
        ("measures.known1.data=5", r"measures\.known1: data must be"),
        ("measures.known1.slices=5", r"measures\.known1: unknown key slices"),
        ("measures.known1.limt=5", r"measures\.known1: unknown key limt; did you mean limit"),
        ("measures.known1={hops=1}", r"measures\.known1: missing key slices\.0\.split"),
        ("train.inject.seed=3", r"train\.inject\.seed is not for an experiment to set"),
        ("train.inject_documents.examples=3", r"train\.inject_documents\.examples: the stage trains on none"),
        ("train.posttrain.by_count=3", r"train\.posttrain\.by_count must be a table of settings by count"),
        ("train.posttrain.by_count.64={micro_batch=2}", r"train\.posttrain\.by_count\.64: no arm takes the stage at that count"),
        ("train.posttrain.by_count.100={micro_bach=2}", "did you mean micro_batch"),
        ("train.posttrain.by_count.100={seed=2}", r"train\.posttrain\.by_count\.100\.seed is not for an experiment to set"),
        ("generate.seed=3", r"generate\.seed is not for an experiment to set"),
        ("evaluation.slices=[]", r"evaluation\.slices is not for an experiment to set"),
        ("measures.known1.label=5", "measures: a label is a text, not 5"),
        ('measures.known1.label="known 2-hop"', "measures: two have the same label"),
        ('arms.inject.label="shuffled facts"', "arms: two have the same label"),
        ("measures.known1.score=unnormalised", r"measures\.known1: what it asks has no score unnormalised"),
        ("measures.known1.score=accuracy", r"measures\.known1: the task multihop has no score accuracy"),
        ('measures.known1.shots_from="nope.jsonl"', "nope.jsonl does not exist"),
        (
            'measures.known1={split="test_entity",hops=2,limit=7}',
            "measures.known2: asks test_entity/2-hop/cot/closed/generate as known1",
        ),
        ('train.posttrain.examples_from="nope.jsonl"', "nope.jsonl does not exist"),
        ("train.inject.rows={questions=4,known=1}", r"train\.inject: rows of questions need generate\.examples\.novel = true"),
        ("generate.examples.count=5", r"train\.\w+: \d+ examples are asked for and 5 made: set generate\.examples\.count"),
        ("train.posttrain.task=math", r"train\.posttrain: \d+ examples are asked for and 0 made: set generate\.tasks\.math"),
        ("train.inject.content=format", r"train\.inject: content format needs generate\.examples\.controls = true"),
        ("train.inject.content=novel", r"train\.inject: content novel needs generate\.examples\.novel = true"),
        ("train.posttrain.rows=5", r"train\.posttrain\.rows must be a table"),
        ('evaluation={backend="recorded",recorded="x"}', "evaluates the checkpoints it makes"),
    ],
)
def test_mistakes_anywhere_are_told_before_anything_runs(override: str, message: str) -> None:
    with pytest.raises(KitError, match=message):
        demo(override)


DIFFERENCE = {"kind": "difference", "measure": "novel2", "arms": ["inject", "none"], "above": 0.0}


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ({**DIFFERENCE, "kind": "diference"}, "claims.0"),
        ({**DIFFERENCE, "arm": ["inject"]}, "unknown key claims.0.difference.arm; did you mean arms"),
        ({**DIFFERENCE, "arms": ["inject", "nothing"]}, r"claims.0 \(it is so\): unknown arm nothing"),
        ({**DIFFERENCE, "measure": "novle2"}, "the arm inject is not asked novle2; did you mean novel2"),
        ({**DIFFERENCE, "measure": "shuffled2"}, "the arm inject is not asked shuffled2"),
        ({**DIFFERENCE, "count": -3}, r"count -3 is beyond the counts its arms have in common: \[1000\]"),
        ({**DIFFERENCE, "arms": ["inject"], "count": [-1, -5]}, None),
        ({**DIFFERENCE, "count": 77}, "the arm inject is not run at D = 77"),
        ({**DIFFERENCE, "differs": ["novle"]}, "differs: arms are not matched in novle; did you mean novel"),
        ({**DIFFERENCE, "differs": ["novel doses"]}, "did you mean novel dose"),
        ({**DIFFERENCE, "below": 1.0}, "give either above or below"),
        ({**DIFFERENCE, "above": None}, "give either above or below"),
        ({**DIFFERENCE, "arms": ["inject"]}, "or two measures, or two counts"),
        ({**DIFFERENCE, "count": [1000, 0]}, "a difference is of two arms"),
        ({**DIFFERENCE, "arms": ["inject", "none", "shuffled"]}, None),
        ({**DIFFERENCE, "arms": ["inject", "none", "shuffled"], "measure": ["novel1", "novel2"]}, "one less each of several"),
        ({**DIFFERENCE, "kind": "interaction", "arms": ["inject", "none", "shuffled"], "count": [1000, 0]}, "at most 2"),
        ({**DIFFERENCE, "kind": "interaction"}, "an interaction crosses two"),
        ({"kind": "law", "measure": "novel2", "arm": "inject", "form": "powre"}, "unknown form powre; did you mean power"),
        ({**DIFFERENCE, "says": ""}, "claims.0.difference.says"),
        ({**DIFFERENCE, "arms": ["inject", "inject"]}, "arms names one of them twice"),
        ({**DIFFERENCE, "arms": ["inject"], "count": [10, 10]}, "count names one of them twice"),
        (
            {"kind": "trend", "measure": "novel2", "arm": "inject", "counts": [10, 10], "above": 0.0},
            "counts names one of them twice",
        ),
        ({**DIFFERENCE, "above": 50.0}, "a bound of 50 is beyond what there can be"),
        ({**DIFFERENCE, "measure": "known2", "given": "recall"}, "needs sub_questions = true of the measure known2"),
        (
            {"kind": "chance", "measure": "novel2", "arm": "inject", "against": "popularty_guess", "above": 0.0},
            "claims.0.chance.against",
        ),
        ({"kind": "chance", "measure": "novel2", "arm": "inject", "against": 20.0, "above": 0.0}, "claims.0.chance.against"),
        ({**DIFFERENCE, "arms": ["posttrain", "none"], "measure": "known2", "count": None}, None),
    ],
)
def test_a_claim_speaks_of_what_is_run(claim: dict[str, Any], message: str | None) -> None:
    if message is None:
        assert claimed(**claim).claims
        return
    with pytest.raises(KitError, match=message):
        claimed(**claim)


def test_a_curve_of_too_few_counts_can_be_planned_and_is_told_by_the_report() -> None:
    assert demo("counts=[0,1000]", "arms.none.counts=[1000]").claims


def test_at_most_five_claims_are_primary_and_no_two_say_the_same() -> None:
    data = read_preset("demo")
    many = [{**DIFFERENCE, "says": f"claim {i}", "primary": True} for i in range(6)]
    with pytest.raises(KitError, match="6 are primary; at most 5"):
        resolve(ExperimentConfig, {**data, "claims": many})
    with pytest.raises(KitError, match="two say 'claim 0'"):
        resolve(ExperimentConfig, {**data, "claims": [many[0], many[0]]})


def test_the_gate_asks_about_the_world_whatever_else_is_evaluated() -> None:
    full = demo("evaluation.max_new_tokens={cot=9}")
    assert full.gate
    asked = full.model_copy(update={"evaluation": {**full.evaluation, "task": "math"}})
    found = asked.evaluation_of(full.gate.recall_slice)
    assert (found.data, found.config.task, found.config.max_new_tokens) == (None, "multihop", {"cot": 9})


def test_settings_by_count_and_a_count_of_its_own() -> None:
    batch = 'train.posttrain.by_count={"100"={micro_batch=2, rows={examples=4, known=0}}, "1000"={epochs=2.0}}'
    found = demo(batch, "train.inject.examples=30")
    plain, first = demo(), demo().replicates[0]
    for count in (0, 10, 300):
        assert found.train_config("posttrain", count, first) == plain.train_config("posttrain", count, first)
    hundred = found.train_config("posttrain", 100, first)
    assert (hundred.micro_batch, hundred.rows, hundred.examples, hundred.steps) == (2, {"examples": 4, "known": 0}, 100, 400)
    thousand = found.train_config("posttrain", 1000, first)
    assert (thousand.epochs, thousand.steps, thousand.examples) == (2.0, None, 1000)
    assert {found.train_config("inject", count, first).examples for count in found.counts} == {30}
    assert resolve(ExperimentConfig, dump(found)) == found
    # What a claim rests on: another batch makes it another claim, how it is split does not.
    split = demo('train.posttrain.by_count={"100"={micro_batch=5}}').claim_digests()
    assert split == demo('train.posttrain.by_count={"100"={micro_batch=10}}').claim_digests()
    assert found.claim_digests()[0] != plain.claim_digests()[0]
