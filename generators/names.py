"""Names of two words each, drawn by index from seeded pools: unique, none part of another, every part shown by the known world.

The parts come from Faker's locale lists, read directly (drawing from a Faker instance one name at a time is slow, and
its `.unique` gives up). A novel name is a new combination of parts that known names also use, so that a model which
has only read the known world can write it.
"""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Container, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np

from generators.relations import ENTITY_TYPES
from kit.core.errors import KitError
from kit.core.seeds import shuffled, stream

_LOCALES = ("en_US", "en_GB", "fr_FR", "de_DE", "it_IT", "es_ES", "nl_NL", "sv_SE")
_CITY_ENDINGS = ("bury", "ton", "ville", "stead", "burgh", "mouth", "field", "haven")
_FIXED_WORDS: dict[str, list[str]] = {
    "city": "Port Lake New North East South West Fort Mount Upper Lower Old".split(),
    "company": (
        "Labs Works Foods Motors Textiles Holdings Partners Industries Systems Brothers Dynamics Optics Trading "
        "Logistics Robotics Supplies Instruments Materials Ventures Media Energy Fabrics Outfitters Mills Press "
        "Shipping Tools Ceramics Timber Electric"
    ).split(),
    "university": "University College Academy Institute Polytechnic Conservatory".split(),
}


SPREAD = 12
"""Combinations per name. More means that fewer names share a word, and so that they are harder to confuse."""


class Pool(NamedTuple):
    """A name is `first[i] + " " + second[j]`."""

    first: list[str]
    second: list[str]


def _faker_words(kind: str) -> list[str]:
    """The plain-ASCII capitalised words of Faker's person lists (`first_names` or `last_names`), sorted, none the
    beginning of another (of "Ford" and "Fordham" only the latter is kept, so that no name is part of another)."""
    words: set[str] = set()
    for locale in _LOCALES:
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        words.update(w for w in getattr(provider, kind) if re.fullmatch(r"[A-Z][a-z]{2,9}", w))
    ordered = sorted(words)
    return [w for w, after in pairwise([*ordered, ""]) if not after.startswith(w)]


def pools(seed: int, counts: dict[str, int]) -> dict[str, Pool]:
    """Part pools for `counts[type]` names a type, with about SPREAD times as many combinations as names asked for.

    No word serves two types or both positions. Raises KitError when the word lists are too short for `counts`.
    """
    rng = stream(seed, "names", "pools")
    firsts = _faker_words("first_names")
    lasts = [w for w in _faker_words("last_names") if w not in set(firsts)]
    given, family = iter(shuffled(firsts, rng)), iter(shuffled(lasts, rng))
    result: dict[str, Pool] = {}
    for kind in ENTITY_TYPES:
        count = counts.get(kind, 0)
        if not count:
            continue
        side = max(4, math.isqrt(SPREAD * count) + 1)
        if kind == "person":
            result[kind] = Pool(list(islice(given, side)), list(islice(family, side)))
        else:
            fixed = shuffled(_FIXED_WORDS[kind], rng)[:side]
            stems = list(islice(family, max(4, math.ceil(SPREAD * count / len(fixed)))))
            if kind == "city":
                endings = [_CITY_ENDINGS[i] for i in rng.integers(len(_CITY_ENDINGS), size=len(stems))]
                result[kind] = Pool(fixed, [stem + end for stem, end in zip(stems, endings, strict=True)])
            else:
                result[kind] = Pool(stems, fixed)
        if len(result[kind].first) * len(result[kind].second) < 2 * count:
            raise KitError(f"{count} names of type {kind} are more than the name lists hold: ask for fewer")
    return result


def draw_names(seed: int, kind: str, pool: Pool, counts: dict[str, int]) -> dict[str, list[str]]:
    """`counts[part]` names for each part, in that order, all different.

    The first part's names take every word of the pool once before any combination at random, and the other parts use
    only words that the first one has shown. Raises KitError when the pool runs out.
    """
    first, *others = counts.values()
    spare = min(first, len(pool.first)) * min(first, len(pool.second)) - first
    if spare < sum(others):
        raise KitError(
            f"{first} names of type {kind} leave {spare} combinations of their words, not {sum(others)}: ask for fewer"
        )
    grid = [(i, j) for i in range(len(pool.first)) for j in range(len(pool.second))]
    diagonal = [(k % len(pool.first), k % len(pool.second)) for k in range(max(len(pool.first), len(pool.second)))]
    queue = list(dict.fromkeys([*diagonal, *shuffled(grid, stream(seed, "names", kind))]))
    result: dict[str, list[str]] = {}
    shown: list[list[str]] = []
    for part, count in counts.items():
        if result:
            firsts, seconds = ({words[k] for words in shown} for k in (0, 1))
            queue = [(i, j) for i, j in queue if pool.first[i] in firsts and pool.second[j] in seconds]
        if len(queue) < count:
            raise KitError(f"too few names of type {kind} for the {part} part: {len(queue)} of {count}; ask for fewer")
        result[part], queue = [f"{pool.first[i]} {pool.second[j]}" for i, j in queue[:count]], queue[count:]
        shown = shown or [name.split(" ") for name in result[part]]
    return result


def recombine(names: Sequence[str], taken: Container[str], count: int, rng: np.random.Generator) -> list[str]:
    """`count` different new names made of the words of `names`, none of them in `taken`.

    Raises KitError when the words do not make that many.
    """
    firsts, seconds = (sorted({name.split(" ")[k] for name in names}) for k in (0, 1))
    found: dict[str, None] = {}
    for _ in range(50 * count):
        if len(found) == count:
            break
        name = f"{firsts[rng.integers(len(firsts))]} {seconds[rng.integers(len(seconds))]}"
        if name not in taken:
            found[name] = None
    if len(found) < count:
        raise KitError(f"the words of {len(names)} names do not make {count} new ones: ask for a larger known world")
    return list(found)
