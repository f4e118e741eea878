"""How a body ends, and what may be concluded from it."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace

import pytest

from streamlab.exchange import Ending, Segment
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repair import MAX_EVENT
from tests.streams import (
    chat_text,
    chunk,
    exchange,
    frame,
    request_for,
    responses_exchange,
    responses_sse,
    responses_text,
    sse,
)

SSE = ("content-type", "text/event-stream; charset=utf-8")
CHUNKED = ("transfer-encoding", "chunked")
TEXT = chat_text()
CUT = sse(TEXT[:3], done=False)


def found(one):
    return {finding.rule: finding for finding in analyze(one).findings}


def held(one, seconds):
    return replace(one, end_us=one.end_us + int(seconds * 1e6))


def test_a_cut_after_done_loses_nothing():
    after = found(exchange(sse(TEXT), ending=Ending.UPSTREAM_CUT))["truncated-chunked-body"]
    before = found(exchange(CUT, ending=Ending.UPSTREAM_CUT, notes={"ending_reason": "rst"}))["truncated-chunked-body"]
    assert (after.severity, before.severity) == (Severity.WARNING, Severity.ERROR)
    assert "reset" in before.message


def test_no_response_at_all():
    silent = replace(exchange([]), head=None)
    assert "truncated-chunked-body" in found(replace(silent, ending=Ending.UPSTREAM_CUT))
    assert found(replace(silent, ending=Ending.UNREACHABLE)).keys() == {"upstream-unreachable"}


def test_a_cut_body_with_a_length_is_told_once():
    one = exchange(CUT, headers=(SSE, ("content-length", "5000")), ending=Ending.UPSTREAM_CUT)
    assert "content-length-mismatch" in found(one)
    assert "truncated-chunked-body" not in found(one)
    assert "content-length-mismatch" not in found(replace(one, ending=Ending.CLIENT_LEFT))


def test_a_length_that_chunks_override_is_not_judged():
    assert "content-length-mismatch" not in found(exchange(CUT, headers=(SSE, CHUNKED, ("content-length", "5"))))


def test_a_stream_whose_length_is_right_is_only_told():
    body = sse(TEXT)
    one = found(exchange(body, headers=(SSE, ("content-length", str(len(body))))))
    assert one["content-length-mismatch"].severity is Severity.INFO
    assert len(one) == 1


def test_close_delimited():
    whole, half = exchange(sse(TEXT), headers=(SSE,)), exchange(CUT, headers=(SSE,))
    assert found(whole)["close-delimited-truncation"].severity is Severity.INFO
    assert found(half)["close-delimited-truncation"].severity is Severity.WARNING
    untimed = exchange(sse(TEXT), headers=(SSE,), timed=False)
    http2 = replace(whole, head=replace(whole.head, http_version="2"))
    for other in (untimed, http2, replace(whole, http_chunks=(1,))):
        assert "close-delimited-truncation" not in found(other)


@pytest.mark.parametrize("ending", [Ending.COMPLETE, Ending.CLIENT_LEFT, Ending.TIMED_OUT, Ending.UPSTREAM_CUT])
@pytest.mark.parametrize(
    "one",
    [exchange(sse(TEXT)), exchange(sse(TEXT, done=False)), responses_exchange(responses_sse(responses_text()))],
    ids=["done", "finish", "responses"],
)
def test_held_open(one, ending):
    rule = "connection-held-open-after-done"
    one = replace(one, ending=ending)
    assert rule in found(held(one, 2.5))
    assert (rule in found(held(one, 1.5))) is (ending is Ending.TIMED_OUT)


def test_what_comes_behind_the_finish_is_waited_for():
    rule = "connection-held-open-after-done"
    segments = [frame(one) for one in TEXT]
    usage = frame(chunk(choices=[], usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}))
    late = exchange([*segments, *[b": keep-alive\n\n"] * 90, usage])
    assert rule not in found(late)
    assert rule in found(held(late, 2.5))
    assert rule in found(exchange([*segments, *[b": keep-alive\n\n"] * 90]))


def test_a_finish_behind_the_name_of_no_field_hides_no_cut():
    junk = sse(TEXT[:-1], done=False) + b"," + frame(TEXT[-1]) + b"data: [DONE]\n\n"
    assert set(found(exchange(junk))) == {"sse-invalid-field-name"}


def test_an_answer_that_never_finished_is_not_held_open_but_stalled():
    one = found(held(exchange(CUT, ending=Ending.TIMED_OUT), 9))
    assert set(one) == {"stall-gap"}


@pytest.mark.parametrize(
    ("payloads", "masked"),
    [
        (TEXT[:-1], True),
        ([*TEXT, chunk({"content": "other"}, index=1)], True),
        ([*TEXT[:-1], {"object": "error", "message": "x", "code": 500}], False),
        ([*TEXT[:-1], b"Internal Server Error"], False),
        ([*TEXT[:-1], b'[{"error": {"message": "x", "code": 503}}]'], False),
        ([{"choices": [{"index": 0, "delta": {"content": "a"}}]}] * 3, False),
        ([chunk({"role": "assistant"}), chunk({"audio": {"expires_at": 1}})], False),
        ([chunk({}, choices=[])], False),
    ],
)
def test_masked_truncation(payloads, masked):
    assert ("gateway-masks-truncation" in found(exchange(sse(payloads)))) is masked


def test_masked_truncation_after_half_an_event():
    assert "gateway-masks-truncation" in found(exchange(sse([*TEXT[:-1], frame(TEXT[2])[6:40]])))


def packed(*, flush, seconds=4.0):
    """A compressed stream, flushed with every event or held back to the end."""
    compress = zlib.compressobj(wbits=31)
    parts = [frame(one) for one in chat_text(*["word "] * 9)] + [b"data: [DONE]\n\n"]
    reads = [compress.compress(part) + (compress.flush(zlib.Z_SYNC_FLUSH) if flush else b"") for part in parts]
    reads[-1] += compress.flush()
    reads = reads if flush else [b"".join(reads)]
    step = int(seconds * 1e6 / len(reads))
    segments = tuple(Segment(190_000 + step * (at + 1), read) for at, read in enumerate(reads))
    one = exchange(reads, headers=(SSE, CHUNKED, ("content-encoding", "gzip")))
    return replace(one, segments=segments, end_us=segments[-1].offset_us + 1000)


def test_compression_is_judged_by_arrival():
    assert found(packed(flush=True)) == {}
    assert found(packed(flush=False))["gzip-on-sse"].severity is Severity.WARNING
    assert found(packed(flush=False, seconds=0.3))["gzip-on-sse"].severity is Severity.INFO


@pytest.mark.parametrize(
    ("body", "coding", "repair"),
    [
        (sse(TEXT), "gzip", "safe"),
        (b'{"error":{"message":"x"}}', "br", "safe"),
        (gzip.compress(sse(TEXT)), None, "safe"),
        (gzip.compress(sse(TEXT)), "zstd", "none"),
        (gzip.compress(sse(TEXT), mtime=0)[:-8] + b"\xff" * 8, "gzip", "none"),
        (sse(TEXT), "quantum", "safe"),
    ],
)
def test_mislabelled_encodings(body, coding, repair):
    headers = (SSE, CHUNKED, ("content-encoding", coding)) if coding else (SSE, CHUNKED)
    one = found(exchange([body[:50], body[50:]], headers=headers))
    assert one["encoding-mislabelled"].repairability == repair


def test_reads_of_one_byte_cut_characters_and_are_told_as_tiny():
    body = sse(chat_text("春天"))
    messages = [one.message for one in analyze(exchange([bytes([byte]) for byte in body])).findings]
    assert any("middle of a character" in one for one in messages)
    assert any("on average" in one for one in messages)


def test_a_stream_that_ends_within_a_character_is_no_split():
    body = frame(chunk({"content": "春"}))
    cut = body[: body.index("春".encode()) + 1]
    assert "utf8-split-over-reads" not in found(exchange([cut], ending=Ending.UPSTREAM_CUT))


@pytest.mark.parametrize("size", [65_000, 66_000, 140_000, 1_200_000])
def test_long_lines_are_found_however_they_are_cut_and_coded(size):
    body = sse(chat_text("a", "x" * (size - 400), "b"))
    plain = exchange([body[at : at + 5000] for at in range(0, len(body), 5000)])
    coded = exchange([gzip.compress(body)], headers=(SSE, CHUNKED, ("content-encoding", "gzip")))
    hits = [found(one).get("oversized-sse-line") for one in (plain, coded)]
    assert [hit.event if hit else None for hit in hits] == ([2, 2] if size > 65_536 else [None, None])


@pytest.mark.parametrize(("size", "repair"), [(MAX_EVENT - 400, Repairability.SAFE), (MAX_EVENT, Repairability.NONE)])
def test_no_repair_is_promised_of_a_line_that_is_too_much_to_mend(size, repair):
    sent = exchange([sse(chat_text("x" * size))])
    mended = "oversized-sse-line" in normalize(sent).changes
    assert (found(sent)["oversized-sse-line"].repairability, mended) == (repair, repair is Repairability.SAFE)


def test_no_long_line_in_one_long_read():
    assert "oversized-sse-line" not in found(exchange([sse(chat_text(*["word"] * 500))]))


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ((("server", "uvicorn"),), True),
        ((("via", "1.1 proxy"), ("cache-control", "max-age=0")), True),
        ((("server", "uvicorn"), ("cache-control", "no-store, max-age=0")), False),
        ((("server", "uvicorn"), ("x-accel-buffering", "no")), False),
        ((("server", "cloudflare"),), False),
        ((), False),
    ],
)
def test_buffering_hints(headers, told):
    one = found(exchange(sse(TEXT), headers=(SSE, CHUNKED, *headers), request=request_for()))
    assert ("anti-buffering-headers-missing" in one) is told
