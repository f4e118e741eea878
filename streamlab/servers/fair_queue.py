"""Work that takes longer than a moment, done bit by bit between what else an event loop has to do."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class FairQueue:
    """One call in each round of the loop, whoever has work: many that have much delay the others no more than one."""

    def __init__(self) -> None:
        self._queue: deque[Callable[[], None]] = deque()

    def take(self, action: Callable[[], None]) -> None:
        """Call ``action`` once, when it is its turn; asking again before that changes nothing."""
        if action in self._queue:
            return
        self._queue.append(action)
        if len(self._queue) == 1:
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        action = self._queue.popleft()
        if self._queue:
            asyncio.get_running_loop().call_soon(self._next)
        action()
