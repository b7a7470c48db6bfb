"""Intervals of scores against references, and against what they promise."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from benchmarks.calibration import CORRELATIONS, SHARES, SIZES, coverage
from kit.core.seeds import stream
from kit.stats.intervals import clustered, clustered_error, over_replicates, weighted, wilson


def singles(n: int) -> list[str]:
    return [str(i) for i in range(n)]


def named(replicates: int, n: int) -> list[list[str]]:
    """Questions of each replicate's own."""
    return [[f"{i} {j}" for j in range(n)] for i in range(replicates)]


@pytest.mark.parametrize(("right", "n"), [(0, 10), (10, 10), (3, 7), (180, 200), (1, 1)])
def test_wilson_agrees_with_scipy(right: int, n: int) -> None:
    reference = stats.binomtest(right, n).proportion_ci(method="wilson")
    found = wilson(right, n)
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=1e-9)


def test_the_mean_of_nothing_raises() -> None:
    for nothing in (lambda: wilson(0, 0), lambda: clustered([], []), lambda: clustered_error([], [])):
        with pytest.raises(ValueError, match="nothing"):
            nothing()


@pytest.mark.parametrize("right", [0, 1, 3, 60, 150])
def test_questions_that_stand_alone_are_as_many_as_they_are(right: int) -> None:
    found = clustered([1] * right + [0] * (200 - right), singles(200))
    expected = wilson(right, 200, df=199)
    assert (found.value, found.low, found.high) == pytest.approx((right / 200, expected.low, expected.high))


