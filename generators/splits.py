"""Which questions are asked of which part, and in which split: by entity, by composition and by pair of relations.

Chains about the known part are told apart once: those that touch a held-out entity test entities; of the others, those
that follow a withheld pair of relations test relation pairs, and those that compose a withheld pair of facts test
compositions; the rest train. What is withheld is withheld from chains of any length and from every other shape. Everything
is lazy: questions are worded while they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.config import GenerateConfig, QuestionsConfig
from generators.questions import SHAPES
from generators.questions.chain import Chains, ask, certified, search
from generators.questions.reasoning import solve
from generators.world.columns import Ints, KeySet, distinct, hashes_of, mixed, picked
from generators.world.world import World
from kit.core.errors import KitError
from kit.core.records import Part, Question, Split, schema_of
from kit.core.seeds import key_of, stream

Tables = Iterator[pa.Table]

WORDED = 8_000
"""Chains worded at once: bounds the memory, changes nothing else."""


def held_out(known: World, config: QuestionsConfig, seed: int) -> NDArray[np.int64]:
    """Known persons that appear in no training question, as head, bridge or answer, in a seeded order."""
    persons = known.members("person", "known")
    count = round(config.held_out * len(persons))
    if len(persons) and not count:
        raise KitError("questions.held_out leaves no person to test on: ask for more persons or a larger share")
    return stream(seed, "held-out").permutation(persons)[:count]


class KnownChains:
    """Chains of `hops` hops about the known part, by split."""

    def __init__(self, known: World, held: NDArray[np.int64], hops: int, config: QuestionsConfig, seed: int) -> None:
        tested = stream(seed, "validation").permutation(np.sort(held))
        cut = max(1, len(tested) // 4)
        hidden = np.zeros(known.size, bool)
        hidden[held] = True
        subjects = distinct(known.subject).astype(np.int64)
        train: list[Chains] = []
        withheld: list[Chains] = []
        pairs: list[Chains] = []
        for chains in searched(known, subjects[~hidden[subjects]], hops, "train", config, seed):
            free = chains.take(np.flatnonzero(~hidden[chains.stops].any(1)))
            follows = known.schema.hop_hashes[free.hops]
            outside = _any_two(follows, config.held_out_pairs, key_of(seed, "relation pairs"))
            composed = known.fact_hashes[free.facts]
            apart = _any_two(composed, config.held_out_compositions, key_of(seed, "composition"), either_way=True) & ~outside
            pairs.append(free.take(np.flatnonzero(outside)))
            withheld.append(free.take(np.flatnonzero(apart)))
            train.append(free.take(np.flatnonzero(~apart & ~outside)))
            if sum(len(c.hops) for c in train) >= config.train_limit:
                break
        self.train = train
        self.tested: dict[Split, Iterable[Chains]] = {
            "validation": searched(known, tested[:cut], hops, "validation", config, seed),
            "test_entity": searched(known, tested[cut:], hops, "test_entity", config, seed),
            "test_composition": withheld,
            "test_relation_pair": pairs,
        }


def _any_two(hashes: NDArray[np.uint64], share: float, key: int, either_way: bool = False) -> NDArray[np.bool_]:
    """Which rows have, one after the other (or either way round), two that belong to the share that is withheld. hashes:
    (rows, k), 0 for none."""
    found = np.zeros(len(hashes), bool)
    for i in range(hashes.shape[1] - 1):
        a, b = hashes[:, i], hashes[:, i + 1]
        if either_way:
            a, b = np.minimum(a, b), np.maximum(a, b)
        found |= (picked(mixed(key, a, b), 1_000_000) < 1_000_000 * share) & (a != 0) & (b != 0)
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
    return _any_two(composed, config.held_out_compositions, key_of(seed, "composition"), either_way=True) | _any_two(
        follows, config.held_out_pairs, key_of(seed, "relation pairs")
    )


def _matrix(lists: pa.ListArray, hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The hashes of what a column of lists holds, a row a list; 0 where it has no more."""
    counts = pc.list_value_length(lists).to_numpy().astype(np.int64)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    found = np.zeros((len(lists), int(counts.max(initial=0))), np.uint64)
    found[np.repeat(np.arange(len(lists)), counts), place] = hashes
    return found


