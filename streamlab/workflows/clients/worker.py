"""A client at work: its driver as a process that answers jobs, one JSON line in, one JSON line out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Self

from streamlab.comparing.held import HeldAnswer
from streamlab.errors import CouldNotRunError
from streamlab.workflows.clients.environments import Driver

#: Clients that read on for this long hang; drivers give up by themselves after it.
LIMIT_S = 10.0
_START_S, _GRACE_S, _LINE = 120.0, 6.0, 1 << 26
#: Of the environment of whoever calls, no more than programs need to run: a client is given no key and no settings.
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")
#: Processes of a group that was killed may write a moment longer: how often their files are looked for, and how long.
_LOOKS, _LOOK_S = 20, 0.05


class Worker:
    """One client's driver process; started when the first job comes, and anew after it hung or died.

    ``retries`` leaves the client's own settings about asking again as they are shipped. Its temporary files go with it,
    also where it is killed: they lie in a folder of its own.
    """

    def __init__(self, driver: Driver, log: IO[bytes], *, retries: bool = False, limit_s: float = LIMIT_S) -> None:
        self.version = ""
        self._driver = driver
        self._log = log
        self._retries = retries
        self._limit_s = limit_s
        self._process: asyncio.subprocess.Process | None = None
        self._temporary: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def start(self) -> str:
        """Start it now; the versions of what answers."""
        if self._process is None:
            await self._start()
        return self.version

    async def ask(
        self, base_url: str, api: str, tools: Sequence[str], *, strict: Sequence[str] = (), more_s: float = 0.0
    ) -> HeldAnswer:
        """What the client made of one stream. ``strict`` are those of the ``tools`` that are; ``more_s`` is how long
        the stream itself takes."""
        process = self._process or await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        limit = self._limit_s + more_s
        job = {"base_url": base_url, "api": api, "tools": list(tools), "strict": list(strict), "limit_s": limit}
        try:
            process.stdin.write(json.dumps(job).encode() + b"\n")
            await process.stdin.drain()
            line = await asyncio.wait_for(process.stdout.readline(), limit + _GRACE_S)
        except TimeoutError:
            await self._stop()
            return {"ok": False, "hung": True}
        except (OSError, ValueError):  # it died, or said more than a line may hold
            line = b""
        if not line:
            await self._stop()
            return {"ok": False, "error_type": "crash", "error": "the client's process died", "error_in": "library"}
        held: HeldAnswer = json.loads(line)
        if held.get("hung"):
            await self._stop()
        return held

    async def _start(self) -> asyncio.subprocess.Process:
        command, variables = self._command()
        self._temporary = variables["TMPDIR"] = tempfile.mkdtemp(prefix="streamlab-client-")
        self._process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._log,
            env=variables,
            limit=_LINE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), _START_S)
        except TimeoutError:
            line = b""
        if not line:
            await self._stop()
            raise CouldNotRunError(f"{self._driver.setup.name}: its driver did not start; see {self._log.name}")
        self.version = json.loads(line)["version"]
        return self._process

    def _command(self) -> tuple[list[str], dict[str, str]]:
        setup, runner, home, folder = self._driver
        variables = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        variables |= {"NO_PROXY": "*", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        variables |= {"HOME": str(home), "CLIENT_PKG": str(home), "CLIENT_TIMEOUT": f"{self._limit_s:g}"}
        if self._retries:
            variables["CLIENT_RETRIES"] = "shipped"
        driver = folder / setup.language / setup.driver
        return [str(runner), str(driver), "--worker", "--client", setup.id, *setup.arguments], variables

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            # Its own `kill` would take the exit status away from the event loop, were it dead already.
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            await _remove(temporary)


async def _remove(folder: str) -> None:
    for _ in range(_LOOKS):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        await asyncio.sleep(_LOOK_S)
