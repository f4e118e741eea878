"""``streamlab import``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import db_option, max_input_option


@click.command(
    "import",
    epilog="\b\nExamples:\n  streamlab import fixtures/glm4-newline\n  streamlab import stream.sse --label nightly\n"
    "  streamlab import browser.har cassette.yaml curl.log",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--label", help="Mark the imported exchanges with this text.")
@db_option
@max_input_option
def command(files: tuple[str, ...], label: str | None, db: Path | None) -> None:
    """Read recordings into the database: exchange directories and folders of them, bare .sse files, HAR archives (of
    browsers too), VCR cassettes, and what a terminal, a log or a chat showed of a stream."""
    from streamlab.report.terminal import say
    from streamlab.workflows.importing import import_into

    path, ids = import_into(files, db, label)
    shown = f"exchange {ids[0]}" if len(ids) == 1 else f"{len(ids)} exchanges ({ids[0]} to {ids[-1]})"
    say(f"imported {shown} into {path}")
