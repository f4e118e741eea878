"""Choice indexes that number the parts of one answer (z.ai's GLM-4.6), and those that number alternatives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streamlab.exchange import Request
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Severity
from tests import streams

CALL = {"index": 0, "id": "call_9xQ", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
ROLE = {"role": "assistant"}
RULE = "choice-index-is-token-counter"


def _chunk(index: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    chunk = streams.chunk(delta, finish)
    chunk["choices"][0]["index"] = index
    return chunk


def _exchange(parts: list[dict[str, Any]], request: Request | None) -> Any:
    return replace(streams.exchange(streams.sse(parts)), request=request)


def _parts(roles: bool) -> list[dict[str, Any]]:
    again = ROLE if roles else {}
    return [
        _chunk(0, {**ROLE, "reasoning_content": "Let"}),
        *(_chunk(0, {"reasoning_content": text}) for text in (" me", " see", ".")),
        _chunk(1, {**again, "content": "Good"}),
        *(_chunk(1, {"content": text}) for text in (" morning", ".")),
        _chunk(2, {**again, "tool_calls": [CALL]}),
        _chunk(3, {**again, "content": ""}, "tool_calls"),
    ]


@pytest.mark.parametrize("request_", [streams.request_for(tools=True), None], ids=["asked for one", "unknown"])
@pytest.mark.parametrize("roles", [False, True])
def test_parts_are_one_choice(roles, request_):
    exchange = _exchange(_parts(roles), request_)
    errors = [one.rule for one in analyze(exchange).findings if one.severity is Severity.ERROR]
    assert errors == [RULE]
    repaired = normalize(exchange)
    after = analyze(repaired.exchange)
    assert [one.rule for one in after.findings if one.severity is Severity.ERROR] == []
    choice = after.completion
    assert choice["content"] == "Good morning."
    assert choice["reasoning"] == "Let me see."
    assert [call["id"] for call in choice["tool_calls"]] == ["call_9xQ"]
    assert choice["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("request_", [streams.request_for(tools=True), None], ids=["asked for one", "unknown"])
def test_two_values_are_parts_too(request_):
    parts = [_chunk(0, {**ROLE, "content": "A"}), _chunk(1, {"tool_calls": [CALL]}), _chunk(1, {}, "tool_calls")]
    exchange = _exchange(parts, request_)
    assert [one.rule for one in analyze(exchange).findings if one.severity is Severity.ERROR] == [RULE]
    assert {choice["index"] for event in normalize(exchange).events[:-1] for choice in event.event.json["choices"]} == {
        0
    }


ALTERNATIVES = {
    "one after the other": [
        _chunk(0, {**ROLE, "content": "A"}),
        _chunk(0, {}, "stop"),
        _chunk(1, {**ROLE, "tool_calls": [CALL]}),
        _chunk(1, {}, "tool_calls"),
    ],
    "side by side": [
        _chunk(0, {**ROLE, "content": ""}),
        _chunk(1, {**ROLE, "content": ""}),
        _chunk(0, {"content": "A"}),
        _chunk(1, {"content": "B"}),
        _chunk(0, {}, "stop"),
        _chunk(1, {}, "stop"),
    ],
    "a text and a call": [
        _chunk(0, {**ROLE, "content": "A"}),
        _chunk(1, {**ROLE, "content": None, "tool_calls": [CALL]}),
        _chunk(0, {}, "stop"),
        _chunk(1, {}, "tool_calls"),
    ],
}


@pytest.mark.parametrize("request_", [streams.request_for(), None], ids=["asked for one", "unknown"])
@pytest.mark.parametrize("name", ALTERNATIVES)
def test_alternatives_stay_apart(name, request_):
    exchange = _exchange(ALTERNATIVES[name], request_)
    assert RULE not in {one.rule for one in analyze(exchange).findings}
    assert normalize(exchange).exchange.body == exchange.body


@pytest.mark.parametrize("bend", ["no finish_reason", "null calls"])
def test_a_shape_that_comes_first_while_choices_wait_is_repaired_behind_them_too(bend):
    # Choice 1 opens first, so all waits for choice 0; the chunks with text have their shape for the first time then.
    parts = [_chunk(1, ROLE), _chunk(1, {"content": "A"}), _chunk(0, {"content": "B"})]
    parts += [_chunk(index, {"content": f", {at}"}) for at in range(4) for index in (1, 0)]
    for part in parts:
        choice = part["choices"][0]
        if bend == "null calls":
            choice["delta"]["tool_calls"] = None
        else:
            del choice["finish_reason"]
    parts += [_chunk(1, {}, "stop"), _chunk(0, {}, "stop")]
    repaired = normalize(_exchange(parts, streams.request_for(n=2)))
    said = [one.event.json["choices"][0] for one in repaired.events[:-1]]
    assert all("finish_reason" in choice and "tool_calls" not in choice["delta"] for choice in said)
    assert len(said) == len(parts)
    assert normalize(repaired.exchange).changes == {}
