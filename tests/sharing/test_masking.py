"""Secrets leave bodies, in pieces too; what is no secret stays; nothing moves and no finding changes."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from dataclasses import replace

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from streamlab.exchange import Exchange, Request, ResponseHead, Segment
from streamlab.judging.analyzer import analyze
from streamlab.redaction import find_secrets
from streamlab.sharing.filler import fill_body
from streamlab.sharing.masking import mask_body, mask_text
from streamlab.sharing.requests import mask_request
from streamlab.sharing.shared import share
from streamlab.sharing.wanted import Masking
from streamlab.workflows.share import prepared
from tests import corpus, messages, streams
from tests.batches import batched
from tests.sharing.canaries import canaries, tells

CANARIES = canaries(40)
KEY = "sk-proj-q7AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"


def _findings(body: bytes):
    return [
        (one.rule, one.severity, one.event, one.span, one.path, one.count, one.events)
        for one in analyze(streams.exchange(body)).findings
    ]


@batched("prefix, secret", CANARIES)
def test_every_kind_goes_and_its_prefix_stays(prefix: str, secret: str) -> None:
    text = f"use {secret} here"
    shown = mask_text(text)
    assert len(shown) == len(text)
    assert tells(secret, prefix) not in shown
    assert shown.startswith(f"use {prefix}x")
    assert shown.endswith(" here")
    assert mask_text(shown) == shown


@batched("prefix, secret", CANARIES)
def test_a_short_text_is_searched_as_a_long_one(prefix: str, secret: str) -> None:
    text = f"{prefix}{secret} {secret}"
    assert find_secrets(text) == find_secrets(text + " " * 600) != []


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn-compatible-estimators-are-fun", "chatcmpl-CQ7aB3kq0sk1AbCdEf0123456789",
        "call_Ab12Cd34Ef56Gh78Ij90KlMn", "msg_01ABCDEFGHJKLMNPQRSTUVWX", "toolu_01A09q90qw90lq917835lq9",
        "resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5", "Bearer tokens are fun", "task-sk-",
        "fp_44709d6fcb", "550e8400-e29b-41d4-a716-446655440000", "d41d8cd98f00b204e9800998ecf8427e",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        'api_key=os.environ["OPENAI_API_KEY_2"]', "basic instructions12 follow", "https://example.org/a@b",
        "gAAAAABn0123456789abcdefABCDEF_-0123456789", "max_tokens=4096000000000000", "password: your password here",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    assert find_secrets(text) == []
    assert mask_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://app:hunter2@db/x", "postgres://app:xxxxxxx@db/x"),
        ('{"api_key": "aB3dE6gH9jK2"}', '{"api_key": "xxxxxxxxxxxx"}'),
        ("Authorization: Bearer aB3dE6gH9jK2mN5p", "Authorization: Bearer xxxxxxxxxxxxxxxx"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "Authorization: Basic xxxxxxxxxxxxxxxxxx=="),
        ("GET /v1?key=aB3dE6gH9j&alt=sse", "GET /v1?key=xxxxxxxxxx&alt=sse"),
        ("123456789:AAq7CdEfGhIjKlMnOpQrStUvWxYz012345", "123456789:AAxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEq7AbCdEfGhIjKlMn+/==\n-----END PRIVATE KEY-----",
         "-----BEGIN PRIVATE KEY-----\nxxxxxxxxxxxxxxxxxxxx+/==\n-----END PRIVATE KEY-----"),
    ],
)  # fmt: skip
def test_secrets_by_what_stands_beside_them(text: str, shown: str) -> None:
    assert mask_text(text) == shown


# -- over events ---------------------------------------------------------------------------------------------------


def _deltas(kind: str, pieces: list[str]) -> bytes:
    """A stream in which the pieces are content, reasoning, arguments, or a broken server's idea of them."""
    if kind == "messages":
        return messages.sse(messages.text(*pieces))
    if kind == "messages input":
        return messages.sse(messages.tool(*pieces))
    if kind == "responses":
        return streams.responses_sse(streams.responses_text(*pieces))
    if kind == "unknown":
        return b"".join(streams.frame({"token": {"said": one}, "seq": at}) for at, one in enumerate(pieces))
    if kind == "text":
        return b"".join(b"data: " + one.encode() + b"\n\n" for one in pieces)
    if kind == "lines":
        return b"".join(json.dumps({"response": one, "done": False}).encode() + b"\n" for one in pieces)
    if kind == "arguments":
        return streams.sse(streams.chat_tool(*pieces))
    if kind == "arguments with an index each":
        calls = [streams.call(at, "c", "f", one) for at, one in enumerate(pieces)]
        return streams.sse([streams.chunk({"tool_calls": [one]}) for one in calls])
    name = "reasoning_content" if kind == "reasoning" else "content"
    return streams.sse([streams.chunk({name: one}) for one in pieces] + [streams.chunk({}, "stop")])


