"""Other people's formats: round trips lose nothing the format can hold, and real files read as what they recorded."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import vcr
from hypothesis import given
from hypothesis import strategies as st

from streamlab.comparing.event_diff import diff_exchange
from streamlab.errors import UnreadableInputError
from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.interop.curl_command import request_of
from streamlab.interop.curl_log import curl_command, from_curl_log, to_curl_log
from streamlab.interop.curl_log import lost as curl_lost
from streamlab.interop.har import from_har, to_har
from streamlab.interop.plain_yaml import NotPlainError, parse_yaml
from streamlab.interop.reading import read_bytes
from streamlab.interop.vcr import from_vcr, to_vcr
from streamlab.interop.vcr import lost as vcr_lost
from streamlab.redaction import redact_headers
from streamlab.repairing.normalizer import normalize
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import read_exchange_dir, write_exchange_dir
from streamlab.storage.targets import Target
from streamlab.workflows import export as exporting
from streamlab.workflows import replay as replaying
from streamlab.workflows.check import analyze, load
from streamlab.workflows.importing import import_into
from streamlab.workflows.replay import BackgroundReplay
from tests import streams

BODY = streams.sse(streams.chat_text("Grüß", " Gott", " \U0001f600"))
EXCHANGE = streams.exchange(BODY, label="greeting", http_chunks=None)
bodies = st.binary(max_size=300)


def _read(path: Path) -> list[Exchange]:
    return read_bytes(path.name, path.read_bytes())


def _as_har(exchange: Exchange) -> Exchange:
    (read,) = from_har(json.loads(json.dumps(to_har([exchange], "0"))))
    return read


def test_har_holds_everything_of_an_exchange():
    sent = replace(EXCHANGE, ending=Ending.UPSTREAM_CUT, tap="model", started_at="2026-11-20T10:00:00.000000Z")
    read = _as_har(sent)
    assert (read.body, read.ending, read.end_us, read.label, read.tap) == (
        sent.body,
        sent.ending,
        sent.end_us,
        sent.label,
        sent.tap,
    )
    assert read.request == sent.request
    assert read.head == sent.head
    assert tuple(read.segments) == tuple(sent.segments)


@given(bodies)
def test_har_keeps_any_body(body):
    assert _as_har(streams.exchange([body], request=streams.request_for())).body == body


@given(bodies)
def test_a_cassette_keeps_any_body(body):
    sent = streams.exchange([body], request=streams.request_for())
    (read,) = from_vcr(parse_yaml(to_vcr([sent]).encode()))
    assert (read.body, read.request, read.head.headers) == (body, sent.request, sent.head.headers)


@given(bodies)
def test_a_curl_log_keeps_any_body(body):
    sent = streams.exchange([body], request=streams.request_for())
    read = from_curl_log(to_curl_log(sent))
    assert (read.body, read.request, read.head.status) == (body, sent.request, 200)


def test_secrets_do_not_leave():
    secret = replace(
        EXCHANGE.request, headers=(("Authorization", "Bearer sk-abcdefgh12345678"),), url="http://h/?key=s3cret"
    )
    sent = replace(EXCHANGE, request=secret)
    for text in (json.dumps(to_har([sent], "0")), to_vcr([sent]), to_curl_log(sent).decode(), curl_command(sent)):
        assert "sk-abcdefgh" not in text
        assert "s3cret" not in text


def test_events_that_chromium_kept_apart_become_the_body():
    entry = to_har([EXCHANGE], "0")["log"]["entries"][0]
    del entry["_streamlab"]
    entry["response"]["content"] = {"size": 0, "mimeType": "text/event-stream"}
    entry["startedDateTime"] = "2026-11-20T10:00:00.000Z"
    entry["_eventSourceMessages"] = [
        {"time": 1795168800.25, "eventName": "", "eventId": "", "data": '{"a":1}'},
        {"time": 1795168800.75, "eventName": "ping", "eventId": "7", "data": "two\nlines"},
    ]
    (read,) = from_har({"log": {"entries": [entry]}})
    assert read.body == b'data: {"a":1}\n\nevent: ping\nid: 7\ndata: two\ndata: lines\n\n'
    assert [segment.offset_us for segment in read.segments] == [250_000, 750_000]


def _as_chromium_writes(exchange: Exchange, times: list[float]) -> dict:
    """The structure of an entry as Chromium 156's own writer makes it (creator "WebInspector"), with other content."""
    entry = to_har([exchange], "0")["log"]["entries"][0]
    events = [part.removeprefix(b"data: ").decode() for part in exchange.body.split(b"\n\n")[:-1]]
    del entry["_streamlab"]
    return {
        "_connectionId": "9",
        "_initiator": {"type": "script", "stack": {"callFrames": []}},
        "_priority": "High",
        "_resourceType": "fetch",
        **entry,
        "connection": "40883",
        "pageref": "page_1",
        "serverIPAddress": "127.0.0.1",
        "startedDateTime": "2026-11-20T10:00:00.000Z",
        "time": 83.87,
        "timings": {"blocked": 1.5, "dns": -1, "ssl": -1, "connect": -1, "send": 0.3, "wait": 7.2, "receive": 74.8},
        "_eventSourceMessages": [
            {"time": 1795168800 + time, "eventName": "message", "eventId": "", "data": event}
            for time, event in zip(times, events, strict=True)
        ],
    }


