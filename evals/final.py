"""The final answer of an output: what is scored or judged, apart from what was thought aloud before it and what was invented
behind it. Every scorer and judge reads this, and nothing else."""

from __future__ import annotations

import re
from typing import NamedTuple

from kit.core.records import Finish
from kit.infer.backend import Output
from kit.models.prompts import ANSWER_CUE

_NAMES = r"think|thinking|thought|thoughts|reasoning|reflection|scratchpad|seed:think"
_OPEN = re.compile(
    rf"<(?:{_NAMES})>|\[THINK\]|◁think▷|<\|START_THINKING\|>|<\|inner_prefix\|>|<\|channel>thought\n"
    r"|(?:<\|start\|>assistant)?<\|channel\|>analysis<\|message\|>",
    re.IGNORECASE,
)
_OPEN_LATER = re.compile(rf"(?<=\n)(?:{_OPEN.pattern})", re.IGNORECASE)
_CLOSE = re.compile(
    rf"</(?:{_NAMES})>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|inner_suffix\|>|<channel\|>"
    r"|<\|end\|>(?=<\|start\|>assistant)",
    re.IGNORECASE,
)
_CLOSE_ALONE = re.compile(
    rf"^[^\S\n]*</(?:{_NAMES})>|(?<![\s\"'`])</think(?:ing)?>(?![\"'`,.;:!?)])|^[^\S\n]*\[/THINK\]|◁/think▷",
    re.IGNORECASE | re.MULTILINE,
)
"""The end of a thought whose beginning was in the prompt: on a line of its own, or right behind the thought."""

_CHANNELS = re.compile(r"analysis(?:(.*?)assistantfinal|(?=[A-Z]))", re.DOTALL)
"""gpt-oss's channels, once its control tokens are gone."""

_BEGUN = re.compile(
    r"\s*(?:<\|im_start\|>assistant\n|<｜Assistant｜>|<\|assistant\|>|<start_of_turn>model\n"
    r"|<\|start_header_id\|>assistant<\|end_header_id\|>)"
)
"""What a template puts before an answer, where a recording shows it."""

_TAGGED = re.compile(r"\s*<(answer|output|response)>(?P<said>.*?)(?:</\1>\s*|\Z)\Z", re.DOTALL | re.IGNORECASE)
"""An answer between marks of its own, as some models give it behind a thought."""

_LAST_CHANNEL = re.compile(
    r"\s*(?:<\|START_RESPONSE\|>(?P<cohere>.*?)(?:<\|END_RESPONSE\|>\s*|\Z)"
    r"|(?:<\|start\|>assistant)?<\|channel\|>final<\|message\|>(?P<harmony>.*))\Z",
    re.DOTALL,
)
"""The same in control tokens, with or without a thought."""

_ENDED = re.compile(
    r"(?<![\"'`])(?:<\|(?:endoftext|im_end|eot_id|end_of_text|end|return|eom_id|user)\|>|<end_of_turn>|<turn\|>|<eos>"
    r"|<｜end▁of▁sentence｜>)(?![\"'`])|(?<=\s)\[INST\](?=\s)|</s>(?=\s*(?:\Z|<s>|\[INST\]))"
)
"""The end of a turn, where a server or a recording shows it as text."""

_NAMED_IN_PROSE = re.compile(r"(?<=\s)<[^<>]+>(?=[ ,.;:)])")
"""A control token that a sentence speaks of."""

GIVEN = re.compile(rf"#### *-?[$]?[0-9]|{ANSWER_CUE}|\\boxed|\b(?:final answer|answer is)\b", re.IGNORECASE)
"""What an answer looks like that a model gives in a form of its own."""

_NEXT = re.compile(
    r"\n[^\S\n]*(?:(?:\*\*|#{1,4} *)?(?:Question|Q|Problem|Exercise|Human|User|Instruction)|#{1,4} *Input)"
    r"(?: *(?P<number>\d+))?(?:\*\*)? *:[^\S\n]*\n?[^\S\n]*(?P<asks>[^\n]{0,60})",
    re.IGNORECASE,
)
"""Where a model that was not stopped goes on to ask itself."""

