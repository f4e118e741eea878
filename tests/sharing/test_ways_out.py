"""Every way out, with secrets planted in every place of an exchange: none goes out, and every finding does."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
import zlib
from dataclasses import replace

import brotli
import pytest
import zstandard

from streamlab.cli import main
from streamlab.exchange import Exchange, Request, ResponseHead, Segment
from streamlab.judging.analyzer import analyze
from streamlab.sharing.masking import mask_text
from streamlab.sharing.shared import share
from streamlab.sharing.shown import as_shown, report_without_secrets
from streamlab.sharing.wanted import Masking
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import read_exchange_dir, write_exchange_dir
from streamlab.storage.targets import find
from streamlab.tui.exchange_files import curl_command, prepare, write_shared
from streamlab.wire.content_coding import BodyDecoder
from streamlab.workflows import drift
from streamlab.workflows import export as exporting
from streamlab.workflows import redact as redacting
from streamlab.workflows.answers import Answers
from streamlab.workflows.bundling import write_bundle
from streamlab.workflows.regression.recording import LiveRecorder
from streamlab.workflows.share import kept_findings, masking_of, prepared
from tests import streams
from tests.sharing.canaries import canaries, tells

PAIRS = canaries(40, seed=23)


def _planted(number: int) -> Exchange:
    """An exchange with four secrets: in heads, address, request, in the answer cut in pieces, in its error."""
    one, two, three, four = (PAIRS[(number + step) % len(PAIRS)][1] for step in range(4))
    said = f"take {three} and go"
    cut = 6 + number % len(three)
    asked = {
        "model": "m", "stream": True, "messages": [{"role": "user", "content": f"I have {two}"}],
        "tools": [
            {"type": "mcp", "headers": {"Authorization": f"Bearer {one}", f"x-my-{four}": ""}, "authorization": one}
        ],
    }  # fmt: skip
    events = [
        *({**one, "model": four} for one in streams.chat_text(said[:cut], said[cut : cut + 3], said[cut + 3 :])[:-1]),
        {"error": {"message": f"Incorrect API key provided: {four}", "type": "invalid"}},
    ]
    body = streams.sse(events, done=False) + f": {one}\n\ndata: {{'broken': '{two}'\n\n".encode()
    return Exchange(
        request=Request(
            "POST", f"http://h/v1/chat/completions?api_key={one}&next=https%3A%2F%2Fx%3Ftoken%3D{two}",
            (
                ("authorization", f"Bearer {one}"), ("x-portkey-config", json.dumps({"api_key": two})),
                ("x-echo", three), (f"x-{one}", "1"), (f"my-own-{two}", "1"),
            ),
            json.dumps(asked).encode(),
        ),
        head=ResponseHead(
            200,
            (
                ("content-type", "text/event-stream"), ("set-cookie", f"s={one}"), ("x-debug", f"key {four}"),
                (f"x-{four}", "1"), ("vary", f"x-my-{one}"),
            ),
            5,
        ),
        segments=(Segment(10, body[: len(body) // 2]), Segment(20, body[len(body) // 2 :])),
        end_us=30, label=f"with {four}", started_at="2026-11-28T00:00:00.000000Z",
        notes={
            "unframed": f"HTTP/1.1 200 {two}", "unfinished_head": f"x: {three}", "trailers": [[f"x-my-{three}", "1"]],
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("out") / "x.db"
    with CaptureDB(path, write=True) as capture:
        for number in range(0, 40, 4):
            capture.add(_planted(number))
    return path


def _leaks(data: bytes) -> list[str]:
    plain = data.decode("utf-8", "replace").replace("\\", "")
    return [secret for prefix, secret in PAIRS if tells(secret, prefix) in plain or secret[-10:] in plain]


def test_the_canaries_are_there(database) -> None:
    assert len(_leaks(database.read_bytes())) > 20


@pytest.mark.parametrize("form", ["fixture", "sse", "har", "vcr", "curl", "html", "markdown", "svg", "otel"])
def test_no_export_holds_one(database, tmp_path, form) -> None:
    if form == "otel":
        pytest.importorskip("opentelemetry.sdk")
    count = 0
    for one in exporting.export([str(database)], tmp_path, form):
        count += 1
        assert _leaks(str(one.path).encode()) == []
    assert count == 10
    for file in tmp_path.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert _leaks(re.sub(rb"base64,[A-Za-z0-9+/=]+", b"", data)) == [], file
    if form == "fixture":
        assert any(one.stat().st_size for one in tmp_path.rglob("findings.json"))


def test_no_bundle_copy_answer_or_database_holds_one(database, tmp_path) -> None:
    write_bundle([str(database)], tmp_path / "x.slab", masking_of())
    with zipfile.ZipFile(tmp_path / "x.slab") as archive:
        assert not [name for name in archive.namelist() if _leaks(archive.read(name))]
    answers = Answers(database, Masking())
    for number in (1, 5, 10):
        said = answers.show_exchange(number) + answers.check_exchange(number) + answers.list_exchanges()
        assert _leaks(said.encode()) == []
    assert _leaks(answers.compare_exchanges(1, 2).encode()) == []
    with CaptureDB(database) as capture:
        assert _leaks((curl_command(capture.get(1)) or "").encode()) == []
    page = write_shared(prepare(database, 2, text=False), tmp_path / "shared")
    assert _leaks(re.sub(rb"base64,[A-Za-z0-9+/=]+", b"", page.read_bytes())) == []
    made = redacting.redact([str(database)], tmp_path / "clean.db", Masking())
    assert redacting.verify_made(made, tmp_path / "clean.db", Masking()) == []
    assert _leaks((tmp_path / "clean.db").read_bytes()) == []
    assert redacting.verify([str(database)], Masking())


def test_every_finding_is_kept(database) -> None:
    for found in find(str(database)):
        before = found.read()
        after = prepared(before, Masking()).exchange
        assert kept_findings(before, after) == []
        assert analyze(before).findings
        assert len(after.body) == len(before.body)


def test_deleted_rows_are_found_in_free_pages(tmp_path) -> None:
    path = tmp_path / "x.db"
    with CaptureDB(path, write=True) as capture:
        capture.connection.execute("PRAGMA secure_delete = OFF")
        for number in range(6):
            capture.add(_planted(number))
        capture.prune(ids=[1, 2, 3, 4, 5, 6])
        capture.add(streams.exchange(streams.sse(streams.chat_text("clean"))))
    left = redacting.verify([str(path)], Masking())
    assert left
    assert all("byte" in one for one in left)


_COMMANDS = [
    *(["check", "DB", "--format", form, "--fail-on", "never"] for form in ("text", "json", "sarif", "junit", "github")),
    ["show", "DB#1"], ["show", "DB#2", "--json"], ["diff", "DB#1"], ["diff", "DB#5", "--json"],
    ["compare", "DB#1", "DB#2"], ["compare", "DB#1", "DB#2", "--json"],
    ["normalize", "DB#1", "--blame"], ["normalize", "DB#3", "--blame", "--json"],
    ["ls", "--db", "DB", "--json"], ["trend", "DB", "--by", "label,model", "--format", "csv"],
]  # fmt: skip


def test_no_command_says_one_unless_told_to(database, tmp_path, capsys) -> None:
    """A build's log is public, and a terminal is pasted from."""
    copy = tmp_path / "copy.db"
    copy.write_bytes(database.read_bytes())
    for command in _COMMANDS:
        with pytest.raises(SystemExit):
            main([one.replace("DB", str(copy)) for one in command])
        said = capsys.readouterr()
        assert len(said.out) > 40, command
        assert _leaks((said.out + said.err).encode()) == [], command
    with CaptureDB(copy) as capture:
        for (report,) in capture.connection.execute("SELECT report FROM reports"):
            assert _leaks(zstandard.ZstdDecompressor().decompress(report[report.index(b"\x28\xb5\x2f\xfd") :])) == []
        for table in ("summaries", "contents", "exchanges"):
            for row in capture.query(f"SELECT * FROM {table}"):
                evidence = json.loads(row["notes"])["unframed"] if table == "exchanges" else ""  # as the body is
                assert _leaks("".join(map(str, row)).replace(evidence, "").encode()) == [], table
        assert capture.query("SELECT count(*) FROM summaries")[0][0] == 10
    with pytest.raises(SystemExit):
        main(["check", str(copy), "--json", "--keep-secrets"])
    assert _leaks(capsys.readouterr().out.encode())


