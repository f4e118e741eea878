"""Accessors are total; facts depend on nothing but the chunk, except those that say so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.wire import reading
from streamlab.wire.payload import decode_payload
from streamlab.wire.reading import Fact, FactReader
from streamlab.wire.sse import parse_event
from streamlab.wire.stream import read_event
from tests.examples import examples
from tests.streams import call, chat_text, chat_tools, chat_usage, chunk, frame
from tests.wire.json_values import anything, chunks

#: Facts about the stream so far.
_STORY = Fact.SHAPE | Fact.ENVELOPE | Fact.FIRST


@given(chunks)
@settings(max_examples=examples(150))
def test_accessors_take_anything(value):
    for choice in reading.choices(value):
        reading.choice_index(choice)
        reading.finish_reason(choice)
        inner = reading.delta(choice)
        assert isinstance(reading.content(inner), str)
        assert isinstance(reading.reasoning(inner), str)
        for fragment in reading.tool_calls(inner):
            assert isinstance(reading.function(fragment), dict)
    assert reading.usage(value) is None or isinstance(reading.usage(value), dict)
    assert all(isinstance(name, str) for name in reading.request_tools(value))


@given(st.lists(chunks, max_size=4), chunks)
@settings(max_examples=examples(150))
def test_facts_of_a_chunk_do_not_depend_on_what_came_before(before, value):
    fresh, used = FactReader(), FactReader()
    for earlier in before:
        used.read(earlier)
    assert fresh.read(value) & ~_STORY == used.read(value) & ~_STORY
    assert fresh.shape == used.shape


@given(chunks)
def test_the_same_chunk_again_is_no_news(value):
    reader = FactReader()
    first, again = reader.read(value), reader.read(value)
    assert first & Fact.FIRST
    assert first & Fact.SHAPE
    assert not again & Fact.FIRST
    assert first & ~_STORY == again & ~_STORY
    if reader.shape:
        assert not again & Fact.SHAPE


@given(anything)
def test_any_member_may_be_anything(value):
    for odd in ({"choices": value}, {"choices": [value]}, {"choices": [{"delta": value}]}, chunk({"content": value})):
        FactReader().read(odd)


def facts_of(payload) -> set[str]:
    value = FactReader().read(payload)
    names = {name: bit for name, bit in vars(Fact).items() if isinstance(bit, int)}
    return {name for name, bit in names.items() if value & bit} - {"SHAPE", "ENVELOPE", "FIRST"}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (chat_text()[0], {"ROLE", "CONTENT_EMPTY"}),
        (chat_text()[1], {"CONTENT"}),
        (chat_text()[-1], {"FINISH"}),
        (chat_tools()[1], {"TOOL_CALLS"}),
        (chat_usage()[-1], {"NO_CHOICES", "USAGE"}),
        (chunk({"content": None, "role": None}), {"ROLE", "CONTENT_EMPTY"}),
        (chunk({"tool_calls": None, "refusal": None}), set()),
        (chunk({"tool_calls": []}), {"TOOL_CALLS"}),
        (chunk({"tool_calls": call(0)}), {"TOOL_CALLS"}),
        (chunk({"reasoning": ""}), {"REASONING"}),
        (chunk({"function_call": {}}), {"FUNCTION_CALL"}),
        (chunk({"refusal": "no"}), {"REFUSAL"}),
        ({"choices": [{"text": "a", "logprobs": {}, "message": {}}]}, {"TEXT", "LOGPROBS", "MESSAGE"}),
        ({"choices": [{"usage": {}}]}, {"USAGE"}),
        ({"choices": [{"delta": {}}, {"delta": {"content": "a"}}]}, {"MANY_CHOICES", "CONTENT"}),
        ({"choices": None}, {"NO_CHOICES"}),
        ({"type": "response.created"}, {"NO_CHOICES", "TYPED"}),
    ],
)
def test_facts(payload, expected):
    assert facts_of(payload) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"data: {}\n\n", Fact.CHUNK),
        (b"data:{}\n\n", Fact.CHUNK | Fact.FRAMING),
        (b"data:  {}\n\n", Fact.CHUNK | Fact.FRAMING),
        ('data: {"a":"é"}\n\n'.encode(), Fact.CHUNK | Fact.WIDE),
        (b'data: {"a":"\\u00e9"}\n\n', Fact.CHUNK | Fact.WIDE),
        (b'data: {"a":1,"a":1}\n\n', Fact.CHUNK | Fact.FAULTS),
        (b"data: [DONE]\n\n", Fact.DONE),
        (b"data: [done]\n\n", Fact.DONE),
        (b'data: {"error":"x"}\n\n', Fact.ERROR),
        (b": ping\n\n", Fact.COMMENT | Fact.FRAMING | Fact.LINES),
        (b"event: x\ndata: {}\n\n", Fact.CHUNK | Fact.FRAMING | Fact.LINES),
        (b"\ndata: {}\n\n", Fact.CHUNK | Fact.FRAMING | Fact.LINES),
        (b"data: {}\r\n\r\n", Fact.CHUNK | Fact.FRAMING),
        (b"data: x\n\n", Fact.UNDECODABLE),
        (b"data: \n\n", Fact.UNDECODABLE),
    ],
)
def test_facts_of_kind_and_framing(raw, expected):
    assert reading.kind_facts(read_event(parse_event(raw, 0))) == expected


def test_a_changing_envelope_is_news_only_when_it_changes():
    reader = FactReader()
    ids = ["a", "a", "b", "b"]
    news = [bool(reader.read(chunk({"content": "x"}, id=one)) & Fact.ENVELOPE) for one in ids]
    assert news == [True, False, True, False]


def test_decoded_streams_have_few_shapes():
    reader = FactReader()
    payloads = chat_text(*["word"] * 50)
    shapes = [reader.read(decode_payload(frame(one)[6:-2]).value) & Fact.SHAPE for one in payloads]
    assert sum(map(bool, shapes)) == 3


@pytest.mark.parametrize("bits", [{"A": 1, "B": 1}, {"A": 3}, {"A": 0}])
def test_two_facts_never_share_a_bit(bits):
    with pytest.raises(TypeError, match="no bit of its own"):
        reading.distinct_bits(type("Facts", (), bits))


def test_what_python_says_of_a_class_is_no_fact():
    """From 3.13 on a class knows its first line, which is a number and no bit."""
    reading.distinct_bits(type("Facts", (), {"__firstlineno__": 35, "COMMENT": 1}))
