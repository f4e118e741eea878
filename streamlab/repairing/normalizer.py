"""Bytes of a broken stream in, bytes of the stream OpenAI would have sent out; incremental.

``feed`` and ``finish`` give bytes, ``feed_events`` and ``finish_events`` the same with an account of every event: what
was copied, derived or invented, from which input events, by which repairs. Conforming events are passed on untouched.

What it may hold back is what its repairs declare (`Repair.holds_back`); `release` gives that up. What cannot be
repaired passes on unchanged and is listed in ``unrepaired``, and so does everything from a repair on that raises; a
stream that broke off ends with an error event, never with an invented end. What asks too much
(`streamlab.repairing.limits`) goes by unrepaired. Answers with an HTTP error status become one JSON error object.
Answers to requests that did not ask for a stream, and APIs without a translator, are passed through as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from streamlab.apis import DEFAULT, UNKNOWN, Api
from streamlab.apis.registry import rule_named
from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.judging.analyzer import analyze
from streamlab.judging.judged import OF_NOBODY, has_no_body, left_out, nothing_came
from streamlab.judging.lessons import Runs
from streamlab.judging.report import Report
from streamlab.judging.stream_reader import StreamReader
from streamlab.record import changed
from streamlab.repairing.account import (
    Invented,
    Normalized,
    Outcome,
    RepairedEvent,
    bytes_of,
    events_of,
    outcomes_of,
)
from streamlab.repairing.front import Front, pass_runs
from streamlab.repairing.lane import Lane
from streamlab.repairing.modes import Mode
from streamlab.repairing.pipeline import FAILED, Pipeline
from streamlab.rules.finding import Severity
from streamlab.rules.repair import Draft, RepairState, Stage, Unrepaired
from streamlab.wire.runs import Run


class Normalizer:
    """Repairs one response body. ``api`` defaults to what the request's path or the stream betray; ``to_chat`` turns
    what can be translated into chat chunks. ``until`` is the last stage of repairs where the API is known."""

    def __init__(
        self,
        request: Request | None = None,
        head: ResponseHead | None = None,
        *,
        unsafe: bool = False,
        api: Api | None = None,
        to_chat: bool = False,
        runs: Runs = Runs.USUAL,
        until: Stage = Stage.END,
    ) -> None:
        reader: StreamReader[Draft] = StreamReader(request, api, runs)
        self.state = RepairState(request, head, reader.api, unsafe=unsafe)
        self._head = head
        self._unasked: str | None = None
        self._reader = reader
        self._pipeline = self._new_pipeline(self.state, reader)
        self._pipeline.to_chat = to_chat
        self._front = Front(head, self.state, reader, self._pipeline, self._first_mode())
        self._finished = False
        #: Where events pass unseen, for whoever knows where they stand among other bytes; None mostly.
        self.lane: Lane | None = None
        if reader.api.judged:
            self._pipeline.build(until)

    def _new_pipeline(self, state: RepairState, reader: StreamReader[Draft]) -> Pipeline:
        return Pipeline(state, reader)

    def _first_mode(self) -> Mode:
        state = self.state
        url = state.request.url if state.request is not None else ""
        if has_no_body(state.request):
            return Mode.PASSING
        if state.api is UNKNOWN and self._asked_for_something_else():
            return Mode.PASSING
        if state.request_known and not state.api.asks_for_stream(state.body, url):
            self._unasked = "no stream was asked for"
            return Mode.PASSING
        if not (state.api.judged or state.api is UNKNOWN or state.api.translator()):
            return Mode.PASSING
        if self._head is not None and not 200 <= self._head.status < 300:
            return Mode.COLLECTING
        return Mode.BEGINNING

    def _asked_for_something_else(self) -> bool:
        """Whether a page, a health check or the like was asked for, and came."""
        request, head = self.state.request, self._head
        if request is None or request.method.upper() != "GET" or head is None:
            return False
        return (head.header("content-type") or "").split(";")[0].strip().lower() != "text/event-stream"

    # -- what callers use --------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> bytes:
        """The repaired bytes that ``data`` (as it came, content coding and all) makes certain."""
        lane = self.lane
        if lane is not None:
            if lane.takes(data):
                return data
            run = self._leave_lane()
            if run is not None and len(data) > lane.room and self._goes_on_unseen(run, data):
                return data
        before = self.state.went
        self._front.feed(data)
        went = self.state.went
        if went is not before and type(went) is Run and went.raw is data and len(went.texts) == 1:
            self._enter_lane(went)
        return bytes_of(self._pipeline.taken()) if self._pipeline.out else b""

    def _enter_lane(self, run: Run) -> None:
        """Let events pass unseen that are like a run which just passed, where nobody wants to look at them."""
        room = self._front.room
        longest = self._pipeline.unseen(run) if room else 0
        self.lane = Lane(run, longest, room) if longest else None

    def _goes_on_unseen(self, run: Run, data: bytes) -> bool:
        """Whether there was only no more room for an event: the next lane, behind all that went unseen, takes it."""
        self._enter_lane(run)
        if self.lane is not None and not self.lane.takes(data):
            self.lane = None
        return self.lane is not None

    def _leave_lane(self) -> Run | None:
        """Take in what went out unseen, before anything else is done; returns it."""
        lane, self.lane = self.lane, None
        run = lane.run() if lane is not None else None
        if run is not None:
            self._front.passed_unseen(run)
            self._pipeline.passed_unseen(run)
        return run

    def _account(self) -> None:
        """From here on what passes is told as events."""
        self._leave_lane()
        self._pipeline.accounting = True

    def feed_bytewise(self, data: bytes) -> bytes:
        """What `feed` gives of one byte after another of ``data``, in a fraction of the time."""
        self._leave_lane()
        out, at = [], 0
        while at < len(data):
            at = self._front.feed_byte(data, at)
            if self._pipeline.out:
                out.append(bytes_of(self._pipeline.taken()))
        return b"".join(out)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Like `feed`, in pieces (some of them empty) that each take milliseconds to make and little memory.

        They are to be taken to the last before anything else is called.
        """
        self._leave_lane()
        for _ in self._front.steps(data):
            yield bytes_of(self._pipeline.taken())

    def finish(self, ending: Ending = Ending.COMPLETE) -> bytes:
        """The rest, when the body is over."""
        self._finish(ending)
        return bytes_of(self._pipeline.taken())

    def feed_events(self, data: bytes) -> list[RepairedEvent]:
        """Like `feed`, as events with their account."""
        self._account()
        self._front.feed(data)
        return events_of(self._pipeline.taken())

    def outcomes(self, data: bytes) -> list[Outcome]:
        """Like `feed_events`, but that events which passed in a row are given as one `PassedRun`."""
        self._account()
        self._front.feed(data)
        return outcomes_of(self._pipeline.taken())

    def pass_runs(self, data: bytes, at: int) -> tuple[int, list[Outcome]]:
        """What of ``data``, several reads, from ``at`` on passes in runs as it came: where that ends, and the runs.

        What follows is to be fed read by read.
        """
        self._account()
        end = pass_runs(self._front, data, at)
        return end, outcomes_of(self._pipeline.taken())

    def event_pieces(self, data: bytes) -> Iterator[list[RepairedEvent]]:
        """Like `feed_events`, in pieces, as `pieces` gives them."""
        self._account()
        for _ in self._front.steps(data):
            yield events_of(self._pipeline.taken())

    def finish_events(self, ending: Ending = Ending.COMPLETE) -> list[RepairedEvent]:
        """Like `finish`, as events with their account."""
        self._account()
        self._finish(ending)
        return events_of(self._pipeline.taken())

    def release(self) -> bytes:
        """What was held back only in case more comes: for a caller that has waited long enough after ``[DONE]``."""
        self._leave_lane()
        self._pipeline.release()
        return bytes_of(self._pipeline.taken())

    def _finish(self, ending: Ending) -> None:
        self._leave_lane()
        if not self._finished:
            self._finished = True
            if ending is not Ending.UNREACHABLE:  # then nobody answered, and there is nothing to end
                self._front.finish(ending)

    # -- what became of it -------------------------------------------------------------------------------------------

    @property
    def events(self) -> int:
        """How many events came in."""
        return self.state.at + 1 + (len(self.lane) if self.lane is not None else 0)

    @property
    def changes(self) -> dict[str, int]:
        """How many events the repair of each rule changed or dropped."""
        return self.state.account.changes

    @property
    def unrepaired(self) -> tuple[Unrepaired, ...]:
        """Deviations that were noticed and could not be repaired, and why."""
        return tuple(self.state.account.unrepaired.values())

    @property
    def passes_through(self) -> bool:
        """Whether nothing is repaired here: no stream was asked for, the API is foreign and has no translator, or an
        error came as it should."""
        return self._front.mode is Mode.PASSING or self._front.error.kept

    @property
    def left_alone(self) -> str | None:
        """Why nothing is repaired here, in a phrase; None where something would be."""
        if self._front.mode is not Mode.PASSING:
            return None
        api = self._reader.foreign or self._reader.api
        why = OF_NOBODY if self._reader.riddle else api.not_judged
        return self._unasked or has_no_body(self.state.request) or why

    @property
    def stepped_aside(self) -> bool:
        """Whether the stream asked too much, and the rest went by unrepaired."""
        return self._front.mode is Mode.ASIDE

    @property
    def failed(self) -> Exception | None:
        """What a repair of ours raised; from there on everything goes by as it came."""
        return self._pipeline.failed

    @property
    def done(self) -> bool:
        """Whether ``[DONE]`` or the last event of a response has come: nothing of the answer is outstanding."""
        return self._pipeline.done

    @property
    def broken(self) -> bool:
        """Whether the body went by unrepaired and stopped where its content coding did: its end is not one."""
        return self._front.broken

    @property
    def translated(self) -> bool:
        """Whether the stream speaks a foreign protocol and comes out as chat chunks."""
        return self._pipeline.translator is not None

    @property
    def head(self) -> ResponseHead | None:
        """The response head to send with the repaired body; None when there is none."""
        head = self._head
        if head is None or self.passes_through:
            return head
        return mended_head(head)


