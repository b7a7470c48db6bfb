"""In what the arms of a claim will differ, told before anything runs: their rows are dealt as training deals them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kit.core.records import Shown
from kit.models.tokens import Tokens
from kit.report.shown import Training
from kit.report.verdict import differing, unnamed
from kit.sweep.experiment import ExperimentConfig
from kit.train.data import Source, load_sources
from kit.train.dealing import Dealt, deal
from kit.train.recipes import TrainConfig
from kit.train.start import vocabulary_texts


def unmatched(experiment: ExperimentConfig, data: Path | None) -> list[list[str]] | None:
    """By claim, what its arms will differ in and it does not name, in the first replicate: where there is something, its line
    will read *cannot say*. None where that cannot be told here: without the world, or the tokenizer of the model."""
    tokens = tokens_of(experiment, data) if data else None
    if data is None or tokens is None:
        return None
    dealer = Dealer(experiment, data, tokens)
    counts = {arm: experiment.counts_of(arm) for arm in experiment.arms}
    found = []
    for claim in experiment.claims:
        keys = dict.fromkeys((cell.arm, cell.count) for cell in claim.compared(counts))
        trained = {key: dealer.training(*key) for key in keys} if len(keys) > 1 else {}
        found.append(unnamed(claim, differing(claim, counts, [trained])))
    return found


def tokens_of(experiment: ExperimentConfig, data: Path) -> Tokens | None:
    """How its models read and write; None where that is not at hand."""
    chat = next(experiment.train_config(name, max(experiment.counts), experiment.replicates[0]).chat for name in experiment.train)
    if experiment.model == "tiny":
        from kit.models.tiny import build_tokenizer

        return Tokens(build_tokenizer(vocabulary_texts(data)), chat)
    if not Path(experiment.model).is_dir():
        return None
    from kit.models.checkpoint import read
    from kit.models.load import load_tokenizer

    checkpoint = read(experiment.model)
    return Tokens(load_tokenizer(checkpoint), chat, checkpoint.stops)


Told = tuple[dict[str, int], Sequence[Shown]]
"""What a stage counts, and what it shows of each fact."""


class Dealer:
    """Deals the stages of an experiment's first replicate, each path and each source once."""

    def __init__(self, experiment: ExperimentConfig, data: Path, tokens: Tokens) -> None:
        self.experiment, self.data, self.tokens = experiment, data, tokens
        self.replicate = experiment.replicates[0]
        self.sources: dict[tuple[object, ...], Source] = {}
        self.paths: dict[tuple[tuple[str, ...], int], tuple[list[Told], list[Dealt]]] = {}

    def training(self, arm: str, count: int) -> Training:
        """What an arm's stages after the base will show."""
        return Training.of(self._path(self.experiment.arms[arm].path, count)[0])

    def _path(self, stages: tuple[str, ...], count: int) -> tuple[list[Told], list[Dealt]]:
        key = stages, count if stages else 0
        if key not in self.paths:
            if stages:
                before, dealt = self._path(stages[:-1], count)
                told, dealt = self._deal(self.experiment.train_config(stages[-1], count, self.replicate), dealt)
                self.paths[key] = [*before, told], dealt
            else:
                base = self.experiment.base_config(self.replicate) if self.experiment.base else None
                self.paths[key] = [], self._deal(base, [])[1] if base else []
        return self.paths[key]

    def _deal(self, config: TrainConfig, earlier: list[Dealt]) -> tuple[Told, list[Dealt]]:
        sources = {name: self._source(config, name) for name in config.mixture()}
        schedule = deal(sources, config.mixture(), config.step_count(), config.seed, earlier, config.rate)
        tokens = sum(len(row.input_ids) for row in schedule.rows)
        return ({"steps": config.step_count(), "rows": len(schedule.rows), "tokens": tokens}, schedule.shown), schedule.dealt

    def _source(self, config: TrainConfig, name: str) -> Source:
        asked = (
            config.task,
            config.ask,
            config.examples,
            config.examples_from,
            config.content,
            config.unknown_share,
            config.draw,
        )
        key = (name, *(asked if name == "examples" else (config.ask,)))
        if key not in self.sources:
            alone = config.model_copy(update={"rows": {name: 1}})
            self.sources[key] = load_sources(alone, str(self.data), self.tokens).sources[name]
        return self.sources[key]
