"""Outputs from a file, as if a model had just given them: to score again what was produced elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kit.core.errors import KitError, nearest
from kit.core.rows import Row, read_rows
from kit.infer.backend import FINISHES, Decoding, Likelihood, Output, Prompt, Sink


class RecordedBackend:
    """Rows with `output`, and the `id` of the item (for the second and later samples `id#1`, …; for sub-questions `id/1`, …) or
    else the `prompt` that was answered. `finish_reason`, where a row has one, says why the output ends, and `reasoning` what was
    thought before it.

    Raises KitError for a file that gives two outputs to one item, or a reason that nobody gives.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self.outputs: dict[tuple[str, str], Output] = {}
        for row in read_rows(path):
            name = "id" if row.has("id") else "prompt"
            key = (name, str(row.values[name]) if type(row.values.get(name)) is int else row.text(name))
            output = _output(row)
            if self.outputs.setdefault(key, output) != output:
                raise KitError(f"{row.where}: a second output for {name} {key[1][:80]}")

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding, sink: Sink[Output]) -> None:
        found = []
        for prompt in prompts:
            output = self.outputs.get(("id", prompt.about))
            if output is None and "#" not in prompt.about:
                output = self.outputs.get(("prompt", prompt.message))
            if output is None:
                asked = f"{prompt.about}, or for the prompt {prompt.message[:100]!r}"
                raise KitError(f"{self.path} has no output for {asked}: record it, or ask fewer with --limit")
            found.append(output)
        sink(range(len(prompts)), found)

    def log_likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str], sink: Sink[Likelihood]) -> None:
        raise KitError("recorded outputs have no likelihoods: use the backend transformers for mode choice")


def _output(row: Row) -> Output:
    why = row.text("finish_reason") if row.has("finish_reason") else "unknown"
    if why not in FINISHES:
        raise KitError(f"{row.where}: finish_reason {why[:40]!r}; {nearest(why, FINISHES)}")
    thought = row.text("reasoning", empty=True) if row.has("reasoning") else ""
    return Output(row.text("output", empty=True), FINISHES[why], thought)
