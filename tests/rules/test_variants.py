"""Every known way to break one promise, one perfect stream bent once each: its rule speaks, no other cries error.

The names are those of the measured experiments; the streams are built here from what the names say.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from streamlab.exchange import Ending, Exchange, Segment
from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Severity
from tests.batches import batched
from tests.streams import (
    HEADERS,
    Payload,
    call,
    chat_text,
    chat_tool,
    chat_tools,
    chunk,
    dump,
    exchange,
    frame,
    request_for,
    sse,
)

DONE = b"data: [DONE]\n\n"
ROLE, FINISH = 0, -1
TEXT = chat_text("Hello", " wor", "ld")
USAGE = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
ARGUMENTS = '{"city":"Paris"}'
COMPLETION = {
    "id": "chatcmpl-abc",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello world"}, "finish_reason": "stop"}],
    "usage": USAGE,
}


@dataclass(frozen=True)
class Variant:
    """A stream, the rules that have to speak, and rules that may speak at error because the same bytes hold both."""

    name: str
    rules: tuple[str, ...]
    exchange: Exchange
    beside: tuple[str, ...] = ()


def copied(payloads: list[Payload]) -> list[Payload]:
    return json.loads(json.dumps(payloads))


def bent(change: Callable[[Payload], object], payloads: list[Payload] = TEXT, at: int | None = None) -> list[Payload]:
    """The payloads with every one changed, or only number ``at``."""
    made = copied(payloads)
    for payload in made if at is None else [made[at]]:
        change(payload)
    return made


def put(at: int, item: Any, payloads: list[Payload] = TEXT) -> list[Any]:
    """The payloads with one more before position ``at``; -1 is before the finish chunk."""
    made: list[Any] = copied(payloads)
    made.insert(len(made) + at if at < 0 else at, item)
    return made


def every(key: str, *values: Any, payloads: list[Payload] = TEXT) -> list[Payload]:
    """The payloads with one top-level member in each: the values in turn, the last one from then on."""
    made = copied(payloads)
    for at, payload in enumerate(made):
        payload[key] = values[min(at, len(values) - 1)]
    return made


def without(key: str, payloads: list[Payload] = TEXT) -> list[Payload]:
    return bent(lambda one: one.pop(key), payloads)


def choice(payload: Payload) -> Payload:
    return payload["choices"][0]


def in_choice(key: str, value: Any, at: int | None = None, payloads: list[Payload] = TEXT) -> list[Payload]:
    return bent(lambda one: choice(one).__setitem__(key, value), payloads, at)


def in_delta(key: str, value: Any, at: int | None = None, payloads: list[Payload] = TEXT) -> list[Payload]:
    return bent(lambda one: choice(one)["delta"].__setitem__(key, value), payloads, at)


def fragment(payload: Payload) -> Payload:
    return choice(payload)["delta"]["tool_calls"][0]


def later(change: Callable[[Payload], object]) -> list[Payload]:
    """A tool call whose fragments after the opening one are changed."""
    made = copied(chat_tool('{"city":', '"Paris"}'))
    for payload in made[1:-1]:
        change(fragment(payload))
    return made


def opening(change: Callable[[Payload], object]) -> list[Payload]:
    """A tool call whose opening fragment is changed."""
    return bent(lambda one: change(fragment(one)), chat_tool('{"city":', '"Paris"}'), 0)


def arguments(*pieces: str | None, finish: str = "tool_calls") -> list[Payload]:
    """A tool call whose arguments come in these pieces; None leaves the key out of the opening one."""
    made = copied(chat_tool(*[piece for piece in pieces if piece is not None]))
    if None in pieces:
        del fragment(made[0])["function"]["arguments"]
    choice(made[-1])["finish_reason"] = finish
    return made


def complete_call(index: int | None, call_id: str, city: str) -> Payload:
    made = call(index or 0, call_id, "get_weather", json.dumps({"city": city}))
    if index is None:
        del made["index"]
    return made


def calls(*chunks: Any, finish: str = "tool_calls") -> list[Payload]:
    """A role chunk, one chunk for each list of fragments, a finish chunk."""
    opened = chunk({"role": "assistant", "content": None})
    return [opened, *(chunk({"tool_calls": fragments}) for fragments in chunks), chunk({}, finish)]


def text(body: bytes | list[bytes] | list[Any], **extra: Any) -> Exchange:
    """A whole exchange from a body or from payloads."""
    if isinstance(body, list) and not all(isinstance(one, bytes) for one in body):
        body = sse(body)
    return exchange(body, **extra)


def variant(name: str, rules: str, body: Any, beside: str = "", **extra: Any) -> Variant:
    made = body if isinstance(body, Exchange) else text(body, **extra)
    return Variant(name, tuple(rules.split()), made, tuple(beside.split()))


def usage_last(usage: Any, **extra: Any) -> list[Payload]:
    return [*TEXT, chunk(choices=[], usage=usage, **extra)]


def logprobs(value: Any) -> list[Payload]:
    return in_choice("logprobs", value, 1)


def two_choices() -> tuple[list[Payload], list[Payload]]:
    def one(index: int) -> list[Payload]:
        return [
            chunk({"role": "assistant", "content": ""}, index=index),
            chunk({"content": "AB"[index]}, index=index),
            chunk({}, "stop", index=index),
        ]

    return one(0), one(1)


def headers(*pairs: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return pairs


def held_open(made: Exchange, seconds: int, ending: Ending = Ending.COMPLETE) -> Exchange:
    return replace(made, end_us=(made.end_us or 0) + seconds * 1_000_000, ending=ending)


def _bytes() -> list[Variant]:
    raw = sse(bent(lambda one: choice(one)["delta"].__setitem__("content", "Grüße 😀"), at=1))
    smile = raw.index("😀".encode())
    escaped = sse(TEXT).replace(b'"Hello"', b'"a\\ud83d"').replace(b'" wor"', b'"\\ude00b"')
    split = sse(TEXT).replace(b'"Hello"', b'"a\xf0\x9f"').replace(b'" wor"', b'"\x98\x80b"')
    return [
        variant("bytes-invalid-utf8", "invalid-utf8", sse(TEXT).replace(b"Hello", b"He\xff\xfello")),
        variant("bytes-utf8-split-across-events", "invalid-utf8", split),
        variant("bytes-nul-in-data", "sse-nul-byte", sse(TEXT).replace(b"Hello", b"He\x00llo")),
        variant("bytes-control-in-data", "sse-nul-byte", sse(TEXT).replace(b"Hello", b"He\x01llo")),
        variant("bytes-utf8-split-reads", "utf8-split-over-reads", [raw[: smile + 2], raw[smile + 2 :]]),
        variant("bytes-one-byte-reads", "utf8-split-over-reads", [bytes([one]) for one in raw]),
        variant("bytes-surrogate-escape-split", "surrogate-escape-split", escaped),
    ]


def _choices() -> list[Variant]:
    first, second = two_choices()
    mixed = [{**a, "choices": a["choices"] + b["choices"]} for a, b in zip(first, second, strict=True)]
    reverse = [one for pair in zip(first, second, strict=True) for one in reversed(pair)]
    counted = copied(TEXT)
    for at, payload in enumerate(counted):
        choice(payload)["index"] = at
    as_message = copied(TEXT)
    for payload in as_message:
        choice(payload)["message"] = choice(payload).pop("delta")
    legacy = {"tokens": ["Hello"], "token_logprobs": [-0.1], "top_logprobs": [{}], "text_offset": [0]}
    no_bytes = {"content": [{"token": "Hello", "logprob": -0.1, "top_logprobs": []}], "refusal": None}
    bare = {"content": [{"token": "Hello", "logprob": -0.1}]}
    return [
        variant("ch-delta-null-final", "choice-delta-missing", in_choice("delta", None, FINISH)),
        variant("ch-delta-null-each", "choice-delta-missing", in_choice("delta", None), "silent-empty-success"),
        variant("ch-index-increments", "choice-index-is-token-counter", counted),
        variant("ch-index-all-one", "choice-index-is-token-counter", in_choice("index", 1)),
        variant("ch-index-string", "choice-index-missing", in_choice("index", "0")),
        variant("ch-message-instead-of-delta", "choice-message-instead-of-delta", as_message),
        variant("ch-n2-same-chunk", "n-greater-1-interleaving", mixed),
        variant("ch-n2-reverse-order", "n-greater-1-interleaving", reverse),
        variant("ch-n2-blocks", "n-greater-1-interleaving", first + second),
        variant("d-logprobs-completions-style", "logprobs-shape", logprobs(legacy)),
        variant("d-logprobs", "logprobs-shape", logprobs(no_bytes)),
        variant("d-logprobs-bare", "logprobs-shape", logprobs(bare)),
    ]


def _deltas() -> list[Variant]:
    grown = chat_text("Hel", "Hello", "Hello wor", "Hello world")
    parts = in_delta("content", [{"type": "text", "text": "Hello"}], 1)
    roleless = bent(lambda one: choice(one)["delta"].pop("role"), at=ROLE)
    late = bent(lambda one: choice(one)["delta"].__setitem__("role", "assistant"), roleless, -2)
    after_text = bent(lambda one: choice(one)["delta"].__setitem__("role", "assistant"), roleless, FINISH)
    tool_roleless = bent(lambda one: choice(one)["delta"].pop("role"), chat_tool(), ROLE)
    refusal = chat_text()
    refusal[1:-1] = [chunk({"refusal": piece}) for piece in ("I", " can't", " help.")]
    nulls = [chunk({"content": None}) for _ in range(3)]
    return [
        variant("d-content-null-each", "content-null-placeholder", [TEXT[0], *nulls, *TEXT[1:]]),
        variant("d-content-parts-array", "content-array-parts", parts),
        variant("d-cumulative", "cumulative-content", grown),
        variant("d-reasoning", "reasoning-field-variants", put(1, chunk({"reasoning": "Hm."}))),
        variant("d-thinking", "reasoning-field-variants", put(1, chunk({"thinking": "Hm."}))),
        variant("d-think-tags", "reasoning-field-variants", chat_text("<think>Hm.", "</think>", "Hello")),
        variant("d-think-tags-one-by-one", "reasoning-field-variants", chat_text("<", "think", ">", "Hm.", "</think>")),
        variant("d-refusal", "refusal-field", refusal),
        variant("d-role-empty-string", "role-empty-or-null", in_delta("role", "", ROLE), "role-missing"),
        variant("d-role-empty-later", "role-empty-or-null", in_delta("role", "", 2)),
        variant("d-role-late", "role-missing", late),
        variant("d-role-late-in-finish", "role-missing", after_text),
        variant("d-role-wrong", "role-wrong", in_delta("role", "model", ROLE)),
        variant("d-role-wrong-bot", "role-wrong", in_delta("role", "bot", ROLE)),
        variant("d-role-capital", "role-wrong", in_delta("role", "Assistant", ROLE)),
        variant("d-tool-calls-empty-array", "empty-tool-calls-array", in_delta("tool_calls", [])),
        variant("d-tool-calls-null", "empty-tool-calls-array", in_delta("tool_calls", None)),
        variant("tool-no-role", "role-missing", tool_roleless),
    ]


def _envelope() -> list[Variant]:
    doubled = sse(TEXT).replace(b'{"id":', b'{"id":"chatcmpl-abc","id":')
    first_wins = sse(TEXT).replace(b'"content":"Hello"', b'"content":"Hello","content":"Hello"')
    drifting = [f"chatcmpl-{at}" for at in range(9)]
    numbers = sse(in_choice("logprobs", {"content": []}, 1)).replace(b'{"content":[]}', b"NaN")
    return [
        variant("env-choices-empty-mid", "choices-empty-non-usage", put(2, chunk(choices=[]))),
        variant("env-choices-null", "choices-missing-or-null", put(2, chunk(choices=None))),
        variant("env-choices-null-finish", "choices-missing-or-null", [*TEXT, chunk(choices=None)]),
        variant("env-created-missing", "created-wrong-type", without("created")),
        variant("env-created-ms", "created-wrong-type", every("created", 1741570283123)),
        variant("env-dup-keys", "json-duplicate-keys", doubled),
        variant("env-dup-keys-inside", "json-duplicate-keys", first_wins),
        variant("env-id-changes", "chunk-id-changes", every("id", *drifting)),
        variant("env-id-empty", "chunk-id-missing-or-empty", every("id", "")),
        variant("env-id-int", "chunk-id-missing-or-empty", every("id", 1)),
        variant("env-id-missing", "chunk-id-missing-or-empty", without("id")),
        variant("env-id-null", "chunk-id-missing-or-empty", every("id", None)),
        variant("env-model-changes", "model-missing-or-changes", every("model", "a", "b")),
        variant("env-model-missing", "model-missing-or-changes", without("model")),
        variant("env-model-empty", "model-missing-or-changes", every("model", "")),
        variant("env-nan", "json-nan-infinity", numbers),
        variant("env-infinity", "json-nan-infinity", numbers.replace(b"NaN", b"-Infinity")),
        variant("env-not-object-string", "json-not-object", put(2, b'"Hello"')),
        variant("env-not-object-number", "json-not-object", put(2, b"1")),
        variant("env-null-json", "json-not-object", put(2, b"null")),
        variant("env-object-empty", "object-wrong", every("object", "")),
        variant("env-object-missing", "object-wrong", without("object")),
        variant("env-object-null", "object-wrong", every("object", None)),
        variant("env-object-text-completion", "object-wrong", every("object", "text_completion")),
        variant("env-python-bytes-repr", "json-python-repr", put(2, repr(dump(TEXT[1])).encode())),
        variant("env-python-bytes-repr-all", "json-python-repr", sse([repr(dump(one)).encode() for one in TEXT])),
        variant("env-python-repr-one", "json-python-repr", put(2, repr(TEXT[1]).encode())),
    ]


def _errors() -> list[Variant]:
    half = sse(TEXT[:3], done=False)
    error = {"error": {"message": "boom", "type": "server_error", "code": 500, "param": None}}
    standard = {"error": {"message": "boom", "type": "server_error", "code": None, "param": None}}
    flat = {"object": "error", "message": "boom", "type": "InternalServerError", "param": None, "code": 500}
    coded = {"code": 500, "msg": "boom"}
    finish = chat_text("Hello", finish="error")
    return [
        variant("err-mid-stream", "error-midstream-standard", half + frame(error) + DONE),
        variant("err-mid-stream-standard", "error-midstream-standard", half + frame(standard) + DONE),
        variant("err-beside-choices", "error-beside-choices", half + frame({**finish[-1], **standard}) + DONE),
        variant("err-beside-no-choice", "error-beside-choices", half + frame(chunk(choices=[], **standard)) + DONE),
        variant("err-event-error", "error-midstream-standard", half + b"event: error\n" + frame(error) + DONE),
        variant("err-event-error-no-done", "error-midstream-standard", half + b"event: error\n" + frame(error)),
        variant("err-event-error-plain-text", "plain-text-in-data", half + b"event: error\ndata: boom\n\n"),
        variant("err-string", "error-string", half + frame({"error": "boom", "error_type": "generation"})),
        variant("err-string-done", "error-string", half + frame({"error": "boom"}) + DONE),
        variant("err-vllm-flat", "error-flat-object", half + frame(flat) + DONE),
        variant("err-code-msg", "error-flat-object", half + frame(coded)),
        variant("err-code-msg-done", "error-flat-object", half + frame(coded) + DONE),
        variant("err-code-msg-success", "error-flat-object", half + frame({**coded, "success": False})),
        variant("err-code-message-string", "error-flat-object", half + frame({"code": "500", "message": "boom"})),
        variant("err-detail", "error-flat-object", half + frame({"detail": "boom"})),
        variant("err-detail-first", "error-flat-object", frame({"detail": [{"msg": "boom"}]}) + DONE),
        variant("err-empty-obj-every-chunk", "error-null-or-empty-key", every("error", {})),
        variant("err-empty-string-every-chunk", "error-null-or-empty-key", every("error", "")),
        variant("err-finish-reason-error", "finish-reason-unknown-value", finish),
    ]


def _lifecycle() -> list[Variant]:
    after = sse(TEXT) + frame(chunk(choices=[], usage=USAGE))
    extra = chunk({}, "stop")
    return [
        variant("life-double-done", "done-duplicate-or-early", sse(TEXT) + DONE),
        variant(
            "life-finish-empty-string",
            "finish-reason-empty-string",
            in_choice("finish_reason", ""),
            "finish-reason-missing",
        ),
        variant(
            "life-finish-empty-until-stop", "finish-reason-empty-string", [*in_choice("finish_reason", "")[:-1], extra]
        ),
        variant("life-finish-every-chunk", "finish-reason-every-chunk", in_choice("finish_reason", "stop")),
        variant("life-finish-twice", "finish-reason-every-chunk", [*TEXT, extra], "finish-reason-repeated"),
        variant("life-no-done", "done-missing", sse(TEXT, done=False)),
        variant("life-no-finish-no-done", "finish-reason-missing", sse(TEXT[:-1], done=False)),
        variant("life-only-done", "only-done", DONE),
        variant("life-usage-after-done", "usage-order", after),
        variant("life-usage-after-done-asked", "usage-order", after, request=request_for(usage=True)),
    ]


def _framing() -> list[Variant]:
    events = [frame(one) for one in TEXT] + [DONE]

    def second(raw: bytes) -> list[bytes]:
        return [events[0], raw, *events[2:]]

    one = events[1]
    pretty = b"".join(b"data: " + line + b"\n" for line in json.dumps(TEXT[1], indent=1).encode().split(b"\n")) + b"\n"
    spaced = b"".join(event.replace(b"data:", b"data :") for event in events)
    missing = "silent-empty-success"
    return [
        variant("sse-comment-keepalive", "sse-comment-keepalive", second(b": keep-alive\n\n" + one)),
        variant("sse-comment-bare", "sse-comment-keepalive", second(b":\n\n" + one)),
        variant("sse-done-as-event", "sse-done-variant", [*events[:-1], b"event: done\ndata: [DONE]\n\n"]),
        variant("sse-done-as-event-only", "sse-done-variant", [*events[:-1], b"event: [DONE]\n\n"]),
        variant(
            "sse-done-as-event-empty",
            "sse-done-variant",
            [*events[:-1], b"event: done\ndata: \n\n"],
            "sse-empty-data-event",
        ),
        variant("sse-done-as-event-json", "sse-done-variant", [*events[:-1], b"event: done\ndata: {}\n\n"]),
        variant("sse-done-bare", "sse-done-variant", [*events[:-1], b"[DONE]\n\n"]),
        variant("sse-empty-data-event-nospace", "sse-empty-data-event", second(b"data:\n\n" + one)),
        variant("sse-event-field-custom", "sse-event-name-on-chat", [b"event: completion.chunk\n" + e for e in events]),
        variant("sse-event-field-message", "sse-event-name-on-chat", [b"event: message\n" + e for e in events]),
        variant("sse-event-ping-nodata", "sse-event-without-data", second(b"event: ping\n\n" + one)),
        variant("sse-id-only-event", "sse-event-without-data", second(b"id: 1\n\n" + one)),
        variant("sse-retry-only-event", "sse-event-without-data", [b"retry: 3000\n\n", *events]),
        variant(
            "sse-event-ping-with-data",
            "sse-ping-event-with-data",
            second(b'event: ping\ndata: {"type": "ping"}\n\n' + one),
        ),
        variant("sse-event-ping-with-empty", "sse-ping-event-with-data", second(b"event: ping\ndata: {}\n\n" + one)),
        variant("sse-event-ping-with-text", "sse-ping-event-with-data", second(b"event: ping\ndata: ping\n\n" + one)),
        variant(
            "sse-event-heartbeat", "sse-ping-event-with-data", second(b'event: heartbeat\ndata: {"t":1}\n\n' + one)
        ),
        variant(
            "sse-final-content-no-newline", "sse-unterminated-final-event", [*events[:-2], events[-2].rstrip(b"\n")]
        ),
        variant(
            "sse-final-content-lost",
            "sse-unterminated-final-event",
            [*events[:3], events[3].rstrip(b"\n")],
            "finish-reason-missing",
        ),
        variant("sse-final-event-no-blank", "sse-unterminated-final-event", [*events[:-1], b"data: [DONE]\n"]),
        variant("sse-final-event-no-newline", "sse-unterminated-final-event", [*events[:-1], b"data: [DONE]"]),
        variant(
            "sse-id-field-extra-blank",
            "sse-id-plus-extra-blank-line",
            [b"id: %d\n%s\n" % pair for pair in enumerate(events)],
        ),
        variant("sse-json-multi-data-lines", "sse-multi-data-lines", second(pretty)),
        variant(
            "sse-missing-blank-line", "sse-missing-blank-line", [event[:-1] for event in events[:-1]] + [b"\n" + DONE]
        ),
        variant("sse-missing-blank-line-all", "sse-missing-blank-line", b"".join(event[:-1] for event in events)),
        variant("sse-two-json-one-event", "sse-missing-blank-line", second(events[1][:-1] + events[2])),
        variant(
            "sse-two-json-adjacent", "sse-missing-blank-line", [events[0], events[1][:-1] + events[2], *events[3:]]
        ),
        variant("sse-mixed-lf-crlf-blank", "sse-line-endings", [event[:-1] + b"\r\n" for event in events]),
        variant(
            "sse-stray-cr-in-data",
            "sse-line-endings",
            second(one.replace(b',"object"', b',\r"object"')),
            "sse-raw-newline-in-json",
        ),
        variant("sse-stray-cr-at-line-end", "sse-line-endings", second(one[:-2] + b"\r\n\n")),
        variant(
            "sse-ndjson-no-data-prefix", "sse-ndjson-instead", b"".join(dump(one) + b"\n" for one in TEXT), missing
        ),
        variant(
            "sse-ndjson-no-data-blank-lines",
            "sse-ndjson-instead",
            b"".join(dump(one) + b"\n\n" for one in TEXT),
            missing,
        ),
        variant(
            "sse-ndjson-then-done",
            "sse-ndjson-instead",
            b"".join(dump(one) + b"\n\n" for one in TEXT) + b"[DONE]\n\n",
            missing,
        ),
        variant(
            "sse-ndjson-then-data-done",
            "sse-ndjson-instead",
            b"".join(dump(one) + b"\n\n" for one in TEXT) + DONE,
            missing,
        ),
        variant("sse-space-before-colon", "sse-invalid-field-name", spaced, missing),
        variant("sse-space-before-colon-once", "sse-invalid-field-name", second(one.replace(b"data:", b"data :"))),
        variant("sse-u2028-raw", "sse-unicode-line-separators", sse(in_delta("content", "a\u2028b", 1))),
        variant("sse-u2029-raw", "sse-unicode-line-separators", sse(in_delta("content", "a\u2029b", 1))),
        variant("sse-u0085-raw", "sse-unicode-line-separators", sse(in_delta("content", "a\u0085b", 1))),
    ]


def _tool_calls() -> list[Variant]:
    a, b = complete_call(0, "call_A", "Paris"), complete_call(1, "call_B", "Rome")
    same_index = copied(chat_tools())
    for payload in same_index[4:-1]:
        fragment(payload)["index"] = 0
    fresh = copied(chat_tool('{"city":', '"Paris"}'))
    for at, payload in enumerate(fresh[1:-1]):
        fragment(payload)["id"] = f"call_new{at}"
    same_id = copied(chat_tools())
    fragment(same_id[4])["id"] = fragment(same_id[1])["id"]
    numberless = copied(chat_tools())
    for payload in numberless[1:-1]:
        fragment(payload).pop("index")
    sparse = copied(chat_tools())
    for payload in sparse[4:-1]:
        fragment(payload)["index"] = 5
    nameless = opening(lambda one: one["function"].pop("name"))
    split = opening(lambda one: one["function"].__setitem__("name", "get_"))
    fragment(split[1])["function"]["name"] = "weather"
    spoken = [*chat_tool()[:-1], chunk({"content": "Done."}), chat_tool()[-1]]
    with_usage = bent(lambda one: one.__setitem__("usage", USAGE), chat_tool(), FINISH)
    at_once = [*calls([a])[:1], chunk({"tool_calls": [a]}, "tool_calls")]
    return [
        variant(
            "tool-args-cumulative", "tool-call-arguments-duplicated", arguments('{"city"', '{"city":"Pa', ARGUMENTS)
        ),
        variant(
            "tool-args-repeated-full", "tool-call-arguments-duplicated", arguments('{"city":', '"Paris"}', ARGUMENTS)
        ),
        variant("tool-args-double-encoded", "tool-call-arguments-double-encoded", arguments(json.dumps(ARGUMENTS))),
        variant("tool-args-empty", "tool-call-arguments-null", calls([call(0, "call_A", "get_weather")])),
        variant("tool-args-missing", "tool-call-arguments-null", arguments(None)),
        variant("tool-args-missing-at-first", "tool-call-arguments-null", arguments(None, ARGUMENTS)),
        variant("tool-args-null", "tool-call-arguments-null", calls([call(0, "call_A", "get_weather", None)])),
        variant(
            "tool-args-null-at-first",
            "tool-call-arguments-null",
            opening(lambda one: one["function"].__setitem__("arguments", None)),
        ),
        variant("tool-args-invalid-json", "tool-call-arguments-not-json", arguments("{city: Paris}")),
        variant("tool-args-single-quotes", "tool-call-arguments-not-json", arguments("{'city': 'Paris'}")),
        variant(
            "tool-args-truncated-length", "tool-call-arguments-truncated", arguments('{"city":"Pa', finish="length")
        ),
        variant("tool-args-truncated-tool-calls", "tool-call-arguments-not-json", arguments('{"city":"Pa')),
        variant("tool-calls-object", "tool-call-not-in-array", calls(a)),
        variant("tool-calls-text", "tool-call-not-in-array", calls(json.dumps([a])), "tool-call-finish-without-calls"),
        variant("tool-calls-null-inside", "tool-call-not-in-array", calls([None, a])),
        variant("tool-content-after", "tool-call-content-mixed", spoken),
        variant("tool-duplicate-ids", "tool-call-id-duplicate", same_id),
        variant(
            "tool-finish-function-call", "tool-call-legacy-function-call", arguments(ARGUMENTS, finish="function_call")
        ),
        variant("tool-finish-missing", "finish-reason-missing", chat_tool()[:-1], "gateway-masks-truncation"),
        variant("tool-finish-same-chunk", "finish-reason-on-content-chunk", at_once),
        variant("tool-finish-stop", "tool-call-finish-stop", arguments(ARGUMENTS, finish="stop")),
        variant(
            "tool-id-empty-continuation",
            "tool-call-id-empty-continuation",
            later(lambda one: one.__setitem__("id", "")),
        ),
        variant(
            "tool-id-null-continuation",
            "tool-call-id-empty-continuation",
            later(lambda one: one.__setitem__("id", None)),
        ),
        variant("tool-id-missing", "tool-call-id-missing", opening(lambda one: one.pop("id"))),
        variant("tool-id-null", "tool-call-id-missing", opening(lambda one: one.__setitem__("id", None))),
        variant("tool-id-new-each", "tool-call-id-unstable", fresh),
        variant("tool-id-repeated", "tool-call-id-repeated", later(lambda one: one.__setitem__("id", "call_a1B2c3D4"))),
        variant("tool-index-all-zero-parallel", "tool-call-index-collision", same_index),
        variant("tool-index-all-zero-whole", "tool-call-index-collision", calls([a], [{**b, "index": 0}])),
        variant("tool-index-all-zero-same-chunk", "tool-call-index-collision", calls([a, {**b, "index": 0}])),
        variant(
            "tool-index-missing-complete", "tool-call-index-missing", calls([complete_call(None, "call_A", "Paris")])
        ),
        variant("tool-index-missing-parallel", "tool-call-index-missing", numberless),
        variant(
            "tool-index-missing-parallel-whole",
            "tool-call-index-missing",
            calls([complete_call(None, "call_A", "Paris")], [complete_call(None, "call_B", "Rome")]),
        ),
        variant(
            "tool-index-missing-parallel-same",
            "tool-call-index-missing",
            calls([complete_call(None, "call_A", "Paris"), complete_call(None, "call_B", "Rome")]),
        ),
        variant("tool-index-sparse", "tool-call-index-offset", sparse),
        variant("tool-name-missing", "tool-call-name-missing", nameless),
        variant(
            "tool-name-null", "tool-call-name-missing", opening(lambda one: one["function"].__setitem__("name", None))
        ),
        variant(
            "tool-name-empty", "tool-call-name-missing", opening(lambda one: one["function"].__setitem__("name", ""))
        ),
        variant(
            "tool-name-null-continuation",
            "tool-call-name-empty-continuation",
            later(lambda one: one["function"].__setitem__("name", None)),
        ),
        variant("tool-name-split", "tool-call-name-split", split),
        variant("tool-parallel-same-chunk", "tool-call-parallel-lost", calls([a, b])),
        variant("tool-usage-on-finish-chunk", "usage-on-content-or-finish-chunk", with_usage),
    ]


def _transport() -> list[Variant]:
    body = sse(TEXT)
    json_type, html = (
        (("content-type", "application/json"),),
        b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
    )
    event_stream = ("content-type", "text/event-stream")
    completion = dump(COMPLETION)
    whole = [completion]

    def typed(name: str) -> tuple[tuple[str, str], ...]:
        return (("content-type", name), ("transfer-encoding", "chunked"))

    def measured(length: int) -> tuple[tuple[str, str], ...]:
        return (event_stream, ("content-length", str(length)))

    def failed(value: Any) -> Exchange:
        return exchange([dump(value)], headers=json_type)

    nonstandard = "http-status-200-on-error"
    return [
        variant(
            "tx-content-length-too-long",
            "content-length-mismatch",
            body,
            "truncated-stream",
            headers=measured(len(body) + 50),
            ending=Ending.UPSTREAM_CUT,
        ),
        variant(
            "tx-content-length-too-long-complete", "content-length-mismatch", body, headers=measured(len(body) + 50)
        ),
        variant("tx-content-length-too-short", "content-length-mismatch", body, headers=measured(len(body) - 50)),
        variant("tx-ct-latin1", "charset-not-utf8", body, headers=typed("text/event-stream; charset=iso-8859-1")),
        variant("tx-ct-latin1-name", "charset-not-utf8", body, headers=typed("text/event-stream;charset=latin1")),
        variant("tx-ct-octet", "content-type-not-event-stream", body, headers=typed("application/octet-stream")),
        variant("tx-ct-text-plain", "content-type-not-event-stream", body, headers=typed("text/plain; charset=utf-8")),
        variant("tx-empty-200", "empty-200", [b""]),
        variant("tx-empty-200-none", "empty-200", replace(exchange([b""]), segments=())),
        variant("tx-empty-200-json", "empty-200", [b""], headers=(*json_type, ("content-length", "0"))),
        variant("tx-empty-200-blank", "empty-200", [b"\n\n"]),
        variant("tx-gzip-mislabelled", "encoding-mislabelled", body, headers=(*HEADERS, ("content-encoding", "gzip"))),
        variant("tx-gzip-unlabelled", "encoding-mislabelled", [gzip.compress(body)]),
        variant("tx-hang-after-done", "connection-held-open-after-done", held_open(exchange(body), 5)),
        variant(
            "tx-hang-after-done-left",
            "connection-held-open-after-done",
            held_open(exchange(body), 30, Ending.CLIENT_LEFT),
        ),
        variant(
            "tx-hang-after-done-timeout",
            "connection-held-open-after-done",
            held_open(exchange(body), 30, Ending.TIMED_OUT),
        ),
        variant(
            "tx-hang-after-finish", "connection-held-open-after-done", held_open(exchange(sse(TEXT, done=False)), 5)
        ),
        variant(
            "tx-hang-after-finish-left",
            "connection-held-open-after-done",
            held_open(exchange(sse(TEXT, done=False)), 9, Ending.CLIENT_LEFT),
        ),
        variant(
            "tx-hang-after-finish-timeout",
            "connection-held-open-after-done",
            held_open(exchange(sse(TEXT, done=False)), 9, Ending.TIMED_OUT),
        ),
        variant("tx-html-200", "html-body-200", [html], headers=(("content-type", "text/html; charset=utf-8"),)),
        variant(
            "tx-html-200-fragment",
            "html-body-200",
            [b"\n <h1>It works!</h1>"],
            headers=(("content-type", "text/html"),),
        ),
        variant(
            "tx-json-error-200-base-resp",
            nonstandard,
            failed({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}),
        ),
        variant(
            "tx-json-error-200-success",
            nonstandard,
            failed({"result": None, "success": False, "errors": [{"code": 7003, "message": "no"}], "messages": []}),
        ),
        variant("tx-json-error-200-code-msg", nonstandard, failed({"code": 500, "msg": "boom", "success": False})),
        variant("tx-json-error-200-code-only-msg", nonstandard, failed({"code": 401, "msg": "boom"})),
        variant(
            "tx-json-error-200-string",
            nonstandard,
            failed({"error": "Unexpected endpoint or method. Returning 200 anyway"}),
        ),
        variant(
            "tx-json-error-200-coded-string", nonstandard, failed({"code": "invalid_key", "error": "Incorrect API key"})
        ),
        variant("tx-json-error-200-flat", nonstandard, failed({"object": "error", "message": "boom", "code": 500})),
        variant("tx-json-error-200-detail", nonstandard, failed({"detail": "Not Found"})),
        variant("tx-json-error-200-status", nonstandard, failed({"status": "error", "message": "boom"})),
        variant("tx-json-error-200-errors", nonstandard, failed({"errors": [{"message": "boom"}]})),
        variant("tx-json-error-200-message", nonstandard, failed({"message": "Rate limit exceeded"})),
        variant("tx-nonstream-json-200", "nonstream-json-for-stream", whole, headers=json_type),
        variant("tx-nonstream-json-as-sse", "nonstream-json-for-stream", whole),
        variant(
            "tx-nonstream-json-as-sse-pretty", "nonstream-json-for-stream", [json.dumps(COMPLETION, indent=2).encode()]
        ),
        variant("tx-nonstream-json-in-an-event", "nonstream-json-for-stream", frame(COMPLETION)),
        variant("tx-nonstream-json-in-an-event-done", "nonstream-json-for-stream", frame(COMPLETION) + DONE),
        variant("tx-one-burst", "burst-delivery", burst(40)),
        variant("tx-one-burst-short", "burst-delivery", burst(8)),
    ]


def burst(pieces: int) -> Exchange:
    """An answer that comes in one read long after the head."""
    body = sse(chat_text(*(f" word{at}" for at in range(pieces))))
    made = exchange([body])
    return replace(made, segments=(Segment(2_022_000, body),), end_us=2_023_000)


def _usage() -> list[Variant]:
    zeros = dict.fromkeys(USAGE, 0)
    strings = {key: str(value) for key, value in USAGE.items()}
    nulls = {"prompt_tokens": 5, "completion_tokens": None, "total_tokens": None}
    partial = {"prompt_tokens": 5, "completion_tokens": 3}
    details = {**USAGE, "prompt_tokens_details": None, "completion_tokens_details": None}
    twice = [*TEXT, chunk(choices=[], usage=USAGE), chunk(choices=[], usage=USAGE)]
    on_finish = bent(lambda one: one.__setitem__("usage", USAGE), at=FINISH)
    choiceless = usage_last(USAGE)
    del choiceless[-1]["choices"]
    return [
        variant("us-bad-total", "usage-inconsistent", usage_last({**USAGE, "total_tokens": 99})),
        variant("us-string-numbers", "usage-inconsistent", usage_last(strings)),
        variant("us-null-fields", "usage-inconsistent", usage_last(nulls)),
        variant("us-all-null", "usage-inconsistent", usage_last(dict.fromkeys(USAGE))),
        variant("us-missing-fields", "usage-inconsistent", usage_last(partial)),
        variant("us-details-null", "usage-inconsistent", usage_last(details)),
        variant("us-details-null-one", "usage-inconsistent", usage_last({**USAGE, "completion_tokens_details": None})),
        variant("us-choices-missing", "usage-chunk-choices-null", choiceless),
        variant("us-choices-null", "usage-chunk-choices-null", [*TEXT, chunk(choices=None, usage=USAGE)]),
        variant("us-every-chunk-zero", "usage-on-every-chunk", every("usage", zeros)),
        variant(
            "us-every-chunk-zero-then-real",
            "usage-on-every-chunk",
            [*every("usage", zeros), chunk(choices=[], usage=USAGE)],
        ),
        variant("us-twice", "usage-on-every-chunk", twice),
        variant("us-on-finish-chunk", "usage-unrequested usage-on-content-or-finish-chunk", on_finish),
    ]


VARIANTS = [
    *_bytes(),
    *_choices(),
    *_deltas(),
    *_envelope(),
    *_errors(),
    *_lifecycle(),
    *_framing(),
    *_tool_calls(),
    *_transport(),
    *_usage(),
]


@batched("variant", VARIANTS)
def test_the_owning_rule_speaks_and_no_other_cries_error(variant):
    findings = analyze(variant.exchange).findings
    assert set(variant.rules) <= {one.rule for one in findings}
    allowed = {*variant.rules, *variant.beside}
    assert [
        (one.rule, one.message) for one in findings if one.severity is Severity.ERROR and one.rule not in allowed
    ] == []


@pytest.mark.parametrize("body", [sse(TEXT), sse(chat_tool()), sse(chat_tools())])
def test_the_streams_that_are_bent_are_perfect(body):
    assert [one.message for one in analyze(exchange(body)).findings if one.severity is not Severity.INFO] == []
