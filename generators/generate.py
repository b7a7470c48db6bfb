"""The generate stage: one configuration in, the tables of a world out. Pure until `write`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from generators.columns import mixed, picked
from generators.documents import STYLES, documents, reading_exercises
from generators.examples import mix_examples
from generators.questions import SHAPES
from generators.questions.chain import Chains, ask, certified, cloze, search
from generators.relations import ENTITY_TYPES, RELATIONS
from generators.world import World, build_world, scratch_world, shuffle_facts
from kit.core import store
from kit.core.config import Config, dump
from kit.core.errors import KitError, nearest
from kit.core.records import Corpus, Document, Entity, Example, Fact, Part, Question, Split, schema_of
from kit.core.seeds import key_of, stream

Count = Annotated[int, Field(ge=1, le=10_000_000)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class WorldConfig(Config):
    """Relations drawn from the table, and how many entities of each type the known and the novel part have."""

    relations: tuple[str, ...]
    known: dict[str, Count]
    novel: dict[str, Count]

    @field_validator("relations")
    @classmethod
    def _in_table(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in RELATIONS:
                raise ValueError(f"unknown relation {name}; {nearest(name, RELATIONS)}")
        if len(set(names)) < len(names):
            raise ValueError("a relation is named twice")
        return names

    @field_validator("known", "novel")
    @classmethod
    def _types(cls, counts: dict[str, int]) -> dict[str, int]:
        for kind in counts:
            if kind not in ENTITY_TYPES:
                raise ValueError(f"unknown entity type {kind}; {nearest(kind, ENTITY_TYPES)}")
        return counts


class DocumentsConfig(Config):
    """Exposures: statements of every fact, spread evenly over the styles. Paraphrases: how many of a relation's phrasings
    are used. Reading: throwaway worlds whose facts are stated twice in one document."""

    exposures: Count = 32
    styles: Annotated[tuple[str, ...], Field(min_length=1)] = ("biography", "joint biography")
    paraphrases: Annotated[int, Field(ge=1, le=8)] = 8
    reading_worlds: Annotated[int, Field(ge=0)] = 40
    reading_facts: Annotated[int, Field(ge=1)] = 3

    @field_validator("styles")
    @classmethod
    def _known_styles(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in STYLES:
                raise ValueError(f"unknown document style {name}; {nearest(name, STYLES)}")
        return names


class QuestionsConfig(Config):
    """`hops`: the longest chains; `shapes`: what else is asked (see `generators.questions.SHAPES`). `held_out`: share of
    known persons that no training question touches. `held_out_compositions`: share of the chains among the others kept for
    testing. `limit`, `train_limit`: most questions of one shape in a test split, and for training; `recall_limit`: most
    facts of a part whose bare recall is tested."""

    hops: Annotated[int, Field(ge=1, le=6)] = 3
    held_out: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.3
    held_out_compositions: Share = 0.1
    inverse: bool = False
    shapes: tuple[str, ...] = ()
    distractors: Annotated[int, Field(ge=0)] = 2
    limit: Count = 400
    train_limit: Count = 20_000
    recall_limit: Count = 10_000

    @field_validator("shapes")
    @classmethod
    def _known_shapes(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in SHAPES:
                raise ValueError(f"unknown question shape {name}; {nearest(name, SHAPES)}")
        return names


class ExamplesConfig(Config):
    """The pool of finetuning examples and its mixture: how often each shape of question is drawn."""

    count: Count = 1000
    weights: dict[str, Annotated[float, Field(ge=0.0)]] = {"chain-1": 1.0, "chain-2": 2.0, "chain-3": 1.0}
    direct_share: Share = 0.2
    facts_share: Share = 0.2

    @field_validator("weights")
    @classmethod
    def _some(cls, weights: dict[str, float]) -> dict[str, float]:
        if not sum(weights.values()):
            raise ValueError("weights must not all be zero")
        return weights


class GenerateConfig(Config):
    """Everything that decides a data set, byte by byte."""

    seed: Annotated[int, Field(ge=0)] = 0
    world: WorldConfig
    documents: DocumentsConfig = DocumentsConfig()
    questions: QuestionsConfig = QuestionsConfig()
    examples: ExamplesConfig = ExamplesConfig()

    @model_validator(mode="after")
    def _agree(self) -> GenerateConfig:
        asked = [*(f"chain-{i + 1}" for i in range(self.questions.hops)), *self.questions.shapes]
        for shape in self.examples.weights:
            if shape not in asked:
                raise ValueError(f"examples.weights: no {shape} questions are asked; {nearest(shape, asked)}")
        return self


class Dataset(NamedTuple):
    """What one configuration yields; a table of the same name on disk for each field. Each comes in pieces, and the
    documents are made while they are read, for they may be more than the memory holds."""

    entities: Iterable[pa.Table]
    facts: Iterable[pa.Table]
    shuffled_facts: Iterable[pa.Table]
    documents: Iterable[pa.Table]
    questions: Iterable[pa.Table]
    examples: Iterable[pa.Table]


RECORDS: dict[str, type] = {
    "entities": Entity,
    "facts": Fact,
    "shuffled_facts": Fact,
    "documents": Document,
    "questions": Question,
    "examples": Example,
}
"""The record class of each table of a data directory."""


def _held_out(known: World, config: GenerateConfig) -> NDArray[np.int64]:
    """Known persons that appear in no training question, as head, bridge or answer, in a seeded order."""
    persons = known.members("person", "known")
    count = round(config.questions.held_out * len(persons))
    if len(persons) and not count:
        raise KitError("questions.held_out leaves no person to test on: ask for more persons or a larger share")
    return stream(config.seed, "held-out").permutation(persons)[:count]


def _search(world: World, heads: NDArray[np.int64], hops: int, label: str, config: GenerateConfig) -> Iterator[Chains]:
    key = key_of(config.seed, "questions", label, hops)
    return search(world, np.sort(heads), config.world.relations, hops, key, inverse=config.questions.inverse)


def _first(world: World, found: Iterable[Chains], split: Split, count: int, config: GenerateConfig) -> pa.Table:
    """The first `count` questions of a search."""

    def asked() -> Iterator[pa.Table]:
        wanted = count
        for chains in found:
            place = 0
            while wanted and place < len(chains.hops):
                rows = np.arange(place, min(place + wanted, len(chains.hops)))
                yield (table := ask(world, chains.take(rows), split, config.seed, distractors=config.questions.distractors))
                place, wanted = place + len(rows), wanted - len(table)

    return _some_of(asked(), count)


def _known_questions(known: World, held: NDArray[np.int64], hops: int, config: GenerateConfig) -> list[pa.Table]:
    """Questions of `hops` hops about the known part: training, validation, test_entity, test_composition.

    Held-out persons head the validation and test_entity questions. Of the chains that touch none of them, a share is
    withheld (test_composition: each of its facts may be asked in training, their composition is not); the rest train.
    """
    limit = config.questions.limit
    tested = stream(config.seed, "validation").permutation(np.sort(held))
    cut = max(1, len(tested) // 4)
    hidden = np.zeros(known.size, bool)
    hidden[held] = True
    subjects = np.unique(known.subject).astype(np.int64)
    train: list[Chains] = []
    withheld: list[Chains] = []
    for chains in _search(known, subjects[~hidden[subjects]], hops, "train", config):
        free = chains.take(np.flatnonzero(~hidden[chains.stops].any(1)))
        draws = mixed(key_of(config.seed, "composition"), *(known.fact_hashes[free.facts[:, i]] for i in range(hops)))
        apart = (picked(draws, 1_000_000) < 1_000_000 * config.questions.held_out_compositions) & (hops > 1)
        withheld.append(free.take(np.flatnonzero(apart)))
        train.append(free.take(np.flatnonzero(~apart)))
        if sum(len(c.hops) for c in train) >= config.questions.train_limit:
            break
    return [
        _first(known, train, "train", config.questions.train_limit, config),
        _first(known, _search(known, tested[:cut], hops, "validation", config), "validation", limit, config),
        _first(known, _search(known, tested[cut:], hops, "test_entity", config), "test_entity", limit, config),
        _first(known, withheld, "test_composition", limit, config),
    ]


def generate(config: GenerateConfig) -> Dataset:
    """Build the world, its documents, questions and examples. Deterministic in `config` alone."""
    seed, relations, dose, distractors = config.seed, config.world.relations, config.documents, config.questions.distractors
    world = build_world(seed, relations, config.world.known, config.world.novel)
    false_world = shuffle_facts(world, "novel", stream(seed, "shuffled-facts"))
    scratches = [scratch_world(world, relations, seed, i) for i in range(dose.reading_worlds)]
    known, novel, false_novel = world.part("known"), world.part("novel"), false_world.part("novel")
    limit = config.questions.recall_limit
    questions = [
        cloze(known, "recall_known", seed, limit),
        cloze(novel, "recall_novel", seed, limit),
        cloze(false_novel, "recall_shuffled", seed, limit),
    ]
    held = _held_out(known, config)
    newcomers = novel.members("person", "novel")
    closed: dict[str, pa.Table] = {}
    open_book: dict[str, pa.Table] = {}
    share = -(-config.examples.count // max(1, len(scratches)))
    for hops in range(1, config.questions.hops + 1):
        tables = _known_questions(known, held, hops, config)
        closed[f"chain-{hops}"] = tables[0]
        found = list(_search(novel, newcomers, hops, "novel", config))
        asked = _first(novel, found, "novel", config.questions.limit, config)
        questions += [*tables, asked, _asked_again(false_novel, found, len(asked), config)]
        chains = [_search(w, w.members("person", "scratch"), hops, f"scratch {i}", config) for i, w in enumerate(scratches)]
        found_in = [_first(w, c, "scratch", share, config) for w, c in zip(scratches, chains, strict=True)]
        open_book[f"chain-{hops}"] = _taken_round(found_in)
    for shape in config.questions.shapes:
        tables = _other_shape(shape, known, held, config)
        closed[shape] = tables[0]
        questions += [*tables, _some_of(SHAPES[shape](novel, relations, "novel", seed, distractors), config.questions.limit)]
        open_book[shape] = _taken_round(
            [_some_of(SHAPES[shape](w, relations, "scratch", seed, distractors), share) for w in scratches]
        )
    examples = mix_examples(
        closed,
        open_book,
        seed,
        count=config.examples.count,
        weights=config.examples.weights,
        direct_share=config.examples.direct_share,
        facts_share=config.examples.facts_share,
    )

    def prose(source: World, part: Part, corpus: Corpus) -> Iterator[pa.Table]:
        return documents(source, part, corpus, seed, exposures=dose.exposures, paraphrases=dose.paraphrases, styles=dose.styles)

    texts = chain(
        prose(known, "known", "known"),
        prose(novel, "novel", "novel"),
        prose(false_novel, "novel", "shuffled"),
        reading_exercises(scratches, seed, facts=dose.reading_facts),
    )
    return Dataset(
        [world.entity_table()], [world.fact_table()], [false_novel.fact_table()], texts, questions, [examples]
    )  # fmt: skip


def _asked_again(false_novel: World, found: list[Chains], count: int, config: GenerateConfig) -> pa.Table:
    """The same heads, hops and wording as the first `count` novel questions, answered by the shuffled facts: what a model
    taught those should say."""
    if not found:
        return schema_of(Question).empty_table()
    chains = Chains(*(np.concatenate(columns) for columns in zip(*found, strict=True)))
    _, again = certified(false_novel, chains.stops[:count, 0], chains.hops[:count])
    return ask(false_novel, again, "shuffled", config.seed, distractors=config.questions.distractors)


def _other_shape(shape: str, known: World, held: NDArray[np.int64], config: GenerateConfig) -> list[pa.Table]:
    """Questions of a shape about the known part: those whose facts touch nobody held out train, the others test."""
    touching = np.isin(known.subject, held) | np.isin(known.object, held)
    hidden = known.fact_ids.filter(pa.array(touching))
    made = SHAPES[shape](known, config.world.relations, "train", config.seed, config.questions.distractors)
    train: list[pa.Table] = []
    test: list[pa.Table] = []
    for table in made:
        support = table["support"].combine_chunks()
        met = np.zeros(len(table), bool)
        met[pc.list_parent_indices(support).filter(pc.is_in(support.flatten(), hidden)).to_numpy()] = True
        train.append(table.filter(pa.array(~met)))
        test.append(table.filter(pa.array(met)))
        if sum(map(len, train)) >= config.questions.train_limit and sum(map(len, test)) >= config.questions.limit:
            break
    tested = _some_of(test, config.questions.limit)
    place = tested.schema.get_field_index("split")
    tested = tested.set_column(place, "split", pa.array(["test_entity"] * len(tested), pa.string()))
    return [_some_of(train, config.questions.train_limit), tested]


def _some_of(tables: Iterable[pa.Table], count: int) -> pa.Table:
    """The first `count` rows, or as many as there are."""
    found: list[pa.Table] = []
    for table in tables:
        found.append(table)
        if sum(map(len, found)) >= count:
            break
    return pa.concat_tables(found or [schema_of(Question).empty_table()])[:count]


def _taken_round(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of several tables: the first of each, then the second of each."""
    if not tables:
        return schema_of(Question).empty_table()
    place = np.concatenate([np.arange(len(t)) for t in tables])
    return pa.concat_tables(tables).take(pa.array(np.argsort(place, kind="stable")))


def write(dataset: Dataset, directory: Path, seed: int) -> dict[str, int]:
    """Write every table as `<name>.parquet` and a card; returns the number of rows of each table."""
    rows = {}
    for name, tables in dataset._asdict().items():
        rows[name] = store.write_arrow(directory / f"{name}.parquet", schema_of(RECORDS[name]), tables)
    card = resources.files("data_cards").joinpath("world.md").read_text("utf-8")
    with store.atomic_path(directory / "README.md") as temporary:
        temporary.write_text(card.format(seed=seed, **{f"{name}_rows": f"{n:,}" for name, n in rows.items()}), "utf-8")
    return rows


def generate_stage(config: GenerateConfig, out: Path) -> Path:
    """Generate into `out` unless it is there already; returns `out`. Nothing is overwritten."""
    settings = dump(config)
    if not store.finished(out, store.stage_key("generate", settings, {})):
        with store.run_stage(out, "generate", settings, {}) as stage:
            stage.results.update({f"{name}_rows": float(n) for name, n in write(generate(config), out, config.seed).items()})
    return out
