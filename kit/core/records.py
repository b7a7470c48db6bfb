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
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

import pyarrow as pa

Part = Literal["known", "novel", "scratch", "shared", "twin", "crossing"]
"""known: pretrained on; novel: injected later; twin: drawn like the novel part and never trained on; crossing: the same, half of
its facts known and half injected; scratch: names and
facts drawn anew for every reading exercise, so that they can only be read and never remembered; shared: the values
(professions, products, …) that every part points to."""

Corpus = Literal["known", "novel", "shuffled", "reading", "edits", "crossing", "false bridge"]
"""What a document is for: edits tell what became of known facts later; crossing, the injected half of that part; false bridge,
the same with other entities on the way."""

ASKED = ("questions", "examples")
"""Sources of training rows that are put to a model as it is asked: questions that tell the novel facts one by one, and the first
D examples of a task."""

SOURCES: tuple[str, ...] = (*typing.get_args(Corpus), *ASKED)
"""Where training rows come from: the corpora of documents, and what is asked."""

Split = Literal[
    "train",
    "test",
    "validation",
    "test_entity",
    "test_composition",
    "test_relation_pair",
    "novel",
    "shuffled",
    "twin",
    "edited",
    "novel_to_novel",
    "novel_to_known",
    "known_to_novel",
    "known_to_known",
    "one_document",
    "false_bridge",
    "scratch",
    "recall_known",
    "recall_novel",
    "recall_shuffled",
    "recall_twin",
    "external",
]
Style = Literal["cot", "direct", "cloze"]
"""cot: sub-questions answered one by one, then the answer. direct: the answer alone. cloze: plain text to be continued."""

Wording = Literal["plain", "cue"]
"""How a multihop question is asked. plain: in which style it is to be answered; cue: and in which words the answer is to end."""

Content = Literal["task", "format", "unrelated", "unknown", "novel"]
"""What examples are about. task: what they are tested on; format: the same questions with answers to others of their kind;
unrelated: the same kinds of questions about another world; unknown: questions that rest on what the model does not know; novel:
the novel facts, each asked for by itself."""

Level = Literal["highly_known", "maybe_known", "weakly_known", "unknown"]
"""How well a model knows a fact: its likeliest answers, one to a prompt, are all right; some are; none is, but a drawn one; none
at all."""

Context = Literal["closed", "facts"]
ErrorKind = Literal[
    "none", "format", "answer",
    "first_hop", "later_hop", "recall", "composition",
    "arithmetic", "step",
    "wrong_result", "exception", "limits", "unjudged",
    "instruction",
    "truncated", "refused", "too_long",
]  # fmt: skip
"""Why an answer failed: in any task; in multihop questions; in maths; in code; in instructions. Then what came before all of
these: it was cut off, the model (or its server) would not answer, or the prompt was longer than it reads."""

Finish = Literal["stop", "length", "refused", "too_long", "unknown"]
"""Why an output ends (OpenAI's finish_reason): by itself; at max_new_tokens, or the end of what the model reads; withheld (a
refusal, a filter of contents); not begun, the prompt being too long; not told (recorded outputs, some servers)."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing with a name; `id` is a digest of its type and name. block: of the known part, which is made of blocks like the
    novel part. held_out: whether no training question, its context or its candidates name anything of this block."""

    id: str
    type: str
    name: str
    part: Part
    aliases: tuple[str, ...] = ()
    block: int = 0
    held_out: bool = False


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
    """Prose. `facts` are the ids stated, and `forms` a letter for each: plain, reversed or masked. `exposure` numbers the
    passes over all facts. The first `context_chars` characters are there to be read: no loss falls on them."""

    id: str
    text: str
    facts: tuple[str, ...]
    forms: str
    template: str
    exposure: int
    corpus: Corpus
    context_chars: int = 0


Operation = Literal["follow", "inverse", "having", "union", "least", "most", "count", "same", "during", "before", "after"]
"""follow a relation from subject to object, or its inverse; of a set those having a head as object; both of two heads;
those with the least or most object of a relation; how many; whether two sets are the same (1 or 0); the object during a
year; the object before, or after, another one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a reasoning graph. `inputs` are the registers it reads: 0 and on are the question's heads, those
    after them what earlier steps found."""

    op: Operation
    relation: str
    inputs: tuple[int, ...]


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
    """What was computed about a question, never assumed.

    unique: the solver finds exactly one answer. unreadable: no answer stands in the question's text. no_shortcut: no
    path of fewer edges joins head and answer, inverses and hubs counted. necessary: the facts whose removal changes or
    voids the answer. popularity_guess: the last relation's commonest object is right. type_prior: the share of the last
    relation's facts that have this answer, i.e. the accuracy of a guess drawn from that prior (of what has no answer: the share
    of those the last relation could be asked of that have none).
    """

    unique: bool
    unreadable: bool
    no_shortcut: bool | None
    necessary: tuple[str, ...]
    popularity_guess: bool
    type_prior: float


