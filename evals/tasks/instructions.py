"""Instruction following: kit's own prompts, and IFEval's rows (arXiv 2311.07911), by prompt and by instruction, strict and
loose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from evals.config import EvalConfig
from evals.final import Final
from evals.scoring.instructions import CHECKS, check, lost
from evals.tasks.task import Ask, Task, asks_of, tags
from kit.core.errors import KitError, nearest
from kit.core.records import ErrorKind, EvalRecord, Instruction, InstructionPrompt
from kit.core.rows import Converted, Row
from kit.models.prompts import instruction_turns
from kit.sources.reading import load


def load_prompts(source: str, config: EvalConfig) -> Converted:
    """Prompts of a data directory, or of rows in IFEval's schema."""
    return load(source, "if", InstructionPrompt, ifeval_prompt, config.skip_bad_rows)


def ifeval_prompt(row: Row) -> InstructionPrompt:
    """A row of IFEval, its arguments sparse or with nulls. Raises KitError for an instruction that is not one of its 25."""
    names = row.texts("instruction_id_list")
    arguments = [each.values for each in row.rows("kwargs")]
    if not names or len(names) != len(arguments):
        raise KitError(f"{row.where}: {len(names)} instructions but {len(arguments)} sets of arguments")
    if unknown := next((name for name in names if name not in CHECKS), None):
        raise KitError(f"{row.where}: unknown instruction {unknown}; {nearest(unknown, CHECKS)}")
    given = [json.dumps({k: v for k, v in kwargs.items() if v is not None}) for kwargs in arguments]
    made = InstructionPrompt(_key(row), row.text("prompt"), tuple(map(Instruction, names, given)))
    try:
        check(made, "")
    except KitError as error:
        raise KitError(f"{row.where}: {error}") from None
    return made


def _key(row: Row) -> str:
    key: Any = row.checked().get("key")
    if not isinstance(key, int | str) or isinstance(key, bool):
        raise KitError(f"{row.where}: key must be a number or a text")
    return str(key)


def asks(
    config: EvalConfig, prompts: Sequence[InstructionPrompt], examples: Sequence[InstructionPrompt]
) -> list[Ask[InstructionPrompt]]:
    """Every prompt of every slice."""
    return asks_of(config, prompts, examples, instruction_turns)


def records(config: EvalConfig, asked: Sequence[Ask[InstructionPrompt]], outputs: Sequence[Final]) -> list[EvalRecord]:
    """One for each response. prompt_*: whether all instructions were followed; instruction_*: their share,
    which over all prompts is that of all instructions, as the official script sums up."""
    return [_record(ask, output) for ask, output in zip(asked, outputs, strict=True)]


def _record(ask: Ask[InstructionPrompt], final: Final) -> EvalRecord:
    output = final.answer
    found = check(ask.item, output)
    scores = {}
    for name, followed in (("strict", found.strict), ("loose", found.loose)):
        scores[f"prompt_{name}"] = float(all(followed))
        scores[f"instruction_{name}"] = sum(followed) / len(followed)
    failed = [i for i, followed in zip(ask.item.instructions, found.strict, strict=True) if not followed]
    kind: ErrorKind = "none" if not failed else "instruction" if output.strip() else "format"
    if failed and final.cut and not any(map(lost, failed)):
        kind = "truncated"
    return EvalRecord(
        question_id=ask.item.id,
        task="if",
        prompt=ask.message,
        output=output,
        extracted=output,
        answers=(),
        scores=scores,
        error=kind,
        tags=tags(ask, failed=" ".join(i.id for i in failed), instructions=str(len(ask.item.instructions))),
    )


TASK = Task(
    load_prompts, asks, records, ("prompt_strict", "prompt_loose", "instruction_strict", "instruction_loose"), "direct",
    {"direct": 1280}, {"instruction_strict": "instructions", "instruction_loose": "instructions"},
)  # fmt: skip
