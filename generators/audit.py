"""What a written data set is checked with, read back from its files: exposures counted, the known and the novel part
compared, splits shown to be disjoint, and what of the test is already to be read in the training texts.

Nothing here knows how the data were made; a figure that is not as asked is told, never mended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kit.core.records import Corpus, Exposure, schema_of
from kit.core.store import table_files, write_arrow, write_json

HELD_OUT = ("validation", "test_entity", "test_composition", "test_relation_pair", "novel", "shuffled", "edited", "twin")
Tokens = Callable[[Sequence[str]], list[list[Any]]]


def audit(directory: Path, exposures: int, tokens: Tokens, ngram: int, sample: int) -> dict[str, float]:
    """Write exposures.parquet and audit.json beside the tables; returns what a manifest should show.

    exposures: statements asked for of every fact. tokens: texts to tokens. ngram: how many in a row make an overlap.
    sample: most test questions that are compared with ten times as many training texts.
    """
    entities, facts = _read(directory, "entities"), _read(directory, "facts", "id", "subject", "relation", "object", "part")
    false = _read(directory, "shuffled_facts", "id")
    questions = _read(directory, "questions", "id", "shape", "split", "text", "support", "steps", "hops")
    ids = pc.unique(pa.concat_arrays([facts["id"].combine_chunks(), false["id"].combine_chunks()]))
    pairs = _pairs(questions, ids)
    counted, both = _counted(directory, ids, pairs)
    write_arrow(directory / "exposures.parquet", schema_of(Exposure), [_exposure_table(counted, ids)])
    found = {
        "exposures": {corpus: _told(counts[0], exposures) for corpus, counts in counted.items()},
        "matching": _matching(entities, facts),
        "splits": {**_splits(questions, ids), "held_out_pairs": len(pairs), "documents_with_both_facts_of_a_pair": both},
        "leakage": _leakage(directory, questions, entities, tokens, ngram, sample),
    }
    write_json(directory / "audit.json", found)
    return {
        "exposures_as_asked": float(all(told["as_asked"] for told in found["exposures"].values())),
        "documents_with_both_facts_of_a_pair": float(both),
    }


def _read(directory: Path, name: str, *columns: str) -> pa.Table:
    return pa.concat_tables([pq.read_table(f, columns=list(columns) or None) for f in table_files(directory / f"{name}.parquet")])


def _batches(directory: Path, name: str, *columns: str) -> Iterator[pa.RecordBatch]:
    for file in table_files(directory / f"{name}.parquet"):
        yield from pq.ParquetFile(file).iter_batches(100_000, columns=list(columns))


def _pairs(questions: pa.Table, ids: pa.Array) -> NDArray[np.int64]:
    """The neighbouring facts of held-out chains, as sorted keys `smaller * facts + larger`."""
    chains = pc.and_(pc.starts_with(questions["shape"], "chain-"), pc.is_in(questions["split"], pa.array(HELD_OUT)))
    both = _neighbours(questions.filter(chains), lambda table: pc.index_in(table["support"].combine_chunks().flatten(), ids))
    both = both[(both >= 0).all(1)]
    return np.unique(both.min(1, initial=len(ids)) * len(ids) + both.max(1, initial=0))


def _neighbours(chains: pa.Table, numbered: Callable[[pa.Table], pa.Array]) -> NDArray[np.int64]:
    """What follows what in chains: the numbers that `numbered` gives their hops, all in a row, two by two."""
    found = [np.zeros((0, 2), np.int64)]
    for hops in pc.unique(chains["hops"]).to_pylist():
        numbers = numbered(chains.filter(pc.equal(chains["hops"], hops))).fill_null(-1).to_numpy().astype(np.int64)
        rows = numbers.reshape(-1, hops)
        found += [rows[:, i : i + 2] for i in range(hops - 1)]
    return np.concatenate(found)


def _counted(directory: Path, ids: pa.Array, pairs: NDArray[np.int64]) -> tuple[dict[str, NDArray[np.int64]], int]:
    """For each corpus the statements of every fact, in all and by form (reversed, masked); and the documents that hold both
    facts of a pair."""
    counted: dict[str, NDArray[np.int64]] = {}
    together = 0
    for batch in _batches(directory, "documents", "corpus", "facts", "forms"):
        stated = pc.index_in(batch["facts"].flatten(), ids).fill_null(-1).to_numpy().astype(np.int64)
        lengths = pc.list_value_length(batch["facts"]).to_numpy().astype(np.int64)
        document = np.repeat(np.arange(len(batch)), lengths)
        corpus = batch["corpus"].dictionary_encode()
        corpora = corpus.indices.to_numpy()[document]
        letters = np.frombuffer("".join(batch["forms"].to_pylist()).encode(), np.uint8)
        for code, name in enumerate(corpus.dictionary.to_pylist()):
            own = (corpora == code) & (stated >= 0)
            if not own.any():
                continue
            counts = counted.setdefault(name, np.zeros((3, len(ids)), np.int64))
            for k, letter in enumerate((None, ord("r"), ord("m"))):
                kept = own if letter is None else own & (letters == letter)
                counts[k] += np.bincount(stated[kept], minlength=len(ids))
        meeting: set[int] = set()
        for away in range(1, int(lengths.max(initial=1)) if len(pairs) else 0):
            here = np.flatnonzero((document[away:] == document[:-away]) & (stated[away:] >= 0) & (stated[:-away] >= 0))
            a, b = stated[here], stated[here + away]
            keys = np.minimum(a, b) * len(ids) + np.maximum(a, b)
            meeting.update(document[here[pairs[np.minimum(np.searchsorted(pairs, keys), len(pairs) - 1)] == keys]].tolist())
        together += len(meeting)
    return counted, together


def _exposure_table(counted: dict[str, NDArray[np.int64]], ids: pa.Array) -> pa.Table:
    tables = [schema_of(Exposure).empty_table()]
    for corpus, counts in counted.items():
        rows = np.flatnonzero(counts[0])
        columns = [ids.take(pa.array(rows)), pa.array([corpus] * len(rows), pa.string()), *(pa.array(c[rows]) for c in counts)]
        tables.append(pa.table(columns, schema=schema_of(Exposure)))
    return pa.concat_tables(tables)


def _told(counts: NDArray[np.int64], asked: int) -> dict[str, Any]:
    own = counts[counts > 0]
    fewest, most = (int(own.min()), int(own.max())) if len(own) else (0, 0)
    figures = {"facts": len(own), "statements": int(own.sum()), "fewest": fewest, "most": most, "asked": asked}
    return {**figures, "as_asked": fewest == most == asked}


def _matching(entities: pa.Table, facts: pa.Table) -> dict[str, Any]:
    """Whether the novel part is like the known one: the shares of its relations (total variation distance), and by type how
    many facts an entity has and how many it is the object of (two-sample Kolmogorov-Smirnov tests)."""
    from scipy import stats

    part_of = facts["part"].combine_chunks()
    relations = facts["relation"].combine_chunks().dictionary_encode()
    shares = {
        part: np.bincount(
            relations.indices.to_numpy()[pc.equal(part_of, part).to_numpy(False)], minlength=len(relations.dictionary)
        )
        for part in ("known", "novel")
    }
    tests = []
    ids = entities["id"].combine_chunks()
    ends = {end: pc.index_in(facts[end].combine_chunks(), ids).fill_null(-1).to_numpy() for end in ("subject", "object")}
    degrees = {end: np.bincount(rows[rows >= 0], minlength=len(ids)) for end, rows in ends.items()}
    types, parts = (np.array(entities[c].to_pylist(), object) for c in ("type", "part"))
    for kind in sorted(set(types[parts == "novel"].tolist()) & set(types[parts == "known"].tolist())):
        for end, what in (("subject", "facts of it"), ("object", "facts about it")):
            a, b = (degrees[end][(types == kind) & (parts == part)] for part in ("known", "novel"))
            if a.any() or b.any():
                test = stats.ks_2samp(a, b)
                tests.append(
                    {"type": kind, "what": what, "known": len(a), "novel": len(b), "mean_known": float(a.mean()),
                     "mean_novel": float(b.mean()), "ks": float(test.statistic), "p": float(test.pvalue)}
                )  # fmt: skip
    known, novel = (shares[p] / max(1, shares[p].sum()) for p in ("known", "novel"))
    names = [set(entities.filter(pc.equal(entities["part"], part))["name"].to_pylist()) for part in ("known", "novel")]
    return {
        "relations_total_variation": float(abs(known - novel).sum() / 2),
        "names_in_both": len(names[0] & names[1]),
        "tests": tests,
    }


def _splits(questions: pa.Table, ids: pa.Array) -> dict[str, int]:
    """Overlaps that ought to be 0, counted over the questions."""
    of = {name: questions.filter(pc.equal(questions["split"], name)) for name in ("train", *HELD_OUT)}
    chains = {name: table.filter(pc.starts_with(table["shape"], "chain-")) for name, table in of.items()}
    trained = pc.unique(of["train"]["support"].combine_chunks().flatten())

    def asked(facts: pa.Array) -> int:
        return int(pc.sum(pc.is_in(facts, trained)).as_py() or 0)

    def asked_alike(tested: pa.Table) -> int:
        return int(pc.sum(pc.is_in(tested["text"], of["train"]["text"].combine_chunks())).as_py() or 0)

    def facts_met(name: str) -> set[tuple[int, ...]]:
        pairs = _neighbours(chains[name], lambda table: pc.index_in(table["support"].combine_chunks().flatten(), ids))
        return set(map(tuple, pairs.tolist()))

    def relations_met(name: str) -> set[tuple[int, ...]]:
        pairs = _neighbours(chains[name], lambda table: pc.index_in(_hops(table), relations))
        return set(map(tuple, pairs.tolist()))

    relations = pc.unique(_hops(questions.filter(pc.starts_with(questions["shape"], "chain-"))))
    two_hops = chains["test_composition"].filter(pc.equal(chains["test_composition"]["hops"], 2))
    withheld = _neighbours(two_hops, lambda table: pc.index_in(table["support"].combine_chunks().flatten(), ids))
    pairs = chains["test_relation_pair"].filter(pc.equal(chains["test_relation_pair"]["hops"], 2))
    withheld_relations = _neighbours(pairs, lambda table: pc.index_in(_hops(table), relations))
    composed, taken = facts_met("train"), relations_met("train")
    heads = pc.list_element(chains["test_entity"]["support"].combine_chunks(), 0)
    return {
        "test_questions": sum(len(of[name]) for name in HELD_OUT),
        # An edited question may well have been asked before, when something else was true.
        "test_texts_in_training": sum(asked_alike(of[name]) for name in HELD_OUT if name != "edited"),
        "edited_texts_in_training": asked_alike(of["edited"]),
        "first_facts_of_entity_tests_asked_in_training": asked(heads),
        "withheld_compositions_in_training": sum(tuple(pair) in composed for pair in withheld.tolist()),
        "withheld_relation_pairs_in_training": sum(tuple(pair) in taken for pair in withheld_relations.tolist()),
        "novel_facts_asked_in_training": asked(of["novel"]["support"].combine_chunks().flatten()),
    }


def _hops(questions: pa.Table) -> pa.Array:
    steps = questions["steps"].combine_chunks().flatten()
    return pc.binary_join_element_wise(steps.field("op"), steps.field("relation"), " ")


def _leakage(directory: Path, questions: pa.Table, entities: pa.Table, tokens: Tokens, ngram: int, sample: int) -> dict[str, Any]:
    """How much of the test stands in the training texts already. N-grams: by split the share of (at most `sample`) questions
    of which one stands in a document or in an example. Bridges: of chains with several hops, those whose first answer is also
    one in training. Names: the share of the words of novel names that known names are made of (1 is wanted: a novel name has
    to be writable)."""
    texts = {"examples": _sampled(directory, "examples", ("prompt", "completion"), 10 * sample)}
    corpora: tuple[Corpus, ...] = ("known", "novel", "edits")
    for corpus in corpora:
        texts[f"{corpus} documents"] = _sampled(directory, "documents", ("text",), 10 * sample, corpus)
    grams = {name: {g for row in tokens(rows) for g in _grams(row, ngram)} for name, rows in texts.items() if rows}
    shares: dict[str, dict[str, float]] = {}
    tested = {name: questions.filter(pc.equal(questions["split"], name))["text"][:sample].to_pylist() for name in HELD_OUT}
    probes = _read(directory, "probes", "split", "text", "shape")
    for name in pc.unique(probes["split"]).to_pylist():
        tested[name] = probes.filter(pc.equal(probes["split"], name))["text"][:sample].to_pylist()
    for name, rows in tested.items():
        if rows:
            own = [set(_grams(row, ngram)) for row in tokens(rows)]
            shares[name] = {source: sum(bool(g & seen) for g in own) / len(own) for source, seen in grams.items()}
    words = {
        part: {w for n in entities.filter(pc.equal(entities["part"], part))["name"].to_pylist() for w in n.split()}
        for part in ("known", "novel")
    }
    return {
        "ngram": ngram,
        "training_texts": {name: len(rows) for name, rows in texts.items()},
        "share_of_questions_with_a_shared_ngram": shares,
        "share_of_bridges_seen_in_training": _bridges(directory),
        "share_of_novel_name_words_in_known_names": len(words["novel"] & words["known"]) / max(1, len(words["novel"])),
    }


def _sampled(directory: Path, name: str, columns: tuple[str, ...], most: int, corpus: str | None = None) -> list[str]:
    """The first `most` texts of a table."""
    rows: list[str] = []
    for batch in _batches(directory, name, *columns, *(("corpus",) if corpus else ())):
        if corpus:
            batch = batch.filter(pc.equal(batch["corpus"], corpus))
        rows += [" ".join(parts) for parts in zip(*(batch[c].to_pylist() for c in columns), strict=True)]
        if len(rows) >= most:
            break
    return rows[:most]


def _grams(tokens: Sequence[Any], size: int) -> Iterator[tuple[Any, ...]]:
    return (tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1))


def _bridges(directory: Path) -> dict[str, float]:
    table = _read(directory, "questions", "split", "hops", "sub_questions")
    table = table.filter(pc.greater(table["hops"], 1))
    split = np.array(table["split"].to_pylist(), object)
    parts = table["sub_questions"].combine_chunks()
    # The first sub-question of each row that has one.
    has = pc.greater(pc.list_value_length(parts), 0).to_numpy(False)
    first = pc.list_element(parts.filter(pa.array(has)), 0)
    answers = np.array(first.field("answer").to_pylist(), object)
    split = split[has]
    seen = set(answers[split == "train"].tolist())
    return {
        name: float(np.mean([a in seen for a in answers[split == name].tolist()])) for name in HELD_OUT if (split == name).any()
    }
