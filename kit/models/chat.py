"""What is said, as text: a checkpoint's chat template, or a plain frame of questions and answers where it has none.

A conversation is rendered whole, checked to hold what was said, and where each thing stands in it is known.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import Field, field_validator

from kit.core.config import Config
from kit.core.errors import KitError, first_line, nearest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Span = tuple[int, int]
"""Where something stands in a text: its first character, and the one after its last."""

Shots = Sequence[tuple[str, str]]
"""Earlier turns, each of the user and the assistant."""

DATE = "2024-07-26"
"""What a template that asks for the date is told: Llama 3's own, where none is given."""

FRAME = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}\n\n"
    "{% elif m.role == 'user' %}Question: {{ m.content }}\nAnswer:"
    "{% else %} {{ m.content }}{% if not loop.last %}\n\n{% endif %}{% endif %}{% endfor %}"
)
"""What stands in for a chat template where a checkpoint has none."""

FRAME_GOES_ON = "\nQuestion:"
"""Where a model that was asked by the frame goes on to ask itself."""

_NOT_ARGUMENTS = {"messages", "add_generation_prompt", "raise_exception", "strftime_now", "tools", "documents", "namespace"}
"""Names in a template that a conversation, or its renderer, fills."""

_ASKS_DATE = re.compile(r"""strftime_now\s*\(\s*(['"])(.*?)\1\s*\)""")

_OPENED = re.compile(r"<(\w+)>\s*$")
"""A tag that a template opens for the model to think in."""


class ChatSettings(Config):
    """How a checkpoint is spoken to. system: a system turn before all others. template: the chat template's own arguments, as
    {enable_thinking = false}. date: what a template takes for today, so that it is the same tomorrow."""

    system: Annotated[str, Field(min_length=1)] | None = None
    template: dict[str, bool | int | float | str] = {}
    date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] = DATE

    @field_validator("template")
    @classmethod
    def _no_words_for_booleans(cls, template: dict[str, Any]) -> dict[str, Any]:
        if wrong := next((n for n, v in template.items() if isinstance(v, str) and v.lower() in ("true", "false")), None):
            raise ValueError(f"{wrong} is a text: write true or false, in small letters and without quotes")
        return template

    @field_validator("date")
    @classmethod
    def _a_day(cls, day: str) -> str:
        try:
            date.fromisoformat(day)
        except ValueError as error:
            raise ValueError(f"no day of the calendar: {error}") from None
        return day

    @property
    def chat(self) -> ChatSettings:
        """These settings alone, of a larger configuration."""
        return ChatSettings(system=self.system, template=self.template, date=self.date)

    def first_set(self) -> str | None:
        """The name of the first of these that is set; None where all are as they come."""
        return next((n for n in ChatSettings.model_fields if getattr(self, n) != ChatSettings.model_fields[n].default), None)


class Rendered(NamedTuple):
    """A conversation as text. said: where each thing that was said stands in it, in order. prompt: where what the assistant says
    at last begins, with all that the template puts before it."""

    text: str
    said: tuple[Span, ...]
    prompt: int


