"""Body bytes to stream events: content codings undone as the bytes come, bombs stopped, every payload given a kind."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.wire import content_coding
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, Undecodable
from streamlab.wire.sse import parse_event
from streamlab.wire.stream import StreamDecoder, encode, read_event
from tests.examples import examples
from tests.streams import chat_text, sse

BODY = sse(chat_text(*[f"word {at} " for at in range(40)]))


def _zlib(body: bytes, wbits: int) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, wbits)
    return packer.compress(body) + packer.flush()


PACKED = {
    "gzip": gzip.compress(BODY, mtime=0),
    "x-gzip": gzip.compress(BODY, mtime=0),
    "gzip, two members": gzip.compress(BODY[:99], mtime=0) + gzip.compress(BODY[99:], mtime=0),
    "gzip, padded": gzip.compress(BODY, mtime=0) + b"\x00\x00\x00",
    "deflate": _zlib(BODY, zlib.MAX_WBITS),
    "deflate, raw": _zlib(BODY, -zlib.MAX_WBITS),
    "br": brotli.compress(BODY),
    "zstd": zstandard.compress(BODY),
}


def unpack(name: str, data: bytes, lengths: list[int] | None = None) -> tuple[bytes, str | None, bool]:
    decoder, pieces, at = BodyDecoder(name.split(",")[0]), [], 0
    for length in lengths or []:
        pieces.append(decoder.feed(data[at : at + length]))
        at += length
    pieces.append(decoder.feed(data[at:]))
    return b"".join(pieces), decoder.fault, decoder.complete


@pytest.mark.parametrize("name", PACKED)
def test_a_coding_is_undone_however_it_is_cut(name):
    assert unpack(name, PACKED[name]) == (BODY, None, True)
    assert unpack(name, PACKED[name], [1] * len(PACKED[name])) == (BODY, None, True)


@given(st.sampled_from(sorted(PACKED)), st.lists(st.integers(0, 50), max_size=30), st.data())
@settings(max_examples=examples(300))
def test_corrupt_data_gives_the_same_however_it_is_cut(name, lengths, drawn):
    data = bytearray(PACKED[name])
    for at in drawn.draw(st.lists(st.integers(0, len(data) - 1), max_size=3)):
        data[at] = drawn.draw(st.integers(0, 255))
    whole = unpack(name, bytes(data))
    assert unpack(name, bytes(data), lengths) == whole
    assert unpack(name, bytes(data), [1] * len(data)) == whole


@given(
    st.binary(max_size=60), st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br", "identity", "x", "", None])
)
def test_any_bytes_under_any_name(data, coding):
    decoder = BodyDecoder(coding)
    decoded = decoder.feed(data)
    if decoder.identity:
        assert decoded == data


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_text_comes_as_it_is_flushed(name):
    flushed = {
        "gzip": lambda: (zlib.compressobj(6, zlib.DEFLATED, 31), lambda one: one.flush(zlib.Z_SYNC_FLUSH)),
        "deflate": lambda: (zlib.compressobj(), lambda one: one.flush(zlib.Z_SYNC_FLUSH)),
        "br": lambda: (brotli.Compressor(), lambda one: one.flush()),
        "zstd": lambda: (
            zstandard.ZstdCompressor().compressobj(),
            lambda one: one.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK),
        ),
    }
    packer, flush = flushed[name]()
    compress = packer.process if name == "br" else packer.compress
    decoder = StreamDecoder(name)
    for payload in chat_text():
        (event,) = decoder.feed(compress(sse([payload], done=False)) + flush(packer))
        assert isinstance(event, Chunk)
        assert event.json == payload


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_stopped(monkeypatch, name):
    monkeypatch.setattr(content_coding, "MAX_DECODED", 100_000)
    bomb = b"\x00" * (1 << 24)
    packed = {
        "gzip": lambda: gzip.compress(bomb, mtime=0),
        "deflate": lambda: zlib.compress(bomb),
        "br": lambda: brotli.compress(bomb, quality=5),
        "zstd": lambda: zstandard.compress(bomb),
    }[name]()
    decoded, fault, complete = unpack(name, packed)
    assert (len(decoded), fault, complete) == (100_000, "decoding stopped after 100000 bytes", False)
    assert unpack(name, packed, [7] * 40) == (decoded, fault, complete)


def test_several_codings_are_undone_backwards():
    packed = gzip.compress(brotli.compress(BODY), mtime=0)
    assert unpack("br", brotli.compress(BODY))[0] == BODY
    decoder = BodyDecoder(" BR , gzip")
    assert decoder.feed(packed) == BODY
    assert decoder.complete


def test_an_unknown_coding_is_a_fault_and_yields_nothing():
    decoder = BodyDecoder("lzma")
    assert decoder.fault == "unknown content coding 'lzma'"
    assert decoder.feed(BODY) == b""


def test_uncoded_bytes_under_a_coding_s_name_are_a_fault():
    for name in ("gzip", "zstd"):
        decoder = BodyDecoder(name)
        assert decoder.feed(BODY) == b""
        assert decoder.fault is not None


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"data: {}", Chunk),
        (b'data: {"error": {}}', Chunk),
        (b'data: {"error": null}', Chunk),
        (b'data: {"error": "x"}', ErrorPayload),
        (b"data: [DONE]", Done),
        (b"data: [done]", Done),
        (b'data: "[DONE]"', Done),
        (b"data:  [DONE] ", Done),
        (b"data: [DONE] and more", Undecodable),
        (b"data: {}{}", Undecodable),
        (b"data: []", Undecodable),
        (b"data: x", Undecodable),
        (b"data:", Undecodable),
        (b"event: x", Comment),
        (b": x", Comment),
        (b'data: {"a":NaN}', Chunk),
        (b'data: {"a":"\xff"}', Chunk),
        (b'data: {"a":"\x00"}', Undecodable),
        (b"data: " + b"[" * 100_000, Undecodable),
    ],
)
def test_kinds(data, kind):
    event = read_event(parse_event(data + b"\n\n", 0))
    assert type(event) is kind
    assert encode(event) == data + b"\n\n"
    if isinstance(event, Done):
        assert event.variant == (data != b"data: [DONE]")


@given(st.binary(max_size=120), st.lists(st.integers(0, 9), max_size=30))
def test_what_goes_in_comes_out(body, lengths):
    decoder, events, at = StreamDecoder(), [], 0
    for length in lengths:
        events += decoder.feed(body[at : at + length])
        at += length
    events += decoder.feed(body[at:]) + decoder.finish()
    assert b"".join(map(encode, events)) == body
    assert decoder.pending == 0


def test_made_events_are_framed_as_openai_frames_them():
    assert encode(Done(None)) == b"data: [DONE]\n\n"
    assert encode(Chunk(None, {"a": "é"})) == 'data: {"a":"é"}\n\n'.encode()
    assert encode(ErrorPayload(None, {"error": {}})) == b'data: {"error":{}}\n\n'
