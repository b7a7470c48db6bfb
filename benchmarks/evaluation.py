"""kit's transformers backend against plain `generate`: the same model and prompts, length-sorted, 64 at a time.

    python -m benchmarks.evaluation --model RUN --data WORLD [--pairs 5] [--limit 400]

RUN is a train run (or checkpoint), WORLD its data directory. Answers are compared one by one.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch

from benchmarks.side_by_side import compare
from evals.config import EvalConfig
from evals.tasks import TASKS
from kit.core.config import resolve
from kit.infer.backend import Decoding, Output
from kit.infer.hf import TransformersBackend
from kit.models.checkpoint import read
from kit.models.load import choose_dtype, load, load_tokenizer
from kit.models.prompts import user_message
from kit.models.tokens import Tokens

NEW_TOKENS = 72


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--data", required=True)
    arguments.add_argument("--pairs", type=int, default=5)
    arguments.add_argument("--limit", type=int, default=400)
    asked = arguments.parse_args()
    torch.set_num_threads(1)
    checkpoint = read(asked.model)
    tokenizer, model = load_tokenizer(checkpoint), load(checkpoint, choose_dtype("auto")).eval()
    tokens = Tokens(tokenizer, declared=checkpoint.stops)
    questions = [
        q
        for q in TASKS["multihop"].load(asked.data, resolve(EvalConfig, {"slices": [{"split": "novel"}]})).items
        if q.shape != "cloze"
    ]
    chosen = [q for q in questions if q.split in ("test_entity", "novel")][:: max(1, len(questions) // 4 // asked.limit)]
    prompts = [tokens.asked(user_message(q.text, "cot")) for q in chosen[: asked.limit]]
    answers: dict[str, list[str]] = {}

    def plain() -> None:
        pad, found = tokens.pad, [""] * len(prompts)
        order = sorted(range(len(prompts)), key=lambda i: -len(prompts[i]))
        for start in range(0, len(order), 64):
            batch = order[start : start + 64]
            width = max(len(prompts[i]) for i in batch)
            ids = torch.tensor([[pad] * (width - len(prompts[i])) + prompts[i] for i in batch])
            mask = torch.tensor([[0] * (width - len(prompts[i])) + [1] * len(prompts[i]) for i in batch])
            with torch.inference_mode():
                made = model.generate(
                    input_ids=ids, attention_mask=mask, max_new_tokens=NEW_TOKENS, do_sample=False,
                    pad_token_id=pad, eos_token_id=tokens.stops,
                )  # fmt: skip
            for i, text in zip(batch, tokenizer.batch_decode(made[:, width:], skip_special_tokens=True), strict=True):
                found[i] = text
        answers["plain"] = found

    def ours() -> None:
        found = [""] * len(prompts)

        def keep(indices: Sequence[int], outputs: Sequence[Output]) -> None:
            for i, output in zip(indices, outputs, strict=True):
                found[i] = output.text

        TransformersBackend(model, tokens).generate_ids(prompts, Decoding(NEW_TOKENS), keep)
        answers["kit"] = found

    compare(("plain generate, batch 64", "kit"), (plain, ours), asked.pairs)
    same = sum(a == b for a, b in zip(answers["plain"], answers["kit"], strict=True))
    print(f"{same} of {len(prompts)} answers are the same")


if __name__ == "__main__":
    main()
