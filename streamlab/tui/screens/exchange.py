"""One exchange: timeline, diff, bytes and client state, moving together; findings; and play."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.timer import Timer

from streamlab.comparing.members import members_of
from streamlab.exchange import Exchange
from streamlab.report.units import milliseconds
from streamlab.rules.finding import Finding
from streamlab.tui import protocol
from streamlab.tui.drawing.layout import AT_ONCE, layout, timeline_box
from streamlab.tui.drawing.titles import exchange_facts, exchange_title
from streamlab.tui.messages import Chosen, CursorMoved
from streamlab.tui.playing import Player
from streamlab.tui.screens.base import WorkbenchScreen
from streamlab.tui.widgets.bytes_pane import BytesPane
from streamlab.tui.widgets.diff_pane import DiffPane
from streamlab.tui.widgets.findings_pane import FindingsPane
from streamlab.tui.widgets.key_bar import KeyBar
from streamlab.tui.widgets.line import Line
from streamlab.tui.widgets.overview import Overview
from streamlab.tui.widgets.state_pane import StatePane
from streamlab.tui.widgets.timeline import Timeline
from streamlab.wire import reading
from streamlab.wire.events import Chunk
from streamlab.wire.visible import visible

if TYPE_CHECKING:
    from streamlab.judging.report import Report

_FRAME = 1 / 30
_REPORT_SECONDS = 0.5
_AGAIN_SECONDS = 0.1
_PANES = ("diff", "bytes", "client")


class ExchangeScreen(WorkbenchScreen):
    """Everything about one exchange."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "finding(1)", "next finding", show=False),
        Binding("N", "finding(-1)", "previous finding", show=False),
        Binding("right_square_bracket", "stall(1)", "next stall", show=False),
        Binding("left_square_bracket", "stall(-1)", "previous stall", show=False),
        Binding("right_curly_bracket", "neighbour(1)", "next exchange", show=False),
        Binding("left_curly_bracket", "neighbour(-1)", "previous exchange", show=False),
        Binding("space", "play", "play", show=False),
        Binding("greater_than_sign", "faster(1)", "faster", show=False),
        Binding("less_than_sign", "faster(-1)", "slower", show=False),
        Binding("full_stop,right", "step(1)", "step", show=False),
        Binding("comma,left", "step(-1)", "step back", show=False),
        Binding("t,1", "pane('timeline')", "timeline", show=False),
        Binding("d,2", "pane('diff')", "diff", show=False),
        Binding("b,3", "pane('bytes')", "bytes", show=False),
        Binding("c,4", "pane('client')", "client state", show=False),
        Binding("f,5", "pane('findings')", "findings", show=False),
        Binding("o", "rule", "explain the rule", show=False),
        Binding("m", "mark", "mark", show=False),
        Binding("a", "note", "note", show=False),
        Binding("slash", "search", "search", show=False),
        Binding("e", "export", "export", show=False),
        Binding("y", "copy_curl", "copy as curl", show=False),
        Binding("w", "normalize", "write normalized", show=False),
        Binding("r", "replay", "replay", show=False),
        Binding("v", "compare_normalized", "compare with normalized", show=False),
        Binding("colon", "go_to", "go to event", show=False),
        Binding("escape,q", "leave", "back", show=False),
    ]
    KEYS: ClassVar[dict[str, tuple[tuple[str, str], ...]]] = {
        "timeline": (("n", "finding"), ("]", "stall"), ("Space", "play"), ("+-", "zoom"), ("/", "search")),
        "findings": (("Enter", "go there"), ("o", "explain"), ("n", "next"), ("t", "timeline")),
        "diff": (("n", "finding"), ("o", "explain rule"), ("w", "write mended"), ("t", "timeline")),
        "bytes": (("x", "hex"), ("n", "finding"), ("t", "timeline")),
        "client": (("Space", "play"), (".", "step"), (",", "back"), ("t", "timeline")),
    }

    def __init__(self, exchange_id: int, event: int = 0, size: tuple[int, int] = (80, 24)) -> None:
        super().__init__(classes=layout(*size))
        self.exchange_id = exchange_id
        self.token = 0
        self.report: Report | None = None
        self.finding: Finding | None = None
        self._event = event
        self._asked: set[str] = set()
        self._search = ""
        self._shown = "diff"
        self._stage = ""
        self._playing: Timer | None = None
        self._whole_report = False
        self._last_tick = 0.0
        self._followed = -1  # where following a recorder has put the cursor
        self._parts_due, self._parts_shown = False, 0.0
        self._again: Timer | None = None

    def compose(self) -> ComposeResult:
        """The parts."""
        yield Line(id="title")
        yield Line(id="facts")
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
        titles = {"timeline": "Timeline", "findings": "Findings", "diff": "Diff", "bytes": "Bytes", "client": "Client"}
        for name, title in titles.items():
            self.query_one(f"#{name}").border_title = title
        self.timeline.focus()
        self.open(self.exchange_id, self._event)
        # Known before the first layout, it spares a second one.
        self.timeline.show_vertical_scrollbar = self.timeline.row_count > timeline_box(*self.app.size).height
        self.set_interval(_REPORT_SECONDS, self._ask_for_more)

    # -- the parts

    @property
    def timeline(self) -> Timeline:
        """The rows of events."""
        return self.query_one(Timeline)

    @property
    def cursor(self) -> int:
        """The event looked at; one more than the last stands for the ending."""
        return self.timeline.cursor

    def open(self, exchange_id: int, event: int = 0) -> None:
        """Show an exchange: its beginning at once, what takes time as it comes."""
        watcher = self.app.watcher
        self.exchange_id = exchange_id
        self.exchange: Exchange = watcher.exchange(exchange_id)
        self.events = watcher.events(self.exchange)
        self.events.start(AT_ONCE)
        self._fresh = True
        self.token = self.app.next_token()
        self.report, self.finding, self._whole_report = None, None, False
        self.player = Player(self.events)
        self._asked.clear()
        self._growing = self.live
        self._opened = False  # questions about an exchange come after word of it
        self._go_when_there = event
        self._refresh_stream()
        self.timeline.cursor = 0
        self.query_one(FindingsPane).show((), whole=False)
        self._annotate()
        self._show_titles()
        self._show_event()
        self.app.remember(exchange_id, event)
        self.call_after_refresh(self._ask_analyst)

    def _ask_analyst(self) -> None:
        self.app.ask(protocol.Open(self.token, str(self.app.watcher.path), self.exchange_id))
        self._opened = True
        self._ask_about_event()

    def _ask_for_more(self) -> None:
        """Findings of an exchange that goes on come now and then; the last ones before a silence have to come too."""
        if self._parts_due:
            self._show_parts()
        if self.live:
            self.app.ask(protocol.Poke())

    @property
    def live(self) -> bool:
        """Whether a recorder is still writing it."""
        return bool(self.exchange.notes.get("in_progress"))

    def capture_changed(self) -> None:
        """Somebody wrote to the capture."""
        if self.live:
            self.exchange = self.app.watcher.exchange(self.exchange_id)
            self.events.end_us = self.exchange.end_us
            self.app.ask(protocol.Poke())  # what is new is drawn when the analyst has said what it is

    @property
    def settled(self) -> bool:
        """Whether everything that can be said about the exchange and the event at the cursor was said."""
        asking = self._asked or not self._opened or self._go_when_there
        return self._whole_report and not self._stage and not asking

    # -- answers of the analyst

    def answered(self, answer: Any) -> None:
        """One of `protocol`; answers about another exchange are dropped."""
        if getattr(answer, "token", self.token) != self.token:
            return
        if isinstance(answer, protocol.Indexed):
            self._indexed(answer)
        elif isinstance(answer, protocol.Progress):
            self._stage = f"{answer.stage} {answer.fraction:.0%}"
            self._show_notice()
        elif isinstance(answer, protocol.Analyzed):
            self.report, self._whole_report = answer.report, answer.whole
            self._annotate()
            self._show_titles()
            self._ask_about_event()
        elif isinstance(answer, protocol.Compared):
            self._stage = ""
            self._show_notice()
            self._ask_about_event()
        elif isinstance(answer, protocol.State):
            self._got_state(answer)
        elif isinstance(answer, protocol.Diffs):
            self._got_diff(answer)
        elif isinstance(answer, protocol.SearchResult):
            self._found(answer)

    def _indexed(self, answer: protocol.Indexed) -> None:
        if self._fresh:
            # What this process indexed for the first screen is the beginning of what the analyst says in full.
            body, self._fresh = self.events.body, False
            events = self.app.watcher.events(self.exchange)
            events.body = body
            self.events = self.player.events = events
            self.timeline.drawing.events = events
        at_end = self.cursor >= self.timeline.row_count - 1 > 0 and self._growing
        self.events.index.extend(answer.part)
        self.events.whole = answer.whole
        if answer.whole and self.live:
            self.exchange = self.app.watcher.exchange(self.exchange_id)
            self.events.end_us = self.exchange.end_us
        self._refresh_stream()
        if self._go_when_there and self._go_when_there < self.timeline.row_count:
            self.go(self._go_when_there)
            self._go_when_there = 0
        elif at_end:
            self._followed = self.timeline.row_count - 1
            self.timeline.cursor = self._followed
        self._growing = self._growing and not answer.whole
        self._show_titles()

    def _refresh_stream(self) -> None:
        ended = self.events.whole and not self.live
        self.timeline.show(self.events, str(self.exchange.ending) if ended else None, self.exchange.end_us)
        self.query_one(Overview).show(self.events.index, self.timeline.drawing.stall_us)

    def _annotate(self) -> None:
        findings = self.report.findings if self.report is not None else ()
        metrics = self.report.metrics if self.report is not None else None
        if metrics is not None and metrics.gap_p50_us is not None:
            self.timeline.drawing.stall_us = max(1_000_000, 10 * metrics.gap_p50_us)
        self.timeline.annotate(findings, self.app.watcher.marks(self.exchange_id))
        self.query_one(Overview).annotate(findings)
        self.query_one(FindingsPane).show(findings, whole=self._whole_report)
        count = len(findings)
        self.query_one("#findings").border_title = f"Findings · {count}" if count else "Findings"

    # -- the event at the cursor

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """The parts follow."""
        if self.finding is not None and message.event not in self._events_of(self.finding):
            self.finding = None
        self.query_one(Overview).move(message.event)
        if message.event == self._followed and monotonic() < self._parts_shown + _REPORT_SECONDS:
            self._parts_due = True  # nobody reads them at the pace of a stream; the cores are left to others
            self._show_title()
        else:
            self._show_parts()

    def _show_parts(self) -> None:
        self._parts_due, self._parts_shown = False, monotonic()
        self._show_event()
        self._ask_about_event()

    def _ask_about_event(self) -> None:
        """At most one question of a kind is on its way; its answer asks again when the cursor went on."""
        if not self._opened:
            return
        event = min(self.cursor, len(self.events) - 1)
        for name, question in (("state", protocol.AskState), ("diff", protocol.AskDiff)):
            if name not in self._asked:
                self._asked.add(name)
                self.app.ask(question(self.token, event))

    def _ask_again(self) -> None:
        """What was not known yet may be in a moment; one such question is enough."""
        if self._again is None and not self._parts_due:
            self._again = self.set_timer(_AGAIN_SECONDS, self._ask_once_more)

    def _ask_once_more(self) -> None:
        self._again = None
        self._ask_about_event()

    def _got_state(self, answer: protocol.State) -> None:
        self._asked.discard("state")
        event = min(self.cursor, len(self.events) - 1)
        pane = self.query_one(StatePane)
        if answer.waiting:
            pane.show(None, {}, {}, note="folding the stream up to here …")
            self._ask_again()
            return
        if answer.completion is None:
            pane.show(None, {}, {}, note=f"no OpenAI client reads {answer.foreign}, and nothing here translates it")
            return
        place = self.events.place(answer.event)
        added = _added(place.meaning.json) if place is not None and isinstance(place.meaning, Chunk) else {}
        pane.show(
            answer.completion,
            answer.lengths,
            added if self.cursor == answer.event else {},
            foreign=answer.foreign,
        )
        pane.border_title = f"Client · after event {answer.event}" if answer.event >= 0 else "Client"
        if answer.event != event and not self._parts_due:
            self._ask_about_event()

    def _got_diff(self, answer: protocol.Diffs) -> None:
        self._asked.discard("diff")
        event = min(self.cursor, len(self.events) - 1)
        if answer.event != event and not self._parts_due:
            self._ask_about_event()
        at_end = self.cursor >= len(self.events)
        place = self.events.place(answer.event)
        same = members_of(place.sse) if place is not None and not at_end else ()
        note = ""
        if answer.foreign:
            note = "this is no stream that an OpenAI client asked for, so there is nothing to compare with"
        elif answer.waiting:
            note = "comparing …"
            self._ask_again()
        elif not answer.kept:
            note = "too many events of this stream differ to keep each; they differ as those before them do"
        diffs = tuple(one for one in answer.diffs if str(one.outcome) == "added") if at_end else answer.diffs
        findings = self._findings_at(self.cursor)
        self.query_one(DiffPane).show(f"event {answer.event}", diffs, same, findings, note)

    def _findings_at(self, row: int) -> tuple[Finding, ...]:
        found = self.report.findings if self.report is not None else ()
        at = tuple(one for one in found if row in self._events_of(one))
        return tuple(sorted(at, key=lambda one: (one is not self.finding, one.severity.rank)))

    def _events_of(self, finding: Finding) -> tuple[int, ...]:
        if finding.event is None:
            return (len(self.events),)
        return finding.events or (finding.event,)

    def _show_event(self) -> None:
        place = self.events.place(self.cursor)
        findings = self._findings_at(self.cursor)
        span = next((one.span for one in findings if one.span is not None and one.event == self.cursor), None)
        pane = self.query_one(BytesPane)
        pane.show(place, span, self._head_and_ending() if place is None else "")
        pane.border_title = f"Bytes · {place.sse.start:,} to {place.sse.span[1]:,}" if place is not None else "Head"
        self.query_one(DiffPane).border_title = f"Diff · event {self.cursor}" if place is not None else "Diff · ending"
        self.query_one(KeyBar).refresh()
        self._show_title()

    def _head_and_ending(self) -> str:
        exchange, head = self.exchange, self.exchange.head
        lines = ["no response came"] if head is None else [f"HTTP/{head.http_version} {head.status} {head.reason}"]
        lines += [f"{name}: {value}" for name, value in (head.headers if head is not None else ())]
        reason = exchange.notes.get("ending_reason")
        lines += ["", f"ended: {exchange.ending}" + (f" ({reason})" if reason else "")]
        return "\n".join(visible(line, 400) for line in lines)

    # -- titles

    def _show_titles(self) -> None:
        self._show_title()
        note = self.app.watcher.marks(self.exchange_id).get(-1)
        self.query_one("#facts", Line).update(exchange_facts(self.exchange, self.events, self.report, note))
        self._show_notice()

    def _show_title(self) -> None:
        rows, width = self.timeline.row_count, self.size.width - 2
        self.query_one("#title", Line).update(exchange_title(self.exchange, self.report, self.cursor, rows, width))

    def _show_notice(self) -> None:
        player = self.player
        notice = self._stage
        if player.running:
            notice = f"▶ ×{player.speed:g}"
        elif player.stopped:
            notice = f"■ stopped at {player.stopped}"
        self.query_one(KeyBar).notice(notice)

    def on_descendant_focus(self) -> None:
        """The footer fits what has the focus."""
        name = (self.focused.id if self.focused is not None else None) or "timeline"
        keys = self.KEYS.get(name, self.KEYS["timeline"])
        self.query_one(KeyBar).show((*keys, ("q", "back"), ("F1", "help"), ("^p", "commands")))

    def on_resize(self, event: Resize) -> None:
        """As many parts side by side as have room; the others are one key away."""
        width, height = event.size
        chosen = layout(width, height)
        wide = chosen == "-wide"
        for name in ("-wide", "-medium", "-narrow"):
            self.set_class(name == chosen, name)
        if self.token:
            self._show_title()
        for name in _PANES:
            others = "" if wide else "  ".join(f"{key} {other}" for key, other in zip("dbc", _PANES, strict=True))
            self.query_one(f"#{name}").border_subtitle = others if others else ""

    # -- moving

    def go(self, row: int) -> None:
        """The cursor to a row, from wherever."""
        self.timeline.show_row(row)

    def on_overview_clicked(self, message: Overview.Clicked) -> None:
        """A click on the overview."""
        self.go(message.event)

    def on_chosen(self, message: Chosen) -> None:
        """Enter: on a finding, go there; on an event, to its diff."""
        if isinstance(self.focused, FindingsPane):
            self._go_to_finding(self.focused.findings[message.row])
        else:
            self.action_pane("diff")

    def _go_to_finding(self, finding: Finding) -> None:
        self.finding = finding
        row = self._events_of(finding)[0]
        if row == self.cursor:
            self._show_event()
            self._ask_about_event()
        else:
            self.go(row)
            self.finding = finding

    def action_finding(self, step: int) -> None:
        """The worst finding first, then the others in the order of the list."""
        pane = self.query_one(FindingsPane)
        if not pane.findings:
            self.app.tell("no findings" if self._whole_report else "no findings yet")
            return
        at = next((at for at, one in enumerate(pane.findings) if one is self.finding), None)
        if at is None:
            at = pane.cursor - step if getattr(self, "_visited", None) == self.token else (-1 if step > 0 else 0)
        self._visited = self.token
        pane.cursor = (at + step) % len(pane.findings)
        self._go_to_finding(pane.findings[pane.cursor])

    def action_stall(self, step: int) -> None:
        """The next long wait; where there is none, the longest one of all."""
        index, cursor = self.events.index, self.cursor
        stalls = [
            event
            for event, gap in zip(index.long_events, index.long_gaps, strict=True)
            if gap >= self.timeline.drawing.stall_us
        ]
        later = [event for event in stalls if event > cursor] if step > 0 else [e for e in stalls if e < cursor][::-1]
        if later:
            self.go(later[0])
        elif index.longest[0] > 0:
            self.app.tell(
                f"no stall; the longest wait is {milliseconds(index.longest[0])}" if not stalls else "no more"
            )
            if not stalls:
                self.go(index.longest[1])

    def action_neighbour(self, step: int) -> None:
        """The exchange below or above in the list."""
        other = self.app.watcher.neighbour(self.exchange_id, step)
        if other is None:
            self.app.tell("no further exchange")
        else:
            self._stop("")
            self.open(other)

    def action_go_to(self) -> None:
        """An event by its number."""

        def done(line: str | None) -> None:
            if line and line.strip().isdigit():
                self.go(int(line))

        self.ask_line("go to event", done, placeholder="a number, from 0")

    def action_pane(self, name: str) -> None:
        """Put a part in front and the focus on it."""
        if name in _PANES:
            self._shown = name
            for one in _PANES:
                self.query_one(f"#{one}").set_class(one == name, "-shown")
        self.set_class(name == "findings", "-findings")
        part = self.query_one(f"#{name}")
        if part.focusable:
            self.set_focus(part)  # at once: the next key may be there already
        else:
            part.focus()  # when it has been laid out

    def action_leave(self) -> None:
        """From a part to the timeline, from the timeline to the list."""
        self._stop("")
        if self.focused is not self.timeline and self.focused is not None:
            self.action_pane("timeline")
        else:
            self.leaving()
            self.app.back_to_list()

    def leaving(self) -> None:
        """Remember the event."""
        self.app.remember(self.exchange_id, self.cursor)

    # -- search

    def search_on(self, step: int) -> None:
        """See `search`."""
        self.search(step)

    def action_search(self) -> None:
        """Text in the bytes of the events, from here on."""

        def done(line: str | None) -> None:
            if line is not None:
                self._search = line or self._search
                self.search(1)

        self.ask_line("search", done, self._search)

    def search(self, step: int) -> None:
        """The next (1) or previous (-1) event with the text last searched for."""
        if self._search:
            self.app.ask(protocol.Search(self.token, self._search, self.cursor, step))

    def _found(self, answer: protocol.SearchResult) -> None:
        if not answer.done:
            self._stage = f"searching … event {answer.event:,}"
            self._show_notice()
            return
        self._stage = ""
        self._show_notice()
        if answer.event is None:
            self.app.tell(f"{visible(answer.text, 40)!r}: not found from here on")
        else:
            self.go(answer.event)

    # -- play

    def action_play(self) -> None:
        """Play, or hold."""
        if self.player.running:
            self._stop("")
            return
        self.player.start(self.cursor)
        self.go(self.player.event)
        self._last_tick = monotonic()
        if self._playing is None:
            self._playing = self.set_interval(_FRAME, self._tick)
        else:
            self._playing.resume()
        self._show_notice()

    def _tick(self) -> None:
        if not self.player.running:
            return
        now = monotonic()
        event = self.player.advance(now - self._last_tick, self.timeline.findings.keys())
        self._last_tick = now
        if event != self.cursor:
            self.go(event)
        if self.player.stopped:
            self._stop(self.player.stopped)

    def _stop(self, why: str) -> None:
        self.player.stop(why)
        if self._playing is not None:
            self._playing.pause()
        self._show_notice()

    def action_faster(self, step: int) -> None:
        """Another speed."""
        self.player.faster(step)
        self._show_notice()
        if not self.player.running:
            self.app.tell(f"speed ×{self.player.speed:g}")

    def action_step(self, step: int) -> None:
        """One event on, or back."""
        self._stop("")
        self.timeline.cursor += step

    # -- doing

    def action_rule(self) -> None:
        """The page of the rule of the finding at the cursor."""
        pane = self.query_one(FindingsPane)
        at_event = self._findings_at(self.cursor)
        focused = isinstance(self.focused, FindingsPane)
        finding = pane.current if focused or not at_event else at_event[0]
        if finding is None:
            self.app.tell("no finding here")
        else:
            self.app.show_rule(finding.rule)

    def action_mark(self) -> None:
        """Mark the event, or take the mark away."""
        marked = self.cursor in self.app.watcher.marks(self.exchange_id)
        self.app.set_mark(self.exchange_id, self.cursor, None if marked else "")
        self._annotate()

    def action_note(self) -> None:
        """Write a note at the event."""
        event = self.cursor

        def done(line: str | None) -> None:
            if line is not None:
                self.app.set_mark(self.exchange_id, event, line)
                self._annotate()

        before = self.app.watcher.marks(self.exchange_id).get(event, "")
        self.ask_line(f"note on event {event}", done, before)

    def action_export(self) -> None:
        """As a regression fixture."""
        self.app.ask_export(self.exchange_id)

    def action_copy_curl(self) -> None:
        """The request as a curl command, on the clipboard."""
        self.app.copy_curl(self.exchange_id)

    def action_normalize(self) -> None:
        """Write the mended stream."""
        self.app.ask_normalize(self.exchange_id)

    def action_compare_normalized(self) -> None:
        """Before and after normalizing."""
        self.app.open_comparison(self.exchange_id, None)

    def action_zoom(self, step: int) -> None:
        """See `Timeline.action_zoom`."""
        self.timeline.action_zoom(step)

    def action_break_on(self, what: str) -> None:
        """Where playing stops: on findings (on or off), at a gap, at an event."""
        breaks = self.player.breaks
        if what == "findings":
            breaks.findings = not breaks.findings
            self.app.tell(f"play {'stops' if breaks.findings else 'does not stop'} at findings")
            return

        def done(line: str | None) -> None:
            number = int(line) if line and line.strip().isdigit() else None
            if what == "gap":
                breaks.gap_us = None if number is None else number * 1000
            else:
                breaks.event = number

        if what == "gap":
            self.ask_line("stop before a gap of so many ms", done, placeholder="empty: never")
        else:
            self.ask_line("stop at event", done, placeholder="empty: at none")

    def action_replay(self) -> None:
        """Serve the exchange, or stop serving."""
        self.app.replay(self.exchange_id)


def _added(chunk: dict[str, Any]) -> dict[str, str]:
    """The texts a chunk adds to its first choice, by the key of the completion."""
    added: dict[str, str] = {}
    for choice in reading.choices(chunk)[:1]:
        delta = reading.delta(choice)
        added["content"] = reading.content(delta) or str(choice.get("text") or "")
        added["reasoning"] = reading.reasoning(delta)
        for call in reading.tool_calls(delta):
            arguments = reading.function(call).get("arguments")
            added[f"call {call.get('index')}"] = arguments if isinstance(arguments, str) else ""
    if isinstance(chunk.get("delta"), str):
        added["content"] = chunk["delta"]
    return {key: text for key, text in added.items() if text}
