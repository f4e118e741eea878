"""Responses streams as api.openai.com sends them, and one stream for every measured deviation (`CASES`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from tests import streams

Event = dict[str, Any]
RESPONSE_ID = "resp_68a1f0c2d4b48191a7c3e5f6a7b8c9d0"
MSG, RS, FC, FC2 = "msg_68a1f0c2e5c48191", "rs_68a1f0c2e1a48191", "fc_68a1f0c2e9d48191", "fc_68a1f0c2ea048191"
CALL, CALL2 = "call_a1B2c3D4", "call_e5F6g7H8"
OSLO, ROME = '{"city":"Oslo"}', '{"city":"Rome"}'
SAID, THOUGHT = "Spring is here.", "**Looking** it up"
HEADERS = (("content-type", "text/event-stream; charset=utf-8"), ("transfer-encoding", "chunked"))
TOOL: Event = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}

# -- a conforming stream ----------------------------------------------------------------------------------------------


def response(status: str, output: list[Event] | None = None, **changes: Any) -> Event:
    """The response inside an event that carries one."""
    over = status in ("completed", "incomplete")
    usage = {
        "input_tokens": 21,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens": 17,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 38,
    }
    held: Event = {
        "id": RESPONSE_ID,
        "object": "response",
        "created_at": 1781600000,
        "status": status,
        "background": False,
        "completed_at": 1781600002 if status == "completed" else None,
        "error": None,
        "frequency_penalty": 0.0,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "model": "gpt-5.4",
        "output": output or [],
        "parallel_tool_calls": True,
        "presence_penalty": 0.0,
        "previous_response_id": None,
        "reasoning": {"effort": "low", "summary": "auto"},
        "service_tier": "default" if over else "auto",
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage if over else None,
        "user": None,
        "metadata": {},
    }
    return {key: value for key, value in (held | changes).items() if value is not ...}


def event(kind: str, **members: Any) -> Event:
    """One event; its number comes later."""
    return {"type": kind if kind in ("error", "keepalive") else f"response.{kind}", **members}


def message(text: str = SAID, status: str = "completed", item_id: str = MSG) -> Event:
    """A message that is done."""
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    return {"id": item_id, "type": "message", "status": status, "content": [part], "role": "assistant"}


def call(call_id: str = CALL, arguments: str = OSLO, item_id: str = FC, status: str = "completed") -> Event:
    """A call that is done."""
    return {
        "id": item_id,
        "type": "function_call",
        "status": status,
        "arguments": arguments,
        "call_id": call_id,
        "name": "get_weather",
    }


def thought(*texts: str) -> Event:
    """A reasoning item that is done."""
    return {"id": RS, "type": "reasoning", "summary": [{"type": "summary_text", "text": text} for text in texts]}


def pieces_of(text: str) -> list[str]:
    """A text in a few pieces."""
    size = max(1, -(-len(text) // 3))
    return [text[at : at + size] for at in range(0, len(text), size)]


def item(done: Event, index: int = 0) -> list[Event]:
    """The events of one item."""
    where: Event = {"item_id": done["id"], "output_index": index}
    if done["type"] == "message":
        text, part = done["content"][0]["text"], done["content"][0]
        there = {**where, "content_index": 0}
        inside = [
            event("content_part.added", **there, part={**part, "text": ""}),
            *(event("output_text.delta", **there, delta=one, logprobs=[]) for one in pieces_of(text)),
            event("output_text.done", **there, text=text, logprobs=[]),
            event("content_part.done", **there, part=part),
        ]
        start = {**done, "status": "in_progress", "content": []}
    elif done["type"] == "function_call":
        inside = [
            *(event("function_call_arguments.delta", **where, delta=one) for one in pieces_of(done["arguments"])),
            event("function_call_arguments.done", **where, arguments=done["arguments"]),
        ]
        start = {**done, "status": "in_progress", "arguments": ""}
    else:
        inside, start = [], {**done, "summary": []}
        for number, part in enumerate(done["summary"]):
            there = {**where, "summary_index": number}
            inside += [
                event("reasoning_summary_part.added", **there, part={**part, "text": ""}),
                *(event("reasoning_summary_text.delta", **there, delta=one) for one in pieces_of(part["text"])),
                event("reasoning_summary_text.done", **there, text=part["text"]),
                event("reasoning_summary_part.done", **there, part=part),
            ]
    added = event("output_item.added", output_index=index, item=start)
    return [added, *inside, event("output_item.done", output_index=index, item=done)]


def numbered(events: list[Event], first: int = 0) -> list[Event]:
    """The events, numbered anew."""
    return [{**one, "sequence_number": first + at} for at, one in enumerate(events)]


def stream(*items: Event, status: str = "completed", **changes: Any) -> list[Event]:
    """A whole stream of these items."""
    return numbered(
        [
            event("created", response=response("in_progress")),
            event("in_progress", response=response("in_progress")),
            *(one for index, done in enumerate(items) for one in item(done, index)),
            event(status, response=response(status, deepcopy(list(items)), **changes)),
        ]
    )


def text(said: str = SAID) -> list[Event]:
    """A text answer."""
    return stream(message(said))


def tool() -> list[Event]:
    """One call."""
    return stream(call())


def tools() -> list[Event]:
    """Two calls."""
    return stream(call(), call(CALL2, ROME, FC2))


def mix() -> list[Event]:
    """Reasoning, a text and a call."""
    return stream(thought(THOUGHT), message(), call())


def failed(code: str = "server_error", told: str = "Try again.") -> list[Event]:
    """An error, as OpenAI tells it: twice."""
    error = {"type": code, "code": code, "message": told, "param": None}
    return numbered(
        [
            *stream()[:2],
            event("error", error=error),
            event("failed", response=response("failed", error={"code": code, "message": told})),
        ]
    )


# -- the wire ---------------------------------------------------------------------------------------------------------


def dump(value: Any) -> bytes:
    """JSON as OpenAI writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def frame(value: Any, name: str | None = "") -> bytes:
    """One event; ``name`` None: without an event line, "": its type."""
    data = value if isinstance(value, bytes) else dump(value)
    name = str(value.get("type", "")) if name == "" and isinstance(value, dict) else name
    return (b"event: " + name.encode() + b"\n" if name else b"") + b"data: " + data + b"\n\n"


