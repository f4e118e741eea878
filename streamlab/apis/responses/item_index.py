"""The output items of a response by their ids and indexes: which one an event is about, and what is odd about that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from streamlab.apis.responses.expectations import (
    FAMILY_ITEMS,
    UNCLOSED,
    WITHOUT_ITEM_ID,
    family_of,
    text_of,
)
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.items import Item, Parts, Piece
from streamlab.rules.base import quote
from streamlab.wire.payload import JsonObject

_F = ResponseFact
#: Items, and parts of items, that are told apart; a response with more is not judged any further.
MOST_ITEMS: Final = 10_000
_MOST_PARTS: Final = 20_000
#: What nobody sees: white space, and characters without a width.
_UNSEEN = " \t\r\n\u200b\u200c\u200d\u2060\ufeff"
#: Items among which a call is looked for by its call_id.
MOST_OPEN: Final = 64


class ItemIndex:
    """The items so far, by their ids and indexes. What is odd about the event being read goes to ``odd``."""

    def __init__(self, odd: list[Odd]) -> None:
        self.items: list[Item] = []  # as they were opened; one that something came of before, as that came
        self.by_id: dict[str, Item] = {}
        self.by_index: dict[int, Item] = {}
        self.calls: dict[str, Item] = {}  # by call_id
        self.resumed = False  # what was opened in an earlier stream is not known
        self.strangers = 0  # events that named an id nobody has
        self.place: tuple[str, int] | None = None  # the part that the event being read is about
        self._odd = odd
        self._parts = 0
        self.again: Item | None = None  # whose start or end the event being read repeats, or the start of an open part
        self.came: dict[tuple[int, str], int] = {}  # number of an item and type -> digest of what came
        self.assumed: set[int] = set()  # items that a repair opened: their own start may still come
        self.addable: set[int] = set()  # items that never were added, and may be before what came of them: a guess

    @property
    def last(self) -> Item | None:
        """The item opened last."""
        return self.items[-1] if self.items else None

    @property
    def lost(self) -> bool:
        """Whether there are more items or parts than are told apart."""
        return len(self.items) >= MOST_ITEMS or self._parts >= _MOST_PARTS

    def _say(self, fact: int, path: str | None, said: str, expected: Any = None, actual: Any = None) -> None:
        self._odd.append(Odd(fact, path, said, expected, actual))

    def restore(self, item: Item, is_open: bool, done: JsonObject | None, pieces: Iterable[Any]) -> None:
        """Add an item of another reader as it was at some moment."""
        past = self._new(item.index, item.added, opened=item.opened)
        past.kind, past.open, past.done, past.parts = item.kind, is_open, done, Parts(item.parts.items())
        for key, length, whole in pieces:
            now, then = item.pieces[key], past.piece(key)
            then.text.add(str(now.text)[:length])
            then.deltas, then.done, then.given = now.deltas if length else 0, whole, now.given

    def forget(self, item: Item) -> None:
        """The item opened last was none: the event that it is known by does not go out."""
        self.items.remove(item)
        self.by_id.pop(item.id, None)
        if self.by_index.get(item.index) is item:
            del self.by_index[item.index]
            before = (one for one in reversed(self.items) if one.index == item.index)
            self.by_index.update((one.index, one) for one in islice(before, 1))

    # -- which item --------------------------------------------------------------------------------------------------

    def find(self, value: JsonObject, kind: str, family: str) -> Item | None:
        """The item that an event inside one is about, made where there is none; None for a heartbeat."""
        item_id, index = value.get("item_id"), self._index(value, kind)
        if type(item_id) is not str or not item_id:
            if family not in WITHOUT_ITEM_ID:
                self._say(_F.NO_ITEM_ID, "item_id", f"item_id of {kind} {state_of(value, 'item_id')}")
            item_id = ""
        item = self._look_up(item_id, index, "item_id", value, kind)
        if item is None and self._is_heartbeat(value, kind, item_id):
            return None
        if item is None:
            item = self._unopened(index, item_id, kind, family)
        if not item.open:
            self._say(_F.ORDER, "output_index", f"{kind} comes after output item {quote(item.index)} was done")
        self._overlap(item)
        if not item.may_have(family):
            self._say(_F.ORDER, "type", f"{kind} is about an item of type {quote(item.kind)}")
        return item

    def _index(self, value: JsonObject, kind: str) -> int | None:
        index = value.get("output_index")
        if type(index) is int:
            return index
        self._say(_F.NO_INDEX, "output_index", f"output_index of {kind} {state_of(value, 'output_index')}")
        return None

    def _look_up(self, item_id: str, index: int | None, path: str, value: JsonObject, kind: str) -> Item | None:
        known = self.by_id.get(item_id) if item_id else None
        placed = self.by_index.get(index) if index is not None else None
        if known is not None:
            if index is None or known.index == index:
                return known
            if placed is not None and placed.id == item_id:
                return placed
            said = f"item {quote(item_id)} moves from output_index {quote(known.index)} to {quote(index)}"
            self._say(_F.IDS, "output_index", said, known.index, index)
            return known
        if placed is not None and not placed.may_have(family_of(kind)[0]):
            other = self._beside(placed, family=family_of(kind)[0])
            placed = other if other is not None or (item_id and placed.id) else placed
        if placed is None:
            return self._unplaced(item_id) if index is None else None
        if item_id and placed.id:
            if not self.strangers and self._is_heartbeat(value, kind, item_id):
                return None
            self.strangers += 1
            placed.strangers += 1
            self._say_renamed(placed, index, item_id, path)
        return placed

    def _say_renamed(self, item: Item, index: Any, item_id: str, path: str = "item.id") -> None:
        """That an item at ``index`` has another id in the event at hand."""
        said = f"the id of output item {quote(index)} changes from {quote(item.id)} to {quote(item_id)}"
        self._say(_F.IDS, path, said, item.id, item_id)

    def _beside(self, item: Item, *, family: str = "", kind: str = "") -> Item | None:
        """Of several open items under one index the last one of a type, or that an event of a family can be about."""
        beside = [*self.open_at(item.index), *self._unadded_at(item.index)]
        return next((one for one in beside if (one.kind == kind if kind else one.may_have(family))), None)

    def _is_misnamed(self, placed: Item, found: JsonObject, item_id: str) -> bool:
        """Whether an item is done at its index by the id of another one, of another type."""
        named, kind = self.by_id.get(item_id), found.get("type")
        fits = placed.open and placed.opened and placed.kind == kind
        if not fits or named is None or named is placed or named.kind in ("", kind):
            return False
        self._say_renamed(placed, placed.index, item_id)
        return True

    def _told_beside(self, placed: Item, found: JsonObject, item_id: str) -> Item | None:
        """The item that was never added and is done under an id of nobody's and the index of another one, as its deltas
        tell."""
        kind = text_of(found.get("type"))
        beside = (one for one in self._unadded_at(placed.index) if one.kind == kind)
        item = next((one for one in beside if any(map(_came_whole, one.own_pieces)) and one.agrees_with(found)), None)
        if item is not None and item.id:
            self._say_renamed(item, item.index, item_id)
        return item

    def _unadded_at(self, index: int) -> Iterator[Item]:
        """The items of a known type under an index that were never added, the last one first."""
        return (one for one in reversed(self.items[-MOST_OPEN:]) if one.index == index and one.headless and one.kind)

    def open_at(self, index: int) -> Iterator[Item]:
        """The open items under an index, the last one first."""
        return (one for one in reversed(self.items[-MOST_OPEN:]) if one.index == index and one.open and one.opened)

    def _done_before(self, found: JsonObject) -> Item | None:
        """The call that is done once more under an id that a later one has, too; its call_id tells."""
        first, item_id = self.calls.get(text_of(found.get("call_id"))), text_of(found.get("id"))
        shared = first is not None and first.id == item_id and self.by_id.get(item_id) is not first
        return first if first is not None and shared and first.says_the_same(found) else None

    def _open_of(self, kind: object) -> list[Item]:
        """The open items of a type."""
        return [one for one in self.items[-MOST_OPEN:] if one.open and one.opened and one.kind == kind]

    def _by_call_id(self, found: JsonObject, item_id: str) -> Item | None:
        """The open call that is done under an id and an index that are nobody's; its call_id tells, where no other open
        one has it."""
        call_id = text_of(found.get("call_id"))
        fits = [one for one in self._open_of(found.get("type")) if one.call_id == call_id] if call_id else []
        if len(fits) != 1:
            return None
        self._say_renamed(fits[0], fits[0].index, item_id)
        return fits[0]

    def _by_text(self, found: JsonObject, item_id: str) -> Item | None:
        """The one open item of its type that is done without an index and under an id of nobody's, as its deltas
        tell."""
        kind = found.get("type")
        fits = self._open_of(kind) if item_id and kind else []
        if len(fits) != 1:
            return None
        item = fits[0]
        told = any(map(_came_whole, item.own_pieces)) and item.agrees_with(found)
        if not item.id or not told or item.is_other_call(found):
            return None
        self._say_renamed(item, item.index, item_id)
        return item

    def _unplaced(self, item_id: str) -> Item | None:
        """The item of an event without an index: the last one, unless the event names another."""
        last = self.last
        nameless = last is not None and last.opened and last.open and not last.id
        return last if not item_id or nameless else None

    def _is_heartbeat(self, value: JsonObject, kind: str, item_id: str) -> bool:
        """Whether this is a keep-alive that a gateway dressed as text: its id is nobody's, nothing in it is seen."""
        delta = value.get("delta")
        if kind != "response.output_text.delta" or not item_id or type(delta) is not str:
            return False
        if delta.strip(_UNSEEN) or not (self.items or delta.strip()):
            return False  # white space may be the beginning of an answer that was never opened
        said = f"a text delta of {quote(delta)} names an item {quote(item_id)} that nobody opened"
        self._say(_F.HEARTBEAT, "delta", said, None, delta)
        return True

    def _unopened(self, index: int | None, item_id: str, kind: str, family: str) -> Item:
        """An item that something is about, and that was never added."""
        kinds = sorted(FAMILY_ITEMS.get(family, ()))
        start: JsonObject = {"type": kinds[0] if len(kinds) == 1 else "", "id": item_id}
        free = max((one.index for one in self.items), default=-1) + 1
        item = self._new(free if index is None else index, start, opened=False, guessed=index is None)
        item.resumed = self.resumed
        if not self.resumed:
            shown = quote(item_id) if index is None else quote(index)
            self._say(_F.UNADDED, "output_index", f"{kind} is about output item {shown}, which was never added")
        return item

    def _overlap(self, item: Item) -> None:
        last = self.last
        if last is item or last is None or not item.open or not item.opened:
            return
        if item.kind not in UNCLOSED and last.kind not in UNCLOSED:
            said = f"output item {quote(item.index)} goes on although {quote(last.index)} was opened"
            self._say(_F.OVERLAP, "output_index", said, last.index, item.index)

    def _new(self, index: int, start: JsonObject, *, opened: bool = True, guessed: bool = False) -> Item:
        item = Item(len(self.items), index, start, opened=opened)
        self.items.append(item)
        if opened or (not guessed and (index not in self.by_index or not self.by_index[index].opened)):
            self.by_index[index] = item
        if item.id:
            self.by_id[item.id] = item
        return item


def _came_whole(piece: Piece) -> bool:
    """Whether deltas came, and were told to be all."""
    return piece.deltas > 0 and piece.told


def state_of(value: JsonObject, member: str) -> str:
    """``is missing``, or what it is instead."""
    return f"is {quote(value[member])}" if member in value else "is missing"
