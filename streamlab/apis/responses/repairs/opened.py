"""What is opened here since nobody did: items, where that is a guess, and parts."""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.apis.responses.expectations import ITEM_ADDED, PIECES, family_of
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.items import Item
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.apis.responses.repairs.events import EMPTY_MESSAGE, made, part_added
from streamlab.apis.responses.repairs.foreign import says
from streamlab.apis.responses.repairs.items import ItemsOut
from streamlab.rules.repair import Draft, Origin, RepairState
from streamlab.wire.payload import JsonObject

_F = ResponseFact


class OpenedHere:
    """Items and parts of which the start is ours, and what nobody needs beside it; ``items`` are those items."""

    def __init__(self, reader: ResponsesReader, state: RepairState, out: ItemsOut) -> None:
        self._reader = reader
        self.state = state
        self._out = out
        self.items: list[Item] = []
        self._parts: set[tuple[int, tuple[str, int] | None]] = set()

    def is_ours(self, facts: int, item: Item) -> bool:
        """Whether an event opens what was opened here already."""
        if facts & _F.ITEM_ADDED:
            return item in self.items
        part = facts & _F.PART and self._reader.kind.endswith(".added") and item.open
        return bool(part) and (item.number, self._reader.output.place) in self._parts

    def repeats(self, draft: Draft, facts: int, item: Item) -> bool:
        """Whether an event opens what was opened here already, or a part that is open, and says no more than that."""
        ours = self.is_ours(facts, item) or self._reader.output.again is item
        more = ours and (says(draft.json) or bool(draft.json.get("usage")))
        if more:
            self.state.account.cannot("responses-lifecycle-order", "there is more in it than a start")
        return ours and not more

    def was_told(self, draft: Draft, item: Item) -> bool:
        """Whether an event is a delta of a text that was told whole before, and says no more than that."""
        told = item.was_told(self._reader.kind, self._reader.output.place)
        more = told and (says({**draft.json, "delta": None}) or bool(draft.json.get("usage")))
        if more:
            self.state.account.cannot("responses-lifecycle-order", "there is more in it than a delta")
        return told and not more

    def sets_aside(self, draft: Draft, facts: int, item: Item) -> bool:
        """Whether an event adds nothing that anybody knows at the index of an item of ours; it gets one of its own."""
        nothing = facts & _F.ITEM_ADDED and type(draft.json.get("item")) is not dict and self.is_ours(facts, item)
        if nothing:
            self._out.aside(draft)
        return bool(nothing)

    def before(self, draft: Draft, facts: int, item: Item) -> Iterator[Draft]:
        """An item or a part that was never added."""
        rule = "responses-lifecycle-order"
        family = family_of(self._reader.kind)[0]
        part = self._reader.output.place if item.open and item.may_have(family) else None
        part = part if facts & _F.UNPARTED and family in PIECES else None
        placed = part is None or self._out.keeps(item, *part)
        if not placed:
            self.state.account.cannot(rule, "which part of its item it is about, is not on the wire")
        if facts & _F.UNADDED:
            if not self.state.unsafe or item.number not in self._reader.output.addable or not placed:
                self.state.account.cannot(rule, "what was never added is not on the wire")
                return
            item.opened = True
            self._reader.output.assumed.add(item.number)
            slot = self._out.slot(item)
            more: JsonObject = {"summary": []} if item.kind == "reasoning" else EMPTY_MESSAGE
            start: JsonObject = {"id": slot.id, "type": item.kind, **more}
            item.added = start
            self.items.append(item)
            yield made({"type": ITEM_ADDED, "output_index": slot.index, "item": start}, draft, rule, Origin.INVENTED)
        if part is not None and placed:
            slot, (member, number) = self._out.slot(item), part
            if slot.id:
                place: JsonObject = {"item_id": slot.id, "output_index": slot.index}
                place[member] = self._out.counted(item, member, number)
                self._parts.add((item.number, part))
                item.parts[part] = True  # from here on it is read as it goes out
                yield made(part_added(family, place), draft, rule)
