"""Packed rows: bytes, times and chunks come out as they went in, whoever was killed when; old captures; plain SQL."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.cli import main
from streamlab.errors import CouldNotRunError, UnreadableInputError
from streamlab.exchange import Ending, Exchange, Segment
from streamlab.storage import opening, packed_rows, packer
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.packed_rows import described, pack, unpack
from streamlab.storage.packer import Packer, lay_out_capture, pack_capture
from streamlab.storage.packing import lay_out_rows, pack_all
from streamlab.storage.process_identity import this_process
from streamlab.storage.segment_rows import INSERT_ROW, MOST_BYTES, MOST_SEGMENTS, WaitingRows
from tests.corpus import directories, load, needs_recorded, recorded

_TIMELINE = "SELECT seq, offset_us, gap_us, length, chunk FROM timeline WHERE exchange_id = ? ORDER BY seq"
_TEXTS = "SELECT text FROM timeline WHERE exchange_id = ? ORDER BY seq"
_KINDS = "SELECT coalesce(sum(packed LIKE '{%'), 0), count(*) FROM segments WHERE exchange_id = ?"
_HEADS = (b'data: {"id":"chatcmpl-', b'","object":"chat.completion.chunk","created":1741570283,"model":"m","choices":[')


def _event(number: int) -> bytes:
    word = b"word%d" % (number * 7919 % 997)
    return _HEADS[0] + b"9" + _HEADS[1] + b'{"index":0,"delta":{"content":"%b "},"finish_reason":null}]}\n\n' % word


def _stream(events: int, label: str | None = None) -> Exchange:
    rng = random.Random(events)
    at, segments = 250_000, []
    for number in range(events):
        at += rng.randrange(40_000)
        segments.append(Segment(at, _event(number)))
    chunks = tuple(len(one.data) for one in segments)
    return Exchange(segments=tuple(segments), http_chunks=chunks, ending=Ending.COMPLETE, label=label)


def _record(db: CaptureDB, exchange: Exchange, at_once: int) -> int:
    """As a recorder that wrote so many segments at a time, and packed none."""
    number = db.add(Exchange(http_chunks=None if exchange.http_chunks is None else (), ending=Ending.COMPLETE))
    waiting = WaitingRows(packs=False)
    for at, one in enumerate(exchange.segments):
        waiting.add((one.offset_us,), (one.data,), None if exchange.http_chunks is None else at)
        if at % at_once == 0:
            db.connection.executemany(INSERT_ROW, waiting.rows(number))
            waiting.written()
    db.connection.executemany(INSERT_ROW, waiting.rows(number))
    return number


def _told(db: CaptureDB, number: int) -> tuple[object, ...]:
    """All that is read of an exchange."""
    exchange = db.get(number)
    timeline = [tuple(row) for row in db.query(_TIMELINE, (number,))]
    return list(exchange.segments), exchange.http_chunks, timeline


def _kinds(db: CaptureDB, number: int) -> tuple[int, int]:
    """Packed rows, and all."""
    ((packed, rows),) = db.query(_KINDS, (number,))
    return packed, rows


# --- what goes in comes out

_PART = st.tuples(
    st.integers(0, 5_000_000) | st.none(),  # when
    st.integers(0, 2),  # how its chunk follows on the one before
    st.binary(min_size=1, max_size=9) | st.sampled_from([_event(n) for n in range(9)]) | st.just(b"x" * 70_000),
)


@settings(max_examples=60)
@given(st.lists(_PART, max_size=40), st.booleans(), st.integers(1, 9), st.integers(1, 5))
def test_packing_changes_nothing_that_is_read(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int | None, int, bytes]], chunked: bool, at_once: int,
    times: int,
) -> None:  # fmt: skip
    with CaptureDB(tmp_path_factory.mktemp("packing") / "capture.db", write=True) as db:
        number = db.add(Exchange(http_chunks=() if chunked else None))
        waiting, chunk = WaitingRows(packs=False), 0
        for at, (offset, step, data) in enumerate(parts):
            chunk += step
            # More of what is like a stream, so that there is something to pack.
            for _ in range(times):
                waiting.add((offset,), (data,), chunk if chunked else None)
            if at % at_once == 0:
                db.connection.executemany(INSERT_ROW, waiting.rows(number))
                waiting.written()
        db.connection.executemany(INSERT_ROW, waiting.rows(number))
        before = _told(db, number)
        texts = [row[0] for row in db.query(_TEXTS, (number,))]
        for _ in range(2):
            with db.writing():
                pack_all(db.connection, number)
            assert _told(db, number) == before
        lay_out_capture(db, [number])
        assert _told(db, number) == before
        assert [row[0] for row in db.query(_TEXTS, (number,))] == texts
        assert _kinds(db, number)[0] == 0


def _come_out_as_they_went_in(path: Path, folders: list[Path]) -> None:
    with CaptureDB(path, write=True) as db:
        for folder in folders:
            exchange = load(folder)
            number = db.add(exchange)
            read = db.get(number)
            assert (read.body, read.ending, read.end_us) == (exchange.body, exchange.ending, exchange.end_us)
            assert list(read.segments) == [one for one in exchange.segments if one.data]


def test_streams_of_the_corpus_come_out_as_they_went_in(tmp_path: Path) -> None:
    folders = directories()[::5]
    assert len(folders) > 50
    _come_out_as_they_went_in(tmp_path / "capture.db", folders)


@needs_recorded
def test_streams_that_others_recorded_do_too(tmp_path: Path) -> None:
    _come_out_as_they_went_in(tmp_path / "capture.db", recorded()[::7])


def test_a_long_stream_is_packed_in_rows_of_which_each_can_be_read_alone(tmp_path: Path) -> None:
    with CaptureDB(tmp_path / "capture.db", write=True) as db:
        exchange = _stream(5000)
        number = db.add(exchange)
        rows = db.query("SELECT length, json_array_length(packed, '$.zstd') AS n FROM segments")
        assert all(row["length"] <= MOST_BYTES and row["n"] <= MOST_SEGMENTS for row in rows)
        assert len(rows) > 10
        unpacked: list[int] = []
        original = packed_rows.unpack
        from streamlab.storage import segment_rows

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(segment_rows, "unpack", lambda *words: (unpacked.append(1), original(*words))[1])
            assert db.segments_between(number, 3000, 3010) == list(exchange.segments[3000:3010])
        assert len(unpacked) <= 2
        (row,) = db.overviews([number])
        assert (row.segments, row.bytes) == (5000, len(exchange.body))


def test_so_much_smaller(tmp_path: Path) -> None:
    path = tmp_path / "capture.db"
    exchanges = [_stream(events) for events in (50, 60, 80, 200, 400, 1000)]
    with CaptureDB(path, write=True) as db:
        for exchange in exchanges:
            db.add(exchange)
        ((held,),) = db.query("SELECT sum(length(data) + length(packed)) FROM segments")
    assert held < 0.12 * sum(len(one.body) for one in exchanges)


def test_what_is_small_or_cannot_be_packed_stays_as_it_is(tmp_path: Path) -> None:
    with CaptureDB(tmp_path / "capture.db", write=True) as db:
        for data in (_event(1) * 3, os.urandom(50_000)):
            number = db.add(Exchange(segments=(Segment(5, data[:100]), Segment(6, data[100:]))))
            assert _kinds(db, number)[0] == 0
            assert db.get(number).body == data


# --- dictionaries

#: Each stays what it is for good.
_DICTIONARIES = {"40001.zdict": "a077a9318f9d3016d9f73d80959873a964de2de9a7e13ab9482b4fcdc1692e99"}


def test_dictionaries_stay_what_they_are() -> None:
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in packed_rows._FOLDER.iterdir()}
    assert found == _DICTIONARIES
    assert f"{packed_rows.DICTIONARY}.zdict" in found


def test_a_frame_names_its_dictionary_and_another_is_said(tmp_path: Path) -> None:
    data = _event(1) * 100
    frame = pack(data)
    assert frame is not None
    assert zstandard.get_frame_parameters(frame).dict_id == packed_rows.DICTIONARY
    plain = zstandard.ZstdCompressor().compress(data)
    assert unpack(plain, len(data), 1, MOST_BYTES) == data, "one without any is read too"
    other = zstandard.train_dictionary(2048, [_event(n) * 9 for n in range(500)], dict_id=50_000)
    theirs = zstandard.ZstdCompressor(dict_data=other).compress(data)
    path = tmp_path / "capture.db"
    with CaptureDB(path, write=True) as db:
        db.add(Exchange(segments=(Segment(0, data),)))
        db.connection.execute("UPDATE segments SET data = ?", (theirs,))
        with pytest.raises(UnreadableInputError, match="dictionary 50000, which this streamlab does not know"):
            _ = db.get(1).body


_TWO_THREADS = """
import threading
from streamlab.storage.packed_rows import pack, unpack
data = bytes(range(256)) * 200
def work():
    for _ in range(20):
        assert unpack(pack(data), len(data), 1, len(data)) == data
