"""Courses of streams with usage, paddings, calls and reasoning: which are followed, and that none is where a repair
would have had to look."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.exchange import Ending
from streamlab.repairing import courses
from streamlab.repairing.courses import Courses
from streamlab.repairing.normalizer import Normalizer
from tests import streams
from tests.batches import batched
from tests.examples import examples
from tests.mutations import mutated
from tests.one_place import changed_in_one_place, numbered
from tests.repairing.test_courses import _DONE, _HEAD, _courses, _known, _live, _reads, _request, _sent, made, whatever
from tests.repairing.test_mutations import MUTATIONS
from tests.streams import Payload, call, chunk

__all__ = ["made"]
_TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("get_weather", "get_time", "get")
]
_REQUEST = _request(tools=_TOOLS, stream_options={"include_usage": True})


class One:
    """What one stream says in other words than another: number ``at`` of them."""

    def __init__(self, at: int = 0) -> None:
        self.id = f"chatcmpl-0123456789abcdefgh{at:08}"
        self.created = 1741570283 + at
        self.words = [("Spring", " is", " here", "."), ("Line\none", '"two"', " \\ 世界"), ("x",)][at % 3]
        self.counts = (12 + at, 4 * at, 12 + 5 * at)
        self.calls = [f"call_a1B2c3D{at}{number}" for number in range(3)]
        self.names = ("get_weather", "get_time", "get_weather") if at % 2 else ("get_time", "get", "get")
        pieces = [('{"', "city", '":"', "Oslo", '"}'), ('{"a":', '{"b":[1,2],"c":"}"}', "}"), ('{"one": "\\n"}',)]
        self.arguments = [pieces[(at + number) % 3] for number in range(3)]
        self.noise = ["", "aB", "x9Yz01", "0"][at % 4 :]

    def opened(self, number: int, text: str = "") -> Payload:
        return call(number, self.calls[number], self.names[number], text)

    def payloads(self, name: str) -> list[Payload]:
        """Its chunks, where it is a stream of a kind."""
        return [{**payload, "id": self.id, "created": self.created} for payload in KINDS[name](self)]

    def events(self, name: str) -> list[bytes]:
        return _framed(self.payloads(name))

    def usage(self) -> Payload:
        prompt, completion, total = self.counts
        details = {"prompt_tokens_details": {"cached_tokens": prompt // 2}, "cost": 0}
        counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
        return chunk(choices=[], usage={**counts, **details})

    def padded(self, payloads: list[Payload]) -> list[Payload]:
        noise = (self.noise * len(payloads))[: len(payloads)]
        return [{**payload, "obfuscation": one} for payload, one in zip(payloads, noise, strict=True)]

    def fragments(self, number: int) -> list[Payload]:
        return [chunk({"tool_calls": [call(number, arguments=one)]}) for one in self.arguments[number]]


def _framed(payloads: list[Payload]) -> list[bytes]:
    return [*map(streams.frame, payloads), _DONE]


def _text(one: One) -> list[Payload]:
    return streams.chat_text(*one.words)


def _usage(one: One) -> list[Payload]:
    return [*({**payload, "usage": None} for payload in _text(one)), one.usage()]


def _call(one: One) -> list[Payload]:
    opening = chunk({"role": "assistant", "content": None, "tool_calls": [one.opened(0)], "refusal": None})
    return [opening, *one.fragments(0), chunk({}, "tool_calls")]


def _calls(one: One) -> list[Payload]:
    each = ((chunk({"tool_calls": [one.opened(number)]}), *one.fragments(number)) for number in range(3))
    opening = chunk({"role": "assistant", "content": None})
    return [opening, *(payload for call in each for payload in call), chunk({}, "tool_calls")]


def _whole_calls(one: One) -> list[Payload]:
    whole = (one.opened(number, "".join(one.arguments[number])) for number in range(2))
    opening = chunk({"role": "assistant", "content": ""})
    return [opening, *(chunk({"tool_calls": [opened]}) for opened in whole), chunk({}, "tool_calls")]


def _text_and_call(one: One) -> list[Payload]:
    *text, _ = _text(one)
    return [*text, chunk({"tool_calls": [one.opened(0)]}), *one.fragments(0), chunk({}, "tool_calls")]


def _reasoning(one: One) -> list[Payload]:
    opening, *text = _text(one)
    thoughts = (chunk({"content": None, "reasoning_content": f"so {word}"}) for word in one.words)
    return [opening, *thoughts, *text]


KINDS: dict[str, Callable[[One], list[Payload]]] = {
    "text": _text,
    "usage": _usage,
    "padding": lambda one: one.padded(_text(one)),
    "a call": _call,
    "calls": _calls,
    "whole calls": _whole_calls,
    "text and a call": _text_and_call,
    "reasoning": _reasoning,
    "reasoning, calls, paddings and usage": lambda one: one.padded(
        [{**payload, "usage": None} for payload in [*_reasoning(one)[:-1], *_calls(one)[1:]]] + [one.usage()]
    ),
}


def _all_kinds() -> Courses:
    """Courses of every kind, of which no more are learnt."""
    known = Courses()
    for name in KINDS:
        _sent(_live(known, _REQUEST), One().events(name))
    assert _courses(known) == len(KINDS)
    for one in known._known.values():
        one.count = courses._MOST_COURSES
    return known


@pytest.mark.parametrize("name", KINDS)
def test_a_stream_that_goes_as_one_of_its_kind_before_it_needs_no_repair(name, made):
    known = _known(One().events(name), _REQUEST)
    for at in range(1, 7):
        reads = One(at).events(name)
        made.clear()
        out = _sent(_live(known, _REQUEST), reads)
        assert made == []
        assert out == _sent(Normalizer(_REQUEST, _HEAD), reads)


def test_streams_of_all_kinds_follow_one_another_where_each_was_seen_once(made):
    known = _all_kinds()
    made.clear()
    for name in KINDS:
        _sent(_live(known, _REQUEST), One(1).events(name))
    assert made == []


# -- streams that leave the course -------------------------------------------------------------------------------

_KNOWN = _all_kinds()


def _goes_as_ever(reads: list[bytes], ending: Ending | None = Ending.COMPLETE) -> None:
    assert _sent(_live(_KNOWN, _REQUEST), reads, ending) == _sent(Normalizer(_REQUEST, _HEAD), reads, ending)


@pytest.mark.sweep
@batched("name, number", numbered(KINDS), parts=9)
def test_a_stream_that_is_another_in_one_place_is_repaired_as_ever(name, number):
    _goes_as_ever(_framed(changed_in_one_place(One(1).payloads(name), number)))


_ODD_PIECES = (
    ('{"a":"b"}', '"}'),
    ('{"a":"b"}', '{"a":"b"}'),
    ('{"', '{"a":1}'),
    ('{"a":', '{"a":1}', "}"),
    ("{}", '{"a":1}'),
)


def _odd() -> Iterator[tuple[str, list[Payload]]]:
    """Streams in which something is wrong that no other byte tells than those which may be any."""
    one = One(1)
    for counts in ((1, 2, 4), (0, 0, 1), (10**14, 1, 10**14), (13, 4, 17)):
        one.counts = counts
        yield f"usage {counts}", one.payloads("usage")
    usage = One(1).payloads("usage")
    yield "usage twice", [*usage, usage[-1]]
    yield "usage before the finish", [*usage[:-2], usage[-1], usage[-2]]
    yield "usage that no finish is before", [*usage[:-2], usage[-1]]
    for text in ("{}", " {}", "{", '{"a":1', "}", "[1]", '"{}"', '{"a":1}{"a":1}', "null", "1", '{"a":1} '):
        for name in ("a call", "calls", "whole calls", "text and a call"):
            one = One(1)
            one.arguments = [(text,), *one.arguments[1:]]
            yield f"{name}: arguments {text}", one.payloads(name)
            one.arguments = [one.arguments[1], (text,), one.arguments[2]]
            yield f"{name}: second arguments {text}", one.payloads(name)
    for pieces in (
        ('{"a":"b"}', '"}'),
        ('{"a":"b"}', '{"a":"b"}'),
        ('{"', '{"a":1}'),
        ('{"a":', '{"a":1}', "}"),
        ("{}", '{"a":1}'),
    ):
        one = One(1)
        one.arguments = [pieces] * 3
        for name in ("a call", "calls"):
            yield f"{name}: pieces {pieces}", one.payloads(name)
    for names in (
        ("get_", "get", "get"),
        ("get_weathe", "get_time", "get"),
        ("nobody", "get", "get"),
        ("get", "", "get"),
    ):
        one = One(1)
        one.names = names
        for name in ("a call", "calls", "whole calls"):
            yield f"{name}: names {names}", one.payloads(name)
    for ids in (["call_same"] * 3, ["call_a", "call_b", "call_a"], ["", "call_b", "call_c"], ["call_a1B2c3D00"] * 3):
        one = One(1)
        one.calls = ids
        for name in ("calls", "whole calls", "a call"):
            yield f"{name}: ids {ids}", one.payloads(name)
    for words in (
        ("a", "ab", "abc", "abcd"),
        ("a", "b", "ab"),
        ("a", "a"),
        ("\u2028",),
        ("\ud83d", "\ude00"),
        ("",),
        ("[DONE]",),
    ):
        one = One(1)
        one.words = words
        for name in ("text", "reasoning", "text and a call", "padding"):
            yield f"{name}: words {words}", one.payloads(name)
    for noise in ("é", '"', " ", "\\", "a b", "\u2028"):
        one = One(1)
        one.noise = ["aB", noise, "x"]
        yield f"padding {noise!r}", one.payloads("padding")
    for at in range(9):
        for name in KINDS:
            payloads, other = One(1).payloads(name), One(2)
            for key, value in (("id", other.id), ("created", other.created)):
                payloads[at % len(payloads)] = {**payloads[at % len(payloads)], key: value}
                yield f"{name}: {key} of another stream in {at}", [*payloads]
    one = One(1)
    one.id = "chatcmpl-ping-0123456789abcdefghijklmn"
    yield "an id that keeps alive", one.payloads("usage")
    one.id = One().id
    yield "the id of the stream before", one.payloads("calls")


@batched("name, payloads", _odd())
def test_a_stream_with_values_that_repairs_look_at_is_repaired_as_ever(name, payloads):
    _goes_as_ever(_framed(payloads))
    _goes_as_ever(_framed(payloads), Ending.UPSTREAM_CUT)
    _goes_as_ever([streams.dump(one).join((b"data: ", b"\n\n")) for one in payloads], None)


_ESCAPED = ["世界", "😀", "�", "�", "\x00", "\x85", "\u2028", "\x1b", '"', "\\", "\n\n", "\t"]


@batched("name, word", product(KINDS, _ESCAPED))
def test_texts_that_are_written_as_escapes_are_repaired_as_ever(name, word):
    one = One(1)
    one.words = ("a", word, f" {word}b", "c")
    one.arguments = [('{"a', word, '":"', word, '"}'), (json.dumps({word: word}, ensure_ascii=False),), ('{"b":1}',)]
    payloads = (json.dumps(payload, separators=(",", ":")) for payload in one.payloads(name))
    _goes_as_ever([*(f"data: {payload}\n\n".encode() for payload in payloads), _DONE])
    _goes_as_ever(_framed(one.payloads(name)))


@pytest.mark.parametrize("ending", [Ending.UPSTREAM_CUT, Ending.TIMED_OUT, None])
def test_a_stream_that_stops_in_any_place_is_repaired_as_ever(ending):
    for name in KINDS:
        reads = One(1).events(name)
        for count in range(len(reads)):
            _goes_as_ever(reads[:count], ending)
            _goes_as_ever([*reads[:count], reads[count][:-9]], ending)


@settings(max_examples=examples(500))
@given(whatever(KINDS, lambda name, at: One(at).events(name)))
def test_whatever_comes_goes_out_as_if_there_were_no_courses(came):
    _goes_as_ever(*came)


@settings(max_examples=examples(200))
@given(st.lists(st.tuples(st.sampled_from([*KINDS]), st.integers(0, 6), MUTATIONS | st.just([])), max_size=6))
def test_whatever_was_learnt_goes_out_as_if_it_had_not_been(went):
    known = Courses()
    for name, at, mutations in went:
        reads = _reads(mutated(b"".join(One(at).events(name)), mutations), [])
        assert _sent(_live(known, _REQUEST), reads) == _sent(Normalizer(_REQUEST, _HEAD), reads)
