"""Small Python functions to be written, in the form of HumanEval (arXiv 2107.03374), with tests and with wrong versions.

A function is a chain of primitives, each from one kind of value to another: keep the even numbers, square each, add them up.
A closed grammar yields the code and the words of every primitive, so that whatever runs here was written here. What the
function returns is computed, never stated: the examples, the tests and the verdicts on the mutants come from running it.

`kinds` and `primitives` are the grammar's tables, `slots` draws what a primitive leaves open. `chains` draws a function and
writes its code and its words, `inputs` and `running` find out what it does, `mutants` spoils it, and `problem` puts it all
together.
"""

from generators.tasks.code.problem import DIFFICULTIES, problems

__all__ = ["DIFFICULTIES", "problems"]
