"""What the numbers say of the claims, in words: matched, found, corrected for their family, and only then given a status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from kit.report.claims import Claim, Counts, Found, Withheld
from kit.report.claims import Status as Decided
from kit.report.results import Results
from kit.report.shown import Mismatch, Training, mismatches

Status = Literal["holds", "does not hold", "cannot say", "seen here", "not seen here", "undecided here", "note"]
Family = Literal["primary", "secondary", "post hoc", "note"]

ALPHA = 0.05
REPLICATES = 3
"""The fewest that a claim about training is decided by: questions are not runs."""

HERE: dict[Decided, Status] = {"holds": "seen here", "does not hold": "not seen here", "cannot say": "undecided here"}
"""What is said of too few replicates, by where their interval lies."""

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
    trained = _trained(results)
    apart = [differing(claim, results.counts, trained) for claim in results.claims]
    found = [_find(results, claim, own) for claim, own in zip(results.claims, apart, strict=True)]
    families: list[Family] = [
        "post hoc" if digest not in results.declared else "primary" if claim.primary else "secondary"
        for claim, digest in zip(results.claims, results.digests, strict=True)
    ]
    # Primary claims that were put down and are made no more still count: else leaving some out would help the others.
    gone = [told for digest, told in results.declared.items() if digest not in results.digests]
    own = [
        f.p if isinstance(f, Found) and _enough(f) else 1.0 for f, kind in zip(found, families, strict=True) if kind == "primary"
    ]
    levels = holm([*own, *(1.0 for told in gone if told["primary"])])
    lines = []
    for claim, each, family, differs in zip(results.claims, found, families, apart, strict=True):
        level = levels.pop(0) if family == "primary" else ALPHA
        lines.append(_line(claim, each, family, level, differs))
    order: list[Family] = ["primary", "secondary", "post hoc"]
    notes = _notes(results, families, [str(told["says"]) for told in gone])
    return [*sorted(lines, key=lambda line: order.index(line.family)), *notes]


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


Trained = Mapping[tuple[str, int], Training]
"""What the arms of a replicate were shown, by arm and count."""


def _trained(results: Results) -> list[Trained]:
    return [
        {(c.arm, c.count): c.training for c in results.cells if c.replicate == replicate}
        for replicate in range(len(results.config["replicates"]))
    ]


def differing(claim: Claim, counts: Counts, replicates: Sequence[Trained]) -> list[Mismatch]:
    """What the cells of a claim differ in, in any replicate, but for what its kind is about."""
    found: dict[str, Mismatch] = {}
    keys = list(dict.fromkeys((cell.arm, cell.count) for cell in claim.compared(counts)))
    for there in replicates:
        for a, b in combinations([there[key] for key in keys if key in there], 2):
            for each in mismatches(a, b):
                found.setdefault(each.what, each)
    return [each for each in found.values() if not _named(each, claim.inherent())]


def _named(mismatch: Mismatch, names: Sequence[str]) -> bool:
    """Whether it is named, by itself or by its source."""
    return any(mismatch.what == name or mismatch.what.startswith(f"{name} ") for name in names)


def unnamed(claim: Claim, differing: Sequence[Mismatch]) -> list[str]:
    """What of it the claim does not name, in words."""
    return [str(each) for each in differing if not _named(each, claim.differs)]


def _find(results: Results, claim: Claim, differing: Sequence[Mismatch]) -> Found | Withheld:
    unmatched = unnamed(claim, differing)
    return Withheld(f"not matched in {', '.join(unmatched)}") if unmatched else claim.find(results, results.counts)


def _line(claim: Claim, found: Found | Withheld, family: Family, level: float, differing: Sequence[Mismatch]) -> Sentence:
    says = claim.says.rstrip(".")
    if isinstance(found, Withheld):
        return Sentence("cannot say", f"{says}: {found.why}.", family, says)
    questions = f"n={found.n}"
    differs = f"; the arms differ, as named, in {', '.join(each.what for each in differing)}" if differing else ""
    asked = f"; claimed {claim.bound_text()}" if claim.bound_text() else ""
    if not _enough(found):
        of = f"{NUMBERS[found.replicates]} of the {NUMBERS[REPLICATES]} replicates it needs"
        text = f"{says}: {found.what}: {found.told(ALPHA)} ({questions}{asked}); {of}{differs}."
        return Sentence(HERE[found.decide(ALPHA)], text, family, says)
    decided: Decided = found.decide(level)
    alone = "" if family == "primary" else ", unadjusted"
    text = f"{says}: {found.what}: {found.told(level)} ({questions}, {found.replicates} replicates{alone}{asked}){differs}."
    return Sentence(decided, text, family, says)


def _notes(results: Results, families: Sequence[Family], gone: Sequence[str]) -> list[Sentence]:
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
    primary = sum(told["primary"] for told in results.declared.values())
    if primary > 1:
        lines.append(Sentence("note", f"Holm's correction is kept over {primary} primary claims; the others are not corrected."))
    if gone:
        lines.append(Sentence("note", f"Put down before the run and no longer made: {'; '.join(gone)}."))
    if results.first != results.config["replicates"]:
        told = f"The replicates were changed once results were there; at first there were {len(results.first)}."
        lines.append(Sentence("note", told))
    own = results.config["replicates"]
    shared = [f"one {key}" for key in ("world", "model") if len(names) > 1 and len({r[key] for r in own}) == 1]
    if shared:
        lines.append(Sentence("note", f"The replicates share {' and '.join(shared)}: nothing is said of any other."))
    millions = max((m.results.get("parameters", 0.0) for m in results.manifests.values()), default=0.0) / 1e6
    few = "" if len(names) > 1 else " Intervals cover questions, not worlds or models."
    size = f" of a model of {millions:.1f} million parameters" if millions else ""
    what = f"{len(names)} replicate{'s' if len(names) > 1 else ''}{size}"
    lines.append(Sentence("note", f"{what}: another model, or another kind of world, may fare otherwise.{few}"))
    return lines
