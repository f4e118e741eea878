"""Items on their way out: the index and the id under which each goes, and the members that it lacks."""

from __future__ import annotations

from itertools import islice
from typing import Any

from streamlab.apis.responses.expectations import (
    CALL_INPUT,
    ID_BEGINS,
    ITEM_ADDED,
    ITEM_DONE,
    WITH_STATUS,
    WITHOUT_ITEM_ID,
    family_of,
    text_of,
)
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.item_index import MOST_OPEN
from streamlab.apis.responses.items import MOST_PARTS, Item, input_text
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.rules.repair import Draft, Origin, RepairState
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

_F = ResponseFact
_IDS = "responses-ids-unstable"
#: Events that name an id of nobody's each, from which on ids are taken to change with each event; one may be chance.
_ROTATING = 2


class Slot:
    """An item on its way out."""

    __slots__ = ("id", "id_rule", "index", "index_rule")

    def __init__(self, index: int, item_id: str) -> None:
        self.index = index
        self.id = item_id
        self.index_rule = "responses-missing-output-index"
        self.id_rule = _IDS


class ItemsOut:
    """Gives each event of an item the index and id of that item, and items what they lack."""

    def __init__(self, reader: ResponsesReader, state: RepairState) -> None:
        self.reader = reader
        self.state = state
        self._slots: dict[int, Slot] = {}
        self._taken: set[int] = set()
        self._ids: set[str] = set()
        self._nobodys = 0  # events without an index that named an item which may be another one's
        #: Of an item and a member: number of a part -> that it goes out by.
        self._parts: dict[tuple[int, str], dict[int, int]] = {}

    def slot(self, item: Item) -> Slot:
        """Where an item goes."""
        found = self._slots.get(item.number)
        if found is None:
            index = item.index
            following = max((one.index for one in self._slots.values()), default=-1) + 1
            found = self._slots[item.number] = Slot(index, item.id)
            was_moved_to = index in self._taken and (self._was_moved_to(index) or self._is_ours(index))
            if item.opened and not item.resumed and (item.kind or was_moved_to):
                if index in self._taken:
                    found.index, found.index_rule = self._next_free(), "responses-output-index-reused"
                elif index > following:
                    found.index, found.index_rule = following, "responses-output-index-gap"
            if not item.opened:
                if index in self._taken and (item.id or was_moved_to):
                    found.index, found.index_rule = self._next_free(), "responses-output-index-gap"
                    self._taken.add(found.index)
                return found
            self._taken.add(found.index)
            if item.id in self._ids:
                found.id, found.id_rule = self._free(item.id, item.number), "responses-item-id-duplicate"
            elif not item.id and item.kind:  # what is no item may be named later
                begin = ID_BEGINS.get(item.kind, "item")
                found.id, found.id_rule = self._free(begin, item.number), "responses-missing-item-id"
            if found.id:
                self._ids.add(found.id)
        return found

    def _next_free(self) -> int:
        """The next index that nothing goes out under."""
        used, index = {slot.index for slot in self._slots.values()}, max(self._taken) + 1
        while index in used:
            index += 1
        return index

    def aside(self, draft: Draft) -> None:
        """The index of an event that adds something of which nothing is known: one that no item has."""
        index = self._next_free()
        self._taken.add(index)
        draft.put("responses-lifecycle-order", draft.json, "output_index", index, "")

    def _was_moved_to(self, index: int) -> bool:
        """Whether the item that goes out under an index came under another one."""
        slots = ((self._slots.get(one.number), one.index) for one in self.reader.items)
        return any(slot is not None and slot.index == index != came for slot, came in slots)

    def _is_ours(self, index: int) -> bool:
        """Whether the item that goes out under an index was opened here: nobody who reads on knows of it."""
        assumed = self.reader.output.assumed
        return any(slot.index == index for number, slot in self._slots.items() if number in assumed)

    def _free(self, begin: str, number: int) -> str:
        while f"{begin}_{number}" in self._ids or f"{begin}_{number}" in self.reader.output.by_id:
            number += 1
        return f"{begin}_{number}"

    def is_another(self, item: Item, whole: JsonObject) -> bool:
        """Whether a finished item is none, or another one than this: by its deltas or, of a call, by its call_id."""
        call_id = text_of(whole.get("call_id"))
        taken = any(one is not item and one.call_id == call_id for one in self.reader.items)
        other_call = item.is_other_call(whole) or (item.is_call and (taken if call_id else not item.call_id))
        name, was = text_of(whole.get("name")), text_of(item.added.get("name"))
        other_call = other_call or (item.is_call and bool(name and was) and name != was)
        unnamed = item.call_went and not (was and text_of(item.added.get("call_id")))  # neither may come with the end
        return not whole.get("type") or not item.agrees_with(whole) or other_call or unnamed

    @property
    def moved(self) -> bool:
        """Whether an item goes out under another index or id than it came, or a part of one under another number."""
        slots = ((self._slots.get(item.number), item) for item in self.reader.items)
        if any(slot is not None and (slot.index, slot.id) != (item.index, item.id) for slot, item in slots):
            return True
        parts = ((item, part) for item in self.reader.items for part in islice(item.parts, MOST_PARTS))
        return any(self.counted(item, *part) != part[1] for item, part in parts)

    def complete(self, draft: Draft, found: JsonObject, index: int) -> None:
        """What an item lacks that stands in the finished response alone, before its events are written."""
        self.listed(draft, found, f"response.output[{index}].")
        if not text_of(found.get("id")):
            made = self._free(ID_BEGINS.get(text_of(found.get("type")), "item"), index)
            self._ids.add(made)
            draft.put("responses-missing-item-id", found, "id", made, f"response.output[{index}].")

    def place(self, draft: Draft, item: Item) -> None:
        """Index and id of an event that is about an item."""
        if self._may_be_anothers(draft.json, item):
            self.state.account.cannot("responses-missing-output-index", "which item it is about, is not on the wire")
            return
        slot, value = self.slot(item), draft.json
        if self.reader.kind in (ITEM_ADDED, ITEM_DONE) and type(value.get("item")) is not dict:
            if self.reader.kind == ITEM_ADDED and self._was_moved_to(item.index):
                self.move(draft, item)  # that index is another one's by now
            return  # which item it is about is not on the wire
        self.move(draft, item)
        kind = self.reader.kind
        if kind == ITEM_ADDED:  # one of which something came before has no place of its own until now
            self._taken.add(slot.index)
        if kind in (ITEM_ADDED, ITEM_DONE):
            self.name(draft, as_object(value.get("item")), slot, "item.")
        elif slot.id and value.get("item_id") != slot.id and names_item(value, kind):
            missing = not text_of(value.get("item_id"))
            rule = "responses-missing-item-id" if missing else slot.id_rule
            draft.put(rule, value, "item_id", slot.id, "")
        self._part(draft, item)

    def _may_be_anothers(self, value: JsonObject, item: Item) -> bool:
        """Whether an event without an index names an item that was never added while one is open that it may be about:
        ids that change with each event are nobody's, and after several of them no other is a new item's."""
        if item.opened or type(value.get("output_index")) is int or item.number in self._slots:
            return False
        family = family_of(self.reader.kind)[0]
        near = any(one.open and one.opened and one.may_have(family) for one in self.reader.items[-MOST_OPEN:])
        self._nobodys += near
        return near or self._nobodys >= _ROTATING

    def move(self, draft: Draft, item: Item) -> None:
        """The index of an event that is about an item."""
        slot, value = self.slot(item), draft.json
        if value.get("output_index") != slot.index or type(value.get("output_index")) is not int:
            if any(one.path == "output_index" and one.fact == _F.IDS for one in self.reader.odd):
                slot.index_rule = _IDS
            draft.put(slot.index_rule, value, "output_index", slot.index, "")
            if not item.opened and slot.index_rule == "responses-missing-output-index":  # as who reads what goes out
                self.reader.output.by_index.setdefault(slot.index, item)

    @staticmethod
    def name(draft: Draft, item: JsonObject, slot: Slot, path: str) -> None:
        """The id of an item itself."""
        if item and slot.id and item.get("id") != slot.id:
            rule = slot.id_rule if text_of(item.get("id")) else "responses-missing-item-id"
            origin = Origin.DERIVED if rule == _IDS else Origin.INVENTED
            draft.put(rule, item, "id", slot.id, path, origin)

    def _part(self, draft: Draft, item: Item) -> None:
        """The number of the part that an event is about: counted, where it is missing or wrong."""
        place = self.reader.output.place
        if place is None:
            return
        member, counted = place[0], self.counted(item, *place)
        if draft.json.get(member) == counted and type(draft.json.get(member)) is int:
            return
        kind = "content" if member == "content_index" else "summary"
        missing = type(draft.json.get(member)) is not int
        rule = f"responses-missing-{kind}-index" if missing else "responses-content-index-wrong"
        draft.put(rule, draft.json, member, counted, "")

    def counted(self, item: Item, member: str, number: int) -> int:
        """The number under which a part goes out: how many were opened before it, where that is known."""
        parts = self._parts.setdefault((item.number, member), {})
        found = parts.get(number)
        if found is None:
            known = (member, number) in islice(item.parts, MOST_PARTS) and not item.resumed
            found = parts[number] = _free(parts, item.parts.before(member, number) if known else number)
        return found

    def keeps(self, item: Item, member: str, number: int) -> bool:
        """Whether a part that nobody opened may be opened: its number is the next, or that of another one by now. Any
        other number is left as it came, since it may be right in the end."""
        parts = self._parts.setdefault((item.number, member), {})
        if item.resumed or number == item.parts.before(member, number) or _free(parts, number) != number:
            return True
        parts[number] = number
        return False

    # -- members -----------------------------------------------------------------------------------------------------

    def members(self, draft: Draft, facts: int, item: Item | None) -> None:
        """What an item or a part lacks and follows from its type."""
        value = draft.json
        if facts & (_F.ITEM_ADDED | _F.ITEM_DONE):
            found = value.get("item")
            if type(found) is dict:
                self._item(draft, found, done=bool(facts & _F.ITEM_DONE), item=item)
        elif facts & _F.PART:
            _annotations(draft, as_object(value.get("part")), "part.")
        elif facts & _F.DONE and self.reader.kind == "response.function_call_arguments.done":
            self._arguments(draft, value, "", item)

    def _item(self, draft: Draft, found: JsonObject, *, done: bool, item: Item | None) -> None:
        kind, was = text_of(found.get("type")), text_of(item.added.get("type")) if item is not None else ""
        named = item is not None and bool(text_of(found.get("id"))) and item.agrees_with({**found, "type": was})
        if done and item is not None and item.opened and not kind and was and named:
            draft.put("responses-item-changed", found, "type", was, "item.")
            kind = was
        if kind == "message":
            if not found.get("role"):
                draft.put("responses-item-role-missing", found, "role", "assistant", "item.", Origin.INVENTED)
            if type(found.get("content")) is not list and not done:
                draft.put("responses-item-content-missing", found, "content", [], "item.")
            elif not done and found["content"]:
                draft.put("responses-text-in-added", found, "content", [], "item.")
        elif kind == "reasoning" and type(found.get("summary")) is not list:
            draft.put("responses-reasoning-summary-missing", found, "summary", [], "item.")
        elif kind in CALL_INPUT:
            self._call(draft, found, done=done, item=item)
        for place, part in enumerate(as_list(found.get("content"))):
            _annotations(draft, as_object(part), f"item.content[{place}].")
        if kind in WITH_STATUS and not found.get("status"):
            status = "completed" if done else "in_progress"
            draft.put("responses-item-status-missing", found, "status", status, "item.")

    def listed(self, draft: Draft, item: JsonObject, path: str, streamed: Item | None = None) -> None:
        """What an item that the finished response lists lacks; ``streamed`` is what came of it before."""
        kind = text_of(item.get("type"))
        if kind == "message":
            if not item.get("role"):
                draft.put("responses-item-role-missing", item, "role", "assistant", path, Origin.INVENTED)
        elif kind == "reasoning" and type(item.get("summary")) is not list:
            draft.put("responses-reasoning-summary-missing", item, "summary", [], path)
        elif kind == "function_call":
            self._arguments(draft, item, path, streamed)
        for place, part in enumerate(as_list(item.get("content"))):
            _annotations(draft, as_object(part), f"{path}content[{place}].")
        if kind in WITH_STATUS and not item.get("status"):
            draft.put("responses-item-status-missing", item, "status", "completed", path)

    def _call(self, draft: Draft, found: JsonObject, *, done: bool, item: Item | None) -> None:
        if found.get("type") == "function_call" and not _given(draft, found, item, done=done):
            self._arguments(draft, found, "item.", item)
        if not done or item is None or not item.opened:
            return
        member, given = CALL_INPUT.get(item.kind, ""), next((one.given for one in item.own_pieces if one.given), "")
        told = any(one.deltas or one.done for one in item.own_pieces)
        if given and not told and item.given_whole and found.get("type") == item.kind and not found.get(member):
            draft.put("responses-arguments-in-added", found, member, given, "item.")  # it was emptied there
        for member in ("name", "call_id"):
            if not text_of(found.get(member)) and text_of(item.added.get(member)):
                draft.put("responses-item-changed", found, member, item.added[member], "item.")
        if not text_of(found.get("call_id")):
            self._unsafe_call_id(draft, found, item)

    def _arguments(self, draft: Draft, holder: JsonObject, path: str, item: Item | None) -> None:
        arguments: Any = holder.get("arguments")
        if type(arguments) in (dict, list):
            piece = item.pieces.get(_ARGUMENTS) if item is not None else None
            given = piece.given if piece is not None and item is not None and item.given_whole else ""
            told = input_text(arguments, piece) if arguments or not given else given  # an empty one says nothing
            if type(arguments) is list and piece is not None and piece.done and told != piece.done:
                self.state.account.cannot("responses-arguments-not-string", "the call was told with something else")
                return
            draft.put("responses-arguments-not-string", holder, "arguments", told, path)

    def again(self, draft: Draft, item: Item) -> None:
        """The index of an event about an item that was done before, and its id where that is another one's, too; and
        what a call that is done once more lacks, and its start has by now."""
        self.move(draft, item)
        found, slot = as_object(draft.json.get("item")) if self.reader.kind == ITEM_DONE else {}, self.slot(item)
        if slot.id_rule == "responses-item-id-duplicate" and found.get("id") == item.id:
            self.name(draft, found, slot, "item.")
        for member in ("name", "call_id") if item.is_call and item.opened and found else ():
            if not text_of(found.get(member)) and text_of(item.added.get(member)):
                draft.put("responses-item-changed", found, member, item.added[member], "item.")

    def _unsafe_call_id(self, draft: Draft, found: JsonObject, item: Item) -> None:
        rule = "responses-missing-call-id"
        if self.state.unsafe and not item.call_went:
            draft.put(rule, found, "call_id", f"call_{self.slot(item).id}", "item.", Origin.INVENTED)
            item.call_made = True
        else:
            self.state.account.cannot(rule, "the id of the call is not on the wire")


def _free(parts: dict[int, int], number: int) -> int:
    """A number by which no part goes out; of many parts it is not looked for."""
    used = parts.values() if len(parts) < MOST_PARTS else ()
    return max(used) + 1 if number in used else number


def names_item(value: JsonObject, kind: str) -> bool:
    """Whether an event names the item that it is about, or has to."""
    return "item_id" in value or family_of(kind)[0] not in WITHOUT_ITEM_ID


def _annotations(draft: Draft, part: JsonObject, path: str) -> None:
    if part.get("type") == "output_text" and type(part.get("annotations")) is not list:
        draft.put("responses-annotations-missing", part, "annotations", [], path)


def _given(draft: Draft, found: JsonObject, item: Item | None, *, done: bool) -> bool:
    """Whether a call is added with an object, whose text is then a delta's; an empty one says nothing."""
    arguments = found.get("arguments")
    if done or item is None or type(arguments) not in (dict, list):
        return False
    if arguments and type(arguments) is dict:  # a list is nothing that a tool is called with
        item.piece(_ARGUMENTS).given = input_text(arguments, None)
    draft.put("responses-arguments-not-string", found, "arguments", "", "item.")
    return True


_ARGUMENTS = ("response.function_call_arguments", 0)
