"""Every undecodable event gets exactly one name, whatever stands in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.apis.registry import all_rules
from streamlab.judging.analyzer import analyze
from streamlab.rules.bad_payloads import MisfitRule
from streamlab.wire.bad_payloads import MAX_PIECES, Misfit, MisfitReader, misfit
from streamlab.wire.events import Comment, Undecodable
from streamlab.wire.stream import StreamDecoder
from tests.examples import examples
from tests.streams import chat_text, chunk, dump, exchange, frame

#: Two kinds are named by rules that judge events with JSON too.
NAMES = {rule.name for rule in all_rules() if issubclass(rule, MisfitRule)} | {
    "sse-ping-event-with-data",
    "sse-done-variant",
}
JSON = dump(chunk({"content": "Hello"}))
_PIECES = st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b":",
        b",",
        b"'",
        b"None",
        b"data:",
        b" ",
        b"\x00",
        b"\xff",
        b"1",
        b"x",
        b"NaN",
        JSON,
        JSON[:40],
    ]
)
payloads = st.lists(_PIECES, max_size=6).map(b"".join)


def test_every_kind_has_its_rule():
    kinds = [rule.kind for rule in all_rules() if issubclass(rule, MisfitRule)]
    assert sorted([*kinds, Misfit.PING, Misfit.DONE]) == sorted(Misfit)


@given(payloads, st.sampled_from([b"", b"event: ping\n", b"event: done\n", b"event: x\n"]))
@settings(max_examples=examples(500))
def test_one_name_each(payload, name):
    role, *rest = map(frame, chat_text())
    odd = name + b"data: " + payload.replace(b"\n", b" ") + b"\n\n"
    events = StreamDecoder().feed(odd)
    report = analyze(exchange([role, odd, *rest, b"data: [DONE]\n\n"]))
    named = [one.rule for one in report.findings if one.rule in NAMES and one.event == 1]
    if events and isinstance(events[0], Undecodable):
        assert len(named) == 1


@given(st.lists(st.tuples(payloads, st.booleans()), max_size=8))
def test_nothing_is_named_twice_or_forgotten(parts):
    body = b"".join((b"data: " if data else b"") + part.replace(b"\n", b" ") + b"\n\n" for part, data in parts)
    decoder, reader = StreamDecoder(), MisfitReader()
    events = decoder.feed(body) + decoder.finish()
    named, seen = [], 0
    for at, event in enumerate(events):
        named += reader.feed(at, seen, event)
        assert reader.feed(at, seen, event) == reader.feed(at, seen, event)
        seen += not isinstance(event, Comment)
    named += reader.finish()
    assert reader.finish() == reader.finish()
    places = [at for one in named for at in range(one.at, one.at + 1)]
    assert places == sorted(set(places))
    odd = sum(isinstance(event, Undecodable) for event in events)
    assert sum(one.pieces for one in named) == odd


@pytest.mark.parametrize("pieces", [2, 3, MAX_PIECES, MAX_PIECES + 1])
def test_pieces_are_joined_up_to_a_bound(pieces):
    step = len(JSON) // pieces
    parts = [JSON[at * step : (at + 1) * step if at < pieces - 1 else None] for at in range(pieces)]
    reader = MisfitReader()
    decoder = StreamDecoder()
    named = []
    for at, part in enumerate(parts):
        named += reader.feed(at, at, decoder.feed(b"data: " + part + b"\n\n")[0], at)
    named += reader.finish()
    if pieces <= MAX_PIECES:
        assert [(one.kind, one.at, one.offset_us, one.pieces) for one in named] == [(Misfit.SPLIT, 0, 0, pieces)]
    else:
        assert {one.kind for one in named} >= {Misfit.TRUNCATED}


def test_a_sound_event_between_the_halves_parts_them():
    (first,) = StreamDecoder().feed(b"data: " + JSON[:40] + b"\n\n")
    (second,) = StreamDecoder().feed(b"data: " + JSON[40:] + b"\n\n")
    reader = MisfitReader()
    assert isinstance(first, Undecodable)
    assert misfit(first) is Misfit.TRUNCATED
    assert reader.feed(0, 0, first) == ()
    assert reader.feed(2, 2, second)[0].kind is Misfit.TRUNCATED
