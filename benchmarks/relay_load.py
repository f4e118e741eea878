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

from benchmarks.load_kinds import END, KINDS, Kind


def _connected(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def warm_up(listener: socket.socket, port: int, kind: Kind) -> None:
    """A short stream before those that are measured: what takes its time once took it in the first minute."""
    with _connected(port) as client:
        client.sendall(kind.request)
        server, _ = listener.accept()
        with server:
            asked = b""
            while not asked.endswith(kind.body):
                asked += server.recv(65536)
            for data in (kind.start, *(kind.framed(number) for number in range(5)), kind.stop):
                server.sendall(data)
                received = client.recv(65536)
        while not received.endswith(END):
            received += client.recv(65536)


def burst(listener: socket.socket, port: int, kind: Kind, count: int, per_write: int) -> dict[str, float]:
    """One stream, ``count`` chunks as fast as they go, ``per_write`` of them in a write.

    The sender is a process of its own, so that the load is not what is measured.
    """
    pid = os.fork()
    if pid == 0:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.recv(65536)
        sock.sendall(kind.start)
        data = kind.framed(0) * per_write
        for _ in range(count // per_write):
            sock.sendall(data)
        sock.sendall(kind.stop)
        sock.recv(1)
        os._exit(0)
    sock = _connected(port)
    began = time.perf_counter()
    sock.sendall(kind.request)
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
    whole = len(kind.start) + count * len(kind.framed(0)) + len(kind.stop)
    exact = received == whole or received > count * len(kind.event(0))
    return {"seconds": seconds, "rate": count / seconds, "first_ms": first * 1000, "complete": float(exact)}


class Paced:
    """``streams`` streams, each a chunk every ``gap`` seconds for ``seconds``; one loop over all of their sockets."""

    def __init__(
        self, listener: socket.socket, port: int, kind: Kind, streams: int, gap: float, seconds: float
    ) -> None:
        self.kind = kind
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
            sock.sendall(self.kind.request)
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
        elif data.endswith(self.kind.body):
            sock.sendall(self.kind.start)
            heapq.heappush(self.due, (time.perf_counter(), number, self.per_stream))

    def _send(self, due: float, number: int, left: int) -> None:
        sock = self.servers.get(number)
        if sock is None:
            return
        if left:
            sock.sendall(self.kind.framed(time.perf_counter_ns()))
            heapq.heappush(self.due, (due + self.gap, number, left - 1))
        else:
            sock.sendall(self.kind.stop)

    def _receive(self, number: int) -> None:
        sock, buffer = self.clients[number]
        try:
            data = sock.recv(1 << 18)
        except ConnectionError:
            data = b""
        now = time.perf_counter_ns()
        buffer += data
        at, marker = 0, self.kind.marks[0]
        while (found := buffer.find(marker, at)) >= 0 and (begin := found + len(marker)) + 16 <= len(buffer):
            digits = buffer[begin : begin + 16]
            if not digits.isalnum():  # the first or last arguments of a call
                at = begin
                continue
            stamp = int(digits, 16)
            expected = self.kind.event(stamp)
            if len(buffer) < found + len(expected):
                break
            if buffer[found : found + len(expected)] == expected:
                self.chunks += 1
            self.latencies.append((now - stamp) / 1e9)
            if number in self.sent_at:
                self.firsts.append(now / 1e9 - self.sent_at.pop(number))
            at = found + len(expected)
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
    parser.add_argument("--like", choices=KINDS, default="text", help="what the streams have in them")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--per-write", type=int, default=32, help="HTTP chunks of a burst that go out in one write")
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--gap", type=float, default=0.02)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    if options.core >= 0:
        os.sched_setaffinity(0, {options.core})
    listener, kind = socket.socket(fileno=options.fd), KINDS[options.like]
    if options.kind == "burst":
        found = burst(listener, options.port, kind, options.count, options.per_write)
    else:
        warm_up(listener, options.port, kind)
        found = Paced(listener, options.port, kind, options.streams, options.gap, options.seconds).run()
        expected = options.streams * int(options.seconds / options.gap)
        found["complete"] = min(found["complete"], found["chunks"] / expected)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
