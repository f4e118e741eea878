"""The end of items that nobody told, once the response ends."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from streamlab.apis.responses.expectations import (
    CALL_INPUT,
    COMPLETED,
    IN_DELTAS,
    ITEM_DONE,
    ITEM_EVENTS,
    UNCLOSED,
    text_of,
)
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.final import pairs
from streamlab.apis.responses.fold import can_run, item_json
from streamlab.apis.responses.items import Item, held_pieces
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.apis.responses.repairs.events import inner_events, is_open, made
from streamlab.apis.responses.repairs.items import ItemsOut
from streamlab.apis.responses.repairs.turns import Turns
from streamlab.rules.repair import Draft, RepairState
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object

_RULE = "responses-item-done-missing"


class Undone:
    """Ends items that were never done: as the finished response has them, or as their texts were told. ``ours`` are
    those of which the start was made here: they end in any case. One that was never added ends where the finished
    response names it: Codex takes an answer from such ends alone."""

    def __init__(
        self, reader: ResponsesReader, state: RepairState, items: ItemsOut, ours: list[Item], turns: Turns
    ) -> None:
        self._reader = reader
        self.state = state
        self._items = items
        self._ours = ours
        self._turns = turns

    def of(self, draft: Draft, listed: list[Any], items: list[Item]) -> Iterator[Draft]:
        """The events that end these items, before the one that ends the response, which lists ``listed``."""
        self._type_ours(draft, listed)
        paired = pairs(listed, self._reader.items, self._reader.output.assumed).paired
        found = {item.number: listed_item for _, listed_item, item in paired}
        for item in items:
            whole = found.get(item.number)
            begun = item.opened or (whole is not None and not item.resumed)
            if item.open and begun and item.kind not in UNCLOSED:
                yield from self._end(draft, item, whole)
        self._list_ours(draft, listed, found)

    def _end(self, draft: Draft, item: Item, whole: JsonObject | None) -> Iterator[Draft]:
        ours = item in self._ours
        if (whole is None or (ours and not item.agrees_with(whole))) and (
            ours or (item.own_pieces and all(piece.told for piece in item.own_pieces))
        ):
            ended = "completed" if self._reader.terminal == COMPLETED else "incomplete"
            whole = {**item_json(item), "status": ended}
        strange = item.kind not in ITEM_EVENTS or _half_told(item, whole)
        if whole is None or strange or self._items.is_another(item, whole) or not can_run(whole):
            self.state.account.cannot(_RULE, "what the item holds is not on the wire")
            return
        slot = self._items.slot(item)
        if not slot.id and any(one is not item and one.id == whole.get("id") for one in self._reader.items):
            self.state.account.cannot(_RULE, "the id that it has in the end is another item's")
            return
        whole = deepcopy({**whole, "id": slot.id} if slot.id else whole)
        value: JsonObject = {"type": ITEM_DONE, "output_index": slot.index, "item": whole}
        one = made(value, draft, _RULE)
        self._items.members(one, ResponseFact.ITEM_DONE, item)
        untold = all(not piece.deltas and piece.done is None for piece in item.own_pieces)
        parts = {(member, self._items.counted(item, member, at)): open_ for (member, at), open_ in item.parts.items()}
        last = self._reader.output.last
        among = last is not None and last is not item and not last.opened and last.is_call and item.is_call
        if untold and (not among or self._turns.places(item)) and item.kind in ("message", *CALL_INPUT):
            for inner in inner_events(whole, slot.index) if item.given_whole or not item.own_pieces else ():
                if not (is_open({*parts}, inner) or _is_over(parts, inner)):
                    yield made(inner, draft, _RULE)
        item.done, item.open = whole, False
        yield one

    def _type_ours(self, draft: Draft, listed: list[Any]) -> None:
        """Give a listed item without a type that of the one of this id of which the start is ours."""
        ours = {item.id: item for item in self._ours if item.id}
        for place, one in enumerate(map(as_object, listed)):
            item = ours.get(text_of(one.get("id")))
            if item is not None and not one.get("type") and item.agrees_with({**one, "type": item.kind}):
                draft.put("responses-item-changed", one, "type", item.kind, f"response.output[{place}].")

    def _list_ours(self, draft: Draft, listed: list[Any], found: dict[int, JsonObject]) -> None:
        """List items of which the start is ours in the finished response, and in the order in which they went out;
        where it lists nothing that was streamed, before all of that."""
        done = (item for item in self._ours if item.done and not item.changed_kind)  # else the guess was wrong
        late = {item.number: item.done for item in done if item.number not in found and item.done}
        strange = len(found) != len(listed)
        if not listed or not self._ours or (strange and found):
            return
        told = found | late
        output = [told[item.number] for item in self._reader.items if item.number in told]
        output += listed if strange else []
        if output != listed:
            draft.put("responses-lifecycle-order", as_object(draft.json.get("response")), "output", output, "response.")


def _is_over(parts: dict[tuple[str, int], bool | None], event: JsonObject) -> bool:
    """Whether an event is about a part that was done: nothing comes behind that."""
    return any(not open_ and event.get(member) == number for (member, number), open_ in parts.items())


def _half_told(item: Item, whole: JsonObject | None) -> bool:
    """Whether events of an item came, and none of a text that it holds when it is finished."""
    texts = [item.nth(key) for key, _path, value in held_pieces(whole or {}) if value and key[0] in IN_DELTAS]
    emptied = item.given_whole  # what it was added with is a delta's by now
    untold = any(not (one and (one.deltas or one.done or (one.given and not emptied))) for one in texts)
    closed = item.kind == "message" and not all(item.parts.values())
    return untold and (closed or any(piece.deltas or piece.done is not None for piece in item.own_pieces))
