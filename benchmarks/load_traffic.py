"""The traffic for `load_bench`: an upstream that sends bodies everybody knows, and clients that read them.

``python -m benchmarks.load_traffic upstream`` prints its port; a request for ``/body/N`` gets N bytes, one for
``/stream/N/GAP`` N server-sent events, GAP seconds apart (0: as fast as they go).
"""

from __future__ import annotations

import itertools
import socket
import sys
import threading
import time
import zlib
from collections.abc import Iterator

_BLOCK = bytes(range(256)) * 4096
#: Events that go out in one write of a fast stream.
_PER_SEND = 32


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


def _serve(sock: socket.socket) -> None:
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
        else:
            _stream(sock, path)
        sock.recv(1)
    except OSError:
        pass
    finally:
        sock.close()


def _stream(sock: socket.socket, path: str) -> None:
    gap = float(path.split("/")[3])
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    events = body(path)
    due = time.monotonic()
    while batch := list(itertools.islice(events, 1 if gap else _PER_SEND)):
        sock.sendall(b"".join([b"%x\r\n%b\r\n" % (len(one), one) for one in batch]))
        if gap:
            due += gap
            time.sleep(max(0.0, due - time.monotonic()))
    sock.sendall(b"0\r\n\r\n")


def upstream() -> None:
    """Print the port and serve for ever."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=_serve, args=(sock,), daemon=True).start()


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


if __name__ == "__main__":
    if sys.argv[1:] == ["upstream"]:
        upstream()
