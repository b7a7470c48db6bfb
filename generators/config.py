"""The configuration of a data set: everything that decides it, byte by byte."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from generators.own.files import COLUMNS, Form
from generators.questions import SHAPES
from generators.questions.probes import PROBES
from generators.tasks import TASK_DATA
from generators.text.styles import STYLES
from generators.world.draw import BIRTH, FIRST_YEAR, Timeline
from generators.world.relations import ENTITY_TYPES, RELATIONS, VALUES
from kit.core.config import Config
from kit.core.errors import KitError, check_known, nearest
from kit.core.records import RECORDS, Level, TaskName
from kit.core.store import file_digest
from kit.models.checkpoint import digest

Count = Annotated[int, Field(ge=1, le=10_000_000)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


TELLING = ("direct", "paraphrase")
"""The probes whose questions also tell the novel facts."""


def _known(names: tuple[str, ...], table: Collection[str], what: str) -> tuple[str, ...]:
    """The names, each of them one of the table's; ["all"] stands for all of them."""
    if names == ("all",):
        return tuple(table)
    for name in names:
        check_known(name, table, what)
    if len(set(names)) < len(names):
        raise ValueError(f"a {what} is named twice")
    return names


class NamesConfig(Config):
    """tokenizer: a checkpoint whose tokenizer gives no name more than `max_tokens` tokens. avoid: a text file of names that
    exist, one a line."""

    tokenizer: str | None = None
    max_tokens: Annotated[int, Field(ge=2)] = 8
    avoid: str | None = None


class TimelineConfig(Config):
    """Facts of relations that change have years. The documents of the known and the novel part are written in `cutoff` and
    tell of the years from `start` on, in which a fact had up to `changes` other objects; years of birth, foundation and the
    like lie before. edited: the share of known facts that change, end or begin after it and until `end`, told of by the
    documents of the corpus `edits`."""

    start: int = 1960
    cutoff: int = 1990
    end: int = 1998
    changes: Annotated[int, Field(ge=0, le=8)] = 2
    edited: Share = 0.1

    @model_validator(mode="after")
    def _in_order(self) -> TimelineConfig:
        span = RELATIONS[BIRTH].span
        first, last = FIRST_YEAR - (span[0] if span else 0), int(VALUES["year"][-1])
        if not first <= self.start < self.cutoff < self.end <= last:
            raise ValueError(f"start, cutoff and end must follow one another, from {first} to {last}")
        if self.cutoff - self.start < self.changes:
            raise ValueError(f"{self.changes} changes need as many years between start and cutoff")
        return self

    @property
    def timeline(self) -> Timeline:
        return Timeline(self.start, self.cutoff, self.end, self.changes, self.edited)


class OwnConfig(Config):
    """Facts of one's own: `facts`, a file of triples; `bank`, facts that come with kit (`real`: of countries and cities);
    `relations`, a TOML file with wordings; `events`, a file of dated events with their questions (see `generators.own`). How
    a file of facts is read where it does not say so itself: `columns`, ours to theirs; `delimiter`; `header`, whether its first
    line names the columns; `wide`, the column of subjects of a table in which each other column is a relation; `language`, of
    names in several. skip_bad_rows: whether what cannot be read is left out, and counted, instead of ending it all. known_by: an
    evaluation of the task knowledge; of one's own facts of the known part those are kept that its model knows as well as
    `known_levels` say."""

    facts: str | None = None
    bank: Literal["real"] | None = None
    relations: str | None = None
    events: str | None = None
    columns: dict[str, str] = {}
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    header: bool | None = None
    wide: str | None = None
    language: str = "en"
    skip_bad_rows: bool = False
    known_by: str | None = None
    known_levels: Annotated[tuple[Level, ...], Field(min_length=1)] = ("highly_known", "maybe_known")

    @field_validator("columns")
    @classmethod
    def _ours(cls, columns: dict[str, str]) -> dict[str, str]:
        _known(tuple(columns), COLUMNS, "column")
        if len(set(columns.values())) < len(columns):
            raise ValueError("a column is named twice")
        return columns

    @model_validator(mode="after")
    def _of_a_file(self) -> OwnConfig:
        if self.known_by and not (self.facts or self.bank):
            raise ValueError("known_by sorts facts of your own, and there are none: set facts or bank")
        # Other than by default, and not merely named: the config.json of a directory names all.
        set_ = {name for name, field in OwnConfig.model_fields.items() if getattr(self, name) != field.default}
        if "known_levels" in set_ and not self.known_by:
            raise ValueError("known_levels says what is kept by known_by: set it")
        if not self.facts and (idle := sorted(set_ - {"bank", "relations", "events", "known_by", "known_levels"})):
            raise ValueError(f"{idle[0]} says how facts are read, and there are none: set facts")
        return self

    @property
    def form(self) -> Form:
        return Form(self.columns, self.delimiter, self.header, self.wide, self.language)


