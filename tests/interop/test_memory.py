"""A file is read, judged and repaired in a small multiple of its size."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from streamlab.comparing.event_diff import explained_diffs
from streamlab.interop.reading import read_bytes
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import errors_left, normalize
from streamlab.report import diff_text, exchange_text
from streamlab.report.blame import Ledger, summary_lines
from streamlab.report.documents import Streamed, dump, gathered, pieces
from streamlab.report.harmless_console import HarmlessConsole
from streamlab.sharing.shared import share
from tests import streams
from tests.memory import traced


def _peak(work: Callable[[bytes], object], body: bytes) -> int:
    first, last = body.index(b"\n\n", 1_500) + 2, body.rindex(b"\n\n", 0, -20) + 2
    work(body[:first] + body[last:])  # what is loaded on first use counts for no file
    with traced():
        work(body)
        return tracemalloc.get_traced_memory()[1]


def _body(events: int, **changed: Any) -> bytes:
    first, second, *_, last = streams.chat_text("words " * 30)
    return streams.sse([first, *[{**second, **changed}] * events, last])


def test_checking_a_file_takes_at_most_three_times_its_size() -> None:
    body = _body(4_000)
    peak = _peak(lambda data: analyze(read_bytes("x.sse", data)[0]), body)
    assert peak < 3 * len(body), f"{peak} for {len(body)}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "as_json"), [({}, False), ({"object": "chat.completion"}, True)], ids=["clean", "changed-json"]
)
def test_an_account_of_repairs_takes_at_most_five_times_the_files_size(changed: dict[str, Any], as_json: bool) -> None:
    body = _body(2_500, **changed)

    def blame(data: bytes) -> None:
        ledger = Ledger(as_json)
        repaired = normalize(read_bytes("x.sse", data)[0], each=ledger.add)
        pieces = ledger.document("x.sse", repaired) if as_json else ledger.lines(repaired)
        assert "".join(pieces)
        list(summary_lines(repaired))
        errors_left(repaired)

    peak = _peak(blame, body)
    assert peak < 5 * len(body), f"{peak} for {len(body)}"


def test_what_is_shown_without_secrets_takes_at_most_five_times_its_size() -> None:
    """An object for each of its strings, a copy of each event and of what all events say alike took ten times."""
    body = _body(2_000)
    exchange = read_bytes("x.sse", body)[0]
    peak = _peak(lambda _: share(exchange), body)
    assert peak < 5 * len(body), f"{peak} for {len(body)}"


class _Nowhere(io.StringIO):
    def write(self, text: str, /) -> int:
        return len(text)


@pytest.mark.slow
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("what", ["show", "diff"])
def test_what_is_said_of_every_event_is_in_no_memory_at_once(what: str, as_json: bool) -> None:
    """A table or a list of all events takes twenty times the body, and more."""

    def say(data: bytes) -> None:
        exchange = read_bytes("x.sse", data)[0]
        report = analyze(exchange)
        console = HarmlessConsole(file=_Nowhere(), width=100)
        if what == "show" and as_json:
            written = sum(map(len, pieces(exchange_text.exchange_json("x.sse", exchange, report))))
        elif what == "show":
            exchange_text.print_exchange(console, exchange, report)
            return
        else:
            diffs = explained_diffs(exchange, report.findings)
            if not as_json:
                diff_text.print_diff(console, report, diffs)
                return
            written = sum(map(len, pieces(diff_text.exchange_json("x.sse", None, report, diffs))))
        assert written

    body = _body(2_000 if as_json else 700, object="chat.completion")
    peak = _peak(say, body)
    assert peak < 5 * len(body), f"{peak} for {len(body)}"


def test_a_document_in_pieces_is_the_document() -> None:
    def value(listed: Callable[[list[Any]], Any]) -> dict[str, Any]:
        inner = [{"a": [], "b": {}, "text": "two\nlines", "more": listed([1, listed([2, {"c": listed([])}])])}, {}, []]
        return {"first": {"one": {"deep": listed(inner)}}, "none": listed([]), "last": None}

    whole = value(list)
    assert "".join(pieces(value(Streamed))) == dump(whole, 1)
    assert gathered(value(Streamed)) == whole
