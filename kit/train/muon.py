"""Muon for the matrices and AdamW for the rest, as one optimizer, in the precision of the parameters.

Muon: K. Jordan, "Muon: An optimizer for hidden layers in neural networks" (2024), with the update scaled to AdamW's RMS
(Moonshot, arXiv 2502.16982: 0.2 * sqrt(max(rows, columns))). torch.optim.Muon orthogonalises in bfloat16, which a CPU
without bf16 instructions emulates at a thirtieth of its speed; this one stays in fp32 there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

_A, _B, _C = 3.4445, -4.7750, 2.0315
"""Coefficients of the quintic Newton-Schulz iteration (Jordan 2024)."""


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """The nearest semi-orthogonal matrix, approximately: singular values end between about 0.7 and 1.2."""
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=_B, alpha=_C), x, beta=_A)
    return x.T if matrix.shape[0] > matrix.shape[1] else x


class MuonAdamW(torch.optim.Optimizer):
    """Two parameter groups: `matrices` stepped by Muon (Nesterov momentum), the rest by AdamW without decay."""

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        rest: Iterable[nn.Parameter],
        lr: float,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.95),
    ) -> None:
        groups = [
            {"params": list(matrices), "muon": True, "weight_decay": weight_decay},
            {"params": list(rest), "muon": False, "weight_decay": 0.0},
        ]
        super().__init__(groups, {"lr": lr, "momentum": momentum, "betas": betas})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = closure() if closure else None
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                p.mul_(1 - group["lr"] * group["weight_decay"])
                if group["muon"]:
                    momentum = state.setdefault("momentum", torch.zeros_like(p))
                    momentum.lerp_(p.grad, 1 - group["momentum"])
                    update = orthogonalise(p.grad.lerp(momentum, group["momentum"]))
                    p.add_(update, alpha=-group["lr"] * 0.2 * max(p.shape) ** 0.5)
                else:
                    first = state.setdefault("first", torch.zeros_like(p))
                    second = state.setdefault("second", torch.zeros_like(p))
                    count = state["count"] = state.get("count", 0) + 1
                    b1, b2 = group["betas"]
                    first.lerp_(p.grad, 1 - b1)
                    second.mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
                    denominator = (second / (1 - b2**count)).sqrt_().add_(1e-8)
                    p.addcdiv_(first, denominator, value=-group["lr"] / (1 - b1**count))
        return loss


def muon_for(model: nn.Module, lr: float, weight_decay: float) -> MuonAdamW:
    """Muon on the hidden matrices; embeddings and head (known by their modules), norms and biases on AdamW."""
    ends = [m for m in model.modules() if isinstance(m, nn.Embedding)]
    ends += [m for get in ("get_input_embeddings", "get_output_embeddings") if (m := getattr(model, get, lambda: None)())]
    outer = {id(p) for module in ends for p in module.parameters()}
    trained = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in trained if p.ndim == 2 and id(p) not in outer]
    held = {id(p) for p in matrices}
    return MuonAdamW(matrices, [p for p in trained if id(p) not in held], lr, weight_decay)
