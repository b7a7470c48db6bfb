"""What an experiment takes and what it can establish, told before it is run: from its first world, its counts and its claims."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from evals.run import teaches
from evals.tasks import TASKS
from evals.tasks.multihop import bridge
from generators.generate import generate_stage
from kit.core.errors import KitError
from kit.core.records import Document, Example, Question
from kit.core.store import read_table
from kit.models.checkpoint import TINY
from kit.report.claims import Claim, Law
from kit.report.verdict import ALPHA, REPLICATES
from kit.sources.published import local
from kit.stats.power import Telling, smallest_difference, telling_apart
from kit.sweep.experiment import ExperimentConfig, Measure
from kit.sweep.machines import Machine, Taken, taken_of
from kit.sweep.matching import unmatched
from kit.sweep.plan import Node, Plan, start_of
from kit.train.data import examples_file, examples_of
from kit.train.recipes import TrainConfig

SMALL = 20_000
"""Entities up to which a world is made, in a temporary folder, to count what is asked and learned; larger ones are reckoned."""

RECKONED_CLUSTER = 3.0
"""The size of the cluster that a random question is in, where no world was made to count it."""

PAIRING = 0.5
"""The part of a question's difficulty that is reckoned to be the same for all arms."""

CHARACTERS = 4.2
"""Of a token, where the model is no tiny one (English prose, byte-level tokenizers of 50 to 130 thousand tokens)."""

OF_A_RECORD = 900
"""Bytes of one answer's record on disk."""

