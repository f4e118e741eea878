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
_MUTATOR = Mutator(STREAMS, _STRANGE, _JUNK, _KEYS, _OWN, responses.frame, responses.exchange)


def mutated(number: int) -> Exchange:
    """The exchange of a number."""
    return _MUTATOR.mutated(number)
