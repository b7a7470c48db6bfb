"""Training rows: the sources that a run mixes, tokenised once."""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit.core.errors import KitError
from kit.core.records import Content, Document, Example, TaskName, Wording
from kit.core.seeds import digest, stream
from kit.core.store import count_records, read_records, table_files, write_json
from kit.models.prompts import worded
from kit.models.tokens import Row, Tokens
from kit.sources.conversations import Conversation, conversation
from kit.sources.reading import count_of, rows_of
from kit.train.recipes import TrainConfig
from kit.train.rows import Source, Told, batches

DONE = "rows.json"
"""In the folder of a run's rows, what was told while they were made; there once they all are."""


class Loaded(NamedTuple):
    """The sources of a run. skipped: the examples that were left out on the way to D, with the reasons. conversations: whether
    some of the rest are of several turns. trimmed: how many answers the chat template took blanks off."""

    sources: dict[str, Source]
    skipped: list[str]
    conversations: bool
    trimmed: int


def load_sources(config: TrainConfig, data: str, tokens: Tokens, window: int | None = None, place: Path | None = None) -> Loaded:
    """Tokenised rows of the sources that a run mixes. Nothing is truncated: a row over `max_length` tokens, or over the window
    that the model reads at once, is an error, or, among the examples and with `skip_bad_rows`, left out and told of.

    place: a folder to keep them in, and to take them from where they lie there already, instead of in memory.
    Raises KitError when a source is empty, a row too long or no row, or more examples are asked for than there are.
    """
    if place and (place / DONE).exists():
        return kept_sources(config, place)
    if place:
        place.mkdir(parents=True, exist_ok=True)
    before = tokens.trimmed
    sources: dict[str, Source] = {}
    examples = _Examples(config, config.examples_from or data, tokens, window)
    with _seldom_collected():
        for name in sorted(config.mixture()):
            if name == "examples":
                rows = examples.rows()
            elif name == "questions":
                rows = _questions(config, data, tokens, window)
            else:
                rows = _documents(name, config, data, tokens, window)
            sources[name] = Source.of(rows, _file(place, name) if place else None)
            if not len(sources[name]):
                raise KitError(f"{data} has no {name} rows to train on")
    found = Loaded(sources, examples.skipped, examples.conversations, tokens.trimmed - before)
    if place:
        write_json(place / DONE, {name: told for name, told in found._asdict().items() if name != "sources"})
    return found


def kept_sources(config: TrainConfig, place: Path) -> Loaded:
    """The same as they lie in a folder. Raises KitError where it does not hold them."""
    try:
        told = json.loads((place / DONE).read_text("utf-8"))
        return Loaded({name: Source.read(_file(place, name)) for name in sorted(config.mixture())}, **told)
    except FileNotFoundError:
        raise KitError(
            f"rank 0's rows are not in {place}: all ranks need the same --out, on a file system that they share"
        ) from None


def _file(place: Path, name: str) -> Path:
    return place / f"{name}.arrow"


@contextlib.contextmanager
def _seldom_collected() -> Iterator[None]:
    """A block that makes many objects. Those that are there already, the libraries', are not gone through for it again and again,
    which took a sixth of the time."""
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    gc.set_threshold(100_000, 50, 100)
    gc.freeze()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if not frozen:
            gc.unfreeze()


def _documents(name: str, config: TrainConfig, data: str, tokens: Tokens, window: int | None) -> Iterator[Told]:
    """All documents of a corpus."""
    if not Path(data).is_dir():
        raise KitError(f"{data} does not exist, or is no directory made by kit generate: rows of {name} are documents")
    longest, place = 0, itertools.count()
    for batch in batches(read_records(Path(data) / "documents.parquet", Document, corpus=name), lambda d: len(d.text)):
        for d, row in zip(batch, tokens.document_rows([(d.text, d.context_chars) for d in batch]), strict=True):
            if isinstance(row, KitError):
                raise row
            longest = max(longest, len(row.input_ids))
            yield Told(row, d.facts, d.id, next(place))
    if over := _over(longest, config, window):
        raise KitError(f"a row of {name} has {longest} tokens, {over}")


def _over(length: int, config: TrainConfig, window: int | None) -> str | None:
    """What a row of so many tokens is too long for, and what to do."""
    if length > config.max_length:
        return f"over max_length {config.max_length}: raise -o max_length"
    if window and length > window:
        return f"and the model reads {window} at once: use shorter texts, or a model that reads more"
    return None


def _questions(config: TrainConfig, data: str, tokens: Tokens, window: int | None) -> Iterator[Told]:
    """All examples that tell a novel fact."""
    if not Path(data).is_dir():
        raise KitError(f"{data} does not exist, or is no directory made by kit generate: rows of questions tell its novel facts")
    place = itertools.count()
    for batch in batches(read_records(examples_file(Path(data), "multihop", "novel"), Example)):
        asked = [_worded(Conversation(((e.prompt, e.completion),)), config.ask).turns for e in batch]
        for e, row in zip(batch, tokens.example_rows(asked), strict=True):
            if isinstance(row, KitError):
                raise row
            if over := _over(len(row.input_ids), config, window):
                raise KitError(f"a row of questions has {len(row.input_ids)} tokens, {over}")
            yield Told(row, e.facts, e.id, next(place))


