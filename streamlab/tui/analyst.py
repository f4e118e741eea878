"""The analyst process: everything that takes time happens here, beside the screen and never in front of it.

Run as ``python -m streamlab.tui.analyst``; speaks `protocol` over its standard input and output, and ends when its
input does. One thread reads questions; the main one answers them between small steps of longer work. What nobody waits
for, and what a recorder still writes, is left to a thread that stands back behind everybody else.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from time import monotonic
from typing import IO, Any, ClassVar

from streamlab.comparing.hops import Names, compare_exchanges
from streamlab.comparing.parity import are_two_modes, compare_modes
from streamlab.errors import NotFoundError, StreamlabError
from streamlab.exchange import Exchange
from streamlab.judging.event_index import EventIndex, IndexPart
from streamlab.record import changed
from streamlab.repairing.normalizer import normalize
from streamlab.storage.background import BackgroundThread
from streamlab.storage.browsing import AnalysisSummary, Browser
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.rules_version import rules_version
from streamlab.tui import protocol
from streamlab.tui.analysis_session import AnalysisSession
from streamlab.tui.events import Events, body_of
from streamlab.tui.opening import copy_into
from streamlab.tui.stages import analyzer_for
from streamlab.wire.visible import visible
from streamlab.workflows.summary import summary_of

#: Work between two looks at the questions, in seconds.
_SLICE = 0.01
#: Exchanges larger than this are summarized when somebody opens them, not in passing.
_MAX_SUMMARIZED = 64 * 1024 * 1024
_NOTHING = object()


class Analyst:
    """Answers messages of `protocol`; ``send`` takes the answers."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._browsers: dict[str, Browser] = {}
        self._session: AnalysisSession | None = None
        self._work: dict[str, Iterator[object]] = {}
        self._idle: set[str] = set()
        self._background = BackgroundThread(lasting=True)

    def run(self, questions: queue.SimpleQueue[object]) -> None:
        """Until a None comes, or nobody listens any more."""
        while True:
            busy = [name for name in self._work if name not in self._idle]
            try:
                question = questions.get(block=not busy)
            except queue.Empty:
                question = _NOTHING
            if question is None:
                return
            try:
                if question is not _NOTHING:
                    self._answer(question)
                elif self._is_waited_for(busy[0]):
                    self._background.hurry()
                    self._step(busy[0])
                else:
                    self._background.run(partial(self._steps, busy[0], questions))
            except StreamlabError as error:
                # A capture that vanishes or breaks is told, and ends nothing but the work on it.
                self._work.clear()
                self._say(protocol.Failed(str(error)))

    def _say(self, message: object) -> None:
        protocol.send(self._pipe, message)

    def _is_waited_for(self, name: str) -> bool:
        """Whether somebody looks at what this work is about, and no recorder still writes it: that one comes first."""
        return self._session is not None and self._session.finished and name in ("session", "search")

    def _steps(self, name: str, questions: queue.SimpleQueue[object]) -> None:
        """The same work, until there is a question or it is done, or others come before it."""
        while questions.empty() and next((one for one in self._work if one not in self._idle), None) == name:
            self._step(name)

    def _step(self, name: str) -> None:
        """A slice of the most urgent work; the others move up when it is done or has to wait."""
        until = monotonic() + _SLICE
        for message in self._work[name]:
            if message is False:
                self._idle.add(name)
                return
            if message is not None:
                self._say(message)
            if monotonic() > until:
                return
        self._work.pop(name, None)

    def _answer(self, asked: Any) -> None:
        """Do what a question of `protocol` wants. One about another exchange than the open one is out of date."""
        session = self._session
        if type(asked) in self._ABOUT_SESSION:
            if session is not None and asked.token == session.token:
                self._ABOUT_SESSION[type(asked)](self, session, asked)
        else:
            self._QUESTIONS[type(asked)](self, asked)

    def _poke(self, _asked: protocol.Poke) -> None:
        self._idle.clear()

    def _search(self, session: AnalysisSession, asked: protocol.Search) -> None:
        self._work = {"search": session.search(asked), **self._work}

    def _begin_summaries(self, asked: protocol.Summarize) -> None:
        self._work["summaries"] = self._summarize(asked)

    def _begin_import(self, asked: protocol.Import) -> None:
        self._work["import"] = self._import(asked)

    def _open(self, asked: protocol.Open) -> None:
        if self._session is not None:
            self._session.close()
        self._session = AnalysisSession(self._browser(asked.path), asked.token, asked.exchange_id)
        self._idle.clear()
        self._work.pop("search", None)
        self._work.pop("session", None)
        self._work = {"session": self._session.work(), **self._work}

    def _browser(self, path: str) -> Browser:
        if path not in self._browsers:
            self._browsers[path] = Browser(path)
        return self._browsers[path]

    # -- two exchanges

    def _compare(self, asked: protocol.Compare) -> protocol.Aligned:
        self._background.hurry()
        browser = self._browser(asked.path)
        mine, b_path, b = browser.exchange(asked.a), asked.path, asked.b
        if b is None:
            repaired = changed(normalize(mine).exchange, tap="normalized")
            with CaptureDB(asked.scratch, write=True) as database:
                b_path, b = asked.scratch, database.add(repaired)
        theirs = self._browser(b_path).exchange(b)
        names = Names(_name(mine), _name(theirs))
        if names.a == names.b:
            names = Names(f"exchange {asked.a}", f"exchange {b}")
        outcome = (
            compare_modes(mine, theirs) if are_two_modes(mine, theirs) else compare_exchanges(mine, theirs, names=names)
        )
        sides = (browser, asked.path, mine), (self._browser(b_path), b_path, theirs)
        one, other = ((path, side.id or 0, _whole_index(side, held)) for held, path, side in sides)
        return protocol.Aligned(asked.token, outcome, one, other)

    def _say_comparison(self, asked: protocol.Compare) -> None:
        self._say(self._compare(asked))

    # -- many exchanges

    def _summarize(self, asked: protocol.Summarize) -> Iterator[object]:
        try:
            writer = Browser(asked.path, write=True)
        except StreamlabError:
            return  # a capture that may only be read keeps no summaries
        try:
            for at, number in enumerate(asked.ids):
                found = yield from _summary(writer, number)
                if found is not None:
                    writer.save(rules_version(), [(number, *found)])
                    yield protocol.Summarized((number,), len(asked.ids) - at - 1)
        finally:
            writer.close()

    def _import(self, asked: protocol.Import) -> Iterator[object]:
        count, problem = 0, ""
        try:
            for _ in copy_into(Path(asked.path), asked.targets):
                count += 1
                yield protocol.Imported(count, False, "")
        except StreamlabError as error:
            problem = str(error)
        yield protocol.Imported(count, True, problem)

    #: What is done with a question, by its class; those about the open exchange also get its session.
    _QUESTIONS: ClassVar[dict[type, Callable[[Analyst, Any], None]]] = {
        protocol.Open: _open,
        protocol.Poke: _poke,
        protocol.Summarize: _begin_summaries,
        protocol.Import: _begin_import,
        protocol.Compare: _say_comparison,
    }
    _ABOUT_SESSION: ClassVar[dict[type, Callable[[Analyst, AnalysisSession, Any], None]]] = {
        protocol.AskState: lambda self, session, asked: self._say(session.state(asked.event)),
        protocol.AskDiff: lambda self, session, asked: self._say(session.diff(asked.event)),
        protocol.Search: _search,
    }


