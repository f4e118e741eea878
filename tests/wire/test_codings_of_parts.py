"""Lawful codings of several parts: frames of zstd, skippable ones among them, and members of gzip."""

from __future__ import annotations

import gzip
import random
import zlib
from dataclasses import replace

import brotli
import pytest
import zstandard

from streamlab.exchange import Ending
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Severity
from streamlab.wire.content_coding import BodyDecoder
from tests.streams import HEADERS, chat_text, exchange, frame, sse

PLAIN = sse(chat_text())
EVENTS = [*map(frame, chat_text()), b"data: [DONE]\n\n"]
_SKIPPED = bytes.fromhex("532a4d18") + (5).to_bytes(4, "little") + b"hello"
_FRAMES = [zstandard.ZstdCompressor().compress(event) for event in EVENTS]
_MEMBERS = [gzip.compress(event, mtime=0) for event in EVENTS]
BODIES = {
    "zstd, a frame an event": ("zstd", _FRAMES, len(EVENTS)),
    "zstd, skippable frames between": ("zstd", [part for one in _FRAMES for part in (_SKIPPED, one)], 2 * len(EVENTS)),
    "zstd, skippable frame behind": ("zstd", [*_FRAMES, _SKIPPED], len(EVENTS) + 1),
    "zstd, padded": ("zstd", [*_FRAMES, bytes(9)], len(EVENTS)),
    "gzip, a member an event": ("gzip", _MEMBERS, len(EVENTS)),
    "gzip, padded": ("gzip", [*_MEMBERS, bytes(9)], len(EVENTS)),
}


def _decoded(coding, pieces):
    decoder = BodyDecoder(coding)
    plain = b"".join(decoder.feed(piece) for piece in pieces) + decoder.finish()
    return plain, decoder.parts, decoder.fault, decoder.complete


@pytest.mark.parametrize("case", BODIES)
def test_it_is_read_to_its_end_however_it_is_cut(case):
    coding, pieces, parts = BODIES[case]
    body, cuts = b"".join(pieces), random.Random(7)
    at = sorted(cuts.sample(range(1, len(body)), 40))
    for cut in (pieces, [body], [body[i : i + 1] for i in range(len(body))], _at(body, at)):
        assert _decoded(coding, cut) == (PLAIN, parts, None, True)


def _at(body, cuts):
    return [body[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(body)], strict=True)]


@pytest.mark.parametrize("coding", ["zstd", "gzip"])
def test_a_part_that_breaks_off_is_a_cut(coding):
    parts = _FRAMES if coding == "zstd" else _MEMBERS
    plain, _, fault, complete = _decoded(coding, [*parts[:3], parts[3][:8]])
    assert (plain.startswith(b"".join(EVENTS[:3])), fault, complete) == (True, None, False)


@pytest.mark.parametrize("case", BODIES)
def test_judged_and_repaired_as_the_stream_in_it(case):
    coding, pieces, _ = BODIES[case]
    made = exchange(pieces, headers=(*HEADERS, ("content-encoding", coding)))
    told = {one.rule for one in analyze(made).findings} - {"gzip-on-sse"}
    assert told == ({"gzip-several-members"} if coding == "gzip" else set())
    repaired = normalize(made).exchange
    assert repaired.body == PLAIN
    assert repaired.head.header("content-encoding") is None


def _flushed(coding):
    """The stream, flushed at every event; and how the coding is closed."""
    if coding == "gzip":
        made = zlib.compressobj(wbits=31)
        return [made.compress(event) + made.flush(zlib.Z_SYNC_FLUSH) for event in EVENTS], made.flush()
    if coding == "br":
        made = brotli.Compressor()
        return [made.process(event) + made.flush() for event in EVENTS], made.finish()
    made = zstandard.ZstdCompressor().compressobj()
    block = zstandard.COMPRESSOBJ_FLUSH_BLOCK
    return [made.compress(event) + made.flush(block) for event in EVENTS], made.flush()


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_compressor_that_is_never_closed(coding):
    events, end = _flushed(coding)
    headers = (*HEADERS, ("content-encoding", coding))
    whole, unfinished = exchange([*events, end], headers=headers), exchange(events, headers=headers)
    assert {one.rule for one in analyze(whole).findings} == set()
    told = [(one.rule, one.severity) for one in analyze(unfinished).findings]
    assert told == [("content-coding-unfinished", Severity.WARNING)]  # nobody reads on behind [DONE]
    repaired = normalize(unfinished).exchange
    assert repaired.body == PLAIN
    assert analyze(repaired).findings == ()
    cut = analyze(replace(unfinished, segments=unfinished.segments[:2])).findings
    assert Severity.ERROR in {one.severity for one in cut if one.rule == "content-coding-unfinished"}
    left = replace(unfinished, ending=Ending.CLIENT_LEFT)
    assert "content-coding-unfinished" not in {one.rule for one in analyze(left).findings}


def test_a_block_of_which_nothing_can_be_read():
    body = zstandard.ZstdCompressor().compress(PLAIN)[:-20]
    cut = exchange([body], headers=(*HEADERS, ("content-encoding", "zstd")))
    told = {one.rule: one.message for one in analyze(cut).findings}
    assert told["content-coding-unfinished"] == f"the body of {len(body)} bytes of zstd has no end"
    assert told["empty-200"] == f"HTTP 200 with {len(body)} bytes that end before anything can be read of their coding"
