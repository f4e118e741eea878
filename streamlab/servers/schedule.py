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


#: What `struct itimerspec` is: seconds and nanoseconds of an interval, which stays 0, and of the time it rings.
_TimerSpec = ctypes.c_long * 4


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
        self._spec = _TimerSpec()  # one for all: each wake sets it anew
        self._spec_pointer = ctypes.byref(self._spec)
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
        heap, now = self._heap, time.monotonic_ns
        self._waking = True  # what an action asks for is armed once, when all that is due is done
        try:
            while heap and heap[0][0] <= now() + _SLACK_NS:
                heapq.heappop(heap)[2]()
        finally:
            self._waking = False
            self._set_timer(heap[0][0] if heap else 0)

    def _arm(self) -> None:
        if not self._waking and not 0 < self._armed_ns <= self._heap[0][0]:
            self._set_timer(self._heap[0][0])

    def _set_timer(self, when_ns: int) -> None:
        """Wake at that time, or not at all for 0. To set a timer that rang also silences it: it needs no read."""
        self._armed_ns = when_ns
        if self._timer is not None and self._libc is not None:
            self._spec[2], self._spec[3] = divmod(max(when_ns, 0), 1_000_000_000)
            self._libc.timerfd_settime(self._timer, _ABSOLUTE, self._spec_pointer, None)
            return
        if self._handle is not None:
            self._handle.cancel()
        if when_ns:
            delay = (when_ns - time.monotonic_ns()) / 1e9
            self._handle = self._loop.call_later(max(0.0, delay), self._wake)


def _open_timer() -> tuple[ctypes.CDLL | None, int | None]:
    if sys.platform != "linux":
        return None, None
    try:
        libc = ctypes.CDLL(None)
        timer = libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK | _CLOEXEC)
    except (OSError, AttributeError):
        return None, None
    return (libc, timer) if timer >= 0 else (None, None)
