"""Calls that are sent in turns go out one after the other: nobody can run one before it is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.items import Item
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.rules.repair import Draft, RepairState

_RULE: Final = "responses-items-overlap"
#: Events held back, at most.
_MOST: Final = 256


class Turns:
    """Holds back a call that is added while another one is open, and what comes behind it, until that one is done."""

    def __init__(self, reader: ResponsesReader, state: RepairState) -> None:
        self.reader = reader
        self.state = state
        self._current: Item | None = None  # whose turn it is
        self._waiting: dict[int, tuple[Item, list[Draft]]] = {}
        self._off = False

    @property
    def holding(self) -> bool:
        """Whether a call waits for its turn."""
        return bool(self._waiting)

    def let_go(self) -> list[Draft]:
        """What is held back, item by item."""
        waiting, self._waiting, self._current = self._waiting, {}, None
        return [draft for _, drafts in waiting.values() for draft in drafts]

    def take(self, out: list[Draft], facts: int) -> list[Draft]:
        """What goes out now of what an event became."""
        item = self.reader.item
        if item is None:
            quiet = facts & (ResponseFact.KEEPALIVE | ResponseFact.FOREIGN) or not any(one.is_chunk for one in out)
            return out if quiet else [*self.let_go(), *out]
        if self._waits(item, facts):
            return self._hold(out, item)
        if item is self._current and not item.open:
            self._current = None
            return [*out, *self._next()]
        if self._current is None and item.is_call and item.open:
            self._current = item
        return out

    def _waits(self, item: Item, facts: int) -> bool:
        if self._off or self._current is None or item is self._current:
            return False
        return bool(self._waiting) or (item.is_call and self._current.is_call and bool(facts & ResponseFact.ITEM_ADDED))

    def _hold(self, out: list[Draft], item: Item) -> list[Draft]:
        _, drafts = self._waiting.setdefault(item.number, (item, []))
        for draft in out:
            draft.note(_RULE, "", "among the events of another call", "behind them")
        drafts += out
        if sum(len(held) for _, held in self._waiting.values()) <= _MOST:
            return []
        self._off = True
        self.state.account.cannot(_RULE, "too much waits for the end of a call")
        return self.let_go()

    def _next(self) -> Iterator[Draft]:
        """The turn of the next ones, until one of them is not done yet."""
        while self._waiting and self._current is None:
            item, drafts = self._waiting.pop(next(iter(self._waiting)))
            self._current = item if item.open else None
            yield from drafts
