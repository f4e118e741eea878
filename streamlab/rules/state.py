"""What is known of an exchange while it is read: the state that rules read and only the analyzer writes.

`StreamState` is what rules and repairs have in common; `RuleState` is the view of the rules, `RepairState`
(rules/repair.py) that of the repairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from streamlab.exchange import Ending, Request, ResponseHead
from streamlab.rules.api import Api, Tracker
from streamlab.rules.landmarks import Landmarks
from streamlab.rules.request import RequestReading
from streamlab.wire import reading
from streamlab.wire.bad_payloads import MisfitReader
from streamlab.wire.bodies import BodyKind
from streamlab.wire.call_reader import CallReader, Fragment
from streamlab.wire.choice_parts import one_answer
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.events import StreamEvent
from streamlab.wire.finish_reasons import is_blank
from streamlab.wire.locate import member_of, member_span
from streamlab.wire.payload import JsonObject, decode_payload
from streamlab.wire.runs import Run
from streamlab.wire.sse import BOM, ServerSentEvent
from streamlab.wire.stream import last_of


class StreamState:
    """The request, the response's head and the API of a stream. Unknown is None, never a guess."""

    def __init__(self, request: Request | None, head: ResponseHead | None, api: Api) -> None:
        self.request = request
        self.head = head
        self.api = api
        self.asked = RequestReading(request)
        self.retirements = 0  # how often a repair, or a rule about reads, said that it has nothing more to look for
        #: Facts of the events about which some rule wants to be asked no more, or again: that is worked out anew.
        self.unsettled = 0

    @property
    def request_known(self) -> bool:
        """Whether the request's body is known, and a JSON object."""
        return self.asked.known

    @property
    def body(self) -> JsonObject:
        """The request's JSON object; empty when unknown."""
        return self.asked.body

    @property
    def tools(self) -> frozenset[str] | None:
        """Names of the tools the request offers; None when the request is unknown."""
        return self.asked.tools

    @property
    def n(self) -> int | None:
        """How many choices were asked for, over all prompts of legacy completions; None when the request is unknown."""
        return self.asked.n

    @property
    def include_usage(self) -> bool | None:
        """Whether the request asks for usage; None when the request is unknown."""
        return self.asked.include_usage


class Seen:
    """What has come of a stream, up to and including the event being judged. Numbers of events; None until seen."""

    __slots__ = (
        "before_asides",
        "chunks",
        "content_events",
        "data_events",
        "done_at",
        "error_at",
        "events",
        "finish_at",
        "finish_values",
        "finished",
        "first_chunk",
        "first_content",
        "hollow",
        "landmarks",
        "last",
    )

    def __init__(self) -> None:
        self.events = 0
        self.chunks = 0
        self.data_events = 0
        self.content_events = 0  # chunks that add text, reasoning, refusal, tool call or legacy text
        self.first_chunk: JsonObject | None = None  # that is part of the answer, where one is
        self.last: JsonObject | Run | None = None  # the last chunk, or the run that it is the last of
        self.before_asides: JsonObject | Run | None = None  # the last chunk of the answer, where others follow it
        self.landmarks = Landmarks()
        self.first_content: tuple[int, JsonObject] | None = None  # the first chunk that adds some, and its event
        self.hollow = 0  # events with data that hold nothing (wire/hollow), up to the first that holds something
        self.done_at: int | None = None
        self.error_at: int | None = None
        self.finished: tuple[int, int | None] | None = None  # with which event, and when, the tracker first said so
        self.finish_at: dict[int, int] = {}  # choice index -> event of its first finish_reason
        self.finish_values: dict[int, str] = {}  # choice index -> first finish_reason that says something

    def note_finish(self, at: int, chunk: JsonObject) -> None:
        """Event number ``at`` says why choices stop."""
        for choice in reading.choices(chunk):
            reason = reading.finish_reason(choice)
            if isinstance(reason, str):  # what else stands there finishes nothing
                index = reading.choice_index(choice)
                self.finish_at.setdefault(index, at)
                if not is_blank(reason):
                    self.finish_values.setdefault(index, reason)

    @property
    def last_chunk_at(self) -> int | None:
        """The event of the last chunk."""
        return self.landmarks.last_at

    @property
    def first_content_at(self) -> int | None:
        """The event of the first chunk that adds some."""
        return self.first_content[0] if self.first_content is not None else None

    @property
    def finished_at(self) -> int | None:
        """The event with which the tracker first said that the answer has finished."""
        return None if self.finished is None else self.finished[0]

    @property
    def last_chunk(self) -> JsonObject | None:
        """The last chunk."""
        last = self.last
        if type(last) is Run:
            last = self.last = last_of(last)
        return last  # type: ignore[return-value]

    @property
    def last_of_answer(self) -> JsonObject | None:
        """The last chunk that is part of the answer: no keep-alive, no object of another kind."""
        last = self.before_asides
        if type(last) is Run:
            last = self.before_asides = last_of(last)
        return self.last_chunk if last is None else last  # type: ignore[return-value]


