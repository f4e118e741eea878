"""HTTP/1 as bytes: heads, and where a body ends, to the exact offset. Sans-IO, incremental, linear; nothing raises.

The relay uses it to see where a request ends; the recorder, to find a response's body, its chunk boundaries and its
end. Requests are read strictly (what two parsers could read in two ways is refused); responses as leniently as the
mainstream clients do, because a recorder must see what they would have seen.

What is wrong is returned as a `Fault`, never raised.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate, count
from operator import add
from typing import Any

from streamlab.exchange import Headers
from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.header_values import values

#: Limits in bytes. A response head may be large, because an oversize one is evidence worth keeping.
MAX_REQUEST_HEAD = 256 * 1024
MAX_RESPONSE_HEAD = 2 * 1024 * 1024
MAX_CHUNK_LINE = 4096
MAX_TRAILERS = 16 * 1024
#: Reads up to this size are split at once: larger ones are no streams of tokens.
_MOST_SPLIT = 256 * 1024
#: How often in a row reads are looked through in vain for whole chunks: then it only costs.
_MOST_MISSES = 8

Buffer = bytes | bytearray | memoryview

_TOKEN = lazy_pattern(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_REQUEST_LINE = lazy_pattern(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP/(1\.[01])")
_STATUS_LINE = lazy_pattern(rb"HTTP/([0-9]\.[0-9]) ([1-9][0-9][0-9])(?: ([^\x00\r\n]*))?")
_BAD_VALUE = lazy_pattern(rb"[\x00-\x08\x0a-\x1f\x7f]")
_DIGITS = lazy_pattern(r"[0-9]{1,18}")
_SIZE_LINE = lazy_pattern(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00\r\n]*)?")


@dataclass(frozen=True, slots=True)
class HttpFault:
    """Why bytes are not HTTP/1. ``status`` is what a server answers a client that sent them."""

    reason: str
    status: int = 400


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request line and its headers; ``target`` as sent (origin or absolute form), latin-1."""

    method: str
    target: str
    http_version: str
    headers: Headers


@dataclass(frozen=True, slots=True)
class StatusHead:
    """A status line and its headers."""

    status: int
    reason: str
    http_version: str
    headers: Headers


class BodyFraming(Enum):
    """What tells the end of a body."""

    NONE = "none"  # there is no body
    LENGTH = "content-length"
    CHUNKED = "chunked"
    CLOSE = "close"  # whatever comes until the connection ends


def head_end(buffer: Buffer, start: int, searched: int) -> int:
    """Offset just after the blank line that ends a head, or -1; ``searched`` bytes are known to hold none.

    Both CRLF and bare LF lines are seen, so that a strict reader can refuse the latter at once.
    """
    data = bytes(buffer) if isinstance(buffer, memoryview) else buffer
    begin = max(start, searched - 3)
    crlf = data.find(b"\n\r\n", begin)
    bare = data.find(b"\n\n", begin, crlf if crlf >= 0 else len(data))
    if bare >= 0:
        return bare + 2
    return crlf + 3 if crlf >= 0 else -1


def parse_request_head(raw: bytes) -> RequestHead | HttpFault:
    """A complete head, up to and including its blank line; strict."""
    lines = raw[:-4].split(b"\r\n") if raw.endswith(b"\r\n\r\n") else None
    if lines is None or any(b"\n" in line or b"\r" in line for line in lines):
        return HttpFault("a line of the request head does not end in CRLF")
    match = _REQUEST_LINE.fullmatch(lines[0])
    if match is None:
        return HttpFault("the request line is not 'METHOD target HTTP/1.1'")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.fullmatch(name):
            return HttpFault("a request header has no valid name")
        if _BAD_VALUE.search(value):
            return HttpFault("a request header holds a control character")
        headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
    method, target, version = (part.decode("latin-1") for part in match.groups())
    return RequestHead(method, target, version, tuple(headers))


