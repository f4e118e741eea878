"""A stream of another protocol on its way to chat: nothing that it says is lost, and what it says is no error."""

from __future__ import annotations

import json

import pytest

from streamlab.comparing.reading import read_exchange, texts_of
from streamlab.exchange import Exchange, Request, Segment
from streamlab.repairing.normalizer import normalize
from tests.harm_laws import UNNAMED, broken_laws, untold

GEMINI = [
    {"candidates": [{"content": {"parts": [{"text": "It rains"}], "role": "model"}, "index": 0}], "responseId": "r1"},
    {
        "candidates": [
            {"content": {"parts": [{"text": " in Oslo."}], "role": "model"}, "index": 0, "finishReason": "STOP"}
        ],
        "responseId": "r1",
    },
]
OLLAMA = [
    {"model": "q", "created_at": "2026-11-28T12:00:00Z", "message": {"content": "Hel"}, "done": False},
    {"model": "q", "created_at": "2026-11-28T12:00:00Z", "message": {"content": "lo."}, "done": False},
    {"model": "q", "created_at": "2026-11-28T12:00:00Z", "message": {"content": ""}, "done": True},
]


def _exchange(body: bytes) -> Exchange:
    path = "/api/chat" if b"done" in body else "/v1beta/models/g:streamGenerateContent?alt=sse"
    return Exchange(request=Request("POST", f"http://localhost{path}"), head=None, segments=(Segment(None, body),))


def _told(body: bytes) -> dict[object, str]:
    return texts_of(read_exchange(normalize(_exchange(body)).exchange).items)


def _framed(values, before: bytes = b"") -> bytes:
    return b"".join(before + b"data: " + json.dumps(value).encode() + b"\n\n" for value in values)


@pytest.mark.parametrize("before", [b"", b"event: error\n", b"event: message\n"])
def test_an_answer_under_any_name_is_no_error(before):
    body = _framed(GEMINI, before)
    assert _told(body) == {(0, "content"): "It rains in Oslo."}
    assert not broken_laws(_exchange(body))


@pytest.mark.parametrize("between", [b"\n", b"\n,", b",\n", b"\n , "])
@pytest.mark.parametrize("before", [b"", b",", b"[,"])
def test_objects_that_commas_part_are_a_stream(before, between):
    body = before + between.join(json.dumps(value).encode() for value in OLLAMA) + b"\n"
    assert _told(body) == {(0, "content"): "Hello."}
    assert not broken_laws(_exchange(body))


def test_the_law_sees_what_is_lost():
    made = _exchange(_framed(GEMINI))
    repaired = normalize(made)
    assert untold(made, repaired) == []
    half = _exchange(_framed(GEMINI[:1]))
    assert untold(half, repaired) == ["('content',) by translation"]
    assert UNNAMED not in broken_laws(made)
