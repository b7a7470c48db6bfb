"""What real checkpoints, and real users, ran into: each with its right value."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from evals.config import EvalConfig
from evals.run import evaluate, keyed
from generators.config import GenerateConfig
from generators.generate import generate_stage
from kit.cli.main import main
from kit.core import store
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.infer.vllm import room_for
from kit.models.chat import ChatSettings
from kit.models.checkpoint import digest, read
from kit.models.load import attention, check_vocabulary, choose_dtype, load, load_tokenizer
from kit.models.tokens import Tokens
from kit.train.muon import muon_for
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from tests.models.families import CHATML, FAMILIES, IM, Family, checkpoint_of, config_of, questions, shipped, tokenizer_of

LINE = ("Who leads Ode Labs? Answer directly.", "So the answer is Ada Byrne.")


def tokens_of(name: str, **settings: Any) -> Tokens:
    family = FAMILIES[name]
    tokenizer = tokenizer_of(family)
    declared = tokenizer.convert_tokens_to_ids(list(family.ends))
    return Tokens(tokenizer, ChatSettings(**{**family.settings, **settings}), declared)


def config(**settings: Any) -> TrainConfig:
    given = {
        "recipe": "posttrain",
        "examples": 8,
        "rows": {"examples": 8},
        "steps": 2,
        "learning_rate": 1e-3,
        "precision": "fp32",
    }
    return resolve(TrainConfig, with_defaults({**given, **settings}))


@pytest.fixture
def rows(tmp_path: Path) -> str:
    return str(questions(tmp_path / "rows.jsonl"))


@pytest.fixture
def llama(tmp_path: Path) -> Path:
    return checkpoint_of(FAMILIES["llama-2"], tmp_path / "llama")


# What ends an answer.

STOPS = {
    "llama-2": {"</s>"},
    "llama-3.1": {"<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"},
    "gemma-3": {"<eos>", "<end_of_turn>"},
    "phi-3": {"<|endoftext|>", "<|end|>", "<|assistant|>"},
    "phi-4": {"<|endoftext|>", "<|im_end|>"},
    "qwen2.5 base": {"<|endoftext|>", "<|im_end|>"},
    "chatml base": {"<|endoftext|>", "<|im_end|>"},
    "smollm2": {"<|im_end|>"},
    "r1": {"<｜end▁of▁sentence｜>"},
    "gpt-oss": {"<|return|>", "<|endoftext|>"},
    "glm": {"<|endoftext|>", "<|user|>", "<|observation|>"},
    "alpaca": {"</s>"},
    "none, bytes": {"<|endoftext|>"},
    "no end token": {"<|im_end|>"},
}


@pytest.mark.parametrize("name", STOPS)
def test_what_ends_an_answer(name: str) -> None:
    tokens = tokens_of(name)
    assert {tokens.tokenizer.convert_ids_to_tokens(i) for i in tokens.stops} == STOPS[name]


ROWS = {
    "llama-2": ("<s>[INST] Who leads Ode Labs? Answer directly. [/INST]", " So the answer is Ada Byrne. </s>"),
    "mistral": ("<s>[INST] Who leads Ode Labs? Answer directly. [/INST]", "So the answer is Ada Byrne.</s>"),
    "chatml base": (
        "<|im_start|>user\nWho leads Ode Labs? Answer directly.<|im_end|>\n<|im_start|>assistant\n",
        "So the answer is Ada Byrne.<|im_end|>",
    ),
    "alpaca": (
        "### Instruction:\nWho leads Ode Labs? Answer directly.\n\n### Response:\n",
        "So the answer is Ada Byrne.</s>",
    ),
    "qwen3": (
        "<|im_start|>user\nWho leads Ode Labs? Answer directly.<|im_end|>\n<|im_start|>assistant\n",
        "<think>\n\n</think>\n\nSo the answer is Ada Byrne.<|im_end|>",
    ),
    "qwen3, not thinking": (
        "<|im_start|>user\nWho leads Ode Labs? Answer directly.<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
        "So the answer is Ada Byrne.<|im_end|>",
    ),
    "r1": (
        "<｜begin▁of▁sentence｜><｜User｜>Who leads Ode Labs? Answer directly.<｜Assistant｜><think>\n",
        "\n</think>\n\nSo the answer is Ada Byrne.<｜end▁of▁sentence｜>",
    ),
    "gpt-oss": (None, "<|channel|>final<|message|>So the answer is Ada Byrne.<|return|>"),
    "none, bytes": ("Question: Who leads Ode Labs? Answer directly.\nAnswer:", " So the answer is Ada Byrne.<|endoftext|>"),
    "none, sentencepiece": ("<s>Question: Who leads Ode Labs? Answer directly.\nAnswer:", " So the answer is Ada Byrne.</s>"),
    "no end token": (
        "<|im_start|>user\nWho leads Ode Labs? Answer directly.<|im_end|>\n<|im_start|>assistant\n",
        "So the answer is Ada Byrne.<|im_end|>",
    ),
    "dated": (
        "2025-01-31\n<|im_start|>user\nWho leads Ode Labs? Answer directly.<|im_end|>\n<|im_start|>assistant\n",
        "So the answer is Ada Byrne.<|im_end|>",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_is_asked_and_what_is_learned(name: str) -> None:
    whole = tokens_of(name).template.answered([LINE])
    asked, learned = ROWS[name]
    assert whole.text[whole.prompt :] == learned
    assert asked is None or whole.text[: whole.prompt] == asked


@pytest.mark.parametrize("name", ["llama-2", "mistral", "mixtral", "phi-3", "none, sentencepiece"])
def test_a_word_is_marked_once(name: str) -> None:
    """Pieces encoded by themselves taught "▁▁So"."""
    tokens = tokens_of(name)
    row = tokens.example_row([LINE])
    ((start, _),) = row.learned
    told = "".join(tokens.tokenizer.convert_ids_to_tokens(row.input_ids[start:])).lstrip("▁\n")
    assert told.startswith("So▁the▁answer▁is▁Ada▁Byrne.")
    assert "▁▁" not in "".join(tokens.tokenizer.convert_ids_to_tokens(row.input_ids[start:]))


@pytest.mark.parametrize("name", ["llama-2", "llama-2, not legacy", "gemma-3", "qwen2.5", "none, bytes"])
def test_a_text_to_be_continued_is_scored_on_its_continuation_alone(name: str) -> None:
    tokens = tokens_of(name)
    given, scored = tokens.continued("The mayor of Port Ann is", " Bo Li.", chat=False)
    assert given == tokens.asked("The mayor of Port Ann is", chat=False)
    assert tokens.tokenizer.decode(given + scored, skip_special_tokens=True).strip() == "The mayor of Port Ann is Bo Li."
    assert tokens.tokenizer.decode(scored).strip() == "Bo Li."
    assert tokens.tokenizer.convert_ids_to_tokens(scored[0]).strip("▁Ġ") != ""


@pytest.mark.parametrize("name", ["llama-2", "llama-3.1", "gemma-3", "phi-3", "qwen3", "none, sentencepiece", "smollm2"])
@pytest.mark.parametrize("where", ["asked", "answered", "document", "system"])
def test_a_control_token_in_what_is_said_is_text(name: str, where: str) -> None:
    tokens = tokens_of(name)
    end = FAMILIES[name].taught
    said = f"Write {end} twice: {end}{end} x"
    if where == "system":
        if name == "llama-2":
            pytest.skip("its template, as it stands here, has no system turn")
        tokens = tokens_of(name, system=said)
        row = tokens.example_row([LINE])
    elif where == "document":
        row = tokens.document_row(said)
    else:
        row = tokens.example_row([(said, "Yes.") if where == "asked" else ("Go on.", said)])
    id_ = tokens.tokenizer.convert_tokens_to_ids(end)
    plain = tokens.document_row("Yes.") if where == "document" else tokens_of(name, system="a").example_row([("Go on.", "Yes.")])
    if name == "llama-2":
        plain = tokens.document_row("Yes.") if where == "document" else tokens.example_row([("Go on.", "Yes.")])
    assert row.input_ids.count(id_) <= plain.input_ids.count(id_)
    assert row.input_ids[-1] == id_ or where == "document"
    assert said.replace(" ", "") in tokens.tokenizer.decode(row.input_ids).replace(" ", "")


def test_a_template_that_takes_no_system_turn_says_so() -> None:
    with pytest.raises(KitError, match="System role not supported"):
        tokens_of("gemma-2", system="Be brief.").example_row([LINE])
    with pytest.raises(KitError, match=r"a system turn comes first.*-o system="):
        Tokens(tokenizer_of(FAMILIES["demands a system turn"])).example_row([LINE])


def test_a_template_that_loses_what_is_said_is_refused() -> None:
    tokenizer = tokenizer_of(Family("{% for m in messages %}<|im_start|>{{ m.role }}<|im_end|>{% endfor %}", special=IM))
    with pytest.raises(KitError, match="neither as text nor as parts"):
        Tokens(tokenizer).example_row([LINE])


def test_a_document_without_an_end_token_ends_with_its_last_word() -> None:
    tokens = tokens_of("no end token")
    assert tokens.tokenizer.decode(tokens.document_row("Ada leads.").input_ids) == "Ada leads."


def test_a_system_turn_that_is_left_out_is_refused() -> None:
    silent = "{% for m in messages %}{% if m.role != 'system' %}<|im_start|>{{ m.content }}<|im_end|>{% endif %}{% endfor %}"
    with pytest.raises(KitError, match="leaves the system turn out"):
        Tokens(tokenizer_of(Family(silent, special=IM)), ChatSettings(system="Be brief.")).example_row([LINE])


THOUGHT = ("Who?", "<think>\nhm\n</think>\n\nAda.")


@pytest.mark.parametrize("template", ["qwen3", "qwen3_5_think", "qwen3_6", "nemotron_3_nano", "deepseek_r1_distill"])
def test_a_thought_is_learned_once_and_a_plain_answer_closes_it(template: str) -> None:
    special = (*IM, "<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>")
    tokens = Tokens(tokenizer_of(Family(shipped(template), special=special, added=("<think>", "</think>"))))
    plain = tokens.template.answered([LINE])
    assert plain.text.count("<think>") == plain.text.count("</think>") == 1
    assert plain.text.startswith(tokens.template.asked(LINE[0]).text)
    row = tokens.example_row([LINE])
    ((start, _),) = row.learned
    assert tokens.answers([row.input_ids[start:]])[0].strip() == LINE[1], (
        "what the template puts before it is no part of an answer"
    )
    if template == "deepseek_r1_distill":
        with pytest.raises(KitError, match="does not keep what is said"):
            tokens.template.answered([THOUGHT])
        return
    thought = tokens.template.answered([THOUGHT])
    assert thought.text.count("<think>") == thought.text.count("</think>") == 1
    assert "hm" in thought.text[thought.prompt :]


def test_what_a_template_that_thinks_does_to_a_conversation() -> None:
    tokens = tokens_of("qwen3")
    row = tokens.example_row([THOUGHT, THOUGHT])
    ((start, end),) = row.learned
    assert tokens.tokenizer.decode(row.input_ids[start:end]) == "<think>\nhm\n</think>\n\nAda.<|im_end|>"
    for lost in ("</think>", "\n</think>\n"):
        with pytest.raises(KitError, match="does not keep what is said"):
            tokens.example_row([("Who?", lost)])


def test_an_answer_that_is_trimmed_is_counted() -> None:
    tokens = tokens_of("llama-3")
    tokens.example_row([LINE])
    assert tokens.notes(False, tokens.trimmed) == []
    tokens.example_row([("Code?", "    return 1\n")])
    assert "1 answers lost blanks" in tokens.notes(False, tokens.trimmed)[0]
    assert tokens.tokenizer.decode(tokens.continued("Who?", " Ada.\n", start="So")[1]) == " Ada."


def test_a_date_is_fixed_or_refused() -> None:
    spaced, hidden = (
        Tokens(tokenizer_of(Family(form + CHATML, special=IM)), ChatSettings(date="2025-01-31"))
        for form in ("{{ strftime_now ('%Y') }}", "{% set now = strftime_now %}{{ now('%Y') }}")
    )
    assert spaced.template.asked("Who?").text.startswith("2025")
    with pytest.raises(KitError, match="in a form that is worked out"):
        hidden.example_row([LINE])


def test_arguments_that_change_nothing_are_refused() -> None:
    with pytest.raises(KitError, match=r"has no such argument|changes nothing"):
        _ = tokens_of("qwen3", template={"reasoning_content": "y"}).template
    with pytest.raises(KitError, match="changes nothing"):
        _ = tokens_of("qwen3", template={"enable_thinking": True}).template


def test_templates_by_name_without_a_default_are_one_line() -> None:
    tokenizer = tokenizer_of(FAMILIES["chatml base"])
    tokenizer.chat_template = {"tool_use": CHATML, "rag": CHATML}
    with pytest.raises(KitError, match="cannot be chosen"):
        Tokens(tokenizer).example_row([LINE])


def test_a_document_begins_as_its_tokenizer_begins_a_text() -> None:
    tokens = tokens_of("llama-2, not legacy")
    text = "Ada leads Ode Labs."
    assert tokens.document_row(text).input_ids == [*tokens.tokenizer(text)["input_ids"], tokens.tokenizer.eos_token_id]
    assert tokens.asked(text, chat=False) == tokens.tokenizer(text)["input_ids"]


def test_an_added_token_that_no_text_is_made_of_is_no_fault(tmp_path: Path) -> None:
    """Gemma-3-1B's tokenizer has one for images that the model does not embed."""
    checkpoint = checkpoint_of(FAMILIES["gemma-3"], tmp_path / "c")
    tokenizer = load_tokenizer(read(str(checkpoint)))
    network = load(read(str(checkpoint)))
    rows = network.get_input_embeddings().weight.shape[0]
    tokenizer.add_tokens([f"<spare{i}>" for i in range(rows - len(tokenizer) + 1)])
    tokens = Tokens(tokenizer)
    check_vocabulary(network, tokens, "it")
    tokens.example_row([LINE])
    with pytest.raises(KitError, match="is a token that the model does not embed"):
        tokens.example_row([("Who?", str(tokenizer.convert_ids_to_tokens(len(tokenizer) - 1)))])


