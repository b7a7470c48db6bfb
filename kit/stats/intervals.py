"""Scores with their uncertainty. The mean of nothing raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

LEVEL = 0.95


class Estimate(NamedTuple):
    """A value with its interval and the number of observations behind it."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}] (n={self.n})"


def wilson(right: int, n: int, level: float = LEVEL) -> Estimate:
    """A proportion with Wilson's score interval (Wilson 1927). Raises ValueError for n = 0.

    >>> str(wilson(8, 10))
    '0.80 [0.49, 0.94] (n=10)'
    """
    if n <= 0:
        raise ValueError("the mean of nothing is undefined")
    z = float(special.ndtri(0.5 + level / 2))
    share = right / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return Estimate(share, max(0.0, centre - half), min(1.0, centre + half), n)


def clustered_error(values: ArrayLike, clusters: Sequence[str]) -> float:
    """The standard error of a mean whose observations share clusters (Liang & Zeger 1986, with the G/(G-1) correction); nan
    for a single cluster. Raises ValueError for n = 0."""
    x = np.asarray(values, dtype=float)
    if not x.size:
        raise ValueError("the mean of nothing is undefined")
    labels, index = np.unique(np.asarray(clusters), return_inverse=True)
    groups = len(labels)
    if groups < 2:
        return float("nan")
    sums = np.bincount(index, weights=x - x.mean(), minlength=groups)
    return float(np.sqrt(groups / (groups - 1) * np.sum(sums**2))) / x.size


def clustered(values: ArrayLike, clusters: Sequence[str], level: float = LEVEL) -> Estimate:
    """A mean whose interval allows for questions that share a cluster.

    values: shape (n,). clusters: n labels. The interval uses t with G - 1 degrees of freedom and is cut to [0, 1]; where
    no cluster varies (all right or all wrong) it is Wilson's on the number of clusters. Raises ValueError for n = 0.
    """
    error = clustered_error(values, clusters)
    x, groups = np.asarray(values, dtype=float), len(set(clusters))
    mean = float(x.mean())
    # What does not vary may still leave the rounding of its mean.
    if not error > 1e-12:
        flat = wilson(round(mean * groups), groups, level)
        return Estimate(mean, min(flat.low, mean), max(flat.high, mean), x.size)
    reach = float(special.stdtrit(groups - 1, 0.5 + level / 2)) * error
    return Estimate(mean, max(0.0, mean - reach), min(1.0, mean + reach), x.size)


def weighted(values: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """Values whose plain mean is the weighted mean of `values`, and whose spread is that of it: the linearised ratio estimate
    (Cochran 1977, section 6.5), for `clustered` and `paired_difference`. Both: shape (n,). Raises ValueError for n = 0."""
    x, w = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    if not x.size:
        raise ValueError("the mean of nothing is undefined")
    mean = float(np.average(x, weights=w))
    return w / w.mean() * (x - mean) + mean


def over_seeds(means: Sequence[float], n: int, level: float = LEVEL) -> Estimate:
    """A mean of seed means with a t interval on them. Raises ValueError for fewer than two seeds."""
    if len(means) < 2:
        raise ValueError("an interval over seeds needs at least two of them")
    x = np.asarray(means)
    reach = float(special.stdtrit(len(x) - 1, 0.5 + level / 2)) * float(x.std(ddof=1)) / len(x) ** 0.5
    return Estimate(float(x.mean()), float(x.mean()) - reach, float(x.mean()) + reach, n)


def hierarchical(values: Sequence[ArrayLike], draws: int = 4000, level: float = LEVEL) -> Estimate:
    """A mean over many seeds with a bootstrap interval: seeds are drawn again, each with all of its questions. values: for each
    seed its scores, shape (n_s,); every seed counts alike.

    Questions are not drawn again within a seed: what they add to the spread is in the seeds' means already, and would count
    twice (Davison & Hinkley 1997, section 3.8; by simulation intervals then cover 98.6 % where 95 is promised).

    Raises ValueError for fewer than two seeds, or one without scores.
    """
    if len(values) < 2:
        raise ValueError("an interval over seeds needs at least two of them")
    scores = [np.asarray(own, dtype=np.float64) for own in values]
    if not all(own.size for own in scores):
        raise ValueError("the mean of nothing is undefined")
    means = np.asarray([own.mean() for own in scores], dtype=np.float64)
    drawn = resampled_means(means[None, :], [str(i) for i in range(len(means))], draws, 2)[0]
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(float(means.mean()), float(low), float(high), sum(own.size for own in scores))


def resampled_means(values: NDArray[np.float64], clusters: Sequence[str], draws: int, seed: int) -> NDArray[np.float64]:
    """Means of `draws` cluster bootstrap samples. values: shape (k, n), k quantities on the same questions; result (k, draws)."""
    from kit.core.seeds import stream

    labels, index = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.stack([np.bincount(index, weights=row, minlength=len(labels)) for row in values])
    sizes = np.bincount(index, minlength=len(labels)).astype(float)
    picks = stream(seed, "bootstrap").integers(len(labels), size=(draws, len(labels)))
    totals = np.stack([row[picks].sum(axis=1) for row in sums])
    return np.asarray(totals / sizes[picks].sum(axis=1))
