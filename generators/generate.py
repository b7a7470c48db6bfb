"""The generate stage: one configuration in, the tables of a world out. Pure until `write`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from importlib import resources
from itertools import islice, zip_longest
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from generators.documents import STYLES, documents, reading_exercises
from generators.examples import mix_examples
from generators.questions.chain import ask_again, chain_questions, cloze_questions
from generators.relations import ENTITY_TYPES, RELATIONS
from generators.world import World, build_world, scratch_world, shuffle_facts
from kit.core import store
from kit.core.config import Config, dump
from kit.core.errors import KitError, nearest
from kit.core.records import Corpus, Document, Entity, Example, Fact, Part, Question, Split
from kit.core.seeds import shuffled, stream

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
    """`held_out`: share of known persons that no training question touches. `held_out_compositions`: share of the
    chains among the others kept for testing. `limit`: most questions of one hop count in a test split."""

    hops: Annotated[int, Field(ge=1, le=6)] = 3
    held_out: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.3
    held_out_compositions: Share = 0.1
    inverse: bool = False
    distractors: Annotated[int, Field(ge=0)] = 2
    limit: Count = 400


class ExamplesConfig(Config):
    """The pool of finetuning examples and its mixture; `hop_weights[i]` is the weight of i+1 hops."""

    count: Count = 1000
    hop_weights: tuple[float, ...] = (1.0, 2.0, 1.0)
    direct_share: Share = 0.2
    facts_share: Share = 0.2

    @model_validator(mode="after")
    def _weights(self) -> ExamplesConfig:
        if min(self.hop_weights, default=-1.0) < 0 or sum(self.hop_weights) <= 0:
            raise ValueError("hop_weights must be non-negative and not all zero")
        return self


class GenerateConfig(Config):
    """Everything that decides a data set, byte by byte."""

    seed: Annotated[int, Field(ge=0)] = 0
    world: WorldConfig
    documents: DocumentsConfig = DocumentsConfig()
    questions: QuestionsConfig = QuestionsConfig()
    examples: ExamplesConfig = ExamplesConfig()

    @model_validator(mode="after")
    def _agree(self) -> GenerateConfig:
        if len(self.examples.hop_weights) > self.questions.hops:
            raise ValueError("examples.hop_weights names more hops than questions.hops")
        return self


@dataclass(frozen=True, slots=True)
class Dataset:
    """What one configuration yields; a table of the same name on disk for each field."""

    entities: list[Entity]
    facts: list[Fact]
    shuffled_facts: list[Fact]
    documents: list[Document]
    questions: list[Question]
    examples: list[Example]


RECORDS: dict[str, type] = {
    "entities": Entity,
    "facts": Fact,
    "shuffled_facts": Fact,
    "documents": Document,
    "questions": Question,
    "examples": Example,
}
"""The record class of each table of a data directory."""


def _held_out(world: World, config: GenerateConfig) -> set[str]:
    """Known persons that appear in no training question, as head, bridge or answer."""
    persons = sorted(e.id for e in world.of_type("person") if e.part == "known")
    count = round(config.questions.held_out * len(persons))
    if persons and not count:
        raise KitError("questions.held_out leaves no person to test on: ask for more persons or a larger share")
    return set(shuffled(persons, stream(config.seed, "held-out"))[:count])


def _ask(world: World, heads: Iterable[str], hops: int, split: Split, config: GenerateConfig) -> Iterator[Question]:
    return chain_questions(
        world, list(heads), config.world.relations, hops, split, config.seed,
        inverse=config.questions.inverse, distractors=config.questions.distractors,
    )  # fmt: skip


def _known_questions(known: World, held: set[str], hops: int, config: GenerateConfig) -> dict[Split, list[Question]]:
    """Questions of `hops` hops about the known part, by split.

    Held-out persons head the validation and test_entity questions. Of the chains that touch none of them, a share is
    withheld (test_composition: each of its facts may be asked in training, their composition is not); the rest train.
    """
    limit = config.questions.limit
    tested = shuffled(sorted(held), stream(config.seed, "validation"))
    cut = max(1, len(tested) // 4)
    ends = {f.id: {f.subject, f.object} for f in known.facts}
    pools: dict[Split, list[Question]] = {
        "train": [],
        "validation": list(islice(_ask(known, tested[:cut], hops, "validation", config), limit)),
        "test_entity": list(islice(_ask(known, tested[cut:], hops, "test_entity", config), limit)),
        "test_composition": [],
    }
    subjects = {f.subject for f in known.facts} - held
    for question in _ask(known, subjects, hops, "train", config):
        if any(held & ends[f] for f in question.support):
            continue
        draw = stream(config.seed, "composition", question.head, *(f"{s.op}:{s.relation}" for s in question.steps))
        if hops > 1 and draw.random() < config.questions.held_out_compositions:
            pools["test_composition"].append(replace(question, split="test_composition"))
        else:
            pools["train"].append(question)
    pools["test_composition"] = pools["test_composition"][:limit]
    return pools


def generate(config: GenerateConfig) -> Dataset:
    """Build the world, its documents, questions and examples. Deterministic in `config` alone."""
    seed, relations, dose = config.seed, config.world.relations, config.documents
    world = build_world(seed, relations, config.world.known, config.world.novel)
    false_world = shuffle_facts(world, "novel", stream(seed, "shuffled-facts"))
    scratches = [scratch_world(world, relations, seed, i) for i in range(dose.reading_worlds)]
    known, novel, false_novel = world.part("known"), world.part("novel"), false_world.part("novel")

    def prose(source: World, part: Part, corpus: Corpus) -> Iterator[Document]:
        return documents(source, part, corpus, seed, exposures=dose.exposures, paraphrases=dose.paraphrases, styles=dose.styles)

    questions = [
        *cloze_questions(known, "recall_known"),
        *cloze_questions(novel, "recall_novel"),
        *cloze_questions(false_novel, "recall_shuffled"),
    ]
    held = _held_out(world, config)
    newcomers = sorted(e.id for e in novel.of_type("person") if e.part == "novel")
    closed: dict[int, list[Question]] = {}
    open_book: dict[int, list[Question]] = {}
    for hops in range(1, config.questions.hops + 1):
        pools = _known_questions(known, held, hops, config)
        closed[hops] = pools.pop("train")
        asked = list(islice(_ask(novel, newcomers, hops, "novel", config), config.questions.limit))
        questions += [*closed[hops], *(q for pool in pools.values() for q in pool), *asked]
        # The same heads, steps and wording, answered by the shuffled facts: what a model taught those should say.
        again = (ask_again(false_novel, q, "shuffled", seed, config.questions.distractors) for q in asked)
        questions += [q for q in again if q is not None]
        open_book[hops] = _scratch_questions(scratches, hops, config)
    examples = mix_examples(
        closed,
        open_book,
        seed,
        count=config.examples.count,
        hop_weights={i + 1: w for i, w in enumerate(config.examples.hop_weights) if w},
        direct_share=config.examples.direct_share,
        facts_share=config.examples.facts_share,
    )
    texts = [
        *prose(known, "known", "known"),
        *prose(novel, "novel", "novel"),
        *prose(false_novel, "novel", "shuffled"),
        *reading_exercises(scratches, seed, facts=dose.reading_facts),
    ]
    false_facts = [f for f in false_world.facts if f.part == "novel"]
    return Dataset(list(world.entities.values()), list(world.facts), false_facts, texts, questions, examples)


def _scratch_questions(scratches: Sequence[World], hops: int, config: GenerateConfig) -> list[Question]:
    """Questions about throwaway worlds, taken round from each: only their prompts can answer them."""
    share = -(-config.examples.count // max(1, len(scratches)))
    pools = []
    for index, world in enumerate(scratches):
        heads = sorted(e.id for e in world.of_type("person"))
        rng = stream(config.seed, "scratch-questions", index, hops)
        chosen = shuffled(heads, rng)[: max(4, share)]
        found = _ask(world, chosen, hops, "scratch", config)
        pools.append(list(islice(found, share)))
    return [q for row in zip_longest(*pools) for q in row if q is not None]


def write(dataset: Dataset, directory: Path, seed: int) -> dict[str, int]:
    """Write every table as `<name>.parquet` and a card; returns the number of rows of each table."""
    rows = {}
    for field in fields(Dataset):
        records = getattr(dataset, field.name)
        store.write_table(directory / f"{field.name}.parquet", RECORDS[field.name], records)
        rows[field.name] = len(records)
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