class Received:
    """The body as bytes: how much came, in what coding and framing, and what kind of thing it is."""

    def __init__(self) -> None:
        self.body_bytes = 0  # as sent
        self.decoded_bytes = 0
        self.segments = 0
        self.last_read_us: int | None = None
        self.http_chunked: bool | None = None
        self.timing_known = False
        # known at the end
        self.kind = BodyKind.EMPTY  # judged from `prefix`
        self.prefix = b""  # the first bytes of the decoded body (wire/bodies.PREFIX_BYTES)
        self.coding_fault: str | None = None
        self.coding_ended = True  # whether the coded data, if it is any, came to its proper end
        self.framed = False  # whether it came in binary frames
        self.coded_parts = 0  # members of gzip or frames of zstd that the body is made of
        self.foreign: Api | None = None  # whose answer it is, where the path promised another API's

    def know_coding(self, body: BodyDecoder) -> None:
        """Take in how the body was coded, once all of it came."""
        self.coding_fault, self.coded_parts, self.framed = body.fault, body.parts, bool(body.framed)
        self.coding_ended = body.complete

    @property
    def whole_json(self) -> Any:
        """The body as one JSON value, when it is one, or was meant as one but for raw control bytes in its strings, and
        is short enough to have been kept; else None."""
        if self.kind is not BodyKind.JSON or self.decoded_bytes > len(self.prefix):
            return None
        return decode_payload(self.prefix).value

    def whole_span(self, path: str | None) -> tuple[int, int]:
        """The bytes of a member of the body that is one JSON value, or of all of it."""
        known = path is not None and self.decoded_bytes <= len(self.prefix)
        return (member_of(self.prefix, path) if known and path else None) or (0, self.decoded_bytes)

    @property
    def first_json(self) -> Any:
        """The same, or the first of the JSON values that a body without framing holds."""
        if self.kind is not BodyKind.NDJSON:
            return self.whole_json
        payload = decode_payload(self.prefix.removeprefix(BOM).lstrip().splitlines()[0])
        return payload.value if payload.ok else None


class RuleState(StreamState):
    """What a rule may read of the exchange it judges."""

    def __init__(
        self,
        request: Request | None,
        head: ResponseHead | None,
        api: Api,
        calls: CallReader,
        recognise: Callable[[Any], Api],
        notes: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(request, head, api)
        #: The API that the path of the request names.
        self.api_asked = api
        #: The API that a JSON value betrays.
        self.recognise = recognise
        self.notes = notes or {}
        #: What reads events whose meaning hangs on those before; None where each chunk stands for itself.
        self.tracker: Tracker | None = None
        self.accumulator: Any = api.fold(None)
        #: All tool calls so far. A rule that judges their fragments waits for Fact.FRAGMENT and asks for ``fragments``.
        self.calls = calls
        #: Whether anybody wants to know which bytes a finding is about.
        self.spans = True
        #: Undecodable events; rules/bad_payloads.py asks it.
        self.misfits = MisfitReader()
        self.seen = Seen()
        self.received = Received()
        # the event being judged
        self.facts = 0
        self.offset_us: int | None = None
        # known at the end
        self.ending: Ending | None = None
        self.end_us: int | None = None

    def know(self, api: Api, tracker: Tracker | None) -> None:
        """The API that it is, and what reads its events."""
        self.api, self.tracker = api, tracker
        self.accumulator = api.fold(tracker)

    def fold_whole(self, api: Api) -> None:
        """Take in an answer that came whole, as it does when no stream was asked for."""
        whole = self.received.whole_json
        if type(whole) is dict and not self.seen.chunks and api.is_whole_answer(whole):
            self.accumulator.feed(whole)

    def said(self) -> Iterator[tuple[str, int | None, str, str]]:
        """The answers so far: what to call each, its choice, its text and its reasoning. An API without choices gives
        one, of none."""
        for state in self.accumulator.choices.values():
            yield f"choice {state.index}", state.index, str(state.content or ""), str(state.reasoning or "")
        if not self.accumulator.choices:
            held = self.accumulator.completion()
            yield "the answer", None, str(held.get("content") or ""), str(held.get("reasoning") or "")

    def span_of(self, sse: ServerSentEvent, path: str | None) -> tuple[int, int] | None:
        """The bytes of an event's member in the body, or of all of it; None where nobody wants to know."""
        if not self.spans:
            return None
        return (member_span(sse, path) if path is not None else None) or sse.span

    def fragments(self, at: int, event: StreamEvent) -> tuple[Fragment, ...]:
        """The tool call fragments of the event being judged that are more than the next piece of arguments."""
        return self.calls.read(at, event, self.offset_us)

    def is_over(self, ending: Ending) -> bool:
        """Whether nothing was still to come of the answer: the message ended and no error did that, or the connection
        broke behind the end of the answer, where no client reads on."""
        done_at, error_at = self.seen.done_at, self.seen.error_at
        if error_at is not None and (done_at is None or error_at < done_at):
            return False
        return ending is Ending.COMPLETE or done_at is not None

    @property
    def streamed(self) -> bool:
        """Whether a stream was asked for; where the request is unknown, whether one came."""
        if self.asked.known:
            return self.api.asks_for_stream(self.body, self.request.url if self.request is not None else "")
        content_type = self.content_type or ""
        return "event-stream" in content_type or self.received.kind is BodyKind.SSE

    @property
    def content_type(self) -> str | None:
        """The media type in lower case, without parameters; None when there was none."""
        value = self.head.header("content-type") if self.head is not None else None
        return value.split(";")[0].strip().lower() if value is not None else None

    @property
    def finished(self) -> bool:
        """Whether every choice seen has had a finish_reason, or the one answer that all of them are."""
        if self.tracker is not None:
            return self.tracker.finished
        choices = self.accumulator.choices
        finishes = self.seen.finish_at
        if not finishes or not choices:
            return False
        return all(index in finishes for index in choices) or one_answer(choices, finishes, self.n)
