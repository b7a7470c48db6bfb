"""From what a model wrote to a program: the function that was asked for, whole."""

from __future__ import annotations

import ast
import re
import textwrap

from kit.core.records import CodeProblem


def program(problem: CodeProblem, output: str) -> str | None:
    """The program that an output stands for; None where it holds no code.

    Of blocks of code the first that defines the function counts, else the first; without blocks all of the output. What
    stands before the function in the prompt (imports, helpers) comes before an answer that repeats the signature; a bare body
    follows the prompt.
    """
    fenced = re.findall(r"```[\w+-]*[^\S\n]*\n(.*?)(?:```|\Z)", output, re.S)
    blocks = [textwrap.dedent(block) for block in fenced] or [output]  # a block in a list is indented as a whole
    whole = [b for b in blocks if _defines(b, problem.entry_point)]
    code = (whole or blocks)[0].strip("\n").rstrip()
    if not code.strip():
        return None
    if whole:
        return f"{preamble(problem)}{code}\n"
    if not code.startswith((" ", "\t")):
        code = "\n".join(f"    {line}" if line.strip() else line for line in code.split("\n"))
    return f"{problem.prompt.rstrip()}\n{code}\n"


def preamble(problem: CodeProblem) -> str:
    """What stands before the function in the prompt: imports, and helpers that its tests may use."""
    return re.split(rf"^(?:async )?def {re.escape(problem.entry_point)}\b", problem.prompt, maxsplit=1, flags=re.M)[0]


def _defines(code: str, name: str) -> bool:
    """Whether the function is defined at the top, though there may be a syntax error elsewhere."""
    try:
        return any(isinstance(node, ast.FunctionDef) and node.name == name for node in ast.parse(code).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return bool(re.search(rf"^def {re.escape(name)}\s*\(", code, re.M))
