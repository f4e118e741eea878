"""Calls that are sent in turns go out one after the other: nobody can run one before it is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from streamlab.apis.responses.expectations import CALLS, CREATED, IN_PROGRESS
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.items import Item
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.apis.responses.repairs.items import ItemsOut
from streamlab.rules.repair import Comment, Draft, RepairState

_RULE: Final = "responses-items-overlap"
#: Events held back, at most.
_MOST: Final = 256


class Became(NamedTuple):
    """What an event became: what goes out, the facts of the event, and the item that it was about."""

    out: list[Draft]
    facts: int
    item: Item | None


class Turns:
    """Holds back a call that is added while another one is open, and what comes behind it, until that one is done."""

    def __init__(self, reader: ResponsesReader, items: ItemsOut, state: RepairState) -> None:
        self.reader = reader
        self._items = items
        self.state = state
        self._current: Item | None = None  # whose turn it is
        self._waiting: dict[int, list[Became]] = {}
        self._off = False

    @property
    def holding(self) -> bool:
        """Whether a call waits for its turn."""
        return bool(self._waiting)

    def places(self, item: Item) -> bool:
        """Whether what ends an item goes out with what came of it, before what waits behind that."""
        return self.holding and (item is self._current or item.number in self._waiting)

    def let_go(self) -> list[Became]:
        """What is held back, item by item."""
        waiting, self._waiting, self._current = self._waiting, {}, None
        return [one for held in waiting.values() for one in held]

    def take(self, out: list[Draft], facts: int) -> list[Became]:
        """What goes out now of what an event became, and of what waited."""
        item = self.reader.item
        came = Became(out, facts, item)
        if item is None:
            alive = facts & (ResponseFact.KEEPALIVE | ResponseFact.FOREIGN) or all(
                type(one.event) is Comment for one in out
            )
            begins = self.reader.kind in (CREATED, IN_PROGRESS)  # late; nothing ends with it
            return [came] if alive or begins else self._over(out, facts)
        if self._waiting and item.headless and item.kind in ("", *CALLS):
            self._off = True
            self.state.account.cannot(_RULE, "of which call a piece is, is not on the wire")
            return [*self.let_go(), came]
        if self._waits(item, facts):
            return self._hold(came, item)
        if item is self._current and not item.open:
            self._current = None
            return [came, *self._next()]
        if self._current is None and item.is_call and item.open and item.opened:
            self._current = item
        return [came]

    def _over(self, out: list[Draft], facts: int) -> list[Became]:
        """The response ends: what that makes of the call whose turn it is, what waits for it, and the rest."""
        current = self._current
        if current is None or not self._waiting:
            return [*self.let_go(), Became(out, facts, None)]
        own = self._about(current, out)
        for held in self._waiting.values():
            item = held[0].item
            if item is not None:  # what ends it follows what waited of it
                held.append(Became(self._about(item, out), facts, item))
        ends = {id(one) for held in self._waiting.values() for one in held[-1].out}
        rest = [one for one in out if one not in own and id(one) not in ends]
        return [Became(own, facts, current), *self.let_go(), Became(rest, facts, None)]

    def _about(self, item: Item, out: list[Draft]) -> list[Draft]:
        index = self._items.slot(item).index
        return [one for one in out if one.is_chunk and one.json.get("output_index") == index]

    def _waits(self, item: Item, facts: int) -> bool:
        if self._off or self._current is None or item is self._current:
            return False
        return bool(self._waiting) or (item.is_call and self._current.is_call and bool(facts & ResponseFact.ITEM_ADDED))

    def _hold(self, came: Became, item: Item) -> list[Became]:
        for draft in came.out:
            draft.note(_RULE, "", "among the events of another call", "behind them")
        self._waiting.setdefault(item.number, []).append(came)
        if sum(map(len, self._waiting.values())) <= _MOST:
            return []
        self._off = True
        self.state.account.cannot(_RULE, "too much waits for the end of a call")
        return self.let_go()

    def _next(self) -> Iterator[Became]:
        """The turn of the next ones, until one of them is not done yet."""
        while self._waiting and self._current is None:
            held = self._waiting.pop(next(iter(self._waiting)))
            item = held[0].item
            self._current = item if item is not None and item.open else None
            yield from held
