"""A world: entities and the facts among them, in columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.world.columns import (
    Ints,
    KeySet,
    chosen,
    concatenated,
    distinct,
    expand,
    hex_ids,
    joined,
    lists,
    mixed,
    picked,
    place_in,
    text_hashes,
    worth,
    years_told,
)
from generators.world.relations import ARTICLES
from generators.world.schema import Schema
from kit.core.records import Entity, Fact, Part, schema_of

PARTS: tuple[Part, ...] = ("known", "novel", "scratch", "shared", "twin", "crossing")
PIECE = 250_000
"""Facts made, or sorted, at once: bounds the memory, changes nothing else."""

MANY = 2**15
"""More blocks than there are."""

HUBS, BATCH = 64, 4000
"""How many entities of most neighbours are kept in mind, and how many neighbours are gone through at once, where paths are
looked for."""

BEGINNING, FOREVER = -(2**15), 2**15 - 1
"""The years of a fact that always holds."""


@dataclass(frozen=True, eq=False)
class Entities:
    """Columns of entities: `names[e]` is of type `schema.types[kinds[e]]` in `PARTS[parts[e]]`, of the known part in block
    `blocks[e]`; aliases are lists. What is worked out from them is kept, for every world about them."""

    schema: Schema
    names: pa.StringArray
    kinds: NDArray[np.int16]
    parts: NDArray[np.int8]
    aliases: pa.ListArray
    blocks: NDArray[np.int16]

    @staticmethod
    def of(
        schema: Schema,
        names: pa.StringArray,
        kinds: Ints,
        parts: Ints,
        aliases: pa.ListArray | None = None,
        blocks: Ints | None = None,
    ) -> Entities:
        """Columns put together."""
        also = lists(np.zeros(len(names), int), pa.array([], pa.string())) if aliases is None else aliases
        blocks = np.zeros(len(names)) if blocks is None else blocks
        return Entities(schema, names, kinds.astype(np.int16), parts.astype(np.int8), also, blocks.astype(np.int16))

    @staticmethod
    def all(several: Sequence[Entities]) -> Entities:
        """Those of several, one after the other."""
        columns = zip(*((e.names, e.kinds, e.parts, e.aliases, e.blocks) for e in several), strict=True)
        return Entities(several[0].schema, *(concatenated(column) for column in columns))

    def __len__(self) -> int:
        return len(self.kinds)

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """Of type and name: the same entity in every world."""
        return text_hashes(joined(chosen(self.schema.types, self.kinds), "\0", self.names).to_pylist())

    @cached_property
    def ids(self) -> pa.StringArray:
        return hex_ids(self.hashes)

    @cached_property
    def amounts(self) -> NDArray[np.int64]:
        """What years and numbers are worth; 0 for everything else."""
        found = np.zeros(len(self), np.int64)
        counted = np.flatnonzero(np.isin(self.kinds, [self.schema.kind(kind) for kind in ("year", "number")]))
        found[counted] = [worth(text) or 0 for text in self.names.take(pa.array(counted)).to_pylist()]
        return found

    @cached_property
    def article(self) -> pa.StringArray:
        """What stands before each name in a sentence."""
        return chosen([ARTICLES.get(kind, "") for kind in self.schema.types], self.kinds)

    @cached_property
    def spoken(self) -> pa.StringArray:
        """The names with their articles."""
        return joined(self.article, self.names)

    @cached_property
    def opening(self) -> pa.StringArray:
        """The names with their articles, as they begin a sentence."""
        return joined(pc.utf8_capitalize(self.article), self.names)

    @cached_property
    def fillers(self) -> pa.StringArray:
        """The names and an empty one, for `Templates.fill`."""
        return pa.concat_arrays([self.names, pa.array([""], pa.string())])

    def table(self, held_from: int) -> pa.Table:
        """Rows of `Entity`; blocks of the known part from `held_from` on are held out."""
        kinds, parts = chosen(self.schema.types, self.kinds), chosen(PARTS, self.parts)
        blocks = pa.array(self.blocks.astype(np.int64))
        held = pa.array((self.parts == PARTS.index("known")) & (self.blocks >= held_from))
        return pa.table([self.ids, kinds, self.names, parts, self.aliases, blocks, held], schema=schema_of(Entity))


class Facts(NamedTuple):
    """Columns of facts. `since` is the first year a fact holds in, `until` the first it no longer does."""

    subject: Ints
    relation: Ints
    object: Ints
    since: Ints
    until: Ints

    @staticmethod
    def of(subject: Ints, relation: Ints, object_: Ints) -> Facts:
        """Facts that always hold."""
        return Facts(subject, relation, object_, np.full(len(subject), BEGINNING), np.full(len(subject), FOREVER))

    @staticmethod
    def all(several: Sequence[Facts]) -> Facts:
        """Those of several, one after the other."""
        return Facts(*(np.concatenate(columns) for columns in zip(*several, strict=True)))


class Index(NamedTuple):
    """Where the facts of each hop stand, entity by entity, for the range of entities that have any: those of hop h from entity
    e from `bounds[i]` to `bounds[i + 1]`, i being `first[h] + e - low[h]`."""

    first: NDArray[np.int64]
    low: NDArray[np.int64]
    width: NDArray[np.int64]
    bounds: NDArray[np.int32]

    @staticmethod
    def of(hops: Sequence[tuple[int, Ints]]) -> Index:
        """From the place of each hop's first fact, and the entities that its facts leave from, sorted."""
        low = np.array([leaving[0] if len(leaving) else 0 for _, leaving in hops])
        width = np.array([leaving[-1] + 1 - leaving[0] if len(leaving) else 0 for _, leaving in hops])
        # One entity more at either end: those that lie outside are taken there, and have no facts.
        counts = (np.bincount(leaving - low[h] + 1, minlength=width[h] + 2) for h, (_, leaving) in enumerate(hops))
        bounds = [start + np.concatenate([[0], np.cumsum(count)]) for (start, _), count in zip(hops, counts, strict=True)]
        return Index(np.cumsum([1, *(width + 3)])[:-1], low, width, np.concatenate(bounds).astype(np.int32))

    def span(self, hops: Ints, entities: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the facts of a hop from each entity begin and end."""
        place = self.first[hops] + np.clip(entities - self.low[hops], -1, self.width[hops])
        return self.bounds[place].astype(np.int64), self.bounds[place + 1].astype(np.int64)


@dataclass(frozen=True, eq=False)
class World:
    """Entities and facts, column by column: fact `f` is `subject[f] --schema.relations[relation[f]]--> object[f]`, sorted by
    relation, subject and object, and holds from the year `since[f]` on until before `until[f]`.

    past: what held in other years too, and scope, of which part and blocks of it (from, until before) this world is, if not of
    all. told: everything that documents state, in all parts and years: what lies near what is a matter of that (without it, of
    these facts)."""

    entities: Entities
    subject: NDArray[np.int32]
    relation: NDArray[np.int16]
    object: NDArray[np.int32]
    since: NDArray[np.int16]
    until: NDArray[np.int16]
    past: World | None = None
    scope: tuple[Part, int, int] | None = None
    told: World | None = None

    @staticmethod
    def of(entities: Entities, facts: Facts) -> World:
        """Sort the facts and put the columns together."""
        subject, relation, object_, since, until = facts
        order = np.lexsort((since, object_, subject, relation))
        return World(
            entities, subject[order].astype(np.int32), relation[order].astype(np.int16), object_[order].astype(np.int32),
            since[order].astype(np.int16), until[order].astype(np.int16),
        )  # fmt: skip

    @property
    def schema(self) -> Schema:
        return self.entities.schema

    @property
    def names(self) -> pa.StringArray:
        return self.entities.names

    @property
    def kinds(self) -> NDArray[np.int16]:
        return self.entities.kinds

    @property
    def parts(self) -> NDArray[np.int8]:
        return self.entities.parts

    @property
    def facts(self) -> Facts:
        return Facts(self.subject, self.relation, self.object, self.since, self.until)

    def having(self, facts: NDArray[Any]) -> World:
        """The same entities with some of the facts (a mask, or rows in order)."""
        kept = Facts(*(column[facts] for column in self.facts))
        return replace(self, **kept._asdict())

    def at(self, year: int) -> World:
        """What holds in a year. What ever held, at any time told of, is the new world's `ever`."""
        return replace(self.having((self.since <= year) & (year < self.until)), past=self)

    @cached_property
    def ever(self) -> World | None:
        """The same part with what held in other years, where there are any."""
        past = self.past._within(self.scope) if self.past and self.scope else self.past
        return replace(past, told=self.told) if past else None

    def begun(self, year: int) -> World:
        """What can be told in a year: nothing that begins later, and of nothing that it ends later."""
        if not self.dated.any():
            return self
        told = self.having(self.since <= year)
        return replace(told, until=np.where(told.until > year, FOREVER, told.until).astype(np.int16))

    @cached_property
    def dated(self) -> NDArray[np.bool_]:
        """Whether each fact has a year in which it began to hold."""
        return self.since > BEGINNING

    @property
    def size(self) -> int:
        """How many entities."""
        return len(self.entities)

    def hashes(self, facts: Ints) -> NDArray[np.uint64]:
        """Of what some facts say."""
        return self._all_hashes[facts] if len(self.subject) <= PIECE else self._hashes(facts)

    @cached_property
    def _all_hashes(self) -> NDArray[np.uint64]:
        return self.fact_hashes

    def _hashes(self, facts: Ints | slice) -> NDArray[np.uint64]:
        names = self.entities.hashes
        said = mixed(names[self.subject[facts]], self.schema.relation_hashes[self.relation[facts]], names[self.object[facts]])
        return np.where(self.dated[facts], mixed(said, self.since[facts]), said)

    @property
    def fact_hashes(self) -> NDArray[np.uint64]:
        """Of what every fact says."""
        pieces = (self._hashes(slice(low, low + PIECE)) for low in range(0, len(self.subject), PIECE))
        return np.concatenate([np.zeros(0, np.uint64), *pieces])

    def rows_of(self, pairs: Sequence[NDArray[np.uint64]]) -> NDArray[np.int64]:
        """Of several tables of pairs of facts, as hashes, those pairs that this world has both of, as facts: (rows, 2)."""
        own = self.fact_hashes
        order = np.argsort(own)
        places = place_in(own[order], np.concatenate([np.zeros((0, 2), np.uint64), *pairs]))
        return order[places[(places >= 0).all(1)]]

    def fact_ids(self, facts: Ints) -> pa.StringArray:
        """The ids of some facts."""
        return hex_ids(self.hashes(facts))

    @cached_property
    def fillers_in_time(self) -> tuple[pa.StringArray, int]:
        """The names, the years of the facts, and an empty one; and the first year."""
        years = np.concatenate([self.since[self.dated], self.until[self.until < FOREVER]]).astype(int)
        first, last = (int(years.min()), int(years.max())) if len(years) else (0, 0)
        told = years_told(np.arange(first, last + 1))
        return pa.concat_arrays([self.names, told, pa.array([""], pa.string())]), first

    @cached_property
    def _way_back(self) -> NDArray[np.int32]:
        """Facts by relation, object, subject."""
        return np.lexsort((self.subject, self.object, self.relation)).astype(np.int32)

    @cached_property
    def _index(self) -> Index:
        relations, back = self.schema.back, self.object[self._way_back]
        starts = np.searchsorted(self.relation, np.arange(relations + 1))
        hops = [
            (starts[code], leaving[starts[code] : starts[code + 1]])
            for leaving in (self.subject, back)
            for code in range(relations)
        ]
        return Index.of(hops)

    def hop(self, hops: Ints, entities: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The facts met by a hop from each entity: for each fact the row it was met from, the fact, and where it leads."""
        starts, stops = self._index.span(hops, entities)
        rows, places = expand(starts, stops - starts)
        onward = np.broadcast_to(hops, len(entities))[rows] < self.schema.back
        facts = np.where(onward, places, self._way_back[places])
        return rows, facts, np.where(onward, self.object[facts], self.subject[facts]).astype(np.int64)

    def met(self, hops: Ints, entities: Ints, place: Ints | int = 0) -> NDArray[np.int64]:
        """The fact that a hop from each entity meets: the one numbered `place` of several, -1 where there is no such fact (or no
        entity, -1)."""
        starts, stops = self._index.span(hops, entities)
        there = (starts + place < stops) & (entities >= 0)
        places = np.minimum(starts + place, len(self.subject) - 1)
        return np.where(there, np.where(hops < self.schema.back, places, self._way_back[places]), -1).astype(np.int64)

    def end(self, hops: Ints, entities: Ints, place: Ints | int = 0) -> NDArray[np.int64]:
        """Where a hop leads from each entity: the end numbered `place` of several, -1 where there is no such end."""
        return self.led_to(hops, self.met(hops, entities, place))

    def led_to(self, hops: Ints, facts: Ints) -> NDArray[np.int64]:
        """Where each fact leads by its hop; -1 where there is no fact (-1)."""
        ends = np.where(hops < self.schema.back, self.object[facts], self.subject[facts])
        return np.where(facts >= 0, ends, -1).astype(np.int64)

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """Where the facts of each relation begin; the last: where all end."""
        return np.searchsorted(self.relation, np.arange(self.schema.back + 1))

    def far_ends(self, hop: int) -> NDArray[np.int64]:
        """Where the facts of a hop lead, in order: as often as they do."""
        low, high = self.bounds[hop % self.schema.back : hop % self.schema.back + 2]
        ends = self.object[self._way_back[low:high]] if hop < self.schema.back else self.subject[low:high]
        return ends.astype(np.int64)

    def near_end(self, hops: Ints, draws: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Where a fact of each hop, drawn from all of them, leaves from; -1 where there is none."""
        codes = hops % self.schema.back
        low, count = self.bounds[codes], np.diff(self.bounds)[codes]
        fact = np.where(count > 0, low + picked(draws, np.maximum(count, 1)), 0)
        near = np.where(hops < self.schema.back, self.subject[fact], self.object[fact]) if len(self.subject) else codes
        return np.where(count > 0, near, -1).astype(np.int64)

    @cached_property
    def kept(self) -> dict[Any, Any]:
        """What others work out from this world, to be kept with it."""
        return {}

    @cached_property
    def single(self) -> NDArray[np.bool_]:
        """Whether each fact is the only one that its subject has of its relation."""
        runs = self.runs
        return np.repeat(runs == 1, runs)

    @cached_property
    def single_valued(self) -> NDArray[np.bool_]:
        """Which relations are functional, and here without exception."""
        found = self.schema.functional.copy()
        found[self.relation[~self.single]] = False
        return found

    @property
    def runs(self) -> NDArray[np.int64]:
        """How many facts each subject has of each relation, in the order of the facts."""
        if not len(self.subject):
            return np.zeros(0, np.int64)
        new = (self.relation[1:] != self.relation[:-1]) | (self.subject[1:] != self.subject[:-1])
        return np.diff(np.concatenate([[0], np.flatnonzero(new) + 1, [len(self.subject)]]))

    def holds(self, subjects: Ints, codes: Ints, objects: Ints) -> NDArray[np.bool_]:
        """Whether each of these is a fact."""
        if not len(self.subject):
            return np.zeros(len(subjects), bool)
        low, stops = self._index.span(codes, subjects)
        high, last = stops.copy(), len(self.subject) - 1
        # A subject's facts of a relation stand by their objects: the first that is not before the wanted one is looked for.
        while (left := low < high).any():
            middle = (low + high) // 2
            before = self.object[np.minimum(middle, last)] < objects
            low, high = np.where(left & before, middle + 1, low), np.where(left & ~before, middle, high)
        return (low < stops) & (self.object[np.minimum(low, last)] == objects)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many facts each relation has."""
        return np.bincount(self.relation, minlength=self.schema.back)

    @cached_property
    def commonest(self) -> NDArray[np.int64]:
        """The entity that most facts of each hop lead to (of equals the first)."""
        found = (self.ends(hop) for hop in range(2 * self.schema.back))
        return np.array([entities[counts.argmax()] if len(entities) else 0 for entities, counts in found], np.int64)

    @cached_property
    def reached(self) -> NDArray[np.int64]:
        """How many entities the facts of each hop lead to."""
        return np.array([len(self.ends(hop)[0]) for hop in range(2 * self.schema.back)])

    def ends(self, hop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The entities that facts of a hop lead to, in order, and how many do."""
        ends = np.sort(self.far_ends(hop))
        first = np.flatnonzero(np.concatenate([[True], ends[1:] != ends[:-1]])) if len(ends) else np.zeros(0, np.int64)
        return ends[first], np.diff(np.append(first, len(ends)))

    def ends_of(self, hops: Ints, entities: Ints) -> NDArray[np.int64]:
        """How many facts of each hop lead to its entity."""
        starts, stops = self._index.span(self.schema.turned(hops), entities)
        return stops - starts

    @cached_property
    def _edges(self) -> KeySet:
        """Every pair of neighbours, both ways round, as `a * size + b`."""
        ends = ((self.subject, self.object), (self.object, self.subject))
        return KeySet(distinct(np.concatenate([a * np.int64(self.size) + b for a, b in ends])))

    @cached_property
    def _edges_from(self) -> NDArray[np.int64]:
        return np.searchsorted(self._edges.sorted, np.arange(self.size + 1, dtype=np.int64) * self.size)

    @property
    def degrees(self) -> NDArray[np.int64]:
        """How many neighbours each entity has in all that is told, over facts in either direction."""
        return (self.told or self)._degrees

    @cached_property
    def _degrees(self) -> NDArray[np.int64]:
        return np.diff(self._edges_from)

    @cached_property
    def _hubs(self) -> list[NDArray[np.uint64]]:
        """Which hubs each entity is, is at most one fact away from, and at most two: a bit a hub."""
        hubs = np.argsort(-self._degrees, kind="stable")[:HUBS]
        bits = np.zeros(self.size, np.uint64)
        bits[hubs] = np.uint64(1) << np.arange(len(hubs), dtype=np.uint64)
        found = [bits]
        for _ in range(2):
            bits, low = bits.copy(), 0
            while low < self.size:
                # Some entities at a time, to need little room.
                edge = self._edges_from[low]
                high = max(low + 1, int(np.searchsorted(self._edges_from, edge + PIECE, side="right")) - 1)
                several = low + np.flatnonzero(self._degrees[low:high])
                if len(several):
                    met = found[-1][self._edges.sorted[edge : self._edges_from[high]] % self.size]
                    bits[several] |= np.bitwise_or.reduceat(met, self._edges_from[several] - edge)
                low = high
            found.append(bits)
        return found

    def near(self, a: Ints, b: Ints, within: int) -> NDArray[np.bool_]:
        """Whether a path of at most `within` facts that are told, in either direction, joins the two. Exact.

        In most pairs that are near, a hub that both are near to tells it at once. Of the others the side with fewer neighbours
        is followed, some neighbours at a time, and only where nothing was found yet.
        """
        if self.told:
            return self.told.near(a, b, within)
        found = a == b
        if within < 1 or not len(a) or not len(self._edges.sorted):
            return found
        found |= self._edges.has(a.astype(np.int64) * self.size + b)
        if within == 1:
            return found
        span = min(within, 4)
        for away in range(max(1, span - 2), min(span - 1, 2) + 1):
            found |= (self._hubs[away][a] & self._hubs[span - away][b]) != 0
        turned = self._degrees[a] > self._degrees[b]
        here, there = np.where(turned, b, a), np.where(turned, a, b)
        left, place = np.flatnonzero(~found), 0
        while len(left := left[self._degrees[here[left]] > place]):
            width = max(1, BATCH // len(left))
            first = self._edges_from[here[left]] + place
            rows, edges = expand(first, np.minimum(width, self._edges_from[here[left] + 1] - first))
            met = self.near(self._edges.sorted[edges] % self.size, there[left[rows]], within - 1)
            found[left[rows[met]]] = True
            left, place = left[~found[left]], place + width
        return found

    def members(self, kind: str, part: Part) -> NDArray[np.int64]:
        """The entities of a type in a part."""
        return np.flatnonzero((self.kinds == self.schema.kind(kind)) & (self.parts == PARTS.index(part)))

    def part(self, part: Part) -> World:
        """The same entities with the facts of one part only (a fact is its subject's)."""
        return replace(self._within((part, 0, MANY)), scope=(part, 0, MANY))

    def blocks(self, first: int, stop: int) -> World:
        """The same entities with the facts of some blocks of the known part only, from `first` until before `stop`."""
        scope: tuple[Part, int, int] = ("known", first, stop)
        return replace(self._within(scope), scope=scope)

    def _within(self, scope: tuple[Part, int, int]) -> World:
        """The same entities with the facts of some blocks of a part only."""
        part, first, stop = scope
        block = self.entities.blocks[self.subject]
        return self.having((self.parts[self.subject] == PARTS.index(part)) & (block >= first) & (block < stop))

    def forget(self) -> None:
        """Drop what was worked out, to make room; it is worked out again when it is asked for."""
        for name in set(self.__dict__) - {field.name for field in fields(self)}:
            del self.__dict__[name]

    def fact_tables(self) -> Iterator[pa.Table]:
        """Rows of `Fact`, some at a time."""
        for low in range(0, max(1, len(self.subject)), PIECE):
            yield self._fact_table(np.arange(low, min(low + PIECE, len(self.subject))))

    def _fact_table(self, facts: Ints) -> pa.Table:
        ends = [
            chosen(self.entities.ids, self.subject[facts]),
            chosen(self.schema.names, self.relation[facts]),
            chosen(self.entities.ids, self.object[facts]),
        ]
        parts = chosen(PARTS, self.parts[self.subject[facts]])
        since = pa.array(self.since[facts].astype(np.int64), mask=~self.dated[facts])
        until = pa.array(self.until[facts].astype(np.int64), mask=self.until[facts] == FOREVER)
        return pa.table([self.fact_ids(facts), *ends, parts, since, until], schema=schema_of(Fact))

    def graph(self) -> nx.MultiDiGraph[str]:
        """The same facts as a networkx graph, for small worlds: one edge a fact, keyed by its relation, between ids."""
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        ids = self.entities.ids.to_pylist()
        graph.add_nodes_from(ids)
        for s, r, o, since, until in zip(*(column.tolist() for column in self.facts), strict=True):
            graph.add_edge(ids[s], ids[o], key=self.schema.names[r], since=since, until=until)
        return graph
