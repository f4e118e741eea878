"""What is told of an exchange after it was written is written too."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.frames import Frame, Kind, Reads
from streamlab.storage.recorder import Recorder
from streamlab.storage.recording_file import RecordingFile
from streamlab.storage.taking_up import take_up
from tests.observers import Silent

_HEAD = b"POST /v1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\n: hello\n\n"


@pytest.mark.parametrize("between", [False, True])
def test_a_repair_that_failed_is_noted_of_an_answer_that_was_written_whole(tmp_path: Path, between: bool) -> None:
    """The relay hands over a read before it repairs it; the writer may have committed the end of the answer by then."""
    recorder = Recorder(tmp_path / "x.db", None, Silent(), "run")
    assert recorder.start()
    recorder.take([Frame(Kind.OPENED, 1, 1, b"\nhttp://up"), Frame(Kind.REQUEST, 1, 1, _HEAD)])
    recorder.take([Frame(Kind.REQUEST_BODY, 1, 1, b"{}"), Reads(1, [2], [_ANSWER])])
    if between:
        recorder.write(at_once=True)
    recorder.take([Frame(Kind.ENDED, 1, 3, b"repair-failed: why"), Frame(Kind.CLOSED, 1, 4, b"")])
    recorder.write(at_once=True)
    recorder.close()
    with CaptureDB(tmp_path / "x.db") as stored:
        assert stored.get(1).notes["repair-failed"] == "why"


def test_runs_that_are_gone_are_forgotten_another_time_where_somebody_holds_the_database(tmp_path: Path) -> None:
    """A long transaction of `streamlab pack` made the recorder's writer end with an error, and start anew."""
    path = tmp_path / "capture.db"
    recording = RecordingFile(path, "mine")
    recording.open()
    with CaptureDB(path, write=True) as other:
        other.connection.execute("INSERT INTO resume_points VALUES ('gone', 99, 0, '{}')")
        with other.writing():
            take_up(recording, Silent())
        assert recording.others() == {"gone": "None"}
        take_up(recording, Silent())
        assert recording.others() == {}
    recording.close()