def test_one_right_is_no_surer_than_none() -> None:
    """At equal n and design effect an interval is never narrower than that of a more extreme score."""
    for n, shared in product((50, 200), (1, 4)):
        widths = []
        for right in range(0, n // 2 + 1, shared):
            # Whole clusters are right or wrong, so that the design effect is that of the cluster's size.
            found = clustered([1] * right + [0] * (n - right), [str(i // shared) for i in range(n)])
            widths.append(found.high - found.low)
        grown = np.diff(widths)
        assert (grown > -1e-9).all() if shared == 1 else (grown[3:] > -1e-9).all()
    assert clustered([1] + [0] * 199, singles(200)).high > clustered([0] * 200, singles(200)).high


def test_few_answers_that_differ_do_not_undo_the_clusters() -> None:
    labels = [str(i // 5) for i in range(100)]
    for right in (0, 1, 2):
        alone, together = (clustered([1] * right + [0] * (100 - right), own) for own in (singles(100), labels))
        assert together.high > 1.2 * alone.high


def test_shared_clusters_widen_the_interval() -> None:
    x = np.repeat(stream(0, "g").random(20) < 0.5, 10)
    wide, narrow = clustered(x, [str(i // 10) for i in range(200)]), clustered(x, singles(200))
    assert wide.high - wide.low > 2.5 * (narrow.high - narrow.low)


@pytest.mark.parametrize("value", [0.0, 0.1, 0.3, 0.7, 0.9, 1.0])
@pytest.mark.parametrize("n", [7, 50])
def test_what_does_not_vary_is_no_certainty(value: float, n: int) -> None:
    found = clustered([value] * n, singles(n))
    assert found.low <= value <= found.high
    assert found.high - found.low > 0.07


def test_graded_scores_are_surer_than_right_or_wrong() -> None:
    x = stream(0, "graded").beta(8, 8, 200)
    found = clustered(x, singles(200))
    reach = stats.t.ppf(0.975, 199) * x.std(ddof=1) / 200**0.5
    assert (found.high - found.low) / 2 == pytest.approx(reach, rel=0.35)
    assert found.high - found.low < wilson(100, 200).high - wilson(100, 200).low


def test_clustered_errors_agree_with_statsmodels() -> None:
    """Ordinary least squares on a constant with cluster-robust errors: Liang and Zeger's, small-sample corrected alike."""
    rng = stream(0, "statsmodels")
    for groups in (2, 7, 60):
        x = rng.random(200) < 0.4
        labels = rng.integers(groups, size=200)
        reference = sm.OLS(x.astype(float), np.ones(200)).fit(cov_type="cluster", cov_kwds={"groups": labels})
        assert clustered_error(x, [str(label) for label in labels]) == pytest.approx(reference.bse[0], rel=1e-6)


@pytest.mark.parametrize(("correlation", "shared"), [(0.3, 4), (0.6, 3)])
def test_the_design_effect_is_kishs_where_much_varies(correlation: float, shared: int) -> None:
    """Against the spread of simulated means."""
    k = (1 - correlation) / correlation
    rng = stream(0, "kish", shared)
    draws = rng.random((400, 200, shared)) < rng.beta(0.5 * k, 0.5 * k, (400, 200, 1))
    spread = draws.mean(axis=(1, 2)).std()
    labels = [str(i // shared) for i in range(200 * shared)]
    widths = [np.subtract(*clustered(one.ravel(), labels)[2:0:-1]) for one in draws[:40]]
    assert np.mean(widths) / 2 / stats.t.ppf(0.975, 199) == pytest.approx(spread, rel=0.1)


def test_a_weighted_mean_has_the_error_of_a_ratio() -> None:
    """Against draws: prompts of one to three instructions, whose share depends on how many they are."""
    rng = np.random.default_rng(0)
    shares, errors = [], []
    for _ in range(3000):
        of = rng.integers(1, 4, 200)
        right = rng.binomial(of, 0.9 - 0.2 * of)
        values = weighted(right / of, of)
        assert values.mean() == pytest.approx(right.sum() / of.sum(), abs=1e-12)
        shares.append(values.mean())
        errors.append(clustered_error(values, singles(200)))
    assert np.mean(errors) == pytest.approx(np.std(shares), rel=0.05)


def test_over_replicates_is_students_interval_where_they_differ() -> None:
    means = [0.61, 0.3, 0.55, 0.64]
    values = [np.r_[np.ones(round(200 * m)), np.zeros(200 - round(200 * m))] for m in means]
    found = over_replicates(values, named(4, 200), named(4, 200))
    low, high = stats.t.interval(0.95, 3, loc=np.mean(means), scale=stats.sem(means))
    assert (found.value, found.low, found.high, found.n) == pytest.approx((np.mean(means), low, high, 800), abs=1e-9)


def test_replicates_that_agree_leave_an_interval() -> None:
    found = over_replicates([np.zeros(20)] * 3, named(3, 20), named(3, 20))
    assert (found.value, found.low, found.n) == (0.0, 0.0, 60)
    assert found.high == pytest.approx(wilson(0, 60, df=59).high)
    halves = [np.r_[np.ones(10), np.zeros(10)]] * 3
    alike = over_replicates(halves, named(3, 20), named(3, 20))
    assert alike.high - alike.low > 0.2
    same = over_replicates(halves, [singles(20)] * 3, [singles(20)] * 3)
    assert same.n == 20, "three times the same questions are no sixty"
    assert same.high - same.low > 1.5 * (alike.high - alike.low)


def test_samples_of_a_question_are_no_more_questions() -> None:
    values, names = [1.0, 0.0, 1.0, 1.0], ["a", "a", "b", "b"]
    found = over_replicates([values], [names], [names])
    assert (found.value, found.n) == (0.75, 2)


def test_intervals_cover_what_they_promise() -> None:
    """A part of `benchmarks.calibration`'s grid, with fewer draws."""
    found = {at: coverage(*at, 150) for at in product((0.01, 0.05, 0.5, 0.97), (50, 200), (0.0, 0.5))}
    assert 0.93 <= np.mean(list(found.values())) <= 0.985
    assert min(found.values()) >= 0.86, min(found, key=lambda at: found[at])


@pytest.mark.full
def test_intervals_cover_what_they_promise_everywhere() -> None:
    found = {at: coverage(*at, 500) for at in product(SHARES, SIZES, CORRELATIONS)}
    assert 0.94 <= np.mean(list(found.values())) <= 0.97
    assert min(found.values()) >= 0.89, min(found, key=lambda at: found[at])
