"""Two arms on the same questions: difference, McNemar's test, and integration as a share of the oracle's gain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kit.stats.intervals import LEVEL, Estimate, clustered, resampled_means, wilson

DRAWS = 4000
ORACLE_FLOOR = 0.2
"""A ratio to an oracle whose lower bound is under this is withheld: its denominator is noise."""


def paired_difference(a: ArrayLike, b: ArrayLike, clusters: Sequence[str], level: float = LEVEL) -> Estimate:
    """Mean of a - b with a paired, cluster-bootstrapped percentile interval. a, b: shape (n,), same questions, same order.

    Where no pair differs from the others, or all share a cluster, there is nothing to resample: as many of the clusters as
    Wilson's interval for none allows may yet differ, in either direction.
    """
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if x.shape != y.shape or not x.size:
        raise ValueError("paired arrays must be non-empty and of one length")
    mean = float((x - y).mean())
    groups = len(set(clusters))
    # What does not vary may still leave the rounding of a weighted mean.
    if not np.ptp(x - y) > 1e-12 or groups < 2:
        reach = wilson(0, groups, level).high
        return Estimate(mean, max(-1.0, mean - reach), min(1.0, mean + reach), x.size)
    means = resampled_means((x - y)[None, :], clusters, DRAWS, 0)[0]
    low, high = np.quantile(means, [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(mean, float(low), float(high), x.size)


def mcnemar(a: ArrayLike, b: ArrayLike) -> float:
    """Two-sided exact p-value that two arms are equally often right where they differ (McNemar 1947, binomial)."""
    x, y = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    only_a, only_b = int((x & ~y).sum()), int((~x & y).sum())
    if only_a + only_b == 0:
        return 1.0
    # Half a second, for what most commands do not use.
    from scipy import stats

    return float(stats.binomtest(only_a, only_a + only_b).pvalue)


class Ratio(NamedTuple):
    """Either an estimate, or the reason why there is none."""

    estimate: Estimate | None
    withheld: str


def oracle_ratio(injected: ArrayLike, none: ArrayLike, oracle: ArrayLike, clusters: Sequence[str]) -> Ratio:
    """(injected - none) / (oracle - none), bootstrapped as a ratio over clusters of the same questions.

    Withheld, with the reason, when the oracle's lower bound is under ORACLE_FLOOR or not above the no-injection arm.
    """
    i, z, o = (np.asarray(v, dtype=float) for v in (injected, none, oracle))
    bound = clustered(o, clusters)
    if len(set(clusters)) < 2:
        return Ratio(None, "all questions share a cluster")
    if bound.low < ORACLE_FLOOR:
        return Ratio(None, f"the oracle itself scores only {bound}")
    ci, cz, co = resampled_means(np.stack([i, z, o]), clusters, DRAWS, 1)
    if np.quantile(co - cz, 0.025) <= 0 or o.mean() <= z.mean():
        return Ratio(None, "the oracle is not better than no injection")
    low, high = np.quantile((ci - cz) / (co - cz), [0.025, 0.975])
    value = float((i.mean() - z.mean()) / (o.mean() - z.mean()))
    return Ratio(Estimate(value, float(low), float(high), i.size), "")
