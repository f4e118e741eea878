"""Chunks folded into a completion: total over anything, and the same whatever the pieces."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.wire.accumulate import Accumulator, Text
from tests.examples import examples
from tests.streams import USAGE, call, chat_text, chat_tools, chat_usage, chunk
from tests.wire.json_values import chunks


def fold(payloads) -> dict:
    accumulator = Accumulator()
    for payload in payloads:
        accumulator.feed(payload)
    return accumulator.completion()


@given(st.lists(chunks, max_size=6))
@settings(max_examples=examples(150))
def test_folds_anything(payloads):
    accumulator = Accumulator()
    for payload in payloads:
        accumulator.feed(payload)
        accumulator.feed_error(payload)
    completion = accumulator.completion()
    assert isinstance(completion["content"], str | None)
    json.dumps(completion)


@given(st.text(), st.lists(st.integers(1, 4), max_size=30))
def test_text_is_the_same_whatever_the_pieces(text, lengths):
    pieces, at = [], 0
    for length in lengths:
        pieces.append(text[at : at + length])
        at += length
    pieces.append(text[at:])
    assert fold(chat_text(*pieces))["content"] == text


@given(st.lists(st.text(max_size=3), max_size=20))
def test_growing_text(pieces):
    text = Text()
    for piece in pieces:
        text.add(piece)
        assert str(text)[-len(piece) :] == piece or not piece
    assert str(text) == "".join(pieces)
    assert bool(text) == bool("".join(pieces))


def test_many_pieces_are_joined_on_the_way():
    text = Text()
    for _ in range(10_000):
        text.add("ab")
    assert str(text) == "ab" * 10_000


def test_perfect_streams():
    text = fold(chat_usage())
    assert (text["role"], text["content"], text["finish_reason"]) == ("assistant", "Spring is here.", "stop")
    assert text["usage"] == USAGE
    first, second = fold(chat_tools())["tool_calls"]
    assert first["function"] == {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
    assert (second["index"], second["id"]) == (1, "call_e5F6g7H8")
    assert fold(chat_tools())["content"] is None


def test_later_ids_and_names_do_not_replace_the_first():
    payloads = [
        chunk({"tool_calls": [call(0, "call_1", "f")]}),
        chunk({"tool_calls": [call(0, "call_2", "f", '{"a"')]}),
        chunk({"tool_calls": [call(0, "", "", ":1}")]}),
    ]
    (one,) = fold(payloads)["tool_calls"]
    assert (one["id"], one["function"]) == ("call_1", {"name": "f", "arguments": '{"a":1}'})


def test_several_choices_stay_apart():
    payloads = [
        chunk({"content": "a"}),
        chunk({"content": "b"}, index=1),
        chunk({"content": "c"}),
        chunk({}, "stop", 1),
    ]
    completion = fold(payloads)
    assert [choice["content"] for choice in completion["choices"]] == ["ac", "b"]
    assert [choice["finish_reason"] for choice in completion["choices"]] == [None, "stop"]


def test_an_error_is_what_the_client_raises():
    accumulator = Accumulator()
    accumulator.feed_error({"error": {"message": "boom"}})
    accumulator.feed_error({"error": "later"})
    assert accumulator.completion()["error"] == {"message": "boom"}


def test_a_call_of_a_custom_tool_is_held_as_one():
    def fragment(**custom):
        return chunk({"tool_calls": [{"index": 0, "custom": custom}]})

    first = {"index": 0, "id": "call_1", "type": "custom", "custom": {"name": "run", "input": ""}}
    payloads = [chunk({"tool_calls": [first]}), fragment(input="ls"), fragment(input=" -l"), chunk({}, "tool_calls")]
    custom = {"name": "run", "input": "ls -l"}
    assert fold(payloads)["tool_calls"] == [{"index": 0, "id": "call_1", "type": "custom", "custom": custom}]
    whole = Accumulator()
    for payload in payloads[:2]:
        whole.feed(payload)
    mark = whole.mark()
    whole.feed(payloads[2])
    assert whole.at(mark).completion()["tool_calls"][0]["custom"] == {"name": "run", "input": "ls"}


def test_the_responses_api_folds_into_the_same_form():
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f"}
    events = [
        {"type": "response.output_item.added", "item": {"type": "message", "role": "assistant"}},
        {"type": "response.output_text.delta", "delta": "Hi"},
        {"type": "response.output_item.added", "item": item},
        {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "delta": "{}"},
        {"type": "response.completed", "response": {"status": "completed", "usage": {"total_tokens": 3}}},
    ]
    completion = fold(events)
    assert (completion["role"], completion["content"], completion["finish_reason"]) == ("assistant", "Hi", "completed")
    assert completion["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert completion["usage"] == {"total_tokens": 3}


@given(st.lists(chunks, max_size=8), st.data())
@settings(max_examples=examples(150))
def test_a_fold_can_be_gone_back_to_any_moment(payloads, data):
    at = data.draw(st.integers(0, len(payloads)))
    whole = Accumulator()
    for payload in payloads[:at]:
        whole.feed(payload)
    mark = whole.mark()
    for payload in payloads[at:]:
        whole.feed(payload)
    end = whole.completion()
    past = whole.at(mark)
    assert past.completion() == fold(payloads[:at])
    for payload in payloads[at:]:
        past.feed(payload)
    assert past.completion() == end == whole.completion()