def sse(events: list[Event]) -> bytes:
    """A whole body."""
    return b"".join(map(frame, events))


def request_for(**extra: Any) -> Request:
    """A request that asks for such a stream."""
    body: Event = {"model": "gpt-5.4", "stream": True, "input": "How is the weather in Oslo?", "tools": [TOOL], **extra}
    return Request("POST", "http://127.0.0.1:8000/v1/responses", (("content-type", "application/json"),), dump(body))


def exchange(
    body: bytes | list[Event],
    *,
    request: Request | None = None,
    headers: tuple[tuple[str, str], ...] = HEADERS,
    status: int = 200,
    ending: Ending = Ending.COMPLETE,
    gaps: dict[int, int] | None = None,
    held_us: int = 12_000,
) -> Exchange:
    """An exchange of the API; ``gaps`` are microseconds to wait before an event."""
    raw = sse(body) if isinstance(body, list) else body
    pieces = [part + b"\n\n" for part in raw.split(b"\n\n")[:-1]]
    if b"".join(pieces) != raw:
        pieces = [raw] if raw else []
    at_us, segments = 170_000, []
    for at, piece in enumerate(pieces):
        at_us += 12_000 + (gaps or {}).get(at, 0)
        segments.append(Segment(at_us, piece))
    return Exchange(
        request=request or request_for(),
        head=ResponseHead(status, headers, 160_000),
        segments=tuple(segments),
        ending=ending,
        end_us=at_us + held_us,
    )


# -- deviations -------------------------------------------------------------------------------------------------------

#: What a client should hold: text, reasoning, calls as (call_id, name, arguments), status.
Held = tuple[str, str, tuple[tuple[str, str, str], ...], str]
_TEXT: Held = (SAID, "", (), "completed")
_CALL: Held = ("", "", ((CALL, "get_weather", OSLO),), "completed")
_TWO: Held = ("", "", ((CALL, "get_weather", OSLO), (CALL2, "get_weather", ROME)), "completed")
_MIX: Held = (SAID, THOUGHT, ((CALL, "get_weather", OSLO),), "completed")


@dataclass(frozen=True)
class Case:
    """One deviation. ``good`` is what a client holds after a safe repair; None where none can give it."""

    rule: str
    exchange: Exchange
    good: Held | None


CASES: dict[str, Case] = {}
Edit = Callable[[list[Event]], Any]


def _case(name: str, rule: str, made: list[Event] | bytes | Exchange, good: Held | None = None) -> None:
    CASES[name] = Case(rule, made if isinstance(made, Exchange) else exchange(made), good)


def _with(events: list[Event], *edits: Edit) -> list[Event]:
    events = deepcopy(events)
    for edit in edits:
        edit(events)
    return events


def _of(events: list[Event], *kinds: str) -> Iterator[Event]:
    return (one for one in events if one["type"].removeprefix("response.") in kinds)


def _put(kind: str, path: str, value: Any, at: int | None = None) -> Edit:
    """Set a member in every event of a type, or in number ``at`` of them; ``...`` removes it."""

    def edit(events: list[Event]) -> None:
        for number, one in enumerate(_of(events, *kind.split())):
            if at is not None and number != at:
                continue
            holder: Any = one
            *inner, last = path.split(".")
            for key in inner:
                holder = holder[int(key)] if isinstance(holder, list) else holder.get(key)
                if holder is None:
                    break
            else:
                _set(holder, last, value)

    return edit


def _set(holder: Any, last: str, value: Any) -> None:
    if value is ...:
        holder.pop(last, None)
    elif isinstance(holder, list):
        holder[int(last)] = value
    else:
        holder[last] = value


def _everywhere(member: str, value: Any, holder: str = "") -> Edit:
    """Set a member in every event that has it, or in every such object of an event."""

    def edit(events: list[Event]) -> None:
        for one in events:
            held = one.get(holder) if holder else one
            if isinstance(held, dict) and member in held:
                _set(held, member, value(held[member]) if callable(value) else value)

    return edit


