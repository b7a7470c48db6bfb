"""What the numbers say, in words. Every sentence is computed; each names what it rests on and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from kit.report.integration import difference, integration
from kit.report.results import Results
from kit.stats.intervals import Estimate
from kit.stats.laws import Fit

Status = Literal["holds", "does not hold", "cannot say", "note"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One line of the verdict."""

    status: Status
    text: str


def _sign(estimate: Estimate) -> Status:
    if estimate.low > 0:
        return "holds"
    return "does not hold" if estimate.high < 0 else "cannot say"


def verdict(results: Results, fits: list[Fit], reasons: dict[str, str]) -> list[Sentence]:
    """The sentences for this sweep, in the order of the argument: base, curve, law, integration, order, retention."""
    top = max(results.counts("inject")) if "inject" in results.arms else max(results.config["counts"])
    lines = [*_base(results), *_curve(results), _law(results, fits, reasons)]
    lines += [*_injection(results, top), *_controls(results, top), *_order(results, top), *_retention(results, top)]
    seeds = len(results.seeds)
    millions = max((m.results.get("parameters", 0.0) for m in results.manifests.values()), default=0.0) / 1e6
    lines.append(
        Sentence(
            "note",
            f"{seeds} seed{'s' if seeds > 1 else ''}, a model of {millions:.1f} million parameters and one kind of world: "
            "another model, or another world, may fare otherwise."
            + (" With one seed the intervals cover questions, not worlds or models." if seeds == 1 else ""),
        )
    )
    return lines


def _base(results: Results) -> list[Sentence]:
    lines = []
    for seed in results.seeds:
        gates = [g for g in results.gates if g["seed"] == seed]
        if gates:
            last = gates[-1]
            text = f"Seed {seed}: the base recalls {last['recall']:.2f} of the known facts; its pilot scores {last['pilot']:.2f}"
            if last["extensions"]:
                text += f" after pretraining was extended {last['extensions']} time(s)"
            lines.append(Sentence("holds" if last["passed"] else "does not hold", text + "."))
    return lines


def _curve(results: Results) -> list[Sentence]:
    arm = "posttrain" if "posttrain" in results.arms else next(iter(results.arms))
    counts = results.counts(arm)
    points = [(c, results.estimate(arm, c, "known 2-hop")) for c in counts]
    found = [(c, e) for c, e in points if e]
    if len(found) < 2:
        return []
    first, last = found[0], found[-1]
    rises = sum(b.value > a.value for (_, a), (_, b) in pairwise(found))
    separated = last[1].low > first[1].high
    text = (
        f"Known 2-hop accuracy goes from {first[1]} at D = {first[0]} to {last[1]} at D = {last[0]}, "
        f"rising at {rises} of {len(found) - 1} steps."
    )
    return [Sentence("holds" if separated else "cannot say", text)]


def _law(results: Results, fits: list[Fit], reasons: dict[str, str]) -> Sentence:
    if not fits:
        why = "; ".join(f"{form}: {reason}" for form, reason in reasons.items())
        return Sentence("cannot say", f"No law is fitted: {why}.")
    ranked = ", ".join(f"{f.form} {f.aicc_weight:.2f}" for f in fits)
    power = next((f for f in fits if f.form == "power"), None)
    if len(results.seeds) < 3:
        return Sentence(
            "cannot say",
            f"One seed claims no law. Descriptively, the AICc weights are {ranked}."
            if len(results.seeds) == 1
            else f"Two seeds claim no law. Descriptively, the AICc weights are {ranked}.",
        )
    if power and fits[0] is power:
        return Sentence("holds", f"A pure power law describes the curve best (AICc weights: {ranked}).")
    return Sentence("does not hold", f"A pure power law is not the best description here; AICc weights: {ranked}.")


def _injection(results: Results, top: int) -> list[Sentence]:
    if "inject" not in results.arms:
        return []
    lines = []
    for control, what in (("none", "no injection"), ("shuffled", "the shuffled facts")):
        found = difference(results, "inject", control, top, "novel 2-hop") if control in results.arms else None
        if found:
            status = _sign(found[0])
            claim = {
                "holds": "Injected knowledge is reasoned with",
                "does not hold": "Injection does harm",
            }.get(status, "Injected knowledge is not shown to be reasoned with")
            lines.append(
                Sentence(
                    status,
                    f"{claim}: novel 2-hop at D = {top} differs from that of {what} by {found[0]} (McNemar p = {found[1]:.2g}).",
                )
            )
    measured = integration(results, "inject", top)
    if measured.ratio.estimate:
        lines.append(Sentence("note", f"Of the oracle's gain over no injection, injection reaches {measured.ratio.estimate}."))
    else:
        lines.append(Sentence("cannot say", f"The oracle-normalised figure is withheld: {measured.ratio.withheld}."))
    if measured.composition:
        lines.append(
            Sentence(
                "note",
                f"Where every hop is right by itself, the novel 2-hop answer is right in {measured.composition}.",
            )
        )
    return lines


def _controls(results: Results, top: int) -> list[Sentence]:
    found = results.estimate("shuffled", top, "novel 2-hop") if "shuffled" in results.arms else None
    prior = results.estimate("shuffled", top, "novel 2-hop", "popularity_guess") if found else None
    recalled = results.estimate("shuffled", top, "shuffled recall") if found else None
    if not (found and prior and recalled):
        return []
    holds = found.value <= prior.value + 0.05
    return [
        Sentence(
            "holds" if holds else "does not hold",
            f"Taught shuffled facts, the model recalls those ({recalled}) and scores {found} against the truth; always "
            f"guessing the commonest object would score {prior.value:.2f}.",
        )
    ]


def _order(results: Results, top: int) -> list[Sentence]:
    found = difference(results, "inject", "inject_first", top, "novel 2-hop") if "inject_first" in results.arms else None
    if not found:
        return []
    estimate, p = found
    if estimate.low > 0:
        text = "Post-training first takes the new facts in better"
    elif estimate.high < 0:
        text = "Injecting first does better"
    else:
        text = "The order of the two stages makes no difference beyond noise"
    return [Sentence(_sign(estimate), f"{text}: {estimate} for post-train → inject less the reverse at D = {top} (p = {p:.2g}).")]


def _retention(results: Results, top: int) -> list[Sentence]:
    before, after = (results.estimate(arm, top, "known 2-hop") for arm in ("posttrain", "inject"))
    if not (before and after) or before.value == 0:
        return []
    kept = after.value / before.value
    return [
        Sentence(
            "holds" if kept >= 0.8 else "does not hold",
            f"Known 2-hop accuracy after injection is {after}, {kept:.2f} of the {before} before it.",
        )
    ]
