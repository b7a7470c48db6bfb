"""Chain questions: a head entity and relations followed one after another ("the mayor of the city where X was born")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from generators.reasoning import Trace, certify, solve
from generators.relations import RELATIONS
from generators.world import World
from kit.core.records import Fact, Question, Split, Step, SubQuestion
from kit.core.seeds import digest, shuffled, stream

PLAIN_SHARE = 0.25
"""Share of single-hop questions worded as sub-questions are, so that a hop asked by itself is nothing unheard-of."""

_OPENERS = {
    "who": (
        "Who is {np}?",
        "Name {np}.",
        "Please name {np}.",
        "Can you name {np}?",
        "Which person is {np}?",
        "Tell me the name of {np}.",
        "Could you give me the name of {np}?",
        "I would like to know the name of {np}.",
    ),
    "what": (
        "What is {np}?",
        "Name {np}.",
        "Please name {np}.",
        "Can you name {np}?",
        "Tell me {np}.",
        "Could you tell me {np}?",
        "I would like to know {np}.",
        "Please give {np}.",
    ),
}


def _ends(step: Step) -> tuple[str, str]:
    relation = RELATIONS[step.relation]
    return (relation.subject, relation.object) if step.op == "follow" else (relation.object, relation.subject)


def _nouns(step: Step) -> tuple[str, ...]:
    relation = RELATIONS[step.relation]
    return relation.nouns if step.op == "follow" else relation.inverse_nouns


def sub_question_text(step: Step, name: str) -> str:
    """The canonical question for one hop, from the entity called `name`."""
    relation = RELATIONS[step.relation]
    return (relation.question if step.op == "follow" else relation.inverse_question).format(s=name)


def _plainly(world: World, fact: Fact) -> str:
    """The fact in its relation's first, plainest statement: how a chain of thought answers a sub-question."""
    statement = RELATIONS[fact.relation].statements[0]
    return statement.format(s=world.name(fact.subject), o=world.name(fact.object))


