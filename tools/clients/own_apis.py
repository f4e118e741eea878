"""Deviations that rules of Responses alone, and of Messages alone, tell of: one a form (`Rule.variants`).

`STREAMS` has each by its name in cases.toml, behind that of the API, and beside it the perfect stream: what the same
client is to hold. Those of `tests.responses` and of `tests.messages` are served as they are, under their names there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from streamlab.exchange import Exchange
from tests import messages, responses

Event = dict[str, Any]
Edit = Callable[[list[Event]], Any]
Pair = tuple[Exchange, Exchange]
_GONE = ...
#: How a member can be lacking, in the words of names.
_LACKING: dict[str, Any] = {"absent": _GONE, "null": None, "empty": ""}


def _bent(events: list[Event], *edits: Edit) -> list[Event]:
    events = _copied(events)
    for edit in edits:
        edit(events)
    return events


def _copied(events: list[Event]) -> list[Event]:
    """All of it anew: parts that stand in several events are several."""
    copied: list[Event] = json.loads(json.dumps(events))
    return copied


def _put(path: str, value: Any, *kinds: str, at: int | None = None) -> Edit:
    """Set a member in the events of some types (all without), or in number ``at`` of them; `_GONE` removes it."""

    def edit(events: list[Event]) -> None:
        wanted = [one for one in events if not kinds or one["type"].removeprefix("response.") in kinds]
        for event in wanted if at is None else wanted[at : at + 1]:
            holder: Any = event
            *inner, last = path.split(".")
            for key in inner:
                holder = holder[int(key)] if isinstance(holder, list) else holder.get(key)
                if holder is None:
                    break
            if not isinstance(holder, dict):
                continue
            if value is _GONE:
                holder.pop(last, None)
            elif last in holder or "." in path or kinds:
                holder[last] = value

    return edit


# -- Responses --------------------------------------------------------------------------------------------------------

_TEXT, _CALL, _CALLS, _MIX = responses.text(), responses.tool(), responses.tools(), responses.mix()
_THOUGHT = responses.stream(responses.thought(responses.THOUGHT), responses.message())
_SAID, _OSLO = responses.SAID, responses.OSLO


def _responses(events: list[Event], *edits: Edit) -> Pair:
    bent = _bent(events, *edits)
    return responses.exchange(responses.numbered(bent)), responses.exchange(events)


def _same_numbers(events: list[Event], *edits: Edit) -> Pair:
    return responses.exchange(_bent(events, *edits)), responses.exchange(events)


def _members_of_responses() -> dict[str, Pair]:
    """Members that are absent, null or empty in one kind of event."""
    found: dict[str, Pair] = {}
    parts = ("content_part.added", "output_text.delta", "output_text.done", "content_part.done")
    arguments = ("function_call_arguments.delta", "function_call_arguments.done")
    items, lives = ("output_item.added", "output_item.done"), ("created", "in_progress", "completed")
    listed: list[tuple[str, list[Event], str, tuple[str, ...], tuple[str, ...]]] = [
        ("content-index", _TEXT, "content_index", parts, ("absent", "null")),
        (
            "summary-index",
            _THOUGHT,
            "summary_index",
            tuple(f"reasoning_summary_{one}" for one in ("part.added", "text.delta", "text.done", "part.done")),
            ("absent", "null"),
        ),
        ("item-id", _TEXT, "item_id", parts, ("absent", "null")),
        ("item-id", _CALL, "item_id", arguments, ("absent", "null")),
        ("role", _TEXT, "item.role", items, ("absent", "null", "empty")),
        ("status-of-message", _TEXT, "item.status", items, ("absent", "null")),
        ("status-of-call", _CALL, "item.status", items, ("absent", "null")),
        ("id-of-message", _TEXT, "item.id", items, ("absent", "null", "empty")),
        ("id-of-call", _CALL, "item.id", items, ("absent", "null", "empty")),
        ("content", _TEXT, "item.content", items[:1], ("absent", "null")),
        ("summary", _THOUGHT, "item.summary", items, ("absent", "null")),
        ("response-id", _TEXT, "response.id", lives, ("absent", "null", "empty")),
        ("response", _TEXT, "response", lives, ("absent", "null")),
        ("output", _TEXT, "response.output", lives[:2], ("absent", "null")),
        *((one, _TEXT, f"response.{one}", lives[:1], ("absent", "null")) for one in ("created_at", "model", "object")),
        ("usage", _TEXT, "response.usage", lives[2:], ("null",)),
        *(
            (one, _TEXT, f"response.usage.{one}", lives[2:], ("absent",))
            for one in ("input_tokens", "output_tokens", "total_tokens")
        ),
        ("annotations", _TEXT, "part.annotations", (parts[0], parts[3]), ("absent", "null")),
        ("annotations", _TEXT, "item.content.0.annotations", items[1:], ("absent", "null")),
        ("name", _CALL, "item.name", items, ("absent", "null", "empty")),
        ("call-id", _CALL, "item.call_id", items, ("absent", "null", "empty")),
    ]
    for name, events, path, kinds, hows in listed:
        only = "reasoning" if name == "summary" else "message" if name in ("role", "content") else ""
        for kind in kinds:
            for how in hows:
                bend = _put_in_items(path, _LACKING[how], kind, only) if only else _put(path, _LACKING[how], kind)
                found[f"{name}-{how}-in-{kind}"] = _same_numbers(events, bend)
    return found | _everywhere()


def _everywhere() -> dict[str, Pair]:
    """Members that are absent, null or empty in all that is said of an item, or of the response."""
    found: dict[str, Pair] = {}
    for name, events, member, kind, hows in (
        ("role", _TEXT, "role", "message", ("absent", "null", "empty")),
        ("status-of-message", _TEXT, "status", "message", ("absent", "null")),
        ("status-of-call", _CALL, "status", "function_call", ("absent", "null")),
        ("id-of-message", _TEXT, "id", "message", ("absent", "null", "empty")),
        ("id-of-call", _CALL, "id", "function_call", ("absent", "null", "empty")),
        ("summary", _THOUGHT, "summary", "reasoning", ("absent", "null")),
    ):
        for how in hows:
            bends = [_put_in_items(f"item.{member}", _LACKING[how], one, kind) for one in _ITEM_EVENTS]
            bends.append(_put(f"response.output.0.{member}", _LACKING[how], "completed"))
            bends += [_put("item_id", _LACKING[how])] * (member == "id")
            found[f"{name}-{how}-everywhere"] = _same_numbers(events, *bends)
    lives = ("created", "in_progress", "completed")
    for how in ("absent", "null", "empty"):
        found[f"response-id-{how}-everywhere"] = _same_numbers(_TEXT, _put("response.id", _LACKING[how], *lives))
    for how in ("absent", "null"):
        found[f"response-{how}-everywhere"] = _same_numbers(_TEXT, _put("response", _LACKING[how], *lives))
    alive = {**next(one for one in _TEXT if one["type"] == "response.output_text.delta"), "delta": "\u200b"}
    early = [*_TEXT[:2], {**alive, "item_id": "SSE-Keep-Alive"}, *_TEXT[2:]]
    found["heartbeat-before-items"] = responses.exchange(responses.numbered(early)), responses.exchange(_TEXT)
    return found


_ITEM_EVENTS = ("output_item.added", "output_item.done")


def _put_in_items(path: str, value: Any, kind: str, only: str) -> Edit:
    """As `_put`, in the items of one type alone."""

    def edit(events: list[Event]) -> None:
        for event in events:
            if event["type"] == f"response.{kind}" and event["item"]["type"] == only:
                _put(path, value)([event])

    return edit


def _values_of_responses() -> dict[str, Pair]:
    """Members with another value than they should have."""
    found: dict[str, Pair] = {}
    done, added, completed = "output_item.done", "output_item.added", "completed"
    for member, other in (("name", "get_news"), ("call_id", "call_other")):
        for kind in (added, done):
            found[f"{member}-another-in-{kind}"] = _same_numbers(_CALL, _put(f"item.{member}", other, kind))
    for kind in (added, done):
        found[f"type-another-in-{kind}"] = _same_numbers(_CALL, _put("item.type", "custom_tool_call", kind))
    in_final = "response.output.0"
    for member, value, how in (
        ("call_id", "call_other", "another"),
        ("call_id", "", "empty"),
        ("name", "get_news", "another"),
        ("name", "", "empty"),
        ("arguments", '{"city":"Bergen"}', "others"),
        ("arguments", '{"city":"Osl', "no-json"),
    ):
        found[f"completed-{member}-{how}"] = _same_numbers(_CALL, _put(f"{in_final}.{member}", value, completed))
    both = responses.ANSWERS["text-and-call"]
    for kind, at in (("message", 0), ("call", 1)):
        lacking = _copied(both)
        lacking[-1]["response"]["output"].pop(at)
        found[f"completed-lacks-{kind}"] = responses.exchange(lacking), responses.exchange(both)
        alone, more = (_CALL, responses.message()) if kind == "message" else (_TEXT, responses.call())
        listing = _copied(alone)
        listing[-1]["response"]["output"].append(more)
        found[f"completed-lists-{kind}"] = responses.exchange(listing), responses.exchange(alone)
    found["completed-lacks-reasoning"] = _same_numbers(
        _THOUGHT, _put("response.output", [responses.message()], completed)
    )
    both_listed = [responses.thought(responses.THOUGHT), responses.message()]
    found["completed-lists-reasoning"] = _same_numbers(_TEXT, _put("response.output", both_listed, completed))
    for kind, answer in responses.ANSWERS.items():
        found[f"output-object-{kind}"] = _same_numbers(answer, _put("response.output", {}, completed))
    arguments = {"city": "Oslo"}
    for how, value in (("null", None), ("object", arguments)):
        for kind, path in (
            (added, "item.arguments"),
            ("function_call_arguments.done", "arguments"),
            (done, "item.arguments"),
            (completed, f"{in_final}.arguments"),
        ):
            found[f"arguments-{how}-in-{kind}"] = _same_numbers(_CALL, _put(path, value, kind))
    for events, kind in (
        (_TEXT, "output_text.delta"),
        (_CALL, "function_call_arguments.delta"),
        (_THOUGHT, "reasoning_summary_text.delta"),
    ):
        told = [one["delta"] for one in events if one["type"] == f"response.{kind}"][1]
        found[f"delta-null-in-{kind}"] = _more(events, kind, delta=None)
        found[f"delta-object-in-{kind}"] = _same_numbers(events, _put("delta", {"text": told}, kind, at=1))
    for holder in ("input_tokens_details", "output_tokens_details"):
        found[f"{holder}-empty"] = _same_numbers(_TEXT, _put(f"response.usage.{holder}", {}, completed))
    found["usage-empty-object"] = _same_numbers(_TEXT, _put("response.usage", {}, completed))
    return found


def _more(events: list[Event], kind: str, **members: Any) -> Pair:
    """One event more behind the first of its type, which adds nothing."""
    bent = _copied(events)
    at = next(at for at, one in enumerate(bent) if one["type"] == f"response.{kind}")
    bent.insert(at + 1, {**bent[at], **members})
    return responses.exchange(responses.numbered(bent)), responses.exchange(events)


def _wholes_of_responses() -> dict[str, Pair]:
    """What says another whole than the deltas came to."""
    other, bergen = "Autumn is here.", '{"city":"Bergen"}'
    text_ends: list[Edit] = [
        _put("text", other, "output_text.done"),
        _put("part.text", other, "content_part.done"),
        _put("item.content.0.text", other, "output_item.done"),
        _put("response.output.0.content.0.text", other, "completed"),
    ]
    call_ends: list[Edit] = [
        _put("arguments", bergen, "function_call_arguments.done"),
        _put("item.arguments", bergen, "output_item.done"),
        _put("response.output.0.arguments", bergen, "completed"),
    ]
    cut = _put("delta", "", "function_call_arguments.delta", at=2)
    return {
        "text-other-but-in-deltas": _same_numbers(_TEXT, *text_ends),
        "text-other-in-done": _same_numbers(_TEXT, text_ends[0]),
        "text-other-in-item": _same_numbers(_TEXT, text_ends[2]),
        "text-other-in-item-and-completed": _same_numbers(_TEXT, *text_ends[2:]),
        "arguments-other-but-in-deltas": _same_numbers(_CALL, *call_ends),
        "arguments-other-in-done": _same_numbers(_CALL, call_ends[0]),
        "arguments-other-in-item": _same_numbers(_CALL, call_ends[1]),
        "arguments-other-in-item-and-completed": _same_numbers(_CALL, *call_ends[1:]),
        "arguments-cut-in-deltas": _same_numbers(_CALL, cut),
    }


def _orders_of_responses() -> dict[str, Pair]:
    """Events that are late, missing, or under another name."""
    found: dict[str, Pair] = {}
    for kind, events in (("message", _TEXT), ("call", _CALL)):
        late = _copied(events)
        late[2], late[3] = late[3], late[2]
        found[f"added-late-{kind}"] = responses.exchange(responses.numbered(late)), responses.exchange(events)
    unopened = [one for one in _TEXT if not one["type"].endswith(("item.added", "part.added"))]
    found["never-added-never-opened"] = responses.exchange(responses.numbered(unopened)), responses.exchange(_TEXT)
    found["second-life-call"] = responses.exchange([*_TEXT, *_CALL]), responses.exchange(_TEXT)
    found["deltas-again-message"] = responses.exchange([*_TEXT[:7], *_TEXT[5:7], *_TEXT[7:]]), responses.exchange(_TEXT)
    found["deltas-again-call"] = responses.exchange([*_CALL[:6], *_CALL[4:6], *_CALL[6:]]), responses.exchange(_CALL)
    for member in ("name", "call_id"):
        for how, value in _LACKING.items():
            bends = [_put(f"item.{member}", value, "output_item.done")]
            bends.append(_put(f"response.output.0.{member}", value, "completed"))
            found[f"{member}-{how}-at-last"] = _same_numbers(_CALL, *bends)
    for name, events, until in (
        ("before-anything", _TEXT, 2),
        ("in-text", _TEXT, 6),
        ("in-call", _CALL, 5),
        ("behind-items", _TEXT, -1),
    ):
        found[f"cut-{name}"] = responses.exchange(events[:until]), responses.exchange(events)
    for place in range(3):
        lives = ("created", "in_progress", "completed")
        flat = _copied(_TEXT)
        at = place if place < 2 else -1
        number = flat[at]["sequence_number"]
        flat[at] = {**flat[at]["response"], "type": flat[at]["type"], "sequence_number": number}
        found[f"flat-{lives[place]}"] = responses.exchange(flat), responses.exchange(_TEXT)
    return found


#: Of those of tests.responses that are no whole answer, what they would have been, and of a few others.
_TRUE = {
    **{
        f"reasoning-summary-{how}": responses.exchange(responses.stream(responses.thought(), responses.message()))
        for how in ("missing", "null")
    },
    "cut-told-as-completed": responses.exchange(
        responses.stream(responses.message(status="incomplete"), status="incomplete")
    ),
    "incomplete-without-details": responses.exchange(
        responses.stream(responses.message(status="incomplete"), status="incomplete")
    ),
}


#: Of each of these there is one an answer (`responses.ANSWERS`).
_OF_ANSWERS = ("completed-output-empty-", "only-completed-", "item-done-missing-", "no-deltas-")


def _true_of_responses(name: str, body: bytes) -> Exchange:
    """The perfect stream beside one of tests.responses."""
    if name in _TRUE:
        return _TRUE[name]
    if name in responses.APART:
        return responses.exchange(responses.APART[name][2])
    kinds = reversed(responses.ANSWERS) if name.startswith(_OF_ANSWERS) else ()
    kind = next((kind for kind in kinds if name.endswith(f"-{kind}")), "")
    if kind:
        return responses.exchange(responses.ANSWERS[kind])
    if b"reasoning_text" in body:
        return responses.exchange(_TEXT)
    held = (b'"type":"reasoning"' in body, b'"type":"message"' in body, b'"type":"function_call"' in body)
    if held[0]:
        return responses.exchange(_MIX if held[2] or not held[1] else _THOUGHT)
    if held[1] and held[2]:
        return responses.exchange(responses.ANSWERS["text-and-call"])
    if held[2]:
        return responses.exchange(_CALLS if responses.CALL2.encode() in body or b"Rome" in body else _CALL)
    return responses.exchange(_TEXT)


# -- Messages ---------------------------------------------------------------------------------------------------------

_M_TEXT, _M_CALL, _M_CALLS, _M_THOUGHT = messages.text(), messages.tool(), messages.tools(), messages.thinking()
_OF = {"text": _M_TEXT, "thinking": _M_THOUGHT, "call": _M_CALL}
_MEMBER = {"text": "text", "thinking": "thinking", "call": "partial_json"}


def _messages(events: list[Event], bent: list[Event]) -> Pair:
    return messages.exchange(messages.sse(bent)), messages.exchange(messages.sse(events))


def _block(events: list[Event], kind: str) -> tuple[int, int]:
    """Where the block of a kind is opened and closed."""
    wanted = {"call": "tool_use"}.get(kind, kind)
    first = next(at for at, one in enumerate(events) if one.get("content_block", {}).get("type") == wanted)
    index = events[first]["index"]
    stop = {"type": "content_block_stop", "index": index}
    return first, next(at for at, one in enumerate(events) if one == stop)


def _blocks_of_messages() -> dict[str, Pair]:
    """Starts, ends and indexes of blocks."""
    found: dict[str, Pair] = {}
    for kind, events in _OF.items():
        first, last = _block(events, kind)
        deltas = [at for at in range(first, last) if events[at]["type"] == "content_block_delta"]
        found[f"start-missing-{kind}"] = _messages(events, [*events[:first], *events[first + 1 :]])
        late = [*events[: last - 1], events[last], events[last - 1], *events[last + 1 :]]
        found[f"delta-behind-stop-{kind}"] = _messages(events, late)
        for how, value in (("missing", _GONE), ("null", None)):
            member = "input" if kind == "call" else kind
            bent = _copied(events)
            _put(f"content_block.{member}", value)([bent[first]])
            found[f"start-{member}-{how}"] = _messages(events, bent)
        for how, value in (("missing", _GONE), ("string", str(events[first]["index"]))):
            bent = _copied(events)
            for at in (first, *deltas, last):
                _put("index", value)([bent[at]])
            found[f"index-{how}-{kind}"] = _messages(events, bent)
        member, delta = _MEMBER[kind], events[deltas[0]]
        for how, value in (("missing", _GONE), ("null", None)):
            extra = _copied([delta])[0]
            _put(f"delta.{member}", value)([extra])
            more = [*events[: deltas[1]], extra, *events[deltas[1] :]]
            found[f"delta-{member}-{how}"] = _messages(events, more)
        held = {"path": "/notes/today.md"} if kind == "call" else {"value": events[deltas[1]]["delta"].get(member)}
        one = _copied(events)
        one[deltas[1]]["delta"][member] = held
        found[f"delta-{member}-object"] = _messages(events, one)
        typeless = _copied(events)
        for at in deltas:
            _put("delta.type", _GONE)([typeless[at]])
        found[f"delta-typeless-{kind}"] = _messages(events, typeless)
        each = _copied(events)
        said = [at for at in deltas if member in each[at]["delta"]]
        for at in said:
            each[at]["delta"][member] = {"value": each[at]["delta"][member]}
        found[f"delta-{member}-objects"] = _messages(events, each)
    for how, value in (("missing", _GONE), ("string", None)):
        bent = _copied(_M_CALLS)
        for event in bent:
            if "index" in event:
                _put("index", value if how == "missing" else str(event["index"]))([event])
        found[f"index-{how}-calls"] = _messages(_M_CALLS, bent)
    return found | _more_blocks_of_messages()


def _without(events: list[Event], at: int) -> list[Event]:
    return [*events[:at], *events[at + 1 :]]


def _renumbered(events: list[Event], numbers: dict[int, int]) -> list[Event]:
    return [{**one, "index": numbers.get(one["index"], one["index"])} if "index" in one else one for one in events]


def _more_blocks_of_messages() -> dict[str, Pair]:
    """Blocks that lack their end, have another's index, or come twice."""
    call_then_text = [
        messages.start(),
        messages.opened(0, "tool_use"),
        *messages.typed(0, *messages.PIECES),
        messages.closed(0),
        messages.opened(1),
        *messages.said(1, "I", " look."),
        messages.closed(1),
        messages.ended("tool_use", 40),
        messages.STOP,
    ]
    thought_then_call = [
        *_M_THOUGHT[:6],
        messages.opened(1, "tool_use"),
        *messages.typed(1, *messages.PIECES),
        messages.closed(1),
        messages.ended("tool_use", 40),
        messages.STOP,
    ]
    texts = [*_M_TEXT[:-2], messages.opened(1), *messages.said(1, " And warm."), messages.closed(1), *_M_TEXT[-2:]]
    thought = [*_M_THOUGHT[:6], messages.ended(), messages.STOP]
    again = messages.opened(1, "tool_use")
    swapped = [*_M_CALLS[:6], _M_CALLS[7], _M_CALLS[6], *_M_CALLS[8:]]
    assert _M_CALLS[6]["type"] == "content_block_stop"
    same = {1: 0}
    return {
        "stop-missing-text-last": _messages(_M_TEXT, _without(_M_TEXT, 6)),
        "stop-missing-thinking-last": _messages(thought, _without(thought, 5)),
        "stop-missing-call-last": _messages(_M_CALL, _without(_M_CALL, 10)),
        "stop-missing-text-before": _messages(_M_CALL, _without(_M_CALL, 4)),
        "stop-missing-thinking-before": _messages(_M_THOUGHT, _without(_M_THOUGHT, 5)),
        "stop-missing-call-before": _messages(_M_CALLS, _without(_M_CALLS, 6)),
        "closed-before-deltas": _messages(_M_CALLS, swapped),
        "reused-call-of-call": _messages(_M_CALLS, _renumbered(_M_CALLS, same)),
        "reused-call-of-text": _messages(_M_CALL, _renumbered(_M_CALL, same)),
        "reused-call-of-thinking": _messages(thought_then_call, _renumbered(thought_then_call, same)),
        "reused-text-of-thinking": _messages(_M_THOUGHT, _renumbered(_M_THOUGHT, same)),
        "reused-text-of-call": _messages(call_then_text, _renumbered(call_then_text, same)),
        "reused-text-of-text": _messages(texts, _renumbered(texts, same)),
        "gap-text": _messages(_M_TEXT, _renumbered(_M_TEXT, {0: 1})),
        "gap-thinking": _messages(thought, _renumbered(thought, {0: 1})),
        "gap-call": _messages(_M_CALL, _renumbered(_M_CALL, {1: 2})),
        "call-opened-twice": _messages(_M_CALL, [*_M_CALL[:6], again, *_M_CALL[6:]]),
        "call-opened-in-input": _messages(_M_CALL, [*_M_CALL[:8], again, *_M_CALL[8:]]),
        "thinking-goes-on": _messages(_M_THOUGHT, _prefilled(given="It is ", left=["March."])),
        "thinking-again": _messages(_M_THOUGHT, _prefilled(given="It is ", left=["It is ", "March."])),
        "stop-behind-message-delta": _messages(_M_TEXT, [*_M_TEXT[:6], _M_TEXT[7], _M_TEXT[6], _M_TEXT[8]]),
    }


