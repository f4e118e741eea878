"""Keeps a request until it is answered: what it asked for, and how to ask the same without a stream. No sockets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from streamlab.wire.http1 import BodyReader, Piece, RequestHead

#: A request with a larger body is answered unrepaired.
_MAX_REQUEST_BODY = 64 * 1024 * 1024
#: What describes the framing of one message, and not of another made from it.
FRAMING_HEADERS = frozenset({"transfer-encoding", "content-length", "trailer"})


@dataclass(slots=True)
class UnansweredRequest:
    """A request that has not been answered yet; ``body`` is None when it is too large to be kept."""

    raw: bytes
    head: RequestHead
    reader: BodyReader | None
    body: bytearray | None = field(default_factory=bytearray)

    def add(self, data: bytes) -> None:
        """Bytes of the body, with their framing."""
        if self.reader is None or self.body is None:
            return
        pieces: list[Piece] = []
        self.reader.feed(data, 0, pieces)
        for piece, _ in pieces:
            self.body += piece
        if len(self.body) > _MAX_REQUEST_BODY:
            self.body = None

    def unstreamed(self) -> tuple[bytes, bytes] | None:
        """Head and body of the same question with ``stream`` false; None when it is no JSON that asks for a stream."""
        try:
            value: Any = json.loads(bytes(self.body or b""))
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict) or value.get("stream") is not True:
            return None
        value["stream"] = False
        value.pop("stream_options", None)
        body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        gone = (*FRAMING_HEADERS, "expect")
        lines = self.raw[:-4].split(b"\r\n")
        kept = [line for line in lines[1:] if line.partition(b":")[0].strip().lower().decode("latin-1") not in gone]
        return b"\r\n".join([lines[0], *kept, b"Content-Length: %d" % len(body), b"", b""]), body