# One fact, read from one of several places.


def test_bf16_only_where_it_is_not_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A T4 says that it supports bf16, which it emulates."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    assert choose_dtype("auto") == torch.float32
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    assert choose_dtype("auto") == torch.bfloat16


@pytest.mark.parametrize(
    ("architecture", "training", "serving"),
    [("llama", "eager", "sdpa"), ("gemma2", None, None), ("gpt_oss", None, None), ("mamba", None, None), ("gptj", None, None)],
)
def test_attention_by_what_the_architecture_has(
    architecture: str, training: str | None, serving: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    kind: Any = MODEL_FOR_CAUSAL_LM_MAPPING[type(config_of(architecture, 100))]
    assert (attention(kind, training=True), attention(kind, training=False)) == (training, serving)


def test_embeddings_are_known_by_their_modules() -> None:
    """GPT-2's are called wte and wpe."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(config_of("gpt2", 100))
    names = {id(p): name for name, p in model.named_parameters()}
    muon, adam = ([names[id(p)] for p in group["params"]] for group in muon_for(model, 1e-3, 0.0).param_groups)
    assert {"transformer.wte.weight", "transformer.wpe.weight"} <= set(adam)
    assert muon
    assert all(".attn." in name or ".mlp." in name for name in muon)


def losses(run: Path) -> list[float]:
    return [entry["loss"] for entry in json.loads((run / "history.json").read_text()) if "loss" in entry]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mixtral", "gpt-oss"])
def test_experts_are_balanced_alike_however_rows_are_split(name: str, rows: str, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(FAMILIES[name], tmp_path / "c", router_aux_loss_coef=1.0)
    found = [losses(train(config(micro_batch=m, steps=4), rows, str(checkpoint), tmp_path / f"{m}")) for m in (8, 2, 1)]
    assert found[1] == pytest.approx(found[0], rel=1e-4)
    assert found[2] == pytest.approx(found[0], rel=1e-4)
    assert found[0][0] > 5.0, "the balancing loss is there: two experts of four, in two layers"
    saved = json.loads((tmp_path / "1" / "model" / "config.json").read_text())
    assert not saved.get("output_router_logits")


@pytest.mark.slow
def test_no_token_is_frozen_in_a_second_stage(llama: Path, rows: str, tmp_path: Path) -> None:
    """A padding index written into the config stopped the end token's embedding from learning."""
    path = llama / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "pad_token_id": 2}))
    first = train(config(), rows, str(llama), tmp_path / "first")
    second = train(config(steps=3), rows, str(first), tmp_path / "second")
    saved = [json.loads((run / "model" / "config.json").read_text()) for run in (first, second)]
    assert [s["pad_token_id"] for s in saved] == [2, 2], "as it came"
    one, two = (load(read(str(run))).get_input_embeddings() for run in (first, second))
    assert one.padding_idx is None
    end = load_tokenizer(read(str(first))).eos_token_id
    conversation = [("a", "b"), ("c", "d")]
    taught = Tokens(load_tokenizer(read(str(first)))).example_row(conversation)
    assert end in taught.input_ids[:-1], "it is read, not only written, within a conversation"
    chats = tmp_path / "chats.jsonl"
    messages = [{"role": r, "content": t} for turn in conversation for r, t in zip(("user", "assistant"), turn, strict=True)]
    chats.write_text("".join(json.dumps({"messages": messages}) + "\n" for _ in range(8)), "utf-8")
    third = train(config(learning_rate=1e-2), str(chats), str(second), tmp_path / "third")
    three = load(read(str(third))).get_input_embeddings()
    assert not torch.equal(two.weight[end], three.weight[end])


