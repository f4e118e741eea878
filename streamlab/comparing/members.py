"""What one event says, as paths and values: its JSON members, and the traits of its framing."""

from __future__ import annotations

from typing import Any

from streamlab.comparing.event_outcomes import FieldDiff, How
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.sse import ServerSentEvent
from streamlab.wire.stream import read_event

#: Members of one event that are told apart.
_MAX_FIELDS = 2_000
_LINE_ENDS = {b"\n": "LF", b"\r\n": "CRLF", b"\r": "CR", b"": "none"}


def members_of(sse: ServerSentEvent) -> tuple[FieldDiff, ...]:
    """The members of an event that passes untouched."""
    members = all_members(read_event(sse), sse.raw)
    return tuple(FieldDiff(path, How.SAME, one, one) for path, one in members.items() if not path.startswith("sse."))


def all_members(event: StreamEvent, raw: bytes) -> dict[str, Any]:
    """Paths and values of what an event says, and the traits of its framing."""
    found: dict[str, Any] = {}
    if isinstance(event, Chunk | ErrorPayload):
        _flatten(event.json, "", found)
    elif isinstance(event, Undecodable) and event.sse.data is not None:
        found["data"] = event.sse.data.decode("utf-8", "replace")
    elif event.sse is None or event.sse.data is not None:
        found["data"] = "[DONE]" if event.sse is None else (event.sse.text or "")
    found.update(_framing(event.sse, raw))
    return found


def flattened(value: Any) -> dict[str, Any]:
    """The scalars and empty containers of a JSON value by path."""
    found: dict[str, Any] = {}
    _flatten(value, "", found)
    return found


def _flatten(value: Any, path: str, into: dict[str, Any]) -> None:
    """Scalars and empty containers by path."""
    stack = [(path, value)]
    while stack and len(into) < _MAX_FIELDS:
        at, one = stack.pop()
        if isinstance(one, dict) and one:
            stack += [(f"{at}.{key}" if at else str(key), inner) for key, inner in reversed(one.items())]
        elif isinstance(one, list) and one:
            stack += [(f"{at}[{number}]", inner) for number, inner in reversed(list(enumerate(one)))]
        else:
            into[at or "data"] = one


def _framing(sse: ServerSentEvent | None, raw: bytes) -> dict[str, Any]:
    if sse is None:
        return {"sse.line end": "LF", "sse.space after colon": True, "sse.data lines": 1}
    lines = list(sse.fields())
    data = [line for line in lines if line.name == b"data"]
    traits: dict[str, Any] = {
        "sse.line end": "+".join(sorted({_LINE_ENDS[line.line.end] for line in lines})),
        "sse.space after colon": all(line.space for line in data),
        "sse.data lines": len(data),
    }
    if sse.has_bom:
        traits["sse.byte order mark"] = True
    if not sse.terminated:
        traits["sse.blank line"] = False
    for name, value in (("event", sse.event), ("id", sse.id), ("retry", sse.retry)):
        if value is not None:
            traits[f"sse.{name}"] = value.decode("utf-8", "replace")
    if sse.comments:
        traits["sse.comment"] = b"\n".join(sse.comments).decode("utf-8", "replace")
    return traits
