"""Courses of Messages streams: which are followed, and that none is where a repair would have had to look."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.exchange import Ending, ResponseHead
from streamlab.repairing import courses
from streamlab.repairing.courses import Courses
from streamlab.repairing.normalizer import Normalizer
from tests import messages
from tests.batches import batched
from tests.examples import examples
from tests.messages import Event, closed, delta, ended, opened, said, start, typed
from tests.mutations import mutated
from tests.one_place import changed_in_one_place, numbered
from tests.repairing.test_courses import _courses, _live, _reads, _sent, made, whatever
from tests.repairing.test_mutations import MUTATIONS

__all__ = ["made"]
_HEAD, _REQUEST = ResponseHead(200, messages.HEADERS), messages.request_for()


class One:
    """What one message says in other words than another: number ``at`` of them."""

    def __init__(self, at: int = 0) -> None:
        self.id = f"msg_0123456789abcdefghij{at:04}"
        self.words = [("Spring", " is", " here."), ("Line\none", '"two"', " \\ 世界"), ("x",)][at % 3]
        self.input = {"input_tokens": 21 + at, "cache_creation_input_tokens": at, "cache_read_input_tokens": 7 * at}
        self.calls = [f"toolu_a1B2c3D{at}{number}" for number in range(2)]
        self.pieces = [("", '{"path": ', '"/notes/to', 'day.md"}'), ("", '{"a":', '{"b":[1,2],"c":"}"}', "}")]
        self.signature = f"EqQB/CkYI+BxgC={at}"
        self.tokens = 3 * at

    def start(self) -> Event:
        return start(id=self.id, usage={**self.input, "output_tokens": 1, "service_tier": "standard"})

    def ended(self, reason: str) -> Event:
        return ended(reason, self.tokens, **self.input)

    def call(self, index: int, number: int) -> list[Event]:
        return [opened(index, "tool_use", id=self.calls[number]), *typed(index, *self.pieces[number]), closed(index)]

    def text(self, index: int) -> list[Event]:
        return [opened(index), *said(index, *self.words), closed(index)]

    def thought(self, index: int) -> list[Event]:
        thoughts = [delta(index, "thinking_delta", thinking=word) for word in self.words]
        signed = delta(index, "signature_delta", signature=self.signature)
        return [opened(index, "thinking"), *thoughts, signed, closed(index)]


KINDS: dict[str, Callable[[One], list[Event]]] = {
    "text": lambda one: [*one.text(0), one.ended("end_turn")],
    "text, cut": lambda one: [*one.text(0), one.ended("max_tokens")],
    "a call": lambda one: [*one.call(0, 0), one.ended("tool_use")],
    "text and calls": lambda one: [*one.text(0), *one.call(1, 0), *one.call(2, 1), one.ended("tool_use")],
    "thinking": lambda one: [*one.thought(0), *one.text(1), one.ended("end_turn")],
    "thinking and a call": lambda one: [*one.thought(0), *one.call(1, 0), one.ended("tool_use")],
    "a ping": lambda one: [opened(0), messages.PING, *one.text(0)[1:], one.ended("end_turn")],
}


def _events(name: str, one: One) -> list[Event]:
    return [one.start(), *KINDS[name](one), messages.STOP]


def _framed(events: list[Event]) -> list[bytes]:
    return [*map(messages.frame, events)]


def _all_kinds() -> Courses:
    """Courses of every kind, of which no more are learnt."""
    known = Courses()
    for name in KINDS:
        _sent(_live(known, _REQUEST, _HEAD), _framed(_events(name, One())))
    assert _courses(known) == len(KINDS)
    for one in known._known.values():
        one.count = courses._MOST_COURSES
    return known


_KNOWN = _all_kinds()


@pytest.mark.parametrize("at", range(1, 7))
def test_a_message_that_goes_as_one_of_its_kind_before_it_needs_no_repair(at, made):
    for name in KINDS:
        reads = _framed(_events(name, One(at)))
        out = _sent(_live(_KNOWN, _REQUEST, _HEAD), reads)
        assert made == []
        assert out == _sent(Normalizer(_REQUEST, _HEAD), reads)


def _goes_as_ever(reads: list[bytes], ending: Ending | None = Ending.COMPLETE) -> None:
    assert _sent(_live(_KNOWN, _REQUEST, _HEAD), reads, ending) == _sent(Normalizer(_REQUEST, _HEAD), reads, ending)


@pytest.mark.sweep
@batched("name, number", numbered(KINDS), parts=7)
def test_a_message_that_is_another_in_one_place_is_repaired_as_ever(name, number):
    _goes_as_ever(_framed(changed_in_one_place(_events(name, One(1)), number)))


_PIECES = (
    ("{}",),
    ("", "{}"),
    ("{", "}"),
    (" {}",),
    ('{"a":1}', '{"a":1}'),
    ('{"a":', '{"a":1}'),
    ('{"', '{"a":1}'),
    ('{"a":1}', " "),
    ('{"a":1}', "}"),
    ('{"a":1',),
    ("[1]",),
    ('"x"',),
    ("null",),
    ('{"a":"\\', '"}'),
    ('{"a":"\\', '"}"}'),
)


def _odd() -> Iterator[tuple[str, One]]:
    """What is wrong that no other byte tells than those which may be any."""
    for pieces in _PIECES:
        one = One(1)
        # The first is empty, as Anthropic's, or no course is followed.
        one.pieces = [("", *filter(None, pieces)), one.pieces[1]]
        yield f"pieces {pieces}", one
    for ids in (["toolu_same"] * 2, ["", "toolu_b"], ["toolu_a1B2c3D00", "toolu_a1B2c3D01"]):
        one = One(1)
        one.calls = ids
        yield f"ids {ids}", one
    for word in ("", "\u2028", "\x85", "\ud83d", "<think>", '{"a":1}'):
        one = One(1)
        one.words, one.signature = ("a", word, f"{word}b"), word
        yield f"word {word!r}", one
    for counts in ((0, 0, 0), (0, 5, 5), (5, 0, 0), (5, 7, 0)):
        one = One(1)
        one.input = dict(zip(messages.INPUT, counts, strict=True))
        yield f"input {counts}", one
    one = One(1)
    one.id = "msg_1"
    yield "a short id", one


@batched("name, one, kind", ((name, one, kind) for name, one in _odd() for kind in KINDS))
def test_a_message_with_values_that_repairs_look_at_is_repaired_as_ever(name, one, kind):
    _goes_as_ever(_framed(_events(kind, one)))
    _goes_as_ever(_framed(_events(kind, one)), Ending.UPSTREAM_CUT)


@batched(
    "begun, told", ((begun, told) for begun in ((0, 0, 0), (5, 0, 7), (5, 7, 0)) for told in ((0, 0, 0), (5, 0, 0)))
)
def test_input_that_the_end_wipes_out_is_given_back_as_ever(begun, told):
    one = One(1)
    one.input = dict(zip(messages.INPUT, begun, strict=True))
    events = _events("text", one)
    one.input = dict(zip(messages.INPUT, told, strict=True))
    _goes_as_ever(_framed([*events[:-2], one.ended("end_turn"), events[-1]]))


@pytest.mark.parametrize("ending", [Ending.UPSTREAM_CUT, Ending.TIMED_OUT, None])
def test_a_message_that_stops_in_any_place_is_repaired_as_ever(ending):
    for name in KINDS:
        reads = _framed(_events(name, One(1)))
        for count in range(len(reads)):
            _goes_as_ever(reads[:count], ending)
            _goes_as_ever([*reads[:count], reads[count][:-9]], ending)
        _goes_as_ever([*reads, reads[1]], ending)


@settings(max_examples=examples(400))
@given(whatever(KINDS, lambda name, at: _framed(_events(name, One(at)))))
def test_whatever_comes_goes_out_as_if_there_were_no_courses(came):
    _goes_as_ever(*came)


@settings(max_examples=examples(150))
@given(st.lists(st.tuples(st.sampled_from([*KINDS]), st.integers(0, 6), MUTATIONS | st.just([])), max_size=6))
def test_whatever_was_learnt_goes_out_as_if_it_had_not_been(went):
    known = Courses()
    for name, at, mutations in went:
        reads = _reads(mutated(b"".join(_framed(_events(name, One(at)))), mutations), [])
        assert _sent(_live(known, _REQUEST, _HEAD), reads) == _sent(Normalizer(_REQUEST, _HEAD), reads)
