"""Exchange directories: byte-exact, strict, and unable to reach outside of themselves."""

from __future__ import annotations

import itertools
import json
import os
import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.errors import CouldNotRunError, NotFoundError, UnreadableInputError
from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.storage.bare_body import read_bare_body
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import exchange_json, read_exchange_dir, write_exchange_dir

_CORPUS = Path(__file__).parents[2] / "corpus"

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_PLAIN = st.text(string.ascii_lowercase, min_size=1, max_size=12)
_TIME = st.integers(0, 10**12)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_BODIES = (
    st.none() | st.binary(max_size=60) | _JSON.map(lambda value: json.dumps(value).encode()) | _TEXT.map(str.encode)
)


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """Any exchange a recorder or an import could have made; nothing in it looks like a secret."""
    headers = tuple(draw(st.lists(st.tuples(st.just("x-") | st.just("accept"), _PLAIN), max_size=3)))
    request = Request(draw(_PLAIN), "/" + draw(_PLAIN), headers, draw(_BODIES)) if draw(st.booleans()) else None
    head, segments, chunks = None, (), None
    if draw(st.booleans()):
        head = ResponseHead(draw(st.integers(100, 599)), headers, draw(st.none() | _TIME), draw(_PLAIN))
        pieces = draw(st.lists(st.binary(min_size=1, max_size=30), max_size=5))
        times = sorted(draw(st.lists(_TIME, min_size=len(pieces), max_size=len(pieces))))
        segments = tuple(map(Segment, times, pieces))
        chunks = tuple(map(len, pieces)) if draw(st.booleans()) else None
    return Exchange(
        request=request,
        head=head,
        segments=segments,
        http_chunks=chunks,
        ending=draw(st.sampled_from(Ending)),
        end_us=draw(st.none() | _TIME),
        label=draw(st.none() | _TEXT),
        tap=draw(st.none() | _TEXT),
        started_at=draw(st.none() | st.just("2026-11-20T10:00:00.000000Z")),
        notes=draw(st.dictionaries(_PLAIN, _JSON, max_size=2)),
    )


@given(exchanges())
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, exchange: Exchange) -> None:
    folder = tmp_path_factory.mktemp("exchange")
    write_exchange_dir(exchange, folder)
    assert read_exchange_dir(folder) == exchange
    assert exchange_json(read_exchange_dir(folder)) == (folder / "exchange.json").read_bytes()


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaptureDB]:
    with CaptureDB(tmp_path_factory.mktemp("db") / "x.db", write=True) as db:
        yield db


@given(exchanges())
def test_a_capture_gives_back_what_it_got(capture: CaptureDB, exchange: Exchange) -> None:
    found = capture.get(capture.add(exchange))
    assert replace(found, id=None, segments=tuple(found.segments)) == exchange


@given(st.binary(max_size=300))
def test_no_exchange_json_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("exchange")
    (folder / "exchange.json").write_bytes(data)
    with pytest.raises(UnreadableInputError):
        read_exchange_dir(folder)


def _make(folder: Path, body: bytes = b"abcdef", **changes: Any) -> Path:
    meta = {
        "format": "streamlab.exchange/1",
        "request": {"method": "POST", "url": "/v1", "headers": [["a", "b"]], "body": {"model": "m"}},
        "response": {"status": 200, "headers": [], "head_us": 1},
        "segments": [[1, 2], [5, 4]],
        "end_us": 9,
        "ending": "complete",
        "notes": {},
        **changes,
    }
    folder.mkdir(exist_ok=True)
    (folder / "exchange.json").write_text(json.dumps(meta))
    (folder / "body.sse").write_bytes(body)
    return folder


def test_unknown_keys_are_kept(tmp_path: Path) -> None:
    folder = _make(
        tmp_path / "in",
        more={"x": [1]},
        request={"url": "/", "took": 3},
        response={"status": 200, "headers": [], "head_us": None, "peer": "a"},
    )
    write_exchange_dir(read_exchange_dir(folder), tmp_path / "out")
    meta = json.loads((tmp_path / "out" / "exchange.json").read_text())
    assert meta["more"] == {"x": [1]}
    assert (meta["request"]["took"], meta["response"]["peer"], meta["notes"]) == (3, "a", {})


_BAD: dict[str, dict[str, Any]] = {
    "format": {"format": "other/1"},
    "ending": {"ending": "sideways"},
    "sum": {"segments": [[1, 2]]},
    "negative": {"segments": [[1, -1], [2, 7]]},
    "disorder": {"segments": [[5, 2], [1, 4]]},
    "fraction": {"segments": [[1.5, 6]]},
    "flat": {"segments": [1, 2]},
    "status": {"response": {"status": "200"}},
    "status range": {"response": {"status": 20}},
    "status bool": {"response": {"status": True}},
    "headers": {"request": {"url": "/", "headers": {"a": "b"}}},
    "header pair": {"request": {"url": "/", "headers": [["a", 1]]}},
    "url": {"request": {"url": 5}},
    "surrogate": {"request": {"url": "/\ud800"}},
    "base64": {"request": {"url": "/", "body_base64": "?"}},
    "body without response": {"response": None},
    "chunks": {"http_chunks": [1]},
    "end": {"end_us": "soon"},
    "huge": {"end_us": 2**70},
    "notes": {"notes": []},
    "label": {"label": 5},
    "request": {"request": "GET"},
}


