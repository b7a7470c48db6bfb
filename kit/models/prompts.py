"""What the user says and what the assistant answers, as text. Training examples and evaluation prompts come from here.

Only text: the chat template is applied where text becomes tokens (`kit.models.tokens`). No heavy imports.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from kit.core.records import CodeProblem, InstructionPrompt, MathProblem, Question, Style, SubQuestion, Wording
from kit.models.sentences import first_sentence

ANSWER_CUE = "So the answer is"
_INSTRUCTION: dict[Wording, dict[Style, str]] = {
    "plain": {"cot": " Think step by step.", "direct": " Answer directly.", "cloze": ""},
    "cue": {
        "cot": f' Think step by step, and end with one sentence that begins with "{ANSWER_CUE}".',
        "direct": f' Answer with one sentence that begins with "{ANSWER_CUE}".',
        "cloze": "",
    },
}
"""What is asked for: plain, for models that were taught how to answer; with the cue said, for those that never were."""


def user_message(question: str, style: Style, context: Sequence[str] = (), wording: Wording = "plain") -> str:
    """The prompt: facts (when given), the question, and which style of answer is wanted.

    >>> user_message("Who leads Ode Labs?", "direct", ["Ode Labs is led by Ada Byrne."])
    'Facts: Ode Labs is led by Ada Byrne. Who leads Ode Labs? Answer directly.'
    """
    facts = f"Facts: {' '.join(context)} " if context else ""
    return f"{facts}{question}{_INSTRUCTION[wording][style]}"


def worded(message: str, wording: Wording) -> str:
    """A plain prompt as it is worded otherwise; one that asks for no style stays as it is."""
    plain = _INSTRUCTION["plain"]
    style = next((s for s, told in plain.items() if told and message.endswith(told)), None)
    return message if style is None else f"{message.removesuffix(plain[style])}{_INSTRUCTION[wording][style]}"


def assistant_message(answer: str, style: Style, sub_questions: Sequence[SubQuestion]) -> str:
    """The gold answer: for `cot` each sub-question answered in a sentence, then the cue and the answer; for `direct` the
    cue and the answer alone."""
    chain = "".join(f"{s.text} {s.sentence or s.answer + '.'} " for s in sub_questions) if style == "cot" else ""
    return f"{chain}{ANSWER_CUE} {answer}."


def extract_answer(output: str) -> str | None:
    """What stands after the last cue, up to the end of its sentence or line; None (a *format* error) without a cue.

    >>> extract_answer("Who leads Ode Labs? Ada Byrne. So the answer is Ada Byrne.")
    'Ada Byrne'
    >>> extract_answer("So the answer is Dec. 10, 1817. It was a Wednesday.")
    'Dec. 10, 1817'
    """
    _, cue, tail = output.rpartition(ANSWER_CUE)
    if not cue:
        return None
    said = first_sentence(tail.lstrip(" :\n")).strip(" .")
    return said if re.search(r"\w", said) else None


_SAID = re.compile(
    r"(?:\banswer|\bconclusion)(?:\s+to\s+(?:the|this|your)\s+question)?\s*(?:\*\*|__)?\s*"
    r"(?::|\b(?:is|was|would be|must be|should be)\b:?|[-–—]\s)\s*(?:\*\*|__)?",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:^|[.!?]\s+)(?:(?:so|thus|hence|therefore),?\s+)?([^.!?\n]+?),? is the (?:final |correct |right )?answer\b", re.I | re.M
)
_BOXED = re.compile(r"\\boxed\s*\{(?:\\text\s*\{)?((?:[^{}]|\{[^{}]*\})*)\}")
_BOLD = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")


def loose_answer(output: str) -> str | None:
    r"""The answer of a model that was never told the cue: what the cue says; else what is boxed, what "the answer is" (or "is the
    answer") says, the last words in bold, or the last line, in this order; None of an output without words.

    >>> loose_answer("Ode Labs is led by **Ada Byrne**."), loose_answer(r"\boxed{\text{Ada Byrne}}"), loose_answer("Ada Byrne.")
    ('Ada Byrne', 'Ada Byrne', 'Ada Byrne')
    """
    said = [first_sentence(output[found.end() :].strip()) for found in _SAID.finditer(output)]
    bold = [text for _, text in _BOLD.findall(output) if not text.rstrip().endswith(":")]
    lines = [re.sub(r"^\s*(?:[-*•>#]+|\d+[.)])\s+", "", line) for line in output.split("\n") if not _SAID.search(line)]
    ways = (_BOXED.findall(output), said[-1:], _BEFORE.findall(output), bold, [line for line in lines if re.search(r"\w", line)])
    found = (way[-1].strip(' .{}*_:"') for way in ways if way)
    return extract_answer(output) or next((text for text in found if re.search(r"\w", text)), None)


def extract_hops(output: str) -> list[tuple[str, str]]:
    """The (sub-question, answering sentence) pairs of a chain of thought, in order.

    >>> extract_hops("Where was Al Oz born? Al Oz was born in Port Ann. Who governs Port Ann? Bo Li. So the answer is Bo Li.")
    [('Where was Al Oz born?', 'Al Oz was born in Port Ann'), ('Who governs Port Ann?', 'Bo Li')]
    """
    chain = output.rpartition(ANSWER_CUE)[0] or output
    return [(q.strip(), a.strip()) for q, a in re.findall(r"([^.?\n]+\?)\s*([^?\n]*?)\.(?=\s|$)", chain)]


def question_turns(question: Question, style: Style) -> tuple[str, str]:
    """A multihop question, closed book, and its gold answer."""
    return user_message(question.text, style), assistant_message(question.answers[0], style, question.sub_questions)


def math_turns(problem: MathProblem, style: Style) -> tuple[str, str]:
    """A word problem and its gold answer: the reasoning with its last line `#### N`, or that line alone."""
    solution = problem.solution if style == "cot" else f"#### {problem.answer}"
    return user_message(problem.question, style), solution


def code_turns(problem: CodeProblem, style: Style) -> tuple[str, str]:
    """A function to be completed, and the whole of it but for the docstring that was given, each in a block of code."""
    asked = f"Complete this function.\n\n```python\n{problem.prompt.rstrip()}\n```"
    body = problem.canonical_solution.strip("\n").rstrip()
    return asked, f"```python\n{_without_docstring(f'{problem.prompt.rstrip()}{chr(10)}{body}', problem.entry_point)}\n```"


def _without_docstring(code: str, name: str) -> str:
    """Code without the docstring of its function `name`; as it stands where it cannot be read, or shares a line with that."""
    try:
        with warnings.catch_warnings(action="ignore"):
            top = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError):
        return code
    for node in top:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name and ast.get_docstring(node) is not None:
            docstring, *rest = node.body
            before, end = code.split("\n")[: docstring.lineno - 1], docstring.end_lineno or docstring.lineno
            if rest and rest[0].lineno > end and before and docstring.lineno > node.lineno:
                return "\n".join(before + code.split("\n")[end:])
    return code


def instruction_turns(prompt: InstructionPrompt, style: Style) -> tuple[str, str]:
    """A prompt as it stands, and a response that follows its instructions."""
    return prompt.prompt, prompt.response


TASK_TURNS: dict[str, tuple[type, Callable[[Any, Style], tuple[str, str]]]] = {
    "math": (MathProblem, math_turns),
    "code": (CodeProblem, code_turns),
    "if": (InstructionPrompt, instruction_turns),
}
"""The items of each task but multihop, and how they are worded."""
