"""Scaling laws of accuracy in the number of examples D: several forms fitted side by side, never the winner alone.

Each form is linear in two or three coefficients once its shape parameters are fixed: those are scanned on a grid
(variable projection, Golub & Pereyra 1973), and the best start is polished by maximum binomial likelihood (scipy).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Array = NDArray[np.float64]
_EDGE = 1e-4


@dataclass(frozen=True, slots=True)
class Form:
    """A law P(D) = linear[0] + linear[1] * basis(D, shape); `power` has no constant. `zero`: whether D = 0 has a value."""

    name: str
    formula: str
    parameters: int
    basis: Callable[[Array, float], Array]
    shapes: tuple[float, ...]
    constant: bool = True
    zero: bool = False


def _hill(d: Array, log_half: float) -> Array:
    return np.asarray(d / (d + 10.0**log_half))


FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        Form("power", "a·D^(1/b)", 2, lambda d, s: d**s, tuple(np.linspace(0.01, 1.0, 100)), constant=False),
        Form("saturating power", "P∞ − c·D^(−α)", 3, lambda d, s: d**-s, tuple(np.linspace(0.02, 2.0, 100))),
        Form("log-linear", "u + v·log10 D", 2, lambda d, s: np.log10(d), (0.0,)),
        Form("Hill", "P0 + r·D/(D + D½)", 3, _hill, tuple(np.linspace(-1.0, 5.0, 121)), zero=True),
    )
}


@dataclass(frozen=True, slots=True)
class Fit:
    """One fitted form. `log_likelihood`: of the counts that all forms share (D > 0). `aicc_weight`: Akaike weight among the
    forms fitted together. `held_out_error`: predicted minus seen accuracy at the largest count, from a fit without it
    (None where too few counts are left)."""

    form: str
    formula: str
    linear: tuple[float, ...]
    shape: float
    log_likelihood: float
    aicc: float
    aicc_weight: float
    held_out_error: float | None

    def predict(self, counts: Sequence[float]) -> list[float]:
        """Accuracy at each count (cut to [0, 1])."""
        form = FORMS[self.form]
        return [float(p) for p in _curve(form, np.asarray(counts, dtype=float), self.linear, self.shape)]


def _design(form: Form, d: Array, shape: float) -> Array:
    column = form.basis(d, shape)
    return np.stack([np.ones_like(d), column], axis=1) if form.constant else column[:, None]


def _curve(form: Form, d: Array, linear: Sequence[float], shape: float) -> Array:
    return np.asarray(np.clip(_design(form, d, shape) @ np.asarray(linear), 0.0, 1.0))


def _fit(form: Form, d: Array, right: Array, n: Array) -> tuple[tuple[float, ...], float]:
    share = right / n
    weights = np.sqrt(n)

    def project(shape: float) -> tuple[float, NDArray[np.floating]]:
        design = _design(form, d, shape) * weights[:, None]
        linear, *_ = np.linalg.lstsq(design, share * weights, rcond=None)
        return float(np.sum((design @ linear - share * weights) ** 2)), linear

    shape = min(form.shapes, key=lambda s: project(s)[0])
    start = np.append(project(shape)[1], shape) if len(form.shapes) > 1 else project(shape)[1]
    low, high = form.shapes[0], form.shapes[-1]

    def cost(theta: NDArray[Any]) -> float:
        s = float(np.clip(theta[-1], low, high)) if len(form.shapes) > 1 else shape
        linear = theta[:-1] if len(form.shapes) > 1 else theta
        p = np.clip(_design(form, d, s) @ linear, _EDGE, 1 - _EDGE)
        return -float(np.sum(right * np.log(p) + (n - right) * np.log(1 - p)))

    found = optimize.minimize(cost, start, method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-6, "fatol": 1e-9})
    best = np.asarray(found.x if found.fun <= cost(start) else start)
    if len(form.shapes) == 1:
        return tuple(float(v) for v in best), shape
    return tuple(float(v) for v in best[:-1]), float(np.clip(best[-1], low, high))


def fit_laws(counts: Sequence[float], right: Sequence[float], n: Sequence[int]) -> tuple[list[Fit], dict[str, str]]:
    """Fit every form that the counts allow; returns the fits, best AICc first, and why each other form was left out.

    counts, right, n: shape (k,): D, number of right answers, number of questions. A form needs two counts more than
    it has parameters; D = 0 takes part only in forms that have a value there.
    """
    d, r, m = (np.asarray(v, dtype=float) for v in (counts, right, n))
    fits: list[Fit] = []
    reasons: dict[str, str] = {}
    for form in FORMS.values():
        keep = np.ones_like(d, dtype=bool) if form.zero else d > 0
        k = int(keep.sum())
        if k < form.parameters + 2:
            reasons[form.name] = f"{k} counts are too few for {form.parameters} parameters (at least two more)"
            continue
        linear, shape = _fit(form, d[keep], r[keep], m[keep])
        # Forms without a value at D = 0 are compared on the counts they share.
        shared = d > 0
        p = np.clip(_curve(form, d[shared], linear, shape), _EDGE, 1 - _EDGE)
        common = float(np.sum(r[shared] * np.log(p) + (m[shared] - r[shared]) * np.log(1 - p)))
        q = form.parameters
        spare = int(shared.sum()) - q - 1
        aicc = -2 * common + 2 * q + (2 * q * (q + 1) / spare if spare > 0 else np.inf)
        error = None
        inner = keep & (d < d.max())
        if int(inner.sum()) >= q + 1:
            l2, s2 = _fit(form, d[inner], r[inner], m[inner])
            top = d == d.max()
            error = float(_curve(form, d[top], l2, s2)[0] - r[top].sum() / m[top].sum())
        fits.append(Fit(form.name, form.formula, linear, shape, common, float(aicc), 0.0, error))
    if fits:
        best = min(f.aicc for f in fits)
        raw = [float(np.exp((best - f.aicc) / 2)) for f in fits]
        fits = [
            Fit(f.form, f.formula, f.linear, f.shape, f.log_likelihood, f.aicc, w / sum(raw), f.held_out_error)
            for f, w in zip(fits, raw, strict=True)
        ]
    return sorted(fits, key=lambda f: f.aicc), reasons
