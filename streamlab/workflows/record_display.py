"""What `record` shows and logs while it runs: exchanges as they end, and soon after what is wrong with them."""

from __future__ import annotations

import asyncio
import math
import os
import shlex
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from streamlab.report.live import LiveTable, PlainLines, Watched, live_display
from streamlab.report.log_file import LogFile
from streamlab.report.units import counted
from streamlab.storage.location import default_db
from streamlab.workflows.findings_beside import ExchangeVerdict, FindingsBeside

#: How long the end waits for what is still to be said of a few exchanges, and of more than a few, of which it would
#: not see the end either; everything is written by then.
_LAST_SECONDS, _A_FEW, _LAST_SECONDS_OF_MANY = 5.0, 8, 0.5


class Status(Protocol):
    """How a recording stands: exchanges that ended and bytes of bodies in the database, bytes that the writer is
    behind, and how many of those are on disk instead of in memory."""

    @property
    def exchanges(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def behind(self) -> int: ...
    @property
    def spooled(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Telling:
    """What a recorder says while it runs: findings of finished exchanges, a line every so many seconds on how it stands
    (0: never), and all of it in a log as well."""

    findings: bool = True
    status_seconds: float = 60.0
    log: Path | None = None

    def display(self, db: Path, repair_mode: str | None) -> Callable[[], RecordDisplay]:
        """Makes the display, in the writer process."""
        return partial(RecordDisplay, db, self.log, findings=self.findings, repair_mode=repair_mode)

    async def status(self, ask: Callable[[], Status] | None, say: Callable[[str], object]) -> None:
        """Say how it stands, until this is cancelled."""
        while ask is not None and self.status_seconds:
            await asyncio.sleep(self.status_seconds)
            say(status_line(ask()))


def status_line(found: Status) -> str:
    """How a recording stands, for people."""
    behind = f"the writer is {found.behind:,} bytes behind" if found.behind else "the writer keeps up"
    spooled = f", {found.spooled:,} of them in the spool on disk" if found.spooled else ""
    return (
        f"status: {counted(found.exchanges, 'exchange')}, {found.bytes:,} bytes of answers recorded; {behind}{spooled}"
    )


class RecordDisplay:
    """Implements `streamlab.storage.recorder.Observer`, in the writer process. Nothing of it waits but its end."""

    def __init__(
        self, path: Path, log: Path | None = None, *, findings: bool = True, repair_mode: str | None = None
    ) -> None:
        self._path = path
        self._repair_mode = repair_mode
        self._database = None if path == default_db() else shlex.quote(str(path))
        self._shown: PlainLines | LiveTable = live_display()
        self._logged = PlainLines(LogFile(log).line) if log is not None else None
        self._wanted = findings and (log is not None or _is_seen())
        self._findings: FindingsBeside | None = None
        self._asked = 0  # all up to here were asked for, and of the later ones those below
        self._asked_later: set[int] = set()

    def changed(self, draft: Watched) -> None:
        """See `Observer.changed`."""
        self._shown.changed(draft)
        if self._logged is not None:
            self._logged.changed(draft)
        if draft.ending is not None and draft.id is not None and self._wanted and self._is_new(draft.id):
            if self._findings is None:
                self._findings = FindingsBeside(self._path, self._repair_mode)
            self._findings.ask(draft.id)

    def _is_new(self, number: int) -> bool:
        if number <= self._asked or number in self._asked_later:
            return False
        self._asked_later.add(number)
        if len(self._asked_later) > 10_000:
            ordered = sorted(self._asked_later)
            self._asked, self._asked_later = ordered[4999], set(ordered[5000:])
        return True

    def warn(self, message: str) -> None:
        """See `Observer.warn`."""
        self._shown.warn(message)
        if self._logged is not None:
            self._logged.warn(message)

    def tick(self) -> bool:
        """See `Observer.tick`."""
        if self._findings is None:
            return self._shown.tick()
        for verdict in self._findings.verdicts():
            self._tell(verdict)
        return self._shown.tick() or self._findings.outstanding > 0

    def _tell(self, verdict: ExchangeVerdict) -> None:
        lines = list(verdict.lines(self._database))
        self._shown.told(verdict.id, lines)
        if self._logged is not None:
            self._logged.told(verdict.id, lines)

    def close(self) -> None:
        """See `Observer.close`."""
        if self._findings is not None:
            seconds = _LAST_SECONDS if self._findings.outstanding <= _A_FEW else _LAST_SECONDS_OF_MANY
            for verdict in self._findings.close(seconds, self._waiting):
                self._tell(verdict)
            if self._findings.left_out:
                count = self._findings.left_out
                what = "1 exchange was" if count == 1 else f"{count} exchanges were"
                where = "last" if count == 1 else "ID"
                option = f" --db {self._database}" if self._database else ""
                self.warn(f"{what} not judged in passing; streamlab check {where}{option} does it")
        self._shown.close()

    def _waiting(self, outstanding: int, seconds: float) -> None:
        self._shown.note(f"judging {counted(outstanding, 'exchange')} before the end: {math.ceil(seconds)} s at most")


def _is_seen() -> bool:
    """Whether somebody may read standard error: where it goes nowhere, findings are looked for when somebody asks."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return not (stat.S_ISCHR(status.st_mode) and status.st_rdev == os.stat(os.devnull).st_rdev)
