"""Takes secrets out of HTTP heads before they leave the relay's own memory, line by line.

What the relay hands over waits in memory that another process shares, and on disk when that process falls behind; so
request heads and the heads of responses are redacted on the way in. The body of a message is never touched.
"""

from __future__ import annotations

from collections.abc import Callable

from streamlab.exchange import Headers
from streamlab.redaction import REDACTED, mask_name, redact_headers, redact_line, redact_url

#: A head that is longer is passed on as it is from there: streams would wait for it.
_MAX_HEAD = 64 * 1024
_BEGIN = b"HTTP/"
#: What may follow where a line is not over.
_GOES_ON = b"0123456789" * 8
#: So many parts of heads, of this length at most, are remembered to hold no secret.
_MOST_CLEAN, _LONGEST_CLEAN = 1024, 256


def _remembering(redacted: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """The same function, which looks at what it had to leave alone only once: clients and servers say most of a head
    in every other one, and the stream waits meanwhile."""
    clean: set[bytes] = set()

    def remembering(part: bytes) -> bytes:
        if part in clean:
            return part
        kept = redacted(part)
        if kept == part and len(part) <= _LONGEST_CLEAN:
            if len(clean) >= _MOST_CLEAN:
                clean.clear()
            clean.add(part)
        return kept

    return remembering


def redact_request_head(raw: bytes) -> bytes:
    """A complete request head with the secrets of its target and headers replaced."""
    first, newline, rest = raw.partition(b"\n")
    parts = first.split(b" ")
    if len(parts) > 1:
        parts[1] = _target(parts[1])
    parts[:1] = [_known_keys(parts[0])]
    parts[2:] = [_known_keys(part) for part in parts[2:]]
    return b" ".join(parts) + newline + _Lines().feed(rest)


@_remembering
def _target(target: bytes) -> bytes:
    return redact_url(target.decode("latin-1")).encode("latin-1")


@_remembering
def _known_keys(line: bytes) -> bytes:
    """A line that is no header, without keys of known forms."""
    return redact_line(line.decode("latin-1")).encode("latin-1")


class _Lines:
    """Header lines with their secret values replaced; a folded line belongs to the header before it."""

    def __init__(self) -> None:
        self._name = b""

    def feed(self, data: bytes) -> bytes:
        """Whole lines; the last one may lack its end."""
        return b"\n".join([self._line(line) for line in data.split(b"\n")])

    def _line(self, line: bytes) -> bytes:
        if line[:1] in (b" ", b"\t"):
            return _with_value(self._name, b"", line)
        name, colon, _ = line.partition(b":")
        self._name = name if colon else b""
        return _header_line(line)


@_remembering
def _header_line(line: bytes) -> bytes:
    name, colon, _ = line.partition(b":")
    return _with_value(name, _masked_name(name) + colon, line) if colon else _known_keys(line)


def _with_value(name: bytes, before: bytes, line: bytes) -> bytes:
    """A line with the value that follows ``before``, which is of a header with this name."""
    if not name or len(name) >= 256:
        return _known_keys(before + line[len(before) :])
    text = line.rstrip(b"\r")
    value = text[len(before) :]
    bare = value.strip(b" \t")
    ((_, redacted),) = redact_headers(((name.strip().decode("latin-1"), bare.decode("latin-1")),))
    replaced = redacted.encode("latin-1")
    if replaced == bare:
        return before + line[len(before) :]
    at = len(value) - len(value.lstrip(b" \t"))
    return before + value[:at] + replaced + line[len(text) :]


def kept_trailers(trailers: Headers, line: bytes) -> tuple[Headers, bytes]:
    """Trailers as they may be kept, and what of a line of them that is not complete."""
    return redact_headers(trailers), kept_line(line)


def kept_line(line: bytes) -> bytes:
    """The beginning of a header line as it may be kept: short of its value, and without its name, where that may become
    a secret. Whoever goes on from there leaves out what becomes of it (`CutLines`)."""
    name, colon, _ = line.partition(b":")
    if not colon:
        longer = (line + _GOES_ON).decode("latin-1")
        return line if mask_name(longer) == longer else REDACTED.encode()
    longer_line = line + _GOES_ON
    return line if _Lines().feed(longer_line) == longer_line else _masked_name(name) + b":"


def kept_head(raw: bytes) -> bytes:
    """A head that is not complete as it may be kept."""
    first, newline, rest = raw.partition(b"\n")
    lines, newest, last = rest.rpartition(b"\n")
    return _known_keys(first) + newline + _Lines().feed(lines) + newest + kept_line(last)


def _masked_name(name: bytes) -> bytes:
    return mask_name(name.decode("latin-1")).encode("latin-1")


class ResponseHeads:
    """Follows one connection's responses from a request until their heads are over; what lies behind is not parsed.

    ``feed()`` gives the read with its secrets replaced, short of a header line that is not complete yet, which comes
    with the next one or with ``rest()``. ``done`` says that no head is due any more. Of a client that does not wait
    for answers only those heads are seen that a read begins with.
    """

    __slots__ = ("_head_bytes", "_interim", "_line", "_lines", "_owed", "_status_due")

    def __init__(self) -> None:
        self._owed = 1
        self._lines: _Lines | None = None  # inside a head
        self._line = b""
        self._head_bytes = 0
        self._interim = self._status_due = False

    def expect(self) -> None:
        """One more request was sent."""
        self._owed += 1

    @property
    def done(self) -> bool:
        """Whether no head is due any more."""
        return not self._owed

    def feed(self, data: bytes) -> bytes:
        """What may be kept of a read."""
        data, at, out = self._line + data, 0, []
        self._line = b""
        while self._owed and (self._lines is not None or self._begins(data, at)):
            end = data.find(b"\n", at) + 1
            if not end:
                break
            out.append(self._take(data[at : end - 1]) + b"\n")
            self._head_bytes += end - at
            at = end
            if self._head_bytes > _MAX_HEAD:
                break
        rest = data[at:]
        if self._lines is None or not self._owed:
            out.append(rest)
        elif len(rest) + self._head_bytes > _MAX_HEAD:
            out.append(self._lines.feed(rest))
            self._owed, self._lines = 0, None
        else:
            self._line = rest
        return b"".join(out)

    def _begins(self, data: bytes, at: int) -> bool:
        """Whether a head begins there; if not, it is the rest of an earlier body, or no HTTP at all."""
        begins = data[at : at + 64].lstrip(b"\r\n")[:5]
        if not begins or not _BEGIN.startswith(begins):
            return False
        self._lines, self._status_due, self._head_bytes = _Lines(), True, 0
        return True

    def _take(self, line: bytes) -> bytes:
        assert self._lines is not None
        text = line.rstrip(b"\r")
        if self._status_due:
            if text:
                self._status_due = False
                status = text.partition(b" ")[2][:3]
                self._interim = status[:1] == b"1" and status != b"101"
            return _known_keys(line)
        if text:
            return self._lines.feed(line)
        self._lines = None
        self._owed -= not self._interim
        return line

    def rest(self) -> bytes:
        """The header line that is not complete, redacted as it stands."""
        line, self._line = self._line, b""
        return self._lines.feed(line) if line and self._lines is not None else line
