"""From a batch of certified programs to rows of the questions table. What every shape shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.questions.reasoning import Programs, Trace, solve
from generators.world.columns import Ints, chosen, concatenated, hex_ids, joined, lists, mixed, picked, text_hashes
from generators.world.schema import HELD_SEEN, Schema, Wordings
from generators.world.world import FOREVER, World
from kit.core.records import Question, Split, SubQuestion, schema_of


class Apart(NamedTuple):
    """The share of pairs of facts, or of relations, that are withheld from training, and the key by which they are drawn."""

    share: float
    key: int

    def drawn(self, a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of the ones, as hashes, may not be followed by the others."""
        return np.asarray(picked(mixed(self.key, a, b), 1_000_000) < 1_000_000 * self.share)

    def either(self, a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """The same, either way round."""
        return self.drawn(np.minimum(a, b), np.maximum(a, b))

    def told(self, world: World, facts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """In which rows of facts (-1: none) two stand that may not: that share an entity so that one leads on to the other."""
        found = np.zeros(len(facts), bool)
        one = np.array([r.one_to_one for r in world.schema.relations], bool)
        there = facts >= 0
        heads, tails = (np.where(there, column[facts], -1 - k) for k, column in enumerate((world.subject, world.object)))
        back = there & one[world.relation[facts]]
        met: list[NDArray[np.int64]] = []
        for i in range(1, facts.shape[1]):
            head, tail, leads_back = (column[:, i : i + 1] for column in (heads, tails, back))
            meet = (tail == heads[:, :i]) | (head == tails[:, :i])
            meet |= ((head == heads[:, :i]) | (tail == tails[:, :i])) & (leads_back | back[:, :i])
            rows, others = np.nonzero(meet & there[:, i : i + 1] & there[:, :i])
            met.append(np.stack([rows, facts[rows, i], facts[rows, others]]))
        if met:
            rows, a, b = np.concatenate(met, axis=1)
            found[rows[self.either(world.hashes(a), world.hashes(b))]] = True
        return found


class Asking(NamedTuple):
    """What questions are asked of: a world as it is told of, the split they belong to, the seed, and how many others are spoken
    of in the prompt beside each question's own facts. after: the same part of the world after all edits. apart: of the pairs of
    facts that follow one another, which may not stand in one prompt. chunk: about how many are made at once."""

    world: World
    split: Split
    seed: int
    distractors: int
    after: World | None = None
    apart: Apart | None = None
    chunk: int = 8_000


_OPENERS = {
    "person": (
        "Who is {np}?",
        "Name {np}.",
        "Please name {np}.",
        "Can you name {np}?",
        "Give the name of {np}.",
        "Tell me the name of {np}.",
        "Could you give me the name of {np}?",
        "I would like to know the name of {np}.",
    ),
    "amount": (
        "What is {np}?",
        "Do you know {np}?",
        "Please tell me {np}.",
        "Can you tell me {np}?",
        "Tell me {np}.",
        "Could you tell me {np}?",
        "I would like to know {np}.",
        "I am looking for {np}.",
    ),
    "thing": (
        "What is {np}?",
        "Name {np}.",
        "Please name {np}.",
        "Can you name {np}?",
        "Tell me {np}.",
        "Could you tell me {np}?",
        "I would like to know {np}.",
        "Please tell me {np}.",
    ),
}
_FORMS = len(_OPENERS["thing"])
_OPENINGS = [o.split("{np}") for openers in _OPENERS.values() for o in openers]
_OPENS, _CLOSES = (pa.array([o[k] for o in _OPENINGS], pa.string()) for k in (0, 1))
_ASKED_AS = {"person": 0, "year": 1, "number": 1}
"""Which openers each type is asked for with; all others like things."""


def opened(schema: Schema, phrases: pa.StringArray, kinds: Ints, draws: NDArray[np.uint64]) -> pa.StringArray:
    """Noun phrases for something of these types made questions ("Who is the mentor of X?")."""
    asked = np.array([_ASKED_AS.get(kind, 2) for kind in schema.types])[kinds]
    opener = picked(draws, _FORMS) + _FORMS * asked
    return joined(chosen(_OPENS, opener), phrases, chosen(_CLOSES, opener))


def described(schema: Schema, hops: Ints, names: pa.StringArray, draws: NDArray[np.uint64]) -> pa.StringArray:
    """What a hop leads to from what is named: "the mentor of X"."""
    return _around(schema.nouns, _noun(schema, hops, draws), names)


def led_to(schema: Schema, hops: Ints, phrase: pa.StringArray, draws: NDArray[np.uint64]) -> pa.StringArray:
    """What a hop leads to from what a clause describes: "the mentor of the person who works for X and lives in Y", in words that
    leave no doubt of whom the clause is said."""
    return _around(schema.nested_nouns, schema.plain_nouns[_noun(schema, hops, draws)], phrase)


def nested(schema: Schema, hops: NDArray[np.int64], names: pa.StringArray, draws: NDArray[np.uint64]) -> pa.StringArray:
    """What hops (rows, k) lead to from what is named, one noun phrase in another. Around one that ends in a verb stands none
    that does too: "the home city of the person who leads the company where X works", not "the city where the person who leads
    the company where X works lives"."""
    phrase, verb = names, np.zeros(len(hops), bool)
    for i in range(hops.shape[1]):
        which = _noun(schema, hops[:, i], mixed(draws, 2 + i))
        which = np.where(verb, schema.short_nouns[which], which)
        verb |= schema.short_nouns[which] != which
        phrase = _around(schema.nested_nouns if i else schema.nouns, which, phrase)
    return phrase


def _noun(schema: Schema, hops: Ints, draws: NDArray[np.uint64]) -> NDArray[np.int64]:
    return schema.nouns.at[hops] + picked(draws, schema.nouns.counts[hops])


def _around(nouns: Wordings, which: Ints, inner: pa.StringArray) -> pa.StringArray:
    before, after = nouns.templates.literals[:2]
    return joined(chosen(before, which), inner, chosen(after, which))


def stated(
    world: World, facts: Ints, which: Ints | int, form: Literal["statements", "reversed", "masked"] = "statements"
) -> pa.StringArray:
    """Sentences that state the facts, each in its relation's wording number `which` (modulo how many there are), with their years
    where they have any."""
    schema, rows, which = world.schema, world.relation[facts].astype(np.int64), np.asarray(which)
    wordings: Wordings = getattr(schema, form)
    plain = wordings.fill(rows, which % wordings.counts[rows], world.entities.fillers, world.subject[facts], world.object[facts])
    dated = world.dated[facts]
    if not dated.any():
        return plain
    names, first = world.fillers_in_time
    ended = world.until[facts] < FOREVER
    years = world.size + np.stack([world.since[facts], world.until[facts]]).astype(np.int64) - first
    slots: tuple[Ints, ...] = (world.subject[facts], world.object[facts], years[0], np.where(ended, years[1], -1))
    slots = tuple(np.where(dated, slot, len(names) - 1) for slot in slots)
    over_time: Wordings = {"statements": schema.held, "reversed": schema.held_reversed, "masked": schema.held_masked}[form]
    row = 2 * rows + ended
    return pc.if_else(pa.array(dated), over_time.fill(row, which % over_time.counts[row], names, *slots), plain)


def seen(world: World, facts: Ints) -> NDArray[np.int64]:
    """How many wordings of each fact any document may use; those after them are kept."""
    return np.where(world.dated[facts], HELD_SEEN, world.schema.seen[world.relation[facts]])


def wordings(world: World, facts: Ints) -> NDArray[np.int64]:
    """How many wordings each fact has."""
    schema, rows = world.schema, world.relation[facts].astype(np.int64)
    return np.where(world.dated[facts], schema.held.counts[2 * rows], schema.statements.counts[rows])


def sub_questions(world: World, hops: Ints, froms: Ints, ends: Ints, facts: Ints) -> pa.StructArray:
    """One sub-question a row: a hop asked by itself, the name it ends in, the fact and its plainest statement."""
    columns = [
        world.schema.asked.fill(hops, world.entities.fillers, froms),
        chosen(world.names, ends),
        stated(world, facts, 0),
        chosen(world.schema.names, world.relation[facts]),
        world.fact_ids(facts),
    ]
    return pa.StructArray.from_arrays(columns, fields=list(schema_of(SubQuestion)))


def context(world: World, facts: NDArray[np.int64], draws: NDArray[np.uint64]) -> tuple[pa.ListArray, pa.ListArray]:
    """The sentences of the facts-in-prompt form, shuffled, and the ids of the facts that they state. facts: a row a question, the
    support and what stands beside it; -1 where there is none, and what comes twice is stated once."""
    shown = facts.copy()
    for place in range(1, shown.shape[1]):
        shown[(shown[:, :place] == shown[:, place : place + 1]).any(1), place] = -1
    places = np.arange(shown.shape[1])
    order = np.argsort(mixed(draws[:, None], 200 + places), axis=1)
    shuffled = np.take_along_axis(shown, order, axis=1)
    there = shuffled >= 0
    told = shuffled[there]
    which = picked(mixed(draws[:, None], 300 + places)[there], seen(world, told))
    counts = there.sum(1)
    return lists(counts, stated(world, told, which)), lists(counts, world.fact_ids(told))


def steps_column(schema: Schema, programs: Programs) -> pa.ListArray:
    """The reasoning graphs as records."""
    back = schema.back
    n, k = programs.size, len(programs.moves)
    hops = np.stack([m.hops if m.hops is not None else np.full(n, -1) for m in programs.moves], axis=1).ravel()
    names = chosen([*schema.names, *schema.names, ""], np.where(hops < 0, 2 * back, hops))
    order = np.tile(np.arange(k), n)
    ops = chosen([*(m.op for m in programs.moves), "inverse"], np.where(hops >= back, k, order))
    inputs = pa.array([m.inputs for m in programs.moves], pa.list_(pa.int64())).take(pa.array(order))
    fields = list(schema_of(Question).field("steps").type.value_type)
    return lists(np.full(n, k), pa.StructArray.from_arrays([ops, names, inputs], fields=fields))


def entity_answers(world: World, answers: Ints) -> pa.ListArray:
    """What is accepted as each answer: the entity's name, and its alias."""
    names, aliases = chosen(world.names, answers), world.entities.aliases.take(pa.array(answers))
    also = pc.list_value_length(aliases).to_numpy()
    counts, columns = interleaved([np.ones(len(answers), int), also], [names, aliases.flatten()])
    return lists(counts, columns)


def none(count: int) -> pa.ListArray:
    """Empty lists."""
    return lists(np.zeros(count, int), pa.array([], pa.string()))


def interleaved(counts: Sequence[Ints], columns: Sequence[pa.Array]) -> tuple[NDArray[np.int64], pa.Array]:
    """Several columns of values, `counts[k][row]` of the k-th a row, put one after the other within each row."""
    rows = np.concatenate([np.repeat(np.arange(len(c)), c) for c in counts])
    order = np.argsort(rows, kind="stable")
    return np.sum(counts, axis=0, dtype=np.int64), concatenated(columns).take(pa.array(order))


def questions(
    asking: Asking,
    programs: Programs,
    trace: Trace,
    *,
    shape: str,
    hops: int,
    texts: pa.StringArray,
    answers: pa.ListArray,
    wrong: pa.ListArray,
    parts: pa.ListArray,
    facts: NDArray[np.int64],
    needed: NDArray[np.bool_],
    guesses: tuple[NDArray[np.float64], NDArray[np.bool_]],
    draws: NDArray[np.uint64],
    beside: NDArray[np.int64],
    kind: Literal["entity", "named", "number"] = "entity",
    answered: Ints | int = 1,
    no_shortcut: NDArray[np.bool_] | None = None,
    passed: NDArray[np.int64] | None = None,
    popular: Ints | None = None,
    members: pa.ListArray | None = None,
    outdated: pa.ListArray | None = None,
    world: World | None = None,
    whole: bool = False,
) -> pa.Table:
    """Rows for certified questions, less those whose text holds an answer and those of which the solver finds not as many
    answers as `answered`.

    kind: an answer may be an entity that the question does not name; one of those it has `named` (which of two); or no
    entity at all (a number, yes or no), which cannot be read off.

    trace: what running the programs found. facts, needed: (rows, most facts a row), -1 where a row has fewer. beside: facts that
    stand beside them in the prompt. parts: the sub-questions of each row. wrong: the
    candidates for forced choice. no_shortcut: whether none was found, of shapes of which one can speak. passed: the entities on
    the way (rows, any; without it the heads). popular: the entity
    whose popularity counts (without it the first head). members: all parts of the answers that have several.
    outdated: answers before an edit. world: the one the programs are of, where that is not the one asked of. whole: nothing is
    left out; the certificate calls readable what would be.
    """
    world = world or asking.world
    n = len(texts)
    there = facts >= 0
    support = world.fact_ids(facts[there])
    keys = [np.where(there[:, i], world.hashes(facts[:, i]), 0) for i in range(facts.shape[1])]
    told = zip(answers.to_pylist(), texts.to_pylist(), strict=True)
    unreadable = np.array([kind == "number" or not any(a in text for a in each) for each, text in told], bool)
    told_of = np.column_stack([facts, beside]) if asking.distractors else facts
    fair = ~asking.apart.told(world, told_of) if asking.apart else np.ones(n, bool)
    unreadable &= fair | (not whole)
    unique = trace.answers.counts == answered
    certificate = {
        "unique": pa.array(unique),
        "unreadable": pa.array(unreadable),
        "no_shortcut": pa.nulls(n, pa.bool_()) if no_shortcut is None else pa.array(no_shortcut),
        "necessary": lists((needed & there).sum(1), world.fact_ids(facts[needed & there])),
        "popularity_guess": pa.array(guesses[1]),
        "type_prior": pa.array(guesses[0]),
    }
    schema = schema_of(Question)
    fields = list(schema.field("certificate").type)
    heads = np.stack(programs.heads, axis=1)
    on_the_way = world.degrees[heads if passed is None else passed].mean(1)
    difficulty = {
        "branching": pa.array(on_the_way.astype(np.float64)),
        "popularity": pa.array(world.degrees[heads[:, 0] if popular is None else popular]),
        "exposure": pa.array(np.zeros(n, np.int64)),
        "asked": pa.array(np.zeros(n, np.int64)),
    }
    shown = context(world, told_of, draws)
    columns = {
        "id": hex_ids(mixed(text_hashes(texts.to_pylist()), text_hashes([shape]), *keys)),
        "shape": chosen([shape], np.zeros(n, int)),
        "text": texts,
        "heads": lists(np.full(n, heads.shape[1]), chosen(world.entities.ids, heads.ravel())),
        "steps": steps_column(world.schema, programs),
        "sub_questions": parts,
        "answers": answers,
        "support": lists(there.sum(1), support),
        "hops": pa.array(np.full(n, hops)),
        "split": chosen([asking.split], np.zeros(n, int)),
        "context": shown[0],
        "context_facts": shown[1],
        "candidates": wrong,
        "certificate": pa.StructArray.from_arrays([certificate[f.name] for f in fields], fields=fields),
        "difficulty": pa.StructArray.from_arrays(list(difficulty.values()), fields=list(schema.field("difficulty").type)),
        "members": none(n) if members is None else members,
        "outdated": none(n) if outdated is None else outdated,
        "stale": pa.array(stale(asking.after, programs, trace)),
        "probes": chosen([""], np.zeros(n, int)),
    }
    made = pa.table([columns[name] for name in schema.names], schema=schema)
    return made if whole else made.filter(pa.array(fair & unique & (unreadable | (kind == "named"))))


def stale(after: World | None, programs: Programs, trace: Trace) -> NDArray[np.bool_]:
    """Which answers are others after the edits."""
    if after is None:
        return np.zeros(programs.size, bool)
    return solve(after, programs).answers.signatures != trace.answers.signatures
