"""How a relation of which only the name is known is put into English: as a noun ("capital"), a verb ("works_for", "wrote"), a
participle ("located_in") or a place or membership ("member_of"). Where that goes wrong, a file of wordings says it better."""

from __future__ import annotations

import re
from typing import Any

from generators.world.english import PREPOSITIONS, UNCHANGED, engine, plural, singular

STATES = frozenset(
    "affiliated aligned allied associated attached based bordered bound categorized classified composed connected "
    "considered contained covered credited dedicated derived devoted employed enclosed endangered filled followed governed "
    "headquartered housed included inhabited inspired interested involved joined kept known led limited linked located made "
    "married named opposed owned paired populated positioned preceded protected ranked related represented ruled served "
    "situated sponsored supported surrounded twinned used written".split()
)
"""Participles that say how something is, and not what once was done to it."""

IRREGULAR = frozenset(
    "born bought bred brought built caught dealt drawn driven fed felt fought found given gone grown held hurt kept known "
    "laid lent lost made meant met paid put read ridden risen run said seen sent set shot shown shut slain sold spent split "
    "spoken spread struck stuck sung sunk sworn taken taught thought thrown told torn understood won worn woven written".split()
)
PAST = frozenset(
    "became began bore bought built came cast chose drew drove fought found founded gave grew held hit invented knew led "
    "left lost made met paid painted played published ran said sang sent set shot sold spent spoke taught told took won "
    "wore wrote".split()
)
PRESENT = frozenset(
    "abbreviates accompanies acquires adjoins admires advises affects appears attends beats becomes belongs borders causes "
    "chairs coaches comes commands composes comprises connects contains controls covers creates crosses defeats depicts "
    "derives describes designs develops directs discovers earns edits employs encodes enters feeds flows follows founds "
    "gives governs grows happens has hates heads holds houses includes influences inhabits inherits inhibits inspires "
    "interacts invents joins keeps knows leads lies likes links lives loves makes manages manufactures marries meets "
    "mentors models needs neighbours occupies occurs opens opposes orbits owns paints participates performs plays precedes "
    "prefers prevents produces protects publishes receives regulates replaces represents resides rules runs sells serves "
    "signs speaks sponsors stars studies succeeds supervises supplies supports teaches trains treats uses visits wants "
    "wears wins works writes".split()
)
"""Verbs that a name may be, which without a preposition would else be taken for plurals."""

ACTIVE = frozenset(
    "acted appeared arrived attended belonged competed debuted died emigrated ended fought graduated immigrated led lived "
    "moved occurred participated performed played resided retired sang served settled starred started studied taught "
    "trained worked wrote".split()
)
"""Past verbs that take a preposition, unlike a participle: "died in"."""

HAPPENED = {"born": "was born", "died": "died", "buried": "was buried", "educated": "was educated", "based": "is based"}
"""What goes with a place or a date, of which the name tells neither."""

STARRING = {"starring": "stars", "featuring": "features", "containing": "contains"}

PLAIN = frozenset("adjacent close equal identical native next opposite part prior similar subject unlike".split())
"""What goes without an article: "part of", "next to"."""


def default_wording(name: str, object_type: str, single: bool, several: bool) -> dict[str, Any]:
    """Statements, noun phrases and a question for a relation. object_type: what its objects are. single: whether no object has
    two subjects ("the capital of", and not "a member of"). several: whether subjects have several objects ("one of the
    languages of")."""
    words = re.sub(r"[\s_-]+", " ", name).strip()
    kind = "thing" if object_type in ("thing", "") else object_type.replace("_", " ")
    if words in ("is", "is a", "is an", "be", "a"):
        return _as_noun("kind", who=False, several=several)
    if words in HAPPENED:
        return _as_verb(f"{HAPPENED[words]} {'on' if object_type == 'date' else 'in'}", kind, who=False, several=several)
    predicate = STARRING.get(words) or _predicate(words, single)
    if predicate:
        return _as_verb(predicate, kind, object_type == "person", several)
    return _as_noun(singular(words.removeprefix("has ").removeprefix("have ")), object_type == "person", several)


