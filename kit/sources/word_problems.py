"""GSM8K's rows (arXiv 2110.14168): `question` and `answer`, which ends in a line `#### N`."""

from __future__ import annotations

import re

from kit.core.errors import KitError
from kit.core.records import MathProblem
from kit.core.rows import Row
from kit.core.seeds import digest


def math_problem(row: Row) -> MathProblem:
    """One row. Raises KitError where the answer has no final number."""
    question, solution = row.text("question"), row.text("answer")
    final = re.search(r"#### (-?[0-9.,]*[0-9][0-9.,]*)\s*\Z", solution)
    if not final:
        raise KitError(f"{row.where}: answer does not end in a line #### and a number")
    steps = len([line for line in solution.split("\n")[:-1] if line.strip()])
    answer = final[1].replace(",", "").rstrip(".")
    return MathProblem(digest("gsm8k", question), question, solution, answer, difficulty=steps)
