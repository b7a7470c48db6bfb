"""What a written data set is checked with, read back from its files: exposures counted, the known and the novel part
compared, splits shown to be disjoint, what of the test is already to be read in the training texts, and what guessers score.

Nothing here knows how the data were made; a figure that is not as asked is told, never mended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from generators.guessers import guessed
from generators.world.columns import KeySet, distinct, hashes_of, hex_ids, mixed, place_in, text_hashes
from kit.core.records import Corpus, Exposure, schema_of
from kit.core.store import table_files, write_arrow, write_json

GUESSED = 10
"""Of so many sampled questions one is guessed at."""

HELD_OUT = (
    "validation", "test_entity", "test_composition", "test_relation_pair", "novel", "shuffled", "edited", "twin",
    "novel_to_novel", "novel_to_known", "known_to_novel", "known_to_known", "false_bridge",
)  # fmt: skip
Tokens = Callable[[Sequence[str]], pa.ListArray]
"""From texts to the tokens of each."""


def audit(directory: Path, exposures: int, tokens: Tokens, ngram: int, sample: int) -> dict[str, float]:
    """Write exposures.parquet and audit.json beside the tables; returns what a manifest should show.

    exposures: statements asked for of every fact. tokens: texts to tokens. ngram: how many in a row make an overlap.
    sample: most test questions that are compared with ten times as many training texts, and most of a shape and split that
    are guessed at.
    """
    asked = _questions(directory)
    pairs = KeySet(np.concatenate([asked[split].pairs for split in HELD_OUT]))
    counted, both = _counted(directory, pairs)
    found: dict[str, Any] = {"exposures": {corpus: _told(counts, exposures) for corpus, counts in counted.items()}}
    met = {"held_out_pairs": len(pairs.sorted), "documents_with_both_facts_of_a_pair": both}
    steps: dict[str, Callable[[], Any]] = {
        "matching": lambda: _matching(directory),
        "phrasings": lambda: _phrasings(directory, sample),
        "splits": lambda: {**_splits(directory, asked), **met},
        "leakage": lambda: _leakage(directory, asked, tokens, ngram, sample),
        "guessers": lambda: guessed(directory, max(1, sample // GUESSED)),
    }
    for name, step in steps.items():
        # What one step no longer needs is there for the next.
        pa.default_memory_pool().release_unused()
        found[name] = step()
    write_json(directory / "audit.json", found)
    return {
        "exposures_as_asked": float(all(told["as_asked"] for told in found["exposures"].values())),
        "documents_with_both_facts_of_a_pair": float(both),
    }


def _batches(directory: Path, name: str, *columns: str) -> Iterator[pa.RecordBatch]:
    for file in table_files(directory / f"{name}.parquet"):
        yield from pq.ParquetFile(file).iter_batches(5_000, columns=list(columns))


def _column(directory: Path, name: str, column: str) -> pa.Array:
    files = table_files(directory / f"{name}.parquet")
    return pa.concat_tables([pq.read_table(f, columns=[column]) for f in files])[column].combine_chunks()


class Asked(NamedTuple):
    """What the questions of a split need, as hashes. facts: all they rest on. pairs: of chains, the facts that follow one
    another, either way round; in training, those of any shape. twos: those of chains of two hops. firsts: of chains, the
    first fact. relations: what follows what in training, and in chains of two hops. bridges: what chains of several hops go
    through first."""

    facts: NDArray[np.uint64]
    pairs: NDArray[np.uint64]
    twos: NDArray[np.uint64]
    firsts: NDArray[np.uint64]
    relations: NDArray[np.uint64]
    bridges: NDArray[np.uint64]


def _questions(directory: Path) -> dict[str, Asked]:
    """Every split."""
    found: dict[str, list[Asked]] = {split: [] for split in ("train", *HELD_OUT)}
    for batch in _batches(directory, "questions", "split", "shape", "hops", "support", "steps", "sub_questions"):
        splits = batch["split"].to_pylist()
        chain = pc.starts_with(batch["shape"], "chain-").to_numpy(False)
        hops = batch["hops"].to_numpy()
        for split in set(splits) & set(found):
            own = np.array([s == split for s in splits], bool)
            rows, two = own & (chain | (split == "train")), own & chain & (hops == 2)
            found[split].append(
                Asked(
                    hashes_of(batch["support"].filter(pa.array(own)).flatten()),
                    _following(batch["support"].filter(pa.array(rows)), either_way=True),
                    _following(batch["support"].filter(pa.array(two)), either_way=True),
                    hashes_of(_first(batch["support"], own & chain)),
                    _following_relations(batch["steps"].filter(pa.array(own if split == "train" else two))),
                    text_hashes(_first(batch["sub_questions"], own & chain & (hops > 1)).field("answer").to_pylist()),
                )
            )
    nothing = Asked(*(np.zeros(0, np.uint64),) * len(Asked._fields))
    return {split: Asked(*map(np.concatenate, zip(nothing, *parts, strict=True))) for split, parts in found.items()}


def _first(lists: pa.ListArray, rows: NDArray[np.bool_]) -> pa.Array:
    """What the lists of some rows begin with."""
    kept = lists.filter(pa.array(rows & (pc.list_value_length(lists).to_numpy() > 0)))
    return pc.list_element(kept, 0)


def _following(lists: pa.ListArray, either_way: bool, hashes: NDArray[np.uint64] | None = None) -> NDArray[np.uint64]:
    """A hash of every two neighbours of each list."""
    values = hashes_of(lists.flatten()) if hashes is None else hashes
    owner = pc.list_parent_indices(lists).to_numpy()
    beside = np.flatnonzero(owner[1:] == owner[:-1])
    return _pair(values[beside], values[beside + 1]) if either_way else mixed(values[beside], values[beside + 1])


def _pair(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return mixed(np.minimum(a, b), np.maximum(a, b))


def _following_relations(steps: pa.ListArray) -> NDArray[np.uint64]:
    hops = pc.binary_join_element_wise(steps.flatten().field("op"), steps.flatten().field("relation"), " ").dictionary_encode()
    hashes = text_hashes(hops.dictionary.to_pylist())[hops.indices.to_numpy()] if len(hops) else np.zeros(0, np.uint64)
    return _following(steps, either_way=False, hashes=hashes)


def _counted(directory: Path, pairs: KeySet) -> tuple[dict[str, dict[str, Any]], int]:
    """Statements of every fact, by corpus, in all and by form (reversed, masked), written to exposures.parquet; and how many
    documents hold both facts of a pair."""
    ids = distinct(np.concatenate([hashes_of(_column(directory, name, "id")) for name in ("facts", "shuffled_facts")]))
    counted: dict[str, NDArray[np.int32]] = {}
    together = 0
    for batch in _batches(directory, "documents", "corpus", "facts", "forms"):
        facts = hashes_of(batch["facts"].flatten())
        stated = place_in(ids, facts)
        document = pc.list_parent_indices(batch["facts"]).to_numpy()
        corpus = batch["corpus"].dictionary_encode()
        corpora = corpus.indices.to_numpy()[document]
        letters = np.frombuffer("".join(batch["forms"].to_pylist()).encode(), np.uint8)
        for code, name in enumerate(corpus.dictionary.to_pylist()):
            own = (stated >= 0) & (corpora == code)
            if own.any():
                counts = counted.setdefault(name, np.zeros((3, len(ids)), np.int32))
                for k, letter in enumerate((None, ord("r"), ord("m"))):
                    np.add.at(counts[k], stated[own if letter is None else own & (letters == letter)], 1)
        together += _meeting(batch["facts"], facts, pairs)
    tables = (_exposures(ids, name, counts) for name, counts in counted.items())
    write_arrow(directory / "exposures.parquet", schema_of(Exposure), tables)
    figures = {}
    for name, counts in counted.items():
        own = counts[0][counts[0] > 0]
        figures[name] = {"facts": len(own), "statements": int(own.sum()), "fewest": int(own.min()), "most": int(own.max())}
    return figures, together


def _exposures(ids: NDArray[np.uint64], corpus: str, counts: NDArray[np.int32]) -> pa.Table:
    rows = np.flatnonzero(counts[0])
    figures = [pa.array(column[rows].astype(np.int64)) for column in counts]
    return pa.table([hex_ids(ids[rows]), pa.array([corpus] * len(rows), pa.string()), *figures], schema=schema_of(Exposure))


def _told(counts: dict[str, Any], asked: int) -> dict[str, Any]:
    return {**counts, "asked": asked, "as_asked": counts["fewest"] == counts["most"] == asked}


def _matching(directory: Path) -> dict[str, Any]:
    """Whether the novel part is like the known one: the shares of its relations (total variation distance), and by type how
    many facts an entity has and how many it is the object of: two-sample Kolmogorov-Smirnov tests, p by the limiting law."""
    from scipy.special import kolmogorov

    types, parts = (_column(directory, "entities", c).dictionary_encode() for c in ("type", "part"))
    kinds, part_names = types.dictionary.to_pylist(), parts.dictionary.to_pylist()
    type_of, part_of = types.indices.to_numpy(), parts.indices.to_numpy()
    ids = hashes_of(_column(directory, "entities", "id"))
    order = np.argsort(ids)
    degrees = {}
    for end in ("subject", "object"):
        degrees[end] = np.bincount(order[place_in(ids[order], hashes_of(_column(directory, "facts", end)))], minlength=len(ids))
    relations = _column(directory, "facts", "relation").dictionary_encode()
    codes, told_of = relations.indices.to_numpy(), _column(directory, "facts", "part")
    shares, tests = [], []
    for part in ("known", "novel"):
        counts = np.bincount(codes[pc.equal(told_of, part).to_numpy(False)], minlength=len(relations.dictionary))
        shares.append(counts / max(1, counts.sum()))
    both = {part: part_of == part_names.index(part) if part in part_names else part_of < 0 for part in ("known", "novel")}
    for kind, name in sorted(enumerate(kinds), key=lambda pair: pair[1]):
        for end, what in (("subject", "facts of it"), ("object", "facts about it")):
            a, b = (degrees[end][(type_of == kind) & both[part]] for part in ("known", "novel"))
            if len(a) and len(b) and (a.any() or b.any()):
                distance = _ks(a, b)
                p = float(kolmogorov(distance * np.sqrt(len(a) * len(b) / (len(a) + len(b)))))
                tests.append(
                    {"type": name, "what": what, "known": len(a), "novel": len(b), "mean_known": float(a.mean()),
                     "mean_novel": float(b.mean()), "ks": distance, "p": p}
                )  # fmt: skip
    names = [_column(directory, "entities", "name").filter(pa.array(both[part])) for part in ("known", "novel")]
    return {
        "relations_total_variation": float(abs(shares[0] - shares[1]).sum() / 2),
        "names_in_both": int(pc.sum(pc.is_in(names[0], names[1])).as_py() or 0),
        "tests": tests,
    }


def _ks(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """The largest distance between two empirical distribution functions."""
    values = np.union1d(a, b)
    shares = [np.searchsorted(np.sort(x), values, side="right") / len(x) for x in (a, b)]
    return float(abs(shares[0] - shares[1]).max())


def _splits(directory: Path, asked: dict[str, Asked]) -> dict[str, int]:
    """Overlaps that ought to be 0, counted over the questions."""
    texts: dict[str, list[pa.Array]] = {"train": [], "edited": [], "": []}
    for batch in _batches(directory, "questions", "split", "text"):
        for split in pc.unique(batch["split"]).to_pylist():
            group = split if split in texts else ""
            texts[group].append(batch["text"].filter(pc.equal(batch["split"], split)))
    tested = {group: pa.concat_arrays([pa.array([], pa.string()), *texts[group]]) for group in ("", "edited")}
    alike = {
        group: sum(int(pc.sum(pc.is_in(part, several)).as_py() or 0) for part in texts["train"])
        for group, several in tested.items()
    }
    facts, pairs, relations = (
        KeySet(column) for column in (asked["train"].facts, asked["train"].pairs, asked["train"].relations)
    )
    return {
        "test_questions": sum(map(len, tested.values())),
        "training_lines_that_name_what_is_held_out": _named(directory),
        "training_prompts_with_both_facts_of_a_composition": _prompted(directory, KeySet(asked["test_composition"].twos)),
        # An edited question may well have been asked before, when something else was true.
        "test_texts_in_training": alike[""],
        "edited_texts_in_training": alike["edited"],
        "first_facts_of_entity_tests_asked_in_training": int(facts.has(asked["test_entity"].firsts).sum()),
        "novel_facts_asked_in_training": int(facts.has(asked["novel"].facts).sum()),
        "withheld_compositions_in_training": int(pairs.has(asked["test_composition"].twos).sum()),
        "withheld_relation_pairs_in_training": int(relations.has(asked["test_relation_pair"].relations).sum()),
    }


def _prompted(directory: Path, pairs: KeySet) -> int:
    """How many training questions have both facts of a pair beside each other in their prompt: whatever stands between."""
    found = 0
    for batch in _batches(directory, "questions", "split", "context_facts"):
        told = batch["context_facts"].filter(pc.equal(batch["split"], "train"))
        found += _meeting(told, hashes_of(told.flatten()), pairs)
    return found


def _meeting(lists: pa.ListArray, facts: NDArray[np.uint64], pairs: KeySet) -> int:
    """How many lists of facts hold both of a pair, whatever stands between. facts: the hashes of all that they hold."""
    owner, meeting = pc.list_parent_indices(lists).to_numpy(), np.zeros(len(lists), bool)
    longest = int(pc.max(pc.list_value_length(lists)).as_py() or 0)
    for away in range(1, longest if len(pairs.sorted) else 0):
        here = np.flatnonzero(owner[away:] == owner[:-away])
        meeting[owner[here[pairs.has(_pair(facts[here], facts[here + away]))]]] = True
    return int(meeting.sum())


def _named(directory: Path) -> int:
    """How many training questions and examples name an entity that is held out: anywhere in what they say, their sub-questions,
    answers, context and candidates."""
    table = pa.table({c: _column(directory, "entities", c) for c in ("name", "aliases", "held_out")})
    table = table.filter(table["held_out"])
    names = Names.of(pa.concat_arrays([table["name"].combine_chunks(), table["aliases"].combine_chunks().flatten()]))
    found = 0
    for name, columns in (
        ("questions", ("text", "answers", "context", "candidates", "members", "sub_questions")),
        ("examples", ("prompt", "completion")),
    ):
        for batch in _batches(directory, name, *(("split",) if name == "questions" else ()), *columns):
            rows = batch.filter(pc.equal(batch["split"], "train")) if name == "questions" else batch
            said = np.zeros(len(rows), bool)
            for owner, texts in (told for column in columns for told in _texts(rows[column])):
                said[owner[names.said_in(texts)]] = True
            found += int(said.sum())
    return found


def _texts(column: Any) -> Iterator[tuple[NDArray[np.int64], pa.StringArray]]:
    """All strings of a column, however nested: the rows that they stand in, and they."""
    if pa.types.is_list(column.type):
        own = pc.list_parent_indices(column).to_numpy()
        yield from ((own[rows], texts) for rows, texts in _texts(column.flatten()))
    elif pa.types.is_struct(column.type):
        yield from (told for field in column.flatten() for told in _texts(field))
    elif pa.types.is_string(column.type):
        yield np.arange(len(column)), column


class Names(NamedTuple):
    """Names to be looked for, by how many words they have: all first words, all last ones, and the names."""

    sizes: dict[int, tuple[pa.StringArray, pa.StringArray, pa.StringArray]]

    @staticmethod
    def of(names: pa.StringArray) -> Names:
        # "Washington, D.C." ends in a word.
        words = _words(pc.replace_substring_regex(names, r"^[^\pL\pN]+|[^\pL\pN]+$", ""))
        counts = pc.list_value_length(words).to_numpy()
        sizes = {}
        for size in distinct(counts).tolist():
            own = words.filter(pa.array(counts == size))
            parts = [pc.list_element(own, k) for k in range(size)]
            sizes[size] = (pc.unique(parts[0]), pc.unique(parts[-1]), pc.binary_join_element_wise(*parts, " "))
        return Names(sizes)

    def said_in(self, texts: pa.StringArray) -> NDArray[np.bool_]:
        """Whether each text has one of the names in it, word for word."""
        told = texts.dictionary_encode()
        words = _words(told.dictionary)
        owner, flat = pc.list_parent_indices(words).to_numpy(), words.flatten().dictionary_encode()
        codes, found = flat.indices.to_numpy(), np.zeros(len(told.dictionary), bool)
        for size, (first, last, names) in self.sizes.items():
            begins, ends = (pc.is_in(flat.dictionary, value_set=part).to_numpy(False)[codes] for part in (first, last))
            runs = max(0, len(owner) - size + 1)
            at = np.flatnonzero(begins[:runs] & ends[size - 1 :] & (owner[:runs] == owner[size - 1 :]))
            run = pc.binary_join_element_wise(*(flat.dictionary.take(pa.array(codes[at + k])) for k in range(size)), " ")
            found[owner[at[pc.is_in(run, value_set=names).to_numpy(False)]]] = True
        said: NDArray[np.bool_] = found[told.indices.to_numpy()]
        return said


def _words(texts: pa.StringArray) -> pa.ListArray:
    return pc.split_pattern_regex(texts, r"[^\pL\pN]+")


def _phrasings(directory: Path, sample: int) -> dict[str, int]:
    """Probes in words that injected documents are not to use (of at most `sample` a split): of how many some document of their
    fact does; and how many of those about the known part are worded as a known document is."""
    probes: dict[str, dict[str, str]] = {}
    for batch in _batches(directory, "probes", "shape", "split", "text", "probes"):
        for row in batch.filter(pc.equal(batch["shape"], "unseen")).to_pylist():
            own = probes.setdefault(row["split"], {})
            if len(own) < sample:
                own[row["probes"]] = row["text"]
    injected = probes.get("recall_novel", {}) | probes.get("recall_shuffled", {})
    known, worded, used = probes.get("recall_known", {}), set[str](), set[str]()
    asked_about = pa.array([*injected, *known], pa.string())
    for batch in _batches(directory, "documents", "corpus", "facts", "text"):
        owner = pc.list_parent_indices(batch["facts"]).filter(pc.is_in(batch["facts"].flatten(), value_set=asked_about))
        rows = batch.take(pc.unique(owner))
        for corpus, facts, text in zip(*(rows[c].to_pylist() for c in ("corpus", "facts", "text")), strict=True):
            asked = known if corpus == "known" else injected
            for fact in facts:
                if (probe := asked.get(fact)) and probe in text:
                    (worded if corpus == "known" else used).add(fact)
    return {
        "probes_in_unseen_words": len(injected),
        "of_which_documents_use_the_words": len(used),
        "known_probes_in_those_words": len(known),
        "of_which_known_documents_use_the_words": len(worded),
    }


def _leakage(directory: Path, asked: dict[str, Asked], tokens: Tokens, ngram: int, sample: int) -> dict[str, Any]:
    """How much of the test stands in the training texts already. N-grams: by split the share of (at most `sample`) questions
    of which one stands in a document or in an example. Bridges: of chains with several hops, those whose first answer is also
    one in training. Names: the share of the words of novel names that known names are made of (1 is wanted: a novel name has
    to be writable)."""
    texts = {"examples": _sampled(directory, "examples", ("prompt", "completion"), 10 * sample)}
    corpora: tuple[Corpus, ...] = ("known", "novel", "edits")
    for corpus in corpora:
        texts[f"{corpus} documents"] = _sampled(directory, "documents", ("text",), 10 * sample, corpus)
    grams = {name: KeySet(_grams(rows, tokens, ngram)[1]) for name, rows in texts.items() if rows}
    shares: dict[str, dict[str, float]] = {}
    tested = _tested(directory, sample)
    for name, rows in tested.items():
        if rows:
            owner, own = _grams(rows, tokens, ngram)
            shares[name] = {source: len(distinct(owner[seen.has(own)])) / len(rows) for source, seen in grams.items()}
    names, parts = (_column(directory, "entities", column) for column in ("name", "part"))
    words = [pc.unique(pc.utf8_split_whitespace(names.filter(pc.equal(parts, part))).flatten()) for part in ("known", "novel")]
    seen = KeySet(asked["train"].bridges)
    return {
        "ngram": ngram,
        "training_texts": {name: len(rows) for name, rows in texts.items()},
        "share_of_questions_with_a_shared_ngram": shares,
        "share_of_bridges_seen_in_training": {
            split: float(seen.has(asked[split].bridges).mean()) for split in HELD_OUT if len(asked[split].bridges)
        },
        "share_of_novel_name_words_in_known_names": (pc.sum(pc.is_in(words[1], words[0])).as_py() or 0) / max(1, len(words[1])),
    }


def _tested(directory: Path, sample: int) -> dict[str, list[str]]:
    """The first `sample` texts of every test split, and of the probes."""
    found: dict[str, list[str]] = {}
    for name, splits in (("questions", HELD_OUT), ("probes", None)):
        for batch in _batches(directory, name, "split", "text"):
            for split in pc.unique(batch["split"]).to_pylist():
                if splits and split not in splits:
                    continue
                rows = found.setdefault(split, [])
                if len(rows) < sample:
                    rows += batch["text"].filter(pc.equal(batch["split"], split))[: sample - len(rows)].to_pylist()
    return found


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


def _grams(texts: Sequence[str], tokens: Tokens, size: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """A hash of every run of `size` tokens, and the text that it stands in; some texts at a time, to need little room."""
    owners, grams = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
    for low in range(0, len(texts), 1000):
        told = tokens(texts[low : low + 1000])
        lengths = pc.list_value_length(told).to_numpy().astype(np.int64)
        encoded = pc.cast(told.flatten(), pa.string()).dictionary_encode()
        hashes = text_hashes(encoded.dictionary.to_pylist())[encoded.indices.to_numpy()]
        owner = np.repeat(np.arange(low, low + len(told)), lengths)
        count = max(0, len(hashes) - size + 1)
        whole = np.flatnonzero(owner[:count] == owner[len(owner) - count :])
        owners.append(owner[whole])
        grams.append(mixed(*(hashes[whole + i] for i in range(size))))
    return np.concatenate(owners), np.concatenate(grams)
