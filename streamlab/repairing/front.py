"""The bytes of a body on their way to the repairs: content coding, what kind of body it is, events, and limits."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from streamlab.apis import UNKNOWN, Api
from streamlab.exchange import Ending, ResponseHead
from streamlab.judging.stream_reader import StreamReader
from streamlab.lazy_pattern import lazy_pattern
from streamlab.repairing.limits import HEAVY, LARGE, MARK, SLICE, Burden, slices
from streamlab.repairing.modes import TRANSITIONS, Coding, Mode
from streamlab.repairing.pipeline import Pipeline
from streamlab.repairing.whole_answers import TOO_MUCH, ErrorAnswer, error_body
from streamlab.rules.repair import MOST_UNSEEN, WHOLE, Change, Draft, Origin, RepairState, error_event
from streamlab.rules.repairs.framing import frame
from streamlab.wire.bodies import coding_of, is_begun
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.json_values import JsonSplitter
from streamlab.wire.runs import Run
from streamlab.wire.sse import BOM
from streamlab.wire.stream import StreamDecoder, events_of, raw_of, read_event

_SSE_START = lazy_pattern(rb"(?:data|event|id|retry)?:")
_ARRAY = lazy_pattern(rb"[ \t\r\n]*\[[ \t\r\n]*[\[{\]]")
_JSON_START = lazy_pattern(rb"[ \t\r\n]*[{\[]")

#: Modes in which bytes are taken whole, for nothing is looked for in them.
_WHOLE = frozenset({Mode.ASIDE, Mode.DROPPING})


class Front:
    """Takes a body's bytes and hands its events to the repairs."""

    def __init__(
        self, head: ResponseHead | None, state: RepairState, reader: StreamReader[Draft], pipeline: Pipeline, mode: Mode
    ) -> None:
        self.mode = mode
        self._state, self._reader, self._pipeline = state, reader, pipeline
        self._body = BodyDecoder.of(head)
        self.error = ErrorAnswer(head, self._body)
        coded = mode is Mode.BEGINNING and not self._body.identity
        self._coding = Coding.CHECKING if coded else Coding.NONE
        self._decoder, self._splitter = StreamDecoder(read=pipeline.read), JsonSplitter(into_array=False)
        self._start, self._burden = bytearray(), Burden()
        self._seen, self._mark, self._unlooked = 0, MARK, 0
        self._values: bytearray | None = None  # bare JSON as it came, while it is open whose it is

    @property
    def broken(self) -> bool:
        """Whether the body went by unrepaired and stopped where its content coding did: its end is not one."""
        return self.mode is Mode.ASIDE and self._body.fault is not None

    def _become(self, mode: Mode) -> None:
        assert mode in TRANSITIONS[self.mode], (self.mode, mode)
        self.mode = mode

    def feed(self, data: bytes) -> None:
        """Bytes of the body as they came. Before ``_unlooked`` of them nothing is to be done but to find ends."""
        if self._seen + len(data) <= self._unlooked and self._decoder.absorbs(data):
            self._seen += len(data)
        elif len(data) > SLICE or self._coding is not Coding.NONE:
            deque(self.steps(data), maxlen=0)
        elif data and self.mode is Mode.READING:
            self._measured(data)
        elif data:
            self._consume(data)

    def feed_byte(self, data: bytes, at: int) -> int:
        """The byte at ``at``, which came alone, as those behind it did: where the first is that needs a look."""
        if self.mode is Mode.PASSING and self._coding is Coding.NONE:
            self._pipeline.out.append(data[at:])
            return len(data)
        self.feed(data[at : at + 1])
        absorbed = self._decoder.absorbs_event(data, at + 1, self._unlooked - self._seen)
        self._seen += absorbed
        return at + 1 + absorbed

    @property
    def room(self) -> int:
        """Bytes of events that may pass unseen; 0 where something else is under way."""
        at_rest = self.mode is Mode.READING and self._coding is Coding.NONE and not self._decoder.pending
        return min(self._mark - self._seen, MOST_UNSEEN) if at_rest and self._burden.unseen else 0

    def passed_unseen(self, run: Run) -> None:
        """A run went out unseen, before anything else came."""
        self._seen += len(run.raw)
        self._decoder.skip(len(run.raw))

    def steps(self, data: bytes) -> Iterator[None]:
        """Take ``data`` in, a little at a time."""
        if self._coding is Coding.CHECKING:
            data = self._check_coding(data)
        decoding = self._coding is Coding.DECODING
        for piece in self._body.pieces(data) if decoding else (data,):
            for part in (piece,) if self.mode in _WHOLE else slices(piece):
                for decoded in self._body.pieces(part) if self._coding is Coding.DECODING and not decoding else (part,):
                    self._consume(decoded)
                    yield
            yield
        if decoding and self._body.fault is not None:
            self._state.account.cannot("encoding-mislabelled", self._body.fault, WHOLE)

    def _consume(self, data: bytes) -> None:
        mode = self.mode
        if mode is Mode.READING or mode is Mode.SPLITTING:
            self._measured(data)
        elif mode is Mode.BEGINNING:
            self._begin(data)
        elif mode is Mode.COLLECTING:
            self._pipeline.out += self.error.feed(data)
        elif mode is not Mode.DROPPING:
            self._pipeline.out.append(data)

    def _check_coding(self, data: bytes) -> bytes:
        """A body that is plainly not in the coding its header names is read as it is; what to go on with."""
        self._start += data
        if len(self._start) < 6:
            return b""
        start = bytes(self._start)
        self._start.clear()
        plain = _SSE_START.match(start) or _JSON_START.match(start)
        self._coding = Coding.NONE if plain else Coding.DECODING
        self._state.account.changes["encoding-mislabelled" if plain else "gzip-on-sse"] = 1
        return start

    def _begin(self, data: bytes) -> None:
        self._start += data
        start = bytes(self._start).removeprefix(BOM)
        first = start.lstrip(b" \t\r\n")[:1]
        undecided = start.strip(b" \t\r\n") in (b"", b"[") or (first not in b"{[" and BOM.startswith(self._start))
        if (undecided or is_begun(start)) and len(self._start) <= LARGE:
            return
        data = bytes(self._start)
        self._start.clear()
        if self._coding is Coding.NONE and (coding := coding_of(data)) is not None:
            self._decode(coding, data)
            return
        if self._reader.announced(self.error.head, start):
            self._leave_alone(data)
            return
        if first == b"{" or _ARRAY.match(start):
            self._splitter = JsonSplitter(into_array=first == b"[")
            self._become(Mode.SPLITTING)
            self._values = bytearray(data[: len(data) - len(start)])
            data = start
        else:
            self._become(Mode.READING)
        self._measured(data)

    def _decode(self, coding: str, data: bytes) -> None:
        """A body that is compressed, which no header says."""
        self._state.account.changes["encoding-mislabelled"] = 1
        self._body, self._coding = BodyDecoder(coding), Coding.DECODING
        for piece in filter(None, self._body.pieces(data)):
            self._consume(piece)

    def _leave_alone(self, left: bytes) -> None:
        """What comes is another protocol than the path promises, or one that is not known: it passes as it is."""
        pipeline = self._pipeline
        if (foreign := self._reader.foreign) is not None:
            rule = self._reader.api.foreign_rule(foreign)
            self._state.account.cannot(rule, f"{foreign.title} is left as it is", WHOLE)
        pipeline.end(Ending.INTERRUPTED)
        pipeline.dismantle()
        self._become(Mode.PASSING)
        self._values = None
        pipeline.out += [left] if left else []

    def _measured(self, data: bytes) -> None:
        """Bytes without their content coding; at every mark the stream as a whole is looked at."""
        room, self._unlooked = self._mark - self._seen, 0
        if len(data) <= room:
            self._seen += len(data)
            self._part(data)
            if self.mode is Mode.READING and self._coding is Coding.NONE:
                unlooked, mark = self._seen + LARGE - self._decoder.pending, self._mark
                self._unlooked = unlooked if unlooked < mark else mark
            return
        self._seen, self._mark = self._mark, self._mark + MARK
        self._part(data[:room])
        events, calls, coded = self._state.at + 1, self._state.calls, self._coding is Coding.DECODING
        reading = self.mode in (Mode.READING, Mode.SPLITTING)
        if reading and (why := Burden.stream(self._seen, events, calls, coded)):
            self._step_aside(why, self._unread())
        self._consume(data[room:])

    def _part(self, data: bytes) -> None:
        if self.mode is Mode.SPLITTING:
            self._split(data)
            return
        taken = self._decoder.feed_runs(data)
        for at, one in enumerate(taken):
            if type(one) is Run:  # of short events
                for event in () if self._pipeline.take_run(one) else events_of(one):
                    self._take(event)
                continue
            raw = raw_of(one)
            if len(raw) > HEAVY and (why := self._burden.event(one, raw, self._pipeline.holding)):  # type: ignore[arg-type]
                self._step_aside(why, b"".join(map(raw_of, taken[at:])) + self._decoder.rest)
                return
            self._take(one)  # type: ignore[arg-type]
        if self.mode is Mode.PASSING:  # the API turned out to be foreign: what is half read passes too
            self._pipeline.out.append(self._decoder.rest)
        else:
            self._watch(self._decoder.pending, data)

    def _split(self, data: bytes) -> None:
        splitter = self._splitter
        if self._values is not None:
            self._values += data
        for value in splitter.feed(data):
            if len(value) > HEAVY and (why := self._burden.event(None, value, self._pipeline.holding)):
                self._step_aside(why, b"")
                return
            self._take_value(value)
            if self.mode is Mode.PASSING:  # all of it went out as it came
                return
            if self._pipeline.built:
                self._values = None
        if splitter.stopped:
            self._become(Mode.READING)
            self._part(splitter.rest)
        else:
            self._watch(splitter.pending, data)

    def _unread(self) -> bytes:
        """Bytes of an event that is not complete."""
        return self._splitter.rest if self.mode is Mode.SPLITTING else self._decoder.rest

    def _watch(self, size: int, new: bytes) -> None:
        """An event that is not complete may be too much already."""
        if size <= LARGE and self._burden.unseen:
            return
        if why := self._burden.growing(size, new, self._unread() if self._burden.unseen else b""):
            self._step_aside(why, self._unread())

    def _step_aside(self, why: str, unread: bytes) -> None:
        """Repair nothing from here on: what was held back goes out, then ``unread`` and all that comes. A body that is
        no event stream, or not OpenAI's, would be noise to the client: an error event stands for it."""
        pipeline = self._pipeline
        self._state.account.cannot(TOO_MUCH, why)
        readable = self.mode is Mode.READING and pipeline.translator is None
        pipeline.end(Ending.INTERRUPTED)
        pipeline.out += self._reader.give_up()
        if readable:
            pipeline.out.append(unread)
        else:
            pipeline.emit([_untranslated(why)])
        pipeline.dismantle()
        self._decoder = StreamDecoder()
        self._become(Mode.ASIDE if readable else Mode.DROPPING)

    def finish(self, ending: Ending) -> None:
        """The body is over."""
        pipeline = self._pipeline
        if self.mode is Mode.COLLECTING:
            pipeline.out += self.error.finish(self._state, ending, as_chat=pipeline.to_chat)
        if self.mode in (Mode.PASSING, Mode.ASIDE, Mode.DROPPING, Mode.COLLECTING):
            return
        if self.mode is Mode.SPLITTING and self._values is not None and self._state.at < 0:
            self._state.no_answer.add_stray(bytes(self._values))  # a list without anything in it
        rest = bytes(self._start) + (self._splitter.rest if self.mode is Mode.SPLITTING else b"")
        for event in (*(self._decoder.feed(rest) if rest else ()), *self._decoder.finish()):
            self._take(event)
        if not pipeline.built:
            self._settle()
        pipeline.finish(ending)

    def _take(self, event: StreamEvent) -> None:
        """One event of the stream."""
        self._state.account.at += 1
        self._state.no_answer.look(event, typed=self._state.api.names_events)
        if self.mode is Mode.PASSING:
            self._pipeline.out.append(Draft(event, (self._state.at,)))
        elif self._pipeline.built and self._pipeline.translator is None:
            if self._reader.looks_foreign(event):
                self._leave_alone(event.sse.raw if event.sse is not None else b"")
            elif (template := self._pipeline.take(event)) is not None:
                self._decoder.learn(template)
        else:
            self._start_event(Draft(event, (self._state.at,)))

    def _take_value(self, value: bytes) -> None:
        """One JSON value of a body that is no event stream."""
        pipeline, state = self._pipeline, self._state
        event = read_event(frame(value.replace(b"\n", b" ").replace(b"\r", b" ")))
        state.account.at += 1
        leaves_open = self._reader.leaves_open(event, value)
        if isinstance(event, Chunk | Undecodable) and state.api is UNKNOWN and not leaves_open:
            self._settle(event.json if isinstance(event, Chunk) else event.value, value)
        elif isinstance(event, Chunk) and self._reader.look(event.json) is not None and self._values is not None:
            self._leave_alone(bytes(self._values))
        if self.mode is Mode.PASSING:
            return
        if isinstance(event, Chunk) and pipeline.translator is None:
            if (whole := state.api.streamed(event.json, state)) is not None:
                pipeline.pipe(whole)
                return
            if (error := error_body(event.json)) is not None:
                event = ErrorPayload(None, error)
        if not (pipeline.translator or state.chunks) and _is_nothing_of(event, self._reader.came, state.api):
            state.no_answer.stray = state.no_answer.stray or value[:400]  # the end says so, if nothing else comes
            if not (leaves_open or (isinstance(event, Chunk) and not state.api.judged)):
                state.no_answer.tear(state.at, event)
                return  # what a translator may make something of waits for what comes
        for at, one in (*state.no_answer.torn_before(event), (state.at, event)):
            self._start_event(_bare(one, at, translated=pipeline.translator is not None))

    def _start_event(self, draft: Draft) -> None:
        """An event while the API, and with it the pipeline, may still be unknown."""
        pipeline = self._pipeline
        if pipeline.built:
            pipeline.start(draft)
        elif self.mode is Mode.PASSING:
            pipeline.out.append(draft)
        elif self._reader.offer(draft, draft.event):
            self._settle()

    def _settle(self, value: Any = None, start: bytes = b"") -> None:
        """The API is known: choose repairs, or a translator, or let everything pass."""
        held = self._reader.settle(value, start)
        self._state.api = self._reader.api
        if self._reader.riddle or not self._pipeline.build():
            if self._values is not None:
                self._leave_alone(bytes(self._values))
                return
            self._become(Mode.PASSING)
        for draft in held:
            self._start_event(draft)


