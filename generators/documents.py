"""Facts in prose, exposure by exposure. Every document lists the facts it states, so exposure is counted, not guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from generators.relations import RELATIONS
from generators.world import World
from kit.core.records import Corpus, Document, Fact, Part
from kit.core.seeds import digest, shuffled, stream


def state(world: World, fact: Fact, paraphrase: int) -> str:
    """One sentence that states `fact`, in the given paraphrase of its relation."""
    return RELATIONS[fact.relation].statements[paraphrase].format(s=world.name(fact.subject), o=world.name(fact.object))


def _biographies(facts: Sequence[Fact], rng: np.random.Generator) -> list[list[Fact]]:
    """One document a subject, with all its facts."""
    by_subject: dict[str, list[Fact]] = {}
    for fact in facts:
        by_subject.setdefault(fact.subject, []).append(fact)
    return [shuffled(by_subject[subject], rng) for subject in shuffled(sorted(by_subject), rng)]


def _digests(facts: Sequence[Fact], rng: np.random.Generator) -> list[list[Fact]]:
    """Facts about anybody, a few a document. They teach recall in spite of other names nearby, which chains need."""
    order = shuffled(facts, rng)
    return [order[i : i + DIGEST_FACTS] for i in range(0, len(order), DIGEST_FACTS)]


def _joint_biographies(facts: Sequence[Fact], rng: np.random.Generator) -> list[list[Fact]]:
    """Two subjects' facts mixed, a few a document: names come back, and have to be told apart."""
    lives = _biographies(facts, rng)
    mixed = [shuffled([f for life in lives[i : i + 2] for f in life], rng) for i in range(0, len(lives), 2)]
    return [life[i : i + DIGEST_FACTS] for life in mixed for i in range(0, len(life), DIGEST_FACTS)]


DIGEST_FACTS = 5
STYLES: dict[str, Callable[[Sequence[Fact], np.random.Generator], list[list[Fact]]]] = {
    "biography": _biographies,
    "digest": _digests,
    "joint biography": _joint_biographies,
}
"""How one exposure of all facts is cut into documents."""


def documents(
    world: World, part: Part, corpus: Corpus, seed: int, *, exposures: int, paraphrases: int, styles: Sequence[str]
) -> Iterator[Document]:
    """`exposures` statements of every fact of `part`, exposure by exposure; the styles take turns.

    A fact goes through all its paraphrases before it repeats one, so exposures of paraphrases differ by one at most.
    """
    facts = [f for f in world.facts if f.part == part]
    turns = {f.id: [int(k) for k in stream(seed, "paraphrase", corpus, f.id).permutation(paraphrases)] for f in facts}
    for exposure in range(exposures):
        style = styles[exposure % len(styles)]
        for chosen in STYLES[style](facts, stream(seed, "documents", corpus, exposure)):
            text = " ".join(state(world, f, turns[f.id][exposure // len(styles) % paraphrases]) for f in chosen)
            yield Document(digest(corpus, text, exposure), text, tuple(f.id for f in chosen), style, exposure, corpus)


def reading_exercises(worlds: Sequence[World], seed: int, *, facts: int) -> Iterator[Document]:
    """Facts of throwaway worlds in any order, then again in other words and in the order of a walk from one to the next.

    The only way to predict the second half is to read the first, and only the second half is there to be learned: that
    names can be copied whole, and that what a sentence ends with can be what the next one is about.
    """
    for index, world in enumerate(worlds):
        rng = stream(seed, "reading", index)
        for walk in _walks(world.facts, facts, rng):
            first, second = [], []
            for fact in walk:
                a, b = (int(k) for k in rng.choice(len(RELATIONS[fact.relation].statements), size=2, replace=False))
                first.append(state(world, fact, a))
                second.append(state(world, fact, b))
            given = " ".join(shuffled(first, rng))
            text = " ".join([given, *second])
            yield Document(
                digest("reading", index, text), text, tuple(f.id for f in walk), "reading", index, "reading", len(given)
            )


def _walks(facts: Sequence[Fact], length: int, rng: np.random.Generator) -> Iterator[list[Fact]]:
    """Every fact once, `length` at a time (a shorter rest is left out), each about the object of the one before it
    wherever such a fact is left."""
    left = dict.fromkeys(shuffled(facts, rng))
    about: dict[str, list[Fact]] = {}
    for fact in left:
        about.setdefault(fact.subject, []).append(fact)
    while len(left) >= length:
        walk: list[Fact] = []
        while len(walk) < length:
            onward = [f for f in about.get(walk[-1].object, ()) if f in left] if walk else []
            walk.append(onward[0] if onward else next(iter(left)))
            del left[walk[-1]]
        yield walk
