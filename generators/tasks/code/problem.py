"""A chain made into a problem: a docstring with examples, a test, and mutants that the test catches.

What a function does to a fixed set of inputs is its behaviour. The split is a hash of that, so no test function is in the
training data of any seed, not even written differently.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence, Set
from itertools import islice
from random import Random

from generators.tasks.code import chains
from generators.tasks.code.chains import Chain
from generators.tasks.code.inputs import inputs_for
from generators.tasks.code.kinds import Value
from generators.tasks.code.mutants import wrong_versions
from generators.tasks.code.running import behaviour, outputs, telling
from generators.tasks.sampling import distinct, split_of
from kit.core.records import CodeProblem, TaskSplit
from kit.core.seeds import digest, key_of

DIFFICULTIES = range(1, 5)

_MUTANTS = 5
_ASSERTS = (8, 12)  # at least, at most


def _written(rng: Random, chain: Chain, split: TaskSplit) -> CodeProblem | None:
    """The problem of a chain; None where fewer than two of its wrong versions can be caught."""
    name, head, body = chains.named(chain), chains.head(chain), chains.body(chain)
    # What is asked depends on the function alone, whoever draws it.
    draws = Random(key_of(0, "code inputs", body))
    inputs = inputs_for(draws, chain[0].primitive.takes, body)
    right = [output for output in outputs(head + body, name, inputs) or () if output is not None]
    if len(right) < len(inputs) or len(inputs) < 10:
        return None
    versions = wrong_versions(body)
    draws.shuffle(versions)
    mutants, asked = _caught(head, name, versions[: 3 * _MUTANTS], inputs, right)
    # Where more is to be asked: rather inputs with outputs of their own.
    spare = sorted(set(range(len(inputs))) - set(asked), key=lambda i: (right.index(right[i]) != i, i))
    asked += spare[: max(0, _ASSERTS[0] - len(asked))]
    shown = _shown(inputs, right, asked)
    if len(mutants) < 2 or len(shown) < 2:
        return None
    prompt = head + _docstring(chains.said(rng, chain), [f">>> {name}({inputs[i]!r})\n{right[i]}" for i in shown])
    asserts = "".join(f"    assert candidate({inputs[i]!r}) == {right[i]}\n" for i in asked)
    return CodeProblem(
        id=digest("code", prompt), prompt=prompt, entry_point=name, canonical_solution=body,
        test=f"def check(candidate):\n{asserts}", mutants=tuple(mutants), split=split, difficulty=len(chain),
    )  # fmt: skip


def _caught(
    head: str, name: str, versions: Sequence[str], inputs: Sequence[Value], right: Sequence[str]
) -> tuple[list[str], list[int]]:
    """Wrong versions that mostly run and are still found out, and the inputs that it takes, the first two among them."""
    mutants: list[str] = []
    asked = [0, 1]
    for version in versions:
        found = outputs(head + version, name, inputs)
        if found is None or found.count(None) > len(found) // 2 or version in mutants:
            continue
        wrong = [i for i, output in enumerate(found) if output != right[i]]
        if not set(wrong) & set(asked):
            if not wrong or len(asked) == _ASSERTS[1]:
                continue
            asked.append(wrong[0])
        mutants.append(version)
        if len(mutants) == _MUTANTS:
            break
    return mutants, asked


def _shown(inputs: Sequence[Value], right: Sequence[str], asked: Sequence[int]) -> list[int]:
    """Two inputs to show: short, with different outputs that say something; rather not those that are tested."""
    fits = [i for i in range(2, len(inputs)) if len(repr(inputs[i])) <= 50 and len(right[i]) <= 60]
    fits = [i for i in fits if right[i] not in ("[]", "''")]
    fits.sort(key=lambda i: i in asked)
    return fits[:1] + [i for i in fits if right[i] != right[fits[0]]][:1]


def _docstring(task: str, examples: Sequence[str]) -> str:
    lines = textwrap.wrap(task, 90)
    for example in examples:
        lines += example.split("\n")
    return '    """' + "".join(f"{line}\n    " for line in lines) + '"""\n'


def problems(seed: int, split: TaskSplit, count: int, difficulty: Sequence[int] = DIFFICULTIES) -> Iterator[CodeProblem]:
    """`count` functions, no two of which do the same; the first of them are the smaller set. difficulty: how many primitives.

    Raises KitError where nothing new is to be found any more.

    >>> next(problems(0, "train", 1, (1,))).difficulty
    1
    """

    def draw(rng: Random, taken: Set[str]) -> tuple[str, CodeProblem] | None:
        chain = chains.drawn(rng, rng.choice(difficulty))
        does = behaviour(chain)
        if does is None or split_of("code split", does) != split:
            return None
        if (key := digest(*does)) in taken or not telling(chain, does):
            return None
        problem = _written(rng, chain, split)
        return None if problem is None else (key, problem)

    return islice(distinct(seed, "code problem", draw, f"{split} functions of {list(difficulty)} parts"), count)