@pytest.mark.slow
def test_a_generation_config_that_could_not_be_saved_is_mended_and_told(llama: Path, rows: str, tmp_path: Path) -> None:
    """As Llama-2's: a temperature, and do_sample = false."""
    path = llama / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "do_sample": False, "temperature": 0.6, "top_p": 0.9}))
    run = train(config(), rows, str(llama), tmp_path / "run")
    assert "do_sample was set" in store.read_manifest(run).notes[0]
    assert json.loads((run / "model" / "generation_config.json").read_text())["do_sample"] is True


@pytest.mark.slow
def test_a_tokenizer_is_saved_as_it_came(llama: Path, rows: str, tmp_path: Path) -> None:
    run = train(config(), rows, str(llama), tmp_path / "run")
    before, after = (load_tokenizer(read(str(place))) for place in (llama, run))
    assert (after.pad_token, after.chat_template, after.get_vocab()) == (None, before.chat_template, before.get_vocab())


@pytest.mark.parametrize(("rank", "room"), [(1, 8), (8, 8), (12, 16), (65, 128), (300, 320), (512, 512)])
def test_room_that_vllm_makes_for_an_adapter(rank: int, room: int) -> None:
    assert room_for(rank) == room
    with pytest.raises(KitError, match="512 at most"):
        room_for(513)


