"""A counter on stderr for long work; silent when stderr is no terminal or the work is short."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

_SHOW_AFTER_S = 0.7
_EVERY_S = 0.1


class ProgressLine:
    """``advance()`` once an item; the line is wiped at the end."""

    def __init__(self, what: str = "exchanges") -> None:
        self._what = what
        self._done = 0
        self._shown = False
        self._next = time.monotonic() + _SHOW_AFTER_S
        self._live = sys.stderr.isatty() and not sys.stdout.isatty()

    def __enter__(self) -> Self:
        return self

    def advance(self) -> None:
        """One more item is done."""
        self._done += 1
        if self._live and time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY_S
            self._shown = True
            sys.stderr.write(f"\r{self._done:,} {self._what} …")
            sys.stderr.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
