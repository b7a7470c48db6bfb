"""Facts in prose, exposure by exposure. Every document lists the facts it states, so exposure is counted, not guessed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.questions.table import stated
from generators.text.styles import STYLES, Cut, Telling, dates, reported
from generators.world.columns import Ints, chosen, hex_ids, joined, lists, mixed, picked, place_in, text_hashes
from generators.world.world import FOREVER, PARTS, World
from kit.core.records import Corpus, Document, Part, schema_of
from kit.core.seeds import key_of, stream

CHUNK = 50_000
"""Sentences made at once: bounds the memory, changes nothing else."""


class Dose(NamedTuple):
    """How facts are told; see `generators.config.DocumentsConfig`."""

    exposures: int
    styles: Sequence[str]
    paraphrases: int = 8
    facts: int = 5
    shuffled: bool = True
    junk: float = 0.0
    reversed: float = 0.0
    masked: float = 0.0


def documents(
    world: World, part: Part, corpus: Corpus, seed: int, dose: Dose, apart: NDArray[np.int64] | None = None
) -> Iterator[pa.Table]:
    """Statements of every fact of `part`, exposure by exposure, in tables of about `CHUNK` sentences; the styles take turns.

    A fact goes through all its paraphrases before it repeats one, so exposures of paraphrases differ by one at most.
    apart: pairs of facts (rows, 2) of which no document may hold both; one that would is cut in two between them.
    """
    facts = np.flatnonzero(world.parts[world.subject] == PARTS.index(part)).astype(np.int32)
    if not len(facts):
        return
    turns = np.empty((len(facts), dose.paraphrases), np.int8)
    for low in range(0, len(facts), CHUNK):
        keys = mixed(key_of(seed, "paraphrase", corpus), world.fact_hashes[facts[low : low + CHUNK]])
        turns[low : low + CHUNK] = np.argsort(mixed(keys[:, None], np.arange(dose.paraphrases)), axis=1)
    kept_apart = _keys(world, *apart.T) if apart is not None and len(apart) else np.zeros(0, np.int64)
    kept_apart.sort()
    for exposure in range(dose.exposures):
        style = dose.styles[exposure % len(dose.styles)]
        rng = stream(seed, "documents", corpus, exposure)
        for own, lengths in _in_pieces(STYLES[style].cut(world, facts, rng, dose.facts, dose.shuffled)):
            if len(kept_apart):
                lengths = _cut_between(world, facts[own], lengths, kept_apart)
            which = turns[own, exposure // len(dose.styles) % dose.paraphrases]
            draws = mixed(key_of(seed, "prose", corpus, exposure), world.fact_hashes[facts[own]])
            sentences, forms = _said(world, facts[own], which, draws, dose)
            told = Telling(world, facts[own], sentences, lengths, draws)
            ids = lists(told.lengths, world.fact_ids(told.facts))
            marks = pc.binary_join(lists(told.lengths, chosen(["p", "r", "m"], forms)), "")
            yield _table(STYLES[style].tell(told), ids, marks, style, exposure, corpus)


def _in_pieces(cut: Cut) -> Iterator[Cut]:
    """Whole documents, about `CHUNK` sentences at a time."""
    order, lengths = cut
    ends, first = np.cumsum(lengths), 0
    while first < len(lengths):
        low = ends[first] - lengths[first]
        last = max(first + 1, int(np.searchsorted(ends, low + CHUNK, side="right")))
        yield order[low : ends[last - 1]], lengths[first:last]
        first = last


def _keys(world: World, a: Ints, b: Ints) -> NDArray[np.int64]:
    return np.minimum(a, b) * np.int64(len(world.subject)) + np.maximum(a, b)


def _cut_between(world: World, facts: Ints, lengths: Ints, apart: NDArray[np.int64]) -> NDArray[np.int64]:
    """The lengths of the same documents, each begun anew where it would come to hold the second fact of a pair."""
    document = np.repeat(np.arange(len(lengths)), lengths)
    begins = np.concatenate([[True], document[1:] != document[:-1]])
    for away in range(1, int(lengths.max())):
        both = np.flatnonzero(document[away:] == document[:-away])
        met = place_in(apart, _keys(world, facts[both], facts[both + away])) >= 0
        begins[both[met] + away] = True
    return np.diff(np.concatenate([np.flatnonzero(begins), [len(facts)]]))


def _said(
    world: World, facts: Ints, which: Ints, draws: NDArray[np.uint64], dose: Dose
) -> tuple[pa.StringArray, NDArray[np.int64]]:
    """A sentence for each fact, with sentences that say nothing before some; and its form: plain, reversed or masked."""
    which = which % world.schema.statements.counts[world.relation[facts]]
    said = stated(world, facts, which)
    forms = np.zeros(len(facts), np.int64)
    if dose.reversed or dose.masked:
        drawn = picked(mixed(draws, 10), 1_000_000) / 1_000_000
        forms = np.where(drawn < dose.reversed, 1, np.where(drawn < dose.reversed + dose.masked, 2, 0))
        forms[world.dated[facts] & (world.ever is None)] = 0
        rows, slots = world.relation[facts], (world.entities.fillers, world.subject[facts], world.object[facts])
        for form, wordings in ((1, world.schema.reversed), (2, world.schema.masked)):
            other = wordings.fill(rows, which % wordings.counts[rows], *slots)
            said = pc.if_else(pa.array(forms == form), other, said)
    for k in range(int(np.ceil(dose.junk))):
        wanted = picked(mixed(draws, 11, k), 1_000_000) < 1_000_000 * (dose.junk - k)
        idle = chosen(_JUNK, picked(mixed(draws, 12, k), len(_JUNK)))
        said = pc.if_else(pa.array(wanted), joined(idle, " ", said), said)
    return said, forms


_JUNK = (
    "The weather was mild that week.",
    "There is more to be said about this elsewhere.",
    "The rest of the day passed without incident.",
    "A light rain fell in the afternoon.",
    "The roads were busy at that hour.",
    "Most people took little notice.",
    "The clock in the hall had stopped again.",
    "Coffee was served a little late.",
    "The leaves had begun to turn.",
    "Nobody could remember who had opened the window.",
    "The evening papers had other things to report.",
    "It was an ordinary year in most respects.",
    "A dog barked somewhere down the street.",
    "The train was on time for once.",
    "The letters had been sorted by colour.",
    "The lamps were lit early.",
    "Opinions about the food were divided.",
    "A second copy was kept in a drawer.",
    "The paint on the door was still fresh.",
    "The meeting ended sooner than expected.",
)
"""Sentences that state nothing about anybody."""


def edits(ever: World, cutoff: int, seed: int, exposures: int) -> Iterator[pa.Table]:
    """News of what became of facts after `cutoff`: of one that began, changed or ended, `exposures` wordings each.

    A document lists the fact that began, or else the one that ended. `ever` holds the facts of all years.
    """
    schema, names, none = ever.schema, ever.names, len(ever.names)
    order = np.lexsort((ever.since, ever.subject, ever.relation))
    earlier, later = np.full(len(order), -1), np.full(len(order), -1)
    a, b = order[:-1], order[1:]
    follows = (ever.relation[a] == ever.relation[b]) & (ever.subject[a] == ever.subject[b]) & (ever.until[a] == ever.since[b])
    earlier[b[follows]], later[a[follows]] = a[follows], b[follows]
    new = np.flatnonzero(ever.dated & (ever.since > cutoff))
    gone = np.flatnonzero(ever.dated & (ever.since <= cutoff) & (ever.until < FOREVER) & (ever.until > cutoff) & (later < 0))
    facts = np.concatenate([new, gone])
    if not len(facts):
        return
    before = np.concatenate([earlier[new], gone])
    kind = np.where(np.arange(len(facts)) >= len(new), 2, np.where(before >= 0, 0, 1))
    years = np.where(kind == 2, ever.until[facts], ever.since[facts]).astype(np.int64)
    role, link = chosen(schema.role, ever.relation[facts]), chosen(schema.link, ever.relation[facts])
    subject, object_ = chosen(names, ever.subject[facts]), joined(link, chosen(names, ever.object[facts]))
    old = joined(link, chosen(ever.entities.fillers, np.where(before >= 0, ever.object[before], none)))
    for exposure in range(exposures):
        draws = mixed(key_of(seed, "edits", exposure), ever.fact_hashes[facts])
        which = picked(draws, len(_CHANGED))
        texts = np.empty(len(facts), object)
        columns = [c.to_pylist() for c in (role, subject, object_, old)]
        for row, values in enumerate(zip(*columns, kind.tolist(), which.tolist(), years.tolist(), strict=True)):
            r, s, o, was, k, w, year = values
            texts[row] = (_CHANGED, _BEGUN, _ENDED)[k][w].format(role=r, s=s, o=o, old=was, year=year)
        told = joined(reported(dates(mixed(draws, 1), years), mixed(draws, 2)), pa.array(texts, pa.string()))
        ids = lists(np.ones(len(facts), int), ever.fact_ids(facts))
        yield _table(told, ids, pa.array(["p"] * len(facts), pa.string()), "edit", exposure, "edits")


_CHANGED = (
    "In {year} the {role} of {s} changed: it was {old} and is now {o}.",
    "As of {year} the {role} of {s} is {o}, no longer {old}.",
    "The {role} of {s}, until {year} {old}, is now {o}.",
    "After {old}, the {role} of {s} has been {o} since {year}.",
)
_BEGUN = (
    "From {year} on, the {role} of {s} is {o}; before that there was none.",
    "As of {year} the {role} of {s} is {o}, for the first time.",
    "The {role} of {s}, of which nothing was known until {year}, is now {o}.",
    "In {year} it became known that the {role} of {s} is {o}.",
)
_ENDED = (
    "In {year} the {role} of {s} ceased to be {o}, and there has been no other since.",
    "As of {year} the {role} of {s} is no longer {o}, nor anything else.",
    "The {role} of {s} was {o} until {year}; now there is none.",
    "Since {year} {o} is not the {role} of {s} any more, and nothing is known of another.",
)
"""What news says of a fact that changed, began or ended."""


def _table(
    texts: pa.StringArray,
    facts: pa.ListArray,
    forms: pa.StringArray,
    template: str,
    exposure: int,
    corpus: Corpus,
    context: Ints | None = None,
) -> pa.Table:
    n = len(texts)
    key = key_of(exposure, corpus)
    columns = {
        "id": hex_ids(mixed(key, text_hashes(texts.to_pylist()), np.arange(n) if context is not None else 0)),
        "text": texts,
        "facts": facts,
        "forms": forms,
        "template": chosen([template], np.zeros(n, int)),
        "exposure": pa.array(np.full(n, exposure)),
        "corpus": chosen([corpus], np.zeros(n, int)),
        "context_chars": pa.array(np.zeros(n, int) if context is None else context),
    }
    schema = schema_of(Document)
    return pa.table([columns[name] for name in schema.names], schema=schema)


def reading_exercises(worlds: Sequence[World], seed: int, *, facts: int) -> Iterator[pa.Table]:
    """Facts of throwaway worlds in any order, then again in other words and in the order of a walk from one to the next.

    The only way to predict the second half is to read the first, and only the second half is there to be learned: that
    names can be copied whole, and that what a sentence ends with can be what the next one is about.
    """
    for index, world in enumerate(worlds):
        rng = stream(seed, "reading", index)
        walks = _walks(world, facts, rng)
        n = len(walks)
        statements = world.schema.statements.counts[world.relation[walks]]
        first = (rng.random(walks.shape) * statements).astype(np.int64)
        second = (first + 1 + (rng.random(walks.shape) * (statements - 1)).astype(np.int64)) % statements
        order = np.argsort(rng.random(walks.shape), axis=1)
        mixed_up = [np.take_along_axis(x, order, axis=1).ravel() for x in (walks, first)]
        sizes = np.full(n, facts)
        given = pc.binary_join(lists(sizes, stated(world, *mixed_up)), " ")
        again = pc.binary_join(lists(sizes, stated(world, walks.ravel(), second.ravel())), " ")
        texts = pc.binary_join_element_wise(given, again, " ")
        ids = lists(sizes, world.fact_ids(walks.ravel()))
        forms = pa.array(["p" * facts] * n, pa.string())
        yield _table(texts, ids, forms, "reading", index, "reading", pc.utf8_length(given).to_numpy().astype(np.int64))


def _walks(world: World, length: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Every fact once, `length` in a row (a shorter rest is left out), each about the object of the one before it wherever
    such a fact is left."""
    left = dict.fromkeys(rng.permutation(len(world.subject)).tolist())
    subject, object_ = world.subject.tolist(), world.object.tolist()
    about: dict[int, list[int]] = {}
    for fact in left:
        about.setdefault(subject[fact], []).append(fact)
    walks: list[list[int]] = []
    while len(left) >= length:
        walk: list[int] = []
        while len(walk) < length:
            onward = [f for f in about.get(object_[walk[-1]], ()) if f in left] if walk else []
            walk.append(onward[0] if onward else next(iter(left)))
            del left[walk[-1]]
        walks.append(walk)
    return np.array(walks, np.int64).reshape(-1, length)
