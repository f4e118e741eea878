"""``streamlab prune``."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import click

from streamlab.cli.options import db_option

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Age(click.ParamType):  # type: ignore[type-arg]
    """``30d``, ``12h``, ``90m``."""

    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        match = re.fullmatch(r"(\d{1,6})([smhdw])", str(value))
        if match is None:
            self.fail(f"{value!r} is no age; write 30d, 12h or 90m", param, ctx)
        return timedelta(**{_UNITS[match.group(2)]: int(match.group(1))})


@click.command(
    epilog="\b\nExamples:\n  streamlab prune --older-than 30d\n  streamlab prune --keep 1000\n  streamlab prune 3 4 5"
)
@click.argument("ids", nargs=-1, type=int, metavar="[ID...]")
@click.option("--older-than", type=Age(), help="Delete what began longer ago than this (30d, 12h, 90m).")
@click.option("--keep", type=click.IntRange(min=0), help="Delete all but the newest so many.")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@db_option
def command(
    ids: tuple[int, ...], older_than: timedelta | None, keep: int | None, dry_run: bool, db: Path | None
) -> None:
    """Delete exchanges from the database. What is deleted is gone."""
    from streamlab.errors import UsageError
    from streamlab.report.terminal import say
    from streamlab.storage.capture_db import CaptureDB
    from streamlab.storage.location import existing_db

    if not ids and older_than is None and keep is None:
        raise UsageError("say what to delete: ids, --older-than AGE or --keep N")
    path = existing_db(db)
    with CaptureDB(path, write=not dry_run) as database:
        doomed = database.prunable(older_than=older_than, keep=keep, ids=ids)
        removed = len(doomed) if dry_run else database.prune(ids=doomed)
    say(f"{'would delete' if dry_run else 'deleted'} {removed} exchange{'s' if removed != 1 else ''} from {path}")
