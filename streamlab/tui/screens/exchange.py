"""One exchange: timeline, diff, bytes and client state, moving together; findings; and play."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Resize

from streamlab.rules.finding import Finding
from streamlab.tui import protocol
from streamlab.tui.drawing.layout import layout, timeline_box
from streamlab.tui.drawing.titles import exchange_facts, exchange_title
from streamlab.tui.messages import Chosen, CursorMoved
from streamlab.tui.screens.base import Handlers
from streamlab.tui.screens.exchange_keys import FOOTERS, PANES, ExchangeKeys
from streamlab.tui.viewing.chosen_client import ChosenClient
from streamlab.tui.viewing.panes import Panes
from streamlab.tui.viewing.play import Play
from streamlab.tui.viewing.questions import PACE_SECONDS, Questions
from streamlab.tui.viewing.search import SearchState
from streamlab.tui.viewing.shares import Shares
from streamlab.tui.viewing.tour import Tour
from streamlab.tui.viewing.viewed import Viewed
from streamlab.tui.widgets.bytes_pane import BytesPane
from streamlab.tui.widgets.diff_pane import DiffPane
from streamlab.tui.widgets.findings_pane import FindingsPane
from streamlab.tui.widgets.key_bar import KeyBar
from streamlab.tui.widgets.line import OneLine
from streamlab.tui.widgets.overview import Overview
from streamlab.tui.widgets.state_pane import StatePane
from streamlab.tui.widgets.timeline import Timeline

_TITLES = {"timeline": "Timeline", "findings": "Findings", "diff": "Diff", "bytes": "Bytes", "client": "Client"}


class ExchangeScreen(ExchangeKeys):
    """Everything about one exchange. What each part of it does is in `viewing`; what keys do is in `ExchangeKeys`."""

    TITLE = "Exchange"

    def __init__(self, exchange_id: int, event: int = 0, size: tuple[int, int] = (80, 24)) -> None:
        super().__init__(classes=layout(*size))
        self._wanted = exchange_id, event
        self.questions, self.search, self.client = Questions(self), SearchState(), ChosenClient()
        self.shares, self.panes = Shares(self), Panes(self)
        self._stage = ""
        self._followed = -1  # where following a recorder has put the cursor
        self._go_when_there = 0

    def compose(self) -> ComposeResult:
        """The parts."""
        yield OneLine(id="title")
        yield OneLine(id="facts")
        yield Overview(id="overview")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                timeline = Timeline(id="timeline")
                timeline.add_class("pane")
                yield timeline
                yield FindingsPane(id="findings", classes="pane")
            with Vertical(id="right"):
                yield DiffPane(id="diff", classes="pane -shown")
                yield BytesPane(id="bytes", classes="pane")
                yield StatePane(id="client", classes="pane")
        yield KeyBar()

    def on_mount(self) -> None:
        """Open the exchange."""
        for name, title in _TITLES.items():
            self.query_one(f"#{name}").border_title = title
        self.timeline.focus()
        self.open(*self._wanted)
        # Known before the first layout, it spares a second one.
        self.timeline.show_vertical_scrollbar = self.timeline.row_count > timeline_box(*self.app.size).height
        self.set_interval(PACE_SECONDS, self._ask_for_more)

    @property
    def timeline(self) -> Timeline:
        """The rows of events."""
        return self.query_one(Timeline)

    @property
    def exchange_id(self) -> int:
        """Which exchange is shown."""
        return self.viewed.id

    @property
    def finding(self) -> Finding | None:
        """The finding that somebody went to."""
        return self.tour.finding

    @property
    def settled(self) -> bool:
        """Whether everything that can be said about the exchange and the event at the cursor was said."""
        return self.viewed.is_judged and not self._stage and self.questions.is_idle and not self._go_when_there

    def open(self, exchange_id: int, event: int = 0) -> None:
        """Show an exchange: its beginning at once, what takes time as it comes."""
        self.viewed = Viewed(self.app.watcher, exchange_id, self.app.next_token())
        self.tour, self.play = Tour(), Play(self, self.viewed.events)
        self.questions.begin()
        self.shares.begin()
        self._go_when_there = event
        self._refresh_stream()
        self.timeline.cursor = 0
        self.query_one(FindingsPane).show((), "analysing …")
        self.annotate()
        self._show_titles()
        self.panes.begin()
        self.show_event()
        self.app.remember(exchange_id, event)
        self.call_after_refresh(self.questions.open)

    def _ask_for_more(self) -> None:
        """Findings of an exchange that goes on come now and then; the last ones before a silence have to come too."""
        if self.questions.is_due:
            self._show_parts(following=False)
        if self.viewed.is_live:
            self.app.ask(protocol.Poke())

    def capture_changed(self) -> None:
        """Somebody wrote to the capture."""
        if self.viewed.is_live:
            self.viewed.look_again()
            self.app.ask(protocol.Poke())  # what is new is drawn when the analyst has said what it is

    # -- answers of the analyst

    def concerns(self, token: int) -> bool:
        """See `WorkbenchScreen`."""
        return token == self.viewed.token

    def _indexed(self, answer: protocol.Indexed) -> None:
        viewed = self.viewed
        at_end = self.cursor >= self.timeline.row_count - 1 > 0 and viewed.is_growing
        viewed.extend(answer)
        self.play.player.events = viewed.events
        self._refresh_stream()
        if self._go_when_there and self._go_when_there < self.timeline.row_count:
            self.go(self._go_when_there)
            self._go_when_there = 0
        elif at_end:
            self._followed = self.timeline.row_count - 1
            self.timeline.cursor = self._followed
        viewed.is_growing = viewed.is_growing and not answer.whole
        self._show_titles()

    def _progressed(self, answer: protocol.Progress) -> None:
        self._stage = f"{answer.stage} {answer.fraction:.0%}"
        self.show_notice()

    def _analyzed(self, answer: protocol.Analyzed) -> None:
        self.viewed.judge(answer)
        self.annotate()
        self._show_titles()
        self.questions.ask()
        if self.tour.is_waiting and (self.viewed.findings or self.viewed.is_judged):
            self.action_finding(self.tour.steps_asked())

    def _compared(self, _answer: protocol.Compared) -> None:
        self._stage = ""
        self.show_notice()
        self.questions.ask()

    def _got_state(self, answer: protocol.HeldState) -> None:
        self.panes.show_state(answer)
        self.questions.answered("state", answer.event, waiting=answer.waiting)

    def _got_diff(self, answer: protocol.Diffs) -> None:
        self.panes.show_diff(answer)
        self.questions.answered("diff", answer.event, waiting=answer.waiting)

    def _found(self, answer: protocol.SearchResult) -> None:
        self._stage = "" if answer.done else f"searching … event {answer.event:,}"
        self.show_notice()
        if not answer.done:
            return
        if said := self.search.outcome(answer):
            self.app.tell(said)
        if answer.event is not None:
            self.go(answer.event)

    HANDLERS: ClassVar[Handlers] = {
        protocol.Indexed: _indexed,
        protocol.Progress: _progressed,
        protocol.Analyzed: _analyzed,
        protocol.Compared: _compared,
        protocol.HeldState: _got_state,
        protocol.Diffs: _got_diff,
        protocol.SearchResult: _found,
    }

    # -- what is shown

    def _refresh_stream(self) -> None:
        viewed = self.viewed
        self.timeline.drawing.follow(viewed.events)
        self.timeline.show(viewed.events, viewed.ending, viewed.exchange.end_us)
        self.query_one(Overview).show(viewed.events.index, viewed.stall_us)

    def annotate(self) -> None:
        """Findings and marks, wherever they stand."""
        viewed, pane = self.viewed, self.query_one(FindingsPane)
        self.timeline.drawing.stall_us = viewed.stall_us
        self.timeline.annotate(viewed.findings, viewed.marks)
        self.query_one(Overview).annotate(viewed.findings)
        pane.show(viewed.findings, viewed.clean_note)
        if viewed.is_judged:
            self.shares.need("findings", max(1, len(viewed.findings)))
        count = len(viewed.findings)
        pane.border_title = f"Findings · {count}" if count else "Findings"

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """The parts follow."""
        if self.tour.finding is not None and message.event not in self.viewed.rows_of(self.tour.finding):
            self.tour.finding = None
        self.query_one(Overview).move(message.event)
        self._show_parts(following=message.event == self._followed)

    def _show_parts(self, *, following: bool) -> None:
        if self.questions.may_draw(following=following):
            self.show_event()
            self.questions.ask()
        else:
            self._show_title()

    def show_event(self) -> None:
        """The event at the cursor, as far as it is known here."""
        self.panes.show_bytes()
        self.query_one(KeyBar).refresh()
        self._show_title()

    def _show_titles(self) -> None:
        self._show_title()
        viewed = self.viewed
        note, width = viewed.marks.get(-1), self.size.width - 2
        facts = exchange_facts(viewed.exchange, viewed.events, viewed.report, note, width)
        self.query_one("#facts", OneLine).update(facts)
        self.show_notice()

    def _show_title(self) -> None:
        viewed, width = self.viewed, self.size.width - 2
        title = exchange_title(viewed.exchange, viewed.report, self.cursor, len(viewed.events), width)
        self.query_one("#title", OneLine).update(title)

    def show_notice(self) -> None:
        """What is going on, on the right below."""
        self.query_one(KeyBar).notice(self.play.said or self._stage)

    def on_descendant_focus(self) -> None:
        """The footer fits what has the focus."""
        name = (self.focused.id if self.focused is not None else None) or "timeline"
        keys = FOOTERS.get(name, FOOTERS["timeline"])
        self.query_one(KeyBar).show((*keys, ("q", "back"), ("F1", "help"), ("^p", "commands")))

    def on_resize(self, event: Resize) -> None:
        """As many parts side by side as have room; the others are one key away."""
        chosen = layout(*event.size)
        for name in ("-wide", "-medium", "-narrow"):
            self.set_class(name == chosen, name)
        self.shares.apply()
        if self.is_mounted:
            self._show_titles()
        others = "  ".join(f"{key} {other}" for key, other in zip("dbc", PANES, strict=True))
        for name in PANES:
            self.query_one(f"#{name}").border_subtitle = "" if chosen == "-wide" else others

    # -- moving

    def go_to_finding(self, finding: Finding) -> None:
        """To the first place of a finding."""
        self.tour.finding = finding
        row = self.viewed.rows_of(finding)[0]
        if row == self.cursor:
            self.show_event()
            self.panes.show_diff_again()
        else:
            self.go(row)
            self.tour.finding = finding

    def on_overview_clicked(self, message: Overview.Clicked) -> None:
        """A click on the overview."""
        self.go(message.event)

    def on_chosen(self, message: Chosen) -> None:
        """Enter: on a finding, go there; on an event, to its diff."""
        if isinstance(self.focused, FindingsPane):
            self.go_to_finding(self.focused.findings[message.row])
        else:
            self.action_pane("diff")

    def leaving(self) -> None:
        """Remember the event."""
        self.app.remember(self.exchange_id, self.cursor)

    def search_on(self, step: int) -> None:
        """The next (1) or previous (-1) event with the text last searched for."""
        question = self.search.question(self.viewed.token, self.cursor, step)
        if question is not None:
            self.app.ask(question)
