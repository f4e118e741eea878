"""``streamlab bisect``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import db_option, json_option, warn


@click.command(
    epilog="""\b
Examples:
  streamlab bisect --rule tool-call-id-unstable
  streamlab bisect captures/streamlab.db --rule done-missing --json
  streamlab bisect lake:captures/lake --rule done-missing
"""
)
@click.argument("target", required=False)
@click.option("--rule", required=True, metavar="RULE", help="The rule whose beginning is looked for.")
@db_option
@json_option
def command(target: str | None, rule: str, db: Path | None, as_json: bool) -> int:
    """Find the first recording in which a rule spoke, at each server, and the last one before it.

    Exit code 0: it never spoke; 1: it did.
    """
    from streamlab.apis.registry import by_name, choose
    from streamlab.cli.progress import ProgressLine
    from streamlab.errors import UsageError
    from streamlab.report import trend
    from streamlab.report.terminal import complain, data, say_json
    from streamlab.workflows.questions import Questioned, onsets

    choose((rule,))
    if rule not in by_name():
        raise UsageError(f"--rule wants the name of one rule, not {rule!r}")
    with ProgressLine() as progress:
        found, lacking = onsets(Questioned(target, db, progress, warn), rule)
    if as_json:
        say_json(trend.onsets_json(found))
    elif not found:
        complain(f"{rule} never spoke.")
    else:
        for line in trend.onset_lines(found, rule):
            data().print(line)
    return 2 if lacking else int(bool(found))