def searched(world: World, heads: Ints, hops: int, label: str, config: QuestionsConfig, seed: int) -> Iterator[Chains]:
    """Chains from `heads`, in an order of their own for every label."""
    return search(world, np.sort(heads), hops, key_of(seed, "questions", label, hops), inverse=config.inverse)


def asked(world: World, found: Iterable[Chains], split: Split, count: int, config: QuestionsConfig, seed: int) -> Tables:
    """The first `count` questions of a search."""
    for chains in found:
        place = 0
        while count > 0 and place < len(chains.hops):
            rows = np.arange(place, min(place + min(count, WORDED), len(chains.hops)))
            table = ask(world, chains.take(rows), split, seed, distractors=config.distractors)
            place, count = place + len(rows), count - len(table)
            yield table
        if count <= 0:
            return


def _kept(found: Iterable[Chains], seen: list[Chains]) -> Iterator[Chains]:
    """The same chains; those that were read are in `seen`."""
    for chains in found:
        seen.append(chains)
        yield chains


def asked_again(false_world: World, found: list[Chains], count: int, config: QuestionsConfig, seed: int) -> pa.Table:
    """The same heads, hops and wording as the first `count` questions of a search, answered by false facts: what a model
    that was taught those should say."""
    if not found:
        return schema_of(Question).empty_table()
    chains = Chains(*(np.concatenate(columns) for columns in zip(*found, strict=True)))
    again = certified(false_world, chains.stops[:count, 0], chains.hops[:count])
    return ask(false_world, again, "shuffled", seed, distractors=config.distractors)


def edited(now: World, after: World, hops: int, config: QuestionsConfig, seed: int) -> Tables:
    """Chains through a fact that came to hold after the cutoff, with what their answer was before, if they had one."""
    assert now.ever is not None
    new = after.since > now.ever.since.max()
    left = config.limit
    for found in searched(after, distinct(after.subject).astype(np.int64), hops, "edited", config, seed):
        chains = found.take(np.flatnonzero(new[found.facts].any(1))[:left])
        before = solve(now, chains.programs).answers.only()
        yield (table := ask(after, chains, "edited", seed, distractors=config.distractors, before=before))
        left -= len(table)
        if left <= 0:
            return


def other_shape(
    shape: str, known: World, held: NDArray[np.int64], config: QuestionsConfig, seed: int
) -> tuple[Tables, list[pa.Table]]:
    """Questions of a shape about the known part: those that touch nobody held out, to train on, and (filled while those are
    read) the others, to test with."""
    every = known.ever or known
    hidden = KeySet(every.fact_hashes[np.isin(every.subject, held) | np.isin(every.object, held)])
    test: list[pa.Table] = []

    def train() -> Tables:
        wanted, tested = config.train_limit, 0
        for table in SHAPES[shape](known, "train", seed, config.distractors):
            support = table["support"].combine_chunks()
            met = np.zeros(len(table), bool)
            met[pc.list_parent_indices(support).to_numpy()[hidden.has(hashes_of(support.flatten()))]] = True
            if wanted > 0:
                own = table.filter(pa.array(~met & ~_withheld(table, known, config, seed)))[:wanted]
                wanted -= len(own)
                yield own
            if tested < config.limit:
                own = table.filter(pa.array(met))[: config.limit - tested]
                tested += len(own)
                place = own.schema.get_field_index("split")
                test.append(own.set_column(place, "split", pa.array(["test_entity"] * len(own), pa.string())))
            if wanted <= 0 and tested >= config.limit:
                return

    return train(), test


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