def _predicate(words: str, single: bool) -> str | None:
    """What follows the subject ("is located in", "works for"); None for a noun."""
    parts = words.split()
    copula = parts.pop(0) if len(parts) > 1 and parts[0] in ("is", "was", "are", "were", "been") else ""
    copula = {"are": "is", "were": "was", "been": "was"}.get(copula, copula)
    if parts[-1] not in PREPOSITIONS:
        if copula:
            return f"{copula} {_article(parts, single)}{' '.join(parts)}" if len(parts) == 1 else None
        one = parts[0] if len(parts) == 1 else ""
        return words if one in PAST or one in PRESENT or (one.endswith("ed") and len(one) > 4) else None
    before = [word for word in parts if word not in PREPOSITIONS]
    if not before:
        return f"{copula or 'is'} {' '.join(parts)}"
    first, last = before[0], before[-1]
    if first in ACTIVE and not copula:
        return words
    participle = last in IRREGULAR or (last.endswith("ed") and len(last) > 4)
    if participle:
        told = copula or ("is" if last in STATES else "was")
        return f"{told} {' '.join(parts)}"
    if copula:
        return f"{copula} {_article(before, single)}{' '.join(parts)}"
    if first in PAST or (first.endswith("s") and (first in PRESENT or (singular(first) == first and not first.endswith("ss")))):
        return words
    if len(before) == 1 and first.endswith("s") and not first.endswith("ss") and first not in UNCHANGED:
        return words
    return f"is {_article(before, single)}{' '.join(parts)}"


def _article(before: list[str], single: bool) -> str:
    """What stands before a noun that ends in a preposition."""
    if before[0] in PLAIN or before[0].endswith("ing"):
        return ""
    return "the " if single else f"{engine().a(before[0]).split()[0]} "


def _as_verb(predicate: str, kind: str, who: bool, several: bool) -> dict[str, Any]:
    if several:
        kinds, a_kind = plural(kind), engine().a(kind)
        return {
            "statements": (
                f"{{s}} {predicate} {{o}}.",
                f"{{o}} is one of the {kinds} that {{s}} {predicate}.",
                f"It is on record that {{s}} {predicate} {{o}}.",
                f"One of the {kinds} that {{s}} {predicate} is {{o}}.",
                f"{{o}} is among the {kinds} that {{s}} {predicate}.",
                f"As is well known, {{s}} {predicate} {{o}}.",
                f"Whoever asks is told that {{s}} {predicate} {{o}}.",
                f"All sources agree that {{s}} {predicate} {{o}}.",
            ),
            "nouns": tuple(f"{lead} that {{s}} {predicate}" for lead in (a_kind, f"one of the {kinds}", f"one {kind}")),
            "question": f"{'Who' if who else 'What'} are the {kinds} that {{s}} {predicate}?",
        }
    phrase, one = f"the {kind} that {{s}} {predicate}", "who" if who else "that"
    return {
        "statements": (
            f"{{s}} {predicate} {{o}}.",
            f"It is {{o}} {one} {{s}} {predicate}.",
            f"It is on record that {{s}} {predicate} {{o}}.",
            f"The {kind} that {{s}} {predicate} is {{o}}.",
            f"{{o}} is the {kind} that {{s}} {predicate}.",
            f"As is well known, {{s}} {predicate} {{o}}.",
            f"Whoever asks is told that {{s}} {predicate} {{o}}.",
            f"All sources agree that {{s}} {predicate} {{o}}.",
        ),
        "nouns": (phrase, f"the very {kind} that {{s}} {predicate}", f"the one {kind} that {{s}} {predicate}"),
        "question": f"{'Who' if who else 'What'} is {phrase}?",
    }


def _as_noun(noun: str, who: bool, several: bool) -> dict[str, Any]:
    if several:
        nouns, a_noun = plural(noun), engine().a(noun)
        return {
            "statements": (
                f"One of the {nouns} of {{s}} is {{o}}.",
                f"{{s}} has {{o}} as {a_noun}.",
                f"Among the {nouns} of {{s}} is {{o}}.",
                f"{{o}} is one of the {nouns} of {{s}}.",
                f"{{o}} is among the {nouns} of {{s}}.",
                f"{{s}} is on record with {{o}} as {a_noun}.",
                f"Asked for {a_noun} of {{s}}, some sources say {{o}}.",
                f"As {a_noun} of {{s}} one finds {{o}}.",
            ),
            "nouns": (f"{a_noun} of {{s}}", f"one of the {nouns} of {{s}}", f"one {noun} of {{s}}"),
            "question": f"{'Who' if who else 'What'} are the {nouns} of {{s}}?",
        }
    return {
        "statements": (
            f"The records give the {noun} of {{s}} as {{o}}.",
            f"{{s}} has {{o}} as {noun}.",
            f"The {noun} of {{s}} is {{o}}.",
            f"It is {{o}} that is the {noun} of {{s}}." if not who else f"It is {{o}} who is the {noun} of {{s}}.",
            f"{{o}} is the {noun} of {{s}}.",
            f"{{s}} is on record with {{o}} as {noun}.",
            f"Asked for the {noun} of {{s}}, all sources say {{o}}.",
            f"As the {noun} of {{s}} one finds {{o}}.",
        ),
        "nouns": (f"the {noun} of {{s}}", f"the {noun} that {{s}} has", f"the {noun} on record for {{s}}"),
        "question": f"{'Who' if who else 'What'} is the {noun} of {{s}}?",
    }