def parse_response_head(raw: bytes) -> StatusHead | HttpFault:
    """A complete head, up to and including its blank line; bare LF and folded lines are accepted, as clients do."""
    lines = raw.replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
    match = _STATUS_LINE.fullmatch(lines[0])
    if match is None:
        return HttpFault("the status line is not 'HTTP/1.1 NNN reason'")
    headers: list[tuple[str, str]] = []
    for line in lines[1:]:
        if line[:1] in (b" ", b"\t") and headers:
            name_before, value_before = headers[-1]
            headers[-1] = (name_before, f"{value_before} {line.strip().decode('latin-1')}")
            continue
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.fullmatch(name.rstrip(b" \t")):
            return HttpFault("a response header has no valid name")
        if b"\x00" in value or b"\r" in value:
            return HttpFault("a response header holds a control character")
        headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
    version, status, reason = match.groups()
    return StatusHead(int(status), (reason or b"").strip().decode("latin-1"), version.decode("latin-1"), tuple(headers))


def request_body(head: RequestHead) -> BodyReader | HttpFault:
    """The reader for a request's body, or why its length cannot be told for certain."""
    codings = [value.lower() for value in values(head.headers, "transfer-encoding")]
    lengths = set(values(head.headers, "content-length"))
    if codings:
        if lengths:
            return HttpFault("both Transfer-Encoding and Content-Length are given")
        if codings != ["chunked"] or head.http_version != "1.1":
            return HttpFault("the Transfer-Encoding is not 'chunked'", 501)
        return BodyReader(BodyFraming.CHUNKED, strict=True)
    if not lengths:
        return BodyReader(BodyFraming.NONE)
    return _of_length(lengths)


def response_body(head: StatusHead, method: str) -> BodyReader | HttpFault:
    """The reader for a final response's body, given the method it answers."""
    if method == "HEAD" or head.status in (204, 304):
        return BodyReader(BodyFraming.NONE)
    if head.status == 101 or (method == "CONNECT" and head.status < 300):
        return BodyReader(BodyFraming.CLOSE)
    codings = [value.lower() for value in values(head.headers, "transfer-encoding")]
    if codings:
        # Transfer-Encoding wins over Content-Length; a last coding other than chunked lasts until the close.
        return BodyReader(BodyFraming.CHUNKED if codings[-1] == "chunked" else BodyFraming.CLOSE)
    lengths = set(values(head.headers, "content-length"))
    return _of_length(lengths) if lengths else BodyReader(BodyFraming.CLOSE)


def _of_length(lengths: set[str]) -> BodyReader | HttpFault:
    if len(lengths) != 1:
        return HttpFault("Content-Length is given twice, with different values")
    (text,) = lengths
    if not _DIGITS.fullmatch(text):
        return HttpFault("Content-Length is not a number")
    return BodyReader(BodyFraming.LENGTH, int(text)) if int(text) else BodyReader(BodyFraming.NONE)


#: Size lines seen before, to their value; servers send few different ones, and a lookup is four times a parse.
_SIZES: dict[bytes, int] = {b"0": 0}


def _chunk_size(line: bytes) -> int:
    """The value of a chunk's size line without its CRLF; -1 when it is none."""
    match = _SIZE_LINE.fullmatch(line)
    if match is None:
        return -1
    size = int(match[1], 16)
    if len(_SIZES) < 4096 and len(line) < 16:
        _SIZES[line] = size
    return size


