"""English words that kit's own table does not spell out: of types and relations of one's own."""

from __future__ import annotations

from functools import cache

import inflect

PREPOSITIONS = frozenset(
    "about across after against along among around as at before behind below beside between by for from in inside into near "
    "of on onto opposite outside over through to toward towards under upon via with within without".split()
)
UNCHANGED = frozenset("alias atlas bias canvas gas headquarters lens means series species texas".split())
"""Nouns that end in s and are no plurals of others."""

IRREGULAR = {
    "children": "child",
    "people": "person",
    "men": "man",
    "women": "woman",
    "alumni": "alumnus",
    "criteria": "criterion",
}
"""Plurals without an s."""


@cache
def engine() -> inflect.engine:
    """What knows how English words change."""
    return inflect.engine()


@cache
def plural(noun: str) -> str:
    """ "gallery" → "galleries", "work of art" → "works of art"; what is plural stays."""
    one = singular(noun)
    if one == noun and PREPOSITIONS & set(noun.split()):
        one = engine().singular_noun(noun) or noun
    return noun if one != noun else str(engine().plural_noun(noun))


@cache
def singular(noun: str) -> str:
    """ "languages" → "language"; what is singular stays."""
    head, _, last = noun.rpartition(" ")
    if last in IRREGULAR:
        return f"{head} {IRREGULAR[last]}".strip()
    several = last.isascii() and last.endswith("s") and not last.endswith(("ss", "us", "is")) and last.lower() not in UNCHANGED
    found = engine().singular_noun(last) if several and not PREPOSITIONS & set(head.split()) else False
    return f"{head} {found}".strip() if found else noun
