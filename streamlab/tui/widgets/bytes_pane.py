"""The bytes of an event, with what is invisible shown: line ends, a byte order mark, split and broken characters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType

from streamlab.rules.finding import Severity
from streamlab.tui.events import EventPlace
from streamlab.tui.palette import BOLD, DIM, SEVERITY, STALL
from streamlab.tui.widgets.text_pane import TextPane
from streamlab.wire.visible import visible

#: Bytes of one event that are shown.
_SHOWN = 32 * 1024
_SPAN = Style(reverse=True)
_BROKEN = SEVERITY[Severity.ERROR]
_CUT = STALL


class BytesPane(TextPane):
    """Raw, or in hex; the bytes a finding is about are reversed."""

    HELP: ClassVar[str] = """\
The bytes of the event at the cursor, exactly as they came.

␍ ␊ ␉     line ends and tabs      \\xff   a byte that is no UTF-8
‹BOM›     a byte order mark       ┊      here another read begins
reversed  what the finding is about, and what was searched for

x changes between text and hex."""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("x", "hex", "hex", show=False)]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.hex = False
        self._place: EventPlace | None = None
        self._span: tuple[int, int] | None = None
        self._note = ""
        self._found: frozenset[int] = frozenset()

    def show(self, place: EventPlace | None, span: tuple[int, int] | None, note: str = "", searched: str = "") -> None:
        """An event, the byte range of the body to point at, and a text that was searched for."""
        self._place, self._span, self._note = place, span, note
        self._found = _places_of(searched, place.sse.raw[:_SHOWN]) if place is not None else frozenset()
        self.update_lines()

    def action_hex(self) -> None:
        """Text or hex."""
        self.hex = not self.hex
        self.update_lines(top=False)

    def lines(self, width: int) -> list[Text]:
        """See `TextPane`."""
        if self._place is None:
            return self.wrapped(Text(self._note, DIM), width) if self._note else []
        raw = self._place.sse.raw[:_SHOWN]
        lines = self._hex(raw, width) if self.hex else self._text(raw, width)
        left = len(self._place.sse.raw) - len(raw)
        return [*lines, Text(f"… {left:,} more bytes", DIM)] if left else lines

    def _marked(self, at: int) -> bool:
        if at in self._found:
            return True
        if self._span is None or self._place is None:
            return False
        return self._span[0] <= self._place.sse.start + at < self._span[1]

    def _text(self, raw: bytes, width: int) -> list[Text]:
        assert self._place is not None
        cuts = set(self._place.cuts)
        lines, line, used = [], Text(), 0
        for at, size, sign, style in _signs(raw):
            inside = cuts.intersection(range(at, at + size)) if cuts else ()
            if inside:
                split = at not in inside
                sign = f"┊{sign}" if not split else f"┊‹{raw[at : at + size].hex(' ')}›"
                style = _CUT
            style = style + _SPAN if self._marked(at) else style
            if used + cell_len(sign) > width and line:
                lines.append(line)
                line, used = Text(), 0
            line.append(sign, style)
            used += cell_len(sign)
            if raw[at : at + size] == b"\n":
                lines.append(line)
                line, used = Text(), 0
        return [*lines, line] if line else lines

    def _hex(self, raw: bytes, width: int) -> list[Text]:
        assert self._place is not None
        per_line = 16 if width >= 76 else 8 if width >= 43 else 4
        lines = []
        for at in range(0, len(raw), per_line):
            row = raw[at : at + per_line]
            line = Text(f"{self._place.sse.start + at:08x}  ", DIM)
            for number, byte in enumerate(row):
                cut = "┊" if at + number in self._place.cuts else " "
                line.append(cut, _CUT)
                line.append(f"{byte:02x}", _SPAN if self._marked(at + number) else Style())
            line.append("   " * (per_line - len(row)) + "  ")
            line.append("".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in row), BOLD)
            lines.append(line)
        return lines


def _places_of(text: str, raw: bytes) -> frozenset[int]:
    """The offsets of the bytes that a text was found in."""
    needle, shown = text.encode("utf-8", "surrogatepass").lower(), raw.lower()
    found: set[int] = set()
    at = shown.find(needle) if needle else -1
    while at >= 0:
        found.update(range(at, at + len(needle)))
        at = shown.find(needle, at + 1)
    return frozenset(found)


def _signs(raw: bytes) -> Iterator[tuple[int, int, str, Style]]:
    """Each character as offset, bytes, what is shown for it, and how."""
    at = 0
    for char in raw.decode("utf-8", "surrogateescape"):
        code = ord(char)
        if 0xDC80 <= code <= 0xDCFF:
            yield at, 1, f"\\x{code - 0xDC00:02x}", _BROKEN
            at += 1
            continue
        size = len(char.encode("utf-8"))
        if code == 0xFEFF:
            yield at, size, "‹BOM›", _BROKEN
        else:
            sign = visible(char)
            yield at, size, sign, DIM if sign != char else Style()
        at += size
