"""``streamlab shrink``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import FiniteRange, db_option, need_posix


@click.command(
    epilog="""\b
Examples:
  streamlab shrink captures/glm4-tool-ids --rule tool-call-id-unstable --to fixtures
  streamlab shrink captures/streamlab.db#7 --to fixtures -- python my_client.py
  streamlab shrink broken.sse --rule done-missing > smallest.sse
"""
)
@click.argument("target", metavar="TARGET")
@click.argument("command_line", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@click.option("--rule", metavar="NAME", help="Keep what this rule finds.")
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write a fixture below DIR.")
@click.option("--budget", type=FiniteRange(min=0), default=60.0, show_default=True, help="Seconds in all.")
@click.option("--timeout", type=FiniteRange(min=0.1), default=30.0, show_default=True, help="Seconds a run.")
@db_option
def command(
    target: str,
    command_line: tuple[str, ...],
    rule: str | None,
    folder: Path | None,
    budget: float,
    timeout: float,
    db: Path | None,
) -> int:
    """Cut an exchange down to the smallest stream that still shows a finding (--rule), or on which a command that
    fails still fails in the same way: first events are left out, then members of their JSON, then bytes.

    Prints the stream, or with --to writes it as a new fixture and prints where. Ctrl-C keeps the smallest so far (130).
    """
    need_posix("shrink")
    from streamlab.report.terminal import complain, say, say_body
    from streamlab.workflows import check as api
    from streamlab.workflows import export as exporting
    from streamlab.workflows.shrink import shrink_for
    from streamlab.workflows.trial import Budget

    found = api.find_one(target, db)
    spend = Budget(budget)
    exchange = found.read()
    smallest = shrink_for(exchange, spend, complain, rule, command_line, timeout)
    if folder is not None:
        name = exporting.safe_name(f"{Path(found.source).stem}-{rule or 'smallest'}")
        say(str(exporting.write_masked_fixture(smallest, folder, name)))
    else:
        say_body(smallest.body)
    return 130 if spend.stopped else 0
