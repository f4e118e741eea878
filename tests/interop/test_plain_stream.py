"""What is plainly a stream is read as the reader of pastes would read it, without that being loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamlab.interop.paste import is_paste, read_pasted
from streamlab.interop.plain_stream import is_plain_stream
from streamlab.interop.reading import read_bytes
from streamlab.storage.bare_body import read_bare_body
from tests import corpus

_ROOT = Path(__file__).parents[2]
_EVENT = b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n'
#: A long one is plain for what short ones are, and the reader of pastes takes a microsecond for each byte.
_BODIES = [
    path.read_bytes()
    for folder in (_ROOT / "fixtures", _ROOT / "corpus", corpus.RECORDED)
    for path in sorted(folder.rglob("*.sse"))
    if path.stat().st_size < 8_000
]


def test_a_plain_stream_reads_as_a_paste_of_it_does():
    every = (*_BODIES, *(one.replace(b"\n", b"\r\n") for one in _BODIES[::7]))
    plain = [one for one in dict.fromkeys(every) if is_plain_stream(one)]
    assert len(plain) > 400
    assert any(b"\r" in one and not one.isascii() for one in plain)
    for body in plain:
        assert read_pasted(body) == read_bare_body(body)
        assert not is_paste(body)


@pytest.mark.parametrize(
    "text",
    [
        "```",
        "~~~",
        "a=3D",
        "&quot;",
        "...",
        "(truncated)",
        "[3 more]",
        "curl -v",
        "* x",
        "\u2026",
        "\u201chello\u201d",
        "\u00a0",
        "HTTP/1.1 200 OK",
        r"\\_",
    ],
)
def test_what_bears_a_mark_of_a_paste_is_looked_at(text):
    assert is_plain_stream(_EVENT % b"plain")
    assert not is_plain_stream(_EVENT % text.encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"data: {}\n",
        b"data: {}\r\n\n",
        b"data: {}\r\r",
        b'data: {"a":"\xff"}\n\n',
        b"data: {\n\n",
        b'data: {"a":1,"a":2}\n\n',
        b"data: {} {}\n\n",
        b": ping\n\ndata: {}\n\n",
        b"\xef\xbb\xbfdata: {}\n\n",
        b" data: {}\n\n",
        b"data:{}\n\n",
        b"data: {}\n\n...\n\n",
    ],
)
def test_what_is_not_framed_exactly_so_is_looked_at(body):
    assert not is_plain_stream(body)


def test_a_name_that_promises_something_else_is_held_to_it():
    with pytest.raises(Exception, match="not what its name says"):
        read_bytes("x.har", _EVENT % b"a")
