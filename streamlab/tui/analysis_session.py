"""Analyses one exchange in the analyst process: index, findings, comparison, and the fold of a client.

`work` is a generator of messages for the screen: it does a little at each step and never blocks, so that questions
are answered in between. It goes on for as long as the exchange grows.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from time import monotonic
from typing import Any

from streamlab.apis import UNKNOWN, Api
from streamlab.comparing.event_diff import Differ, explained
from streamlab.comparing.event_outcomes import EventDiff, EventOutcome
from streamlab.comparing.parity import answer_of, request_body
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import Analyzer
from streamlab.judging.report import Report
from streamlab.storage.browsing import BodyPiece, Browser
from streamlab.tui import protocol
from streamlab.tui.diff_store import DiffStore
from streamlab.tui.events import Events, StoredBody, body_of
from streamlab.wire.accumulate import Accumulator, Mark
from streamlab.wire.bodies import PREFIX_BYTES, BodyKind, sniff
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent

#: Segments taken in one step.
_STEP = 256
#: Events from one mark of the fold to the next.
_MARK_EVERY = 2048
_TICK = 0.1
#: Seconds from one report of an exchange that goes on to the next, at least.
_REPORT_EVERY = 0.4
_SEARCHED = 512 * 1024
#: A whole answer is read at once, up to so many bytes.
_LARGEST_WHOLE, _MOST_PIECES = 4 * 1024 * 1024, 512
#: Events of a foreign stream that are translated for one question.
_MOST_TRANSLATED = 20_000
#: Characters of a text that are sent to the screen, from its end.
SHOWN = 4_000


class AnalysisSession:
    """One exchange. ``work()`` until it ends; ask `state`, `diff` and `search` whenever you like."""

    def __init__(self, browser: Browser, token: int, exchange_id: int) -> None:
        self.browser, self.token, self.id = browser, token, exchange_id
        self.exchange = browser.exchange(exchange_id)
        self.body = body_of(browser, self.exchange)
        self.events = Events(self.body, self.exchange.end_us)
        self._raw = StoredBody(browser, exchange_id)
        self._indexed = 0  # segments
        self._judging = _Judging(self.exchange)
        self._comparing = _EventComparison(self.exchange)
        self._is_whole_answer: bool | None = None

    @property
    def finished(self) -> bool:
        """Whether the exchange is over (as far as it was looked at last)."""
        return not self.exchange.notes.get("in_progress")

    # -- the work

    def work(self) -> Iterator[object]:
        """Messages for the screen; None for a step without one, False when there is nothing to do for now."""
        while True:
            self._look_again()
            finished = self.finished
            total = len(self.exchange.segments)
            yield from self._index(total, finished)
            yield from self._analyze(total, finished)
            yield from self._compare(total, finished)
            if finished:
                return
            yield False

    def _look_again(self) -> None:
        self.exchange = self.browser.exchange(self.id)
        self.events.end_us = self.exchange.end_us
        if self._judging.analyzer.ctx.head is None and self.exchange.head is not None and not self._judging.done:
            self._judging = _Judging(self.exchange)
            self._comparing.close()
            self._comparing = _EventComparison(self.exchange)
            self.body = self.events.body = body_of(self.browser, self.exchange)

    def _index(self, total: int, finished: bool) -> Iterator[object]:
        index, ticked = self.events.index, monotonic()
        while self._indexed < total:
            for piece in self.body.pieces(self._indexed, min(_STEP, total - self._indexed)):
                index.feed(piece.offset_us, piece.data)
                self._indexed += 1
            if monotonic() - ticked > _TICK:
                ticked = monotonic()
                yield protocol.Indexed(self.token, index.part(), False)
                yield protocol.Progress(self.token, "indexing", self._indexed / total)
            yield None
        if finished:
            index.finish(self.exchange.end_us)
            self.events.whole = True
        yield protocol.Indexed(self.token, index.part(), finished)

    def _analyze(self, total: int, finished: bool) -> Iterator[object]:
        judging, ticked = self._judging, monotonic()
        while judging.done < total:
            judging.feed(self._step(judging.done, total))
            if monotonic() - ticked > _TICK:
                ticked = monotonic()
                yield protocol.Progress(self.token, "analysing", judging.done / total)
                if judging.may_report:
                    yield self._analyzed(judging.so_far(), False)
            yield None
        if finished:
            yield self._analyzed(judging.finish(self.exchange), True)
        elif judging.should_report:
            yield self._analyzed(judging.so_far(), False)

    def _analyzed(self, report: Report, whole: bool) -> protocol.Analyzed:
        return protocol.Analyzed(self.token, replace(report, completion={}), whole)

    def _compare(self, total: int, finished: bool) -> Iterator[object]:
        comparing, ticked = self._comparing, monotonic()
        while comparing.done < total:
            comparing.feed(self._step(comparing.done, total))
            if monotonic() - ticked > _TICK:
                ticked = monotonic()
                yield protocol.Progress(self.token, "comparing", comparing.done / total)
            yield None
        if finished:
            comparing.finish(self.exchange)
        yield protocol.Compared(self.token, comparing.differ.events, finished)

    def _step(self, done: int, total: int) -> list[BodyPiece]:
        return self._raw.pieces(done, min(_STEP, total - done))

    def close(self) -> None:
        """Give the disk back."""
        self._comparing.close()

    # -- questions

    def state(self, event: int) -> protocol.HeldState:
        """What a client holds after an event."""
        if self._came_whole():
            held, lengths = _shortened(answer_of(self.exchange).completion)
            return protocol.HeldState(self.token, event, held, False, lengths, came_whole=True)
        ctx = self._judging.analyzer.ctx
        if event >= ctx.seen.events and ctx.seen.events < len(self.events):
            return protocol.HeldState(self.token, event, None, True)
        api = ctx.api
        if not api.judged and api is not UNKNOWN:
            return self._foreign_state(api, event)
        start, fold = self._judging.folded_before(event)
        for place in self.events.places(start, event + 1):
            _feed(fold, place.meaning)
        held, lengths = _shortened(fold.completion())
        return protocol.HeldState(self.token, event, held, False, lengths)

    def _came_whole(self) -> bool:
        """Whether the answer is one piece of JSON, of which no event says anything."""
        if self._is_whole_answer is None and self.finished:
            pieces = self.body.pieces(0, _MOST_PIECES)
            body = b"".join(piece.data for piece in pieces)
            small = len(pieces) < _MOST_PIECES and len(body) <= _LARGEST_WHOLE
            self._is_whole_answer = small and sniff(body[:PREFIX_BYTES]) is BodyKind.JSON
        return bool(self._is_whole_answer)

    def _foreign_state(self, api: Api, event: int) -> protocol.HeldState:
        """What a client would hold if the stream of another API were translated for it, up to an event."""
        kind = api.translator()
        if kind is None or event >= _MOST_TRANSLATED:
            return protocol.HeldState(self.token, event, None, False, {}, str(api))
        fold, translator = Accumulator(), kind(request_body(self.exchange))
        for place in self.events.places(0, event + 1):
            for meaning in translator.feed(place.meaning):
                _feed(fold, meaning)
        held, lengths = _shortened(fold.completion())
        return protocol.HeldState(self.token, event, held, False, lengths, str(api))

    def diff(self, event: int) -> protocol.Diffs:
        """How an event differs from what OpenAI would have sent; the events missing after it come along."""
        report, comparing = self._judging.report, self._comparing
        findings = report.findings if report is not None else ()
        found = [explained(one, findings) for one in comparing.diffs.get(event)]
        if not any(one.outcome is not EventOutcome.ADDED for one in found):
            unrepaired = explained(EventDiff(event, EventOutcome.KEPT), findings)
            found = [unrepaired, *found] if unrepaired.broken else found
        waiting = not comparing.is_whole and event >= comparing.differ.events - 1
        kept = not comparing.diffs.full or event <= comparing.diffs.last
        foreign = comparing.is_whole and comparing.differ.passes_through
        return protocol.Diffs(self.token, event, tuple(found), waiting, kept, foreign)

    def search(self, wanted: protocol.Search) -> Iterator[object]:
        """The next event that holds a text, bytes compared without regard to ASCII case; it goes on at the other end,
        and comes back to where it began last."""
        needle = wanted.text.encode("utf-8", "surrogatepass").lower()
        count, searched = len(self.events), 0
        for gone in range(1, count + 1 if needle else 0):
            event = (min(wanted.event, count) + gone * wanted.step) % count
            wrapped = (event - wanted.event) * wanted.step <= 0
            place = self.events.place(event)
            raw = place.sse.raw if place is not None else b""
            if needle in raw.lower():
                yield protocol.SearchResult(self.token, wanted.text, event, True, wrapped)
                return
            searched += len(raw)
            if searched > _SEARCHED:
                searched = 0
                yield protocol.SearchResult(self.token, wanted.text, event, False, wrapped)
        yield protocol.SearchResult(self.token, wanted.text, None, True)


class _Judging:
    """The analysis of an exchange, with marks from which the fold of a client can be taken up again."""

    def __init__(self, exchange: Exchange) -> None:
        self.analyzer = analyzer_for(exchange)
        self.done = 0  # segments
        self.report: Report | None = None
        self._marks: list[Mark] = []
        self._marked = array("Q")
        self._next_report = 0.0
        self._has_news = False

    def feed(self, pieces: list[BodyPiece]) -> None:
        """More of the body."""
        for piece in pieces:
            self.analyzer.feed(piece.offset_us, piece.data)
            self.done += 1
            if self.analyzer.ctx.seen.events >= (self._marked[-1] if self._marked else 0) + _MARK_EVERY:
                self._marked.append(self.analyzer.ctx.seen.events)
                self._marks.append(self.analyzer.ctx.accumulator.mark())
        self.analyzer.catch_up()
        self._has_news = True

    @property
    def may_report(self) -> bool:
        """Whether it is long enough since the last report."""
        return self._next_report < monotonic()

    @property
    def should_report(self) -> bool:
        """Whether there is something new to say, and it may be said."""
        return self.report is None or (self._has_news and self.may_report)

    def so_far(self) -> Report:
        """The findings by now."""
        started = monotonic()
        self.report, self._has_news = self.analyzer.so_far(), False
        # What a report costs grows with the stream; it may take a tenth of the time.
        self._next_report = monotonic() + max(_REPORT_EVERY, 10 * (monotonic() - started))
        return self.report

    def finish(self, exchange: Exchange) -> Report:
        """All findings."""
        self.report = self.analyzer.finish(exchange.ending, exchange.end_us)
        return self.report

    def folded_before(self, event: int) -> tuple[int, Accumulator]:
        """The last mark before an event: the event to go on with, and the fold up to there."""
        at = bisect_right(self._marked, event + 1) - 1
        if at < 0:
            return 0, self.analyzer.ctx.api.fold(None)
        return self._marked[at], self.analyzer.ctx.accumulator.at(self._marks[at])


class _EventComparison:
    """The comparison of an exchange with what OpenAI would have sent."""

    def __init__(self, exchange: Exchange) -> None:
        self.differ = Differ(exchange.request, exchange.head)
        self.diffs = DiffStore()
        self.done = 0  # segments
        self.is_whole = False

    def feed(self, pieces: list[BodyPiece]) -> None:
        """More of the body."""
        for piece in pieces:
            self.diffs.add(self.differ.feed(piece.data))
            self.done += 1

    def finish(self, exchange: Exchange) -> None:
        """The body is over."""
        self.diffs.add(self.differ.finish(exchange.ending))
        self.is_whole = True

    def close(self) -> None:
        """Give the disk back."""
        self.diffs.close()


def _feed(fold: Accumulator, meaning: StreamEvent) -> None:
    if isinstance(meaning, Chunk):
        fold.feed(meaning.json)
    elif isinstance(meaning, ErrorPayload):
        fold.feed_error(meaning.json)


def _shortened(held: dict[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """A completion with only the ends of its long texts, and how long those texts are."""
    shown, lengths = dict(held), {}
    shown.pop("choices", None)
    for key in ("content", "reasoning", "refusal"):
        text = held.get(key)
        if isinstance(text, str):
            lengths[key], shown[key] = len(text), text[-SHOWN:]
    lengths["choices"] = len(held.get("choices") or ())
    return shown, lengths


def analyzer_for(exchange: Exchange) -> Analyzer:
    """An analyzer that knows what a recorder has noted so far."""
    return Analyzer(
        exchange.request,
        exchange.head,
        notes=exchange.notes,
        http_chunked=exchange.http_chunks is not None or None,
        # An unfinished exchange has times too; only imported ones lack them.
        timing_known=exchange.timing_known or bool(exchange.notes.get("in_progress")),
    )
