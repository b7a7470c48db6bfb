"""What an experiment of a given size can establish: the smallest difference, and which laws it can tell apart."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from kit.core.seeds import stream
from kit.stats.goodness import rejections
from kit.stats.intervals import quantile
from kit.stats.laws import FORMS, REJECTED, Array, Form
from kit.stats.simulate import CORRELATION, SPREAD, draw_curves

POWER = 0.8
"""How often the smallest difference is to be established where it is there."""


def smallest_difference(
    weights: Sequence[float], n: int, cluster: float, replicates: int, alpha: float, pairing: float = 0.5, level: float = 0.5
) -> float:
    """The least distance of a signed sum from its bound that is established with a chance of POWER.

    weights: of the sum's cells. n: questions of a cell in a replicate; cluster: the size of the cluster that a random one is in.
    alpha: two-sided. pairing: the part of a question's difficulty that cells share. level: about what the cells score; one half
    is the worst. The sum is judged by Student's t on replicates (its noncentral distribution gives the chance) and by
    its questions. Raises ValueError for fewer than two replicates.

    Cells vary in themselves by SPREAD logits, and answers within a cluster go together by CORRELATION.
    """
    if replicates < 2:
        raise ValueError("one replicate establishes nothing")
    w = np.asarray(weights, dtype=float)
    variance = level * (1 - level)
    # What cells share takes nothing from a sum whose weights cancel.
    alike = _paired(pairing) * float(w.sum()) ** 2 + (1 - _paired(pairing)) * float(w @ w)
    questions = variance * (1 + (cluster - 1) * CORRELATION) / n * alike
    between = (SPREAD * variance) ** 2 * float(w @ w)
    error = ((questions + between) / replicates) ** 0.5
    df = replicates - 1
    reach = quantile(1 - alpha, df)
    by_replicates = optimize.brentq(lambda shift: special.nctdtr(df, shift, reach) - (1 - POWER), 0.0, 60.0 + reach * 4) * error
    by_questions = quantile(1 - alpha) * (questions / replicates) ** 0.5 + float(special.ndtri(POWER)) * error
    return float(max(by_replicates, by_questions))


def _paired(pairing: float) -> float:
    """The correlation of two answers, each right half of the time, whose latent difficulties correlate so far."""
    return float(2 / np.pi * np.arcsin(pairing))


@dataclass(frozen=True, slots=True)
class Telling:
    """Were `truth` the law: how often each form is rejected, and how often the truth is supported (it stands, and it alone)."""

    truth: str
    rejected: dict[str, float]
    supported: float


def example_curve(form: Form, d: Array, low: float = 0.1, high: float = 0.7) -> Array:
    """A curve of a form from `low` at the least count to `high` at the greatest, its shape, where it may choose, amid what bends
    within the counts."""
    if not form.lower:
        return np.asarray(high * (d / d[-1]) ** (np.log(high / low) / np.log(d[-1] / d[0])))
    middle = {"Hill": 0.5, "saturating power": 0.5}.get(form.name, 0.0)
    w = form.weights(d, np.array([middle]))[0]
    return np.asarray(low + (high - low) * (w - w[0]) / (w[-1] - w[0]))


@functools.cache
def telling_apart(counts: tuple[int, ...], n: int, replicates: int, draws: int = 300) -> list[Telling]:
    """For every form that the counts can test, what becomes of data that follow it. Raises ValueError for one replicate."""
    if replicates < 2:
        raise ValueError("one replicate rejects no form")
    d = np.asarray(counts, dtype=np.float64)
    tested = [form for form in FORMS.values() if d.size > form.parameters]
    found = []
    for truth in tested:
        rng = stream(0, "telling apart", truth.name)
        right, asked = draw_curves(rng, example_curve(truth, d), np.full(d.size, n), replicates, draws)
        rejected = {form.name: rejections(form, d, right, asked) < REJECTED for form in tested}
        alone = ~rejected[truth.name] & np.all([r for name, r in rejected.items() if name != truth.name], axis=0)
        found.append(Telling(truth.name, {name: float(r.mean()) for name, r in rejected.items()}, float(alone.mean())))
    return found
