"""Which questions are asked of which part, and in which split: by entity, by composition and by pair of relations.

Chains about the known part are told apart once: those that touch a held-out entity test entities; of the others, those
that follow a withheld pair of relations test relation pairs, and a share of the compositions is withheld as well; the rest
train. Everything is lazy: questions are worded while they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.columns import Ints, concatenated, mixed, picked
from generators.config import GenerateConfig, QuestionsConfig
from generators.questions import SHAPES
from generators.questions.chain import Chains, ask, certified, search
from generators.reasoning import solve
from generators.world import World
from kit.core.errors import KitError
from kit.core.records import Part, Question, Split, schema_of
from kit.core.seeds import key_of, stream

Tables = Iterator[pa.Table]


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
        subjects = np.unique(known.subject).astype(np.int64)
        train: list[Chains] = []
        withheld: list[Chains] = []
        pairs: list[Chains] = []
        for chains in searched(known, subjects[~hidden[subjects]], hops, "train", config, seed):
            free = chains.take(np.flatnonzero(~hidden[chains.stops].any(1)))
            outside = withheld_pairs(known, free.hops, config.held_out_pairs, seed)
            draws = mixed(key_of(seed, "composition"), *(known.fact_hashes[free.facts[:, i]] for i in range(hops)))
            apart = (picked(draws, 1_000_000) < 1_000_000 * config.held_out_compositions) & (hops > 1) & ~outside
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


def withheld_pairs(world: World, hops: NDArray[np.int64], share: float, seed: int) -> NDArray[np.bool_]:
    """Whether a chain follows, one after the other, two relations that no training chain does."""
    names = world.schema.hop_hashes
    found = np.zeros(len(hops), bool)
    for i in range(hops.shape[1] - 1):
        draws = mixed(key_of(seed, "relation pairs"), names[hops[:, i]], names[hops[:, i + 1]])
        found |= picked(draws, 1_000_000) < 1_000_000 * share
    return found


def searched(world: World, heads: Ints, hops: int, label: str, config: QuestionsConfig, seed: int) -> Iterator[Chains]:
    """Chains from `heads`, in an order of their own for every label."""
    return search(world, np.sort(heads), hops, key_of(seed, "questions", label, hops), inverse=config.inverse)


def asked(world: World, found: Iterable[Chains], split: Split, count: int, config: QuestionsConfig, seed: int) -> Tables:
    """The first `count` questions of a search."""
    for chains in found:
        place = 0
        while count > 0 and place < len(chains.hops):
            rows = np.arange(place, min(place + count, len(chains.hops)))
            table = ask(world, chains.take(rows), split, seed, distractors=config.distractors)
            place, count = place + len(rows), count - len(table)
            yield table
        if count <= 0:
            return


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
    new = pc.invert(pc.is_in(after.fact_ids, now.ever.fact_ids)).to_numpy(zero_copy_only=False)
    left = config.limit
    for found in searched(after, np.unique(after.subject).astype(np.int64), hops, "edited", config, seed):
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
    hidden = every.fact_ids.filter(pa.array(np.isin(every.subject, held) | np.isin(every.object, held)))
    test: list[pa.Table] = []

    def train() -> Tables:
        wanted, tested = config.train_limit, 0
        for table in SHAPES[shape](known, "train", seed, config.distractors):
            support = table["support"].combine_chunks()
            met = np.zeros(len(table), bool)
            met[pc.list_parent_indices(support).filter(pc.is_in(support.flatten(), hidden)).to_numpy()] = True
            if wanted > 0:
                own = table.filter(pa.array(~met))[:wanted]
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


def placed(table: pa.Table, exposures: int, trained: pa.Array) -> pa.Table:
    """The questions with two measures of their difficulty that only the whole data set tells: how often its facts are stated,
    and how many of them training questions ask for."""
    support = table["support"].combine_chunks()
    counts = np.zeros(len(table), np.int64)
    met = pc.list_parent_indices(support).filter(pc.is_in(support.flatten(), trained)).to_numpy()
    np.add.at(counts, met, 1)
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
    training questions as examples may need, and `apart` the pairs of facts that tests compose."""

    def __init__(self, views: Views, config: GenerateConfig) -> None:
        self.views, self.config = views, config
        self.closed: dict[str, list[pa.Table]] = {}
        self.apart: list[tuple[pa.Array, pa.Array]] = []

    def __iter__(self) -> Iterator[pa.Table]:
        config, seed = self.config.questions, self.config.seed
        known = self.views.now.part("known")
        held = held_out(known, config, seed)
        chains = {k: KnownChains(known, held, k, config, seed) for k in range(1, config.hops + 1)}
        others = {shape: other_shape(shape, known, held, config, seed) for shape in config.shapes}
        training = {f"chain-{k}": asked(known, c.train, "train", config.train_limit, config, seed) for k, c in chains.items()}
        training |= {shape: tables for shape, (tables, _) in others.items()}
        trained = [pa.array([], pa.string())]
        for shape, tables in training.items():
            for table in tables:
                self._keep(shape, table)
                trained.append(pc.unique(table["support"].combine_chunks().flatten()))
                yield table
        facts = pc.unique(concatenated(trained))
        exposures = self.config.documents.exposures
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
            heads = np.unique(world.subject).astype(np.int64)
            if not self.config.world.own.facts:
                heads = world.members("person", part)
            found = list(searched(world, heads, hops, split, config, seed))
            count = 0
            for table in asked(world, found, split, config.limit, config, seed):
                count += len(table)
                yield table
            if part == "novel" and found:
                yield asked_again(views.false.part("novel"), found, count, config, seed)
        if views.after is not views.now:
            yield from edited(known, views.after.part("known"), hops, config, seed)

    def _keep(self, shape: str, table: pa.Table) -> None:
        kept = self.closed.setdefault(shape, [])
        left = self.config.examples.count - sum(map(len, kept))
        if left > 0:
            # A copy: a slice would hold on to the whole table.
            kept.append(table.take(pa.array(np.arange(min(left, len(table))))))

    def _apart(self, table: pa.Table, hops: int) -> pa.Table:
        support = table["support"].combine_chunks().flatten()
        for i in range(hops - 1):
            self.apart.append(tuple(support.take(pa.array(np.arange(k, len(support), hops))) for k in (i, i + 1)))
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
