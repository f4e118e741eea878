"""What is to be seen first, drawn before Textual is loaded, which takes longer than everything else at the start.

It looks as the workbench's first screen will, less what has to be worked out first. Keys that are pressed meanwhile
wait in the terminal until the workbench reads them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from rich.color import ColorSystem
from rich.style import Style
from rich.text import Text

from streamlab.errors import StreamlabError
from streamlab.tui.drawing import exchange_list
from streamlab.tui.drawing.layout import AT_ONCE, TOP, timeline_box
from streamlab.tui.drawing.timeline import TimelineRows
from streamlab.tui.drawing.titles import exchange_facts, exchange_title, list_title
from streamlab.tui.memory import Memory
from streamlab.tui.opening import Opened
from streamlab.tui.palette import COLOURS, NO_COLOR
from streamlab.tui.watcher import Watcher

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?1049l\x1b[?25h"


class FirstFrame:
    """On the alternate screen of the terminal that standard error is, from `show` until the workbench draws over it.

    Use as a context manager around what loads the workbench: when that fails, the terminal is as it was before.
    """

    def __init__(self) -> None:
        self.shown = False
        self._before: list[Any] | None = None

    def show(self, drawn: str) -> None:
        """Show a frame (`draw`); what is typed from now on is not echoed. Does nothing where that cannot be."""
        try:
            import termios
        except ImportError:
            return
        try:
            self._before = termios.tcgetattr(sys.__stdin__)  # type: ignore[arg-type]
            quiet = [*self._before]
            quiet[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(sys.__stdin__, termios.TCSANOW, quiet)  # type: ignore[arg-type]
            self.shown = True  # at once: a signal may come in the middle of it
            self._write(_ENTER + drawn)
        except (termios.error, OSError, ValueError):
            self.shown = False
            self._give_back()

    def __enter__(self) -> FirstFrame:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        self._give_back()
        if kind is not None and self.shown:
            self._write(_LEAVE)

    def _give_back(self) -> None:
        if self._before is not None:
            import termios

            termios.tcsetattr(sys.__stdin__, termios.TCSANOW, self._before)  # type: ignore[arg-type]
            self._before = None

    @staticmethod
    def _write(text: str) -> None:
        assert sys.__stderr__ is not None
        sys.__stderr__.write(text)
        sys.__stderr__.flush()


def can_be_shown() -> bool:
    """Whether there is a terminal that Textual will draw on as well."""
    if os.name != "posix" or os.environ.get("TEXTUAL_DRIVER") or os.environ.get("TERM", "dumb") == "dumb":
        return False
    return all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__))


def draw(opened: Opened, watcher: Watcher, memory: Memory, size: tuple[int, int]) -> str | None:
    """The frame for a terminal of ``size`` (columns, lines); None where there is nothing to show yet."""
    if opened.exchange_id is None and opened.own and memory.capture(opened.path).get("filter"):
        return None
    try:
        found = list(lines(opened, watcher, *size))
    except StreamlabError:
        return None  # the workbench will say what is wrong
    if not found:
        return None
    colours = COLOURS[memory.theme]
    system = _color_system()
    found = found[: size[1] - 1]
    found += [("background", Text())] * (size[1] - 1 - len(found)) + [("panel", Text())]  # the keys will be there
    painted = [_painted(text, ground, size[0], colours, system) for ground, text in found]
    return "".join(f"\x1b[{number};1H{line}" for number, line in enumerate(painted, 1))


def lines(opened: Opened, watcher: Watcher, width: int, height: int) -> Iterator[tuple[str, Text]]:
    """The lines from the top, each with the name of the colour behind it. Raises StreamlabError."""
    if watcher.browser is None or width < 20 or height < 10:
        return iter(())
    if opened.exchange_id is not None:
        return _exchange(watcher, opened.exchange_id, width, height)
    return _list(opened, watcher, width, height)


def _list(opened: Opened, watcher: Watcher, width: int, height: int) -> Iterator[tuple[str, Text]]:
    count, first = watcher.first(height - 3)
    ids = list(first)
    if not ids:
        return
    rows = watcher.rows(ids)
    yield "panel", _indented(list_title(opened.title, count, watcher.sort), width)
    yield "surface", exchange_list.heading(width)
    for one in ids:
        yield "background", exchange_list.row(rows.get(one), width)


def _exchange(watcher: Watcher, exchange_id: int, width: int, height: int) -> Iterator[tuple[str, Text]]:
    exchange = watcher.exchange(exchange_id)
    events = watcher.events(exchange)
    events.start(AT_ONCE)
    rows = TimelineRows()
    rows.show(events, None, exchange.end_us)
    note = watcher.marks(exchange_id).get(-1)
    yield "panel", _indented(exchange_title(exchange, None, 0, len(events), width - 2), width)
    yield "surface", _indented(exchange_facts(exchange, events, None, note, width - 2), width)
    for _ in range(2, TOP):
        yield "background", Text()
    box = timeline_box(width, height)
    side = Text("│" if box.sides else "")
    inner = box.width - 2 * len(side)
    room = box.height - (3 if box.sides else 2)
    scrollbar = rows.count > room
    title = "╭─ Timeline " if box.sides else "─Timeline"
    yield "background", Text(title.ljust(box.width - len(side), "─") + ("╮" if box.sides else ""))
    wide = inner - scrollbar
    rows.axis.look(0, room)
    yield "background", side + rows.heading(wide)
    for number in range(min(room, rows.count)):
        yield "background", side + rows.row(number, wide)


def _indented(line: Text, width: int) -> Text:
    line.truncate(width - 2, overflow="ellipsis")
    return Text(" ") + line


def _painted(text: Text, ground: str, width: int, colours: dict[str, str], system: ColorSystem | None) -> str:
    text.truncate(width, overflow="ellipsis", pad=True)
    base = Style(color=colours["foreground"], bgcolor=colours[ground])
    dim = Style(color=_between(colours["foreground"], colours[ground]), dim=False)
    painted, at = [], 0
    for span in sorted(text.spans):
        style = base + (Style.parse(span.style) if isinstance(span.style, str) else span.style)
        start, stop = max(at, span.start), min(span.end, len(text))
        painted.append(base.render(text.plain[at:start], color_system=system))
        painted.append((style + dim if style.dim else style).render(text.plain[start:stop], color_system=system))
        at = max(at, stop)
    painted.append(base.render(text.plain[at:], color_system=system))
    return "".join(painted)


def _between(one: str, other: str) -> str:
    """The colour halfway between two, which is what Textual makes of dim."""
    pairs = ((int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{(a + b) // 2:02x}" for a, b in pairs)


def _color_system() -> ColorSystem | None:
    if NO_COLOR:
        return None
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return ColorSystem.TRUECOLOR
    return ColorSystem.EIGHT_BIT if "256" in os.environ.get("TERM", "") else ColorSystem.STANDARD
