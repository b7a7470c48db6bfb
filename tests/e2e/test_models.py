"""An experiment of several checkpoints, and one of no world: the paper's grids, on random checkpoints of three families."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kit.cli.main import cli
from kit.core.config import apply_overrides, dump, read_preset, resolve
from kit.core.errors import KitError
from kit.core.store import read_manifest
from kit.models.checkpoint import read
from kit.models.load import load
from kit.sweep.experiment import ExperimentConfig
from kit.sweep.forecast import forecast
from kit.sweep.machines import TRAINING_MFU, Machine
from tests.models.families import FAMILIES, checkpoint_of

DATA = Path(__file__).parents[1] / "data"
LAW = "paper-law-gsm8k"


def experiment(preset: str, *overrides: str) -> ExperimentConfig:
    return resolve(ExperimentConfig, apply_overrides(read_preset(preset), overrides))


def test_every_arm_and_claim_of_every_model() -> None:
    found = experiment(LAW)
    assert len(found.arms) == len(found.models) == 6
    assert {arm.model for arm in found.arms.values()} == set(found.models)
    assert len(found.claims) == 12
    for claim in found.claims:
        (arm,) = claim.named_arms()
        assert claim.says.endswith(f"({found.arms[arm].model})")
    assert resolve(ExperimentConfig, dump(found)) == found, "what is expanded is not expanded again"
    facts = experiment("facts100", f'generate.world.own.events="{DATA / "museum_events.jsonl"}"')
    assert len(facts.arms) == 12
    assert all(len({facts.arms[arm].model for arm in claim.named_arms()}) == 1 for claim in facts.claims)


def test_the_papers_batches() -> None:
    """For models up to 13B / of 70B: D <= 100: 2/16, <= 1000: 8/32, above: 16/128 (arXiv 2410.03717, appendix)."""
    found = experiment(LAW)
    batches = {100: (2, 16), 500: (8, 32), 1000: (8, 32), 5000: (16, 128), 7473: (16, 128)}
    for count, wanted in batches.items():
        for model in found.models:
            config = found.train_config("sft", count, found.replicates[0], model)
            assert config.rows == {"examples": wanted[model.endswith("70b")]}, (count, model)
            assert config.step_count() == max(1, round(3 * count / config.rows["examples"]))


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ('arms.sft.model="llama9"', "arms.sft: model llama9|unknown arms.sft: model"),
        ('train.sft.by_model={"llama9"={micro_batch=1}}', "train.sft.by_model.llama9: no arm takes the stage of that model"),
        ('train.sft.by_model.llama3_70b.by_count={"7"={}}', "train.sft.by_model.llama3_70b.by_count.7: no arm takes"),
        (
            'train.sft.by_count={"100"={by_model={llama3_70b={micro_batch=1}}}}',
            "100.by_model: what is by both is written",
        ),
        ("train.sft.by_model.llama3_70b.by_model={}", "by_model is for the stage's own table"),
        ('arms.sft_llama3_8b={path=[],measures=["gsm8k"],model="llama3_8b"}', "arms.sft_llama3_8b is there twice"),
        ('train.sft.by_model.llama3_70b={micro_batch="two"}', "micro_batch"),
        ("train.sft.examples_from=null", "train.sft: what it trains on is of a world"),
        ('train.sft.rows={"examples"=8,"known"=1}', "train.sft: what it trains on is of a world"),
        ("measures.gsm8k.data=null", "measures.gsm8k: what it asks is of a world"),
        ('model="somewhere"', r"give either \[models\]"),
        ("models={}", r"the tiny model knows nothing"),
    ],
)
def test_what_does_not_go_together(override: str, told: str) -> None:
    with pytest.raises(KitError, match=told):
        experiment(LAW, override)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("checkpoints")
    families = {"llama3_8b": "llama-3", "mistral_7b": "mistral", "llama2_7b": "llama-2"}
    found = {name: next(family for family in FAMILIES if family.startswith(start)) for name, start in families.items()}
    return {name: str(checkpoint_of(FAMILIES[family], folder / name)) for name, family in found.items()}


def test_a_claim_does_not_rest_on_what_is_set_for_other_models() -> None:
    plain = experiment(LAW)
    other = experiment(LAW, "train.sft.by_model.llama2_13b={learning_rate=2e-5}")
    changed = [a != b for a, b in zip(plain.claim_digests(), other.claim_digests(), strict=True)]
    assert changed == [claim.says.endswith("(llama2_13b)") for claim in plain.claims]


def test_what_a_machine_takes(checkpoints: dict[str, str], tmp_path: Path) -> None:
    rows, test = word_problems(tmp_path / "train.jsonl", 7473), word_problems(tmp_path / "test.jsonl", 12)
    given = (
        f"models={json.dumps({'llama3_8b': checkpoints['llama3_8b']})}", "train.sft.by_model={}",
        f"train.sft.examples_from={rows}", f"measures.gsm8k.data={test}", "claims=[]",
    )  # fmt: skip
    whole = forecast(experiment(LAW, *given), machine=Machine.named("8xh100"))
    assert whole.taken
    assert (whole.taken.beyond, whole.taken.unknown) == ((), ())
    parameters = sum(p.numel() for p in load(read(checkpoints["llama3_8b"])).parameters())
    assert whole.taken.training == pytest.approx(6 * parameters * whole.tokens / (989e12 * TRAINING_MFU) / 3600, rel=1e-3)
    adapted = forecast(experiment(LAW, *given, "train.sft.lora={rank=4}"), machine=Machine.named("8xh100"))
    assert adapted.taken
    assert adapted.taken.training == pytest.approx(whole.taken.training * 4 / 6, rel=0.1)
    assert adapted.taken.memory < whole.taken.memory
    few = forecast(experiment(LAW, *given), machine=Machine.named("h100"))
    assert few.taken
    assert len(few.taken.beyond) == 11, "each asks for eight devices, evaluations too"
    with pytest.raises(KitError, match="no such machine: 8xh1000"):
        Machine.named("8xh1000")


def word_problems(path: Path, count: int) -> Path:
    told = ((i, i % 7 + 1) for i in range(count))
    rows = [
        {
            "question": f"Ada has {a} pens and buys {b} more. How many now?",
            "answer": f"{a}+{b}=<<{a}+{b}={a + b}>>{a + b}\n#### {a + b}",
        }
        for a, b in told
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


SMALL = ("devices=1", "parallel=ddp", "gradient_checkpointing=false")


@pytest.mark.full
def test_the_law_from_plan_to_page(checkpoints: dict[str, str], tmp_path: Path) -> None:
    rows, test = word_problems(tmp_path / "train.jsonl", 7473), word_problems(tmp_path / "test.jsonl", 12)
    settings = [
        f"models={json.dumps(checkpoints)}", "train.sft.by_model={}", f"train.sft.examples_from={rows}", "train.sft.epochs=0.005",
        *(f"train.sft.{each}" for each in SMALL), f"measures.gsm8k.data={test}", "evaluation.backend=transformers",
        "evaluation.devices=1", 'evaluation.max_new_tokens={"cot":8}',
    ]  # fmt: skip
    options = [part for each in settings for part in ("-o", each)]
    told = run("plan", LAW, "--machine", "8xh100", *options)
    assert "stages: 18 eval, 15 train" in told
    assert "8xh100: about" in told
    assert "memory of a device: at most" in told
    out = tmp_path / "law"
    run("sweep", LAW, "--out", str(out), *options)
    cells: list[dict[str, Any]] = json.loads((out / "experiment.json").read_text("utf-8"))["cells"]
    assert [cell["stages"] for cell in cells if cell["count"] == 0] == [[], [], []], "the models as they are"
    for cell in cells:
        for stage in cell["stages"]:
            manifest = read_manifest(out / "stages" / stage)
            assert manifest.config["examples"] == cell["count"]
            assert manifest.results["rows"] == manifest.results["steps"] * manifest.config["rows"]["examples"]
    run("report", str(out))
    page = (out / "report.html").read_text("utf-8")
    for name in checkpoints:
        assert f"finetuned on GSM8K, {name}" in page


@pytest.mark.full
def test_the_events_from_plan_to_page(checkpoints: dict[str, str], tmp_path: Path) -> None:
    questions = Path(__file__).with_name("musique_rows.jsonl")
    count = len(questions.read_text("utf-8").splitlines())
    settings = [
        f"models={json.dumps(checkpoints)}", f'generate.world.own.events="{DATA / "museum_events.jsonl"}"', "replicates=[0]",
        f"counts=[{count}]", f"train.posttrain.examples_from={questions}", "train.posttrain.epochs=1.0", "train.tell.steps=2",
        *(f"train.{stage}.{each}" for stage in ("posttrain", "tell") for each in (*SMALL, "max_length=20000")),
        "evaluation.backend=transformers", "evaluation.devices=1", 'evaluation.max_new_tokens={"direct":6}',
        *(f"measures.{name}.limit=6" for name in ("direct", "multihop", "direct_told", "told")),
    ]  # fmt: skip
    options = [part for each in settings for part in ("-o", each)]
    assert "9 train" in run("plan", "facts100", "--machine", "h200", *options)
    out = tmp_path / "facts"
    run("sweep", "facts100", "--out", str(out), *options)
    run("report", str(out))
    report = json.loads((out / "report.json").read_text("utf-8"))
    assert len(report["arms"]) == 12
    assert all(arm.endswith(tuple(checkpoints)) for arm in report["arms"])
