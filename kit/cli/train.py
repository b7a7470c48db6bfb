"""`kit train`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kit.cli.options import as_json, config_file, echo_json, out_option, override, settings

if TYPE_CHECKING:
    from kit.train.memory import Outlook
    from kit.train.recipes import TrainConfig


@click.command()
@click.option(
    "--data", required=True, help="A directory made by kit generate; for examples alone also a file of rows or a hub data set id."
)
@click.option("--model", required=True, help='A checkpoint directory, a train run, a hub id (ORG/NAME@REVISION), or "tiny".')
@click.option("--recipe", help="pretrain, posttrain or inject: sets what an option does not.")
@click.option("--task", help="Whose examples: multihop (default), math, code or if.")
@click.option("--examples", "-D", type=int, help="D, the number of finetuning examples.")
@click.option("--lora", is_flag=True, help="Train a low-rank adapter instead of all weights.")
@click.option("--seed", type=int, help="Seed of the order of rows and of a new model's weights.")
@click.option("--plan", is_flag=True, help="Tell what memory it would take on a device, and how many rows fit; train nothing.")
@config_file
@override
@out_option(required=False)
@as_json
def command(
    data: str, model: str, recipe: str | None, task: str | None, examples: int | None, lora: bool, seed: int | None, plan: bool,
    config: Path | None, overrides: tuple[str, ...], out: Path | None, json_: bool,
) -> None:  # fmt: skip
    """Pretrain, post-train or inject: one training stage, on a tiny model or any checkpoint."""
    from kit.core.config import resolve
    from kit.core.errors import KitError, is_first
    from kit.train.recipes import TrainConfig, with_defaults

    given = settings(None, config, None, overrides)
    for name in ("model", "data"):
        given.pop(name, None)
    recipe = recipe or given.get("recipe")
    if not recipe:
        raise KitError("give --recipe pretrain, posttrain or inject")
    merged = with_defaults({**given, "recipe": recipe})
    if task:
        merged["task"] = task
    if examples is not None:
        merged["examples"] = examples
    if seed is not None:
        merged["seed"] = seed
    if lora and not merged.get("lora"):
        merged["lora"] = {}
    resolved = resolve(TrainConfig, merged)

    from kit.train.memory import outlook
    from kit.train.ranks import launched, leave
    from kit.train.run import train

    if plan:
        _tell(outlook(resolved, data, model), resolved, json_)
        return
    if not out:
        raise KitError("give --out, the directory to write to")
    train(resolved, data, model, out)
    if is_first():
        _done(recipe, out, json_)
    if launched():
        leave()


def _done(recipe: str, out: Path, json_: bool) -> None:
    """Print what a run made."""
    from kit.core.store import read_manifest

    manifest = read_manifest(out)
    if json_:
        echo_json(
            {
                "out": str(out),
                "key": manifest.key,
                "results": manifest.results,
                "notes": manifest.notes,
                "seconds": manifest.seconds,
            }
        )
        return
    r = manifest.results
    click.echo(
        f"{recipe}: {r['steps']:.0f} steps, {r['tokens']:,.0f} tokens, final loss {r['final_loss']:.3f}; "
        f"{r['trained_parameters']:,.0f} of {r['parameters']:,.0f} parameters trained in {manifest.seconds:.0f} s"
    )
    if r["skipped_rows"]:
        click.echo(f"{r['skipped_rows']:,.0f} examples could not be used and were left out")
    for note in manifest.notes:
        click.echo(f"note: {note}")
    click.echo(f"written to {out}")


def _tell(found: Outlook, config: TrainConfig, json_: bool) -> None:
    """Print a run's memory."""
    told = asdict(found)
    if json_:
        echo_json(told | {"total": found.memory.total})
        return
    click.echo(f"{found.trained:,} of {found.parameters:,} parameters trained; {found.rows} rows of {found.width} tokens at once")
    for name, size in told["memory"].items():
        click.echo(f"{name:>14}  {size / 1e9:8.2f} GB")
    each = " on each device" if config.devices > 1 else ""
    click.echo(f"{'at the peak':>14}  {found.memory.total / 1e9:8.2f} GB{each}, of {found.available / 1e9:.2f} GB")
    if found.memory.total > found.available:
        fewer = f"-o micro_batch={found.fits} fits" if found.fits else "not one row fits"
        more = "" if config.gradient_checkpointing else ", -o gradient_checkpointing=true keeps less"
        click.echo(f"too much: {fewer}{more}")
    else:
        click.echo(f"fits; so would -o micro_batch={found.fits}" if found.fits > found.rows else "fits")
