"""A capture that grows as under a recorder, for what watches captures."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.process_identity import this_process
from streamlab.storage.segment_rows import INSERT_SEGMENT


def event(number: int) -> bytes:
    """One chunk, as long as a real one."""
    return (
        b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1741570283,"model":"bench",'
        b'"service_tier":"default","system_fingerprint":"fp_fc9f1d7035","choices":[{"index":0,'
        b'"delta":{"content":"tick%d "},"logprobs":null,"finish_reason":null}]}\n\n' % number
    )


class LiveRecording(threading.Thread):
    """Writes streams as the recorder's writer does, one event a stream every 20 ms; notes when each was committed."""

    def __init__(self, path: Path, streams: int, events: int) -> None:
        super().__init__(name="recorder", daemon=True)
        self._path, self._streams, self._events = path, streams, events
        self.committed: dict[int, float] = {}
        self.ready, self.go = threading.Event(), threading.Event()
        self._stopped = False

    def stop(self) -> None:
        """Write no more; returns when it has stopped."""
        self._stopped = True
        self.join()

    def run(self) -> None:
        with CaptureDB(self._path, write=True) as database:
            execute = database.connection.execute
            with database.writing():
                recorder = execute(
                    "INSERT INTO recorders (process, started_at) VALUES (?, '')", (this_process(),)
                ).lastrowid
                for number in range(1, self._streams + 1):
                    execute(
                        "INSERT INTO exchanges (id, recorder_id, label, method, url, request_headers, status, "
                        "response_headers, head_us) VALUES (?, ?, 'live', 'POST', '/v1/chat/completions', '[]', 200, "
                        '\'[["content-type", "text/event-stream"]]\', 1000)',
                        (number, recorder),
                    )
            self.ready.set()
            self.go.wait()
            began = time.perf_counter()
            for number in range(self._events):
                if self._stopped:
                    break
                time.sleep(max(0.0, began + 0.02 * number - time.perf_counter()))
                raw = event(number)
                with database.writing():
                    database.connection.executemany(
                        INSERT_SEGMENT,
                        [(one, number, 20_000 * number, len(raw), None, raw) for one in range(1, self._streams + 1)],
                    )
                self.committed[number] = time.perf_counter()
