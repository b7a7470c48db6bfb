"""`kit plan`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from kit.cli.options import as_json, echo_json, experiment_of, override

if TYPE_CHECKING:
    from kit.sweep.forecast import Outlook
    from kit.sweep.machines import Machine, Taken


@click.command()
@click.argument("experiment")
@override
@click.option("--data", help="A data directory, or a published world (ORG/NAME@TAG), in place of the worlds it would generate.")
@click.option("--machine", help="Hours and memory of a machine, such as 8xh100.")
@as_json
def command(experiment: str, overrides: tuple[str, ...], data: str | None, machine: str | None, json_: bool) -> None:
    """What an experiment takes, and what it can establish, before it is run: stages, tokens, disk; for every claim the smallest
    difference that it would find four times in five, by number of replicates, or in what its arms are not matched; of laws,
    which can be told apart."""
    from kit.core.config import dump
    from kit.sweep.forecast import forecast
    from kit.sweep.machines import Machine

    config = experiment_of(experiment, overrides, data)
    named = Machine.named(machine) if machine else None
    found = forecast(config, machine=named)
    if json_:
        echo_json(
            {
                **asdict(found),
                "asked": {name: {"questions": a.questions, "cluster": a.cluster} for name, a in found.asked.items()},
                "outlooks": [{**asdict(o), "claim": dump(o.claim)} for o in found.outlooks],
            }
        )
        return
    own, counts = len(config.replicates), ", ".join(map(str, config.counts))
    click.echo(f"{config.name}\nreplicates: {own}; arms: {len(config.arms)}; D ∈ {{{counts}}}")
    click.echo(f"stages: {', '.join(f'{n} {kind}' for kind, n in found.stages.items())}")
    size = "not known here: that of the checkpoint" if found.bytes is None else f"about {found.bytes / 2**20:,.0f} MiB"
    click.echo(f"trained on: about {found.tokens:,} tokens\ndisk: {size}")
    if named and found.taken:
        _taken(named, found.taken)
    asked = ", ".join(f"{name} {each.questions}" for name, each in found.asked.items())
    click.echo(f"questions, {'counted' if found.counted else 'reckoned'}: {asked}")
    if not found.outlooks:
        return
    replicates = sorted({r for o in found.outlooks for r in (*o.smallest, *o.telling)})
    many = "" if own >= min(replicates, default=own) else f" ({own} decide{'s' if own == 1 else ''} nothing)"
    click.echo(f"\nWhat is found in four of five runs of {_by(replicates)} replicates{many}")
    for outlook in found.outlooks:
        _outlook(outlook)


def _taken(machine: Machine, taken: Taken) -> None:
    from kit.sweep.machines import TRAINING_MFU

    hours = taken.training + taken.evaluation
    click.echo(
        f"{machine.name}: about {hours:,.1f} device-hours, {taken.training:,.1f} of them training (at {TRAINING_MFU:.0%} MFU); "
        f"{hours / machine.count:,.1f} hours with none idle"
    )
    if taken.largest:
        of, most = machine.device.memory / 2**30, taken.memory / 2**30
        click.echo(f"memory of a device: at most {most:,.1f} of {of:.0f} GiB with rows of max_length ({taken.largest})")
    if taken.beyond:
        click.echo(f"does not fit: {len(taken.beyond)} stages, such as {taken.beyond[0]}: see devices, parallel and micro_batch")
    if taken.unknown:
        click.echo(f"left out, since they cannot be read here: {', '.join(taken.unknown)}")


def _by(values: Iterable[object]) -> str:
    return " / ".join(map(str, values))


def _outlook(outlook: Outlook) -> None:
    claim = outlook.claim
    click.echo(f"- {claim.says} ({claim.kind}, {'primary' if claim.primary else 'secondary'}, at {100 * outlook.alpha:.2g} %)")
    if outlook.unmatched:
        click.echo(f"    nothing will be said: not matched in {', '.join(outlook.unmatched)}")
        return
    if outlook.smallest:
        by = _by(f"{least:.2f}" for least in outlook.smallest.values())
        click.echo(
            f"    a distance of {by} from its bound ({claim.bound_text()}), where scores are about one half; elsewhere less"
        )
    elif outlook.telling:
        truths = {t.truth for tellings in outlook.telling.values() for t in tellings}
        for truth in sorted(truths):
            told = [next(t for t in tellings if t.truth == truth) for tellings in outlook.telling.values()]
            rejected = [f"{form} {_by(f'{t.rejected[form]:.2f}' for t in told)}" for form in told[0].rejected if form != truth]
            alone = _by(f"{t.supported:.2f}" for t in told)
            click.echo(
                f"    were {truth} the law, it would be told apart from all others in {alone}; rejecting {'; '.join(rejected)}"
            )
    else:
        click.echo("    depends on the scores")
