"""Bytes of a broken stream in, bytes of the stream OpenAI would have sent out; incremental.

``feed`` and ``finish`` give bytes, ``feed_events`` and ``finish_events`` the same with an account of every event: what
was copied, derived or invented, from which input events, by which repairs. Conforming events are passed on untouched.

What it may hold back is what its repairs declare (`Repair.holds_back`); `release` gives that up. What cannot be mended
passes on unchanged and is listed in ``unmended``; a stream that broke off ends with an error event, never with an
invented end. What asks too much (`streamlab.repairing.limits`) goes by unrepaired. Answers with an HTTP error status
become one JSON error object. Answers to requests that did not ask for a stream, and APIs without a translator, are
passed through as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from streamlab.apis import DEFAULT, UNKNOWN, Api, api_of_json, api_of_path
from streamlab.apis.registry import by_name, repair_classes
from streamlab.apis.translator import Translator
from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.judging.analyzer import analyze
from streamlab.repairing.limits import HEAVY, LARGE, MARK, SLICE, Burden, slices
from streamlab.repairing.whole_answers import error_body, error_status_body
from streamlab.rules.api import concerns
from streamlab.rules.finding import Severity
from streamlab.rules.repair import (
    Change,
    Draft,
    Drafts,
    Dropped,
    Origin,
    Repair,
    RepairState,
    Stage,
    Unrepaired,
    error_event,
)
from streamlab.rules.repairs.framing import SEPARATORS, frame
from streamlab.wire import reading
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.json_values import JsonSplitter
from streamlab.wire.reading import Fact, FactReader
from streamlab.wire.sse import BOM
from streamlab.wire.stream import BodyDecoder, StreamDecoder, encode, read_event

_PEEKED_EVENTS = 16
_MAX_ERROR_BODY = 1 << 20
_MAX_COMMENTS = 256
#: What is said of a stream that asks too much; no rule, since nothing is wrong with a stream for being long.
TOO_MUCH = "too-much-to-mend"
_SSE_START = re.compile(rb"(?:data|event|id|retry)?:")
_JSON_START = re.compile(rb"[ \t\r\n]*[{\[]")


#: Rules whose deviation is mended by no repair but by how the normalizer works; how, in a phrase.
ENGINE_RULES = {
    "anti-buffering-headers-missing": "the mended head has the headers",
    "charset-not-utf8": "the mended head says UTF-8",
    "close-delimited-truncation": "the mended body is sent in HTTP chunks",
    "connection-held-open-after-done": "the mended body ends with the answer",
    "content-length-mismatch": "the mended head has no length, the body is sent in HTTP chunks",
    "content-type-not-event-stream": "the mended head says text/event-stream",
    "encoding-mislabelled": "a body that is plainly not in the coding its header names is read as it is",
    "gzip-on-sse": "the body is sent without content coding, each event as soon as it is certain",
    "http-error-body-shape": "the text of the answer becomes the message of an error object; the status stays",
    "http-status-200-on-error": "the JSON object becomes an error event",
    "nonstream-json-for-stream": "the completion is sent as the chunks it would have been",
    "utf8-split-over-reads": "only whole events are sent",
}


@dataclass(frozen=True, slots=True)
class Mended:
    """One event of the output. ``sources`` are the numbers of the input events it comes from."""

    event: StreamEvent
    raw: bytes
    origin: Origin
    sources: tuple[int, ...]
    changes: tuple[Change, ...]

    @property
    def repairs(self) -> tuple[str, ...]:
        """The rules by whose repairs it was changed, in order, each once."""
        return tuple(dict.fromkeys(change.rule for change in self.changes))


class Normalizer:
    """Mends one response body. ``api`` defaults to what the request's path or the stream betray."""

    def __init__(
        self,
        request: Request | None = None,
        head: ResponseHead | None = None,
        *,
        unsafe: bool = False,
        api: Api | None = None,
    ) -> None:
        known = api or (api_of_path(request.url) if request is not None else UNKNOWN)
        self.story = RepairState(request, head, known, unsafe=unsafe)
        self.changes = self.story.account.changes
        self._head = head
        self._url = request.url if request is not None else ""
        self._body = BodyDecoder(head.header("content-encoding") if head is not None else None)
        self._decoder = StreamDecoder()
        self._reader = FactReader()
        self._repairs: tuple[Repair, ...] = ()
        self._slow_shapes: set[reading.Shape] = set()
        self._peeked: list[Draft] = []
        self._out: list[Draft | bytes] = []
        self._accounting = False
        self._start = bytearray()
        self._consume: Callable[[bytes], None] = self._begin
        self._splitter: JsonSplitter | None = None
        self._translator: Translator | None = None
        self._finished = False
        self._coded = self._checking = False  # whether what comes is to be decoded; whether that is yet to be seen
        self._burden = Burden()
        self._seen, self._mark = 0, MARK
        self.stepped_aside = False
        self._mode_for_head()
        if known.judged:
            self._build()

    # -- what callers use --------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> bytes:
        """The mended bytes that ``data`` (as it came, content coding and all) makes certain."""
        self._feed(data)
        return self._taken_bytes()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Like `feed`, in pieces (some of them empty) that each take milliseconds to make and little memory.

        They are to be taken to the last before anything else is called.
        """
        for _ in self._steps(data):
            yield self._taken_bytes()

    def finish(self, ending: Ending = Ending.COMPLETE) -> bytes:
        """The rest, when the body is over."""
        self._finish(ending)
        return self._taken_bytes()

    def feed_events(self, data: bytes) -> list[Mended]:
        """Like `feed`, as events with their account."""
        self._accounting = True
        self._feed(data)
        return self._taken_events()

    def finish_events(self, ending: Ending = Ending.COMPLETE) -> list[Mended]:
        """Like `finish`, as events with their account."""
        self._accounting = True
        self._finish(ending)
        return self._taken_events()

    def release(self) -> bytes:
        """What was held back only in case more comes: for a caller that has waited long enough after ``[DONE]``."""
        for at, repair in enumerate(self._repairs):
            self._emit(self._run(repair.release(), at + 1))
        return self._taken_bytes()

    @property
    def unrepaired(self) -> tuple[Unrepaired, ...]:
        """Deviations that were noticed and could not be mended, and why."""
        return tuple(self.story.account.unrepaired.values())

    @property
    def passes_through(self) -> bool:
        """Whether nothing is mended here: no stream was asked for, or the API is foreign and has no translator."""
        return self._consume == self._pass

    @property
    def done(self) -> bool:
        """Whether ``[DONE]`` or the last event of a response has come: nothing of the answer is outstanding."""
        return any(repair.done for repair in self._repairs)

    @property
    def broken(self) -> bool:
        """Whether the body went by unrepaired and stopped where its content coding did: its end is not one."""
        return self.stepped_aside and self._body.fault is not None

    @property
    def translated(self) -> bool:
        """Whether the stream speaks a foreign protocol and comes out as chat chunks."""
        return self._translator is not None

    @property
    def head(self) -> ResponseHead | None:
        """The response head to send with the mended body; None when there is none."""
        head = self._head
        if head is None or self.passes_through:
            return head
        gone = {"content-length", "content-type", "content-encoding"}
        kept = tuple((name, value) for name, value in head.headers if name.lower() not in gone)
        failed = not 200 <= head.status < 300
        kind = "application/json" if failed else "text/event-stream; charset=utf-8"
        sent = head.header("content-type")
        if not failed and sent is not None and sent.split(";")[0].strip().lower() == "text/event-stream":
            charset = sent.lower().partition("charset=")[2].strip(' "')
            kind = sent if charset in ("", "utf-8", "utf8") else kind
        if not failed and "no-cache" not in (head.header("cache-control") or ""):
            # Or a proxy on the way may hold the stream back.
            hint = (
                ("cache-control", "no-cache") if head.header("cache-control") is None else ("x-accel-buffering", "no")
            )
            kept = (*kept, hint)
        return replace(head, headers=(("content-type", kind), *kept))

    # -- bytes -------------------------------------------------------------------------------------------------------

    def _mode_for_head(self) -> None:
        story = self.story
        unasked = story.request_known and not story.api.asks_for_stream(story.body, self._url)
        foreign = not (story.api.judged or story.api is UNKNOWN or story.api.translator())
        if unasked or foreign:
            self._consume = self._pass
        elif self._head is not None and not 200 <= self._head.status < 300:
            self._consume = self._collect
        elif not self._body.identity:
            self._checking = True

    def _feed(self, data: bytes) -> None:
        if len(data) <= SLICE and not self._coded and not self._checking:
            if data:
                self._consume(data)
            return
        for _ in self._steps(data):
            pass

    def _steps(self, data: bytes) -> Iterator[None]:
        """Take ``data`` in, a little at a time."""
        if self._checking:
            data = self._check_coding(data)
        for piece in self._body.pieces(data) if self._coded else (data,):
            parts = (piece,) if self._consume in (self._go_by, self._drop) else slices(piece)
            for part in parts:
                self._consume(part)
                yield
            yield
        if self._coded and self._body.fault is not None:
            self.story.account.cannot("encoding-mislabelled", self._body.fault)

    def _pass(self, data: bytes) -> None:
        self._out.append(data)

    def _drop(self, data: bytes) -> None:
        """What follows an error event that stands for all of it."""

    def _collect(self, data: bytes) -> None:
        """An answer with an error status: small, and not a stream."""
        for piece in self._body.pieces(data):
            if len(self._start) >= _MAX_ERROR_BODY:
                return
            self._start += piece[: _MAX_ERROR_BODY - len(self._start)]

    def _check_coding(self, data: bytes) -> bytes:
        """A body that is plainly not in the coding its header names is read as it is; what to go on with."""
        self._start += data
        if len(self._start) < 6:
            return b""
        start = bytes(self._start)
        self._start.clear()
        if _SSE_START.match(start) or _JSON_START.match(start):
            self.changes["encoding-mislabelled"] = 1
        else:
            self._coded = True
        self._checking = False
        return start

    def _begin(self, data: bytes) -> None:
        """The first byte that is no white space says whether this is an event stream or bare JSON."""
        self._start += data
        start = bytes(self._start).removeprefix(BOM)
        first = start.lstrip(b" \t\r\n")[:1]
        undecided = not first or (not start.startswith((b"{", b"[")) and BOM.startswith(bytes(self._start)))
        if undecided and len(self._start) <= LARGE:
            return
        data = bytes(self._start)
        self._start.clear()
        if first in (b"{", b"["):
            self._splitter = JsonSplitter(into_array=first == b"[")
            data = start
        self._consume = self._plain
        self._plain(data)

    def _plain(self, data: bytes) -> None:
        """Bytes of the body without its content coding."""
        room = self._mark - self._seen
        if len(data) > room:
            self._seen, self._mark = self._mark, self._mark + MARK
            self._part(data[:room])
            story = self.story
            if self._consume == self._plain and (
                why := Burden.stream(self._seen, story.at + 1, story.calls, self._coded)
            ):
                self._step_aside(why, self._unread())
            self._consume(data[room:])
            return
        self._seen += len(data)
        self._part(data)

    def _part(self, data: bytes) -> None:
        if self._splitter is not None:
            self._json_part(data, self._splitter)
            return
        events = self._decoder.feed(data)
        for at, event in enumerate(events):
            raw = event.sse.raw if event.sse is not None else b""
            if len(raw) > HEAVY and (why := self._burden.event(event, raw, self._holding)):
                left = [one.sse.raw for one in events[at:] if one.sse is not None]
                self._step_aside(why, b"".join(left) + self._decoder.rest)
                return
            self._take(event)
        self._watch(self._decoder.pending, data)

    def _json_part(self, data: bytes, splitter: JsonSplitter) -> None:
        for value in splitter.feed(data):
            if len(value) > HEAVY and (why := self._burden.event(None, value, self._holding)):
                self._step_aside(why, b"")
                return
            self._take_value(value)
        if splitter.stopped:
            self._splitter = None
            self._part(splitter.rest)
        else:
            self._watch(splitter.pending, data)

    @property
    def _holding(self) -> bool:
        return any(repair.holding for repair in self._repairs)

    def _unread(self) -> bytes:
        """Bytes of an event that is not complete."""
        return self._decoder.rest if self._splitter is None else self._splitter.rest

    def _watch(self, size: int, new: bytes) -> None:
        """An event that is not complete may be too much already."""
        if size <= LARGE and self._burden.unseen:
            return
        whole = self._unread() if self._burden.unseen else b""
        if why := self._burden.growing(size, new, whole):
            self._step_aside(why, self._unread())

    def _step_aside(self, why: str, unread: bytes) -> None:
        """Mend nothing from here on: what was held back goes out, then ``unread`` and all that comes.

        A body that is no event stream, or not OpenAI's, would be noise to the client: an error event stands for it.
        """
        self.story.account.cannot(TOO_MUCH, why)
        readable = self._splitter is None and self._translator is None
        self._end_repairs(Ending.INTERRUPTED)
        self._out += self._peeked
        if readable:
            self._out.append(unread)
        else:
            message = f"the upstream's answer cannot be translated: {why}"
            change = Change(TOO_MUCH, "error", origin=Origin.INVENTED)
            self._emit([Draft(error_event(message, "upstream_invalid_response"), (), [change], True)])
        self.stepped_aside = readable
        self._repairs, self._peeked, self._splitter, self._translator = (), [], None, None
        self._decoder = StreamDecoder()
        self._consume = self._go_by if readable else self._drop

    def _go_by(self, data: bytes) -> None:
        self._out.append(data)

    def _finish(self, ending: Ending) -> None:
        if self._finished:
            return
        self._finished = True
        if self._consume in (self._pass, self._go_by, self._drop):
            return
        if self._consume == self._collect:
            self._out.append(error_status_body(bytes(self._start), self._head))
            return
        rest = bytes(self._start) + (self._splitter.rest if self._splitter is not None else b"")
        self._splitter = None
        events = self._decoder.feed(rest) if rest else []
        for event in (*events, *self._decoder.finish()):
            self._take(event)
        if not self._repairs:
            self._settle(UNKNOWN)
        if self._translator is not None:
            self._pipe(self._translated(self._translator.finish(ending), ()))
            for what in self._translator.lost:
                self.story.account.cannot("translated", f"chat chunks have no place for {what}")
        self._end_repairs(ending)

    def _end_repairs(self, ending: Ending) -> None:
        for at, repair in enumerate(self._repairs):
            left, repair.comments = repair.comments, []
            self._emit(self._run((*repair.end(ending), *left), at + 1))

    # -- events ------------------------------------------------------------------------------------------------------

    def _take_value(self, value: bytes) -> None:
        """One JSON value of a body that is no event stream."""
        event = read_event(frame(value.replace(b"\n", b" ").replace(b"\r", b" ")))
        self.story.account.at += 1
        if isinstance(event, Chunk | Undecodable) and self.story.api is UNKNOWN:
            self._settle(api_of_json(event.json if isinstance(event, Chunk) else event.value))
        if isinstance(event, Chunk) and self._translator is None:
            whole = self.story.api.streamed(event.json, self.story)
            if whole is not None:
                self._pipe(whole)
                return
            error = error_body(event.json)
            if error is not None:
                event = ErrorPayload(None, error)
        rule = "http-status-200-on-error" if isinstance(event, ErrorPayload) else "sse-ndjson-instead"
        changes = [] if self._translator is not None else [Change(rule, "")]
        self._start_event(Draft(event, (self.story.at,), changes))

    def _take(self, event: StreamEvent) -> None:
        """One event of the stream: past the repairs untouched when none waits for it."""
        self.story.account.at += 1
        if not self._repairs or self._translator is not None:
            self._start_event(Draft(event, (self.story.at,)))
            return
        if type(event) is Chunk and not self._waited_for(event):
            self._pass_chunk(event)
            return
        self._pipe((Draft(event, (self.story.at,)),))

    def _pass_chunk(self, event: Chunk) -> None:
        story, chunk = self.story, event.json
        story.chunks += 1
        story.last = chunk
        story.api.passed(chunk, story)
        if self._accounting or event.sse is None:
            self._out.append(Draft(event, (story.at,)))
        else:
            self._out.append(event.sse.raw)

    def _waited_for(self, event: Chunk) -> bool:
        facts = reading.kind_facts(event) | self._reader.read(event.json)
        if self._awake:
            return True
        if facts & Fact.WIDE and event.sse is not None and not SEPARATORS.search(event.sse.raw):
            facts &= ~Fact.WIDE
        shape = self._reader.shape
        if facts & Fact.SHAPE and (not shape or any(repair.shape(event.json) for repair in self._repairs)):
            self._slow_shapes.add(shape)
        if facts & self._on or shape in self._slow_shapes:
            return True
        return self.story.api.wants_a_look(event, facts, self.story)

    def _start_event(self, draft: Draft) -> None:
        """An event while the API, and with it the pipeline, may still be unknown."""
        if self._translator is not None:
            self._pipe(self._translated(self._translator.feed(draft.event), draft.sources))
            return
        if self._repairs:
            self._pipe((draft,))
            return
        if self._consume == self._pass:
            self._out.append(draft)
            return
        self._peeked.append(draft)
        event = draft.event
        value: Any = event.json if isinstance(event, Chunk | ErrorPayload) else None
        if isinstance(event, Undecodable) and event.decoded:
            value = event.value
        api = api_of_json(value)
        if api is not UNKNOWN or len(self._peeked) >= _PEEKED_EVENTS:
            self._settle(api)

    def _settle(self, api: Api) -> None:
        """The API is known: choose repairs, or a translator, or let everything pass."""
        self.story.api = api if api is not UNKNOWN else self.story.api
        if self.story.api is UNKNOWN:
            self.story.api = DEFAULT
        self._build()
        peeked, self._peeked = self._peeked, []
        for draft in peeked:
            self._start_event(draft)

    def _build(self) -> None:
        story = self.story
        if not story.api.judged:
            make = story.api.translator()
            if make is None:
                self._repairs = ()
                self._consume = self._pass
                return
            self._translator = make(story.body)
            # From here on the story is that of a chat stream, about which the foreign request says nothing.
            story.api = DEFAULT
            story.asked.forget()
        self._repairs = tuple(one(story) for one in repair_classes(story.unsafe) if concerns(one, story.api))
        self._look()

    def _look(self) -> None:
        """Work out which facts any repair waits for."""
        self._retirements = self.story.retirements
        self._on = 0
        for repair in self._repairs:
            self._on |= repair.asks
        self._awake = any(repair.awake for repair in self._repairs)

    @staticmethod
    def _translated(events: Iterable[StreamEvent], sources: tuple[int, ...]) -> list[Draft]:
        return [Draft(event, sources, [Change("translated", "")]) for event in events]

    # -- the pipeline ------------------------------------------------------------------------------------------------

    def _pipe(self, drafts: Drafts) -> None:
        self._emit(self._run(drafts, 0))
        self._awake = any(repair.awake for repair in self._repairs)
        if self.story.retirements != self._retirements:
            self._look()

    def _run(self, drafts: Drafts, start: int) -> Drafts:
        for repair in self._repairs[start:]:
            step: list[Draft] = []
            for draft in drafts:
                step += _past(repair, draft)
            drafts = step
            if not step:
                break
        return drafts

    def _emit(self, drafts: Drafts) -> None:
        for draft in drafts:
            self._out.append(draft)
            for rule in {change.rule for change in draft.changes}:
                self.changes[rule] = self.changes.get(rule, 0) + 1
            if draft.is_chunk:
                self._remember(draft)

    def _remember(self, draft: Draft) -> None:
        story = self.story
        story.chunks += 1
        story.last = draft.json
        for choice in reading.choices(draft.json):
            index = reading.choice_index(choice)
            text = reading.content(reading.delta(choice))
            if text:
                story.texts.add(index, text)
        story.api.went_out(draft.json, story)

    # -- output ------------------------------------------------------------------------------------------------------

    def _taken_bytes(self) -> bytes:
        out, self._out = self._out, []
        return b"".join(one if isinstance(one, bytes) else _raw(one) for one in out)

    def _taken_events(self) -> list[Mended]:
        out, self._out = self._out, []
        return [_account(one) if isinstance(one, Draft) else _opaque(one) for one in out]


def _past(repair: Repair, draft: Draft) -> list[Draft]:
    """What a repair makes of one event. A comment decides nothing about an answer, but keeps its place in it."""
    if type(draft.event) is Comment and Stage.ERROR <= repair.stage <= Stage.TOOL_CALL:
        if repair.holding and len(repair.comments) < _MAX_COMMENTS:
            repair.comments.append(draft)
            return []
        return [draft]
    made = list(repair.event(draft))
    if repair.comments and not repair.holding:
        at = next((at for at, one in enumerate(made) if one is draft), len(made))
        made[at:at], repair.comments = repair.comments, []
    return made


def _raw(draft: Draft) -> bytes:
    event = draft.event
    raw = encode(event)
    if event.sse is None and not isinstance(event, Done):
        return SEPARATORS.sub(_escaped, raw)
    return raw


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match.group().decode())


def _account(draft: Draft) -> Mended:
    origin = Origin.DERIVED if draft.changes else Origin.COPIED
    if draft.invented:
        origin = Origin.INVENTED
    return Mended(draft.event, _raw(draft), origin, draft.sources, tuple(draft.changes))


def _opaque(data: bytes) -> Mended:
    """Bytes that are no events here: passed through, or an error answer."""
    return Mended(read_event(frame(data[:0])), data, Origin.COPIED, (), ())


@dataclass(frozen=True, slots=True)
class Normalized:
    """A mended exchange, the account of its events, how often each rule's repair acted, and what stays broken."""

    exchange: Exchange
    events: tuple[Mended, ...]
    changes: dict[str, int]
    unrepaired: tuple[Unrepaired, ...]
    dropped: tuple[Dropped, ...] = ()


