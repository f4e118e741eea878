"""Who recorded: by the file that they recorded into, and of what was imported from there by its note."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.process_identity import is_alive

#: The note of an exchange that came out of another database: ``recorder``, its name, and ``process``, which run of it.
RECORDED_BY = "recorded_by"
_DATABASES = (".db", ".sqlite", ".sqlite3")


def recorder_of(capture: str) -> str:
    """What a recorder is called: as its file is, or as this machine where the file has the usual name."""
    stem = Path(capture.partition("#")[0]).stem
    return socket.gethostname() if stem in ("streamlab", "") or stem.isdigit() else stem


class RecorderRun(NamedTuple):
    """Which run of a recorder recorded an exchange, and on which day by its clock, as a lake calls it."""

    process: str
    day: str


def day_of(started_at: str | None) -> str:
    """The day in UTC on which an exchange began, as its recorder's clock said."""
    return (started_at or "")[:10] or "unknown"


def processes_of(capture: str) -> dict[int, RecorderRun]:
    """Of each exchange of a database that a recorder recorded there, which run of it did."""
    path = Path(capture.partition("#")[0])
    if not path.is_file() or path.suffix not in _DATABASES:
        return {}
    with CaptureDB(path) as database:
        sql = "SELECT e.id, r.process, e.started_at FROM exchanges e JOIN recorders r ON r.id = e.recorder_id"
        return {
            row[0]: RecorderRun(row[1], day_of(row[2] if isinstance(row[2], str) else None))
            for row in database.query(sql)
            if isinstance(row[1], str)
        }


def is_recorded_into(capture: Path) -> bool:
    """Whether a recorder of this machine has the database open, or has not written all of what it recorded yet."""
    with CaptureDB(capture) as database:
        return any(is_alive(str(process)) for (process,) in database.query("SELECT process FROM recorders"))


def noted(capture: str, process: str | None) -> dict[str, Any]:
    """The note for what is taken out of a database."""
    return {RECORDED_BY: {"recorder": recorder_of(capture), **({"process": process} if process is not None else {})}}


def told_recorder(notes: Mapping[str, Any]) -> str | None:
    """The name of who recorded an exchange that was taken out of another database; a note may say anything."""
    found = notes.get(RECORDED_BY)
    name = found.get("recorder") if isinstance(found, dict) else None
    return name if isinstance(name, str) and name.isprintable() and name else None
