"""What check says of a stream that was repaired, it says of the stream as it came."""

from __future__ import annotations

import pytest

from streamlab.repairing.normalizer import normalize
from tests import responses, streams
from tests.harm_laws import broken_laws
from tests.repairing.test_harm_kinds import asked, errors, told
from tests.streams import call, chat_text, chunk, sse

TEXT = chat_text("a", "b")
BUSY = b'event: error\ndata: {"message":"busy","code":503}\n\n'


def test_a_marker_before_a_late_role_is_the_last_text():
    exchange = asked(sse([*TEXT[1:3], chunk({"content": "[DONE]"}), TEXT[0], TEXT[-1]]))
    assert "content-holds-done-marker" in errors(exchange)
    goes_on = asked(sse([chunk({"content": "[DONE]"}), *TEXT]))
    assert "content-holds-done-marker" not in errors(goes_on)
    assert broken_laws(exchange) == {}


def test_text_with_a_finish_behind_an_error_keeps_it_where_one_went_out_before():
    chunks = [{**one, "choices": [{**one["choices"][0], "finish_reason": "stop"}]} for one in TEXT[:3]]
    exchange = asked(sse(chunks[:1], done=False) + BUSY + sse(chunks[1:]))
    repaired = normalize(exchange).exchange
    assert errors(repaired) == {"finish-reason-every-chunk"}
    assert normalize(repaired).exchange.body == repaired.body
    assert broken_laws(exchange) == {}


def test_an_answer_whose_role_is_no_text_starts_over_as_well():
    first = chunk({"role": True, "content": ""})
    exchange = asked(sse([first, *TEXT[1:3], *({**one, "id": "chatcmpl-again"} for one in TEXT)]))
    assert "answer-starts-over" in errors(exchange)
    assert broken_laws(exchange) == {}


def test_a_keep_alive_in_place_of_a_delta_is_counted_with_those_in_one():
    text = chunk()
    text["choices"][0]["delta"] = ": keep-alive\n\n"
    exchange = asked(sse([*TEXT[:2], text, TEXT[2], chunk({"content": ": keep-alive\n\n"}), TEXT[1], TEXT[-1]]))
    assert "content-holds-keepalive" in errors(exchange)
    assert broken_laws(exchange) == {}


def test_a_text_of_which_a_delta_was_no_text_did_not_come_without_one():
    events = responses.text()
    events = [one for one in events if one["type"] not in ("response.output_text.done", "response.content_part.done")]
    events = [{**one, "delta": [one["delta"]]} if "delta" in one else one for one in events]
    exchange = responses.exchange(responses.numbered(events))
    assert "responses-delta-not-string" in errors(exchange)
    assert "responses-no-deltas" not in errors(exchange)
    assert broken_laws(exchange) == {}


def test_a_list_where_the_text_of_an_item_should_be_is_no_text_that_came_whole():
    listed = responses.message()
    listed["content"][0]["text"] = [responses.SAID]
    done = {"type": "response.output_item.done", "output_index": 0, "item": listed}
    events = [one if one["type"] != done["type"] else done for one in responses.text()]
    events = [one for one in events if "delta" not in one and one["type"] != "response.output_text.done"]
    assert "responses-no-deltas" not in errors(responses.exchange(responses.numbered(events)))


def test_an_empty_response_at_the_end_has_no_output():
    events = responses.text()
    exchange = responses.exchange([*events[:-1], {**events[-1], "response": {}}])
    assert "responses-completed-output-missing" in errors(exchange)
    assert broken_laws(exchange) == {}


def test_null_and_a_delta_without_text_are_no_answer():
    bare = {"type": "response.output_text.delta", "sequence_number": 1}
    done = {"type": "response.completed", "response": responses.response("completed", []), "sequence_number": 2}
    body = responses.frame(responses.text()[0]) + responses.frame(bare) + b"data: null\n\n" + responses.frame(done)
    exchange = responses.exchange(body)
    assert "silent-empty-success" in errors(exchange)
    assert broken_laws(exchange) == {}


def test_no_finish_is_guessed_for_a_call_of_which_no_arguments_came():
    exchange = asked(sse([TEXT[0], chunk({"tool_calls": [call(0, "call_a", "get_weather")]})]), tools=True)
    assert told(normalize(exchange, unsafe=True).exchange.body) == ["", "", "[DONE]"]
    assert broken_laws(exchange) == {}