def _drop(*kinds: str, again: bool = True) -> Edit:
    """Leave events of some types out, and number the others anew."""

    def edit(events: list[Event]) -> None:
        events[:] = [one for one in events if one["type"].removeprefix("response.") not in kinds]
        events[:] = numbered(events) if again else events

    return edit


def _insert(at: int, *new: Event, again: bool = True) -> Edit:
    """Put events before number ``at``."""

    def edit(events: list[Event]) -> None:
        events[at:at] = deepcopy(list(new))
        events[:] = numbered(events) if again else events

    return edit


def _repeat(kind: str) -> Edit:
    """The first event of a type a second time."""

    def edit(events: list[Event]) -> None:
        at = next(at for at, one in enumerate(events) if one["type"] == f"response.{kind}")
        events.insert(at + 1, deepcopy(events[at]))
        events[:] = numbered(events)

    return edit


def _lifecycle() -> None:
    missing, after, order = (
        "responses-terminal-missing",
        "responses-events-after-terminal",
        "responses-lifecycle-order",
    )
    _case("terminal-missing-clean-end", missing, mix()[:-1])
    _case("terminal-missing-cut-in-arguments", missing, tool()[:5])
    _case("terminal-missing-done-instead", missing, sse(text()[:-1]) + b"data: [DONE]\n\n")
    _case("terminal-named-response-done", missing, _with(text(), _put("completed", "type", "response.done")), _TEXT)
    _case("terminal-twice", after, _with(text(), _repeat("completed")), _TEXT)
    again = _with(text("And again."), _everywhere("item_id", f"{MSG}2"), _everywhere("id", f"{MSG}2", "item"))
    _case("second-life-after-terminal", after, [*text(), *again], _TEXT)
    late = text()
    late[-2:] = reversed(late[-2:])
    _case("item-done-after-completed", after, numbered(late), _TEXT)
    _case("created-missing", "responses-created-missing", _with(text(), _drop("created")), _TEXT)
    _case(
        "created-and-in-progress-missing", "responses-created-missing", _with(text(), _drop("created", "in_progress"))
    )
    _case("in-progress-missing", "responses-in-progress-missing", _with(text(), _drop("in_progress")), _TEXT)
    _case("item-added-missing", order, _with(mix(), _drop("output_item.added")))
    _case("part-added-missing", order, _with(mix(), _drop("content_part.added")), _MIX)
    only = [one for one in text() if one["type"].endswith((".created", ".delta", ".completed"))]
    _case("only-deltas", order, numbered(only))
    delta = next(_of(text(), "output_text.delta"))
    _case("delta-after-text-done", order, _with(text(), _insert(8, delta)))
    done = "responses-item-done-missing"
    _case("item-done-missing", done, _with(mix(), _drop("output_item.done")), _MIX)
    inner = ("output_text.done", "content_part.done", "function_call_arguments.done")
    summary = ("reasoning_summary_text.done", "reasoning_summary_part.done")
    _case("inner-dones-missing", "responses-inner-done-missing", _with(mix(), _drop(*inner, *summary)), _MIX)
    whole = [one for one in mix() if "output_index" not in one]
    _case("only-completed", "responses-items-only-in-completed", numbered(whole), _MIX)
    both = stream(thought(THOUGHT), message())
    both.insert(10, both.pop(9))
    _case("items-overlap", "responses-items-overlap", numbered(both), (SAID, THOUGHT, (), "completed"))
    turns = tools()
    turns[2:14] = [one for pair in zip(turns[2:8], turns[8:14], strict=True) for one in pair]
    _case("calls-interleaved", "responses-items-overlap", numbered(turns), _TWO)
    twice = "responses-item-event-repeated"
    _case("item-done-twice", twice, _with(tool(), _repeat("output_item.done")), _CALL)
    _case("item-added-twice", twice, _with(tool(), _repeat("output_item.added")), _CALL)
    replay = text()
    _case("replayed-events", "responses-replayed-events", [*replay[:7], *replay[2:7], *replay[7:]], _TEXT)
    status = "responses-terminal-status"
    _case(
        "completed-status-in-progress", status, _with(mix(), _put("completed", "response.status", "in_progress")), _MIX
    )
    cut = _with(
        stream(message(status="incomplete"), status="incomplete"), _put("incomplete", "type", "response.completed")
    )
    cut[-1]["response"]["status"] = "completed"
    _case("cut-told-as-completed", "responses-incomplete-masked", cut)
    untold = stream(message(status="incomplete"), status="incomplete", incomplete_details=None)
    _case("incomplete-without-details", "responses-incomplete-details-missing", untold)
    _case("empty-success", "silent-empty-success", stream())


