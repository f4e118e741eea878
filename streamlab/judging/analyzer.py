"""Runs every rule over one exchange, incrementally: ``feed`` segments, ``finish`` with the ending, get a `Report`.

Cost: a rule is asked about an event only when the event has a fact the rule waits for (wire/reading.py); which rules
that are is worked out once per combination of facts (rule_table.py). Memory does not grow with the stream beyond the
findings and the completion itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from streamlab.apis import UNKNOWN, Api, api_of_json
from streamlab.apis.registry import cards_of
from streamlab.dialects import registry as dialects
from streamlab.dialects.hints import WORTH, HintCollector
from streamlab.exchange import Ending, Exchange, Request, ResponseHead
from streamlab.judging.held_reads import AT_ONCE, Batch, HeldReads
from streamlab.judging.judged import why_not_judged
from streamlab.judging.lessons import Runs
from streamlab.judging.places import Key, Places
from streamlab.judging.progress import StreamProgress
from streamlab.judging.report import Report
from streamlab.judging.rule_table import EventHook, RuleTable, SegmentHook, told_by
from streamlab.judging.stream_reader import StreamReader
from streamlab.record import changed
from streamlab.rules.api import Scope
from streamlab.rules.base import Rule
from streamlab.rules.card import RuleCard, card_of
from streamlab.rules.finding import Finding, Repairability
from streamlab.rules.state import RuleState
from streamlab.wire import bodies, reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run, TextKind
from streamlab.wire.stream import StreamDecoder, events_of


class Analyzer:
    """One exchange's analysis. ``rules`` defaults to all of them; ``api`` to what path or stream betray.

    Without ``spans`` no finding tells its bytes, which costs a tenth less; without ``dialect`` none is looked for.
    """

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
        runs: Runs = Runs.USUAL,
        spans: bool = True,
        dialect: bool = True,
    ) -> None:
        self._reader: StreamReader[tuple[int | None, StreamEvent]] = StreamReader(request, api, runs)
        self.ctx = RuleState(request, head, self._reader.api, self._reader.calls, api_of_json, notes)
        self.ctx.know(self._reader.api, self._reader.tracker)
        self.ctx.received.http_chunked, self.ctx.received.timing_known = http_chunked, timing_known
        self._cards = tuple(map(card_of, rules)) if rules is not None else None  # None: all that concern the API
        self._table: RuleTable | None = None  # None while the API is not clear
        self._decoder = StreamDecoder(head.header("content-encoding") if head is not None else None)
        self._progress = StreamProgress(self.ctx)
        self.ctx.spans, self._hints = spans, HintCollector(request, head, wanted=dialect)
        self._reads_before: list[tuple[int | None, bytes]] = []  # that came while the API was not clear
        self._places = Places()
        self._shape_keys: dict[reading.Shape, tuple[Key, ...]] = {}
        self._prefix = bytearray()
        self._held = HeldReads()
        if self._reader.settled:
            self._table = self._choose_rules()

    # -- feeding -------------------------------------------------------------------------------------------------

    def feed(self, offset_us: int | None, data: bytes) -> None:
        """One read of the body, as sent."""
        held = self._held
        if held.open and len(data) < AT_ONCE:
            if held.add(offset_us, data):
                self.catch_up()
            return
        self.catch_up()
        self._count_reads((offset_us,), (data,), len(data))
        if self._table is None:
            self._reads_before.append((offset_us, data))
        else:
            self._ask_about_reads(self._table, ((offset_us, data),))
        for piece in self._decoder.body.feed_pieces(data):
            self._take_decoded(offset_us, piece)

    def _count_reads(self, offsets: Sequence[int | None], data: Sequence[bytes], size: int) -> None:
        received, metrics = self.ctx.received, self._progress.metrics
        received.segments += len(data)
        received.body_bytes += size
        received.last_read_us = offsets[-1]
        if metrics.ttfb_us is None:
            came = (at for at, one in zip(offsets, data, strict=True) if one and at is not None)
            metrics.ttfb_us = next(came, None)

    @property
    def in_runs(self) -> bool:
        """Whether the stream goes on as it did, so that reads are held back to be judged together."""
        return self._held.open

    def feed_reads(self, offsets: Sequence[int | None], data: Sequence[bytes]) -> None:
        """Several reads, one after the other."""
        at, held = 0, self._held
        while at < len(data):
            stop = held.add_some(offsets, data, at) if held.open else at
            if stop == at:
                self.feed(offsets[at], data[at])
                stop += 1
            elif held.enough:
                self.catch_up()
            at = stop

    def catch_up(self) -> None:
        """Judge the reads that are held back because the stream goes on as it did."""
        table = self._table
        if not self._held or table is None:
            return
        batch = self._held.take(self.ctx.received.decoded_bytes)
        self._count_reads(batch.offsets, batch.data, len(batch.body))
        self._count_decoded(batch.body)
        for one in self._decoder.each_run(batch.body):
            for event in _left_of(self, batch, one):
                self._ask_about_reads(table, batch.reads_up_to(batch.read_of(event)))
                self._judge(table, self.ctx.offset_us, event)
        self._ask_about_reads(table, batch.rest())

    def _take_decoded(self, offset_us: int | None, decoded: bytes) -> None:
        self._count_decoded(decoded)
        # A file is one read: all of its events at once would take ten times its size.
        for at in range(0, len(decoded), AT_ONCE):
            for one in self._decoder.each_run(decoded[at : at + AT_ONCE]):
                if not isinstance(one, Run):
                    self._held.open = False
                    self._take(offset_us, one)
                    continue
                for event in _left_of(self, Batch.of_one(offset_us), one):
                    self._take(offset_us, event)
        self._held.open = self._held.open and self._decoder.body.identity

    def _count_decoded(self, decoded: bytes) -> None:
        self.ctx.received.decoded_bytes += len(decoded)
        if len(self._prefix) < bodies.PREFIX_BYTES:
            self._prefix += decoded[: bodies.PREFIX_BYTES - len(self._prefix)]

    def finish(self, ending: Ending = Ending.COMPLETE, end_us: int | None = None) -> Report:
        """The exchange is over; everything that was found."""
        ctx = self.ctx
        self.catch_up()
        self._take_decoded(end_us, self._decoder.body.finish())
        for event in self._decoder.finish():
            self._take(end_us, event)
        ctx.ending, ctx.end_us, ctx.offset_us = ending, end_us, end_us
        received = ctx.received
        received.prefix = bytes(self._prefix)
        self._prefix.clear()
        received.kind = bodies.sniff(received.prefix)
        received.know_coding(self._decoder.body)
        self._look_at_the_whole()
        table = self._table or self._settle(received.first_json, received.prefix)
        ctx.facts, ctx.received.foreign = 0, self._reader.foreign
        for rule in table.for_end():
            for finding in rule.end(ending) or ():
                self._keep(finding)
        return self._report(end_us)

    def _look_at_the_whole(self) -> None:
        """What headers, a binary start, or a body that is no stream tell of the API."""
        reader, received = self._reader, self.ctx.received
        reader.announced(self.ctx.head, self._decoder.body.framed or received.prefix)
        if reader.looking:
            reader.look(received.first_json)
        self.ctx.fold_whole(reader.api)

    def so_far(self) -> Report:
        """What was found until now, of an exchange that goes on; what only the end can tell is not in it."""
        self.catch_up()
        return self._report(None)

    # -- one event -----------------------------------------------------------------------------------------------

    def _take(self, offset_us: int | None, event: StreamEvent) -> None:
        if self._table is not None:
            self._judge(self._table, offset_us, event)
        elif self._reader.offer((offset_us, event), event):
            self._settle()

    def _settle(self, whole: Any = None, start: bytes = b"") -> RuleTable:
        """The API is clear, or never will be: rules are chosen by it, and asked about what was held back."""
        held = self._reader.settle(whole, start)
        self.ctx.know(self._reader.api, self._reader.tracker)
        table = self._table = self._choose_rules()
        self._ask_about_reads(table, self._reads_before)
        self._reads_before.clear()
        for offset_us, event in held:
            self._judge(table, offset_us, event)
        return table

    def _choose_rules(self) -> RuleTable:
        if self.ctx.head is not None:
            self.ctx.offset_us = self.ctx.head.offset_us
        self._cards = cards_of(self.ctx.api) if self._cards is None else self._cards
        return RuleTable(self._cards, self.ctx)

    def _ask_about_reads(
        self, table: RuleTable, reads: Iterable[tuple[int | None, bytes]], only: list[SegmentHook] | None = None
    ) -> None:
        for offset_us, data in reads:
            self.ctx.offset_us = offset_us
            hooks = table.for_read()
            for hook in hooks if only is None else [one for one in hooks if one in only]:
                found = hook(offset_us, data)
                if found is not None:
                    self._add(found)

    def _judge(self, table: RuleTable, offset_us: int | None, event: StreamEvent) -> None:
        ctx = self.ctx
        at = ctx.seen.events
        facts = self._reader.read(at, event, offset_us)
        ctx.facts, ctx.offset_us = facts, offset_us
        if facts & Fact.CHUNK and self._reader.looking:
            self._reader.look(event.json, event.sse)  # type: ignore[union-attr]
        if facts & WORTH and not self._hints.retired:
            self._hints.look(event)
        said: dict[EventHook, list[Key]] = {}
        for hook in table.for_event(facts):
            found = hook(at, event)
            if found is not None:
                for finding in found:
                    said.setdefault(hook, []).append(self._keep(finding, event))
        if facts & Fact.SHAPE or (self._shape_keys and facts & Fact.CHUNK):
            self._judge_shape(table, at, event, facts)
        self._progress.event(at, event, facts, offset_us)
        anew, facts = bool(facts & Fact.ENVELOPE), facts & ~Fact.ENVELOPE  # those like it have the envelope before
        if self._reader.may_teach(facts, anew):
            template = self._reader.template(event, facts, mends=False)  # type: ignore[arg-type]
            judged = table.on_a_run(facts, said, template.chunk) if template is not None else None
            if template is not None and judged is not None:
                template.said = judged
                self._decoder.learn(template)

    def _judge_run(self, table: RuleTable, batch: Batch, run: Run) -> Sequence[Run]:
        """Judge the events of a run, which came in these reads, as one: () then. Otherwise the runs to try in its
        place, or itself where each event has to be judged by itself."""
        ctx, reader, template = self.ctx, self._reader, run.template
        facts = reader.facts_of(run)
        if facts is None or ctx.seen.hollow == ctx.seen.data_events:  # or nothing yet is an answer: each is looked at
            return run.smaller()
        said = table.say_of(run, facts)
        if isinstance(said, Rule):
            return run.around(said.odd(run))
        text = (reader.tracker or ctx.accumulator).growing(run)
        call = reader.calls.growing(run) if template.varying.text is TextKind.ARGUMENTS else text
        if text is None or call is None:
            return run.smaller()
        at, count, ctx.facts = ctx.seen.events, len(run.texts), facts
        if facts & WORTH and not self._hints.retired:
            self._hints.look_at_more(template.chunk, count)
        self._places.again_in_a_row((*said, *self._shape_keys.get(template.shape, ())), at, count)
        text.extend(run.texts)
        if call is not text:
            call.extend(run.texts)
        self._progress.run(batch, run, facts, self._ask_about_reads, table)
        return ()

    def _judge_shape(self, table: RuleTable, at: int, event: StreamEvent, facts: int) -> None:
        shape = self._reader.shape
        if facts & Fact.SHAPE:
            keys: list[Key] = []
            for rule in table.shape_rules:
                keys += self._add(rule.shape(at, event), event)  # type: ignore[arg-type]
            if keys and shape:
                self._shape_keys[shape] = tuple(keys)
        else:
            self._places.again(self._shape_keys.get(shape, ()), at)

    # -- findings ------------------------------------------------------------------------------------------------

    def _add(self, found: Iterable[Finding] | None, event: StreamEvent | None = None) -> list[Key]:
        return [self._keep(finding, event) for finding in found or ()]

    def _keep(self, finding: Finding, event: StreamEvent | None = None) -> Key:
        if self._places.knows(finding):
            self._places.count(finding)
        else:
            self._places.add(self._placed(finding, event))
        return finding.rule, finding.path

    def _placed(self, finding: Finding, event: StreamEvent | None) -> Finding:
        """The finding with its bytes and its time."""
        ctx, span, offset_us, at = self.ctx, finding.span, finding.offset_us, finding.event
        sse, came_us = event.sse if event is not None else None, ctx.offset_us
        if at is None and event is None and span is not None:
            came_us = ctx.received.last_read_us  # it is about bytes of the body, all of which have come
        if at is not None and (event is None or at != ctx.seen.events):  # it points back
            sse, came_us = ctx.seen.landmarks.place_of(at, came_us)
        if sse is not None and at is not None:
            span = span or ctx.span_of(sse, finding.path)
        span = span if self._decoder.body.identity else None  # offsets into a decoded body are none into what was sent
        how = Repairability.NONE if self._decoder.body.framed else finding.repairability
        return changed(finding, span=span, offset_us=came_us if offset_us is None else offset_us, repairability=how)

    def _report(self, end_us: int | None) -> Report:
        ctx, reader = self.ctx, self._reader
        dialect, reasons = dialects.detect(self._hints.hints()) if ctx.api.judged and self._hints.wanted else (None, ())
        foreign = ctx.received.foreign
        why = why_not_judged(ctx, reader.known, foreign=foreign is not None, riddle=reader.riddle)
        api = UNKNOWN if reader.riddle else ctx.api
        found = _told_once(self._places.findings(dialects.known_deviations(dialect)), self._cards or ())
        if foreign is not None or api is UNKNOWN:
            # What the rules of the API promised say of an answer in another protocol are mere consequences.
            found = _told_anyway(found, self._cards or (), ctx.api.foreign_rule(foreign))
        return Report(
            api=api,
            judged=why is None,
            why=why,
            findings=found,
            metrics=self._progress.metrics.finish(
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


def _left_of(analyzer: Analyzer, batch: Batch, one: StreamEvent | Run) -> Iterator[StreamEvent]:
    """What of this is left to be judged event by event: an event, or what of a run, which came in these reads, does not
    pass as one. Each is to be judged before the next is asked for."""
    table, held = analyzer._table, analyzer._held
    if not isinstance(one, Run):
        held.open = False
        yield one
        return
    left = analyzer._judge_run(table, batch, one) if table is not None else (one,)
    held.open = not left
    if len(left) == 1:
        yield from events_of(one)
        return
    for part in left:
        yield from _left_of(analyzer, batch, part)


def analyze(exchange: Exchange, *, api: Api | None = None, rules: Sequence[type[Rule]] | None = None) -> Report:
    """The report of a whole exchange."""
    return report_by(analyzer_of(exchange, api=api, rules=rules), exchange)


def analyzer_of(
    exchange: Exchange,
    *,
    api: Api | None = None,
    timing_known: bool | None = None,
    rules: Sequence[type[Rule]] | None = None,
    spans: bool = True,
    dialect: bool = True,
) -> Analyzer:
    """An analyzer that knows of an exchange all but its body; ``timing_known`` where the exchange does not say it."""
    return Analyzer(
        exchange.request,
        exchange.head,
        api=api,
        notes=exchange.notes,
        http_chunked=exchange.http_chunks is not None or None,
        timing_known=exchange.timing_known if timing_known is None else timing_known,
        rules=rules,
        spans=spans,
        dialect=dialect,
    )


def report_by(analyzer: Analyzer, exchange: Exchange) -> Report:
    """What an analyzer that has seen nothing yet says of the whole body."""
    for segment in exchange.segments:
        analyzer.feed(segment.offset_us, segment.data)
    return analyzer.finish(exchange.ending, exchange.end_us)


def _told_once(found: tuple[Finding, ...], cards: tuple[RuleCard, ...]) -> tuple[Finding, ...]:
    """The findings without those that another tells as well (`Rule.instead_of`)."""
    instead = told_by(cards)
    again = {name for one in found for name in instead.get(one.rule, ())}
    return tuple(one for one in found if one.rule not in again) if again else found


def _told_anyway(found: Iterable[Finding], cards: Iterable[RuleCard], foreign: str) -> tuple[Finding, ...]:
    """Findings of the rules for every API, and of the one that tells of another protocol."""
    every = {foreign, *(card.name for card in cards if card.apis is Scope.EVERY)}
    return tuple(one for one in found if one.rule in every)
