"""JSON lines of which one breaks off: the others are an answer, whatever API's they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamlab.interop.reading import read_bytes
from streamlab.repairing.normalizer import normalize
from streamlab.wire.json_values import JsonSplitter
from tests import messages, responses, streams

_PIECES = ("Rivers", " run to", " the", " sea")


def _ollama() -> list[dict[str, Any]]:
    def said(content: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": content}
        return {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": False}

    return [*map(said, _PIECES), {**said(""), "done": True, "done_reason": "stop"}]


_ANSWERS: dict[str, list[Any]] = {
    "chat": streams.chat_text(*_PIECES),
    "messages": messages.text(*_PIECES),
    "responses": responses.text("".join(_PIECES)),
    "ollama": _ollama(),
}


def _text_of(event: Any) -> str | None:
    """The text that one event brings, in any of these APIs."""
    if event.get("choices"):
        return event["choices"][0]["delta"].get("content")
    if "delta" in event:
        return event["delta"] if isinstance(event["delta"], str) else event["delta"].get("text")
    return event["message"]["content"] or None if "done" in event else None


@pytest.mark.parametrize("name", list(_ANSWERS))
@pytest.mark.parametrize("broken", [0, 2], ids=["first", "middle"])
def test_the_others_keep_their_text(name: str, broken: int) -> None:
    events = _ANSWERS[name]
    lines = [messages.dump(event) for event in events]
    texts = [text for at, event in enumerate(events) if at != broken and (text := _text_of(event))]
    assert len(texts) > 2
    for cut in range(1, len(lines[broken]), 11):
        begun = lines[broken][:cut]
        if begun.endswith((b":", b"[")):  # where an object may follow, the next line may be it
            continue
        body = b"\n".join([*lines[:broken], begun, *lines[broken + 1 :]]) + b"\n"
        repaired = normalize(read_bytes("x.ndjson", body)[0]).exchange.body
        data = b"\n".join(line for line in repaired.split(b"\n") if line.startswith(b"data:"))
        assert [text for text in texts if json.dumps(text).encode() not in data] == [], begun


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_are_cut_the_same_however_they_come(size: int) -> None:
    whole = [b'{"a":{"b":"1\\n2"}}', b'{"a":\n{"b":[\n{"c":1},\n{"c":2}]}}', b'{"a":"x\\\n y"}']
    broken = [b'{"a":"tex', b'{"a":1,', b'{"a":"x\\"', b'{"a":{"b":[1],  ']
    lines = [whole[0], *(line for one in broken for line in (one, *whole))]
    body = b"\n".join(lines) + b"\n"
    splitter = JsonSplitter()
    values = [value for at in range(0, len(body), size) for value in splitter.feed(body[at : at + size])]
    assert [value.removesuffix(b"\n") for value in values] == lines
    assert not splitter.stopped
