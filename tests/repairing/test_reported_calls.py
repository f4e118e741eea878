"""Tool calls as people reported them: what a client holds of each once it is mended."""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import errors_left, normalize
from tests.harm_laws import broken_laws
from tests.streams import call, chat_tool, chunk, exchange, sse

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
