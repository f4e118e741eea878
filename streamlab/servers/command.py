"""Runs somebody's command beside the relay, pointed at it, and hands signals on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence

from streamlab.errors import CouldNotRunError, NotFoundError

#: What clients read their base URL from: today's name, and the one before openai-python 1.
BASE_URL_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")


async def run_command(command: Sequence[str], base_url: str) -> int:
    """Run it with the base URL in its environment until it ends; returns its exit code (128 + N after signal N).

    SIGINT and SIGTERM reach it: the former by the terminal or by us, the latter by us. Raises NotFoundError or
    CouldNotRunError when it cannot be started.
    """
    environment = {**os.environ, **dict.fromkeys(BASE_URL_VARIABLES, base_url)}
    try:
        process = await asyncio.create_subprocess_exec(*command, env=environment)
    except FileNotFoundError:
        raise NotFoundError(f"no such command: {command[0]}") from None
    except OSError as error:
        raise CouldNotRunError(f"cannot run {command[0]}: {(error.strerror or str(error)).lower()}") from None
    loop = asyncio.get_running_loop()

    def forward(number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, forward, number)
    # A terminal sends SIGINT to the whole foreground group, the command included; alone, we pass it on.
    loop.add_signal_handler(signal.SIGINT, _ignore if os.isatty(0) else forward, signal.SIGINT)
    code = await process.wait()
    return code if code >= 0 else 128 - code


def _ignore(_: int) -> None:
    """The command got the signal already."""
