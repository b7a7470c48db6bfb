"""What accelerators can do, by their vendors' data sheets."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Device:
    """memory: bytes; flops: dense bf16 operations a second; bandwidth: bytes a second."""

    memory: float
    flops: float
    bandwidth: float


DEVICES = {
    "a100": Device(80e9, 312e12, 2.039e12),
    "h100": Device(80e9, 989e12, 3.35e12),
    "h200": Device(141e9, 989e12, 4.8e12),
    "l40s": Device(48e9, 362e12, 0.864e12),
    "rtx4090": Device(24e9, 165e12, 1.008e12),
}
"""NVIDIA's, without sparsity; of several forms the SXM one."""


def device_named(told: str) -> Device | None:
    """What a driver's name means, as `NVIDIA H100 80GB HBM3` or `NVIDIA GeForce RTX 4090`; None where it is none of those, a form
    that does less, or a part of one.

    >>> device_named("NVIDIA A100-SXM4-80GB") is DEVICES["a100"]
    True
    """
    words = re.findall(r"[a-z0-9]+", told.lower())
    if {"pcie", "mig", "nvl"} & {*words}:
        return None
    names = {*words, *map("".join, itertools.pairwise(words))}
    return next((device for key, device in DEVICES.items() if key in names), None)


def operations(parameters: int, trained: int) -> int:
    """Of training on one token: 6 a parameter, 4 where most are frozen, whose gradients nobody asks for (Kaplan et al., arXiv
    2001.08361, section 2.1)."""
    return (6 if trained > parameters / 2 else 4) * parameters
