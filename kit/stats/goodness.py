"""Whether a law describes a curve: what each form leaves over, against how much replicates differ among themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from kit.stats.intervals import LEVEL
from kit.stats.laws import EDGE, FORMS, REJECTED, Array, Form, Maximum, best_levels, level_likelihood, likelihood, maximise

POWER = "power"
"""The form that the paper fits."""

SPARE = 1
"""How many more counts than coefficients a form needs: with none to spare it fits whatever is there, and is not tested."""


class Dispersion(NamedTuple):
    """How much more replicates differ than questions alone would make them, and the degrees of freedom it rests on; (m,)."""

    ratio: Array
    df: Array


def dispersion(right: Array, n: Array) -> Dispersion:
    """Pearson's statistic of replicates around their count's mean, over its degrees of freedom. right, n: (m, r, k). Counts at
    which all answers, or none, are right in every replicate tell nothing of it and are left out of both."""
    total = right.sum(axis=1, keepdims=True)
    share = total / n.sum(axis=1, keepdims=True)
    varies = (share > 0) & (share < 1)
    expected = n * share * (1 - share)
    pearson = np.where(varies, (right - n * share) ** 2 / np.where(varies, expected, 1.0), 0.0).sum(axis=(1, 2))
    df = varies[:, 0].sum(axis=-1) * (right.shape[1] - 1)
    return Dispersion(np.where(df > 0, pearson / np.maximum(df, 1), np.nan), df.astype(float))


def spare(form: Form, best: Maximum, counts: int) -> Array:
    """Degrees of freedom that a fit leaves: counts less coefficients, those left out that lie on a bound, and a shape that two
    equal levels leave without effect; (m,)."""
    used = np.full(best.a.shape, float(form.parameters))
    for level in (best.a, best.b) if form.lower else (best.b,):
        used -= (level <= EDGE * 1.001) | (level >= 1 - EDGE * 1.001)
    if form.bounds is not None:
        flat = form.lower & (np.abs(best.a - best.b) < 1e-6)
        low, high = form.bounds
        used -= flat | (best.shape <= low) | (best.shape >= high)
    return counts - used


def rejections(form: Form, d: ArrayLike, right: ArrayLike, n: ArrayLike) -> Array:
    """The chance, were the form true, of as much left over as there is, for many experiments at once; shape (m,).

    d: counts above 0, ascending, (k,). right, n: (m, r, k), of r >= 2 replicates. Of two chances the larger: of the deviance of
    pooled answers from the fit, over its degrees of freedom, against the replicates' dispersion (an F test, McCullagh & Nelder
    1989, section 4.5); and of the deviance were replicates to differ by their questions alone (chi-squared). Few replicates agree
    by chance, and those that were asked the same questions by nature: neither makes a form wrong.
    """
    right, n = (np.asarray(x, dtype=np.float64) for x in (right, n))
    return _chances(form, maximise(form, d, right.sum(axis=1), n.sum(axis=1)), right, n)


def _chances(form: Form, best: Maximum, right: Array, n: Array) -> Array:
    pooled, all_ = right.sum(axis=1), n.sum(axis=1)
    seen = dispersion(right, n)
    df = spare(form, best, pooled.shape[1])
    left_over = _deviance(best, pooled, all_)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_replicates = special.fdtrc(df, np.maximum(seen.df, 1), left_over / df / seen.ratio)
        by_questions = special.chdtrc(df, left_over)
    return np.where((seen.df > 0) & (df > 0), np.maximum(by_replicates, by_questions), np.nan)


def _deviance(best: Maximum, right: Array, n: Array) -> Array:
    full = likelihood(np.clip(right / n, 1e-300, 1 - 1e-16), right, n)
    return np.asarray(np.maximum(0.0, 2 * (full - best.log_likelihood)))


@dataclass(frozen=True, slots=True)
class Fit:
    """One fitted form. coefficients: in the formula's terms, by name. p: the chance, were it true, of as much left over; None
    where nothing tells (one replicate). interval: of the shape (of the power law's s), by the profile of its likelihood; None as
    before. scale: the same of the power law's a; None of other forms too. levels, shape: for `predict`."""

    form: str
    formula: str
    coefficients: dict[str, float]
    p: float | None
    deviance: float
    spare: int
    interval: tuple[float, float] | None
    scale: tuple[float, float] | None
    counts: tuple[float, ...]
    levels: tuple[float, float]
    shape: float

    @property
    def rejected(self) -> bool:
        """Whether it cannot be the law."""
        return self.p is not None and self.p < REJECTED

    def predict(self, counts: Sequence[float]) -> list[float]:
        """Accuracy at each count, cut to [0, 1]."""
        form, (a, b) = FORMS[self.form], self.levels
        w = form.weight(np.asarray(counts, dtype=float), self.counts[0], self.counts[-1], np.asarray(self.shape))
        p = a * (1 - w) + b * w if form.lower else b * w
        return [float(x) for x in np.clip(p, 0.0, 1.0)]


@dataclass(frozen=True, slots=True)
class Laws:
    """Every form that the counts can test, and those that they cannot. replicates: how many. dispersion: see `Dispersion`."""

    fits: tuple[Fit, ...]
    untested: dict[str, str]
    replicates: int
    dispersion: float

    def fit(self, form: str) -> Fit | None:
        """The fit of a form, where it is tested."""
        return next((f for f in self.fits if f.form == form), None)

    def standing(self) -> list[str]:
        """The forms that are tested and not rejected: what the data cannot tell apart."""
        return [f.form for f in self.fits if not f.rejected]


def fit_laws(counts: ArrayLike, right: ArrayLike, n: ArrayLike) -> Laws:
    """Fit and test every form that the counts allow.

    counts: D above 0, ascending, shape (k,). right, n: right answers, and all, shape (r, k), a row a replicate. Raises ValueError
    for a count of 0, or a shape that does not fit.
    """
    d = np.asarray(counts, dtype=np.float64)
    r, m = (np.atleast_2d(np.asarray(x, dtype=np.float64)) for x in (right, n))
    if r.shape != m.shape or r.shape[1] != d.size or not (d > 0).all() or not (np.diff(d) > 0).all():
        raise ValueError("laws are of ascending counts above 0, with right and n of one row a replicate")
    fits, untested = [], {}
    seen = dispersion(r[None], m[None])
    for form in FORMS.values():
        if d.size < form.parameters + SPARE:
            untested[form.name] = f"{d.size} counts for {form.parameters} coefficients leave none to spare"
            continue
        fits.append(_fit(form, d, r, m, seen))
    return Laws(tuple(fits), untested, len(r), float(seen.ratio[0]))


def _fit(form: Form, d: Array, right: Array, n: Array, seen: Dispersion) -> Fit:
    pooled, all_ = right.sum(axis=0)[None], n.sum(axis=0)[None]
    best = maximise(form, d, pooled, all_)
    p = float(_chances(form, best, right[None], n[None])[0]) if len(right) > 1 else float("nan")
    a, b, shape = (float(x[0]) for x in best[:3])
    names = form.coefficients(a, b, shape, float(d[0]), float(d[-1]))
    least = _least_likely(best, seen) if len(right) > 1 and seen.df[0] > 0 else None
    ends = _profile(form, d, pooled, all_, best, least) if least is not None and form.bounds else None
    return Fit(
        form.name, form.formula, dict(zip(form.names, (float(x) for x in names), strict=True)),
        None if np.isnan(p) else p,
        float(_deviance(best, pooled, all_)[0]),
        int(spare(form, best, d.size)[0]),
        # In the formula's terms: the shape is its last coefficient.
        _pair(form.coefficients(0.0, 1.0, end, float(d[0]), float(d[-1]))[-1] for end in ends) if ends else None,
        _scale(d, pooled[0], all_[0], b, ends, least) if ends and least is not None and form.name == POWER else None,
        tuple(d.tolist()), (a, b), shape,
    )  # fmt: skip


def _pair(ends: Iterable[float]) -> tuple[float, float]:
    low, high = ends
    return float(low), float(high)


def _least_likely(best: Maximum, seen: Dispersion) -> float:
    """The log-likelihood down to which a coefficient is within its interval, by the dispersion (profile F)."""
    by_replicates = float(special.fdtri(1, seen.df[0], LEVEL)) * float(seen.ratio[0])
    return float(best.log_likelihood[0]) - max(by_replicates, float(special.chdtri(1, 1 - LEVEL))) / 2


def _profile(form: Form, d: Array, right: Array, n: Array, best: Maximum, allowed: float) -> tuple[float, float]:
    """Every shape whose likelihood is no less than is allowed; bounds are its ends."""
    assert form.bounds
    low, high = form.bounds
    ends = []
    for end in (low, high):
        inside, outside = float(best.shape[0]), end
        if level_likelihood(form, d, right, n, best, outside) >= allowed:
            ends.append(end)
            continue
        for _ in range(24):
            middle = (inside + outside) / 2
            inside, outside = (
                (middle, outside) if level_likelihood(form, d, right, n, best, middle) >= allowed else (inside, middle)
            )
        ends.append(inside)
    return _pair(ends)


_SHAPES = 400


def _scale(d: Array, right: Array, n: Array, level: float, ends: tuple[float, float], allowed: float) -> tuple[float, float]:
    """Every a of a power law a·D^s that some s makes no less likely than is allowed. level: the best fit's at the last count."""
    shapes = np.linspace(*ends, _SHAPES)
    w = FORMS[POWER].weights(d, shapes)
    tops, found = best_levels(FORMS[POWER], d, right, n, shapes, level)
    there = found >= allowed

    def near(levels: Array) -> NDArray[np.bool_]:
        return likelihood(np.clip(levels[:, None] * w, 1e-300, 1 - EDGE), right, n) >= allowed

    # For one shape the likelihood is concave in the level: what is near enough is an interval around its best.
    reached = []
    for bound in (EDGE, 1 - EDGE):
        inside, outside = tops.copy(), np.full(len(tops), bound)
        for _ in range(50):
            middle = (inside + outside) / 2
            kept = near(middle)
            inside, outside = np.where(kept, middle, inside), np.where(kept, outside, middle)
        reached.append((inside * d[-1] ** -shapes)[there])
    return float(reached[0].min()), float(reached[1].max())
