"""`kit view`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("directories", metavar="DIR [DIR…]", nargs=-1, required=True)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write one page that holds everything, and needs nothing else."
)
@click.option("--serve", is_flag=True, help="Answer a browser on this machine until interrupted, however much there is.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the server; any that is free, unless given.")
def command(directories: tuple[str, ...], out: Path | None, serve: bool, port: int) -> None:
    """Look at worlds, evaluations, training runs and sweeps in a browser; evaluations of one task side by side.

    Without --out or --serve, a page view.html is written beside what is looked at, and a server started where that is too much
    for one or still runs.
    """
    from kit.core.errors import KitError
    from kit.sources.published import local
    from kit.view.open import sections, titles
    from kit.view.page import too_much, write_page

    if out and serve:
        raise KitError("give either --out or --serve")
    places = [Path(local(directory)) for directory in directories]

    found = sections(places, titles(directories))
    runs = any(not run["finished"] for section in found for run in section.told.get("runs", ()) if section.kind == "training")
    if out or not (serve or port or runs or too_much(found)):
        page = out or (places[0] if Path(directories[0]).is_dir() else Path()) / "view.html"
        for line in write_page(found, " · ".join(titles(directories)), page):
            click.echo(line, err=True)
        click.echo(page)
        return
    from kit.view.server import serve as answer

    answer(found, port, lambda address: click.echo(f"{address}\nCtrl-C ends it"))
