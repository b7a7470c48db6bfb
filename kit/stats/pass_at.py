"""pass@k: the chance that one of k samples is right."""

from __future__ import annotations

import math


def pass_at_k(n: int, right: int, k: int) -> float:
    """The unbiased estimate from n samples of which `right` are right: 1 - C(n - right, k) / C(n, k) (Chen et al. 2021,
    arXiv 2107.03374, equation 1), with exact integers.

    Raises ValueError where k is more than n, or the counts are not 0 <= right <= n.

    >>> pass_at_k(4, 1, 2)
    0.5
    """
    if not (0 <= right <= n and 1 <= k <= n):
        raise ValueError(f"pass@{k} of {right} right among {n} samples is undefined")
    return 1.0 - math.comb(n - right, k) / math.comb(n, k)
