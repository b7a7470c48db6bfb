"""Signed sums of scores: a difference, a trend, an interaction, a share or a half-life against a bound is each one of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from kit.stats.intervals import LEVEL, Clusters, Estimate, differing, quantile

PSEUDO = 2.0
"""Imagined questions, half of them right, that are added to every cell where the variance is computed (Agresti & Min 2005, for
paired proportions): where nothing differs something may yet."""


class Cells(NamedTuple):
    """One replicate's scores in the cells of a sum. scores: shape (c, q), a row a cell and a column a question, nan where a
    question was not asked. clusters: q labels of questions that belong together. questions: their q names, where replicates may
    share questions (and with them clusters); without names they are the replicate's own."""

    scores: NDArray[np.float64]
    clusters: tuple[str, ...]
    questions: tuple[str, ...] = ()


class SignedSum(NamedTuple):
    """sum_c w_c · mean(cell c), over replicates. sums: every replicate's own. centre, error, df: of the interval that questions
    leave. n: different questions, over all replicates."""

    sums: tuple[float, ...]
    centre: float
    error: float
    df: int
    n: int

    @property
    def value(self) -> float:
        """The mean over replicates."""
        return float(np.mean(self.sums))

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """The wider, at either end, of Student's interval on the replicates' sums and of the interval that the questions leave,
        were the replicates alike. With one replicate, the latter."""
        reach = quantile(level, self.df) * self.error
        low, high = min(self.value, self.centre - reach), max(self.value, self.centre + reach)
        if len(self.sums) > 1:
            reach = quantile(level, len(self.sums) - 1) * self._spread()
            low, high = min(low, self.value - reach), max(high, self.value + reach)
        return low, high

    def side(self, bound: float, level: float = LEVEL) -> int:
        """1 where the interval lies above the bound, -1 where it lies below, 0 where it holds it."""
        low, high = self.interval(level)
        return int(low > bound) - int(high < bound)

    def estimate(self, level: float = LEVEL) -> Estimate:
        """Value, interval and n."""
        return Estimate(self.value, *self.interval(level), self.n)

    def p_value(self, bound: float = 0.0) -> float:
        """Two-sided: the level at which the interval just touches the bound."""
        above, below = (max(self._tails(sign, bound)) for sign in (1.0, -1.0))
        return min(1.0, 2 * min(above, below))

    def _tails(self, sign: float, bound: float) -> list[float]:
        """For each of the two intervals, the chance of as much on one side of the bound."""
        if sign * (self.value - bound) <= 0:
            return [1.0]
        tails = [float(special.stdtr(self.df, -sign * (self.centre - bound) / self.error))]
        if len(self.sums) > 1 and (spread := self._spread()):
            tails.append(float(special.stdtr(len(self.sums) - 1, -sign * (self.value - bound) / spread)))
        return tails

    def _spread(self) -> float:
        return float(np.std(self.sums, ddof=1)) / len(self.sums) ** 0.5


def signed_sum(replicates: Sequence[Cells], weights: ArrayLike) -> SignedSum:
    """The sum of cells' means, each times its weight, in every replicate.

    weights: shape (c,). The variance of questions is that of the linearised sum: of every question, what it adds to the means of
    the cells it was asked in, so that cells may share all questions, some or none, and replicates too. Questions of a cluster
    count together, by a design effect that does not vanish where few answers differ (see `Clusters.design_effect`). Raises
    ValueError for no replicate, or a cell without scores.
    """
    w = np.asarray(weights, dtype=float)
    if not replicates:
        raise ValueError("the sum of nothing is undefined")
    shared = _shared(tuple((cells.clusters, cells.questions) for cells in replicates))
    residuals, added = np.zeros(shared.n), np.zeros(shared.n)
    sums, asked_of = [], []
    for (scores, *_), places in zip(replicates, shared.places, strict=True):
        asked = ~np.isnan(scores)
        n = asked.sum(axis=1)
        if not n.all():
            raise ValueError("a cell of the sum has no scores")
        x = np.where(asked, scores, 0.0)
        means = x.sum(axis=1) / n
        scaled = w / n / len(replicates)
        residuals[places] += scaled @ np.where(asked, x - means[:, None], 0.0)
        added[places] += scaled @ x
        sums.append(float(w @ means))
        asked_of.append((means, n))
    effect = shared.clusters.design_effect(residuals, differing(added))
    # Replicates that were asked the same questions are no more questions.
    sets = shared.n / float(np.mean([len(places) for places in shared.places]))
    means, n = (np.mean(each, axis=0) for each in zip(*asked_of, strict=True))
    effective = n / effect
    seen = effect * float(residuals @ residuals) * np.mean(effective / (effective + PSEUDO)) ** 2
    imagined = float(np.sum(w**2 * PSEUDO / 4 / (effective + PSEUDO) ** 2)) / sets
    centre = float(w @ ((means * effective + PSEUDO / 2) / (effective + PSEUDO)))
    df = max(1, len(shared.clusters.sizes) - 1)
    return SignedSum(tuple(sums), centre, (seen + imagined) ** 0.5, df, shared.n)


