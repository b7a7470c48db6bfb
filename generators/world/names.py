"""Names of two words each, by index: unique, none part of another, and no list of those given out.

The parts come from Faker's locale lists, read directly (drawing from a Faker instance one name at a time is slow, and its
`.unique` gives up), and beyond them from coined syllables. Names lie in a Latin square over the two word lists, so that
name `i` is known without the others; and they are given in a keyed order, so that no part is told by its words. A novel name is a
new combination of words that known names use: a model which has only read the known world can write it.
"""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import compress, islice, pairwise
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.world.columns import Ints, chosen, joined, permuted
from generators.world.relations import ENTITY_TYPES
from kit.core.errors import KitError
from kit.core.seeds import key_of, shuffled, stream

_LOCALES = ("en_US", "en_GB", "fr_FR", "de_DE", "it_IT", "es_ES", "nl_NL", "sv_SE")
_ENDINGS: dict[str, tuple[str, ...]] = {
    "city": ("bury", "ton", "ville", "stead", "burgh", "mouth", "field", "haven"),
}
"""Stems of these types get one of these endings."""

_FIXED_WORDS: dict[str, tuple[str, str]] = {
    "city": ("Port Lake New North East South West Fort Mount Upper Lower Old", "before"),
    "company": (
        "Labs Works Foods Motors Textiles Holdings Partners Industries Systems Brothers Dynamics Optics Trading "
        "Logistics Robotics Supplies Instruments Materials Ventures Media Energy Fabrics Outfitters Mills Press "
        "Shipping Tools Ceramics Timber Electric",
        "after",
    ),
    "team": (
        "Rovers Wanderers United Athletic Rangers Harriers Falcons Tigers Comets Pirates Giants Foxes Hornets Ravens",
        "after",
    ),
    "book": (
        "Chronicles Letters Confession Winter Garden Voyage Inheritance Testament Nocturne Elegy Riddle Portrait Diaries",
        "after",
    ),
    "river": ("Great Little Upper White Black Grey Blue Silver", "before"),
    "university": ("University College Academy Institute Polytechnic Conservatory", "after"),
}
"""Types other than persons: the ordinary words of their names, and whether they stand before or after a stem."""

SPREAD = 12
"""Combinations per name. More means that fewer names share a word, and so that they are harder to confuse."""


