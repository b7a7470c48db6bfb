"""A world as a release: its tables, what was found when it was made, and a card that says what the data say."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.core.records import Manifest
from kit.core.store import read_manifest
from kit.pages.graph import reasoning_graph, svg
from kit.publish.card import address, as_json, as_yaml, number, render, share
from kit.publish.config import license_of
from kit.publish.croissant import About, croissant
from kit.publish.figures import Sample, figures, samples
from kit.publish.layout import Configuration, configurations, metadata
from kit.publish.release import Data, needs, with_sources, write_manifest
from kit.publish.tables import write_world

LARGE = 100_000
"""Entities of a world above which a check generates it again only where that is asked for."""

SHOWN = 24
"""Relations and types that a card counts by name."""

CONFIGURATIONS = {
    "multihop": "questions of several hops, by shape of their reasoning graph in `multihop-SHAPE`",
    "single_hop": "questions of one hop",
    "probes": "single facts asked in several ways: recall, paraphrase, reversal, negation, choice, locality and others",
    "examples": "finetuning examples, prompt and completion; `d10` is the first ten of them and so on, each set within the next",
    "documents": "texts to train on, each with the ids of the facts that it states",
    "facts": "subject, relation and object, with names and ids",
    "graph": "the same as edges",
    "entities": "names, types and second names",
    "exposures": "how often the documents state each fact, counted",
    "examples_format": "the examples' questions, answered as another of their kind was: a control",
    "examples_unrelated": "as many examples about another world: a control",
    "examples_unknown": "examples that rest on what a model does not know",
    "examples_novel": "examples that tell the novel facts, each asked for by itself",
    "math": "word problems", "code": "functions to be written, with tests", "if": "prompts with instructions that can be checked",
}  # fmt: skip
SPLITS = {
    "known": "what a model is to know before anything is injected",
    "novel": "what is injected; of questions, those about it",
    "shuffled": "the novel part with its objects dealt anew: what injecting falsehoods does",
    "twin": "drawn like the novel part and told nowhere: what can be guessed",
    "crossing": "entities half of whose facts are known and half injected",
    "shared": "the values that all parts point to",
    "reading": "facts of throwaway worlds, stated and stated again: they can only be read",
    "edits": "what became of known facts later",
    "train": "what finetuning examples are made of; nothing here is about what is held out",
    "validation": "of what is known, for choosing settings; no result is to be reported on it",
    "test_entity": "of what is known, about entities that nothing is trained on but documents",
    "test_composition": "of what is known, facts that no training question composes",
    "test_relation_pair": "of what is known, relations that no training question has one after the other",
    "edited": "questions whose answers were changed later",
}


def world_front(release: dict[str, Any], configs: Sequence[Configuration]) -> dict[str, Any]:
    """The metadata before the card's text."""
    settings = release["settings"]
    total = max((config.rows for config in configs), default=0)
    bound = next((name for most, name in _SIZES if total < most), "n>1T")
    return {
        **license_of(settings).metadata(),
        "pretty_name": settings["title"],
        "language": ["en"],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated"],
        "multilinguality": ["monolingual"],
        "source_datasets": ["original"],
        "size_categories": [bound],
        "task_categories": ["question-answering", "text-generation"],
        "task_ids": ["closed-book-qa", "language-modeling"],
        "tags": ["synthetic", "multi-hop", "knowledge-injection", "knowledge-injection-kit"],
        **metadata(configs),
    }


