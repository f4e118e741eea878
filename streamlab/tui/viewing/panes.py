"""Fills the parts beside the timeline with what is known of the event at the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from streamlab.comparing.members import members_of
from streamlab.exchange import Exchange
from streamlab.tui import protocol
from streamlab.tui.palette import BOLD, DIM, SEVERITY
from streamlab.tui.widgets.bytes_pane import BytesPane
from streamlab.tui.widgets.diff_pane import DiffPane
from streamlab.tui.widgets.state_pane import StatePane
from streamlab.wire import reading
from streamlab.wire.events import Chunk
from streamlab.wire.visible import visible

if TYPE_CHECKING:
    from streamlab.tui.screens.exchange import ExchangeScreen

_FOREIGN = "this is no stream that an OpenAI client asked for, so there is nothing to compare with"
_NOT_KEPT = "too many events of this stream differ to keep each; they differ as those before them do"


class Panes:
    """Diff, bytes and client. A pane is titled by what stands in it, so nothing is said of another event."""

    def __init__(self, screen: ExchangeScreen) -> None:
        self._screen = screen
        self._diffs: protocol.Diffs | None = None

    def begin(self) -> None:
        """Another exchange, of which nothing is known yet."""
        self._diffs = None
        diff, client = self._screen.query_one(DiffPane), self._screen.query_one(StatePane)
        diff.show((), (), (), "comparing …")
        client.show(None, {}, {}, note="folding the stream …")
        diff.border_title, client.border_title = "Diff", "Client"

    def show_bytes(self) -> None:
        """The bytes, which are at hand."""
        screen, pane = self._screen, self._screen.query_one(BytesPane)
        place = screen.viewed.events.place(screen.cursor)
        findings = screen.viewed.findings_at(screen.cursor, screen.tour.finding)
        span = next((one.span for one in findings if one.span is not None and one.event == screen.cursor), None)
        note = _head_and_ending(screen.viewed.exchange) if place is None else ""
        pane.show(place, span, note, screen.search.text)
        pane.border_title = f"Bytes · {place.sse.start:,} to {place.sse.span[1]:,}" if place is not None else "Head"
        screen.shares.need("bytes", pane.needed)

    def show_diff(self, answer: protocol.Diffs) -> None:
        """How the event differs; where that is not known yet, nothing is said of it."""
        self._diffs = answer
        self.show_diff_again()

    def show_diff_again(self) -> None:
        """The same with another finding in front."""
        answer, screen = self._diffs, self._screen
        if answer is None:
            return
        viewed, pane = screen.viewed, screen.query_one(DiffPane)
        at_end = screen.cursor >= len(viewed.events)
        place = viewed.events.place(answer.event)
        same = members_of(place.sse) if place is not None and not at_end else ()
        note = ""
        if answer.foreign:
            note = _FOREIGN
        elif answer.waiting:
            note = "comparing …"
        elif not answer.kept:
            note = _NOT_KEPT
        diffs = tuple(one for one in answer.diffs if str(one.outcome) == "added") if at_end else answer.diffs
        row = screen.cursor if at_end else answer.event
        if viewed.report is not None:
            pane.vendor = viewed.report.api.vendor or "OpenAI"
        pane.show(diffs, same, viewed.findings_at(row, screen.tour.finding), note)
        pane.border_title = "Diff · ending" if at_end else f"Diff · event {answer.event}"
        screen.shares.need("diff", pane.needed)

    def show_state(self, answer: protocol.HeldState) -> None:
        """What a client holds, and what becomes of the one that was chosen."""
        screen, pane = self._screen, self._screen.query_one(StatePane)
        pane.tell(self._fates())
        if answer.waiting:
            pane.show(None, {}, {}, note="folding the stream up to here …")
            return
        if answer.completion is None:
            pane.show(None, {}, {}, note=f"no OpenAI client reads {answer.foreign}, and nothing here translates it")
            return
        place = screen.viewed.events.place(answer.event)
        added = _added(place.meaning.json) if place is not None and isinstance(place.meaning, Chunk) else {}
        added = added if screen.cursor == answer.event else {}
        pane.show(answer.completion, answer.lengths, added, foreign=answer.foreign)
        after = f" · after event {answer.event}" if answer.event >= 0 else " · before the first event"
        pane.border_title = "Client · a whole answer" if answer.came_whole else f"Client{after}"
        screen.shares.need("client", pane.needed)

    def _fates(self) -> tuple[Text, ...]:
        screen, client = self._screen, self._screen.client
        if client.name is None:
            return ()
        lines = [Text(visible(client.said, 120), BOLD)]
        for one in client.fates(screen.viewed, screen.cursor):
            line = Text.assemble((f"event {one.event}  " if one.finding.event is not None else "the whole  ", DIM))
            line.append(visible(one.what.what, 120), SEVERITY[one.finding.severity])
            lines.append(line.append(f"  ({one.finding.rule})", DIM))
        if unmeasured := client.unmeasured(screen.viewed.api):
            lines.append(Text(unmeasured, DIM))
        elif not screen.viewed.is_judged:
            lines.append(Text("analysing …", DIM))
        elif len(lines) == 1:
            lines.append(Text("minds nothing of what came up to here, as far as it was measured", DIM))
        if missing := client.not_asked(screen.viewed):
            said = "1 finding was" if missing == 1 else f"{missing} findings were"
            lines.append(Text(f"{said} put to no client", DIM))
        return (*lines, Text())


def _head_and_ending(exchange: Exchange) -> str:
    head = exchange.head
    lines = ["no response came"] if head is None else [f"HTTP/{head.http_version} {head.status} {head.reason}"]
    lines += [f"{name}: {value}" for name, value in (head.headers if head is not None else ())]
    reason = exchange.notes.get("ending_reason")
    lines += ["", f"ended: {exchange.ending}" + (f" ({reason})" if reason else "")]
    return "\n".join(visible(line, 400) for line in lines)


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
