"""Document styles: how the statements of all facts are cut into documents, and how a document is put together from them.
A style is a function that cuts (and one that tells, where sentences in a row would not do) and a line of `STYLES`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.world.columns import Ints, chosen, joined, lists, mixed, picked, years_told
from generators.world.world import FOREVER, World

Cut = tuple[Ints, NDArray[np.int64]]
"""Positions in the order they are stated, and how many go into each document."""


class Telling(NamedTuple):
    """Documents to be put together: their facts, their sentences one after the other, and how many each has."""

    world: World
    facts: Ints
    sentences: pa.StringArray
    lengths: NDArray[np.int64]
    draws: NDArray[np.uint64]
    """One for each sentence."""

    @property
    def firsts(self) -> NDArray[np.int64]:
        """The place of each document's first sentence."""
        return np.cumsum(self.lengths) - self.lengths

    def joined(self, separator: str = " ") -> pa.StringArray:
        return pc.binary_join(lists(self.lengths, self.sentences), separator)


class Style(NamedTuple):
    """cut: from a world, facts of it, a generator, the wanted facts a document and whether to shuffle, to a cut of them.
    tell: from its facts and sentences to the text of each document."""

    cut: Callable[[World, Ints, np.random.Generator, int, bool], Cut]
    tell: Callable[[Telling], pa.StringArray] = Telling.joined


LONGEST = 60
"""Most facts of one subject in a document."""


def runs(labels: Ints) -> NDArray[np.int64]:
    """The lengths of the runs of equal labels."""
    if not len(labels):
        return np.zeros(0, np.int64)
    changes = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    return np.diff(np.concatenate([[0], changes, [len(labels)]]))