work()
for _ in range(30):
    other = threading.Thread(target=work)
    other.start()
    work()
    other.join()
"""


def test_threads_that_pack_do_not_disturb_each_other() -> None:
    """The writer works in two by turns. Where they shared a dictionary, the process was killed by signal 11."""
    assert subprocess.run([sys.executable, "-c", _TWO_THREADS], check=False).returncode == 0


# --- captures from elsewhere


def _packed(parts: object) -> str:
    return described([0, 1], [40_000, 1]).replace("[[0,40000],[1,1]]", str(parts))


_BAD_ROWS = [
    "{}", '{"zstd":1}', _packed("[]"), _packed("[[0,40001,0,0]]"), _packed("[[0]]"), _packed("[[0,40002],[0,-1]]"),
    _packed("[[-9,40001]]"), _packed("[[0,40000,1],[0,1,-1]]"), _packed("[[9007199254740993,40001]]"),
    _packed("[[0,40000]]"), _packed("[[0,40001.5]]"), _packed(f"[{'[0,0],' * 600}[0,40001]]"), '{"zstd":' + "[" * 9000,
]  # fmt: skip


@pytest.mark.parametrize("packed", _BAD_ROWS, ids=range(len(_BAD_ROWS)))
def test_a_packed_row_that_somebody_changed_is_one_line(tmp_path: Path, packed: str) -> None:
    path = tmp_path / "capture.db"
    with CaptureDB(path, write=True) as db:
        db.add(Exchange(segments=(Segment(0, b"a" * 40_000), Segment(1, b"b"))))
        assert _kinds(db, 1) == (1, 1)
        db.connection.execute("UPDATE segments SET packed = ?, chunk = 4", (packed,))
    with CaptureDB(path) as db:
        assert len(db.overview()) == 1
        with pytest.raises(UnreadableInputError, match="exchange 1 is damaged"):
            _ = db.get(1).body
    with CaptureDB(path, write=True) as db:
        pack_capture(db)  # leaves it
        assert db.query("SELECT packed FROM segments")[0][0] == packed


@pytest.mark.parametrize("how", ["cut", "bomb", "other", "none"])
def test_bytes_that_cannot_be_unpacked_are_one_line(tmp_path: Path, how: str) -> None:
    path, size = tmp_path / "capture.db", 40_001
    bomb = zstandard.ZstdCompressor().compress(bytes(200_000_000))
    data = {"cut": b"", "bomb": bomb, "other": zstandard.compress(b"a" * size), "none": b"a" * size}[how]
    with CaptureDB(path, write=True) as db:
        db.add(Exchange(segments=(Segment(0, b"a" * 40_000), Segment(1, b"b"))))
        if how == "cut":
            data = db.query("SELECT data FROM segments")[0][0][:-6]
        db.connection.execute("UPDATE segments SET data = ?", (data,))
        if how == "bomb":
            db.connection.execute("UPDATE segments SET length = 200000000, packed = ?", (_packed("[[0,200000000]]"),))
    with CaptureDB(path) as db:
        if how == "other":
            assert db.get(1).body == b"a" * size
            return
        with pytest.raises(UnreadableInputError, match="exchange 1 is damaged"):
            _ = db.get(1).body


def test_a_small_file_holds_no_endless_body(tmp_path: Path) -> None:
    """2 KB of zstd unpack to 64 MiB of zeros: 900 KB of such rows made `check` and `pack --undo` work on 12.8 GB."""
    path, size = tmp_path / "capture.db", packed_rows.LARGEST
    assert pack(bytes(size)) is None, "what is refused is not written"
    assert pack(bytes(MOST_BYTES)) is not None
    frame = zstandard.ZstdCompressor().compress(bytes(size))
    with CaptureDB(path, write=True) as db:
        number = db.add(Exchange(http_chunks=None))
        db.connection.execute(INSERT_ROW, (number, 0, 0, size, None, described([0], [size]), frame))
    with CaptureDB(path) as db, pytest.raises(UnreadableInputError, match="exchange 1 is damaged"):
        _ = db.get(1).body
    assert _run(path, "--undo", "1") == 2
    with CaptureDB(path, write=True) as db:
        db.connection.execute(INSERT_ROW, (number, 1, 0, 3, None, None, b"abc"))
    assert _run(path, "1") == 2
    assert _run(path) in (0, None), "of all, it is left"


def test_marks_of_a_file_from_elsewhere_stop_no_recorder(tmp_path: Path) -> None:
    with CaptureDB(tmp_path / "capture.db", write=True) as db:
        _record(db, _stream(60), 10)
        db.connection.execute("INSERT INTO packed_up_to VALUES (?)", (2**63 - 1,))
        _work(db)
        db.connection.execute("UPDATE exchanges SET id = ?", (2**63 - 1,))
        db.connection.execute("UPDATE segments SET exchange_id = ?", (2**63 - 1,))
        db.connection.execute("DELETE FROM packed_up_to")
        _work(db)
        assert _kinds(db, 2**63 - 1) == (1, 1)


def test_numbers_that_are_none_are_left(tmp_path: Path) -> None:
    with CaptureDB(tmp_path / "capture.db", write=True) as db:
        number = db.add(Exchange(ending=Ending.COMPLETE))
        for seq in (0, 1, "x"):
            db.connection.execute(INSERT_ROW, (number, seq, 0, 700_000, None, None, _event(1) * 4_000))
        pack_capture(db)
        _work(db)
        assert _kinds(db, number)[0] == 0


def test_what_is_deleted_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every SQLite overwrites what it deletes by itself, and nobody finds a secret in a frame that was left."""
    original = opening._connect

    def connect(uri: str, busy_seconds: float) -> sqlite3.Connection:
        connection = original(uri, busy_seconds)
        connection.execute("PRAGMA secure_delete = OFF")
        return connection

    monkeypatch.setattr(opening, "_connect", connect)
    path = tmp_path / "capture.db"
    with CaptureDB(path, write=True) as db:
        for name in (b"one", b"two", b"three"):
            segments = [Segment(one.offset_us, one.data.replace(b"word", name)) for one in _stream(700).segments]
            db.add(Exchange(segments=tuple(segments)))
        frames = [row["data"][-200:] for row in db.query("SELECT data FROM segments WHERE exchange_id = 2")]
    assert all(one in path.read_bytes() for one in frames)
    with CaptureDB(path, write=True) as db:
        assert db.prune(ids=[2]) == 1
    assert not any(one in path.read_bytes() for one in frames)


