"""Which questions are asked of which part, and in which split: by entity, by composition and by pair of relations.

The known part is made of blocks, each closed under its relations: the last ones are held out, and whatever is asked of them tests
entities. Of chains about the others, those that follow a withheld pair of relations test relation pairs, and those that compose a
withheld pair of facts test compositions; the rest train. What is withheld is withheld from chains of any length and from every
other shape, and since a training question is made of its own blocks alone, so is what is held out from everything that a line
says. Everything is lazy: questions are worded while they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.config import GenerateConfig, QuestionsConfig
from generators.questions import PAIRED, SHAPES
from generators.questions.chain import Chains, ask, certified, search
from generators.questions.reasoning import solve
from generators.questions.table import Apart, Asking
from generators.world.columns import Ints, KeySet, distinct, hashes_of
from generators.world.world import PARTS, World
from kit.core.records import Part, Question, Split, schema_of
from kit.core.seeds import key_of, stream

Tables = Iterator[pa.Table]

FEWEST, WORDED, TOGETHER = 500, 8_000, 24_000
"""Questions made at once of a block, and of all of them: bounds the memory."""


class FreeChains:
    """Chains of `hops` hops about a block that questions train on: those that do, and those that are withheld for the facts, or
    the relations, that follow one another. count: about how many are to train."""

    def __init__(self, world: World, hops: int, count: int, config: QuestionsConfig, seed: int) -> None:
        train: list[Chains] = []
        withheld: list[Chains] = []
        pairs: list[Chains] = []
        for chains in searched(world, distinct(world.subject).astype(np.int64), hops, "train", config, seed):
            follows = world.schema.hop_hashes[chains.hops]
            outside = _any_two(follows, relation_pairs(config, seed).drawn)
            composed = world.hashes(chains.facts)
            apart = _any_two(composed, compositions(config, seed).either) & ~outside
            pairs.append(chains.take(np.flatnonzero(outside)))
            withheld.append(chains.take(np.flatnonzero(apart)))
            train.append(chains.take(np.flatnonzero(~apart & ~outside)))
            if sum(len(c.hops) for c in train) >= count:
                break
        self.world, self.train, self.withheld, self.pairs = world, train, withheld, pairs

    def composed(self, trained: KeySet) -> Iterator[Chains]:
        """Withheld compositions of facts that training questions ask for."""
        return (c.take(np.flatnonzero(_all_in(trained, self.world, c))) for c in self.withheld)


def _all_in(trained: KeySet, world: World, chains: Chains) -> NDArray[np.bool_]:
    hashes = world.hashes(chains.facts)
    return np.asarray(trained.has(hashes.ravel()).reshape(hashes.shape).all(axis=1))


def asked_about(world: World) -> NDArray[np.int64]:
    """The entities whose chains test: persons; in a world without any, whatever has facts."""
    heads = distinct(world.subject).astype(np.int64)
    persons = heads[world.kinds[heads] == world.schema.kind("person")]
    return persons if len(persons) else heads


def compositions(config: QuestionsConfig, seed: int) -> Apart:
    """The pairs of facts that no training question composes."""
    return Apart(config.held_out_compositions, key_of(seed, "composition"))


def relation_pairs(config: QuestionsConfig, seed: int) -> Apart:
    """The pairs of relations that no training question follows one after the other."""
    return Apart(config.held_out_pairs, key_of(seed, "relation pairs"))


def _any_two(hashes: NDArray[np.uint64], withheld: Callable[..., NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Which rows have two, one after the other, that are withheld. hashes: (rows, k), 0 for none."""
    found = np.zeros(len(hashes), bool)
    for i in range(hashes.shape[1] - 1):
        a, b = hashes[:, i], hashes[:, i + 1]
        found |= withheld(a, b) & (a != 0) & (b != 0)
    return found


def _withheld(table: pa.Table, known: World, config: QuestionsConfig, seed: int) -> NDArray[np.bool_]:
    """Which questions, of any shape, compose two facts or follow two relations that are withheld from training."""
    names = [*(f"follow {name}" for name in known.schema.names), *(f"inverse {name}" for name in known.schema.names)]
    steps = table["steps"].combine_chunks()
    hops = pc.binary_join_element_wise(steps.flatten().field("op"), steps.flatten().field("relation"), " ")
    facts = table["support"].combine_chunks()
    composed = _matrix(facts, hashes_of(facts.flatten()))
    numbers = pc.index_in(hops, pa.array(names)).fill_null(-1).to_numpy()
    follows = _matrix(steps, np.where(numbers >= 0, known.schema.hop_hashes[numbers], np.uint64(0)))
    return _any_two(composed, compositions(config, seed).either) | _any_two(follows, relation_pairs(config, seed).drawn)