def _final() -> None:
    empty, differs = "responses-completed-output-empty", "responses-completed-output-differs"
    missing = "responses-completed-output-missing"
    _case("completed-output-empty", empty, _with(mix(), _put("completed", "response.output", [])), _MIX)
    _case("completed-without-output", missing, _with(mix(), _put("completed", "response.output", ...)), _MIX)
    _case("completed-output-null", missing, _with(mix(), _put("completed", "response.output", None)), _MIX)
    said = _put("completed", "response.output.0.content.0.text", "Autumn is here.")
    _case("completed-other-text", differs, _with(text(), said))
    _case("completed-text-empty", differs, _with(text(), _put("completed", "response.output.0.content.0.text", "")))
    fewer = mix()
    fewer[-1]["response"]["output"].pop()
    _case("completed-lacks-call", differs, fewer)
    more = text()
    more[-1]["response"]["output"].append(call())
    _case("completed-has-extra-call", differs, more)
    _case(
        "completed-other-call-id", differs, _with(tool(), _put("completed", "response.output.0.call_id", "chatcmpl-1"))
    )


def _envelope() -> None:
    gap, reused, ids = "responses-output-index-gap", "responses-output-index-reused", "responses-ids-unstable"
    _case("output-index-gap", gap, _with(mix(), _everywhere("output_index", lambda one: 5 if one == 2 else one)), _MIX)
    _case("output-index-starts-1", gap, _with(text(), _everywhere("output_index", 1)), _TEXT)
    _case("one-output-index", reused, _with(mix(), _everywhere("output_index", 0)), _MIX)
    _case("calls-share-output-index", reused, _with(tools(), _everywhere("output_index", 0)), _TWO)
    _case("response-id-changes", ids, _with(text(), _put("completed", "response.id", "resp_other")), _TEXT)
    rotating = mix()
    for at, one in enumerate(rotating):
        if "item_id" in one:
            one["item_id"] += f"_{at}"
        elif "item" in one:
            one["item"]["id"] += f"_{at}"
    for listed in rotating[-1]["response"]["output"]:
        listed["id"] += "_z"
    _case("item-ids-rotate", ids, rotating, _MIX)
    _case("item-id-changes-at-done", ids, _with(text(), _put("output_item.done", "item.id", "msg_other")), _TEXT)
    same = _everywhere("call_id", CALL, "item")
    _case(
        "call-id-twice",
        "responses-call-id-duplicate",
        _with(tools(), same, _put("completed", "response.output.1.call_id", CALL)),
    )
    twins = _with(tools(), _everywhere("item_id", FC), _everywhere("id", FC, "item"))
    twins[-1]["response"]["output"][1]["id"] = FC
    _case("item-id-twice", "responses-item-id-duplicate", twins, _TWO)
    changed = "responses-item-changed"
    _case("item-done-name-empty", changed, _with(tool(), _put("output_item.done", "item.name", "")), _CALL)
    _case("item-done-call-id-differs", changed, _with(tool(), _put("output_item.done", "item.call_id", "call_other")))
    _case("name-missing-in-added", changed, _with(tool(), _put("output_item.added", "item.name", ...)), _CALL)
    _case("call-id-null-in-added", changed, _with(tool(), _put("output_item.added", "item.call_id", None)), _CALL)
    demo = {"id": "demo_1", "type": "demo_call", "status": "completed"}
    strange = stream(message())
    strange = _with(strange, _everywhere("output_index", 1))
    strange[2:2] = [
        event("output_item.added", output_index=0, item=demo),
        event("output_item.done", output_index=0, item=demo),
    ]
    strange[-1]["response"]["output"].insert(0, demo)
    _case("unknown-item-type", "responses-unknown-item-type", numbered(strange), _TEXT)
    wrong = "responses-content-index-wrong"
    _case("content-index-1", wrong, _with(text(), _everywhere("content_index", 1)), _TEXT)
    _case("content-index-minus-1", wrong, _with(text(), _everywhere("content_index", -1)), _TEXT)
    _case(
        "created-at-float",
        "responses-created-at-float",
        _with(text(), _everywhere("created_at", float, "response")),
        _TEXT,
    )
    number = "responses-sequence-number"
    _case("sequence-missing", number, _with(text(), _everywhere("sequence_number", ...)), _TEXT)
    _case("sequence-starts-1", number, numbered(text(), 1), _TEXT)
    _case("sequence-gap", number, [*text()[:6], *numbered(text()[6:], 7)], _TEXT)
    _case("sequence-restarts-at-end", number, [*text()[:-1], {**text()[-1], "sequence_number": 0}], _TEXT)


