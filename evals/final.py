"""The final answer of an output: what is scored, apart from what was thought aloud before it."""

from __future__ import annotations

import re
from typing import NamedTuple

_NAMES = r"think|thinking|thought|thoughts|reasoning|reflection|seed:think"
_OPEN = re.compile(rf"\s*(?:<(?:{_NAMES})>|\[THINK\]|◁think▷)", re.IGNORECASE)
_CLOSE = re.compile(rf"</(?:{_NAMES})>|\[/THINK\]|◁/think▷", re.IGNORECASE)
_CHANNELS = re.compile(r"\s*analysis(.*?)assistantfinal", re.DOTALL)
"""gpt-oss's channels, once its control tokens are gone."""


class Final(NamedTuple):
    """answer: what is scored. thought: what was thought before it, without its marks."""

    answer: str
    thought: str


def final_answer(output: str) -> Final:
    """An output in two parts. A thought stands at the beginning, between marks; one whose beginning was in the prompt (R1) has
    its end alone, and of one that never ends nothing is an answer.

    The marks: `<think>` (DeepSeek-R1, Qwen3, SmolLM3) and its relatives, `[THINK]` (Magistral), `◁think▷` (Kimi), the channels of
    gpt-oss.

    >>> final_answer("<think>4 or 5?</think>So the answer is 4.")
    Final(answer='So the answer is 4.', thought='4 or 5?')
    >>> final_answer("4 or 5?</think>So the answer is 4.")
    Final(answer='So the answer is 4.', thought='4 or 5?')
    >>> final_answer("<think>4 or 5? The answer is")
    Final(answer='', thought='4 or 5? The answer is')
    """
    if channels := _CHANNELS.match(output):
        return Final(output[channels.end() :], channels[1])
    thoughts: list[str] = []
    rest = output
    while opened := _OPEN.match(rest):
        closed = _CLOSE.search(rest, opened.end())
        if not closed:
            return Final("", "\n".join([*thoughts, rest[opened.end() :].strip()]))
        thoughts.append(rest[opened.end() : closed.start()].strip())
        rest = rest[closed.end() :]
    if not thoughts and (closed := _CLOSE.search(rest)) and not _OPEN.search(rest, 0, closed.start()):
        thoughts.append(rest[: closed.start()].strip())
        rest = rest[closed.end() :]
    return Final(from_first_line(rest) if thoughts else rest, "\n".join(filter(None, thoughts)))


def from_first_line(output: str) -> str:
    """An output without blank lines before it, its first line's indent kept."""
    return re.sub(r"^(?:[^\S\n]*\n)+", "", output)
