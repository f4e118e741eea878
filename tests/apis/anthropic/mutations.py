"""Messages streams that nobody wrote: perfect, lawful and deviating ones with a few random mutations on top.

`mutated` makes the exchange of a number, always the same one. What it bends: whole events, members, indexes, tool
input that grows, the words of the end, usage, and the framing of one event or of all.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from streamlab.exchange import Ending, Exchange
from tests import messages

Events = list[dict[str, Any]]
_JUNK: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 2, 1.5, 10**20, "", "x", "0", "{}", '{"a":1}', "null", [], {}, [{}], {"a": 1}),
    *("text", "thinking", "tool_use", "text_delta", "thinking_delta", "input_json_delta", "signature_delta"),
    *("message_start", "end_turn", "<think>", "</think>", '<invoke name="read_file">', "[DONE]"),
)
_KEYS = (
    *("text", "thinking", "signature", "partial_json", "type", "index", "id", "name", "input", "usage", "error"),
    *("stop_reason", "content", "reasoning_content", "delta", "message", "content_block"),
)
_WORDS = ("end_turn", "tool_use", "stop", "tool_calls", "max_tokens", None, "", "new_reason", 1)
_COUNTS: tuple[Any, ...] = (
    *(None, {}, {"input_tokens": 0, "output_tokens": 0}, {"prompt_tokens": 3, "completion_tokens": 4}),
    *({"input_tokens": "5", "output_tokens": "1"}, {"output_tokens": 0}),
)


def _events_of(exchange: Exchange) -> Events:
    found = []
    for line in exchange.body.splitlines():
        try:
            value = json.loads(line.removeprefix(b"data: "))
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


STREAMS: list[Events] = [
    *(messages.text(), messages.tool(), messages.tools(), messages.thinking()),
    *(events for one in messages.LAWFUL.values() if (events := _events_of(one))),
    *(events for case in messages.CASES.values() if (events := _events_of(case.exchange))),
]
_STRANGE: Events = [
    *(event for stream in STREAMS[:4] for event in stream),
    *(messages.PING, messages.ERROR, messages.STOP, messages.ended("tool_use"), messages.ended(None)),
    messages.opened(0, "server_tool_use", id="srvtoolu_1", name="web_search", input={}),
    messages.opened(1, "web_search_tool_result", tool_use_id="srvtoolu_1", content=[]),
    messages.opened(0, "redacted_thinking", data="abc"),
    messages.opened(0, "redacted_thinking"),
    messages.delta(0, "citations_delta", citation={"type": "char_location"}),
    *({"type": "vertex_event"}, {"error": "boom"}, {"error": {"message": "x", "code": 500}}),
    {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": None}]},
]


def mutated(number: int) -> Exchange:
    """The exchange of a number."""
    rng = random.Random(number)
    events = deepcopy(rng.choice(STREAMS))
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        if events:
            rng.choice(_MUTATIONS)(events, rng.randrange(len(events)), rng)
    ending = rng.choice((*[Ending.COMPLETE] * 6, Ending.UPSTREAM_CUT, Ending.TIMED_OUT))
    return messages.exchange(_framed(events, rng), ending=ending)


# -- mutations of events ---------------------------------------------------------------------------------------------


def _drop(events: Events, at: int, rng: random.Random) -> None:
    del events[at]


def _double(events: Events, at: int, rng: random.Random) -> None:
    events.insert(at, deepcopy(events[at]))


def _move(events: Events, at: int, rng: random.Random) -> None:
    events.insert(rng.randrange(len(events)), events.pop(at))


def _insert(events: Events, at: int, rng: random.Random) -> None:
    events.insert(at, deepcopy(rng.choice(_STRANGE)))


def _cut(events: Events, at: int, rng: random.Random) -> None:
    del events[at + 1 :]


def _follow(events: Events, at: int, rng: random.Random) -> None:
    events.extend(deepcopy(rng.choice(STREAMS)))


def _junk(events: Events, at: int, rng: random.Random) -> None:
    for holder, key in _member(events[at], rng):
        holder[key] = deepcopy(rng.choice(_JUNK))


def _remove(events: Events, at: int, rng: random.Random) -> None:
    for holder, key in _member(events[at], rng):
        del holder[key]


def _add(events: Events, at: int, rng: random.Random) -> None:
    for holder, _ in _member(events[at], rng):
        if isinstance(holder, dict):
            holder[rng.choice(_KEYS)] = deepcopy(rng.choice(_JUNK))


def _swap(events: Events, at: int, rng: random.Random) -> None:
    other = rng.choice(events)
    for key in [key for key in events[at] if key in other][:1]:
        events[at][key], other[key] = other[key], events[at][key]


def _renumber(events: Events, at: int, rng: random.Random) -> None:
    number = rng.choice((0, 1, 2, "0", None, 5, -1))
    for event in events[at : at + rng.randrange(1, 8)]:
        if "index" in event:
            event["index"] = number


def _grow(events: Events, at: int, rng: random.Random) -> None:
    so_far = ""
    for event in events:
        delta = event.get("delta")
        if isinstance(delta, dict) and isinstance(delta.get("partial_json"), str):
            so_far += delta["partial_json"]
            delta["partial_json"] = so_far


def _word(events: Events, at: int, rng: random.Random) -> None:
    for event in events:
        if isinstance(event.get("delta"), dict) and "stop_reason" in event["delta"]:
            event["delta"]["stop_reason"] = rng.choice(_WORDS)


def _count(events: Events, at: int, rng: random.Random) -> None:
    for holder in (events[at], events[at].get("message")):
        if isinstance(holder, dict) and "usage" in holder:
            holder["usage"] = deepcopy(rng.choice(_COUNTS))


_MUTATIONS: tuple[Callable[[Events, int, random.Random], None], ...] = (
    *(_drop, _double, _move, _insert, _insert, _cut, _follow, _junk, _junk, _junk, _remove, _add, _swap),
    *(_renumber, _grow, _word, _count),
)


def _member(event: dict[str, Any], rng: random.Random) -> Iterator[tuple[Any, Any]]:
    found = list(_members(event))
    if found:
        yield rng.choice(found)


def _members(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in pairs:
        yield value, key
        yield from _members(member)


# -- framing ---------------------------------------------------------------------------------------------------------

_FRAMES = ("no name", "message", "no type", "CRLF", "no space", "comment", "stray line", "text", "")
_ENDS = (*[b""] * 9, b"data: [DONE]\n\n", b"event: data\ndata: [DONE]\n\n")


def _framed(events: Events, rng: random.Random) -> bytes:
    how = rng.choice(_FRAMES) if rng.random() < 0.25 else ""
    one = rng.choice((None, rng.randrange(len(events) or 1)))
    body = b"".join(_frame(event, how if one in (None, at) else "") for at, event in enumerate(events))
    body += rng.choice(_ENDS)
    if body and rng.random() < 0.05:
        at = rng.randrange(len(body))
        body = body[:at] + rng.choice((b"", b"{", b'"', b"\n", b"\\", b"\xff")) + body[at + rng.randrange(3) :]
    return body


def _frame(event: dict[str, Any], how: str) -> bytes:
    if how == "no type":
        name = event.get("type")
        rest = {key: value for key, value in event.items() if key != "type"}
        return messages.frame(rest, name if isinstance(name, str) else None)
    framed = messages.frame(event, {"no name": None, "message": "message"}.get(how, ""))
    if how == "CRLF":
        return framed.replace(b"\n", b"\r\n")
    if how == "no space":
        return framed.replace(b": ", b":", 2)
    return {"comment": b": keep\n\n", "stray line": b"junk\n", "text": b"data: x\n\n"}.get(how, b"") + framed
