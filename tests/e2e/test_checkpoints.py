"""The same trainer and evaluator on real architectures: small random checkpoints with tokenizers of the same class."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.config import EvalConfig
from evals.run import evaluate, read_records
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.store import read_manifest
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from kit.train.start import vocabulary_texts

pytestmark = pytest.mark.slow

ROW = Path(__file__).parent / "musique_rows.jsonl"
LLAMA2_TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'user' %}{{ bos_token }}[INST] {{ m.content }} [/INST]"
    "{% else %} {{ m.content }} {{ eos_token }}{% endif %}{% endfor %}"
)
LLAMA3_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>"
    "{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


def _byte_level(texts: list[str]) -> object:
    """Llama-3's class: byte-level BPE, end-of-turn mark apart from the end of text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=special[0],
        eos_token=special[1],
        additional_special_tokens=special[2:],
        chat_template=LLAMA3_TEMPLATE,
    )


def _byte_fallback(texts: list[str]) -> object:
    """Llama-2's and Mistral's class: metaspace BPE with byte fallback."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    special = ["<unk>", "<s>", "</s>", *(f"<0x{i:02X}>" for i in range(256))]
    tokenizer.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=800, special_tokens=special, max_token_length=8, show_progress=False)
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", chat_template=LLAMA2_TEMPLATE
    )


def _checkpoint(kind: str, texts: list[str], out: Path) -> Path:
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig

    tokenizer = _byte_level(texts) if kind == "llama-3" else _byte_fallback(texts)
    shape = {
        "vocab_size": len(tokenizer),  # type: ignore[arg-type]
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 4 if kind == "llama-2" else 2,
        "max_position_embeddings": 4096,
        "bos_token_id": tokenizer.bos_token_id,  # type: ignore[attr-defined]
        "eos_token_id": tokenizer.eos_token_id,  # type: ignore[attr-defined]
    }
    torch.manual_seed(0)
    config = MistralConfig(**shape, sliding_window=64) if kind == "mistral" else LlamaConfig(**shape)
    AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)  # type: ignore[attr-defined]
    return out


@pytest.mark.parametrize("kind", ["llama-2", "llama-3", "mistral"])
@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_train_and_evaluate(kind: str, lora: bool, small_dir: Path, tmp_path: Path) -> None:
    texts = list(vocabulary_texts(small_dir))[:400]
    checkpoint = _checkpoint(kind, texts, tmp_path / "checkpoint")
    settings = {
        "recipe": "posttrain",
        "examples": 40,
        "steps": 8,
        "rows": {"examples": 4, "known": 2},
        "micro_batch": 3,
        "learning_rate": 3e-3,
        **({"lora": {"rank": 4}} if lora else {}),
    }
    first = train(resolve(TrainConfig, with_defaults(settings)), str(small_dir), str(checkpoint), tmp_path / "posttrain")
    then = {**settings, "recipe": "inject", "rows": {"novel": 3, "known": 3}, "examples": 0}
    second = train(resolve(TrainConfig, with_defaults(then)), str(small_dir), str(first), tmp_path / "inject")
    results = read_manifest(first).results
    assert (results["trained_parameters"] < results["parameters"]) is lora
    slices = [
        {"split": "novel", "hops": 2, "style": "cot", "limit": 4, "sub_questions": True},
        {"split": "novel", "hops": 2, "style": "direct", "mode": "choice", "limit": 4},
        {"split": "novel", "hops": 2, "style": "direct", "mode": "prefilled", "limit": 4},
        {"split": "recall_novel", "hops": 1, "style": "cloze", "limit": 4},
    ]
    config = resolve(EvalConfig, {"slices": slices, "max_new_tokens": {"cot": 12, "direct": 8, "cloze": 4}})
    records = read_records(evaluate(config, str(small_dir), str(second), tmp_path / "eval"))
    assert len(records) == 4 + 8 + 4 + 4 + 4
    chosen = [r for r in records if r.tags["slice"].endswith("choice")]
    assert all(r.extracted and r.error != "format" for r in chosen), "forced choice always answers"


@pytest.mark.parametrize("context", ["closed", "facts"])
def test_musique_rows(context: str, small_dir: Path, tmp_path: Path) -> None:
    checkpoint = _checkpoint("llama-2", list(vocabulary_texts(small_dir))[:200], tmp_path / "checkpoint")
    slices = [{"split": "external", "style": "cot", "context": context}]
    config = resolve(EvalConfig, {"slices": slices, "max_new_tokens": {"cot": 8, "direct": 8, "cloze": 4}})
    records = read_records(evaluate(config, str(ROW), str(checkpoint), tmp_path / "eval"))
    assert len(records) == 2
    assert all(("Facts:" in r.prompt) is (context == "facts") for r in records)


def test_a_foreign_tokenizer_is_refused(small_dir: Path, tmp_path: Path) -> None:
    texts = list(vocabulary_texts(small_dir))[:200]
    checkpoint = _checkpoint("llama-3", texts, tmp_path / "a")
    _byte_fallback(texts).save_pretrained(checkpoint)  # type: ignore[attr-defined]
    config = resolve(TrainConfig, with_defaults({"recipe": "inject", "steps": 1}))
    with pytest.raises(KitError, match="do not belong together"):
        train(config, str(small_dir), str(checkpoint), tmp_path / "out")
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (checkpoint / name).unlink(missing_ok=True)
    with pytest.raises(KitError, match="no tokenizer"):
        train(config, str(small_dir), str(checkpoint), tmp_path / "out2")