def _matrix(lists: pa.ListArray, hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The hashes of what a column of lists holds, a row a list; 0 where it has no more."""
    counts = pc.list_value_length(lists).to_numpy().astype(np.int64)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    found = np.zeros((len(lists), int(counts.max(initial=0))), np.uint64)
    found[np.repeat(np.arange(len(lists)), counts), place] = hashes
    return found


def searched(
    world: World, heads: Ints, hops: int, label: str, config: QuestionsConfig, seed: int, through: NDArray[np.bool_] | None = None
) -> Iterator[Chains]:
    """Chains from `heads`, in an order of their own for every label; those through some facts only, if so asked."""
    key = key_of(seed, "questions", label, hops)
    return search(world, np.sort(heads), hops, key, inverse=config.inverse, through=through)


def asked(asking: Asking, found: Iterable[Chains], count: int) -> Tables:
    """The first `count` questions of a search."""
    for chains in found:
        place = 0
        while count > 0 and place < len(chains.hops):
            rows = np.arange(place, min(place + min(count, asking.chunk), len(chains.hops)))
            table = ask(asking, chains.take(rows), pool=chains)
            place, count = place + len(rows), count - len(table)
            yield table
        if count <= 0:
            return


def in_turn(streams: Sequence[Tables], count: int, together: int = 1) -> Tables:
    """The first `count` rows of several streams, so many of each in turn; of what the one lacks the others have more."""
    open_ = list(streams)
    while open_ and count > 0:
        told = [(stream_, next(stream_, None)) for stream_ in open_]
        open_ = [stream_ for stream_, table in told if table is not None]
        tables = [table for _, table in told if table is not None]
        if tables:
            place = np.concatenate([np.arange(len(table)) for table in tables])
            table = pa.concat_tables(tables).take(pa.array(np.argsort(place // together, kind="stable")[:count]))
            count -= len(table)
            yield table


def _kept(found: Iterable[Chains], seen: list[Chains]) -> Iterator[Chains]:
    """The same chains; those that were read are in `seen`."""
    for chains in found:
        seen.append(chains)
        yield chains


def asked_again(asking: Asking, found: list[Chains], count: int) -> pa.Table:
    """The same heads, hops and wording as the first `count` questions of a search, answered by false facts: what a model
    that was taught those should say. asking: of the false world."""
    if not found:
        return schema_of(Question).empty_table()
    chains = Chains(*(np.concatenate(columns) for columns in zip(*found, strict=True)))
    return ask(asking, certified(asking.world, chains.stops[:count, 0], chains.hops[:count]))


def edited(now: World, asking: Asking, hops: int, config: QuestionsConfig) -> Tables:
    """Chains through a fact that came to hold after the cutoff, with what their answer was before, if they had one. asking: of
    the world after the edits."""
    assert now.ever is not None
    after = asking.world
    new = after.since > now.ever.since.max()
    left = config.limit
    heads = distinct(after.subject).astype(np.int64)
    for found in searched(after, heads, hops, "edited", config, asking.seed, new):
        chains = found.take(np.arange(min(left, len(found.hops))))
        before = solve(now, chains.programs).answers.only()
        yield (table := ask(asking, chains, before=before))
        left -= len(table)
        if left <= 0:
            return


def _at_once(count: int, blocks: int) -> int:
    """How many questions of a split and shape to make of each of some blocks at once."""
    blocks = max(1, blocks)
    return int(np.clip(-(-count // blocks), FEWEST, min(WORDED, TOGETHER // blocks)))


def trained_on(shape: str, asking: Asking, config: QuestionsConfig) -> Tables:
    """Questions of a shape to train on: those that compose or follow nothing withheld."""
    for table in SHAPES[shape](asking):
        free = ~_withheld(table, asking.world, config, asking.seed)
        if shape in PAIRED:
            free = np.repeat(free.reshape(-1, 2).all(1), 2)
        yield table.filter(pa.array(free))


def first_of(tables: Iterable[pa.Table], count: int) -> Tables:
    """The first `count` rows, or as many as there are."""
    for table in tables:
        yield table[:count]
        count -= len(table)
        if count <= 0:
            return


def placed(table: pa.Table, exposures: int, trained: KeySet) -> pa.Table:
    """The questions with two measures of their difficulty that only the whole data set tells: how often its facts are stated,
    and how many of them training questions ask for."""
    support = table["support"].combine_chunks()
    counts = np.zeros(len(table), np.int64)
    np.add.at(counts, pc.list_parent_indices(support).to_numpy()[trained.has(hashes_of(support.flatten()))], 1)
    place = table.schema.get_field_index("difficulty")
    old = table["difficulty"].combine_chunks()
    type_ = table.schema.field("difficulty").type
    columns = [old.field("branching"), old.field("popularity"), pa.array(np.full(len(table), exposures)), pa.array(counts)]
    return table.set_column(place, "difficulty", pa.StructArray.from_arrays(columns, fields=list(type_)))


@dataclass(frozen=True)
class Views:
    """One world: `ever`, with the facts of all years; as it is `told` of in the year `cutoff`, past facts and all; the same with
    the novel part's objects dealt anew, which makes it `false`; and throwaway worlds. end: the year after all edits, where there
    are any."""

    ever: World
    told: World
    false: World
    scratch: list[World]
    cutoff: int
    end: int | None

    def now(self, part: Part, *, false: bool = False) -> World:
        """A part as it is in the year of the cutoff."""
        told = self.false if false else self.told
        return replace((told.at(self.cutoff) if told.dated.any() else told).part(part), told=told)

    def after(self, part: Part) -> World | None:
        """A part as it is after all edits."""
        return None if self.end is None else replace(self.ever.at(self.end).part(part), past=None, told=self.ever)


class Questions:
    """All questions of a data set, those for training first. To be read once; then `closed` holds, for every shape, as many
    training questions as examples may need, and `apart` the hashes of the pairs of facts that tests compose."""

    def __init__(self, views: Views, config: GenerateConfig) -> None:
        self.views, self.config = views, config
        self.closed: dict[str, list[pa.Table]] = {}
        self.apart: list[NDArray[np.uint64]] = []

    def __iter__(self) -> Iterator[pa.Table]:
        trained: list[NDArray[np.uint64]] = [np.zeros(0, np.uint64)]
        yield from self._known(trained)
        facts, exposures = KeySet(np.concatenate(trained)), self.config.documents.exposures
        for part, split in NEVER_TRAINED:
            for table in self._never_trained(part, split):
                yield placed(table, 0 if part == "twin" else exposures, facts)
        for table in self._joined():
            yield placed(table, exposures, facts)
        self.views.told.forget()
        for table in self._edited():
            yield placed(table, exposures, facts)
        self.views.ever.forget()

    def _known(self, trained: list[NDArray[np.uint64]]) -> Iterator[pa.Table]:
        """What trains, and what tests in the known part. trained: to be filled with the facts that are asked for in training."""
        config, seed, exposures = self.config.questions, self.config.seed, self.config.documents.exposures
        known, first = self.views.now("known"), self.config.held_from
        blocks = [known.blocks(block, block + 1) for block in range(self.config.world.blocks)]
        free, held = blocks[:first], blocks[first:]
        # A question, all that stands beside it in its prompt and all that is offered is of one block.
        apart = compositions(config, seed)
        after = self.views.after("known")
        share = -(-config.train_limit // max(1, len(free)))
        chunk = _at_once(config.train_limit, len(free))
        asking = [Asking(world, "train", seed, config.distractors, after, apart, chunk) for world in free]
        chains = {k: [FreeChains(world, k, share, config, seed) for world in free] for k in range(1, config.hops + 1)}
        of_chains = {f"chain-{k}": own for k, own in chains.items()}
        for shape in (*of_chains, *config.shapes):
            if shape in of_chains:
                streams = [asked(a, c.train, config.train_limit) for a, c in zip(asking, of_chains[shape], strict=True)]
            else:
                streams = [trained_on(shape, a, config) for a in asking]
            for table in in_turn(streams, config.train_limit, 1 + (shape in PAIRED)):
                self._keep(shape, table)
                trained.append(hashes_of(table["support"].combine_chunks().flatten()))
                yield placed(table, exposures, KeySet(trained[-1]))
        facts = KeySet(np.concatenate(trained))
        testing = [
            Asking(world, "test_entity", seed, config.distractors, after, None, _at_once(config.limit, len(held)))
            for world in held
        ]
        for hops, found in chains.items():
            tested: dict[Split, list[Tables]] = {"validation": [], "test_entity": []}
            split: Split
            for a in testing:
                persons = stream(seed, "validation").permutation(asked_about(a.world))
                cut = max(1, len(persons) // 4)
                for split, heads in (("validation", persons[:cut]), ("test_entity", persons[cut:])):
                    chosen = searched(a.world, heads, hops, split, config, seed)
                    tested[split].append(asked(a._replace(split=split), chosen, config.limit))
            of_free = [a._replace(apart=None, chunk=_at_once(config.limit, len(free))) for a in asking]
            told = list(zip(of_free, found, strict=True))
            tested["test_composition"] = [
                asked(a._replace(split="test_composition"), c.composed(facts), config.limit) for a, c in told
            ]
            tested["test_relation_pair"] = [asked(a._replace(split="test_relation_pair"), c.pairs, config.limit) for a, c in told]
            for streams in tested.values():
                for table in in_turn(streams, config.limit):
                    yield placed(self._apart(table, hops), exposures, facts)
        for table in self._shapes(testing):
            yield placed(table, exposures, facts)

    def _shapes(self, several: Sequence[Asking]) -> Iterator[pa.Table]:
        """Questions of all shapes but chains, to test with: of each world in turn."""
        for shape in self.config.questions.shapes:
            made = [iter(SHAPES[shape](asking)) for asking in several if len(asking.world.subject)]
            yield from in_turn(made, self.config.questions.limit, 1 + (shape in PAIRED))

    def _never_trained(self, part: Part, split: Split) -> Iterator[pa.Table]:
        """What is asked of a part that no training question touches, and of the novel one when its facts are false."""
        config, seed, world = self.config.questions, self.config.seed, self.views.now(part)
        asking = Asking(world, split, seed, config.distractors, chunk=_at_once(config.limit, 1))
        heads = distinct(world.subject).astype(np.int64) if self.config.world.own.facts else asked_about(world)
        false = asking._replace(world=self.views.now("novel", false=True), split="shuffled") if part == "novel" else None
        for hops in range(1, config.hops + 1):
            found: list[Chains] = []
            count = 0
            wanted = searched(world, heads, hops, split, config, seed)
            for table in asked(asking, _kept(wanted, found), config.limit):
                count += len(table)
                yield self._apart(table, hops)
            if false and found:
                yield self._apart(asked_again(false, found, count), hops)
        yield from self._shapes([asking])

    def _joined(self) -> Iterator[pa.Table]:
        """Chains from what is new on to what was known before, where any new fact leads there."""
        config, seed, novel = self.config.questions, self.config.seed, self.views.now("novel")
        known = novel.parts == PARTS.index("known")
        if not known[novel.object].any():
            return
        told = self.views.told
        now = told.at(self.views.cutoff) if told.dated.any() else told
        world = replace(
            now.having(np.isin(now.parts[now.subject], [PARTS.index(part) for part in ("known", "novel")])), told=told
        )
        asking = Asking(world, "novel_to_known", seed, config.distractors, chunk=_at_once(config.limit, 1))
        for hops in range(2, config.hops + 1):
            found = searched(world, distinct(novel.subject).astype(np.int64), hops, "novel to known", config, seed)
            across = (chains.take(np.flatnonzero(known[chains.stops[:, -2]])) for chains in found)
            for table in asked(asking, across, config.limit):
                yield self._apart(table, hops)

    def _edited(self) -> Iterator[pa.Table]:
        """Chains about what edits change."""
        config, now, after = self.config.questions, self.views.now("known"), self.views.after("known")
        if after:
            blocks = self.config.world.blocks
            chunk = _at_once(config.limit, blocks)
            asking = [
                Asking(after.blocks(block, block + 1), "edited", self.config.seed, config.distractors, chunk=chunk)
                for block in range(blocks)
            ]
            for hops in range(1, config.hops + 1):
                for table in in_turn([edited(now, a, hops, config) for a in asking], config.limit):
                    yield self._apart(table, hops)

    def _keep(self, shape: str, table: pa.Table) -> None:
        kept = self.closed.setdefault(shape, [])
        left = self.config.examples.count - sum(map(len, kept))
        if left > 0:
            # A copy: a slice would hold on to the whole table.
            kept.append(table.take(pa.array(np.arange(min(left, len(table))))))

    def _apart(self, table: pa.Table, hops: int) -> pa.Table:
        facts = hashes_of(table["support"].combine_chunks().flatten()).reshape(-1, hops)
        self.apart += [facts[:, i : i + 2] for i in range(hops - 1)]
        return table

    def open_book(self, shape: str) -> pa.Table:
        """Questions of a shape about the throwaway worlds, to be asked with their facts in the prompt: from each in turn."""
        config, seed, views = self.config.questions, self.config.seed, self.views
        share = -(-self.config.examples.count // max(1, len(views.scratch)))
        made = []
        for i, world in enumerate(views.scratch):
            if shape in SHAPES:
                tables = SHAPES[shape](Asking(world, "scratch", seed, config.distractors))
            else:
                hops = int(shape.removeprefix("chain-"))
                found = searched(world, asked_about(world), hops, f"scratch {i}", config, seed)
                tables = asked(Asking(world, "scratch", seed, config.distractors), found, share)
            made.append(pa.concat_tables([schema_of(Question).empty_table(), *first_of(tables, share)]))
        if not made:
            return schema_of(Question).empty_table()
        place = np.concatenate([np.arange(len(t)) for t in made])
        return pa.concat_tables(made).take(pa.array(np.argsort(place, kind="stable")))


NEVER_TRAINED: tuple[tuple[Part, Split], ...] = (("novel", "novel"), ("twin", "twin"))
"""The parts that no training question touches, and the splits that ask about them."""
