"""Repairs one response: undoes its framing, feeds the body to the normalizer, frames what comes out. No sockets."""

from __future__ import annotations

from collections.abc import Generator
from enum import Enum, auto

from streamlab.apis import UNKNOWN, api_of_path
from streamlab.exchange import Ending, Request, ResponseHead
from streamlab.repairing.courses import Courses, LiveNormalizer
from streamlab.repairing.lane import Lane
from streamlab.servers.unanswered import FRAMING_HEADERS, UnansweredRequest
from streamlab.wire.header_values import values
from streamlab.wire.http1 import BodyFraming, BodyReader, Piece, StatusHead

#: An error answer with a larger body goes through as it came.
_MAX_ERROR_BODY = 1024 * 1024


class Treatment(Enum):
    """What is done with an answer."""

    PASSED = auto()  # it goes through byte for byte, framing and all
    REPAIRED = auto()  # it is repaired as it comes
    WHOLE = auto()  # an error: nothing goes out until it is whole
    RELEASED = auto()  # repaired, and its end was sent before the upstream ended it


TRANSITIONS: dict[Treatment, frozenset[Treatment]] = {
    Treatment.PASSED: frozenset(),
    Treatment.REPAIRED: frozenset({Treatment.RELEASED}),
    Treatment.WHOLE: frozenset({Treatment.PASSED}),
    Treatment.RELEASED: frozenset(),
}


