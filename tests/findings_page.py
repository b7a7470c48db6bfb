"""The figures of the pages that tell findings, written from the reports that they were found in.

`python -m tests.findings_page NAME DIR` keeps what the report of the sweep in DIR says as docs/findings/NAME.json, and writes the
blocks of the pages anew; without arguments the latter alone. A block stands between `<!-- NAME: WHAT -->` and `<!-- end -->`,
where WHAT is a family of claims (`primary`, `secondary`), `table TITLE`, `cells ARM, ARM | MEASURE, MEASURE | D` (a row an arm),
`curve ARM | MEASURE, MEASURE` (a row a measure, a column a count), or `shown ARM, ARM` (what they were trained on, a column an
arm). Within a line stands `value ARM | MEASURE | D`, a score without its n. A test compares.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from kit.report import figures
from kit.report.markdown import pipes
from kit.report.results import load_results
from kit.stats.intervals import Estimate

DOCS = Path(__file__).parents[1] / "docs"
KEPT = DOCS / "findings"
PAGES = (DOCS / "findings.md", DOCS / "recipe.md", DOCS / "tasks.md", DOCS.parent / "README.md")
BLOCK = re.compile(r"(<!-- ([\w-]+): (.+?) -->(\n?)).*?(<!-- end -->)", re.DOTALL)

Report = dict[str, Any]


def keep(name: str, directory: Path) -> None:
    """What a report says, without what is drawn from it, and a picture of what lasts."""
    report = json.loads((directory / "report.json").read_text("utf-8"))
    slim = {key: value for key, value in report.items() if key not in ("curves", "laws", "gates")}
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{name}.json").write_text(json.dumps(slim, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    results = load_results(directory)
    drawn = [chart for measure in results.measures if (chart := figures.lasting(results, measure))]
    if drawn:
        spec = alt.hconcat(*drawn).to_json(validate=False)
        (KEPT / f"{name}.png").write_bytes(vl_convert.vegalite_to_png(spec, scale=1.5))


def verdict(report: Report, family: str) -> str:
    """The claims of a family."""
    return "\n".join(f"- *{line['status']}*: {line['text']}" for line in report["verdict"] if line["family"] == family)


def table(report: Report, title: str) -> str:
    """A table of the report."""
    return pipes(next(t for t in report["tables"] if t["title"] == title))


def cells(report: Report, arms: str, measures: str, count: str) -> str:
    """What some arms score at one count."""
    asked = _names(measures)
    rows = [[report["arms"][arm], *(_estimate(report, arm, int(count), m) for m in asked)] for arm in _names(arms)]
    return pipes({"header": ["", *(report["measures"][m] for m in asked)], "rows": rows})


def curve(report: Report, arm: str, measures: str) -> str:
    """What one arm scores by D."""
    counts = sorted({point["D"] for point in report["points"] if point["arm"] == arm})
    rows = [[report["measures"][m], *(_estimate(report, arm, count, m) for count in counts)] for m in _names(measures)]
    return pipes({"header": ["", *(f"D = {count}" for count in counts)], "rows": rows})


def shown(report: Report, arms: str) -> str:
    """What some arms were shown."""
    found = next(t for t in report["tables"] if t["title"] == "What the arms were shown")
    labels = [report["arms"][arm] for arm in _names(arms)]
    # A row an arm where there are many, a column an arm where there are few.
    told = [found["header"], *found["rows"]]
    if not any(cell.rpartition(", D = ")[0] in labels for cell, *_ in told):
        told = [list(column) for column in zip(*told, strict=True)]
    by_arm = {cells[0].rpartition(", D = ")[0]: cells for cells in told}
    rows = zip(told[0][1:], *(by_arm[label][1:] for label in labels), strict=True)
    return pipes({"header": ["", *labels], "rows": [row for row in rows if set(row[1:]) - {"", "–", "0"}]})


def value(report: Report, arm: str, measure: str, count: str) -> str:
    """One score, without its n."""
    return _estimate(report, arm, int(count), measure).partition(" (")[0]


def _names(given: str) -> list[str]:
    return [name.strip() for name in given.split(",")]


def _estimate(report: Report, arm: str, count: int, measure: str) -> str:
    found = [p for p in report["points"] if (p["arm"], p["D"], p["measure"]) == (arm, count, measure)]
    return str(Estimate(*(found[0][key] for key in Estimate._fields))) if found else "–"


WHAT: dict[str, Callable[..., str]] = {"table": table, "cells": cells, "curve": curve, "shown": shown, "value": value}


def rendered(text: str) -> str:
    """A page with every block as it should be."""

    def block(match: re.Match[str]) -> str:
        head, name, what, line, end = match.groups()
        report = json.loads((KEPT / f"{name}.json").read_text("utf-8"))
        kind, _, rest = what.partition(" ")
        body = WHAT[kind](report, *(part.strip() for part in rest.split("|"))) if kind in WHAT else verdict(report, what)
        return f"{head}{body}{line}{end}"

    return BLOCK.sub(block, text)


def main() -> None:
    if len(sys.argv) == 3:
        keep(sys.argv[1], Path(sys.argv[2]))
    for page in PAGES:
        if page.exists():
            page.write_text(rendered(page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
