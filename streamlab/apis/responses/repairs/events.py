"""Events that nobody sent: those of an item that came whole, and those that tell how a response failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamlab.apis.responses.expectations import (
    CREATED,
    ERROR,
    FAILED,
    FAMILY_ITEMS,
    IN_PROGRESS,
    ITEM_ADDED,
    ITEM_DONE,
    ITEM_EVENTS,
    LIFECYCLE,
    OWN_MEMBERS,
    PART_PIECES,
    PARTS,
    PIECES,
    WITH_STATUS,
    family_of,
    text_of,
)
from streamlab.apis.responses.facts import ResponseFact
from streamlab.rules.repair import ABSENT, Change, Chunk, Draft, ErrorPayload, Origin
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

#: Facts of events that say nothing new, and by which rule they go. The first that holds tells.
SAID_BEFORE = (
    (ResponseFact.REPLAYED, "responses-replayed-events"),
    (ResponseFact.AFTER_END, "responses-events-after-terminal"),
    (ResponseFact.HEARTBEAT, "responses-heartbeat-as-delta"),
    (ResponseFact.AGAIN, "responses-item-event-repeated"),
)
#: Codex takes items from their ends alone. What lets it read the end of the response would have it take the answer for
#: an empty one, where it raises now.
NEVER_ENDED = "an item was never done: who goes by such ends would miss nothing then"
#: Members of this API's own events: what has one is no keep-alive, whatever its type.
OWN = frozenset({"response", "item", "item_id", "part", "output_index"})
#: … and those in which they say something.
_SAYING = ("response", "item", "part", "delta")
EMPTY_MESSAGE: JsonObject = {"status": "in_progress", "role": "assistant", "content": []}
#: The members of an item that hold its parts, and the family of those.
_PARTED = {"summary": "response.reasoning_summary_part", "content": "response.content_part"}
_CALLED = {
    "function_call": ("response.function_call_arguments", "arguments"),
    "custom_tool_call": ("response.custom_tool_call_input", "input"),
    "mcp_call": ("response.mcp_call_arguments", "arguments"),
}


def is_of_another_type(value: JsonObject, kind: str) -> bool:
    """Whether an event lacks what its type says, and holds what another type would say instead."""
    if value.get("object") == "response" and kind not in LIFECYCLE:
        return True
    step = family_of(kind)[1]
    own = "response" if kind in LIFECYCLE else OWN_MEMBERS.get(kind, "delta" if step == "delta" else "")
    if own == "item" and type(value.get("item")) is not dict:
        return True
    others = (*_SAYING, "item_id") if own == "response" else _SAYING
    return bool(own) and own not in value and any(key in value for key in others)


def says_more(value: JsonObject) -> bool:
    """Whether an event that carries a response holds what those of other types say beside it."""
    return any(value.get(key) for key in (*_SAYING[1:], *PIECES.values()))


def made(value: JsonObject, like: Draft | None, rule: str, origin: Origin = Origin.DERIVED) -> Draft:
    """A new event that stands for what another one said."""
    sources = like.sources if like is not None else ()
    change = Change(rule, "", ABSENT, value.get("type"), origin)
    event = ErrorPayload(None, value) if value.get("error") else Chunk(None, value)
    return Draft(event, sources, [change], origin is Origin.INVENTED)


def begun(response: JsonObject) -> Iterator[JsonObject]:
    """The two events that open a response, as they would have been."""
    empty = {**response, "status": "in_progress", "output": [], "usage": None, "error": None}
    empty |= {"completed_at": None} if "completed_at" in response else {}
    empty |= {"incomplete_details": None} if "incomplete_details" in response else {}
    yield {"type": CREATED, "response": empty}
    yield {"type": IN_PROGRESS, "response": dict(empty)}


def item_events(item: JsonObject, index: int) -> Iterator[JsonObject]:
    """The events of an item that came whole: added, what is in it, done."""
    yield {"type": ITEM_ADDED, "output_index": index, "item": emptied(item)}
    yield from inner_events(item, index)
    yield {"type": ITEM_DONE, "output_index": index, "item": item}


def emptied(item: JsonObject) -> JsonObject:
    """An item as it is when it is added."""
    start = dict(item)
    if item.get("type") == "message":
        start["content"] = []
    elif item.get("type") == "reasoning":
        start["summary"] = []
        start.pop("content", None)
    elif text_of(item.get("type")) in _CALLED:
        start[_CALLED[item["type"]][1]] = ""
    if text_of(item.get("type")) in WITH_STATUS:
        start["status"] = "in_progress"
    return start


def inner_events(item: JsonObject, index: int) -> Iterator[JsonObject]:
    """What stands between added and done of a whole item."""
    place = {"item_id": item.get("id"), "output_index": index}
    called = _CALLED.get(text_of(item.get("type")))
    if called is not None:
        family, member = called
        whole = text_of(item.get(member))
        yield delta_event(family, whole, place)
        yield {"type": f"{family}.done", **place, member: whole}
    for member, family in _PARTED.items():
        kinds = FAMILY_ITEMS[family]
        listed = as_list(item.get(member)) if item.get("type") in kinds or item.get("type") not in ITEM_EVENTS else ()
        for number, part in enumerate(listed):
            yield from _part_events(as_object(part), {**place, f"{member}_index": number}, family)


def is_open(parts: set[tuple[str, int]], event: JsonObject) -> bool:
    """Whether an event opens a part of an item that is open already."""
    family, step = family_of(text_of(event.get("type")))
    member = PARTS.get(family, "")
    return step == "added" and (member, event.get(member)) in parts


def _part_events(part: JsonObject, place: JsonObject, family: str) -> Iterator[JsonObject]:
    piece = PART_PIECES.get(text_of(part.get("type")))
    if piece is None:
        return
    member = PIECES[piece]
    whole = part.get(member, "")
    if type(whole) is not str:
        return  # what it says is not known
    yield {"type": f"{family}.added", **place, "part": {**part, member: "", **empty_lists(part)}}
    if whole:
        yield delta_event(piece, whole, place)
    logprobs: JsonObject = {"logprobs": []} if piece == "response.output_text" else {}
    yield {"type": f"{piece}.done", **place, member: whole, **logprobs}
    yield {"type": f"{family}.done", **place, "part": part}


def empty_lists(part: JsonObject) -> JsonObject:
    """The lists of a text part, empty."""
    return {key: [] for key in ("annotations", "logprobs") if key in part}


def delta_event(family: str, piece: str, place: JsonObject) -> JsonObject:
    """A delta."""
    logprobs: JsonObject = {"logprobs": []} if family == "response.output_text" else {}
    return {"type": f"{family}.delta", **place, "delta": piece, **logprobs}


def part_added(family: str, place: JsonObject) -> JsonObject:
    """A part that is opened, for deltas of a family."""
    kind = next(kind for kind, piece in PART_PIECES.items() if piece == family)
    part: JsonObject = {"type": kind, PIECES[family]: ""}
    if kind == "output_text":
        part |= {"annotations": [], "logprobs": []}
    name = "response.reasoning_summary_part" if kind == "summary_text" else "response.content_part"
    return {"type": f"{name}.added", **place, "part": part}


def part_number(value: JsonObject, at: tuple[str, int] | None) -> JsonObject:
    """The member that numbers the part of an event, as it goes out."""
    return {at[0]: value.get(at[0])} if at is not None else {}


def error_event(code: str | None, message: str, kind: Any = None, param: Any = None) -> JsonObject:
    """An error as OpenAI sends it."""
    told = {"type": kind or "server_error", "code": code, "message": message, "param": param}
    return {"type": ERROR, "error": told}


def failed_event(response: JsonObject | None, output: list[JsonObject], code: str | None, message: str) -> JsonObject:
    """The event that ends a response that failed: what Codex shows."""
    known = response if response else {"id": "resp_unknown", "object": "response"}
    told = {
        **known,
        "status": "failed",
        "error": {"code": code or "server_error", "message": message},
        "incomplete_details": None,
        "output": output,
        "usage": None,
    }
    return {"type": FAILED, "response": told}
