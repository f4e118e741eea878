"""Each event beside what OpenAI would have sent there, field by field, with the reason.

What OpenAI would have sent is what the normalizer makes of the stream; so nothing is claimed here that streamlab would
not send itself. `Differ` is incremental and hands out an event as soon as its fate is certain; events that pass
untouched are only counted. `explained` adds the findings: the reasons, and what nothing mends.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from streamlab.comparing.event_outcomes import EventDiff, EventOutcome, FieldDiff, How, Output
from streamlab.comparing.members import all_members, flattened
from streamlab.exchange import Ending, Exchange, Request, ResponseHead
from streamlab.judging.judged import left_out
from streamlab.judging.lessons import Runs
from streamlab.repairing.account import Outcome, PassedRun, RepairedEvent
from streamlab.repairing.normalizer import Normalizer
from streamlab.rules.finding import Finding, Severity
from streamlab.rules.repair import Change, Origin
from streamlab.wire.events import Comment, StreamEvent
from streamlab.wire.payload import decode_payload
from streamlab.wire.sse import parse_event
from streamlab.wire.stream import StreamDecoder, read_event

#: Bytes of an error answer that are compared.
_MAX_BODY = 1 << 20
#: Bytes that are compared before what came of them is given out.
_AT_ONCE = 64 * 1024
_ERROR_BODY = "http-error-body-shape"


class Differ:
    """Fed the segments of one exchange; gives the events that do not pass untouched, in the order of their fate.

    An event may be given out twice: once when its output leaves, and again when a later event follows from it too.
    The later one holds everything.
    """

    def __init__(
        self, request: Request | None = None, head: ResponseHead | None = None, *, runs: Runs = Runs.USUAL
    ) -> None:
        self._normalizer = Normalizer(request, head, runs=runs)
        self._decoder = StreamDecoder(head.header("content-encoding") if head is not None else None)
        self._waiting: dict[int, StreamEvent] = {}  # came in, and nothing has gone out for them yet
        self._recent: dict[int, EventDiff] = {}
        self._last: tuple[int, StreamEvent | None] = (-1, None)
        self._failed = head is not None and not 200 <= head.status < 300
        self._body = bytearray()  # of an answer with an error status: small, and no stream
        self.events = 0  # how many came in
        self._held: list[bytes] = []  # reads that wait, so that what passes is passed together
        self._size = 0  # of those
        self.in_runs = False  # whether the events that come pass together as they came
        self.alone = 0  # reads that did not

    @property
    def settled(self) -> int:
        """Of events with a lower number nothing more is to come."""
        return min(next(iter(self._waiting), self.events), max(0, self._last[0]))

    @property
    def passes_through(self) -> bool:
        """Whether this exchange is none that the normalizer mends, so that there is nothing to compare with."""
        return self._normalizer.passes_through

    def feed(self, data: bytes) -> list[EventDiff]:
        """The next segment."""
        if self._failed and len(self._body) < _MAX_BODY:
            self._body += data
        if self.in_runs and len(data) < _AT_ONCE:
            self._held.append(data)
            self._size += len(data)
            return self.catch_up() if self._size >= _AT_ONCE else []
        return [*self.catch_up(), *self._reads([data])]

    def catch_up(self) -> list[EventDiff]:
        """What comes of the segments that are held back because the stream goes on as it did."""
        held, self._held, self._size = self._held, [], 0
        return self._reads(held)

    def _reads(self, reads: list[bytes]) -> list[EventDiff]:
        """Segments one after the other, but those together that pass as they came."""
        found: list[EventDiff] = []
        body = reads[0] if len(reads) == 1 else b"".join(reads)
        at = end = 0
        for read in reads:
            end += len(read)
            if at < end:
                at = self._pass_runs(body, at)
            if at < end:
                found += self._segment(body[at:end])
                at = end
        return found

    def _pass_runs(self, body: bytes, at: int) -> int:
        """Where the runs of events end that pass as they came, from ``at`` on."""
        normalizer, decoder = self._normalizer, self._decoder
        if normalizer.events != self.events or not decoder.body.identity:  # they number events each in their own way
            return at
        end, passed = normalizer.pass_runs(body, at)
        if passed:
            decoder.skip(end - at)
            self.events += sum(map(len, passed))  # type: ignore[arg-type]
            self._last, self.in_runs = (self.events - 1, None), True
        return end

    def _segment(self, data: bytes) -> list[EventDiff]:
        self.alone += 1
        self._take(self._decoder.feed(data))
        outcomes = self._normalizer.outcomes(data)
        if outcomes:
            self.in_runs = all(type(one) is PassedRun for one in outcomes)
        return list(self._compare(outcomes))

    def finish(self, ending: Ending = Ending.COMPLETE) -> list[EventDiff]:
        """The rest; what has gone nowhere until now was dropped."""
        found = self.catch_up()
        self._take(self._decoder.finish())
        repaired = self._normalizer.finish_events(ending)
        if self._failed and not self.passes_through:
            return list(_answers(bytes(self._body), b"".join(one.raw for one in repaired)))
        found += self._compare(repaired)
        if self.passes_through:
            return []
        return found + [
            EventDiff(number, EventOutcome.DROPPED, (Output(b"", Origin.DERIVED, _dropped(event)),))
            for number, event in sorted(self._waiting.items())
        ]

    def _take(self, events: Iterable[StreamEvent]) -> None:
        for event in events:
            self._waiting[self.events] = event
            self.events += 1

    def _compare(self, outcomes: Iterable[Outcome]) -> Iterator[EventDiff]:
        for one in outcomes:
            if self.passes_through:
                self._waiting.clear()
            elif isinstance(one, PassedRun):
                for number in range(one.first, one.first + len(one)):
                    self._waiting.pop(number, None)
                self._last = one.first + len(one) - 1, None
            elif one.sources:
                yield from self._of_sources(one)
            else:
                yield EventDiff(self.events - 1, EventOutcome.ADDED, (_output(one, None),))

    def _of_sources(self, one: RepairedEvent) -> Iterator[EventDiff]:
        number = one.sources[-1]
        if one.origin is Origin.COPIED:
            self._waiting.pop(number, None)
            self._last = number, None
            return
        for source in one.sources[:-1]:
            if self._waiting.pop(source, None) is not None:
                yield EventDiff(source, EventOutcome.MERGED, into=number)
        event = self._waiting.pop(number, None)
        if event is not None:
            self._last = number, event
            self._recent = {number: EventDiff(number, EventOutcome.CHANGED, (_output(one, event),))}
        elif number < self._last[0]:  # made of what an event long gone out held back: no other form of that event
            yield EventDiff(self._last[0], EventOutcome.ADDED, (_output(one, None),))
            return
        else:
            before = self._recent.get(number, EventDiff(number, EventOutcome.CHANGED))
            outcome = EventOutcome.SPLIT if before.outputs else EventOutcome.ADDED
            output = _output(one, self._last[1] if one.origin is not Origin.INVENTED else None)
            self._recent = {number: EventDiff(number, outcome, (*before.outputs, output))}
        yield self._recent[number]


def diff_exchange(exchange: Exchange) -> Iterator[EventDiff]:
    """The events of an exchange that differ, in order; the later of two that speak of the same event.

    Each is given as soon as nothing more can come of it, so that no more are held than the repairs hold back.
    """
    if left_out(exchange.notes) is not None:
        return
    differ = Differ(exchange.request, exchange.head)
    found: dict[tuple[int, bool], EventDiff] = {}
    settled = 0
    for segment in exchange.segments:
        for at in range(0, len(segment.data), _AT_ONCE):  # a file is one segment
            _keep(found, differ.feed(segment.data[at : at + _AT_ONCE]))
            if differ.settled > settled:
                settled = differ.settled
                for key in sorted(key for key in found if key[0] < settled):
                    yield found.pop(key)
    _keep(found, differ.finish(exchange.ending))
    yield from (found[key] for key in sorted(found))


def _keep(found: dict[tuple[int, bool], EventDiff], diffs: Iterable[EventDiff]) -> None:
    for diff in diffs:
        key = diff.event, diff.outcome is EventOutcome.ADDED
        before = found.get(key)
        if before is not None and diff.outcome is EventOutcome.ADDED:
            diff = replace(diff, outputs=(*before.outputs, *diff.outputs))
        found[key] = diff


# -- one event beside its outcome ------------------------------------------------------------------------------------


def _output(one: RepairedEvent, event: StreamEvent | None) -> Output:
    there = all_members(read_event(one.event.sse) if one.event.sse is not None else one.event, one.raw)
    here = all_members(event, event.sse.raw) if event is not None and event.sse is not None else {}
    return Output(one.raw, one.origin, tuple(_fields(here, there, one)))


def _answers(came: bytes, sent: bytes) -> Iterator[EventDiff]:
    """The body of an answer with an error status, beside the error object OpenAI sends."""
    if came == sent:
        return
    one = RepairedEvent(Comment(parse_event(b"", 0)), sent, Origin.DERIVED, (0,), (Change(_ERROR_BODY, ""),))
    yield EventDiff(
        0, EventOutcome.CHANGED, (Output(sent, Origin.DERIVED, tuple(_fields(_body(came), _body(sent), one))),)
    )


def _body(data: bytes) -> dict[str, Any]:
    value = decode_payload(data).value
    return flattened(value) if isinstance(value, dict) else {"body": data.decode("utf-8", "replace")}


def _dropped(event: StreamEvent) -> tuple[FieldDiff, ...]:
    raw = event.sse.raw if event.sse is not None else b""
    members = all_members(event, raw)
    return tuple(FieldDiff(path, How.DROPPED, one) for path, one in members.items() if not path.startswith("sse."))


def _fields(here: dict[str, Any], there: dict[str, Any], one: RepairedEvent) -> Iterator[FieldDiff]:
    for path in _in_order(here, there):
        was, now = here.get(path), there.get(path)
        if path in here and path in there and type(was) is type(now) and was == now:
            if not path.startswith("sse."):
                yield FieldDiff(path, How.SAME, was, now)
            continue
        how = How.CHANGED if path in here and path in there else How.ADDED if path in there else How.DROPPED
        change = _change_for(path, one)
        origin = change.origin if change is not None and how is not How.DROPPED else one.origin
        if path.startswith("sse.") and how is How.ADDED:
            continue
        yield FieldDiff(path, how, was, now, str(origin), change.rule if change is not None else None)


def _change_for(path: str, one: RepairedEvent) -> Any:
    """The change that speaks of a path: of it, of what holds it, of what it holds, of the event as a whole."""
    framing = path.startswith("sse.")
    best, length = None, -1
    for change in one.changes:
        about_framing = change.rule.startswith(("sse-", "json-", "encoding-", "invalid-utf8", "comment"))
        if not change.path:
            if framing == about_framing and length < 0:
                best, length = change, 0
        elif not framing and _related(path, change.path) and len(change.path) > length:
            best, length = change, len(change.path)
    if best is None and len(one.changes) == 1:
        best = one.changes[0]
    return best


def _related(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return long == short or (long.startswith(short) and long[len(short)] in ".[")


def _in_order(here: dict[str, Any], there: dict[str, Any]) -> list[str]:
    """The paths of both, those that are only there after the nearest before them that is in both."""
    order = list(here)
    at = 0
    known = {path: number for number, path in enumerate(order)}
    extra: dict[int, list[str]] = {}
    for path in there:
        if path in known:
            at = known[path] + 1
        else:
            extra.setdefault(at, []).append(path)
    merged: list[str] = []
    for number in range(len(order) + 1):
        merged += extra.get(number, ())
        merged += order[number : number + 1]
    return merged


# -- reasons ---------------------------------------------------------------------------------------------------------


class Reasons:
    """Findings, by the events they are about."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._findings = [(one, tuple(sorted(one.events))) for one in findings]
        self._messages = {one.rule: one.message for one, _ in self._findings}

    def about(self, event: int) -> list[Finding]:
        """Those about one event, in their order."""
        return [one for one, events in self._findings if one.event == event or _holds(events, event)]

    def messages(self, here: Iterable[Finding]) -> dict[str, str]:
        """What each rule says; where one says several things, what it says ``here``."""
        return {**self._messages, **{one.rule: one.message for one in here}}


