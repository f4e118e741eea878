"""Perfect Messages streams, as Anthropic sends them, and every deviation that was measured, made from them.

`text`, `tool`, `tools` and `thinking` give the events of a conforming stream in order; `sse` frames them; `exchange`
wraps bytes into an exchange with request and timing. `CASES` holds each deviation under the name under which clients
were measured on it: the rule that has to speak, the exchange, and what a client should hold (None: beyond repair).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment

Event = dict[str, Any]
MESSAGE_ID, CALL_ID, OTHER_ID = (
    "msg_01Kd7PqWx3RtZs9LmV5nBc2H",
    "toolu_01Aa2Bb3Cc4Dd5Ee6Ff7Gg8H",
    "toolu_01Zz9Yy8Xx7Ww6Vv5Uu4Tt3S",
)
MODEL = "claude-sonnet-5"
SIGNATURE = "EqQBCkYIBxgCKkDx0jY3l2Vq7n"
READ = {
    "name": "read_file",
    "description": "Reads a file",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
}
PATH = '{"path": "/notes/today.md"}'
PIECES = ("", '{"path": ', '"/notes/to', 'day.md"}')
HEADERS = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
INPUT = {"input_tokens": 21, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


def start(**changes: Any) -> Event:
    """message_start; ``changes`` are members of the message, None of them removes one with the value ``...``."""
    message: Event = {
        "model": MODEL,
        "id": MESSAGE_ID,
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": {**INPUT, "output_tokens": 1, "service_tier": "standard"},
    }
    return {"type": "message_start", "message": _changed(message, changes)}


def _changed(value: Event, changes: Event) -> Event:
    return {key: held for key, held in {**value, **changes}.items() if held is not ...}


def opened(index: int, kind: str = "text", **members: Any) -> Event:
    """content_block_start."""
    empty: dict[str, Event] = {
        "text": {"text": ""},
        "thinking": {"thinking": "", "signature": ""},
        "tool_use": {"id": CALL_ID, "name": "read_file", "input": {}},
    }
    block = _changed({"type": kind, **empty.get(kind, {})}, members)
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **members: Any) -> Event:
    """content_block_delta."""
    return {"type": "content_block_delta", "index": index, "delta": _changed({"type": kind}, members)}


def said(index: int, *pieces: str) -> list[Event]:
    """text_delta events."""
    return [delta(index, "text_delta", text=piece) for piece in pieces]


def typed(index: int, *pieces: Any) -> list[Event]:
    """input_json_delta events."""
    return [delta(index, "input_json_delta", partial_json=piece) for piece in pieces]


def closed(index: int) -> Event:
    """content_block_stop."""
    return {"type": "content_block_stop", "index": index}


def ended(reason: Any = "end_turn", tokens: Any = 12, **usage: Any) -> Event:
    """message_delta."""
    counts = _changed({**INPUT, "output_tokens": tokens}, usage)
    return {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": counts}


PING: Event = {"type": "ping"}
STOP: Event = {"type": "message_stop"}
ERROR: Event = {"type": "error", "error": {"details": None, "type": "overloaded_error", "message": "Overloaded"}}


def text(*pieces: str) -> list[Event]:
    """A text answer."""
    pieces = pieces or ("Spring", " is", " here.")
    return [start(), opened(0), PING, *said(0, *pieces), closed(0), ended(), STOP]


def thinking() -> list[Event]:
    """An answer that was thought about."""
    return [
        start(),
        opened(0, "thinking"),
        delta(0, "thinking_delta", thinking="It is "),
        delta(0, "thinking_delta", thinking="March."),
        delta(0, "signature_delta", signature=SIGNATURE),
        closed(0),
        opened(1),
        *said(1, "Spring", " is", " here."),
        closed(1),
        ended(),
        STOP,
    ]


def tool(*pieces: str) -> list[Event]:
    """A few words and a call."""
    return [
        start(),
        opened(0),
        *said(0, "I", " look."),
        closed(0),
        opened(1, "tool_use"),
        *typed(1, *(pieces or PIECES)),
        closed(1),
        ended("tool_use", 40),
        STOP,
    ]


def tools() -> list[Event]:
    """Two calls."""
    return [
        start(),
        opened(0, "tool_use"),
        *typed(0, *PIECES),
        closed(0),
        opened(1, "tool_use", id=OTHER_ID),
        *typed(1, "", '{"path": "/b.md"}'),
        closed(1),
        ended("tool_use", 60),
        STOP,
    ]


def dump(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def frame(event: Any, name: str | None = "") -> bytes:
    """One event; "" stands for the name that its type is, None for no line; bytes are framed as they are."""
    data = event if isinstance(event, bytes) else dump(event)
    if name == "":
        name = event["type"] if isinstance(event, dict) and isinstance(event.get("type"), str) else None
    return (b"event: " + name.encode() + b"\n" if name is not None else b"") + b"data: " + data + b"\n\n"


def sse(events: list[Event]) -> bytes:
    """A whole body."""
    return b"".join(map(frame, events))


def request_for(**extra: Any) -> Request:
    """The request a client would have sent."""
    body = {
        "model": MODEL,
        "max_tokens": 1024,
        "stream": True,
        "messages": [{"role": "user", "content": "What is in my notes?"}],
        "tools": [READ],
        **extra,
    }
    headers = (("content-type", "application/json"), ("anthropic-version", "2023-06-01"))
    return Request("POST", "http://127.0.0.1:8000/v1/messages", headers, dump(_changed(body, {})))


def exchange(
    body: bytes | list[bytes],
    *,
    request: Request | None = None,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = HEADERS,
    ending: Ending = Ending.COMPLETE,
    gaps: dict[int, int] | None = None,
    held_us: int = 1_000,
) -> Exchange:
    """An exchange of these bytes, each event a read, 30 ms apart; ``gaps`` says which reads came how much later."""
    pieces = body if isinstance(body, list) else [part + b"\n\n" for part in body.split(b"\n\n")[:-1]]
    if not isinstance(body, list) and b"".join(pieces) != body:
        pieces = [body] if body else []
    at_us, segments = 170_000, []
    for at, piece in enumerate(pieces):
        at_us += 30_000 + (gaps or {}).get(at, 0)
        segments.append(Segment(at_us, piece))
    return Exchange(
        request=request or request_for(),
        head=ResponseHead(status, headers, 190_000),
        segments=tuple(segments),
        ending=ending,
        end_us=at_us + held_us,
    )


# -- deviations -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One deviation. ``good`` is what a client should hold, as (text, thinking, calls, stop_reason)."""

    rule: str
    exchange: Exchange
    good: tuple[str, str, tuple[tuple[str, Any], ...], str] | None