def test_chromium_times_the_body_by_its_events():
    times = [0.0001, 0.0001, 0.02, 0.03, 0.0405, 0.0805]
    (read,) = from_har({"log": {"entries": [_as_chromium_writes(EXCHANGE, times)]}})
    _reads_the_same(read)
    assert [segment.offset_us for segment in read.segments] == [7200, 7200, 18499, 28499, 38999, 78999]
    assert read.end_us == 82370
    assert b"".join(segment.data for segment in read.segments) == BODY


def test_a_sanitized_archive_has_events_without_data():
    entry = _as_chromium_writes(EXCHANGE, [0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    for message in entry["_eventSourceMessages"]:
        message["data"] = ""
    (read,) = from_har({"log": {"entries": [entry]}})
    _reads_the_same(read)
    assert len(read.segments) == 6
    del entry["response"]["content"]["text"]
    (read,) = from_har({"log": {"entries": [entry]}})
    assert read.body == b"", "events are not made up"


def test_a_list_that_is_not_that_of_the_body_gives_no_times():
    entry = _as_chromium_writes(EXCHANGE, [0.01] * 6)
    entry["_eventSourceMessages"].pop()
    (read,) = from_har({"log": {"entries": [entry]}})
    assert read.body == BODY
    assert not read.timing_known


@pytest.fixture
def replay(tmp_path: Path):
    write_exchange_dir(EXCHANGE, tmp_path / "origin")
    with BackgroundReplay(replaying.playables([str(tmp_path / "origin")])) as server:
        yield server


def _reads_the_same(read: Exchange) -> None:
    assert read.body == BODY
    expected, found = analyze(EXCHANGE), analyze(read)
    assert [one.rule for one in found.findings] == [one.rule for one in expected.findings]
    assert found.completion == expected.completion


def test_a_cassette_written_by_vcrpy_reads_as_what_it_recorded(tmp_path: Path, replay: BackgroundReplay):
    cassette = tmp_path / "cassette.yaml"
    with vcr.use_cassette(str(cassette)), httpx.Client() as client:
        answer = client.post(
            f"{replay.base_url}/chat/completions",
            content=EXCHANGE.request.body,
            headers={"content-type": "application/json"},
        )
        assert answer.content == BODY
    (read,) = _read(cassette)
    _reads_the_same(read)


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ('this is what curl gives:\n{"a": 1}', None),
        ("we use curl and/or config/app.json, e.g.: so", None),
        ("curl localhost:8000/v1/chat/completions -d '{}'", "localhost:8000/v1/chat/completions"),
        ("curl example.com/v1", "example.com/v1"),
        ("curl gateway:3000/v1", "gateway:3000/v1"),
        ("curl '${BASE}/v1'", "${BASE}/v1"),
        ("curl $BASE/chat/completions", "$BASE/chat/completions"),
        ("curl {{host}}/v1", "{{host}}/v1"),
        ("curl [::1]:80/x", "[::1]:80/x"),
        ("$ curl -N https://h/v1", "https://h/v1"),
    ],
)
def test_an_address_in_a_command_is_told_from_a_sentence_about_curl(line, url):
    request = request_of(line)
    assert (request and request.url) == url


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_log_written_by_curl_reads_as_what_it_recorded(tmp_path: Path, replay: BackgroundReplay):
    log = tmp_path / "curl.log"
    url = f"{replay.base_url}/chat/completions"
    command = [
        "curl",
        "-siN",
        url,
        "-H",
        "content-type: application/json",
        "--data-binary",
        EXCHANGE.request.body.decode(),
    ]
    log.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    (read,) = _read(log)
    _reads_the_same(read)


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
names = st.text("abcdefghij-", min_size=1, max_size=10).filter(lambda name: name[0] != "-")
values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12)
headers = st.lists(st.tuples(names, values), max_size=4, unique_by=lambda pair: pair[0]).map(tuple)


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """Any exchange that was answered."""
    pieces = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=5))
    offsets = sorted(draw(st.lists(st.integers(0, 10**9), min_size=len(pieces), max_size=len(pieces))))
    body = draw(st.none() | st.binary(min_size=1, max_size=60) | texts.map(str.encode).filter(bool))
    last = offsets[-1] if offsets else 0
    chunked = draw(st.booleans())
    return Exchange(
        request=draw(st.none() | st.just(Request("POST", "http://127.0.0.1/v1/chat", draw(headers), body))),
        head=ResponseHead(draw(st.integers(200, 599)), draw(headers), draw(st.integers(0, 10**9)), draw(values)),
        segments=tuple(map(Segment, offsets, pieces)),
        http_chunks=tuple(map(len, pieces)) if chunked else None,
        ending=draw(st.sampled_from(Ending)),
        end_us=last + draw(st.integers(0, 10**6)),
        label=draw(st.none() | texts),
        tap=draw(st.none() | texts),
        started_at=draw(st.none() | st.just("2026-11-20T10:00:00.123456Z")),
        notes=draw(st.dictionaries(names, st.none() | st.integers() | texts, max_size=3)),
    )


