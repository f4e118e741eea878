"""One exchange under examination in the analyst process: index, findings, comparison, and the fold of a client.

`work` is a generator of messages for the screen: it does a little at each step and never blocks, so that questions
are answered in between. It goes on for as long as the exchange grows.
"""

from __future__ import annotations

import pickle
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from time import monotonic
from typing import IO, Any

from streamlab.apis import UNKNOWN, Api
from streamlab.comparing.event_diff import Differ, explained
from streamlab.comparing.event_outcomes import EventDiff, Outcome
from streamlab.comparing.parity import request_body
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import Analyzer
from streamlab.judging.report import Report
from streamlab.storage.browsing import BodyPiece, Browser
from streamlab.tui import protocol
from streamlab.tui.events import Events, StoredBody, body_of
from streamlab.wire.accumulate import Accumulator, Mark
from streamlab.wire.events import Chunk, ErrorPayload, StreamEvent

#: Segments taken in one step.
_STEP = 256
#: Events from one mark of the fold to the next.
_MARK_EVERY = 2048
_KEPT_DIFFS = 50_000
_TICK = 0.1
#: Seconds from one report of an exchange that goes on to the next, at least.
_REPORT_EVERY = 0.4
_SEARCHED = 512 * 1024
#: Events of a foreign stream that are translated for one question.
_MOST_TRANSLATED = 20_000
#: Characters of a text that are sent to the screen, from its end.
SHOWN = 4_000


class Subject:
    """One exchange. ``work()`` until it ends; ask `state`, `diff` and `search` whenever you like."""

    def __init__(self, browser: Browser, token: int, exchange_id: int) -> None:
        self.browser, self.token, self.id = browser, token, exchange_id
        self.exchange = browser.exchange(exchange_id)
        self.body = body_of(browser, self.exchange)
        self.events = Events(self.body, self.exchange.end_us)
        self.report: Report | None = None
        self._raw = StoredBody(browser, exchange_id)
        self._analyzer = analyzer_for(self.exchange)
        self._differ = Differ(self.exchange.request, self.exchange.head)
        self._diffs = DiffStore()
        self._marks: list[Mark] = []
        self._marked = array("Q")
        self._indexed = self._analyzed = self._compared = 0
        self._whole = False
        self._reported = 0.0
        self._unreported = False

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
        if self._analyzer.ctx.head is None and self.exchange.head is not None and not self._analyzed:
            self._analyzer = analyzer_for(self.exchange)
            self._differ = Differ(self.exchange.request, self.exchange.head)
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
        ticked = monotonic()
        while self._analyzed < total:
            self._unreported = True
            for piece in self._step(self._analyzed, total):
                self._analyzer.feed(piece.offset_us, piece.data)
                self._analyzed += 1
                if self._analyzer.ctx.seen.events >= (self._marked[-1] if self._marked else 0) + _MARK_EVERY:
                    self._mark()
            if monotonic() - ticked > _TICK:
                ticked = monotonic()
                yield protocol.Progress(self.token, "analysing", self._analyzed / total)
                if self._reported < ticked:
                    yield self._so_far()
            yield None
        if finished:
            self.report = self._analyzer.finish(self.exchange.ending, self.exchange.end_us)
            yield protocol.Analyzed(self.token, replace(self.report, completion={}), True)
        elif self.report is None or (self._unreported and self._reported < monotonic()):
            self._unreported = False
            yield self._so_far()

    def _so_far(self) -> protocol.Analyzed:
        started = monotonic()
        self.report = self._analyzer.so_far()
        # What a report costs grows with the stream; it may take a tenth of the time.
        self._reported = monotonic() + max(_REPORT_EVERY, 10 * (monotonic() - started))
        return protocol.Analyzed(self.token, replace(self.report, completion={}), False)

    def _mark(self) -> None:
        self._marked.append(self._analyzer.ctx.seen.events)
        self._marks.append(self._analyzer.ctx.accumulator.mark())

    def _compare(self, total: int, finished: bool) -> Iterator[object]:
        ticked = monotonic()
        while self._compared < total:
            for piece in self._step(self._compared, total):
                self._diffs.add(self._differ.feed(piece.data))
                self._compared += 1
            if monotonic() - ticked > _TICK:
                ticked = monotonic()
                yield protocol.Progress(self.token, "comparing", self._compared / total)
            yield None
        if finished:
            self._diffs.add(self._differ.finish(self.exchange.ending))
            self._whole = True
        yield protocol.Compared(self.token, self._differ.events, finished)

    def _step(self, done: int, total: int) -> list[BodyPiece]:
        return self._raw.pieces(done, min(_STEP, total - done))

    def close(self) -> None:
        """Give the disk back."""
        self._diffs.close()

    # -- questions

    def state(self, event: int) -> protocol.State:
        """What a client holds after an event."""
        judged = self._analyzer.ctx.seen.events
        if event >= judged and judged < len(self.events):
            return protocol.State(self.token, event, None, True)
        api = self._analyzer.ctx.api
        if not api.judged and api is not UNKNOWN:
            return self._foreign_state(api, event)
        at = bisect_right(self._marked, event + 1) - 1
        fold = self._analyzer.ctx.accumulator.at(self._marks[at]) if at >= 0 else Accumulator()
        for place in self.events.places(self._marked[at] if at >= 0 else 0, event + 1):
            _feed(fold, place.meaning)
        held, lengths = _shortened(fold.completion())
        return protocol.State(self.token, event, held, False, lengths)

    def _foreign_state(self, api: Api, event: int) -> protocol.State:
        """What a client would hold if the stream of another API were translated for it, up to an event."""
        kind = api.translator()
        if kind is None or event >= _MOST_TRANSLATED:
            return protocol.State(self.token, event, None, False, {}, str(api))
        fold, translator = Accumulator(), kind(request_body(self.exchange))
        for place in self.events.places(0, event + 1):
            for meaning in translator.feed(place.meaning):
                _feed(fold, meaning)
        held, lengths = _shortened(fold.completion())
        return protocol.State(self.token, event, held, False, lengths, str(api))

    def diff(self, event: int) -> protocol.Diffs:
        """How an event differs from what OpenAI would have sent; the events missing after it come along."""
        findings = self.report.findings if self.report is not None else ()
        found = [explained(one, findings) for one in self._diffs.get(event)]
        if not any(one.outcome is not Outcome.ADDED for one in found):
            unrepaired = explained(EventDiff(event, Outcome.KEPT), findings)
            found = [unrepaired, *found] if unrepaired.broken else found
        waiting = not self._whole and event >= self._differ.events - 1
        kept = not self._diffs.full or event <= self._diffs.last
        return protocol.Diffs(
            self.token, event, tuple(found), waiting, kept, self._whole and self._differ.passes_through
        )

    def search(self, wanted: protocol.Search) -> Iterator[object]:
        """The next event that holds a text, bytes compared without regard to ASCII case."""
        needle = wanted.text.encode("utf-8", "surrogatepass").lower()
        event, searched = wanted.event + wanted.step, 0
        while needle and 0 <= event < len(self.events):
            place = self.events.place(event)
            raw = place.sse.raw if place is not None else b""
            if needle in raw.lower():
                yield protocol.SearchResult(self.token, wanted.text, event, True)
                return
            searched += len(raw)
            event += wanted.step
            if searched > _SEARCHED:
                searched = 0
                yield protocol.SearchResult(self.token, wanted.text, event, False)
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