@cache
def real(kind: Literal["names", "stems"]) -> frozenset[str]:
    """Names that exist, in the world outside or in well-known fiction; or words of which, as the stem of a company, city or the
    like, most make such a name."""
    lines = files("generators.world").joinpath(f"real_{kind}.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


class NameRules(NamedTuple):
    """What a name may be. tokens: how many tokens each of some texts has (by a tokenizer that never joins words), at most
    `most` for a name; avoid: names that may not be given beside those that exist."""

    tokens: Callable[[Sequence[str]], Sequence[int]] | None = None
    most: int = 0
    avoid: frozenset[str] = frozenset()

    def short(self, words: Sequence[str]) -> list[str]:
        """The words that take no more than half of a name's tokens."""
        if not self.tokens:
            return list(words)
        counts = self.tokens([f" {word}" for word in words])
        return [word for word, count in zip(words, counts, strict=True) if 2 * count <= self.most]

    def allowed(self, names: Sequence[str]) -> list[bool]:
        """Which of the names may be given."""
        counts = self.tokens([f" {name}" for name in names]) if self.tokens else [0] * len(names)
        exist = real("names")
        return [
            name not in exist and name not in self.avoid and count <= self.most for name, count in zip(names, counts, strict=True)
        ]


ANY = NameRules()


def coined(seed: int, shown: Mapping[str, int], counts: Mapping[str, int], rules: NameRules) -> dict[str, pa.StringArray]:
    """`counts[type]` names of each type, none of them nested in another. Raises KitError when the words do not make them."""
    made: dict[str, pa.StringArray] = {}
    for kind, pool in pools(seed, shown, counts, rules).items():
        count, first, key = counts[kind], shown.get(kind) or counts[kind], key_of(seed, "names", kind)
        # Few names drawn at random show too few words for the others; then they show all, one after the other.
        few = first < 2 * max(len(pool.first), len(pool.second))
        names = (None if few else _given(pool, key, rules, first, count, False)) or _given(pool, key, rules, first, count, True)
        if not names:
            raise KitError(f"too many names of type {kind} are too long or exist already: ask for fewer, or allow more tokens")
        made[kind] = names
    return made


def _given(pool: Pool, key: int, rules: NameRules, first: int, count: int, each_word: bool) -> pa.StringArray | None:
    """`count` names that are allowed, all made of words that the `first` of them show; None where there are not as many."""
    size, tried = len(pool.first) * len(pool.second), count
    while True:
        names = pool.names(pool.drawn(key, tried, each_word))
        told = names.to_pylist()
        allowed = np.array(rules.allowed(told), bool)
        spoken = {word for name in _first(told, allowed, first) for word in name.split(" ")}
        if not each_word and 2 * count > math.prod(len(spoken.intersection(words)) for words in (pool.first, pool.second)):
            # Nothing would be left for the names of throwaway worlds.
            return None
        if len(spoken) < len(pool.first) + len(pool.second):
            allowed &= np.array([spoken.issuperset(name.split(" ")) for name in told], bool)
        if (lacking := count - int(allowed.sum())) <= 0:
            # Which of the first shows a word first says nothing.
            order = np.concatenate([permuted(first, key, 0, first), np.arange(first, count)])
            return names.filter(pa.array(allowed)).take(pa.array(order))
        if tried == size:
            return None
        tried = min(size, tried + max(16, lacking))


def _first(names: Sequence[str], allowed: NDArray[np.bool_], count: int) -> Iterator[str]:
    """The first `count` of the allowed ones."""
    return islice(compress(names, allowed.tolist()), count)


class Pool(NamedTuple):
    """A name is `first[i] + " " + second[j]`; `turns` is how far each row of the square is turned."""

    first: list[str]
    second: list[str]
    turns: Ints

    def drawn(self, key: int, count: int, each_word: bool) -> NDArray[np.int64]:
        """The indices of `count` names, in a keyed order; each_word: after those that show every word once."""
        row, size = max(len(self.first), len(self.second)) if each_word else 0, len(self.first) * len(self.second)
        return np.concatenate([np.arange(min(row, count)), row + permuted(size - row, key, 0, max(0, count - row))])

    def names(self, indices: Ints) -> pa.StringArray:
        """The names of these indices, below `len(first) * len(second)`."""
        a, b = len(self.first), len(self.second)
        row, place = indices // max(a, b), indices % max(a, b)
        turned = place + self.turns[row]
        i, j = (place, turned % b) if a >= b else (turned % a, place)
        return joined(chosen(self.first, i), " ", chosen(self.second, j))


def _unnested(words: Sequence[str]) -> list[str]:
    """Sorted, without those that begin another ("Ford" beside "Fordham"), so that no name is part of another."""
    return [w for w, after in pairwise([*sorted(set(words)), ""]) if not after.startswith(w)]


def _faker_words(kind: str) -> list[str]:
    """The plain-ASCII capitalised words of Faker's person lists (`first_names` or `last_names`), less those that want a second
    capital, such as Mcpherson."""
    words: set[str] = set()
    for locale in _LOCALES:
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        words.update(w for w in getattr(provider, kind) if re.fullmatch(r"(?!Mc)[A-Z][a-z]{2,9}", w))
    return _unnested(list(words))


_SYLLABLES = ("b d f g k l m n p r s t v z".split(), "a e i o u".split())
_ENDS = "l m n r s".split()


def _coined_words(count: int, key: int) -> list[str]:
    """`count` words of one pattern (three syllables and an end), so that none begins another."""
    wheels = [*_SYLLABLES, *_SYLLABLES, *_SYLLABLES, _ENDS]
    left = permuted(math.prod(map(len, wheels)), key, 0, count)
    if len(left) < count:
        raise KitError(f"there are no {count} coined words: ask for fewer entities")
    letters = []
    for wheel in wheels:
        letters.append(np.array(wheel)[left % len(wheel)])
        left = left // len(wheel)
    return ["".join(word).capitalize() for word in zip(*letters, strict=True)]


def pools(seed: int, shown: Mapping[str, int], counts: Mapping[str, int], rules: NameRules = ANY) -> dict[str, Pool]:
    """Pools for `counts[type]` names a type, the first `shown[type]` of which use every word.

    There are about SPREAD times as many combinations as names asked for, no word serves two types or both positions.
    Raises KitError when the words that the shown names have room for do not make `counts`.
    """
    rng = stream(seed, "names", "pools")
    firsts = rules.short(_faker_words("first_names"))
    taken = set(firsts)
    lasts = rules.short([w for w in _faker_words("last_names") if w not in taken])
    plain = real("stems")
    sizes = {kind: _sizes(kind, shown.get(kind) or count, count, len(firsts)) for kind, count in counts.items() if count}
    need = sum(stems for _, stems in sizes.values())
    if need > len(lasts):
        more = rules.short(_coined_words(2 * need, key_of(seed, "names", "coined")))
        lasts = [w for w in _unnested([*lasts, *more]) if w not in taken]
    if need > len(lasts):
        raise KitError(f"only {len(lasts)} of the {need} words that names need are short enough: allow a name more tokens")
    given, family = iter(shuffled(firsts, rng)), iter(shuffled(lasts, rng))
    result: dict[str, Pool] = {}
    for kind in ENTITY_TYPES:
        if kind not in sizes:
            continue
        words, place = _FIXED_WORDS.get(kind, ("", "before"))
        usual = list(islice(given if kind == "person" else iter(shuffled(rules.short(words.split()), rng)), sizes[kind][0]))
        stems = list(islice((w for w in family if kind == "person" or w not in plain), sizes[kind][1]))
        if ends := _ENDINGS.get(kind):
            stems = [stem + ends[i] for stem, i in zip(stems, rng.integers(len(ends), size=len(stems)), strict=True)]
        if len(usual) * len(stems) < counts[kind]:
            raise KitError(
                f"{len(usual)} times {len(stems)} words make no {counts[kind]} names of type {kind}: ask for fewer, or for "
                "more in the known part, whose names show the words"
            )
        first, second = (usual, stems) if place == "before" else (stems, usual)
        result[kind] = Pool(first, second, rng.permutation(min(len(first), len(second))))
    return result


def _sizes(kind: str, shown: int, count: int, given: int) -> tuple[int, int]:
    """How many usual words (given names, or the fixed words of a type) and how many stems make `count` names well apart,
    when the first `shown` have to use them all: half as many as these, if that makes names enough, so that words come up
    as chance has it and not in turn, which would tell who was named first."""
    half = -(-shown // 2)
    if kind == "person":
        side = min(shown, math.isqrt(SPREAD * count) + 1, max(half, math.isqrt(2 * count) + 1))
        usual = min(side, given)
        return usual, max(side, min(shown, -(-SPREAD * count // usual), max(half, -(-2 * count // usual))))
    usual = min(shown, len(_FIXED_WORDS[kind][0].split()))
    return usual, max(2, min(shown, -(-SPREAD * count // usual), max(half, -(-2 * count // usual))))


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