def _plain(exchange: Exchange) -> Exchange:
    """As it is written: secrets out, segments in one tuple."""
    request, head = exchange.request, exchange.head
    assert head is not None
    return replace(
        exchange,
        id=None,
        request=request and replace(request, headers=redact_headers(request.headers)),
        head=replace(head, headers=redact_headers(head.headers)),
        segments=tuple(exchange.segments),
    )


@given(exchanges())
def test_har_holds_any_exchange(sent: Exchange):
    assert _plain(_as_har(sent)) == _plain(sent)


@given(exchanges())
def test_a_directory_holds_any_exchange(tmp_path_factory, sent: Exchange):
    home = tmp_path_factory.mktemp("exchange")
    write_exchange_dir(sent, home)
    assert _plain(read_exchange_dir(home)) == _plain(sent)


@given(exchanges())
def test_a_database_holds_any_exchange(tmp_path_factory, sent: Exchange):
    with CaptureDB(tmp_path_factory.mktemp("db") / "capture.db", write=True) as database:
        read = database.get(database.add(sent))
        assert replace(_plain(read), started_at=sent.started_at) == _plain(sent)


@given(exchanges())
def test_a_cassette_holds_what_it_does_not_say_it_lost(sent: Exchange):
    (read,) = from_vcr(parse_yaml(to_vcr([sent]).encode("utf-8", "surrogatepass")))
    assert (read.body, read.head.status, read.head.reason) == (sent.body, sent.head.status, sent.head.reason)
    assert sorted(read.head.headers) == sorted(redact_headers(sent.head.headers))
    if sent.request is not None:
        assert (read.request.method, read.request.url, read.request.body) == (
            "POST",
            sent.request.url,
            sent.request.body,
        )
    unsaid = set(vcr_lost(sent))
    assert ("HTTP chunks" in unsaid) == (sent.http_chunks is not None)
    assert any("ending" in one for one in unsaid) == (sent.ending is not Ending.COMPLETE)


@given(exchanges())
def test_a_curl_log_holds_what_it_does_not_say_it_lost(sent: Exchange):
    read = from_curl_log(to_curl_log(sent))
    assert (read.body, read.head.status) == (sent.body, sent.head.status)
    assert read.head.headers == redact_headers(sent.head.headers)
    if sent.request is not None and "a request body that is no text" not in curl_lost(sent):
        assert (read.request.url, read.request.body) == (sent.request.url, sent.request.body)


