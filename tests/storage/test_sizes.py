"""A capture that is to stay below a size does, and one that was larger becomes smaller; pruning says what would go."""

from __future__ import annotations

import itertools
import os
import sqlite3
from pathlib import Path

import pytest

from streamlab.cli import main
from streamlab.exchange import Exchange, Request, Segment
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.frames import Frame, Kind, Reads
from streamlab.storage.recorder import Recorder

_SIZE = 2_000_000
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
_RUN = "0123abcd"


class _Observer:
    """Keeps what it is warned of."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def changed(self, draft: object) -> None: ...
    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def tick(self) -> bool:
        return False

    def close(self) -> None: ...


def _recorder(path: Path) -> tuple[Recorder, _Observer]:
    observer = _Observer()
    recorder = Recorder(path, None, observer, _RUN, _SIZE)
    assert recorder.start()
    return recorder, observer


def _record(recorder: Recorder, connections: range) -> int:
    """An exchange of 100 kB each; the largest that file and log were together at any commit."""
    largest = 0
    for number in connections:
        at_ns = number * 10**9
        recorder.take(
            [
                Frame(Kind.OPENED, number, at_ns, b"\nhttp://127.0.0.1:1"),
                Frame(Kind.REQUEST, number, at_ns, b"GET / HTTP/1.1\r\n\r\n"),
                Reads(number, [at_ns] * 5, [_HEAD, *(os.urandom(25_000) for _ in range(4))]),
                Frame(Kind.CLOSED, number, at_ns, b""),
            ]
        )
        recorder.taken_to(number)
        recorder.file._next_look = recorder.file._next_shrink = 0.0
        recorder.write(at_once=True)
        largest = max(largest, _on_disk(recorder.file.path))
    return largest


def _on_disk(path: Path) -> int:
    names = (path, Path(f"{path}-wal"))
    return sum(name.stat().st_size for name in names if name.exists())


def test_the_oldest_go_while_new_ones_come(tmp_path: Path) -> None:
    path = tmp_path / "capture.db"
    recorder, observer = _recorder(path)
    largest = _record(recorder, range(1, 60))
    recorder.close()
    assert largest <= _SIZE
    assert observer.warnings == []
    with CaptureDB(path) as db:
        left = list(db.ids())
        assert left == list(range(left[0], 60)), "the newest, without a gap"
        assert 8 <= len(left) < 20
        assert [len(db.get(number).body) for number in left] == [100_000] * len(left)


def _large(path: Path) -> None:
    with CaptureDB(path, write=True) as db:
        for _ in range(60):
            db.add(Exchange(request=Request("GET", "/"), segments=(Segment(0, os.urandom(100_000)),)))
    assert path.stat().st_size > 2 * _SIZE


def test_a_file_that_was_larger_becomes_smaller(tmp_path: Path) -> None:
    path = tmp_path / "capture.db"
    _large(path)
    recorder, _ = _recorder(path)
    _record(recorder, range(1, 12))
    recorder.close()
    assert _on_disk(path) <= _SIZE
    with CaptureDB(path) as db:
        left = list(db.ids())
        assert left[-11:] == list(range(61, 72))
        assert db.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_while_somebody_reads_it_is_shrunk_another_time_and_recorded_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "capture.db"
    _large(path)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM exchanges").fetchone()
    recorder, observer = _recorder(path)
    _record(recorder, range(1, 12))
    assert reader.execute("SELECT count(*) FROM exchanges").fetchone() == (60,), "what it sees stays as it was"
    reader.close()
    _record(recorder, range(12, 14))
    recorder.close()
    assert observer.warnings == []
    assert _on_disk(path) <= _SIZE
    with CaptureDB(path) as db:
        assert list(db.ids())[-13:] == list(range(61, 74))


def _prune(path: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["prune", "--db", str(path), *words])
    assert ended.value.code in (0, None)
    return capsys.readouterr().out


def test_pruning_says_first_what_would_go(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "capture.db"
    with CaptureDB(path, write=True) as db:
        for day in (1, 2, 3):
            db.add(Exchange(started_at=f"2020-01-0{day}T00:00:00.000000Z"))
        db.add(Exchange(started_at="2999-01-01T00:00:00.000000Z"))
    before = path.read_bytes()
    ways = {("--older-than", "30d"): 3, ("--keep", "2"): 2, ("2", "99"): 1, ("--keep", "4"): 0}
    for words, count in ways.items():
        said = _prune(path, capsys, *words, "--dry-run")
        assert said == f"would delete {count} exchange{'s' if count != 1 else ''} from {path}\n"
    assert path.read_bytes() == before
    for words, left in zip(itertools.islice(ways, 1), [[4]], strict=True):
        assert _prune(path, capsys, *words) == f"deleted 3 exchanges from {path}\n"
        with CaptureDB(path) as db:
            assert list(db.ids()) == left
