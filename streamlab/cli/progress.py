"""A counter on stderr for long work, with rate and rest where the end is known.

It is silent when stderr is no terminal, when the work is short, and where what was done is said there meanwhile.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

_SHOW_AFTER_S = 0.7
_EVERY_S = 0.1


class ProgressLine:
    """``advance()`` once an item; the line is wiped at the end. ``beside_output``: answers are printed meanwhile."""

    def __init__(self, what: str = "exchanges", *, beside_output: bool = False) -> None:
        self._what = what
        self._done = 0
        self._shown = False
        self._total: int | None = None
        self._began = time.monotonic()
        self._next = self._began + _SHOW_AFTER_S
        self._live = sys.stderr.isatty() and not (beside_output and sys.stdout.isatty())

    def __enter__(self) -> Self:
        _current.append(self)
        return self

    def expect(self, total: int) -> None:
        """So many there will be."""
        self._total = total

    def advance(self, count: int = 1) -> None:
        """One more item is done, or ``count``."""
        self._done += count
        if self._live and time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY_S
            self._shown = True
            sys.stderr.write(f"\r{self._line()}\x1b[K")
            sys.stderr.flush()

    def _line(self) -> str:
        if self._total is None:
            return f"{self._done:,} {self._what} …"
        rate = self._done / max(time.monotonic() - self._began, 0.001)
        rest = (self._total - self._done) / max(rate, 0.001)
        shown = f"{rest / 60:.0f} min" if rest >= 100 else f"{rest:.0f} s"
        return f"{self._done:,} of {self._total:,} {self._what}, {rate:,.0f} a second, {shown} to go"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.remove(self)
        self.wipe()

    def wipe(self) -> None:
        """Take the line off the screen, until the next item is done."""
        if self._shown:
            self._shown = False
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


_current: list[ProgressLine] = []


def make_room() -> None:
    """Take the line off the screen, for what is said on it."""
    for one in _current:
        one.wipe()
