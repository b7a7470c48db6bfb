"""Training rows: sources tokenised once, then dealt into steps of a fixed composition, in an order known in advance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from kit.core.errors import KitError
from kit.core.records import Corpus, Document, Example
from kit.core.seeds import stream
from kit.core.store import read_table, table_files
from kit.models.tokens import Row, document_row, example_row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

DOCUMENT_SOURCES: tuple[Corpus, ...] = get_args(Corpus)
SOURCES = (*DOCUMENT_SOURCES, "examples")
"""Where training rows come from: the corpora of documents.parquet, and the first D rows of examples.parquet."""


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


def load_sources(
    data: Path, tokenizer: PreTrainedTokenizerBase, names: Sequence[str], examples: int, max_length: int, task: str = "multihop"
) -> dict[str, Source]:
    """Tokenised rows of the named sources; the examples are those of a task. Nothing is truncated: a row over `max_length`
    tokens is an error.

    Raises KitError when a source is empty, a row too long, or more examples are asked for than there are.
    """
    sources: dict[str, Source] = {}
    wanted = set(names)
    if wanted & set(DOCUMENT_SOURCES):
        documents = read_table(data / "documents.parquet", Document)
        for name in sorted(wanted & set(DOCUMENT_SOURCES)):
            chosen = [d for d in documents if d.corpus == name]
            sources[name] = Source([document_row(tokenizer, d.text, d.context_chars) for d in chosen], [d.facts for d in chosen])
    if "examples" in wanted:
        pool = read_table(examples_file(data, task), Example)
        if examples > len(pool):
            raise KitError(f"{examples} examples were asked for but {data} holds {len(pool)} of the task {task}: generate more")
        chosen_examples: list[Example] = pool[:examples]
        sources["examples"] = Source(
            [example_row(tokenizer, e.prompt, e.completion) for e in chosen_examples],
            [e.facts for e in chosen_examples],
        )
    for name, source in sources.items():
        if not source.rows:
            raise KitError(f"{data} has no {name} rows to train on")
        longest = max(len(r.input_ids) for r in source.rows)
        if longest > max_length:
            raise KitError(f"a row of {name} has {longest} tokens, over max_length {max_length}: raise -o max_length")
    return sources


def examples_file(data: Path, task: str) -> Path:
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
