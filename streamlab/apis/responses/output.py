"""The output items of a response while it is read: which one an event is about, and what is odd about its place."""

from __future__ import annotations

from typing import Any

from streamlab.apis.responses.expectations import (
    IN_DELTAS,
    ITEM_EVENTS,
    PART_PIECES,
    PARTS,
    PIECE_PART,
    PIECES,
    input_in,
    text_of,
    told_within,
)
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.guesses import may_be_added
from streamlab.apis.responses.item_index import ItemIndex, state_of
from streamlab.apis.responses.items import MOST_PARTS, Item, Piece, held_pieces, input_text
from streamlab.rules.base import quote
from streamlab.wire.payload import JsonObject, encode_json
from streamlab.wire.reading import as_object

_F = ResponseFact
_NO_PART_INDEX = {"content_index": _F.NO_CONTENT_INDEX, "summary_index": _F.NO_SUMMARY_INDEX}


class Output(ItemIndex):
    """Opens, fills and closes the items."""

    # -- added and done ----------------------------------------------------------------------------------------------

    def open(self, value: JsonObject, kind: str) -> Item | None:
        """An item is added; None where it was before."""
        start = as_object(value.get("item"))
        index = self._index(value, kind)
        item_id = text_of(start.get("id"))
        known = self.by_index.get(index) if index is not None else self.by_id.get(item_id)
        early = self._early(start, item_id, known)
        if early is not None:
            return self._opened_late(early, start, early.index if index is None else index, known)
        if known is not None and not known.opened and not (known.resumed and self.resumed):
            known = None  # what came of it before was told of then
        if known is not None and (known.same(start) or self.came.get((known.number, kind)) == digest(start)):
            self.again = known
            self._say(_F.AGAIN, "item", f"output item {quote(known.index)} is added a second time", None, item_id)
            return None
        if known is not None and index is not None:
            said = f"output_index {quote(index)} is that of item {quote(known.id)} already"
            self._say(_F.INDEX_REUSED, "output_index", said, len(self.items), index)
        wanted = max((one.index for one in self.items), default=-1) + 1
        if known is None and index is not None and index != wanted and not self.resumed:
            said = f"output_index is {quote(index)} where {wanted} comes next"
            self._say(_F.INDEX_GAP, "output_index", said, wanted, index)
        self._same_ids(start, item_id)
        item = self._new(wanted if index is None else index, start)
        self.came[item.number, kind] = digest(start)
        if item.kind not in ITEM_EVENTS:
            self._say(_F.ITEM_TYPE, "item.type", f"an item of type {quote(start.get('type'))}", None, start.get("type"))
        given = input_in(start, item.kind)
        if type(given) is str and given:
            item.piece((f"response.{_INPUTS[item.kind]}", 0)).given = given
        return item

    def _early(self, start: JsonObject, item_id: str, placed: Item | None) -> Item | None:
        """The item that is added only now, although something came of it before: under its id, or its index."""
        kind = text_of(start.get("type"))
        if placed is not None and self._waits(placed):
            ours = placed.number in self.assumed
            if placed.id == item_id or (ours and kind in ("", placed.kind) and not (item_id and placed.id)):
                return placed
        named = self.by_id.get(item_id) if item_id else None
        same = named is not None and (not kind or named.kind in ("", kind))
        return named if named is not None and same and self._waits(named) else None

    def _waits(self, item: Item) -> bool:
        """Whether an item was never added, although something came of it."""
        return (not item.opened or item.number in self.assumed) and not (item.resumed and self.resumed)

    def _opened_late(self, item: Item, start: JsonObject, index: int, placed: Item | None) -> Item:
        """An item is added of which something came before, which was told of then."""
        if item.index != index:
            if placed is not None and placed is not item and placed.opened:
                said = f"output_index {quote(index)} is that of item {quote(placed.id)} already"
                self._say(_F.INDEX_REUSED, "output_index", said, len(self.items), index)
            said = f"item {quote(item.id)} moves from output_index {quote(item.index)} to {quote(index)}"
            self._say(_F.IDS, "output_index", said, item.index, index)
            if self.by_index.get(item.index) is item:
                del self.by_index[item.index]
            item.index = index
        self.by_index[index] = item
        if item.number in self.assumed:
            self.assumed.remove(item.number)
            item.added = start if text_of(start.get("type")) else item.added
        else:
            item.added, item.kind = start, text_of(start.get("type"))
            self.items.remove(item)
            self.items.append(item)
        item.opened, item.resumed = True, self.resumed
        return item

    def _same_ids(self, start: JsonObject, item_id: str) -> None:
        twin = self.by_id.get(item_id) if item_id else None
        if twin is not None and twin.opened:
            said = f"two output items have the id {quote(item_id)}"
            self._say(_F.ITEM_TWICE, "item.id", said, None, item_id)

    def _call(self, item: Item, found: JsonObject) -> None:
        """A call's call_id, which no other call may have."""
        call_id = text_of(found.get("call_id")) or text_of(item.added.get("call_id"))
        if not item.is_call or not call_id:
            return
        twin = self.calls.setdefault(call_id, item)
        if twin is not item:
            self._say(_F.CALL_TWICE, "item.call_id", f"two calls have the call_id {quote(call_id)}", None, call_id)

    def close(self, value: JsonObject, kind: str, at: int) -> Item | None:
        """An item is done; None where it was before."""
        found = as_object(value.get("item"))
        item_id, index = text_of(found.get("id")), self._index(value, kind)
        item = self._which_ends(value, kind, found, index)
        if item is None:
            item = self._unopened(index, item_id, kind, "")
            item.kind = text_of(found.get("type"))
        elif item.done is not None:
            itself = item.is_itself(found)
            same = (itself and item.says_the_same(found)) or self.came.get((item.number, kind)) == digest(found)
            if itself and not same:
                item.done = found  # as it was told last
            self.again = item
            said = f"output item {quote(item.index)} is done a second time"
            self._say(_F.AGAIN if same else _F.ORDER, "item", said, None, item_id)
            return None
        self._overlap(item)
        self._changed(item, value.get("item"))
        self.came[item.number, kind] = digest(found)
        if not item.kind:
            item.kind = text_of(found.get("type"))
        item.done, item.open, item.closed_at = found, False, at
        if not item.id and item_id:  # told at last
            item.id = item_id
            self.by_id.setdefault(item_id, item)
        self._call(item, found)
        if not item.resumed:
            self._compare(item, found)
        return item

    def _which_ends(self, value: JsonObject, kind: str, found: JsonObject, index: int | None) -> Item | None:
        """The item that is done, by its ids and index; None where it is none of those that came."""
        item_id, before = text_of(found.get("id")), self._done_before(found)
        placed = self.by_index.get(index) if index is not None else None
        typeless = type(value.get("item")) is dict and not found.get("type")
        other = placed is not None and bool(placed.kind) and not typeless and placed.kind != found.get("type")
        other = other and item_id not in self.by_id  # it only has the index of that one
        if before is not None:
            return before
        if placed is not None and self._is_misnamed(placed, found, item_id):
            return placed
        if other and placed is not None and not item_id:
            item = self._beside(placed, kind=text_of(found.get("type"))) if found.get("type") else None
        elif other and placed is not None:
            item = self._told_beside(placed, found, item_id)
        else:
            item = self._look_up(item_id, index, "item.id", value, kind)
        item = item or self._by_call_id(found, item_id)
        return self._by_text(found, item_id) if item is None and index is None else item

    def _changed(self, item: Item, found: Any) -> None:
        if not item.opened or type(found) is not dict:
            return
        members = ("type", "name", "call_id") if item.is_call else ("type",)
        for member in members:
            was, now = item.added.get(member), found.get(member)
            if (was or None) != (now or None):
                said = f"{member} of output item {quote(item.index)} is {quote(now)}, it was added with {quote(was)}"
                self._say(_F.CHANGED, f"item.{member}", said, was, now)

    def _compare(self, item: Item, found: JsonObject) -> None:
        """What the finished item holds against what its deltas came to."""
        for key, path, whole in held_pieces(found):
            piece = item.nth(key)
            whole = input_text(whole, piece) if key[0] in _INPUT_FAMILIES else whole
            if type(whole) is not str:
                continue
            if piece is None or not piece.deltas:
                untold = piece is None or not (piece.done or piece.given or piece.doubtful)
                if whole and untold and key[0] in IN_DELTAS and item.opened:
                    self._no_deltas(key[0], f"item.{path}", whole)
                elif piece is not None and piece.done and whole != piece.done and item.opened:
                    self._mismatch(f"item.{path}", "response.output_item.done", piece, whole)
            elif not piece.doubtful:
                piece.agrees = str(piece.text) == whole
                if not piece.agrees:
                    self._mismatch(f"item.{path}", "response.output_item.done", piece, whole)
        if (lost := item.lost_by(found)) is not None:
            came = "its deltas came to" if lost.deltas else "its own end held"
            said = f"response.output_item.done has no part for a text, {came} {quote(lost.whole)}"
            self._say(_F.MISMATCH, "item.content", said, lost.whole, "")
        own = ((family, piece) for (family, _), piece in item.pieces.items() if item.may_have(family))
        unfinished = [family for family, piece in own if piece.deltas and piece.done is None]
        unfinished += [member for (member, _), is_open in item.parts.items() if is_open]
        if unfinished and item.opened and item.kind != "reasoning" and found.get("status") != "incomplete":
            said = f"output item {quote(item.index)} is done, {unfinished[0]} in it never was"
            self._say(_F.INNER_DONE, "type", said)

    def _no_deltas(self, family: str, path: str, whole: str) -> None:
        said = f"{family} came whole, without a delta: {quote(whole)}"
        self._say(_F.NO_DELTAS, path, said, "at least one delta", whole)

    def _mismatch(self, path: str, kind: str, piece: Piece, whole: str) -> None:
        came, before = (str(piece.text), "deltas") if piece.deltas else (piece.done or "", "own end")
        said = f"{kind} holds {quote(whole)}, its {before} came to {quote(came)}"
        if max(len(whole), len(came)) > 200:
            said = f"{kind} holds {len(whole)} characters that are not the {len(came)} of its {before}"
        self._say(_F.MISMATCH, path, said, came, whole)

    # -- parts and pieces --------------------------------------------------------------------------------------------

    def part(self, value: JsonObject, kind: str, family: str, step: str, item: Item) -> None:
        """A part is opened or closed."""
        member = PARTS[family]
        number = self._number(value, kind, member, item, opens=step == "added")
        number = number if step == "added" else self._meant(kind, member, number, item)
        self.place = (member, number)
        key, part = (member, number), as_object(value.get("part"))
        was, known = item.parts.get(key), key in item.parts
        piece_family = PART_PIECES.get(text_of(part.get("type")), "")
        if step == "added":
            same = self.came.setdefault((item.number, f"{kind} {number}"), digest(part)) == digest(part)
            if was and same:
                self.again = item
            self._open_part(kind, key, item, known=known)
            given = text_of(part.get(PIECES.get(piece_family, "text")))
            if given and piece_family:
                item.piece((piece_family, number)).given = given
            return
        item.parts[key] = None if was is None else False
        if was is not True and not item.resumed:
            self._say(_F.ORDER, member, f"{kind} comes before its part was added")
        piece = item.pieces.get((piece_family, number))
        whole = part.get(PIECES.get(piece_family, "text"))
        if piece is None or piece.doubtful or item.resumed or type(whole) is not str:
            return
        came = str(piece.text) if piece.deltas else piece.done or None
        if came is not None and piece.done in (None, came) and whole != came:
            self._mismatch(f"part.{PIECES[piece_family]}", kind, piece, whole)

    def _open_part(self, kind: str, key: tuple[str, int], item: Item, *, known: bool) -> None:
        member, number = key
        self._parts += 1
        item.parts[key] = True
        if known:
            self._say(_F.ORDER, member, f"{kind} comes a second time for part {quote(number)}")
            return
        wanted = item.parts.before(member, number) if len(item.parts) < MOST_PARTS else number
        if number != wanted and not item.resumed:
            said = f"{member} of {kind} is {quote(number)} where {wanted} comes next"
            self._say(_F.PART_INDEX, member, said, wanted, number)
            item.parts.misnumbered.setdefault((member, wanted), number)

    def _number(self, value: JsonObject, kind: str, member: str, item: Item, *, opens: bool = False) -> int:
        number = value.get(member)
        if type(number) is int:
            return number
        self._say(_NO_PART_INDEX[member], member, f"{member} of {kind} {state_of(value, member)}")
        numbers = [count for one, count in item.parts if one == member]
        return len(numbers) if opens else numbers[-1] if numbers else 0

    def _meant(self, kind: str, member: str, number: int, item: Item) -> int:
        """The part that an event is about: the one that is open, where nobody opened the one it has the number of."""
        meant = item.parts.meant(member, number)
        due = item.parts.due(member) if (member, meant) not in item.parts and not item.resumed else None
        if due is None:
            return meant
        self._say(_F.PART_INDEX, member, f"{member} of {kind} is {quote(number)}, the open part is {due}", due, number)
        return due

    def piece(self, value: JsonObject, kind: str, family: str, step: str, item: Item) -> Piece | None:
        """A delta of a text or of arguments, or the whole of it; the piece where it takes more deltas."""
        member = PIECE_PART.get(family)
        number = self._number(value, kind, member, item) if member is not None else 0
        number = self._meant(kind, member, number, item) if member is not None else 0
        self.place = (member, number) if member is not None else None
        if member is not None and (member, number) not in item.parts:
            item.parts[member, number] = None  # said once
            self._parts += 1
            if not item.resumed:
                self._say(_F.UNPARTED, member, f"{kind} comes before its part was added")
        unadded = step == "delta" and any(one.fact == _F.UNADDED for one in self._odd)
        if unadded and may_be_added(value, family, item, self):
            self.addable.add(item.number)
        piece = item.piece((family, number))
        if piece.done is not None:
            self._say(_F.ORDER, "type", f"{kind} comes after {family}.done")
            return None
        if step == "delta":
            delta = value.get("delta")
            if type(delta) is str:
                piece.text.add(delta)
                piece.deltas += 1
                return piece
            told = told_within(delta)
            if told is not None:
                piece.text.add(told)
            known = delta is None or told is not None
            piece.doubtful = piece.doubtful or not known
            piece.deltas += known
            if delta is None and piece.lost_at is None:
                piece.lost_at = len(str(piece.text))
            self._say(_F.DELTA_TYPE, "delta", f"delta of {kind} is {quote(delta)}, no text", "a string", delta)
            return None
        self._whole(value.get(PIECES[family]), kind, family, item, piece)
        return None

    def _whole(self, whole: Any, kind: str, family: str, item: Item, piece: Piece) -> None:
        whole = input_text(whole, piece)
        piece.done = text_of(whole)
        if type(whole) is not str or piece.doubtful or item.resumed:
            return
        member = PIECES[family]
        if not piece.deltas:
            if whole and family in IN_DELTAS and not piece.given and item.opened and item.may_have(family):
                self._no_deltas(family, member, whole)
        elif whole != str(piece.text):
            self._mismatch(member, kind, piece, whole)


def digest(item: JsonObject) -> int:
    """What an item came with, by which one that comes again is known: a repair changes the item itself."""
    return hash(encode_json(item))


_INPUTS = {"function_call": "function_call_arguments", "custom_tool_call": "custom_tool_call_input"}
#: What an item holds of these may have come as an object.
_INPUT_FAMILIES = frozenset(f"response.{name}" for name in _INPUTS.values())
