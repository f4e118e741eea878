"""Delta debugging: what is left still shows it, and nothing of it can be spared."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.playback.shrinking import ExchangeShrinker, Shrinker, ddmin
from tests import streams


@given(st.lists(st.integers(0, 30), max_size=60), st.sets(st.integers(0, 30), max_size=4))
def test_exactly_what_is_needed_is_left(items: list[int], needed: set[int]) -> None:
    items = [*items, *needed]
    left = ddmin(items, lambda part: needed <= set(part))
    assert sorted(left) == sorted(needed)


@given(st.lists(st.integers(), max_size=40, unique=True), st.integers(1, 5))
def test_nothing_of_what_is_left_can_be_spared_and_the_order_stays(items: list[int], count: int) -> None:
    count = min(count, len(items))

    def holds(part: list[int]) -> bool:
        return sum(one % 2 for one in part) >= min(count, sum(one % 2 for one in items))

    left = ddmin(items, holds)
    assert holds(left)
    assert left == [one for one in items if one in left]
    assert not any(holds(left[:at] + left[at + 1 :]) for at in range(len(left)))


def test_what_needs_nothing_shrinks_to_nothing() -> None:
    assert ddmin([1, 2, 3], lambda _: True) == []


def test_a_culprit_among_many_is_found_with_few_questions() -> None:
    shrinker = Shrinker(range(5000), lambda part: 3210 in part)
    assert shrinker.run() == [3210]
    assert shrinker.asked < 60


def test_what_was_reached_is_kept_when_the_predicate_raises() -> None:
    asked = 0

    def holds(part: list[int]) -> bool:
        nonlocal asked
        asked += 1
        if asked > 5:
            raise KeyboardInterrupt
        return 7 in part

    shrinker = Shrinker(range(100), holds)
    with pytest.raises(KeyboardInterrupt):
        shrinker.run()
    assert 7 in shrinker.best
    assert len(shrinker.best) < 100


# -- exchanges -------------------------------------------------------------------------------------------------------


def shows(rule: str):
    return lambda exchange: rule in {finding.rule for finding in analyze(exchange).findings}


def test_a_stream_shrinks_to_the_event_and_the_member_that_matter() -> None:
    payloads = streams.chat_text(*"abcdefgh")
    payloads[4]["choices"][0]["delta"]["content"] = 5
    exchange = streams.exchange(streams.sse(payloads), http_chunks=None)
    smallest = ExchangeShrinker(exchange, lambda one: b'"content":5' in one.body).run()
    assert smallest.body == b'"content":5'
    (segment,) = smallest.segments
    assert segment.offset_us == exchange.segments[4].offset_us


def test_members_go_before_bytes() -> None:
    exchange = streams.exchange(streams.sse(streams.chat_text("x"), done=False))
    levels: list[str] = []
    ExchangeShrinker(exchange, shows("done-missing"), lambda what, _: levels.append(what)).run()
    assert [what for at, what in enumerate(levels) if what not in levels[:at]] == ["events", "members", "bytes"]


@pytest.mark.parametrize("items", [[[1, 2, 3], [4]], {"a": {"b": [1, {"c": 2}]}, "d": 3}])
def test_items_of_lists_keep_their_places_while_others_go(items: object) -> None:
    exchange = streams.exchange(streams.frame({"keep": "this", "items": items}))
    smallest = ExchangeShrinker(exchange, lambda one: b'"keep":"this"' in one.body and b"data: {" in one.body).run()
    assert smallest.body in (b'data: {"keep":"this"}\n\n', b'data: {"keep":"this"')


def test_the_rule_still_speaks_and_times_stay_in_order() -> None:
    payloads = streams.chat_tool()
    payloads[3]["choices"][0]["delta"]["tool_calls"][0]["id"] = "call_other"
    exchange = streams.exchange(streams.sse(payloads), http_chunks=(len(streams.sse(payloads)),))
    smallest = ExchangeShrinker(exchange, shows("tool-call-id-unstable")).run()
    assert shows("tool-call-id-unstable")(smallest)
    assert len(smallest.body) < 200
    offsets = [segment.offset_us or 0 for segment in smallest.segments]
    assert offsets == sorted(offsets)
    assert set(offsets) <= {segment.offset_us for segment in exchange.segments}
    assert smallest.http_chunks is None


def test_a_content_length_goes_along() -> None:
    body = streams.sse(streams.chat_text())
    head = (("content-type", "text/event-stream"), ("content-length", str(len(body))))
    smallest = ExchangeShrinker(streams.exchange(body, headers=head), lambda one: b"here" in one.body).run()
    assert smallest.body == b"here"
    assert smallest.head is not None
    assert smallest.head.header("content-length") == "4"


def test_a_compressed_body_is_shrunk_as_text() -> None:
    body = streams.sse(streams.chat_text())
    head = (*streams.HEADERS, ("content-encoding", "gzip"))

    def holds(one: Exchange) -> bool:
        return "here" in str(analyze(one).completion)

    smallest = ExchangeShrinker(streams.exchange([gzip.compress(body)], headers=head), holds).run()
    assert smallest.head is not None
    assert smallest.head.header("content-encoding") is None
    assert b"here" in smallest.body
    assert len(smallest.body) < 80