KINDS = (
    "content", "reasoning", "arguments", "arguments with an index each", "messages", "messages input", "responses",
    "unknown", "text", "lines",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_spread_over_events_goes_wherever_it_is_cut(kind: str) -> None:
    text = f'{{"k": "{KEY}"}}' if "arg" in kind or "input" in kind else f"the key {KEY} is mine"
    start = text.index(KEY)
    for cut in (*range(start - 1, start + 9), start + 20, start + len(KEY) - 1):
        body = _deltas(kind, [text[:cut], text[cut:]])
        found = mask_body(body)
        assert len(found.data) == len(body)
        assert len(found.secrets) >= 1
        assert b"q7AbC" not in found.data
        assert b"6789" not in found.data
    pieces = list(text)
    found = mask_body(_deltas(kind, pieces))
    assert not any(letter.encode() + b'"' in found.data for letter in "QRSTUV"), found.data


def test_findings_are_the_same_before_and_after() -> None:
    """Broken in many ways, and full of secrets."""
    dice = random.Random(3)
    for number, (prefix, secret) in enumerate(canaries(80)):
        text = f"say {secret} twice {secret}"
        cuts = sorted(dice.sample(range(1, len(text)), number % 9))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        body = _deltas(KINDS[number % len(KINDS)], pieces)
        if number % 3 == 0:
            body = body.replace(b"data: ", b"data:")[: len(body) - dice.randrange(40)]
        found = mask_body(body)
        assert tells(secret, prefix).encode() not in found.data.replace(b'"', b""), (number, found.data)
        assert _findings(found.data) == _findings(body), number
        assert mask_body(found.data).data == found.data


def test_pieces_that_are_numbers_or_blank_stay_so() -> None:
    body = _deltas("text", ["say", " ", "gls", "a_q7XutsKNXcT3Ids", "4e25", "7", "-1.5", "al6MPX5MMNRLQ", " now"])
    found = mask_body(body).data
    assert b"q7Xut" not in found
    assert b"al6M" not in found
    assert [line[6:] for line in found.split(b"\n\n")][4:7] == [b"1e11", b"1", b"-1.1"]
    assert _findings(found) == _findings(body)


def test_a_secret_cut_inside_an_escape_of_json_within_json() -> None:
    inner = '{"key": "\\u0073k-proj-q7AbCdEfGhIj\\u004blMnOpQr\\/StUvWxYz0123"}'
    for cut in range(1, len(inner)):
        body = streams.sse(streams.chat_tool(inner[:cut], inner[cut:]))
        found = mask_body(body).data
        assert len(found) == len(body)
        report = analyze(streams.exchange(found))
        arguments = report.completion["tool_calls"][0]["function"]["arguments"]
        assert json.loads(arguments)["key"].startswith("sk-proj-xxxxxxxxxxxxxxxxxxx"), (cut, arguments)


def test_escaped_letters_of_the_outer_json_stay_escapes() -> None:
    body = b'data: {"choices":[{"index":0,"delta":{"content":"\\u0073k-proj-q7AbCdEf\\u0047hIjKlMnOpQr"}}]}\n\n'
    found = mask_body(body).data
    assert found == body.replace(b"q7AbCdEf\\u0047hIjKlMnOpQr", b"xxxxxxxx\\u0078xxxxxxxxxxx")


def test_texts_that_grow_stay_beginnings_of_each_other() -> None:
    text = f"key {KEY} end"
    body = streams.sse([streams.chunk({"content": text[:at]}) for at in (5, 9, 12, 15, 20, 30, len(text))])
    found = mask_body(body).data
    said = [json.loads(line[6:])["choices"][0]["delta"]["content"] for line in found.split(b"\n\n")[:7]]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(said))
    assert _findings(found) == _findings(body)


