"""What the keys of an exchange's screen do, and which of them its footer names for each part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType

from streamlab.report.units import milliseconds
from streamlab.rules.finding import Finding
from streamlab.tui.screens.base import WorkbenchScreen
from streamlab.tui.widgets.findings_pane import FindingsPane

if TYPE_CHECKING:
    from streamlab.tui.viewing.chosen_client import ChosenClient
    from streamlab.tui.viewing.play import Play
    from streamlab.tui.viewing.questions import Questions
    from streamlab.tui.viewing.search import SearchState
    from streamlab.tui.viewing.tour import Tour
    from streamlab.tui.viewing.viewed import Viewed
    from streamlab.tui.widgets.timeline import Timeline

PANES = ("diff", "bytes", "client")
BINDINGS: list[BindingType] = [
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
    Binding("h", "client", "a client's view", show=False),
    Binding("o", "rule", "explain the rule", show=False),
    Binding("m", "mark", "mark", show=False),
    Binding("a", "note", "note", show=False),
    Binding("slash", "search", "search", show=False),
    Binding("ctrl+g", "search_on(1)", "search on", show=False),
    Binding("e", "export", "export", show=False),
    Binding("y", "copy_curl", "copy as curl", show=False),
    Binding("w", "normalize", "write normalized", show=False),
    Binding("r", "replay", "replay", show=False),
    Binding("v", "compare_normalized", "compare with normalized", show=False),
    Binding("colon", "go_to", "go to event", show=False),
    Binding("escape,q", "leave", "back", show=False),
]
#: Part with the focus -> keys and what they do.
FOOTERS: dict[str, tuple[tuple[str, str], ...]] = {
    "timeline": (("n", "finding"), ("]", "stall"), ("Space", "play"), ("+-", "zoom"), ("/", "search")),
    "findings": (("Enter", "go there"), ("o", "explain"), ("n", "next"), ("t", "timeline")),
    "diff": (("Enter", "unfold"), ("n", "finding"), ("o", "explain"), ("w", "write mended"), ("t", "timeline")),
    "bytes": (("x", "hex"), ("n", "finding"), ("/", "search"), ("t", "timeline")),
    "client": (("h", "whose"), (".", "step"), (",", "back"), ("Space", "play"), ("t", "timeline")),
}


class ExchangeKeys(WorkbenchScreen):
    """Actions over the parts of `ExchangeScreen`, which says what they are."""

    BINDINGS = BINDINGS

    viewed: Viewed
    tour: Tour
    play: Play
    search: SearchState
    questions: Questions
    client: ChosenClient

    @property
    def timeline(self) -> Timeline:
        """The rows of events."""
        raise NotImplementedError

    @property
    def cursor(self) -> int:
        """The event looked at; one more than the last stands for the ending."""
        return self.timeline.cursor

    def open(self, exchange_id: int, event: int = 0) -> None:
        """Show an exchange."""
        raise NotImplementedError

    def annotate(self) -> None:
        """Draw findings and marks."""
        raise NotImplementedError

    def show_notice(self) -> None:
        """Draw what is going on."""
        raise NotImplementedError

    def go(self, row: int) -> None:
        """The cursor to a row, from wherever."""
        self.timeline.show_row(row)

    def go_to_finding(self, finding: Finding) -> None:
        """To the first place of a finding."""
        raise NotImplementedError

    # -- moving

    def action_finding(self, step: int) -> None:
        """The worst finding first, then the others in the order of the list; before there are any, it waits."""
        pane = self.query_one(FindingsPane)
        if pane.findings:
            pane.cursor = self.tour.after(pane.findings, pane.cursor, step)
            self.go_to_finding(pane.findings[pane.cursor])
        elif self.viewed.is_judged:
            self.app.tell("no findings")
        else:
            self.tour.wait(step)

    def action_stall(self, step: int) -> None:
        """The next (or previous) long wait; where there is none at all, the longest one."""
        index, cursor, least = self.viewed.events.index, self.cursor, self.viewed.stall_us
        pairs = zip(index.long_events, index.long_gaps, strict=True)
        stalls = [event for event, gap in pairs if gap >= least]
        onward = [event for event in stalls if (event - cursor) * step > 0]
        where = "after" if step > 0 else "before"
        if onward:
            self.go(onward[0 if step > 0 else -1])
        elif stalls:
            self.app.tell(f"no stall {where} this event")
        elif index.longest[0] > 0:
            self.app.tell(f"no stall in this stream; the longest wait is {milliseconds(index.longest[0])}, here")
            self.go(index.longest[1])
        else:
            self.app.tell("no waits are known")

    def action_neighbour(self, step: int) -> None:
        """The exchange below or above in the list."""
        other = self.app.watcher.neighbour(self.viewed.id, step)
        if other is None:
            self.app.tell("no exchange below this one" if step > 0 else "no exchange above this one")
        elif self.app.bring(other):
            self.play.hold()
            self.open(other)

    def action_go_to(self) -> None:
        """An event by its number."""

        def done(line: str | None) -> None:
            if line and line.strip().isdecimal():
                self.go(int(line[:18]))

        self.ask_line("go to event", done, placeholder="a number, from 0")

    def action_pane(self, name: str) -> None:
        """Put a part in front and the focus on it."""
        if name in PANES:
            for one in PANES:
                self.query_one(f"#{one}").set_class(one == name, "-shown")
        self.set_class(name == "findings", "-findings")
        part = self.query_one(f"#{name}")
        if part.focusable:
            self.set_focus(part)  # at once: the next key may be there already
        else:
            part.focus()  # when it has been laid out

    def action_leave(self) -> None:
        """From a part to the timeline, from the timeline to the list."""
        self.play.hold()
        if self.focused is not self.timeline and self.focused is not None:
            self.action_pane("timeline")
        else:
            self.leaving()
            self.app.back_to_list()

    def action_search(self) -> None:
        """Text in the bytes of the events, from here on."""

        def done(line: str | None) -> None:
            if line is not None:
                self.search.text = line or self.search.text
                self.timeline.point_at(self.search.text)
                self.search_on(1)

        self.ask_line("search", done, self.search.text, "in the bytes, from here on and round the end")

    def action_search_on(self, step: int) -> None:
        """The next event with the text last searched for."""
        self.search_on(step)

    # -- play

    def action_play(self) -> None:
        """Play, or hold."""
        self.play.toggle()

    def action_faster(self, step: int) -> None:
        """Another speed."""
        player = self.play.player
        player.faster(step)
        self.show_notice()
        if not player.running:
            self.app.tell(f"speed ×{player.speed:g}")

    def action_step(self, step: int) -> None:
        """One event on, or back."""
        self.play.hold()
        self.timeline.cursor += step

    def action_break_on(self, what: str) -> None:
        """Where playing stops: on findings (on or off), at a gap, at an event."""
        breaks = self.play.player.breaks
        if what == "findings":
            breaks.findings = not breaks.findings
            self.app.tell(f"play {'stops' if breaks.findings else 'does not stop'} at findings")
            return

        def done(line: str | None) -> None:
            number = int(line[:18]) if line and line.strip().isdecimal() else None
            if what == "gap":
                breaks.gap_us = None if number is None else number * 1000
            else:
                breaks.event = number

        if what == "gap":
            self.ask_line("stop before a gap of so many ms", done, placeholder="empty: never")
        else:
            self.ask_line("stop at event", done, placeholder="empty: at none")

    # -- doing

    def action_client(self) -> None:
        """Whose view of the stream the client's part shows."""

        def done(line: str | None) -> None:
            if line is not None:
                self.app.tell(self.client.choose(line, self.viewed.api))
                self.questions.ask()

        api = self.viewed.api
        examples = (*(api.known_clients if api is not None else ()), "…")
        self.ask_line("whose view", done, self.client.name or "", f"{', '.join(examples)} (empty: nobody's)")

    def action_rule(self) -> None:
        """The page of the rule of the finding at the cursor."""
        pane = self.query_one(FindingsPane)
        at_event = self.viewed.findings_at(self.cursor, self.tour.finding)
        focused = isinstance(self.focused, FindingsPane)
        finding = pane.current if focused or not at_event else at_event[0]
        if finding is None:
            self.app.tell("no finding here")
        else:
            self.app.show_rule(finding.rule)

    def action_mark(self) -> None:
        """Mark the event, or take the mark away."""
        self.app.actions.set_mark(self.viewed.id, self.cursor, None if self.cursor in self.viewed.marks else "")
        self.annotate()

    def action_note(self) -> None:
        """Write a note at the event."""
        event = self.cursor

        def done(line: str | None) -> None:
            if line is not None:
                self.app.actions.set_mark(self.viewed.id, event, line)
                self.annotate()

        self.ask_line(f"note on event {event}", done, self.viewed.marks.get(event, ""))

    def action_export(self) -> None:
        """As a regression fixture."""
        self.app.actions.ask_export(self.viewed.id)

    def action_share(self, redact: str = "secrets") -> None:
        """A bundle and a page, for others."""
        self.app.actions.ask_share(self.viewed.id, text=redact == "text")

    def action_copy_curl(self) -> None:
        """The request as a curl command, on the clipboard."""
        self.app.actions.copy_curl(self.viewed.id)

    def action_normalize(self) -> None:
        """Write the mended stream."""
        self.app.actions.ask_normalize(self.viewed.id)

    def action_compare_normalized(self) -> None:
        """Before and after normalizing."""
        self.app.actions.open_comparison(self.viewed.id, None)

    def action_zoom(self, step: int) -> None:
        """See `Timeline.action_zoom`."""
        self.timeline.action_zoom(step)

    def action_begin(self) -> None:
        """See `Timeline.action_begin`."""
        self.timeline.action_begin()

    def action_replay(self) -> None:
        """Serve the exchange, or stop serving."""
        self.app.actions.replay(self.viewed.id)
