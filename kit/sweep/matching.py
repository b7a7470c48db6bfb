"""In what the arms of a claim will differ, told before anything runs: their rows are dealt as training deals them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kit.core.config import dump
from kit.core.records import ASKED, Shown
from kit.core.seeds import digest
from kit.models.chat import ChatSettings
from kit.models.checkpoint import TINY, read
from kit.models.tokens import Tokens
from kit.report.shown import Training
from kit.report.verdict import differing, unnamed
from kit.sweep.experiment import ExperimentConfig
from kit.train.data import load_sources
from kit.train.dealing import Dealt, schedule_of
from kit.train.recipes import TrainConfig
from kit.train.rows import Source
from kit.train.start import new_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def unmatched(experiment: ExperimentConfig, data: Path | None) -> list[list[str]] | None:
    """By claim, what its arms will differ in and it does not name, in the first replicate: where there is something, its line
    will read *cannot say*. None where that cannot be told here: without the world, or the tokenizer of the model."""
    counts = {arm: experiment.counts_of(arm) for arm in experiment.arms}
    compared = [list(dict.fromkeys((cell.arm, cell.count) for cell in c.compared(counts))) for c in experiment.claims]
    if not any(len(keys) > 1 for keys in compared):
        return [[] for _ in compared]
    if data is None and experiment.worlds:
        return None
    dealers: dict[str, Dealer] = {}
    arms = {experiment.arms[arm].model or "": arm for keys in compared if len(keys) > 1 for arm, _ in keys}
    for model, arm in arms.items():
        if (writing := tokenizer_of(experiment, experiment.checkpoint_of(arm), data)) is None:
            return None
        dealers[model] = Dealer(experiment, data, *writing)
    found = []
    for claim, keys in zip(experiment.claims, compared, strict=True):
        trained = {key: dealers[experiment.arms[key[0]].model or ""].training(*key) for key in keys} if len(keys) > 1 else {}
        found.append(unnamed(claim, differing(claim, counts, [trained])))
    return found


def tokenizer_of(
    experiment: ExperimentConfig, model: str, data: Path | None
) -> tuple[PreTrainedTokenizerBase, Sequence[int]] | None:
    """The tokenizer of one of its models, and what ends its answers; None where it is not at hand."""
    if model == TINY:
        return new_tokenizer(experiment.base_config(experiment.replicates[0]), str(data)), ()
    if not Path(model).is_dir():
        return None
    from kit.models.load import load_tokenizer

    checkpoint = read(model)
    trusted = any(settings.get("trust_remote_code") for settings in experiment.train.values())
    return load_tokenizer(checkpoint, trusted), checkpoint.stops


ASKED_BY = ("ask", *ChatSettings.model_fields)
"""The settings by which what is asked is worded."""

DRAWN_BY = ("task", "examples", "examples_from", "content", "unknown_share", "draw", "skip_bad_rows")
"""Those that say which examples are learned."""

Told = tuple[dict[str, int], Sequence[Shown]]
"""What a stage counts, and what it shows of each fact."""


class Dealer:
    """Deals the stages of an experiment's first replicate, of the arms of one model, each path and each source once."""

    def __init__(
        self, experiment: ExperimentConfig, data: Path | None, tokenizer: PreTrainedTokenizerBase, stops: Sequence[int] = ()
    ) -> None:
        self.experiment, self.data, self.tokenizer, self.stops = experiment, data, tokenizer, stops
        self.replicate = experiment.replicates[0]
        self.sources: dict[str, Source] = {}
        self.paths: dict[tuple[tuple[str, ...], int], tuple[list[Told], list[Dealt]]] = {}

    def training(self, arm: str, count: int) -> Training:
        """What an arm's stages after the base will show."""
        taken = self.experiment.taken(self.experiment.arms[arm].path, count)
        return Training.of(self._path(taken, count, self.experiment.arms[arm].model)[0])

    def _path(self, stages: tuple[str, ...], count: int, model: str | None) -> tuple[list[Told], list[Dealt]]:
        key = stages, count if stages else 0
        if key not in self.paths:
            if stages:
                before, dealt = self._path(stages[:-1], count, model)
                told, dealt = self._deal(self.experiment.train_config(stages[-1], count, self.replicate, model), dealt)
                self.paths[key] = [*before, told], dealt
            else:
                base = self.experiment.base_config(self.replicate) if self.experiment.base else None
                self.paths[key] = [], self._deal(base, [])[1] if base else []
        return self.paths[key]

    def _deal(self, config: TrainConfig, earlier: list[Dealt]) -> tuple[Told, list[Dealt]]:
        sources = {name: self._source(config, name) for name in config.mixture()}
        schedule = schedule_of(config, sources, earlier)
        counts = {"steps": config.step_count(), "rows": len(schedule), "tokens": int(schedule.lengths.sum())}
        return (counts, schedule.shown), schedule.dealt

    def _source(self, config: TrainConfig, name: str) -> Source:
        """One source as a stage reads it, and as others do that read it by the same settings."""
        settings = dump(config)
        fields = (*(ASKED_BY if name in ASKED else ()), *(DRAWN_BY if name == "examples" else ()), "max_length")
        key = digest(name, {field: settings[field] for field in fields})
        if key not in self.sources:
            tokens = Tokens(self.tokenizer, config.chat, self.stops)
            alone = config.model_copy(update={"rows": {name: 1}})
            self.sources[key] = load_sources(alone, str(self.data), tokens).sources[name]
        return self.sources[key]
