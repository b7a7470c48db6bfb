"""How far two raters agree, and how much of that is more than chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kit.stats.intervals import LEVEL, Estimate, clustered


def kappa(a: Sequence[str], b: Sequence[str], clusters: Sequence[str], level: float = LEVEL) -> Estimate | None:
    """Cohen's kappa of two raters' labels for the same n things: (agreement - chance) / (1 - chance), chance being how often
    they would agree if each drew labels by its own shares.

    The interval is that of the agreement (see `clustered`), carried over with chance held fixed, as in Cohen (1960, equation 7).
    None where chance alone agrees always. Raises ValueError for n = 0.

    >>> str(kappa(["a", "a", "b", "b"], ["a", "a", "b", "a"], list("wxyz")))
    '0.50 [-0.67, 0.96] (n=4)'
    """
    agreement = clustered([x == y for x, y in zip(a, b, strict=True)], clusters, level)
    shares, n = Counter(b), len(a)
    together = sum(count * shares[label] for label, count in Counter(a).items())
    if together == n * n:
        return None
    chance = together / (n * n)
    value, low, high = ((share - chance) / (1 - chance) for share in agreement[:3])
    return Estimate(value, max(-1.0, low), high, n)
