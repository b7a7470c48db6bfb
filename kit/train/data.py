"""Training rows: the sources that a run mixes, tokenised once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, get_args

from kit.core.errors import KitError
from kit.core.records import Content, Corpus, Document, Example, TaskName, Wording
from kit.core.seeds import digest, stream
from kit.core.store import read_table, table_files
from kit.models.prompts import worded
from kit.models.tokens import Row, Tokens
from kit.sources.conversations import Conversation, conversation
from kit.sources.reading import rows_of
from kit.train.recipes import TrainConfig

DOCUMENT_SOURCES: tuple[Corpus, ...] = get_args(Corpus)


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of one source, the facts each carries (ids, for counting exposures), and a digest of what each says."""

    rows: list[Row]
    facts: list[tuple[str, ...]]
    ids: list[str]

    @property
    def digest(self) -> str:
        """Names the rows and their order."""
        return digest(self.ids)


class Loaded(NamedTuple):
    """The sources of a run. skipped: the examples that were left out on the way to D, with the reasons. conversations: whether
    some of the rest are of several turns."""

    sources: dict[str, Source]
    skipped: list[str]
    conversations: bool


def load_sources(config: TrainConfig, data: str, tokens: Tokens, window: int | None = None) -> Loaded:
    """Tokenised rows of the sources that a run mixes. Nothing is truncated: a row over `max_length` tokens, or over the window
    that the model reads at once, is an error, or, among the examples and with `skip_bad_rows`, left out and told of.

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
            rows = [tokens.document_row(d.text, d.context_chars) for d in chosen]
            sources[name] = Source(rows, [d.facts for d in chosen], [d.id for d in chosen])
            longest = max((len(row.input_ids) for row in sources[name].rows), default=0)
            if over := _over(longest, config, window):
                raise KitError(f"a row of {name} has {longest} tokens, {over}")
    if "questions" in wanted:
        sources["questions"] = _questions(config, data, tokens, window)
    skipped: list[str] = []
    conversations = False
    if "examples" in wanted:
        sources["examples"], skipped, conversations = _examples(config, config.examples_from or data, tokens, window)
    for name, source in sources.items():
        if not source.rows:
            raise KitError(f"{data} has no {name} rows to train on")
    return Loaded(sources, skipped, conversations)


def _over(length: int, config: TrainConfig, window: int | None) -> str | None:
    """What a row of so many tokens is too long for, and what to do."""
    if length > config.max_length:
        return f"over max_length {config.max_length}: raise -o max_length"
    if window and length > window:
        return f"and the model reads {window} at once: use shorter texts, or a model that reads more"
    return None


def _questions(config: TrainConfig, data: str, tokens: Tokens, window: int | None) -> Source:
    """All examples that tell a novel fact."""
    if not Path(data).is_dir():
        raise KitError(f"{data} does not exist, or is no directory made by kit generate: rows of questions tell its novel facts")
    told = read_table(examples_file(Path(data), "multihop", "novel"), Example)
    rows = []
    for example in told:
        asked = _worded(Conversation(((example.prompt, example.completion),), example.facts), config.ask)
        row = tokens.example_row(asked.turns)
        if over := _over(len(row.input_ids), config, window):
            raise KitError(f"a row of questions has {len(row.input_ids)} tokens, {over}")
        rows.append(row)
    return Source(rows, [example.facts for example in told], [example.id for example in told])


def _examples(config: TrainConfig, source: str, tokens: Tokens, window: int | None) -> tuple[Source, list[str], bool]:
    """The first D examples of a source, what was left out, and whether some are of several turns."""
    rows: list[Row] = []
    facts: list[tuple[str, ...]] = []
    ids: list[str] = []
    skipped: list[str] = []
    conversations = False
    _ = tokens.template  # what is wrong with it is no fault of a row's
    for where, read in examples_of(source, config.task, config.draw, config.content, config.unknown_share):
        try:
            example = _worded(read(), config.ask)
            row = _example_row(config, tokens, window, where, example)
        except KitError as error:
            if not config.skip_bad_rows:
                raise
            skipped.append(str(error))
            continue
        rows.append(row)
        facts.append(example.facts)
        ids.append(digest(example.turns))
        conversations |= len(example.turns) > 1
        if len(rows) == config.examples:
            return Source(rows, facts, ids), skipped, conversations
    left_out = f", {len(skipped)} left out ({skipped[0]})" if skipped else ""
    found = f"{source} holds {len(rows)} of the task {config.task}{left_out}"
    more = f": generate more{' (also examples.unknown)' if config.unknown_share else ''}" if Path(source).is_dir() else ""
    raise KitError(f"{config.examples} examples were asked for but {found}{more}")


def _worded(example: Conversation, wording: Wording) -> Conversation:
    """An example whose question is asked in other words. Raises KitError for one that is worded by others."""
    if wording == "plain":
        return example
    turns = tuple((worded(asked, wording), answer) for asked, answer in example.turns)
    if turns == example.turns:
        raise KitError(f"ask = {wording} words the questions of kit and of public sets; this one is not: {turns[0][0][:60]!r}")
    return replace(example, turns=turns)


def _example_row(config: TrainConfig, tokens: Tokens, window: int | None, where: str, example: Conversation) -> Row:
    try:
        row = tokens.example_row(example.turns)
    except KitError as error:
        raise KitError(f"{where}: {error}") from None
    if over := _over(len(row.input_ids), config, window):
        told = f"an example of {len(row.input_ids)} tokens, {over}"
        raise KitError(f"{where}: {told}, or leave such out with -o skip_bad_rows=true")
    return row


Located = tuple[str, Callable[[], Conversation]]
"""Where an example stands, and how it is read."""


def examples_of(
    source: str, task: TaskName, draw: int, content: Content = "task", unknown_share: float = 0.0
) -> Iterator[Located]:
    """Every example of a source, in the order of a draw: its first D are the set of size D, so that smaller sets are part of
    larger ones. Of any first ones a share of `unknown_share` is of what the model does not know; the others are those that stand
    at their places without it."""
    plain = _drawn(source, task, draw, content)
    unknown = _drawn(source, task, draw, "unknown") if unknown_share else iter(())
    for i, example in enumerate(plain):
        instead = int((i + 1) * unknown_share + 1e-9) > int(i * unknown_share + 1e-9)
        if (row := next(unknown, None) if instead else example) is None:
            return
        yield row


def _drawn(source: str, task: TaskName, draw: int, content: Content) -> Iterator[Located]:
    found: list[Located]
    if (path := Path(source)).is_dir():
        own = read_table(examples_file(path, task, content), Example)
        found = [(e.id, partial(Conversation, ((e.prompt, e.completion),), e.facts)) for e in own]
    else:
        if content != "task":
            raise KitError(f"{content} examples come with data made by kit generate, and {source} is no directory")
        found = [(row.where, partial(conversation, row, task)) for row in rows_of(source, training=True)]
    for i in stream(draw, "examples").permutation(len(found)).tolist():
        yield found[i]


MADE_BY: dict[Content, tuple[str, str]] = {
    "format": ("controls", "true"),
    "unrelated": ("controls", "true"),
    "unknown": ("unknown", "100"),
    "novel": ("novel", "true"),
}
"""The setting of a world's examples that makes those of a content, and a value of it."""


def examples_file(data: Path, task: TaskName, content: Content = "task") -> Path:
    """The examples of a task, or those without its content. Raises KitError where the data have none."""
    if content != "task":
        path = data / f"examples_{content}.parquet"
        if task != "multihop" or not table_files(path)[0].exists():
            name, value = MADE_BY[content]
            raise KitError(f"{data} has no {content} examples of the task {task}: generate some with -o examples.{name}={value}")
        return path
    path = data / ("examples.parquet" if task == "multihop" else f"examples_{task}.parquet")
    if not table_files(path)[0].exists():
        raise KitError(f"{data} has no examples of the task {task}: generate some with -o tasks.{task}.train=1000")
    return path
