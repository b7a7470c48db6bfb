"""The declared shapes of what crosses a stage, and their Arrow schemas (derived, so that there is one declaration).

Every table that kit writes holds one of these dataclasses, row by row; `schema_of` turns the class into the Arrow
schema of the file. Supported field types: str, int, float, bool, `X | None`, `tuple[X, ...]`, `dict[str, X]`,
Literal of strings, and other dataclasses.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import pyarrow as pa

Part = Literal["known", "novel", "scratch", "shared"]
"""known: pretrained on; novel: injected later; scratch: names and facts drawn anew for every reading exercise, so that they
can only be read and never remembered; shared: the values (professions, products, …) that every part points to."""

Corpus = Literal["known", "novel", "shuffled", "reading"]
Split = Literal[
    "train",
    "validation",
    "test_entity",
    "test_composition",
    "novel",
    "shuffled",
    "scratch",
    "recall_known",
    "recall_novel",
    "recall_shuffled",
    "external",
]
Style = Literal["cot", "direct", "cloze"]
"""cot: sub-questions answered one by one, then the answer. direct: the answer alone. cloze: plain text to be continued."""

Context = Literal["closed", "facts"]
ErrorKind = Literal["none", "format", "first_hop", "later_hop", "recall", "composition", "answer"]


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing with a name; `id` is a digest of its type and name."""

    id: str
    type: str
    name: str
    part: Part
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """subject --relation--> object, all ids; valid_from / valid_to are None where a fact always holds."""

    id: str
    subject: str
    relation: str
    object: str
    part: Part
    valid_from: int | None = None
    valid_to: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """Prose. `facts` are the ids stated; `exposure` numbers the documents of its style. The first `context_chars`
    characters of the text are there to be read: no loss falls on them."""

    id: str
    text: str
    facts: tuple[str, ...]
    template: str
    exposure: int
    corpus: Corpus
    context_chars: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a reasoning graph: `follow` a relation from subject to object, or its `inverse`."""

    op: Literal["follow", "inverse"]
    relation: str


@dataclass(frozen=True, slots=True)
class SubQuestion:
    """One hop asked by itself, and the whole sentence that answers it. `relation` and `fact` say what it asks of the
    world (empty, like `sentence`, for foreign data)."""

    text: str
    answer: str
    sentence: str = ""
    relation: str = ""
    fact: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was computed about a question, never assumed (`generators.reasoning.certify`).

    unique: the solver finds exactly one answer. unreadable: no answer stands in the question's text. no_shortcut: no
    path of fewer edges joins head and answer, inverses and hubs counted. necessary: the facts whose removal changes or
    voids the answer. popularity_guess: the last relation's commonest object is right. type_prior: the share of the last
    relation's facts that have this answer, i.e. the accuracy of a guess drawn from that prior.
    """

    unique: bool
    unreadable: bool
    no_shortcut: bool
    necessary: tuple[str, ...]
    popularity_guess: bool
    type_prior: float


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its reasoning graph. `context` holds the sentences of the facts-in-prompt form, shuffled:
    the support and some distractors. `candidates` are type-matched wrong answers for forced choice."""

    id: str
    shape: str
    text: str
    head: str
    steps: tuple[Step, ...]
    sub_questions: tuple[SubQuestion, ...]
    answers: tuple[str, ...]
    support: tuple[str, ...]
    hops: int
    split: Split
    context: tuple[str, ...]
    candidates: tuple[str, ...]
    certificate: Certificate | None


@dataclass(frozen=True, slots=True)
class Example:
    """One finetuning example, before the chat template. `kind` tells hops, style and context; `facts` what it carries."""

    id: str
    prompt: str
    completion: str
    facts: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class EvalRecord:
    """One model answer to one question, with everything needed to score it again."""

    question_id: str
    task: str
    prompt: str
    output: str
    extracted: str | None
    answers: tuple[str, ...]
    scores: dict[str, float]
    error: ErrorKind
    tags: dict[str, str]

    @property
    def cluster(self) -> str:
        """Questions through the same bridge entity belong together; others stand alone."""
        return self.tags["bridge"] or self.question_id


@dataclass(frozen=True, slots=True)
class Manifest:
    """Written last, atomically: a stage directory without one is unfinished."""

    schema: int
    stage: str
    key: str
    config: dict[str, Any]
    inputs: dict[str, str]
    outputs: dict[str, str]
    commit: str
    dirty: bool
    packages: dict[str, str]
    hardware: dict[str, str]
    started: str
    seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    results: dict[str, float] = field(default_factory=dict)


R = TypeVar("R")


@functools.cache
def _hints(record: Any) -> dict[str, Any]:
    return typing.get_type_hints(record)


_SCALARS: dict[Any, pa.DataType] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def _arrow_type(hint: Any) -> pa.DataType:
    if hint in _SCALARS:
        return _SCALARS[hint]
    if dataclasses.is_dataclass(hint):
        return pa.struct(list(schema_of(typing.cast(type, hint))))
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return pa.string()
    if origin is tuple:
        return pa.list_(_arrow_type(args[0]))
    if origin is dict:
        return pa.map_(_arrow_type(args[0]), _arrow_type(args[1]))
    if origin in (types.UnionType, typing.Union):
        return _arrow_type(next(a for a in args if a is not type(None)))
    raise TypeError(f"no Arrow type for {hint!r}")


def schema_of(record: type) -> pa.Schema:
    """The Arrow schema of a record class, one column a field."""
    hints = _hints(record)
    return pa.schema([(f.name, _arrow_type(hints[f.name])) for f in dataclasses.fields(record)])


def to_rows(records: Sequence[Any]) -> list[dict[str, Any]]:
    """Records as plain dictionaries, nested ones too (maps as the pairs Arrow wants)."""
    return [dataclasses.asdict(r) for r in records]


def _revive(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if dataclasses.is_dataclass(hint):
        return from_row(typing.cast(type, hint), value)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return tuple(_revive(args[0], v) for v in value)
    if origin is dict:
        pairs = value.items() if isinstance(value, dict) else value
        return {k: _revive(args[1], v) for k, v in pairs}
    if origin in (types.UnionType, typing.Union):
        return _revive(next(a for a in args if a is not type(None)), value)
    return value


def from_row(record: type[R], row: dict[str, Any]) -> R:
    """A record from one row of its table (or of JSON); the inverse of `to_rows`."""
    hints = _hints(typing.cast(Any, record))
    return record(**{name: _revive(hints[name], row[name]) for name in row})
