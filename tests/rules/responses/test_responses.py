"""Responses streams beside the fixtures: siblings of each deviation, and lookalikes that are legal."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from streamlab.exchange import Ending
from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Severity
from tests.streams import (
    Payload,
    dump,
    frame,
    named,
    numbered,
    response,
    responses_exchange,
    responses_sse,
    responses_text,
    responses_tool,
)

SEQUENCE, ORDER, TERMINAL = "responses-sequence-number", "responses-lifecycle-order", "responses-terminal-missing"
EMPTY, MISMATCH, IDS = (
    "responses-completed-output-empty",
    "responses-delta-done-mismatch",
    "responses-ids-unstable",
)
NAMES, ERROR, CREATED = (
    "responses-event-type-mismatch",
    "responses-error-event-shape",
    "responses-created-at-float",
)
FIELDS, KEEPALIVE = "responses-missing-required-fields", "responses-keepalive-event"


def loud(body: bytes, **extra: Any) -> set[str]:
    findings = analyze(responses_exchange(body, **extra)).findings
    return {one.rule for one in findings if one.severity is not Severity.INFO and one.rule.startswith("responses-")}


def without(payload: Payload, *members: str) -> Payload:
    return {key: value for key, value in payload.items() if key not in members}


def bent(payloads: list[Payload], kind: str, **members: Any) -> list[Payload]:
    """A copy in which the events of that type have other members; None takes a member away."""
    result = copy.deepcopy(payloads)
    for event in result:
        if event["type"] == "response." + kind:
            event.update(members)
            for member in [key for key, value in members.items() if value is None]:
                del event[member]
    return result


def only(*kinds: str) -> list[Payload]:
    """A text answer with nothing but these events, numbered anew."""
    wanted = {"response." + kind for kind in kinds}
    return numbered([without(one, "sequence_number") for one in responses_text() if one["type"] in wanted])


def finished(**members: Any) -> list[Payload]:
    """A text answer whose finished response has other members."""
    result = responses_text()
    result[-1]["response"].update(members)
    return result


UNNUMBERED = [without(one, "sequence_number") for one in responses_text()]
FROM_ONE = [{**one, "sequence_number": one["sequence_number"] + 1} for one in responses_text()]
GAP = [{**one, "sequence_number": one["sequence_number"] + (at > 5)} for at, one in enumerate(responses_text())]
ZERO_DROPPED = [without(one, "sequence_number") if at == 0 else one for at, one in enumerate(responses_text())]
AS_TEXT = [{**one, "sequence_number": str(one["sequence_number"])} for one in responses_text()]
PARTLESS = numbered([without(x, "sequence_number") for x in responses_text() if "content_part" not in x["type"]])
TWICE = numbered([without(x, "sequence_number") for x in (*responses_text(), responses_text()[-1])])
NEVER_DONE = numbered(
    [without(x, "sequence_number") for x in responses_text() if x["type"] != "response.output_item.done"]
)
DELTALESS = numbered([without(x, "sequence_number") for x in responses_text() if not x["type"].endswith(".delta")])
JUMP = copy.deepcopy(responses_text())
for one in JUMP:
    if "output_index" in one:
        one["output_index"] = 1
NO_USAGE_DETAILS = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "output_tokens_details": {}}

STREAMS: dict[str, tuple[list[Payload], set[str]]] = {
    "perfect text": (responses_text(), set()),
    "perfect call": (responses_tool(), set()),
    "no numbers at all": (UNNUMBERED, {SEQUENCE}),
    "numbers from 1": (FROM_ONE, {SEQUENCE}),
    "a number skipped": (GAP, {SEQUENCE}),
    "0 left out as an empty value": (ZERO_DROPPED, {SEQUENCE}),
    "numbers as text": (AS_TEXT, {SEQUENCE}),
    "deltas only": (only("created", "output_text.delta", "completed"), {ORDER}),
    "no parts": (PARTLESS, {ORDER}),
    "items from 1": (JUMP, {ORDER}),
    "item never done": (NEVER_DONE, {ORDER}),
    "completed twice": (TWICE, {ORDER}),
    "not created": (responses_text()[1:2] + numbered(UNNUMBERED)[2:], set()),  # goes on after an earlier stream
    "no end": (responses_text()[:-1], {TERMINAL}),
    "output null": (finished(output=None), {EMPTY, FIELDS}),
    "part differs": (bent(responses_text(), "content_part.done", part={
        "type": "output_text", "text": "Autumn", "annotations": [], "logprobs": []
    }), {MISMATCH}),
    "no deltas": (DELTALESS, {MISMATCH}),
    "other item id in deltas": (bent(responses_text(), "output_text.delta", item_id="msg_other"), {IDS}),
    "item_id absent": (bent(responses_text(), "output_text.delta", item_id=None), {FIELDS}),
    "logprobs absent": (bent(responses_text(), "output_text.delta", logprobs=None), set()),
    "created_at as text": (finished(created_at="2025-10-27T00:00:00Z"), {CREATED}),
    "usage without details": (finished(usage=NO_USAGE_DETAILS), {CREATED}),
    "another API's chunk": ([*responses_text()[:6], {"type": "ping"}, *responses_text()[6:]], {KEEPALIVE}),
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_stream(name):
    payloads, expected = STREAMS[name]
    assert loud(responses_sse(payloads)) == expected


def test_nothing_is_missing_from_a_stream_that_was_cut():
    assert loud(responses_sse(responses_text()[:5]), ending=Ending.UPSTREAM_CUT) == set()


BEGUN = responses_sse(responses_text()[:5])
FLAT = {"message": "Try again.", "code": "server_error", "param": None, "sequence_number": 5}
INNER = {"type": "server_error", "code": None, "message": "Try again.", "param": None}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (named({"type": "error", **FLAT}), set()),
        (named({"type": "error", "sequence_number": 5, "error": INNER}), set()),
        (named({"type": "response.failed", "sequence_number": 5, "response": response("failed", error=INNER)}), set()),
        (frame({"error": INNER}), {ERROR}),
        (frame({"error": "Try again."}), {ERROR}),
        (named({"type": "error", "sequence_number": 5}), {ERROR}),
        (named({"type": "server_error", **FLAT}), {ERROR, TERMINAL}),
        (frame(FLAT), {ERROR, TERMINAL}),
        (named({"type": "error", **FLAT}, "response.failed"), {NAMES}),
    ],
)
def test_error(event, expected):
    assert loud(BEGUN + event) == expected


def test_an_event_without_a_type():
    assert KEEPALIVE in loud(BEGUN + frame({"id": "chatcmpl-1", "object": "chat.completion.chunk"}))


HOSTILE = [None, True, 3, -1, 10**40, 1.5, "", "\x1b[31m\ud800", [], [{}], {}, {"id": []}, {"type": {}}]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_no_value_of_any_member_makes_a_rule_raise(value):
    for at, event in enumerate(responses_text()):
        for member in event:
            payloads = [*responses_text()]
            payloads[at] = {**event, member: value}
            text = b"".join(b"data: " + dump(one) + b"\n\n" for one in payloads)
            assert analyze(responses_exchange(text)).api == "responses"