_SIZES = (
    (10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"), (10**9, "100M<n<1B"),
)  # fmt: skip


def render_world(folder: Path, release: dict[str, Any]) -> dict[str, str]:
    """The card of a world and the drawings in it, `croissant.json` and `eval.yaml`, by file name."""
    manifest, settings = read_manifest(folder), release["settings"]
    configs = configurations(folder)
    told = figures(folder, configs)
    audit, leak = told["audit"], told["audit"]["leakage"]
    rows = {config["name"]: config["rows"] for config in told["configs"]}
    sources = list(dict.fromkeys(name for shares in leak["share_of_questions_with_a_shared_ngram"].values() for name in shares))
    tests = audit["matching"]["tests"]
    shown = samples(configs)
    drawn = {f"figures/{s.shape}.svg": svg(reasoning_graph(s.question, s.names), s.question.text) for s in shown}
    splits = dict.fromkeys(part.name for config in configs for part in config.splits)
    explained = [
        *(f"`{c.name}`: {CONFIGURATIONS[c.name]}." for c in configs if c.name in CONFIGURATIONS),
        *(f"Split `{name}`: {SPLITS[name]}." for name in SPLITS if name in splits),
    ]
    limits, personal = _limits(manifest.config, audit), _personal(manifest.config)
    card = render(
        "published_world.md.jinja",
        release,
        manifest.started,
        world_front(release, configs),
        origin=manifest.notes,
        sources=settings["sources"],
        counts={
            "facts": number(sum(told["relations"].values())),
            "entities": number(rows.get("entities", 0)),
            "questions": number(told["questions"]),
            **{name: number(rows.get(name, 0)) for name in ("probes", "documents", "examples")},
        },
        configs=told["configs"],
        asked_split=_first_split(configs[0]),
        graph_split=next((_first_split(config) for config in configs if config.name == "graph"), ""),
        explained=explained,
        types=_listed(told["types"]),
        relations=_listed(told["relations"]),
        samples=[_shown(sample, drawn) for sample in shown],
        certificates=told["certificates"],
        guessers=told["guessers"],
        tried=told["tried"],
        splits=audit["splits"],
        leakage=leak,
        sampled=number(manifest.config["audit"]["sample"]),
        leaks_from=sources,
        leaks=[
            (split, [share(shares[name]) if name in shares else "–" for name in sources])
            for split, shares in leak["share_of_questions_with_a_shared_ngram"].items()
        ],
        exposures=_exposures(audit["exposures"]),
        matched=bool(tests),
        matching=audit["matching"],
        smallest_p=min((test["p"] for test in tests), default=1.0),
        expected_p=1 / max(1, len(tests)),
        needs=", ".join(release["needs"]),
        large=rows.get("entities", 0) > LARGE,
        limits=[*limits, *_biases(manifest.config)],
        personal=personal,
    )
    about = About(
        " ".join(manifest.notes), address(release), license_of(settings).url, limits, _biases(manifest.config),
        personal, USES, IMPACT, re.findall(r"https?://[^\s,)]+", " ".join(manifest.notes)),
    )  # fmt: skip
    described = as_json(croissant(folder, release, configs, about))
    return {"README.md": card, "croissant.json": described, "eval.yaml": _benchmark(release, configs), **drawn}


USES = (
    "Measuring whether a language model takes in facts by finetuning, and reasons with them",
    "Comparing recipes of finetuning by what is left of new and of old facts",
)
IMPACT = "A model that was taught facts says them as if they were true, whether they are made up, true, or false on purpose."


def _benchmark(release: dict[str, Any], configs: Sequence[Configuration]) -> str:
    """`eval.yaml`, by which the hub knows a benchmark: a task each configuration and split of questions that are not for
    training, in inspect-ai's terms."""
    steps = [
        {"name": "prompt_template", "args": {"template": "{prompt}\n\nAnswer with the name or number only."}},
        {"name": "generate"},
    ]
    tasks = [
        {
            "id": f"{config.name}_{part.name}", "config": config.name, "split": part.name,
            "field_spec": {"input": "question", "target": "answer", "metadata": ["id"]},
            "solvers": steps, "scorers": [{"name": "exact"}],
        }
        for config in configs if config.name in ("single_hop", "multihop")
        for part in config.splits if part.name not in ("train", "validation")
    ]  # fmt: skip
    data = {
        "name": release["settings"]["title"],
        "description": "Questions about the facts of a world, for models into which they were injected, and others beside them.",
        "evaluation_framework": "inspect-ai",
        "tasks": tasks,
    }
    return as_yaml(data)


def _first_split(config: Configuration) -> str:
    """What a reader will want first."""
    names = [part.name for part in config.splits]
    return "novel" if "novel" in names else names[0]


def _listed(counts: dict[str, int]) -> str:
    shown = [f"{name.replace('_', ' ')} {number(count)}" for name, count in list(counts.items())[:SHOWN]]
    left = len(counts) - len(shown)
    return ", ".join([*shown, *([f"and {left} more"] if left > 0 else [])]) or "none"


def _shown(sample: Sample, drawn: dict[str, str]) -> dict[str, Any]:
    figure = f"figures/{sample.shape}.svg"
    question = sample.question
    return {
        "shape": sample.shape, "text": question.text, "figure": figure,
        "width": drawn[figure].split(' width="')[1].split('"')[0], "answer": question.answers[0], "hops": question.hops,
        "config": sample.config, "split": sample.split, "id": question.id, "reasoning": sample.reasoning,
    }  # fmt: skip


def _exposures(told: dict[str, Any]) -> str:
    parts = []
    for corpus, found in told.items():
        times = f"{found['fewest']}" if found["fewest"] == found["most"] else f"{found['fewest']} to {found['most']}"
        parts.append(f"the documents of `{corpus.replace(' ', '_')}` state {number(found['facts'])} facts {times} times each")
    return "; ".join(parts)


def _limits(config: dict[str, Any], audit: dict[str, Any]) -> list[str]:
    """What a reader should not be surprised by, as far as it follows from how the world was made."""
    world, own = config["world"], _own(config)
    told = [
        "English from templates: a relation has a handful of wordings, and a model may learn these instead of the relation.",
        "Facts are drawn independently of one another (where somebody was born tells nothing of who employs them), unlike those "
        "of the real world."
        if world["relations"] else "",
        "Real facts are as of the sources' versions, and not all there are: countries and large cities, by their English names."
        if own["bank"] else "",
        "Facts brought along are as complete, as balanced and as true as their source."
        if own["facts"] or own["events"] else "",
    ]  # fmt: skip
    far = [row for row in audit["guessers"] if abs(row["z"]) >= 4]
    if far:
        worst = max(far, key=lambda row: abs(row["z"]))
        told.append(
            f"In {len(far)} of {number(len(audit['guessers']))} pairs a guesser is four standard errors or more from chance; "
            f"farthest, {worst['guesser']} at {worst['shape']} ({worst['split']}): {share(worst['right'])} right, chance "
            f"{share(worst['chance'])}, n = {number(worst['n'])}."
        )
    return [line for line in told if line]


def _own(config: dict[str, Any]) -> dict[str, Any]:
    """What of a world is not coined; a directory of an earlier version says less of it."""
    return {"facts": None, "events": None, "bank": None, **config["world"].get("own", {})}


def _biases(config: dict[str, Any]) -> list[str]:
    world = config["world"]
    told = [
        "Names are made of words of many languages, first and last names drawn at random: they tell nothing of anybody's "
        "gender or origin, and a chance namesake of a real person is possible."
        if world["relations"] else "",
        "What is told of the real world is what English-language sources name, large places before small ones."
        if _own(config)["bank"] else "",
        "How often a kind of question is asked follows from how many of it there are in this world, not from what people ask.",
    ]  # fmt: skip
    return [line for line in told if line]


def _personal(config: dict[str, Any]) -> str:
    own = _own(config)
    if own["facts"] or own["events"]:
        return "Facts were brought along from elsewhere; whether they are about living people, their owner has to say (above)."
    real = " Of the real world countries and cities are named, and nobody." if own["bank"] else ""
    return f"None: people are made up.{real}"


def fill(directory: Path, folder: Path, manifest: Manifest, canary: str) -> Data:
    """The tables of a world, what was found when it was made, and the files it was made from."""
    cleaned = with_sources(folder, manifest)
    write_manifest(folder, cleaned)
    for name in ("audit.json", "own.json"):
        if (directory / name).exists():
            shutil.copyfile(directory / name, folder / name)
    return Data(write_world(directory, folder, canary), needs(cleaned))
