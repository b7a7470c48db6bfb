"""Training invariants: rows dealt exactly, the delegated loss, micro-batches, resumption, Muon."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.records import Document, Shown
from kit.core.seeds import derive_seed
from kit.core.store import read_table
from kit.models.checkpoint import read
from kit.models.load import load
from kit.models.prompts import assistant_message, user_message
from kit.models.tiny import TinyConfig, build_model, build_tokenizer
from kit.models.tokens import Tokens
from kit.train.data import load_sources
from kit.train.muon import orthogonalise
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from kit.train.start import vocabulary_texts

TINY = {"hidden": 32, "layers": 1, "heads": 2, "intermediate": 64}


def config(**settings: object) -> TrainConfig:
    return resolve(TrainConfig, with_defaults({"recipe": "pretrain", "tiny": TINY, "steps": 6, **settings}))


def weights(run: Path) -> dict[str, torch.Tensor]:
    return dict(load(read(str(run))).state_dict())


def losses(run: Path) -> list[float]:
    return [entry["loss"] for entry in json.loads((run / "history.json").read_text()) if "loss" in entry]


def distance(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    return float(sum(((a[k] - b[k]) ** 2).sum() for k in a)) ** 0.5


def test_no_examples_means_known_documents_in_their_place() -> None:
    settings = config(recipe="posttrain", rows={"examples": 4, "known": 2}, examples=0)
    assert settings.mixture() == {"known": 6}
    assert config(recipe="posttrain", rows={"examples": 4}, examples=10, steps=None, epochs=3.0).step_count() == 8


def test_the_tiny_tokenizer_writes_the_whole_world(small_dir: Path) -> None:
    texts = list(vocabulary_texts(small_dir))
    tokenizer = build_tokenizer(texts)
    for text in texts[::7]:
        ids = Tokens(tokenizer).encode(text)
        assert tokenizer.unk_token_id not in ids
        assert tokenizer.decode(ids) == text


def test_loss_falls_on_the_completion_alone_and_prompts_are_what_evaluation_sends(small: object, small_dir: Path) -> None:
    tokenizer = build_tokenizer(vocabulary_texts(small_dir))
    question = next(q for q in small.questions if q.hops == 2)  # type: ignore[attr-defined]
    prompt = user_message(question.text, "cot")
    row = Tokens(tokenizer).example_row([(prompt, assistant_message(question.answers[0], "cot", question.sub_questions))])
    ((start, end),) = row.learned
    assert tokenizer.unk_token_id not in row.input_ids
    assert row.input_ids[:start] == Tokens(tokenizer).asked(prompt)
    assert tokenizer.decode(row.input_ids[start:], skip_special_tokens=True).startswith(question.sub_questions[0].text)
    assert end == len(row.input_ids)
    assert row.input_ids[-1] == tokenizer.eos_token_id


def test_reading_exercises_are_learned_in_their_second_half_only(small: object, small_dir: Path) -> None:
    tokenizer = build_tokenizer(vocabulary_texts(small_dir))
    exercises = [d for d in small.documents if d.corpus == "reading"]  # type: ignore[attr-defined]
    for document in exercises[::50]:
        row = Tokens(tokenizer).document_row(document.text, document.context_chars)
        ((start, _),) = row.learned
        learned = tokenizer.decode(row.input_ids[start:], skip_special_tokens=True)
        assert learned == document.text[document.context_chars :].strip()
        assert learned.count(".") == len(document.facts) == document.text[: document.context_chars].count(".")
    assert all(d.context_chars == 0 for d in small.documents if d.corpus != "reading")  # type: ignore[attr-defined]


def test_too_many_examples_or_too_long_rows_are_errors(small_dir: Path) -> None:
    tokens = Tokens(build_tokenizer(vocabulary_texts(small_dir)))
    with pytest.raises(KitError, match="61 examples were asked for"):
        load_sources(config(rows={"examples": 4}, examples=61), str(small_dir), tokens)
    with pytest.raises(KitError, match="over max_length 10"):
        load_sources(config(rows={"known": 4}, max_length=10), str(small_dir), tokens)


def test_orthogonalised_singular_values_are_near_one() -> None:
    torch.manual_seed(0)
    for shape in ((8, 20), (20, 8), (16, 16)):
        values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
        assert values.min() > 0.3
        assert values.max() < 1.3


@pytest.mark.slow
def test_a_model_learns_exposures_are_logged_and_runs_repeat(small_dir: Path, tmp_path: Path) -> None:
    settings = config(steps=80, learning_rate=1e-2, rows={"known": 8})
    run = train(settings, str(small_dir), "tiny", tmp_path / "a")
    assert losses(run)[-1] < 0.6 * losses(run)[0]
    exposures = read_table(run / "shown.parquet", Shown)
    documents = {d.id: d for d in read_table(small_dir / "documents.parquet", Document) if d.corpus == "known"}
    stated = sum(len(d.facts) for d in documents.values())
    shown = sum(e.exposures for e in exposures)
    assert abs(shown / (80 * 8) - stated / len(documents)) < 1.0
    again = train(settings, str(small_dir), "tiny", tmp_path / "b")
    assert all(torch.equal(a, b) for a, b in zip(weights(run).values(), weights(again).values(), strict=True))


@pytest.mark.slow
def test_micro_batches_change_nothing_but_memory(small_dir: Path, tmp_path: Path) -> None:
    """Weights are compared as a whole: AdamW makes a full step of a gradient that is nothing but rounding, in either direction.
    A mean over rows in place of one over tokens moves them by 0.23 of the way from where they began."""
    whole, parts = (train(config(rows={"known": 8}, micro_batch=m), str(small_dir), "tiny", tmp_path / f"{m}") for m in (8, 1))
    assert losses(parts) == pytest.approx(losses(whole), rel=1e-4)
    tokenizer = build_tokenizer(vocabulary_texts(small_dir))
    begin = dict(build_model(TinyConfig(**TINY), tokenizer, derive_seed(0, "model")).state_dict())
    assert distance(weights(whole), weights(parts)) < 0.05 * distance(weights(whole), begin)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_an_interrupted_run_resumes_to_the_same_weights(
    optimizer: str, small_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
    from trl import SFTTrainer

    settings = config(rows={"known": 8}, checkpoint_every=2, optimizer=optimizer, learning_rate=1e-3)
    whole = weights(train(settings, str(small_dir), "tiny", tmp_path / "whole"))

    class PowerCut(TrainerCallback):
        def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object) -> None:
            if state.global_step == 4:
                raise RuntimeError("power cut")

    original = SFTTrainer.train

    def cut(self: SFTTrainer, *args: object, **kwargs: object) -> object:
        self.add_callback(PowerCut)
        return original(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(SFTTrainer, "train", cut)
        with pytest.raises(RuntimeError, match="power cut"):
            train(settings, str(small_dir), "tiny", tmp_path / "cut")
    assert not (tmp_path / "cut" / "manifest.json").exists()
    resumed = weights(train(settings, str(small_dir), "tiny", tmp_path / "cut"))
    assert all(torch.equal(whole[k], resumed[k]) for k in whole)


@pytest.mark.slow
def test_the_loss_is_the_mean_over_completion_tokens(small_dir: Path) -> None:
    tokenizer = build_tokenizer(vocabulary_texts(small_dir))
    model = build_model(TinyConfig(**TINY), tokenizer, 0)
    ids = torch.randint(5, len(tokenizer), (3, 12))
    labels = ids.clone()
    labels[:, :4] = -100
    batch = {"input_ids": ids, "labels": labels, "attention_mask": torch.ones_like(ids)}
    own = torch.nn.functional.cross_entropy(model(ids).logits[:, :-1].reshape(-1, len(tokenizer)), labels[:, 1:].reshape(-1))
    assert torch.allclose(model(**batch).loss, own, atol=1e-5)
