"""An exchange read for comparison: its events with what they mean, but without the names servers make up.

The meaning of an event is its *texts* (what it adds to which lane: the content of choice 0, the arguments of its
second call) and its *tags* (a finish reason, ``[DONE]``, an error). Ids, dates and null members are no meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamlab.apis import UNKNOWN
from streamlab.apis.translator import Translator
from streamlab.exchange import Exchange
from streamlab.judging.stream_reader import StreamReader
from streamlab.rules.api import Api
from streamlab.rules.request import RequestReading
from streamlab.wire import bodies, reading
from streamlab.wire.calls import CallTracker, TrackedCall
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.json_values import JsonSplitter
from streamlab.wire.payload import JsonObject, decode_payload, encode_json
from streamlab.wire.sse import ServerSentEvent
from streamlab.wire.stream import StreamDecoder, read_event

#: Events of one exchange that are compared; what is beyond is said not to be.
MAX_EVENTS = 200_000
#: Bytes of a body that is one JSON value, or no stream at all.
MAX_WHOLE = 64 * 1024 * 1024

Lane = tuple[Any, ...]
Texts = tuple[tuple[Lane, str], ...]


@dataclass(slots=True)
class Item:
    """One event. ``made`` holds the chat chunks a foreign event was translated to; empty for our own APIs."""

    number: int
    offset_us: int | None
    read: int
    kind: str  # chunk, done, error, comment, undecodable, whole
    sse: ServerSentEvent
    texts: Texts = ()
    tags: tuple[str, ...] = ()
    made: tuple[JsonObject, ...] = ()

    @property
    def key(self) -> tuple[Texts, tuple[str, ...]]:
        """What the event means."""
        return self.texts, self.tags

    @property
    def outline(self) -> tuple[Any, ...]:
        """What kind of thing it means, whatever the words."""
        return self.kind, tuple(lane for lane, _ in self.texts), tuple(tag.partition("=")[0] for tag in self.tags)

    @property
    def characters(self) -> int:
        """How much text it adds."""
        return sum(len(text) for _, text in self.texts)

    def values(self) -> tuple[JsonObject, ...]:
        """Its JSON objects: those it was translated to, or its own; none when it is no JSON."""
        if self.made or self.kind not in ("chunk", "error", "whole"):
            return self.made
        value = decode_payload(self.sse.data or b"").value
        return (value,) if isinstance(value, dict) else ()


#: The tag of an event that means nothing.
EMPTY = "empty"


@dataclass(slots=True)
class Reading:
    """An exchange, read. ``foreign`` says that its events were translated, so that envelopes mean nothing."""

    items: list[Item] = field(default_factory=list)
    reads: int = 0
    bytes: int = 0
    foreign: bool = False
    api: Api = UNKNOWN
    complete: bool = True  # False when there was more than `MAX_EVENTS` or `MAX_WHOLE`
    first_text_us: int | None = None
    characters: int = 0


class _NumberedCall(TrackedCall):
    """A call with its number among those of its choice, in order of appearance."""

    __slots__ = ("number",)

    number: int


class _Known:
    """What earlier events of an exchange said that later ones are read by."""

    def __init__(self) -> None:
        self.roles: set[int] = set()  # choices that have one
        self._calls = CallTracker(_NumberedCall)
        self._count: dict[int, int] = {}  # choice -> its calls

    def call(self, choice: int, fragment: JsonObject) -> int:
        """The number of the call that a fragment belongs to."""
        placed = self._calls.place(choice, fragment)
        if placed.opens:
            placed.call.number = self._count.get(choice, 0)
            self._count[choice] = placed.call.number + 1
        return placed.call.number


def texts_of(items: Sequence[Item]) -> dict[Lane, str]:
    """All texts of these events, joined lane by lane."""
    pieces: dict[Lane, list[str]] = {}
    for item in items:
        for lane, text in item.texts:
            pieces.setdefault(lane, []).append(text)
    return {lane: "".join(texts) for lane, texts in pieces.items()}


def read_exchange(exchange: Exchange, *, translated: bool = False) -> Reading:
    """Every event of an exchange, read once; ``translated`` where those of another API are to be compared with it."""
    return _Reader(exchange, translated=translated).run()


def read_both(a: Exchange, b: Exchange) -> tuple[Reading, Reading]:
    """Two exchanges that are to be compared: each as it is, or both in the words of chat."""
    mine, theirs = read_exchange(a), read_exchange(b)
    if mine.api is theirs.api:
        return mine, theirs
    again = [
        read_exchange(exchange, translated=True) if read.api.compared_natively else read
        for exchange, read in ((a, mine), (b, theirs))
    ]
    return again[0], again[1]


class _Reader:
    """Splits a body as its kind wants it: an event stream, JSON values in a row, or one whole thing."""

    def __init__(self, exchange: Exchange, *, translated: bool) -> None:
        self._exchange = exchange
        self._translated = translated
        self._found = Reading()
        self._known = _Known()
        self._translator: Translator | None = None
        self._settled = False
        self._stream: StreamReader[None] = StreamReader(exchange.request)

    def run(self) -> Reading:
        head = self._exchange.head
        decoder = BodyDecoder.of(head, guess=True)
        stream, split, whole = StreamDecoder(), JsonSplitter(into_array=True), bytearray()
        prefix, kind, stream_of_values = bytearray(), bodies.BodyKind.EMPTY, False
        for at, segment in enumerate(self._exchange.segments):
            self._found.reads += 1
            self._found.bytes += len(segment.data)
            data = decoder.feed(segment.data)
            if at == len(self._exchange.segments) - 1:
                data += decoder.finish()
            if kind is bodies.BodyKind.EMPTY:
                prefix += data
                kind, data = bodies.sniff(bytes(prefix)), bytes(prefix)
                if kind is bodies.BodyKind.EMPTY:
                    continue
                stream_of_values = self._is_value_stream(bytes(prefix))
            if kind is bodies.BodyKind.SSE:
                self._take(segment.offset_us, at, stream.feed_decoded(data))
            elif stream_of_values:
                self._take(segment.offset_us, at, map(_bare, split.feed(data)))
            elif len(whole) < MAX_WHOLE:
                whole += data
            else:
                self._found.complete = False
        last, end_us = max(0, self._found.reads - 1), self._exchange.end_us
        self._take(end_us, last, stream.finish())
        if whole:
            self._whole(bytes(whole), last)
        if self._translator is not None:
            self._append_translated(end_us, last, None, self._translator.finish(self._exchange.ending))
        return self._found

    def _is_value_stream(self, prefix: bytes) -> bool:
        """NDJSON and arrays that grow are streams of the protocols that use them; elsewhere JSON is one answer."""
        return self._stream.api.sends_bare_values or bodies.sniff(prefix) is bodies.BodyKind.NDJSON

    def _take(self, offset_us: int | None, read: int, events: Iterable[StreamEvent]) -> None:
        found = self._found
        for event in events:
            if len(found.items) >= MAX_EVENTS:
                found.complete = False
                return
            if not self._settled and isinstance(event, Chunk | ErrorPayload):
                self._settle(event.json)
            if self._translator is not None:
                self._append_translated(offset_us, read, event, self._translator.feed(event))
            else:
                self._append(self._item(offset_us, read, event))

    def _settle(self, value: JsonObject) -> None:
        self._settled = True
        if not self._stream.settled:
            self._stream.settle(value)
        api = self._found.api = self._stream.api
        kind = api.translator()
        if kind is not None and (self._translated or not api.compared_natively):
            self._translator = kind(RequestReading(self._exchange.request).body)
            self._found.foreign = True

    def _append(self, item: Item) -> None:
        found = self._found
        found.items.append(item)
        if item.texts:
            found.characters += item.characters
            if found.first_text_us is None:
                found.first_text_us = item.offset_us

    def _append_translated(
        self, offset_us: int | None, read: int, event: StreamEvent | None, made: Iterable[StreamEvent]
    ) -> None:
        """A foreign event with the chunks it amounts to. The translation's [DONE] is an invention of ours."""
        kept = [one for one in made if isinstance(one, Chunk | ErrorPayload)]
        values = tuple(one.json for one in kept)
        if event is None or event.sse is None:
            if values and self._found.items:  # what the end of the stream adds belongs to its last event
                last = self._found.items[-1]
                texts, tags = _meaning(values, self._known)
                last.made, last.texts, last.tags = last.made + values, last.texts + texts, last.tags + tags
            return
        if isinstance(event, Comment | Undecodable):
            self._append(self._item(offset_us, read, event))
            return
        texts, tags = _meaning(values, self._known)
        errors = [one.json["error"] for one in kept if isinstance(one, ErrorPayload)]
        kind = "error" if errors else "chunk"
        tags += tuple(f"error={_encoded(error)}" for error in errors)
        if errors and isinstance(event, Chunk):  # the stream was not broken by an error: its last word means one
            tags += (f"finish_reason[0]={reading.as_object(errors[0]).get('code')}",)
        number = len(self._found.items)
        self._append(Item(number, offset_us, read, kind, event.sse, texts, tags or _filler(texts), values))

    def _item(self, offset_us: int | None, read: int, event: StreamEvent) -> Item:
        number, sse = len(self._found.items), event.sse
        assert sse is not None, "events that were read have bytes"
        if isinstance(event, Chunk):
            texts, tags = _meaning((event.json,), self._known)
            return Item(number, offset_us, read, "chunk", sse, texts, tags or _filler(texts))
        if isinstance(event, Done):
            return Item(number, offset_us, read, "done", sse, (), ("done",))
        if isinstance(event, ErrorPayload):
            return Item(number, offset_us, read, "error", sse, (), (f"error={_encoded(event.json['error'])}",))
        if isinstance(event, Comment):
            said = sse.raw.strip().decode("utf-8", "replace")
            return Item(number, offset_us, read, "comment", sse, (), (f"comment={said}",))
        return Item(number, offset_us, read, "undecodable", sse, (), (f"raw={sse.text}",))

    def _whole(self, body: bytes, read: int) -> None:
        """A body that is no stream is one event."""
        value = decode_payload(body).value
        sse = ServerSentEvent(body, 0, body)
        end_us = self._exchange.end_us
        if not isinstance(value, dict):
            said = body.strip().decode("utf-8", "replace")
            self._append(Item(0, end_us, read, "undecodable", sse, (), (f"raw={said}",)))
            return
        self._settle(value)
        made: tuple[JsonObject, ...] = ()
        if self._translator is not None and not value.get("error"):
            made = tuple(one.json for one in self._translator.chunk(value) if isinstance(one, Chunk))
        texts, tags = _meaning(made or (value,), self._known)
        if value.get("error"):
            tags = (f"error={_encoded(value['error'])}",)
        self._translator = None
        self._append(Item(0, end_us, read, "error" if value.get("error") else "whole", sse, texts, tags, made))


