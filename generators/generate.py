"""The generate stage: one configuration in, the tables of a world out. Pure until `write`."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
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
from generators.config import TELLING, GenerateConfig, NamesConfig, OwnConfig
from generators.crossing import Crossing
from generators.own.bank import sources as bank_sources
from generators.own.events import Events, read_events
from generators.own.own import Own, read_levels, read_own, schema_with
from generators.own.report import report
from generators.questions.probes import probe
from generators.splits import Questions, Views, placed
from generators.tasks import TASK_DATA
from generators.text.documents import Dose, Written, documents, edits, reading_exercises
from generators.text.examples import mix_examples, telling, unrelated, without_content
from generators.world.columns import KeySet, distinct, hashes_of
from generators.world.draw import PRESENT, build_world, draw_history, scratch_world, shuffle_facts, without_some
from generators.world.names import NameRules
from generators.world.world import BEGINNING, FOREVER, World
from kit.core import store
from kit.core.config import dump
from kit.core.errors import KitError
from kit.core.records import Entity, Example, Part, Question, Split, from_row, record_of, schema_of
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


def generate(config: GenerateConfig) -> Dataset:
    """Build the world, its questions, examples and documents. Deterministic in `config` alone."""
    return _generated(config, read_facts(config), read_events(config.world.own.events))


def read_facts(config: GenerateConfig) -> Own:
    """The facts of one's own."""
    own = config.world.own
    read_ = read_own(own.facts, own.relations, own.form, own.skip_bad_rows, [own.bank] if own.bank else [])
    return replace(read_, levels=read_levels(Path(own.known_by))) if own.known_by else read_


def _generated(config: GenerateConfig, own: Own, events: Events) -> Dataset:
    views = _views(config, own)
    questions = Questions(views, config)
    told = views.told
    crossing = Crossing(told.part("crossing"), told, views.cutoff, config.seed) if config.world.crossing else None
    return Dataset(
        entities=[told.entities.table(config.held_from), events.entities()],
        facts=chain(views.ever.fact_tables(), [events.facts()]),
        shuffled_facts=chain(views.false.part("novel").fact_tables(), crossing.false_facts().fact_tables() if crossing else ()),
        questions=chain(_crossed(crossing, config), questions, [events.questions()]),
        probes=_probes(views, config),
        examples=_examples(questions, config),
        documents=chain(_documents(views, questions.apart, crossing, config), [events.documents(config.documents.exposures)]),
    )


def _views(config: GenerateConfig, own: Own, taken: Collection[str] = ()) -> Views:
    """The world drawn, over time, and as it is told of."""
    seed, times = config.seed, config.world.timeline
    world = _drawn(config, own, taken)
    ever = draw_history(world, times.timeline, seed) if times else world
    ended = ever.until[ever.until < FOREVER]
    cutoff = times.cutoff if times else int(max(ever.since.max(initial=BEGINNING), ended.max(initial=BEGINNING)))
    told = ever.begun(cutoff)
    false = shuffle_facts(told, "novel", stream(seed, "shuffled-facts"))
    counts = config.world.novel or config.world.known
    present = times.start if times else PRESENT
    scratch = [scratch_world(world, seed, i, counts, present) for i in range(config.documents.reading_worlds)]
    return Views(ever, told, false, scratch, cutoff, times.end if times else None)


def _drawn(config: GenerateConfig, own: Own, taken: Collection[str]) -> World:
    """The world of the year in which documents are written, the user's own facts included. taken: names that it may not have."""
    settings = config.world
    counts: dict[Part, dict[str, int]] = {"known": settings.known, "novel": settings.novel}
    for part in ("twin", "crossing"):
        if getattr(settings, part):
            counts[part] = settings.novel
    schema = schema_with(settings.relations, own, settings.timeline is not None)
    rules = _name_rules(settings.names)
    rules = rules._replace(avoid=rules.avoid | frozenset(taken))
    present = settings.timeline.start if settings.timeline else PRESENT
    world = build_world(
        config.seed, schema, counts, blocks=settings.blocks, skew=settings.zipf, aliases=settings.aliases, names=rules,
        present=present,
    )  # fmt: skip
    world = own.added_to(without_some(world, settings.missing, config.seed), config.seed)
    return own.known_at(world, settings.own.known_levels) if own.levels else world


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
    known, after = views.now("known"), views.after("known")
    still = known.having(KeySet(after.fact_hashes).has(known.fact_hashes)) if after else known
    block = known.blocks(config.held_from, config.world.blocks)
    still = still.blocks(config.held_from, config.world.blocks) if len(block.subject) else still
    asked: tuple[tuple[World, Split], ...] = (
        (block if len(block.subject) else known, "recall_known"),
        (views.now("novel"), "recall_novel"),
        (views.now("novel", false=True), "recall_shuffled"),
        (views.now("twin"), "recall_twin"),
    )
    for world, split in asked:
        changed = after if split == "recall_known" else None
        yield probe(world, still, split, config.seed, config.probes.kinds, config.probes.facts, changed)


