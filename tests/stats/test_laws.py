"""Laws: fits against a search of everything, tests against what they may err."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.calibration import DEMO, PLANTED, curves, fits, global_search, own_truth, rejected
from kit.core.seeds import stream
from kit.stats.goodness import dispersion, fit_laws, rejections
from kit.stats.laws import FORMS, maximise
from kit.stats.power import telling_apart
from kit.stats.simulate import draw_curves

COUNTS = np.array([10, 30, 100, 300, 1000, 3000, 10000], dtype=float)
TRUTHS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "power": lambda d: 0.1 * d**0.22,
    "saturating power": lambda d: 0.92 - 0.85 * d**-0.5,
    "log-linear": lambda d: 0.05 + 0.2 * np.log10(d),
    "Hill": lambda d: 0.02 + 0.9 * d / (d + 100),
}
COEFFICIENTS = {
    "power": {"a": 0.1, "s": 0.22},
    "saturating power": {"P∞": 0.92, "c": 0.85, "α": 0.5},
    "log-linear": {"u": 0.05, "v": 0.2},
    "Hill": {"P0": 0.02, "r": 0.9, "D½": 100},
}


@pytest.mark.parametrize("form", FORMS)
def test_the_true_coefficients_are_found_on_exact_data(form: str) -> None:
    n = np.full((1, 7), 1e6)
    found = fit_laws(COUNTS, TRUTHS[form](COUNTS) * n, n).fit(form)
    assert found is not None
    assert found.coefficients == pytest.approx(COEFFICIENTS[form], rel=1e-3, abs=1e-4)
    assert found.predict(COUNTS.tolist()) == pytest.approx(TRUTHS[form](COUNTS).tolist(), abs=1e-4)
    assert found.p is None, "one replicate tests nothing"


@pytest.mark.parametrize("right", PLANTED)
@pytest.mark.parametrize("form", FORMS)
def test_hard_curves_are_fitted_as_well_as_a_search_of_everything_does(form: str, right: tuple[int, ...]) -> None:
    answers, n = np.array(right, dtype=float), np.full(7, 200.0)
    ours = float(maximise(FORMS[form], COUNTS, answers, n).log_likelihood[0])
    assert ours >= global_search(FORMS[form], COUNTS, answers, n) - 1e-6


def test_the_best_power_law_of_a_saturating_curve_is_not_that_of_one_start() -> None:
    found = maximise(FORMS["power"], COUNTS, np.array(PLANTED[0]), np.full(7, 200))
    assert float(found.log_likelihood[0]) == pytest.approx(-724.78, abs=0.01)


@pytest.mark.full
def test_random_curves_are_fitted_as_well_as_a_search_of_everything_does() -> None:
    assert fits(50) < 0.05


def test_many_at_once_are_fitted_as_each_by_itself() -> None:
    rng = stream(0, "many")
    right = rng.binomial(200, np.sort(rng.random((5, 7)), axis=1)).astype(float)
    n = np.full((5, 7), 200.0)
    for form in FORMS.values():
        together = maximise(form, COUNTS, right, n).log_likelihood
        alone = [float(maximise(form, COUNTS, r, n[0]).log_likelihood[0]) for r in right]
        assert together == pytest.approx(alone, abs=1e-6)


def test_dispersion_is_one_where_questions_alone_differ() -> None:
    right, n = draw_curves(stream(0, "dispersion"), TRUTHS["Hill"](COUNTS), np.full(7, 200), 3, 800, 0.0)
    found = dispersion(right, n)
    assert float(found.ratio.mean()) == pytest.approx(1.0, abs=0.04)
    nothing = dispersion(np.zeros((1, 3, 7)), np.full((1, 3, 7), 200.0))
    assert nothing.df[0] == 0
    wider = dispersion(*draw_curves(stream(0, "dispersion"), TRUTHS["Hill"](COUNTS), np.full(7, 1000), 3, 200, 0.3))
    assert float(wider.ratio.mean()) > 4


@pytest.mark.parametrize("spread", [0.0, 0.1])
def test_a_true_form_is_seldom_rejected(spread: float) -> None:
    """A part of `benchmarks.calibration`: three of the paper's curves, each form under the truth of its own that is nearest."""
    for name, d, n, curve in list(curves())[::6]:
        for form in (f for f in FORMS.values() if d.size > f.parameters):
            share = float(rejected(own_truth(form, d, curve), d, n, spread, 200, [form], name, form.name)[form.name].mean())
            assert share <= 0.11, (name, form.name)


