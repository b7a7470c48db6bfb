"""Facts in prose, exposure by exposure. Every document lists the facts it states, so exposure is counted, not guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.columns import Ints, chosen, hex_ids, lists, mixed, text_hashes
from generators.questions.table import STATEMENT_AT, stated
from generators.world import PARTS, World
from kit.core.records import Corpus, Document, Part, schema_of
from kit.core.seeds import key_of, stream

Cut = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Positions in the order they are stated, and how many go into each document."""


def _runs(labels: Ints) -> NDArray[np.int64]:
    """The lengths of the runs of equal labels."""
    changes = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    return np.diff(np.concatenate([[0], changes, [len(labels)]]))


def _biographies(subjects: Ints, rng: np.random.Generator) -> Cut:
    """One document a subject, with all its facts."""
    rank = rng.permutation(int(subjects.max()) + 1)[subjects]
    order = np.lexsort((rng.permutation(len(subjects)), rank))
    return order, _runs(rank[order])


def _digests(subjects: Ints, rng: np.random.Generator) -> Cut:
    """Facts about anybody, a few a document. They teach recall in spite of other names nearby, which chains need."""
    order = rng.permutation(len(subjects))
    return order, _runs(np.arange(len(order)) // DIGEST_FACTS)


def _joint_biographies(subjects: Ints, rng: np.random.Generator) -> Cut:
    """Two subjects' facts mixed, a few a document: names come back, and have to be told apart."""
    order, lengths = _biographies(subjects, rng)
    pair = np.repeat(np.arange(len(lengths)) // 2, lengths)
    order = order[np.lexsort((rng.permutation(len(order)), pair))]
    sizes = _runs(pair)
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return order, _runs(pair * (len(order) + 1) + place // DIGEST_FACTS)


DIGEST_FACTS = 5
STYLES: dict[str, Callable[[Ints, np.random.Generator], Cut]] = {
    "biography": _biographies,
    "digest": _digests,
    "joint biography": _joint_biographies,
}
"""How one exposure of all facts is cut into documents: from the facts' subjects to their order and the documents' lengths."""


def documents(
    world: World, part: Part, corpus: Corpus, seed: int, *, exposures: int, paraphrases: int, styles: Sequence[str]
) -> Iterator[pa.Table]:
    """`exposures` statements of every fact of `part`, exposure by exposure, in tables of about `CHUNK` sentences; the styles
    take turns.

    A fact goes through all its paraphrases before it repeats one, so exposures of paraphrases differ by one at most.
    """
    facts = np.flatnonzero(world.parts[world.subject] == PARTS.index(part))
    if not len(facts):
        return
    turns = np.empty((len(facts), paraphrases), np.int8)
    for low in range(0, len(facts), CHUNK):
        keys = mixed(key_of(seed, "paraphrase", corpus), world.fact_hashes[facts[low : low + CHUNK]])
        turns[low : low + CHUNK] = np.argsort(mixed(keys[:, None], np.arange(paraphrases)), axis=1)
    subjects = world.subject[facts].astype(np.int64)
    for exposure in range(exposures):
        style = styles[exposure % len(styles)]
        order, lengths = STYLES[style](subjects, stream(seed, "documents", corpus, exposure))
        ends = np.cumsum(lengths)
        first = 0
        while first < len(lengths):
            low = ends[first] - lengths[first]
            last = max(first + 1, int(np.searchsorted(ends, low + CHUNK, side="right")))
            own = order[low : ends[last - 1]]
            sentences = stated(world, facts[own], turns[own, exposure // len(styles) % paraphrases])
            texts = pc.binary_join(lists(lengths[first:last], sentences), " ")
            yield _table(texts, lists(lengths[first:last], chosen(world.fact_ids, facts[own])), style, exposure, corpus)
            first = last


CHUNK = 500_000
"""Sentences made at once: bounds the memory, changes nothing else."""


def _table(
    texts: pa.StringArray, facts: pa.ListArray, template: str, exposure: int, corpus: Corpus, context: Ints | None = None
) -> pa.Table:
    n = len(texts)
    key = key_of(exposure, corpus)
    columns = {
        "id": hex_ids(mixed(key, text_hashes(texts.to_pylist()), np.arange(n) if context is not None else 0)),
        "text": texts,
        "facts": facts,
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
        statements = np.diff(STATEMENT_AT)[world.relation[walks]]
        first = (rng.random(walks.shape) * statements).astype(np.int64)
        second = (first + 1 + (rng.random(walks.shape) * (statements - 1)).astype(np.int64)) % statements
        order = np.argsort(rng.random(walks.shape), axis=1)
        mixed_up = [np.take_along_axis(x, order, axis=1).ravel() for x in (walks, first)]
        sizes = np.full(n, facts)
        given = pc.binary_join(lists(sizes, stated(world, *mixed_up)), " ")
        again = pc.binary_join(lists(sizes, stated(world, walks.ravel(), second.ravel())), " ")
        texts = pc.binary_join_element_wise(given, again, " ")
        ids = lists(sizes, chosen(world.fact_ids, walks.ravel()))
        yield _table(texts, ids, "reading", index, "reading", pc.utf8_length(given).to_numpy().astype(np.int64))


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
