"""The traffic for `load_bench`: an upstream that sends bodies everybody knows, and clients that read them.

``python -m benchmarks.load_traffic upstream`` prints its port; a request for ``/body/N`` gets N bytes, one for
``/stream/N/GAP`` N server-sent events, GAP seconds apart (0: as fast as they go). Paced streams share one thread, here
and at the clients: hundreds of threads that wake up all the time would take the processors from what is measured.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import select
import socket
import sys
import threading
import time
import zlib
from collections.abc import Iterable, Iterator

_BLOCK = bytes(range(256)) * 4096
#: Events that go out in one write of a fast stream.
_PER_SEND = 32
#: How long the sender of paced streams sleeps at least: what is due meanwhile goes out together.
_TURN = 0.002
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_END = b"0\r\n\r\n"


def event(number: int) -> bytes:
    """One event of a stream, about the size vendors send."""
    return (
        b'data: {"id":"chatcmpl-load","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"'
        + (b'%0120d"},"finish_reason":null}]}\n\n' % number)
    )


def body(path: str) -> Iterator[bytes]:
    """What a path answers, in pieces."""
    kind, count = path.split("/")[1:3]
    if kind == "body":
        left = int(count)
        while left > 0:
            yield _BLOCK[:left]
            left -= len(_BLOCK)
    else:
        yield from (event(number) for number in range(int(count)))


def checksum(path: str) -> tuple[int, int]:
    """Length and checksum of what a path answers."""
    size = found = 0
    for piece in body(path):
        size, found = size + len(piece), zlib.crc32(piece, found)
    return size, found


def _serve(sock: socket.socket, pacer: Pacer) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            data += sock.recv(65536)
        path = data.split(b" ")[1].decode()
        if path.startswith("/body"):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % int(path.split("/")[2]))
            for piece in body(path):
                sock.sendall(piece)
        elif gap := float(path.split("/")[3]):
            sock.sendall(_HEAD)
            pacer.add(sock, path, gap)
            return
        else:
            _stream(sock, path)
        sock.recv(1)
    except OSError:
        pass
    sock.close()


def _stream(sock: socket.socket, path: str) -> None:
    sock.sendall(_HEAD)
    events = body(path)
    while batch := list(itertools.islice(events, _PER_SEND)):
        sock.sendall(b"".join(map(_framed, batch)))
    sock.sendall(_END)


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Pacer(threading.Thread):
    """Sends the events of all paced streams, each when it is due."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._new: list[tuple[socket.socket, str, float]] = []
        self._wake = threading.Event()

    def add(self, sock: socket.socket, path: str, gap: float) -> None:
        """A stream whose head was sent."""
        self._new.append((sock, path, gap))
        self._wake.set()

    def run(self) -> None:
        """For ever."""
        due: list[tuple[float, int, socket.socket, Iterator[bytes], float]] = []
        numbers = itertools.count()
        while True:
            self._wake.wait(None if not due else max(_TURN, due[0][0] - time.monotonic()))
            if self._new:
                self._wake.clear()
            while self._new:
                sock, path, gap = self._new.pop()
                heapq.heappush(due, (time.monotonic(), next(numbers), sock, body(path), gap))
            while due and due[0][0] <= time.monotonic():
                at, number, sock, events, gap = due[0]
                data = next(events, None)
                try:
                    sock.sendall(_END if data is None else _framed(data))
                except OSError:
                    data = None
                if data is None:
                    sock.close()
                    heapq.heappop(due)
                else:
                    heapq.heapreplace(due, (at + gap, number, sock, events, gap))


def upstream() -> None:
    """Print the port and serve for ever."""
    pacer = Pacer()
    pacer.start()
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=_serve, args=(sock, pacer), daemon=True).start()


class Client(threading.Thread):
    """Asks for a path and reads the answer to its end; ``received`` are the bytes it has, head and framing included."""

    def __init__(self, port: int, path: str) -> None:
        super().__init__(daemon=True)
        self.port, self.path = port, path
        self.received = 0
        self.longest_gap = 0.0
        self.whole = False

    def run(self) -> None:
        """Until the answer is over or the connection is."""
        size = int(self.path.split("/")[2]) if self.path.startswith("/body") else 0
        with socket.create_connection(("127.0.0.1", self.port)) as sock:
            sock.sendall(f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            tail, last = b"", time.monotonic()
            while True:
                try:
                    data = sock.recv(1 << 18)
                except OSError:
                    return
                now = time.monotonic()
                self.longest_gap = max(self.longest_gap, now - last)
                last = now
                if not data:
                    return
                self.received += len(data)
                tail = (tail + data)[-7:]
                if (size and self.received >= size) or (not size and tail.endswith(b"\r\n0\r\n\r\n")):
                    self.whole = not size or self.received > size
                    if self.whole:
                        return


class PacedClients(threading.Thread):
    """Reads many paced streams in one thread: one after the other of ``paths``, ``at_once`` of them at a time.

    Of every ``leave``-th the client leaves in the middle. ``received`` counts the bytes of all, ``whole`` says whether
    every stream that nobody left came to its end.
    """

    def __init__(self, port: int, paths: Iterable[str], at_once: int, leave: int = 0) -> None:
        super().__init__(daemon=True)
        self.port, self.at_once, self.leave = port, at_once, leave
        self._paths = iter(paths)
        self._streams: dict[int, _Stream] = {}
        self._poll = select.epoll()
        self.opened = self.left = self.cut = self.received = 0
        self.longest_gap = 0.0
        self.finished: list[str] = []

    @property
    def whole(self) -> bool:
        """Whether nothing was cut."""
        return not self.cut

    def run(self) -> None:
        """Until all are over."""
        while len(self._streams) < self.at_once and self._open():
            pass
        while self._streams:
            for number, _ in self._poll.poll(1.0):
                self._ready(number)

    def _open(self) -> bool:
        path = next(self._paths, None)
        if path is None:
            return False
        sock = socket.create_connection(("127.0.0.1", self.port))
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        sock.setblocking(False)
        self.opened += 1
        leaves = bool(self.leave) and self.opened % self.leave == 0
        self._streams[sock.fileno()] = _Stream(sock, path, time.monotonic(), leaves)
        self._poll.register(sock, select.EPOLLIN)
        return True

    def _ready(self, number: int) -> None:
        one = self._streams[number]
        data = b""
        with contextlib.suppress(ConnectionError):
            data = one.sock.recv(1 << 18)
        now = time.monotonic()
        self.longest_gap, one.last = max(self.longest_gap, now - one.last), now
        self.received += len(data)
        one.tail = (one.tail + data)[-7:]
        over = one.tail.endswith(b"\r\n" + _END)
        leaves = one.leaves and not over and now - one.began > 1.0
        if over or leaves or not data:
            if over:
                self.finished.append(one.path)
            self.left += leaves
            self.cut += not (over or leaves)
            self._poll.unregister(number)
            del self._streams[number]
            one.sock.close()
            self._open()


class _Stream:
    def __init__(self, sock: socket.socket, path: str, now: float, leaves: bool) -> None:
        self.sock, self.path, self.leaves = sock, path, leaves
        self.began = self.last = now
        self.tail = b""


if __name__ == "__main__":
    if sys.argv[1:] == ["upstream"]:
        upstream()
