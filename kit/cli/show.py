"""`kit show`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("data")
@click.argument("id_", metavar="[ID]", required=False)
def command(data: str, id_: str | None) -> None:
    """Show a data directory, or a published world (ORG/NAME@TAG): counts and samples, or one question, fact, entity, document or
    example by its id."""
    from generators.show import overview, show_item
    from kit.core.errors import KitError
    from kit.core.store import intact_manifest
    from kit.sources.published import local

    directory = Path(local(data))
    if intact_manifest(directory).stage != "generate":
        raise KitError(f"{directory} is not a data directory made by kit generate")
    click.echo(show_item(directory, id_) if id_ else overview(directory, data))
