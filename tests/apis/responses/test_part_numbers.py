"""A part is numbered once; events that count on name the part that is open."""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Severity
from tests import responses
from tests.harm_laws import broken_laws

LATER = ("response.output_text.done", "response.content_part.done")


def _counted(events, member, deltas, *later):
    """Each delta has the next number; what closes the part has 0, or the last."""
    counted, number = [], 0
    for one in events:
        if one["type"] == deltas:
            counted.append({**one, member: number})
            number += 1
        else:
            counted.append({**one, member: number - 1} if one["type"] in later else one)
    return counted


TEXT = (responses.text(), "content_index", "response.output_text.delta")
SUMMARY = (responses.mix(), "summary_index", "response.reasoning_summary_text.delta")


@pytest.mark.parametrize("later", [(), LATER[:1], LATER])
def test_a_number_for_each_delta_is_none_for_a_part(later):
    """One part, whose index a server moves on with each piece of text."""
    exchange = responses.exchange(_counted(*TEXT, *later))
    errors = {one.rule for one in analyze(exchange).findings if one.severity is Severity.ERROR}
    assert errors == {"responses-content-index-wrong"}
    assert normalize(exchange).exchange.body == responses.sse(responses.text())
    assert broken_laws(exchange) == {}


def test_of_a_summary_as_well():
    exchange = responses.exchange(_counted(*SUMMARY))
    assert normalize(exchange).exchange.body == responses.sse(responses.mix())
    assert broken_laws(exchange) == {}


def test_a_part_that_nobody_opened_is_another_where_none_is_open():
    """The first is done: the second was announced by an event that was lost."""
    message = responses.message("ab")
    message["content"].append({**message["content"][0], "text": "cd"})
    there = {"item_id": responses.MSG, "output_index": 0, "content_index": 1}
    events = responses.text("ab")
    lost = [
        responses.event("output_text.delta", **there, delta="cd", logprobs=[]),
        responses.event("output_text.done", **there, text="cd", logprobs=[]),
        responses.event("content_part.done", **there, part=message["content"][1]),
    ]
    ends = [{**events[-2], "item": message}, {**events[-1], "response": responses.response("completed", [message])}]
    exchange = responses.exchange(responses.numbered([*events[:-2], *lost, *ends]))
    assert {one.rule for one in analyze(exchange).findings} == {"responses-lifecycle-order"}
    assert analyze(normalize(exchange).exchange).completion["content"] == "abcd"


@pytest.mark.parametrize("made", [responses.text(), responses.mix()])
def test_a_part_of_an_item_that_was_never_added_is_no_fact_of_its_own(made):
    opens = ("response.output_item.added", "response.content_part.added", "response.reasoning_summary_part.added")
    exchange = responses.exchange(responses.numbered([one for one in made if one["type"] not in opens]))
    found = [one for one in analyze(exchange).findings if one.rule == "responses-lifecycle-order"]
    assert all("was never added" in one.message for one in found)
    assert sum(one.count for one in found) == len({one["output_index"] for one in made if "output_index" in one})


def test_input_of_another_kind_of_call_than_the_item_is_no_input_that_never_ends():
    """What the item says it is has its own end."""
    other = [
        {**one, "type": "response.custom_tool_call_input.delta"} if one["type"].endswith("arguments.delta") else one
        for one in responses.tool()
    ]
    found = {one.rule for one in analyze(responses.exchange(responses.numbered(other))).findings}
    assert found == {"responses-lifecycle-order", "responses-no-deltas"}
