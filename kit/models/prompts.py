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
    r"(?:\b(?:answer|conclusion|Antwort|respuesta|réponse|risposta|resposta|ответ)|答案)[\"']?(?:\s{1,9}to\s{1,9}(?:the|this|your)\s{1,9}question)?\s{0,9}(?:\*\*|__)?\s{0,9}"
    r"(?:[:：]|\b(?:is|was|would be|must be|should be|ist|es|est|è|é)\b:?|是[:：]?|[-–—]\s)\s{0,9}(?:\*\*|__)?"
    r"(?!\s{0,9}(?:not|wrong|incorrect|unclear|unknown)\b)",
    re.IGNORECASE,
)
_HEADED = re.compile(
    r"^(?:\*\*|#{1,6} ?)(?:the |my )?(?:final |short )?answer:?(?:\*\*)?:?[^\S\n]*\n\s{0,9}(\S[^\n]*)", re.I | re.M
)
_BEFORE = re.compile(
    r"(?:^|[.!?] {1,2})(?:(?:so|thus|hence|therefore),? )?([^.!?\n]{1,200}?),? is the (?:final |correct |right )?answer\b",
    re.I | re.M,
)
_BOXED = re.compile(r"\\boxed\s{0,9}\{((?:[^{}]|\{[^{}]*\}){1,500})\}")
_TAGGED = re.compile(r"<answer>([^<]{1,500})</answer>", re.IGNORECASE)
_BOLD = re.compile(r"(?:\*\*|__)(?=\S)([^*\n]{1,300}?)(?:\*\*|__)")
_LATEX = re.compile(r"\\(?:boxed|text|textbf|textit|mathrm|mathbf)\s{0,9}\{|[{}$]")
_DOUBT = re.compile(r"\b(?:not|unclear|whether|if|doubt|unsure|unlikely)\b[^.!?\n]{0,60}$|n't\b[^.!?\n]{0,60}$", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"\b(?:do not|don't|cannot|can't|could not) (?:know|tell|say|determine|answer|be determined)", re.IGNORECASE
)
_REASONS = re.compile(
    r"(?<=\S)\s{0,9}\n\s{0,9}(?:\*\*|#{1,6} ?)?(?:Explanation|Reasoning|Reason|Justification|Note)\b", re.IGNORECASE
)


def loose_answer(output: str) -> str | None:
    r"""The answer of a model that was never told the cue: what the cue says; else what is boxed, what "the answer is" (or "is the
    answer") says, the last words in bold, or the last line before any explanation, in this order; None of an output without
    words, or one that says that it does not know.

    >>> loose_answer("Ode Labs is led by **Ada Byrne**."), loose_answer(r"\boxed{\text{Ada Byrne}}"), loose_answer("Ada Byrne.")
    ('Ada Byrne', 'Ada Byrne', 'Ada Byrne')
    """
    own = _REASONS.split(output, maxsplit=1)[0]
    said = [found for found in _SAID.finditer(own) if not _DOUBT.search(own, max(0, found.start() - 80), found.start())]
    lines = [re.sub(r"^\s*(?:[-*•>#]+|\d+[.)])\s+", "", line) for line in own.split("\n") if not _SAID.search(line)]
    bold = [text for text in _BOLD.findall(own) if not text.rstrip().endswith(":") and not _SAID.search(f"{text}:")]
    last = [line for line in lines if re.search(r"\w", line)]
    ways = (
        [extract_answer(output) or ""],
        _BOXED.findall(own) or _TAGGED.findall(own),
        [first_sentence(own[found.end() :].strip()) for found in said[-1:]],
        _HEADED.findall(own),
        _BEFORE.findall(own),
        *((bold, last) if not (last and _UNKNOWN.search(last[-1])) else ()),
    )
    found = (_LATEX.sub("", way[-1]).strip(" .*_:\"'“”„«»‘’") for way in ways if way)
    return next((text for text in found if re.search(r"\w", text)), None)


def extract_hops(output: str) -> list[tuple[str, str]]:
    """The (sub-question, answering sentence) pairs of a chain of thought, in order.

    >>> extract_hops("Where was Al Oz born? Al Oz was born in Port Ann. Who governs Port Ann? Bo Li. So the answer is Bo Li.")
    [('Where was Al Oz born?', 'Al Oz was born in Port Ann'), ('Who governs Port Ann?', 'Bo Li')]
    """
    chain = (output.rpartition(ANSWER_CUE)[0] or output)[-20_000:]
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
