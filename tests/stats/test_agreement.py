"""Cohen's kappa against a table worked out by hand."""

from __future__ import annotations

import doctest

import pytest

from kit.stats import agreement
from kit.stats.agreement import kappa


def test_kappa_by_hand() -> None:
    """Cohen's own kind of table: 20 both yes, 15 both no, 5 and 10 apart: (0.7 - 0.5) / (1 - 0.5)."""
    a = ["yes"] * 25 + ["no"] * 25
    b = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    names = [str(i) for i in range(50)]
    found = kappa(a, b, names)
    assert found
    assert found.value == pytest.approx(0.4)
    assert found.low < 0.4 < found.high
    reach = 1.96 * (0.7 * 0.3 / 50) ** 0.5 / 0.5
    assert found.high - found.low == pytest.approx(2 * reach, rel=0.05)
    assert kappa(["a"] * 3, ["a"] * 3, list("xyz")) is None
    opposite = kappa(["a", "b"], ["b", "a"], list("xy"))
    assert opposite
    assert opposite.value == -1.0
    with pytest.raises(ValueError, match="mean of nothing"):
        kappa([], [], [])


def test_the_example() -> None:
    assert doctest.testmod(agreement) == (0, 1)
