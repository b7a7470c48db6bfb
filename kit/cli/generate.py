"""`kit generate`."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli.options import as_json, config_file, echo_json, out_option, override, settings


@click.command()
@click.option("--preset", help="A preset that ships with kit (default: demo).")
@config_file
@override
@click.option("--seed", type=int, help="The world's seed.")
@out_option()
@as_json
def command(
    preset: str | None, config: Path | None, overrides: tuple[str, ...], seed: int | None, out: Path, json_: bool
) -> None:
    """Make a world: facts, documents, questions, finetuning examples."""
    from generators.config import GenerateConfig
    from generators.generate import generate_stage
    from generators.own.report import lines
    from kit.core.config import resolve
    from kit.core.store import read_manifest

    data = settings(preset or (None if config else "demo"), config, "generate", overrides)
    resolved = resolve(GenerateConfig, data if seed is None else {**data, "seed": seed})
    manifest = read_manifest(generate_stage(resolved, out))
    if json_:
        echo_json({"out": str(out), "key": manifest.key, "results": manifest.results})
        return
    found = manifest.results
    for name, rows in found.items():
        if name.endswith("_rows"):
            click.echo(f"{name.removesuffix('_rows'):>15}  {rows:>9,.0f}")
    told = "every fact stated as often as asked" if found["exposures_as_asked"] else "NOT every fact stated as often as asked"
    together = found["documents_with_both_facts_of_a_pair"]
    click.echo(f"{'audit':>15}  {told}; {together:,.0f} documents hold both facts of a held-out pair (audit.json)")
    for line in lines(out):
        click.echo(f"{'your own':>15}  {line}")
    click.echo(f"{'written to':>15}  {out}")
