"""Tool calls as people reported them: what a client holds of each once it is mended."""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import errors_left, normalize
from tests.harm_laws import broken_laws
from tests.streams import call, chat_tool, chunk, exchange, request_for, sse

OSLO = '{"city":"Oslo"}'


def _calls(made):
    return [one["function"] for one in analyze(made).completion["tool_calls"]]


@pytest.mark.parametrize("again", ['"}', "}", 'Oslo"}', OSLO])
@pytest.mark.parametrize("beside_the_finish", [True, False])
def test_the_end_of_the_arguments_comes_once(again, beside_the_finish):
    *answer, finish = chat_tool()
    last = {"tool_calls": [call(0, arguments=again)]}
    tail = [chunk(last, "tool_calls")] if beside_the_finish else [chunk(last), finish]
    made = exchange(sse([*answer, *tail]))
    mended = normalize(made)
    assert _calls(mended.exchange) == [{"name": "get_weather", "arguments": OSLO}]
    assert not errors_left(mended)
    assert not broken_laws(made)


def test_what_is_no_end_of_the_arguments_stays():
    *answer, finish = chat_tool()
    made = exchange(sse([*answer, chunk({"tool_calls": [call(0, arguments='"]')]}), finish]))
    mended = normalize(made)
    assert _calls(mended.exchange) == [{"name": "get_weather", "arguments": OSLO + '"]'}]
    assert errors_left(mended) == ("tool-call-arguments-not-json",)


def _under_another_index(arguments, *, before=()):
    deltas = [*before, call(2, "call_a1B2c3D4", "get_weather"), *(call(1, arguments=one) for one in arguments)]
    chunks = [chunk({"role": "assistant", "content": ""}), *(chunk({"tool_calls": [one]}) for one in deltas)]
    return exchange(sse([*chunks, chunk({}, "tool_calls")]), request=request_for(tools=True))


def test_arguments_under_an_index_that_nothing_names_go_to_the_one_call_without():
    made = _under_another_index(('{"city":', '"Oslo"}'))
    mended = normalize(made)
    assert _calls(mended.exchange) == [{"name": "get_weather", "arguments": OSLO}]
    assert not errors_left(mended)
    assert not broken_laws(made)


@pytest.mark.parametrize(
    "made",
    [
        _under_another_index(('{"city":',)),  # they are not whole
        _under_another_index(('{"path":"a"}',)),  # no arguments of this tool
        _under_another_index(('{"city":"Oslo"}',), before=[call(0, "call_e5F6g7H8", "get_weather")]),  # or of another
    ],
)
def test_arguments_that_may_be_another_calls_stay_and_an_error_is_said_to_be_left(made):
    mended = normalize(made)
    assert any(one["name"] is None for one in _calls(mended.exchange))
    assert "tool-call-name-missing" in errors_left(mended)
    assert not broken_laws(made)
