"""What was read of one's own facts and events, and what is asked of each relation and why no more: `own.json`."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from generators.own.events import Events
from generators.own.own import Own
from generators.questions.groups import LARGEST, SMALLEST
from generators.world.relations import RELATIONS, Relation
from kit.core.store import table_files

SHOWN = 5
"""Most lines of a kind that are shown, of all that there are."""

WHOLE = ("counting", "intersection", "set", "superlative", "tree", "unanswerable")
"""Shapes that suppose that all is told."""

GROUPED = ("counting", "either", "intersection", "same", "set", "superlative", "tree")
"""Shapes about those that share an object."""


def report(own: Own, events: Events, directory: Path, shapes: Sequence[str]) -> dict[str, Any]:
    """What there is to know of how the files were read. directory: the tables, written. shapes: those of questions that were to
    be asked."""
    notes = sorted((own.notes + events.notes).items()) + [(note, 0) for note, rows in own.notes.items() if not rows]
    found: dict[str, Any] = {"notes": [{"note": note, "rows": rows} for note, rows in notes]}
    if own.skipped:
        found["left_out"] = {"rows": len(own.skipped), "first": own.skipped[:SHOWN]}
    if own.triples:
        found["facts"] = len(own.triples)
        found["types"] = dict(sorted(Counter(own.kinds.values()).items()))
        if own.levels:
            found["known_by"] = dict(Counter(own.levels.values()).most_common())
        found["aliases"] = sum(map(len, own.aliases.values()))
        asked, probed = (_counts(directory, name) for name in ("questions", "probes"))
        rows = {r.name: r for r in own.relations}
        found["relations"] = {
            name: _relation(own, rows.get(name) or RELATIONS[name], asked[name], probed[name], shapes)
            for name in sorted({t.relation for t in own.triples})
        }
    if events.events:
        kinds = Counter(kind for event in events.events for kind, _, _ in event.questions)
        found["events"] = {"events": len(events.events), "questions": dict(sorted(kinds.items()))}
        if events.unheld:
            found["events"]["answers_that_the_text_does_not_hold"] = {
                "questions": len(events.unheld),
                "first": events.unheld[:SHOWN],
            }
    return found


def _relation(own: Own, row: Relation, asked: Counter[str], probed: Counter[str], shapes: Sequence[str]) -> dict[str, Any]:
    facts = [t for t in own.triples if t.relation == row.name]
    several = own.several.get(row.name, [])
    excepted = sorted({b.subject for _, b in several})
    open_ = row.open or bool(own.levels)
    told: dict[str, Any] = {
        "facts": len(facts),
        "from": row.subject,
        "to": row.object,
        "subjects": len({t.subject for t in facts}),
        "objects": len({t.object for t in facts}),
        "one_object_each": row.functional,
        "said": row.statements[0],
        "asked": row.question,
        "questions": dict(sorted(asked.items())),
        "probes": sum(probed.values()),
        "not_asked": {shape: why for shape in shapes if not asked[shape] if (why := _why(row, shape, len(excepted), open_))},
    }
    if several:
        told["subjects_with_several_at_once"] = {
            "subjects": len(excepted),
            "first": [f"{a.where} and {b.where}: {b.subject} has {a.object} and {b.object}" for a, b in several[:SHOWN]],
            "so": "they are left out of what supposes one object" if row.functional else "no question supposes one object",
        }
    return told


def _why(row: Relation, shape: str, excepted: int, open_: bool) -> str:
    """What keeps a relation out of a shape of questions; where nothing does, it is that no question was fair."""
    if shape == "temporal":
        return "no fact has a year in which it began, or none followed another"
    if shape == "comparison":
        return "" if row.compared else "its objects are not compared: give compared in the wordings (years and numbers only)"
    if not row.functional and shape != "set":
        return "its subjects have several objects"
    if open_ and shape in WHOLE:
        return "more of it is so than is told"
    if shape in GROUPED and shape != "set" and excepted:
        return "some of its subjects have several objects"
    if shape in GROUPED and not row.role:
        return "its third statement has not the form 'The ... of {s} is {o}.', which says what the objects are to their subjects"
    if shape in ("set", "counting", "either", "superlative", "intersection", "tree"):
        return f"no {SMALLEST} to {LARGEST} share an object, or what was left was unfair"
    return "no question was fair: each had a shorter way, several answers, or named its answer"


def _counts(directory: Path, name: str) -> dict[str, Counter[str]]:
    """By relation, how many rows of each shape follow it."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for file in table_files(directory / f"{name}.parquet"):
        for batch in pq.ParquetFile(file).iter_batches(20_000, columns=["shape", "steps"]):
            steps = batch["steps"]
            shape = batch["shape"].take(pc.list_parent_indices(steps))
            table = pa.table(
                {"shape": shape, "relation": steps.flatten().field("relation"), "row": pc.list_parent_indices(steps)}
            )
            once = table.group_by(["row", "shape", "relation"], use_threads=False).aggregate([])
            for told in once.group_by(["shape", "relation"], use_threads=False).aggregate([([], "count_all")]).to_pylist():
                found[told["relation"]][told["shape"]] += told["count_all"]
    return found


def lines(directory: Path) -> list[str]:
    """The report in a few lines, for a terminal; none where there is no report."""
    path = directory / "own.json"
    if not path.exists():
        return []
    found = json.loads(path.read_text("utf-8"))
    told = []
    if "facts" in found:
        relations = found["relations"]
        silent = [name for name, row in relations.items() if not row["questions"] and not row["probes"]]
        types = ", ".join(f"{count:,} of type {kind}" for kind, count in found["types"].items())
        many, kinds = found["facts"], len(relations)
        told.append(f"{many:,} fact{'s'[: many != 1]} of {kinds:,} relation{'s'[: kinds != 1]}; {types}")
        if levels := found.get("known_by"):
            told.append(
                f"known by the model: {', '.join(f'{count:,} {level}' for level, count in levels.items())}".replace("_", " ")
            )
        why: dict[str, list[str]] = {}
        for name in silent:
            why.setdefault(next(iter(relations[name]["not_asked"].values()), ""), []).append(name)
        told += [f"nothing is asked of {_some(names)} ({reason})" for reason, names in why.items()]
        excepted = [name for name, row in relations.items() if "subjects_with_several_at_once" in row and row["one_object_each"]]
        if excepted:
            told.append(f"some subjects have several objects of {_some(excepted)}: they are left out of what supposes one")
    if "events" in found:
        asked = " and ".join(f"{count:,} {kind}" for kind, count in found["events"]["questions"].items())
        told.append(f"{found['events']['events']:,} events with {asked} questions")
        if unheld := found["events"].get("answers_that_the_text_does_not_hold"):
            told.append(
                f"answers that do not stand in the text of their event: {unheld['questions']:,}; the first: {unheld['first'][0]}"
            )
    if out := found.get("left_out"):
        told.append(f"{out['rows']:,} rows were left out; the first: {out['first'][0]}")
    notes = [f"{row['note']} ({row['rows']:,} rows)" if row["rows"] else row["note"] for row in found["notes"]]
    told += notes[:SHOWN] + ([f"and {len(notes) - SHOWN} more notes"] if len(notes) > SHOWN else [])
    return told


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
