"""Says of each exchange that a recorder has finished what is wrong with it and what was mended, in a process beside.

Run as ``python -m streamlab.workflows.findings_beside DATABASE [mended|unsafe]``: exchange numbers come in, a line
each, and a JSON object a line goes out. It reads the database as anybody does and stands back behind everybody, so that
neither a stream nor the recording waits for it; where it cannot keep up, exchanges go without.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from streamlab.errors import StreamlabError
from streamlab.exchange import Exchange
from streamlab.storage.background import stand_back
from streamlab.storage.capture_db import CaptureDB

#: A larger body is judged when somebody asks for it.
_MAX_BODY = 16 * 1024 * 1024
#: Exchanges that may wait to be judged.
_MAX_OUTSTANDING = 2000
#: How often, and how many times, to look again for an exchange that is not written yet; others are judged meanwhile.
_RETRY_SECONDS, _RETRIES = 0.1, 3000
#: So many that are not written are looked for in a row.
_UNWRITTEN = 16

#: So many seconds nobody has to be told of.
_A_WHILE = 0.5


@dataclass(frozen=True, slots=True)
class ExchangeVerdict:
    """What there is to say of one exchange. ``severity`` and ``rule`` are those of the worst finding, None without one;
    ``repaired`` counts what repairs did, by rule. ``judged`` is false of one that was too large or never written."""

    id: int
    severity: str | None = None
    rule: str | None = None
    findings: int = 0
    repaired: dict[str, int] = field(default_factory=dict)
    judged: bool = True

    def lines(self, database: str | None) -> Iterator[str]:
        """For people: the worst finding, with the command that shows it; what was mended. ``database`` where it is not
        the default one."""
        if self.rule is not None:
            more = f" and {self.findings - 1} more" if self.findings > 1 else ""
            option = f" --db {database}" if database else ""
            yield f"{self.id}  {self.severity} {self.rule}{more}: streamlab check {self.id}{option}"
        if self.repaired:
            each = (f"{rule} ×{times}" if times > 1 else rule for rule, times in self.repaired.items())
            yield f"{self.id}  mended: {', '.join(each)}"


class FindingsBeside:
    """The process, from the side of who wants to know. Nothing waits, but `close`, which says for how long."""

    def __init__(self, path: Path, repair_mode: str | None = None) -> None:
        self._outstanding: set[int] = set()
        self._told = b""
        self.left_out = 0
        # The flag keeps the folder we happen to be in from standing in for our modules.
        command = [sys.executable, "-P", "-m", __name__, str(path), *([repair_mode] if repair_mode else [])]
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        self._process = subprocess.Popen(command, bufsize=0, stdin=pipe, stdout=pipe, stderr=null)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._questions, self._answers = self._process.stdin.fileno(), self._process.stdout.fileno()
        for descriptor in (self._questions, self._answers):
            os.set_blocking(descriptor, False)

    @property
    def outstanding(self) -> int:
        """How many exchanges are still to be judged."""
        return len(self._outstanding)

    def ask(self, number: int) -> None:
        """An exchange is finished."""
        try:
            if len(self._outstanding) >= _MAX_OUTSTANDING:
                raise BlockingIOError
            os.write(self._questions, b"%d\n" % number)
        except OSError:
            self.left_out += 1
        else:
            self._outstanding.add(number)

    def verdicts(self) -> Iterator[ExchangeVerdict]:
        """What has come since the last time."""
        while True:
            try:
                read = os.read(self._answers, 65536)
            except OSError:  # nothing at the moment
                return
            if not read:  # it has ended: nothing more will come
                self.left_out += len(self._outstanding)
                self._outstanding.clear()
                return
            *lines, self._told = (self._told + read).split(b"\n")
            for line in lines:
                verdict = ExchangeVerdict(**json.loads(line))
                self._outstanding.discard(verdict.id)
                self.left_out += not verdict.judged
                yield verdict

    def close(
        self, seconds: float, waiting: Callable[[int, float], object] = lambda *_: None
    ) -> Iterator[ExchangeVerdict]:
        """No more questions; what comes within so many seconds. ``waiting`` is told once, where that takes a while, how
        many exchanges are still to be judged, and how many seconds they are waited for yet."""
        begun, told = time.monotonic(), False
        self._close(self._process.stdin)
        while self._outstanding and (passed := time.monotonic() - begun) < seconds:
            if passed > _A_WHILE and not told:
                told = True
                waiting(self.outstanding, seconds - passed)
            yield from self.verdicts()
            time.sleep(0.01)
        self.left_out += len(self._outstanding)
        self._process.kill()
        self._process.wait()
        self._close(self._process.stdout)

    @staticmethod
    def _close(pipe: IO[bytes] | None) -> None:
        if pipe is not None:
            pipe.close()


# -- the process ------------------------------------------------------------------------------------------------------


def main() -> None:
    """Until standard input ends."""
    path, *repair_mode = sys.argv[1:]
    stand_back()
    mode = repair_mode[0] if repair_mode else None
    tries: dict[int, int] = {}
    for asked in _questions(tries):
        tries |= dict.fromkeys(asked, _RETRIES)
        unwritten = 0
        for number, left in list(tries.items()):
            verdict = _verdict(Path(path), number, mode)
            if verdict is None and left:
                tries[number] = left - 1
                unwritten += 1
                if unwritten == _UNWRITTEN:
                    break  # the later ones hardly are
                continue
            del tries[number]
            print(json.dumps(asdict(verdict or ExchangeVerdict(number, judged=False))), flush=True)


def _questions(waiting: Mapping[int, int]) -> Iterator[list[int]]:
    """The numbers that have come; none every so often while some are ``waiting``. Until nothing more can come."""
    begun, source = b"", sys.stdin.fileno()
    while source >= 0 or waiting:
        if select.select([source] if source >= 0 else [], [], [], _RETRY_SECONDS if waiting else None)[0]:
            read = os.read(source, 65536)
            *lines, begun = (begun + read).split(b"\n")
            source = source if read else -1
            yield [int(line) for line in lines]
        else:
            yield []


def _verdict(path: Path, number: int, repair_mode: str | None) -> ExchangeVerdict | None:
    """None of an exchange that is not written yet."""
    with contextlib.suppress(StreamlabError), CaptureDB(path) as database:
        query = "SELECT ending, coalesce(body_bytes, 0) FROM exchanges WHERE id = ?"
        row = database.connection.execute(query, (number,)).fetchone()
        if row is not None and row[0] is not None:
            if row[1] > _MAX_BODY:
                return ExchangeVerdict(number, judged=False)
            return _judged(number, database.get(number), repair_mode)
    return None


def _judged(number: int, exchange: Exchange, repair_mode: str | None) -> ExchangeVerdict:
    from streamlab.judging.analyzer import analyze
    from streamlab.judging.ranking import worst_first
    from streamlab.repairing.normalizer import normalize

    found = worst_first(analyze(exchange).findings)
    changes = normalize(exchange, unsafe=repair_mode == "unsafe").changes if repair_mode else {}
    if not found:
        return ExchangeVerdict(number, repaired=changes)
    return ExchangeVerdict(number, str(found[0].severity), found[0].rule, len(found), changes)


if __name__ == "__main__":
    main()
