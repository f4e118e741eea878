"""Mutations of recorded streams: what relays, servers and lossy lines do to one, as numbers that decide everything.

A mutation is three numbers (which, where, what), so that hypothesis shrinks them and a seed repeats them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from streamlab.wire.sse import SSEDecoder
from tests import streams

Events = list[bytes]
Mutation = tuple[int, int, int]

VALUES: tuple[Any, ...] = (
    None, "", "x", "0", 0, 1, 7, -1, 1.5, True, False, [], {}, [None], ["x"], {"x": 1}, [{}], "stop", "assistant",
    "tool_calls", 10**20, " ", "\n", "{", "}", '{"a":1}', "null", "[DONE]", "\u2028", "春",
)  # fmt: skip
FOREIGN = (
    b": keep-alive\n\n",
    b":\n\n",
    b"event: ping\ndata: {}\n\n",
    b'event: metadata\ndata: {"model":"other","id":"m-1"}\n\n',
    b"event: heartbeat\ndata: 1\n\n",
    b'data: {"type":"ping"}\n\n',
    b"data: {}\n\n",
    b"data: \n\n",
    b"data\n\n",
    b"event: error\ndata: {\"message\":\"busy\",\"code\":503}\n\n",
    b'data: {"error":{"message":"busy","code":503}}\n\n',
    b'data: {"warning":"slow"}\n\n',
    b"retry: 3000\n\n",
    b"id: 7\n\n",
    b"WARN slow\n\n",
    b"data: WARN slow\n\n",
    b"data: null\n\n",
    b"data: 42\n\n",
    b"data: [1]\n\n",
    b"data: [DONE]\n\n",
    b"data: [done]\n\n",
    b"event: done\ndata: {}\n\n",
    b'data: {"id":"chatcmpl-keepalive","object":"chat.completion.chunk","created":0,"model":"keepalive",'
    b'"choices":[{"index":0,"delta":{},"finish_reason":null}]}\n\n',
    b'data: {"id":"","object":"","created":0,"model":"","choices":[]}\n\n',
    b"\xff\xfe\n\n",
    b"data: \x00\n\n",
    b"\n\n",
    b"\xef\xbb\xbf",
    b"<html></html>\n",
)  # fmt: skip
JUNK = (b",", b"\x00", b" ", b"x", b"[", b"\xef\xbb\xbf", b"data: ", b"data:", b"1:", b'"', b"event: x\n", b"\t")
SPLICED = (
    b": heartbeat\n\n",
    b": keep-alive\n\n",
    b"\n",
    b"\n\n",
    b"data: ",
    b"\x00",
    b"\xff",
    b"\r\n",
    b"]",
    b"}",
    b'"',
)


def split(body: bytes) -> Events:
    """The events of a body, each with its blank line."""
    decoder = SSEDecoder()
    return [event.raw for event in (*decoder.feed(body), *decoder.finish())]


def _at(events: Events, where: int) -> int:
    return where % len(events)


def _drop(events: Events, at: int, what: int) -> None:
    del events[at]


def _repeat(events: Events, at: int, what: int) -> None:
    events.insert(at + (what % 3), events[at])


def _swap(events: Events, at: int, what: int) -> None:
    other = (at + 1 + what % 3) % len(events)
    events[at], events[other] = events[other], events[at]


def _cut(events: Events, at: int, what: int) -> None:
    """The stream stops inside an event, or after it."""
    events[at:] = [events[at][: what % (len(events[at]) + 1)]]


def _lose(events: Events, at: int, what: int) -> None:
    """Bytes of one event are lost."""
    raw = events[at]
    start = what % (len(raw) + 1)
    events[at] = raw[:start] + raw[start + 1 + what // 7 % 40 :]


def _insert(events: Events, at: int, what: int) -> None:
    events.insert(at, FOREIGN[what % len(FOREIGN)])


def _insert_within(events: Events, at: int, what: int) -> None:
    raw, piece = events[at], SPLICED[what % len(SPLICED)]
    start = what // len(SPLICED) % (len(raw) + 1)
    events[at] = raw[:start] + piece + raw[start:]


def _junk_before(events: Events, at: int, what: int) -> None:
    events[at] = JUNK[what % len(JUNK)] + events[at]


def _merge(events: Events, at: int, what: int) -> None:
    """Two events lose what parts them: the blank line, all line ends, or the next one's field name too."""
    if at + 1 < len(events):
        first, second = events[at].rstrip(b"\r\n"), events.pop(at + 1)
        events[at] = first + (b"\n", b"", b"\r")[what % 3] + (second if what % 2 else second.removeprefix(b"data: "))


