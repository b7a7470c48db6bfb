"""`kit demo`."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli.options import as_json, echo_json, echo_verdict, out_option, override, settings


@click.command()
@click.option("--seed", type=click.IntRange(min=0), help="Run this one replicate (default 0).")
@click.option("--seeds", type=click.IntRange(min=1), help="Run replicates 0 to n-1; claims need three.")
@override
@click.option("--workers", type=click.IntRange(min=1), help="Processes at once (default: the GPUs, or the cores).")
@out_option("runs/demo")
@as_json
def command(seed: int | None, seeds: int | None, overrides: tuple[str, ...], workers: int | None, out: Path, json_: bool) -> None:
    """The preset experiment on this machine, from nothing to a report."""
    from kit.core.config import resolve
    from kit.core.errors import KitError
    from kit.report.build import build_report
    from kit.sweep.experiment import ExperimentConfig
    from kit.sweep.run import sweep

    if seed is not None and seeds is not None:
        raise KitError("give either --seed or --seeds")
    data = settings("demo", None, None, overrides)
    if seed is not None:
        data["replicates"] = [seed]
    if seeds is not None:
        data["replicates"] = list(range(seeds))
    sweep(resolve(ExperimentConfig, data), out, workers)
    report = build_report(out)
    if json_:
        echo_json(report)
        return
    echo_verdict(report)
    click.echo(f"\nreport: {out / 'report.html'}   (also report.md, report.png, report.json)")
    click.echo(f"look at every answer behind it: kit view {out}")