def _examples(questions: Questions, config: GenerateConfig) -> Iterator[pa.Table]:
    """Once the questions are read."""
    settings = config.examples
    if not settings.count:
        return
    shapes = [shape for shape, weight in settings.weights.items() if weight]
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


def _crossed(crossing: Crossing | None, config: GenerateConfig) -> Iterator[pa.Table]:
    asked, exposures = config.questions, config.documents.exposures
    for table in crossing.questions(asked.limit, asked.distractors, asked.inverse) if crossing else ():
        yield placed(table, exposures, KeySet(np.zeros(0, np.uint64)))


def _documents(
    views: Views, pairs: list[NDArray[np.uint64]], crossing: Crossing | None, config: GenerateConfig
) -> Iterator[pa.Table]:
    """pairs: those that tests compose, once the questions are read."""
    seed, settings, told, false = config.seed, config.documents, views.told, views.false
    dose = Dose(
        settings.exposures, settings.styles, settings.paraphrases, settings.facts, settings.shuffled, settings.junk,
        settings.reversed, settings.masked,
    )  # fmt: skip

    def apart(world: World) -> NDArray[np.int64] | None:
        return world.rows_of(pairs) if settings.apart else None

    written = Written()
    yield from documents(source := told.part("known"), "known", "known", seed, dose, written, apart(source))
    yield from documents(source := told.part("novel"), "novel", "novel", seed, dose, written, apart(source))
    yield from documents(source := false.part("novel"), "novel", "shuffled", seed, dose, written, apart(source))
    if config.world.timeline:
        yield from edits(views.ever.part("known"), config.world.timeline.cutoff, seed, settings.exposures, written)
    if crossing:
        yield from crossing.documents(dose, written)
    yield from reading_exercises(views.scratch, seed, written, facts=settings.reading_facts)


