"""The vLLM backend, in process: for checkpoints and adapters on a machine where vLLM is installed (`pip install
'knowledge-injection-kit[vllm]'`). Where it lives in another environment, its server is reached by `kit.infer.server`."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.core.errors import KitError, first_line
from kit.core.seeds import digest
from kit.infer.backend import Decoding, Likelihood, Output, Prompt, Sink
from kit.infer.tokenised import begun, continued, fit_window, outputs, rooms
from kit.models.checkpoint import Checkpoint, check_kept, fetched
from kit.models.tokens import Tokens

CHUNK = 512
"""Prompts handed over at once, after which their answers are told: vLLM batches within, and a killed run keeps the rest."""


RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks of adapters that vLLM makes room for."""


def room_for(rank: int) -> int:
    """The least rank that vLLM makes room for and that holds an adapter's. Raises KitError where there is none."""
    room = next((r for r in RANKS if r >= rank), None)
    if room is None:
        raise KitError(f"the adapter has rank {rank}, and vLLM takes {RANKS[-1]} at most: use --backend transformers")
    return room


@dataclass
class _Started:
    """The engine of this process. what: the model it has loaded, and how; rank: of the adapters that it takes, 0 for none;
    adapters: those that it was asked for, by number."""

    what: str
    rank: int
    engine: Any
    adapters: list[str] = field(default_factory=list)


_started: list[_Started] = []
"""One at most: a second would find no memory left."""


class VllmBackend:
    """checkpoint: a whole model, or a LoRA adapter, which is put on its base. dtype: as vLLM names it.

    Of one process, adapters of one base are requests to one engine, and so is the base behind them: it is loaded once. Raises
    KitError where vLLM is not installed or does not take the checkpoint.
    """

    def __init__(self, checkpoint: Checkpoint, tokens: Tokens, dtype: str, **settings: Any) -> None:
        try:
            from vllm import LLM
            from vllm.lora.request import LoRARequest
        except ImportError as error:
            raise KitError(f"vLLM cannot be imported ({error}): install it, or use --backend transformers or --url") from None
        check_kept(checkpoint)
        started = _engine(LLM, checkpoint, tokens, {"dtype": dtype, **settings})
        self.engine, self.adapter = started.engine, None
        if checkpoint.adapter:
            place = str(fetched(checkpoint))
            if place not in started.adapters:
                started.adapters.append(place)
            number = started.adapters.index(place) + 1
            self.adapter = LoRARequest(f"adapter {number}", number, place)
        self.tokens = tokens
        self.notes: list[str] = []
        self.window: int = self.engine.llm_engine.model_config.max_model_len

    def _run(self, prompts: Sequence[list[int]], settings: Sequence[Any]) -> Iterator[tuple[range, list[Any]]]:
        for low in range(0, len(prompts), CHUNK):
            rows = range(low, min(low + CHUNK, len(prompts)))
            fed = [{"prompt_token_ids": prompts[i]} for i in rows]
            yield rows, self.engine.generate(fed, [settings[i] for i in rows], lora_request=self.adapter, use_tqdm=False)

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding, sink: Sink[Output]) -> None:
        from vllm import SamplingParams

        stops, goes_on = self.tokens.stops, self.tokens.goes_on
        fed = [begun(self.tokens, p) for p in prompts]
        room = rooms([len(f) for f in fed], decoding.max_new_tokens, self.window, sink)
        asked = list(room)
        settings = [
            SamplingParams(
                temperature=decoding.temperature,
                max_tokens=room[i],
                seed=decoding.seeds[i] if decoding.seeds else None,
                stop_token_ids=stops,
                stop=[goes_on] if goes_on else None,
                detokenize=bool(goes_on),
            )
            for i in asked
        ]
        for rows, made in self._run([fed[i] for i in asked], settings):
            ends = [m.outputs[0] for m in made]
            told = [([t for t in end.token_ids if t not in stops], end.finish_reason == "stop") for end in ends]
            sink([asked[row] for row in rows], outputs(self.tokens, told))

    def log_likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str], sink: Sink[Likelihood]) -> None:
        from vllm import SamplingParams

        pairs = [continued(self.tokens, p, c) for p, c in zip(prompts, continuations, strict=True)]
        # One token more, which vLLM cannot be kept from making.
        fit_window(prompts, [len(given) + len(scored) + 1 for given, scored in pairs], self.window)
        settings = [SamplingParams(temperature=0.0, max_tokens=1, prompt_logprobs=0)] * len(pairs)
        for rows, made in self._run([given + scored for given, scored in pairs], settings):
            sink(rows, [_summed(m.prompt_logprobs, *pairs[i]) for i, m in zip(rows, made, strict=True)])


def _engine(kind: Callable[..., Any], checkpoint: Checkpoint, tokens: Tokens, settings: dict[str, Any]) -> _Started:
    """The engine that has loaded a checkpoint, or its base with room for such an adapter; a new one in the place of another.
    kind: what makes one."""
    base, place = checkpoint.whole, checkpoint.tokenizer
    rank = room_for(checkpoint.adapter.rank) if checkpoint.adapter else 0
    what = digest(base.source, base.revision, tokens.tokenizer.backend_tokenizer.to_str(), settings)
    if _started and _started[0].what == what and _started[0].rank >= rank:
        return _started[0]
    _started.clear()
    gc.collect()
    try:
        engine = kind(
            model=base.source, revision=base.revision, tokenizer=place.source, tokenizer_revision=place.revision,
            seed=0, generation_config="vllm", **settings, **({"enable_lora": True, "max_lora_rank": rank} if rank else {}),
        )  # fmt: skip
    except (ValueError, OSError, RuntimeError) as error:
        raise KitError(f"vLLM does not take {checkpoint.source}: {first_line(error)}") from None
    _started.append(_Started(what, rank, engine))
    return _started[0]


def _summed(told: list[Any], given: list[int], scored: list[int]) -> Likelihood:
    places = zip(told[len(given) :], scored, strict=True)
    return Likelihood(sum(place[token].logprob for place, token in places), len(scored))
