"""`kit publish`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kit.cli.options import as_json, config_file, echo_json, override, settings
from kit.core.errors import KitError

if TYPE_CHECKING:
    from kit.core.records import EvalRecord
    from kit.publish.check import Report
    from kit.publish.config import Kind, PublishConfig
    from kit.publish.release import Made, Renderer


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@click.option("--to", metavar="ORG/NAME", help="The repository on the hub.")
@click.option("--release", help="Its name, a tag on the hub (default: v1).")
@click.option("--author", "authors", multiple=True, help="Who made it; once for each.")
@click.option("--contact", help="Where readers may write to.")
@click.option("--license", "license_", help="An SPDX id (default: CC-BY-4.0).")
@click.option("--scores", "evaluations", multiple=True, type=click.Path(path_type=Path),
              help="With a checkpoint: an evaluation of it, whose scores go on its card.")  # fmt: skip
@click.option("--public", is_flag=True, help="For all to see; else a new repository is private.")
@click.option("--gated", type=click.Choice(["auto", "manual"]), help="Readers have to ask; `manual`: and are let in one by one.")
@click.option("--dry-run", is_flag=True, help="Make the release folder, check it, and send nothing.")
@click.option("--full", is_flag=True, help="Generate a world of more than 100,000 entities again, too.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The release folder (default: DIRECTORY.release).")
@click.option("--verify", metavar="ORG/NAME@TAG", help="Check a release on the hub, or in a folder, instead.")
@config_file
@override
@as_json
def command(
    directory: Path | None, to: str | None, release: str | None, authors: tuple[str, ...], contact: str | None,
    license_: str | None, evaluations: tuple[Path, ...], public: bool, gated: str | None, dry_run: bool, full: bool,
    out: Path | None, verify: str | None, config: Path | None, overrides: tuple[str, ...], json_: bool,
) -> None:  # fmt: skip
    """Publish a world, an evaluation or a checkpoint on the hub, as a release folder that was checked; or check a release."""
    from kit.core.config import resolve
    from kit.publish.config import PublishConfig, check_meant

    if verify:
        given = {"a directory": directory, "--to": to, "--release": release, "--author": authors, "--contact": contact,
                 "--license": license_, "--scores": evaluations, "--public": public, "--gated": gated, "--dry-run": dry_run,
                 "--out": out, "--config": config, "-o": overrides}  # fmt: skip
        if idle := next((name for name, value in given.items() if value), None):
            raise KitError(f"--verify looks at a release that is there: {idle} is for making one")
        _verify(verify, full, json_)
        return
    if not directory or not to:
        raise KitError("give a directory, and --to ORG/NAME; or --verify ORG/NAME@TAG")
    said = settings(None, config, None, overrides)
    told = {"release": release, "authors": list(authors) or None, "contact": contact, "license": license_, "gated": gated}
    said |= {name: value for name, value in told.items() if value is not None}
    resolved = resolve(PublishConfig, said | ({"public": True} if public else {}))

    from kit.core.store import intact_manifest
    from kit.publish.release import held, kind_of

    kind = kind_of(directory, intact_manifest(directory))
    check_meant(resolved, kind)
    if full and kind != "world":
        raise KitError(f"--full has worlds generated again; {directory} is published as {kind}")
    if evaluations and kind != "checkpoint":
        raise KitError(f"--scores are of a checkpoint; {directory} is published as {kind}")
    place = (out or directory.resolve().with_name(f"{directory.resolve().name}.release")).resolve()
    if not place.name:
        raise KitError(f"--out {out}: name a folder")
    with held(place):
        _publish(kind, directory, to, resolved, place, evaluations, dry_run, full, json_)


def _publish(
    kind: Kind, directory: Path, to: str, config: PublishConfig, place: Path, evaluations: Sequence[Path], dry_run: bool,
    full: bool, json_: bool,
) -> None:  # fmt: skip
    from kit.publish.check import Report, check_release
    from kit.publish.send import check_target, released, send

    if not dry_run:
        _say(f"looking at {to}")
        check_target(to, kind)
    _say(f"making the release folder {place}")
    made = _made(kind, directory, to, config, place, evaluations)
    if made.missing and not dry_run:
        raise KitError(f"not sent, for only you know {'; '.join(made.missing)} (--dry-run shows the rest)")
    if not dry_run and released(made):
        report = Report([], [])  # it was looked at when it left
    else:
        report = check_release(place, _renderers()[kind], _remake, full, directory, _say)
    sent = send(made, config, _say) if not report.faults and not dry_run else None
    files = {str(path.relative_to(made.folder)): path.stat().st_size for path in made.files()}
    if json_:
        told = sent._asdict() if sent else None
        echo_json({"folder": str(made.folder), "files": files, "missing": made.missing, "sent": told, **report._asdict()})
    if report.faults:
        raise KitError(f"not sent: {_several(report.faults)}")
    if json_:
        return
    _echo_folder(made, files)
    _echo_notes(report)
    if not sent:
        for each in made.missing:
            click.echo(f"missing: {each}")
        then = "Tell what is missing, and run it" if made.missing else "Run it"
        click.echo(f"checked; nothing was sent. {then} without --dry-run")
        return
    what = f"{sent.files} files, {sent.bytes / 1e6:,.1f} MB" if sent.files else "nothing: the hub has it all"
    click.echo(f"sent {what}; {to}@{config.release} is commit {sent.commit}, read back and the same")
    of = "models/" if kind == "checkpoint" else ""
    click.echo(f"anybody checks it with: kit publish --verify {of}{to}@{config.release}")


def _say(step: str) -> None:
    click.echo(f"… {step}", err=True)


def _made(kind: Kind, directory: Path, to: str, config: PublishConfig, out: Path, evaluations: Sequence[Path]) -> Made:
    from kit.publish.checkpoint import filler
    from kit.publish.evaluation import fill as fill_evaluation
    from kit.publish.release import make_release
    from kit.publish.world import fill as fill_world

    fillers = {"world": fill_world, "evaluation": fill_evaluation, "checkpoint": filler(config.model, evaluations, _summarise)}
    return make_release(directory, to, config, out, fillers[kind], _renderers()[kind])


def _renderers() -> dict[str, Renderer]:
    from kit.publish.checkpoint import render_checkpoint
    from kit.publish.evaluation import renderer
    from kit.publish.world import render_world

    return {"world": render_world, "evaluation": renderer(_summarise, _export), "checkpoint": render_checkpoint}


def _summarise(records: Sequence[EvalRecord]) -> list[dict[str, Any]]:
    from evals.summary import summarise

    return [row.as_dict() for row in summarise(records)]


def _export(config: dict[str, Any], model: str, records: Sequence[EvalRecord]) -> dict[str, Any]:
    from evals.config import EvalConfig
    from evals.export import as_lm_eval
    from kit.core.config import resolve

    settings_ = {name: value for name, value in config.items() if name in EvalConfig.model_fields}
    return as_lm_eval(resolve(EvalConfig, settings_), model, records)


def _remake(folder: Path, out: Path) -> Path:
    """The world of a release, generated again from its configuration and sources."""
    from generators.config import GenerateConfig
    from generators.generate import generate_stage
    from kit.core.config import read_config_file, resolve
    from kit.core.store import read_manifest, replaced
    from kit.publish.release import SOURCES, setting

    config = read_config_file(folder / "config.json")
    named = {name: setting(config, name) for name in read_manifest(folder).inputs}
    places = {name: str(folder / told) for name, told in named.items() if str(told).startswith(f"{SOURCES}/")}
    return generate_stage(resolve(GenerateConfig, replaced(config, places)), out)


def _verify(named: str, full: bool, json_: bool) -> None:
    from kit.publish.check import check_release
    from kit.publish.send import fetch
    from kit.sources.published import read_release

    with tempfile.TemporaryDirectory(prefix="kit-") as place:
        _say(f"looking at {named}")
        here = Path(named).is_dir()
        folder = Path(named) if here else fetch(named, Path(place))
        release = read_release(folder)
        if full and release["kind"] != "world":
            raise KitError(f"--full has worlds generated again; {named} is a published {release['kind']}")
        report = check_release(folder, _renderers()[release["kind"]], _remake, full, say=_say)
        if not here and named.removeprefix("models/").partition("@")[0] != release["to"]:
            report.notes.append(f"it is a copy of {release['to']}@{release['release']}")
    if json_:
        echo_json({"release": named, "kind": release["kind"], **report._asdict()})
    if report.faults:
        raise KitError(f"{named}: {_several(report.faults)}")
    if not json_:
        _echo_notes(report)
        found = "nothing wrong in what was looked at" if report.notes else "every file as it should be"
        click.echo(f"{named}: a {release['kind']}, {found}")


def _echo_folder(made: Made, files: dict[str, int]) -> None:
    """What would be sent, by folder."""
    sizes: dict[str, list[int]] = {}
    for name, size in files.items():
        sizes.setdefault("/".join(name.split("/")[:2]) if name.startswith("data/") else name.split("/")[0], []).append(size)
    for name, each in sizes.items():
        many = f"  {len(each)} files" if len(each) > 1 else ""
        click.echo(f"{sum(each):>13,}  {name}{many}")
    click.echo(f"{sum(files.values()):>13,}  bytes in {len(files)} files: {made.folder}")


def _echo_notes(report: Report) -> None:
    for note in report.notes:
        click.echo(f"note: {note}")


def _several(faults: Sequence[str]) -> str:
    """The first fault, and how many more there are."""
    return faults[0] + (f" (and {len(faults) - 1} more: --json lists them)" if len(faults) > 1 else "")
