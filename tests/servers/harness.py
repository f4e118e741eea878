"""Real sockets to test a proxy with: an upstream that plays exact bytes on a schedule, a client that notes what comes
when, and the proxy as its own process. Nothing here uses streamlab's own HTTP code."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import openai

Measured = TypeVar("Measured")
#: Seconds. Only a hang takes this long, on however busy a machine.
_PATIENCE = 300.0

#: Steps of a script: bytes are sent, numbers are seconds to wait, words end the connection.
Step = bytes | float | str
FIN, RST, HOLD, NEXT = "fin", "rst", "hold", "next"

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One HTTP chunk."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(text: str) -> bytes:
    """One server-sent event as one HTTP chunk."""
    return chunk(f"data: {text}\n\n".encode())


def set_reset_on_close(sock: socket.socket) -> None:
    """Make close() send RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """A request's head and its body, raw; b"" at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    if length:
        return head + await reader.readexactly(int(length[1]))
    if b"transfer-encoding: chunked" in head.lower():
        return head + await reader.readuntil(b"0\r\n\r\n")
    return head


@dataclass
class Upstream:
    """Plays ``scripts[path]`` for each request, on loopback, in a thread with a loop of its own."""

    scripts: dict[str, Sequence[Step]] = field(default_factory=dict)
    requests: list[bytes] = field(default_factory=list)
    closed_at: dict[str, float] = field(default_factory=dict)
    tls: Any = None
    port: int = 0
    seen: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Upstream:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        assert self._ready.wait(_PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/v1"

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = self._loop.create_task(self._serve(reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=self.tls, limit=64 * 2**20, backlog=2048)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = ""
        try:
            while request := await read_request(reader):
                self.requests.append(request)
                self.seen.set()
                path = request.split(b" ")[1].decode().partition("?")[0]
                if not await self._play(self.scripts[path], reader, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.closed_at[path] = time.monotonic()
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError, TimeoutError):
                await writer.wait_closed()

    async def _play(self, steps: Sequence[Step], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for step in steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif isinstance(step, float):
                due = max(due, loop.time() - 0.002) + step
                await asyncio.sleep(max(0.0, due - loop.time()))
            elif step == RST:
                set_reset_on_close(writer.get_extra_info("socket"))
                writer.transport.abort()
                return False
            elif step == FIN:
                return False
            elif step == HOLD:  # until the other side goes
                while await reader.read(65536):
                    pass
                return False
        return True


@dataclass
class Seen:
    """What a client saw: every read with its time, and how it ended: fin, rst or timeout."""

    reads: list[tuple[float, bytes]] = field(default_factory=list)
    ending: str = ""

    @property
    def raw(self) -> bytes:
        return b"".join(data for _, data in self.reads)

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1])

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    def arrival(self, offset: int) -> float:
        """When the byte before ``offset`` of the raw bytes came."""
        total = 0
        for at, data in self.reads:
            total += len(data)
            if total >= offset:
                return at
        raise AssertionError("not that many bytes")


def same_gaps(wanted: Seen, got: Seen, offsets: Sequence[int]) -> None:
    """Between what came at these offsets, the same time passed for both: within 20 ms, or 15 % of long gaps."""
    due = [wanted.arrival(offset) for offset in offsets]
    came = [got.arrival(offset) for offset in offsets]
    for at in range(1, len(offsets)):
        expected, found = due[at] - due[at - 1], came[at] - came[at - 1]
        assert abs(found - expected) <= max(0.020, 0.15 * expected), (at, expected, found)


def judged_patiently(
    judge: Callable[[Measured], None], first: Measured, again: Callable[[], Measured], times: int = 5
) -> None:
    """``judge`` raises AssertionError over a measurement that is off; then ``again`` measures, alone, up to ``times``.

    A busy machine delays this process as much as those it measures: one good measurement shows what they can do, and
    a proxy that is at fault is at fault in all of them.
    """
    measured = first
    for _ in range(times):
        try:
            judge(measured)
            return
        except AssertionError:
            measured = again()
    judge(measured)


def message_over(seen: Seen) -> bool:
    """Whether a response with a length is complete (chunked or Content-Length), as far as its last bytes tell."""
    tail = b"".join(data for _, data in seen.reads[-5:])[-5:]
    if tail == b"0\r\n\r\n":
        return True
    if len(seen.reads) > 100:
        return False
    begun = b""
    for _, data in seen.reads:  # no more than has to be: of megabytes this is asked for every read
        begun += data
        if b"\r\n\r\n" in begun:
            break
    head, blank, _ = begun.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    came = sum(len(data) for _, data in seen.reads) - len(head) - len(blank)
    return bool(blank and length) and came >= int(length[1] if length else 0)


async def fetch(
    port: int, request: bytes, *, seconds: float = 20.0, until: Callable[[Seen], bool] = message_over
) -> Seen:
    """Send raw bytes, read until the message or the connection is over."""
    loop = asyncio.get_running_loop()
    seen = Seen()
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        send = loop.create_task(loop.sock_sendall(sock, request))
        try:
            async with asyncio.timeout(seconds):
                while True:
                    data = await loop.sock_recv(sock, 262144)
                    if not data:
                        seen.ending = "fin"
                        break
                    seen.reads.append((loop.time(), data))
                    if until(seen):
                        seen.ending = "message"
                        break
        except ConnectionResetError:
            seen.ending = "rst"
        except TimeoutError:
            seen.ending = "timeout"
        send.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await send
    return seen


def openai_client(base_url: str, *, timeout: float = 10.0, max_retries: int = 0) -> openai.OpenAI:
    """openai-python, without the certificates that every client of its loads: no connection here is encrypted."""
    return openai.OpenAI(
        api_key="unused",
        base_url=base_url,
        timeout=timeout,
        max_retries=max_retries,
        http_client=openai.DefaultHttpxClient(verify=False),
    )


def get(path: str, extra: str = "", method: str = "GET") -> bytes:
    """A request without a body."""
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{extra}\r\n".encode()


def post(path: str, body: bytes, extra: str = "") -> bytes:
    """A request with a JSON body."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{extra}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Proxy:
    """`streamlab record` in a process of its own."""

    process: subprocess.Popen[bytes]
    db: Path
    ports: list[int]
    errors: Path

    @property
    def port(self) -> int:
        return self.ports[0]

    @property
    def stderr(self) -> str:
        return self.errors.read_text()

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_PATIENCE)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(_PATIENCE)


