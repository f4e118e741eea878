"""A stream of chat as legacy completions have it: what is odd about it stays."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from streamlab.exchange import Exchange, Segment
from streamlab.wire.payload import decode_payload
from tests.streams import Payload, dump


def completion(payload: Payload) -> Payload:
    """A chunk of chat as a chunk of completions: a choice's text stands where its delta is."""
    made = {**payload, "object": "text_completion"} if payload.get("object") == "chat.completion.chunk" else payload
    if isinstance(payload.get("id"), str):
        made = {**made, "id": payload["id"].replace("chatcmpl-", "cmpl-")}
    if not isinstance(payload.get("choices"), list):
        return made
    return {**made, "choices": [_choice(one) for one in payload["choices"]]}


def _choice(choice: Payload) -> Payload:
    said = choice.get("delta") or {}
    rest = {key: value for key, value in choice.items() if key != "delta"}
    return {"text": said.get("content") or "", **rest}


def as_completions(made: Exchange) -> Exchange:
    """An exchange of chat as one of completions, read event by event as before."""
    assert made.request is not None
    told = re.sub(rb"(?m)^([^\n{]*)(\{.*\})(\n|\Z)", _line(completion), made.body)
    events = re.findall(rb".*?\n\n|.+", told, flags=re.S)
    pieces = events if len(made.segments) > 1 else [told] * bool(told)
    reads = tuple(Segment(200_000 + 10_000 * at, piece) for at, piece in enumerate(pieces))
    end_us = max(made.end_us or 0, (reads[-1].offset_us or 0 if reads else 200_000) + 1_000)
    return replace(
        made, request=replace(made.request, url=made.request.url.replace("/chat/", "/")), segments=reads, end_us=end_us
    )


def _line(change: Callable[[Payload], Payload]) -> Callable[[re.Match[bytes]], bytes]:
    def changed(found: re.Match[bytes]) -> bytes:
        payload: Any = decode_payload(found[2])
        if not payload.ok or not isinstance(payload.value, dict) or "choices" not in payload.value:
            return found[0]
        told = change(payload.value)
        halves = b"\\u" in found[2]  # of a character, perhaps, which only escapes can tell
        return found[1] + (json.dumps(told).encode() if halves else dump(told)) + found[3]

    return changed