_SPRING = ("Spring is here.", "", (), "end_turn")
_LOOK = ("I look.", "", (("read_file", {"path": "/notes/today.md"}),), "tool_use")
_TWO = ("", "", (("read_file", {"path": "/notes/today.md"}), ("read_file", {"path": "/b.md"})), "tool_use")
_THOUGHT = ("Spring is here.", "It is March.", (), "end_turn")
CASES: dict[str, Case] = {}


def _case(name: str, rule: str, body: list[Event] | bytes | list[bytes] | Exchange, good: Any = None) -> None:
    made = body if isinstance(body, Exchange) else exchange(sse(body) if _events(body) else body)  # type: ignore[arg-type]
    CASES[name] = Case(rule, made, good)


def _events(body: Any) -> bool:
    return isinstance(body, list) and bool(body) and isinstance(body[0], dict)


def _with(events: list[Event], *edits: Callable[[list[Event]], Any]) -> list[Event]:
    events = deepcopy(events)
    for edit in edits:
        edit(events)
    return events


def _named(events: list[Event], name: Callable[[Event], str | None]) -> bytes:
    return b"".join(frame(event, name(event)) for event in events)


def _put(at: int, path: str, value: Any) -> Callable[[list[Event]], None]:
    """Set a member, or remove it (``...``)."""

    def edit(events: list[Event]) -> None:
        holder: Any = events[at]
        *inner, last = path.split(".")
        for key in inner:
            holder = holder[key]
        if value is ...:
            del holder[last]
        else:
            holder[last] = value

    return edit


def _insert(at: int, *new: Event) -> Callable[[list[Event]], None]:
    def edit(events: list[Event]) -> None:
        events[at:at] = deepcopy(list(new))

    return edit


def _drop(*numbers: int) -> Callable[[list[Event]], None]:
    def edit(events: list[Event]) -> None:
        for at in sorted(numbers, reverse=True):
            del events[at]

    return edit


def _move(old: int, new: int) -> Callable[[list[Event]], None]:
    return lambda events: events.insert(new, events.pop(old))