def pass_runs(front: Front, data: bytes, at: int) -> int:
    """Where the runs of events end that ``data``, several reads, holds from ``at`` on, and that passed the repairs.

    What follows is to be fed read by read.
    """
    if front.mode is not Mode.READING or front._coding is not Coding.NONE:
        return at
    size = front._decoder.take_runs(data[at : at + front._mark - front._seen], front._pipeline.take_run)
    if size:
        front._seen += size
        front._unlooked = min(front._mark, front._seen + LARGE)
        front._watch(0, b"")
    return at + size


def _bare(event: StreamEvent, at: int, *, translated: bool = False) -> Draft:
    """A JSON value that came without the framing of an event, as one."""
    rule = "http-status-200-on-error" if isinstance(event, ErrorPayload) else "sse-ndjson-instead"
    return Draft(event, (at,), [] if translated else [Change(rule, "", "bare JSON")])


def _is_nothing_of(event: StreamEvent, came: Api, api: Api) -> bool:
    """Whether what is no event of a stream is nothing of an answer: no JSON, or of no API that speaks like this one."""
    if isinstance(event, Undecodable):
        return not event.decoded
    return isinstance(event, Chunk) and (came is UNKNOWN or came.names_events != api.names_events)


def _untranslated(why: str) -> Draft:
    """What a client is told in place of an answer in another protocol that asks too much."""
    message = f"the upstream's answer cannot be translated: {why}"
    change = Change(TOO_MUCH, "error", origin=Origin.INVENTED)
    return Draft(error_event(message, "upstream_invalid_response"), (), [change], True)
