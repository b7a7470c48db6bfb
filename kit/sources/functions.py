"""HumanEval's rows (arXiv 2107.03374) and HumanEval+'s: a prompt, a solution, and a test that defines `check(candidate)`."""

from __future__ import annotations

from kit.core.records import CodeProblem
from kit.core.rows import Row

LONGEST_TEST = 20_000_000
"""Characters of a test file: those of HumanEval+ hold their inputs and results, up to half a million and more."""


def code_problem(row: Row) -> CodeProblem:
    """One row."""
    id_, prompt, name, solution = (row.text(key) for key in ("task_id", "prompt", "entry_point", "canonical_solution"))
    test = row.text("test", longest=LONGEST_TEST)
    return CodeProblem(id_, prompt, name, solution, test)
