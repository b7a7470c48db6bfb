"""Worlds: entities and the facts among them, in columns, in a known and a novel part of one schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import networkx as nx
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.columns import Ints, chosen, expand, hex_ids, lists, mixed, text_hashes
from generators.names import pools, recombine
from generators.relations import ENTITY_TYPES, RELATIONS, TYPES, VALUES, Relation
from kit.core.errors import KitError
from kit.core.records import Entity, Fact, Part, schema_of
from kit.core.seeds import stream

PARTS: tuple[Part, ...] = ("known", "novel", "scratch", "shared")
CODES = {name: code for code, name in enumerate(RELATIONS)}
"""The number of each relation in a fact column. A hop is such a number too; `len(RELATIONS)` more is the way back."""

ROWS = tuple(RELATIONS.values())


@dataclass(frozen=True, eq=False)
class World:
    """Column by column: entity `e` is `names[e]` of type `TYPES[kinds[e]]` in `PARTS[parts[e]]`; fact `f` is
    `subject[f] --ROWS[relation[f]]--> object[f]`, sorted by relation, subject and object."""

    names: pa.StringArray
    kinds: NDArray[np.int8]
    parts: NDArray[np.int8]
    subject: NDArray[np.int32]
    relation: NDArray[np.int16]
    object: NDArray[np.int32]

    @staticmethod
    def of(names: pa.StringArray, kinds: Ints, parts: Ints, subject: Ints, relation: Ints, object_: Ints) -> World:
        """Sort the facts and put the columns together."""
        order = np.lexsort((object_, subject, relation))
        columns = (subject[order].astype(np.int32), relation[order].astype(np.int16), object_[order].astype(np.int32))
        return World(names, kinds.astype(np.int8), parts.astype(np.int8), *columns)

    @property
    def size(self) -> int:
        """How many entities."""
        return len(self.kinds)

    @cached_property
    def entity_hashes(self) -> NDArray[np.uint64]:
        """Of type and name: the same entity in every world."""
        return text_hashes([f"{TYPES[k]}\0{n}" for k, n in zip(self.kinds.tolist(), self.names.to_pylist(), strict=True)])

    @cached_property
    def fact_hashes(self) -> NDArray[np.uint64]:
        """Of what the fact says."""
        relations = text_hashes(list(RELATIONS))
        return mixed(self.entity_hashes[self.subject], relations[self.relation], self.entity_hashes[self.object])

    @cached_property
    def entity_ids(self) -> pa.StringArray:
        return hex_ids(self.entity_hashes)

    @cached_property
    def fact_ids(self) -> pa.StringArray:
        return hex_ids(self.fact_hashes)

    @cached_property
    def amounts(self) -> NDArray[np.int64]:
        """What years and numbers are worth; 0 for everything else."""
        texts = [n.replace(",", "") for n in self.names.to_pylist()]
        return np.array([int(t) if t.isdigit() else 0 for t in texts], np.int64)

    @cached_property
    def fillers(self) -> pa.StringArray:
        """The names and an empty one, for `Templates.fill`."""
        return pa.concat_arrays([self.names, pa.array([""], pa.string())])

    @cached_property
    def _way_back(self) -> NDArray[np.int32]:
        """Facts by relation, object, subject."""
        return np.lexsort((self.subject, self.object, self.relation)).astype(np.int32)

    @cached_property
    def _index(self) -> NDArray[np.int32]:
        """`_index[hop, e]` to `_index[hop, e + 1]`: where the facts of a hop from entity e stand, in fact order for hops
        forward, in the order of `_way_back` for hops back."""
        index = np.zeros((2 * len(ROWS), self.size + 1), np.int32)
        bounds = np.searchsorted(self.relation, np.arange(len(ROWS) + 1))
        back = self.object[self._way_back]
        for code in range(len(ROWS)):
            low, high = bounds[code], bounds[code + 1]
            for row, ends in ((code, self.subject[low:high]), (code + len(ROWS), back[low:high])):
                index[row, 0] = low
                index[row, 1:] = low + np.cumsum(np.bincount(ends, minlength=self.size))
        return index

    def hop(self, hops: Ints, entities: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The facts met by a hop from each entity: for each fact the row it was met from, the fact, and where it leads."""
        starts = self._index[hops, entities].astype(np.int64)
        rows, places = expand(starts, self._index[hops, entities + 1] - starts)
        onward = np.broadcast_to(hops, len(entities))[rows] < len(ROWS)
        facts = np.where(onward, places, self._way_back[places])
        return rows, facts, np.where(onward, self.object[facts], self.subject[facts]).astype(np.int64)

    def end(self, hops: Ints, entities: Ints, place: Ints | int = 0) -> NDArray[np.int64]:
        """Where a hop leads from each entity: the end numbered `place` of several, -1 where there is no such end."""
        places = self._index[hops, entities] + place
        there = places < self._index[hops, entities + 1]
        places = np.minimum(places, len(self.subject) - 1)
        ends = np.where(hops < len(ROWS), self.object[places], self.subject[self._way_back[places]])
        return np.where(there, ends, -1).astype(np.int64)

    def ends(self, hop: int) -> NDArray[np.int32]:
        """How many facts of a hop lead to each entity."""
        return np.diff(self._index[hop - len(ROWS) if hop >= len(ROWS) else hop + len(ROWS)])

    def ends_of(self, hops: Ints, entities: Ints) -> NDArray[np.int32]:
        """How many facts of each hop lead to its entity."""
        back = np.where(hops < len(ROWS), hops + len(ROWS), hops - len(ROWS))
        return self._index[back, entities + 1] - self._index[back, entities]

    @cached_property
    def _edges(self) -> NDArray[np.int64]:
        """Every pair of neighbours, both ways round, as `a * size + b`, sorted."""
        a, b = self.subject.astype(np.int64), self.object.astype(np.int64)
        keys = np.sort(np.concatenate([a * self.size + b, b * self.size + a]))
        return keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(keys) else keys

    @cached_property
    def _edges_from(self) -> NDArray[np.int64]:
        return np.searchsorted(self._edges, np.arange(self.size + 1, dtype=np.int64) * self.size)

    @cached_property
    def degrees(self) -> NDArray[np.int64]:
        """How many neighbours each entity has, over facts in either direction."""
        return np.diff(self._edges_from)

    @cached_property
    def _hubs_first(self) -> NDArray[np.int32]:
        """The neighbours of each entity, those with most neighbours first: where `_edges_from` says."""
        a, b = self._edges // self.size, self._edges % self.size
        return b[np.lexsort((-self.degrees[b], a))].astype(np.int32)

    def near(self, a: Ints, b: Ints, within: int) -> NDArray[np.bool_]:
        """Whether a path of at most `within` facts, in either direction, joins the two. Exact.

        The side with fewer neighbours is followed, a neighbour at a time and hubs first, and only where nothing was found
        yet: in most pairs that are near, a hub tells it at once.
        """
        found = a == b
        if within < 1 or not len(a) or not len(self._edges):
            return found
        keys = a.astype(np.int64) * self.size + b
        found |= self._edges[np.minimum(np.searchsorted(self._edges, keys), len(self._edges) - 1)] == keys
        if within == 1:
            return found
        turned = self.degrees[a] > self.degrees[b]
        here, there = np.where(turned, b, a), np.where(turned, a, b)
        left, place = np.flatnonzero(~found), 0
        while len(left := left[self.degrees[here[left]] > place]):
            onward = self._hubs_first[self._edges_from[here[left]] + place]
            met = self.near(onward.astype(np.int64), there[left], within - 1)
            found[left[met]] = True
            left, place = left[~met], place + 1
        return found

    def members(self, kind: str, part: Part) -> NDArray[np.int64]:
        """The entities of a type in a part."""
        return np.flatnonzero((self.kinds == TYPES.index(kind)) & (self.parts == PARTS.index(part)))

    def part(self, part: Part) -> World:
        """The same entities with the facts of one part only (a fact is its subject's)."""
        own = self.parts[self.subject] == PARTS.index(part)
        return replace(self, subject=self.subject[own], relation=self.relation[own], object=self.object[own])

    def entity_table(self) -> pa.Table:
        """Rows of `Entity`."""
        aliases = lists(np.zeros(self.size, int), pa.array([], pa.string()))
        return pa.table(
            [self.entity_ids, chosen(TYPES, self.kinds), self.names, chosen(PARTS, self.parts), aliases], schema=schema_of(Entity)
        )

    def fact_table(self) -> pa.Table:
        """Rows of `Fact`."""
        ends = (
            chosen(self.entity_ids, self.subject),
            chosen(list(RELATIONS), self.relation),
            chosen(self.entity_ids, self.object),
        )
        always = pa.nulls(len(self.subject), pa.int64())
        parts = chosen(PARTS, self.parts[self.subject])
        return pa.table([self.fact_ids, *ends, parts, always, always], schema=schema_of(Fact))

    def graph(self) -> nx.MultiDiGraph[str]:
        """The same facts as a networkx graph, for small worlds: one edge a fact, keyed by its relation, between ids."""
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        ids = self.entity_ids.to_pylist()
        graph.add_nodes_from(ids)
        for s, r, o in zip(self.subject.tolist(), self.relation.tolist(), self.object.tolist(), strict=True):
            graph.add_edge(ids[s], ids[o], key=ROWS[r].name)
        return graph


