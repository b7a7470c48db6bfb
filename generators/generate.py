"""The generate stage: one configuration in, the tables of a world out. Pure until `write`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from tqdm import tqdm

from generators.audit import Tokens, audit
from generators.config import GenerateConfig, NamesConfig
from generators.questions.probes import probe
from generators.splits import Questions, Views
from generators.tasks import TASK_DATA
from generators.text.documents import Dose, documents, edits, reading_exercises
from generators.text.examples import mix_examples
from generators.world.columns import place_in
from generators.world.draw import build_world, draw_history, scratch_world, shuffle_facts, without_some
from generators.world.events import read_events
from generators.world.names import NameRules
from generators.world.own import read_own, schema_with
from generators.world.world import BEGINNING, World
from kit.core import store
from kit.core.config import dump
from kit.core.errors import KitError
from kit.core.records import Document, Entity, Example, Fact, Part, Question, Split, schema_of
from kit.core.seeds import stream
from kit.models.checkpoint import read


class Dataset(NamedTuple):
    """What one configuration yields; a table of the same name on disk for each field. Each comes in pieces, made while they
    are read, for they may be more than the memory holds: read each once, in the order of the fields."""

    entities: Iterable[pa.Table]
    facts: Iterable[pa.Table]
    shuffled_facts: Iterable[pa.Table]
    questions: Iterable[pa.Table]
    probes: Iterable[pa.Table]
    examples: Iterable[pa.Table]
    documents: Iterable[pa.Table]


RECORDS: dict[str, type] = {
    "entities": Entity,
    "facts": Fact,
    "shuffled_facts": Fact,
    "questions": Question,
    "probes": Question,
    "examples": Example,
    "documents": Document,
}
"""The record class of each table of a data directory."""


def generate(config: GenerateConfig) -> Dataset:
    """Build the world, its questions, examples and documents. Deterministic in `config` alone."""
    seed, times = config.seed, config.world.timeline
    world, events = _drawn(config), read_events(config.world.own.events)
    ever = draw_history(world, times.timeline, seed) if times else world
    cutoff = times.cutoff if times else int(ever.since.max(initial=BEGINNING))
    told = ever.begun(cutoff)
    false = shuffle_facts(told, "novel", stream(seed, "shuffled-facts"))
    counts = config.world.novel or config.world.known
    scratch = [scratch_world(world, seed, i, counts) for i in range(config.documents.reading_worlds)]
    views = Views(told, false, told, scratch)
    if ever.dated.any():
        after = ever.at(times.end) if times else told.at(cutoff)
        views = Views(told.at(cutoff), false.at(cutoff), after, scratch)
    questions = Questions(views, config)
    return Dataset(
        entities=[world.entities.table(), events.entities()],
        facts=chain(ever.fact_tables(), [events.facts()]),
        shuffled_facts=false.part("novel").fact_tables(),
        questions=chain(questions, [events.questions()]),
        probes=_probes(views, config),
        examples=_examples(questions, config),
        documents=chain(
            _documents(ever, told, false, scratch, questions.apart, config), [events.documents(config.documents.exposures)]
        ),
    )


def _drawn(config: GenerateConfig) -> World:
    """The world of the year in which documents are written, the user's own facts included."""
    settings = config.world
    counts: dict[Part, dict[str, int]] = {"known": settings.known, "novel": settings.novel}
    if settings.twin:
        counts["twin"] = settings.novel
    own = read_own(settings.own.facts, settings.own.relations)
    schema = schema_with(settings.relations, own, settings.timeline is not None)
    rules = _name_rules(settings.names)
    years = settings.timeline.timeline.before if settings.timeline else None
    world = build_world(config.seed, schema, counts, skew=settings.zipf, aliases=settings.aliases, names=rules, years=years)
    return own.added_to(without_some(world, settings.missing, config.seed))


def _name_rules(config: NamesConfig) -> NameRules:
    avoid: frozenset[str] = frozenset()
    if config.avoid:
        try:
            avoid = frozenset(Path(config.avoid).read_text("utf-8").splitlines())
        except (OSError, UnicodeDecodeError) as error:
            raise KitError(f"world.names.avoid: cannot read {config.avoid} ({error})") from None
    if not config.tokenizer:
        return NameRules(avoid=avoid)
    tokens = _tokens(config.tokenizer)
    return NameRules(lambda texts: pc.list_value_length(tokens(texts)).to_pylist(), config.max_tokens, avoid)


def _tokens(tokenizer: str | None) -> Tokens:
    """Texts to the tokens of a checkpoint's tokenizer, or to words."""
    if not tokenizer:
        return lambda texts: pc.utf8_split_whitespace(pa.array(texts, pa.string()))
    from kit.models.load import load_tokenizer

    loaded = load_tokenizer(read(tokenizer))
    type_ = pa.list_(pa.int64())
    return lambda texts: pa.array(loaded(list(texts), add_special_tokens=False)["input_ids"] if texts else [], type_)


def _probes(views: Views, config: GenerateConfig) -> Iterator[pa.Table]:
    known = views.now.part("known")
    asked: tuple[tuple[World, Split], ...] = (
        (known, "recall_known"),
        (views.now.part("novel"), "recall_novel"),
        (views.false.part("novel"), "recall_shuffled"),
        (views.now.part("twin"), "recall_twin"),
    )
    for world, split in asked:
        yield probe(world, known, split, config.seed, config.probes.kinds, config.probes.facts)


