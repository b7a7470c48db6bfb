"""Checkpoints as they come: trained until they know, asked through transformers and through a server, saved and loaded again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.config import EvalConfig
from evals.run import evaluate, read_records
from kit.core.config import resolve
from kit.core.records import EvalRecord
from kit.core.store import read_manifest
from kit.models.chat import ChatSettings
from kit.models.checkpoint import read
from kit.models.load import load, load_tokenizer
from kit.models.tokens import Tokens
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from tests.models.families import FAMILIES, QUESTIONS, Family, checkpoint_of, questions
from tests.models.served import serving

pytestmark = pytest.mark.slow
NEW_TOKENS = 48
OFTEN = (
    "llama-2", "llama-3.2", "mistral", "phi-3", "gemma-3", "qwen2.5 base", "qwen3", "r1", "glm", "alpaca", "none, sentencepiece",
    "no end token",
)  # fmt: skip
"""What is tried each time; the rest with the full suite."""

CASES = [
    pytest.param(
        name, lora, id=f"{name}, {'lora' if lora else 'full'}", marks=[] if name in OFTEN and not lora else pytest.mark.full
    )
    for name in FAMILIES
    for lora in (False, True)
]


def taught(family: Family, checkpoint: Path, rows: Path, out: Path, lora: bool, steps: int = 150) -> Path:
    settings = {
        "recipe": "posttrain", "examples": len(QUESTIONS), "rows": {"examples": 8}, "micro_batch": 4, "steps": steps,
        "learning_rate": 5e-3, "precision": "fp32", **({"lora": {"rank": 32, "alpha": 64}} if lora else {}),
        **family.settings,
    }  # fmt: skip
    return train(resolve(TrainConfig, with_defaults(settings)), str(rows), str(checkpoint), out)


def answered(rows: Path, model: str, out: Path, **settings: Any) -> list[EvalRecord]:
    """What was answered to each question."""
    here = {} if "server" in settings else {"precision": "fp32"}
    given = {"slices": [{"split": "external", "style": "direct"}], "max_new_tokens": {"direct": NEW_TOKENS}, **here}
    return read_records(evaluate(resolve(EvalConfig, {**given, **settings}), str(rows), model, out))


def asked(rows: Path, model: str, out: Path, **settings: Any) -> list[str]:
    """The same, as text; all of them must be right."""
    records = answered(rows, model, out, **settings)
    assert [r.extracted for r in records] == list(QUESTIONS.values()), [r.output for r in records]
    return [r.output for r in records]


@pytest.mark.parametrize(("name", "lora"), CASES)
def test_trained_asked_served_and_loaded_again(name: str, lora: bool, tmp_path: Path) -> None:
    family = FAMILIES[name]
    checkpoint, rows = checkpoint_of(family, tmp_path / "checkpoint"), questions(tmp_path / "rows.jsonl")
    before = json.loads((checkpoint / "config.json").read_text())
    if lora:  # an adapter teaches nothing to weights drawn at random: what it is on has learned other answers
        checkpoint = taught(family, checkpoint, questions(tmp_path / "turned.jsonl", 3), tmp_path / "base", False) / "model"
    run = taught(family, checkpoint, rows, tmp_path / "run", lora)

    # Asking sends what training taught, token by token, and the row ends with the end that is taught.
    found = read(str(run))
    chat = ChatSettings(**family.settings)
    tokens = Tokens(load_tokenizer(found), chat, found.stops)
    untrained = Tokens(load_tokenizer(read(str(checkpoint))), chat, read(str(checkpoint)).stops)
    for question, answer in QUESTIONS.items():
        said = [(f"{question} Answer directly.", f"So the answer is {answer}.")]
        row = untrained.example_row(said)
        ((start, end),) = row.learned
        assert row.input_ids[:start] == tokens.asked(said[0][0])
        assert tokens.tokenizer.decode(row.input_ids[-1]) == family.taught
        assert row.input_ids[-1] in tokens.stops
        assert not set(row.input_ids[start : end - 1]) & set(tokens.stops)
        assert tokens.answers([row.input_ids[start:end]])[0].strip() == f"So the answer is {answer}."
        begun = tokens.asked(said[0][0], start="So the answer is")
        assert row.input_ids[: len(begun)] == begun
        given, scored = tokens.continued(said[0][0], f" {answer}.", start="So the answer is")
        assert (given, row.input_ids[len(given) : len(given) + len(scored)]) == (begun, scored)

    outputs = asked(rows, str(run), tmp_path / "eval", **family.settings)
    chosen = {k: v for k, v in family.settings.items() if k != "date"}
    with serving(run / "model", chat.date, checkpoint if lora else None) as server:
        settings = {"backend": "server", "server": {"url": server.url, "concurrency": 1}, **chosen}
        served = asked(rows, "somebody", tmp_path / "served", **settings)
        # It knows nothing of what a template puts before an answer, which is no part of ours.
        assert all(theirs.endswith(ours) for theirs, ours in zip(served, outputs, strict=True))
        assert all(server.ended), "another server stops too"

    # What is saved is what came, but for its weights and what ends an answer.
    if not lora:
        after = json.loads((run / "model" / "config.json").read_text())
        names = ("bos_token_id", "eos_token_id", "pad_token_id", "output_router_logits", "vocab_size", "hidden_size")
        assert {n: after.get(n) for n in names} == {n: before.get(n) for n in names}
    weights = load(found).state_dict()
    again = tmp_path / "again"
    load(found).save_pretrained(again)
    load_tokenizer(found).save_pretrained(again)
    same = load(read(str(again))).state_dict()
    assert all((weights[key] == same[key]).all() for key in weights)
    assert Tokens(load_tokenizer(read(str(again))), chat, found.stops).stops == tokens.stops
    notes = {"glm": "closes no turn", "alpaca": "closes no turn"}
    notes |= {name: "on none of them" for name in ("gpt-oss",) if lora}
    told = " ".join(read_manifest(run).notes)
    assert notes.get(name, "") in told
    assert bool(told) is (name in notes)