def _prefilled(given: str, left: list[str]) -> list[Event]:
    start = messages.opened(0, "thinking", thinking=given)
    deltas = [messages.delta(0, "thinking_delta", thinking=piece) for piece in left]
    return [_M_THOUGHT[0], start, *deltas, *_M_THOUGHT[4:]]


def _rest_of_messages() -> dict[str, Pair]:
    """The message itself, its usage, its calls, and how it ends."""
    found: dict[str, Pair] = {}
    for kind, events, until in (
        ("before-blocks", _M_TEXT, 1),
        ("in-text", _M_TEXT, 5),
        ("in-thinking", _M_THOUGHT, 3),
        ("in-call", _M_CALL, 8),
        ("behind-blocks", _M_TEXT, 7),
    ):
        found[f"cut-{kind}"] = _messages(events, events[:until])
    for member in ("id", "name"):
        for how, value in (("missing", _GONE), ("null", None), ("empty", "")):
            bent = _copied(_M_CALL)
            _put(f"content_block.{member}", value)([bent[5]])
            found[f"call-{member}-{how}"] = _messages(_M_CALL, bent)
    no_content = _copied(_M_TEXT)
    _put("message.content", _GONE)([no_content[0]])
    found["content-missing"] = _messages(_M_TEXT, no_content)
    names = {"prompt_tokens": 21, "completion_tokens": 12, "total_tokens": 33}
    for event, at, path in (("message_start", 0, "message.usage"), ("message_delta", 7, "usage")):
        for key in ("input_tokens", "output_tokens"):
            bent = _copied(_M_TEXT)
            _put(f"{path}.{key}", "12")([bent[at]])
            found[f"{key}-string-in-{event}"] = _messages(_M_TEXT, bent)
        foreign = _copied(_M_TEXT)
        _put(path, names)([foreign[at]])
        found[f"openai-usage-in-{event}"] = _messages(_M_TEXT, foreign)
    more = [messages.opened(1), *messages.said(1, " More."), messages.closed(1)]
    found["block-behind-stop"] = _messages(_M_TEXT, [*_M_TEXT, *more])
    found["input-and-a-brace"] = _messages(_M_CALL, messages.tool(*messages.PIECES, "}"))
    typeless = [{key: held for key, held in one.items() if key != "type"} for one in _M_CALL]
    named = b"".join(messages.frame(less, one["type"]) for less, one in zip(typeless, _M_CALL, strict=True))
    found["data-type-missing-call"] = messages.exchange(named), messages.exchange(messages.sse(_M_CALL))
    return found