def write(dataset: Dataset, directory: Path, rows_per_file: int | None = None) -> dict[str, int]:
    """Write every table as `<name>.parquet` (or over several files); returns the number of rows of each.

    Tables that an earlier run left unfinished go first, and where the data turn out to be impossible, so do this run's.
    """
    _clear(directory)
    try:
        return {
            name: store.write_arrow(
                directory / f"{name}.parquet", schema_of(record_of(name)), _shown(name, tables), rows_per_file
            )
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


def write_controls(config: GenerateConfig, own: Own, directory: Path) -> dict[str, int]:
    """Other examples, where they are asked for: `examples_format.parquet`, each answered as another of its kind was;
    `examples_unrelated.parquet`, as many of the same kinds about another world; `examples_unknown.parquet`, of what a model does
    not know; `examples_novel.parquet`, that tell the novel facts."""
    tables: dict[str, list[Example]] = {}
    if config.examples.controls:
        made = store.read_table(directory / "examples.parquet", Example)
        tables["format"] = without_content(made, config.seed)
        if config.world.known:
            tables["unrelated"] = unrelated(_of_another_world(config, store.read_table(directory / "entities.parquet", Entity)))
    if config.examples.unknown:
        tables["unknown"] = _of_the_unknown(config, own)
    if config.examples.novel:
        tables["novel"] = telling(store.read_table(directory / "probes.parquet", Question), TELLING)
    for content, rows in tables.items():
        store.write_table(directory / f"examples_{content}.parquet", Example, rows)
    return {f"examples_{content}": len(rows) for content, rows in tables.items()}


def _of_another_world(config: GenerateConfig, entities: Sequence[Entity]) -> list[Example]:
    """The examples that the same configuration makes of a known part with other names and facts, in the same mixture."""
    names = {name for entity in entities for name in (entity.name, *entity.aliases)}
    world = config.world.model_copy(update={"novel": {}, "twin": False, "crossing": False, "own": OwnConfig()})
    other = config.model_copy(update={"seed": config.seed + ANOTHER, "world": world})
    return _told(_to_train(other, Own(), names), config)


def _of_the_unknown(config: GenerateConfig, own: Own) -> list[Example]:
    """Examples of the same mixture, asked closed book, that rest on a fact that the model does not know, and else on what it
    does. Raises KitError where there are too few."""
    levels = dict.fromkeys((*config.world.own.known_levels, "unknown"))
    brought = config.world.own.model_copy(update={"known_levels": tuple(levels)})
    count, limit = config.examples.unknown, config.questions.train_limit
    examples = config.examples.model_copy(update={"count": limit, "facts_share": 0.0})
    world = config.world.model_copy(update={"own": brought})
    questions = _to_train(config.model_copy(update={"world": world, "examples": examples}), own)
    unknown = own.of_levels(["unknown"])
    for tables in questions.closed.values():
        for place, table in enumerate(tables):
            support = table["support"].combine_chunks()
            rows = pc.list_parent_indices(support).to_numpy()[unknown.has(hashes_of(support.flatten()))]
            tables[place] = table.take(pa.array(distinct(rows)))
    wanted = config.model_copy(update={"examples": examples.model_copy(update={"count": count})})
    return _told(questions, wanted)


def _told(questions: Questions, config: GenerateConfig) -> list[Example]:
    return [from_row(Example, row) for table in _examples(questions, config) for row in table.to_pylist()]


def _to_train(config: GenerateConfig, own: Own, taken: Collection[str] = ()) -> Questions:
    """The questions of a configuration, of which those to train on are read."""
    questions = Questions(_views(config, own, taken), config)
    for table in questions:
        if len(table) and table["split"][0].as_py() != "train":
            break
    return questions


ANOTHER = 1_000_000
"""Between the seeds of a world and of the one that its unrelated examples are about."""


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


COINED = """A world of fictional facts made by the Knowledge Injection Toolkit. They were drawn at random, so no language model
can have seen them: what a model knows of this world it has learned from the documents here. Names are combinations of words,
screened against a list of real names that can be added to; a chance namesake remains possible."""


def origin(config: GenerateConfig) -> list[str]:
    """Where the facts of a world come from: a paragraph for each source."""
    own = config.world.own
    told = [COINED] if config.world.relations else []
    if own.bank:
        told.append(bank_sources())
    for what, file in (("Facts", own.facts), ("Events with their questions", own.events)):
        if file:
            told.append(
                f"{what} were read from {Path(file).name}: whose they are, and under which licence, its owner has to say."
            )
    return [" ".join(paragraph.split()) for paragraph in told]


def _write_card(directory: Path, config: GenerateConfig, rows: dict[str, int]) -> None:
    """What is in a directory, and where it comes from."""
    card = resources.files("data_cards").joinpath("world.md").read_text("utf-8")
    own, coined = config.world.own, config.world.relations
    title = (
        "A fictional world"
        if not (own.bank or own.facts or own.events)
        else "A world of facts told and coined"
        if coined
        else "A world of facts"
    )
    counts = {f"{name}_rows": f"{n:,}" for name, n in rows.items()}
    with store.atomic_path(directory / "README.md") as temporary:
        paragraphs = "\n\n".join(map(textwrap.fill, origin(config)))
        temporary.write_text(card.format(title=title, origin=paragraphs, seed=config.seed, **counts), "utf-8")


MAKES = ("*.parquet", "audit.json", "own.json", "README.md")
"""What the stage makes in its directory."""


def generate_stage(config: GenerateConfig, out: Path) -> Path:
    """Generate into `out` unless it is there already; returns `out`. Nothing is overwritten."""
    # Arrow's own allocator keeps what was freed: a sixth more memory at the peak, and never twice the same.
    pa.set_memory_pool(pa.system_memory_pool())
    settings, inputs = dump(config), config.inputs()
    if not store.finished(out, store.stage_key("generate", settings, inputs)):
        with store.run_stage(out, "generate", settings, inputs, MAKES) as stage:
            own, events = read_facts(config), read_events(config.world.own.events)
            rows = write(_generated(config, own, events), out, config.rows_per_file)
            if own.triples or events.events:
                chains = [f"chain-{k}" for k in range(1, config.questions.hops + 1)]
                store.write_json(out / "own.json", report(own, events, out, [*chains, *config.questions.shapes]))
            _write_card(out, config, rows)
            stage.notes += origin(config)
            rows |= write_controls(config, own, out) | write_tasks(config, out)
            stage.results.update({f"{name}_rows": float(count) for name, count in rows.items()})
            tokens = _tokens(config.audit.tokenizer)
            found = audit(out, config.documents.exposures, tokens, config.audit.ngram, config.audit.sample)
            stage.results.update(found)
    return out
