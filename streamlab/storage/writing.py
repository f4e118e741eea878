"""The writer process's work: frames in, batches out, until the relay has ended and everything is written.

It stands back behind everybody else as long as it is little behind; then it takes its share of the processor.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from streamlab.storage.background import BEHIND_BYTES, CAUGHT_UP_BYTES, BackgroundThread
from streamlab.storage.recorder import BATCH, RETRY_SECONDS, Observer, Recorder
from streamlab.storage.spool_reader import SpoolReader

_TICK_SECONDS = 0.25
#: From how many seconds behind on the writer no longer stands back, and below how many it does again.
_BEHIND_SECONDS, _CAUGHT_UP_SECONDS = 1.0, 0.25
#: Bytes taken at once while it stands back: it may get a tenth of a processor, and should soon see that it is behind.
_SMALL_BATCH = 1024 * 1024

#: How often it is looked, while frames gather, whether there are enough.
_GATHERING_SECONDS = 0.05

WRITTEN, LOST, LEFT_OVER = 0, 3, 4


class Writing:
    """From the spool to the database. ``on_start`` is called when the capture is open; ``about`` goes into spool files
    should not everything be written at the end."""

    def __init__(
        self,
        spool: SpoolReader,
        recorder: Recorder,
        observer: Observer,
        *,
        on_start: Callable[[], None],
        about: dict[str, object],
    ) -> None:
        self._spool = spool
        self._recorder = recorder
        self._observer = observer
        self._on_start = on_start
        self._about = about
        self._started = False
        self._drawn = 0.0
        self._alive = False
        self._taken_ns = time.monotonic_ns()  # when the frame taken last had come
        self._over = False
        self._ends_at: float | None = None  # when to give up, at the end, what cannot be written

    def run(self) -> int:
        """Until the relay has said goodbye or is gone; returns the exit code."""
        background = BackgroundThread()
        while not self._over:
            background.run(self._stand_back)
            if not self._over:
                self._catch_up(background.hurry)
        recorder = self._recorder
        complete = self._spool.empty and self._started
        if complete:
            recorder.interrupt("recorder-stopped" if recorder.goodbye else "recorder-killed")
            complete = recorder.finish()
        self._release()
        recorder.close()
        code = (LOST if recorder.failed else WRITTEN) if complete else self._leave_over()
        if complete:
            self._spool.close()
        self._observer.close()
        return code

    def begin(self) -> None:
        """The capture is open."""
        self._started = True
        if self._recorder.committed:
            self._spool.go_to(self._recorder.committed)
        self._recorder.taken_to(self._spool.position)
        self._on_start()

    def _leave_over(self) -> int:
        path = self._recorder.file.path
        kept = self._spool.keep_rest(self._about, path.resolve().parent)
        if kept is None:
            self._observer.warn(f"{path}: what had not been written is lost")
            return LOST
        self._observer.warn(f"{path}: {kept} bytes wait beside it; the next `streamlab record` with it takes them up")
        return LEFT_OVER

    # --- two ways of working

    def _stand_back(self) -> None:
        while not self._over and not self._behind(BEHIND_BYTES, _BEHIND_SECONDS):
            self._turn(_SMALL_BATCH, polite=True)

    def _catch_up(self, hurry: Callable[[], None]) -> None:
        while not self._over and self._behind(CAUGHT_UP_BYTES, _CAUGHT_UP_SECONDS):
            hurry()
            self._turn(BATCH, polite=False)

    def _behind(self, size: int, seconds: float) -> bool:
        if self._spool.ending:  # somebody waits for the end
            return True
        waiting = self._spool.behind
        return waiting > size or (waiting > 0 and time.monotonic_ns() - self._taken_ns > seconds * 1e9)

    # --- one turn

    def _turn(self, limit: int, *, polite: bool) -> None:
        recorder, spool = self._recorder, self._spool
        if polite:
            self._let_gather(limit)
        spool.wait(self._patience())
        if not self._started and recorder.due and recorder.start():
            self.begin()
        if self._started and not recorder.full:
            self._take(limit, polite)
        recorder.write()
        self._release()
        if self._started and spool.empty and not spool.ending:
            recorder.pack()
        now = time.monotonic()
        if now - self._drawn >= _TICK_SECONDS:
            self._drawn = now
            self._alive = self._observer.tick()
        else:
            self._alive = True  # what this turn changed is not drawn yet, nor said
        if self._started and spool.empty and (recorder.goodbye or (spool.ending and not spool.behind)):
            self._over = True
        elif recorder.full or not self._started:
            self._over = self._gives_up(now)
            if not self._over:
                time.sleep(RETRY_SECONDS)

    def _let_gather(self, limit: int) -> None:
        """Until it is time to write: many reads of a stream cost little more than one. Packs meanwhile."""
        recorder, spool = self._recorder, self._spool
        while self._started and not spool.ending and spool.behind < limit and (left := recorder.pause) > 0:
            if recorder.packs:
                recorder.pack()
            else:
                time.sleep(min(left, _GATHERING_SECONDS))

    def _patience(self) -> float | None:
        """How long to wait for more; None: as long as it takes."""
        if self._started and self._recorder.packs:
            return 0.0
        if self._recorder.waiting or not self._started:
            return RETRY_SECONDS
        return _TICK_SECONDS if self._alive else None

    def _gives_up(self, now: float) -> bool:
        """Whether the relay ends and what keeps us from writing has lasted long enough since."""
        if not self._spool.ending or not self._recorder.in_trouble:
            self._ends_at = None
            return False
        if self._ends_at is None:
            self._ends_at = now + self._recorder.patience
        return now >= self._ends_at

    def _take(self, limit: int, polite: bool) -> None:
        recorder, spool = self._recorder, self._spool
        pause = os.sched_yield if polite else None
        frames = spool.frames(limit, pause)
        recorder.take(frames.found, pause)
        recorder.taken_to(spool.position)
        if spool.damaged:
            spool.damaged = False
            recorder.skipped()
        self._taken_ns = frames.last_ns if frames.last_ns and not spool.empty else time.monotonic_ns()

    def _release(self) -> None:
        if self._started:
            self._spool.release(self._recorder.committed)
            self._spool.count(*self._recorder.counts)