class DiffStore:
    """Comparisons by event, on disk beyond the memory of this process; at most `_KEPT_DIFFS` of them."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._offsets: dict[int, int] = {}
        self._added: dict[int, EventDiff] = {}
        self.last = -1

    @property
    def full(self) -> bool:
        """Whether comparisons were left out."""
        return len(self._offsets) >= _KEPT_DIFFS

    def add(self, diffs: list[EventDiff]) -> None:
        """Keep these; a later one of the same event replaces an earlier one."""
        for diff in diffs:
            if diff.outcome is Outcome.ADDED:
                self._keep_added(diff)
            elif not self.full or diff.event in self._offsets:
                self._keep(diff)

    def _keep(self, diff: EventDiff) -> None:
        if self._file is None:
            import tempfile  # which brings much that a stream without differences does not need

            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object
        self._offsets[diff.event] = self._file.seek(0, 2)
        pickle.dump(diff, self._file, pickle.HIGHEST_PROTOCOL)
        self.last = max(self.last, diff.event)

    def _keep_added(self, diff: EventDiff) -> None:
        before = self._added.get(diff.event)
        outputs = (*(before.outputs if before is not None else ()), *diff.outputs)
        if len(self._added) < _KEPT_DIFFS:
            self._added[diff.event] = EventDiff(diff.event, Outcome.ADDED, outputs)

    def get(self, event: int) -> list[EventDiff]:
        """What is known of an event."""
        found = []
        if self._file is not None and event in self._offsets:
            self._file.seek(self._offsets[event])
            found.append(pickle.load(self._file))
        if event in self._added:
            found.append(self._added[event])
        return found

    def close(self) -> None:
        """Give the disk back."""
        if self._file is not None:
            self._file.close()
