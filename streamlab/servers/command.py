"""Runs somebody's command beside the relay, pointed at it, and hands signals on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence

from streamlab.errors import CouldNotRunError, NotFoundError
from streamlab.servers.proxies import without_loopback

#: What clients read their base URL from: today's name, and the one before openai-python 1.
BASE_URL_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")


#: The same for Anthropic's clients, Claude Code among them, which add ``/v1`` themselves.
ORIGIN_VARIABLES = ("ANTHROPIC_BASE_URL",)


async def run_command(command: Sequence[str], base_url: str, on_ready: Callable[[], None] = lambda: None) -> int:
    """Run it with the base URL in its environment until it ends; returns its exit code (128 + N after signal N).

    SIGINT, SIGTERM and SIGHUP reach it: the first by the terminal or by us, the others by us, from when ``on_ready`` is
    called. No proxy of the environment stands between it and us. Raises NotFoundError or CouldNotRunError when it
    cannot be started.
    """
    environment = {**os.environ, **without_loopback(os.environ), **base_urls(base_url)}
    signals = _Signals()
    on_ready()
    try:
        process = await asyncio.create_subprocess_exec(*command, env=environment)
    except FileNotFoundError:
        raise NotFoundError(f"no such command: {command[0]}") from None
    except OSError as error:
        raise CouldNotRunError(f"cannot run {command[0]}: {(error.strerror or str(error)).lower()}") from None
    signals.pass_to(process)
    code = await process.wait()
    return code if code >= 0 else 128 - code


def base_urls(base_url: str) -> dict[str, str]:
    """The variables from which clients take where to ask."""
    origin = base_url.removesuffix("/").removesuffix("/v1")
    return {**dict.fromkeys(BASE_URL_VARIABLES, base_url), **dict.fromkeys(ORIGIN_VARIABLES, origin)}


class _Signals:
    """Passes signals on to a process; those that come before there is one are kept for it."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._early: list[int] = []
        loop = asyncio.get_running_loop()
        # A terminal sends SIGINT to the whole foreground group, the command included; alone, we pass it on.
        passed = (signal.SIGTERM, signal.SIGHUP) if os.isatty(0) else (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        loop.add_signal_handler(signal.SIGINT, bool)
        for number in passed:
            loop.add_signal_handler(number, self._forward, number)

    def pass_to(self, process: asyncio.subprocess.Process) -> None:
        """There is a process."""
        self._process = process
        for number in self._early:
            self._forward(number)

    def _forward(self, number: int) -> None:
        if self._process is None:
            self._early.append(number)
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
