"""A Rich console through which no control character of a text gets: those on the terminal are Rich's own."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from streamlab.wire.visible import UNSAFE, visible


class HarmlessConsole(Console):
    """What is printed is made visible beforehand, where it is cut to length; this is for what somebody forgot.

    ``text`` makes the texts that it prints.
    """

    text = Text

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Segments, with the text of each made visible. Nested renderables pass here too."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            if control is None and UNSAFE.search(text) and text != "\n":
                text = "\n".join(map(visible, text.split("\n")))
                segment = Segment(text, style)
            yield segment

    def whole(self, text: Text) -> None:
        """Print a line as it is, however long: to be copied, or to be found again."""
        self.print(text, no_wrap=True, overflow="ignore", crop=False)

    def hanging(self, text: Text, at: int = 0, more: int = 0) -> None:
        """Print a text wrapped at words: its first line begins in column ``at``, the others in column ``more``."""
        first = next(iter(text.wrap(self, self._room(at))), Text())
        rest = text[len(first) :]
        rest = rest[len(rest.plain) - len(rest.plain.lstrip()) :]
        self._indented(first, at)
        for line in rest.wrap(self, self._room(more)) if rest else ():
            self._indented(line, more)

    def facts(self, facts: Iterable[str | Text], at: int = 0, more: int = 0, style: str = "") -> None:
        """Print short facts with dots between them, broken between two of them only, where they have the room."""
        lines, wide = [Text(style=style)], self._room(max(at, more))
        for fact in facts:
            added = Text(fact) if isinstance(fact, str) else fact
            if lines[-1] and lines[-1].cell_len + added.cell_len + 5 > wide:
                lines[-1].append(" ·")
                lines.append(Text(style=style))
            elif lines[-1]:
                lines[-1].append(" · ")
            lines[-1].append_text(added)
        for number, line in enumerate(lines):
            self.hanging(line, more if number else at, more)

    def _room(self, indent: int) -> int:
        return max(20, self.width - indent)

    def _indented(self, line: Text, indent: int) -> None:
        line.rstrip()
        self.whole(Text(" " * indent) + line)
