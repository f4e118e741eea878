"""The load for `relay_bench`: an upstream and its clients, in one process pinned to one core, without asyncio.

``python -m benchmarks.relay_load burst|paced ...`` prints one JSON object. The upstream's listening socket is
inherited; the clients connect to ``--port``, which is a proxy's, or the upstream's own for the direct run.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import select
import socket
import threading
import time

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
REQUEST = b'POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 15\r\n\r\n{"stream":true}'
_OPEN = b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench",' + (
    b'"choices":[{"index":0,"delta":'
)
_BEGIN = _OPEN + b'{"content":"'
_PAD = b'"},"logprobs":null,"finish_reason":null}]}\n\n'
#: Where in a chunk the sixteen hexadecimal digits of its send time begin.
STAMP = len(_BEGIN)
CHUNK_DATA = STAMP + 16 + len(_PAD)
_SIZE_LINE = b"%x\r\n" % CHUNK_DATA
CHUNK_WIRE = len(_SIZE_LINE) + CHUNK_DATA + 2


def chunk(stamp: int) -> bytes:
    """One HTTP chunk with one event, about the size vendors send."""
    return _SIZE_LINE + _BEGIN + b"%016x" % stamp + _PAD + b"\r\n"


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


#: What makes a conforming stream of the chunks: nothing in it is there to be mended.
START = HEAD + _framed(_OPEN + b'{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}\n\n')
_FINISH = _framed(_OPEN + b'{},"logprobs":null,"finish_reason":"stop"}]}\n\n') + _framed(b"data: [DONE]\n\n")
STOP = _FINISH + END


def _connected(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def warm_up(listener: socket.socket, port: int) -> None:
    """A short stream before those that are measured: what takes its time once took it in the first minute."""
    with _connected(port) as client:
        client.sendall(REQUEST)
        server, _ = listener.accept()
        with server:
            asked = b""
            while not asked.endswith(b'{"stream":true}'):
                asked += server.recv(65536)
            for data in (START, *(chunk(number) for number in range(5)), STOP):
                server.sendall(data)
                received = client.recv(65536)
        while not received.endswith(END):
            received += client.recv(65536)


def burst(listener: socket.socket, port: int, count: int, per_write: int) -> dict[str, float]:
    """One stream, ``count`` chunks as fast as they go, ``per_write`` of them in a write.

    The sender is a process of its own, so that the load is not what is measured.
    """
    pid = os.fork()
    if pid == 0:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.recv(65536)
        sock.sendall(START)
        data = chunk(0) * per_write
        for _ in range(count // per_write):
            sock.sendall(data)
        sock.sendall(STOP)
        sock.recv(1)
        os._exit(0)
    sock = _connected(port)
    began = time.perf_counter()
    sock.sendall(REQUEST)
    received, first, tail = 0, 0.0, b""
    while not tail.endswith(END):
        data = sock.recv(1 << 20)
        first = first or time.perf_counter() - began
        received += len(data)
        tail = (tail + data)[-5:]
        if not data:
            break
    seconds = time.perf_counter() - began
    sock.close()
    os.waitpid(pid, 0)
    exact = received == len(START) + count * CHUNK_WIRE + len(STOP) or received > count * CHUNK_DATA
    return {"seconds": seconds, "rate": count / seconds, "first_ms": first * 1000, "complete": float(exact)}


class Paced:
    """``streams`` streams, each a chunk every ``gap`` seconds for ``seconds``; one loop over all of their sockets."""

    def __init__(self, listener: socket.socket, port: int, streams: int, gap: float, seconds: float) -> None:
        self.ramp = seconds / 5  # connections come one by one, as clients' do
        self.listener, self.port, self.streams, self.gap = listener, port, streams, gap
        self.per_stream = int(seconds / gap)
        self.poll = select.epoll()
        self.clients: dict[int, tuple[socket.socket, bytearray]] = {}
        self.servers: dict[int, socket.socket] = {}
        self.due: list[tuple[float, int, int]] = []
        self.sent_at: dict[int, float] = {}
        self.latencies: list[float] = []
        self.firsts: list[float] = []
        self.chunks = self.done = self.cut = 0

    def run(self) -> dict[str, float]:
        """Latencies of all chunks in milliseconds, and how many streams came whole."""
        self.listener.setblocking(False)
        self.poll.register(self.listener, select.EPOLLIN)
        # Connections are opened beside the loop, so that a proxy slow to accept does not stop the upstream.
        threading.Thread(target=self._open, daemon=True).start()
        began = time.perf_counter()
        last_news = began
        while self.done + self.cut < self.streams and time.perf_counter() - last_news < 20:
            now = time.perf_counter()
            while self.due and self.due[0][0] <= now:
                self._send(*heapq.heappop(self.due))
            wait = max(0.0, self.due[0][0] - time.perf_counter()) if self.due else 0.05
            for number, _ in self.poll.poll(min(wait, 0.05)):
                last_news = time.perf_counter()
                self._ready(number)
        took = time.perf_counter() - began
        self.latencies.sort()
        self.firsts.sort()
        return {
            "chunks": self.chunks,
            "rate": self.chunks / took,
            "complete": self.done / self.streams,
            "p50_ms": self._at(self.latencies, 0.5),
            "p95_ms": self._at(self.latencies, 0.95),
            "p99_ms": self._at(self.latencies, 0.99),
            "first_ms": self._at(self.firsts, 0.5),
        }

    @staticmethod
    def _at(values: list[float], share: float) -> float:
        return values[min(len(values) - 1, int(len(values) * share))] * 1000 if values else float("inf")

    def _open(self) -> None:
        for _ in range(self.streams):
            sock = _connected(self.port)
            self.sent_at[sock.fileno()] = time.perf_counter()
            self.clients[sock.fileno()] = (sock, bytearray())
            self.poll.register(sock, select.EPOLLIN)
            sock.sendall(REQUEST)
            sock.setblocking(False)
            time.sleep(self.ramp / self.streams)

    def _ready(self, number: int) -> None:
        if number == self.listener.fileno():
            sock, _ = self.listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.servers[sock.fileno()] = sock
            self.poll.register(sock, select.EPOLLIN)
        elif number in self.servers:
            self._request(number)
        elif number in self.clients:
            self._receive(number)

    def _request(self, number: int) -> None:
        sock = self.servers[number]
        try:
            data = sock.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self.poll.unregister(sock)
            sock.close()
            del self.servers[number]
        elif data.endswith(b'{"stream":true}'):
            sock.sendall(START)
            heapq.heappush(self.due, (time.perf_counter(), number, self.per_stream))

    def _send(self, due: float, number: int, left: int) -> None:
        sock = self.servers.get(number)
        if sock is None:
            return
        if left:
            sock.sendall(chunk(time.perf_counter_ns()))
            heapq.heappush(self.due, (due + self.gap, number, left - 1))
        else:
            sock.sendall(STOP)

    def _receive(self, number: int) -> None:
        sock, buffer = self.clients[number]
        try:
            data = sock.recv(1 << 18)
        except ConnectionError:
            data = b""
        now = time.perf_counter_ns()
        buffer += data
        at, marker = 0, _BEGIN
        while (found := buffer.find(marker, at)) >= 0 and len(buffer) >= found + CHUNK_DATA:
            stamp = int(buffer[found + STAMP : found + STAMP + 16], 16)
            if buffer[found : found + CHUNK_DATA] == chunk(stamp)[len(_SIZE_LINE) : -2]:
                self.chunks += 1
            self.latencies.append((now - stamp) / 1e9)
            if number in self.sent_at:
                self.firsts.append(now / 1e9 - self.sent_at.pop(number))
            at = found + CHUNK_DATA
        if at:
            del buffer[:at]
        over = buffer.endswith(END)
        if over or not data:
            self.done += over
            self.cut += not over
            self.poll.unregister(sock)
            sock.close()
            del self.clients[number]


def main() -> None:
    """Run one load and print what was seen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("burst", "paced"))
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--core", type=int, required=True, help="-1: wherever there is room")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--per-write", type=int, default=32, help="HTTP chunks of a burst that go out in one write")
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--gap", type=float, default=0.02)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    if options.core >= 0:
        os.sched_setaffinity(0, {options.core})
    listener = socket.socket(fileno=options.fd)
    if options.kind == "burst":
        found = burst(listener, options.port, options.count, options.per_write)
    else:
        warm_up(listener, options.port)
        found = Paced(listener, options.port, options.streams, options.gap, options.seconds).run()
        expected = options.streams * int(options.seconds / options.gap)
        found["complete"] = min(found["complete"], found["chunks"] / expected)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