def _renumber(mapping: dict[int, Any]) -> Callable[[list[Event]], None]:
    def edit(events: list[Event]) -> None:
        for event in events:
            if "index" in event:
                value = mapping.get(event["index"], event["index"])
                if value is ...:
                    del event["index"]
                else:
                    event["index"] = value

    return edit


def _lifecycle() -> None:
    _case("message-start-missing", "messages-start-missing", text()[1:], _SPRING)
    _case("message-start-late", "messages-start-missing", _with(text(), _move(0, 1)), _SPRING)
    _case("bare-message-stop", "messages-start-missing", [STOP])
    _case("message-start-repeated", "messages-start-repeated", _with(text(), _insert(1, start())), _SPRING)
    _case("message-start-repeated-mid", "messages-start-repeated", _with(text(), _insert(4, start())), _SPRING)
    _case("message-delta-missing", "messages-stop-reason-missing", _with(text(), _drop(7)))
    _case("stop-reason-null", "messages-stop-reason-missing", _with(text(), _put(7, "delta.stop_reason", None)))
    on_stop = _with(text(), _put(8, "stop_reason", "end_turn"), _drop(7))
    _case("stop-reason-on-message-stop", "messages-stop-reason-missing", on_stop, _SPRING)
    _case("message-stop-missing", "messages-stop-missing", text()[:-1], _SPRING)
    held = exchange(sse([*text()[:-1], *[PING] * 4]), gaps=dict.fromkeys(range(8, 12), 15000000))
    _case("pings-after-stop-reason", "messages-stop-missing", held, _SPRING)
    _case("truncated-clean-end", "messages-truncated", text()[:5])
    _case("truncated-clean-end-tool", "messages-truncated", tool()[:8])
    _case("message-stop-repeated", "messages-stop-repeated", [*text(), STOP], _SPRING)
    _case("message-delta-repeated", "messages-delta-repeated", _with(text(), _insert(8, ended())), _SPRING)
    wiped = _with(text(), _insert(8, ended(None)))
    _case("message-delta-repeated-null", "messages-delta-repeated", wiped, _SPRING)
    each = _with(text(), _insert(5, ended(None, 3)), _insert(4, ended(None, 2)))
    _case("message-delta-per-token", "messages-delta-repeated", each, _SPRING)
    _case("event-after-message-stop", "messages-event-after-stop", [*text(), *said(0, " More.")])
    _case("delta-after-block-stop", "messages-content-after-close", _with(text(), _move(6, 5)), _SPRING)
    late = [*text()[:-1], opened(1), *said(1, " More."), closed(1), STOP]
    _case("block-after-message-delta", "messages-content-after-close", late, ("Spring is here. More.", *_SPRING[1:]))
    _case(
        "stop-reason-openai",
        "messages-stop-reason-unknown",
        _with(text(), _put(7, "delta.stop_reason", "stop")),
        _SPRING,
    )
    calls = _with(tool(), _put(-2, "delta.stop_reason", "tool_calls"))
    _case("stop-reason-openai-tool", "messages-stop-reason-unknown", calls, _LOOK)
    end_turn = _with(tool(), _put(-2, "delta.stop_reason", "end_turn"))
    _case("stop-reason-end-turn-with-tool", "messages-stop-reason-end-turn-with-tool", end_turn, _LOOK)
    without = _with(text(), _put(7, "delta.stop_reason", "tool_use"))
    _case("stop-reason-tool-use-without-block", "messages-stop-reason-tool-use-without-tool", without)
    masked = _with(text("Spring", " is"), _put(6, "usage.output_tokens", 0))
    _case("error-masked-as-end-turn", "messages-truncation-masked", masked)


