"""Mends the answers of one connection on their way to the client: `streamlab record --normalize`.

HTTP framing is taken apart here and put together again around the normalizer's bytes. What the normalizer leaves alone
(answers without a stream, foreign APIs, HEAD, 204, upgrades, what is no HTTP) goes through byte for byte, framing and
all. The recorder is told of the upstream's own bytes and knows nothing of any of this.
"""

from __future__ import annotations

import itertools
import json
import time
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from streamlab.exchange import Ending, Request, ResponseHead
from streamlab.repairing.normalizer import Normalizer
from streamlab.wire.apis import Api, api_of_path
from streamlab.wire.http1 import (
    MAX_RESPONSE_HEAD,
    BodyReader,
    Fault,
    Framing,
    Piece,
    RequestHead,
    StatusHead,
    head_end,
    parse_request_head,
    parse_response_head,
    request_body,
    response_body,
    values,
)
from streamlab.wire.stream import BodyDecoder

#: A request with a larger body is answered unmended, an error answer with a larger one too.
_MAX_REQUEST_BODY = 64 * 1024 * 1024
_MAX_ERROR_BODY = 1024 * 1024
#: What describes the framing of the upstream's message, and not of ours.
_FRAMING_HEADERS = frozenset({"transfer-encoding", "content-length", "trailer"})
#: A turn ends after so many seconds or bytes, so that other streams need not wait and the client can keep up.
_TURN_SECONDS, _TURN_BYTES = 0.004, 256 * 1024
#: Smaller reads are mended at once.
_SMALL = 2048
_ENDINGS = {"fin": Ending.UPSTREAM_CUT, "timeout": Ending.TIMED_OUT}


@dataclass(slots=True)
class _Asked:
    """A request that has not been answered yet; ``body`` is None when it is too large to be kept."""

    raw: bytes
    head: RequestHead
    reader: BodyReader | None
    body: bytearray | None = field(default_factory=bytearray)

    def add(self, data: bytes) -> None:
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
        gone = (*_FRAMING_HEADERS, "expect")
        lines = self.raw[:-4].split(b"\r\n")
        kept = [line for line in lines[1:] if line.partition(b":")[0].strip().lower().decode("latin-1") not in gone]
        return b"\r\n".join([lines[0], *kept, b"Content-Length: %d" % len(body), b"", b""]), body