class ChatTemplate:
    """A tokenizer's chat template with its settings.

    Raises KitError where it has no such argument, loses what is said, or does not know what it is told (a date without effect).
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, settings: ChatSettings) -> None:
        self.tokenizer, self.settings = tokenizer, settings
        self.own = not framed(tokenizer)
        self._control = control_pattern(tokenizer)
        try:
            self.source = tokenizer.get_chat_template() if self.own else frame(tokenizer)
        except ValueError as error:  # several by name, and none of them the default
            raise KitError(f"the checkpoint's chat template cannot be chosen: {first_line(error)}") from None
        self._dated = _dated(self.source, date.fromisoformat(settings.date))
        self._parts = False
        self._frames: dict[tuple[int, bool], list[str]] = {}
        self._check()

    def asked(self, message: str, shots: Shots = ()) -> Rendered:
        """A conversation that waits for its answer. Blanks at its end are left to the answer, which most tokenizers begin with
        one."""
        said = [text for turn in shots for text in turn] + [message]
        text = self._rendered(said, waits=True)
        spans = self._spans(text, said, waits=True)
        return Rendered(text.rstrip(" "), spans, len(text.rstrip(" ")))

    def answered(self, turns: Shots) -> Rendered:
        """A conversation up to its last answer, ended as the template ends a turn, or else with the tokenizer's end token.

        Raises KitError where the template changes what stands before an answer once that is given.
        """
        (found,) = self.all_answered([turns])
        if isinstance(found, KitError):
            raise found
        return found

    def all_answered(self, conversations: Sequence[Shots]) -> list[Rendered | KitError]:
        """The same of many, which takes less time; of one that cannot be, what is wrong with it."""
        said = [[text for turn in turns for text in turn] for turns in conversations]
        answered, asked = self._all_rendered(said, waits=False), self._all_rendered([s[:-1] for s in said], waits=True)
        found: list[Rendered | KitError] = []
        for each, text, prompt in zip(said, answered, asked, strict=True):
            try:
                found.append(self._answered(each, text, prompt))
            except KitError as error:
                found.append(error)
        return found

    def _answered(self, said: Sequence[str], text: str | KitError, asked: str | KitError) -> Rendered:
        """text, asked: what is rendered of it, with its last answer and before that."""
        for each in (text, asked):
            if isinstance(each, KitError):
                raise each
        assert isinstance(text, str)
        assert isinstance(asked, str)
        spans = self._spans(text, said, waits=False)
        asked = asked.rstrip(" ")
        start, end = spans[-1]
        head = text[:start]
        if not text.startswith(asked):
            self._spans(asked, said[:-1], waits=True)
            head = self._thought_closed(asked, head)
        moved = len(head) - start
        spans = (*spans[:-1], (start + moved, end + moved))
        return Rendered(head + text[start:end] + self._ended(text[end:]), spans, len(asked))

    @cached_property
    def keeps_turns(self) -> bool:
        """Whether an earlier answer stands in a longer conversation as it stood when it was the last."""
        turns = [("Who?", "Ada."), ("And?", "Bo.")]
        whole, first = self.answered(turns), self.answered(turns[:1])
        return whole.text.startswith(first.text[: first.said[-1][1]])

    @cached_property
    def turn_end(self) -> str | None:
        """The control token that the template puts after an answer; None where it closes no turn."""
        text = self._rendered(["Who?", "Ada."], waits=False)
        found = self._control.search(text[self._spans(text, ["Who?", "Ada."], waits=False)[-1][1] :])
        return found.group() if found else None

    def _ended(self, tail: str) -> str:
        """What follows an answer up to the token that ends it."""
        found = self._control.search(tail)
        return tail[: found.end()] if found else tail.rstrip() + (self.tokenizer.eos_token or "")

    def _thought_closed(self, asked: str, head: str) -> str:
        """What stands before an answer where the template opens a thought for the model but not in what was answered: the
        thought, ended before it began."""
        opened = _OPENED.search(asked)
        if not opened or not head.startswith(asked[: opened.start()]):
            raise KitError("the checkpoint's chat template changes the prompt once it is answered: it cannot be trained on")
        rest = head[opened.start() :]
        own = re.match(rf"\s*<{opened[1]}>\s*(</{opened[1]}>\s*)$", rest)
        return asked + (own[1] if own else f"\n</{opened[1]}>\n\n{rest.lstrip()}")

    def _rendered(
        self, said: Sequence[str], waits: bool, system: str | None = None, template: dict[str, Any] | None = None
    ) -> str:
        (text,) = self._applied([said], waits, system, template)
        return text

    def _all_rendered(self, said: Sequence[Sequence[str]], waits: bool) -> list[str | KitError]:
        """Many conversations rendered; of one that the template refuses, what it says."""
        with contextlib.suppress(KitError):
            return [*self._applied(said, waits)]
        found: list[str | KitError] = []
        for each in said:
            try:
                found.append(self._rendered(each, waits))
            except KitError as error:
                found.append(error)
        return found

    def _applied(
        self, said: Sequence[Sequence[str]], waits: bool, system: str | None = None, template: dict[str, Any] | None = None
    ) -> list[str]:
        """The template, as transformers applies it. Raises KitError where it refuses one of the conversations."""
        system = system or self.settings.system
        begun: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
        talks = [[*begun, *({"role": ("user", "assistant")[i % 2], "content": t} for i, t in enumerate(each))] for each in said]
        if self._parts:
            talks = [[{**m, "content": [{"type": "text", "text": m["content"]}]} for m in talk] for talk in talks]
        arguments: dict[str, Any] = dict(self.settings.template if template is None else template)
        try:
            return list(
                self.tokenizer.apply_chat_template(
                    talks, chat_template=self._dated, tokenize=False, add_generation_prompt=waits, **arguments
                )
            )
        except Exception as error:  # noqa: BLE001  # a template is a program of its author's: jinja2's errors, and any of Python's
            wants = "" if self.settings.system else ": it may want a system turn, -o system=..."
            raise KitError(f"the checkpoint's chat template refuses a conversation ({first_line(error)}){wants}") from None

    def _spans(self, text: str, said: Sequence[str], waits: bool) -> tuple[Span, ...]:
        """Where each thing that was said stands, the system turn first. Raises KitError where one does not stand."""
        contents = [self.settings.system, *said] if self.settings.system else list(said)
        found = self._framed(text, contents, waits)
        if found is None:
            # It treats what is said by what it is. What is not last may be rewritten, an answer that a template thinks twice of.
            last = contents[-1]
            around = "".join(self._frames[len(contents), waits])
            kept = not last.strip() or text.count(last.strip()) > around.count(last.strip())
            found = _in_order(text, contents, len(contents) - len(said)) if kept else None
        if found is None:
            lost = next((s for s in (*said[::2], said[-1]) if s.strip() not in text), said[-1]).strip()
            raise KitError(f"the checkpoint's chat template does not keep what is said: {lost[:60]!r}")
        return found

    def _framed(self, text: str, said: Sequence[str], waits: bool) -> tuple[Span, ...] | None:
        """The same, from what the template puts around any conversation of so many turns."""
        key = (len(said), waits)
        if key not in self._frames:
            marks = [f"\ue000{i}\ue001" for i in range(len(said))]
            system = marks.pop(0) if self.settings.system else None
            self._frames[key] = re.split("\ue000\\d+\ue001", self._rendered(marks, waits, system))
        pieces = self._frames[key]
        if len(pieces) != len(said) + 1 or not text.startswith(pieces[0]):
            return None
        spans: list[Span] = []
        place = len(pieces[0])
        for given, after in zip(said, pieces[1:], strict=True):
            form = next((f for f in (given, given.strip()) if text.startswith(f + after, place)), None)
            if form is None:
                return None
            spans.append((place, place + len(form)))
            place += len(form) + len(after)
        return tuple(spans) if place == len(text) else None

    def _check(self) -> None:
        """Raises KitError for what cannot work with any conversation."""
        from jinja2 import Environment, TemplateError, meta

        try:
            plain = re.sub(r"{%-?\s*(end)?generation\s*-?%}", "", self.source)
            known = meta.find_undeclared_variables(Environment(extensions=["jinja2.ext.loopcontrols"]).parse(plain))
        except TemplateError as error:
            raise KitError(f"the checkpoint's chat template cannot be read: {first_line(error)}") from None
        for name in self.settings.template:
            if name not in known - _NOT_ARGUMENTS:
                hint = nearest(name, known - _NOT_ARGUMENTS) if known - _NOT_ARGUMENTS else "it takes none"
                raise KitError(f"template.{name}: the checkpoint's chat template has no such argument; {hint}")
        if self.settings.date != DATE and "strftime_now" not in known:
            raise KitError("date: the checkpoint's chat template does not ask for the date")
        probe = ["What is it?", "It is Ada."]
        refused: list[KitError] = []
        for parts in (False, True):
            self._parts = parts
            try:
                if _in_order(self._rendered(probe, waits=False), probe):
                    break
            except KitError as error:
                refused.append(error)
        else:
            lost = KitError("the checkpoint's chat template does not keep what is said, neither as text nor as parts")
            raise refused[0] if refused else lost
        given = self.settings.template
        for name in given:
            forms = [[self._rendered(probe[:n], n == 1, template=t) for n in (1, 2)] for t in (given, _without(given, name))]
            if forms[0] == forms[1]:
                raise KitError(f"template.{name}: so set, it changes nothing in the checkpoint's chat template")
        if self.settings.system and self.settings.system.strip() not in self._rendered(probe[:1], waits=True):
            raise KitError("system: the checkpoint's chat template leaves the system turn out")


def _without(arguments: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in arguments.items() if k != name}


def control_pattern(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str]:
    """What matches the tokenizer's control tokens, which are those that it marks as special."""
    added = {t.content for t in tokenizer.added_tokens_decoder.values() if t.special} | {*tokenizer.all_special_tokens}
    tokens = sorted((t for t in added if t.strip()), key=lambda t: (-len(t), t))
    if not tokens:
        return re.compile(r"(?!)")
    # Their first characters are few: most places of a text need no look at hundreds of names.
    by_first: dict[str, list[str]] = {}
    for token in tokens:
        by_first.setdefault(token[0], []).append(re.escape(token[1:]))
    return re.compile("|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in by_first.items()))


def _in_order(text: str, said: Sequence[str], before: int = 0) -> tuple[Span, ...] | None:
    """Where things stand in a text, each behind the one before; None where one does not. before: things said before user and
    assistant take turns. An earlier answer that does not stand before the next question is nowhere."""
    spans: list[Span] = []
    place = 0
    for i, given in enumerate(said):
        found = _found(text, given, place)
        earlier = (i - before) % 2 == 1 and i < len(said) - 1
        if earlier and (follows := _found(text, said[i + 1], place)) and (not found or found[0] > follows[0]):
            found = (place, place)
        if not found:
            return None
        spans.append(found)
        place = found[1]
    return tuple(spans)


def _found(text: str, given: str, place: int) -> Span | None:
    """The first place from `place` on where something is said, as it is or without the blanks around it."""
    for form in (given, given.strip()):
        if (start := text.find(form, place)) >= 0:
            return start, start + len(form)
    return None


def _dated(source: str, today: date) -> str:
    """A template with the day written into it. Raises KitError where it asks for the day in a way that is not understood."""
    found = _ASKS_DATE.sub(lambda asked: repr(today.strftime(asked[2])), source)
    if re.search(r"strftime_now(?!\s+is\s+(not\s+)?defined)", found):
        raise KitError("the checkpoint's chat template asks for the date in a form that is worked out: no day can be given to it")
    return found


def frame(tokenizer: PreTrainedTokenizerBase) -> str:
    """The template that stands in where a checkpoint has none, behind the token that the tokenizer puts before any text."""
    return ("{{ bos_token }}" if start_token(tokenizer) else "") + FRAME


def framed(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether a checkpoint is asked by the frame: it has no template, or keeps that one."""
    return not tokenizer.chat_template or tokenizer.chat_template == frame(tokenizer)


def start_token(tokenizer: PreTrainedTokenizerBase) -> str:
    """The token that the tokenizer itself puts before a text; empty where it puts none."""
    ids: list[int] = tokenizer("x")["input_ids"]
    return str(tokenizer.bos_token) if ids and tokenizer.bos_token and ids[0] == tokenizer.bos_token_id else ""