def _blocks() -> None:
    _case("block-start-missing", "messages-block-start-missing", _with(text(), _drop(1)), _SPRING)
    _case("block-start-missing-tool", "messages-block-start-missing", _with(tool(), _drop(5)))
    _case("block-stop-missing", "messages-block-stop-missing", _with(text(), _drop(6)), _SPRING)
    _case("block-stop-missing-tool", "messages-block-stop-missing", _with(tool(), _drop(10)), _LOOK)
    _case("block-stop-repeated", "messages-block-stop-repeated", _with(text(), _insert(7, closed(0))), _SPRING)
    _case("block-overlap", "messages-block-overlap", _with(tool(), _move(4, 9)), _LOOK)
    first, second = tools()[1:7], tools()[7:11]
    mixed = [start(), first[0], second[0], *(one for pair in zip(first[1:3], second[1:3], strict=True) for one in pair)]
    mixed += [*first[3:], second[3], *tools()[11:]]
    _case("block-interleaved", "messages-block-overlap", mixed, _TWO)
    _case("block-index-reused", "messages-block-index-reused", _with(tool(), _renumber({1: 0})), _LOOK)
    _case("block-index-reused-tools", "messages-block-index-reused", _with(tools(), _renumber({1: 0})), _TWO)
    _case("block-index-gap", "messages-block-index-gap", _with(tool(), _renumber({1: 2})), _LOOK)
    _case("block-index-from-one", "messages-block-index-gap", _with(tool(), _renumber({0: 1, 1: 2})), _LOOK)
    _case("block-index-missing", "messages-block-index-type", _with(tool(), _renumber({0: ..., 1: ...})), _LOOK)
    _case("block-index-string", "messages-block-index-type", _with(tool(), _renumber({0: "0", 1: "1"})), _LOOK)
    again = opened(1, "tool_use")
    _case(
        "tool-block-restarted", "messages-block-restarted", _with(tool(), _insert(9, again), _insert(8, again)), _LOOK
    )


def _deltas() -> None:
    in_text = [start(), opened(0), *thinking()[2:4], *said(0, "Spring", " is", " here."), closed(0), ended(), STOP]
    _case("delta-type-mismatch-thinking-in-text", "messages-delta-type-mismatch", in_text, _THOUGHT)
    in_thinking = _with(text(), _put(1, "content_block", opened(0, "thinking")["content_block"]))
    _case("delta-type-mismatch-text-in-thinking", "messages-delta-type-mismatch", in_thinking, _SPRING)
    _case("delta-type-mismatch-json-in-text", "messages-delta-type-mismatch", [
        start(), opened(0), *typed(0, *PIECES), closed(0), ended("tool_use"), STOP,
    ])  # fmt: skip
    in_tool = _with(tool(), _insert(8, *said(1, " Wait.")))
    _case("delta-type-mismatch-text-in-tool", "messages-delta-type-mismatch", in_tool, ("I look. Wait.", *_LOOK[1:]))
    wrong = "messages-delta-member-wrong"
    typeless = [_put(at, "delta.type", ...) for at in (3, 4, 5)]
    _case("delta-type-missing", wrong, _with(text(), *typeless), _SPRING)
    _case("text-null", wrong, _with(text(), _insert(3, delta(0, "text_delta", text=None))), _SPRING)
    under_text = [delta(0, "thinking_delta", text=piece) for piece in ("It is ", "March.")]
    _case("thinking-under-text-key", wrong, [*thinking()[:2], *under_text, *thinking()[4:]], _THOUGHT)
    _case("tool-input-object-delta", wrong, [*tool()[:6], *typed(1, {"path": "/notes/today.md"}), *tool()[10:]], _LOOK)
    _case("event-type-unknown", "messages-unknown-type", _with(text(), _insert(4, {"type": "heartbeat"})), _SPRING)
    _case("block-type-unknown", "messages-unknown-type", [
        start(), opened(0, "hologram"), closed(0), opened(1), *said(1, *_WORDS), closed(1), ended(), STOP,
    ], _SPRING)  # fmt: skip
    _case(
        "delta-type-unknown",
        "messages-unknown-type",
        _with(text(), _insert(4, delta(0, "mood_delta", mood="x"))),
        _SPRING,
    )
    beside = _with(text(), _put(3, "delta.reasoning_content", "It is March."))
    _case("reasoning-as-extra-key", "messages-reasoning-extra-key", beside, _SPRING)
    tagged = ("<think>It is March.</think>", "Spring is here.")
    _case("think-tags-in-text", "messages-think-tags-in-text", text(*tagged), ("".join(tagged), *_SPRING[1:]))
    unsaid = [one for one in tool() if one.get("delta", {}).get("type") != "input_json_delta"]
    _case("tool-input-missing", "messages-tool-input-missing", unsaid)
    _case("text-cumulative", "messages-text-cumulative", text("Spring", "Spring is", "Spring is here."))
    _case("text-literal-escapes", "messages-text-literal-escapes", text("Spring.", "\\n", "Summer."))
    _case("text-done-marker", "messages-text-holds-done-marker", text("Spring is here.", "[DONE]"))
    _case("text-nested-event", "messages-text-is-nested-event", text(json.dumps(text()[3])))
    turn_ends = ("Spring is here.", "<|im_end|>")
    _case("markup-in-text", "messages-markup-in-text", text(*turn_ends), ("".join(turn_ends), *_SPRING[1:]))
    _case("signature-missing", "messages-thinking-signature", _with(thinking(), _drop(4)), _THOUGHT)
    _case("signature-early", "messages-thinking-signature", _with(thinking(), _move(4, 3)), _THOUGHT)
    _case("block-start-text-nonempty", "messages-block-start-text", [
        start(), opened(0, text="Spring"), *said(0, " is", " here."), closed(0), ended(), STOP,
    ], _SPRING)  # fmt: skip
    _case(
        "block-start-text-doubled",
        "messages-block-start-text",
        _with(text(), _put(1, "content_block.text", "Spring")),
        _SPRING,
    )
    missing = "messages-block-start-member-missing"
    _case("block-start-text-missing", missing, _with(text(), _put(1, "content_block.text", ...)), _SPRING)
    _case("block-start-thinking-missing", missing, _with(thinking(), _put(1, "content_block.thinking", ...)), _THOUGHT)
    _case("tool-input-missing-in-start", missing, _with(tool(), _put(5, "content_block.input", ...)), _LOOK)
    _case("tool-input-string-in-start", missing, _with(tool(), _put(5, "content_block.input", "")), _LOOK)
    _case("redacted-thinking-without-data", "messages-redacted-thinking-without-data", [
        start(), opened(0, "redacted_thinking"), closed(0), opened(1), *said(1, *_WORDS), closed(1), ended(), STOP,
    ], _SPRING)  # fmt: skip


