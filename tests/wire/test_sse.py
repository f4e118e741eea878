"""The event stream: no byte is lost, cuts change nothing, and what the standard says is an event is one."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.wire import sse as module
from streamlab.wire.sse import BOM, ServerSentEvent, SSEDecoder, parse_event
from tests.examples import examples

#: Pieces that make line ends, marks and fields meet in every way.
_PIECES = st.sampled_from(
    [
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        BOM,
        BOM[:1],
        BOM[1:],
        b"data: x",
        b"data:",
        b"data",
        b": c",
        b"id: 1",
        b"a",
        b"\x00",
    ]
)
bodies = st.lists(_PIECES | st.binary(max_size=4), max_size=16).map(b"".join)
cuts = st.lists(st.integers(0, 5), max_size=60)


def decode(body: bytes, lengths: list[int] | None = None) -> list[ServerSentEvent]:
    decoder, events, at = SSEDecoder(), [], 0
    for length in lengths or []:
        events += decoder.feed(body[at : at + length])
        at += length
    return events + decoder.feed(body[at:]) + decoder.finish()


def spans(body: bytes, lengths: list[int]) -> list[tuple[int, int]]:
    decoder, found, at = SSEDecoder(), [], 0
    for length in lengths:
        found += decoder.feed_spans(body[at : at + length])
        at += length
    found += decoder.feed_spans(body[at:])
    return found + [(event.start, len(event.raw)) for event in decoder.finish()]


def by_lines(body: bytes) -> list[bytes]:
    """The same in the plainest way: an event ends at the first blank line behind a line that is not blank."""
    events, start, content = [], 0, False
    at = len(BOM) if body.startswith(BOM) else 0
    while (match := re.compile(rb"\r\n|\n|\r").search(body, at)) is not None:
        blank, at = match.start() == at, match.end()
        if not blank:
            content = True
        elif content:
            events.append(body[start:at])
            start, content = at, False
    return events + ([body[start:]] if start < len(body) else [])


@given(bodies)
@settings(max_examples=examples(500))
def test_events_are_what_lines_say(body):
    assert [event.raw for event in decode(body)] == by_lines(body)


@given(bodies, cuts)
@settings(max_examples=examples(500))
def test_cuts_change_nothing_and_no_byte_is_lost(body, lengths):
    events = decode(body)
    assert b"".join(event.raw for event in events) == body
    assert [event.start for event in events] == [sum(len(one.raw) for one in events[:at]) for at in range(len(events))]
    assert decode(body, lengths) == events
    assert decode(body, [1] * len(body)) == events
    assert spans(body, lengths) == [(event.start, len(event.raw)) for event in events]


_EVENTS = st.sampled_from([b"data: x\n\n", b"data: yy\n\n", b": c\n\n", b"\n", b"data: z\n", b"\r\n", b"data: ", BOM])


def from_the_middle(body: bytes, lengths: list[int]) -> list[list[bytes]]:
    """What each read of a body completes that goes on behind other events."""
    decoder, found, at = SSEDecoder(100), [], 0
    for length in (*lengths, len(body)):
        found.append([event.raw for event in decoder.feed(body[at : at + length])])
        at += length
    return [*found, [event.raw for event in decoder.finish()]]


@given(st.lists(_EVENTS, max_size=12).map(b"".join), st.lists(st.integers(0, 30), max_size=8))
@settings(max_examples=examples(500))
def test_events_of_one_line_are_found_together_where_each_is_found_alone(body, lengths):
    alone = from_the_middle(body, lengths)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MANY", 1)
        assert from_the_middle(body, lengths) == alone


@given(st.binary(max_size=200))
def test_any_bytes_go_through(body):
    events = decode(body, [1] * len(body))
    assert b"".join(event.raw for event in events) == body
    for event in events:
        assert b"".join(line.content + line.end for line in event.lines()) == event.raw[3 if event.has_bom else 0 :]
        assert event.single_line == (len(list(event.fields())) == 1 and event.raw.startswith(b"data:"))


@pytest.mark.parametrize(
    ("raw", "data", "plain"),
    [
        (b"data: a\n\n", b"a", True),
        (b"data: \n\n", b"", True),
        (b"data:a\n\n", b"a", False),
        (b"data:\n\n", b"", False),
        (b"data\n\n", b"", False),
        (b"data:  a\n\n", b" a", False),
        (b"data: a\r\n\r\n", b"a", False),
        (b"data: a\r\r", b"a", False),
        (b"data: a\n\r\n", b"a", False),
        (b"data: a\r\n\n", b"a", False),
        (b"data: a\rb\n\n", b"a", False),
        (b"data: a\ndata: b\n\n", b"a\nb", False),
        (b"data\ndata\n\n", b"\n", False),
        (b"\n\ndata: a\n\n", b"a", False),
        (b"Data: a\n\n", None, False),
        (b" data: a\n\n", None, False),
        (b"data : a\n\n", None, False),
        (b": comment\n\n", None, False),
        (BOM + b"data: a\n\n", b"a", False),
    ],
)
def test_the_standard_and_openai_s_framing(raw, data, plain):
    (event,) = decode(raw)
    assert (event.data, event.plain, event.terminated) == (data, plain, True)
    assert parse_event(raw, 0) == event


def test_fields_and_comments():
    (event,) = decode(b"event: a\nevent: b\nid:  7\nretry: 3000\n: one\n:two\nx: y\ndata: {}\n\n")
    assert (event.event, event.id, event.retry, event.data) == (b"b", b" 7", b"3000", b"{}")
    assert event.comments == (b"one", b"two")
    names = [(field.name, field.colon, field.space) for field in event.fields()]
    assert names[2] == (b"id", True, True)
    assert event.span == (0, len(event.raw))


def test_a_mark_counts_only_at_the_very_start():
    first, second = decode(BOM + b"data: a\n\n" + BOM + b"data: b\n\n")
    assert (first.data, first.has_bom) == (b"a", True)
    assert (second.data, second.has_bom) == (None, False)


def test_blank_lines_belong_to_the_event_that_follows():
    body = b"data: a\n\n\n\ndata: b\n\n\n"
    assert [event.raw for event in decode(body)] == [b"data: a\n\n", b"\n\ndata: b\n\n", b"\n"]
    assert decode(body)[2].terminated


def test_an_event_is_handed_out_at_its_blank_line():
    decoder = SSEDecoder()
    assert len(decoder.feed(b"data: a\n\n")) == 1
    assert len(decoder.feed(b"data: b\r\n\r\n")) == 1
    assert decoder.feed(b"data: c\r\r") == []  # may be the first half of CRLF
    assert decoder.pending == 9
    assert [event.raw for event in decoder.feed(b"d")] == [b"data: c\r\r"]


@pytest.mark.parametrize("rest", [b"data: a", b"data: a\n", b"data: a\r\n", b"data: a\r"])
def test_what_no_blank_line_ended_is_unterminated(rest):
    (event,) = decode(rest)
    assert (event.data, event.terminated) == (b"a", False)


class _Counting:
    """A compiled pattern that counts how many bytes it has looked at."""

    def __init__(self, pattern: re.Pattern[bytes], counts: list[int]) -> None:
        self._pattern, self._counts = pattern, counts

    def search(self, buffer, at=0):
        found = self._pattern.search(buffer, at)
        self._counts[0] += (found.end() if found else len(buffer)) - at
        return found


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"data: " + b"x" * 100_000 + b"\r\n\r\n", id="one huge event"),
        pytest.param(b"\r\n" * 50_000 + b"data: x\r\n\r\n", id="blank lines in front"),
        pytest.param(b"\r" * 50_000 + b"data: " + b"x" * 50_000 + b"\n\n", id="blank lines, then a huge event"),
        pytest.param(b"data: x\r" * 12_000 + b"\n\n", id="many lines"),
        pytest.param(BOM + b"\n" * 100_000, id="a mark and blank lines only"),
    ],
)
def test_a_huge_event_fed_byte_by_byte_stays_linear(monkeypatch, body):
    counts = [0]
    for name in ("_BLANK_LINE", "_NOT_LINE_END"):
        monkeypatch.setattr(module, name, _Counting(getattr(module, name), counts))
    decoder = SSEDecoder()
    decoder._cr_seen = True  # the way that searches with patterns, which can be counted
    events = [event for at in range(len(body)) for event in decoder.feed(body[at : at + 1])] + decoder.finish()
    assert b"".join(event.raw for event in events) == body
    assert counts[0] < 12 * len(body)


@given(
    st.lists(
        st.sampled_from([b"event: ", b"data: ", b"data:", b"\n", b"\r", b"x", b" ", b":", b"id: 1"]), max_size=8
    ).map(b"".join)
)
def test_the_short_way_for_named_events_reads_as_the_long_one(middle):
    body = b"event: " + middle + b"\n\n"
    for event in SSEDecoder().feed(body):
        fields = [field for field in event.fields() if field.name or field.colon]
        data = [field.value for field in fields if field.name == b"data"]
        names = [field.value for field in fields if field.name == b"event"]
        assert event.data == (b"\n".join(data) if data else None)
        assert event.event == (names[-1] if names else None)
        plainly = bool(names and data) and event.raw == b"event: %b\ndata: %b\n\n" % (event.event, event.data)
        assert event.named_plainly == plainly


def test_what_ends_no_event_is_taken_without_a_look_and_changes_nothing():
    body = b"data: one\n\nid: 1\ndata: two\n\n: c\r\n\r\ndata: three\n\n"
    whole, parted, absorbed, found = SSEDecoder(), SSEDecoder(), 0, []
    for at in range(len(body)):
        piece = body[at : at + 1]
        if parted.absorbs(piece):
            absorbed += 1
        else:
            found += parted.feed(piece)
    assert [*found, *parted.finish()] == [*whole.feed(body), *whole.finish()]
    assert absorbed == len(b"ata: one\n" + b"id: 1\ndata: two\n" + b": c" + b"data: three")
    assert not SSEDecoder().absorbs(b"data")


_LINE = st.sampled_from([b"\n", b"\n\n", b"\r\n", b"\r", b"data: x", b"id: 1", b":", b"\xef\xbb\xbf", b" ", b"\n\n\n"])


@given(st.lists(_LINE, max_size=14).map(b"".join), st.lists(st.integers(0, 60), max_size=6), st.integers(1, 9))
def test_what_is_absorbed_in_pieces_or_as_bytes_gives_the_same_events(body, cuts, most):
    whole = SSEDecoder()
    expected = [*whole.feed(body), *whole.finish()]
    bounds = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    pieces, found = SSEDecoder(), []
    for start, stop in itertools.pairwise(bounds):
        if not pieces.absorbs(body[start:stop]):
            found += pieces.feed(body[start:stop])
    assert [*found, *pieces.finish()] == expected
    bytewise, single, at, ends = SSEDecoder(), SSEDecoder(), 0, []
    while at < len(body):
        made = bytewise.feed(body[at : at + 1])
        size = bytewise.absorbs_event(body, at + 1, most)
        ends += [(one, at + 1) for one in made]
        at += 1 + size
    assert [*(one for one, _ in ends), *bytewise.finish()] == expected
    assert ends == [(one, at + 1) for at in range(len(body)) for one in single.feed(body[at : at + 1])]