def mended_head(head: ResponseHead) -> ResponseHead:
    """The head of an answer whose body is repaired."""
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
        hint = ("cache-control", "no-cache") if head.header("cache-control") is None else ("x-accel-buffering", "no")
        kept = (*kept, hint)
    return changed(head, headers=(("content-type", kind), *kept))


class _Output:
    """A repaired body as it grows; its events go to ``each``, or are kept."""

    def __init__(self, each: Callable[[RepairedEvent], object] | None) -> None:
        self.segments: list[Segment] = []
        self.events: list[RepairedEvent] = []
        self.invented = Invented()
        self._take = each or self.events.append

    def add(self, offset_us: int | None, repaired: Iterable[list[RepairedEvent]]) -> bool:
        """What one segment made certain; whether it was anything."""
        data = bytearray()
        for one in chain.from_iterable(repaired):
            self.invented.add(one)
            self._take(one)
            data += one.raw
        if data:
            self.segments.append(Segment(offset_us, bytes(data)))
        return bool(data)


def normalize(
    exchange: Exchange,
    *,
    unsafe: bool = False,
    api: Api | None = None,
    to_chat: bool = False,
    each: Callable[[RepairedEvent], object] | None = None,
) -> Normalized:
    """Repair a whole exchange. Arrival times are those of the segments whose bytes made the output certain.

    ``each`` is given every event of the output, none of which is kept then: decoded they take ten times their bytes.
    """
    nothing = _nothing_to_repair(exchange)
    if nothing is not None:
        read = changed(exchange, segments=tuple(exchange.segments))  # a database may be closed by then
        return Normalized(read, (), {}, (), left_alone=nothing)
    normalizer = Normalizer(exchange.request, exchange.head, unsafe=unsafe, api=api, to_chat=to_chat)
    out, last_us = _Output(each), exchange.end_us
    for segment in exchange.segments:
        out.add(segment.offset_us, normalizer.event_pieces(segment.data))
        last_us = segment.offset_us if segment.data else last_us
    # [DONE] ends the answer, however long the upstream kept the connection open after it, or sent what goes.
    end_us = last_us if (done := normalizer.done) else exchange.end_us
    if not out.add(end_us, (normalizer.finish_events(exchange.ending),)) and done and out.segments:
        end_us = out.segments[-1].offset_us
    repaired = changed(exchange, segments=tuple(out.segments), end_us=end_us)
    if not normalizer.passes_through:
        repaired = _as_sent(repaired, normalizer)
    if normalizer.failed is not None:
        repaired = changed(repaired, notes={**repaired.notes, FAILED: repr(normalizer.failed)})
    return Normalized(
        repaired,
        tuple(out.events),
        normalizer.changes,
        normalizer.unrepaired,
        tuple(normalizer.state.account.dropped),
        normalizer.left_alone,
        normalizer.failed is not None,
        out.invented.found,
    )


