"""`kit plan`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from kit.cli.options import as_json, echo_json, experiment_of, override

if TYPE_CHECKING:
    from kit.sweep.forecast import Forecast, Outlook


@click.command()
@click.argument("experiment")
@override
@as_json
def command(experiment: str, overrides: tuple[str, ...], json_: bool) -> None:
    """What an experiment takes, and what it can establish, before it is run: stages, tokens, disk; for every claim the smallest
    difference that it would find four times in five, by number of replicates; of laws, which can be told apart."""
    from kit.core.config import dump
    from kit.sweep.forecast import forecast

    config = experiment_of(experiment, overrides)
    found = forecast(config)
    if json_:
        echo_json({**asdict(found), "outlooks": [{**asdict(o), "claim": dump(o.claim)} for o in found.outlooks]})
        return
    own = len(config.replicates)
    click.echo(f"{config.name}: {own} replicate{'s' if own > 1 else ''}, {len(config.arms)} arms, D ∈ {{{', '.join(map(str, config.counts))}}}")
    _cost(found)
    click.echo("\nquestions of a measure (and the size of the cluster that one is in), " + ("counted" if found.counted else "reckoned"))
    for name, asked in found.asked.items():
        click.echo(f"  {name}: {asked.questions} ({asked.cluster:.1f})")
    if found.outlooks:
        few = "" if own >= 3 else f"; {own} establish{'es' if own == 1 else ''} nothing"
        click.echo(f"\nthe smallest distance from its bound that is found in four of five runs, by replicates{few}")
    for outlook in found.outlooks:
        _outlook(outlook)


def _cost(found: Forecast) -> None:
    counted = ", ".join(f"{n} {kind}" for kind, n in found.stages.items())
    size = "not known here: that of the checkpoint" if found.bytes is None else f"about {found.bytes / 2**20:,.0f} MiB"
    click.echo(f"stages: {counted}\ntrained on: about {found.tokens:,} tokens\ndisk: {size}")


def _outlook(outlook: Outlook) -> None:
    claim = outlook.claim
    family = f"primary, at {100 * outlook.alpha:.2g} %" if claim.primary else "secondary, at 5 %"
    click.echo(f"- {claim.says} ({claim.kind}; {family})")
    if outlook.smallest:
        by = ", ".join(f"{r} replicates: {least:.2f}" for r, least in outlook.smallest.items())
        click.echo(f"    {by}  ({claim.bound_text()}; where scores are about one half, elsewhere it is less)")
    for replicates, tellings in outlook.telling.items():
        click.echo(f"    {replicates} replicates:")
        for telling in tellings:
            rejected = ", ".join(f"{form} {share:.2f}" for form, share in telling.rejected.items())
            click.echo(f"      were it {telling.truth}: rejected {rejected}; told apart from all others {telling.supported:.2f}")
    if not (outlook.smallest or outlook.telling):
        click.echo("    depends on the scores")