def _name(exchange: Exchange) -> str:
    return visible(exchange.tap or exchange.label or f"exchange {exchange.id}", 40)


def _whole_index(exchange: Exchange, browser: Browser) -> IndexPart:
    events = Events(body_of(browser, exchange))
    events.start(len(exchange.segments))
    events.index.finish(exchange.end_us)
    return events.index.part()


def _summary(browser: Browser, number: int) -> Generator[object, None, tuple[AnalysisSummary, str] | None]:
    """One exchange analyzed in small steps."""
    try:
        exchange = browser.exchange(number)
    except NotFoundError:
        return None
    analyzer = analyzer_for(exchange)
    index = EventIndex()
    size = 0
    for segment in exchange.segments:
        analyzer.feed(segment.offset_us, segment.data)
        index.feed(segment.offset_us, segment.data)
        size += len(segment.data)
        if size > _MAX_SUMMARIZED:
            break
        yield None
    report = analyzer.finish(exchange.ending, exchange.end_us)
    return summary_of(report, analyzer.ctx.accumulator.model, index)


def main() -> None:
    """Read questions in a thread, answer them in this one."""
    questions: queue.SimpleQueue[object] = queue.SimpleQueue()
    pipe, answers = sys.stdin.buffer, sys.stdout.buffer

    def read() -> None:
        while (question := protocol.receive(pipe)) is not None:
            questions.put(question)
        questions.put(None)

    threading.Thread(target=read, name="questions", daemon=True).start()
    try:
        Analyst(answers).run(questions)
    except (BrokenPipeError, KeyboardInterrupt):
        pass


if __name__ == "__main__":
    main()
