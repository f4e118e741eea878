"""What may be guessed about items that nobody added: rules promise it, repairs do it on request."""

from __future__ import annotations

from streamlab.apis.responses.expectations import ADDABLE, ID_BEGINS, text_of
from streamlab.apis.responses.item_index import MOST_OPEN, ItemIndex
from streamlab.apis.responses.items import Item
from streamlab.wire.payload import JsonObject


def may_be_added(delta: JsonObject, family: str, item: Item, known: ItemIndex) -> bool:
    """Whether an item may be added before the delta that is the first to come of it: its type and its id are known, and
    the delta can be about no other item."""
    place = known.place
    next_part = place is None or item.resumed or place[1] == item.parts.before(*place)
    named = item.kind in ADDABLE and _is_called(item)
    return named and next_part and not (_may_be_nothing(delta, item) or _may_be_of_another(item, family, known))


def _is_called(item: Item) -> bool:
    """Whether an item has an id, and none that items of another type have."""
    begin = item.id.partition("_")[0]
    return bool(item.id) and begin in (ID_BEGINS[item.kind], *({begin} - {*ID_BEGINS.values()}))


def _may_be_nothing(delta: JsonObject, item: Item) -> bool:
    """Whether a delta may be a keep-alive: white space under an id that is no message's."""
    begins = item.id.partition("_")[0] == ID_BEGINS[item.kind]
    return not begins and not text_of(delta.get("delta")).strip()


def _may_be_of_another(item: Item, family: str, known: ItemIndex) -> bool:
    """Whether an item is open that what names this one may be about: ids that are not stable name many."""
    others = (one for one in known.items[-MOST_OPEN:] if one is not item and one.open)
    return any(one.may_have(family) for one in others if one.opened or one.number in known.addable)
