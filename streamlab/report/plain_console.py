"""What `HarmlessConsole` prints where no colours are wanted, without Rich: to load that takes longer than most answers.

A test holds the two to print the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Self

from streamlab.lazy_pattern import lazy_pattern
from streamlab.report.cells import cell_len, is_narrow
from streamlab.wire.visible import visible

_WORD = lazy_pattern(r"\s*\S+\s*")


class PlainText:
    """A text that takes styles, as Rich's does, and forgets them."""

    def __init__(self, text: str = "", style: str = "") -> None:
        self.plain = text

    @classmethod
    def assemble(cls, *parts: str | tuple[str, str]) -> Self:
        """A text of parts, each with its style or without."""
        return cls("".join(part if isinstance(part, str) else part[0] for part in parts))

    def append(self, text: str, style: str = "") -> Self:
        """Add to the end."""
        self.plain += text
        return self

    def append_text(self, text: PlainText) -> Self:
        """Add a text to the end."""
        self.plain += text.plain
        return self

    @property
    def cell_len(self) -> int:
        """The cells it takes."""
        return cell_len(self.plain)

    def __len__(self) -> int:
        return len(self.plain)

    def __bool__(self) -> bool:
        return bool(self.plain)


class PlainConsole:
    """Prints lines as they are, wrapped at words."""

    text = PlainText

    def __init__(self, stream: IO[str], width: int) -> None:
        self._stream = stream
        self.width = width

    def print(self, text: PlainText) -> None:
        """Print a text, wrapped."""
        for line in text.plain.split("\n"):
            for piece in _wrapped(line, self.width):
                self._write(piece)

    def hanging(self, text: PlainText, at: int = 0, more: int = 0) -> None:
        """See `HarmlessConsole`."""
        first = next(_wrapped(text.plain, self._room(at)))
        self._write(" " * at + first)
        rest = text.plain[len(first) :].lstrip()
        for line in _wrapped(rest, self._room(more)) if rest else ():
            self._write(" " * more + line)

    def facts(self, facts: Iterable[str | PlainText], at: int = 0, more: int = 0, style: str = "") -> None:
        """See `HarmlessConsole`."""
        lines, wide = [""], self._room(max(at, more))
        for fact in facts:
            added = fact if isinstance(fact, str) else fact.plain
            if lines[-1] and cell_len(lines[-1]) + cell_len(added) + 5 > wide:
                lines[-1] += " ·"
                lines.append("")
            elif lines[-1]:
                lines[-1] += " · "
            lines[-1] += added
        for number, line in enumerate(lines):
            self.hanging(PlainText(line), more if number else at, more)

    def _room(self, indent: int) -> int:
        return max(20, self.width - indent)

    def _write(self, line: str) -> None:
        self._stream.write(visible(line.rstrip()) + "\n")
        self._stream.flush()


def _wrapped(line: str, width: int) -> Iterator[str]:
    """The pieces of a line that fit into a width, without the spaces behind them that do not."""
    if cell_len(line) <= width:
        yield line
        return
    at = 0
    for stop in (*_places(line, width), len(line)):
        piece = line[at:stop]
        beyond = len(piece) - width
        yield piece[: -min(beyond, len(piece) - len(piece.rstrip()))] if beyond > 0 and piece[-1].isspace() else piece
        at = stop


def _places(line: str, width: int) -> list[int]:
    """Where to break a line: in front of words, and inside those that are longer than a line."""
    if not is_narrow(line):
        from rich._wrap import divide_line

        return divide_line(line, width)
    places: list[int] = []
    taken = 0
    for word in _WORD.finditer(line):
        start, length = word.start(), len(word[0])
        needed = len(word[0].rstrip())
        if taken + needed <= width:
            taken += length
        elif needed > width:
            places += [one for one in range(start, word.end(), width) if one]
            taken = (length - 1) % width + 1
        elif taken and start:
            places.append(start)
            taken = length
    return places