def _response() -> None:
    gone = "responses-response-missing"
    _case("completed-without-response", gone, _with(mix(), _put("completed", "response", ...)), _MIX)
    flat = text()
    for at in (0, 1, -1):
        flat[at] = {"type": flat[at]["type"], **flat[at]["response"], "sequence_number": flat[at]["sequence_number"]}
    _case("response-not-nested", gone, flat, _TEXT)
    _case(
        "completed-id-missing",
        "responses-missing-response-id",
        _with(text(), _put("completed", "response.id", ...)),
        _TEXT,
    )
    members = "responses-response-members-missing"
    few = {"id", "object", "created_at", "status", "model"}
    opening = "created in_progress"
    _case("created-response-minimal", members, _with(text(), _few(opening, few)), _TEXT)
    _case("created-without-output", members, _with(text(), _put(opening, "response.output", ...)), _TEXT)
    _case("response-7-members", members, _with(text(), _few(f"{opening} completed", {*few, "output", "usage"})), _TEXT)
    null = [
        _put("created", f"response.{member}", None) for member in ("output", "tools", "metadata", "text", "reasoning")
    ]
    _case("created-members-null", members, _with(text(), *null), _TEXT)
    bare = [_everywhere(member, ..., "response") for member in ("model", "object", "created_at")]
    _case("response-model-object-missing", members, _with(text(), *bare))
    details, usage = "responses-usage-details", "responses-usage-missing"
    holders = ("input_tokens_details", "output_tokens_details")
    for name, value in (("empty", {}), ("absent", ...), ("null", None)):
        edits = [_put("completed", f"response.usage.{holder}", value) for holder in holders]
        _case(f"usage-details-{name}", details, _with(text(), *edits), _TEXT)
    _case(
        "usage-output-details-empty",
        details,
        _with(text(), _put("completed", f"response.usage.{holders[1]}", {})),
        _TEXT,
    )
    _case("usage-null", usage, _with(text(), _put("completed", "response.usage", None)))
    _case("usage-total-missing", usage, _with(text(), _put("completed", "response.usage.total_tokens", ...)), _TEXT)
    _case("usage-empty-object", usage, _with(text(), _put("completed", "response.usage", {})))
    chat = {"prompt_tokens": 21, "completion_tokens": 17, "total_tokens": 38}
    _case(
        "usage-chat-names",
        "responses-usage-chat-names",
        _with(text(), _put("completed", "response.usage", chat)),
        _TEXT,
    )


def _few(kinds: str, members: set[str]) -> Edit:
    """Nothing but these members in the responses of some events."""

    def edit(events: list[Event]) -> None:
        for one in _of(events, *kinds.split()):
            one["response"] = {key: value for key, value in one["response"].items() if key in members}

    return edit


def _items() -> None:
    _case(
        "output-index-missing", "responses-missing-output-index", _with(mix(), _everywhere("output_index", ...)), _MIX
    )
    _case(
        "content-index-missing",
        "responses-missing-content-index",
        _with(text(), _everywhere("content_index", ...)),
        _TEXT,
    )
    both = stream(thought(THOUGHT), message())
    good = (SAID, THOUGHT, (), "completed")
    _case(
        "summary-index-missing", "responses-missing-summary-index", _with(both, _everywhere("summary_index", ...)), good
    )
    ids = "responses-missing-item-id"
    _case("item-id-missing-on-deltas", ids, _with(mix(), _everywhere("item_id", ...)), _MIX)
    nameless = _with(mix(), *(_put(kind, "item.id", ..., 2) for kind in ("output_item.added", "output_item.done")))
    nameless = [without(one, "item_id") if one.get("output_index") == 2 else one for one in nameless]
    _case("call-item-without-id", ids, _with(nameless, _put("completed", "response.output.2.id", ...)), _MIX)
    call_id = "responses-missing-call-id"
    final = "response.output.0.call_id"
    for name, value in (("missing", ...), ("empty", "")):
        edits = [_everywhere("call_id", value, "item"), _put("completed", final, value)]
        _case(f"call-id-{name}", call_id, _with(tool(), *edits))
    part = "content_part.added content_part.done"
    bare = [_put(part, "part.annotations", ...), _put("output_item.done", "item.content.0.annotations", ...)]
    listed = _put("completed", "response.output.0.content.0.annotations", ...)
    _case("annotations-missing", "responses-annotations-missing", _with(text(), *bare, listed), _TEXT)
    _case("logprobs-missing", "responses-logprobs-missing", _with(text(), _everywhere("logprobs", ...)), _TEXT)
    content = "responses-item-content-missing"
    _case(
        "message-added-without-content", content, _with(text(), _put("output_item.added", "item.content", ...)), _TEXT
    )
    _case("message-added-content-null", content, _with(text(), _put("output_item.added", "item.content", None)), _TEXT)
    role, status = "responses-item-role-missing", "responses-item-status-missing"
    for name, rule, members in (
        ("message-role-missing", role, ("role",)),
        ("message-role-status-missing", role, ("role", "status")),
        ("message-status-missing", status, ("status",)),
    ):
        edits = [_everywhere(member, ..., "item") for member in members]
        edits += [_put("completed", f"response.output.0.{member}", ...) for member in members]
        _case(name, rule, _with(text(), *edits), _TEXT)
    bare = [
        _everywhere("status", ..., "item"),
        *(_put("completed", f"response.output.{at}.status", ...) for at in (1, 2)),
    ]
    _case("item-status-missing-all", status, _with(mix(), *bare), _MIX)
    for name, value in (("missing", ...), ("null", None)):
        edits = [_everywhere("summary", value, "item"), _put("completed", "response.output.0.summary", value)]
        untold = stream({**thought()}, message())
        _case(f"reasoning-summary-{name}", "responses-reasoning-summary-missing", _with(untold, *edits), _TEXT)
    objects = [_put("output_item.done", "item.arguments", {"city": "Oslo"})]
    objects += [_put("completed", "response.output.0.arguments", {"city": "Oslo"})]
    _case("arguments-object", "responses-arguments-not-string", _with(tool(), *objects), _CALL)
    _case("part-missing", "responses-missing-required-fields", _with(text(), _put("content_part.done", "part", ...)))


