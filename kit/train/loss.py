"""The loss of an optimizer step, which does not depend on how its rows are split into micro-batches."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class StepLoss:
    """Cross entropy, the mean over all learned tokens of the step. Of a mixture of experts whose config declares one
    (`router_aux_loss_coef`), the load-balancing loss is added: of each row that is learned from by itself, the mean over those of
    the step, as sequence-wise balancing does (DeepSeek-V3, arXiv 2412.19437, section 2.1.2). Over whatever rows a micro-batch
    holds, as transformers takes it, it would be another loss for each number of micro-batches. batch: rows of a step.
    """

    def __init__(self, network: Any, batch: int) -> None:
        self.batch = batch
        config = network.config.get_text_config()
        self.routed = any(".experts." in name for name, _ in network.named_parameters())
        balanced = self.routed and hasattr(config, "output_router_logits")
        self.weight = float(getattr(config, "router_aux_loss_coef", 0.0) or 0.0) if balanced else 0.0
        self.experts = next((getattr(config, n) for n in ("num_local_experts", "num_experts") if hasattr(config, n)), 0)
        self.chosen = getattr(config, "num_experts_per_tok", 2)

    def __call__(self, outputs: Any, labels: Tensor, mask: Tensor | None, tokens: Tensor | None) -> Tensor:
        """The micro-batch's part of the loss. labels, mask: (rows, width), the latter of rows side by side alone; tokens: how
        many of the whole step are learned."""
        from transformers.loss.loss_utils import ForCausalLMLoss

        loss: Tensor = ForCausalLMLoss(outputs.logits, labels, outputs.logits.shape[-1], num_items_in_batch=tokens)
        layers = [layer for layer in getattr(outputs, "router_logits", None) or () if layer is not None]
        if self.weight and layers and mask is not None:
            loss = loss + self.weight * self._imbalance(layers, mask, (labels != -100).any(dim=1)) / self.batch
        return loss

    def _imbalance(self, layers: list[Tensor], mask: Tensor, learned: Tensor) -> Tensor:
        """The load-balancing loss (Switch Transformers, arXiv 2101.03961, equations 4 to 6) of each row, summed over those that
        are learned from; learned: (rows,)."""
        from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

        total = torch.zeros((), device=mask.device)
        for row in learned.nonzero().flatten().tolist():
            own = tuple(layer.view(len(mask), -1, layer.shape[-1])[row] for layer in layers)
            found: Any = load_balancing_loss_func(own, self.experts, self.chosen, mask[row : row + 1])  # type: ignore[arg-type]
            total = total + found.to(mask.device)
        return total