def test_a_body_that_begins_like_a_file_name_is_sent_and_not_read():
    request = replace(EXCHANGE.request, body=b"@/etc/passwd", headers=(("@/etc/hostname", "x"),))
    assert shlex.split(curl_command(replace(EXCHANGE, request=request)))[-2:] == ["--data-raw", "@/etc/passwd"]
    assert "hostname" not in curl_command(replace(EXCHANGE, request=request))


@pytest.mark.parametrize("form", exporting.FORMATS)
def test_what_is_exported_can_be_read_again(tmp_path: Path, form: str):
    write_exchange_dir(EXCHANGE, tmp_path / "in")
    (exported,) = exporting.export([str(tmp_path / "in")], tmp_path / "out", form)
    if form == "fixture":
        ((_, read),) = load(exported.path)
        assert tuple(read.segments) == tuple(EXCHANGE.segments)
    else:
        (read,) = _read(exported.path)
        assert bool(exported.lost) == (form != "har")
    _reads_the_same(read)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.har", b"{}"),
        ("x.har", b'{"log": {"entries": [1]}}'),
        ("x.har", b'{"log": {"entries": {}}}'),
        ("x.yaml", b"interactions: 5"),
        ("x.yaml", b"interactions:\n- 1\n"),
        ("x.yaml", b"!!python/object/apply:os.system ['true']"),
        ("x.log", b"HTTP/1.1 200 OK\r\nno end of head"),
        ("x.har", b'{"log": {"entries": []}}'),
        ("x.yaml", b"interactions: []\nversion: 1\n"),
        ("x.yaml", b"interactions:\n- {request: {uri: [a, b]}, response: {body: {string: x}}}\n"),
        ("x.yaml", b"interactions:\n- {request: {uri: a}, response: {body: {string: {string: [x]}}}}\n"),
        ("x.yaml", b"interactions:\n- {request: {uri: a}, response: {status: {code: 99999999999999999999}}}\n"),
        ("x.yaml", b"interactions: *nothing\n"),
        ("x.yaml", b"interactions: &a [*a]\n"),
        ("x.yaml", b"interactions: " + b"[" * 60 + b"]" * 60),
        ("x.yaml", b"interactions:\n- !!set {a, b}\n"),
        ("x.yaml", b"interactions:\n- {request: {uri: !!binary 'x'}, response: {}}\n"),
        ("x.yaml", b"interactions:\n- {? [a] : b}\n"),
        ("x.yaml", b"interactions:\n- \x01\n"),
    ],
)
def test_files_that_are_not_what_they_claim_are_refused_in_one_line(tmp_path: Path, name: str, content: bytes):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableInputError) as caught:
        _read(tmp_path / name)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=400))
