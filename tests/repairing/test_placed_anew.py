"""What had a place, lost it by a repair, and gets the one in which it was read."""

from __future__ import annotations

import json

from streamlab.repairing.normalizer import normalize
from tests import responses, streams
from tests.harm_laws import broken_laws
from tests.repairing.test_harm_kinds import asked, told
from tests.streams import call, chat_text, chunk, sse

TEXT = chat_text("a", "b")
FIRST, SECOND = (call(at, f"call_{at}", "get_weather", '{"city":"Rome"}') for at in (0, 1))
FINISH = chunk({}, "tool_calls", system_fingerprint="fp_1", extra={"seen": 1})
PING = b": ping\n\n"


def test_choice_0_opens_first_where_a_keep_alive_that_goes_had_opened_it():
    """Whoever read the keep-alive had choice 0 before the other one."""
    beat = chunk({}, id="chatcmpl-keepalive", model="keepalive", created=0)
    surplus = chunk({"role": "assistant", "content": "x"}, index=7)
    exchange = asked(sse([beat, surplus, *TEXT]))
    assert told(normalize(exchange).exchange.body) == [":", "", "x", "a", "b", "finish:stop", "[DONE]"]
    assert broken_laws(exchange) == {}


def test_without_one_a_surplus_choice_stays_before_choice_0():
    exchange = asked(sse([chunk({"role": "assistant", "content": "x"}, index=7), *TEXT]))
    assert told(normalize(exchange).exchange.body) == ["x", "", "a", "b", "finish:stop", "[DONE]"]
    assert broken_laws(exchange) == {}


def test_the_last_finish_of_an_answer_that_finishes_after_each_call_goes_out_as_it_came():
    came = [TEXT[0], chunk({"tool_calls": [FIRST]}), TOO_EARLY, chunk({"tool_calls": [SECOND]}), FINISH]
    exchange = asked(sse(came), tools=True)
    repaired = normalize(exchange)
    assert repaired.exchange.body == sse([one for one in came if one is not TOO_EARLY])
    assert [(one.rule, one.sources) for one in repaired.dropped] == [("tool-call-finish-per-call", (2,))]
    assert broken_laws(exchange) == {}


TOO_EARLY = chunk({}, "tool_calls")


def test_it_stands_before_the_comment_that_came_behind_it():
    nameless = {"index": 1, "function": {"arguments": "{}"}}
    came = [TEXT[0], chunk({"tool_calls": [FIRST]}), TOO_EARLY, chunk({"tool_calls": [nameless]}), FINISH]
    exchange = asked(sse(came, done=False) + PING + b"data: [DONE]\n\n", tools=True)
    assert told(normalize(exchange).exchange.body)[-3:] == ["finish:tool_calls", ":", "[DONE]"]
    assert broken_laws(exchange) == {}


def test_text_behind_it_moves_it_again():
    came = [*TEXT[:2], TEXT[-1], TEXT[2], TEXT[-1], chat_text("c")[1], TEXT[-1]]
    repaired = normalize(asked(sse(came)))
    assert told(repaired.exchange.body) == ["", "a", "b", "c", "finish:stop", "[DONE]"]
    assert {one.rule for one in repaired.dropped} == {"content-after-finish"}
    assert broken_laws(asked(sse(came))) == {}


def test_a_part_of_which_a_stray_delta_came_is_none_before_those_that_are_opened():
    events = [dict(one) for one in responses.text()]
    at = next(at for at, one in enumerate(events) if one["type"] == "response.content_part.added")
    stray = {**next(one for one in events if "delta" in one), "content_index": 2}
    exchange = responses.exchange([*events[:at], stray, *events[at:]])
    indexes = [one["content_index"] for one in _jsons(normalize(exchange)) if "content_index" in one]
    assert indexes == [2, *[0] * (len(indexes) - 1)]
    assert broken_laws(exchange) == {}


def _jsons(repaired):
    lines = repaired.exchange.body.split(b"\n")
    return [json.loads(line[6:]) for line in lines if line.startswith(b"data: {")]


def test_a_lost_delta_has_the_text_that_the_finished_response_lists():
    events = [dict(one) for one in responses.text()]
    at = [at for at, one in enumerate(events) if one["type"] == "response.output_text.delta"]
    lost = [*events[: at[0]], {**events[at[0]], "delta": None}, *events[at[1] : at[-1] + 1], events[-1]]
    exchange = responses.exchange(lost)
    deltas = [one["delta"] for one in _jsons(normalize(exchange)) if "delta" in one]
    assert deltas == [events[number]["delta"] for number in at]
    assert broken_laws(exchange) == {}


def test_a_blank_line_in_null_is_taken_out():
    event = streams.frame(TEXT[1]).replace(b'"finish_reason":null', b'"finish_reason":n\n\null')
    exchange = asked(sse(TEXT[:1], done=False) + event + sse(TEXT[2:]))
    assert told(normalize(exchange).exchange.body) == ["", "a", "b", "finish:stop", "[DONE]"]
    assert broken_laws(exchange) == {}
