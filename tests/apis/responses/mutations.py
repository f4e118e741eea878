"""Responses streams that nobody wrote: perfect, lawful and deviating ones with a few random mutations on top.

`mutated` makes the exchange of a number, always the same one. What it bends beside what every API's mutations do:
indexes, ids, statuses, usage, numbers, arguments and text that grow, and what the end says of the items.
"""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any

from streamlab.exchange import Exchange
from tests import responses
from tests.apis.event_mutations import LATER, Events, Mutator, events_of

_JUNK: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 2, 1.5, 10**20, "", "x", "0", "{}", '{"a":1}', "null", [], {}, [{}], {"a": 1}),
    *("message", "function_call", "reasoning", "output_text", "summary_text", "reasoning_text", "refusal"),
    *("response.completed", "in_progress", "completed", "incomplete", "failed", responses.MSG, responses.FC, "[DONE]"),
)
_KEYS = (
    *("text", "delta", "arguments", "type", "output_index", "content_index", "id", "item_id", "call_id", "name"),
    *("item", "part", "output", "content", "summary", "status", "usage", "error", "response", "sequence_number"),
)
_STATUSES = ("completed", "in_progress", "incomplete", "failed", None, "", "queued", 1)
_COUNTS: tuple[Any, ...] = (
    *(None, {}, {"input_tokens": 3, "output_tokens": 4}, {"prompt_tokens": 3, "completion_tokens": 4}),
    *({"input_tokens": "5", "output_tokens": "1", "total_tokens": "6"}, {"input_tokens_details": {}}),
)
STREAMS: list[Events] = [
    *(responses.text(), responses.tool(), responses.tools(), responses.mix(), responses.failed()),
    *(events for one in responses.LAWFUL.values() if (events := events_of(one))),
    *(events for name, case in responses.CASES.items() if name not in LATER and (events := events_of(case.exchange))),
]
_STRANGE: Events = [
    *(event for stream in STREAMS[:5] for event in stream),
    *(responses.event("keepalive"), {"type": "ping"}, {}, {"type": "response.new_event", "output_index": 0}),
    responses.event("output_item.added", output_index=0, item={"id": "x_1", "type": "new_call"}),
    responses.event("output_text.delta", item_id=responses.MSG, output_index=0, content_index=0, delta="\u200b"),
    *({"error": "boom"}, {"error": {"message": "x", "code": 500}}, {"type": "error", "message": "x", "code": "y"}),
    {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": None}]},
]


# -- what only these events have -------------------------------------------------------------------------------------


def _renumber(events: Events, at: int, rng: random.Random) -> None:
    key = rng.choice(("output_index", "output_index", "content_index", "summary_index", "sequence_number"))
    number = rng.choice((0, 1, 2, "0", None, 5, -1))
    for event in events[at : at + rng.randrange(1, 8)]:
        if key in event:
            event[key] = number


def _rename(events: Events, at: int, rng: random.Random) -> None:
    name = rng.choice((responses.MSG, responses.FC, responses.FC2, "other", "", None))
    for event in events[at : at + rng.randrange(1, 8)]:
        if "item_id" in event:
            event["item_id"] = name
        elif isinstance(event.get("item"), dict):
            event["item"]["id"] = name


def _grow(events: Events, at: int, rng: random.Random) -> None:
    so_far = ""
    for event in events:
        if isinstance(event.get("delta"), str):
            so_far += event["delta"]
            event["delta"] = so_far


def _status(events: Events, at: int, rng: random.Random) -> None:
    for holder in (events[at].get("item"), events[at].get("response"), events[-1].get("response")):
        if isinstance(holder, dict) and "status" in holder:
            holder["status"] = rng.choice(_STATUSES)


def _count(events: Events, at: int, rng: random.Random) -> None:
    held = events[-1].get("response")
    if isinstance(held, dict) and "usage" in held:
        held["usage"] = deepcopy(rng.choice(_COUNTS))


def _output(events: Events, at: int, rng: random.Random) -> None:
    """What the end lists of the items: one less, twice, in another order, or nothing."""
    held = events[-1].get("response")
    if isinstance(held, dict) and isinstance(held.get("output"), list) and held["output"]:
        listed = held["output"]
        held["output"] = rng.choice((listed[1:], listed * 2, listed[::-1], [], None))


def _lose(events: Events, at: int, rng: random.Random) -> None:
    """All events of one type are missing."""
    kind = events[at].get("type")
    events[:] = [event for event in events if event.get("type") != kind]


_OWN = (_renumber, _rename, _grow, _status, _count, _output, _lose)


# -- what a server does to all of its events ---------------------------------------------------------------------------


def _rotate(events: Events, at: int, rng: random.Random) -> None:
    """Every event has an id of its own for its item, and often no index, or that of the call before."""
    how, calls = rng.randrange(5), rng.random() < 0.3
    for place, event in enumerate(events):
        holder = event.get("item")
        if "item_id" in event:
            event["item_id"] = f"item_{place}"
        elif isinstance(holder, dict) and "id" in holder:
            holder["id"] = f"item_{place}"
            if calls and "call_id" in holder:
                holder["call_id"] = f"call_{place}"
        if "output_index" in event and how < 2:
            del event["output_index"]
        elif "output_index" in event and how == 2:
            event["output_index"] = 0


def _unindexed(events: Events, at: int, rng: random.Random) -> None:
    """From an event on a member that tells where it belongs is missing."""
    keys = rng.choice((("output_index",), ("item_id",), ("output_index", "item_id"), ("content_index",)))
    for event in events[at if rng.random() < 0.5 else 0 :]:
        for key in keys:
            event.pop(key, None)


def _in_turns(events: Events, at: int, rng: random.Random) -> None:
    """The events of two items come in turns."""
    inner = [event for event in events if "output_index" in event]
    lanes = [[event for event in inner if event["output_index"] == number] for number in (0, 1)]
    places = [place for place, event in enumerate(events) if event.get("output_index") in (0, 1)]
    for place in places:
        lane = rng.choice([lane for lane in lanes if lane] or [[events[place]]])
        events[place] = lane.pop(0)


def _one_id(events: Events, at: int, rng: random.Random) -> None:
    """All items have one id, and calls one call_id or one name."""
    for event in events:
        if "item_id" in event:
            event["item_id"] = "item_1"
        holders = [event.get("item"), *((event.get("response") or {}).get("output") or [])]
        for holder in holders:
            if isinstance(holder, dict):
                holder["id"] = "item_1"


def _names_late(events: Events, at: int, rng: random.Random) -> None:
    """Calls are added without what the end alone has: a name, a call_id, an id."""
    keys = rng.sample(("name", "call_id", "id", "type"), rng.randrange(1, 4))
    for event in events:
        if event.get("type") == "response.output_item.added" and isinstance(event.get("item"), dict):
            for key in keys:
                event["item"].pop(key, None)


def _half(events: Events, at: int, rng: random.Random) -> None:
    """Events of several types never come."""
    kinds = sorted({str(event.get("type")) for event in events})
    gone = set(rng.sample(kinds, min(len(kinds), rng.randrange(1, 5))))
    events[:] = [event for event in events if event.get("type") not in gone] or events


_SERVERS = (_rotate, _rotate, _unindexed, _in_turns, _one_id, _names_late, _half)
_MUTATOR = Mutator(STREAMS, _STRANGE, _JUNK, _KEYS, _OWN, responses.frame, responses.exchange, _SERVERS)


def mutated(number: int) -> Exchange:
    """The exchange of a number."""
    return _MUTATOR.mutated(number)
