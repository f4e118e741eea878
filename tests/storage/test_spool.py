"""The way between relay and writer: order, wrap-around, blocks that go to disk, loss, and what kill -9 leaves."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.storage.block_cipher import BlockCipher, NoRequests, RequestCipher
from streamlab.storage.frames import (
    FRAME,
    HELD_AT,
    ORDER_AT,
    SPILLED_AT,
    U64,
    Frame,
    Gathering,
    Kind,
    Layout,
    Reads,
    create_memory,
)
from streamlab.storage.overflow import Overflow, about_run
from streamlab.storage.spool import SpoolWriter
from streamlab.storage.spool_files import SpoolFiles, reading_cipher, request_cipher
from streamlab.storage.spool_reader import SpoolReader

_SMALL = Layout(block=4096, blocks=8, file_blocks=4)
_RUN = "0123abcd"


def _one_by_one(gathered: Gathering) -> list[Frame]:
    found = []
    for one in gathered.found:
        if isinstance(one, Frame):
            found.append(one)
        else:
            reads = zip(one.times_ns, one.data, strict=True)
            found += [Frame(Kind.RESPONSE, one.connection, at_ns, data) for at_ns, data in reads]
    return found


class Spool:
    """Both ends in one process. Blocks go to disk when told, not by a thread."""

    def __init__(
        self, folder: Path, layout: Layout = _SMALL, cipher: BlockCipher | RequestCipher | None = None
    ) -> None:
        self.layout = layout
        self.database = folder / "capture.db"
        self.memory = create_memory(layout)
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.writing, False)
        about = about_run(layout, None, encrypted=cipher is not None)
        files = SpoolFiles(self.database, _RUN, layout, cipher)
        self.overflow = Overflow(self.memory, layout, self.database, files, about)
        self.overflow.wake = lambda: None  # type: ignore[method-assign]
        self.writer = SpoolWriter(self.memory, layout, self.writing, self.overflow)
        self.files = SpoolFiles(self.database, _RUN, layout, cipher)
        self.reader = SpoolReader(self.memory, layout, self.reading, self.files)

    def tell(self) -> None:
        self.writer.tell()
        self.reader.wait(1)

    def read(self, limit: int = 10**9) -> list[Frame]:
        self.tell()
        frames = _one_by_one(self.reader.frames(limit))
        self.reader.release(self.reader.position)
        return frames

    def spill(self, most: int = 10**9) -> int:
        """Take whole blocks to disk; how many."""
        done = 0
        while done < most and self.overflow._behind() > 0 and self.overflow._spill():
            done += 1
        return done

    @property
    def on_disk(self) -> list[Path]:
        return sorted(self.database.parent.glob("capture.db-spool-*"))


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path)
    yield spool
    os.close(spool.reading)
    os.close(spool.writing)


def _in_loop(work: Callable[[], None]) -> None:
    async def main() -> None:
        work()

    asyncio.run(main())


@given(st.lists(st.lists(st.binary(max_size=300_000), max_size=4), max_size=12))
def test_frames_come_out_as_they_went_in(tmp_path_factory: pytest.TempPathFactory, batches: list[list[bytes]]) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"), Layout())

    def work() -> None:
        for number, batch in enumerate(batches):
            for data in batch:
                spool.writer.response(number, number, memoryview(data))
            assert spool.read() == [Frame(Kind.RESPONSE, number, number, data) for data in batch]

    _in_loop(work)
    os.close(spool.reading)
    os.close(spool.writing)


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from((Kind.RESPONSE, Kind.ENDED))), max_size=30))
def test_reads_are_gathered_and_no_connection_is_told_anything_out_of_order(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[int, Kind]]
) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"))

    def work() -> None:
        for number, (connection, kind) in enumerate(told):
            spool.writer._append(kind, connection, number, b"%d" % number)
        spool.tell()
        gathered = spool.reader.frames(10**9)
        for connection in (1, 2, 3):
            got = [(one.kind, one.at_ns) for one in _one_by_one(gathered) if one.connection == connection]
            assert got == [(kind, number) for number, (of, kind) in enumerate(told) if of == connection]
        assert gathered.last_ns == max(0, len(told) - 1)
        runs = sum(isinstance(one, Reads) for one in gathered.found)
        assert runs <= 3 + sum(kind is Kind.ENDED for _, kind in told)

    _in_loop(work)
    os.close(spool.reading)
    os.close(spool.writing)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3000)), max_size=120))
def test_blocks_may_go_to_disk_at_any_time(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]]
) -> None:
    """Whatever the order in which one side writes, the other reads, and blocks go to disk: nothing is missing."""
    spool = Spool(tmp_path_factory.mktemp("spool"))
    written, read = [], []

    def work() -> None:
        for what, size in steps:
            if what == 0:
                read.extend(spool.read(size))
            elif what == 1:
                spool.spill(1 + size // 1000)
            else:
                data = os.urandom(size)
                spool.writer.response(1, size, data)
                if 1 not in spool.writer._lost:
                    written.append(data)
                else:  # no room: none of it may be there
                    spool.spill()
                    spool.writer._lost.clear()
        while more := spool.read():
            read.extend(more)

    _in_loop(work)
    assert [frame.data for frame in read] == written
    assert spool.on_disk == []
    os.close(spool.reading)
    os.close(spool.writing)


def test_a_recorder_that_keeps_up_uses_few_blocks(tmp_path: Path) -> None:
    layout = Layout()
    spool = Spool(tmp_path, layout)
    read = b"x" * 200_000

    def work() -> None:
        for number in range(2000):  # six times around
            spool.writer.response(1, number, read)
            assert [frame.at_ns for frame in spool.read()] == [number]
        assert set(spool.memory[ORDER_AT : ORDER_AT + layout.blocks]) <= {0, 1, 2}

    _in_loop(work)
    assert spool.on_disk == []
    os.close(spool.reading)
    os.close(spool.writing)


def test_what_finds_no_room_waits_on_disk(spool: Spool) -> None:
    """Twenty times what the memory holds, while nobody reads; then all of it, in order, and no file is left."""
    frames = [b"%06d" % number * 150 for number in range(700)]

    def work() -> None:
        for number, data in enumerate(frames):
            if len(spool.overflow.blocks) > _SMALL.spill_from:
                spool.spill(2)
            spool.writer.response(1, number, data)
        assert len(spool.on_disk) > 10
        assert {stat.S_IMODE(path.stat().st_mode) for path in spool.on_disk} == {0o600}
        assert [frame.data for frame in spool.read()] == frames
        assert spool.on_disk == []

    _in_loop(work)


def test_the_block_that_is_being_read_stays_in_memory(spool: Spool) -> None:
    def work() -> None:
        for number in range(12):
            spool.writer.response(1, number, b"%02d" % number * 500)
        spool.tell()
        got = _one_by_one(spool.reader.frames(1))
        assert [frame.at_ns for frame in got] == [0]
        (held,) = U64.unpack_from(spool.memory, HELD_AT)
        assert held == 1, "block 0"
        assert spool.spill() > 1
        for number in range(12, 24):  # takes every block that is free
            spool.writer.response(1, number, b"%02d" % number * 500)
        got += spool.read()
        got += spool.read()
        assert [frame.at_ns for frame in got] == list(range(24))
        assert all(frame.data == b"%02d" % frame.at_ns * 500 for frame in got)

    _in_loop(work)


def test_without_room_anywhere_a_connection_is_lost_until_its_next_request_and_that_is_said(spool: Spool) -> None:
    def work() -> None:
        writer = spool.writer
        writer.request(1, 0, b"head")
        for number in range(60):
            writer.response(1, number, b"x" * 1000)
        kinds = [frame.kind for frame in spool.read()]
        assert kinds[0] is Kind.REQUEST
        assert 20 < len(kinds) < 40
        writer.response(1, 0, b"goes nowhere")
        writer.request(2, 0, b"another connection")
        writer.request(1, 0, b"next")
        writer.response(1, 0, b"fine")
        assert [(frame.kind, frame.connection) for frame in spool.read()] == [
            (Kind.REQUEST, 2),
            (Kind.LOST, 1),
            (Kind.REQUEST, 1),
            (Kind.RESPONSE, 1),
        ]

    _in_loop(work)


def test_streams_wait_for_a_disk_that_takes_blocks_and_for_nothing_else(spool: Spool) -> None:
    def work() -> None:
        for number in range(28):
            spool.writer.response(1, number, b"x" * 1000)
        assert not spool.writer.congested, "no thread takes anything to disk"
        spool.overflow._thread = threading.current_thread()
        assert spool.writer.congested
        spool.overflow.failure = "no space left on device"
        assert not spool.writer.congested
        spool.overflow.failure = ""
        assert spool.spill() > 1
        assert not spool.writer.congested
        spool.overflow._thread = None

    _in_loop(work)


def test_a_full_disk_is_asked_again(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    spool.overflow.on_failure = said.append

    def work() -> None:
        for number in range(20):
            spool.writer.response(1, number, b"x" * 1000)
        with monkeypatch.context() as full:
            full.setattr("streamlab.storage.overflow._RESERVE", 2**62)
            full.setattr("os.statvfs", lambda _: os.statvfs_result((4096, 4096, 2**40, 1, 1, 1, 1, 1, 0, 255)))
            assert not spool.overflow._spill()
            assert not spool.overflow._spill()
        assert said == ["no space left on device"]
        assert spool.overflow._spill()
        assert spool.overflow.failure == ""
        assert [frame.at_ns for frame in spool.read()] == list(range(20))

    _in_loop(work)


def test_a_spool_file_that_somebody_deletes_is_made_anew_and_what_is_missing_is_said(spool: Spool) -> None:
    def work() -> None:
        for number in range(20):
            spool.writer.response(1, number, b"x" * 1000)
        spool.spill(2)
        spool.on_disk[0].unlink()
        spool.spill(2)
        assert len(spool.on_disk) == 1
        got = [frame.at_ns for frame in spool.read()]
        assert got == []
        assert spool.reader.damaged
        spool.reader.damaged = False
        spool.read()
        assert spool.reader.damaged
        spool.reader.damaged = False
        assert [frame.at_ns for frame in spool.read()] == list(range(6, 20))

    _in_loop(work)


def test_the_thread_takes_the_oldest_blocks_and_stops(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    del spool.overflow.wake  # the real one

    def work() -> None:
        for number in range(2000):
            while spool.writer.congested:
                threading.Event().wait(0.001)
            spool.writer.response(1, number, b"%04d" % number * 200)
        spool.overflow.stop()
        got = [frame.at_ns for frame in spool.read()]
        assert got == list(range(2000))

    _in_loop(work)
    os.close(spool.reading)
    os.close(spool.writing)


def test_what_was_not_told_is_found_when_the_relay_is_gone(spool: Spool) -> None:
    async def main() -> None:
        spool.writer.response(7, 1, b"told to nobody")

    asyncio.run(main())
    os.close(spool.writing)
    spool.reader.wait(1)
    assert spool.reader.relay_gone
    assert [frame.data for frame in _one_by_one(spool.reader.frames(10**9))] == [b"told to nobody"]
    assert spool.reader.empty
    spool.writing = os.dup(spool.reading)


def test_another_reader_goes_on_where_one_died(spool: Spool) -> None:
    def work() -> None:
        for number in range(20):
            spool.writer.response(1, number, b"x" * 1000)
        spool.tell()
        frames = _one_by_one(spool.reader.frames(5000))
        recorded = spool.reader.position
        spool.reader.release(recorded)
        spool.reader.frames(5000)  # taken, and not recorded
        spool.spill()
        spool.writer.connect(os.dup(spool.writing))
        another = SpoolReader(spool.memory, _SMALL, spool.reading, spool.files)
        another.go_to(recorded)
        spool.writer.tell()
        another.wait(1)
        frames += _one_by_one(another.frames(10**9))
        assert [frame.at_ns for frame in frames] == list(range(20))

    _in_loop(work)


def test_the_rest_is_kept_for_the_next_start(spool: Spool) -> None:
    def work() -> None:
        for number in range(10):
            spool.writer.response(1, number, b"x" * 1000)
        spool.spill(1)
        spool.tell()
        spool.reader.frames(10**9)
        kept = spool.reader.keep_rest({}, spool.database.parent)
        assert kept == spool.reader.position
        (spilled,) = U64.unpack_from(spool.memory, SPILLED_AT)
        blocks = [spool.files.read(number) for number in range(5)]
        assert [block and len(block.data) for block in blocks] == [4096, 4096, 4096, kept - 3 * 4096, None]
        assert spilled == 4096

    _in_loop(work)


def test_a_block_that_was_not_written_whole_is_none(spool: Spool) -> None:
    def work() -> None:
        for number in range(10):
            spool.writer.response(1, number, b"x" * 1000)
        spool.spill(2)

    _in_loop(work)
    (path,) = spool.on_disk
    whole = path.read_bytes()
    assert spool.files.read(1) is not None
    for damaged in (whole[:-1], whole[:-2000] + b"y" + whole[-1999:], whole[: -spool.files.stride] + b"\0" * 9000):
        path.write_bytes(damaged)
        assert spool.files.read(0) is not None
        assert spool.files.read(1) is None


def test_a_writer_that_is_gone_is_noticed(spool: Spool) -> None:
    told: list[int] = []
    spool.writer.on_broken = lambda: told.append(1)

    async def main() -> None:
        os.close(spool.reading)
        spool.writer.response(1, 1, b"x")
        spool.writer.poke()

    asyncio.run(main())
    assert told == [1]
    spool.reading = os.dup(spool.writing)


def test_blocks_that_wait_to_be_masked_are_on_disk_for_nobody_else(tmp_path: Path) -> None:
    spool = Spool(tmp_path, cipher=BlockCipher())
    said = b"my key is sk-proj-q7AbCdEfGhIjKlMnOpQrStUvWxYz0123456789 and "

    def work() -> None:
        for number in range(40):
            spool.writer.response(1, number, said * 8)
        assert spool.spill() > 2
        raw = b"".join(one.read_bytes() for one in spool.on_disk)
        assert len(raw) > 10_000
        assert b"my key" not in raw
        assert b"q7Ab" not in raw
        assert [one.data for one in spool.read()] == [said * 8] * 40
        assert spool.files.read(0) is None, "nothing waits any more"

    _in_loop(work)
    other = SpoolFiles(spool.database, _RUN, spool.layout, BlockCipher())
    block = bytes(range(256)) * 16
    spool.files.write(7, memoryview(block), {"encrypted": True})
    read, strange = spool.files.read(7), other.read(7)
    assert read is not None
    assert read.data == block
    assert strange is not None
    assert strange.data != block
    assert spool.reader.keep_rest({"encrypted": True}, tmp_path) is None
    os.close(spool.reading)
    os.close(spool.writing)


def test_what_clients_say_is_on_disk_for_the_next_start_and_nobody_else(tmp_path: Path) -> None:
    """Nor is what lay in memory before, behind the last frame of a block."""
    cipher = request_cipher(_RUN)
    spool = Spool(tmp_path, cipher=cipher)
    said, answered = b'{"api_key":"hunter2hunter2"}' * 7, b"data: an answer\n\n" * 9

    def work() -> None:
        for number in range(120):
            spool.writer.request_body(1, number, said + b"%d" % number)
            spool.writer.response(1, number, answered[number:])
            if number % 30 == 29:
                assert spool.spill() > 0
                raw = b"".join(one.read_bytes() for one in spool.on_disk)
                assert b"hunter2" not in raw
                assert answered[60:] in raw
        about = about_run(spool.layout, None, requests=cipher.mark)
        assert spool.reader.keep_rest(about, tmp_path)
        assert b"hunter2" not in b"".join(one.read_bytes() for one in spool.on_disk)

    _in_loop(work)
    expected = [one for number in range(120) for one in (said + b"%d" % number, answered[number:])]
    assert _said_on_disk(spool, reading_cipher(_RUN, cipher.mark)) == expected
    strange = reading_cipher(_RUN, RequestCipher(b"another key".ljust(32)).mark)
    assert isinstance(strange, NoRequests)
    left = _said_on_disk(spool, strange)
    assert left[1::2] == expected[1::2]
    assert left[::2] == [b"x" * len(one) for one in expected[::2]]
    assert reading_cipher(_RUN, None) is None, "nothing is covered"
    os.close(spool.reading)
    os.close(spool.writing)


@pytest.mark.parametrize("make", [BlockCipher, lambda: RequestCipher(b"a key".ljust(32))])
def test_the_same_block_is_never_covered_the_same_way(
    tmp_path: Path, make: Callable[[], BlockCipher | RequestCipher]
) -> None:
    """Not by the same key, for the same number, in another run or once more: else two of them tell what both say."""
    cipher, head = make(), FRAME.pack(Kind.REQUEST_BODY, 1, 1, 4096 - FRAME.size)
    block = head + bytes(4096 - FRAME.size)
    seen = []
    for run in (_RUN, "0123abcd"):
        files = SpoolFiles(tmp_path / "capture.db", run, _SMALL, cipher)
        for _ in range(2):
            files.write(3, memoryview(block), {})
            files.unlock()
            raw = files.path(0).read_bytes()
            covered = raw[4096 + 3 * files.stride :][-4096 + FRAME.size :]
            seen += [covered[at : at + 16] for at in range(0, len(covered), 16)]
            read = files.read(3)
            assert read is not None
            assert read.data == block
        files.close()
    assert len(set(seen)) == len(seen)


def _said_on_disk(spool: Spool, cipher: RequestCipher | NoRequests | None) -> list[bytes]:
    files = SpoolFiles(spool.database, _RUN, spool.layout, cipher)
    gathered = Gathering()
    for first in files.first_blocks():
        for number in range(first, first + spool.layout.file_blocks):
            block = files.read(number)
            if block is not None:
                gathered.add(block.data, 0, len(block.data))
    files.close()
    found = _one_by_one(gathered)
    kinds = {kind: [one.data for one in found if one.kind is kind] for kind in (Kind.REQUEST_BODY, Kind.RESPONSE)}
    return [one for pair in zip(*kinds.values(), strict=True) for one in pair]
