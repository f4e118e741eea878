"""Work on all cores: batches in order, memory bounded by what is in flight, a process that dies replaced."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from types import FrameType
from typing import Generic, TypeVar

from streamlab.errors import CouldNotRunError

Item = TypeVar("Item")
Result = TypeVar("Result")
#: How often a batch is tried whose process dies.
_TRIES = 3


def cores() -> int:
    """How many there are for us."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spawning() -> BaseContext:
    """How processes start where a lake is read: what reads Parquet has threads, and what has threads is not forked."""
    return multiprocessing.get_context("spawn")


def on_all_cores(
    work: Callable[[list[Item]], list[Result]],
    batches: Iterable[list[Item]],
    *,
    workers: int | None = None,
    context: BaseContext | None = None,
) -> Iterator[list[Result]]:
    """What ``work``, which has to be importable, makes of each batch, in their order; an empty batch costs nothing.

    Processes start with the first batch that is not empty: no database may be open here then. Raises CouldNotRunError
    when they die again and again.
    """
    workers = workers or cores()
    if workers == 1:
        yield from (work(batch) if batch else [] for batch in batches)
        return
    pool = _Pool(work, workers, context)
    in_flight: deque[tuple[list[Item], Future[list[Result]] | None]] = deque()
    try:
        for batch in batches:
            in_flight.append((batch, pool.submit(batch) if batch else None))
            if len(in_flight) >= 2 * workers:
                yield pool.result(in_flight)
        while in_flight:
            yield pool.result(in_flight)
    finally:
        pool.close(at_once=bool(in_flight))


def _begin() -> None:
    """What a process does first."""
    # Ctrl-C reaches every process of the terminal; only the one that started the others answers it, and ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    # What was loaded stays, and what is made for an exchange goes when nobody holds it: next to nothing is in circles.
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


#: Whether this process is at work, which can be broken off anywhere. Elsewhere it may hold a lock of the pool's queues:
#: an error raised there leaves it taken, and whoever waits for it waits for good.
_at_work = False
#: How long one that is told to end may take to say what it found.
_LAST_WORDS_S = 1


def _end(_number: int, _frame: FrameType | None) -> None:
    if _at_work:
        raise SystemExit
    signal.alarm(_LAST_WORDS_S)


def _do(work: Callable[[list[Item]], list[Result]], batch: list[Item]) -> list[Result]:
    """The work, after which a process that was told to end does, whatever else waits for it."""
    global _at_work
    try:
        _at_work = True
        found = work(batch)
        _at_work = False
    except SystemExit:  # every ``finally`` has been come by
        os._exit(0)
    finally:
        _at_work = False  # the work failed, which is told
    return found


class _Pool(Generic[Item, Result]):
    """Processes that are started when they are wanted, and again when one was killed."""

    def __init__(self, work: Callable[[list[Item]], list[Result]], workers: int, context: BaseContext | None) -> None:
        self._work, self._workers, self._context = work, workers, context
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, batch: list[Item]) -> Future[list[Result]]:
        """Have it done."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._workers, self._context, initializer=_begin)
        try:
            return self._pool.submit(_do, self._work, batch)
        except BrokenProcessPool as error:  # whoever wants the result starts anew
            lost: Future[list[Result]] = Future()
            lost.set_exception(error)
            return lost

    def result(self, in_flight: deque[tuple[list[Item], Future[list[Result]] | None]]) -> list[Result]:
        """What the first comes to; when its process died, all that is in flight is done again."""
        for _ in range(_TRIES):
            future = in_flight[0][1]
            try:
                found = future.result() if future is not None else []
            except BrokenProcessPool:
                self.close(at_once=True)
                waiting = list(in_flight)
                in_flight.clear()
                in_flight.extend((batch, self.submit(batch) if batch else None) for batch, _ in waiting)
                continue
            in_flight.popleft()
            return found
        raise CouldNotRunError(f"the processes that do the work died {_TRIES} times (out of memory?)")

    def close(self, *, at_once: bool) -> None:
        """End them; ``at_once`` also where they are at work: nobody wants what they would find."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()) if at_once else ():
                process.terminate()
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