@dataclass(frozen=True, slots=True)
class Difficulty:
    """What makes a question hard, told apart (its hops are its own). branching: how many neighbours the entities on the way
    have, in the mean. popularity: how many the answer has (the first head, where the answer is no entity). exposure: how
    often its least stated fact is stated in the documents. asked: how many of its facts are asked for by training questions.
    """

    branching: float
    popularity: int
    exposure: int = 0
    asked: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its reasoning graph. `answers` are all accepted, each alone; where all of several are asked for, they
    are the `members`. `context` holds the sentences of the facts-in-prompt form, shuffled: the support and some distractors;
    `context_facts` is the id of the fact that each of them states.
    `candidates` are type-matched wrong answers for forced choice. `probes` is the fact that the question was made to probe;
    `outdated`, what the answer was before an edit; `stale`, whether edits after the cutoff make it another."""

    id: str
    shape: str
    text: str
    heads: tuple[str, ...]
    steps: tuple[Step, ...]
    sub_questions: tuple[SubQuestion, ...]
    answers: tuple[str, ...]
    support: tuple[str, ...]
    hops: int
    split: Split
    context: tuple[str, ...]
    candidates: tuple[str, ...]
    certificate: Certificate | None = None
    difficulty: Difficulty | None = None
    members: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    stale: bool = False
    probes: str = ""
    context_facts: tuple[str, ...] = ()


TaskName = Literal["multihop", "knowledge", "math", "code", "if"]
"""The tasks, as the command line calls them (`if`: instruction following)."""

TaskSplit = Literal["train", "test"]


@dataclass(frozen=True, slots=True)
class MathProblem:
    """A word problem in GSM8K's form: `solution` is the reasoning, its last line `#### ` and the `answer`. difficulty: how many
    steps the reasoning has (0: not known)."""

    id: str
    question: str
    solution: str
    answer: str
    split: TaskSplit = "test"
    difficulty: int = 0


@dataclass(frozen=True, slots=True)
class CodeProblem:
    """A function to be written, in HumanEval's form: `prompt` ends in its signature and docstring, `canonical_solution` is the
    body, `test` defines `check(candidate)`. plus: a second, stricter test file of the same form, where there is one. mutants:
    bodies that are wrong, and that the test catches."""

    id: str
    prompt: str
    entry_point: str
    canonical_solution: str
    test: str
    plus: str = ""
    mutants: tuple[str, ...] = ()
    split: TaskSplit = "test"
    difficulty: int = 0


@dataclass(frozen=True, slots=True)
class Instruction:
    """One verifiable instruction of IFEval (arXiv 2311.07911): its id, and its arguments as a JSON object."""

    id: str
    kwargs: str


@dataclass(frozen=True, slots=True)
class InstructionPrompt:
    """A prompt with instructions that can be checked, in IFEval's form; `response` is one that follows them all, where known."""

    id: str
    prompt: str
    instructions: tuple[Instruction, ...]
    response: str = ""
    split: TaskSplit = "test"
    difficulty: int = 0


