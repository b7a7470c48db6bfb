"""The transformers backend: length-sorted, batched to a token budget."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kit.core.errors import KitError
from kit.infer.backend import Decoding, Likelihood, Output, Prompt, Sink
from kit.infer.tokenised import begun, continued, fit_window, outputs, rooms
from kit.models.tokens import Tokens

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


Ids = Sequence[int]

LOOK = 8
"""Tokens after which the text of a model that ends nothing by itself is looked at."""


class TransformersBackend:
    """Runs a loaded model. `batch_tokens` bounds a batch's padded size (prompt + new tokens), and so the memory; without it, as
    many as take a part of what the device has. window: the tokens that the model reads at once, None where it knows no bound."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokens: Tokens,
        window: int | None = None,
        batch_tokens: int | None = None,
        max_batch: int = 256,
    ) -> None:
        self.model = model.eval()
        self.tokens = tokens
        self.window = window
        self.batch_tokens = batch_tokens or _affordable(self.model)
        self.max_batch = max_batch
        self.stops = tokens.stops
        self.notes: list[str] = []
        taken = set(inspect.signature(_inner(model).forward).parameters)
        self._last = {"logits_to_keep"} & taken
        self.pads = _pads(model, taken)

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Indices grouped longest first (memory runs out at once or never), each group within the budget, and of one length where
        the model cannot be padded."""
        order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
        start = 0
        while start < len(order):
            longest = lengths[order[start]]
            size = max(1, min(self.max_batch, self.batch_tokens // longest))
            batch = order[start : start + size]
            if not self.pads:
                batch = [i for i in batch if lengths[i] == longest]
            yield batch
            start += len(batch)

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding, sink: Sink[Output]) -> None:
        self.generate_ids([begun(self.tokens, p) for p in prompts], decoding, sink)

    def generate_ids(self, prompts: Sequence[Ids], decoding: Decoding, sink: Sink[Output]) -> None:
        """The same for prompts in tokens."""
        room = rooms([len(p) for p in prompts], decoding.max_new_tokens, self.window, sink)
        asked = list(room)
        go_on = self._continue if self.pads else self._continue_alike

        def run(batch: list[int]) -> None:
            seeds = [decoding.seeds[i] for i in batch] if decoding.temperature else []
            made = go_on([prompts[i] for i in batch], [room[i] for i in batch], decoding._replace(seeds=seeds))
            sink(batch, outputs(self.tokens, made))

        for rows in self._batches([len(prompts[i]) + room[i] for i in asked]):
            _within_memory([asked[row] for row in rows], run)

    def _continue(self, prompts: Sequence[Ids], room: Sequence[int], decoding: Decoding) -> list[tuple[list[int], bool]]:
        """The tokens that follow each prompt, as many as it has room for, without the stop token that ended them, and whether
        one did.

        Written out instead of `model.generate`: what a checkpoint's generation config asks for (a repetition penalty, a
        temperature) must not change a greedy score in silence, and rows that have ended leave the batch, which `generate`
        carries to the end of its longest row.
        """
        import torch

        width, device = max(map(len, prompts)), self.model.device
        pad = self.tokens.pad
        fed = torch.tensor([[pad] * (width - len(p)) + list(p) for p in prompts], device=device)
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=device)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        stops = set(self.stops)
        produced: list[list[int]] = [[] for _ in prompts]
        ended = [False] * len(prompts)
        rows, cache = torch.arange(len(prompts), device=device), None
        draws = [torch.Generator().manual_seed(seed) for seed in decoding.seeds]
        with torch.inference_mode():
            for count in range(1, max(room) + 1):
                out = self.model(
                    input_ids=fed,
                    attention_mask=mask,
                    position_ids=positions,
                    past_key_values=cache,
                    use_cache=True,
                    **dict.fromkeys(self._last, 1),
                )
                cache, logits = out.past_key_values, out.logits[:, -1]
                if draws:
                    logits = _drawn(logits, decoding.temperature, [draws[row] for row in rows.tolist()])
                token = logits.argmax(-1)
                left = []
                for place, (row, value) in enumerate(zip(rows.tolist(), token.tolist(), strict=True)):
                    ended[row] = value in stops
                    if not ended[row]:
                        produced[row].append(value)
                        if count < room[row]:
                            left.append(place)
                if self.tokens.goes_on and count % LOOK == 0:
                    left = self._going_on(left, rows.tolist(), produced)
                if not left:
                    break
                if len(left) < len(rows):
                    keep = torch.tensor(left, device=device)
                    cache.batch_select_indices(keep)
                    rows, token, mask, positions = rows[keep], token[keep], mask[keep], positions[keep]
                fed, positions = token[:, None], positions[:, -1:] + 1
                mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
        return list(zip(produced, ended, strict=True))

    def _going_on(self, places: Sequence[int], rows: Sequence[int], produced: Sequence[Sequence[int]]) -> list[int]:
        """Of places in a batch those whose last tokens hold no question that the model asks itself."""
        recent = self.tokens.answers(produced[rows[place]][-3 * LOOK :] for place in places)
        return [place for place, text in zip(places, recent, strict=True) if self.tokens.goes_on not in text]

    def _continue_alike(self, prompts: Sequence[Ids], room: Sequence[int], decoding: Decoding) -> list[tuple[list[int], bool]]:
        """The same of prompts of one length, for models whose state is no cache of keys and values: by `model.generate`, with
        nothing of the checkpoint's generation config."""
        import torch
        from transformers import GenerationConfig, LogitsProcessorList

        draws = [torch.Generator().manual_seed(seed) for seed in decoding.seeds]
        sampled = [lambda _, scores: _drawn(scores, decoding.temperature, draws)] if draws else []
        fed = torch.tensor([list(p) for p in prompts], device=self.model.device)
        inner = _inner(self.model)
        own, inner.generation_config = inner.generation_config, GenerationConfig()
        try:
            with torch.inference_mode():
                made = self.model.generate(
                    fed,
                    generation_config=GenerationConfig(
                        max_new_tokens=max(room),
                        do_sample=False,
                        eos_token_id=self.stops or None,
                        pad_token_id=self.tokens.pad,
                    ),
                    logits_processor=LogitsProcessorList(sampled),
                )
        finally:
            inner.generation_config = own
        produced = []
        for row, most in zip(made[:, fed.shape[1] :].tolist(), room, strict=True):
            end = next((i for i, token in enumerate(row[:most]) if token in self.stops), None)
            produced.append((row[:most] if end is None else row[:end], end is not None))
        return produced

    def log_likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str], sink: Sink[Likelihood]) -> None:
        pairs = [continued(self.tokens, p, c) for p, c in zip(prompts, continuations, strict=True)]
        fit_window(prompts, [len(given) + len(scored) for given, scored in pairs], self.window)

        def told(indices: Sequence[int], results: Sequence[float]) -> None:
            sink(indices, [Likelihood(r, len(pairs[i][1])) for i, r in zip(indices, results, strict=True)])

        self._score(pairs, told)

    def _score(self, pairs: Sequence[tuple[Ids, Ids]], sink: Sink[float]) -> None:
        import torch

        pad = self.tokens.pad

        def run(batch: list[int]) -> None:
            rows = [[*pairs[i][0], *pairs[i][1]] for i in batch]
            width = max(len(r) for r in rows)
            ids = torch.tensor([r + [pad] * (width - len(r)) for r in rows], device=self.model.device)
            mask = torch.tensor([[1] * len(r) + [0] * (width - len(r)) for r in rows], device=self.model.device)
            # Only the positions that predict a continuation need logits; they end each row.
            keep = max(len(pairs[i][1]) + width - len(r) for i, r in zip(batch, rows, strict=True)) + 1
            with torch.inference_mode():
                logits = self.model(
                    input_ids=ids, **({"attention_mask": mask} if self.pads else {}), **dict.fromkeys(self._last, keep)
                ).logits.float()
            logs = torch.log_softmax(logits, dim=-1)
            offset = width - logits.shape[1]
            scores = []
            for row, i in enumerate(batch):
                context, target = pairs[i]
                where = torch.arange(len(context) - 1, len(context) + len(target) - 1) - offset
                scores.append(float(logs[row, where, torch.tensor(list(target))].sum()))
            sink(batch, scores)

        for batch in self._batches([len(c) + len(t) for c, t in pairs]):
            _within_memory(batch, run)


