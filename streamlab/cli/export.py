"""``streamlab export``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import db_option


@click.command(
    epilog="\b\nExamples:\n  streamlab export last --to fixtures\n  streamlab export captures/streamlab.db --to out"
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="Where to write.")
@db_option
def command(targets: tuple[str, ...], folder: Path, db: Path | None) -> None:
    """Write exchanges as directories: exchange.json and body.sse, secrets taken out again."""
    from streamlab import api
    from streamlab.report.terminal import data

    for home in api.export(targets, folder, db):
        data().print(str(home))
