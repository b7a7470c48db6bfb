"""Step programs, the solver that runs them, and the certificate of a question. An engine answers; templates never do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from generators.world import World
from kit.core.records import Certificate, Fact, Step


class Trace(NamedTuple):
    """`answers`: entity ids after the last step; `facts`: those used, hop by hop; `path`: the entity sets between."""

    answers: frozenset[str]
    facts: tuple[tuple[Fact, ...], ...]
    path: tuple[frozenset[str], ...]


def solve(world: World, head: str, steps: Sequence[Step], without: str | None = None) -> Trace:
    """Run `steps` from `head`, in the world less the fact `without`. An empty answer set means the world does not say."""
    here = frozenset([head])
    facts: list[tuple[Fact, ...]] = []
    path = [here]
    for step in steps:
        index = world.out if step.op == "follow" else world.into
        used = tuple(f for e in sorted(here) for f in index.get((e, step.relation), ()) if f.id != without)
        here = frozenset(f.object if step.op == "follow" else f.subject for f in used)
        facts.append(used)
        path.append(here)
    return Trace(here, tuple(facts), tuple(path))


def distance_below(world: World, start: str, goal: str, limit: int) -> bool:
    """Whether a path of fewer than `limit` facts, in either direction, joins the two (breadth first)."""
    reached = {start}
    frontier = {start}
    for _ in range(limit - 1):
        frontier = {n for e in frontier for n in world.around.get(e, ())} - reached
        if goal in frontier:
            return True
        reached |= frontier
    return start == goal


def certify(world: World, head: str, steps: Sequence[Step], text: str) -> Certificate:
    """Everything that makes a chain question a fair one, computed (see `kit.core.records.Certificate`)."""
    trace = solve(world, head, steps)
    unique = all(len(stop) == 1 for stop in trace.path)
    support = [f for hop in trace.facts for f in hop]
    necessary = tuple(f.id for f in support if solve(world, head, steps, f.id).answers != trace.answers)
    last = steps[-1]
    facts = world.by_relation.get(last.relation, ())
    ends = Counter(f.object if last.op == "follow" else f.subject for f in facts)
    answer = min(trace.answers, default="")
    commonest = max(sorted(ends), key=lambda e: ends[e]) if ends else ""
    return Certificate(
        unique=unique,
        unreadable=not any(world.name(a) in text for a in trace.answers),
        no_shortcut=unique and not distance_below(world, head, answer, len(steps)),
        necessary=necessary,
        popularity_guess=answer == commonest,
        type_prior=ends[answer] / max(1, ends.total()),
    )