def _by_subject(world: World, facts: Ints, rng: np.random.Generator, size: int, shuffled: bool) -> Cut:
    """One document a subject, with all its facts; several where it has more than anybody reads at once."""
    subjects = world.subject[facts]
    rank = rng.permutation(int(subjects.max()) + 1).astype(np.int32)[subjects]
    within = rng.permutation(len(subjects)) if shuffled else np.arange(len(subjects))
    order = np.lexsort((within.astype(np.int32), rank)).astype(np.int32)
    lengths = runs(rank[order])
    parts = -(-lengths // LONGEST)
    if parts.max(initial=1) > 1:
        # Of about the same length, so that none holds a few only.
        more = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
        whole, left = (np.repeat(column, parts) for column in np.divmod(lengths, parts))
        lengths = whole + (more < left)
    return order, lengths


def _anybody(world: World, facts: Ints, rng: np.random.Generator, size: int, shuffled: bool) -> Cut:
    """Facts about anybody, a few a document. They teach recall in spite of other names nearby, which chains need."""
    order = rng.permutation(len(facts))
    return order, runs(np.arange(len(order)) // size)


def _two_subjects(world: World, facts: Ints, rng: np.random.Generator, size: int, shuffled: bool) -> Cut:
    """Two subjects' facts mixed, a few a document: names come back, and have to be told apart."""
    order, lengths = _by_subject(world, facts, rng, size, shuffled)
    pair = np.repeat(np.arange(len(lengths)) // 2, lengths)
    order = order[np.lexsort((rng.permutation(len(order)), pair))]
    sizes = runs(pair)
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return order, runs(pair * (len(order) + 1) + place // size)


def _one_fact(world: World, facts: Ints, rng: np.random.Generator, size: int, shuffled: bool) -> Cut:
    """A document for every fact."""
    return rng.permutation(len(facts)), np.ones(len(facts), np.int64)


def _few_of_a_subject(world: World, facts: Ints, rng: np.random.Generator, size: int, shuffled: bool) -> Cut:
    """Up to three facts of one subject a document."""
    order, lengths = _by_subject(world, facts, rng, size, shuffled)
    place = np.arange(len(order)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return order, runs(np.repeat(np.arange(len(lengths)), lengths) * (len(order) + 1) + place // 3)


def _pairs(world: World, facts: Ints, rng: np.random.Generator, size: int, shuffled: bool) -> Cut:
    """Two subjects with the same object a document, as far as there are such; else one fact."""
    relation, object_ = world.relation[facts].astype(np.int64), world.object[facts].astype(np.int64)
    order = np.lexsort((rng.permutation(len(facts)), object_, relation))
    group = np.cumsum(np.concatenate([[0], (np.diff(relation[order]) != 0) | (np.diff(object_[order]) != 0)]))
    sizes = runs(group)
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    lengths = runs(group * (len(order) + 1) + place // 2)
    # The documents themselves in a new order each time.
    rank = rng.permutation(len(lengths))
    return order[np.argsort(np.repeat(rank, lengths), kind="stable")], lengths[np.argsort(rank, kind="stable")]


def in_pairs(pairs: NDArray[np.int64], rng: np.random.Generator) -> Cut:
    """The two facts of each pair a document, in any order."""
    order = rng.permuted(rng.permutation(pairs), axis=1).ravel()
    return order, np.full(len(pairs), 2)


def _article(told: Telling) -> pa.StringArray:
    """A title, what it is, and what there is to say."""
    world, subjects = told.world, told.world.subject[told.facts[told.firsts]].astype(np.int64)
    kinds = chosen([*world.schema.called.values()], world.kinds[subjects])
    return joined(chosen(world.names, subjects), " (", kinds, ")\n\n", told.joined())


_GREETINGS = ("Dear friend,", "My dear cousin,", "Dear neighbour,", "To whom it may concern,", "Dear colleague,")
_ASKED_ABOUT = (
    "You asked me about {}.",
    "You wanted to hear of {}.",
    "Here is what I was told about {}.",
    "I have found out more about {}.",
)


def _letter(told: Telling) -> pa.StringArray:
    """A greeting, whom the letter is about, and what there is to say."""
    subjects = chosen(told.world.entities.spoken, told.world.subject[told.facts[told.firsts]])
    draws = told.draws[told.firsts]
    opener = picked(mixed(draws, 1), len(_ASKED_ABOUT))
    before, after = ([text.split("{}")[k] for text in _ASKED_ABOUT] for k in (0, 1))
    lead = joined(chosen(before, opener), subjects, chosen(after, opener))
    return joined(chosen(_GREETINGS, picked(draws, len(_GREETINGS))), "\n\n", lead, " ", told.joined())


_MONTHS = "January February March April May June July August September October November December".split()
_NEWS = (
    "News of {}: ",
    "{}. From our correspondent: ",
    "As announced on {}: ",
    "Reported on {}: ",
    "{}, by wire: ",
    "On {} it was announced: ",
)


def dates(draws: NDArray[np.uint64], years: Ints) -> pa.StringArray:
    """A day of each year: "12 March 1987"."""
    days = pa.array([str(day) for day in range(1, 29)], pa.string())
    return joined(chosen(days, picked(draws, 28)), " ", chosen(_MONTHS, picked(mixed(draws, 1), 12)), " ", years_told(years))


def _news(told: Telling) -> pa.StringArray:
    """A date before the statement: of the year in which the fact ended or, if it holds still, of one after that in which it began
    (what began in the last of all holds as of then, not "to this day"); or of any of those told of, but not before the year that
    the fact names, nor before those it is about were there, and grown."""
    world, first = told.world, told.facts[told.firsts]
    draws = told.draws[told.firsts]
    told_of = world.since[world.dated] if world.dated.any() else np.array([1950, 1999])
    since, until = (column[first].astype(np.int64) for column in (world.since, world.until))
    later = since + 1 + picked(mixed(draws, 4), np.maximum(told_of.max() - since, 1))
    changed = np.where(until < FOREVER, until, np.minimum(later, told_of.max()))
    any_year = told_of.min() + picked(mixed(draws, 2), int(told_of.max()) - int(told_of.min()) + 1)
    named = np.where(
        world.kinds[world.object[first]] == world.schema.kind("year"), world.entities.amounts[world.object[first]], 0
    )
    there = np.maximum(_grown(world)[world.subject[first]], _grown(world)[world.object[first]])
    years = np.where(world.dated[first], changed, np.maximum(any_year, np.maximum(named, there)))
    fresh = pa.array(world.dated[first] & (until == FOREVER) & (since == years))
    texts = told.joined()
    texts = pc.if_else(fresh, pc.replace_substring_regex(texts, _STILL, r"As of \1, "), texts)
    return joined(reported(dates(draws, years), mixed(draws, 3)), texts)


_STILL = r"\b(?:From|Ever since|As has been the case since|Since) (\d{4})(?: to this day|,)? "
"""How sentences of `_HOLDS` begin that say when something began."""


GROWN = 18
"""The age of a person in the news."""


def _grown(world: World) -> NDArray[np.int64]:
    """The year from which something is told of each entity, as far as a fact says when it came to be."""
    world = world.told or world
    if "grown" not in world.kept:
        found = np.zeros(world.size, np.int64)
        for code, relation in enumerate(world.schema.relations):
            if relation.span:
                low, high = world.bounds[code : code + 2]
                found[world.subject[low:high]] = world.entities.amounts[world.object[low:high]]
        person = world.kinds == world.schema.kind("person")
        world.kept["grown"] = found + np.where(person & (found > 0), GROWN, 0)
    grown: NDArray[np.int64] = world.kept["grown"]
    return grown


def reported(when: pa.StringArray, draws: NDArray[np.uint64]) -> pa.StringArray:
    """How news begins: "Reported on 12 March 1987: "."""
    opener = picked(draws, len(_NEWS))
    before, after = ([text.split("{}")[k] for text in _NEWS] for k in (0, 1))
    return joined(chosen(before, opener), when, chosen(after, opener))


def _dialogue(told: Telling) -> pa.StringArray:
    """Every statement as the answer to its question."""
    world, codes = told.world, told.world.relation[told.facts].astype(np.int64)
    asked = world.schema.asked.fill(codes, world.entities.fillers, world.subject[told.facts])
    if world.dated.any():
        # Of what changes, a year is asked about in which it was so, and none that is yet to come.
        nouns = world.schema.past_nouns.fill(codes, world.entities.fillers, world.subject[told.facts])
        since, until = (column[told.facts].astype(np.int64) for column in (world.since, world.until))
        latest = int(world.since[world.dated].max())
        year = years_told(np.minimum(np.where(until - since > 1, since + 1, since), latest))
        asked = pc.if_else(pa.array(world.dated[told.facts]), joined("What was ", nouns, " in ", year, "?"), asked)
    lines = joined("A: ", asked, "\nB: ", told.sentences)
    return told._replace(sentences=lines).joined("\n")


_ALIKE = (
    "{} and {} have something in common: the same {}. ",
    "What links {} and {} is the same {}. ",
    "{} and {} share their {}. ",
    "Compare {} and {}, who have the same {}. ",
)


_NAMING = {"year": "the year ", "number": "the number ", "profession": "the trade of ", "instrument": "the "}
"""What stands before the members of types that are no names."""


def _entity_pair(told: Telling) -> pa.StringArray:
    """What two have in common, then both statements; one fact by itself as what connects subject and object."""
    world, firsts = told.world, told.firsts
    one = told.facts[firsts]
    two = told.facts[np.minimum(firsts + 1, len(told.facts) - 1)]
    role = chosen(world.schema.role, world.relation[one])
    names = [chosen(world.entities.spoken, world.subject[f]) for f in (one, two)]
    draws = told.draws[firsts]
    person = world.kinds[world.subject[one]] == world.schema.kind("person")
    opener = picked(draws, len(_ALIKE) - 1) + (person & (picked(mixed(draws, 1), 3) == 0))
    parts = [pa.array([text.split("{}")[k] for text in _ALIKE], pa.string()).take(pa.array(opener)) for k in range(4)]
    first = chosen(world.entities.opening, world.subject[one])
    alike = joined(
        parts[0], pc.if_else(pa.array(pc.equal(parts[0], "")), first, names[0]), parts[1], names[1], parts[2], role, parts[3]
    )
    before = pa.array([_NAMING.get(kind, "") for kind in world.schema.types], pa.string())
    object_ = joined(chosen(before, world.kinds[world.object[one]]), chosen(world.entities.spoken, world.object[one]))
    single = joined("What connects ", names[0], " with ", object_, "? ")
    # Facts with years may be of different times, and some relations have no word for what is shared.
    sayable = pc.and_(pc.not_equal(role, ""), pa.array(~(world.dated[one] | world.dated[two])))
    beside = joined("On ", names[0], " and ", names[1], ": ")
    lead = pc.if_else(pa.array(told.lengths == 2), pc.if_else(sayable, alike, beside), single)
    return joined(lead, told.joined())


STYLES: dict[str, Style] = {
    "biography": Style(_by_subject),
    "digest": Style(_anybody),
    "joint biography": Style(_two_subjects),
    "statement": Style(_one_fact),
    "encyclopedia": Style(_by_subject, _article),
    "news": Style(_one_fact, _news),
    "dialogue": Style(_few_of_a_subject, _dialogue),
    "entity pair": Style(_pairs, _entity_pair),
    "letter": Style(_few_of_a_subject, _letter),
}
"""biography: all of one subject. digest: facts about anybody. joint biography: two subjects mixed. statement: one fact.
encyclopedia: all of one subject under its name. news: one fact with a date. dialogue: a subject's facts asked and answered.
entity pair: two with the same object, in the manner of EntiGraph (arXiv 2409.07431), whose texts each relate two entities.
letter: a few of a subject's facts, told to somebody."""
