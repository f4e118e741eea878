"""Runs: events in a row that are, byte for byte, one that was read before, but for a text or two.

Most of a stream is not news. Once an event has been read and judged it can serve as a `Template`: the bytes before,
between and after its varying strings, and its number where events are numbered. Where the next bytes are such events,
a `RunDecoder` takes all of them in a few operations on bytes, and whoever reads the stream may take the `Run` as one,
or have its events one by one.

A run is exact: each varying string was decoded as JSON and is valid, numbers go up by one, all other bytes are those of
the template. Bytes that are anything else are read event by event.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from enum import Enum, auto
from itertools import accumulate
from typing import Any

import msgspec

from streamlab.lazy_pattern import lazy_pattern
from streamlab.record import Record
from streamlab.wire.payload import JsonObject
from streamlab.wire.sse import ServerSentEvent, SSEDecoder

#: Bytes looked at in one go, at least and at most: twice as many where all of them were one run, and fewer where most
#: were none, so that events which take turns do not cost the square of a read.
_WINDOW, _LARGEST_WINDOW = 2048, 65_536
#: A longer string, or longer bytes around it, is read by itself.
LONGEST = 1000
#: Bytes by which the next event of a run is searched: a longer needle takes as long as the text it is searched in.
_MARK = 24
#: Runs of fewer events are not halved: each event is read by itself.
_SHORT = 8
_strings = msgspec.json.Decoder(list[str]).decode


class TextKind(Enum):
    """What the varying text of a run adds to."""

    CONTENT = auto()
    REASONING = auto()
    REFUSAL = auto()
    ARGUMENTS = auto()
    NOTHING = auto()  # the same event again and again, without any text


class Varying(Record, frozen=True):
    """Which strings of a chunk vary while all else stays: its text, of which choice, and padding that means nothing.

    ``path`` is where the text stands ("choices[0].delta.content"), ``padding`` where the padding does, or "", and
    ``number`` where the number of the event does, which is one more from event to event, or "". ``copies`` are where
    the text stands once more, ``noise`` where a count does that means nothing, such as the number of a token, or "".
    """

    text: TextKind
    path: str
    choice: int
    padding: str = ""
    number: str = ""
    copies: tuple[str, ...] = ()
    noise: str = ""


class Template:
    """A chunk that was read, as bytes around its varying strings. ``facts`` are those of the chunk itself.

    ``key`` is the state of the reader in which it was read; ``continued`` is of one that repeats what its tool call has
    (`CallReader.continued`); ``said`` belongs to whoever judges.
    """

    __slots__ = (
        "_before",
        "_betweens",
        "_joint",
        "_mark",
        "_order",
        "_rear",
        "_window",
        "chunk",
        "continued",
        "facts",
        "key",
        "said",
        "shape",
        "varying",
    )

    def __init__(self, chunk: JsonObject, varying: Varying, parts: list[bytes], order: list[str]) -> None:
        self.chunk = chunk
        self.varying = varying
        self._before, *self._betweens, self._rear = parts
        self._joint = self._rear + self._before
        self._mark = self._joint[:_MARK]
        self._window = _WINDOW
        self._order = order  # the paths of what varies, as they follow one another
        self.facts = 0
        self.shape: Any = ()
        self.key: Any = None
        self.continued: Any = None
        self.said: Any = None

    @property
    def constants(self) -> tuple[bytes, list[bytes], bytes]:
        """The bytes before, between and after what varies."""
        return self._before, self._betweens, self._rear

    @property
    def order(self) -> list[str]:
        """The paths of what varies, as they stand in an event."""
        return self._order

    def alike(self, raw: bytes) -> bool:
        """Whether an event looks like one of this template."""
        return raw.startswith(self._before) and raw.endswith(self._rear)

    def equals(self, other: Template) -> bool:
        """Whether another template takes the same events: what is learnt later tells of them as they are now."""
        return self._joint == other._joint and self._betweens == other._betweens and self._before == other._before

    def match(self, buffer: bytes, at: int, start: int) -> Run | None:
        """The run of such events at ``at``, which is offset ``start`` of the body; None when there is none."""
        before, rear = self._before, self._rear
        if not buffer.startswith(before, at):
            return None
        if not self._order:
            return self._again(buffer, at, start)
        from_ = at + len(before)
        end = buffer.find(rear, from_, from_ + LONGEST + len(rear))
        if end < 0:  # or what stands there is too long
            return None
        if end + len(rear) == len(buffer):  # it is alone, as in most reads of a live stream
            alone = self._read([buffer[from_:end]])
            raw = buffer[at:] if at else buffer
            return Run(self, raw, start, *alone, [len(raw)]) if alone is not None else None
        parts = self._parts(buffer[from_ : from_ + self._window])
        taken = self._longest(parts) if parts else None
        if taken is None:
            self._window = _WINDOW
            return None
        texts, first = taken
        around = len(before) + len(rear)
        sizes = list(map(around.__add__, map(len, parts[: len(texts)])))
        size = sum(sizes)
        self._know_length(size, len(buffer) - at)
        return Run(self, buffer[at : at + size], start, texts, first, sizes)

    def _again(self, buffer: bytes, at: int, start: int) -> Run:
        """The run of an event in which nothing varies, of which one is there."""
        raw = self._before
        size, end = len(raw), at + len(raw)
        while buffer.startswith(raw, end):
            end += size
        count = (end - at) // size
        return Run(self, buffer[at:end], start, [""] * count, None, [size] * count)

    def _know_length(self, size: int, rest: int) -> None:
        """How many bytes a run had, of so many that came."""
        window = self._window
        if rest > window <= 2 * size:
            self._window = min(2 * window, _LARGEST_WINDOW)
        elif rest > 4 * size:
            self._window = max(window // 2, _WINDOW)

    def _parts(self, window: bytes) -> list[bytes]:
        """What stands between the outermost constant bytes of the events in a row that begin here."""
        parts = self._cut(window)
        sure = window.startswith(self._joint.join(parts) + self._rear)
        return parts if sure else self._one_by_one(window)  # the mark stands in other bytes, too

    def _cut(self, window: bytes) -> list[bytes]:
        """The same, where each mark is the beginning of the bytes between two events."""
        skip = len(self._joint) - len(self._mark)
        first, *others = window.split(self._mark)
        parts = [first, *([part[skip:] for part in others] if skip else others)]
        value, found, _ = parts.pop().partition(self._rear)
        return [*parts, value] if found else parts

    def _one_by_one(self, window: bytes) -> list[bytes]:
        """The same up to the first event that is another one, found in ten times the time."""
        parts, at, end = [], 0, window.find(self._rear)
        while end >= 0:
            parts.append(window[at:end])
            if not window.startswith(self._joint, end):
                break
            at = end + len(self._joint)
            end = window.find(self._rear, at)
        return parts

    def _longest(self, parts: list[bytes]) -> tuple[list[str], int | None] | None:
        """The texts of as many events as can be taken, and the number of the first; None where none can."""
        found = self._read(parts)
        while found is None:
            # The longest beginning that can be: halves cost little, however many events are odd.
            good = 0
            while good < len(parts) and self._read(parts[good : good + 1]) is not None:
                good += 1
            if not good:
                return None
            parts = parts[:good]
            found = self._read(parts)
        return found

    def _read(self, parts: list[bytes]) -> tuple[list[str], int | None] | None:
        """The texts between the constant bytes; None where one of them is odd in any way."""
        if max(map(len, parts)) > LONGEST:
            return None
        if not self._betweens:
            texts = _decoded(parts)
            return (texts, None) if texts is not None else None
        padding, number = self.varying.padding, self.varying.number
        counted = self._numbered(parts) if number == self._order[0] else None
        columns = self._columns(parts) if counted is None else self._columns(counted[1], 1)
        if columns is None or (padding and not _is_padding(columns[padding])) or not self._belongs(columns):
            return None
        texts = _decoded(columns[self.varying.path])
        if texts is None or not number:
            return (texts, None) if texts is not None else None
        first, count = _counted(columns[number]) if counted is None else (counted[0], len(parts))
        return (texts[:count], first) if count else None

    def _belongs(self, columns: dict[str, Sequence[bytes]]) -> bool:
        """Whether copies of the texts are that, and what is to be counts is."""
        text, noise = columns[self.varying.path], self.varying.noise
        alike = all(tuple(columns[path]) == tuple(text) for path in self.varying.copies)
        return alike and (not noise or all(map(PLAIN_NUMBER.match, columns[noise])))

    def _numbered(self, parts: Sequence[bytes]) -> tuple[int, list[bytes]] | None:
        """The number of the first event and what follows the numbers, where these begin the parts, count up by ones and
        have as many digits; None where not."""
        digits, _, _ = parts[0].partition(self._betweens[0])
        if not PLAIN_NUMBER.match(digits):
            return None
        first, size = int(digits), len(digits) + len(self._betweens[0])
        head = b"%d" + self._betweens[0].replace(b"%", b"%%")
        if b"".join([part[:size] for part in parts]) != head * len(parts) % tuple(range(first, first + len(parts))):
            return None
        return first, [part[size:] for part in parts]

    def _columns(self, parts: Sequence[bytes], known: int = 0) -> dict[str, Sequence[bytes]] | None:
        """What varies in these events, by its path, but for the first ``known``; None where one is another event.

        Each ends where the bytes that follow it stand first: in no string can they, since they begin with its quote.
        """
        columns: dict[str, Sequence[bytes]] = {}
        for path, between in zip(self._order[known:], self._betweens[known:], strict=False):
            columns[path], found, parts = zip(*[part.partition(between) for part in parts], strict=True)
            if b"" in found:
                return None
        columns[self._order[-1]] = parts
        return columns


def _counted(numbers: Sequence[bytes]) -> tuple[int | None, int]:
    """The first number, and how many go on from there by ones: none where it is no number."""
    if not PLAIN_NUMBER.match(numbers[0]):
        return None, 0
    first = int(numbers[0])
    for number, came in enumerate(numbers, first):
        if came != b"%d" % number:
            return first, number - first
    return first, len(numbers)


#: Whether these bytes are a count that a JSON reader takes, and nothing else.
PLAIN_NUMBER = lazy_pattern(rb"(?:0|[1-9][0-9]{0,14})\Z")


def _decoded(values: Sequence[bytes]) -> list[str] | None:
    """JSON strings, without their quotes, decoded; None when one is empty, or anything but one string.

    They are decoded as one array. A line feed stands between them, which no JSON string may hold: so none can reach
    into the next, and one that holds a quote makes more strings than there were.
    """
    texts = _padding(values)
    return texts if texts is not None and all(texts) else None


def _is_padding(values: Sequence[bytes]) -> bool:
    """Whether these are JSON strings, without their quotes. OpenAI's are letters and digits, which need no decoding."""
    return b"".join(values).isalnum() or _padding(values) is not None


