"""Facts in prose, exposure by exposure. Every document lists the facts it states, so exposure is counted, not guessed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.questions.table import seen, stated, wordings
from generators.text.styles import STYLES, Cut, Telling, dates, in_pairs, reported
from generators.world.columns import Ints, chosen, hex_ids, joined, lists, mixed, picked, place_in, text_hashes
from generators.world.schema import Schema, Wordings, filled
from generators.world.world import FOREVER, PARTS, World
from kit.core.records import Corpus, Document, Part, schema_of
from kit.core.seeds import key_of, stream

CHUNK = 50_000
"""Sentences made at once: bounds the memory, changes nothing else."""


class Dose(NamedTuple):
    """How facts are told; see `generators.config.DocumentsConfig`."""

    exposures: int
    styles: Sequence[str]
    paraphrases: int = 6
    facts: int = 5
    shuffled: bool = True
    junk: float = 0.0
    reversed: float = 0.0
    masked: float = 0.0


class Written:
    """What was written, so that no document is there twice word for word: the later one gets a sentence that says nothing. Texts
    are told by a bit for their hash, so that in a very large world now and then one gets such a sentence without need."""

    def __init__(self) -> None:
        self._bits = np.zeros(1 << 24, np.uint8)

    def distinct(self, texts: pa.StringArray) -> tuple[pa.StringArray, NDArray[np.uint64]]:
        """The texts, each now unlike all others, and their hashes."""
        hashes = text_hashes(texts.to_pylist())
        left = np.arange(len(texts))
        while len(left):
            place = hashes[left] >> np.uint64(37)
            byte, bit = place >> np.uint64(3), np.uint8(1) << (place & np.uint64(7)).astype(np.uint8)
            first = np.zeros(len(left), bool)
            first[np.unique(place, return_index=True)[1]] = True
            new = first & (self._bits[byte] & bit == 0)
            np.bitwise_or.at(self._bits, byte[new], bit[new])
            left = left[~new]
            if len(left):
                idle = chosen(IDLE, picked(mixed(hashes[left], 1), len(IDLE)))
                longer = joined(texts.take(pa.array(left)), " ", idle)
                mask = np.zeros(len(texts), bool)
                mask[left] = True
                texts = pc.replace_with_mask(texts, pa.array(mask), longer)
                hashes[left] = text_hashes(longer.to_pylist())
        return texts, hashes


def documents(
    world: World, part: Part, corpus: Corpus, seed: int, dose: Dose, written: Written,
    apart: NDArray[np.int64] | None = None, together: NDArray[np.int64] | None = None,
) -> Iterator[pa.Table]:  # fmt: skip
    """Statements of every fact of `part`, exposure by exposure, in tables of about `CHUNK` sentences; the styles take turns.

    A fact goes through all its paraphrases before it repeats one, so exposures of paraphrases differ by one at most; the known
    corpus has those too that are kept from all others. written: what there is already.
    apart: pairs of facts (rows, 2) of which no document may hold both; one that would is cut in two between them. together: pairs
    of which every document holds both, and nothing else; then they are all the facts that there are.
    """
    kept = KEPT if corpus == "known" else 0
    facts = np.flatnonzero(world.parts[world.subject] == PARTS.index(part)).astype(np.int32)
    if not len(facts):
        return
    turns = np.empty((len(facts), dose.paraphrases + kept), np.int8)
    for low in range(0, len(facts), CHUNK):
        keys = mixed(key_of(seed, "paraphrase", corpus), world.hashes(facts[low : low + CHUNK]))
        turns[low : low + CHUNK] = np.argsort(mixed(keys[:, None], np.arange(turns.shape[1])), axis=1)
    kept_apart = _keys(world, *apart.T) if apart is not None and len(apart) else np.zeros(0, np.int64)
    kept_apart.sort()
    for exposure in range(dose.exposures):
        style = dose.styles[exposure % len(dose.styles)] if together is None else "digest"
        rng = stream(seed, "documents", corpus, exposure)
        cut = STYLES[style].cut(world, facts, rng, dose.facts, dose.shuffled) if together is None else in_pairs(together, rng)
        for own, lengths in _in_pieces(cut):
            if len(kept_apart):
                lengths = _cut_between(world, facts[own], lengths, kept_apart)
            # Wordings and styles take turns, and so that in the end each style has had each wording.
            turn = (exposure + exposure // math.lcm(len(dose.styles), turns.shape[1])) % turns.shape[1]
            which = _wording(world, facts[own], turns[own, turn], dose.paraphrases)
            draws = mixed(key_of(seed, "prose", corpus, exposure), world.hashes(facts[own]))
            sentences, forms = _said(world, facts[own], which, lengths, draws, dose)
            told = Telling(world, facts[own], sentences, lengths, draws)
            ids = lists(told.lengths, world.fact_ids(told.facts))
            marks = pc.binary_join(lists(told.lengths, chosen(["p", "r", "m"], forms)), "")
            yield _table(written.distinct(STYLES[style].tell(told)), ids, marks, style, exposure, corpus)


KEPT = 2
"""Wordings of each relation that only the known corpus uses."""


def _wording(world: World, facts: Ints, turns: Ints, paraphrases: int) -> NDArray[np.int64]:
    """The wording that each turn stands for: of the first `paraphrases` one that any document may use, of the rest one kept."""
    first, count = seen(world, facts), wordings(world, facts)
    kept = first + (turns - paraphrases) % np.maximum(count - first, 1)
    return np.where((turns < paraphrases) | (count == first), turns % np.minimum(first, paraphrases), kept)


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
    world: World, facts: Ints, which: Ints, lengths: Ints, draws: NDArray[np.uint64], dose: Dose
) -> tuple[pa.StringArray, NDArray[np.int64]]:
    """A sentence for each fact, with sentences before some that say nothing or, once a document, what else its subject is called;
    and its form: plain, reversed or masked. lengths: of the documents."""
    said = stated(world, facts, which)
    forms = np.zeros(len(facts), np.int64)
    if dose.reversed or dose.masked:
        drawn = picked(mixed(draws, 10), 1_000_000) / 1_000_000
        forms = np.where(drawn < dose.reversed, 1, np.where(drawn < dose.reversed + dose.masked, 2, 0))
        for form, name in _FORMS.items():
            said = pc.if_else(pa.array(forms == form), stated(world, facts, which, name), said)
    also = world.entities.aliases.take(pa.array(world.subject[facts]))
    counts = pc.list_value_length(also).to_numpy().astype(np.int64)
    places = np.flatnonzero((counts > 0) & (picked(mixed(draws, 13), ALSO) == 0))
    if len(places):
        document = np.repeat(np.arange(len(lengths)), lengths)
        once = np.unique(document[places] * world.size + world.subject[facts[places]], return_index=True)[1]
        called = np.zeros(len(facts), bool)
        called[places[once]] = True
        place = np.cumsum(counts) - counts + picked(mixed(draws, 14), np.maximum(counts, 1))
        aliases = also.flatten().take(pa.array(np.minimum(place, counts.sum() - 1)))
        names = (world.entities.opening, world.entities.article)
        subject, article = (column.take(pa.array(world.subject[facts])) for column in names)
        said = pc.if_else(pa.array(called), joined(subject, " is also known as ", article, aliases, ". ", said), said)
    for k in range(int(np.ceil(dose.junk))):
        wanted = picked(mixed(draws, 11, k), 1_000_000) < 1_000_000 * (dose.junk - k)
        idle = chosen(IDLE, picked(mixed(draws, 12, k), len(IDLE)))
        said = pc.if_else(pa.array(wanted), joined(said, " ", idle), said)
    return said, forms


_FORMS: dict[int, Literal["reversed", "masked"]] = {1: "reversed", 2: "masked"}

ALSO = 8
"""Of so many statements about somebody with a second name one is told beside it."""

IDLE = (
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


def edits(ever: World, cutoff: int, seed: int, exposures: int, written: Written) -> Iterator[pa.Table]:
    """News of what became of facts after `cutoff`: of one that began, changed or ended, `exposures` wordings each.

    A document lists the fact that began, or else the one that ended. `ever` holds the facts of all years.
    """
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
    names, first = ever.fillers_in_time
    old = np.where(before >= 0, ever.object[before], len(names) - 1)
    wordings = _news_of(ever.schema)
    for exposure in range(exposures):
        draws = mixed(key_of(seed, "edits", exposure), ever.hashes(facts))
        row = len(_AFTER) * ever.relation[facts].astype(np.int64) + kind
        slots = (ever.subject[facts], ever.object[facts], old, ever.size + years - first)
        texts = wordings.fill(row, picked(draws, wordings.counts[row]), names, *slots)
        told = joined(reported(dates(mixed(draws, 1), years), mixed(draws, 2)), texts)
        ids = lists(np.ones(len(facts), int), ever.fact_ids(facts))
        yield _table(written.distinct(told), ids, pa.array(["p"] * len(facts), pa.string()), "edit", exposure, "edits")


_AFTER = (
    (
        "Since {y} {since}; until then {old_was}.",
        "As of {y}, {old_over}: {now}.",
        "Until {y} {old_was}. Since then {since}.",
        "{old_was} until {y}, and {since} since.",
    ),
    (
        "Since {y} {since}; nothing is known of the time before.",
        "As of {y}, {now}, and that for the first time.",
        "Until {y} nothing is known; since then {since}.",
        "{since} since {y}, and nothing is known of the time before.",
    ),
    (
        "Until {y} {was}; nothing is known of the time since.",
        "As of {y}, {over}, and nothing has come in its place.",
        "{was} until {y}, and nothing is known of what came after.",
        "{was} until some day in {y}, and nothing is known of the time since.",
    ),
)
"""What news says of a fact that changed, began or ended."""


def _news_of(schema: Schema) -> Wordings:
    """`_AFTER` in the words of each relation: slots `s`, `o`, `p` (what was before) and `y`."""
    rows = []
    for relation in schema.relations:
        told = relation.over_time
        before = {f"old_{name}": getattr(told, name).replace("{o}", "{p}") for name in ("was", "over")}
        clauses = {"now": told.now, "was": told.was, "since": told.since, "over": told.over, **before}
        rows += [[filled(text, **clauses) for text in texts] for texts in _AFTER]
    return Wordings.of(rows, "sopy")


def _table(
    told: tuple[pa.StringArray, NDArray[np.uint64]],
    facts: pa.ListArray,
    forms: pa.StringArray,
    template: str,
    exposure: int,
    corpus: Corpus,
    context: Ints | None = None,
) -> pa.Table:
    texts, hashes = told
    n = len(texts)
    columns = {
        "id": hex_ids(mixed(key_of(exposure, corpus), hashes)),
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


def reading_exercises(worlds: Sequence[World], seed: int, written: Written, *, facts: int) -> Iterator[pa.Table]:
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
        given = pc.binary_join(lists(sizes, stated(world, mixed_up[0], mixed_up[1])), " ")
        again = pc.binary_join(lists(sizes, stated(world, walks.ravel(), second.ravel())), " ")
        texts = pc.binary_join_element_wise(given, again, " ")
        ids = lists(sizes, world.fact_ids(walks.ravel()))
        forms = pa.array(["p" * facts] * n, pa.string())
        yield _table(
            written.distinct(texts), ids, forms, "reading", index, "reading", pc.utf8_length(given).to_numpy().astype(np.int64)
        )


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