_WORDS = ("Spring", " is", " here.")


def _inputs() -> None:
    whole = {"path": "/notes/today.md"}
    in_start = _with(tool(), _put(5, "content_block.input", whole), _drop(6, 7, 8, 9))
    _case("tool-input-in-start", "messages-tool-input-in-start", in_start, _LOOK)
    both = _with(tool(), _put(5, "content_block.input", whole))
    _case("tool-input-in-start-and-deltas", "messages-tool-input-in-start", both, _LOOK)
    _case("tool-input-not-json", "messages-tool-input-not-json", tool("", '{"path": "/notes'))
    prefixed = tool("", "{}", *PIECES[1:])
    _case("tool-input-empty-object-prefix", "messages-tool-input-empty-object-prefix", prefixed, _LOOK)
    _case("tool-input-sent-twice", "messages-tool-input-repeated", tool(*PIECES, PATH), _LOOK)
    growing = tool(*(PATH[:at] for at in (0, 5, 14, len(PATH))))
    _case("tool-input-cumulative", "messages-tool-input-repeated", growing, _LOOK)
    _case("tool-input-double-encoded", "messages-tool-input-double-encoded", tool("", json.dumps(PATH)), _LOOK)
    _case("tool-input-not-object", "messages-tool-input-not-object", tool("", '["/notes/today.md"]'))
    empty = ("I look.", "", (("read_file", {}),), "tool_use")
    _case("tool-input-null", "messages-tool-input-not-object", tool("", "null"), empty)
    _case("tool-id-empty", "messages-tool-id-missing", _with(tool(), _put(5, "content_block.id", "")), _LOOK)
    _case("tool-id-missing", "messages-tool-id-missing", _with(tool(), _put(5, "content_block.id", ...)), _LOOK)
    _case("tool-id-repeated", "messages-tool-id-repeated", _with(tools(), _put(7, "content_block.id", CALL_ID)), _TWO)
    _case("tool-name-empty", "messages-tool-name-missing", _with(tool(), _put(5, "content_block.name", "")))
    _case("tool-name-missing", "messages-tool-name-missing", _with(tool(), _put(5, "content_block.name", ...)))
    _case(
        "tool-name-not-in-request",
        "messages-tool-name-not-in-tools",
        _with(tool(), _put(5, "content_block.name", "Read_File")),
    )
    markup = '<invoke name="read_file">\n<parameter name="path">/notes/today.md</parameter>\n</invoke>'
    _case("tool-call-as-text", "messages-tool-call-as-text", text("I look.\n", markup))