def test_what_is_said_of_a_key_in_pieces_or_cut_short_is_masked_and_nothing_else_is() -> None:
    secret = PAIRS[0][1]
    pieces = streams.exchange(
        streams.sse(streams.chat_text("take ", secret[:9], secret[9:30], secret[30:]), done=False)
    )
    judged = report_without_secrets(pieces, analyze(pieces), Masking(), analyze)
    assert judged.completion["content"] == "take " + mask_text(secret)
    assert [one.rule for one in judged.findings] == [one.rule for one in analyze(pieces).findings]
    cut = analyze(streams.exchange(b"data: %s\n\n" % secret.encode()))
    short = replace(cut, findings=(replace(cut.findings[0], message=f"it says {secret[:14]}…"),), completion={})
    again = report_without_secrets(streams.exchange(b""), short, Masking(), lambda _: cut)
    assert _leaks("".join(one.message for one in again.findings).encode()) == []
    clean = streams.exchange(streams.sse(streams.chat_text("hello"), done=False))
    report = analyze(clean)
    assert report_without_secrets(clean, report, Masking(), analyze) is report
    assert as_shown(clean, Masking()) is clean


def test_a_body_that_is_not_coded_as_it_says_is_masked_as_it_is() -> None:
    secret = PAIRS[0][1]
    plain = streams.sse(streams.chat_text("take ", secret[:11], secret[11:], " and go"))
    behind = b'data: {"error": "%s"}\n\n' % secret.encode()
    for coding, body in (("gzip", plain), ("utf-8", plain), ("gzip", gzip.compress(streams.sse([])) + behind)):
        head = ResponseHead(200, (("content-type", "text/event-stream"), ("content-encoding", coding)), 1)
        exchange = Exchange(head=head, segments=(Segment(2, body[:50]), Segment(3, body[50:])), end_us=4)
        shown = prepared(exchange, Masking()).exchange
        assert secret[-10:].encode() not in shown.body
        assert len(shown.body) == len(body)
        assert kept_findings(exchange, shown) == []