_LEAD_IN = re.compile(
    r"(?:sure|certainly|of course|okay|ok|alright|great|here|let(?:'s| me| us)|to (?:answer|solve))\b[^\n]*", re.IGNORECASE
)
"""What is said before an answer, and is none."""

_ASKS_ITSELF = re.compile(r"\s*(?:\*\*|#{1,4} *)?(?:Sub-?)?(?:Question|Q|Problem)(?: *\d+)?(?:\*\*)? *:", re.IGNORECASE)
"""How an output begins that takes a question apart into others."""


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
    text = _ended(output.text.removeprefix("\ufeff"))
    if begun := _BEGUN.match(text):
        text = text[begun.end() :]
    answer, thoughts = _apart(text)
    if last := _LAST_CHANNEL.match(answer):
        answer = last["cohere"] if last["cohere"] is not None else last["harmony"]
    if (thoughts or output.thought) and (tagged := _TAGGED.match(answer)):
        answer = tagged["said"]
    told = [thought for thought in (output.thought, *thoughts) if thought.strip()]
    return Final(_from_first_line(answer) if thoughts else answer, "\n".join(told), output.finish)


def _ended(text: str) -> str:
    """An output up to the end of its turn. The thought of gpt-oss ends in a mark that ends no turn."""
    for end in _ENDED.finditer(text):
        of_a_thought = text.startswith("<|start|>assistant", end.end())
        closes_a_tag = end[0] == "</s>" and "<s>" in text[: end.start()]
        if not (of_a_thought or closes_a_tag or _NAMED_IN_PROSE.match(text, end.start())):
            return text[: end.start()]
    return text


def _apart(text: str) -> tuple[str, list[str]]:
    """The answer, and the thoughts before it."""
    rest = text.lstrip()
    if channels := _CHANNELS.match(rest):
        return (rest[channels.end() :], [channels[1]]) if channels[1] is not None else ("", [rest[len("analysis") :]])
    thoughts: list[str] = []
    start = len(text) - len(rest)
    while opened := _OPEN.match(text, start) or _opened_later(text, start):
        closed = _CLOSE.search(text, opened.end())
        thoughts.append(text[opened.end() : closed.start() if closed else len(text)].strip())
        before = text[: opened.start()].rstrip()
        text = before + (text[closed.end() :] if closed else "")
        start = len(before) if before else len(text) - len(text.lstrip())
    while (closed := _CLOSE_ALONE.search(text)) and not _OPEN.search(text, 0, closed.start()):
        if text.count("```", 0, closed.start()) % 2:  # in a block of code
            break
        thoughts.append(text[: closed.start()].strip())
        text = text[closed.end() :]
    return text, thoughts


def _opened_later(text: str, start: int) -> re.Match[str] | None:
    """A thought that begins a later line, outside of a block of code."""
    for found in _OPEN_LATER.finditer(text, start):
        if text.count("```", 0, found.start()) % 2 == 0:
            return found
    return None


def _from_first_line(answer: str) -> str:
    """Without blank lines before it, its first line's indent kept."""
    return re.sub(r"^(?:[^\S\n]*\n)+", "", answer)


def before_next_question(answer: str, asked: str, least: str = r"\w") -> str:
    """Up to where a model that has answered `asked` goes on to ask itself.

    What stands before a question without number is an answer, if it holds what an answer has to (`least`, a pattern) and is not
    only a lead-in; before one with a number it has to look like one. A question that is repeated is no next one, and an output
    that begins with another question takes the one that was asked apart.

    >>> before_next_question("12\\n\\nQuestion: And 7 more?\\n19", "How many?")
    '12'
    """
    known = _plain(asked)[:30]

    def repeated(text: str) -> bool:
        said = _plain(text)[:30]
        return bool(known) and (said.startswith(known) or (len(said) > 7 and known.startswith(said)))

    begun = _ASKS_ITSELF.match(answer)
    if begun and not repeated(answer[begun.end() : begun.end() + 80]):
        return answer
    given = GIVEN.search(answer)
    for found in _NEXT.finditer(answer):
        before = answer[: found.start()].strip()
        answered = given is not None and given.end() <= found.start()
        bare = not found["number"] and re.search(least, before) is not None and not _LEAD_IN.fullmatch(before)
        if (answered or bare) and not repeated(found["asks"]):
            return answer[: found.start()].rstrip()
    return answer


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
