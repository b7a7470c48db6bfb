"""A part between the known and the novel: drawn like the novel one, closed under its relations, but told in two corpora. Of each
of its facts a coin decides whether the documents of the known corpus state it or those of the corpus `crossing`, which are to be
injected; so that of its chains of two hops either may be known before, and chance alone decides which.

Some of the chains of two injected facts have both in one document, and none of the others. In the corpus `false bridge` what is
injected tells of other entities on the way: whoever answers as before did not go by them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.questions.chain import Chains, ask, certified, search
from generators.questions.table import Asking
from generators.text.documents import Dose, Written, documents
from generators.world.columns import Ints, mixed, picked
from generators.world.draw import shuffle_facts
from generators.world.relations import ENTITY_TYPES
from generators.world.world import Facts, World
from kit.core.records import Corpus, Split
from kit.core.seeds import key_of, stream

CELLS: tuple[Split, ...] = ("novel_to_novel", "novel_to_known", "known_to_novel", "known_to_known")
"""Which of two hops are told in the known corpus: neither, the second, the first, both."""


def told_before(world: World, facts: Ints, seed: int) -> NDArray[np.bool_]:
    """Whether the known corpus states each fact: all that a relation says of a subject over time, and a bond of two both ways."""
    subject, object_, relation = (column[facts].astype(np.int64) for column in (world.subject, world.object, world.relation))
    bond = np.array([r.symmetric for r in world.schema.relations], bool)[relation]
    one, other = (np.where(bond, f(subject, object_), subject) for f in (np.minimum, np.maximum))
    hashes = world.entities.hashes
    return picked(mixed(key_of(seed, "crossing"), hashes[one], hashes[other], world.schema.relation_hashes[relation]), 2) == 1


@dataclass(frozen=True)
class Crossing:
    """told: the part as it is told of, past facts and all. whole: all parts so. cutoff: the year. together: hashes of the two
    facts of each pair that stands in one document, once the questions are read; apart: of those that may not."""

    told: World
    whole: World
    cutoff: int
    seed: int
    together: list[NDArray[np.uint64]] = field(default_factory=list)
    apart: list[NDArray[np.uint64]] = field(default_factory=list)

    @property
    def _injected_bridges(self) -> NDArray[np.bool_]:
        """Which facts are injected and lead to an entity."""
        entity = np.isin(self.told.schema.objects, [self.told.schema.kind(kind) for kind in ENTITY_TYPES])
        return entity[self.told.relation] & ~told_before(self.told, np.arange(len(self.told.subject)), self.seed)

    def false_facts(self) -> World:
        """What is injected about entities, dealt anew."""
        return shuffle_facts(self.told.having(self._injected_bridges), "crossing", stream(self.seed, "false-bridge"))

    def false_bridge(self) -> World:
        """The part with those in the place of the true ones."""
        return World.of(
            self.told.entities, Facts.all([self.false_facts().facts, self.told.having(~self._injected_bridges).facts])
        )

    def _now(self, told: World, whole: World) -> World:
        return replace(told.at(self.cutoff) if told.dated.any() else told, told=whole)

    def questions(self, limit: int, distractors: int, inverse: bool) -> Iterator[pa.Table]:
        """Chains of two hops, at most `limit` of each cell, of those in one document, and of those answered by false bridges."""
        world, seed = self._now(self.told, self.whole), self.seed
        heads = np.unique(world.subject).astype(np.int64)
        heads = heads[world.kinds[heads] == world.schema.kind("person")]
        found = [*search(world, heads, 2, key_of(seed, "crossing", "questions"), inverse=inverse)] if len(heads) else []
        if not found:
            return
        chains = Chains(*(np.concatenate(columns) for columns in zip(*found, strict=True)))
        before = told_before(world, chains.facts, seed)
        cell = before @ np.array([2, 1])
        both = self._paired(world, chains.take(np.flatnonzero(cell == 0)))
        asking = Asking(world, "one_document", seed, distractors)
        for k, split in enumerate(CELLS):
            own = np.flatnonzero(cell == k)
            if k == 0:
                yield ask(asking, chains.take(own[both][:limit]))
                own = own[~both]
            rows = own[:limit]
            self.apart.append(world.hashes(chains.facts[rows]))
            yield ask(asking._replace(split=split), chains.take(rows))
        false = self._now(fb := self.false_bridge(), fb)
        # What was injected leads to the bridge, and from there on to a value: that it does is true as before.
        values = ~np.isin(world.kinds[chains.stops[:, -1]], [world.schema.kind(kind) for kind in ENTITY_TYPES])
        rows = np.flatnonzero(~before[:, 0] & values)[:limit]
        again = certified(false, chains.stops[rows, 0], chains.hops[rows])
        self.apart.append(false.hashes(again.facts))
        yield ask(asking._replace(world=false, split="false_bridge"), again)

    def _paired(self, world: World, chains: Chains) -> NDArray[np.bool_]:
        """Which chains have their facts in one document: about half, no fact in two of them."""
        hashes = world.hashes(chains.facts)
        drawn = picked(mixed(key_of(self.seed, "together"), *hashes.T), 2) == 1
        used, chosen = set[int](), np.zeros(len(drawn), bool)
        for row in np.flatnonzero(drawn).tolist():
            pair = set(chains.facts[row].tolist())
            if not pair & used:
                used |= pair
                chosen[row] = True
        self.together.append(hashes[chosen])
        return chosen

    def documents(self, dose: Dose, written: Written) -> Iterator[pa.Table]:
        """Once the questions are read."""
        world = self.told
        before = told_before(world, np.arange(len(world.subject)), self.seed)
        paired = np.zeros(len(before), bool)
        paired[world.rows_of(self.together)] = True
        parts: tuple[tuple[NDArray[np.bool_], Corpus], ...] = ((before, "known"), (~before & ~paired, "crossing"))
        for own, corpus in parts:
            part = replace(world.having(own), told=world)
            yield from documents(part, "crossing", corpus, self.seed, dose, written, part.rows_of(self.apart))
        both = replace(world.having(paired), told=world)
        yield from documents(both, "crossing", "crossing", self.seed, dose, written, together=both.rows_of(self.together))
        false = self.false_bridge()
        own = ~told_before(false, np.arange(len(false.subject)), self.seed)
        injected = replace(false.having(own), told=false)
        yield from documents(injected, "crossing", "false bridge", self.seed, dose, written, injected.rows_of(self.apart))