def test_rubbish_is_read_or_refused_and_nothing_else(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("rubbish") / "file"
    path.write_bytes(data)
    try:
        _read(path)
    except UnreadableInputError:
        pass


def _bomb() -> bytes:
    lines = [b"a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{at}: &a{at} [{', '.join(9 * [f'*a{at - 1}'])}]".encode() for at in range(1, 12)]
    return b"\n".join([*lines, b"interactions:", b"- {request: {uri: *a11, body: *a11}, response: {body: *a11}}", b""])


def _merges() -> bytes:
    lines = [b"a0: &a0 {k: v}"]
    lines += [f"a{at}: &a{at} {{<<: [{', '.join(9 * [f'*a{at - 1}'])}]}}".encode() for at in range(1, 12)]
    return b"\n".join([*lines, b"interactions:", b"- {request: {headers: *a11}, response: {}}", b""])


@pytest.mark.parametrize("document", [_bomb(), _merges()])
def test_a_page_of_anchors_is_refused_before_it_becomes_gigabytes(document: bytes):
    assert len(document) < 1000
    with pytest.raises(UnreadableInputError, match="more than 1000000 values"):
        read_bytes("x.yaml", document)


def test_what_aliases_repeat_is_counted_in_bytes_too():
    document = b"a: &a " + b"x" * 10_000 + b"\ninteractions: [" + b"*a, " * 99 + b"*a]\n"
    assert len(parse_yaml(document)["interactions"]) == 100
    with pytest.raises(NotPlainError, match="more text"):
        parse_yaml(document, largest=900_000)


def test_a_cassette_repeats_by_alias_what_vcrpy_wrote_once():
    document = b"""interactions:
- request: {body: null, headers: {accept: &id001 ['*/*']}, method: GET, uri: http://h/v1}
  response:
    body: {string: !!binary ZGF0YTogMQoK}
    headers: {content-type: [text/event-stream], x: *id001}
    status: {code: 200, message: OK}
version: 1
"""
    (read,) = read_bytes("x.yaml", document)
    assert read.body == b"data: 1\n\n"
    assert (read.head.headers, read.request.headers) == (
        (("content-type", "text/event-stream"), ("x", "*/*")),
        (("accept", "*/*"),),
    )
    assert (read.head.status, read.request.body) == (200, None)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("head_us", -1),
        ("head_us", 1e300),
        ("head_us", 2**63),
        ("end_us", True),
        ("end_us", "5"),
        ("segments", [[5, 1]]),
        ("segments", [[5, 2**70]]),
        ("segments", [[9, 100], [5, len(BODY) - 100]]),
        ("segments", {"a": 1}),
        ("http_chunks", [1]),
        ("http_chunks", 7),
        ("ending", "over"),
        ("label", 5),
        ("label", "\ud800"),
        ("tap", []),
        ("started_at", {}),
        ("notes", "x"),
        ("request_known", 1),
        ("response_known", "no"),
        ("response_known", False),
    ],
)
def test_our_own_part_of_a_har_is_held_to_what_an_exchange_json_is(place: str, value: object):
    document = to_har([EXCHANGE], "0")
    document["log"]["entries"][0]["_streamlab"][place] = value
    with pytest.raises(UnreadableInputError, match=r"^x\.har: entry 0 of this HAR: ") as caught:
        read_bytes("x.har", json.dumps(document).encode())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("request.url", "\udc80"),
        ("request.method", "\ud800"),
        ("request.headers", [{"name": "\ud800", "value": "x"}]),
        ("request.headers", [{"name": "x", "value": "\ud800"}]),
        ("response.status", 2**70),
        ("response.status", 1e300),
        ("response.status", float("inf")),
        ("response.status", -200),
        ("response.statusText", "\ud800"),
        ("response.headers", [{"name": "x", "value": "y"}] * 10_001),
        ("response.content", {"text": "!", "encoding": "base64"}),
    ],
)
def test_values_of_a_har_that_nothing_can_store_are_refused(path: str, value: object):
    document = to_har([EXCHANGE], "0")
    entry = document["log"]["entries"][0]
    del entry["_streamlab"]
    message, name = path.split(".")
    entry[message][name] = value
    with pytest.raises(UnreadableInputError) as caught:
        read_bytes("x.har", json.dumps(document).encode())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("time", [1e300, float("inf"), -1e300, float("nan"), 2**70, "x", None, True])
def test_times_of_a_har_that_cannot_be_are_unknown(time: object):
    entry = _as_chromium_writes(EXCHANGE, [0.01] * 6)
    entry["timings"]["wait"] = entry["timings"]["blocked"] = entry["time"] = time
    entry["_eventSourceMessages"][2]["time"] = time
    (read,) = read_bytes("x.har", json.dumps({"log": {"entries": [entry]}}).encode())
    assert read.body == BODY
    assert not read.timing_known or read.end_us < 10**9


def _browser(**answered: object) -> dict:
    """An entry of a browser's archive, of a call to a model."""
    entry = to_har([EXCHANGE], "0")["log"]["entries"][0]
    del entry["_streamlab"], entry["_eventSourceMessages"]
    entry["response"].update(answered)
    return entry


def test_a_body_that_was_not_kept_is_unknown_and_not_empty():
    entry = _browser(content={"size": 0, "mimeType": "text/event-stream"})
    (read,) = from_har({"log": {"entries": [entry]}})
    assert (read.body, read.notes) == (b"", {"body": "unknown"})
    said, repaired = analyze(read), normalize(read)
    assert (said.findings, said.judged, said.why) == ((), False, "the body is not in the recording")
    assert (repaired.exchange.body, repaired.left_alone) == (b"", said.why)
    assert list(diff_exchange(read)) == []
    (empty,) = from_har({"log": {"entries": [_browser(content={"size": 0, "text": ""})]}})
    assert [one.rule for one in analyze(empty).findings] == ["empty-200"]


