"""The report as Markdown, to be pasted into a paper's appendix, an issue or a README."""

from __future__ import annotations

from collections.abc import Sequence

from kit.report.tables import Table
from kit.report.verdict import Sentence

FAMILIES = {
    "primary": "Primary claims",
    "secondary": "Secondary claims, not corrected for their number",
    "post hoc": "Post hoc: claims made after results were there",
    "note": "Notes",
}


def markdown(title: str, lines: Sequence[Sentence], tables: Sequence[Table]) -> str:
    """The verdict by family, and every table."""
    parts = [f"# {title}"]
    for family, heading in FAMILIES.items():
        if own := [line for line in lines if line.family == family]:
            told = [f"- {line.text}" if family == "note" else f"- *{line.status}*: {line.text}" for line in own]
            parts += [f"## {heading}", "\n".join(told)]
    for table in tables:
        parts += [f"## {table['title']}", *([table["note"]] if table["note"] else []), pipes(table)]
    return "\n\n".join(parts) + "\n"


def pipes(table: Table) -> str:
    """A table's header and rows."""
    lines = [_row(table["header"]), _row(["---"] * len(table["header"])), *map(_row, table["rows"])]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