def without(value: Event, *members: str) -> Event:
    """An event without some members."""
    return {key: held for key, held in value.items() if key not in members}


def _deltas() -> None:
    mismatch, whole = "responses-delta-done-mismatch", "responses-no-deltas"
    _case("text-done-differs", mismatch, _with(text(), _put("output_text.done", "text", "Autumn.")))
    bergen = _put("output_item.done", "item.arguments", '{"city":"Bergen"}')
    _case("item-done-arguments-differ", mismatch, _with(tool(), bergen))
    _case("item-done-without-content", mismatch, _with(text(), _put("output_item.done", "item.content", [])))
    once_more = event("output_text.delta", item_id=MSG, output_index=0, content_index=0, delta=SAID, logprobs=[])
    _case("whole-text-as-last-delta", mismatch, _with(text(), _insert(7, once_more)))
    _case("arguments-only-in-done", whole, _with(tool(), _drop("function_call_arguments.delta")), _CALL)
    kinds = ("function_call_arguments.delta", "function_call_arguments.done")
    _case("arguments-only-in-item", whole, _with(tool(), _drop(*kinds)), _CALL)
    _case("text-only-in-done", whole, _with(text(), _drop("output_text.delta")), _TEXT)
    given = _put("output_item.added", "item.arguments", OSLO)
    _case("arguments-in-added-only", "responses-arguments-in-added", _with(tool(), _drop(*kinds), given), _CALL)
    _case("arguments-in-added-and-deltas", "responses-arguments-in-added", _with(tool(), given), _CALL)
    early = "responses-text-in-added"
    _case("text-in-part-added", early, _with(text(), _put("content_part.added", "part.text", SAID)))
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
    _case("item-added-holds-part", early, _with(text(), _put("output_item.added", "item.content", [part])), _TEXT)
    _case("delta-null", "responses-delta-not-string", _with(text(), _put("output_text.delta", "delta", None, 1)), _TEXT)
    held = _put("output_text.delta", "delta", {"text": pieces_of(SAID)[1]}, 1)
    _case("delta-object-with-text", "responses-delta-not-string", _with(text(), held), _TEXT)
    alive = {**once_more, "delta": "\u200b", "item_id": "SSE-Keep-Alive"}
    _case("heartbeat-as-delta", "responses-heartbeat-as-delta", _with(text(), _insert(5, alive)), _TEXT)
    leaked = '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call>'
    _case("call-leaked-as-text", "responses-call-leaked-as-text", text(leaked))
    _case("text-literal-escapes", "responses-text-literal-escapes", text("Spring.\\nSummer."))
    _case("text-done-marker", "responses-text-holds-done-marker", text("Spring is in[DONE]"))
    _case("text-nested-event", "responses-text-is-nested-event", text(3 * json.dumps(text()[4])))
    _case("arguments-not-json", "tool-call-arguments-not-json", stream(call(arguments='{"city":"Oslo"')))
    _case("arguments-doubled", "tool-call-arguments-not-json", stream(call(arguments=OSLO * 2)))
    named = {**call(), "name": "get_wether"}
    _case("name-not-in-tools", "tool-call-name-not-in-tools", stream(named))


def _framing() -> None:
    _case("chat-stream-on-responses", "responses-wrong-api", streams.sse(streams.chat_text(SAID)))
    unknown, foreign = "responses-unknown-event", "responses-keepalive-event"
    _case("terminal-cancelled", unknown, _with(text(), _put("completed", "type", "response.cancelled")))
    _case("unknown-response-event", unknown, _with(text(), _insert(4, event("demo.progress", note="x"))))
    reasoning = {**thought(), "content": [{"type": "reasoning_text", "text": "I count."}]}
    vllm = stream(reasoning, message())
    where = {"item_id": RS, "output_index": 0, "content_index": 0}
    vllm[3:3] = [
        event("reasoning_part.added", **where, part={"type": "reasoning_text", "text": ""}),
        event("reasoning_text.delta", **where, delta="I count."),
        event("reasoning_text.done", **where, text="I count."),
        event("reasoning_part.done", **where, part={"type": "reasoning_text", "text": "I count."}),
    ]
    del vllm[2]["item"]["content"]
    _case("reasoning-part-added", unknown, numbered(vllm), (SAID, "I count.", (), "completed"))
    head, tail = sse(text()[:5]), sse(text()[5:])
    chat = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1781600000, "model": "m", "choices": []}
    for name, between in (
        ("unknown-ping-event", frame({"type": "ping"})),
        ("keepalive-empty-data", b"event: keepalive\ndata: \n\n"),
        ("keepalive-data-without-type", b"event: keepalive\ndata: {}\n\n"),
        ("chat-chunk-inside", frame(chat, None)),
    ):
        _case(name, foreign, head + between + tail, _TEXT)
    _case(
        "type-missing-in-json",
        "responses-type-missing",
        b"".join(frame(without(one, "type"), one["type"]) for one in text()),
        _TEXT,
    )
    names = "responses-event-type-mismatch"
    _case("event-lines-missing", names, b"".join(frame(one, None) for one in text()), _TEXT)
    _case("event-line-message", names, b"".join(frame(one, "message") for one in text()), _TEXT)
    _case("done-sentinel", "responses-done-sentinel", sse(text()) + b"data: [DONE]\n\n", _TEXT)
    _case("json-for-stream", "nonstream-json-for-stream", whole(mix()[-1]["response"]), _MIX)
    _case("blank-lines-missing", "sse-missing-blank-line", sse(text()).replace(b"\n\n", b"\n") + b"\n", _TEXT)
    _case("last-event-unterminated", "sse-unterminated-final-event", exchange(sse(text())[:-1]), _TEXT)


