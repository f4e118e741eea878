"""Deviations that rules of every API tell of, on streams of Responses, of Messages and of legacy completions.

They are named as those of chat are in `deviations`, behind the API's name: ``responses.crlf``, ``messages.crlf``.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from tests import messages, responses, streams

#: A text with a character of four bytes.
_WIDE = ("Spring is 🌸", " is", " here.")
_FLOWER = "🌸".encode()
_HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
_SSE, _CHUNKED, _JSON = (
    ("content-type", "text/event-stream; charset=utf-8"),
    ("transfer-encoding", "chunked"),
    ("content-type", "application/json"),
)


class _Told(NamedTuple):
    """An API's own streams: ``plain`` and ``wide`` are perfect bodies, ``whole`` is an answer that is no stream,
    ``error`` what the body of an error is, ``member`` the key that each event with text has,
    ``cut`` how many events come of a text that breaks off."""

    asked: Request
    plain: bytes
    wide: bytes
    whole: Any
    error: Any
    member: bytes = b'"delta":'
    cut: int = 5

    def made(
        self,
        pieces: list[bytes],
        headers: tuple[tuple[str, str], ...] = (_SSE, _CHUNKED),
        ending: Ending = Ending.COMPLETE,
        held_us: int = 1_000,
    ) -> Exchange:
        """An exchange of these reads, 30 ms apart."""
        reads = tuple(Segment(200_000 + 30_000 * at, piece) for at, piece in enumerate(pieces))
        end_us = (reads[-1].offset_us or 0 if reads else 200_000) + held_us
        head = ResponseHead(200, headers, 190_000)
        return Exchange(request=self.asked, head=head, segments=reads, ending=ending, end_us=end_us)


_APIS = {
    "responses": _Told(
        responses.request_for(),
        responses.sse(responses.text()),
        responses.sse(responses.text("".join(_WIDE))),
        responses.response("completed", [responses.message()]),
        {"error": {"message": "The server had an error", "type": "server_error", "param": None, "code": None}},
    ),
    "completions": _Told(
        streams.request_for(path="/v1/completions"),
        streams.sse(streams.completions_text()),
        streams.sse(streams.completions_text(*_WIDE)),
        {
            **streams.completions_text()[-1],
            "choices": [{"text": "Spring is here.", "index": 0, "logprobs": None, "finish_reason": "stop"}],
            "usage": streams.USAGE,
        },
        {"error": {"message": "The server had an error", "type": "server_error", "param": None, "code": None}},
        b'"text":',
        cut=3,
    ),
    "messages": _Told(
        messages.request_for(),
        messages.sse(messages.text()),
        messages.sse(messages.text(*_WIDE)),
        {
            **messages.start()["message"],
            "content": [{"type": "text", "text": "Spring is here."}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 25, "output_tokens": 12},
        },
        {"type": "error", "error": {"type": "api_error", "message": "The server had an error"}},
    ),
}


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def _events(body: bytes) -> list[bytes]:
    """The parts of a body that end in an empty line, and what is left behind them."""
    return re.findall(rb".*?\n\n|.+", body, flags=re.S)


def _between(body: bytes, event: bytes, at: int = 3) -> bytes:
    """Other bytes before an event."""
    events = _events(body)
    return b"".join([*events[:at], event, *events[at:]])


def _each_data(body: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Every event's ``data:`` line as ``change`` writes its payload."""
    return re.sub(rb"^data: (\{.*)$", lambda found: change(found[1]), body, flags=re.M)


def _over_lines(data: bytes) -> bytes:
    return b"\n".join(b"data: " + line for line in json.dumps(json.loads(data), indent=1).encode().splitlines())


def _split_in_two(body: bytes, text: bytes) -> bytes:
    """The JSON that holds a text, torn into two events in the middle of it."""
    return body.replace(text, text[:1] + b"\n\ndata: " + text[1:], 1)


