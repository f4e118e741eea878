"""``streamlab ls``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import db_option, json_option


@click.command(epilog="\b\nExamples:\n  streamlab ls\n  streamlab ls --limit 5 --json")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The newest so many.")
@db_option
@json_option
def command(limit: int, db: Path | None, as_json: bool) -> None:
    """List what was recorded, newest last."""
    from streamlab.report import listing
    from streamlab.report.terminal import data, diagnostics
    from streamlab.storage.capture_db import CaptureDB
    from streamlab.storage.location import existing_db

    path = existing_db(db)
    with CaptureDB(path) as database:
        rows = database.overview()[-limit:]
        total = database.count()
    if as_json:
        click.echo(listing.as_json(rows))
    elif not rows:
        diagnostics().print(f"{path} is empty. `streamlab record --upstream URL` fills it.")
    else:
        data().print(listing.table(rows))
        if total > len(rows):
            diagnostics().print(f"… the newest {len(rows)} of {total:,}; --limit shows more")