class _Examples:
    """The first D examples of a source, what is left out on the way to them, and whether some are of several turns."""

    def __init__(self, config: TrainConfig, source: str, tokens: Tokens, window: int | None) -> None:
        self.config, self.source, self.tokens, self.window = config, source, tokens, window
        self.skipped: list[str] = []
        self.conversations = False

    def rows(self) -> Iterator[Told]:
        """Those examples. Of bad rows the next good ones take the places."""
        _ = self.tokens.template  # what is wrong with it is no fault of a row's
        wanted, found, looked = self.config.examples, 0, 0
        while found < wanted:
            ends = looked + wanted - found
            before = found + len(self.skipped)
            for batch in batches(self._read(looked, ends), _characters):
                for told in self._tokenised(batch):
                    found += 1
                    yield told
            if found + len(self.skipped) == before:
                raise KitError(self._too_few(found))
            looked = ends

    def _read(self, start: int, end: int) -> Iterator[tuple[Located, Conversation]]:
        """What stands at some places, but for what cannot be read."""
        c = self.config
        for located in examples_of(self.source, c.task, c.draw, c.content, c.unknown_share, start, end):
            example = None
            with self._left_out():
                example = _worded(located.read(), c.ask)
            if example:
                yield located, example

    def _tokenised(self, read: list[tuple[Located, Conversation]]) -> Iterator[Told]:
        rows = self.tokens.example_rows([example.turns for _, example in read])
        for (located, example), row in zip(read, rows, strict=True):
            told = None
            with self._left_out():
                told = Told(self._good(located.where, row), example.facts, digest(example.turns), located.place)
            if told:
                self.conversations |= len(example.turns) > 1
                yield told

    @contextlib.contextmanager
    def _left_out(self) -> Iterator[None]:
        """A block about one row, which is left out and told of where it is bad and may be."""
        try:
            yield
        except KitError as error:
            if not self.config.skip_bad_rows:
                raise
            self.skipped.append(str(error))

    def _good(self, where: str, row: Row | KitError) -> Row:
        if isinstance(row, KitError):
            raise KitError(f"{where}: {row}")
        if over := _over(len(row.input_ids), self.config, self.window):
            told = f"an example of {len(row.input_ids)} tokens, {over}"
            raise KitError(f"{where}: {told}, or leave such out with -o skip_bad_rows=true")
        return row

    def _too_few(self, found: int) -> str:
        left_out = f", {len(self.skipped)} left out ({self.skipped[0]})" if self.skipped else ""
        task, share = self.config.task, self.config.unknown_share
        more = f": generate more{' (also examples.unknown)' if share else ''}" if Path(self.source).is_dir() else ""
        return (
            f"{self.config.examples} examples were asked for but {self.source} holds {found} of the task {task}{left_out}{more}"
        )


def _characters(read: tuple[Located, Conversation]) -> int:
    """Of all that is encoded of a conversation: each of its beginnings."""
    return sum(len(text) for i, _ in enumerate(read[1].turns, 1) for turn in read[1].turns[:i] for text in turn)


def _worded(example: Conversation, wording: Wording) -> Conversation:
    """An example whose question is asked in other words. Raises KitError for one that is worded by others."""
    if wording == "plain":
        return example
    turns = tuple((worded(asked, wording), answer) for asked, answer in example.turns)
    if turns == example.turns:
        raise KitError(f"ask = {wording} words the questions of kit and of public sets; this one is not: {turns[0][0][:60]!r}")
    return replace(example, turns=turns)


class Located(NamedTuple):
    """An example: its place in the order of a draw, where it stands, and how it is read."""

    place: int
    where: str
    read: Callable[[], Conversation]


def examples_of(
    source: str,
    task: TaskName,
    draw: int,
    content: Content = "task",
    unknown_share: float = 0.0,
    start: int = 0,
    end: int | None = None,
) -> Iterator[Located]:
    """The examples of a source at the places `start` to `end` of a draw, in the order in which they lie there: the first D places
    are the set of size D, so that smaller sets are part of larger ones. Of any first ones a share of `unknown_share` is of what
    the model does not know; the others are those that stand at their places without it."""
    plain = _places(source, task, draw, content)
    if not unknown_share:
        yield from _at(source, task, content, plain, start, end)
        return
    unknown = _places(source, task, draw, "unknown")
    count = np.arange(len(plain))
    instead = np.floor((count + 1) * unknown_share + 1e-9) > np.floor(count * unknown_share + 1e-9)
    taken = np.flatnonzero(instead)
    last = min([len(plain), *taken[len(unknown) : len(unknown) + 1].tolist(), *([] if end is None else [end])])
    known = np.where(instead[plain], -1, plain)
    others = np.append(taken, np.full(max(0, len(unknown) - len(taken)), -1))[unknown]
    yield from _at(source, task, content, known, start, last)
    yield from _at(source, task, "unknown", others, start, last)


def _places(source: str, task: TaskName, draw: int, content: Content) -> np.ndarray:
    """(rows,): of each row of a source, its place in a draw. Raises KitError where it has no such examples."""
    if Path(source).is_dir():
        count = count_records(examples_file(Path(source), task, content))
    elif content != "task":
        raise KitError(f"{content} examples come with data made by kit generate, and {source} is no directory")
    else:
        count = count_of(source, training=True)
    return np.argsort(stream(draw, "examples").permutation(count))


def _at(source: str, task: TaskName, content: Content, places: np.ndarray, start: int, end: int | None) -> Iterator[Located]:
    """The rows whose places are among those asked for."""
    found: Iterable[tuple[str, Callable[[], Conversation]]]
    if (path := Path(source)).is_dir():
        own = read_records(examples_file(path, task, content), Example)
        found = ((e.id, partial(Conversation, ((e.prompt, e.completion),), e.facts)) for e in own)
    else:
        found = ((row.where, partial(conversation, row, task)) for row in rows_of(source, training=True))
    for place, (where, read) in zip(places.tolist(), found, strict=True):
        if start <= place and (end is None or place < end):
            yield Located(place, where, read)


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