def _of_headers(told: _Told) -> dict[str, Exchange]:
    """What status, headers and the kind of body say."""
    made, plain = told.made, told.plain
    kinds = {
        "json-error-200": (_dump(told.error), _JSON),
        "json-nonstream": (_dump(told.whole), _JSON),
        "html-200": (_HTML, ("content-type", "text/html")),
        "text-200": (b"upstream connect error or disconnect/reset before headers", ("content-type", "text/plain")),
        "ct-json": (plain, _JSON),
        "ct-plain": (plain, ("content-type", "text/plain; charset=utf-8")),
        "ct-latin1": (told.wide, ("content-type", "text/event-stream; charset=iso-8859-1")),
    }
    found = {name: made([body], headers=(kind, _CHUNKED)) for name, (body, kind) in kinds.items()}
    length = str(len(plain) + 40)
    coded = (_SSE, _CHUNKED, ("content-encoding", "gzip"))
    return {
        **found,
        "ct-missing": made([plain], headers=(_CHUNKED,)),
        "empty-200": made([], headers=(_SSE, _CHUNKED)),
        "gzip": made([gzip.compress(plain)], headers=coded),
        "gzip-mislabelled": made([plain], headers=coded),
        "gzip-members": made([gzip.compress(one) for one in _events(plain)], headers=coded),
        "content-length-too-long": made(
            [plain], headers=(_SSE, ("content-length", length)), ending=Ending.UPSTREAM_CUT
        ),
        "abort-fin": made(_events(plain)[: told.cut], ending=Ending.UPSTREAM_CUT),
    }


def _of_lines(told: _Told) -> dict[str, bytes]:
    """How events are framed."""
    plain = told.plain
    return {
        "bom": b"\xef\xbb\xbf" + plain,
        "crlf": plain.replace(b"\n", b"\r\n"),
        "cr-only": plain.replace(b"\n", b"\r"),
        "data-no-space": plain.replace(b"data: ", b"data:"),
        "multiline-data": _each_data(plain, _over_lines),
        "single-newline": plain.replace(b"\n\n", b"\n"),
        "raw-newline-in-json": plain.replace(b" is", b" \nis"),
        "ndjson": b"".join(re.findall(rb"^data: (\{.*\n)", plain, flags=re.M)),
        "double-data-prefix": _each_data(plain, lambda data: b"data: data: " + data),
        "last-event-no-blank": plain[:-2],
        "field-order": re.sub(rb"^(event: .*)\n(data: .*)$", rb"\2\n\1", plain, flags=re.M),
        "space-before-colon": plain.replace(b"data: ", b"data : "),
        "leading-space": plain.replace(b"data: ", b" data: "),
        "uppercase-field": plain.replace(b"data: ", b"Data: "),
        "id-extra-blank": _each_data(plain, lambda data: b"id: 1\ndata: " + data + b"\n"),
        "ping-comments": _between(plain, b": ping\n\n"),
        "event-ping-nodata": _between(plain, b"event: ping\n\n"),
        "id-only-event": _between(plain, b"id: 1\n\n"),
        "stray-line": _between(plain, b"upstream connect error\n\n"),
        "nul-in-data": plain.replace(b" is", b" \0is"),
    }


def _of_data(told: _Told) -> dict[str, bytes]:
    """What stands in ``data:``."""
    plain, events = told.plain, _events(told.plain)
    return {
        "json-malformed": plain.replace(told.member, told.member[:-1], 1),
        "json-split-two-events": _split_in_two(plain, b" is"),
        "two-json-concat": plain.replace(events[3], events[3][:-2] + events[3].split(b"data: ")[1], 1),
        "nan": plain.replace(told.member, b'"score":NaN,' + told.member, 1),
        "not-object-array": _between(plain, b"data: []\n\n"),
        "not-object-string": _between(plain, b'data: "text"\n\n'),
        "null-json": _between(plain, b"data: null\n\n"),
        "data-empty": _between(plain, b"data: \n\n"),
        "plain-text": b"".join(events[:4]) + b"data: Internal Server Error\n\n",
        "python-repr": _each_data(plain, lambda data: b"data: " + repr(json.loads(data)).encode()),
        "python-bytes-repr": _each_data(plain, lambda data: b"data: b'" + data + b"'"),
    }


def _of_done(told: _Told) -> dict[str, bytes]:
    """The end marker of OpenAI behind another's stream, with a name and without."""
    named = {
        f"done-marker-{name.replace('_', '-')}": told.plain + f"event: {name}\ndata: [DONE]\n\n".encode()
        for name in ("data", "done", "message", "message_stop", "error")
    }
    return {"done-marker": told.plain + b"data: [DONE]\n\n", **named}


def _of_characters(told: _Told) -> dict[str, Exchange]:
    """Characters of several bytes, which are cut, torn or escaped; what they depart from is the wide text."""
    made, wide = told.made, told.wide
    at = wide.index(_FLOWER) + 2
    return {
        "utf8-invalid": made([wide.replace(_FLOWER, _FLOWER[:2])]),
        "split-in-utf8": made([wide[:at], wide[at:]]),
        "split-1byte": made([wide[at : at + 1] for at in range(len(wide))]),
    }


