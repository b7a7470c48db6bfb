"""How often kit's intervals and claims err where the truth is known, and how often they find what is there.

    python -m benchmarks.calibration [intervals] [claims] [laws] [fits] [--draws 2000]

Everything is drawn anew from known truths (`kit.stats.simulate`) and goes through the code that reports go through: intervals of
`kit.stats`, claims of `kit.report.claims` with their own settings. About a quarter of an hour for all four on one core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from pydantic import TypeAdapter
from scipy import optimize

from kit.core.seeds import stream
from kit.report.claims import Cell, Claim, Found, Given
from kit.stats.contrasts import Cells
from kit.stats.goodness import rejections
from kit.stats.intervals import clustered
from kit.stats.laws import EDGE, FORMS, REJECTED, Array, Form, likelihood, maximise
from kit.stats.power import smallest_difference
from kit.stats.simulate import cluster_labels, draw_cells, draw_curves

# ---------------------------------------------------------------- intervals

SHARES, SIZES, CORRELATIONS = (0.01, 0.03, 0.05, 0.1, 0.5, 0.9, 0.97), (50, 100, 200, 400), (0.0, 0.3, 0.5)


def coverage(share: float, n: int, correlation: float, draws: int) -> float:
    """How often the 95 % interval of one score holds the truth; clusters of 1 to 6."""
    rng, held = stream(0, "coverage", str(share), n, str(correlation)), 0
    for _ in range(draws):
        cells = draw_cells(rng, [share], cluster_labels(rng, n), spread=0.0, correlation=correlation)
        found = clustered(cells.scores[0], cells.clusters)
        held += found.low <= share <= found.high
    return held / draws


def intervals(draws: int) -> dict[tuple[float, int, float], float]:
    """Coverage over the whole grid, told by score."""
    found = {at: coverage(*at, draws) for at in product(SHARES, SIZES, CORRELATIONS)}
    print(f"coverage of the 95 % interval of a score, {draws} draws a cell, clusters of 1 to 6 ({len(found)} cells)")
    for share in SHARES:
        own = [c for at, c in found.items() if at[0] == share]
        print(f"  p = {share:<4}  mean {np.mean(own):.3f}  least {min(own):.3f}")
    least = min(found, key=lambda at: found[at])
    print(f"  all: mean {np.mean(list(found.values())):.3f}, least {found[least]:.3f} at (p, n, r) = {least}")
    return found


# ---------------------------------------------------------------- claims

REPLICATES = 3


class Case(NamedTuple):
    """A claim, and the scores of its cells where it is exactly at its bound, and where it is true. steps: since injection."""

    settings: dict[str, Any]
    null: tuple[float, ...]
    true: tuple[float, ...]
    steps: tuple[float, ...] = ()


COUNTS = dict.fromkeys(("a", "b", "after1", "after2"), (10, 30, 100, 300, 1000))

CASES: dict[str, list[Case]] = {
    "difference": [
        Case({"arms": ["a", "b"], "measure": "m", "above": 0.0}, (p, p), (min(p + 0.25, 0.97), p)) for p in (0.02, 0.1, 0.5, 0.9)
    ],
    "interaction": [
        Case({"arms": ["a", "b"], "measure": ["m", "k"], "above": 0.0}, (p, q, p, q), (p + 0.3, q, p, q))
        for p, q in ((0.1, 0.1), (0.5, 0.3), (0.6, 0.9))
    ],
    "trend": [
        Case({"arm": "a", "measure": "m", "above": 0.0}, (p,) * 5, tuple(np.linspace(p, min(p + 0.25, 0.97), 5).tolist()))
        for p in (0.02, 0.1, 0.5, 0.9)
    ],
    "chance": [
        Case({"arm": "a", "measure": "m", "against": 0.2, "above": 0.0}, (0.2,), (0.4,)),
        Case({"arm": "a", "measure": "m", "against": "popularity_guess", "above": 0.0}, (0.1, 0.1), (0.35, 0.1)),
    ],
    "share": [
        Case({"arms": ["a", "b"], "measures": ["m", "k"], "above": 0.5}, (0.35, 0.65, 0.05), (0.6, 0.65, 0.05)),
        Case({"arms": ["a"], "measures": ["m", "k"], "above": 0.8}, (0.4, 0.5), (0.65, 0.5)),
    ],
    "decay": [
        Case(
            {"arms": ["a", "after1", "after2"], "measure": "m", "above": 200.0}, (0.6, 0.6 * 2**-0.25, 0.6 * 2**-1.0),
            (0.6, 0.59, 0.57), (0.0, 50.0, 200.0),
        ),
    ],
}  # fmt: skip


class Drawn:
    """What a claim reads: replicates drawn for its cells."""

    def __init__(self, replicates: list[Cells], steps: Sequence[float]) -> None:
        self.replicates, self.steps = replicates, iter(steps)

    def scores(self, cells: Sequence[Cell], given: Given | None = None) -> list[Cells]:
        """All of them: they were drawn for these cells."""
        return self.replicates

    def steps(self, cell: Cell) -> int:
        """The same everywhere."""
        return 0

    def steps_since(self, cell: Cell, source: str) -> float:
        """As planted."""
        return next(self.steps)

    def arm(self, name: str) -> str:
        """Itself."""
        return name

    measure = arm


def claim_of(kind: str, settings: dict[str, Any]) -> Claim:
    """A claim of a kind."""
    return TypeAdapter(Claim).validate_python({"kind": kind, "says": kind, **_tuples(settings)})


def _tuples(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}


class Error(NamedTuple):
    """How often a claim at its bound was decided, in the direction claimed and in the other; and how often a true one was."""

    upwards: float
    downwards: float
    power: float


def errors(kind: str, case: Case, n: int, draws: int, replicates: int = REPLICATES, spread: float = 0.1) -> Error:
    """Of one case, with questions in clusters of 1 to 6 whose answers correlate by .3, and cells that share half of their
    questions' difficulty."""
    claim = claim_of(kind, case.settings)
    told: dict[str, int] = {"holds": 0, "does not hold": 0, "cannot say": 0}
    power = 0
    for truth, draw in product((case.null, case.true), range(draws)):
        rng = stream(draw, "claims", kind, str(case), n)
        cells = [draw_cells(rng, truth, cluster_labels(rng, n), spread=spread) for _ in range(replicates)]
        found = claim.find(Drawn(cells, case.steps), COUNTS)
        status = found.decide(0.05) if isinstance(found, Found) else "cannot say"
        if truth is case.null:
            told[status] += 1
        else:
            power += status == "holds"
    return Error(told["holds"] / draws, told["does not hold"] / draws, power / draws)


