"""``streamlab pack``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamlab.cli.options import db_option, warn

if TYPE_CHECKING:
    from streamlab.storage.capture_db import CaptureDB


def _number(name: str, database: CaptureDB) -> int:
    from streamlab.errors import NotFoundError, UsageError

    if name != "last" and not (name.isascii() and name.isdigit() and len(name) < 19):
        raise UsageError(f"{name!r} is no id; write a number or last")
    number = database.last() if name == "last" else int(name)
    if not database.overviews([number]):
        raise NotFoundError(f"{database.path}: no exchange {number}")
    return number


@click.command(
    epilog="\b\nExamples:\n  streamlab pack\n  streamlab pack --undo last\n  streamlab pack --db captures/old.db"
)
@click.argument("ids", nargs=-1, metavar="[ID...]")
@click.option("--undo", is_flag=True, help="Lay these exchanges out, so that plain SQL reads their text.")
@db_option
def command(ids: tuple[str, ...], undo: bool, db: Path | None) -> None:
    """Pack what was recorded, and give its room back.

    A recorder packs what has ended by itself, also in captures of older versions. This does it at once, and makes the
    file smaller. Of exchanges that are packed the view `timeline` has times and lengths, and no text: --undo lays
    exchanges out for sqlite3 and datasette until they are named here again.
    """
    from streamlab.errors import UsageError
    from streamlab.report.terminal import say
    from streamlab.storage.capture_db import CaptureDB
    from streamlab.storage.location import existing_db
    from streamlab.storage.packer import lay_out_capture, pack_capture

    if undo and not ids:
        raise UsageError("say which exchanges to lay out: ids, or last")
    path = existing_db(db)
    before = path.stat().st_size
    with CaptureDB(path, write=True) as database:
        numbers = [_number(one, database) for one in ids]
        if undo:
            lay_out_capture(database, numbers)
        else:
            left = pack_capture(database, numbers or None)
            if left is not None:
                warn(f"{path}: its room could not be given back: {left}; `streamlab pack` tries it again")
    if undo:
        say(f"laid out {len(numbers)} exchange{'s' if len(numbers) != 1 else ''} in {path}")
    else:
        say(f"{path}: {path.stat().st_size:,} bytes, before {before:,}")