PLANNED = """
import sys
from pathlib import Path
from kit.core.config import read_preset, resolve
from kit.sweep.experiment import ExperimentConfig
from kit.sweep.plan import Plan
settings = {**read_preset("demo"), "model": sys.argv[1], "base": None, "gate": None}
plan = Plan(resolve(ExperimentConfig, settings), Path(sys.argv[2]))
plan.add_cells(0, plan.base(plan.experiment.replicates[0], 0, 1))
assert len(plan.nodes) > 20
print(sorted({"torch", "transformers", "peft"} & sys.modules.keys()))
"""


def test_a_plan_of_a_sweep_reads_a_checkpoint_without_its_libraries(llama: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PLANNED, str(llama), str(tmp_path / "out")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.stdout.strip() == "[]", found.stderr


@pytest.mark.slow
def test_a_model_that_is_not_asked_as_it_was_taught_is_told_of(rows: str, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(FAMILIES["dated"], tmp_path / "c")
    run = train(config(date="2025-01-31"), rows, str(checkpoint), tmp_path / "run")
    asked = {"slices": [{"split": "external", "style": "direct", "limit": 1}], "max_new_tokens": {"direct": 2}}
    notes = [
        store.read_manifest(evaluate(resolve(EvalConfig, {**asked, **more}), rows, str(run), tmp_path / f"{len(more)}")).notes
        for more in ({}, {"date": "2025-01-31"}, {"date": "2025-01-31", "ask": "cue"})
    ]
    assert [[note for note in told if "taught with" in note] for told in notes] == [
        ["the model was taught with date = '2025-01-31', and is asked with '2024-07-26'"],
        [],
        ["the model was taught with ask = 'plain', and is asked with 'cue'"],
    ]


# Adapters.

LORA = {"rank": 4, "alpha": 8}


def adapter(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "model" / "adapter_model.safetensors")


@pytest.mark.slow
def test_an_adapter_is_drawn_by_the_runs_seed(llama: Path, rows: str, tmp_path: Path) -> None:
    found = []
    for i, seed in enumerate((0, 0, 1)):
        torch.manual_seed(100 + i)
        found.append(adapter(train(config(lora=LORA, seed=seed), rows, str(llama), tmp_path / str(i))))
    assert all(torch.equal(found[0][k], found[1][k]) for k in found[0])
    assert not all(torch.equal(found[0][k], found[2][k]) for k in found[0])


@pytest.mark.slow
def test_what_becomes_of_an_adapter(llama: Path, rows: str, tmp_path: Path) -> None:
    first = train(config(lora=LORA), rows, str(llama), tmp_path / "first")
    before = read(str(first))
    assert before.adapter
    for settings in ({}, {"lora": LORA}, {"lora": LORA, "adapter": "continue"}):
        run = train(config(steps=3, **settings), rows, str(first), tmp_path / f"on {len(settings)}")
        assert read(str(run)).whole.source == str(llama)
        assert not torch.equal(*(next(v for k, v in adapter(r).items() if "lora_B" in k) for r in (first, run)))
    with pytest.raises(KitError, match=r"its rank is 4, not 8: leave lora out, or say -o adapter=new"):
        train(config(lora={**LORA, "rank": 8}), rows, str(first), tmp_path / "other")
    merged = train(config(adapter="merge", learning_rate=1e-9), rows, str(first), tmp_path / "merged")
    new = train(config(adapter="new", lora={"rank": 2}, learning_rate=1e-9), rows, str(first), tmp_path / "new")
    assert read(str(merged)).adapter is None
    assert read(str(new)).whole.source == str((new / "base").resolve())
    assert read(str(new)).adapter.rank == 2  # type: ignore[union-attr]
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    with torch.inference_mode():
        logits = [load(read(str(run)), torch.float32).eval()(input_ids=ids).logits for run in (first, merged, new)]
    for other in logits[1:]:
        assert torch.allclose(logits[0], other, atol=1e-4)
    moved = tmp_path / "elsewhere"
    new.rename(moved)
    assert read(str(moved)).whole.source == str((moved / "base").resolve()), "its base went with it"


@pytest.mark.slow
def test_an_adapters_base_is_found_and_counts(llama: Path, rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(config(lora=LORA), rows, str(llama), tmp_path / "run")
    # As others make them: a base beside it, and no tokenizer of its own.
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        (bare / name).write_bytes((run / "model" / name).read_bytes())
    told = json.loads((bare / "adapter_config.json").read_text())
    (bare / "adapter_config.json").write_text(json.dumps({**told, "base_model_name_or_path": "../llama"}))
    monkeypatch.chdir(tmp_path.parent)
    found = read(str(bare))
    assert found.whole.source == str(llama)
    assert load_tokenizer(found).get_vocab() == load_tokenizer(read(str(llama))).get_vocab()
    assert load(found)
    before = digest(str(bare)), digest(str(run))
    weights = load_file(llama / "model.safetensors")
    weights["lm_head.weight"][0, 0] += 1.0
    save_file(weights, llama / "model.safetensors", {"format": "pt"})
    assert digest(str(bare)) != before[0]
    with pytest.raises(KitError, match="has changed since it was trained"):
        digest(str(run))


def cached(home: Path, name: str, source: Path, commit: str) -> None:
    """A repository in the hub's cache, as if it had been fetched."""
    place = home / "hub" / f"models--{name.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(commit)
    (place / "snapshots").mkdir()
    source.rename(place / "snapshots" / commit)


BY_NAME = """
import sys, torch
from kit.core.errors import KitError
from kit.models.checkpoint import digest, read
from kit.models.load import load, load_tokenizer
whole, adapted = read("org/llama"), read("org/adapter")
assert (whole.source, whole.revision, whole.adapter) == ("org/llama", "0" * 40, None)
assert adapted.whole == whole
assert digest("org/llama") == "org/llama@" + "0" * 40 == digest("org/llama@main")
assert digest("org/adapter") not in (digest("org/llama"), "org/adapter@" + "f" * 40)
assert load(adapted, torch.float32) and load_tokenizer(adapted)
try:
    read("org/nothing")
except KitError as error:
    print(error)
"""


@pytest.mark.slow
def test_checkpoints_and_adapters_by_their_names_on_the_hub(llama: Path, rows: str, tmp_path: Path) -> None:
    """In a process of its own: where the hub's cache is, its library reads once."""
    run = train(config(lora=LORA), rows, str(llama), tmp_path / "run")
    peft = json.loads((run / "model" / "adapter_config.json").read_text())
    (run / "model" / "base.json").unlink()
    (run / "model" / "adapter_config.json").write_text(json.dumps({**peft, "base_model_name_or_path": "org/llama"}))
    cached(tmp_path / "home", "org/llama", llama, "0" * 40)
    cached(tmp_path / "home", "org/adapter", run / "model", "f" * 40)
    environment = {**os.environ, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
    found = subprocess.run([sys.executable, "-c", BY_NAME], env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "org/nothing is no directory, and the hub does not give it" in found.stdout
    command = ["train", "--data", rows, "--model", "org/adapter", "--recipe", "posttrain", "-D", "4", "-o", "rows={examples=2}"]
    command += ["-o", "steps=1", "--out", str(tmp_path / "on")]
    found = subprocess.run([sys.executable, "-m", "kit", *command], env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert json.loads((tmp_path / "on" / "model" / "adapter_config.json").read_text())["revision"] == "0" * 40


# What decides a result is in its key.


def test_a_checkpoint_that_nobody_vouches_for_counts_by_its_content(llama: Path, tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    llama.rename(tmp_path / "dir" / "model")
    weights = tmp_path / "dir" / "model" / "model.safetensors"
    before = digest(str(tmp_path / "dir"))
    assert before == digest(str(tmp_path / "dir" / "model"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    assert digest(str(tmp_path / "dir")) != before


def test_digests_of_large_files_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "LARGE", 10)
    hashed: list[Path] = []
    real = store._hashed
    monkeypatch.setattr(store, "_hashed", lambda path: hashed.append(path) or real(path))
    path = tmp_path / "weights"
    path.write_bytes(b"x" * 100)
    store.file_digest(path)
    assert not list((tmp_path / "cache").rglob("*")), "a file that may still change within the clock's grain is not vouched for"
    monkeypatch.setattr(store.time, "time_ns", lambda: path.stat().st_mtime_ns + 10**10)
    assert len({store.file_digest(path) for _ in range(4)}) == 1
    assert len(hashed) == 2
    old = path.stat().st_mtime_ns
    path.write_bytes(b"y" * 100)
    os.utime(path, ns=(old, old))
    assert store.file_digest(path) == real(path), "the time of change of its inode tells, whatever its own says"
    small = tmp_path / "small"
    small.write_bytes(b"x")
    store.file_digest(small)
    assert hashed[-1] == small


@pytest.mark.slow
def test_a_run_and_what_it_made_are_one_model(llama: Path, rows: str, tmp_path: Path) -> None:
    run = train(config(), rows, str(llama), tmp_path / "run")
    assert digest(str(run)) == digest(str(run / "model")) == store.read_manifest(run).key


def test_a_folder_called_tiny_counts_by_its_content(rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint_of(FAMILIES["llama-2"], tmp_path / "tiny")
    asked = resolve(EvalConfig, {"slices": [{"split": "external", "style": "direct"}]})
    key = keyed(asked, {}, "tiny")[1]["model"]
    checkpoint_of(FAMILIES["llama-2"], tmp_path / "tiny", intermediate_size=96)
    assert keyed(asked, {}, "tiny")[1]["model"] != key


@pytest.mark.slow
def test_a_checkpoint_may_lie_where_it_is_evaluated(llama: Path, rows: str, tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    llama.rename(tmp_path / "v" / "model")
    asked = {"slices": [{"split": "external", "style": "direct", "limit": 1}], "max_new_tokens": {"direct": 2}}
    before = digest(str(tmp_path / "v" / "model"))
    for model in (tmp_path / "v", tmp_path / "v" / "model"):
        assert evaluate(resolve(EvalConfig, asked), rows, str(model), tmp_path / "v")
    assert digest(str(tmp_path / "v")) == before


@pytest.mark.slow
def test_an_adapter_that_was_copied_takes_no_other_base(llama: Path, rows: str, tmp_path: Path) -> None:
    run = train(config(lora=LORA), rows, str(llama), tmp_path / "run")
    (tmp_path / "far" / "x").mkdir(parents=True)
    shutil.copytree(run / "model", tmp_path / "far" / "x" / "adapter")
    other = checkpoint_of(FAMILIES["llama-2"], tmp_path / "far" / "llama", intermediate_size=96)
    assert read(str(tmp_path / "far" / "x" / "adapter")).whole.source == str(llama)
    shutil.rmtree(llama)
    with pytest.raises(KitError, match="has changed since it was trained"):
        read(str(tmp_path / "far" / "x" / "adapter"))
    assert read(str(other)).whole.source == str(other), "which is there, and is not taken"


def test_without_a_home_nothing_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 999_999)
    monkeypatch.setattr(store, "LARGE", 1)
    (tmp_path / "x").write_bytes(b"abc")
    assert store.cache_directory() is None
    assert store.file_digest(tmp_path / "x") == store._hashed(tmp_path / "x")


# Processes and devices.


def test_what_is_of_one_process_refuses_several(
    small_config: GenerateConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(KitError, match="kit generate runs in one process: start it once, without torchrun"):
        generate_stage(small_config, tmp_path / "out")


def test_one_of_several_gpus_is_not_chosen(llama: Path, rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(KitError, match="2 GPUs are visible, and the run is of one: set -o devices=2, or CUDA_VISIBLE_DEVICES"):
        train(config(), rows, str(llama), tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()


# Settings that were accepted without effect.


@pytest.mark.slow
def test_an_adapter_asked_for_beside_a_config_without_one(
    llama: Path, rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(config(), rows, str(llama), tmp_path / "run")
    command = ["train", "--config", str(run / "config.json"), "--lora", "--data", rows, "--model", str(llama)]
    monkeypatch.setattr("sys.argv", ["kit", *command, "--out", str(tmp_path / "adapted")])
    main()
    results = store.read_manifest(tmp_path / "adapted").results
    assert results["trained_parameters"] < results["parameters"]