class WorldConfig(Config):
    """Relations drawn from the table, and how many entities of each type the novel part, and each block of the known part, have.

    blocks: of how many the known part is made, each closed under its relations; what is known is compared with what is novel in
    one of them, so give both the same counts. twin: whether there is a third part, drawn like the novel one and never trained on;
    crossing: one of whose facts half are told with the known part and half are injected (see `generators.crossing`).
    zipf: 0 deals the objects of many-to-one relations evenly; above 0, the exponent of Zipf's law that they follow. missing:
    share of facts left out, so that not everybody has everything. aliases: share of entities with a second name.
    """

    relations: tuple[str, ...] = ()
    known: dict[str, Count] = {}
    novel: dict[str, Count] = {}
    blocks: Annotated[int, Field(ge=1, le=1000)] = 4
    twin: bool = False
    crossing: bool = False
    zipf: Annotated[float, Field(ge=0.0, le=4.0)] = 0.0
    missing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    aliases: Share = 0.0
    names: NamesConfig = NamesConfig()
    timeline: TimelineConfig | None = None
    own: OwnConfig = OwnConfig()

    @field_validator("relations")
    @classmethod
    def _in_table(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _known(names, RELATIONS, "relation")

    @field_validator("known", "novel")
    @classmethod
    def _types(cls, counts: dict[str, int]) -> dict[str, int]:
        _known(tuple(counts), ENTITY_TYPES, "entity type")
        return counts

    @model_validator(mode="after")
    def _something(self) -> WorldConfig:
        if not (self.relations or self.own.facts or self.own.bank or self.own.events):
            raise ValueError("name relations to draw facts of, or give facts or events of your own")
        return self


class DocumentsConfig(Config):
    """The dose. exposures: statements of every fact, spread evenly over the styles. paraphrases: how many of a relation's
    phrasings are used (the known part has two more, which are kept from what is injected). facts: how many stand in a document of
    a style that mixes subjects. shuffled: whether the sentences about a subject come in a new order each time. junk: sentences
    that say nothing, for each that states a fact. reversed, masked: shares of statements that name the object first, and that
    leave a gap to be filled. apart: no document holds both facts of a two-hop question kept for testing. Reading: throwaway
    worlds whose facts are stated twice in one document."""

    exposures: Count = 32
    styles: Annotated[tuple[str, ...], Field(min_length=1)] = ("biography", "joint biography")
    paraphrases: Annotated[int, Field(ge=1, le=6)] = 6
    facts: Annotated[int, Field(ge=1, le=50)] = 5
    shuffled: bool = True
    junk: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    reversed: Share = 0.0
    masked: Share = 0.0
    apart: bool = True
    reading_worlds: Annotated[int, Field(ge=0)] = 40
    reading_facts: Annotated[int, Field(ge=1)] = 3

    @field_validator("styles")
    @classmethod
    def _known_styles(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _known(names, STYLES, "document style")

    @model_validator(mode="after")
    def _forms(self) -> DocumentsConfig:
        if self.reversed + self.masked > 1:
            raise ValueError("reversed and masked together are more than all statements")
        return self


class QuestionsConfig(Config):
    """`hops`: the longest chains; `shapes`: what else is asked (see `generators.questions.SHAPES`). `held_out`: blocks
    of the known part that nothing is trained on but documents. `held_out_compositions`, `held_out_pairs`: share of the pairs of
    facts, and of relations, that no training question has one after the other. `limit`, `train_limit`: most questions of one
    shape in a test split, and for training. `distractors`: how many others are told of in the prompt beside a question's own
    facts, in each of its relations."""

    hops: Annotated[int, Field(ge=1, le=6)] = 3
    held_out: Annotated[int, Field(ge=0)] = 1
    held_out_compositions: Share = 0.1
    held_out_pairs: Share = 0.0
    inverse: bool = False
    shapes: tuple[str, ...] = ()
    distractors: Annotated[int, Field(ge=0)] = 2
    limit: Count = 400
    train_limit: Count = 20_000

    @field_validator("shapes")
    @classmethod
    def _known_shapes(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _known(names, SHAPES, "question shape")


class ProbesConfig(Config):
    """What is asked of single facts, of at most `facts` facts a part (see `generators.questions.probes.PROBES`)."""

    kinds: tuple[str, ...] = tuple(PROBES)
    facts: Count = 10_000

    @field_validator("kinds")
    @classmethod
    def _known_kinds(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _known(names, PROBES, "kind of probe")


class ExamplesConfig(Config):
    """The pool of finetuning examples and its mixture: how often each shape of question is drawn. controls: whether there are as
    many without this world's content (`format`, `unrelated`). unknown: how many others there are that rest on a fact which the
    model of world.own.known_by does not know, to be put in the place of some (`unknown_share` of a training run). novel: whether
    there are others that tell the novel facts, to inject them as questions: each fact that is probed, asked for by itself in the
    words of the probes `direct` and `paraphrase`, with a chain of thought and without."""

    count: Annotated[int, Field(ge=0, le=10_000_000)] = 1000
    unknown: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    novel: bool = False
    weights: dict[str, Annotated[float, Field(ge=0.0)]] = {"chain-1": 1.0, "chain-2": 2.0, "chain-3": 1.0}
    direct_share: Share = 0.2
    facts_share: Share = 0.2
    controls: bool = False

    @field_validator("weights")
    @classmethod
    def _some(cls, weights: dict[str, float]) -> dict[str, float]:
        if not sum(weights.values()):
            raise ValueError("weights must not all be zero")
        return weights


class TaskCounts(Config):
    """How many items of a task of one's own (see `generators.tasks`), and how many steps, or parts, each has."""

    train: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    test: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    difficulty: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (1, 2, 3)


class AuditConfig(Config):
    """What the data are checked with once they are written. tokenizer: whose tokens n-grams are made of (words without it).
    ngram: their length. sample: most test questions, and ten times as many training texts, that are compared; and most questions
    of a shape and split that are guessed at."""

    tokenizer: str | None = None
    ngram: Annotated[int, Field(ge=2, le=50)] = 8
    sample: Count = 2000


class GenerateConfig(Config):
    """Everything that decides a data set, byte by byte. tasks: word problems, functions and instructions to make beside the
    world, with examples of those for training. rows_per_file: whether, and how, tables are spread over files; the
    rows and their order stay the same."""

    seed: Annotated[int, Field(ge=0)] = 0
    world: WorldConfig
    documents: DocumentsConfig = DocumentsConfig()
    questions: QuestionsConfig = QuestionsConfig()
    probes: ProbesConfig = ProbesConfig()
    examples: ExamplesConfig = ExamplesConfig()
    tasks: dict[TaskName, TaskCounts] = {}
    audit: AuditConfig = AuditConfig()
    rows_per_file: Count | None = None

    @property
    def held_from(self) -> int:
        """The first of the blocks of the known part that are held out, which are the last."""
        return self.world.blocks - self.questions.held_out

    def inputs(self) -> dict[str, str]:
        """The digests of the files and checkpoints that it names, by the path of the setting. Raises KitError where one is
        missing."""
        own, names = self.world.own, self.world.names
        files = {f"world.own.{name}": getattr(own, name) for name in ("facts", "relations", "events")}
        files["world.names.avoid"] = names.avoid
        files["world.own.known_by"] = str(Path(own.known_by) / RECORDS) if own.known_by else None
        for name, path in files.items():
            if path and not Path(path).is_file():
                raise KitError(f"{name}: {path} does not exist")
        digests = {name: file_digest(Path(path)) for name, path in files.items() if path}
        for name, tokenizer in (("world.names.tokenizer", names.tokenizer), ("audit.tokenizer", self.audit.tokenizer)):
            if tokenizer:
                digests[name] = digest(tokenizer)
        return digests

    @model_validator(mode="after")
    def _agree(self) -> GenerateConfig:
        if "multihop" in self.tasks:
            raise ValueError("tasks: multihop questions come with the world; set examples and questions")
        for name, counts in self.tasks.items():
            there = TASK_DATA[name].difficulties
            if not {*counts.difficulty} <= {*there}:
                raise ValueError(f"tasks.{name}.difficulty goes from {there[0]} to {there[-1]}")
        if self.world.known and self.held_from < 1:
            raise ValueError(
                f"questions.held_out: {self.questions.held_out} of world.blocks = {self.world.blocks} leaves none to train on"
            )
        asked = [*(f"chain-{i + 1}" for i in range(self.questions.hops)), *self.questions.shapes]
        for shape in self.examples.weights:
            if self.examples.count and shape not in asked:
                raise ValueError(f"examples.weights: no {shape} questions are asked; {nearest(shape, asked)}")
        if self.examples.unknown and not self.world.own.known_by:
            raise ValueError("examples.unknown: what is not known world.own.known_by tells: set it")
        if self.examples.unknown and "unknown" in self.world.own.known_levels:
            raise ValueError("examples.unknown: what is unknown is among world.own.known_levels already")
        if self.examples.novel and not {*TELLING} <= {*self.probes.kinds}:
            raise ValueError(f"examples.novel: they are asked as the probes {' and '.join(TELLING)}: add those to probes.kinds")
        if "temporal" in self.questions.shapes and not (self.world.timeline or self.world.own.facts):
            raise ValueError("questions.shapes: temporal questions need a world.timeline, or facts of your own with years")
        return self
