"""Messages streams that nobody wrote: perfect, lawful and deviating ones with a few random mutations on top.

`mutated` makes the exchange of a number, always the same one. What it bends: whole events, members, indexes, tool
input that grows, the words of the end, usage, and the framing of one event or of all.
"""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any

from streamlab.exchange import Exchange
from tests import messages
from tests.apis.event_mutations import LATER, Events, Mutator, events_of

_JUNK: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 2, 1.5, 10**20, "", "x", "0", "{}", '{"a":1}', "null", [], {}, [{}], {"a": 1}),
    *("text", "thinking", "tool_use", "text_delta", "thinking_delta", "input_json_delta", "signature_delta"),
    *("message_start", "end_turn", "<think>", "</think>", '<invoke name="read_file">', "[DONE]"),
)
_KEYS = (
    *("text", "thinking", "signature", "partial_json", "type", "index", "id", "name", "input", "usage", "error"),
    *("stop_reason", "content", "reasoning_content", "delta", "message", "content_block"),
)
_WORDS = ("end_turn", "tool_use", "stop", "tool_calls", "max_tokens", None, "", "new_reason", 1)
_COUNTS: tuple[Any, ...] = (
    *(None, {}, {"input_tokens": 0, "output_tokens": 0}, {"prompt_tokens": 3, "completion_tokens": 4}),
    *({"input_tokens": "5", "output_tokens": "1"}, {"output_tokens": 0}),
)


STREAMS: list[Events] = [
    *(messages.text(), messages.tool(), messages.tools(), messages.thinking()),
    *(events for one in messages.LAWFUL.values() if (events := events_of(one))),
    *(events for name, case in messages.CASES.items() if name not in LATER and (events := events_of(case.exchange))),
]
_STRANGE: Events = [
    *(event for stream in STREAMS[:4] for event in stream),
    *(messages.PING, messages.ERROR, messages.STOP, messages.ended("tool_use"), messages.ended(None)),
    messages.opened(0, "server_tool_use", id="srvtoolu_1", name="web_search", input={}),
    messages.opened(1, "web_search_tool_result", tool_use_id="srvtoolu_1", content=[]),
    messages.opened(0, "redacted_thinking", data="abc"),
    messages.opened(0, "redacted_thinking"),
    messages.delta(0, "citations_delta", citation={"type": "char_location"}),
    *({"type": "vertex_event"}, {"error": "boom"}, {"error": {"message": "x", "code": 500}}),
    {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": None}]},
]


# -- what only these events have -------------------------------------------------------------------------------------


def _renumber(events: Events, at: int, rng: random.Random) -> None:
    number = rng.choice((0, 1, 2, "0", None, 5, -1))
    for event in events[at : at + rng.randrange(1, 8)]:
        if "index" in event:
            event["index"] = number


def _grow(events: Events, at: int, rng: random.Random) -> None:
    so_far = ""
    for event in events:
        delta = event.get("delta")
        if isinstance(delta, dict) and isinstance(delta.get("partial_json"), str):
            so_far += delta["partial_json"]
            delta["partial_json"] = so_far


def _word(events: Events, at: int, rng: random.Random) -> None:
    for event in events:
        if isinstance(event.get("delta"), dict) and "stop_reason" in event["delta"]:
            event["delta"]["stop_reason"] = rng.choice(_WORDS)


def _count(events: Events, at: int, rng: random.Random) -> None:
    for holder in (events[at], events[at].get("message")):
        if isinstance(holder, dict) and "usage" in holder:
            holder["usage"] = deepcopy(rng.choice(_COUNTS))


# -- what a server does to all of its events ---------------------------------------------------------------------------


def _reuse(events: Events, at: int, rng: random.Random) -> None:
    """All blocks have one index, counted or not, and often none is stopped."""
    how, stops, count = rng.randrange(3), rng.random() < 0.5, 0
    for event in events:
        if "index" in event and how == 0:
            event["index"] = 0
        elif "index" in event and how == 1:
            del event["index"]
        elif "index" in event:
            event["index"], count = count, count + 1
    if stops:
        events[:] = [event for event in events if event.get("type") != "content_block_stop"] or events


def _unstopped(events: Events, at: int, rng: random.Random) -> None:
    """Starts or stops of blocks never come, or come for every delta."""
    gone = rng.choice(("content_block_stop", "content_block_start", "message_start", "message_delta", "message_stop"))
    if rng.random() < 0.7:
        events[:] = [event for event in events if event.get("type") != gone] or events
        return
    kinds = [event for event in events if event.get("type") == gone][:1]
    for place in range(len(events) - 1, 0, -1):
        if events[place].get("type") == "content_block_delta":
            events[place:place] = deepcopy(kinds)


def _in_turns(events: Events, at: int, rng: random.Random) -> None:
    """The events of two blocks come in turns."""
    lanes = [[event for event in events if event.get("index") == number] for number in (0, 1)]
    for place in [place for place, event in enumerate(events) if event.get("index") in (0, 1)]:
        lane = rng.choice([lane for lane in lanes if lane] or [[events[place]]])
        events[place] = lane.pop(0)


def _rotate(events: Events, at: int, rng: random.Random) -> None:
    """Calls have one id, or none; a start comes again for every piece of a call, with another id or the same."""
    how = rng.randrange(4)
    last: dict[str, Any] = {}
    for place in range(len(events) - 1, -1, -1):
        block = events[place].get("content_block")
        if isinstance(block, dict) and "id" in block:
            block["id"] = ("toolu_1", f"toolu_{place}", None, block["id"])[how]
    for place, event in reversed([*enumerate(events)]):
        starts = [one for one in events[:place] if one.get("type") == "content_block_start"]
        last = starts[-1] if starts else {}
        pieces = isinstance(event.get("delta"), dict) and "partial_json" in event["delta"]
        if pieces and how != 2 and isinstance(last.get("content_block"), dict):
            again = deepcopy(last)
            if how == 1 and "id" in again["content_block"]:
                again["content_block"]["id"] = f"toolu_{place}"
            events.insert(place, again)


def _ends_early(events: Events, at: int, rng: random.Random) -> None:
    """The end of the message, or a usage, comes among its blocks, and perhaps again behind them."""
    ends = [event for event in events if event.get("type") in ("message_delta", "message_stop")]
    some = deepcopy(rng.sample(ends, rng.randrange(1, len(ends) + 1))) if ends else []
    if rng.random() < 0.5:
        events[:] = [event for event in events if event not in some]
    events[at:at] = some


_SERVERS = (_reuse, _reuse, _unstopped, _in_turns, _rotate, _ends_early)
_OWN = (_renumber, _grow, _word, _count)
_MUTATOR = Mutator(STREAMS, _STRANGE, _JUNK, _KEYS, _OWN, messages.frame, messages.exchange, _SERVERS)


def mutated(number: int) -> Exchange:
    """The exchange of a number."""
    return _MUTATOR.mutated(number)
