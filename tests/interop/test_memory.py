"""A file is read in a small multiple of its size."""

from __future__ import annotations

import tracemalloc

from streamlab.interop.reading import read_bytes
from streamlab.judging.analyzer import analyze
from tests import streams


def test_checking_a_file_takes_at_most_three_times_its_size() -> None:
    first, second, *_ = streams.chat_text("words " * 30)
    body = streams.sse([first, *[second] * 5_000, *streams.chat_text()[-1:]])
    tracemalloc.start()
    try:
        (exchange,) = read_bytes("x.sse", body)
        analyze(exchange)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(body), f"{peak} for {len(body)}"
