"""Drives the workbench without a terminal: opens it, waits for the analyst, reads what is on the screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

from textual.pilot import Pilot

from streamlab.tui.app import Workbench
from streamlab.tui.link import Link
from streamlab.tui.memory import Memory
from streamlab.tui.opening import Opened, open_target
from streamlab.tui.screens.compare import CompareScreen
from streamlab.tui.screens.exchange import ExchangeScreen
from streamlab.tui.screens.exchanges import ExchangesScreen

CAPTURES = Path(__file__).parents[2] / "captures"
SIZES = ((80, 24), (120, 40), (200, 50))
#: Only a hang takes this long, on however busy a machine.
_PATIENCE = 300.0


class Driver:
    """A running workbench. ``link`` is shared, because an analyst process takes a moment to start."""

    def __init__(self, app: Workbench, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """Let the workbench run until something holds."""
        end = monotonic() + _PATIENCE
        while not true():
            assert monotonic() < end, f"not within {_PATIENCE} s: {what}\n{self.text()}"
            await self.pilot.pause(0.01)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Keys, one after another."""
        for key in keys:
            await self.pilot.press(key)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Letters into an input."""
        names = {" ": "space", ":": "colon", "-": "minus", "*": "asterisk", "/": "slash", ">": "greater_than_sign"}
        await self.press(*(names.get(letter, letter) for letter in text))

    async def settle(self) -> None:
        """Wait until everything the analyst has to say about the screen in front was said."""
        screen = self.app.screen
        if isinstance(screen, ExchangeScreen):
            await self.until(lambda: screen.settled, "the analysis, and answers about the event")
        elif isinstance(screen, CompareScreen):
            await self.until(lambda: screen._opened, "the comparison")
        elif isinstance(screen, ExchangesScreen) and self.app.watcher.ids:
            await self.until(self._summarized, "summaries")
        await self.pilot.pause()

    def _summarized(self) -> bool:
        table = self.app.screen.query_one("#exchanges")
        rows = self.app.watcher.rows(list(self.app.watcher.ids[:200]))
        shown = [table.row_of(one, at) for at, one in enumerate(table.on_screen)]
        return all(row.summary is not None or row.overview.in_progress for row in rows.values()) and all(
            row is not None and (row.summary is not None or row.overview.in_progress) for row in shown
        )

    @property
    def exchange(self) -> ExchangeScreen:
        """The exchange in front."""
        assert isinstance(self.app.screen, ExchangeScreen)
        return self.app.screen

    def lines(self) -> list[str]:
        """The text on the screen, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]

    def text(self) -> str:
        """The text on the screen, without the blanks at the ends of lines."""
        return "\n".join(line.rstrip() for line in self.lines()) + "\n"


@asynccontextmanager
async def workbench(
    link: Link, opened: Opened, memory: Path, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Driver]:
    """A workbench of this size."""
    app = Workbench(opened, link=link, memory=Memory(memory))
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Driver(app, pilot)


def drive(
    link: Link,
    target: str | Path,
    memory: Path,
    story: Callable[[Driver], Awaitable[None]],
    size: tuple[int, int] = (120, 40),
    db: Path | None = None,
) -> None:
    """Run a story in a workbench on a TARGET (or, with ``db``, on that database)."""

    async def run() -> None:
        opened = open_target(None if db is not None else str(target), db)
        async with workbench(link, opened, memory, size) as driver:
            await story(driver)

    asyncio.run(run())


def of_chat() -> list[Path]:
    """The captures of chat, which most screens are tried on."""
    others = ("anthropic-", "messages-", "responses-")
    return sorted(one for one in CAPTURES.iterdir() if one.is_dir() and not one.name.startswith(others))
