"""Every way of bending the framing that a server is known to use, named by the one rule that fits it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from streamlab.apis.registry import all_rules, family_of
from streamlab.exchange import Ending
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Repairability, Severity
from tests.batches import batched
from tests.streams import chat_text, chunk, exchange, frame, request_for

OURS = {rule.name for rule in all_rules() if family_of(rule) in ("sse", "json")}
#: Told beside another finding: they describe the bytes and blame nobody.
DESCRIPTIVE = {"sse-line-endings", "sse-comment-keepalive", "sse-no-space-after-colon", "sse-event-name-on-chat"}

ROLE, ONE, TWO, THREE, FOUR, FINISH = EVENTS = [frame(payload) for payload in chat_text()]
DONE = b"data: [DONE]\n\n"
ALL = b"".join(EVENTS) + DONE


def body(*parts: bytes) -> bytes:
    return b"".join(parts)


def around(*oddities: bytes) -> bytes:
    """A perfect stream with something in its middle."""
    return body(ROLE, ONE, *oddities, TWO, THREE, FOUR, FINISH, DONE)


def each(prefix: bytes) -> bytes:
    return b"".join(prefix + event for event in (*EVENTS, DONE))


def found(data: bytes, ending: Ending = Ending.COMPLETE, **kwargs) -> set[str]:
    whole = exchange([data], ending=ending, **kwargs)
    return {one.rule for one in analyze(whole).findings if one.rule in OURS}


def raw(text: str) -> bytes:
    """A chunk with ``@`` in its content, to be replaced by bytes no encoder would write."""
    return frame(chunk({"content": text}))


CUT = len(ONE) // 2
NESTED = b"data: " + b'{"a":' * 300 + b"1" + b"}" * 300 + b"\n\n"

VARIANTS = {
    # line ends
    "crlf": (ALL.replace(b"\n", b"\r\n"), "sse-line-endings"),
    "cr": (ALL.replace(b"\n", b"\r"), "sse-line-endings"),
    "crlf then lf": (ALL.replace(b"\n\n", b"\r\n\n"), "sse-line-endings"),
    "lf then crlf": (ALL.replace(b"\n\n", b"\n\r\n"), "sse-line-endings"),
    "one stray cr": (around(ONE[:-2] + b"\r\n\n"), "sse-line-endings"),
    "crlf ping in an lf stream": (around(b": ping\r\n\r\n"), "sse-line-endings"),
    # the colon
    "no space": (ALL.replace(b"data: ", b"data:"), "sse-no-space-after-colon"),
    "two spaces": (ALL.replace(b"data: ", b"data:  "), "sse-extra-leading-space"),
    "two spaces before [DONE]": (body(*EVENTS, b"data:  [DONE]\n\n"), "sse-extra-leading-space"),
    "tab": (ALL.replace(b"data: ", b"data: \t"), "sse-extra-leading-space"),
    # the field name
    "upper case": (ALL.replace(b"data: ", b"DATA: "), "sse-invalid-field-name"),
    "space before colon": (ALL.replace(b"data: ", b"data : "), "sse-invalid-field-name"),
    "space before name": (each(b" "), "sse-invalid-field-name"),
    "mark before each name": (each(b"\xef\xbb\xbf")[3:], "sse-invalid-field-name"),
    "double prefix": (ALL.replace(b"data: ", b"data: data: "), "sse-double-data-prefix"),
    "triple prefix": (around(b"data: data: data: " + ONE[6:]), "sse-double-data-prefix"),
    # the blank line
    "no blank line once": (body(ROLE, ONE[:-1], TWO, THREE, FOUR, FINISH, DONE), "sse-missing-blank-line"),
    "no blank line at all": (ALL.replace(b"\n\n", b"\n"), "sse-missing-blank-line"),
    "no blank line before [DONE]": (body(ROLE, ONE, TWO, FINISH[:-1], DONE), "sse-missing-blank-line"),
    "two documents in one event": (around(b"data: {}\ndata: {}\n\n"), "sse-missing-blank-line"),
    "two documents on one line": (around(ONE[:-2] + TWO[6:]), "sse-multiple-json-in-one-data"),
    "documents with their prefixes": (around(ONE[:-2] + TWO), "sse-multiple-json-in-one-data"),
    "document and [DONE]": (around(ONE[:-2] + b"[DONE]\n\n"), "sse-multiple-json-in-one-data"),
    "pretty": (
        around(
            b"".join(b"data: " + line.encode() + b"\n" for line in json.dumps(chunk(), indent=1).split("\n")) + b"\n"
        ),
        "sse-multi-data-lines",
    ),
    # torn payloads
    "split over two": (around(ONE[:CUT] + b"\n\n", b"data: " + ONE[CUT:]), "sse-json-split-across-events"),
    "split over three": (
        around(ONE[:9] + b"\n\n", b"data: " + ONE[9:CUT] + b"\n\n", b"data: " + ONE[CUT:]),
        "sse-json-split-across-events",
    ),
    "raw line feed": (around(raw("Hello@you").replace(b"@", b"\n")), "sse-raw-newline-in-json"),
    "raw line feeds": (around(raw("a@b@c").replace(b"@", b"\n")), "sse-raw-newline-in-json"),
    "raw empty line": (around(raw("Hello@you").replace(b"@", b"\n\n")), "sse-raw-newline-in-json"),
    "raw carriage return": (around(raw("Hello@you").replace(b"@", b"\r")), "sse-raw-newline-in-json"),
    "raw line feed framed": (around(raw("Hello@you").replace(b"@", b"\ndata: ")), "sse-raw-newline-in-json"),
    "printed": (
        around(b"data: " + json.dumps(chunk({"content": "a"}), indent=1).encode() + b"\n\n"),
        "sse-raw-newline-in-json",
    ),
    "printed without prefix": (
        body(ROLE, json.dumps(chunk({"content": "a"}), indent=1).encode() + b"\n\n", FINISH, DONE),
        "sse-ndjson-instead",
    ),
    "truncated": (around(ONE[:CUT] + b"\n\n"), "json-truncated"),
    "truncated before [DONE]": (body(ROLE, ONE[:CUT], b"\n\n", DONE), "json-truncated"),
    "truncated twice": (around(ONE[:CUT] + b"\n\n", TWO[:CUT] + b"\n\n"), "json-truncated"),
    # comments and empty events
    "ping comment": (around(b": ping\n\n"), "sse-comment-keepalive"),
    "further blank lines": (ALL.replace(b"\n\n", b"\n\n\n\n"), "sse-extra-blank-lines"),
    "bare colon": (around(b":\n\n"), "sse-comment-keepalive"),
    "comment attached": (each(b": ping\n"), "sse-comment-keepalive"),
    "comment as data": (around(b"data: : OPENROUTER PROCESSING\n\n"), "sse-comment-rewrapped-as-data"),
    "empty data": (around(b"data: \n\n"), "sse-empty-data-event"),
    "empty data without space": (around(b"data:\n\n"), "sse-empty-data-event"),
    "data without colon": (around(b"data\n\n"), "sse-empty-data-event"),
    "white space data": (around(b"data:    \n\n"), "sse-empty-data-event"),
    "event only": (around(b"event: ping\n\n"), "sse-event-without-data"),
    "id only": (around(b"id: 1\n\n"), "sse-event-without-data"),
    "retry only": (around(b"retry: 3000\n\n"), "sse-event-without-data"),
    # ids and names
    "id and blank line": (body(b"id: 1\n", ROLE, b"\n", ONE, TWO, FINISH, DONE), "sse-id-plus-extra-blank-line"),
    "id and ping": (body(b"id: 1\n", ROLE, b": ping\n\n", ONE, FINISH, DONE), "sse-id-plus-extra-blank-line"),
    "named message": (each(b"event: message\n"), "sse-event-name-on-chat"),
    "named otherwise": (each(b"event: completion.chunk\n"), "sse-event-name-on-chat"),
    "ping with json": (around(b'event: ping\ndata: {"type":"ping"}\n\n'), "sse-ping-event-with-data"),
    "ping with empty object": (around(b"event: ping\ndata: {}\n\n"), "sse-ping-event-with-data"),
    "ping with date": (around(b"event: ping\r\ndata: 2026-11-20 08:58:53\r\n\r\n"), "sse-ping-event-with-data"),
    "ping by type": (around(b'data: {"type":"ping"}\n\n'), "sse-ping-event-with-data"),
    "keepalive": (around(b'event: keepalive\ndata: {"n":1}\n\n'), "sse-ping-event-with-data"),
    # the end
    "last event cut": (body(ROLE, ONE, FINISH[:-1]), "sse-unterminated-final-event"),
    "last event without any line end": (body(ROLE, ONE, FINISH[:-2]), "sse-unterminated-final-event"),
    "last content cut": (body(ROLE, ONE, TWO[:-2]), "sse-unterminated-final-event"),
    "half of the last event": (body(ROLE, ONE, TWO[:CUT]), "sse-unterminated-final-event"),
    "[DONE] unterminated": (ALL[:-2], "sse-unterminated-final-event"),
    "[DONE] with one line end": (ALL[:-1], "sse-unterminated-final-event"),
    "[done]": (body(*EVENTS, b"data: [done]\n\n"), "sse-done-variant"),
    '"[DONE]"': (body(*EVENTS, b'data: "[DONE]"\n\n'), "sse-done-variant"),
    "[DONE] and a space": (body(*EVENTS, b"data: [DONE] \n\n"), "sse-done-variant"),
    "done event, empty": (body(*EVENTS, b"event: done\ndata: \n\n"), "sse-done-variant"),
    "done event, text": (body(*EVENTS, b"event: done\ndata: done\n\n"), "sse-done-variant"),
    "done event, object": (body(*EVENTS, b"event: done\ndata: {}\n\n"), "sse-done-variant"),
    "bare [DONE]": (body(*EVENTS, b"[DONE]\n\n"), "sse-done-variant"),
    # no event stream
    "ndjson": (ALL.replace(b"data: ", b"").replace(b"\n\n", b"\n").replace(b"[DONE]\n", b""), "sse-ndjson-instead"),
    "ndjson with blank lines": (b"".join(event[6:] for event in EVENTS), "sse-ndjson-instead"),
    "one bare line": (body(ROLE, ONE, b'{"error":{"message":"boom"}}\n\n'), "sse-ndjson-instead"),
    # bytes
    "mark": (b"\xef\xbb\xbf" + ALL, "sse-bom"),
    "nul": (around(raw("a@b").replace(b"@", b"\x00")), "sse-nul-byte"),
    "raw tab in a string": (around(raw("a@b").replace(b"@", b"\t")), "sse-nul-byte"),
    "nul as data": (around(b"data: \x00\n\n"), "sse-nul-byte"),
    "raw U+2028": (around(raw("a\u2028b")), "sse-unicode-line-separators"),
    "raw U+0085": (around(raw("a\u0085b")), "sse-unicode-line-separators"),
    "latin-1": (around(raw("caf@ au lait").replace(b"@", b"\xe9")), "invalid-utf8"),
    "half a character": (around(raw("@").replace(b"@", b"\xf0\x9f\x8e")), "invalid-utf8"),
    "invalid comment": (around(b": \xff\n\n"), "invalid-utf8"),
    # JSON
    "list": (around(b"data: []\n\n"), "json-not-object"),
    "string": (around(b'data: "hello"\n\n'), "json-not-object"),
    "null": (around(b"data: null\n\n"), "json-not-object"),
    "number": (around(b"data: 42\n\n"), "json-not-object"),
    "text": (around(b"data: Internal Server Error\n\n"), "plain-text-in-data"),
    "text with a number": (around(b"data: 502 Bad Gateway\n\n"), "plain-text-in-data"),
    "text in brackets": (around(b"data: [ERROR] upstream timeout\n\n"), "plain-text-in-data"),
    "error event with text": (around(b"event: error\ndata: upstream timeout\n\n"), "plain-text-in-data"),
    "html": (around(b"data: <html>502</html>\n\n"), "plain-text-in-data"),
    "text and JSON": (around(b'data: get_weather\ndata: {"city": "Oslo"}\n\n'), "plain-text-in-data"),
    "code": (around(b"data: \ndata: def add(a, b):\ndata:     return a + b\n\n"), "plain-text-in-data"),
    "python dict": (around(b"data: {'a': None}\n\n"), "json-python-repr"),
    "python literal": (around(b'data: {"a": None, "b": True}\n\n'), "json-python-repr"),
    "python bytes": (around(b"data: b'{}'\n\n"), "json-python-repr"),
    "python object": (around(b"data: ChatCompletionChunk(id='x', choices=[])\n\n"), "json-python-repr"),
    "NaN": (around(b'data: {"choices":[],"x":NaN}\n\n'), "json-nan-infinity"),
    "-Infinity": (around(b'data: {"choices":[],"x":[-Infinity]}\n\n'), "json-nan-infinity"),
    "doubled key": (around(ONE.replace(b'{"id":', b'{"object":"x","id":')), "json-duplicate-keys"),
    "doubled key, white space": (around(ONE.replace(b'{"id":', b'{"object" :"x","id":')), "json-duplicate-keys"),
    "comma too many": (around(ONE[:-3] + b",}\n\n"), "json-malformed"),
    "bracket too many": (around(ONE[:-2] + b"}\n\n"), "json-malformed"),
    "text behind": (around(ONE[:-2] + b" and more\n\n"), "json-malformed"),
    "too deep": (around(NESTED), "json-malformed"),
    "surrogates": (
        around(raw("@").replace(b"@", b"\\ud83c"), raw("@").replace(b"@", b"\\udf89")),
        "surrogate-escape-split",
    ),
    "U+FFFD": (around(raw("a\ufffd"), raw("\ufffd")), "replacement-char-in-content"),
    "U+FFFD escaped": (
        around(raw("a@").replace(b"@", b"\\ufffd"), raw("@").replace(b"@", b"\\ufffd")),
        "replacement-char-in-content",
    ),
}


@batched("name", VARIANTS)
def test_a_variant_has_one_name(name):
    data, rule = VARIANTS[name]
    rules = found(data)
    assert rule in rules
    assert rules - {rule} <= DESCRIPTIVE


@pytest.mark.parametrize(
    ("value", "repair"),
    [
        (b"[]", Repairability.SAFE),
        (b"null", Repairability.SAFE),
        (b"42", Repairability.SAFE),
        (b'[{"choices":[]}]', Repairability.SAFE),
        (b'"hello"', Repairability.UNSAFE),
        (b"[1]", Repairability.UNSAFE),
    ],
)
def test_json_that_is_no_object_is_repaired_as_promised(value, repair):
    made = exchange(around(b"data: " + value + b"\n\n"))
    (said,) = (one for one in analyze(made).findings if one.rule == "json-not-object")
    assert said.repairability is repair
    for unsafe in (False, True):
        left = {one.rule for one in analyze(normalize(made, unsafe=unsafe).exchange).findings}
        assert ("json-not-object" not in left) is (unsafe or repair is Repairability.SAFE)


SILENT = {
    "ids": b"".join(b"id: %d\n" % at + event for at, event in enumerate((*EVENTS, DONE))),
    "white space behind the JSON": around(ONE[:-2] + b"   \n\n"),
    "white space in the JSON": around(b"data: " + json.dumps(chunk({"content": "a"})).encode() + b"\n\n"),
    "JSON in a string": around(raw('{"a":1,"a":2}'), raw("data: x"), raw("[DONE]"), raw("NaN"), raw("{'a': None}")),
    "lone U+FFFD": around(raw("a\ufffd"), raw("b")),
    "U+FFFD far apart": around(raw("a\ufffd"), raw("b"), raw("\ufffd")),
    "surrogate pair": around(raw("@").replace(b"@", b"\\ud83c\\udf89")),
    "backslash before u": around(raw("\\ud83c")),
    "huge numbers": around(b'data: {"choices":[],"x":' + b"9" * 5000 + b',"y":1e999}\n\n'),
    "fields of their own": around(b"metadata: 1\n" + ONE),
    "escaped NUL": around(raw("a\x00b")),
    "mark as content": around(raw("\ufeffa")),
}


@batched("name", SILENT)
def test_a_lookalike_has_none(name):
    assert found(SILENT[name]) == set()


@pytest.mark.parametrize(
    ("data", "ending"),
    [
        (body(ROLE, ONE, TWO[:CUT]), Ending.UPSTREAM_CUT),
        (body(ROLE, ONE, TWO[:-1]), Ending.CLIENT_LEFT),
        (body(ROLE, ONE, raw("é")[:-42]), Ending.UPSTREAM_CUT),
        (body(ROLE, ONE, b"event: pi"), Ending.UPSTREAM_CUT),
    ],
)
def test_a_cut_has_no_consequences(data, ending):
    assert found(data, ending) == set()


def test_bytes_that_are_no_event_stream_are_not_judged_as_one():
    for data in (b"<html>\r\n<body>data</body></html>", b'{\r\n "error": {"message": "x"}}', bytes(range(256)) * 4):
        assert found(data) == set()


def test_foreign_protocols_keep_their_framing():
    gemini = b'data: {"candidates": [{"content": {"parts": [{"text": "a"}]}}]}\r\n\r\n'
    path = "/v1beta/models/g:streamGenerateContent"
    assert found(gemini * 3, request=request_for(path=path)) == set()
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    assert found(ping * 2, request=request_for(path="/v1/messages")) == set()
    ollama = b'{"model":"m","message":{"content":"a"},"done":false}\n{"model":"m","message":{},"done":true}\n'
    assert found(ollama, request=request_for(path="/api/chat")) == set()
    assert found(ollama, request=request_for(path="/")) == set()


def test_the_marker_hidden_by_spaces_is_worse_than_spaces_before_json():
    findings = analyze(exchange([ALL.replace(b"data: ", b"data:  ")])).findings
    told = {one.path: one.severity for one in findings if one.rule == "sse-extra-leading-space"}
    assert told == {None: Severity.INFO, "[DONE]": Severity.ERROR}


def test_an_answer_continued_as_text_is_recognised():
    text = b"data: \r\ndata: Spring is here.\r\ndata: \r\ndata: First, flowers.\r\n\r\n"
    findings = analyze(exchange([body(ROLE, *EVENTS[1:5], text)])).findings
    told = next(one for one in findings if one.rule == "plain-text-in-data")
    assert "begins with the answer streamed so far" in told.message


def test_a_torn_payload_is_found_at_its_first_event():
    whole = exchange([around(ONE[:CUT] + b"\n\n"), b": late\n\n"])
    told = next(one for one in analyze(whole).findings if one.rule == "json-truncated")
    start = len(ROLE) + len(ONE)
    assert (told.event, told.span, told.offset_us) == (2, (start, start + CUT + 2), 200_000)


@pytest.mark.parametrize("path", ["/v1beta/models/gemini-2.0-flash:streamGenerateContent", None])
def test_the_array_that_gemini_streams_without_alt_sse_has_no_lines_to_blame(path):
    first = {"candidates": [{"content": {"role": "model", "parts": [{"text": "a"}]}}]}
    last = {"candidates": [{"content": {"role": "model", "parts": [{"text": "b"}]}, "finishReason": "STOP"}]}
    body = json.dumps([first, last], indent=2).encode()
    made = exchange([body], headers=(("content-type", "application/json; charset=UTF-8"),))
    made = replace(made, request=None if path is None else request_for(path=path))
    assert [one.rule for one in analyze(made).findings if one.severity is not Severity.INFO] == []