RECORD = (sys.executable, "-c", "from streamlab.cli import main; main()", "record")


@contextlib.contextmanager
def recording(
    tmp_path: Path,
    *arguments: str,
    db: Path | None = None,
    prefix: Sequence[str] = (),
    count: int = 1,
    findings: bool = False,
) -> Iterator[Proxy]:
    """Run `streamlab record` with the arguments; waits until it has printed its base URLs. Without ``findings`` it does
    not look for any, which would take the time of another process's start at the end."""
    path = db or tmp_path / "capture.db"
    errors = tmp_path / f"stderr-{time.monotonic_ns()}"
    quiet = () if findings else ("--no-findings",)
    listen = () if "--tap" in arguments else ("--listen", "127.0.0.1:0")
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            [*prefix, *RECORD, "--db", str(path), *listen, *quiet, *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, "PYTHONFAULTHANDLER": "1"},
        )
    try:
        assert process.stdout is not None
        ports = []
        for _ in range(count):
            line = process.stdout.readline().decode()
            assert line, f"no base URL was printed: {errors.read_text()}"
            ports.append(int(line.rsplit(":", 1)[1].split("/")[0]))
        yield Proxy(process, path, ports, errors)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(_PATIENCE)
        assert process.stdout is not None
        process.stdout.close()


def run(coroutine: Awaitable[Any]) -> Any:
    """Run a coroutine to its end."""

    async def main() -> Any:
        return await coroutine

    return asyncio.run(main())


def eventually(condition: Callable[[], Any], seconds: float = _PATIENCE) -> Any:
    """The first true answer; a test fails without one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError("did not happen in time")