def _usage() -> None:
    missing, shape = "messages-usage-missing", "messages-usage-wrong-shape"
    _case("usage-missing-in-message-start", missing, [start(usage=...), *text()[1:]], _SPRING)
    _case("usage-null-in-message-start", missing, [start(usage=None), *text()[1:]], _SPRING)
    _case("usage-missing-in-message-delta", missing, _with(text(), _put(7, "usage", ...)), _SPRING)
    _case("usage-empty-in-message-delta", missing, _with(text(), _put(7, "usage", {})), _SPRING)
    names = {"prompt_tokens": 21, "completion_tokens": 12, "total_tokens": 33}
    foreign = [start(usage={**names, "completion_tokens": 1}), *_with(text(), _put(7, "usage", names))[1:]]
    _case("usage-openai-names", shape, foreign, _SPRING)
    _case("usage-number-as-string", shape, _with(text(), _put(7, "usage.output_tokens", "12")), _SPRING)
    zero = {**dict.fromkeys(INPUT, 0), "output_tokens": 1}
    alone = _put(7, "usage", {"output_tokens": 12})
    _case("usage-input-zero", "messages-usage-input-zero", [start(usage=zero), *_with(text(), alone)[1:]], _SPRING)
    _case("usage-input-only-at-end", "messages-usage-input-zero", [start(usage=zero), *text()[1:]], _SPRING)
    wiped = _with(text(), _put(7, "usage.input_tokens", 0))
    _case("usage-zeroed-at-end", "messages-usage-input-zero", wiped, _SPRING)
    _case("usage-output-zero", "messages-usage-output-wrong", _with(text(), _put(7, "usage.output_tokens", 0)), _SPRING)
    falls = [start(usage={**INPUT, "output_tokens": 30}), *text()[1:]]
    _case("usage-output-not-cumulative", "messages-usage-output-wrong", falls, _SPRING)


def _envelope() -> None:
    flat = {**start()["message"], "type": "message_start"}
    _case("message-fields-flat", "messages-start-shape", [flat, *text()[1:]], _SPRING)
    _case("message-content-null", "messages-start-shape", [start(content=None), *text()[1:]], _SPRING)
    gone = start(type=..., content=..., stop_reason=..., stop_sequence=..., usage=...)
    _case("message-members-missing", "messages-start-shape", [gone, *text()[1:]], _SPRING)
    filled = start(content=[{"type": "text", "text": ""}])
    _case("content-in-message-start", "messages-start-prefilled", [filled, *text()[1:]], _SPRING)
    whole = start(content=[{"type": "text", "text": "Spring is here."}])
    _case("content-only-in-message-start", "messages-start-prefilled", [whole, *text()[7:]], _SPRING)
    early = start(stop_reason="end_turn")
    _case("stop-reason-in-message-start", "messages-start-prefilled", [early, *text()[1:]], _SPRING)
    foreign = "messages-envelope-foreign"
    _case("message-id-missing", foreign, [start(id=...), *text()[1:]], _SPRING)
    _case("message-id-foreign", foreign, [start(id="chatcmpl-9a8b7c"), *text()[1:]], _SPRING)
    _case("message-model-missing", foreign, [start(model=...), *text()[1:]], _SPRING)
    _case("tool-id-foreign", foreign, _with(tool(), _put(5, "content_block.id", "call_a1b2")), _LOOK)
    parts = (({"role": "assistant", "content": ""}, None), ({"content": "Spring"}, None), ({}, "stop"))
    envelope = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": MODEL}
    chunks: list[Any] = [
        {**envelope, "choices": [{"index": 0, "delta": part, "finish_reason": end}]} for part, end in parts
    ]
    _case("openai-chunks", "messages-openai-chunks", b"".join(frame(one, None) for one in [*chunks, b"[DONE]"]))


def _framing() -> None:
    _case("event-lines-missing", "messages-event-line-missing", _named(text(), lambda _: None), _SPRING)
    _case("event-lines-missing-tool", "messages-event-line-missing", _named(tool(), lambda _: None), _LOOK)
    _case("event-name-mismatch", "messages-event-name-mismatch", _named(text(), lambda _: "message"), _SPRING)
    typeless = b"".join(frame({k: v for k, v in one.items() if k != "type"}, one["type"]) for one in text())
    _case("data-type-missing", "messages-data-type-missing", typeless, _SPRING)
    done = "messages-done-marker"
    _case("done-marker", done, sse(text()) + b"data: [DONE]\n\n", _SPRING)
    _case("done-marker-named", done, sse(text()) + b"event: data\ndata: [DONE]\n\n", _SPRING)
    _case("done-marker-no-stop", done, sse(text()[:-1]) + b"data: [DONE]\n\n", _SPRING)


