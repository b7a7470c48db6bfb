"""Worlds: entities and the facts among them, in a known and a novel part of one schema, plus parts to be read only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import networkx as nx
import numpy as np

from generators.names import draw_names, pools, recombine
from generators.relations import ENTITY_TYPES, RELATIONS, VALUES, Relation
from kit.core.errors import KitError
from kit.core.records import Entity, Fact, Part
from kit.core.seeds import digest, shuffled, stream


@dataclass(frozen=True, slots=True)
class World:
    """Facts with their indexes: `(subject, relation) -> facts`, `(object, relation) -> facts`, `relation -> facts`."""

    entities: dict[str, Entity]
    facts: tuple[Fact, ...]
    out: dict[tuple[str, str], tuple[Fact, ...]] = field(repr=False)
    into: dict[tuple[str, str], tuple[Fact, ...]] = field(repr=False)
    by_relation: dict[str, tuple[Fact, ...]] = field(repr=False)
    around: dict[str, frozenset[str]] = field(repr=False)
    """Neighbours of each entity over facts in either direction."""

    @staticmethod
    def of(entities: Iterable[Entity], facts: Sequence[Fact]) -> World:
        """Index `facts`; entities that no fact names are kept."""
        out: dict[tuple[str, str], list[Fact]] = {}
        into: dict[tuple[str, str], list[Fact]] = {}
        by_relation: dict[str, list[Fact]] = {}
        around: dict[str, set[str]] = {}
        for fact in facts:
            out.setdefault((fact.subject, fact.relation), []).append(fact)
            into.setdefault((fact.object, fact.relation), []).append(fact)
            by_relation.setdefault(fact.relation, []).append(fact)
            around.setdefault(fact.subject, set()).add(fact.object)
            around.setdefault(fact.object, set()).add(fact.subject)
        return World(
            {e.id: e for e in entities},
            tuple(facts),
            {k: tuple(v) for k, v in out.items()},
            {k: tuple(v) for k, v in into.items()},
            {k: tuple(v) for k, v in by_relation.items()},
            {k: frozenset(v) for k, v in around.items()},
        )

    def name(self, entity: str) -> str:
        return self.entities[entity].name

    def part(self, part: Part) -> World:
        """The world of one part's facts, with that part's entities and the shared values."""
        members = [e for e in self.entities.values() if e.part in (part, "shared")]
        return World.of(members, [f for f in self.facts if f.part == part])

    def of_type(self, kind: str) -> list[Entity]:
        return [e for e in self.entities.values() if e.type == kind]

    def graph(self) -> nx.MultiDiGraph[str]:
        """The same facts as a networkx graph: one edge a fact, keyed by its relation."""
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        graph.add_nodes_from((e.id, {"name": e.name, "type": e.type}) for e in self.entities.values())
        for f in self.facts:
            graph.add_edge(f.subject, f.object, key=f.relation)
        return graph


def make_entities(seed: int, counts: dict[Part, dict[str, int]], value_types: Iterable[str]) -> list[Entity]:
    """Coined entities of every part and the shared values of the given types.

    counts: part -> type -> how many; the first part is the one whose names show every word.
    """
    totals = {kind: sum(c.get(kind, 0) for c in counts.values()) for kind in ENTITY_TYPES}
    entities: list[Entity] = []
    for kind, pool in pools(seed, totals).items():
        names = draw_names(seed, kind, pool, {part: c[kind] for part, c in counts.items() if c.get(kind)})
        for part in counts:
            entities += [Entity(digest(seed, kind, name), kind, name, part) for name in names.get(part, [])]
    for kind in sorted(value_types):
        entities += [Entity(digest(kind, name), kind, name, "shared") for name in VALUES[kind]]
    return entities


def make_fact(subject: str, relation: str, object_: str, part: Part) -> Fact:
    """A fact whose id is the digest of what it says."""
    return Fact(digest(subject, relation, object_), subject, relation, object_, part)


def draw_facts(entities: Sequence[Entity], relations: Sequence[Relation], part: Part, rng: np.random.Generator) -> list[Fact]:
    """One fact per subject and functional relation (two objects for the others), objects even or one-to-one.

    Objects of a many-to-one relation are dealt round, so that every object is about equally frequent. Nobody is
    related to themselves. Raises KitError when a one-to-one relation has fewer objects than subjects.
    """
    facts: list[Fact] = []
    for relation in relations:
        subjects = [e.id for e in entities if e.type == relation.subject]
        objects = [e.id for e in entities if e.type == relation.object]
        if subjects and len(objects) < (len(subjects) if relation.one_to_one else 2):
            raise KitError(
                f"relation {relation.name}: {len(subjects)} subjects of type {relation.subject} in the {part} part "
                f"but {len(objects)} of type {relation.object}; ask for more of the latter"
            )
        if relation.symmetric:
            order = shuffled(subjects, rng)
            couples = list(zip(order[::2], order[1::2], strict=False))
            facts += [make_fact(a, relation.name, b, part) for a, b in couples]
            facts += [make_fact(b, relation.name, a, part) for a, b in couples]
            continue
        for deal in range(1 if relation.functional else 2):
            hand = shuffled(objects, rng)
            if relation.one_to_one and relation.subject == relation.object:
                # One cycle through everybody: one-to-one, and nobody meets themselves.
                following = dict(zip(hand, hand[1:] + hand[:1], strict=True))
                pairs = [(s, following[s]) for s in subjects]
            else:
                order = shuffled(subjects, rng)
                pairs = [(s, hand[i % len(hand)]) for i, s in enumerate(order)]
            taken = {(f.subject, f.object) for f in facts if f.relation == relation.name} if deal else set()
            facts += [make_fact(s, relation.name, o, part) for s, o in sorted(pairs) if s != o and (s, o) not in taken]
    return facts


def shuffle_facts(world: World, part: Part, rng: np.random.Generator) -> World:
    """A world whose `part` has its objects dealt anew within every relation: same schema and frequencies, none true.

    Facts are sorted by object and rotated by the largest group, so no subject keeps its object (as long as no object
    holds more than half of a relation); symmetric relations are paired anew.
    """
    shuffled_facts: list[Fact] = []
    truth = {(f.subject, f.relation, f.object) for f in world.facts}
    for name in dict.fromkeys(f.relation for f in world.facts if f.part == part):
        facts = [f for f in world.facts if f.part == part and f.relation == name]
        if RELATIONS[name].symmetric:
            order = sorted({f.subject for f in facts})
            for _ in range(100):
                order = shuffled(order, rng)
                couples = list(zip(order[::2], order[1::2], strict=False))
                if not any((a, name, b) in truth for a, b in couples):
                    break
            shuffled_facts += [make_fact(a, name, b, part) for couple in couples for a, b in (couple, couple[::-1])]
            continue
        if not RELATIONS[name].functional:
            objects = sorted({f.object for f in facts})
            for subject, held in sorted(Counter(f.subject for f in facts).items()):
                free = [o for o in objects if o != subject and (subject, name, o) not in truth]
                shuffled_facts += [make_fact(subject, name, o, part) for o in shuffled(free, rng)[:held]]
            continue
        key = {e: int(k) for e, k in zip(sorted({f.object for f in facts}), rng.permutation(len(facts)), strict=False)}
        ranked = sorted(shuffled(facts, rng), key=lambda f: key[f.object])
        turn = max(Counter(f.object for f in facts).values())
        objects = [ranked[(i + turn) % len(ranked)].object for i in range(len(ranked))]
        # A subject may have met itself (person -> person): let it swap with a neighbour that stays false.
        for i, fact in enumerate(ranked):
            if objects[i] == fact.subject:
                for j in range(len(ranked)):
                    a, b = (fact.subject, name, objects[j]), (ranked[j].subject, name, objects[i])
                    if i != j and a[0] != a[2] and b[0] != b[2] and a not in truth and b not in truth:
                        objects[i], objects[j] = objects[j], objects[i]
                        break
        shuffled_facts += [make_fact(f.subject, name, o, part) for f, o in zip(ranked, objects, strict=True)]
    return World.of(world.entities.values(), [*(f for f in world.facts if f.part != part), *shuffled_facts])


def build_world(seed: int, relations: Sequence[str], known: dict[str, int], novel: dict[str, int]) -> World:
    """The known and the novel part: same relations, disjoint entities, values shared.

    Raises KitError when a relation's types have no members or too few.
    """
    rows = [RELATIONS[name] for name in relations]
    values = {r.object for r in rows if r.object in VALUES}
    counts: dict[Part, dict[str, int]] = {"known": known, "novel": novel}
    entities = make_entities(seed, counts, values)
    facts: list[Fact] = []
    for part in counts:
        members = [e for e in entities if e.part in (part, "shared")]
        facts += draw_facts(members, rows, part, stream(seed, "facts", part))
    return World.of(entities, facts)


def scratch_world(world: World, relations: Sequence[str], seed: int, index: int) -> World:
    """A throwaway world as large as the novel part, for text that can only be understood by reading it.

    Names and facts are drawn anew for every `index`: with names that came back, a model would learn which words go
    together instead of learning to look them up, and stumble over every novel name.
    """
    rng = stream(seed, "names", "scratch", index)
    taken = {e.name for e in world.entities.values()}
    members = [e for e in world.entities.values() if e.part == "shared"]
    for kind in ENTITY_TYPES:
        kin = world.of_type(kind)
        names = [e.name for e in kin if e.part == "known"]
        count = sum(e.part == "novel" for e in kin)
        if count:
            drawn = recombine(names, taken, count, rng)
            members += [Entity(digest(seed, kind, name), kind, name, "scratch") for name in drawn]
    rows = [RELATIONS[name] for name in relations]
    return World.of(members, draw_facts(members, rows, "scratch", stream(seed, "facts", "scratch", index)))