def test_broken_json_single_quotes_comments_and_lines_of_two_fields() -> None:
    body = (
        f"data: {{'content': '{KEY}'\n\n: {KEY}\n\nevent: {KEY}\ndata: {{\"a\": \"{KEY}\n\n"
        f'data: {{"content":\ndata:  "{KEY}"}}\n\ndata: {{"{KEY}": 1}}\n\n'
    ).encode()
    found = mask_body(body).data
    assert b"q7AbC" not in found
    assert len(found) == len(body)
    assert found.count(b"sk-proj-xxxxx") == 6


_ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("sk-abc01\\\"'{}\n ü", max_size=12) | st.just(KEY),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["index", "type", "delta", "api_key", KEY[:9]]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(_ODD, max_size=4), st.binary(max_size=80), st.integers(0, 400))
def test_whatever_comes_nothing_is_raised_moved_or_masked_twice(values: list[object], noise: bytes, cut: int) -> None:
    whole = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in values)
    body = whole[:cut] + noise + whole[cut:]
    found = mask_body(body).data
    assert len(found) == len(body)
    assert mask_body(found).data == found
    asked = mask_request(body).data
    assert len(asked) == len(body)
    assert mask_request(asked).data == asked
    filled = fill_body(body)
    assert len(filled) == len(body)


# -- whole exchanges -----------------------------------------------------------------------------------------------


def test_members_fields_and_parts_of_requests() -> None:
    body = json.dumps(
        {
            "model": "m", "prompt_cache_key": "stay-1", "max_tokens": 5, "metadata": {"user_id": "u1"},
            "tools": [
                {"type": "mcp", "authorization": "hunter2-token", "headers": {"X-Auth-Token": "sesame", "a": "a/b"}},
                {"function": {"parameters": {"properties": {"password": {"description": "secret stays"}}}}},
            ],
            "api_key": "hunter2",
        }
    ).encode()  # fmt: skip
    shown = json.loads(mask_request(body).data)
    assert shown["tools"][0] == {
        "type": "mcp", "authorization": "xxxxxxx-xxxxx", "headers": {"X-Auth-Token": "xxxxxx", "a": "a/b"},
    }  # fmt: skip
    assert shown["api_key"] == "xxxxxxx"
    assert shown["prompt_cache_key"] == "stay-1"
    assert shown["tools"][1] == json.loads(body)["tools"][1]
    form = b'--b\r\nContent-Disposition: form-data; name="api_key"\r\n\r\nhunter2\r\n--b--\r\n'
    assert mask_request(form).data == form.replace(b"hunter2", b"xxxxxxx")
    assert mask_request(b"grant=1&client_secret=hunter2&x=1").data == b"grant=1&client_secret=xxxxxxx&x=1"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, br"])
def test_compressed_bodies_are_coded_anew_read_by_read(coding: str) -> None:
    import zlib

    coders = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}
    plain = streams.sse(streams.chat_text("the key ", KEY[:11], KEY[11:], " is mine"))
    coded = plain
    for one in coding.split(", "):
        coded = coders[one](coded)
    exchange = Exchange(
        head=ResponseHead(200, (("content-type", "text/event-stream"), ("content-encoding", coding)), 1),
        segments=(Segment(2, coded[:20]), Segment(3, coded[20:])), end_us=4,
    )  # fmt: skip
    shown = share(exchange).exchange
    assert [one.offset_us for one in shown.segments] == [2, 3]
    report = analyze(shown)
    assert report.completion["content"] == "the key sk-proj-" + "x" * (len(KEY) - 8) + " is mine"
    assert [one.rule for one in report.findings] == [one.rule for one in analyze(exchange).findings]


def test_an_exchange_without_secrets_is_the_same_object_all_over() -> None:
    exchange = streams.exchange(streams.sse(streams.chat_text("hello", " there")))
    shown = share(exchange)
    assert shown.exchange == exchange
    assert shown.masked == ()


def test_notes_labels_and_heads_are_clean_too() -> None:
    exchange = Exchange(
        request=Request("POST", f"http://h/v1?api_key={KEY}", (("authorization", KEY),), None),
        label=f"with {KEY}",
        notes={"unframed": f"oops {KEY}", "trailers": [["x-api-key", "hunter2"]], "n": [1, {"a": KEY}]},
    )
    shown = repr(share(exchange).exchange)
    assert "q7AbC" not in shown
    assert "hunter2" not in shown


