"""Worlds drawn: facts by relation, facts that change over time, false facts, and throwaway worlds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.world.columns import Ints, chosen, expand, lists, mixed, picked, place_in
from generators.world.names import ANY, NameRules, coined, recombine
from generators.world.relations import ENTITY_TYPES, RELATIONS, VALUES, Relation
from generators.world.schema import Schema
from generators.world.world import FOREVER, PARTS, Entities, Facts, World
from kit.core.errors import KitError
from kit.core.records import Part
from kit.core.seeds import key_of, stream

NO_FACTS = Facts.of(*(np.zeros(0, np.int64),) * 3)


PRESENT = 1990
"""The year in which a world without a timeline is told of."""

BIRTH = "birth_year"
"""The relation that gives the ages of which `Relation.ages` speaks."""

OLDER = 5
"""Years that somebody older is older by, at least."""

YOUNGEST = (RELATIONS[BIRTH].span or (0, 0))[1]
"""The end of the years of birth, counted from the one that a world is told of in."""

FIRST_YEAR = int(VALUES["year"][0])


def draw_facts(
    schema: Schema,
    members: Mapping[str, Ints],
    part: str,
    rng: np.random.Generator,
    skew: float = 0.0,
    present: int = PRESENT,
) -> Facts:
    """One fact per subject and functional relation, two objects for the others.

    skew: 0 deals the objects of a many-to-one relation round, so that all are about equally frequent; above 0 it is the
    exponent of Zipf's law, by which the k-th most popular object is drawn k**-skew as often as the first. Nobody is related
    to themselves. present: the year from which the spans of years count; years keep to the bounds of their relations.
    Raises KitError when a relation has fewer objects than it needs.
    """
    drawn: dict[str, tuple[Ints, Ints]] = {}
    nobody = np.zeros(0, np.int64)
    # What years depend on comes first, and what depends on ages after those of which no year depends.
    drawn_of = (row for row in enumerate(schema.relations) if row[1].name not in schema.given)
    for _, relation in sorted(drawn_of, key=lambda row: (bool(row[1].bounds), row[1].span is None)):
        subjects, objects = members.get(relation.subject, nobody), members.get(relation.object, nobody)
        if relation.span:
            drawn[relation.name] = _years(relation, subjects, objects, drawn, rng, skew, present)
            continue
        if len(subjects) and len(objects) < (len(subjects) if relation.one_to_one else 2):
            raise KitError(
                f"relation {relation.name}: {len(subjects)} subjects of type {relation.subject} in the {part} part "
                f"but {len(objects)} of type {relation.object}; ask for more of the latter"
            )
        pairs = _by_age(relation, drawn[BIRTH], rng) if relation.ages and BIRTH in drawn else None
        pairs = _pairs(relation, subjects, objects, rng, skew) if pairs is None else pairs
        heads, tails = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
        kept = heads != tails
        drawn[relation.name] = heads[kept], tails[kept]
    ends = [drawn.get(relation.name, (nobody, nobody)) for relation in schema.relations]
    subject, object_ = (np.concatenate([nobody, *(pair[k] for pair in ends)]) for k in (0, 1))
    return Facts.of(subject, np.repeat(np.arange(len(ends)), [len(pair[0]) for pair in ends]), object_)


def _years(
    relation: Relation, subjects: Ints, years: Ints, drawn: Mapping[str, tuple[Ints, Ints]], rng: np.random.Generator,
    skew: float, present: int,
) -> tuple[Ints, Ints]:  # fmt: skip
    """A year for each subject: dealt over the relation's span, or drawn from what its bounds leave of that. years: the
    entities of all years, in order."""
    assert relation.span is not None
    low, high = (min(max(present + edge - FIRST_YEAR, 0), len(years)) for edge in relation.span)
    bounds = [b for b in relation.bounds if b.relation in drawn and b.year in drawn]
    if not bounds:
        return _pairs(relation, subjects, years[low:high], rng, skew)[0] if len(subjects) else (subjects, subjects)
    lowest, highest = np.full(len(subjects), low), np.full(len(subjects), high)
    for bound in bounds:
        when = _looked_up(drawn[bound.year], _looked_up(drawn[bound.relation], subjects))
        place = when - years[0]
        lowest = np.where(when >= 0, np.maximum(lowest, place + bound.least), lowest)
        highest = np.where(when >= 0, np.minimum(highest, place + bound.most + 1), highest)
    place = lowest + (rng.random(len(subjects)) * (highest - lowest)).astype(np.int64)
    return subjects, years[np.minimum(place, len(years) - 1)]


def _looked_up(pairs: tuple[Ints, Ints], wanted: Ints) -> Ints:
    """What each of the wanted is paired with, -1 where with nothing."""
    order = np.argsort(pairs[0], kind="stable")
    places = place_in(pairs[0][order], wanted)
    return np.where(places >= 0, pairs[1][order][places], -1)


def _by_age(relation: Relation, births: tuple[Ints, Ints], rng: np.random.Generator) -> list[tuple[Ints, Ints]]:
    """Peers in pairs, each with somebody about as old; or each but the oldest with somebody of its own, older by `OLDER` years
    or more."""
    order = np.lexsort((rng.random(len(births[0])), births[1]))
    people, years = births[0][order], births[1][order]
    if relation.ages == "peers":
        band = max(2, len(people) // 12 * 2)
        within = np.lexsort((rng.random(len(people)), np.arange(len(people)) // band))
        a, b = people[within][: len(people) // 2 * 2].reshape(-1, 2).T
        return [(a, b), (b, a)]
    # Those of three steps before, in any order: where years are even, a step is two and a half of forty.
    step = -(-len(people) // 16)
    shuffled = np.lexsort((rng.random(len(people)), np.arange(len(people)) // max(1, step)))
    pupil, mentor = np.arange(3 * step, len(people)), shuffled[: max(0, len(people) - 3 * step)]
    kept = years[mentor] + OLDER <= years[pupil]
    pupil, mentor = pupil[kept], mentor[kept]
    # Where many are of one age, those left over are paired too: each mentor with the oldest pupil left that is young enough.
    pupils, mentors = (np.setdiff1d(np.arange(len(people)), taken) for taken in (pupil, mentor))
    turn = np.arange(len(mentors))
    found = turn + np.maximum.accumulate(np.searchsorted(years[pupils], years[mentors] + OLDER) - turn)
    there = found < len(pupils)
    pupil, mentor = np.append(pupil, pupils[found[there]]), np.append(mentor, mentors[there])
    return [(people[pupil], people[mentor])]


def _pairs(relation: Relation, subjects: Ints, objects: Ints, rng: np.random.Generator, skew: float) -> list[tuple[Ints, Ints]]:
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
    if skew and not relation.one_to_one:
        shares = np.cumsum(np.arange(1.0, len(hand) + 1) ** -skew)
        places = np.searchsorted(shares / shares[-1], rng.random(len(order)), side="right")
    else:
        places = np.arange(len(order))
    pairs = [(order, hand[places % max(1, len(hand))])]
    if not relation.functional:
        # Anywhere else in the hand, so that nobody is dealt the same twice.
        pairs.append((order, hand[(places + rng.integers(1, max(2, len(hand)), len(order))) % max(1, len(hand))]))
    return pairs


def without_some(world: World, share: float, seed: int) -> World:
    """A world that lacks a share of the facts of its functional relations (of a symmetric one, both ways)."""
    if not share:
        return world
    low, high = np.minimum(world.subject, world.object), np.maximum(world.subject, world.object)
    draws = mixed(key_of(seed, "missing"), world.entities.hashes[low], world.entities.hashes[high], world.relation)
    return world.having((picked(draws, 1_000_000) >= 1_000_000 * share) | ~world.schema.functional[world.relation])


class Timeline(NamedTuple):
    """Years told of: from `start`; documents of the world are written in `cutoff`; edits follow until `end`. changes: most
    earlier objects of a fact. edited: the share of facts that change, end or begin after the cutoff."""

    start: int
    cutoff: int
    end: int
    changes: int
    edited: float


def draw_history(world: World, times: Timeline, seed: int) -> World:
    """A world over time whose facts in the year `cutoff` are those of `world`, less those that only begin later.

    Every fact of a relation that changes gets a past: between `start` and `cutoff` up to `changes` other objects, one after
    the other and none twice, so that every year has one. Of the facts of the known part a share is edited after the cutoff:
    three in five go on to another object, one in five ends, and one in five is made to begin only then; but where a person is
    too old to begin, it ends. Who is that old at the start began before it.
    """
    timed = np.array([r.changes for r in world.schema.relations], bool)[world.relation]
    made = [world.having(~timed).facts]
    key, part = key_of(seed, "history"), world.parts[world.subject].astype(np.int64)
    born = _born(world)
    # A fact stays within its block.
    block = part * (1 + int(world.entities.blocks.max(initial=0))) + world.entities.blocks[world.subject]
    for code in np.unique(world.relation[timed]).tolist():
        of_it = np.flatnonzero(world.relation == code)
        for one in np.unique(block[of_it]).tolist():
            own = of_it[block[of_it] == one]
            edited = times.edited if part[own[0]] == PARTS.index("known") else 0.0
            latest, birth = world.schema.relations[code].latest, born[world.subject[own]]
            last = np.where((birth > 0) & (latest > 0), birth + latest, times.end)
            made += _over_time(world, own, times, edited, last, mixed(key, world.hashes(own)))
    return World.of(world.entities, Facts.all(made))


def _born(world: World) -> NDArray[np.int64]:
    """The year of birth of each entity, 0 where none is told."""
    years = np.zeros(world.size, np.int64)
    if BIRTH in world.schema.codes:
        facts = np.flatnonzero(world.relation == world.schema.codes[BIRTH])
        years[world.subject[facts]] = world.entities.amounts[world.object[facts]]
    return years


def _over_time(
    world: World, own: Ints, times: Timeline, edited: float, latest: NDArray[np.int64], draws: NDArray[np.uint64]
) -> list[Facts]:
    """What `own`, facts of one relation and part, were before the cutoff, what they are, and what becomes of those edited.
    latest: the last year in which each may begin."""
    subject, current = world.subject[own].astype(np.int64), world.object[own].astype(np.int64)
    code = np.full(len(own), world.relation[own[0]])
    pool = np.unique(current)
    room, at = len(pool) - 1, np.searchsorted(pool, current)
    # What an edit does: 0 to 2 goes on to another object, 3 ends, 4 begins.
    edit = np.where(picked(mixed(draws, 1), 1_000_000) < 1_000_000 * edited, picked(mixed(draws, 2), 5), -1)
    when = times.cutoff + 1 + picked(mixed(draws, 4), times.end - times.cutoff)
    edit = np.where((edit >= 0) & (when > latest), 3, edit)
    past = np.where(edit == 4, 0, np.minimum(picked(mixed(draws, 3), times.changes + 1), max(0, room - 1)))
    # Every change falls into its own stretch of the years up to the cutoff, or to the last in which something may begin.
    years = np.maximum(np.minimum(latest, times.cutoff) - times.start, 0)
    past = np.minimum(past, years)
    stretch = years // np.maximum(past, 1)
    rows, turn = expand(np.zeros(len(own), np.int64), past)
    changed = times.start + 1 + turn * stretch[rows] + picked(mixed(draws[rows], 5, turn), stretch[rows])
    # What could not begin any more began earlier, but not before the youngest were born: among false facts anybody may be.
    room_before = np.maximum(latest - (times.start + YOUNGEST), 0) + 1
    first = np.where(latest < times.start, latest - picked(mixed(draws, 7), room_before), times.start)
    began = np.where(turn == 0, first[rows], np.roll(changed, 1))
    last = first.copy()
    np.maximum.at(last, rows, changed)
    # Other objects are `base` places on in the pool, and those after it, never 0 places on; the edit's comes after all.
    base = picked(mixed(draws, 6), max(1, room))
    earlier = pool[(at[rows] + 1 + (base[rows] + turn) % max(1, room)) % len(pool)]
    goes_on = np.flatnonzero((edit >= 0) & (edit < 3) & (past < room))
    onward = pool[(at[goes_on] + 1 + (base[goes_on] + past[goes_on]) % max(1, room)) % len(pool)]
    ends = np.where((edit >= 0) & (edit < 4), when, FOREVER)
    return [
        Facts(subject[rows], code[rows], earlier, began, changed),
        Facts(subject, code, current, np.where(edit == 4, when, last), ends),
        Facts(subject[goes_on], code[goes_on], onward, when[goes_on], np.full(len(goes_on), FOREVER)),
    ]


TRIES = 300
"""Partners tried for a swap."""


def shuffle_facts(world: World, part: Part, rng: np.random.Generator) -> World:
    """The facts of `part` with their objects dealt anew within every relation: same schema and frequencies, none true.

    Facts are sorted by object and rotated by the largest group, so that no subject keeps its object; symmetric relations
    are paired anew. A relation of so few that nothing false is left of it loses facts instead.
    """
    truth = world.having(world.parts[world.subject] == PARTS.index(part))
    made = [NO_FACTS]
    for code in np.unique(truth.relation).tolist():
        of_it = truth.having(truth.relation == code).facts
        subjects, objects = of_it.subject.astype(np.int64), of_it.object.astype(np.int64)

        def wrong(heads: Ints, tails: Ints, code: int = code) -> NDArray[np.bool_]:
            """Of dealt pairs those that are true after all, or about nobody else."""
            return (heads == tails) | truth.holds(heads, np.full(len(heads), code), tails)

        if world.schema.relations[code].symmetric:
            for _ in range(100):
                order = rng.permutation(np.unique(subjects))
                a, b = order[: len(order) // 2 * 2 : 2], order[1::2]
                if not wrong(a, b).any():
                    break
            a, b = a[~wrong(a, b)], b[~wrong(a, b)]
            made.append(Facts.of(np.concatenate([a, b]), np.full(2 * len(a), code), np.concatenate([b, a])))
            continue
        rank = rng.permutation(world.size)[objects]
        order = np.lexsort((rng.permutation(len(subjects)), rank))
        subjects, turned = subjects[order], np.roll(objects[order], -int(np.bincount(objects).max()))
        # A subject may have met itself, kept its object where that holds more than half of the relation, or been dealt the
        # same twice: it swaps with one for whom both are false and new then. Where there is none, its fact is left out.
        heads = subjects.tolist()
        taken = {*zip(heads, objects[order].tolist(), strict=True), *zip(heads, turned.tolist(), strict=True)}
        for i in np.flatnonzero(wrong(subjects, turned) | _twice(subjects, turned)).tolist():
            for j in rng.integers(len(subjects), size=TRIES).tolist():
                here, there = int(turned[i]), int(turned[j])
                dealt = {(heads[i], there), (heads[j], here)}
                if heads[i] != there and heads[j] != here and not dealt & taken:
                    turned[[i, j]] = there, here
                    taken |= dealt
                    break
        kept = ~(wrong(subjects, turned) | _twice(subjects, turned))
        years = [column[order][kept] for column in (of_it.since, of_it.until)]
        made.append(Facts(subjects[kept], np.full(int(kept.sum()), code), turned[kept], *years))
    return World.of(world.entities, Facts.all(made))


def _twice(subjects: Ints, objects: Ints) -> NDArray[np.bool_]:
    """Of pairs that come twice, the later ones."""
    order = np.lexsort((objects, subjects))
    found = np.zeros(len(order), bool)
    found[order[1:]] = (np.diff(subjects[order]) == 0) & (np.diff(objects[order]) == 0)
    return found


def build_world(
    seed: int,
    schema: Schema,
    counts: Mapping[Part, Mapping[str, int]],
    *,
    blocks: int = 1,
    skew: float = 0.0,
    aliases: float = 0.0,
    names: NameRules = ANY,
    present: int = PRESENT,
) -> World:
    """Parts of one schema: disjoint entities, drawn alike, and values that they share. The known part is so many blocks, each of
    its counts and closed under all relations; the first part shows every word that names are made of. aliases: the share of
    entities with a second name. present: the year that the world is told of in, from which years of birth and the like count.

    Raises KitError when a relation's types have no members or too few, or when there are not enough names.
    """
    parts = [(part, block) for part in counts for block in range(blocks if part == "known" else 1)]
    totals = {kind: sum(counts[part].get(kind, 0) for part, _ in parts) for kind in ENTITY_TYPES}
    second = {kind: round(aliases * total) for kind, total in totals.items()}
    first = next(iter(counts), None)
    shown = {kind: sum(counts[part].get(kind, 0) for part, _ in parts if part == first) for kind in ENTITY_TYPES}
    columns: list[Entities] = []
    for kind, named in coined(seed, shown, {k: totals[k] + second[k] for k in totals}, names).items():
        total = totals[kind]
        sizes = [counts[part].get(kind, 0) for part, _ in parts]
        of = np.repeat([PARTS.index(part) for part, _ in parts], sizes)
        some = stream(seed, "aliases", kind).permutation(total)[: second[kind]]
        known_as = lists(np.isin(np.arange(total), some).astype(int), chosen(named, total + np.argsort(some)))
        block = np.repeat([block for _, block in parts], sizes)
        columns.append(Entities.of(schema, named[:total], np.full(total, schema.kind(kind)), of, known_as, block))
    for kind in sorted({r.object for r in schema.relations if r.object in VALUES} | ({"year"} if schema.timed else set())):
        size = len(VALUES[kind])
        values = pa.array(VALUES[kind], pa.string())
        columns.append(Entities.of(schema, values, np.full(size, schema.kind(kind)), np.full(size, PARTS.index("shared"))))
    nobody = Entities.of(schema, pa.array([], pa.string()), np.zeros(0), np.zeros(0))
    entities = Entities.all([nobody, *columns])
    blank = World.of(entities, NO_FACTS)
    drawn = [
        draw_facts(schema, _members(blank, part, block), part, stream(seed, "facts", part, block), skew, present)
        for part, block in parts
    ]
    return World.of(entities, Facts.all([NO_FACTS, *drawn]))


def _members(world: World, part: Part, block: int = 0) -> dict[str, Ints]:
    """The entities of each type that facts of a part, or of a block of it, may name."""
    types = dict.fromkeys(t for r in world.schema.relations for t in (r.subject, r.object))
    found = {t: world.members(t, "shared" if t in VALUES else part) for t in types}
    return {t: e if t in VALUES else e[world.entities.blocks[e] == block] for t, e in found.items()}


def scratch_world(world: World, seed: int, index: int, counts: Mapping[str, int], present: int = PRESENT) -> World:
    """A throwaway world of so many entities of each type, for text that can only be understood by reading it.

    Names and facts are drawn anew for every `index`: with names that came back, a model would learn which words go
    together instead of learning to look them up, and stumble over every novel name.
    """
    rng = stream(seed, "names", "scratch", index)
    texts = world.names.to_pylist()
    taken = {*texts, *world.entities.aliases.flatten().to_pylist()}
    shared = np.flatnonzero(world.parts == PARTS.index("shared"))
    names, kinds = [texts[e] for e in shared], [world.kinds[shared]]
    for kind in ENTITY_TYPES:
        if count := counts.get(kind, 0):
            names += recombine([texts[e] for e in world.members(kind, "known")], taken, count, rng)
            kinds.append(np.full(count, world.schema.kind(kind)))
    parts = np.repeat([PARTS.index("shared"), PARTS.index("scratch")], [len(shared), len(names) - len(shared)])
    entities = Entities.of(world.schema, pa.array(names, pa.string()), np.concatenate(kinds), parts)
    members = _members(World.of(entities, NO_FACTS), "scratch")
    facts = draw_facts(world.schema, members, "scratch", stream(seed, "facts", "scratch", index), present=present)
    return World.of(entities, facts)
