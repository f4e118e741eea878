"""``streamlab export``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import db_option

_FORMATS = ("fixture", "sse", "har", "vcr", "curl")


@click.command(
    epilog="""\b
Examples:
  streamlab export last --to fixtures
  streamlab export captures/streamlab.db --to out
  streamlab export 12 --to out --as har
"""
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="Where to write.")
@click.option(
    "--as", "form", type=click.Choice(_FORMATS), default="fixture", show_default=True, help="In which format."
)
@db_option
def command(targets: tuple[str, ...], folder: Path, form: str, db: Path | None) -> None:
    """Write exchanges as regression fixtures, or in other people's formats; secrets are taken out again.

    Nothing that is there is overwritten. What a format cannot hold is said on stderr.
    """
    from streamlab import exporting

    for path, lost in exporting.export(targets, folder, form, db):
        click.echo(str(path))
        if lost:
            click.echo(f"  a .{form} file cannot hold: {', '.join(lost)}", err=True)