def test_own_patterns() -> None:
    import re

    body = streams.sse(streams.chat_text("ticket ACME-", "1234-Z, please"))
    found = mask_body(body, (re.compile(r"ACME-\d{4}-[A-Z]"),))
    assert b"1234" not in found.data
    assert b"please" in found.data
    assert found.secrets[0].kind == "own pattern"


@corpus.needs_recorded
def test_recorded_streams_hold_no_secret() -> None:
    """Every 25th; benchmarks/redaction_bench.py takes them all."""
    for directory in corpus.recorded("")[::25]:
        exchange = corpus.load(directory)
        assert share(exchange).masked == (), directory


# -- filler --------------------------------------------------------------------------------------------------------


def test_filler_keeps_length_shape_and_findings() -> None:
    said = "Grüße, 世界! Привет <think>hm</think> 42 🎉\nCODE: ok"
    for kind in ("content", "messages", "responses", "text"):
        body = _deltas(kind, [said[:7], said[7:20], said[20:]])
        shown = share(streams.exchange(body), Masking(text=True)).exchange.body
        assert len(shown) == len(body)
        assert "世界".encode() not in shown
        assert b"CODE" not in shown
        assert "🎉".encode() in shown or b"\\ud83c" in shown
        assert _findings(shown) == _findings(body), kind
    body = _deltas("arguments", ['{"city": "Par', 'is", "n": 12}'])
    shown = share(streams.exchange(body), Masking(text=True)).exchange
    arguments = json.loads(analyze(shown).completion["tool_calls"][0]["function"]["arguments"])
    assert set(arguments) == {"city", "n"}
    assert arguments["city"] != "Paris"
    assert len(arguments["city"]) == 5


def test_filler_takes_nothing_that_findings_need_and_leaves_nothing_that_somebody_said() -> None:
    """Tools, fields, members and errors keep their names; what a model wrote or gave a tool does not."""
    asked = {
        "model": "m", "stream": True, "messages": [{"role": "user", "content": "where is Oslo"}],
        "tools": [{"type": "function", "function": {"name": "get_weather"}}, {"type": "mcp", "authorization": KEY}],
        "api_key": "hunter2",
    }  # fmt: skip
    called = '<tool_call>{"name": "get_weather", "arguments": {"name": "Ada", "city": "Oslo"}}</tool_call>'
    for events, kept in (
        ([streams.chunk({"role": "assistant", "content": called})], b"get_weather"),
        ([*map(streams.chunk, ({"content": "Hello"}, {"content": " wor"}, {"content": "ld"})),
          streams.chunk({"content": "Hello world"}, "stop")], b"chatcmpl"),
    ):  # fmt: skip
        body = streams.sse(events) + b"data: Internal Server Error\n\n: keep-alive\n\n"
        exchange = replace(streams.exchange(body), request=Request("POST", "/v1/chat/completions", (), _json(asked)))
        shown = prepared(exchange, Masking(text=True))
        assert shown.findings == ()
        assert kept in shown.exchange.body
        assert b"data: Internal Server Error\n\n: keep-alive\n\n" in shown.exchange.body
        for said in (b"Ada", b"Oslo", b"Hello"):
            assert said not in shown.exchange.body
        assert b"Oslo" not in shown.exchange.request.body
        assert b"hunter2" not in shown.exchange.request.body
    code = b'data: {"type":"response.x.done","code":"import math"}\n\n'
    assert b"math" not in fill_body(code)
    assert b'"rate_limit"' in fill_body(b'data: {"error":{"code":"rate_limit","message":"no more"}}\n\n')


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def test_a_request_that_lost_its_secrets_still_answers_to_itself() -> None:
    from streamlab.playback.matching import Found, Matcher, Miss, candidate

    asked = {"model": "m", "tools": [{"type": "mcp", "authorization": "hunter2"}], "messages": [{"content": KEY}]}
    body = json.dumps(asked).encode()
    recorded = Request("POST", "/v1/responses", (), mask_request(body).data)
    assert b"hunter2" not in (recorded.body or b"")
    matcher = Matcher([candidate(["x"], recorded)])
    assert isinstance(matcher.match("POST", "/v1/responses", body), Found)
    assert isinstance(matcher.match("POST", "/v1/responses", body.replace(b'"m"', b'"n"')), Miss)