def _errors() -> None:
    half, shape = sse(text()[:5]), "messages-error-shape-wrong"
    _case("error-midstream", "messages-error-in-stream", half + frame(ERROR))
    _case("error-first", "messages-error-in-stream", frame(ERROR))
    plain = {"error": {"message": "Overloaded", "type": "server_error"}}
    _case("error-no-event-line", shape, half + frame(ERROR, None))
    _case("error-no-type", shape, half + frame(plain, None))
    _case("error-named-no-type", shape, half + frame(plain, "error"))
    _case("error-string", shape, half + frame({"type": "error", "error": "Overloaded"}))
    _case("error-plain-text", shape, half + frame(b"Overloaded", "error"))
    _case("error-then-completed", "messages-answer-after-error", half + frame(ERROR) + sse(text()[6:]))


def _timing() -> None:
    minutes = exchange(sse([*text()[:4], *[PING] * 5, *text()[4:]]), gaps=dict.fromkeys(range(4, 9), 20000000))
    _case("silence-with-pings", "messages-pings-only", minutes, _SPRING)


for _family in (_lifecycle, _blocks, _deltas, _inputs, _usage, _envelope, _framing, _errors, _timing):
    _family()

#: Lawful streams that a hasty judge would blame: silent but for information.
LAWFUL: dict[str, Exchange] = {
    "text": exchange(sse(text())),
    "thinking": exchange(sse(thinking())),
    "tool": exchange(sse(tool())),
    "tools": exchange(sse(tools())),
    "pings-anywhere": exchange(sse([PING, PING, *_with(tool(), _insert(11, PING, PING), _insert(6, PING))])),
    "no-blocks": exchange(sse([start(), ended(), STOP])),
    "empty-text": exchange(sse([start(), opened(0), closed(0), ended(), STOP])),
    "no-input": exchange(sse([start(), opened(0, "tool_use"), *typed(0, ""), closed(0), ended("tool_use"), STOP])),
    "output-only": exchange(sse(_with(text(), _put(7, "usage", {"output_tokens": 12})))),
    "padding": exchange(b"".join(frame(dump(one)[:-1] + b"     }", one["type"]) for one in tool())),
    "thinking-omitted": exchange(sse(_with(thinking(), _drop(2, 3)))),
    "cited": exchange(
        sse(
            _with(
                text(),
                _put(1, "content_block.citations", []),
                _insert(3, delta(0, "citations_delta", citation={"type": "char_location", "cited_text": "x"})),
            )
        )
    ),
    "max-tokens-in-tool": exchange(sse(_with(tool("", '{"path": "/no'), _put(-2, "delta.stop_reason", "max_tokens")))),
    "refusal": exchange(sse(_with(text(), _put(7, "delta.stop_reason", "refusal")))),
    "server-tool": exchange(
        sse(
            [
                start(),
                opened(0, "server_tool_use", id="srvtoolu_01Aa2", name="web_search", input={}),
                *typed(0, "", '{"query": "spring"}'),
                closed(0),
                opened(1, "web_search_tool_result", tool_use_id="srvtoolu_01Aa2", content=[]),
                closed(1),
                opened(2),
                *said(2, "Yes."),
                closed(2),
                ended(input_tokens=1400, server_tool_use={"web_search_requests": 1}),
                STOP,
            ]
        )
    ),
    "called-from-code": exchange(
        sse(
            [
                start(),
                opened(
                    0,
                    "server_tool_use",
                    id="srvtoolu_01Aa2",
                    name="web_search",
                    input={"query": "spring"},
                    caller={"type": "code_execution_20260120", "tool_id": "srvtoolu_01Zz"},
                ),
                closed(0),
                ended(),
                STOP,
            ]
        )
    ),
    "compaction": exchange(
        sse(
            [
                start(),
                opened(0, "compaction", content=None),
                delta(0, "compaction_delta", content="Earlier: sums."),
                closed(0),
                opened(1),
                *said(1, "Yes."),
                closed(1),
                ended(),
                STOP,
            ]
        )
    ),
}