def claims(draws: int) -> dict[tuple[str, int, int, float], Error]:
    """Every case, also where replicates differ much; and the smallest difference by simulation beside `kit plan`'s."""
    print(f"claims at their bound, decided either way (nominal .025), and power: {draws} draws of {REPLICATES} replicates")
    found: dict[tuple[str, int, int, float], Error] = {}
    for kind, cases in CASES.items():
        for i, case in enumerate(cases):
            for n, spread in ((100, 0.1), (300, 0.1), (300, 0.5)):
                found[kind, i, n, spread] = error = errors(kind, case, n, draws, spread=spread)
                shown = f"{tuple(round(p, 2) for p in case.null)} -> {tuple(round(p, 2) for p in case.true)}"
                told = f"{error.upwards:.4f} {error.downwards:.4f}  power {error.power:.2f}"
                print(f"  {kind:<12} n = {n}, s.d. {spread}  {told}  {shown}", flush=True)
    print(f"  worst direction: {max(max(e[:2]) for e in found.values()):.4f}")
    print("smallest difference found in four of five runs (two arms about .5): by simulation, and by `kit plan`")
    for n, replicates in ((100, 3), (300, 3), (200, 5), (200, 10)):
        simulated, planned = smallest_by_simulation(n, replicates, max(200, draws // 4)), planned_difference(n, replicates)
        print(f"  n = {n}, {replicates} replicates: {simulated:.3f}, {planned:.3f} ({planned / simulated - 1:+.0%})", flush=True)
    return found


def planned_difference(n: int, replicates: int) -> float:
    """What `kit plan` tells of a difference of two arms; clusters of 1 to 6 have a random question in one of 13/3."""
    return smallest_difference((1.0, -1.0), n, 13 / 3, replicates, 0.05)


def smallest_by_simulation(n: int, replicates: int, draws: int) -> float:
    """The difference that is found in four of five runs, by bisection on common random numbers."""
    claim = claim_of("difference", {"arms": ["a", "b"], "measure": "m", "above": 0.0})

    def power(difference: float) -> float:
        held = 0
        for draw in range(draws):
            rng = stream(draw, "smallest", n, replicates)
            means = (0.5 + difference / 2, 0.5 - difference / 2)
            cells = [draw_cells(rng, means, cluster_labels(rng, n)) for _ in range(replicates)]
            found = claim.find(Drawn(cells, ()), COUNTS)
            held += isinstance(found, Found) and found.decide(0.05) == "holds"
        return held / draws

    low, high = 0.0, 0.9
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= 0.8 else (middle, high)
    return (low + high) / 2


# ---------------------------------------------------------------- laws

PAPER = {
    "Llama-3-8B": {
        "GSM8K": (19.47, 7.66), "SubQA": (11.54, 7.77), "HumanEval+": (27.14, 23.43), "IFEval, Conifer": (31.06, 11.90),
        "IFEval, Dolly": (30.94, 21.12),
    },
    "Mistral-7B": {
        "GSM8K": (8.14, 4.97), "SubQA": (5.40, 7.75), "HumanEval+": (17.10, 17.47), "IFEval, Conifer": (21.76, 9.28),
        "IFEval, Dolly": (23.76, 15.15),
    },
    "Llama-2-7B": {
        "GSM8K": (4.21, 5.47), "SubQA": (8.27, 9.39), "HumanEval+": (3.95, 7.11), "IFEval, Conifer": (17.83, 10.00),
        "IFEval, Dolly": (17.04, 14.54),
    },
}  # fmt: skip
"""(a, b) of P = a·D^(1/b), P in percent (arXiv 2410.03717)."""

SETS = {
    "GSM8K": ((100, 500, 1000, 5000, 7500), 1319),
    "SubQA": ((100, 500, 1000, 2700), 500),
    "HumanEval+": ((100, 500, 1000, 5000, 10000), 164),
    "IFEval, Conifer": ((100, 500, 1000, 5000), 541),
    "IFEval, Dolly": ((100, 500, 1000, 5000, 10000), 541),
}
"""The paper's counts above 0, capped by the set, and the questions of the test set (of SubQA taken as 500)."""

DEMO = ((10, 30, 100, 300, 1000), 200, lambda d: 0.005 + 0.85 * d / (d + 160))
"""Counts, questions and a Hill curve as the demo's."""


def own_truth(form: Form, d: Array, curve: Array) -> Array:
    """The curve of a form that comes nearest to another."""
    best = maximise(form, d, curve * 1e5, np.full(d.size, 1e5))
    w = form.weights(d, best.shape)[0]
    return np.asarray(best.a[0] * (1 - w) + best.b[0] * w if form.lower else best.b[0] * w)


def curves() -> Iterator[tuple[str, Array, int, Array]]:
    """The paper's fifteen: a name, counts, questions, the power law."""
    for model, sets in PAPER.items():
        for name, (a, b) in sets.items():
            d = np.array(SETS[name][0], dtype=float)
            yield f"{model}, {name}", d, SETS[name][1], a / 100 * d ** (1 / b)


def rejected(truth: Array, d: Array, n: int, spread: float, draws: int, forms: Sequence[Form], *label: str) -> dict[str, Array]:
    """Of draws that follow a truth, which reject each form."""
    right, asked = draw_curves(stream(0, "laws", str(spread), *label), truth, np.full(d.size, n), REPLICATES, draws, spread)
    return {form.name: rejections(form, d, right, asked) < REJECTED for form in forms}


def laws(draws: int) -> list[float]:
    """How often true forms are rejected, over the paper's curves and every form's own; how often the paper's law is supported."""
    print(f"laws: how often a true form is rejected (nominal .05): {draws} draws of {REPLICATES} replicates")
    wrong: list[float] = []
    for name, d, n, curve in curves():
        tested = [form for form in FORMS.values() if d.size > form.parameters]
        for spread in (0.0, 0.1):
            found = rejected(curve, d, n, spread, draws, tested, name)
            alone = ~found["power"] & np.all([r for form, r in found.items() if form != "power"], axis=0)
            own = {"power": float(found["power"].mean())}
            for form in tested[1:]:
                own[form.name] = float(
                    rejected(own_truth(form, d, curve), d, n, spread, draws, [form], name, form.name)[form.name].mean()
                )
            wrong += own.values()
            told = ", ".join(f"{form} {share:.3f}" for form, share in own.items())
            print(f"  {name:<28} s.d. {spread}: {told}; power supported {alone.mean():.2f}", flush=True)
    counts, n, hill = DEMO
    d = np.array(counts, dtype=float)
    for spread in (0.0, 0.1):
        found = rejected(hill(d), d, n, spread, draws, list(FORMS.values()), "demo")
        wrong.append(float(found["Hill"].mean()))
        print(f"  the demo's Hill curve, s.d. {spread}: " + ", ".join(f"{form} {r.mean():.3f}" for form, r in found.items()))
    print(f"  true forms: worst {max(wrong):.3f}, mean {np.mean(wrong):.3f} over {len(wrong)} cases")
    return wrong


# ---------------------------------------------------------------- fits

PLANTED = ((20, 46, 94, 138, 168, 178, 182), (0, 2, 4, 150, 160, 162, 160))
"""Right answers of 200 at D = 10, 30 … 10000: curves that a search from one start gets wrong."""


def global_search(form: Form, d: Array, right: Array, n: Array) -> float:
    """The greatest log-likelihood within the form's bounds, by differential evolution (scipy)."""

    def cost(theta: Array) -> float:
        w = form.weights(d, theta[2:])[0]
        p = theta[0] * (1 - w) + theta[1] * w if form.lower else theta[1] * w
        return -float(likelihood(np.maximum(p, 1e-300), right, n))

    levels = (EDGE, 1 - EDGE)
    found = optimize.differential_evolution(cost, [levels, levels, form.bounds or (0.0, 1e-9)], seed=0, tol=1e-12, maxiter=2000)
    return -float(found.fun)


def fits(curves_: int = 200) -> float:
    """By how much the fits fall short of a global search, at worst."""
    d, n = np.array([10, 30, 100, 300, 1000, 3000, 10000], dtype=float), np.full(7, 200.0)
    rng = stream(0, "random curves")
    shapes = np.sort(rng.random((curves_, 7)), axis=1) * rng.random((curves_, 1))
    # Every fourth in no order at all.
    shapes[::4] = rng.random(shapes[::4].shape)
    right = np.concatenate([rng.binomial(200, shapes), np.array(PLANTED)]).astype(float)
    worst = 0.0
    for form in FORMS.values():
        ours = maximise(form, d, right, np.broadcast_to(n, right.shape)).log_likelihood
        short = np.array([global_search(form, d, r, n) for r in right]) - ours
        worst = max(worst, float(short.max()))
        print(
            f"  {form.name:<17} short of a global search by at most {short.max():.1e}, better by at most {-short.min():.1e}",
            flush=True,
        )
    return worst


PARTS: dict[str, Callable[[int], object]] = {
    "intervals": intervals, "claims": claims, "laws": laws, "fits": lambda draws: fits(min(200, draws)),
}  # fmt: skip


def main() -> None:
    """Run the parts asked for, or all."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    arguments.add_argument("--draws", type=int, default=2000)
    asked = arguments.parse_args()
    for name in asked.parts or PARTS:
        start = time.perf_counter()
        PARTS[name](asked.draws)
        print(f"  {name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
