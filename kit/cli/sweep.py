"""`kit sweep`."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli.options import as_json, echo_json, out_option, override


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path))
@override
@click.option("--workers", type=click.IntRange(min=1), help="Parallel one-thread processes (default: the cores).")
@out_option()
@as_json
def command(experiment: Path, overrides: tuple[str, ...], workers: int | None, out: Path, json_: bool) -> None:
    """Run an experiment: a grid of stages with shared prefixes. Run again, it goes on where it stopped."""
    from kit.core.config import apply_overrides, read_config_file, resolve
    from kit.sweep.experiment import ExperimentConfig
    from kit.sweep.run import sweep

    config = resolve(ExperimentConfig, apply_overrides(read_config_file(experiment), overrides))
    path = sweep(config, out, workers)
    if json_:
        echo_json({"out": str(out), "experiment": str(path)})
        return
    click.echo(f"{config.name}: finished, in {out}\nnow: kit report {out}")
