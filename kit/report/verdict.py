"""What the numbers say of the claims, in words: matched, found, corrected for their family, and only then given a status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kit.report.claims import Claim, Found, Withheld
from kit.report.claims import Status as Decided
from kit.report.matching import unmatched
from kit.report.results import Results

Status = Literal["holds", "does not hold", "cannot say", "seen here", "note"]
Family = Literal["primary", "secondary", "post hoc", "note"]

ALPHA = 0.05
REPLICATES = 3
"""The fewest that a claim about training is decided by: questions are not runs."""

NUMBERS = ("none", "one", "two", "three")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One line of the verdict. claim: what it begins with, where it is of a claim."""

    status: Status
    text: str
    family: Family = "note"
    claim: str = ""


def verdict(results: Results) -> list[Sentence]:
    """A line for every claim, primary ones first, and what is to be said of the whole experiment."""
    found = [_find(results, claim) for claim in results.claims]
    families: list[Family] = [
        "post hoc" if digest not in results.declared else "primary" if claim.primary else "secondary"
        for claim, digest in zip(results.claims, results.digests, strict=True)
    ]
    levels = holm(
        [f.p if isinstance(f, Found) and _enough(f) else 1.0 for f, own in zip(found, families, strict=True) if own == "primary"]
    )
    lines = []
    for claim, each, family in zip(results.claims, found, families, strict=True):
        level = levels.pop(0) if family == "primary" else ALPHA
        lines.append(_line(claim, each, family, level))
    order: list[Family] = ["primary", "secondary", "post hoc"]
    return [*sorted(lines, key=lambda line: order.index(line.family)), *_notes(results, families)]


def holm(p: Sequence[float]) -> list[float]:
    """The level at which each claim of a family is decided, so that the chance of any error is ALPHA (Holm 1979): ALPHA over the
    number of claims whose p is no smaller. From the first that is not decided on, all are held to its level."""
    levels = [0.0] * len(p)
    stopped: float | None = None
    for rank, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        levels[i] = stopped or ALPHA / (len(p) - rank)
        if stopped is None and p[i] >= levels[i]:
            stopped = levels[i]
    return levels


def _enough(found: Found) -> bool:
    return found.replicates >= REPLICATES


def _find(results: Results, claim: Claim) -> Found | Withheld:
    missing = [arm for arm in claim.named_arms() if arm not in results.arms]
    if missing:
        return Withheld(f"there is no arm {missing[0]}")
    differing = unmatched(results, claim.compared(results.counts), (*claim.differs, *claim.inherent()))
    if differing:
        return Withheld(f"not matched in {', '.join(map(str, differing))}")
    return claim.find(results, results.counts)


def _line(claim: Claim, found: Found | Withheld, family: Family, level: float) -> Sentence:
    says = claim.says.rstrip(".")
    if isinstance(found, Withheld):
        return Sentence("cannot say", f"{says}: {found.why}.", family, says)
    questions = f"n={found.n}"
    if not _enough(found):
        of = f"{NUMBERS[found.replicates]} of the {NUMBERS[REPLICATES]} replicates it needs"
        return Sentence("seen here", f"{says}: seen here: {found.what}: {found.told(ALPHA)} ({questions}); {of}.", family, says)
    decided: Decided = found.decide(level)
    alone = "" if family == "primary" else ", unadjusted"
    asked = f"; claimed {claim.bound_text()}" if claim.bound_text() else ""
    text = f"{says}: {found.what}: {found.told(level)} ({questions}, {found.replicates} replicates{alone}{asked})."
    return Sentence(decided, text, family, says)


def _notes(results: Results, families: Sequence[Family]) -> list[Sentence]:
    lines = []
    names = results.replicates
    for base in dict.fromkeys(g["base"] for g in results.gates):
        last = [g for g in results.gates if g["base"] == base][-1]
        passed = "passed" if last["passed"] else "did not pass"
        text = f"The base of {base} {passed} its gate: it recalls {last['recall']:.2f} of the known facts"
        text += f", and its pilot scores {last['pilot']:.2f}"
        if last["extensions"]:
            text += f", after pretraining was extended {last['extensions']} time(s)"
        lines.append(Sentence("note", text + "."))
    if not families:
        lines.append(Sentence("note", "The experiment makes no claims: its tables and figures describe what was seen."))
    if families.count("primary") > 1:
        lines.append(
            Sentence("note", f"Holm's correction over {families.count('primary')} primary claims; others are not corrected.")
        )
    own = results.config["replicates"]
    shared = [f"one {key}" for key in ("world", "model") if len(names) > 1 and len({r[key] for r in own}) == 1]
    if shared:
        lines.append(Sentence("note", f"The replicates share {' and '.join(shared)}: nothing is said of any other."))
    millions = max((m.results.get("parameters", 0.0) for m in results.manifests.values()), default=0.0) / 1e6
    few = "" if len(names) > 1 else " Its intervals cover questions, not worlds or models."
    what = f"{len(names)} replicate{'s' if len(names) > 1 else ''} of a model of {millions:.1f} million parameters"
    lines.append(Sentence("note", f"{what}: another model, or another kind of world, may fare otherwise.{few}"))
    return lines
