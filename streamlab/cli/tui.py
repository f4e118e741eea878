"""``streamlab tui``."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import click

from streamlab.cli.options import db_option
from streamlab.errors import UsageError


@click.command(
    epilog="""\b
Examples:
  streamlab tui
  streamlab tui last
  streamlab tui captures/glm4-tool-ids
  streamlab tui --web"""
)
@click.argument("target", required=False)
@click.option("--web", is_flag=True, help="Serve the workbench in a browser (needs the extra: web).")
@click.option("--listen", default="127.0.0.1:8000", show_default=True, help="Where --web listens.")
@db_option
def command(target: str | None, web: bool, listen: str, db: Path | None) -> None:
    """The workbench: see where a stream went wrong.

    TARGET is an id or "last" in the database, FILE.db, FILE.db#ID, a fixture directory or a folder of them, or an
    .sse file, or a lake (lake:PATH); without it, the database.
    """
    if web:
        from streamlab.tui.web import serve

        serve(target, db, listen)
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the workbench needs a terminal; `streamlab show` and `streamlab check` work without one")
    # Nothing of what is made until the first screen is garbage, and looking for some takes a tenth of the time.
    gc.disable()
    # A thread writes what is drawn, a few kilobytes at a time, and waits its turn after each: 5 ms by default.
    sys.setswitchinterval(0.0005)
    _run(target, db)


def _run(target: str | None, db: Path | None) -> None:
    from streamlab.tui import first_frame
    from streamlab.tui.memory import Memory
    from streamlab.tui.opening import open_target
    from streamlab.tui.watcher import watching

    opened = open_target(target, db)
    try:
        watcher, memory = watching(opened), Memory()
        with first_frame.FirstFrame() as frame:
            if first_frame.can_be_shown():
                drawn = first_frame.draw(opened, watcher, memory, os.get_terminal_size())
                if drawn is not None:
                    frame.show(drawn)
            from streamlab.tui.app import Workbench

            workbench = Workbench(opened, memory=memory, watcher=watcher, over_first_frame=frame.shown)
        workbench.run()
    finally:
        opened.close()  # also where Textual could not be loaded
    if workbench.return_code:
        sys.exit(3)  # a fault of ours, which Textual has told
