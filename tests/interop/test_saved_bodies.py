"""A body that was saved in its content coding is read to its end, or told as what it is."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
import zstandard

from streamlab.errors import UnreadableInputError
from streamlab.interop.reading import read_bytes
from streamlab.wire.content_coding import MAX_DECODED
from tests import streams

BODY = streams.sse(streams.chat_text())
_HALF = len(BODY) // 2
CODED = {
    "gzip": gzip.compress(BODY),
    "gzip of two members": gzip.compress(BODY[:_HALF]) + gzip.compress(BODY[_HALF:]),
    "zstd": zstandard.compress(BODY),
    "zstd of two frames": zstandard.compress(BODY[:_HALF]) + zstandard.compress(BODY[_HALF:]),
    "deflate": zlib.compress(BODY),
    "br": brotli.compress(BODY),
}


@pytest.mark.parametrize("coded", CODED.values(), ids=CODED)
def test_a_coded_body_is_read_as_the_body(coded):
    [one] = read_bytes("-", coded)
    assert one.body == BODY
    assert one == read_bytes("-", BODY)[0]


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_one_that_breaks_off_gives_what_came(name):
    long = BODY + bytes(range(33, 127)) * 20_000
    coded = gzip.compress(long, 0) if name == "gzip" else zstandard.ZstdCompressor(level=-5).compress(long)
    [one] = read_bytes("-", coded[:-20])
    assert one.body.startswith(BODY)


def test_one_of_many_megabytes_is_read_whole():
    """It was cut, without a word, after as many bytes as a paste may have."""
    body = BODY.replace(b"data: [DONE]\n\n", b": x\n\n" * 4_000_000 + b"data: [DONE]\n\n")
    [one] = read_bytes("-", gzip.compress(body, 1))
    assert one.body == body


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (gzip.compress(BODY)[:-8] + b"\0" * 8, "compressed (gzip): corrupt"),
        (gzip.compress(bytes(MAX_DECODED + 1), 1), f"compressed (gzip): decoding stopped after {MAX_DECODED} bytes"),
        (bytes(range(256)) * 9, "nothing in it is an event"),
        (b"x\x9c" + bytes(range(128, 256)), "nothing in it is an event"),
        (brotli.compress(b"nothing at all " * 99), "nothing in it is an event"),
    ],
)
def test_what_holds_no_stream_is_refused_in_one_line(data, why):
    with pytest.raises(UnreadableInputError, match=r"\A-: ") as told:
        read_bytes("-", data)
    assert why in str(told.value)
