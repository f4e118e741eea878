"""The response that ends a stream, held against the items that were streamed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from streamlab.apis.responses.expectations import (
    CALL_INPUT,
    CHAT_USAGE,
    COMPLETED,
    TERMINAL,
    UNCLOSED,
    USAGE_DETAILS,
    USAGE_REQUIRED,
)
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.items import Item, input_text, texts_of
from streamlab.rules.base import quote
from streamlab.wire.payload import JsonObject, decode_payload
from streamlab.wire.reading import as_list, as_object

_F = ResponseFact
#: Forms of two deviations (`Rule.variants`): clients take them otherwise than the others.
ID_OF_CALL = "the finished response alone has another id of a call"
ID_OF_OTHER = "the finished response alone has another id of a message or of reasoning"
OUTPUT_TEXT = "its output_text is not its text"
#: What is empty in the finished response alone, or there and where its item is done: the start has it.
EMPTIED = "a name or call_id of it is empty"
#: Items that are held against one another, at most.
_MOST = 1_000


class Pairs(NamedTuple):
    """The items of a finished response, by their places, and the streamed items that they are."""

    paired: list[tuple[int, JsonObject, Item]]
    added: list[tuple[int, JsonObject]]  # that nobody streamed
    lacking: list[Item]


def pairs(output: list[Any], items: list[Item], assumed: Collection[int] = ()) -> Pairs:
    """Which is which: by id, then what is left by type, in order; an item that nobody opened, or that is only
    ``assumed`` (a repair opened it), after all others."""
    listed = [(place, as_object(item)) for place, item in enumerate(output[:_MOST])]
    left = sorted(items[:_MOST], key=lambda item: not item.opened or item.number in assumed)
    paired: list[tuple[int, JsonObject, Item]] = []
    for same in (_same_id, _same_kind):
        rest = []
        for place, item in listed:
            match = next((one for one in left if same(one, item)), None)
            if match is None:
                rest.append((place, item))
            else:
                left.remove(match)
                paired.append((place, item, match))
        listed = rest
    lacking = [one for one in left if one.kind not in UNCLOSED and (one.opened or one.done is not None)]
    return Pairs(sorted(paired, key=lambda one: one[0]), listed, lacking)


def _same_id(item: Item, found: JsonObject) -> bool:
    kinds = (item.kind, as_object(item.done).get("type"))
    return bool(item.id) and found.get("id") == item.id and found.get("type") in kinds


def _same_kind(item: Item, found: JsonObject) -> bool:
    return found.get("type") == item.kind


def ended_early(terminal: str, final: JsonObject | None, items: list[Item]) -> bool:
    """Whether a response was completed with nothing in it while its items were still to come: what follows the end is
    no second answer but this one."""
    listed = as_object(final).get("output")
    return terminal == COMPLETED and not listed and (not items or any(item.open and item.opened for item in items))


def in_order(items: list[Item], index: Callable[[Item], int]) -> bool:
    """Whether the items that were done are what they were added as, and their indexes have the order of that."""
    done = [item for item in items if item.done is not None]
    moved = sorted(done, key=index) != done
    return not moved and all(item.kind and not item.changed_kind and item.agrees_with(item.last) for item in done)


def undone(items: list[Item]) -> bool:
    """Whether an item was opened and never done."""
    return any(item.open and item.opened and item.kind not in UNCLOSED for item in items)


def left_open(items: list[Item], response: JsonObject, assumed: Collection[int] = ()) -> list[Item]:
    """The items of which something came, and that neither an event of their own nor the finished response ends."""
    waiting = [item for item in items if item.done is None and not item.resumed and item.kind not in UNCLOSED]
    listed = {item.number for _, _, item in pairs(as_list(response.get("output")), items, assumed).paired}
    return [item for item in waiting if item.number not in listed]


def lacks_end(response: JsonObject, items: list[Item], index: Callable[[Item], int], *, open_: bool) -> bool:
    """Whether a response that would end the stream has no items or no sum, and could not get them; ``index`` is that
    of an item, and ``open_`` whether one was never done."""
    unlisted = not as_list(response.get("output")) and (undone(items) or not in_order(items, index))
    usage = as_object(response.get("usage"))
    wrong = any(lacks_details(usage, holder, member) for holder, member in USAGE_DETAILS)
    return unlisted or (bool(usage) and (wrong or usage.get("total_tokens") is None) and open_)


def lacks_details(usage: JsonObject, holder: str, member: str) -> bool:
    """Whether details of usage are told, and not as Codex reads them."""
    details = usage.get(holder)
    return details is not None and type(as_object(details).get(member)) is not int


def counts(usage: Any) -> bool:
    """Whether usage counts tokens, under whatever names, or is not told."""
    if type(usage) is not dict:
        return True
    told = {CHAT_USAGE.get(key, key): count for key, count in usage.items()}
    whole = all(type(told.get(member)) is int for member in USAGE_REQUIRED[:2])
    return whole and type(told.get(USAGE_REQUIRED[2])) in (int, type(None))


#: The event that ends a response, by its name in another API.
DONE_ELSEWHERE = "response.done"


class NamedEnd(NamedTuple):
    """An end by its name in another API: its type here, and why it cannot have that; "" where it can."""

    kind: str
    why: str


def named_end(value: JsonObject, items: list[Item], assumed: Collection[int], *, lacks: bool) -> NamedEnd | None:
    """What an event would be that ends the response by its name in another API; None for any other. ``lacks`` says
    whether it has not what it may not be without (`lacks_end`)."""
    response = as_object(value.get("response"))
    meant = f"response.{response.get('status')}"
    if value.get("type") != DONE_ELSEWHERE or meant not in TERMINAL:
        return None
    if lacks or not counts(response.get("usage")):
        return NamedEnd(meant, "what it lacks is not on the wire")
    listed = as_list(response.get("output"))
    if listed and any(contradictions(listed, items, assumed)):
        return NamedEnd(meant, "it says another answer than was streamed")
    return NamedEnd(meant, "")


def untrue(response: JsonObject, items: list[Item], assumed: Collection[int]) -> Iterator[Odd]:
    """What a finished response says otherwise than the items that were streamed, and than its own text."""
    output = as_list(response.get("output"))
    if items and output:
        yield from contradictions(output, items, assumed)
    odd = own_text(response)
    if odd is not None:
        yield odd


def contradictions(output: list[Any], items: list[Item], assumed: Collection[int] = ()) -> Iterator[Odd]:
    """What the finished response says otherwise than the stream."""
    matched = pairs(output, items, assumed)
    for place, found in matched.added:
        said = f"the finished response lists a {found.get('type')} that was never streamed"
        yield Odd(_F.FINAL, f"response.output[{place}]", said, None, found.get("type"))
    for item in matched.lacking:
        said = f"the finished response lacks the {item.kind or 'item'} at output_index {quote(item.index)}"
        yield Odd(_F.FINAL, "response.output", said, item.kind, None)
    order = {item.number: at for at, item in enumerate(items)}
    places = [order[item.number] for _, _, item in matched.paired]
    if places != sorted(places):
        yield Odd(_F.FINAL, "response.output", "the finished response lists the items in another order", None, None)
    yield from _ids(matched)
    for place, found, item in matched.paired:
        yield from _differences(f"response.output[{place}]", found, item)


def _ids(matched: Pairs) -> Iterator[Odd]:
    """Items that have another id at last: one place, however many they are, and that of a call before others."""
    path = ""
    for place, found, item in sorted(matched.paired, key=lambda one: not one[2].is_call):
        found_id = found.get("id")
        if item.id and type(found_id) is str and found_id != item.id:
            path = path or f"response.output[{place}].id"
            said = f"the id of output item {quote(item.index)} changes from {quote(item.id)} to {quote(found_id)}"
            yield Odd(_F.IDS, path, said, item.id, found_id, ID_OF_CALL if item.is_call else ID_OF_OTHER)


def own_text(response: JsonObject) -> Odd | None:
    """An ``output_text`` beside the items of a finished response that is not their text."""
    said, output = response.get("output_text"), as_list(response.get("output"))
    if type(said) is not str or not output:
        return None
    messages = [item for item in map(as_object, output) if item.get("type") == "message"]
    text = "".join(part for item in messages for part in texts_of(item, "response.output_text"))
    if said == text:
        return None
    told = f"output_text of the finished response is {quote(said)}, the text in it {quote(text)}"
    return Odd(_F.FINAL, "response.output_text", told, "(absent)", said, OUTPUT_TEXT)


def _differences(path: str, found: JsonObject, item: Item) -> Iterator[Odd]:
    if item.is_call:
        member = CALL_INPUT[item.kind]
        untold = item.done is None and not any(piece.deltas for piece in item.own_pieces)
        for name, was in (("call_id", item.call_id), ("name", item.name), (member, item.arguments)):
            now = found.get(name)
            now = input_text(now, next(iter(item.own_pieces), None)) if name == member else now
            streamed = "".join(str(piece.text) for piece in item.own_pieces) if name == member else None
            if type(now) is not str or not was or now in (was, streamed):
                continue
            if now == item.added.get(name) and (name != member or untold):
                continue  # as it was opened
            if name != member or not _same_json(now, was):
                said = f"{name} of the finished call is {quote(now)}, streamed was {quote(was)}"
                emptied = not now and name != member and item.done is not None and item.opened
                yield Odd(_F.FINAL, f"{path}.{name}", said, was, now, EMPTIED if emptied else None)
    elif item.kind == "message" and not item.doubtful:
        for family, name in (("response.output_text", "text"), ("response.refusal", "refusal")):
            was = item.text(family) if item.done is None else item.finished_text(family)
            now = "".join(texts_of(found, family))
            if now not in (was, item.text(family)):
                said = f"the finished message holds the {name} {quote(now)}, streamed was {quote(was)}"
                yield Odd(_F.FINAL, f"{path}.content", said, was, now)


def _same_json(one: str, other: str) -> bool:
    read = [decode_payload(text.encode("utf-8", "surrogatepass")) for text in (one, other)]
    return all(payload.ok and not payload.faults for payload in read) and read[0].value == read[1].value
