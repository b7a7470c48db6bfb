"""Answers of evaluations, several to a question where there are several: one flat table, and what they agree in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kit.view.table import Part, Table

VERDICTS = ("right", "wrong", "partly right")


def answers(parts: Sequence[Part], facets: Mapping[str, str], measures: Mapping[int, Mapping[str, str]] | None = None) -> Table:
    """The records of evaluations as one table, a row an answer.

    parts: a records file each, with what tells it from the others as constants. facets: those of the constants. measures: for a
    part by its number, what a slice of it is called (the slice itself, where there are none); other slices are called nothing.

    Beside what the records hold a row has `measure`, `verdict` (of the first score), `agree` (whether all answers to its question
    are as right: the same, differ, or only one) and `group`, which its question has in all parts that ask it.
    """
    plain = Table("answers", parts, {"slice": "tags.slice"}, ())
    values, codes = plain.codes("slice")
    part_of = np.repeat(np.arange(len(parts)), [len(Table("", [part], {}, ())) for part in parts])
    measure = np.array([""] * len(plain), object)
    for number in range(len(parts)):
        named = measures[number] if measures else dict(zip(values, values, strict=True))
        rows = part_of == number
        measure[rows] = [named.get(values[code], "") for code in codes[rows]]
    score = _first_scores(plain)
    verdict = np.where(score == 1, *VERDICTS[:2])
    verdict[(score > 0) & (score < 1)] = VERDICTS[2]
    common = ("replicate",) if parts and "replicate" in parts[0].constants else ()
    keys = [[part.constants[name] for name in common] for part in parts]
    questions = pa.chunked_array([c for c, _ in plain.column("question_id")] or [pa.array([], pa.string())]).to_pylist()
    sub = pa.chunked_array([c for c, _ in plain.column("tags.part")] or [pa.array([], pa.string())]).to_pylist()
    group = [
        "\t".join([*keys[part], asked, question, of or ""])
        for part, asked, question, of in zip(part_of, measure, questions, sub, strict=True)
    ]
    given = {"measure": measure.tolist(), "verdict": verdict.tolist(), "agree": _agree(group, score, part_of), "group": group}
    whole = {name: name for name in facets} | {
        "measure": "measure", "verdict": "verdict", "agree": "agree", "error": "error", "finish": "finish", "part": "tags.part",
    }  # fmt: skip
    searched = ("output", "prompt", "extracted", "answers", "thought", "question_id")
    return Table("answers", parts, whole, searched, ("prompt", "extracted", "error"), given)


def _first_scores(table: Table) -> np.ndarray:
    """What every row scores by the first score that it has."""
    pieces = [np.zeros(0)]
    for column, _ in table.column("scores"):
        offsets = column.offsets.to_numpy()[: len(column)]
        pieces.append(column.items.take(pa.array(offsets)).to_numpy(zero_copy_only=False))
    return np.concatenate(pieces)


def _agree(groups: Sequence[str], score: np.ndarray, part: np.ndarray) -> list[str]:
    codes = pc.dictionary_encode(pa.array(groups, pa.string())).indices.to_numpy()
    many = int(codes.max(initial=-1)) + 1
    least, most = np.full(many, np.inf), np.full(many, -np.inf)
    np.minimum.at(least, codes, score)
    np.maximum.at(most, codes, score)
    first, last = np.full(many, len(groups)), np.full(many, -1)
    np.minimum.at(first, codes, part)
    np.maximum.at(last, codes, part)
    told = np.where(first == last, "only one", np.where(least == most, "the same", "differ"))
    return told[codes].tolist()
