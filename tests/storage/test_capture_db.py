"""The capture as a file: opening, reading on demand, pruning, sharing."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streamlab.errors import CouldNotRunError, NotFoundError, UnreadableInputError
from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.storage import opening
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.location import default_db
from streamlab.storage.process_identity import identity_of, is_alive, this_process

_EXCHANGE = Exchange(
    request=Request("POST", "http://h/v1/chat/completions", (("a", "b"),), b'{"model":"gpt"}'),
    head=ResponseHead(200, (("content-type", "text/event-stream"),), 5, "OK"),
    segments=tuple(Segment(at, b"data: %d\n\n" % at) for at in range(200)),
    end_us=300,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "capture.db"


def _with(path: Path, count: int = 1, exchange: Exchange = _EXCHANGE) -> list[int]:
    with CaptureDB(path, write=True) as db:
        return [db.add(exchange) for _ in range(count)]


def test_ids_count_and_last(path: Path) -> None:
    ids = _with(path, 3)
    with CaptureDB(path) as db:
        assert (list(db.ids()), db.count(), db.last()) == (ids, 3, ids[-1])
        with pytest.raises(NotFoundError):
            db.get(99)


def test_an_empty_capture_has_no_last(path: Path) -> None:
    _with(path, 0)
    with CaptureDB(path) as db, pytest.raises(NotFoundError, match="nothing was recorded"):
        db.last()


def test_segments_are_read_in_pages(path: Path) -> None:
    (added,) = _with(path)
    with CaptureDB(path) as db:
        pages: list[int] = []
        db.connection.set_trace_callback(lambda sql: pages.append(1) if "FROM segments" in sql else None)
        segments = db.get(added).segments
        pages.clear()
        assert next(iter(segments)) == _EXCHANGE.segments[0]
        assert len(pages) == 1
        assert len(segments) == 200
        assert segments == _EXCHANGE.segments
        assert (segments[0], segments[-1]) == (_EXCHANGE.segments[0], _EXCHANGE.segments[-1])
        assert list(segments[70:140]) == list(_EXCHANGE.segments[70:140])
        assert list(segments[::-50]) == list(_EXCHANGE.segments[::-50])
        with pytest.raises(IndexError):
            segments[200]


def test_files_are_for_their_owner_only(path: Path) -> None:
    with CaptureDB(path, write=True) as db:
        db.add(_EXCHANGE)
        modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert len(list(path.parent.iterdir())) == 3
    assert modes == {0o600}


def test_strangers_can_query_it(path: Path) -> None:
    _with(path)
    rows = sqlite3.connect(path)
    try:
        overview = rows.execute("SELECT model, status, ending, bytes, segments, first_us FROM overview").fetchone()
        assert overview == ("gpt", 200, "complete", len(_EXCHANGE.body), 200, 0)
        timeline = rows.execute("SELECT seq, offset_us, gap_us, text FROM timeline WHERE seq < 2").fetchall()
        assert timeline == [(0, 0, None, "data: 0\n\n"), (1, 1, 1, "data: 1\n\n")]
    finally:
        rows.close()


def test_secrets_are_redacted_on_the_way_in(path: Path) -> None:
    secret = (("Authorization", "Bearer TOPSECRET"),)
    _with(path, 1, Exchange(request=Request("GET", "/?key=TOPSECRET", secret), head=ResponseHead(200, secret)))
    assert b"TOPSECRET" not in path.read_bytes()


def test_a_large_request_body_is_kept_whole(path: Path) -> None:
    body = random.Random(7).randbytes(3 * 2**20 + 5)  # in which nothing looks like a secret
    (added,) = _with(path, 1, Exchange(request=Request("POST", "/", (), body)))
    with CaptureDB(path) as db:
        request = db.get(added).request
        assert request is not None
        assert request.body == body


def test_pruning(path: Path) -> None:
    _with(path, 5)
    old = (datetime.now(UTC) - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with CaptureDB(path, write=True) as db:
        aged = db.add(Exchange(started_at=old))
        assert db.prune(older_than=timedelta(days=2)) == 1
        assert aged not in list(db.ids())
        assert db.prune(keep=3) == 2
        assert db.prune(ids=[3, 99]) == 1
        assert list(db.ids()) == [4, 5]
        assert db.connection.execute("SELECT count(*) FROM timeline").fetchone()[0] == 400
        assert db.connection.execute("SELECT count(*) FROM segments").fetchone()[0] == 2
        assert db.add(_EXCHANGE) == 7, "ids are not given twice"


def test_an_unfinished_exchange_is_in_progress_while_its_recorder_lives(path: Path) -> None:
    with CaptureDB(path, write=True) as db:
        for process in (this_process(), "boot:1:1"):
            db.connection.execute("INSERT INTO recorders (process, started_at) VALUES (?, 'now')", (process,))
        db.connection.execute(
            "INSERT INTO exchanges (recorder_id, method, url) VALUES (1, 'GET', '/'), (2, 'GET', '/')"
        )
        alive, dead = db.get(1), db.get(2)
        assert (alive.ending, alive.notes) == (Ending.INTERRUPTED, {"in_progress": True})
        assert (dead.ending, dead.notes) == (Ending.INTERRUPTED, {"ending_reason": "recorder-gone"})
        assert [row.in_progress for row in db.overview()] == [True, False]


def test_processes_are_told_apart() -> None:
    assert is_alive(this_process())
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = identity_of(child.pid)
    assert identity is not None
    assert is_alive(identity)
    assert not is_alive(identity + "0")
    child.communicate(b"\n")
    assert not is_alive(identity)
    assert not is_alive("nonsense")


# --- files that are something else


def _refusal(path: Path) -> str:
    before = path.read_bytes()
    messages = []
    for write in (False, True):
        with pytest.raises(UnreadableInputError) as caught:
            CaptureDB(path, write=write)
        messages.append(str(caught.value))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    assert messages[0] == messages[1]
    assert "\n" not in messages[0]
    return messages[0]


def test_random_bytes_are_refused(path: Path) -> None:
    path.write_bytes(os.urandom(8192))
    assert "not a SQLite database" in _refusal(path)


def test_a_foreign_database_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    assert "not one of streamlab's" in _refusal(path)


def test_a_newer_schema_is_refused(path: Path) -> None:
    _with(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert "newer streamlab" in _refusal(path)


@pytest.mark.parametrize("size", [50, 4096, 20000])
def test_a_truncated_database_is_refused(path: Path, size: int) -> None:
    _with(path, 5)
    path.write_bytes(path.read_bytes()[:size])
    assert "truncated" in _refusal(path)


def test_damage_in_the_middle_is_one_line(path: Path) -> None:
    ids = _with(path, 20)
    data = bytearray(path.read_bytes())
    data[8192:] = os.urandom(len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises(UnreadableInputError, match="not a readable capture"), CaptureDB(path) as db:
        _read_all(db, ids)


def _read_all(db: CaptureDB, ids: list[int]) -> None:
    for number in ids:
        tuple(db.get(number).segments)


def test_a_missing_file_a_directory_and_an_empty_file(path: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        CaptureDB(path)
    with pytest.raises(UnreadableInputError, match="directory"):
        CaptureDB(tmp_path)
    path.touch(0o644)
    with pytest.raises(UnreadableInputError, match="empty"):
        CaptureDB(path)
    with CaptureDB(path, write=True) as db:
        assert db.count() == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_lock_is_trouble_and_not_unreadable(path: Path) -> None:
    _with(path)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    with (
        CaptureDB(path, write=True, busy_seconds=0.01) as db,
        pytest.raises(CouldNotRunError, match="locked"),
    ):
        db.add(_EXCHANGE)
    lock.close()


def test_a_capture_without_write_permission_can_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _with(path)
    connect = opening._connect

    def refuse(uri: str, busy_seconds: float) -> sqlite3.Connection:
        """Root may write anywhere: let SQLite refuse as it does in a folder that is read-only."""
        return connect(uri if "immutable" in uri else "file:/nowhere/x?mode=ro", busy_seconds)

    monkeypatch.setattr(opening, "_connect", refuse)
    with CaptureDB(path) as db:
        assert db.get(1).body == _EXCHANGE.body


def test_many_may_create_it_at_once(path: Path) -> None:
    code = (
        "import sys; from streamlab.storage.capture_db import CaptureDB; "
        "CaptureDB(sys.argv[1], write=True, busy_seconds=120).close()"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(6)]
    assert [process.wait(300) for process in processes] == [0] * 6
    with CaptureDB(path) as db:
        assert db.count() == 0


def test_where_the_database_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STREAMLAB_DB", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    if sys.platform.startswith("linux"):
        assert default_db() == tmp_path / "data" / "streamlab" / "streamlab.db"
    (tmp_path / "captures").mkdir()
    assert default_db() == Path("captures/streamlab.db")
    monkeypatch.setenv("STREAMLAB_DB", "/x/y.db")
    assert default_db() == Path("/x/y.db")