def normalize(exchange: Exchange, *, unsafe: bool = False, api: Api | None = None) -> Normalized:
    """Mend a whole exchange. Arrival times are those of the segments whose bytes made the output certain."""
    normalizer = Normalizer(exchange.request, exchange.head, unsafe=unsafe, api=api)
    segments: list[Segment] = []
    events: list[Mended] = []

    def add(offset_us: int | None, mended: Iterable[Mended]) -> None:
        found = list(mended)
        events.extend(found)
        data = b"".join(one.raw for one in found)
        if data:
            segments.append(Segment(offset_us, data))

    last_us = exchange.end_us
    for segment in exchange.segments:
        add(segment.offset_us, normalizer.feed_events(segment.data))
        last_us = segment.offset_us if segment.data else last_us
    # [DONE] ends the answer, however long the upstream kept the connection open after it.
    end_us = last_us if normalizer.done else exchange.end_us
    add(end_us, normalizer.finish_events(exchange.ending))
    mended = replace(exchange, segments=tuple(segments), end_us=end_us)
    if not normalizer.passes_through:
        mended = _as_sent(mended, normalizer)
    dropped = tuple(normalizer.story.account.dropped)
    return Normalized(mended, tuple(events), normalizer.changes, normalizer.unrepaired, dropped)


