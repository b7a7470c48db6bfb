"""The transformers backend: greedy, length-sorted, batched to a token budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kit.infer.backend import Sink, Tokens
from kit.models.tokens import stop_ids

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class TransformersBackend:
    """Runs a loaded model. `batch_tokens` bounds a batch's padded size (prompt + new tokens), and so the memory."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        batch_tokens: int = 16384,
        max_batch: int = 256,
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.batch_tokens = batch_tokens
        self.max_batch = max_batch

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Indices grouped longest first (memory runs out at once or never), each group within the budget."""
        order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
        start = 0
        while start < len(order):
            size = max(1, min(self.max_batch, self.batch_tokens // lengths[order[start]]))
            yield order[start : start + size]
            start += size

    def generate(self, prompts: Sequence[Tokens], max_new_tokens: int, sink: Sink[str]) -> None:
        import torch

        pad = self.tokenizer.pad_token_id
        for batch in self._batches([len(p) + max_new_tokens for p in prompts]):
            width = max(len(prompts[i]) for i in batch)
            ids = torch.tensor([[pad] * (width - len(prompts[i])) + list(prompts[i]) for i in batch])
            mask = torch.tensor([[0] * (width - len(prompts[i])) + [1] * len(prompts[i]) for i in batch])
            with torch.inference_mode():
                produced = self.model.generate(
                    input_ids=ids.to(self.model.device),
                    attention_mask=mask.to(self.model.device),
                    max_new_tokens=max_new_tokens,
                    do_sample=False,
                    temperature=None,
                    top_p=None,
                    top_k=None,
                    pad_token_id=pad,
                    eos_token_id=stop_ids(self.tokenizer),
                )
            sink(batch, self.tokenizer.batch_decode(produced[:, width:], skip_special_tokens=True))

    def log_likelihood(self, pairs: Sequence[tuple[Tokens, Tokens]], sink: Sink[float]) -> None:
        import torch

        pad = self.tokenizer.pad_token_id
        for batch in self._batches([len(c) + len(t) for c, t in pairs]):
            rows = [[*pairs[i][0], *pairs[i][1]] for i in batch]
            width = max(len(r) for r in rows)
            ids = torch.tensor([r + [pad] * (width - len(r)) for r in rows], device=self.model.device)
            mask = torch.tensor([[1] * len(r) + [0] * (width - len(r)) for r in rows], device=self.model.device)
            # Only the positions that predict a continuation need logits; they end each row.
            keep = max(len(pairs[i][1]) + width - len(r) for i, r in zip(batch, rows, strict=True)) + 1
            with torch.inference_mode():
                logits = self.model(input_ids=ids, attention_mask=mask, logits_to_keep=keep).logits.float()
            logs = torch.log_softmax(logits, dim=-1)
            offset = width - keep
            scores = []
            for row, i in enumerate(batch):
                context, target = pairs[i]
                where = torch.arange(len(context) - 1, len(context) + len(target) - 1) - offset
                scores.append(float(logs[row, where, torch.tensor(list(target))].sum()))
            sink(batch, scores)
