"""``streamlab clients``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamlab.cli.options import Command, FiniteRange, db_option, max_input_option, need_posix

if TYPE_CHECKING:
    from streamlab.clients.setups import ClientSetup


@click.group(
    epilog="""\b
Examples:
  streamlab clients list
  streamlab clients run captures/glm4-newline"""
)
def command() -> None:
    """Ask real clients: what each makes of your bytes, as they came and repaired."""


def _format_option(function: Command) -> Command:
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Or for machines.",
    )(function)


def _where_options(function: Command) -> Command:
    """``--latest`` and ``--environments``."""
    for option in (
        click.option("--latest", is_flag=True, help="The newest versions instead of the locked ones."),
        click.option(
            "--environments",
            type=click.Path(path_type=Path, file_okay=False),
            envvar="STREAMLAB_CLIENTS",
            help="Where clients are installed (default: the user's cache).",
        ),
    ):
        function = option(function)
    return function


class _LeftOut(list[str]):
    """Clients that could not be asked, each told with its reason."""

    def __call__(self, setup: ClientSetup, why: str) -> None:
        from streamlab.report.terminal import complain

        self.append(setup.id)
        complain(f"streamlab: {setup.id} left out: {why}")


@command.command("list")
@_where_options
@_format_option
def list_(environments: Path | None, latest: bool, form: str) -> None:
    """List the clients that can be asked, and which are installed."""
    need_posix("clients")
    from streamlab.clients.setups import setups
    from streamlab.report import clients_text
    from streamlab.report.terminal import data, say_json
    from streamlab.workflows.clients.environments import Environments, default_folder, locked_version

    there = Environments(environments or default_folder(), latest=latest)
    listed = [(one, None if latest else locked_version(one), there.installed(one)) for one in setups().values()]
    if form == "json":
        say_json(clients_text.setups_json(listed))
    else:
        clients_text.print_setups(data(), listed)


@command.command(
    short_help="Serve exchanges to real clients: what each made of them.",
    epilog="""\b
Examples:
  streamlab clients run last
  streamlab clients run captures/glm4-newline --client openai-python --client litellm
  streamlab clients run captures/ --client all --format json
""",
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option(
    "--client",
    "names",
    multiple=True,
    metavar="NAME",
    help="An id, a package, a name as in findings; all: all of them.",
)
@click.option("--timing", is_flag=True, help="Play at the recorded times instead of at once.")
@click.option(
    "--limit", type=FiniteRange(min=0.1), default=20.0, show_default=True, help="Seconds until a client hangs."
)
@_where_options
@_format_option
@db_option
@max_input_option
def run(
    targets: tuple[str, ...],
    names: tuple[str, ...],
    timing: bool,
    limit: float,
    environments: Path | None,
    latest: bool,
    form: str,
    db: Path | None,
) -> int:
    """Serve exchanges to real clients on loopback, and say what each made of them.

    Each client is installed in an environment of its own, on first use. What it held at the end of the exchange, as it
    came and repaired, is compared with the answer that was meant; who notices a stream that stays broken is right. It
    offers the functions that the request offers; where it cannot, that is said. Without --client the usual ones are
    asked, and whatever is installed. Exit code 0: all were right as they came; 1: some were not; 3: nobody was asked.
    """
    need_posix("clients")
    from streamlab.cli.progress import ProgressLine
    from streamlab.errors import CouldNotRunError
    from streamlab.report import clients_text
    from streamlab.report.terminal import complain, data, say_json
    from streamlab.workflows.clients.environments import Environments, default_folder
    from streamlab.workflows.clients.running import ClientsAsked, named_setups, served_targets, speaking, try_clients

    there = Environments(environments or default_folder(), complain, latest=latest)
    exchanges = served_targets(targets, db)
    wanted = speaking(named_setups(names, there), exchanges)
    left_out = _LeftOut()
    with ProgressLine("answers") as progress:
        log = there.folder / "drivers.log"
        asking = ClientsAsked(there, log, timing=timing, limit_s=limit, failed=left_out, advance=progress.advance)
        found = try_clients(exchanges, wanted, asking)
    if len(left_out) == len(wanted):
        raise CouldNotRunError("none of the clients could be asked")
    if form == "json":
        say_json(clients_text.tried_json(found))
    else:
        clients_text.print_tried(data(), found, len(wanted) - len(left_out))
    return int(not clients_text.all_right(found))


@command.command(
    short_help="Measure clients again: for streamlab's own checkout.",
    epilog="""\b
Examples:
  streamlab clients measure --client openai-python
  streamlab clients measure --client all --stream 'tools.*'
""",
)
@click.option("--client", "names", multiple=True, metavar="NAME", help="Which clients; without: those installed.")
@click.option("--stream", "patterns", multiple=True, metavar="GLOB", help="Which streams of tools/clients/cases.toml.")
@click.option("--limit", type=FiniteRange(min=0.1), default=10.0, show_default=True, help="Seconds until it hangs.")
@_where_options
@_format_option
def measure(
    names: tuple[str, ...],
    patterns: tuple[str, ...],
    limit: float,
    environments: Path | None,
    latest: bool,
    form: str,
) -> None:
    """Measure clients again on the streams of the rules, and write the tables that findings quote.

    For streamlab's own checkout: adds a file to tools/clients/results, writes streamlab/clients/measured.toml from all
    of them, and says what changed since each client was measured last. A run that was broken off goes on where it was.
    """
    need_posix("clients")
    from streamlab.cli.progress import ProgressLine
    from streamlab.report import clients_text
    from streamlab.report.terminal import complain, data, say_json
    from streamlab.workflows.clients import measuring
    from streamlab.workflows.clients.environments import Environments, default_folder
    from streamlab.workflows.clients.running import ClientsAsked, named_setups

    root = measuring.checkout()
    there = Environments(environments or default_folder(), complain, latest=latest)
    wanted = named_setups(names, there)
    with ProgressLine("answers") as progress:
        log = there.folder / "drivers.log"
        asking = ClientsAsked(there, log, limit_s=limit, failed=_LeftOut(), advance=progress.advance)
        found = measuring.measure(root, wanted, patterns, asking)
    if form == "json":
        say_json(clients_text.measured_json(found))
    else:
        clients_text.print_measured(data(), found)