def test_pages_and_pictures_of_an_archive_are_no_exchanges():
    page = _browser(content={"text": "<html></html>", "mimeType": "text/html"}, headers=[])
    page["request"] = {"method": "GET", "url": "http://h/index.html", "headers": []}
    assert list(from_har({"log": {"entries": [page]}})) == []
    asks_whether_it_may = _browser(content={"text": ""})
    asks_whether_it_may["request"]["method"] = "OPTIONS"
    assert list(from_har({"log": {"entries": [asks_whether_it_may]}})) == []
    assert len(list(from_har({"log": {"entries": [page, _browser()]}}))) == 1
    with pytest.raises(UnreadableInputError, match="nothing asked a model"):
        read_bytes("x.har", json.dumps({"log": {"entries": [page]}}).encode())


def test_messages_of_a_websocket_are_events_without_a_framing():
    entry = _browser(status=101, content={"size": 0})
    entry["request"] = {"method": "GET", "url": "ws://h/v1/responses", "headers": []}
    entry["_webSocketMessages"] = [
        {"type": "send", "time": 1.0, "opcode": 1, "data": '{"type":"response.create"}'},
        {"type": "receive", "time": 1.5, "opcode": 1, "data": '{"type":"response.created","sequence_number":0}'},
        {"type": "receive", "time": 1.6, "opcode": 2, "data": "AAAA"},
    ]
    (read,) = from_har({"log": {"entries": [entry]}})
    assert read.body == b'event: response.created\ndata: {"type":"response.created","sequence_number":0}\n\n'
    assert (read.request.body, read.notes["framing"]) == (b'{"type":"response.create"}', "unknown")


def test_our_archives_have_the_events_that_the_developer_tools_show():
    sent = replace(EXCHANGE, started_at="2026-11-20T10:00:00.000000Z")
    listed = to_har([sent], "0")["log"]["entries"][0]["_eventSourceMessages"]
    assert [one["data"] for one in listed] == [part[6:].decode() for part in BODY.split(b"\n\n")[:-1]]
    assert listed[0]["time"] == pytest.approx(1795168800 + sent.segments[0].offset_us / 1e6)
    assert {one["eventName"] for one in listed} == {"message"}


def test_a_folder_gives_its_archives_and_cassettes_too(tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.har").write_text(json.dumps(to_har([EXCHANGE], "0")))
    (tmp_path / "in" / "b.yaml").write_text(to_vcr([EXCHANGE]))
    (tmp_path / "in" / "settings.yml").write_text("name: x\n")
    (tmp_path / "c.sse").write_bytes(BODY)
    _, ids = import_into([str(tmp_path)], tmp_path / "x.db", None)
    assert len(ids) == 3


def test_what_is_imported_is_written_before_the_next_is_read(tmp_path: Path, monkeypatch):
    for name in "abc":
        (tmp_path / f"{name}.sse").write_bytes(BODY)
    done: list[str] = []
    read, add = Target.data, CaptureDB.add
    monkeypatch.setattr(Target, "data", lambda self: done.append("read") or read(self))
    monkeypatch.setattr(CaptureDB, "add", lambda self, exchange: done.append("written") or add(self, exchange))
    import_into([str(tmp_path)], tmp_path / "x.db", None)
    assert done == ["read", "written"] * 3


def test_a_database_imported_into_itself_is_doubled_once(tmp_path: Path):
    path = tmp_path / "x.db"
    with CaptureDB(path, write=True) as database:
        for _ in range(3):
            database.add(EXCHANGE)
    assert import_into([str(path)], path, None)[1] == [4, 5, 6]


def test_where_one_cannot_be_read_none_stays(tmp_path: Path):
    path = tmp_path / "x.db"
    (tmp_path / "a.sse").write_bytes(BODY)
    (tmp_path / "b.har").write_text("{")
    with CaptureDB(path, write=True) as database:
        database.add(EXCHANGE)
    with pytest.raises(UnreadableInputError):
        import_into([str(tmp_path / "a.sse"), str(tmp_path / "b.har")], path, None)
    with CaptureDB(path) as database:
        assert list(database.ids()) == [1]