@pytest.mark.full
@pytest.mark.parametrize("spread", [0.0, 0.1])
def test_the_papers_laws_are_seldom_rejected(spread: float) -> None:
    for name, d, n, curve in curves():
        assert float(rejected(curve, d, n, spread, 1500, [FORMS["power"]], name)["power"].mean()) <= 0.068, name


def test_a_power_law_is_rejected_under_the_demos_curve() -> None:
    counts, n, hill = DEMO
    d = np.array(counts, dtype=float)
    for spread in (0.0, 0.1):
        found = rejected(hill(d), d, n, spread, 150, [FORMS["power"], FORMS["Hill"]], "demo")
        assert found["power"].mean() >= 0.9
        assert found["Hill"].mean() <= 0.12


def test_a_shape_that_is_not_told_has_an_unbounded_interval() -> None:
    flat = np.array([[100, 101, 99, 102, 100]] * 3) + np.array([[-3], [0], [3]])
    found = fit_laws([10, 30, 100, 300, 1000], flat, np.full((3, 5), 200)).fit("power")
    assert found is not None
    assert found.interval is not None
    assert found.interval[0] == 0.0, "s reaches 0: b is unbounded"


def test_the_intervals_of_a_power_law_hold_it() -> None:
    held = scale = 0
    for i in range(16):
        right, n = draw_curves(stream(i, "profile"), TRUTHS["power"](COUNTS[:6]), np.full(6, 400), 3, 1, 0.1)
        found = fit_laws(COUNTS[:6], right[0], n[0]).fit("power")
        assert found is not None
        assert found.interval is not None
        assert found.scale is not None
        held += found.interval[0] <= 0.22 <= found.interval[1]
        truth = TRUTHS["power"](COUNTS[:1])[0] / COUNTS[0] ** 0.22
        scale += found.scale[0] <= truth <= found.scale[1]
        assert found.scale[0] <= found.coefficients["a"] <= found.scale[1]
    assert held >= 13
    assert scale >= 13


def test_too_few_counts_are_told_and_zero_is_refused() -> None:
    three = fit_laws([10, 100, 1000], [[1, 40, 80]] * 3, [[100] * 3] * 3)
    assert {f.form for f in three.fits} == {"power", "log-linear"}
    assert all("none to spare" in why for why in three.untested.values())
    for counts in ([0, 10, 100], [10, 10, 100], [100, 10, 1]):
        with pytest.raises(ValueError, match="ascending counts above 0"):
            fit_laws(counts, [[1, 40, 80]], [[100] * 3])


def test_forms_that_do_not_vary_are_rejected_or_not_but_never_undefined() -> None:
    for right in (np.zeros((1, 3, 5)), np.full((1, 3, 5), 200.0)):
        for form in FORMS.values():
            p = rejections(form, [10, 30, 100, 300, 1000], right, np.full((1, 3, 5), 200.0))
            assert np.isnan(p).all(), "nothing tells how replicates differ"


def test_a_plan_tells_what_laws_can_be_told_apart() -> None:
    told = {t.truth: t for t in telling_apart((10, 30, 100, 300, 1000), 200, 3, 60)}
    assert set(told) == set(FORMS)
    for truth, found in told.items():
        assert found.rejected[truth] <= 0.15
    assert told["Hill"].rejected["power"] > 0.9
