"""The shared memory between relay and writer: order, wrap-around, loss, and what kill -9 leaves."""

from __future__ import annotations

import asyncio
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.storage.spool import BLOCK_SIZE, BLOCKS, Frame, Kind, SpoolReader, SpoolWriter, create_memory


class Spool:
    """Both ends in one process."""

    def __init__(self) -> None:
        self.memory = create_memory()
        reading, self.writing = os.pipe()
        os.set_blocking(self.writing, False)
        self.writer = SpoolWriter(self.memory, self.writing)
        self.reader = SpoolReader(self.memory, reading)
        self._reading = reading

    def read(self) -> list[Frame]:
        self.writer.poke()
        self.reader.wait(1)
        frames = list(self.reader.frames(10**9))
        self.reader.release()
        return frames

    def close(self) -> None:
        os.close(self._reading)
        self.memory.close()


def _in_loop(spool: Spool, work: object) -> None:
    async def main() -> None:
        work()  # type: ignore[operator]

    asyncio.run(main())
    os.close(spool.writing)
    spool.close()


@given(st.lists(st.lists(st.binary(max_size=300_000), max_size=4), max_size=12))
def test_frames_come_out_as_they_went_in(batches: list[list[bytes]]) -> None:
    spool = Spool()

    def work() -> None:
        for number, batch in enumerate(batches):
            for data in batch:
                spool.writer.response(number, number, memoryview(data))
            assert spool.read() == [Frame(Kind.RESPONSE, number, number, data) for data in batch]

    _in_loop(spool, work)


def test_a_recorder_that_keeps_up_uses_few_blocks() -> None:
    spool = Spool()
    read = b"x" * 200_000

    def work() -> None:
        for number in range(2000):  # six times around
            spool.writer.response(1, number, read)
            assert [frame.at_ns for frame in spool.read()] == [number]
        assert set(spool.memory[128 : 128 + BLOCKS]) <= {0, 1, 2}

    _in_loop(spool, work)


def test_a_full_spool_loses_a_connection_until_its_next_request_and_says_so() -> None:
    spool = Spool()
    block = b"x" * (BLOCK_SIZE // 4)

    def work() -> None:
        writer = spool.writer
        writer.request(1, 0, b"head")
        for number in range(BLOCKS * 4):
            writer.response(1, number, block)
        kinds = [frame.kind for frame in spool.read()]
        assert kinds[0] is Kind.REQUEST
        assert BLOCKS * 2 < len(kinds) < BLOCKS * 4
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

    _in_loop(spool, work)


def test_bulk_waits_for_a_recorder_that_works_and_not_for_one_that_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spool = Spool()
    monkeypatch.setattr("streamlab.storage.spool._STALLED_NS", 10**12)

    def work() -> None:
        for _ in range(BLOCKS):
            spool.writer.response(1, time.monotonic_ns(), b"x" * (BLOCK_SIZE // 2))
        assert spool.writer.congested
        monkeypatch.setattr("streamlab.storage.spool._STALLED_NS", 0)
        assert not spool.writer.congested
        monkeypatch.setattr("streamlab.storage.spool._STALLED_NS", 10**12)
        spool.read()
        assert not spool.writer.congested

    _in_loop(spool, work)


def test_what_was_not_told_is_found_when_the_relay_is_gone() -> None:
    spool = Spool()

    async def main() -> None:
        spool.writer.response(7, 1, b"told to nobody")

    asyncio.run(main())
    os.close(spool.writing)
    spool.reader.wait(1)
    assert spool.reader.relay_gone
    assert [frame.data for frame in spool.reader.frames(10**9)] == [b"told to nobody"]
    assert spool.reader.empty
    spool.close()


def test_a_writer_that_is_gone_is_noticed_once() -> None:
    spool = Spool()
    told: list[int] = []
    spool.writer.on_broken = lambda: told.append(1)

    async def main() -> None:
        os.close(spool._reading)
        for _ in range(3):
            spool.writer.response(1, 1, b"x")
            spool.writer.poke()

    asyncio.run(main())
    assert told == [1]
    os.close(spool.writing)
    spool.memory.close()
