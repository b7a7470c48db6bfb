"""docs/commands.md: every command's --help. `python -m tests.help_pages` writes it anew; a test compares."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli.main import COMMANDS, cli

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"


def page() -> str:
    """The page as it should be."""
    parts = ["# The commands\n\nMade by `python -m tests.help_pages` from what the commands say themselves.\n"]
    with click.Context(cli, info_name="kit", terminal_width=110, max_content_width=110, **cli.context_settings) as context:
        for name in COMMANDS:
            command = cli.get_command(context, name)
            assert command
            with click.Context(command, info_name=name, parent=context, terminal_width=110) as inner:
                parts.append(f"## kit {name}\n```text\n{command.get_help(inner)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