def test_fixtures_that_commands_write_for_a_repository_hold_none(database, tmp_path) -> None:
    """Those of shrink and fuzz, of drift --update and of the pytest plugin's recording."""
    planted = next(find(str(database))).read()
    home = exporting.write_masked_fixture(planted, tmp_path, "shrunk")
    drift._replace(tmp_path / "drifted", planted)
    recorder = LiveRecorder(None, "http://127.0.0.1:9", database)
    recorder._db = database
    recorder._export(tmp_path / "recorded")
    assert len(recorder.recorded) == 10
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or _leaks(file.read_bytes()) == [], file
    assert kept_findings(planted, read_exchange_dir(home)) == []


def test_a_finding_about_a_member_that_is_called_as_a_key_is_is_the_same_one() -> None:
    exchange = streams.exchange(streams.sse([{**streams.chunk({"content": "x"}), PAIRS[0][1]: 1}]))
    assert kept_findings(exchange, prepared(exchange, Masking()).exchange) == []


_CODERS = {
    "gzip": gzip.compress, "zstd": zstandard.compress, "deflate": zlib.compress, "br": brotli.compress,
    "": gzip.compress,
}  # fmt: skip


@pytest.mark.parametrize("coding", _CODERS)
def test_a_compressed_request_is_kept_and_shown_without_secrets(tmp_path, coding) -> None:
    """Its length may change; what cannot be decoded is masked as a whole."""
    prefix, secret = PAIRS[0]
    said = json.dumps({"model": "m", "api_key": "hunter2hunter2", "input": f"my {secret}"}).encode()
    head = (("content-encoding", coding),) if coding else ()
    whole = _CODERS[coding](said)
    bodies = [whole, whole[: len(whole) // 2], _CODERS[coding](b'{"model":"m"}')]
    with CaptureDB(tmp_path / "x.db", write=True) as capture:
        for body in bodies:
            capture.add(replace(_planted(0), request=Request("POST", "http://h/v1/responses", head, body), label=""))
        kept = [capture.get(number + 1).request.body for number in range(3)]
    decoder = BodyDecoder(coding or None, guess=True)
    plain = decoder.feed(kept[0])
    assert decoder.complete
    assert json.loads(plain)["api_key"] == "x" * 14
    assert len(plain) == len(said)
    assert tells(secret, prefix).encode() not in plain
    if coding:
        assert kept[1] == b"x" * len(bodies[1])
    assert kept[2] == bodies[2]
    again = share(replace(_planted(0), request=Request("POST", "http://h/v1/responses", head, kept[0]))).exchange
    assert again.request.body == kept[0]
    shown = share(replace(_planted(0), request=Request(f"{secret}", "http://h/v1/responses", head, bodies[0]))).exchange
    assert shown.request.body == kept[0]
    assert tells(secret, prefix) not in shown.request.method


def test_what_normalize_says_of_it_holds_no_secret(tmp_path, capsys) -> None:
    secret = PAIRS[0][1]
    events = streams.chat_text("hi")
    events[-1] = {**events[-1], "choices": [{"index": 0, "delta": {}, "finish_reason": secret}]}
    write_exchange_dir(streams.exchange(streams.sse(events)), tmp_path / "x")
    for more in ([], ["--json"], ["--blame"]):
        with pytest.raises(SystemExit):
            main(["normalize", str(tmp_path / "x"), "-o", str(tmp_path / "out"), *more])
        said = capsys.readouterr()
        assert _leaks((said.out + said.err).encode()) == []
    with pytest.raises(SystemExit):
        main(["normalize", str(tmp_path / "x"), "-o", str(tmp_path / "out"), "--keep-secrets"])
    assert secret[:30] in capsys.readouterr().err
