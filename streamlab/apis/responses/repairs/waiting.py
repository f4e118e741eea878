"""A call that is added without its name or call_id waits until it is done: nobody can run it before."""

from __future__ import annotations

from typing import Final

from streamlab.apis.responses.expectations import ITEM_ADDED, text_of
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.items import Item
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.apis.responses.repairs.items import ItemsOut
from streamlab.rules.repair import Chunk, Draft, ErrorPayload, Origin
from streamlab.wire.reading import as_object

_F = ResponseFact
#: Events held back, at most.
_MOST: Final = 256


class WaitingCall:
    """The events of one call, while its start is not whole."""

    def __init__(self, reader: ResponsesReader, items: ItemsOut) -> None:
        self.reader = reader
        self.items = items
        self._item: Item | None = None
        self._held: list[Draft] = []

    @property
    def holding(self) -> bool:
        """Whether a call waits."""
        return self._item is not None

    def let_go(self) -> list[Draft]:
        """What is held back."""
        if self._item is not None and self._item.done is None:
            self._item.call_went = True
        held, self._held, self._item = self._held, [], None
        return held

    def take(self, out: list[Draft], facts: int, item: Item | None) -> list[Draft]:
        """What goes out now of what an event about an item became."""
        if self._item is None:
            return self._begin(out, facts, item)
        if not out:
            return []  # a repeated event was dropped
        quiet = facts & (_F.KEEPALIVE | _F.FOREIGN) or not any(one.is_chunk for one in out)
        if item is not self._item and not quiet:
            if self._item.done is not None:  # with the end of the response
                self._fill(self._item)
            return [*self.let_go(), *self._begin(out, facts, item)]
        self._held += out
        if facts & _F.ITEM_DONE:
            self._fill(self._item)
        elif len(self._held) < _MOST:
            return []
        return self.let_go()

    def _begin(self, out: list[Draft], facts: int, item: Item | None) -> list[Draft]:
        """Hold the start of a call back that is not whole."""
        if not facts & _F.ITEM_ADDED or item is None or not item.is_call or not _lacking(item):
            return out
        self._item, self._held = item, out
        if item.done is None:
            return []
        self._fill(item)  # it was done before it was added
        return self.let_go()

    def _fill(self, item: Item) -> None:
        start = next(filter(_adds, self._held), None)
        if start is None:
            return
        holder, done = as_object(start.json.get("item")), as_object(item.done)
        for member in _lacking(item):
            if text_of(done.get(member)):
                made = item.call_made and member == "call_id"
                rule = "responses-missing-call-id" if made else "responses-item-changed"
                origin = Origin.INVENTED if made else Origin.DERIVED
                start.put(rule, holder, member, done[member], "item.", origin)


def _lacking(item: Item) -> list[str]:
    return [member for member in ("name", "call_id") if not text_of(item.added.get(member))]


def _adds(draft: Draft) -> bool:
    """Whether an event adds an item; one that has an error beside it does so, too."""
    return isinstance(draft.event, Chunk | ErrorPayload) and draft.json.get("type") == ITEM_ADDED