MEMORY = 2 << 30
"""Bytes that a batch may take where the device does not say what it has: a CPU, whose memory others use too."""


def _affordable(model: PreTrainedModel) -> int:
    """How many tokens a batch may hold: keys and values of every layer, and what one layer works on, of each."""
    import torch

    config = model.config.get_text_config()

    def most(name: str, default: int) -> int:
        """A size of the model; some have one of their own in every layer."""
        try:
            told = getattr(config, name, None) or default
        except RuntimeError:  # what transformers says of one that differs by layer
            told = config.to_dict().get(name) or default
        return max(told) if isinstance(told, list | tuple) else int(told)

    hidden = most("hidden_size", 4096)
    heads = most("num_attention_heads", 1)
    kept = 2 * most("num_hidden_layers", 32) * most("num_key_value_heads", heads) * most("head_dim", hidden // heads)
    memory = torch.cuda.mem_get_info(model.device)[0] // 4 if model.device.type == "cuda" else MEMORY
    return max(1, memory // (model.dtype.itemsize * (kept + 16 * hidden)))


def _within_memory(batch: list[int], run: Callable[[list[int]], None]) -> None:
    """Run a batch, in halves where the device has no memory for all of it. Raises KitError where it has none for one row."""
    import torch

    try:
        return run(batch)
    except torch.OutOfMemoryError:
        if len(batch) == 1:
            raise KitError(
                "the device has no memory for a single prompt with its answer: ask for less, or lower precision"
            ) from None
    torch.cuda.empty_cache()
    half = len(batch) // 2
    _within_memory(batch[:half], run)
    return _within_memory(batch[half:], run)


def _inner(model: Any) -> Any:
    """The model that an adapter is on, or itself."""
    return model.get_base_model() if hasattr(model, "peft_config") else model


def _drawn(logits: torch.Tensor, temperature: float, draws: Sequence[torch.Generator]) -> torch.Tensor:
    """Logits whose largest is a draw from the softmax: with Gumbel noise (Gumbel 1954), of each row's own generator."""
    import torch

    uniform = torch.stack([torch.rand(logits.shape[-1], generator=draw) for draw in draws])
    return logits.float() / temperature - (-uniform.clamp(min=1e-20).log()).log().to(logits.device)


def _pads(model: Any, taken: set[str]) -> bool:
    """Whether rows of several lengths may share a batch, and leave it as they end: where the model keeps keys and values by
    position, and is told which positions count. A state that every token has changed knows nothing of padding."""
    from transformers import DynamicCache

    if not {"attention_mask", "position_ids", "past_key_values"} <= taken or getattr(model, "_is_stateful", False):
        return False
    return not any(hasattr(layer, "update_conv_state") for layer in DynamicCache(config=model.config.get_text_config()).layers)
