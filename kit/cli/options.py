"""Options that several commands share, and how settings reach a configuration."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kit.core.errors import KitError

if TYPE_CHECKING:
    from kit.sweep.experiment import ExperimentConfig

F = TypeVar("F", bound=Callable[..., Any])

override = click.option(
    "-o",
    "--override",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set any setting, e.g. -o learning_rate=1e-5.",
)
as_json = click.option("--json", "json_", is_flag=True, help="Print the result as JSON.")
config_file = click.option("--config", type=click.Path(path_type=Path), help="Settings from a TOML file or a run's config.json.")


def out_option(default: str | None = None, required: bool = True) -> Callable[[F], F]:
    """`--out DIR`."""
    return click.option(
        "--out", type=click.Path(file_okay=False, path_type=Path), help="Directory for the result.",
        **({"required": required} if default is None else {"default": default, "show_default": True}),
    )  # fmt: skip


def run_by(settings_: dict[str, Any], url: str | None, outputs: str | None) -> dict[str, Any]:
    """Settings with the backend that `--url` or `--outputs` names, whatever they said before."""
    if url:
        server = settings_.get("server") or {}
        if not isinstance(server, dict):
            raise KitError(f"server must be a table of settings, not {server!r}")
        settings_ = {
            **settings_,
            "backend": "server",
            "server": {**server, "url": url},
            "recorded": None,
        }
    if outputs:
        settings_ = {**settings_, "backend": "recorded", "recorded": outputs, "server": None}
    return settings_


def echo_json(data: object) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


def experiment_of(name: str, overrides: tuple[str, ...], world: str | None = None) -> ExperimentConfig:
    """An experiment: a TOML file, or a preset by name, with overrides applied. world: in place of those it generates. Raises
    KitError for a mistake in it."""
    from kit.core.config import apply_overrides, preset_names, read_config_file, read_preset, resolve
    from kit.sweep.experiment import ExperimentConfig

    path = Path(name)
    data = read_preset(name) if name in preset_names() and not path.is_file() else read_config_file(path)
    if world:
        data = {**{key: value for key, value in data.items() if key != "generate"}, "data": world}
    return resolve(ExperimentConfig, apply_overrides(data, overrides))


def echo_verdict(report: dict[str, Any]) -> None:
    """A report's sentences, a line each: its family where it is a claim, its status, and what it says."""
    for line in report["verdict"]:
        family = "" if line["family"] in ("note", "secondary") else f" ({line['family']})"
        click.echo(f"- {line['status']}{family}: {line['text']}")


def settings(preset: str | None, config: Path | None, section: str | None, overrides: tuple[str, ...]) -> dict[str, Any]:
    """Settings from a preset (its `section`) or a file, with overrides applied. Raises KitError on anything unreadable."""
    from kit.core.config import apply_overrides, read_config_file, read_preset

    if preset and config:
        raise KitError("give either --preset or --config")
    data = read_preset(preset) if preset else read_config_file(config) if config else {}
    if section and section in data:
        data = data[section]
    elif preset and section:
        raise KitError(f"the preset {preset} has no {section}: what it learns and asks comes from elsewhere")
    return apply_overrides(data, overrides)
