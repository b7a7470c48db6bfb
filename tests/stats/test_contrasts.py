"""Signed sums of scores: against references, and against what claims may err."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.calibration import CASES, errors, planned_difference, smallest_by_simulation
from kit.core.seeds import stream
from kit.stats.contrasts import Cells, Inverted, signed_sum


def cells(*rows: list[float], clusters: list[str] | None = None) -> Cells:
    labels = clusters or [str(i) for i in range(len(rows[0]))]
    return Cells(np.array(rows, dtype=float), tuple(labels))


def drawn(rng: np.random.Generator, n: int, *rates: float) -> Cells:
    return cells(*((rng.random(n) < rate).astype(float).tolist() for rate in rates))


def test_a_difference_of_many_questions_is_the_paired_t_interval() -> None:
    rng = stream(0, "pairs")
    b = rng.random(3000) < 0.4
    a = b | (rng.random(3000) < 0.2)
    found = signed_sum([cells(a.tolist(), b.tolist())], (1, -1)).estimate()
    reference = stats.ttest_rel(a.astype(float), b.astype(float)).confidence_interval()
    assert found.value == pytest.approx(a.mean() - b.mean())
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=2e-3)
    assert found.n == 3000


def test_three_replicates_are_judged_by_students_t_on_their_sums() -> None:
    rng = stream(1, "replicates")
    replicates = [drawn(rng, 400, p, 0.2) for p in (0.4, 0.6, 0.8)]
    sums = [float(c.scores[0].mean() - c.scores[1].mean()) for c in replicates]
    found = signed_sum(replicates, (1, -1))
    low, high = stats.t.interval(0.95, 2, loc=np.mean(sums), scale=stats.sem(sums))
    assert found.interval() == pytest.approx((low, high), abs=1e-9)
    assert found.p_value() == pytest.approx(stats.ttest_1samp(sums, 0.0).pvalue)
    assert signed_sum(replicates, (-1, 1)).interval() == pytest.approx((-high, -low), abs=1e-9)


def test_the_interval_excludes_a_bound_just_where_p_says_so() -> None:
    rng = stream(2, "p")
    for _ in range(60):
        found = signed_sum([drawn(rng, 60, 0.4, 0.3) for _ in range(3)], (1, -1))
        for level in (0.9, 0.95, 0.99):
            assert bool(found.side(0.0, level)) == (found.p_value() < 1 - level)


def test_replicates_that_agree_are_no_proof() -> None:
    """Three times one question more of fifty: Student's interval has no width, and means nothing."""
    same = cells([1.0] + [0.0] * 49, [0.0] * 50)
    found = signed_sum([same] * 3, (1, -1))
    assert found.side(0.0) == 0
    assert found.p_value() > 0.05


def test_questions_of_a_cluster_count_together() -> None:
    a, b = [1.0] * 40 + [0.0] * 160, [0.0] * 200
    alone = signed_sum([cells(a, b)], (1, -1)).interval()
    together = signed_sum([cells(a, b, clusters=[str(i // 20) for i in range(200)])], (1, -1)).interval()
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])


def test_cells_of_other_questions_are_independent_parts_of_the_sum() -> None:
    nan = float("nan")
    a, b = [1.0, 0.0] * 100, [1.0, 1.0, 1.0, 0.0] * 50
    apart = cells(a + [nan] * 200, [nan] * 200 + b)
    found = signed_sum([apart], (1, -1)).estimate()
    error = (0.25 / 200 + 0.1875 / 200) ** 0.5
    assert found.value == pytest.approx(-0.25)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.05)


def test_replicates_that_were_asked_the_same_are_no_more_questions() -> None:
    rng = stream(5, "same questions")
    a, b = (rng.random((3, 100)) < p for p in (0.5, 0.45))
    names = tuple(map(str, range(100)))
    own = [Cells(np.stack([x, y]).astype(float), names) for x, y in zip(a, b, strict=True)]
    same = [cells._replace(questions=names) for cells in own]
    found, apart = signed_sum(same, (1, -1)), signed_sum(own, (1, -1))
    assert (found.n, apart.n) == (100, 300)
    assert found.sums == apart.sums
    # Were the answers the same each time, three replicates would tell no more than one.
    copies = signed_sum([same[0]] * 3, (1, -1))
    assert copies.error == pytest.approx(signed_sum([own[0]], (1, -1)).error)


def test_nothing_cannot_be_summed() -> None:
    with pytest.raises(ValueError, match="nothing"):
        signed_sum([], (1, -1))
    with pytest.raises(ValueError, match="no scores"):
        signed_sum([cells([float("nan")], [1.0])], (1, -1))


def test_a_ratio_is_fiellers() -> None:
    """Against the ratio's spread over many draws."""
    rng = stream(0, "ratio")

    def ratio() -> Inverted:
        return Inverted([drawn(rng, 400, 0.3, 0.6)], lambda x: (1.0, -x), -100, 100)

    values = [ratio().value() for _ in range(400)]
    found = ratio()
    low, high = found.interval()
    assert np.mean(values) == pytest.approx(0.5, abs=0.01)
    assert (high - low) / 2 == pytest.approx(1.96 * np.std(values), rel=0.15)
    assert found.side(low - 0.01) == 1
    assert found.side(high + 0.01) == -1
    assert found.side(found.value()) == 0


def test_a_ratio_to_next_to_nothing_is_unbounded() -> None:
    found = Inverted([drawn(stream(3, "ratio"), 100, 0.3, 0.01)], lambda x: (1.0, -x), -100, 100)
    assert found.interval()[1] == np.inf


@pytest.mark.parametrize("kind", CASES)
def test_claims_at_their_bound_are_seldom_decided(kind: str) -> None:
    """A part of `benchmarks.calibration`, with fewer draws; three replicates, clusters of 1 to 6."""
    for case in CASES[kind][:2]:
        found = errors(kind, case, 100, 100)
        assert max(found.upwards, found.downwards) <= 0.06, case
        assert found.power > 0.5, case


@pytest.mark.full
@pytest.mark.parametrize("kind", CASES)
def test_claims_at_their_bound_are_seldom_decided_in_many_draws(kind: str) -> None:
    for case in CASES[kind]:
        found = errors(kind, case, 100, 1000)
        assert max(found.upwards, found.downwards) <= 0.035, case


@pytest.mark.parametrize(("n", "replicates"), [(100, 3), pytest.param(200, 5, marks=pytest.mark.full)])
def test_the_plans_smallest_difference_is_what_simulation_finds(n: int, replicates: int) -> None:
    assert planned_difference(n, replicates) == pytest.approx(smallest_by_simulation(n, replicates, 150), rel=0.2)
