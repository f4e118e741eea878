"""Two exchanges aligned: hop against hop, before against after normalizing; and what is to blame."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from streamlab.comparing.comparison import Blame, Comparison, Difference, Relation, Row
from streamlab.report.timeline import kind, preview
from streamlab.report.units import counted, milliseconds
from streamlab.rules.finding import Finding
from streamlab.tui import protocol
from streamlab.tui.events import Events
from streamlab.tui.messages import Chosen
from streamlab.tui.palette import BOLD, DIM, DOUBTFUL, GOOD, GRAVE, LETTERS, SEVERITY, STALL, fit, kind_style
from streamlab.tui.screens.base import Handlers, WorkbenchScreen
from streamlab.tui.watcher import WatchedSide
from streamlab.tui.widgets.key_bar import KeyBar
from streamlab.tui.widgets.rows import Rows
from streamlab.wire.visible import visible

_SIGNS = {
    Relation.SAME: ("=", DIM),
    Relation.CHANGED: ("~", DOUBTFUL),
    Relation.LOST: ("-", GRAVE),
    Relation.ADDED: ("+", GOOD),
    Relation.MERGED: ("⟩", DOUBTFUL),
    Relation.SPLIT: ("⟨", DOUBTFUL),
    Relation.REGROUPED: ("≈", DOUBTFUL),
    Relation.TORN: ("!", GRAVE),
    Relation.MOVED: ("↕", DOUBTFUL),
    Relation.REPEATED: ("×", GRAVE),
}
_BLAME = {Blame.NOBODY: GOOD, Blame.A: STALL}


class AlignedRows(Rows):
    """One row for events that belong together; the left one nearer to the model."""

    HELP: ClassVar[str] = """\
Events that belong together stand in one row: left the exchange nearer to the model, right the
one nearer to the client.

= the same bytes   ~ changed   - lost   + added   ⟩ merged   ⟨ split   ≈ cut elsewhere
! torn   ↕ moved   × repeated

n and N go to the next and previous difference."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self.rows: tuple[Row, ...] = ()
        self.sides: tuple[Events, Events] | None = None
        self.empty = "comparing …"

    def show(self, rows: tuple[Row, ...], sides: tuple[Events, Events]) -> None:
        """The alignment."""
        self.rows, self.sides = rows, sides
        self.row_count = len(rows)
        self.empty = "there are no events on either side"
        self.refresh_rows()

    def heading(self, width: int) -> Text:
        """Names of the columns."""
        half = (width - 14) // 2
        return Text(f"  {fit('', 10)} {fit('#     at       kind      nearer to the model', half)} nearer to the client")

    def row(self, number: int, width: int) -> Text:
        """One row."""
        found, half = self.rows[number], (width - 14) // 2
        sign, style = _SIGNS[found.relation]
        line = Text.assemble((f"{sign} ", style), (fit(str(found.relation), 10), style), " ")
        line.append_text(self._side(0, found.a_start, found.a_stop, half))
        line.append(" ")
        line.append_text(self._side(1, found.b_start, found.b_stop, half))
        return line

    def _side(self, side: int, start: int, stop: int, width: int) -> Text:
        place = self.sides[side].place(start) if self.sides is not None and stop > start else None
        if place is None:
            return Text(" " * width)
        meaning = place.meaning
        what = kind(meaning)
        number = str(start) if stop == start + 1 else f"{start}–{stop - 1}"
        line = Text.assemble((fit(number, 6), DIM), f"{milliseconds(place.offset_us):>8} ")
        line.append(f"{fit(what, 9)} ", kind_style(what))
        line.append(fit(preview(meaning), max(0, width - line.cell_len)))
        return line


class DifferenceRows(Rows):
    """What differs, the gravest first; Enter goes to the first place."""

    HELP: ClassVar[str] = "What happened between the two, the gravest first. Enter goes to the first place of it."

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self.found: tuple[Difference | Finding, ...] = ()

    def show(self, found: tuple[Difference | Finding, ...]) -> None:
        """The differences of a comparison, or the findings of two modes."""
        self.found, self.empty = found, "✓ nothing differs"
        self.row_count = len(found)
        self.refresh_rows()

    def heading(self, width: int) -> Text:
        """Names of the columns."""
        return Text(f"  {fit('what', 28)} times")

    def row(self, number: int, width: int) -> Text:
        """One difference."""
        one = self.found[number]
        name = str(one.kind) if isinstance(one, Difference) else one.rule
        line = Text.assemble((LETTERS[one.severity], SEVERITY[one.severity]), " ", (fit(name, 28), BOLD))
        line.append(f" {f'×{one.count}' if one.count > 1 else '':<6} ", DIM)
        line.append(fit(one.message, max(0, width - line.cell_len)))
        return line


