"""pass@k against exact fractions over all ways to draw k of n samples."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest

from kit.stats.pass_at import pass_at_k


@pytest.mark.parametrize("n", range(1, 9))
def test_equal_to_counting_every_draw(n: int) -> None:
    for right in range(n + 1):
        for k in range(1, n + 1):
            draws = list(combinations(range(n), k))
            exact = Fraction(sum(min(draw) < right for draw in draws), len(draws))
            assert pass_at_k(n, right, k) == pytest.approx(float(exact), abs=1e-12)


def test_large_counts_stay_exact() -> None:
    assert pass_at_k(10_000, 1, 100) == pytest.approx(0.01, abs=1e-9)
    assert pass_at_k(200, 0, 100) == 0.0
    assert pass_at_k(200, 101, 100) == 1.0


@pytest.mark.parametrize(("n", "right", "k"), [(0, 0, 1), (3, 4, 1), (3, -1, 1), (3, 1, 4), (3, 1, 0)])
def test_what_is_undefined_raises(n: int, right: int, k: int) -> None:
    with pytest.raises(ValueError, match="undefined"):
        pass_at_k(n, right, k)