def _split_chunks(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """Size lines and data of the whole chunks that data begins with, as far as none has a CRLF in it: one split for all
    of them."""
    parts = data.split(b"\r\n")
    lines, found = parts[:-1:2], parts[1:-1:2]
    sizes = list(map(len, found))
    if all(sizes) and list(map(_SIZES.get, lines[: len(found)])) == sizes:
        return lines, found
    for at, (line, size) in enumerate(zip(lines, sizes, strict=False)):
        if not size or len(line) >= 16 or _chunk_size(line) != size:
            return lines, found[:at]
    return lines, found


def _has_chunk(data: bytes) -> bool:
    """Whether data begins with a whole chunk."""
    line_end = data.find(b"\r\n", 0, 16)
    size = _SIZES.get(data[: max(0, line_end)], 0)
    return size > 0 and data[line_end + 2 + size : line_end + 4 + size] == b"\r\n"


def _chunks_in(reads: Sequence[bytes], sizes: Sequence[int]) -> list[int]:
    """How many chunks of these sizes are in each of the reads, up to the first that does not end where one does."""
    ends, counts = list(accumulate(sizes)), []
    begin = stop = 0
    for end in accumulate(map(len, reads)):
        stop = bisect_left(ends, end, begin)
        if stop == len(ends) or ends[stop] != end:
            break
        counts.append(stop + 1 - begin)
        begin = stop + 1
    return counts


class _At(Enum):
    """Where inside the chunked coding the next byte falls."""

    SIZE = 0
    DATA = 1
    DATA_END = 2
    TRAILERS = 3


#: A piece of a body: its bytes, and the number of the HTTP chunk it belongs to (0 when not chunked).
Piece = tuple[bytes, int]


#: What may be kept of trailers, and of a line of them that is not complete.
Kept = Callable[[Headers, bytes], tuple[Headers, bytes]]


def _whole(trailers: Headers, line: bytes) -> tuple[Headers, bytes]:
    return trailers, line


class BodyReader:
    """Follows one body through its framing: hand it bytes, it returns where the message ended in them.

    ``done`` turns True at the end of the message, ``fault`` is set at the first byte that breaks the framing; from
    either on, nothing more is consumed. ``trailers`` are known once done; ``strict`` refuses lines of them that end in
    a bare LF, which two parsers could read in two ways.
    """

    __slots__ = (
        "_at",
        "_carry",
        "_left",
        "_misses",
        "_plain",
        "_strict",
        "chunk",
        "done",
        "fault",
        "framing",
        "length",
        "trailers",
    )

    def __init__(self, framing: BodyFraming, length: int = 0, *, strict: bool = False) -> None:
        self.framing = framing
        self.length = length
        self.done = framing is BodyFraming.NONE
        self.fault: HttpFault | None = None
        self.trailers: Headers = ()
        self.chunk = 0
        self._left = length
        self._strict = strict
        self._at = _At.SIZE
        self._carry = b""
        self._plain = True  # no data with a CRLF in it has come yet
        self._misses = 0  # how often, of late, reads did not end where chunks do

    def state(self, kept: Kept = _whole) -> list[object]:
        """Where it is in the body, in JSON's terms, for `restored`; ``kept`` says what of its trailers is."""
        fault = self.fault and [self.fault.reason, self.fault.status]
        trailers, line = kept(self.trailers, self.unfinished_trailer)
        carry = (line if self._at is _At.TRAILERS else self._carry).decode("latin-1")
        return [
            self.framing.value,
            self.length,
            self.done,
            fault,
            trailers,
            self.chunk,
            self._left,
            self._at.value,
            carry,
        ]

    @classmethod
    def restored(cls, state: list[Any]) -> BodyReader:
        """One that goes on where another was. Raises ValueError, TypeError or KeyError when that is no state."""
        framing, length, done, fault, trailers, chunk, left, at, carry = state
        if min(length, chunk, left) < 0:
            raise ValueError("a negative length")
        reader = cls(BodyFraming(framing), int(length))
        reader.done, reader.chunk, reader._left, reader._at = bool(done), int(chunk), int(left), _At(at)
        reader.fault = HttpFault(str(fault[0]), int(fault[1])) if fault else None
        reader.trailers = tuple((str(name), str(value)) for name, value in trailers)
        reader._carry = carry.encode("latin-1")
        return reader

    @property
    def missing(self) -> int:
        """Bytes still due of the current chunk, or of a body of known length."""
        return self._left

    @property
    def unfinished_trailer(self) -> bytes:
        """What has come of a line of the trailers that is not complete yet."""
        return self._carry if self._at is _At.TRAILERS else b""

    @property
    def between_chunks(self) -> bool:
        """Whether an HTTP chunk is to begin with the next byte."""
        whole = self.framing is BodyFraming.CHUNKED and self._at is _At.SIZE and not self._carry
        return whole and self.fault is None and not self.done

    @property
    def unread(self) -> bytes:
        """Bytes of earlier feeds that belong to a piece of framing that is incomplete or turned out broken."""
        return self._carry

    def feed(self, data: bytes, start: int, out: list[Piece]) -> int:
        """Read from ``start``; append the body's pieces to ``out``; return the offset after the last byte taken."""
        if self.done or self.fault is not None:
            return start
        if self.framing is BodyFraming.CHUNKED:
            return self._chunked(data, start, out)
        stop = len(data)
        if self.framing is BodyFraming.LENGTH:
            stop = min(stop, start + self._left)
            self._left -= stop - start
            self.done = self._left == 0
        if stop > start:
            out.append((data[start:stop], 0))
        return stop

    def whole_chunks(self, reads: Sequence[bytes]) -> tuple[list[bytes], list[int]]:
        """What the first of some reads mean, as far as each is nothing but whole HTTP chunks from the middle of a body:
        the chunks' data, and how many of them are in each of those reads.

        Of a token stream nearly every read is such, and this costs a tenth of `feed`. Not one of the rest is read.
        """
        if self.framing is not BodyFraming.CHUNKED or self._at is not _At.SIZE or self._carry or self.fault is not None:
            return [], []
        if self._plain and self._misses < _MOST_MISSES:
            return self._split_reads(reads)
        found: list[bytes] = []
        known, append = _SIZES.get, found.append
        for read in reads:
            line_end = read.find(b"\r\n", 0, 16)
            size = known(read[:line_end], 0)
            if size <= 0 or line_end + size + 4 != len(read) or read[-2:] != b"\r\n":
                break
            append(read[line_end + 2 : -2])
        self.chunk += len(found)
        return found, [1] * len(found)

    def _split_reads(self, reads: Sequence[bytes]) -> tuple[list[bytes], list[int]]:
        lines, found = _split_chunks(reads[0] if len(reads) == 1 else b"".join(reads))
        if not found:
            self._plain = not _has_chunk(reads[0])  # it has one, with a CRLF in it
            return found, []
        ours = list(map(add, map(len, lines), map(len, found)))
        counts = [1] * len(found)
        if len(found) != len(reads) or ours != [len(read) - 4 for read in reads]:
            counts = _chunks_in(reads, [size + 4 for size in ours])
            found = found[: sum(counts)]
            self._misses = 0 if 2 * len(counts) > len(reads) else self._misses + 1
        self.chunk += len(found)
        return found, counts

    def _chunked(self, data: bytes, at: int, out: list[Piece]) -> int:
        end = len(data)
        while at < end and self.fault is None and not self.done:
            if self._at is _At.SIZE:
                if not self._carry:
                    at = self._whole_chunks(data, at, out)
                if at < end and self._at is _At.SIZE and self.fault is None:
                    at = self._size_line(data, at)
            elif self._at is _At.DATA:
                stop = min(end, at + self._left)
                out.append((data[at:stop], self.chunk))
                self._left -= stop - at
                at = stop
                if self._left == 0:
                    self._at = _At.DATA_END
            elif self._at is _At.DATA_END:
                at = self._data_end(data, at)
            else:
                at = self._trailers(data, at)
        return at

    def _whole_chunks(self, data: bytes, at: int, out: list[Piece]) -> int:
        """The hot loop: chunks that lie entirely within ``data``. Leaves at the first that does not."""
        find, end, chunk = data.find, len(data), self.chunk
        known, append = _SIZES.get, out.append
        if self._plain and end - at < _MOST_SPLIT:
            lines, found = _split_chunks(data[at:])
            out.extend(zip(found, count(chunk)))
            chunk += len(found)
            at += sum(map(len, found)) + sum(map(len, lines[: len(found)])) + 4 * len(found)
            self._plain = bool(found)
        while at < end:
            line_end = find(b"\r\n", at, at + MAX_CHUNK_LINE)
            if line_end < 0:
                break
            line = data[at:line_end]
            size = known(line)
            if size is None:
                size = _chunk_size(line)
            begin = line_end + 2
            stop = begin + size
            if size <= 0 or stop + 2 > end or data[stop : stop + 2] != b"\r\n":
                break
            append((data[begin:stop], chunk))
            chunk += 1
            at = stop + 2
        self.chunk = chunk
        return at

    def _size_line(self, data: bytes, at: int) -> int:
        line_end = data.find(b"\n", at, at + MAX_CHUNK_LINE)
        stop = len(data) if line_end < 0 else line_end + 1
        line = self._carry + data[at:stop]
        if line_end < 0:
            if len(line) > MAX_CHUNK_LINE or not _may_begin_size(line):
                return self._fail("a chunk size is not hexadecimal", at)
            self._carry = line
            return stop
        size = _chunk_size(line[:-2]) if line.endswith(b"\r\n") else -1
        if size < 0:
            return self._fail("a chunk size is not hexadecimal", at)
        self._carry = b""
        self._left = size
        self._at = _At.DATA if size else _At.TRAILERS
        return stop

    def _data_end(self, data: bytes, at: int) -> int:
        found = self._carry + data[at : at + 2 - len(self._carry)]
        if not b"\r\n".startswith(found):
            return self._fail("a chunk is longer than its size says", at)
        at += len(found) - len(self._carry)
        if len(found) == 2:
            self._carry = b""
            self.chunk += 1
            self._at = _At.SIZE
        else:
            self._carry = found
        return at

    def _trailers(self, data: bytes, at: int) -> int:
        """Lines up to an empty one. ``_carry`` is the unfinished line; bounded, so the joins stay linear enough."""
        line_end = data.find(b"\n", at)
        stop = len(data) if line_end < 0 else line_end + 1
        self._left += stop - at
        if self._left > MAX_TRAILERS:
            return self._fail("the trailers are too long", at)
        line = self._carry + data[at:stop]
        if line_end < 0:
            self._carry = line
            return stop
        if self._strict and not line.endswith(b"\r\n"):
            return self._fail("a line of the trailers does not end in CRLF", at)
        line = line[:-2] if self._strict else line.rstrip(b"\r\n")
        if not line:
            self._carry = b""
            self._left = 0
            self.done = True
            return stop
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.fullmatch(name) or _BAD_VALUE.search(value):
            return self._fail("a trailer has no valid name", at)
        self._carry = b""
        self.trailers += ((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")),)
        return stop

    def _fail(self, reason: str, at: int) -> int:
        self.fault = HttpFault(reason)
        return at


def _may_begin_size(line: bytes) -> bool:
    """Whether an unfinished size line can still become one."""
    return _SIZE_LINE.fullmatch(line.removesuffix(b"\r")) is not None


@dataclass(frozen=True, slots=True)
class Interim:
    """A 1xx head that announces another."""

    head: StatusHead


@dataclass(frozen=True, slots=True)
class Head:
    """The final head of a response, and what ends its body."""

    head: StatusHead
    framing: BodyFraming


@dataclass(slots=True)  # not frozen: one is made for every read, and freezing doubles what that costs
class Body:
    """Pieces of the body that came in one feed; none crosses an HTTP chunk boundary."""

    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class End:
    """The response ended as HTTP says it must."""

    trailers: Headers


@dataclass(frozen=True, slots=True)
class Broken:
    """The framing broke: why, and the bytes from there on (of this feed; later feeds give more of them)."""

    fault: HttpFault
    rest: bytes


@dataclass(frozen=True, slots=True)
class Surplus:
    """Bytes that no request asked for."""

    data: bytes


ResponseEvent = Interim | Head | Body | End | Broken | Surplus


class ResponseReader:
    """Reads one connection's responses, in order, each against the method that asked for it.

    `expect()` announces a request; `feed()` returns what the bytes mean; `finish()` says whether the end of the
    connection ends the current response properly (only a body without a length).
    """

    def __init__(self) -> None:
        self._methods: list[str] = []
        self._head = bytearray()
        self._body: BodyReader | None = None
        self._fault: HttpFault | None = None

    def state(self, kept: Kept = _whole, kept_head: Callable[[bytes], bytes] = bytes) -> list[object]:
        """Where it is in the connection's responses, in JSON's terms, for `restored`; ``kept`` and ``kept_head`` say
        what of trailers and of a head that is not complete is."""
        fault = self._fault and [self._fault.reason, self._fault.status]
        head = kept_head(self.head_bytes).decode("latin-1")
        return [self._methods, head, fault, self._body and self._body.state(kept)]

    @classmethod
    def restored(cls, state: list[Any]) -> ResponseReader:
        """One that goes on where another was. Raises ValueError, TypeError or KeyError when that is no state."""
        methods, head, fault, body = state
        reader = cls()
        reader._methods = [str(method) for method in methods]
        reader._head += head.encode("latin-1")
        reader._fault = HttpFault(str(fault[0]), int(fault[1])) if fault else None
        reader._body = BodyReader.restored(body) if body and reader._methods else None
        return reader

    @property
    def body(self) -> BodyReader | None:
        """The body being read; None between responses and inside a head."""
        return self._body

    @property
    def head_bytes(self) -> bytes:
        """What has come of a head that is not complete yet."""
        return bytes(self._head)

    def expect(self, method: str) -> None:
        """A request of this method was sent."""
        self._methods.append(method)

    def feed(self, data: bytes) -> list[ResponseEvent]:
        """What the bytes mean, in order."""
        events: list[ResponseEvent] = []
        at = 0
        if self._body is not None and self._fault is None:  # nearly always: a read from the middle of a body
            at = self._feed_body(data, at, events)
        while at < len(data):
            if self._fault is not None:
                events.append(Broken(self._fault, data[at:]))
                break
            if not self._methods:
                events.append(Surplus(data[at:]))
                break
            at = self._feed_body(data, at, events) if self._body is not None else self._feed_head(data, at, events)
        return events

    def _feed_head(self, data: bytes, at: int, events: list[ResponseEvent]) -> int:
        if not self._head:
            while at < len(data) and data[at] in b"\r\n":
                at += 1
        searched = len(self._head)
        self._head += data[at:]
        if not b"HTTP/".startswith(self._head[:5]):
            self._break(HttpFault("the response does not begin with an HTTP/1 status line"), b"", events)
            return len(data)
        end = head_end(self._head, 0, searched)
        if max(end, len(self._head) if end < 0 else 0) > MAX_RESPONSE_HEAD:
            self._break(HttpFault(f"the response head is larger than {MAX_RESPONSE_HEAD} bytes"), b"", events)
            return len(data)
        if end < 0:
            return len(data)
        raw, rest = bytes(self._head[:end]), bytes(self._head[end:])
        self._head.clear()
        parsed = parse_response_head(raw)
        if isinstance(parsed, HttpFault):
            return self._break_head(parsed, raw, rest, data, events)
        body = response_body(parsed, self._methods[0])
        if isinstance(body, HttpFault):
            return self._break_head(body, raw, rest, data, events)
        if 100 <= parsed.status < 200 and parsed.status != 101:
            events.append(Interim(parsed))
        else:
            events.append(Head(parsed, body.framing))
            self._body = body
            self._end_when_done(events)
        return len(data) - len(rest)

    def _feed_body(self, data: bytes, at: int, events: list[ResponseEvent]) -> int:
        assert self._body is not None
        pieces: list[Piece] = []
        at = self._body.feed(data, at, pieces)
        if pieces:
            events.append(Body(pieces))
        if self._body.fault is not None:
            self._break(self._body.fault, self._body.unread + data[at:], events)
            return len(data)
        self._end_when_done(events)
        return at

    def _end_when_done(self, events: list[ResponseEvent]) -> None:
        if self._body is not None and self._body.done:
            events.append(End(self._body.trailers))
            self._body = None
            self._methods.pop(0)

    def _break_head(self, fault: HttpFault, raw: bytes, rest: bytes, data: bytes, events: list[ResponseEvent]) -> int:
        self._head += raw
        self._break(fault, rest, events)
        return len(data)

    def _break(self, fault: HttpFault, rest: bytes, events: list[ResponseEvent]) -> None:
        self._fault = fault
        events.append(Broken(fault, bytes(self._head) + rest))
        self._head.clear()

    def finish(self) -> bool:
        """The connection ended: whether that was this response's proper end."""
        return self._fault is None and self._body is not None and self._body.framing is BodyFraming.CLOSE