def test_what_is_no_text_is_no_secret_and_a_secret_ends_where_text_does() -> None:
    """A sound or an image that is uploaded holds ``&k=`` and what looks like a key behind it, by chance."""
    image = b"\x10&k=\xd3\x18\xcaU1|\xdcC6\x06;K=\xe04\xf8\xd2\xdcxeP2?k=\xcb0W\xdbA9"
    assert mask_request(image).data == image
    key = b"a1b2c3d4e5f6g7h8"
    assert mask_request(b"\xff\x00?key=" + key + b"\xd3\x00" + image).data == (
        b"\xff\x00?key=" + b"x" * len(key) + b"\xd3\x00" + image
    )
    assert key not in mask_request("POST /?token=pässw0rd".encode() + key).data


_TAIL = "q7Ab1cD2eF3gH4iJ5kL6mN7oP8qR9sT0"
_HEX = "a7" + "0123456789abcdef" * 2


@pytest.mark.parametrize(
    "secret",
    [
        f"tskey-auth-{_TAIL}", f"dp.pt.{_TAIL}{_TAIL}", f"nfp_{_TAIL}", f"key-{_HEX[:32]}", f"pat-eu1-{_HEX[:32]}",
        f"fc-{_HEX[:32]}", f"pa-{_TAIL}{_TAIL[:11]}", f"v1.0-{_HEX[:24]}-{_HEX * 4}", f"call_sk-proj-{_TAIL}",
        f"MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.{_TAIL}", f"https://hooks.slack.com/services/T01ABCDEF/B02ABCDEF/{_TAIL}",
        f"https://discord.com/api/webhooks/123456789012345678/{_TAIL}{_TAIL}",
        f"curl -u me:{_TAIL} h", f"curl --user 'me:{_TAIL}' h",
        f"https://h/?note=sk%2Dproj%2D{_TAIL}&n=1", f"https://h/?note=%73k-proj-{_TAIL}",
    ],
)  # fmt: skip
def test_more_keys_and_keys_as_in_urls_are_masked_in_answers_and_requests(secret: str) -> None:
    told = f"use {secret} now"
    shown = mask_text(told)
    assert len(shown) == len(told)
    assert _TAIL[:12] not in shown
    assert _TAIL[-8:] not in shown
    assert _HEX[2:14] not in shown
    assert mask_text(shown) == shown
    asked = json.dumps({"messages": [{"content": told}]}).encode()
    found = mask_request(asked)
    assert found.data == asked.replace(told.encode(), shown.encode())
    assert mask_request(found.data).data == found.data


@pytest.mark.parametrize(
    "text", ["monkey-0123456789abcdef", "task-proj-0123456789abcdef0123", "100%ab of 5%2", "key-1"]
)
def test_words_that_end_as_a_key_begins_stay(text: str) -> None:
    assert mask_text(text) == text


def test_a_key_in_log_probabilities_is_not_told_by_its_numbers_nor_by_other_tokens() -> None:
    secret = f"sk-proj-{_TAIL}"
    pieces = [secret[at : at + 5] for at in range(0, len(secret), 5)]
    events = [
        {"choices": [{"index": 0, "delta": {"content": one}, "logprobs": {"content": [_logged(one, one.upper())]}}]}
        for one in ("so ", *pieces, " end")
    ]
    body = streams.sse(events)
    found = mask_body(body).data
    assert len(found) == len(body)
    assert mask_body(found).data == found
    told = "".join(
        f"{one['token']}{bytes(one['bytes']).decode()}{other['token']}{bytes(other['bytes']).decode()}"
        for event in found.decode().split("data: ")[1:-1]
        for one in json.loads(event)["choices"][0]["logprobs"]["content"]
        for other in one["top_logprobs"]
    )
    assert told.startswith("so so SO SO ")
    assert told.endswith(" end end END END")
    for piece in pieces[2:]:
        assert piece not in told
        assert piece.upper() not in told


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_request_in_utf_16_is_masked(coding: str) -> None:
    body = json.dumps({"api_key": "hunter2hunter2", "input": f"é sk-proj-{_TAIL}"}, ensure_ascii=False).encode(coding)
    found = mask_request(body).data
    assert len(found) == len(body)
    told = json.loads(found.decode(coding))
    assert told == {"api_key": "x" * 14, "input": "é sk-proj-" + "x" * len(_TAIL)}
    assert mask_request(found).data == found


def _logged(token: str, other: str) -> dict[str, object]:
    likely = {"token": other, "logprob": -2.5, "bytes": list(other.encode())}
    return {"token": token, "logprob": -0.5, "bytes": list(token.encode()), "top_logprobs": [likely]}
