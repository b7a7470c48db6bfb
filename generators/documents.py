"""Facts in prose, exposure by exposure. Every document lists the facts it states, so exposure is counted, not guessed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generators.relations import RELATIONS
from generators.world import World
from kit.core.records import Corpus, Document, Fact, Part
from kit.core.seeds import digest, shuffled, stream


def state(world: World, fact: Fact, paraphrase: int) -> str:
    """One sentence that states `fact`, in the given paraphrase of its relation."""
    return RELATIONS[fact.relation].statements[paraphrase].format(s=world.name(fact.subject), o=world.name(fact.object))


def biographies(world: World, part: Part, corpus: Corpus, seed: int, *, exposures: int, paraphrases: int) -> Iterator[Document]:
    """`exposures` documents for every entity of `part` that is a subject, each stating all its facts once.

    The facts come in a fresh order every time. A fact goes through all its paraphrases before it repeats one, so
    exposures of paraphrases differ by one at most. Documents come exposure by exposure, entities shuffled.
    """
    by_subject: dict[str, list[Fact]] = {}
    for fact in world.facts:
        if fact.part == part:
            by_subject.setdefault(fact.subject, []).append(fact)
    turns = {
        f.id: [int(k) for k in stream(seed, "paraphrase", corpus, f.id).permutation(paraphrases)]
        for facts in by_subject.values()
        for f in facts
    }
    for exposure in range(exposures):
        rng = stream(seed, "documents", corpus, exposure)
        for subject in shuffled(sorted(by_subject), rng):
            facts = shuffled(by_subject[subject], rng)
            text = " ".join(state(world, f, turns[f.id][exposure % paraphrases]) for f in facts)
            yield Document(digest(corpus, text, exposure), text, tuple(f.id for f in facts), "biography", exposure, corpus)


def reading_exercises(worlds: Sequence[World], seed: int, *, facts: int) -> Iterator[Document]:
    """Facts of throwaway worlds, stated and then stated again in other words and another order.

    The only way to predict the second half is to read the first: what a model needs for facts in its prompt.
    """
    for index, world in enumerate(worlds):
        rng = stream(seed, "reading", index)
        order = shuffled(world.facts, rng)
        for start in range(0, len(order) - facts + 1, facts):
            chosen = order[start : start + facts]
            said = []
            first, second = [], []
            for fact in chosen:
                a, b = (int(k) for k in rng.choice(len(RELATIONS[fact.relation].statements), size=2, replace=False))
                first.append(state(world, fact, a))
                second.append(state(world, fact, b))
            said = [*first, *shuffled(second, rng)]
            text = " ".join(said)
            yield Document(digest("reading", text), text, tuple(f.id for f in chosen), "reading", index, "reading")
