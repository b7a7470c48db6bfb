"""The final answer of an output: what is scored or judged, apart from what was thought aloud before it and what was invented
behind it. Every scorer and judge reads this, and nothing else."""

from __future__ import annotations

import re
from typing import NamedTuple

from kit.core.records import Finish
from kit.infer.backend import Output

_NAMES = r"think|thinking|thought|thoughts|reasoning|reflection|scratchpad|seed:think"
_OPEN = re.compile(
    rf"\s*(?:<(?:{_NAMES})>|\[THINK\]|◁think▷|<\|START_THINKING\|>|<\|inner_prefix\|>|<\|channel>thought\n"
    r"|(?:<\|start\|>assistant)?<\|channel\|>analysis<\|message\|>)",
    re.IGNORECASE,
)
_CLOSE = re.compile(
    rf"</(?:{_NAMES})>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|inner_suffix\|>|<channel\|>"
    r"|<\|end\|>(?=<\|start\|>assistant)",
    re.IGNORECASE,
)
_CHANNELS = re.compile(r"\s*analysis(.*?)assistantfinal", re.DOTALL)
"""gpt-oss's channels, once its control tokens are gone."""

_WRAPPED = re.compile(
    r"\s*(?:<(answer|output|response)>(?P<tagged>.*?)(?:</\1>\s*|\Z)"
    r"|<\|START_RESPONSE\|>(?P<cohere>.*?)(?:<\|END_RESPONSE\|>\s*|\Z)"
    r"|(?:<\|start\|>assistant)?<\|channel\|>final<\|message\|>(?P<harmony>.*?)(?:<\|(?:end|return)\|>\s*|\Z))\Z",
    re.DOTALL | re.IGNORECASE,
)
"""An answer between marks of its own, as some models give it behind a thought."""

_ENDED = re.compile(
    r"(?<![\"'`])(?:<\|(?:endoftext|im_end|eot_id|end_of_text|end|return|eom_id)\|>|<end_of_turn>|<turn\|>)(?![\"'`])"
    r"|</s>(?=\s*(?:\Z|<s>|\[INST\]))"
)
"""The end of a turn, where a server or a recording shows it as text."""

NEXT_QUESTION = re.compile(
    r"\n[^\S\n]*(?:\*\*|#{1,4} *)?(?:Question|Q|Problem|Exercise|Human|User|Instruction)(?: *\d+)?(?:\*\*)? *:", re.IGNORECASE
)
"""Where a model that was not stopped goes on to ask itself."""

_FRAME = re.compile(r"(?<=\S)\s*\n[^\S\n]*\n(?:Question|Q|Problem):")
"""The same, as the frame of a base model has it."""


class Final(NamedTuple):
    """answer: what is scored. thought: what was thought before it, without its marks. finish: why the output ends."""

    answer: str
    thought: str = ""
    finish: Finish = "unknown"

    @property
    def cut(self) -> bool:
        """Whether the answer, or the thought before it, was cut off."""
        return self.finish == "length"


def final_answer(output: Output) -> Final:
    """An output in two parts. A thought stands at the beginning, between marks; one whose beginning was in the prompt (R1) has
    its end alone, and of one that never ends nothing is an answer.

    The marks: `<think>` (DeepSeek-R1, Qwen3, SmolLM3) and its relatives, `[THINK]` (Magistral), `◁think▷` (Kimi), Cohere's,
    Apertus' and Gemma's tokens, the channels of gpt-oss. Behind a thought an answer may have marks too (`<answer>`).

    >>> final_answer(Output("<think>4 or 5?</think>So the answer is 4."))[:2]
    ('So the answer is 4.', '4 or 5?')
    >>> final_answer(Output("4 or 5?</think>So the answer is 4."))[:2]
    ('So the answer is 4.', '4 or 5?')
    >>> final_answer(Output("<think>4 or 5? The answer is", "length"))[:2]
    ('', '4 or 5? The answer is')
    """
    answer, thoughts = _apart(_ended(output.text))
    told = [thought for thought in (output.thought, *thoughts) if thought.strip()]
    if told and (wrapped := _WRAPPED.match(answer)):
        answer = next(part for part in wrapped.groupdict().values() if part is not None)
    return Final(_from_first_line(answer) if thoughts else answer, "\n".join(told), output.finish)


def _ended(text: str) -> str:
    """An output up to the end of its turn. The thought of gpt-oss ends in a mark that ends no turn."""
    ends = (end for end in _ENDED.finditer(text) if not text.startswith("<|start|>assistant", end.end()))
    return text[: end.start()] if (end := next(ends, None)) else text


def _apart(text: str) -> tuple[str, list[str]]:
    """The answer, and the thoughts before it."""
    if channels := _CHANNELS.match(text):
        return text[channels.end() :], [channels[1]]
    thoughts: list[str] = []
    rest = text
    while opened := _OPEN.match(rest):
        closed = _CLOSE.search(rest, opened.end())
        if not closed:
            return "", [*thoughts, rest[opened.end() :].strip()]
        thoughts.append(rest[opened.end() : closed.start()].strip())
        rest = rest[closed.end() :]
    while (closed := _CLOSE.search(rest)) and not _OPEN.search(rest, 0, closed.start()):
        thoughts.append(rest[: closed.start()].strip())
        rest = rest[closed.end() :]
    return rest, thoughts


def _from_first_line(answer: str) -> str:
    """Without blank lines before it, its first line's indent kept."""
    return re.sub(r"^(?:[^\S\n]*\n)+", "", answer)


def before_next_question(answer: str, given: re.Pattern[str], bare: bool = False) -> str:
    """Up to where a model that has answered goes on to ask itself. given: what an answer in the task's form looks like; bare:
    what stands before a question in the frame's form is an answer, whatever it looks like.

    >>> before_next_question("#### 12\n\nQuestion: And 7 more?\n#### 19", re.compile("#### "))
    '#### 12'
    """
    first, frame = given.search(answer), _FRAME.search(answer) if bare else None
    if frame and (not first or first.start() > frame.start()):
        return answer[: frame.start()]
    later = NEXT_QUESTION.search(answer, first.end()) if first else None
    return answer[: later.start()].rstrip() if later else answer