def whole(answer: Event) -> Exchange:
    """An answer that was not streamed, although a stream was asked for."""
    return exchange(dump(answer), headers=(("content-type", "application/json"),))


def _errors() -> None:
    two = failed()
    _case("failed-without-error", "responses-failed-without-error", _with(two, _put("failed", "response.error", None)))
    _case("error-event-only-nested", "responses-error-without-failed", two[:-1])
    flat = {"type": "error", "code": "server_error", "message": "Try again.", "param": None, "sequence_number": 2}
    _case("error-event-only-flat", "responses-error-without-failed", [*two[:2], flat])
    _case("failed-only", "responses-failed-without-error-event", _with(two, _drop("error")))
    chat = {"error": {"message": "Try again.", "type": "server_error", "param": None, "code": None}}
    _case("error-chat-shape", "responses-error-event-shape", sse(two[:2]) + frame(chat, None))


def _timing() -> None:
    _case("idle-silent", "responses-idle-comments-only", exchange(text(), gaps={2: 90_000_000}))
    comments = sse(text()[:2]) + b": ping\n\n" * 4 + sse(text()[2:])
    gaps = dict.fromkeys(range(2, 6), 80_000_000)
    _case("idle-with-comments", "responses-idle-comments-only", exchange(comments, gaps=gaps))


for _family in (_lifecycle, _final, _envelope, _response, _items, _deltas, _framing, _errors, _timing):
    _family()


def _oddities() -> dict[str, Exchange]:
    """What OpenAI itself does."""
    queued = [event("created", response=response("queued")), event("queued", response=response("queued"))]
    resumed = Request("GET", f"http://127.0.0.1:8000/v1/responses/{RESPONSE_ID}?stream=true&starting_after=1")
    listed = {"id": "mcpl_1", "type": "mcp_list_tools", "server_label": "one", "tools": []}
    mcp = stream(message())
    mcp = _with(mcp, _everywhere("output_index", 1))
    mcp[2:2] = [event("output_item.added", output_index=0, item=listed)]
    mcp[-1]["response"]["output"].insert(0, listed)
    twice = stream(thought(THOUGHT), status="incomplete")
    where = {"item_id": RS, "output_index": 0, "summary_index": 0}
    twice[7:7] = [event("reasoning_summary_text.delta", **where, delta=one) for one in ("", THOUGHT)]
    left_open = [one for one in stream(thought(THOUGHT), status="incomplete") if not one["type"].endswith("_text.done")]
    left_open = _with(numbered(left_open), _drop("reasoning_summary_part.done"))
    left_open[-2]["item"]["summary"] = left_open[-1]["response"]["output"][0]["summary"] = []
    empty = stream(message(""))
    hidden = stream(thought(THOUGHT), message())
    for at, one in enumerate(hidden):
        if one.get("item", {}).get("type") == "reasoning":
            one["item"] = {**one["item"], "encrypted_content": f"gAAAA{at}"}
    cut = stream(call(arguments='{"city":"Os', status="incomplete"), status="incomplete")
    pro = _with(text(), _put("output_item.added", "item.status", "completed"))
    limits = [*text(), event("rate_limits.updated", rate_limits=[], sequence_number=len(text()))]
    return {
        "keepalive": exchange(_with(text(), _insert(4, event("keepalive")), _insert(2, event("keepalive")))),
        "rate limits after the end": exchange(limits),
        "in the background": exchange(numbered([*queued, *text()[1:]])),
        "fetched again": exchange(text()[2:], request=resumed),
        "a list of MCP tools left open": exchange(numbered(mcp)),
        "a summary streamed twice": exchange(numbered(twice)),
        "a summary left open": exchange(left_open),
        "a call that was cut": exchange(cut),
        "an empty message": exchange(empty),
        "encrypted content that differs": exchange(hidden),
        "completed when it is added": exchange(pro),
        "an error told twice": exchange(failed()),
        "no numbers, in May 2025": exchange(
            _with(text(), _everywhere("sequence_number", ...), _everywhere("created_at", 1746000000, "response"))
        ),
    }


