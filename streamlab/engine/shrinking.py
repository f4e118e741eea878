"""The smallest part of a list that still does what the whole does: delta debugging (ddmin), over any predicate.

Pure: the predicate says yes or no, and whoever calls may stop early by raising from it; what had been reached by then
is in `Shrinker.best`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Shrinker(Generic[T]):
    """Shrinks ``items`` as long as ``holds`` says that a part still shows what the whole shows.

    ``best`` is the smallest part known to hold; ``asked`` counts the calls of the predicate. No part is asked about
    twice. The order of the items is kept.
    """

    def __init__(self, items: Sequence[T], holds: Callable[[list[T]], bool]) -> None:
        self.best: list[T] = list(items)
        self.asked = 0
        self._holds = holds
        self._known: dict[tuple[T, ...], bool] = {}

    def run(self) -> list[T]:
        """The smallest part found: taking away any single item of it makes the predicate false."""
        if self._shows([]):
            self.best = []
            return self.best
        size = max(1, len(self.best) // 2)
        while True:
            if self._without_one_block(size):
                size = min(size, max(1, len(self.best) // 2))
            elif size == 1:
                return self.best
            else:
                size = (size + 1) // 2 if size > 2 else 1

    def _without_one_block(self, size: int) -> bool:
        """Walk over the items in blocks, leaving out each that is not needed; whether any was left out."""
        start, left_out = 0, False
        while start < len(self.best):
            fewer = self.best[:start] + self.best[start + size :]
            if self._shows(fewer):
                self.best, left_out = fewer, True
            else:
                start += size
        return left_out

    def _shows(self, part: list[T]) -> bool:
        key = tuple(part)
        if key not in self._known:
            self.asked += 1
            self._known[key] = self._holds(part)
        return self._known[key]


def ddmin(items: Sequence[T], holds: Callable[[list[T]], bool]) -> list[T]:
    """The smallest part of ``items`` found for which ``holds`` is true; ``items`` themselves must hold."""
    return Shrinker(items, holds).run()