def draw_facts(
    relations: Sequence[Relation], members: Mapping[str, Ints], part: str, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """One fact per subject and functional relation, two objects for the others: columns of subjects, relations, objects.

    Objects of a many-to-one relation are dealt round, so that every object is about equally frequent. Nobody is
    related to themselves. Raises KitError when a relation has fewer objects than it needs.
    """
    columns: list[tuple[Ints, int, Ints]] = []
    nobody = np.zeros(0, np.int64)
    for relation in relations:
        subjects, objects = members.get(relation.subject, nobody), members.get(relation.object, nobody)
        if len(subjects) and len(objects) < (len(subjects) if relation.one_to_one else 2):
            raise KitError(
                f"relation {relation.name}: {len(subjects)} subjects of type {relation.subject} in the {part} part "
                f"but {len(objects)} of type {relation.object}; ask for more of the latter"
            )
        for heads, tails in _pairs(relation, subjects, objects, rng):
            kept = heads != tails
            columns.append((heads[kept], CODES[relation.name], tails[kept]))
    if not columns:
        return nobody, nobody, nobody
    subject, object_ = (np.concatenate([c[k] for c in columns]) for k in (0, 2))
    return subject, np.repeat([c[1] for c in columns], [len(c[0]) for c in columns]), object_


def _pairs(relation: Relation, subjects: Ints, objects: Ints, rng: np.random.Generator) -> list[tuple[Ints, Ints]]:
    if relation.symmetric:
        order = rng.permutation(subjects)
        a, b = order[: len(order) // 2 * 2 : 2], order[1::2]
        return [(a, b), (b, a)]
    if relation.one_to_one and relation.subject == relation.object:
        # One cycle through everybody: one-to-one, and nobody meets themselves.
        order = rng.permutation(subjects)
        return [(order, np.roll(order, -1))]
    if relation.hierarchical:
        # Everybody under somebody earlier in a random order: no circle, and one at the top who is under nobody.
        order = rng.permutation(subjects)
        above = (rng.random(len(order)) * np.arange(len(order))).astype(np.int64)
        return [(order[1:], order[above[1:]])]
    order, hand = rng.permutation(subjects), rng.permutation(objects)
    places = np.arange(len(order))
    pairs = [(order, hand[places % max(1, len(hand))])]
    if not relation.functional:
        # Anywhere else in the hand, so that nobody is dealt the same twice.
        pairs.append((order, hand[(places + rng.integers(1, max(2, len(hand)), len(order))) % max(1, len(hand))]))
    return pairs


def shuffle_facts(world: World, part: Part, rng: np.random.Generator) -> World:
    """A world whose `part` has its objects dealt anew within every relation: same schema and frequencies, none true.

    Facts are sorted by object and rotated by the largest group, so that no subject keeps its object; symmetric relations
    are paired anew.
    """
    own = world.parts[world.subject] == PARTS.index(part)
    truth = set(zip(*(column[own].tolist() for column in (world.relation, world.subject, world.object)), strict=True))
    made: list[tuple[Ints, int, Ints]] = []
    for code in np.unique(world.relation[own]).tolist():
        chosen = own & (world.relation == code)
        subjects, objects = world.subject[chosen].astype(np.int64), world.object[chosen].astype(np.int64)

        def false(heads: Ints, tails: Ints, code: int = code) -> NDArray[np.bool_]:
            pairs = zip(heads.tolist(), tails.tolist(), strict=True)
            return np.array([h != t and (code, h, t) not in truth for h, t in pairs], bool)

        if ROWS[code].symmetric:
            for _ in range(100):
                order = rng.permutation(np.unique(subjects))
                a, b = order[: len(order) // 2 * 2 : 2], order[1::2]
                if false(a, b).all():
                    break
            made += [(a, code, b), (b, code, a)]
        elif not ROWS[code].functional:
            hands = np.unique(objects)
            for subject, held in zip(*np.unique(subjects, return_counts=True), strict=True):
                free = hands[false(np.full(len(hands), subject), hands)]
                dealt = rng.permutation(free)[:held]
                made.append((np.full(len(dealt), subject), code, dealt))
        else:
            rank = rng.permutation(world.size)[objects]
            order = np.lexsort((rng.permutation(len(subjects)), rank))
            subjects, turned = subjects[order], np.roll(objects[order], -int(np.bincount(objects).max()))
            # A subject may have met itself, or kept its object where that holds more than half of the relation: let it swap
            # with one where both are false then; where there is none, its fact is left out.
            for i in np.flatnonzero(~false(subjects, turned)).tolist():
                for j in range(len(subjects)):
                    if false(subjects[[i, j]], turned[[j, i]]).all():
                        turned[[i, j]] = turned[[j, i]]
                        break
            kept = false(subjects, turned)
            made.append((subjects[kept], code, turned[kept]))
    subject, object_ = (np.concatenate([*(m[k] for m in made), c[~own]]) for k, c in ((0, world.subject), (2, world.object)))
    codes = np.concatenate([*(np.full(len(m[0]), m[1]) for m in made), world.relation[~own]])
    return World.of(world.names, world.kinds, world.parts, subject, codes, object_)


def build_world(seed: int, relations: Sequence[str], known: Mapping[str, int], novel: Mapping[str, int]) -> World:
    """The known and the novel part: same relations, disjoint entities, values shared.

    Raises KitError when a relation's types have no members or too few.
    """
    rows = [RELATIONS[name] for name in relations]
    totals = {kind: known.get(kind, 0) + novel.get(kind, 0) for kind in ENTITY_TYPES}
    names: list[pa.Array] = []
    kinds: list[Ints] = []
    parts: list[Ints] = []
    for kind, pool in pools(seed, known, totals).items():
        names.append(pool.names(np.arange(totals[kind])))
        kinds.append(np.full(totals[kind], TYPES.index(kind)))
        parts.append(np.repeat([PARTS.index("known"), PARTS.index("novel")], [known.get(kind, 0), novel.get(kind, 0)]))
    for kind in sorted({r.object for r in rows if r.object in VALUES}):
        names.append(pa.array(VALUES[kind], pa.string()))
        kinds.append(np.full(len(VALUES[kind]), TYPES.index(kind)))
        parts.append(np.full(len(VALUES[kind]), PARTS.index("shared")))
    blank = World.of(pa.concat_arrays(names), np.concatenate(kinds), np.concatenate(parts), *(np.zeros(0, np.int64),) * 3)
    drawn = [draw_facts(rows, _members(blank, rows, part), part, stream(seed, "facts", part)) for part in ("known", "novel")]
    return World.of(blank.names, blank.kinds, blank.parts, *(np.concatenate([d[k] for d in drawn]) for k in range(3)))


def _members(world: World, rows: Sequence[Relation], part: Part) -> dict[str, Ints]:
    """The entities of each type that facts of a part may name."""
    types = dict.fromkeys(t for r in rows for t in (r.subject, r.object))
    return {t: world.members(t, "shared" if t in VALUES else part) for t in types}


def scratch_world(world: World, relations: Sequence[str], seed: int, index: int) -> World:
    """A throwaway world as large as the novel part, for text that can only be understood by reading it.

    Names and facts are drawn anew for every `index`: with names that came back, a model would learn which words go
    together instead of learning to look them up, and stumble over every novel name.
    """
    rng = stream(seed, "names", "scratch", index)
    texts = world.names.to_pylist()
    taken = set(texts)
    shared = np.flatnonzero(world.parts == PARTS.index("shared"))
    names, kinds = [texts[e] for e in shared], [world.kinds[shared]]
    for kind in ENTITY_TYPES:
        count = len(world.members(kind, "novel"))
        if count:
            names += recombine([texts[e] for e in world.members(kind, "known")], taken, count, rng)
            kinds.append(np.full(count, TYPES.index(kind)))
    parts = np.repeat([PARTS.index("shared"), PARTS.index("scratch")], [len(shared), len(names) - len(shared)])
    blank = World.of(pa.array(names, pa.string()), np.concatenate(kinds), parts, *(np.zeros(0, np.int64),) * 3)
    rows = [RELATIONS[name] for name in relations]
    facts = draw_facts(rows, _members(blank, rows, "scratch"), "scratch", stream(seed, "facts", "scratch", index))
    return World.of(blank.names, blank.kinds, blank.parts, *facts)
