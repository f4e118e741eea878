"""The command line: a lazy group. ``--help`` loads click and nothing else; a command's module is loaded on use."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from streamlab import __version__
from streamlab.errors import StreamlabError

#: command -> one line for ``--help``. Its module is ``streamlab.cli.<name>`` (``import`` lives in import_.py) and
#: holds a click command called ``command``.
COMMANDS = {
    "record": "Record streams through a capture proxy.",
    "ls": "List what was recorded.",
    "show": "Show one exchange in full.",
    "check": "Say where a stream departs from what OpenAI promises.",
    "compare": "Say what a hop did to a stream, and who is to blame.",
    "trend": "Say how often rules spoke, by model, server, label or day.",
    "sql": "Ask for anything about many exchanges, in SQL.",
    "bisect": "Find the first recording in which a rule spoke.",
    "drift": "Ask recorded questions again, and say what changed in the answers.",
    "probe": "Ask a live server a fixed set of questions, and judge the answers.",
    "normalize": "Mend a stream, and account for every change.",
    "replay": "Play exchanges back, faults included.",
    "fuzz": "Find the smallest cut or fault that changes what a command does.",
    "shrink": "Cut a capture down to the smallest that still shows it.",
    "export": "Write exchanges as fixtures or in other formats.",
    "bundle": "Put exchanges into one file that holds no secret.",
    "redact": "Take secrets out of exchanges, and prove it.",
    "import": "Read exchange directories and .sse files into the database.",
    "lake": "Keep the exchanges of many recorders as Parquet.",
    "prune": "Delete exchanges from the database.",
    "rules": "List the rules.",
    "rule": "Explain one rule.",
    "clients": "Ask real clients what they make of your bytes.",
    "diff": "Show an exchange beside what OpenAI would have sent.",
    "tui": "Open the workbench.",
    "mcp": "Answer tools that speak MCP about what was recorded.",
    "doctor": "Look at what streamlab stands on: versions, database, ports, proxies.",
    "completion": "Print the script that completes commands in your shell.",
    "demo": "Show the whole loop on broken stand-in servers.",
}

#: New objects after which garbage is looked for. Loading modules makes tens of thousands and no garbage.
_OBJECTS = 50_000

_EPILOG = """\b
Examples:
  streamlab record --upstream https://api.openai.com
  streamlab check last
  streamlab demo
"""


class LazyGroup(click.Group):
    """Commands by name, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"{__name__}.{cmd_name}_" if cmd_name == "import" else f"{__name__}.{cmd_name}")
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
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="streamlab")
def group() -> None:
    """Record, check, mend and replay OpenAI-compatible streams."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command; every expected failure is one line on stderr and its documented exit code."""
    gc.set_threshold(_OBJECTS)
    try:
        code = group.main(args=None if argv is None else list(argv), prog_name="streamlab", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except StreamlabError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        _close_stdout()
        sys.exit(0)
    except OSError as error:
        _complain(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
        sys.exit(3)
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str) -> None:
    from streamlab.wire.visible import visible

    print(f"streamlab: {visible(message)}", file=sys.stderr)


def _close_stdout() -> None:
    """Whoever read our output has gone; keep the interpreter from complaining about it at exit."""
    import os

    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        pass