class MendingTransformer:
    """Implements `streamlab.ports.ResponseTransformer` with the normalizer, one for each response.

    ``retry_unstreamed``: an answer 200 without a byte is not ended; ``retry`` then holds the request to send instead,
    and `answered` takes what came.
    """

    def __init__(self, *, unsafe: bool = False, retry_unstreamed: bool = False) -> None:
        self._unsafe = unsafe
        self._retry_unstreamed = retry_unstreamed
        self._asked: deque[_Asked] = deque()
        self._latest: _Asked | None = None
        self._unread = bytearray()  # of a head that is not complete
        self._raw = False  # this connection is no HTTP any more
        self._answer: _Answer | None = None
        self._postponed = b""
        self._work: Iterator[bytes] | None = None  # what is still to be made of the bytes that were fed
        self.retry: tuple[bytes, bytes] | None = None
        self.over = False

    # --- what the client asks

    def request(self, head: bytes) -> None:
        """See `ResponseTransformer.request`."""
        parsed = parse_request_head(head)
        assert not isinstance(parsed, Fault), "the relay passes valid heads only"
        reader = request_body(parsed)
        self._latest = _Asked(head, parsed, reader if isinstance(reader, BodyReader) else None)
        self._asked.append(self._latest)

    def request_body(self, data: bytes | memoryview) -> None:
        """See `ResponseTransformer.request_body`."""
        if self._latest is not None:
            self._latest.add(bytes(data))

    # --- what the upstream answers

    def feed(self, data: bytes) -> bytes:
        """See `ResponseTransformer.feed`."""
        if self.retry is not None:
            self._postponed += data
            return b""
        answer = self._answer
        if self._work is None and answer is not None and answer.quick and len(data) <= _SMALL and not self.over:
            out, at = answer.feed(data, 0)  # nearly always: a read from the middle of a body
            if at == len(data) and not answer.done:
                return out
            return out + self._turn(self._steps(data, at))
        return self._turn(self._steps(data, 0))

    @property
    def more(self) -> bool:
        """See `ResponseTransformer.more`."""
        return self._work is not None

    def go_on(self) -> bytes:
        """See `ResponseTransformer.go_on`."""
        return self._turn(iter(()))

    def _turn(self, work: Iterator[bytes]) -> bytes:
        """Work for a while: on what is left from before, then on ``work``."""
        self._work = work if self._work is None else itertools.chain(self._work, work)
        until = time.perf_counter() + _TURN_SECONDS
        out: list[bytes] = []
        size = 0
        for piece in self._work:
            out.append(piece)
            size += len(piece)
            if size >= _TURN_BYTES or time.perf_counter() >= until:
                return b"".join(out)
        self._work = None
        return b"".join(out)

    def _rest(self) -> bytes:
        """All that is left to be made of what was fed."""
        work, self._work = self._work, None
        return b"".join(work or ())

    def _steps(self, data: bytes, at: int) -> Iterator[bytes]:
        while not self.over:
            if self._answer is not None and self._answer.done:
                yield self._end_answer()
                if self.retry is not None:
                    self._postponed += data[at:]
                    break
            if at >= len(data):
                break
            if self._raw:
                yield data[at:]
                break
            if self._answer is None:
                piece, at = self._head(data, at)
                yield piece
            else:
                at = yield from self._answer.pieces(data, at)

    def _end_answer(self) -> bytes:
        answer = self._answer
        assert answer is not None
        if self._retry_unstreamed and answer.empty and (again := answer.asked.unstreamed()) is not None:
            self.retry = again
            return b""
        self._answer = None
        self.over = answer.broken or answer.ends_connection
        return answer.finish(Ending.UPSTREAM_CUT if answer.broken else Ending.COMPLETE)

    def _head(self, data: bytes, at: int) -> tuple[bytes, int]:
        while not self._unread and at < len(data) and data[at] in b"\r\n":  # clients skip empty lines here
            at += 1
        had = len(self._unread)
        self._unread += data[at:]
        end = head_end(self._unread, 0, had)
        # As long as it may be HTTP and is not complete it waits; what is none goes through as it is.
        plausible = (
            b"HTTP/".startswith(self._unread[:5]) and len(self._unread) <= MAX_RESPONSE_HEAD and bool(self._asked)
        )
        if end < 0 and plausible:
            return b"", len(data)
        raw = bytes(self._unread[: end if plausible else len(self._unread)])
        self._unread.clear()
        if not plausible:
            self._raw = True
            return raw, len(data)
        return self._begin(raw), at + len(raw) - had

    def _begin(self, raw: bytes) -> bytes:
        """A complete head; returns what goes out for it."""
        head = parse_response_head(raw)
        asked = self._asked[0]
        body = head if isinstance(head, Fault) else response_body(head, asked.head.method)
        if isinstance(head, Fault) or isinstance(body, Fault) or head.status == 101:
            self._raw = True
            return raw
        if 100 <= head.status < 200:
            return raw
        self._asked.popleft()
        self._answer = _Answer(asked, head, raw, body, unsafe=self._unsafe)
        return self._answer.begin()

    def finish(self, how: str) -> bytes:
        """See `ResponseTransformer.finish`."""
        return self._rest() + self._finish(how)

    def _finish(self, how: str) -> bytes:
        answer, self._answer = self._answer, None
        unread, self._unread = bytes(self._unread), bytearray()
        if answer is None or self.over:
            return unread
        if how == "fin" and answer.lasts_until_close:
            self._answer = answer
            return self._end_answer()
        return answer.finish(_ENDINGS.get(how, Ending.UPSTREAM_CUT))

    # --- what takes time

    @property
    def waiting(self) -> bool:
        """See `ResponseTransformer.waiting`."""
        return self._work is None and self._answer is not None and self._answer.waiting

    def release(self) -> bytes:
        """See `ResponseTransformer.release`."""
        if self._answer is None:
            return b""
        self.over = True
        return self._answer.release()

    def answered(self, body: bytes) -> bytes:
        """See `ResponseTransformer.answered`."""
        answer, self._answer, self.retry = self._answer, None, None
        postponed, self._postponed = self._postponed, b""
        out = b"" if answer is None else answer.mend(body) + answer.finish(Ending.COMPLETE)
        self.over = answer is not None and answer.ends_connection
        return out + self._turn(self._steps(postponed, 0))


