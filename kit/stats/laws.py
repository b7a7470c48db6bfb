"""Scaling laws of accuracy in the number of examples D: several forms fitted side by side, each tested by what it leaves over.

Every form is a mixture of two levels, P(D) = (1 - w)·A + w·B, with a weight w(D; shape) that goes from 0 to 1: for a given shape
the binomial likelihood is concave in the levels, so those are found surely, by Fisher scoring within their bounds, and the shape
by a search of all of its range (variable projection, Golub & Pereyra 1973). What is fitted is D > 0: a law of examples says
nothing of a model that saw none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

EDGE = 1e-4
"""Both levels of a form lie between this and 1 less this."""

REJECTED = 0.05
"""A form is rejected where the chance of so bad a fit, were it true, is under this."""


@dataclass(frozen=True, slots=True)
class Form:
    """A law. formula, names: as it is written, and its coefficients. weight: w of counts d (…), for the least and the greatest
    count that were fitted and the shape (broadcast with d). bounds: of the shape (None: it has none). lower: whether it has a
    level A; `power` starts from 0. coefficients: in the formula's terms, of A, B, the shape, and the least and greatest count."""

    name: str
    formula: str
    names: tuple[str, ...]
    weight: Callable[[Array, float, float, Array], Array]
    bounds: tuple[float, float] | None
    coefficients: Callable[[float, float, float, float, float], tuple[float, ...]]
    lower: bool = True

    @property
    def parameters(self) -> int:
        """How many numbers are fitted."""
        return len(self.names)

    def weights(self, d: Array, shapes: Array) -> Array:
        """w of the fitted counts, for shapes of shape (m,); result (m, k)."""
        return np.asarray(self.weight(d, float(d[0]), float(d[-1]), shapes[:, None]), dtype=np.float64)


def _log_share(d: Array, least: float, greatest: float, _: Array) -> Array:
    return np.asarray(np.log10(d / least) / np.log10(greatest / least) + 0 * _)


def _half(least: float, greatest: float, shape: Array | float) -> Array:
    """D½ of Hill's shape: from a hundredth of the least count (0) to a hundred times the greatest (1), by its logarithm."""
    low, high = np.log10(least) - 2, np.log10(greatest) + 2
    return np.asarray(10.0 ** (low + shape * (high - low)))


def _log_linear(a: float, b: float, _: float, least: float, greatest: float) -> tuple[float, ...]:
    slope = (b - a) / float(np.log10(greatest / least))
    return a - slope * float(np.log10(least)), slope


FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        Form(
            "power", "a·D^s, s = 1/b", ("a", "s"), lambda d, _, high, s: (d / high) ** s, (0.0, 3.0),
            lambda _, b, s, __, high: (b * high**-s, s), lower=False,
        ),
        Form(
            "saturating power", "P∞ − c·D^(−α)", ("P∞", "c", "α"), lambda d, low, _, s: 1 - (d / low) ** -s, (0.02, 3.0),
            lambda a, b, s, low, _: (b, (b - a) * low**s, s),
        ),
        Form("log-linear", "u + v·log10 D", ("u", "v"), _log_share, None, _log_linear),
        Form(
            "Hill", "P0 + r·D/(D + D½)", ("P0", "r", "D½"), lambda d, low, high, s: d / (d + _half(low, high, s)), (0.0, 1.0),
            lambda a, b, s, low, high: (a, b - a, float(_half(low, high, s))),
        ),
    )
}  # fmt: skip


class Maximum(NamedTuple):
    """The best of a form for each of many data sets: levels, shape and log-likelihood, all of shape (m,)."""

    a: Array
    b: Array
    shape: Array
    log_likelihood: Array


def likelihood(p: Array, right: Array, n: Array) -> Array:
    """Binomial log-likelihood, without its constant, summed over the last axis."""
    return np.asarray((right * np.log(p) + (n - right) * np.log1p(-p)).sum(axis=-1))


def _levels(w: Array, right: Array, n: Array, a: Array, b: Array, lower: bool, rounds: int) -> tuple[Array, Array, Array]:
    """The likeliest levels for given weights, from a and b on. w, right, n: broadcast to (…, k); a, b: shape (…).

    Fisher scoring with levels on a bound held there while they press against it; a step that does not raise the likelihood is
    replaced by one of expectation-maximisation, which always does and stays within 0 and 1.
    """
    v = 1 - w if lower else np.zeros_like(w)

    def mixed(a: Array, b: Array) -> Array:
        return np.asarray(a[..., None] * v + b[..., None] * w)

    p = mixed(a, b)
    best = likelihood(p, right, n)
    for _ in range(rounds):
        slope = right / p - (n - right) / (1 - p)
        weight = n / (p * (1 - p))
        ga, gb = (slope * v).sum(-1), (slope * w).sum(-1)
        haa, hab, hbb = (weight * v * v).sum(-1), (weight * v * w).sum(-1), (weight * w * w).sum(-1)
        free_a = lower & ~(((a <= EDGE) & (ga < 0)) | ((a >= 1 - EDGE) & (ga > 0)))
        free_b = ~(((b <= EDGE) & (gb < 0)) | ((b >= 1 - EDGE) & (gb > 0)))
        both = free_a & free_b
        cross = np.where(both, hab, 0.0)
        haa, hbb = np.where(free_a, haa, 1.0), np.where(free_b, hbb, 1.0)
        ga, gb = np.where(free_a, ga, 0.0), np.where(free_b, gb, 0.0)
        determinant = haa * hbb - cross * cross
        singular = determinant <= 1e-9 * haa * hbb
        cross, determinant = np.where(singular, 0.0, cross), np.where(singular, 2 * haa * hbb, determinant)
        ta = np.clip(a + (hbb * ga - cross * gb) / determinant, EDGE, 1 - EDGE)
        tb = np.clip(b + (haa * gb - cross * ga) / determinant, EDGE, 1 - EDGE)
        tried = mixed(ta, tb)
        found = likelihood(tried, right, n)
        worse = ~(found >= best)
        if worse.any():
            # Shares of right and wrong answers that each level answers for.
            ra, rb = right * v * a[..., None] / p, right * w * b[..., None] / p
            fa, fb = (n - right) * v * (1 - a[..., None]) / (1 - p), (n - right) * w * (1 - b[..., None]) / (1 - p)
            ea = ra.sum(-1) / np.maximum((ra + fa).sum(-1), 1e-300) if lower else a
            eb = rb.sum(-1) / np.maximum((rb + fb).sum(-1), 1e-300)
            ta = np.where(worse, np.clip(ea, EDGE, 1 - EDGE), ta)
            tb = np.where(worse, np.clip(eb, EDGE, 1 - EDGE), tb)
            tried = mixed(ta, tb)
            found = likelihood(tried, right, n)
        better = found >= best
        gain = float(np.max(found - best, initial=0.0, where=better))
        a, b = np.where(better, ta, a), np.where(better, tb, b)
        p, best = np.where(better[..., None], tried, p), np.where(better, found, best)
        if gain < 1e-9:
            break
    return a, b, best


