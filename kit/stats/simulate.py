"""Experiments drawn from known truths: what tests of statistics, and plans of experiments, are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from kit.stats.contrasts import Cells

Array = NDArray[np.float64]

CORRELATION = 0.3
"""Of answers to questions of one cluster."""

SPREAD = 0.1
"""By how much replicates of a cell differ, in logits (standard deviation)."""


def cluster_labels(rng: np.random.Generator, n: int, largest: int = 6) -> NDArray[np.intp]:
    """Questions in clusters of 1 to `largest`, each size as likely; shape (n,)."""
    sizes = rng.integers(1, largest + 1, size=n)
    return np.repeat(np.arange(n), sizes)[:n]


def beta(mean: Array, spread: Array, uniform: Array) -> Array:
    """Quantiles of the beta distribution with a mean and a standard deviation (0: the mean itself); all broadcast."""
    variance = np.maximum(spread**2, 1e-12)
    size = mean * (1 - mean) / variance - 1
    drawn = special.betaincinv(np.maximum(mean * size, 1e-9), np.maximum((1 - mean) * size, 1e-9), uniform)
    return np.asarray(np.where(spread > 1e-6, drawn, mean))


def draw_cells(
    rng: np.random.Generator,
    means: Sequence[float],
    labels: NDArray[np.intp],
    *,
    spread: float = SPREAD,
    correlation: float = CORRELATION,
    pairing: float = 0.5,
) -> Cells:
    """One replicate: right and wrong answers to the same questions in cells whose scores are `means`, exactly, in the mean over
    replicates.

    spread: of a cell's own rate, in logits. correlation: of answers in a cluster. pairing: how far cells find the same questions,
    and the same clusters, hard (0 to 1, by a Gaussian copula).
    """
    p = np.asarray(means, dtype=float)[:, None]
    rate = beta(p, spread * p * (1 - p), rng.random(p.shape))
    groups = int(labels.max()) + 1
    shared = pairing**0.5

    def latent(size: int) -> Array:
        common, own = rng.standard_normal((1, size)), rng.standard_normal((len(p), size))
        return np.asarray(special.ndtr(shared * common + (1 - pairing) ** 0.5 * own))

    rates = beta(rate, np.sqrt(correlation * rate * (1 - rate)), latent(groups))
    answers = latent(len(labels)) < rates[:, labels]
    return Cells(answers.astype(float), tuple(map(str, labels.tolist())))


def draw_curves(
    rng: np.random.Generator,
    truth: ArrayLike,
    n: ArrayLike,
    replicates: int,
    draws: int,
    spread: float = SPREAD,
    shared: bool = False,
) -> tuple[Array, Array]:
    """Right answers, and all, of many experiments that follow a curve; both of shape (draws, replicates, k).

    truth, n: shape (k,), the score at every count and the questions asked there. spread: of replicates around it, in logits, at
    every count by itself, or `shared` by a replicate's counts.
    """
    p = np.clip(np.asarray(truth, dtype=float), 1e-9, 1 - 1e-9)
    shape = (draws, replicates, 1 if shared else p.size)
    rates = special.expit(special.logit(p) + spread * rng.standard_normal(shape))
    asked = np.broadcast_to(np.asarray(n), (draws, replicates, p.size))
    return rng.binomial(asked, rates).astype(float), asked.astype(float)
