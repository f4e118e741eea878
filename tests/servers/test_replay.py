"""What was recorded plays back as it came: status, bytes, HTTP chunks, gaps and ending; and faults on demand."""

from __future__ import annotations

import asyncio
import gzip
import re
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import openai
import pytest

from streamlab.errors import UnreadableInputError, UsageError
from streamlab.exchange import Ending, Exchange, Request
from streamlab.playback.matching import candidate
from streamlab.playback.script import Finish, Script, Step
from streamlab.servers.performance import Performance
from streamlab.servers.replay import Playable
from streamlab.storage.exchange_dir import write_exchange_dir
from streamlab.workflows import replay as replaying
from streamlab.workflows.replay import BackgroundReplay
from tests import streams
from tests.servers.harness import Seen, Upstream, fetch, get, judged_patiently, post, recording, run, same_gaps
from tests.servers.test_fidelity import CASES, _all, _decoded, _due, _request


@dataclass(frozen=True)
class Played:
    direct: dict[str, Seen]
    replayed: dict[str, Seen]
    again: Callable[[str], tuple[Seen, Seen]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Every timed scenario recorded through the proxy, then replayed at speed 1."""
    upstream = Upstream({f"/v1/{name}": case.steps for name, case in CASES.items()})

    def recorded(asked: Callable[[int], Awaitable[object]]) -> str:
        with recording(tmp_path_factory.mktemp("replay"), "--upstream", upstream.url) as proxy:
            run(asked(proxy.port))
            assert proxy.stop() == 0, proxy.stderr
        return str(proxy.db)

    def again(name: str) -> tuple[Seen, Seen]:
        """One scenario recorded anew, then the server and its replay side by side."""

        async def both() -> tuple[Seen, Seen]:
            direct, replayed = upstream.port, replay.address[1]
            seen = await asyncio.gather(*(fetch(port, _request(name)) for port in (direct, replayed)))
            return seen[0], seen[1]

        db = recorded(lambda port: fetch(port, _request(name)))
        with BackgroundReplay(replaying.playables([db]), speed=1) as replay:
            return run(both())

    with upstream:
        direct = run(_all(upstream.port))
        with BackgroundReplay(replaying.playables([recorded(_all)]), speed=1) as replay:
            replayed = run(_all(replay.address[1], [name for name in CASES if name != "trailers"]))
            assert replay.misses == []
        yield Played(direct, replayed, again)


def _status(seen: Seen) -> list[bytes]:
    return re.findall(rb"HTTP/1.\d (\d\d\d)", seen.raw)


@pytest.mark.parametrize("name", [name for name in CASES if name != "trailers"])
def test_status_bytes_chunks_and_ending_are_those_recorded(played: Played, name: str) -> None:
    direct, replayed = played.direct[name], played.replayed[name]
    assert _status(replayed) == _status(direct)
    assert _decoded(replayed.raw) == _decoded(direct.raw)
    assert replayed.ending == direct.ending
    if name != "chunk-extensions":  # the recording keeps chunks, not their extensions
        assert replayed.raw == direct.raw


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("burst", "chunk-extensions", "trailers")])
def test_gaps_are_those_recorded(played: Played, name: str) -> None:
    def judge(measured: tuple[Seen, Seen]) -> None:
        same_gaps(*measured, _due(CASES[name]))

    judged_patiently(judge, (played.direct[name], played.replayed[name]), lambda: played.again(name))


def test_trailers_are_played(tmp_path: Path) -> None:
    exchange = streams.exchange(BODY, http_chunks=None, notes={"trailers": [["X-Checksum", "1"]]})
    write_exchange_dir(exchange, tmp_path / "trailers")
    with BackgroundReplay(replaying.playables([str(tmp_path / "trailers")])) as replay:
        asked = post("/v1/chat/completions", streams.request_for().body or b"")
        seen = run(fetch(replay.address[1], asked, until=lambda seen: seen.raw.endswith(b"1\r\n\r\n")))
    assert seen.raw.endswith(b"0\r\nX-Checksum: 1\r\n\r\n")


BODY = streams.sse(streams.chat_text())


@pytest.fixture
def text(tmp_path: Path) -> str:
    home = tmp_path / "text"
    write_exchange_dir(streams.exchange(BODY), home)
    return str(home)


def _play(target: str, speed: float = 0.0, **options: str) -> Seen:
    with BackgroundReplay(replaying.playables([target], **options), speed=speed) as replay:  # type: ignore[arg-type]
        asked = streams.request_for().body or b""
        return run(fetch(replay.address[1], post("/v1/chat/completions", asked), seconds=1.5))


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ("whole", [len(BODY)]),
        ("byte", [1] * len(BODY)),
        ("100", [100] * (len(BODY) // 100) + [len(BODY) % 100]),
        ("event", [len(part) + 2 for part in BODY.split(b"\n\n")[:-1]]),
    ],
)
def test_segments_are_cut_as_asked(text: str, segments: str, expected: list[int]) -> None:
    body, chunks = _decoded(_play(text, segments=segments).raw)
    assert body == BODY
    assert list(chunks or ()) == expected


@pytest.mark.parametrize(
    ("option", "after", "ending"),
    [("cut_after", "300", "fin"), ("reset_after", "300", "rst"), ("stall_after", "300", "timeout")],
)
def test_faults_come_after_so_many_bytes(text: str, option: str, after: str, ending: str) -> None:
    seen = _play(text, **{option: after})
    assert seen.ending == ending
    assert sum(len(piece) for piece in re.findall(rb"data: [^\r]*\n\n|data: [^\r\n]*$", seen.body)) == 300


def test_faults_come_after_so_many_events(text: str) -> None:
    seen = _play(text, reset_after="2e")
    assert seen.ending == "rst"
    assert seen.raw.count(b"data: ") == 2


def test_contradictory_faults_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="one of"):
        replaying.playables([text], cut_after="1", reset_after="2")
    with pytest.raises(UsageError, match="neither"):
        replaying.playables([text], cut_after="soon")
    with pytest.raises(UsageError, match="--segments"):
        replaying.playables([text], segments="0")


def test_a_miss_names_the_nearest_and_what_differs(text: str) -> None:
    asked = streams.dump({**streams.json.loads(streams.request_for().body or b""), "model": "other"})
    with BackgroundReplay(replaying.playables([text])) as replay:
        seen = run(fetch(replay.address[1], post("/v1/chat/completions", asked)))
        assert seen.status == 404
        error = streams.json.loads(seen.body)["error"]
        assert error["code"] == "no_match"
        assert "model recorded 'gpt-4o-2024-08-06', sent 'other'" in error["message"]
        assert "/@text/" in error["message"]
        assert replay.misses == [error["message"].removeprefix("streamlab: ")]


def test_an_exchange_can_be_named_whatever_is_asked(text: str) -> None:
    with BackgroundReplay(replaying.playables([text])) as replay:
        client = openai.OpenAI(api_key="x", base_url=f"{replay.url}/@text/v1", max_retries=0)
        with client.chat.completions.create(
            model="any", messages=[{"role": "user", "content": "?"}], stream=True
        ) as stream:
            assert "".join(part.choices[0].delta.content or "" for part in stream) == "Spring is here."
        client.close()


def test_equal_requests_are_served_in_recorded_order(tmp_path: Path) -> None:
    for name, word in (("a", "one"), ("b", "two")):
        write_exchange_dir(streams.exchange(streams.sse(streams.chat_text(word))), tmp_path / "all" / name)
    asked = post("/v1/chat/completions", streams.request_for().body or b"")
    with BackgroundReplay(replaying.playables([str(tmp_path / "all")])) as replay:
        seen = [run(fetch(replay.address[1], asked)).raw for _ in range(3)]
    assert [b'"one"' in raw for raw in seen] == [True, False, False]
    assert [b'"two"' in raw for raw in seen] == [False, True, True]


def test_keep_alive_serves_several_requests_on_one_connection(text: str) -> None:
    asked = post("/v1/chat/completions", streams.request_for().body or b"")
    with BackgroundReplay(replaying.playables([text])) as replay:
        seen = run(fetch(replay.address[1], asked * 3, until=lambda seen: seen.raw.count(b"0\r\n\r\n") == 3))
    assert seen.raw.count(b"HTTP/1.1 200") == 3


def test_times_count_from_when_the_request_is_whole(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the body comes late, what follows is not all due at once."""
    zeros: list[int] = []

    class Noted(Performance):
        def __init__(self, server, client, playable, zero_ns, on_end) -> None:
            zeros.append(zero_ns)
            super().__init__(server, client, playable, zero_ns, on_end)

    monkeypatch.setattr("streamlab.servers.replay.Performance", Noted)
    monkeypatch.setattr("streamlab.servers.arrivals._waited_ns", lambda _told: 0)  # the clock of the test alone
    body = streams.request_for().body or b""
    head = post("/v1/chat/completions", body, "Expect: 100-continue\r\n").removesuffix(body)
    with BackgroundReplay(replaying.playables([text])) as replay, socket.create_connection(replay.address) as client:
        client.sendall(head + body[:10])
        assert client.recv(1000).startswith(b"HTTP/1.1 100")  # the first bytes have been read
        before = time.monotonic_ns()
        client.sendall(body[10:])
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
    [zero] = zeros
    assert zero >= before


def test_rubbish_gets_an_answer_and_the_server_goes_on(text: str) -> None:
    with BackgroundReplay(replaying.playables([text])) as replay:
        assert run(fetch(replay.address[1], b"\x00\x01rubbish\r\n\r\n")).status == 400
        assert run(fetch(replay.address[1], b"GET /" + b"x" * 400_000)).status == 431
        asked = post("/v1/chat/completions", streams.request_for().body or b"")
        assert run(fetch(replay.address[1], asked)).status == 200


def test_a_hundred_streams_keep_their_schedule(text: str) -> None:
    """Never early, and no drift: the last write of a stream is no later than its first ones."""
    asked = post("/v1/chat/completions", streams.request_for().body or b"")

    async def all_at_once(port: int) -> list[Seen]:
        return await asyncio.gather(*(fetch(port, asked) for _ in range(100)))

    with BackgroundReplay(replaying.playables([text]), speed=1) as replay:
        assert all(seen.ending == "message" for seen in run(all_at_once(replay.address[1])))
        timing = replay.timing
    assert len(timing.errors_ns) == 100 * (2 + len(streams.chat_text()) + 1)
    assert min(timing.errors_ns) > -200_000


# -- corners ---------------------------------------------------------------------------------------------------------


def _played(tmp_path: Path, exchange: Exchange, request: bytes | None = None, **options: object) -> Seen:
    write_exchange_dir(exchange, tmp_path / "one")
    with BackgroundReplay(replaying.playables([str(tmp_path / "one")], **options)) as replay:  # type: ignore[arg-type]
        asked = request or post("/v1/chat/completions", streams.request_for().body or b"")
        return run(fetch(replay.address[1], asked, seconds=1.0))


def test_a_chunk_of_no_bytes_does_not_end_the_message(tmp_path: Path) -> None:
    seen = _played(tmp_path, streams.exchange(BODY, http_chunks=(0, len(BODY), 0)))
    assert _decoded(seen.raw) == (BODY, (len(BODY),))


def test_a_length_that_no_longer_holds_is_not_repeated(tmp_path: Path) -> None:
    head = (("Content-Type", "text/event-stream"), ("Content-Length", "7"))
    seen = _played(tmp_path, streams.exchange(BODY, headers=head))
    assert b"Content-Length" not in seen.raw
    assert _decoded(seen.raw)[0] == BODY
    cut = streams.exchange(BODY, headers=(*head[:1], ("Content-Length", "99999")), ending=Ending.UPSTREAM_CUT)
    seen = _played(tmp_path, cut)
    assert b"Content-Length: 99999" in seen.raw
    assert seen.ending == "fin"


def test_answers_without_a_body_have_none(tmp_path: Path) -> None:
    asked = Request("HEAD", "/v1/models")
    head = (("Transfer-Encoding", "chunked"),)
    seen = _played(tmp_path, streams.exchange([], request=asked, headers=head), get("/v1/models", method="HEAD"))
    assert seen.body == b""


def test_a_repaired_stream_has_a_head_of_its_own(tmp_path: Path) -> None:
    head = (*streams.HEADERS[:1], ("content-encoding", "gzip"), ("content-length", "5"))
    broken = streams.sse(streams.chat_text(), done=False)
    exchange = streams.exchange([gzip.compress(broken)], headers=head, ending=Ending.UPSTREAM_CUT)
    seen = _played(tmp_path, exchange, normalize=True)
    assert b"gzip" not in seen.raw
    assert b"content-length" not in seen.raw.lower()
    assert seen.ending == "fin"
    assert b'"error"' in _decoded(seen.raw)[0]


def test_what_was_silent_is_closed_behind_the_error_that_says_so(tmp_path: Path) -> None:
    """As a recorder that mends does it: there is no end of the message, nor does anybody wait for one."""
    broken = streams.exchange(streams.sse(streams.chat_text(), done=False), ending=Ending.TIMED_OUT)
    seen = _played(tmp_path, broken, normalize=True)
    assert seen.ending == "fin"
    assert b'"error"' in _decoded(seen.raw)[0]


@pytest.mark.parametrize("segments", ["recorded", "byte", "7"])
def test_events_are_counted_in_what_is_played(tmp_path: Path, segments: str) -> None:
    crlf = BODY.replace(b"\n", b"\r\n")
    seen = _played(tmp_path, streams.exchange(crlf), segments=segments, cut_after="2e")
    first, second = (part + b"\r\n\r\n" for part in crlf.split(b"\r\n\r\n")[:2])
    assert _decoded(seen.raw)[0] == first + second
    packed = gzip.compress(BODY)
    head = (*streams.HEADERS, ("content-encoding", "gzip"))
    halves = [packed[:200], packed[200:]]
    seen = _played(tmp_path, streams.exchange(halves, headers=head), cut_after="6e")
    assert packed.startswith(_decoded(seen.raw)[0])


def test_a_fault_does_not_wait_for_the_recorded_end(tmp_path: Path) -> None:
    exchange = streams.exchange(BODY, http_chunks=None)
    write_exchange_dir(replace(exchange, end_us=60_000_000), tmp_path / "one")
    loaded = replaying.playables([str(tmp_path / "one")], reset_after="1e")
    with BackgroundReplay(loaded, speed=1) as replay:
        asked = post("/v1/chat/completions", streams.request_for().body or b"")
        assert run(fetch(replay.address[1], asked, seconds=5)).ending == "rst"


@pytest.mark.parametrize(("silence_us", "ending"), [(1_000, "rst"), (400_000, "timeout")])
def test_a_client_that_left_a_silent_server_finds_it_silent_again(tmp_path: Path, silence_us: int, ending: str) -> None:
    exchange = streams.exchange(BODY, ending=Ending.CLIENT_LEFT)
    last = exchange.segments[-1].offset_us or 0
    assert _played(tmp_path, replace(exchange, end_us=last + silence_us)).ending == ending


def test_a_connection_is_closed_when_the_client_wants_it(text: str) -> None:
    asked = post("/v1/chat/completions", streams.request_for().body or b"", "Connection: close\r\n")
    with BackgroundReplay(replaying.playables([text])) as replay:
        assert run(fetch(replay.address[1], asked, until=lambda _: False, seconds=5)).ending == "fin"


def test_an_exchange_that_is_gone_is_told_to_the_client(tmp_path: Path) -> None:
    home = tmp_path / "one"
    write_exchange_dir(streams.exchange(BODY), home)
    with BackgroundReplay(replaying.playables([str(home)])) as replay:
        (home / "exchange.json").unlink()
        seen = run(fetch(replay.address[1], post("/@one/v1/chat/completions", b"{}")))
        assert seen.status == 500
        assert len(replay.misses) == 1


def test_a_name_may_need_quoting(tmp_path: Path) -> None:
    write_exchange_dir(streams.exchange(BODY, label="a name/with?marks"), tmp_path / "one")
    with BackgroundReplay(replaying.playables([str(tmp_path / "one")])) as replay:
        assert run(fetch(replay.address[1], get("/@a%20name%2Fwith%3Fmarks/v1"))).status == 200
        seen = run(fetch(replay.address[1], get("/@other/v1")))
        assert seen.status == 404
        assert b"there are: one" in seen.body


def test_a_folder_is_replayed_in_spite_of_an_exchange_that_cannot_be_read(tmp_path: Path) -> None:
    for name in ("bad", "good"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "body.sse").write_bytes(b"data: 1\n\n")
        (tmp_path / name / "exchange.json").write_text("{" if name == "bad" else _META)
    warned: list[str] = []
    loaded = replaying.playables([str(tmp_path)], warn=warned.append)
    assert [one.candidate.names for one in loaded] == [("good",)]
    assert len(warned) == 1
    assert "bad" in warned[0]
    with pytest.raises(UnreadableInputError):
        replaying.playables([str(tmp_path / "bad")])


_META = """{"format": "streamlab.exchange/1", "request": null, "response": {"status": 200, "headers": [], "head_us": 0},
 "segments": null, "end_us": null, "ending": "complete", "notes": {}}"""


@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_what_cannot_be_read_on_breaks_the_answer_off_and_nothing_else(speed: float) -> None:
    """The database was changed, or is gone, while its exchange plays."""

    def steps() -> Iterator[Step]:
        yield Step(0, b"HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n")
        raise UnreadableInputError("damaged")

    @contextmanager
    def opened() -> Iterator[Script]:
        yield Script(steps(), Finish.FIN, 0)

    playable = Playable(candidate(["x"], None), "x", opened)
    with BackgroundReplay([playable], speed=speed) as replay:
        for _ in range(2):
            seen = run(fetch(replay.address[1], get("/v1/x"), until=lambda _: False))
            assert (seen.body, seen.ending) == (b"data: 1\n\n", "rst")
