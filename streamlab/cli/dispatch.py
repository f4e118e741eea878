"""The group of commands: a command's module is loaded when it is called."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import click

from streamlab import __version__
from streamlab.cli import COMMANDS, SECTIONS, complain
from streamlab.errors import StreamlabError

_EPILOG = """\b
Examples:
  streamlab demo
  streamlab record --upstream https://api.openai.com -- python my_app.py
  streamlab check last
  streamlab COMMAND --help
"""


class LazyGroup(click.Group):
    """Commands by name, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"streamlab.cli.{cmd_name}_" if cmd_name == "import" else f"streamlab.cli.{cmd_name}")
        found: click.Command = module.command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else " `streamlab --help` lists them."
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        longest = max(map(len, COMMANDS))
        for name, commands in SECTIONS.items():
            with formatter.section(name):
                formatter.write_dl([(command.ljust(longest), line) for command, line in commands.items()])


@click.group(cls=LazyGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="streamlab")
def group() -> None:
    """Record, check, mend and replay OpenAI-compatible streams."""


def run(args: Sequence[str] | None) -> int:
    """Run a command; every expected failure that is no system's is one line on stderr, and its documented exit code."""
    try:
        code = group.main(args=None if args is None else list(args), prog_name="streamlab", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except StreamlabError as error:
        complain(str(error))
        return error.exit_code
    return code if isinstance(code, int) else 0