def _holds(ascending: tuple[int, ...], event: int) -> bool:
    at = bisect_left(ascending, event)
    return at < len(ascending) and ascending[at] == event


def explained(diff: EventDiff, findings: Iterable[Finding] | Reasons) -> EventDiff:
    """The same with the reasons that findings give, and with what is broken and stays so."""
    reasons = findings if isinstance(findings, Reasons) else Reasons(findings)
    here = reasons.about(diff.event)
    by_rule = reasons.messages(here)
    outputs = tuple(
        replace(output, fields=tuple(_with_reason(field, here, by_rule) for field in output.fields))
        for output in diff.outputs
    )
    differing = [field for output in outputs for field in output.fields if field.how is not How.SAME]
    named = {field.rule for field in differing} | {field.path for field in differing}
    reframed = any(field.path.startswith("sse.") for field in differing)
    left = [
        one
        for one in here
        if one.rule not in named and one.path not in named and not (reframed and one.rule.startswith("sse-"))
    ]
    broken = () if diff.outcome is EventOutcome.ADDED else tuple(map(_broken, left))
    return replace(diff, outputs=outputs, broken=broken)


def explained_diffs(exchange: Exchange, findings: Sequence[Finding]) -> Iterator[EventDiff]:
    """The events that differ, explained, and those that nothing mends although they are broken; in order, each as soon
    as it is certain."""
    reasons = Reasons(findings)
    told = {one.event for one in findings if one.event is not None and one.severity is not Severity.INFO}
    left = deque(sorted(told))
    for diff in diff_exchange(exchange):
        while left and left[0] < diff.event:
            yield explained(EventDiff(left.popleft(), EventOutcome.KEPT), reasons)
        if left and left[0] == diff.event:
            left.popleft()
        yield explained(diff, reasons)
    for event in left:
        yield explained(EventDiff(event, EventOutcome.KEPT), reasons)


def _with_reason(field: FieldDiff, here: list[Finding], by_rule: dict[str, str]) -> FieldDiff:
    if field.how is How.SAME:
        return field
    about = next((one for one in here if one.path and _related(one.path, field.path)), None)
    rule = field.rule or (about.rule if about is not None else None)
    return replace(field, rule=rule, why=by_rule.get(rule or "", "") or (about.message if about is not None else ""))


def _broken(finding: Finding) -> FieldDiff:
    how = How.CHANGED if finding.repairability.mends else How.BROKEN
    path = finding.path or "event"
    said = finding.actual, finding.expected
    return FieldDiff(path, how, *said, "derived", finding.rule, finding.message, told=True)
