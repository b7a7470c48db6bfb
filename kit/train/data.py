"""Training rows: sources tokenised once, then dealt into steps of a fixed composition, in an order known in advance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

from kit.core.errors import KitError
from kit.core.records import Corpus, Document, Example, TaskName
from kit.core.seeds import stream
from kit.core.store import read_table, table_files
from kit.models.tokens import Row, document_row, example_row
from kit.sources.conversations import Conversation, conversation
from kit.sources.reading import rows_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from kit.train.recipes import TrainConfig

DOCUMENT_SOURCES: tuple[Corpus, ...] = get_args(Corpus)
SOURCES = (*DOCUMENT_SOURCES, "examples")
"""Where training rows come from: the corpora of documents.parquet, and the first D examples of the task."""


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of one source with the facts each carries (ids, for counting exposures)."""

    rows: list[Row]
    facts: list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Every row of a run in training order, and how often each fact was shown, by source."""

    rows: list[Row]
    exposures: dict[str, Counter[str]]


class Loaded(NamedTuple):
    """The sources of a run. skipped: the examples that were left out on the way to D, with the reasons."""

    sources: dict[str, Source]
    skipped: list[str]


def load_sources(config: TrainConfig, data: str, tokenizer: PreTrainedTokenizerBase) -> Loaded:
    """Tokenised rows of the sources that a run mixes. Nothing is truncated: a row over `max_length` tokens is an error, or,
    among the examples and with `skip_bad_rows`, left out and told of.

    Raises KitError when a source is empty, a row too long or no row, or more examples are asked for than there are.
    """
    sources: dict[str, Source] = {}
    wanted = config.mixture().keys()
    if corpora := sorted(wanted & set(DOCUMENT_SOURCES)):
        if not Path(data).is_dir():
            raise KitError(f"{data} does not exist, or is no directory made by kit generate: rows of {corpora[0]} are documents")
        documents = read_table(Path(data) / "documents.parquet", Document)
        for name in corpora:
            chosen = [d for d in documents if d.corpus == name]
            sources[name] = Source([document_row(tokenizer, d.text, d.context_chars) for d in chosen], [d.facts for d in chosen])
            longest = max((len(row.input_ids) for row in sources[name].rows), default=0)
            if longest > config.max_length:
                raise KitError(f"a row of {name} has {longest} tokens, over max_length {config.max_length}: raise -o max_length")
    skipped: list[str] = []
    if "examples" in wanted:
        sources["examples"], skipped = _examples(config, config.examples_from or data, tokenizer)
    for name, source in sources.items():
        if not source.rows:
            raise KitError(f"{data} has no {name} rows to train on")
    return Loaded(sources, skipped)


def _examples(config: TrainConfig, source: str, tokenizer: PreTrainedTokenizerBase) -> tuple[Source, list[str]]:
    """The first D examples of a source."""
    rows: list[Row] = []
    facts: list[tuple[str, ...]] = []
    skipped: list[str] = []
    for where, read in examples_of(source, config.task, config.seed):
        try:
            example = read()
            row = _example_row(config, tokenizer, where, example)
        except KitError as error:
            if not config.skip_bad_rows:
                raise
            skipped.append(str(error))
            continue
        rows.append(row)
        facts.append(example.facts)
        if len(rows) == config.examples:
            return Source(rows, facts), skipped
    left_out = f", {len(skipped)} left out ({skipped[0]})" if skipped else ""
    found = f"{source} holds {len(rows)} of the task {config.task}{left_out}"
    more = ": generate more" if Path(source).is_dir() else ""
    raise KitError(f"{config.examples} examples were asked for but {found}{more}")


def _example_row(config: TrainConfig, tokenizer: PreTrainedTokenizerBase, where: str, example: Conversation) -> Row:
    try:
        row = example_row(tokenizer, example.turns)
    except KitError as error:
        raise KitError(f"{where}: {error}") from None
    if len(row.input_ids) > config.max_length:
        told = f"an example of {len(row.input_ids)} tokens, over max_length {config.max_length}"
        raise KitError(f"{where}: {told}: raise -o max_length, or leave such out with -o skip_bad_rows=true")
    return row


def examples_of(source: str, task: TaskName, seed: int) -> Iterator[tuple[str, Callable[[], Conversation]]]:
    """Every example of a source, where it stands and how it is read, in an order of which any first D are a set.

    A data directory's own order is drawn by its world's seed; rows of others are drawn by `seed`.
    """
    if (path := Path(source)).is_dir():
        for e in read_table(examples_file(path, task), Example):
            yield e.id, partial(Conversation, ((e.prompt, e.completion),), e.facts)
        return
    rows = list(rows_of(source, training=True))
    for i in stream(seed, "examples").permutation(len(rows)).tolist():
        yield rows[i].where, partial(conversation, rows[i], task)


def examples_file(data: Path, task: TaskName) -> Path:
    """The examples of a task. Raises KitError where the data have none."""
    path = data / ("examples.parquet" if task == "multihop" else f"examples_{task}.parquet")
    if not table_files(path)[0].exists():
        raise KitError(f"{data} has no examples of the task {task}: generate some with -o tasks.{task}.train=1000")
    return path


def deal(sources: dict[str, Source], rows: dict[str, int], steps: int, seed: int) -> Schedule:
    """`steps` steps of `rows[name]` rows from each source. A source is gone through in a fresh order every epoch.

    Within a step rows stand shortest first, so that micro-batches pad little.
    """
    queues: dict[str, list[int]] = {name: [] for name in rows}
    streams = {name: stream(seed, "order", name) for name in rows}
    ordered: list[Row] = []
    exposures: dict[str, Counter[str]] = {name: Counter() for name in rows}
    for _ in range(steps):
        step: list[Row] = []
        for name, count in rows.items():
            source = sources[name]
            for _ in range(count):
                if not queues[name]:
                    queues[name] = [int(i) for i in streams[name].permutation(len(source.rows))]
                index = queues[name].pop()
                step.append(source.rows[index])
                exposures[name].update(source.facts[index])
        ordered += sorted(step, key=lambda row: len(row.input_ids))
    return Schedule(ordered, exposures)