_GRID, _PEAKS, _HALVINGS = 61, 3, 26


def maximise(form: Form, d: ArrayLike, right: ArrayLike, n: ArrayLike) -> Maximum:
    """The likeliest fit of a form to each of many data sets at once.

    d: counts above 0, ascending, shape (k,). right, n: answers that are right, and all, shape (m, k); right may be no whole
    number. All shapes are tried on a grid, and the best peaks of that are climbed.
    """
    d, right, n = (np.asarray(x, dtype=np.float64) for x in (d, right, n))
    right, n = np.atleast_2d(right), np.atleast_2d(n)
    shapes = np.linspace(*form.bounds, _GRID) if form.bounds else np.zeros(1)
    w = form.weights(d, shapes)
    share = np.clip(right / n, 0.02, 0.98)
    start = (share[:, :1] + np.zeros(len(shapes)), share[:, -1:] + np.zeros(len(shapes)))
    a, b, found = _levels(w[None], right[:, None], n[:, None], *start, form.lower, 12)
    rows = np.arange(len(right))
    best = found.argmax(axis=1)
    result = Maximum(a[rows, best], b[rows, best], shapes[best], found[rows, best])
    if form.bounds is None:
        a, b, found = _levels(w, right, n, result.a, result.b, form.lower, 200)
        return Maximum(a, b, result.shape, found)
    padded = np.pad(found, ((0, 0), (1, 1)), constant_values=-np.inf)
    peaks = np.where((found >= padded[:, :-2]) & (found >= padded[:, 2:]), found, -np.inf)
    for order in np.argsort(-peaks, axis=1)[:, :_PEAKS].T:
        climbed = _climb(form, d, right, n, shapes, order, (a[rows, order], b[rows, order]))
        better = climbed.log_likelihood > result.log_likelihood
        result = Maximum(*(np.where(better, new, old) for new, old in zip(climbed, result, strict=True)))
    return result


def _climb(
    form: Form, d: Array, right: Array, n: Array, shapes: Array, at: NDArray[np.intp], levels: tuple[Array, Array]
) -> Maximum:
    """The shape between the grid's neighbours of `at`, by golden section."""

    def solved(shape: Array) -> tuple[Array, Array, Array]:
        return _levels(form.weights(d, shape), right, n, *levels, form.lower, 25)

    ratio = (5**0.5 - 1) / 2
    low, high = shapes[np.maximum(at - 1, 0)], shapes[np.minimum(at + 1, len(shapes) - 1)]
    ends = [(*solved(end), end) for end in (low, high)]
    left, right_ = high - ratio * (high - low), low + ratio * (high - low)
    f_left, f_right = solved(left)[2], solved(right_)[2]
    for _ in range(_HALVINGS):
        goes_left = f_left > f_right
        low, high = np.where(goes_left, low, left), np.where(goes_left, right_, high)
        left_, right__ = high - ratio * (high - low), low + ratio * (high - low)
        probe = np.where(goes_left, left_, right__)
        seen = solved(probe)[2]
        f_left, f_right = np.where(goes_left, seen, f_right), np.where(goes_left, f_left, seen)
        left, right_ = left_, right__
    middle = (low + high) / 2
    best = Maximum(*(x for x in (*solved(middle)[:2], middle, solved(middle)[2])))
    for a, b, found, shape in ends:
        better = found > best.log_likelihood
        best = Maximum(
            np.where(better, a, best.a), np.where(better, b, best.b), np.where(better, shape, best.shape),
            np.where(better, found, best.log_likelihood),
        )  # fmt: skip
    return best


def level_likelihood(form: Form, d: Array, right: Array, n: Array, near: Maximum, shape: float) -> float:
    """The log-likelihood of the best levels for one shape, of one data set: its profile. right, n: (1, k)."""
    return float(_levels(form.weights(d, np.array([shape])), right, n, near.a, near.b, form.lower, 200)[2][0])


def best_levels(form: Form, d: Array, right: Array, n: Array, shapes: Array, start: float) -> tuple[Array, Array]:
    """Of a form without a lower level, and of one data set, for each of m shapes: the likeliest level, and its log-likelihood.
    right, n: (k,)."""
    first = np.full(len(shapes), start)
    _, b, found = _levels(form.weights(d, shapes), right, n, first, first, form.lower, 200)
    return b, found
