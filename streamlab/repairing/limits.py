"""When a stream asks too much of the normalizer. It then steps aside: the rest goes by as it came.

An upstream says in a few kilobytes what takes minutes and gigabytes to read: compressed, blank lines without end, one
event of a million values. Every limit here is far beyond what a model says, and holds at a place in the (decoded) body
that does not depend on how the body was cut.
"""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.rules.repair import MAX_EVENT
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent

#: Bytes taken in one go: the caller may do something else before the next. Fewer where they hold many events.
SLICE, _DENSE_SLICE, _DENSE = 8192, 512, 768
#: Events up to this size are taken without a look at how much they hold.
HEAVY = 2048
#: An unfinished event up to this size is not looked at either.
LARGE = 65_536
_MIB = 1 << 20
_MAX_LINES = 4096
_MAX_VALUES = 32_768
#: What a value takes in memory beside its bytes, roughly.
_VALUE_BYTES = 64
_CONTROL = bytes(set(range(0x20)) - set(b"\t\n\r"))
_MAX_HELD = 8 * _MIB
_MAX_LIST = 256
#: Every so many bytes the stream as a whole is looked at.
MARK = _MIB // 4
_MIN_MEAN_EVENT = 32
_MAX_CODED = 32 * _MIB
_MAX_CALLS = 1024


def slices(data: bytes) -> Iterator[bytes]:
    """``data`` in parts that each hold a bounded number of events."""
    at = 0
    while at < len(data):
        ends = sum(data.count(mark, at, at + SLICE) for mark in (b"\n", b"\r", b"}", b"]"))
        size = SLICE if ends <= _DENSE else _DENSE_SLICE
        yield data[at : at + size]
        at += size


def _lines(data: bytes) -> int:
    return data.count(b"\n") + data.count(b"\r")


def _values(data: bytes) -> int:
    """How many JSON values there may be: an upper bound, since strings hold these bytes as well.

    Raw control bytes count too: each has to be escaped.
    """
    control = len(data) - len(data.translate(None, _CONTROL))
    return data.count(b",") + data.count(b"{") + data.count(b"[") + control


def _too_large(size: int, lines: int, values: int) -> str:
    """Why an event of more than `LARGE` bytes is too much; "" when it is not."""
    if size > MAX_EVENT:
        return f"an event is longer than {MAX_EVENT} bytes"
    if lines > _MAX_LINES:
        return f"an event of more than {LARGE} bytes has more than {_MAX_LINES} lines"
    if values > _MAX_VALUES:
        return f"an event of more than {LARGE} bytes has more than {_MAX_VALUES} values"
    return ""


class Burden:
    """What one stream has asked so far; each method says why it is too much, "" when it is not."""

    def __init__(self) -> None:
        self._growing: tuple[int, int] | None = None  # lines and values of the event that is not complete
        self._held = 0

    def growing(self, size: int, new: bytes, whole: bytes) -> str:
        """An event that is not complete has ``size`` bytes, of which ``new`` came last; ``whole`` at first sight."""
        if size <= LARGE:
            self._growing = None
            return ""
        known = self._growing
        lines, values = (known[0] + _lines(new), known[1] + _values(new)) if known else (_lines(whole), _values(whole))
        self._growing = lines, values
        return _too_large(size, lines, values)

    @property
    def unseen(self) -> bool:
        """Whether `growing` wants to see all of the event."""
        return self._growing is None

    def event(self, event: StreamEvent | None, raw: bytes, holding: bool) -> str:
        """A complete event of more than `HEAVY` bytes; ``holding`` says whether earlier ones are held back."""
        values = _values(raw)
        weight = len(raw) + _VALUE_BYTES * values
        self._held = self._held + weight if holding else weight
        why = _too_large(len(raw), _lines(raw), values) if len(raw) > LARGE else ""
        if not why and self._held > max(_MAX_HELD, weight):
            why = "the events that have to be held back take too much memory"
        return why or (_too_wide(event) if isinstance(event, Chunk) else "")

    @staticmethod
    def stream(size: int, events: int, calls: int, coded: bool) -> str:
        """``size`` bytes of a body came, ``coded`` ones or not, and held so many events and tool calls."""
        if coded and size >= _MAX_CODED:
            return f"the compressed body is longer than {_MAX_CODED} bytes"
        if events * _MIN_MEAN_EVENT > size:
            return f"{events} events have less than {_MIN_MEAN_EVENT} bytes each"
        if calls > _MAX_CALLS:
            return f"there are more than {_MAX_CALLS} tool calls"
        return ""


def _too_wide(event: Chunk) -> str:
    listed = event.json.get("choices")
    if type(listed) is not list:
        return ""
    if len(listed) > _MAX_LIST:
        return f"a chunk has more than {_MAX_LIST} choices"
    if any(len(reading.tool_calls(reading.delta(choice))) > _MAX_LIST for choice in reading.choices(event.json)):
        return f"a delta has more than {_MAX_LIST} tool calls"
    return ""