def _later() -> dict[str, Case]:
    ids, differs = "responses-ids-unstable", "responses-completed-output-differs"
    found = {}
    for place, kind in enumerate(("reasoning", "message", "call")):
        made = _with(mix(), _put("completed", f"response.output.{place}.id", "other"))
        found[f"completed-other-{kind}-id"] = Case(ids, exchange(made), _MIX)
    changed = {"response-other-id": _with(text(), _put("completed", "response.id", "resp_other"))}
    for at, kind in ((1, "message"), (2, "call")):
        changed[f"done-other-{kind}-id"] = _with(mix(), _put("output_item.done", "item.id", "other", at))
        changed[f"item-id-not-of-{kind}"] = [
            {**one, "item_id": f"other_{number}"} if "item_id" in one and one["output_index"] == at else one
            for number, one in enumerate(mix())
        ]
    for name, events in changed.items():
        found[name] = Case(ids, exchange(events), _TEXT if name.startswith("response") else _MIX)
    for name, base, said, good in (("empty", text(), "", _TEXT), ("other", mix(), "Autumn.", _MIX)):
        made = _with(base, _put("created in_progress completed", "response.output_text", said))
        found[f"output-text-{name}"] = Case(differs, exchange(made), good)
    return found | _apart()


#: Answers of one kind, and of two: what is wrong with them costs other clients a text than a call.
ANSWERS: dict[str, list[Event]] = {"text": text(), "call": tool(), "text-and-call": stream(message(), call())}


def _apart() -> dict[str, Case]:
    """What is wrong with a whole answer, by what the answer is."""
    bends: dict[str, tuple[str, Callable[[list[Event]], list[Event]]]] = {
        "completed-output-empty": (
            "responses-completed-output-empty",
            lambda events: _with(events, _put("completed", "response.output", [])),
        ),
        "only-completed": (
            "responses-items-only-in-completed",
            lambda events: numbered([one for one in events if "output_index" not in one]),
        ),
        "item-done-missing": ("responses-item-done-missing", lambda events: _with(events, _drop("output_item.done"))),
        "no-deltas": (
            "responses-no-deltas",
            lambda events: _with(events, _drop("output_text.delta", "function_call_arguments.delta")),
        ),
    }
    held = {"text": _TEXT, "call": _CALL, "text-and-call": (SAID, "", *_CALL[2:])}
    found = {
        f"{name}-{kind}": Case(rule, exchange(bend(deepcopy(answer))), held[kind])
        for name, (rule, bend) in bends.items()
        for kind, answer in ANSWERS.items()
    }
    return found | {name: Case(rule, exchange(made), None) for name, (rule, made, _) in APART.items()}


def _items_apart() -> dict[str, tuple[str, list[Event], list[Event]]]:
    """What is wrong with an item, by what it is and what came before it: the rule, and the perfect stream beside it."""
    delta = next(_of(text(), "output_text.delta"))
    order, changed = "responses-lifecycle-order", "responses-item-changed"
    answers = {
        "message": text(),
        "call": tool(),
        "message-behind-reasoning": stream(thought(THOUGHT), message()),
        "call-behind-reasoning": stream(thought(THOUGHT), call()),
        "call-behind-message": ANSWERS["text-and-call"],
        "calls": tools(),
    }
    bends: dict[str, tuple[str, Edit, tuple[str, ...]]] = {
        "added-twice": ("responses-item-event-repeated", _repeat("output_item.added"), ("message", "call")),
        "done-twice": ("responses-item-event-repeated", _repeat("output_item.done"), ("message", "call")),
        "never-added": (order, _drop("output_item.added"), ("message", "call")),
        "never-opened": (order, _drop("content_part.added"), ("message",)),
        "on-and-on": (order, _insert(8, delta), ("message",)),
        "no-index": ("responses-missing-output-index", _everywhere("output_index", ...), tuple(answers)),
        "one-index": ("responses-output-index-reused", _everywhere("output_index", 0), tuple(answers)[2:]),
        "done-under-another-name": (changed, _put("output_item.done", "item.name", "get_news"), ("call",)),
        "done-under-no-call-id": (changed, _put("output_item.done", "item.call_id", ""), ("call",)),
        "done-as-another-type": (changed, _put("output_item.done", "item.type", "custom_tool_call"), ("call",)),
        "text-after-end": ("responses-events-after-terminal", _insert(99, delta), ("message",)),
        "null-call-id": ("responses-missing-call-id", _everywhere("call_id", None, "item"), ("call",)),
        "output-object": ("responses-completed-output-missing", _put("completed", "response.output", {}), ("message",)),
    }
    found = {
        f"{name}-{kind}": (rule, _with(deepcopy(answers[kind]), edit), answers[kind])
        for name, (rule, edit, kinds) in bends.items()
        for kind in kinds
    }
    for kind, at in (("message", 7), ("call", 5)):
        events = answers[kind]
        found[f"replayed-{kind}"] = "responses-replayed-events", [*events[:at], *events[2:at], *events[at:]], events
    return found


APART = _items_apart()


#: Cases beside `CASES`, out of which mutants are drawn by their number.
LATER: dict[str, Case] = _later()
#: Lawful streams that a hasty judge would blame: silent but for information.
LAWFUL: dict[str, Exchange] = {
    "text": exchange(text()),
    "a call": exchange(tool()),
    "two calls": exchange(tools()),
    "reasoning, text and a call": exchange(mix()),
    "cut in the text": exchange(stream(message(status="incomplete"), status="incomplete")),
    "comments": exchange(sse(text()[:4]) + b": ping\n\n" + sse(text()[4:])),
    "silence for a second": exchange(text(), gaps={2: 1_000_000}),
    **_oddities(),
}
