"""Functions to be written: canonical solutions pass their tests, every mutant fails them, and the splits share no function."""

from __future__ import annotations

import ast
import builtins
import doctest
import keyword
import re
import subprocess
import sys
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.tasks.code import DIFFICULTIES, problems
from generators.tasks.code.mutants import wrong_versions
from generators.tasks.code.primitives import PRIMITIVES
from kit.core.errors import KitError
from kit.core.records import CodeProblem


def _passes(problem: CodeProblem, body: str) -> bool:
    """Whether a body passes the test as it is shipped: prompt, body and test are one program."""
    space: dict[str, object] = {}
    exec(problem.prompt + body + "\n" + problem.test, space)
    try:
        space["check"](space[problem.entry_point])  # type: ignore[operator]
    except Exception:  # noqa: BLE001 - a wrong body may raise anything
        return False
    return True


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_solution_passes_and_every_mutant_fails(split: str) -> None:
    for problem in problems(0, split, 300):
        assert _passes(problem, problem.canonical_solution), problem
        assert len(set(problem.mutants)) == len(problem.mutants) >= 2
        assert not any(_passes(problem, mutant) for mutant in problem.mutants)
        assert not _passes(problem, "    return None\n")
        assert problem.split == split


def test_the_examples_of_the_docstring_are_true() -> None:
    for problem in problems(1, "train", 200):
        space: dict[str, object] = {}
        exec(problem.prompt + problem.canonical_solution, space)
        found = doctest.DocTestParser().get_doctest(
            space[problem.entry_point].__doc__ or "", space, problem.entry_point, None, None
        )
        assert len(found.examples) == 2
        assert doctest.DocTestRunner(verbose=False).run(found).failed == 0


def test_the_form_is_that_of_humaneval() -> None:
    for problem in problems(2, "train", 200):
        tree = ast.parse(problem.prompt + problem.canonical_solution).body
        assert [type(node) for node in tree] == [ast.FunctionDef]
        (function,) = tree
        assert isinstance(function, ast.FunctionDef)
        assert function.name == problem.entry_point
        assert function.returns is not None
        assert all(argument.annotation for argument in function.args.args)
        assert len(ast.get_docstring(function) or "") > 40
        assert not keyword.iskeyword(function.name)
        assert not hasattr(builtins, function.name)
        assert problem.prompt.endswith('"""\n')
        assert problem.test.startswith("def check(candidate):\n")
        assert 8 <= problem.test.count("assert candidate(") <= 12
        assert all(line.startswith("    ") for line in problem.canonical_solution.splitlines())
        said = (ast.get_docstring(function) or "").partition(">>>")[0]
        assert not re.search(r"[{}]|  |\b1 (places|times|characters|numbers)\b", said)


def test_a_mutant_differs_in_one_place() -> None:
    for problem in problems(3, "train", 100):
        assert set(problem.mutants) <= set(wrong_versions(problem.canonical_solution))
        for mutant in problem.mutants:
            pairs = zip(problem.canonical_solution.split("\n"), mutant.split("\n"), strict=True)
            assert sum(a != b for a, b in pairs) == 1


def test_wrong_versions_flip_comparisons_operators_bounds_and_starts() -> None:
    body = "    total = 0\n    for x in numbers:\n        if x > 3:\n            total += x\n    return total\n"
    wrong = wrong_versions(body)
    for part in ("total = 1", "x < 3", "x >= 3", "x > 4", "x > 2", "total -= x"):
        assert any(part in version for version in wrong)


def test_a_smaller_set_is_the_beginning_of_a_larger_one_in_another_process() -> None:
    made = list(problems(7, "test", 30, (1, 2)))
    code = "from generators.tasks.code import problems as p; print(list(p(7, 'test', 20, (1, 2))))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.strip() == str(made[:20])


def _inputs(kind: str) -> list[object]:
    """Many inputs that the generator does not know."""
    rng = Random(99)
    words = ["".join(rng.choices("abcdefghilmnoprstuw07", k=rng.randint(1, 12))) for _ in range(400)] + [
        "noon",
        "level",
        "Otter",
    ] * 30
    lists = [[rng.randint(-15, 40) for _ in range(rng.randint(0, 14))] for _ in range(80)]
    chosen = [rng.sample(words, rng.randint(0, 12)) for _ in range(80)]
    texts = [" ".join(w.title() if rng.random() < 0.3 else w for w in some) for some in chosen]
    return {"int": list(range(150)), "str": texts, "list[int]": lists, "list[str]": chosen}[kind]  # type: ignore[return-value]


def _behaviour(problem: CodeProblem) -> tuple[object, ...]:
    space: dict[str, object] = {}
    exec(problem.prompt + problem.canonical_solution, space)
    kind = problem.prompt[problem.prompt.index(": ") + 2 : problem.prompt.index(")")]
    return (kind, *(repr(space[problem.entry_point](value)) for value in _inputs(kind)))  # type: ignore[operator]


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_no_test_function_is_in_the_training_data_of_any_seed(one: int, other: int) -> None:
    train, test = list(problems(one, "train", 120)), list(problems(other, "test", 60))
    assert not {p.canonical_solution for p in train} & {p.canonical_solution for p in test}
    assert not {p.prompt for p in train} & {p.prompt for p in test}
    assert not {p.id for p in train} & {p.id for p in test}


def test_simple_functions_do_not_leak_even_written_differently() -> None:
    train = [p for seed in (0, 1) for p in problems(seed, "train", 500, (1,))]
    test = [p for seed in (0, 1) for p in problems(seed, "test", 150, (1,))]
    said = {re.sub(r"\s*>>>.*", "", p.prompt, flags=re.S) for p in train}
    assert not said & {re.sub(r"\s*>>>.*", "", p.prompt, flags=re.S) for p in test}
    known = {_behaviour(p) for p in train}
    assert [p.prompt for p in test if _behaviour(p) in known] == []


def test_ids_texts_and_functions_are_unique() -> None:
    made = list(problems(5, "train", 600))
    assert len({p.id for p in made}) == len({p.prompt for p in made}) == len({p.canonical_solution for p in made}) == 600


def test_harder_functions_are_longer_and_all_difficulties_are_drawn() -> None:
    made = list(problems(0, "train", 300))
    lengths = {d: [len(p.canonical_solution) for p in made if p.difficulty == d] for d in DIFFICULTIES}
    means = [sum(lengths[d]) / len(lengths[d]) for d in DIFFICULTIES]
    assert means == sorted(means)


def test_tags_say_which_primitives_a_function_is_made_of() -> None:
    for kind, primitives in PRIMITIVES.items():
        tags = [p.tag for p in primitives]
        assert len(set(tags)) == len(tags)
        assert {p.takes for p in primitives} == {kind}


def test_asking_for_more_than_there_are_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.tasks.sampling._PATIENCE", 0)
    with pytest.raises(KitError, match="hardly more than 0 train functions"):
        list(problems(0, "train", 5))