def _as_sent(exchange: Exchange, normalizer: Normalizer) -> Exchange:
    """What is around a mended body: its own head, HTTP chunks, and an end, which an error event stands for."""
    head, request = normalizer.head, exchange.request
    if head is not None and head.header("transfer-encoding") is None:
        head = replace(head, headers=(*head.headers, ("transfer-encoding", "chunked")), http_version="1.1")
    if normalizer.translated and request is not None:
        request = replace(request, url="/v1/chat/completions", body=None)
    cut = exchange.ending in (Ending.UPSTREAM_CUT, Ending.TIMED_OUT)
    if normalizer.stepped_aside:
        cut, exchange = False, replace(exchange, ending=Ending.UPSTREAM_CUT if normalizer.broken else exchange.ending)
    return replace(
        exchange,
        request=request,
        head=head,
        http_chunks=tuple(len(segment.data) for segment in exchange.segments),
        ending=Ending.COMPLETE if cut else exchange.ending,
        notes={},
    )


def errors_left(normalized: Normalized) -> tuple[str, ...]:
    """The rules at error level that still speak after mending, or whose deviation could not be mended."""
    rules = by_name()
    left = [
        one.rule for one in normalized.unrepaired if one.rule in rules and rules[one.rule].severity is Severity.ERROR
    ]
    left += [one.rule for one in analyze(normalized.exchange).findings if one.severity is Severity.ERROR]
    return tuple(dict.fromkeys(left))
