"""`kit report`."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli.options import as_json, echo_json, echo_verdict


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@as_json
def command(directory: Path, json_: bool) -> None:
    """Tables, figures and the verdict of a sweep: report.html, report.md, report.png and report.json in its directory."""
    from kit.report.build import build_report

    report = build_report(directory)
    if json_:
        echo_json(report)
        return
    echo_verdict(report)
    click.echo(f"{directory / 'report.html'}")
