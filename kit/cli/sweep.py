"""`kit sweep`."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli.options import as_json, echo_json, experiment_of, out_option, override


@click.command()
@click.argument("experiment")
@override
@click.option("--data", help="A data directory, or a published world (ORG/NAME@TAG), in place of the worlds it would generate.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes at once (default: the GPUs, or the cores).")
@click.option("--disk", help="The most that weights, and what unfinished training goes on from, may take: 200GB, say.")
@out_option()
@as_json
def command(
    experiment: str, overrides: tuple[str, ...], data: str | None, workers: int | None, disk: str | None, out: Path, json_: bool
) -> None:
    """Run an experiment, a TOML file or a preset by name: a grid of stages with shared prefixes. Run again, it goes on where it
    stopped."""
    from kit.sweep.disk import as_bytes
    from kit.sweep.run import sweep

    config = experiment_of(experiment, overrides, data)
    written = sweep(config, out, workers, as_bytes(disk) if disk else None)
    if json_:
        echo_json({"out": str(out), "experiment": str(written)})
        return
    click.echo(f"{config.name}: finished, in {out}\nnow: kit report {out}, and to look at every answer: kit view {out}")