def _frame(events: Events, at: int, what: int) -> None:
    raw = events[at]
    kinds: tuple[Callable[[bytes], bytes], ...] = (
        lambda raw: raw.replace(b"data: ", b"data:"),
        lambda raw: raw.replace(b"\n", b"\r\n"),
        lambda raw: raw.replace(b"\n", b"\r"),
        lambda raw: raw.replace(b"data: ", b""),
        lambda raw: raw.replace(b"data: ", b"data: data: "),
        lambda raw: b"event: message\n" + raw,
        lambda raw: b"event: error\n" + raw,
        lambda raw: b"event: delta\n" + raw,
        lambda raw: raw.replace(b"data: ", b"Data: "),
        lambda raw: raw.replace(b"\n\n", b"\n"),
        lambda raw: raw.replace(b"data: {", b"data: [{").replace(b"}\n\n", b"}]\n\n"),
        lambda raw: raw.replace(b'"', b"'"),
        lambda raw: raw.replace(b'\\"', b'"'),
        lambda raw: raw.replace(b",", b",\n"),
        lambda raw: raw.replace(b",", b",\ndata: "),
    )
    events[at] = kinds[what % len(kinds)](raw)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            found += [(*path, key), *_places(value[key], (*path, key))]
    return found


def _json_of(raw: bytes) -> tuple[bytes, Any, bytes] | None:
    head, mark, tail = raw.partition(b"data: ")
    payload, _, rest = tail.partition(b"\n")
    try:
        value = json.loads(payload)
    except ValueError:
        return None
    return (head + mark, value, b"\n" + rest) if isinstance(value, dict) else None


def _change(events: Events, at: int, what: int) -> None:
    """A member gets another value or type, goes, or comes twice over."""
    read = _json_of(events[at])
    places = _places(read[1]) if read is not None else []
    if read is None or not places:
        return
    head, value, rest = read
    path = places[what % len(places)]
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    what //= len(places)
    choice = what % (len(VALUES) + 4)
    if choice < len(VALUES):
        holder[path[-1]] = VALUES[choice]
    elif choice == len(VALUES):
        del holder[path[-1]]
    elif choice == len(VALUES) + 1:
        holder[path[-1]] = [holder[path[-1]]]
    elif choice == len(VALUES) + 2 and isinstance(holder, dict):
        holder[f"{path[-1]}_"] = holder.pop(path[-1])
    elif isinstance(holder[path[-1]], int | float | dict):
        holder[path[-1]] = json.dumps(holder[path[-1]])
    else:
        holder[path[-1]] = str(holder[path[-1]]) * 2
    events[at] = head + streams.dump(value) + rest


# -- what a server does to all events, or to all behind one ------------------------------------------------------------


def _each(events: Events, at: int, change: Callable[[dict[str, Any], int], object]) -> None:
    """Change the JSON of the events from one on; ``change`` is told how many it was given before."""
    for place in range(at, len(events)):
        read = _json_of(events[place])
        if read is not None:
            change(read[1], place - at)
            events[place] = read[0] + streams.dump(read[1]) + read[2]


