"""Which call a fragment belongs to: linter, repair and fold agree on it, whatever the fragments look like."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from streamlab.apis.registry import all_rules, family_of
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import Normalizer
from streamlab.rules.finding import Severity
from streamlab.wire.accumulate import Accumulator
from streamlab.wire.arguments import ArgumentsFault, fault_of, read_arguments
from streamlab.wire.call_reader import CallReader
from streamlab.wire.events import Chunk
from streamlab.wire.stream import StreamDecoder
from tests import streams
from tests.examples import RANDOM
from tests.odd_calls import odd_stream

#: `make fuzz` goes on where `make test` stops.
LISTS = 9000 if RANDOM else 600
_A_RUN = 60
_ABOUT_CALLS = [rule for rule in all_rules() if family_of(rule) == "tool_call"]
#: What a repair takes out of arguments on purpose.
_CLEARED = (ArgumentsFault.DUPLICATED, ArgumentsFault.PREFIX)
_REQUEST = streams.request_for(tools=True)


class Held(NamedTuple):
    """Name and arguments of each call, as the linter reads them and as a client that goes by index holds them."""

    read: list[tuple[str, str]]
    by_index: list[tuple[str, str]]
    faults: set[ArgumentsFault | None]
    seen_through: bool  # an index that two calls share, or that counts fragments


def _held(body: bytes) -> Held:
    reader, fold, decoder = CallReader(), Accumulator(), StreamDecoder()
    seen_through = False
    for at, event in enumerate((*decoder.feed(body), *decoder.finish())):
        seen_through |= any(one.collides or one.counted for one in reader.read(at, event))
        if isinstance(event, Chunk):
            fold.feed(event.json)
    calls = [call for call in reader.calls if not call.ghost]
    held = [
        (call.name or "", str(call.arguments))
        for call in fold.choice().calls.values()
        if call.id or call.name or call.arguments
    ]
    return Held(
        [(call.name or "", str(call.arguments)) for call in calls],
        held,
        {fault_of(call) for call in calls},
        seen_through,
    )


def _is_split_call(read: list[tuple[str, str]]) -> bool:
    """Whether one of two calls has nothing but a name, and the other nothing but arguments that are whole."""
    halves = sorted(read)
    return len(halves) == 2 and halves[0][0] == "" != halves[1][0] and halves[1][1] == "" and _is_whole(halves[0][1])


def _is_whole(arguments: str) -> bool:
    return type(read_arguments(arguments).value) is dict


def _repaired(body: bytes) -> bytes:
    normalizer = Normalizer(_REQUEST)
    return normalizer.feed(body) + normalizer.finish()


def _errors(body: bytes) -> set[str]:
    exchange = streams.exchange([body], request=_REQUEST)
    return {one.rule for one in analyze(exchange, rules=_ABOUT_CALLS).findings if one.severity is Severity.ERROR}


@pytest.mark.sweep
@pytest.mark.parametrize("first", range(0, LISTS, _A_RUN))
def test_odd_fragments(first: int) -> None:
    """As many calls after repair as before, with the same names and arguments; no new error; twice is once."""
    for number in range(first, first + _A_RUN):
        body = streams.sse(odd_stream(number))
        out = _repaired(body)
        before, after = _held(body), _held(out)
        if _is_split_call(before.read) and len(after.read) == 1:
            (_, text), (name, _) = sorted(before.read)
            assert after.read == [(name, text)], number
            assert _errors(out) <= _errors(body), number
            assert _repaired(out) == out, number
            continue
        # A call that had to wait for its name goes out when it is known, so the order may be another.
        assert sorted(name for name, _ in after.read) == sorted(name for name, _ in before.read), number
        if not before.faults & {*_CLEARED, ArgumentsFault.NOT_JSON}:
            assert sorted(after.read) == sorted(before.read), number
        if not before.seen_through:
            assert before.by_index == before.read, number
        assert after.by_index == after.read, number
        assert _errors(out) <= _errors(body), number
        assert _repaired(out) == out, number


def _side_by_side(*fragments: dict) -> bytes:
    opened = streams.chunk({"role": "assistant", "content": None})
    rest = [streams.chunk({"tool_calls": [one]}) for one in fragments]
    return streams.sse([opened, *rest, streams.chunk({}, "tool_calls")])


_FIRST = streams.call(0, "call_a", "get_weather")
_SECOND = streams.call(1, "call_b", "get_weather", '{"city":')
_MORE = streams.call(1, arguments='"Oslo"}')


@pytest.mark.parametrize("arguments", ["", "null", "[", '{"city":'])
def test_a_call_that_waited_for_nothing_is_not_said_to_have_moved(arguments: str) -> None:
    """It waits for the end of one that never ends, and goes out in its place: its bytes are those that came."""
    first = streams.call(0, "call_a", "get_weather", arguments)
    body = _side_by_side(first, _SECOND, _MORE).replace(b'"id": "call_b"', b'"id":"call_b"')
    normalizer = Normalizer(_REQUEST)
    assert normalizer.feed(body) + normalizer.finish() == body
    assert normalizer.changes == {}


@pytest.mark.parametrize(
    ("fragments", "moved"),
    [
        ((_FIRST, _SECOND, streams.call(0, arguments="{}"), _MORE), 1),
        ((_FIRST, _SECOND, _MORE, streams.call(0, arguments="{}")), 2),
        ((_FIRST, _SECOND, streams.call(2, "call_c", "get_weather", "{}"), _MORE), 1),
    ],
    ids=["before what it says", "before all of it", "before one that began after it"],
)
def test_what_something_else_goes_before_has_moved(fragments: tuple[dict, ...], moved: int) -> None:
    normalizer = Normalizer(_REQUEST)
    normalizer.feed(_side_by_side(*fragments)) + normalizer.finish()
    assert normalizer.changes == {"tool-call-parallel-lost": moved}
