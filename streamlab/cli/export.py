"""``streamlab export``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import db_option, max_input_option

_FORMATS = ("fixture", "sse", "har", "vcr", "curl")


@click.command(
    epilog="""\b
Examples:
  streamlab export last --to fixtures
  streamlab export captures/streamlab.db --to out
  streamlab export 12 --to out --as har
  streamlab export last --to tests/fixtures --pytest tests/test_streams.py
"""
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="Where to write.")
@click.option(
    "--as", "form", type=click.Choice(_FORMATS), default="fixture", show_default=True, help="In which format."
)
@click.option(
    "--pytest",
    "module",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a test module for the fixtures, to start from.",
)
@db_option
@max_input_option
def command(targets: tuple[str, ...], folder: Path, form: str, module: Path | None, db: Path | None) -> None:
    """Write exchanges as regression fixtures, or in other people's formats; secrets are taken out again.

    Nothing that is there is overwritten. What a format cannot hold is said on stderr.
    """
    from streamlab.errors import UsageError
    from streamlab.report.terminal import complain, say
    from streamlab.workflows import export as exporting

    if module is not None and (form != "fixture" or module.exists()):
        raise UsageError("--pytest goes with fixtures only" if form != "fixture" else f"{module} is there already")
    written = []
    for path, lost in exporting.export(targets, folder, form, db):
        written.append(path)
        say(str(path))
        if lost:
            complain(f"  a .{form} file cannot hold: {', '.join(lost)}")
    if module is not None:
        exporting.write_test_module(module, written)
        say(str(module))
