"""A Responses stream in the words of chat: nothing of what it says is lost, and nothing added, however it says it."""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Severity
from tests import corpus
from tests.batches import batched
from tests.responses import (
    CALL,
    OSLO,
    SAID,
    THOUGHT,
    exchange,
    failed,
    message,
    mix,
    numbered,
    response,
    stream,
    text,
    tool,
    whole,
)

_WEATHER = [(CALL, "get_weather", OSLO)]


def _held(made):
    report = analyze(normalize(made, to_chat=True).exchange)
    assert report.api == "chat.completions"
    assert [one.message for one in report.findings if one.severity is Severity.ERROR] == []
    return report.completion


def _calls(held):
    return [(one["id"], one["function"]["name"], one["function"]["arguments"]) for one in held["tool_calls"]]


def _without(events, *ends):
    return numbered([one for one in events if not one["type"].endswith(ends)])


@pytest.mark.parametrize(
    "events",
    [
        mix(),
        _without(mix(), ".delta"),
        _without(mix(), ".delta", ".added", "text.done", "arguments.done", "part.done"),
        [*mix()[:2], mix()[-1]],
    ],
    ids=["as OpenAI sends it", "without deltas", "items done alone", "only in the finished response"],
)
def test_text_reasoning_calls_usage_and_end_are_those_of_the_response(events):
    held = _held(exchange(events))
    assert (held["content"], held["reasoning"], _calls(held)) == (SAID, THOUGHT, _WEATHER)
    assert held["finish_reason"] == "tool_calls"
    counts = held["usage"]
    assert (counts["prompt_tokens"], counts["completion_tokens"], counts["total_tokens"]) == (21, 17, 38)
    assert counts["completion_tokens_details"]["reasoning_tokens"] == 5


def test_a_whole_response_becomes_the_same():
    answer = response("completed", [message()])
    held = _held(whole(answer))
    assert (held["content"], held["finish_reason"], held["usage"]["prompt_tokens"]) == (SAID, "stop", 21)


@pytest.mark.parametrize(("reason", "finish"), [("max_output_tokens", "length"), ("content_filter", "content_filter")])
def test_a_cut_answer_ends_as_chat_has_it(reason, finish):
    events = stream(message(status="incomplete"), status="incomplete", incomplete_details={"reason": reason})
    held = _held(exchange(events))
    assert (held["content"], held["finish_reason"]) == (SAID, finish)


@pytest.mark.parametrize("events", [failed(), failed()[-1:], failed()[:-1]], ids=["both", "failed", "error"])
def test_a_failure_ends_with_its_words_and_without_a_finish(events):
    body = normalize(exchange(numbered(events)), to_chat=True).exchange.body
    assert b"Try again." in body
    assert b'"finish_reason":"' not in body


def test_a_response_that_broke_off_has_no_finish():
    held = analyze(normalize(exchange(text()[:-2]), to_chat=True).exchange).completion
    assert (held["content"], held["finish_reason"]) == (SAID, None)


def test_a_call_that_is_told_twice_is_one():
    done = next(one for one in tool() if one["type"] == "response.output_item.done")
    assert _calls(_held(exchange(numbered([*tool()[:-1], done, tool()[-1]])))) == _WEATHER


@corpus.needs_recorded
@batched("directory", corpus.recorded("responses")[::6])
def test_recorded_answers_are_the_same_in_the_words_of_chat(directory):
    made = corpus.load(directory)
    if made.head is None or made.head.status != 200:
        pytest.skip("an HTTP error answer")
    own, held = analyze(made).completion, _held(made)
    assert (held["content"] or "") == (own["content"] or "")
    assert held.get("reasoning") == own.get("reasoning")
    assert _calls(held) == _calls(own)