def _padding(values: Sequence[bytes]) -> list[str] | None:
    try:
        texts = _strings(b'["' + b'"\n,"'.join(values) + b'"]')
    except (ValueError, msgspec.DecodeError):  # not UTF-8, or not JSON; in newer msgspec they are one
        return None
    return texts if len(texts) == len(values) else None


def decoded_string(value: bytes) -> str | None:
    """A JSON string, without its quotes, decoded; None when it is anything but one string."""
    texts = _padding((value,))
    return texts[0] if texts is not None else None


class Run:
    """Events in a row that are ``template`` with other ``texts``; ``raw`` are their bytes, from ``start`` on.

    ``first`` is the number of the first where they are numbered; ``sizes`` are how many bytes each of them has.
    """

    __slots__ = ("_text", "first", "raw", "sizes", "start", "template", "texts", "wide")

    def __init__(
        self, template: Template, raw: bytes, start: int, texts: list[str], first: int | None, sizes: list[int]
    ) -> None:
        self.template = template
        self.first = first
        self.raw = raw
        self.start = start
        self.texts = texts
        self.sizes = sizes
        self._text: str | None = None
        #: Whether an event of it has bytes beyond ASCII, or a \u escape.
        self.wide = not raw.isascii() or (b"\\" in raw and b"\\u" in raw)  # one byte is found much faster

    @property
    def text(self) -> str:
        """Its texts as one."""
        if self._text is None:
            self._text = "".join(self.texts)
        return self._text

    def __len__(self) -> int:
        """How many events it has."""
        return len(self.texts)

    def split(self, count: int) -> tuple[Run, Run]:
        """Its first events, so many of them, and the others as two runs; neither may be empty."""
        sizes, others = self.sizes[:count], self.sizes[count:]
        at = sum(sizes)
        first = None if self.first is None else self.first + count
        return (
            Run(self.template, self.raw[:at], self.start, self.texts[:count], self.first, sizes),
            Run(self.template, self.raw[at:], self.start + at, self.texts[count:], first, others),
        )

    def smaller(self) -> Sequence[Run]:
        """Its halves, where one odd text among many keeps it from being taken as one; itself where it is short."""
        return self.split(len(self.texts) // 2) if len(self.texts) >= _SHORT else (self,)

    def around(self, number: int | None) -> Sequence[Run]:
        """The events before this one, itself and those behind it, as runs of one event at least; halves, where it is
        not known which."""
        if number is None:
            return self.smaller()
        parts = [self]
        for count in (number + 1, number):
            if 0 < count < len(parts[0]):
                parts[:1] = parts[0].split(count)
        return parts

    def event_with(self, position: int) -> int:
        """The number, in the run, of the event that adds this character of its text."""
        return bisect_right(list(accumulate(map(len, self.texts))), position)

    def sse_events(self) -> list[ServerSentEvent]:
        """Its events, framed."""
        return SSEDecoder(self.start).feed(self.raw)

    def first_event(self) -> ServerSentEvent:
        """The first of them, without taking the others apart."""
        return SSEDecoder(self.start).feed(self.raw[: self.sizes[0]])[0]

    def last_event(self) -> ServerSentEvent:
        """The last of them, likewise."""
        before = len(self.raw) - self.sizes[-1]
        return SSEDecoder(self.start + before).feed(self.raw[before:])[0]