def test_a_finish_that_is_no_text_ends_no_part_of_an_answer():
    parts = [chunk({"role": "assistant", "reasoning_content": "x"}, [None])]  # type: ignore[arg-type]
    parts.append(chunk({"content": "A"}, index=1))
    parts.append(chunk({"tool_calls": [call(0, "call_a", "get_weather", '{"c}')]}, index=2))
    exchange = asked(sse([*parts, chunk({}, "tool_calls", index=3)]), tools=True)
    assert "tool-call-arguments-not-json" in errors(exchange)
    assert broken_laws(exchange) == {}


def test_a_list_that_a_call_is_added_with_is_no_first_piece_of_its_arguments():
    events = [one for one in responses.tool() if "delta" not in one]
    events = [
        {**one, "item": {**one["item"], "arguments": [""]}} if one["type"].endswith("item.added") else one
        for one in events
    ]
    exchange = responses.exchange(responses.numbered(events))
    assert b'"delta":"{\\"city\\":\\"Oslo\\"}"' in normalize(exchange).exchange.body
    assert broken_laws(exchange) == {}


@pytest.mark.parametrize("between", [b'data: {"warning":"no usage"}\n\n', b"event: done\ndata: {}\n\n"])
def test_half_a_payload_before_what_is_no_chunk_is_what_it_is_without_that(between):
    """What is no chunk becomes a comment, or the end, and a second repair would see the half before the end."""
    half = streams.frame(TEXT[1]).replace(b'"a"}', b'"a\n\n')[: -len(b',"logprobs":null,"finish_reason":null}]}\n\n')]
    exchange = asked(sse(TEXT[:1], done=False) + half.rstrip(b"\n") + b"\n\n" + between + b"data: [DONE]\n\n")
    repaired = normalize(exchange).exchange
    assert "error" in told(repaired.body)
    assert normalize(repaired).exchange.body == repaired.body
    assert broken_laws(exchange) == {}


PING = b"event: ping\ndata: {}\n\n"
AGAIN = [{**one, "id": "chatcmpl-again"} for one in chat_text("b", "a")]
NO_JSON = chunk({"role": "assistant", "content": None, "tool_calls": [call(0, "call_1", "get_weather", '{"city"')]})
LONG = ["New York is a state", " and a city", " in the northeast"]
ALIVE = chunk({}, id="chatcmpl-keepalive", model="keepalive", created=0)
COUNTED = chat_text(*LONG, "".join(LONG), " of the Union")
LEAKED = chat_text("<tool_call>", '{"name":"get_weather","arguments":{"city":"Oslo"}}', "</tool_call>")


def _as_text(payload):
    """A chunk whose delta is the JSON of one."""
    choice = payload["choices"][0]
    return {**payload, "choices": [{**choice, "delta": streams.dump(choice["delta"]).decode()}]}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (sse(TEXT[:3], done=False) + PING + sse(AGAIN), "answer-starts-over"),
        (sse([*TEXT[:3], chunk({"content": "c"}, index=1), *AGAIN]), "answer-starts-over"),
        (sse([ALIVE, *TEXT[:3], *AGAIN]), "answer-starts-over"),
        (
            sse([{**one, "choices": [{**one["choices"][0], "index": at}]} for at, one in enumerate(COUNTED)]),
            "full-message-repeated",
        ),
        (sse([*LEAKED[:2], _as_text(LEAKED[2]), *LEAKED[3:]]), "tool-call-leaked-as-text"),
        (sse([TEXT[0], _as_text(NO_JSON), chunk({}, "tool_calls")]), "tool-call-arguments-not-json"),
        (
            sse([NO_JSON, chunk({}, "tool_calls", index=7)]).replace(b'"finish_reason":null', b'"finish_reason":" "'),
            "tool-call-arguments-not-json",
        ),
    ],
    ids=[
        "behind an event of another kind",
        "behind another choice",
        "behind a keep-alive",
        "in chunks that the index counts",
        "text in place of a delta",
        "a call in one",
        "a blank finish",
    ],
)
def test_what_no_repair_mends_is_found_without_one(body, found):
    exchange = asked(body, tools=True)
    assert found in errors(exchange)
    assert broken_laws(exchange) == {}


def test_text_in_place_of_a_delta_counts_where_the_answer_comes_again():
    pieces = chat_text(*LONG, "".join(LONG), " of the Union")
    pieces[3] = _as_text(pieces[3])
    exchange = asked(sse(pieces))
    assert "full-message-repeated" in errors(exchange)
    assert broken_laws(exchange) == {}


def test_a_choice_behind_the_end_of_the_first_is_no_part_of_it():
    late = chunk({"tool_calls": [call(0, "call_1", "get_weather", "{}")]}, index=1)
    exchange = asked(sse([*TEXT, late]), tools=True)
    assert "choice-index-is-token-counter" not in errors(exchange)
    assert "finish-reason-missing" in errors(exchange)
    assert broken_laws(exchange) == {}
