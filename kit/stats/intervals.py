"""Scores with their uncertainty: intervals that cover where hardly anything is right as where half of it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

LEVEL = 0.95

PRIOR_CORRELATION = 0.3
"""The correlation within clusters that is assumed where the answers do not show it."""

PRIOR_ANSWERS = 10.0
"""How many answers that differ it weighs as much as."""

PRIOR_SCORES = 2.0
"""The same of p(1 - p), in place of the variance of graded scores that do not show it."""


class Estimate(NamedTuple):
    """A value with its interval and the number of observations behind it."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}] (n={self.n})"


def wilson(right: float, n: float, level: float = LEVEL, df: float = np.inf) -> Estimate:
    """A proportion with Wilson's score interval (Wilson 1927), by the normal quantile or, with `df`, by Student's.

    Raises ValueError for n = 0.

    >>> str(wilson(8, 10))
    '0.80 [0.49, 0.94] (n=10)'
    """
    if n <= 0:
        raise ValueError("the mean of nothing is undefined")
    z = quantile(level, df)
    share = right / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return Estimate(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)), round(n))


def quantile(level: float, df: float = np.inf) -> float:
    """How many standard errors an interval reaches to either side: normal, or Student's with `df` degrees of freedom."""
    return float(special.ndtri(0.5 + level / 2) if np.isinf(df) else special.stdtrit(df, 0.5 + level / 2))


class Clusters(NamedTuple):
    """Which observations belong together. of_each: shape (n,), the number of each one's cluster; sizes: shape (G,)."""

    of_each: NDArray[np.intp]
    sizes: NDArray[np.int64]

    @staticmethod
    def of(labels: Sequence[str]) -> Clusters:
        """From one label an observation."""
        _, index, sizes = np.unique(np.asarray(labels, dtype=str), return_inverse=True, return_counts=True)
        return Clusters(index, sizes)

    def design_effect(self, residuals: NDArray[np.float64], differing: float) -> float:
        """How many times as large as of independent observations the variance of their mean is (Kish 1965): 1 + (m - 1)·r,
        with m the size of the cluster that a random observation is in, and r the correlation within clusters.

        residuals: shape (n,), observations less their mean. differing: how many of them differ from most. The correlation is
        shrunk towards PRIOR_CORRELATION while those are few: where none differs nothing is known of it.
        """
        size = float((self.sizes**2).sum() / self.sizes.sum())
        if size <= 1.0:
            return 1.0
        squares = float(np.sum(residuals**2))
        pairs = float((self.sizes * (self.sizes - 1)).sum())
        products = float(np.sum(np.bincount(self.of_each, weights=residuals) ** 2)) - squares
        seen = products / pairs / (squares / len(residuals)) if squares > _ROUNDING else 0.0
        weight = differing / (differing + PRIOR_ANSWERS) if squares > _ROUNDING else 0.0
        correlation = weight * seen + (1 - weight) * PRIOR_CORRELATION
        return 1.0 + (size - 1.0) * min(1.0, max(0.0, correlation))


_ROUNDING = 1e-12
"""What does not vary may still leave the rounding of its mean."""


def differing(values: NDArray[np.float64]) -> float:
    """How many observations differ from the commonest one."""
    return float(len(values) - np.unique(np.round(values, 9), return_counts=True)[1].max())


def clustered_error(values: ArrayLike, clusters: Sequence[str]) -> float:
    """The standard error of a mean whose observations share clusters (Liang & Zeger 1986, with the G/(G-1) correction); nan
    for a single cluster. Raises ValueError for n = 0."""
    x = np.asarray(values, dtype=float)
    if not x.size:
        raise ValueError("the mean of nothing is undefined")
    groups = Clusters.of(clusters)
    count = len(groups.sizes)
    if count < 2:
        return float("nan")
    sums = np.bincount(groups.of_each, weights=x - x.mean(), minlength=count)
    return float(np.sqrt(count / (count - 1) * np.sum(sums**2))) / x.size


def clustered(values: ArrayLike, clusters: Sequence[str], level: float = LEVEL) -> Estimate:
    """A mean of scores from 0 to 1 whose interval allows for questions that share a cluster.

    values: shape (n,). clusters: n labels. Wilson's interval on the effective number of questions, n over the design effect (as
    Korn & Graubard 1998 do with the exact interval), by Student's quantile with G - 1 degrees of freedom for G clusters. Of
    graded scores the variance takes the place of p(1 - p), shrunk towards it as the correlation is. Raises ValueError for n = 0.
    """
    x = np.asarray(values, dtype=float)
    if not x.size:
        raise ValueError("the mean of nothing is undefined")
    groups, mean = Clusters.of(clusters), float(x.mean())
    apart = differing(x)
    effect = groups.design_effect(x - mean, apart)
    if (binary := mean * (1 - mean)) > _ROUNDING:
        weight = apart / (apart + PRIOR_SCORES)
        effect *= weight * float(x.var()) / binary + (1 - weight)
    df = max(1, len(groups.sizes) - 1)
    n = x.size / max(effect, _ROUNDING)
    share = min(1.0, max(0.0, mean))
    found = wilson(share * n, n, level, df)
    return Estimate(mean, min(mean, found.low), max(mean, found.high), x.size)


def weighted(values: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """Values whose plain mean is the weighted mean of `values`, and whose spread is that of it: the linearised ratio estimate
    (Cochran 1977, section 6.5), for `clustered` and `kit.stats.contrasts`. Both: shape (n,). Raises ValueError for n = 0."""
    x, w = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    if not x.size:
        raise ValueError("the mean of nothing is undefined")
    mean = float(np.average(x, weights=w))
    return w / w.mean() * (x - mean) + mean


def over_replicates(
    values: Sequence[ArrayLike], clusters: Sequence[Sequence[str]], questions: Sequence[Sequence[str]], level: float = LEVEL
) -> Estimate:
    """A score over replicates of an experiment: the mean of their means.

    values, clusters: a list a replicate, as for `clustered`. questions: what was asked, by name; replicates that were asked the
    same are no more questions, and of several samples of one the mean counts. One replicate: that of its questions. More: the
    wider, at either end, of Student's interval on the replicates' means and of the interval that all questions leave were the
    replicates alike; replicates that agree to the last question are no proof that all others would. Cut to [0, 1].
    """
    scores = [np.asarray(v, dtype=float) for v in values]
    means = np.array([v.mean() for v in scores])
    label = {name: c for own, names in zip(clusters, questions, strict=True) for name, c in zip(names, own, strict=True)}
    names, of_each = np.unique([name for own in questions for name in own], return_inverse=True)
    together = np.bincount(of_each, weights=np.concatenate(scores)) / np.bincount(of_each)
    found = clustered(together, [label[str(name)] for name in names], level)
    if len(means) == 1:
        return found._replace(value=float(means[0]))
    mean = float(means.mean())
    reach = quantile(level, len(means) - 1) * float(means.std(ddof=1)) / len(means) ** 0.5
    return Estimate(mean, max(0.0, min(found.low, mean - reach)), min(1.0, max(found.high, mean + reach)), found.n)