def test_what_is_deleted_leaves_the_log_while_a_recorder_has_the_file_open(tmp_path: Path) -> None:
    """`redact --verify` said that no secret is left: it finds none in a packed row that belongs to nothing."""
    path = tmp_path / "capture.db"
    log = Path(f"{path}-wal")
    with CaptureDB(path, write=True) as db:
        number = db.add(_stream(700))
        (frame, *_) = [row["data"][-200:] for row in db.query("SELECT data FROM segments")]
        assert frame in log.read_bytes()
        with CaptureDB(path, write=True) as other:
            assert other.prune(ids=[number]) == 1
        assert frame not in log.read_bytes() + path.read_bytes()


def _proof(path: Path) -> object:
    with pytest.raises(SystemExit) as ended:
        main(["redact", str(path), "--verify"])
    return ended.value.code


def test_a_proof_empties_the_log_first_or_says_what_it_could_not_search(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "capture.db"
    log = Path(f"{path}-wal")
    with CaptureDB(path, write=True, busy_seconds=0.1) as db:
        number = db.add(_stream(700))
        db.add(_stream(3))
        (frame, *_) = [row["data"][-200:] for row in db.query("SELECT data FROM segments")]
        with contextlib.closing(sqlite3.connect(path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM exchanges").fetchone()
            assert db.prune(ids=[number]) == 1
            assert frame in log.read_bytes()
            assert _proof(path) == 1
            said = capsys.readouterr().err
            assert f"{log}: what was packed in it: cannot be searched" in said
            assert "no secret is left" not in said
        assert _proof(path) in (0, None)
        assert "no secret is left" in capsys.readouterr().err
        assert frame not in log.read_bytes() + path.read_bytes()


def test_who_is_killed_while_laying_out_has_done_a_part_and_does_the_rest_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = _large()
    with CaptureDB(tmp_path / "capture.db", write=True) as db:
        number = db.add(exchange)
        pack_all(db.connection, number)
        told, packed = _told(db, number), _kinds(db, number)[0]
        with monkeypatch.context() as patched:
            steps = iter([True])
            patched.setattr(packer, "lay_out_rows", lambda *given: lay_out_rows(*given) if next(steps) else None)
            with pytest.raises(StopIteration):
                lay_out_capture(db, [number])
        left = _kinds(db, number)[0]
        assert 0 < left < packed
        assert _told(db, number) == told
        pack_capture(db)
        assert _kinds(db, number)[0] == left  # nobody packs it by himself
        lay_out_capture(db, [number])
        assert (_told(db, number), _kinds(db, number)[0]) == (told, 0)


def _large() -> Exchange:
    """An exchange of three packed rows or more, of a megabyte each."""
    words = random.Random(7)
    datas = [b"data: " + words.randbytes(500).hex().encode() + b"\n\n" for _ in range(4000)]
    return Exchange(segments=tuple(Segment(at * 1000, data) for at, data in enumerate(datas)))


# --- in the background


def _old(path: Path, exchanges: Sequence[Exchange]) -> None:
    """A capture as schema 5 had it."""
    with CaptureDB(path, write=True) as db:
        for exchange in exchanges:
            _record(db, exchange, 10)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for drop in ("TABLE packed_up_to", "TABLE laid_out", "VIEW timeline", "VIEW overview"):
            connection.execute(f"DROP {drop}")
        connection.execute("PRAGMA user_version = 5")


def _work(db: CaptureDB, steps: int = 10_000) -> Packer:
    found = Packer()
    found.opened(db.connection)
    while found.has_work and steps:
        found.step(db.connection)
        steps -= 1
    return found


def test_an_old_capture_is_packed_step_by_step_and_reads_the_same_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "capture.db"
    exchanges = [_stream(events) for events in (3, 60, 9000, 61, 400)]
    _old(path, exchanges)
    with CaptureDB(path) as db:
        told = [_told(db, number) for number in range(1, 6)]
        assert [one[0] for one in told] == [list(exchange.segments) for exchange in exchanges]
    steps = 0
    while True:
        with CaptureDB(path, write=True) as db:  # each a recorder of its own, that comes no further
            went_on = _work(db, steps=2).has_work
            assert [_told(db, number) for number in range(1, 6)] == told
        steps += 1
        if not went_on:
            break
    assert steps > 3
    with CaptureDB(path, write=True) as db:
        assert [_kinds(db, number)[0] for number in range(1, 6)] == [0, 1, _kinds(db, 3)[1], 1, 2]
        seen: list[str] = []
        db.connection.set_trace_callback(seen.append)
        _work(db)
        assert not [sql for sql in seen if "BEGIN" in sql or ("DELETE" in sql.upper()[:12] and "packed" not in sql)]


def test_an_old_capture_that_may_not_be_written_is_read_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "capture.db"
    _old(path, [_stream(60)])
    before = path.read_bytes()

    def refuse(*_: object) -> None:
        raise CouldNotRunError("attempt to write a readonly database")

    monkeypatch.setattr(opening, "_migrate_locked", refuse)
    with CaptureDB(path) as db:
        assert list(db.get(1).segments) == list(_stream(60).segments)
    assert path.read_bytes() == before
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 4")
    with pytest.raises(CouldNotRunError):
        CaptureDB(path)


def test_what_goes_on_is_not_packed(tmp_path: Path) -> None:
    with CaptureDB(tmp_path / "capture.db", write=True) as db:
        number = _record(db, _stream(100), 10)
        _goes_on(db)
        _work(db)
        pack_capture(db)
        assert _kinds(db, number)[0] == 0


def _goes_on(db: CaptureDB, process: str | None = None) -> None:
    """All exchanges are as if this process, or that one, recorded them now."""
    db.connection.execute("INSERT INTO recorders VALUES (7, ?, '')", (process or this_process(),))
    db.connection.execute("UPDATE exchanges SET ending = NULL, recorder_id = 7")


def test_what_a_recorder_left_that_is_gone_is_packed(tmp_path: Path) -> None:
    with CaptureDB(tmp_path / "capture.db", write=True) as db:
        numbers = [_record(db, _stream(100), 10) for _ in range(2)]
        _goes_on(db, "no-such-boot:1:1")
        pack_capture(db, numbers[:1])
        assert [_kinds(db, number) for number in numbers] == [(1, 1), (0, 11)]
        _work(db)
        assert _kinds(db, numbers[1]) == (1, 1)


def test_what_went_on_when_it_was_passed_is_packed_later(tmp_path: Path) -> None:
    """Its own recorder may be killed between the end of it and packing it."""
    with CaptureDB(tmp_path / "capture.db", write=True) as db:
        numbers = [_record(db, _stream(100), 10) for _ in range(3)]
        _goes_on(db)
        db.connection.execute("UPDATE exchanges SET ending = 'complete' WHERE id != ?", (numbers[1],))
        _work(db)
        assert [_kinds(db, number) for number in numbers] == [(1, 1), (0, 11), (1, 1)]
        db.connection.execute("UPDATE exchanges SET ending = 'complete'")
        _work(db)
        assert _kinds(db, numbers[1]) == (1, 1)


def test_a_lock_is_waited_for_in_the_background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "capture.db"
    _old(path, [_stream(60), _stream(70)])
    with CaptureDB(path, write=True, busy_seconds=0.01) as db, CaptureDB(path, write=True) as other:
        found = Packer()
        found.opened(db.connection)
        other.connection.execute("BEGIN IMMEDIATE")
        found.step(db.connection)
        assert not found.has_work, "for a while"
        other.connection.execute("COMMIT")
        found._paused_until = 0.0
        while found.has_work:
            found.step(db.connection)
        assert [_kinds(db, number) for number in (1, 2)] == [(1, 1), (1, 1)]


def test_a_lock_is_waited_for_by_what_has_just_ended_too(tmp_path: Path) -> None:
    path = tmp_path / "capture.db"
    with CaptureDB(path, write=True, busy_seconds=0.01) as db, CaptureDB(path, write=True) as other:
        found = Packer()
        found.opened(db.connection)
        number = _record(db, _stream(60), 10)
        found.ended(number)
        other.connection.execute("BEGIN IMMEDIATE")
        found.step(db.connection)
        other.connection.execute("COMMIT")
        found._paused_until = 0.0
        found.step(db.connection)
        assert _kinds(db, number) == (1, 1)


_KILLED = """
import sys
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.packer import Packer
with CaptureDB(sys.argv[1], write=True) as db:
    found = Packer()
    found.opened(db.connection)
    print("begins", flush=True)
    while found.has_work:
        found.step(db.connection)
"""


def test_who_is_killed_while_packing_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "capture.db"
    exchanges = [_stream(3000 + number) for number in range(12)]
    _old(path, exchanges)
    with CaptureDB(path) as db:
        told = [_told(db, number) for number in range(1, 13)]
    rng, halves = random.Random(7), 0
    for _ in range(12):
        process = subprocess.Popen([sys.executable, "-c", _KILLED, str(path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.random() * 0.06)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with CaptureDB(path) as db:
            kinds = [_kinds(db, number) for number in range(1, 13)]
            halves += any(0 < packed < rows for packed, rows in kinds) or 0 < sum(map(bool, kinds)) < 12
            assert db.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    with CaptureDB(path, write=True) as db:
        assert [_told(db, number) for number in range(1, 13)] == told
        _work(db)
        assert [_told(db, number) for number in range(1, 13)] == told
        assert all(packed == rows for packed, rows in (_kinds(db, number) for number in range(1, 13)))


def test_room_that_is_free_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "capture.db"
    with CaptureDB(path, write=True) as db:
        for number in range(20):
            _record(db, _stream(2000 + number), 10)
        db.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = path.stat().st_size
        _work(db)
    assert path.stat().st_size < 0.25 * before


# --- by hand


def _run(path: Path, *words: str) -> object:
    with pytest.raises(SystemExit) as ended:
        main(["pack", "--db", str(path), *words])
    return ended.value.code


def test_room_that_could_not_be_given_back_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "capture.db"
    _old(path, [_stream(2000)])
    with contextlib.closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM exchanges").fetchone()
        with CaptureDB(path, write=True, busy_seconds=0.1) as db:
            assert pack_capture(db) == "somebody else has the database open"
            assert _kinds(db, 1)[0] > 0
    assert _run(path) in (0, None)
    assert "given back" not in capsys.readouterr().err


def test_the_documented_query_of_a_body_tells_none_with_holes(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "database.md").read_text()
    (query,) = re.findall(r"SELECT CASE WHEN count[^;]*", text)
    path, exchange = tmp_path / "capture.db", _stream(60)
    with CaptureDB(path, write=True) as db:
        assert _record(db, exchange, 10) == 1

        def told() -> list[str | None]:
            with contextlib.closing(sqlite3.connect(path)) as plain:
                return [one for (one,) in plain.execute(query)]

        assert told() == [exchange.body.decode()]
        pack_all(db.connection, 1)
        db.connection.execute(INSERT_ROW, (1, 60, 9_000_000, 3, 60, None, b"abc"))
        assert told() == [None]
        lay_out_capture(db, [1])
        assert told() == [exchange.body.decode() + "abc"]


def test_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "capture.db"
    exchanges = [_stream(2000), _stream(3000)]
    _old(path, exchanges)
    before = path.stat().st_size
    assert _run(path) in (0, None)
    assert f"before {before:,}" in capsys.readouterr().out
    assert path.stat().st_size < 0.25 * before
    body = "SELECT group_concat(text, '') FROM (SELECT text FROM timeline WHERE exchange_id = ? ORDER BY seq)"

    def texts() -> Iterable[bytes | None]:
        with contextlib.closing(sqlite3.connect(path)) as plain:
            found = [plain.execute(body, (number,)).fetchone()[0] for number in (1, 2)]
        return [None if one is None else one.encode() for one in found]

    assert texts() == [None, None]
    assert _run(path, "--undo", "last") in (0, None)
    assert texts() == [None, exchanges[1].body]
    with CaptureDB(path, write=True) as db:
        _work(db)
    assert _run(path) in (0, None)
    assert texts() == [None, exchanges[1].body], "it stays laid out"
    assert _run(path, "2") in (0, None)
    assert texts() == [None, None]
    assert _run(path, "--undo") == 2
    assert _run(path, "9") == 2
    assert _run(path, "x") == 2