WORD = re.compile(r"\d|[^\W\d]+|[^\w\s]")
"""The tiny model's tokens."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A measure: its questions in a replicate, the size of the cluster that a random one of them is in, and which they are."""

    questions: int
    cluster: float
    ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can be established of one claim. smallest: by number of replicates, the least distance from its bound that is; none
    where that depends on the scores. telling: of a law, by number of replicates, what becomes of each form. unmatched: what its
    arms will differ in and it does not name, so that nothing will be said (see `kit.sweep.matching`); None where that was not
    looked at."""

    claim: Claim
    alpha: float
    smallest: dict[int, float]
    telling: dict[int, list[Telling]]
    unmatched: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """stages: by kind. tokens: trained on, in all. bytes: on disk in the end; None where a checkpoint's size is not known here.
    counted: whether the first world was made to count what is asked, or it was reckoned. taken: of a machine."""

    stages: dict[str, int]
    tokens: int
    bytes: int | None
    counted: bool
    asked: dict[str, Asked]
    outlooks: list[Outlook]
    taken: Taken | None = None


def forecast(experiment: ExperimentConfig, draws: int = 300, machine: Machine | None = None) -> Forecast:
    """Without running anything but, where it is small, the first world. Raises KitError for what could not be run either."""
    with tempfile.TemporaryDirectory() as folder:
        data = _first_world(experiment, Path(folder))
        asked = {name: _asked(experiment, experiment.measure(name), data) for name in experiment.measures}
        plan = Plan(experiment, Path(folder) / "plan")
        for number, replicate in enumerate(experiment.replicates):
            plan.add_cells(number, plan.base(replicate, 0, 1))
        nodes = list(plan.nodes.values())
        lengths = _Lengths(experiment, data)
        tokens = {key: lengths.of(node) for key, node in plan.nodes.items() if node.trains}
        apart = unmatched(experiment, data)
        outlooks = [
            replace(_outlook(experiment, claim, asked, draws), unmatched=apart[i] if apart else None)
            for i, claim in enumerate(experiment.claims)
        ]
        starts = [start_of(plan.nodes[key], plan.nodes) for key in plan.kept()]
        worlds = sum(n.kind == "generate" for n in nodes)
        return Forecast(
            stages=dict(Counter("points of longer runs" if n.longer else n.kind for n in nodes)),
            tokens=round(sum(tokens.values())),
            bytes=_bytes(experiment, worlds, starts, asked, data, lengths),
            counted=data is not None,
            asked=asked,
            outlooks=outlooks,
            taken=taken_of(machine, plan.nodes, tokens, _questions(plan, asked)) if machine else None,
        )


def _questions(plan: Plan, asked: dict[str, Asked]) -> dict[str, int]:
    """By evaluation, how many questions it asks."""
    found = {each.stage: sum(asked[name].questions for name in each.measures) for cell in plan.cells for each in cell.evaluations}
    return {key: found.get(node.directory.name, 0) for key, node in plan.nodes.items()}


def _first_world(experiment: ExperimentConfig, folder: Path) -> Path | None:
    """The world that is given, or the first one, made where it is small; None where there is none, too."""
    if not experiment.worlds:
        return None
    if experiment.data:
        return Path(local(experiment.data))
    config = experiment.generate_config(experiment.replicates[0])
    size = sum(sum(part.values()) for part in (config.world.known, config.world.novel))
    return generate_stage(config, folder / "world") if size <= SMALL else None


def _asked(experiment: ExperimentConfig, measure: Measure, data: Path | None) -> Asked:
    source = local(measure.data) if measure.data else str(data) if data else None
    if source is None:
        limit = experiment.generate_config(experiment.replicates[0]).questions.limit
        return Asked(measure.config.slices[0].limit or limit, RECKONED_CLUSTER)
    task = TASKS[measure.config.task]
    try:
        items = task.load(source, measure.config).items
        asks = task.asks(measure.config, items, [i for i in items if teaches(i, measure.config)])
    except KitError as error:
        raise KitError(f"measures.{measure.name}: {error}") from None
    whole = {ask.item.id: ask.item for ask in asks if ask.part < 0}
    sizes = Counter((bridge(item) if isinstance(item, Question) else "") or name for name, item in whole.items())
    return Asked(len(whole), sum(n * n for n in sizes.values()) / len(whole), frozenset(whole))


def _outlook(experiment: ExperimentConfig, claim: Claim, asked: dict[str, Asked], draws: int) -> Outlook:
    primary = sum(each.primary for each in experiment.claims)
    alpha = ALPHA / primary if claim.primary else ALPHA
    counts = {arm: experiment.counts_of(arm) for arm in experiment.arms}
    cells = claim.cells(counts)
    own = len(experiment.replicates)
    of = sorted({*([own] if own >= REPLICATES else ()), REPLICATES, 5, 10})
    fewest = min((asked[cell.measure] for cell in cells), key=lambda a: a.questions / a.cluster)
    if isinstance(claim, Law):
        at = tuple(cell.count for cell in cells)
        return Outlook(claim, alpha, {}, {r: telling_apart(at, fewest.questions, r, draws) for r in of})
    weights = claim.weights_at_bound(counts)
    if weights is None:
        return Outlook(claim, alpha, {}, {})
    # Measures of other questions have no difficulty in common.
    asked_of = [asked[cell.measure].ids for cell in cells]
    pairing = PAIRING if all(ids & asked_of[0] or not asked_of[0] for ids in asked_of) else 0.0
    smallest = {r: smallest_difference(weights, fewest.questions, fewest.cluster, r, alpha, pairing) for r in of}
    return Outlook(claim, alpha, smallest, {})


class _Lengths:
    """Mean tokens of a row, by source."""

    def __init__(self, experiment: ExperimentConfig, data: Path | None) -> None:
        self.tiny = experiment.base is not None and experiment.model == TINY
        self.data, self.worlds = data, experiment.worlds
        self.rows: dict[str, float] = {}
        self.words: set[str] = set()
        texts: dict[str, list[str]] = {}
        for document in read_table(data / "documents.parquet", Document) if data else ():
            texts.setdefault(document.corpus, []).append(document.text)
        if any(table.get("rows", {}).get("questions") for table in experiment.stage_tables().values()) and data:
            told = read_table(examples_file(data, "multihop", "novel"), Example)
            texts["questions"] = [f"{example.prompt} {example.completion}" for example in told]
        for corpus, found in texts.items():
            self.rows[corpus] = sum(map(self.tokens, found)) / len(found) + 1
            self.words.update(word for text in found for word in WORD.findall(text))

    def tokens(self, text: str) -> float:
        """Of a text."""
        return len(WORD.findall(text)) if self.tiny else len(text) / CHARACTERS

    def of(self, node: Node) -> float:
        """Tokens that a train stage is shown."""
        assert isinstance(node.config, TrainConfig)
        config, total = node.config, 0.0
        source = config.examples_from or (str(self.data) if self.data else None if self.worlds else node.data)
        for name, rows in config.mixture().items():
            mean = self._examples(config, source) if name == "examples" else self.rows.get(name, 60.0)
            total += rows * config.step_count() * mean
        return total

    def _examples(self, config: TrainConfig, source: str | None, most: int = 400) -> float:
        key = f"{source} {config.task} {config.content} {config.unknown_share} {config.draw} {min(most, config.examples)}"
        if key not in self.rows:
            found: list[tuple[str, str]] = []
            if source:
                end = min(most, config.examples)
                for example in examples_of(source, config.task, config.draw, config.content, config.unknown_share, end=end):
                    with contextlib.suppress(KitError):  # a bad row is told, or counted, where it is trained on
                        found += example.read().turns
            self.rows[key] = sum(self.tokens(a) + self.tokens(b) + 3 for a, b in found) / len(found) if found else 120.0
            self.words.update(word for turn in found for text in turn for word in WORD.findall(text))
        return self.rows[key]


def _bytes(
    experiment: ExperimentConfig, worlds: int, starts: list[str], asked: dict[str, Asked], data: Path | None, lengths: _Lengths
) -> int | None:
    answers = sum(
        asked[m].questions * len(experiment.counts_of(name)) * len(experiment.replicates)
        for name, arm in experiment.arms.items() for m in arm.measures
    )  # fmt: skip
    world = sum(p.stat().st_size for p in data.rglob("*") if p.is_file()) if data else 0
    total = answers * OF_A_RECORD + world * worlds
    if lengths.tiny:
        tiny = experiment.base_config(experiment.replicates[0]).tiny
        # A word has a token of its own at the beginning of a line.
        embedded = 1.2 * len(lengths.words) * tiny.hidden
        parameters = embedded + tiny.layers * (4 * tiny.hidden**2 + 3 * tiny.hidden * tiny.intermediate)
        return round(total + len(starts) * parameters * 4)
    sizes = {start: sum(p.stat().st_size for p in Path(start).rglob("*.safetensors")) for start in starts}
    return total + sum(sizes[start] for start in starts) if all(sizes.values()) else None