def _of_time(told: _Told) -> dict[str, Exchange]:
    """Who never ends."""
    return {
        "stall": told.made(_events(told.plain)[: told.cut], ending=Ending.TIMED_OUT, held_us=120_000_000),
        "held-open": told.made(_events(told.plain), ending=Ending.TIMED_OUT, held_us=120_000_000),
    }


def _of_answers() -> dict[str, tuple[Exchange, Exchange]]:
    """What rules of chat say of Responses too, beside the perfect stream."""
    stream, message, call = responses.stream, responses.message, responses.call
    text, tool = responses.text(), responses.tool()
    tiered = [one | {"response": one["response"] | {"service_tier": "on_demand"}} if "response" in one else one
              for one in text]  # fmt: skip
    pairs = {
        "args-invalid-json": (stream(call(arguments='{"city":"Oslo"')), tool),
        "tool-name-unknown": (json.loads(_dump(tool).replace(b"get_weather", b"get_news")), tool),
        "think-tags": (
            stream(message("<think>**Looking** it up</think>Spring is here.")),
            stream(responses.thought(responses.THOUGHT), message()),
        ),
        "service-tier-odd": (tiered, text),
    }
    return {name: (responses.exchange(one), responses.exchange(other)) for name, (one, other) in pairs.items()}


def _of_completions() -> dict[str, tuple[bytes, bytes]]:
    """What rules of chat, and of legacy completions alone, say of these, beside the perfect stream."""
    told = streams.completions_text()
    plain = streams.sse(told)

    def each(change: Callable[[Any], Any]) -> bytes:
        return streams.sse([change(one) for one in told])

    def of_choice(**members: Any) -> Callable[[Any], Any]:
        return lambda one: one | {"choices": [one["choices"][0] | members]}

    def without_index(one: Any) -> Any:
        return one | {"choices": [{key: value for key, value in one["choices"][0].items() if key != "index"}]}

    offsets = {"tokens": [" is"], "token_logprobs": [-0.1], "top_logprobs": None, "text_offset": [0]}
    bad = {
        "done-missing": streams.sse(told, done=False),
        "finish-missing": streams.sse(told[:-1]),
        "finish-missing-no-done": streams.sse(told[:-1], done=False),
        "finish-empty": streams.sse([*map(of_choice(finish_reason=""), told[:-1]), told[-1]]),
        "index-missing": each(without_index),
        "index-one": each(of_choice(index=1)),
        "index-grows": streams.sse([of_choice(index=at)(one) for at, one in enumerate(told)]),
        "index-grows-from-one": streams.sse([of_choice(index=at)(one) for at, one in enumerate(told, 1)]),
        "id-changes": streams.sse([one | {"id": f"cmpl-{at}"} for at, one in enumerate(told)]),
        "id-missing": each(lambda one: {name: it for name, it in one.items() if name != "id"}),
        "object-wrong": each(lambda one: one | {"object": "text.completion"}),
        "created-float": each(lambda one: one | {"created": 1741570283.5}),
        "text-offset-zero": each(of_choice(logprobs=offsets)),
        "choices-empty": streams.sse([told[0] | {"choices": []}, *told]),
        "choices-missing": streams.sse([{"id": "cmpl-8Xk2pQ", "object": "text_completion"}, *told]),
        "only-done": b"data: [DONE]\n\n",
        "error-midstream": streams.sse([*told[:3], _APIS["completions"].error]),
        "error-flat": streams.sse([*told[:3], {"message": "The server had an error", "code": 500}]),
    }
    return {name: (body, plain) for name, body in bad.items()}


def _all() -> tuple[dict[str, Exchange], dict[str, Exchange]]:
    found: dict[str, Exchange] = {}
    beside: dict[str, Exchange] = {}
    for api, told in _APIS.items():
        wide = {"ct-latin1", *_of_characters(told)}
        bodies = {
            name: told.made(_events(body) if b"\n\n" in body else [body])
            for name, body in (_of_lines(told) | _of_data(told) | _of_done(told)).items()
        }
        for name, made in (_of_headers(told) | bodies | _of_characters(told) | _of_time(told)).items():
            found[f"{api}.{name}"] = made
            beside[f"{api}.{name}"] = told.made(_events(told.wide if name in wide else told.plain))
    for name, (made, perfect) in _of_answers().items():
        found[f"responses.{name}"], beside[f"responses.{name}"] = made, perfect
    for name, (body, plain) in _of_completions().items():
        both = (_APIS["completions"].made(_events(one)) for one in (body, plain))
        found[f"completions.{name}"], beside[f"completions.{name}"] = both
    return found, beside


OTHER_APIS, OTHER_PERFECT = _all()
