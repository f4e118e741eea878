"""Runs every rule over one exchange, incrementally: ``feed`` segments, ``finish`` with the ending, get a `Report`.

Cost: a rule is asked about an event only when the event has a fact the rule waits for (wire/reading.py); which rules
that are is worked out once per combination of facts. Memory does not grow with the stream beyond the findings and
the completion itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from streamlab.apis import DEFAULT, UNKNOWN, Api, api_of_json, api_of_path
from streamlab.apis.registry import all_rules
from streamlab.dialects import registry as dialects
from streamlab.dialects.hints import WORTH, HintCollector
from streamlab.exchange import Ending, Exchange, Request, ResponseHead
from streamlab.judging.metrics import MetricsCollector
from streamlab.judging.report import Report
from streamlab.rules.api import concerns
from streamlab.rules.base import Rule
from streamlab.rules.finding import Finding
from streamlab.rules.state import RuleState
from streamlab.wire import bodies, reading
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.locate import member_span
from streamlab.wire.reading import Fact
from streamlab.wire.stream import StreamDecoder

#: Events held back at most while the API of a stream of unknown origin is not clear yet.
_PEEKED_EVENTS = 16
#: Places remembered for one finding; beyond that they are only counted.
_MAX_PLACES = 10_000
_CONTENT = Fact.CONTENT | Fact.REASONING | Fact.REFUSAL | Fact.TOOL_CALLS | Fact.FUNCTION_CALL | Fact.TEXT
_ANSWER = _CONTENT & ~Fact.REASONING

SegmentHook = Callable[[int | None, bytes], Iterable[Finding] | None]
EventHook = Callable[[int, StreamEvent], Iterable[Finding] | None]


class _Place:
    """A finding while it is being counted."""

    __slots__ = ("count", "events", "finding")

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        self.count = 1
        self.events = [finding.event] if finding.event is not None else []

    def also(self, variants: tuple[str, ...]) -> None:
        """It was seen in these forms too; one that the rule cannot name leaves all of them possible."""
        known = self.finding.variants
        if known and variants != known:
            both = tuple(dict.fromkeys((*known, *variants))) if variants else ()
            self.finding = replace(self.finding, variants=both)

    def again(self, event: int | None) -> None:
        self.count += 1
        if event is not None and len(self.events) < _MAX_PLACES and self.events[-1:] != [event]:
            self.events.append(event)


@cache
def _judging(
    rules: tuple[type[Rule], ...], api: Api, status: str, timing_known: bool, request_known: bool
) -> tuple[type[Rule], ...]:
    """The rules that can judge such an exchange."""
    return tuple(
        rule
        for rule in rules
        if concerns(rule, api)
        and status in rule.statuses
        and (timing_known or not rule.needs_timing)
        and (request_known or not rule.needs_request)
    )


class Analyzer:
    """One exchange's analysis. ``rules`` defaults to all of them; ``api`` to what path or stream betray."""

    def __init__(
        self,
        request: Request | None = None,
        head: ResponseHead | None = None,
        *,
        api: Api | None = None,
        notes: dict[str, Any] | None = None,
        http_chunked: bool | None = None,
        timing_known: bool = False,
        rules: Sequence[type[Rule]] | None = None,
    ) -> None:
        known = api or (api_of_path(request.url) if request is not None else UNKNOWN)
        self.ctx = RuleState(request, head, known, api_of_json, notes)
        self.ctx.received.http_chunked = http_chunked
        self.ctx.timing_known = timing_known
        self._rule_classes = all_rules() if rules is None else tuple(rules)
        self._rules: list[Rule] | None = None
        self._decoder = StreamDecoder(head.header("content-encoding") if head is not None else None)
        self._metrics = MetricsCollector()
        self._hints = HintCollector(request, head)
        self._peeked: list[tuple[int | None, StreamEvent]] = []
        self._segments_before_rules: list[tuple[int | None, bytes]] = []
        self._places: dict[tuple[str, str | None], _Place] = {}
        self._shape_keys: dict[reading.Shape, tuple[tuple[str, str | None], ...]] = {}
        self._hooks: dict[int, tuple[EventHook, ...]] = {}
        self._retirements = 0
        self._retirements_of_reads = -1
        self._segment_rules: list[Rule] = []
        self._shape_rules: list[Rule] = []
        self._watching_rules: list[Rule] = []
        self._segment_hooks: list[SegmentHook] = []
        self._after = 0  # facts about what came before
        self._prefix = bytearray()
        if known is not UNKNOWN:
            self._choose_rules()

    # -- feeding -------------------------------------------------------------------------------------------------

    def feed(self, offset_us: int | None, data: bytes) -> None:
        """One read of the body, as sent."""
        ctx = self.ctx
        ctx.received.segments += 1
        ctx.received.body_bytes += len(data)
        ctx.received.last_read_us = offset_us
        if self._metrics.ttfb_us is None and data:
            self._metrics.ttfb_us = offset_us
        if self._rules is None:
            self._segments_before_rules.append((offset_us, data))
        else:
            self._ask_about_segment(offset_us, data)
        decoded = self._decoder.body.feed(data)
        ctx.received.decoded_bytes += len(decoded)
        if len(self._prefix) < bodies.PREFIX_BYTES:
            self._prefix += decoded[: bodies.PREFIX_BYTES - len(self._prefix)]
        take = self._take if self._rules is None else self._judge
        for event in self._decoder.feed_decoded(decoded):
            take(offset_us, event)

    def finish(self, ending: Ending = Ending.COMPLETE, end_us: int | None = None) -> Report:
        """The exchange is over; everything that was found."""
        ctx = self.ctx
        for event in self._decoder.finish():
            self._take(end_us, event)
        ctx.ending, ctx.end_us, ctx.offset_us = ending, end_us, end_us
        ctx.received.prefix = bytes(self._prefix)
        self._prefix.clear()
        ctx.received.kind = bodies.sniff(ctx.received.prefix)
        ctx.received.coding_fault = self._decoder.body.fault
        if self._rules is None:
            self._settle_api()
        ctx.facts = 0
        for rule in self._rules or ():
            if "end" in rule.hooks:
                self._add(rule.end(ending))
        return self._report(end_us)

    def so_far(self) -> Report:
        """What was found until now, of an exchange that goes on; what only the end can tell is not in it."""
        return self._report(None)

    # -- one event -----------------------------------------------------------------------------------------------

    def _take(self, offset_us: int | None, event: StreamEvent) -> None:
        if self._rules is not None:
            self._judge(offset_us, event)
            return
        self._peeked.append((offset_us, event))
        api = UNKNOWN
        if isinstance(event, Chunk | ErrorPayload):
            api = api_of_json(event.json)
        elif isinstance(event, Undecodable) and event.decoded:
            api = api_of_json(event.value)
        if api is not UNKNOWN or len(self._peeked) >= _PEEKED_EVENTS:
            self.ctx.api = api
            self._settle_api()

    def _settle_api(self) -> None:
        """Rules are chosen by API; a stream that betrays none is taken for chat completions."""
        if self.ctx.api is UNKNOWN:
            whole = self.ctx.received.whole_json
            self.ctx.api = api_of_json(whole) if whole is not None else UNKNOWN
        if self.ctx.api is UNKNOWN:
            self.ctx.api = DEFAULT
        self._choose_rules()
        for offset_us, data in self._segments_before_rules:
            self._ask_about_segment(offset_us, data)
        for offset_us, event in self._peeked:
            self._judge(offset_us, event)
        self._segments_before_rules.clear()
        self._peeked.clear()

    def _choose_rules(self) -> None:
        ctx, head = self.ctx, self.ctx.head
        status = "ok" if head is None or 200 <= head.status < 300 else "error"
        judging = _judging(self._rule_classes, ctx.api, status, ctx.timing_known, ctx.request_known)
        self._rules = [rule(ctx) for rule in judging]
        self._segment_rules = [rule for rule in self._rules if "segment" in rule.hooks]
        self._shape_rules = [rule for rule in self._rules if "shape" in rule.hooks]
        self._watching_rules = [rule for rule in self._rules if rule.on]
        if head is not None:
            ctx.offset_us = head.offset_us
            for rule in self._rules:
                if "head" in rule.hooks:
                    self._add(rule.head(head))

    def _ask_about_segment(self, offset_us: int | None, data: bytes) -> None:
        self.ctx.offset_us = offset_us
        if self.ctx.retirements != self._retirements_of_reads:
            self._retirements_of_reads = self.ctx.retirements
            self._segment_hooks = [rule.segment for rule in self._segment_rules if not rule.reads_retired]
        for hook in self._segment_hooks:
            found = hook(offset_us, data)
            if found is not None:
                self._add(found)

    def _judge(self, offset_us: int | None, event: StreamEvent) -> None:
        ctx = self.ctx
        at = ctx.seen.events
        facts = reading.kind_facts(event)
        if facts & Fact.CHUNK:
            facts |= ctx.reader.read(event.json)  # type: ignore[union-attr]
            if facts & Fact.TOOL_CALLS and ctx.calls.read(at, event, offset_us):
                facts |= Fact.FRAGMENT
        facts |= self._after
        ctx.facts, ctx.offset_us = facts, offset_us
        if facts & WORTH and not self._hints.retired:
            self._hints.look(event)
        if ctx.retirements != self._retirements:
            self._retirements = ctx.retirements
            self._hooks.clear()
        hooks = self._hooks.get(facts)
        if hooks is None:
            hooks = self._hooks_for(facts)
        for hook in hooks:
            found = hook(at, event)
            if found is not None:
                self._add(found, event)
        if facts & Fact.SHAPE or (self._shape_keys and facts & Fact.CHUNK):
            self._judge_shape(at, event, facts)
        self._remember(at, event, facts, offset_us)

    def _hooks_for(self, facts: int) -> tuple[EventHook, ...]:
        hooks = tuple(rule.event for rule in self._watching_rules if rule.on & facts and not rule.retired)
        if len(self._hooks) < 4096:
            self._hooks[facts] = hooks
        return hooks

    def _judge_shape(self, at: int, event: StreamEvent, facts: int) -> None:
        shape = self.ctx.reader.shape
        if facts & Fact.SHAPE:
            keys: list[tuple[str, str | None]] = []
            for rule in self._shape_rules:
                keys += self._add(rule.shape(at, event), event)  # type: ignore[arg-type]
            if keys and shape:
                self._shape_keys[shape] = tuple(keys)
        else:
            for key in self._shape_keys.get(shape, ()):
                self._places[key].again(at)

    def _remember(self, at: int, event: StreamEvent, facts: int, offset_us: int | None) -> None:
        ctx = self.ctx
        ctx.seen.events = at + 1
        if facts & Fact.COMMENT:
            return
        ctx.seen.data_events += 1
        self._metrics.data_event(offset_us)
        if facts & Fact.CHUNK:
            chunk: dict[str, Any] = event.json  # type: ignore[union-attr]
            ctx.seen.chunks += 1
            if ctx.seen.first_chunk is None:
                ctx.seen.first_chunk = chunk
            ctx.seen.last_chunk, ctx.seen.last_chunk_at = chunk, at
            ctx.accumulator.feed(chunk)
            if facts & _CONTENT or facts & Fact.TYPED:
                self._note_content(at, chunk, facts, offset_us)
            if facts & Fact.FINISH:
                self._note_finish(at, chunk)
        elif facts & Fact.DONE:
            if ctx.seen.done_at is None:
                ctx.seen.done_at = at
                self._after |= Fact.AFTER_DONE
        elif facts & Fact.ERROR:
            ctx.accumulator.feed_error(event.json)  # type: ignore[union-attr]
            if ctx.seen.error_at is None:
                ctx.seen.error_at = at
                self._after |= Fact.AFTER_ERROR

    def _note_content(self, at: int, chunk: dict[str, Any], facts: int, offset_us: int | None) -> None:
        ctx = self.ctx
        if facts & Fact.TYPED and not facts & _CONTENT:
            kind = chunk["type"]
            if not kind.endswith(".delta"):
                return
            facts |= Fact.REASONING if "reasoning" in kind else Fact.CONTENT
        ctx.seen.content_events += 1
        if ctx.seen.first_content_at is None:
            ctx.seen.first_content_at = at
        if facts & Fact.REASONING and self._metrics.ttfr_us is None:
            self._metrics.ttfr_us = offset_us
        if facts & _ANSWER and self._metrics.ttfa_us is None:
            self._metrics.ttfa_us = offset_us

    def _note_finish(self, at: int, chunk: dict[str, Any]) -> None:
        for choice in reading.choices(chunk):
            reason = reading.finish_reason(choice)
            if reason is not None:
                index = reading.choice_index(choice)
                self.ctx.seen.finish_at.setdefault(index, at)
                self._after |= Fact.AFTER_FINISH
                if isinstance(reason, str) and reason:
                    self.ctx.seen.finish_values.setdefault(index, reason)

    # -- findings ------------------------------------------------------------------------------------------------

    def _add(self, found: Iterable[Finding] | None, event: StreamEvent | None = None) -> list[tuple[str, str | None]]:
        keys = []
        for finding in found or ():
            key = (finding.rule, finding.path)
            place = self._places.get(key)
            if place is None:
                self._places[key] = _Place(self._placed(finding, event))
            else:
                place.again(finding.event)
                place.also(finding.variants)
                if finding.severity.rank < place.finding.severity.rank:  # the gravest of them speaks for all
                    place.finding = replace(self._placed(finding, event), variants=place.finding.variants)
            keys.append(key)
        return keys

    def _placed(self, finding: Finding, event: StreamEvent | None) -> Finding:
        span = finding.span
        if event is not None and event.sse is not None and finding.event == self.ctx.seen.events:
            if span is None and finding.path is not None:
                span = member_span(event.sse, finding.path)
            span = span or event.sse.span
        if not self._decoder.body.identity:
            span = None  # offsets into the decoded body are no byte range of the body as it was sent
        offset_us = finding.offset_us if finding.offset_us is not None else self.ctx.offset_us
        return replace(finding, span=span, offset_us=offset_us)

    def _report(self, end_us: int | None) -> Report:
        ctx = self.ctx
        dialect, reasons = dialects.detect(self._hints.hints()) if ctx.api.judged else (None, ())
        known = dialects.known_deviations(dialect)
        findings = [
            replace(
                place.finding,
                count=place.count,
                events=tuple(sorted(place.events)),
                known=place.finding.rule in known,
            )
            for place in self._places.values()
        ]
        findings.sort(key=lambda one: (one.event is None, one.event or 0, one.severity.rank, one.rule, one.path or ""))
        return Report(
            api=ctx.api,
            findings=tuple(findings),
            metrics=self._metrics.finish(
                events=ctx.seen.events,
                data_events=ctx.seen.data_events,
                size=ctx.received.body_bytes,
                segments=ctx.received.segments,
                end_us=end_us,
                usage=ctx.accumulator.usage,
            ),
            completion=ctx.accumulator.completion(),
            dialect=dialect,
            dialect_reasons=reasons,
        )


def analyze(exchange: Exchange, *, api: Api | None = None, rules: Sequence[type[Rule]] | None = None) -> Report:
    """The report of a whole exchange."""
    analyzer = Analyzer(
        exchange.request,
        exchange.head,
        api=api,
        notes=exchange.notes,
        http_chunked=exchange.http_chunks is not None or None,
        timing_known=exchange.timing_known,
        rules=rules,
    )
    for segment in exchange.segments:
        analyzer.feed(segment.offset_us, segment.data)
    return analyzer.finish(exchange.ending, exchange.end_us)
