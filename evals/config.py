"""What an evaluation asks: a model, a set of slices, and how answers are produced."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from kit.core.config import Config
from kit.core.records import Context, Question, Split, Style
from kit.models.load import Precision

Positive = Annotated[int, Field(ge=1)]

CONTINUED = ("cloze", "locality")
"""The probes that are a text to be continued."""


class Slice(Config):
    """One homogeneous set of questions asked in one way.

    mode: `generate` the answer; `prefilled`, the same after the answer's first words (format supplied); `choice`, pick the
    likeliest of type-matched candidates. shape: one shape or probe only. sub_questions: ask every hop by itself as well.
    limit: the first n questions.
    """

    split: Split
    hops: Positive | None = None
    shape: str | None = None
    style: Style = "cot"
    context: Context = "closed"
    mode: Literal["generate", "prefilled", "choice"] = "generate"
    sub_questions: bool = False
    limit: Positive | None = None

    @model_validator(mode="after")
    def _agree(self) -> Slice:
        if self.style == "cloze" and (not self.split.startswith("recall_") or self.shape not in (None, *CONTINUED)):
            raise ValueError(f"style cloze is for the probes {' and '.join(CONTINUED)} of the recall splits")
        if self.style != "cloze" and (self.shape in CONTINUED or (self.split.startswith("recall_") and not self.shape)):
            raise ValueError("the recall splits are asked in style cloze, or with a shape that is a question")
        if self.mode != "generate" and self.style != "direct":
            raise ValueError(f"mode {self.mode} needs style direct")
        return self

    @property
    def name(self) -> str:
        """A readable, unique name: `novel/2-hop/cot/closed/generate`."""
        shape = f"{self.shape}/" if self.shape else ""
        return f"{self.split}/{shape}{self.hops or 'all'}-hop/{self.style}/{self.context}/{self.mode}"

    def holds(self, question: Question) -> bool:
        """Whether a question belongs to the slice. Without a shape: all, or the plain clozes."""
        shape = self.shape or ("cloze" if self.style == "cloze" else None)
        return question.split == self.split and self.hops in (None, question.hops) and shape in (None, question.shape)


class EvalConfig(Config):
    """One evaluation: which slices, with which task's rules, and how much memory a batch may take."""

    task: Literal["multihop"] = "multihop"
    slices: Annotated[tuple[Slice, ...], Field(min_length=1)]
    max_new_tokens: dict[Style, Positive] = {"cot": 256, "direct": 32, "cloze": 16}
    candidates: Positive = 4
    batch_tokens: Positive = 16384
    max_batch: Positive = 256
    precision: Precision = "auto"
    threads: Positive = 1

    @model_validator(mode="after")
    def _distinct(self) -> EvalConfig:
        names = [s.name for s in self.slices]
        if len(set(names)) < len(names):
            raise ValueError("two slices are the same")
        return self