class CompareScreen(WorkbenchScreen):
    """Exchange ``a`` against ``b``, or against its own normalized form where ``b`` is None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "next(1)", "next difference", show=False),
        Binding("N", "next(-1)", "previous difference", show=False),
        Binding("tab", "app.focus_next", show=False),
        Binding("escape,q", "leave", "back", show=False),
    ]
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("n", "difference"), ("N", "back"), ("Tab", "other part"), ("Enter", "go there"), ("F1", "help"),
        ("^p", "commands"), ("q", "back"),
    )  # fmt: skip
    DEFAULT_CSS = """
    CompareScreen #verdict { height: auto; max-height: 5; padding: 0 1; }
    CompareScreen #rows { height: 2fr; }
    CompareScreen #differences { height: 1fr; }
    """

    def __init__(self, a: int, b: int | None, scratch: str) -> None:
        super().__init__()
        self._a, self._b, self._scratch = a, b, scratch
        self.token = 0
        self._opened: list[WatchedSide] = []

    def compose(self) -> ComposeResult:
        """Title, verdict, rows, differences, keys."""
        right = "normalized" if self._b is None else str(self._b)
        yield Static(Text.assemble(("compare ", "bold"), f"{self._a} with {right}"), id="title", markup=False)
        yield Static(id="verdict", markup=False)
        rows = AlignedRows(id="rows")
        rows.border_title = "Aligned"
        yield rows
        differences = DifferenceRows(id="differences")
        differences.border_title = "Differences"
        yield differences
        yield KeyBar()

    def on_mount(self) -> None:
        """Ask the analyst."""
        self.query_one(KeyBar).show(self.KEYS)
        self.query_one(AlignedRows).focus()
        self.token = self.app.next_token()
        self.app.ask(protocol.Compare(self.token, str(self.app.watcher.path), self._a, self._b, self._scratch))

    def on_unmount(self) -> None:
        """Close what was opened."""
        for side in self._opened:
            side.close()

    @property
    def is_compared(self) -> bool:
        """Whether the comparison is there."""
        return bool(self._opened)

    def concerns(self, token: int) -> bool:
        """See `WorkbenchScreen`."""
        return token == self.token

    def _aligned(self, answer: protocol.Aligned) -> None:
        self._opened = [WatchedSide(path, number, part) for path, number, part in (answer.a, answer.b)]
        left, right = (side.events for side in self._opened)
        verdict, differences = self.query_one("#verdict", Static), self.query_one(DifferenceRows)
        if isinstance(answer.outcome, Comparison):
            found = answer.outcome
            text = Text.assemble((visible(found.verdict.line, 400), _BLAME.get(found.verdict.origin, GRAVE)))
            for side in (found.a, found.b):
                text.append(
                    f"\n{visible(side.name, 40)}: {counted(side.events, 'event')}, "
                    f"{counted(side.characters, 'character')}, {counted(side.reads, 'read')}, "
                    f"{milliseconds(side.end_us)}, {side.ending}",
                    DIM,
                )
            verdict.update(text)
            self.query_one(AlignedRows).show(found.rows, (left, right))
            differences.show(found.differences)
        else:
            parity = answer.outcome
            notes = "\n".join(visible(note, 300) for note in parity.notes)
            verdict.update(Text(f"one request in two modes: streamed and whole\n{notes}".rstrip(), BOLD))
            self.query_one(AlignedRows).display = False
            differences.show(parity.findings)
            differences.focus()

    HANDLERS: ClassVar[Handlers] = {protocol.Aligned: _aligned}

    def on_chosen(self, message: Chosen) -> None:
        """Enter on a difference goes to its first place."""
        rows, differences = self.query_one(AlignedRows), self.query_one(DifferenceRows)
        one = differences.found[message.row] if self.focused is differences else None
        if isinstance(one, Difference) and one.pairs:
            pair = one.pairs[0]
            for at, row in enumerate(rows.rows):
                here = pair.a is not None and pair.a.event in row.a_events
                if here or (pair.b is not None and row.b_start <= pair.b.event < row.b_stop):
                    rows.show_row(at)
                    rows.focus()
                    return

    def action_next(self, step: int) -> None:
        """The next row that is not the same on both sides."""
        rows = self.query_one(AlignedRows)
        at = rows.cursor + step
        while 0 <= at < rows.row_count and rows.rows[at].relation is Relation.SAME:
            at += step
        if 0 <= at < rows.row_count:
            rows.show_row(at)
        else:
            self.app.tell("no further difference")

    def action_leave(self) -> None:
        """Back."""
        self.app.pop_screen()
