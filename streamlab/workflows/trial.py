"""A command against a stream: what it comes to, within a budget."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from streamlab.errors import CouldNotRunError, NotFoundError
from streamlab.exchange import Exchange
from streamlab.playback.matching import Match, candidate
from streamlab.playback.script import script
from streamlab.servers.command import base_urls
from streamlab.servers.replay import Playable
from streamlab.workflows.replay import BackgroundReplay, held

_NAME = "it"
#: Keys without which clients do not start.
_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
#: Once it has asked, a command may take this many times as long as it first took, and so many seconds more.
_PATIENCE, _MORE_SECONDS = 4.0, 1.0
#: How often to look whether it has asked meanwhile.
_LOOK_SECONDS = 0.05
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of the command came to. ``code`` is None when it had to be stopped; ``complaint`` is how the last line
    of standard error begins, up to a colon: for most languages the name of the error."""

    code: int | None
    stdout: bytes
    complaint: str = ""

    def __str__(self) -> str:
        return "still running, and stopped" if self.code is None else f"exit code {self.code}"


class StoppedError(Exception):
    """The budget is used up."""


class Budget:
    """Seconds to spend; `spend` raises StoppedError when they are gone. ``stopped`` says that the user had enough."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self.stopped = False

    def spend(self) -> None:
        """Raise StoppedError when there is nothing left."""
        if time.monotonic() >= self._until:
            raise StoppedError


class CommandUnderTest:
    """Runs a command against exchanges that a replay server on loopback plays to it, whatever it asks."""

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        self._command = command
        self._timeout = self._patience = timeout
        self._replay = BackgroundReplay([], speed=1.0, match=Match.ANY)
        self.runs = 0
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._replay.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._replay.__exit__(kind, error, trace)

    @property
    def asked(self) -> int:
        """Requests the command has sent so far."""
        return len(self._replay.requests)

    def outcome(self, exchange: Exchange) -> Outcome:
        """Run the command once against this exchange. Raises NotFoundError, CouldNotRunError."""
        self._replay.load([Playable(candidate((_NAME,), None), _NAME, lambda: held(script(exchange)))])
        base_url = f"{self._replay.url}/@{_NAME}/v1"
        environment = {**dict.fromkeys(_KEYS, "streamlab"), **os.environ, **base_urls(base_url)}
        asked, started = self.asked, time.monotonic()
        self.runs += 1
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,  # so that what it started can be stopped with it
            )
        except FileNotFoundError:
            raise NotFoundError(f"no such command: {self._command[0]}") from None
        except OSError as error:
            raise CouldNotRunError(f"cannot run {self._command[0]}: {(error.strerror or str(error)).lower()}") from None
        with process:
            try:
                stdout, stderr, code = self._ended(process, asked, started)
            except BaseException:
                _stop(process)
                raise
        self.seconds = time.monotonic() - started
        last = stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return Outcome(code, stdout, last.partition(":")[0])

    def _ended(self, process: subprocess.Popen[bytes], asked: int, started: float) -> tuple[bytes, bytes, int | None]:
        """What it wrote, and its exit code. It is stopped when it does not end, a while after it last asked: before
        that it may be starting still, which a busy machine draws out."""
        since = None
        while True:
            try:
                return *process.communicate(timeout=min(_LOOK_SECONDS, self._timeout)), process.returncode
            except subprocess.TimeoutExpired:
                now = time.monotonic()
                if self.asked != asked:
                    asked, since = self.asked, now
                if now - started < self._timeout and (since is None or now - since < self._patience):
                    continue
                _stop(process)
                return *process.communicate(), None

    def be_patient(self) -> None:
        """From now on a run may take some times as long as the last one took, from when it asked."""
        self._patience = min(self._timeout, self.seconds * _PATIENCE + _MORE_SECONDS)


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()  # behind Ctrl-C nobody else waits for it