class _Answer:
    """One response: passed through, mended as it comes, or (an error) looked at as a whole."""

    def __init__(self, asked: _Asked, head: StatusHead, raw: bytes, body: BodyReader, *, unsafe: bool) -> None:
        self.asked = asked
        self._sent = ResponseHead(head.status, head.headers, None, head.reason, head.http_version)
        self._reader = body
        self._raw = raw
        self._normalizer: Normalizer | None = self._make(unsafe) if self._mendable else None
        self._whole: bytearray | None = None
        if self._normalizer is not None and not 200 <= head.status < 300:
            self._whole = bytearray(raw)
        # It takes no time to look at a small piece: it cannot hold more than it seems to.
        self.quick = self._sent.header("content-encoding") is None
        self._error_body = bytearray()
        self._head_sent = False
        self._bytes = 0
        self.released = False
        # HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.
        self._chunked = asked.head.http_version == "1.1"

    @property
    def _mendable(self) -> bool:
        bodiless = self.asked.head.method == "HEAD" or self._sent.status in (204, 304)
        return not bodiless and bool(self.asked.body)  # without a body nobody asked for a stream

    def _make(self, unsafe: bool) -> Normalizer | None:
        asked = self.asked
        request = Request(asked.head.method, asked.head.target, asked.head.headers, bytes(asked.body or b""))
        if api_of_path(request.url) is Api.UNKNOWN and self._sent.header("content-encoding"):
            return None  # should the API turn out to be none of ours, the coded bytes would be gone
        made = Normalizer(request, self._sent, unsafe=unsafe)
        return None if made.passes_through else made

    def begin(self) -> bytes:
        """What goes out for the head: at once where it is certain that the body is mended, or that it is not."""
        if self._normalizer is None:
            return self._raw
        if self._whole is not None or api_of_path(self.asked.head.target) is Api.UNKNOWN:
            return b""
        return self._mended_head()

    @property
    def done(self) -> bool:
        """Whether the message is over, properly or because its framing broke."""
        return self._reader.done or (self._reader.fault is not None and self._normalizer is not None)

    @property
    def broken(self) -> bool:
        """Whether the client must not take the end of this message for one."""
        return self._reader.fault is not None or (self._normalizer is not None and self._normalizer.broken)

    @property
    def empty(self) -> bool:
        """Whether a stream should have come and not a byte did."""
        return self._normalizer is not None and self._whole is None and not self._bytes and self._reader.fault is None

    @property
    def lasts_until_close(self) -> bool:
        """Whether the end of the connection is this message's proper end."""
        return self._reader.framing is Framing.CLOSE

    @property
    def ends_connection(self) -> bool:
        """Whether only the end of our connection tells the client that this message is over."""
        return self._normalizer is not None and self._whole is None and not self._chunked

    @property
    def waiting(self) -> bool:
        """Whether the answer is whole, and its end is held back only until the upstream ends the message."""
        return self._normalizer is not None and not self.released and self._normalizer.done

    def feed(self, data: bytes, at: int) -> tuple[bytes, int]:
        """What goes out for the bytes from ``at`` on, and where this message stops in them."""
        body, stop = self._taken(data, at)
        return (body if self._normalizer is None else self._framed(self._normalizer.feed(body))), stop

    def pieces(self, data: bytes, at: int) -> Generator[bytes, None, int]:
        """The same piece by piece; returns where this message stops."""
        body, stop = self._taken(data, at)
        if self._normalizer is None:
            yield body
        else:
            for piece in self._normalizer.pieces(body):
                yield self._framed(piece)
        return stop

    def _taken(self, data: bytes, at: int) -> tuple[bytes, int]:
        """What is to be mended, or, where nothing is, to be sent; and where this message stops."""
        if self._normalizer is None and self._reader.fault is not None:
            return data[at:], len(data)
        pieces: list[Piece] = []
        stop = self._reader.feed(data, at, pieces)
        if self._normalizer is None:
            if self._reader.fault is not None:
                stop = len(data)
            return data[at:stop], stop
        body = pieces[0][0] if len(pieces) == 1 else b"".join([piece for piece, _ in pieces])
        self._bytes += len(body)
        if self._whole is None:
            return body, stop
        self._whole += data[at:stop]
        self._error_body += body
        return (self._let_go() if len(self._whole) > _MAX_ERROR_BODY else b""), stop

    def _let_go(self) -> bytes:
        """Give up mending an answer of which nothing has gone out."""
        raw, self._whole, self._normalizer = bytes(self._whole or b""), None, None
        return raw

    def mend(self, body: bytes) -> bytes:
        """What goes out for a piece of the body."""
        if self._normalizer is None or not body:
            return b""
        return self._framed(self._normalizer.feed(body))

    def release(self) -> bytes:
        """The end of an answer whose upstream does not end the message."""
        assert self._normalizer is not None
        self.released = True
        return self._framed(self._normalizer.release()) + self._terminator()

    def finish(self, ending: Ending) -> bytes:
        """What goes out when no more of the body comes."""
        if self._normalizer is None or self.released:
            return b""
        if self._whole is not None:
            return self._error_answer(ending)
        out = self._framed(self._normalizer.finish(ending))
        if not self._head_sent:
            out += self._mended_head()
        return out + self._terminator() if ending is Ending.COMPLETE else out

    def _error_answer(self, ending: Ending) -> bytes:
        """An answer with an error status: as it came, unless its body is mended."""
        normalizer, body = self._normalizer, bytes(self._error_body)
        assert normalizer is not None
        plain = _start_of(body, self._sent.header("content-encoding"))
        mended = normalizer.feed(body) + normalizer.finish(ending)
        same = mended == plain or len(plain) > _MAX_ERROR_BODY
        if ending is not Ending.COMPLETE or same:
            return self._let_go()
        return self._mended_head(len(mended)) + mended

    # --- framing

    def _framed(self, data: bytes) -> bytes:
        if not data:
            return b""
        head = b"" if self._head_sent else self._mended_head()
        return head + (b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def _terminator(self) -> bytes:
        if not self._chunked:
            return b""
        trailers = "".join(f"{name}: {value}\r\n" for name, value in self._reader.trailers)
        return b"0\r\n" + trailers.encode("latin-1") + b"\r\n"

    def _mended_head(self, length: int | None = None) -> bytes:
        self._head_sent = True
        assert self._normalizer is not None
        head = self._normalizer.head
        assert head is not None
        lines = [f"HTTP/1.1 {head.status} {head.reason}"]
        lines += [f"{name}: {value}" for name, value in head.headers if name.lower() not in _FRAMING_HEADERS]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        elif self._chunked:
            lines.append("Transfer-Encoding: chunked")
        ends = self.lasts_until_close or self._sent.http_version != "1.1" or not (self._chunked or length is not None)
        if ends and "close" not in [value.lower() for value in values(head.headers, "connection")]:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _start_of(body: bytes, coding: str | None) -> bytes:
    """An error answer without its content coding, as far as anybody looks."""
    plain = bytearray()
    for piece in BodyDecoder(coding).pieces(body):
        plain += piece
        if len(plain) > _MAX_ERROR_BODY:
            break
    return bytes(plain)