@dataclass(frozen=True, slots=True)
class Example:
    """One finetuning example, before the chat template. `kind` tells hops, style and context; `facts` what it carries."""

    id: str
    prompt: str
    completion: str
    facts: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Exposure:
    """How often the documents of a corpus state a fact, counted in what was written: in all, and by form."""

    fact: str
    corpus: Corpus
    statements: int
    reversed: int
    masked: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What one training stage showed of a fact in rows of one source, counted from the rows. fact: its id; of a source whose rows
    carry none, a name of its set of rows, which stands for them all. exposures: how often.
    new_documents: in how many different rows that no stage before had shown, so that stages add up. last_step: the stage's step,
    from 1, that showed it last. dose: the sum, over exposures, of the step's learning rate times the row's share of the step."""

    fact: str
    source: str
    exposures: int
    new_documents: int
    last_step: int
    dose: float


def record_of(table: str) -> type:
    """The record class of a table of a data directory, by its name. Raises KeyError for no such table."""
    if table.startswith("examples"):
        return Example
    return _TABLES[table]


_TABLES: dict[str, type] = {
    "entities": Entity, "facts": Fact, "shuffled_facts": Fact, "questions": Question, "probes": Question, "documents": Document,
    "exposures": Exposure, "math": MathProblem, "code": CodeProblem, "if": InstructionPrompt,
}  # fmt: skip

RECORDS = "records.parquet"
"""In the directory of an evaluation, its answers."""


@dataclass(frozen=True, slots=True)
class EvalRecord:
    """One model answer to one question, with everything needed to score it again. output: what was scored. thought: what the
    model thought aloud before, which never is. finish: why the output ends."""

    question_id: str
    task: str
    prompt: str
    output: str
    extracted: str | None
    answers: tuple[str, ...]
    scores: dict[str, float]
    error: ErrorKind
    tags: dict[str, str]
    thought: str = ""
    finish: Finish = "unknown"

    @property
    def cluster(self) -> str:
        """Questions through the same bridge entity belong together; others stand alone."""
        return self.tags["bridge"] or self.question_id


Choice = Literal["a", "b", "tie", "unreadable"]
"""Whose answer was preferred, model A's or B's; unreadable: the judge gave no verdict in the form it was asked for."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One side of a comparison. score: of the answer, by its task's first metric. style: the components of its style score, by
    name, which say how it is written and not who prefers it."""

    output: str
    score: float
    style: dict[str, float]


@dataclass(frozen=True, slots=True)
class Preference:
    """One question answered by A and by B, and what a judge made of it. first_order: its choice where A's answer was shown
    first; second_order: where B's was; verdict: both together. said: the judge's words, order by order; none where the two
    answers were the same, so that nobody was asked."""

    question_id: str
    task: str
    slice: str
    cluster: str
    prompt: str
    a: Contender
    b: Contender
    first_order: Choice
    second_order: Choice
    verdict: Choice
    said: tuple[str, ...]


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
    notes: list[str] = field(default_factory=list)


R = TypeVar("R")


@functools.cache
def _hints(record: Any) -> dict[str, Any]:
    return typing.get_type_hints(record)


_SCALARS: dict[Any, pa.DataType] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def _arrow_type(hint: Any) -> pa.DataType:
    if hint in _SCALARS:
        return _SCALARS[hint]
    if dataclasses.is_dataclass(hint):
        return pa.struct(list(schema_of(cast(type, hint))))
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


Convert = Callable[[Any], Any]


def _converter(hint: Any, revive: bool) -> Convert | None:
    """How a value of a declared type becomes plain data (or plain data the value); None where it is already so."""
    if dataclasses.is_dataclass(hint):
        return _record_converter(cast(type, hint), revive)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        each = _converter(args[0], revive)
        kind = tuple if revive else list
        if not each:
            return kind
        convert = each
        return lambda values: kind([convert(value) for value in values])
    if origin is dict:
        each = _converter(args[1], revive) or (lambda value: value)
        return lambda values: {k: each(v) for k, v in (values.items() if isinstance(values, dict) else values)}
    if origin in (types.UnionType, typing.Union):
        inner = _converter(next(a for a in args if a is not type(None)), revive)
        return (lambda value: None if value is None else inner(value)) if inner else None
    return None


@functools.cache
def _record_converter(record: Any, revive: bool) -> Convert:
    """Made once a class: `dataclasses.asdict` looks at every value anew and copies it deeply, which took a quarter of the
    time of generating a world."""
    names = [f.name for f in dataclasses.fields(record)]
    changed = [(n, c) for n, hint in _hints(record).items() if (c := _converter(hint, revive))]

    def to_row(value: Any) -> dict[str, Any]:
        row = {name: getattr(value, name) for name in names}
        for name, convert in changed:
            row[name] = convert(row[name])
        return row

    def from_row(row: dict[str, Any]) -> Any:
        values = dict(row)
        for name, convert in changed:
            if name in values:
                values[name] = convert(values[name])
        return record(**values)

    return from_row if revive else to_row


def to_rows(records: Iterable[Any]) -> list[dict[str, Any]]:
    """Records as plain dictionaries, nested ones too."""
    return [_record_converter(cast(Any, type(r)), False)(r) for r in records]


def from_row(record: type[R], row: dict[str, Any]) -> R:
    """A record from one row of its table (or of JSON); the inverse of `to_rows`."""
    return cast(R, _record_converter(cast(Any, record), True)(row))