def _examples(questions: Questions, config: GenerateConfig) -> Iterator[pa.Table]:
    """Once the questions are read."""
    settings = config.examples
    shapes = [shape for shape, weight in settings.weights.items() if weight] if settings.count else []
    empty = schema_of(Question).empty_table()
    yield mix_examples(
        {shape: pa.concat_tables([empty, *questions.closed.get(shape, [])]) for shape in shapes},
        {shape: questions.open_book(shape) for shape in shapes},
        config.seed,
        count=settings.count,
        weights=settings.weights,
        direct_share=settings.direct_share,
        facts_share=settings.facts_share,
    )


def _documents(
    ever: World, told: World, false: World, scratch: list[World], pairs: list[NDArray[np.uint64]], config: GenerateConfig
) -> Iterator[pa.Table]:
    """pairs: those that tests compose, once the questions are read."""
    seed, settings = config.seed, config.documents
    dose = Dose(
        settings.exposures, settings.styles, settings.paraphrases, settings.facts, settings.shuffled, settings.junk,
        settings.reversed, settings.masked,
    )  # fmt: skip

    def apart(world: World) -> NDArray[np.int64] | None:
        return _rows_of(world, pairs) if settings.apart else None

    yield from documents(source := told.part("known"), "known", "known", seed, dose, apart(source))
    yield from documents(source := told.part("novel"), "novel", "novel", seed, dose, apart(source))
    yield from documents(source := false.part("novel"), "novel", "shuffled", seed, dose, apart(source))
    if config.world.timeline:
        yield from edits(ever.part("known"), config.world.timeline.cutoff, seed, settings.exposures)
    yield from reading_exercises(scratch, seed, facts=settings.reading_facts)


def _rows_of(world: World, pairs: list[NDArray[np.uint64]]) -> NDArray[np.int64]:
    """The pairs of facts of which this world has both."""
    order = np.argsort(world.fact_hashes)
    places = place_in(world.fact_hashes[order], np.concatenate([np.zeros((0, 2), np.uint64), *pairs]))
    return order[places[(places >= 0).all(1)]]


def write(dataset: Dataset, directory: Path, rows_per_file: int | None = None) -> dict[str, int]:
    """Write every table as `<name>.parquet` (or over several files); returns the number of rows of each.

    Tables that an earlier run left unfinished go first, and where the data turn out to be impossible, so do this run's.
    """
    _clear(directory)
    try:
        return {
            name: store.write_arrow(directory / f"{name}.parquet", schema_of(RECORDS[name]), _shown(name, tables), rows_per_file)
            for name, tables in dataset._asdict().items()
        }
    except KitError:
        _clear(directory)
        raise


def _shown(name: str, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same tables, their rows counted on a terminal."""
    with tqdm(desc=name, unit=" rows", unit_scale=True, leave=False, disable=None) as bar:
        for table in tables:
            bar.update(len(table))
            yield table


def write_tasks(config: GenerateConfig, directory: Path) -> dict[str, int]:
    """`<task>.parquet` with the items of each task that is asked for, and `examples_<task>.parquet` with those for training as
    examples, in an order whose every prefix is a smaller set."""
    written: dict[str, int] = {}
    for name, counts in config.tasks.items():
        task = TASK_DATA[name]
        train = list(task.items(config.seed, "train", counts.train, counts.difficulty))
        test = list(task.items(config.seed, "test", counts.test, counts.difficulty))
        examples = []
        for item in train:
            prompt, completion = task.turns(item, task.style)
            examples.append(Example(item.id, prompt, completion, (), f"{name}/{task.style}"))
        store.write_table(directory / f"{name}.parquet", task.record, [*train, *test])
        store.write_table(directory / f"examples_{name}.parquet", Example, examples)
        written[name] = len(train) + len(test)
    return written


def _clear(directory: Path) -> None:
    for path in directory.glob("*.parquet"):
        path.unlink()


def _write_card(directory: Path, seed: int, rows: dict[str, int]) -> None:
    card = resources.files("data_cards").joinpath("world.md").read_text("utf-8")
    with store.atomic_path(directory / "README.md") as temporary:
        temporary.write_text(card.format(seed=seed, **{f"{name}_rows": f"{n:,}" for name, n in rows.items()}), "utf-8")


MAKES = ("*.parquet", "audit.json", "README.md")
"""What the stage makes in its directory."""


def generate_stage(config: GenerateConfig, out: Path) -> Path:
    """Generate into `out` unless it is there already; returns `out`. Nothing is overwritten."""
    # Arrow's own allocator keeps what was freed: a sixth more memory at the peak, and never twice the same.
    pa.set_memory_pool(pa.system_memory_pool())
    settings, inputs = dump(config), config.inputs()
    if not store.finished(out, store.stage_key("generate", settings, inputs)):
        with store.run_stage(out, "generate", settings, inputs, MAKES) as stage:
            rows = write(generate(config), out, config.rows_per_file)
            _write_card(out, config.seed, rows)
            rows |= write_tasks(config, out)
            stage.results.update({f"{name}_rows": float(count) for name, count in rows.items()})
            tokens = _tokens(config.audit.tokenizer)
            found = audit(out, config.documents.exposures, tokens, config.audit.ngram, config.audit.sample)
            stage.results.update(found)
    return out
