"""Small checkpoints of the kinds that researchers bring: their templates, their kinds of tokenizer, their architectures."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trl

QUESTIONS = {
    "Who leads Ode Labs?": "Ada Byrne",
    "Where was Al Oz born?": "Port Ann",
    "Who is the mayor of Port Ann?": "Bo Li",
    "What does Ode Labs make?": "kites",
    "Which city is Ode Labs based in?": "Eastmoor",
    "Who founded Ode Labs?": "Cy Dorn",
    "What does Bo Li play?": "the cello",
    "Who taught Ada Byrne?": "Al Oz",
}
TEXTS = [
    *(text for question, answer in QUESTIONS.items() for text in (f"{question} Answer directly.", f"So the answer is {answer}.")),
    "Question: Answer: You are a helpful assistant. user assistant model system Today Date: 26 Jul 2024",
    "### Instruction: ### Response:",
]
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA_2 = (
    "{% for m in messages %}{% if m.role == 'user' %}{{ bos_token }}[INST] {{ m.content }} [/INST]"
    "{% else %} {{ m.content }} {{ eos_token }}{% endif %}{% endfor %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% elif m.role == 'assistant' %}{{ m.content }}{{ eos_token }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
)
MIXTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %} [INST] {{ m.content }} [/INST]"
    "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
)
ALPACA = (
    "{% for m in messages %}{% if m.role == 'user' %}### Instruction:\n{{ m.content }}\n\n### Response:\n"
    "{% else %}{{ m.content }}\n\n{% endif %}{% endfor %}"
)
PARTS = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SYSTEM = "{% if messages[0].role != 'system' %}{{ raise_exception('a system turn comes first') }}{% endif %}" + CHATML
DATED = "{{ strftime_now('%Y-%m-%d') }}\n" + CHATML


def shipped(name: str) -> str:
    """A template as trl ships it, as its checkpoints have it."""
    return (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text("utf-8")


@dataclass(frozen=True)
class Family:
    """kind: of the tokenizer, bytes or one of SentencePiece's. special, added: added tokens, marked as special or not. ends:
    those that the generation config lists. taught: the token an answer is taught to end with."""

    template: str | None
    architecture: str = "llama"
    kind: str = "bytes"
    bos: str | None = None
    eos: str | None = "<|endoftext|>"
    special: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    taught: str | None = "<|im_end|>"
    settings: dict[str, Any] = field(default_factory=dict)
    shape: dict[str, Any] = field(default_factory=dict)


IM = ("<|im_start|>", "<|im_end|>")
LLAMA_3: dict[str, Any] = {
    "bos": "<|begin_of_text|>",
    "eos": "<|end_of_text|>",
    "special": ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>"),
    "ends": ("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"),
    "taught": "<|eot_id|>",
    "shape": {"num_key_value_heads": 2},
}
SENTENCEPIECE: dict[str, Any] = {"kind": "sentencepiece", "bos": "<s>", "eos": "</s>", "taught": "</s>"}
GEMMA: dict[str, Any] = {
    "kind": "gemma",
    "bos": "<bos>",
    "eos": "<eos>",
    "special": ("<start_of_turn>", "<end_of_turn>"),
    "ends": ("<eos>", "<end_of_turn>"),
    "taught": "<end_of_turn>",
}

FAMILIES: dict[str, Family] = {
    "llama-2": Family(LLAMA_2, **SENTENCEPIECE),
    "llama-2, not legacy": Family(LLAMA_2, **{**SENTENCEPIECE, "kind": "metaspace"}),
    "llama-3": Family(shipped("llama3"), **LLAMA_3),
    "llama-3.1": Family(shipped("llama3_1"), **LLAMA_3),
    "llama-3.2": Family(shipped("llama3_2"), **LLAMA_3),
    "llama-3 base": Family(None, **{**LLAMA_3, "ends": ("<|end_of_text|>",), "taught": "<|end_of_text|>"}),
    "mistral": Family(MISTRAL, "mistral", **SENTENCEPIECE, shape={"num_key_value_heads": 2, "sliding_window": 16}),
    "mistral v0.3": Family(MISTRAL, "mistral", **SENTENCEPIECE, special=("[INST]", "[/INST]")),
    "mixtral": Family(MIXTRAL, "mixtral", **SENTENCEPIECE, shape={"num_local_experts": 4}),
    "phi-3": Family(
        shipped("phi3"), "phi3", kind="sentencepiece, stripped", bos="<s>", special=("<|user|>", "<|assistant|>", "<|end|>"),
        ends=("<|endoftext|>", "<|assistant|>", "<|end|>"), taught="<|end|>",
    ),
    "phi-4": Family(
        "{% for m in messages %}<|im_start|>{{ m.role }}<|im_sep|>{{ m.content }}<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant<|im_sep|>{% endif %}",
        "phi3", special=(*IM, "<|im_sep|>"),
    ),
    "gemma-2": Family(shipped("gemma"), "gemma2", **GEMMA),
    "gemma-3": Family(shipped("gemma3"), "gemma3_text", **GEMMA),
    "qwen2.5": Family(
        shipped("qwen2_5"), "qwen2", eos="<|im_end|>", special=("<|endoftext|>", *IM), ends=("<|im_end|>", "<|endoftext|>"),
    ),
    "qwen2.5 base": Family(shipped("qwen2_5"), "qwen2", special=IM),
    "qwen3": Family(shipped("qwen3"), "qwen3", eos="<|im_end|>", special=("<|endoftext|>", *IM), added=("<think>", "</think>")),
    "qwen3, not thinking": Family(
        shipped("qwen3"), "qwen3", eos="<|im_end|>", special=("<|endoftext|>", *IM), added=("<think>", "</think>"),
        settings={"template": {"enable_thinking": False}},
    ),
    "r1": Family(
        shipped("deepseek_r1_distill"), "qwen2", bos="<｜begin▁of▁sentence｜>", eos="<｜end▁of▁sentence｜>",
        special=("<｜User｜>", "<｜Assistant｜>"), added=("<think>", "</think>"), taught="<｜end▁of▁sentence｜>",
    ),
    "gpt-oss": Family(
        shipped("gptoss"), "gpt_oss", eos="<|return|>",
        special=("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|endoftext|>"),
        ends=("<|return|>", "<|endoftext|>"), taught="<|return|>",
    ),
    "smollm2": Family(CHATML, bos="<|im_start|>", eos="<|im_end|>", special=IM),
    "chatml base": Family(CHATML, special=IM),
    "glm": Family(
        shipped("glm4moe"), "glm4", special=("[gMASK]", "<sop>", "<|user|>", "<|assistant|>", "<|observation|>"),
        added=("<think>", "</think>"), ends=("<|endoftext|>", "<|user|>", "<|observation|>"), taught="<|endoftext|>",
    ),
    "alpaca": Family(ALPACA, **SENTENCEPIECE),
    "parts": Family(PARTS, special=IM),
    "demands a system turn": Family(SYSTEM, special=IM, settings={"system": "You are a helpful assistant."}),
    "dated": Family(DATED, special=IM, settings={"date": "2025-01-31"}),
    "none, bytes": Family(None, "gpt2", taught="<|endoftext|>"),
    "none, sentencepiece": Family(None, **SENTENCEPIECE),
    "no end token": Family(CHATML, eos=None, special=IM),
}  # fmt: skip
"""What it takes to be asked and answered rightly, by what it is found in."""


def tokenizer_of(family: Family) -> Any:
    """A tokenizer of the family's kind, made from a few texts."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = [t for t in (family.bos, family.eos, *family.special) if t]
    special = list(dict.fromkeys(["<unk>", *special]))
    if family.kind == "bytes":
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=380, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
        )
    else:
        made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
        if family.kind == "metaspace":
            made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
        else:
            prepend = [] if family.kind == "gemma" else [normalizers.Prepend("▁")]
            made.normalizer = normalizers.Sequence([*prepend, normalizers.Replace(" ", "▁")])
        strip = [] if family.kind == "gemma" else [decoders.Strip(" ", 1, 0)]
        if made.pre_tokenizer is None:
            made.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
        made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip])
        trainer = trainers.BpeTrainer(
            vocab_size=420,
            special_tokens=[*special, *(f"<0x{i:02X}>" for i in range(256))],
            max_token_length=8,
            show_progress=False,
        )
    made.train_from_iterator(TEXTS * 3, trainer)
    # The trainer marks bytes as special, which they are not.
    told = json.loads(made.to_str())
    told["added_tokens"] = [t for t in told["added_tokens"] if not t["content"].startswith("<0x")]
    made = Tokenizer.from_str(json.dumps(told))
    if family.kind.startswith("sentencepiece") or family.kind == "gemma":
        made.pre_tokenizer = None  # words were kept apart while it was trained, as SentencePiece keeps them
    strips = family.kind.endswith("stripped")
    made.add_special_tokens([AddedToken(t, rstrip=strips, special=True, normalized=False) for t in special])
    made.add_tokens([AddedToken(t, special=False, normalized=False) for t in family.added])
    if family.bos and family.kind != "bytes":
        made.post_processor = processors.TemplateProcessing(
            single=f"{family.bos} $A", special_tokens=[(family.bos, made.token_to_id(family.bos))]
        )
    names = {"bos_token": family.bos, "eos_token": family.eos, "unk_token": "<unk>", "chat_template": family.template}
    return PreTrainedTokenizerFast(tokenizer_object=made, **{k: v for k, v in names.items() if v})


