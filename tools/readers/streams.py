"""Lawful event streams that say the same, each in a form of its own, and a server that sends them as planned."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

#: How long a server is silent behind an event whose delivery is measured.
PAUSE_S = 1.0
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"


@dataclass(frozen=True)
class Case:
    """A stream: its writes, with None for the pause; what the standard makes of it; and how it is coded."""

    name: str
    about: str
    writes: tuple[bytes | None, ...]
    expected: tuple[str, ...]
    coding: str = ""
    cut: bool = False
    closes: bool = True  # says before that the connection will close


def _plain(*datas: str, end: str = "\n") -> bytes:
    return "".join(f"data: {data}{end}{end}" for data in datas).encode()


CASES = (
    Case("plain", "LF, one `data:` line an event", (_plain("one", "two"),), ("one", "two")),
    Case("crlf", "lines end in CRLF", (_plain("one", "two", end="\r\n"),), ("one", "two")),
    Case("cr", "lines end in CR alone", (_plain("one", "two", end="\r"),), ("one", "two")),
    Case("mixed-ends", "LF and CRLF mixed", (b"data: one\r\n\ndata: two\n\r\ndata: three\r\n\r\n",),
         ("one", "two", "three")),
    Case("crlf-cut", "a read ends between CR and LF", (b"data: one\r", b"\n\r\ndata: two\r\n\r\n"), ("one", "two")),
    Case("bom", "a byte order mark first", (b"\xef\xbb\xbf" + _plain("one", "two"),), ("one", "two")),
    Case("no-space", "no space behind the colon", (b"data:one\n\ndata:two\n\n",), ("one", "two")),
    Case("second-space", "a second space belongs to the data", (b"data:  one\n\ndata: two\n\n",), (" one", "two")),
    Case("two-lines", "two `data:` lines are one event", (b"data: one\ndata: more\n\n" + _plain("two"),),
         ("one\nmore", "two")),
    Case("comment", "a comment between the events", (_plain("one") + b": ping\n\n" + _plain("two"),), ("one", "two")),
    Case("comment-inside", "a comment inside an event", (b": ping\ndata: one\n: ping\n\n" + _plain("two"),),
         ("one", "two")),
    Case("id-retry", "`id:` and `retry:`", (b"id: 1\nretry: 100\ndata: one\n\n" + _plain("two"),), ("one", "two")),
    Case("name-alone", "`event:` without data is no event", (b"event: x\n\n" + _plain("one", "two"),), ("one", "two")),
    Case("empty-data", "`data:` alone is an event of its own", (_plain("one") + b"data:\n\n" + _plain("two"),),
         ("one", "", "two")),
    Case("line-separator", "U+2028 and U+0085 in the data", (_plain("o\u2028ne", "t\u0085wo"),),
         ("o\u2028ne", "t\u0085wo")),
    Case("character-cut", "a read ends inside a character", (b"data: \xf0\x9f", b"\x98\x80 one\n\n" + _plain("two")),
         ("😀 one", "two")),
    Case("long-line", "a line of 200,000 characters", (_plain("x" * 200_000, "two"),), ("x" * 200_000, "two")),
    Case("unterminated", "the last event has no blank line: it is none", (_plain("one") + b"data: two",), ("one",)),
    Case("late-lf", "silence behind an event, LF", (_plain("one"), None, _plain("two")), ("one", "two")),
    Case("late-crlf", "silence behind an event, CRLF", (_plain("one", end="\r\n"), None, _plain("two", end="\r\n")),
         ("one", "two")),
    Case("late-cr", "silence behind an event, CR", (_plain("one", end="\r"), None, _plain("two", end="\r")),
         ("one", "two")),
    Case("late-gzip", "silence behind an event, gzip, flushed", (_plain("one"), None, _plain("two")), ("one", "two"),
         "gzip"),
    Case("gzip-members", "gzip, a member an event", (_plain("one"), _plain("two")), ("one", "two"), "gzip-members"),
)  # fmt: skip

#: No lawful streams: HTTP's last chunk is missing, and only the first said before that the connection would close.
CUT = Case("cut", "cut behind its second event", (_plain("one"), None, _plain("two")), ("one", "two"), cut=True)
CUT_SUDDENLY = replace(CUT, name="cut-suddenly", closes=False)


def _chunk(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


#: The same for clients of OpenAI's API.
CHUNKS = Case("chunks", "two chunks, silence between", (_chunk("one"), None, _chunk("two")), ("one", "two"))
CHUNKS_GZIP = replace(CHUNKS, name="chunks-gzip", coding="gzip")
CHUNKS_CUT = replace(CHUNKS, name="chunks-cut", cut=True)
_SERVED = {case.name: case for case in (*CASES, CUT, CUT_SUDDENLY, CHUNKS, CHUNKS_GZIP, CHUNKS_CUT)}


class Server:
    """Sends the case that a part of the path names (``/RUN/CASE``), one HTTP chunk a write; a run that asks again gets
    a 204, by which the standard lets a server say that there is no more."""

    def __init__(self, *, once: bool = True) -> None:
        self._once = once
        self.requests: Counter[str] = Counter()  # by path
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            path = _asked(connection)
            if path is None:
                return
            self.requests[path] += 1
            if self._once and self.requests[path] > 1:
                connection.sendall(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
                return
            case = next((_SERVED[part] for part in path.split("/") if part in _SERVED), None)
            if case is None:
                connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                return
            coded = b"content-encoding: gzip\r\n" if case.coding else b""
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            closes = b"connection: close\r\n" if case.closes else b""
            connection.sendall(HEAD + coded + closes + b"transfer-encoding: chunked\r\n\r\n")
            with contextlib.suppress(ConnectionError):  # a reader that has left
                for piece in _coded(case):
                    connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                    time.sleep(0.02)
                if not case.cut:
                    connection.sendall(b"0\r\n\r\n")


def _asked(connection: socket.socket) -> str | None:
    """The path of a request that has come whole; None of one that has not."""
    came = b""
    while True:
        head, blank, body = came.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if blank and len(body) >= int(length[1] if length else 0):
            return head.split()[1].decode()
        piece = connection.recv(65_536)
        if not piece:
            return None
        came += piece


def _coded(case: Case) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=31)
    for piece in case.writes:
        if piece is None:
            time.sleep(PAUSE_S)
        elif case.coding == "gzip-members":
            yield gzip.compress(piece)
        elif case.coding:
            yield packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
        else:
            yield piece
    if case.coding == "gzip":
        yield packer.flush()
