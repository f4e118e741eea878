"""What goes through the proxy arrives as it would have without it, and the capture holds exactly that."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from streamlab.exchange import Ending, Exchange
from streamlab.storage.capture_db import CaptureDB
from tests.servers.harness import (
    END,
    FIN,
    HEAD,
    RST,
    Seen,
    Step,
    Upstream,
    chunk,
    event,
    fetch,
    judged_patiently,
    post,
    recording,
    run,
    same_gaps,
)


def _content(text: str) -> str:
    delta = {"index": 0, "delta": {"content": text}}
    return json.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [delta]})


def _json(status: str, body: bytes, extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _paced(*chunks: bytes, gap: float = 0.03) -> list[Step]:
    steps: list[Step] = [HEAD]
    for data in chunks:
        steps += [gap, data]
    return steps


_EMOJI = "data: Gr\u00fc\u00df Gott \U0001f600\n\n".encode()
_TOOL = [
    event(json.dumps({"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}}]}))
    for part in "abc"
]
_BURST = [event(_content(f"word {number}")) for number in range(20_000)]
_GZIP = gzip.compress(b"".join(f"data: {n}\n\n".encode() for n in range(200)), mtime=0)
_EVENT = event(_content("hi"))
_DONE = event("[DONE]")


@dataclass(frozen=True)
class Case:
    steps: list[Step]
    ending: Ending = Ending.COMPLETE
    reason: str = "end-of-message"


CASES = {
    "normal": Case([*_paced(_EVENT, _EVENT, _EVENT, _DONE), END]),
    "utf8-cut": Case([*_paced(chunk(_EMOJI[:8]), chunk(_EMOJI[8:20]), chunk(_EMOJI[20:]), _DONE), END]),
    "crlf-comments": Case([*_paced(chunk(b": hello\r\n\r\n"), chunk(b"data: 1\r\n\r\n"), chunk(b":\r\n\r\n")), END]),
    "tool-calls": Case([*_paced(*_TOOL, _DONE), END]),
    "reasoning": Case([*_paced(event('{"choices":[{"delta":{"reasoning_content":"hm"}}]}'), _EVENT, _DONE), END]),
    "truncated-fin": Case([*_paced(_EVENT, _EVENT), 0.05, FIN], Ending.UPSTREAM_CUT, "missing-terminator"),
    "truncated-rst": Case([*_paced(_EVENT, _EVENT), 0.05, RST], Ending.UPSTREAM_CUT, "rst"),
    "cut-in-chunk": Case([*_paced(_EVENT), b"40\r\ndata: {", 0.05, FIN], Ending.UPSTREAM_CUT, "missing-terminator"),
    "no-done": Case([*_paced(_EVENT, _EVENT), END]),
    "error-in-200": Case([*_paced(_EVENT, event('{"error":{"message":"overloaded"}}')), END]),
    "429": Case([_json("429 Too Many Requests", b'{"error":{"message":"slow"}}', "Retry-After: 2\r\n")]),
    "500": Case([0.05, _json("500 Internal Server Error", b'{"error":{"message":"oh"}}')]),
    "bad-json": Case([*_paced(event('{"id": "x", '), _DONE), END]),
    "gzip": Case(
        [
            HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"),
            *_paced(chunk(_GZIP[:50]), chunk(_GZIP[50:]))[1:],
            END,
        ]
    ),
    "close-delimited": Case(
        [
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
            b"data: 1\n\n",
            0.05,
            b"data: 2\n\n",
            0.03,
            FIN,
        ],
        Ending.COMPLETE,
        "fin",
    ),
    "content-length": Case([_json("200 OK", b'{"object":"chat.completion"}'), 0.02]),
    "short-content-length": Case(
        [_json("200 OK", b'{"object":1}')[:-4], 0.04, FIN], Ending.UPSTREAM_CUT, "missing-terminator"
    ),
    "burst": Case([HEAD, b"".join(_BURST), END]),
    "stall": Case([*_paced(_EVENT), 0.8, _EVENT, _DONE, END]),
    "http-1.0": Case([b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nhello", 0.03, b" there", FIN], reason="fin"),
    "trailers": Case([*_paced(_EVENT), b"0\r\nX-Checksum: 1\r\nX-Two: 2\r\n\r\n", FIN]),
    "early-hints": Case([b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 0.03, *_paced(_EVENT), END]),
    "bad-chunk-size": Case(
        [*_paced(_EVENT), b"zz\r\nwhat\r\n", 0.03, FIN],
        Ending.UPSTREAM_CUT,
        "bad-framing: a chunk size is not hexadecimal",
    ),
    "chunk-extensions": Case([*_paced(b"5;name=value\r\nhello\r\n", chunk(b"more")), END]),
}


@dataclass(frozen=True)
class Run:
    direct: dict[str, Seen]
    proxied: dict[str, Seen]
    stored: dict[str, Exchange]
    integrity: str
    again: Callable[[str], tuple[Seen, Seen, Exchange]]


def _request(name: str) -> bytes:
    return post(f"/v1/{name}", b"{}" if name == "burst" else b'{"stream":true}')


async def _all(port: int, names: Iterable[str] = CASES) -> dict[str, Seen]:
    """Every scenario; the heavy one alone, so that it does not disturb the others' clocks."""
    quick = [name for name in names if name != "burst"]
    requests = [fetch(port, _request(name)) for name in quick]
    found = dict(zip(quick, await asyncio.gather(*requests), strict=True))
    found["burst"] = await fetch(port, _request("burst"))
    return found


