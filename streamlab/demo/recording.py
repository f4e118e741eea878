"""Runs the real recorder, as a user would, around the demo's requests."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from streamlab.errors import CouldNotRunError

#: Seconds the recorder is given to listen, and to finish writing: only a hang takes that long.
_PATIENCE_S = 300.0
_PORTS = range(15_000, 32_000)


@dataclass(frozen=True, slots=True)
class TapLine:
    """One hop to record: the name it is recorded under, the port clients use, and the origin behind it."""

    name: str
    port: int
    upstream: str

    @property
    def option(self) -> str:
        return f"{self.name}=127.0.0.1:{self.port}={self.upstream}"


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, below those that systems give to outgoing connections: between here and the recorder's
    start nobody takes them by chance. They are all held until the last is found, so that none is given twice."""
    with contextlib.ExitStack() as held:
        found: list[int] = []
        for port in random.sample(_PORTS, len(_PORTS)):
            if len(found) == count:
                break
            with contextlib.suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
        return found


@contextlib.contextmanager
def recorder(db: Path, label: str, taps: Sequence[TapLine]) -> Iterator[None]:
    """`streamlab record` in a process of its own, until the block is left and everything is written.

    Raises CouldNotRunError when it does not start, or ends with a complaint.
    """
    options = [part for tap in taps for part in ("--tap", tap.option)]
    command = [sys.executable, "-m", "streamlab", "record", "--db", str(db), "--label", label, *options]
    environment = os.environ | {"NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    assert process.stdout is not None
    output = _Output(process.stdout, [str(tap.port) for tap in taps])
    try:
        output.wait_until_listening()
        yield
        process.send_signal(signal.SIGINT)
        if process.wait(_PATIENCE_S):
            raise CouldNotRunError(f"the recorder ended with exit code {process.returncode}: {output.last_line}")
    except subprocess.TimeoutExpired:
        raise CouldNotRunError("the recorder does not stop") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        output.close()


class _Output:
    """Reads what the recorder prints, so that it never blocks, and waits for the ports to be named in it."""

    def __init__(self, stream: IO[str], ports: list[str]) -> None:
        self._stream = stream
        self._missing = set(ports)
        self._ready = threading.Event()
        self._listening = False
        self.last_line = ""
        self._thread = threading.Thread(target=self._read, name="recorder-output", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._stream:
            self.last_line = line.strip() or self.last_line
            self._missing = {port for port in self._missing if f":{port}/" not in line}
            if not self._missing:
                self._listening = True
                self._ready.set()
        self._ready.set()

    def wait_until_listening(self) -> None:
        if not self._ready.wait(_PATIENCE_S) or not self._listening:
            raise CouldNotRunError(f"the recorder does not listen: {self.last_line or 'it says nothing'}")

    def close(self) -> None:
        self._thread.join()
        self._stream.close()