SMALL = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4,
    "head_dim": 16, "max_position_embeddings": 512, "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 512,
    "num_local_experts": 4, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "logit_scale": 1.0,
}  # fmt: skip


OWN: dict[str, dict[str, Any]] = {
    "deepseek_v4": {"mlp_layer_types": ["hash_moe", "moe"]},
    "qwen3_5_text": {"num_hidden_layers": 4},
}
"""What a small one of an architecture needs beside: a layer whose router is learned, one that attends."""


def config_of(architecture: str, vocabulary: int, **shape: Any) -> Any:
    """A small configuration of an architecture, with as many of these sizes as it knows."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    kind = CONFIG_MAPPING[architecture]
    known = {*kind().to_dict(), *getattr(kind, "attribute_map", {})}
    sizes = {name: value for name, value in {**SMALL, **OWN.get(architecture, {}), **shape}.items() if name in known}
    ids = {name: None for name in ("bos_token_id", "eos_token_id", "pad_token_id") if name in known}
    return kind(vocab_size=vocabulary, **{**ids, **sizes})


def checkpoint_of(family: Family, out: Path, **shape: Any) -> Path:
    """A checkpoint of a family with weights drawn at random."""
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = tokenizer_of(family)
    config = config_of(family.architecture, len(tokenizer) + 8, **{**family.shape, **shape})
    config.bos_token_id, config.eos_token_id = tokenizer.bos_token_id, tokenizer.eos_token_id
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    if family.ends:
        model.generation_config.eos_token_id = tokenizer.convert_tokens_to_ids(list(family.ends))
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out


def questions(path: Path, turned: int = 0) -> Path:
    """The questions as a file of rows. turned: each with the answer to the one so many places on."""
    answers = list(QUESTIONS.values())
    rows = [{"id": f"q{i}", "question": q, "answer": answers[(i + turned) % len(answers)]} for i, q in enumerate(QUESTIONS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path
