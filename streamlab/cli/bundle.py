"""``streamlab bundle``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import db_option, max_input_option, sharing_options


@click.command(
    epilog="""\b
Examples:
  streamlab bundle last -o bug.slab
  streamlab bundle 12 13 -o both.slab
  streamlab check bug.slab
  streamlab replay bug.slab#1
"""
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Where to write.")
@sharing_options
@db_option
@max_input_option
def command(
    targets: tuple[str, ...],
    output: Path,
    keep_secrets: bool,
    patterns: tuple[str, ...],
    redact: str | None,
    db: Path | None,
) -> None:
    """Put exchanges into one file, with their findings, without their secrets.

    Every command takes it as a TARGET: FILE.slab, FILE.slab#2. The same exchanges give the same bytes.
    """
    from streamlab.report.terminal import complain, say
    from streamlab.workflows import bundling
    from streamlab.workflows.share import masking_of

    masking = None if keep_secrets else masking_of(patterns, text=redact == "text")
    made = bundling.write_bundle(targets, output, masking, db)
    for line in made.lines():
        complain(line)
    say(str(output))
