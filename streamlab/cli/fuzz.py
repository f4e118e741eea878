"""``streamlab fuzz``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import FiniteRange, db_option, json_option, need_posix


@click.command(
    epilog="""\b
Examples:
  streamlab fuzz last -- python my_client.py
  streamlab fuzz last --fault duplicate --fault 'stall 2s' --fault close-delimited -- python my_client.py
  streamlab fuzz fixtures/glm4-newline --budget 300 --to fixtures -- node client.js
"""
)
@click.argument("target", metavar="TARGET")
@click.argument("command_line", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.option("--budget", type=FiniteRange(min=0), default=120.0, show_default=True, help="Seconds in all.")
@click.option("--timeout", type=FiniteRange(min=0.1), default=30.0, show_default=True, help="Seconds a run.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    help="Try this too (docs/faults.md); an action alone, such as duplicate, at every event.",
)
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write the smallest as fixture.")
@db_option
@json_option
def command(
    target: str,
    command_line: tuple[str, ...],
    budget: float,
    timeout: float,
    faults: tuple[str, ...],
    folder: Path | None,
    db: Path | None,
    as_json: bool,
) -> int:
    """Play an exchange to a command, cut elsewhere and broken off in every way, and name the smallest change of the
    stream that changes the outcome: exit code and standard output.

    The command finds the server in OPENAI_BASE_URL or ANTHROPIC_BASE_URL. That it fails where the proper end is missing
    is no change. Exit code 0 when nothing changed the outcome, 1 when something did; Ctrl-C keeps what was found (130).
    """

    need_posix("fuzz")
    from streamlab.report.terminal import complain, say, say_json
    from streamlab.workflows import check as api
    from streamlab.workflows import export as exporting
    from streamlab.workflows import fuzz as fuzzing
    from streamlab.workflows.trial import Budget

    found = api.find_one(target, db)
    spend = Budget(budget)
    result = fuzzing.fuzz(found.read(), command_line, spend, timeout, complain, faults)
    if as_json:
        say_json(result.as_json(), indent=None)
    else:
        say(*result.lines())
    if folder is not None and result.smallest is not None:
        name = exporting.safe_name(f"{Path(found.source).stem}-{result.smallest.kind}")
        say(str(exporting.write_masked_fixture(result.smallest.exchange, folder, name)))
    if spend.stopped:
        return 130
    return 1 if result.found else 0
