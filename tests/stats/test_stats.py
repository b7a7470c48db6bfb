"""Intervals, paired tests and laws against references and simulations."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from kit.stats.paired import mcnemar, oracle_ratio, paired_difference
from scipy import stats

from kit.core.seeds import stream
from kit.stats.intervals import clustered, clustered_error, hierarchical, over_seeds, weighted, wilson
from kit.stats.laws import FORMS, fit_laws


@pytest.mark.parametrize(("right", "n"), [(0, 10), (10, 10), (3, 7), (180, 200), (1, 1)])
def test_wilson_agrees_with_scipy(right: int, n: int) -> None:
    reference = stats.binomtest(right, n).proportion_ci(method="wilson")
    found = wilson(right, n)
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=1e-9)


def test_the_mean_of_nothing_raises() -> None:
    with pytest.raises(ValueError, match="nothing"):
        wilson(0, 0)
    with pytest.raises(ValueError, match="nothing"):
        clustered([], [])
    with pytest.raises(ValueError, match="two"):
        over_seeds([0.5], 10)


def test_over_seeds_is_the_t_interval_of_their_means() -> None:
    means = [0.61, 0.7, 0.55, 0.64]
    low, high = stats.t.interval(0.95, 3, loc=np.mean(means), scale=stats.sem(means))
    found = over_seeds(means, 800)
    assert (found.value, found.low, found.high, found.n) == (
        pytest.approx(np.mean(means)),
        pytest.approx(low),
        pytest.approx(high),
        800,
    )


def test_singleton_clusters_give_the_ordinary_standard_error() -> None:
    x = stream(0, "x").random(200) < 0.3
    found = clustered(x, [str(i) for i in range(200)])
    error = x.std(ddof=1) / 200**0.5
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 199) * error, rel=1e-9)


def test_shared_clusters_widen_the_interval() -> None:
    group = stream(0, "g").random(20) < 0.5
    x = np.repeat(group, 10)
    labels = [str(i // 10) for i in range(200)]
    wide, narrow = clustered(x, labels), clustered(x, [str(i) for i in range(200)])
    assert wide.high - wide.low > 2.5 * (narrow.high - narrow.low)


def test_all_right_is_not_certainty() -> None:
    found = clustered(np.ones(50), [str(i) for i in range(50)])
    assert found.value == found.high == 1.0
    assert 0.85 < found.low < 1.0


@pytest.mark.parametrize("value", [0.1, 0.3, 0.7, 0.9])
@pytest.mark.parametrize("n", [7, 50])
def test_what_does_not_vary_is_no_certainty_either(value: float, n: int) -> None:
    found = clustered([value] * n, [str(i) for i in range(n)])
    assert found.high - found.low > 0.1


def test_clustered_errors_agree_with_statsmodels() -> None:
    """Ordinary least squares on a constant with cluster-robust errors: Liang and Zeger's, small-sample corrected alike."""
    rng = stream(0, "statsmodels")
    for groups in (2, 7, 60):
        x = rng.random(200) < 0.4
        labels = rng.integers(groups, size=200)
        reference = sm.OLS(x.astype(float), np.ones(200)).fit(cov_type="cluster", cov_kwds={"groups": labels})
        found = clustered(x, [str(label) for label in labels])
        reach = stats.t.ppf(0.975, len(set(labels.tolist())) - 1) * reference.bse[0]
        assert found.value == pytest.approx(reference.params[0], abs=1e-9)
        assert (found.low, found.high) == pytest.approx((max(0, found.value - reach), min(1, found.value + reach)), abs=1e-9)