@cache
def forms(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Every phrasing of a chain, with `{s}` for the head: openers times the nouns of each hop.

    >>> forms((Step("follow", "born_in"), Step("follow", "governed_by")))[0]
    'Who is the mayor of the birthplace of {s}?'
    """
    phrases = ["{s}"]
    for step in steps:
        phrases = [noun.replace("{s}", phrase) for noun in _nouns(step) for phrase in phrases]
    opener = _OPENERS["who" if _ends(steps[-1])[1] == "person" else "what"]
    texts = [o.replace("{np}", phrase) for o in opener for phrase in phrases]
    return tuple([*texts, sub_question_text(steps[0], "{s}")] if len(steps) == 1 else texts)


def programs(relations: Sequence[str], head_type: str, hops: int, inverse: bool) -> list[tuple[Step, ...]]:
    """Every type-correct step program of `hops` single-valued hops from `head_type`.

    A hop never undoes the one before it, nor repeats a symmetric one. Inverse hops only where one-to-one.
    """
    steps = [Step("follow", r) for r in relations if RELATIONS[r].functional]
    if inverse:
        steps += [Step("inverse", r) for r in relations if RELATIONS[r].one_to_one and not RELATIONS[r].symmetric]
    found: list[tuple[Step, ...]] = [()]
    for _ in range(hops):
        found = [
            (*program, step)
            for program in found
            for step in steps
            if _ends(step)[0] == (_ends(program[-1])[1] if program else head_type)
            and not (
                program
                and step.relation == program[-1].relation
                and (step.op != program[-1].op or RELATIONS[step.relation].symmetric)
            )
        ]
    return found


def make_question(
    world: World, head: str, steps: tuple[Step, ...], split: Split, rng: np.random.Generator, distractors: int
) -> Question | None:
    """One certified chain question, or None when the chain is broken or its certificate fails.

    `distractors` more sentences, of other heads' facts of the same relations, join the support in `context`.
    """
    trace = solve(world, head, steps)
    stops = [min(stop, default="") for stop in trace.path]
    if any(len(stop) != 1 for stop in trace.path) or len(set(stops)) < len(stops):
        return None
    texts = forms(steps)
    plain = len(steps) == 1 and rng.random() < PLAIN_SHARE
    text = texts[-1 if plain else int(rng.integers(len(texts)))].format(s=world.name(head))
    certificate = certify(world, head, steps, text)
    if not (certificate.unique and certificate.unreadable and certificate.no_shortcut):
        return None
    names = [world.name(e) for e in stops]
    support = [hop[0] for hop in trace.facts]
    others = sorted(e.name for e in world.of_type(world.entities[stops[-1]].type) if e.id not in stops and e.id in world.around)
    return Question(
        id=digest(text, [f.id for f in support]),
        shape=f"chain-{len(steps)}",
        text=text,
        head=head,
        steps=steps,
        sub_questions=tuple(
            SubQuestion(sub_question_text(step, names[i]), names[i + 1], _plainly(world, fact), fact.relation, fact.id)
            for i, (step, fact) in enumerate(zip(steps, support, strict=True))
        ),
        answers=(names[-1],),
        support=tuple(f.id for f in support),
        hops=len(steps),
        split=split,
        context=_context(world, trace, distractors, rng),
        candidates=tuple(shuffled(others, rng)[:9]),
        certificate=certificate,
    )


def _context(world: World, trace: Trace, distractors: int, rng: np.random.Generator) -> tuple[str, ...]:
    support = [hop[0] for hop in trace.facts]
    pool = [f for relation in dict.fromkeys(f.relation for f in support) for f in world.by_relation[relation]]
    drawn = (pool[i] for i in rng.permutation(len(pool))[: distractors + len(support)])
    chosen = [*support, *[f for f in drawn if f not in support][:distractors]]
    sentences = []
    for fact in shuffled(chosen, rng):
        statements = RELATIONS[fact.relation].statements
        statement = statements[int(rng.integers(len(statements)))]
        sentences.append(statement.format(s=world.name(fact.subject), o=world.name(fact.object)))
    return tuple(sentences)


def _asked(world: World, head: str, steps: tuple[Step, ...], split: Split, seed: int, distractors: int) -> Question | None:
    key = (f"{s.op}:{s.relation}" for s in steps)
    return make_question(world, head, steps, split, stream(seed, "question", head, *key), distractors)


def chain_questions(
    world: World,
    heads: Sequence[str],
    relations: Sequence[str],
    hops: int,
    split: Split,
    seed: int,
    *,
    inverse: bool,
    distractors: int,
) -> Iterator[Question]:
    """Every certified question of `hops` hops from `heads`, one phrasing each, in a seeded order."""
    by_type: dict[str, list[tuple[Step, ...]]] = {}
    for kind in sorted({world.entities[h].type for h in heads}):
        by_type[kind] = programs(relations, kind, hops, inverse)
    pairs = [(h, program) for h in sorted(heads) for program in by_type[world.entities[h].type]]
    for head, program in shuffled(pairs, stream(seed, "questions", split, hops)):
        question = _asked(world, head, program, split, seed, distractors)
        if question is not None:
            yield question


def ask_again(world: World, question: Question, split: Split, seed: int, distractors: int) -> Question | None:
    """The same head, steps and wording under the facts of another `world`; None where that chain is not certified."""
    return _asked(world, question.head, question.steps, split, seed, distractors)


def cloze_questions(world: World, split: Split) -> Iterator[Question]:
    """One cloze a fact of a functional relation: the plainest statement, cut before its object. Tests bare recall."""
    for fact in world.facts:
        relation = RELATIONS[fact.relation]
        if not relation.functional:
            continue
        text = relation.cloze.format(s=world.name(fact.subject))
        step = Step("follow", fact.relation)
        answer = world.name(fact.object)
        yield Question(
            id=digest("cloze", text, fact.id),
            shape="cloze",
            text=text,
            head=fact.subject,
            steps=(step,),
            sub_questions=(
                SubQuestion(
                    sub_question_text(step, world.name(fact.subject)),
                    answer,
                    _plainly(world, fact),
                    fact.relation,
                    fact.id,
                ),
            ),
            answers=(answer,),
            support=(fact.id,),
            hops=1,
            split=split,
            context=(),
            candidates=(),
            certificate=certify(world, fact.subject, (step,), text),
        )
