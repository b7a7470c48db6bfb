"""What the numbers say, in words. Every sentence is computed; each names what it rests on and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from kit.report.curves import Curve
from kit.report.integration import difference, integration
from kit.report.results import MEASURES, Results
from kit.stats.intervals import Estimate

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


def verdict(results: Results, curves: list[Curve]) -> list[Sentence]:
    """The sentences for this sweep, in the order of the argument: base, curves with their laws, integration, order, retention."""
    top = max(results.counts("inject")) if "inject" in results.arms else max(results.config["counts"])
    lines = _base(results)
    for curve in curves:
        lines += [_rise(results, curve), _law(results, curve), *_style(curve)]
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


def _named(results: Results, curve: Curve) -> str:
    """What is measured, to begin a sentence with: the score's name where it is not accuracy."""
    if curve.measure in MEASURES:
        return f"{curve.name.capitalize()} accuracy"
    score = results.at(curve.arm, curve.points[0][0], curve.measure)[0].scores(curve.measure)[0]
    return f"{curve.name[0].upper()}{curve.name[1:]} ({score.replace('_', ' ')})"


def _rise(results: Results, curve: Curve) -> Sentence:
    first, last = curve.points[0], curve.points[-1]
    rises = sum(b.value > a.value for (_, a), (_, b) in pairwise(curve.points))
    separated, fallen = last[1].low > first[1].high, last[1].high < first[1].low
    return Sentence(
        "holds" if separated else "does not hold" if fallen else "cannot say",
        f"{_named(results, curve)} goes from {first[1]} at D = {first[0]} to {last[1]} at D = {last[0]}, "
        f"rising at {rises} of {len(curve.points) - 1} steps.",
    )


def _law(results: Results, curve: Curve) -> Sentence:
    if not curve.fits:
        why = "; ".join(f"{form}: {reason}" for form, reason in curve.left_out.items())
        return Sentence("cannot say", f"No law of {curve.name} is fitted: {why}.")
    ranked = ", ".join(f"{f.form} {f.aicc_weight:.2f}" for f in curve.fits)
    seeds = len(results.seeds)
    if seeds < 3:
        few = "One seed claims" if seeds == 1 else "Two seeds claim"
        return Sentence("cannot say", f"{few} no law of {curve.name}. Descriptively, the AICc weights are {ranked}.")
    if curve.fits[0].form == "power":
        return Sentence("holds", f"A pure power law describes {curve.name} best (AICc weights: {ranked}).")
    return Sentence("does not hold", f"A pure power law is not the best description of {curve.name}; AICc weights: {ranked}.")


def _style(curve: Curve) -> list[Sentence]:
    """Whether what is learned is the format or the task: the paper finds that all errors follow those of reasoning."""
    taught = [(count, kinds["format"]) for count, kinds in curve.errors.items() if count and "format" in kinds]
    r = curve.reasoning_correlation()
    if r is None or not any(share.value for _, share in taught):
        return []
    (first, before), (last, after) = taught[0], taught[-1]
    text = f"Format errors of {curve.name}: {before} at D = {first}, {after} at D = {last}. Over the counts above 0 all errors"
    return [Sentence("note", f"{text} and those that are not of format correlate with r = {r:.2f} (r² = {r * r:.2f}).")]


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