class RepairedAnswer:
    """One response, treated as `Treatment` says."""

    def __init__(
        self,
        asked: UnansweredRequest,
        head: StatusHead,
        raw: bytes,
        body: BodyReader,
        *,
        unsafe: bool,
        courses: Courses | None = None,
    ) -> None:
        self.asked = asked
        self._sent = ResponseHead(head.status, head.headers, None, head.reason, head.http_version)
        self._reader = body
        self._raw = raw
        self._normalizer: LiveNormalizer | None = self._make(unsafe, courses) if self._repairable else None
        self._whole = bytearray(raw)  # of an error: head and body as they came
        if self._normalizer is None:
            self.treatment = Treatment.PASSED
        else:
            self.treatment = Treatment.REPAIRED if 200 <= head.status < 300 else Treatment.WHOLE
        # It takes no time to look at a small piece: it cannot hold more than it seems to.
        self.quick = self._sent.header("content-encoding") is None
        self._error_body = bytearray()
        self._head_sent = False
        self._bytes = 0
        # HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.
        self._chunked = asked.head.http_version == "1.1"

    @property
    def _repairable(self) -> bool:
        bodiless = self.asked.head.method == "HEAD" or self._sent.status in (204, 304)
        return not bodiless and bool(self.asked.body)  # without a body nobody asked for a stream

    def _make(self, unsafe: bool, courses: Courses | None) -> LiveNormalizer | None:
        asked = self.asked
        request = Request(asked.head.method, asked.head.target, asked.head.headers, bytes(asked.body or b""))
        if api_of_path(request.url) is UNKNOWN and self._sent.header("content-encoding"):
            return None  # should the API turn out to be none of ours, the coded bytes would be gone
        made = LiveNormalizer(request, self._sent, unsafe=unsafe, courses=courses)
        return None if made.passes_through else made

    def begin(self) -> bytes:
        """What goes out for the head: at once where it is certain that the body is repaired, or that it is not."""
        if self.treatment is Treatment.PASSED:
            return self._raw
        if self.treatment is Treatment.WHOLE or api_of_path(self.asked.head.target) is UNKNOWN:
            return b""
        return self._repaired_head()

    @property
    def done(self) -> bool:
        """Whether the message is over, properly or because its framing broke."""
        return self._reader.done or (self._reader.fault is not None and self.treatment is not Treatment.PASSED)

    @property
    def broken(self) -> bool:
        """Whether the client must not take the end of this message for one."""
        return self._reader.fault is not None or (self._normalizer is not None and self._normalizer.broken)

    @property
    def failure(self) -> str | None:
        """What a repair of ours raised, in a line; from there on the answer went through as it came."""
        error = self._normalizer.failed if self._normalizer is not None else None
        return None if error is None else f"{type(error).__name__}: {error}"[:200]

    @property
    def empty(self) -> bool:
        """Whether a stream should have come and not a byte did."""
        return self.treatment is Treatment.REPAIRED and not self._bytes and self._reader.fault is None

    @property
    def lasts_until_close(self) -> bool:
        """Whether the end of the connection is this message's proper end."""
        return self._reader.framing is BodyFraming.CLOSE

    @property
    def ends_connection(self) -> bool:
        """Whether only the end of our connection tells the client that this message is over."""
        return self.treatment in (Treatment.REPAIRED, Treatment.RELEASED) and not self._chunked

    @property
    def waiting(self) -> bool:
        """Whether the answer is whole, and its end is held back only until the upstream ends the message."""
        return self._normalizer is not None and self.treatment is not Treatment.RELEASED and self._normalizer.done

    def feed(self, data: bytes, at: int) -> tuple[bytes, int]:
        """What goes out for the bytes from ``at`` on, and where this message stops in them."""
        body, stop = self._taken(data, at)
        return (body if self._normalizer is None else self._framed(self._normalizer.feed(body))), stop

    @property
    def lane(self) -> Lane | None:
        """Where events pass unseen that come in an HTTP chunk each and may go out in the same; None where none may."""
        chunks = self._chunked and self._head_sent and self._reader.between_chunks
        return self._normalizer.lane if chunks and self._normalizer is not None else None

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
        """What is to be repaired, or, where nothing is, to be sent; and where this message stops."""
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
        if self.treatment is not Treatment.WHOLE:
            return body, stop
        self._whole += data[at:stop]
        self._error_body += body
        return (self._let_go() if len(self._whole) > _MAX_ERROR_BODY else b""), stop

    def _let_go(self) -> bytes:
        """Give up repairing an answer of which nothing has gone out."""
        self._become(Treatment.PASSED)
        self._normalizer = None
        raw = bytes(self._whole)
        self._whole.clear()
        return raw

    def _become(self, treatment: Treatment) -> None:
        assert treatment in TRANSITIONS[self.treatment], f"{self.treatment} -> {treatment}"
        self.treatment = treatment

    def repair(self, body: bytes) -> bytes:
        """What goes out for a piece of the body."""
        if self._normalizer is None or not body:
            return b""
        return self._framed(self._normalizer.feed(body))

    def release(self) -> bytes:
        """The end of an answer whose upstream does not end the message."""
        assert self._normalizer is not None
        self._become(Treatment.RELEASED)
        return self._framed(self._normalizer.release()) + self._terminator()

    def finish(self, ending: Ending) -> bytes:
        """What goes out when no more of the body comes."""
        if self._normalizer is None or self.treatment is Treatment.RELEASED:
            return b""
        if self.treatment is Treatment.WHOLE:
            return self._error_answer(ending)
        out = self._framed(self._normalizer.finish(ending))
        if not self._head_sent:
            out += self._repaired_head()
        return out + self._terminator() if ending is Ending.COMPLETE else out

    def _error_answer(self, ending: Ending) -> bytes:
        """An answer with an error status: as it came, unless its body is repaired."""
        normalizer, body = self._normalizer, bytes(self._error_body)
        assert normalizer is not None
        repaired = normalizer.feed(body) + normalizer.finish(ending)
        if normalizer.passes_through:
            return self._let_go()
        return self._repaired_head(len(repaired)) + repaired

    # --- framing

    def _framed(self, data: bytes) -> bytes:
        if not data:
            return b""
        head = b"" if self._head_sent else self._repaired_head()
        return head + (b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def _terminator(self) -> bytes:
        if not self._chunked:
            return b""
        trailers = "".join(f"{name}: {value}\r\n" for name, value in self._reader.trailers)
        return b"0\r\n" + trailers.encode("latin-1") + b"\r\n"

    def _repaired_head(self, length: int | None = None) -> bytes:
        self._head_sent = True
        assert self._normalizer is not None
        head = self._normalizer.head
        assert head is not None
        lines = [f"HTTP/1.1 {head.status} {head.reason}"]
        lines += [f"{name}: {value}" for name, value in head.headers if name.lower() not in FRAMING_HEADERS]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        elif self._chunked:
            lines.append("Transfer-Encoding: chunked")
        ends = self.lasts_until_close or self._sent.http_version != "1.1" or not (self._chunked or length is not None)
        if ends and "close" not in [value.lower() for value in values(head.headers, "connection")]:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
