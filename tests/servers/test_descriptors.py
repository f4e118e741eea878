"""Out of file descriptors: nobody hangs, nothing raises, and who gets no room is told so at once."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamlab.servers.accepting import Acceptor
from streamlab.servers.listening import bind
from streamlab.servers.unexpected import tell_unexpected
from streamlab.storage.capture_db import CaptureDB
from tests.servers.harness import END, HEAD, Seen, Upstream, event, fetch, get, recording, run


def _limited(files: int) -> tuple[str, ...]:
    """What runs a command with so many descriptors at most."""
    limit = f"r.setrlimit(r.RLIMIT_NOFILE, ({files}, {files}))"
    return sys.executable, "-c", f"import os,sys,resource as r; {limit}; os.execvp(sys.argv[1], sys.argv[1:])"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    script = [HEAD, event("1"), 0.4, event("2"), END]
    with Upstream({"/v1/slow": script, "/v1/ok": [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]}) as running:
        yield running


@pytest.mark.parametrize(("files", "clients"), [(64, 100), (256, 300)])  # 256 is what macOS gives
def test_more_clients_than_descriptors_are_all_answered(
    upstream: Upstream, tmp_path: Path, files: int, clients: int
) -> None:
    async def crowd(port: int) -> list[Seen]:
        return list(await asyncio.gather(*[fetch(port, get("/v1/slow"), seconds=60) for _ in range(clients)]))

    with recording(tmp_path, "--upstream", upstream.url, prefix=_limited(files)) as proxy:
        seen = run(crowd(proxy.port))
        statuses = sorted(one.status for one in seen)
        assert set(statuses) == {200, 503}, statuses
        served = statuses.count(200)
        for one in seen:
            if one.status == 503:
                assert json.loads(one.body)["error"]["code"] == "too_many_connections"
            else:
                assert one.body.endswith(END)
        # There is room again afterwards.
        assert run(fetch(proxy.port, get("/v1/ok"))).status == 200
        assert proxy.stop() == 0, proxy.stderr
        assert proxy.stderr.count("no room for more connections") == 1
        assert "Traceback" not in proxy.stderr
    with CaptureDB(proxy.db) as db:
        assert len(db.overview()) == served + 1


class _Starved:
    """A listening socket whose ``accept`` fails once, and then works again."""

    def __init__(self, listener: socket.socket, number: int) -> None:
        self._listener = listener
        self._failure: OSError | None = OSError(number, "made to fail")

    def fileno(self) -> int:
        return self._listener.fileno()

    def close(self) -> None:
        self._listener.close()

    def accept(self) -> tuple[socket.socket, object]:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return self._listener.accept()


@pytest.mark.parametrize(
    ("number", "status"),
    [(errno.EMFILE, 503), (errno.ENFILE, 503), (errno.ENOMEM, 503), (errno.ECONNABORTED, 200), (errno.EPROTO, 200)],
)
def test_no_error_of_accept_escapes_into_the_loop(number: int, status: int) -> None:
    async def talk() -> tuple[list[object], list[str], int]:
        told: list[str] = []
        failed: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failed.append(context))
        listener = bind("127.0.0.1", 0)
        port = listener.getsockname()[1]
        acceptor = Acceptor(each=2, remark=told.append)

        def accepted(sock: socket.socket) -> None:
            sock.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            sock.close()
            acceptor.release()

        starved = _Starved(listener, number)
        acceptor.serve(starved, accepted)  # type: ignore[arg-type]
        first = await fetch(port, get("/"))
        second = await fetch(port, get("/"))
        acceptor.stop()
        assert second.status == 200
        return failed, told, first.status

    failed, told, first = run(talk())
    assert failed == []
    assert first == status
    assert ["ulimit -n" in one for one in told] == [True] * (status == 503)


def test_what_nobody_expected_is_said_in_one_line() -> None:
    async def fail() -> list[str]:
        told: list[str] = []
        tell_unexpected(told.append)
        loop = asyncio.get_running_loop()
        for _ in range(2):
            loop.call_soon(lambda: 1 / 0)
        loop.call_soon(lambda: [][0])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return told

    first, second = run(fail())
    assert "ZeroDivisionError: division by zero" in first
    assert "IndexError" in second
    assert "test_descriptors, line " in first


def test_an_upstream_without_a_descriptor_is_answered_503(upstream: Upstream, tmp_path: Path) -> None:
    """As many connections as fit in by our count, while something else takes what was left to them."""
    from streamlab.servers.upstream import parse_upstream

    async def connect() -> object:
        with pytest.MonkeyPatch.context() as patch:

            def none_left(*_: object, **__: object) -> socket.socket:
                raise OSError(errno.EMFILE, "Too many open files")

            target = parse_upstream(upstream.url, environment={})
            patch.setattr("streamlab.servers.upstream.socket.socket", none_left)
            assert target.connect_at_once() is None
            return await target.connect()

    refusal = run(connect())
    assert getattr(refusal, "kind", None) == "descriptors"
