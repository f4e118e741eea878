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


_MUTATOR = Mutator(
    STREAMS, _STRANGE, _JUNK, _KEYS, (_renumber, _grow, _word, _count), messages.frame, messages.exchange
)


def mutated(number: int) -> Exchange:
    """The exchange of a number."""
    return _MUTATOR.mutated(number)