#: Of those of tests.messages that are no whole answer, what they would have been.
_M_TRUE: dict[str, list[Event]] = {
    "tool-input-null": [one for one in _M_CALL if one.get("delta", {}).get("type") != "input_json_delta"],
    "delta-type-mismatch-json-in-text": [_M_CALL[0], *_renumbered(_M_CALL[5:], {1: 0})],
    "delta-type-mismatch-thinking-in-text": _M_THOUGHT,
    "block-start-missing-tool": _M_CALL,
    "block-type-unknown": _M_TEXT,
    "redacted-thinking-without-data": _M_TEXT,
    "tool-call-as-text": _M_CALL,
    "stop-reason-tool-use-without-block": _M_CALL,
    "think-tags-in-text": _M_THOUGHT,
    "reasoning-as-extra-key": _M_THOUGHT,
    "openai-chunks": messages.text("Spring"),
    "block-after-message-delta": [
        *_M_TEXT[:-2], messages.opened(1), *messages.said(1, " More."), messages.closed(1), *_M_TEXT[-2:],
    ],
    "tool-name-not-in-request": _bent(_M_CALL, _put("content_block.name", "Read_File", "content_block_start", at=1)),
    "delta-type-mismatch-text-in-tool": _bent(_M_CALL, _put("delta.text", " look. Wait.", "content_block_delta", at=1)),
    "delta-type-mismatch-text-in-thinking": _M_TEXT,
    "error-masked-as-end-turn": _M_TEXT,
}  # fmt: skip


