"""What a replay server sends: heads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamlab.exchange import ResponseHead
from streamlab.playback.script import script
from tests.streams import chat_text, exchange, sse


def _sent_head(*headers: tuple[str, str], chunks: tuple[int, ...] | None = None) -> list[str]:
    made = exchange(sse(chat_text()))
    head = ResponseHead(200, (("content-type", "text/event-stream"), *headers), 0)
    first, *_ = script(replace(made, head=head, http_chunks=chunks)).steps
    return first.data.decode("latin-1").rstrip("\r\n").split("\r\n")[2:]


@pytest.mark.parametrize("masked", ["**REDACTED**", "REDACTED", ""])
def test_a_masked_transfer_encoding_is_not_sent(masked):
    """Node waits for ever for the end of a body in a coding that it does not know; cassettes mask any header."""
    size = len(sse(chat_text()))
    assert _sent_head(("Transfer-Encoding", masked)) == []
    assert _sent_head(("Transfer-Encoding", masked), chunks=(size,)) == ["transfer-encoding: chunked"]


@pytest.mark.parametrize("said", ["chunked", "gzip, Chunked", "identity"])
def test_a_transfer_encoding_that_says_a_coding_is_sent_as_it_came(said):
    assert _sent_head(("Transfer-Encoding", said)) == [f"Transfer-Encoding: {said}"]
