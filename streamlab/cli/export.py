"""``streamlab export``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamlab.cli.options import db_option, max_input_option, sharing_options

if TYPE_CHECKING:
    from streamlab.workflows.export import Exported, ExportedText

_FORMATS = ("fixture", "sse", "har", "vcr", "curl", "html", "markdown", "svg", "otel")
#: What is a text of its own, for standard output or a file that is named.
_TEXTS = _FORMATS[5:]


@click.command(
    epilog="""\b
Examples:
  streamlab export last --to fixtures
  streamlab export captures/streamlab.db --to out
  streamlab export 12 --to out --as har
  streamlab export last --as html --to bug.html      (a page to attach to an issue)
  streamlab export last --as markdown                (text to paste into it)
  streamlab export last --to tests/fixtures --pytest tests/test_streams.py
"""
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--to", "path", type=click.Path(path_type=Path), help="The folder, or for a card the file, to write.")
@click.option(
    "--as", "form", type=click.Choice(_FORMATS), default="fixture", show_default=True, help="In which format."
)
@click.option(
    "--pytest",
    "module",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a test module for the fixtures, to start from.",
)
@sharing_options
@db_option
@max_input_option
def command(
    targets: tuple[str, ...],
    path: Path | None,
    form: str,
    module: Path | None,
    keep_secrets: bool,
    patterns: tuple[str, ...],
    redact: str | None,
    db: Path | None,
) -> None:
    """Write exchanges as regression fixtures, in other people's formats, or as a card to show to them.

    Known secrets are masked, in bodies at equal length, so that every finding stays; what was masked, and what a format
    cannot hold, is said on stderr. Nothing that is there is overwritten. A card (html, markdown, svg) and spans (otel)
    go to standard output without --to.
    """
    from streamlab.errors import UsageError
    from streamlab.workflows import export as exporting
    from streamlab.workflows.share import masking_of

    if module is not None and (form != "fixture" or module.exists()):
        raise UsageError("--pytest goes with fixtures only" if form != "fixture" else f"{module} is there already")
    masking = None if keep_secrets else masking_of(patterns, text=redact == "text")
    if form in _TEXTS and (path is None or _is_file(path)):
        _write_texts(exporting.texts(targets, form, db, masking), path, form)
    elif path is None:
        raise UsageError("say where to write with --to FOLDER")
    else:
        written = list(_tell(exporting.export(targets, path, form, db, masking), form))
        if module is not None:
            from streamlab.report.terminal import say

            exporting.write_test_module(module, written)
            say(str(module))


def _is_file(path: Path) -> bool:
    return bool(path.suffix) and not path.is_dir() and not str(path).endswith(os.sep)


def _tell(exported: Iterable[Exported], form: str) -> Iterable[Path]:
    from streamlab.report.terminal import complain, say

    for one in exported:
        say(str(one.path))
        complain(*(f"  {line}" for line in one.masked))
        if one.lost:
            complain(f"  a .{form} file cannot hold: {', '.join(one.lost)}")
        if one.bundling:
            complain(f"  to attach: {one.bundling}")
        yield one.path


def _write_texts(made: Iterable[ExportedText], path: Path | None, form: str) -> None:
    from streamlab.errors import UsageError
    from streamlab.report.terminal import complain, say, say_body
    from streamlab.storage.files import write_regular

    listed = list(made)
    if len(listed) > 1 and (path is not None or form != "markdown"):
        raise UsageError(f"{len(listed)} exchanges: name one, or a folder with --to")
    for one in listed:
        complain(*one.masked, *([f"to attach: {one.bundling}"] if one.bundling else []))
        data = one.text.encode("utf-8", "backslashreplace")
        if path is None:
            say_body(data)
            continue
        if os.path.lexists(path):
            raise UsageError(f"{path} is there already")
        write_regular(path, data)
        say(str(path))
