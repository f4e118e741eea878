"""The index of a long stream: every event can be found again, whatever the stream and however it was cut."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from streamlab.judging.event_index import LONG_US, SLOTS, STEP, EventIndex, Sketch
from streamlab.wire.sse import SSEDecoder

pieces = st.lists(
    st.tuples(
        st.sampled_from(
            [
                b"data: a\n\n",
                b"data: b\r\n\r\n",
                b"\xef\xbb\xbf",
                b"\n",
                b"\r",
                b": c\n",
                b"data: d\n",
                b"\n\n",
                b"x" * 40,
            ]
        ),
        st.integers(0, 2_000_000),
    ),
    max_size=300,
)


def _indexed(segments):
    index, at = EventIndex(), 0
    for data, gap in segments:
        at += gap
        index.feed(at, data)
    index.finish(at)
    return index


def _events(data, start=0):
    decoder = SSEDecoder(start)
    return [*decoder.feed(data), *decoder.finish()]


@given(pieces)
def test_reading_on_from_a_checkpoint_gives_the_same_events(segments):
    index = _indexed(segments)
    body = b"".join(data for data, _ in segments)
    whole = _events(body)
    assert index.events == len(whole)
    bases, at = [], 0
    for data, _ in segments:
        bases.append(at)
        at += len(data)
    for number in range(0, len(whole), STEP):
        found = index.checkpoint(number)
        assert found.event == number
        assert found.start == whole[number].start
        assert bases[found.seq] == found.base <= found.start
        assert found.start < found.base + len(segments[found.seq][0]) or not segments[found.seq][0]
        assert _events(body[found.start :], found.start) == whole[number:]
    assert index.checkpoint(len(whole)) is None


@given(pieces, st.integers(1, 50), st.integers(0, 40))
def test_segments_that_are_fed_together_are_indexed_like_segments_one_by_one(segments, every, unknown):
    one_by_one, together, at = EventIndex(), EventIndex(), 0
    offsets = []
    for number, (_, gap) in enumerate(segments):
        at += gap
        offsets.append(None if number == unknown else at)
    data = [one for one, _ in segments]
    for start in range(0, len(segments), every):
        together.feed_reads(offsets[start : start + every], data[start : start + every])
        for offset, one in zip(offsets[start : start + every], data[start : start + every], strict=True):
            one_by_one.feed(offset, one)
        assert repr(together.part()) == repr(one_by_one.part())
    together.finish(at)
    one_by_one.finish(at)
    assert repr(together.part()) == repr(one_by_one.part())


def test_a_sketch_of_many_events_is_that_of_one_after_the_other():
    one_by_one, together = Sketch(), Sketch()
    events = [(1000 * at, at * 7919 % 1013, 1 + at % 7) for at in range(3 * SLOTS + 5)]
    for event in events:
        one_by_one.add(*event)
    sizes = (1, 2, 3, 64, 500, 3 * SLOTS)
    at = 0
    while at < len(events):
        size = sizes[at % len(sizes)]
        together.add_all(*zip(*events[at : at + size], strict=True))
        at += size
    assert [vars(together)] == [vars(one_by_one)]


@given(pieces, st.integers(1, 50))
def test_parts_put_together_are_the_index(segments, every):
    index, copy, at = EventIndex(), EventIndex(), 0
    for number, (data, gap) in enumerate(segments):
        at += gap
        index.feed(at, data)
        if number % every == 0:
            copy.extend(index.part())
    index.finish(at)
    copy.extend(index.part())
    assert copy.events == index.events
    assert [copy.checkpoint(one) for one in range(copy.events)] == [
        index.checkpoint(one) for one in range(index.events)
    ]
    assert copy.long_events == index.long_events
    assert copy.longest == index.longest
    assert copy.sketch.gaps == index.sketch.gaps


def test_a_long_stream_takes_little_memory():
    index, event = EventIndex(), b"data: {}\n\n"
    for number in range(100_000):
        index.feed(number * 10, event)
    part = index.part()
    size = sum(one.itemsize * len(one) for one in part if isinstance(one, array))
    size += sum(one.itemsize * len(one) for one in part.sketch if isinstance(one, array))
    assert index.events == 100_000
    assert size < 200_000


def test_long_waits_are_remembered_with_their_events():
    index = EventIndex()
    for number, offset in enumerate((0, 10, 20 + LONG_US, 30 + LONG_US, 40 + 3 * LONG_US)):
        index.feed(offset, b"data: %d\n\n" % number)
    assert list(index.long_events) == [2, 4]
    assert index.longest == (10 + 2 * LONG_US, 4)


def test_unknown_times_are_no_gaps():
    index = EventIndex()
    for _ in range(3):
        index.feed(None, b"data: x\n\n")
    index.finish(None)
    assert index.longest == (0, 0)
    assert index.checkpoint(0).before_us is None


@given(st.lists(st.integers(0, 1000), max_size=3 * 64))
def test_the_event_of_a_byte_is_the_last_checkpoint_before_it(sizes):
    index = EventIndex()
    for size in sizes:
        index.feed(0, b"data: " + b"x" * size + b"\n\n")
    total = sum(size + 8 for size in sizes)
    for offset in range(0, total, 997):
        found = index.event_at(offset)
        assert found % STEP == 0
        assert index.checkpoint(found).start <= offset


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=50), st.integers(1, 400))
def test_a_sketch_keeps_the_longest_gap_and_all_bytes(gaps, times):
    sketch = Sketch()
    for _ in range(times):
        for gap in gaps:
            sketch.add(0, gap, 3)
    assert len(sketch.times) <= SLOTS
    assert max(sketch.gaps) == max(gaps)
    assert sum(sketch.sizes) == 3 * times * len(gaps)
    assert len(sketch.times) * sketch.stride >= times * len(gaps)