def _nothing_to_repair(exchange: Exchange) -> str | None:
    """Why an exchange has nothing that may be repaired, in a phrase; None where it has."""
    nothing = nothing_came(
        exchange.request, exchange.head, int(any(one.data for one in exchange.segments)), exchange.ending
    )
    begun = exchange.head is not None and exchange.ending in (Ending.UPSTREAM_CUT, Ending.TIMED_OUT)
    if (missing := left_out(exchange.notes)) is not None:
        return missing
    return None if begun else nothing  # who got a head only is told by an error event that nothing follows


def _as_sent(exchange: Exchange, normalizer: Normalizer) -> Exchange:
    """What is around a repaired body: its own head, HTTP chunks, and an end, which an error event stands for."""
    head, request = normalizer.head, exchange.request
    if head is not None and head.header("transfer-encoding") is None:
        head = changed(head, headers=(*head.headers, ("transfer-encoding", "chunked")), http_version="1.1")
    if normalizer.translated and request is not None:
        request = changed(request, url=DEFAULT.path, body=None)
    cut = exchange.ending in (Ending.UPSTREAM_CUT, Ending.TIMED_OUT)
    if normalizer.stepped_aside:
        cut, exchange = False, changed(exchange, ending=Ending.UPSTREAM_CUT if normalizer.broken else exchange.ending)
    return changed(
        exchange,
        request=request,
        head=head,
        http_chunks=tuple(len(segment.data) for segment in exchange.segments),
        ending=Ending.COMPLETE if cut else exchange.ending,
        notes={},
    )


def errors_left(normalized: Normalized, report: Report | None = None) -> tuple[str, ...]:
    """The rules at error level that speak after repair (``report``, where known), or could not be repaired."""
    rules = [(one.rule, rule_named(one.rule)) for one in normalized.unrepaired]
    left = [name for name, rule in rules if rule is not None and rule.severity is Severity.ERROR]
    found = (report or analyze(normalized.exchange)).findings
    left += [one.rule for one in found if one.severity is Severity.ERROR]
    return tuple(dict.fromkeys(left))
