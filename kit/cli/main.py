"""`kit`: the group, its lazily imported commands, and the one place where errors become exit codes."""

from __future__ import annotations

import atexit
import gc
import importlib.util
import signal
import sys
from pathlib import Path

import click

import kit
from kit import __version__

COMMANDS = {
    "generate": ("kit.cli.generate", "Make a world: facts, documents, questions, finetuning examples."),
    "train": ("kit.cli.train", "Pretrain, post-train or inject: one training stage."),
    "eval": ("kit.cli.evaluate", "Ask a model questions and score its answers."),
    "compare": ("kit.cli.compare", "Paired difference of two evaluations."),
    "prefer": ("kit.cli.prefer", "Head-to-head preference of a judge between two evaluations."),
    "view": ("kit.cli.view", "Look at worlds, evaluations, runs and sweeps in a browser."),
    "show": ("kit.cli.show", "Show a data directory or one of its items, readably."),
    "plan": ("kit.cli.plan", "What an experiment takes and can establish, before it is run."),
    "sweep": ("kit.cli.sweep", "Run an experiment: a grid of stages, resumable."),
    "report": ("kit.cli.report", "Tables, figures and the verdict of a sweep."),
    "export": ("kit.cli.export", "Write a training run's checkpoint whole: adapter merged, in bf16."),
    "publish": ("kit.cli.publish", "Publish a world, an evaluation or a checkpoint on the hub; check one that was published."),
    "demo": ("kit.cli.demo", "The preset experiment on this machine, from nothing to a report."),
}
"""Every command: the module that holds it (as `command`), and the line that `kit --help` shows."""


class LazyGroup(click.Group):
    """Imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        from kit.core.errors import nearest

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"no command {args[0]}; {nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kit")
def cli() -> None:
    """kit, the Knowledge Injection Toolkit: inject new facts into a language model and measure what it does with them."""


class _Terminated(BaseException):
    """SIGTERM, as an exception, so that temporary files and workers are cleared away as for Ctrl-C."""


def _terminated(*_: object) -> None:
    raise _Terminated


def _check_packages() -> None:
    """Raises KitError when another `generators` or `evals` (a folder where kit was started, say) hides kit's own."""
    from kit.core.errors import KitError

    home = Path(kit.__file__).parents[1]
    for name in ("generators", "evals", "data_cards"):
        spec = importlib.util.find_spec(name)
        # A folder without __init__.py has no origin, and hides kit's package where that is installed to be edited.
        origin = spec and (spec.origin or next(iter(spec.submodule_search_locations or ()), None))
        if not origin or Path(origin) != home / name / "__init__.py":
            raise KitError(
                f"Python finds the package {name} at {origin or 'no place'}, where it hides kit's own ({home / name}): "
                "rename it, or start kit from another directory"
            )


def main() -> None:
    """Entry point. What the user can mend is one line on stderr and exit code 2; Ctrl-C exits with 130, SIGTERM with 143."""
    from kit.core.errors import KitError, SilentError, is_first

    signal.signal(signal.SIGTERM, _terminated)
    # Importing torch and transformers makes a million objects that live as long as the process. Going through them again and
    # again while they are made, and once more at the end, took 1.5 of the 3.6 s of doing nothing else.
    gc.set_threshold(100_000, 50, 100)
    atexit.register(gc.freeze)
    try:
        _check_packages()
        cli.main(standalone_mode=False)
    except KitError as error:
        if is_first() or not isinstance(error, SilentError):
            click.echo(f"kit: {' '.join(str(error).split())}", err=True)
        sys.exit(2)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except click.ClickException as error:
        click.echo(f"kit: {' '.join(error.format_message().split())}", err=True)
        sys.exit(2)
    except _Terminated:
        click.echo("kit: terminated; run the same command again to go on", err=True)
        sys.exit(143)
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        click.echo(f"kit: {error.filename or 'input or output'}: {reason}; what is finished is kept", err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("kit: interrupted; run the same command again to go on", err=True)
        sys.exit(130)
