"""Says what nobody expected in one line: an exception in one connection's callback is not to end the others, nor to
draw a traceback over somebody's screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


def tell_unexpected(say: Callable[[str], object]) -> None:
    """From now on, on the running loop; each kind of exception once. ``say`` must not wait."""
    told: set[str] = set()

    def handle(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        what = context.get("message", "") if error is None else f"{type(error).__name__}: {error}"
        place = _place(error)
        if place + what not in told and len(told) < 20:
            told.add(place + what)
            say(f"something went wrong that should not have{place}: {what}; everything else goes on")

    asyncio.get_running_loop().set_exception_handler(handle)


def _place(error: BaseException | None) -> str:
    """Where it was raised, for whoever reports it."""
    trace = None if error is None else error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f" ({trace.tb_frame.f_globals.get('__name__')}, line {trace.tb_lineno})"