def _choices(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    listed = chunk.get("choices")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _fragments(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    held = [choice.get("delta") for choice in _choices(chunk)]
    calls = [delta.get("tool_calls") for delta in held if isinstance(delta, dict)]
    return [one for listed in calls if isinstance(listed, list) for one in listed if isinstance(one, dict)]


def _rotate(events: Events, at: int, what: int) -> None:
    """Every fragment of a call, or every event of an item, has an id of its own; some servers repeat the name too, and
    some count the fragments or have no indexes."""
    names = [call["function"]["name"] for raw in events if (read := _json_of(raw)) for call in _fragments(read[1])
             if isinstance(call.get("function"), dict) and call["function"].get("name")]  # fmt: skip

    def change(value: dict[str, Any], number: int) -> None:
        for call in _fragments(value):
            call["id"] = f"call_{number}" if what % 5 else None
            if what % 2 and names and isinstance(call.get("function"), dict):
                call["function"]["name"] = names[0]
            if what % 3 == 0:
                call.pop("index", None)
            elif what % 7 == 0:
                call["index"] = number
        if "item_id" in value:
            value["item_id"] = f"item_{number}"
        if what % 3 == 0:
            value.pop("output_index", None)

    _each(events, at, change)


def _second_choice(events: Events, at: int, what: int) -> None:
    """Another choice goes on in turns with this one; its index is right, missing, or the same."""
    made: Events = []
    for raw in events[at:]:
        made.append(raw)
        read = _json_of(raw)
        if read is not None and _choices(read[1]):
            for choice in _choices(read[1]):
                choice["index"] = (1, 1, 2, None, 0)[what % 5]
            made.append(read[0] + streams.dump(read[1]) + read[2])
    events[at:] = made


def _usage_behind(events: Events, at: int, what: int) -> None:
    """Usage comes in a chunk of its own: behind the finish, behind the end, or among the text, with choices or not."""
    chunk: dict[str, Any] = next((read[1] for raw in events if (read := _json_of(raw)) and _choices(read[1])), {})
    if not chunk:
        return  # of another API
    choices: tuple[Any, ...] = (
        [], None, [{"index": 1, "delta": {}, "finish_reason": None}], [{"index": 0, "delta": {"content": ""}}],
        [{"index": 7, "delta": {"content": None}, "finish_reason": "stop"}], [{}], [{"delta": {"role": "assistant"}}],
        [{"index": 1, "delta": {"content": "a"}, "finish_reason": None}],
    )  # fmt: skip
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    made = {**chunk, "choices": choices[what % len(choices)], "usage": usage}
    events.insert(len(events) - what // 8 % 3 if what % 4 else at, b"data: " + streams.dump(made) + b"\n\n")


def _counting(events: Events, at: int, what: int) -> None:
    """The index of choices, of calls or of blocks counts the events, or is missing from all of them."""

    def change(value: dict[str, Any], number: int) -> None:
        holders = (_choices(value), _fragments(value), [value])[what % 3]
        for one in holders:
            key = "index" if what % 3 != 2 or "index" in value else "output_index"
            if what % 2:
                one.pop(key, None)
            elif key in one:
                one[key] = number

    _each(events, at, change)


def _again(events: Events, at: int, what: int) -> None:
    """The answer starts over: what came comes once more, with its ids or with others."""
    start = what % (at + 1)
    came = events[start : at + 1]
    events[at + 1 : at + 1] = [raw.replace(b'"id":"', b'"id":"9') for raw in came] if what % 2 else came


KINDS: tuple[Callable[[Events, int, int], None], ...] = (
    _change, _change, _change, _drop, _repeat, _swap, _cut, _lose, _insert, _insert, _insert_within, _junk_before,
    _merge, _frame, _change,
    # mutants that are kept say which by its place: what is new comes behind
    _rotate, _second_choice, _usage_behind, _counting, _again,
)  # fmt: skip


def mutated(body: bytes, mutations: Sequence[Mutation]) -> bytes:
    """A body after some mutations, one after the other."""
    events = split(body)
    for which, where, what in mutations:
        if events:
            KINDS[which % len(KINDS)](events, _at(events, where), what)
            events = [event for event in events if event]
    return b"".join(events)