class _Shared(NamedTuple):
    """Which of n different questions each replicate's are, and the clusters of those."""

    n: int
    places: tuple[NDArray[np.intp], ...]
    clusters: Clusters


@functools.lru_cache(maxsize=64)
def _shared(replicates: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]) -> _Shared:
    place: dict[str, int] = {}
    labels: list[str] = []
    places = []
    for i, (clusters, questions) in enumerate(replicates):
        names = questions or tuple(f"{i} {j}" for j in range(len(clusters)))
        own = []
        for name, cluster in zip(names, clusters, strict=True):
            if name not in place:
                place[name] = len(labels)
                labels.append(cluster if questions else f"{i} {cluster}")
            own.append(place[name])
        places.append(np.array(own, dtype=np.intp))
    return _Shared(len(labels), tuple(places), Clusters.of(labels))


Weighing = Callable[[float], ArrayLike]
"""The weights of a sum that is above 0 where what is looked for is above the argument."""


class Inverted(NamedTuple):
    """A quantity x of which a signed sum, weighed by x, says whether it is larger: a ratio, or a half-life (Fieller 1954).

    weigh: x to weights. least, greatest: where x may lie; an end of the interval that is not reached before is infinite (or
    `least`). growing: the sum falls as x grows, at every x.
    """

    replicates: Sequence[Cells]
    weigh: Weighing
    least: float
    greatest: float

    def _interval_at(self, x: float, level: float) -> tuple[float, float]:
        return signed_sum(self.replicates, self.weigh(x)).interval(level)

    def value(self) -> float:
        """Where the sum is 0."""
        means = np.mean([np.nanmean(cells.scores, axis=1) for cells in self.replicates], axis=0)
        return self._edge(lambda x: float(np.asarray(self.weigh(x)) @ means))

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Every x that the sum cannot tell from 0."""
        low = self._edge(lambda x: self._interval_at(x, level)[0])
        high = self._edge(lambda x: self._interval_at(x, level)[1])
        return low, high if high < self.greatest else np.inf

    def side(self, bound: float, level: float = LEVEL) -> int:
        """As of a sum: 1 where the interval lies above the bound, -1 where it lies below."""
        return signed_sum(self.replicates, self.weigh(bound)).side(0.0, level)

    def p_value(self, bound: float) -> float:
        """Two-sided, of the bound."""
        return signed_sum(self.replicates, self.weigh(bound)).p_value()

    def _edge(self, sign: Callable[[float], float]) -> float:
        """Where a falling function passes 0, by halving on a scale that is linear near 0 and logarithmic beyond."""
        low, high = np.arcsinh(self.least), np.arcsinh(self.greatest)
        if sign(self.least) <= 0:
            return self.least
        if sign(self.greatest) > 0:
            return self.greatest
        for _ in range(45):
            middle = (low + high) / 2
            low, high = (middle, high) if sign(float(np.sinh(middle))) > 0 else (low, middle)
        return float(np.sinh((low + high) / 2))