def _true_of_messages(name: str, body: bytes) -> Exchange:
    """The perfect stream beside one of tests.messages."""
    events = _M_TRUE.get(name)
    if events is None:
        calls = body.count(b'"type":"tool_use"')
        events = _M_CALLS if calls > 1 and name != "tool-block-restarted" else _M_CALL if calls else None
        events = events or (_M_THOUGHT if b'"type":"thinking"' in body else _M_TEXT)
    costs = re.findall(rb'"output_tokens":(\d+)', body)
    if name in _M_TRUE and costs and name != "error-masked-as-end-turn":
        told = events[-2]["usage"] | {"output_tokens": int(costs[-1])}
        events = [*events[:-2], {**events[-2], "usage": told}, events[-1]]
    return messages.exchange(messages.sse(events))


def _all() -> dict[str, Pair]:
    found: dict[str, Pair] = {}
    for name, case in (responses.CASES | responses.LATER).items():
        found[f"responses.{name}"] = case.exchange, _true_of_responses(name, case.exchange.body)
    for name, one in messages.CASES.items():
        found[f"messages.{name}"] = one.exchange, _true_of_messages(name, one.exchange.body)
    made = _members_of_responses() | _values_of_responses() | _wholes_of_responses() | _orders_of_responses()
    found |= {f"responses.{name}": pair for name, pair in made.items()}
    made = _blocks_of_messages() | _rest_of_messages()
    return found | {f"messages.{name}": pair for name, pair in made.items()}


STREAMS: dict[str, Pair] = _all()
