"""What an evaluation asks: a task, a set of slices, what runs the model, and how answers are produced."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field, JsonValue, field_validator, model_validator

from kit.core.config import Config
from kit.core.records import Context, Question, Split, Style, TaskName, Wording
from kit.models.chat import DATE, ChatSettings
from kit.models.load import Precision

Positive = Annotated[int, Field(ge=1)]
BackendName = Literal["transformers", "vllm", "server", "recorded"]

CONTINUED = ("cloze", "unseen", "locality")
"""The probes that are a text to be continued."""

OF_QUESTIONS = ("hops", "shape", "context", "mode", "sub_questions")
"""What only slices of multihop questions may set."""


class Slice(Config):
    """One homogeneous set of questions asked in one way.

    mode: `generate` the answer; `prefilled`, the same after the answer's first words (format supplied); `choice`, pick the
    likeliest of type-matched candidates, by the log-likelihood per token and as a whole. shape: one shape or probe only.
    sub_questions: ask every hop by itself as well. shots: worked examples before each question. samples: answers to each (above
    one, give a temperature). prompts: in how many, each with other worked examples, a fact is asked for (task knowledge). limit:
    the first n questions.
    """

    split: Split
    hops: Positive | None = None
    shape: str | None = None
    style: Style = "cot"
    context: Context = "closed"
    mode: Literal["generate", "prefilled", "choice"] = "generate"
    sub_questions: bool = False
    shots: Annotated[int, Field(ge=0, le=64)] = 0
    samples: Positive = 1
    prompts: Positive = 1
    limit: Positive | None = None

    @model_validator(mode="after")
    def _agree(self) -> Slice:
        if self.style == "cloze" and (not self.split.startswith("recall_") or self.shape not in (None, *CONTINUED)):
            raise ValueError(f"style cloze is for the probes {' and '.join(CONTINUED)} of the recall splits")
        if self.style != "cloze" and (self.shape in CONTINUED or (self.split.startswith("recall_") and not self.shape)):
            raise ValueError("the recall splits are asked in style cloze, or with a shape that is a question")
        if self.mode == "prefilled" and self.style != "direct":
            raise ValueError("mode prefilled needs style direct")
        if self.mode == "choice" and self.style == "cot":
            raise ValueError("mode choice needs style direct or cloze")
        if self.mode == "choice" and self.sub_questions:
            raise ValueError("sub_questions have nothing to choose from: ask them in mode generate")
        if self.mode == "choice" and self.context == "facts":
            raise ValueError(
                "mode choice needs context closed: of what is offered, the facts in a prompt tell of the answer first of all"
            )
        if self.style == "cloze" and self.shots:
            raise ValueError("a text to be continued takes no shots")
        return self

    @property
    def name(self) -> str:
        """A readable, unique name: `novel/2-hop/cot/closed/generate`."""
        shape = f"{self.shape}/" if self.shape else ""
        shots = f"/{self.shots}-shot" if self.shots else ""
        samples = f"/{self.samples} samples" if self.samples > 1 else ""
        samples += f"/{self.prompts} prompts" if self.prompts > 1 else ""
        return f"{self.split}/{shape}{self.hops or 'all'}-hop/{self.style}/{self.context}/{self.mode}{shots}{samples}"

    @property
    def short_name(self) -> str:
        """The same for tasks without hops: `test/cot/4-shot`."""
        shots = f"/{self.shots}-shot" if self.shots else ""
        samples = f"/{self.samples} samples" if self.samples > 1 else ""
        samples += f"/{self.prompts} prompts" if self.prompts > 1 else ""
        return f"{self.split}/{self.style}{shots}{samples}"

    def holds(self, question: Question) -> bool:
        """Whether a question belongs to the slice. Without a shape: all, or the plain clozes."""
        shape = self.shape or ("cloze" if self.style == "cloze" else None)
        return question.split == self.split and self.hops in (None, question.hops) and shape in (None, question.shape)


ASKED = {
    **dict.fromkeys(("model", "messages", "prompt"), "the evaluation says it itself"),
    **dict.fromkeys(("max_tokens", "max_completion_tokens"), "set max_new_tokens"),
    **dict.fromkeys(("stream", "n"), "each answer is asked for by itself, and whole"),
    "temperature": "set temperature",
    "seed": "set seed",
    "chat_template_kwargs": "set template",
}
"""What a request to a server says already, and what says it."""


class ServerConfig(Config):
    """A server that speaks OpenAI's chat completions. revision: what the model is, for as far as its name does not say. extra:
    more settings of every request, as {reasoning_effort = "low"}. tries: how often a request is sent before the evaluation gives
    up; timeout, in seconds, of each."""

    url: str
    revision: str = ""
    extra: dict[str, JsonValue] = {}
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    timeout: Annotated[float, Field(gt=0)] = 120.0
    tries: Annotated[int, Field(ge=1, le=20)] = 6

    @field_validator("extra")
    @classmethod
    def _no_more_than_extra(cls, extra: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if taken := next((name for name in extra if name in ASKED), None):
            raise ValueError(f"{taken} is not for server.extra: {ASKED[taken]}")
        json.dumps(extra, allow_nan=False)
        return extra


class BackendConfig(ChatSettings):
    """What runs a model, how it is spoken to, and how much memory a batch may take: so many tokens, prompts and answers together
    (without a word as many as fit into a part of the device's memory), and rows. recorded: a file of outputs, for the backend of
    that name. trust_remote_code: a checkpoint's own code may be run. devices: over how many a model is spread, by layers
    (transformers) or within each (vLLM). max_model_len, memory_share: of vLLM, the tokens of a prompt with its answer, and the
    part of a GPU's memory that it takes."""

    backend: BackendName = "transformers"
    server: ServerConfig | None = None
    recorded: str | None = None
    batch_tokens: Positive | None = None
    max_batch: Positive = 256
    precision: Precision = "auto"
    trust_remote_code: bool = False
    devices: Positive = 1
    max_model_len: Positive | None = None
    memory_share: Annotated[float, Field(gt=0, lt=1)] | None = None
    threads: Positive = 1

    @model_validator(mode="after")
    def _backend_has_its_setting(self) -> BackendConfig:
        for name, needed in (("server", self.server), ("recorded", self.recorded)):
            if (self.backend == name) != (needed is not None):
                raise ValueError(f"backend {name} and the setting {name} go together")
        if self.backend == "recorded" and (setting := self.first_set()):
            raise ValueError(f"{setting} says how a model is asked: outputs that were recorded are not")
        here = {"precision": "auto", "trust_remote_code": False, "devices": 1}
        if self.backend in ("server", "recorded") and (of := next((n for n, v in here.items() if getattr(self, n) != v), None)):
            raise ValueError(f"{of} is of models that run here: the backend {self.backend} runs none")
        for setting in ("max_model_len", "memory_share"):
            if getattr(self, setting) is not None and self.backend != "vllm":
                raise ValueError(f"{setting} is a setting of the backend vllm")
        if self.backend == "server" and self.date != DATE:
            raise ValueError("date: a server renders its template with a date of its own")
        return self

    def sources(self) -> dict[str, str]:
        """The settings that name an input."""
        return {"recorded": self.recorded} if self.recorded else {}


class EvalConfig(BackendConfig):
    """One evaluation: which slices, with which task's rules, and what runs the model.

    ask: how multihop questions are worded: `plain`, or with the `cue` that the answer is to end in said, for models that were
    never taught it. max_new_tokens: over the task's own, by style. temperature, seed: of sampled answers; the seed also draws
    shots. shots_from: where worked examples come from, if not from the data's train split. plus: for code, a second set of rows
    whose stricter tests are run as well; program_seconds, what a program may take; unsafe_code, to run them though nothing here
    holds them. skip_bad_rows: leave rows out that cannot be read, and count them.
    """

    task: TaskName = "multihop"
    ask: Wording = "plain"
    slices: Annotated[tuple[Slice, ...], Field(min_length=1)]
    max_new_tokens: dict[Style, Positive] = {}
    temperature: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    seed: Annotated[int, Field(ge=0)] = 0
    candidates: Positive = 4
    shots_from: str | None = None
    plus: str | None = None
    program_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0
    unsafe_code: bool = False
    skip_bad_rows: bool = False

    def sources(self) -> dict[str, str]:
        """The settings that name an input."""
        named = {"plus": self.plus, "shots_from": self.shots_from}
        return super().sources() | {name: source for name, source in named.items() if source}

    @model_validator(mode="after")
    def _agree(self) -> EvalConfig:
        names = [s.name for s in self.slices]
        if len(set(names)) < len(names):
            raise ValueError("two slices are the same")
        if self.task != "multihop":
            for key in (key for key in OF_QUESTIONS if (self.task, key) != ("knowledge", "shape")):
                if any(getattr(s, key) != Slice.model_fields[key].default for s in self.slices):
                    raise ValueError(f"{key} is for slices of the task multihop")
        if self.task == "knowledge" and not self.temperature and self.backend != "recorded":
            raise ValueError("the task knowledge draws answers too: give a temperature (0.5, as in arXiv 2405.05904)")
        if self.task == "knowledge" and any(s.prompts > 1 and not s.shots for s in self.slices):
            raise ValueError("prompts differ in their worked examples: give shots")
        if self.task != "knowledge" and any(s.prompts > 1 for s in self.slices):
            raise ValueError("prompts is for slices of the task knowledge")
        if self.ask != "plain" and (self.task != "multihop" or all(s.style == "cloze" for s in self.slices)):
            raise ValueError("ask says how multihop questions are worded")
        if self.plus and self.task != "code":
            raise ValueError("plus is for the task code")
        if not self.temperature and self.backend != "recorded" and any(s.samples > 1 for s in self.slices):
            raise ValueError("several samples of a question need a temperature above 0: they would all be the same")
        return self
