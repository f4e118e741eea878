"""Runs: events in a row that are, byte for byte, one that was read before, but for a text or two.

Most of a stream is not news. Once an event has been read and judged it can serve as a `Template`: the bytes before,
between and after its varying strings. Where the next bytes are such events, `RunDecoder` takes all of them in a few
operations on bytes, and whoever reads the stream may take the `Run` as one, or have its events one by one.

A run is exact: each varying string was decoded as JSON and is valid, all other bytes are those of the template. Bytes
that are anything else are read event by event.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any, NamedTuple

import msgspec

from streamlab.wire.events import Chunk
from streamlab.wire.locate import steps_of, string_span
from streamlab.wire.payload import JsonObject, decode_payload
from streamlab.wire.sse import ServerSentEvent, SSEDecoder, parse_event

#: Bytes looked at in one go, so that events which take turns do not cost the square of a read.
_WINDOW = 16_384
#: A longer string, or longer bytes around it, is read by itself.
_LONGEST = 1000
_TEMPLATES = 4
_OTHER = b"another text"
_strings = msgspec.json.Decoder(list[str]).decode


class TextKind(Enum):
    """What the varying text of a run adds to."""

    CONTENT = auto()
    REASONING = auto()
    REFUSAL = auto()
    ARGUMENTS = auto()


class Varying(NamedTuple):
    """Which strings of a chunk vary while all else stays: its text, of which choice, and padding that means nothing.

    ``path`` is where the text stands ("choices[0].delta.content"), ``padding`` where the padding does, or "".
    """

    text: TextKind
    path: str
    choice: int
    padding: str = ""


class Template:
    """A chunk that was read, as bytes around its varying strings. ``facts`` are those of the chunk itself.

    ``key`` is the state of the reader in which it was read; ``continued`` is of one that repeats what its tool call has
    (`CallReader.continued`); ``said`` belongs to whoever judges.
    """

    __slots__ = (
        "_before",
        "_between",
        "_joint",
        "_rear",
        "_text_at",
        "chunk",
        "continued",
        "facts",
        "key",
        "said",
        "shape",
        "varying",
    )

    def __init__(self, chunk: JsonObject, varying: Varying, parts: list[bytes], text_at: int) -> None:
        self.chunk = chunk
        self.varying = varying
        self._before, *between, self._rear = parts
        self._between = between[0] if between else b""
        self._joint = self._rear + self._before
        self._text_at = text_at  # which of the two strings is the text
        self.facts = 0
        self.shape: Any = ()
        self.key: Any = None
        self.continued: Any = None
        self.said: Any = None

    def alike(self, raw: bytes) -> bool:
        """Whether an event looks like one of this template."""
        return raw.startswith(self._before) and raw.endswith(self._rear)

    def match(self, buffer: bytes, at: int, start: int) -> Run | None:
        """The run of such events at ``at``, which is offset ``start`` of the body; None when there is none."""
        before, rear = self._before, self._rear
        if not buffer.startswith(before, at):
            return None
        from_ = at + len(before)
        parts = buffer[from_ : from_ + _WINDOW].split(self._joint)
        value, found, _ = parts.pop().partition(rear)
        if found:
            parts.append(value)
        if not parts:
            return None
        texts = self._texts(parts)
        if not texts:
            return None
        size = sum(map(len, parts[: len(texts)])) + len(texts) * (len(before) + len(rear))
        return Run(self, buffer[at : at + size], start, texts)

    def _texts(self, parts: list[bytes]) -> list[str]:
        """The texts of as many events as can be taken."""
        texts = self._decoded(parts)
        while texts is None:
            # The longest beginning that can be: halves cost little, however many events are odd.
            good = 0
            while good < len(parts) and self._decoded(parts[good : good + 1]) is not None:
                good += 1
            parts = parts[:good]
            texts = self._decoded(parts) if parts else []
        return texts

    def _decoded(self, parts: list[bytes]) -> list[str] | None:
        """The texts between the constant bytes; None where one of them is odd in any way."""
        if max(map(len, parts)) > _LONGEST:
            return None
        if not self._between:
            return _decoded(parts)
        pairs = [part.partition(self._between) for part in parts]
        at = self._text_at
        if not all(pair[1] for pair in pairs) or _padding([pair[2 - at] for pair in pairs]) is None:
            return None
        return _decoded([pair[at] for pair in pairs])


def _decoded(values: list[bytes]) -> list[str] | None:
    """JSON strings, without their quotes, decoded; None when one is empty, or anything but one string.

    They are decoded as one array. A line feed stands between them, which no JSON string may hold: so none can reach
    into the next, and one that holds a quote makes more strings than there were.
    """
    texts = _padding(values)
    return texts if texts is not None and all(texts) else None


def _padding(values: list[bytes]) -> list[str] | None:
    try:
        texts = _strings(b'["' + b'"\n,"'.join(values) + b'"]')
    except ValueError:  # not JSON, or not UTF-8
        return None
    return texts if len(texts) == len(values) else None


class Run:
    """Events in a row that are ``template`` with other ``texts``; ``raw`` are their bytes, from ``start`` on."""

    __slots__ = ("_text", "raw", "start", "template", "texts", "wide")

    def __init__(self, template: Template, raw: bytes, start: int, texts: list[str]) -> None:
        self.template = template
        self.raw = raw
        self.start = start
        self.texts = texts
        self._text: str | None = None
        #: Whether an event of it has bytes beyond ASCII, or a \u escape.
        self.wide = not raw.isascii() or b"\\u" in raw

    @property
    def text(self) -> str:
        """Its texts as one."""
        if self._text is None:
            self._text = "".join(self.texts)
        return self._text

    def __len__(self) -> int:
        """How many events it has."""
        return len(self.texts)

    def sse_events(self) -> list[ServerSentEvent]:
        """Its events, framed."""
        return SSEDecoder(self.start).feed(self.raw)


def template_of(event: Chunk, varying: Varying) -> Template | None:
    """A template of an event that was read; None where its bytes cannot serve as one."""
    sse = event.sse
    if sse is None or event.faults or not sse.start or not sse.terminated or len(sse.raw) > 2 * _LONGEST:
        return None
    if not sse.raw.endswith(b"\n"):
        return None
    spans = [string_span(sse.raw, path) for path in (varying.path, varying.padding) if path]
    if None in spans:
        return None
    text, *_ = spans
    spans.sort()
    parts, at = [], 0
    for start, end in spans:  # type: ignore[misc]
        parts.append(sse.raw[at:start])
        at = end
    parts.append(sse.raw[at:])
    whole = b"".join(parts)
    if len(whole) > _LONGEST or not whole.isascii() or b"\\u" in whole or not _reads_alike(event, varying, parts):
        return None
    return Template(event.json, varying, parts, spans.index(text))


def _reads_alike(event: Chunk, varying: Varying, parts: list[bytes]) -> bool:
    """Whether the bytes around other strings are read as the same chunk with other strings."""
    sse = event.sse
    assert sse is not None
    other = parse_event(_OTHER.join(parts), sse.start)
    frames = [(one.plain, one.terminated, one.event, one.id, one.retry, one.comments) for one in (sse, other)]
    payload = decode_payload(other.data or b"")
    if frames[0] != frames[1] or payload.faults or not payload.ok:
        return False
    for path in (varying.path, varying.padding):
        if path:
            *way, last = steps_of(path)
            theirs, ours = _at(payload.value, way), _at(event.json, way)
            if theirs[last] != _OTHER.decode():
                return False
            theirs[last] = ours[last]
    return bool(payload.value == event.json)


def text_at(chunk: JsonObject, varying: Varying) -> str:
    """The text of a chunk that varies."""
    text: str = _at(chunk, steps_of(varying.path))
    return text


def _at(value: Any, way: list[str | int]) -> Any:
    for step in way:
        value = value[step]
    return value


class RunDecoder(SSEDecoder):
    """An `SSEDecoder` that takes runs of events that are like its ``templates``."""

    def __init__(self, start: int = 0) -> None:
        super().__init__(start)
        self.templates: list[Template] = []

    def learn(self, template: Template) -> None:
        """Look out for events like this one."""
        self.templates = [template, *self.templates[: _TEMPLATES - 1]]

    def take(self, data: bytes) -> list[ServerSentEvent | Run]:
        """The events that ``data`` completes, and runs of them."""
        if not self.templates:
            return self.feed(data)  # type: ignore[return-value]
        if not self._cr_seen and b"\r" in data:
            self._cr_seen = True
        if self._pending:
            self._pending += data
            if self._find_end(self._pending, 0) < 0:
                return []
            data = bytes(self._pending)
            self._pending.clear()
        return self._taken(data)

    def _taken(self, buffer: bytes) -> list[ServerSentEvent | Run]:
        taken: list[ServerSentEvent | Run] = []
        at, base = 0, self._start
        while True:
            run = self._match(buffer, at, base + at)
            if run is not None:
                taken.append(run)
                at += len(run.raw)
            else:
                end = self._find_end(buffer, at)
                if end < 0:
                    break
                taken.append(parse_event(buffer[at:end], base + at))
                at = end
            self._next_event(at)
        self._keep(buffer, at)
        return taken

    def _match(self, buffer: bytes, at: int, start: int) -> Run | None:
        for template in self.templates:
            run = template.match(buffer, at, start)
            if run is not None:
                if template is not self.templates[0]:
                    self.templates.remove(template)
                    self.templates.insert(0, template)
                return run
        return None
