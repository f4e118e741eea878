"""Analyses one exchange in the analyst process: index, findings, comparison, and the fold of a client.

`work` is a generator of messages for the screen: it does a little at each step and never blocks, so that questions
are answered in between. It goes on for as long as the exchange grows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any

from streamlab.apis import UNKNOWN, Api
from streamlab.comparing.event_diff import explained
from streamlab.comparing.event_outcomes import EventDiff, EventOutcome
from streamlab.comparing.parity import answer_of, request_body
from streamlab.judging.report import Report
from streamlab.record import changed
from streamlab.storage.browsing import Browser
from streamlab.tui import protocol
from streamlab.tui.events import BodyPieces, Events, StoredBody, body_of
from streamlab.tui.stages import EventComparison, Indexing, Judging, Piece, SegmentStage
from streamlab.wire.accumulate import Accumulator
from streamlab.wire.bodies import PREFIX_BYTES, BodyKind, sniff
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent

#: Segments taken in one step.
_STEP = 256
_TICK = 0.1
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
        self._indexing = Indexing(self.events.index)
        self._judging = Judging(self.exchange)
        self._comparing = EventComparison(self.exchange)
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
            self._judging = Judging(self.exchange)
            self._comparing.close()
            self._comparing = EventComparison(self.exchange)
            self.body = self.events.body = body_of(self.browser, self.exchange)

    def _index(self, total: int, finished: bool) -> Iterator[object]:
        index = self.events.index
        for late in self._take(self._indexing, self.body, total):
            if late:
                yield protocol.Indexed(self.token, index.part(), False)
                yield from self._progress("indexing", self._indexing, total)
            yield None
        if finished:
            index.finish(self.exchange.end_us)
            self.events.whole = True
        yield protocol.Indexed(self.token, index.part(), finished)

    def _analyze(self, total: int, finished: bool) -> Iterator[object]:
        judging = self._judging
        for late in self._take(judging, self._raw, total):
            if late:
                yield from self._progress("analysing", judging, total)
            yield None
        if finished:
            yield self._analyzed(judging.finish(self.exchange), True)
        elif judging.should_report:
            yield self._analyzed(judging.so_far(), False)

    def _analyzed(self, report: Report, whole: bool) -> protocol.Analyzed:
        return protocol.Analyzed(self.token, changed(report, completion={}), whole)

    def _compare(self, total: int, finished: bool) -> Iterator[object]:
        comparing = self._comparing
        for late in self._take(comparing, self._raw, total):
            if late:
                yield from self._progress("comparing", comparing, total)
            yield None
        if finished:
            comparing.finish(self.exchange)
        yield protocol.Compared(self.token, comparing.differ.events, finished)

    def _take(self, stage: SegmentStage, body: BodyPieces, total: int) -> Iterator[bool]:
        """Give a stage all segments of a body, and the stages behind it as well while that costs them little; whether
        it is time to say how far it is."""
        stages: tuple[SegmentStage, ...] = (self._indexing, self._judging, self._comparing)
        behind = stages[stages.index(stage) + 1 :] if isinstance(body, StoredBody) else ()
        ticked = monotonic()
        while stage.done < total:
            start = stage.done
            pieces: Sequence[Piece]
            if isinstance(body, StoredBody):
                pieces = body.more(start, total)
            else:
                pieces = body.pieces(start, min(_STEP, total - start))
            if not pieces:
                return  # the exchange was deleted meanwhile
            stage.feed(pieces)
            for other in behind:
                if other.done == start and other.goes_along:
                    other.feed(pieces)
            late = monotonic() - ticked > _TICK
            ticked = monotonic() if late else ticked
            yield late

    def _progress(self, name: str, stage: SegmentStage, total: int) -> Iterator[object]:
        """How far a stage is, and the findings by now."""
        yield protocol.Progress(self.token, name, stage.done / total)
        if stage is not self._comparing and self._judging.may_report:
            yield self._analyzed(self._judging.so_far(), False)

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
