"""`kit export`."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli.options import as_json, config_file, echo_json, out_option, override, settings


@click.command()
@click.argument("run")
@click.option("--precision", help="bf16 (default) or fp32.")
@config_file
@override
@out_option()
@as_json
def command(run: str, precision: str | None, config: Path | None, overrides: tuple[str, ...], out: Path, json_: bool) -> None:
    """Write what a training run made as one whole checkpoint: its adapter merged, its weights in bf16."""
    from kit.core.config import apply_overrides, resolve
    from kit.core.store import read_manifest
    from kit.publish.export import ExportConfig, export

    given = settings(None, config, None, ())
    given.pop("model", None)  # in the config.json of an earlier export
    given = apply_overrides(given, overrides)
    resolved = resolve(ExportConfig, given | ({"precision": precision} if precision else {}))
    found = read_manifest(export(resolved, run, out)).results
    if json_:
        echo_json({"out": str(out), "results": found})
        return
    merged = "adapter merged, " if found["merged"] else ""
    click.echo(f"{merged}{found['parameters']:,.0f} parameters in {resolved.precision}\nwritten to {out}")
