"""Rules of Responses and of Messages: who is named at a finding broke on that form, and on another one nobody is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from streamlab.clients.table import breaks
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Finding
from tests import messages, responses

TOOL = Path(__file__).parents[2] / "tools" / "clients"
sys.path.insert(0, str(TOOL))
from own_apis import STREAMS  # noqa: E402

sys.path.remove(str(TOOL))
Event = dict[str, Any]


def _bent(events: list[Event], at: int, path: str, value: Any) -> list[Event]:
    bent: list[Event] = json.loads(json.dumps(events))
    *inner, last = path.split(".")
    holder: Any = bent[at]
    for key in inner:
        holder = holder[int(key)] if isinstance(holder, list) else holder[key]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return bent


def _found(rule: str, made: Exchange) -> list[Finding]:
    found = [one for one in analyze(made).findings if one.rule == rule]
    assert found, rule
    return found


_TEXT, _CALL, _CALLS, _MIX = responses.text(), responses.tool(), responses.tools(), responses.mix()
_SAID, _READ, _THOUGHT = messages.text(), messages.tool(), messages.thinking()
_TWO = messages.tools()
#: Forms of Responses' rules about which nobody was asked: their findings are true, and name no client.
RESPONSES = {
    "a number for arguments": ("responses-arguments-not-string", _bent(_CALL, 7, "item.arguments", 7)),
    "a list for the output": ("responses-completed-output-missing", _bent(_TEXT, -1, "response.output", "none")),
    "items in another order": (
        "responses-completed-output-differs",
        _bent(_CALLS, -1, "response.output", _CALLS[-1]["response"]["output"][::-1]),
    ),
    "a part with a wrong index, and its text with the right one": (
        "responses-content-index-wrong",
        _bent(_TEXT, 3, "content_index", 1),
    ),
    "an index as text": ("responses-missing-output-index", _bent(_CALL, 3, "output_index", "0")),
    "an item without an index, and its deltas with one": (
        "responses-missing-output-index",
        _bent(_CALL, 2, "output_index", ...),
    ),
    "one call of two without a call_id": (
        "responses-missing-call-id",
        _bent(_bent(_CALLS, 7, "item.call_id", ...), 2, "item.call_id", ...),
    ),
    "half a token": ("responses-usage-missing", _bent(_TEXT, -1, "response.usage.total_tokens", 38.5)),
    "usage as text": ("responses-usage-missing", _bent(_TEXT, -1, "response.usage", "much")),
    "text under another name": ("responses-unknown-event", _bent(_TEXT, 4, "type", "response.text.delta")),
    "text under a name of its own": ("responses-keepalive-event", _bent(_TEXT, 4, "type", "token")),
    "a call that has another id, another one and a third": (
        "responses-item-changed",
        _bent(_bent(_CALL, 2, "item.call_id", "call_1"), 7, "item.call_id", "call_2"),
    ),
}
#: The same of Messages.
MESSAGES = {
    "an index as text in the start alone": ("messages-block-index-type", _bent(_SAID, 1, "index", "0")),
    "a delta of a block that is none": ("messages-block-start-missing", _bent(_SAID, 3, "index", 4)),
    "a text of another type": ("messages-block-start-member-missing", _bent(_SAID, 1, "content_block.text", 7)),
    "a start that comes twice and has another block behind it": (
        "messages-block-restarted",
        [_READ[0], _READ[1], *_READ[1:]],
    ),
    "an input that is a number": ("messages-tool-input-not-object", messages.tool("", "7")),
    "a role of another type": ("messages-start-shape", _bent(_SAID, 0, "message.role", 7)),
    "a stop_reason that is an object": ("messages-start-prefilled", _bent(_SAID, 0, "message.stop_reason", {})),
    "a text under another type": ("messages-unknown-type", _bent(_SAID, 1, "content_block.type", "markdown")),
    "deltas under another type": ("messages-unknown-type", _bent(_SAID, 3, "delta.type", "markdown_delta")),
    "an event with a delta under another name": ("messages-unknown-type", _bent(_SAID, 3, "type", "token")),
    "the first delta null": ("messages-delta-member-wrong", _bent(_SAID, 3, "delta.text", None)),
    "one of two calls without a name": ("messages-tool-name-missing", _bent(_TWO, 1, "content_block.name", "")),
    "one of two calls without an id": ("messages-tool-id-missing", _bent(_TWO, 1, "content_block.id", "")),
    "message_stop without its type": ("messages-stop-missing", _bent(_SAID, -1, "type", "")),
    "a text in thinking, and a text of its own": ("messages-delta-type-mismatch", _bent(_THOUGHT, 7, "index", 0)),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_nobody_is_named_for_a_form_of_responses_that_nobody_was_asked_about(name: str) -> None:
    rule, events = RESPONSES[name]
    _names_nobody(rule, responses.exchange(events))


@pytest.mark.parametrize("name", MESSAGES)
def test_nobody_is_named_for_a_form_of_messages_that_nobody_was_asked_about(name: str) -> None:
    rule, events = MESSAGES[name]
    _names_nobody(rule, messages.exchange(b"".join(map(messages.frame, events))))


def _names_nobody(rule: str, made: Exchange) -> None:
    for one in _found(rule, made):
        assert one.variants == ()
        assert breaks(one.rule, one.variants, one.api, one.strict) == ()


def _phrases(name: str) -> set[str]:
    [rule] = {one.rule for one in analyze(STREAMS[name][0]).findings if one.severity.rank < 2}
    return {who.what for one in _found(rule, STREAMS[name][0]) for who in breaks(one.rule, one.variants, one.api, True)}


def test_a_text_that_is_lost_is_no_call_that_is_lost():
    """What the same rule says of a text, and of a call."""
    text, call = (_phrases(f"responses.{what}-other-but-in-deltas") for what in ("text", "arguments"))
    assert any("other text" in one for one in text)
    assert not any("arguments" in one for one in text)
    assert any("other arguments" in one for one in call)
    assert not any("other text" in one for one in call)


def test_only_those_are_named_whom_the_place_of_the_deviation_hurts():
    """openai-python's helper reads the start of an item, the plain loop its end."""
    start, end = (
        {
            one.client
            for found in _found("responses-item-changed", STREAMS[f"responses.call_id-another-in-{where}"][0])
            for one in breaks(found.rule, found.variants, found.api, True)
        }
        for where in ("output_item.added", "output_item.done")
    )
    assert "openai-python-responses-iter" in end - start
    assert "langchain-py-responses" in start