def _stored(path: Path) -> tuple[dict[str, Exchange], str]:
    """The exchanges by scenario, and what SQLite says of the file."""
    stored = {}
    with CaptureDB(path) as db:
        for number in db.ids():
            exchange = db.get(number)
            assert exchange.request is not None
            stored[exchange.request.url.rpartition("/")[2]] = replace(exchange, segments=tuple(exchange.segments))
        return stored, str(db.connection.execute("PRAGMA integrity_check").fetchone()[0])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    def again(name: str) -> tuple[Seen, Seen, Exchange]:
        """One scenario, direct and proxied side by side, and what was recorded of it."""

        async def both() -> list[Seen]:
            return await asyncio.gather(*(fetch(port, _request(name)) for port in (upstream.port, proxy.port)))

        with recording(tmp_path_factory.mktemp("again"), "--upstream", upstream.url) as proxy:
            direct, proxied = run(both())
            assert proxy.stop() == 0, proxy.stderr
        return direct, proxied, _stored(proxy.db)[0][name]

    with Upstream({f"/v1/{name}": case.steps for name, case in CASES.items()}) as upstream:
        direct = run(_all(upstream.port))
        with recording(tmp_path_factory.mktemp("fidelity"), "--upstream", upstream.url) as proxy:
            proxied = run(_all(proxy.port))
            assert proxy.stop() == 0, proxy.stderr
        requests = {request.split(b" ")[1]: request for request in upstream.requests}
        assert len(requests) == len(CASES)
        yield Run(direct, proxied, *_stored(proxy.db), again)


def test_the_database_is_sound(runs: Run) -> None:
    assert runs.integrity == "ok"
    assert set(runs.stored) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_the_client_sees_the_same_bytes_status_and_ending(runs: Run, name: str) -> None:
    assert runs.proxied[name].raw == runs.direct[name].raw
    assert runs.proxied[name].status == runs.direct[name].status
    assert runs.proxied[name].ending == runs.direct[name].ending


def _due(case: Case) -> list[int]:
    """Offsets into the raw bytes at which the script paused."""
    offsets, at = [], 0
    for step in case.steps:
        if isinstance(step, bytes):
            at += len(step)
        elif isinstance(step, float) and at and (not offsets or offsets[-1] != at):
            offsets.append(at)
    return [*offsets, at] if not offsets or offsets[-1] != at else offsets


@pytest.mark.parametrize("name", CASES)
def test_the_gaps_are_the_same(runs: Run, name: str) -> None:
    def judge(measured: tuple[Seen, Seen, Exchange]) -> None:
        same_gaps(measured[0], measured[1], _due(CASES[name]))

    first = (runs.direct[name], runs.proxied[name], runs.stored[name])
    judged_patiently(judge, first, lambda: runs.again(name))


def _decoded(raw: bytes) -> tuple[bytes, tuple[int, ...] | None]:
    """Body and HTTP chunk lengths, by a second, simple reading of the whole response."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 1"):
        head, _, rest = rest.partition(b"\r\n\r\n")
    if b"chunked" not in head:
        return rest, None
    pieces, at = [], 0
    size_line = re.compile(rb"([0-9a-f]+)[^\r]*\r\n")
    while (match := size_line.match(rest, at)) and int(match[1], 16):
        size = int(match[1], 16)
        pieces.append(rest[match.end() : match.end() + size])
        at = match.end() + size + 2
    return b"".join(pieces), tuple(len(piece) for piece in pieces)


@pytest.mark.parametrize("name", CASES)
def test_the_database_holds_exactly_that(runs: Run, name: str) -> None:
    case, exchange, seen = CASES[name], runs.stored[name], runs.proxied[name]
    body, chunks = _decoded(seen.raw)
    assert exchange.body == body
    assert exchange.http_chunks == chunks
    assert exchange.ending is case.ending
    assert exchange.notes["ending_reason"] == case.reason
    assert exchange.head is not None
    assert exchange.head.status == int(re.findall(rb"HTTP/1.\d ([2-9]\d\d)", seen.raw)[0])
    assert exchange.request is not None
    assert exchange.request.body == (b"{}" if name == "burst" else b'{"stream":true}')


@pytest.mark.parametrize("name", CASES)
def test_segments_have_the_times_of_their_arrival(runs: Run, name: str) -> None:
    exchange = runs.stored[name]
    offsets = [segment.offset_us for segment in exchange.segments]
    assert offsets == sorted(offset for offset in offsets if offset is not None)
    bounds, at = {0}, 0
    for segment in exchange.segments:
        at += len(segment.data)
        bounds.add(at)
    at = 0
    for length in exchange.http_chunks or ():
        at += length
        assert at in bounds, "a segment crosses an HTTP chunk boundary"
    assert exchange.end_us is not None
    assert exchange.end_us >= max([0, *[offset for offset in offsets if offset is not None]])


def test_a_stall_is_recorded_with_its_length(runs: Run) -> None:
    def judge(measured: tuple[Seen, Seen, Exchange]) -> None:
        offsets = [segment.offset_us or 0 for segment in measured[2].segments]
        longest = max(after - before for before, after in itertools.pairwise(offsets))
        assert longest == pytest.approx(800_000, abs=40_000)

    first = (runs.direct["stall"], runs.proxied["stall"], runs.stored["stall"])
    judged_patiently(judge, first, lambda: runs.again("stall"))


def test_trailers_and_interim_heads_are_kept(runs: Run) -> None:
    assert runs.stored["trailers"].notes["trailers"] == [["X-Checksum", "1"], ["X-Two", "2"]]
    (interim,) = runs.stored["early-hints"].notes["interim"]
    assert (interim["status"], interim["headers"]) == (103, [["Link", "</x>"]])


def test_what_is_missing_is_said(runs: Run) -> None:
    assert runs.stored["short-content-length"].notes["missing_bytes"] == 4
    assert runs.stored["cut-in-chunk"].notes["missing_bytes"] == 0x40 - len("data: {")
