"""Changes one thing in perfect streams: what `deviations` and `tool_deviations` are written with."""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from streamlab.exchange import Exchange
from tests import streams
from tests.streams import Payload, exchange, sse

Bend = Callable[[Payload], None]
TEXT, CALL, CALLS, USAGE = streams.chat_text(), streams.chat_tool(), streams.chat_tools(), streams.chat_usage()
WHOLE = sse(TEXT)
FIRST, LAST, NOT_LAST, ALL = slice(0, 1), slice(-1, None), slice(0, -1), slice(None)


def bent(payloads: list[Payload], bend: Bend, which: slice = ALL) -> Exchange:
    payloads = deepcopy(payloads)
    for payload in payloads[which]:
        bend(payload)
    return exchange(sse(payloads))


def setting(**members: Any) -> Bend:
    return lambda payload: payload.update(members)


def dropping(key: str) -> Bend:
    return lambda payload: payload.pop(key, None)


def of_choice(bend: Bend) -> Bend:
    return lambda payload: bend(payload["choices"][0]) if payload["choices"] else None


def of_delta(bend: Bend) -> Bend:
    return of_choice(lambda choice: bend(choice["delta"]))


def of_fragments(bend: Bend, later: bool | None = None) -> Bend:
    """A bend of tool call fragments: of all, of those that open a call, or of the later ones."""

    def each(payload: Payload) -> None:
        for fragment in payload["choices"][0]["delta"].get("tool_calls") or () if payload["choices"] else ():
            if later is None or later == ("id" not in fragment):
                bend(fragment)

    return each


def of_function(bend: Bend) -> Bend:
    return lambda fragment: bend(fragment["function"])
