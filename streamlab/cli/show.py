"""``streamlab show``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import db_option, json_option, keep_secrets_option, max_input_option


@click.command(epilog="\b\nExamples:\n  streamlab show last\n  streamlab show 12 --json\n  streamlab show fixtures/x")
@click.argument("target", metavar="ID")
@keep_secrets_option
@db_option
@max_input_option
@json_option
def command(target: str, keep_secrets: bool, db: Path | None, as_json: bool) -> None:
    """Show one exchange in full: timeline, findings, and what a client would hold at the end.

    ID is a number or "last" in the database; every other TARGET that names one exchange works too.
    """
    from streamlab.report import exchange_text
    from streamlab.report.terminal import data, say_streamed
    from streamlab.sharing.shown import as_shown
    from streamlab.workflows import check as api
    from streamlab.workflows.share import masking_of

    found = api.find_one(target, db)
    with found.opened() as exchange:
        exchange = as_shown(exchange, None if keep_secrets else masking_of())
        report = api.analyze(exchange)
        if as_json:
            say_streamed(exchange_text.exchange_json(found.source, exchange, report))
        else:
            exchange_text.print_exchange(data(), exchange, report)