def _encoded(value: Any) -> str:
    return encode_json(value).decode("utf-8", "replace")


def _bare(value: bytes) -> StreamEvent:
    """A JSON value without event framing."""
    return read_event(ServerSentEvent(value, 0, value))


def _filler(texts: Texts) -> tuple[str, ...]:
    """An event that means nothing still is one."""
    return () if texts else (EMPTY,)


def _meaning(values: Iterable[JsonObject], known: _Known) -> tuple[Texts, tuple[str, ...]]:
    """Texts and tags of chunks; several texts of one lane become one."""
    texts: dict[Lane, str] = {}
    tags: list[str] = []
    used = False
    for value in values:
        used = used or type(value.get("usage")) is dict
        for lane, text in _texts_of(value, known):
            texts[lane] = texts[lane] + text if lane in texts else text
        _add_tags(value, tags, known.roles)
    if used and not texts and not tags:  # beside a text or an end, usage is a running count
        tags.append("usage")
    return tuple(texts.items()), tuple(tags)


def _texts_of(value: JsonObject, known: _Known) -> Iterator[tuple[Lane, str]]:
    listed = value.get("choices")
    if type(listed) is not list:
        yield from _typed_texts(value)
        return
    for choice in listed:
        if type(choice) is not dict:
            continue
        index = reading.choice_index(choice)
        inner = choice.get("delta")
        if type(inner) is not dict:
            inner = reading.as_object(choice.get("message"))
        text = inner.get("content")
        if type(text) is str and text:
            yield (index, "content"), text
        if type(choice.get("text")) is str and choice["text"]:
            yield (index, "content"), choice["text"]
        if len(inner) > 1 or not text:
            yield from _rarer_texts(index, inner, known)


