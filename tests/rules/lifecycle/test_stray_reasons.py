"""A reason to finish that stands where no client looks: it is told where, and goes where it belongs."""

from __future__ import annotations

from typing import Any

import pytest

from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Repairability, Severity
from tests.streams import USAGE, call, chat_text, chunk, exchange, request_for, sse

RULE = "finish-reason-missing"


def _stray(holder: str, reason: str, *chunks: dict[str, Any], key: str = "finishReason", **extra: Any) -> Exchange:
    """A stream whose last chunk of the answer has its reason to finish in ``holder``."""
    last = chunk({})
    choice = last["choices"][0]
    {"choice": choice, "delta": choice["delta"], "chunk": last}[holder][key] = reason
    return exchange(sse([*(chunks or chat_text()[:-1]), last, *extra.pop("behind", ())]), **extra)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (_stray("choice", "stop"), "stop"),
        (_stray("delta", "MAX_TOKENS"), "length"),
        (_stray("chunk", "stop", key="finish_reason"), "stop"),
        (_stray("choice", "STOP", chunk({"tool_calls": [call(0, "call_1", "get_weather", '{"city":"Oslo"}')]})), None),
    ],
    ids=["in the choice", "in the delta", "beside the choice", "behind a call"],
)
def test_it_goes_into_a_chunk_of_its_own(made, reason):
    (found,) = [one for one in analyze(made).findings if one.rule == RULE]
    assert (found.severity, found.repairability) == (Severity.ERROR, Repairability.SAFE)
    assert "where no client looks" in found.message
    mended = normalize(made).exchange
    report = analyze(mended)
    assert report.completion["finish_reason"] == (reason or "tool_calls")
    assert {one.rule for one in report.findings} & {RULE, "gateway-masks-truncation", "usage-order"} == set()
    assert normalize(mended).exchange.body == mended.body


def test_it_goes_before_usage():
    usage = chunk(choices=[], usage=dict(USAGE))
    made = _stray("choice", "stop", behind=[usage], request=request_for(usage=True))
    events = normalize(made).exchange.body.split(b"\n\n")
    assert b'"finish_reason":"stop"' in events[-4]
    assert b'"prompt_tokens"' in events[-3]


def test_it_says_that_nothing_was_cut():
    assert "gateway-masks-truncation" not in {one.rule for one in analyze(_stray("delta", "stop")).findings}


@pytest.mark.parametrize(
    ("arguments", "found", "adds"),
    [
        ('{"city":"Oslo"}', (Severity.WARNING, Repairability.SAFE), True),
        ('{"city":"Os', (Severity.INFO, Repairability.NONE), False),
    ],
)
def test_done_is_added_behind_it(arguments, found, adds):
    last = chunk({})
    last["choices"][0]["finishReason"] = "STOP"
    made = exchange(sse([chunk({"tool_calls": [call(0, "call_1", "get_weather", arguments)]}), last], done=False))
    (missing,) = [one for one in analyze(made).findings if one.rule == "done-missing"]
    assert (missing.severity, missing.repairability) == found
    assert normalize(made).exchange.body.endswith(b"data: [DONE]\n\n") is adds


@pytest.mark.parametrize("reason", ["thinking", "", None])
def test_what_means_nothing_is_no_reason(reason):
    (found,) = [one for one in analyze(_stray("choice", reason)).findings if one.rule == RULE]
    assert found.repairability is Repairability.UNSAFE
    assert "where no client looks" not in found.message


def test_one_of_its_own_that_comes_later_is_the_one():
    first = {**chunk({"content": "Hi"})}
    first["choices"][0]["finishReason"] = "STOP"
    made = exchange(sse([*chat_text()[:-1], first, chunk({}, "stop")]))
    assert RULE not in {one.rule for one in analyze(made).findings}
    assert normalize(made).exchange.body == made.body
