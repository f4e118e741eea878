"""Callbacks at absolute times, to some tens of microseconds, for any number of streams.

An event loop rounds its timeouts up to milliseconds. On Linux one timerfd, armed for the earliest deadline, wakes the
loop with the kernel's own precision; elsewhere the loop's timer is used and comes up to a millisecond late. Deadlines
are absolute, so being late once never adds up.
"""

from __future__ import annotations

import asyncio
import ctypes
import heapq
import os
import sys
import time
from collections.abc import Callable

#: A deadline this near counts as reached: waking up again for it would cost more than it gains.
_SLACK_NS = 20_000
_CLOCK_MONOTONIC, _NONBLOCK, _CLOEXEC, _ABSOLUTE = 1, 0o4000, 0o2000000, 1


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class Schedule:
    """One per event loop. Times are `time.monotonic_ns()`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0
        self._armed_ns = 0
        self._waking = False
        self._handle: asyncio.TimerHandle | None = None
        self._libc, self._timer = _open_timer()
        if self._timer is not None:
            self._loop.add_reader(self._timer, self._wake)

    def at(self, when_ns: int, action: Callable[[], None]) -> None:
        """Call ``action`` at ``when_ns``, or as soon as possible after it; equal times in the order they came."""
        self._number += 1
        heapq.heappush(self._heap, (when_ns, self._number, action))
        self._arm()

    def close(self) -> None:
        """Forget everything and give the timer back."""
        self._heap.clear()
        if self._handle is not None:
            self._handle.cancel()
        if self._timer is not None:
            self._loop.remove_reader(self._timer)
            os.close(self._timer)
            self._timer = None

    def _wake(self) -> None:
        if self._timer is not None:
            try:
                os.read(self._timer, 8)
            except BlockingIOError:
                pass
        self._armed_ns = 0
        self._waking = True  # what an action asks for is armed once, when all that is due is done
        try:
            while self._heap and self._heap[0][0] <= time.monotonic_ns() + _SLACK_NS:
                heapq.heappop(self._heap)[2]()
        finally:
            self._waking = False
            self._arm()

    def _arm(self) -> None:
        if self._waking or not self._heap or 0 < self._armed_ns <= self._heap[0][0]:
            return
        self._armed_ns = max(1, self._heap[0][0])
        if self._timer is None or self._libc is None:
            if self._handle is not None:
                self._handle.cancel()
            delay = (self._armed_ns - time.monotonic_ns()) / 1e9
            self._handle = self._loop.call_later(max(0.0, delay), self._wake)
            return
        value = _TimeSpec(self._armed_ns // 1_000_000_000, self._armed_ns % 1_000_000_000)
        spec = _TimerSpec(_TimeSpec(0, 0), value)
        self._libc.timerfd_settime(self._timer, _ABSOLUTE, ctypes.byref(spec), None)


def _open_timer() -> tuple[ctypes.CDLL | None, int | None]:
    if sys.platform != "linux":
        return None, None
    try:
        libc = ctypes.CDLL(None)
        timer = libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK | _CLOEXEC)
    except (OSError, AttributeError):
        return None, None
    return (libc, timer) if timer >= 0 else (None, None)
