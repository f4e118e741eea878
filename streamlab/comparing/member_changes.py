"""How two events that belong together differ: in a text, in their members, in their framing, and by which trait."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from streamlab.comparing.comparison import ABSENT, Kind
from streamlab.comparing.reading import Item
from streamlab.wire.sse import ServerSentEvent

_TEXT_MEMBERS = frozenset(
    {"content", "reasoning_content", "reasoning", "thinking", "arguments", "text", "refusal", "delta"}
)
_TOOL_CALL_ID = re.compile(r"tool_calls\[\d+\]\.id\Z")


def text_change(a: str, b: str) -> tuple[Kind, int]:
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    gone, come = len(a) - start - end, len(b) - start - end
    if not come:
        return Kind.TEXT_LOST, gone
    return (Kind.TEXT_CHANGED, max(gone, come)) if gone else (Kind.TEXT_ADDED, come)


def member_kind(path: str, a: Any, b: Any) -> Kind | None:
    """The kind of a member's difference; None for text, which is told by its characters."""
    leaf = path.rpartition(".")[2]
    if leaf in _TEXT_MEMBERS and (_full_text(a) or _full_text(b)) and _textual(a) and _textual(b):
        return None
    if b is ABSENT and _nothing(a):
        return Kind.NULL_DROPPED
    if a is ABSENT and _nothing(b):
        return Kind.NULL_ADDED
    if leaf == "finish_reason":
        return Kind.FINISH_REASON_CHANGED
    if path in ("id", "created", "model"):
        return {"id": Kind.ID_CHANGED, "created": Kind.CREATED_CHANGED, "model": Kind.MODEL_CHANGED}[path]
    if _TOOL_CALL_ID.search(path):
        return Kind.TOOL_CALL_ID_CHANGED
    if path.startswith("usage"):
        return Kind.USAGE_CHANGED
    return Kind.MEMBER_LOST if b is ABSENT else Kind.MEMBER_ADDED if a is ABSENT else Kind.MEMBER_CHANGED


def _full_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _textual(value: Any) -> bool:
    return value is None or value is ABSENT or isinstance(value, str)


def _nothing(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def member_differences(a: Any, b: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where two JSON values differ: path, and what stands there (`ABSENT` where nothing does)."""
    waiting: list[tuple[str, Any, Any]] = [("", a, b)]
    while waiting:
        path, mine, theirs = waiting.pop()
        if type(mine) is dict and type(theirs) is dict:
            for key in reversed(dict.fromkeys((*mine, *theirs))):
                inner = f"{path}.{key}" if path else key
                waiting.append((inner, mine.get(key, ABSENT), theirs.get(key, ABSENT)))
        elif type(mine) is list and type(theirs) is list and len(mine) == len(theirs):
            waiting += [(f"{path}[{at}]", mine[at], theirs[at]) for at in reversed(range(len(mine)))]
        elif mine != theirs or type(mine) is not type(theirs):
            yield path, mine, theirs


def frame_of(sse: ServerSentEvent) -> dict[str, str]:
    """How an event is framed, in words; what is not there is "none"."""
    if sse.plain:
        return _PLAIN
    ends = {line.end for line in sse.lines()} - {b""}
    data = [one for one in sse.fields() if one.name == b"data"]
    return {
        "line ends": "/".join(sorted(_LINE_ENDS[end] for end in ends)),
        "after the colon": "a space" if all(one.space for one in data) else "no space",
        "data lines": str(len(data)),
        "event": _word(sse.event),
        "id": _word(sse.id),
        "retry": _word(sse.retry),
    }


_LINE_ENDS = {b"\n": "LF", b"\r\n": "CRLF", b"\r": "CR"}
_PLAIN = {
    "line ends": "LF", "after the colon": "a space", "data lines": "1", "event": "none", "id": "none", "retry": "none",
}  # fmt: skip


def _word(value: bytes | None) -> str:
    return "none" if value is None else value.decode("utf-8", "replace")


_LONG_LINE = 64 * 1024


def trait_of(lost: Sequence[Item], kept: Sequence[Item]) -> str:
    """What all lost events have in common and no kept one has: the likely mechanism; "" when nothing stands out."""
    counted = [item for item in lost if item.kind not in ("comment", "done")]
    if not counted:
        return ""
    for words, has in _TRAITS:
        if all(has(item) for item in counted) and not any(has(item) for item in kept):
            return words
    first = counted[0]
    if len(first.sse.raw) > _LONG_LINE and not any(one.number > first.number for one in kept if one.kind != "done"):
        return "everything from a line over 64 KiB on"
    return ""


def _no_space(item: Item) -> bool:
    return any(one.name == b"data" and not one.space for one in item.sse.fields())


_TRAITS = (
    ("each of them has no space after `data:`", _no_space),
    ("each of them is a line over 64 KiB", lambda item: len(item.sse.raw) > _LONG_LINE),
    ("each of them has several data lines", lambda item: b"\n" in (item.sse.data or b"")),
    ("each of them is no JSON", lambda item: item.kind == "undecodable"),
    (
        "each of them has an empty `choices`",
        lambda item: not item.made and any(one.get("choices") == [] for one in item.values()),
    ),
)
