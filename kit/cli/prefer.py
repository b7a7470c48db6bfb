"""`kit prefer`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kit.cli.options import as_json, config_file, echo_json, out_option, override, run_by, settings

if TYPE_CHECKING:
    from evals.preference_summary import PreferenceSummary


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option("--judge", required=True, help="A checkpoint directory, a train run, a hub id, or a server's name of a model.")
@click.option("--url", help="The server of the judge, up to /v1.")
@click.option("--outputs", help="A file of recorded verdicts.")
@click.option("--data", help="What both were evaluated on: compares style with its gold responses.")
@click.option("--limit", "-n", type=int, help="Compare the first n shared questions of each slice.")
@config_file
@override
@out_option()
@as_json
def command(
    a: Path, b: Path, judge: str, url: str | None, outputs: str | None, data: str | None, limit: int | None,
    config: Path | None, overrides: tuple[str, ...], out: Path, json_: bool,
) -> None:  # fmt: skip
    """Let a judge compare the answers of two evaluations, in both orders: win rate beside accuracy and style."""
    from evals.preference import PreferenceConfig, prefer, read_preferences
    from evals.preference_summary import summarise_preferences
    from kit.core.config import resolve

    merged = settings(None, config, None, overrides)
    merged.pop("model", None)
    merged = run_by(merged, url, outputs)
    merged |= {name: value for name, value in (("data", data), ("limit", limit)) if value is not None}
    rows = summarise_preferences(read_preferences(prefer(resolve(PreferenceConfig, merged), a, b, judge, out)))
    if json_:
        echo_json({"out": str(out), "judge": judge, "slices": [row.as_dict() for row in rows]})
        return
    for row in rows:
        click.echo(f"{row.slice}: {row.questions} questions, judged by {judge}")
        for name, told in _lines(row):
            click.echo(f"  {name:<20}  {told}".rstrip())
    click.echo(f"written to {out}")


def _lines(row: PreferenceSummary) -> Iterator[tuple[str, str]]:
    yield "", f"{'A':<28}  B"
    yield f"accuracy ({row.metric})", f"{row.a.accuracy!s:<28}  {row.b.accuracy}"
    for name, estimate in row.a.style.items():
        yield "style score" if name == "style" else f"style: {name}", f"{estimate!s:<28}  {row.b.style[name]}"
    yield "win rate of A", f"{row.win_rate or '-'}"
    yield "won, tied, lost", f"{row.wins}, {row.ties} ({row.identical} the same answer), {row.losses}"
    yield "position bias", f"{row.position or '-'}  (share for the answer shown first; 0.5 is none)"
    yield "agreement of orders", f"{row.agreement or '-'}"
    yield "kappa of orders", f"{row.kappa or '-'}"
    yield "unreadable verdicts", f"{row.unreadable} of {row.asked}"
