"""The vLLM backend, in process: for checkpoints and adapters on a machine where vLLM is installed (`pip install
'knowledge-injection-kit[vllm]'`). Where it lives in another environment, its server is reached by `kit.infer.server`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.core.errors import KitError
from kit.infer.backend import Decoding, Likelihood, Prompt, Sink
from kit.infer.tokenised import answers, begun, continued, fit_window
from kit.models.tokens import stop_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CHUNK = 512
"""Prompts handed over at once, after which their answers are told: vLLM batches within, and a killed run keeps the rest."""


class VllmBackend:
    """source: a checkpoint directory (with a LoRA adapter: the adapter on its base) or a hub id. dtype: as vLLM names it.

    Raises KitError where vLLM is not installed or does not take the checkpoint.
    """

    def __init__(self, source: str, tokenizer: PreTrainedTokenizerBase, dtype: str, **settings: Any) -> None:
        try:
            from vllm import LLM
            from vllm.lora.request import LoRARequest
        except ImportError as error:
            raise KitError(f"vLLM cannot be imported ({error}): install it, or use --backend transformers or --url") from None
        adapter = Path(source) / "adapter_config.json"
        lora = json.loads(adapter.read_text("utf-8")) if adapter.exists() else None
        if lora:
            settings |= {"enable_lora": True, "max_lora_rank": max(8, int(lora["r"]))}
        base = lora["base_model_name_or_path"] if lora else source
        try:
            self.engine = LLM(model=base, tokenizer=source, dtype=dtype, seed=0, generation_config="vllm", **settings)
        except (ValueError, OSError, RuntimeError) as error:
            raise KitError(f"vLLM does not take {source}: {str(error).strip().splitlines()[0]}") from None
        self.adapter = LoRARequest("adapter", 1, source) if lora else None
        self.tokenizer = tokenizer
        self.window: int = self.engine.llm_engine.model_config.max_model_len

    def _run(self, prompts: Sequence[list[int]], settings: Sequence[Any]) -> Iterator[tuple[range, list[Any]]]:
        for low in range(0, len(prompts), CHUNK):
            rows = range(low, min(low + CHUNK, len(prompts)))
            fed = [{"prompt_token_ids": prompts[i]} for i in rows]
            yield rows, self.engine.generate(fed, [settings[i] for i in rows], lora_request=self.adapter, use_tqdm=False)

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding, sink: Sink[str]) -> None:
        from vllm import SamplingParams

        stops = stop_ids(self.tokenizer)
        settings = [
            SamplingParams(
                temperature=decoding.temperature,
                max_tokens=decoding.max_new_tokens,
                seed=decoding.seeds[i] if decoding.seeds else None,
                stop_token_ids=stops,
                detokenize=False,
            )
            for i in range(len(prompts))
        ]
        fed = [begun(self.tokenizer, p) for p in prompts]
        fit_window(prompts, [len(f) + decoding.max_new_tokens for f in fed], self.window)
        for rows, made in self._run(fed, settings):
            sink(rows, answers(self.tokenizer, [[t for t in m.outputs[0].token_ids if t not in stops] for m in made]))

    def log_likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str], sink: Sink[Likelihood]) -> None:
        from vllm import SamplingParams

        pairs = [continued(self.tokenizer, p, c) for p, c in zip(prompts, continuations, strict=True)]
        # One token more, which vLLM cannot be kept from making.
        fit_window(prompts, [len(given) + len(scored) + 1 for given, scored in pairs], self.window)
        settings = [SamplingParams(temperature=0.0, max_tokens=1, prompt_logprobs=0)] * len(pairs)
        for rows, made in self._run([given + scored for given, scored in pairs], settings):
            sink(rows, [_summed(m.prompt_logprobs, *pairs[i]) for i, m in zip(rows, made, strict=True)])


def _summed(told: list[Any], given: list[int], scored: list[int]) -> Likelihood:
    places = zip(told[len(given) :], scored, strict=True)
    return Likelihood(sum(place[token].logprob for place, token in places), len(scored))
