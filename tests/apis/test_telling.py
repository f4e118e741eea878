"""Chat is told without the other APIs being loaded, and what is told is what asking all of them gives."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from streamlab.apis import known, telling
from streamlab.exchange import ResponseHead
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.wire.payload import decode_payload

_ROOT = Path(__file__).parents[2]
_EXCHANGES = [read_exchange_dir(one.parent) for one in sorted((_ROOT / "corpus").rglob("exchange.json"))]
_CHUNK: dict[str, Any] = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "a"}}]}


def _objects() -> list[Any]:
    lines = {line for one in _EXCHANGES for line in one.body.splitlines() if line.startswith(b"data:")}
    found = [decode_payload(line[5:].strip()).value for line in sorted(lines)]
    odd = [
        {**_CHUNK, **dict(zip(("type", "object", "jsonrpc"), values, strict=True))}
        for values in product(
            ("response.created", "ping", "speech.audio", "transcript.text", "message_start", "session.x", None),
            ("response", "text_completion", "chat.completion.chunk", "thread.run", "list"),
            ("2.0", None),
        )
    ]
    other = [{**_CHUNK, "choices": choices} for choices in ([], None, {}, [None], [{"text": ""}], [{"message": {}}])]
    return [*found, _CHUNK, *odd, *other, None, [], "x", 1]


def test_an_object_is_of_the_api_that_all_would_say():
    objects = _objects()
    assert len(objects) > 1000
    for value in objects:
        assert telling.api_of_json(value) is known.api_of_json(value), value


@pytest.mark.parametrize(
    "begin", ["", "/", "//", "http:/", "http://", "http://h", "http://h/x", "http://[", "http://[::1]"]
)
def test_a_path_is_of_the_api_that_all_would_say(begin):
    ends = [end for api in known.APIS for end in (*api.path_ends, api.path)]
    for end, slash, more in product(
        (*ends, "/v1/threads/x/runs", ""), ("", "/", "/v1/"), ("", "/", "?a=b", "#c", "]", ";p", " ", "\n")
    ):
        url = begin + slash + end.lstrip("/") + more
        assert telling.api_of_path(url) is known.api_of_path(url), url


def test_a_head_and_a_beginning_are_of_the_api_that_all_would_say():
    heads = [one.head for one in _EXCHANGES] + [
        ResponseHead(200, ((name, value),))
        for name, value in product(
            ("content-type", "Content-Type", "X-Vercel-AI-UI-Message-Stream", "x-vercel-ai-data-stream", "x"),
            ("text/event-stream", " Application/vnd.Amazon.eventstream", "v1"),
        )
    ]
    for head in heads:
        assert telling.api_of_head(head) is known.api_of_head(head)
    for first, length in product(range(256), (0, 1, 16)):
        start = bytes((first, 0, 0, length, 0, 0, 0, 0)) + b"\0\0\0\0\x0d:event-type"
        assert telling.api_of_bytes(start) is known.api_of_bytes(start)
        assert telling.api_of_bytes(start[:length]) is known.api_of_bytes(start[:length])