@pytest.mark.parametrize("name", _BAD)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, name: str) -> None:
    folder = _make(tmp_path / "x", **_BAD[name])
    with pytest.raises(UnreadableInputError) as caught:
        read_exchange_dir(folder)
    assert str(folder / "exchange.json") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"format": ' + "9" * 10_000 + "}", "{", "\ufeff{}", "null", "[]"])
def test_hostile_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "exchange.json").write_text(text)
    with pytest.raises(UnreadableInputError):
        read_exchange_dir(tmp_path)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b'{"a":1}', {"body": {"a": 1}}),
        (b'{ "a": 1.10 }', {"body": {"a": 1.1}, "body_text": '{ "a": 1.10 }'}),
        (b'{"a":1,"a":2}', {"body": None, "body_text": '{"a":1,"a":2}'}),
        (b'{"a":NaN}', {"body": None, "body_text": '{"a":NaN}'}),
        (b"[" * 100_000, {"body": None, "body_text": "[" * 100_000}),
        (b"9" * 5000, {"body": None, "body_text": "9" * 5000}),
        (b"null", {"body": None, "body_text": "null"}),
        (b"", {"body": None, "body_text": ""}),
        (b"\xff\x00", {"body": None, "body_base64": "/wA="}),
        (None, {"body": None}),
    ],
)
def test_request_bodies(tmp_path: Path, body: bytes | None, fields: dict[str, Any]) -> None:
    write_exchange_dir(Exchange(request=Request("POST", "/", (), body)), tmp_path)
    meta = json.loads((tmp_path / "exchange.json").read_text())
    assert {key: value for key, value in meta["request"].items() if key.startswith("body")} == fields
    request = read_exchange_dir(tmp_path).request
    assert request is not None
    assert request.body == body


def test_an_edited_body_wins_over_the_text_beside_it(tmp_path: Path) -> None:
    folder = _make(tmp_path / "x", request={"url": "/", "body": {"a": 2}, "body_text": '{ "a": 1 }'})
    request = read_exchange_dir(folder).request
    assert request is not None
    assert request.body == b'{"a":2}'


def test_secrets_are_redacted_on_the_way_out(tmp_path: Path) -> None:
    secret = (("Authorization", "Bearer TOPSECRET"),)
    exchange = Exchange(request=Request("GET", "/?key=TOPSECRET", secret), head=ResponseHead(200, secret))
    write_exchange_dir(exchange, tmp_path)
    assert b"TOPSECRET" not in (tmp_path / "exchange.json").read_bytes()


@pytest.mark.parametrize("name", ["body.sse", "exchange.json"])
def test_links_out_of_the_directory_are_not_followed(tmp_path: Path, name: str) -> None:
    folder = _make(tmp_path / "x")
    outside = tmp_path / "outside"
    (folder / name).rename(outside)
    (folder / name).symlink_to(outside)
    with pytest.raises(UnreadableInputError, match="out of its directory"):
        read_exchange_dir(folder)
    before = outside.read_bytes()
    write_exchange_dir(Exchange(head=ResponseHead(200), segments=(Segment(None, b"new"),)), folder)
    assert outside.read_bytes() == before
    assert read_exchange_dir(folder).body == b"new"


def test_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_exchange_dir(tmp_path / "nowhere")
    with pytest.raises(UnreadableInputError, match=r"has no exchange\.json"):
        read_exchange_dir(tmp_path)
    folder = _make(tmp_path / "x")
    (folder / "body.sse").unlink()
    with pytest.raises(UnreadableInputError, match=r"has no body\.sse"):
        read_exchange_dir(folder)
    os.mkfifo(folder / "body.sse")
    with pytest.raises(UnreadableInputError, match="not a regular file"):
        read_exchange_dir(folder)


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CouldNotRunError):
        write_exchange_dir(Exchange(), tmp_path / "file" / "x")


def test_a_bare_body_knows_nothing_else() -> None:
    exchange = read_bare_body(b"data: 1\n\n")
    assert exchange.head is not None
    assert (exchange.head.status, exchange.head.header("Content-Type")) == (200, "text/event-stream")
    assert (exchange.body, exchange.ending, exchange.request) == (b"data: 1\n\n", Ending.COMPLETE, None)
    assert not exchange.timing_known


def test_the_corpus_round_trips(tmp_path: Path) -> None:
    paths = sorted(_CORPUS.glob("**/exchange.json"))[::40]
    assert paths
    for path in paths:
        exchange = read_exchange_dir(path.parent)
        write_exchange_dir(exchange, tmp_path)
        assert read_exchange_dir(tmp_path) == exchange
        assert (tmp_path / "body.sse").read_bytes() == (path.parent / "body.sse").read_bytes()


def test_segments_are_written_several_a_line(tmp_path: Path) -> None:
    segments = tuple(Segment(at, b"x") for at in range(100))
    write_exchange_dir(Exchange(head=ResponseHead(200), segments=segments), tmp_path)
    lines = (tmp_path / "exchange.json").read_text().splitlines()
    assert len(lines) < 40
    assert all(len(line) < 200 for line in lines)
    assert all(before != after for before, after in itertools.pairwise(lines))
