"""What `check` tells of and what the account of its repair names are the same rules: one fact has one name."""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Repairability
from tests.streams import call, chat_text, chunk, dump, exchange, request_for, sse

USAGE = {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}
ASKED = request_for(usage=True, tools=True)
FIRST, ONE, TWO, END = chat_text("Hi", ".")
CALL = chunk({"tool_calls": [call(0, "call_1", "get_weather", "{}")]}, "tool_calls")


def _with(payload, usage):
    return {**payload, "usage": usage}


def _null(payload):
    return _with(payload, {"prompt_tokens": 8, "completion_tokens": None, "total_tokens": None})


STREAMS = {
    "every chunk": [_with(one, USAGE) for one in (FIRST, ONE, TWO, END)],
    "null until the end": [*map(_null, (FIRST, ONE, TWO)), _with(END, USAGE)],
    "beside the finish, and in a chunk of its own": [
        FIRST,
        ONE,
        _with(END, USAGE),
        {**chunk(usage=USAGE), "choices": []},
    ],
    "beside the finish": [FIRST, ONE, TWO, _with(END, USAGE)],
    "behind the finish, in a choice": [FIRST, ONE, END, _with(chunk({"content": ""}), USAGE)],
    "beside a call that finishes": [chunk({"role": "assistant", "content": None}), _with(CALL, USAGE)],
    "finished beside its call, and again": [
        chunk({"role": "assistant", "content": None}),
        CALL,
        chunk({}, "tool_calls"),
    ],
    "finished beside a call, and another comes": [
        chunk({"role": "assistant", "content": None}),
        CALL,
        chunk({"tool_calls": [call(1, "call_2", "get_weather", "{}")]}, "tool_calls"),
    ],
    "finished beside its text, and again": [FIRST, chunk({"content": "Hi"}, "length"), chunk({}, "length")],
}


def _names(made):
    told = {one.rule for one in analyze(made).findings if one.repairability is Repairability.SAFE}
    return told, set(normalize(made).changes)


@pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
def test_usage_and_finish_have_one_name(stream):
    told, named = _names(exchange(sse(stream), request=ASKED))
    assert named == told


def test_a_body_that_ends_behind_payloads_that_run_together_lacks_one_kind_of_line():
    before, joined = sse([FIRST, ONE], done=False), b"".join(b"data: " + dump(one) + b"\n" for one in (TWO, END))
    told, named = _names(exchange(before + joined.rstrip(b"\n") + b" "))
    assert "sse-missing-blank-line" in told
    assert named == told
