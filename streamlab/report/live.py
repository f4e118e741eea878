"""What `record` shows while it runs: a table that lives on a terminal, plain lines elsewhere.

Runs in the writer process, so drawing never delays a stream. Everything shown comes from the wire and is escaped.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from streamlab.exchange import Ending
from streamlab.report.unblocked import Unblocked
from streamlab.report.units import counted, milliseconds, size

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

#: Finished exchanges kept in view.
_ROWS = 20
#: Lines above the first of them.
_HEADING = 2


class Watched(Protocol):
    """What is shown of an exchange that is being recorded."""

    @property
    def id(self) -> int | None: ...
    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def tap(self) -> str | None: ...
    @property
    def events(self) -> int: ...
    @property
    def body_bytes(self) -> int: ...
    @property
    def first_us(self) -> int | None: ...
    @property
    def ending(self) -> Ending | None: ...
    @property
    def end_us(self) -> int | None: ...
    @property
    def notes(self) -> dict[str, Any]: ...
    @property
    def status(self) -> int | None: ...


def printable(text: str, limit: int = 100) -> str:
    """The text on one line, without control characters, at most ``limit`` long."""
    clean = text
    if not text.isprintable():
        clean = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _path(url: str) -> str:
    """The URL without its origin, which is the same in every row."""
    _, _, rest = url.partition("://")
    return "/" + rest.partition("/")[2] if rest else url


def _ending(draft: Watched) -> str:
    if draft.ending is None:
        return "…"
    reason = draft.notes.get("ending_reason")
    plain = draft.ending is Ending.COMPLETE or not reason
    return draft.ending.value if plain else f"{draft.ending.value} ({reason})"


class PlainLines:
    """One line for each exchange that ended, what is to be said of it, and the warnings: to whatever takes lines."""

    def __init__(self, *lines: Callable[[str], object]) -> None:
        self._lines = lines
        self._said: set[int] = set()

    def changed(self, draft: Watched) -> None:
        """See `Observer.changed`."""
        if draft.ending is None or draft.id is None or draft.id in self._said:
            return
        self._said.add(draft.id)
        if len(self._said) > 10_000:
            self._said = set(sorted(self._said)[-1000:])
        tap = f"[{draft.tap}] " if draft.tap else ""
        status = "-" if draft.status is None else str(draft.status)
        self._print(
            f"{draft.id}  {tap}{draft.method} {draft.url}  {status}  {counted(draft.events, 'event')}"
            f"  {counted(draft.body_bytes, 'byte')}"
            f"  first {milliseconds(draft.first_us)}  end {milliseconds(draft.end_us)}  {_ending(draft)}"
        )

    def warn(self, message: str) -> None:
        """See `Observer.warn`."""
        self._print(f"streamlab: warning: {message}", 400)

    def note(self, message: str) -> None:
        """How it stands, in a line."""
        self._print(message)

    def told(self, number: int, lines: Sequence[str]) -> None:
        """What there is to say of an exchange that was shown."""
        for line in lines:
            self._print(line, 1000)

    def tick(self) -> bool:
        """See `Observer.tick`."""
        return False

    def close(self) -> None:
        """See `Observer.close`."""

    def _print(self, line: str, limit: int = 300) -> None:
        for write in self._lines:
            write(printable(line, limit))


class LiveTable:
    """A table of the exchanges in progress and the latest that ended, below it what is to be said of them, redrawn in
    place: as many as there is room for."""

    def __init__(self, stream: Unblocked) -> None:
        # Deferred: only a terminal needs Rich.
        from rich.console import Console
        from rich.live import Live

        self._told: dict[int, list[str]] = {}
        self._drafts: dict[int, Watched] = {}
        self._dirty = True
        self._live = Live(
            console=Console(file=cast("IO[str]", stream), force_terminal=True), auto_refresh=False, transient=False
        )
        with contextlib.suppress(OSError, ValueError):
            self._live.start()

    def changed(self, draft: Watched) -> None:
        """See `Observer.changed`."""
        self._drafts[id(draft)] = draft
        self._dirty = True
        if len(self._drafts) > 4 * _ROWS:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        ended = [key for key, draft in self._drafts.items() if draft.ending is not None]
        for key in ended[: len(self._drafts) - 2 * _ROWS]:
            del self._drafts[key]

    def told(self, number: int, lines: Sequence[str]) -> None:
        """What there is to say of an exchange that was shown."""
        self._told[number] = [printable(line, 1000) for line in lines]
        while len(self._told) > 4 * _ROWS:
            del self._told[next(iter(self._told))]
        self._dirty = True

    def warn(self, message: str) -> None:
        """See `Observer.warn`."""
        from rich.text import Text

        with contextlib.suppress(OSError, ValueError):
            self._live.console.print(Text(f"streamlab: warning: {printable(message, 400)}", style="bold yellow"))

    def note(self, message: str) -> None:
        """How it stands, in a line."""
        from rich.text import Text

        with contextlib.suppress(OSError, ValueError):
            self._live.console.print(Text(printable(message, 300), style="dim"))

    def tick(self) -> bool:
        """See `Observer.tick`."""
        if self._dirty:
            self._dirty = False
            with contextlib.suppress(OSError, ValueError):
                self._live.update(self._shown(), refresh=True)
            return True
        return any(draft.ending is None for draft in self._drafts.values())

    def _shown(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        width, height = self._live.console.size
        drafts = list(self._drafts.values())[-_ROWS:]
        while len(drafts) > 1 and _HEADING + sum(1 + self._lines_below(one, width) for one in drafts) > height:
            del drafts[0]
        said = [line for draft in drafts for line in self._told.get(draft.id or 0, ())]
        return Group(Text("streamlab record", style="italic"), self._table(drafts), *map(Text, said))

    def _lines_below(self, draft: Watched, width: int) -> int:
        from rich.cells import cell_len

        return sum(-(-cell_len(line) // width) for line in self._told.get(draft.id or 0, ()))

    @staticmethod
    def _table(drafts: Sequence[Watched]) -> Table:
        from rich.text import Text

        from streamlab.report.plain_table import plain_table

        table = plain_table()
        for name in ("id", "request", "status", "events", "bytes", "first byte", "ending"):
            right = name not in ("request", "ending")
            table.add_column(name, justify="right" if right else "left", no_wrap=name != "request")
        for draft in drafts:
            tap = f"[{draft.tap}] " if draft.tap else ""
            bad = draft.ending not in (None, Ending.COMPLETE) or (draft.status or 0) >= 400
            request = Text(printable(f"{tap}{draft.method} {_path(draft.url)}", 60), no_wrap=True, overflow="ellipsis")
            cells = (
                "" if draft.id is None else str(draft.id),
                request,
                "" if draft.status is None else str(draft.status),
                str(draft.events),
                size(draft.body_bytes),
                milliseconds(draft.first_us),
                printable(_ending(draft), 40),
            )
            table.add_row(
                *(Text(cell) if isinstance(cell, str) else cell for cell in cells), style="yellow" if bad else ""
            )
        return table

    def close(self) -> None:
        """See `Observer.close`."""
        self._dirty = True
        self.tick()
        with contextlib.suppress(OSError, ValueError):
            self._live.stop()


def live_display() -> PlainLines | LiveTable:
    """The display that suits standard error. Nothing of it ever waits."""
    beside = Unblocked(sys.stderr)
    return LiveTable(beside) if beside.isatty() else PlainLines(beside.line)
