"""How the rows of a micro-batch go through a model: side by side, each filled up to the longest, or packed into one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from kit.core.errors import KitError
from kit.models.tokens import Row

NOT_LEARNED = -100

ROUNDING = {torch.float32: 1e-5, torch.bfloat16: 0.03}
"""By what part of the largest logit two ways to the same one may differ."""


def padded(rows: Sequence[Row], pad: int) -> dict[str, torch.Tensor]:
    """(rows, longest): tokens, which of them are there, and which are learned."""
    width = max(len(row.input_ids) for row in rows)

    def filled(values: list[list[int]], filler: int) -> torch.Tensor:
        return torch.tensor([v + [filler] * (width - len(v)) for v in values])

    return {
        "input_ids": filled([row.input_ids for row in rows], pad),
        "attention_mask": filled([[1] * len(row.input_ids) for row in rows], 0),
        "labels": filled([row.labels() for row in rows], NOT_LEARNED),
    }


def packed(rows: Sequence[Row]) -> dict[str, torch.Tensor]:
    """(1, tokens of all): positions begin anew with each row, by which transformers keeps them apart; the first token of a row is
    not learned from the last of the row before."""
    return {
        "input_ids": torch.tensor([[token for row in rows for token in row.input_ids]]),
        "position_ids": torch.tensor([[place for row in rows for place in range(len(row.input_ids))]]),
        "labels": torch.tensor([[label for row in rows for label in (NOT_LEARNED, *row.labels()[1:])]]),
    }


def _asked(rows: Sequence[Row], device: torch.device) -> dict[str, torch.Tensor]:
    return {name: tensor.to(device) for name, tensor in packed(rows).items() if name != "labels"}


def check_apart(network: Any, widest: int = 0) -> None:
    """Raises KitError for a model in which packed rows see one another: one that takes positions from elsewhere, or carries a
    state from token to token. Two rows are gone through, alone and packed; widest: tokens of the widest micro-batch, which is
    tried where it is more than the model's window."""
    rows = [Row(list(range(1, 6)), ()), Row(list(range(2, 9)), ())]
    trained, device = network.training, next(network.parameters()).device
    window = getattr(network.config.get_text_config(), "max_position_embeddings", None) or widest
    network.eval()
    try:
        with torch.no_grad():
            alone = [network(input_ids=torch.tensor([row.input_ids]).to(device), use_cache=False).logits[0] for row in rows]
            found = network(**_asked(rows, device), use_cache=False).logits[0]
            if widest > window:
                network(**_asked(rows * math.ceil(widest / 12), device), use_cache=False)
        apart = bool((found - torch.cat(alone)).abs().max() <= ROUNDING[found.dtype] * found.abs().max())
    except (TypeError, RuntimeError):  # it takes no positions, or has no room for so many tokens
        apart = False
    finally:
        network.train(trained)
    if not apart:
        raise KitError(f"packing: rows would see one another in {type(network).__name__}: leave it out")
