"""Moves what a recorder has finished into a lake, every now and then and at the end, in a process beside.

Run as ``python -m streamlab.workflows.rolling DATABASE LAKE SECONDS RECORDER secrets|masked``; it goes on until its
standard input ends. What is in the lake is deleted from the database; where the lake cannot be written, one line says
so, nothing is deleted, and the next time takes it along. Each time is a process of its own: what reads Parquet holds no
memory in between, and where it is killed the next time takes it along, too.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from streamlab.errors import StreamlabError
from streamlab.storage.background import stand_back
from streamlab.storage.capture_db import CaptureDB
from streamlab.workflows import fleet
from streamlab.workflows.share import masking_of

_BATCH = 200


def roll(db: Path, lake: str, recorder: str | None, *, keep_secrets: bool, warn: fleet.Warn) -> int:
    """Move finished exchanges; returns how many. Raises CouldNotRunError, UnreadableInputError."""
    place = fleet.place_of(lake)
    masking = None if keep_secrets else masking_of()
    added = fleet.add([str(db)], place, recorder=recorder, masking=masking, advance=lambda: None, warn=warn)
    there = [number for ids in (added.there or {}).values() for number in ids]
    with CaptureDB(db, write=True) as database:
        return sum(database.prune(ids=there[at : at + _BATCH]) for at in range(0, len(there), _BATCH))


def start(db: Path, lake: str, every_s: float, recorder: str | None, *, keep_secrets: bool) -> Callable[[], None]:
    """Start the process; what is returned ends it, after all that is finished was moved."""
    words = [
        str(db),
        lake,
        str(every_s),
        recorder or "",
        "secrets" if keep_secrets else "masked",
    ]
    command = [sys.executable, "-m", "streamlab.workflows.rolling", *words]
    running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def finish() -> None:
        assert running.stdin is not None
        try:
            running.stdin.close()
        except OSError:
            pass  # nobody reads it any more
        if running.wait() != 0:
            _say(f"what moves exchanges into {lake} was killed: those that are finished stay in {db}")

    return finish


def main() -> None:
    """Roll over until standard input ends, and once more then."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)  # who started us says when it is over
    stand_back()
    db, lake, every_s, recorder, secrets = sys.argv[1:]
    ended = False
    while not ended:
        ended = bool(select.select([sys.stdin], [], [], float(every_s))[0])
        # Nothing here has threads: what brings them is loaded in there.
        there = os.fork()
        if there == 0:
            _roll_and_leave(Path(db), lake, recorder, keep_secrets=secrets == "secrets")
        if os.WIFSIGNALED(os.waitpid(there, 0)[1]):
            _say(f"what moves exchanges into {lake} was killed; they stay in {db} until the next time")


def _roll_and_leave(db: Path, lake: str, recorder: str, *, keep_secrets: bool) -> NoReturn:
    code = 1
    try:
        roll(db, lake, recorder or None, keep_secrets=keep_secrets, warn=_say)
        code = 0
    except StreamlabError as error:
        _say(f"{error}; the exchanges stay in {db}")
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _say(told: str) -> None:
    print(f"streamlab: {told}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