def test_intervals_cover_what_they_promise() -> None:
    """Questions in clusters of five whose difficulty differs; and 24 seeds that differ, of 50 questions each."""
    trials, one, many = 2000, 0, 0
    for trial in range(trials):
        rng = stream(trial, "coverage")
        share = np.clip(rng.normal(0.5, 0.15, size=40), 0, 1)
        found = clustered((rng.random((40, 5)) < share[:, None]).ravel(), [str(i // 5) for i in range(200)])
        one += found.low <= 0.5 <= found.high
    assert 0.93 <= one / trials <= 0.97
    for trial in range(trials):
        rng = stream(trial, "coverage of seeds")
        seeds = np.clip(rng.normal(0.5, 0.1, size=24), 0, 1)
        scores = [rng.random(50) < share for share in seeds]
        found = hierarchical(scores, draws=400)
        many += found.low <= 0.5 <= found.high
    assert 0.93 <= many / trials <= 0.97


def test_paired_difference_and_mcnemar() -> None:
    rng = stream(0, "pairs")
    b = rng.random(300) < 0.4
    a = b | (rng.random(300) < 0.2)
    found = paired_difference(a, b, [str(i) for i in range(300)])
    assert found.value == pytest.approx(a.mean() - b.mean())
    assert 0 < found.low < found.value < found.high
    assert mcnemar(a, b) == pytest.approx(stats.binomtest(int((a & ~b).sum()), int((a ^ b).sum())).pvalue)
    assert mcnemar(a, a) == 1.0


def test_oracle_ratio_is_withheld_with_a_reason() -> None:
    labels = [str(i) for i in range(100)]
    none, injected = np.zeros(100), np.r_[np.ones(40), np.zeros(60)]
    weak = np.r_[np.ones(15), np.zeros(85)]
    assert oracle_ratio(injected, none, weak, labels).estimate is None
    assert "oracle" in oracle_ratio(injected, none, weak, labels).withheld
    strong = np.r_[np.ones(80), np.zeros(20)]
    found = oracle_ratio(injected, none, strong, labels).estimate
    assert found is not None
    assert found.value == pytest.approx(0.5)
    assert found.low < 0.5 < found.high
    assert oracle_ratio(injected, strong, strong, labels).estimate is None


COUNTS = [10, 30, 100, 300, 1000, 3000, 10000]


@pytest.mark.parametrize(
    ("form", "truth"),
    [
        ("power", lambda d: 0.1 * d**0.22),
        ("saturating power", lambda d: 0.92 - 0.85 * d**-0.5),
        ("log-linear", lambda d: 0.05 + 0.2 * np.log10(d)),
        ("Hill", lambda d: 0.02 + 0.9 * d / (d + 100)),
    ],
)
def test_the_true_form_wins_on_exact_data(form: str, truth: object) -> None:
    d = np.array(COUNTS, dtype=float)
    n = np.full(len(d), 100_000)
    fits, reasons = fit_laws(d, truth(d) * n, n)  # type: ignore[operator]
    assert not reasons
    assert len(fits) == len(FORMS)
    assert fits[0].form == form
    assert fits[0].predict(COUNTS) == pytest.approx(truth(d).tolist(), abs=2e-3)  # type: ignore[operator]
    assert sum(f.aicc_weight for f in fits) == pytest.approx(1)


def test_too_few_counts_fit_nothing_and_say_why() -> None:
    fits, reasons = fit_laws([0, 10, 100], [1, 40, 80], [100, 100, 100])
    assert not fits
    assert set(reasons) == set(FORMS)
    assert all("too few" in reason for reason in reasons.values())


def test_a_planted_exponent_is_recovered_in_the_median() -> None:
    found = []
    for trial in range(60):
        rng = stream(trial, "planted")
        d = np.geomspace(10, 10_000, 10)
        right = rng.binomial(1200, 1 - (0.08 + 0.85 * d**-0.5))
        fits, _ = fit_laws(d, right, np.full(10, 1200))
        found.append(next(f.shape for f in fits if f.form == "saturating power"))
    assert np.median(found) == pytest.approx(0.5, rel=0.05)


def test_pairs_that_never_differ_leave_an_interval() -> None:
    found = paired_difference(np.zeros(40), np.zeros(40), [str(i // 2) for i in range(40)])
    assert found.value == 0.0
    assert found.high == -found.low == pytest.approx(wilson(0, 20).high)
    assert paired_difference(np.ones(40), np.zeros(40), [str(i) for i in range(40)]).high == 1.0
    rounded = paired_difference(weighted(np.full(4, 1 / 3), [1, 2, 3, 1]), np.zeros(4), ["a", "b", "c", "d"])
    assert rounded.high - rounded.low > 0.2


def test_pairs_of_one_cluster_leave_an_interval() -> None:
    found = paired_difference([1, 0, 1], [0, 0, 0], ["a"] * 3)
    assert found.low < 0.3 < found.value < found.high
    assert oracle_ratio([1, 0, 1], [0, 0, 0], [1, 1, 1], ["a"] * 3).estimate is None


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
        errors.append(clustered_error(values, [str(i) for i in range(200)]))
    assert np.mean(errors) == pytest.approx(np.std(shares), rel=0.05)
