"""What has come of a stream so far, kept while it is judged: counts, firsts and times, the fold, the metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from streamlab.judging.held_reads import Batch
from streamlab.judging.metrics import MetricsCollector
from streamlab.judging.rule_table import RuleTable, SegmentHook
from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent
from streamlab.wire.hollow import holds_nothing
from streamlab.wire.reading import Fact, owes_envelope
from streamlab.wire.runs import Run
from streamlab.wire.sse import ServerSentEvent
from streamlab.wire.text_pieces import TEXTS, first_index, text_pieces

_CONTENT = Fact.CONTENT | Fact.REASONING | Fact.REFUSAL | Fact.TOOL_CALLS | Fact.FUNCTION_CALL | Fact.TEXT
#: Facts of events that rules may point back at.
_NOTED = Fact.NOTED | Fact.DONE | Fact.ERROR | Fact.FINISH
_ANSWER = _CONTENT & ~Fact.REASONING
Reads = Iterable[tuple[int | None, bytes]]
#: Asks rules about reads: these hooks, or with None all that wait for reads.
Ask = Callable[[RuleTable, Reads, list[SegmentHook] | None], None]


class StreamProgress:
    """Takes in each event once the rules were asked about it."""

    def __init__(self, ctx: RuleState) -> None:
        self._ctx = ctx
        self._opened = False  # whether the first chunk that is kept is part of the answer
        self._begun: set[tuple[int, int]] = set()  # of chunks that add text: which kinds, and the first choice
        self._adds = False  # whether the events of the run at hand add to the answer
        self.metrics = MetricsCollector()

    def event(self, at: int, event: StreamEvent, facts: int, offset_us: int | None) -> None:
        """An event that was judged."""
        ctx = self._ctx
        seen = ctx.seen
        seen.events = at + 1
        tracker = ctx.tracker
        if tracker is not None and seen.finished is None and tracker.finished:
            seen.finished = at, offset_us
            facts |= Fact.NOTED
        if facts & Fact.COMMENT:
            return
        if seen.hollow == seen.data_events and holds_nothing(event, typed=tracker is not None):
            seen.hollow += 1
        seen.data_events += 1
        self.metrics.data_event(offset_us)
        if facts & Fact.CHUNK:
            chunk: dict[str, Any] = event.json  # type: ignore[union-attr]
            seen.chunks += 1
            if seen.first_chunk is None or (not self._opened and tracker is None and owes_envelope(chunk)):
                seen.first_chunk, self._opened = chunk, owes_envelope(chunk)
            if facts & Fact.ENVELOPE:  # one without has that of the chunk before, and is what that was
                seen.before_asides = None if owes_envelope(chunk) else seen.before_asides or seen.last
            seen.last = chunk
            seen.landmarks.last = at, event.sse, offset_us
            ctx.accumulator.feed(chunk)
            if facts & _CONTENT or facts & Fact.TYPED:
                self._note_content(at, chunk, facts, event.sse, offset_us)
            if facts & Fact.FINISH:
                seen.note_finish(at, chunk)
        elif facts & Fact.DONE:
            if seen.done_at is None:
                seen.done_at = at
        elif facts & Fact.ERROR:
            ctx.accumulator.feed_error(event.json)  # type: ignore[union-attr]
            if seen.error_at is None:
                seen.error_at = at

        if facts & _NOTED and (facts & Fact.NOTED or at in (seen.done_at, seen.error_at, *seen.finish_at.values())):
            seen.landmarks.keep(at, event.sse, offset_us)

    def _note_content(
        self, at: int, chunk: dict[str, Any], facts: int, came: ServerSentEvent | Run | None, offset_us: int | None
    ) -> None:
        if facts & Fact.TYPED and not facts & _CONTENT:
            kind = chunk["type"]
            if not kind.endswith(".delta"):
                return
            facts |= Fact.REASONING if "reasoning" in kind else Fact.CONTENT
        seen = self._ctx.seen
        seen.content_events += 1
        if seen.first_content is None:
            seen.first_content = at, chunk
            seen.landmarks.keep(at, came, offset_us)
        if facts & TEXTS and not isinstance(came, Run):  # a run only goes on with a text
            self._note_texts(at, chunk, facts, came, offset_us)
        if facts & Fact.REASONING and self.metrics.ttfr_us is None:
            self.metrics.ttfr_us = offset_us
        if facts & _ANSWER and self.metrics.ttfa_us is None:
            self.metrics.ttfa_us = offset_us

    def _note_texts(
        self, at: int, chunk: dict[str, Any], facts: int, came: ServerSentEvent | None, offset_us: int | None
    ) -> None:
        """Keep where each text begins."""
        key = facts & TEXTS, first_index(chunk)
        if key in self._begun and not facts & Fact.MANY_CHOICES:
            return
        self._begun.add(key)
        landmarks = self._ctx.seen.landmarks
        for one in text_pieces(chunk, facts):
            if one.key not in landmarks.texts:
                landmarks.texts[one.key] = at, one.path
                landmarks.keep(at, came, offset_us)

    def run(self, batch: Batch, run: Run, facts: int, ask: Ask, table: RuleTable) -> None:
        """A run of them, which came in these reads; ``ask`` asks rules about reads, between its events."""
        seen = self._ctx.seen
        reads, counts = batch.shares(run)
        begun = next(at for at, count in enumerate(counts) if count)
        read, count = reads[begun], counts[begun]
        if read > batch.at:
            ask(table, batch.reads_up_to(read), None)
        offset_us = batch.offsets[read]
        self._adds = bool(facts & (_CONTENT | Fact.TYPED))
        if self._adds:
            self._note_content(seen.events, run.template.chunk, facts, run, offset_us)
            seen.content_events -= 1
        self._count(count)
        self.metrics.data_events(offset_us, count)
        if begun + 1 < len(reads):
            self._go_on(batch, reads[begun + 1 :], counts[begun + 1 :], ask, table)
        self._ctx.offset_us = batch.offsets[batch.at]
        seen.last = run
        seen.landmarks.last = seen.events - 1, run, self._ctx.offset_us

    def _go_on(self, batch: Batch, reads: Sequence[int], counts: Sequence[int], ask: Ask, table: RuleTable) -> None:
        """The reads in which a run goes on that has begun: together, but for the rules that want to see each."""
        last = reads[-1]
        offsets = list(map(batch.offsets.__getitem__, reads))
        hooks = table.for_reads(*batch.between(last))
        if hooks:
            for read, count in zip(reads, counts, strict=True):
                ask(table, batch.reads_up_to(read), hooks)
                self._count(count)
        else:
            batch.at = last
            self._count(sum(counts))
        self.metrics.in_reads(offsets, counts)

    def _count(self, count: int) -> None:
        seen = self._ctx.seen
        seen.events += count
        seen.data_events += count
        seen.chunks += count
        seen.content_events += count * self._adds
