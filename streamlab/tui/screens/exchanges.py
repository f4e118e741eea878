"""The list of exchanges: filter, sort, marks and notes, delete with undo."""

from __future__ import annotations

from array import array
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from streamlab.errors import StreamlabError
from streamlab.tui import protocol
from streamlab.tui.drawing.titles import list_title
from streamlab.tui.messages import Chosen
from streamlab.tui.palette import GRAVE
from streamlab.tui.screens.base import Handlers, WorkbenchScreen
from streamlab.tui.widgets.exchange_list import ExchangeList
from streamlab.tui.widgets.key_bar import KeyBar
from streamlab.tui.widgets.line import OneLine
from streamlab.wire.visible import visible


class ExchangesScreen(WorkbenchScreen):
    """The first screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", show=False),
        Binding("s", "sort(1)", "sort", show=False),
        Binding("S", "sort(-1)", "sort backwards", show=False),
        Binding("m", "mark", "mark", show=False),
        Binding("N", "note", "note", show=False),
        Binding("d", "delete", "delete", show=False),
        Binding("u", "undo", "undo", show=False),
        Binding("e", "export", "export", show=False),
        Binding("y", "copy_curl", "copy as curl", show=False),
        Binding("c", "compare", "compare", show=False),
        Binding("escape", "clear_filter", "clear filter", show=False),
        Binding("q", "app.leave", "quit", show=False),
    ]
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("Enter", "open"),
        ("/", "filter"),
        ("s", "sort"),
        ("m", "mark"),
        ("d", "delete"),
        ("F1", "help"),
        ("^p", "commands"),
        ("q", "quit"),
    )

    def __init__(self) -> None:
        super().__init__()
        self._left = 0
        self._compare: int | None = None

    def compose(self) -> ComposeResult:
        """Title, filter line, list or the words for an empty one, keys."""
        yield OneLine(id="title")
        yield OneLine(id="filterline")
        yield Static(id="empty", markup=False)
        yield ExchangeList(self.app.watcher, id="exchanges")
        yield KeyBar()

    def on_mount(self) -> None:
        """Read the first page."""
        self.query_one(KeyBar).show(self.KEYS)
        self.table.focus()
        self.app.watcher.refresh()
        self.show()

    @property
    def table(self) -> ExchangeList:
        """The list."""
        return self.query_one("#exchanges", ExchangeList)

    # -- content

    def show(self, *, anew: bool = True) -> None:
        """Draw what the watcher knows."""
        watcher, app = self.app.watcher, self.app
        self.table.reload(anew=anew)
        filtered = bool(watcher.filter)
        nothing = not watcher.ids
        self.query_one("#empty").display = nothing
        self.table.display = not nothing
        if nothing:
            self.query_one("#empty", Static).update(self._empty())
        title = list_title(app.opened.title, len(watcher.ids), watcher.sort)
        self.query_one("#title", OneLine).update(title)
        line = self.query_one("#filterline", OneLine)
        line.set_class(filtered, "-on")
        problems = watcher.wanted.problems
        line.update(Text(visible(f"/ {watcher.filter}   {'  '.join(problems)}"), "bold" if problems else ""))
        self._notice()
        self.call_after_refresh(self.ask_for_summaries)

    def _empty(self) -> Text:
        watcher = self.app.watcher
        if watcher.problem:
            return Text(visible(watcher.problem, 400), GRAVE, justify="center")
        if watcher.filter:
            return Text("nothing matches the filter\n\nEscape clears it", justify="center")
        if self.app.opened.coming:
            return Text("reading …", justify="center")
        text = Text("nothing was recorded yet\n\n", justify="center")
        text.append("streamlab record --upstream https://api.openai.com\n", "bold")
        text.append("records what a client and a server say to each other\n\n", "dim")
        text.append("streamlab import FILE…\n", "bold")
        text.append("reads HAR, VCR cassettes, .sse files and curl logs\n\n", "dim")
        text.append("streamlab demo\n", "bold")
        text.append("shows the whole loop on broken stand-in servers", "dim")
        return text

    def _notice(self) -> None:
        pending = len(self.app.watcher.pending)
        parts = [
            f"{pending} deleted, u brings back" if pending else "",
            f"{self._left:,} to analyse" * bool(self._left),
        ]
        if self._compare is not None:
            parts.append(f"compare {self._compare} with …")
        self.query_one(KeyBar).notice(" · ".join(part for part in parts if part))

    def ask_for_summaries(self) -> None:
        """Have the exchanges on the screen analyzed; and all others, where the filter or the order needs it."""
        watcher = self.app.watcher
        if watcher.browser is None or not watcher.ids or not self.query(ExchangeList):
            return  # there is nothing to ask about, or the screen is being taken down
        shown = {
            one: self.table.row_of(one, at) for at, one in enumerate(self.table.on_screen, self.table.scroll_offset.y)
        }
        ids = watcher.unanalyzed(shown)
        if ids:
            self.app.ask(protocol.Summarize(str(watcher.path), tuple(ids)))

    def _summarized(self, answer: protocol.Summarized) -> None:
        """Some exchanges have a summary now; the list is read again when the database says so."""
        self._left = answer.left
        self._notice()

    HANDLERS: ClassVar[Handlers] = {protocol.Summarized: _summarized}

    def capture_changed(self) -> None:
        """Read again; behind another screen nobody would see it, and coming back reads again anyway."""
        if not self.is_current:
            return
        self.app.watcher.refresh()
        self.show()

    def on_chosen(self, event: Chosen) -> None:
        """Enter: the exchange in full."""
        self.app.open_exchange(self.app.watcher.ids[event.row])

    # -- keys

    def action_filter(self) -> None:
        """Type a filter; the list follows."""
        before = self.app.watcher.filter

        def done(line: str | None) -> None:
            self._apply(before if line is None else line)

        self.ask_line("filter", done, before, "model:glm ending:cut rule:tool-call-* label:x", self._apply)

    def _apply(self, line: str) -> None:
        self.app.watcher.filter = line.strip()
        self._read_again()

    def _read_again(self) -> None:
        """Ask the database in a thread: a filter over many exchanges takes a while."""
        watcher = self.app.watcher
        if watcher.browser is None:
            return
        self.run_worker(self._load, thread=True, exclusive=True, group="ids", exit_on_error=False)

    def _load(self) -> None:
        from textual.worker import get_current_worker

        try:
            ids = self.app.watcher.load_ids_apart()
        except StreamlabError as error:
            self.app.call_from_thread(self.app.tell, str(error))
            return
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._loaded, ids)

    def _loaded(self, ids: array[int]) -> None:
        self.app.watcher.ids = self.app.watcher.not_deleted(ids)  # asked for before something may have been deleted
        self.table.cursor = 0
        self.show()

    def action_clear_filter(self) -> None:
        """Everything again."""
        if self._compare is not None:
            self._compare = None
            self._notice()
        elif self.app.watcher.filter:
            self._apply("")

    def action_sort(self, step: int) -> None:
        """By the next column."""
        self.app.watcher.sort_by_next(step)
        self._read_again()

    def action_mark(self) -> None:
        """Mark, or take the mark away."""
        current = self.table.current
        if current is not None:
            marked = -1 in self.app.watcher.marks(current)
            self.app.actions.set_mark(current, -1, None if marked else "")
            self.table.reload()

    def action_note(self) -> None:
        """Write a note."""
        current = self.table.current
        if current is None:
            return

        def done(line: str | None) -> None:
            if line is not None:
                self.app.actions.set_mark(current, -1, line)
                self.table.reload()

        self.ask_line(f"note on exchange {current}", done, self.app.watcher.marks(current).get(-1, ""))

    def action_delete(self) -> None:
        """Off the list; for good when the workbench is left."""
        current = self.table.current
        if current is None:
            return
        if not self.app.opened.own:
            self.app.tell("these are files; remove them with rm")
            return
        self.app.watcher.delete(current)
        self.show()

    def action_undo(self) -> None:
        """Bring back what was deleted last."""
        back = self.app.watcher.undo()
        if back is None:
            return
        self.show()
        if back in self.app.watcher.ids:
            self.table.show_row(self.app.watcher.ids.index(back))

    def action_export(self) -> None:
        """As a regression fixture."""
        if self.table.current is not None:
            self.app.actions.ask_export(self.table.current)

    def action_share(self, redact: str = "secrets") -> None:
        """A bundle and a page, for others."""
        if self.table.current is not None:
            self.app.actions.ask_share(self.table.current, text=redact == "text")

    def action_copy_curl(self) -> None:
        """The request as a curl command, on the clipboard."""
        if self.table.current is not None:
            self.app.actions.copy_curl(self.table.current)

    def action_compare(self) -> None:
        """The first key press names the left exchange, the second the right one."""
        current = self.table.current
        if current is None:
            return
        if self._compare is None or self._compare == current:
            self._compare = None if self._compare == current else current
        else:
            left, self._compare = self._compare, None
            self.app.actions.open_comparison(left, current)
        self._notice()