def _rarer_texts(index: int, inner: JsonObject, known: _Known) -> Iterator[tuple[Lane, str]]:
    if thought := reading.reasoning(inner):
        yield (index, "reasoning"), thought
    refusal = inner.get("refusal")
    if type(refusal) is str and refusal:
        yield (index, "refusal"), refusal
    for fragment in reading.tool_calls(inner):
        yield from _call_texts((index, "call", known.call(index, fragment)), reading.function(fragment))
    legacy = inner.get("function_call")
    if type(legacy) is dict:
        yield from _call_texts((index, "function_call"), legacy)


def _call_texts(lane: Lane, function: JsonObject) -> Iterator[tuple[Lane, str]]:
    for member in ("name", "arguments"):
        text = function.get(member)
        if type(text) is dict:
            text = _encoded(text)
        if type(text) is str and text:
            yield (*lane, member), text


def _typed_texts(value: JsonObject) -> Iterator[tuple[Lane, str]]:
    """Events of the Responses API: a delta is text of the item it belongs to."""
    kind, piece = value.get("type"), value.get("delta")
    if type(kind) is str and kind.endswith(".delta") and type(piece) is str and piece:
        yield (kind, _plain(value.get("output_index")), _plain(value.get("content_index"))), piece


def _plain(value: Any) -> Any:
    return value if type(value) in (int, str) else None


def _add_tags(value: JsonObject, tags: list[str], roles: set[int]) -> None:
    kind = value.get("type")
    if type(kind) is str and not kind.endswith(".delta"):
        tags.append(f"type={kind}")
    for choice in reading.choices(value):
        index = reading.choice_index(choice)
        reason = choice.get("finish_reason")
        if reason is not None and reason != "":
            tags.append(f"finish_reason[{index}]={reason}")
        inner = choice.get("delta", choice.get("message"))
        if index not in roles and type(inner) is dict and inner.get("role"):
            roles.add(index)
            tags.append(f"role[{index}]={inner['role']}")