class Views(NamedTuple):
    """One world as it is when its documents are written; the same with the novel part's objects dealt anew; as it is after
    all edits; and throwaway worlds."""

    now: World
    false: World
    after: World
    scratch: list[World]


class Questions:
    """All questions of a data set, those for training first. To be read once; then `closed` holds, for every shape, as many
    training questions as examples may need, and `apart` the hashes of the pairs of facts that tests compose."""

    def __init__(self, views: Views, config: GenerateConfig) -> None:
        self.views, self.config = views, config
        self.closed: dict[str, list[pa.Table]] = {}
        self.apart: list[NDArray[np.uint64]] = []

    def __iter__(self) -> Iterator[pa.Table]:
        config, seed = self.config.questions, self.config.seed
        known = self.views.now.part("known")
        held = held_out(known, config, seed)
        chains = {k: KnownChains(known, held, k, config, seed) for k in range(1, config.hops + 1)}
        others = {shape: other_shape(shape, known, held, config, seed) for shape in config.shapes}
        training = {f"chain-{k}": asked(known, c.train, "train", config.train_limit, config, seed) for k, c in chains.items()}
        training |= {shape: tables for shape, (tables, _) in others.items()}
        trained, exposures = [np.zeros(0, np.uint64)], self.config.documents.exposures
        for shape, tables in training.items():
            for table in tables:
                self._keep(shape, table)
                trained.append(hashes_of(table["support"].combine_chunks().flatten()))
                yield placed(table, exposures, KeySet(trained[-1]))
        facts = KeySet(np.concatenate(trained))
        for hops, found in chains.items():
            for split, searched_for in found.tested.items():
                for table in asked(known, searched_for, split, config.limit, config, seed):
                    yield placed(self._apart(table, hops), exposures, facts)
            for table in self._told_later(known, hops):
                yield placed(self._apart(table, hops), exposures, facts)
        for _, test in others.values():
            for table in test:
                yield placed(table, exposures, facts)
        for part, split in NEVER_TRAINED:
            world = self.views.now.part(part)
            for shape in config.shapes if len(world.subject) else ():
                for table in first_of(SHAPES[shape](world, split, seed, config.distractors), config.limit):
                    yield placed(table, 0 if part == "twin" else exposures, facts)

    def _told_later(self, known: World, hops: int) -> Iterator[pa.Table]:
        """Chains about what is not known when training for the task ends: the novel part, and what edits change."""
        config, seed, views = self.config.questions, self.config.seed, self.views
        for part, split in NEVER_TRAINED:
            world = views.now.part(part)
            heads = distinct(world.subject).astype(np.int64)
            if not self.config.world.own.facts:
                heads = world.members("person", part)
            found: list[Chains] = []
            count = 0
            for table in asked(
                world, _kept(searched(world, heads, hops, split, config, seed), found), split, config.limit, config, seed
            ):
                count += len(table)
                yield table
            if part == "novel" and found:
                yield asked_again(views.false.part("novel"), found, count, config, seed)
        if self.config.world.timeline:
            yield from edited(known, views.after.part("known"), hops, config, seed)

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
                tables = SHAPES[shape](world, "scratch", seed, config.distractors)
            else:
                people = world.members("person", "scratch")
                found = searched(world, people, int(shape.removeprefix("chain-")), f"scratch {i}", config, seed)
                tables = asked(world, found, "scratch", share, config, seed)
            made.append(pa.concat_tables([schema_of(Question).empty_table(), *first_of(tables, share)]))
        if not made:
            return schema_of(Question).empty_table()
        place = np.concatenate([np.arange(len(t)) for t in made])
        return pa.concat_tables(made).take(pa.array(np.argsort(place, kind="stable")))


NEVER_TRAINED: tuple[tuple[Part, Split], ...] = (("novel", "novel"), ("twin", "twin"))
"""The parts that no training question touches, and the splits that ask about them."""
