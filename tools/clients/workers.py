"""Runs a client's driver as a process that answers jobs: one JSON line in, one JSON line out."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Any

HERE = Path(__file__).parent
#: Clients that read on for this long hang; drivers give up by themselves after it.
CELL_S = float(os.environ.get("CLIENT_TIMEOUT", "10"))
_START_S, _GRACE_S, _LINE = 90.0, 6.0, 1 << 26


def environment(client: dict[str, Any]) -> Path:
    """The Python or Node project in which a client is installed (setup.sh)."""
    return HERE / "environments" / client["kind"] / client["env"]


def installed(client: dict[str, Any]) -> bool:
    """Whether setup.sh has been run for this client."""
    return (environment(client) / ("bin/python" if client["kind"] == "py" else "node_modules")).exists()


class Worker:
    """One client's driver process; started when the first job comes, and anew after it hung or died."""

    def __init__(self, client: dict[str, Any], log: IO[bytes], python: str | None = None) -> None:
        self.version = ""
        self._client = client
        self._log = log
        self._python = python
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Worker:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """What the client made of one stream."""
        process = self._process or await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(job).encode() + b"\n")
        await process.stdin.drain()
        try:
            line = await asyncio.wait_for(process.stdout.readline(), CELL_S + _GRACE_S)
        except TimeoutError:
            await self._stop()
            return {"ok": False, "hung": True}
        if not line:
            await self._stop()
            return {"ok": False, "error_type": "crash", "error": "the client's process died", "error_in": "library"}
        result: dict[str, Any] = json.loads(line)
        if result.get("hung"):
            await self._stop()
        return result

    async def _start(self) -> asyncio.subprocess.Process:
        command, variables = self._command()
        self._process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._log,
            env=variables,
            limit=_LINE,
        )
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), _START_S)
        if not line:
            raise SystemExit(f"the driver of {self._client['id']} did not start; see {self._log.name}")
        self.version = json.loads(line)["version"]
        return self._process

    def _command(self) -> tuple[list[str], dict[str, str]]:
        proxies = ("http_proxy", "https_proxy", "all_proxy")
        variables = {name: value for name, value in os.environ.items() if name.lower() not in proxies}
        variables |= {"NO_PROXY": "*", "CLIENT_TIMEOUT": f"{CELL_S:g}", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
        driver = HERE / "drivers" / self._client["kind"] / self._client["driver"]
        if self._client["kind"] == "py":
            runner = self._python or str(environment(self._client) / "bin" / "python")
        else:
            runner = str(HERE / "environments" / "node" / "bin" / "node")
            variables["CLIENT_PKG"] = str(environment(self._client))
        arguments = ["--worker", "--client", self._client["id"], *self._client.get("args", ())]
        return [runner, str(driver), *arguments], variables

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()
