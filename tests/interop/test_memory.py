"""A file is read, judged and repaired in a small multiple of its size."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from streamlab.interop.reading import read_bytes
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.report.blame import Ledger, summary_lines
from tests import streams


def _peak(work: Callable[[bytes], object], body: bytes) -> int:
    work(streams.sse(streams.chat_text()))  # what is loaded on first use counts for no file
    tracemalloc.start()
    try:
        work(body)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _body(events: int, **changed: Any) -> bytes:
    first, second, *_, last = streams.chat_text("words " * 30)
    return streams.sse([first, *[{**second, **changed}] * events, last])


def test_checking_a_file_takes_at_most_three_times_its_size() -> None:
    body = _body(2_000)
    peak = _peak(lambda data: analyze(read_bytes("x.sse", data)[0]), body)
    assert peak < 3 * len(body), f"{peak} for {len(body)}"


@pytest.mark.parametrize(
    ("changed", "as_json"), [({}, False), ({"object": "chat.completion"}, True)], ids=["clean", "changed-json"]
)
def test_an_account_of_repairs_takes_at_most_five_times_the_files_size(changed: dict[str, Any], as_json: bool) -> None:
    body = _body(1_500, **changed)

    def blame(data: bytes) -> None:
        ledger = Ledger(as_json)
        repaired = normalize(read_bytes("x.sse", data)[0], each=ledger.add)
        pieces = ledger.document("x.sse", repaired) if as_json else ledger.lines(repaired)
        assert "".join(pieces)
        list(summary_lines(repaired))
        errors_left(repaired)

    peak = _peak(blame, body)
    assert peak < 5 * len(body), f"{peak} for {len(body)}"
